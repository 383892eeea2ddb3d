"""Values that say of themselves that they stand for another: ``changeme``, ``your_api_key``, ``xxxx``."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["KEYBOARD", "placeholder"]

_PARTS: Final = re.compile(
    r"example|change_?-?me|placeholder|redacted|your[_-]|yourapi|<your|dummy|insert|replace|todo|fixme|xxxx|\*\*\*\*"
    r"|\.\.\.\.|----|____|foobar|lorem|sample|not-?a-?real|fake|mock|goes_?-?here|here>|my_?-?secret|my_?-?passw"
    r"|my_?-?token|my_?-?api|secret_key_here|‹|_here|-here|some_?-?(?:secret|token|key|pass)|test_?-?(?:secret|token|key|pass)"
    r"|the_?-?(?:secret|token|key|pass)|abc123|deadbeef|new-?_?password|old-?_?password|super_?-?secret|_key$|_token$|_secret$"
)
_WORDS: Final = frozenset(
    """
    none null nil true false undefined nan yes no on off string str bytes int integer number bool boolean object any
    void self this super get set new await async return function const let var def class import from export default
    optional required required, required. missing invalid unknown empty unset disabled enabled here there hidden
    secret password passwd token key apikey api_key credentials auth bearer basic user username admin root test
    value values name text json type field input output env environment config settings options params args pass pwd
    secret1 test123 password1 readonly forbidden expired prompt
    """.split()
)
KEYBOARD: Final = re.compile(r"(?:0123456|1234567|abcdef|qwerty|aaaaaa|000000)")
"""What keyboards and alphabets begin with."""
_SEQUENCE: Final = "0123456789012345678901234567890 abcdefghijklmnopqrstuvwxyz"


def placeholder(value: str) -> bool:
    """Whether a value says of itself that it stands for another."""
    low = value.lower()
    if low in _WORDS or _PARTS.search(low) is not None:
        return True
    kinds = len(set(low))
    if kinds <= 2 or (kinds <= 4 and len(value) >= 12):
        return True
    if "abcdefghijkl" in low or "[a-z" in low or "(?" in value or "[^" in value:
        return True  # an alphabet, a pattern
    return (low in _SEQUENCE or KEYBOARD.match(low) is not None) and len(value) < 24
