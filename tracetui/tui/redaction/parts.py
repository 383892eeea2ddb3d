"""What the parts of the redaction editor's screen know of each other; each part is a mixin with one subject."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from textual.dom import DOMNode

from tracetui.model import SessionRow
from tracetui.tui.panes.base import PaneTitle, Rest
from tracetui.tui.redaction.desk import Desk, Opened
from tracetui.tui.redaction.info import FindingLine
from tracetui.tui.redaction.layout import Rows
from tracetui.tui.redaction.model import Copy, Field, Group, Mark, Outcome, Snapshot, Unscanned
from tracetui.tui.redaction.page import Page, PageStep
from tracetui.tui.widgets.line_list import LineList
from tracetui.tui.widgets.span_editor import SpanEditor

if TYPE_CHECKING:
    from tracetui.redact.proof import Leak
    from tracetui.tui.app import TracetuiApp

__all__ = ["LARGE", "LOADING", "Parts", "Result"]

LOADING: Final = "The session is still being looked through."
LARGE: Final = 192 * 1024
"""Characters from which on a page is laid out by the worker."""


@dataclass(slots=True)
class Result:
    """What a job brings back: how things stand, and the page as it is now."""

    snapshot: Snapshot
    marks: Mapping[Field, Sequence[Mark]]
    steps: Sequence[PageStep]
    page: Page | None = None
    rows: Rows | None = None
    outcome: Outcome | None = None
    wanted: Copy | None = None


class Parts(DOMNode):
    """The state of the screen, and what one part asks of another."""

    app: TracetuiApp
    session: SessionRow
    steps: tuple[int, int] | None
    desk: Desk
    title_line: PaneTitle
    list_title: PaneTitle
    text_title: PaneTitle
    rows: LineList
    editor: SpanEditor
    info: FindingLine
    snapshot: Snapshot
    group: Group | None
    """The value under decision, and which of its places is shown (``copy``, from 0)."""
    copy: int
    gap: Unscanned | None
    """The text under decision that could not be scanned; then there is no value."""
    veiled: bool
    everything: bool
    _weak: bool
    _ready: bool
    _steps: Sequence[PageStep]
    _marks: Mapping[Field, Sequence[Mark]]
    _rest: Rest
    _reached: dict[str, str]
    _kind: str
    _query: str
    _leak: Leak | None
    """What the proof found, as long as it is selected."""
    _apart: bool
    """Whether a place of no value is shown on purpose: then the list does not lead back to the one in its cursor."""
    _listing: bool
    _stale: bool
    """Whether somebody else may have decided something meanwhile."""

    if TYPE_CHECKING:

        def _do(self, job: Callable[[Opened], Result], finish: Callable[[Result], None], *, said: str = "") -> None:
            """Do a job on the desk; where it takes long, ``said`` is told meanwhile."""

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
            """On the desk's thread: carry out a deed, or load a page, and say how things stand."""
            ...

        def _lay(
            self,
            steps: Sequence[PageStep],
            marks: Mapping[Field, Sequence[Mark]],
            copy: Copy | None = None,
            keep: Sequence[Field] | None = None,
            groups: Sequence[Group] | None = None,
        ) -> Page:
            """The page as it is to be shown now."""
            ...

        def _took(self, result: Result, *, cursor: int | None = None) -> None:
            """Show how things stand now; ``cursor`` is where it goes, when not to where it was."""

        def _decide(
            self, deed: Callable[[Opened], Outcome | None], *, go_on: bool = False, follow: bool = False
        ) -> None:
            """Carry out a decision, then show what it changed."""

        def _choose(self, group: Group, copy: int = 0, *, stay: bool = False) -> None:
            """Make a value the one under decision; with ``stay`` the text is not moved."""

        def _go_on(self) -> None:
            """To what is to be decided next."""

        def _go_to_copy(self, copy: Copy) -> bool:
            """Show a place, whether it is one of a value or not; False where there is nothing to show."""
            ...

        def _say_selected(self) -> None:
            """Say what is selected, and what can be done with it."""

        def _go_to_step(self, step: int | None, agent: str | None) -> None:
            """Show a step."""

        def _mark_focus(self, *, move: bool = True) -> bool:
            """Find the place under decision on the page; False when it is not there."""
            ...

        def _list(self) -> None:
            """List what was found anew."""

        def _say_where(self) -> None:
            """Titles and the lines above the text."""

        def _no_group(self) -> str | None:
            """Why there is no value to decide about."""
            ...

        def _in_order(self) -> list[Group]:
            """The values in the order of the list, the folded ones last."""
            ...
