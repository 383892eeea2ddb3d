"""The way from the main screen into the redaction editor, and back. A mixin; the editor is imported when it opens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracetui.tui.background import Background

if TYPE_CHECKING:
    from tracetui.model import SessionRow
    from tracetui.tui.app import TracetuiApp
    from tracetui.tui.panes.sessions import SessionsPane
    from tracetui.tui.panes.timeline import TimelinePane

__all__ = ["RedactDeeds"]


class RedactDeeds(Background):
    """Mixin of the main screen."""

    sessions_pane: SessionsPane
    timeline_pane: TimelinePane

    @property
    def _redactable(self) -> SessionRow | None:
        """The session in the timeline, or the one under the cursor of the list."""
        if self.sessions_pane.rows.has_focus:
            return self.sessions_pane.current
        return self.timeline_pane.session or self.sessions_pane.current

    def why_redact(self) -> str | None:
        app: TracetuiApp = self.app  # type: ignore[assignment]
        if app.read_only:
            return "This is read only; index the log to redact it."
        session = self._redactable
        if session is None:
            return "No session is chosen."
        return None if session.steps else "This session holds nothing to redact."

    def do_redact(self) -> None:
        from tracetui.tui.screens.redact import RedactScreen

        session = self._redactable
        assert session is not None
        pane = self.timeline_pane
        here = pane.session is not None and (pane.session.harness, pane.session.id) == (session.harness, session.id)
        screen = RedactScreen(session, pane.range if here else None)

        def back(_: None) -> None:
            # What is open now is counted when the review is let go.
            self.background("redacted", lambda _: screen.desk.closed.wait(10), lambda _: self.sessions_pane.load())

        self.app.push_screen(screen, back)
