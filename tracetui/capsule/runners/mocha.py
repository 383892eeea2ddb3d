"""mocha: the tree of its spec reporter, the list of failures, and the counts."""

from __future__ import annotations

import re
from typing import Final

from tracetui.capsule.runners.jest import tree
from tracetui.capsule.runners.text import Told, error_of

__all__ = ["read"]

_COUNT: Final = re.compile(r"  (\d{1,7}) (passing|failing|pending)(?: \(.{1,20}\))?$")
_TREE: Final = re.compile(r"( +)(✔|✓|√|-|\d{1,6}\)) (.{1,300}?)(?: \(\d{1,9}m?s\))?$")
_HEAD: Final = re.compile(r"  \d{1,6}\) (\S.*)$")
_STACK: Final = re.compile(r" +at .{1,500}$|\s+\+ expected - actual$")
_MORE: Final = 4


def read(lines: list[str]) -> Told | None:
    """What mocha told, None where this is not its output. Ids are ``suite › test``."""
    counts = [(at, found) for at, line in enumerate(lines) if (found := _COUNT.match(line)) is not None]
    if not any(found[2] in ("passing", "failing") for _, found in counts):
        return None
    told = Told("mocha")
    for _, found in counts:
        number = int(found[1])
        told.add(*((0, number) if found[2] == "pending" else (number, 0)))
    for test, sign in tree(lines[: counts[0][0]], _TREE):
        if sign in "✔✓√":
            told.passed.add(test)
        elif sign == "-":
            told.skipped.add(test)
        else:
            told.fail(test)
    last = counts[-1][0] + 1
    heads = [at for at in range(last, len(lines)) if _HEAD.match(lines[at])]
    for nth, at in enumerate(heads):
        _failure(told, lines[at : heads[nth + 1] if nth + 1 < len(heads) else len(lines)])
    told.passed -= told.failed.keys()
    return None if told.empty else told


def _failure(told: Told, block: list[str]) -> None:
    """One of the list: the suite, below it the test whose line ends with a colon, then the error."""
    names = [block[0].strip().partition(") ")[2]]
    at = 1
    while not names[-1].endswith(":") and at < len(block) and block[at].strip():
        names.append(block[at].strip())
        at += 1
    names[-1] = names[-1].removesuffix(":")
    said: list[str] = []
    for line in block[at : at + 12]:
        if _STACK.match(line) or len(said) >= _MORE:
            break
        if line.strip():
            said.append(line.strip())
    told.fail(" › ".join(names), error_of(said))
