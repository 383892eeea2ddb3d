"""The bucket as a whole: totals, and what doctor asks."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson

from tracetui.bucket.changes import from_db
from tracetui.bucket.index import IndexWriter
from tracetui.bucket.session_writer import address

__all__ = ["Account", "FileRow", "LogProblem", "accounts", "files", "problems", "put_titles", "stats", "unknown"]

_WARN_DAYS: Final = 7
_DAY_NS: Final = 86_400 * 1_000_000_000


class LogProblem(NamedTuple):
    """Something that could not be read as it should; ``harness`` is "" where none was found, ``line`` 0 speaks of the
    whole file."""

    harness: str
    path: str
    line: int
    reason: str


class FileRow(NamedTuple):
    """A log file as it was at its last capture. ``bytes`` are those that the copy holds, decompressed; ``copy`` is the
    copy's place below ``copies/``; not ``current`` means that the path holds another version now."""

    log: int
    path: str
    harness: str
    session: str
    agent: str | None
    size: int
    mtime_ns: int
    bytes: int
    copy: str
    current: bool
    gone: bool


class Account(NamedTuple):
    """What became of the records of a log: ``why`` is None where it is shown, else ``generation`` or ``copy``, with the
    log that stands for it. ``set_aside`` is a log that was named and took the id of a session of a root; ``own`` is
    that id."""

    path: str
    harness: str
    session: str
    records: int
    why: str | None
    holder: str | None
    holder_records: int
    set_aside: bool
    own: str


def accounts(db: sqlite3.Connection) -> list[Account]:
    """What became of the records of every log, by path."""
    rows = db.execute(
        "SELECT l.path, l.harness, l.session, l.records, l.why, h.path, coalesce(h.records, 0), l.aside "
        "FROM log l LEFT JOIN log h ON h.id=l.holder WHERE l.within IS NULL ORDER BY l.path, l.id"
    )
    out: list[Account] = []
    for path, harness, session, records, why, holder, more, aside in rows:
        own = session.rpartition("/")[2]
        out.append(
            Account(
                *(from_db(path), harness, session, records, why, None if holder is None else from_db(holder), more),
                *(bool(aside), own),
            )
        )
    return out


def files(db: sqlite3.Connection) -> list[FileRow]:
    """See ``Bucket.files``."""
    rows = db.execute(
        "SELECT id, path, harness, session, agent, size, mtime_ns, bytes, copy, current, gone FROM log "
        "WHERE within IS NULL ORDER BY path, id"
    )
    out: list[FileRow] = []
    for row in rows:
        log, path, harness, session, agent, size, mtime_ns, held, copy, now, gone = row
        out.append(
            FileRow(log, from_db(path), harness, session, agent, size, mtime_ns, held, copy, bool(now), bool(gone))
        )
    return out


def problems(db: sqlite3.Connection) -> list[LogProblem]:
    """See ``Bucket.problems``."""
    rows = db.execute(
        "SELECT l.harness, l.path, p.line, p.reason FROM problem p JOIN log l ON l.id=p.log "
        "UNION ALL SELECT '', path, 0, reason FROM skipped ORDER BY 2, 3"
    )
    return [LogProblem(harness, from_db(path), line, reason) for harness, path, line, reason in rows]


def unknown(db: sqlite3.Connection) -> dict[str, dict[str, int]]:
    """See ``Bucket.unknown``."""
    out: dict[str, dict[str, int]] = {}
    for harness, counts in db.execute("SELECT harness, counts FROM log WHERE within IS NULL"):
        for name, count in orjson.loads(counts).get("unknown", {}).items():
            held = out.setdefault(harness, {})
            held[name] = held.get(name, 0) + count
    return out


def stats(db: sqlite3.Connection, folder: Path, retention_days: Mapping[str, float]) -> dict[str, Any]:
    """See ``Bucket.stats``."""
    by: dict[str, dict[str, Any]] = {}
    total = {"input": 0, "output": 0, "cache_read": 0, "cache_write": 0}
    sessions = steps = 0
    for harness, count, with_tools, all_steps, *tokens in db.execute(
        "SELECT harness, count(*), sum(tools > 0), sum(steps), sum(t_input), sum(t_output), sum(t_read), sum(t_write) "
        "FROM session GROUP BY harness ORDER BY harness"
    ):
        named = dict(zip(total, (value or 0 for value in tokens)))
        by[harness] = {"sessions": count, "with_tools": with_tools or 0, "files": 0, "bytes": 0, "tokens": named}
        sessions += count
        steps += all_steps or 0
        for name, value in named.items():
            total[name] += value
    records = bytes_logs = copies = 0
    for harness, count, size, of_copies, read in db.execute(
        "SELECT harness, count(*), sum(bytes), sum(copy_size), sum(records) FROM log WHERE within IS NULL "
        "GROUP BY harness"
    ):
        if harness in by:
            by[harness]["files"], by[harness]["bytes"] = count, size
        records += read
        bytes_logs += size
        copies += of_copies
    for name in ("index.db", "index.db-wal", "user.db", "user.db-wal", "bucket.json"):
        with contextlib.suppress(OSError):
            copies += (folder / name).stat().st_size
    risk = sum(
        db.execute(
            "SELECT count(DISTINCT session) FROM log WHERE harness=? AND current AND NOT gone AND agent IS NULL "
            "AND mtime_ns < ?",
            (harness, time.time_ns() - round((min(days, 20_000.0) - _WARN_DAYS) * _DAY_NS)),
        ).fetchone()[0]
        for harness, days in retention_days.items()
    )
    return {
        "sessions": sessions,
        "steps": steps,
        "records": records,
        "bytes_logs": bytes_logs,
        "bytes_bucket": copies,
        "tokens": total,
        "by_harness": by,
        "at_risk": risk,
    }


def put_titles(db: sqlite3.Connection, titles: Mapping[str, str], harness: str) -> None:
    """See ``Bucket.put_titles``."""
    held = dict(db.execute("SELECT raw, title FROM side WHERE harness=?", (harness,)))
    news = {raw: title for raw, title in titles.items() if held.get(raw) != title}
    if not news:
        return
    writer = IndexWriter(db)
    writer.begin()
    try:
        for raw, title in news.items():
            title = title.encode("utf-8", "replace").decode("utf-8")
            db.execute("INSERT OR REPLACE INTO side VALUES(?,?,?)", (harness, raw, title))
            writer.dirty(harness, address(harness, raw))
        writer.commit()
    except BaseException:
        writer.rollback()
        raise
