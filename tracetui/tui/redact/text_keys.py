"""What the keys of the editor's text do: motions, selecting, finding. Controllers of `SpanEditor`; each knows the text
only by what it offers (`EditorText`)."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from textual.message import Message

from tracetui.text import motion
from tracetui.text.safe import display_safe

if TYPE_CHECKING:
    from textual.geometry import Size

    from tracetui.tui.kit.layout import RowLayout
    from tracetui.tui.redact.page import EditorPage, Span

__all__ = [
    "EditorText",
    "FindOnPageController",
    "Further",
    "Marked",
    "MotionController",
    "Searching",
    "Selected",
    "SelectionController",
]

_MATCH_LIMIT: Final = 100_000


class Marked(NamedTuple):
    """The user marked ``[start, end)`` of the page, begun at ``anchor``."""

    start: int
    end: int
    anchor: int


class Selected(Message, namespace="span_editor"):
    """What is selected changed, or nothing is selected any more."""

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, Selected)


class Searching(Message, namespace="span_editor"):
    """The user wants to look for something in the text."""


class Further(Message, namespace="span_editor"):
    """The user wants the next place of what is looked for, which is not on this page; ``by`` -1 the one before."""

    def __init__(self, by: int) -> None:
        super().__init__()
        self.by = by


class EditorText(Protocol):
    """A text with a cursor and a selection, as its controllers use it; see `SpanEditor`."""

    page: EditorPage
    rows: RowLayout
    cursor: int
    pin: int | None
    focus_span: Span | None
    plain: bool
    on_marked: Callable[[Marked], Awaitable[Any] | None]

    @property
    def selection(self) -> tuple[int, int] | None: ...
    @property
    def size(self) -> Size: ...
    def move_to(self, offset: int, *, column: int | None = None) -> None: ...
    def by_rows(self, count: int) -> None: ...
    def select(self, anchor: int, cursor: int) -> None: ...
    def drop_selection(self) -> bool: ...
    def say(self, text: str, role: str = "warn") -> None: ...
    def post_message(self, message: Message) -> bool: ...


def _empty(view: EditorText) -> str | None:
    return None if view.page.shown else "There is no text here."


class MotionController:
    """From character to character, word, line and page."""

    def __init__(self, view: EditorText) -> None:
        self.view = view
        self.finding = False
        """Whether the next key is the character to go to."""

    def _why(self) -> str | None:
        return _empty(self.view)

    why_down = why_up = why_left = why_right = why_word = why_back = why_word_end = _why
    why_line_start = why_line_end = why_first = why_last = why_page_down = why_page_up = _why
    why_find_char = why_half_down = why_half_up = _why

    def _go(self, name: str) -> None:
        self.view.move_to(motion.MOTIONS[name](self.view.page.shown, self.view.cursor))

    def do_left(self) -> None:
        self._go("left")

    def do_right(self) -> None:
        self._go("right")

    def do_word(self) -> None:
        self._go("word")

    def do_back(self) -> None:
        self._go("back")

    def do_word_end(self) -> None:
        self._go("word-end")

    def do_line_start(self) -> None:
        self._go("line-start")

    def do_line_end(self) -> None:
        self._go("line-end")

    def do_first(self) -> None:
        self._go("first")

    def do_last(self) -> None:
        self._go("last")

    def do_down(self) -> None:
        self.view.by_rows(1)

    def do_up(self) -> None:
        self.view.by_rows(-1)

    def do_page_down(self) -> None:
        self.view.by_rows(max(1, self.view.size.height - 2))

    def do_page_up(self) -> None:
        self.view.by_rows(-max(1, self.view.size.height - 2))

    def do_half_down(self) -> None:
        self.view.by_rows(max(1, self.view.size.height // 2))

    def do_half_up(self) -> None:
        self.view.by_rows(-max(1, self.view.size.height // 2))

    def do_find_char(self) -> None:
        """The next key is the character to go to."""
        self.finding = True
        self.view.say("The next key is the character to go to in this line.", "muted")

    def found_key(self, character: str | None) -> None:
        """The key that `do_find_char` waited for; None where it is no character."""
        self.finding = False
        if character is None:
            return
        found = motion.find_char(self.view.page.shown, self.view.cursor, character)
        if found is None:
            self.view.say(f"There is no {display_safe(character)} further in this line.")
        else:
            self.view.move_to(found)


class SelectionController:
    """Selecting a span and marking it by hand."""

    def __init__(self, view: EditorText) -> None:
        self.view = view

    def why_visual(self) -> str | None:
        return "This is how the reader will see it; p goes back." if self.view.plain else _empty(self.view)

    def do_visual(self) -> None:
        """Begin to select, or drop what is selected."""
        if not self.view.drop_selection():
            self.view.select(self.view.cursor, self.view.cursor)

    def why_other_end(self) -> str | None:
        return None if self.view.pin is not None else "Nothing is selected; v begins."

    def do_other_end(self) -> None:
        assert self.view.pin is not None
        self.view.pin, cursor = self.view.cursor, self.view.pin
        self.view.move_to(cursor)
        self.view.post_message(Selected())

    def why_grow(self) -> str | None:
        if self.view.plain:
            return self.why_visual()
        here = self.view.page.span_at(self.view.cursor) or self.view.focus_span
        return None if self.view.pin is not None or here is not None else "Nothing is selected; v begins."

    why_shrink = why_grow_left = why_shrink_left = why_grow

    def _adjust(self, low: int, high: int) -> None:
        """Move the ends of the selection; without one the span under the cursor is selected first."""
        chosen = self.view.selection
        if chosen is None:
            span = self.view.page.span_at(self.view.cursor) or self.view.focus_span
            if span is None:
                return
            chosen = (span.start, span.end)
        start = max(0, min(chosen[0] + low, chosen[1] - 1))
        end = max(start + 1, min(chosen[1] + high, len(self.view.page.shown)))
        self.view.select(start, end - 1)

    def do_grow(self) -> None:
        self._adjust(0, 1)

    def do_shrink(self) -> None:
        self._adjust(0, -1)

    def do_grow_left(self) -> None:
        self._adjust(-1, 0)

    def do_shrink_left(self) -> None:
        self._adjust(1, 0)

    def why_mark(self) -> str | None:
        if self.view.plain:
            return self.why_visual()
        chosen = self.view.selection
        if chosen is None:
            return "Nothing is selected; v begins, or drag with the mouse."
        found = self.view.page.source_range(*chosen, anchor=self.view.pin)
        return None if found is not None else "Headings are not part of the session; select text below one."

    def do_mark(self) -> Awaitable[Any] | None:
        chosen = self.view.selection
        assert chosen is not None
        assert self.view.pin is not None
        return self.view.on_marked(Marked(*chosen, anchor=self.view.pin))


class FindOnPageController:
    """Looking for a fixed text on the page."""

    def __init__(self, view: EditorText) -> None:
        self.view = view
        self.query = ""
        self.matches: array[int] = array("q")
        """Where the query stands, in order."""
        self.length = 0
        self.elsewhere = False
        """Whether it stands on other pages too."""

    def why_find(self) -> str | None:
        return _empty(self.view)

    def do_find(self) -> None:
        self.view.post_message(Searching())

    def search(self, text: str) -> int:
        """Look for a text, whatever its case, and go to its next place; how many there are."""
        self.query, self.elsewhere = text, False
        self.again()
        if self.matches:
            at = bisect_left(self.matches, self.view.cursor)
            self.view.move_to(self.matches[at % len(self.matches)])
        return len(self.matches)

    def again(self) -> None:
        """Look for it on the page of now."""
        found: array[int] = array("q")
        needle = display_safe(self.query)
        if needle:
            for match in re.finditer(re.escape(needle), self.view.page.shown, re.IGNORECASE):
                found.append(match.start())
                if len(found) >= _MATCH_LIMIT:
                    break
        self.matches, self.length = found, len(needle)

    def why_next_match(self) -> str | None:
        if not self.query:
            return "Nothing is looked for; / finds text here, ] goes to the next finding."
        return None if self.matches or self.elsewhere else f"{display_safe(self.query)} is not in this text."

    why_previous_match = why_next_match

    def do_next_match(self) -> None:
        if self.elsewhere and bisect_right(self.matches, self.view.cursor) == len(self.matches):
            self.view.post_message(Further(1))
            return
        self.view.move_to(self.matches[bisect_right(self.matches, self.view.cursor) % len(self.matches)])

    def do_previous_match(self) -> None:
        if self.elsewhere and bisect_left(self.matches, self.view.cursor) == 0:
            self.view.post_message(Further(-1))
            return
        self.view.move_to(self.matches[bisect_left(self.matches, self.view.cursor) - 1])
