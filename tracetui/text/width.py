"""How many terminal cells a text takes, and cutting and padding by cells.

Widths are those of the library ``wcwidth``: East Asian Wide and Fullwidth take two, combining marks and other
zero-width characters none. Presentation selectors count as nothing (see ``safe.one_line``).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

__all__ = ["cell_len", "char_width", "cut", "cut_left", "pad", "wrap"]

ELLIPSIS: Final = "…"


@lru_cache(maxsize=4096)
def char_width(char: str) -> int:
    """Cells of one code point: 0, 1 or 2; what no terminal shows (control characters) counts as nothing."""
    if char.isascii():
        return int(char.isprintable())
    from wcwidth import wcwidth

    return max(0, int(wcwidth(char)))


def cell_len(text: str) -> int:
    """Cells of ``text`` on one line."""
    if text.isascii() and text.isprintable():
        return len(text)
    return sum(map(char_width, text))


def _fit(text: str, width: int) -> int:
    """How many code points of the start of ``text`` fit into ``width`` cells, with the marks that follow the last."""
    head = text[: width + 1]
    if head.isascii() and head.isprintable():
        return min(len(head), width)
    used = 0
    for at, char in enumerate(text):
        used += char_width(char)
        if used > width:
            return at
    return len(text)


def cut(text: str, width: int, mark: str = ELLIPSIS) -> str:
    """``text`` in at most ``width`` cells; what is left out at the end is shown by ``mark``."""
    if width <= 0:
        return ""
    if len(text) <= width and text.isascii():
        return text
    if len(text) <= 2 * width and cell_len(text) <= width:
        return text
    whole = _fit(text, width)
    if whole == len(text):
        return text
    room = width - cell_len(mark)
    if room < 0:
        return text[:whole]
    return text[: _fit(text, room)].rstrip() + mark


def cut_left(text: str, width: int, mark: str = ELLIPSIS) -> str:
    """The end of ``text`` in at most ``width`` cells; what is left out at the start is shown by ``mark``."""
    if width <= 0:
        return ""
    if cell_len(text) <= width:
        return text
    room = width - cell_len(mark)
    if room < 0:
        mark, room = "", width
    used, at = 0, len(text)
    while at and used + char_width(text[at - 1]) <= room:
        at -= 1
        used += char_width(text[at])
    while at < len(text) and unicodedata.combining(text[at]):
        at += 1
    return mark + text[at:]


def pad(text: str, width: int, align: str = "<") -> str:
    """``text`` cut and filled with spaces to exactly ``width`` cells; ``align`` is ``<`` or ``>``."""
    text = cut(text, width)
    fill = " " * (width - cell_len(text))
    return fill + text if align == ">" else text + fill


def wrap(line: str, width: int) -> Iterator[str]:
    """A line of prose in pieces of at most ``width`` cells, parted at blanks where there are some, else anywhere."""
    width = max(2, width)
    start, end = 0, len(line)
    while start < end:
        piece = line[start : start + width + width // 2 + 1]
        fits = _fit(piece, width)
        if start + fits >= end:
            yield piece
            return
        at = piece.rfind(" ", 0, fits + 1)
        if at <= 0:
            at = max(1, fits)
        yield piece[:at].rstrip(" ")
        start += at
        while start < end and line[start] == " ":
            start += 1
