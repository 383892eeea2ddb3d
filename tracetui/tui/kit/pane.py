"""What panes have in common: a title line that says what is listed, and a wall between panes that can be moved."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import monotonic
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.strip import Strip
from textual.timer import Timer
from textual.widget import Widget

from tracetui.text.safe import one_line
from tracetui.tui.kit.actor import Actor
from tracetui.tui.kit.background import Background
from tracetui.tui.kit.paint import Span, cells, clip, paint
from tracetui.tui.kit.styles import Look

__all__ = ["Pane", "PaneTitle", "Rest", "Wall"]


class PaneTitle(Widget):
    """``─ 2 Timeline · fix the flaky test ─────── 41 of 212 ─``; the pane with the focus has it in the accent."""

    DEFAULT_CSS = "PaneTitle { height: 1; }"

    def __init__(self, number: str, name: str) -> None:
        super().__init__()
        self._pane_number = number
        self._pane_name = name
        self._detail = ""
        self._facts = ""
        self._active = False

    def show(self, detail: str | None = None, facts: str | None = None) -> None:
        """``detail`` stands behind the name and gives way when it is tight; ``facts`` stand at the right end."""
        new = (self._detail if detail is None else one_line(detail, 300), self._facts if facts is None else facts)
        if new != (self._detail, self._facts):
            self._detail, self._facts = new
            self.refresh()

    def activate(self, active: bool) -> None:
        if active != self._active:
            self._active = active
            self.refresh()

    @property
    def text(self) -> str:
        """What the line says, for tests and breadcrumbs."""
        return " ".join(filter(None, (self._pane_name, self._detail, self._facts)))

    def render_line(self, y: int) -> Strip:
        look = Look.of_widget(self)
        width = self.size.width
        rule = look.sign("rule")
        line = look.style("line")
        name = look.style("accent", "b") if self._active else look.style("muted")
        head: list[Span] = [(rule + " ", line)]
        if self._pane_number:
            head.append((self._pane_number + " ", look.style("accent" if self._active else "muted")))
        head.append((self._pane_name, name))
        tail: list[Span] = [(f" {self._facts} ", look.style("muted")), (rule, line)] if self._facts else []
        room = width - sum(cells(text) for text, _ in head + tail) - 1
        if room < 6 and tail:
            tail = []
            room = width - sum(cells(text) for text, _ in head) - 1
        if self._detail and room > 8:
            detail = clip(self._detail, room - 5, look.sign("ellipsis"))
            head.append((f" {look.sign('dot')} ", look.style("muted")))
            head.append((detail, look.style("", "b" if self._active else "")))
        used = sum(cells(text) for text, _ in head + tail)
        head.append((" " + rule * max(0, width - used - 1), line))
        return paint([*head, *tail], width).apply_style(self.rich_style)


class Rest:
    """Calls ``then`` once the cursor rests: soon after a single move, later after moves in quick succession, so that
    what belongs to a row is not loaded while a key is held down."""

    SOON = 0.04
    LATER = 0.12

    def __init__(self, widget: Widget, then: Callable[[], None]) -> None:
        self._widget, self._then = widget, then
        self._timer: Timer | None = None
        self._moved = 0.0

    def moved(self) -> None:
        """The cursor moved just now."""
        now = monotonic()
        delay = self.SOON if now - self._moved > 2 * self.LATER else self.LATER
        self._moved = now
        if self._timer is not None:
            self._timer.stop()
        self._timer = self._widget.set_timer(delay, self._then)


class Pane(Vertical, Actor, Background):
    """A pane of the main screen. ``NUMBER`` is its key, ``NAME`` its title."""

    NUMBER: ClassVar[str] = ""
    NAME: ClassVar[str] = ""
    DEFAULT_CSS = "Pane { height: 1fr; width: 1fr; }"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.title_line = PaneTitle(self.NUMBER, self.NAME)

    def compose(self) -> ComposeResult:
        yield self.title_line
        yield from self.content()

    def content(self) -> Sequence[Widget]:
        """The widgets below the title line."""
        return ()

    def focus_inside(self) -> None:
        """Give the focus to the widget that has the pane's rows, at once: a key typed right behind belongs to it."""
        for widget in self.walk_children(Widget):
            if widget.focusable:
                self.screen.set_focus(widget, scroll_visible=False)
                return

    def on_descendant_focus(self) -> None:
        self.title_line.activate(True)

    def on_descendant_blur(self) -> None:
        self.title_line.activate(False)


class Wall(Widget):
    """The line between two panes. Dragging it moves it."""

    DEFAULT_CSS = "Wall { width: 1; height: 1fr; } Wall:hover { color: $accent; }"

    class Dragged(Message):
        """``wall`` was dragged to the column ``x`` of the screen."""

        def __init__(self, wall: Wall, x: int) -> None:
            super().__init__()
            self.wall = wall
            self.x = x

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._dragging = False

    def render_line(self, y: int) -> Strip:
        look = Look.of_widget(self)
        sign = look.sign("knee" if y == 0 else "wall")
        style = look.style("accent" if self._dragging else "line")
        return paint([(sign, style)], 1).apply_style(self.rich_style)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        self._dragging = True
        self.capture_mouse()
        self.refresh()
        event.stop()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        if self._dragging:
            self.post_message(self.Dragged(self, int(event.screen_x)))

    def on_mouse_up(self, event: events.MouseUp) -> None:
        if self._dragging:
            self._dragging = False
            self.release_mouse()
            self.refresh()
