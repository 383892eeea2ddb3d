"""The text viewer: rows that partition the text, offsets that come back, and one pass over the largest of texts."""

from __future__ import annotations

from array import array

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.app import App, ComposeResult

from tests.tui.driving import driving
from tracetui.text.safe import is_display_safe
from tracetui.tui.kit import themes
from tracetui.tui.kit.document import Document, DocumentMaker
from tracetui.tui.kit.text_keys import MoveController
from tracetui.tui.kit.text_view import TextView
from tracetui.tui.kit.wrap import cell_of, lay_out, offset_at, row_end

NASTY = st.text(
    st.one_of(
        st.sampled_from("ab \t\n\r\x1b\x07\x9b\u202e\u200d\u0301\ufe0f\u2028日本語🎉👍🏽⚠é"),
        st.characters(exclude_categories=("Cs",)),
    ),
    max_size=300,
)


def _rows(text: str, width: int, limit: int = 10**9, *, words: bool = True) -> list[tuple[int, int]]:
    """All rows of a text as ranges, laid out in slices of ``limit``."""
    starts, at = array("q"), 0
    while at < len(text):
        at, widest = lay_out(text, at, width, starts, limit, words=words)
        assert 0 <= widest <= width
    return list(zip(starts, [*starts[1:], len(text)]))


@given(NASTY, st.integers(4, 40), st.integers(1, 50), st.booleans())
@example("a b" * 30, 4, 7, True)
@example("日本語" * 30, 5, 1, True)
@example("\t\t\t\t\t", 4, 3, True)
def test_rows_partition_the_text(text: str, width: int, limit: int, words: bool) -> None:
    text = DocumentMaker().add(text).make().shown
    rows = _rows(text, width, words=words)
    assert "".join(text[a:b] for a, b in rows) == text
    assert all(b > a for a, b in rows)
    assert rows == _rows(text, width, limit, words=words), "slices do not matter"
    for a, b in rows:
        shown = text[a : row_end(text, a, b)]
        assert "\n" not in shown
        # A row is never wider than the screen, but for the blank that it was broken at and for one wide character.
        assert cell_of(text, a, a + len(shown.rstrip(" "))) <= max(width, 2)


@given(NASTY, st.integers(4, 40))
def test_offsets_and_cells_come_back(text: str, width: int) -> None:
    text = DocumentMaker().add(text).make().shown
    for a, b in _rows(text, width):
        end = row_end(text, a, b)
        for offset in range(a, end):
            column = cell_of(text, a, offset)
            following = cell_of(text, a, offset + 1)
            for cell in range(column, following):
                assert offset_at(text, a, end, cell) == offset
        assert offset_at(text, a, end, cell_of(text, a, end)) == end


def test_rows_break_at_blanks() -> None:
    assert [("one two three"[a:b]) for a, b in _rows("one two three", 8)] == ["one two ", "three"]
    assert [("one two thr"[a:b]) for a, b in _rows("one two thr", 7)] == ["one two ", "thr"]
    assert [("abcdefghij"[a:b]) for a, b in _rows("abcdefghij", 4)] == ["abcd", "efgh", "ij"]


@given(st.lists(NASTY, max_size=5))
def test_a_document_shows_one_safe_character_for_one(parts: list[str]) -> None:
    maker = DocumentMaker()
    for part in parts:
        maker.add(part)
    document = maker.make()
    assert len(document.shown) == len(document.source)
    assert is_display_safe(document.shown, keep_newlines=True, keep_tabs=True)
    assert [s.start for s in document.sections[1:]] == [s.end for s in document.sections[:-1]]
    for section, part in zip(document.sections, parts):
        assert document.source[section.start : section.end].startswith(part)


class _App(App[None]):
    def __init__(self, document: Document) -> None:
        super().__init__()
        themes.install(self)
        self.document = document

    def compose(self) -> ComposeResult:
        yield TextView()

    def on_mount(self) -> None:
        self.view.show(self.document)
        self.view.focus()

    @property
    def view(self) -> TextView:
        return self.query_one(TextView)


def _screen(app: App[None]) -> list[str]:
    return ["".join(segment.text for segment in strip) for strip in app.screen._compositor.render_strips()]


class TestPainting:
    """What a row looks like, and which characters its cells stand for."""

    @pytest.mark.parametrize("wrapped", [True, False])
    @pytest.mark.parametrize("skip", [0, 1, 3, 8])
    async def test_every_cell_knows_its_character(self, wrapped: bool, skip: int) -> None:
        text = "a\tb日本語🎉👍🏽 e\u0301 ⚠\ufe0f x\x1b[31m \u202eabc " * 3
        app = _App(DocumentMaker().add(text).make())
        async with app.run_test(size=(38, 12)) as pilot:
            view = app.view
            if not wrapped:
                view.controller(MoveController).do_wrap()
                view.scroll_to(x=skip, animate=False, force=True, immediate=True)
            await pilot.pause()
            left = 0 if wrapped else skip
            for row in range(len(view.rows)):
                start, end = view.rows.bounds(row)
                strip = view.render_line(row - int(view.scroll_offset.y))
                assert strip.cell_length == cell_len("".join(s.text for s in strip)) == 36
                for cell in range(36):
                    expected = offset_at(view.document.shown, start, end, cell + left)
                    _, found = app.screen._compositor.get_widget_and_offset_at(cell + 1, row)
                    assert found is not None
                    if expected < end:
                        # Textual counts the right half of a wide character to the one after it, and a character
                        # without a cell to the one before it.
                        shown = view.document.shown
                        half = cell + left > cell_of(shown, start, expected) and shown[expected] != "\t"
                        column = cell_of(shown, start, found.x)
                        places = {cell_of(shown, start, expected), cell_of(shown, start, expected + half)}
                        assert column in places, (row, cell)
                    else:
                        assert found.x >= end

    async def test_controls_are_shown_not_sent(self) -> None:
        app = _App(DocumentMaker().add("a\x1b]52;c;x\x07\x9bb\u202e\r\nnext").make())
        async with app.run_test(size=(40, 5)):
            lines = _screen(app)
            assert lines[0].rstrip() == " a␛]52;c;x␇�b�"
            assert lines[1].rstrip() == " next"


async def test_dragging_selects_source_characters() -> None:
    text = "日本語 key\tvalue\nsecond line that is long enough to be wrapped at this width\nend"
    app = _App(DocumentMaker().add(text).make())
    async with app.run_test(size=(30, 10)) as pilot:
        await pilot.mouse_down(offset=(3, 0))
        await pilot.hover(offset=(4, 1))
        await pilot.mouse_up(offset=(4, 1))
        assert app.view.selected_range() == (1, text.index("second") + 4)
        assert app.view.selected_text() == text[1 : text.index("second") + 4]
        assert app.screen.get_selected_text() == app.view.selected_text()


async def test_copied_text_has_no_controls() -> None:
    app = _App(DocumentMaker().add("a\x1b[31mb\u202e\tc").make())
    async with app.run_test(size=(30, 10)) as pilot:
        await pilot.mouse_down(offset=(1, 0))
        await pilot.hover(offset=(20, 0))
        await pilot.mouse_up(offset=(20, 0))
        assert app.screen.get_selected_text() == "a[31mb\tc"


async def test_keys_scroll_and_wrap_keeps_the_place() -> None:
    text = "\n".join(f"{n} " + "word " * 20 for n in range(200))
    app = _App(DocumentMaker().add(text).make())
    async with app.run_test(size=(50, 11)) as pilot:
        view = app.view
        await pilot.press("j", "j", "pagedown")
        assert view.scroll_offset.y == 12
        await pilot.press("g")
        assert view.scroll_offset.y == 0
        await pilot.press("G")
        assert view.scroll_offset.y == len(view.rows) - 11
        await pilot.press("k", "k", "w")
        line = view.document.shown.count("\n", 0, view.top_offset)
        assert not view.wrapped
        assert len(view.rows) == 200
        assert line >= 187
        await pilot.press("l")
        assert view.scroll_offset.x == 8
        await pilot.press("w")
        assert view.scroll_offset.x == 0


async def test_search_marks_every_place_and_walks_over_them() -> None:
    text = "x" * 500 + "\n" + "Needle and needle. [/] [bold]\n" * 3
    app = _App(DocumentMaker().add(text).make())
    async with app.run_test(size=(40, 8)) as pilot:
        view = app.view
        assert view.finding.search("NEEDLE") == 6
        await pilot.pause()
        assert view.finding.matches[view.finding.at] == 501
        assert view.scroll_offset.y > 0
        await pilot.press("n", "n")
        assert view.finding.at == 2
        await pilot.press("N")
        assert view.finding.at == 1
        assert view.finding.search("[/]") == 3, "a fixed string, never a pattern"
        assert view.finding.search("(") == 0
        assert "(" in (view.finding.why_next_match() or "")
        strip = "".join(_screen(app))
        assert "[bold]" in strip, "no markup"


async def test_ten_megabytes_are_there_at_once() -> None:
    line = "INFO 2026-05-12 request 日本 done in 12 ms path=/a/b/c/d/e/f status=200\n"
    text = line * (10_000_000 // len(line))
    app = _App(DocumentMaker().add(text, "config").make())
    async with app.run_test(size=(60, 20)) as pilot:
        view = app.view
        await pilot.pause()
        assert not view.rows.complete, "the rest is laid out between key presses"
        assert "INFO 2026" in _screen(app)[0]
        await pilot.press("G")
        assert view.rows.complete
        assert _screen(app)[-1].strip().endswith("status=200")
        assert len(view.rows) == 2 * text.count("\n")


async def test_layout_goes_on_by_itself() -> None:
    app = _App(DocumentMaker().add("word " * 200_000).make())
    async with app.run_test(size=(60, 20)) as pilot:
        for _ in range(200):
            if app.view.rows.complete:
                break
            await pilot.pause(0.01)
        assert app.view.rows.complete
        assert app.view.virtual_size.height == len(app.view.rows) > 10_000


async def test_resizing_keeps_the_first_character_on_screen() -> None:
    text = "\n".join(f"{n:04d} " + "word " * 30 for n in range(300))
    app = _App(DocumentMaker().add(text).make())
    async with app.run_test(size=(60, 12)) as pilot:
        view = app.view
        view.scroll_to(y=view.row_of(text.index("0150")), animate=False, force=True, immediate=True)
        await pilot.resize_terminal(33, 12)
        await pilot.pause()
        assert _screen(app)[0].strip().startswith("0150")


async def test_syntax_and_sections_have_colours() -> None:
    document = DocumentMaker().heading("input").add("def f(): pass", "python").add("+new\n-old\n same", "diff").make()
    app = _App(document)
    async with app.run_test(size=(40, 8)):
        from tracetui.tui.kit.styles import Look

        look = Look.of_widget(app.view)
        view = app.view
        keyword = next(s for s in view.render_line(1) if s.text == "def")
        assert keyword.style is not None
        assert keyword.style.color == look.style("code-keyword").color
        for row, text, role in ((2, "+new", "added"), (3, "-old", "removed")):
            segment = next(s for s in view.render_line(row) if s.text == text)
            assert segment.style is not None
            assert segment.style.color == look.style(role).color


async def test_a_bar_that_appears_late_stands_where_the_text_does() -> None:
    """Scrolled before the first layout told it that there is a bar at all."""
    from textual.app import App

    from tracetui.tui.kit.line_scroll import LineScroll

    class Late(App[None]):
        def compose(self) -> ComposeResult:
            yield LineScroll()

    app = Late()
    async with app.run_test(size=(40, 10)) as pilot:
        view = app.query_one(LineScroll)
        view.virtual_size = view.size.with_height(200)
        view.scroll_to(y=120, animate=False, force=True, immediate=True)
        assert not view.show_vertical_scrollbar
        await pilot.pause()
        assert view.show_vertical_scrollbar
        assert view.vertical_scrollbar.position == view.scroll_y == 120


async def test_words_that_led_here_are_marked_and_brought_into_sight() -> None:
    text = "\n".join(f"line {n}" for n in range(200)) + "\nHere is the Limit, the limit.\n"
    async with driving() as driver:
        await driver.press("2", "3")
        view = driver.main.step_pane.text
        view.show(Document(text, text))
        view.finding.hint(["limit", "[x"])
        await driver.settle()
        start = text.index("Limit")
        assert list(view.finding.hinted(0, len(text))) == [(start, start + 5), (start + 11, start + 16)]
        assert "Here is the Limit" in driver.screen
        view.finding.hint([])
        assert list(view.finding.hinted(0, len(text))) == []


async def test_a_tint_lies_behind_its_rows_to_their_end() -> None:
    text = "+ added\nplain\n"
    async with driving() as driver:
        await driver.press("2", "3")
        view = driver.main.step_pane.text
        view.show(Document(text, text, tints=((0, 7, "added-row"),)))
        await driver.settle()
        tinted, plain = view.render_line(0), view.render_line(1)
        wanted = view._look.background("added-row").bgcolor
        assert {segment.style.bgcolor for segment in tinted} == {wanted}
        assert wanted not in {segment.style.bgcolor for segment in plain}
