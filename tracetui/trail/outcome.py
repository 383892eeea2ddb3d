"""How a landed hunk ended: which commit ended it, and whether that undid it or removed it."""

from __future__ import annotations

import bisect
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from tracetui.trail.evidence import Evidence
from tracetui.trail.hunks import Hunk
from tracetui.trail.landing import Landing
from tracetui.trail.line_changes import Touch, TouchIndex
from tracetui.trail.lines import fingerprint
from tracetui.trail.thresholds import FULL, INVERSE, PART

__all__ = ["Ending", "Fates"]

_HEX = re.compile(r"[0-9a-f]{7,64}")
_QUOTED = re.compile(r'^\s*Revert "(.*)"(?: \([#!][0-9]+\))?\s*$')
_NUMBER = re.compile(r"[#!]([0-9]{1,9})\b")
_TRAILER = re.compile(r"\s*(?:[A-Za-z][A-Za-z-]*:(?:\s|$)|\(cherry picked from )")
_REVERTS = re.compile(r"(?i)\b(?:reverts?|reverting|reverted|undo|undoes|backs? out|rolls? back|rollback)\b")


@dataclass(frozen=True, slots=True)
class Ending:
    """The commit that ended a hunk (None: not found), and the presence of the hunk along the way: ``dipped`` when it
    was gone for a while and came back."""

    killer: int | None
    dipped: bool


class Fates:
    """Follows hunks through the history of one revision."""

    def __init__(self, index: TouchIndex, reach: bytearray) -> None:
        self.index, self.reach = index, reach
        self._subject = lru_cache(maxsize=4096)(self._read_subject)
        self._message = lru_cache(maxsize=1024)(self._read_message)
        self._sizes = lru_cache(maxsize=1024)(self._all_lines)
        self._merges = lru_cache(maxsize=4096)(self._find_merges)
        self._joins = [idx for idx, parents in enumerate(index.parents) if len(parents) > 1 and reach[idx]]

    # -- the way

    def later(self, paths: list[str], first: int) -> list[Touch]:
        """Touches of the paths in REV's history after a commit, in the order of history."""
        found = [
            touch for path in paths for touch in self.index.touches(path) if touch.idx > first and self.reach[touch.idx]
        ]
        return sorted(found, key=lambda touch: touch.idx)

    def presence(self, hunk: Hunk, evidence: Evidence, landing: Landing, paths: list[str]) -> list[tuple[int, float]]:
        """(commit, share of the hunk present after it), from the landing on, by counts of lines in the diffs.

        For a deletion, the share that is still gone.
        """
        counts = hunk.removed if evidence.kind == "del" else hunk.added
        sign = -1 if evidence.kind == "del" else 1
        prints = {line: fingerprint(line) for line in counts if evidence.weights.get(line)}
        have: Counter[bytes] = Counter()
        found: list[tuple[int, float]] = []
        touches = self.later(paths, landing.idx - 1)
        by_commit: dict[int, list[Touch]] = {}
        for touch in touches:
            by_commit.setdefault(touch.idx, []).append(touch)
        for idx, group in by_commit.items():
            changed = False
            for line, print_ in prints.items():
                net = sign * sum(touch.net(print_) for touch in group)
                if net:
                    changed = True
                    have[line] += net
            if changed or idx == landing.idx:
                present = sum(evidence.weights[line] * min(counts[line], max(0, have[line])) for line in prints)
                found.append((idx, present / evidence.total if evidence.total else 0.0))
        return found

    def ending(
        self,
        hunk: Hunk,
        evidence: Evidence,
        landing: Landing,
        paths: list[str],
        left_at: Callable[[int], float],
    ) -> Ending:
        """The commit after which less than a quarter of the hunk is left for good.

        ``left_at(commit)`` measures the hunk in a commit's tree. Counts of the diffs name a first candidate; while
        the hunk is still recognisable there (a reformat), later touches are measured one by one; a merge that took
        the other side's text leaves no diff and is looked for last.
        """
        way = self.presence(hunk, evidence, landing, paths)
        crossed = _crossing(way)
        dipped = any(share < PART for _, share in way) and bool(way) and way[-1][1] >= PART
        touches = self.later(paths, landing.idx)
        start = crossed if crossed is not None else landing.idx
        if crossed is not None and left_at(crossed) < PART:
            return Ending(crossed, dipped)
        steps = list(dict.fromkeys(touch.idx for touch in touches if touch.idx > start))
        killer = _first_gone([step for step in steps if self.index.is_ancestor(landing.idx, step)], left_at)
        if killer is None:
            killer = self._merge_that_dropped(landing, left_at)
        return Ending(killer if killer is not None else crossed, dipped)

    def dipped(
        self,
        hunk: Hunk,
        evidence: Evidence,
        landing: Landing,
        paths: list[str],
        left_at: Callable[[int], float],
    ) -> bool:
        """Whether the hunk was gone after its landing and came back; ``left_at`` as in ``ending``."""
        way = self.presence(hunk, evidence, landing, paths)
        top = False
        for idx, share in way:
            if share >= PART:
                top = True
            elif (
                top
                and self.index.is_ancestor(landing.idx, idx)
                and left_at(idx) < PART
                and not self._moved_by(hunk, evidence, idx, paths)
            ):
                return True
        return False

    def _moved_by(self, hunk: Hunk, evidence: Evidence, idx: int, paths: list[str]) -> bool:
        """Whether the commit carried the lines to another file rather than took them out."""
        if evidence.kind == "del":
            return False
        lines = {fingerprint(line): weight for line, weight in evidence.added.items() if weight}
        gained = 0.0
        for touch in self.index.of_commit(idx):
            if touch.path not in paths:
                gained = max(gained, sum(weight for line, weight in lines.items() if touch.net(line) > 0))
        return gained >= FULL * sum(lines.values())

    def _merge_that_dropped(self, landing: Landing, left_at: Callable[[int], float]) -> int | None:
        tried = 0
        for idx in self._joins[bisect.bisect_right(self._joins, landing.idx) :]:
            parents = self.index.parents[idx]
            holding = [parent for parent in parents if self.index.is_ancestor(landing.idx, parent)]
            if not holding:
                continue
            tried += 1
            if tried > 200:
                return None
            if left_at(idx) < PART and any(left_at(parent) >= PART for parent in holding):
                return idx
        return None

    # -- undone or removed

    def names(self, killer: int, landing: Landing) -> bool:
        """Whether the killer's message names the landing, a copy of it, a merge that brought it in, or the pull
        request that it came by."""
        message = self._message(killer)
        if not message:
            return False
        index = self.index
        own = [landing.idx, *landing.parts, *landing.copies]
        for word in _commits_named(message):
            if any(index.shas[idx].startswith(word) for idx in own):
                return True
            merge = self._by_prefix(word)
            if merge is not None and merge < killer and self._brought(merge, landing.idx):
                return True
        merges = self._merges(landing.idx, killer)
        subjects = {self._subject(idx) for idx in (*own, *merges)}
        quoted = _QUOTED.match(message.split("\n", 1)[0])
        if quoted is not None and quoted[1].strip() in subjects:
            return True
        if _REVERTS.search(message):
            numbers = {number for line in message.splitlines() for number in self._reverted_numbers(line)}
            if numbers:
                for idx in (*own, *merges):
                    text = self._message(idx)
                    if numbers & set(_NUMBER.findall(text.split("\n", 1)[0])):
                        return True
                    if idx in merges and numbers & set(_NUMBER.findall(text)):
                        return True
        return False

    @staticmethod
    def _reverted_numbers(line: str) -> list[str]:
        """Numbers of pull requests that a line says it reverts: ``Reverts owner/name#12``, ``Revert "x (#12)"``."""
        at = _REVERTS.search(line)
        if at is None:
            return []
        rest = line[at.end() :]
        quoted = rest.split('"')
        return _NUMBER.findall(quoted[1] if len(quoted) > 2 else rest)

    def _by_prefix(self, word: str) -> int | None:
        if len(word) in (40, 64):
            return self.index.index.get(word)
        found = [idx for sha, idx in self.index.index.items() if sha.startswith(word)]
        return found[0] if len(found) == 1 else None

    def _brought(self, merge: int, landing: int) -> bool:
        parents = self.index.parents[merge]
        if len(parents) < 2:
            return False
        return self.index.is_ancestor(landing, merge) and not self.index.is_ancestor(landing, parents[0])

    def _find_merges(self, landing: int, before: int) -> tuple[int, ...]:
        """The merges that brought the landing into the line of their first parents."""
        found: list[int] = []
        for idx in self._joins[bisect.bisect_right(self._joins, landing) :]:
            if idx >= before:
                break
            if self._brought(idx, landing):
                found.append(idx)
                if len(found) >= 8:
                    break
        return tuple(found)

    def inverse(self, killer: int, landing: Landing) -> bool:
        """Whether the killer undoes four fifths of a landing, and that is four fifths of all that it does."""
        for landed in (landing.idx, *landing.parts):
            added, removed = self._sizes(landed)
            gained, lost = self._sizes(killer)
            undone = sum((added & lost).values()) + sum((removed & gained).values())
            size = sum(added.values()) + sum(removed.values())
            work = sum(gained.values()) + sum(lost.values())
            if size and work and undone >= INVERSE * size and undone >= INVERSE * work:
                return True
        return False

    def _all_lines(self, idx: int) -> tuple[Counter[int], Counter[int]]:
        """What a commit adds and removes in all its files; blank lines, and lines that it only moves within a file, are
        neither."""
        added: Counter[int] = Counter()
        removed: Counter[int] = Counter()
        for touch in self.index.of_commit(idx):
            added.update(touch.added - touch.removed)
            removed.update(touch.removed - touch.added)
        blank = fingerprint(b"")
        del added[blank], removed[blank]
        return added, removed

    def restored(self, hunk: Hunk, evidence: Evidence, killer: int, paths: list[str]) -> bool:
        """Whether the killer brought 60 % of the replaced text back."""
        weights = {line: evidence.removed.get(line, 0.0) * count for line, count in hunk.removed.items()}
        total = sum(weights.values())
        if not total:
            return False
        back = 0.0
        for touch in self.index.of_commit(killer):
            if touch.path in paths:
                back += sum(
                    evidence.removed.get(line, 0.0) * min(count, max(0, touch.net(fingerprint(line))))
                    for line, count in hunk.removed.items()
                )
        return back >= FULL * total

    def _read_message(self, idx: int) -> str:
        commit = self.index.store.commit(self.index.shas[idx])
        return commit.message if commit is not None else ""

    def _read_subject(self, idx: int) -> str:
        return self._message(idx).strip().split("\n", 1)[0].strip()


def _commits_named(message: str) -> set[str]:
    """What may be shas in a message; not in trailers that name a commit for another reason (``Fixes: 1234567``,
    ``(cherry picked from commit ...)``)."""
    subject, _, body = message.partition("\n")
    lines = [line for line in body.splitlines() if _REVERTS.search(line) or not _TRAILER.match(line)]
    return {word for line in (subject, *lines) for word in _HEX.findall(line.lower())}


def _crossing(way: list[tuple[int, float]]) -> int | None:
    """The commit at which the share fell below a quarter for good."""
    crossed: int | None = None
    above = False
    for idx, share in way:
        if share >= PART:
            above, crossed = True, None
        elif above:
            crossed, above = idx, False
    return crossed


def _first_gone(steps: list[int], left_at: Callable[[int], float]) -> int | None:
    """The first step after which less than a quarter is left; by halving when there are many."""
    if len(steps) > 64:
        low, high = 0, len(steps) - 1
        if left_at(steps[high]) >= PART:
            return None
        while low < high:
            mid = (low + high) // 2
            if left_at(steps[mid]) < PART:
                high = mid
            else:
                low = mid + 1
        return steps[low]
    gone: int | None = None
    for step in steps:
        if left_at(step) < PART:
            if gone is None:
                gone = step
        else:
            gone = None
    return gone
