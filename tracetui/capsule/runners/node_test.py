"""node:test: its spec reporter and its TAP reporter."""

from __future__ import annotations

import re
from typing import Final

from tracetui.capsule.runners.text import Told, error_of

__all__ = ["read"]

_SPEC: Final = re.compile(r"( *)(?:[✔✖﹣]) (.{1,300}?) \([0-9.]{1,16}ms\)(?: # (?:SKIP|TODO)?.{0,200})?$")
_TAP: Final = re.compile(r"( *)(not ok|ok) \d{1,7}(?: - (.{1,300}?))?( # (?:SKIP|TODO).{0,200})?$")
_COUNT: Final = re.compile(r"[#\u2139] (tests|pass|fail|cancelled|skipped|todo) (\d{1,7})$")
_AT: Final = re.compile(r"test at \S{1,300}:\d{1,7}:\d{1,5}$")
_STACK: Final = re.compile(r" +at .{1,500}$")
_GENERIC: Final = re.compile(r"^\d{1,6} subtests? failed|^test failed")
_SUITE: Final = re.compile(r".{0,300}\.[cm]?[jt]sx?$")
_MORE: Final = 4


def read(lines: list[str]) -> Told | None:
    """What node:test told, None where this is not its output. Ids are names of tests; a file's own line is none."""
    told = Told("node:test")
    counts: dict[str, int] = {}
    for line in lines:
        if (found := _COUNT.match(line)) is not None:
            counts[found[1]] = counts.get(found[1], 0) + int(found[2])
    if not {"pass", "fail"} & counts.keys() and not any(line == "TAP version 13" for line in lines):
        return None
    if counts:
        told.add(counts.get("pass", 0) + counts.get("fail", 0), counts.get("skipped", 0) + counts.get("todo", 0))
    for at, line in enumerate(lines):
        if (found := _SPEC.match(line)) is not None:
            _put(told, found[2], line.lstrip()[0] == "✔", " # SKIP" in line or "﹣" in line, _spec(lines, at))
        elif (found := _TAP.match(line)) is not None and found[3]:
            _put(told, found[3], found[2] == "ok", found[4] is not None, _tap(lines, at))
    told.passed -= told.failed.keys()
    return None if told.empty else told


def _put(told: Told, name: str, good: bool, skipped: bool, said: str) -> None:
    if skipped:
        told.skipped.add(name)
    elif good:
        told.passed.add(name)
    elif not _SUITE.match(name):
        told.fail(name, "" if _GENERIC.match(said) else said)


def _spec(lines: list[str], at: int) -> str:
    """The error below a line of the list of failed tests; the lines of the tree before it have none."""
    if at == 0 or not _AT.match(lines[at - 1]):
        return ""
    said: list[str] = []
    for line in lines[at + 1 : at + 12]:
        if _STACK.match(line) or _AT.match(line) or len(said) >= _MORE or line.strip().startswith("generatedMessage:"):
            break
        if line.strip():
            said.append(line.strip())
    return error_of(said)


def _tap(lines: list[str], at: int) -> str:
    """The error in the block below a line of TAP."""
    indent = len(lines[at]) - len(lines[at].lstrip())
    said: list[str] = []
    if at + 1 >= len(lines) or lines[at + 1].strip() != "---":
        return ""
    block = False
    for line in lines[at + 2 : at + 60]:
        text = line.strip()
        if text == "...":
            break
        if text.startswith("error: "):
            rest = text.removeprefix("error: ")
            block = rest in ("|-", ">-", "|", ">")
            if not block:
                said.append(rest.strip("'\""))
        elif block and len(line) - len(line.lstrip()) > indent + 2 and len(said) < _MORE:
            if text:
                said.append(text)
        elif block:
            block = not text
    return error_of(said)
