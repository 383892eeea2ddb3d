"""Every number that decides what is plausible, in one table, with what it was measured on.

Measured on agent transcripts and histories of FSM1/cipher-box (``box``), EntityProcess/agentv (``agentv``) and
blackgirlbytes/planetfall-seed-signalkit (``planetfall``), whose commits name the sessions that made them;
PackmindHub/context-evaluator was held back. docs/survival.md has the figures.
"""

from __future__ import annotations

from typing import Final

__all__ = [
    "CLOCK",
    "COPY",
    "FAR_LETTERS",
    "FAR_LINES",
    "FEW",
    "FULL",
    "INVERSE",
    "LATE",
    "LATE_LINES",
    "LATE_OTHERS",
    "MANY",
    "PART",
    "PASSED",
    "TELLING",
    "rarity",
]

FULL: Final = 0.6
"""Share of a hunk's weight from which a commit is taken for the landing at once."""
PART: Final = 0.25
"""Share of the weight from which a commit counts at all, and below which nothing is left of a hunk."""
INVERSE: Final = 0.8
"""Share of a landing, and of what a commit does, from which that commit is the landing's inverse."""
LATE: Final = 24 * 3600
"""Seconds from the edit to the commit's author time up to which evidence has its full weight."""
PASSED: Final = 1800
"""The same, where the same author committed the file in between without any of it."""
LATE_LINES: Final = 3
"""Distinctive lines that a later commit must bring."""
LATE_OTHERS: Final = 2
"""Other changes that may bring a line which is still distinctive."""
TELLING: Final = 18
"""Letters and digits, common words aside, that lines which no other change ever brought must have together to land at
any distance, unless they stand between the very lines that surrounded them."""
CLOCK: Final = 600
"""Seconds by which a committer's clock may be behind the one of the log."""
COPY: Final = 0.6
"""Share of the changes of one commit that another must make to be its squash, rebase or cherry-pick."""
FAR_LINES: Final = 2
"""Lines that are no import, which a commit must bring to another file than the edit's to count as its landing."""
FAR_LETTERS: Final = 40
"""Letters that these lines must have together."""
FEW: Final = 8
"""Changes up to which a line that they brought has its full weight."""
MANY: Final = 30
"""Changes from which on a line that they brought weighs nothing."""


def rarity(changes: int) -> float:
    """The weight of a line by the number of changes that brought it."""
    return 1.0 if changes <= FEW else 0.3 if changes <= MANY else 0.0
