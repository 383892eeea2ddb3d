"""Which steps of the timeline hold findings that nobody decided about. A mixin of the pane."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from tracetui.model import LogRow, SessionRow
from tracetui.tui.background import Background
from tracetui.tui.panes.outline import Place
from tracetui.tui.widgets.line_list import LineList

if TYPE_CHECKING:
    from tracetui.bucket.store import Bucket

__all__ = ["Exposed"]


class Exposed(Background):
    """Mixin of `TimelinePane`. Keys are (agent, step)."""

    session: SessionRow | None
    logs: list[LogRow]
    rows: LineList
    _exposed: Mapping[tuple[str | None, int], int]

    def _look_for_open(self) -> None:
        """Ask which steps hold open findings, where lists say that there are some."""
        session = self.session
        if session is None or not (session.findings or {}).get("open"):
            self._show_open({})
            return

        def work(bucket: Bucket, cancelled: Callable[[], bool]) -> Mapping[tuple[str | None, int], int]:
            from tracetui.tui import findings_document

            return findings_document.open_steps(bucket, session)

        self.ask("exposed", work, self._show_open)

    def _show_open(self, found: Mapping[tuple[str | None, int], int]) -> None:
        if found != self._exposed:
            self._exposed = found
            self.rows.refresh_rows()

    def exposed(self, place: Place) -> int:
        """How many findings of the step at a place are open."""
        if not self._exposed:
            return 0
        agent = next((log.agent for log in self.logs if log.id == place.log), None)
        return self._exposed.get((agent, place.step), 0)
