"""How random a string looks, and what random-looking strings are harmless by their shape."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from math import log2
from operator import add
from typing import Final

__all__ = [
    "SLASHED",
    "TOKEN",
    "bits",
    "harmless_shape",
    "is_hex",
    "is_uuid",
    "keeps",
    "looks_random",
    "runs",
    "turns",
    "wordiness",
]

_HEX: Final = "0123456789abcdefABCDEF"
# The 240 commonest pairs of letters in English prose and identifiers, by first letter. They make up 92 % of the pairs
# of words and 36 % of those of random letters; counted over the documentation and code of a Linux system.
_PAIRS: Final = frozenset(
    row[0] + second
    for row in (
        "abcdgiklmnprstuvwy baeilorsu cacehiklorstu dadeiorsu eabcdefgilmnpqrstvwxy faefiloru gaehilnorsu haeiort "
        "iabcdefglmnoprstvz keis ladeilostuy mabeimopsu nacdefgiknostuv obcdfgiklmnoprstuvw paehiloprstuy qu "
        "racdegiklmnoprstuvy sacehilopstuy tacehilorstuy uabcegilmnprst vaei waeio xipt yp ze"
    ).split()
    for second in row[1:]
)
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}")
_SHAPES: Final = re.compile(
    r"(?:sha(?:1|224|256|384|512)|md5)[-:_][a-z0-9+/=_-]+"  # integrity of a lock file
    r"|h1:[a-z0-9+/]{43}=|v?\d+(?:\.\d+){1,4}[a-z0-9.+-]*|v\d+\.\d[a-z0-9.+-]*"  # go.sum, versions
    r"|(?:toolu|msg|req|call|fc|rs|ctc|chatcmpl|resp|item|run|thread|asst|file|srvtoolu|agent|evt|prompt|batch|wfr"
    r"|ses|prt|rollout|turn|tool|step|session|conv|user|org|proj|task|job|build|commit|tree|blob)[-_][a-z0-9_-]+"
    r"|\d{4}-\d\d-\d\d(?:[t_ -].*)?|0x[0-9a-f]{1,16}|\d+(?:[.,:_/-]\d+)*",
    re.IGNORECASE,
)


def bits(text: str) -> float:
    """Shannon entropy of the characters, in bits a character."""
    size = len(text)
    if not size:
        return 0.0
    if size >= len(_TIMES_LOG):
        return -sum(n / size * log2(n / size) for n in Counter(text).values())
    return log2(size) - sum(map(_TIMES_LOG.__getitem__, map(text.count, set(text)))) / size


_TIMES_LOG: Final = (0.0, *(n * log2(n) for n in range(1, 600)))


def is_hex(text: str) -> bool:
    return not text.strip(_HEX)


def is_uuid(text: str) -> bool:
    return _UUID.fullmatch(text) is not None


def harmless_shape(text: str) -> bool:
    """Whether a string is random for a harmless reason: a UUID, a lock hash, a version, an agent's own id, a time."""
    return _UUID.fullmatch(text) is not None or _SHAPES.fullmatch(text) is not None


_CLASSES: Final = bytes(48 if 48 <= n < 58 else 65 if 65 <= n < 91 else 97 if 97 <= n < 123 else 45 for n in range(256))
"""Digits, capitals, small letters and all else."""
_TURNS: Final = (b"a0", b"0a", b"A0", b"0A", b"aA")
"""Changes of class; a capital that begins a word is no change of its own."""
_LOW: Final = bytes(n if 97 <= n < 123 else n + 32 if 65 <= n < 91 else 32 for n in range(256))


def turns(raw: bytes) -> tuple[int, int, int]:
    """How often letters, cases and digits take turns in ASCII; how many digits it holds, and how many other signs."""
    classes = raw.translate(_CLASSES)
    count = classes.count
    return sum(map(count, _TURNS)), count(b"0"), count(b"-")


def wordiness(text: str) -> tuple[int, float]:
    """How many pairs of letters a string has, and which part of them is common in words. What is not ASCII is no
    letter."""
    words = text.encode("ascii", "replace").translate(_LOW).split()
    pairs = sum(map(len, words)) - len(words)
    return (pairs, sum(map(_COMMON.__getitem__, words)) / pairs) if pairs else (0, 0.0)


class _Common(dict[bytes, int]):
    """How many pairs of letters of a word are common ones; the same few words make up most of what is asked for."""

    def __missing__(self, word: bytes) -> int:
        letters = word.decode()
        count = sum(map(_PAIRS.__contains__, map(add, letters, letters[1:])))
        if len(word) < 16 and len(self) < 32_768:
            self[word] = count
        return count


_COMMON: Final = _Common()


@lru_cache(65536)
def looks_random(text: str) -> bool:
    """Whether a string is no word, path or identifier that a person wrote.

    Judged by changes between letters, digits and cases, and by how many of its letter pairs are common in words;
    thresholds were set on identifiers of a large code base and on generated keys.
    """
    size = len(text)
    if size < 8:
        return False
    turned, digits, others = turns(text.encode("ascii", "replace"))
    pairs, common = wordiness(text)
    if not digits and common >= 0.64:
        return False  # most of what is asked for
    distinct = len(set(text))
    if distinct < min(6, size // 2):
        return False
    if is_hex(text):
        return size >= 16 and 2 <= digits < size and bits(text) >= 2.6
    letters = size - digits - others
    if not letters:
        return size >= 12 and distinct >= 8 and digits < size
    if digits:
        if turned >= max(3, size // 5) and (pairs < 6 or common < 0.84):
            return True
        if pairs >= 5 and common < 0.58 and digits >= 2:
            return True
        return pairs >= 8 and common < 0.66 and turned >= max(2, size // 8)
    if pairs >= 9 and common < 0.52 and distinct >= 8:
        return size >= 12
    return size >= 16 and turned >= size // 5 and common < 0.64


def keeps(letters: bytes) -> bytes:
    """The table of an alphabet for ``runs``."""
    return bytes(97 if n in letters else 32 for n in range(256))


_ALNUM: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
TOKEN: Final = keeps(_ALNUM + b"+_-")
SLASHED: Final = keeps(_ALNUM + b"+_-/")


def runs(raw: bytes, table: bytes, least: int) -> Iterator[tuple[int, int]]:
    """The spans of at least ``least`` bytes of an alphabet (``TOKEN``, ``SLASHED``) without a break. A translation and
    a search for a fixed string are many times faster than a pattern here."""
    find = raw.translate(table).find
    needle = b"a" * least
    end = 0
    while (start := find(needle, end)) >= 0:
        end = find(b" ", start + least)
        if end < 0:
            end = len(raw)
        yield start, end
