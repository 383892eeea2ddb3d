"""``messages``: a conversation a line, for supervised fine-tuning: chat turns with tool calls as chat templates take
them, of one shape throughout, so that a column of them has one type."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from tracetui.capsule.export import Redacted, RedactedLog, register
from tracetui.dataset.turns import Turn, messages_of, tools_of, turns_of

__all__ = ["row_of", "tool_definitions"]


@register("messages")
def _messages(session: Redacted) -> Iterator[tuple[str, bytes]]:
    rows = (row_of(session, log) for log in session.logs)
    yield (
        f"{session.harness}-{session.id}.jsonl",
        b"".join(orjson.dumps(row) + b"\n" for row in rows if row["messages"]),
    )


def row_of(session: Redacted, log: RedactedLog) -> dict[str, Any]:
    """The line of one log: the session's own thread, or that of a subagent."""
    turns = turns_of(log.steps)
    return {
        "session": session.id,
        "harness": session.harness,
        "agent": log.agent,
        "part": log.part,
        "model": next((turn.model for turn in turns if turn.model), None),
        "messages": messages_of(turns),
        "tools": tool_definitions(turns),
    }


def tool_definitions(turns: list[Turn]) -> list[dict[str, Any]]:
    """The tools that were called. Logs do not hold what the model was told of them, so that only the names are known;
    the parameters are any."""
    return [
        {
            "type": "function",
            "function": {
                "name": name,
                "description": "",
                "parameters": {"type": "object", "additionalProperties": True},
            },
        }
        for name in tools_of(turns)
    ]
