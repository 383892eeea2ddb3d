"""pytest: the short summary, the section of failures, verbose lines, and the last line that counts."""

from __future__ import annotations

import re
from typing import Final

from tracetui.capsule.runners.text import Told, error_of

__all__ = ["read"]

_ID: Final = r"(?:[^\s:][^:\n]{0,300}?\.py)(?:::[^\s\[]{1,200}(?:\[[^\n]{0,300}?\])?)?"
_SUMMARY: Final = re.compile(rf"(FAILED|ERROR|PASSED|SKIPPED|XFAIL|XPASS) ({_ID})(?: - (.*))?$")
_VERBOSE: Final = re.compile(
    rf"(?:\[gw\d{{1,4}}\] \[ *\d{{1,3}}%\] (?P<first>[A-Z]{{4,7}}) )?(?P<id>{_ID})"
    r"(?: (?P<then>PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS)(?: \(.{0,200}\))?(?: +\[ *\d{1,3}%\])?)?$"
)
_HEADER: Final = re.compile(r"_{3,} (?:ERROR at (?:setup|teardown) of |ERROR collecting )?(\S.{0,300}?) _{3,}$")
_AT: Final = re.compile(r"(\S{1,300}\.py):\d{1,7}: ")
_ERROR: Final = re.compile(r"E {3,}(\S.*)$")
_COUNTS: Final = re.compile(
    r"=* ?((?:\d{1,7} (?:passed|failed|errors?|skipped|deselected|xfailed|xpassed|warnings?|rerun)(?:, )?){1,9})"
    r" in [0-9.]{1,12}s"
)
_COUNT: Final = re.compile(r"(\d{1,7}) (passed|failed|errors?|skipped|deselected|xfailed|xpassed)")
_PASSES: Final = frozenset(("PASSED", "XPASS"))
_SKIPS: Final = frozenset(("SKIPPED", "XFAIL"))


def read(lines: list[str]) -> Told | None:
    """What pytest told, None where this is not its output. Ids are node ids, as pytest prints them."""
    told = Told("pytest")
    blocks: dict[str, tuple[str | None, str]] = {}
    name = path = error = None
    for line in lines:
        if line.startswith("_") and (found := _HEADER.match(line)) is not None:
            name, path, error = found[1], None, None
        elif name is not None and error is None and line.startswith("E  ") and (found := _ERROR.match(line)):
            error = error_of([found[1]])
            blocks.setdefault(name, (path, error))
        elif name is not None and path is None and (found := _AT.match(line)) is not None:
            path = found[1]
            blocks[name] = (path, blocks.get(name, (None, ""))[1])
        elif (found := _SUMMARY.match(line)) is not None:
            _put(told, found[1], found[2], found[3] or "")
            name = None
        elif "::" in line and (found := _VERBOSE.match(line)) is not None and (found["first"] or found["then"]):
            _put(told, found["first"] or found["then"], found["id"], "")
        elif " in " in line and (found := _COUNTS.match(line)) is not None:
            counts = {kind.rstrip("s"): int(number) for number, kind in _COUNT.findall(found[1])}
            ran = sum(counts.get(kind, 0) for kind in ("passed", "failed", "error", "xpassed"))
            told.add(ran, counts.get("skipped", 0) + counts.get("xfailed", 0))
            name = None
    _join(told, blocks)
    return None if told.empty else told


def _put(told: Told, word: str, test: str, said: str) -> None:
    error = error_of([said])
    if word in _PASSES:
        told.passed.add(test)
    elif word in _SKIPS:
        told.skipped.add(test)
    elif "::" in test or word == "FAILED":
        told.fail(test, error)
    else:
        told.fail(test, error)
        told.broken.append(f"{test}: {error}".rstrip(": "))


def _join(told: Told, blocks: dict[str, tuple[str | None, str]]) -> None:
    """Put what the section of failures says to the ids of the summary; its errors are not cut off."""
    for name, (path, error) in blocks.items():
        ending = "::" + name.replace(".", "::") if not name.endswith(".py") else name
        head, bracket, rest = name.partition("[")
        if bracket:
            ending = "::" + head.replace(".", "::") + bracket + rest
        known = [test for test in told.failed if test.endswith(ending)]
        for test in known:
            if path is None or len(known) == 1 or test.startswith(path):
                told.failed[test] = error or told.failed[test]
        if not known and path is not None:
            told.fail(path + ending if ending.startswith("::") else name, error)
