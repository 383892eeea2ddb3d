"""The small rules of ``Judge`` by themselves: which commits a text may come from, and what a worktree's HEAD says."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tracetui.trail import git
from tracetui.trail import judge as module
from tracetui.trail.judge import Judge, _head_of


def bare(**facts: Any) -> Judge:
    """A judge that knows only these facts."""
    made = object.__new__(Judge)
    for name, value in facts.items():
        setattr(made, name, value)
    return made


@pytest.mark.parametrize(
    ("text", "leads"),
    [
        ("ref: refs/heads/topic\n", "a" * 40),
        ("ref: refs/heads/none\n", None),
        ("b" * 40 + "\n", "b" * 40),
        ("0123456789abcdef" * 4, "0123456789abcdef" * 4),
        ("b" * 39, None),
        ("b" * 41, None),
        ("b" * 65, None),
        ("B" * 40, None),
        ("g" + "b" * 39, None),
        ("b" * 39 + "g", None),
        ("", None),
        ("\u00e9" * 40, None),
    ],
)
def test_where_the_head_of_a_worktree_leads(tmp_path: Path, text: str, leads: str | None) -> None:
    (tmp_path / "HEAD").write_text(text, "utf-8")
    assert _head_of(tmp_path, {"refs/heads/topic": "a" * 40}) == leads
    assert _head_of(tmp_path / "none", {}) is None


def test_the_newest_commits_before_an_edit() -> None:
    shas = [f"{nth:040x}" for nth in range(12)]
    times = [100, 90, 80, 70, 60, 50, 40, 30, 20, 60, 500, 10]
    touches = [SimpleNamespace(idx=nth, blob=b"x") for nth in range(11)]
    touches.append(SimpleNamespace(idx=11, blob=b""))  # it removed the file
    made = bare(index=SimpleNamespace(shas=shas, times=times, touches=lambda path: touches if path == "a.py" else []))

    def numbers(time: int | None) -> list[int]:
        return [shas.index(sha) for sha in made._newest("a.py", time)]

    assert numbers(61_000) == [9, 4, 5, 6, 7, 8], "six, the newest first, of one second the later"
    assert numbers(60_999) == [5, 6, 7, 8], "none of the same second"
    assert numbers(60_001) == [5, 6, 7, 8]
    assert numbers(21_000) == [8], "not what removed it"
    assert numbers(None) == []
    assert made._newest("b.py", 61_000) == []


def test_a_long_history_is_told_by_its_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_HISTORY", 3)
    asked: list[bytes] = []

    def read(folder: Path, words: list[str], given: bytes) -> bytes:
        asked.append(given)
        if answer is None:
            raise git.GitError("no such commit")
        return answer

    monkeypatch.setattr(git, "read", read)
    made = bare(store=SimpleNamespace(folder=Path("/repo")))
    for shas, answer, long in (
        (["a"] * 4, b"", True),
        (["a"] * 3, b"9", False),
        ([], b"4\n", True),
        ([], b"3\n", False),
        ([], b"?", False),
        ([], None, False),
    ):
        made.index = SimpleNamespace(shas=shas)
        assert made._long(["c", "b"]) is long, (shas, answer)
    assert asked == [b"b\nc\n"] * 4


def test_the_branch_worked_on_goes_before_the_revision() -> None:
    asked: list[tuple[str, bool]] = []

    def newest(tip: str, time: int | None, *, first: bool) -> str | None:
        asked.append((tip, first))
        return answers.get((tip, first))

    made = bare(refs={"refs/heads/a": "A", "refs/remotes/origin/b": "B"}, at="R", _newest_of=newest)
    made.index = SimpleNamespace(index={"A": 0, "B": 1, "R": 2})
    answers = {("A", False): "a1", ("R", True): "r1", ("R", False): "r2"}
    assert made._before(5, "a") == ["a1"]
    assert made._before(5, "b") == [], "a branch that has nothing so old tells nothing else"
    assert asked == [("A", False), ("B", False)]
    assert made._before(5, "c") == made._before(5, None) == ["r1", "r2"]
    answers = {("R", True): "r", ("R", False): "r"}
    assert made._before(5, None) == ["r"]
    answers = {("R", False): "r2"}
    assert made._before(5, None) == ["r2"]
    made.at = None
    assert made._before(5, None) == []
