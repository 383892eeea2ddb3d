"""Lines of files: how they are split, compared, fingerprinted, diffed and weighed. Pure functions on bytes."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Final, NamedTuple

__all__ = [
    "BOM",
    "SPACE",
    "Change",
    "aligned",
    "bare",
    "changes",
    "common_prefix",
    "count_lines",
    "digest",
    "find_block",
    "fingerprint",
    "foreign",
    "is_binary",
    "norm",
    "norms",
    "split",
    "telling",
    "wordiness",
]

BOM: Final = b"\xef\xbb\xbf"
SPACE: Final = b" \t\r\n\x0b\x0c"
_CONTEXT: Final = 64
_WORD = re.compile(rb"[A-Za-z0-9_\x80-\xff]+")
_BOILERPLATE: Final = frozenset(
    b"return nil none null undefined err error e true false else elif if end pass break continue try finally except "
    b"exception catch do then fi done esac begin self this super void default const var let public private "
    b"static final async await func function def class in of for while loop switch case not and or is new use strict "
    b"override raise throw throws rescue ensure yield int string bool import from export module endif endfor todo "
    b"div span p br ul li html body head table tr td 0 1 2".split()
)


class Change(NamedTuple):
    """A run of changed lines: ``old_len`` lines from ``old`` on became ``new_len`` lines from ``new`` on (0-based)."""

    old: int
    old_len: int
    new: int
    new_len: int


def split(data: bytes) -> list[bytes]:
    """The lines of a file without their newlines (carriage returns stay); a byte order mark is no part of a line."""
    lines = data.removeprefix(BOM).split(b"\n")
    if lines[-1] == b"":
        lines.pop()
    return lines


def is_binary(data: bytes) -> bool:
    """Whether Git would take the content for binary: a NUL in the first 8,000 bytes."""
    return b"\0" in data[:8000]


def foreign(line: bytes) -> bytes:
    """A line as it is, or, where it is not UTF-8, its bytes spelled as Latin-1."""
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("latin-1").encode("utf-8")
    return line


def norm(line: bytes) -> bytes:
    """The line as it is matched: without white space and carriage returns.

    A line that is not UTF-8 is compared byte by byte; its bytes are spelled as Latin-1 so that a log, which holds
    text, can name them.
    """
    line = line.translate(None, SPACE)
    return line if line.isascii() else foreign(line)


def bare(line: bytes) -> bytes:
    """The line letter by letter, but for its line end."""
    line = line.rstrip(b"\r\n")
    return line if line.isascii() else foreign(line)


def norms(data: bytes) -> list[bytes]:
    """The normalised lines of a file."""
    if not data.isascii():
        return [norm(line) for line in split(data)]
    lines = data.translate(None, b" \t\r\x0b\x0c").split(b"\n")
    if not data or data.endswith(b"\n"):
        lines.pop()
    return lines


def count_lines(data: bytes) -> Counter[bytes]:
    """How often each normalised line stands in a file; blank lines count under ``b""``."""
    return Counter(norms(data))


@lru_cache(maxsize=65_536)
def fingerprint(normal: bytes) -> int:
    """A stable 64-bit fingerprint of a normalised line (BLAKE2b), as ``array("Q")`` reads its digest."""
    return int.from_bytes(digest(normal), sys.byteorder)


def digest(normal: bytes) -> bytes:
    """The eight bytes of a line's fingerprint."""
    return blake2b(normal, digest_size=8).digest()


def common_prefix(left: bytes, right: bytes) -> int:
    """Length of the common prefix, by halving (each comparison runs at the speed of memcmp)."""
    low, high = 0, min(len(left), len(right))
    if left[:high] == right[:high]:
        return high
    while low < high:
        mid = (low + high + 1) // 2
        if left[low:mid] == right[low:mid]:
            low = mid
        else:
            high = mid - 1
    return low


def _trim(before: bytes, after: bytes) -> tuple[int, int]:
    """How many bytes at the start and at the end both share, whole lines only, short by some lines of context."""
    head = common_prefix(before, after)
    start = head
    for _ in range(_CONTEXT):
        start = before.rfind(b"\n", 0, start)
        if start < 0:
            break
    start += 1
    room = min(len(before), len(after)) - start
    low, high = 0, room
    while low < high:
        mid = (low + high + 1) // 2
        if before[len(before) - mid :] == after[len(after) - mid :]:
            low = mid
        else:
            high = mid - 1
    tail = low
    for _ in range(_CONTEXT + 1):
        at = before.find(b"\n", len(before) - tail) if tail else -1
        if at < 0:
            return start, 0
        tail = len(before) - at - 1
    return start, tail


def changes(before: bytes, after: bytes, *, patience: bool = False) -> list[Change]:
    """The runs of changed lines of a line diff, as ``git diff -U0`` finds them (libxdiff, indent heuristic).

    What both texts share at their start and end is cut off first, so that a small edit of a large file is cheap.
    """
    if before == after:
        return []
    from pygit2 import Patch
    from pygit2.enums import DiffOption

    start = tail = 0
    if len(before) + len(after) > 20_000:
        start, tail = _trim(before, after)
    skipped = before.count(b"\n", 0, start)
    flags = DiffOption.FORCE_TEXT | (DiffOption.PATIENCE if patience else DiffOption.INDENT_HEURISTIC)
    patch = Patch.create_from(
        before[start : len(before) - tail],
        after[start : len(after) - tail],
        flag=flags,
        context_lines=0,
        interhunk_lines=0,
    )
    found: list[Change] = []
    for hunk in patch.hunks:
        old = hunk.old_start - (1 if hunk.old_lines else 0) + skipped
        new = hunk.new_start - (1 if hunk.new_lines else 0) + skipped
        found.append(Change(old, hunk.old_lines, new, hunk.new_lines))
    return found


def aligned(before: Sequence[bytes], after: Sequence[bytes]) -> list[int]:
    """For each line of ``before`` its place in ``after``, or -1; ``before`` and ``after`` are normalised lines."""
    place = [-1] * len(before)
    if not before or not after:
        return place
    old = new = 0
    for change in changes(b"\n".join(before) + b"\n", b"\n".join(after) + b"\n"):
        for step in range(change.old - old):
            place[old + step] = new + step
        old, new = change.old + change.old_len, change.new + change.new_len
    for step in range(len(before) - old):
        if new + step < len(after):
            place[old + step] = new + step
    return place


def find_block(block: Sequence[bytes], lines: Sequence[bytes], start: int = 0) -> int:
    """Where the lines of ``block`` stand in ``lines``, one after the other; -1 when nowhere."""
    if not block:
        return -1
    first, size = block[0], len(block)
    at = start
    try:
        while True:
            at = lines.index(first, at)
            if list(lines[at : at + size]) == list(block):
                return at
            at += 1
    except ValueError:
        return -1


@lru_cache(maxsize=65536)
def wordiness(line: bytes) -> float:
    """How much a line can tell by itself, 0 to 1: nothing without words or with common ones only.

    A stop list stands in for rarity in repositories that are too small to show what is common. ``line`` keeps its
    white space.
    """
    words = _WORD.findall(line)
    size = sum(map(len, words))
    if not size or all(word.lower() in _BOILERPLATE for word in words):
        return 0.0
    return 1.0 if size >= 5 else 0.5 if size >= 2 else 0.25


def telling(line: bytes) -> int:
    """How many letters and digits the words of a line have that are not common ones."""
    return sum(len(word) for word in _WORD.findall(line) if word.lower() not in _BOILERPLATE)
