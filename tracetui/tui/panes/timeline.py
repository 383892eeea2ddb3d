"""The steps of one session."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.widget import Widget

from tracetui.tui.panes.base import Pane
from tracetui.tui.widgets.line_list import LineList

__all__ = ["TimelinePane"]


class TimelinePane(Pane):
    """The timeline."""

    NUMBER: ClassVar[str] = "2"
    NAME: ClassVar[str] = "Timeline"
    CONTEXTS: ClassVar[tuple[str, ...]] = ("timeline",)

    def content(self) -> Sequence[Widget]:
        self.rows = LineList(id="timeline-rows")
        return (self.rows,)
