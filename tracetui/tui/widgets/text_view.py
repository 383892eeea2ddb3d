"""A viewer for text of any size and any content, on Textual's Line API.

It shows a `Document`: one string, made safe to show one code point for one, so that every offset on the screen is an
offset of the source. Layout is lazy: what is needed for the screen is laid out at once, the rest in slices of a few
milliseconds between key presses. Selecting is Textual's own; the strips carry source offsets, and so does the copy.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import ClassVar, Final, Protocol

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.cache import LRUCache
from textual.geometry import Offset, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip
from textual.timer import Timer

from tracetui.text.safe import copy_safe, display_safe
from tracetui.text.syntax import Token, Tokens
from tracetui.tui.actions import Actor, bindings
from tracetui.tui.look import Look
from tracetui.tui.wrap import char_cells, lay_out, row_end

__all__ = ["Document", "DocumentMaker", "Section", "TextView"]

_UNWRAPPED: Final = 4096
"""Cells after which a line is broken even when lines are not wrapped."""
_SLICE: Final = 96 * 1024
"""Characters laid out in one go: a few milliseconds."""
_PIECE: Final = 64 * 1024
_MATCH_LIMIT: Final = 100_000


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


class TextView(ScrollView, Actor, can_focus=True):
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
        self.matches: array[int] = array("q")
        self.match_length = 0
        self.match_at = -1
        self.query_text = ""
        self._starts: array[int] = array("q")
        self._laid_out = 0
        self._widest = 0
        self._layout_width = 0
        self._timer: Timer | None = None
        self._look: Look | None = None
        self._strips: LRUCache[tuple[int, int, int, int], Strip] = LRUCache(512)

    # -- what is shown ------------------------------------------------------------------------------------------------

    def show(self, document: Document, *, keep_place: bool = False) -> None:
        """Show a document from its beginning, or with ``keep_place`` from where the reader is."""
        place = self.top_offset if keep_place else 0
        self.document = document
        self.clear_selection()
        self._lay_out_again(place)
        if self.query_text:
            self.search(self.query_text, move=False)
        if not keep_place:
            self.scroll_to(x=0, y=0, animate=False, force=True, immediate=True)

    def clear_selection(self) -> None:
        """Drop what is selected in this view."""
        if self.is_attached and self.text_selection is not None:
            self.screen.clear_selection()

    @property
    def row_count(self) -> int:
        """Rows laid out so far."""
        return len(self._starts)

    @property
    def laid_out(self) -> bool:
        """Whether every row is known."""
        return self._laid_out >= len(self.document.shown)

    @property
    def top_offset(self) -> int:
        """The offset of the first character on screen."""
        top = int(self.scroll_offset.y)
        return self._starts[min(top, len(self._starts) - 1)] if self._starts else 0

    def row_of(self, offset: int) -> int:
        """The row that holds the character at ``offset``, laying out as far as that."""
        self._reach(offset + 1)
        return max(0, bisect_right(self._starts, offset) - 1)

    def bounds(self, row: int) -> tuple[int, int]:
        """Where the text of a row begins and ends, its line end left out."""
        start = self._starts[row]
        following = self._starts[row + 1] if row + 1 < len(self._starts) else self._laid_out
        return start, row_end(self.document.shown, start, following)

    @property
    def text_width(self) -> int:
        """Cells that a row has on the screen."""
        return max(16, self.scrollable_content_region.width)

    def go_to(self, offset: int) -> None:
        """Bring the row that holds the character at ``offset`` to the top."""
        self._to(self.row_of(offset))

    # -- layout -------------------------------------------------------------------------------------------------------

    def _wrap_width(self) -> int:
        # One cell stays free, so that words do not touch the scrollbar.
        return max(4, self.scrollable_content_region.width - 1 if self.wrapped else _UNWRAPPED)

    def _lay_out_again(self, place: int) -> None:
        """Forget the rows and lay out as far as the screen needs; ``place`` is the character to stay at."""
        self._starts = array("q")
        self._laid_out = self._widest = 0
        self._layout_width = self._wrap_width()
        self._strips.clear()
        if self.size.width:
            self._reach(place + _SLICE // 2)
            self._publish()
            if place:
                self.scroll_to(y=self.row_of(place), animate=False, force=True, immediate=True)
            self._go_on()
        self.refresh()

    def _slice(self) -> None:
        self._laid_out, widest = lay_out(
            self.document.shown, self._laid_out, self._layout_width, self._starts, _SLICE, words=self.wrapped
        )
        self._widest = max(self._widest, widest)

    def _reach(self, offset: int) -> None:
        """Lay out until the character at ``offset`` has its row."""
        goal = min(offset, len(self.document.shown))
        if self._laid_out < goal:
            while self._laid_out < goal:
                self._slice()
            self._publish()

    def _publish(self) -> None:
        width = self.scrollable_content_region.width if self.wrapped else self._widest
        self.virtual_size = Size(width, len(self._starts))
        self.post_message(self.Changed(self))

    def _go_on(self) -> None:
        """Lay out the rest while nobody presses a key."""
        if not self.laid_out and self._timer is None and self.is_attached:
            self._timer = self.set_timer(0.002, self._next_slice)

    def _next_slice(self) -> None:
        self._timer = None
        if self.laid_out:
            return
        self._slice()
        self._publish()
        self._go_on()

    def on_resize(self, event: events.Resize) -> None:
        if self._wrap_width() != self._layout_width or not self._starts:
            self._lay_out_again(self.top_offset)

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._look = None
        self._strips.clear()

    # -- moving -------------------------------------------------------------------------------------------------------

    def _to(self, y: float) -> None:
        self.scroll_to(y=y, animate=False, force=True, immediate=True)
        self.post_message(self.Changed(self))

    def do_down(self) -> None:
        self._to(self.scroll_offset.y + 1)

    def do_up(self) -> None:
        self._to(self.scroll_offset.y - 1)

    def do_page_down(self) -> None:
        self._to(self.scroll_offset.y + max(1, self.size.height - 1))

    def do_page_up(self) -> None:
        self._to(self.scroll_offset.y - max(1, self.size.height - 1))

    def do_first(self) -> None:
        self._to(0)

    def do_last(self) -> None:
        self._reach(len(self.document.shown))
        self._to(len(self._starts))

    def why_right(self) -> str | None:
        return "Lines are wrapped; w shows them as they are." if self.wrapped else None

    why_left = why_right

    def do_right(self) -> None:
        self.scroll_to(x=self.scroll_offset.x + 8, animate=False, force=True, immediate=True)

    def do_left(self) -> None:
        self.scroll_to(x=self.scroll_offset.x - 8, animate=False, force=True, immediate=True)

    def do_wrap(self) -> None:
        """Wrap long lines, or not; the first character on screen stays."""
        place = self.top_offset
        self.wrapped = not self.wrapped
        self.styles.overflow_x = "hidden" if self.wrapped else "auto"
        self.scroll_to(x=0, animate=False, force=True, immediate=True)
        self._lay_out_again(place)

    # -- search -------------------------------------------------------------------------------------------------------

    def search(self, text: str, *, move: bool = True) -> int:
        """Mark every place of ``text``, whatever its case, and go to the first at or below the top of the screen.

        Returns how many there are (counted up to a limit). The text is a fixed string, never a pattern.
        """
        self.query_text = text
        found = array("q")
        if text:
            for match in re.finditer(re.escape(display_safe(text)), self.document.shown, re.IGNORECASE):
                found.append(match.start())
                if len(found) >= _MATCH_LIMIT:
                    break
        self.matches = found
        self.match_length = len(text)
        self.match_at = -1
        self._strips.clear()
        if found and move:
            self.match_at = min(bisect_left(found, self.top_offset), len(found) - 1)
            self._show_match()
        self.refresh()
        self.post_message(self.Changed(self))
        return len(found)

    def _show_match(self) -> None:
        row = self.row_of(self.matches[self.match_at])
        top, height = int(self.scroll_offset.y), max(1, self.size.height)
        if not top <= row < top + height:
            self._to(max(0, row - height // 3))
        self._strips.clear()
        self.refresh()
        self.post_message(self.Changed(self))

    def why_next_match(self) -> str | None:
        if not self.query_text:
            return "Nothing is searched for; / finds text here."
        return None if self.matches else f"{display_safe(self.query_text)} is not in this text."

    why_previous_match = why_next_match

    def do_next_match(self) -> None:
        self.match_at = (self.match_at + 1) % len(self.matches)
        self._show_match()

    def do_previous_match(self) -> None:
        self.match_at = (self.match_at - 1) % len(self.matches)
        self._show_match()

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
        self._strips.clear()
        self.refresh()

    # -- painting -----------------------------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        scroll_x, scroll_y = self.scroll_offset
        row = y + int(scroll_y)
        if self._look is None:
            self._look = Look.of_widget(self)
        look = self._look
        if row >= len(self._starts):
            return self._empty_line(y, width, look)
        key = (row, int(scroll_x), width, look.epoch)
        strip = self._strips.get(key)
        if strip is None:
            strip = self._strips[key] = self._paint(row, int(scroll_x), width, look)
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

    def _paint(self, row: int, skip: int, width: int, look: Look) -> Strip:
        """A row from column ``skip`` on, ``width`` cells of it. Every segment says which source character it begins
        with, for the selection; what is painted may be longer (a tab) or shorter (a selector)."""
        text = self.document.shown
        start, end = self.bounds(row)
        base = self.rich_style
        segments: list[Segment] = []
        column = 0
        for low, high, style in self._pieces(start, end, look):
            if column >= skip + width:
                break
            piece = text[low:high]
            if piece.isascii() and piece.isprintable():
                cut = max(0, skip - column)
                column += len(piece)
                if cut < len(piece):
                    segments.append(_located(piece[cut:], base + style, low + cut))
                continue
            run, run_at = "", low
            for at, char in enumerate(piece, low):
                cells = char_cells(char, column)
                column += cells
                visible = min(cells, column - skip) if column > skip or not cells else 0
                plain = visible == cells and char != "\t" and (cells or char not in "\ufe0e\ufe0f")
                if plain and column > skip - (not cells):
                    if not run:
                        run_at = at
                    run += char
                    continue
                if run:
                    segments.append(_located(run, base + style, run_at))
                    run = ""
                # A tab, or half of a wide character at the left edge: cell by cell, each the same source character.
                segments += [_located(" ", base + style, at) for _ in range(visible)]
            if run:
                segments.append(_located(run, base + style, run_at))
        if not segments:
            segments = [_located(" ", base, start)]
        return Strip(segments).adjust_cell_length(width, base)

    def _pieces(self, start: int, end: int, look: Look) -> list[tuple[int, int, Style]]:
        """The row's text in pieces of one style: section, then syntax, then matches, then the selection on top."""
        document = self.document
        index = document.section_at(start)
        plain = look.style()
        layers: list[tuple[int, int, Style]] = []
        if index >= 0:
            section = document.sections[index]
            plain = _style(look, section.style)
            if section.language:
                tokens = document.tokens.get(index)
                if tokens is None:
                    tokens = Tokens(document.shown, section.start, section.end, section.language)
                    document.tokens[index] = tokens
                layers += [(low, high, _style(look, style)) for low, high, style in tokens.between(start, end)]
        if self.match_length and self.matches:
            at = max(0, bisect_left(self.matches, start - self.match_length + 1))
            while at < len(self.matches) and self.matches[at] < end:
                here = self.matches[at]
                style = look.style("accent", "br") if at == self.match_at else look.style("match", "bu")
                layers.append((here, here + self.match_length, style))
                at += 1
        selection = self.selected_range()
        if selection is not None and selection[0] < end and selection[1] > start:
            layers.append((*selection, self.screen.get_component_rich_style("screen--selection")))
        if not layers:
            return [(start, end, plain)]
        cuts = {start, end}
        for low, high, _ in layers:
            if start < low < end:
                cuts.add(low)
            if start < high < end:
                cuts.add(high)
        places = sorted(cuts)
        pieces: list[tuple[int, int, Style]] = []
        for low, high in pairwise(places):
            style = plain
            for first, last, layer in layers:
                if first <= low and high <= last:
                    style = style + layer
            pieces.append((low, high, style))
        return pieces

    def get_content_width(self, container: Size, viewport: Size) -> int:
        return container.width


def _located(text: str, style: Style, offset: int) -> Segment:
    return Segment(text, style + Style.from_meta({"offset": tuple(Offset(offset, 0))}))


def _style(look: Look, style: str) -> Style:
    role, _, attributes = style.partition(":")
    return look.style(role, attributes)
