"""Verdicts from tests that are known by name: which failed as recorded, which passed, which did not run at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.capsule.conftest import Cli
from tests.capsule.story import Machine, git
from tests.sandbox.test_sandbox import needs_sandbox
from tracetui.capsule.checks import Check, choose_main, propose, rooted
from tracetui.capsule.evidence import asked, environ, gather, not_found
from tracetui.capsule.imports import imports_of
from tracetui.capsule.setting_up import copy_packages, give_git
from tracetui.capsule.signature import Signature, signature_of
from tracetui.capsule.tree import Tree
from tracetui.capsule.verdict import Outcome, judge, look, rests_on
from tracetui.model import Step, ToolUse
from tracetui.sandbox.limits import Ran
from tracetui.sandbox.runner import choose
from tracetui.sandbox.tools import Tools

FAILED = "F\n____ test_x ____\nE   assert 1 == 2\na.py:3: AssertionError\nFAILED a.py::test_x - assert 1 == 2\n"
SUMMARY = "1 failed, 2 passed in 0.01s\n"
SIGNATURE = Signature("pytest", (("a.py::test_x", "assert 1 == 2"),))


def ran(code: int, output: str, **outcomes: str) -> Ran:
    tests = "\n".join(
        json.dumps({"runner": "pytest", "test": f"a.py::{test}", "outcome": word}) for test, word in outcomes.items()
    )
    return Ran(code, output, 0.1, None, {"tests": [tests]} if tests else {})


def seen(command: str, done: Ran, signature: Signature | None = SIGNATURE) -> Outcome:
    check = Check(1, command, exit_code=1, line="E   assert 1 == 2", signature=signature)
    return look(check, done, "/r")


BASE = ran(1, FAILED + SUMMARY, test_x="failed", test_y="passed", test_z="passed")
GOOD = "3 passed in 0.01s\n"


@pytest.mark.parametrize(
    ("done", "verdict"),
    [
        (ran(0, GOOD, test_x="passed", test_y="passed", test_z="passed"), "fixed"),
        (BASE, "reproduces"),
        # another bug in the same test, another test that fails, both
        (ran(1, FAILED.replace("1 == 2", "3 == 2") + SUMMARY, test_x="failed"), "differs"),
        (ran(1, FAILED.replace("test_x", "test_y") + SUMMARY, test_x="passed", test_y="failed"), "differs"),
        # the test deleted, skipped, no longer collected, its file gone
        (ran(0, "2 passed in 0.01s\n", test_y="passed", test_z="passed"), "inconclusive"),
        (ran(0, "2 passed, 1 skipped in 0.01s\n", test_x="skipped", test_y="passed"), "inconclusive"),
        (ran(0, "2 passed in 0.01s\n"), "inconclusive"),
        (ran(5, "no tests ran in 0.01s\n"), "inconclusive"),
        (ran(4, "ERROR: file or directory not found: a.py\n"), "inconclusive"),
        # nobody counts, nobody names
        (ran(0, ""), "inconclusive"),
        (ran(0, GOOD), "fixed"),
        (ran(0, "2 passed, 1 skipped in 0.01s\n"), "inconclusive"),
        # tests that could not be collected
        (ran(2, "ERROR a.py - ImportError: cannot import name 'q'\n1 error in 0.01s\n"), "inconclusive"),
    ],
)
def test_what_is_called_fixed(done: Ran, verdict: str) -> None:
    base = seen("pytest", BASE)
    assert base.kind == "reproduces"
    assert judge(base, seen("pytest", done))[0] == verdict


def test_what_fails_on_the_base_too_is_no_part_of_the_failure() -> None:
    other = "FAILED a.py::test_y - OSError: no network\n"
    base = seen("pytest", ran(1, FAILED + other, test_x="failed", test_y="failed"))
    assert base.kind == "reproduces"
    assert list(base.others) == ["a.py::test_y"]
    assert judge(base, seen("pytest", ran(1, other, test_x="passed", test_y="failed")))[0] == "fixed"
    worse = other.replace("OSError: no network", "KeyError: 1")
    assert judge(base, seen("pytest", ran(1, worse, test_x="passed", test_y="failed")))[0] == "differs"


def test_a_record_that_tells_little_is_measured_by_the_base() -> None:
    weak = Signature("pytest", (("a.py::test_x", ""),))
    base = seen("pytest", BASE, weak)
    other = seen("pytest", ran(1, FAILED.replace("1 == 2", "3 == 2") + SUMMARY, test_x="failed"), weak)
    assert (base.kind, other.kind) == ("reproduces", "reproduces")
    assert judge(base, other)[0] == "differs"
    assert judge(base, base)[0] == "reproduces"
    unrecorded = look(Check(1, "pytest", exit_code=None), BASE, "/r")
    other = look(Check(1, "pytest", exit_code=None), ran(1, FAILED.replace("test_x", "test_q") + SUMMARY), "/r")
    assert judge(unrecorded, other)[0] == "differs"


@pytest.mark.parametrize(
    ("command", "output"),
    [
        ("./repro.sh || true", "bash: line 1: ./repro.sh: No such file or directory\n"),
        ("pytest a.py | tail -3", "/bin/bash: line 1: pytest: command not found\n"),
        ("nosuch 2>&1 | tee log", "/bin/bash: line 1: nosuch: command not found\n"),
        ("python3 gone.py; echo done", "python3: can't open file '/r/gone.py': [Errno 2] No such\ndone\n"),
        ("env nosuch | cat", "env: \u2018nosuch\u2019: No such file or directory\n"),
        ("timeout 5 nosuch || :", "timeout: failed to run command \u2018nosuch\u2019: No such file or directory\n"),
    ],
)  # fmt: skip
def test_what_was_not_found_shows_nothing(command: str, output: str) -> None:
    check = Check(1, command, exit_code=0, line="E   assert 1 == 2")
    assert look(check, Ran(0, output, 0.1), "/r").kind == "inconclusive"


def test_what_only_looks_like_that() -> None:
    assert not_found("test: expected 'sh: x: not found' in the message\nok\n") is None


def test_statuses_of_the_parts_count_where_nothing_else_tells() -> None:
    check = Check(1, "./run | tail -1", exit_code=0, line="broken")
    assert look(check, Ran(0, "fine\n", 0.1, None, {"status": ["0 3 0"]}), "/r").kind == "differs"
    assert look(check, Ran(0, "fine\n", 0.1, None, {"status": ["0 0 0"]}), "/r").kind == "passes"


def test_a_package_from_elsewhere_is_not_the_tree() -> None:
    python = json.dumps({"version": "3.12.1", "modules": {"chop": "/usr/lib/python3/dist-packages/chop/__init__.py"}})
    done = Ran(0, GOOD, 0.1, None, {"python": [python]})
    found = gather(done, GOOD, "/r", None, {"chop"})
    assert found.outside is not None
    check = Check(1, "pytest", signature=SIGNATURE)
    outcome = look(check, done, "/r", found)
    assert outcome.kind == "inconclusive"
    assert "not the tree" in outcome.why or "not what was tested" in outcome.why


def failing(number: int, command: str, output: str) -> tuple[None, Step, None]:
    tool = ToolUse("Bash", {"command": command}, output, is_error=True, exit_code=1)
    return None, Step(number, "command", None, "", None, tool=tool), None


def test_the_main_check_is_the_last_failing_test() -> None:
    found = propose(
        [
            failing(1, "pytest a.py", FAILED + SUMMARY),
            failing(2, "pytest", FAILED + SUMMARY),
            failing(3, "ruff check .", "Found 3 errors.\n"),
            failing(4, "git push", "error: failed to push some refs\n"),
            failing(5, "ls nothing", "ls: cannot access 'nothing'\n"),
        ],
        None,
    )
    assert [check.step for check in found if check.main] == [2]
    assert found[1].signature == SIGNATURE
    assert choose_main([]) is None


def test_what_an_agent_says_of_every_failure_is_no_line() -> None:
    (check,) = propose([failing(1, "./run", "Exit code 1\n")], None)
    assert check.line is None


def test_packages_of_a_tree(tmp_path: Path) -> None:
    for name in ("src/chop", "tests", "docs"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "__init__.py").write_text("")
    assert imports_of(tmp_path).folders == ()
    (tmp_path / "pyproject.toml").write_text("")
    assert imports_of(tmp_path) == imports_of(tmp_path)
    assert (imports_of(tmp_path).folders, imports_of(tmp_path).packages) == (("src",), {"chop"})


@needs_sandbox
def test_tests_by_name_behind_a_pipe(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "t.py").write_text(
        "import unittest\nclass A(unittest.TestCase):\n    def test_a(self): pass\n"
        "    def test_b(self): self.fail('boom')\n    @unittest.skip('no')\n    def test_c(self): pass\n"
    )
    sandbox = choose()
    command = "python3 -m unittest t 2>&1 | tail -1"
    ask = asked(command)
    done = sandbox.run(command, tree, aside=ask, environ=environ(sandbox.hooks(ask.hooks)))
    assert (done.code, done.output) == (0, "FAILED (failures=1, skipped=1)\n")
    root = sandbox.root(tree)
    told = gather(done, rooted(done.output, root), root, tree)
    assert told.statuses == (1, 0)
    assert told.versions[0].startswith("Python 3")
    found = told.told["unittest"]
    assert (found.failed, found.passed, found.skipped) == ({"t.A.test_b": "boom"}, {"t.A.test_a"}, {"t.A.test_c"})
    signature = signature_of("\n".join(done.beside["tap"]))
    check = Check(1, command, exit_code=0, signature=signature)
    outcome = look(check, done, root, told)
    assert outcome.kind == "reproduces"
    rests = rests_on(outcome, None, "bubblewrap")
    assert rests["here"]["tests"] == {"t.A.test_b": "same"}
    assert rests["here"]["statuses"] == [1, 0]


def test_a_git_folder_of_our_own(tmp_path: Path) -> None:
    root = tmp_path / "tree"
    (root / "a" / "empty").mkdir(parents=True)
    (root / "a" / "run.sh").write_text("#!/bin/sh\n")
    (root / "a" / "run.sh").chmod(0o755)
    (root / ".gitattributes").write_text("* filter=evil ident text eol=crlf\n")
    (root / ".gitignore").write_text("a/\n")
    (root / "text").write_text("$Id$\n")
    (root / "link").symlink_to("text")
    assert give_git(Tree(root))
    assert not give_git(Tree(root))
    assert git(root, "rev-list", "--count", "HEAD") == "1"
    assert git(root, "status", "--porcelain", "--ignored") == ""
    assert git(root, "ls-tree", "-r", "--name-only", "HEAD").split() == [
        ".gitattributes", ".gitignore", "a/run.sh", "link", "text",
    ]  # fmt: skip
    assert git(root, "cat-file", "blob", "HEAD:text") == "$Id$"
    assert not (root / ".git" / "hooks").exists() or not any((root / ".git" / "hooks").iterdir())


def test_packages_are_copied_for_a_set_up(tmp_path: Path) -> None:
    environment = tmp_path / "repo" / ".venv"
    (environment / "bin").mkdir(parents=True)
    (environment / "pyvenv.cfg").write_text("home = /usr/bin\n")
    (environment / "bin" / "pip").write_text(f"#!{environment}/bin/python\nimport pip\n")
    (tmp_path / "tree").mkdir()
    tools = Tools([(environment, str(environment)), (environment, "{root}/.venv")], [], [f"{environment}/bin"])
    left = copy_packages(Tree(tmp_path / "tree"), tools, "/capsule/root")
    assert (left.mounts, left.bins) == ([], ["/capsule/root/.venv/bin"])
    assert (tmp_path / "tree" / ".venv" / "bin" / "pip").read_text() == "#!/capsule/root/.venv/bin/python\nimport pip\n"
    assert (environment / "bin" / "pip").read_text() == f"#!{environment}/bin/python\nimport pip\n"


@needs_sandbox
def test_a_set_up_and_what_is_agreed_to(cli: Cli, there: Machine, sealed: Path) -> None:
    words = ("replay", sealed, "--repo", there.repo)
    (plain,) = cli(*words, "--dry-run", "--json").lines
    assert plain["commands"][0]["command"].endswith("unittest discover -s tests")
    assert plain["files"] == ["chop.py", "tests/test_chop.py"]
    other = {name: cli(*words, *more, "--dry-run", "--json").lines[0]["agree"] for name, more in {
        "revision": ("--at", "main"), "setup": ("--setup", "true"), "sandbox": ("--no-sandbox",),
        "version": ("--with", "six==1.0"),
    }.items()}  # fmt: skip
    assert len({plain["agree"], *other.values()}) == 5
    assert cli(*words, "--agree", plain["capsule"]).status == 1
    assert cli(*words, "--at", "main", "--agree", plain["agree"]).status == 1
    done = cli(*words, "--setup", "exit 3", "--agree", "ours", "--json")
    assert done.lines[0]["verdict"] == "inconclusive"
    assert "the set-up failed" in done.lines[0]["why"]
    good = "sed -i s/size - 1/size/ chop.py"
    done = cli(*words, "--setup", good.replace("s/", "'s/").replace("/ chop", "/' chop"), "--agree", "ours", "--json")
    assert done.lines[0]["why"].startswith("base not reproduced")
    assert done.lines[-1]["rests_on"]["here"]["tests"] == {"test_chop.ChopTest.test_whole": "passed"}


@pytest.mark.parametrize(
    ("output", "bring"),
    [
        ("E   ModuleNotFoundError: No module named 'six'\n", "python3 -m pip install six"),
        ("Error: Cannot find module 'left-pad'\n", "npm install left-pad"),
        ("Error: Cannot find module './own'\n", ""),
        ("a.go:3:2: no required module provides package github.com/a/b; to add it:\n", "go get github.com/a/b"),
    ],
)
def test_what_is_missing_is_told_by_name(output: str, bring: str) -> None:
    why = look(Check(1, "pytest", exit_code=1, line="E   assert"), Ran(1, output, 0.1), "/r").why
    assert why.startswith("a dependency is missing")
    assert (f"what would bring it: {bring}" in why) if bring else "bring" not in why
