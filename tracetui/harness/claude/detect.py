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
    kept = False
    turn = False
    for value in head:
        kind = value.get("type")
        if not isinstance(kind, str) or "payload" in value:
            continue
        if kind in BOOKKEEPING:
            kept = kept or (BOOKKEEPING[kind] in value and (kind not in _NEEDS_SESSION or "sessionId" in value))
            continue
        if not isinstance(value.get("sessionId"), str):
            continue
        version = value.get("version")
        if version is not None and (not isinstance(version, str) or version.startswith("0.")):
            return False
        if kind in ("user", "assistant"):
            message = value.get("message")
            if isinstance(message, Mapping):
                if "parts" in message and "content" not in message:
                    return False
                turn = turn or "content" in message
            else:
                turn = turn or ("uuid" in value and "parentUuid" in value)
        elif kind == "attachment":
            turn = turn or (isinstance(value.get("attachment"), Mapping) and "uuid" in value)
        elif kind == "progress":
            turn = turn or ("uuid" in value and "data" in value)
        elif kind == "system":
            turn = turn or ("uuid" in value and ("subtype" in value or "parentUuid" in value))
    return turn or kept
