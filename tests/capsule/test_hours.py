"""The hours of the day that time stamps tell."""

from __future__ import annotations

import datetime as dt

import pytest

from tracetui.capsule.hours import hours_of

EAST = dt.timezone(dt.timedelta(hours=2))
INDIA = dt.timezone(dt.timedelta(hours=5, minutes=30))
WEST = dt.timezone(dt.timedelta(hours=-3, minutes=-30))


def at(zone: dt.tzinfo, day: int, hour: int, minute: int = 0) -> int:
    return int(dt.datetime(2026, 3, day, hour, minute, tzinfo=zone).timestamp() * 1000)


@pytest.mark.parametrize(
    ("zone", "times", "told"),
    [
        (EAST, [(1, 22, 5), (2, 0, 30), (2, 2, 59), (9, 23, 0)], "22:00 to 03:00, UTC+2"),
        (INDIA, [(1, 9, 0), (2, 17, 59)], "09:00 to 18:00, UTC+5:30"),
        (WEST, [(4, 23, 59)], "23:00 to 00:00, UTC-3:30"),
        (dt.UTC, [(4, 0, 0), (4, 12, 0)], "00:00 to 13:00, UTC+0"),
        (EAST, [(1, hour, 0) for hour in range(0, 24, 3)], ""),
        (EAST, [], ""),
    ],
)
def test_the_shortest_span_that_holds_all(zone: dt.tzinfo, times: list[tuple[int, int, int]], told: str) -> None:
    assert hours_of([at(zone, *when) for when in times], zone) == told


def test_a_time_that_is_none_is_passed_over() -> None:
    assert hours_of([10**20, at(EAST, 1, 8)], EAST) == "08:00 to 09:00, UTC+2"
