"""The workflows: what each is for, how its rows stand, and what comes next."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import Screen

from tracetui.model import TracetuiError
from tracetui.text import format as fmt
from tracetui.tui.actions import bindings
from tracetui.tui.dataset.giving import GivingController
from tracetui.tui.dataset.rows import WorkflowRow, WorkflowRows
from tracetui.tui.kit.actor import Actor
from tracetui.tui.kit.ask import ask_line
from tracetui.tui.kit.background import Background
from tracetui.tui.kit.document import Document, DocumentMaker
from tracetui.tui.kit.footer import Footer
from tracetui.tui.kit.line_list import LineList
from tracetui.tui.kit.pane import PaneTitle
from tracetui.tui.kit.pick import Pick, PickScreen
from tracetui.tui.kit.text_view import TextView

if TYPE_CHECKING:
    from tracetui.bucket.store import Bucket
    from tracetui.dataset.making import RunSummary
    from tracetui.tui.kit.host import HostApp

__all__ = ["WorkflowsScreen"]


class WorkflowsScreen(Screen[None], Actor, Background):
    """The list of workflows, and the page of the one under the cursor."""

    CONTEXTS: ClassVar[tuple[str, ...]] = ("workflows", "screen")
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("workflows", "screen")]
    AUTO_FOCUS = "LineList"
    CONTROLLERS: ClassVar[tuple[type, ...]] = (GivingController,)
    DEFAULT_CSS = """
    WorkflowsScreen LineList { height: 12; }
    WorkflowsScreen Vertical { height: 1fr; }
    """
    app: HostApp

    def __init__(self) -> None:
        super().__init__()
        self.controllers = (GivingController(self),)
        self.title_line = PaneTitle("", "Datasets")
        self.rows = LineList(id="workflows")
        self.page_title = PaneTitle("", "What it is for")
        self.text = TextView()
        self._work = ""

    def compose(self) -> ComposeResult:
        yield self.title_line
        yield self.rows
        with Vertical():
            yield self.page_title
            yield self.text
        yield Footer()

    def on_mount(self) -> None:
        self.title_line.activate(True)
        self.rows.empty = ("Looking for workflows.",)
        self.refresh_rows()

    def on_screen_resume(self) -> None:
        self.refresh_rows()

    @property
    def current(self) -> WorkflowRow | None:
        """The workflow under the cursor."""
        source = self.rows.source
        at = self.rows.cursor
        return source.rows[at] if isinstance(source, WorkflowRows) and 0 <= at < len(source) else None

    def refresh_rows(self) -> None:
        """Read anew what there is."""
        self.ask("workflows", _load, self._show)

    def _show(self, found: list[WorkflowRow]) -> None:
        self.rows.reload(WorkflowRows(found), keep=True)
        self._page()

    def _page(self) -> None:
        found = self.current
        self.title_line.show(facts=self._work or (found.next if found is not None else ""))
        self.page_title.show(detail=found.name if found is not None else "")
        self.text.show(_document(found) if found is not None else Document())
        self.app.refresh_offers()

    def on_line_list_moved(self, message: LineList.Moved) -> None:
        message.stop()
        self._page()

    def on_line_list_opened(self, message: LineList.Opened) -> None:
        message.stop()
        found = self.current
        if found is None:
            return
        if found.target == "report":
            self._report(found.name)
        elif not sum(found.states.values()):
            self.do_run()
        else:
            self._review(found.name)

    def _review(self, name: str) -> None:
        from tracetui.tui.dataset.review import RowsScreen

        self.app.push_screen(RowsScreen(name), lambda _: self.refresh_rows())

    # -- running ------------------------------------------------------------------------------------------------------

    def why_run(self) -> str | None:
        return "It runs already." if self._work else None if self.current is not None else "There is no workflow."

    def do_run(self) -> None:
        found = self.current
        assert found is not None
        if found.target == "report":
            self._report(found.name)
            return
        picks = [
            Pick("e  accept what is certain", "findings of tier 1 become placeholders", letter="e"),
            Pick("a  accept what is likely too", "tiers 1 and 2; weak findings stay as they are", letter="a"),
            Pick("n  accept nothing", "sessions with open findings give no rows until you decide", letter="n"),
        ]
        text = "What nobody decided about does not leave. Every row is looked at before it is written."

        def picked(nth: int | None) -> None:
            if nth is not None:
                self._run(found.name, (1, 2, None)[nth])

        self.app.push_screen(PickScreen(f"Make the rows of {found.name}", picks, text=text, at=1), picked)

    def _run(self, name: str, tier: int | None) -> None:
        self._at_work("Making rows.")

        def work(bucket: Bucket, cancelled: Callable[[], bool]) -> RunSummary:
            from tracetui.dataset.making import Maker
            from tracetui.dataset.sandboxed import agreed
            from tracetui.dataset.store import DatasetStore
            from tracetui.dataset.workflow import find

            with DatasetStore(bucket.path) as store:
                workflow = find(name, store.files())
                agreed(store, workflow)

                def progress(done: int, total: int) -> None:
                    self.app.call_later(self._at_work, f"{done:,} of {fmt.plural(total, 'session')}")

                return Maker(bucket, store, workflow, tier=tier).run(cancelled=cancelled, progress=progress)

        def made(summary: RunSummary) -> None:
            self._at_work("")
            self.refresh_rows()
            waiting = f"; {fmt.plural(len(summary.waiting), 'session')} not decided" if summary.waiting else ""
            wrong = f"; {fmt.plural(len(summary.problems), 'problem')}" if summary.problems else ""
            said = f"{fmt.plural(summary.rows, 'row')} ({summary.new:,} new){waiting}{wrong}"
            self.app.say(said, role="good" if summary.rows else "warn")

        self.ask("run", work, made, self._failed)

    def _report(self, name: str) -> None:
        self._at_work("Writing the report.")

        def work(bucket: Bucket, cancelled: Callable[[], bool]) -> str:
            from tracetui.dataset.report import report
            from tracetui.dataset.store import DatasetStore
            from tracetui.dataset.workflow import find

            with DatasetStore(bucket.path) as store:
                workflow = find(name, store.files())
            return report(bucket, workflow, cancelled=cancelled)

        def made(text: str) -> None:
            self._at_work("")
            self.page_title.show(detail=f"{name}, as it would be written")
            self.text.show(DocumentMaker().add(text or "Nothing to say.", "markdown").make())

        self.ask("run", work, made, self._failed)

    def _failed(self, error: Exception) -> None:
        self._at_work("")
        if not isinstance(error, TracetuiError):
            raise error
        self.app.say(str(error), role="bad")

    def _at_work(self, text: str) -> None:
        self._work = text
        found = self.current
        self.title_line.show(facts=text or (found.next if found is not None else ""))
        self.app.refresh_offers()

    # -- questions, files ---------------------------------------------------------------------------------------------

    def why_answer(self) -> str | None:
        found = self.current
        return None if found is not None and found.questions else "Nothing is asked of you here."

    def do_answer(self) -> None:
        from tracetui.tui.dataset.answering import answer_questions

        found = self.current
        assert found is not None
        answer_questions(self, found.name, self.refresh_rows)

    def do_add(self) -> None:
        def named(text: str) -> None:
            if not text:
                return

            def work(bucket: Bucket, cancelled: Callable[[], bool]) -> str:
                from tracetui.dataset.store import DatasetStore
                from tracetui.dataset.workflow import load

                path = (Path.cwd() / Path(text).expanduser()).resolve()
                workflow = load(path)
                with DatasetStore(bucket.path) as store:
                    store.add_file(workflow.name, path)
                return workflow.name

            def added(name: str) -> None:
                self.refresh_rows()
                self.app.say(f"{name} is in the list", role="good")

            self.ask("add", work, added)

        ask_line(self.app, "File of a workflow", "", "A Markdown file; its code is shown before it runs.", named)

    def do_back(self) -> None:
        self.dismiss(None)


def _load(bucket: Bucket, cancelled: Callable[[], bool]) -> list[WorkflowRow]:
    from tracetui.dataset.store import DatasetStore
    from tracetui.dataset.workflow import find, shipped

    out: list[WorkflowRow] = []
    with DatasetStore(bucket.path) as store:
        own, known = store.files(), store.known()
        for name in sorted({*shipped(), *own}, key=lambda name: (name not in own, name)):
            try:
                workflow = find(name, own)
            except TracetuiError as error:
                out.append(WorkflowRow(name, str(error), "dataset", store.states(name), 0, None, str(error)))
                continue
            asked = len(store.questions(name))
            out.append(
                WorkflowRow(
                    name, workflow.about, workflow.target, store.states(name), asked, known.get(name), workflow.text
                )
            )
    return out


def _document(row: WorkflowRow) -> Document:
    maker = DocumentMaker()
    counts = ", ".join(f"{count:,} {state}" for state, count in row.states.items() if count)
    maker.add(f"{row.about}\n")
    if counts:
        maker.add(f"{counts}\n")
    maker.add(f"Next: {row.next}\n", style="accent")
    maker.heading("the workflow")
    maker.add(row.page, "markdown")
    return maker.make()
