"""Steps and facts as plain JSON values and back, for a reader's dump."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, Final

from tracetui.model import LogFacts, Source, Step, Tokens, ToolUse

__all__ = ["facts_of", "facts_to", "step_of", "step_to"]

_FACTS: Final = tuple(field.name for field in fields(LogFacts))
_PLAIN: Final = tuple(field.name for field in fields(Step) if field.name not in ("sources", "tool", "tokens"))
_TOOL: Final = tuple(field.name for field in fields(ToolUse))


def step_to(step: Step) -> dict[str, Any]:
    """A step as JSON values."""
    value: dict[str, Any] = {name: getattr(step, name) for name in _PLAIN}
    value["sources"] = [list(source) for source in step.sources]
    value["tool"] = [getattr(step.tool, name) for name in _TOOL] if step.tool else None
    tokens = step.tokens
    value["tokens"] = [tokens.input, tokens.output, tokens.cache_read, tokens.cache_write] if tokens else None
    return value


def step_of(value: dict[str, Any]) -> Step:
    """The step that ``step_to`` wrote."""
    value = dict(value)
    sources = tuple(Source(*source) for source in value.pop("sources"))
    tool, tokens = value.pop("tool"), value.pop("tokens")
    return Step(
        **value,
        sources=sources,
        tool=ToolUse(*tool) if tool else None,
        tokens=Tokens(*tokens) if tokens else None,
    )


def facts_to(facts: LogFacts) -> dict[str, Any]:
    """The facts that are known, as JSON values."""
    return {name: value for name in _FACTS if (value := getattr(facts, name)) is not None}


def facts_of(value: dict[str, Any]) -> LogFacts:
    """The facts that ``facts_to`` wrote."""
    return LogFacts(**value)
