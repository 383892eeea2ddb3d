"""The step: what it is in three lines, then its tabs, then its text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final

from textual import events
from textual.binding import BindingType
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip
from textual.timer import Timer
from textual.widget import Widget

from tracetui.model import SessionRow, Step, StepRow, TracetuiError
from tracetui.text import format as fmt
from tracetui.text.safe import one_line
from tracetui.tui.actions import bindings
from tracetui.tui.badges import StepBadge
from tracetui.tui.badges import spans as badge_spans
from tracetui.tui.hunk_keys import HunkKeys
from tracetui.tui.look import Look
from tracetui.tui.panes.base import Pane
from tracetui.tui.rows import Span, cells, clip_middle, paint
from tracetui.tui.step_document import VIEWS, LoadedStep, fetch, json_value, raw_values
from tracetui.tui.tabs import TABS, Tab, TabAsk
from tracetui.tui.trailing import TrailAnswer, TrailProgress
from tracetui.tui.widgets.query_line import QueryLine
from tracetui.tui.widgets.text_view import Document, TextView

if TYPE_CHECKING:
    from tracetui.bucket.store import Bucket
    from tracetui.tui.app import TracetuiApp
    from tracetui.tui.diff_document import DiffDocument

__all__ = ["StepHeader", "StepPane", "TabBar"]

WIDE: Final = 100
"""Cells from which old and new stand side by side unless the user chose."""
SLOW: Final = 0.2
"""Seconds after which it is said that something is being worked out."""


class StepHeader(Widget):
    """What the step is: kind and path, how it went and what it took, when and by which model."""

    DEFAULT_CSS = "StepHeader { height: auto; padding: 0 0 0 1; }"

    def __init__(self) -> None:
        super().__init__()
        self._row: StepRow | None = None
        self._loaded: LoadedStep | None = None
        self._badge: StepBadge | None = None
        self.told_below = False
        """The text below says what became of the edit; it need not stand here as well."""

    def show_badge(self, badge: StepBadge | None) -> None:
        """What became of the edit, once it is known."""
        if badge != self._badge:
            self._badge = badge
            self.refresh()

    def show(self, row: StepRow | None, loaded: LoadedStep | None = None) -> None:
        """``row`` at once, ``loaded`` when the step was read."""
        grown = self.line_count != self._lines(row, loaded)
        self._row, self._loaded = row, loaded
        self.refresh(layout=grown)

    @property
    def line_count(self) -> int:
        return self._lines(self._row, self._loaded)

    @staticmethod
    def _lines(row: StepRow | None, loaded: LoadedStep | None) -> int:
        return 0 if row is None else 3

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return self.line_count

    def render_line(self, y: int) -> Strip:
        look = Look.of_widget(self)
        width = self.content_size.width
        row = self._row
        if row is None or y > 2:
            return Strip.blank(width, self.rich_style)
        spans = (self._what, self._how, self._when)[y](row, look, width)
        return paint(spans, width, mark=look.sign("ellipsis")).apply_style(self.rich_style)

    def _what(self, row: StepRow, look: Look, width: int) -> list[Span]:
        role = "prompt" if row.kind == "prompt" else ""
        spans: list[Span] = [(row.kind, look.style(role, "b"))]
        path = self._loaded.path if self._loaded is not None else None
        if path is not None and self._loaded is not None:
            path = self._loaded.short(path)
            room = width - len(row.kind) - 1
            spans.append((" " + clip_middle(one_line(path), room, look.sign("ellipsis")), look.style()))
        elif row.tool and row.summary:
            spans.append((" " + one_line(row.summary, width), look.style()))
        return spans

    def _how(self, row: StepRow, look: Look, width: int) -> list[Span]:
        dot: Span = (f" {look.sign('dot')} ", look.style("muted"))
        facts: list[Span] = []
        if self._badge is not None and row.kind == "edit" and not self.told_below:
            pieces = badge_spans(self._badge, look, 20)
            facts += [(text.strip(), style) for text, style in pieces]
        if row.tool:
            facts.append((one_line(row.tool, 40), look.style("muted")))
        if row.failed:
            word = f"exit {row.exit_code}" if row.exit_code else "failed"
            facts.append((f"{look.sign('failed')} {word}", look.sign_style("failed")))
        elif row.exit_code is not None:
            facts.append((f"exit {row.exit_code}", look.style("muted")))
        if row.duration_ms is not None:
            facts.append((fmt.duration(row.duration_ms), look.style("muted")))
        tokens = row.tokens
        if tokens is not None:
            facts.append((f"in {fmt.tokens(tokens.prompt)}", look.style("muted")))
            facts.append((f"out {fmt.tokens(tokens.output)}", look.style("muted")))
        elif row.size and not row.tool:
            facts.append((fmt.plural(row.size, "character"), look.style("muted")))
        spans: list[Span] = []
        used = 0
        for fact in facts:
            used += cells(fact[0]) + (3 if spans else 0)
            if used > width:
                break
            spans += [dot, fact] if spans else [fact]
        return spans

    def _when(self, row: StepRow, look: Look, width: int) -> list[Span]:
        when = fmt.absolute(row.time) or "no time in the log"
        spans: list[Span] = [(when, look.style("muted"))]
        model = one_line(row.model, 40) if row.model else ""
        if model and len(when) + 3 + cells(model) <= width:
            spans.append((f" {look.sign('dot')} {model}", look.style("muted")))
        return spans


class TabBar(Widget):
    """``Step  Ctx  Diff  Findings``; the one that is shown stands out, a click shows another."""

    DEFAULT_CSS = "TabBar { height: 1; padding: 0 0 0 1; }"

    class Picked(Message):
        """The user wants the tab at this place."""

        def __init__(self, at: int) -> None:
            super().__init__()
            self.at = at

    def __init__(self) -> None:
        super().__init__()
        self.at = 0
        self._places: list[tuple[int, int, int]] = []

    def show(self, at: int) -> None:
        if at != self.at:
            self.at = at
            self.refresh()

    def render_line(self, y: int) -> Strip:
        look = Look.of_widget(self)
        width = self.content_size.width
        spans: list[Span] = []
        self._places = []
        column = 0
        for at, tab in enumerate(TABS):
            style = look.style("accent", "bu") if at == self.at else look.style("muted")
            spans += [(tab.label, style), ("  ", look.style())]
            self._places.append((column, column + len(tab.label), at))
            column += len(tab.label) + 2
        return paint(spans, width).apply_style(self.rich_style)

    def on_click(self, event: events.Click) -> None:
        for start, end, at in self._places:
            if start <= event.x - self.gutter.left < end:
                self.post_message(self.Picked(at))


class StepPane(Pane, HunkKeys):
    """Shows one step. ``load`` is called once the cursor rested on a row of the timeline."""

    NUMBER: ClassVar[str] = "3"
    NAME: ClassVar[str] = "Step"
    CONTEXTS: ClassVar[tuple[str, ...]] = ("step",)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("step")]

    app: TracetuiApp

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.header = StepHeader()
        self.tabs = TabBar()
        self.text = TextView(id="step-text")
        self.row: StepRow | None = None
        self.loaded: LoadedStep | None = None
        self.tab_at = 0
        self.view = VIEWS[0]
        self.image_at = 0
        self.side: bool | None = None
        """Old and new side by side; None: where it is wide enough."""
        self._find: QueryLine | None = None
        self._last_find = ""
        self._slow: Timer | None = None
        self._hunk_at = -1
        self._made_for = (0, False)

    def content(self) -> Sequence[Widget]:
        self.text.empty = TABS[0].nothing
        return (self.header, self.tabs, self.text)

    @property
    def tab(self) -> Tab:
        return TABS[self.tab_at]

    # -- loading ------------------------------------------------------------------------------------------------------

    def load(self, log: int, row: StepRow, session: SessionRow | None = None) -> None:
        """Show step ``row`` of the log; it is read again in a worker, and dropped when another is asked for."""
        if self.row == row and self.loaded is not None:
            return
        self.row, self.loaded, self.image_at = row, None, 0
        self._hunk_at = -1
        self.header.show(row)
        self.title_line.show(str(row.number))
        self.ask(
            "step",
            lambda bucket, cancelled: self._read(bucket, log, row, session, cancelled),
            self._show,
            self._failed,
        )

    def _read(
        self, bucket: Bucket, log: int, row: StepRow, session: SessionRow | None, cancelled: Callable[[], bool]
    ) -> tuple[LoadedStep, Document | None] | None:
        loaded = fetch(bucket, log, row.number, session, cancelled)
        if loaded is None:
            return None
        if self.tab.id == "diff":
            return loaded, None  # it may have to wait; the step itself is there at once
        return loaded, self.tab.build(TabAsk(loaded, bucket, cancelled, self.view))

    def clear(self) -> None:
        """There is no step to show."""
        self.drop("step")
        self.row = self.loaded = None
        self.header.show(None)
        self.title_line.show("", "")
        self.text.empty = TABS[0].nothing
        self.text.show(Document())
        self._say_where()
        self.app.refresh_offers()

    def _show(self, found: tuple[LoadedStep, Document | None] | None) -> None:
        if found is None:
            return
        loaded, document = found
        self.loaded = loaded
        self.header.show(self.row, loaded)
        if self.tab.id == "diff":
            self._show_tab()
            return
        self._show_document(document)
        self.app.refresh_offers()

    def _failed(self, error: Exception) -> None:
        if not isinstance(error, TracetuiError):
            raise error
        self._hurry()
        what = "This step cannot be read." if self.tab.id != "diff" else "What became of it cannot be told."
        self.text.empty = (what, one_line(str(error), 300))
        self.text.show(Document())

    def _show_document(self, document: Document | None, *, keep_place: bool = False) -> None:
        self._hurry()
        self.text.empty = self.tab.nothing
        self.text.show(document or Document(), keep_place=keep_place)
        self._say_where()

    def _ask_for(self, loaded: LoadedStep) -> Callable[[Bucket, Callable[[], bool]], TabAsk]:
        """What a tab is asked for, as things are now."""
        view, app = self.view, self.app
        width, side = self._made_for = self._layout()

        def make(bucket: Bucket, cancelled: Callable[[], bool]) -> TabAsk:
            return TabAsk(loaded, bucket, cancelled, view, width, side, app.ascii_only, app.trail, self, app.read_only)

        return make

    def _tell_below(self) -> None:
        told = self.tab.id == "diff"
        if told != self.header.told_below:
            self.header.told_below = told
            self.header.refresh()

    def show_again(self) -> None:
        """What the tab shows may have changed: make it again, and stay at the place."""
        if self.loaded is not None and self.tab.id == "diff":
            self._show_tab(keep_place=True)

    def _hurry(self) -> None:
        if self._slow is not None:
            self._slow.stop()
            self._slow = None

    def _wait(self) -> None:
        """The answer takes its time: say so in the place of what stood there."""
        self._slow = None
        self.text.empty = ("Working out what became of this edit.", "The other keys work meanwhile.")
        self.text.show(Document())

    def on_trail_progress(self, message: TrailProgress) -> None:
        message.stop()
        if not self.text.document.source and self.tab.id == "diff":
            what = "commits read" if message.what == "index" else "hunks judged"
            self.text.empty = (
                "Working out what became of this edit.",
                f"{fmt.count(message.done)} of {fmt.count(message.total)} {what}",
            )
            self.text.refresh()

    def on_trail_answer(self, message: TrailAnswer) -> None:
        message.stop()  # the worker that asked has it

    def _show_tab(self, *, keep_place: bool = False) -> None:
        """Make the document of the tab and view that are chosen now, in a worker."""
        loaded, tab = self.loaded, self.tab
        self._say_where()
        self.app.refresh_offers()
        if loaded is None:
            self.text.empty = tab.nothing
            self.text.refresh()
            return
        make = self._ask_for(loaded)
        self._hurry()
        self._tell_below()
        if tab.id == "diff":
            self._slow = self.set_timer(SLOW, self._wait)
        self.ask(
            "step",
            lambda bucket, cancelled: tab.build(make(bucket, cancelled)),
            lambda document: self._made(document, keep_place),
            self._failed,
        )

    # -- hunks --------------------------------------------------------------------------------------------------------

    @property
    def _diff(self) -> DiffDocument | None:
        from tracetui.tui.diff_document import DiffDocument

        document = self.text.document
        return document if isinstance(document, DiffDocument) and self.tab.id == "diff" else None

    @property
    def hunk(self) -> Mapping[str, Any] | None:
        """The hunk that the reader is at; None in other tabs and of other steps than edits."""
        document = self._diff
        if document is None or not document.hunks:
            return None
        bottom = self.text.row_count <= int(self.text.scroll_offset.y) + self.text.size.height
        if bottom and self._hunk_at >= 0:
            return document.hunks[min(self._hunk_at, len(document.hunks) - 1)]
        return document.hunks[max(0, document.hunk_at(self.text.top_offset))]

    def why_next_hunk(self) -> str | None:
        document = self._diff
        if document is None:
            return "Only the tab Diff has hunks."
        return None if len(document.hunks) > 1 else "There is one hunk." if document.hunks else "There is no hunk here."

    why_previous_hunk = why_next_hunk

    def _go_to_hunk(self, by: int) -> None:
        document = self._diff
        assert document is not None
        here = self._hunk_at if self._hunk_at >= 0 else document.hunk_at(self.text.top_offset)
        self._hunk_at = min(max(0, here + by), len(document.hunks) - 1)
        self.text.go_to(document.places[self._hunk_at])
        self.app.say(f"Hunk {self._hunk_at + 1} of {len(document.hunks)}.", role="muted")
        self.app.refresh_offers()

    def do_next_hunk(self) -> None:
        self._go_to_hunk(1)

    def do_previous_hunk(self) -> None:
        self._go_to_hunk(-1)

    def why_side(self) -> str | None:
        return self._nothing or (None if self.tab.id == "diff" else "Only the tab Diff can stand side by side.")

    def do_side(self) -> None:
        self.side = not self._made_for[1]
        self._show_tab()

    def on_resize(self) -> None:
        # The text below has its new size after the next layout.
        self.call_after_refresh(self._refit)

    def _refit(self) -> None:
        """Make a diff again that was made for another width; one that is still being made comes by here when it is."""
        document = self._diff
        if document is not None and document.hunks and self._layout() != self._made_for:
            self.show_again()

    def _layout(self) -> tuple[int, bool]:
        """Cells of a line, and whether old and new stand side by side."""
        width = self.text.text_width
        return width, self.side if self.side is not None else width >= WIDE

    def _made(self, document: Document | None, keep_place: bool) -> None:
        self._show_document(document, keep_place=keep_place)
        self.app.refresh_offers()
        self._refit()

    # -- where the reader is ------------------------------------------------------------------------------------------

    def on_text_view_changed(self, message: TextView.Changed) -> None:
        message.stop()
        self._say_where()

    def _say_where(self) -> None:
        text = self.text
        self.tabs.show(self.tab_at)
        if self.row is None:
            return
        if text.query_text:
            at = f"{text.match_at + 1} of " if text.match_at >= 0 else ""
            facts = f"{at}{fmt.count(len(text.matches))} found"
        else:
            rows, height = text.row_count, max(1, text.size.height)
            last = min(rows, int(text.scroll_offset.y) + height)
            whole = rows if text.laid_out else rows + 1
            facts = fmt.percent(last, whole) if rows > height else ""
        view = f" {self.view}" if self.tab.id == "step" and self.view != VIEWS[0] else ""
        self.title_line.show(f"{self.row.number}{view}", facts)

    # -- actions ------------------------------------------------------------------------------------------------------

    @property
    def _nothing(self) -> str | None:
        return None if self.loaded is not None else "No step is shown; choose one in the timeline: 2"

    def why_view(self) -> str | None:
        return self._nothing or (None if self.tab.id == "step" else "Only the tab Step has views.")

    def do_view(self) -> None:
        self.view = VIEWS[(VIEWS.index(self.view) + 1) % len(VIEWS)]
        self._show_tab()

    def why_fold(self) -> str | None:
        if self.tab.id == "step" and self.view == VIEWS[0]:
            return "Only JSON and records fold; v shows them."
        return self.why_view()

    def do_fold(self) -> None:
        from tracetui.tui.screens.json_tree import JsonScreen

        loaded = self.loaded
        assert loaded is not None
        value = json_value(loaded) if self.view == "JSON" else raw_values(loaded)
        self.app.push_screen(JsonScreen(f"Step {loaded.step.number} {self.view}", value))

    def do_next_tab(self) -> None:
        self._go_to_tab(self.tab_at + 1)

    def do_previous_tab(self) -> None:
        self._go_to_tab(self.tab_at - 1)

    def _go_to_tab(self, at: int) -> None:
        self.tab_at = at % len(TABS)
        self._show_tab()

    def on_tab_bar_picked(self, message: TabBar.Picked) -> None:
        message.stop()
        self._go_to_tab(message.at)
        self.text.focus()

    class Walked(Message):
        """The user wants the step after this one (1) or before it (-1)."""

        def __init__(self, by: int) -> None:
            super().__init__()
            self.by = by

    def do_next(self) -> None:
        self.post_message(self.Walked(1))

    def do_previous(self) -> None:
        self.post_message(self.Walked(-1))

    # -- finding ------------------------------------------------------------------------------------------------------

    def why_find(self) -> str | None:
        return self._nothing

    async def do_find(self) -> None:
        """Open the line to type into; what is typed is marked at once."""
        if self._find is None:
            self._find = QueryLine(self._last_find, placeholder="text in this step")
            await self.mount(self._find, before=self.text)
        self._find.focus_input()

    def on_query_line_changed(self, message: QueryLine.Changed) -> None:
        message.stop()
        self._search(message.text)

    def on_query_line_submitted(self, message: QueryLine.Submitted) -> None:
        message.stop()
        if not message.text:
            self._close_find()
        elif message.text != self.text.query_text:
            self._search(message.text)
        self.text.focus()
        self.app.refresh_offers()

    def on_query_line_dropped(self, message: QueryLine.Dropped) -> None:
        message.stop()
        self._close_find()

    def _search(self, text: str) -> None:
        self._last_find = text
        found = self.text.search(text)
        if self._find is not None:
            self._find.say(
                fmt.plural(found, "match", "matches") if text else "", "muted" if found or not text else "bad"
            )
        self._say_where()

    def _close_find(self) -> None:
        self.text.search("")
        if self._find is not None:
            self._find.remove()
            self._find = None
        self._say_where()
        self.text.focus()

    def back(self) -> bool:
        """One level out inside the pane: out of a selection, then out of a search. False when there was neither."""
        if self.text.selected_range() is not None:
            self.text.clear_selection()
            return True
        if self._find is not None:
            self._close_find()
            return True
        return False

    def focus_inside(self) -> None:
        self.screen.set_focus(self.text, scroll_visible=False)

    # -- what leaves the app ------------------------------------------------------------------------------------------

    @property
    def step(self) -> Step | None:
        return self.loaded.step if self.loaded is not None else None

    def why_nothing_to_copy(self) -> str | None:
        return self._nothing

    def text_to_copy(self) -> str | None:
        """What is selected, or all that is shown."""
        return self.text.selected_text() or self.text.document.source or None
