"""The trail on the main screen: asked for what is seen first, shown as badges, bars and commits."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

from textual.message_pump import MessagePump

from tracetui.model import SessionRow, StepRow
from tracetui.text import format as fmt
from tracetui.tui.kit.actor import Controller
from tracetui.tui.kit.badges import StepBadge, badges_of
from tracetui.tui.kit.messages import StepRested
from tracetui.tui.kit.reasons import reason_of
from tracetui.tui.kit.session_labels import identity_of
from tracetui.tui.kit.trail_client import HERE, LIST, REST, Question, TrailAnswer, TrailProgress

if TYPE_CHECKING:
    from textual.timer import Timer

    from tracetui.tui.kit.host import Workspace

__all__ = ["SessionTrail", "TrailController"]

_KEPT: Final = 64
_LIST_REST: Final = 0.4
_SLOW: Final = 0.2
_LOOK_EVERY: Final = 3.0
_PACE: Final = 0.5
"""Seconds between two looks at whether anybody types."""


@dataclass(slots=True)
class SessionTrail:
    """What is known of one session; the keys are those of `trail.serve`."""

    answer: Mapping[str, Any]
    badges: Mapping[tuple[str | None, int], StepBadge] = field(default_factory=dict)
    bytes: int = 0

    def hunks_of(self, agent: str | None, step: int) -> list[Mapping[str, Any]]:
        """The hunks of a step."""
        return [state for state in self.answer["states"] if state["agent"] == agent and state["step"] == step]


class TrailController(Controller["Workspace"]):
    """Asks for the trails of what is on screen and shows them there."""

    CONTEXTS: ClassVar[tuple[str, ...]] = ("main",)

    def __init__(self, owner: Workspace) -> None:
        super().__init__(owner)
        self.known: OrderedDict[str, SessionTrail] = OrderedDict()
        """By identity of the session, the one asked for last at the end."""
        self.hunk_shown: Callable[[StepRow], Mapping[str, Any] | None] | None = None
        """The hunk of a step that the step pane shows, once there is one."""
        self._ready = False
        self._shown: tuple[str, int] | None = None
        self._listed: set[tuple[str, int]] = set()
        self._timer: Timer | None = None
        self._error = ""
        self._stopped = False
        self._mark: object = None

    def on_workspace_ready(self) -> None:
        if self.app.trail.enabled:
            self._ready = True
            self.owner.set_interval(_LOOK_EVERY, self.look_at_repository)
            self.owner.set_interval(_PACE, self._pace)
            self._pace()
            self.list_trails()
            self.want_trail(self.owner.selection.session)

    def on_session_rested(self) -> None:
        self.list_trails()

    on_sessions_loaded = on_session_rested

    def on_step_rested(self, message: StepRested) -> None:
        self.want_trail(message.session)

    on_step_entered = on_step_rested

    # -- asking -------------------------------------------------------------------------------------------------------

    def want_trail(self, session: SessionRow | None, *, again: bool = False) -> None:
        """The session is on screen: show what is known of its trail, and ask whether that still holds."""
        service = self.app.trail
        if session is None or not self._ready:
            return
        key = (identity_of(session), session.bytes)
        if key == self._shown and not again:
            return
        self._shown = key
        self._mark = None
        for question in service.pending(HERE):
            service.cancel(question)
        self._show_trail()
        if session.edits:
            self._ask_trail(session, HERE)

    def _ask_trail(self, session: SessionRow, rank: int) -> None:
        app = self.app
        app.trail.ask(
            "trail",
            rank=rank,
            to=cast(MessagePump, self.owner),
            session=session.id,
            harness=session.harness,
            named_only=app.read_only,
        )

    def list_trails(self) -> None:
        """Soon ask for the sessions whose rows are on screen, unless that was done."""
        if not self._ready:
            return
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.owner.set_timer(_LIST_REST, self._list_now)

    def _list_now(self) -> None:
        self._timer = None
        app = self.app
        if app.read_only or self._stopped:
            return
        seen = [row for row in self.owner.sessions_on_screen if row.edits and not row.foreign]
        wanted = {(row.id, row.harness) for row in seen}
        for question in app.trail.pending(LIST):
            place = (question.values["session"], question.values["harness"])
            if place not in wanted:
                app.trail.cancel(question)
                self._listed = {key for key in self._listed if key[0] != f"{place[1]}/{place[0]}"}
        self._ask_all(seen, LIST)
        # The others too, at the lowest rank, so that sums over all sessions come to be whole.
        others = [row for row in self.owner.sessions if row.edits and row.survival is None and not row.foreign]
        self._ask_all(others, REST)

    def _pace(self) -> None:
        """Trails of sessions that are only listed are worked out while nobody types."""
        self.app.trail.hold(not self.app.activity.may_work)

    def _ask_all(self, sessions: Sequence[SessionRow], rank: int) -> None:
        for row in sessions:
            key = (identity_of(row), row.bytes)
            if key not in self._listed and key != self._shown:
                self._listed.add(key)
                self._ask_trail(row, rank)

    def on_sessions_sorted(self) -> None:
        self._stopped = False
        self.list_trails()

    def working(self) -> bool:
        return bool(self.app.trail.pending(HERE, LIST, REST))

    def unfinished(self) -> str | None:
        return "What became of the edits here is being worked out" if self.app.trail.pending(HERE) else None

    def stop(self) -> None:
        service = self.app.trail
        for question in service.pending(HERE, LIST, REST):
            service.cancel(question)
        self._stopped = True
        self._listed = set()
        self.owner.show_work("")

    # -- answers ------------------------------------------------------------------------------------------------------

    def on_trail_progress(self, message: TrailProgress) -> None:
        question = message.question
        if monotonic() - question.started < _SLOW:
            return
        what = "commits" if message.what == "index" else "hunks"
        left = len(self.app.trail.pending(LIST, REST))
        more = f", {fmt.plural(left, 'session')} to go" if question.rank >= LIST and left > 1 else ""
        self.owner.show_work(f"trail {fmt.count(message.done)} of {fmt.plural(message.total, what[:-1], what)}{more}")

    def on_trail_answer(self, message: TrailAnswer) -> None:
        question = message.question
        app = self.app
        left = app.trail.pending(LIST, REST)
        if len(left) < 2:
            self.owner.show_work("")
        elif question.rank >= LIST:
            self.owner.show_work(f"trail, {fmt.plural(len(left), 'session')} to go")
        if question.error is not None:
            if question.rank == HERE and question.error != self._error:
                self._error = question.error
                app.say(question.error, role="bad")
            return
        self._error = ""
        if question.answer is not None:
            self._take_trail(question)
        if question.rank == REST and not left and self.owner.sorted_by == "survived":
            self.owner.reload_sessions()

    def _take_trail(self, question: Question) -> None:
        answer = question.answer or {}
        identity = f"{question.values['harness']}/{question.values['session']}"
        old = self.known.get(identity)
        trail = SessionTrail(answer, badges_of(answer["states"], answer.get("problem")))
        self.known[identity] = trail
        self.known.move_to_end(identity)
        while len(self.known) > _KEPT:
            self.known.popitem(last=False)
        if not answer.get("named_only"):
            self.owner.show_survival(identity, answer["counts"] if answer["states"] else None)
        if self._shown is not None and self._shown[0] == identity:
            self._show_trail()
            if old is not None and old.answer != answer:
                self.owner.refresh_step()

    def _show_trail(self) -> None:
        """Badges for the session that is shown, as far as they are known."""
        known = self.known.get(self._shown[0]) if self._shown is not None else None
        session = self.owner.selection.session
        here = session is not None and self._shown is not None and identity_of(session) == self._shown[0]
        self.owner.show_badges(known.badges if known is not None and here else {})
        if session is not None and here:
            self.owner.show_trail(identity_of(session), known.answer if known is not None else None)

    def look_at_repository(self) -> None:
        """Has a commit, a checkout or a stage changed the repository of the session on screen? Then ask again."""
        session = self.owner.selection.session
        known = self.known.get(identity_of(session)) if session is not None else None
        place = known.answer.get("repo") if known is not None else None
        if place is None or self.app.trail.pending(HERE):
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
            old, self._mark = self._mark, mark
            if old is not None and old != mark and session is not None:
                self._listed = set()
                self.want_trail(session, again=True)
                self.list_trails()

        self.owner.background("repository", look, seen)

    # -- from a hunk to its commits -----------------------------------------------------------------------------------

    def _hunk_here(self, want: str) -> tuple[Mapping[str, Any] | None, str | None]:
        """The hunk that L and K speak of, or why there is none."""
        chosen = self.owner.selection
        step = chosen.step
        if step is None or step.kind != "edit":
            return None, "There is no edit under the cursor; e goes to the next one."
        if self.hunk_shown is not None and (hunk := self.hunk_shown(step)) is not None:
            return hunk, None
        known = self.known.get(identity_of(chosen.session)) if chosen.session is not None else None
        if known is None:
            return None, "What became of this edit is not known yet."
        hunks = known.hunks_of(chosen.agent, step.number)
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
        state = hunk["state"]
        if state == "unknown":
            return f"What became of it is not known: {reason_of(hunk)}."
        return f"No commit {'of this history holds' if which == 'landing' else 'ended'} it: {state}."

    def open_commit(self, which: str) -> None:
        """Show the commit of a kind of the hunk."""
        from tracetui.tui.trail.commit import CommitScreen

        hunk, _ = self._hunk_here(which)
        session = self.owner.selection.session
        if hunk is not None and session is not None:
            self.app.push_screen(CommitScreen(session, hunk[which]), self._go_behind)

    def _go_behind(self, place: tuple[str, str | None, int] | None) -> None:
        """Go to a step that is behind a commit or a line."""
        if place is None:
            return
        name, agent, step = place
        log = None
        if agent is not None:
            logs = self.app.bucket.logs(name)
            log = next((row.id for row in logs if row.agent == agent and row.shown), None)
        self.owner.open_step(name, step, log=log)

    # -- one diff of a session, or of a prompt

    def why_diff(self) -> str | None:
        session = self.owner.selection.target
        if session is None:
            return "There is no session under the cursor."
        return None if session.edits else "The log of this session describes no edit."

    def do_diff(self) -> None:
        from tracetui.tui.trail.session_diff import SessionDiffScreen

        chosen = self.owner.selection
        session = chosen.target
        if session is not None:
            step = chosen.step if chosen.same and not chosen.in_list else None
            prompt = step if step is not None and step.kind == "prompt" else None
            self.app.push_screen(SessionDiffScreen(session, prompt, chosen.agent))

    # -- blame, and naming a repository -------------------------------------------------------------------------------

    def _session_here(self) -> SessionRow | None:
        chosen = self.owner.selection
        return chosen.session or chosen.listed

    def why_blame(self) -> str | None:
        if self.app.read_only:
            return "Only a bucket of many sessions can tell who is behind a commit."
        return None if self._session_here() is not None else "Choose a session first; its repository is asked."

    def do_blame(self) -> None:
        from tracetui.tui.trail.blame import BlameScreen

        session = self._session_here()
        if session is not None:
            self.app.push_screen(BlameScreen(session), self._go_behind)

    def do_repositories(self) -> None:
        from tracetui.tui.trail.repositories import RepositoriesScreen

        self.app.push_screen(RepositoriesScreen(), self._tied)

    def _judge_again(self, session: SessionRow | None) -> None:
        """Folders belong elsewhere now."""
        self._listed = set()
        self._stopped = False
        self.app.say("What became of the edits is worked out again.", role="muted")
        self.want_trail(session, again=True)
        self.owner.refresh_step()
        self.list_trails()

    def _tied(self, changed: bool | None) -> None:
        if changed:
            self._judge_again(self._session_here())

    def why_repository(self) -> str | None:
        session = self._session_here()
        if session is None:
            return "There is no session under the cursor."
        return None if session.cwd else "The log of this session names no folder to remember a repository for."

    def do_repository(self) -> None:
        from tracetui.tui.trail.repository import RepositoryScreen

        session = self._session_here()
        if session is None or session.cwd is None:
            return
        known = self.known.get(identity_of(session))
        place = known.answer.get("repo") if known is not None else None

        def named(changed: bool | None) -> None:
            if changed:
                self._judge_again(session)

        self.app.push_screen(RepositoryScreen(session.cwd, place), named)
