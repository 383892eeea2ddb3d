"""``atif``: the Agent Trajectory Interchange Format of Harbor (RFC 0001), version 1.7: one JSON file a session, its
subagents within.

A step of a trajectory is a turn: a prompt, a response of the model with its calls and what they gave, or an event of
the harness. ``extra.steps`` names the steps of the session that it is made of.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import orjson

from tracetui.capsule.export import Redacted, RedactedLog, register
from tracetui.dataset.turns import Call, Turn, arguments_of, turns_of
from tracetui.model import Tokens, to_iso

__all__ = ["VERSION", "trajectory_of"]

VERSION: Final = "ATIF-v1.7"
"""The first with embedded subagents; nothing later is used, and 1.8 reads it."""


@register("atif")
def _atif(session: Redacted) -> Iterator[tuple[str, bytes]]:
    data = orjson.dumps(trajectory_of(session), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    yield f"{session.harness}-{session.id}.json", data


def trajectory_of(session: Redacted) -> dict[str, Any]:
    """The trajectory of a session; further parts of it follow the first, each subagent is one within it."""
    own = [log for log in session.logs if log.agent is None]
    rest = [log for log in session.logs if log.agent is not None]
    if not own:
        own, rest = rest[:1], rest[1:]
    held: dict[str, list[RedactedLog]] = {}
    for log in rest:
        held.setdefault(log.agent or "", []).append(log)
    made = _trajectory(session, own, session.id, frozenset(held))
    below = [_trajectory(session, logs, name, frozenset(held)) for name, logs in sorted(held.items())]
    if below:
        made["subagent_trajectories"] = below
    return made


def _trajectory(session: Redacted, logs: Sequence[RedactedLog], name: str, below: frozenset[str]) -> dict[str, Any]:
    turns = [turn for log in logs for turn in turns_of(log.steps)]
    steps = [_step(nth, turn, below - {name}) for nth, turn in enumerate(turns, 1)]
    facts = logs[0].facts if logs else None
    model = next((turn.model for turn in turns if turn.model), None)
    agent: dict[str, Any] = {"name": session.harness, "version": (facts and facts.version) or "unknown"}
    if model:
        agent["model_name"] = model
    return {
        "schema_version": VERSION,
        "session_id": session.id,
        "trajectory_id": name,
        "agent": agent,
        "steps": steps,
        "final_metrics": _totals(turns, len(steps)),
    }


def _totals(turns: Sequence[Turn], steps: int) -> dict[str, Any]:
    tokens = [turn.tokens for turn in turns if turn.tokens is not None]
    out: dict[str, Any] = {"total_steps": steps}
    if tokens:
        whole = sum(tokens, Tokens())
        out |= {
            "total_prompt_tokens": whole.prompt,
            "total_completion_tokens": whole.output,
            "total_cached_tokens": whole.cache_read,
        }
    costs = [turn.cost_usd for turn in turns if turn.cost_usd is not None]
    if costs:
        out["total_cost_usd"] = sum(costs)
    return out


def _step(nth: int, turn: Turn, below: frozenset[str]) -> dict[str, Any]:
    source = {"user": "user", "assistant": "agent"}.get(turn.role, "system")
    out: dict[str, Any] = {"step_id": nth, "source": source, "message": turn.text, "extra": {"steps": turn.steps}}
    if turn.time is not None:
        out["timestamp"] = to_iso(turn.time)
    if source != "agent":
        if turn.kind != "prompt":
            out["extra"]["kind"] = turn.kind
        return out
    if turn.model:
        out["model_name"] = turn.model
    if turn.thinking:
        out["reasoning_content"] = turn.thinking
    if turn.tokens is not None:
        metrics: dict[str, Any] = {
            "prompt_tokens": turn.tokens.prompt,
            "completion_tokens": turn.tokens.output,
            "cached_tokens": turn.tokens.cache_read,
        }
        if turn.cost_usd is not None:
            metrics["cost_usd"] = turn.cost_usd
        out["metrics"] = metrics
    if turn.calls:
        out["tool_calls"] = [
            {"tool_call_id": call.id, "function_name": call.name, "arguments": arguments_of(call)}
            for call in turn.calls
        ]
        results = [_result(call, below) for call in turn.calls if call.output is not None or call.step.thread in below]
        if results:
            out["observation"] = {"results": results}
    return out


def _result(call: Call, below: frozenset[str]) -> dict[str, Any]:
    out: dict[str, Any] = {"source_call_id": call.id}
    if call.output is not None:
        out["content"] = call.output
    if call.step.thread in below:
        out["subagent_trajectory_ref"] = [{"trajectory_id": call.step.thread}]
    extra: dict[str, Any] = {}
    tool = call.step.tool
    if tool is not None and tool.exit_code is not None:
        extra["exit_code"] = tool.exit_code
    if tool is not None and tool.is_error is not None:
        extra["is_error"] = tool.is_error
    if extra:
        out["extra"] = extra
    return out
