"""``trace-commons``: a session a line, as the table of Trace Commons (`trace-commons/agent-traces`) has it, with
``task, messages, tools_used, outcome`` before its published columns.

``outcome`` is ``pass`` or ``fail`` only by a ground that is named (``outcome_ground``), else ``unknown``. The table's
column of raw records is the format ``harness``, a file a session.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from tracetui.capsule.export import Redacted, register
from tracetui.dataset.formats.chat import tool_definitions
from tracetui.dataset.outcomes import outcome_of
from tracetui.dataset.turns import messages_of, tools_of, turns_of
from tracetui.model import Tokens, to_iso

__all__ = ["row_of"]


@register("trace-commons")
def _commons(session: Redacted) -> Iterator[tuple[str, bytes]]:
    yield f"{session.harness}-{session.id}.jsonl", orjson.dumps(row_of(session)) + b"\n"


def row_of(session: Redacted) -> dict[str, Any]:
    """The line of a session: its own thread in order, of subagents the tools, calls and tokens alone."""
    own = [log for log in session.logs if log.agent is None] or list(session.logs[:1])
    turns = [turn for log in own for turn in turns_of(log.steps)]
    every = [turn for log in session.logs for turn in turns_of(log.steps)]
    prompts = [turn for turn in turns if turn.kind == "prompt"]
    steps = [step for log in own for step in log.steps]
    outcome = outcome_of(steps)
    facts = own[0].facts if own else None
    tokens = sum((turn.tokens for turn in every if turn.tokens is not None), Tokens())
    times = [step.time for step in steps if step.time is not None]
    return {
        "task": prompts[0].text if prompts else session.title or "",
        "messages": messages_of(turns),
        "tools_used": tools_of(every),
        "outcome": outcome.outcome,
        "outcome_ground": outcome.ground,
        "harness": session.harness,
        "session_id": session.id,
        "prompt": prompts[0].text if prompts else "",
        "tools": tool_definitions(every),
        "metadata": {
            "source_file": f"{session.harness}/{session.id}.jsonl",
            "session_id": session.id,
            "trace_type": session.harness,
            "model_provider": None,
            "model": next((turn.model for turn in turns if turn.model), None),
            "cwd": facts.cwd if facts else None,
            "cli_version": facts.version if facts else None,
            "turn_count": len(prompts),
            "usage": {
                "input_tokens": tokens.prompt,
                "output_tokens": tokens.output,
                "cached_tokens": tokens.cache_read,
            },
        },
        "sent_at": to_iso(min(times, default=None)),
        "num_user_messages": len(prompts),
        "num_tool_calls": sum(len(turn.calls) for turn in every),
        "file_path": f"{session.harness}-{session.id}.jsonl",
    }
