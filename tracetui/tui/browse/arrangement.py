"""Which panes of the main screen are seen, how wide they are, and which has the focus."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import events

from tracetui.tui.kit.actor import Controller
from tracetui.tui.kit.pane import Wall

if TYPE_CHECKING:
    from tracetui.tui.browse.main import MainScreen

__all__ = ["ArrangementController"]

_WEIGHTS = (30, 40, 30)
_SMALLEST = 16
LIST_SHARE = 60
"""Percent of the screen that the list has beside the card, unless the user moved the wall."""


class ArrangementController(Controller["MainScreen"]):
    """With the focus in the list, from 80 columns on, the list and the card of the session under the cursor. Else three
    panes from 120 columns, two from 80 (timeline and step), and one below."""

    CONTEXTS: ClassVar[tuple[str, ...]] = ("main",)

    def __init__(self, owner: MainScreen) -> None:
        super().__init__(owner)
        self.walls = (Wall(id="wall-1"), Wall(id="wall-2"))
        self.zoomed = False
        self.at = 0
        """The pane that has or last had the focus."""
        self._weights: list[float] = list(_WEIGHTS)
        self._list = float(LIST_SHARE)

    def remember(self) -> None:
        """Take the widths that the user left."""
        remembered = self.app.bucket.setting("panes")
        if (
            isinstance(remembered, list)
            and len(remembered) == 3
            and all(isinstance(w, int | float) for w in remembered)
        ):
            self._weights = [min(90.0, max(5.0, float(w))) for w in remembered]
        share = self.app.bucket.setting("list-share")
        if isinstance(share, int | float) and not isinstance(share, bool):
            self._list = min(90.0, max(10.0, float(share)))

    @property
    def with_card(self) -> bool:
        """Whether the list stands beside the card."""
        return self.at == 0 and not self.zoomed and self.owner.app.size.width >= 80

    def arrange(self) -> None:
        """Show the panes that fit, the one with the focus among them."""
        width = self.owner.app.size.width
        self.owner.card.display = self.with_card
        if self.with_card:
            self._beside_card()
            return
        room = 3 if width >= 120 else 2 if width >= 80 else 1
        if self.zoomed:
            room = 1
        first = {3: 0, 2: min(self.at, 1), 1: self.at}[room]
        for index, pane in enumerate(self.owner.panes):
            pane.display = first <= index < first + room
            pane.styles.width = f"{self._weights[index]:.2f}fr"
        for index, wall in enumerate(self.walls):
            wall.display = first <= index and index + 1 < first + room and index + 1 < 3

    def _beside_card(self) -> None:
        for index, pane in enumerate(self.owner.panes):
            pane.display = not index
        self.owner.sessions_pane.styles.width = f"{self._list:.2f}fr"
        self.owner.card.styles.width = f"{100 - self._list:.2f}fr"
        for index, wall in enumerate(self.walls):
            wall.display = not index

    def on_resize(self, event: events.Resize) -> None:
        self.arrange()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        if event.widget is not self.owner.focused:
            return  # it went on meanwhile
        for index, pane in enumerate(self.owner.panes):
            if pane in event.widget.ancestors_with_self and index != self.at:
                self.at = index
                self.arrange()

    def go(self, index: int) -> None:
        """Focus a pane; where it has no room now, it takes that of another."""
        panes = self.owner.panes
        if index < len(panes):
            self.at = index
            self.arrange()
            panes[index].focus_inside()

    def keep_focus(self, focused: object) -> None:
        """Somebody always has the focus: a pane that is hidden gives it up late, even if it came back meanwhile."""
        if focused is None:
            self.owner.call_later(self._focus_again)

    def _focus_again(self) -> None:
        if self.owner.is_attached and self.owner.focused is None:
            self.owner.panes[self.at].focus_inside()

    def do_pane_1(self) -> None:
        self.go(0)

    def do_pane_2(self) -> None:
        self.go(1)

    def do_pane_3(self) -> None:
        self.go(2)

    def do_next_pane(self) -> None:
        self.go((self.at + 1) % len(self.owner.panes))

    def do_previous_pane(self) -> None:
        self.go((self.at - 1) % len(self.owner.panes))

    def do_zoom(self) -> None:
        self.zoomed = not self.zoomed
        self.arrange()

    def why_wider(self) -> str | None:
        alone = not self.with_card and sum(bool(pane.display) for pane in self.owner.panes) < 2
        return "Only one pane is shown; there is nothing to take from." if alone else None

    why_narrower = why_wider

    def do_wider(self) -> None:
        self._resize(4)

    def do_narrower(self) -> None:
        self._resize(-4)

    def _resize(self, by: float) -> None:
        if self.with_card:
            self._list = min(85.0, max(25.0, self._list + by))
            self._keep()
            return
        others = [index for index in range(3) if index != self.at]
        self._weights[self.at] = min(80.0, max(10.0, self._weights[self.at] + by))
        rest = sum(self._weights[index] for index in others)
        for index in others:
            self._weights[index] *= (100 - self._weights[self.at]) / rest
        self._keep()

    def on_wall_dragged(self, message: Wall.Dragged) -> None:
        if self.with_card:
            width = max(1, self.owner.size.width)
            self._list = min(85.0, max(25.0, 100 * message.x / width))
            self._keep()
            return
        index = self.walls.index(message.wall)
        left, right = self.owner.panes[index], self.owner.panes[index + 1]
        start, end = left.region.x, right.region.right
        x = min(max(message.x, start + _SMALLEST), end - _SMALLEST)
        both = self._weights[index] + self._weights[index + 1]
        if end - start > 2 * _SMALLEST:
            self._weights[index] = both * (x - start) / (end - start)
            self._weights[index + 1] = both - self._weights[index]
            self._keep()

    def _keep(self) -> None:
        self.arrange()
        if not self.app.read_only:
            self.app.bucket.set_setting("panes", [round(weight, 2) for weight in self._weights])
            self.app.bucket.set_setting("list-share", round(self._list, 2))
