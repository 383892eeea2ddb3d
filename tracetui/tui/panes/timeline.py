"""The steps of one session: one line each, folded, walked through, searched, followed."""

from __future__ import annotations

import dataclasses
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from textual.message import Message
from textual.widget import Widget

from tracetui.model import LogRow, SessionRow, StepRow, TracetuiError
from tracetui.text import format as fmt
from tracetui.tui.actions import bindings
from tracetui.tui.hunk_keys import HunkKeys
from tracetui.tui.panes.base import Pane, Rest
from tracetui.tui.panes.exposed import Exposed
from tracetui.tui.panes.outline import CODES, HOLE, Fold, LogView, Outline, Place
from tracetui.tui.panes.session_rows import identity_of, title_of
from tracetui.tui.panes.step_rows import StepPages, StepRows
from tracetui.tui.widgets.line_list import LineList, ListSource
from tracetui.tui.widgets.query_line import QueryLine
from tracetui.tui.widgets.strip import SessionStrip

if TYPE_CHECKING:
    from tracetui.bucket.store import Bucket
    from tracetui.tui.app import TracetuiApp
    from tracetui.tui.badges import StepBadge

__all__ = ["TimelinePane"]

_MOST_MATCHES = 10_000


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


class TimelinePane(Pane, HunkKeys, Exposed):
    """The steps of the session that was last loaded."""

    NUMBER: ClassVar[str] = "2"
    NAME: ClassVar[str] = "Timeline"
    CONTEXTS: ClassVar[tuple[str, ...]] = ("timeline",)
    BINDINGS = bindings("timeline")

    app: TracetuiApp

    class Rested(Message):
        """The cursor rests on a step of ``session`` (None: on nothing)."""

        def __init__(self, session: SessionRow | None, step: StepRow | None) -> None:
            super().__init__()
            self.session = session
            self.step = step

    class Entered(Rested):
        """The user goes into a step."""

    class Left(Message):
        """The user goes out to the sessions."""

    class Following(Message):
        """Following was turned on or off."""

        def __init__(self, on: bool) -> None:
            super().__init__()
            self.on = on

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.rows = LineList(id="timeline-rows")
        self.rows.empty = ("No session chosen.", "The steps of the session under the cursor stand here: 1")
        self.rows.at_once = self._say_where
        self.strip = SessionStrip()
        self.session: SessionRow | None = None
        self.logs: list[LogRow] = []
        self.fold = Fold()
        self.following = False
        self._pages: StepPages | None = None
        self._rest = Rest(self, self._tell)
        self._seen: dict[str, Place] = {}
        self._wanted: int | None = None
        self._find: QueryLine | None = None
        self._find_text = ""
        self._matches: frozenset[Place] = frozenset()
        self._by_log: dict[int, list[int]] = {}
        self._badges: Mapping[tuple[str | None, int], StepBadge] = {}
        self._exposed: Mapping[tuple[str | None, int], int] = {}
        self._range_from: int | None = None

    def content(self) -> Sequence[Widget]:
        return (self.rows, self.strip)

    @property
    def outline(self) -> Outline | None:
        source = self.rows.source
        return source.outline if isinstance(source, StepRows) else None

    @property
    def pages(self) -> StepPages:
        if self._pages is None:
            self._pages = StepPages(self.app.bucket)
        return self._pages

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
                    self._look_for_open()
                if step is not None:
                    self.go_to(step)
                return
            log = outline.view.log if outline.view.agent is not None else None
        else:
            self._leave()
        self._wanted = step
        self.session = session
        fold = self.fold

        def work(bucket: Bucket, cancelled: Callable[[], bool]) -> _Loaded:
            logs = list(bucket.logs(session.id, session.harness))
            shown = log if log is not None else session.log
            if shown is None:
                shown = next((row.id for row in logs if row.shown and row.agent is None), None)
            if shown is None:
                shown = next((row.id for row in logs if row.shown), None)
            agent = next((row.agent for row in logs if row.id == shown), None)
            view = LogView(-1, b"", b"") if shown is None else view_of(bucket, shown, agent)
            return _Loaded(session, logs, view, Outline(view, fold))

        self.title_line.show(title_of(session))
        self.ask("load", work, self._loaded)

    def _leave(self) -> None:
        """Remember where the cursor is, and forget what belongs to the session that goes."""
        outline = self.outline
        if self.session is not None and outline is not None and self.rows.cursor >= 0:
            self._seen[identity_of(self.session)] = outline.place(self.rows.cursor)
        self.fold = dataclasses.replace(self.fold, open_turns=frozenset(), open_runs=frozenset(), threads={})
        self._matches = frozenset()
        self._by_log = {}
        self._badges = {}
        self._exposed = {}
        self._range_from = None
        self._close_find()
        if self.following:
            self.do_follow()

    def _loaded(self, loaded: _Loaded) -> None:
        grown = self.outline is not None and self.outline.view.log == loaded.view.log
        # Whoever went up to look at something stays there; going back to the end follows on.
        at_end = not self.rows.source or self.rows.cursor >= len(self.rows.source) - 1
        self.session, self.logs = loaded.session, loaded.logs
        self.pages.forget()
        self.rows.empty = (
            "No steps in this session.",
            "Its log holds no prompt, message or tool call.",
        )
        self.strip.show(loaded.view.kinds, loaded.view.failed, loaded.view.tokens, first=loaded.view.first)
        if self.fold.threads or self.fold.open_runs or self.fold.open_turns or self.fold != loaded.outline.fold:
            outline = Outline(loaded.view, self.fold)
        else:
            outline = loaded.outline
        seen = self._seen.get(identity_of(loaded.session)) if not grown else None
        row: int | None = None if grown else 0
        if self._wanted is not None:
            outline = self._opened(outline, self._wanted)
            row = outline.row_of(self._wanted)
            self._wanted = None
        elif self.following and grown and at_end:
            row = len(outline) - 1
        elif seen is not None and seen.log == loaded.view.log:
            row = max(0, outline.row_of(seen.step))
        self._show(outline, row=row, keep=grown)
        self._look_for_open()
        if not grown:
            self.rows.scroll_to(
                y=max(0, self.rows.line_of(max(0, row or 0)) - self.rows.size.height // 3), animate=False
            )

    def _show(self, outline: Outline, *, row: int | None = None, keep: bool = True) -> None:
        cwd = self.session.cwd if self.session is not None else None
        source = StepRows(outline, self.pages, matches=self._matches, cwd=cwd, badge=self.badge, exposed=self.exposed)
        source.range = self.range
        self.rows.reload(source if len(outline) else ListSource(), row=row, keep=keep)
        if not len(outline):
            self.post_message(self.Rested(self.session, None))
        self._say_where()
        self.app.refresh_offers()

    def _refold(self, fold: Fold) -> None:
        """Fold otherwise; the cursor stays on its step or goes to the row that stands for it."""
        outline = self.outline
        if outline is None:
            self.fold = fold
            return
        place = outline.place(self.rows.cursor) if self.rows.cursor >= 0 else None
        held = self.rows.line_of(self.rows.cursor) - self.rows.scroll_offset.y if place else 0
        self.fold = fold
        new = Outline(outline.view, fold)
        row = -1
        if place is not None:
            row = new.row_of(place.step, place.log)
            if row < 0 and place.log != outline.view.log:
                row = new.row_of(self._parent_step(outline, self.rows.cursor))
        self._show(new, row=max(0, row))
        self.rows.scroll_to(y=max(0, self.rows.line_of(max(0, row)) - held), animate=False, force=True)

    @staticmethod
    def _parent_step(outline: Outline, row: int) -> int:
        while row > 0 and outline.depth(row):
            row -= 1
        return outline.number(row)

    def _opened(self, outline: Outline, step: int, log: int | None = None) -> Outline:
        """An outline in which the step has a row of its own."""
        if 1 <= step <= len(outline.view) and (
            not outline.shows(step, log) or outline.run_length(outline.row_of(step, log)) > 1
        ):
            view = outline.view if log is None else next((v for v in outline.views if v.log == log), outline.view)
            kind = view.kinds[step - 1]
            fold = self.fold
            if kind == CODES["thinking"]:
                fold = dataclasses.replace(fold, thinking=True)
            if kind == CODES["event"]:
                fold = dataclasses.replace(fold, events=True)
            if fold.turns and view is outline.view:
                turn = view.kinds.rfind(CODES["prompt"], 0, step)
                if turn < 0:
                    fold = dataclasses.replace(fold, turns=False)
                else:
                    fold = dataclasses.replace(fold, open_turns=fold.open_turns | {Place(view.log, turn + 1)})
            outline = Outline(outline.view, fold)
            row = outline.row_of(step, log)
            if row >= 0 and outline.run_length(row) > 1:
                fold = dataclasses.replace(fold, open_runs=fold.open_runs | {outline.place(row)})
                outline = Outline(outline.view, fold)
            self.fold = fold
        return outline

    def go_to(self, step: int, log: int | None = None) -> None:
        """Put the cursor on a step, unfolding what hides it."""
        outline = self.outline
        if outline is None:
            return
        opened = self._opened(outline, step, log)
        if opened is not outline:
            self._show(opened, row=max(0, opened.row_of(step, log)))
        row = opened.row_of(step, log)
        if row >= 0:
            self.rows.center(row)

    # -- what became of edits -----------------------------------------------------------------------------------------

    def show_badges(self, badges: Mapping[tuple[str | None, int], StepBadge]) -> None:
        """Mark the edits of the session that is shown; keys are (agent, step)."""
        if badges != self._badges:
            self._badges = badges
            self.rows.refresh_rows()

    def badge(self, place: Place) -> StepBadge | None:
        """What became of the edit at a place, as far as it is known."""
        if not self._badges:
            return None
        agent = next((log.agent for log in self.logs if log.id == place.log), None)
        return self._badges.get((agent, place.step))

    # -- what is under the cursor -------------------------------------------------------------------------------------

    @property
    def current(self) -> StepRow | None:
        """The step under the cursor; of a run, its first."""
        source = self.rows.source
        if isinstance(source, StepRows) and 0 <= self.rows.cursor < len(source):
            return source.step(self.rows.cursor)
        return None

    # -- a range of steps ---------------------------------------------------------------------------------------------

    @property
    def range(self) -> tuple[int, int] | None:
        """The steps of the main log from where a range was begun to the cursor, first and last; None without one."""
        outline, begun = self.outline, self._range_from
        if begun is None or outline is None or self.rows.cursor < 0:
            return None
        row = self.rows.cursor
        here = self._parent_step(outline, row) if outline.depth(row) else outline.place(row).step
        last = here + max(1, outline.run_length(row)) - 1 if here >= begun else here
        return min(begun, here), max(begun, last)

    def why_range(self) -> str | None:
        outline = self.outline
        if outline is not None and outline.view.agent is not None:
            return "A range is one of the session's own steps, not of a subagent's."
        return self._none()

    def do_range(self) -> None:
        outline = self.outline
        assert outline is not None
        if self._range_from is not None:
            self._range_from = None
            self.app.say("No range.", role="muted")
        else:
            row = self.rows.cursor
            self._range_from = self._parent_step(outline, row) if outline.depth(row) else outline.place(row).step
            self.app.say("The range goes from here to the cursor; V drops it.", role="muted")
        self._show_range()
        self._say_where()

    def _show_range(self) -> None:
        source = self.rows.source
        if isinstance(source, StepRows) and source.range != self.range:
            source.range = self.range
            self.rows.refresh_rows()

    def _say_where(self) -> None:
        self._show_range()
        outline = self.outline
        if outline is None or self.session is None:
            self.title_line.show(title_of(self.session) if self.session else "", "")
            return
        facts = f"{fmt.count(len(outline.view) - outline.view.first + 1)} steps"
        row = self.rows.cursor
        if 0 <= row < len(outline):
            place = outline.place(row)
            view = outline.view_of(row)
            last = fmt.count(len(view)) if view.first == 1 else f"{fmt.count(view.first)}-{fmt.count(len(view))}"
            facts = f"{fmt.count(place.step)} of {last}"
            if outline.depth(row):
                facts = f"subagent {facts}"
            else:
                self.strip.point(place.step)
        if self._matches:
            facts = f"{fmt.plural(len(self._matches), 'match', 'matches')} · {facts}"
        if (chosen := self.range) is not None:
            facts = f"range {chosen[0]}-{chosen[1]} · {facts}"
        hidden = outline.hidden_events
        if hidden and self.size.width >= 64:
            facts += f" · {fmt.plural(hidden, 'event')} folded"
        name = title_of(self.session)
        if outline.view.agent is not None:
            name = f"{name} · subagent {outline.view.agent}"
        self.title_line.show(name, facts)

    def on_line_list_moved(self, message: LineList.Moved) -> None:
        message.stop()
        self._rest.moved()

    def _tell(self) -> None:
        self.post_message(self.Rested(self.session, self.current))
        self.app.refresh_offers()

    def on_line_list_opened(self, message: LineList.Opened) -> None:
        message.stop()
        outline = self.outline
        if outline is not None and outline.run_length(self.rows.cursor) > 1:
            self.do_fold()
        else:
            self.post_message(self.Entered(self.session, self.current))

    def on_session_strip_clicked(self, message: SessionStrip.Clicked) -> None:
        message.stop()
        self.rows.focus(scroll_visible=False)
        self.go_to(message.step)

    # -- jumping ------------------------------------------------------------------------------------------------------

    def _none(self) -> str | None:
        outline = self.outline
        return "There are no steps here." if outline is None or not len(outline) else None

    def _jump(self, kind: str | None, direction: int) -> None:
        outline = self.outline
        assert outline is not None
        row = self.rows.cursor
        step = outline.next_of(row, CODES[kind] if kind else None, direction)
        if step is None:
            where = "further" if direction > 0 else "earlier"
            self.app.say(f"No {where} {kind or 'error'} in this {'subagent' if outline.depth(row) else 'session'}.")
            return
        self.go_to(step, outline.view_of(row).log)

    why_next_prompt = why_previous_prompt = why_next_error = why_previous_error = _none
    why_next_compaction = why_previous_compaction = why_next_edit = why_previous_edit = why_fold_all = why_find = _none

    def do_next_prompt(self) -> None:
        self._jump("prompt", 1)

    def do_previous_prompt(self) -> None:
        self._jump("prompt", -1)

    def do_next_error(self) -> None:
        self._jump(None, 1)

    def do_previous_error(self) -> None:
        self._jump(None, -1)

    def do_next_edit(self) -> None:
        self._jump("edit", 1)

    def do_previous_edit(self) -> None:
        self._jump("edit", -1)

    def do_next_compaction(self) -> None:
        self._jump("compaction", 1)

    def do_previous_compaction(self) -> None:
        self._jump("compaction", -1)

    def do_out(self) -> None:
        outline = self.outline
        if outline is not None and self.rows.cursor >= 0 and outline.depth(self.rows.cursor):
            depth, row = outline.depth(self.rows.cursor), self.rows.cursor
            while row > 0 and outline.depth(row) >= depth:
                row -= 1
            self.rows.center(row)
        else:
            if outline is not None and outline.view.agent is not None and self.session is not None:
                self.load(self.session, log=self.session.log)
            else:
                self.post_message(self.Left())

    # -- folding ------------------------------------------------------------------------------------------------------

    def _thread_of(self, step: StepRow) -> LogRow | None:
        if step.thread is None:
            return None
        return next((log for log in self.logs if log.agent == step.thread and log.shown), None)

    def why_fold(self) -> str | None:
        step, outline = self.current, self.outline
        if step is None or outline is None:
            return "There is nothing to fold here."
        row = self.rows.cursor
        place = outline.place(row)
        if outline.run_length(row) > 1 or place in self.fold.threads or outline.depth(row):
            return None
        if step.thread is not None:
            return None if self._thread_of(step) else "The log of this subagent is not in the bucket."
        if self._run_head(place) is not None or (self.fold.turns and self._turn(place) is not None):
            return None
        return "There is nothing to fold here."

    def _run_head(self, place: Place) -> Place | None:
        """The unfolded run that a step belongs to."""
        outline = self.outline
        if outline is None or place.log != outline.view.log:
            return None
        kinds, side = outline.view.kinds, outline.view.side
        both = (CODES["read"], CODES["search"])
        at = place.step - 1
        if side and side[at]:
            first = Place(place.log, side.rfind(b"\0", 0, at) + 2)
            if first in self.fold.open_runs:
                return first
        while at >= 0 and kinds[at] in both:
            if Place(place.log, at + 1) in self.fold.open_runs:
                return Place(place.log, at + 1)
            at -= 1
        return None

    def _turn(self, place: Place) -> Place | None:
        outline = self.outline
        if outline is None or place.log != outline.view.log:
            return None
        at = outline.view.kinds.rfind(CODES["prompt"], 0, place.step)
        return Place(place.log, at + 1) if at >= 0 else None

    def do_fold(self) -> None:
        outline, step = self.outline, self.current
        if outline is None or step is None:
            return
        row, fold = self.rows.cursor, self.fold
        place = outline.place(row)
        if outline.run_length(row) > 1:
            self._refold(dataclasses.replace(fold, open_runs=fold.open_runs | {place}))
        elif place in fold.threads:
            self._refold(dataclasses.replace(fold, threads={p: v for p, v in fold.threads.items() if p != place}))
        elif (log := self._thread_of(step)) is not None:
            self.ask(
                "thread",
                lambda bucket, cancelled: view_of(bucket, log.id, log.agent),
                lambda view: self._refold(dataclasses.replace(self.fold, threads={**self.fold.threads, place: view})),
            )
        elif (head := self._run_head(place)) is not None:
            self._refold(dataclasses.replace(fold, open_runs=fold.open_runs - {head}))
        elif outline.depth(row):
            self.do_out()
            self.do_fold()
        elif fold.turns and (turn := self._turn(place)) is not None:
            self._refold(dataclasses.replace(fold, open_turns=fold.open_turns ^ {turn}))

    def do_fold_all(self) -> None:
        self._refold(dataclasses.replace(self.fold, turns=not self.fold.turns, open_turns=frozenset()))
        self.app.say("Prompts only; space unfolds one." if self.fold.turns else "Every step.", role="muted")

    def do_runs(self) -> None:
        self._refold(dataclasses.replace(self.fold, runs=not self.fold.runs, open_runs=frozenset()))

    def do_thinking(self) -> None:
        self._refold(dataclasses.replace(self.fold, thinking=not self.fold.thinking))
        self.app.say(f"Thinking {'shown' if self.fold.thinking else 'folded'}.", role="muted")

    def do_events(self) -> None:
        self._refold(dataclasses.replace(self.fold, events=not self.fold.events))
        self.app.say(f"Events {'shown' if self.fold.events else 'folded'}.", role="muted")

    # -- following ----------------------------------------------------------------------------------------------------

    def why_follow(self) -> str | None:
        if self.session is None:
            return "There is no session to follow."
        if self.app.read_only:
            return "A session that is open read only does not grow."
        if self.session.gone:
            return "The log of this session is gone; it cannot grow."
        return None

    def do_follow(self) -> None:
        self.following = not self.following
        self.post_message(self.Following(self.following))
        if self.following and len(self.rows.source):
            self.rows.do_last()

    # -- finding ------------------------------------------------------------------------------------------------------

    async def do_find(self) -> None:
        if self._find is None:
            self._find = QueryLine(self._find_text, placeholder="find in this session")
            await self.mount(self._find, after=self.title_line)
        self._find.focus_input()

    def _close_find(self) -> None:
        if self._find is not None:
            self._find.remove()
            self._find = None

    def on_query_line_changed(self, message: QueryLine.Changed) -> None:
        message.stop()
        self._search(message.text)

    def on_query_line_submitted(self, message: QueryLine.Submitted) -> None:
        message.stop()
        if not message.text.strip():
            self._forget_matches()
        self.rows.focus(scroll_visible=False)

    def on_query_line_dropped(self, message: QueryLine.Dropped) -> None:
        message.stop()
        self._forget_matches()
        self.rows.focus(scroll_visible=False)

    def _forget_matches(self) -> None:
        self.drop("find")
        self._find_text = ""
        self._close_find()
        self._matched([])

    def _search(self, text: str) -> None:
        session = self.session
        self._find_text = text
        if not text.strip() or session is None:
            self.drop("find")
            self._matched([])
            return

        def work(bucket: Bucket, cancelled: Callable[[], bool]) -> list[Place]:
            from tracetui.bucket.query import parse

            query = dataclasses.replace(parse(text), id=(session.id,))
            hits = bucket.search(query, limit=_MOST_MATCHES, cancelled=cancelled)
            return [
                Place(hit.log, hit.step) for hit in hits if (hit.session, hit.harness) == (session.id, session.harness)
            ]

        def failed(error: Exception) -> None:
            if not isinstance(error, TracetuiError):
                raise error
            self._matched([])
            if self._find is not None:
                self._find.say(str(error), "bad")

        self.ask("find", work, lambda places: self._matched(places, jump=True), failed)

    def _matched(self, places: Sequence[Place], *, jump: bool = False) -> None:
        self._matches = frozenset(places)
        self._by_log = {}
        for place in sorted(self._matches):
            self._by_log.setdefault(place.log, []).append(place.step)
        source = self.rows.source
        if isinstance(source, StepRows):
            source.matches = self._matches
            self.rows.refresh_rows()
        if self._find is not None:
            role = "muted" if places or not self._find_text else "bad"
            self._find.say(fmt.plural(len(self._matches), "match", "matches") if self._find_text else "", role)
        if jump and places:
            self._go_to_match(1, here=True)
        self._say_where()
        self.app.refresh_offers()

    def why_next_match(self) -> str | None:
        return None if self._matches else "Nothing was looked for: /"

    why_previous_match = why_next_match

    def _go_to_match(self, direction: int, *, here: bool = False) -> None:
        outline = self.outline
        if outline is None or self.rows.cursor < 0:
            return
        place = outline.place(self.rows.cursor)
        steps = self._by_log.get(place.log, [])
        if not steps:
            log = outline.view.log
            steps = self._by_log.get(log, [])
            if not steps:
                self.app.say(f"{fmt.plural(len(self._matches), 'match', 'matches')}, all in subagents that are folded.")
                return
            place = Place(log, self._parent_step(outline, self.rows.cursor))
        if direction > 0:
            at = bisect_left(steps, place.step) if here else bisect_right(steps, place.step)
        else:
            at = bisect_left(steps, place.step) - 1
        if not 0 <= at < len(steps):
            at %= len(steps)
            if not here:
                self.app.say("From the start again." if direction > 0 else "From the end again.", role="muted")
        self.go_to(steps[at], place.log)

    def do_next_match(self) -> None:
        self._go_to_match(1)

    def do_previous_match(self) -> None:
        self._go_to_match(-1)
