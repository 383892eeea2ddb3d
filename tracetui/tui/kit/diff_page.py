"""Putting together text in which every piece has its style: lines of code with their colours, in one or two columns.

What it makes is a `Document` like any other, so that it scrolls, is searched, selected and copied as text.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Final

from tracetui.text.safe import display_safe
from tracetui.text.syntax import Token, language_of, scan
from tracetui.tui.kit.document import Document, Section
from tracetui.tui.kit.wrap import TAB, char_cells, lay_out

__all__ = ["DiffWriter", "HighlightedText", "Styled"]

_MARKED: Final = "styled"


class Styled:
    """Pieces with a style, in order, none overlapping: what a `TextView` asks like the tokens of a language."""

    def __init__(self, found: Sequence[Token]) -> None:
        self._found = found
        self._starts = [start for start, _, _ in found]

    def between(self, start: int, end: int) -> list[Token]:
        """The pieces that touch ``[start, end)``."""
        low = max(0, bisect_right(self._starts, start) - 1)
        high = bisect_left(self._starts, end)
        return [token for token in self._found[low:high] if token[1] > start]


class HighlightedText:
    """Lines of one text with the colours of their language; ``path`` names it. Tabs become blanks with ``expand``."""

    def __init__(self, lines: Sequence[str], path: str, *, expand: bool = False) -> None:
        # A line of a log may hold anything, line ends of other kinds too; here it stays one line.
        own = [line.replace("\n", " ").replace("\r", " ") for line in lines]
        self.lines = [line.expandtabs(TAB) for line in own] if expand else own
        text = "\n".join(self.lines)
        self.starts = list(accumulate((len(line) + 1 for line in self.lines), initial=0))
        self._tokens = list(scan(text, 0, len(text), language_of(path)))
        self._places = [start for start, _, _ in self._tokens]

    def tokens(self, line: int, low: int, high: int) -> list[Token]:
        """The tokens of a piece of a line, as offsets in the line."""
        start = self.starts[line]
        first, last = start + low, start + high
        at = max(0, bisect_right(self._places, first) - 1)
        found: list[Token] = []
        while at < len(self._tokens) and self._tokens[at][0] < last:
            begin, end, style = self._tokens[at]
            if end > first:
                found.append((max(begin, first) - start, min(end, last) - start, style))
            at += 1
        return found

    def rows(self, line: int, width: int) -> list[tuple[int, int]]:
        """The line in pieces of at most ``width`` cells, broken at blanks where there are some; one, empty, for an
        empty line."""
        starts = array("q")
        text = display_safe(self.lines[line])
        lay_out(text, 0, width, starts, len(text) or 1)
        pieces = list(pairwise([*starts, len(text)])) or [(0, 0)]
        # The blank at which a row is broken may stand outside of it.
        return [(low, len(text[:high].rstrip(" ")) if high < len(text) else high) for low, high in pieces]


class DiffWriter:
    """A document that is being written."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._at = 0
        self._styled: list[Token] = []
        self._sections: list[Section] = []
        self._section = (0, "")
        self._tints: list[tuple[int, int, str]] = []
        self._tint = (0, "")

    @property
    def at(self) -> int:
        """The offset of what is put next."""
        return self._at

    def put(self, text: str, style: str = "") -> DiffWriter:
        """A piece of text within the line; a line end in it becomes a blank."""
        if text:
            text = text.replace("\n", " ")
            if style:
                self._styled.append((self._at, self._at + len(text), style))
            self._parts.append(text)
            self._at += len(text)
        return self

    def code(self, code: HighlightedText, line: int, low: int = 0, high: int | None = None, style: str = "") -> int:
        """A piece of a line of code, in its own colours or in one style; how many cells it takes."""
        text = code.lines[line]
        high = len(text) if high is None else high
        if not style:
            base = self._at - low
            self._styled += [(base + start, base + end, kind) for start, end, kind in code.tokens(line, low, high)]
        piece = text[low:high]
        self.put(piece, style)
        if piece.isascii():
            return len(piece)
        column = 0
        for char in display_safe(piece):
            column += char_cells(char, column)
        return column

    def tint(self, variable: str = "") -> DiffWriter:
        """What follows in this line has this colour behind it, none for ``""``."""
        start, open_one = self._tint
        if open_one and self._at > start:
            self._tints.append((start, self._at, open_one))
        self._tint = (self._at, variable)
        return self

    def end(self) -> DiffWriter:
        """End the line."""
        self.tint()
        self._parts.append("\n")
        self._at += 1
        return self

    def line(self, text: str = "", style: str = "") -> DiffWriter:
        """A whole line."""
        return self.put(text, style).end()

    def section(self, name: str) -> DiffWriter:
        """What follows has this name."""
        self._close()
        self._section = (self._at, name)
        return self

    def _close(self) -> None:
        start, name = self._section
        if self._at > start:
            self._sections.append(Section(start, self._at, _MARKED, "", name))

    @property
    def tints(self) -> tuple[tuple[int, int, str], ...]:
        """The tints of what was written."""
        return tuple(self._tints)

    def make(self) -> tuple[str, str, tuple[Section, ...], dict[int, Styled]]:
        """Source, what is shown, sections and their styles: the fields of a `Document`."""
        self._close()
        self._section = (self._at, "")
        source = "".join(self._parts)
        styled = Styled(self._styled)
        shown = display_safe(source, keep_newlines=True, keep_tabs=True)
        return source, shown, tuple(self._sections), dict.fromkeys(range(len(self._sections)), styled)

    def document(self) -> Document:
        """The document."""
        source, shown, sections, tokens = self.make()
        return Document(source, shown, sections, dict(tokens), self.tints)
