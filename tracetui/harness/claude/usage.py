"""Token counts and costs of model responses: a response is written as several lines that repeat its usage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tracetui.harness.claude.draft import NONE, ClaudeDraft, Counts

__all__ = ["Response", "cost_of", "tokens_of"]

_MOST: Final = 1 << 53


class Response:
    """A model response under way: its usage so far, and the step that carries it.

    ``first`` is the number of that step, 0 while there is none; ``draft`` is the step itself, None where it was let go
    because of its size. ``owed`` are tokens that came after it was let go; the next step carries them. ``mark`` is the
    fingerprint of its name.
    """

    __slots__ = ("cost", "draft", "first", "mark", "owed", "tokens")

    def __init__(self, tokens: Counts | None, cost: float | None, mark: int) -> None:
        self.mark = mark
        self.tokens = tokens
        self.cost = cost
        self.first = 0
        self.draft: ClaudeDraft | None = None
        self.owed: Counts | None = None

    def grow(self, tokens: Counts | None, cost: float | None) -> bool:
        """Take the larger of each count: early lines of a response state part of what the last one states. Whether
        anything changed."""
        changed = False
        if tokens is not None and tokens != self.tokens:
            old = self.tokens or NONE
            given, output, read, written, long = map(max, zip(old, tokens))
            more = (given, output, read, written, long)
            if more != self.tokens:
                if self.first and self.draft is None:
                    due = self.owed or NONE
                    rest = [owing + new - was for owing, new, was in zip(due, more, old)]
                    self.owed = (rest[0], rest[1], rest[2], rest[3], rest[4])
                self.tokens = more
                changed = True
        if cost is not None and (self.cost is None or cost > self.cost):
            self.cost = cost
            changed = True
        return changed

    @property
    def unclaimed(self) -> Counts:
        """Its tokens, where no step carries them."""
        if self.first:
            return self.owed or NONE
        return self.tokens or NONE

    def dump(self) -> list[Any]:
        """Everything but the draft, as JSON values."""
        return [self.tokens, self.cost, self.mark, self.first, self.draft is not None, self.owed]

    @classmethod
    def load(cls, packed: list[Any], drafts: Mapping[int, ClaudeDraft]) -> Response:
        """The reverse of ``dump``; ``drafts`` by number."""
        tokens, cost, mark, first, held, owed = packed
        response = cls(None if tokens is None else tuple(tokens), cost, mark)
        response.first = first
        response.draft = drafts[first] if held else None
        response.owed = None if owed is None else tuple(owed)
        return response


def _count(value: object) -> int:
    return value if type(value) is int and 0 < value < _MOST else 0


def tokens_of(message: Mapping[str, Any]) -> Counts | None:
    """The usage of a message; None where it states none. ``iterations`` repeat it and are not added."""
    usage = message.get("usage")
    if type(usage) is not dict:
        return None
    given, output = usage.get("input_tokens"), usage.get("output_tokens")
    read, written = usage.get("cache_read_input_tokens"), usage.get("cache_creation_input_tokens")
    split, long = usage.get("cache_creation"), 0
    if type(split) is dict:
        long = _count(split.get("ephemeral_1h_input_tokens"))
        if not written:
            written = _count(split.get("ephemeral_5m_input_tokens")) + long
    if not (type(given) is int and 0 <= given < _MOST):
        given = 0
    if not (type(output) is int and 0 <= output < _MOST):
        output = 0
    if not (type(read) is int and 0 <= read < _MOST):
        read = 0
    if not (type(written) is int and 0 <= written < _MOST):
        written = 0
    return (given, output, read, written, min(long, written)) if given or output or read or written else None


def cost_of(value: Mapping[str, Any]) -> float | None:
    """``costUSD`` of a record (Claude Code 1.0.x)."""
    cost = value.get("costUSD")
    if cost is None or isinstance(cost, bool) or not isinstance(cost, int | float):
        return None
    return float(cost) if 0 < cost < 1e9 else None
