"""Whether a commit can have taken a line from an edit: plausible, not only possible. ``thresholds`` has the numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from tracetui.trail.claims import Case, Claim
from tracetui.trail.copies import Copies
from tracetui.trail.evidence import has_block
from tracetui.trail.line_changes import LineAddition, Touch, TouchIndex
from tracetui.trail.lines import fingerprint, norm, telling
from tracetui.trail.store import MissingError
from tracetui.trail.texts import Text, Texts
from tracetui.trail.thresholds import FULL, LATE, LATE_LINES, LATE_OTHERS, PART, PASSED, TELLING

__all__ = ["Plausibility"]


class Plausibility:
    """Judges pairs of a hunk and a commit of one repository. ``hits``: which commits brought each line of interest."""

    def __init__(self, index: TouchIndex, texts: Texts) -> None:
        self.index, self.texts = index, texts
        self.hits: dict[int, list[LineAddition]] = {}
        self.copies = Copies(index, {})
        self.authors: dict[str, Counter[int]] = {}
        """Session -> who committed soon what it wrote."""
        self._others: dict[int, int] = {}

    def see(self, hits: Mapping[int, Iterable[LineAddition]]) -> None:
        """Take in which (further) commits brought lines."""
        for line, found in hits.items():
            self.hits.setdefault(line, []).extend(found)
            self._others.pop(line, None)
        self.copies.grow(hits)

    def changes(self) -> dict[int, int]:
        """How many changes brought each line."""
        return {line: self.copies.changes(hits) for line, hits in self.hits.items()}

    def others(self, line: int, idx: int) -> int:
        """How many changes beside a commit's own brought a line."""
        count = self._others.get(line)
        hits = self.hits.get(line, ())
        if count is None:
            count = self._others[line] = self.copies.changes(hits)
        return count - 1 if any(hit.idx == idx for hit in hits) else count

    def claim(self, case: Case, touch: Touch, lines: dict[bytes, int]) -> Claim | None:
        """The claim of a hunk to lines that a commit brought, None where they are not from this edit.

        A commit authored before the edit, and committed after it, was rebased or amended: it must bring what its twin
        from before lacks.
        """
        idx, evidence = touch.idx, case.evidence
        share = evidence.share(lines)
        if share < PART:
            return None
        distance = self.index.authored[idx] - case.since
        early = distance < 0
        if early:
            lines = self._beyond_twins(case, touch, lines)
            share = evidence.share(lines)
            if share < PART:
                return None
        late = self.late(case, touch)
        if late and not self._distinctive(case, touch, lines, share):
            return None
        return Claim(case, idx, touch.path, lines, share, early=early, late=late)

    def _beyond_twins(self, case: Case, touch: Touch, lines: dict[bytes, int]) -> dict[bytes, int]:
        """Without what a twin of the commit that was made before the edit brought as well."""
        left = dict(lines)
        for twin in self.copies.twins(touch.idx):
            if self.index.times[twin] >= case.since:
                continue
            for other in self.index.on(twin, {*case.names, touch.path}):
                for line in left:
                    have = other.net(fingerprint(line))
                    left[line] = max(0, left[line] - (-have if case.evidence.kind == "del" else have))
        return {line: count for line, count in left.items() if count > 0}

    def late(self, case: Case, touch: Touch) -> bool:
        """Whether a commit was made too long after the edit for common lines to tell anything."""
        distance = self.index.authored[touch.idx] - case.since
        if distance <= PASSED or (distance <= LATE and not self._passed_over(case, touch)):
            return False
        return not self._copied(case, touch.idx)

    def _passed_over(self, case: Case, touch: Touch) -> bool:
        """Whether the same author, after the edit and before this commit, committed the file without a line of it."""
        index, author = self.index, self.index.authors[touch.idx]
        return any(
            other.idx != touch.idx
            and other.status != "r"
            and index.authors[other.idx] == author
            and case.since <= index.authored[other.idx] < index.authored[touch.idx]
            and index.is_ancestor(other.idx, touch.idx)
            and not self.covered(case, other)
            for name in case.names
            for other in index.touches(name)
        )

    def covered(self, case: Case, touch: Touch) -> float:
        """The share of a hunk that a touch brought (took away), whoever else wrote the same lines."""
        sign = -1 if case.evidence.kind == "del" else 1
        counts = case.hunk.removed if case.evidence.kind == "del" else case.hunk.added
        have = {line: min(counts[line], sign * touch.net(print_)) for print_, line in case.prints.items()}
        return case.evidence.share({line: count for line, count in have.items() if count > 0})

    def _copied(self, case: Case, idx: int) -> bool:
        """Whether the commit is a copy of one that took the hunk soon after the edit."""
        soon = {claim.idx for claim in case.claims if not claim.late and claim.how != "rest"}
        return bool(soon) and self.copies.copies(idx, soon)

    def _distinctive(self, case: Case, touch: Touch, lines: dict[bytes, int], share: float) -> bool:
        """Whether lines that a commit brought long after the edit can only be the edit's."""
        evidence = case.evidence
        if evidence.kind == "del" and not self._own_removal(case, touch):
            return False
        others = {line: self.others(fingerprint(line), touch.idx) for line in lines}
        if share >= FULL and sum(count <= LATE_OTHERS for count in others.values()) >= LATE_LINES:
            return True
        alone = {line: count for line, count in lines.items() if not others[line]}
        if evidence.kind != "add" or evidence.share(alone) < PART:
            return False
        letters = sum(telling(raw) for raw in case.hunk.new if norm(raw) in alone)
        if letters >= TELLING and not self._strange(touch.idx):
            return True
        return self.placed(case, touch)

    def _strange(self, idx: int) -> bool:
        """Whether a commit's author never committed soon what a session of the bucket wrote, though others did."""
        known = set().union(*self.authors.values())
        return bool(known) and self.index.authors[idx] not in known

    def placed(self, case: Case, touch: Touch) -> bool:
        """Whether a commit brought the hunk between the very lines that surrounded it."""
        try:
            if not case.hunk.placed or not touch.blob or touch.status.endswith("?"):
                return False
            before = self.before(touch)
            after = self.texts.blob(touch.blob, touch.path)
        except MissingError:
            return False
        return has_block(case.hunk, after) and not (before is not None and has_block(case.hunk, before))

    def _own_removal(self, case: Case, touch: Touch) -> bool:
        """Whether nobody else can have removed the lines: no other session, and no larger change of another author."""
        if sum(touch.removed.values()) * FULL <= sum(case.hunk.removed.values()):
            return True
        return self.index.authors[touch.idx] in self.authors.get(case.hunk.session, ())

    def soon(self, case: Case, touch: Touch) -> bool:
        """Whether a commit was made neither before the edit nor long after it."""
        return self.index.authored[touch.idx] >= case.since and not self.late(case, touch)

    def before(self, touch: Touch) -> Text | None:
        """The file before a commit, by its first parent."""
        parents = self.index.parents[touch.idx]
        if not parents:
            return None
        return self.texts.at(self.index.shas[parents[0]], touch.source or touch.path)
