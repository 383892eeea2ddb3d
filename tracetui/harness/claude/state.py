"""A reader's state as bytes, and back: small facts and open steps as JSON, hashes of what was seen as they are."""

from __future__ import annotations

from array import array
from hashlib import blake2b
from typing import Any

import orjson

__all__ = ["fingerprint", "freeze", "thaw"]


def fingerprint(text: str) -> int:
    """64 bits of an id, as compact as a set of all ids of a log has to be.

    Of a UUID the last 16 hex digits, which are random but for two bits in every version; of anything else BLAKE2b.
    With a million ids the chance that any two collide is below 1 in 5 million.
    """
    if len(text) == 36 and text[23] == "-":
        try:
            return int(text[19:23] + text[24:], 16)
        except ValueError:
            pass
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def freeze(state: dict[str, Any], seen: set[int]) -> bytes:
    """State and hashes as bytes: the length of the JSON, a line end, the JSON, the hashes."""
    text = orjson.dumps(state)
    return b"%d\n" % len(text) + text + array("Q", sorted(seen)).tobytes()


def thaw(data: bytes) -> tuple[dict[str, Any], set[int]]:
    """The reverse of ``freeze``. Raises ValueError where the bytes are none of ours."""
    head, _, rest = data.partition(b"\n")
    length = int(head)
    hashes = array("Q")
    hashes.frombytes(rest[length:])
    return orjson.loads(rest[:length]), set(hashes)
