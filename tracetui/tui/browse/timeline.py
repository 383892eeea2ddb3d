"""The steps of one session: one line each. What the keys do with them is in the controllers."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from textual.message import Message
from textual.widget import Widget

from tracetui.model import LogRow, SessionRow, StepRow
from tracetui.text import format as fmt
from tracetui.tui.actions import bindings
from tracetui.tui.browse.folding import FoldController, unfolded
from tracetui.tui.browse.matching import MatchController
from tracetui.tui.browse.navigation import FollowController, PartController, RangeController, WalkController
from tracetui.tui.browse.outline import CODES, HOLE, Fold, LogView, Outline, StepPlace
from tracetui.tui.browse.step_rows import StepPages, StepRows
from tracetui.tui.kit.actor import Controller
from tracetui.tui.kit.line_list import LineList, ListSource
from tracetui.tui.kit.messages import FindingsChanged, StepEntered, StepRested
from tracetui.tui.kit.pane import Pane, Rest
from tracetui.tui.kit.session_labels import identity_of, title_of
from tracetui.tui.kit.strip import SessionStrip

if TYPE_CHECKING:
    from tracetui.bucket.store import Bucket
    from tracetui.tui.kit.badges import StepBadge
    from tracetui.tui.kit.host import HostApp, StepKey

__all__ = ["TimelinePane"]


class _Loaded(NamedTuple):
    session: SessionRow
    logs: list[LogRow]
    view: LogView
    outline: Outline


def view_of(bucket: Bucket, log: int, agent: str | None = None) -> LogView:
    """The arrays of a log, as the outline takes them."""
    overview = bucket.overview(log)
    kinds, failed, tokens = bytes(overview.kinds), bytes(overview.failed), overview.prompt_tokens
    numbers = overview.numbers
    # All of a subagent's own log is of a subagent; only within its session's log is that worth folding.
    if overview.double:
        # What another part of the session tells stands there.
        kinds = bytes(HOLE if double else kind for kind, double in zip(kinds, overview.double))
    side = bytes(overview.side) if agent is None and 0 in overview.side else b""
    if len(numbers) and numbers[-1] != len(numbers):
        # A range out of a capsule, or an index with holes (it is being written): step n must stand at n - 1.
        first, last = bucket.first_step(log), numbers[-1]
        full, wrong, size = bytearray([CODES["event"]]) * last, bytearray(last), [0] * last
        full[: first - 1] = bytes([HOLE]) * (first - 1)
        for number, kind, fails, count in zip(numbers, kinds, failed, tokens):
            full[number - 1], wrong[number - 1], size[number - 1] = kind, fails, count
        places = bytearray(last if side else 0)
        for number, here in zip(numbers, side):
            places[number - 1] = here
        return LogView(log, bytes(full), bytes(wrong), size, agent, first, bytes(places))
    return LogView(log, kinds, failed, tokens, agent, side=side)


class TimelinePane(Pane):
    """The steps of the session that was last loaded. ``features`` are controllers of other features."""

    NUMBER: ClassVar[str] = "2"
    NAME: ClassVar[str] = "Timeline"
    CONTEXTS: ClassVar[tuple[str, ...]] = ("timeline",)
    BINDINGS = bindings("timeline")

    app: HostApp

    class Left(Message):
        """The user goes out to the sessions."""

    class Following(Message):
        """Following was turned on or off."""

        def __init__(self, on: bool) -> None:
            super().__init__()
            self.on = on

    def __init__(
        self,
        features: Sequence[Callable[[Any], Controller[Any]]] = (),
        *,
        id: str | None = None,  # noqa: A002
    ) -> None:
        super().__init__(id=id)
        self.rows = LineList(id="timeline-rows")
        self.rows.empty = ("No session chosen.", "The steps of the session under the cursor stand here: 1")
        self.rows.at_once = self.say_where
        self.strip = SessionStrip()
        self.session: SessionRow | None = None
        self.logs: list[LogRow] = []
        self.fold = Fold()
        self.follow = FollowController(self)
        self.chosen = RangeController(self)
        self.matching = MatchController(self)
        self.parts = PartController(self)
        self.controllers = (
            self.follow,
            self.chosen,
            self.matching,
            self.parts,
            WalkController(self),
            FoldController(self),
            *(make(self) for make in features),
        )
        self._rest = Rest(self, self._tell)
        self._seen: dict[str, StepPlace] = {}
        self._wanted: int | None = None
        self._badges: Mapping[StepKey, StepBadge] = {}
        self._open: Mapping[StepKey, int] = {}

    def content(self) -> Sequence[Widget]:
        return (self.rows, self.strip)

    @property
    def outline(self) -> Outline | None:
        source = self.rows.source
        return source.outline if isinstance(source, StepRows) else None

    @cached_property
    def pages(self) -> StepPages:
        return StepPages(self.app.bucket)

    def why_empty(self) -> str | None:
        """The reason to give where there are no steps."""
        outline = self.outline
        return "There are no steps here." if outline is None or not len(outline) else None

    # -- loading ------------------------------------------------------------------------------------------------------

    def load(self, session: SessionRow, *, step: int | None = None, log: int | None = None) -> None:
        """Show the steps of a session, the cursor on ``step`` (of the subagent's ``log``, if given) or where it was
        left last time. A session that is already shown is only read again when it grew."""
        again = self.session is not None and identity_of(self.session) == identity_of(session)
        outline = self.outline
        if again and outline is not None and log in (None, outline.view.log) and self.session is not None:
            if self.session.steps == session.steps:
                decided = self.session.findings != session.findings
                self.session = session
                if decided:
                    self.post_message(FindingsChanged())
                if step is not None:
                    self.go_to(step)
                return
            log = outline.view.log if outline.view.log != session.log else None
        else:
            self._leave()
        self._wanted = step
        self.session = session
        fold = self.fold
        self.title_line.show(title_of(session))
        self.ask("load", lambda bucket, _: _read(bucket, session, log, fold), self._loaded)

    def _leave(self) -> None:
        """Remember where the cursor is, and forget what belongs to the session that goes."""
        outline = self.outline
        if self.session is not None and outline is not None and self.rows.cursor >= 0:
            self._seen[identity_of(self.session)] = outline.place(self.rows.cursor)
        self.fold = dataclasses.replace(self.fold, open_turns=frozenset(), open_runs=frozenset(), threads={}, only=None)
        self._badges, self._open = {}, {}
        self.chosen.begun = None
        self.matching.leave()
        if self.follow.on:
            self.follow.do_follow()

    def _loaded(self, loaded: _Loaded) -> None:
        grown = self.outline is not None and self.outline.view.log == loaded.view.log
        # Whoever went up to look at something stays there; going back to the end follows on.
        at_end = not self.rows.source or self.rows.cursor >= len(self.rows.source) - 1
        self.session, self.logs = loaded.session, loaded.logs
        self.pages.forget()
        self.rows.empty = ("No steps in this session.", "Its log holds no prompt, message or tool call.")
        self.strip.show(loaded.view.kinds, loaded.view.failed, loaded.view.tokens, first=loaded.view.first)
        if self.fold.threads or self.fold.open_runs or self.fold.open_turns or self.fold != loaded.outline.fold:
            outline = Outline(loaded.view, self.fold)
        else:
            outline = loaded.outline
        seen = self._seen.get(identity_of(loaded.session)) if not grown else None
        row: int | None = None if grown else 0
        if self._wanted is not None:
            outline, self.fold = unfolded(outline, self.fold, self._wanted)
            row = outline.row_of(self._wanted)
            self._wanted = None
        elif self.follow.on and grown and at_end:
            row = len(outline) - 1
        elif seen is not None and seen.log == loaded.view.log:
            row = max(0, outline.row_of(seen.step))
        self._show(outline, row=row, keep=grown)
        self.post_message(FindingsChanged())
        if grown:
            self.matching.again()
        else:
            line = self.rows.line_of(max(0, row or 0))
            self.rows.scroll_to(y=max(0, line - self.rows.size.height // 3), animate=False)

    def _show(self, outline: Outline, *, row: int | None = None, keep: bool = True) -> None:
        cwd = self.session.cwd if self.session is not None else None
        source = StepRows(
            outline, self.pages, matches=self.matching.places, cwd=cwd, badge=self.badge, exposed=self._open_at
        )
        source.range = self.range
        self.rows.reload(source if len(outline) else ListSource(), row=row, keep=keep)
        if not len(outline):
            self.post_message(StepRested(self.session, None))
        self.say_where()
        self.app.refresh_offers()

    def refold(self, fold: Fold) -> None:
        """Fold otherwise; the cursor stays on its step or goes to the row that stands for it."""
        outline = self.outline
        self.fold = fold
        if outline is None:
            return
        place = outline.place(self.rows.cursor) if self.rows.cursor >= 0 else None
        held = self.rows.line_of(self.rows.cursor) - self.rows.scroll_offset.y if place else 0
        new = Outline(outline.view, fold)
        row = -1
        if place is not None:
            row = new.row_of(place.step, place.log)
            if row < 0 and place.log != outline.view.log:
                row = new.row_of(outline.parent_step(self.rows.cursor))
        self._show(new, row=max(0, row))
        self.rows.scroll_to(y=max(0, self.rows.line_of(max(0, row)) - held), animate=False, force=True)

    def go_to(self, step: int, log: int | None = None) -> None:
        """Put the cursor on a step, unfolding what hides it."""
        outline = self.outline
        if outline is None:
            return
        opened, self.fold = unfolded(outline, self.fold, step, log)
        if opened is not outline:
            self._show(opened, row=max(0, opened.row_of(step, log)))
        row = opened.row_of(step, log)
        if row >= 0:
            self.rows.center(row)

    # -- what is shown of a step --------------------------------------------------------------------------------------

    def agent_of(self, log: int) -> str | None:
        """The thread of a log: None for the session's own, a subagent, or another part (``LogRow.thread``)."""
        return next((row.thread for row in self.logs if row.id == log), None)

    def show_badges(self, badges: Mapping[StepKey, StepBadge]) -> None:
        """Mark the edits of the session that is shown."""
        if badges != self._badges:
            self._badges = badges
            self.rows.refresh_rows()

    def badge(self, place: StepPlace) -> StepBadge | None:
        """What became of the edit at a place, as far as it is known."""
        return self._badges.get((self.agent_of(place.log), place.step)) if self._badges else None

    @property
    def badge_here(self) -> StepBadge | None:
        """That of the step under the cursor."""
        outline = self.outline
        return None if self.current is None or outline is None else self.badge(outline.place(self.rows.cursor))

    def show_open(self, found: Mapping[StepKey, int]) -> None:
        """How many findings of which steps nobody decided about."""
        if found != self._open:
            self._open = found
            self.rows.refresh_rows()

    def _open_at(self, place: StepPlace) -> int:
        return self._open.get((self.agent_of(place.log), place.step), 0) if self._open else 0

    # -- where the cursor is ------------------------------------------------------------------------------------------

    @property
    def current(self) -> StepRow | None:
        """The step under the cursor; of a run, its first."""
        source = self.rows.source
        if isinstance(source, StepRows) and 0 <= self.rows.cursor < len(source):
            return source.step(self.rows.cursor)
        return None

    @property
    def range(self) -> tuple[int, int] | None:
        """The steps of the range that was begun, first and last; None without one."""
        return self.chosen.steps

    def say_where(self) -> None:
        """Bring title, strip and range up to date with the cursor."""
        source, session, chosen = self.rows.source, self.session, self.range
        if isinstance(source, StepRows) and source.range != chosen:
            source.range = chosen
            self.rows.refresh_rows()
        outline, row = self.outline, self.rows.cursor
        if outline is None or session is None:
            self.title_line.show(title_of(session) if session else "", "")
            return
        if 0 <= row < len(outline) and not outline.depth(row):
            self.strip.point(outline.number(row))
        facts = [_where(outline, row)]
        if self.matching.places:
            facts.insert(0, fmt.plural(len(self.matching.places), "match", "matches"))
        if chosen is not None:
            facts.insert(0, f"range {chosen[0]}-{chosen[1]}")
        if outline.hidden_events and self.size.width >= 64:
            facts.append(f"{fmt.plural(outline.hidden_events, 'event')} folded")
        agent = outline.view.agent
        name = title_of(session) if agent is None else f"{title_of(session)} · subagent {agent}"
        if (part := self.parts.where) is not None:
            name = f"{part} · {name}"
        self.title_line.show(name, " · ".join(facts))

    def on_line_list_moved(self, message: LineList.Moved) -> None:
        message.stop()
        self._rest.moved()

    def _tell(self) -> None:
        self.post_message(StepRested(self.session, self.current))
        self.app.refresh_offers()

    def on_line_list_opened(self, message: LineList.Opened) -> None:
        message.stop()
        outline = self.outline
        if outline is not None and outline.run_length(self.rows.cursor) > 1:
            self.controller(FoldController).do_fold()
        else:
            self.post_message(StepEntered(self.session, self.current))


def _read(bucket: Bucket, session: SessionRow, log: int | None, fold: Fold) -> _Loaded:
    """The rows of a log of a session; without one of the session's own, or of the first that is shown."""
    logs = list(bucket.logs(session.id, session.harness))
    shown = log if log is not None else session.log
    if shown is None:
        shown = next((row.id for row in logs if row.shown and row.agent is None), None)
    if shown is None:
        shown = next((row.id for row in logs if row.shown), None)
    agent = next((row.agent for row in logs if row.id == shown), None)
    view = LogView(-1, b"", b"") if shown is None else view_of(bucket, shown, agent)
    return _Loaded(session, logs, view, Outline(view, fold))


def _where(outline: Outline, row: int) -> str:
    """``12 of 1,204``: where the cursor is in its log."""
    if not 0 <= row < len(outline):
        return f"{fmt.count(len(outline.view) - outline.view.first + 1)} steps"
    view = outline.view_of(row)
    last = fmt.count(len(view)) if view.first == 1 else f"{fmt.count(view.first)}-{fmt.count(len(view))}"
    facts = f"{fmt.count(outline.number(row))} of {last}"
    return f"subagent {facts}" if outline.depth(row) else facts
