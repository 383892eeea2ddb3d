"""unittest: the headings of failures with their tracebacks, verbose lines, and the count at the end."""

from __future__ import annotations

import re
from typing import Final

from tracetui.capsule.runners.text import Told, error_of

__all__ = ["read"]

_HEAD: Final = re.compile(r"(?:FAIL|ERROR): (\S{1,200}) \(([^()\s]{1,300})\)(?: (\[.{0,300}\]|\(.{0,300}\)))?$")
_VERBOSE: Final = re.compile(
    r"(\w{1,200}) \(([^()\s]{1,300})\).{0,300}? ?\.\.\. (ok|FAIL|ERROR|skipped|expected failure|unexpected success)"
)
_RAISED: Final = re.compile(r"[A-Za-z_][\w.]{0,200}(?:: .*)?$")
_RAN: Final = re.compile(r"Ran (\d{1,7}) tests? in ")
_END: Final = re.compile(r"(?:OK|FAILED)(?: \((.{1,200})\))?$")
_SKIPPED: Final = re.compile(r"(?:skipped|expected failures)=(\d{1,7})")


def read(lines: list[str]) -> Told | None:
    """What unittest told, None where this is not its output. Ids are ``module.Class.test``, with a subtest's words."""
    told = Told("unittest")
    test = said = None
    counted: int | None = None
    inside = False
    for line in lines:
        if (found := _HEAD.match(line)) is not None:
            test, said, inside = _id(found[1], found[2], found[3]), "", False
            told.fail(test)
        elif test is not None and line.startswith("Traceback (most recent call last)"):
            inside = True
        elif test is not None and inside and line and not line[0].isspace() and _RAISED.match(line):
            # Of exceptions that others caused, the last one is what the test saw.
            said = error_of([line])
            told.failed[test] = said
            inside = False
        elif line.startswith("=====") or (line.startswith("-----") and said):
            test = said = None
        elif " ... " in line and (found := _VERBOSE.match(line)) is not None:
            _put(told, _id(found[1], found[2], None), found[3])
        elif (found := _RAN.match(line)) is not None:
            counted = int(found[1])
            test = said = None
        elif counted is not None and (found := _END.match(line)) is not None:
            skips = sum(int(number) for number in _SKIPPED.findall(found[1] or ""))
            told.add(counted - skips, skips)
            counted = None
    if counted is not None:
        told.add(counted)
    return None if told.empty else told


def _id(name: str, place: str, rest: str | None) -> str:
    """``test (module.Class)`` and, of newer versions, ``test (module.Class.test)`` alike."""
    whole = place if place.endswith(f".{name}") else f"{place}.{name}"
    return f"{whole} {rest}" if rest else whole


def _put(told: Told, test: str, word: str) -> None:
    if word in ("ok", "unexpected success"):
        told.passed.add(test)
    elif word in ("FAIL", "ERROR"):
        told.fail(test)
    else:
        told.skipped.add(test)
