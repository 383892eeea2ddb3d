"""The strip of the replay player."""

from __future__ import annotations

from textual.strip import Strip
from textual.widget import Widget

from tracetui.tui.kit.paint import Span, paint
from tracetui.tui.kit.styles import Look

__all__ = ["PlayerStrip"]


class PlayerStrip(Widget):
    """One line: playing or not, how far, which step of how many, how fast."""

    DEFAULT_CSS = "PlayerStrip { height: 1; }"

    def __init__(self) -> None:
        super().__init__(id="player-strip")
        self.at, self.count, self.speed, self.playing, self.clock = 0, 0, 1.0, False, ""

    def show(self, at: int, count: int, speed: float, *, playing: bool, clock: str) -> None:
        """``at`` counts from 0; ``clock`` is how long after the first step."""
        self.at, self.count, self.speed, self.playing, self.clock = at, count, speed, playing, clock
        self.refresh()

    def render_line(self, y: int) -> Strip:
        look, width = Look.of_widget(self), self.size.width
        state = "playing" if self.playing else "paused "
        left: list[Span] = [(f" {state} ", look.style("accent" if self.playing else "muted", "b"))]
        dot = f" {look.sign('dot')} "
        facts = [f"{self.at + 1:,} of {self.count:,} steps" if self.count else "no step", f"{self.speed:g}x"]
        facts += [self.clock] if self.clock else []
        tail = dot.join(facts) + " "
        room = max(4, width - len(state) - len(tail) - 5)
        full = 0 if not self.count else max(1, round(room * (self.at + 1) / self.count))
        left.append((look.sign("bar") * full, look.sign_style("bar")))
        left.append((look.sign("rest") * (room - full), look.sign_style("rest")))
        return paint(left, width, right=[(tail, look.style())]).apply_style(self.rich_style)
