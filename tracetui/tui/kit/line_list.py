"""A list of any length on Textual's Line API: only the rows on screen are ever painted."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable, Hashable, Sequence
from typing import ClassVar, Final, Protocol

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.cache import LRUCache
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip

from tracetui.tui.actions import bindings
from tracetui.tui.kit.actor import Actor
from tracetui.tui.kit.line_scroll import LineScroll
from tracetui.tui.kit.paint import paint
from tracetui.tui.kit.styles import Look

__all__ = ["LineList", "ListSource", "RowSource"]


_REVERSED: Final = Style(reverse=True)


class RowSource(Protocol):
    """Where the rows of a `LineList` come from. Nothing is asked about a row before it is needed."""

    uniform: bool
    """Every row is one line high and can be chosen; ``height`` and ``selectable`` are then never called."""

    def __len__(self) -> int: ...

    def key(self, row: int) -> Hashable:
        """What the row is and everything that changes its look; also how the cursor finds its row after a reload."""

    def height(self, row: int) -> int:
        """Lines of the row, 1 or more."""

    def selectable(self, row: int) -> bool:
        """Whether the cursor may rest on it; headings are passed over."""

    def paint(self, row: int, look: Look, width: int) -> Sequence[Strip]:
        """The lines of the row, each exactly ``width`` cells, without background."""


class ListSource:
    """A plain source over a list of strings, for small lists and tests."""

    uniform = True

    def __init__(self, texts: Sequence[str] = ()) -> None:
        self.texts = texts

    def __len__(self) -> int:
        return len(self.texts)

    def key(self, row: int) -> Hashable:
        return row, self.texts[row]

    def height(self, row: int) -> int:
        return 1

    def selectable(self, row: int) -> bool:
        return True

    def paint(self, row: int, look: Look, width: int) -> Sequence[Strip]:
        return [paint([(self.texts[row], look.style())], width)]


class LineList(LineScroll, Actor, can_focus=True):
    """The list. It holds the cursor and the scroll position; rows, their keys and their paint are the source's.

    The first cell of every line is the list's own: it carries the cursor mark; the last one stays free.
    """

    CONTEXTS: ClassVar[tuple[str, ...]] = ("list",)
    BINDINGS = bindings("list")
    DEFAULT_CSS = """
    LineList { height: 1fr; width: 1fr; overflow-x: hidden; overflow-y: auto; scrollbar-size-vertical: 1; }
    """

    cursor: reactive[int] = reactive(-1, repaint=False, init=False)

    class Moved(Message):
        """The cursor stands on another row (or on the same place of other rows)."""

        def __init__(self, sender: LineList, row: int) -> None:
            super().__init__()
            self.list = sender
            self.row = row

        @property
        def control(self) -> LineList:
            return self.list

    class Opened(Moved):
        """The user goes into a row: enter, or a double click."""

    def __init__(self, source: RowSource | None = None, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.source: RowSource = source if source is not None else ListSource()
        self.empty: Sequence[str] = ()
        """What an empty list says; the first line in plain, the others muted."""
        self.at_once: Callable[[], None] | None = None
        """Called when the cursor moved, before `Moved` is posted: for what must change in the same frame."""
        self._starts: array[int] | None = None
        self._look: Look | None = None
        self._painted: LRUCache[Hashable, Sequence[Strip]] = LRUCache(1024)
        self._finished: LRUCache[Hashable, Strip] = LRUCache(1024)
        self._width = 0
        self._base: Style | None = None

    # -- rows ---------------------------------------------------------------------------------------------------------

    @property
    def look(self) -> Look:
        if self._look is None:
            self._look = Look.of_widget(self)
        return self._look

    @property
    def line_count(self) -> int:
        return len(self.source) if self._starts is None else self._starts[-1]

    def line_of(self, row: int) -> int:
        """The first line of a row."""
        return row if self._starts is None else self._starts[row]

    def row_at(self, line: int) -> int:
        """The row that a line belongs to, -1 when there is none."""
        if not 0 <= line < self.line_count:
            return -1
        return line if self._starts is None else bisect_right(self._starts, line) - 1

    def reload(self, source: RowSource | None = None, *, keep: bool = True, row: int | None = None) -> None:
        """Take the rows again after they changed. The cursor goes to ``row``, or stays on the row with the same key
        (``keep``) or else near its place. Costs nothing per row for uniform sources."""
        old_source, old = self.source, self.cursor
        wanted: Hashable = None
        held = 0
        if keep and row is None and 0 <= old < len(old_source) and source is not None and source is not old_source:
            wanted = _identity(old_source, old)
            held = self.line_of(old) - self.scroll_offset.y
        if source is not None:
            self.source = source
        rows = self.source
        count = len(rows)
        if rows.uniform:
            self._starts = None
        else:
            starts = array("l", [0])
            line = 0
            for index in range(count):
                line += rows.height(index)
                starts.append(line)
            self._starts = starts
        self._painted.clear()
        self._finished.clear()
        self.virtual_size = Size(self.size.width, self.line_count)
        found = -1
        if wanted is not None:
            find = getattr(rows, "find", None)
            if find is not None:
                found = find(wanted)
            elif count <= 20_000:
                found = next((index for index in range(count) if _identity(rows, index) == wanted), -1)
        if row is not None:
            target = row
        elif found >= 0:
            target = found
        else:
            target = min(max(old, 0), count - 1)
        target = self._nearest(target, 1)
        self.set_reactive(LineList.cursor, target)
        if found >= 0:
            self.scroll_to(y=self.line_of(found) - held, animate=False, force=True)
        if target >= 0:
            self._show(target)
        self.refresh()
        if self.at_once is not None:
            self.at_once()
        if target >= 0:
            self.post_message(self.Moved(self, target))

    def refresh_rows(self) -> None:
        """Paint every row again (their keys changed); cursor and scroll position stay."""
        self._painted.clear()
        self._finished.clear()
        self.refresh()

    # -- cursor -------------------------------------------------------------------------------------------------------

    def _nearest(self, row: int, step: int) -> int:
        """The first row from ``row`` on in direction ``step`` that can be chosen, else in the other, else -1."""
        count = len(self.source)
        if count == 0:
            return -1
        row = min(max(row, 0), count - 1)
        if self.source.uniform:
            return row
        for way in (step, -step):
            index = row
            while 0 <= index < count:
                if self.source.selectable(index):
                    return index
                index += way
        return -1

    def validate_cursor(self, value: int) -> int:
        return self._nearest(value, 1 if value >= self.cursor else -1)

    def watch_cursor(self, old: int, new: int) -> None:
        for row in (old, new):
            if 0 <= row < len(self.source):
                first = self.line_of(row)
                last = first + 1 if self._starts is None else self._starts[row + 1]
                self.refresh_lines(first, last - first)
        if new >= 0:
            self._show(new)
            if self.at_once is not None:
                self.at_once()
            self.post_message(self.Moved(self, new))

    def _show(self, row: int) -> None:
        """Scroll as little as needed for the row to be seen; its headings above too when it is the first."""
        height = self.scrollable_content_region.height or self.size.height
        if height <= 0:
            return
        first = self.line_of(row)
        last = first + 1 if self._starts is None else self._starts[row + 1]
        while row > 0 and not self.source.uniform and not self.source.selectable(row - 1):
            row -= 1
            first = self.line_of(row)
        top = self.scroll_offset.y
        if first < top:
            top = first
        if last > top + height:
            top = last - height
        if top != self.scroll_offset.y:
            self.scroll_to(y=top, animate=False, force=True)

    def center(self, row: int) -> None:
        """Put the cursor on a row and the row, when it was out of sight, in the upper third."""
        line, height = self.line_of(row), self.size.height
        if not self.scroll_offset.y <= line < self.scroll_offset.y + height:
            self.scroll_to(y=max(0, line - height // 3), animate=False, force=True)
        self.cursor = row

    def _by_lines(self, lines: int) -> None:
        if self.cursor < 0:
            return
        target = self.row_at(min(max(self.line_of(self.cursor) + lines, 0), self.line_count - 1))
        if target == self.cursor:
            target += 1 if lines > 0 else -1
        self.cursor = min(max(target, 0), len(self.source) - 1)

    def do_down(self) -> None:
        if self.cursor + 1 < len(self.source):
            self.cursor += 1

    def do_up(self) -> None:
        if self.cursor > 0:
            self.cursor -= 1
        elif self.cursor == 0 or self._nearest(0, 1) == self.cursor:
            self.scroll_to(y=0, animate=False, force=True)

    def do_page_down(self) -> None:
        self._by_lines(max(1, self.scrollable_content_region.height - 1))

    def do_page_up(self) -> None:
        self._by_lines(-max(1, self.scrollable_content_region.height - 1))

    def do_first(self) -> None:
        self.cursor = 0
        self.scroll_to(y=0, animate=False, force=True)

    def do_last(self) -> None:
        self.cursor = len(self.source) - 1

    def why_open(self) -> str | None:
        return None if self.cursor >= 0 else "There is no row to open."

    def do_open(self) -> None:
        self.post_message(self.Opened(self, self.cursor))

    # -- mouse --------------------------------------------------------------------------------------------------------

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        if offset is None:
            return
        row = self.row_at(offset.y + self.scroll_offset.y)
        if row < 0:
            return
        event.stop()
        if not self.source.uniform and not self.source.selectable(row):
            return
        self.cursor = row
        if event.chain == 2:
            self.action_act("list.open")

    # -- painting -----------------------------------------------------------------------------------------------------

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._look = None
        self._painted.clear()
        self._finished.clear()

    def on_resize(self) -> None:
        self.virtual_size = Size(self.size.width, self.line_count)
        if self.cursor >= 0:
            self._show(self.cursor)

    def on_focus(self) -> None:
        self._refresh_cursor()

    def on_blur(self) -> None:
        self._refresh_cursor()

    def _refresh_cursor(self) -> None:
        if 0 <= self.cursor < len(self.source):
            self.refresh_lines(self.line_of(self.cursor), self.source.height(self.cursor))

    def render_lines(self, crop: Region) -> list[Strip]:
        # What is the same for every line is asked once; these properties climb the tree each time.
        self._width = self.scrollable_content_region.width
        self._base = self.rich_style
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        width = self._width or self.scrollable_content_region.width
        line = y + self.scroll_offset.y
        row = self.row_at(line)
        if row < 0:
            return self._empty_line(y, width) if not self.line_count else Strip.blank(width, self.rich_style)
        look = self.look
        key = self.source.key(row)
        at = line - self.line_of(row)
        state = 0 if row != self.cursor else 2 if self.has_focus else 1
        done = self._finished.get((key, at, width, look.epoch, state))
        if done is not None:
            return done
        painted = self._painted.get((key, width, look.epoch))
        if painted is None:
            painted = self.source.paint(row, look, width - 2)
            self._painted[key, width, look.epoch] = painted
        body = painted[at] if at < len(painted) else Strip.blank(width - 2)
        if look.ansi and state == 2:
            # There is no grey that is safe behind every colour of a terminal's own: the row of the cursor is reversed.
            body = Strip([Segment(body.text, _REVERSED)], width - 2)
        mark = Segment(look.sign("pointer"), look.sign_style("pointer")) if state else Segment(" ")
        base = self._base or self.rich_style
        if state:
            base += look.background("cursor-row" if state == 2 else "cursor-row-blurred")
        strip = Strip([mark, *body, Segment(" ")], width).apply_style(base)
        self._finished[key, at, width, look.epoch, state] = strip
        return strip

    def _empty_line(self, y: int, width: int) -> Strip:
        look = self.look
        if not 1 <= y <= len(self.empty):
            return Strip.blank(width, self.rich_style)
        style = look.style() if y == 1 else look.style("muted")
        return paint([("  " + self.empty[y - 1], style)], width).apply_style(self.rich_style)

    def get_content_width(self, container: Size, viewport: Size) -> int:
        return container.width

    def scroll_to_cursor(self) -> None:
        """Bring the cursor row into view, after the view was scrolled away."""
        if self.cursor >= 0:
            self.scroll_to_region(Region(0, self.line_of(self.cursor), 1, 1), animate=False, force=True, immediate=True)


def _identity(source: RowSource, row: int) -> Hashable:
    """What a row is, apart from its look: the source's ``identity`` where it has one, else its key."""
    identity = getattr(source, "identity", None)
    return identity(row) if identity is not None else source.key(row)
