"""The datasets in the app: from an indexed bucket to a folder that is ready to be given, by keys alone."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.capsule.story import SESSION, Machine, machine
from tests.tui.driving import Driver
from tracetui.bucket import Bucket
from tracetui.dataset.store import DatasetStore
from tracetui.harness.roots import LogFile, files_of
from tracetui.tui.app import TracetuiApp
from tracetui.tui.dataset.review import RowsScreen
from tracetui.tui.dataset.workflows import WorkflowsScreen

NAME = "skill-episodes"


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = machine(tmp_path)
    monkeypatch.setenv("HOME", str(made.home))
    monkeypatch.chdir(made.home)
    return made


class Counting(Driver):
    """Counts the keys that were pressed."""

    keys = 0

    async def press(self, *keys: str) -> None:
        self.keys += len(keys)
        await super().press(*keys)

    async def until(self, text: str) -> None:
        for _ in range(60):
            if text in self.screen:
                return
            await self.settle()
        raise AssertionError(f"{text!r} never came:\n{self.screen}")


@asynccontextmanager
async def app_over(there: Machine, size: tuple[int, int] = (120, 40)) -> AsyncIterator[Counting]:
    with Bucket.open(there.home / "bucket", create=True) as bucket:
        bucket.capture([item for item in files_of([there.log]) if isinstance(item, LogFile)])
        bucket.set_setting("consent", None)
        app = TracetuiApp(bucket, session=SESSION)
        async with app.run_test(size=size) as pilot:
            pilot_: Pilot[Any] = pilot
            driver = Counting(app, pilot_, bucket)  # type: ignore[arg-type]
            await driver.settle()
            yield driver


def rows_of(there: Machine) -> list[str]:
    with DatasetStore(there.home / "bucket") as store:
        return [row.state for row in store.rows(NAME)]


async def to_workflow(driver: Counting, name: str = NAME) -> None:
    screen = driver.app.screen
    assert isinstance(screen, WorkflowsScreen)
    await driver.until(name)
    await driver.press("g")
    for _ in range(20):
        if screen.current is not None and screen.current.name == name:
            return
        await driver.press("j")
    raise AssertionError("the workflow is not in the list")


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
async def test_from_a_bucket_to_a_donation_by_keys(there: Machine, size: tuple[int, int]) -> None:
    async with app_over(there, size) as driver:
        await driver.press("W")
        assert isinstance(driver.app.screen, WorkflowsScreen)
        await to_workflow(driver)
        assert "x makes its rows" in driver.screen
        await driver.press("x", "a")
        await driver.until("enter reviews its rows")
        assert rows_of(there) == ["new", "new"]
        await driver.press("enter")
        assert isinstance(driver.app.screen, RowsScreen)
        await driver.until("chop() cuts")
        assert "GITHUB_TOKEN=‹" in driver.app.screen.row_text.document.source
        assert there.secret not in driver.app.screen.row_text.document.source
        assert there.secret in driver.app.screen.session_text.document.source, "the session stands beside it as it is"
        await driver.press("a")
        await driver.until("Mend it.")
        await driver.press("r")
        assert rows_of(there) == ["approved", "rejected"]
        await driver.until("Every row is decided about")
        await driver.press("k", "u")
        assert rows_of(there) == ["new", "rejected"]
        await driver.press("a", "q")
        await driver.until("w writes what is approved, d donates it")
        await driver.press("d")
        await driver.press(*"ann", "enter")
        await driver.until("have the right to share")
        await driver.press("down", "enter")
        await driver.until("Folder of the donation")
        await driver.press("enter")
        await driver.until("Wrote")
    gift = there.home / f"{NAME}-donation"
    assert len((gift / "data.jsonl").read_text().splitlines()) == 1
    assert "ann" in (gift / "README.md").read_text()
    assert driver.keys < 60


async def test_an_edited_redaction_makes_the_row_anew(there: Machine) -> None:
    async with app_over(there) as driver:
        await driver.press("W")
        await to_workflow(driver)
        await driver.press("x", "a")
        await driver.until("enter reviews its rows")
        await driver.press("enter")
        await driver.until("chop() cuts")
        await driver.press("a", "a")
        assert rows_of(there) == ["approved", "approved"]
        await driver.press("k", "e")
        from tracetui.redact.review import Review
        from tracetui.tui.redact.screen import RedactScreen

        assert isinstance(driver.app.screen, RedactScreen)
        with Review(driver.app.bucket, driver.app.bucket.session(SESSION)) as review:
            review.mark("one character too many", 0, 22, "note")
        await driver.press("q")
        await driver.until("changed")
        assert "changed" in rows_of(there)
        await driver.until("‹note:1›")


async def test_a_report_is_shown_and_a_rating_is_one_key(there: Machine) -> None:
    async with app_over(there) as driver:
        await driver.press("1", "asterisk", "b")
        await driver.press(*"why", "enter")
        with DatasetStore(there.home / "bucket") as store:
            (harness,) = {row.harness for row in driver.app.bucket.sessions()}
            assert store.ratings(harness, SESSION) == {("", ""): ("bad", "why")}
        await driver.press("W")
        await to_workflow(driver, "post-mortem")
        await driver.press("enter")
        await driver.until("as it would be written")
        assert "Nothing was reverted." in driver.screen


async def test_questions_are_answered_one_after_the_other(there: Machine) -> None:
    from tracetui.dataset.workflow import shipped

    flow = there.home / "rated.md"
    flow.write_text(shipped()[NAME].text.replace(f"name: {NAME}", "name: rated\nlabels: [rating]"))
    async with app_over(there) as driver:
        await driver.press("W")
        await driver.press("plus", *"rated.md", "enter")
        await driver.until("rated is in the list")
        await to_workflow(driver, "rated")
        await driver.press("x", "a")
        await driver.until("2 questions for you")
        await driver.press("a", "enter", "down", "enter")
        await driver.press("x", "n")
        await driver.until("enter reviews its rows")
    with DatasetStore(there.home / "bucket") as store:
        values = [json.loads(row.body)["labels"]["rating"]["ratings"] for row in store.rows("rated")]
    assert sorted(values) == [["good"], ["mixed"]]
