"""Whether a file is Claude Code's, by the shape of its first records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

__all__ = ["BOOKKEEPING", "detect"]

BOOKKEEPING: Final[dict[str, str]] = {
    "agent-color": "sessionId",
    "agent-name": "agentName",
    "agent-setting": "sessionId",
    "ai-title": "aiTitle",
    "atis-latch": "atis",
    "attribution-snapshot": "messageId",
    "bridge-session": "bridgeSessionId",
    "content-replacement": "sessionId",
    "cost-state": "sessionId",
    "custom-title": "customTitle",
    "file-history-delta": "messageId",
    "file-history-snapshot": "snapshot",
    "frame-link": "frameUrl",
    "last-prompt": "sessionId",
    "api-request": "sessionId",
    "api-request-blob": "sessionId",
    "api-request-shape": "sessionId",
    "tools-used": "sessionId",
    "mode": "mode",
    "permission-mode": "permissionMode",
    "pr-link": "prNumber",
    "queue-operation": "operation",
    "relocated": "relocatedCwd",
    "summary": "leafUuid",
    "tag": "tag",
    "task-summary": "sessionId",
    "worktree-state": "worktreeSession",
}
"""Records that keep the books of a session, and a key that only Claude Code's record of that type carries."""

_NEEDS_SESSION: Final = frozenset({"mode", "permission-mode", "tag"})


def detect(head: Sequence[Mapping[str, Any]]) -> bool:
    """Whether these first records (up to 20) are Claude Code's.

    A turn decides (``user`` or ``assistant`` with a session id and message content, ``system``, ``attachment`` or
    ``progress`` with ids); without one, records that only Claude Code writes are enough. Qwen Code writes nearly the
    same envelope: its messages have ``parts``, its versions begin with 0.
    """
    kept = turn = False
    for value in head:
        kind = value.get("type")
        if not isinstance(kind, str) or "payload" in value:
            continue
        if kind in BOOKKEEPING:
            kept = kept or (BOOKKEEPING[kind] in value and (kind not in _NEEDS_SESSION or "sessionId" in value))
        elif isinstance(value.get("sessionId"), str):
            if _another(value):
                return False
            turn = turn or _turn(kind, value)
    return turn or kept


def _another(value: Mapping[str, Any]) -> bool:
    """Whether a record is of a program that writes the same envelope."""
    version, message = value.get("version"), value.get("message")
    if version is not None and (not isinstance(version, str) or version.startswith("0.")):
        return True
    return isinstance(message, Mapping) and "parts" in message and "content" not in message


def _turn(kind: str, value: Mapping[str, Any]) -> bool:
    """Whether a record decides that it is Claude Code."""
    if kind in ("user", "assistant"):
        message = value.get("message")
        if isinstance(message, Mapping):
            return "content" in message
        return "uuid" in value and "parentUuid" in value
    if "uuid" not in value:
        return False
    if kind == "attachment":
        return isinstance(value.get("attachment"), Mapping)
    if kind == "progress":
        return "data" in value
    return kind == "system" and ("subtype" in value or "parentUuid" in value)
