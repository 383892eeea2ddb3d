"""The attribution as it is kept: per commit, who wrote the lines that it brought.

A row holds as long as the sessions that began before the commit are as they were; commits that come later do not touch
it. Rows name sessions by digests, and lines by fingerprints; ``forget`` empties the table, it is worked out again.
"""

from __future__ import annotations

import sqlite3
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson

from tracetui.model import SessionRow
from tracetui.trail.hunks import Hunk

__all__ = ["Assigned", "AssignedTable", "Credit", "Writer", "session_name"]

_VERSION: Final = b"1"
_TABLE: Final = """
CREATE TABLE IF NOT EXISTS assigned(repo TEXT, sha TEXT, mark BLOB, data BLOB, PRIMARY KEY(repo, sha)) WITHOUT ROWID
"""


class Writer(NamedTuple):
    """The edit behind a line: where its hunk stands in the bucket."""

    session: str
    agent: str | None
    part: int
    step: int
    key: str

    @classmethod
    def of(cls, hunk: Hunk) -> Writer:
        """The writer that a hunk names."""
        return cls(hunk.session, hunk.agent, hunk.part, hunk.step, hunk.key)


class Credit(NamedTuple):
    """A hunk that landed in a commit, at a path, and how many lines it took away there."""

    writer: Writer
    path: str
    removed: int


@dataclass(slots=True)
class Assigned:
    """What a commit brought: per path and line fingerprint its writers, one per copy; and the hunks that landed."""

    owners: dict[str, dict[int, list[Writer]]] = field(default_factory=dict)
    credits: list[Credit] = field(default_factory=list)


def session_name(session: SessionRow) -> str:
    """A session's name in the database: no id of a session that may be forgotten stands there."""
    return blake2b(f"{session.harness}/{session.id}".encode("utf-8", "replace"), digest_size=16).hexdigest()


class AssignedTable:
    """The rows of one repository. ``sessions`` are all of it; ``named`` what the user named the repository by."""

    def __init__(
        self, db: sqlite3.Connection, folder: Path, sessions: Sequence[SessionRow], named: Iterable[object]
    ) -> None:
        self._db, self._repo = db, str(folder)
        db.execute("PRAGMA secure_delete=ON")
        db.execute(_TABLE)
        self._names = {session_name(row): row.id for row in sessions}
        self._digests = {row.id: name for name, row in zip(self._names, sessions)}
        ordered = sorted(sessions, key=lambda row: (row.started or 0, row.harness, row.id))
        self._starts = [(row.started or 0) // 1000 for row in ordered]
        digest = blake2b(_VERSION + repr(list(named)).encode("utf-8", "replace"), digest_size=12)
        self._marks = [digest.digest()]
        for row in ordered:
            digest.update(f"{row.harness}/{row.id} {row.bytes}\n".encode("utf-8", "replace"))
            self._marks.append(digest.digest())

    def _mark(self, time: int) -> bytes:
        """What the rows of a commit of this time (s) rest on: the sessions that had begun."""
        return self._marks[bisect_right(self._starts, time)]

    def get(self, sha: str, time: int) -> Assigned | None:
        """What is kept of a commit, None where nothing is that still holds."""
        row = self._db.execute(
            "SELECT mark, data FROM assigned WHERE repo = ? AND sha = ?", (self._repo, sha)
        ).fetchone()
        if row is None or row[0] != self._mark(time):
            return None
        try:
            return self._read(row[1])
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, IndexError):
            return None

    def keep(self, found: Iterable[tuple[str, int, Assigned]]) -> None:
        """Keep what a table says of commits: sha, time (s), what it brought."""
        rows = [(self._repo, sha, self._mark(time), self._plain(own)) for sha, time, own in found]
        self._db.executemany("INSERT OR REPLACE INTO assigned VALUES(?, ?, ?, ?)", rows)
        self._db.commit()

    def _plain(self, found: Assigned) -> bytes | None:
        if not found.owners and not found.credits:
            return None
        writers: dict[Writer, int] = {}

        def number(writer: Writer) -> int:
            return writers.setdefault(writer, len(writers))

        owners = [
            [_text(path), [[line, [number(writer) for writer in own]] for line, own in lines.items()]]
            for path, lines in found.owners.items()
        ]
        landed = [[number(credit.writer), _text(credit.path), credit.removed] for credit in found.credits]
        told = [[self._digests.get(writer.session, ""), *writer[1:]] for writer in writers]
        return orjson.dumps([told, owners, landed])

    def _read(self, data: bytes | None) -> Assigned:
        if data is None:
            return Assigned()
        told, owners, landed = orjson.loads(data)
        writers = [Writer(self._names[name], *rest) for name, *rest in told]
        return Assigned(
            {path: {line: [writers[at] for at in own] for line, own in lines} for path, lines in owners},
            [Credit(writers[at], path, removed) for at, path, removed in landed],
        )


def _text(path: str) -> Any:
    return path.encode("utf-8", "replace").decode()
