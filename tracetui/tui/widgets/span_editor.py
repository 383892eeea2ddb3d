"""The text of the redaction editor: a cursor, motions, marks and a selection, on Textual's Line API.

It shows a `Page` and never changes one: what the user marks goes out as `Marked` in offsets of the page, from which the
page finds the span of the text unit. What is on screen is laid out at once, the rest when it is needed; a new page that
differs only by placeholders is mended, so that a decision costs what it changes, not what there is.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import ClassVar, Final

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.cache import LRUCache
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.timer import Timer

from tracetui.text import motion
from tracetui.text.safe import display_safe
from tracetui.tui.actions import Actor, bindings
from tracetui.tui.look import Look
from tracetui.tui.redaction.layout import Rows
from tracetui.tui.redaction.page import Page, Span, edits_between
from tracetui.tui.wrap import cell_of, char_cells

__all__ = ["SpanEditor"]

_MATCH_LIMIT: Final = 100_000
_MARGIN: Final = 2
"""Cells at the left of the text: a mark and a blank."""
_SELECTORS: Final = "\ufe0e\ufe0f"


class SpanEditor(ScrollView, Actor, can_focus=True):
    """The editor's text. ``cursor`` and ``pin``, where a selection began, are offsets of the page."""

    CONTEXTS: ClassVar[tuple[str, ...]] = ("marking",)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("marking")]
    ALLOW_SELECT: ClassVar[bool] = False
    DEFAULT_CSS = """
    SpanEditor { height: 1fr; width: 1fr; overflow-x: hidden; overflow-y: auto; scrollbar-gutter: stable;
                 scrollbar-size-vertical: 1; }
    """

    class Marked(Message):
        """The user marked ``[start, end)`` of the page, begun at ``anchor``."""

        def __init__(self, start: int, end: int, anchor: int) -> None:
            super().__init__()
            self.start, self.end, self.anchor = start, end, anchor

    class Moved(Message):
        """The cursor stands elsewhere."""

        def __init__(self, offset: int) -> None:
            super().__init__()
            self.offset = offset

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, SpanEditor.Moved)

    class Selected(Message):
        """What is selected changed, or nothing is selected any more."""

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, SpanEditor.Selected)

    class Searching(Message):
        """The user wants to look for something in the text."""

    class Narrow(Message):
        """The page must be laid out for another width; whoever made it may do that off the main thread."""

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, SpanEditor.Narrow)

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.page = Page()
        self.rows = Rows("", 80)
        self.cursor = 0
        self.pin: int | None = None
        self.focus_span: Span | None = None
        """The span under decision."""
        self.plain = False
        """Shown as the reader will see it: no marks."""
        self.empty: Sequence[str] = ()
        self.matches: array[int] = array("q")
        self.query_text = ""
        self._query_length = 0
        self._column: int | None = None
        self._finding = False
        self._dragging = False
        self._scrolling: Timer | None = None
        self._padded = 1
        self._drag_by = 0
        self._down = 0
        self._head = -1
        self._width = self._top = 0
        self._base: Style | None = None
        self._look: Look | None = None
        self._strips: LRUCache[tuple[int, int, int], Strip] = LRUCache(512)

    # -- what is shown ------------------------------------------------------------------------------------------------

    @property
    def text_width(self) -> int:
        """Cells that a row of text has."""
        return max(4, self.scrollable_content_region.width - _MARGIN - 1)

    @property
    def _pad(self) -> int:
        """Free rows above and below the text, so that any row can stand in the middle of the screen."""
        return max(1, self.size.height // 2)

    def show(self, page: Page, *, rows: Rows | None = None, cursor: int | None = None) -> None:
        """Show a page; ``rows`` are those that a worker laid out. The cursor goes to ``cursor``, or to the same place
        of the text, and stays where it is on the screen."""
        old, old_rows, width = self.page, self.rows, self.text_width
        place = self._place_in(page) if cursor is None else cursor
        held = self._screen_row() if cursor is None and len(old_rows) else None
        selected = self._kept_selection(page) if cursor is None else None
        edits = None if rows is not None else edits_between(old, page) if old_rows.width == width else None
        self.page = page
        if rows is not None and rows.text is page.shown:
            self.rows = rows
        elif edits is not None:
            self.rows = old_rows.mended(page.shown, edits)
        else:
            self.rows = Rows(page.shown, width)
        self.cursor = max(0, min(place, len(page.shown) - 1))
        self.pin = selected
        self._column = None
        self._finding = False
        self._strips.clear()
        if self.query_text:
            self._search()
        self.rows.reach(self.cursor)
        self._publish()
        if held is not None:
            self._scroll_row(self.rows.row_of(self.cursor) - held)
        self._from_top()
        self.refresh()

    def _from_top(self) -> None:
        """Begin at the first row where no span asks for the middle and the cursor can be seen there: the free rows
        above the text are of use only for that."""
        height = self.size.height
        free = self.focus_span is None and height > 0 and self.scroll_offset.y < self._pad
        if free and self.rows.row_of(self.cursor) < height:
            self._scroll_row(0)

    def _place_in(self, page: Page) -> int:
        """Where the character under the cursor stands on another page."""
        run = self.page.run_at(self.cursor)
        if run is None:
            return self.cursor if page.units == self.page.units or not page.units else 0
        unit = page.unit_of(self.page.units[run.unit].at)
        found = -1 if unit < 0 else page.place_of(unit, run.low + (0 if run.atom else self.cursor - run.start))
        return max(found, 0)

    def _kept_selection(self, page: Page) -> int | None:
        if self.pin is None:
            return None
        run = self.page.run_at(self.pin)
        unit = -1 if run is None else page.unit_of(self.page.units[run.unit].at)
        if run is None or unit < 0:
            return None
        found = page.place_of(unit, run.low + (0 if run.atom else self.pin - run.start))
        return found if found >= 0 else None

    def _publish(self) -> None:
        # What is not laid out yet is guessed from what is, so that the scrollbar tells about the whole text.
        count = len(self.rows)
        if not self.rows.complete and self.rows.reached:
            count = max(count, count * len(self.page.shown) // self.rows.reached)
        height = self.size.height
        rows = max(count + max(2 * self._pad, height), self._pad + height)  # the first row can stand at the top
        self.virtual_size = Size(self.scrollable_content_region.width, rows)

    def _screen_row(self) -> int:
        """The row of the cursor, counted from the first row that is on screen."""
        return self.rows.row_of(self.cursor) - (int(self.scroll_offset.y) - self._pad)

    def _scroll_row(self, row: int) -> None:
        """Put a row (0 the first of the text, less for the free rows above) at the top of the screen."""
        self._padded = self._pad
        y = max(0, row + self._padded)
        bottom = y - self._pad + self.size.height
        while not self.rows.complete and len(self.rows) <= bottom:
            self.rows.step()
        self._publish()
        self.scroll_to(y=y, animate=False, force=True, immediate=True)

    def to_middle(self, offset: int) -> None:
        """Bring the row of a character into the middle third of the screen; nothing moves when it is there."""
        height = self.size.height
        if height <= 0:
            return
        row = self.rows.row_of(offset)
        self._publish()
        at = row - (int(self.scroll_offset.y) - self._pad)
        if not height // 3 <= at < max(height // 3 + 1, height * 2 // 3):
            self._scroll_row(row - max(height // 3, height * 2 // 5))

    def decide_on(self, span: Span | None, *, move: bool = True) -> None:
        """Make a span the one under decision and bring it into the middle third."""
        before, head = self.focus_span, self._head
        self.focus_span = span
        self._head = self._head_of(span.start if span is not None else self.cursor)
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
            self.to_middle(span.start)

    def _refresh_span(self, start: int, end: int) -> None:
        """Paint the rows of a span again; those that are not laid out yet have not been painted."""
        if 0 <= start < self.rows.reached:
            self._refresh_rows(self.rows.row_of(start), self.rows.row_of(min(end, self.rows.reached) - 1))

    def _head_of(self, offset: int) -> int:
        """Where the heading of the step stands that a character belongs to, -1 when it belongs to none."""
        return next(
            (head.start for head in reversed(self.page.heads) if head.what == "step" and head.start <= offset), -1
        )

    def show_plain(self, plain: bool) -> None:
        """Show the text as the reader will see it, or with its marks."""
        self.plain = plain
        self.drop_selection()
        self._strips.clear()
        self.refresh()

    def laid_out_again(self, rows: Rows) -> None:
        """Take the rows for the width of now, which a worker laid out."""
        if rows.text is self.page.shown and rows.width == self.text_width:
            held = self._screen_row() if len(self.rows) else 0
            self.rows = rows
            self._strips.clear()
            self._publish()
            self._scroll_row(rows.row_of(self.cursor) - held)
            self.refresh()

    def on_resize(self, event: events.Resize) -> None:
        if self._padded != self._pad:
            self._scroll_row(int(self.scroll_offset.y) - self._padded)  # the free rows above became more or fewer
        if self.rows.width == self.text_width:
            self._publish()
            self.call_after_refresh(self._from_top)
            return
        if len(self.page.shown) > 4 * 64 * 1024:
            self.post_message(self.Narrow())
        else:
            self.laid_out_again(Rows(self.page.shown, self.text_width))
        self.call_after_refresh(self._focus_again)

    def _focus_again(self) -> None:
        if self.focus_span is not None:
            self.to_middle(self.focus_span.start)
        else:
            self._from_top()

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
        self._publish()
        top = int(self.scroll_offset.y) - self._pad
        height = max(1, self.size.height)
        if row < top or row >= top + height:
            near = row < top + height + height // 2 and row >= top - height // 2
            self._scroll_row((row if row < top else row - height + 1) if near else row - height // 2)
        if self.pin is None:
            self._refresh_rows(before, before)
            self._refresh_rows(row, row)
        else:
            self._refresh_rows(min(before, row), max(before, row))
        self.post_message(self.Moved(self.cursor))

    def _refresh_rows(self, first: int, last: int) -> None:
        if last - first > 300:
            self._strips.clear()
        else:
            width, epoch = self._width, self.look.epoch
            for row in range(first, last + 1):
                self._strips.discard((row, width, epoch))
        self.refresh_lines(first + self._pad, last - first + 1)

    def select(self, anchor: int, cursor: int) -> None:
        """Select from ``anchor`` to ``cursor``, both included."""
        before = self.selection
        self.pin = anchor
        self.move_to(cursor)
        after = self.selection
        for chosen in (before, after):
            if chosen is not None and before != after:
                self._refresh_span(*chosen)
        self.post_message(self.Selected())
        if before is None:
            self._offer()

    def _offer(self) -> None:
        offer = getattr(self.app, "refresh_offers", None)
        if offer is not None:
            offer()

    def drop_selection(self) -> bool:
        """Drop what is selected; False when nothing was."""
        self._finding = False
        chosen = self.selection
        if self.pin is None:
            return False
        self.pin = None
        if chosen is not None:
            self._refresh_span(*chosen)
        self.post_message(self.Selected())
        self._offer()
        return True

    # -- motions ------------------------------------------------------------------------------------------------------

    def _empty_page(self) -> str | None:
        return None if self.page.shown else "There is no text here."

    why_down = why_up = why_left = why_right = why_word = why_back = why_word_end = _empty_page
    why_line_start = why_line_end = why_first = why_last = why_page_down = why_page_up = _empty_page
    why_find_char = why_find = why_half_down = why_half_up = _empty_page

    def _go(self, name: str) -> None:
        self.move_to(motion.MOTIONS[name](self.page.shown, self.cursor))

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

    def _by_rows(self, count: int) -> None:
        """Down or up by rows of the screen, in the same column as far as rows are that wide."""
        row, column = self.rows.cell_of(self.cursor)
        column = column if self._column is None else self._column
        target = max(0, row + count)
        while not self.rows.complete and len(self.rows) <= target:
            self.rows.step()
        target = min(target, len(self.rows) - 1)
        self.move_to(self.rows.offset_at(target, column), column=column)

    def do_down(self) -> None:
        self._by_rows(1)

    def do_up(self) -> None:
        self._by_rows(-1)

    def do_page_down(self) -> None:
        self._by_rows(max(1, self.size.height - 2))

    def do_page_up(self) -> None:
        self._by_rows(-max(1, self.size.height - 2))

    def do_half_down(self) -> None:
        self._by_rows(max(1, self.size.height // 2))

    def do_half_up(self) -> None:
        self._by_rows(-max(1, self.size.height // 2))

    def do_find_char(self) -> None:
        """The next key is the character to go to."""
        self._finding = True
        self._say("The next key is the character to go to in this line.", "muted")

    def on_key(self, event: events.Key) -> None:
        if not self._finding:
            return
        self._finding = False
        event.stop()
        event.prevent_default()
        if event.character and event.is_printable:
            found = motion.find_char(self.page.shown, self.cursor, event.character)
            if found is None:
                self._say(f"There is no {display_safe(event.character)} further in this line.")
            else:
                self.move_to(found)

    def _say(self, text: str, role: str = "warn") -> None:
        say = getattr(self.app, "say", None)
        if say is not None:
            say(text, role=role)

    # -- marking ------------------------------------------------------------------------------------------------------

    def why_visual(self) -> str | None:
        return "This is how the reader will see it; p goes back." if self.plain else self._empty_page()

    def do_visual(self) -> None:
        """Begin to select, or drop what is selected."""
        if not self.drop_selection():
            self.select(self.cursor, self.cursor)

    def why_other_end(self) -> str | None:
        return None if self.pin is not None else "Nothing is selected; v begins."

    def do_other_end(self) -> None:
        assert self.pin is not None
        self.pin, cursor = self.cursor, self.pin
        self.move_to(cursor)
        self.post_message(self.Selected())

    def why_grow(self) -> str | None:
        if self.plain:
            return self.why_visual()
        here = self.page.span_at(self.cursor) or self.focus_span
        return None if self.pin is not None or here is not None else "Nothing is selected; v begins."

    why_shrink = why_grow_left = why_shrink_left = why_grow

    def _adjust(self, low: int, high: int) -> None:
        """Move the ends of the selection; without one the span under the cursor is selected first."""
        chosen = self.selection
        if chosen is None:
            span = self.page.span_at(self.cursor) or self.focus_span
            if span is None:
                return
            chosen = (span.start, span.end)
        start = max(0, min(chosen[0] + low, chosen[1] - 1))
        end = max(start + 1, min(chosen[1] + high, len(self.page.shown)))
        self.select(start, end - 1)

    def do_grow(self) -> None:
        self._adjust(0, 1)

    def do_shrink(self) -> None:
        self._adjust(0, -1)

    def do_grow_left(self) -> None:
        self._adjust(-1, 0)

    def do_shrink_left(self) -> None:
        self._adjust(1, 0)

    def why_mark(self) -> str | None:
        if self.plain:
            return self.why_visual()
        chosen = self.selection
        if chosen is None:
            return "Nothing is selected; v begins, or drag with the mouse."
        found = self.page.source_range(*chosen, anchor=self.pin)
        return None if found is not None else "Headings are not part of the session; select text below one."

    def do_mark(self) -> None:
        chosen = self.selection
        assert chosen is not None
        assert self.pin is not None
        self.post_message(self.Marked(*chosen, anchor=self.pin))

    # -- looking for text ---------------------------------------------------------------------------------------------

    def do_find(self) -> None:
        self.post_message(self.Searching())

    def search(self, text: str) -> int:
        """Mark every place of a fixed text, whatever its case, and go to the next one; how many there are."""
        self.query_text = text
        self._search()
        if self.matches:
            at = bisect_left(self.matches, self.cursor)
            self.move_to(self.matches[at % len(self.matches)])
        self.refresh()
        return len(self.matches)

    def _search(self) -> None:
        found: array[int] = array("q")
        needle = display_safe(self.query_text)
        if needle:
            for match in re.finditer(re.escape(needle), self.page.shown, re.IGNORECASE):
                found.append(match.start())
                if len(found) >= _MATCH_LIMIT:
                    break
        self.matches, self._query_length = found, len(needle)
        self._strips.clear()

    def why_next_match(self) -> str | None:
        if not self.query_text:
            return "Nothing is looked for; / finds text here, ] goes to the next finding."
        return None if self.matches else f"{display_safe(self.query_text)} is not in this text."

    why_previous_match = why_next_match

    def do_next_match(self) -> None:
        self.move_to(self.matches[bisect_right(self.matches, self.cursor) % len(self.matches)])

    def do_previous_match(self) -> None:
        self.move_to(self.matches[bisect_left(self.matches, self.cursor) - 1])

    # -- mouse --------------------------------------------------------------------------------------------------------

    def offset_of(self, x: int, y: int) -> int:
        """The character under a cell of the widget (``y`` may lie outside)."""
        row = y + int(self.scroll_offset.y) - self._pad
        return self.rows.offset_at(row, max(0, x - _MARGIN)) if len(self.rows) else 0

    def on_mouse_down(self, event: events.MouseDown) -> None:
        if event.button != 1 or not self.page.shown:
            return
        event.stop()
        self.focus(scroll_visible=False)
        self.capture_mouse()
        self._dragging = True
        self._down = self.offset_of(event.x, event.y)
        if not event.shift:
            self.drop_selection()
        elif self.pin is None:
            self._down = self.cursor
        self.move_to(self.offset_of(event.x, event.y))

    def on_mouse_move(self, event: events.MouseMove) -> None:
        if not self._dragging or self.plain:
            return
        event.stop()
        offset = self.offset_of(event.x, min(max(event.y, 0), self.size.height - 1))
        if offset != self._down or self.pin is not None:
            self.select(self._down, offset)
        beyond = event.y if event.y < 0 else max(0, event.y - self.size.height + 1)
        self._drag_by = max(-3, min(3, int(beyond)))
        if self._drag_by and self._scrolling is None:
            self._scrolling = self.set_interval(0.05, self._drag_on)

    def _drag_on(self) -> None:
        """While the mouse is held beyond an edge the selection goes on."""
        if not self._dragging or not self._drag_by:
            if self._scrolling is not None:
                self._scrolling.stop()
                self._scrolling = None
            return
        self._by_rows(self._drag_by)

    def on_mouse_up(self, event: events.MouseUp) -> None:
        if not self._dragging:
            return
        event.stop()
        self._dragging = False
        self._drag_by = 0
        self.release_mouse()

    def on_click(self, event: events.Click) -> None:
        event.stop()
        if event.chain == 2 and not self.plain:
            low, high = motion.token_at(self.page.shown, self.cursor)
            if high > low:
                self.select(low, high - 1)
        elif event.chain == 3 and not self.plain:
            text = self.page.shown
            self.select(motion.line_start(text, self.cursor), motion.line_end(text, self.cursor))

    # -- painting -----------------------------------------------------------------------------------------------------

    @property
    def look(self) -> Look:
        if self._look is None:
            self._look = Look.of_widget(self)
        return self._look

    def on_focus(self) -> None:
        self._refresh_span(self.cursor, self.cursor + 1)

    def on_blur(self) -> None:
        self._finding = False
        self._refresh_span(self.cursor, self.cursor + 1)

    def render_lines(self, crop: Region) -> list[Strip]:
        # What is the same for every line is asked once; these properties climb the tree each time.
        self._width = self.scrollable_content_region.width
        self._base = self.rich_style
        self._top = int(self.scroll_offset.y) - self._pad
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        width = self._width
        row = y + self._top
        look = self.look
        if not self.page.shown:
            return self._empty_line(y, width, look)
        if row >= len(self.rows) and not self.rows.complete:
            self.rows.step()
            self.call_after_refresh(self._publish)
        if not 0 <= row < len(self.rows):
            return Strip.blank(width, self._base)
        key = (row, width, look.epoch)
        strip = self._strips.get(key)
        if strip is None:
            strip = self._strips[key] = self._paint(row, width, look)
        return strip

    def _empty_line(self, y: int, width: int, look: Look) -> Strip:
        if not 1 <= y <= len(self.empty):
            return Strip.blank(width, self.rich_style)
        style = look.style() if y == 1 else look.style("muted")
        return Strip([Segment("  " + self.empty[y - 1], style)]).adjust_cell_length(width).apply_style(self.rich_style)

    def _paint(self, row: int, width: int, look: Look) -> Strip:
        text = self.page.shown
        start, end = self.rows.bounds(row)
        base = self._base
        segments = [*self._margin(start, max(end, start + 1), look)]
        column = 0
        for low, high, style in self._pieces(start, end, look):
            piece = text[low:high]
            if piece.isascii() and piece.isprintable():
                segments.append(Segment(piece, style))
                column += len(piece)
                continue
            run = ""
            for char in piece:
                size = char_cells(char, column)
                column += size
                run += " " * size if char == "\t" else "" if char in _SELECTORS else char
            segments.append(Segment(run, style))
        if self.has_focus and self.cursor == end and start <= self.cursor and self._at_end(row, end):
            segments.append(Segment(" ", look.style("", "r")))
        strip = Strip(segments)
        return (strip if base is None else strip.apply_style(base)).adjust_cell_length(width, base)

    def _at_end(self, row: int, end: int) -> bool:
        """Whether the line end at ``end`` belongs to this row (and not to one that goes on)."""
        return end < len(self.page.shown) and self.page.shown[end] == "\n" and self.rows.row_of(end) == row

    def _margin(self, start: int, end: int, look: Look) -> list[Segment]:
        spans = () if self.plain else self.page.spans_between(start, end)
        focus = self.focus_span
        if focus is not None and focus.start < end and focus.end > start and not self.plain:
            return [Segment(look.sign("cursor"), look.sign_style("cursor")), Segment(" ")]
        if any(span.state == "rejected" for span in spans):
            return [Segment("|" if look.ascii else "▏", look.style("rejected")), Segment(" ")]
        return [Segment("  ")]

    def _pieces(self, start: int, end: int, look: Look) -> list[tuple[int, int, Style]]:
        """The row's text in pieces of one style: headings, then marks, then matches, selection and cursor on top."""
        layers: list[tuple[int, int, Style]] = []
        heads = self.page.heads
        at = max(0, bisect_right(heads, start, key=lambda head: head.start) - 1)
        while at < len(heads) and heads[at].start < end:
            step = heads[at].what == "step"
            style = look.style("accent" if heads[at].start == self._head else "muted", "b" if step else "")
            layers.append((heads[at].start, heads[at].end, style))
            at += 1
        if not self.plain:
            focus = self.focus_span
            for span in self.page.spans_between(start, max(end, start + 1)):
                here = focus is not None and (span.start, span.end) == (focus.start, focus.end)
                if span.state == "open":
                    style = look.style("proposed", "bu" if here else "u")
                elif span.state == "accepted":
                    style = look.style("accepted", "br" if here else "r")
                else:
                    style = look.style("", "b") if here else look.style("")
                layers.append((span.start, span.end, style))
                if here and span.state != "accepted":
                    layers.append((span.start, span.end, look.background("cursor-row")))
        if self.matches:
            at = max(0, bisect_left(self.matches, start - self._query_length + 1))
            while at < len(self.matches) and self.matches[at] < end:
                layers.append((self.matches[at], self.matches[at] + self._query_length, look.style("match", "b")))
                at += 1
        chosen = self.selection
        if chosen is not None:
            layers.append((*chosen, look.style("accent", "r")))
        if self.has_focus and start <= self.cursor < end:
            # On what is reversed already the cursor is the one place that is not.
            reversed_here = any(low <= self.cursor < high and style.reverse for low, high, style in layers)
            style = Style(reverse=not reversed_here, bold=True, underline=reversed_here or None)
            layers.append((self.cursor, self.cursor + 1, style))
        cuts = {start, end}
        for low, high, _ in layers:
            if start < low < end:
                cuts.add(low)
            if start < high < end:
                cuts.add(high)
        plain = look.style()
        pieces: list[tuple[int, int, Style]] = []
        for low, high in pairwise(sorted(cuts)):
            style = plain
            for first, last, layer in layers:
                if first <= low and high <= last:
                    style = style + layer
            pieces.append((low, high, style))
        return pieces

    def get_content_width(self, container: Size, viewport: Size) -> int:
        return container.width

    def cursor_cell(self) -> tuple[int, int]:
        """Column and line of the cursor within the widget, for tests."""
        row = self.rows.row_of(self.cursor)
        start, _ = self.rows.bounds(row)
        return cell_of(self.page.shown, start, self.cursor) + _MARGIN, row + self._pad - int(self.scroll_offset.y)
