"""Token counts and costs of model responses: a response is written as several lines that repeat its usage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tracetui.model import Step, Tokens

__all__ = ["Response", "cost_of", "grown", "pack_tokens", "surplus", "tokens_of", "unpack_tokens"]


@dataclass(slots=True)
class Response:
    """A model response under way: its usage so far, and the step that carries it.

    ``first`` is the number of that step, 0 while there is none; ``step`` is the step as it is now, None where it was
    let go because of its size. ``owed`` are tokens that came after it was let go; the next step carries them.
    """

    tokens: Tokens | None = None
    cost: float | None = None
    first: int = 0
    step: Step | None = None
    owed: Tokens | None = None


def _count(value: object) -> int:
    return value if type(value) is int and 0 < value < 1 << 53 else 0


def tokens_of(message: Mapping[str, Any]) -> Tokens | None:
    """The usage of a message; None where it states none. ``iterations`` repeat it and are not added."""
    usage = message.get("usage")
    if type(usage) is not dict:
        return None
    written = _count(usage.get("cache_creation_input_tokens"))
    split = usage.get("cache_creation")
    if not written and type(split) is dict:
        written = sum(_count(split.get(f"ephemeral_{span}_input_tokens")) for span in ("5m", "1h"))
    tokens = Tokens(
        _count(usage.get("input_tokens")),
        _count(usage.get("output_tokens")),
        _count(usage.get("cache_read_input_tokens")),
        written,
    )
    return tokens if tokens.prompt or tokens.output else None


def cost_of(value: Mapping[str, Any]) -> float | None:
    """``costUSD`` of a record (Claude Code 1.0.x)."""
    cost = value.get("costUSD")
    if isinstance(cost, bool) or not isinstance(cost, int | float):
        return None
    return float(cost) if 0 < cost < 1e9 else None


def grown(old: Tokens | None, new: Tokens | None) -> Tokens | None:
    """The larger of each count: early lines of a response state part of what the last one states."""
    if old is None or new is None:
        return old or new
    if old == new:
        return old
    return Tokens(
        max(old.input, new.input),
        max(old.output, new.output),
        max(old.cache_read, new.cache_read),
        max(old.cache_write, new.cache_write),
    )


def surplus(more: Tokens | None, old: Tokens | None, owed: Tokens | None) -> Tokens | None:
    """What ``more`` counts beyond ``old``, with what was owed before."""
    if more is None:
        return owed
    old = old or Tokens()
    rest = Tokens(
        more.input - old.input,
        more.output - old.output,
        more.cache_read - old.cache_read,
        more.cache_write - old.cache_write,
    )
    return rest if owed is None else rest + owed


def pack_tokens(tokens: Tokens | None) -> list[int] | None:
    """Tokens as a JSON value."""
    return None if tokens is None else [tokens.input, tokens.output, tokens.cache_read, tokens.cache_write]


def unpack_tokens(packed: list[int] | None) -> Tokens | None:
    """The reverse of ``pack_tokens``."""
    return None if packed is None else Tokens(*packed)
