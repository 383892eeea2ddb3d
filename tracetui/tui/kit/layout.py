"""The rows of a text for one width: laid out piece by piece, and mended line by line where the text changes."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from tracetui.tui.kit.wrap import cell_of, lay_out, offset_at, row_end

__all__ = ["SLICE", "RowLayout", "Splice"]

SLICE: Final = 64 * 1024
"""Characters laid out in one go: a few milliseconds."""


class Splice(NamedTuple):
    """``[low, high)`` of the old text became ``[new_low, new_high)`` of the new one."""

    low: int
    high: int
    new_low: int
    new_high: int


class RowLayout:
    """Rows are ranges that partition ``text``, line ends included; ``width`` in cells. Without ``words`` they break
    anywhere. ``widest`` is the width of the widest row so far."""

    def __init__(self, text: str, width: int, *, words: bool = True) -> None:
        self.text = text
        self.width = max(4, width)
        self.words = words
        self.starts: array[int] = array("q")
        self.reached = 0
        self.widest = 0

    def __len__(self) -> int:
        """Rows laid out so far."""
        return len(self.starts)

    @property
    def complete(self) -> bool:
        return self.reached >= len(self.text)

    def step(self) -> None:
        """Lay out one more slice."""
        self.reached, widest = lay_out(self.text, self.reached, self.width, self.starts, SLICE, words=self.words)
        self.widest = max(self.widest, widest)

    def reach(self, offset: int) -> None:
        """Lay out until the character at ``offset`` has its row."""
        goal = min(offset + 1, len(self.text))
        while self.reached < goal:
            self.step()

    def finish(self, cancelled: Callable[[], bool] = lambda: False) -> RowLayout:
        """Lay out everything; for a worker."""
        while not self.complete and not cancelled():
            self.step()
        return self

    def row_of(self, offset: int) -> int:
        """The row that holds the character at ``offset``; the last one for what lies beyond."""
        self.reach(offset)
        return max(0, bisect_right(self.starts, offset) - 1)

    def bounds(self, row: int) -> tuple[int, int]:
        """Where the text of a row begins and ends, its line end left out."""
        start = self.starts[row]
        following = self.starts[row + 1] if row + 1 < len(self.starts) else self.reached
        return start, row_end(self.text, start, following)

    def cell_of(self, offset: int) -> tuple[int, int]:
        """Row and column at which the character at ``offset`` stands."""
        row = self.row_of(offset)
        start, end = self.bounds(row)
        return row, cell_of(self.text, start, min(offset, end))

    def offset_at(self, row: int, column: int) -> int:
        """The character that covers a cell: right of the text the line end, or the last character where a row goes
        on in the next one."""
        if not self.starts:
            return 0
        start, end = self.bounds(min(max(row, 0), len(self.starts) - 1))
        found = offset_at(self.text, start, end, column)
        if found == end and end > start and (end >= len(self.text) or self.text[end] != "\n"):
            return end - 1
        return found

    def mended(self, text: str, edits: Sequence[Splice]) -> RowLayout:
        """The rows of ``text``, which differs from the old one by ``edits`` (in order, none overlapping): lines that an
        edit touches are laid out again, all others only moved."""
        new = RowLayout(text, self.width, words=self.words)
        starts, old = new.starts, self.starts
        at = 0  # rows of the old text that are dealt with
        shift = 0
        edit = 0
        while edit < len(edits):
            low, high, new_low, new_high = edits[edit]
            if low >= self.reached:
                break
            old_line = self.text.rfind("\n", 0, low) + 1
            new_line = text.rfind("\n", 0, new_low) + 1
            old_stop, new_stop = self._line_after(self.text, high), self._line_after(text, new_high)
            shift_after = new_high - high
            edit += 1
            # Edits of lines that this one reaches are mended with it.
            while edit < len(edits) and edits[edit].low < old_stop:
                _, high, _, new_high = edits[edit]
                old_stop, new_stop = self._line_after(self.text, high), self._line_after(text, new_high)
                shift_after = new_high - high
                edit += 1
            # A row breaks by what it could hold, so the one before the change may break elsewhere as well.
            first = max(at, bisect_left(old, old_line, at), bisect_right(old, low) - 2)
            self._move(old, at, first, shift, starts)
            done = max(new_line, old[first] + shift)
            while done < new_stop:
                done, _ = lay_out(text, done, self.width, starts, new_stop - done, words=self.words)
            at = bisect_left(old, old_stop, first)
            shift = shift_after
            if old_stop >= self.reached:
                new.reached = new_stop
                return new
        self._move(old, at, len(old), shift, starts)
        new.reached = self.reached + shift
        return new

    @staticmethod
    def _line_after(text: str, offset: int) -> int:
        """Where the line after the one that holds ``offset`` begins."""
        end = text.find("\n", offset)
        return len(text) if end < 0 else end + 1

    @staticmethod
    def _move(old: array[int], first: int, last: int, shift: int, out: array[int]) -> None:
        piece = old[first:last]
        out.extend(piece if not shift else array("q", [start + shift for start in piece]))
