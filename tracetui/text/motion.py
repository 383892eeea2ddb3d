"""Motions over text, as vi has them: functions from a text and an offset to an offset, free of widgets.

Offsets are code points; the cursor stands on a character, so that a motion ends in ``[0, len(text))`` (0 in an empty
text). Words are runs of letters, digits and ``_``, or runs of other signs; blanks and line ends part them. All of them
look at the characters between here and there only, never at the whole text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

__all__ = ["MOTIONS", "find_char", "line_end", "line_start", "token_at", "word_at"]

_BLANKS: Final = re.compile(r"\s+")
_RUN: Final = re.compile(r"\w+|[^\w\s]+")
_LIMIT: Final = 65_536
"""Characters looked at before a motion gives up and stops there: a word of megabytes is passed in steps."""


def _kept(text: str, offset: int) -> int:
    return max(0, min(offset, len(text) - 1))


def _class(char: str) -> int:
    return 0 if char.isspace() else 1 if char.isalnum() or char == "_" else 2


def line_start(text: str, offset: int) -> int:
    """The first character of the line."""
    return text.rfind("\n", 0, offset) + 1


def line_end(text: str, offset: int) -> int:
    """The last character of the line; the line end itself where the line is empty or ``offset`` stands on it."""
    end = text.find("\n", offset)
    end = len(text) if end < 0 else end
    return _kept(text, max(offset, end - 1))


def left(text: str, offset: int) -> int:
    return _kept(text, offset - 1)


def right(text: str, offset: int) -> int:
    return _kept(text, offset + 1)


def next_word(text: str, offset: int) -> int:
    """The start of the next word."""
    size = len(text)
    if offset >= size:
        return _kept(text, offset)
    stop = min(size, offset + _LIMIT)
    at, kind = offset, _class(text[offset])
    while kind and at < stop and _class(text[at]) == kind:
        at += 1
    blanks = _BLANKS.match(text, at, stop)
    return _kept(text, blanks.end() if blanks else at)


def word_end(text: str, offset: int) -> int:
    """The end of this word, or of the next one where the cursor stands on an end."""
    found = _RUN.search(text, offset + 1, offset + 1 + _LIMIT)
    return _kept(text, found.end() - 1 if found else offset + _LIMIT)


def previous_word(text: str, offset: int) -> int:
    """The start of this word, or of the one before where the cursor stands on a start."""
    at, stop = offset, max(0, offset - _LIMIT)
    while at > stop and text[at - 1].isspace():
        at -= 1
    if at > stop:
        kind = _class(text[at - 1])
        while at > stop and _class(text[at - 1]) == kind:
            at -= 1
    return at


def first(text: str, offset: int) -> int:
    return 0


def last(text: str, offset: int) -> int:
    return _kept(text, len(text))


MOTIONS: Final[Mapping[str, Callable[[str, int], int]]] = {
    "left": left,
    "right": right,
    "word": next_word,
    "word-end": word_end,
    "back": previous_word,
    "line-start": line_start,
    "line-end": line_end,
    "first": first,
    "last": last,
}


def find_char(text: str, offset: int, char: str) -> int | None:
    """The next place of ``char`` in this line after ``offset``, None where there is none."""
    end = text.find("\n", offset)
    found = text.find(char, offset + 1, len(text) if end < 0 else end)
    return found if found >= 0 else None


def word_at(text: str, offset: int) -> tuple[int, int]:
    """The run of one class (word, signs, blanks) that the character belongs to, half open."""
    if not 0 <= offset < len(text):
        return offset, offset
    kind = _class(text[offset])
    low, high = offset, offset + 1
    while low > max(0, offset - _LIMIT) and text[low - 1] != "\n" and _class(text[low - 1]) == kind:
        low -= 1
    while high < min(len(text), offset + _LIMIT) and text[high] != "\n" and _class(text[high]) == kind:
        high += 1
    return low, high


_BREAKS: Final = frozenset("\"'`,;()[]{}<>=|&")


def token_at(text: str, offset: int) -> tuple[int, int]:
    """What a double click takes: the run without blanks, quotes, brackets and ``= , ; | &`` around the character, so
    that a key is taken whole whatever dashes and dots it has; a single sign where it stands on one."""

    def breaks(char: str) -> bool:
        return char.isspace() or char in _BREAKS

    if not 0 <= offset < len(text) or breaks(text[offset]):
        return (offset, min(offset + 1, len(text))) if 0 <= offset < len(text) else (offset, offset)
    low, high = offset, offset + 1
    while low > max(0, offset - _LIMIT) and not breaks(text[low - 1]):
        low -= 1
    while high < min(len(text), offset + _LIMIT) and not breaks(text[high]):
        high += 1
    while high - low > 1 and high - 1 > offset and text[high - 1] in ".:!?":
        high -= 1
    return low, high
