"""Token counts, and the model responses that they belong to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tracetui.harness.codex.draft import CodexDraft, numbers
from tracetui.harness.codex.output import whole
from tracetui.model import Tokens

__all__ = ["Responses", "usage_of"]

_SANE: Final = 1 << 53


def usage_of(value: object) -> Tokens | None:
    """Disjoint counts of a Codex usage object (its input includes cached and cache-written tokens, its output
    reasoning); None where it tells nothing."""
    if not isinstance(value, dict):
        return None
    given, known, made = value.get("input_tokens"), value.get("cached_input_tokens"), value.get("output_tokens")
    if (
        type(given) is type(known) is type(made) is int
        and 0 <= known <= given < _SANE
        and 0 <= made < _SANE
        and not value.get("cache_write_input_tokens")
    ):
        return Tokens(given - known, made, known, 0) if given or made else None
    total = max(0, whole(value.get("input_tokens")) or 0)
    cached = min(total, max(0, whole(value.get("cached_input_tokens")) or 0))
    written = min(total - cached, max(0, whole(value.get("cache_write_input_tokens")) or 0))
    output = max(0, whole(value.get("output_tokens")) or 0)
    if not (total or output):
        return None
    return Tokens(total - cached - written, output, cached, written)


class Responses:
    """Which model response a step is part of, and which response a token count belongs to.

    A response ends when a result, a prompt or a compaction follows what the model produced. Its count is logged after
    its items, in old versions (``late``, to about 0.5x) before them, though after the events that streamed meanwhile.
    """

    def __init__(self, state: Mapping[str, Any] | None = None) -> None:
        state = state or {}
        self.id: str | None = state.get("id")
        self.first: CodexDraft | None = None
        self.counted: bool = state.get("counted", False)
        self.closed: bool = state.get("closed", False)
        self.late: bool = state.get("late", False)
        self.pending: Tokens | None = Tokens(*state["pending"]) if state.get("pending") else None
        self.total: list[int | None] | None = state.get("total")
        told = state.get("told")
        self.told: tuple[int, Tokens] | None = (told[0], Tokens(*told[1:])) if told else None

    def dump(self) -> dict[str, Any]:
        """The state as plain JSON values; ``first`` is for the reader to keep."""
        return {
            "id": self.id,
            "counted": self.counted,
            "closed": self.closed,
            "late": self.late,
            "pending": self.pending and numbers(self.pending),
            "total": self.total,
            "told": self.told and [self.told[0], *numbers(self.told[1])],
        }

    def join(self, draft: CodexDraft, *, whole_call: bool = False) -> bool:
        """Put a step that the model produced into its response; True when it begins one.

        ``whole_call``: the record holds call and result together, so it does not begin a response after a result.
        """
        begins = self.id is None or (self.closed and not whole_call)
        if begins:
            self.id, self.first, self.closed, self.counted = draft.key, draft, False, False
            if self.late and self.pending is not None:
                draft.tokens, self.pending = self.pending, None
                self.first, self.counted = None, True
        draft.response = self.id
        return begins

    def close(self) -> None:
        """A result came: what the model says next is another response."""
        self.closed = True

    def end(self) -> None:
        """A prompt, a compaction or another turn came."""
        self.id = self.first = None
        self.closed = self.counted = False

    def claim(self, draft: CodexDraft) -> None:
        """A compaction takes the count of the call that made its summary."""
        draft.tokens, self.pending = self.pending, None

    def straddled(self) -> None:
        """The second copy of something the model said came: after its response's count, if counts are late."""
        if self.counted and not self.closed:
            self.late = True

    def changed(self, total: object) -> bool:
        """Whether these totals differ from the last ones; remembers them."""
        if not isinstance(total, dict):
            return True
        now = [total.get("input_tokens"), total.get("output_tokens"), total.get("total_tokens")]
        if now == self.total:
            return False
        self.total = [whole(number) for number in now]
        return True

    def repeats(self, tokens: Tokens, channel: int) -> bool:
        """Whether another kind of record told this count just before."""
        told, self.told = self.told, (channel, tokens)
        if told is not None and told[0] != channel and told[1] == tokens:
            self.told = None
            return True
        return False

    def count(self, tokens: Tokens) -> CodexDraft | None:
        """Give a count to the first step of its response; returns that step, or None while the count must wait."""
        if self.first is not None and not (self.late and self.closed):
            first, self.first = self.first, None
            first.tokens = tokens if self.pending is None else tokens + self.pending
            self.pending, self.counted = None, True
            return first
        self.pending = tokens if self.pending is None else tokens + self.pending
        return None
