"""The text of the redaction editor: a cursor, marks and a selection, on Textual's Line API.

It shows an `EditorPage` and never changes one: what the user marks goes out as `Marked` in offsets of the page, from
which the page finds the span of the text unit. What is on screen is laid out at once, the rest when it is needed; a new
page that differs only by placeholders is mended, so that a decision costs what it changes, not what there is. What its
keys do is in `text_keys`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, ClassVar, Final

from textual import events
from textual.binding import BindingType
from textual.cache import LRUCache
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip

from tracetui.tui.actions import bindings
from tracetui.tui.kit.actor import Actor
from tracetui.tui.kit.layout import SLICE, RowLayout
from tracetui.tui.kit.line_scroll import LineScroll
from tracetui.tui.kit.styles import Look
from tracetui.tui.kit.wrap import cell_of
from tracetui.tui.redact.dragging import MouseSelection
from tracetui.tui.redact.page import EditorPage, Span, edits_between
from tracetui.tui.redact.row_painter import MARGIN, RowPainter
from tracetui.tui.redact.scrolling import Viewport
from tracetui.tui.redact.text_keys import FindOnPageController, Marked, MotionController, Selected, SelectionController

__all__ = ["SpanEditor"]

_LARGE: Final = 4 * SLICE
"""Characters from which on a page is laid out for a new width by whoever made it."""


class SpanEditor(LineScroll, Actor, can_focus=True):
    """The editor's text. ``cursor`` and ``pin``, where a selection began, are offsets of the page."""

    CONTEXTS: ClassVar[tuple[str, ...]] = ("marking",)
    CONTROLLERS: ClassVar[tuple[type, ...]] = (MotionController, SelectionController, FindOnPageController)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("marking")]
    ALLOW_SELECT: ClassVar[bool] = False
    DEFAULT_CSS = """
    SpanEditor { height: 1fr; width: 1fr; overflow-x: hidden; overflow-y: auto; scrollbar-gutter: stable;
                 scrollbar-size-vertical: 1; }
    """

    class Moved(Message):
        """The cursor stands elsewhere."""

        def __init__(self, offset: int) -> None:
            super().__init__()
            self.offset = offset

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, SpanEditor.Moved)

    class Narrow(Message):
        """The page must be laid out for another width; whoever made it may do that off the main thread."""

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, SpanEditor.Narrow)

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.page = EditorPage()
        self.rows = RowLayout("", 80)
        self.cursor = 0
        self.pin: int | None = None
        self.focus_span: Span | None = None
        """The span under decision."""
        self.plain = False
        """Shown as the reader will see it: no marks."""
        self.empty: Sequence[str] = ()
        self.on_marked: Callable[[Marked], Awaitable[Any] | None] = lambda _: None
        """Asked what a span is that the user marked; called at once, so that the next keys are for that question."""
        self.scrolling = Viewport(self)
        self.motions = MotionController(self)
        self.finding = FindOnPageController(self)
        self.controllers = (self.motions, SelectionController(self), self.finding)
        self._column: int | None = None
        self._dragging = MouseSelection(self)
        self._head = -1
        self._width = self._top = 0
        self._look: Look | None = None
        self._painter: RowPainter | None = None
        self._strips: LRUCache[tuple[int, int, int], Strip] = LRUCache(512)

    # -- what is shown ------------------------------------------------------------------------------------------------

    @property
    def text_width(self) -> int:
        """Cells that a row of text has."""
        return max(4, self.scrollable_content_region.width - MARGIN - 1)

    def show(self, page: EditorPage, *, rows: RowLayout | None = None, cursor: int | None = None) -> None:
        """Show a page; ``rows`` are those that a worker laid out. The cursor goes to ``cursor``, or to the same place
        of the text, and stays where it is on the screen."""
        old, old_rows, width = self.page, self.rows, self.text_width
        place = cursor if cursor is not None else self._place_in(page, self.cursor)
        held = self.scrolling.row_on_screen() if cursor is None and len(old_rows) else None
        selected = self._place_in(page, self.pin) if cursor is None and self.pin is not None else None
        edits = None if rows is not None else edits_between(old, page) if old_rows.width == width else None
        if place is None:
            place = self.cursor if page.units == old.units or not page.units else 0
        self.page = page
        if rows is not None and rows.text is page.shown:
            self.rows = rows
        elif edits is not None:
            self.rows = old_rows.mended(page.shown, edits)
        else:
            self.rows = RowLayout(page.shown, width)
        self.cursor = max(0, min(place, len(page.shown) - 1))
        self.pin = selected
        self._column = None
        self.motions.finding = False
        self._strips.clear()
        if self.finding.query:
            self.finding.again()
        self.rows.reach(self.cursor)
        self.scrolling.publish()
        if held is not None:
            self.scrolling.to(self.rows.row_of(self.cursor) - held)
        self.scrolling.from_top()
        self.refresh()

    def _place_in(self, page: EditorPage, offset: int) -> int | None:
        """Where a character of this page stands on another one; None where it is not there."""
        run = self.page.run_at(offset)
        unit = -1 if run is None else page.unit_of(self.page.units[run.unit].at)
        if run is None:
            return None
        found = -1 if unit < 0 else page.place_of(unit, run.low + (0 if run.atom else offset - run.start))
        return found if found >= 0 else None

    def decide_on(self, span: Span | None, *, move: bool = True) -> None:
        """Make a span the one under decision and bring it into the middle third."""
        before, head = self.focus_span, self._head
        self.focus_span = span
        self._head = self.page.head_of(span.start if span is not None else self.cursor)
        for old in (before, span):
            if old is not None:
                self._refresh_span(old.start, old.end)
        if head != self._head:
            for start in (head, self._head):
                self._refresh_span(start, start + 1)
        if span is not None and move:
            self.drop_selection()
            self._column = None
            row = self.rows.row_of(self.cursor)
            self.cursor = span.start
            self._refresh_rows(row, row)
            self._refresh_span(span.start, span.end)
            self.scrolling.to_middle(span.start)

    def _refresh_span(self, start: int, end: int) -> None:
        """Paint the rows of a span again; those that are not laid out yet have not been painted."""
        if 0 <= start < self.rows.reached:
            self._refresh_rows(self.rows.row_of(start), self.rows.row_of(min(end, self.rows.reached) - 1))

    def _refresh_rows(self, first: int, last: int) -> None:
        if last - first > 300:
            self._strips.clear()
        else:
            width, epoch = self._width, self.look.epoch
            for row in range(first, last + 1):
                self._strips.discard((row, width, epoch))
        self.refresh_lines(first + self.scrolling.pad, last - first + 1)

    def show_plain(self, plain: bool) -> None:
        """Show the text as the reader will see it, or with its marks."""
        self.plain = plain
        self.drop_selection()
        self._strips.clear()
        self.refresh()

    def search(self, text: str) -> int:
        """Mark every place of a fixed text, whatever its case, and go to the next one; how many there are."""
        count = self.finding.search(text)
        self._strips.clear()
        self.refresh()
        return count

    def laid_out_again(self, rows: RowLayout) -> None:
        """Take the rows for the width of now, which a worker laid out."""
        if rows.text is self.page.shown and rows.width == self.text_width:
            held = self.scrolling.row_on_screen() if len(self.rows) else 0
            self.rows = rows
            self._strips.clear()
            self.scrolling.publish()
            self.scrolling.to(rows.row_of(self.cursor) - held)
            self.refresh()

    def on_resize(self, event: events.Resize) -> None:
        self.scrolling.resized()
        if self.rows.width == self.text_width:
            self.scrolling.publish()
            self.call_after_refresh(self.scrolling.from_top)
            return
        if len(self.page.shown) > _LARGE:
            self.post_message(self.Narrow())
        else:
            self.laid_out_again(RowLayout(self.page.shown, self.text_width))
        self.call_after_refresh(self._focus_again)

    def _focus_again(self) -> None:
        if self.focus_span is not None:
            self.scrolling.to_middle(self.focus_span.start)
        else:
            self.scrolling.from_top()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._look = None
        self._strips.clear()

    # -- cursor and selection -----------------------------------------------------------------------------------------

    @property
    def selection(self) -> tuple[int, int] | None:
        """What is selected, half open; a placeholder that it touches is selected whole."""
        if self.pin is None or not self.page.shown:
            return None
        low, high = min(self.pin, self.cursor), max(self.pin, self.cursor) + 1
        for at in (low, high - 1):
            run = self.page.run_at(at)
            if run is not None and run.atom:
                low, high = min(low, run.start), max(high, run.end)
        return low, high

    def move_to(self, offset: int, *, column: int | None = None) -> None:
        """Put the cursor on a character and let it be seen."""
        before = self.rows.row_of(self.cursor)
        self.cursor = max(0, min(offset, len(self.page.shown) - 1))
        self._column = column
        row = self.rows.row_of(self.cursor)
        self.scrolling.show_row(row)
        if self.pin is None:
            self._refresh_rows(before, before)
            self._refresh_rows(row, row)
        else:
            self._refresh_rows(min(before, row), max(before, row))
        self.post_message(self.Moved(self.cursor))

    def by_rows(self, count: int) -> None:
        """Down or up by rows of the screen, in the same column as far as rows are that wide."""
        row, column = self.rows.cell_of(self.cursor)
        column = column if self._column is None else self._column
        target = max(0, row + count)
        while not self.rows.complete and len(self.rows) <= target:
            self.rows.step()
        target = min(target, len(self.rows) - 1)
        self.move_to(self.rows.offset_at(target, column), column=column)

    def select(self, anchor: int, cursor: int) -> None:
        """Select from ``anchor`` to ``cursor``, both included."""
        before = self.selection
        self.pin = anchor
        self.move_to(cursor)
        after = self.selection
        for chosen in (before, after):
            if chosen is not None and before != after:
                self._refresh_span(*chosen)
        self._say_selected(offer=before is None)

    def drop_selection(self) -> bool:
        """Drop what is selected; False when nothing was."""
        self.motions.finding = False
        chosen = self.selection
        if self.pin is None:
            return False
        self.pin = None
        if chosen is not None:
            self._refresh_span(*chosen)
        self._say_selected(offer=True)
        return True

    def _say_selected(self, *, offer: bool) -> None:
        self.post_message(Selected())
        refresh = getattr(self.app, "refresh_offers", None)
        if offer and refresh is not None:
            refresh()

    def say(self, text: str, role: str = "warn") -> None:
        """Say something in the status line, where the app has one."""
        say = getattr(self.app, "say", None)
        if say is not None:
            say(text, role=role)

    def on_key(self, event: events.Key) -> None:
        if self.motions.finding:
            event.stop()
            event.prevent_default()
            self.motions.found_key(event.character if event.is_printable else None)

    # -- mouse --------------------------------------------------------------------------------------------------------

    def offset_of(self, x: int, y: int) -> int:
        """The character under a cell of the widget (``y`` may lie outside)."""
        return self.rows.offset_at(y + self.scrolling.top, max(0, x - MARGIN)) if len(self.rows) else 0

    def on_mouse_down(self, event: events.MouseDown) -> None:
        if event.button == 1 and self.page.shown:
            event.stop()
            self.focus(scroll_visible=False)
            self.capture_mouse()
            self._dragging.begin(self.offset_of(event.x, event.y), extend=event.shift)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        if self._dragging.at_work and not self.plain:
            event.stop()
            self._dragging.to(self.offset_of(event.x, min(max(event.y, 0), self.size.height - 1)), event.y)

    def on_mouse_up(self, event: events.MouseUp) -> None:
        if self._dragging.at_work:
            event.stop()
            self._dragging.end()
            self.release_mouse()

    def on_click(self, event: events.Click) -> None:
        event.stop()
        if not self.plain:
            self._dragging.clicked(event.chain)

    # -- painting -----------------------------------------------------------------------------------------------------

    @property
    def look(self) -> Look:
        if self._look is None:
            self._look = Look.of_widget(self)
        return self._look

    def on_focus(self) -> None:
        self._refresh_span(self.cursor, self.cursor + 1)

    def on_blur(self) -> None:
        self.motions.finding = False
        self._refresh_span(self.cursor, self.cursor + 1)

    def render_lines(self, crop: Region) -> list[Strip]:
        # What is the same for every line is asked once; these properties climb the tree each time.
        self._width = self.scrollable_content_region.width
        self._top = self.scrolling.top
        self._painter = RowPainter(
            self.page, self.rows, self.look, self.rich_style, self.plain, self.focus_span, self._head,
            self.finding.matches, self.finding.length, self.selection, self.cursor, self.has_focus,
        )  # fmt: skip
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        assert self._painter is not None
        width = self._width
        row = y + self._top
        if not self.page.shown:
            return self._painter.empty(y, width, self.empty)
        if row >= len(self.rows) and not self.rows.complete:
            self.rows.step()
            self.call_after_refresh(self.scrolling.publish)
        if not 0 <= row < len(self.rows):
            return Strip.blank(width, self._painter.base)
        key = (row, width, self._painter.look.epoch)
        strip = self._strips.get(key)
        if strip is None:
            strip = self._strips[key] = self._painter.row(row, width)
        return strip

    def get_content_width(self, container: Size, viewport: Size) -> int:
        return container.width

    def cursor_cell(self) -> tuple[int, int]:
        """Column and line of the cursor within the widget, for tests."""
        row = self.rows.row_of(self.cursor)
        start, _ = self.rows.bounds(row)
        return cell_of(self.page.shown, start, self.cursor) + MARGIN, row - self.scrolling.top
