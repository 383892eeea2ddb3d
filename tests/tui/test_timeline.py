"""The timeline: rows, folding, jumping, finding, subagents, following."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path

import pytest

from tests.tui.driving import Driver, driving
from tests.tui.fakes import FakeBucket, make_log, make_session, make_steps
from tracetui.model import StepRow
from tracetui.tui.browse.outline import CODES, Fold, LogView, Outline, StepPlace
from tracetui.tui.browse.step_rows import StepPages, StepRows
from tracetui.tui.kit.badges import StepBadge
from tracetui.tui.kit.styles import Look


def one(count: int = 36, **values: object) -> FakeBucket:
    """A bucket of one session with ``count`` steps."""
    row = make_session(0, steps=count, **values)
    return FakeBucket([row], {1: make_steps(count)})


def at(driver: Driver) -> int:
    return driver.timeline.current.number


def numbers(driver: Driver) -> list[int]:
    """The step numbers on the screen, from the timeline's region."""
    region = driver.timeline.rows.region
    found = []
    for line in driver.lines[region.y : region.bottom]:
        words = line[region.x : region.right].replace("▌", " ").split()
        if words and words[0].isdigit():
            found.append(int(words[0]))
    return found


async def test_one_line_per_step_with_its_number() -> None:
    async with driving(one(), size=(140, 40)) as driver:
        await driver.press("2")
        assert numbers(driver)[:8] == [1, 2, 3, 7, 8, 9, 10, 12]
        row = next(line for line in driver.lines if " 8 command" in line)
        assert "pytest -q tests" in row
        assert "✘ exit 1" in row
        assert "4.1s" in row
        assert "3 reads, 1 search" in driver.screen


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (60, 16)])
async def test_jumps(size: tuple[int, int]) -> None:
    async with driving(one(), size=size) as driver:
        await driver.press("2")
        seen = []
        for key in ("p", "x", "x", "e", "P", "X", "E", "right_square_bracket", "left_square_bracket"):
            await driver.press(key)
            seen.append(at(driver))
        assert seen == [13, 20, 32, 33, 25, 20, 19, 25, 13]
        assert at(driver) in numbers(driver)


async def test_no_further_is_said_and_the_cursor_stays() -> None:
    async with driving(one(12)) as driver:
        await driver.press("2", "p")
        assert at(driver) == 1
        assert driver.said == "No further prompt in this session."
        await driver.press("X")
        assert driver.said == "No earlier error in this session."


async def test_runs_unfold_and_fold() -> None:
    async with driving(one()) as driver:
        await driver.press("2", "j", "j", "space")
        assert numbers(driver)[:7] == [1, 2, 3, 4, 5, 6, 7]
        await driver.press("j", "j", "space")
        assert numbers(driver)[:4] == [1, 2, 3, 7]
        assert at(driver) == 3
        await driver.press("enter")
        assert numbers(driver)[:5] == [1, 2, 3, 4, 5]
        await driver.press("w")
        assert 16 in numbers(driver)


async def test_thinking_and_events() -> None:
    async with driving(one()) as driver:
        await driver.press("2")
        assert 11 not in numbers(driver)
        await driver.press("v")
        assert 11 in numbers(driver)
        await driver.press("t")
        assert 2 not in numbers(driver)
        assert driver.said == "Thinking folded."
        await driver.press("t", "v")
        assert 2 in numbers(driver)
        assert 11 not in numbers(driver)


async def test_outline_shows_prompts_and_one_turn_unfolds() -> None:
    async with driving(one()) as driver:
        await driver.press("2", "x", "z")
        assert numbers(driver) == [1, 13, 25]
        assert at(driver) == 1
        await driver.press("p", "space")
        assert numbers(driver)[:4] == [1, 13, 14, 15]
        assert at(driver) == 13
        await driver.press("space")
        assert numbers(driver) == [1, 13, 25]
        await driver.press("x")  # an error that is folded away
        assert at(driver) == 20
        assert 20 in numbers(driver)
        await driver.press("z")
        assert numbers(driver)[:3] == [1, 2, 3]
        assert at(driver) == 20


async def test_find_marks_counts_and_walks() -> None:
    async with driving(one()) as driver:
        await driver.press("2", "slash")
        await driver.press(*"pytest")
        assert "6 matches" in driver.screen
        assert at(driver) == 8
        await driver.press("enter", "n")
        assert at(driver) == 10
        await driver.press("N", "N")
        assert at(driver) == 34
        assert driver.said == "From the end again."
        await driver.press("n")
        assert at(driver) == 8


async def test_find_unfolds_what_it_found() -> None:
    async with driving(one()) as driver:
        await driver.press("2", "slash", *"store.py", "enter")
        assert at(driver) == 4
        await driver.press("n")
        assert at(driver) == 16
        await driver.press("slash", "escape")
        assert not driver.timeline.matching.places
        await driver.press("n")
        assert driver.said == "Nothing was looked for: /"


async def test_find_without_a_match_says_so() -> None:
    async with driving(one()) as driver:
        await driver.press("2", "slash", *"zebra")
        assert "0 matches" in driver.screen
        assert at(driver) == 1


async def test_find_looks_at_this_session_only() -> None:
    async with driving(FakeBucket.filled()) as driver:
        await driver.press("2", "slash", *"pytest")
        assert len(driver.timeline.matching.places) == sum(
            step.summary.startswith("pytest") for step in driver.bucket.steps_of[driver.timeline.session.log]
        )


def with_subagent() -> FakeBucket:
    row = make_session(0, steps=20, subagents=1)
    steps = make_steps(12)
    steps[6] = dataclasses.replace(steps[6], kind="agent", summary="Explore the parser", thread="a1", tool="Task")
    inner = [dataclasses.replace(step, log=50) for step in make_steps(8)]
    inner[6] = dataclasses.replace(inner[6], kind="agent", summary="Deeper", thread="gone", tool="Task")
    bucket = FakeBucket([row], {1: steps, 50: inner})
    bucket.logs_of[row.id] = [make_log(row, 1, steps=12), make_log(row, 50, "a1", 8)]
    return bucket


async def test_subagents_unfold_below_their_step() -> None:
    async with driving(with_subagent()) as driver:
        await driver.press("2", "j", "j", "j")
        assert "▸ Explore the parser" in driver.screen
        await driver.press("space")
        assert "▾ Explore the parser" in driver.screen
        assert numbers(driver)[:4] == [1, 2, 3, 7]
        outline = driver.timeline.outline
        assert [outline.depth(row) for row in range(len(outline))][3:6] == [0, 1, 1]
        assert "└" in driver.screen
        await driver.press("j", "x")
        assert driver.timeline.outline.place(driver.timeline.rows.cursor) == StepPlace(50, 8)
        assert ("step", (50, 8)) in driver.bucket.calls
        await driver.press("h")
        assert driver.timeline.outline.place(driver.timeline.rows.cursor) == StepPlace(1, 7)
        await driver.press("space")
        assert all(driver.timeline.outline.depth(row) == 0 for row in range(len(driver.timeline.outline)))


async def test_a_subagent_without_a_log_says_so() -> None:
    async with driving(with_subagent()) as driver:
        await driver.press("2", "j", "j", "j", "space", "j", "j", "j", "j")
        assert driver.timeline.current.thread == "gone"
        await driver.press("h")
        driver.bucket.logs_of.clear()
        driver.timeline.logs = []
        await driver.press("space", "space")
        assert driver.said == "The log of this subagent is not in the bucket."


async def test_a_hit_in_a_subagent_opens_its_own_log() -> None:
    bucket = with_subagent()
    async with driving(bucket) as driver:
        driver.main.open_step(bucket.rows[0].id, 5, log=50)
        await driver.settle()
        assert driver.timeline.outline.view.log == 50
        assert at(driver) == 5
        assert "subagent a1" in driver.timeline.title_line.text
        await driver.press("h")
        assert driver.timeline.outline.view.log == 1


async def test_the_cursor_is_where_it_was_left() -> None:
    async with driving() as driver:
        await driver.press("enter", "j", "j", "j", "j")
        here = at(driver)
        await driver.press("1", "j", "enter", "1", "k", "enter")
        assert at(driver) == here


async def test_a_grown_session_keeps_the_cursor_and_shows_what_came() -> None:
    bucket = one(12)
    async with driving(bucket) as driver:
        await driver.press("2", "x")
        bucket.steps_of[1] = make_steps(24)
        bucket.rows[0] = dataclasses.replace(bucket.rows[0], steps=24)
        driver.timeline.load(bucket.rows[0])
        await driver.settle()
        assert at(driver) == 8
        assert 24 in numbers(driver)
        assert "8 of 24" in driver.timeline.title_line.text


async def test_following_reads_the_grown_log_and_stays_at_the_end(tmp_path: Path, starts) -> None:
    log = tmp_path / "log.jsonl"
    log.write_bytes(b"{}\n")
    bucket = one(12, path=str(log), bytes=3)
    async with driving(bucket) as driver:
        driver.main.capture.FOLLOW_EVERY = 0.05
        starts.clear()
        await driver.press("2", "f")
        assert "following" in driver.lines[0]
        assert at(driver) == 12
        assert starts == []
        log.write_bytes(b"{}\n{}\n")
        await driver.settle()
        await driver.settle()
        assert starts[:1] == [(str(log),)]
        bucket.steps_of[1] = make_steps(24)
        bucket.rows[0] = dataclasses.replace(bucket.rows[0], steps=24)
        driver.timeline.load(bucket.rows[0])
        await driver.settle()
        assert at(driver) == 24
        await driver.press("k", "k")
        assert at(driver) < 24
        for steps, key, where in ((26, "G", at(driver)), (28, "G", 28)):
            bucket.steps_of[1] = make_steps(steps)
            bucket.rows[0] = dataclasses.replace(bucket.rows[0], steps=steps)
            driver.timeline.load(bucket.rows[0])
            await driver.settle()
            assert at(driver) == where, "who went up stays there; who is at the end stays at the end"
            await driver.press(key)
        await driver.press("f")
        assert "following" not in driver.lines[0]


async def test_a_subagent_within_the_log_folds() -> None:
    bucket = one(12)
    bucket.steps_of[1] = [
        dataclasses.replace(
            row, sidechain=row.number in (4, 5, 6, 7), failed=row.number == 6, summary=f"do {row.number}"
        )
        for row in make_steps(12)
    ]
    async with driving(bucket) as driver:
        await driver.press("2")
        folded = numbers(driver)
        assert folded[:5] == [1, 2, 3, 4, 8]
        assert "4 steps" in driver.screen
        assert "subagent: do 4" in driver.screen
        await driver.press("j", "j", "j", "space")
        assert numbers(driver)[:8] == [1, 2, 3, 4, 5, 6, 7, 8]
        assert at(driver) == 4
        await driver.press("j", "j", "space")
        assert numbers(driver) == folded
        assert at(driver) == 4


async def test_the_log_on_screen_is_read_on_without_a_key(tmp_path: Path, starts) -> None:
    log = tmp_path / "log.jsonl"
    log.write_bytes(b"{}\n")
    bucket = one(12, path=str(log), bytes=3, cwd=str(tmp_path / "secret"))
    async with driving(bucket) as driver:
        driver.main.capture.HOT_EVERY = 0.02
        driver.main.capture.look_soon(0.02)
        starts.clear()
        await driver.press("2", "j")
        await driver.settle()
        assert starts == [], "it did not grow"
        log.write_bytes(b"{}\n{}\n")
        for _ in range(4):
            await asyncio.sleep(0.05)
            await driver.settle()
        assert set(starts) == {(str(log),)}
        assert len(starts) == 1, "what could not be read is not asked for again and again"
        assert at(driver) == 2, "the cursor stays where the reader left it"
        bucket.settings["consent"]["projects_off"] = [str(tmp_path / "secret")]
        starts.clear()
        log.write_bytes(b"{}\n{}\n{}\n")
        await asyncio.sleep(0.1)
        await driver.settle()
        assert starts == [], "whoever took the tick away is not read on"


async def test_keys_that_cannot_work_say_why() -> None:
    async with driving(one(12, gone=True)) as driver:
        await driver.press("2", "f")
        assert driver.said == "The log of this session is gone; it cannot grow."
        await driver.press("space")
        assert driver.said == "There is nothing to fold here."


async def test_empty_session() -> None:
    bucket = FakeBucket([make_session(0, steps=0)], {1: []})
    async with driving(bucket) as driver:
        await driver.press("2", "p", "x", "z", "space", "n", "slash", "a", "enter", "G", "g", "enter")
        assert "No steps in this session." in driver.screen


async def test_the_strip_points_and_is_clicked() -> None:
    async with driving(one(240), size=(120, 40)) as driver:
        await driver.press("2")
        strip = driver.timeline.strip
        assert strip.display
        assert "┃" in driver.lines[strip.region.y + 1]
        middle = strip.size.width // 2
        await driver.pilot.click(strip, offset=(middle, 1))
        await driver.settle()
        assert abs(at(driver) - 120) <= 12
        assert strip.column(at(driver)) == pytest.approx(middle - 1, abs=2)
        assert driver.app.focused is driver.timeline.rows


def test_strip_columns_and_steps_agree() -> None:
    from tracetui.tui.kit.strip import SessionStrip

    for count in (1, 2, 7, 50, 51, 1000):
        strip = SessionStrip()
        strip._kinds = bytes(count)
        strip._size = strip._size.with_width(52)
        columns = [strip.column(step) for step in range(1, count + 1)]
        assert columns == sorted(columns)
        assert columns[-1] < min(50, count)
        for column in set(columns):
            assert strip.column(strip.step_at(column)) == column


def test_pages_are_read_once_and_only_around_what_is_shown() -> None:
    bucket = one(100_000)
    bucket.calls.clear()
    pages = StepPages(bucket)  # type: ignore[arg-type]
    for number in range(50_000, 50_040):
        assert pages.get(1, number).number == number
    assert 1 <= len(bucket.calls) <= 2
    assert pages.get(1, 100_001) is None


@pytest.mark.parametrize("width", [12, 20, 34, 46, 60, 100, 160])
def test_rows_are_exactly_as_wide_as_asked(width: int) -> None:
    look = Look({"foreground": "#ffffff", "muted": "#888888"})
    hostile = "a\x1b]52;c;x\x07‮日本 [/] [@click=app.quit]x " * 30
    rows = []
    for n, kind in enumerate(CODES):
        rows.append(
            StepRow(
                1, n + 1, kind, 10**20 if n % 2 else 1, hostile if n % 3 else "", hostile, True, -(10**9), 10**12,
                None, None, "k", hostile if kind == "agent" else None, n == 3, 5, 3,
            )
        )  # fmt: skip
    bucket = FakeBucket([make_session(0)], {1: rows})
    view = LogView(1, bytes(CODES.values()), bytes(len(CODES)))
    source = StepRows(
        Outline(view, Fold(events=True)),
        StepPages(bucket),
        matches={StepPlace(1, 2)},
        badge=lambda place: StepBadge("alive", 1.0, (("alive", 1),)),
        cwd="/",
    )  # type: ignore[arg-type]
    for row in range(len(source)):
        (strip,) = source.paint(row, look, width)
        assert strip.cell_length == width
        assert sum(segment.cell_length for segment in strip) == width
        assert "\x1b" not in strip.text
        assert "\x07" not in strip.text


async def test_paths_stand_from_the_folder_of_the_session_on() -> None:
    bucket = one(12, cwd="/home/u/src/limit")
    bucket.steps_of[1][6] = dataclasses.replace(bucket.steps_of[1][6], summary="/home/u/src/limit/deep/er/limit.py")
    async with driving(bucket) as driver:
        await driver.press("2")
        row = next(line for line in driver.lines if " 7 edit" in line)
        assert " deep/er/limit.py" in row
        assert "/home/u" not in row


async def test_parts_are_gone_through_one_after_another(tmp_path: Path) -> None:
    from tests.bucket.logs import session_of, uuid_of
    from tests.bucket.test_parts import rooted
    from tracetui.bucket import Bucket

    one, two = session_of(uuid_of(1), 2), session_of(uuid_of(1), 1)
    two.count, two.at = 100, 500
    two.prompt("go on elsewhere").message("here I am")
    with Bucket.open(tmp_path / "bucket", create=True) as bucket:
        for place, log in (("a", one), ("b", two)):
            bucket.capture(rooted(log.write(tmp_path / place / f"{uuid_of(1)}.jsonl")))
        async with driving(bucket) as driver:
            await driver.press("2")
            assert "part 1 of 2" in driver.screen
            assert numbers(driver) == [1, 2, 3, 4, 5, 6]
            await driver.press("tilde")
            assert "part 2 of 2" in driver.screen
            assert numbers(driver) == [4, 5], "what the first part tells stands there"
            assert "go on elsewhere" in driver.screen
            await driver.press("V")
            assert "first part" in driver.said
            await driver.press("tilde")
            assert numbers(driver) == [1, 2, 3, 4, 5, 6]


async def test_terms_filter_the_timeline_and_words_mark() -> None:
    async with driving(size=(140, 40)) as driver:
        timeline = driver.timeline
        await driver.press("2")
        outline = timeline.outline
        assert outline is not None
        every = len(outline)
        await driver.press("/", *"kind:edit", "enter")
        assert timeline.fold.only is not None
        assert timeline.outline is not None
        shown = timeline.outline
        assert 0 < len(shown) < every
        assert {shown.view_of(row).kinds[shown.number(row) - 1] for row in range(len(shown))} == {CODES["edit"]}
        assert "edits" in driver.screen
        hidden = next(n for n in range(1, len(outline.view) + 1) if not shown.shows(n))
        timeline.go_to(hidden)
        assert timeline.fold.only is None, "what is gone to is never hidden"
        await driver.press("/", "escape")
        assert len(timeline.outline or ()) == every
