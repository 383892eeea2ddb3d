"""What is right and wrong with the bucket and the logs that it copies: a list of checks, one line each.

Nothing here writes, but ``repair``, which is asked for. The comparison of copies with files reads every byte of both.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from tracetui.bucket.forget import unfinished
from tracetui.bucket.rebuild import index_state
from tracetui.bucket.repair import ASIDE, repair_copies
from tracetui.bucket.salvage import damaged, salvage
from tracetui.bucket.store import Bucket
from tracetui.bucket.stores import databases, unregistered
from tracetui.bucket.totals import accounts
from tracetui.bucket.verify import Fault
from tracetui.harness import HARNESSES, Harness
from tracetui.harness.base import Retention
from tracetui.harness.roots import LogFile, PathProblem, deleted_at, discover, files_of
from tracetui.harness.unread import places
from tracetui.model import SessionRow, TracetuiError

__all__ = ["Diagnosis", "Risk", "at_risk", "damaged_check", "examine", "examine_roots", "repair"]

SOON_DAYS: Final = 7
_DAY_MS: Final = 86_400_000
_PER_LOG: Final = 20
_SQLITE: Final = (3, 40)
_HEALED: Final = "tracetui doctor --repair"


class Diagnosis(NamedTuple):
    """One finding. ``status``: ok, warn or bad; ``line`` is 1-based; ``action`` is what the user can do, if known."""

    check: str
    status: str
    message: str
    harness: str | None = None
    path: str | None = None
    line: int | None = None
    action: str | None = None


class Risk(NamedTuple):
    """A session whose log its harness is about to delete; ``due`` in milliseconds since the epoch."""

    session: SessionRow
    due: int


def at_risk(
    bucket: Bucket, environ: Mapping[str, str], home: Path, *, now: int | None = None, harness: str | None = None
) -> list[Risk]:
    """The sessions that their harness (all, or the one named) will delete within a week, soonest first: their log lies
    under one of its roots and was not written to for nearly as long as it keeps logs."""
    now = round(time.time() * 1000) if now is None else now
    due_of = deadlines(environ, home, harness=harness)
    found: list[Risk] = []
    for row in bucket.sessions() if due_of is not None else ():
        due = None if row.gone or due_of is None else due_of(row.harness, row.path)
        if due is not None and due <= now + SOON_DAYS * _DAY_MS:
            found.append(Risk(row, due))
    found.sort(key=lambda risk: risk.due)
    return found


def deadlines(
    environ: Mapping[str, str], home: Path, *, harness: str | None = None
) -> Callable[[str, str], int | None] | None:
    """A function that says of a harness and a log's path when the harness will delete it (milliseconds since the
    epoch), None where it will not or the log is not there; None instead of it where no harness (or not the one named)
    deletes logs."""
    rules: dict[str, tuple[float, tuple[str, ...]]] = {}
    for item in HARNESSES.values():
        if item.retention is not None and harness in (None, item.name):
            roots = (os.path.join(os.fspath(root.path), "") for root in item.roots(environ, home))  # noqa: PTH118
            rules[item.name] = item.retention(environ, home).days, tuple(roots)
    if not rules:
        return None

    def due_of(name: str, path: str) -> int | None:
        days, below = rules.get(name, (0.0, ()))
        if not path.startswith(below):
            return None
        try:
            return deleted_at(os.lstat(path).st_mtime_ns, days)
        except (OSError, ValueError):
            return None

    return due_of


def risky(
    environ: Mapping[str, str] | None = None, home: Path | None = None, *, now: int | None = None
) -> Callable[[str, str | bytes], bool]:
    """A function that says of a harness and a log's path whether the harness will delete it within a week."""
    now = round(time.time() * 1000) if now is None else now
    due_of = deadlines(os.environ if environ is None else environ, Path.home() if home is None else home)

    def at_risk_of(name: str, path: str | bytes) -> bool:
        due = None if due_of is None else due_of(name, os.fsdecode(path))
        return due is not None and due <= now + SOON_DAYS * _DAY_MS

    return at_risk_of


def examine_roots(
    environ: Mapping[str, str],
    home: Path,
    bucket: Bucket | None,
    files: list[LogFile],
    *,
    wanted: Collection[str] | None = None,
    kept: Iterable[str] = (),
) -> Iterator[Diagnosis]:
    """What lies under each harness's roots and the ``kept`` paths; the log files found go to ``files``. Of them only
    the ``wanted`` paths, where given, are captured: the user left out the others."""
    known = {name: [root.path for root in item.roots(environ, home)] for name, item in HARNESSES.items()}
    some = False
    absent: list[Diagnosis] = []  # told last: there are many harnesses, and most people use two
    for name, roots in known.items():
        problems: list[PathProblem] = []
        found = list(discover(environ, home, [HARNESSES[name]], problems))
        files += found
        for root in roots:
            path = os.fspath(root)
            if not os.path.lexists(path):
                absent.append(Diagnosis("roots", "ok", "not there: nothing to capture", name, path))
                continue
            some = True
            yield _root(name, path, [file for file in found if file.root == path], bucket, wanted)
        for problem in problems:
            yield Diagnosis("roots", "bad", f"cannot be read ({problem.reason})", name, problem.path,
                        action="give yourself the right to read it")  # fmt: skip
        for file in found:
            if not os.access(file.path, os.R_OK):
                yield Diagnosis("unreadable", "bad", "this log cannot be read (permission denied)", name, file.path,
                            action="give yourself the right to read it")  # fmt: skip
    for title, place in places(home):
        yield Diagnosis("roots", "ok", f"{title}, not read yet", path=str(place))
    if not some:
        yield Diagnosis("roots", "warn", f"no logs of any agent under {home}", action="tracetui index PATH")
    for path in kept:
        items = list(files_of([path]))
        yield _root(None, path, [item for item in items if isinstance(item, LogFile)], bucket, wanted)
        for item in items:
            if isinstance(item, PathProblem):
                yield Diagnosis("roots", "warn", f"a kept path: {item.reason}", path=item.path)
    yield from absent


def _root(
    name: str | None, path: str, here: list[LogFile], bucket: Bucket | None, wanted: Collection[str] | None
) -> Diagnosis:
    """How much lies under a root or a kept path, and how much of it waits to be captured."""
    size = sum(file.size for file in here)
    take = here if wanted is None else [file for file in here if file.path in wanted]
    todo = len(bucket.check(take)) if bucket is not None else len(take)
    message = f"{len(here):,} {'log' if len(here) == 1 else 'logs'}, {size:,} bytes"
    if len(take) < len(here):
        message += f"; {len(here) - len(take):,} left out as you asked"
    message += f"; {todo:,} new or changed since the last capture"
    return Diagnosis("roots", "ok", message, name, path, action="tracetui index" if todo else None)


def examine(
    bucket: Bucket,
    environ: Mapping[str, str],
    home: Path,
    *,
    deep: bool = True,
    now: int | None = None,
    wanted: Collection[str] | None = None,
    kept: Iterable[str] = (),
) -> Iterator[Diagnosis]:
    """Every check of an open bucket and of the roots, as they are made; ``deep`` compares all content too. ``wanted``
    and ``kept`` as ``examine_roots`` takes them."""
    yield from _bucket(bucket)
    yield from _databases(bucket)
    yield from _forgetting(bucket)
    files: list[LogFile] = []
    yield from examine_roots(environ, home, bucket, files, wanted=wanted, kept=kept)
    yield from _records(bucket)
    yield from _unknown(bucket)
    yield from _generations(bucket)
    yield from _not_shown(bucket)
    if deep:
        yield from _copies(bucket)
    yield from _deletion(bucket, environ, home, now)


def _bucket(bucket: Bucket) -> Iterator[Diagnosis]:
    path = str(bucket.path)
    open_to_others = [
        os.path.join(folder, name)  # noqa: PTH118 - as many as there are logs
        for folder, folders, names in os.walk(path)
        for name in (*folders, *names)
        if os.name == "posix" and _mode(os.path.join(folder, name)) & 0o077  # noqa: PTH118
    ]
    for warning in bucket.warnings:
        yield Diagnosis("bucket", "warn", warning, path=path)
    for name in open_to_others[:_PER_LOG]:
        yield Diagnosis("permissions", "bad", "others can read this part of the bucket", path=name,
                    action=f"chmod -R go-rwx {path}")  # fmt: skip
    if sqlite3.sqlite_version_info < _SQLITE:
        yield Diagnosis("sqlite", "bad", f"SQLite {sqlite3.sqlite_version} is older than 3.40; searching may fail",
                    action="use a Python with a newer SQLite")  # fmt: skip
    if not bucket.warnings and not open_to_others:
        yield Diagnosis("bucket", "ok", "private and in a good place", path=path)
    reports = sorted((bucket.path / "errors").glob("*")) if (bucket.path / "errors").is_dir() else []
    if reports:
        yield Diagnosis("errors", "warn", f"{len(reports)} reports of unexpected errors; they hold no log text",
                    path=str(reports[-1]), action="report the newest, then delete them")  # fmt: skip


def _mode(path: str) -> int:
    try:
        info = os.lstat(path)
    except OSError:
        return 0
    return 0 if stat.S_ISLNK(info.st_mode) else stat.S_IMODE(info.st_mode)


def _databases(bucket: Bucket) -> Iterator[Diagnosis]:
    if (state := index_state(bucket)) != "whole":
        why = "was thrown away" if state == "missing" else "is behind the copies: a run did not end"
        yield Diagnosis(
            "database", "warn", f"the index {why}", path=str(bucket.path / "index.db"), action="tracetui index"
        )
    wrong = damaged(bucket.path)
    for path in (bucket.path / "index.db", *databases(bucket.path)):
        if path in wrong:
            yield damaged_check(path, wrong[path])
        else:
            yield Diagnosis("database", "ok", f"{path.name} is whole", path=str(path))


def damaged_check(path: Path, why: str) -> Diagnosis:
    """The check of a database that is damaged."""
    return Diagnosis("database", "bad", f"{path.name} is damaged ({why})", path=str(path), action=_HEALED)


def _forgetting(bucket: Bucket) -> Iterator[Diagnosis]:
    """A forget that a kill left unfinished, and databases of which it could not know what to remove."""
    try:
        left = unfinished(bucket.path)
    except TracetuiError as error:
        yield Diagnosis("forget", "bad", str(error), path=str(bucket.path))
        left = 0
    if left:
        message = f"forgetting {left:,} {'session' if left == 1 else 'sessions'} is not finished: traces are on disk"
        yield Diagnosis("forget", "bad", message, path=str(bucket.path), action=_HEALED)
    found = [
        ("index.db", unregistered(bucket._db, "index.db")),
        ("user.db", unregistered(bucket._db, "user.db", "user")),
    ]
    for path in databases(bucket.path):
        with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(path)) as db:
            found.append((path.name, unregistered(db, path.name)))
    for name, tables in dict(found).items():
        for table in tables:
            message = f"nobody says what its table {table} holds of sessions; forget leaves it alone"
            yield Diagnosis("forget", "warn", message, path=str(bucket.path / name), action="report this")


def _records(bucket: Bucket) -> Iterator[Diagnosis]:
    """What could not be read as it should, line by line, and files that were passed over (those have no harness)."""
    told: Counter[str] = Counter()
    for harness, path, line, reason in bucket.accounts.problems():
        told[path] += 1
        if not harness:
            yield Diagnosis("skipped", "warn", f"not captured: {reason}", path=path)
        elif told[path] <= _PER_LOG:
            yield Diagnosis("records", "warn", reason, harness, path, line or None)
    for path, number in told.items():
        if number > _PER_LOG:
            yield Diagnosis("records", "warn", f"{number - _PER_LOG:,} more problems in this log", path=path)
    if not told:
        yield Diagnosis("records", "ok", "every line of every log could be read")


def _unknown(bucket: Bucket) -> Iterator[Diagnosis]:
    for harness, types in bucket.accounts.unknown().items():
        for name, number in sorted(types.items()):
            message = f"{number:,} {'record' if number == 1 else 'records'} of the type {name}: kept, not understood"
            yield Diagnosis("unknown", "warn", message, harness, action="a newer tracetui may know them")


def _generations(bucket: Bucket) -> Iterator[Diagnosis]:
    harness = {file.path: file.harness for file in bucket.accounts.files()}
    for path, number in Counter(file.path for file in bucket.accounts.files()).items():
        if number > 1:
            message = f"this log was rewritten; {number} generations are kept"
            yield Diagnosis("generations", "ok", message, harness[path], path)


def _not_shown(bucket: Bucket) -> Iterator[Diagnosis]:
    """Every captured log whose steps are not listed, and why; and that no record is left without an account."""
    shown = told = 0
    for log in accounts(bucket._db):
        if log.why is None:
            shown += log.records
            if log.set_aside:
                why = f"set aside as {log.session}: its id is that of a session of yours, of which it holds no record"
                yield Diagnosis("parts", "warn", why, log.harness, log.path, action=f"tracetui show {log.own}")
            continue
        told += log.records
        if log.why == "generation":
            continue  # (told above)
        which = "a part of" if log.records < log.holder_records else "the same as"
        why = f"all its {log.records:,} records stand in {log.holder}, and it is not shown: {which} that log"
        yield Diagnosis("parts", "ok", why, log.harness, log.path)
    total = bucket.stats()["records"]
    message = f"{shown:,} records are of logs that are shown, {told:,} of others that stand in these or were rewritten"
    if shown + told == total:
        yield Diagnosis("parts", "ok", message)
    else:
        yield Diagnosis("parts", "bad", f"{message}; that makes {total:,} no more", action="tracetui doctor --repair")


def _copies(bucket: Bucket) -> Iterator[Diagnosis]:
    """The folder of copies against the index, both ways; each copy against the file it was made from, or, where that is
    gone, in itself."""
    wrong = 0
    for fault in bucket.verify():
        wrong += fault.file is not None
        yield _fault(bucket, fault)
    files = bucket.accounts.files()
    alone = sum(file.gone or not file.current for file in files)
    message = f"{len(files) - wrong:,} copies are whole and as their logs; {alone:,} are of logs rewritten or gone"
    yield Diagnosis("copies", "ok", message)
    aside = bucket.path / ASIDE
    if kept := sorted(aside.glob("*")) if aside.is_dir() else []:
        size = sum(path.lstat().st_size for path in kept)
        yield Diagnosis("aside", "ok", f"{len(kept):,} damaged copies were set aside, {size:,} bytes", path=str(aside),
                    action="delete them when nothing is missing")  # fmt: skip


def _fault(bucket: Bucket, fault: Fault) -> Diagnosis:
    file = fault.file
    if file is None:
        path = str(bucket.path / "copies" / fault.copy)
        return Diagnosis("copies", "bad", fault.reason, None, path, action=_HEALED)
    if fault.what == "torn":
        return Diagnosis("copies", "warn", fault.reason, file.harness, file.path, action="tracetui index")
    if fault.what == "lost":
        return Diagnosis("copies", "warn", fault.reason, file.harness, file.path)
    if fault.what in {"differs", "unreadable"}:
        try:
            info = os.lstat(file.path)
        except OSError:
            info = None
        if info is not None and (info.st_mtime_ns, info.st_size) != (file.mtime_ns, file.size):
            reason = f"{fault.reason}; it changed since"
            return Diagnosis("copies", "warn", reason, file.harness, file.path, action="tracetui index")
    return Diagnosis("copies", "bad", fault.reason, file.harness, file.path, action=_HEALED)


def _deletion(bucket: Bucket, environ: Mapping[str, str], home: Path, now: int | None) -> Iterator[Diagnosis]:
    now = round(time.time() * 1000) if now is None else now
    for harness in HARNESSES.values():
        if harness.retention is not None:
            yield from _deletion_by(harness, harness.retention(environ, home), bucket, environ, home, now)


def _deletion_by(
    harness: Harness, rule: Retention, bucket: Bucket, environ: Mapping[str, str], home: Path, now: int
) -> Iterator[Diagnosis]:
    action = f"raise {rule.setting} in {rule.path}"
    if rule.days == 0:
        told = f"{rule.setting} is 0: some versions of {harness.title} then keep no logs at all"
        yield Diagnosis("deletion", "warn", told, harness.name, str(rule.path), action=action)
        return
    risks = at_risk(bucket, environ, home, now=now, harness=harness.name)
    for session, due in risks:
        left = (due - now) / _DAY_MS
        when = "at its next start" if left <= 0 else f"in {left:.0f} days" if left >= 1 else "within a day"
        message = f"due for deletion {when} ({rule.setting} {rule.days:g}); its copy stays here"
        yield Diagnosis("deletion", "warn", message, harness.name, session.path, action=action)
    if not risks and any(root.path.is_dir() for root in harness.roots(environ, home)):
        message = f"logs are deleted after {rule.days:g} days; none is due within {SOON_DAYS} days"
        yield Diagnosis("deletion", "ok", message, harness.name, str(rule.path))


def repair(path: Path, checks: list[Diagnosis]) -> list[str]:
    """Set right what the checks name and can be, in the (closed) bucket at ``path``.

    A damaged index is rebuilt from the copies; copies as ``repair_copies`` says. Says what was done, a line each.
    """
    done: list[str] = []
    bad = [check for check in checks if check.status == "bad"]
    named = {Path(check.path) for check in bad if check.check == "database" and check.path}
    for database in sorted(named | set(damaged(path))):
        done.append(salvage(database))
        if database.name == "index.db":
            with Bucket.open(path) as bucket:
                bucket.capture([])
            done[-1] = "The index was rebuilt from the copies"
    if any(check.check == "forget" for check in bad):
        with Bucket.open(path) as bucket:
            done += bucket.warnings[-1:] if unfinished(path) else ["Forgetting was finished"]
    if any(check.check == "copies" for check in checks):
        with Bucket.open(path) as bucket:
            done += repair_copies(bucket)
    return done
