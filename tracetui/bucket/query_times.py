"""Points and lengths of time as people type them."""

from __future__ import annotations

import datetime as _dt
import re
import time
from typing import Final

from tracetui.bucket.calendar_days import midnight, week_of
from tracetui.model import TracetuiError

__all__ = ["parse_span", "parse_time"]

_AGO: Final = re.compile(r"(\d{1,6})(mo|min|m|h|d|w|y)")
_SPAN: Final = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)(ms|s|min|m|h|d)?")
_UNIT_MS: Final = {"m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_SPAN_MS: Final = {"ms": 1, "s": 1000, "": 1000, "m": 60_000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}
_DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def parse_span(text: str) -> int:
    """A length of time (``10s``, ``500ms``, ``2m``, ``1.5h``; a bare number is seconds) in milliseconds. Raises
    ValueError for anything else."""
    match = _SPAN.fullmatch(text.strip().lower())
    if match is None:
        raise ValueError(text)
    return round(float(match[1]) * _SPAN_MS[match[2] or ""])


def parse_time(text: str, *, now: int | None = None, end: bool = False, term: str | None = None) -> int:
    """A point in time as typed, in milliseconds since the epoch.

    ``7d``, ``12h``, ``30m``, ``2w``, ``3mo``, ``1y`` ago; ``now``, ``today``, ``yesterday``, a weekday (the last one),
    ``week`` and ``month`` (those that run; weeks begin as the locale says); ``2026``, ``2026-05``, ``2026-05-01``,
    or ISO 8601 with a time. Without a zone it is local. With ``end``, the end of the day, week, month or year named.
    Raises ``TracetuiError`` (status 2) that names ``term``.
    """
    now = round(time.time() * 1000) if now is None else now
    word = text.strip().lower()
    try:
        return _time(word, text.strip(), now, end)
    except (ValueError, OverflowError, OSError):
        raise TracetuiError(
            f"{term or text} is not a time; use 7d, 12h, 2w, today, yesterday, 2026-05-01 or 2026-05-01T14:00", status=2
        ) from None


def _time(word: str, text: str, now: int, end: bool) -> int:
    if word == "now":
        return now
    today = _dt.datetime.fromtimestamp(now / 1000).astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
    match = _AGO.fullmatch(word)
    if match:
        return _ago(int(match[1]), match[2], now, today)
    found = _named(word, today.date())
    if found is not None:
        first, after = found
        return midnight(after if end else first)
    parts = word.split("-")
    if len(parts[0]) == 4 and all(part.isascii() and part.isdigit() for part in parts) and len(parts) <= 3:
        numbers = [int(part) for part in parts]
        first = _dt.date(numbers[0], *([*numbers[1:], 1, 1][:2]))
        if not end:
            return midnight(first)
        if len(numbers) == 1:
            return midnight(_dt.date(first.year + 1, 1, 1))
        days = _days_in(first.year, first.month) if len(numbers) == 2 else 1
        return midnight(first + _dt.timedelta(days=days))
    if len(text) < 10:
        raise ValueError
    return round(_dt.datetime.fromisoformat(text.upper().replace(" ", "T", 1)).timestamp() * 1000) + end


def _ago(number: int, unit: str, now: int, today: _dt.datetime) -> int:
    if unit not in ("mo", "y"):
        return max(0, now - number * _UNIT_MS[unit[0]])
    months = number * (12 if unit == "y" else 1)
    years, month = divmod(today.year * 12 + today.month - 1 - months, 12)
    then = _dt.datetime.fromtimestamp(now / 1000).astimezone()
    then = then.replace(year=years, month=month + 1, day=min(today.day, _days_in(years, month + 1)))
    return round(then.timestamp() * 1000)


def _named(word: str, today: _dt.date) -> tuple[_dt.date, _dt.date] | None:
    """The first day of what is named, and the day after its last."""
    one = _dt.timedelta(days=1)
    if word in ("today", "yesterday"):
        day = today - one * (word == "yesterday")
        return day, day + one
    if word == "week":
        begins = week_of(today)
        return begins, begins + 7 * one
    if word == "month":
        return today.replace(day=1), today.replace(day=1) + _days_in(today.year, today.month) * one
    if len(word) >= 3 and any(name.startswith(word) for name in _DAYS):
        weekday = next(nth for nth, name in enumerate(_DAYS) if name.startswith(word))
        day = today - _dt.timedelta(days=(today.weekday() - weekday) % 7)
        return day, day + one
    return None


def _days_in(year: int, month: int) -> int:
    return (_dt.date(year + month // 12, month % 12 + 1, 1) - _dt.date(year, month, 1)).days
