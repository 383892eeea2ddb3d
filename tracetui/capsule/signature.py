"""The signature of a failure: the tests that failed and what each said, from the output of its runner; of a runner that
is not known, lines that tell. Two outputs show the same failure where the same tests fail with the same errors.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from tracetui.capsule.runners import Told, read_output
from tracetui.model import TracetuiError

__all__ = ["Signature", "find_test", "load", "same_error", "signature_of"]

_TESTS: Final = 50
_LINES: Final = 8
_TEXT: Final = 600
_PLACEHOLDER: Final = re.compile("\u2039[^\u2039\u203a\n]{1,64}\u203a")
_CUT: Final = ("...", "\u2026")


@dataclass(frozen=True, slots=True)
class Signature:
    """``tests``: (id, error) of what failed, the error empty where the output did not tell it. ``lines`` are told where
    no runner was recognised, and stand in the output of the failure alone."""

    runner: str | None = None
    tests: tuple[tuple[str, str], ...] = ()
    lines: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.tests or self.lines)

    def json(self) -> dict[str, Any]:
        """The signature as ``checks.json`` holds it."""
        tests = [{"id": test, "error": error} for test, error in self.tests]
        return {"runner": self.runner, "tests": tests, "lines": list(self.lines)}


def signature_of(output: str) -> Signature | None:
    """The signature of a failure whose output this is (the repository's folder spelled ``{root}``), None where no
    runner that is known told of one."""
    for told in read_output(output):
        tests = _named(told)
        if tests:
            return Signature(told.runner, tuple(tests[:_TESTS]))
    return None


def _named(told: Told) -> list[tuple[str, str]]:
    """(id, error) of what failed, in the order of ids. A suite that failed for what is in it tells nothing more."""
    tests = sorted((test[:_TEXT], error) for test, error in told.failed.items())
    telling = [item for item in tests if item[1]]
    if not tests:
        return [("build", error) for error in sorted(set(told.broken))]
    return telling or tests


def load(value: object, what: str) -> Signature | None:
    """Read a signature of ``checks.json``. Raises TracetuiError naming ``what``."""
    if value is None:
        return None
    wrong = TracetuiError(f"{what}: a signature is not one: it names a runner, tests with their errors, and lines")
    if not isinstance(value, dict):
        raise wrong
    runner, tests, lines = value.get("runner"), value.get("tests") or [], value.get("lines") or []
    if not isinstance(runner, str | None) or not isinstance(tests, list) or not isinstance(lines, list):
        raise wrong
    if len(tests) > _TESTS or len(lines) > _LINES or not all(isinstance(line, str) for line in lines):
        raise wrong
    found: list[tuple[str, str]] = []
    for item in tests:
        test, error = (item.get("id"), item.get("error")) if isinstance(item, dict) else (None, None)
        if not isinstance(test, str) or not isinstance(error, str):
            raise wrong
        found.append((test[:_TEXT], error[:_TEXT]))
    return Signature(runner, tuple(found), tuple(line[:_TEXT] for line in lines))


# -- comparing


def find_test(wanted: str, known: Sequence[str]) -> str | None:
    """The id among ``known`` that is ``wanted``: the same, or the same below another folder where only one is."""
    if wanted in known:
        return wanted
    if _PLACEHOLDER.search(wanted):
        return next((test for test in known if _fits(wanted, test)), None)
    near = [test for test in known if test.endswith("/" + wanted) or wanted.endswith("/" + test)]
    return near[0] if len(near) == 1 else None


def same_error(recorded: str, seen: str) -> bool:
    """Whether two errors are the same as far as both are told: one may be missing or cut off at its end, and what was
    redacted stands for any text."""
    if not recorded or not seen:
        return True
    for cut in _CUT:
        for short, other in ((recorded, seen), (seen, recorded)):
            if short.endswith(cut) and len(short) > 12 and other.startswith(short.removesuffix(cut)):
                return True
    return recorded == seen or _fits(recorded, seen)


def _fits(recorded: str, seen: str) -> bool:
    parts = _PLACEHOLDER.split(recorded)
    if len(parts) == 1:
        return recorded == seen
    if not seen.startswith(parts[0]) or not seen.endswith(parts[-1]):
        return False
    at, end = len(parts[0]), len(seen) - len(parts[-1])
    for part in parts[1:-1]:
        at = seen.find(part, at, end)
        if at < 0:
            return False
        at += len(part)
    return at <= end
