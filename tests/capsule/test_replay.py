"""Verdicts: what a run showed, what follows, and what keeps a command from telling."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.capsule.conftest import Cli
from tests.capsule.story import SESSION, Machine, git
from tests.sandbox.test_sandbox import needs_sandbox
from tracetui.capsule import checks
from tracetui.capsule.checks import Check
from tracetui.capsule.dependency import fetch, parse_wanted
from tracetui.capsule.replay import CheckResult, Request, comment
from tracetui.capsule.tree import Tree
from tracetui.capsule.verdict import Outcome, judge, look, shows_failure, worst
from tracetui.model import Step, ToolUse, TracetuiError
from tracetui.sandbox.runner import Ran, Sandbox, choose
from tracetui.sandbox.tools import needed

CHECK = Check(1, "make test", exit_code=2, line="E  assert 1 == 2 in {root}/a.py")


def ran(code: int | None, output: str = "", why: str | None = None) -> Ran:
    return Ran(code, output, 0.1, why)


LINE = "E  assert 1 == 2 in /r/a.py\n"


@pytest.mark.parametrize(
    ("code", "output", "why", "kind"),
    [
        (2, "x\n" + LINE, None, "reproduces"),
        (2, "\x1b[31m" + LINE.replace("  ", "    "), None, "reproduces"),
        (1, LINE, None, "differs"),
        (2, "other\n", None, "differs"),
        (0, "fine\n", None, "passes"),
        (0, LINE, None, "differs"),
        (127, LINE, None, "inconclusive"),
        (126, LINE, None, "inconclusive"),
        (139, "Segmentation fault\n", None, "inconclusive"),
        (None, LINE, "timeout", "inconclusive"),
        (None, "", "signal 9", "inconclusive"),
        (None, "", "memory", "inconclusive"),
        (5, "== no tests ran in 0.01s == pytest\n", None, "inconclusive"),
        (0, "Ran 0 tests in 0.000s\n\nOK\n", None, "inconclusive"),
        (0, "running 0 tests\n", None, "inconclusive"),
        (0, "pkg\t[no test files]\nok  \tother\t0.1s\n", None, "passes"),
        (1, "ModuleNotFoundError: No module named 'six'\n", None, "inconclusive"),
        (1, "Error: Cannot find module 'left-pad'\n", None, "inconclusive"),
        (2, "sh: 1: tsc: not found\n", None, "inconclusive"),
        (1, "curl: (6) Could not resolve host: example.org\n", None, "inconclusive"),
    ],
)
def test_what_a_run_showed(code: int | None, output: str, why: str | None, kind: str) -> None:
    found = look(CHECK, ran(code, output, why), "/r")
    assert found.kind == kind, found
    assert found.why


NODE = "\u2139 tests {}\n\u2139 suites 0\n\u2139 pass {}\n\u2139 fail {}\n\u2139 cancelled 0\n\u2139 skipped {}\n"


@pytest.mark.parametrize(
    ("command", "code", "output", "kind"),
    [
        ("pytest -qq", 5, "", "inconclusive"),
        ("pytest -k x", 5, "3 deselected in 0.01s\n", "inconclusive"),
        ("pytest", 0, "s [100%]\n1 skipped in 0.01s\n", "inconclusive"),
        ("pytest", 0, ".s [100%]\n1 passed, 1 skipped in 0.01s\n", "passes"),
        ("pytest", 4, "ERROR: unknown option\n", "inconclusive"),
        ("pytest", 1, "E  ValueError: x\n1 failed in 0.1s\n", "differs"),
        ("pytest 2>&1 | tail -3", 0, "E  ValueError: x\n1 failed in 0.1s\n", "differs"),
        ("pytest 2>&1 | tail -3", 0, "1 passed in 0.1s\n", "passes"),
        ("pytest 2>&1 | tail -3", 0, "bash: line 1: pytest: command not found\n", "inconclusive"),
        ("pytest; echo done", 0, "E   ModuleNotFoundError: No module named 'six'\ndone\n", "inconclusive"),
        ("./all-checks", 0, "note: git: command not found\n3 passed\n", "passes"),
        ("python3 -m unittest", 0, "Ran 2 tests in 0.001s\n\nOK (skipped=2)\n", "inconclusive"),
        ("python3 -m unittest", 0, "Ran 2 tests in 0.001s\n\nOK (skipped=1)\n", "passes"),
        ("node --test", 0, NODE.format(0, 0, 0, 0), "inconclusive"),
        ("node --test", 0, NODE.format(1, 0, 0, 1), "inconclusive"),
        ("node --test", 0, NODE.format(2, 1, 0, 1), "passes"),
        ("node --test", 1, NODE.format(2, 0, 2, 0), "differs"),
        ("node --test", 0, "TAP version 13\nok 1 - x # SKIP\n# tests 1\n# pass 0\n# fail 0\n", "inconclusive"),
        ("npm test", 1, 'npm error Missing script: "test"\n', "inconclusive"),
        ("npm test", 254, "npm error enoent Could not read package.json\n", "inconclusive"),
        ("npm test", 1, "0 passing\n1 failing\n", "differs"),
        ("npx jest", 1, "npm error code ENOTCACHED\n", "inconclusive"),
        ("make test", 2, "make: *** No rule to make target 'test'.  Stop.\n", "inconclusive"),
        ("make test", 2, "make: *** [Makefile:2: test] Error 127\n", "inconclusive"),
        ("make test", 2, "make: *** [Makefile:2: test] Error 1\n", "differs"),
        ("go test ./...", 0, "?   \tpkg\t[no test files]\n", "inconclusive"),
        ("go test ./...", 1, "--- FAIL: TestX (0.00s)\nFAIL\tpkg\t0.1s\n", "differs"),
        ("go test ./...", 1, "a.go:3: module lookup disabled by GOPROXY=off\n", "inconclusive"),
        ("git log | head", 0, "fatal: not a git repository\n", "inconclusive"),
        ("python3 repro.py", 2, "python3: can't open file '/r/repro.py': [Errno 2]\n", "inconclusive"),
        ("timeout 5 ./run", 124, "", "inconclusive"),
        ("./run", 124, "", "differs"),
        ("./run", 137, "", "inconclusive"),
        ("./run", 254, "", "differs"),
    ],
)
def test_what_test_runners_say(command: str, code: int, output: str, kind: str) -> None:
    check = Check(1, command, exit_code=1, line="AssertionError: as recorded")
    assert look(check, ran(code, output), "/r").kind == kind


@pytest.mark.parametrize("code", [None, 1])
def test_a_status_alone_is_no_failure_where_something_was_missing(code: int | None) -> None:
    check = Check(1, "pytest", exit_code=code)
    assert look(check, ran(1, "E  assert 1 == 2\n1 failed in 0.1s\n"), "/r").kind == "reproduces"
    assert look(check, ran(1, "ModuleNotFoundError: No module named 'six'\n"), "/r").kind == "inconclusive"


def test_a_missing_dependency_that_was_the_recorded_failure_is_one() -> None:
    check = Check(1, "x", exit_code=1, line="ModuleNotFoundError: No module named 'six'")
    assert look(check, ran(1, "ModuleNotFoundError: No module named 'six'\n"), "/r").kind == "reproduces"


def test_durations_addresses_and_placeholders_do_not_count() -> None:
    check = Check(1, "x", exit_code=1, line="FAIL at 0x7f001 after 0.12s for \u2039user:1\u203a in /tmp/pytest-1/x")
    assert checks.shows(check, "FAIL at 0x99 after 3.5s for bob in /tmp/pytest-77/y\n", "/r")
    assert not checks.shows(check, "PASS at 0x99 after 3.5s for bob in /tmp/pytest-77/y\n", "/r")
    assert not checks.shows(check, "FAIL at 0x99 after 3.5s for\n", "/r")


@pytest.mark.parametrize(
    ("base", "seen", "verdict"),
    [
        ("reproduces", None, "reproduces"),
        ("differs", None, "differs"),
        ("passes", None, "inconclusive"),
        ("inconclusive", None, "inconclusive"),
        ("reproduces", "passes", "fixed"),
        ("reproduces", "reproduces", "reproduces"),
        ("reproduces", "differs", "differs"),
        ("reproduces", "inconclusive", "inconclusive"),
        ("passes", "passes", "inconclusive"),
        ("differs", "passes", "inconclusive"),
        ("inconclusive", "passes", "inconclusive"),
        ("differs", "differs", "inconclusive"),
        ("inconclusive", "reproduces", "reproduces"),
    ],
)
def test_fixed_only_what_was_reproduced_here(base: str, seen: str | None, verdict: str) -> None:
    got, why = judge(Outcome(base, "b", None), None if seen is None else Outcome(seen, "s", None))
    assert got == verdict
    assert why


def test_the_worst_counts() -> None:
    assert worst(["fixed", "reproduces"]) == "reproduces"
    assert worst(["fixed", "differs", "reproduces"]) == "differs"
    assert worst(["inconclusive", "differs"]) == "inconclusive"
    assert worst(["fixed"]) == "fixed"
    assert worst([]) == "inconclusive"


def test_a_comment_is_text_and_nothing_else() -> None:
    evil = "x ```\n<img src=//evil> @everyone [a](http://evil) <!-- hidden -->"
    check = Check(1, evil, exit_code=1, line="``` @all <script>")
    seen = Outcome("differs", "[click](http://evil) @maintainer", "```\n@here", ran(1))
    text = comment("a" * 64, [CheckResult(check, "differs", seen.why, "0" * 40, seen, seen, 0.1)], Request(at="main"))
    fence = None
    for line in text.splitlines():
        if fence is None and line.startswith("```"):
            fence = line.rstrip("abcdefghijklmnopqrstuvwxyz")
        elif fence is not None:
            fence = None if line == fence else fence
        else:
            assert "<" not in line.replace("&lt;", "")
            assert "](http" not in line
            assert "@maintainer" not in line or "`@maintainer`" in line
    assert fence is None


# -- proposing


def step(number: int, command: Any, output: str, code: int | None, **more: Any) -> Step:
    given = {"command": command, **more}
    return Step(number, "command", f"k{number}", (), tool=ToolUse("Bash", given, output, bool(code), code))


def test_proposals_come_from_what_failed() -> None:
    root = "/home/ann/src/x"
    steps = [
        step(1, "ls", "", 0),
        step(2, "nope", "sh: nope: not found\n", 127),
        step(3, f"cd {root}/sub && pytest -q {root}/t.py", "1 failed\nE   assert a == b\n1 failed in 0.2s\n", 1),
        step(4, ["bash", "-lc", "make"], "gcc: error: x.c\nmake: *** [all] Error 1\n", 2, workdir=f"{root}/sub"),
        step(5, "make", "elsewhere\n", 1, workdir="/somewhere/else"),
        step(6, f"cd {root}/sub && pytest -q {root}/t.py", "E   assert c == d\n", 1),
        step(7, "sleep 100", "", None),
        step(8, f"cat {root}2/file", f"cat: {root}2/file: No such file\n", 1),
    ]
    found = checks.propose([(None, one, root) for one in steps], root)
    assert [(check.step, check.folder, check.exit_code) for check in found] == [(4, "sub", 2), (6, "", 1), (8, "", 1)]
    assert found[1].command == "cd {root}/sub && pytest -q {root}/t.py"
    assert found[1].line == "E   assert c == d"
    assert found[0].command == "make"
    assert found[2].command == f"cat {root}2/file"
    assert [check.number for check in found] == [1, 2, 3]


@pytest.mark.parametrize(
    ("output", "line"),
    [
        (
            "E       assert 1 == 2\nFAILED t.py::test_a - assert 1 == 2\n1 failed in 0.1s\n",
            "FAILED t.py::test_a - assert 1 == 2",
        ),
        ("E   assert 1 == 2\nE    +  where 1 = f(2)\nFAILED t.py::test_a - assert 1...\n", "E   assert 1 == 2"),
        ("error: test failed, to rerun pass `--test t`\n", "error: test failed, to rerun pass `--test t`"),
        ("thread 'a' (1) panicked at t.rs:4:1:\nassertion failed: x\nerror: x", "thread 'a' (1) panicked at t.rs:4:1:"),
        ("not ok 2 - same\n  error: |-\n  name: 'AssertionError'\nnot ok 1 - lib.test.js\n# fail 1", "not ok 2 - same"),
        (
            "not ok 2 - same\n  ---\n  failureType: 'testCodeFailure'\n  error: '-1 == 5'\n  code: 'ERR_ASSERTION'\n"
            "  expected: 5\n  actual: -1\nnot ok 1 - a.test.js\n  failureType: 'subtestsFailed'\n"
            "  error: '1 subtest failed'\n",
            "error: '-1 == 5'",
        ),
        (
            "✖ same \n  AssertionError [ERR_ASSERTION]: Expected values to be strictly equal:\n  \n  -1 !== 5\n  \n"
            "      at f (a.js:1:1) {\n    code: 'ERR_ASSERTION',\n    actual: -1,\n    expected: 5,\n",
            "-1 !== 5",
        ),
        (
            "  AssertionError [ERR_ASSERTION]: Expected values to be strictly deep-equal:\n  + actual - expected\n"
            "    code: 'ERR_ASSERTION',\n    actual: { x: -1 },\n    expected: { x: 5 },\n",
            "actual: { x: -1 },",
        ),
        (
            "not ok 2 - same\n  failureType: 'testCodeFailure'\n  error: |-\n    The expression evaluated to a falsy "
            "value:\n  code: 'ERR_ASSERTION'\n  actual: false\n",
            "not ok 2 - same",
        ),
        ("AssertionError: 1 != 2\n+ expected - actual\n", "AssertionError: 1 != 2"),
        ("exit early\nerror: expected 2, got 1\n", "error: expected 2, got 1"),
        ("everything\n", "everything"),
        ("", None),
    ],
)
def test_the_line_that_tells_most(output: str, line: str | None) -> None:
    assert checks.telling_line(output) == line


def test_where_in_a_file_does_not_count() -> None:
    for recorded, seen in (
        ("thread 'same' (12) panicked at tests/t.rs:4:13", "thread 'same' (9868) panicked at tests/t.rs:14:13"),
        ('File "{root}/a.py", line 12, in test', 'File "/r/a.py", line 212, in test'),
        ("not ok 2 - same", "    not ok 14 - same"),
        ("a_test.go:17: want 1", "a_test.go:18: want 1"),
    ):
        assert checks.shows(Check(1, "x", exit_code=1, line=recorded), seen + "\n", "/r"), recorded
    assert not checks.shows(Check(1, "x", line="a_test.go:17: want 1"), "a_test.go:17: want 2\n", "/r")
    assert not checks.shows(Check(1, "x", line="at 10:15 it was 3"), "at 10:16 it was 3\n", "/r")


def test_a_failure_behind_a_pipe_is_proposed() -> None:
    steps = [
        step(1, "pytest -q 2>&1 | tail -5", "E   assert a == b\n1 failed in 0.2s\n", 0),
        step(2, "pytest -q 2>&1 | tail -4", "3 passed in 0.2s\n", 0),
        step(3, "cat notes.txt", "1 failed\n", 0),
        step(5, "cd /r && grep -n failed log | head", "1 failed\n", 0),
        step(4, "cd sub && npm test | tail", "not ok 1 - x\n# fail 1\n", None),
    ]
    found = checks.propose([(None, one, "/r") for one in steps], "/r")
    assert [(check.step, check.exit_code, check.line) for check in found] == [
        (1, 0, "E   assert a == b"),
        (4, 0, "not ok 1 - x"),
    ]
    assert look(found[0], ran(0, "E   assert a == b\n1 failed in 0.3s\n"), "/r").kind == "reproduces"
    assert look(found[0], ran(0, "3 passed in 0.3s\n"), "/r").kind == "passes"
    assert look(found[0], ran(0, "E   assert c == d\n1 failed in 0.3s\n"), "/r").kind == "differs"


def test_checks_are_read_back_and_folders_stay_inside() -> None:
    made = [Check(1, "make", "sub", 2, "line", 4, None, None), Check(2, "x")]
    assert checks.load(checks.dump(made)) == made
    command = '[{"command": "x", %s}]'
    for bad in (
        *("{}", "[1]", "nope", '[{"command": ""}]', '[{"command": 3}]', '[{"command": "x\\u0000y"}]'),
        *(command % more for more in ('"folder": "../y"', '"folder": "/y"', '"exit_code": "1"', '"line": 3')),
    ):
        with pytest.raises(TracetuiError) as caught:
            checks.load(bad.encode())
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("path", "command", "shows"),
    [
        ("tests/a.py", "x", True),
        ("src/test_a.py", "x", True),
        ("a_test.go", "go test ./...", True),
        ("web/a.spec.ts", "x", True),
        ("src/ATest.java", "x", True),
        ("src/a.py", "pytest", False),
        ("repro.py", "python3 ./repro.py", True),
        ("src/contest.py", "x", False),
        ("latest.txt", "x", False),
    ],
)
def test_which_files_show_a_failure(path: str, command: str, shows: bool) -> None:
    assert shows_failure(path, command) is shows


# -- the whole way, with other outcomes


def replay(cli: Cli, path: Path, repo: Path, *words: object) -> tuple[str, str]:
    cli("verify", path, "--json").lines[0]["digest"]
    done = cli("replay", path, "--repo", repo, "--agree", "ours", "--json", *words)
    assert done.lines, done.err
    return done.lines[0]["verdict"], done.lines[0]["why"]


@pytest.fixture
def seal(cli: Cli, there: Machine, tmp_path: Path) -> Any:
    assert cli("index", there.log, home=there.home).status == 0
    assert cli("redact", SESSION, "--accept-tier", "2", home=there.home).status == 0

    def run(*words: object) -> Path:
        target = tmp_path / "made.capsule.zip"
        done = cli("seal", SESSION, "-o", target, *words, home=there.home)
        assert done.status == 0, done.err
        return target

    return run


@needs_sandbox
def test_outcomes_of_a_broken_world(seal: Any, there: Machine, cli: Cli, tmp_path: Path) -> None:
    path = seal()
    git(there.repo, "checkout", "-q", "-b", "worse", there.broken)
    (there.repo / "chop.py").write_text("def chop(text, size):\n    return 1 / 0\n")
    git(there.repo, "commit", "-qam", "Worse")
    (there.repo / "chop.py").write_text("import nothing_of_that_name\n")
    git(there.repo, "commit", "-qam", "Worst")
    git(there.repo, "rm", "-qr", "tests")
    git(there.repo, "commit", "-qam", "No tests")
    assert replay(cli, path, there.repo, "--at", "worse~2")[0] == "differs"
    assert replay(cli, path, there.repo, "--at", "worse~1")[0] == "inconclusive"
    verdict, why = replay(cli, path, there.repo, "--at", "worse")
    assert (verdict, "does not fit" in why) == ("inconclusive", True)
    empty = tmp_path / "empty"
    empty.mkdir()
    git(empty, "init", "-q")
    verdict, why = replay(cli, path, empty)
    assert verdict == "inconclusive"
    assert there.base in why
    assert cli("replay", path, "--repo", there.repo, "--at", "no-such-revision").status == 1
    assert cli("replay", path, "--repo", tmp_path).status == 1


@needs_sandbox
def test_checks_of_ones_own(seal: Any, there: Machine, cli: Cli, tmp_path: Path) -> None:
    """A written check runs on all patches; the mend is among them."""
    path = seal("--check", "grep -q 'size - 1' chop.py")
    with zipfile.ZipFile(path) as archive:
        (check,) = json.loads(archive.read("checks.json"))
    assert (check["exit_code"], check["line"], check["step"]) == (None, None, None)
    assert replay(cli, path, there.repo)[0] == "reproduces"
    (tmp_path / "mine.json").write_text(json.dumps([{"command": "sleep 30", "exit_code": 3}]))
    path = seal("--checks", tmp_path / "mine.json")
    assert replay(cli, path, there.repo, "--timeout", "0.5") == ("inconclusive", "it ran out of time")
    path = seal("--no-checks")
    done = cli("replay", path, "--json")
    assert (done.status, done.lines[-1]["verdict"]) == (1, "inconclusive")
    path = seal("--check-from", "4")
    assert replay(cli, path, there.repo)[0] == "reproduces"
    assert cli("seal", SESSION, "-o", tmp_path / "x", "--check-from", "2", home=there.home).status == 1
    assert json.loads(cli("seal", SESSION, "-o", "x", "--show-checks", home=there.home).out)[0]["step"] == 4


def wheel(folder: Path, name: str, version: str, files: dict[str, str]) -> None:
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)


@needs_sandbox
def test_another_version_of_a_dependency(seal: Any, there: Machine, cli: Cli, tmp_path: Path) -> None:
    """Also where the command sets PYTHONPATH itself; without network, from a folder."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    wheel(wheels, "splitlib", "1.0", {"splitlib.py": "good = False\n"})
    wheel(wheels, "splitlib", "2.0", {"splitlib.py": "good = True\n", "splitlib-2.0.dist-info/METADATA": "Name: x\n"})
    command = "PYTHONPATH=. python3 -c \"import splitlib; assert splitlib.good, 'old one'\""
    (tmp_path / "mine.json").write_text(
        json.dumps([{"command": command, "exit_code": 1, "line": "ModuleNotFoundError: No module named 'splitlib'"}])
    )
    path = seal("--checks", tmp_path / "mine.json")
    assert replay(cli, path, there.repo)[0] == "reproduces"
    assert replay(cli, path, there.repo, "--with", "splitlib==2.0", "--from", wheels)[0] == "fixed"
    assert replay(cli, path, there.repo, "--with", "pip:splitlib==1.0", "--from", wheels)[0] == "differs"
    cli("verify", path, "--json").lines[0]["digest"]
    words = ("replay", path, "--repo", there.repo, "--agree", "ours")
    assert cli(*words, "--with", "splitlib==3.0", "--from", wheels).status == 1
    assert cli(*words, "--with", "splitlib").status == 2
    assert cli(*words, "--from", wheels).status == 2


@pytest.mark.parametrize(
    ("name", "python", "fits"),
    [
        ("x-1.0-py3-none-any.whl", "3.12", True),
        ("x-1.0-py2.py3-none-any.whl", "3.12", True),
        ("x-1.0-cp312-cp312-any.whl", "3.12", True),
        ("x-1.0-cp311-cp311-any.whl", "3.12", False),
        ("x-1.0-cp38-abi3-any.whl", "3.12", True),
        ("x-1.0-cp313-abi3-any.whl", "3.12", False),
        ("x-1.0-py3-none-win32.whl", "3.12", False),
        ("x-1.0-cp312-cp312-manylinux_2_17_nosuchcpu.whl", "3.12", False),
    ],
)
def test_wheels_for_the_python_of_the_checks(tmp_path: Path, name: str, python: str, fits: bool) -> None:
    with zipfile.ZipFile(tmp_path / name, "w") as archive:
        archive.writestr("x.py", "")
    if fits:
        overlay = fetch("pip:x==1.0", tmp_path, tmp_path / "out", lambda _: False, python)
        assert (overlay.folder / "packages" / "x.py").exists()
    else:
        with pytest.raises(TracetuiError, match="No wheel"):
            fetch("pip:x==1.0", tmp_path, tmp_path / "out", lambda _: False, python)


@needs_sandbox
def test_a_node_package_goes_over_the_one_that_is_installed(tmp_path: Path) -> None:
    """Also for those that use it: a package of another finds the new one."""
    import tarfile

    if shutil.which("node") is None:
        pytest.skip("no node")
    repo, tree = tmp_path / "repo", tmp_path / "tree"
    tree.mkdir()
    for name, text in (("pad", "module.exports = 'old'"), ("user", "module.exports = require('pad')")):
        (repo / "node_modules" / name).mkdir(parents=True)
        (repo / "node_modules" / name / "index.js").write_text(text)
    with tarfile.open(tmp_path / "pad-2.0.tgz", "w:gz") as archive:
        data = b"module.exports = 'new'"
        info = tarfile.TarInfo("package/index.js")
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    command = "node -p \"require('pad') + require('user')\""
    sandbox = choose(tools=needed([command], repo))
    assert sandbox.run(command, tree).output == "oldold\n"
    overlay = fetch("npm:pad==2.0", tmp_path, tmp_path / "with", lambda _: True)
    over = overlay.into(Tree(tree), sandbox)
    assert sandbox.run(command, tree, overlay=overlay.folder, over=over).output == "newnew\n"
    # One that is not installed yet stands beside the others.
    (tmp_path / "pad-2.0.tgz").rename(tmp_path / "more-2.0.tgz")
    more = fetch("npm:more==2.0", tmp_path, tmp_path / "with-more", lambda _: True)
    other = tmp_path / "other"
    other.mkdir()
    over = more.into(Tree(other), sandbox)
    ran = sandbox.run("node -p \"require('more') + require('user')\"", other, overlay=more.folder, over=over)
    assert ran.output == "newold\n"


def test_packages_that_climb_out(tmp_path: Path) -> None:
    import tarfile

    wheel(tmp_path, "evil", "1.0", {"../evil.py": "x"})
    wheel(tmp_path, "evil", "2.0", {"/abs.py": "x"})
    for version in ("1.0", "2.0"):
        with pytest.raises(TracetuiError):
            fetch(f"pip:evil=={version}", tmp_path, tmp_path / f"out{version}", lambda name: False)
    with tarfile.open(tmp_path / "evil-1.0.tgz", "w:gz") as archive:
        info = tarfile.TarInfo("package/../../evil.js")
        info.size = 1
        archive.addfile(info, io.BytesIO(b"x"))
    with tarfile.open(tmp_path / "evil-2.0.tgz", "w:gz") as archive:
        link = tarfile.TarInfo("package/link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    for version in ("1.0", "2.0"):
        with pytest.raises(TracetuiError):
            fetch(f"npm:evil=={version}", tmp_path, tmp_path / f"node{version}", lambda name: False)
    with tarfile.open(tmp_path / "good-1.0.tgz", "w:gz") as archive:
        info = tarfile.TarInfo("package/index.js")
        info.size = 1
        archive.addfile(info, io.BytesIO(b"x"))
    overlay = fetch("good==1.0", tmp_path, tmp_path / "fine", lambda name: name == "good")
    tree = tmp_path / "tree"
    tree.mkdir()
    overlay.into(Tree(tree), Sandbox("none"))
    assert (tree / "node_modules/good/index.js").read_bytes() == b"x"
    assert sorted(path.name for path in tmp_path.glob("evil.*")) == []
    assert parse_wanted("npm:@a/b==1.2.3") == ("npm", "@a/b", "1.2.3")
