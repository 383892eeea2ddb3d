"""The list widget: cursor, scrolling, mixed heights, and that nothing is painted that is not seen."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from textual.app import App, ComposeResult
from textual.strip import Strip

from tracetui.tui.kit.line_list import LineList, ListSource
from tracetui.tui.kit.paint import cells, clip, clip_middle, paint
from tracetui.tui.kit.styles import Look


class Mixed:
    """Every third row a heading that cannot be chosen, the others one or two lines high; counts what is painted."""

    uniform = False

    def __init__(self, count: int) -> None:
        self.count = count
        self.painted: list[int] = []

    def __len__(self) -> int:
        return self.count

    def key(self, row: int) -> Hashable:
        return row

    def height(self, row: int) -> int:
        return 1 if row % 3 == 0 else row % 3

    def selectable(self, row: int) -> bool:
        return row % 3 != 0

    def paint(self, row: int, look: Look, width: int) -> Sequence[Strip]:
        self.painted.append(row)
        return [paint([(f"row {row} line {n}", look.style())], width) for n in range(self.height(row))]


class One(App[None]):
    def __init__(self, rows: LineList) -> None:
        super().__init__()
        self.rows = rows
        self.heard: list[tuple[str, int]] = []

    def compose(self) -> ComposeResult:
        yield self.rows

    def on_mount(self) -> None:
        self.rows.focus()

    def on_line_list_moved(self, message: LineList.Moved) -> None:
        self.heard.append(("moved", message.row))

    def on_line_list_opened(self, message: LineList.Opened) -> None:
        self.heard.append(("opened", message.row))

    @property
    def lines(self) -> list[str]:
        return ["".join(part.text for part in strip).rstrip() for strip in self.screen._compositor.render_strips()]


async def test_keys_and_scrolling() -> None:
    app = One(LineList(ListSource([f"row {n}" for n in range(1000)])))
    async with app.run_test(size=(40, 10)) as pilot:
        app.rows.reload(row=0)
        await pilot.press("j", "j", "k")
        assert app.rows.cursor == 1
        assert app.lines[1].startswith("▌row 1")
        await pilot.press("pagedown")
        assert app.rows.cursor == 10
        assert app.rows.scroll_offset.y == 1
        await pilot.press("G")
        assert app.rows.cursor == 999
        assert app.lines[-1].startswith("▌row 999")
        await pilot.press("j")
        assert app.rows.cursor == 999
        await pilot.press("pageup")
        assert app.rows.cursor == 990
        await pilot.press("g", "k")
        assert (app.rows.cursor, app.rows.scroll_offset.y) == (0, 0)
        await pilot.press("enter")
        assert app.heard[-1] == ("opened", 0)


async def test_headings_are_passed_over_and_shown_with_their_first_row() -> None:
    source = Mixed(300)
    app = One(LineList(source))
    async with app.run_test(size=(40, 10)) as pilot:
        app.rows.reload(row=0)
        await pilot.pause()
        assert app.rows.cursor == 1
        await pilot.press("j", "j")
        assert app.rows.cursor == 4
        await pilot.press("G")
        assert app.rows.cursor == 299
        assert app.lines[-1].startswith("▌row 299 line 1")
        assert app.lines[-2].startswith("▌row 299 line 0")
        await pilot.press("g")
        assert app.rows.cursor == 1
        assert app.lines[0].startswith(" row 0")
        await pilot.press("pagedown", "pagedown", "pageup", "pageup")
        assert app.rows.cursor in (1, 2)


async def test_only_what_is_seen_is_painted() -> None:
    source = Mixed(100_000)
    app = One(LineList(source))
    async with app.run_test(size=(40, 10)) as pilot:
        app.rows.reload(row=0)
        await pilot.press("G", "g", "j", "pagedown")
        assert len(source.painted) < 60
        before = len(source.painted)
        await pilot.press("k", "j")
        assert len(source.painted) == before


async def test_reload_keeps_the_row_and_its_place() -> None:
    app = One(LineList(ListSource([f"row {n}" for n in range(100)])))
    async with app.run_test(size=(40, 10)) as pilot:
        app.rows.reload(row=50)
        await pilot.press("k", "k")
        held = app.rows.cursor - app.rows.scroll_offset.y

        class Keyed(ListSource):
            def identity(self, row: int) -> Hashable:
                return self.texts[row]

        app.rows.source = Keyed(app.rows.source.texts)  # type: ignore[attr-defined]
        app.rows.reload(Keyed([f"new {n}" for n in range(7)] + [f"row {n}" for n in range(100)]))
        await pilot.pause()
        assert app.rows.cursor == 55
        assert app.rows.cursor - app.rows.scroll_offset.y == held
        app.rows.reload(Keyed([]))
        await pilot.press("j", "k", "G", "g", "pagedown", "enter")
        assert app.rows.cursor == -1


async def test_empty_list_teaches() -> None:
    app = One(LineList())
    app.rows.empty = ("Nothing here.", "Press x")
    async with app.run_test(size=(40, 10)) as pilot:
        await pilot.pause()
        assert [line for line in app.lines if line] == ["  Nothing here.", "  Press x"]


async def test_mouse() -> None:
    app = One(LineList(Mixed(30)))
    async with app.run_test(size=(40, 10)) as pilot:
        app.rows.reload(row=0)
        await pilot.click(LineList, offset=(3, 5))
        assert app.rows.cursor == 4
        await pilot.click(LineList, offset=(3, 4))  # a heading
        assert app.rows.cursor == 4
        await pilot.click(LineList, offset=(3, 2), times=2)
        assert app.heard[-1] == ("opened", 2)
        await pilot._post_mouse_events([__import__("textual.events").events.MouseScrollDown], LineList, (3, 3))
        await pilot.pause()
        assert app.rows.scroll_offset.y > 0
        assert app.rows.cursor == 2


async def test_a_narrow_screen_and_a_resize() -> None:
    app = One(LineList(ListSource(["日本語の長い題名です" * 3, "x" * 200])))
    async with app.run_test(size=(12, 4)) as pilot:
        app.rows.reload(row=0)
        await pilot.pause()
        assert all(cells(line) <= 12 for line in app.lines)
        await pilot.resize_terminal(30, 3)
        await pilot.pause()
        assert cells(app.lines[1]) <= 30
        assert app.lines[1].endswith("…")


def test_clips() -> None:
    assert clip("abcdef", 4) == "abc…"
    assert clip("日本語", 4) == "日…"
    assert clip("abc", 0) == ""
    for width in range(1, 30):
        for text in ("src/very/long/way/to/limit.py", "日本/語の/長い/題名.py", "abc"):
            assert cells(clip(text, width)) <= width
            assert cells(clip_middle(text, width)) <= width
    assert clip_middle("src/very/long/way/to/limit.py", 16).endswith("to/limit.py")
