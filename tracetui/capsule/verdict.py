"""Verdicts: what one run of a check showed, what follows from two of them, and which files show a failure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tracetui.capsule.checks import Check, shows, telling_line
from tracetui.capsule.limits import Ran
from tracetui.text.safe import one_line

__all__ = ["ORDER", "Outcome", "holds", "judge", "look", "shows_failure", "worst"]

ORDER: Final = ("inconclusive", "differs", "reproduces", "fixed")
"""The verdicts, the worst first."""
_NO_TESTS: Final = (
    "no tests ran", "collected 0 items", "ran 0 tests", "no tests found", "no test files", "no tests to run",
    "no test suite found", "no tests collected", "0 tests collected", "0 passing", "no test specified",
    "running 0 tests",
)  # fmt: skip
_SOME_TESTS: Final = re.compile(
    r"(?:ran|running|collected) [1-9]|[1-9][0-9]{0,6} (?:passed|passing|tests? passed)|--- pass"
    r"|^ok[ \t]+(?![^\n]{0,300}\[no tests to run\])\S",
    re.MULTILINE,
)
_MISSING: Final = (
    "modulenotfounderror", "no module named", "cannot find module", "cannot find package", "err_module_not_found",
    "command not found", ": not found", "unresolved import", "could not find gem", "no required module provides",
    "can't find crate", "package not found", "executable file not found",
)  # fmt: skip
_NETWORK: Final = (
    "temporary failure in name resolution", "could not resolve host", "network is unreachable", "getaddrinfo",
    "name or service not known", "enotfound", "eai_again", "no address associated",
)  # fmt: skip
_PYTEST_NOTHING: Final = 5
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
    if code > 128:
        return Outcome("inconclusive", f"it ended by signal {code - 128}", last, ran)
    same = (code == check.exit_code if check.exit_code is not None else code != 0) and (
        check.line is None or line is not None
    )
    if same and not (code == 0 and check.line is None):
        told = "with the recorded line" if check.line is not None else "as recorded"
        return Outcome("reproduces", f"status {code}, {told}", line or last, ran)
    low = ran.output.lower()
    if _no_tests(low, code):
        return Outcome("inconclusive", "no test was collected", last, ran)
    if code == 0 and line is None:
        return Outcome("passes", "status 0, without the recorded line", last, ran)
    for signs, why in (
        (_NETWORK, "it needs the network, which checks have not"),
        (_MISSING, "a dependency is missing"),
    ):
        found = next((text for text in ran.output.splitlines() if any(sign in text.lower() for sign in signs)), None)
        if found is not None and code != 0:
            return Outcome("inconclusive", f"{why}: {one_line(found, 120)}", last, ran)
    if line is not None:
        return Outcome("differs", f"the recorded line, but status {code}", line, ran)
    return Outcome("differs", f"another failure: status {code}, without the recorded line", last, ran)


def _killed(why: str | None) -> str:
    told = {"timeout": "it ran out of time", "memory": "it ran out of memory", "output": "it printed without end"}
    return told.get(why or "", why or "it did not end")


def _no_tests(low: str, code: int) -> bool:
    if code == _PYTEST_NOTHING and ("pytest" in low or "ran 0 tests" in low or "no tests" in low):
        return True
    return any(sign in low for sign in _NO_TESTS) and _SOME_TESTS.search(low) is None


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
