"""Which commits are one change: a rebased or cherry-picked commit keeps author and author time, a squash brings the
lines of what it was made from. Known as well for commits that only the index remembers."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping

from tracetui.trail.line_changes import LineAddition, TouchIndex
from tracetui.trail.lines import fingerprint
from tracetui.trail.thresholds import COPY

__all__ = ["Copies"]

_BLANK = fingerprint(b"")
_KEPT = 512
_COMMON = 16
"""A line that more commits brought tells nothing about copies; it would only make the search long."""


class Copies:
    """Commits as changes. ``hits``: the commits that brought each line of interest."""

    def __init__(self, index: TouchIndex, hits: Mapping[int, Iterable[LineAddition]]) -> None:
        self.index = index
        self._brought: dict[int, set[int]] = {}
        self._by_author: dict[tuple[int, int], list[int]] = {}
        self._sources: dict[int, list[int]] = {}
        self._places: dict[int, set[int]] = {}
        self._patches: dict[int, tuple[dict[int, int], float]] = {}
        self._seen = 0
        self.grow(hits)

    def grow(self, hits: Mapping[int, Iterable[LineAddition]]) -> None:
        """See what further commits brought."""
        index = self.index
        for idx in range(self._seen, len(index.shas)):
            self._by_author.setdefault((index.authors[idx], index.authored[idx]), []).append(idx)
        self._seen = len(index.shas)
        for line, found in hits.items():
            for hit in found:
                self._brought.setdefault(hit.idx, set()).add(line)
                self._places.setdefault(line, set()).add(hit.idx)
        self._sources.clear()

    def twins(self, idx: int) -> list[int]:
        """Other commits of the same author and author time: the commit before or after a rebase, or a cherry-pick."""
        group = self._by_author[self.index.authors[idx], self.index.authored[idx]]
        return [other for other in group if other != idx]

    def sources(self, idx: int) -> list[int]:
        """Commits that this one copies: its twins, and commits made before it, outside of its own history, most of
        whose changes it makes too (a squash)."""
        found = self._sources.get(idx)
        if found is None:
            found = self._sources[idx] = self._find(idx)
        return found

    def _find(self, idx: int) -> list[int]:
        index, own = self.index, self._brought.get(idx, set())
        shared: dict[int, int] = {}
        for line in own:
            places = self._places[line]
            if len(places) <= _COMMON:
                for other in places:
                    shared[other] = shared.get(other, 0) + 1
        found = set(self.twins(idx))
        for other, count in shared.items():
            if other == idx or index.times[other] > index.times[idx] or count < COPY * len(self._brought[other]):
                continue
            if not index.is_ancestor(other, idx) and self._holds(idx, other):
                found.add(other)
        return sorted(found)

    def _holds(self, idx: int, other: int) -> bool:
        """Whether most of what another commit added and removed is part of this one."""
        (whole, size), (part, least) = self._patch(idx), self._patch(other)
        least *= COPY
        if size < least:
            return False
        get = whole.get
        return sum(min(count, get(line, 0)) for line, count in part.items()) >= least

    def _patch(self, idx: int) -> tuple[dict[int, int], float]:
        """What a commit added and took away (fingerprints, of lines taken away inverted), and how much that is."""
        found = self._patches.get(idx)
        if found is None:
            gained, lost = _net(self.index.sides(idx))
            lines = {line: count for line, count in gained.items() if count and line != _BLANK}
            lines.update((~line, count) for line, count in lost.items() if count and line != _BLANK)
            found = (lines, sum(lines.values()))
            if len(self._patches) > _KEPT:
                self._patches.clear()
            self._patches[idx] = found
        return found

    def copies(self, idx: int, commits: Iterable[int]) -> bool:
        """Whether a commit is a copy of one of these, or of what was built on one of them on its branch."""
        sources, commits = self.sources(idx), list(commits)
        return any(
            source == commit or (self.index.is_ancestor(commit, source) and not self.index.is_ancestor(commit, idx))
            for source in sources
            for commit in commits
        )

    def changes(self, hits: Iterable[LineAddition]) -> int:
        """How many changes brought a line: its commits, each change counted once however often it was copied."""
        commits = {hit.idx for hit in hits}
        if len(commits) < 2:
            return len(commits)
        left = set(commits)
        for idx in sorted(commits, key=lambda i: (self.index.times[i], i), reverse=True):
            if idx in left:
                left.difference_update(self.sources(idx))
        return max(1, len(left))


def _net(sides: Iterable[tuple[bytes, bytes]]) -> tuple[Counter[int], Counter[int]]:
    """The lines brought and the lines taken away, each path's net, all paths together. Without a touch per path, since
    a commit may have thousands."""
    gained, lost = array("Q"), array("Q")
    both: Counter[int] = Counter()
    for added, removed in sides:
        gained.frombytes(added)
        lost.frombytes(removed)
        if added and removed:
            both.update(Counter(array("Q", added)) & Counter(array("Q", removed)))
    found = Counter(gained), Counter(lost)
    for side in found:
        side.subtract(both)
    return found
