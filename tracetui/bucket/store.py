"""``Bucket``: everything that is read from and written to a bucket goes through it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tracetui.bucket import place, schema, sessions
from tracetui.bucket.reader import LogReader, Overview
from tracetui.bucket.terms import Query
from tracetui.bucket.userdata import Forgotten, UserData
from tracetui.model import LogRow, Record, SessionRow, Source, Step, StepRow, TracetuiError

if TYPE_CHECKING:
    from tracetui.bucket.capture import Progress, RunReport
    from tracetui.harness.roots import LogFile

__all__ = ["Bucket"]


class Bucket:
    """A bucket, open. One thread at a time; several processes and objects may have it open at once.

    ``warnings`` holds what a person should know about its place. Every call may raise TracetuiError with one line to
    show.
    """

    def __init__(self, folder: Path, db: sqlite3.Connection, warnings: list[str]) -> None:
        """Use ``Bucket.open``."""
        self.path = folder
        self.warnings = warnings
        self._db = db
        self._user = UserData(db)
        self._forgotten = Forgotten(db)
        self._reader = LogReader(folder, db)

    @classmethod
    def open(cls, path: str | os.PathLike[str] | None = None, create: bool = False) -> Bucket:
        """Open the bucket at ``path`` (default: ``TRACETUI_BUCKET``, else the user's data folder) after checking its
        place, permissions and version; ``create`` makes it where there is none."""
        folder = place.default_path() if path is None else Path(path)
        folder = Path(os.path.abspath(folder))  # noqa: PTH100 (a symlink must stay to be seen)
        try:
            warnings = place.prepare(folder, create=create)
            db, _ = schema.connect(folder)
        except OSError as error:
            raise TracetuiError(
                f"The bucket {ascii(str(folder))[1:-1]} cannot be opened ({error.strerror or error})"
            ) from None
        try:
            return cls(folder, db, warnings)
        except sqlite3.Error as error:
            db.close()
            raise TracetuiError(f"The bucket cannot be written ({error}); is the disk full or read-only?") from None

    def close(self) -> None:
        """Close files and databases; more calls do nothing."""
        self._reader.close()
        self._db.close()

    def __enter__(self) -> Bucket:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # capturing

    def capture(
        self,
        files: Iterable[LogFile],
        progress: Callable[[Progress], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
        workers: int = 2,
        *,
        wait: float = 600.0,
        again: bool = False,
    ) -> RunReport:
        """Copy and index what is new in ``files``; reads from the copies what a killed run, or a thrown away index,
        left to do. ``workers`` are reader processes beside this one, for work worth it. Another capturing process is
        waited for, ``wait`` seconds at most. ``again`` captures what was forgotten too.

        A file that cannot be read is a problem in the report and the rest goes on; a full disk raises TracetuiError
        and leaves everything captured before as it was.
        """
        from tracetui.bucket.capture import Capture

        files = list(files)
        if again:
            for file in files:
                self._forgotten.forgive(file.path)
        run = Capture(
            self.path, self._db, self._forgotten, progress=progress, cancelled=cancelled, workers=workers, again=again
        )
        return run.run(files, wait)

    def check(self, files: Iterable[LogFile]) -> list[LogFile]:
        """The files that need capturing, by size, mtime and inode; nothing is opened."""
        from tracetui.bucket.capture import changed

        return changed(self._db, files, self._forgotten)[0]

    # lists

    def sessions(
        self,
        query: Query | None = None,
        sort: str = "ended",
        limit: int | None = None,
        offset: int = 0,
    ) -> list[SessionRow]:
        """Sessions that match, newest first (or as ``sort`` says, see ``sessions.SORTS``), from the index alone.

        Words and phrases of the query are looked for in the text of steps.
        """
        only = None
        if query is not None and query.text:
            from tracetui.bucket.search import sessions_with

            only = sessions_with(self._db, self._reader, query)
        return sessions.rows(self._db, query, sort, limit, offset, only)

    def count(self, query: Query | None = None) -> int:
        """How many sessions match; words and phrases are not looked at."""
        return sessions.count(self._db, query)

    def session(self, id_or_prefix: str, harness: str | None = None) -> SessionRow:
        """The session of an id or unique beginning of one; raises UnknownId, AmbiguousId."""
        return sessions.by_id(self._db, id_or_prefix, harness)

    def logs(self, session_id: str, harness: str | None = None) -> list[LogRow]:
        """Main log, subagent logs, then other generations."""
        row = self.session(session_id, harness)
        return self._reader.logs(row.id, row.harness)

    # steps

    def step_rows(self, log: int | LogRow, first: int = 1, last: int | None = None) -> list[StepRow]:
        """The steps of a log as rows of a list, by number."""
        return self._reader.step_rows(_log(log), first, last)

    def overview(self, log: int | LogRow) -> Overview:
        """Kinds, failures and prompt tokens of all steps, for the strip."""
        return self._reader.overview(_log(log))

    def step(self, log: int | LogRow, number: int) -> Step:
        """One full step, read again from the copy."""
        for found in self._reader.steps(_log(log), number, number):
            return found
        raise TracetuiError(f"No step {number} in this log")

    def steps(self, log: int | LogRow, first: int = 1, last: int | None = None) -> Iterator[Step]:
        """Full steps, read again from the copy, one at a time."""
        return self._reader.steps(_log(log), first, last)

    def records(self, log: int | LogRow, offset: int = 0) -> Iterator[Record]:
        """The records of a log, from the line that begins at byte ``offset`` on."""
        return self._reader.records(_log(log), offset)

    def records_of(self, log: int | LogRow, sources: Iterable[Source]) -> list[Record]:
        """The records of these lines, such as a step's ``sources``."""
        return self._reader.records_at(_log(log), tuple(sources))

    def raw(self, log: int | LogRow, source: Source) -> bytes:
        """The bytes of one line, without its end; only the frames that hold it are decompressed."""
        return self._reader.raw(_log(log), source)

    # what the user makes

    def bookmark(self, session: SessionRow | str, on: bool = True) -> None:
        """Set or remove a session's bookmark."""
        row = self._row(session)
        self._user.bookmark(row.harness, row.id, on=on)

    def note(self, session: SessionRow | str, text: str | None) -> None:
        """Set a session's note; None removes it."""
        row = self._row(session)
        self._user.note(row.harness, row.id, text)

    def mark_seen(self, session: SessionRow | str) -> None:
        """The user has looked at all its steps: it is unread when more come."""
        row = self._row(session)
        self._user.seen(row.harness, row.id, self.session(row.id, row.harness).steps)

    def setting(self, name: str) -> Any:
        """A small JSON value that the user's choices left, or None."""
        return self._user.setting(name)

    def set_setting(self, name: str, value: Any) -> None:
        """Keep a small JSON value; None removes it."""
        self._user.set_setting(name, value)

    def put_summary(self, session: SessionRow | str, topic: str, counts: Mapping[str, int] | None) -> None:
        """Keep the counts of ``findings`` or ``survival`` that lists show; None: not known."""
        row = self._row(session)
        self._user.put_summary(row.harness, row.id, topic, counts)

    def _row(self, session: SessionRow | str) -> SessionRow:
        return session if isinstance(session, SessionRow) else self.session(session)


def _log(log: int | LogRow) -> int:
    return log if isinstance(log, int) else log.id
