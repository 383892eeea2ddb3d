"""What is written to the terminal: no more than what changed, and never less."""

from __future__ import annotations

import re
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.geometry import Region
from textual.strip import Strip

from tracetui.tui.kit.frame import TerminalFrame

WIDTH, HEIGHT = 24, 3
CONSOLE = Console(color_system="truecolor", force_terminal=True, width=WIDTH)
PLAIN = [Style(color="red"), Style(bold=True), Style(color="#102030", bgcolor="white"), None]
PARTS = re.compile(r"\x1b\[(\d+);(\d+)H|\x1b\[([\d;]*)m|(.)", re.DOTALL)


class Screen:
    """As much of a terminal as a frame needs: positions, styles, characters of one or two cells."""

    def __init__(self) -> None:
        self.cells = {(y, x): ("?", "") for y in range(HEIGHT) for x in range(WIDTH)}

    def write(self, data: str) -> None:
        x = y = 0
        style = ""
        for row, column, codes, character in PARTS.findall(data):
            if row:
                y, x = int(row) - 1, int(column) - 1
            elif character:
                for at in range(cell_len(character)):
                    self.cells[y, x + at] = (character if at == 0 else "", style)
                x += cell_len(character)
            else:
                style = "" if codes in ("", "0") else codes


def row(pieces: list[tuple[str, int]]) -> Strip:
    strip = Strip([Segment(text, PLAIN[style]) for text, style in pieces])
    return strip.adjust_cell_length(WIDTH)


texts = st.text(alphabet="ab ─中", max_size=9)
rows = st.lists(st.tuples(texts, st.integers(0, 3)), max_size=4).map(row)
screens = st.lists(rows, min_size=HEIGHT, max_size=HEIGHT)


def layout(strips: list[Strip]) -> LayoutUpdate:
    return LayoutUpdate([[strip] for strip in strips], Region(0, 0, WIDTH, HEIGHT))


@given(st.lists(screens, min_size=1, max_size=5), st.lists(st.tuples(st.integers(0, 2), rows, st.integers(1, 23))))
def test_the_terminal_shows_what_it_would_without(
    frames: list[list[Strip]], chops: list[tuple[int, Strip, int]]
) -> None:
    frame, ours, theirs = TerminalFrame(), Screen(), Screen()
    updates: list[LayoutUpdate | ChopsUpdate] = [layout(strips) for strips in frames]
    for y, strip, cut in chops:  # parts of a row, cut where no character of two cells stands
        left, right = strip.divide([cut, WIDTH])
        if left.cell_length + right.cell_length == WIDTH and "中" not in strip.text:
            pieces = [{0: left, cut: right} if at == y else {} for at in range(HEIGHT)]
            updates.append(ChopsUpdate(pieces, [(y, 0, WIDTH)], [[cut, WIDTH]] * HEIGHT))
    for update in updates:
        ours.write(frame.reduced(update).render_segments(CONSOLE))
        for part in update.render_segments(CONSOLE).split("\n"):
            theirs.write(part)
        assert ours.cells == theirs.cells


def test_what_stands_there_is_not_written_again() -> None:
    frame = TerminalFrame()
    first = [row([("a list of things", 0)]), row([("one", 1)]), row([("two", 1)])]
    assert frame.reduced(layout(first)).render_segments(CONSOLE)
    again = [row([("a list of things", 0)]), row([("one", 1)]), row([("two", 1)])]
    assert frame.reduced(layout(again)).render_segments(CONSOLE) == ""
    again[2] = row([("twa", 1)])
    assert frame.reduced(layout(again)).render_segments(CONSOLE) == "\x1b[3;3H\x1b[1ma\x1b[0m"


def test_all_is_written_when_the_terminal_shows_something_else() -> None:
    frame = TerminalFrame()
    strips = [row([(str(y), 0)]) for y in range(HEIGHT)]
    written = [frame.reduced(layout(strips)).render_segments(CONSOLE)]
    frame.forget()
    written.append(frame.reduced(layout(strips)).render_segments(CONSOLE))
    assert all(a == b for a, b in pairwise(written))


def test_an_update_that_is_never_written_is_not_taken_for_shown() -> None:
    frame = TerminalFrame()
    strips = [row([("x", 0)]) for _ in range(HEIGHT)]
    frame.reduced(layout(strips))
    assert frame.reduced(layout(strips)).render_segments(CONSOLE)
