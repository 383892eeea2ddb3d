"""Capturing: which files are new or grew, who reads them, and what becomes of what they read.

Readers (``worker``) read, copy and parse; this process alone writes the index. A part of a log is in the copy before it
is in the index, so after a kill the copies are ahead at worst, and the next run reads the rest from them.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tracetui.bucket.changes import RunProgress, RunReport, changed, from_db, known, signed, to_db
from tracetui.bucket.databases import Databases
from tracetui.bucket.dictionary import keep_dictionary
from tracetui.bucket.index import IndexWriter, first_step, now_ms, origin
from tracetui.bucket.jobs import Jobs
from tracetui.bucket.location import Lock, copies_in, full_disk, no_room, sweep, temporary
from tracetui.bucket.parts import foreign_origin
from tracetui.bucket.session_writer import address, facts_from
from tracetui.bucket.userdata import Forgotten
from tracetui.bucket.wire import Done, Job, Message, Part
from tracetui.harness.roots import LogFile
from tracetui.harness.sources import container, exists
from tracetui.model import TracetuiError

__all__ = ["Capture", "RunProgress", "RunReport", "changed", "from_db", "to_db"]

_INLINE: Final = 6 * 1024 * 1024
"""Work of fewer bytes is done in this process: starting readers would take longer."""
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS})
_IDLE_NS: Final = 600 * 1_000_000_000
_REPORTED: Final = 1000
_COMMIT: Final = (0.05, 0.2, 0.4, 1.0)
"""Seconds between commits: the first sessions are shown at once; then bigger transactions cost less."""


@dataclass(slots=True)
class _Task:
    job: Job
    file: LogFile | None
    weight: int
    reached: int = 0
    """Of the weight, what the parts that came so far were made from."""
    log: int | None = None
    copy: str = ""
    path: str = ""
    generation: int = 0
    moved: bool = False
    dropped: bool = False
    replaces: int | None = None


class Capture:
    """One run over some files."""

    def __init__(
        self,
        folder: Path,
        db: sqlite3.Connection,
        forgotten: Forgotten,
        *,
        progress: Callable[[RunProgress], None] | None,
        cancelled: Callable[[], bool] | None,
        workers: int,
        again: bool = False,
        beginning: int = 0,
        foreign: bool = False,
        wanted: Callable[[str | None], bool] | None = None,
        contents: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.db = db
        self.forgotten = forgotten
        self.index = IndexWriter(db)
        self.report = RunReport()
        self._progress = progress
        self._cancelled = cancelled
        self._workers = workers
        self._again = again
        self._beginning = beginning
        self._foreign = foreign
        self._began = now_ms()
        self._databases = Databases(folder, db, forgotten, wanted, again=again)
        self._jobs = Jobs(folder, db, self._databases, contents or {}, beginning)
        self._tasks: dict[int, _Task] = {}
        self._touched: dict[tuple[str, str], bool] = {}
        self._old: set[tuple[str, str]] = set()
        self._seen: set[tuple[str, str]] = set()
        self._committed = 0.0
        self._commits = 0
        self._shown = 0.0
        self._bytes = 0
        self._total = 0
        self._files = 0
        self._count = 0
        self._phase = "capture"

    def run(self, files: Iterable[LogFile], wait: float) -> RunReport:
        """Capture what is new in ``files``. Waits up to ``wait`` seconds for another capturing process."""
        began = time.monotonic()
        files = list(files)
        with Lock(self.folder, wait) as lock:
            try:
                sweep(self.folder)
                self._upgrade()
                clean = self.db.execute("SELECT value FROM meta WHERE name='clean'").fetchone()
                if clean is None or clean[0] != 1:
                    self._phase = "recover"
                    self._work(self._recover(), lock)
                    self._phase = "capture"
                todo, same = changed(self.db, files, self.forgotten)
                if self._foreign or self.db.execute("SELECT 1 FROM log WHERE named!='' LIMIT 1").fetchone():
                    self.index.begin()
                    self._own(files)
                    self.index.commit()
                self._unchanged(same)
                if todo and not self.report.cancelled:
                    todo.sort(key=lambda file: file.mtime_ns, reverse=True)
                    self._old = set(self.db.execute("SELECT harness, id FROM session"))
                    self.index.begin()
                    self.db.execute("INSERT OR REPLACE INTO meta VALUES('clean', 0)")
                    self.index.commit()
                    with self._databases:
                        todo, still = self._databases.sessions_of(todo, self._problem)
                        self._unchanged(still)
                        self._work(list(self._plan(todo)), lock)
                if not self.report.cancelled:
                    self._finish(files)
                if not self._beginning:
                    self.index.price(self._stop)
            except sqlite3.OperationalError as error:
                self.index.rollback()
                if no_room(self.folder, error) or "disk I/O" in str(error):
                    raise self._full(str(error), room=no_room(self.folder, error)) from None
                raise TracetuiError(f"The bucket's index cannot be written ({error})") from None
            except BaseException:
                self.index.rollback()
                raise
        report = self.report
        report.sessions = len(self._seen | set(self._touched))
        report.new = sum(key not in self._old for key in self._touched)
        report.updated = len(self._touched) - report.new
        report.unchanged = report.sessions - report.new - report.updated
        report.seconds = time.monotonic() - began
        self._tell(force=True)
        return report

    def _upgrade(self) -> None:
        """Bring copies of an older version up, and lay the dictionary beside them."""
        from tracetui.bucket.upgrade import needs_upgrade, upgrade_copies

        try:
            keep_dictionary(self.folder)
        except OSError as error:
            raise self._full(error.strerror or str(error), room=no_room(self.folder, error)) from None
        if not needs_upgrade(self.folder):
            return

        def tell(done: int, count: int, size: int, total: int) -> None:
            self._count, self._files, self._bytes, self._total = done, count, size, total
            self._tell()

        self._phase = "upgrade"
        for name, reason in upgrade_copies(self.folder, tell, self._stop):
            self._problem(name, 0, reason)
        for name, size in copies_in(self.folder):
            self.db.execute("UPDATE log SET copy_size=? WHERE copy=? AND bytes=copied", (size, name))

    # planning

    def _unchanged(self, logs: list[int]) -> None:
        if len(logs) > 200:
            wanted = set(logs)
            rows = self.db.execute("SELECT id, harness, session FROM log")
            self._seen.update((row[1], row[2]) for row in rows if row[0] in wanted)
        else:
            marks = ",".join("?" * len(logs))
            self._seen.update(self.db.execute(f"SELECT harness, session FROM log WHERE id IN ({marks})", logs))

    def _new(self, file: LogFile, generation: int, replaces: int | None) -> _Task:
        from tracetui.bucket.copies import copy_name

        stem = _stem(file.path)
        copy = copy_name(file.path, generation)
        header = {"tracetui": 2, "path": file.path, "generation": generation, "captured": self._began}
        if not file.harness:
            header["named"] = file.root
        if self._foreign:
            header["origin"] = foreign_origin(file.root)
        job = self._jobs.make(copy, stem, header, path=os.fsencode(file.path), first=first_step(file.path))
        job = self._jobs.of_file(job, file)
        return _Task(job, file, file.size, copy=copy, path=file.path, generation=generation, replaces=replaces)

    def _plan(self, files: list[LogFile]) -> Iterator[_Task]:
        logs, _ = known(self.db, files)
        for file in files:
            row = logs.get(to_db(file.path))
            if row is not None:
                job, path, offset = self._jobs.known(row[4], file.path)
                yield _Task(self._jobs.of_file(job, file), file, max(file.size - offset, 0), log=row[4], path=path)
                continue
            moved = self._moved(file)
            if moved is not None:
                job, _, offset = self._jobs.known(moved, file.path)
                left = max(file.size - offset, 0)
                yield _Task(self._jobs.of_file(job, file), file, left, log=moved, path=file.path, moved=True)
                continue
            yield self._new(file, self._generation(file.path), None)

    def _generation(self, path: str) -> int:
        from tracetui.bucket.copies import copy_name

        found = self.db.execute("SELECT max(generation) FROM log WHERE path=?", (to_db(path),)).fetchone()[0]
        generation = 0 if found is None else found + 1
        # (A copy of which nobody could tell the path is not written over.)
        while self.db.execute("SELECT 1 FROM log WHERE copy=?", (copy_name(path, generation),)).fetchone():
            generation += 1
        return generation

    def _moved(self, file: LogFile) -> int | None:
        """The log of this file under a name that it no longer has (Codex archives its sessions by renaming)."""
        if not file.inode:
            return None
        rows = self.db.execute(
            "SELECT id, path FROM log WHERE inode=? AND device=? AND current=1 AND size<=?",
            (signed(file.inode), signed(file.dev), file.size),
        )
        for log, path in rows.fetchall():
            if not exists(from_db(path)):
                return int(log)
        return None

    def _recover(self) -> list[_Task]:
        """Copies that the index does not know, or knows less of than they hold."""
        rows = {row[0]: row for row in self.db.execute("SELECT copy, id, copy_size, bytes, copied FROM log")}
        tasks: list[tuple[int, _Task]] = []
        for name, size in copies_in(self.folder):
            row = rows.get(name)
            if row is not None:
                if row[2] != size or row[3] < row[4]:
                    job, path, _ = self._jobs.known(row[1], None)
                    tasks.append((now_ms(), _Task(job, None, size, log=row[1], copy=name, path=path)))
                continue
            task = self._orphan(name, size)
            if task is not None:
                tasks.append(task)
        tasks.sort(key=lambda item: item[0], reverse=True)
        self.report.recovered = len(tasks)
        return [task for _, task in tasks]

    def _orphan(self, name: str, size: int) -> tuple[int, _Task] | None:
        from tracetui.bucket.copies import CopyReader

        try:
            reader = CopyReader(self.folder / "copies" / name)
        except TracetuiError as error:
            self._problem(name, 0, str(error))
            return None
        found = reader.scan
        reader.close()
        if found.damage:
            self._problem(name, 0, f"damaged at byte {found.damage[0].at:,}; what is whole is kept")
        if not found.frames:
            return None
        path, generation = found.header.get("path"), found.header.get("generation")
        if not isinstance(path, str) or not isinstance(generation, int):
            path, generation = _nameless(name)
        stem = found.header.get("stem")
        hint = found.header.get("harness")
        job = self._jobs.make(
            name,
            stem if isinstance(stem, str) and stem else _stem(path),
            found.header,
            first=first_step(path),
            hint=hint if isinstance(hint, str) else "",
        )
        return found.stamp.mtime_ns, _Task(job, None, size * 6, copy=name, path=path, generation=generation)

    # working

    def _work(self, tasks: list[_Task], lock: Lock) -> None:
        self._total = sum(task.weight for task in tasks)
        self._files, self._count, self._bytes = len(tasks), 0, 0
        if not tasks:
            return
        self._committed = time.monotonic()
        if self._workers <= 0 or self._total <= _INLINE or self._beginning:
            self._inline(tasks)
        else:
            self._pooled(tasks, lock)
        self.index.commit()

    def _stop(self) -> bool:
        if self._cancelled is not None and not self.report.cancelled and self._cancelled():
            self.report.cancelled = True
        return self.report.cancelled

    def _inline(self, tasks: list[_Task]) -> None:
        from tracetui.bucket.worker import perform

        waiting = deque(tasks)
        while waiting and not self._stop():
            task = waiting.popleft()
            self._tasks[task.job.nth] = task
            more = self._message(perform(task.job, self._message))
            if more is not None:
                waiting.appendleft(more)

    def _pooled(self, tasks: list[_Task], lock: Lock) -> None:
        from tracetui.bucket.worker import Pool

        waiting = deque(tasks)
        pool = Pool(max(1, min(self._workers, len(tasks))), lock.handle)
        done = False
        try:
            self.index.expect_much()
            while (waiting or pool.busy) and not self._stop():
                while waiting and pool.hungry:
                    task = waiting.popleft()
                    self._tasks[task.job.nth] = task
                    pool.give(task.job)
                message = pool.take(0.2)
                if message is not None:
                    more = self._message(message)
                    if more is not None:
                        waiting.appendleft(more)
            done = not self.report.cancelled
        finally:
            self.index.much_done()
            pool.close(kill=not done)

    def _message(self, message: Message) -> _Task | None:
        """Take in what a reader says; a task to be done anew may come of it."""
        self.index.begin()
        more = None
        if isinstance(message, Part):
            self._part(self._tasks[message.nth], message)
        else:
            more = self._done(self._tasks.pop(message.nth), message)
        now = time.monotonic()
        if now - self._committed > _COMMIT[min(self._commits, len(_COMMIT) - 1)]:
            self.index.commit()
            self._commits += 1
            self._committed = time.monotonic()
        self._tell()
        return more

    def _part(self, task: _Task, part: Part) -> None:
        # One long log is most of a run: it counts as it is read, by its decoded bytes.
        before, task.reached = task.reached, min(max(part.offset - task.job.offset, task.reached), task.weight)
        self._bytes += task.reached - before
        if task.dropped:
            return
        facts = facts_from(part.facts)
        header = task.job.facts
        foreign = header.get("origin")
        prefix = f"{foreign}/" if isinstance(foreign, str) and foreign else origin(task.path)
        session = prefix + address(part.harness, facts.session or task.job.stem)
        if self.forgotten.session(part.harness, session):
            if not self._again:
                task.dropped = True
                return
            self.forgotten.forgive_session(part.harness, session)
        if task.log is None:
            task.log = self.index.add_log(
                path=to_db(task.path),
                copy=task.copy,
                harness=part.harness,
                stem=task.job.stem,
                generation=task.generation,
                header=header,
            )
            # Only the highest generation of a path is the file that is there now.
            rows = self.db.execute(
                "SELECT id, generation, harness, session FROM log WHERE path=?", (to_db(task.path),)
            ).fetchall()
            if len(rows) > 1:
                last = max(row[1] for row in rows)
                for log, generation, harness, other in rows:
                    self.db.execute("UPDATE log SET current=? WHERE id=?", (int(generation == last), log))
                    self.index.dirty(harness, other)
        elif task.moved:
            self.db.execute("UPDATE log SET path=?, gone=0 WHERE id=?", (to_db(task.path), task.log))
        self.index.apply(task.log, part)
        if task.moved:
            self.index.moved_within(task.log)
        for inner in part.inner:
            self.index.apply(self.index.log_within(task.log, inner.agent), inner)
        report = self.report
        report.records += part.records
        report.bad_records += part.bad
        for line, reason in part.problems:
            self._problem(task.path, line, reason)
        if task.file is not None and (part.records or part.rows or part.bad):
            self._touched[part.harness, session] = True
        else:
            self._seen.add((part.harness, session))

    def _done(self, task: _Task, message: Done) -> _Task | None:
        status = message.status
        file = task.file
        self._count += 1
        self._bytes += task.weight - task.reached
        if task.dropped:
            (self.folder / "copies" / task.copy).unlink(missing_ok=True)
            return None
        if status in {"ok", "unchanged"} and file is not None and self._was_skipped(file):
            self.db.execute("DELETE FROM skipped WHERE path=?", (to_db(file.path),))
        if status == "ok" and file is not None:
            self.report.bytes += task.weight
            if task.moved:
                self._note_move(task)
        elif status in {"rewritten", "damaged"} and file is not None:
            self._count -= 1
            self._bytes -= task.weight
            if status == "damaged":
                self._problem(task.path, 0, "its copy is damaged and set aside; captured anew beside it")
            # (Beside it, also where the index does not know what is in its way.)
            generation = max(self._generation(file.path), task.generation + (file.path == task.path))
            return self._new(file, generation, task.log)
        elif status.startswith("skipped: "):
            reason = status.removeprefix("skipped: ")
            self._problem(task.path, 0, reason)
            if file is not None:
                self._skip(file, reason)
        elif status == "error":
            if message.errno in _FULL:
                self.index.commit()
                room = message.errno in (errno.ENOSPC, errno.EDQUOT)
                raise self._full(message.reason, room=room)
            self._problem(task.path, 0, message.reason)
            self._databases.failed(task.path)
            if file is not None and not message.errno:
                self._skip(file, message.reason)
        return None

    def _note_move(self, task: _Task) -> None:
        from tracetui.bucket.copies import CopyWriter

        assert task.log is not None
        row = self.db.execute("SELECT copy FROM log WHERE id=?", (task.log,)).fetchone()
        writer = CopyWriter(self.folder / "copies" / row[0], {})
        try:
            writer.note(path=task.path)
            self.db.execute("UPDATE log SET copy_size=? WHERE id=?", (writer.size, task.log))
        finally:
            writer.close()

    def _was_skipped(self, file: LogFile) -> bool:
        return self.db.execute("SELECT 1 FROM skipped WHERE path=?", (to_db(file.path),)).fetchone() is not None

    def _skip(self, file: LogFile, reason: str) -> None:
        self.db.execute(
            "INSERT OR REPLACE INTO skipped VALUES(?,?,?,?,?)",
            (to_db(file.path), file.mtime_ns, file.size, signed(file.inode), reason),
        )

    def _problem(self, path: str, line: int, reason: str) -> None:
        if len(self.report.problems) < _REPORTED:
            self.report.problems.append((path, line, reason))

    def _full(self, why: str, *, room: bool) -> TracetuiError:
        """The error where nothing more can be written; ``room``: for want of space on the disk."""
        if room:
            left = max(0, self._total - self._bytes)
            return full_disk(self.folder, "capturing (everything captured before is intact)", left // 4)
        return TracetuiError(
            f"The bucket {ascii(str(self.folder))[1:-1]} could not be written ({why}); everything captured before is "
            "intact"
        )

    # the end of a run

    def _finish(self, files: list[LogFile]) -> None:
        self._phase = "pack"
        self.index.begin()
        if not self._beginning:
            self._databases.remember(self.index)
        self._gone(files)
        self.index.refresh()
        self._note()
        self._pack()
        self.db.execute("INSERT OR REPLACE INTO meta VALUES('clean', 1)")
        self.index.commit()

    def _gone(self, files: list[LogFile]) -> None:
        """Mark the logs whose file is no longer there; a look at each only when the run was over most of them."""
        total = self.db.execute("SELECT count(*) FROM log WHERE current=1 AND within IS NULL").fetchone()[0]
        if len(files) * 2 < total:
            return
        there = {to_db(file.path) for file in files}
        for log, path, gone, harness, session in self.db.execute(
            "SELECT id, path, gone, harness, session FROM log WHERE current=1 AND within IS NULL"
        ).fetchall():
            if path in there:
                now = 0
            elif container(from_db(path)) is not None:
                continue  # whether it still stands there, only a look into the database tells
            else:
                now = int(not os.path.lexists(from_db(path)))
            if now != gone:
                self.db.execute("UPDATE log SET gone=? WHERE id=?", (now, log))
                self.index.dirty(harness, session)

    def _note(self) -> None:
        """Write into the copies what the index found out and could not find out again."""
        from tracetui.bucket.copies import CopyWriter

        noted: dict[int, dict[str, Any]] = {}
        for log, fact, value in self.db.execute("SELECT log, fact, value FROM note").fetchall():
            noted.setdefault(log, {})[fact] = value
        for log, facts in noted.items():
            row = self.db.execute("SELECT copy FROM log WHERE id=? AND within IS NULL", (log,)).fetchone()
            if row is not None:
                writer = CopyWriter(self.folder / "copies" / row[0], {})
                try:
                    if not writer.damage:  # (Such a one takes no more: its log is captured anew.)
                        writer.note(**facts)
                    self.db.execute("UPDATE log SET copy_size=? WHERE id=?", (writer.size, log))
                finally:
                    writer.close()
            self.db.execute("DELETE FROM note WHERE log=?", (log,))

    def _own(self, files: list[LogFile]) -> None:
        """Logs that were named once and now stand under a root are the user's own; those of a run with ``foreign``
        are not, whatever they were before."""
        rows = {row[0]: row[1:] for row in self.db.execute("SELECT path, id, harness, session, named, origin FROM log")}
        for file in files:
            row = rows.get(to_db(file.path))
            if row is None:
                continue
            log, harness, session, named, foreign = row
            if self._foreign and not foreign:
                foreign = foreign_origin(file.root)
                raw = self.db.execute("SELECT raw FROM log WHERE id=?", (log,)).fetchone()[0]
                new = f"{foreign}/{address(harness, raw)}"
                self.db.execute("UPDATE log SET origin=?, session=? WHERE id=?", (foreign, new, log))
                self.db.execute("INSERT OR REPLACE INTO note VALUES(?, 'origin', ?)", (log, foreign))
                self.index.dirty(harness, new)
            elif file.harness and named:
                self.db.execute("UPDATE log SET named='' WHERE id=?", (log,))
                self.db.execute("INSERT OR REPLACE INTO note VALUES(?, 'named', '')", (log,))
                if self.db.execute("SELECT aside FROM log WHERE id=?", (log,)).fetchone()[0]:
                    own = session.partition("/")[2]
                    self.db.execute("UPDATE log SET origin='', aside=0, session=? WHERE id=?", (own, log))
                    self.index.dirty(harness, own)
            else:
                continue
            self.index.dirty(harness, session)

    def _pack(self) -> None:
        """Join the small frames of idle logs, and of busy ones with many."""
        from tracetui.bucket.rewrite import rewrite

        rows = self.db.execute(
            "SELECT id, copy FROM log WHERE loose>=2 AND (loose>=48 OR mtime_ns<?) LIMIT 500",
            (time.time_ns() - _IDLE_NS,),
        ).fetchall()
        if not rows:
            return
        with temporary(self.folder) as folder:
            for log, copy in rows:
                try:
                    done = rewrite(self.folder / "copies" / copy, folder)
                except TracetuiError as error:
                    self._problem(copy, 0, f"could not be packed ({error})")
                    continue
                except OSError as error:
                    self._problem(copy, 0, f"could not be packed ({error.strerror or error})")
                    return
                if done is None:
                    self.db.execute("UPDATE log SET loose=min(loose, 1) WHERE id=?", (log,))
                else:
                    self.db.execute("UPDATE log SET copy_size=?, loose=? WHERE id=?", (done.size, done.loose, log))

    def _tell(self, *, force: bool = False) -> None:
        if self._progress is None:
            return
        now = time.monotonic()
        if force or now - self._shown > 0.1:
            self._shown = now
            sessions = len(self._touched)
            self._progress(
                RunProgress(
                    self._phase, self._count, self._files, self._bytes, self._total, sessions, self.report.records
                )
            )


def _nameless(name: str) -> tuple[str, int]:
    """Path and generation for a copy that no longer tells them. Nobody knows whether its log was one's own, so that its
    session is addressed as one from elsewhere."""
    mark, _, generation = name.rpartition("/")[2].partition(".")[0].rpartition("-")
    return f"/lost/capsule:{mark[:8]}/{mark}.jsonl", int(generation) if generation.isdigit() else 0


def _stem(path: str) -> str:
    name = os.path.basename(path)  # noqa: PTH119
    for ending in (".zst", ".jsonl", ".json"):
        name = name.removesuffix(ending)
    return name.encode("utf-8", "replace").decode("utf-8")
