"""The step: its header, its tabs, and the document of the tab that is chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final

from textual.binding import BindingType
from textual.message import Message
from textual.timer import Timer
from textual.widget import Widget

from tracetui.model import SessionRow, StepRow, TracetuiError
from tracetui.text import format as fmt
from tracetui.text.safe import one_line
from tracetui.tui.actions import bindings
from tracetui.tui.browse.step_header import StepHeader, TabBar
from tracetui.tui.browse.step_tabs import FindInStepController, TabController
from tracetui.tui.kit.actor import Controller
from tracetui.tui.kit.document import Document
from tracetui.tui.kit.pane import Pane
from tracetui.tui.kit.step_document import VIEWS, LoadedStep, fetch
from tracetui.tui.kit.tabs import TABS, Tab, TabAsk
from tracetui.tui.kit.text_view import TextView

if TYPE_CHECKING:
    from tracetui.bucket.store import Bucket
    from tracetui.tui.kit.host import HostApp

__all__ = ["StepPane"]

WIDE: Final = 100
"""Cells from which old and new stand side by side unless the user chose: two columns of code fit."""
SLOW: Final = 0.2
"""Seconds after which it is said that something is being worked out."""


class StepPane(Pane):
    """Shows one step. ``load`` is called once the cursor rested on a row of the timeline. ``features`` are controllers
    of other features."""

    NUMBER: ClassVar[str] = "3"
    NAME: ClassVar[str] = "Step"
    CONTEXTS: ClassVar[tuple[str, ...]] = ("step",)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("step")]

    app: HostApp

    class Walked(Message):
        """The user wants the step after this one (1) or before it (-1)."""

        def __init__(self, by: int) -> None:
            super().__init__()
            self.by = by

    def __init__(
        self,
        features: Sequence[Callable[[Any], Controller[Any]]] = (),
        *,
        id: str | None = None,  # noqa: A002
    ) -> None:
        super().__init__(id=id)
        self.header = StepHeader()
        self.tab_bar = TabBar()
        self.text = TextView(id="step-text")
        self.row: StepRow | None = None
        self.loaded: LoadedStep | None = None
        self.tab_at = 0
        self.view = VIEWS[0]
        self.image_at = 0
        self.side: bool | None = None
        """Old and new side by side; None: where it is wide enough."""
        self.words: Sequence[str] = ()
        """What led to the step: marked in its text."""
        self.made_for = (0, False)
        """The layout that the document was made for."""
        self.finding = FindInStepController(self)
        self.controllers = (self.finding, TabController(self), *(make(self) for make in features))
        self._slow: Timer | None = None

    def content(self) -> Sequence[Widget]:
        self.text.empty = TABS[0].nothing
        return (self.header, self.tab_bar, self.text)

    @property
    def tab(self) -> Tab:
        return TABS[self.tab_at]

    def why_nothing(self) -> str | None:
        """The reason to give where no step is shown."""
        return None if self.loaded is not None else "No step is shown; choose one in the timeline: 2"

    # -- loading ------------------------------------------------------------------------------------------------------

    def load(self, log: int, row: StepRow, session: SessionRow | None = None) -> None:
        """Show step ``row`` of the log; it is read again in a worker, and dropped when another is asked for."""
        if self.row == row and self.loaded is not None:
            return
        self.row, self.loaded, self.image_at = row, None, 0
        self.header.show(row)
        self.title_line.show(str(row.number))
        tab, view = self.tab, self.view

        def work(bucket: Bucket, cancelled: Callable[[], bool]) -> tuple[LoadedStep, Document | None] | None:
            loaded = fetch(bucket, log, row.number, session, cancelled)
            if loaded is None:
                return None
            if tab.waits:
                return loaded, None  # the step itself is there at once
            return loaded, tab.build(TabAsk(loaded, bucket, cancelled, view))

        self.ask("step", work, self._show, self._failed)

    def hint(self, words: Sequence[str]) -> None:
        """Mark what led to the step, now and in the text that is being made."""
        if tuple(words) != tuple(self.words):
            self.words = words
            self.text.finding.hint(words)

    def clear(self) -> None:
        """There is no step to show."""
        self.drop("step")
        self.row = self.loaded = None
        self.header.show(None)
        self.title_line.show("", "")
        self.text.empty = TABS[0].nothing
        self.text.show(Document())
        self.say_where()
        self.app.refresh_offers()

    def _show(self, found: tuple[LoadedStep, Document | None] | None) -> None:
        if found is None:
            return
        self.loaded, document = found
        self.header.show(self.row, self.loaded)
        if self.tab.waits:
            self.show_tab()
            return
        self._show_document(document)
        self.app.refresh_offers()

    def _failed(self, error: Exception) -> None:
        if not isinstance(error, TracetuiError):
            raise error
        self._hurry()
        self.text.empty = (self.tab.failed, one_line(str(error), 300))
        self.text.show(Document())

    def _show_document(self, document: Document | None, *, keep_place: bool = False) -> None:
        self._hurry()
        self.text.empty = self.tab.nothing
        self.text.show(document or Document(), keep_place=keep_place)
        if not keep_place:
            self.text.finding.hint(self.words)
        self.say_where()

    def show_tab(self, *, keep_place: bool = False) -> None:
        """Make the document of the tab and view that are chosen now, in a worker."""
        loaded, tab, view, app = self.loaded, self.tab, self.view, self.app
        self.say_where()
        app.refresh_offers()
        if loaded is None:
            self.text.empty = tab.nothing
            self.text.refresh()
            return
        width, side = self.made_for = self._layout()
        self._hurry()
        self.header.tell_below(tab.tells_outcome)
        if tab.waits:
            self._slow = self.set_timer(SLOW, self._wait)

        def work(bucket: Bucket, cancelled: Callable[[], bool]) -> Document | None:
            return tab.build(
                TabAsk(loaded, bucket, cancelled, view, width, side, app.ascii_only, app.trail, self, app.read_only)
            )

        def finish(document: Document | None) -> None:
            self._show_document(document, keep_place=keep_place)
            app.refresh_offers()
            self._refit()

        self.ask("step", work, finish, self._failed)

    def show_again(self) -> None:
        """What the tab shows may have changed: make it again, and stay at the place."""
        if self.loaded is not None and self.tab.waits:
            self.show_tab(keep_place=True)

    def _hurry(self) -> None:
        if self._slow is not None:
            self._slow.stop()
            self._slow = None

    def _wait(self) -> None:
        """The answer takes its time: say so in the place of what stood there."""
        self._slow = None
        self.text.empty = self.tab.waits
        self.text.show(Document())

    def on_resize(self) -> None:
        # The text below has its new size after the next layout.
        self.call_after_refresh(self._refit)

    def _refit(self) -> None:
        """Make a document again that was made for another width; one that is still being made comes by here when it
        is."""
        if self.tab.fitted and self.text.document.source and self._layout() != self.made_for:
            self.show_again()

    def _layout(self) -> tuple[int, bool]:
        """Cells of a line, and whether old and new stand side by side."""
        width = self.text.text_width
        return width, self.side if self.side is not None else width >= WIDE

    # -- where the reader is ------------------------------------------------------------------------------------------

    def on_text_view_changed(self, message: TextView.Changed) -> None:
        message.stop()
        self.say_where()

    def say_where(self) -> None:
        """Bring title and tabs up to date with the text."""
        text = self.text
        self.tab_bar.show(self.tab_at)
        if self.row is None:
            return
        finding = text.finding
        if finding.text:
            at = f"{finding.at + 1} of " if finding.at >= 0 else ""
            facts = f"{at}{fmt.count(len(finding.matches))} found"
        else:
            rows, height = len(text.rows), max(1, text.size.height)
            last = min(rows, int(text.scroll_offset.y) + height)
            whole = rows if text.rows.complete else rows + 1
            facts = fmt.percent(last, whole) if rows > height else ""
        view = f" {self.view}" if self.tab.id == "step" and self.view != VIEWS[0] else ""
        self.title_line.show(f"{self.row.number}{view}", facts)

    def back(self) -> bool:
        """One level out inside the pane: out of a selection, then out of a search. False when there was neither."""
        if self.text.selected_range() is not None:
            self.text.clear_selection()
            return True
        return self.finding.close()

    def focus_inside(self) -> None:
        self.screen.set_focus(self.text, scroll_visible=False)

    def text_to_copy(self) -> str | None:
        """What is selected, or all that is shown."""
        return self.text.selected_text() or self.text.document.source or None
