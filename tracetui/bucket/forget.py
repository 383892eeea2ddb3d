"""Removing sessions for good: copies, index rows, what the full-text index remembers, marks; nothing of it stays in the
files of the bucket."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from tracetui.bucket.capture import from_db
from tracetui.bucket.index import IndexWriter
from tracetui.bucket.place import Lock
from tracetui.bucket.reader import LogReader
from tracetui.bucket.reading import doc_of
from tracetui.bucket.userdata import Forgotten, UserData
from tracetui.model import SessionRow, TracetuiError

__all__ = ["forget"]


def forget(
    folder: Path,
    db: sqlite3.Connection,
    reader: LogReader,
    user: UserData,
    forgotten: Forgotten,
    rows: list[SessionRow],
    wait: float,
) -> bool:
    """Remove these sessions. Gives whether the full-text index could be cleaned in place; else the caller has to have
    it rebuilt from the copies that are left. Paths and ids are remembered as keyed hashes, so that they are not
    captured again."""
    with Lock(folder, wait):
        logs: list[tuple[int, str, str]] = []
        for row in rows:
            found = db.execute(
                "SELECT id, copy, path FROM log WHERE session=? AND harness=?", (row.id, row.harness)
            ).fetchall()
            logs += [(log, copy, from_db(path)) for log, copy, path in found]
            forgotten.add(row.harness, row.id, [from_db(path) for _, _, path in found])
            user.remove(row.harness, row.id)
        writer = IndexWriter(db)
        writer.begin()
        try:
            db.execute("INSERT OR REPLACE INTO meta VALUES('clean', 0)")
            exact = _clean_text(db, reader, [log for log, _, _ in logs])
            _rows(db, writer, logs, rows)
            if exact and logs:
                db.execute("INSERT INTO text(text) VALUES('optimize')")
            writer.commit()
        except BaseException:
            writer.rollback()
            raise
        reader.close()
        for _, copy, _ in logs:
            path = folder / "copies" / copy
            path.unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                path.parent.rmdir()
        _caches(folder, db)
        if not exact:
            from tracetui.bucket.schema import reset_index

            reset_index(db)
        else:
            db.execute("INSERT OR REPLACE INTO meta VALUES('clean', 1)")
        _compact(folder, db)
        _beside(folder, rows)
        return exact


def _beside(folder: Path, rows: list[SessionRow]) -> None:
    """Remove the sessions from the databases that other subjects keep in the bucket: from every table that names
    harness and session; tables called ``cache`` or ``verdict`` are worked out anew at will and are emptied."""
    for path in sorted(folder.glob("*.db")):
        if path.name in ("index.db", "user.db") or path.is_symlink():
            continue
        other = sqlite3.connect(path, timeout=30, isolation_level=None)
        try:
            other.execute("PRAGMA secure_delete=ON")
            for (table,) in other.execute("SELECT name FROM sqlite_master WHERE type='table'").fetchall():
                columns = {row[1] for row in other.execute(f'PRAGMA table_info("{table}")')}
                if table in ("cache", "verdict"):
                    other.execute(f'DELETE FROM "{table}"')
                elif {"harness", "session"} <= columns:
                    other.executemany(
                        f'DELETE FROM "{table}" WHERE harness=? AND session=?', [(row.harness, row.id) for row in rows]
                    )
            other.execute("VACUUM")
            other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            other.close()


def _clean_text(db: sqlite3.Connection, reader: LogReader, logs: list[int]) -> bool:
    """Take out of the full-text index what only these logs hold. The index keeps no texts, so each is read again and
    handed over for removal; a hash tells whether it is the very text that was put in."""
    marks = ",".join(map(str, logs)) or "NULL"
    own = {
        doc
        for (doc,) in db.execute(
            f"SELECT doc FROM (SELECT doc FROM step WHERE log IN ({marks}) AND doc IS NOT NULL "
            f"UNION SELECT doc FROM stale WHERE log IN ({marks})) AS d "
            f"WHERE NOT EXISTS (SELECT 1 FROM step o WHERE o.doc=d.doc AND o.log NOT IN ({marks}))"
        )
    }
    for text, digest in _texts(db, reader, logs):
        if not own:
            break
        row = db.execute("SELECT id FROM doc WHERE hash=?", (digest,)).fetchone()
        if row is not None and row[0] in own:
            own.remove(row[0])
            db.execute("INSERT INTO text(text, rowid, body) VALUES('delete', ?, ?)", (row[0], text))
            db.execute("DELETE FROM doc WHERE hash=?", (digest,))
    return not own


def _texts(db: sqlite3.Connection, reader: LogReader, logs: list[int]) -> Iterator[tuple[str, int]]:
    """Texts of the steps of these logs with their hashes, also those of calls before they had a result."""
    for log in logs:
        stale = db.execute("SELECT 1 FROM stale WHERE log=?", (log,)).fetchone() is not None
        try:
            for step in reader.steps(log, 1, None):
                yield doc_of(step)
                if stale and step.tool is not None:
                    yield doc_of(replace(step, tool=replace(step.tool, output=None)))
            # What streaming gave, where reading a step by its lines alone gives another text.
            for step in reader.stream(log):
                yield doc_of(step)
        except (TracetuiError, OSError):
            continue


def _rows(
    db: sqlite3.Connection, writer: IndexWriter, logs: list[tuple[int, str, str]], rows: list[SessionRow]
) -> None:
    for log, _, path in logs:
        for table in ("step", "problem", "stale"):
            db.execute(f"DELETE FROM {table} WHERE log=?", (log,))
        db.execute("DELETE FROM log WHERE id=?", (log,))
        db.execute("DELETE FROM skipped WHERE path=?", (path,))
    for row in rows:
        db.execute(
            "DELETE FROM side WHERE harness=? AND raw=(SELECT raw FROM session WHERE id=?)", (row.harness, row.id)
        )
        writer.dirty(row.harness, row.id)
    db.execute(
        "DELETE FROM name WHERE id NOT IN (SELECT tool FROM step WHERE tool IS NOT NULL "
        "UNION SELECT model FROM step WHERE model IS NOT NULL)"
    )


def _caches(folder: Path, db: sqlite3.Connection) -> None:
    """Remove what was worked out from copies that are no more."""
    left = {copy.replace("/", "-") for (copy,) in db.execute("SELECT copy FROM log")}
    with contextlib.suppress(OSError), os.scandir(folder / "cache") as entries:
        for entry in entries:
            if entry.name.rpartition(".")[0] not in left:
                os.unlink(entry.path)  # noqa: PTH108


def _compact(folder: Path, db: sqlite3.Connection) -> None:
    """Write both databases anew without their free pages, and empty their logs of changes."""
    before = os.environ.get("SQLITE_TMPDIR")
    os.environ["SQLITE_TMPDIR"] = str(folder / "tmp")
    try:
        for name in ("main", "user"):
            db.execute(f"VACUUM {name}")
        for name in ("main", "user"):
            busy: Any = db.execute(f"PRAGMA {name}.wal_checkpoint(TRUNCATE)").fetchone()
            if busy and busy[0]:
                raise TracetuiError(
                    "The sessions are removed, but another tracetui reads the bucket, so that traces stay on disk "
                    "until it ends; close it and run the command again"
                )
    finally:
        if before is None:
            os.environ.pop("SQLITE_TMPDIR", None)
        else:
            os.environ["SQLITE_TMPDIR"] = before
