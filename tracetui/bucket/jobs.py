"""The jobs of a capturing run: what a reader is told about a log, new or known."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from tracetui.bucket.changes import from_db
from tracetui.bucket.index import first_step
from tracetui.bucket.wire import Job, packed_header

if TYPE_CHECKING:
    from tracetui.bucket.databases import Databases
    from tracetui.harness.roots import LogFile

__all__ = ["Jobs"]


class Jobs:
    """Numbers jobs. ``contents`` (path -> file) says what to read in place of a log, ``beginning`` how many bytes of
    each are enough, 0 for all."""

    def __init__(
        self, folder: Path, db: sqlite3.Connection, databases: Databases, contents: Mapping[str, str], beginning: int
    ) -> None:
        self.folder, self.db = folder, db
        self._databases, self._contents, self._beginning = databases, contents, beginning
        self._nth = 0

    def make(self, copy: str, stem: str, header: dict[str, Any], **keys: Any) -> Job:
        """A job over the copy of that name."""
        self._nth += 1
        path = os.fsencode(self.folder / "copies" / copy)
        return Job(nth=self._nth, copy=path, stem=stem, header=packed_header(header), beginning=self._beginning, **keys)

    def of_file(self, job: Job, file: LogFile) -> Job:
        """Tell a job what its file was like, and what to read where it stands in a database."""
        found = self._databases.snapshot(file.path)
        data = self._contents.get(file.path)
        return replace(
            job,
            stamp=(file.mtime_ns, file.size, file.inode, file.dev),
            snapshot=None if found is None else (os.fsencode(found[0]), os.fsencode(found[1]), *found[2:]),
            data=None if data is None else os.fsencode(data),
        )

    def known(self, log: int, path: str | None) -> tuple[Job, str, int]:
        """A job that reads a known log on, from ``path`` (None: its copy); the log's path; how far it was read."""
        row = self.db.execute(
            "SELECT copy, harness, stem, state, bytes, line, head, tail, path, origin FROM log WHERE id=?", (log,)
        ).fetchone()
        copy, harness, stem, state, offset, line, head, tail, old, foreign = row
        inner = self.db.execute(
            "SELECT within, state FROM log WHERE copy>? AND copy<? AND within IS NOT NULL", (copy + "#", copy + "$")
        )
        job = self.make(
            copy,
            stem,
            {"origin": foreign} if foreign else {},
            path=None if path is None else os.fsencode(path),
            harness=harness,
            state=state,
            offset=offset,
            line=line,
            head=head,
            tail=tail,
            first=first_step(from_db(old)),
            inner=tuple(inner.fetchall()),
        )
        return job, from_db(old), offset
