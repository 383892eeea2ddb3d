"""A context, to be gone through: segments and their texts, where they come from, what changed since another call, what
filled it, and taking it along."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.screen import Screen

from tracetui.ctx.context import Context, context_of, gone, piece_of, segment
from tracetui.ctx.filled import Filled, Share, filled
from tracetui.ctx.opening import index_of, records_for
from tracetui.model import LogRow, SessionRow, TracetuiError
from tracetui.text import format as fmt
from tracetui.text.safe import one_line
from tracetui.tui.actions import Actor, bindings
from tracetui.tui.background import Background
from tracetui.tui.ctx_rows import CtxBar, CtxRow, CtxRows
from tracetui.tui.panes.base import PaneTitle, Rest
from tracetui.tui.widgets.footer import Footer
from tracetui.tui.widgets.line_list import LineList
from tracetui.tui.widgets.query_line import QueryLine
from tracetui.tui.widgets.text_view import Document, DocumentMaker, TextView

if TYPE_CHECKING:
    from tracetui.bucket.store import Bucket
    from tracetui.tui.app import TracetuiApp

__all__ = ["CtxScreen"]

_FORMATS: Final = (
    ("messages", "a request of the Messages API, as JSON", ".json"),
    ("markdown", "text for a person or another agent", ".md"),
    ("native", "a session of the same harness, to go on with", ".jsonl"),
)
_MOST_FOUND: Final = 100_000


@dataclass(frozen=True, slots=True)
class _Loaded:
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
    BASE: ClassVar[dict[tuple[str, str, str | None], int]] = {}
    """The step marked to compare with, by harness, session and agent."""

    app: TracetuiApp

    def __init__(self, session: SessionRow, log: int, step: int) -> None:
        super().__init__()
        self._session, self._log, self._step = session, log, step
        self.title_line = PaneTitle("", "Context")
        self.bar = CtxBar()
        self.rows = LineList(id="ctx-rows")
        self.text = TextView(id="ctx-text")
        self.loaded: _Loaded | None = None
        self.mode = "segments"
        self.left_out: set[int] = set()
        self._found: frozenset[int] | None = None
        self._find: QueryLine | None = None
        self._words = ""
        self._rest = Rest(self, self._show_text)

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
        session, number, step = self._session, self._log, self._step

        def work(bucket: Bucket, cancelled: Callable[[], bool]) -> _Loaded:
            log = next((row for row in bucket.logs(session.id, session.harness) if row.id == number), None)
            if log is None:
                raise TracetuiError("This log is no longer in the bucket")
            return _Loaded(session, log, context_of(index_of(bucket, log, cancelled), step))

        self.ask("load", work, self._show, self._unknown)

    def _unknown(self, error: Exception) -> None:
        if not isinstance(error, TracetuiError):
            raise error
        self.rows.empty = (*(one_line(part, 300) for part in str(error).split("; ")), "Go back: q")
        self.rows.reload(CtxRows([]), keep=False)

    def _show(self, loaded: _Loaded) -> None:
        self.loaded = loaded
        self.bar.show(loaded.context)
        self._list(first=True)

    # ---- the list ----------------------------------------------------------------------------------------------------

    def _say(self, what: str) -> None:
        model = self.loaded.context.model if self.loaded is not None else None
        detail = f"step {fmt.count(self._step)}" + (f", {one_line(model, 40)}" if model else "")
        self.title_line.show(detail, what)

    def _list(self, *, first: bool = False) -> None:
        """Show the segments, or those that were found."""
        loaded = self.loaded
        if loaded is None:
            return
        self.mode = "segments"
        parts = [
            CtxRow(part, picked=part.n in self.left_out, sign=" " if part.n not in self.left_out else "x")
            for part in loaded.context.segments()
            if self._found is None or part.n in self._found
        ]
        self.rows.empty = ("Nothing in this context." if self._found is None else "No segment holds these words.",)
        self.rows.reload(CtxRows(parts), keep=not first, row=0 if first and parts else None)
        total = fmt.plural(len(loaded.context), "segment")
        self._say(total if self._found is None else f"{fmt.count(len(parts))} of {total}")
        self.app.refresh_offers()
        self._show_text()

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

    def _show_text(self) -> None:
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
        if self._words:
            self.text.search(self._words)

    # ---- going out ---------------------------------------------------------------------------------------------------

    def do_back(self) -> None:
        if self.text.has_focus:
            self.rows.focus()
        elif self._find is not None:
            self._close_find()
        elif self.mode != "segments":
            self._list()
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

    # ---- searching ---------------------------------------------------------------------------------------------------

    async def do_find(self) -> None:
        if self._find is None:
            self._find = QueryLine(self._words, placeholder="text in this context")
            await self.mount(self._find, before=self.bar)
        self._find.focus_input()

    def _close_find(self) -> None:
        self.drop("find")
        if self._find is not None:
            self._find.remove()
            self._find = None
        self._words, self._found = "", None
        self.text.search("")
        self._list()
        self.rows.focus()

    def on_query_line_changed(self, message: QueryLine.Changed) -> None:
        message.stop()
        self._search(message.text)

    def on_query_line_submitted(self, message: QueryLine.Submitted) -> None:
        message.stop()
        if not message.text:
            self._close_find()
        else:
            self._search(message.text)
            self.rows.focus()

    def on_query_line_dropped(self, message: QueryLine.Dropped) -> None:
        message.stop()
        self._close_find()

    def _search(self, words: str) -> None:
        loaded = self.loaded
        self._words = words
        if loaded is None or not words.strip():
            self._found = None
            self._list()
            return
        needle = words.casefold()

        def work(bucket: Bucket, cancelled: Callable[[], bool]) -> frozenset[int]:
            index = loaded.context.index
            reading = records_for(bucket, loaded.log, index)
            found: set[int] = set()
            for n, at in enumerate(loaded.context.ids, 1):
                if cancelled() or len(found) >= _MOST_FOUND:
                    break
                if needle in index.preview[at].casefold() or needle in piece_of(index, at, reading).text.casefold():
                    found.add(n)
            return frozenset(found)

        self.ask("find", work, self._searched)

    def _searched(self, found: frozenset[int]) -> None:
        self._found = found
        if self._find is not None:
            said = fmt.plural(len(found), "segment") if found else "nothing"
            self._find.say(said, "muted" if found else "bad")
        self._list(first=True)

    # ---- comparing ---------------------------------------------------------------------------------------------------

    @property
    def _identity(self) -> tuple[str, str, str | None]:
        agent = self.loaded.log.agent if self.loaded is not None else None
        return self._session.harness, self._session.id, agent

    def why_base(self) -> str | None:
        return None if self.loaded is not None else "The context is being worked out."

    why_compare = why_filled = why_export = why_base

    def do_base(self) -> None:
        self.BASE[self._identity] = self._step
        self.app.say(f"Step {fmt.count(self._step)} is what others are compared with; go to one and press d.")

    def do_compare(self) -> None:
        """What came in and what fell out since the marked step, or since the call before."""
        loaded = self.loaded
        if loaded is None:
            return
        if self.mode == "changes":
            self._list(first=True)
            return
        context = loaded.context
        index = context.index
        marked = self.BASE.get(self._identity)
        base = index.call_of(marked) if marked is not None and marked != self._step else None
        if base is None:
            calls = range(context.call - 1, -1, -1)
            node = context.index.call_node[context.call]
            base = next((at for at in calls if index.same_thread(index.call_node[at], node)), None)
        if base is None:
            self.app.say("This is the first call of its thread; there is none before it to compare with.")
            return
        first, second = sorted((base, context.call))
        left = gone(index, first, second)
        old, new = set(index.view(first).ids), index.view(second).ids
        came = [at for at in new if at not in old]
        step = index.call_step[base]
        rows = [CtxRow(None, f"Came in since step {fmt.count(index.call_step[first])}", style="muted:b",
                       tokens=sum(index.tokens[at] for at in came))]  # fmt: skip
        numbers = {at: n for n, at in enumerate(context.ids, 1)}
        rows += [CtxRow(segment(index, at, numbers.get(at, 0)), sign="+") for at in came]
        rows.append(CtxRow(None, "Fell out", style="muted:b", tokens=sum(index.tokens[item.at] for item in left)))
        rows += [
            CtxRow(segment(index, item.at, numbers.get(item.at, 0)), sign="-", note=item.cause.replace("_", " "))
            for item in left
        ]
        if not left:
            rows.append(CtxRow(None, "nothing", style="muted"))
        self.mode = "changes"
        self.rows.reload(CtxRows(rows), row=0, keep=False)
        self._say(
            f"compared with step {fmt.count(step)}: {fmt.count(len(came))} came in, {fmt.count(len(left))} fell out"
        )
        self._show_text()
        self.app.refresh_offers()

    # ---- what filled it ----------------------------------------------------------------------------------------------

    def do_filled(self) -> None:
        loaded = self.loaded
        if loaded is None:
            return
        if self.mode == "filled":
            self._list(first=True)
            return

        def work(bucket: Bucket, cancelled: Callable[[], bool]) -> Filled | None:
            return filled(loaded.context, records_for(bucket, loaded.log, loaded.context.index), cancelled)

        self.ask("filled", work, self._filled)

    def _filled(self, found: Filled | None) -> None:
        if found is None or self.loaded is None:
            return
        rows = [CtxRow(None, "By category (estimated tokens)", style="muted:b")]
        rows += self._shares(found.categories)
        rows.append(CtxRow(None, "By tool, calls and results", style="muted:b"))
        rows += self._shares(found.tools) or [CtxRow(None, "none", style="muted")]
        rows.append(CtxRow(None, "Largest segments", style="muted:b"))
        rows += [CtxRow(part) for part in found.largest]
        rows.append(CtxRow(None, "Files read more than once", style="muted:b"))
        rows += self._shares(found.repeated) or [CtxRow(None, "none", style="muted")]
        rows.append(CtxRow(None, "Files read that nothing said later names", style="muted:b"))
        rows += self._shares(found.unused) or [CtxRow(None, "none", style="muted")]
        self.mode = "filled"
        self.rows.reload(CtxRows(rows), row=0, keep=False)
        self._say("what filled it")
        self._show_text()
        self.app.refresh_offers()

    @staticmethod
    def _shares(shares: Sequence[Share]) -> list[CtxRow]:
        return [
            CtxRow(None, one_line(share.name.replace("_", " ") if not share.segments else share.name, 200),
                   note=f"{fmt.count(share.count)} x", tokens=share.tokens)
            for share in shares
        ]  # fmt: skip

    # ---- taking it along ---------------------------------------------------------------------------------------------

    def why_leave_out(self) -> str | None:
        if self.mode != "segments":
            return "Only in the list of segments: q goes back to it."
        return None if self.row is not None else "There is no segment under the cursor."

    def do_leave_out(self) -> None:
        row = self.row
        if row is None or row.segment is None:
            return
        self.left_out ^= {row.segment.n}
        cursor = self.rows.cursor
        self._list()
        self.rows.cursor = min(cursor + 1, len(self.rows.source) - 1)

    def do_export(self) -> None:
        from tracetui.tui.screens.choose import ChooseScreen

        choices = [(name, hint) for name, hint, _ in _FORMATS]
        left = f" {fmt.plural(len(self.left_out), 'segment')} left out." if self.left_out else ""

        def chosen(at: int | None) -> None:
            if at is not None:
                self._ask_file(at)

        text = f"What was accepted for redaction is replaced; what is open stops it.{left}"
        self.app.push_screen(ChooseScreen("Export this context", choices, text=text), chosen)

    def _ask_file(self, at: int) -> None:
        from tracetui.tui.screens.ask import AskScreen

        name, _, ending = _FORMATS[at]
        proposed = str(Path.cwd() / f"context-{self._session.id[:8]}-{self._step}{ending}")

        def named(path: str | None) -> None:
            if path and path.strip():
                self._export(name, path.strip())

        self.app.push_screen(AskScreen(f"Write {name} to", proposed), named)

    def _export(self, name: str, path: str, *, reviewed: bool = True) -> None:
        loaded = self.loaded
        if loaded is None:
            return
        left = frozenset(self.left_out)

        def work(bucket: Bucket, cancelled: Callable[[], bool]) -> tuple[bool, str]:
            from tracetui.ctx.export import export
            from tracetui.redact.gate import excluded_segments, pass_text

            refused = ""

            def gate(text: str) -> str:
                nonlocal refused
                try:
                    return pass_text(bucket, [loaded.session], text)
                except TracetuiError as error:
                    refused = str(error)
                    raise

            out = left
            if reviewed:
                out |= excluded_segments(bucket, loaded.session, loaded.log, loaded.context.segments())
            try:
                done = export(
                    *(bucket, loaded.session, loaded.log, loaded.context, name, Path(path), out, _now()),
                    gate if reviewed else None,
                )
            except TracetuiError:
                if refused:
                    return False, refused
                raise
            told = "" if reviewed else "; not reviewed"
            return True, f"{done.path}: {fmt.plural(done.segments, 'segment')}, {fmt.size(done.bytes)}{told}"

        def finish(result: tuple[bool, str]) -> None:
            written, said = result
            if written:
                self.app.say(one_line(said, 200), role="good")
            else:
                self._refused(name, path, said)

        self.ask("export", work, finish)

    def _refused(self, name: str, path: str, why: str) -> None:
        from tracetui.tui.screens.choose import ChooseScreen

        choices = [
            ("do not write it", "review the session first: r in the list of sessions"),
            ("write it unreviewed", "as it is, with whatever it holds"),
        ]

        def chosen(at: int | None) -> None:
            if at == 1:
                self._export(name, path, reviewed=False)

        self.app.push_screen(ChooseScreen("Not reviewed", choices, text=why), chosen)


def _now() -> int:
    return int(time.time() * 1000)
