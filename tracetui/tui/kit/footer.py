"""The bottom line: the keys that work here, the most useful first, or for a moment what the app has to say."""

from __future__ import annotations

from textual import events
from textual.strip import Strip
from textual.timer import Timer
from textual.widget import Widget

from tracetui.text.safe import one_line
from tracetui.tui.actions import keys_of
from tracetui.tui.kit.actor import Offer, offers
from tracetui.tui.kit.paint import Span, cells, paint
from tracetui.tui.kit.styles import Look

__all__ = ["Footer"]


class Footer(Widget):
    """Keys come from the registry by way of `offers`; a click does what the key does."""

    DEFAULT_CSS = "Footer { dock: bottom; height: 1; }"
    SECONDS = 5.0

    def __init__(self) -> None:
        super().__init__()
        self._offers: list[Offer] = []
        self._places: list[tuple[int, int, Offer]] = []
        self._said: tuple[str, str] | None = None
        self._timer: Timer | None = None

    def on_mount(self) -> None:
        self.screen.screen_layout_refresh_signal.subscribe(self, lambda _: None)
        self.watch(self.screen, "focused", lambda _: self.refresh_offers(), init=False)
        self.refresh_offers()

    def refresh_offers(self) -> None:
        """Ask again what can be done; cheap, and nothing is painted when nothing changed."""
        found = sorted((o for o in offers(self.app) if o.action.footer), key=lambda o: o.action.footer)
        if found != self._offers:
            self._offers = found
            self.refresh()

    def say(self, text: str, role: str = "warn") -> None:
        """Show a line in place of the keys, until a few seconds passed or a key was pressed that says more."""
        self._said = (one_line(text, 500), role)
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(self.SECONDS, self.hush)
        self.refresh()

    def hush(self) -> None:
        """Back to the keys."""
        if self._said is not None:
            self._said = None
            self.refresh()

    @property
    def said(self) -> str | None:
        return self._said[0] if self._said else None

    def render_line(self, y: int) -> Strip:
        look = Look.of_widget(self)
        width = self.size.width
        if self._said is not None:
            text, role = self._said
            return paint([(" " + text, look.style(role))], width).apply_style(self.rich_style)
        spans: list[Span] = []
        places: list[tuple[int, int, Offer]] = []
        keymap = self.app._keymap
        typing = (focused := self.screen.focused) is not None and focused.check_consume_key("a", "a")
        last = next((o for o in self._offers if o.action.id == "app.help"), None)
        room = width - 1
        tail: list[Span] = []
        if last is not None:
            tail = self._piece(last, look, keymap, typing)
            room -= sum(cells(text) for text, _ in tail) + 2
        at = 1
        for offer in self._offers:
            if offer is last:
                continue
            piece = self._piece(offer, look, keymap, typing)
            size = sum(cells(text) for text, _ in piece)
            if at + size > room:
                break
            places.append((at, at + size, offer))
            spans += [*piece, ("  ", look.style())]
            at += size + 2
        if last is not None:
            size = sum(cells(text) for text, _ in tail)
            places.append((width - 1 - size, width - 1, last))
        self._places = places
        strip = paint([(" ", look.style()), *spans], width, right=[*tail, (" ", look.style())] if tail else ())
        return strip.apply_style(self.rich_style)

    @staticmethod
    def _piece(offer: Offer, look: Look, keymap: object, typing: bool) -> list[Span]:
        keys = keys_of(offer.action, keymap if isinstance(keymap, dict) else None)
        # While a line is being typed into, letters belong to it; then another key of the action is the one to show.
        key = next((key for key in keys if not (typing and len(key) == 1)), keys[0])
        if offer.reason is not None:
            # Told from the others by its key, which has no colour: fainter text could not be read.
            return [(f"{key} {offer.action.label}", look.style("muted"))]
        return [(key, look.style("accent")), (" " + offer.action.label, look.style("muted"))]

    def on_click(self, event: events.Click) -> None:
        for start, end, offer in self._places:
            if start <= event.x < end and offer.node.is_attached:
                self.app.call_later(offer.node.action_act, offer.action.id)
                return
