"""What is under decision, and how that stands on the screen: the common ground of the editor's controllers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from tracetui.model import TracetuiError
from tracetui.redact.values import Field, Group, Mark, Place
from tracetui.tui.kit.pane import Rest
from tracetui.tui.kit.session_labels import title_of
from tracetui.tui.redact.choices import DecisionOutcome, ReviewSnapshot
from tracetui.tui.redact.expectation import Marks
from tracetui.tui.redact.header import say_where
from tracetui.tui.redact.jobs import LARGE, Decision, JobResult, PageRequest, PageStyle, carry_out
from tracetui.tui.redact.masking import shown_names
from tracetui.tui.redact.page import EditorPage, PageStep, Span
from tracetui.tui.redact.rows import FindingRows
from tracetui.tui.redact.worker import OpenReview

if TYPE_CHECKING:
    from tracetui.redact.proof import Leak
    from tracetui.tui.redact.screen import RedactScreen

__all__ = ["LOADING", "READING", "EditorView"]

LOADING: Final = "The session is still being looked through."
READING: Final = "Reading the step."
_SOON: Final = 0.3
"""Seconds after which a job says that it is being done."""
_NOTHING: Final = ("Nothing was found.", "Read the text and mark", "by hand: 2, then v.")

Expectation = Callable[[ReviewSnapshot, Marks], tuple[ReviewSnapshot, Marks]]


class EditorView:
    """The state of the editor's screen. ``group`` is the value under decision and ``nth`` which of its places is shown;
    ``gap`` a text that could not be scanned, ``leak`` what the proof found: with one of them there is no value."""

    def __init__(self, screen: RedactScreen) -> None:
        self.screen = screen
        self.snapshot = ReviewSnapshot()
        self.group: Group | None = None
        self.nth = 0
        self.gap: Place | None = None
        self.leak: Leak | None = None
        self.hidden = False
        """Secrets are not spelled out on the screen."""
        self.everything = False
        """Every field of the records is shown."""
        self.weak = False
        """The weak values are listed."""
        self.ready = False
        self.apart = False
        """A place of no value is shown on purpose: the list does not lead back to the one under its cursor."""
        self.steps: Sequence[PageStep] = ()
        self.title = title_of(screen.session)
        self.reached: dict[str, str] = {}
        """What was said of the places of a value, until something is decided."""
        self._marks: Mapping[Field, Sequence[Mark]] = {}
        self._listing = False
        self._deciding = 0
        self._rest = Rest(screen, self._load_place)

    # -- jobs ---------------------------------------------------------------------------------------------------------

    def style(self) -> PageStyle:
        """How pages are shown now."""
        editor = self.screen.editor
        return PageStyle(self.everything, self.hidden, editor.look, editor.text_width)

    def request(
        self,
        place: Place | None = None,
        step: tuple[int, str | None, int] | None = None,
        want: Sequence[Field] | None = None,
    ) -> PageRequest:
        """The page of a place or step, or the one that is shown; on that stays what stands on it, and ``want``."""
        shown = [unit.at for unit in self.screen.editor.page.units] if place is None and step is None else []
        fresh = place is not None or step is not None or want is not None
        return PageRequest(self.style(), self.steps, [*shown, *(want or ())], place, step, fresh)

    def load(self, request: PageRequest, finish: Callable[[JobResult], None], *, said: str = READING) -> None:
        """Show another page; where it takes long, ``said`` is told meanwhile."""
        self.do(lambda opened: carry_out(opened, None, request), finish, said=said)

    def do(self, job: Callable[[OpenReview], Any], finish: Callable[[Any], None], *, said: str = "") -> None:
        """Do a job by the worker."""
        say = self.screen.app.say
        waiting = self.screen.set_timer(_SOON, lambda: say(said, role="muted")) if said else None

        def done(result: Any) -> None:
            if waiting is not None:
                waiting.stop()
            finish(result)

        self.screen.worker.do(job, done)

    def decide(
        self, decision: Decision, *, expect: Expectation | None = None, go_on: bool = False, follow: bool = False
    ) -> None:
        """Carry out a decision, then show what it changed. What is expected of it is shown at once, so that the next
        key finds the editor where it leads; what it really changed follows. With ``go_on`` go to the next value that is
        open, with ``follow`` to the value that it was about."""
        group = self.group.value if self.group is not None else None
        if expect is not None:
            self._show_expected(*expect(self.snapshot, self._marks))
            if go_on:
                self.go_on()
        self._deciding += 1

        def job(opened: OpenReview) -> JobResult | TracetuiError:
            try:
                return carry_out(opened, decision, self.request())
            except TracetuiError as error:
                return error

        def finish(result: JobResult | TracetuiError) -> None:
            self._deciding -= 1
            if isinstance(result, TracetuiError):
                self.screen.app.say(str(result), role="bad")
                self._settle()  # what was expected did not come
                return
            outcome = result.outcome
            if outcome is not None:
                self.screen.app.say(outcome.said, role="muted" if outcome.done else "warn")
            if self._deciding and expect is not None:
                return  # what was decided since stands on the screen already
            if result.steps is self.steps:
                self.took(result)
            else:
                self._settle()
            if outcome is None:
                return
            if outcome.value is not None and (follow or outcome.value != group) and expect is None:
                self._follow(outcome, group, stay=not follow)

        self.do(job, finish, said="Working out what it changes.")

    def _settle(self) -> None:
        """Show how things really stand, once nothing is being decided any more."""
        if not self._deciding:
            self.load(self.request(), lambda result: self.took(result) if result.steps is self.steps else None, said="")

    def _follow(self, outcome: DecisionOutcome, before: str | None, *, stay: bool) -> None:
        """Go to the value that a decision was about."""
        made = self.snapshot.group(outcome.value)
        if made is not None:
            nth = next((nth for nth, one in enumerate(made.places) if one.id == outcome.place), None)
            again = self.nth if made.value == before and nth is None else nth or 0
            self.choose(made, again, stay=stay)

    # -- what is shown ------------------------------------------------------------------------------------------------

    def took(self, result: JobResult, *, cursor: int | None = None) -> None:
        """Show how things stand now; ``cursor`` is where it goes, when not to where it was."""
        self._marks, self.steps = result.marks, result.steps
        self.screen.editor.show(result.page, rows=result.rows, cursor=cursor)
        self._took_counts(result)
        self.mark_focus(move=False)

    def _took_counts(self, result: JobResult) -> None:
        self.snapshot = result.snapshot
        named = shown_names(self.snapshot.groups, self.screen.editor.look, hidden=False)
        self.title = named(title_of(self.screen.session))
        if result.outcome is not None and result.outcome.done:
            self.reached.clear()
        self._keep_group()

    def _show_expected(self, snapshot: ReviewSnapshot, marks: Marks) -> None:
        self.snapshot, self._marks = snapshot, marks
        self.reached.clear()
        editor = self.screen.editor
        if len(editor.page.shown) <= LARGE:
            want = [unit.at for unit in editor.page.units]
            editor.show(self.style().page(self.steps, marks, want, snapshot.groups))
        self._keep_group()
        self.mark_focus(move=False)

    def _keep_group(self) -> None:
        """The value under decision as it is now, in the list and above the text."""
        self.group = self.snapshot.group(self.group.value if self.group is not None else None)
        if self.group is not None:
            self.nth = min(self.nth, max(0, len(self.group.places) - 1))
        self.list()
        self.say_where()
        self.screen.app.refresh_offers()

    def list(self) -> None:
        """List what was found anew."""
        rows = self.screen.rows
        source = FindingRows(self.snapshot, weak=self.weak, hidden=self.hidden)
        row = source.row_of(self.group.value) if self.group is not None else -1
        if not len(source):
            rows.empty = _NOTHING
        self._listing = self.apart and self.group is None
        rows.reload(source, row=row if row >= 0 else None)
        self._listing = False

    def say_where(self) -> None:
        """Titles and the lines above the text."""
        say_where(self)

    def say_selected(self) -> None:
        """Say what is selected, and what can be done with it."""
        editor = self.screen.editor
        chosen = editor.selection
        if chosen is None:
            self.screen.info.selecting(None)
            return
        found = editor.page.source_range(*chosen, editor.pin)
        count, label = 0, ""
        if found is not None:
            count = found[2] - found[1]
            label = editor.page.units[editor.page.unit_of(found[0])].label
        self.screen.info.selecting((count, label, self.leak.why if self.leak is not None else ""))

    def lay_out_again(self) -> None:
        """Lay the page out again, after the way it is shown changed."""
        if not self.ready:
            return
        self.list()
        editor = self.screen.editor
        if len(editor.page.shown) <= LARGE:
            want = [self.group.places[self.nth].at] if self.group is not None and self.group.places else []
            editor.show(self.style().page(self.steps, self._marks, want, self.snapshot.groups))
            self.mark_focus(move=False)
            return
        cursor = editor.page.run_at(editor.cursor)
        at = editor.page.units[cursor.unit].at if cursor is not None else None
        request = self.request(want=())
        # What is to be hidden must not stand there while a large page is made.
        editor.show(EditorPage(), cursor=0)

        def finish(result: JobResult) -> None:
            place = 0
            if at is not None and cursor is not None:
                unit = result.page.unit_of(at)
                place = max(0, result.page.place_of(unit, cursor.low)) if unit >= 0 else 0
            self.took(result, cursor=place)
            self.mark_focus()

        self.load(request, finish, said="")

    # -- the value under decision -------------------------------------------------------------------------------------

    def in_order(self) -> Sequence[Group]:
        """The values in the order of the list, the folded ones last."""
        rows = FindingRows(self.snapshot, weak=True)
        return [row.group for row in rows.rows if row.group is not None]

    def listed_row_chosen(self) -> None:
        """The cursor of the list moved: show the value's first place, at once when its text is on the page."""
        rows = self.screen.rows
        source = rows.source
        if self._listing or not isinstance(source, FindingRows) or not 0 <= rows.cursor < len(source):
            return
        row = source.rows[rows.cursor]
        self.apart = False
        if row.group is None:
            if row.gap is not None and row.gap != self.gap:
                self.group, self.gap = None, row.gap
                self.say_where()
                self.go_to(row.gap)
                self.screen.app.refresh_offers()
            return
        self.gap = None
        if self.group is None or row.group.value != self.group.value:
            self.group, self.nth = row.group, 0
            self.show_place()

    def choose(self, group: Group, nth: int = 0, *, stay: bool = False) -> None:
        """Make a value the one under decision; with ``stay`` the text is not moved."""
        source = self.screen.rows.source
        self.gap, self.apart = None, False
        self.group, self.nth = group, nth
        if isinstance(source, FindingRows) and source.row_of(group.value) < 0 and group.tier > 2:
            self.weak = True
            self.list()
            source = self.screen.rows.source
        row = source.row_of(group.value) if isinstance(source, FindingRows) else -1
        if row >= 0:
            self.screen.rows.cursor = row
        if stay:
            self.mark_focus(move=False)
            self.say_where()
        else:
            self.show_place()

    def show_place(self) -> None:
        """Bring the place under decision into the middle third, and load its step if need be."""
        self.say_where()
        if not self.mark_focus():
            self._rest.moved()
        self.screen.app.refresh_offers()

    def mark_focus(self, *, move: bool = True) -> bool:
        """Find the place under decision on the page; False when it is not there."""
        group, editor = self.group, self.screen.editor
        if group is None or not group.places:
            editor.decide_on(None)
            return True
        place = group.places[min(self.nth, len(group.places) - 1)]
        page = editor.page
        unit = page.unit_of(place.at)
        start = page.place_of(unit, place.start) if unit >= 0 else -1
        if start < 0:
            editor.decide_on(None)
            return False
        span = page.span_at(start)
        if span is None:
            end = max(start + 1, page.place_of(unit, place.end))
            span = Span(start, end, group.states[min(self.nth, len(group.states) - 1)], group.value, unit)
        editor.decide_on(span, move=move)
        return True

    def _load_place(self) -> None:
        group = self.group
        if group is None or not group.places:
            return
        place = group.places[min(self.nth, len(group.places) - 1)]
        if self.screen.editor.page.unit_of(place.at) >= 0:
            self.mark_focus()
            return

        def finish(result: JobResult) -> None:
            if self.group is not None and result.wanted in self.group.places:
                self.took(replace(result, snapshot=self.snapshot) if self._deciding else result)
                self.mark_focus()

        self.load(self.request(place), finish)

    def go_to(self, place: Place) -> None:
        """Show a place, whether it is one of a value or not."""
        for group in self.snapshot.groups:
            nth = next((nth for nth, one in enumerate(group.places) if one.id and one.id == place.id), None)
            if nth is not None:
                self.choose(group, nth)
                return
        gap = next((one for one in self.snapshot.unscanned if one.at == place.at), None)
        if gap is not None and self.gap != gap:
            self.gap, self.group = gap, None
            source = self.screen.rows.source
            row = source.row_of_gap(gap) if isinstance(source, FindingRows) else -1
            if row >= 0:
                self.screen.rows.cursor = row
        if gap is None:
            self.group, self.apart = None, True

        def finish(result: JobResult) -> None:
            self.took(result)
            editor = self.screen.editor
            unit = editor.page.unit_of(place.at)
            start = editor.page.place_of(unit, place.start) if unit >= 0 else -1
            if start < 0:
                return
            editor.move_to(start)
            editor.scrolling.to_middle(start)
            if place.end > place.start:
                editor.select(start, max(start, editor.page.place_of(unit, place.end) - 1))
                editor.focus(scroll_visible=False)
            self.say_where()

        self.load(self.request(place), finish)

    def go_to_step(self, step: int, agent: str | None, part: int = 1) -> None:
        """Show a step; the place of the value under decision that is there, if one is, else its beginning."""
        group = self.group
        if group is not None:
            here = (
                nth for nth, one in enumerate(group.places) if (one.step, one.agent, one.part) == (step, agent, part)
            )
            nth = next(here, None)
            if nth is not None:
                self.nth = nth
                self.show_place()
                return

        def finish(result: JobResult) -> None:
            self.took(result)
            editor = self.screen.editor
            nth = next((at for at, one in enumerate(editor.page.steps) if one.step == step), 0)
            heads = [head for head in editor.page.heads if head.what == "step"]
            if nth < len(heads):
                editor.move_to(heads[nth].start)
                editor.scrolling.to_middle(heads[nth].start)
            self.say_where()

        self.load(self.request(step=(step, agent, part)), finish)

    # -- what comes next ----------------------------------------------------------------------------------------------

    def go_on(self) -> None:
        """To the next place of the value just decided that is still open, else to the next open value; the text stays
        when there is none."""
        group = self.group
        if group is not None and group.state == "open":
            count = len(group.places)
            turn = ((self.nth + step) % count for step in range(1, count))
            other = next((nth for nth in turn if group.states[nth] == "open"), None)
            if other is not None:
                self.choose(group, other)
                return
        following = self.neighbour(1)
        if following is not None:
            self.choose(following)

    def neighbour(self, direction: int) -> Group | None:
        """The next open value in the order of the list, round the end; weak ones only when no other is open."""
        groups = self.in_order()
        at = next((nth for nth, one in enumerate(groups) if self.group and one.value == self.group.value), -1)
        at = len(groups) if at < 0 and direction < 0 else at
        turn = [groups[(at + direction * step) % len(groups)] for step in range(1, len(groups) + 1)] if groups else []
        still = [one for one in turn if one.state == "open" and (self.group is None or one.value != self.group.value)]
        weak = self.group is not None and self.group.tier > 2 and self.weak
        return next((one for one in still if weak or one.tier <= 2), still[0] if still and self.weak else None)

    # -- why not ------------------------------------------------------------------------------------------------------

    def not_ready(self) -> str | None:
        """Why nothing can be decided or shown yet."""
        return None if self.ready else LOADING

    def no_group(self) -> str | None:
        """Why there is no value to decide about."""
        if not self.ready:
            return LOADING
        return None if self.group is not None else "No value is chosen; the list on the left has them: 1"
