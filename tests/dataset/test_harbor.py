"""A capsule as a task of Harbor: its files, and its verifier run on the broken, the mended and the tampered tree."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.capsule.conftest import Cli
from tests.capsule.story import CODE, COMMAND, MENDED, SESSION, TEST, TEST_2, Machine, git
from tracetui.capsule.checks import Check
from tracetui.capsule.export import Redacted
from tracetui.capsule.parts import Parts
from tracetui.dataset.formats.harbor import task_of
from tracetui.model import TracetuiError

REMOTE = "https://github.com/ann/chop.git"


@pytest.fixture
def task(cli: Cli, decided: Machine, tmp_path: Path) -> Path:
    """The task of the made-up session, whose repository has a public address."""
    git(decided.repo, "remote", "set-url", "origin", REMOTE)
    capsule = tmp_path / "chop.capsule.zip"
    assert cli("seal", SESSION, "-o", capsule, home=decided.home).status == 0
    done = cli("export", capsule, "--format", "harbor", "-o", tmp_path / "tasks")
    assert done.status == 0, done.err
    assert done.err.count("\n") == 1
    assert f"does not hold the whole tree; the image is built from {REMOTE} at {decided.base}" in done.err
    (folder,) = (tmp_path / "tasks").iterdir()
    return folder


def built(task: Path, there: Machine, place: Path) -> Path:
    """The environment as its Dockerfile builds it, from the repository at hand."""
    root = place / "workspace"
    root.mkdir(parents=True)
    docker = (task / "environment" / "Dockerfile").read_text()
    lines = [line[4:] for line in docker.splitlines() if line.startswith("RUN ") and "pip" not in line]
    assert len(lines) == 3
    (place / "patches").mkdir()
    for path in (task / "environment" / "patches").iterdir():
        (place / "patches" / path.name).write_bytes(path.read_bytes())
    for line in lines:
        script = line.replace("/workspace", str(root)).replace("/tmp/patches", str(place / "patches"))
        env = {"PATH": "/usr/bin:/bin", "REPOSITORY": str(there.origin), "BASE": there.base, "HOME": str(place)}
        subprocess.run(["bash", "-c", script], cwd=root, env=env, check=True)
    return root


def parts(command: str) -> Parts:
    """A capsule that carries its whole tree."""
    files = {"chop.py": CODE.encode(), "tests/test_chop.py": TEST_2.encode()}
    return Parts("d" * 64, Check(1, command, exit_code=0), None, files, {}, [], {}, {})


def reward(task: Path, root: Path) -> str:
    """What the verifier writes for a tree."""
    place = root.parent
    tests = place / "tests"
    tests.mkdir(exist_ok=True)
    for path in (task / "tests").rglob("*"):
        if path.is_file():
            target = tests / path.relative_to(task / "tests")
            target.parent.mkdir(exist_ok=True)
            text = path.read_text()
            if path.suffix == ".sh":
                text = text.replace("/workspace", str(root)).replace("/tests/", f"{tests}/")
                text = text.replace("/logs/", f"{place}/logs/")
            target.write_text(text)
    subprocess.run(["bash", str(tests / "test.sh")], cwd=root, check=True, capture_output=True)
    return (place / "logs" / "verifier" / "reward.txt").read_text().strip()


def test_the_files_of_a_task(task: Path, decided: Machine) -> None:
    config = tomllib.loads((task / "task.toml").read_text())
    facts = config["metadata"]["tracetui"]
    assert config["task"]["name"] == f"tracetui/capsule-{facts['capsule'][:12]}"
    assert (facts["base"], facts["repository"]) == (decided.base, REMOTE)
    assert facts["failing_tests"] == ["test_chop.ChopTest.test_whole"]
    docker = (task / "environment" / "Dockerfile").read_text()
    assert "FROM python:3\n" in docker
    assert f"ARG REPOSITORY={REMOTE}\nARG BASE={decided.base}\n" in docker
    assert "RUN pip install -q -r requirements.txt\n" in docker
    asked = (task / "instruction.md").read_text()
    assert "cuts one character too many" in asked
    assert "Mend it." not in asked
    assert "'ab' != 'abc'" in asked
    assert sorted(path.name for path in (task / "environment" / "patches").iterdir()) == ["0001.patch"]
    for path in task.rglob("*"):
        if path.is_file():
            assert decided.secret not in path.read_text()
            assert "annabella" not in path.read_text()


def test_the_verifier_tells_broken_from_mended(task: Path, decided: Machine, tmp_path: Path) -> None:
    root = built(task, decided, tmp_path / "box")
    assert (root / "chop.py").read_text() == CODE
    assert (root / "tests" / "test_chop.py").read_text() == TEST_2
    assert git(root, "rev-list", "--count", "HEAD") == "2"
    assert reward(task, root) == "0"
    (root / "tests" / "test_chop.py").write_text(TEST)
    assert reward(task, root) == "0"
    (root / "tests" / "test_chop.py").unlink()
    assert reward(task, root) == "0"
    (root / "chop.py").write_text(MENDED)
    (root / "tests" / "test_chop.py").unlink()
    assert reward(task, root) == "1"
    assert (root / "tests" / "test_chop.py").read_text() == TEST_2


@pytest.mark.parametrize("command", [f"{COMMAND} 2>&1 | tail -20", f"cd {{root}}; {COMMAND}; echo done", COMMAND])
def test_a_hidden_status_is_no_reward(command: str, tmp_path: Path) -> None:
    held = parts(command)
    task, root = tmp_path / "task", tmp_path / "box" / "workspace"
    for path, data in task_of(Redacted("s", "none", [], "", parts=held), held).items():
        (task / path).parent.mkdir(parents=True, exist_ok=True)
        (task / path).write_bytes(data)
    docker = (task / "environment" / "Dockerfile").read_text()
    assert "ARG" not in docker
    assert "2 files and the patches that the capsule carries" in docker
    shutil.copytree(task / "environment" / "files", root)
    assert reward(task, root) == "0"
    (root / "chop.py").write_text(MENDED)
    assert reward(task, root) == "1"
    (root / "chop.py").unlink()
    assert reward(task, root) == "0"


def test_what_is_in_a_capsule_gets_no_further_than_its_file() -> None:
    hostile = 'true"\nRUN touch /owned\n$(touch /owned)\n'
    held = dataclasses.replace(
        parts(hostile),
        start="0" * 40,
        setup=[hostile],
        repository={"remote": "https://x.org/a\nRUN touch /owned"},
        environment={"languages": {"python": hostile}, "dependencies": [{"ecosystem": "python", "file": hostile}]},
    )
    made = task_of(Redacted("s", "none", [], "", parts=held), held)
    assert "owned" in made["tests/check.sh"].decode()
    assert "touch" not in made["environment/Dockerfile"].decode()
    assert "touch" not in made["tests/test.sh"].decode()
    assert tomllib.loads(made["task.toml"].decode())["metadata"]["tracetui"]["command"] == hostile
    with pytest.raises(TracetuiError, match="no commit"):
        task_of(Redacted("s", "none", [], "", parts=held), dataclasses.replace(held, start="main; touch"))
    with pytest.raises(TracetuiError, match="no check"):
        task_of(Redacted("s", "none", [], "", parts=held), dataclasses.replace(held, check=None))


def test_a_session_is_no_task(cli: Cli, decided: Machine, tmp_path: Path) -> None:
    done = cli("export", SESSION, "--format", "harbor", "-o", tmp_path / "tasks", home=decided.home)
    assert done.status == 1
    assert done.err.count("\n") == 1
    assert "--format harbor needs a capsule" in done.err
    assert not (tmp_path / "tasks").exists()


def test_a_remote_that_is_not_named_is_asked_for(cli: Cli, decided: Machine, tmp_path: Path) -> None:
    capsule = tmp_path / "chop.capsule.zip"
    assert cli("seal", SESSION, "-o", capsule, home=decided.home).status == 0
    done = cli("export", capsule, "--format", "harbor", "-o", tmp_path / "tasks")
    assert done.status == 0
    assert "a repository that the capsule does not name" in done.err
    (docker,) = (tmp_path / "tasks").glob("*/environment/Dockerfile")
    text = docker.read_text()
    assert "ARG REPOSITORY\n" in text
    assert str(decided.origin) not in text
