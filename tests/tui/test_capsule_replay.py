"""The replay player and the verdict, on a session of the story and on its capsule in another home."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.capsule.story import CODE, MENDED, SESSION, TEST, TEST_2, Machine, git, machine
from tests.sandbox.test_sandbox import needs_sandbox
from tests.tui.driving import Driver, driving
from tracetui.bucket import Bucket
from tracetui.capsule.foreign import capture
from tracetui.capsule.verify import Capsule
from tracetui.cli import run
from tracetui.harness.roots import LogFile, files_of
from tracetui.tui.capsule.large_letters import large
from tracetui.tui.capsule.playback import SHELL, read_playback
from tracetui.tui.capsule.replay import ReplayScreen
from tracetui.tui.capsule.rows import FactRows
from tracetui.tui.capsule.verdict import VerdictScreen


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = machine(tmp_path / "there")
    monkeypatch.setenv("HOME", str(made.home))
    monkeypatch.chdir(tmp_path)
    return made


def local(there: Machine, tmp_path: Path) -> Bucket:
    bucket = Bucket.open(tmp_path / "bucket", create=True)
    bucket.capture([found for found in files_of([there.log]) if isinstance(found, LogFile)], workers=1)
    return bucket


@pytest.fixture
def sealed(there: Machine, tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """The session, or the range of it that the test names."""
    span = getattr(request, "param", "")
    local(there, tmp_path).close()
    place, target = ["--bucket", str(tmp_path / "bucket")], tmp_path / "chop.capsule.zip"
    assert run([*place, "redact", SESSION, "--accept-tier", "2"]) == 0
    assert run([*place, "seal", SESSION + span, "-o", str(target)]) == 0
    return target


async def until(driver: Driver, done: Callable[[], bool]) -> None:
    for _ in range(300):
        await driver.settle()
        if done():
            return
    raise AssertionError(driver.screen)


@asynccontextmanager
async def opened(capsule: Path, tmp_path: Path) -> AsyncIterator[Driver]:
    """The app as ``open`` runs it."""
    with Capsule(capsule) as held, Bucket.open(tmp_path / "other", create=True) as bucket:
        session = capture(bucket, held, tmp_path / "records")
        options = {"session": session.id, "read_only": True, "banner": "capsule: unchanged", "capsule": capsule}
        async with driving(bucket, size=(140, 40), **options) as driver:  # type: ignore[arg-type]
            yield driver


async def play(driver: Driver) -> ReplayScreen:
    await driver.press("A")
    await until(driver, lambda: getattr(driver.app.screen, "playback", None) is not None)
    screen = driver.app.screen
    assert isinstance(screen, ReplayScreen)
    return screen


def test_the_course_of_a_session_holds_its_files_step_by_step(there: Machine, tmp_path: Path) -> None:
    with local(there, tmp_path) as bucket:
        playback = read_playback(bucket, bucket.session(SESSION), None, lambda: False)
        assert playback is not None
        assert playback.base == there.base
        assert SHELL in playback.told
        assert [step.number for _, step in playback.steps] == list(range(1, len(playback.steps) + 1))
        edits = [nth for nth, (_, step) in enumerate(playback.steps) if step.kind == "edit"]
        assert playback.changed_files(edits[0] - 1) == []
        (one,) = playback.changed_files(edits[0])
        assert (one.path, one.before, one.after) == ("tests/test_chop.py", TEST.encode(), TEST_2.encode())
        assert one.now
        both = {item.path: item for item in playback.changed_files(edits[1])}
        assert (both["chop.py"].before, both["chop.py"].after) == (CODE.encode(), MENDED.encode())
        assert not both["tests/test_chop.py"].now
        before = sorted(there.repo.rglob("*")), git(there.repo, "status", "--porcelain")
        for place, text in ((edits[0], CODE), (edits[1], MENDED)):
            folder = tmp_path / f"tree-{place}"
            folder.mkdir()
            assert playback.lay_out(place, folder) == 3
            assert (folder / "chop.py").read_text() == text
            assert (folder / "tests" / "test_chop.py").read_text() == TEST_2
        assert (sorted(there.repo.rglob("*")), git(there.repo, "status", "--porcelain")) == before


@pytest.mark.parametrize("sealed", ["", ":4-9"], indirect=True)
def test_the_course_of_a_capsule_comes_from_its_patches(
    there: Machine, sealed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Capsule(sealed) as held, Bucket.open(tmp_path / "other", create=True) as bucket:
        session = capture(bucket, held, tmp_path / "records")
        playback = read_playback(bucket, session, sealed, lambda: False)
        assert playback is not None
        assert playback.base is None
        assert "not at hand" in playback.told
        last = len(playback.steps) - 1
        assert {item.path for item in playback.changed_files(last)} == {"tests/test_chop.py", "chop.py"}
        assert all(item.patch is not None for item in playback.changed_files(last))
        monkeypatch.chdir(there.repo)
        playback = read_playback(bucket, session, sealed, lambda: False)
        assert playback is not None
        assert playback.base == there.base
        became = {item.path: item for item in playback.changed_files(last)}
        assert became["chop.py"].after == MENDED.encode()
        assert became["tests/test_chop.py"].after == TEST_2.encode()
        edit = max(nth for nth, (_, step) in enumerate(playback.steps) if step.kind == "edit")
        (now,) = [item.path for item in playback.changed_files(edit) if item.now]
        assert now == "chop.py"


async def test_the_player_steps_plays_and_jumps(there: Machine, tmp_path: Path) -> None:
    with local(there, tmp_path) as bucket:
        async with driving(bucket, session=SESSION, size=(140, 40)) as driver:  # type: ignore[arg-type]
            screen = await play(driver)
            assert screen.playback is not None
            count = len(screen.playback.steps)
            assert f"1 of {count} steps" in driver.screen
            assert "chop() cuts one character" in driver.screen
            assert SHELL in screen.diff.document.shown
            await driver.press("right", "right")
            await until(driver, lambda: "tests/test_chop.py" in driver.screen)
            assert screen.at == 2
            assert "test_whole" in screen.diff.document.shown
            await driver.press("left")
            assert screen.at == 1
            await driver.press("g", "7", "enter")
            assert screen.at == 6
            assert [item.path for item in screen.files] == ["chop.py", "tests/test_chop.py"]
            await driver.press("g", "9", "9", "enter")
            assert f"from 1 to {count}" in (driver.said or "")
            slow = screen.player.delay()
            await driver.press("plus")
            assert screen.player.delay() == slow / 2
            await driver.press("minus", "minus")
            assert screen.player.delay() == slow * 2
            screen.player.speed = 16.0
            await driver.press("space")
            await until(driver, lambda: screen.at == count - 1 and not screen.player.playing)
            await driver.press("right")
            assert "last step" in (driver.said or "")
            await driver.press("v")
            assert "capsule" in (driver.said or "")
            await driver.press("q")
            assert driver.app.screen is driver.main


async def test_an_opened_capsule_has_its_banner_and_is_read_only(sealed: Path, tmp_path: Path) -> None:
    async with opened(sealed, tmp_path) as driver:
        assert "capsule: unchanged" in driver.lines[0]
        await driver.press("s")
        assert "read only" in (driver.said or "")


@pytest.mark.parametrize("sealed", [":4-9"], indirect=True)
async def test_the_steps_of_a_range_are_gone_to_by_their_own_numbers(sealed: Path, tmp_path: Path) -> None:
    async with opened(sealed, tmp_path) as driver:
        screen = await play(driver)
        assert "1 of 6 steps" in driver.screen
        await driver.press("g", "7", "enter")
        assert screen.at == 3
        assert "step 7" in driver.screen
        await driver.press("g", "3", "enter")
        assert "from 4 to 9" in (driver.said or "")


@needs_sandbox
async def test_consent_comes_before_the_verdict(
    there: Machine, sealed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(there.repo)
    async with opened(sealed, tmp_path) as driver:
        await play(driver)
        await driver.press("v")
        screen = driver.app.screen
        assert isinstance(screen, VerdictScreen)
        await until(driver, lambda: screen.digest is not None)
        with Capsule(sealed) as held:
            assert held.digest in driver.screen
        assert "unittest discover" in driver.screen
        assert "chop.py" in driver.screen
        assert "Nothing has run" in driver.screen
        assert screen.results == []
        await driver.press("enter")
        await until(driver, lambda: screen.verdict is not None)
        assert screen.verdict == "reproduces"
        assert large("reproduces", 100)[0] in driver.screen
        assert "AssertionError: 'ab' != 'abc'" in screen.expected.document.shown
        assert "AssertionError: 'ab' != 'abc'" in screen.observed.document.shown
        await driver.press("a")
        await driver.press(*"main", "enter")
        assert screen.verdict is None
        assert "Nothing has run" in driver.screen
        await driver.press("enter")
        await until(driver, lambda: screen.verdict is not None)
        assert screen.verdict == "fixed"


async def test_a_repository_can_be_named_where_none_is_around(there: Machine, sealed: Path, tmp_path: Path) -> None:
    async with opened(sealed, tmp_path) as driver:
        screen = await play(driver)
        assert screen.playback is not None
        assert screen.playback.base is None
        await driver.press("g", "7", "enter")
        await driver.press("r")
        driver.app.screen.query_one("Input").value = str(tmp_path / "none")  # type: ignore[attr-defined]
        await driver.press("enter")
        assert "no folder" in (driver.said or "")
        await driver.press("r")
        driver.app.screen.query_one("Input").value = str(there.repo)  # type: ignore[attr-defined]
        await driver.press("enter")
        await until(driver, lambda: screen.playback is not None and screen.playback.base == there.base)
        assert screen.at == 6
        assert "the edits so far" in screen.diff.document.shown
        await driver.press("v")
        verdict = driver.app.screen
        assert isinstance(verdict, VerdictScreen)
        assert verdict.repo == there.repo


@needs_sandbox
async def test_checks_revision_and_tools_are_chosen_and_agreed_to_anew(
    there: Machine, sealed: Path, tmp_path: Path
) -> None:
    target = tmp_path / "two.capsule.zip"
    place = ["--bucket", str(tmp_path / "bucket")]
    assert run([*place, "seal", SESSION, "-o", str(target), "--check", "exit 3", "--check", "echo no; exit 4"]) == 0
    tools = tmp_path / "tools"
    (tools / "bin").mkdir(parents=True)
    async with opened(target, tmp_path) as driver:
        screen = VerdictScreen(target, there.repo)
        driver.app.push_screen(screen)
        await until(driver, lambda: screen.runner.why_run() is None)
        source = screen.rows.source
        assert isinstance(source, FactRows)
        screen.rows.cursor = next(nth for nth, row in enumerate(source.rows) if row.place == ("check", 1, 0))
        await driver.press("space")
        assert screen.request.checks == [2]
        await driver.press("t")
        driver.app.screen.query_one("Input").value = str(tools)  # type: ignore[attr-defined]
        await driver.press("enter")
        await until(driver, lambda: screen.runner.why_run() is None)
        assert f"may read {tools}" in driver.screen
        await driver.press("w")
        driver.app.screen.query_one("Input").value = "six"  # type: ignore[attr-defined]
        await driver.press("enter")
        assert "NAME==VERSION" in (driver.said or "")
        assert screen.other is None
        assert "Nothing has run" in driver.screen
        await driver.press("enter")
        await until(driver, lambda: screen.verdict is not None)
        assert [result.check.number for result in screen.results] == [2]
        assert screen.verdict == "reproduces"
        assert "on the base" in driver.screen


async def test_all_of_a_long_command_is_shown_before_consent(sealed: Path, tmp_path: Path) -> None:
    target = tmp_path / "long.capsule.zip"
    command = "true " + "x" * 900 + " ; touch last-word"
    place = ["--bucket", str(tmp_path / "bucket")]
    assert run([*place, "seal", SESSION, "-o", str(target), "--check", command]) == 0
    async with opened(target, tmp_path) as driver:
        screen = VerdictScreen(target)
        driver.app.push_screen(screen)
        await until(driver, lambda: screen.digest is not None)
        shown = driver.screen
        assert shown.count("x") >= 900
        assert "touch last-word" in shown
        footer = driver.lines[-1]
        assert "enter agree, run" in footer
        assert "enter open" not in footer
        source = screen.rows.source
        assert isinstance(source, FactRows)
        command_rows = [row.text for row in source.rows if isinstance(row.place, tuple) and row.place[0] == "check"]
        assert "".join(command_rows) == command


async def test_a_changed_capsule_is_not_run(sealed: Path, tmp_path: Path) -> None:
    async with opened(sealed, tmp_path) as driver:
        data = bytearray(sealed.read_bytes())
        data[len(data) // 2] ^= 1
        sealed.write_bytes(data)
        driver.app.push_screen(VerdictScreen(sealed))
        await driver.settle()
        screen = driver.app.screen
        assert isinstance(screen, VerdictScreen)
        await until(driver, lambda: bool(screen.error))
        await driver.press("enter")
        assert screen.results == []
        assert not screen.running


def test_large_letters_keep_to_their_room() -> None:
    for word in ("reproduces", "fixed", "differs", "inconclusive"):
        for ascii_only in (False, True):
            lines = large(word, 80, ascii_only=ascii_only)
            assert len(lines) in (3, 5)
            assert len({len(line) for line in lines}) == 1
            assert all(line.isascii() for line in lines) or not ascii_only
        assert large(word, 10) == [word.upper()]
