"""``doctor --repair``: copies healed from their logs, or from what is whole of them; the index from the copies.

A damaged copy is never overwritten. Where its log is still there, the log is captured anew beside it; where it is gone,
what is whole of the copy is written to a new one. Either way the damaged file goes to ``aside/`` in the bucket, and is
kept there until the user deletes it or forgets the session.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tracetui.bucket.changes import to_db
from tracetui.bucket.copies import CopyReader, DamagedError, sync_folder
from tracetui.bucket.index import IndexWriter
from tracetui.bucket.location import Lock, make_private, temporary
from tracetui.bucket.rewrite import rewrite
from tracetui.bucket.stores import log_tables
from tracetui.bucket.verify import Fault, verify
from tracetui.model import TracetuiError

if TYPE_CHECKING:
    from tracetui.bucket.store import Bucket

__all__ = ["ASIDE", "drop_logs", "repair_copies", "set_aside"]

ASIDE: Final = "aside"
"""The folder of a bucket for damaged copies."""
_NO_HEAD: Final = bytes(16)


def set_aside(folder: Path, copy: str) -> Path:
    """Give the copy a second name in ``aside/``; the first may then be taken by another file. Raises OSError."""
    make_private(folder / ASIDE)
    name = copy.rpartition("/")[2]
    nth = 0
    while True:
        target = folder / ASIDE / (f"{name}.{nth}" if nth else name)
        try:
            os.link(folder / "copies" / copy, target)
        except FileExistsError:
            nth += 1
            continue
        except OSError:  # a file system without links
            (folder / "copies" / copy).rename(target)
        sync_folder(target.parent)
        return target


def drop_logs(db: sqlite3.Connection, logs: list[int]) -> None:
    """Take logs out of the index, as if they had never been captured; what the word index holds of them stays."""
    writer = IndexWriter(db)
    writer.begin()
    try:
        for log in logs:
            row = db.execute("SELECT harness, session FROM log WHERE id=?", (log,)).fetchone()
            for table in log_tables(db):
                db.execute(f'DELETE FROM "{table}" WHERE log=?', (log,))
            db.execute("DELETE FROM log WHERE id=?", (log,))
            if row is not None:
                writer.dirty(*row)
        writer.commit()
    except BaseException:
        writer.rollback()
        raise


def repair_copies(bucket: Bucket) -> Iterator[str]:
    """Set right what is wrong with copies; says what was done, a line each."""
    faults = list(verify(bucket._db, bucket.path))
    if any(fault.what in {"unknown", "torn", "behind"} for fault in faults):
        _recover(bucket)
        faults = list(verify(bucket._db, bucket.path))
    sick = [fault for fault in faults if fault.what in {"damaged", "missing", "differs"}]
    current = [fault.file.path for fault in sick if fault.file is not None and fault.file.current]
    again = {path for path in current if os.path.lexists(path)}
    if again:
        yield from _capture_anew(bucket, sorted(again))
    for fault in verify(bucket._db, bucket.path) if again else sick:
        if fault.what in {"damaged", "unknown"}:
            yield _heal(bucket, fault)
        elif fault.what == "missing" and fault.file is not None:
            with Lock(bucket.path, 600.0):
                drop_logs(bucket._db, [fault.file.log])
            yield f"{_shown(fault)}: copy and log are gone; taken out of the index"


def _shown(fault: Fault) -> str:
    return ascii(fault.file.path)[1:-1] if fault.file is not None else fault.copy


def _recover(bucket: Bucket) -> None:
    """Have the copies read of which the index does not have all."""
    bucket._db.execute("INSERT OR REPLACE INTO meta VALUES('clean', 0)")
    bucket.capture([])


def _capture_anew(bucket: Bucket, paths: list[str]) -> Iterator[str]:
    from tracetui.harness.roots import LogFile, files_of

    files = [item for item in files_of(paths) if isinstance(item, LogFile)]
    for file in files:
        # A mark of the head that no file fits: the file is taken for a rewritten one.
        bucket._db.execute("UPDATE log SET head=?, mtime_ns=0 WHERE path=? AND current=1", (_NO_HEAD, to_db(file.path)))
    bucket.capture(files)
    for file in files:
        yield f"{ascii(file.path)[1:-1]} was captured anew"


def _heal(bucket: Bucket, fault: Fault) -> str:
    """Put the damaged copy aside, and what only it holds into one that is whole."""
    folder, db = bucket.path, bucket._db
    bucket._reader.close()
    with Lock(folder, 600.0):
        if fault.file is not None and _elsewhere(db, folder, fault):
            set_aside(folder, fault.copy)
            drop_logs(db, [fault.file.log])
            (folder / "copies" / fault.copy).unlink(missing_ok=True)
            return f"{_shown(fault)}: the damaged copy went to {ASIDE}/; the log was captured whole beside it"
        kept = _write_anew(bucket, fault)
        if fault.file is not None:
            drop_logs(db, [fault.file.log])
    _recover(bucket)
    if not kept:
        return f"{_shown(fault)}: nothing of the damaged copy could be read; it went to {ASIDE}/"
    return f"{_shown(fault)}: what is whole was written anew; the damaged copy went to {ASIDE}/"


def _write_anew(bucket: Bucket, fault: Fault) -> bool:
    """Write what is whole of a copy in its place; whether there was anything."""
    folder = bucket.path
    copy = folder / "copies" / fault.copy
    set_aside(folder, fault.copy)
    facts = None
    if fault.file is not None:
        row = bucket._db.execute("SELECT generation, captured FROM log WHERE id=?", (fault.file.log,)).fetchone()
        facts = {"path": fault.file.path, "generation": row[0], "captured": row[1], "harness": fault.file.harness}
    with temporary(folder) as place, contextlib.suppress(TracetuiError):
        done = rewrite(copy, place, leave_out=True, facts=facts)
        if done is not None and done.size:
            return True
    copy.unlink(missing_ok=True)
    return False


def _elsewhere(db: sqlite3.Connection, folder: Path, fault: Fault) -> bool:
    """Whether another copy of the same path holds everything that is whole in this one."""
    assert fault.file is not None
    others = db.execute(
        "SELECT copy FROM log WHERE path=? AND id<>? ORDER BY generation DESC", (to_db(fault.file.path), fault.file.log)
    ).fetchall()
    return any(_holds(folder / "copies" / other, folder / "copies" / fault.copy) for (other,) in others)


def _holds(whole: Path, part: Path) -> bool:
    try:
        other, reader = CopyReader(whole), CopyReader(part)
    except TracetuiError:
        return False
    try:
        return not other.scan.damage and all(
            piece.data is None or other.read(piece.start, piece.length) == piece.data for piece in reader.pieces()
        )
    except DamagedError:
        return False
    finally:
        other.close()
        reader.close()
