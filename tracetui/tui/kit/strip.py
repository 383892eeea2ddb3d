"""A whole session at a glance: how full the context was, and where prompts, edits, failures and compactions are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.segment import Segment
from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tracetui.model import KINDS
from tracetui.tui.kit.styles import Look

__all__ = ["SessionStrip"]

_CODES: Final[dict[str, int]] = {kind: code for code, kind in enumerate(KINDS)}
_BLOCKS: Final = " ▁▂▃▄▅▆▇█"
_ASCII_BLOCKS: Final = " ..::--=#"
# What a cell shows when it stands for several steps: the first of these that stands out among them.
_MARKS: Final = (
    ("failed", "✘", "x", "bad"),
    ("compaction", "◆", "*", "warn"),
    ("prompt", "┃", "|", "prompt"),
    ("edit", "■", "#", "change"),
    ("command", "▪", "=", "muted"),
    ("", "·", ".", "line"),
)
_FEW: Final = 4
"""Steps of a cell up to which each of them is shown."""
_DENSE: Final = 0.12
"""The share of the steps of a cell from which a mark may stand for them: one in eight."""


class SessionStrip(Widget):
    """Two lines over all steps: above the size of the context, below what happened. A click goes there."""

    DEFAULT_CSS = "SessionStrip { height: 2; display: none; }"

    class Clicked(Message):
        """The user points at a step."""

        def __init__(self, step: int) -> None:
            super().__init__()
            self.step = step

    def __init__(self) -> None:
        super().__init__()
        self._kinds = b""
        self._failed = b""
        self._tokens: Sequence[int] = ()
        self._at = 0
        self._first = 1
        self._shares: dict[str, float] = {}
        self._made: tuple[object, list[list[Segment]]] | None = None

    def show(self, kinds: bytes, failed: bytes, tokens: Sequence[int], *, first: int = 1) -> None:
        """Take the arrays of an overview; step n is at n - 1, tokens are 0 where no response begins. Those before the
        step ``first`` are not shown."""
        self._first = first
        self._kinds, self._failed, self._tokens = kinds[first - 1 :], failed[first - 1 :], tokens[first - 1 :]
        self._made = None
        self._shares = {}
        self.display = len(kinds) > 1
        self.refresh()

    def point(self, step: int) -> None:
        """Mark where the cursor is."""
        step -= self._first - 1
        old = self.column(self._at)
        self._at = step
        if self.column(step) != old:
            self.refresh()

    def column(self, step: int) -> int:
        """The cell that stands for a step, counted from the first that is shown."""
        return min(max(0, step - 1) * self._columns // max(1, len(self._kinds)), max(0, self._columns - 1))

    def step_at(self, column: int) -> int:
        """The first step of a cell, counted from the first that is shown."""
        return min(len(self._kinds), -(-column * len(self._kinds) // max(1, self._columns)) + 1)

    @property
    def _columns(self) -> int:
        """Cells in use: all, or one per step in a short session."""
        return max(1, min(self.size.width - 2, len(self._kinds)))

    def _cells(self, look: Look) -> list[list[Segment]]:
        key = (self._columns, look.epoch)
        if self._made is not None and self._made[0] == key:
            return self._made[1]
        columns, count = self._columns, len(self._kinds)
        top = max(self._tokens, default=0)
        blocks = _ASCII_BLOCKS if look.ascii else _BLOCKS
        above: list[Segment] = []
        below: list[Segment] = []
        height = 0
        for column in range(columns):
            start, end = self.step_at(column) - 1, max(self.step_at(column), self.step_at(column + 1) - 1)
            if column == columns - 1:
                end = count
            here = max(self._tokens[start:end], default=0) if top else 0
            if here:
                height = max(1, round(here * 8 / top))
            above.append(Segment(blocks[height], look.style("line")))
            for name, glyph, ascii_glyph, role in _MARKS:
                if self._stands_out(name, start, end):
                    below.append(Segment(ascii_glyph if look.ascii else glyph, look.style(role)))
                    break
        self._made = (key, [above, below])
        return self._made[1]

    def _stands_out(self, name: str, start: int, end: int) -> bool:
        """Whether steps [start, end), one cell, are shown by the mark ``name``. A cell of a few steps shows what is in
        it; in one of many a mark means that there is more of it than is usual in this session."""
        if not name:
            return True
        data, code = (self._failed, 1) if name == "failed" else (self._kinds, _CODES[name])
        if name == "compaction" or end - start <= _FEW:
            return data.find(code, start, end) >= 0
        share = data.count(code, start, end) / (end - start)
        return share >= max(_DENSE, 2 * self._share(name, data, code))

    def _share(self, name: str, data: bytes, code: int) -> float:
        """The share of a mark in the whole session."""
        if name not in self._shares:
            self._shares[name] = data.count(code) / max(1, len(data))
        return self._shares[name]

    def render_line(self, y: int) -> Strip:
        look = Look.of_widget(self)
        width = self.size.width
        if not self._kinds:
            return Strip.blank(width, self.rich_style)
        segments = list(self._cells(look)[y])
        at = self.column(self._at)
        if self._at:
            text, style, _ = segments[at]
            segments[at] = Segment(text, (style or look.style()) + look.style("accent", "r"))
        strip = Strip([Segment(" "), *segments]).adjust_cell_length(width)
        return strip.apply_style(self.rich_style)

    def on_click(self, event: events.Click) -> None:
        if self._kinds and 0 <= event.x - 1 < self._columns:
            event.stop()
            self.post_message(self.Clicked(self.step_at(event.x - 1) + self._first - 1))
