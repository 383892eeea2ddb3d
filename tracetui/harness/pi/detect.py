"""Telling Pi's logs from others that begin alike: HF session traces, dsh, Cursor imports, Droid, Copilot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

__all__ = ["detect"]

_ENTRIES: Final = frozenset(
    {
        "message",
        "model_change",
        "thinking_level_change",
        "compaction",
        "branch_summary",
        "custom",
        "custom_message",
        "label",
        "session_info",
        "usage",
        "context_edit",
    }
)
_OWN_ROLES: Final = frozenset({"toolResult", "bashExecution", "hookMessage", "branchSummary", "compactionSummary"})
_OWN_STOPS: Final = frozenset({"toolUse", "stop", "length", "aborted", "error"})


def detect(head: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the first records of a file are Pi's or OpenClaw's.

    A header that only Pi writes, and after it, if anything, entries of Pi's; or, where the header is missing, a message
    in a shape that is Pi's alone.
    """
    header = next((record for record in head if record.get("type") == "session"), None)
    rest = [record for record in head if record is not header]
    if any(
        isinstance(kind := record.get("type"), str) and kind.startswith("session_") and kind != "session_info"
        for record in head
    ):
        return False
    if header is not None:
        if not _is_header(header):
            return False
        if not rest:
            return isinstance(header.get("cwd"), str)
        return any(_is_entry(record) for record in rest)
    return any(_is_message(record) for record in rest)


def _is_header(value: Mapping[str, Any]) -> bool:
    version = value.get("version")
    return (
        isinstance(value.get("id"), str)
        and isinstance(value.get("timestamp"), str)
        and "harness" not in value
        and "createdAt" not in value
        and "payload" not in value
        and (version is None or (type(version) is int and version > 0))
    )


def _is_entry(value: Mapping[str, Any]) -> bool:
    kind = value.get("type")
    if kind == "session":
        return _is_header(value)
    if "seq" in value or not isinstance(value.get("timestamp"), str):
        return False
    if not isinstance(kind, str) or kind not in _ENTRIES:  # a type of a later version
        return isinstance(value.get("id"), str) and "parentId" in value
    if kind == "message":
        message = value.get("message")
        return isinstance(message, Mapping) and isinstance(message.get("role"), str)
    return True


def _is_message(value: Mapping[str, Any]) -> bool:
    """A message that no other harness writes so."""
    message = value.get("message")
    if value.get("type") != "message" or not isinstance(message, Mapping) or not _is_entry(value):
        return False
    role, stop = message.get("role"), message.get("stopReason")
    if isinstance(role, str) and role in _OWN_ROLES:
        return True
    return (
        role == "assistant"
        and isinstance(message.get("content"), list)
        and isinstance(stop, str)
        and stop in _OWN_STOPS
        and isinstance(message.get("provider"), str)
    )
