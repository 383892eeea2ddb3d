"""Going out one level, to the home, and out of the app."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from tracetui.tui.kit.actor import Controller

if TYPE_CHECKING:
    from tracetui.tui.browse.home import Wish
    from tracetui.tui.browse.main import MainScreen

__all__ = ["LeaveController"]


class LeaveController(Controller["MainScreen"]):
    """Escape goes out as far as the first level, q further; where something runs, when asked for twice in a row."""

    CONTEXTS: ClassVar[tuple[str, ...]] = ("screen", "main")

    def __init__(self, owner: MainScreen) -> None:
        super().__init__(owner)
        self._asked = -1
        """The touch of the user after which a further key leaves without being asked."""

    def _out(self) -> bool:
        """One level out; False on the first."""
        arrangement, step_pane = self.owner.arrangement, self.owner.step_pane
        if arrangement.at == 2 and step_pane is not None and step_pane.back():
            return True
        if arrangement.zoomed:
            arrangement.do_zoom()
        elif arrangement.at:
            arrangement.go(arrangement.at - 1)
        else:
            return False
        return True

    def do_back(self) -> None:
        if self._out():
            return
        if self.app.home:
            self.do_home()
        else:
            self.app.say("This is the first level. Leave: q", role="muted")

    def do_leave(self) -> None:
        if self._out():
            return
        if self.app.home:
            self.do_home()
        else:
            self.leave()

    def leave(self) -> None:
        """Out of the app: where something runs, when asked for twice in a row."""
        running = [text for text in (one.unfinished() for one in self.owner.controllers) if text]
        touches = self.app.activity.touches
        if running and self._asked != touches:
            self._asked = touches + 1
            self.app.say(f"{' and '.join(running)}: broken off, it goes on next time. Leave all the same: q")
        else:
            self.app.exit()

    # -- the home -----------------------------------------------------------------------------------------------------

    def why_home(self) -> str | None:
        return "A capsule or log that is only looked at has no home." if self.app.capsule or self.app.reading else None

    def do_home(self) -> None:
        from tracetui.tui.browse.home import HomeScreen
        from tracetui.tui.browse.step_actions import ResumeController

        resume = self.owner.controller(ResumeController).resume
        self.app.push_screen(HomeScreen(self.leave, resume, self.owner.status), self._wished)

    async def _wished(self, wish: Wish | None) -> None:
        if wish is None:
            return
        if wish.session is not None:
            self.owner.sessions_pane.select(wish.session)
            self.owner.open_session(wish.session)
        elif wish.query is not None:
            await self.owner.filtering.show(wish.query)
