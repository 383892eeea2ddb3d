"""Which sessions are old, and which would have to go for a bucket to fit a size. Nothing here removes anything."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from tracetui.bucket.terms import Query
from tracetui.model import SessionRow

if TYPE_CHECKING:
    from tracetui.bucket.store import Bucket

__all__ = ["copy_bytes", "oldest", "surplus"]

_DAY_MS: Final = 86_400_000


def copy_bytes(bucket: Bucket) -> dict[tuple[str, str], int]:
    """Bytes that the copies of each session take on disk, by (harness, id)."""
    rows = bucket._db.execute("SELECT harness, session, sum(copy_size) FROM log GROUP BY harness, session")
    return {(harness, session): size for harness, session, size in rows}


def oldest(bucket: Bucket, days: float | None, query: Query, *, now: int | None = None) -> list[SessionRow]:
    """The sessions that match and ended more than ``days`` ago (None: whenever), oldest first. With ``days`` those with
    a bookmark stay."""
    rows = [*reversed(bucket.sessions(query))]
    if days is None:
        return rows
    limit = (round(time.time() * 1000) if now is None else now) - round(days * _DAY_MS)
    return [row for row in rows if (row.ended or row.started or 0) < limit and not row.bookmarked]


def surplus(bucket: Bucket, limit: int) -> tuple[int, list[SessionRow]]:
    """How many bytes the bucket takes beyond ``limit``, and the oldest sessions without a bookmark that would have to
    go for that; what the index has of them goes too, in proportion."""
    total = int(bucket.stats()["bytes_bucket"])
    over = total - limit
    if over <= 0:
        return 0, []
    sizes = copy_bytes(bucket)
    share = total / max(1, sum(sizes.values()))
    out: list[SessionRow] = []
    freed = 0.0
    for row in oldest(bucket, 0, Query()):
        if freed >= over:
            break
        out.append(row)
        freed += sizes.get((row.harness, row.id), 0) * share
    return over, out
