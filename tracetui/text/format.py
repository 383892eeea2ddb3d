"""Numbers, times and paths as people read them; one way for the command line and every screen.

Units are decimal. All results are plain ASCII but for the ``…`` of a cut.
"""

from __future__ import annotations

import datetime as _dt
import time
from typing import Final

from tracetui.text.width import ELLIPSIS, cell_len, char_width, cut, cut_left

__all__ = [
    "absolute",
    "count",
    "duration",
    "home_path",
    "middle_cut",
    "percent",
    "plural",
    "relative",
    "size",
    "tokens",
    "took",
]

_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _scaled(value: float, units: tuple[str, ...], gap: str) -> str:
    """``value`` (at least 1000) with the unit that leaves 1 to 3 digits before the point, one after it below 10."""
    at = -1
    while (value >= 999.5 or at < 0) and at < len(units) - 1:
        value /= 1000
        at += 1
    return f"{value:.1f}{gap}{units[at]}" if value < 9.95 else f"{value:,.0f}{gap}{units[at]}"


def size(nbytes: int) -> str:
    """Bytes: ``812 B``, ``4.1 kB``, ``402 MB``, ``3.1 GB``."""
    return f"{nbytes} B" if nbytes < 1000 else _scaled(nbytes, ("kB", "MB", "GB", "TB", "PB"), " ")


def tokens(number: int | None) -> str:
    """Tokens: ``812``, ``5.9k``, ``41k``, ``1.2M``; nothing for None."""
    if number is None:
        return ""
    return str(number) if number < 1000 else _scaled(number, ("k", "M", "G", "T"), "")


def count(number: int) -> str:
    """``1,204``."""
    return f"{number:,}"


def plural(number: int, one: str, many: str | None = None) -> str:
    """``1 session``, ``1,204 sessions``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def percent(part: float, whole: float) -> str:
    """``62 %``; never ``100 %`` before all of it, nor ``0 %`` when there is some. ``0 %`` of nothing."""
    if whole <= 0 or part <= 0:
        return "0 %"
    return f"{min(99, max(1, round(100 * part / whole))) if part < whole else 100} %"


def duration(ms: float | None) -> str:
    """Milliseconds: ``0.2s``, ``41s``, ``4m 10s``, ``2h 5m``, ``3d 4h``; nothing for None."""
    if ms is None:
        return ""
    seconds = max(0.0, ms / 1000)
    if seconds < 9.95:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    for unit, sub, length, part in (("m", "s", 60, 1), ("h", "m", 3600, 60), ("d", "h", 86400, 3600)):
        if whole < length * {"m": 60, "h": 24}.get(unit, 10**9):
            big, rest = divmod(whole, length)
            return f"{big}{unit} {rest // part}{sub}" if rest // part else f"{big}{unit}"
    raise AssertionError  # pragma: no cover


def took(ms: float | None) -> str:
    """A `duration` beside a step; nothing for less than 0.05 s, which is no news."""
    return "" if ms is None or ms < 50 else duration(ms)


def _local(ms: int, zone: _dt.tzinfo | None) -> _dt.datetime | None:
    try:
        return _dt.datetime.fromtimestamp(ms / 1000, _dt.UTC).astimezone(zone)
    except (OverflowError, ValueError, OSError):
        return None


def relative(ms: int | None, now: int | None = None, zone: _dt.tzinfo | None = None) -> str:
    """A time in a list: ``now``, ``12m``, ``3h``, ``Tue`` (within a week), ``12 May``, ``12 May 2024``.

    ``ms`` and ``now`` are milliseconds since the epoch, ``now`` by default the clock's; ``zone`` by default the local
    one. Times in the future beyond a minute are dates.
    """
    if ms is None:
        return ""
    now = round(time.time() * 1000) if now is None else now
    age = now - ms
    if -60_000 <= age < 60_000:
        return "now"
    if 0 < age < 3_600_000:
        return f"{age // 60_000}m"
    if 0 < age < 86_400_000:
        return f"{age // 3_600_000}h"
    then, today = _local(ms, zone), _local(now, zone)
    if then is None or today is None:
        return "?"
    if 0 < (today.date() - then.date()).days < 7:
        return _DAYS[then.weekday()]
    date = f"{then.day} {_MONTHS[then.month - 1]}"
    return date if then.year == today.year else f"{date} {then.year}"


def absolute(ms: int | None, zone: _dt.tzinfo | None = None) -> str:
    """A time in details, with its zone: ``2026-05-12 14:03:22 +02:00``; nothing for None."""
    then = None if ms is None else _local(ms, zone)
    if then is None:
        return ""
    stamp = then.isoformat(" ", "seconds")
    return f"{stamp[:19]} {stamp[19:] if then.utcoffset() else 'UTC'}"


def home_path(path: str, home: str) -> str:
    """``path`` with the home folder as ``~``."""
    home = home.rstrip("/")
    if home and (path == home or path.startswith(home + "/")):
        return "~" + path[len(home) :]
    return path


def middle_cut(path: str, width: int) -> str:
    """``path`` in at most ``width`` cells, cut in the middle by ``…``; the last component stays whole if it can, the
    first cells of the path stay where there is room."""
    if cell_len(path) <= width:
        return path
    if width < 4:
        return cut_left(path, width)
    room = width - 1
    name = cell_len(path.rstrip("/").rpartition("/")[2]) + 1
    tail = min(max(name, room * 2 // 3), room - min(3, room // 3))
    end = cut_left(path, tail + 1)
    end = end.removeprefix(ELLIPSIS)
    head = cut(path, width - cell_len(end), "")
    while head and cell_len(head) + 1 + cell_len(end) > width:
        head = head[:-1]
    while head and char_width(head[-1]) == 0:
        head = head[:-1]
    return head + ELLIPSIS + end
