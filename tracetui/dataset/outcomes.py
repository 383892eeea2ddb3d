"""What a trace itself says of success: results of tests by their id, and exit codes of commands that run tests.

These are grounds of labels; nothing here guesses. A command whose status may be that of something else (``pytest |
tail``) says nothing by it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, Final, NamedTuple

from tracetui.capsule.checks import command_of
from tracetui.capsule.shell import hides_status
from tracetui.model import Step

__all__ = ["Outcome", "Result", "mended", "outcome_of", "results_of", "runs_tests"]

EXIT_CODE: Final = "exit_code"
TEST: Final = "test_result"
_OUTPUT: Final = 2_000_000
"""Characters of an output that are looked at, from its end; what a harness keeps is far less."""
_RUNNERS: Final = (
    r"(?:^|[\s;&|(/])(?:pytest|py\.test|nosetests|tox|nox|jest|vitest|mocha|ava|rspec|phpunit|ctest|playwright test"
    r"|(?:go|cargo|npm|pnpm|yarn|bun|deno|make|mvn|gradle|gradlew|dotnet|swift|mix|rake|bazel|just|zig build)"
    r"(?:\s+(?:run|exec|-\S+|[A-Z_]+=\S+)){0,4}\s+(?:test|tests|check|nextest|verify)\b|(?:-m|manage\.py)\s+(?:unittest|pytest|test)\b)"
)
_LINES: Final = (
    # pytest, one line a test (-v); its short summary; Go; Cargo; unittest -v and its failures; TAP; jest and its kin
    r"^(?P<id1>[^\s:]{1,300}::[^\s]{1,300}(?: \[[^\]\n]{0,200}\])?) (?P<how1>PASSED|FAILED|ERROR)\b",
    r"^(?P<how2>PASSED|FAILED|ERROR) (?P<id2>[^\s:]{1,300}::[^\s]{1,300})",
    r"^\s{0,16}--- (?P<how3>PASS|FAIL): (?P<id3>[^\s]{1,300}) \(",
    r"^test (?P<id4>[^\s]{1,300}) \.\.\. (?P<how4>ok|FAILED)$",
    r"^(?P<id5>\w{1,200} \([\w.]{1,300}\)) \.\.\. (?P<how5>ok|FAIL|ERROR)\b",
    r"^(?P<how6>FAIL|ERROR): (?P<id6>\w{1,200} \([\w.]{1,300}\))",
    r"^\s{0,32}(?P<how7>ok|not ok) [0-9]{1,6} - (?P<id7>[^#\n]{1,300}?)(?: #.{0,200})?$",
    r"^\s{1,32}(?P<how8>✓|✔|✕|✗|×) (?P<id8>[^\n]{1,300}?)(?: \(?[0-9.]{1,9} ?m?s\)?)?$",
)
_GOOD: Final = frozenset({"PASSED", "PASS", "ok", "✓", "✔"})


class Result(NamedTuple):
    """One result: of a test by its ``id``, or of a command that runs tests. ``ground`` is ``test_result`` or
    ``exit_code``; ``step`` is where it was seen."""

    ground: str
    id: str
    passed: bool
    step: int


class Outcome(NamedTuple):
    """What the last run of tests said: ``pass``, ``fail``, or ``unknown`` where there was none; with its ground."""

    outcome: str
    ground: str | None = None
    step: int | None = None


@cache
def _patterns() -> tuple[Any, Any]:
    import re2

    options = re2.Options()
    options.log_errors = False
    options.max_mem = 64 * 1024 * 1024
    return re2.compile(_RUNNERS, options), re2.compile(f"(?m)(?:{'|'.join(_LINES)})", options)


def runs_tests(command: str) -> bool:
    """Whether a shell command runs tests."""
    return _patterns()[0].search(command[:20_000]) is not None


def results_of(step: Step) -> list[Result]:
    """What one step says: the results of tests that its output names, and that of its command where it runs tests.

    Of a test that is named several times the worst counts (a summary repeats the failures).
    """
    if step.kind != "command" or step.tool is None:
        return []
    command, _ = command_of(step)
    if not command or not runs_tests(command):
        return []
    found: dict[str, bool] = {}
    for match in _patterns()[1].finditer((step.tool.output or "")[-_OUTPUT:]):
        groups = match.groupdict()
        nth = next(name[3:] for name, value in groups.items() if value is not None and name.startswith("how"))
        id_ = groups[f"id{nth}"].strip()
        found[id_] = found.get(id_, True) and groups[f"how{nth}"] in _GOOD
    out = [Result(TEST, id_, passed, step.number) for id_, passed in found.items()]
    code = step.tool.exit_code
    if code is None and step.tool.is_error is False:
        code = 0
    if code is not None and 0 <= code < 126 and not hides_status(command):
        out.append(Result(EXIT_CODE, " ".join(command.split())[:500], code == 0, step.number))
    return out


def outcome_of(steps: Iterable[Step]) -> Outcome:
    """What the last run of tests among these steps said. A failed test outweighs the exit code of the same run; an exit
    code alone decides where no test is named. ``unknown``: nothing ran tests, or nothing can be told of the last run.
    """
    last = Outcome("unknown")
    for step in steps:
        found = results_of(step)
        if not found:
            continue
        tests = [item.passed for item in found if item.ground == TEST]
        codes = [item.passed for item in found if item.ground == EXIT_CODE]
        if tests and not all(tests):
            last = Outcome("fail", TEST, step.number)
        elif codes:
            last = Outcome("pass" if codes[0] else "fail", EXIT_CODE, step.number)
        else:
            last = Outcome("pass", TEST, step.number)
    return last


def mended(steps: Sequence[Step]) -> dict[str, tuple[int, int]]:
    """The tests, by id, that failed and later passed: the steps of the last failure before and of the pass. Where a run
    names no test, its command stands for them (same words, other exit code)."""
    failed: dict[str, int] = {}
    out: dict[str, tuple[int, int]] = {}
    for step in steps:
        for result in results_of(step):
            if not result.passed:
                failed[result.id] = result.step
                out.pop(result.id, None)
            elif result.id in failed:
                out[result.id] = (failed.pop(result.id), result.step)
    return out
