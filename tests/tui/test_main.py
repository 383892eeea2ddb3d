"""The main screen: layout at every width, moving between panes, what reaches which pane."""

from __future__ import annotations

import dataclasses
import random

import pytest
from textual.widget import Widget

from tests.tui.driving import driving
from tests.tui.fakes import FakeBucket
from tracetui.tui.browse.indexing import Indexer, IndexingProgress
from tracetui.tui.kit.query_line import QueryLine


def shown(driver) -> list[bool]:
    return [bool(pane.display) for pane in driver.main.panes]


@pytest.mark.parametrize(
    ("size", "first", "second", "third"),
    [
        ((120, 40), [True, False, False], [True, True, True], [True, True, True]),
        ((80, 24), [True, False, False], [False, True, True], [False, True, True]),
        ((60, 16), [True, False, False], [False, True, False], [False, False, True]),
    ],
)
async def test_as_many_panes_as_fit(size, first, second, third) -> None:
    async with driving(size=size) as driver:
        assert shown(driver) == first
        assert driver.main.card.display == (size[0] >= 80)
        await driver.press("2")
        assert not driver.main.card.display
        assert shown(driver) == second
        assert driver.app.focused is driver.timeline.rows
        await driver.press("3")
        assert shown(driver) == third
        await driver.press("tab")
        assert shown(driver) == first
        assert driver.app.focused is driver.sessions.rows
        await driver.press("shift+tab")
        assert shown(driver) == third


async def test_breadcrumb_below_80_columns() -> None:
    async with driving(size=(60, 16)) as driver:
        await driver.press("enter")
        title = driver.lines[1]
        assert "Timeline" in title
        assert "Fix the flaky rate-limit test" in title


async def test_full_size_and_back() -> None:
    async with driving() as driver:
        await driver.press("2", "plus")
        assert shown(driver) == [False, True, False]
        assert driver.timeline.size.width == 120
        await driver.press("escape")
        assert shown(driver) == [True, True, True]


async def test_widths_move_and_are_remembered() -> None:
    bucket = FakeBucket.filled()
    async with driving(bucket) as driver:
        before = driver.sessions.size.width
        await driver.press("greater_than_sign", "greater_than_sign")
        wider = driver.sessions.size.width
        assert wider > before
    assert sum(bucket.settings["panes"]) == pytest.approx(100)
    async with driving(bucket) as driver:
        assert driver.sessions.size.width == wider
        await driver.press("less_than_sign")
        assert driver.sessions.size.width < wider


async def test_wall_is_dragged() -> None:
    async with driving() as driver:
        wall = driver.main.arrangement.walls[0]
        x = wall.region.x
        await driver.pilot.mouse_down(wall, offset=(0, 5))
        await driver.pilot.hover(offset=(x + 11, 6))
        await driver.pilot.mouse_up(offset=(x + 11, 6))
        await driver.settle()
        assert driver.main.arrangement.walls[0].region.x == pytest.approx(x + 11, abs=1)
        assert "panes" in driver.bucket.settings


async def test_damaged_settings_do_no_harm() -> None:
    bucket = FakeBucket.filled()
    bucket.settings |= {"panes": ["a", None, 3], "sessions": {"sort": "rm -rf", "group": 7}}
    async with driving(bucket) as driver:
        assert driver.main.arrangement._weights == [30, 40, 30]
        assert driver.sessions.shape.sort == "newest"


async def test_session_then_step_reach_their_panes() -> None:
    async with driving() as driver:
        assert driver.timeline.session.id == driver.bucket.sessions()[0].id
        await driver.press("j")
        assert driver.timeline.session.id == driver.bucket.sessions()[1].id
        await driver.press("enter", "j", "j", "j")
        assert driver.timeline.current.kind == "edit"
        assert ("step", (driver.timeline.session.log, 7)) in driver.bucket.calls
        await driver.press("enter")
        assert driver.main.step_pane in driver.app.focused.ancestors_with_self


async def test_holding_a_key_loads_only_where_the_cursor_rests() -> None:
    async with driving() as driver:
        await driver.press("2")
        driver.bucket.calls.clear()
        for _ in range(5):  # the pilot's own keys are 40 ms apart, a held key's are not
            driver.timeline.rows.do_down()
        await driver.settle()
        steps = [what for name, what in driver.bucket.calls if name == "step"]
        assert steps == [(driver.timeline.session.log, driver.timeline.current.number)]


async def test_q_goes_out_one_level_and_leaves() -> None:
    async with driving() as driver:
        await driver.press("enter", "enter")
        await driver.press("q")
        assert driver.app.focused is driver.timeline.rows
        await driver.press("escape")
        assert driver.app.focused is driver.sessions.rows
        await driver.press("q")
        assert not driver.app.is_running or driver.app._exit


async def test_escape_never_leaves_the_app() -> None:
    async with driving() as driver:
        await driver.press("enter", "enter", *["escape"] * 6)
        assert not driver.app._exit
        assert driver.app.focused is driver.sessions.rows
        assert driver.said == "This is the first level. Leave: q"


async def test_q_asks_once_while_logs_are_read(monkeypatch) -> None:
    monkeypatch.setattr(Indexer, "running", property(lambda self: True))
    async with driving() as driver:
        driver.main.post_message(IndexingProgress(3, 40, 2))
        await driver.press("q")
        assert not driver.app._exit
        assert driver.said.startswith("Indexing runs (3 of 40 logs): broken off")
        await driver.press("j", "q")
        assert not driver.app._exit, "asked again, since something else came between"
        await driver.press("q")
        assert driver.app._exit


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (60, 16)])
async def test_the_focus_is_never_lost(size) -> None:
    """Keys that open, move and close things, in an order that is always the same."""
    keys = ["slash", "escape", "1", "2", "3", "tab", "shift+tab", "enter", "plus", "n", "backspace", "j", "G", "z", "q"]
    order = random.Random(7)
    async with driving(FakeBucket.filled(3), size=size) as driver:
        for key in order.choices(keys, k=80):
            if key == "q" and driver.main.arrangement.at == 0:
                continue
            await driver.pilot.press(key)
            await driver.pilot.pause()
            focused = driver.app.focused
            assert focused is not None, key
            shown = [node.display for node in focused.ancestors_with_self if isinstance(node, Widget)]
            assert all(shown), f"{key}: what has the focus cannot be seen"


async def test_a_slash_comes_back_with_its_text_selected_and_completing_moves_nothing() -> None:
    async with driving() as driver:
        await driver.press("slash", *"harn")
        top = driver.sessions.region.y
        assert "harness:" in driver.screen
        await driver.press("tab", "enter")
        assert driver.sessions.region.y == top
        await driver.press("slash", "x")
        assert driver.main.query_one(QueryLine).text == "x"


async def test_an_empty_list_that_fills_keeps_the_cursor_on_the_newest_until_it_is_moved() -> None:
    bucket = FakeBucket()
    rows = FakeBucket.filled(6).rows
    async with driving(bucket) as driver:
        for count in (1, 3):
            bucket.rows = rows[-count:]
            driver.sessions.load()
            await driver.settle()
            assert driver.sessions.current.id == rows[-count].id
        await driver.press("j")
        here = driver.sessions.current.id
        bucket.rows = rows
        driver.sessions.load()
        await driver.settle()
        assert driver.sessions.current.id == here


async def test_the_cursor_row_is_seen_with_the_terminals_own_colours() -> None:
    async with driving(config={"theme": "terminal"}) as driver:
        y = driver.sessions.rows.region.y + driver.sessions.rows.line_of(driver.sessions.rows.cursor)
        strip = driver.app.screen._compositor.render_strips()[y]
        assert any(segment.style and segment.style.reverse for segment in strip)


async def test_opens_the_named_session() -> None:
    async with driving(session="00000003") as driver:
        assert driver.timeline.session.id.startswith("00000003")
        assert driver.app.focused is driver.timeline.rows
        assert driver.sessions.current.id.startswith("00000003")


async def test_unknown_session_is_said() -> None:
    async with driving(session="nope") as driver:
        assert "No session nope" in driver.said


async def test_the_top_line_counts() -> None:
    async with driving() as driver:
        assert "8 sessions · 3.1 GB kept in 402 MB" in driver.lines[0]


async def test_banner_stays() -> None:
    async with driving(banner="changed since it was sealed", read_only=True) as driver:
        assert "changed since it was sealed" in driver.lines[0]
        await driver.press("j")
        assert "changed since it was sealed" in driver.lines[0]


async def test_read_only_writes_nothing(starts) -> None:
    async with driving(read_only=True) as driver:
        await driver.press("b", "S", "d", "enter", "greater_than_sign", "I")
        assert not [name for name, _ in driver.bucket.calls if name in ("bookmark", "set_setting", "mark_seen", "note")]
        assert starts == []


async def test_below_the_list_of_a_hit_from_search() -> None:
    bucket = FakeBucket.filled()
    row = bucket.rows[3]
    async with driving(bucket) as driver:
        driver.main.open_step(row.id, 12, log=row.log)
        await driver.settle()
        assert driver.timeline.session.id == row.id
        assert driver.timeline.current.number == 12


async def test_ctrl_c_does_nothing() -> None:
    async with driving() as driver:
        await driver.press("ctrl+c")
        assert driver.app.is_running
        assert not driver.app._exit


async def test_a_broken_index_of_steps_is_survived() -> None:
    bucket = FakeBucket.filled(2)
    bucket.rows[0] = dataclasses.replace(bucket.rows[0], log=None)
    async with driving(bucket) as driver:
        assert driver.timeline.session.id == bucket.rows[0].id
        await driver.press("2", "j", "p", "x", "space")
        assert driver.app.is_running
