"""A dialog that asks for one line of text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from textual import on
from textual.app import App, ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.suggester import SuggestFromList
from textual.widgets import Input, Static

from tracetui.tui.actions import bindings
from tracetui.tui.kit.actor import Actor

__all__ = ["AskScreen", "ask_line"]


class AskScreen(ModalScreen[str | None], Actor):
    """Gives the text, or None when the user went back."""

    CONTEXTS: ClassVar[tuple[str, ...]] = ("dialog",)
    BINDINGS = bindings("dialog")
    DEFAULT_CSS = """
    AskScreen { align: center middle; }
    AskScreen Vertical { width: 64; max-width: 96%; height: auto; border: round $line; padding: 0 1;
        background: $background; border-title-color: $accent; border-subtitle-color: $muted; }
    AskScreen Input { border: none; height: 1; padding: 0; background: $background; }
    AskScreen Static { color: $muted; }
    AskScreen.-low { align: center bottom; background: $background 25%; }
    AskScreen.-low > Vertical { margin-bottom: 1; }
    """

    def __init__(
        self, title: str, text: str = "", *, hint: str = "", words: Sequence[str] = (), low: bool = False
    ) -> None:
        """``words`` complete what is typed (the right arrow takes them). A ``low`` one leaves what it asks about to be
        seen."""
        super().__init__(classes="-low" if low else None)
        self._title, self._text, self._hint = title, text, hint
        self._words = words

    def compose(self) -> ComposeResult:
        box = Vertical()
        box.border_title = Content(self._title).markup
        with box:
            suggester = SuggestFromList(self._words, case_sensitive=False) if self._words else None
            yield Input(self._text, compact=True, select_on_focus=bool(self._words), suggester=suggester)
            if self._hint:
                yield Static(Content(self._hint))

    @on(Input.Submitted)
    def _done(self, event: Input.Submitted) -> None:
        event.stop()
        self.dismiss(event.value)

    def do_cancel(self) -> None:
        self.dismiss(None)


def ask_line(app: App[Any], title: str, text: str, hint: str, done: Callable[[str], None]) -> None:
    """Ask for a line and give it, without blanks at its ends, to ``done``, unless the user goes back."""
    app.push_screen(AskScreen(title, text, hint=hint), lambda said: None if said is None else done(said.strip()))
