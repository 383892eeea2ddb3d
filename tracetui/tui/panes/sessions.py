"""The sessions of the bucket."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.widget import Widget

from tracetui.tui.panes.base import Pane
from tracetui.tui.widgets.line_list import LineList

__all__ = ["SessionsPane"]


class SessionsPane(Pane):
    """The list of sessions."""

    NUMBER: ClassVar[str] = "1"
    NAME: ClassVar[str] = "Sessions"
    CONTEXTS: ClassVar[tuple[str, ...]] = ("sessions",)

    def content(self) -> Sequence[Widget]:
        self.rows = LineList(id="session-rows")
        return (self.rows,)
