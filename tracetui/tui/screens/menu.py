"""A short menu: one key each, or the cursor and enter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from textual import events

from tracetui.tui.screens.choose import ChooseScreen

__all__ = ["Choice", "MenuScreen"]


class Choice(NamedTuple):
    """``key`` is one printable character; ``hint`` says what the choice does."""

    key: str
    label: str
    hint: str = ""


class MenuScreen(ChooseScreen):
    """Gives the index of the choice, or None when the user went back. It stands low and dims little, so that what is
    decided about can still be read."""

    DEFAULT_CSS = """
    MenuScreen { align: center bottom; background: $background 25%; }
    MenuScreen > Vertical { margin-bottom: 1; }
    """

    def __init__(self, title: str, choices: Sequence[Choice], *, text: str = "", at: int = 0) -> None:
        super().__init__(title, [(f"{c.key}  {c.label}", c.hint) for c in choices], text=text, at=at)
        self._keys = [choice.key for choice in choices]

    def on_key(self, event: events.Key) -> None:
        # Keys come here before any binding, so that the list's own letters (j, k …) can be choices.
        if event.character in self._keys:
            event.stop()
            event.prevent_default()
            self.dismiss(self._keys.index(event.character or ""))
