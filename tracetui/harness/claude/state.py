"""A reader's state as bytes, and back: small facts and open steps as JSON, hashes of what was seen as they are."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from hashlib import blake2b
from typing import Any, Final

import orjson

__all__ = ["Seen", "fingerprint", "freeze", "thaw"]

_ODD: Final = 0x9E3779B97F4A7C15  # 2**64 over the golden ratio, as in Fibonacci hashing
_MASK: Final = (1 << 64) - 1


def fingerprint(text: str) -> int:
    """64 bits of an id, as compact as a set of all ids of a log has to be.

    Of a UUID all 32 hex digits, the first half folded into the second by an odd multiplier: made-up and scrubbed ids
    may differ in any one group only. Of anything else BLAKE2b. With a million random ids the chance that any two
    collide is below 1 in 5 million.
    """
    if len(text) == 36 and text[23] == "-":
        try:
            whole = int(text.replace("-", ""), 16)
            return (whole ^ (whole >> 64) * _ODD) & _MASK
        except ValueError:
            pass
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


class Seen:
    """A set of fingerprints that is cheap to write and to read again: most of them stay a sorted array, searched in
    place; only what came since is a set."""

    __slots__ = ("_new", "_old")

    def __init__(self) -> None:
        self._new: set[int] = set()
        self._old = array("Q")

    def __contains__(self, mark: int) -> bool:
        if mark in self._new:
            return True
        old = self._old
        if not old:
            return False
        at = bisect_left(old, mark)
        return at < len(old) and old[at] == mark

    def add(self, mark: int) -> None:
        """Put in one that is not there."""
        self._new.add(mark)

    def enter(self, mark: int) -> bool:
        """Put one in; whether it was not there."""
        if mark in self._new or (self._old and mark in self):
            return False
        self._new.add(mark)
        return True

    def clear(self) -> None:
        """Forget all."""
        self._new.clear()
        self._old = array("Q")

    def dump(self) -> tuple[int, bytes]:
        """How many are in the sorted part, and all of them as bytes."""
        if len(self._new) > max(1024, len(self._old) // 4):
            self._old = array("Q", sorted([*self._old, *sorted(self._new)]))
            self._new.clear()
        return len(self._old), self._old.tobytes() + array("Q", self._new).tobytes()

    def load(self, count: int, data: bytes) -> None:
        """The reverse of ``dump``."""
        size = count * self._old.itemsize
        self._old = array("Q")
        self._old.frombytes(data[:size])
        new = array("Q")
        new.frombytes(data[size:])
        self._new = set(new)


def freeze(state: dict[str, Any], seen: Seen) -> bytes:
    """State and fingerprints as bytes: the length of the JSON and the size of the sorted part, a line end, the JSON,
    the fingerprints."""
    text = orjson.dumps(state)
    count, marks = seen.dump()
    return b"%d %d\n" % (len(text), count) + text + marks


def thaw(data: bytes, seen: Seen) -> dict[str, Any]:
    """The reverse of ``freeze``: gives the state and fills ``seen``. Raises ValueError where the bytes are none of
    ours."""
    at = data.index(b"\n") + 1
    length, count = map(int, data[:at].split())
    seen.load(count, data[at + length :])
    state: dict[str, Any] = orjson.loads(data[at : at + length])
    return state
