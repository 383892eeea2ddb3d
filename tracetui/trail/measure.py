"""What a hunk weighs in one tree, by how its lines are recognised, and what that says about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

__all__ = ["ALL", "Measure", "change"]

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
