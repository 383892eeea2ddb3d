"""Folders of sessions tied to repositories by evidence, and what trail and blame say they could not see."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tracetui.__main__ import main
from tracetui.bucket import Bucket
from tracetui.trail.facade import Trail
from tracetui.trail.repo import sibling
from tracetui.trail.store import plain_remote

from .histories import HELPER, Scene
from .logs import claude_log, save

ONE = "5bd0c1de-0000-4000-8000-000000000001"
TWO = "6bd0c1de-0000-4000-8000-000000000002"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("TRACETUI_CONFIG", str(home / "config.toml"))
    monkeypatch.setenv("TRACETUI_BUCKET", str(home / "bucket"))
    return home


def run(capsys: pytest.CaptureFixture[str], *words: str) -> list[dict[str, Any]]:
    capsys.readouterr()
    assert main([*words, "--json"]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.fixture
def far(scene: Scene, home: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[tuple[Scene, str, Bucket]]:
    """A session in the repository, and one that ran on another machine and whose work is committed here."""
    scene.put("tools/load.py", "def load(path):\n    return open(path).read()\n" + "# a tool\n" * 30)
    scene.commit("tools")
    scene.edit("app.py", "    return total\n", "    return total + offset_of(values)\n", ONE)
    scene.commit("offset")
    save(home, claude_log(scene, ONE), ONE)
    scene.edits.clear()
    scene.edit("tools/load.py", "    return open(path).read()\n", "    return decode(open(path).read())\n", TWO)
    scene.append("app.py", HELPER, TWO)
    sha = scene.commit("decode, helper")
    scene.on_other_machine("/srv/build/app")
    save(home, claude_log(scene, TWO, cwd="/srv/build/app"), TWO)
    run(capsys, "index", str(home / ".claude"), "--keep")
    with Bucket.open(home / "bucket") as bucket:
        yield scene, sha, bucket


def test_what_could_not_be_seen(
    far: tuple[Scene, str, Bucket], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    scene, sha, _ = far
    monkeypatch.chdir(scene.root)
    (row,) = run(capsys, "blame", sha)
    assert (row["attributed"], row["unseen"]) == (0, {"sessions": 1, "folders": 1})
    rows = run(capsys, "trail", ONE)
    assert ["unseen" in row for row in rows] == [False] * (len(rows) - 1) + [True]
    assert main(["blame", sha]) == 0
    assert "1 session in 1 folder" in capsys.readouterr().err


def test_offered_tied_and_taken_out(far: tuple[Scene, str, Bucket], capsys: pytest.CaptureFixture[str]) -> None:
    scene, sha, bucket = far
    place = (scene.root / ".git", scene.root)
    with Trail(bucket) as trail:
        (offer,) = trail.overview(place)["offers"]
        assert (offer["folder"], offer["sessions"]) == ("/srv/build/app", 1)
        assert "text" in offer["why"]
        trail.folders.remember([offer["folder"]], str(scene.root))
        rows, _, _ = trail.blame(sha, folder=str(scene.root))
        assert [share.session for share in rows[0].shares] == [TWO]
        assert trail.unseen().sessions == 0
        assert trail.overview(place)["offers"] == []
        trail.folders.remember([offer["folder"]], None)
        assert trail.unseen().sessions == 1
        assert trail.overview(place)["offers"] == []  # offered once


def test_a_folder_of_something_else(far: tuple[Scene, str, Bucket], tmp_path: Path) -> None:
    _, _, bucket = far
    other = Scene(tmp_path / "other", files={"main.go": "package main\n"})
    with Trail(bucket) as trail:
        assert trail.overview((other.root / ".git", other.root))["offers"] == []


def test_an_overview(far: tuple[Scene, str, Bucket]) -> None:
    scene, _, bucket = far
    with Trail(bucket) as trail:
        found = trail.overview((scene.root / ".git", scene.root))
        ((_, added, written),) = found["months"]
        assert (written, found["sessions"]) == (1, 1)
        assert added > 40
        assert found["churn"][0][:2] == ["app.py", 3]
        assert [item["sessions"] for item in trail.repositories()] == [1]


def test_folders_like_worktrees() -> None:
    assert sibling("/src/app.worktrees/fix", "/src/app")
    assert sibling("/src/app-fix", "/src/app")
    assert not sibling("/src/apple", "/src/app")
    assert not sibling("/src/app", "/src/app")
    assert not sibling("/src/other/app", "/src/app")


def test_addresses_of_one_remote() -> None:
    spelled = (
        "git@Host.example:team/app.git",
        "https://user@host.example/team/app/",
        "ssh://git@host.example/team/app",
    )
    assert {plain_remote(url) for url in spelled} == {"host.example/team/app"}
