"""The seal in the app: past the gate, over the last screen, into a file."""

from __future__ import annotations

import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.capsule.story import SESSION, Machine, machine
from tests.tui.driving import Driver, driving
from tracetui.bucket import Bucket
from tracetui.capsule.verify import Capsule, verify
from tracetui.harness.roots import LogFile, files_of
from tracetui.tui.capsule.rows import Rows
from tracetui.tui.screens.redact import RedactScreen
from tracetui.tui.screens.seal import SealScreen


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = machine(tmp_path / "there")
    monkeypatch.setenv("HOME", str(made.home))
    monkeypatch.delenv("TRACETUI_CONFIG", raising=False)
    return made


@asynccontextmanager
async def on(there: Machine, tmp_path: Path, *, decided: bool) -> AsyncIterator[Driver]:
    """The app on a bucket with the story's session, the cursor on it."""
    from tracetui.cli import run

    with Bucket.open(tmp_path / "bucket", create=True) as bucket:
        bucket.capture([found for found in files_of([there.log]) if isinstance(found, LogFile)], workers=1)
        if decided:
            assert run(["redact", SESSION, "--accept-tier", "2", "--bucket", str(tmp_path / "bucket")]) == 0
        async with driving(bucket, session=SESSION, size=(130, 40)) as driver:  # type: ignore[arg-type]
            yield driver


async def to_seal(driver: Driver, target: Path) -> SealScreen:
    await driver.press("s")
    for widget in driver.app.screen.query("Input"):
        widget.value = str(target)  # type: ignore[attr-defined]
    await driver.press("enter")
    await until(driver, lambda: isinstance(driver.app.screen, SealScreen) and not driver.app.screen._working)
    screen = driver.app.screen
    assert isinstance(screen, SealScreen)
    return screen


async def until(driver: Driver, done: object) -> None:
    for _ in range(200):
        await driver.settle()
        if done():  # type: ignore[operator]
            return
    raise AssertionError(driver.screen)


def texts(screen: SealScreen) -> list[str]:
    assert isinstance(screen.rows.source, Rows)
    return [row.text for row in screen.rows.source.rows]


async def go_to(driver: Driver, screen: SealScreen, kind: str) -> None:
    source = screen.rows.source
    assert isinstance(source, Rows)
    at = next(i for i, row in enumerate(source.rows) if isinstance(row.place, tuple) and row.place[0] == kind)
    screen.rows.cursor = at
    await driver.settle()


async def test_the_gate_says_what_is_open_and_leads_there(there: Machine, tmp_path: Path) -> None:
    async with on(there, tmp_path, decided=False) as driver:
        target = tmp_path / "out.capsule.zip"
        screen = await to_seal(driver, target)
        assert screen.refused is not None
        assert "github" in " ".join(texts(screen)).lower()
        assert there.secret not in driver.screen
        await driver.press("enter")
        assert "review" in (driver.said or "").lower()
        assert not target.exists()
        await driver.press("r")
        assert isinstance(driver.app.screen, RedactScreen)
        assert driver.app.screen.session.id == SESSION


async def test_what_is_shown_is_what_is_written(there: Machine, tmp_path: Path) -> None:
    async with on(there, tmp_path, decided=True) as driver:
        target = tmp_path / "out.capsule.zip"
        screen = await to_seal(driver, target)
        assert screen.draft is not None
        assert not target.exists()
        shown = texts(screen)
        for name, data in screen.draft.entries.items():
            assert name in shown
            assert there.secret.encode() not in data
        assert any("rotate" in text for text in shown)
        assert "chop() cuts one character too many" in screen.text.document.shown
        assert there.secret not in screen.text.document.shown
        entries = dict(screen.draft.entries)
        digest = screen.draft.digest
        await driver.press("enter")
        await until(driver, lambda: not isinstance(driver.app.screen, SealScreen))
        assert "Sealed" in (driver.said or "")
        report = verify(target)
        assert report.ok
        assert report.digest == digest
        with zipfile.ZipFile(target) as archive:
            assert {name: archive.read(name) for name in archive.namelist()} == entries


async def test_checks_are_chosen_and_added(there: Machine, tmp_path: Path) -> None:
    async with on(there, tmp_path, decided=True) as driver:
        target = tmp_path / "out.capsule.zip"
        screen = await to_seal(driver, target)
        assert screen.draft is not None
        assert len(screen.draft.checks) == 1
        await go_to(driver, screen, "check")
        await driver.press("space")
        await until(driver, lambda: not screen._working)
        assert screen.draft.checks == []
        await driver.press("a")
        driver.app.screen.query_one("Input").value = "false"  # type: ignore[attr-defined]
        await driver.press("enter")
        await until(driver, lambda: not screen._working)
        assert [check.command for check in screen.draft.checks] == ["false"]
        await driver.press("enter")
        await until(driver, lambda: target.exists() and not isinstance(driver.app.screen, SealScreen))
        with Capsule(target) as capsule:
            assert b'"false"' in capsule.read("checks.json")


async def test_a_range_is_sealed_and_leaving_writes_nothing(there: Machine, tmp_path: Path) -> None:
    async with on(there, tmp_path, decided=True) as driver:
        await driver.press("2", "g", "V", "j", "j")
        steps = driver.timeline.range
        assert steps is not None
        target = tmp_path / "out.capsule.zip"
        screen = await to_seal(driver, target)
        assert screen.steps == steps
        assert screen.draft is not None
        assert screen.draft.facts["session"]["range"] == list(steps)
        await driver.press("q")
        assert not isinstance(driver.app.screen, SealScreen)
        assert not target.exists()


async def test_a_file_that_is_there_is_asked_about(there: Machine, tmp_path: Path) -> None:
    async with on(there, tmp_path, decided=True) as driver:
        target = tmp_path / "out.capsule.zip"
        target.write_text("mine")
        await to_seal(driver, target)
        await driver.press("enter")
        assert "Replace" in driver.screen
        await driver.press("enter")
        assert target.read_text() == "mine"
