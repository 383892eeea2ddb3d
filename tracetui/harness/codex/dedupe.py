"""Finding the second copy of what a log holds twice."""

from __future__ import annotations

import zlib
from typing import Final

__all__ = ["Duplicates"]

_SEEDS: Final = {name: zlib.crc32(name.encode()) for name in "said id plan thought user harness web webid".split()}


class Duplicates:
    """Finds the second copy of what a log holds twice, by hashes of text or id, within a window of records.

    ``channel`` is a bit per place that repeats others: 1 legacy events, 2 response items, 4 completed items.
    """

    _KEPT: Final = 96
    _WINDOW: Final = 400

    def __init__(self, rows: list[list[int]] | None = None) -> None:
        self._seen: dict[int, list[int]] = {row[0]: row[1:] for row in rows or []}

    @staticmethod
    def of(role: str, text: str) -> int:
        """A hash that stays the same from run to run; outer white space does not count."""
        data = text.strip().encode("utf-8", "replace")
        return zlib.crc32(data, _SEEDS[role]) << 24 | (len(data) & 0xFFFFFF)

    def second(self, channel: int, at: int, *hashes: int) -> bool:
        """Whether one of the hashes was seen in another channel only; remembers this channel for all of them."""
        seen = self._seen
        found = False
        fresh: list[int] = []
        for key in hashes:
            entry = seen.get(key)
            if entry is not None and not entry[0] & channel and at - entry[1] <= self._WINDOW:
                entry[0] |= channel
                found = True
            else:
                fresh.append(key)
        for key in fresh:
            if not found:
                seen.pop(key, None)
            elif key in seen:
                continue
            seen[key] = [channel, at]
        while len(seen) > self._KEPT:
            del seen[next(iter(seen))]
        return found

    def dump(self) -> list[list[int]]:
        return [[key, *entry] for key, entry in self._seen.items()]
