"""jest: its bullets of failures, its lines of files and tests, and the count."""

from __future__ import annotations

import re
from typing import Final

from tracetui.capsule.runners.text import Told, error_of

__all__ = ["read", "tree"]

_BULLET: Final = re.compile(r"  ● (\S.{0,400})$")
_FILE: Final = re.compile(r"(PASS|FAIL) +(?:\S{1,60} )?(\S{1,300}\.[cm]?[jt]sx?)(?: \([0-9.]{1,12} m?s\))?$")
_TREE: Final = re.compile(r"( +)(✓|√|✕|×|○|✎) (.{1,300}?)(?: \([0-9.]{1,12} m?s\))?$")
_COUNT: Final = re.compile(r"Tests: +(.*)\b\d{1,7} total$")
_STACK: Final = re.compile(r" +at .{1,500}:\d{1,7}:\d{1,5}\)?$|\s+>? *\d{1,7} \|| +\|")
_SUITE: Final = "Test suite failed to run"
_MORE: Final = 5


def read(lines: list[str]) -> Told | None:
    """What jest told, None where this is not its output. Ids are ``suite › test``; files are kept beside them."""
    told = Told("jest")
    counted = [found for line in lines if (found := _COUNT.match(line)) is not None]
    files = [found for line in lines if (found := _FILE.match(line)) is not None]
    bullets = [at for at, line in enumerate(lines) if (_BULLET.match(line) and " › " in line) or _SUITE in line]
    if not counted and not files:
        return None
    for found in counted:
        numbers = {
            word: int(number) for number, word in re.findall(r"(\d{1,7}) (passed|failed|skipped|todo)", found[1])
        }
        told.add(
            numbers.get("passed", 0) + numbers.get("failed", 0), numbers.get("skipped", 0) + numbers.get("todo", 0)
        )
    told.files = {found[2] for found in files if found[1] == "PASS"}
    for test, sign in tree(lines, _TREE):
        if sign in "✓√":
            told.passed.add(test)
        elif sign in "✕×":
            told.fail(test)
        else:
            told.skipped.add(test.replace(" › skipped ", " › ").removeprefix("skipped "))
    bullets = [at for at, line in enumerate(lines) if _BULLET.match(line)]
    for at in bullets:
        name = lines[at].strip()[2:]
        said = _said(lines, at)
        if name == _SUITE:
            told.broken.append(said)
        elif said or name in told.failed:
            told.fail(name, said)
    told.passed -= told.failed.keys()
    return None if told.empty else told


def _said(lines: list[str], at: int) -> str:
    """The error below a bullet, up to the source or the stack."""
    said: list[str] = []
    for line in lines[at + 1 : at + 30]:
        if _STACK.match(line) or _BULLET.match(line) or len(said) >= _MORE:
            break
        if line.strip():
            said.append(line.strip())
    return error_of(said)


def tree(lines: list[str], pattern: re.Pattern[str]) -> list[tuple[str, str]]:
    """(``suite › test``, its sign) of an indented list. ``pattern`` gives indent, sign and name of the line of a test;
    a line that stands further left than the next is the name of a suite."""
    suites: list[tuple[int, str]] = []
    out: list[tuple[str, str]] = []
    for line in lines:
        if not line.strip() or not line.startswith(" "):
            suites = suites if not line.strip() else []
            continue
        found = pattern.match(line)
        indent = len(line) - len(line.lstrip())
        suites = [item for item in suites if item[0] < indent]
        if found is None:
            if len(suites) < 30:
                suites.append((indent, line.strip()))
        else:
            out.append((" › ".join([*(name for _, name in suites), found[3]]), found[2]))
    return out
