"""The child process that indexes, and the first run that asks before it is started."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.tui.driving import driving
from tests.tui.fakes import FakeBucket, make_session, make_steps
from tracetui.tui.browse import discovery, indexing
from tracetui.tui.browse.first_run import FirstRunScreen
from tracetui.tui.browse.indexing import Indexer, IndexingDone, IndexingProgress, IndexReport


class Target:
    """Takes the messages of an indexer."""

    def __init__(self) -> None:
        self.heard: list[Any] = []

    def post_message(self, message: Any) -> bool:
        self.heard.append(message)
        return True

    def wait(self) -> IndexReport:
        end = time.monotonic() + 20
        while time.monotonic() < end:
            if self.heard and isinstance(self.heard[-1], IndexingDone):
                return self.heard[-1].report
            time.sleep(0.01)
        raise AssertionError("the child did not end")


@pytest.fixture
def indexer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """An indexer whose child is a script of ours."""
    monkeypatch.undo()

    def make(code: str) -> tuple[Indexer, Target]:
        target = Target()
        command = lambda bucket, paths: [sys.executable, "-c", code, str(bucket), *paths]  # noqa: E731
        return Indexer(tmp_path, target, make_command=command), target  # type: ignore[arg-type]

    return make


def test_progress_and_report(indexer) -> None:
    lines = [{"done": 1, "total": 2, "bytes": 5, "sessions": 1}, {"done": 2, "total": 2, "bytes": 9, "sessions": "bad"}]
    code = f"import json; [print(json.dumps(x), flush=True) for x in {lines!r}]; print('[1]'); print('{{\"new\": 2}}')"
    child, target = indexer(code)
    assert child.start(["/a"])
    report = target.wait()
    progress = [(m.done, m.total, m.sessions) for m in target.heard if isinstance(m, IndexingProgress)]
    assert progress == [(1, 2, 1), (2, 2, 0)]
    assert report == IndexReport({"new": 2}, None, False, ("/a",))
    assert not child.running


def test_failure_is_one_safe_line(indexer) -> None:
    child, target = indexer("import sys; print('tracetui: no \\x1b[31mroom', file=sys.stderr); sys.exit(1)")
    child.start()
    assert target.wait().error == "no ␛[31mroom"
    child, target = indexer("import sys; sys.exit(3)")
    child.start()
    assert target.wait().error == "Indexing ended with status 3"


def test_stopped(indexer) -> None:
    child, target = indexer('import time; print(\'{"done": 0, "total": 9}\', flush=True); time.sleep(60)')
    assert child.start()
    assert not child.start()
    while not target.heard:
        time.sleep(0.01)
    child.stop()
    assert target.wait().stopped
    assert target.wait().error is None


def test_newer_progress_replaces_older() -> None:
    assert IndexingProgress(1, 2, 3).can_replace(IndexingProgress(0, 2, 3))
    assert not IndexingProgress(1, 2, 3).can_replace(IndexingDone(IndexReport({})))


def test_the_command_keeps_the_current_folder_off_the_import_path() -> None:
    command = indexing.command(Path("/b"), ["/x", "-y"])
    assert command[1:4] == ["-P", "-m", "tracetui"]
    assert command[-3:] == ["--", "/x", "-y"]


async def test_the_list_fills_while_indexing_runs() -> None:
    bucket = FakeBucket.filled(1)
    async with driving(bucket) as driver:
        bucket.rows.append(make_session(1, title="came while indexing"))
        bucket.steps_of[2] = make_steps(12, 2)
        driver.main.post_message(IndexingProgress(61, 100, 2))
        await driver.settle()
        assert "indexing ▰▰▰▱▱ 61 %" in driver.lines[0]
        assert "came while indexing" in driver.screen
        await driver.press("j")
        assert driver.sessions.current.title == "came while indexing"
        driver.main.post_message(IndexingDone(IndexReport({"new": 1})))
        await driver.settle()
        assert "indexing" not in driver.lines[0]
        assert "1 new" in driver.lines[0]
        driver.main.post_message(IndexingDone(IndexReport({}, "Disk full")))
        await driver.settle()
        assert driver.said == "Disk full. Details: tracetui doctor"


async def test_starts_by_itself_only_with_consent(starts) -> None:
    async with driving(FakeBucket.filled()):
        assert starts == [()]
    starts.clear()
    async with driving(FakeBucket.filled(settings={"consent": None})) as driver:
        assert starts == []
        assert not isinstance(driver.app.screen, FirstRunScreen)
        await driver.press("I")
        assert isinstance(driver.app.screen, FirstRunScreen)


def claude_log(folder: Path, name: str, cwd: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    record = {
        "type": "user",
        "uuid": "u1",
        "parentUuid": None,
        "sessionId": name,
        "cwd": cwd,
        "version": "2.1.0",
        "timestamp": "2026-05-12T10:00:00.000Z",
        "message": {"role": "user", "content": "hello"},
    }
    (folder / f"{name}.jsonl").write_text(json.dumps(record) + "\n")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("CLAUDE_CONFIG_DIR", "CODEX_HOME", "PI_CODING_AGENT_DIR", "PI_CODING_AGENT_SESSION_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def with_logs(home: Path) -> None:
    projects = home / ".claude" / "projects"
    for n in range(3):
        claude_log(projects / "-src-limit", f"{n:08d}-aaaa-bbbb-cccc-000000000000", "/src/limit")
    claude_log(projects / "-src-secret", "99999999-aaaa-bbbb-cccc-000000000000", "/src/secret")


def test_discovery(home: Path) -> None:
    with_logs(home)
    (home / ".claude" / "projects" / "-src-limit" / "broken.jsonl").write_bytes(b"\x00\xff{")
    found = discovery.look_around({}, home)
    assert {name: f.files for name, f in found.projects.items()} == {"/src/limit": 3, "/src/secret": 1, "": 1}
    assert found.harnesses["claude"].files == 5
    assert any(".codex" in place for place in found.looked)


async def test_first_run_asks_and_keeps_the_answer(home: Path, starts) -> None:
    with_logs(home)
    bucket = FakeBucket(settings={"consent": None})
    async with driving(bucket) as driver:
        assert "Keep these sessions?" in driver.screen
        assert "Claude" in driver.screen
        assert "/src/limit" in driver.screen
        assert "4 logs" in driver.screen
        assert starts == []
        await driver.press("j", "j", "space")
        assert "3 logs" in driver.screen
        await driver.press("l")  # going into a row ticks, it does not start
        assert "4 logs" in driver.screen
        await driver.press("space")
        assert starts == []
        assert bucket.settings["consent"] is None
        await driver.press("enter")
        assert bucket.settings["consent"]["projects_off"] == ["/src/secret"]
        assert bucket.settings["consent"]["harnesses"] == ["claude"]
        assert bucket.settings["consent"]["known"] == ["claude"], "others are asked about when they have logs"
        assert starts == [()]
        assert "Reading the first sessions." in driver.screen


async def test_first_run_without_a_tick_does_not_start(home: Path, starts) -> None:
    with_logs(home)
    bucket = FakeBucket(settings={"consent": None})
    async with driving(bucket) as driver:
        await driver.press("a")
        assert "Nothing is ticked." in driver.screen
        await driver.press("enter")
        assert driver.said == "Nothing is ticked: space ticks."
        assert isinstance(driver.app.screen, FirstRunScreen)
        await driver.press("q")
        assert not isinstance(driver.app.screen, FirstRunScreen)
        assert bucket.settings["consent"] is None
        assert starts == []
        assert "No sessions yet." in driver.screen


async def test_a_harness_without_a_tick_is_kept_out(home: Path) -> None:
    with_logs(home)
    sessions = home / ".codex" / "sessions" / "2026" / "05" / "12"
    sessions.mkdir(parents=True)
    meta = {
        "timestamp": "2026-05-12T10:00:00.000Z",
        "type": "session_meta",
        "payload": {"id": "0198aaaa-0000-7000-8000-000000000000", "cwd": "/src/limit", "cli_version": "0.50.0"},
    }
    (sessions / "rollout-2026-05-12T10-00-00-0198aaaa-0000-7000-8000-000000000000.jsonl").write_text(
        json.dumps(meta) + "\n"
    )
    bucket = FakeBucket(settings={"consent": None})
    async with driving(bucket) as driver:
        assert "Codex" in driver.screen
        await driver.press("space", "enter")
        assert bucket.settings["consent"]["harnesses"] == ["codex"]


async def test_a_harness_that_came_later_is_offered(home: Path, starts) -> None:
    """What was agreed to stands; the new one has no tick until the user gives it one."""
    with_logs(home)
    folder = home / ".codex" / "sessions"
    folder.mkdir(parents=True)
    meta = {"id": "0198aaaa-0000-7000-8000-000000000000", "cwd": "/src/limit", "cli_version": "0.50.0"}
    log = folder / "rollout-2026-05-12T10-00-00-0198aaaa-0000-7000-8000-000000000000.jsonl"
    log.write_text(
        json.dumps({"timestamp": "2026-05-12T10:00:00.000Z", "type": "session_meta", "payload": meta}) + "\n"
    )
    agreed = {"harnesses": ["claude"], "known": ["claude"], "projects_off": ["/src/secret"], "at": 1}
    bucket = FakeBucket(settings={"consent": agreed})
    async with driving(bucket) as driver:
        driver.app.screen.post_message(IndexingDone(IndexReport({"new": 0, "offered": {"codex": 1, "unheard": 2}})))
        await driver.pilot.pause()
        assert driver.said == "Logs of Codex are there and not copied; I asks"
        del starts[:]
        await driver.press("I")
        assert isinstance(driver.app.screen, FirstRunScreen)
        assert bucket.settings["consent"] == agreed
        await driver.press("enter")
        kept = bucket.settings["consent"]
        assert (kept["harnesses"], kept["known"]) == (["claude"], ["claude", "codex"])
        assert kept["projects_off"] == ["/src/secret"]
        assert starts == [()]
        await driver.press("I")
        assert not isinstance(driver.app.screen, FirstRunScreen), "who said no is not asked again"


async def test_nothing_found_offers_the_demo(home: Path) -> None:
    bucket = FakeBucket(settings={"consent": None})
    async with driving(bucket, size=(80, 24)) as driver:
        assert "No session logs were found" in driver.screen
        assert "enter opens the demo" in driver.screen
        assert "~/.claude/projects" in driver.screen
        await driver.press("enter")
        assert driver.app.wants_demo
        assert bucket.settings["consent"] is None


async def test_what_is_soon_deleted_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path))
    folder = tmp_path / "projects" / "p"
    folder.mkdir(parents=True)
    rows = []
    for nth, days in enumerate((25, 1, 29)):
        log = folder / f"{nth}.jsonl"
        log.write_text("{}\n")
        then = time.time() - days * 86_400 + 60
        os.utime(log, (then, then))
        rows.append(make_session(nth, harness="claude", path=str(log), title=f"session number {nth}"))
    bucket = FakeBucket(rows, {row.log: make_steps(3, row.log or 0) for row in rows})
    async with driving(bucket) as driver:
        assert "2 soon deleted" in driver.lines[0]
        await driver.press("M")
        picks = driver.app.screen.picks  # type: ignore[attr-defined]
        assert [(pick.label[-1], pick.key.partition(" ")[2]) for pick in picks] == [
            ("2", "in 1 day"),
            ("0", "in 5 days"),
        ]
        assert "in 5 days" in driver.screen
        await driver.press("enter")
        await driver.settle()
        assert driver.timeline.session is not None
        assert driver.timeline.session.title == "session number 2"
    (tmp_path / "settings.json").write_text('{"cleanupPeriodDays": 1e300}')
    async with driving(bucket) as driver:
        assert "soon deleted" not in driver.lines[0]
        await driver.press("M")
        assert driver.said == "No log is about to be deleted by its harness."
