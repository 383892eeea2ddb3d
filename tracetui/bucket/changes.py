"""Which files need capturing, and how a run tells what it did."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tracetui.bucket.userdata import Forgotten

if TYPE_CHECKING:
    from tracetui.harness.roots import LogFile

__all__ = ["RunProgress", "RunReport", "changed", "from_db", "known", "signed", "to_db", "within"]


@dataclass(frozen=True, slots=True)
class RunProgress:
    """How far a run is. ``bytes`` is an estimate for compressed logs; ``phase``: upgrade, recover, capture or pack."""

    phase: str
    files_done: int
    files: int
    bytes_done: int
    bytes: int
    sessions: int
    records: int


@dataclass(slots=True)
class RunReport:
    """What a run did, as ``index --json`` prints it. ``records``, ``bad_records`` and ``bytes`` (of logs) count what
    this run read; ``problems`` are (path, line, reason), at most 1,000; ``recovered`` counts logs that were read from
    their copies because a run before was killed or the index was gone."""

    sessions: int = 0
    new: int = 0
    updated: int = 0
    unchanged: int = 0
    records: int = 0
    bad_records: int = 0
    bytes: int = 0
    seconds: float = 0.0
    problems: list[tuple[str, int, str]] = field(default_factory=list)
    recovered: int = 0
    cancelled: bool = False


def to_db(path: str) -> str | bytes:
    """A path as SQLite can hold it: names that are not UTF-8 as bytes."""
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return os.fsencode(path)
    return path


def from_db(path: str | bytes) -> str:
    """The reverse of ``to_db``."""
    return os.fsdecode(path) if isinstance(path, bytes) else path


def known(db: sqlite3.Connection, files: list[LogFile]) -> tuple[dict[Any, Any], dict[Any, Any]]:
    """Rows of logs and of skipped files by path, for these files."""
    logs = "SELECT path, size, mtime_ns, inode, id FROM log WHERE current=1"
    skipped = "SELECT path, size, mtime_ns, inode FROM skipped"
    if len(files) <= 200:
        marks = ",".join("?" * len(files))
        paths = [to_db(file.path) for file in files]
        return (
            {row[0]: row for row in db.execute(f"{logs} AND path IN ({marks})", paths)},
            {row[0]: row for row in db.execute(f"{skipped} WHERE path IN ({marks})", paths)},
        )
    return {row[0]: row for row in db.execute(logs)}, {row[0]: row for row in db.execute(skipped)}


def within(db: sqlite3.Connection, database: str) -> list[int]:
    """The logs of the sessions of a database."""
    first, last = to_db(f"{database}/"), to_db(f"{database}0")  # the next character behind the slash
    return [row[0] for row in db.execute("SELECT id FROM log WHERE current=1 AND path>? AND path<?", (first, last))]


def signed(value: int) -> int:
    """A number as SQLite can hold it: inodes of some file systems use all 64 bits."""
    return value - (1 << 64) if value >= 1 << 63 else value


def _same(row: tuple[Any, ...], file: LogFile) -> bool:
    return row[1] == file.size and row[2] == file.mtime_ns and (not file.inode or row[3] == signed(file.inode))


def changed(db: sqlite3.Connection, files: Iterable[LogFile], forgotten: Forgotten) -> tuple[list[LogFile], list[int]]:
    """The files that need capturing, by size, mtime and inode alone, and the log ids of the others. A database is
    asked for as a whole: one that is as it was when all its sessions were captured needs no look into it."""
    from tracetui.harness.database import ENDINGS  # (the first frame needs no harness)

    files = list(files)
    logs, skipped = known(db, files)
    out: list[LogFile] = []
    rest: list[int] = []
    for file in files:
        if file.path.endswith(ENDINGS):
            whole = db.execute("SELECT * FROM container WHERE path=?", (to_db(file.path),)).fetchone()
            if whole is not None and _same((whole[0], whole[2], whole[1], whole[3]), file):
                rest += within(db, file.path)
                continue
        row = logs.get(file.path)
        if row is None and not file.path.isascii():
            row = logs.get(to_db(file.path))
        if row is not None:
            if _same(row, file):
                rest.append(row[4])
                continue
            other = skipped.get(row[0])
        else:
            other = skipped.get(to_db(file.path))
            if forgotten.path(file.path):
                continue
        if other is None or not _same(other, file):
            out.append(file)
    return out, rest
