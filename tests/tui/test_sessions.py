"""The session list: grouping, folding, sorting, filtering, jumping, marking."""

from __future__ import annotations

import dataclasses
from itertools import pairwise
from typing import Any

import pytest

from tests.tui.driving import driving
from tests.tui.fakes import DAY, HOUR, NOW, FakeBucket, make_session, make_steps
from tracetui.model import SessionRow
from tracetui.tui.browse.card import card, read_facts
from tracetui.tui.browse.columns import COLUMNS, ColumnHeader, fit
from tracetui.tui.browse.session_rows import SessionRows, Shape, survival_bar
from tracetui.tui.kit.styles import Look


def rows_of(sessions: list[SessionRow], **shape: Any) -> SessionRows:
    return SessionRows(sessions, Shape(**shape), now=NOW, home="/home/u")


def kinds(rows: SessionRows) -> list[tuple[str, str]]:
    return [(item.kind, item.name or (item.session.title if item.session else "")) for item in rows.items]


def test_grouped_by_day() -> None:
    ended = {"today": NOW - HOUR, "yesterday": NOW - DAY, "Saturday": NOW - 3 * DAY, "May": NOW - 10 * DAY}
    sessions = [make_session(n, ended=when, title=name) for n, (name, when) in enumerate(ended.items())]
    sessions.append(make_session(9, started=None, ended=None, title="no date"))
    sessions.append(make_session(10, ended=NOW - 800 * DAY, title="March 2024"))
    found = rows_of(sessions)
    heads = [item.name for item in found.items if item.kind == "head"]
    assert heads == ["today", "yesterday", "Saturday", "May", "March 2024", "no date"]
    # Every session stands below its own heading.
    assert all(
        found.items[at + 1].session.title == item.name for at, item in enumerate(found.items) if item.kind == "head"
    )


def test_grouped_by_project() -> None:
    found = rows_of([make_session(n) for n in range(6)], group="project")
    heads = [(item.name, item.number) for item in found.items if item.kind == "head"]
    assert heads == [("/home/u/src/limit", 2), ("/home/u/src/parser", 2), ("/home/u/src/infra", 2)]


def test_folded_kinds_stand_at_the_end_with_their_count() -> None:
    sessions = [make_session(n) for n in range(6)]
    for at, why in ((1, "headless"), (2, "headless"), (3, "empty"), (4, "warmup")):
        sessions[at] = dataclasses.replace(sessions[at], folded=why)
    found = rows_of(sessions, group="none")
    assert [item.kind for item in found.items] == ["session", "session", "folded", "folded", "folded"]
    assert [(item.name, item.number) for item in found.items[2:]] == [("headless", 2), ("warmup", 1), ("empty", 1)]
    opened = rows_of(sessions, group="none", unfolded=frozenset({"headless"}))
    at = next(at for at, item in enumerate(opened.items) if item.name == "headless")
    assert [item.session.id for item in opened.items[at + 1 : at + 3]] == [sessions[1].id, sessions[2].id]


def test_an_unknown_kind_of_folding_is_shown_too() -> None:
    found = rows_of([make_session(0, folded="something new")], group="none")
    assert [(item.kind, item.name) for item in found.items] == [("folded", "something new")]


def test_families_are_one_with_their_rest_folded() -> None:
    sessions = [make_session(n) for n in range(5)]
    sessions[1] = dataclasses.replace(sessions[1], forked_from=sessions[3].id)
    sessions[3] = dataclasses.replace(sessions[3], forked_from=sessions[4].id)
    found = rows_of(sessions, group="none")
    assert [item.session.id if item.session else (item.kind, item.number) for item in found.items] == [
        sessions[0].id,
        sessions[1].id,
        ("family", 2),
        sessions[2].id,
    ]
    name = found.items[2].name
    opened = rows_of(sessions, group="none", unfolded=frozenset({name}))
    assert [item.session.id for item in opened.items if item.depth and item.session] == [sessions[3].id, sessions[4].id]


def test_a_circle_of_forks_ends() -> None:
    sessions = [make_session(n) for n in range(3)]
    sessions = [dataclasses.replace(row, forked_from=sessions[(n + 1) % 3].id) for n, row in enumerate(sessions)]
    assert len([item for item in rows_of(sessions, group="none").items if item.kind == "session"]) == 1


@pytest.mark.parametrize(
    ("sort", "key"),
    [
        ("newest", lambda row: -row.ended),
        ("oldest", lambda row: row.started),
        ("steps", lambda row: -row.steps),
        ("errors", lambda row: -row.errors),
        ("size", lambda row: -row.bytes),
        ("title", lambda row: row.title.casefold()),
    ],
)
def test_sorted(sort: str, key: Any) -> None:
    sessions = [make_session(n) for n in range(9)]
    values = [key(item.session) for item in rows_of(sessions, sort=sort, group="none").items]
    assert values == sorted(values)


@pytest.mark.parametrize("one_line", [False, True])
@pytest.mark.parametrize("width", [18, 24, 34, 46, 80, 180])
def test_rows_are_exactly_as_wide_as_asked(width: int, one_line: bool) -> None:
    look = Look({"foreground": "#ffffff", "muted": "#888888"})
    hostile = "a\x1b[31m‮日本語の題名 [/] [@click=app.quit]x[/] " * 20
    sessions = [
        make_session(0, title=hostile, cwd="/日本/" + hostile, unread=True, bookmarked=True, note="n", gone=True),
        make_session(1, title=None, cwd=None, findings={"open": 3}, survival={"alive": 2, "lost": 1}),
        make_session(2, steps=123_456, edits=9_999, errors=1_000, folded="headless"),
    ]
    for group in ("day", "project", "none"):
        found = rows_of(sessions, group=group, unfolded=frozenset({"headless"}), one_line=one_line)
        for row in range(len(found)):
            strips = found.paint(row, look, width)
            assert len(strips) == found.height(row)
            assert {strip.cell_length for strip in strips} == {width}
            assert all("\x1b" not in strip.text and "‮" not in strip.text for strip in strips)


def test_survival_bar_gives_every_state_a_cell() -> None:
    look = Look({"foreground": "#ffffff"})
    spans = survival_bar({"alive": 97, "lost": 1, "reverted": 1, "transformed": 0}, 6, look)
    assert "".join(text for text, _ in spans) == "●●●●↶○"
    assert survival_bar({"alive": 0}, 6, look) == []


async def test_filter_as_you_type() -> None:
    async with driving() as driver:
        await driver.press("slash")
        await driver.press(*"harness:codex")
        assert {row.harness for row in driver.sessions.sessions} == {"codex"}
        assert "3 of 8" in driver.lines[1]
        await driver.press("enter")
        assert driver.app.focused is driver.sessions.rows
        assert "3 of 8" in driver.screen
        await driver.press("backspace")
        assert len(driver.sessions.sessions) == 8
        assert "harness:codex" not in driver.screen


async def test_tab_completes_terms_and_values() -> None:
    async with driving() as driver:
        await driver.press("slash", "h", "a", "r")
        assert "harness:" in driver.lines[2]
        await driver.press("tab")
        assert driver.main.filtering.line.text == "harness:"
        await driver.press("p", "tab")
        assert driver.main.filtering.line.text.startswith("harness:pi")


async def test_wrong_query_is_named_and_the_list_stays() -> None:
    async with driving() as driver:
        await driver.press("slash")
        driver.main.filtering.line.input.value = "since:soon"
        await driver.settle()
        assert "since" in driver.lines[1].replace("since:soon", "", 1)
        assert len(driver.sessions.sessions) == 8
        await driver.press("escape")
        assert driver.main.filtering.line is None


async def test_nothing_matches_teaches_the_way_out() -> None:
    async with driving() as driver:
        await driver.press("slash", *"zzz", "enter")
        assert "No session matches." in driver.screen
        assert "backspace" in driver.screen


async def test_sort_and_group_are_remembered() -> None:
    bucket = FakeBucket.filled()
    async with driving(bucket, size=(160, 30)) as driver:
        await driver.press("S", "S")
        assert driver.sessions.shape.sort == "steps"
        assert "most steps first" in driver.screen
        await driver.press("d")
    async with driving(bucket) as driver:
        assert (driver.sessions.shape.sort, driver.sessions.shape.group) == ("steps", "project")
        steps = [item.session.steps for item in driver.sessions.rows.source.items if item.session]
        assert max(steps) == steps[0]


async def test_the_cursor_stays_on_its_session() -> None:
    async with driving() as driver:
        await driver.press("j", "j", "j")
        name = driver.sessions.current.id
        await driver.press("d")
        assert driver.sessions.current.id == name
        driver.bucket.rows.append(make_session(99, ended=NOW, title="newer than all"))
        driver.bucket.steps_of[100] = make_steps(12, 100)
        driver.sessions.load()
        await driver.settle()
        assert driver.sessions.current.id == name
        assert "newer than all" in driver.screen


async def test_bookmark_and_note() -> None:
    async with driving() as driver:
        await driver.press("b")
        assert ("bookmark", True) in driver.bucket.calls
        assert "★" in driver.lines[4]
        await driver.press("b")
        assert "★" not in driver.lines[4]
        await driver.press("m")
        await driver.press(*"ask Ann", "enter")
        assert driver.bucket.rows[0].note == "ask Ann"
        assert "¶" in driver.lines[4]
        await driver.press("m", "escape")
        assert driver.bucket.rows[0].note == "ask Ann"
        await driver.press("m", *["backspace"] * 7, "enter")
        assert driver.bucket.rows[0].note is None


async def test_opening_marks_as_read_but_passing_by_does_not() -> None:
    bucket = FakeBucket.filled()
    bucket.rows = [dataclasses.replace(row, unread=True) for row in bucket.rows]
    async with driving(bucket) as driver:
        await driver.press("j", "j")
        assert not [call for call in bucket.calls if call[0] == "mark_seen"]
        await driver.press("enter")
        assert ("mark_seen", driver.timeline.session.id) in bucket.calls
        assert [row.unread for row in driver.sessions.sessions].count(False) == 1


async def test_fold_and_unfold_a_kind() -> None:
    bucket = FakeBucket.filled()
    bucket.rows = [dataclasses.replace(row, folded="headless" if n > 1 else None) for n, row in enumerate(bucket.rows)]
    async with driving(bucket) as driver:
        await driver.press("G")
        assert "▸ 6 headless runs" in driver.screen
        await driver.press("space")
        assert "▾ 6 headless runs" in driver.screen
        await driver.press("j", "space")
        assert "▸ 6 headless runs" in driver.screen
        await driver.press("enter")
        assert "▾ 6 headless runs" in driver.screen


async def test_jump_finds_any_session_folded_ones_too() -> None:
    bucket = FakeBucket.filled(30)
    bucket.rows[20] = dataclasses.replace(bucket.rows[20], title="Rename the quokka service", folded="headless")
    async with driving(bucket) as driver:
        await driver.press("J")
        await driver.press(*"quoser")
        assert "Rename the quokka service" in driver.screen
        await driver.press("enter")
        assert driver.timeline.session.id == bucket.rows[20].id
        assert driver.sessions.current.id == bucket.rows[20].id
        assert driver.app.focused is driver.timeline.rows


async def test_jump_down_and_escape() -> None:
    async with driving() as driver:
        before = driver.timeline.session.id
        await driver.press("J", "down", "escape")
        assert driver.timeline.session.id == before
        await driver.press("J", "down", "down", "enter")
        assert driver.timeline.session.id == driver.bucket.sessions()[2].id


async def test_many_sessions_are_all_reached() -> None:
    async with driving(FakeBucket.filled(300)) as driver:
        assert driver.sessions.title_line.text.startswith("Sessions 300")
        await driver.press("G")
        assert driver.sessions.current.id == driver.bucket.sessions()[-1].id
        await driver.press("g")
        assert driver.sessions.current.id == driver.bucket.sessions()[0].id
        assert driver.sessions.rows.scroll_offset.y == 0


async def test_mouse() -> None:
    async with driving() as driver:
        rows = driver.sessions.rows
        await driver.pilot.click(rows, offset=(5, 2))
        await driver.settle()
        second = driver.bucket.sessions()[1].id
        assert driver.sessions.current.id == second
        await driver.pilot.click(rows, offset=(5, 0))  # a heading
        await driver.settle()
        assert driver.sessions.current.id == second
        await driver.pilot.click(rows, offset=(5, 3), times=2)
        await driver.settle()
        assert driver.app.focused is driver.timeline.rows


def test_columns_come_and_go_with_the_width() -> None:
    names = [[column.id for column in fit(width)] for width in (30, 56, 70, 100, 130, 200)]
    assert all(set(less) <= set(more) for less, more in pairwise(names))
    assert {"when", "errors"} <= set(names[1])
    assert names[-1] == [column.id for column in COLUMNS]
    assert "project" not in [column.id for column in fit(130, project=False)]


async def test_a_click_on_a_head_sorts_and_the_order_is_marked() -> None:
    async with driving(size=(160, 30)) as driver:
        head = driver.lines[2]
        assert "▾when" in head
        await driver.pilot.click(ColumnHeader, offset=(head.index("failed") + 1, 0))
        await driver.settle()
        assert driver.sessions.shape.sort == "errors"
        assert "▾failed" in driver.lines[2]
        assert "most errors first" in driver.lines[1]
        for _ in range(2):
            await driver.pilot.click(ColumnHeader, offset=(head.index("when") + 1, 0))
            await driver.settle()
        assert driver.sessions.shape.sort == "oldest"


async def test_two_lines_below_100_columns_and_one_from_there_on() -> None:
    async with driving(size=(90, 24)) as driver:
        assert not driver.sessions.shape.one_line
        here = driver.sessions.current
        await driver.pilot.resize_terminal(100, 24)
        await driver.settle()
        assert driver.sessions.shape.one_line
        assert driver.sessions.current == here


def test_a_card_says_what_is_known_and_waits_for_the_rest() -> None:
    row = make_session(1, branch="main", note="ask\x1b[31m Ann", tags=("web",), cost_estimate_usd=0.42)
    bucket = FakeBucket([row], {2: make_steps(24, 2)})
    facts = read_facts(bucket, row, lambda: False)
    assert (facts.prompts, len(facts.failed), facts.outcome) == (2, 2, make_steps(24)[23].summary)
    text = card(row, facts, None, ascii_only=False).source
    for what in (
        "Port the parser",
        "≈ $0.42, API price, not what you paid",
        "Make the limiter",
        "pytest -q tests",
        "#web",
    ):
        assert what in text
    assert "\x1b" not in text
    assert "being worked out" in text
    state = {"path": "/home/u/src/parser/a.py", "added": 3, "removed": 1, "state": "alive", "reason": "exact"}
    trail = {
        "states": [{**state, "landing": "abcdef1234"}],
        "commits": {"abcdef1234": {"subject": "Add a", "time": NOW}},
    }
    text = card(row, facts, trail, ascii_only=True).source
    assert "a.py" in text
    assert "+3" in text
    assert "+ 1" in text
    assert "abcdef12  Add a" in text


async def test_the_card_follows_the_cursor() -> None:
    async with driving() as driver:
        assert "Fix the flaky rate-limit test" in driver.main.card.text.document.source
        await driver.press("j")
        assert "Port the parser" in driver.main.card.text.document.source
        await driver.press("enter")
        assert not driver.main.card.display
