"""What is right and wrong with the bucket and the logs that it copies: a list of checks, one line each.

Nothing here writes, but ``repair``, which is asked for. The comparison of copies with files reads every byte of both.
"""

from __future__ import annotations

import os
import sqlite3
import stat
import time
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from tracetui.bucket.capture import to_db
from tracetui.bucket.rebuild import index_state
from tracetui.bucket.store import Bucket
from tracetui.harness import HARNESSES
from tracetui.harness.roots import LogFile, PathProblem, deleted_at, discover, files_of, retention
from tracetui.model import SessionRow

__all__ = ["Check", "Risk", "at_risk", "examine", "examine_roots", "repair", "settings_file"]

SOON_DAYS: Final = 7
_DAY_MS: Final = 86_400_000
_PER_LOG: Final = 20
_SQLITE: Final = (3, 40)


class Check(NamedTuple):
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


def settings_file(environ: Mapping[str, str], home: Path) -> Path:
    """The file in which Claude Code keeps ``cleanupPeriodDays``."""
    named = environ.get("CLAUDE_CONFIG_DIR")
    return (Path(named) if named else home / ".claude") / "settings.json"


def at_risk(bucket: Bucket, environ: Mapping[str, str], home: Path, *, now: int | None = None) -> list[Risk]:
    """The sessions that Claude Code will delete within a week, soonest first: their log lies under its root and was
    not written to for nearly ``cleanupPeriodDays``."""
    claude = HARNESSES.get("claude")
    if claude is None:
        return []
    now = round(time.time() * 1000) if now is None else now
    days = retention(environ, home)
    roots = [os.path.join(os.fspath(root.path), "") for root in claude.roots(environ, home)]  # noqa: PTH118
    found: list[Risk] = []
    for row in bucket.sessions():
        if row.harness != "claude" or row.gone or not row.path.startswith(tuple(roots)):
            continue
        try:
            due = deleted_at(os.lstat(row.path).st_mtime_ns, days)
        except OSError:
            continue
        if due <= now + SOON_DAYS * _DAY_MS:
            found.append(Risk(row, due))
    found.sort(key=lambda risk: risk.due)
    return found


def examine_roots(
    environ: Mapping[str, str],
    home: Path,
    bucket: Bucket | None,
    files: list[LogFile],
    *,
    wanted: Collection[str] | None = None,
    kept: Iterable[str] = (),
) -> Iterator[Check]:
    """What lies under each harness's roots and the ``kept`` paths; the log files found go to ``files``. Of them only
    the ``wanted`` paths, where given, are captured: the user left out the others."""
    known = {name: [root.path for root in item.roots(environ, home)] for name, item in HARNESSES.items()}
    some = False
    for name, roots in known.items():
        problems: list[PathProblem] = []
        found = list(discover(environ, home, [HARNESSES[name]], problems))
        files += found
        for root in roots:
            path = os.fspath(root)
            if not os.path.lexists(path):
                yield Check("roots", "ok", "not there: nothing to capture", name, path)
                continue
            some = True
            yield _root(name, path, [file for file in found if file.root == path], bucket, wanted)
        for problem in problems:
            yield Check("roots", "bad", f"cannot be read ({problem.reason})", name, problem.path,
                        action="give yourself the right to read it")  # fmt: skip
        for file in found:
            if not os.access(file.path, os.R_OK):
                yield Check("unreadable", "bad", "this log cannot be read (permission denied)", name, file.path,
                            action="give yourself the right to read it")  # fmt: skip
    if not some:
        yield Check("roots", "warn", f"no logs of any agent under {home}", action="tracetui index PATH")
    for path in kept:
        items = list(files_of([path]))
        yield _root(None, path, [item for item in items if isinstance(item, LogFile)], bucket, wanted)
        for item in items:
            if isinstance(item, PathProblem):
                yield Check("roots", "warn", f"a kept path: {item.reason}", path=item.path)


def _root(
    name: str | None, path: str, here: list[LogFile], bucket: Bucket | None, wanted: Collection[str] | None
) -> Check:
    """How much lies under a root or a kept path, and how much of it waits to be captured."""
    size = sum(file.size for file in here)
    take = here if wanted is None else [file for file in here if file.path in wanted]
    todo = len(bucket.check(take)) if bucket is not None else len(take)
    message = f"{len(here):,} {'log' if len(here) == 1 else 'logs'}, {size:,} bytes"
    if len(take) < len(here):
        message += f"; {len(here) - len(take):,} left out as you asked"
    message += f"; {todo:,} new or changed since the last capture"
    return Check("roots", "ok", message, name, path, action="tracetui index" if todo else None)


def examine(
    bucket: Bucket,
    environ: Mapping[str, str],
    home: Path,
    *,
    deep: bool = True,
    now: int | None = None,
    wanted: Collection[str] | None = None,
    kept: Iterable[str] = (),
) -> Iterator[Check]:
    """Every check of an open bucket and of the roots, as they are made; ``deep`` compares all content too. ``wanted``
    and ``kept`` as ``examine_roots`` takes them."""
    yield from _bucket(bucket)
    yield from _databases(bucket)
    files: list[LogFile] = []
    yield from examine_roots(environ, home, bucket, files, wanted=wanted, kept=kept)
    yield from _records(bucket)
    yield from _unknown(bucket)
    yield from _generations(bucket)
    if deep:
        yield from _copies(bucket)
    yield from _deletion(bucket, environ, home, now)


def _bucket(bucket: Bucket) -> Iterator[Check]:
    path = str(bucket.path)
    open_to_others = [
        os.path.join(folder, name)  # noqa: PTH118 - as many as there are logs
        for folder, folders, names in os.walk(path)
        for name in (*folders, *names)
        if os.name == "posix" and _mode(os.path.join(folder, name)) & 0o077  # noqa: PTH118
    ]
    for warning in bucket.warnings:
        yield Check("bucket", "warn", warning, path=path)
    for name in open_to_others[:_PER_LOG]:
        yield Check("permissions", "bad", "others can read this part of the bucket", path=name,
                    action=f"chmod -R go-rwx {path}")  # fmt: skip
    if sqlite3.sqlite_version_info < _SQLITE:
        yield Check("sqlite", "bad", f"SQLite {sqlite3.sqlite_version} is older than 3.40; searching may fail",
                    action="use a Python with a newer SQLite")  # fmt: skip
    if not bucket.warnings and not open_to_others:
        yield Check("bucket", "ok", "private and in a good place", path=path)
    reports = sorted((bucket.path / "errors").glob("*")) if (bucket.path / "errors").is_dir() else []
    if reports:
        yield Check("errors", "warn", f"{len(reports)} reports of unexpected errors; they hold no log text",
                    path=str(reports[-1]), action="report the newest, then delete them")  # fmt: skip


def _mode(path: str) -> int:
    try:
        info = os.lstat(path)
    except OSError:
        return 0
    return 0 if stat.S_ISLNK(info.st_mode) else stat.S_IMODE(info.st_mode)


def _databases(bucket: Bucket) -> Iterator[Check]:
    if (state := index_state(bucket)) != "whole":
        why = "was thrown away" if state == "missing" else "is behind the copies: a run did not end"
        yield Check("database", "warn", f"the index {why}", path=str(bucket.path / "index.db"), action="tracetui index")
    for schema, name in (("main", "index.db"), ("user", "user.db")):
        path = str(bucket.path / name)
        try:
            found = [str(row[0]) for row in bucket._db.execute(f"PRAGMA {schema}.integrity_check(5)")]
        except sqlite3.Error as error:
            found = [str(error)]
        if found == ["ok"]:
            yield Check("database", "ok", f"{name} is whole", path=path)
            continue
        action = (
            "tracetui doctor --repair rebuilds it from the copies"
            if schema == "main"
            else "copy the bucket elsewhere, then bring user.db back from a backup"
        )
        yield Check("database", "bad", f"{name} is damaged ({'; '.join(found)[:200]})", path=path, action=action)


def _records(bucket: Bucket) -> Iterator[Check]:
    """What could not be read as it should, line by line, and files that were passed over (those have no harness)."""
    told: Counter[str] = Counter()
    for harness, path, line, reason in bucket.problems():
        told[path] += 1
        if not harness:
            yield Check("skipped", "warn", f"not captured: {reason}", path=path)
        elif told[path] <= _PER_LOG:
            yield Check("records", "warn", reason, harness, path, line or None)
    for path, number in told.items():
        if number > _PER_LOG:
            yield Check("records", "warn", f"{number - _PER_LOG:,} more problems in this log", path=path)
    if not told:
        yield Check("records", "ok", "every line of every log could be read")


def _unknown(bucket: Bucket) -> Iterator[Check]:
    for harness, types in bucket.unknown().items():
        for name, number in sorted(types.items()):
            message = f"{number:,} {'record' if number == 1 else 'records'} of the type {name}: kept, not understood"
            yield Check("unknown", "warn", message, harness, action="a newer tracetui may know them")


def _generations(bucket: Bucket) -> Iterator[Check]:
    harness = {file.path: file.harness for file in bucket.files()}
    for path, number in Counter(file.path for file in bucket.files()).items():
        if number > 1:
            message = f"this log was rewritten; {number} generations are kept"
            yield Check("generations", "ok", message, harness[path], path)


def _copies(bucket: Bucket) -> Iterator[Check]:
    """Each copy against the file it was made from, or, where that is gone, each copy in itself."""
    wrong = 0
    for file, reason in bucket.verify():
        wrong += 1
        try:
            info = os.lstat(file.path) if file.current else None
        except OSError:
            info = None
        if info is not None and (info.st_mtime_ns, info.st_size) != (file.mtime_ns, file.size):
            yield Check(
                "copies", "warn", f"{reason}; it changed since", file.harness, file.path, action="tracetui index"
            )
        else:
            yield Check("copies", "bad", reason, file.harness, file.path,
                        action="tracetui doctor --repair, then: tracetui index")  # fmt: skip
    files = bucket.files()
    alone = sum(file.gone or not file.current for file in files)
    message = f"{len(files) - wrong:,} copies are whole and as their logs; {alone:,} are of logs rewritten or gone"
    yield Check("copies", "ok", message)


def _deletion(bucket: Bucket, environ: Mapping[str, str], home: Path, now: int | None) -> Iterator[Check]:
    if "claude" not in HARNESSES:
        return
    now = round(time.time() * 1000) if now is None else now
    days = retention(environ, home)
    file = settings_file(environ, home)
    action = f"raise cleanupPeriodDays in {file}"
    if days == 0:
        yield Check("deletion", "warn", "cleanupPeriodDays is 0: some versions of Claude Code then keep no logs at all",
                    "claude", str(file), action=action)  # fmt: skip
        return
    risks = at_risk(bucket, environ, home, now=now)
    for session, due in risks:
        left = (due - now) / _DAY_MS
        when = "at its next start" if left <= 0 else f"in {left:.0f} days" if left >= 1 else "within a day"
        yield Check("deletion", "warn", f"due for deletion {when} (cleanupPeriodDays {days:g}); its copy stays here",
                    "claude", session.path, action=action)  # fmt: skip
    if not risks and _has_logs(environ, home):
        yield Check("deletion", "ok", f"logs are deleted after {days:g} days; none is due within {SOON_DAYS} days",
                    "claude", str(file))  # fmt: skip


def _has_logs(environ: Mapping[str, str], home: Path) -> bool:
    return any(os.path.isdir(root.path) for root in HARNESSES["claude"].roots(environ, home))  # noqa: PTH112


def repair(path: Path, checks: list[Check]) -> list[str]:
    """Set right what the bad checks name and can be, in the (closed) bucket at ``path``.

    A damaged index is rebuilt from the copies; a log whose copy is damaged or differs is captured anew at the next
    ``index``, as a new generation. Says what was done, a line each.
    """
    done: list[str] = []
    bad = [check for check in checks if check.status == "bad"]
    if any(check.check == "database" and check.path and check.path.endswith("index.db") for check in bad):
        # Not by Bucket.rebuild, which would have to read what is damaged.
        for name in ("index.db", "index.db-wal", "index.db-shm"):
            (path / name).unlink(missing_ok=True)
        with Bucket.open(path) as bucket:
            bucket.capture([])
        done.append("The index was rebuilt from the copies")
    with Bucket.open(path) as bucket:
        for check in bad:
            if check.check == "copies" and check.path:
                # A mark of the head that no file fits: the next capture takes the file for a rewritten one.
                bucket._db.execute(
                    "UPDATE log SET head=zeroblob(16), mtime_ns=0 WHERE path=? AND current=1", (to_db(check.path),)
                )
                done.append(f"{check.path} will be captured anew by: tracetui index")
    return done
