"""Opening a log or a capsule: the first steps at once, the rest as a child reads it, nothing left behind."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from tests.capsule.conftest import Cli
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
    return list(bucket.step_rows(log)), [*bucket.records(log)], log.records, log.steps, log.facts


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
    from tracetui.commands import log_child
    from tracetui.tui.browse.indexing import rest_command

    path = long_log(tmp_path / "in" / f"{SESSION}.jsonl", 100)
    with Bucket.open(tmp_path / "bucket", create=True) as bucket:
        bucket.capture(found(path), beginning=2000)
        words = rest_command(tmp_path / "bucket", [str(path)])
        assert words[:4] == [sys.executable, "-P", "-m", "tracetui.commands.log_child"]
        # A child whose parent is gone reads nothing.
        monkeypatch.setattr(os, "nice", lambda _: 0)
        before = bucket.session(SESSION).steps
        assert log_child.run([*words[4:5], str(os.getppid() + 1), *words[6:]]) == 0
        assert bucket.session(SESSION).steps == before
        assert log_child.run([*words[4:5], str(os.getppid()), *words[6:]]) == 0
        assert bucket.session(SESSION).steps == 100
    told = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert {line["event"] for line in told} == {"progress", "done"}


def test_the_app_shows_the_beginning_and_then_all(tmp_path: Path) -> None:
    from tracetui.tui.app import TracetuiApp
    from tracetui.tui.browse.main import MainScreen

    path = long_log(tmp_path / "in" / f"{SESSION}.jsonl", 400)

    async def scene(bucket: Bucket) -> None:
        app = TracetuiApp(bucket, session=SESSION, read_only=True, reading=[str(path)], banner="read only")
        async with app.run_test(size=(120, 30)) as pilot:
            screen = app.screen
            assert isinstance(screen, MainScreen)
            for _ in range(400):
                await pilot.pause(0.02)
                outline = screen.timeline_pane.outline
                if outline is not None and len(outline.view.kinds) == 400 and not screen.capture.indexer.running:
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
    from tracetui.tui.browse.indexing import Indexer

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


@pytest.mark.parametrize("cut", [0, 2000])
def test_a_range_keeps_its_numbers(cli: Cli, tmp_path: Path, cut: int) -> None:
    """Steps 12 to 40 of the session are steps 12 to 40 wherever the capsule is opened: in the bucket, in lists, in
    searches and contexts; also after the index was thrown away, and where the log is read in two parts."""
    from tracetui.capsule.foreign import capture, unread
    from tracetui.capsule.verify import Capsule
    from tracetui.ctx.context import context_of
    from tracetui.ctx.opening import index_of
    from tracetui.tui.browse.outline import Fold, Outline
    from tracetui.tui.browse.timeline import view_of

    path = long_log(tmp_path / "in" / f"{SESSION}.jsonl", 60)
    target = tmp_path / "x.zip"
    assert cli("index", path).status == 0
    assert cli("seal", f"{SESSION}:12-40", "-o", target).status == 0
    home = tmp_path / "elsewhere"
    home.mkdir()
    with Capsule(target) as capsule, Bucket.open(home / "bucket", create=True) as bucket:
        row = capture(bucket, capsule, tmp_path / "records", beginning=cut)
        left = unread(bucket, tmp_path / "records")
        assert bool(left) is bool(cut)
        if cut:
            assert 0 < row.steps < 29
            bucket.capture([item for name in left for item in found(Path(name))])
        (log,) = bucket.logs(row.id)
        assert (log.first, log.steps, log.numbers) == (12, 29, range(12, 41))
        for _ in range(2):
            assert [step.number for step in bucket.step_rows(log)] == list(range(12, 41))
            assert [step.number for step in bucket.steps(log)] == list(range(12, 41))
            assert bucket.step(log, 13).text == "prompt 6 " + "words " * 40
            assert {hit.step for hit in bucket.search('"prompt 6"')} == {13}
            assert {hit.step for hit in bucket.search("prompt 6 ", regex=True)} == {13}
            index = index_of(bucket, log)
            context = context_of(index, 12)
            assert [segment.from_step for segment in context.segments()][:1] == [None] or context.step == 12
            assert {s.from_step for s in context_of(index, 40).segments()} <= {None, *range(12, 41)}
            bucket.rebuild()
            (log,) = bucket.logs(row.id)
        view = view_of(bucket, log.id)
        outline = Outline(view, Fold(runs=False))
        assert [outline.number(nth) for nth in range(len(outline))] == list(range(12, 41))
        assert outline.row_of(13) == 1
        assert outline.next_of(0, None, -1) is None
    shown = cli("show", f"{row.id}:13-last", "--json", home=home).lines
    assert [step["step"] for step in shown] == list(range(13, 41))
    assert [step["step"] for step in cli("show", row.id, "--json", home=home).lines] == list(range(12, 41))
    assert cli("show", f"{row.id}:3", home=home).status == 1
    assert "12 to 40" in cli("show", f"{row.id}:3", home=home).err
    assert cli("ctx", f"{row.id}:14", "--json", home=home).lines[0]["step"] == 14
    again = tmp_path / "again.zip"
    assert cli("seal", f"{row.id}:20-22", "-o", again, home=home).status == 0
    with Capsule(again) as capsule:
        assert capsule.manifest.section("session")["range"] == [20, 22]
