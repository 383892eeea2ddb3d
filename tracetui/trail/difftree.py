"""The output of ``git diff-tree`` read as touches: per commit and path the fingerprints of added and removed lines."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from tracetui.trail.lines import SPACE, digest, foreign, norm

__all__ = ["DIFF", "Raw", "parse", "prints", "unquote"]

DIFF: Final = (
    "diff-tree",
    "--stdin",
    "-r",
    "--root",
    "--raw",
    "-p",
    "-U0",
    "-M50%",
    "-l1000",
    "--cc",
    "--no-color",
    "--no-ext-diff",
    "--no-textconv",
    "--no-abbrev",
    "--ignore-submodules=none",
    "--submodule=short",
    "--src-prefix=a/",
    "--dst-prefix=b/",
)
_DIGESTS: Final = 100_000
"""Digests kept at most: some 20 MB."""


@dataclass(slots=True)
class Raw:
    status: str
    path: str
    source: str | None
    blob: str
    added: list[bytes]
    removed: list[bytes]

    def __init__(self, status: str, path: str, source: str | None, blob: str) -> None:
        self.status, self.path, self.source, self.blob = status, path, source, blob
        self.added, self.removed = [], []


def prints(lines: Iterable[bytes]) -> Iterator[bytes]:
    for line in lines:
        yield digest(norm(line))


def unquote(name: bytes) -> str:
    """A path as Git prints it: quoted like a C string when it holds special characters."""
    if name[:1] == b'"' and name[-1:] == b'"':
        out = bytearray()
        at, end = 1, len(name) - 1
        simple = {97: 7, 98: 8, 116: 9, 110: 10, 118: 11, 102: 12, 114: 13, 34: 34, 92: 92}
        while at < end:
            byte = name[at]
            if byte != 92:
                out.append(byte)
                at += 1
            elif name[at + 1] in simple:
                out.append(simple[name[at + 1]])
                at += 2
            else:
                out.append(int(name[at + 1 : at + 4], 8) & 255)
                at += 4
        name = bytes(out)
    return os.fsdecode(name)


def _prefixed(prefix: bytes, name: bytes) -> bytes:
    return b'"' + prefix + name[1:] if name[:1] == b'"' else prefix + name


def _lines(blocks: Iterable[bytes]) -> Iterator[list[bytes]]:
    rest = b""
    for block in blocks:
        lines = (rest + block).split(b"\n")
        rest = lines.pop()
        yield lines
    if rest:
        yield [rest]


class _Digests(dict[bytes, bytes]):
    """The digest of each line without white space; the same lines come again and again."""

    def __missing__(self, line: bytes) -> bytes:
        if len(self) > _DIGESTS:
            self.clear()
        value = self[line] = digest(line if line.isascii() else foreign(line))
        return value


def _raw(line: bytes) -> tuple[Raw, bytes, int]:
    """The touch that a line of raw format tells, the name by which its diff will be headed, and the number of
    parents."""
    head, *names = line.split(b"\t")
    parts = head.split()
    ways = len(head) - len(head.lstrip(b":"))
    status = parts[-1].decode("ascii", "replace")
    blob = parts[-2].decode("ascii", "replace")
    if any(mode.lstrip(b":") == b"160000" for mode in parts[: ways + 1]):
        status = "S"
    if ways == 1 or status == "S":
        letter = status[:1]
    else:
        letter = "D" if set(status) == {"D"} else "A" if set(status) == {"A"} else "M"
    target = names[-1]
    source = unquote(names[0]) if letter == "R" and len(names) > 1 and ways == 1 else None
    # a copy is an addition
    raw = Raw("A" if letter == "C" else letter, unquote(target), source, "" if set(blob) == {"0"} else blob)
    return raw, (_prefixed(b"a/", names[0]) + b" " + _prefixed(b"b/", target) if ways == 1 else target), ways


def parse(blocks: Iterable[bytes], index: dict[str, int]) -> Iterator[tuple[int, list[Raw]]]:  # noqa: C901 - a branch for each kind of line of a diff
    """Commits and their touches from the output of ``diff-tree``, each when it is complete."""
    current: int | None = None
    raws: list[Raw] = []
    headers: dict[bytes, Raw] = {}
    raw: Raw | None = None
    columns, body = 1, False
    digests = _Digests()
    added: list[bytes] = []
    removed: list[bytes] = []
    for lines in _lines(blocks):
        for line in lines:
            first = line[:1]
            if body:
                if first == b"+" or first == b"-":
                    if columns > 1 and line[:columns] != first * columns:
                        continue
                    (added if first == b"+" else removed).append(digests[line[columns:].translate(None, SPACE)])
                    continue
                if first == b" " or first == b"\\":
                    continue
            if first == b"@":
                body = raw is not None
            elif first == b":":
                body = False
                raw, key, columns = _raw(line)
                if raw.status != "S":
                    raws.append(raw)
                headers[key] = raw
            elif line.startswith((b"diff --git ", b"diff --cc ", b"diff --combined ")):
                body = False
                raw = headers.get(line.split(b" ", 2)[2])
                if raw is not None:
                    added, removed = raw.added, raw.removed
            elif line.startswith(b"Binary files ") and raw is not None and not body:
                if not raw.status.endswith("b"):
                    raw.status += "b"
            elif len(line) in (40, 64) and (number := index.get(line.decode("ascii", "replace"))) is not None:
                if current is not None:
                    yield current, raws
                current, raws, headers, raw, body, columns = number, [], {}, None, False, 1
    if current is not None:
        yield current, raws
