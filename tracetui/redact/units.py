"""The strings of a record, each at its JSON pointer, and which of them are ids or opaque by the harness's schema.

The unit of redaction is the decoded string at a path: values and keys alike. Only exact schema paths are left out:
ids of the envelope, which join records, and signatures, encrypted text and image data, which exports drop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

__all__ = ["PIXEL", "Unit", "is_opaque", "is_skipped", "rewrite", "units"]

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
    if path in _OPAQUE.get(harness, ()):
        if path[-1] == "image_url":
            return value.startswith("data:")
        # A hosted tool's result is opaque only as an image.
        return path != ("payload", "result") or len(value) > 512
    return False


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def units(value: Any, harness: str = "") -> Iterator[Unit]:
    """Every string of a record that is scanned, keys before the values that they name."""
    stack: list[tuple[Any, str, Path]] = [(value, "", ())]
    while stack:
        item, field, path = stack.pop()
        if isinstance(item, str):
            if item and not is_skipped(harness, path) and not is_opaque(harness, path, item):
                yield Unit(field, item, False)
        elif isinstance(item, dict):
            further: list[tuple[Any, str, Path]] = []
            for name, inner in item.items():
                below = f"{field}/{_escaped(name)}"
                if name:
                    yield Unit(below, name, True)
                if isinstance(inner, str | dict | list):
                    further.append((inner, below, (*path, name)))
            stack += reversed(further)
        elif isinstance(item, list):
            stack += [
                (inner, f"{field}/{nth}", (*path, "*"))
                for nth, inner in reversed([*enumerate(item)])
                if isinstance(inner, str | dict | list)
            ]


def rewrite(value: Any, change: Callable[[str, str, Path, bool], str]) -> Any:
    """A copy of a JSON value in which every string went through ``change(text, field, path, in_key)``.

    Keys that become the same get a number behind them, so that no member is lost.
    """
    return _rewrite(value, "", (), change, 0)


def _rewrite(value: Any, field: str, path: Path, change: Callable[[str, str, Path, bool], str], depth: int) -> Any:
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
                base, n = key, 2
                while key in out or (key in value and key != name):
                    key, n = f"{base}{n}", n + 1
            out[key] = _rewrite(inner, below, (*path, name), change, depth + 1)
        return out
    if isinstance(value, list):
        return [_rewrite(inner, f"{field}/{nth}", (*path, "*"), change, depth + 1) for nth, inner in enumerate(value)]
    return value
