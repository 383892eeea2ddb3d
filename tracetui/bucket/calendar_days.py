"""Days, weeks and months as people mean them: local days, weeks that begin where the locale says."""

from __future__ import annotations

import datetime as _dt
import os
import time
from collections.abc import Mapping
from typing import Final, NamedTuple

__all__ = ["PERIODS", "Period", "day_of", "first_weekday", "midnight", "period"]

PERIODS: Final = ("day", "week", "month", "all")
"""The periods that sums are made over, all of them up to now."""

# Unicode CLDR 44, supplemental/weekData, firstDay; every other territory begins on Monday.
_SUNDAY: Final = frozenset(
    "AG AS BD BR BS BT BW BZ CA CO DM DO ET GT GU HK HN ID IL IN JM JP KE KH KR LA MH MM MO MT MX MZ NI NP PA PE PH PK "
    "PR PT PY SA SG SV TH TT TW UM US VE VI WS YE ZA ZW".split()
)
_SATURDAY: Final = frozenset("AF BH DJ DZ EG IR IQ JO KW LY OM QA SD SY".split())
_FRIDAY: Final = frozenset(("MV",))


def first_weekday(environ: Mapping[str, str] | None = None) -> int:
    """The day that weeks begin with where the user lives: 0 is Monday, 6 Sunday. The territory is that of the locale's
    ``LC_TIME``; without one it is Monday (ISO 8601)."""
    environ = os.environ if environ is None else environ
    name = environ.get("LC_ALL") or environ.get("LC_TIME") or environ.get("LANG") or ""
    territory = name.partition(".")[0].partition("@")[0].partition("_")[2].upper()
    if territory in _SUNDAY:
        return 6
    return 5 if territory in _SATURDAY else 4 if territory in _FRIDAY else 0


class Period(NamedTuple):
    """A stretch of time: ``since`` and ``until`` in milliseconds since the epoch, half open, None without an end.
    ``query`` is the term of the query line that means the same."""

    name: str
    since: int | None
    until: int | None
    query: str


def midnight(day: _dt.date) -> int:
    """When a local day begins, in milliseconds since the epoch."""
    return round(_dt.datetime(day.year, day.month, day.day).timestamp() * 1000)  # noqa: DTZ001 - local time is meant


def day_of(ms: int) -> _dt.date:
    """The local day of a time. Raises OverflowError, ValueError or OSError for one that no calendar has."""
    return _dt.datetime.fromtimestamp(ms / 1000).astimezone().date()


def week_of(day: _dt.date, first: int | None = None) -> _dt.date:
    """The day that begins the week of a day; ``first`` as `first_weekday` gives it."""
    first = first_weekday() if first is None else first
    return day - _dt.timedelta(days=(day.weekday() - first) % 7)


def period(name: str, *, now: int | None = None, first: int | None = None) -> Period:
    """Today, this week, this month or all time (of `PERIODS`). Raises KeyError for another word."""
    today = day_of(round(time.time() * 1000) if now is None else now)
    if name == "all":
        return Period(name, None, None, "")
    begins = {"day": today, "week": week_of(today, first), "month": today.replace(day=1)}[name]
    return Period(name, midnight(begins), None, f"since:{begins}")
