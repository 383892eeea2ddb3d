"""What the home shows, read from the bucket in a worker."""

from __future__ import annotations

import datetime as _dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tracetui.bucket.activity import (
    Group,
    Remedy,
    Totals,
    Waiting,
    by,
    calendar,
    period_of,
    running,
    survival_progress,
    total,
    vanishing,
    waiting,
    where_stopped,
)

if TYPE_CHECKING:
    from tracetui.bucket.doctor import Risk
    from tracetui.bucket.store import Bucket
    from tracetui.model import SessionRow

__all__ = ["GROUPS", "PERIODS", "Around", "HomeFacts", "read_around", "read_sums"]

PERIODS: Final = ("day", "week", "month", "all")
GROUPS: Final = ("project", "model", "harness")
"""What the sums are shown by."""
_EACH: Final = 6
"""Groups of which each is shown."""
_FINER: Final = {"day": "", "week": "day", "month": "day", "all": "month"}
"""What the small bars beside a sum are made by."""
_BARS: Final = 31
WEEKS: Final = 26


@dataclass(frozen=True, slots=True)
class HomeFacts:
    """The sums of one period: ``totals``, what they were by ``days`` (or months), by `GROUPS`, and steps by day."""

    period: str = "week"
    query: str = ""
    totals: Totals = field(default_factory=Totals)
    days: Sequence[Group] = ()
    groups: Mapping[str, Sequence[Group]] = field(default_factory=dict)
    calendar: Mapping[_dt.date, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Around:
    """What is going on: sessions that run, the last one of this folder, what is deleted soon and what to set against
    it, what waits for the user, and of how many sessions with edits it is known what became of them."""

    running: Sequence[SessionRow] = ()
    stopped: SessionRow | None = None
    vanishing: Sequence[Risk] = ()
    remedies: Sequence[Remedy] = ()
    waiting: Sequence[Waiting] = ()
    survival: tuple[int, int] = (0, 0)


def read_sums(bucket: Bucket, period: str, cancelled: Callable[[], bool]) -> HomeFacts | None:
    """The sums of a period; None once nobody waits any more."""
    query = period_of(period).query
    totals = total(bucket, query)
    if cancelled():
        return None
    finer = _FINER[period]
    days = _whole(by(bucket, finer, query), finer)[-_BARS:] if finer else []
    groups: dict[str, Sequence[Group]] = {}
    for name in GROUPS:
        if cancelled():
            return None
        groups[name] = by(bucket, name, query, limit=_EACH)
    return HomeFacts(period, query, totals, days, groups, calendar(bucket, WEEKS))


def _whole(groups: Sequence[Group], finer: str) -> list[Group]:
    """Days without a step stand among the others."""
    if finer != "day" or not groups:
        return list(groups)
    known = {group.name: group for group in groups}
    first, today = _dt.date.fromisoformat(groups[0].name), _dt.date.fromisoformat(groups[-1].name)
    days = [(first + _dt.timedelta(days=nth)).isoformat() for nth in range((today - first).days + 1)]
    return [known.get(day) or Group(day, Totals(), f"since:{day} until:{day}") for day in days]


def read_around(bucket: Bucket, cancelled: Callable[[], bool]) -> Around | None:
    """What is going on; None once nobody waits any more."""
    now_running = running(bucket)
    stopped = where_stopped(bucket)
    if cancelled():
        return None
    risks, remedies = vanishing(bucket)
    return Around(now_running, stopped, risks, remedies, waiting(bucket), survival_progress(bucket))
