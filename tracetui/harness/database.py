"""Other programs' SQLite databases, read without a lock and without a byte written beside them.

SQLite opened the usual way locks the file, and in WAL mode it makes a ``-shm`` file beside it. A database that nobody
is writing to (no log of either kind with anything in it) is opened ``immutable``, which does neither; whoever reads it
so asks ``Snapshot.changed`` before believing what was read. Any other is copied together with its log into a private
folder, and the copy is opened.

A copy is whole when the database file was the same before and after, and its write-ahead log the same or longer with
the same header: frames are only added to a log until a checkpoint writes the database file, and SQLite takes of a log
what its checksums and the last commit in it cover (https://www.sqlite.org/fileformat2.html#walformat).
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

__all__ = ["ENDINGS", "MAGIC", "DatabaseError", "Snapshot", "is_database", "opened", "snapshot", "stamp"]

MAGIC: Final = b"SQLite format 3\0"
ENDINGS: Final = (".db", ".sqlite", ".sqlite3", ".vscdb")
_TRIES: Final = 6
_WAL_HEADER: Final = 32
_BLOCK: Final = 1 << 20
_STILL_NS: Final = 2_000_000_000
"""A database written to so lately is copied also without a log: a rollback journal may come at any moment."""
_FLAGS: Final = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)


class DatabaseError(OSError):
    """A database that cannot be read now; ``strerror`` says why in a few words."""


class Snapshot(NamedTuple):
    """A database that may be read: ``path`` is the file itself or a private copy of it, ``origin`` the file, and
    ``size`` and ``mtime_ns`` what the file was like."""

    path: str
    origin: str
    size: int
    mtime_ns: int

    def changed(self) -> bool:
        """Whether what was read may be torn: the file itself was read, and it is not as it was."""
        if self.path != self.origin:
            return False
        try:
            info = os.lstat(self.origin)
        except OSError:
            return True
        return (info.st_size, info.st_mtime_ns) != (self.size, self.mtime_ns) or _logged(self.origin)


def is_database(path: str) -> bool:
    """Whether a file's name and first bytes are those of an SQLite database."""
    if not path.endswith(ENDINGS):
        return False
    try:
        handle = os.open(path, _FLAGS)
    except OSError:
        return False
    try:
        return stat.S_ISREG(os.fstat(handle).st_mode) and os.read(handle, len(MAGIC)) == MAGIC
    except OSError:
        return False
    finally:
        os.close(handle)


def stamp(path: str, info: os.stat_result) -> tuple[int, int]:
    """Size and modification time (ns) of a database with its logs; of another file its own."""
    size, mtime = info.st_size, info.st_mtime_ns
    if path.endswith(ENDINGS):
        for ending in ("-wal", "-journal"):
            with contextlib.suppress(OSError):
                log = os.lstat(path + ending)
                if log.st_size:
                    size += log.st_size
                    mtime = max(mtime, log.st_mtime_ns)
    return size, mtime


def _logged(path: str) -> bool:
    """Whether a log with anything in it stands beside the database."""
    for ending in ("-wal", "-journal"):
        with contextlib.suppress(OSError):
            if os.lstat(path + ending).st_size:
                return True
    return False


def snapshot(path: str, private: Path) -> Snapshot:
    """A state of the database that can be read, copied into the folder ``private`` where it must be.

    Raises DatabaseError for what is no regular file or no database, and for one that was changed at every try.
    """
    if not is_database(path):
        raise DatabaseError(0, "not an SQLite database")
    pause = 0.02
    for _ in range(_TRIES):
        try:
            info = os.lstat(path)
            if not _logged(path) and time.time_ns() - info.st_mtime_ns > _STILL_NS:
                found = Snapshot(path, path, info.st_size, info.st_mtime_ns)
                if not found.changed():
                    return found
            copied = _copy(path, private)
        except OSError as error:
            if isinstance(error, DatabaseError):
                raise
            raise DatabaseError(error.errno or 0, error.strerror or "cannot be read") from None
        if copied is not None:
            return copied
        time.sleep(pause)
        pause *= 2
    raise DatabaseError(11, "it was being changed at every try to read it; the next run tries again")


class _Seen(NamedTuple):
    main: tuple[int, int, int]
    wal: bytes
    wal_size: int
    journal: tuple[int, int] | None


def _look(path: str) -> _Seen:
    info = os.lstat(path)
    wal, size = b"", 0
    with contextlib.suppress(OSError):
        size = os.lstat(path + "-wal").st_size
        wal = _read(path + "-wal", _WAL_HEADER)
    journal = None
    with contextlib.suppress(OSError):
        found = os.lstat(path + "-journal")
        journal = (found.st_size, found.st_mtime_ns)
    return _Seen((info.st_size, info.st_mtime_ns, info.st_ino), wal, size, journal)


def _read(path: str, length: int) -> bytes:
    handle = os.open(path, _FLAGS)
    try:
        return os.read(handle, length)
    finally:
        os.close(handle)


def _copy(path: str, private: Path) -> Snapshot | None:
    """The database and its log copied; None where they changed meanwhile."""
    target = private / f"{sum(1 for _ in private.iterdir()):03d}.db"
    before = _look(path)
    there = {"": 1, "-wal": before.wal_size, "-journal": before.journal[0] if before.journal else 0}
    for ending in (ending for ending, size in there.items() if size):
        try:
            _duplicate(path + ending, str(target) + ending)
        except FileNotFoundError:
            _drop(target)
            return None
    after = _look(path)
    same = before.main == after.main and before.wal == after.wal and before.journal == after.journal
    if not same or after.wal_size < before.wal_size:
        _drop(target)
        return None
    try:
        # What the log holds goes into the copy, so that every process can then read it without writing.
        with contextlib.closing(sqlite3.connect(target, isolation_level=None)) as db:
            db.execute("PRAGMA trusted_schema=OFF")
            db.execute("PRAGMA journal_mode=DELETE")
            db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error as error:
        _drop(target)  # it was copied whole, so it is as broken where it stands
        raise DatabaseError(0, f"SQLite: {error}"[:200]) from None
    return Snapshot(str(target), path, before.main[0], before.main[1])


def _drop(target: Path) -> None:
    for ending in ("", "-wal", "-shm", "-journal"):
        target.with_name(target.name + ending).unlink(missing_ok=True)


def _duplicate(source: str, target: str) -> None:
    """Copy a file; by sharing its blocks where the file system can."""
    reading = os.open(source, _FLAGS)
    try:
        if not stat.S_ISREG(os.fstat(reading).st_mode):
            raise DatabaseError(0, "not a regular file")
        writing = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0), 0o600)
        try:
            share = getattr(os, "copy_file_range", None)
            while share is not None:
                try:
                    if not share(reading, writing, 1 << 30):
                        return
                except OSError:
                    share = None  # another file system, or one that cannot: go on by hand from here
            while block := os.read(reading, _BLOCK):
                view = memoryview(block)
                while view:
                    view = view[os.write(writing, view) :]
        finally:
            os.close(writing)
    finally:
        os.close(reading)


@contextlib.contextmanager
def opened(path: str) -> Iterator[sqlite3.Connection]:
    """The database of a snapshot for reading: nothing of its schema runs, text that is not UTF-8 is replaced.

    Errors of SQLite within the ``with`` become DatabaseError.
    """
    try:
        db = sqlite3.connect(f"{Path(path).as_uri()}?mode=ro&immutable=1", uri=True, isolation_level=None)
        try:
            db.execute("PRAGMA trusted_schema=OFF")
            db.execute("PRAGMA cell_size_check=ON")
            db.execute("PRAGMA query_only=ON")
            db.text_factory = lambda data: data.decode("utf-8", "replace")
            yield db
        finally:
            db.close()
    except sqlite3.Error as error:
        raise DatabaseError(0, f"SQLite: {error}"[:200]) from None
