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


def parse(blocks: Iterable[bytes], index: dict[str, int]) -> Iterator[tuple[int, list[Raw]]]:  # noqa: C901 - a branch for each kind of line of a diff
    """Commits and their touches from the output of ``diff-tree``, each when it is complete."""
    current: int | None = None
    raws: list[Raw] = []
    headers: dict[bytes, Raw] = {}
    raw: Raw | None = None
    columns, body = 1, False
    cache: dict[bytes, bytes] = {}
    known = cache.get
    added: list[bytes] = []
    removed: list[bytes] = []
    for lines in _lines(blocks):
        for line in lines:
            first = line[:1]
            if body:
                if first == b"+" or first == b"-":
                    if columns > 1 and line[:columns] != first * columns:
                        continue
                    normal = line[columns:].translate(None, SPACE)
                    value = known(normal)
                    if value is None:
                        if len(cache) > 100_000:
                            cache.clear()
                        value = digest(normal if normal.isascii() else foreign(normal))
                        cache[normal] = value
                    (added if first == b"+" else removed).append(value)
                    continue
                if first == b" " or first == b"\\":
                    continue
            if first == b"@":
                body = raw is not None
            elif first == b":":
                body = False
                head, *names = line.split(b"\t")
                parts = head.split()
                ways = len(head) - len(head.lstrip(b":"))
                status = parts[-1].decode("ascii", "replace")
                modes = parts[: ways + 1]
                if any(mode.lstrip(b":") == b"160000" for mode in modes):
                    status = "S"
                columns = ways
                letter = (
                    status[:1] if ways == 1 else ("D" if set(status) == {"D"} else "A" if set(status) == {"A"} else "M")
                )
                blob = parts[-2].decode("ascii", "replace")
                target = names[-1]
                raw = Raw(
                    letter,
                    unquote(target),
                    unquote(names[0]) if letter in "RC" and len(names) > 1 and ways == 1 else None,
                    "" if set(blob) == {"0"} else blob,
                )
                if letter == "C":
                    raw.status, raw.source = "A", None
                if status != "S":
                    raws.append(raw)
                old = names[0]
                key = _prefixed(b"a/", old) + b" " + _prefixed(b"b/", target) if ways == 1 else target
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
