"""Removing sessions for good: copies, index rows, what the full-text index remembers, what the user and later work made
of them; nothing stays in the files of the bucket.

What is to go is written to a journal first. Each part of the work may be done twice, and all of them are done again
until the journal is gone; who opens a bucket with one finishes it. The sessions leave the lists after everything else.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from tracetui.bucket.changes import from_db, to_db
from tracetui.bucket.index import IndexWriter
from tracetui.bucket.location import Lock, sweep, write_private
from tracetui.bucket.log_reader import LogReader
from tracetui.bucket.row import doc_of
from tracetui.bucket.stores import EMPTIED, databases, log_tables, session_tables
from tracetui.bucket.userdata import Forgotten
from tracetui.model import SessionRow, TracetuiError

__all__ = ["Forgetting", "unfinished"]

JOURNAL: Final = "forget.json"
_ASIDE: Final = "aside"


@dataclass(frozen=True, slots=True)
class _Session:
    """A session that goes, as the journal names it: ``copies`` with the paths of their logs."""

    harness: str
    id: str
    raw: str
    copies: tuple[tuple[str, str], ...]


def unfinished(folder: Path) -> int:
    """How many sessions a journal still names; 0 without one."""
    return len(_read(folder))


def _read(folder: Path) -> list[_Session]:
    try:
        found = json.loads((folder / JOURNAL).read_bytes())
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        raise TracetuiError(f"The journal {JOURNAL} of the bucket cannot be read ({error})") from None
    return [
        _Session(item["harness"], item["id"], item["raw"], tuple((copy, path) for copy, path in item["copies"]))
        for item in found
    ]


def _write(folder: Path, sessions: list[_Session]) -> None:
    items = [
        {"harness": item.harness, "id": item.id, "raw": item.raw, "copies": list(item.copies)} for item in sessions
    ]
    write_private(folder / JOURNAL, json.dumps(items).encode("ascii"))


class Forgetting:
    """Removes sessions from one open bucket; ``finish`` does what is left of an earlier one."""

    def __init__(self, folder: Path, db: sqlite3.Connection, reader: LogReader, forgotten: Forgotten) -> None:
        self._folder = folder
        self._db = db
        self._reader = reader
        self._forgotten = forgotten

    def forget(self, rows: list[SessionRow], wait: float) -> bool:
        """Remove these sessions. Gives whether the full-text index could be cleaned in place; else it was emptied, and
        the caller has it built again from the copies that are left. Paths and ids are remembered as keyed hashes, so
        that they are not captured again."""
        with Lock(self._folder, wait):
            held = {(item.harness, item.id): item for item in _read(self._folder)}
            for row in rows:
                held[row.harness, row.id] = self._named(row)
            _write(self._folder, list(held.values()))
            return self._all(list(held.values()))

    def finish(self, wait: float) -> bool:
        """Do again what a journal names; as ``forget``. Raises TracetuiError where another process holds the lock."""
        with Lock(self._folder, wait):
            return self._all(_read(self._folder))

    def _named(self, row: SessionRow) -> _Session:
        found = self._db.execute(
            "SELECT copy, path FROM log WHERE session=? AND harness=?", (row.id, row.harness)
        ).fetchall()
        raw = self._db.execute("SELECT raw FROM session WHERE id=? AND harness=?", (row.id, row.harness)).fetchone()
        copies = tuple((copy, from_db(path)) for copy, path in found)
        return _Session(row.harness, row.id, raw[0] if raw else row.id, copies)

    def _all(self, sessions: list[_Session]) -> bool:
        """Every part of the work, in an order in which none needs what an earlier one removed."""
        if not sessions:
            return True
        names = [(item.harness, item.id) for item in sessions]
        for item in sessions:
            self._forgotten.add(item.harness, item.id, [path for _, path in item.copies])
        for path in databases(self._folder):
            if path.name != "user.db":
                _remove_beside(path, names)
        for table in session_tables(self._db, "user"):
            self._db.executemany(f'DELETE FROM user."{table}" WHERE harness=? AND session=?', names)
        copies = [copy for item in sessions for copy, _ in item.copies]
        exact = self._clean_text(self._logs(copies))
        self._reader.close()
        self._remove_files(copies)
        self._leave_lists(sessions, copies)
        if not exact:
            from tracetui.bucket.schema import reset_index

            reset_index(self._db)
        self._compact()
        (self._folder / JOURNAL).unlink(missing_ok=True)
        return exact

    def _logs(self, copies: list[str]) -> list[int]:
        found = [self._db.execute("SELECT id FROM log WHERE copy=?", (copy,)).fetchone() for copy in copies]
        return [row[0] for row in found if row is not None]

    # the index

    def _clean_text(self, logs: list[int]) -> bool:
        """Take out of the full-text index what only these logs hold. The index keeps no texts, so each is read again
        and handed over for removal; a hash tells whether it is the very text that was put in."""
        db = self._db
        marks = ",".join(map(str, logs)) or "NULL"
        own = {
            doc
            for (doc,) in db.execute(
                f"SELECT doc FROM (SELECT doc FROM step WHERE log IN ({marks}) AND doc IS NOT NULL "
                f"UNION SELECT doc FROM stale WHERE log IN ({marks})) AS d "
                f"WHERE NOT EXISTS (SELECT 1 FROM step o WHERE o.doc=d.doc AND o.log NOT IN ({marks}))"
            )
        }
        writer = IndexWriter(db)
        writer.begin()
        try:
            for text, digest in self._texts(logs) if own else ():
                row = db.execute("SELECT id FROM doc WHERE hash=?", (digest,)).fetchone()
                if row is not None and row[0] in own:
                    own.remove(row[0])
                    db.execute("INSERT INTO text(text, rowid, body) VALUES('delete', ?, ?)", (row[0], text))
                    db.execute("DELETE FROM doc WHERE hash=?", (digest,))
                if not own:
                    break
            if own:
                writer.rollback()
                return False
            # (Done a second time, after a kill, there is nothing left to take out.)
            db.execute(f"UPDATE step SET doc=NULL WHERE log IN ({marks})")
            db.execute(f"DELETE FROM stale WHERE log IN ({marks})")
            db.execute("INSERT INTO text(text) VALUES('optimize')")
            writer.commit()
        except BaseException:
            writer.rollback()
            raise
        return True

    def _texts(self, logs: list[int]) -> Iterator[tuple[str, int]]:
        """Texts of the steps of these logs with their hashes, also those of calls before they had a result."""
        for log in logs:
            stale = self._db.execute("SELECT 1 FROM stale WHERE log=?", (log,)).fetchone() is not None
            try:
                for step in self._reader.steps(log, 1, None):
                    yield doc_of(step)
                    if stale and step.tool is not None:
                        yield doc_of(replace(step, tool=replace(step.tool, output=None)))
                # What streaming gave, where reading a step by its lines alone gives another text.
                for step in self._reader.stream(log):
                    yield doc_of(step)
            except (TracetuiError, OSError):
                continue

    def _leave_lists(self, sessions: list[_Session], copies: list[str]) -> None:
        """Remove what the index has of the sessions; from here on nobody sees them."""
        db = self._db
        writer = IndexWriter(db)
        writer.begin()
        try:
            logs = self._logs(copies)
            for table in log_tables(db):
                db.executemany(f'DELETE FROM "{table}" WHERE log=?', [(log,) for log in logs])
            db.executemany("DELETE FROM log WHERE id=?", [(log,) for log in logs])
            for item in sessions:
                db.executemany("DELETE FROM skipped WHERE path=?", [(to_db(path),) for _, path in item.copies])
                db.execute("DELETE FROM side WHERE harness=? AND raw=?", (item.harness, item.raw))
                writer.dirty(item.harness, item.id)
            db.execute("DELETE FROM path WHERE id NOT IN (SELECT path FROM step_path)")
            db.execute(
                "DELETE FROM name WHERE id NOT IN (SELECT tool FROM step WHERE tool IS NOT NULL "
                "UNION SELECT model FROM step WHERE model IS NOT NULL)"
            )
            writer.commit()
        except BaseException:
            writer.rollback()
            raise

    # files

    def _remove_files(self, copies: list[str]) -> None:
        """Remove copies, damaged ones that were set aside, what was worked out from them, and leftovers."""
        for copy in copies:
            path = self._folder / "copies" / copy
            path.unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                path.parent.rmdir()
        names = {copy.rpartition("/")[2].rpartition("-")[0] for copy in copies}
        left = {copy.replace("/", "-") for (copy,) in self._db.execute("SELECT copy FROM log")} - {
            copy.replace("/", "-") for copy in copies
        }
        for entry in _entries(self._folder / "cache"):
            if entry.name.rpartition(".")[0] not in left:
                os.unlink(entry.path)  # noqa: PTH108
        for entry in _entries(self._folder / _ASIDE):
            if entry.name.partition("-")[0] in names:
                os.unlink(entry.path)  # noqa: PTH108
        sweep(self._folder)

    def _compact(self) -> None:
        """Write both databases anew without their free pages, and empty their logs of changes."""
        before = os.environ.get("SQLITE_TMPDIR")
        os.environ["SQLITE_TMPDIR"] = str(self._folder / "tmp")
        try:
            for name in ("main", "user"):
                self._db.execute(f"VACUUM {name}")
            for name in ("main", "user"):
                busy: Any = self._db.execute(f"PRAGMA {name}.wal_checkpoint(TRUNCATE)").fetchone()
                if busy and busy[0]:
                    raise TracetuiError(
                        "The sessions are removed, but another tracetui reads the bucket, so that traces stay on disk "
                        "until it ends; the next start removes them"
                    )
        finally:
            if before is None:
                os.environ.pop("SQLITE_TMPDIR", None)
            else:
                os.environ["SQLITE_TMPDIR"] = before


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except FileNotFoundError:
        return []


def _remove_beside(path: Path, names: list[tuple[str, str]]) -> None:
    """Remove sessions from a database that another subject keeps in the bucket."""
    other = sqlite3.connect(path, timeout=30, isolation_level=None)
    try:
        other.execute("PRAGMA secure_delete=ON")
        for table in session_tables(other):
            other.executemany(f'DELETE FROM "{table}" WHERE harness=? AND session=?', names)
        for (table,) in other.execute("SELECT name FROM sqlite_master WHERE type='table'").fetchall():
            if table in EMPTIED:
                other.execute(f'DELETE FROM "{table}"')
        other.execute("VACUUM")
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.DatabaseError as error:
        raise TracetuiError(
            f"Forgetting is not finished: {path.name} is damaged ({error}); tracetui doctor --repair, then any command"
        ) from None
    finally:
        other.close()
