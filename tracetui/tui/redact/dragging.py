"""Selecting with the mouse: dragging, words and lines by clicks, scrolling while the button is held beyond an edge."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from textual.geometry import Size
from textual.timer import Timer

from tracetui.text import motion
from tracetui.tui.redact.page import EditorPage

__all__ = ["MouseSelection"]

_EVERY: Final = 0.05
"""Seconds between steps of the scrolling."""
_FASTEST: Final = 3
"""Rows of a step, however far beyond the edge the mouse is."""


class _Text(Protocol):
    """What is asked of the text that is selected in."""

    page: EditorPage
    cursor: int
    pin: int | None

    @property
    def size(self) -> Size: ...
    def move_to(self, offset: int) -> None: ...
    def by_rows(self, count: int) -> None: ...
    def select(self, anchor: int, cursor: int) -> None: ...
    def drop_selection(self) -> bool: ...
    def set_interval(self, interval: float, callback: Callable[[], None]) -> Timer: ...


class MouseSelection:
    """The mouse on a text; ``at_work`` while its button is held."""

    def __init__(self, text: _Text) -> None:
        self._text = text
        self.at_work = False
        self._timer: Timer | None = None
        self._by = 0
        self._down = 0

    def begin(self, offset: int, *, extend: bool) -> None:
        """The button goes down on a character; with ``extend`` the selection goes on."""
        self.at_work = True
        self._down = offset
        if not extend:
            self._text.drop_selection()
        elif self._text.pin is None:
            self._down = self._text.cursor
        self._text.move_to(offset)

    def to(self, offset: int, y: int) -> None:
        """The mouse moved to a character, at the row ``y`` of the widget (which may lie outside)."""
        text = self._text
        if offset != self._down or text.pin is not None:
            text.select(self._down, offset)
        beyond = y if y < 0 else max(0, y - text.size.height + 1)
        self._by = max(-_FASTEST, min(_FASTEST, int(beyond)))
        if self._by and self._timer is None:
            self._timer = text.set_interval(_EVERY, self._go_on)

    def _go_on(self) -> None:
        """While the mouse is held beyond an edge the selection goes on."""
        if self.at_work and self._by:
            self._text.by_rows(self._by)
        elif self._timer is not None:
            self._timer.stop()
            self._timer = None

    def end(self) -> None:
        """The button is let go."""
        self.at_work = False
        self._by = 0

    def clicked(self, times: int) -> None:
        """Two clicks select a word, three a line."""
        text, shown = self._text, self._text.page.shown
        if times == 2:
            low, high = motion.token_at(shown, text.cursor)
            if high > low:
                text.select(low, high - 1)
        elif times == 3:
            text.select(motion.line_start(shown, text.cursor), motion.line_end(shown, text.cursor))
