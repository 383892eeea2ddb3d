"""Search over everything: as you type, grouped, cancellable, and enter lands on the step."""

from __future__ import annotations

import asyncio
import dataclasses
import threading
from collections.abc import Iterator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.tui.driving import Driver, driving
from tests.tui.fakes import NOW, FakeBucket
from tracetui.bucket.query import parse
from tracetui.bucket.query_words import in_words
from tracetui.bucket.search import SORTS
from tracetui.model import Hit, TracetuiError
from tracetui.tui.browse.search import LIMIT, HitRows, SearchScreen, snippet_spans
from tracetui.tui.browse.views import BUILT_IN
from tracetui.tui.kit.line_list import LineList
from tracetui.tui.kit.styles import Look


def hit(session: str = "s1", number: int = 1, snippet: str = "a needle here", match: tuple[int, int] = (2, 8)) -> Hit:
    return Hit(session, "claude", 1, None, number, "message", NOW, f"Title of {session}", snippet, match, 1.0)


def screen_of(driver: Driver) -> SearchScreen:
    found = driver.app.screen
    assert isinstance(found, SearchScreen)
    return found


class TestRows:
    def test_hits_stand_under_their_session(self) -> None:
        rows = HitRows()
        rows.add([hit("s1", 1), hit("s2", 5)])
        rows.add([hit("s1", 9)])
        assert [getattr(rows.hit(row), "step", None) for row in range(len(rows))] == [None, 1, 9, None, 5]
        assert [rows.selectable(row) for row in range(len(rows))] == [False, True, True, False, True]
        assert (rows.hits, rows.sessions) == (3, 2)

    @given(
        st.text(st.sampled_from("ab \n\t\x1b日🎉[/]"), max_size=200),
        st.integers(-3, 210),
        st.integers(-3, 210),
        st.integers(12, 60),
    )
    def test_the_match_can_always_be_seen(self, snippet: str, start: int, end: int, width: int) -> None:
        spans = snippet_spans(hit(snippet=snippet, match=(start, end)), Look({}), width)
        before, match, _ = (text for text, _ in spans)
        assert all(text.isprintable() for text, _ in spans)
        low = min(max(0, start), len(snippet))
        assert len(match) == max(0, min(max(low, end), len(snippet)) - low)
        if cell_len(match) <= width // 3:
            assert cell_len(before) + cell_len(match) <= width


async def test_typing_finds_and_enter_lands_on_the_step() -> None:
    async with driving() as driver:
        await driver.press("F", *"pytest")
        assert "every step of 8 sessions" in driver.lines[0]
        assert "hits in 8 sessions" in driver.lines[1]
        assert "Fix the flaky rate-limit test" in driver.screen
        await driver.press("enter", "j", "enter")
        assert driver.app.screen is driver.main
        assert driver.app.focused is driver.timeline.rows
        current = driver.timeline.current
        assert current is not None
        assert (current.log, current.number) == (1, 10)
        await driver.press("F")
        assert screen_of(driver).text == "pytest", "the query stays"


async def test_escape_goes_back_and_nothing_changes() -> None:
    async with driving() as driver:
        before = driver.timeline.session
        await driver.press("F", *"pytest", "escape")
        assert driver.app.screen is driver.main
        assert driver.timeline.session is before


async def test_nothing_found_and_nothing_typed_say_so() -> None:
    async with driving() as driver:
        await driver.press("F")
        assert "Type to search." in driver.screen
        await driver.press(*"zzz")
        assert "Nothing found." in driver.screen
        await driver.press("backspace", "backspace", "backspace")
        assert "Type to search." in driver.screen


async def test_a_bad_term_or_pattern_is_said_in_line() -> None:
    bucket = FakeBucket.filled()

    def search(query: Any, regex: bool = False, **_: Any) -> Iterator[Hit]:
        if regex:
            raise TracetuiError("missing ): (", status=2)
        yield hit()

    bucket.search = search  # type: ignore[method-assign, assignment]
    async with driving(bucket) as driver:
        await driver.press("F", *"kind:nonsense")
        assert "nonsense is not known" in driver.screen
        await driver.press("ctrl+r")
        assert "pattern (RE2)" in driver.lines[0]
        assert "missing ): (" in driver.screen


async def test_the_sort_is_asked_for_and_said() -> None:
    bucket = FakeBucket.filled()
    asked: list[str] = []

    def search(query: Any, sort: str = "newest", **_: Any) -> Iterator[Hit]:
        asked.append(sort)
        yield hit()

    bucket.search = search  # type: ignore[method-assign, assignment]
    async with driving(bucket) as driver:
        await driver.press("F", *"x")
        await driver.press("ctrl+s")
        assert asked == ["newest", "score"]
        assert "best first" in driver.lines[0]


async def test_hits_come_as_they_are_found_and_older_searches_are_dropped() -> None:
    bucket = FakeBucket.filled()
    go_on = threading.Event()
    ended: list[str] = []

    def search(query: Any, cancelled: Any = None, **_: Any) -> Iterator[Hit]:
        word = query.words[0]
        for number in range(1, 45):
            yield hit(word, number)
        if word == "slow":
            while not cancelled() and not go_on.wait(0.01):
                pass
            yield hit(word, 99)
        ended.append(word)

    bucket.search = search  # type: ignore[method-assign, assignment]
    async with driving(bucket) as driver:
        await driver.press("F")
        await driver.pilot.press(*"slow")
        for _ in range(100):
            await driver.pilot.pause(0.02)
            if "so far" in driver.screen:
                break
        assert "40 hits in 1 session so far" in driver.lines[1]
        await driver.pilot.press("x")
        await driver.settle()
        assert "Title of slowx" in driver.screen
        assert "Title of slow " not in driver.screen
        assert "44 hits in 1 session" in driver.lines[1]
        go_on.set()
        await driver.settle()
        assert "slow" not in ended, "cancelled, not finished"
        assert ended[-1] == "slowx"


async def test_only_so_many_hits_are_shown_and_that_is_said() -> None:
    bucket = FakeBucket.filled()
    bucket.search = lambda query, **_: (hit("s", n) for n in range(1, 10_000))  # type: ignore[method-assign, assignment]
    async with driving(bucket) as driver:
        await driver.press("F", *"x")
        rows = driver.app.screen.query_one("#hits", LineList).source
        assert isinstance(rows, HitRows)
        assert rows.hits == LIMIT
        assert f"first {LIMIT} hits" in driver.lines[1]


async def test_help_names_every_key_that_works_and_finds_them() -> None:
    async with driving() as driver:
        await driver.press("2", "question_mark")
        assert "Go to the next prompt." in driver.screen
        await driver.press("slash", *"prompt previous")
        assert "Go to the previous prompt." in driver.screen
        assert "Mark the session as read." not in driver.screen
        await driver.press("enter", "question_mark")
        assert driver.app.screen is driver.main


async def test_help_carries_out_what_is_chosen() -> None:
    async with driving() as driver:
        await driver.press("question_mark", "slash", *"whole screen", "enter", "enter")
        assert driver.app.screen is driver.main
        assert driver.sessions.size.width == 120


async def test_the_palette_does_what_it_names() -> None:
    async with driving() as driver:
        await driver.press("colon", *"full size", "enter")
        assert driver.app.screen is driver.main
        assert driver.sessions.size.width == 120
        from tracetui.tui.kit.actor import offers

        assert len(offers(driver.app, everywhere=True)) < 150


async def test_the_palette_says_why_something_cannot_be_done() -> None:
    async with driving() as driver:
        await driver.press("colon", *"stop indexing")
        assert "Nothing is being indexed" in driver.screen
        await driver.press("enter")
        assert driver.said == "Nothing is being indexed or worked out."


async def test_themes_can_be_chosen() -> None:
    async with driving() as driver:
        await driver.press("T", *"high", "enter")
        assert driver.app.theme == "high-contrast"
        await driver.press("enter")
        assert driver.said == "Theme high-contrast, until you leave."


async def test_a_theme_is_kept_in_the_config(tmp_path, monkeypatch) -> None:
    file = tmp_path / "config.toml"
    file.write_text("# mine\nascii = false\n")
    monkeypatch.setenv("TRACETUI_CONFIG", str(file))
    async with driving() as driver:
        await driver.press("T", *"light", "enter", "j", "enter")
        assert "from now on" in driver.said
    assert file.read_text() == '# mine\nascii = false\ntheme = "light"\n'


class TestGroups:
    def test_by_day_and_file(self) -> None:
        rows = HitRows()
        first = dataclasses.replace(hit("s1", 1), path="src/a.py")
        rows.add([first, hit("s2", 5), dataclasses.replace(hit("s1", 9), path="src/a.py", time=NOW - 3 * 86_400_000)])
        by_file = rows.grouped("file")
        assert [getattr(by_file.hit(row), "step", None) for row in range(len(by_file))] == [None, 1, 9, None, 5]
        by_day = rows.grouped("day")
        assert [getattr(by_day.hit(row), "step", None) for row in range(len(by_day))] == [None, 1, 5, None, 9]
        assert by_day.sessions == rows.sessions == 2

    def test_a_hit_tells_how_it_ended(self) -> None:
        rows = HitRows()
        failed = dataclasses.replace(hit(), failed=True, exit_code=2, duration_ms=75_000)
        edit = dataclasses.replace(hit(number=2), kind="edit", survival="lost")
        rows.add([failed, edit])
        lines = [rows.paint(row, Look({}), 100)[-1].text for row in range(len(rows))]
        assert "exit 2" in lines[1]
        assert "1m" in lines[1]
        assert "lost" in lines[2]


async def test_the_query_is_said_in_words_and_sorted_and_grouped() -> None:
    async with driving(size=(140, 40)) as driver:
        await driver.press("F", *"pytest kind:command")
        assert "commands with pytest" in driver.screen
        await driver.press("ctrl+s", "ctrl+s")
        assert "longest first, by session" in driver.lines[0]
        await driver.press("ctrl+g")
        assert "by day" in driver.lines[0]


async def test_a_preview_stands_beside_the_hits_where_there_is_room() -> None:
    for width, there in ((140, True), (80, False)):
        async with driving(size=(width, 30)) as driver:
            await driver.press("F", *"pytest")
            await asyncio.sleep(0.2)
            await driver.settle()
            assert screen_of(driver).preview.display is there
            assert (screen_of(driver)._previewed is not None) is there


async def test_a_view_is_three_keys_away_and_can_be_kept() -> None:
    async with driving() as driver:
        await driver.press("Q", "1")
        assert screen_of(driver).text == BUILT_IN[0].query
        await driver.press("escape", "F", *"needle is:prompt")
        await driver.press("f2", "escape", "Q")
        assert "Prompts with needle" in driver.screen
        await driver.press("8")
        assert screen_of(driver).text == "needle is:prompt"


def test_every_view_parses() -> None:
    for view in BUILT_IN:
        assert in_words(parse(view.query))
        assert view.sort in SORTS
