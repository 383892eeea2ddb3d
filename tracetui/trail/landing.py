"""Landing: of the commits that the attribution names for a hunk, the one that accepted it into a revision."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field

from tracetui.trail.attribution import Attribution
from tracetui.trail.claims import Case, Claim
from tracetui.trail.thresholds import FULL, PART

__all__ = ["Landing", "land"]


@dataclass(slots=True)
class Landing:
    """``idx`` and ``path`` of the landing; ``parts`` are further commits of REV's history that brought the rest,
    ``copies`` other commits with the same change. ``how`` as in ``Claim``."""

    idx: int
    path: str
    share: float
    how: str = "lines"
    parts: list[int] = field(default_factory=list)
    copies: list[int] = field(default_factory=list)


def land(table: Attribution, reach: bytearray, case: Case) -> tuple[Landing | None, list[int]]:
    """The landing in the history of a revision (``reach`` flags its commits), None without one; and the commits that
    hold the change elsewhere, or too little of it, earliest first.

    A commit authored after the edit goes before one authored earlier, full evidence before part of it; a full one on
    a branch beats a weak or late one in REV's history.
    """
    own, others = _split(table.claims(case.hunk.key), lambda claim: claim.how not in ("rest", "moved"))
    rest = [claim.idx for claim in others]
    claims = [claim for claim in own if claim.how not in ("far", "clock")] or own
    inside, outside = _split(claims, lambda claim: bool(reach[claim.idx]))
    elsewhere = _elsewhere(outside)
    main = _main(inside)
    if main is not None and (main.share < FULL or main.late) and any(_whole(claim) for claim in outside):
        main = None
    if main is None:
        return None, list(dict.fromkeys(elsewhere or rest))
    parts, share = _parts(case, main, [claim for claim in inside if claim.how == main.how])
    first = parts[0]
    again = [claim.idx for claim in inside if claim.share >= FULL]
    landing = Landing(first.idx, first.path, share, first.how)
    landing.parts = _besides([first.idx], [claim.idx for claim in parts])
    landing.copies = _besides(
        [first.idx, *landing.parts], [*again, *elsewhere, *(claim.idx for claim in claims), *rest]
    )
    return landing, elsewhere


def _split(claims: Iterable[Claim], test: Callable[[Claim], bool]) -> tuple[list[Claim], list[Claim]]:
    """Those that pass, and the others."""
    passed: list[Claim] = []
    others: list[Claim] = []
    for claim in claims:
        (passed if test(claim) else others).append(claim)
    return passed, others


def _besides(known: Collection[int], more: Iterable[int]) -> list[int]:
    """Further commits, each once."""
    return [idx for idx in dict.fromkeys(more) if idx not in known]


def _whole(claim: Claim) -> bool:
    return claim.share >= FULL and not claim.late and not claim.early


def _main(inside: list[Claim]) -> Claim | None:
    """The first that brought most of it, else the earliest of the best."""
    for early in (False, True):
        for claim in inside:
            if claim.share >= FULL and claim.early is early:
                return claim
    return max(inside, key=lambda claim: (claim.share, not claim.early), default=None)


def _elsewhere(outside: list[Claim]) -> list[int]:
    found = [claim.idx for claim in outside if claim.share >= FULL]
    if not found:
        best = max((claim.share for claim in outside), default=0.0)
        found = [claim.idx for claim in outside if claim.share >= PART and claim.share >= best * 0.9]
    return list(dict.fromkeys(found))


def _parts(case: Case, main: Claim, inside: list[Claim]) -> tuple[list[Claim], float]:
    """The landing's parts in order: the main commit, and those that brought lines which it did not; and the share that
    they make together."""
    evidence = case.evidence
    if not main.lines:
        return [main], main.share
    have = Counter(main.lines)
    parts = [main]
    for claim in inside:
        missing = evidence.total * (1 - evidence.share(have))
        if claim is main or missing <= 1e-9:
            continue
        fresh = Counter(claim.lines)
        fresh.subtract(have)
        new = {line: count for line, count in fresh.items() if count > 0}
        gain = evidence.share(new) * evidence.total
        early = (claim.idx < main.idx) if claim.idx != main.idx else False
        if gain >= PART * evidence.total or (not early and gain >= FULL * missing):
            parts.append(claim)
            have.update(new)
    return _ordered(parts), evidence.share(have)


def _ordered(parts: list[Claim]) -> list[Claim]:
    """Parts in the order of history, where one authored before the edit does not lead."""
    return sorted(parts, key=lambda claim: (claim.early, claim.idx))
