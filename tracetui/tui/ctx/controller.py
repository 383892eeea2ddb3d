"""Opening the context of a step from the main screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from tracetui.tui.kit.actor import Controller

if TYPE_CHECKING:
    from tracetui.tui.kit.host import Workspace

__all__ = ["ContextController"]


class ContextController(Controller["Workspace"]):
    """The step under the cursor, and what the model saw when it made it."""

    CONTEXTS: ClassVar[tuple[str, ...]] = ("main",)

    def why_context(self) -> str | None:
        chosen = self.owner.selection
        if chosen.session is None or chosen.step is None:
            return "There is no step under the cursor; choose one in the timeline: 2"
        return None

    def do_context(self) -> None:
        from tracetui.tui.ctx.screen import CtxScreen

        chosen = self.owner.selection
        session, step = chosen.session, chosen.step
        assert session is not None
        assert step is not None
        log = step.log

        def go(origin: int | None) -> None:
            if origin is not None:
                self.owner.go_to(origin, log)

        self.app.push_screen(CtxScreen(session, log, step.number), go)
