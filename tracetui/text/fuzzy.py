"""Fuzzy matching for jump lists: which of many strings hold the letters of a pattern in order, the best first.

Scores follow fzf (Junegunn Choi, ``algo.go``): 16 per matched letter, minus 3 for a gap and 1 for each further letter
of it, plus a bonus for letters at the start of words, after a separator, at a camel hump or in a row. The alignment
is the best of three that each cost one pass: a whole substring, initials of words, and fzf's shortest greedy window.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

__all__ = ["FuzzyIndex", "FuzzyMatch", "fuzzy_match"]

_MATCH: Final = 16
_GAP_START: Final = -3
_GAP_MORE: Final = -1
_BOUNDARY: Final = 8
_CAMEL: Final = 7
_CONSECUTIVE: Final = 4
_FIRST: Final = 2
_LENGTH_LIMIT: Final = 1000
"""Code points of a candidate that are looked at."""


class FuzzyMatch(NamedTuple):
    """``item`` is the place of the string in the sequence; ``positions`` are the matched code points, ascending."""

    item: int
    score: int
    positions: tuple[int, ...]


def _lower(text: str) -> str:
    """Lower case, one code point for one."""
    low = text.lower()
    return low if len(low) == len(text) else "".join(char.lower()[0] for char in text)


def _bonus(text: str, at: int) -> int:
    char = text[at]
    if not char.isalnum():
        return 0
    if at == 0:
        return _BOUNDARY
    before = text[at - 1]
    if not before.isalnum():
        return _BOUNDARY
    if (char.isupper() and before.islower()) or (char.isdigit() and not before.isdigit()):
        return _CAMEL
    return 0


def _score(text: str, positions: Sequence[int]) -> int:
    score = run_bonus = 0
    last = -2
    for nth, at in enumerate(positions):
        bonus = _bonus(text, at)
        if at == last + 1:
            run_bonus = max(run_bonus, bonus)
            bonus = max(bonus, _CONSECUTIVE, run_bonus if run_bonus == _BOUNDARY else 0)
        else:
            if nth:
                score += _GAP_START + _GAP_MORE * (at - last - 2)
            run_bonus = bonus
        score += _MATCH + bonus * (_FIRST if nth == 0 else 1)
        last = at
    return score


def _window(low: str, term: str) -> list[int] | None:
    """The first greedy match, shortened from its end as fzf does."""
    at = -1
    for char in term:
        at = low.find(char, at + 1)
        if at < 0:
            return None
    positions = [at] * len(term)
    for nth in range(len(term) - 2, -1, -1):
        at = low.rfind(term[nth], 0, at)
        positions[nth] = at
    return positions


def _initials(text: str, low: str, term: str) -> list[int] | None:
    positions: list[int] = []
    at = 0
    for char in term:
        while (at := low.find(char, at)) >= 0 and not _bonus(text, at):
            at += 1
        if at < 0:
            return None
        positions.append(at)
        at += 1
    return positions


def _best(text: str, low: str, term: str) -> tuple[int, Sequence[int]]:
    """The best alignment of a term whose letters ``low`` is known to hold in order."""
    best: tuple[int, Sequence[int]] | None = None
    at = low.find(term)
    tries = 0
    while at >= 0 and tries < 8:
        start = _bonus(text, at) == _BOUNDARY
        if start or best is None:
            whole = range(at, at + len(term))
            best = (_score(text, whole), whole)
            if start:
                return best
        at = low.find(term, at + 1)
        tries += 1
    if best is not None:
        return best
    window = _window(low, term)
    assert window is not None
    best = (_score(text, window), window)
    initials = _initials(text, low, term)
    if initials is not None:
        score = _score(text, initials)
        if score > best[0]:
            best = (score, initials)
    return best


class FuzzyIndex:
    """Strings made ready to be matched many times."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._texts = [text[:_LENGTH_LIMIT] for text in texts]
        self._low = [_lower(text) for text in self._texts]

    def __len__(self) -> int:
        return len(self._texts)

    def search(self, pattern: str, limit: int | None = None) -> list[FuzzyMatch]:
        """The strings that match every blank-separated term of ``pattern``, best first; of equals the shorter, then
        the earlier one. An empty pattern matches all, in their order. Case counts only if the pattern has capitals.
        """
        terms = pattern.split()
        if not terms:
            return [FuzzyMatch(index, 0, ()) for index in range(len(self._texts))][:limit]
        exact = pattern != _lower(pattern)
        pool = self._texts if exact else self._low
        found: list[FuzzyMatch] = []
        for index, low in enumerate(pool):
            score = 0
            positions: set[int] = set()
            for term in terms:
                # Cheap reject before the scoring: most candidates lack some letter.
                at = -1
                for char in term:
                    at = low.find(char, at + 1)
                    if at < 0:
                        break
                else:
                    hit = _best(self._texts[index], low, term)
                    score += hit[0]
                    positions.update(hit[1])
                    continue
                break
            else:
                found.append(FuzzyMatch(index, score, tuple(sorted(positions))))
        found.sort(key=lambda match: (-match.score, len(self._texts[match.item]), match.item))
        return found[:limit]


def fuzzy_match(pattern: str, text: str) -> FuzzyMatch | None:
    """Match one string; its index is 0. None when a letter is missing."""
    found = FuzzyIndex((text,)).search(pattern)
    return found[0] if found else None
