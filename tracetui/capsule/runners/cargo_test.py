"""cargo test: its lines of tests, what panicked, and compilers' errors."""

from __future__ import annotations

import re
from typing import Final

from tracetui.capsule.runners.text import Told, error_of

__all__ = ["read"]

_TEST: Final = re.compile(r"test (\S.{0,300}?) \.\.\. (ok|FAILED|ignored)\b")
_STDOUT: Final = re.compile(r"---- (\S.{0,300}?) std(?:out|err) ----$")
_PANIC: Final = re.compile(r"thread '.{1,200}'(?: \(\d{1,20}\))? panicked at (?:'(.*)', )?\S{1,300}:\d{1,7}:\d{1,5}:?$")
_RESULT: Final = re.compile(r"test result: \w{2,6}\. (\d{1,7}) passed; (\d{1,7}) failed; (\d{1,7}) ignored")
_RUSTC: Final = re.compile(r"error(?:\[E\d{4}\])?: (.*)$")
_LINE_OF_DOC: Final = re.compile(r" \(line \d{1,7}\)")
_ABOUT: Final = re.compile(r"could not compile|aborting due|doctest failed|\d{1,6} targets? failed")
_MORE: Final = 4


def read(lines: list[str]) -> Told | None:
    """What cargo test told, None where this is not its output. Ids are paths of tests, without lines."""
    told = Told("cargo test")
    test: str | None = None
    said: list[str] | None = None
    errors: list[str] = []
    for line in lines:
        if said is not None:
            if line and not line.startswith("note: ") and len(said) < _MORE and not line.startswith("stack backtrace:"):
                said.append(line)
                continue
            if test is not None:
                told.fail(test, error_of(said))
            said = None
        if (found := _TEST.match(line)) is not None:
            name = _LINE_OF_DOC.sub("", found[1])
            if found[2] == "FAILED":
                told.fail(name)
            else:
                (told.passed if found[2] == "ok" else told.skipped).add(name)
        elif (found := _STDOUT.match(line)) is not None:
            test = _LINE_OF_DOC.sub("", found[1])
        elif (found := _PANIC.match(line)) is not None:
            if found[1] and test is not None:
                told.fail(test, error_of([found[1]]))
            else:
                said = []
        elif (found := _RESULT.match(line)) is not None:
            told.add(int(found[1]) + int(found[2]), int(found[3]))
        elif (found := _RUSTC.match(line)) is not None and not line.startswith("error: test failed"):
            errors.append(error_of([found[1]]))
    if said is not None and test is not None:
        told.fail(test, error_of(said))
    if told.empty and not any("could not compile" in error for error in errors):
        return None
    told.broken = [error for error in errors if not _ABOUT.match(error)]
    return told
