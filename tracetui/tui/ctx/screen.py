"""A context, to be gone through: segments and their texts, where they come from, what changed since another call, what
filled it, and taking it along."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.screen import Screen

from tracetui.ctx.context import Context, context_of, piece_of, segment
from tracetui.ctx.opening import index_of, records_for
from tracetui.model import LogRow, SessionRow, TracetuiError
from tracetui.text import format as fmt
from tracetui.text.safe import one_line
from tracetui.tui.actions import bindings
from tracetui.tui.ctx.comparing import CompareController
from tracetui.tui.ctx.exporting import ExportController
from tracetui.tui.ctx.find import FindSegmentController
from tracetui.tui.ctx.rows import CtxBar, CtxRow, CtxRows
from tracetui.tui.kit.actor import Actor
from tracetui.tui.kit.background import Background
from tracetui.tui.kit.document import Document, DocumentMaker
from tracetui.tui.kit.footer import Footer
from tracetui.tui.kit.line_list import LineList
from tracetui.tui.kit.pane import PaneTitle, Rest
from tracetui.tui.kit.text_view import TextView

if TYPE_CHECKING:
    from tracetui.bucket.store import Bucket
    from tracetui.tui.kit.host import HostApp

__all__ = ["CtxScreen"]


@dataclass(frozen=True, slots=True)
class LoadedContext:
    session: SessionRow
    log: LogRow
    context: Context


class CtxScreen(Screen[int | None], Actor, Background):
    """Gives the step that the user went to, or None. ``base`` is a step of the same log to compare with."""

    CONTEXTS: ClassVar[tuple[str, ...]] = ("ctx", "screen")
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("ctx", "screen")]
    AUTO_FOCUS = None
    DEFAULT_CSS = """
    CtxScreen Horizontal { height: 1fr; }
    CtxScreen #ctx-rows { width: 1fr; }
    CtxScreen #ctx-text { width: 1fr; }
    """
    app: HostApp

    def __init__(self, session: SessionRow, log: int, step: int) -> None:
        super().__init__()
        self.session, self._log, self.step = session, log, step
        self.title_line = PaneTitle("", "Context")
        self.bar = CtxBar()
        self.rows = LineList(id="ctx-rows")
        self.text = TextView(id="ctx-text")
        self.loaded: LoadedContext | None = None
        self.mode = "segments"
        self.left_out: set[int] = set()
        self.finding = FindSegmentController(self)
        self.controllers = (self.finding, CompareController(self), ExportController(self))
        self._rest = Rest(self, self.show_text)

    def compose(self) -> ComposeResult:
        yield self.title_line
        yield self.bar
        with Horizontal():
            yield self.rows
            yield self.text
        yield Footer()

    def on_mount(self) -> None:
        self.title_line.activate(True)
        self.rows.empty = ("Working out what the model saw.",)
        self.text.empty = ("The text of the segment under the cursor.",)
        self.rows.focus()
        self._load()

    def _load(self) -> None:
        session, number, step = self.session, self._log, self.step

        def work(bucket: Bucket, cancelled: Callable[[], bool]) -> LoadedContext:
            log = next((row for row in bucket.logs(session.id, session.harness) if row.id == number), None)
            if log is None:
                raise TracetuiError("This log is no longer in the bucket")
            return LoadedContext(session, log, context_of(index_of(bucket, log, cancelled), step))

        self.ask("load", work, self._show, self._unknown)

    def _unknown(self, error: Exception) -> None:
        if not isinstance(error, TracetuiError):
            raise error
        self.rows.empty = (*(one_line(part, 300) for part in str(error).split("; ")), "Go back: q")
        self.rows.reload(CtxRows([]), keep=False)

    def _show(self, loaded: LoadedContext) -> None:
        self.loaded = loaded
        self.bar.show(loaded.context)
        self.list_segments(first=True)

    # ---- the list ----------------------------------------------------------------------------------------------------

    def say_what(self, what: str) -> None:
        model = self.loaded.context.model if self.loaded is not None else None
        detail = f"step {fmt.count(self.step)}" + (f", {one_line(model, 40)}" if model else "")
        self.title_line.show(detail, what)

    def list_segments(self, *, first: bool = False) -> None:
        """Show the segments, or those that were found."""
        loaded = self.loaded
        if loaded is None:
            return
        self.mode = "segments"
        parts = [
            CtxRow(part, picked=part.n in self.left_out, sign=" " if part.n not in self.left_out else "x")
            for part in loaded.context.segments()
            if self.finding.found is None or part.n in self.finding.found
        ]
        self.rows.empty = (
            "Nothing in this context." if self.finding.found is None else "No segment holds these words.",
        )
        self.rows.reload(CtxRows(parts), keep=not first, row=0 if first and parts else None)
        total = fmt.plural(len(loaded.context), "segment")
        self.say_what(total if self.finding.found is None else f"{fmt.count(len(parts))} of {total}")
        self.app.refresh_offers()
        self.show_text()

    @property
    def row(self) -> CtxRow | None:
        """The row under the cursor."""
        source, at = self.rows.source, self.rows.cursor
        return source.rows[at] if isinstance(source, CtxRows) and 0 <= at < len(source.rows) else None

    def on_line_list_moved(self, message: LineList.Moved) -> None:
        message.stop()
        self._rest.moved()
        self.app.refresh_offers()

    def on_line_list_opened(self, message: LineList.Opened) -> None:
        message.stop()
        self.text.focus()

    def show_text(self) -> None:
        loaded, row = self.loaded, self.row
        if loaded is None or row is None or row.segment is None:
            self.drop("text")
            self.text.show(Document())
            return
        at = row.segment.at

        def work(bucket: Bucket, cancelled: Callable[[], bool]) -> Document:
            index = loaded.context.index
            piece = piece_of(index, at, records_for(bucket, loaded.log, index))
            part = segment(index, at)
            maker = DocumentMaker()
            head = part.category.replace("_", " ") + (f" of step {fmt.count(part.from_step)}" if part.from_step else "")
            maker.heading(f"{head}, {fmt.size(part.bytes)}, about {fmt.tokens(part.tokens)} tokens")
            maker.add(piece.text or ("(sealed in the log)" if piece.hidden else "(empty)"))
            return maker.make()

        self.ask("text", work, self._shown)

    def _shown(self, document: Document) -> None:
        self.text.show(document)
        if self.finding.words:
            self.text.finding.search(self.finding.words)

    # ---- going out ---------------------------------------------------------------------------------------------------

    def do_back(self) -> None:
        if self.text.has_focus:
            self.rows.focus()
        elif self.finding.close():
            pass
        elif self.mode != "segments":
            self.list_segments()
        else:
            self.dismiss(None)

    def why_origin(self) -> str | None:
        row = self.row
        if row is None or row.segment is None:
            return "There is no segment under the cursor."
        return None if row.segment.from_step else "This segment is no step of this log: it was there before, or put in."

    def do_origin(self) -> None:
        row = self.row
        if row is not None and row.segment is not None and row.segment.from_step:
            self.dismiss(row.segment.from_step)
