"""Following logs: what changed is told, nothing else, and an idle watch asks for little."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tracetui.commands.watch import Watcher
from tracetui.harness.roots import LogFile, files_of

from .conftest import FIRST, SECOND, Run


def look(folder: Path) -> Callable[[], list[LogFile]]:
    return lambda: [found for found in files_of([folder]) if isinstance(found, LogFile)]


class Script:
    """Stands for the waiting: what happens meanwhile, pause by pause; the watch ends after the last."""

    def __init__(self, *steps: Callable[[], object]) -> None:
        self.steps = list(steps)
        self.pauses: list[float] = []

    def __call__(self, seconds: float) -> None:
        self.pauses.append(seconds)
        if self.steps:
            self.steps.pop(0)()

    def over(self) -> bool:
        return not self.steps


def nothing() -> None:
    pass


def test_growth_and_new_files_are_told(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    log = folder / "one.jsonl"
    log.write_text("{}\n")

    def grow() -> None:
        with log.open("a") as file:
            file.write("{}\n")

    def appear() -> None:
        new = tmp_path / "a" / "c"
        new.mkdir()
        (new / "two.jsonl").write_text("{}\n")

    script = Script(nothing, grow, nothing, appear, nothing)
    watcher = Watcher(look(tmp_path), [str(tmp_path)], sleep=script)
    assert [Path(file.path).name for file in watcher.all()] == ["one.jsonl"]
    grown = watcher.wait(script.over)
    assert grown is not None
    assert [(Path(file.path).name, file.size) for file in grown] == [("one.jsonl", 6)]
    assert watcher._active > 0
    more = watcher.wait(script.over)
    assert more is not None
    assert sorted(Path(file.path).name for file in more) == ["one.jsonl", "two.jsonl"]
    assert watcher.wait(script.over) is None


def test_an_idle_watch_looks_at_nothing_in_full(tmp_path: Path) -> None:
    for nth in range(20):
        log = tmp_path / f"{nth}.jsonl"
        log.write_text("{}\n")
        os.utime(log, (1_700_000_000, 1_700_000_000))
    looks = 0

    def counted() -> list[LogFile]:
        nonlocal looks
        looks += 1
        return look(tmp_path)()

    script = Script(*[nothing] * 30)
    watcher = Watcher(counted, [str(tmp_path), str(tmp_path / "not-there-yet")], sleep=script, pause=1, idle_pause=3)
    watcher.all()
    assert watcher.wait(script.over) is None
    assert looks == 1
    assert set(script.pauses) <= {1, 3}


def test_a_root_that_appears_is_seen(tmp_path: Path) -> None:
    root = tmp_path / "later"

    def appear() -> None:
        root.mkdir()
        (root / "x.jsonl").write_text("{}\n")

    script = Script(nothing, appear, nothing)
    watcher = Watcher(look(tmp_path), [str(root)], sleep=script)
    watcher.all()
    found = watcher.wait(script.over)
    assert found is not None
    assert [Path(file.path).name for file in found] == ["x.jsonl"]


def test_index_watch_captures_what_grows(run: Run, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = home / ".claude" / "projects" / "-src-alpha" / f"{SECOND}.jsonl"

    def grow() -> None:
        line = (
            log.read_text()
            .splitlines()[0]
            .replace("port the parser", "grown meanwhile")
            .replace('5bd0c1de-0000"', 'x"')
        )
        with log.open("a") as file:
            file.write(line + "\n")

    def stop() -> None:
        raise KeyboardInterrupt

    script = Script(nothing, grow, nothing, stop)
    monkeypatch.setattr("tracetui.commands.watch.Watcher", functools.partial(Watcher, sleep=script))
    done = run("index", "--watch", "--json")
    assert done.status == 130
    first, second = done.lines
    assert first["new"] == 4
    assert second["records"] == 1
    assert FIRST in [row["id"] for row in run("ls", "--json").lines]


def test_a_child_ends_with_its_parent(indexed: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    parents = iter([1, 1, 2, 2, 2])
    monkeypatch.setattr("os.getppid", lambda: next(parents))
    monkeypatch.setattr("os.nice", lambda by: by)
    monkeypatch.setattr("tracetui.commands.watch.Watcher", functools.partial(Watcher, sleep=lambda seconds: None))
    assert indexed("index", "--watch", "--progress").status == 0
