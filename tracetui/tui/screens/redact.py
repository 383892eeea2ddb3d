"""The redaction editor: what was found, its text, and one key per decision."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import Screen

from tracetui.model import SessionRow, TracetuiError
from tracetui.text import format as fmt
from tracetui.text.safe import one_line
from tracetui.tui.actions import Actor, bindings
from tracetui.tui.panes.base import PaneTitle, Rest, Wall
from tracetui.tui.panes.session_rows import title_of
from tracetui.tui.redaction.by_hand import ByHand
from tracetui.tui.redaction.desk import Desk, Opened, Opener, Ready, Scanned
from tracetui.tui.redaction.info import FindingLine
from tracetui.tui.redaction.layout import Rows
from tracetui.tui.redaction.model import (
    KINDS,
    SCOPES,
    Copy,
    Field,
    Group,
    Mark,
    Outcome,
    Progress,
    Snapshot,
    Unscanned,
)
from tracetui.tui.redaction.page import Page, PageStep, Span, compose
from tracetui.tui.redaction.rows import FindingRows
from tracetui.tui.redaction.walking import LOADING, Walking
from tracetui.tui.widgets.footer import Footer
from tracetui.tui.widgets.line_list import LineList
from tracetui.tui.widgets.span_editor import SpanEditor

if TYPE_CHECKING:
    from tracetui.tui.app import TracetuiApp

__all__ = ["RedactScreen", "headline"]

_LARGE: Final = 192 * 1024
"""Characters from which on a page is laid out by the worker."""
_SLOW: Final = 1024 * 1024
"""Characters on the page from which on a decision is not seen at once."""


@dataclass(slots=True)
class _Result:
    """What a job brings back: how things stand, and the page as it is now."""

    snapshot: Snapshot
    marks: Mapping[Field, Sequence[Mark]]
    steps: Sequence[PageStep]
    page: Page | None = None
    rows: Rows | None = None
    outcome: Outcome | None = None
    wanted: Copy | None = None


def headline(progress: Progress, dot: str = "·") -> str:
    """``17 open · 204 copies · nothing unscanned``; at nothing open it says so."""
    facts = [f"{fmt.count(progress.open)} open" if progress.open else "nothing open"]
    if progress.weak:
        facts.append(f"{fmt.count(progress.weak)} weak")
    facts.append(fmt.plural(progress.copies, "copy", "copies"))
    facts.append(f"{fmt.count(progress.unscanned)} unscanned" if progress.unscanned else "nothing unscanned")
    return f" {dot} ".join(facts)


class RedactScreen(Screen[None], Walking, ByHand, Actor):
    """Reviews a session, or its steps first to last. ``opener`` opens the review on the desk's thread; without one it
    is the core's."""

    CONTEXTS: ClassVar[tuple[str, ...]] = ("redact", "screen")
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("redact", "screen")]
    AUTO_FOCUS = None
    DEFAULT_CSS = """
    RedactScreen #redact-left { width: 34%; min-width: 24; max-width: 56; height: 1fr; }
    RedactScreen #redact-right { width: 1fr; height: 1fr; }
    RedactScreen PaneTitle.-top { dock: top; }
    """

    app: TracetuiApp

    def __init__(
        self, session: SessionRow, steps: tuple[int, int] | None = None, *, opener: Opener | None = None
    ) -> None:
        super().__init__()
        self.session = session
        self.steps = steps
        self._opener = opener
        self.title_line = PaneTitle("", "Redact")
        self.list_title = PaneTitle("1", "Found")
        self.text_title = PaneTitle("2", "Text")
        self.rows = LineList(id="redact-rows")
        self.editor = SpanEditor(id="redact-text")
        self.info = FindingLine()
        self.wall = Wall(id="redact-wall")
        self.snapshot = Snapshot()
        self.group: Group | None = None
        self.copy = 0
        self.gap: Unscanned | None = None
        """The text under decision that could not be scanned; then there is no value."""
        self.veiled = False
        self.everything = False
        self._weak = False
        self._ready = False
        self._steps: Sequence[PageStep] = ()
        self._marks: Mapping[Field, Sequence[Mark]] = {}
        self._rest = Rest(self, self._load_copy)
        self._reached: dict[str, str] = {}
        self._kind = KINDS[0]
        self._query = ""

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
        self.rows.empty = ("Looking through the session.", "What is found stands here.")
        self.editor.empty = ("The text stands here.",)
        self.rows.at_once = self._moved
        self.desk = Desk(self.app.pool, self._opener or self._open_core, self)
        self._say_where()
        self.rows.focus()
        self.desk.open(self._opened)

    def _open_core(self, bucket: Any, cancelled: Callable[[], bool], progressed: Callable[[int, int], None]) -> Any:
        from tracetui.tui.redaction.binding import open_review

        return open_review(bucket, self.session, self.steps, cancelled, progressed)

    def on_unmount(self) -> None:
        self.desk.close()

    def on_ready(self, message: Ready) -> None:
        if message.error is None:
            message.finish(message.result)
        elif isinstance(message.error, TracetuiError):
            self.app.say(str(message.error), role="bad")
            if not self._ready:
                self.rows.empty = ("This session cannot be reviewed.", one_line(str(message.error), 300))
                self.rows.refresh()
        else:
            raise message.error

    def on_scanned(self, message: Scanned) -> None:
        if not self._ready:
            done = f"{fmt.size(message.done)} of {fmt.size(message.total)} looked through"
            self.title_line.show(title_of(self.session), done)

    def _opened(self, whole: bool) -> None:
        if whole:
            self.desk.do(lambda room: self._job(room, None, first=True), self._took_first)

    def _took_first(self, result: _Result) -> None:
        self._ready = True
        self._took(result)
        first = next((group for group in self._in_order() if group.state == "open" and group.tier <= 2), None)
        first = first or next(iter(self._in_order()), None)
        if first is not None:
            self._choose(first)
        elif not result.steps:
            self.rows.empty = ("Nothing was found.", "Read the text and mark by hand: 2, then v.")
            self.rows.refresh()
        self.app.refresh_offers()

    # -- jobs ---------------------------------------------------------------------------------------------------------

    def _job(
        self,
        room: Opened,
        deed: Callable[[Opened], Outcome | None] | None,
        *,
        copy: Copy | None = None,
        step: tuple[int, str | None] | None = None,
        first: bool = False,
        want: Sequence[Field] | None = None,
    ) -> _Result:
        """On the desk's thread: carry out a deed, or load a page, and say how things stand."""
        review = room.review
        outcome = deed(room) if deed is not None else None
        groups = review.groups()
        steps = self._steps
        if first and copy is None and step is None and not groups:
            step = (self.steps[0] if self.steps else 1, None)
        if copy is not None:
            steps = review.page(copy)
        elif step is not None:
            steps = review.page(None, *step)
        marks = {unit.at: review.marks(unit.at, unit.text) for page in steps for unit in page.units}
        snapshot = Snapshot(groups, review.progress(), review.unscanned(), review.exclusions())
        page = self._lay(steps, marks, copy, want)
        rows = None
        fresh = copy is not None or step is not None or want is not None
        if fresh and len(page.shown) > _LARGE:
            rows = Rows(page.shown, self.editor.text_width).finish(room.busy)
        return _Result(snapshot, marks, steps, page, rows, outcome, copy)

    def _lay(
        self,
        steps: Sequence[PageStep],
        marks: Mapping[Field, Sequence[Mark]],
        copy: Copy | None = None,
        keep: Sequence[Field] | None = None,
    ) -> Page:
        """The page as it is to be shown now; what stands on it stays (``keep``: other fields than those of now)."""
        want = [unit.at for unit in self.editor.page.units] if steps is self._steps else []
        want += keep or ()
        if copy is not None:
            want.append(copy.at)
        return compose(
            steps,
            marks,
            everything=self.everything,
            want=want,
            hidden=self.veiled,
            ascii_only=self.editor.look.ascii,
        )

    def _decide(self, deed: Callable[[Opened], Outcome | None], *, go_on: bool = False) -> None:
        """Carry out a decision, then show what it changed; with ``go_on`` go to the next value that is open."""
        group = self.group.id if self.group is not None else None
        if len(self.editor.page.shown) > _SLOW:
            self.app.say("Working out what it changes.", role="muted")

        def finish(result: _Result) -> None:
            self._took(result)
            outcome = result.outcome
            if outcome is None:
                return
            self.app.say(outcome.said, role="muted" if outcome.done else "warn")
            if go_on and outcome.done and self.group is not None and self.group.id == group:
                self._go_on()
            elif outcome.group is not None and outcome.group != group:
                made = next((one for one in result.snapshot.groups if one.id == outcome.group), None)
                if made is not None:
                    self._choose(made, stay=True)

        self.desk.do(lambda room: self._job(room, deed), finish)

    def _took(self, result: _Result, *, cursor: int | None = None) -> None:
        """Show how things stand now; ``cursor`` is where it goes, when not to where it was."""
        self.snapshot = result.snapshot
        self._marks, self._steps = result.marks, result.steps
        if result.page is not None:
            self.editor.show(result.page, rows=result.rows, cursor=cursor)
        kept = self.group.id if self.group is not None else None
        self.group = next((group for group in self.snapshot.groups if group.id == kept), None)
        if self.group is not None:
            self.copy = min(self.copy, max(0, len(self.group.copies) - 1))
        if result.outcome is not None and result.outcome.done:
            self._reached.clear()
        self._list()
        self._mark_focus(move=False)
        self._say_where()
        self.app.refresh_offers()

    def _list(self) -> None:
        source = FindingRows(self.snapshot.groups, self.snapshot.unscanned, weak=self._weak, hidden=self.veiled)
        row = source.row_of(self.group.id) if self.group is not None else -1
        if not len(source):
            self.rows.empty = ("Nothing was found.", "Read the text and mark by hand: 2, then v.")
        self.rows.reload(source, row=row if row >= 0 else None)

    # -- where we are -------------------------------------------------------------------------------------------------

    def _in_order(self) -> list[Group]:
        """The values in the order of the list, the folded ones last."""
        rows = FindingRows(self.snapshot.groups, weak=True)
        return [row.group for row in rows.rows if row.group is not None]

    def _say_where(self) -> None:
        name = title_of(self.session)
        if self.steps is not None:
            name += f" · steps {self.steps[0]}-{self.steps[1]}"
        progress = self.snapshot.progress
        self.title_line.show(name, headline(progress, self.editor.look.sign("dot")) if self._ready else "")
        decided = progress.accepted + progress.rejected
        self.list_title.show("", f"{fmt.count(decided)} of {fmt.count(len(self.snapshot.groups))} decided")
        group = self.group
        where, facts = "", ""
        if group is not None and group.copies:
            copy = group.copies[self.copy]
            where = f"step {copy.step}" if copy.step is not None else f"line {copy.at.line}"
            if copy.at.agent:
                where += f" of subagent {copy.at.agent}"
            facts = f"copy {self.copy + 1} of {fmt.count(len(group.copies))}"
        elif self._steps and (here := self.editor.page.step_at(self.editor.cursor)) is not None and here.step:
            where = f"step {here.step}"
        if self.editor.plain:
            facts = "as the reader will see it"
        self.text_title.show(where, facts)
        self.info.show(group, self.copy, self._reached.get(group.id, "") if group is not None else "")
        if self._ready and not progress.open and not progress.unscanned:
            what = "Nothing is open" if self.snapshot.groups else "Nothing was found"
            dot = self.editor.look.sign("dot")
            self.info.done((
                f"{what} {dot} {fmt.count(progress.accepted)} accepted, {fmt.count(progress.rejected)} rejected",
                f"Seal it: s, or tracetui seal {self._address} -o NAME.capsule.zip",
            ))  # fmt: skip
        else:
            self.info.done(None)

    def why_seal(self) -> str | None:
        if not self._ready:
            return LOADING
        progress = self.snapshot.progress
        if progress.open or progress.unscanned:
            return "Something is open or not scanned; decide about it first."
        return None

    def do_seal(self) -> None:
        from tracetui.tui.capsule.deeds import seal

        seal(self.app, self.session, self.steps)

    @property
    def _address(self) -> str:
        place = self.session.id[:8] if self.session.id.isascii() else self.session.id
        return f"{place}:{self.steps[0]}-{self.steps[1]}" if self.steps is not None else place

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        self.list_title.activate(event.widget is self.rows)
        self.text_title.activate(event.widget is self.editor)
        self.app.refresh_offers()

    def on_wall_dragged(self, message: Wall.Dragged) -> None:
        self.query_one("#redact-left").styles.width = max(20, min(message.x, self.size.width - 30))

    # -- the value under decision -------------------------------------------------------------------------------------

    def _moved(self) -> None:
        """The cursor of the list moved: show the value's first place, at once when its text is on the page."""
        source = self.rows.source
        if not isinstance(source, FindingRows) or not 0 <= self.rows.cursor < len(source):
            return
        row = source.rows[self.rows.cursor]
        group = row.group
        if group is None:
            if row.gap is not None and row.gap != self.gap:
                self.group, self.gap = None, row.gap
                self._say_where()
                if row.gap.step is not None:
                    self._go_to_step(row.gap.step, row.gap.at.agent)
                self.app.refresh_offers()
            return
        self.gap = None
        if self.group is None or group.id != self.group.id:
            self.group, self.copy = group, 0
            self._show_copy()

    def _choose(self, group: Group, *, stay: bool = False) -> None:
        """Make a value the one under decision; with ``stay`` the text is not moved."""
        source = self.rows.source
        assert isinstance(source, FindingRows)
        if source.row_of(group.id) < 0 and group.tier > 2:
            self._weak = True
            self.group, self.copy = group, 0
            self._list()
            source = self.rows.source
            assert isinstance(source, FindingRows)
        self.group = group
        self.copy = 0
        row = source.row_of(group.id)
        if row >= 0:
            self.rows.cursor = row
        if stay:
            self._mark_focus(move=False)
            self._say_where()
        else:
            self._show_copy()

    def _show_copy(self) -> None:
        """Bring the copy under decision into the middle third, and load its step if need be."""
        self._say_where()
        if not self._mark_focus():
            self._rest.moved()
        self.app.refresh_offers()

    def _mark_focus(self, *, move: bool = True) -> bool:
        """Find the copy on the page; False when it is not there."""
        group = self.group
        if group is None or not group.copies:
            self.editor.decide_on(None)
            return True
        copy = group.copies[min(self.copy, len(group.copies) - 1)]
        page = self.editor.page
        unit = page.unit_of(copy.at)
        if unit < 0:
            self.editor.decide_on(None)
            return False
        place = page.place_of(unit, copy.start)
        if place < 0:
            self.editor.decide_on(None)
            return False
        span = page.span_at(place)
        if span is None:
            end = max(place + 1, page.place_of(unit, copy.end))
            span = Span(place, end, copy.state, group.id, unit)
        self.editor.decide_on(span, move=move)
        return True

    def _load_copy(self) -> None:
        group = self.group
        if group is None or not group.copies:
            return
        copy = group.copies[min(self.copy, len(group.copies) - 1)]
        if self.editor.page.unit_of(copy.at) >= 0:
            self._mark_focus()
            return

        def finish(result: _Result) -> None:
            if self.group is not None and result.wanted in self.group.copies:
                self._took(result)
                self._mark_focus()

        self.desk.do(lambda room: self._job(room, None, copy=copy), finish)

    def on_line_list_moved(self, message: LineList.Moved) -> None:
        message.stop()

    def on_line_list_opened(self, message: LineList.Opened) -> None:
        message.stop()
        source = self.rows.source
        if isinstance(source, FindingRows) and source.rows[message.row].kind == "fold":
            self.do_fold()
        else:
            self.editor.focus(scroll_visible=False)
            self._mark_focus()

    def on_span_editor_moved(self, message: SpanEditor.Moved) -> None:
        """The cursor of the text came onto another value: it is the one under decision now."""
        message.stop()
        span = self.editor.page.span_at(message.offset)
        if span is None or self.editor.pin is not None:
            return
        at = self.editor.page.units[span.unit].at
        run = self.editor.page.run_at(span.start)
        group = next((one for one in self.snapshot.groups if one.id == span.group), None)
        if group is None or run is None:
            return
        copy = next(
            (nth for nth, one in enumerate(group.copies) if one.at == at and run.low <= one.start < run.high), None
        )
        if self.group is not None and group.id == self.group.id and copy in (None, self.copy):
            return
        self.group, self.copy = group, copy or 0
        source = self.rows.source
        if isinstance(source, FindingRows) and (row := source.row_of(group.id)) >= 0:
            self.rows.cursor = row
        self.editor.decide_on(span, move=False)
        self._say_where()
        self.app.refresh_offers()

    def on_span_editor_narrow(self, message: SpanEditor.Narrow) -> None:
        message.stop()
        page, width = self.editor.page, self.editor.text_width

        def finish(rows: Rows) -> None:
            if page is self.editor.page:
                self.editor.laid_out_again(rows)

        self.desk.do(lambda room: Rows(page.shown, width).finish(room.busy), finish)

    # -- decisions ----------------------------------------------------------------------------------------------------

    def _no_group(self) -> str | None:
        if not self._ready:
            return LOADING
        return None if self.group is not None else "No value is chosen; the list on the left has them: 1"

    def why_accept(self) -> str | None:
        if self._no_group():
            return self._no_group()
        assert self.group is not None
        return "This value is accepted already; u takes it back." if self.group.state == "accepted" else None

    def do_accept(self) -> None:
        assert self.group is not None
        group = self.group.id
        self._decide(lambda room: room.review.accept(group), go_on=True)

    why_places = _no_group

    def why_reject(self) -> str | None:
        return None if self._ready and self.gap is not None else self._no_group()

    def _leave(self, gap: Unscanned) -> None:
        """What no detector could look at passes when the user says so."""
        from tracetui.tui.screens.choose import ConfirmScreen

        def chosen(index: int | None) -> None:
            if index == 1:
                self.gap = None
                self._decide(lambda room: room.review.leave(gap))

        text = f"Nobody looked through this text ({one_line(gap.why, 200)}). x leaves the step out instead."
        self.app.push_screen(ConfirmScreen("Let it pass unscanned", text, yes="I read it, let it pass"), chosen)

    def do_reject(self) -> None:
        from tracetui.tui.screens.menu import Choice, MenuScreen

        if self.gap is not None:
            self._leave(self.gap)
            return
        assert self.group is not None
        group = self.group
        copy = group.copies[self.copy] if group.copies else None
        if group.by_hand:
            self._decide(lambda room: room.review.reject(group.id, copy.id if copy else "", "all"))
            return
        assert copy is not None
        hints = {
            "place": f"copy {self.copy + 1} of {fmt.count(len(group.copies))}",
            "path": copy.at.pointer or "the whole text",
            "name": group.why,
            "kind": group.kind,
            "all": fmt.plural(len(group.copies), "place"),
        }
        scopes = list(SCOPES)

        def chosen(index: int | None) -> None:
            if index is not None:
                scope = scopes[index]
                self._decide(lambda room: room.review.reject(group.id, copy.id, scope), go_on=True)

        choices = [Choice(*SCOPES[scope], one_line(hints[scope], 60)) for scope in scopes]
        self.app.push_screen(MenuScreen("Leave as it is", choices, at=len(scopes) - 1), chosen)

    def _go_on(self) -> None:
        """To the next place of the value just decided that is still open, else to the next open value; the text stays
        when there is none."""
        group = self.group
        if group is not None and group.state == "open":
            count = len(group.copies)
            turn = ((self.copy + step) % count for step in range(1, count))
            other = next((nth for nth in turn if group.copies[nth].state == "open"), None)
            if other is not None:
                self.copy = other
                self._show_copy()
                return
        following = self._neighbour(1)
        if following is not None:
            self._choose(following)

    def _neighbour(self, direction: int) -> Group | None:
        """The next open value in the order of the list, round the end; weak ones only when no other is open."""
        groups = self._in_order()
        at = next((nth for nth, one in enumerate(groups) if self.group and one.id == self.group.id), -1)
        turn = [groups[(at + direction * step) % len(groups)] for step in range(1, len(groups) + 1)] if groups else []
        still = [one for one in turn if one.state == "open" and (self.group is None or one.id != self.group.id)]
        weak = self.group is not None and self.group.tier > 2 and self._weak
        return next((one for one in still if weak or one.tier <= 2), still[0] if still and self._weak else None)

    def _no_other(self) -> str | None:
        if not self._ready:
            return LOADING
        return None if self._neighbour(1) is not None else "No other value is open."

    why_next = why_previous = _no_other

    def do_next(self) -> None:
        self._step_over(1)

    def do_previous(self) -> None:
        self._step_over(-1)

    def _step_over(self, direction: int) -> None:
        group = self._neighbour(direction)
        assert group is not None
        self.editor.drop_selection()
        self._choose(group)

    def _not_ready(self) -> str | None:
        return None if self._ready else LOADING

    why_undo = why_redo = why_preview = why_exclude = why_rules = why_fields = _not_ready

    def do_undo(self) -> None:
        self._decide(lambda room: room.review.undo() or Outcome("There is nothing to undo.", None, False))

    def do_redo(self) -> None:
        self._decide(lambda room: room.review.redo() or Outcome("There is nothing to bring back.", None, False))

    def why_accept_exact(self) -> str | None:
        if not self._ready:
            return LOADING
        return None if self._exact() else "No value of tier 1 is open."

    def _exact(self) -> list[Group]:
        return [group for group in self.snapshot.groups if group.tier == 1 and group.state == "open"]

    def do_accept_exact(self) -> None:
        from tracetui.tui.screens.choose import ConfirmScreen

        groups = self._exact()
        kinds = ", ".join(sorted({one_line(group.kind, 30) for group in groups}))
        copies = fmt.plural(sum(len(group.copies) for group in groups), "place")
        text = (
            f"{fmt.plural(len(groups), 'value')} in {copies}: {one_line(kinds, 200)}. u takes all of it back at once."
        )

        def chosen(index: int | None) -> None:
            if index == 1:
                self._decide(lambda room: room.review.accept_tier(1))

        self.app.push_screen(ConfirmScreen("Accept every exact value", text, yes="Accept them"), chosen)

    # -- how it is shown ----------------------------------------------------------------------------------------------

    def do_preview(self) -> None:
        self.editor.show_plain(not self.editor.plain)
        self._say_where()
        self.app.refresh_offers()

    def do_hide(self) -> None:
        self.veiled = not self.veiled
        self.app.say("Secrets are hidden on this screen." if self.veiled else "Secrets are shown.", role="muted")
        self._again()

    def do_fields(self) -> None:
        self.everything = not self.everything
        self.app.say("Every field." if self.everything else "What the records are about.", role="muted")
        self._again()

    def _again(self) -> None:
        """Lay the page out again, after the way it is shown changed."""
        if not self._ready:
            return
        self._list()
        if len(self.editor.page.shown) <= _LARGE:
            self.editor.show(self._lay(self._steps, self._marks))
            self._mark_focus(move=False)
            return
        cursor = self.editor.page.run_at(self.editor.cursor)
        at = self.editor.page.units[cursor.unit].at if cursor is not None else None
        # What is to be hidden must not stand there while a large page is made.
        old = self.editor.page
        self.editor.show(Page(), cursor=0)

        def finish(result: _Result) -> None:
            place = 0
            if at is not None and cursor is not None and result.page is not None:
                unit = result.page.unit_of(at)
                place = max(0, result.page.place_of(unit, cursor.low)) if unit >= 0 else 0
            self._took(result, cursor=place)
            self._mark_focus()

        want = [unit.at for unit in old.units]
        self.desk.do(lambda room: self._job(room, None, want=want), finish)

    def why_fold(self) -> str | None:
        return None if any(group.tier > 2 for group in self.snapshot.groups) else "There are no weak findings."

    def do_fold(self) -> None:
        self._weak = not self._weak
        self._list()

    def do_switch(self) -> None:
        (self.rows if self.editor.has_focus else self.editor).focus(scroll_visible=False)

    def do_list(self) -> None:
        self.rows.focus(scroll_visible=False)

    def do_text(self) -> None:
        self.editor.focus(scroll_visible=False)

    # -- out ----------------------------------------------------------------------------------------------------------

    def do_back(self) -> None:
        if self.editor.drop_selection():
            return
        if self.editor.plain:
            self.do_preview()
        elif self.editor.has_focus and self.snapshot.groups:
            self.rows.focus(scroll_visible=False)
        elif len(self.app.screen_stack) > 1 and self.app.screen_stack[0] is not self:
            self.dismiss(None)
        else:
            self.app.exit()
