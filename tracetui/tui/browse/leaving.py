"""Going out one level, and out of the app."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import events

from tracetui.tui.kit.actor import Controller

if TYPE_CHECKING:
    from tracetui.tui.browse.main import MainScreen

__all__ = ["LeaveController"]


class LeaveController(Controller["MainScreen"]):
    """Escape goes out as far as the first level, q further; where something runs, when asked for twice in a row."""

    CONTEXTS: ClassVar[tuple[str, ...]] = ("screen",)

    def __init__(self, owner: MainScreen) -> None:
        super().__init__(owner)
        self._keys = 0
        self._asked = -1
        """The key, by its number, at which it was asked whether to leave."""

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
        if not self._out():
            self.app.say("This is the first level. Leave: q", role="muted")

    def do_leave(self) -> None:
        if self._out():
            return
        running = [text for text in (one.unfinished() for one in self.owner.controllers) if text]
        if running and self._asked != self._keys - 1:
            self._asked = self._keys
            self.app.say(f"{' and '.join(running)}: broken off, it goes on next time. Leave all the same: q")
        else:
            self.app.exit()

    def on_key(self, event: events.Key) -> None:
        self._keys += 1
