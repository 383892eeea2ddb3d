"""Which rows of the text are on screen: bringing a row to its place, with free rows above and below the text, so that
any row can stand in the middle."""

from __future__ import annotations

from typing import Protocol

from textual.geometry import Offset, Region, Size

from tracetui.tui.kit.layout import RowLayout
from tracetui.tui.redact.page import EditorPage, Span

__all__ = ["Viewport"]


class _Widget(Protocol):
    """What is asked of the widget that scrolls."""

    page: EditorPage
    rows: RowLayout
    cursor: int
    focus_span: Span | None
    virtual_size: Size

    @property
    def size(self) -> Size: ...
    @property
    def scroll_offset(self) -> Offset: ...
    @property
    def scrollable_content_region(self) -> Region: ...
    def scroll_to(self, *, y: float, animate: bool, force: bool, immediate: bool) -> None: ...


class Viewport:
    """The place of the rows on the screen of a widget."""

    def __init__(self, widget: _Widget) -> None:
        self._widget = widget
        self._padded = 1

    @property
    def pad(self) -> int:
        """Free rows above and below the text."""
        return max(1, self._widget.size.height // 2)

    @property
    def top(self) -> int:
        """The row at the top of the screen: 0 the first of the text, less for the free rows above."""
        return int(self._widget.scroll_offset.y) - self.pad

    def publish(self) -> None:
        """Tell Textual how long the text is. What is not laid out yet is guessed from what is, so that the scrollbar
        tells about the whole text."""
        widget = self._widget
        count = len(widget.rows)
        if not widget.rows.complete and widget.rows.reached:
            count = max(count, count * len(widget.page.shown) // widget.rows.reached)
        height = widget.size.height
        rows = max(count + max(2 * self.pad, height), self.pad + height)  # the first row can stand at the top
        widget.virtual_size = Size(widget.scrollable_content_region.width, rows)

    def row_on_screen(self) -> int:
        """The row of the cursor, counted from the first row that is on screen."""
        return self._widget.rows.row_of(self._widget.cursor) - self.top

    def to(self, row: int) -> None:
        """Put a row at the top of the screen."""
        widget = self._widget
        self._padded = self.pad
        y = max(0, row + self._padded)
        bottom = y - self.pad + widget.size.height
        while not widget.rows.complete and len(widget.rows) <= bottom:
            widget.rows.step()
        self.publish()
        widget.scroll_to(y=y, animate=False, force=True, immediate=True)

    def show_row(self, row: int) -> None:
        """Let a row be seen: by as little as it takes where it is near, else in the middle."""
        self.publish()
        top, height = self.top, max(1, self._widget.size.height)
        if row < top or row >= top + height:
            near = row < top + height + height // 2 and row >= top - height // 2
            self.to((row if row < top else row - height + 1) if near else row - height // 2)

    def to_middle(self, offset: int) -> None:
        """Bring the row of a character into the middle third of the screen; nothing moves when it is there."""
        height = self._widget.size.height
        if height <= 0:
            return
        row = self._widget.rows.row_of(offset)
        self.publish()
        if not height // 3 <= row - self.top < max(height // 3 + 1, height * 2 // 3):
            self.to(row - max(height // 3, height * 2 // 5))

    def from_top(self) -> None:
        """Begin at the first row where no span asks for the middle and the cursor can be seen there: the free rows
        above the text are of use only for that."""
        widget = self._widget
        height = widget.size.height
        free = widget.focus_span is None and height > 0 and widget.scroll_offset.y < self.pad
        if free and widget.rows.row_of(widget.cursor) < height:
            self.to(0)

    def resized(self) -> None:
        """The free rows above became more or fewer."""
        if self._padded != self.pad:
            self.to(int(self._widget.scroll_offset.y) - self._padded)
