"""Painting a row of a text so that a selection on the screen is one of the source."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Offset
from textual.strip import Strip

from tracetui.tui.kit.paint import Layer
from tracetui.tui.kit.wrap import char_cells

__all__ = ["paint_row"]


def paint_row(text: str, start: int, pieces: Sequence[Layer], base: Style, skip: int, width: int) -> Strip:
    """The row of ``text`` from ``start`` on in ``pieces`` that partition it: ``width`` cells from column ``skip`` on.
    Every segment says which source character it begins with, for the selection; what is painted may be longer (a tab)
    or shorter (a selector)."""
    segments: list[Segment] = []
    column = 0
    for low, high, style in pieces:
        if column >= skip + width:
            break
        piece = text[low:high]
        if piece.isascii() and piece.isprintable():
            cut = max(0, skip - column)
            column += len(piece)
            if cut < len(piece):
                segments.append(_located(piece[cut:], base + style, low + cut))
            continue
        run, run_at = "", low
        for at, char in enumerate(piece, low):
            cells = char_cells(char, column)
            column += cells
            visible = min(cells, column - skip) if column > skip or not cells else 0
            plain = visible == cells and char != "\t" and (cells or char not in "\ufe0e\ufe0f")
            if plain and column > skip - (not cells):
                if not run:
                    run_at = at
                run += char
                continue
            if run:
                segments.append(_located(run, base + style, run_at))
                run = ""
            # A tab, or half of a wide character at the left edge: cell by cell, each the same source character.
            segments += [_located(" ", base + style, at) for _ in range(visible)]
        if run:
            segments.append(_located(run, base + style, run_at))
    if not segments:
        segments = [_located(" ", base, start)]
    return Strip(segments).adjust_cell_length(width, base)


def _located(text: str, style: Style, offset: int) -> Segment:
    return Segment(text, style + Style.from_meta({"offset": tuple(Offset(offset, 0))}))
