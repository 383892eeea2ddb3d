"""The hours of the day in which the steps of an episode were taken: what its time stamps tell of who seals."""

from __future__ import annotations

import datetime as _dt
from collections.abc import Iterable
from typing import Final

__all__ = ["hours_of"]

_ALL: Final = 20
"""Hours of the day from which on a span tells nothing."""


def hours_of(times: Iterable[int], zone: _dt.tzinfo | None = None) -> str:
    """The shortest span of whole hours that holds all times (ms since 1970), as clocks of ``zone`` (None: this
    machine's) told them, with their distance from UTC at the last one: ``22:00 to 03:00, UTC+2``. Empty where there
    are no times, and where they lie all around the clock."""
    found: set[int] = set()
    last: _dt.datetime | None = None
    for ms in times:
        try:
            at = _dt.datetime.fromtimestamp(ms / 1000, _dt.UTC).astimezone(zone)
        except (ValueError, OverflowError, OSError):
            continue
        found.add(at.hour)
        last = at if last is None else max(last, at)
    if last is None:
        return ""
    held = sorted(found)
    # Around the clock the span begins behind the longest stretch without a step.
    gaps = [((after - before - 1) % 24, after) for before, after in zip([held[-1], *held], held)]
    longest, first = max(gaps, key=lambda gap: gap[0]) if len(held) > 1 else (23, held[0])
    if 24 - longest >= _ALL:
        return ""
    end = (first + 24 - longest) % 24
    minutes = int((last.utcoffset() or _dt.timedelta()).total_seconds()) // 60
    sign = "-" if minutes < 0 else "+"
    offset = f"UTC{sign}{abs(minutes) // 60}" + (f":{abs(minutes) % 60:02d}" if minutes % 60 else "")
    return f"{first:02d}:00 to {end:02d}:00, {offset}"
