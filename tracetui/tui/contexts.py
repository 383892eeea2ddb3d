"""Opening the context of a step from the main screen. A mixin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tracetui.tui.panes.timeline import TimelinePane

__all__ = ["ContextDeeds"]


class ContextDeeds:
    """What the main screen can do with the context of the step under the cursor."""

    timeline_pane: TimelinePane

    def why_context(self) -> str | None:
        """The reason why there is no context to open, or None."""
        pane = self.timeline_pane
        if pane.session is None or pane.current is None:
            return "There is no step under the cursor; choose one in the timeline: 2"
        return None

    def do_context(self) -> None:
        """Open what the model saw when it made the step."""
        from tracetui.tui.screens.ctx import CtxScreen

        pane = self.timeline_pane
        session, step = pane.session, pane.current
        if session is None or step is None:
            return
        log = step.log

        def go(origin: int | None) -> None:
            if origin is not None:
                pane.go_to(origin, log)
                pane.focus_inside()

        app: Any = self.app  # type: ignore[attr-defined]
        app.push_screen(CtxScreen(session, log, step.number), go)
