"""Values that say of themselves that they stand for another: ``changeme``, ``your_api_key``, ``xxxx``."""

from __future__ import annotations

import re
from typing import Final

from tracetui.redact.tables import words

__all__ = ["KEYBOARD", "counted_out", "placeholder"]

_PARTS: Final = re.compile(
    r"example|change_?-?me|placeholder|redacted|your[_-]|yourapi|<your|dummy|insert|replace|todo|fixme|xxxx|\*\*\*\*"
    r"|\.\.\.\.|----|____|foobar|lorem|sample|not-?a-?real|fake|mock|goes_?-?here|here>|my_?-?secret|my_?-?passw"
    r"|my_?-?token|my_?-?api|secret_key_here|‹|_here|-here|some_?-?(?:secret|token|key|pass)|test_?-?(?:secret|token|key|pass)"
    r"|the_?-?(?:secret|token|key|pass)|abc123|deadbeef|new-?_?password|old-?_?password|super_?-?secret|_key$|_token$|_secret$"
)
KEYBOARD: Final = re.compile(r"(?:0123456|1234567|abcdef|qwerty|aaaaaa|000000)")
"""What keyboards and alphabets begin with."""
_SEQUENCE: Final = "0123456789012345678901234567890 abcdefghijklmnopqrstuvwxyz"


_LEAST_RUN: Final = 4
"""Characters in alphabetical or numerical order that are no accident."""


def counted_out(value: str) -> float:
    """Which part of a value stands in order (``abcdef``, ``1234``, ``aBcD``) or repeats a character: values of
    documentation do for the most part, generated ones by 0.02 on the average."""
    low = value.lower()
    size = len(low)
    covered = at = 0
    while at < size:
        end = at + 1
        step = ord(low[end]) - ord(low[at]) if end < size else 2
        if step in (0, 1) or low[at : end + 1] == "90":
            while end < size and (ord(low[end]) - ord(low[end - 1]) == step or low[end - 1 : end + 1] == "90"):
                end += 1
        if end - at >= _LEAST_RUN:
            covered += end - at
        at = end
    return covered / size if size else 0.0


def placeholder(value: str) -> bool:
    """Whether a value says of itself that it stands for another."""
    low = value.lower()
    if low in words("harmless", "placeholders") or _PARTS.search(low) is not None:
        return True
    kinds = len(set(low))
    if kinds <= 2 or (kinds <= 4 and len(value) >= 12):
        return True
    if "abcdefghijkl" in low or "[a-z" in low or "(?" in value or "[^" in value:
        return True  # an alphabet, a pattern
    return (low in _SEQUENCE or KEYBOARD.match(low) is not None) and len(value) < 24
