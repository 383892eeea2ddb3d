"""The demo is true: its sessions and its repository tell the same story."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tracetui.demo import Demo, make
from tracetui.harness import HARNESSES, detect
from tracetui.harness.lines import records_of
from tracetui.model import Problem, Record, Step

NOW = 1_780_000_000_000


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    return make(tmp_path_factory.mktemp("demo"), now=NOW)


def _steps(path: Path) -> tuple[str, list[Step], Counter[str], list[Problem]]:
    with path.open("rb") as stream:
        found = list(records_of(stream))
    records = [item for item in found if isinstance(item, Record)]
    harness = detect([record.value for record in records[:20]])
    assert harness is not None, path
    reader = harness.reader(path.stem)
    for record in records:
        reader.feed(record)
    problems = [item for item in found if isinstance(item, Problem)] + reader.problems
    return harness.name, reader.take(), reader.unknown, problems


def test_every_log_is_read_whole(demo: Demo) -> None:
    harnesses = set()
    for path in demo.logs:
        name, steps, unknown, problems = _steps(path)
        harnesses.add(name)
        assert steps, path
        assert not unknown, (path, unknown)
        assert not problems, (path, problems)
    assert {"claude", "codex", "pi"} <= harnesses <= set(HARNESSES)


def test_the_story_has_what_the_screens_show(demo: Demo) -> None:
    kinds = Counter(step.kind for path in demo.logs for step in _steps(path)[1])
    assert {
        "prompt",
        "message",
        "thinking",
        "plan",
        "read",
        "search",
        "command",
        "edit",
        "web",
        "agent",
        "compaction",
    } <= set(kinds)
    failed = [step for path in demo.logs for step in _steps(path)[1] if step.failed]
    assert any(step.tool and step.tool.exit_code == 1 for step in failed)


def test_the_same_end_of_the_story_gives_the_same_bytes(demo: Demo) -> None:
    again = {path: path.read_bytes() for path in demo.logs}
    import shutil

    folder = demo.home.parent
    shutil.rmtree(demo.home)
    assert {path: path.read_bytes() for path in make(folder, now=NOW).logs} == again


def _unittest(tree: Path) -> int:
    command = [sys.executable, "-B", "-m", "unittest", "discover", "-s", "tests"]
    return subprocess.run(command, cwd=tree, env={"PYTHONPATH": str(tree)}, capture_output=True, check=False).returncode


def test_the_failure_in_the_story_is_real_and_was_mended(demo: Demo, tmp_path: Path) -> None:
    def lay_out(revision: str) -> Path:
        tree = tmp_path / revision.replace("~", "-")
        tree.mkdir()
        archive = subprocess.run(["git", "-C", str(demo.repo), "archive", revision], capture_output=True, check=True)
        subprocess.run(["tar", "-x", "-C", str(tree)], input=archive.stdout, check=True)
        return tree

    assert _unittest(lay_out("main~1")) == 1
    assert _unittest(lay_out("main")) == 0


def test_an_edit_is_left_in_the_work_tree(demo: Demo) -> None:
    status = subprocess.run(
        ["git", "-C", str(demo.repo), "status", "--short"], capture_output=True, text=True, check=True
    )
    assert status.stdout.split() == ["M", "pace/cli.py"]
