"""``trail`` and ``blame`` as a user runs them: logs, bucket, repository."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tracetui.__main__ import main

from .histories import BASE, HELPER, Scene
from .logs import claude_log, save

ONE = "5bd0c1de-0000-4000-8000-000000000001"
TWO = "6bd0c1de-0000-4000-8000-000000000002"
TRAIL_KEYS = (
    "session agent step call_id hunk path tool added removed state reason retention landing commits killer".split()
)
BLAME_KEYS = "commit path start end subject author time added removed attributed sessions".split()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in list(os.environ):
        if name.startswith(("CLAUDE_", "CODEX_", "PI_CODING", "TRACETUI_", "XDG_")):
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("TRACETUI_CONFIG", str(home / "config.toml"))
    monkeypatch.setenv("TRACETUI_BUCKET", str(home / "bucket"))
    return home


def run(capsys: pytest.CaptureFixture[str], *words: str, status: int = 0) -> list[dict[str, Any]]:
    capsys.readouterr()
    assert main([*words, "--json"]) == status
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.fixture
def story(scene: Scene, home: Path, capsys: pytest.CaptureFixture[str]) -> Scene:
    scene.append("app.py", HELPER, ONE)
    scene.edit("app.py", "value * 2", "scale_by_two(value)", ONE)
    scene.commit("helper and scale")
    scene.edit("app.py", '    print("hello", name)\n', "    greet_politely(name)\n", TWO)
    scene.commit("greet")
    save(home, claude_log(scene, ONE, "add a *helper* @team"), ONE)
    save(home, claude_log(scene, TWO, "be polite"), TWO)
    run(capsys, "index", str(home / ".claude"), "--keep")
    return scene


def test_trail(story: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    rows = run(capsys, "trail", ONE[:8])
    first = story.git("rev-parse", "HEAD~1")
    assert all(set(TRAIL_KEYS) <= set(row) for row in rows)
    assert [(r["session"], r["path"], r["state"], r["reason"], r["landing"]) for r in rows] == [
        (ONE, "app.py", "alive", "exact", first)
    ] * 2
    assert rows[0]["tool"] == "Write"
    assert rows[0]["call_id"] == "toolu_0001"
    assert rows[0]["commits"] == [first]
    assert rows[0]["retention"] == 1.0


def test_trail_is_kept_and_follows_head(story: Scene, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "trail", ONE)
    assert run(capsys, "ls")[1]["survival"]["alive"] == 2
    again = run(capsys, "trail", ONE)
    story.tick()
    story.git("revert", "--no-edit", "HEAD~1")
    after = run(capsys, "trail", ONE)
    assert [row["state"] for row in again] == ["alive", "alive"]
    assert [row["state"] for row in after] == ["reverted", "reverted"]
    assert [row["state"] for row in run(capsys, "trail", ONE, "--at", "HEAD~1")] == ["alive", "alive"]
    story.git("reset", "-q", "--hard", "HEAD~1")
    assert run(capsys, "trail", ONE) == again
    modes = {path.name: path.stat().st_mode & 0o777 for path in (home / "bucket").glob("trail.db*")}
    assert modes
    assert set(modes.values()) == {0o600}


def test_worktree_changes_are_seen_though_kept(story: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    rows = run(capsys, "trail", ONE)
    assert [row["flag"] for row in rows] == [None, None]
    text = story.read("app.py")
    story.put("app.py", text.replace(HELPER, ""))
    assert [row["flag"] for row in run(capsys, "trail", ONE)] == ["worktree_removed", None]


def test_trail_for_people(story: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trail", ONE]) == 0
    shown = capsys.readouterr().out
    assert "alive" in shown
    assert "2 alive of 2 hunks" in shown


def test_trail_errors(story: Scene, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "trail", "0000dead", status=1)
    run(capsys, "trail", ONE, "--at", "nowhere", status=1)
    run(capsys, "trail", ONE, "--repo", str(home), status=1)
    run(capsys, "trail", "not an address", status=2)


def test_blame_of_a_commit(story: Scene, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(story.root)
    (row,) = run(capsys, "blame", "HEAD~1")
    assert set(BLAME_KEYS) <= set(row)
    assert (row["subject"], row["author"], row["path"]) == ("helper and scale", "Dev", None)
    assert (row["added"], row["removed"], row["attributed"]) == (8, 1, 8)
    (named,) = row["sessions"]
    assert (named["id"], named["lines"], named["steps"]) == (ONE, 8, [2, 3])
    assert named["prompt"] == "add a *helper* @team"
    assert named["survival"]["alive"] == 2
    (head,) = run(capsys, "blame", "HEAD", "--repo", str(story.root))
    assert [item["id"] for item in head["sessions"]] == [TWO]


def test_blame_of_a_commit_of_nobodys(story: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    (row,) = run(capsys, "blame", "HEAD~2", "--repo", str(story.root))
    assert (row["sessions"], row["attributed"]) == ([], 0)
    story.put("app.py", story.read("app.py") + "\n\ndef human():\n    return 'made by hand entirely'\n")
    story.commit("by hand")
    (row,) = run(capsys, "blame", "HEAD", "--repo", str(story.root))
    assert row["sessions"] == []


def test_blame_of_a_range_and_lines(
    story: Scene, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(story.root)
    rows = run(capsys, "blame", "HEAD~2..HEAD")
    assert [[item["id"] for item in row["sessions"]] for row in rows] == [[ONE], [TWO]]
    text = story.read("app.py").split("\n")
    number = text.index("    greet_politely(name)") + 1
    (row,) = run(capsys, "blame", f"app.py:{number}")
    assert (row["path"], row["start"], row["end"], row["attributed"]) == ("app.py", number, number, 1)
    assert [item["id"] for item in row["sessions"]] == [TWO]
    whole = run(capsys, "blame", "app.py")
    assert whole[0]["start"] == 1
    assert whole[-1]["end"] == len(text) - 1
    assert {item["id"] for row in whole for item in row["sessions"]} == {ONE, TWO}
    run(capsys, "blame", "nothing.py", status=1)


def test_blame_markdown(story: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["blame", "HEAD~2..HEAD", "--markdown", "--repo", str(story.root)]) == 0
    text, said = capsys.readouterr()
    assert main(["blame", "HEAD~2..HEAD", "--markdown", "--repo", str(story.root)]) == 0
    assert capsys.readouterr().out == text
    assert "@team" not in text.replace("@\u200bteam", "")
    assert "*helper*" not in text
    assert "read it before you post it" in said
    assert "greet" in text


def test_log_of_another_machine(scene: Scene, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scene.append("app.py", HELPER, ONE)
    sha = scene.commit("helper")
    scene.on_other_machine("/home/someone/project")
    save(home, claude_log(scene, ONE, cwd="/home/someone/project"), ONE)
    run(capsys, "index", str(home / ".claude"), "--keep")
    assert [(r["state"], r["reason"]) for r in run(capsys, "trail", ONE)] == [("unknown", "no_repository")]
    assert [(r["state"], r["landing"]) for r in run(capsys, "trail", ONE, "--repo", str(scene.root))] == [
        ("alive", sha)
    ]
    (row,) = run(capsys, "blame", sha, "--repo", str(scene.root))
    assert [item["id"] for item in row["sessions"]] == [ONE]


def test_two_sessions_of_one_project_know_of_each_other(
    scene: Scene, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scene.edit("app.py", "value * 2", "scale_by_two(value)", ONE)
    scene.edit("app.py", "scale_by_two(value)", "compute_with(value, factor)", TWO)
    scene.commit("compute")
    save(home, claude_log(scene, ONE), ONE)
    save(home, claude_log(scene, TWO), TWO)
    run(capsys, "index", str(home / ".claude"), "--keep")
    assert [(r["state"], r["reason"]) for r in run(capsys, "trail", ONE)] == [("lost", "superseded")]
    assert [(r["state"], r["reason"]) for r in run(capsys, "trail", TWO)] == [("alive", "exact")]
    assert scene.read("app.py") != BASE


def test_a_kept_trail_follows_head_as_a_new_one_does(story: Scene, home: Path) -> None:
    from tracetui.bucket import Bucket
    from tracetui.trail.facade import Trail

    with Bucket.open(home / "bucket") as bucket, Trail(bucket) as kept:
        session = bucket.session(ONE)
        for step in range(4):
            if step == 1:
                story.git("mv", "app.py", "program.py")
                story.commit("rename")
            elif step == 2:
                story.sub("program.py", "scale_by_two(value)", "value * 2")
                story.commit("undo one")
            elif step == 3:
                story.tick()
                story.git("revert", "--no-edit", "HEAD")
            with Trail(bucket) as fresh:
                fresh_states = fresh.hunks(session)
            assert kept.hunks(session) == fresh_states
        assert [state.reason for state in fresh_states] == ["file_renamed", "reapplied"]
        assert kept.coverage(session).edits == 2
        assert set(kept.texts(session)) == {state.key for state in fresh_states}


def test_a_verdict_is_kept_as_long_as_it_holds(story: Scene, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tracetui.bucket import Bucket
    from tracetui.trail.facade import Trail

    judged: list[str] = []
    judge = Trail._judge
    monkeypatch.setattr(Trail, "_judge", lambda self, *args: judged.append("x") or judge(self, *args))

    def states(number: int) -> list[object]:
        with Bucket.open(home / "bucket") as bucket, Trail(bucket) as trail:
            found = trail.hunks(bucket.session(ONE))
            assert trail.hunks(bucket.session(ONE)) == found
            assert len(judged) == number
            return list(found)

    first = states(1)
    assert first
    assert states(1) == first, "read again from the bucket, all of it the same"
    story.write("app.py", story.read("app.py").replace("value * 2", "value * 3"))
    assert states(2), "a file of the work tree changed"
    database = home / "bucket" / "trail.db"
    with closing(sqlite3.connect(database)) as db, db:
        db.execute("UPDATE verdict SET states = '[[1, 2]]'")
    assert states(3) == states(3), "a damaged one is worked out again"
    with closing(sqlite3.connect(database)) as db, db:
        db.execute("DROP TABLE verdict")
        db.execute("CREATE TABLE verdict(session TEXT, repo TEXT, at TEXT, mark TEXT, used INTEGER, states BLOB)")
    assert states(4) == states(4), "a table of an older version is made anew"


def test_a_remembered_repository(scene: Scene, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from tracetui.bucket import Bucket
    from tracetui.model import TracetuiError
    from tracetui.trail.facade import Trail

    scene.append("app.py", HELPER, ONE)
    scene.commit("helper")
    scene.on_other_machine("/home/someone/project")
    save(home, claude_log(scene, ONE, cwd="/home/someone/project/src"), ONE)
    run(capsys, "index", str(home / ".claude"), "--keep")
    with Bucket.open(home / "bucket") as bucket, Trail(bucket) as trail:
        session = bucket.session(ONE)
        assert trail.hunks(session)[0].reason == "no_repository"
        with pytest.raises(TracetuiError):
            trail.remember("/home/someone/project", str(home))
        trail.remember("/home/someone/project", str(scene.root))
        assert trail.hunks(session)[0].state == "alive"
        trail.remember("/home/someone/project", None)
        assert trail.hunks(session)[0].reason == "no_repository"


def test_a_path_after_two_dashes(
    story: Scene, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(story.root)
    story.git("branch", "app.py")
    assert run(capsys, "blame", "app.py")[0]["path"] is None
    capsys.readouterr()
    assert main(["blame", "--json", "--", "app.py"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[0])["path"] == "app.py"


def test_forget_takes_the_verdicts_too(story: Scene, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "trail", ONE[:8])
    database = home / "bucket" / "trail.db"
    with closing(sqlite3.connect(database)) as db:
        assert db.execute("SELECT count(*) FROM verdict").fetchone() == (1,)
    run(capsys, "forget", ONE, "--yes")
    with closing(sqlite3.connect(database)) as db:
        assert db.execute("SELECT count(*) FROM verdict").fetchone() == (0,)
    assert all(b"value * 2" not in path.read_bytes() for path in (home / "bucket").rglob("*") if path.is_file())
