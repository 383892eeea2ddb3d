"""Painting one row of text into a strip, cell by cell.

The strings that come in here have been through `text.safe.display_safe`; only their width matters.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

__all__ = ["Layer", "Span", "cells", "clip", "clip_middle", "layered", "paint"]

Span = tuple[str, Style]
"""A piece of a row and its style."""
Layer = tuple[int, int, Style]
"""A span of a text and its style."""


def cells(text: str) -> int:
    """The number of terminal cells that ``text`` takes."""
    return len(text) if text.isascii() else cell_len(text)


def clip(text: str, width: int, mark: str = "…") -> str:
    """``text`` in at most ``width`` cells, its end cut with ``mark`` when it does not fit."""
    if width <= 0:
        return ""
    if len(text) > 4 * width + 16:  # nobody pays for the width of a megabyte that is not shown
        text = text[: 4 * width + 16]
    if cells(text) <= width:
        return text
    if width == 1:
        return mark
    return set_cell_size(text, width - 1).rstrip() + mark if not text.isascii() else text[: width - 1].rstrip() + mark


def clip_middle(text: str, width: int, mark: str = "…") -> str:
    """A path in at most ``width`` cells: cut in the middle, the end being what tells paths apart."""
    if cells(text) <= width:
        return text
    if width <= 4:
        return clip(text, width, mark)
    if not text.isascii():
        tail = text[-(width - 2) :]
        while cells(tail) > width - 1:
            tail = tail[1:]
        return mark + tail
    head = max(1, (width - 1) // 4)
    return text[:head] + mark + text[-(width - 1 - head) :]


def paint(
    left: Sequence[Span], width: int, *, right: Iterable[Span] = (), pad: Style | None = None, mark: str = "…"
) -> Strip:
    """A strip of exactly ``width`` cells: ``left`` from the left, its last piece that does not fit cut, ``right``
    flush to the right and never cut (unless it alone is too wide)."""
    ends = [(text, style, cells(text)) for text, style in right if text]
    tail = sum(size for _, _, size in ends)
    if tail >= width:
        ends, tail = [], 0
    room = width - tail - (1 if ends else 0)
    segments: list[Segment] = []
    for text, style in left:
        if room <= 0:
            break
        size = cells(text) if len(text) <= 4 * width + 16 else width + 1
        if size > room:
            text = clip(text, room, mark)
            size = cells(text)
            segments.append(Segment(text, style))
            room -= size
            break
        segments.append(Segment(text, style))
        room -= size
    gap = room + (1 if ends else 0)
    if gap > 0:
        segments.append(Segment(" " * gap, pad))
    segments.extend(Segment(text, style) for text, style, _ in ends)
    return Strip(segments, width)


def layered(layers: Iterable[Layer], start: int, end: int, plain: Style) -> list[Layer]:
    """``[start, end)`` of a text in pieces, each in the sum of the styles that lie on it, the last on top."""
    found = list(layers)
    cuts = {start, end}
    for low, high, _ in found:
        cuts.update(at for at in (low, high) if start < at < end)
    pieces: list[Layer] = []
    for low, high in pairwise(sorted(cuts)):
        style = plain
        for first, last, layer in found:
            if first <= low and high <= last:
                style = style + layer
        pieces.append((low, high, style))
    return pieces
