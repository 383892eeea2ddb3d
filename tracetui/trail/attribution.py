"""One table per repository: which hunk wrote each line that a commit brought.

Every line that a commit brings is assigned once, to the nearest eligible edit of all sessions. Landing, blame and the
text of a pull request are views of this table, so that they cannot contradict each other. It is kept per commit and
grows commit by commit (``grow``). ``thresholds`` has every number that decides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from tracetui.trail.assigned import Assigned, Credit, Writer
from tracetui.trail.claims import Case, Claim
from tracetui.trail.evidence import Evidence, is_marker, weigh
from tracetui.trail.hunks import Hunk
from tracetui.trail.line_changes import LineAddition, Touch, TouchIndex
from tracetui.trail.lines import fingerprint
from tracetui.trail.other_evidence import OtherEvidence
from tracetui.trail.plausible import Plausibility
from tracetui.trail.store import MissingError
from tracetui.trail.texts import Texts
from tracetui.trail.thresholds import PART
from tracetui.trail.tokens import lex

__all__ = ["Attribution"]

_ROUNDS: Final = 4
_BLANK: Final = fingerprint(b"")


class Attribution:
    """The table of one repository. ``known`` flags the commits that some ref reaches."""

    def __init__(self, index: TouchIndex, texts: Texts, known: bytearray) -> None:
        self.index, self.texts, self.known = index, texts, known
        self.cases: dict[str, Case] = {}
        self.plausible = Plausibility(index, texts)
        self.fresh: set[int] = set()
        """Lines that the newest commits brought."""
        self.size = 0
        self.by_line: dict[int, list[Case]] = {}
        self.by_loss: dict[int, list[Case]] = {}
        self._at: dict[str, dict[int, list[Case]]] = {}
        self._claims: dict[int, list[Claim]] = {}

    @property
    def hits(self) -> dict[int, list[LineAddition]]:
        """Which commits brought each line of a hunk to which paths."""
        return self.plausible.hits

    # -- building

    def learn(self, cases: Iterable[Case]) -> None:
        """Take the hunks of all sessions, and the history so far."""
        for case in cases:
            if case.hunk.problem is not None:
                continue
            self.cases[case.hunk.key] = case
            if case.path is None:
                continue
            case.names = frozenset(self.index.lineage(case.path, case.since))
        wanted = {
            fingerprint(line) for case in self.cases.values() for line in (*case.hunk.added, *case.hunk.removed) if line
        }
        self.plausible.see(self.index.find(wanted))
        counts = self.plausible.changes()
        for case in self.cases.values():
            case.evidence = weigh(case.hunk, counts)
            if any(map(is_marker, case.hunk.old)):
                # what a conflict is made of stood on both sides: nothing that a line alone could tell
                case.evidence = Evidence("block", case.evidence.added, case.evidence.removed, 0.0)
            self._enlist(case)
        self._work(0)

    def _enlist(self, case: Case) -> None:
        hunk = case.hunk
        case.prints = {fingerprint(line): line for line, weight in case.evidence.weights.items() if line and weight}
        if case.evidence.kind != "del":
            for line in hunk.added:
                if line:
                    self.by_line.setdefault(fingerprint(line), []).append(case)
        for line in hunk.removed:
            if line:
                self.by_loss.setdefault(fingerprint(line), []).append(case)
        self._stand_at(case, case.names)

    def _stand_at(self, case: Case, names: Iterable[str]) -> None:
        for name in names:
            lines = self._at.setdefault(name, {})
            for line in case.prints:
                lines.setdefault(line, []).append(case)

    def grow(self, known: bytearray) -> None:
        """Take the commits that are new in the index; ``known`` as above."""
        first, self.known = self.size, known
        if first >= len(self.index.shas):
            return
        fresh = self.index.find({*self.by_line, *self.by_loss}, first)
        self.plausible.see(fresh)
        self.fresh = set(fresh)
        touched = frozenset(self.index.paths_since(first))
        for case in self.cases.values():
            if case.path is not None and not case.names.isdisjoint(touched):
                names = frozenset(self.index.lineage(case.path, case.since))
                self._stand_at(case, names - case.names)
                case.names = names
        self._work(first, touched)

    def _work(self, first: int, touched: frozenset[str] | None = None) -> None:
        """Assign what the commits from a number on brought, to ``touched`` paths."""
        touches = [
            touch
            for name in (self._at if touched is None else touched & self._at.keys())
            for touch in self.index.touches(name)
            if touch.idx >= first and touch.status != "r" and (touch.added or touch.removed)
        ]
        touches.sort(key=lambda touch: (self.index.times[touch.idx], touch.idx))
        for strict in (True, False):
            for touch in touches:
                if strict or not touch.status.startswith("R"):
                    self._settle(touch, strict)
        OtherEvidence(self).find(first, touched)
        self._rest(touches)
        self.size = len(self.index.shas)

    def add(self, claim: Claim) -> None:
        claim.case.claims.append(claim)
        self._claims.setdefault(claim.idx, []).append(claim)
        if not claim.late and not claim.early:
            authors = self.plausible.authors.setdefault(claim.case.hunk.session, Counter())
            authors[self.index.authors[claim.idx]] += 1

    # -- what is plausible

    # -- assigning by lines

    def _settle(self, touch: Touch, strict: bool) -> None:
        """Assign the lines of one touch. ``strict`` false: lines that the commit only moved within the file count as
        brought, for hunks that landed nowhere else."""
        wishes = self._wishes(touch, strict)
        found: list[Claim] = []
        for case, lines in wishes.items():
            claim = self.plausible.claim(case, touch, lines)
            if claim is not None:
                found.append(claim)
        found.sort(key=lambda claim: self._nearness(claim.case, touch.idx), reverse=True)
        for _ in range(_ROUNDS):
            kept = self._share_out(touch, found, strict)
            if len(kept) == len(found):
                break
            found = kept
        for claim in found:
            self.add(claim)

    def _wishes(self, touch: Touch, strict: bool) -> dict[Case, dict[bytes, int]]:
        """Per eligible hunk the lines of it that the touch brought (took away)."""
        wishes: dict[Case, dict[bytes, int]] = {}
        when, table = self.index.times[touch.idx], self._at.get(touch.path, {})
        for losing, own, other in ((False, touch.added, touch.removed), (True, touch.removed, touch.added)):
            for line, count in own.items():
                have = count - other.get(line, 0) if strict else count
                if have <= 0:
                    continue
                for case in table.get(line, ()):
                    if (case.evidence.kind == "del") is not losing or case.since > when:
                        continue
                    if (not strict and case.claims) or (losing and self._taken_by_other(case, line, touch)):
                        continue
                    copies = self.left(case, case.prints[line], touch.idx)
                    if copies > 0:
                        wishes.setdefault(case, {})[case.prints[line]] = min(copies, have)
        return wishes

    def left(self, case: Case, line: bytes, idx: int) -> int:
        """Copies of a hunk's line that no later edit had taken over when a commit was made."""
        hunk = case.hunk
        if case.evidence.kind == "del":
            return hunk.removed.get(line, 0)
        at = self.index.times[idx]
        if case.since <= self.index.authored[idx] < at:
            at = self.index.authored[idx]  # a rebased commit holds what was there when it was first made
        gone = sum(gone.count for gone in hunk.gone if gone.line == line and gone.time < at * 1000)
        return hunk.added.get(line, 0) - gone

    def _taken_by_other(self, case: Case, line: int, touch: Touch) -> bool:
        """Whether another session removed the line after this hunk did, and before the commit."""
        at = self.index.times[touch.idx]
        return any(
            other.hunk.session != case.hunk.session
            and case.hunk.time < other.hunk.time
            and other.since <= at
            and touch.path in other.names
            for other in self.by_loss.get(line, ())
        )

    def _nearness(self, case: Case, idx: int) -> tuple[int, int]:
        """How near an edit is to a commit: the latest before it was authored, then the earliest after."""
        if case.since <= self.index.authored[idx]:
            return 1, case.hunk.time
        return 0, -case.hunk.time

    def _share_out(self, touch: Touch, claims: list[Claim], strict: bool) -> list[Claim]:
        """Hand out the copies of each line, nearest hunk first; claims that keep too little are left out."""
        taken = self._taken(touch)
        kept: list[Claim] = []
        for claim in claims:
            kind, losing = claim.case.evidence, claim.case.evidence.kind == "del"
            got: dict[bytes, int] = {}
            for line, count in claim.lines.items():
                print_ = fingerprint(line)
                own, other = (touch.removed, touch.added) if losing else (touch.added, touch.removed)
                have = own.get(print_, 0) - (other.get(print_, 0) if strict else 0)
                if losing:
                    got[line] = count  # two edits of one session may take the same line out
                    continue
                free = min(count, have - taken[line])
                if free > 0:
                    free = min(free, count - self._stood(claim.case, line, touch))
                if free > 0:
                    got[line] = free
                    taken[line] += free
            share = kind.share(got)
            if share >= PART:
                claim.lines, claim.share = got, share
                kept.append(claim)
        return kept

    def _taken(self, touch: Touch) -> Counter[bytes]:
        """The copies of added lines of a touch that are assigned."""
        taken: Counter[bytes] = Counter()
        for claim in self._claims.get(touch.idx, ()):
            if claim.path == touch.path and claim.case.evidence.kind != "del":
                taken.update(claim.lines)
        return taken

    def _stood(self, case: Case, line: bytes, touch: Touch) -> int:
        """How many copies of a hunk's line already stood before a commit where an earlier one had brought them: whoever
        writes the same line again is not the session. What the commit takes out there itself (it moves it) does not
        count."""
        earlier = [
            claim
            for claim in case.claims
            if claim.idx < touch.idx and line in claim.lines and self.index.is_ancestor(claim.idx, touch.idx)
        ]
        parents = self.index.parents[touch.idx]
        if not earlier or not parents:
            return 0
        names = {touch.path, touch.source or touch.path, *case.names, *(claim.path for claim in earlier)}
        moved = 0
        print_ = fingerprint(line)
        for other in self.index.on(touch.idx, names):
            moved += max(0, -other.net(print_))
        stood = 0
        for name in names:
            try:
                text = self.texts.at(self.index.shas[parents[0]], name)
            except MissingError:
                continue
            if text is not None:
                stood = max(stood, text.counts.get(line, 0) - case.hunk.others.get(line, 0))
        return max(0, stood - moved)

    # -- other evidence

    def _rest(self, touches: Iterable[Touch]) -> None:
        """Lines of hunks too little of which a commit holds: they count where the commit holds more of the session."""
        for touch in touches:
            here = [claim for claim in self._claims.get(touch.idx, ()) if claim.path == touch.path]
            sessions = {claim.case.hunk.session for claim in self._claims.get(touch.idx, ()) if claim.how != "rest"}
            if not sessions:
                continue
            taken = self._taken(touch)
            done = {id(claim.case) for claim in here}
            wishes = self._wishes(touch, True)
            for case in sorted(wishes, key=lambda case: self._nearness(case, touch.idx), reverse=True):
                if case.hunk.session not in sessions or id(case) in done or case.evidence.kind != "add":
                    continue
                if not self.plausible.soon(case, touch):
                    continue
                got: dict[bytes, int] = {}
                for line, count in wishes[case].items():
                    free = min(count, touch.net(fingerprint(line)) - taken[line])
                    free = min(free, count - self._stood(case, line, touch)) if free > 0 else 0
                    if free > 0:
                        got[line] = free
                        taken[line] += free
                if got:
                    self.add(Claim(case, touch.idx, touch.path, got, case.evidence.share(got), "rest"))

    # -- views

    def claims(self, key: str) -> list[Claim]:
        """What commits that are known brought of a hunk, in the order of committer time, then of history."""
        case = self.cases.get(key)
        found = [claim for claim in case.claims if self.known[claim.idx]] if case is not None else []
        return sorted(found, key=lambda claim: (self.index.times[claim.idx], claim.idx))

    def claimed(self, commits: Iterable[int]) -> frozenset[str]:
        """The keys of the hunks that claim something of these commits."""
        return frozenset(claim.case.hunk.key for idx in commits for claim in self._claims.get(idx, ()))

    def of_commit(self, idx: int) -> list[Claim]:
        """Every claim to a commit's changes."""
        return self._claims.get(idx, [])

    def assigned(self, idx: int) -> Assigned:
        """Who wrote the lines that a commit brought, and which hunks landed there."""
        claims = self.of_commit(idx)
        if not claims:
            return Assigned()
        paths = {claim.path for claim in claims}
        owners = {touch.path: self._owners(touch) for touch in self.index.on(idx, paths)}
        landed = [
            Credit(
                Writer.of(claim.case.hunk),
                claim.path,
                sum(claim.lines.values()) if claim.case.evidence.kind == "del" else 0,
            )
            for claim in claims
            if claim.how != "rest"
        ]
        return Assigned({path: own for path, own in owners.items() if own}, landed)

    def since(self, first: int) -> Iterator[tuple[str, int, Assigned]]:
        """Every known commit from a number on: its sha, its time (s), and what it brought."""
        for idx in range(first, self.size):
            if self.known[idx]:
                yield self.index.shas[idx], self.index.times[idx], self.assigned(idx)

    def _owners(self, touch: Touch) -> dict[int, list[Writer]]:
        """For each line fingerprint that a commit brought to a path the hunks that wrote it, one per copy.

        Lines that weigh nothing, and blank ones, go with hunks whose other lines the commit brought.
        """
        room = {line: count for line in touch.added if (count := touch.net(line)) > 0}
        found: dict[int, list[Writer]] = {}

        def give(hunk: Hunk, line: int, count: int) -> None:
            count = min(count, room.get(line, 0))
            if count > 0:
                room[line] -= count
                found.setdefault(line, []).extend([Writer.of(hunk)] * count)

        here = [claim for claim in self.of_commit(touch.idx) if claim.path == touch.path]
        here = [claim for claim in here if claim.case.evidence.kind != "del"]
        here.sort(key=lambda claim: (claim.how != "rest", self._nearness(claim.case, touch.idx)), reverse=True)
        for claim in here:
            if claim.how != "tokens":
                for text, count in claim.lines.items():
                    give(claim.case.hunk, fingerprint(text), count)
        for claim in here:
            if claim.how == "tokens":
                for line in self._laid_out(claim.case.hunk, touch):
                    give(claim.case.hunk, line, 1)
        for claim in here:
            for text, count in claim.case.hunk.added.items():
                if text and text not in claim.lines and not claim.case.evidence.added.get(text):
                    give(claim.case.hunk, fingerprint(text), min(count, self.left(claim.case, text, touch.idx)))
        for claim in here:
            give(claim.case.hunk, _BLANK, claim.case.hunk.added.get(b"", 0))
        return found

    def _laid_out(self, hunk: Hunk, touch: Touch) -> Iterator[int]:
        """The lines of a touch whose tokens are the hunk's, in another layout."""
        try:
            text = self.texts.blob(touch.blob, touch.path)
        except MissingError:
            return
        whole = b"\0" + b"\0".join(token for line in hunk.new for token in lex(line)) + b"\0"
        for raw, line in zip(text.raw, text.norms):
            print_ = fingerprint(line)
            tokens = lex(raw)
            if line and touch.net(print_) > 0 and tokens and b"\0" + b"\0".join(tokens) + b"\0" in whole:
                yield print_
