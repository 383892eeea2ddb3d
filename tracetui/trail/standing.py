"""Which lines of a hunk stand in one file: in their own place, elsewhere in it, or in a file that gained them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from tracetui.trail.evidence import Evidence
from tracetui.trail.hunks import Hunk
from tracetui.trail.lines import bare, norm
from tracetui.trail.texts import Spots, Text

__all__ = ["Sought", "Standing", "around", "gained", "in_own_file", "went_along"]

_ALNUM: Final = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")


@dataclass(frozen=True, slots=True)
class Sought:
    """Lines of a hunk that are looked for (copies per normalised line), the blob of its file as it landed, and where
    the hunk stood in that; None where it did not land or its place is not known."""

    hunk: Hunk
    evidence: Evidence
    lines: dict[bytes, int]
    landed: str | None = None
    spots: Spots | None = None

    def missing(self) -> dict[bytes, int]:
        """The lines that weigh something."""
        return {line: count for line, count in self.lines.items() if self.evidence.added.get(line) and count}

    def more(self, line: bytes, text: Text) -> int:
        """Copies of a line in a text beyond those that other edits brought, at most as many as are looked for."""
        return min(self.lines[line], max(0, text.counts.get(line, 0) - self.hunk.others.get(line, 0)))


class Standing:
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


def in_own_file(sought: Sought, text: Text, path: str, oid: str, along: list[int] | None) -> Standing:
    """The lines that stand in the hunk's own file: in their place, or more copies than were there before.

    ``along`` gives for each line of the landed file its place in ``text`` (-1: gone).
    """
    return _OwnFile(sought, text, path, oid, along).standing()


class _OwnFile:
    def __init__(self, sought: Sought, text: Text, path: str, oid: str, along: list[int] | None) -> None:
        self.sought, self.text = sought, text
        self.hunk, self.added = sought.hunk, sought.evidence.added
        self.found = Standing(path, text, oid)
        self.place: dict[int, int] = {}
        """The hunk's line to the place that it was carried to."""
        self.firm: set[int] = set()
        """Lines of the hunk that were carried together with their neighbours."""
        if sought.spots is not None and along is not None:
            for at, spot in enumerate(sought.spots.places):
                if spot >= 0 and along[spot] >= 0:
                    self.place[at] = along[spot]
                    if _undisturbed(along, spot, len(text.norms)):
                        self.firm.add(at)
        self.where: dict[bytes, list[int]] = {}
        for at, raw in enumerate(self.hunk.new):
            self.where.setdefault(norm(raw), []).append(at)
        self.used: set[int] = set()
        self.carried = set(self.place.values())

    def standing(self) -> Standing:
        found = self.found
        for line, count in self.sought.lines.items():
            weight = self.added.get(line)
            if weight and count:
                self._stand(line, count, weight)
        found.in_place = found.strayed <= 0.5 * found.weight or self.sought.spots is None
        self._weightless()
        return found

    def _stand(self, line: bytes, count: int, weight: float) -> None:
        """Say which copies of a line stand, and where: those that nothing disturbed first."""
        found = self.found
        here = [at for at in self.where[line] if at in self.place]
        sure = [at for at in here if at in self.firm]
        stand = min(count, max(self.sought.more(line, self.text), len(sure)))
        if not stand:
            return
        chosen = [*sure, *(at for at in here if at not in self.firm)][:stand]
        rest = [at for at in self.where[line] if at not in chosen]
        self._elsewhere(line, rest[: stand - len(chosen)], weight)
        for at in chosen:
            found.places[at] = self.place[at]
            self.used.add(self.place[at])
        found.have[line] = stand
        found.weight += weight * stand
        for at in self.where[line]:
            if at in found.places:
                self._compare(at, weight)

    def _elsewhere(self, line: bytes, wanted: list[int], weight: float) -> None:
        """Give lines that were carried nowhere a place in which the same line stands."""
        spots = self.sought.spots
        spare = [at for at in self.text.places.get(line, ()) if at not in self.used and at not in self.carried]
        for at in wanted:
            # letter by letter alike first, then any
            same = [spot for spot in spare if bare(self.text.raw[spot]) == bare(self.hunk.new[at])]
            spot = (same or spare or [-1])[0]
            if spot < 0:
                break
            spare.remove(spot)
            self.found.places[at] = spot
            self.used.add(spot)
            if spots is None or spots.places[at] >= 0:  # it had a place when it landed, and left it
                self.found.strayed += weight

    def _compare(self, at: int, weight: float) -> None:
        """Whether a line stands letter by letter, or but for its white space."""
        found, raw, own = self.found, self.text.raw[self.found.places[at]], self.hunk.new[at]
        if bare(raw) == bare(own):
            found.exact += weight
        else:
            found.white += weight
        if raw.endswith(b"\r") != own.endswith(b"\r"):
            found.eol = True

    def _weightless(self) -> None:
        """Say of the lines that weigh nothing but have words in them whether they stand too."""
        found = self.found
        left = Counter(self.sought.lines)
        for at, raw in enumerate(self.hunk.new):
            line = norm(raw)
            if self.added.get(line) or not _worded(raw) or left[line] <= 0:
                continue
            spot = self.place.get(at, -1)
            if spot < 0:
                spot = self._beside(at, line)
            if spot >= 0:
                found.places[at] = spot
                if bare(self.text.raw[spot]) != bare(raw):
                    found.loose = True
            elif self.sought.spots is not None:
                found.minor = False
                found.astray.append(at)
        if found.loose and found.white == 0:
            found.astray = [-1]
            found.minor = False

    def _beside(self, at: int, line: bytes) -> int:
        """Where a line stands right beside the hunk's line before or after it; -1 where it does not."""
        spot = -1
        for step in (-1, 1):
            near = self.found.places.get(at + step)
            if near is not None and 0 <= near - step < len(self.text.norms) and self.text.norms[near - step] == line:
                spot = near - step
        return spot


def gained(sought: Sought, some: Iterable[bytes], text: Text, oid: str, before: Text | None) -> Standing:
    """Which of ``some`` lines a file has gained since it looked like ``before``."""
    found = Standing(text.name, text, oid)
    hunk, added = sought.hunk, sought.evidence.added
    for line in some:
        have = text.counts.get(line, 0) - (before.counts.get(line, 0) if before is not None else 0)
        stand = min(sought.lines[line], max(0, have))
        if not stand:
            continue
        found.have[line] = stand
        found.weight += added[line] * stand
        raws = [at for at, raw in enumerate(hunk.new) if norm(raw) == line][:stand]
        for at, spot in zip(raws, text.places.get(line, ())):
            found.places[at] = spot
            if bare(text.raw[spot]) == bare(hunk.new[at]) or text.bares.get(bare(hunk.new[at])):
                found.exact += added[line]
            else:
                found.white += added[line]
    return found


def went_along(hunk: Hunk, astray: list[int], moved: Standing) -> bool:
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


def around(target: Standing) -> range:
    spots = list(target.places.values())
    if not spots:
        return range(0)
    return range(max(0, min(spots) - 5), max(spots) + 6)


def _undisturbed(along: list[int], spot: int, size: int) -> bool:
    """Whether a line and both its neighbours still stand together (the file's ends count as neighbours)."""
    here = along[spot]
    above = along[spot - 1] == here - 1 if spot else here == 0
    below = along[spot + 1] == here + 1 if spot + 1 < len(along) else here == size - 1
    return above and below


def _worded(raw: bytes) -> bool:
    return any(byte in _ALNUM for byte in raw)
