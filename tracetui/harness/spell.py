"""Steps as the commands print them, in one place for commands and capsules."""

from __future__ import annotations

from typing import Any

from tracetui.model import Step, Tokens, to_iso

__all__ = ["step_json", "tokens_json"]


def tokens_json(tokens: Tokens) -> dict[str, int]:
    """Tokens as the contract spells them."""
    return {
        "input": tokens.input,
        "output": tokens.output,
        "cache_read": tokens.cache_read,
        "cache_write": tokens.cache_write,
    }


def step_json(session: str, agent: str | None, path: str, step: Step, part: int = 1) -> dict[str, Any]:
    """A step of a session (of its subagent ``agent``, or of the main log) whose log is ``path`` and the session's
    ``part``, as ``show --json`` prints it."""
    tool = step.tool
    return {
        "session": session,
        "agent": agent,
        "step": step.number,
        "kind": step.kind,
        "time": to_iso(step.time),
        "model": step.model,
        "text": step.text,
        "tool": None
        if tool is None
        else {
            "name": tool.name,
            "input": tool.input,
            "output": tool.output,
            "is_error": tool.is_error,
            "exit_code": tool.exit_code,
            "call_id": tool.call_id,
            "duration_ms": tool.duration_ms,
        },
        "tokens": None if step.tokens is None else tokens_json(step.tokens),
        "source": {"path": path, "line": step.sources[0].line if step.sources else None},
        "part": part,
    }
