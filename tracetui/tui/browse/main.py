"""The main screen: sessions, timeline, step, side by side as the terminal's width allows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.screen import Screen

from tracetui.model import SessionRow, StepRow, TracetuiError
from tracetui.tui.actions import bindings
from tracetui.tui.browse.arrangement import ArrangementController
from tracetui.tui.browse.capture import CaptureController
from tracetui.tui.browse.card import CardPane
from tracetui.tui.browse.filtering import FilterController
from tracetui.tui.browse.find import FindController
from tracetui.tui.browse.leaving import LeaveController
from tracetui.tui.browse.sessions import SessionsPane
from tracetui.tui.browse.step_actions import CopyController, ResumeController
from tracetui.tui.browse.timeline import TimelinePane
from tracetui.tui.kit.actor import Actor, Controller
from tracetui.tui.kit.background import Background
from tracetui.tui.kit.badges import StepBadge
from tracetui.tui.kit.footer import Footer
from tracetui.tui.kit.host import Selection, StepKey
from tracetui.tui.kit.messages import SessionEntered, SessionRested, StepEntered, StepRested, WorkspaceReady
from tracetui.tui.kit.pane import Pane
from tracetui.tui.kit.status import StatusLine

if TYPE_CHECKING:
    from tracetui.tui.browse.step import StepPane
    from tracetui.tui.kit.host import HostApp

__all__ = ["MainScreen"]


class _StepSlot(Pane):
    """Keeps the place of the step pane, whose modules come after the first frame."""

    NUMBER: ClassVar[str] = "3"
    NAME: ClassVar[str] = "Step"


class MainScreen(Screen[None], Actor, Background):
    """Holds the panes and passes what one says to the others: a session to the timeline, a step to the step pane.

    ``features`` are the controllers that other features put here: those of the contexts ``main``, ``timeline`` and
    ``step``. To them this is a `kit.host.Workspace`.
    """

    CONTEXTS: ClassVar[tuple[str, ...]] = ("main", "screen")
    BINDINGS = bindings("main", "screen")
    AUTO_FOCUS = None
    DEFAULT_CSS = "MainScreen #panes { height: 1fr; }"

    app: HostApp

    def __init__(self, features: Mapping[str, Sequence[Callable[[Any], Controller[Any]]]] | None = None) -> None:
        super().__init__()
        self._features = features or {}
        self.sessions_pane = SessionsPane(id="sessions")
        self.timeline_pane = TimelinePane(self._features.get("timeline", ()), id="timeline")
        self.step_pane: StepPane | None = None
        self._slot = _StepSlot(id="step-slot")
        self.card = CardPane(id="card")
        self.status = StatusLine()
        self.arrangement = ArrangementController(self)
        self.filtering = FilterController(self)
        self.capture = CaptureController(self)
        self.leaving = LeaveController(self)
        self.controllers = (
            self.arrangement,
            self.filtering,
            self.capture,
            self.leaving,
            FindController(self),
            CopyController(self),
            ResumeController(self),
            *(make(self) for make in self._features.get("main", ())),
        )
        self.sessions_pane.open_query = self.filtering.open
        self._waiting: tuple[SessionRow | None, StepRow | None] | None = None

    def compose(self) -> ComposeResult:
        self.status.banner = self.app.banner
        self.capture.prepare()
        left, right = self.arrangement.walls
        yield self.status
        with Horizontal(id="panes"):
            yield self.sessions_pane
            yield left
            yield self.timeline_pane
            yield right
            yield self._slot
            yield self.card
        yield Footer()

    def on_mount(self) -> None:
        self.arrangement.remember()
        self.arrangement.arrange()
        self.sessions_pane.focus_inside()
        self.watch(self, "focused", self.arrangement.keep_focus, init=False)
        if self.app.home and self.sessions_pane.sessions:
            self.leaving.do_home()
        self.call_after_refresh(self._after_first_frame)

    async def _after_first_frame(self) -> None:
        """What the first frame can do without: the step pane, the counts, the look for new logs."""
        self.app.settle_memory()
        from tracetui.tui.browse.step import StepPane

        with self.app.batch_update():
            self.step_pane = StepPane(self._features.get("step", ()), id="step")
            await self.query_one("#panes").mount(self.step_pane, before=self.card)
            self.arrangement.arrange()
            await self._slot.remove()
        if self._waiting is not None:
            self.show_step(*self._waiting)
        self.app.tell_problems()
        if self.app.start_session is not None:
            self._open_at_start(self.app.start_session)
        self.post_message(WorkspaceReady())

    def _open_at_start(self, name: str) -> None:
        session = self._session(name)
        if session is not None:
            self.open_session(session)
            if self.app.capsule is not None:
                self.app.say("A capsule, read only: A plays it, v there asks and runs its checks.")

    def _session(self, name: str) -> SessionRow | None:
        """A session of the bucket, the cursor put on it; None, and said, where there is none."""
        try:
            session = self.app.bucket.session(name)
        except TracetuiError as error:
            self.app.say(str(error))
            return None
        self.sessions_pane.select(session)
        return session

    @property
    def panes(self) -> list[Pane]:
        return [self.sessions_pane, self.timeline_pane, self.step_pane or self._slot]

    def why_stop(self) -> str | None:
        working = any(one.working() for one in self.controllers)
        return None if working else "Nothing is being indexed or worked out."

    def do_stop(self) -> None:
        working = [one for one in self.controllers if one.working()]
        for one in working:
            one.stop()
        if self.capture not in working:
            self.app.say("Stopped; what was worked out stays.", role="muted")

    # -- from pane to pane --------------------------------------------------------------------------------------------

    def on_session_rested(self, message: SessionRested) -> None:
        if message.session is not None:
            self.card.load(message.session)
            self.timeline_pane.load(message.session)
            self.capture.look_soon()

    def on_session_entered(self, message: SessionEntered) -> None:
        if message.session is not None:
            self.open_session(message.session)

    def open_session(self, session: SessionRow, *, step: int | None = None) -> None:
        """Show a session in the timeline and go there; ``step`` is where the cursor goes."""
        self.timeline_pane.load(session, step=step)
        self.capture.look_soon()
        self.arrangement.go(1)

    def on_step_rested(self, message: StepRested) -> None:
        self.show_step(message.session, message.step)

    def on_step_entered(self, message: StepEntered) -> None:
        self.show_step(message.session, message.step)
        self.arrangement.go(2)

    def on_timeline_pane_left(self) -> None:
        self.arrangement.go(0)

    def show_step(self, session: SessionRow | None, row: StepRow | None) -> None:
        """Let the step pane load a step; called after the cursor rested."""
        if self.step_pane is None:
            self._waiting = (session, row)
            return
        self.step_pane.header.show_badge(self.timeline_pane.badge_here)
        self.step_pane.hint(self.timeline_pane.matching.words if row is not None else ())
        if row is None or session is None:
            self.step_pane.clear()
        else:
            self.step_pane.load(row.log, row, session)

    def on_step_pane_walked(self, message: StepPane.Walked) -> None:
        rows = self.timeline_pane.rows
        if message.by > 0:
            rows.do_down()
        else:
            rows.do_up()

    # -- the workspace of other features ------------------------------------------------------------------------------

    @property
    def selection(self) -> Selection:
        timeline = self.timeline_pane
        step = timeline.current
        return Selection(
            timeline.session,
            self.sessions_pane.current,
            step,
            timeline.agent_of(step.log) if step is not None else None,
            timeline.range,
            self.sessions_pane.rows.has_focus,
        )

    @property
    def sessions(self) -> list[SessionRow]:
        return self.sessions_pane.sessions

    @property
    def sessions_on_screen(self) -> list[SessionRow]:
        return self.sessions_pane.on_screen

    @property
    def sorted_by(self) -> str:
        return self.sessions_pane.shape.sort

    def reload_sessions(self) -> None:
        self.sessions_pane.load()

    def open_step(self, session_id: str, step: int, *, log: int | None = None) -> None:
        """Go to a step that a search found. A step of a subagent opens its own log by way of the session."""
        session = self._session(session_id)
        if session is not None:
            self.timeline_pane.load(session, step=step, log=log)
            self.arrangement.go(1)

    def go_to(self, step: int, log: int) -> None:
        self.timeline_pane.go_to(step, log)
        self.timeline_pane.focus_inside()

    def show_badges(self, badges: Mapping[StepKey, StepBadge]) -> None:
        self.timeline_pane.show_badges(badges)
        if self.step_pane is not None:
            self.step_pane.header.show_badge(self.timeline_pane.badge_here)
        self.app.refresh_offers()

    def show_survival(self, identity: str, counts: Mapping[str, int] | None) -> None:
        self.sessions_pane.show_survival(identity, counts)

    def show_trail(self, identity: str, answer: Mapping[str, Any] | None) -> None:
        self.card.show_trail(identity, answer)

    def show_work(self, text: str) -> None:
        self.status.work(text)

    def refresh_step(self) -> None:
        if self.step_pane is not None:
            self.step_pane.show_again()
