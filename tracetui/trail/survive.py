"""What is left of a hunk in a tree: which of its lines stand, which are recognisable, and where."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import replace

from tracetui.trail.evidence import Evidence, has_block
from tracetui.trail.hunks import Hunk
from tracetui.trail.landing import Landing
from tracetui.trail.line_changes import LineAddition, TouchIndex
from tracetui.trail.lines import fingerprint, norm
from tracetui.trail.measure import Measure
from tracetui.trail.recognise import born_lines, recognise
from tracetui.trail.standing import Sought, Standing, around, gained, in_own_file, went_along
from tracetui.trail.store import MissingError
from tracetui.trail.texts import Spots, Text, Texts, locate

__all__ = ["Measurer", "text_measure"]


class Measurer:
    """Measures hunks against trees of one repository."""

    def __init__(self, index: TouchIndex, texts: Texts, hits: dict[int, list[LineAddition]]) -> None:
        self.index, self.texts, self.hits = index, texts, hits

    def removed(self, hunk: Hunk, evidence: Evidence, texts: Iterable[Text]) -> float:
        """For a deletion: the share of its weight that is still gone (1: all of it)."""
        back: dict[bytes, int] = {}
        for text in texts:
            for line, count in hunk.removed.items():
                have = min(count, max(0, text.counts.get(line, 0) - hunk.others.get(line, 0)))
                back[line] = max(back.get(line, 0), have)
        lost = sum(evidence.removed.get(line, 0.0) * count for line, count in back.items())
        return 1.0 - lost / evidence.total if evidence.total else 1.0

    def came_back(self, hunk: Hunk, evidence: Evidence, texts: Iterable[Text]) -> float:
        """The share of the replaced text that stands again."""
        weights = {line: evidence.removed.get(line, 0.0) * count for line, count in hunk.removed.items()}
        total = sum(weights.values())
        if not total:
            return 0.0
        best = 0.0
        for text in texts:
            here = 0.0
            for line, count in hunk.removed.items():
                have = min(count, max(0, text.counts.get(line, 0) - hunk.others.get(line, 0)))
                here += evidence.removed.get(line, 0.0) * have
            best = max(best, here)
        return best / total

    def measure(
        self,
        hunk: Hunk,
        evidence: Evidence,
        lines: dict[bytes, int],
        sha: str,
        paths: list[str],
        landing: Landing | None = None,
        reach: bytearray | None = None,
        *,
        deep: bool = True,
    ) -> Measure:
        """Measure the ``lines`` of a hunk (copies per normalised line) in the tree of a commit.

        ``paths`` are the names that its file may have there; moves to other files are looked for among the commits
        that ``reach`` flags and that come after the landing. Not ``deep``: standing lines only. Raises
        ``MissingError`` when a needed object is not there.
        """
        found = Measure(evidence.total)
        sought = self._sought(hunk, evidence, lines, landing)
        missing = sought.missing()
        targets: list[Standing] = []
        standing = self._best(sought, sha, paths, found)
        if standing is not None:
            targets.append(standing)
            found.path, found.in_place, found.eol = standing.path, standing.in_place, standing.eol
            found.minor = standing.minor
            missing = _counted(found, standing, missing)
        elif sought.spots is None and not paths:
            found.minor = True
        if missing and reach is not None:
            moved = self._moved(replace(sought, lines=missing), sha, paths, landing, reach)
            if moved is not None:
                targets.append(moved)
                found.moved = moved.path
                if standing is None or standing.weight <= 0 or went_along(hunk, standing.astray, moved):
                    found.minor = True
                missing = _counted(found, moved, missing)
        if deep:
            earlier: Text | None = None
            for target in targets:
                if missing or not found.minor:
                    if landing is not None and earlier is None:
                        earlier = self._before(landing)
                    self._recognise(sought, missing, target, found, earlier)
        return found

    def _sought(self, hunk: Hunk, evidence: Evidence, lines: dict[bytes, int], landing: Landing | None) -> Sought:
        """The lines, with the hunk's place in the file that its landing left."""
        if landing is None:
            return Sought(hunk, evidence, lines)
        oid = self._brought(landing) or self.texts.oid(self.index.shas[landing.idx], landing.path)
        if oid is None:
            return Sought(hunk, evidence, lines)
        return Sought(hunk, evidence, lines, oid, self._spots(hunk, self.texts.blob(oid, landing.path)))

    def _best(self, sought: Sought, sha: str, paths: list[str], found: Measure) -> Standing | None:
        """Of the names that the hunk's file may have, the one in which most of it stands."""
        best: Standing | None = None
        for path in paths:
            oid = self.texts.oid(sha, path)
            if oid is None:
                continue
            text = self.texts.blob(oid, path)
            found.exists = True
            if text.binary:
                found.binary = True
                continue
            landed = sought.landed if sought.spots is not None else None
            along = self.texts.aligned(landed, oid, path) if landed is not None else None
            standing = in_own_file(sought, text, path, oid, along)
            if best is None or standing.weight > best.weight + 1e-9:
                best = standing
        return best

    def _brought(self, landing: Landing) -> str | None:
        """The content that the landing gave its path."""
        for touch in self.index.touches(landing.path):
            if touch.idx == landing.idx and touch.blob:
                return touch.blob
        return None

    def _before(self, landing: Landing) -> Text | None:
        """The file as it was before the landing."""
        parents = self.index.parents[landing.idx]
        if not parents:
            return None
        names = [touch.source or touch.path for touch in self.index.touches(landing.path) if touch.idx == landing.idx]
        try:
            return self.texts.at(self.index.shas[parents[0]], names[0] if names else landing.path)
        except MissingError:
            return None

    def _spots(self, hunk: Hunk, base: Text) -> Spots | None:
        return locate(
            [norm(line) for line in hunk.new],
            [norm(line) for line in hunk.above],
            [norm(line) for line in hunk.below],
            base.norms,
            hunk.start,
            placed=hunk.placed,
        )

    def _moved(
        self, sought: Sought, sha: str, paths: list[str], landing: Landing | None, reach: bytearray
    ) -> Standing | None:
        """Another file of the tree that gained the missing lines after the landing: two of them, a long one, or one
        that left the hunk's own file in the same commit."""
        candidates, together = self._gainers(sought, paths, landing.idx if landing is not None else -1, reach)
        want = sum(sought.evidence.added[line] * count for line, count in sought.lines.items())
        best: Standing | None = None
        for name, some in candidates.items():
            oid = self.texts.oid(sha, name)
            if oid is None:
                continue
            text = self.texts.blob(oid, name)
            if text.binary:
                continue
            before: Text | None = None
            if landing is not None:
                with contextlib.suppress(MissingError):
                    before = self.texts.at(self.index.shas[landing.idx], name)
            found = gained(sought, some, text, oid, before)
            found.path = name
            enough = len(found.have) >= 2 or name in together or sum(map(len, found.have)) >= 24
            if enough and found.weight >= 0.4 * want and (best is None or found.weight > best.weight):
                best = found
        return best

    def _gainers(
        self, sought: Sought, paths: list[str], first: int, reach: bytearray
    ) -> tuple[dict[str, set[bytes]], set[str]]:
        """Other files to which commits after ``first`` added lines, with these lines; and those of them whose commit
        took such a line out of the hunk's own file."""
        since = sought.hunk.time // 1000
        found: dict[str, set[bytes]] = {}
        together: set[str] = set()
        for line in sought.lines:
            mark = fingerprint(line)
            for hit in self.hits.get(mark, ()):
                if hit.idx <= first or not reach[hit.idx] or self.index.times[hit.idx] < since:
                    continue
                name = self.index.names[hit.path]
                if name not in paths:
                    found.setdefault(name, set()).add(line)
                    touches = (touch for path in paths for touch in self.index.touches(path))
                    if any(touch.idx == hit.idx and touch.net(mark) < 0 for touch in touches):
                        together.add(name)
        return found, together

    # -- recognisable lines

    def _recognise(
        self,
        sought: Sought,
        missing: dict[bytes, int],
        target: Standing,
        found: Measure,
        earlier: Text | None,
    ) -> None:
        """Same tokens, renamed identifiers, edited lines; takes from ``missing`` what it finds.

        A line is born after the edit when the landed file did not hold it; in the hunk's own place also when the file
        ``earlier``, before the landing, did not (it was changed between the edit and the commit).
        """
        text, hunk, evidence, base_oid = target.text, sought.hunk, sought.evidence, sought.landed
        base = self.texts.blob(base_oid, target.path) if base_oid is not None else None
        far = born_lines(hunk, text, base)
        gaps = self._gap(sought, target) if found.moved != target.path else around(target)
        taken = set(target.places.values())
        near = [at for at in born_lines(hunk, text, earlier) if at in gaps and text.norms[at] not in hunk.added]
        born = sorted({*far, *(near if base is not None else ())} - taken)
        pending = [
            at
            for at, raw in enumerate(hunk.new)
            if missing.get(norm(raw), 0) > 0 and evidence.added.get(norm(raw)) and at not in target.places
        ]

        def take(at: int) -> float:
            line = norm(hunk.new[at])
            if missing.get(line, 0) <= 0:
                return 0.0
            missing[line] -= 1
            if not missing[line]:
                del missing[line]
            return evidence.added[line]

        recognise(hunk, pending, text, born, gaps, take, found)

    def _gap(self, sought: Sought, target: Standing) -> range:
        """The lines of the text between what stood above and what stood below the hunk when it landed."""
        size = len(target.text.norms)
        base_oid, spots = sought.landed, sought.spots
        if base_oid is None or spots is None:
            return range(size)
        along = self.texts.aligned(base_oid, target.oid, target.path)
        low, high = spots.low, spots.high
        while low >= 0 and along[low] < 0:
            low -= 1
        while high < len(along) and along[high] < 0:
            high += 1
        return range(along[low] + 1 if low >= 0 else 0, along[high] if high < len(along) else size)


def _counted(found: Measure, standing: Standing, missing: dict[bytes, int]) -> dict[bytes, int]:
    """Count what stands in one file; what is still missing."""
    found.exact += standing.exact
    found.white += standing.white
    found.standing += [(standing.path, at) for at in standing.places.values()]
    left = ((line, count - standing.have.get(line, 0)) for line, count in missing.items())
    return {line: count for line, count in left if count > 0}


def text_measure(hunk: Hunk, evidence: Evidence, lines: dict[bytes, int], text: Text) -> Measure:
    """Standing lines of a hunk in a text, by counts alone; an addition or a block, no deletion."""
    found = Measure(evidence.total or 1.0, exists=True, binary=text.binary)
    if evidence.kind == "block":
        if hunk.placed and has_block(hunk, text) and not hunk.gone:
            found.exact = found.total
        return found
    bares = text.bares
    same: dict[bytes, int] = {}
    for raw in hunk.new:
        line = norm(raw)
        same[line] = same.get(line, 0) + bares.get(raw.rstrip(b"\r\n"), 0)
    for line, count in lines.items():
        weight = evidence.added.get(line)
        if weight:
            have = min(count, max(0, text.counts.get(line, 0) - hunk.others.get(line, 0)))
            exact = min(have, same.get(line, 0))
            found.exact += weight * exact
            found.white += weight * (have - exact)
    return found
