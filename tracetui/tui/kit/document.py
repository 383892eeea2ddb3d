"""What a `TextView` shows: one string in sections, safe to show code point for code point."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from tracetui.text.safe import display_safe
from tracetui.text.syntax import Token

__all__ = ["Coloured", "Document", "DocumentMaker", "Section"]

_PIECE: Final = 64 * 1024
"""Characters made safe in one go: about a millisecond."""


@dataclass(frozen=True, slots=True)
class Section:
    """A range of a document that ends with a line end. ``language`` as in `text.syntax`; ``style`` is the role (with
    attributes after a colon) of what has no colour of its own."""

    start: int
    end: int
    language: str = ""
    style: str = ""
    name: str = ""


class Coloured(Protocol):
    """What tells the colours of a section: the tokens of its language, or pieces that somebody else styled."""

    def between(self, start: int, end: int) -> Sequence[Token]:
        """The pieces that touch ``[start, end)``, in order."""


@dataclass(slots=True)
class Document:
    """``shown`` is safe to show and as long as ``source``, which is what is copied."""

    source: str = ""
    shown: str = ""
    sections: Sequence[Section] = ()
    tokens: dict[int, Coloured] = field(default_factory=dict)
    tints: Sequence[tuple[int, int, str]] = ()
    """Ranges in order, none overlapping, with the variable of the colour behind them."""

    def tints_between(self, start: int, end: int) -> list[tuple[int, int, str]]:
        """The tints that touch ``[start, end)``."""
        at = max(0, bisect_right(self.tints, start, key=lambda tint: tint[0]) - 1)
        found: list[tuple[int, int, str]] = []
        while at < len(self.tints) and self.tints[at][0] < end:
            if self.tints[at][1] > start:
                found.append(self.tints[at])
            at += 1
        return found

    def section_at(self, offset: int) -> int:
        """The index of the section that holds ``offset``, -1 when there is none."""
        at = bisect_right(self.sections, offset, key=lambda section: section.start) - 1
        return at if at >= 0 and offset < self.sections[at].end else -1

    def find_section(self, name: str) -> Section | None:
        """The first section of this name."""
        return next((section for section in self.sections if section.name == name), None)


class DocumentMaker:
    """Puts a document together, section by section. Strings may be anything."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._sections: list[Section] = []
        self._at = 0

    def add(self, text: str, language: str = "", style: str = "", name: str = "") -> DocumentMaker:
        """A section; it begins on a line of its own and gets a line end."""
        if not text.endswith("\n"):
            text += "\n"
        self._parts.append(text)
        self._sections.append(Section(self._at, self._at + len(text), language, style, name))
        self._at += len(text)
        return self

    def heading(self, text: str, name: str = "") -> DocumentMaker:
        """A line that names what follows, set off by an empty one."""
        if self._at:
            self.add("\n")
        return self.add(text.replace("\n", " "), style="muted:b", name=name)

    def make(self) -> Document:
        source = "".join(self._parts)
        shown = source.replace("\r\n", " \n") if "\r" in source else source
        # In pieces, so that a worker that prepares megabytes lets the screen breathe between them.
        safe = [
            display_safe(shown[at : at + _PIECE], keep_newlines=True, keep_tabs=True)
            for at in range(0, len(shown), _PIECE)
        ]
        return Document(source, "".join(safe), tuple(self._sections))
