"""The main screen: sessions, timeline, step, side by side as the terminal's width allows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.screen import Screen

from tracetui.model import StepRow
from tracetui.tui.actions import Actor, bindings
from tracetui.tui.background import Background
from tracetui.tui.panes.base import Pane, Wall
from tracetui.tui.panes.sessions import SessionsPane
from tracetui.tui.panes.timeline import TimelinePane
from tracetui.tui.widgets.footer import Footer
from tracetui.tui.widgets.status import StatusLine

if TYPE_CHECKING:
    from tracetui.tui.app import TracetuiApp
    from tracetui.tui.panes.step import StepPane

__all__ = ["MainScreen"]

_WEIGHTS = (30, 40, 30)
_SMALLEST = 16


class MainScreen(Screen[None], Actor, Background):
    """Lays out the panes and passes what one says to the others: a session to the timeline, a step to the step pane.

    Three panes from 120 columns, two from 80 (the one with the focus and its neighbour to the right), else one.
    """

    CONTEXTS: ClassVar[tuple[str, ...]] = ("main", "screen")
    BINDINGS = bindings("main", "screen")
    AUTO_FOCUS = None
    DEFAULT_CSS = "MainScreen #panes { height: 1fr; }"
    DETAIL_DELAY = 0.04
    """Seconds that the cursor rests on a row before what belongs to it is loaded."""

    app: TracetuiApp

    def __init__(self) -> None:
        super().__init__()
        self.sessions_pane = SessionsPane(id="sessions")
        self.timeline_pane = TimelinePane(id="timeline")
        self.step_pane: StepPane | None = None
        self.status = StatusLine()
        self.walls = (Wall(id="wall-1"), Wall(id="wall-2"))
        self._zoomed = False
        self._weights: list[float] = list(_WEIGHTS)
        self._at = 0

    def compose(self) -> ComposeResult:
        self.status.banner = self.app.banner
        yield self.status
        with Horizontal(id="panes"):
            yield self.sessions_pane
            yield self.walls[0]
            yield self.timeline_pane
            yield self.walls[1]
        yield Footer()

    def on_mount(self) -> None:
        remembered = self.app.bucket.setting("panes")
        if (
            isinstance(remembered, list)
            and len(remembered) == 3
            and all(isinstance(w, int | float) for w in remembered)
        ):
            self._weights = [min(90.0, max(5.0, float(w))) for w in remembered]
        self._arrange()
        self.sessions_pane.focus_inside()
        self.call_after_refresh(self._after_first_frame)

    async def _after_first_frame(self) -> None:
        from tracetui.tui.panes.step import StepPane

        self.step_pane = StepPane(id="step")
        await self.query_one("#panes").mount(self.step_pane)
        self._arrange()

    # -- layout -------------------------------------------------------------------------------------------------------

    @property
    def panes(self) -> list[Pane]:
        return [pane for pane in (self.sessions_pane, self.timeline_pane, self.step_pane) if pane is not None]

    def _arrange(self) -> None:
        """Show the panes that fit, the one with the focus among them."""
        width = self.app.size.width
        room = 3 if width >= 120 else 2 if width >= 80 else 1
        if self._zoomed:
            room = 1
        first = {3: 0, 2: min(self._at, 1), 1: self._at}[room]
        for index, pane in enumerate(self.panes):
            pane.display = first <= index < first + room
            pane.styles.width = f"{self._weights[index]:.2f}fr"
        for index, wall in enumerate(self.walls):
            wall.display = first <= index and index + 1 < first + room and index + 1 < 3

    def on_resize(self, event: events.Resize) -> None:
        self._arrange()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        for index, pane in enumerate(self.panes):
            if pane in event.widget.ancestors_with_self and index != self._at:
                self._at = index
                self._arrange()

    def go(self, index: int) -> None:
        """Focus a pane; where it has no room now, it takes that of another."""
        if index < len(self.panes):
            self._at = index
            self._arrange()
            self.panes[index].focus_inside()

    def do_pane_1(self) -> None:
        self.go(0)

    def do_pane_2(self) -> None:
        self.go(1)

    def do_pane_3(self) -> None:
        self.go(2)

    def do_next_pane(self) -> None:
        self.go((self._at + 1) % len(self.panes))

    def do_previous_pane(self) -> None:
        self.go((self._at - 1) % len(self.panes))

    def do_zoom(self) -> None:
        self._zoomed = not self._zoomed
        self._arrange()

    def _resize_pane(self, by: float) -> None:
        others = [index for index in range(3) if index != self._at]
        self._weights[self._at] = min(80.0, max(10.0, self._weights[self._at] + by))
        rest = sum(self._weights[index] for index in others)
        for index in others:
            self._weights[index] *= (100 - self._weights[self._at]) / rest
        self._remember_widths()

    def why_wider(self) -> str | None:
        return "Only one pane is shown; there is nothing to take from." if self._alone else None

    why_narrower = why_wider

    @property
    def _alone(self) -> bool:
        return sum(bool(pane.display) for pane in self.panes) < 2

    def do_wider(self) -> None:
        self._resize_pane(4)

    def do_narrower(self) -> None:
        self._resize_pane(-4)

    def on_wall_dragged(self, message: Wall.Dragged) -> None:
        index = self.walls.index(message.wall)
        left, right = self.panes[index], self.panes[index + 1]
        start, end = left.region.x, right.region.right
        x = min(max(message.x, start + _SMALLEST), end - _SMALLEST)
        both = self._weights[index] + self._weights[index + 1]
        if end - start > 2 * _SMALLEST:
            self._weights[index] = both * (x - start) / (end - start)
            self._weights[index + 1] = both - self._weights[index]
            self._remember_widths()

    def _remember_widths(self) -> None:
        self._arrange()
        if not self.app.read_only:
            self.app.bucket.set_setting("panes", [round(weight, 2) for weight in self._weights])

    # -- one level out ------------------------------------------------------------------------------------------------

    def do_back(self) -> None:
        if self._zoomed:
            self.do_zoom()
        elif self._at:
            self.go(self._at - 1)
        else:
            self.app.exit()

    # -- news from the panes ------------------------------------------------------------------------------------------

    def show_step(self, log: int, row: StepRow | None) -> None:
        """Let the step pane load a step; called after the cursor rested."""
        if self.step_pane is not None:
            if row is None:
                self.step_pane.clear()
            else:
                self.step_pane.load(log, row)


def main_screen(app: Any) -> MainScreen | None:
    """The main screen of the app, wherever the user is now."""
    return next((screen for screen in app.screen_stack if isinstance(screen, MainScreen)), None)
