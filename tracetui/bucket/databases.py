"""Sessions that stand in other programs' databases: which of them need capturing, and what is read in their place."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tracetui.bucket.changes import changed, signed, to_db, within
from tracetui.bucket.location import temporary
from tracetui.bucket.userdata import Forgotten
from tracetui.harness.database import ENDINGS, DatabaseError, Snapshot, is_database, opened, snapshot
from tracetui.harness.roots import LogFile
from tracetui.harness.sources import source_of

if TYPE_CHECKING:
    from tracetui.bucket.index import IndexWriter

__all__ = ["Databases"]

_MEMBERS: Final = 1_000_000


class Databases:
    """The databases of one run. Within ``with self``, their private copies are there."""

    def __init__(
        self,
        folder: Path,
        db: sqlite3.Connection,
        forgotten: Forgotten,
        wanted: Callable[[str | None], bool] | None,
        *,
        again: bool,
    ) -> None:
        self._folder = folder
        self._db = db
        self._forgotten = forgotten
        self._wanted = wanted
        self._again = again
        self._lost: list[tuple[int, int]] = []
        self._stack = ExitStack()
        self._private: Path | None = None
        self._snapshots: dict[str, Snapshot] = {}
        self._read: dict[str, LogFile] = {}

    def __enter__(self) -> Databases:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
        self._private = None

    def sessions_of(
        self, files: list[LogFile], problem: Callable[[str, int, str], None]
    ) -> tuple[list[LogFile], list[int]]:
        """The files, and in place of each database those of its sessions that need capturing; and the logs of the
        others. A database that cannot be read is told to ``problem`` (path, line, reason) and left to the next run."""
        out: list[LogFile] = []
        still: list[int] = []
        for file in files:
            if not file.path.endswith(ENDINGS) or not is_database(file.path):
                out.append(file)
                continue
            try:
                found = self._members(file)
            except DatabaseError as error:
                problem(file.path, 0, error.strerror or str(error))
                continue
            if found is None:
                out.append(file)  # passed over as any file of no known harness
                continue
            todo, same = changed(self._db, found, self._forgotten)
            out += todo
            still += same
        return out, still

    def _members(self, file: LogFile) -> list[LogFile] | None:
        if self._private is None:
            self._private = self._stack.enter_context(temporary(self._folder))
        seen = snapshot(file.path, self._private)
        with opened(seen.path) as db:
            source = source_of(db)
            if source is None:
                return None
            found: list[LogFile] = []
            there: set[str | bytes] = set()
            whole = True
            for member in source.members(db, file.path):
                path = f"{file.path}/{member.name}"
                there.add(to_db(path))
                if self._again:
                    self._forgotten.forgive(path)
                if self._wanted is not None and not self._wanted(member.folder):
                    whole = False  # the user may want it at the next run, the database being the same
                else:
                    found.append(LogFile(path, file.root, member.size, member.mtime_ns, 0, 0, file.harness))
                if len(there) >= _MEMBERS:
                    break
        if seen.changed():
            raise DatabaseError(11, "it changed while it was read; the next run reads it again")
        self._snapshots[file.path] = seen
        if whole:
            self._read[file.path] = file
        for log in within(self._db, file.path):
            path, gone = self._db.execute("SELECT path, gone FROM log WHERE id=?", (log,)).fetchone()
            if gone != int(path not in there):
                self._lost.append((log, int(path not in there)))
        return found

    def snapshot(self, path: str) -> tuple[Any, ...] | None:
        """What to read of the log at ``path``; None where it stands in no database of this run."""
        found = self._snapshots.get(os.path.dirname(path))  # noqa: PTH120
        return None if found is None else tuple(found)

    def failed(self, path: str) -> None:
        """A session could not be read: the next run is to look into its database again."""
        self._read.pop(os.path.dirname(path), None)  # noqa: PTH120

    def remember(self, index: IndexWriter) -> None:
        """Note the databases all whose sessions were captured, and which sessions they no longer hold."""
        for log, gone in self._lost:
            self._db.execute("UPDATE log SET gone=? WHERE id=?", (gone, log))
            index.dirty(*self._db.execute("SELECT harness, session FROM log WHERE id=?", (log,)).fetchone())
        self._lost.clear()
        for path, file in self._read.items():
            self._db.execute(
                "INSERT OR REPLACE INTO container VALUES(?,?,?,?)",
                (to_db(path), file.mtime_ns, file.size, signed(file.inode)),
            )
        self._read.clear()
