"""What a detector proposes."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Finding"]


@dataclass(frozen=True, slots=True)
class Finding:
    """A span that a detector proposes to scrub: code points of the scanned text, half open.

    ``tier``: 1 format-exact or known value, 2 context, 3 weak. ``view`` is the reading in which the rule matched
    (``plain``, or how the text had to be decoded), ``why`` one phrase for people. ``rule`` ``unscanned`` marks text
    that no detector could look at.
    """

    start: int
    end: int
    kind: str
    rule: str
    tier: int
    view: str = "plain"
    why: str = ""
