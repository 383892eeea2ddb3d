"""How random a string looks, and what random-looking strings are harmless by their shape."""

from __future__ import annotations

from collections import Counter
from functools import cache
from itertools import pairwise
from math import log2
from typing import Any, Final

__all__ = ["bits", "harmless_shape", "is_hex", "looks_random"]

_HEX: Final = frozenset("0123456789abcdefABCDEF")
_VOWELS: Final = frozenset("aeiouAEIOU")


def bits(text: str) -> float:
    """Shannon entropy of the characters, in bits a character."""
    size = len(text)
    if not size:
        return 0.0
    return -sum(n / size * log2(n / size) for n in Counter(text).values())


def is_hex(text: str) -> bool:
    return _HEX.issuperset(text)


@cache
def _shapes() -> Any:
    import re2

    return re2.compile(
        r"(?i)^(?:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"  # UUID
        r"|(?:sha(?:1|224|256|384|512)|md5)[-:_][a-z0-9+/=_-]+"  # integrity of a lock file
        r"|h1:[a-z0-9+/]{43}=|v?\d+(?:\.\d+){1,4}[a-z0-9.+-]*"  # go.sum, versions
        r"|(?:toolu|msg|req|call|fc|rs|ctc|chatcmpl|resp|item|run|thread|asst|file|srvtoolu|agent|evt|prompt|batch|wfr|ses|prt"
        r"|rollout|turn|tool|step|session|conv|user|org|proj|task|job|build|commit|tree|blob)[-_][a-z0-9_-]+"  # agents' ids
        r"|\d{4}-\d\d-\d\d(?:[t_ -].*)?|0x[0-9a-f]{1,16}|\d+(?:[.,:_/-]\d+)*)$"
    )


def harmless_shape(text: str) -> bool:
    """Whether a string is random for a harmless reason: a UUID, a lock hash, a version, an agent's own id, a time."""
    return _shapes().match(text) is not None


def looks_random(text: str) -> bool:
    """Whether a string is no word, path or identifier that a person wrote.

    Judged by entropy against what its length allows, by changes between letters and digits, and by how rarely
    vowels come; thresholds were set on words, identifiers and generated keys.
    """
    size = len(text)
    if size < 8:
        return False
    entropy = bits(text)
    if is_hex(text):
        return size >= 16 and entropy >= 2.6 and any(c.isdigit() for c in text) and not text.isdigit()
    digits = sum(c.isdigit() for c in text)
    letters = [c for c in text if c.isalpha()]
    if not letters:
        return size >= 12 and entropy >= 3.0 and digits < size
    upper = sum(c.isupper() for c in letters)
    mixed = 0 < upper < len(letters)
    turns = sum(
        1
        for a, b in pairwise(text)
        if a.isdigit() != b.isdigit() or (a.islower() and b.isupper()) or (a.isupper() and b.islower() and mixed)
    )
    vowels = sum(c in _VOWELS for c in letters) / len(letters)
    wanted = min(3.6, log2(size) * 0.78)
    if entropy < wanted:
        return False
    if digits and turns >= max(3, size // 8):
        return True
    if digits >= 2 and not 0.22 <= vowels <= 0.55:
        return True
    return size >= 16 and mixed and turns >= size // 4 and vowels < 0.34
