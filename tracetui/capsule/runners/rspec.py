"""RSpec: the list of failures, the failed examples at the end, and the count."""

from __future__ import annotations

import re
from typing import Final

from tracetui.capsule.runners.text import Told, error_of

__all__ = ["read"]

_HEAD: Final = re.compile(r"  \d{1,6}\) (\S.*)$")
_RERUN: Final = re.compile(r"rspec (\S{1,300}) # (.*)$")
_COUNT: Final = re.compile(
    r"(\d{1,7}) examples?, (\d{1,7}) failures?(?:, (\d{1,7}) pending)?(?:, (\d{1,7}) errors? occurred outside)?"
)
_OUTSIDE: Final = re.compile(r"An error occurred while loading (\S{1,300}?)\.?$")
_MARK: Final = re.compile(r" \((FAILED|PENDING)\b.{0,300}\)$")
_AFTER: Final = ("Failures:", "Pending:", "Finished in ")
_MORE: Final = 5


def read(lines: list[str]) -> Told | None:
    """What RSpec told, None where this is not its output. Ids are whole descriptions of examples."""
    told = Told("RSpec")
    said: dict[str, list[str]] = {}
    test: str | None = None
    counting = False
    seen = pending = False
    for line in lines:
        if line == "Failures:":
            seen, pending = True, False
        elif line.startswith("Pending:"):
            pending = True
        elif (found := _COUNT.match(line)) is not None:
            seen, test = True, None
            told.add(int(found[1]) - int(found[3] or 0), int(found[3] or 0))
        elif (found := _RERUN.match(line)) is not None:
            seen, test = True, None
            told.fail(found[2])
        elif (found := _OUTSIDE.match(line)) is not None:
            seen = True
            told.broken.append(error_of([found[1]]))
        elif not pending and (found := _HEAD.match(line)) is not None:
            test, counting = found[1], False
            said.setdefault(test, [])
        elif test is not None and "Failure/Error:" in line:
            counting = True
        elif test is not None and counting and line.strip().startswith("# "):
            counting = False
        elif test is not None and counting and line.strip() and len(said[test]) < _MORE:
            said[test].append(line.strip())
    if not seen:
        return None
    for name, words in said.items():
        told.fail(name, error_of(words))
    _documented(told, lines)
    return None if told.empty else told


def _documented(told: Told, lines: list[str]) -> None:
    """Examples by name, where the documentation formatter printed them: a line with none below it, indented."""
    end = next((at for at, line in enumerate(lines) if line.startswith(_AFTER)), 0)
    above: list[tuple[int, str]] = []
    for at, line in enumerate(lines[:end]):
        indent = len(line) - len(line.lstrip())
        below = next((other for other in lines[at + 1 : end] if other.strip()), "")
        above = [item for item in above if item[0] < indent]
        if not line.strip():
            continue
        if indent and len(below) - len(below.lstrip()) <= indent:
            name = " ".join([*(name for _, name in above), line.strip()])
            if (found := _MARK.search(name)) is None:
                told.passed.add(name)
            elif found[1] == "PENDING":
                told.skipped.add(name[: found.start()])
        elif len(above) < 30:
            above.append((indent, line.strip()))
    told.passed -= told.failed.keys()
