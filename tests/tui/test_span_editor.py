"""The editor's text: keys, mouse and screen agree on which characters are meant."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from tracetui.redact.values import Field, Mark
from tracetui.text.safe import is_display_safe
from tracetui.tui.redact.page import EditorPage, PageStep, PageUnit, Span, compose
from tracetui.tui.redact.span_editor import SpanEditor

TEXT = (
    "export KEY=sk-test-1234 # note\n"
    "日本語テキスト with wide 🎉 and key=AKIA99 end\n"
    "esc: \x1b[31mred\x1b[0m \x07bell\ttab\u202edone\n"
    + "lorem ipsum dolor " * 12
    + "\nlast"
)  # fmt: skip
AT = Field(None, 1, 0, "/a")


def page(text: str = TEXT, marks: list[Mark] | None = None) -> EditorPage:
    units = [PageUnit(AT, text, "result", 1), PageUnit(Field(None, 2, 0, "/b"), "another unit\nof it", "text", 2)]
    steps = [PageStep(1, None, "1 command", units[:1]), PageStep(2, None, "2 message", units[1:])]
    return compose(steps, {AT: marks or []})


class Bare(App[None]):
    CSS = "SpanEditor { height: 1fr; }"

    def __init__(self) -> None:
        super().__init__()
        self.editor = SpanEditor()
        self.marked: list[tuple[int, int, int]] = []
        self.editor.on_marked = lambda marked: self.marked.append(tuple(marked))

    def compose(self) -> ComposeResult:
        yield self.editor


@asynccontextmanager
async def editing(
    made: EditorPage | None = None, size: tuple[int, int] = (60, 20)
) -> AsyncIterator[tuple[Bare, SpanEditor, Pilot[None]]]:
    app = Bare()
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        app.editor.show(made or page(), cursor=0)
        app.editor.focus()
        await pilot.pause()
        yield app, app.editor, pilot


def screen(app: App[Any]) -> list[str]:
    return ["".join(segment.text for segment in strip) for strip in app.screen._compositor.render_strips()]


def meant(app: Bare) -> str:
    """The text of the last mark, in the unit."""
    start, end, anchor = app.marked[-1]
    found = app.editor.page.source_range(start, end, anchor)
    assert found is not None
    assert found[0] == AT
    return TEXT[found[1] : found[2]]


async def test_the_text_begins_at_the_top_where_nothing_is_under_decision() -> None:
    async with editing() as (app, editor, pilot):
        assert "1 command" in "".join(screen(app)[:2])
        await pilot.resize_terminal(60, 31)
        await pilot.pause()
        assert "1 command" in "".join(screen(app)[:2])
        await pilot.resize_terminal(44, 24)
        await pilot.pause()
        assert "1 command" in "".join(screen(app)[:2])
        editor.show(compose([], {}), cursor=0)
        short = compose([PageStep(1, None, "1 command", [PageUnit(AT, "a", "text", 1)])], {})
        editor.show(short, cursor=0)
        await pilot.pause()
        assert "1 command" in "".join(screen(app)[:2])
        editor.show(page(), cursor=0)
        # A span still comes into the middle third.
        editor.decide_on(Span(editor.page.shown.index("KEY"), editor.page.shown.index("KEY") + 3, "open", "g", 0))
        await pilot.pause()
        assert 24 // 3 <= next(n for n, row in enumerate(screen(app)) if "KEY" in row) < 24 * 2 // 3


async def press(pilot: Pilot[None], *keys: str) -> None:
    await pilot.press(*keys)
    await pilot.pause()


def put(editor: SpanEditor, needle: str, shown: str | None = None) -> None:
    editor.move_to(editor.page.place_of(0, TEXT.index(needle)))


async def test_motions_and_marks() -> None:
    async with editing() as (app, editor, pilot):
        put(editor, "sk-test")
        await press(pilot, "v", "f", "4", "enter")
        assert meant(app) == "sk-test-1234"
        editor.drop_selection()
        put(editor, "AKIA99")
        await press(pilot, "v", "e", "m")
        assert meant(app) == "AKIA99"
        await press(pilot, "o", "b", "b", "enter")
        assert meant(app) == "key=AKIA99"
        await press(pilot, "less_than_sign", "enter")
        assert meant(app) == "key=AKIA9"
        await press(pilot, "right_curly_bracket", "greater_than_sign", "enter")
        assert meant(app) == "ey=AKIA99"


async def test_a_mouse_takes_what_lies_under_it() -> None:
    async with editing(size=(60, 24)) as (app, editor, pilot):
        for needle, length in (("sk-test-1234", 12), ("テキスト", 4), ("AKIA99", 6), ("done", 4)):
            editor.drop_selection()
            put(editor, needle)
            x, y = editor.cursor_cell()
            editor.move_to(editor.page.place_of(0, TEXT.index(needle) + length - 1))
            x_end, y_end = editor.cursor_cell()
            await pilot.mouse_down(SpanEditor, offset=(x, y))
            await pilot.hover(SpanEditor, offset=(x_end, y_end))
            await pilot.mouse_up(SpanEditor, offset=(x_end, y_end))
            await press(pilot, "enter")
            assert meant(app) == needle


async def test_a_double_click_takes_a_key_whole() -> None:
    async with editing(size=(60, 24)) as (app, editor, pilot):
        put(editor, "test-1234")
        x, y = editor.cursor_cell()
        await pilot.click(SpanEditor, offset=(x, y), times=2)
        await press(pilot, "enter")
        assert meant(app) == "sk-test-1234"


async def test_a_selection_stays_in_its_unit() -> None:
    async with editing() as (app, editor, pilot):
        put(editor, "last")
        await press(pilot, "v", "G", "enter")
        assert meant(app) == "last"
        editor.drop_selection()
        await press(pilot, "g", "v", "enter")
        assert len(app.marked) == 1


@pytest.mark.parametrize("width", [24, 37, 60, 100])
async def test_what_is_painted_is_what_the_rows_say(width: int) -> None:
    """Every cell of the screen leads to the character that stands in it, and nothing unsafe is painted."""
    async with editing(size=(width, 40)) as (app, editor, _):
        lines = screen(app)
        for y, line in enumerate(lines):
            assert is_display_safe(line)
            row = y + int(editor.scroll_offset.y) - editor.scrolling.pad
            if not 0 <= row < len(editor.rows):
                continue
            start, end = editor.rows.bounds(row)
            shown = editor.page.shown[start:end].replace("\ufe0f", "")
            if "\t" not in shown:
                assert line[2 : 2 + len(shown)] == shown
        seen = {
            editor.offset_of(x, y)
            for y in range(40)
            for x in range(2, width)
            if 0 <= y + int(editor.scroll_offset.y) - editor.scrolling.pad < len(editor.rows)
        }
        assert seen >= {at for at, char in enumerate(editor.page.shown) if char not in "\n \u0301"} - {
            at for at in range(len(editor.page.shown)) if editor.rows.row_of(at) >= 40 - editor.scrolling.pad
        }


async def test_the_span_under_decision_is_in_the_middle_third() -> None:
    text = "\n".join(f"line {n} token{n:03d}" for n in range(300))
    spans = [text.index(f"token{n:03d}") for n in (0, 1, 40, 41, 150, 298, 299, 0)]
    marks = [Mark(at, at + 8, "open", f"g{at}") for at in sorted(set(spans))]
    async with editing(page(text, marks), size=(60, 30)) as (app, editor, pilot):
        for at in spans:
            span = editor.page.span_at(editor.page.place_of(0, at))
            editor.decide_on(span)
            await pilot.pause()
            rows = [y for y, line in enumerate(screen(app)) if text[at : at + 8] in line]
            assert len(rows) == 1
            assert 10 <= rows[0] < 20


async def test_a_decision_keeps_the_place() -> None:
    text = "\n".join(f"line {n} secret{n:03d} tail" for n in range(300))
    marks = [Mark(text.index(f"secret{n:03d}"), text.index(f"secret{n:03d}") + 9, "open", f"g{n}") for n in (20, 200)]
    made = page(text, marks)
    async with editing(made, size=(60, 30)) as (app, editor, pilot):
        editor.decide_on(made.spans[1])
        await pilot.pause()
        before = screen(app)
        done = [mark._replace(state="accepted", text="‹token:1›") for mark in marks]
        editor.show(compose(made.steps, {AT: done}))
        await pilot.pause()
        after = screen(app)
        changed = [(a, b) for a, b in zip(before, after) if a != b]
        assert len(changed) == 1
        assert "‹token:1› tail" in changed[0][1]
        row, _ = editor.rows.cell_of(editor.cursor)
        assert "line 200" in editor.page.shown[slice(*editor.rows.bounds(row))]


async def test_states_look_as_they_should() -> None:
    marks = [Mark(11, 23, "open", "a"), Mark(26, 30, "rejected", "b")]
    async with editing(page(TEXT, marks)) as (app, editor, pilot):

        def style(needle: str) -> Any:
            for strip in app.screen._compositor.render_strips():
                for segment in strip:
                    if needle in segment.text:
                        return segment.style
            return None

        assert style("sk-test-1234").underline
        assert not style("note").underline
        line = next(line for line in screen(app) if "note" in line)
        assert line.startswith("▏")
        editor.show(compose(editor.page.steps, {AT: [Mark(11, 23, "accepted", "a", "‹token:1›")]}))
        await pilot.pause()
        assert style("‹token:1›").reverse
        editor.show_plain(True)
        await pilot.pause()
        assert not style("‹token:1›").reverse


async def test_search_goes_to_places_and_round() -> None:
    async with editing() as (_, editor, pilot):
        assert editor.search("LOREM") == 12
        first = editor.cursor
        await press(pilot, "n")
        assert editor.cursor > first
        await press(pilot, "N", "N")
        assert editor.cursor == editor.finding.matches[-1]


async def test_resizing_keeps_cursor_and_marks() -> None:
    async with editing(page(TEXT, [Mark(11, 23, "open", "a")])) as (app, editor, pilot):
        put(editor, "AKIA99")
        await press(pilot, "v", "e")
        chosen = editor.selection
        for width in (30, 90, 41):
            await pilot.resize_terminal(width, 20)
            await pilot.pause()
            assert editor.selection == chosen
            assert editor.rows.width == editor.text_width
        await press(pilot, "enter")
        assert meant(app) == "AKIA99"
