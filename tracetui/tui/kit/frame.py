"""What the terminal shows, so that only what changed is sent: over ssh a key costs what it changes.

Textual writes every widget that was refreshed, changed or not: moving in a list refreshes three panes and costs 50 to
160 kB a key at 160 columns. `TerminalFrame` stands between the compositor and the driver: it remembers each cell that
was written and lets only runs of other cells through. Text whose cells are not one a character (emoji, CJK, combining
marks) is written whole where it changes, since terminals disagree about its width.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import Final, TypeVar

from rich.cells import cell_len
from rich.color import ColorSystem
from rich.console import Console
from rich.style import Style
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.strip import Strip

__all__ = ["TerminalFrame"]

_T = TypeVar("_T")
_Code = tuple[str, str]
"""The control sequences before and after text of one style."""
_Cell = tuple[str, _Code]

_GAP: Final = 8
"""Unchanged cells between two changed runs that are written again: going over them costs as many bytes."""
_STYLES: Final = 4096
"""Styles whose sequences are remembered; a theme uses a few hundred."""


class TerminalFrame:
    """The cells that a terminal shows. ``reduced`` takes an update of the compositor and gives one that writes less."""

    def __init__(self) -> None:
        self._rows: dict[int, list[_Cell | None]] = {}
        self._pieces: dict[int, dict[int, tuple[int, Strip]]] = {}
        self._codes: dict[Style | None, _Code] = {}

    def forget(self) -> None:
        """The terminal shows something else now: write everything again."""
        self._rows.clear()
        self._pieces.clear()

    def reduced(self, update: _T) -> _T | CompositorUpdate:
        """The update without what the terminal shows already; whatever is no update of rows stays as it is."""
        if isinstance(update, LayoutUpdate | ChopsUpdate):
            return _Reduced(self, update)
        return update

    def put(self, y: int, x: int, strip: Strip, console: Console) -> Iterator[str]:
        """Put a strip at a cell; what must be written for it."""
        end = x + strip.cell_length
        pieces = self._pieces.setdefault(y, {})
        known = pieces.get(x)
        if known is not None and known[0] == end and (known[1] is strip or known[1] == strip):
            return
        for start in [start for start, (stop, _) in pieces.items() if start < end and stop > x]:
            del pieces[start]
        pieces[x] = (end, strip)
        row = self._rows.setdefault(y, [])
        if len(row) < end:
            row.extend([None] * (end - len(row)))
        cells = self._cells(strip, console)
        if cells is None:
            row[x:end] = [None] * (end - x)
            yield f"\x1b[{y + 1};{x + 1}H{strip.render(console)}"
            return
        for low, high in _changed(row, x, cells):
            yield f"\x1b[{y + 1};{x + low + 1}H"
            yield from self._written(cells[low:high])
        row[x:end] = cells

    def _cells(self, strip: Strip, console: Console) -> list[_Cell | None] | None:
        """The cells of a strip, None where not every character has one."""
        cells: list[_Cell | None] = []
        for text, style, control in strip:
            if control or not (text.isascii() or all(cell_len(character) == 1 for character in text)):
                return None
            code = self._code(style, console)
            cells.extend([(character, code) for character in text])
        return cells

    def _code(self, style: Style | None, console: Console) -> _Code:
        found = self._codes.get(style)
        if found is None:
            if len(self._codes) >= _STYLES:
                self._codes.clear()
            system = console._color_system or ColorSystem.TRUECOLOR
            before, _, after = ("", "", "") if style is None else style.render("x", color_system=system).rpartition("x")
            found = self._codes[style] = (before, after)
        return found

    @staticmethod
    def _written(cells: Iterable[_Cell | None]) -> Iterator[str]:
        """The cells as a terminal takes them, each run of one style once."""
        for code, run in groupby((cell for cell in cells if cell is not None), key=itemgetter(1)):
            yield code[0]
            yield "".join([character for character, _ in run])
            yield code[1]


class _Reduced(CompositorUpdate):
    """An update that is compared with what the terminal shows when it is written, not before: one that is dropped on
    its way must not be taken for written."""

    def __init__(self, frame: TerminalFrame, update: LayoutUpdate | ChopsUpdate) -> None:
        self.frame, self.update = frame, update

    def render_segments(self, console: Console) -> str:
        """What to write."""
        put = self.frame.put
        return "".join(part for y, x, strip in _placed(self.update) for part in put(y, x, strip, console))


def _placed(update: LayoutUpdate | ChopsUpdate) -> Iterator[tuple[int, int, Strip]]:
    """Row, column and strip of each piece of an update."""
    if isinstance(update, LayoutUpdate):
        for y, strips in enumerate(update.strips, update.region.y):
            x = update.region.x
            for strip in strips:
                yield y, x, strip
                x += strip.cell_length
        return
    for y, low, high in update.spans:
        for end, (x, chop) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
            if chop is None or x > high or end <= low:
                continue
            yield y, x, chop if low <= x < high and end <= high else chop.crop(0, min(end, high) - x)


def _changed(row: list[_Cell | None], x: int, cells: list[_Cell | None]) -> Iterator[tuple[int, int]]:
    """The runs of cells, from 0, that differ from what a row shows from column x on; near ones are one."""
    low = high = -1
    for at, cell in enumerate(cells):
        if row[x + at] != cell:
            if high >= 0 and at - high > _GAP:
                yield low, high
                low = at
            elif high < 0:
                low = at
            high = at + 1
    if high >= 0:
        yield low, high
