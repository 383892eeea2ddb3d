"""Finding the words of a query in the text of a step, as the full-text index would, and cutting a snippet around it."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Final, Protocol

from tracetui.bucket.terms import Query

__all__ = ["Matcher", "TextMatch", "Words", "needs_scan", "snippet", "tokens"]

_BEFORE: Final = 48
_AFTER: Final = 160
_COUNTED: Final = 40
_SPLIT: Final = re.compile(r"[\W_]+")
_FOLD: Final = str.maketrans(dict.fromkeys("\n\r\t\v\f\x85\u2028\u2029", " "))
# Scripts written without spaces between words: the index holds whole runs of them as one word each.
_RUNS: Final = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003fffd]"
)


class TextMatch:
    """A match: text ``nth``, code points ``start`` to ``end`` of it."""

    __slots__ = ("end", "nth", "score", "start")

    def __init__(self, nth: int, start: int, end: int, score: float) -> None:
        self.nth = nth
        self.start = start
        self.end = end
        self.score = score


class Matcher(Protocol):
    """Looks for something in the texts of one step."""

    def find(self, texts: Sequence[str]) -> TextMatch | None:
        """Where it is, or None where it is not."""


def needs_scan(text: str) -> bool:
    """Whether only looking at the texts themselves finds it: signs alone, and scripts without spaces."""
    return _RUNS.search(text) is not None or not any(char.isalnum() or "\ue000" <= char <= "\uf8ff" for char in text)


def tokens(text: str) -> list[str]:
    """The words of a text, about as the full-text index parts them (exactly so for ASCII)."""
    return [token for token in _SPLIT.split(text) if token]


def _pattern(text: str, *, prefix: bool) -> re.Pattern[str]:
    """The tokens of ``text`` one after the other, whatever stands between. Linear: what parts tokens is no token."""
    if needs_scan(text):
        return re.compile(re.escape(text), re.IGNORECASE)
    body = r"[\W_]+".join(re.escape(token) for token in tokens(text)) or re.escape(text)
    return re.compile(r"(?<![^\W_])" + body + ("" if prefix else r"(?![^\W_])"), re.IGNORECASE)


def literal(text: str) -> re.Pattern[str]:
    """Exactly this text, in any case."""
    return re.compile(re.escape(text), re.IGNORECASE)


class Words:
    """All words and phrases of a query (of one alternative), none of its negated ones."""

    def __init__(self, query: Query) -> None:
        last = len(query.words) - 1
        wanted = [(phrase, literal(phrase)) for phrase in query.phrases]
        wanted += [(word, _pattern(word, prefix=nth == last)) for nth, word in enumerate(query.words)]
        wanted.sort(key=lambda item: len(item[0]), reverse=True)
        self._wanted = [pattern for _, pattern in wanted]
        self._not = [_pattern(word, prefix=False) for word in query.not_words]
        self._not += [literal(phrase) for phrase in query.not_phrases]

    def find(self, texts: Sequence[str]) -> TextMatch | None:
        """The first match of the longest word, if all are there; text -1 where nothing is there to be found, and
        nothing that may not be."""
        first: TextMatch | None = None
        score = 0.0
        for pattern in self._wanted:
            count = 0
            for nth, text in enumerate(texts):
                for match in pattern.finditer(text):
                    if first is None:
                        first = TextMatch(nth, match.start(), match.end(), 0.0)
                    count += 1
                    if count >= _COUNTED:
                        break
                if count >= _COUNTED:
                    break
            if not count:
                return None
            score += 1.0 + math.log(count)
        if any(pattern.search(text) for pattern in self._not for text in texts):
            return None
        if not self._wanted:
            return TextMatch(-1, 0, 0, 0.0)
        if first is not None:
            length = sum(map(len, texts))
            first.score = round(score / (1.0 + math.log10(10 + length) / 4), 4)
        return first


def snippet(text: str, start: int, end: int) -> tuple[str, tuple[int, int]]:
    """The surroundings of a match on one line, and where the match is in them. Line ends and tabs become blanks; other
    control characters stay (screens make them safe)."""
    begin = max(0, start - _BEFORE)
    if begin:
        space = text.find(" ", begin, start)
        begin = space + 1 if 0 <= space < start - 8 else begin
    stop = min(len(text), max(end, start) + _AFTER)
    stop = min(stop, begin + 4000)
    end = min(end, stop)
    body = text[begin:stop].translate(_FOLD)
    left = "…" if begin else ""
    right = "…" if stop < len(text) else ""
    at = start - begin + len(left)
    return left + body + right, (at, at + end - start)
