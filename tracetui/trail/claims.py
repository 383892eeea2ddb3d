"""Hunks as cases, and claims: what a commit brought of one."""

from __future__ import annotations

from dataclasses import dataclass, field

from tracetui.trail.evidence import Evidence
from tracetui.trail.hunks import Hunk

__all__ = ["Case", "Claim"]


@dataclass(slots=True, eq=False)
class Case:
    """A hunk with the path that the repository has for it, and what it is recognised by."""

    hunk: Hunk
    path: str | None
    evidence: Evidence = field(default_factory=lambda: Evidence("block", {}, {}, 0.0))
    prints: dict[int, bytes] = field(default_factory=dict)
    claims: list[Claim] = field(default_factory=list)
    names: frozenset[str] = frozenset()
    since: int = 0
    """The second of the edit."""

    def __post_init__(self) -> None:
        self.since = self.hunk.time // 1000


@dataclass(slots=True, eq=False)
class Claim:
    """What a commit brought of a hunk (of a deletion: took away). ``share`` is of the hunk's weight; ``how``:
    ``lines``, ``tokens``, ``block``, ``blob``, ``far`` (to another file), ``clock``, or, too little to be a landing,
    ``moved`` (on from where it had landed) and ``rest``.
    ``early``: authored before the edit; ``late``: long after it."""

    case: Case
    idx: int
    path: str
    lines: dict[bytes, int]
    share: float
    how: str = "lines"
    early: bool = False
    late: bool = False
