"""What is left of a hunk in a tree: which of its lines stand, which are recognisable, and where."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from tracetui.trail.evidence import Evidence, has_block
from tracetui.trail.hunks import Hunk
from tracetui.trail.landing import Landing
from tracetui.trail.line_changes import LineAddition, TouchIndex
from tracetui.trail.lines import bare, fingerprint, norm
from tracetui.trail.recognise import born_lines, recognise
from tracetui.trail.store import MissingError
from tracetui.trail.texts import Spots, Text, Texts, locate

__all__ = ["ALL", "Measure", "Measurer", "change", "text_measure"]

ALL: Final = 1 - 1e-6
"""All of a weight, rounding aside."""


@dataclass(slots=True)
class Measure:
    """Weights of a hunk in one tree, by how its lines are recognised, out of ``total``.

    ``minor``: every line that weighs nothing but has words still stands too. ``path``: the file in which most of it
    stands; ``moved``: another file that gained lines of it. ``in_place``: nothing moved within the file. ``standing``:
    (path, 0-based line) of each line found.
    """

    total: float
    exact: float = 0.0
    white: float = 0.0
    layout: float = 0.0
    renamed: float = 0.0
    edited: float = 0.0
    minor: bool = True
    path: str | None = None
    moved: str | None = None
    in_place: bool = True
    eol: bool = False
    binary: bool = False
    exists: bool = False
    standing: list[tuple[str, int]] = field(default_factory=list)

    @property
    def stands(self) -> float:
        """The share that stands, white space aside."""
        return (self.exact + self.white) / self.total if self.total else 0.0

    @property
    def kept(self) -> float:
        """The share that stands or is recognisable, 0 to 1."""
        if not self.total:
            return 0.0
        return min(1.0, (self.exact + self.white + self.layout + self.renamed + self.edited) / self.total)


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

    def measure(  # noqa: C901 - a branch for each state of a file
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
        base_oid: str | None = None
        spots: Spots | None = None
        earlier: Text | None = None
        if landing is not None:
            landed = self.index.shas[landing.idx]
            base_oid = self._brought(landing) or self.texts.oid(landed, landing.path)
            if base_oid is not None:
                base = self.texts.blob(base_oid, landing.path)
                spots = self._spots(hunk, base)
        best: tuple[float, _Standing] | None = None
        for path in paths:
            oid = self.texts.oid(sha, path)
            if oid is None:
                continue
            text = self.texts.blob(oid, path)
            found.exists = True
            if text.binary:
                found.binary = True
                continue
            standing = self._standing(hunk, evidence, lines, text, path, base_oid, oid, spots)
            if best is None or standing.weight > best[0] + 1e-9:
                best = (standing.weight, standing)
        missing = {line: count for line, count in lines.items() if evidence.added.get(line) and count}
        targets: list[_Standing] = []
        if best is not None:
            standing = best[1]
            targets.append(standing)
            found.path, found.in_place, found.eol = standing.path, standing.in_place, standing.eol
            found.exact, found.white, found.minor = standing.exact, standing.white, standing.minor
            found.standing += [(standing.path, at) for at in standing.places.values()]
            for line, count in standing.have.items():
                if line in missing:
                    missing[line] -= count
        elif spots is None and not paths:
            found.minor = True
        missing = {line: count for line, count in missing.items() if count > 0}
        if missing and reach is not None:
            moved = self._moved(hunk, evidence, missing, sha, paths, landing, reach)
            if moved is not None:
                found.moved = moved.path
                found.exact += moved.exact
                found.white += moved.white
                found.standing += [(moved.path, at) for at in moved.places.values()]
                if best is None or standing.weight <= 0 or _along(hunk, standing.astray, moved):
                    found.minor = True
                for line, count in moved.have.items():
                    missing[line] -= count
                missing = {line: count for line, count in missing.items() if count > 0}
                targets.append(moved)
        if deep:
            for target in targets:
                if missing or not found.minor:
                    if landing is not None and earlier is None:
                        earlier = self._before(landing)
                    self._recognise(hunk, evidence, missing, target, base_oid, spots, found, earlier)
        return found

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

    def _standing(  # noqa: C901 - a branch for each row of the table of states
        self,
        hunk: Hunk,
        evidence: Evidence,
        lines: dict[bytes, int],
        text: Text,
        path: str,
        base_oid: str | None,
        oid: str,
        spots: Spots | None,
    ) -> _Standing:
        """The hunk's lines that stand in its own file: in their place, or more copies than were there before."""
        found = _Standing(path, text, oid)
        place: dict[int, int] = {}
        firm: set[int] = set()
        if spots is not None and base_oid is not None:
            along = self.texts.aligned(base_oid, oid, path)
            for at, spot in enumerate(spots.places):
                if spot >= 0 and along[spot] >= 0:
                    place[at] = along[spot]
                    if _undisturbed(along, spot, len(text.norms)):
                        firm.add(at)
        where: dict[bytes, list[int]] = {}
        for at, raw in enumerate(hunk.new):
            where.setdefault(norm(raw), []).append(at)
        used: set[int] = set()
        for line, count in lines.items():
            weight = evidence.added.get(line)
            if not weight or not count:
                continue
            more = min(count, max(0, text.counts.get(line, 0) - hunk.others.get(line, 0)))
            here = [at for at in where[line] if at in place]
            sure = [at for at in here if at in firm]
            stand = min(count, max(more, len(sure)))
            if not stand:
                continue
            chosen = [*sure, *(at for at in here if at not in firm)][:stand]
            rest = [at for at in where[line] if at not in chosen]
            spare = [at for at in text.places.get(line, ()) if at not in used and at not in place.values()]
            for at in rest[: stand - len(chosen)]:
                # letter by letter alike first, then any
                same = [spot for spot in spare if bare(text.raw[spot]) == bare(hunk.new[at])]
                spot = (same or spare or [-1])[0]
                if spot < 0:
                    break
                spare.remove(spot)
                found.places[at] = spot
                used.add(spot)
                if spots is None or spots.places[at] >= 0:  # it had a place when it landed, and left it
                    found.strayed += weight
            for at in chosen:
                found.places[at] = place[at]
                used.add(place[at])
            found.have[line] = stand
            for at in [at for at in where[line] if at in found.places]:
                if bare(text.raw[found.places[at]]) == bare(hunk.new[at]):
                    found.exact += weight
                else:
                    found.white += weight
                if text.raw[found.places[at]].endswith(b"\r") != hunk.new[at].endswith(b"\r"):
                    found.eol = True
            found.weight += weight * stand
        found.in_place = found.strayed <= 0.5 * found.weight or spots is None
        left = Counter(lines)
        for at, raw in enumerate(hunk.new):
            line = norm(raw)
            if evidence.added.get(line) or not _worded(raw) or left[line] <= 0:
                continue
            spot = place.get(at, -1)
            if spot < 0:
                for step in (-1, 1):
                    near = found.places.get(at + step)
                    if near is not None and 0 <= near - step < len(text.norms) and text.norms[near - step] == line:
                        spot = near - step
            if spot >= 0:
                found.places[at] = spot
                if bare(text.raw[spot]) != bare(raw):
                    found.loose = True
            elif spots is not None:
                found.minor = False
                found.astray.append(at)
        if found.loose and found.white == 0:
            found.astray = [-1]
            found.minor = False
        return found

    def _moved(  # noqa: C901 - a branch for each ground to take lines for moved
        self,
        hunk: Hunk,
        evidence: Evidence,
        missing: dict[bytes, int],
        sha: str,
        paths: list[str],
        landing: Landing | None,
        reach: bytearray,
    ) -> _Standing | None:
        """Another file of the tree that gained the missing lines after the landing."""
        first = landing.idx if landing is not None else -1
        since = hunk.time // 1000
        gained: dict[str, set[bytes]] = {}
        together: set[str] = set()
        for line in missing:
            for hit in self.hits.get(fingerprint(line), ()):
                if hit.idx <= first or not reach[hit.idx] or self.index.times[hit.idx] < since:
                    continue
                name = self.index.names[hit.path]
                if name not in paths:
                    gained.setdefault(name, set()).add(line)
                    if any(
                        touch.idx == hit.idx and touch.net(fingerprint(line)) < 0
                        for path in paths
                        for touch in self.index.touches(path)
                    ):
                        together.add(name)
        want = sum(evidence.added[line] * count for line, count in missing.items())
        best: _Standing | None = None
        for name, some in gained.items():
            oid = self.texts.oid(sha, name)
            if oid is None:
                continue
            text = self.texts.blob(oid, name)
            if text.binary:
                continue
            before: Text | None = None
            if landing is not None:
                try:
                    before = self.texts.at(self.index.shas[landing.idx], name)
                except MissingError:
                    before = None
            found = _Standing(name, text, oid)
            for line in some:
                have = text.counts.get(line, 0) - (before.counts.get(line, 0) if before is not None else 0)
                stand = min(missing[line], max(0, have))
                if not stand:
                    continue
                found.have[line] = stand
                found.weight += evidence.added[line] * stand
                raws = [at for at, raw in enumerate(hunk.new) if norm(raw) == line][:stand]
                for at, spot in zip(raws, text.places.get(line, ())):
                    found.places[at] = spot
                    if bare(text.raw[spot]) == bare(hunk.new[at]) or text.bares.get(bare(hunk.new[at])):
                        found.exact += evidence.added[line]
                    else:
                        found.white += evidence.added[line]
            enough = len(found.have) >= 2 or name in together or sum(map(len, found.have)) >= 24
            if enough and found.weight >= 0.4 * want and (best is None or found.weight > best.weight):
                best = found
        return best

    # -- recognisable lines

    def _recognise(
        self,
        hunk: Hunk,
        evidence: Evidence,
        missing: dict[bytes, int],
        target: _Standing,
        base_oid: str | None,
        spots: Spots | None,
        found: Measure,
        earlier: Text | None,
    ) -> None:
        """Same tokens, renamed identifiers, edited lines; takes from ``missing`` what it finds.

        A line is born after the edit when the landed file did not hold it; in the hunk's own place also when the file
        ``earlier``, before the landing, did not (it was changed between the edit and the commit).
        """
        text = target.text
        base = self.texts.blob(base_oid, target.path) if base_oid is not None else None
        far = born_lines(hunk, text, base)
        gaps = self._gap(base_oid, target, spots) if found.moved != target.path else _around(target)
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

    def _gap(self, base_oid: str | None, target: _Standing, spots: Spots | None) -> range:
        """The lines of the text between what stood above and what stood below the hunk when it landed."""
        size = len(target.text.norms)
        if base_oid is None or spots is None:
            return range(size)
        along = self.texts.aligned(base_oid, target.oid, target.path)
        low, high = spots.low, spots.high
        while low >= 0 and along[low] < 0:
            low -= 1
        while high < len(along) and along[high] < 0:
            high += 1
        return range(along[low] + 1 if low >= 0 else 0, along[high] if high < len(along) else size)


class _Standing:
    """Lines of a hunk that stand in one file; ``places`` maps the hunk's line to the file's."""

    __slots__ = (
        "astray",
        "eol",
        "exact",
        "have",
        "in_place",
        "loose",
        "minor",
        "oid",
        "path",
        "places",
        "strayed",
        "text",
        "weight",
        "white",
    )

    def __init__(self, path: str, text: Text, oid: str) -> None:
        self.path, self.text, self.oid = path, text, oid
        self.have: dict[bytes, int] = {}
        self.places: dict[int, int] = {}
        self.weight = self.exact = self.white = self.strayed = 0.0
        self.minor = self.in_place = True
        self.eol = self.loose = False
        self.astray: list[int] = []
        """Weightless lines of the hunk, with words in them, that do not stand (-1: one that stands otherwise)."""


def _worded(raw: bytes) -> bool:
    return any(byte in _ALNUM for byte in raw)


_ALNUM: Final = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")


def _along(hunk: Hunk, astray: list[int], moved: _Standing) -> bool:
    """Whether all these weightless lines went with the lines of the hunk that moved: they stand right beside them."""
    places, lines = dict(moved.places), moved.text.norms
    for step in (1, -1):
        for at in range(len(hunk.new))[::step]:
            spot = places.get(at - step, -2) + step
            if (
                at not in places
                and at - step in places
                and 0 <= spot < len(lines)
                and lines[spot] == norm(hunk.new[at])
            ):
                places[at] = spot
    return all(at in places for at in astray)


def _undisturbed(along: list[int], spot: int, size: int) -> bool:
    """Whether a line and both its neighbours still stand together (the file's ends count as neighbours)."""
    here = along[spot]
    above = along[spot - 1] == here - 1 if spot else here == 0
    below = along[spot + 1] == here + 1 if spot + 1 < len(along) else here == size - 1
    return above and below


def _around(target: _Standing) -> range:
    spots = list(target.places.values())
    if not spots:
        return range(0)
    return range(max(0, min(spots) - 5), max(spots) + 6)


def text_measure(hunk: Hunk, evidence: Evidence, lines: dict[bytes, int], text: Text) -> Measure:
    """Standing lines of a hunk in a text, by counts alone; an addition or a block, no deletion."""
    found = Measure(evidence.total or 1.0, exists=True, binary=text.binary)
    if evidence.kind == "block":
        if hunk.placed and has_block(hunk, text) and not hunk.gone:
            found.exact = found.total
        return found
    for line, count in lines.items():
        weight = evidence.added.get(line)
        if weight:
            have = min(count, max(0, text.counts.get(line, 0) - hunk.others.get(line, 0)))
            bares = text.bares
            same = sum(bares.get(raw.rstrip(b"\r\n"), 0) for raw in hunk.new if norm(raw) == line)
            exact = min(have, same)
            found.exact += weight * exact
            found.white += weight * (have - exact)
    return found


def change(found: Measure) -> str:
    """The reason of a transformed hunk: what most of its changed weight became; of equals, the stronger change."""
    gone = max(0.0, found.total - found.exact - found.white - found.layout - found.renamed - found.edited)
    shares = [
        ("whitespace", found.white),
        ("reformat", found.layout),
        ("identifier_rename", found.renamed),
        ("edited", found.edited),
        ("partial", gone),
    ]
    best = max(share for _, share in shares)
    if best <= 1e-9:
        return "whitespace" if found.minor else "edited"
    return [name for name, share in shares if share >= best - 1e-9][-1]
