"""Verdicts: what one run of a check showed, what follows from two of them, and which files show a failure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tracetui.capsule.checks import Check, rooted, shows, telling_line
from tracetui.capsule.evidence import Evidence, gather
from tracetui.capsule.runners import Told
from tracetui.capsule.shell import fails, hides_status
from tracetui.capsule.signature import Signature, find_test, same_error, signature_of
from tracetui.capsule.trouble import kept_from_telling, killed
from tracetui.sandbox.limits import Ran
from tracetui.text.safe import one_line

__all__ = ["ORDER", "Outcome", "holds", "judge", "look", "rests_on", "shows_failure", "told_of", "worst"]

ORDER: Final = ("inconclusive", "differs", "reproduces", "fixed")
"""The verdicts, the worst first."""
_STATES: Final = {"same": "failed as recorded", "other": "failed with another error", "gone": "not run"}
_SIGNALS: Final = range(129, 193)
_TEST_FOLDERS: Final = frozenset(("test", "tests", "spec", "specs", "__tests__", "testing", "testdata", "e2e"))
_TEST_NAME: Final = re.compile(
    r"test[_-].{1,200}|.{1,200}[._-](?:test|tests|spec)\..{1,10}|.{1,200}Tests?\..{1,10}|conftest\.py"
)
_PRESENT: Final = 0.6
"""Of the lines that a test gained in the episode, the part that a revision must hold to have that test."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one run of a check showed: ``reproduces``, ``passes``, ``differs`` or ``inconclusive``, and why. ``tests``:
    the state of each test of the failure (`Evidence.states`); ``others`` failed beside them, with their errors."""

    kind: str
    why: str
    line: str | None
    ran: Ran | None = None
    evidence: Evidence = field(default_factory=Evidence)
    signature: Signature | None = None
    tests: dict[str, str] = field(default_factory=dict)
    others: dict[str, str] = field(default_factory=dict)

    @property
    def code(self) -> int | None:
        """The exit status, None when there was none."""
        return None if self.ran is None else self.ran.code

    @property
    def shows_tests(self) -> bool:
        """Whether tests are known by name."""
        return self.signature is not None and bool(self.signature.tests)


def worst(verdicts: Sequence[str]) -> str:
    """The verdict of the whole: the worst of all; without a check nothing was shown."""
    return next((name for name in ORDER if name in verdicts), "inconclusive")


def look(check: Check, ran: Ran, root: str, evidence: Evidence | None = None) -> Outcome:
    """What a run showed, measured by what was recorded. ``root`` is the folder it ran in; ``evidence`` is gathered from
    the output alone where none is given."""
    return _Look(check, ran, root, evidence).outcome()


class _Look:
    """One run of a check, looked at."""

    def __init__(self, check: Check, ran: Ran, root: str, evidence: Evidence | None) -> None:
        self.check, self.ran, self.code = check, ran, ran.code or 0
        self.output = rooted(ran.output, root)
        self.evidence = evidence or gather(ran, self.output, root, None)
        self.line = shows(check, ran.output, root)
        self.last = telling_line(ran.output)
        self.hides = self.code == 0 and hides_status(check.command)
        self.kept = kept_from_telling(check.command, ran.output, self.code, hides=self.hides)

    def outcome(self) -> Outcome:
        """What it showed."""
        ran, signature = self.ran, self.check.signature
        if ran.why is not None or ran.code is None:
            return self._is("inconclusive", killed(ran.why))
        if self.code in (126, 127):
            why = "the command could not be found" if self.code == 127 else "the command could not be run"
            return self._is("inconclusive", f"{why} (status {self.code}): {self.last or ''}".rstrip(": "))
        if self.code in _SIGNALS:
            return self._is("inconclusive", f"it ended by signal {self.code - 128}")
        if self.evidence.outside is not None:
            return self._is("inconclusive", f"the tree was not what was tested: {self.evidence.outside}")
        if signature is None or not signature.tests:
            return self._by_line()
        # Compilers are silent where nothing is wrong.
        if self.evidence.of(signature.runner) is None and signature.runner not in ("compiler", "make"):
            return self._by_line()
        return self._by_tests(signature)

    def _is(self, kind: str, why: str, line: str | None = None, **more: Any) -> Outcome:
        return Outcome(kind, why, line or self.last, self.ran, self.evidence, **more)

    def _same_status(self) -> bool:
        expected = self.check.exit_code
        return self.code == expected if expected is not None else self.code != 0

    # -- by a line and the status

    def _by_line(self) -> Outcome:
        """Where no test is known by name, or none was heard of."""
        check, code, line = self.check, self.code, self.line
        here = signature_of("\n".join([self.output, *self.ran.beside.get("tap", ())]))
        more: dict[str, Any] = {}
        if here is not None:
            more = {"signature": here, "tests": dict.fromkeys((test for test, _ in here.tests), "same")}
        # A recorded line that is there again tells more than any sign of trouble; a status alone does not.
        enough = check.line is not None or (code != 0 and self.kept is None)
        silent = check.signature is not None and bool(check.signature.tests)
        if self._same_status() and enough and not silent and (check.line is None or line is not None):
            told = "with the recorded line" if check.line is not None else "as recorded"
            return self._is("reproduces", f"status {code}, {told}", line, **more)
        if self.kept is not None:
            return self._is("inconclusive", self.kept)
        if self.evidence.missing is not None:
            return self._is("inconclusive", f"a program or script was not found: {self.evidence.missing}")
        if code == 0 and line is None:
            return self._passes(more)
        if line is not None:
            return self._is("differs", f"the recorded line, but status {code}", line, **more)
        return self._is("differs", f"another failure: status {code}, without the recorded line", **more)

    def _passes(self, more: dict[str, Any]) -> Outcome:
        """With the status 0, which may be that of a part alone."""
        evidence = self.evidence
        if (self.hides and fails(self.ran.output)) or more:
            return self._is("differs", "another failure: its output says so, without the recorded line", **more)
        if self.hides and any(evidence.statuses or ()) and not any(told.passed for told in evidence.told.values()):
            parts = ", ".join(map(str, evidence.statuses or ()))
            return self._is("differs", f"another failure: the parts of it ended with {parts}")
        if self.check.signature is not None and self.check.signature.tests:
            return self._is("inconclusive", "no test is seen to have run")
        return self._is("passes", "status 0, without the recorded line")

    # -- by tests

    def _by_tests(self, signature: Signature) -> Outcome:
        """Where tests are known by name."""
        states, others = self.evidence.states(signature), self.evidence.beyond(signature)
        more: dict[str, Any] = {"signature": signature, "tests": states, "others": others}
        names = _names(list(states))
        same = [test for test, state in states.items() if state == "same"]
        if len(same) == len(states):
            if not self._same_status():
                return self._is("differs", f"{names} failed as recorded, but with status {self.code}", **more)
            beside = f"; {len(others)} more failed" if others else ""
            return self._is("reproduces", f"status {self.code}; {names} failed as recorded{beside}", **more)
        if same:
            rest = _names([test for test in states if test not in same])
            return self._is("differs", f"{_names(same)} failed as recorded, {rest} did not", **more)
        changed = [test for test, state in states.items() if state == "other"]
        if changed:
            return self._is("differs", f"{_names(changed)} failed with another error", **more)
        return self._without(signature, states, others, more)

    def _without(
        self, signature: Signature, states: dict[str, str], others: dict[str, str], more: dict[str, Any]
    ) -> Outcome:
        """Where none of the tests failed."""
        names, told, kept = _names(list(states)), self.evidence.of(signature.runner), self.kept
        if told is not None and told.broken and kept is None:
            kept = f"tests could not be collected or built: {one_line(told.broken[0], 120)}"
        missed = _missed(states)
        if missed is not None:
            return self._is("inconclusive", missed, **more)
        passed = all(state == "passed" for state in states.values())
        if kept is not None and not (passed and self.code == 0):
            return self._is("inconclusive", kept, **more)
        if others:
            return self._is("differs", f"another failure: {_names(list(others))} failed", **more)
        if self.code != 0 or (self.hides and fails(self.output)):
            return self._is("differs", f"another failure: status {self.code}, {names} did not fail", **more)
        if passed:
            return self._is("passes", f"status 0; {names} passed", **more)
        if told is None or not (told.ran or told.files):
            return self._is("inconclusive", "no test is seen to have run", **more)
        return self._is("passes", f"status 0; {names} did not fail", **more)


def _missed(states: dict[str, str]) -> str | None:
    """What is said of tests that did not run."""
    for state, said in (("skipped", "was skipped"), ("gone", "was not run: deleted, renamed or not collected")):
        missed = [test for test, found in states.items() if found == state]
        if missed:
            return f"{_names(missed)} {said}"
    return None


def _names(tests: Sequence[str]) -> str:
    """One or two tests by name, of more how many."""
    shown = " and ".join(one_line(test, 80) for test in tests[:2])
    return f"{shown} and {len(tests) - 2} more" if len(tests) > 2 else shown


def judge(base: Outcome, seen: Outcome | None) -> tuple[str, str]:
    """(verdict, why) from what the base showed and, where another revision or dependency was asked for, what that
    showed (None: only the base was asked for)."""
    if seen is None:
        if base.kind == "passes":
            return "inconclusive", "base not reproduced: the check passes there"
        return base.kind, base.why
    if seen.kind == "inconclusive":
        return "inconclusive", seen.why
    if seen.kind == "reproduces":
        if base.kind == "reproduces" and (other := _another(base, seen)) is not None:
            return "differs", other
        return "reproduces", seen.why
    if base.kind != "reproduces":
        told = "it passes there" if base.kind == "passes" else base.why
        return "inconclusive", f"base not reproduced: {told}"
    if seen.kind == "passes":
        doubt = _doubt(base, seen)
        return ("fixed", seen.why) if doubt is None else ("inconclusive", doubt)
    if _beside_only(base, seen):
        return "fixed", f"{_names(list(seen.tests))} passed; what else failed, failed on the base too"
    return "differs", seen.why


def _another(base: Outcome, seen: Outcome) -> str | None:
    """Why a failure is not that of the base, where what was recorded tells too little to know it."""
    first, second = (
        outcome.evidence.of(outcome.signature.runner if outcome.signature else None) for outcome in (base, seen)
    )
    if first is None or second is None or not first.failed:
        return None
    if seen.signature is not None and base.signature is not None:
        wanted = [test for test, _ in base.signature.tests]
    else:
        wanted = list(first.failed)
    for test in wanted:
        here, there = find_test(test, list(first.failed)), find_test(test, list(second.failed))
        if here is None:
            continue
        if there is None:
            return f"another failure: {one_line(test, 80)}, which fails on the base, did not fail"
        if not same_error(first.failed[here], second.failed[there]):
            return f"{one_line(test, 80)} failed with another error than on the base"
    return None


def _told(outcome: Outcome) -> Told | None:
    return outcome.evidence.of(outcome.signature.runner if outcome.signature is not None else None)


def _doubt(base: Outcome, seen: Outcome) -> str | None:
    """What keeps a run that passed from being called fixed: that the tests of the base ran in it is not known."""
    wanted = base.signature if base.shows_tests else None
    if wanted is None:
        return None
    before, after = base.evidence.of(wanted.runner), seen.evidence.of(wanted.runner)
    if wanted.runner in ("compiler", "make") or wanted.tests[0][0] == "build":
        return None
    if before is None or after is None:
        return "no test is seen to have run"
    states = seen.evidence.states(wanted)
    missed = _missed(states)
    if missed is not None:
        return missed
    if all(state == "passed" for state in states.values()):
        return None
    if before.ran is None or after.ran is None:
        return "which tests ran is not told"
    if after.ran < before.ran or (after.skips or 0) > (before.skips or 0):
        return f"fewer tests ran than on the base: {after.ran} of {before.ran}"
    return None


def _beside_only(base: Outcome, seen: Outcome) -> bool:
    """Whether the recorded tests passed by name, and what else failed is what else failed on the base, just so."""
    if not seen.tests or not seen.others or any(state != "passed" for state in seen.tests.values()):
        return False
    return all(test in base.others and same_error(base.others[test], error) for test, error in seen.others.items())


def rests_on(base: Outcome, seen: Outcome | None, sandbox: str) -> dict[str, Any]:
    """What a verdict rests on, for people and as JSON: whether the base reproduced in this run, tests by id there and
    here, statuses of the parts, where tested packages came from, interpreters and tools, and the sandbox."""
    last = seen or base
    return {
        "base": None if seen is None else _side(base),
        "here": _side(last),
        "reproduced": base.kind == "reproduces",
        "sources": dict(sorted(last.evidence.sources.items())),
        "versions": last.evidence.versions,
        "sandbox": sandbox,
    }


def told_of(rests: dict[str, Any], number: int) -> list[str]:
    """What a verdict rests on, in lines for people."""
    here, base = rests.get("here") or {}, rests.get("base")
    lines = [f"by check {number}" + (", reproduced on the base in this run" if base and rests["reproduced"] else "")]
    counted: dict[str, list[str]] = {}
    for test, state in (here.get("tests") or {}).items():
        counted.setdefault(_STATES.get(state, state), []).append(test)
    lines += [f"{state}: {_names(tests)}" for state, tests in counted.items()]
    if here.get("ran") is not None:
        before = f", {base['ran']:,} on the base" if base and base.get("ran") is not None else ""
        lines.append(f"{here['ran']:,} tests of {here['runner']} ran here{before}")
    parts = here.get("statuses")
    if parts and len(parts) > 1:
        lines.append(f"statuses of the parts: {', '.join(map(str, parts))}")
    lines += [f"{name} from {place}" for name, place in rests.get("sources", {}).items()]
    lines.append(", ".join([*rests.get("versions", ()), f"sandbox: {rests.get('sandbox')}"]))
    return lines


def _side(outcome: Outcome) -> dict[str, Any]:
    told = _told(outcome)
    parts = outcome.evidence.statuses
    return {
        "kind": outcome.kind,
        "exit_code": outcome.code,
        "statuses": None if parts is None else list(parts),
        "runner": None if told is None else told.runner,
        "ran": None if told is None else told.ran,
        "tests": dict(sorted(outcome.tests.items())),
        "others": sorted(outcome.others)[:50],
    }


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
