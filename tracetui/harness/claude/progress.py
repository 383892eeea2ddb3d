"""What a parent's log tells of a subagent: versions to about 2.1.4x repeat each of its records within one of their own,
of type ``progress``, and some of them wrote no log for the subagent itself."""

from __future__ import annotations

import re
from typing import Any, Final

from tracetui.harness.base import Inner
from tracetui.model import Record

__all__ = ["inner"]

_AGENT: Final = re.compile(r"[A-Za-z0-9._-]{1,128}")
_ENVELOPE: Final = ("userType", "cwd", "sessionId", "version", "gitBranch", "slug")
_OWN: Final = ("type", "message", "uuid", "timestamp", "requestId", "toolUseResult", "isMeta")


def inner(record: Record) -> Inner | None:
    """The subagent's record within a parent's, as the subagent's own log would hold it; None where there is none.

    It names no parent record: those of its thread follow each other, and other threads stand between them.
    """
    value = record.value
    if value.get("type") != "progress":
        return None
    data = value.get("data")
    if type(data) is not dict or data.get("type") != "agent_progress":
        return None
    agent, message = data.get("agentId"), data.get("message")
    if type(agent) is not str or not _AGENT.fullmatch(agent) or type(message) is not dict:
        return None
    if message.get("type") not in ("user", "assistant"):
        return None
    made: dict[str, Any] = {name: value[name] for name in _ENVELOPE if name in value}
    made.update(isSidechain=True, agentId=agent)
    made.update((name, message[name]) for name in _OWN if name in message)
    session = value.get("sessionId")
    return Inner(agent, session if type(session) is str else "", record._replace(value=made))
