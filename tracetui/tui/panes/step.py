"""The step: its full text. (Foundation; the views are added by their own modules.)"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.widget import Widget

from tracetui.model import Step, StepRow
from tracetui.text.safe import display_safe
from tracetui.tui.panes.base import Pane
from tracetui.tui.widgets.line_list import LineList, ListSource

if TYPE_CHECKING:
    from tracetui.tui.app import TracetuiApp

__all__ = ["StepPane"]


class StepPane(Pane):
    """Shows one step. ``load`` is called once the cursor rested on a row of the timeline."""

    NUMBER: ClassVar[str] = "3"
    NAME: ClassVar[str] = "Step"
    CONTEXTS: ClassVar[tuple[str, ...]] = ("step",)

    app: TracetuiApp

    def content(self) -> Sequence[Widget]:
        self.lines = LineList(id="step-text")
        self.lines.empty = ("No step.", "Choose one in the timeline: 2")
        return (self.lines,)

    def load(self, log: int, row: StepRow) -> None:
        """Show step ``row`` of the log; it is read again in a worker."""
        bucket = self.app.bucket
        self.title_line.show(str(row.number))
        self.background("step", lambda cancelled: bucket.step(log, row.number), self._show)

    def clear(self) -> None:
        """There is no step to show."""
        self.drop("step")
        self.title_line.show("")
        self.lines.reload(ListSource())

    def _show(self, step: Step) -> None:
        text = "\n".join(filter(None, (step.text, step.tool and str(step.tool.input), step.tool and step.tool.output)))
        self.lines.reload(ListSource([display_safe(line) for line in text.splitlines()]), keep=False)
