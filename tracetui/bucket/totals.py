"""The bucket as a whole: totals, what doctor asks, and comparing copies with logs."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson

from tracetui.bucket.capture import from_db
from tracetui.bucket.index import IndexWriter, address
from tracetui.model import TracetuiError

__all__ = ["FileRow", "LogProblem", "files", "problems", "put_titles", "stats", "unknown", "verify"]

_WARN_DAYS: Final = 7
_DAY_NS: Final = 86_400 * 1_000_000_000
_CHUNK: Final = 1024 * 1024


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


def files(db: sqlite3.Connection) -> list[FileRow]:
    """See ``Bucket.files``."""
    rows = db.execute(
        "SELECT id, path, harness, session, agent, size, mtime_ns, bytes, copy, current, gone FROM log "
        "ORDER BY path, id"
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
    for harness, counts in db.execute("SELECT harness, counts FROM log"):
        for name, count in orjson.loads(counts).get("unknown", {}).items():
            held = out.setdefault(harness, {})
            held[name] = held.get(name, 0) + count
    return out


def stats(db: sqlite3.Connection, folder: Path, retention_days: float) -> dict[str, Any]:
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
        "SELECT harness, count(*), sum(bytes), sum(copy_size), sum(records) FROM log GROUP BY harness"
    ):
        if harness in by:
            by[harness]["files"], by[harness]["bytes"] = count, size
        records += read
        bytes_logs += size
        copies += of_copies
    for name in ("index.db", "index.db-wal", "user.db", "user.db-wal", "bucket.json"):
        with contextlib.suppress(OSError):
            copies += (folder / name).stat().st_size
    risk = db.execute(
        "SELECT count(DISTINCT session) FROM log WHERE harness='claude' AND current AND NOT gone AND agent IS NULL "
        "AND mtime_ns < ?",
        (time.time_ns() - round((min(retention_days, 20_000.0) - _WARN_DAYS) * _DAY_NS),),
    ).fetchone()[0]
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


def verify(
    db: sqlite3.Connection,
    folder: Path,
    progress: Callable[[int, int], None] | None,
    cancelled: Callable[[], bool] | None,
) -> Iterator[tuple[FileRow, str]]:
    """See ``Bucket.verify``."""
    rows = files(db)
    for nth, row in enumerate(rows):
        if cancelled is not None and cancelled():
            return
        reason = _compare(folder / "copies" / row.copy, row)
        if reason is not None:
            yield row, reason
        if progress is not None:
            progress(nth + 1, len(rows))


def _compare(copy: Path, row: FileRow) -> str | None:
    from tracetui.bucket.copies import CopyReader
    from tracetui.harness.opening import open_log

    try:
        reader = CopyReader(copy)
    except TracetuiError as error:
        return str(error)
    try:
        if reader.scan.size < reader.scan.file_size:
            return "the copy has a torn end; the next index run mends it"
        if reader.scan.bytes < row.bytes:
            return f"the copy holds {reader.scan.bytes:,} bytes of the log, the index knows {row.bytes:,}"
        stream = None
        if row.current and not row.gone and os.path.lexists(row.path):
            try:
                stream = open_log(row.path)
            except OSError as error:
                return f"the log cannot be read ({error.strerror or error})"
        try:
            at = 0
            for chunk in reader.chunks():
                if stream is not None and stream.read(len(chunk)) != chunk:
                    return f"the log is not what was captured, from byte {at:,} to {at + len(chunk):,} or before"
                at += len(chunk)
        except (OSError, TracetuiError) as error:
            return str(error)
        finally:
            if stream is not None:
                stream.close()
        return None
    finally:
        reader.close()
