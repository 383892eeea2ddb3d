"""Which words of names tell of somebody: neither common words nor names that many bear."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Final

from tracetui.redact.tables import words

__all__ = ["DATES", "is_common", "rare_parts"]


def is_common(word: str, low: AbstractSet[str]) -> bool:
    """Whether a word, or what it is derived from, is no name."""
    word = word.lower().partition("'")[0]
    if len(word) < 4 or word in low or word.title() in DATES:
        return True
    for ending in _ENDINGS:
        stem = word.removesuffix(ending)
        if stem != word and len(stem) > 2 and ({stem, stem + "e", stem[:-1]} & low or stem[:-1] + "y" in low):
            return True
    return "-" in word and all(part in low for part in word.split("-"))


_ENDINGS: Final = (
    "s",
    "es",
    "ed",
    "d",
    "ing",
    "ly",
    "er",
    "ers",
    "ion",
    "ions",
    "able",
    "ment",
    "ness",
    "al",
    "y",
    "ity",
)
DATES: Final = frozenset(
    """
    Mon Tue Wed Thu Fri Sat Sun Monday Tuesday Wednesday Thursday Friday Saturday Sunday
    Jan Feb Mar Apr May Jun Jul Aug Sep Sept Oct Nov Dec January February March April June July August September
    October November December Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag
    """.split()
)


def rare_parts(name: str) -> list[str]:
    """The parts of a person's name that nobody writes who does not mean that person: of Ada Lovelace the second, of
    Will May none."""
    low = words("common_words", "words") | words("common_words", "names")
    return [part for part in name.split() if len(part) >= 5 and part.isalpha() and not is_common(part, low)]
