"""Vitest: its lines of failed tests with their errors, of tests and files, and the count."""

from __future__ import annotations

import re
from typing import Final

from tracetui.capsule.runners.text import Told, error_of

__all__ = ["read"]

_FAIL: Final = re.compile(r" *FAIL +(?:\|\S{1,60}\| )?(\S{1,300}\.[cm]?[jt]sx?)((?: > .{1,300})?)(?: \[ .{0,300} \])?$")
_LINE: Final = re.compile(
    r" *([✓√×↓❯]) (?:\|\S{1,60}\| )?(\S{1,300}\.[cm]?[jt]sx?)((?: > .{1,300}?)?)"
    r"(?: \((.{1,60}?)\))?(?: +\d{1,9} ?m?s)?$"
)
_COUNT: Final = re.compile(r" +Tests +(.{1,200}) \((\d{1,7})\)$")
_ERROR: Final = re.compile(r"[A-Za-z][\w.]{0,80}(?: \[\w{1,60}\])?: .+|Error: .+")
_NO_TIME: Final = re.compile(r" +\d{1,9} ?m?s$")


def read(lines: list[str]) -> Told | None:
    """What Vitest told, None where this is not its output. Ids are ``suite › test``; files are kept beside them."""
    told = Told("vitest")
    seen = any("Test Files " in line for line in lines)
    failing: list[str] = []
    for line in lines:
        if (found := _COUNT.match(line)) is not None:
            seen = True
            counts = {
                word: int(number) for number, word in re.findall(r"(\d{1,7}) (passed|failed|skipped|todo)", found[1])
            }
            told.add(
                counts.get("passed", 0) + counts.get("failed", 0), counts.get("skipped", 0) + counts.get("todo", 0)
            )
        elif (found := _FAIL.match(line)) is not None:
            failing.append(_id(found[2]) if found[2] else found[1])
            if found[2]:
                told.fail(failing[-1])
                seen = True
        elif failing and _ERROR.match(line):
            for test in failing:
                if test in told.failed:
                    told.fail(test, error_of([line]))
                else:
                    told.broken.append(f"{test}: {error_of([line])}")
            failing = []
        elif (found := _LINE.match(line)) is not None:
            _put(told, found[1], found[2], found[3])
    told.passed -= told.failed.keys()
    return told if seen and not told.empty else None


def _put(told: Told, sign: str, file: str, rest: str) -> None:
    if not rest:
        if sign in "✓√":
            told.files.add(file)
    elif sign in "✓√":
        told.passed.add(_id(rest))
    elif sign == "×":
        told.fail(_id(rest))
    elif sign == "↓":
        told.skipped.add(_id(rest))


def _id(rest: str) -> str:
    return " › ".join(_NO_TIME.sub("", part).strip() for part in rest.split(" > ") if part.strip())
