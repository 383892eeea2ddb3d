"""Painting the rows of a page: headings, marks, matches, the selection and the cursor, each in its style."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from tracetui.tui.kit.layout import RowLayout
from tracetui.tui.kit.paint import Layer, layered
from tracetui.tui.kit.styles import Look
from tracetui.tui.kit.wrap import char_cells
from tracetui.tui.redact.page import EditorPage, Span

__all__ = ["MARGIN", "RowPainter"]

MARGIN: Final = 2
"""Cells at the left of the text: a mark and a blank."""
_SELECTORS: Final = "\ufe0e\ufe0f"


@dataclass(slots=True)
class RowPainter:
    """What stands on the screen at one moment; ``row`` paints one row of it. ``head`` is where the heading of the step
    under the cursor begins, ``focused`` whether the cursor shows."""

    page: EditorPage
    rows: RowLayout
    look: Look
    base: Style | None
    plain: bool
    focus_span: Span | None
    head: int
    matches: array[int]
    match_length: int
    selection: tuple[int, int] | None
    cursor: int
    focused: bool

    def row(self, row: int, width: int) -> Strip:
        """One row, ``width`` cells wide."""
        text = self.page.shown
        start, end = self.rows.bounds(row)
        segments = [*self._margin(start, max(end, start + 1))]
        column = 0
        for low, high, style in self._pieces(start, end):
            piece = text[low:high]
            if piece.isascii() and piece.isprintable():
                segments.append(Segment(piece, style))
                column += len(piece)
                continue
            run = ""
            for char in piece:
                size = char_cells(char, column)
                column += size
                run += " " * size if char == "\t" else "" if char in _SELECTORS else char
            segments.append(Segment(run, style))
        if self.focused and self.cursor == end and start <= self.cursor and self._at_end(row, end):
            segments.append(Segment(" ", self.look.style("", "r")))
        strip = Strip(segments)
        return (strip if self.base is None else strip.apply_style(self.base)).adjust_cell_length(width, self.base)

    def empty(self, y: int, width: int, lines: Sequence[str]) -> Strip:
        """A row of what is said where there is no text."""
        if not 1 <= y <= len(lines):
            return Strip.blank(width, self.base)
        style = self.look.style("" if y == 1 else "muted")
        strip = Strip([Segment("  " + lines[y - 1], style)]).adjust_cell_length(width)
        return strip if self.base is None else strip.apply_style(self.base)

    def _at_end(self, row: int, end: int) -> bool:
        """Whether the line end at ``end`` belongs to this row (and not to one that goes on)."""
        return end < len(self.page.shown) and self.page.shown[end] == "\n" and self.rows.row_of(end) == row

    def _margin(self, start: int, end: int) -> list[Segment]:
        look = self.look
        spans = () if self.plain else self.page.spans_between(start, end)
        focus = self.focus_span
        if focus is not None and focus.start < end and focus.end > start and not self.plain:
            return [Segment(look.sign("pointer"), look.sign_style("pointer")), Segment(" ")]
        if any(span.state == "rejected" for span in spans):
            return [Segment("|" if look.ascii else "▏", look.style("rejected")), Segment(" ")]
        return [Segment("  ")]

    def _pieces(self, start: int, end: int) -> list[Layer]:
        """The row's text in pieces of one style: headings, then marks, then matches, selection and cursor on top."""
        layers = [*self._heads(start, end), *self._spans(start, end), *self._matches(start, end)]
        if self.selection is not None:
            layers.append((*self.selection, self.look.style("accent", "r")))
        if self.focused and start <= self.cursor < end:
            # On what is reversed already the cursor is the one place that is not.
            reversed_here = any(low <= self.cursor < high and style.reverse for low, high, style in layers)
            style = Style(reverse=not reversed_here, bold=True, underline=reversed_here or None)
            layers.append((self.cursor, self.cursor + 1, style))
        return layered(layers, start, end, self.look.style())

    def _heads(self, start: int, end: int) -> Iterator[Layer]:
        heads = self.page.heads
        at = max(0, bisect_right(heads, start, key=lambda head: head.start) - 1)
        while at < len(heads) and heads[at].start < end:
            role = "accent" if heads[at].start == self.head else "muted"
            yield heads[at].start, heads[at].end, self.look.style(role, "b" if heads[at].what == "step" else "")
            at += 1

    def _spans(self, start: int, end: int) -> Iterator[Layer]:
        if self.plain:
            return
        look, focus = self.look, self.focus_span
        for span in self.page.spans_between(start, max(end, start + 1)):
            here = focus is not None and (span.start, span.end) == (focus.start, focus.end)
            if span.state == "open":
                style = look.style("proposed", "bu" if here else "u")
            elif span.state == "accepted":
                style = look.style("accepted", "br" if here else "r")
            else:
                style = look.style("", "b") if here else look.style("")
            yield span.start, span.end, style
            if here and span.state != "accepted":
                yield span.start, span.end, look.background("cursor-row")

    def _matches(self, start: int, end: int) -> Iterator[Layer]:
        at = bisect_left(self.matches, start - self.match_length + 1) if self.matches else 0
        while at < len(self.matches) and self.matches[at] < end:
            yield self.matches[at], self.matches[at] + self.match_length, self.look.style("match", "b")
            at += 1
