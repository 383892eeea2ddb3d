"""A viewer for text of any size and any content, on Textual's Line API.

It shows a `Document`: one string, made safe to show one code point for one, so that every offset on the screen is an
offset of the source. Layout is lazy: what is needed for the screen is laid out at once, the rest in slices of a few
milliseconds between key presses. Selecting is Textual's own; the strips carry source offsets, and so does the copy.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import ClassVar, Final

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.cache import LRUCache
from textual.geometry import Size
from textual.message import Message
from textual.selection import Selection
from textual.strip import Strip
from textual.timer import Timer

from tracetui.text.safe import copy_safe
from tracetui.text.syntax import SyntaxTokens
from tracetui.tui.actions import bindings
from tracetui.tui.kit.actor import Actor
from tracetui.tui.kit.document import Document
from tracetui.tui.kit.layout import SLICE, RowLayout
from tracetui.tui.kit.line_scroll import LineScroll
from tracetui.tui.kit.paint import Layer, layered
from tracetui.tui.kit.styles import Look
from tracetui.tui.kit.text_keys import FindTextController, MoveController
from tracetui.tui.kit.text_row import paint_row
from tracetui.tui.kit.wrap import lay_out

__all__ = ["TextView"]

_UNWRAPPED: Final = 4096
"""Cells after which a line is broken even when lines are not wrapped."""


class TextView(LineScroll, Actor, can_focus=True):
    """The viewer. ``wrapped`` says whether long lines are wrapped."""

    CONTEXTS: ClassVar[tuple[str, ...]] = ("text",)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("text")]
    DEFAULT_CSS = """
    TextView { height: 1fr; width: 1fr; padding: 0 0 0 1; overflow-x: hidden; overflow-y: auto;
               scrollbar-gutter: stable; scrollbar-size-vertical: 1; scrollbar-size-horizontal: 1; }
    """

    class Changed(Message):
        """Scrolled, laid out further, or searched: whoever shows where the reader is may want to know."""

        def __init__(self, view: TextView) -> None:
            super().__init__()
            self.view = view

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, TextView.Changed)

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.document = Document()
        self.wrapped = True
        self.empty: Sequence[str] = ()
        """What stands here while there is no text; the first line in plain, the others muted."""
        self.rows = RowLayout("", 80)
        self.finding = FindTextController(self)
        self.controllers = (MoveController(self), self.finding)
        self._timer: Timer | None = None
        self._look: Look | None = None
        self._strips: LRUCache[tuple[int, int, int, int], Strip] = LRUCache(512)

    # -- what is shown ------------------------------------------------------------------------------------------------

    def show(self, document: Document, *, keep_place: bool = False) -> None:
        """Show a document from its beginning, or with ``keep_place`` from where the reader is."""
        place = self.top_offset if keep_place else 0
        self.document = document
        self.clear_selection()
        self.lay_out_again(place)
        if self.finding.text:
            self.finding.search(self.finding.text, move=False)
        if not keep_place:
            self.scroll_to(x=0, y=0, animate=False, force=True, immediate=True)

    def clear_selection(self) -> None:
        """Drop what is selected in this view."""
        if self.is_attached and self.text_selection is not None:
            self.screen.clear_selection()

    @property
    def top_offset(self) -> int:
        """The offset of the first character on screen."""
        top = int(self.scroll_offset.y)
        return self.rows.starts[min(top, len(self.rows) - 1)] if len(self.rows) else 0

    def row_of(self, offset: int) -> int:
        """The row that holds the character at ``offset``, laying out as far as that."""
        self._reach(offset + 1)
        return self.rows.row_of(offset)

    @property
    def text_width(self) -> int:
        """Cells that a row has on the screen."""
        return max(16, self.scrollable_content_region.width)

    def go_to(self, offset: int) -> None:
        """Bring the row that holds the character at ``offset`` to the top."""
        self.scroll_to_row(self.row_of(offset))

    def scroll_to_row(self, row: float) -> None:
        """Bring a row to the top, or the last ones into sight."""
        self.scroll_to(y=row, animate=False, force=True, immediate=True)
        self.post_message(self.Changed(self))

    def repaint(self) -> None:
        """Paint every row anew."""
        self._strips.clear()
        self.refresh()

    # -- layout -------------------------------------------------------------------------------------------------------

    def _wrap_width(self) -> int:
        # One cell stays free, so that words do not touch the scrollbar.
        return max(4, self.scrollable_content_region.width - 1 if self.wrapped else _UNWRAPPED)

    def lay_out_again(self, place: int) -> None:
        """Forget the rows and lay out as far as the screen needs; ``place`` is the character to stay at."""
        self.rows = RowLayout(self.document.shown, self._wrap_width(), words=self.wrapped)
        self._strips.clear()
        if self.size.width:
            self._reach(place + SLICE // 2)
            self.publish()
            if place:
                self.scroll_to(y=self.row_of(place), animate=False, force=True, immediate=True)
            self._go_on()
        self.refresh()

    def _reach(self, offset: int) -> None:
        """Lay out until the character before ``offset`` has its row."""
        if self.rows.reached < min(offset, len(self.document.shown)):
            self.rows.reach(offset - 1)
            self.publish()

    def publish(self) -> None:
        width = self.scrollable_content_region.width if self.wrapped else self.rows.widest
        self.virtual_size = Size(width, len(self.rows))
        self.post_message(self.Changed(self))

    def _go_on(self) -> None:
        """Lay out the rest while nobody presses a key."""
        if not self.rows.complete and self._timer is None and self.is_attached:
            self._timer = self.set_timer(0.002, self._next_slice)

    def _next_slice(self) -> None:
        self._timer = None
        if not self.rows.complete:
            self.rows.step()
            self.publish()
            self._go_on()

    def on_resize(self, event: events.Resize) -> None:
        if self._wrap_width() != self.rows.width or not len(self.rows):
            self.lay_out_again(self.top_offset)

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._look = None
        self._strips.clear()

    # -- selection ----------------------------------------------------------------------------------------------------

    def selected_range(self) -> tuple[int, int] | None:
        """The selected source characters, half open."""
        selection = self.text_selection if self.is_attached else None
        return None if selection is None else self._range_of(selection)

    def _range_of(self, selection: Selection) -> tuple[int, int]:
        size = len(self.document.source)
        start = 0 if selection.start is None else min(selection.start.x, size)
        end = size if selection.end is None else min(selection.end.x, size)
        return start, max(start, end)

    def selected_text(self) -> str | None:
        """What is selected, safe to copy."""
        found = self.selected_range()
        return copy_safe(self.document.source[found[0] : found[1]]) if found else None

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        start, end = self._range_of(selection)
        return copy_safe(self.document.source[start:end]), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        self.repaint()

    # -- painting -----------------------------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        scroll_x, scroll_y = self.scroll_offset
        row = y + int(scroll_y)
        if self._look is None:
            self._look = Look.of_widget(self)
        look = self._look
        if row >= len(self.rows):
            return self._empty_line(y, width, look)
        key = (row, int(scroll_x), width, look.epoch)
        strip = self._strips.get(key)
        if strip is None:
            start, end = self.rows.bounds(row)
            layers = list(self._layers(start, end, look))  # scans the section first, which the tint of a diff asks
            pieces = layered(layers, start, end, self._plain(start, look))
            base = self.rich_style
            if (tint := self._tint(start, end)) is not None:
                base += look.background(tint)
            strip = paint_row(self.document.shown, start, pieces, base, int(scroll_x), width)
            self._strips[key] = strip
        return strip

    def _empty_line(self, y: int, width: int, look: Look) -> Strip:
        """What an empty view says, wrapped, below a free line."""
        lines: list[tuple[str, str]] = []
        if not self.document.shown:
            for at, text in enumerate(self.empty):
                starts = array("q")
                lay_out(text, 0, max(8, width - 1), starts, len(text))
                lines += [(text[low:high], "muted" if at else "") for low, high in pairwise([*starts, len(text)])]
        if not 1 <= y <= len(lines):
            return Strip.blank(width, self.rich_style)
        text, role = lines[y - 1]
        return Strip([Segment(text, look.style(role))]).adjust_cell_length(width).apply_style(self.rich_style)

    def _tint(self, start: int, end: int) -> str | None:
        """The colour behind a whole row."""
        for low, high, variable in self.document.tints_between(start, end):
            if low <= start and (high >= end or not self.document.shown[high:end].strip()):
                return variable
        index = self.document.section_at(start)
        if index >= 0 and self.document.sections[index].language == "diff":
            coloured = self.document.tokens.get(index)
            found = coloured.between(start, start + 1) if coloured is not None else ()
            return next((f"{style}-row" for _, _, style in found if style in ("added", "removed")), None)
        return None

    def _plain(self, start: int, look: Look) -> Style:
        index = self.document.section_at(start)
        return _style(look, self.document.sections[index].style) if index >= 0 else look.style()

    def _layers(self, start: int, end: int, look: Look) -> Iterator[Layer]:
        """What lies on the row's text: syntax, then matches, then the selection on top."""
        document = self.document
        for low, high, variable in document.tints_between(start, end):
            yield low, high, look.background(variable)
        index = document.section_at(start)
        if index >= 0 and document.sections[index].language:
            section = document.sections[index]
            tokens = document.tokens.get(index)
            if tokens is None:
                tokens = SyntaxTokens(document.shown, section.start, section.end, section.language)
                document.tokens[index] = tokens
            for low, high, style in tokens.between(start, end):
                yield low, high, _style(look, style)
        for low, high in self.finding.hinted(start, end):
            yield low, high, look.style("match", "u")
        for low, high, here in self.finding.between(start, end):
            yield low, high, look.style("accent", "br") if here else look.style("match", "bu")
        selection = self.selected_range()
        if selection is not None and selection[0] < end and selection[1] > start:
            yield *selection, self.screen.get_component_rich_style("screen--selection")

    def get_content_width(self, container: Size, viewport: Size) -> int:
        return container.width


def _style(look: Look, style: str) -> Style:
    role, _, attributes = style.partition(":")
    return look.style(role, attributes)
