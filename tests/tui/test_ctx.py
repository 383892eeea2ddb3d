"""The Ctx tab and the screen of a context, over a real bucket with made-up logs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import orjson
import pytest

from tests.harness import claude_logs
from tests.harness.claude_logs import SESSION, call, text, usage
from tests.tui.driving import Driver
from tracetui.bucket import Bucket
from tracetui.harness.roots import LogFile
from tracetui.tui.app import TracetuiApp
from tracetui.tui.ctx.comparing import CompareController
from tracetui.tui.ctx.rows import CtxRows
from tracetui.tui.ctx.screen import CtxScreen

HOSTILE = "evil \x1b]52;c;eA==\x07 \u202e [/red] [@click=app.quit]x[/]"


def _log() -> claude_logs.Log:
    log = claude_logs.Log()
    log.user("Make the limiter survive a restart.")  # 1
    log.answer(call("t1", "Read", file_path="/x/limit.py"), tokens=usage(9, read=15_000))  # 2
    log.done("t1", "class Limiter: pass\n" * 200)
    log.answer(call("t2", "Read", file_path="/x/limit.py"), tokens=usage(9, read=17_000))  # 3
    log.done("t2", "class Limiter: pass\n" * 200)
    log.answer(text("It keeps its count in memory."), tokens=usage(9, read=19_000))  # 4
    log.user(HOSTILE)  # 5
    log.answer(text("No."), tokens=usage(9, read=19_100))  # 6
    log.system("compact_boundary", parentUuid=None, logicalParentUuid=log.last)  # 7
    log.user("They talked about a limiter.", isCompactSummary=True)
    log.user("Go on.")  # 8
    log.answer(text("Going."), tokens=usage(9, read=15_100))  # 9
    return log


@asynccontextmanager
async def opened(tmp_path: Path, size: tuple[int, int] = (120, 40)) -> AsyncIterator[Driver]:
    path = tmp_path / "logs" / f"{SESSION}.jsonl"
    path.parent.mkdir()
    path.write_bytes(_log().bytes())
    found = path.stat()
    bucket = Bucket.open(tmp_path / "bucket", create=True)
    bucket.capture([LogFile(str(path), str(path.parent), found.st_size, found.st_mtime_ns, found.st_ino, found.st_dev)])
    bucket.set_setting("consent", {"harnesses": None, "projects_off": [], "at": 1})
    try:
        app = TracetuiApp(bucket)
        async with app.run_test(size=size) as pilot:
            driver = Driver(app, pilot, cast(Any, bucket))
            await driver.settle()
            await driver.press("enter")
            yield driver
    finally:
        bucket.close()


async def at_step(driver: Driver, step: int) -> None:
    driver.timeline.go_to(step)
    await driver.settle()


def screen(driver: Driver) -> CtxScreen:
    assert isinstance(driver.app.screen, CtxScreen)
    return driver.app.screen


def rows(driver: Driver) -> CtxRows:
    source = screen(driver).rows.source
    assert isinstance(source, CtxRows)
    return source


async def test_the_tab_tells_sizes_and_segments(tmp_path: Path) -> None:
    async with opened(tmp_path) as driver:
        await at_step(driver, 4)
        assert driver.main.step_pane is not None
        await driver.press("3", "right_square_bracket")
        shown = driver.main.step_pane.text.document.shown
        assert "tokens reported" in shown
        assert "tool result" in shown
        assert "Make the limiter survive a restart." in shown
        assert "It keeps its count" not in shown
        await at_step(driver, 5)
        assert "No model produced this step." in driver.main.step_pane.text.document.shown
        await at_step(driver, 6)
        shown = driver.main.step_pane.text.document.shown
        assert "\x1b" not in shown
        assert "\u202e" not in shown


async def test_segments_open_to_their_text_and_lead_to_their_origin(tmp_path: Path) -> None:
    async with opened(tmp_path) as driver:
        await at_step(driver, 4)
        await driver.press("C")
        assert len(rows(driver)) == 5
        assert "Make the limiter survive" in screen(driver).text.document.source
        await driver.press("j", "j")
        assert "class Limiter" in screen(driver).text.document.source
        assert "not in the log" in driver.screen
        await driver.press("o")
        assert driver.app.screen is driver.main
        assert driver.timeline.current is not None
        assert driver.timeline.current.number == 2


async def test_search_compare_and_what_filled_it(tmp_path: Path) -> None:
    async with opened(tmp_path) as driver:
        await at_step(driver, 4)
        await driver.press("C", "slash", *"survive", "enter")
        assert [row.segment.n for row in rows(driver).rows if row.segment] == [1]
        await driver.press("escape")
        assert len(rows(driver)) == 5
        await driver.press("d")
        words = [(row.sign, row.segment.category) for row in rows(driver).rows if row.segment]
        assert words == [("+", "tool_call"), ("+", "tool_result")]
        await driver.press("q", "f")
        told = [row.words for row in rows(driver).rows if row.segment is None]
        assert "/x/limit.py" in told[told.index("Files read more than once") :]
        await driver.press("q", "m", "q")
        await at_step(driver, 9)
        await driver.press("C", "d")
        gone = {row.note for row in rows(driver).rows if row.sign == "-"}
        assert gone == {"compaction"}
        CompareController.BASE.clear()


async def test_export_without_what_was_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with opened(tmp_path) as driver:
        await at_step(driver, 4)
        await driver.press("C", "j", "x")
        assert screen(driver).left_out == {2}
        await driver.press("e", "enter", "enter")
        made = tmp_path / f"context-{SESSION[:8]}-4.json"
        assert made.stat().st_mode & 0o777 == 0o600
        request = orjson.loads(made.read_bytes())
        calls = [
            block for message in request["messages"] for block in message["content"] if block["type"] == "tool_use"
        ]
        assert [block["id"] for block in calls] == ["t2"]


async def test_a_step_without_a_call_says_so(tmp_path: Path) -> None:
    async with opened(tmp_path) as driver:
        await at_step(driver, 5)
        await driver.press("C")
        assert "next model call is that of step 6" in driver.screen
        await driver.press("q")
        assert driver.app.screen is driver.main


async def test_paging_by_compaction(tmp_path: Path) -> None:
    async with opened(tmp_path) as driver:
        await at_step(driver, 1)
        await driver.press("right_curly_bracket")
        assert driver.timeline.current is not None
        assert driver.timeline.current.kind == "compaction"
        await driver.press("right_curly_bracket")
        assert "No further compaction" in (driver.said or "")


@pytest.mark.parametrize("size", [(80, 24), (40, 12), (200, 60)])
async def test_every_size_is_painted(tmp_path: Path, size: tuple[int, int]) -> None:
    async with opened(tmp_path, size) as driver:
        await at_step(driver, 6)
        await driver.press("C")
        assert len(rows(driver)) == 7
        assert "\x1b" not in driver.screen
        assert "\u202e" not in driver.screen
