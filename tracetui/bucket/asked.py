"""The log of what programs asked the bucket through ``tracetui mcp``: when, which tool, with what, about what sessions.

In ``user.db``; a call stands once per session that its answer spoke of. ``forget`` removes with a session every call
that spoke of it, whole: a trigger takes the other rows of the call along, since what was asked may quote it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

if TYPE_CHECKING:
    from tracetui.bucket.store import Bucket

__all__ = ["Asked", "keep", "rows"]

KEPT: Final = 10_000
"""Rows at most; older ones go."""
_LONG: Final = 2_000


class Asked(NamedTuple):
    """A call: ``at`` in milliseconds since the epoch, the tool, its values, and the sessions (harness, id) of which the
    answer spoke."""

    at: int
    tool: str
    given: dict[str, Any]
    sessions: tuple[tuple[str, str], ...]


def keep(bucket: Bucket, tool: str, given: Mapping[str, Any], sessions: Iterable[tuple[str, str]]) -> None:
    """Keep a call. In a bucket that cannot be written nothing is kept."""
    if bucket.read_only:
        return
    at = round(time.time() * 1000)
    short = {name: value[:_LONG] if isinstance(value, str) else value for name, value in given.items()}
    text = orjson.dumps(short, default=str).decode()
    bucket.db.executemany(
        "INSERT INTO user.asked(at, tool, given, harness, session) VALUES(?,?,?,?,?)",
        [(at, tool, text, harness, session) for harness, session in sorted(sessions) or [("", "")]],
    )
    bucket.db.execute("DELETE FROM user.asked WHERE rowid <= (SELECT max(rowid) FROM user.asked) - ?", (KEPT,))


def rows(bucket: Bucket, limit: int | None = None) -> list[Asked]:
    """What was asked, the last first."""
    found: dict[tuple[int, str, str], list[tuple[str, str]]] = {}
    for at, tool, given, harness, session in bucket.db.execute(
        "SELECT at, tool, given, harness, session FROM user.asked ORDER BY rowid DESC"
    ):
        held = found.setdefault((at, tool, given), [])
        if session:
            held.append((harness, session))
        if limit is not None and len(found) > limit:
            found.popitem()
            break
    return [Asked(at, tool, orjson.loads(given), tuple(held)) for (at, tool, given), held in found.items()]
