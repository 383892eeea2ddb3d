"""Verdicts that are kept: the states of a session's hunks at a commit, and of what they rest on.

A verdict is found by session, repository and commit, and holds as long as its mark does (`mark`): a digest of logs,
refs, index and of the files that the verdict looked at. To see that, only the names of those files are read; the
states come after.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from operator import attrgetter
from pathlib import Path
from typing import Any, Final

import orjson

from tracetui.model import SessionRow
from tracetui.trail.assigned import session_name
from tracetui.trail.states import HunkState
from tracetui.trail.store import Store

__all__ = ["Verdicts", "depends", "mark"]

_KEPT: Final = 12
"""Verdicts per session and repository."""
_TABLE: Final = """
CREATE TABLE IF NOT EXISTS verdict(session TEXT, repo TEXT, at TEXT, mark TEXT, used INTEGER, depends BLOB, states BLOB,
    PRIMARY KEY(session, repo, at)) WITHOUT ROWID
"""
_FIELDS: Final = tuple(name for name in HunkState.__dataclass_fields__ if name != "session")
_values = attrgetter(*_FIELDS)
_COMMITS, _LINES, _DEPENDS = (_FIELDS.index(name) for name in ("commits", "lines", "depends"))


class Verdicts:
    """The verdicts of one repository in a database. Those read or written last stay in memory, too."""

    def __init__(self, db: sqlite3.Connection, folder: Path) -> None:
        self._db = db
        self._repo = str(folder)
        self._held: dict[tuple[str, str], tuple[str, list[HunkState]]] = {}
        db.execute("PRAGMA secure_delete=ON")
        columns = [row[1] for row in db.execute("PRAGMA table_info(verdict)")]
        if columns and "depends" not in columns:  # of an older version; all of it can be worked out again
            db.execute("DROP TABLE verdict")
        db.execute(_TABLE)

    def depends(self, session: SessionRow, at: str) -> tuple[str, list[str]] | None:
        """The mark of the verdict at a commit and the files it rests on; None where there is none."""
        row = self._db.execute(
            "SELECT mark, depends FROM verdict WHERE session = ? AND repo = ? AND at = ?",
            (session_name(session), self._repo, at),
        ).fetchone()
        try:
            return None if row is None else (row[0], orjson.loads(row[1]))
        except (orjson.JSONDecodeError, TypeError):
            return None

    def states(self, session: SessionRow, at: str, mark: str) -> list[HunkState] | None:
        """The states of the verdict at a commit that has this mark; None where they cannot be read."""
        key = (session_name(session), at)
        held = self._held.get(key)
        if held is not None and held[0] == mark:
            return held[1]
        row = self._db.execute(
            "SELECT states FROM verdict WHERE session = ? AND repo = ? AND at = ? AND mark = ?",
            (key[0], self._repo, at, mark),
        ).fetchone()
        if row is None:
            return None
        try:
            found = [_state(session.id, item) for item in orjson.loads(row[0])]
        except (orjson.JSONDecodeError, TypeError, ValueError, IndexError):
            return None
        self._hold(key, mark, found)
        return found

    def keep(self, session: SessionRow, at: str, mark: str, states: Sequence[HunkState]) -> None:
        """Keep a verdict; the oldest ones of the session go."""
        db, name = self._db, session_name(session)
        key = (name, self._repo)
        last = db.execute("SELECT COALESCE(MAX(used), 0) + 1 FROM verdict WHERE session = ? AND repo = ?", key)
        used = last.fetchone()[0]
        files = orjson.dumps(sorted(map(_text, depends(states))))
        data = orjson.dumps([_plain(state) for state in states])
        db.execute("INSERT OR REPLACE INTO verdict VALUES(?, ?, ?, ?, ?, ?, ?)", (*key, at, mark, used, files, data))
        db.execute("DELETE FROM verdict WHERE session = ? AND repo = ? AND used <= ?", (*key, used - _KEPT))
        db.commit()
        self._hold((name, at), mark, list(states))

    def _hold(self, key: tuple[str, str], mark: str, states: list[HunkState]) -> None:
        self._held.pop(key, None)
        self._held[key] = (mark, states)
        if len(self._held) > _KEPT:
            self._held.pop(next(iter(self._held)))


def depends(states: Iterable[HunkState]) -> set[str]:
    """The files of the work tree that states rest on."""
    return {path for state in states for path in state.depends}


def mark(
    store: Store, sessions: Iterable[SessionRow], sha: str | None, named: Sequence[str | None], paths: Iterable[str]
) -> str:
    """A digest of everything that a verdict rests on: logs, refs, stash, index and these files of the work tree."""
    digest = blake2b(digest_size=16)
    digest.update(b"3")
    for row in sessions:
        digest.update(f"{row.harness}/{row.id} {row.bytes}\n".encode("utf-8", "replace"))
    digest.update(f"{sha} {store.resolve('HEAD')} {list(named)}\n".encode("utf-8", "replace"))
    for name, tip in sorted(store.refs().items()):
        digest.update(f"{name} {tip}\n".encode("utf-8", "replace"))
    work = store.work
    for place in [store.folder / "index", *((work / path for path in sorted(paths)) if work else ())]:
        try:
            found = place.lstat()
            digest.update(f"{place} {found.st_size} {found.st_mtime_ns}\n".encode("utf-8", "replace"))
        except (OSError, ValueError):
            digest.update(b"-\n")
    return digest.hexdigest()


def _text(path: str) -> str:
    return path.encode("utf-8", "replace").decode()


def _plain(state: HunkState) -> list[Any]:
    found = list(_values(state))
    found[_FIELDS.index("path")] = _text(state.path)
    found[_LINES] = [(_text(path), line) for path, line in state.lines]
    found[_DEPENDS] = [_text(path) for path in state.depends]
    return found


def _state(session: str, item: list[Any]) -> HunkState:
    item[_COMMITS] = tuple(item[_COMMITS])
    item[_LINES] = tuple([(path, line) for path, line in item[_LINES]])
    item[_DEPENDS] = tuple(item[_DEPENDS])
    return HunkState(session, *item)
