"""The redaction editor: what was found, its text, and one key per decision.

This module has the screen's life. What is shown is `view.EditorView`, what the keys do is in its controllers:
`deciding`, `places`, `marking` and `leaving_out`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import Screen

from tracetui.model import SessionRow, TracetuiError
from tracetui.redact.values import Group, Place, Target
from tracetui.text import format as fmt
from tracetui.text.safe import one_line
from tracetui.tui.actions import bindings
from tracetui.tui.kit.actor import Actor
from tracetui.tui.kit.footer import Footer
from tracetui.tui.kit.line_list import LineList
from tracetui.tui.kit.pane import PaneTitle, Wall
from tracetui.tui.kit.session_labels import title_of
from tracetui.tui.redact.choices import ReviewSnapshot
from tracetui.tui.redact.deciding import DecisionController, read_again
from tracetui.tui.redact.header import headline
from tracetui.tui.redact.info import FindingLine
from tracetui.tui.redact.jobs import JobResult, carry_out
from tracetui.tui.redact.leaving_out import ExclusionController
from tracetui.tui.redact.marking import MarkingController
from tracetui.tui.redact.places import ListController, PlaceController
from tracetui.tui.redact.span_editor import SpanEditor
from tracetui.tui.redact.text_keys import Further, Searching, Selected
from tracetui.tui.redact.view import EditorView
from tracetui.tui.redact.worker import Opener, OpenReview, Ready, ReviewWorker, Scanned

if TYPE_CHECKING:
    from tracetui.tui.kit.host import HostApp

__all__ = ["RedactScreen", "headline"]


class RedactScreen(Screen[None], Actor):
    """Reviews a session, or its steps first to last; ``target`` is where it opens, the first open value without one.
    ``opener`` opens the review on the worker's thread; without one it is the core's."""

    CONTEXTS: ClassVar[tuple[str, ...]] = ("redact", "screen")
    CONTROLLERS: ClassVar[tuple[type, ...]] = (
        DecisionController,
        PlaceController,
        ListController,
        MarkingController,
        ExclusionController,
    )
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("redact", "screen")]
    AUTO_FOCUS = None
    DEFAULT_CSS = """
    RedactScreen #redact-left { width: 34%; min-width: 24; max-width: 56; height: 1fr; }
    RedactScreen #redact-right { width: 1fr; height: 1fr; }
    RedactScreen PaneTitle.-top { dock: top; }
    """

    app: HostApp

    def __init__(
        self,
        session: SessionRow,
        steps: tuple[int, int] | None = None,
        *,
        target: Target | None = None,
        opener: Opener | None = None,
    ) -> None:
        super().__init__()
        self.session = session
        self.steps = steps
        self._target = target
        self._opener = opener
        self.title_line = PaneTitle("", "Redact")
        self.list_title = PaneTitle("1", "Found")
        self.text_title = PaneTitle("2", "Text")
        self.rows = LineList(id="redact-rows")
        self.editor = SpanEditor(id="redact-text")
        self.info = FindingLine()
        self.wall = Wall(id="redact-wall")
        self.view = EditorView(self)
        self.places, self.listed = PlaceController(self.view), ListController(self.view)
        self.marking, self.leaving_out = MarkingController(self.view), ExclusionController(self.view)
        self.controllers = (DecisionController(self.view), self.places, self.listed, self.marking, self.leaving_out)
        self.stale = False
        """Whether somebody else may have decided something meanwhile."""

    @property
    def group(self) -> Group | None:
        """The value under decision."""
        return self.view.group

    @property
    def snapshot(self) -> ReviewSnapshot:
        """How things stand."""
        return self.view.snapshot

    # -- life ---------------------------------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        self.title_line.add_class("-top")
        yield self.title_line
        with Horizontal():
            with Vertical(id="redact-left"):
                yield self.list_title
                yield self.rows
            yield self.wall
            with Vertical(id="redact-right"):
                yield self.text_title
                yield self.info
                yield self.editor
        yield Footer()

    def on_mount(self) -> None:
        self.title_line.activate(True)
        self._say_scanned(0, 0)
        self.rows.at_once = self.view.listed_row_chosen
        self.editor.on_marked = self.marking.marked
        self.worker = ReviewWorker(self.app.pool, self._opener or self._open_core, self)
        self.view.say_where()
        self.rows.focus()
        self.worker.open(self._opened)

    def _open_core(self, bucket: Any, cancelled: Callable[[], bool], progressed: Callable[[int, int], None]) -> Any:
        from tracetui.tui.redact import editing

        return editing.open_review(bucket, self.session, self.steps, cancelled, progressed)

    def on_unmount(self) -> None:
        self.worker.close()

    def on_ready(self, message: Ready) -> None:
        if message.error is None:
            message.finish(message.result)
        elif isinstance(message.error, TracetuiError):
            self.app.say(str(message.error), role="bad")
            if not self.view.ready:
                self.rows.empty = ("This session cannot be reviewed.", one_line(str(message.error), 300))
                self.editor.empty = ()
                self.title_line.show(title_of(self.session), "")
                self.rows.refresh()
                self.editor.refresh()
        else:
            raise message.error

    def on_scanned(self, message: Scanned) -> None:
        if not self.view.ready:
            self._say_scanned(message.done, message.total)

    def _say_scanned(self, done: int, total: int) -> None:
        """How far the scan before the review is, in bytes."""
        look = self.editor.look
        cells = 16
        full = cells * done // total if total else 0
        bar = look.sign("bar") * full + look.sign("rest") * (cells - full)
        part = fmt.percent(done, total) if total else ""
        self.rows.empty = ("Looking for secrets.", f"{bar} {part}", "What is found stands here.")
        self.editor.empty = (
            "The text stands here.",
            "q leaves; the scan goes on where it",
            "stopped when you come back.",
        )
        if total:
            self.title_line.show(title_of(self.session), f"{fmt.size(done)} of {fmt.size(total)} looked through")
        self.rows.refresh()

    def _opened(self, whole: bool) -> None:
        if not whole:
            return
        self.rows.empty = ("Putting in order what was found.",)
        self.rows.refresh()
        target = self._target
        request = self.view.request(want=())

        def job(opened: OpenReview) -> tuple[JobResult, Place | None, str | None]:
            place = opened.review.find(target) if target is not None else None
            result = carry_out(opened, None, request)
            if not result.snapshot.groups:
                # Without a value there is nothing to go to: the text is shown from its beginning.
                result = carry_out(opened, None, self.view.request(step=(self.steps[0] if self.steps else 1, None, 1)))
            return result, place, opened.review.left_off()

        self.worker.do(job, self._took_first)

    def _took_first(self, found: tuple[JobResult, Place | None, str | None]) -> None:
        result, place, last = found
        view = self.view
        view.ready = self.info.ready = True
        self.editor.empty = ("There is no text here.",)
        view.took(result)
        view.leak = self._target.leak if self._target is not None and place is not None else None
        if place is not None:
            view.go_to(place)
        else:
            # On with what comes after the last decision; what was passed over comes at the end again.
            ordered = view.in_order()
            at = next((nth for nth, group in enumerate(ordered) if group.value == last), 0)
            turn = [*ordered[at:], *ordered[:at]]
            first = next((group for group in turn if group.state == "open" and group.tier <= 2), None)
            first = first or next(iter(ordered), None)
            if first is not None:
                view.choose(first)
        if self._target is not None and place is None:
            self.app.say("What the seal named is no longer there; the next open value is shown.")
        self.app.refresh_offers()

    # -- what happens to it -------------------------------------------------------------------------------------------

    def on_line_list_moved(self, message: LineList.Moved) -> None:
        message.stop()

    def on_line_list_opened(self, message: LineList.Opened) -> None:
        message.stop()
        self.listed.row_opened(message)

    def on_span_editor_moved(self, message: SpanEditor.Moved) -> None:
        message.stop()
        self.places.text_cursor_moved(message.offset)

    def on_span_editor_narrow(self, message: SpanEditor.Narrow) -> None:
        message.stop()
        self.places.text_width_changed()

    def on_span_editor_searching(self, message: Searching) -> None:
        message.stop()
        self.marking.searching()

    def on_span_editor_further(self, message: Further) -> None:
        message.stop()
        self.marking.further(message.by)

    def on_span_editor_selected(self, message: Selected) -> None:
        message.stop()
        self.marking.selected()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        self.list_title.activate(event.widget is self.rows)
        self.text_title.activate(event.widget is self.editor)
        self.app.refresh_offers()

    def on_resize(self) -> None:
        self.view.say_where()

    def on_wall_dragged(self, message: Wall.Dragged) -> None:
        self.query_one("#redact-left").styles.width = max(20, min(message.x, self.size.width - 30))

    def on_screen_resume(self) -> None:
        # The screen of the seal leads into an editor of its own.
        if self.stale and self.view.ready:
            self.view.decide(read_again)

    def do_leave(self) -> Awaitable[None] | None:
        return self.do_back(leave=True)

    def do_back(self, *, leave: bool = False) -> Awaitable[None] | None:
        if self.editor.drop_selection():
            self.view.say_where()
        elif self.editor.plain:
            self.listed.do_preview()
        elif self.editor.has_focus and self.snapshot.groups:
            self.rows.focus(scroll_visible=False)
        elif len(self.app.screen_stack) > 1 and self.app.screen_stack[0] is not self:
            self.dismiss(None)
        elif leave:
            self.app.exit()
        else:
            self.app.say("This is the first level. Leave: q", role="muted")
        return None
