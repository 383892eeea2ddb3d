"""A line that says what goes on, or a verdict in large letters with a sentence below it."""

from __future__ import annotations

from textual.strip import Strip
from textual.widget import Widget

from tracetui.tui.capsule.large_letters import large
from tracetui.tui.kit.paint import clip, paint
from tracetui.tui.kit.styles import Look

__all__ = ["Large"]


class Large(Widget):
    """``show`` gives it a word in large letters (``told`` below it), or a plain line."""

    DEFAULT_CSS = "Large { height: 6; } Large.-plain { height: 1; }"

    def __init__(self) -> None:
        super().__init__(id="verdict-large")
        self.word, self.role, self.told = "", "", ""

    def show(self, word: str, role: str, *, plain: bool = False, told: str = "") -> None:
        self.word, self.role, self.told = word, role, told
        self.set_class(plain, "-plain")
        self.refresh()

    def render_line(self, y: int) -> Strip:
        look, width = Look.of_widget(self), self.size.width
        plain = self.has_class("-plain")
        lines = [self.word] if plain else large(self.word, width - 4, ascii_only=getattr(self.app, "ascii_only", False))
        top = 0 if plain or len(lines) > 4 else 1
        if not plain and y == 5:
            text = clip(self.told, max(1, width - 3), look.sign("ellipsis"))
            return paint([("  " + text, look.style())], width).apply_style(self.rich_style)
        text = lines[y - top] if 0 <= y - top < len(lines) else ""
        return paint([("  " + text, look.style(self.role, "b"))], width).apply_style(self.rich_style)
