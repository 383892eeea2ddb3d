"""Jump to any session by a few letters of its title, project or id."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.strip import Strip
from textual.widgets import Input

from tracetui.model import SessionRow
from tracetui.text import format as fmt
from tracetui.text.fuzzy import FuzzyIndex, FuzzyMatch
from tracetui.text.safe import one_line
from tracetui.tui.actions import Actor, bindings
from tracetui.tui.background import Background
from tracetui.tui.look import Look
from tracetui.tui.panes.session_rows import harness_sign, project_of, title_of
from tracetui.tui.rows import Span, cells, paint
from tracetui.tui.widgets.footer import Footer
from tracetui.tui.widgets.line_list import LineList

if TYPE_CHECKING:
    from tracetui.bucket.store import Bucket
    from tracetui.tui.app import TracetuiApp

__all__ = ["JumpScreen"]

_MOST = 200


def _text(session: SessionRow) -> str:
    """What is matched: the title, then the project, then the id."""
    return f"{one_line(title_of(session), 300)}  {one_line(project_of(session), 60)}  {one_line(session.id, 60)}"


class _Found:
    """A `RowSource` over the matches."""

    uniform = True

    def __init__(self, sessions: Sequence[SessionRow], texts: Sequence[str], matches: Sequence[FuzzyMatch]) -> None:
        self.sessions, self.texts, self.matches = sessions, texts, matches

    def __len__(self) -> int:
        return len(self.matches)

    def session(self, row: int) -> SessionRow:
        return self.sessions[self.matches[row][0]]

    def key(self, row: int) -> Hashable:
        return row

    def height(self, row: int) -> int:
        return 1

    def selectable(self, row: int) -> bool:
        return True

    def paint(self, row: int, look: Look, width: int) -> Sequence[Strip]:
        match = self.matches[row]
        session, text = self.sessions[match[0]], self.texts[match[0]]
        title = one_line(title_of(session), 300)
        hit = frozenset(match.positions)
        plain, found, muted = look.style(), look.style("match", "b"), look.style("muted")
        spans: list[Span] = []
        start = 0
        while start < len(text):
            end = start + 1
            marked = start in hit
            inside = start < len(title)
            while end < len(text) and (end in hit) == marked and (end < len(title)) == inside:
                end += 1
            spans.append((text[start:end], found if marked else plain if inside else muted))
            start = end
        when = fmt.relative(session.ended or session.started)
        right: list[Span] = [(f"{harness_sign(session.harness)} {when:>11} ", muted)]
        assert cells(right[0][0]) <= width
        return [paint(spans, width, right=right, mark=look.sign("ellipsis"))]


class JumpScreen(ModalScreen[SessionRow | None], Actor, Background):
    """Gives the session, or None."""

    CONTEXTS: ClassVar[tuple[str, ...]] = ("jump",)
    BINDINGS = bindings("jump")
    DEFAULT_CSS = """
    JumpScreen { align: center top; }
    JumpScreen > Vertical { width: 92; max-width: 96%; height: 22; max-height: 90%; margin-top: 2;
        border: round $line; background: $background; }
    JumpScreen Input { border: none; height: 1; padding: 0 1; background: $background; }
    JumpScreen LineList { margin-top: 1; }
    JumpScreen Footer { dock: none; }
    """
    app: TracetuiApp

    def __init__(self) -> None:
        super().__init__()
        self.input = Input(placeholder="title, project or id", compact=True)
        self.rows = LineList()
        self.rows.can_focus = False
        self.rows.empty = ("Looking.",)
        self._sessions: list[SessionRow] = []
        self._texts: list[str] = []
        self._index: FuzzyIndex | None = None

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = "Jump to a session"
            yield self.input
            yield self.rows
            yield Footer()

    def on_mount(self) -> None:
        self.input.focus()

        def work(bucket: Bucket, cancelled: Callable[[], bool]) -> tuple[list[SessionRow], list[str], FuzzyIndex]:
            sessions = list(bucket.sessions())
            texts = [_text(session) for session in sessions]
            return sessions, texts, FuzzyIndex(texts)

        def finish(result: tuple[list[SessionRow], list[str], FuzzyIndex]) -> None:
            self._sessions, self._texts, self._index = result
            self.rows.empty = ("No session has these letters in this order.",)
            self._look()

        self.ask("sessions", work, finish)

    def _look(self) -> None:
        index, pattern = self._index, self.input.value
        if index is not None:
            self.background("match", lambda cancelled: index.search(pattern, _MOST), self._show)

    def _show(self, matches: list[FuzzyMatch]) -> None:
        self.rows.reload(_Found(self._sessions, self._texts, matches), row=0 if matches else None, keep=False)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._look()

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self._take()

    def on_line_list_opened(self, message: LineList.Opened) -> None:
        message.stop()
        self._take()

    def on_line_list_moved(self, message: LineList.Moved) -> None:
        message.stop()

    def _take(self) -> None:
        source = self.rows.source
        if isinstance(source, _Found) and 0 <= self.rows.cursor < len(source):
            self.dismiss(source.session(self.rows.cursor))

    def do_go(self) -> None:
        self._take()

    def do_down(self) -> None:
        self.rows.do_down()

    def do_up(self) -> None:
        self.rows.do_up()

    def do_cancel(self) -> None:
        self.dismiss(None)
