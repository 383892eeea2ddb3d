"""The main screen: sessions, timeline, step, side by side as the terminal's width allows."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.screen import Screen

from tracetui.model import SessionRow, StepRow, TracetuiError
from tracetui.text import format as fmt
from tracetui.tui.actions import Actor, bindings
from tracetui.tui.background import Background
from tracetui.tui.capsule.deeds import CapsuleDeeds
from tracetui.tui.capturing import CaptureDeeds
from tracetui.tui.contexts import ContextDeeds
from tracetui.tui.deeds import StepDeeds
from tracetui.tui.panes.base import Pane, Wall
from tracetui.tui.panes.sessions import SessionsPane
from tracetui.tui.panes.timeline import TimelinePane
from tracetui.tui.redacting import RedactDeeds
from tracetui.tui.trails import TrailDeeds
from tracetui.tui.widgets.footer import Footer
from tracetui.tui.widgets.status import StatusLine

if TYPE_CHECKING:
    from tracetui.bucket.query import Completion
    from tracetui.tui.app import TracetuiApp
    from tracetui.tui.panes.step import StepPane
    from tracetui.tui.widgets.query_line import QueryLine

__all__ = ["MainScreen"]

_WEIGHTS = (30, 40, 30)
_SMALLEST = 16


class _StepSlot(Pane):
    """Keeps the place of the step pane, whose modules come after the first frame."""

    NUMBER: ClassVar[str] = "3"
    NAME: ClassVar[str] = "Step"


class MainScreen(
    Screen[None], CaptureDeeds, StepDeeds, TrailDeeds, ContextDeeds, RedactDeeds, CapsuleDeeds, Actor, Background
):
    """Lays out the panes and passes what one says to the others: a session to the timeline, a step to the step pane.

    Three panes from 120 columns, two from 80 (the one with the focus and its neighbour to the right), else one.
    """

    CONTEXTS: ClassVar[tuple[str, ...]] = ("main", "screen")
    BINDINGS = bindings("main", "screen")
    AUTO_FOCUS = None
    DEFAULT_CSS = "MainScreen #panes { height: 1fr; }"

    app: TracetuiApp

    def __init__(self) -> None:
        super().__init__()
        self.sessions_pane = SessionsPane(id="sessions")
        self.sessions_pane.open_query = self.open_query
        self.timeline_pane = TimelinePane(id="timeline")
        self.step_pane: StepPane | None = None
        self._slot = _StepSlot(id="step-slot")
        self.status = StatusLine()
        self.walls = (Wall(id="wall-1"), Wall(id="wall-2"))
        self._zoomed = False
        self._weights: list[float] = list(_WEIGHTS)
        self._at = 0
        self._query: QueryLine | None = None
        self._waiting: tuple[SessionRow | None, StepRow | None] | None = None

    def compose(self) -> ComposeResult:
        self.status.banner = self.app.banner
        self.prepare_capture()
        yield self.status
        with Horizontal(id="panes"):
            yield self.sessions_pane
            yield self.walls[0]
            yield self.timeline_pane
            yield self.walls[1]
            yield self._slot
        yield Footer()

    def on_mount(self) -> None:
        remembered = self.app.bucket.setting("panes")
        if (
            isinstance(remembered, list)
            and len(remembered) == 3
            and all(isinstance(w, int | float) for w in remembered)
        ):
            self._weights = [min(90.0, max(5.0, float(w))) for w in remembered]
        self._arrange()
        self.sessions_pane.focus_inside()
        self.call_after_refresh(self._after_first_frame)

    async def _after_first_frame(self) -> None:
        """What the first frame can do without: the step pane, the counts, the look for new logs."""
        self.app.settle_memory()
        from tracetui.tui.panes.step import StepPane

        with self.app.batch_update():
            self.step_pane = StepPane(id="step")
            await self.query_one("#panes").mount(self.step_pane)
            self._arrange()
            await self._slot.remove()
        self.begin_trails()
        if self._waiting is not None:
            self.show_step(*self._waiting)
        for problem in self.app.theme_problems:
            self.app.say(problem)
        if self.app.start_session is not None:
            self._open_at_start(self.app.start_session)
        self.begin_capture()

    def _open_at_start(self, name: str) -> None:
        try:
            session = self.app.bucket.session(name)
        except TracetuiError as error:
            self.app.say(str(error))
            return
        self.sessions_pane.select(session)
        self.open_session(session)
        if self.app.capsule is not None:
            self.app.say("A capsule, read only: A plays it, v there asks and runs its checks.")

    # -- layout -------------------------------------------------------------------------------------------------------

    @property
    def panes(self) -> list[Pane]:
        return [self.sessions_pane, self.timeline_pane, self.step_pane or self._slot]

    def _arrange(self) -> None:
        """Show the panes that fit, the one with the focus among them."""
        width = self.app.size.width
        room = 3 if width >= 120 else 2 if width >= 80 else 1
        if self._zoomed:
            room = 1
        first = {3: 0, 2: min(self._at, 1), 1: self._at}[room]
        for index, pane in enumerate(self.panes):
            pane.display = first <= index < first + room
            pane.styles.width = f"{self._weights[index]:.2f}fr"
        for index, wall in enumerate(self.walls):
            wall.display = first <= index and index + 1 < first + room and index + 1 < 3

    def on_resize(self, event: events.Resize) -> None:
        self._arrange()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        for index, pane in enumerate(self.panes):
            if pane in event.widget.ancestors_with_self and index != self._at:
                self._at = index
                self._arrange()

    def go(self, index: int) -> None:
        """Focus a pane; where it has no room now, it takes that of another."""
        if index < len(self.panes):
            self._at = index
            self._arrange()
            self.panes[index].focus_inside()

    def do_pane_1(self) -> None:
        self.go(0)

    def do_pane_2(self) -> None:
        self.go(1)

    def do_pane_3(self) -> None:
        self.go(2)

    def do_next_pane(self) -> None:
        self.go((self._at + 1) % len(self.panes))

    def do_previous_pane(self) -> None:
        self.go((self._at - 1) % len(self.panes))

    def do_zoom(self) -> None:
        self._zoomed = not self._zoomed
        self._arrange()

    def _resize_pane(self, by: float) -> None:
        others = [index for index in range(3) if index != self._at]
        self._weights[self._at] = min(80.0, max(10.0, self._weights[self._at] + by))
        rest = sum(self._weights[index] for index in others)
        for index in others:
            self._weights[index] *= (100 - self._weights[self._at]) / rest
        self._remember_widths()

    def why_wider(self) -> str | None:
        return "Only one pane is shown; there is nothing to take from." if self._alone else None

    why_narrower = why_wider

    @property
    def _alone(self) -> bool:
        return sum(bool(pane.display) for pane in self.panes) < 2

    def do_wider(self) -> None:
        self._resize_pane(4)

    def do_narrower(self) -> None:
        self._resize_pane(-4)

    def on_wall_dragged(self, message: Wall.Dragged) -> None:
        index = self.walls.index(message.wall)
        left, right = self.panes[index], self.panes[index + 1]
        start, end = left.region.x, right.region.right
        x = min(max(message.x, start + _SMALLEST), end - _SMALLEST)
        both = self._weights[index] + self._weights[index + 1]
        if end - start > 2 * _SMALLEST:
            self._weights[index] = both * (x - start) / (end - start)
            self._weights[index + 1] = both - self._weights[index]
            self._remember_widths()

    def _remember_widths(self) -> None:
        self._arrange()
        if not self.app.read_only:
            self.app.bucket.set_setting("panes", [round(weight, 2) for weight in self._weights])

    # -- one level out ------------------------------------------------------------------------------------------------

    def do_back(self) -> None:
        if self._at == 2 and self.step_pane is not None and self.step_pane.back():
            return
        if self._zoomed:
            self.do_zoom()
        elif self._at:
            self.go(self._at - 1)
        else:
            self.app.exit()

    # -- sessions and their steps -------------------------------------------------------------------------------------

    def on_sessions_pane_rested(self, message: SessionsPane.Rested) -> None:
        if message.session is not None:
            self.timeline_pane.load(message.session)
            self.look_soon()
        self.list_trails()

    def on_sessions_pane_entered(self, message: SessionsPane.Entered) -> None:
        if message.session is not None:
            self.open_session(message.session)

    def open_session(self, session: SessionRow, *, step: int | None = None) -> None:
        """Show a session in the timeline and go there; ``step`` is where the cursor goes."""
        self.timeline_pane.load(session, step=step)
        self.look_soon()
        self.go(1)

    def open_hit(self, session_id: str, step: int, *, log: int | None = None) -> None:
        """Go to a step that a search found. A step of a subagent opens its own log by way of the session."""
        try:
            session = self.app.bucket.session(session_id)
        except TracetuiError as error:
            self.app.say(str(error))
            return
        self.sessions_pane.select(session)
        self.timeline_pane.load(session, step=step, log=log)
        self.go(1)

    def on_timeline_pane_rested(self, message: TimelinePane.Rested) -> None:
        self.show_step(message.session, message.step)

    def on_timeline_pane_entered(self, message: TimelinePane.Entered) -> None:
        self.show_step(message.session, message.step)
        self.go(2)

    def on_timeline_pane_left(self, message: TimelinePane.Left) -> None:
        self.go(0)

    def show_step(self, session: SessionRow | None, row: StepRow | None) -> None:
        """Let the step pane load a step; called after the cursor rested."""
        self.want_trail(session)
        self.show_step_badge()
        if self.step_pane is None:
            self._waiting = (session, row)
        elif row is None or session is None:
            self.step_pane.clear()
        else:
            self.step_pane.load(row.log, row, session)

    def on_step_pane_walked(self, message: StepPane.Walked) -> None:
        rows = self.timeline_pane.rows
        if message.by > 0:
            rows.do_down()
        else:
            rows.do_up()

    # -- the query line -----------------------------------------------------------------------------------------------

    async def open_query(self) -> None:
        """Put the cursor into the query line over the list of sessions."""
        from tracetui.tui.widgets.query_line import QueryLine

        if self._query is None:
            self._query = QueryLine(
                self.sessions_pane.query_text, placeholder="harness:codex since:7d rate limit", complete=self._complete
            )
            await self.mount(self._query, before="#panes")
        self._query.focus_input()

    def _complete(self, text: str, cursor: int) -> list[Completion]:
        from tracetui.bucket.query import complete

        return complete(text, cursor, self._known())

    def _known(self) -> dict[str, list[str]]:
        """Values for completion, the most frequent first."""
        from collections import Counter

        from tracetui.tui.panes.session_rows import project_of

        rows = self.sessions_pane.everything
        tables = {
            "harness": Counter(row.harness for row in rows),
            "project": Counter(project_of(row) for row in rows),
            "model": Counter(row.model or "" for row in rows),
            "branch": Counter(row.branch or "" for row in rows),
        }
        return {name: [value for value, _ in table.most_common(50) if value] for name, table in tables.items()}

    def on_query_line_changed(self, message: QueryLine.Changed) -> None:
        self.sessions_pane.filter(message.text)

    def on_query_line_submitted(self, message: QueryLine.Submitted) -> None:
        if not message.text.strip():
            self._drop_query()
        self.go(0)

    def on_query_line_dropped(self) -> None:
        self._drop_query()

    def on_sessions_pane_cleared(self) -> None:
        self._drop_query()

    def _drop_query(self) -> None:
        if self._query is not None:
            self._query.remove()
            self._query = None
        self.sessions_pane.filter("")
        self.go(0)

    def on_sessions_pane_loaded(self, message: SessionsPane.Loaded) -> None:
        self.list_trails()
        if self._query is not None:
            if message.error is not None:
                self._query.say(message.error, "bad")
            elif self.sessions_pane.query_text:
                self._query.say(f"{fmt.count(message.shown)} of {fmt.count(message.total)}")
            else:
                self._query.say("")

    # -- finding ------------------------------------------------------------------------------------------------------

    def do_jump(self) -> None:
        from tracetui.tui.screens.jump import JumpScreen

        def go(session: SessionRow | None) -> None:
            if session is not None:
                self.sessions_pane.select(session)
                self.open_session(session)

        self.app.push_screen(JumpScreen(), go)
