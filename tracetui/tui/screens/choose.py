"""Dialogs over the screen: choose one of a few, or confirm what cannot be undone."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.strip import Strip
from textual.widgets import Static

from tracetui.text.safe import one_line
from tracetui.tui.actions import Actor, bindings
from tracetui.tui.look import Look
from tracetui.tui.rows import cells, clip, paint
from tracetui.tui.widgets.line_list import LineList

__all__ = ["ChooseScreen", "ConfirmScreen"]


class _Choices:
    """Rows of a label and what is known about it."""

    uniform = True

    def __init__(self, choices: Sequence[tuple[str, str]]) -> None:
        self.choices = [(one_line(label, 200), one_line(hint, 300)) for label, hint in choices]
        self.column = max((cells(label) for label, _ in self.choices), default=0) + 2

    def __len__(self) -> int:
        return len(self.choices)

    def key(self, row: int) -> Hashable:
        return row, self.choices[row]

    def height(self, row: int) -> int:
        return 1

    def selectable(self, row: int) -> bool:
        return True

    def paint(self, row: int, look: Look, width: int) -> Sequence[Strip]:
        label, hint = self.choices[row]
        column = min(self.column, max(8, width // 2))
        text = clip(label, column - 1)
        gap = " " * (column - cells(text))
        return [paint([(text, look.style()), (gap, look.style()), (hint, look.style("muted"))], width)]


class ChooseScreen(ModalScreen[int | None], Actor):
    """Gives the index of the choice, or None when the user went back. A choice is a label and a hint."""

    CONTEXTS: ClassVar[tuple[str, ...]] = ("dialog",)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("dialog")]
    DEFAULT_CSS = """
    ChooseScreen, ConfirmScreen { align: center middle; }
    ChooseScreen > Vertical { width: 84; max-width: 96%; height: auto; max-height: 90%; border: round $line;
        padding: 0 1; background: $background; border-title-color: $accent; border-subtitle-color: $muted; }
    ChooseScreen Static { color: $muted; height: auto; }
    ChooseScreen LineList { height: auto; max-height: 20; }
    """

    def __init__(self, title: str, choices: Sequence[tuple[str, str]], *, text: str = "", at: int = 0) -> None:
        super().__init__()
        self._title, self._text, self._at = one_line(title, 120), text, at
        self._source = _Choices(choices)

    def compose(self) -> ComposeResult:
        box = Vertical()
        box.border_title = Content(self._title).markup
        box.border_subtitle = "enter choose  esc back"
        with box:
            if self._text:
                yield Static(Content(self._text))
            rows = LineList(self._source)
            rows.styles.height = len(self._source)
            yield rows

    def on_mount(self) -> None:
        rows = self.query_one(LineList)
        rows.reload(row=self._at)
        rows.focus()

    def on_line_list_opened(self, message: LineList.Opened) -> None:
        message.stop()
        self.dismiss(message.row)

    def do_cancel(self) -> None:
        self.dismiss(None)


class ConfirmScreen(ChooseScreen):
    """Asks before something that cannot be undone; ``text`` names what will be lost. The cursor stands on the way
    back. Gives 1 for yes."""

    def __init__(self, title: str, text: str, *, yes: str, no: str = "Go back") -> None:
        super().__init__(title, [(no, "nothing changes"), (yes, "")], text=text)
