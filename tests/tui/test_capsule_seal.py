"""The seal in the app: past the gate, over the last screen, into a file."""

from __future__ import annotations

import json
import subprocess
import threading
import time
import zipfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.capsule.story import SESSION, Machine, git, machine
from tests.sandbox.test_sandbox import needs_sandbox
from tests.tui.driving import Driver, driving
from tracetui.bucket import Bucket
from tracetui.capsule.verify import Capsule, verify
from tracetui.harness.roots import LogFile, files_of
from tracetui.tui.capsule.rows import FactRows
from tracetui.tui.capsule.seal import SealScreen
from tracetui.tui.redact.screen import RedactScreen


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
    await until(driver, lambda: isinstance(driver.app.screen, SealScreen) and not driver.app.screen.making)
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
    assert isinstance(screen.rows.source, FactRows)
    return [row.text for row in screen.rows.source.rows]


async def go_to(driver: Driver, screen: SealScreen, kind: str) -> None:
    source = screen.rows.source
    assert isinstance(source, FactRows)
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
        await go_to(driver, screen, "open")
        await driver.press("enter")
        assert not target.exists()
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
        assert "steps 02:00 to 03:00, UTC+0" in shown
        await go_to(driver, screen, "hours")
        assert "between 02:00 and 03:00, UTC+0: tells where and when" in screen.text.document.shown
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
        await until(driver, lambda: not screen.making)
        assert screen.draft.checks == []
        await driver.press("a")
        driver.app.screen.query_one("Input").value = "false"  # type: ignore[attr-defined]
        await driver.press("enter")
        await until(driver, lambda: not screen.making)
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


async def answer(driver: Driver, key: str, text: str) -> None:
    """Press a key that asks for a line, and give it."""
    await driver.press(key)
    driver.app.screen.query_one("Input").value = text  # type: ignore[attr-defined]
    await driver.press("enter")


async def test_what_commands_can_choose_can_be_chosen_here(there: Machine, tmp_path: Path) -> None:
    """Name, maker, signature, remote and files; what cannot be done is said and changes nothing."""
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    git(there.repo, "remote", "set-url", "origin", "ssh://git@git.example.org/ann/chop.git")
    async with on(there, tmp_path, decided=True) as driver:
        target = tmp_path / "out.capsule.zip"
        screen = await to_seal(driver, target)
        idle = lambda: not screen.making  # noqa: E731
        await answer(driver, "n", "The chop")
        await until(driver, idle)
        await answer(driver, "u", "Ann")
        await until(driver, idle)
        await answer(driver, "s", str(tmp_path / "no-key"))
        await until(driver, lambda: "no key" in (driver.said or ""))
        await answer(driver, "s", str(key))
        await until(driver, idle)
        await answer(driver, "f", "no-such-file")
        await until(driver, idle)
        assert screen.choices.files == ()
        assert screen.draft is not None
        assert "no-such-file" in (driver.said or "")
        assert not any("no-such-file" in text for text in texts(screen))
        await answer(driver, "f", "chop.py")
        await until(driver, idle)
        assert "files/chop.py" in screen.draft.entries
        assert screen.draft.facts["repository"]["remote"] is None
        await driver.press("p")
        await until(driver, idle)
        assert "git.example.org" in screen.draft.facts["repository"]["remote"]
        assert any(text.startswith("signed") and str(key) in text for text in texts(screen))
        await driver.press("enter")
        await until(driver, lambda: not isinstance(driver.app.screen, SealScreen))
        assert "signed" in (driver.said or "")
        report = verify(target)
        assert (report.ok, report.signature) == (True, "valid")
        with Capsule(target) as capsule:
            assert (capsule.manifest.facts["name"], capsule.manifest.facts["author"]) == ("The chop", "Ann")


async def test_a_choice_stops_the_draft_that_is_made(
    there: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And leaving does: the work hears of it and ends."""
    from tracetui.capsule import seal

    began, ended = threading.Event(), []

    def slow(*words: object, progress: Any, cancelled: Any) -> object:
        progress("proof", 3, 7)
        began.set()
        while not cancelled():
            time.sleep(0.01)
        ended.append(True)
        raise seal.Cancelled("Not sealed: cancelled")

    async with on(there, tmp_path, decided=True) as driver:
        monkeypatch.setattr(seal, "draft", slow)
        await driver.pilot.press("s", "enter")

        async def soon(done: Callable[[], bool]) -> None:
            for _ in range(200):
                await driver.pilot.pause(0.02)
                if done():
                    return
            raise AssertionError(driver.screen)

        await soon(began.is_set)
        screen = driver.app.screen
        assert isinstance(screen, SealScreen)
        await soon(lambda: "3 of 7" in driver.screen)
        assert "proving" in driver.screen
        screen.make()
        await soon(lambda: len(ended) == 1)
        await driver.pilot.press("q")
        await soon(lambda: len(ended) == 2)
        assert not isinstance(driver.app.screen, SealScreen)


def say_more(there: Machine, *texts: str) -> None:
    """The agent says more at the session's end, a step each."""
    records = [json.loads(line) for line in there.log.read_text().splitlines()]
    for nth, text in enumerate(texts):
        last = records[-1]
        record = {**last, "uuid": f"00000000-0000-4000-9000-{nth:012d}", "parentUuid": last["uuid"]}
        message = {**last["message"], "id": f"msg_more{nth}", "content": [{"type": "text", "text": text}]}
        records.append({**record, "requestId": f"req_more{nth}", "message": message})
    there.log.write_text("".join(json.dumps(record) + "\n" for record in records))


async def test_weak_values_that_nobody_looked_at_are_told_first(there: Machine, tmp_path: Path) -> None:
    first, second = "kX9vT2mQ7LpR4wZ8bN3cY6hJ", "Wq3nB8tZ5yK1uV6eX0mC7jLs"
    say_more(there, f"The cursor is {first} and more.", f"Then {second} and {first}.")
    async with on(there, tmp_path, decided=True) as driver:
        target = tmp_path / "out.capsule.zip"
        screen = await to_seal(driver, target)
        assert "2 weak values nobody looked at" in texts(screen)[screen.rows.cursor]
        assert "random: 2" in screen.text.document.shown
        await driver.press("enter")
        editor = driver.app.screen
        assert isinstance(editor, RedactScreen)
        await until(driver, lambda: editor.view.group is not None)
        assert editor.view.group is not None
        assert editor.view.group.text == first
        await driver.press("a")
        await driver.press("q")
        await until(driver, lambda: driver.app.screen is screen and not screen.making)
        assert not target.exists()
        assert any("1 weak value nobody looked at" in text for text in texts(screen))
        # They were looked at: the next thing to decide is whether to write.
        assert texts(screen)[screen.rows.cursor] == str(target)
        await driver.press("enter")
        await until(driver, target.exists)
        assert first.encode() not in b"".join(entries_of(target).values())


def entries_of(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


async def test_a_range_tells_of_its_own_weak_values_and_secrets(there: Machine, tmp_path: Path) -> None:
    other = "gh" + "p_" + "Zt5Lw90bRx2K" * 3
    say_more(there, "The cursor is kX9vT2mQ7LpR4wZ8bN3cY6hJ and more.", f"And {other} is another.")
    async with on(there, tmp_path, decided=True) as driver:
        session = driver.main.selection.target
        assert session is not None
        for steps, weak, exposed in (((1, 4), 0, 1), ((5, 8), 0, 0), ((10, 10), 1, 0), ((11, 11), 0, 1)):
            screen = SealScreen(session, steps, tmp_path / "x.zip")
            driver.app.push_screen(screen)
            await until(driver, lambda screen=screen: screen.draft is not None)
            assert screen.draft is not None
            assert (len(screen.draft.weak), len(screen.draft.exposed)) == (weak, exposed), steps
            assert any("rotate" in text for text in texts(screen)) == bool(exposed)
            await driver.press("q")
        whole = await to_seal(driver, tmp_path / "out.capsule.zip")
        assert whole.draft is not None
        assert (len(whole.draft.weak), len(whole.draft.exposed)) == (1, 2)


async def test_the_cursor_stands_on_the_first_open_finding(there: Machine, tmp_path: Path) -> None:
    async with on(there, tmp_path, decided=False) as driver:
        screen = await to_seal(driver, tmp_path / "out.capsule.zip")
        assert screen.named("open") is not None


async def ask_to_rehearse(driver: Driver, screen: SealScreen) -> None:
    await go_to(driver, screen, "rehearse")
    assert "unittest discover" in screen.text.document.shown
    await driver.press("enter")
    assert "Rehearse the checks?" in driver.screen


@needs_sandbox
async def test_the_checks_are_rehearsed_after_asking(there: Machine, tmp_path: Path) -> None:
    async with on(there, tmp_path, decided=True) as driver:
        target = tmp_path / "out.capsule.zip"
        screen = await to_seal(driver, target)
        await answer(driver, "a", "cat nothing.txt; exit 0")
        await until(driver, lambda: not screen.making)
        await ask_to_rehearse(driver, screen)
        await driver.press("enter")  # the way back
        assert screen.checks is not None
        assert [check.rehearsal for check, _ in screen.checks] == [None, None]
        await ask_to_rehearse(driver, screen)
        await driver.press("down", "enter")
        await until(driver, lambda: not screen.rehearsing and not screen.making)
        (first, _), (second, taken) = screen.checks
        assert first.rehearsal is not None
        assert (first.rehearsal["runs"], first.rehearsal["reproduced"]) == (3, 3)
        assert (second.command, taken) == ("cat nothing.txt; exit 0", False)
        assert "1 of 2 checks did not reproduce" in (driver.said or "")
        await driver.press("enter", "escape")
        await go_to(driver, screen, "check")
        assert "reproduced in 3 of 3 runs" in screen.text.document.shown
        await driver.press("enter")
        await until(driver, target.exists)
        (held,) = json.loads(entries_of(target)["checks.json"])
        assert held["rehearsal"]["reproduced"] == 3
        assert verify(target).ok


async def test_a_rehearsal_is_stopped(there: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tracetui.capsule import rehearsal

    began, ended = threading.Event(), threading.Event()

    def slow(draft: Any, *words: object, progress: Any, cancelled: Any) -> object:
        progress("check 1 on the base")
        began.set()
        while not cancelled():
            time.sleep(0.01)
        ended.set()
        return rehearsal.Rehearsal([])

    async with on(there, tmp_path, decided=True) as driver:
        screen = await to_seal(driver, tmp_path / "out.capsule.zip")
        before = screen.checks
        monkeypatch.setattr(rehearsal, "rehearse", slow)
        await ask_to_rehearse(driver, screen)
        await driver.pilot.press("down", "enter")
        for _ in range(200):
            await driver.pilot.pause(0.02)
            if began.is_set() and "check 1 on the base" in driver.screen:
                break
        assert "esc stops" in driver.screen
        await driver.pilot.press("a")
        assert "being rehearsed" in (driver.said or "")
        await driver.press("escape")
        await until(driver, lambda: not screen.rehearsing)
        assert ended.is_set()
        assert driver.app.screen is screen
        assert screen.checks == before
        assert "Stopped" in (driver.said or "")
