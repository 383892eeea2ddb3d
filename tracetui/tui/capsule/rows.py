"""FactRows of the lists on the capsule screens: a sign, a text, a fact at the right end; headings are passed over."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from textual.strip import Strip

from tracetui.text.safe import one_line
from tracetui.tui.kit.line_list import LineList
from tracetui.tui.kit.paint import Span, cells, clip, clip_middle, paint
from tracetui.tui.kit.styles import Look

__all__ = ["FactList", "FactRow", "FactRows", "heading"]


@dataclass(frozen=True, slots=True)
class FactRow:
    """``sign`` and ``style`` are roles of the look (``style`` of the text); ``place`` is what the row stands for;
    ``path`` texts are cut in the middle."""

    text: str
    fact: str = ""
    sign: str = ""
    style: str = ""
    head: bool = False
    place: Hashable = None
    path: bool = False


def heading(text: str, fact: str = "") -> FactRow:
    """A line that names what follows."""
    return FactRow(text, fact, head=True, style="muted")


class FactRows:
    """A source of a ``LineList``."""

    uniform = False

    def __init__(self, rows: Sequence[FactRow]) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def key(self, row: int) -> Hashable:
        found = self.rows[row]
        return (found.place, found) if found.place is not None else (row, found)

    def height(self, row: int) -> int:
        return 2 if self.rows[row].head and row else 1

    def selectable(self, row: int) -> bool:
        return not self.rows[row].head

    def paint(self, row: int, look: Look, width: int) -> Sequence[Strip]:
        found = self.rows[row]
        right: list[Span] = [(found.fact + " ", look.style("muted"))] if found.fact else []
        left: list[Span] = []
        if found.sign:
            left.append((look.sign(found.sign) + " ", look.sign_style(found.sign)))
        room = max(1, width - cells(found.fact) - 2 - sum(cells(text) for text, _ in left))
        cut = clip_middle if found.path else clip
        text = cut(one_line(found.text, 1000), room, look.sign("ellipsis"))
        left.append((text, look.style(found.style, "b" if found.head else "")))
        line = paint(left, width, right=right)
        return [paint([], width), line] if self.height(row) == 2 else [line]


class FactList(LineList):
    """A list on a screen where enter does what the whole screen is for; to go into a row stays with its other keys."""

    do_open = None  # type: ignore[assignment]

    def action_act(self, action_id: str) -> None:
        if action_id != "list.open":
            super().action_act(action_id)
        elif self.cursor >= 0:
            self.post_message(self.Opened(self, self.cursor))
