"""``ctx.jsonl``: what the model saw at each call of an episode, each segment told once."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from tracetui.ctx.index import NO_PIECE
from tracetui.harness import HARNESSES
from tracetui.model import Record
from tracetui.text.safe import one_line
from tracetui.trail.lines import common_prefix

if TYPE_CHECKING:
    from tracetui.bucket import Bucket
    from tracetui.capsule.episode import EpisodePart
    from tracetui.ctx.index import Index

__all__ = ["Contexts"]

_PREVIEW: Final = 160
_READ: Final = 800


class _Numbers:
    """Contexts as runs of segment numbers. Most contexts begin like the one before; only what differs is looked at."""

    def __init__(self, index: Index, first: int) -> None:
        self.tokens = index.tokens
        self.numbers: dict[int, int] = {}
        self.fresh: list[int] = []
        """Places in the index of the segments that got a number, in order."""
        self._next = first
        self._before = b""
        self._runs: list[tuple[int, int]] = []
        self._ends: list[int] = []
        self._sums: list[int] = [0]

    def runs(self, ids: array[int]) -> tuple[list[int | list[int]], int]:
        """(the context as numbers, a run of them as [first, last]; its estimated tokens)."""
        data, size = ids.tobytes(), ids.itemsize
        same = common_prefix(self._before, data) // size
        self._before = data
        del self._sums[same + 1 :]
        while self._ends and self._ends[-1] > same:
            last = self._ends.pop()
            first, end = self._runs.pop()
            length = end - first + 1
            kept = same - (last - length)
            if kept > 0:
                self._runs.append((first, first + kept - 1))
                self._ends.append(same)
                break
        runs, ends, total = self._runs, self._ends, self._sums[-1]
        for place in range(same, len(ids)):
            at = ids[place]
            number = self.numbers.get(at)
            if number is None:
                number = self.numbers[at] = self._next
                self._next += 1
                self.fresh.append(at)
            total += self.tokens[at]
            self._sums.append(total)
            if runs and runs[-1][1] + 1 == number:
                runs[-1] = (runs[-1][0], number)
                ends[-1] = place + 1
            else:
                runs.append((number, number))
                ends.append(place + 1)
        return [first if first == last else [first, last] for first, last in runs], total


def _text(index: Index, at: int, records: Sequence[Record]) -> str | None:
    """A segment's text as the redacted record tells it; None where it does not. The index itself knows what was there
    before it was redacted, so nothing is taken from it."""
    rules = HARNESSES[index.harness].context
    place = index.place[at]
    if rules is None or place == NO_PIECE:
        return None
    for record in records:
        if record.nth == index.nth[at]:
            found = rules.pieces(record)
            return found[place].text if place < len(found) else None
    return None


class Contexts:
    """Gathers segments and calls over the logs of an episode."""

    def __init__(self, bucket: Bucket, *, ranged: bool) -> None:
        self.bucket = bucket
        self.ranged = ranged
        self.segments: list[dict[str, Any]] = []
        self.calls: list[dict[str, Any]] = []

    def add(
        self, part: EpisodePart, entry: str, lines: Mapping[int, int], records: Mapping[int, Sequence[Record]]
    ) -> dict[str, Any] | None:
        """Take a log whose records stand in ``entry``: ``lines`` of the log to its lines, ``records`` redacted.

        Gives what holds for all its calls (``exact``, ``missing``, ``window``), None when it has none, or when nobody
        has told yet what models saw by the logs of its harness.
        """
        if HARNESSES[part.log.harness].rules is None:
            return None
        from tracetui.ctx.context import context_of
        from tracetui.ctx.opening import index_of

        index = index_of(self.bucket, part.log)
        numbers = _Numbers(index, len(self.segments) + 1)
        told: dict[str, Any] | None = None
        before = -1
        for step in part.steps:
            call = index.call_of(step)
            if call is None or call == before:
                continue
            before = call
            if told is None:
                context = context_of(index, step)
                told = {"exact": context.exact, "missing": list(context.missing), "window": context.window}
            runs, estimated = numbers.runs(index.view(call).ids)
            found = index.call(call)
            self.calls.append(
                {
                    "call": len(self.calls) + 1,
                    "agent": part.log.agent,
                    "step": step,
                    "reported_tokens": found.reported if found.reported > 0 else None,
                    "estimated_tokens": estimated,
                    "segments": runs,
                }
            )
        self.segments += self._segments(index, part, entry, numbers.fresh, lines, records)
        return told

    def _segments(
        self,
        index: Index,
        part: EpisodePart,
        entry: str,
        fresh: Iterable[int],
        lines: Mapping[int, int],
        records: Mapping[int, Sequence[Record]],
    ) -> Iterable[dict[str, Any]]:
        """The segments: those outside of the range with category, origin and size only."""
        from tracetui.ctx.context import segment

        for number, at in enumerate(fresh, len(self.segments) + 1):
            found = segment(index, at)
            own = found.log == 0 and found.source.line in lines
            if self.ranged:
                own = own and found.from_step is not None and found.from_step in part.steps
            text = _text(index, at, records.get(found.source.line, ())) if own else None
            yield {
                "segment": number,
                "agent": part.log.agent,
                "category": found.category,
                "from_step": found.from_step if found.log == 0 else None,
                "tokens": found.tokens,
                "bytes": found.bytes,
                "preview": None if text is None else one_line(text[:_READ], _PREVIEW),
                "source": {"path": entry, "line": lines[found.source.line]} if own else None,
            }

    def lines(self) -> Iterable[dict[str, Any]]:
        """The lines of the entry: segments, then calls."""
        yield from self.segments
        yield from self.calls
