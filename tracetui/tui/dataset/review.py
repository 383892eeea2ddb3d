"""The rows of a dataset beside the session that each came from: approve, reject, edit redactions, next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import Screen

from tracetui.model import TracetuiError
from tracetui.tui.actions import bindings
from tracetui.tui.dataset.rows import DatasetRows, around, row_page, session_page, title_of
from tracetui.tui.kit.actor import Actor
from tracetui.tui.kit.background import Background
from tracetui.tui.kit.document import Document, DocumentMaker
from tracetui.tui.kit.footer import Footer
from tracetui.tui.kit.line_list import LineList
from tracetui.tui.kit.pane import PaneTitle
from tracetui.tui.kit.text_view import TextView

if TYPE_CHECKING:
    from tracetui.bucket.store import Bucket
    from tracetui.dataset.store import StoredRow
    from tracetui.tui.kit.host import HostApp

__all__ = ["RowsScreen"]

_Facts = tuple[int, str, str, str, tuple[int, int]]


class RowsScreen(Screen[None], Actor, Background):
    """Above the rows, below the row and its session."""

    CONTEXTS: ClassVar[tuple[str, ...]] = ("rows", "screen")
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("rows", "screen")]
    AUTO_FOCUS = "LineList"
    DEFAULT_CSS = """
    RowsScreen LineList { height: 30%; }
    RowsScreen Horizontal { height: 1fr; }
    RowsScreen Horizontal Vertical { width: 1fr; }
    """
    app: HostApp

    def __init__(self, name: str) -> None:
        super().__init__()
        self.dataset = name
        self.title_line = PaneTitle("1", "Rows")
        self.rows = LineList(id="rows")
        self.row_title = PaneTitle("2", "Row")
        self.row_text = TextView(id="row")
        self.session_title = PaneTitle("3", "Session")
        self.session_text = TextView(id="session")
        self._row: StoredRow | None = None
        self._problem: str | None = None

    def compose(self) -> ComposeResult:
        yield self.title_line
        yield self.rows
        with Horizontal():
            with Vertical():
                yield self.row_title
                yield self.row_text
            with Vertical():
                yield self.session_title
                yield self.session_text
        yield Footer()

    def on_mount(self) -> None:
        self.rows.empty = ("Reading the rows.",)
        self._reload(first=True)

    def on_descendant_focus(self) -> None:
        for line, widget in zip((self.title_line, self.row_title, self.session_title), self._parts):
            line.activate(widget.has_focus)

    @property
    def _parts(self) -> tuple[LineList, TextView, TextView]:
        return self.rows, self.row_text, self.session_text

    # -- what is shown ------------------------------------------------------------------------------------------------

    def _reload(self, *, first: bool = False) -> None:
        name = self.dataset

        def work(bucket: Bucket, cancelled: Callable[[], bool]) -> list[_Facts]:
            from tracetui.dataset.store import DatasetStore

            with DatasetStore(bucket.path) as store:
                return [_facts(row) for row in store.rows(name)]

        self.ask("rows", work, lambda found: self._show(found, first=first))

    def _show(self, found: list[_Facts], *, first: bool = False) -> None:
        self.rows.empty = ("It has no rows. Go back, and make them: x",)
        source = DatasetRows(found)
        at = next((nth for nth, row in enumerate(found) if row[1] in ("new", "changed")), 0) if first else None
        self.rows.reload(source, row=at if found else None, keep=not first)
        self._count()
        self._look()

    def _count(self) -> None:
        source = self.rows.source
        states = Counter(row[1] for row in source.rows) if isinstance(source, DatasetRows) else Counter()
        left = states["new"] + states["changed"]
        counts = ", ".join(
            f"{states[name]:,} {name}" for name in ("approved", "rejected", "changed", "new") if states[name]
        )
        said = counts if left else f"{counts}: all looked at, q goes back" if counts else ""
        self.title_line.show(detail=self.dataset, facts=said)

    def on_line_list_moved(self, message: LineList.Moved) -> None:
        message.stop()
        self._look()

    def on_line_list_opened(self, message: LineList.Opened) -> None:
        message.stop()
        self.set_focus(self.row_text)

    @property
    def current(self) -> int | None:
        """The number of the row under the cursor."""
        source, at = self.rows.source, self.rows.cursor
        return source.rows[at][0] if isinstance(source, DatasetRows) and 0 <= at < len(source) else None

    def _look(self) -> None:
        number = self.current
        self._row = None
        self.app.refresh_offers()
        if number is None:
            self.row_text.show(Document())
            self.session_text.show(Document())
            return
        self.ask("row", lambda bucket, cancelled: _read(bucket, number), self._shown)

    def _shown(self, found: tuple[StoredRow, str | None, Document, Document, str, str] | None) -> None:
        if found is None:
            self._reload()
            return
        self._row, self._problem, page, session, where, title = found
        self.row_title.show(detail=f"{self._row.id}", facts=self._row.state if self._problem is None else "not passed")
        self.row_text.show(page)
        self.session_title.show(detail=title)
        self.session_text.show(session)
        section = session.find_section(where)
        if section is not None:
            self.session_text.go_to(section.start)
        self.app.refresh_offers()

    # -- deciding -----------------------------------------------------------------------------------------------------

    def why_approve(self) -> str | None:
        if self._row is None:
            return "No row is shown."
        return f"It does not pass: {self._problem}. e edits its redactions." if self._problem else None

    def do_approve(self) -> None:
        self._decide(approve=True)

    def why_reject(self) -> str | None:
        return None if self._row is not None else "No row is shown."

    def do_reject(self) -> None:
        self._decide(approve=False)

    def _decide(self, *, approve: bool) -> None:
        row = self._row
        assert row is not None

        def work(bucket: Bucket, cancelled: Callable[[], bool]) -> None:
            from tracetui.dataset.store import DatasetStore

            with DatasetStore(bucket.path) as store:
                store.decide(row.id, row.digest, approve=approve)

        self._mark(row.id, "approved" if approve else "rejected")
        # (Its own group each: what was decided before is not dropped by the next decision.)
        self.ask(f"decide-{row.id}", work, lambda _: None, self._undecided)
        self.do_next()

    def _undecided(self, error: Exception) -> None:
        if not isinstance(error, TracetuiError):
            raise error
        self.app.say(str(error), role="bad")
        self._reload()

    def _mark(self, number: int, state: str) -> None:
        source = self.rows.source
        if isinstance(source, DatasetRows):
            rows = [(row[0], state, *row[2:]) if row[0] == number else row for row in source.rows]
            self.rows.reload(DatasetRows(rows), row=self.rows.cursor, keep=False)
            self._count()

    def why_undo(self) -> str | None:
        return None if self._row is not None else "No row is shown."

    def do_undo(self) -> None:
        row = self._row
        assert row is not None

        def work(bucket: Bucket, cancelled: Callable[[], bool]) -> None:
            from tracetui.dataset.store import DatasetStore

            with DatasetStore(bucket.path) as store:
                store.undecide(row.id)

        self.ask(f"decide-{row.id}", work, lambda _: self._reload())

    def do_next(self) -> None:
        """Go to the next row that waits for a decision; after the last one to the first that does."""
        source, at = self.rows.source, self.rows.cursor
        if not isinstance(source, DatasetRows) or not len(source):
            return
        order = [*range(at + 1, len(source)), *range(at + 1)]
        found = next((nth for nth in order if source.rows[nth][1] in ("new", "changed")), None)
        if found is None:
            self.app.say("Every row is decided about: q, then w writes them or d donates them.", role="good")
            self._look()
        elif found == at:
            self._look()
        else:
            self.rows.reload(source, row=found, keep=False)
            self._look()

    def why_edit(self) -> str | None:
        return None if self._row is not None else "No row is shown."

    def do_edit(self) -> None:
        """Open the redaction editor on the session, and make its rows again when it is left."""
        row = self._row
        assert row is not None
        try:
            session = self.app.bucket.session(row.session, row.harness)
        except TracetuiError as error:
            self.app.say(str(error), role="bad")
            return
        name = self.dataset

        def left(wait: Callable[[], object]) -> None:
            def work(bucket: Bucket, cancelled: Callable[[], bool]) -> None:
                from tracetui.dataset.making import Maker
                from tracetui.dataset.store import DatasetStore
                from tracetui.dataset.workflow import find

                wait()
                with DatasetStore(bucket.path) as store:
                    Maker(bucket, store, find(name, store.files())).run_of(bucket.session(row.session, row.harness))

            self.ask("again", work, lambda _: self._reload())

        steps = (row.source["steps"][0], row.source["steps"][1]) if row.source["agent"] is None else None
        self.app.open_review(session, steps, left)

    def do_switch(self) -> None:
        parts = self._parts
        at = next((nth for nth, widget in enumerate(parts) if widget.has_focus), 0)
        self.set_focus(parts[(at + 1) % len(parts)])

    def do_back(self) -> None:
        self.dismiss(None)


def _facts(row: StoredRow) -> _Facts:
    first, last = row.source["steps"]
    return row.id, row.state, title_of(row), row.session, (first, last)


def _read(bucket: Bucket, number: int) -> tuple[StoredRow, str | None, Document, Document, str, str] | None:
    """A row, what stands against it, its page, and the page of its session."""
    from tracetui.dataset.gate import RowGate
    from tracetui.dataset.store import DatasetStore
    from tracetui.redact.decisions import Decisions

    with DatasetStore(bucket.path) as store:
        row = store.row(number)
    if row is None:
        return None
    with Decisions(bucket.path) as decisions:
        problem = RowGate(bucket, decisions).why(row)
    page = row_page(row, problem)
    try:
        session = bucket.session(row.session, row.harness)
        log = next(
            log
            for log in bucket.logs(session.id, session.harness)
            if log.shown and log.agent == row.source["agent"] and log.part == row.source["part"]
        )
    except (TracetuiError, StopIteration):
        gone = DocumentMaker().add("Its session is no longer in the bucket.", style="muted").make()
        return row, problem, page, gone, "", row.session
    first, last = row.source["steps"]
    steps = list(bucket.steps(log, *around(log.steps, first, last)))
    document, where = session_page(steps, first, last)
    return row, problem, page, document, where, session.title or session.id
