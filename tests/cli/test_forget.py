"""``forget`` by age and folder, and what the disk budget asks."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from tests.cli.conftest import CODEX, FIRST, SECOND, Run


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def ids(run: Run) -> set[object]:
    return {row["id"] for row in run("ls", "--json").lines}


def test_by_age_and_folder(indexed: Run) -> None:
    before = ids(indexed)
    told = indexed("forget", "--project", "/src/alpha", "--dry-run")
    assert told.status == 0
    assert "bytes) of copies would go" in told.out
    rows = indexed("forget", "--project", "/src/alpha", "--dry-run", "--json").lines
    alpha = {row["id"] for row in rows}
    assert FIRST in alpha
    assert CODEX not in alpha
    assert all(row["copy_bytes"] > 0 and row["forgotten"] is False for row in rows)
    assert ids(indexed) == before
    assert indexed("forget", "--project", "/src/alpha").status == 1, "it asks"
    assert indexed("forget", "--project", "/src/alpha", "--older", "99999", "--yes").status == 1
    assert ids(indexed) == before
    assert indexed("forget", "--project", "/src/alpha", "--older", "1", "--yes").status == 0
    assert ids(indexed) == before - alpha


def test_a_bookmark_keeps_a_session_from_growing_old(indexed: Run, tmp_path: Path) -> None:
    from tracetui.bucket import Bucket

    with Bucket.open(tmp_path / "bucket") as bucket:
        bucket.bookmark(FIRST, on=True)
    assert indexed("forget", "--older", "1", "--yes").status == 0
    assert ids(indexed) == {FIRST}


@pytest.mark.parametrize(
    "words",
    [[], [FIRST, "--older", "3"], ["--older", "-1"], ["--older", "soon"], ["--project", " "], [f"{FIRST}:2"]],
)
def test_wrong_words(indexed: Run, words: list[str]) -> None:
    before = ids(indexed)
    assert indexed("forget", *words, "--yes").status == 2
    assert ids(indexed) == before


@pytest.mark.parametrize(("answer", "gone"), [("y\n", True), ("n\n", False)])
def test_a_budget_asks(indexed: Run, home: Path, monkeypatch: pytest.MonkeyPatch, answer: str, gone: bool) -> None:
    before = ids(indexed)
    (home / "config.toml").write_text("disk_budget_gb = 0.0000001")
    told = indexed("index")
    assert "over its budget" in told.err
    assert ids(indexed) == before, "without a terminal nothing goes"
    monkeypatch.setattr("sys.stdin", Terminal(answer))
    told = indexed("index")
    assert "Remove all" in told.err
    assert ids(indexed) == (set() if gone else before)
    assert SECOND in before
