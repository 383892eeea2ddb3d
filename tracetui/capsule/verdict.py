"""Verdicts: what one run of a check showed, what follows from two of them, and which files show a failure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tracetui.capsule.checks import Check, shows, telling_line
from tracetui.capsule.shell import fails, hides_status
from tracetui.sandbox.limits import Ran
from tracetui.text.safe import one_line

__all__ = ["ORDER", "Outcome", "holds", "judge", "look", "shows_failure", "worst"]

ORDER: Final = ("inconclusive", "differs", "reproduces", "fixed")
"""The verdicts, the worst first."""
_SIGNALS: Final = range(129, 193)
_TIMED_OUT: Final = 124
_PYTEST_NOTHING: Final = 5
_PYTEST_UNUSABLE: Final = (3, 4)
_CURL_UNREACHED: Final = (5, 6, 7)
_NO_TESTS: Final = (
    "no tests ran", "collected 0 items", "ran 0 tests", "no tests found", "no test files", "no tests to run",
    "no test suite found", "no tests collected", "0 tests collected", "0 passing", "no test specified",
    "running 0 tests", "# tests 0", "\u2139 tests 0", "0 examples, 0 failures", "no tests executed",
    "no test is available", "no tests were found", "0 runs, 0 assertions", "start directory is not importable",
    "could not find 'test", "missing script:",
)  # fmt: skip
_SOME_TESTS: Final = re.compile(
    r"(?:ran|running|collected) [1-9]|[1-9][0-9]{0,6} (?:passed|passing|failed|failing|tests? passed)|--- (?:pass|fail)"
    r"|^[#\u2139] (?:pass|fail) [1-9]|^ok[ \t]+(?![^\n]{0,300}\[no tests to run\])\S",
    re.MULTILINE,
)
_SKIPPED: Final = re.compile(
    r"^=* ?(?:[0-9]{1,6} (?:skipped|deselected|xfailed|warnings?)[, ]{0,2}){1,5} in [0-9.]{1,12}m?s"
    r"|^[#\u2139] skipped [1-9]|^--- skip",
    re.MULTILINE,
)
_UNITTEST: Final = re.compile(r"^ran ([0-9]{1,7}) tests? in(?:.*\n){1,3}ok \(skipped=([0-9]{1,7})\)", re.MULTILINE)
_NODE_NONE: Final = re.compile(r"^([#\u2139]) pass 0$(?:\n\1 .*$){0,3}\n\1 fail 0$", re.MULTILINE)
_MISSING: Final = (
    "modulenotfounderror", "no module named", "cannot find module", "cannot find package", "err_module_not_found",
    "command not found", ": not found", "unresolved import", "could not find gem", "no required module provides",
    "can't find crate", "package not found", "executable file not found", "disabled by goproxy=off",
    "you're using offline mode", "is not in std", "bundler::gemnotfound", "cannot find type definition file",
)  # fmt: skip
_NETWORK: Final = (
    "temporary failure in name resolution", "could not resolve host", "network is unreachable", "getaddrinfo",
    "name or service not known", " enotfound", "eai_again", "no address associated", "enotcached",
    "failed to establish a new connection", "no matching distribution found", "unable to resolve host",
)  # fmt: skip
_NO_START: Final = (
    "can't open file", "no rule to make target", "no targets specified and no makefile", "not a git repository",
    "error 127", "error 126", "could not read package.json", "enoent: no such file or directory, open '/capsule",
    ": cd: ", "no such file or directory, open 'package.json'", "could not find `cargo.toml`", "go.mod file not found",
    "could not find '",
)  # fmt: skip
"""Signs that a command found nothing to do its work on: a file, a target, a repository."""
_TEST_FOLDERS: Final = frozenset(("test", "tests", "spec", "specs", "__tests__", "testing", "testdata", "e2e"))
_TEST_NAME: Final = re.compile(
    r"test[_-].{1,200}|.{1,200}[._-](?:test|tests|spec)\..{1,10}|.{1,200}Tests?\..{1,10}|conftest\.py"
)
_PRESENT: Final = 0.6
"""Of the lines that a test gained in the episode, the part that a revision must hold to have that test."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one run of a check showed: ``reproduces``, ``passes``, ``differs`` or ``inconclusive``, and why."""

    kind: str
    why: str
    line: str | None
    ran: Ran | None = None

    @property
    def code(self) -> int | None:
        """The exit status, None when there was none."""
        return None if self.ran is None else self.ran.code


def worst(verdicts: Sequence[str]) -> str:
    """The verdict of the whole: the worst of all; without a check nothing was shown."""
    return next((name for name in ORDER if name in verdicts), "inconclusive")


def look(check: Check, ran: Ran, root: str) -> Outcome:
    """What a run showed, measured by what was recorded. ``root`` is the folder it ran in."""
    line = shows(check, ran.output, root)
    last = telling_line(ran.output)
    if ran.why is not None or ran.code is None:
        return Outcome("inconclusive", _killed(ran.why), last, ran)
    code = ran.code
    if code in (126, 127):
        why = "the command could not be found" if code == 127 else "the command could not be run"
        return Outcome("inconclusive", f"{why} (status {code}): {last or ''}".rstrip(": "), last, ran)
    if code in _SIGNALS:
        return Outcome("inconclusive", f"it ended by signal {code - 128}", last, ran)
    same = (code == check.exit_code if check.exit_code is not None else code != 0) and (
        check.line is None or line is not None
    )
    hides = code == 0 and hides_status(check.command)
    kept = _kept_from_telling(check.command, ran.output, code, hides=hides)
    # A recorded line that is there again tells more than any sign of trouble; a status alone does not.
    if same and not (code == 0 and check.line is None) and not (kept is not None and check.line is None):
        told = "with the recorded line" if check.line is not None else "as recorded"
        return Outcome("reproduces", f"status {code}, {told}", line or last, ran)
    if kept is not None:
        return Outcome("inconclusive", kept, last, ran)
    if code == 0 and line is None:
        if hides and fails(ran.output):
            return Outcome("differs", "another failure: its output says so, without the recorded line", last, ran)
        return Outcome("passes", "status 0, without the recorded line", last, ran)
    if line is not None:
        return Outcome("differs", f"the recorded line, but status {code}", line, ran)
    return Outcome("differs", f"another failure: status {code}, without the recorded line", last, ran)


def _kept_from_telling(command: str, output: str, code: int, *, hides: bool) -> str | None:
    """What kept a command from showing anything. A status of 0 is believed, where it is the command's own."""
    low = output.lower()
    if _no_tests(command, low, code):
        return "no test was collected"
    if code == 0 and _all_skipped(low):
        return "no test ran: all were skipped"
    if code and not hides and code == _TIMED_OUT and "timeout" in command:
        return "it ran out of time"
    if code == 0 and not hides:
        return None
    for signs, why in (
        (_MISSING, "a dependency is missing"),
        (_NETWORK, "it needs the network, which checks have not"),
        (_NO_START, "could not start"),
    ):
        found = next((text for text in output.splitlines() if any(sign in text.lower() for sign in signs)), None)
        if found is not None:
            return f"{why}: {one_line(found, 120)}"
    if code in _CURL_UNREACHED and "curl" in command:
        return "it needs the network, which checks have not"
    if code in _PYTEST_UNUSABLE and "pytest" in command:
        return f"could not start: status {code} of pytest"
    return None


def _killed(why: str | None) -> str:
    told = {
        "timeout": "it ran out of time",
        "memory": "it ran out of memory",
        "output": "it printed without end",
        "tasks": "it started too many processes",
        "disk": "it wrote too much to the disk",
        "cancelled": "it was stopped",
    }
    return told.get(why or "", why or "it did not end")


def _no_tests(command: str, low: str, code: int) -> bool:
    if code == _PYTEST_NOTHING and ("pytest" in command or "pytest" in low):
        return True
    return any(sign in low for sign in _NO_TESTS) and _SOME_TESTS.search(low) is None


def _all_skipped(low: str) -> bool:
    if _NODE_NONE.search(low) is not None:
        return True
    found = _UNITTEST.search(low)
    if found is not None and found[1] == found[2]:
        return True
    return _SKIPPED.search(low) is not None and _SOME_TESTS.search(low) is None


def judge(base: Outcome, seen: Outcome | None) -> tuple[str, str]:
    """(verdict, why) from what the base showed and, where another revision or dependency was asked for, what that
    showed (None: only the base was asked for)."""
    if seen is None:
        if base.kind == "passes":
            return "inconclusive", "base not reproduced: the check passes there"
        return base.kind, base.why
    if seen.kind == "reproduces":
        return "reproduces", seen.why
    if seen.kind == "inconclusive":
        return "inconclusive", seen.why
    if base.kind != "reproduces":
        told = "it passes there" if base.kind == "passes" else base.why
        return "inconclusive", f"base not reproduced: {told}"
    return ("fixed" if seen.kind == "passes" else "differs"), seen.why


def shows_failure(path: str, command: str) -> bool:
    """Whether a file that the episode changed is one that shows the failure, rather than one that has it: a test, or
    named by the command."""
    *folders, name = path.split("/")
    if any(folder.lower() in _TEST_FOLDERS for folder in folders) or _TEST_NAME.fullmatch(name) is not None:
        return True
    return any(word.strip("'\"()").removeprefix("./").endswith(path) for word in command.replace("{root}/", "").split())


def holds(now: bytes, before: bytes | None, after: bytes) -> bool:
    """Whether a file holds most of the lines that the episode added to it."""
    gained = Counter(line.strip() for line in after.split(b"\n") if line.strip())
    gained -= Counter(line.strip() for line in (before or b"").split(b"\n"))
    if not gained:
        return True
    missing = gained - Counter(line.strip() for line in now.split(b"\n"))
    return missing.total() <= (1 - _PRESENT) * gained.total()
