"""The keys of a text: moving in it, wrapping it, and going from match to match."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar, Final

from tracetui.text.safe import display_safe
from tracetui.tui.kit.actor import Controller

if TYPE_CHECKING:
    from tracetui.tui.kit.text_view import TextView

__all__ = ["FindTextController", "MoveController"]

_MATCH_LIMIT: Final = 100_000


class MoveController(Controller["TextView"]):
    """Scrolling, and whether long lines are wrapped."""

    CONTEXTS: ClassVar[tuple[str, ...]] = ("text",)

    def do_down(self) -> None:
        self.owner.scroll_to_row(self.owner.scroll_offset.y + 1)

    def do_up(self) -> None:
        self.owner.scroll_to_row(self.owner.scroll_offset.y - 1)

    def do_page_down(self) -> None:
        self.owner.scroll_to_row(self.owner.scroll_offset.y + max(1, self.owner.size.height - 1))

    def do_page_up(self) -> None:
        self.owner.scroll_to_row(self.owner.scroll_offset.y - max(1, self.owner.size.height - 1))

    def do_first(self) -> None:
        self.owner.scroll_to_row(0)

    def do_last(self) -> None:
        self.owner.rows.finish()
        self.owner.publish()
        self.owner.scroll_to_row(len(self.owner.rows))

    def why_right(self) -> str | None:
        return "Lines are wrapped; w shows them as they are." if self.owner.wrapped else None

    why_left = why_right

    def do_right(self) -> None:
        self.owner.scroll_to(x=self.owner.scroll_offset.x + 8, animate=False, force=True, immediate=True)

    def do_left(self) -> None:
        self.owner.scroll_to(x=self.owner.scroll_offset.x - 8, animate=False, force=True, immediate=True)

    def do_wrap(self) -> None:
        """Wrap long lines, or not; the first character on screen stays."""
        place = self.owner.top_offset
        self.owner.wrapped = not self.owner.wrapped
        self.owner.styles.overflow_x = "hidden" if self.owner.wrapped else "auto"
        self.owner.scroll_to(x=0, animate=False, force=True, immediate=True)
        self.owner.lay_out_again(place)


class FindTextController(Controller["TextView"]):
    """Places of a fixed string, never a pattern: ``text`` is looked for, ``at`` is the match that the reader is at, -1
    for none."""

    CONTEXTS: ClassVar[tuple[str, ...]] = ("text",)

    def __init__(self, owner: TextView) -> None:
        super().__init__(owner)
        self.text = ""
        self.matches: array[int] = array("q")
        self.at = -1
        self._length = 0
        self._hints: list[tuple[int, int]] = []

    def hint(self, words: Sequence[str]) -> None:
        """Mark every place of any of the words, whatever their case, and bring the first into sight: what led here.
        The words are fixed strings."""
        self._hints = []
        wanted = sorted({display_safe(word) for word in words if word.strip()}, key=len, reverse=True)
        if wanted:
            pattern = re.compile("|".join(map(re.escape, wanted)), re.IGNORECASE)
            for match in pattern.finditer(self.owner.document.shown):
                self._hints.append(match.span())
                if len(self._hints) >= _MATCH_LIMIT:
                    break
        if self._hints:
            row, height = self.owner.row_of(self._hints[0][0]), max(1, self.owner.size.height)
            if row >= height:
                self.owner.scroll_to_row(max(0, row - height // 3))
        self.owner.repaint()

    def hinted(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """The places of the words that touch ``[start, end)``."""
        nth = max(0, bisect_left(self._hints, (start, 0)) - 1)
        while nth < len(self._hints) and self._hints[nth][0] < end:
            if self._hints[nth][1] > start:
                yield self._hints[nth]
            nth += 1

    def between(self, start: int, end: int) -> Iterator[tuple[int, int, bool]]:
        """The matches that touch ``[start, end)``: where they begin and end, and whether the reader is at it."""
        if not self._length:
            return
        nth = max(0, bisect_left(self.matches, start - self._length + 1))
        while nth < len(self.matches) and self.matches[nth] < end:
            yield self.matches[nth], self.matches[nth] + self._length, nth == self.at
            nth += 1

    def search(self, text: str, *, move: bool = True) -> int:
        """Mark every place of ``text``, whatever its case, and go to the first at or below the top of the screen.

        Returns how many there are (counted up to a limit). The text is a fixed string, never a pattern.
        """
        self.text = text
        found = array("q")
        if text:
            for match in re.finditer(re.escape(display_safe(text)), self.owner.document.shown, re.IGNORECASE):
                found.append(match.start())
                if len(found) >= _MATCH_LIMIT:
                    break
        self.matches = found
        self._length = len(text)
        self.at = -1
        if found and move:
            self.at = min(bisect_left(found, self.owner.top_offset), len(found) - 1)
            self._show_match()
        self.owner.repaint()
        self.owner.post_message(self.owner.Changed(self.owner))
        return len(found)

    def _show_match(self) -> None:
        row = self.owner.row_of(self.matches[self.at])
        top, height = int(self.owner.scroll_offset.y), max(1, self.owner.size.height)
        if not top <= row < top + height:
            self.owner.scroll_to_row(max(0, row - height // 3))
        self.owner.repaint()
        self.owner.post_message(self.owner.Changed(self.owner))

    def why_next_match(self) -> str | None:
        if not self.text:
            return "Nothing is searched for; / finds text here."
        return None if self.matches else f"{display_safe(self.text)} is not in this text."

    why_previous_match = why_next_match

    def do_next_match(self) -> None:
        self.at = (self.at + 1) % len(self.matches)
        self._show_match()

    def do_previous_match(self) -> None:
        self.at = (self.at - 1) % len(self.matches)
        self._show_match()
