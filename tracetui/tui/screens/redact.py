"""The redaction editor: what was found, its text, and one key per decision.

This module has the screen's life: opening, jobs of the desk, what is shown when one is done. What the keys do is in
`redaction.deciding`, `redaction.walking`, `redaction.viewing` and `redaction.by_hand`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
from tracetui.tui.redaction.deciding import Deciding
from tracetui.tui.redaction.desk import Desk, Opened, Opener, Ready, Scanned
from tracetui.tui.redaction.info import FindingLine
from tracetui.tui.redaction.layout import Rows
from tracetui.tui.redaction.model import KINDS, Copy, Field, Group, Mark, Outcome, Progress, Snapshot, Target, Unscanned
from tracetui.tui.redaction.page import Page, PageStep, compose
from tracetui.tui.redaction.parts import LARGE, Result
from tracetui.tui.redaction.rows import FindingRows
from tracetui.tui.redaction.veil import shown_names
from tracetui.tui.redaction.viewing import Viewing
from tracetui.tui.redaction.walking import Walking
from tracetui.tui.widgets.footer import Footer
from tracetui.tui.widgets.line_list import LineList
from tracetui.tui.widgets.span_editor import SpanEditor

if TYPE_CHECKING:
    from tracetui.redact.proof import Leak
    from tracetui.tui.app import TracetuiApp

__all__ = ["RedactScreen", "headline"]

_SOON: Final = 0.3
"""Seconds after which a job says that it is being done."""
_NARROW: Final = 76
"""Cells; on a narrower screen the title line says only what blocks."""
_NOTHING: Final = ("Nothing was found.", "Read the text and mark", "by hand: 2, then v.")


def headline(progress: Progress, dot: str = "·", *, short: bool = False) -> str:
    """``17 open · 204 copies · nothing unscanned``; at nothing open it says so. In ``short`` only what blocks."""
    facts = [f"{fmt.count(progress.open)} open" if progress.open else "nothing open"]
    if short:
        return f" {dot} ".join([*facts, f"{fmt.count(progress.unscanned)} unscanned"][: 2 if progress.unscanned else 1])
    if progress.open:
        facts.append(fmt.plural(progress.copies, "copy", "copies"))
    if progress.weak:
        facts.append(f"{fmt.count(progress.weak)} weak")
    facts.append(f"{fmt.count(progress.unscanned)} unscanned" if progress.unscanned else "nothing unscanned")
    return f" {dot} ".join(facts)


class RedactScreen(Screen[None], Walking, Deciding, Viewing, ByHand, Actor):
    """Reviews a session, or its steps first to last; ``target`` is where it opens, the first open value without one.
    ``opener`` opens the review on the desk's thread; without one it is the core's."""

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
        self.snapshot = Snapshot()
        self.group: Group | None = None
        self.copy = 0
        self.gap: Unscanned | None = None
        self.veiled = False
        self.everything = False
        self._title = title_of(session)
        self._weak = False
        self._ready = False
        self._stale = False
        self._apart = self._listing = False
        self._leak: Leak | None = None
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
        self._say_scanned(0, 0)
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
                self.editor.empty = ()
                self.title_line.show(title_of(self.session), "")
                self.rows.refresh()
                self.editor.refresh()
        else:
            raise message.error

    def on_scanned(self, message: Scanned) -> None:
        if not self._ready:
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

        def job(room: Opened) -> tuple[Result, Copy | None, str | None]:
            copy = room.review.find(target) if target is not None else None
            return self._job(room, None, first=True), copy, room.review.left_off()

        self.desk.do(job, self._took_first)

    def _took_first(self, found: tuple[Result, Copy | None, str | None]) -> None:
        result, copy, last = found
        self._ready = self.info.ready = True
        self.editor.empty = ("There is no text here.",)
        self._took(result)
        self._leak = self._target.leak if self._target is not None and copy is not None else None
        if copy is None or not self._go_to_copy(copy):
            # On with what comes after the last decision; what was passed over comes at the end again.
            ordered = self._in_order()
            at = next((nth for nth, group in enumerate(ordered) if group.id == last), 0)
            turn = ordered[at:] + ordered[:at]
            first = next((group for group in turn if group.state == "open" and group.tier <= 2), None)
            first = first or next(iter(ordered), None)
            if first is not None:
                self._choose(first)
        if self._target is not None and copy is None:
            self.app.say("What the seal named is no longer there; the next open value is shown.")
        self.app.refresh_offers()

    # -- jobs ---------------------------------------------------------------------------------------------------------

    def _do(self, job: Callable[[Opened], Result], finish: Callable[[Result], None], *, said: str = "") -> None:
        waiting = self.set_timer(_SOON, lambda: self.app.say(said, role="muted")) if said else None

        def done(result: Result) -> None:
            if waiting is not None:
                waiting.stop()
            finish(result)

        self.desk.do(job, done)

    def _job(
        self,
        room: Opened,
        deed: Callable[[Opened], Outcome | None] | None,
        *,
        copy: Copy | None = None,
        step: tuple[int, str | None] | None = None,
        first: bool = False,
        want: Sequence[Field] | None = None,
    ) -> Result:
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
        snapshot = Snapshot(
            groups, review.progress(), review.unscanned(), review.exclusions(), len(review.rules())
        )  # fmt: skip
        page = self._lay(steps, marks, copy, want, groups)
        rows = None
        fresh = copy is not None or step is not None or want is not None
        if fresh and len(page.shown) > LARGE:
            rows = Rows(page.shown, self.editor.text_width).finish(room.busy)
        return Result(snapshot, marks, steps, page, rows, outcome, copy)

    def _lay(
        self,
        steps: Sequence[PageStep],
        marks: Mapping[Field, Sequence[Mark]],
        copy: Copy | None = None,
        keep: Sequence[Field] | None = None,
        groups: Sequence[Group] | None = None,
    ) -> Page:
        """The page as it is to be shown now; what stands on it stays (``keep``: other fields than those of now)."""
        want = [unit.at for unit in self.editor.page.units] if steps is self._steps else []
        want += keep or ()
        if copy is not None:
            want.append(copy.at)
        look = self.editor.look
        return compose(
            steps,
            marks,
            everything=self.everything,
            want=want,
            hidden=self.veiled,
            ascii_only=look.ascii,
            named=shown_names(self.snapshot.groups if groups is None else groups, look, hidden=self.veiled),
        )

    def _took(self, result: Result, *, cursor: int | None = None) -> None:
        """Show how things stand now; ``cursor`` is where it goes, when not to where it was."""
        self.snapshot = result.snapshot
        self._title = shown_names(self.snapshot.groups, self.editor.look, hidden=False)(title_of(self.session))
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
        source = FindingRows(self.snapshot, weak=self._weak, hidden=self.veiled)
        row = source.row_of(self.group.id) if self.group is not None else -1
        if not len(source):
            self.rows.empty = _NOTHING
        self._listing = self._apart and self.group is None
        self.rows.reload(source, row=row if row >= 0 else None)
        self._listing = False

    # -- where we are -------------------------------------------------------------------------------------------------

    def _in_order(self) -> list[Group]:
        rows = FindingRows(self.snapshot, weak=True)
        return [row.group for row in rows.rows if row.group is not None]

    def _say_where(self) -> None:
        look = self.editor.look
        dot = look.sign("dot")
        # A title is a piece of the session's text, often cut in the middle of a secret.
        name = f"{self.session.harness} {self.session.id[:8]}" if self.veiled else self._title
        if self.steps is not None:
            name += f" {dot} steps {self.steps[0]}-{self.steps[1]}"
        progress = self.snapshot.progress
        decided = progress.accepted + progress.rejected
        if self._ready:
            self.title_line.show(name, headline(progress, dot, short=self.size.width < _NARROW))
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
        self.info.show_gap(self.gap)
        self._say_selected()
        if self._ready and not progress.open and not progress.unscanned:
            said = f"{fmt.count(progress.accepted)} accepted, {fmt.count(progress.rejected)} rejected"
            said = f"Nothing is open {dot} {said}" if self.snapshot.groups else "Nothing was found"
            look_at = "with its marks" if self.editor.plain else "as the reader will see it"
            keys = [("s", "seal it"), ("p", look_at)]
            if progress.weak:
                keys.append(("space", f"{fmt.count(progress.weak)} weak"))
            elif not self.snapshot.groups:
                keys = [("2", "read it, mark by hand"), ("s", "seal it")]
            self.info.done((said, keys))
        else:
            self.info.done(None)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        self.list_title.activate(event.widget is self.rows)
        self.text_title.activate(event.widget is self.editor)
        self.app.refresh_offers()

    def on_resize(self) -> None:
        self._say_where()

    def on_wall_dragged(self, message: Wall.Dragged) -> None:
        self.query_one("#redact-left").styles.width = max(20, min(message.x, self.size.width - 30))

    # -- out ----------------------------------------------------------------------------------------------------------

    def do_back(self) -> None:
        if self.editor.drop_selection():
            self._say_where()
        elif self.editor.plain:
            self.do_preview()
        elif self.editor.has_focus and self.snapshot.groups:
            self.rows.focus(scroll_visible=False)
        elif len(self.app.screen_stack) > 1 and self.app.screen_stack[0] is not self:
            self.dismiss(None)
        else:
            self.app.exit()
