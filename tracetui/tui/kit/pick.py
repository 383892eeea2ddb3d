"""A list to choose from: a few things, some hundreds that letters narrow down, or yes and no."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.strip import Strip
from textual.widgets import Input, Static

from tracetui.text.fuzzy import FuzzyIndex, FuzzyMatch
from tracetui.text.safe import one_line
from tracetui.tui.actions import bindings
from tracetui.tui.kit.actor import Actor
from tracetui.tui.kit.background import Background, Cancelled
from tracetui.tui.kit.line_list import LineList
from tracetui.tui.kit.paint import Span, cells, clip, paint
from tracetui.tui.kit.styles import Look

if TYPE_CHECKING:
    from tracetui.bucket.store import Bucket

__all__ = ["Pick", "PickScreen", "confirmation", "lettered"]

_MOST: Final = 300
"""Rows that letters leave: more than anybody looks through."""


class Pick(NamedTuple):
    """``label`` is found by its letters, then ``hint``; ``key`` and ``fact`` stand at the right end. ``why`` says why
    it cannot be chosen now; ``letter`` chooses it at once, where nothing is typed."""

    label: str
    hint: str = ""
    key: str = ""
    why: str | None = None
    fact: str = ""
    letter: str = ""


def lettered(letter: str, label: str, hint: str = "") -> Pick:
    """A row of a menu: ``letter`` is one printable character that chooses it."""
    return Pick(f"{letter}  {label}", hint, letter=letter)


class _PickRows:
    """The picks that the letters leave, in columns of label and hint."""

    uniform = True

    def __init__(self, picks: Sequence[Pick], matches: Sequence[FuzzyMatch], *, column: int, clipped: bool) -> None:
        self.picks, self.matches = picks, matches
        self._column, self._clipped = column, clipped

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
        muted, found = look.style("muted"), look.style("match", "b")
        plain = muted if pick.why else look.style()
        column, label = self._column, pick.label
        if self._clipped:
            column = min(column, max(8, width // 2))
            label = clip(label, column - 1)
        hits = frozenset(match.positions)
        spans: list[Span] = [(char, found if at in hits else plain) for at, char in enumerate(label)]
        spans.append((" " * max(1 if self._clipped else 2, column - cells(label)), plain))
        # Where hints follow the labels at once, both are one text to look through.
        hits = frozenset(at - len(pick.label) - 2 for at in hits) if not column and not pick.why else frozenset()
        for hit, chars in groupby(enumerate(pick.why or pick.hint), key=lambda item: item[0] in hits):
            spans.append(("".join(char for _, char in chars), found if hit else muted))
        right: list[Span] = [(pick.fact + " ", muted)] if pick.fact else []
        if pick.key:
            right.append((pick.key + " ", muted if pick.why else look.style("accent")))
        return [paint(spans, width, right=right, mark=look.sign("ellipsis"))]


class PickScreen(ModalScreen[int | None], Actor, Background):
    """Gives the index of what was picked, or None.

    With a ``placeholder`` there is a line to type letters into, as the palette has. ``load`` gives the picks in a
    worker, where that takes a while. ``text`` stands above the list, ``at`` is where the cursor begins. A ``low`` one
    stands at the bottom and dims little, so that what is decided about can still be read.
    """

    CONTEXTS: ClassVar[tuple[str, ...]] = ("jump",)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("jump")]
    DEFAULT_CSS = """
    PickScreen { align: center middle; }
    PickScreen > Vertical { width: 84; max-width: 96%; height: auto; max-height: 90%; border: round $line;
        padding: 0 1; background: $background; border-title-color: $accent; border-subtitle-color: $muted; }
    PickScreen Static { color: $muted; height: auto; }
    PickScreen LineList { height: auto; max-height: 20; }
    PickScreen.-low { align: center bottom; background: $background 25%; }
    PickScreen.-low > Vertical { margin-bottom: 1; }
    PickScreen.-find { align: center top; }
    PickScreen.-find > Vertical { width: 92; height: 24; margin-top: 2; padding: 0; }
    PickScreen.-find LineList { height: 1fr; max-height: 100%; margin-top: 1; }
    PickScreen Input { border: none; height: 1; padding: 0 1; background: $background; }
    PickScreen Input:focus { border: none; background-tint: $background 0%; }
    """

    def __init__(
        self,
        title: str,
        picks: Sequence[Pick | tuple[str, str]] = (),
        *,
        placeholder: str | None = None,
        load: Callable[[Bucket, Cancelled], Sequence[Pick]] | None = None,
        text: str = "",
        at: int = 0,
        low: bool = False,
    ) -> None:
        super().__init__(classes="-find" if placeholder is not None else "-low" if low else None)
        self._title, self._text, self._at, self._load = one_line(title, 120), text, at, load
        self.input: Input | None = None
        if placeholder is not None:
            self.input = Input(placeholder=placeholder, compact=True)
            self.input.cursor_blink = False
        self.rows = LineList()
        self.rows.can_focus = self.input is None
        self.rows.empty = ("Looking.",) if load else ("Nothing has these letters in this order.",)
        self.picks, self._index = _prepared([Pick(*pick) for pick in picks])
        self._column = max((cells(pick.label) for pick in self.picks), default=0)

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = Content(self._title).markup
            box.border_subtitle = "enter choose  esc back"
            if self._text:
                yield Static(Content(self._text))
            if self.input is not None:
                yield self.input
            else:
                self.rows.styles.height = len(self.picks)
            yield self.rows

    def on_mount(self) -> None:
        (self.input or self.rows).focus()
        if self._load is None:
            self._narrow()
            return
        load = self._load

        def work(bucket: Bucket, cancelled: Cancelled) -> tuple[list[Pick], FuzzyIndex]:
            return _prepared(load(bucket, cancelled))

        def finish(made: tuple[list[Pick], FuzzyIndex]) -> None:
            self.picks, self._index = made
            self.rows.empty = ("Nothing has these letters in this order.",)
            self._narrow()

        self.ask("picks", work, finish)

    def _narrow(self) -> None:
        """Show what the letters leave; of many picks in a worker."""
        index, letters = self._index, self.input.value if self.input is not None else ""
        if self.input is None:
            self._show([FuzzyMatch(at, 0, ()) for at in range(len(self.picks))], row=self._at)
        elif self._load is None:
            self._show(index.search(letters, _MOST))
        else:
            self.background("match", lambda _: index.search(letters, _MOST), self._show)

    def _show(self, matches: Sequence[FuzzyMatch], row: int = 0) -> None:
        # What was loaded has labels of any length: its hints follow at once.
        column = self._column + 2 if self.input is None else 0 if self._load else min(26, self._column) + 2
        rows = _PickRows(self.picks, matches, column=column, clipped=self.input is None)
        self.rows.reload(rows, row=row if matches else None, keep=False)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._narrow()

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self.do_go()

    def on_key(self, event: events.Key) -> None:
        # Keys come here before any binding, so that the list's own letters (j, k …) can be choices.
        letters = [pick.letter for pick in self.picks]
        if self.input is None and event.character and event.character in letters:
            event.stop()
            event.prevent_default()
            self.dismiss(letters.index(event.character))

    def on_line_list_opened(self, message: LineList.Opened) -> None:
        message.stop()
        self.do_go()

    def on_line_list_moved(self, message: LineList.Moved) -> None:
        message.stop()

    def do_go(self) -> None:
        source = self.rows.source
        if isinstance(source, _PickRows) and 0 <= self.rows.cursor < len(source):
            self.dismiss(source.matches[self.rows.cursor].item)

    def do_down(self) -> None:
        self.rows.do_down()

    def do_up(self) -> None:
        self.rows.do_up()

    def do_cancel(self) -> None:
        self.dismiss(None)


def confirmation(title: str, text: str, *, yes: str, no: str = "Go back") -> PickScreen:
    """Asks before something that cannot be undone; ``text`` names what will be lost. The cursor stands on the way back.
    Gives 1 for yes."""
    return PickScreen(title, [(no, "nothing changes"), (yes, "")], text=text)


def _prepared(picks: Sequence[Pick]) -> tuple[list[Pick], FuzzyIndex]:
    """Picks that are safe to show, and their letters: the hint is found too, after the label."""
    safe = [
        pick._replace(
            label=one_line(pick.label, 300),
            hint=one_line(pick.hint, 300),
            key=one_line(pick.key, 30),
            why=pick.why and one_line(pick.why, 200),
        )
        for pick in picks
    ]
    return safe, FuzzyIndex([f"{pick.label}  {pick.hint}" for pick in safe])
