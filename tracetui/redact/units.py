"""The strings of a record, each at its JSON pointer, and which of them are ids or opaque by the harness's schema.

The unit of redaction is the decoded string at a path: values and keys alike. Only exact schema paths are left out:
ids of the envelope, which join records, and signatures, encrypted text and image data, which exports drop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

__all__ = [
    "PIXEL",
    "Node",
    "Unit",
    "is_opaque",
    "is_skipped",
    "left_out",
    "new_key",
    "pointer_after",
    "rewrite",
    "schema",
    "texts",
    "units",
]

PIXEL: Final = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII="
"""A PNG of one transparent pixel, in base64: what stands for a dropped image."""

Path = tuple[str, ...]


class Unit(NamedTuple):
    """A decoded string of a record. ``field`` is the JSON pointer of the value, or of the member whose key it is."""

    field: str
    text: str
    in_key: bool


def _paths(text: str) -> frozenset[Path]:
    return frozenset(tuple(line.split("/")) for line in text.split())


_IDS: Final[dict[str, frozenset[Path]]] = {
    "claude": _paths(
        """
        uuid parentUuid sessionId logicalParentUuid requestId timestamp type version messageId leafUuid promptId
        toolUseID parentToolUseID sourceToolAssistantUUID sourceToolUseID agentId userType isSidechain
        snapshot/messageId snapshot/timestamp message/id message/type message/role message/model
        message/content/*/type message/content/*/id message/content/*/tool_use_id message/content/*/name
        data/type data/message/uuid data/message/timestamp data/message/requestId data/message/type
        data/message/message/id data/message/message/type data/message/message/role
        data/message/message/content/*/id data/message/message/content/*/tool_use_id
        data/message/message/content/*/type data/agentId toolUseResult/agentId toolUseResult/toolUseId
        """
    ),
    "codex": _paths(
        """
        timestamp type payload/type payload/id payload/call_id payload/session_id payload/turn_id payload/role
        payload/conversation_id payload/originator payload/cli_version payload/forked_from_id payload/item/id
        payload/item/call_id payload/item/type payload/replacement_history/*/id
        payload/replacement_history/*/call_id payload/replacement_history/*/type payload/content/*/type
        id git/commit_hash payload/git/commit_hash call_id
        """
    ),
    "pi": _paths(
        """
        type id parentId timestamp version message/role message/id message/toolCallId message/toolName message/provider
        message/api message/model message/responseId message/stopReason message/content/*/type message/content/*/id
        firstKeptEntryId targetId fromId provider modelId parentSession/id
        """
    ),
}  # fmt: skip
_OPAQUE: Final[dict[str, frozenset[Path]]] = {
    "claude": _paths(
        """
        message/content/*/signature message/content/*/data message/content/*/source/data
        message/content/*/content/*/source/data data/message/message/content/*/signature
        data/message/message/content/*/source/data data/message/message/content/*/content/*/source/data
        toolUseResult/file/base64 toolUseResult/*/source/data toolUseResult/content/*/source/data
        attachment/file/base64 attachment/content/file/base64
        """
    ),
    "codex": _paths(
        """
        payload/encrypted_content payload/item/encrypted_content payload/replacement_history/*/encrypted_content
        payload/content/*/image_url payload/images/* payload/output/*/image_url payload/result
        payload/replacement_history/*/content/*/image_url encrypted_content content/*/image_url
        """
    ),
    "pi": _paths(
        """
        message/content/*/thinkingSignature message/content/*/textSignature message/content/*/thoughtSignature
        message/content/*/data message/details/images/*/data
        """
    ),
}  # fmt: skip


def is_skipped(harness: str, path: Path) -> bool:
    """Whether the value at a path (list places as ``*``) is an id or word of the envelope."""
    return path in _IDS.get(harness, ())


def is_opaque(harness: str, path: Path, value: str) -> bool:
    """Whether the value at a path is a signature, encrypted text or image data: dropped from what is shared."""
    return path in _OPAQUE.get(harness, ()) and _opaque_here(path, value)


def _opaque_here(path: Path, value: str) -> bool:
    if path[-1] == "image_url":
        return value.startswith("data:")
    # A hosted tool's result is opaque only as an image.
    return path != ("payload", "result") or len(value) > 512


Node = dict[str, Any]
"""A place in the tree of schema paths: the names below it, and under ``""`` what is known of a string there."""


@lru_cache(16)
def schema(harness: str) -> Node:
    """The paths of a harness that are left out, as a tree: ``""`` holds ``id`` or ``opaque``."""
    root: Node = {}
    for known, what in ((_IDS, "id"), (_OPAQUE, "opaque")):
        for path in known.get(harness, ()):
            node = root
            for name in path:
                node = node.setdefault(name, {})
            node.setdefault("", (what, path))
    return root


def left_out(node: Node | None, value: str) -> str:
    """``id`` or ``opaque`` for a string at a place of the schema that is not scanned, else empty."""
    if not node or (known := node.get("")) is None:
        return ""
    what, path = known
    return what if what == "id" or _opaque_here(path, value) else ""


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1") if "/" in name or "~" in name else name


def units(value: Any, harness: str = "") -> Iterator[Unit]:
    """Every string of a record that is scanned, keys before the values that they name."""
    stack: list[tuple[Any, str, Node | None]] = [(value, "", schema(harness))]
    while stack:
        item, field, node = stack.pop()
        if isinstance(item, str):
            if item and not left_out(node, item):
                yield Unit(field, item, False)
        elif isinstance(item, dict):
            further: list[tuple[Any, str, Node | None]] = []
            for name, inner in item.items():
                below = f"{field}/{_escaped(name)}"
                if name:
                    yield Unit(below, name, True)
                if isinstance(inner, str | dict | list):
                    further.append((inner, below, node.get(name) if node and name else None))
            further.reverse()
            stack += further
        elif isinstance(item, list):
            node = node.get("*") if node else None
            stack += [
                (inner, f"{field}/{nth}", node)
                for nth, inner in reversed([*enumerate(item)])
                if isinstance(inner, str | dict | list)
            ]


def texts(value: Any, harness: str = "") -> list[str]:
    """The strings of ``units`` alone, in no order that matters, many times faster."""
    out: list[str] = []
    stack: list[tuple[Any, Node | None]] = [(value, schema(harness))]
    while stack:
        item, node = stack.pop()
        if isinstance(item, str):
            if item and not (node and left_out(node, item)):
                out.append(item)
        elif isinstance(item, dict):
            out += item
            if node:
                stack += [
                    (inner, node.get(name) if name else None)
                    for name, inner in item.items()
                    if isinstance(inner, str | dict | list)
                ]
            else:
                for inner in item.values():
                    if isinstance(inner, str):
                        out.append(inner)
                    elif isinstance(inner, dict | list):
                        stack.append((inner, None))
        elif isinstance(item, list):
            node = node.get("*") if node else None
            stack += [(inner, node) for inner in item if isinstance(inner, str | dict | list)]
    return out


def rewrite(value: Any, change: Callable[[str, str, Path, bool], str], renamed: dict[str, str] | None = None) -> Any:
    """A copy of a JSON value in which every string went through ``change(text, field, path, in_key)``.

    Keys that become the same get a number behind them, so that no member is lost. ``renamed`` is filled with the
    pointers of members whose key changed, and their new keys.
    """
    return _rewrite(value, "", (), change, {} if renamed is None else renamed, 0)


def new_key(key: str, name: str, value: Mapping[str, Any], out: Mapping[str, Any]) -> str:
    """What a member called ``name`` is called from now on, that no other one of ``value`` or ``out`` is called."""
    base, n = key, 2
    while key in out or (key in value and key != name):
        key, n = f"{base}{n}", n + 1
    return key


def _rewrite(
    value: Any,
    field: str,
    path: Path,
    change: Callable[[str, str, Path, bool], str],
    renamed: dict[str, str],
    depth: int,
) -> Any:
    if isinstance(value, str):
        return change(value, field, path, False)
    if depth > 900:
        return None
    if isinstance(value, dict):
        out: dict[str, Any] = {}
        for name, inner in value.items():
            below = f"{field}/{_escaped(name)}"
            key = change(name, below, (*path, name), True) if name else name
            if key != name:
                key = new_key(key, name, value, out)
                renamed[below] = key
            out[key] = _rewrite(inner, below, (*path, name), change, renamed, depth + 1)
        return out
    if isinstance(value, list):
        return [
            _rewrite(inner, f"{field}/{nth}", (*path, "*"), change, renamed, depth + 1)
            for nth, inner in enumerate(value)
        ]
    return value


def pointer_after(field: str, renamed: Mapping[str, str]) -> str:
    """Where a pointer leads after members were renamed as ``rewrite`` says."""
    if not renamed:
        return field
    out = before = ""
    for part in field.split("/")[1:]:
        before = f"{before}/{part}"
        held = renamed.get(before)
        out = f"{out}/{part if held is None else _escaped(held)}"
    return out
