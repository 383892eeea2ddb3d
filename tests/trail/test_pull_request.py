"""The text for a pull request: which prompts say what is wanted, what is folded, what is told of tests."""

from __future__ import annotations

import pytest

from tracetui.trail.blame import Blame, Share
from tracetui.trail.judge import Judge
from tracetui.trail.prompts import Prompt, intent_of, said_in, suite_in
from tracetui.trail.pull_request import RangeChange, SessionFacts, SuiteRun, text
from tracetui.trail.range_facts import changes, renames_in
from tracetui.trail.states import HunkState
from tracetui.trail.store import Store

from .histories import Scene


@pytest.mark.parametrize(
    "words",
    ["1+2", "do 1,2 and 5", "hi", "yes, go ahead", "/compact", "<command-name>/clear</command-name>", "commit and push",
     "Base directory for this skill: /x", "what do you think of the two tabs?", "and the red border as well",
     "link me to the trail please", "can you work on that one like execute it", "please fix all high and medium issues",
     "But the install runs all of them anyway, so why would you repeat the creation of the table in another migration?",
     "Some valid points raised by the reviewer on the branch", "What are thoughts on one setting for both environments",
     "resolve merge conflicts and if there are no issues merge", "let's get a pr up for the whole thing"],
)  # fmt: skip
def test_what_says_nothing(words: str) -> None:
    assert not said_in(words, 0).tells


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("ok, so make the retry limit configurable. It is 3 today.", "Make the retry limit configurable"),
        ("Implement the following plan:\n\n# Plan: Cache the parsed config\n\n- a", "Cache the parsed config"),
        ("could you also add a page about the schema, as the API has?", "Add a page about the schema, as the API has"),
        ("Fix all of the remaining issues first. Then log a task for the open ones", "Log a task for the open ones"),
        ("```\nTraceback\n```\nFix the crash of an empty list", "Fix the crash of an empty list"),
    ],
)  # fmt: skip
def test_what_says_something(words: str, said: str) -> None:
    assert (said_in(words, 0).tells, said_in(words, 0).text) == (True, said)


def test_a_confirmation_goes_with_the_prompt_before_it() -> None:
    prompts = [Prompt(1, "Add a retry limit", True), Prompt(5, "do 1 and 2", False), Prompt(9, "Drop the cache", True)]
    assert [intent_of(prompts, time) for time in (0, 2, 6, 9)] == [
        "Add a retry limit", "Add a retry limit", "Add a retry limit", "Drop the cache",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("command", "tests"),
    [
        ("cd app && pnpm --filter web test -- --run src/a.test.ts 2>&1 | tail -5", "pnpm --filter web test"),
        ("uv run pytest -q tests/test_a.py", "uv run pytest"),
        ("go test ./...", "go test ./..."),
        ("grep -rn latest src", None),
        ("cat test.txt", None),
    ],
)
def test_commands_that_run_tests(command: str, tests: str | None) -> None:
    assert suite_in(command) == tests


def state(key: str, found: str, time: int, added: int, retention: float | None = 1.0) -> HunkState:
    return HunkState("", None, 1, None, 0, "a.py", "Edit", added, 0, found, "exact", retention, key=key, time=time)  # type: ignore[arg-type]


def test_what_led_to_little_is_not_the_intent_and_a_session_is_named_by_what_led_to_most() -> None:
    share = Share("one", 99, keys={"a", "b"})
    facts = {
        "one": SessionFacts(
            "What is in here?",
            "claude",
            [Prompt(1, "Fix a typo in a comment", True), Prompt(5, "Add a cache of parsed files", True)],
        )
    }
    states = {"a": state("a", "alive", 2, 1), "b": state("b", "alive", 6, 98)}
    found = text([Blame("f" * 40, "x", "Dev", 1000, 99, 0, [share])], [], facts, states, {})
    assert "typo" not in found
    assert found.count("Add a cache of parsed files") == 2


def test_a_renamed_file_counts_its_changes_only(scene: Scene) -> None:
    lines = [f"value_{number} = compute({number})" for number in range(30)]
    scene.put("old.py", "\n".join(lines) + "\n")
    first = scene.commit("old")
    scene.git("mv", "old.py", "new.py")
    scene.put("new.py", "\n".join([*lines, "one_more = compute(99)"]) + "\n")
    last = scene.commit("new")
    owner = Judge(Store(scene.root / ".git", scene.root))
    owner.prepare()
    rows = [Blame(last, "new", "Dev", 1, 1, 0, [])]
    assert changes(owner.store, (first, last), rows, renames_in(owner.index, rows)) == [RangeChange("new.py", 1, 0)]
    owner.close()


def test_the_whole_text() -> None:
    big, tiny = Share("big", 96, keys={"a", "b", "p"}), Share("tiny", 1, keys={"c"})
    rows = [
        Blame("f" * 40, "Retry @everyone (#7)", "Dev", 1000, 100, 3, [big, tiny], files=("src/a.py", "src/b.py")),
        Blame("e" * 40, "Merge branch 'x'", "Dev", 2000, 0, 0, []),
    ]
    facts = {
        "big": SessionFacts(
            "hi", "claude", [Prompt(1, "Add a retry limit", True), Prompt(20, "Name it in the help", True)],
            [SuiteRun("pytest", 5, False), SuiteRun("pytest", 9, True), SuiteRun("tox", 99_999_999, False)],
        ),
        "tiny": SessionFacts(None, "codex", [Prompt(1, "Something small and unimportant", True)]),
    }  # fmt: skip
    states = {
        "a": state("a", "alive", 2, 10),
        "b": state("b", "reverted", 21, 80, 0.0),
        "p": state("p", "pending", 3, 5, None),
        "c": state("c", "alive", 3, 1),
    }
    found = text(rows, [RangeChange("src/a.py", 90, 3), RangeChange("src/b.py", 10, 0)], facts, states, {})
    parts = dict(part.split("\n\n", 1) for part in found.split("## ")[1:])
    assert parts["Intent"].splitlines()[0] == "- Add a retry limit"  # most of it stands
    assert "Merge" not in parts["Commits"]
    assert "@everyone" not in found
    assert parts["What changed"].startswith("2 files, +100 −3. Sessions wrote 97 of the 100 lines")
    assert "- src/ +100 −3 in 2 files" in parts["What changed"]
    assert parts["Sessions"].splitlines() == ["- Add a retry limit (claude big): +96 lines", "- 1 other: +1 lines", ""]
    assert "pending" not in parts["What survives"]
    assert "2 unchanged, 1 reverted" in parts["What survives"]
    assert parts["Tests"].strip() == "- pytest: passed"
