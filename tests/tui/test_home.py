"""The home: sums, bars, calendar, what is going on; and the way from a number to what is behind it."""

from __future__ import annotations

import datetime as _dt
from pathlib import Path

import pytest
from rich.cells import cell_len

from tests.tui.driving import Driver
from tests.tui.fakes import DAY, HOUR, NOW, make_session
from tracetui.bucket import Bucket
from tracetui.bucket.activity import Group, Remedy, Totals, Waiting
from tracetui.bucket.doctor import Risk
from tracetui.demo import make
from tracetui.harness.roots import LogFile, files_of
from tracetui.model import Tokens
from tracetui.tui.app import TracetuiApp
from tracetui.tui.browse.home import HomeScreen
from tracetui.tui.browse.home_facts import Around, HomeFacts, read_around, read_sums
from tracetui.tui.browse.home_rows import HomeRows, around_rows, bar, bars, calendar_rows, group_rows, sum_rows
from tracetui.tui.kit.styles import Look

LOOK = Look({"foreground": "#ffffff"})
ASCII = Look({"foreground": "#ffffff"}, ascii_only=True)
TODAY = _dt.date(2026, 5, 12)


def totals(**values: object) -> Totals:
    made = {"sessions": 3, "steps": 120, "prompts": 9, "tool_calls": 80, "failures": 4, "active_ms": 2 * HOUR,
            "tokens": Tokens(10, 2000, 50_000), "cost_estimate_usd": 12.3, "edited": 3, "judged": 1, "lines_added": 90,
            "lines_judged": 40, "lines_standing": 30}  # fmt: skip
    return Totals(**{**made, **values})  # type: ignore[arg-type]


def facts() -> HomeFacts:
    hostile = "a\x1b[31m‮日本語 [/] " * 9
    groups = [Group("/home/u/" + hostile, totals(), "project:x"), Group("", totals(steps=5, cost_estimate_usd=0.5), "")]
    days = [Group(f"2026-05-{day:02}", totals(sessions=day % 3), "") for day in range(8, 13)]
    calendar = {TODAY - _dt.timedelta(days=back): back + 1 for back in range(0, 60, 3)}
    return HomeFacts(
        "week", "since:2026-05-11", totals(), days, {"project": groups, "model": [], "harness": groups}, calendar
    )


def around() -> Around:
    risk = Risk(make_session(2), NOW + DAY)
    remedy = Remedy("claude", 30.0, "cleanupPeriodDays", Path("/home/u/.claude/settings.json"))
    return Around([make_session(1)], make_session(0), [risk], [remedy], [Waiting("not read", 4, "is:unread")], (1, 3))


@pytest.mark.parametrize("look", [LOOK, ASCII])
@pytest.mark.parametrize("width", [20, 40, 78, 118, 200])
def test_rows_are_exactly_as_wide_as_asked(width: int, look: Look) -> None:
    made = [*sum_rows(facts()), *around_rows(around()), *calendar_rows(facts(), TODAY, 12), *group_rows(facts())]
    rows = HomeRows(made)
    for row in range(len(rows)):
        (strip,) = rows.paint(row, look, width)
        assert strip.cell_length == width
        assert cell_len(strip.text) == width
        assert "\x1b" not in strip.text
        assert "‮" not in strip.text
        if look.ascii and "日" not in strip.text:
            assert not set(strip.text) & set("█▏░▒▓▁▂▃·")


def test_every_number_has_its_query() -> None:
    queries = {row.key[1]: row.query for row in sum_rows(facts()) if row.query is not None}
    assert queries["failures"] == "since:2026-05-11 is:failed"
    assert queries["prompts"] == "since:2026-05-11 kind:prompt"
    assert len(queries) == 7
    rows = sum_rows(HomeFacts("all", "", totals()))
    assert {row.key[1]: row.query for row in rows}["sessions"] == ""


def test_bars_show_what_is_more_than_nothing() -> None:
    assert bars([0, 1, 8], LOOK) == " ▁█"
    assert bars([0, 0], LOOK) == ""
    assert bar(1.0, 4, LOOK) == "████"
    assert bar(0.001, 4, LOOK) == "▏"
    assert bar(0.0, 4, LOOK) == ""
    assert bar(0.5, 4, ASCII) == "##"


def test_the_calendar_ends_with_today_and_leaves_days_to_come_empty() -> None:
    rows = calendar_rows(facts(), TODAY, 4)
    days = {row.key[1]: row.key[2] for row in rows if row.key[0] == "day"}
    assert list(days) == ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    assert days["Tue"][-1] >= 1, "something happened today"
    assert [levels[-1] for levels in list(days.values())[2:]] == [-1] * 5


@pytest.fixture(scope="module")
def demo_bucket(tmp_path_factory: pytest.TempPathFactory) -> Path:
    demo = make(tmp_path_factory.mktemp("home"))
    bucket = Bucket.open(demo.bucket, create=True)
    bucket.capture([found for found in files_of(demo.logs) if isinstance(found, LogFile)], workers=1)
    bucket.close()
    return demo.bucket


def test_facts_are_read_for_every_period(demo_bucket: Path) -> None:
    bucket = Bucket.open(demo_bucket)
    try:
        found = {period: read_sums(bucket, period, lambda: False) for period in ("day", "week", "month", "all")}
        counts = [facts.totals.steps for facts in found.values() if facts is not None]
        assert counts == sorted(counts)
        assert read_sums(bucket, "all", lambda: True) is None
        here = read_around(bucket, lambda: False)
        assert here is not None
        assert here.survival[1] > 0
    finally:
        bucket.close()


async def test_the_home_comes_first_and_leads_to_what_is_behind_a_number(demo_bucket: Path) -> None:
    bucket = Bucket.open(demo_bucket)
    app = TracetuiApp(bucket, home=True)
    try:
        async with app.run_test(size=(120, 40)) as pilot:
            driver = Driver(app, pilot, bucket)  # type: ignore[arg-type]
            await driver.settle()
            assert isinstance(app.screen, HomeScreen)
            await driver.press("w", "w")
            assert app.screen.period == "all"
            assert "all time" in driver.screen
            assert "by project" in driver.screen
            await driver.press("escape")
            assert not app._exit
            rows = app.screen.left.source.rows
            app.screen.left.cursor = next(at for at, row in enumerate(rows) if row.key[:2] == ("sum", "failures"))
            await driver.press("enter")
            assert driver.sessions.query_text == "is:failed"
            assert driver.main.filtering.line.text == "is:failed"
            assert all(row.errors for row in driver.sessions.sessions)
            assert driver.sessions.sessions
            await driver.press("q")
            assert isinstance(app.screen, HomeScreen)
            await driver.press("s")
            assert app.focused is driver.sessions.rows
            await driver.press("H", "q")
            assert app._exit
    finally:
        bucket.close()


async def test_a_session_is_renamed_tagged_and_put_away(demo_bucket: Path) -> None:
    bucket = Bucket.open(demo_bucket)
    app = TracetuiApp(bucket)
    try:
        async with app.run_test(size=(120, 40)) as pilot:
            driver = Driver(app, pilot, bucket)  # type: ignore[arg-type]
            await driver.settle()
            here = driver.sessions.current
            await driver.press("e", "end", "ctrl+u", *"Quokka", "enter")
            assert driver.sessions.current.title == "Quokka"
            assert driver.sessions.current.renamed
            await driver.press("t", *"web #Slow", "enter")
            assert driver.sessions.current.tags == ("slow", "web")
            assert "#slow #web" in driver.screen
            await driver.press("t", *["backspace"] * 3, *"-x", "enter")
            assert "is no tag" in driver.said
            await driver.press("a")
            assert here.id not in {row.id for row in driver.sessions.sessions}
            await driver.press("slash", *"is:archived", "enter")
            assert [row.id for row in driver.sessions.sessions] == [here.id]
            await driver.press("a")
            assert not driver.sessions.sessions
    finally:
        bucket.close()
