"""go test: its lines of tests and packages, what tests logged, builds that failed, with and without ``-v``."""

from __future__ import annotations

import re
from typing import Final

from tracetui.capsule.runners.text import Told, error_of

__all__ = ["read"]

_RESULT: Final = re.compile(r"( *)--- (FAIL|PASS|SKIP): (\S{1,300}) \([0-9.]{1,12}s\)$")
_RUN: Final = re.compile(r"=== (?:RUN|CONT|NAME) +(\S{1,300})$")
_LOG: Final = re.compile(r" {4,}(\S{1,200}\.go):\d{1,7}: (.*)$")
_PACKAGE: Final = re.compile(r"(FAIL|ok  |---|\?   )\t(\S{1,300})(?:\t(.*)| \[(.{1,60})\])?$")
_BUILD: Final = re.compile(r"(\S{1,200}\.go):\d{1,7}(?::\d{1,5})?: (.*)$")
_MORE: Final = 4


def read(lines: list[str]) -> Told | None:
    """What go test told, None where this is not its output. Ids are names of tests, with those of subtests."""
    told = Told("go test")
    logged: dict[str, list[str]] = {}
    current: str | None = None
    building = seen = False
    for line in lines:
        if (found := _RUN.match(line)) is not None:
            current, building, seen = found[1], False, True
        elif (found := _RESULT.match(line)) is not None:
            current, building, seen = found[3], False, True
            if found[2] == "FAIL":
                told.fail(found[3])
            else:
                (told.passed if found[2] == "PASS" else told.skipped).add(found[3])
        elif line.startswith("panic: ") and current is not None:
            told.fail(current, error_of([line.removesuffix(" [recovered]")]))
        elif (found := _PACKAGE.match(line)) is not None:
            current, building, seen = None, False, True
            if found[1] == "FAIL" and found[4] is not None:
                told.broken.append(f"{found[2]} [{found[4]}]")
            elif found[1] == "ok  " and "[no tests to run]" not in line:
                told.files.add(found[2])
        elif line.startswith("# "):
            building, current = True, None
        elif building and (found := _BUILD.match(line)) is not None:
            told.broken.append(error_of([f"{found[1]}: {found[2]}"]))
        elif current is not None:
            _logged(line, logged.setdefault(current, []))
    for test, said in logged.items():
        if test in told.failed and said:
            told.failed[test] = told.failed[test] or error_of(said)
    told.passed -= told.failed.keys()
    return told if seen and not told.empty else None


def _logged(line: str, said: list[str]) -> None:
    """Keep what a test said: its messages and the lines that belong to them."""
    if len(said) >= _MORE:
        return
    if (found := _LOG.match(line)) is not None:
        said.append(found[2])
    elif line.startswith("        ") and said:
        said.append(line)
