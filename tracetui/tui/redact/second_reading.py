"""The second reading: what a stranger would notice, by kind and frequency, with one key each to keep it, to replace it
everywhere, to look at it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen
from textual.strip import Strip

from tracetui.model import TracetuiError
from tracetui.redact.second_reading import Noticed
from tracetui.redact.values import Place
from tracetui.text import format as fmt
from tracetui.text.safe import one_line
from tracetui.tui.actions import bindings
from tracetui.tui.kit.actor import Actor
from tracetui.tui.kit.footer import Footer
from tracetui.tui.kit.line_list import LineList
from tracetui.tui.kit.paint import clip, paint
from tracetui.tui.kit.pane import PaneTitle
from tracetui.tui.kit.styles import Look
from tracetui.tui.redact.choices import DecisionOutcome
from tracetui.tui.redact.worker import OpenReview, ReviewWorker

if TYPE_CHECKING:
    from tracetui.tui.kit.host import HostApp

__all__ = ["SecondReadingScreen"]

_KIND = 14
"""Cells of the column of kinds."""


class _NoticedRows:
    uniform = True

    def __init__(self, found: Sequence[Noticed]) -> None:
        self.found = found

    def __len__(self) -> int:
        return len(self.found)

    def key(self, row: int) -> Hashable:
        return self.found[row]

    def height(self, row: int) -> int:
        return 1

    def selectable(self, row: int) -> bool:
        return True

    def paint(self, row: int, look: Look, width: int) -> Sequence[Strip]:
        one = self.found[row]
        first = not row or self.found[row - 1].kind != one.kind
        kind = (one.kind if first else "").ljust(_KIND)
        times = f"{look.sign('times')}{fmt.count(one.times)}"
        text = clip(one_line(one.text, 200), max(8, width - _KIND - len(times) - 2), look.sign("ellipsis"))
        return [paint([(kind, look.style("muted")), (text, look.style())], width, right=[(times, look.style("muted"))])]


class SecondReadingScreen(Screen[tuple[bool, Place | None]], Actor):
    """Gives whether something changed, and the place to go to. What is done is done by the editor's worker."""

    CONTEXTS: ClassVar[tuple[str, ...]] = ("noticed", "screen")
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("noticed", "screen")]
    AUTO_FOCUS = None

    app: HostApp

    def __init__(self, worker: ReviewWorker) -> None:
        super().__init__()
        self._worker = worker
        self.title_line = PaneTitle("", "What a stranger would notice")
        self.rows = LineList(id="noticed-rows")
        self._found: list[Noticed] = []
        self._changed = False

    def compose(self) -> ComposeResult:
        yield self.title_line
        yield self.rows
        yield Footer()

    def on_mount(self) -> None:
        self.title_line.activate(True)
        self.rows.empty = ("Reading the session as a stranger would.",)
        self.rows.focus()
        self._worker.do(lambda opened: opened.review.noticed(opened.busy), self._show)

    def _show(self, found: Sequence[Noticed]) -> None:
        if not self.is_attached:
            return
        self._found = [*found]
        self.rows.empty = ("Nothing stands out.", "Names of people, hosts, tickets and the like would stand here.")
        self._list()

    def _list(self) -> None:
        self.rows.reload(_NoticedRows([*self._found]), row=min(self.rows.cursor, len(self._found) - 1))
        self.title_line.show("nobody decided about it", fmt.plural(len(self._found), "entry", "entries"))
        self.app.refresh_offers()

    @property
    def _one(self) -> Noticed | None:
        at = self.rows.cursor
        return self._found[at] if 0 <= at < len(self._found) else None

    def why_keep(self) -> str | None:
        return None if self._one is not None else "Nothing is listed here."

    def why_replace(self) -> str | None:
        if self._one is not None and self._one.kind == "language":
            return "A language is not replaced; look at what is said in it."
        return self.why_keep()

    def do_replace(self) -> None:
        self._decide(lambda opened, one: opened.review.replace(one))

    def do_keep(self) -> None:
        self._decide(lambda opened, one: opened.review.keep(one))

    def _decide(self, decision: Callable[[OpenReview, Noticed], DecisionOutcome]) -> None:
        """Decide about the entry under the cursor: it goes from the list at once, what was done is said when it is."""
        one = self._one
        assert one is not None
        self._found.remove(one)
        self._changed = True
        self._list()

        def work(opened: OpenReview) -> Any:
            try:
                return decision(opened, one)
            except TracetuiError as error:
                return error

        self._worker.do(work, self._say)

    def _say(self, done: Any) -> None:
        failed = isinstance(done, TracetuiError)
        self.app.say(str(done) if failed else done.said, role="bad" if failed else "muted")

    def do_undo(self) -> None:
        def work(opened: OpenReview) -> tuple[DecisionOutcome | None, Sequence[Noticed]]:
            return opened.review.undo(), opened.review.noticed(opened.busy)

        def finish(found: tuple[DecisionOutcome | None, Sequence[Noticed]]) -> None:
            self._changed = True
            self._show(found[1])
            self.app.say(found[0].said if found[0] is not None else "There is nothing to undo.", role="muted")

        self._worker.do(work, finish)

    def on_line_list_opened(self, message: LineList.Opened) -> None:
        """Look at it: back to the editor, where it stands first."""
        message.stop()
        one = self._one
        if one is not None and one.kind != "language":
            self._worker.do(lambda opened: opened.review.first(one), self._look)

    def _look(self, place: Place | None) -> None:
        if self.is_attached:
            self.dismiss((self._changed, place))

    def on_line_list_moved(self, message: LineList.Moved) -> None:
        message.stop()

    def do_back(self) -> None:
        self.dismiss((self._changed, None))
