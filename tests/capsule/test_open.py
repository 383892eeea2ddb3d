"""Opening a log or a capsule: the first steps at once, the rest as a child reads it, nothing left behind."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from tests.capsule.story import SESSION, Log
from tracetui.bucket import Bucket
from tracetui.harness.roots import LogFile, files_of


def long_log(path: Path, steps: int) -> Path:
    log = Log("/w/p")
    for nth in range(steps // 2):
        log.prompt(f"prompt {nth} " + "words " * 40)
        log.command(f"echo {nth}", "output\n" * 20)
    return log.save(path)


def found(path: Path) -> list[LogFile]:
    return [item for item in files_of([path]) if isinstance(item, LogFile)]


def rows(bucket: Bucket) -> object:
    (log,) = bucket.logs(SESSION)
    return [row for row in bucket.step_rows(log)], [*bucket.records(log)], log.records, log.steps, log.facts


def test_a_beginning_and_then_the_rest_is_the_whole(tmp_path: Path) -> None:
    files = found(long_log(tmp_path / "in" / f"{SESSION}.jsonl", 200))
    with Bucket.open(tmp_path / "one", create=True) as bucket:
        bucket.capture(files)
        whole = rows(bucket)
    for size in (1000, 20_000, 10_000_000):
        with Bucket.open(tmp_path / f"two-{size}", create=True) as bucket:
            bucket.capture(files, beginning=size)
            there = bucket.session(SESSION).steps
            assert (0 < there < 200) is (size < 10_000_000)
            assert bool(bucket.check(files)) is (size < 10_000_000)
            bucket.capture(files)
            assert rows(bucket) == whole
            assert bucket.check(files) == []


def test_the_child_reads_the_rest_and_ends_with_its_parent(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from tracetui.commands import reading

    path = long_log(tmp_path / "in" / f"{SESSION}.jsonl", 100)
    with Bucket.open(tmp_path / "bucket", create=True) as bucket:
        bucket.capture(found(path), beginning=2000)
        words = reading.command(tmp_path / "bucket", [str(path)])
        assert words[:4] == [sys.executable, "-P", "-m", "tracetui.commands.reading"]
        # A child whose parent is gone reads nothing.
        monkeypatch.setattr(os, "nice", lambda _: 0)
        before = bucket.session(SESSION).steps
        assert reading.run([*words[4:5], str(os.getppid() + 1), *words[6:]]) == 0
        assert bucket.session(SESSION).steps == before
        assert reading.run([*words[4:5], str(os.getppid()), *words[6:]]) == 0
        assert bucket.session(SESSION).steps == 100
    told = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert {line["event"] for line in told} == {"progress", "done"}


def test_the_app_shows_the_beginning_and_then_all(tmp_path: Path) -> None:
    from tracetui.tui.app import TracetuiApp
    from tracetui.tui.screens.main import MainScreen

    path = long_log(tmp_path / "in" / f"{SESSION}.jsonl", 400)

    async def scene(bucket: Bucket) -> None:
        app = TracetuiApp(bucket, session=SESSION, read_only=True, reading=[str(path)], banner="read only")
        async with app.run_test(size=(120, 30)) as pilot:
            screen = app.screen
            assert isinstance(screen, MainScreen)
            for _ in range(400):
                await pilot.pause(0.02)
                outline = screen.timeline_pane.outline
                if outline is not None and len(outline.view.kinds) == 400 and not screen.indexer.running:
                    break
            assert screen.timeline_pane.session is not None
            assert screen.timeline_pane.session.steps == 400
            assert screen.timeline_pane.outline is not None
            assert len(screen.timeline_pane.outline.view.kinds) == 400
            assert screen.timeline_pane.rows.cursor <= 0

    with Bucket.open(tmp_path / "bucket", create=True) as bucket:
        bucket.capture(found(path), beginning=4000)
        assert 0 < bucket.session(SESSION).steps < 100
        asyncio.run(scene(bucket))


def test_a_child_is_gone_before_its_folder_is(tmp_path: Path) -> None:
    from tracetui.tui.indexing import Indexer

    class Target:
        def post_message(self, message: object) -> bool:
            return True

    sleeper = [sys.executable, "-c", "import time; time.sleep(60)"]
    indexer = Indexer(tmp_path, Target(), make_command=lambda bucket, paths: sleeper)  # type: ignore[arg-type]
    assert indexer.start(("x",))
    process = indexer._process
    assert process is not None
    indexer.stop(wait=True)
    assert process.poll() is not None
