"""``index --from-repo``: the branch that Entire keeps, foreign in identity, anchored to the repository."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pygit2
import pytest

from tests.harness.opencode_logs import SESSION, story
from tracetui.__main__ import main
from tracetui.harness.entire import BRANCH, transcripts
from tracetui.model import TracetuiError


def commit(repo: pygit2.Repository, ref: str, files: dict[str, bytes], time: int = 1_790_000_900) -> None:
    def tree(files: dict[str, bytes]) -> pygit2.Oid:
        builder = repo.TreeBuilder()
        below: dict[str, dict[str, bytes]] = {}
        for name, data in files.items():
            head, _, rest = name.partition("/")
            if rest:
                below.setdefault(head, {})[rest] = data
            else:
                builder.insert(name, repo.create_blob(data), pygit2.enums.FileMode.BLOB)
        for name, inner in below.items():
            builder.insert(name, tree(inner), pygit2.enums.FileMode.TREE)
        return builder.write()

    who = pygit2.Signature("Ana", "ana@example.org", time, 0)
    parents = [repo.references[ref].target] if ref in repo.references else []
    repo.create_commit(ref, who, who, "x", tree(files), parents)


def about(session: str, time: str) -> bytes:
    return json.dumps({"session_id": session, "agent": "OpenCode", "created_at": time}).encode()


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    folder = tmp_path / "tally"
    made = pygit2.init_repository(str(folder), initial_head="main")
    commit(made, "refs/heads/main", {"tally.py": b"def tally(n):\n    return n\n"}, 1_789_999_000)
    commit(made, "refs/heads/main", {"tally.py": b"def tally(n):\n    return n + 1\n", "NOTES.md": b"# Notes\n"})
    session = story()
    whole = session.export(tmp_path / "whole.json").read_bytes()
    del session.messages[3:]
    early = session.export(tmp_path / "early.json").read_bytes()
    commit(made, f"refs/heads/{BRANCH}", {
        "ab/cdef012345/metadata.json": b"{}",
        "ab/cdef012345/0/metadata.json": about(SESSION, "2026-09-21T10:13:20Z"),
        "ab/cdef012345/0/full.jsonl": early,
        "cd/ef01234567/0/metadata.json": about(SESSION, "2026-09-21T11:13:20Z"),
        "cd/ef01234567/0/full.jsonl": whole,
        "cd/ef01234567/1/metadata.json": about("../../evil", "2026-09-21T11:13:20Z"),
        "cd/ef01234567/1/full.jsonl": whole,
        "cd/ef01234567/2/metadata.json": b"not json",
        "cd/ef01234567/2/full.jsonl": b"{}",
    })  # fmt: skip
    return folder


def told(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_sessions_of_the_branch_are_foreign_and_anchored(
    tmp_path: Path, repo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bucket = ["--bucket", str(tmp_path / "bucket")]
    before = {path: path.read_bytes() for path in sorted(repo.rglob("*")) if path.is_file()}
    assert main([*bucket, "index", "--from-repo", str(repo), "--json"]) == 0
    (run,) = told(capsys)
    assert (run["new"], run["bad_records"]) == (1, 0)
    assert [Path(problem["path"]).name for problem in run["problems"]] == ["2"]
    assert {path: path.read_bytes() for path in sorted(repo.rglob("*")) if path.is_file()} == before
    assert main([*bucket, "ls", "--json"]) == 0
    (row,) = told(capsys)
    origin, _, own = row["id"].partition("/")
    assert origin.startswith("foreign:")
    assert (own, row["steps"]) == (SESSION, 10)
    assert main([*bucket, "trail", row["id"], "--json"]) == 0
    hunks = told(capsys)
    assert {hunk["path"] for hunk in hunks} == {"tally.py", "NOTES.md"}
    assert {hunk["state"] for hunk in hunks} == {"alive"}
    assert main([*bucket, "blame", "HEAD", "--repo", str(repo), "--json"]) == 0
    assert [item["id"] for item in told(capsys)[0]["sessions"]] == [row["id"]]
    assert main([*bucket, "index", "--from-repo", str(repo), "--json"]) == 0
    assert (told(capsys)[0]["unchanged"], told(capsys)) == (1, [])


def test_what_is_no_such_repository_is_one_line(tmp_path: Path, repo: Path) -> None:
    made = pygit2.init_repository(str(tmp_path / "bare"), bare=True)
    with pytest.raises(TracetuiError, match="no branch"):
        list(transcripts(Path(made.path), lambda place, reason: None))
    assert main(["--bucket", str(tmp_path / "bucket"), "index", "--from-repo", str(tmp_path)]) == 1
    assert main(["--bucket", str(tmp_path / "bucket"), "index", "--from-repo", str(repo), "--watch"]) == 2


def test_a_branch_of_a_remote_will_do(tmp_path: Path, repo: Path) -> None:
    git = pygit2.Repository(str(repo))
    git.references.create(f"refs/remotes/origin/{BRANCH}", git.references[f"refs/heads/{BRANCH}"].target)
    git.references.delete(f"refs/heads/{BRANCH}")
    found = list(transcripts(repo / ".git", lambda place, reason: None))
    assert [(item.session, item.agent, item.checkpoint) for item in found] == [(SESSION, "OpenCode", "cd/ef01234567/0")]
