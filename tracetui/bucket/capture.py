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
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tracetui.bucket.changes import Progress, RunReport, changed, from_db, known, signed, to_db
from tracetui.bucket.index import IndexWriter, address, facts_from, first_step, now_ms, origin
from tracetui.bucket.place import Lock, sweep, temporary
from tracetui.bucket.userdata import Forgotten
from tracetui.harness.roots import LogFile
from tracetui.model import TracetuiError

__all__ = ["Capture", "Progress", "RunReport", "changed", "from_db", "to_db"]

_INLINE: Final = 6 * 1024 * 1024
"""Work of fewer bytes is done in this process: starting readers would take longer."""
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS})
_IDLE_NS: Final = 600 * 1_000_000_000
_REPORTED: Final = 1000
_COMMIT: Final = (0.05, 0.2, 0.4, 1.0)
"""Seconds between commits: the first sessions are shown at once; then bigger transactions cost less."""


@dataclass(slots=True)
class _Task:
    job: dict[str, Any]
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
        progress: Callable[[Progress], None] | None,
        cancelled: Callable[[], bool] | None,
        workers: int,
        again: bool = False,
        beginning: int = 0,
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
        self._tasks: dict[int, _Task] = {}
        self._nth = 0
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
                clean = self.db.execute("SELECT value FROM meta WHERE name='clean'").fetchone()
                if clean is None or clean[0] != 1:
                    self._phase = "recover"
                    self._work(self._recover(), lock)
                    self._phase = "capture"
                todo, same = changed(self.db, files, self.forgotten)
                self._unchanged(same)
                if todo and not self.report.cancelled:
                    todo.sort(key=lambda file: file.mtime_ns, reverse=True)
                    self._old = set(self.db.execute("SELECT harness, id FROM session"))
                    self.index.begin()
                    self.db.execute("INSERT OR REPLACE INTO meta VALUES('clean', 0)")
                    self.index.commit()
                    self._work(list(self._plan(todo)), lock)
                if not self.report.cancelled:
                    self._finish(files)
            except sqlite3.OperationalError as error:
                self.index.rollback()
                if "full" in str(error) or "disk I/O" in str(error):
                    raise self._full(str(error)) from None
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

    # planning

    def _unchanged(self, logs: list[int]) -> None:
        if len(logs) > 200:
            wanted = set(logs)
            rows = self.db.execute("SELECT id, harness, session FROM log")
            self._seen.update((row[1], row[2]) for row in rows if row[0] in wanted)
        else:
            marks = ",".join("?" * len(logs))
            self._seen.update(self.db.execute(f"SELECT harness, session FROM log WHERE id IN ({marks})", logs))

    def _job(self, **keys: Any) -> dict[str, Any]:
        self._nth += 1
        job = {"nth": self._nth, "harness": "", "state": None, "offset": 0, "line": 1, "head": None, "tail": None}
        job.update(trusted=None, header={}, beginning=self._beginning, **keys)
        return job

    def _new(self, file: LogFile, generation: int, replaces: int | None) -> _Task:
        from tracetui.bucket.copies import copy_name

        stem = _stem(file.path)
        copy = copy_name(file.path, generation)
        header = {"tracetui": 1, "path": file.path, "stem": stem, "generation": generation, "captured": now_ms()}
        job = self._job(path=file.path, copy=str(self.folder / "copies" / copy), stem=stem)
        job["header"], job["first"] = header, first_step(file.path)
        return _Task(job, file, file.size, copy=copy, path=file.path, generation=generation, replaces=replaces)

    def _known_log(self, log: int, path: str | None) -> tuple[dict[str, Any], str, int]:
        row = self.db.execute(
            "SELECT copy, harness, stem, state, bytes, line, head, tail, copy_size, copied, path FROM log WHERE id=?",
            (log,),
        ).fetchone()
        copy, harness, stem, state, offset, line, head, tail, copy_size, copied, old = row
        job = self._job(path=path, copy=str(self.folder / "copies" / copy), stem=stem)
        job.update(harness=harness, state=state, offset=offset, line=line, head=head, tail=tail)
        job["first"] = first_step(from_db(old))
        if path is not None:
            job["trusted"] = (copy_size, copied)
        return job, from_db(old), offset

    def _plan(self, files: list[LogFile]) -> Iterator[_Task]:
        logs, _ = known(self.db, files)
        for file in files:
            row = logs.get(to_db(file.path))
            if row is not None:
                job, path, offset = self._known_log(row[4], file.path)
                yield _Task(job, file, max(file.size - offset, 0), log=row[4], path=path)
                continue
            moved = self._moved(file)
            if moved is not None:
                job, _, offset = self._known_log(moved, file.path)
                yield _Task(job, file, max(file.size - offset, 0), log=moved, path=file.path, moved=True)
                continue
            yield self._new(file, self._generation(file.path), None)

    def _generation(self, path: str) -> int:
        found = self.db.execute("SELECT max(generation) FROM log WHERE path=?", (to_db(path),)).fetchone()[0]
        return 0 if found is None else found + 1

    def _moved(self, file: LogFile) -> int | None:
        """The log of this file under a name that it no longer has (Codex archives its sessions by renaming)."""
        if not file.inode:
            return None
        rows = self.db.execute(
            "SELECT id, path FROM log WHERE inode=? AND device=? AND current=1 AND size<=?",
            (signed(file.inode), signed(file.dev), file.size),
        )
        for log, path in rows.fetchall():
            if not os.path.lexists(from_db(path)):
                return int(log)
        return None

    def _recover(self) -> list[_Task]:
        """Copies that the index does not know, or knows less of than they hold."""
        rows = {row[0]: row for row in self.db.execute("SELECT copy, id, copy_size, bytes, copied FROM log")}
        tasks: list[tuple[int, _Task]] = []
        root = self.folder / "copies"
        for sub in sorted(os.scandir(root), key=lambda entry: entry.name):
            if not sub.is_dir(follow_symlinks=False):
                continue
            for entry in os.scandir(sub.path):
                if not entry.name.endswith(".jsonl.zst") or not entry.is_file(follow_symlinks=False):
                    continue
                name = f"{sub.name}/{entry.name}"
                size = entry.stat(follow_symlinks=False).st_size
                row = rows.get(name)
                if row is not None:
                    if row[2] != size or row[3] < row[4]:
                        job, path, _ = self._known_log(row[1], None)
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
            if size:
                self._problem(name, 0, str(error))
            return None
        try:
            header, stamp = reader.scan.header, reader.scan.stamp
        finally:
            reader.close()
        path, stem, generation = header.get("path"), header.get("stem"), header.get("generation")
        if not isinstance(path, str) or not isinstance(stem, str) or not isinstance(generation, int):
            self._problem(name, 0, "a copy without a path in its header")
            return None
        job = self._job(path=None, copy=str(self.folder / "copies" / name), stem=stem)
        job["header"], job["first"] = header, first_step(path)
        return stamp.mtime_ns, _Task(job, None, size * 6, copy=name, path=path, generation=generation)

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
            self._tasks[task.job["nth"]] = task
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
                    self._tasks[task.job["nth"]] = task
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

    def _message(self, message: dict[str, Any]) -> _Task | None:
        """Take in what a reader says; a task to be done anew may come of it."""
        self.index.begin()
        more = None
        if "part" in message:
            self._part(self._tasks[message["part"]], message)
        else:
            more = self._done(self._tasks.pop(message["done"]), message)
        now = time.monotonic()
        if now - self._committed > _COMMIT[min(self._commits, len(_COMMIT) - 1)]:
            self.index.commit()
            self._commits += 1
            self._committed = time.monotonic()
        self._tell()
        return more

    def _part(self, task: _Task, part: dict[str, Any]) -> None:
        # One long log is most of a run: it counts as it is read, by its decoded bytes.
        before, task.reached = task.reached, min(max(part["offset"] - task.job["offset"], task.reached), task.weight)
        self._bytes += task.reached - before
        if task.dropped:
            return
        facts = facts_from(part["facts"])
        session = origin(task.path) + address(part["harness"], facts.session or task.job["stem"])
        if self.forgotten.session(part["harness"], session):
            if not self._again:
                task.dropped = True
                return
            self.forgotten.forgive_session(part["harness"], session)
        if task.log is None:
            task.log = self.index.add_log(
                path=to_db(task.path),
                copy=task.copy,
                harness=part["harness"],
                stem=task.job["stem"],
                generation=task.generation,
                captured=int(task.job["header"].get("captured", 0)),
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
        report = self.report
        report.records += part["records"]
        report.bad_records += part["bad"]
        for line, reason in part["problems"]:
            self._problem(task.path, line, reason)
        if task.file is not None and (part["records"] or part["rows"] or part["bad"]):
            self._touched[part["harness"], session] = True
        else:
            self._seen.add((part["harness"], session))

    def _done(self, task: _Task, message: dict[str, Any]) -> _Task | None:
        status = message["status"]
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
        elif status == "rewritten" and file is not None:
            self._count -= 1
            self._bytes -= task.weight
            return self._new(file, self._generation(task.path) if not task.moved else 0, task.log)
        elif status.startswith("skipped: "):
            reason = status.removeprefix("skipped: ")
            self._problem(task.path, 0, reason)
            if file is not None:
                self._skip(file, reason)
        elif status == "error":
            if message["errno"] in _FULL:
                self.index.commit()
                raise self._full(message["reason"])
            self._problem(task.path, 0, message["reason"])
            if file is not None and not message["errno"]:
                self._skip(file, message["reason"])
        return None

    def _note_move(self, task: _Task) -> None:
        from tracetui.bucket.copies import CopyWriter

        assert task.log is not None
        row = self.db.execute("SELECT copy, copy_size, copied FROM log WHERE id=?", (task.log,)).fetchone()
        writer = CopyWriter(self.folder / "copies" / row[0], {}, trusted=(row[1], row[2]))
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

    def _full(self, why: str) -> TracetuiError:
        return TracetuiError(
            f"The bucket {ascii(str(self.folder))[1:-1]} could not be written ({why}); everything captured before is "
            "intact: make room on the disk and run the command again"
        )

    # the end of a run

    def _finish(self, files: list[LogFile]) -> None:
        self._phase = "pack"
        self.index.begin()
        self._gone(files)
        self._pack()
        self.db.execute("INSERT OR REPLACE INTO meta VALUES('clean', 1)")
        self.index.commit()

    def _gone(self, files: list[LogFile]) -> None:
        """Mark the logs whose file is no longer there; a look at each only when the run was over most of them."""
        total = self.db.execute("SELECT count(*) FROM log WHERE current=1").fetchone()[0]
        if len(files) * 2 < total:
            return
        there = {to_db(file.path) for file in files}
        for log, path, gone, harness, session in self.db.execute(
            "SELECT id, path, gone, harness, session FROM log WHERE current=1"
        ).fetchall():
            now = int(path not in there and not os.path.lexists(from_db(path)))
            if now != gone:
                self.db.execute("UPDATE log SET gone=? WHERE id=?", (now, log))
                self.index.dirty(harness, session)

    def _pack(self) -> None:
        """Join the small frames of idle logs, and of busy ones with many."""
        from tracetui.bucket.copies import repack

        rows = self.db.execute(
            "SELECT id, copy FROM log WHERE loose>=2 AND (loose>=48 OR mtime_ns<?) LIMIT 500",
            (time.time_ns() - _IDLE_NS,),
        ).fetchall()
        if not rows:
            return
        with temporary(self.folder) as folder:
            for log, copy in rows:
                try:
                    done = repack(self.folder / "copies" / copy, folder)
                except (OSError, TracetuiError) as error:
                    self._problem(copy, 0, f"could not be packed ({error})")
                    return
                if done is None:
                    self.db.execute("UPDATE log SET loose=min(loose, 1) WHERE id=?", (log,))
                else:
                    self.db.execute("UPDATE log SET copy_size=?, loose=? WHERE id=?", (*done, log))

    def _tell(self, *, force: bool = False) -> None:
        if self._progress is None:
            return
        now = time.monotonic()
        if force or now - self._shown > 0.1:
            self._shown = now
            sessions = len(self._touched)
            self._progress(
                Progress(self._phase, self._count, self._files, self._bytes, self._total, sessions, self.report.records)
            )


def _stem(path: str) -> str:
    name = os.path.basename(path)  # noqa: PTH119
    for ending in (".zst", ".jsonl"):
        name = name.removesuffix(ending)
    return name.encode("utf-8", "replace").decode("utf-8")
