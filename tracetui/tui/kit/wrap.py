"""Laying out text in rows of terminal cells. A row is a range of the text; rows partition it, line ends included.

Widths are Rich's, since Rich measures what is painted. Tabs go to the next multiple of `TAB` within a row.
"""

from __future__ import annotations

from array import array
from typing import Final

from rich.cells import get_character_cell_size

__all__ = ["TAB", "cell_of", "char_cells", "lay_out", "offset_at", "row_end"]

TAB: Final = 4
_SELECTORS: Final = "\ufe0e\ufe0f"


def char_cells(char: str, column: int) -> int:
    """Cells that ``char`` takes at ``column`` of its row. Presentation selectors are not painted and take none."""
    if char == "\t":
        return TAB - column % TAB
    if char in _SELECTORS:
        return 0
    return get_character_cell_size(char)


def _fit(text: str, start: int, stop: int, width: int) -> int:
    """The end of the row that begins at ``start`` of a line that ends at ``stop``: at least one character, marks with
    the character that they stand on, and at a blank where there is one in the last two thirds."""
    used, at = 0, start
    while at < stop:
        used += char_cells(text[at], used)
        if used > width and at > start:
            break
        at += 1
    if at >= stop:
        return stop
    return _at_blank(text, start, at, width)


def _at_blank(text: str, start: int, at: int, width: int) -> int:
    """Move a break before ``at`` back behind the last blank, unless that leaves too short a row."""
    if text[at] == " ":
        return at + 1
    blank = text.rfind(" ", start + (at - start) // 3, at)
    return blank + 1 if blank >= 0 else at


def lay_out(text: str, start: int, width: int, out: array[int], limit: int, *, words: bool = True) -> tuple[int, int]:
    """Append to ``out`` where rows begin, from ``start`` (the beginning of a line) on, for about ``limit`` characters.

    Returns where the next line begins (``len(text)`` when all is laid out) and the cells of the widest row, which may
    be more than it has where it holds tabs. Without ``words`` rows break anywhere. Linear in the text.
    """
    end = len(text)
    goal = min(end, start + limit)
    at, widest = start, 0
    find, append = text.find, out.append
    while at < goal:
        stop = find("\n", at)
        if stop < 0:
            stop = end
        size = stop - at
        append(at)
        if size * TAB > width:
            line = text[at:stop]
            if line.isascii() and "\t" not in line:
                row = at
                while stop - row > width:
                    row = _at_blank(text, row, row + width, width) if words else row + width
                    if row < stop:
                        append(row)
                size = min(size, width)
            else:
                row = at
                while (row := _fit(text, row, stop, width) if words else _fit_hard(text, row, stop, width)) < stop:
                    append(row)
                size = width
        else:
            size *= TAB
        widest = max(widest, size)
        at = stop + 1
    return min(at, end), min(widest, width)


def _fit_hard(text: str, start: int, stop: int, width: int) -> int:
    used, at = 0, start
    while at < stop:
        used += char_cells(text[at], used)
        if used > width and at > start:
            return at
        at += 1
    return stop


def row_end(text: str, start: int, following: int) -> int:
    """Where the row from ``start`` to the beginning of the ``following`` one ends, without its line end."""
    return following - 1 if following > start and text[following - 1] == "\n" else following


def cell_of(text: str, start: int, offset: int) -> int:
    """The column at which the character at ``offset`` of the row from ``start`` stands."""
    piece = text[start:offset]
    if piece.isascii() and piece.isprintable():
        return len(piece)
    column = 0
    for char in piece:
        column += char_cells(char, column)
    return column


def offset_at(text: str, start: int, end: int, column: int) -> int:
    """The character that covers ``column`` of the row, ``end`` right of its text."""
    piece = text[start:end]
    if piece.isascii() and piece.isprintable():
        return min(start + max(0, column), end)
    used = 0
    for at in range(start, end):
        used += char_cells(text[at], used)
        if used > column:
            return at
    return end
