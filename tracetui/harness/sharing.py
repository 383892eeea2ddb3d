"""What may leave a range of steps: an allow-list of fields per kind of record, and how records stand on one another.

A record is a step's own words and what the harness puts beside them: summaries of what was compacted, replaced history,
whole files as they were, lists of tasks, instructions, ids of other records. Nothing of it leaves a range but what its
harness's ``Sharing`` names; ``capsule.strip`` applies it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from tracetui.harness.fields import paths

__all__ = ["LEFT_OUT", "Allowed", "OwnSteps", "Sharing", "allow", "blank", "cut_blocks"]

LEFT_OUT: Final = "[text from before the episode, left out]"

Allowed = dict[str, Any]
"""A place in the tree of fields that may leave: the names below it, and under ``""`` whether a value there leaves:
True, or False where it is known and never does."""


def allow(common: str, kinds: Mapping[str, str]) -> dict[str, Allowed]:
    """The allow-list of a harness: ``common`` fields of every record, then those of each kind (several kinds of the
    same fields are separated by blanks), in the notation of ``fields``. A name after ``-`` is known and never leaves. A
    field without names below stays whole. The kind ``*`` (made where it is missing) is that of records of no other."""
    out: dict[str, Allowed] = {}
    for names, text in {"*": "", **kinds}.items():
        tree: Allowed = {}
        for path in (*paths(common), *paths(text)):
            node = tree
            for name in path:
                node = node.setdefault(name.removeprefix("-"), {})
            node[""] = not any(name.startswith("-") for name in path)
        for name in names.split():
            out[name] = tree
    return out


class OwnSteps:
    """Of a record that steps outside the range share, what belongs to the range's: the ``keys`` of its steps (a
    record's id and the block), and the ids of their ``calls``."""

    __slots__ = ("calls", "keys")

    def __init__(self, keys: Iterable[str], calls: Iterable[str]) -> None:
        self.keys = frozenset(keys)
        self.calls = frozenset(calls)

    def block(self, nth: int, block: Any) -> bool:
        """Whether the block is one of theirs: by its call's id, else by its number."""
        if isinstance(block, dict):
            for name in ("tool_use_id", "toolCallId", "id"):
                if isinstance(block.get(name), str) and block[name] in self.calls:
                    return True
            if isinstance(block.get("tool_use_id"), str):
                return False
        return any(key.endswith(f":{nth}") for key in self.keys)


Sayings = Callable[[], Iterable[tuple[str, str]]]
"""The (key, text) of the texts that a record says by itself."""


def blank(value: Any, keep: AbstractSet[str] = frozenset(), key: str = "") -> Any:
    """A value with every text left out but those below the keys ``keep``."""
    if isinstance(value, str):
        return value if not value or key in keep else LEFT_OUT
    if isinstance(value, dict):
        return {name: blank(item, keep, name) for name, item in value.items()}
    if isinstance(value, list):
        return [blank(item, keep, key) for item in value]
    return value


def cut_blocks(value: dict[str, Any], own: OwnSteps, sayings: Sayings, whole: bool) -> dict[str, Any]:
    """The ``cut`` of records with ``message.content`` as a list of blocks: those of the range's steps alone."""
    message = value.get("message")
    if not isinstance(message, dict):
        return value
    content = message.get("content")
    if isinstance(content, list):
        kept = [
            block if own.block(nth, block) else _emptied(block)
            for nth, block in enumerate(content)
            if whole or own.block(nth, block)
        ]
        message = {**message, "content": kept}
    if "errorMessage" in message and not any(key.endswith(":end") for key in own.keys):
        message = {name: item for name, item in message.items() if name != "errorMessage"}
        if message.get("stopReason") in ("error", "aborted") and content:
            message["stopReason"] = "stop"
    return {**value, "message": message}


def _emptied(block: Any) -> Any:
    return blank(block, keep=frozenset({"type", "id", "name"})) if isinstance(block, dict | list | str) else block


@dataclass(frozen=True, slots=True)
class Sharing:
    """The rules of one harness for what leaves a range of steps; all are pure.

    ``kind`` names the kind of a record, ``allowed`` what of each kind may leave (see ``allow``); what is not named
    there is left out and counted. ``empty`` comes before the allow-list, for what depends on more than the place: it
    empties summaries and the like (texts become ``LEFT_OUT``, the record keeps its shape); its second argument is
    whether the record makes a compaction.
    """

    kind: Callable[[Mapping[str, Any]], str]
    allowed: Mapping[str, Allowed]
    empty: Callable[[dict[str, Any], bool], dict[str, Any]] = lambda value, compaction: value
    cut: Callable[[dict[str, Any], OwnSteps, Sayings, bool], dict[str, Any]] = cut_blocks
    """A record that steps outside the range share, with what is the range's alone: ``cut(value, own, sayings, whole)``.
    ``whole``: every block stays in its place, emptied, for whom counts them."""
    parent: tuple[str, str] | None = None
    """The fields of a record's id and of its parent's, where records form a tree."""
    links: Mapping[str, Literal["drop", "own", "parent"]] = field(default_factory=dict)
    """Further fields with ids of records, and what becomes of one whose record is not carried: it goes, becomes the
    record's own id, or its parent's (``root`` where there is none)."""
    heads: AbstractSet[str] = frozenset()
    """Kinds of which the first record says what log it is."""
    settings: AbstractSet[str] = frozenset()
    """Kinds of which the last record before the range holds for it (model, folder), and those within it."""
    frame: AbstractSet[str] = frozenset()
    """Kinds within the range that are no step, hold no text of a conversation, and without which its steps would lack
    model or tokens."""
    trailing: AbstractSet[str] = frozenset()
    """Kinds of the ``frame`` that belong to the last step also where they stand up to eight lines behind it."""
