"""``Bucket``: everything that is read from and written to a bucket goes through it."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tracetui.bucket import location, schema, sessions
from tracetui.bucket.accounts import Accounts
from tracetui.bucket.log_reader import LogReader, Overview
from tracetui.bucket.terms import Query
from tracetui.bucket.userdata import Forgotten, UserData
from tracetui.model import Hit, LogRow, Record, SessionRow, Source, Step, StepRow, TracetuiError

if TYPE_CHECKING:
    from tracetui.bucket.capture import RunProgress, RunReport
    from tracetui.bucket.damage import DamagedError
    from tracetui.bucket.forget import Forgetting
    from tracetui.bucket.verify import Fault
    from tracetui.harness.roots import LogFile

__all__ = ["Bucket"]


class Bucket:
    """A bucket, open. One thread at a time; several processes and objects may have it open at once.

    ``db`` is the index, with ``user.db`` attached as ``user``, for modules of this package. ``warnings`` holds what a
    person should know about its place; ``accounts`` counts what is in it. A bucket whose folder cannot be written
    (``read_only``) can be looked at; what the app notes by itself is then not kept. Every call may raise TracetuiError
    with one line to show.
    """

    def __init__(self, folder: Path, db: sqlite3.Connection, warnings: list[str], fixed: str = "") -> None:
        """Use ``Bucket.open``."""
        self.path = folder
        self.warnings = warnings
        self.read_only = bool(fixed)
        self._full = fixed == "full"
        if self._full:
            warnings.append(f"{location.full_disk(folder, 'writing into the bucket')}; it can only be looked at")
        elif fixed:
            warnings.append(f"The bucket {ascii(str(folder))[1:-1]} is read-only: nothing new is captured or kept")
        self._db = self.db = db
        self._user = UserData(db, fixed=self.read_only)
        self._forgotten = Forgotten(db)
        self._reader = LogReader(folder, db)
        self.accounts = Accounts(db)

    @classmethod
    def open(cls, path: str | os.PathLike[str] | None = None, create: bool = False, *, finish: bool = True) -> Bucket:
        """Open the bucket at ``path`` (default: ``TRACETUI_BUCKET``, else the user's data folder) after checking its
        place, permissions and version; ``create`` makes it where there is none. With ``finish`` what a killed
        ``forget`` left is removed first."""
        folder = location.default_path() if path is None else Path(path)
        folder = Path(os.path.abspath(folder))  # noqa: PTH100 (a symlink must stay to be seen)
        try:
            warnings = location.prepare(folder, create=create)
            db, fixed = schema.connect(folder)
        except OSError as error:
            if location.no_room(folder, error):
                raise location.full_disk(folder, "opening the bucket") from None
            raise TracetuiError(
                f"The bucket {ascii(str(folder))[1:-1]} cannot be opened ({error.strerror or error})"
            ) from None
        try:
            bucket = cls(folder, db, warnings, fixed)
            if finish:
                bucket._finish_forgetting()
            return bucket
        except sqlite3.Error as error:
            db.close()
            if location.no_room(folder, error):
                raise location.full_disk(folder, "writing into the bucket") from None
            raise TracetuiError(f"The bucket's user.db cannot be used ({error}); tracetui doctor --repair") from None

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
        progress: Callable[[RunProgress], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
        workers: int = 2,
        *,
        wait: float = 600.0,
        again: bool = False,
        beginning: int = 0,
        foreign: bool = False,
        wanted: Callable[[str | None], bool] | None = None,
        contents: Mapping[str, str] | None = None,
    ) -> RunReport:
        """Copy and index what is new in ``files``; reads from the copies what a killed run, or a thrown away index,
        left to do. ``workers`` are reader processes beside this one, for work worth it. Another capturing process is
        waited for, ``wait`` seconds at most. ``again`` captures what was forgotten too. ``beginning`` takes about as
        many bytes of each log and leaves the rest to the next capture. ``foreign`` gives their sessions an identity of
        their own: they are somebody else's. ``wanted`` says of the folder (None: unknown) in which a session of a
        database worked whether it may be captured. ``contents`` names, for paths at which no file stands, the file that
        holds their bytes.

        A file that cannot be read is a problem in the report and the rest goes on; a full disk raises TracetuiError
        and leaves everything captured before as it was.
        """
        from tracetui.bucket.capture import Capture

        self.need_writable()
        files = list(files)
        if again:
            for file in files:
                self._forgotten.forgive(file.path)
        run = Capture(
            self.path, self._db, self._forgotten, progress=progress, cancelled=cancelled, workers=workers, again=again,
            beginning=beginning, foreign=foreign, wanted=wanted,
            contents=contents,
        )  # fmt: skip
        return run.run(files, wait)

    def check(self, files: Iterable[LogFile]) -> list[LogFile]:
        """The files that need capturing, by size, mtime and inode; nothing is opened."""
        from tracetui.bucket.changes import changed

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

        Words and phrases of the query are looked for in the text of steps, and in titles and notes.
        """
        only = None
        if query is not None and query.text:
            from tracetui.bucket.search import sessions_with

            only = list(
                dict.fromkeys((*sessions_with(self._db, self._reader, query), *sessions.named(self._db, query)))
            )
        return sessions.rows(self._db, query, sort, limit, offset, only)

    def count(self, query: Query | None = None) -> int:
        """How many sessions match; words and phrases are not looked at."""
        return sessions.count(self._db, query)

    def session(self, id_or_prefix: str, harness: str | None = None) -> SessionRow:
        """The session of an id or unique beginning of one; raises UnknownId, AmbiguousId."""
        return sessions.by_id(self._db, id_or_prefix, harness)

    def logs(self, session_id: str, harness: str | None = None) -> list[LogRow]:
        """The parts of the main log in the order of time, subagent logs, then what is not shown."""
        row = self.session(session_id, harness)
        return self._reader.logs(row.id, row.harness)

    # steps

    def step_rows(self, log: int | LogRow, first: int = 1, last: int | None = None) -> list[StepRow]:
        """The steps of a log as rows of a list, by number."""
        return self._reader.step_rows(_log(log), first, last)

    def first_step(self, log: int | LogRow) -> int:
        """The number of a log's first step: 1, but in a range out of a capsule the number that it had there."""
        return self._reader.first(_log(log))

    def overview(self, log: int | LogRow) -> Overview:
        """Kinds, failures and prompt tokens of all steps, for the strip."""
        return self._reader.overview(_log(log))

    def step(self, log: int | LogRow, number: int) -> Step:
        """One full step, read again from the copy."""
        for found in self._reader.steps(_log(log), number, number):
            return found
        raise TracetuiError(f"No step {number} in this log")

    def steps(
        self,
        log: int | LogRow,
        first: int = 1,
        last: int | None = None,
        lost: Callable[[int, DamagedError], None] | None = None,
    ) -> Iterator[Step]:
        """Full steps, read again from the copy, one at a time. Of those that the copy lost ``lost`` is told the number
        and why; without it DamagedError is raised."""
        return self._reader.steps(_log(log), first, last, lost)

    def sources(self, log: int | LogRow) -> Iterator[tuple[int, str, str, tuple[Source, ...]]]:
        """Number, kind, key and sources of every step of a log; nothing is read from the copy."""
        return self._reader.sources(_log(log))

    def records(self, log: int | LogRow, offset: int = 0) -> Iterator[Record]:
        """The records of a log, from the line that begins at byte ``offset`` on."""
        return self._reader.records(_log(log), offset)

    def records_of(self, log: int | LogRow, sources: Iterable[Source]) -> list[Record]:
        """The records of these lines, such as a step's ``sources``."""
        return self._reader.records_at(_log(log), tuple(sources))

    def raw(self, log: int | LogRow, source: Source) -> bytes:
        """The bytes of one line, without its end; only the frames that hold it are decompressed."""
        return self._reader.raw(_log(log), source)

    def cache_file(self, log: int | LogRow, kind: str) -> Path:
        """Where something that was worked out from a log may be kept: a private file, thrown away at will, that
        ``forget`` removes. Its folder may not exist yet."""
        return location.cache_file(self.path, self._reader.copy_name(_log(log)), kind)

    # search

    def search(
        self,
        query: Query | str,
        regex: bool = False,
        limit: int | None = 50,
        sort: str = "newest",
        cancelled: Callable[[], bool] | None = None,
        filters: Query | None = None,
    ) -> Iterator[Hit]:
        """Steps that hold all words and phrases of the query, as they are found; one hit per step.

        A string is parsed as a query line. With ``regex`` a string is an RE2 pattern over the text of steps, and
        ``filters`` holds the typed terms. ``sort``: ``newest`` or ``score``. Raises TracetuiError, of status 2 for a
        bad pattern, before the first hit.
        """
        from tracetui.bucket import search

        search.check_sort(sort)
        if regex:
            text = query if isinstance(query, str) else " ".join((*query.words, *query.phrases))
            terms = filters or (Query() if isinstance(query, str) else query)
            return search.find_pattern(self._db, self._reader, text, terms, limit, sort, cancelled)
        if isinstance(query, str):
            from tracetui.bucket.query import parse

            query = parse(query)
        return search.find(self._db, self._reader, query, limit, sort, cancelled)

    # the bucket as a whole

    def stats(self, retention_days: Mapping[str, float] | None = None) -> dict[str, Any]:
        """Totals, as the command prints them. ``at_risk`` counts sessions whose harness deletes them within 7 days, if
        it deletes what was not written to for its ``retention_days``."""
        from tracetui.bucket.totals import stats

        return stats(self._db, self.path, retention_days or {})

    def verify(
        self, progress: Callable[[int, int], None] | None = None, cancelled: Callable[[], bool] | None = None
    ) -> Iterator[Fault]:
        """Compare the folder of copies with the index, both ways, every copy with its own checksums and with the log it
        was made of; gives what is wrong. Reads everything; ``progress`` is told (copies done, all copies)."""
        from tracetui.bucket.verify import verify

        return verify(self._db, self.path, progress, cancelled)

    def put_titles(self, titles: Mapping[str, str], harness: str) -> None:
        """Titles that a harness keeps apart from its logs, by its own session ids."""
        from tracetui.bucket.totals import put_titles

        if not self.read_only:
            put_titles(self._db, titles, harness)

    def forget(self, session: SessionRow | str | Iterable[SessionRow | str], wait: float = 600.0) -> list[SessionRow]:
        """Remove sessions for good: copies, index rows, full-text remnants, marks, notes and summaries. They are not
        captured again, but by ``capture(..., again=True)``."""
        self.need_writable()
        named = [session] if isinstance(session, SessionRow | str) else list(session)
        rows = [self._row(item) for item in named]
        if not self._forgetting().forget(rows, wait):
            self._again(wait)
        return rows

    def _forgetting(self) -> Forgetting:
        from tracetui.bucket.forget import Forgetting

        return Forgetting(self.path, self._db, self._reader, self._forgotten)

    def _again(self, wait: float) -> None:
        """Texts could not be named to the index: it is built again from the copies that are left."""
        from tracetui.bucket.capture import Capture

        Capture(self.path, self._db, self._forgotten, progress=None, cancelled=None, workers=2).run([], wait)

    def _finish_forgetting(self) -> None:
        """What a killed ``forget`` left to do; another process at it is left to it."""
        if self.read_only or not (self.path / "forget.json").exists():
            return
        try:
            if not self._forgetting().finish(0.0):
                self._again(0.0)
        except (TracetuiError, sqlite3.Error, OSError) as error:
            self.warnings.append(f"Sessions that were to be forgotten are still there in part: {error}")

    def rebuild(
        self, progress: Callable[[RunProgress], None] | None = None, cancelled: Callable[[], bool] | None = None
    ) -> RunReport:
        """Throw the index away and build it from the copies alone."""
        from tracetui.bucket.capture import Capture

        self.need_writable()
        self._reader.close()
        with location.Lock(self.path, 600.0):
            schema.reset_index(self._db)
        run = Capture(self.path, self._db, self._forgotten, progress=progress, cancelled=cancelled, workers=2)
        return run.run([], 600.0)

    def temporary(self) -> contextlib.AbstractContextManager[Path]:
        """A private folder inside the bucket for the time of a ``with``."""
        return location.temporary(self.path)

    # what the user makes

    def bookmark(self, session: SessionRow | str, on: bool = True) -> None:
        """Set or remove a session's bookmark."""
        self.need_writable()
        row = self._row(session)
        self._user.bookmark(row.harness, row.id, on=on)

    def note(self, session: SessionRow | str, text: str | None) -> None:
        """Set a session's note; None removes it."""
        self.need_writable()
        row = self._row(session)
        self._user.note(row.harness, row.id, text)

    def mark_seen(self, session: SessionRow | str) -> None:
        """The user has looked at all its steps: it is unread when more come."""
        if self.read_only:
            return
        row = self._row(session)
        self._user.seen(row.harness, row.id, self.session(row.id, row.harness).steps)

    def setting(self, name: str) -> Any:
        """A small JSON value that the user's choices left, or None."""
        return self._user.setting(name)

    def set_setting(self, name: str, value: Any) -> None:
        """Keep a small JSON value; None removes it."""
        if not self.read_only:
            self._user.set_setting(name, value)

    def put_summary(self, session: SessionRow | str, topic: str, counts: Mapping[str, int] | None) -> None:
        """Keep the counts of ``findings`` or ``survival`` that lists show; None: not known."""
        if self.read_only:
            return
        row = self._row(session)
        self._user.put_summary(row.harness, row.id, topic, counts)

    def need_writable(self) -> None:
        """Raises TracetuiError where nothing can be written."""
        if self._full:
            raise location.full_disk(self.path, "writing into the bucket")
        if self.read_only:
            raise TracetuiError(f"The bucket {ascii(str(self.path))[1:-1]} is read-only; it can only be looked at")

    def _row(self, session: SessionRow | str) -> SessionRow:
        return session if isinstance(session, SessionRow) else self.session(session)


def _log(log: int | LogRow) -> int:
    return log if isinstance(log, int) else log.id
