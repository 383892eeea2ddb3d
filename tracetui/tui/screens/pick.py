"""A dialog to find one of a few hundred things by some of its letters; the palette is one."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import ClassVar, NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.strip import Strip
from textual.widgets import Input

from tracetui.text.fuzzy import FuzzyIndex, FuzzyMatch
from tracetui.text.safe import one_line
from tracetui.tui.actions import Actor, bindings
from tracetui.tui.look import Look
from tracetui.tui.rows import Span, cells, paint
from tracetui.tui.widgets.line_list import LineList

__all__ = ["Pick", "PickScreen"]


class Pick(NamedTuple):
    """``label`` is found by its letters, then ``hint``; ``key`` stands at the right end. ``why`` says why it cannot be
    chosen now."""

    label: str
    hint: str = ""
    key: str = ""
    why: str | None = None


class _Rows:
    uniform = True

    def __init__(self, picks: Sequence[Pick], matches: Sequence[FuzzyMatch]) -> None:
        self.picks, self.matches = picks, matches
        self.column = min(26, max((cells(pick.label) for pick in picks), default=0)) + 2

    def __len__(self) -> int:
        return len(self.matches)

    def key(self, row: int) -> Hashable:
        return row, self.matches[row]

    def height(self, row: int) -> int:
        return 1

    def selectable(self, row: int) -> bool:
        return True

    def paint(self, row: int, look: Look, width: int) -> Sequence[Strip]:
        match = self.matches[row]
        pick = self.picks[match.item]
        plain = look.style("muted" if pick.why else "")
        spans: list[Span] = []
        hits = {at for at in match.positions if at < len(pick.label)}
        for at, char in enumerate(pick.label):
            spans.append((char, look.style("match", "b") if at in hits else plain))
        spans.append((" " * max(2, self.column - cells(pick.label)), plain))
        spans.append((pick.why or pick.hint, look.style("muted")))
        right: list[Span] = [(pick.key + " ", look.style("muted" if pick.why else "accent"))] if pick.key else []
        return [paint(spans, width, right=right, mark=look.sign("ellipsis"))]


class PickScreen(ModalScreen[int | None], Actor):
    """Gives the index of what was picked, or None."""

    CONTEXTS: ClassVar[tuple[str, ...]] = ("jump",)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("jump")]
    DEFAULT_CSS = """
    PickScreen { align: center top; }
    PickScreen > Vertical { width: 92; max-width: 96%; height: 24; max-height: 90%; margin-top: 2;
        border: round $line; background: $background; border-title-color: $accent; border-subtitle-color: $muted; }
    PickScreen Input { border: none; height: 1; padding: 0 1; background: $background; }
    PickScreen Input:focus { border: none; background-tint: $background 0%; }
    PickScreen LineList { margin-top: 1; }
    """

    def __init__(self, title: str, picks: Sequence[Pick], *, placeholder: str = "") -> None:
        super().__init__()
        self._title = title
        self.picks = [
            Pick(one_line(p.label, 80), one_line(p.hint, 200), one_line(p.key, 30), p.why and one_line(p.why, 200))
            for p in picks
        ]
        # The hint is found too, after the label.
        self._index = FuzzyIndex([f"{pick.label}  {pick.hint}" for pick in self.picks])
        self.input = Input(placeholder=placeholder, compact=True)
        self.input.cursor_blink = False
        self.rows = LineList()
        self.rows.can_focus = False
        self.rows.empty = ("Nothing has these letters in this order.",)

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = Content(self._title).markup
            box.border_subtitle = "enter choose  esc back"
            yield self.input
            yield self.rows

    def on_mount(self) -> None:
        self.input.focus()
        self._look()

    def _look(self) -> None:
        matches = self._index.search(self.input.value, 300)
        self.rows.reload(_Rows(self.picks, matches), row=0 if matches else None, keep=False)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._look()

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self.do_go()

    def on_line_list_opened(self, message: LineList.Opened) -> None:
        message.stop()
        self.do_go()

    def on_line_list_moved(self, message: LineList.Moved) -> None:
        message.stop()

    def do_go(self) -> None:
        source = self.rows.source
        if isinstance(source, _Rows) and 0 <= self.rows.cursor < len(source):
            self.dismiss(source.matches[self.rows.cursor].item)

    def do_down(self) -> None:
        self.rows.do_down()

    def do_up(self) -> None:
        self.rows.do_up()

    def do_cancel(self) -> None:
        self.dismiss(None)
