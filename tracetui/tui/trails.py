"""The trail on the main screen: asked for what is seen first, shown as badges, bars and commits. A mixin."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from textual.dom import DOMNode

from tracetui.model import SessionRow, StepRow
from tracetui.text import format as fmt
from tracetui.tui.badges import StepBadge, badges_of
from tracetui.tui.panes.session_rows import identity_of
from tracetui.tui.trailing import HERE, LIST, REST, Question, TrailAnswer, TrailProgress

if TYPE_CHECKING:
    from textual.timer import Timer

    from tracetui.tui.app import TracetuiApp
    from tracetui.tui.panes.sessions import SessionsPane
    from tracetui.tui.panes.step import StepPane
    from tracetui.tui.panes.timeline import TimelinePane
    from tracetui.tui.widgets.status import StatusLine

__all__ = ["SessionTrail", "TrailDeeds"]

_KEPT: Final = 64
_LIST_REST: Final = 0.4
_SLOW: Final = 0.2
_LOOK_EVERY: Final = 3.0


@dataclass(slots=True)
class SessionTrail:
    """What is known of one session; the keys are those of `trail.serve`."""

    answer: Mapping[str, Any]
    badges: Mapping[tuple[str | None, int], StepBadge] = field(default_factory=dict)
    bytes: int = 0

    def hunks_of(self, agent: str | None, step: int) -> list[Mapping[str, Any]]:
        """The hunks of a step."""
        return [state for state in self.answer["states"] if state["agent"] == agent and state["step"] == step]


class TrailDeeds(DOMNode):
    """Mixin of the main screen."""

    sessions_pane: SessionsPane
    timeline_pane: TimelinePane
    step_pane: StepPane | None
    status: StatusLine

    _trails: OrderedDict[str, SessionTrail]
    _trail_for: tuple[str, int] | None = None
    _trail_listed: set[tuple[str, int]]
    _trail_timer: Timer | None = None
    _trail_error = ""
    _trail_stopped = False
    _trail_mark: object = None

    @property
    def _tracetui(self) -> TracetuiApp:
        return self.app  # type: ignore[return-value]

    def begin_trails(self) -> None:
        """Once the first frame stands."""
        self._trails = OrderedDict()
        self._trail_listed = set()
        if self._tracetui.trail.enabled:
            self.set_interval(_LOOK_EVERY, self._look_at_repository)
            self.list_trails()

    # -- asking -------------------------------------------------------------------------------------------------------

    def want_trail(self, session: SessionRow | None, *, again: bool = False) -> None:
        """The session is on screen: show what is known of its trail, and ask whether that still holds."""
        service = self._tracetui.trail
        if session is None or not hasattr(self, "_trails") or not service.enabled:
            return
        key = (identity_of(session), session.bytes)
        if key == self._trail_for and not again:
            return
        self._trail_for = key
        self._trail_mark = None
        for question in service.pending(HERE):
            service.cancel(question)
        self._show_trail()
        if session.edits:
            self._ask_trail(session, HERE)

    def _ask_trail(self, session: SessionRow, rank: int) -> None:
        app = self._tracetui
        app.trail.ask(
            "trail",
            rank=rank,
            to=self,
            session=session.id,
            harness=session.harness,
            named_only=app.read_only,
        )

    def list_trails(self) -> None:
        """Soon ask for the sessions whose rows are on screen, unless that was done."""
        if not self._tracetui.trail.enabled or not hasattr(self, "_trails"):
            return
        if self._trail_timer is not None:
            self._trail_timer.stop()
        self._trail_timer = self.set_timer(_LIST_REST, self._list_now)

    def _list_now(self) -> None:
        self._trail_timer = None
        app, pane = self._tracetui, self.sessions_pane
        if app.read_only or self._trail_stopped:
            return
        seen = [row for row in pane.on_screen if row.edits and not row.foreign]
        wanted = {(row.id, row.harness) for row in seen}
        for question in app.trail.pending(LIST):
            place = (question.values["session"], question.values["harness"])
            if place not in wanted:
                app.trail.cancel(question)
                self._trail_listed = {key for key in self._trail_listed if key[0] != f"{place[1]}/{place[0]}"}
        self._ask_all(seen, LIST)
        if pane.shape.sort == "survived":
            self._ask_all([row for row in pane.sessions if row.edits and row.survival is None], REST)

    def _ask_all(self, sessions: Sequence[SessionRow], rank: int) -> None:
        for row in sessions:
            key = (identity_of(row), row.bytes)
            if key not in self._trail_listed and key != self._trail_for:
                self._trail_listed.add(key)
                self._ask_trail(row, rank)

    def on_sessions_pane_sorted(self) -> None:
        self._trail_stopped = False
        self.list_trails()

    def stop_trails(self) -> bool:
        """Work nothing more out for now; False when there was nothing to stop."""
        service = self._tracetui.trail
        pending = service.pending(HERE, LIST, REST)
        for question in pending:
            service.cancel(question)
        self._trail_stopped = self._trail_stopped or bool(pending)
        self._trail_listed = set()
        self.status.work("")
        return bool(pending)

    def trails_running(self) -> bool:
        """Whether something is being worked out."""
        return bool(self._tracetui.trail.pending(HERE, LIST, REST))

    # -- answers ------------------------------------------------------------------------------------------------------

    def on_trail_progress(self, message: TrailProgress) -> None:
        question = message.question
        if monotonic() - question.started < _SLOW:
            return
        what = "commits" if message.what == "index" else "hunks"
        left = len(self._tracetui.trail.pending(LIST, REST))
        more = f", {fmt.plural(left, 'session')} to go" if question.rank >= LIST and left > 1 else ""
        self.status.work(f"trail {fmt.count(message.done)} of {fmt.plural(message.total, what[:-1], what)}{more}")

    def on_trail_answer(self, message: TrailAnswer) -> None:
        question = message.question
        app = self._tracetui
        left = app.trail.pending(LIST, REST)
        if len(left) < 2:
            self.status.work("")
        elif question.rank >= LIST:
            self.status.work(f"trail, {fmt.plural(len(left), 'session')} to go")
        if question.error is not None:
            if question.rank == HERE and question.error != self._trail_error:
                self._trail_error = question.error
                app.say(question.error, role="bad")
            return
        self._trail_error = ""
        if question.answer is not None:
            self._take_trail(question)
        if question.rank == REST and not left and self.sessions_pane.shape.sort == "survived":
            self.sessions_pane.load()

    def _take_trail(self, question: Question) -> None:
        answer = question.answer or {}
        identity = f"{question.values['harness']}/{question.values['session']}"
        old = self._trails.get(identity)
        trail = SessionTrail(answer, badges_of(answer["states"]))
        self._trails[identity] = trail
        self._trails.move_to_end(identity)
        while len(self._trails) > _KEPT:
            self._trails.popitem(last=False)
        if not answer.get("named_only"):
            self.sessions_pane.show_survival(identity, answer["counts"] if answer["states"] else None)
        if self._trail_for is not None and self._trail_for[0] == identity:
            self._show_trail()
            if self.step_pane is not None and old is not None and old.answer != answer:
                self.step_pane.show_again()

    def _show_trail(self) -> None:
        """Badges for the session that is shown, as far as they are known."""
        known = self._trails.get(self._trail_for[0]) if self._trail_for is not None else None
        session = self.timeline_pane.session
        here = session is not None and self._trail_for is not None and identity_of(session) == self._trail_for[0]
        self.timeline_pane.show_badges(known.badges if known is not None and here else {})
        self.show_step_badge()
        self._tracetui.refresh_offers()

    def show_step_badge(self) -> None:
        """The badge of the step under the cursor, in the step pane."""
        if self.step_pane is not None:
            self.step_pane.header.show_badge(self._badge_here())

    def _badge_here(self) -> StepBadge | None:
        step = self.timeline_pane.current
        rows = self.timeline_pane
        outline = rows.outline
        if step is None or outline is None:
            return None
        return rows.badge(outline.place(rows.rows.cursor))

    def _look_at_repository(self) -> None:
        """Has a commit, a checkout or a stage changed the repository of the session on screen? Then ask again."""
        session = self.timeline_pane.session
        known = self._trails.get(identity_of(session)) if session is not None else None
        place = known.answer.get("repo") if known is not None else None
        if place is None or self._tracetui.trail.pending(HERE):
            return

        def look(cancelled: object) -> object:
            import os

            mark = []
            for name in ("HEAD", "logs/HEAD", "index"):
                try:
                    found = os.stat(os.path.join(place["git"], name))  # noqa: PTH116, PTH118
                    mark.append((found.st_mtime_ns, found.st_size))
                except (OSError, ValueError):
                    mark.append((0, 0))
            return tuple(mark)

        def seen(mark: object) -> None:
            old, self._trail_mark = self._trail_mark, mark
            if old is not None and old != mark and session is not None:
                self._trail_listed = set()
                self.want_trail(session, again=True)
                self.list_trails()

        self.background("repository", look, seen)  # type: ignore[attr-defined]

    # -- from a hunk to its commits -----------------------------------------------------------------------------------

    def _hunk_here(self, want: str) -> tuple[Mapping[str, Any] | None, str | None]:
        """The hunk that L and K speak of, or why there is none."""
        step: StepRow | None = self.timeline_pane.current
        if step is None or step.kind != "edit":
            return None, "There is no edit under the cursor; e goes to the next one."
        pane = self.step_pane
        if pane is not None and pane.row == step and pane.hunk is not None:
            return pane.hunk, None
        session = self.timeline_pane.session
        known = self._trails.get(identity_of(session)) if session is not None else None
        if known is None:
            return None, "What became of this edit is not known yet."
        agent = next((log.agent for log in self.timeline_pane.logs if log.id == step.log), None)
        hunks = known.hunks_of(agent, step.number)
        if not hunks:
            return None, "The log does not describe what this step changed."
        return next((hunk for hunk in hunks if hunk[want]), hunks[0]), None

    def why_no_commit(self, which: str) -> str | None:
        """Why the hunk has no commit of a kind (``landing``, ``killer``) to show, None when it has one."""
        hunk, reason = self._hunk_here(which)
        if hunk is None:
            return reason
        if hunk[which]:
            return None
        return f"No commit {'of this history holds' if which == 'landing' else 'ended'} it: {hunk['state']}."

    def open_commit(self, which: str) -> None:
        """Show the commit of a kind of the hunk."""
        from tracetui.tui.screens.commit import CommitScreen

        hunk, _ = self._hunk_here(which)
        session = self.timeline_pane.session
        if hunk is not None and session is not None:
            self.app.push_screen(CommitScreen(session, hunk[which]), self._go_behind)

    def _go_behind(self, place: tuple[str, str | None, int] | None) -> None:
        """Go to a step that is behind a commit or a line."""
        if place is None:
            return
        name, agent, step = place
        log = None
        if agent is not None:
            logs = self._tracetui.bucket.logs(name)
            log = next((row.id for row in logs if row.agent == agent and row.shown), None)
        self.open_hit(name, step, log=log)  # type: ignore[attr-defined]

    # -- blame, and naming a repository -------------------------------------------------------------------------------

    def _session_here(self) -> SessionRow | None:
        return self.timeline_pane.session or self.sessions_pane.current

    def why_blame(self) -> str | None:
        if self._tracetui.read_only:
            return "Only a bucket of many sessions can tell who is behind a commit."
        return None if self._session_here() is not None else "Choose a session first; its repository is asked."

    def do_blame(self) -> None:
        from tracetui.tui.screens.blame import BlameScreen

        session = self._session_here()
        if session is not None:
            self.app.push_screen(BlameScreen(session), self._go_behind)

    def why_repository(self) -> str | None:
        session = self._session_here()
        if session is None:
            return "There is no session under the cursor."
        return None if session.cwd else "The log of this session names no folder to remember a repository for."

    def do_repository(self) -> None:
        from tracetui.tui.screens.repository import RepositoryScreen

        session = self._session_here()
        if session is None or session.cwd is None:
            return
        known = self._trails.get(identity_of(session)) if hasattr(self, "_trails") else None
        place = known.answer.get("repo") if known is not None else None

        def named(changed: bool | None) -> None:
            if changed and session is not None:
                self._trail_listed = set()
                self._trail_stopped = False
                self._tracetui.say("What became of the edits is worked out again.", role="muted")
                self.want_trail(session, again=True)
                if self.step_pane is not None:
                    self.step_pane.show_again()
                self.list_trails()

        self.app.push_screen(RepositoryScreen(session.cwd, place), named)
