"""What sessions, prompts and projects cost: what logs state, else an estimate (``bucket.prices``) that was stored."""

from __future__ import annotations

import sqlite3
from bisect import bisect_right
from typing import Final, NamedTuple

from tracetui.bucket.parts import DOUBLE
from tracetui.model import KINDS

__all__ = ["GROUPS", "NOTE", "Cost", "costs", "prompt_costs"]

NOTE: Final = "API price, not what you paid"
"""Stands wherever an estimate is shown."""
_PROMPT: Final = KINDS.index("prompt")


class Cost(NamedTuple):
    """Dollars that logs state, and the estimate for what they say nothing about; None where there is nothing of it.
    Where the estimate is shown, ``NOTE`` stands beside it."""

    stated: float | None
    estimate: float | None

    @property
    def total(self) -> float | None:
        """Both together; None where nothing is known."""
        known = [value for value in self if value is not None]
        return sum(known) if known else None


_STATED: Final = "sum(s.cost)"
_REST: Final = "sum(CASE WHEN s.cost IS NULL THEN s.estimate END)"


def prompt_costs(db: sqlite3.Connection, log: int) -> dict[int, Cost]:
    """What each prompt of a log cost, by the number of its step (0: what stands before the first): its responses as far
    as the next prompt, and the subagents that its steps started. What another part tells too counts once."""
    prompts = [
        row[0] for row in db.execute("SELECT number FROM step WHERE log=? AND kind=? ORDER BY number", (log, _PROMPT))
    ]
    sums: dict[int, list[float | None]] = {}

    def add(step: int, stated: float | None, guessed: float | None) -> None:
        at = bisect_right(prompts, step)
        found = sums.setdefault(prompts[at - 1] if at else 0, [None, None])
        for nth, value in enumerate((stated, guessed)):
            if value is not None:
                found[nth] = (found[nth] or 0.0) + value

    for number, stated, guessed in db.execute(
        "SELECT number, cost, CASE WHEN cost IS NULL THEN estimate END FROM step "
        "WHERE log=? AND t_input IS NOT NULL AND NOT flags & ?",
        (log, DOUBLE),
    ):
        add(number, stated, guessed)
    for number, stated, guessed in db.execute(
        f"SELECT started.number, {_STATED}, {_REST} FROM (SELECT min(number) AS number, thread FROM step "
        "WHERE log=:log AND thread IS NOT NULL GROUP BY thread) started "
        "JOIN log own ON own.id=:log JOIN log l ON l.session=own.session AND l.harness=own.harness "
        "AND l.agent=started.thread AND l.shown JOIN step s ON s.log=l.id AND NOT s.flags & :double GROUP BY l.id",
        {"log": log, "double": DOUBLE},
    ):
        add(number, stated, guessed)
    return {number: Cost(*sums[number]) for number in sorted(sums)}


GROUPS: Final = {
    "project": "coalesce(x.cwd, '')",
    "harness": "x.harness",
    "session": "x.id",
    "model": "coalesce(n.text, '')",
}
"""What costs are summed by."""


def costs(db: sqlite3.Connection, by: str) -> dict[str, Cost]:
    """What all shown logs of each group (of ``GROUPS``) cost. Raises KeyError for another word."""
    return {
        name: Cost(stated, guessed)
        for name, stated, guessed in db.execute(
            f"SELECT {GROUPS[by]}, {_STATED}, {_REST} FROM step s JOIN log l ON l.id=s.log AND l.shown "
            "JOIN session x ON x.id=l.session AND x.harness=l.harness LEFT JOIN name n ON n.id=s.model "
            "WHERE s.t_input IS NOT NULL AND NOT s.flags & ? GROUP BY 1 ORDER BY 1",
            (DOUBLE,),
        )
    }
