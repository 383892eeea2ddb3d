"""What the user made: marks, notes, settings, summaries of later work, and what was forgotten. All in ``user.db``,
keyed by harness and session id, so that the index can be thrown away."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

import orjson

__all__ = ["Forgotten", "UserData"]


class Forgotten:
    """Sessions and paths that are never captured again, known by keyed hashes only."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._salt = b""
        self._held: set[bytes] | None = None

    def _hash(self, kind: str, *parts: str) -> bytes:
        text = "\0".join((kind, *parts)).encode("utf-8", "surrogateescape")
        return blake2b(text, key=self._salt, digest_size=16).digest()

    def _load(self) -> set[bytes]:
        if self._held is None:
            row = self._db.execute("SELECT value FROM user.setting WHERE name='.salt'").fetchone()
            self._salt = bytes.fromhex(row[0]) if row else b""
            self._held = {bytes(row[0]) for row in self._db.execute("SELECT hash FROM user.forgotten")}
        return self._held

    def path(self, path: str) -> bool:
        """Whether a file of this path held a forgotten session."""
        held = self._load()
        return bool(held) and self._hash("path", path) in held

    def session(self, harness: str, session: str) -> bool:
        """Whether the session was forgotten."""
        held = self._load()
        return bool(held) and self._hash("session", harness, session) in held

    def add(self, harness: str, session: str, paths: list[str]) -> None:
        """Forget them from now on."""
        self._load()
        if not self._salt:
            self._salt = os.urandom(16)
            self._db.execute("INSERT OR REPLACE INTO user.setting VALUES('.salt', ?)", (self._salt.hex(),))
        hashes = [self._hash("session", harness, session), *(self._hash("path", path) for path in paths)]
        self._db.executemany("INSERT OR IGNORE INTO user.forgotten VALUES(?)", [(value,) for value in hashes])
        self._held = None

    def forgive(self, path: str) -> None:
        """Let a path be captured again."""
        self._load()
        self._db.execute("DELETE FROM user.forgotten WHERE hash=?", (self._hash("path", path),))
        self._held = None

    def forgive_session(self, harness: str, session: str) -> None:
        """Let a session be captured again."""
        self._load()
        self._db.execute("DELETE FROM user.forgotten WHERE hash=?", (self._hash("session", harness, session),))
        self._held = None


class UserData:
    """Reads and writes ``user.db`` (attached as ``user``)."""

    def __init__(self, db: sqlite3.Connection, *, fixed: bool = False) -> None:
        """``fixed``: nothing can be written."""
        self._db = db
        # Sessions that ended before there was a bucket are not news.
        if not fixed and self._db.execute("SELECT 1 FROM user.setting WHERE name='.since'").fetchone() is None:
            self._db.execute("INSERT OR IGNORE INTO user.setting VALUES('.since', ?)", (str(int(time.time() * 1000)),))

    def _mark(self, harness: str, session: str, column: str, value: object) -> None:
        self._db.execute(
            f"INSERT INTO user.mark(harness, session, {column}) VALUES(?,?,?) "
            f"ON CONFLICT(session, harness) DO UPDATE SET {column}=excluded.{column}",
            (harness, session, value),
        )

    def bookmark(self, harness: str, session: str, *, on: bool) -> None:
        """Set or remove the bookmark."""
        self._mark(harness, session, "bookmarked", int(on))

    def note(self, harness: str, session: str, text: str | None) -> None:
        """Set the note; None or blank removes it."""
        self._mark(harness, session, "note", text if text and text.strip() else None)

    def seen(self, harness: str, session: str, steps: int) -> None:
        """Remember that the session was looked at when it had so many steps."""
        self._mark(harness, session, "seen", steps)
        self._mark(harness, session, "seen_at", int(time.time() * 1000))

    def setting(self, name: str) -> Any:
        """A small JSON value, or None."""
        row = self._db.execute("SELECT value FROM user.setting WHERE name=?", (name,)).fetchone()
        return None if row is None else orjson.loads(row[0])

    def set_setting(self, name: str, value: Any) -> None:
        """Keep a small JSON value; None removes it."""
        if value is None:
            self._db.execute("DELETE FROM user.setting WHERE name=?", (name,))
        else:
            self._db.execute("INSERT OR REPLACE INTO user.setting VALUES(?,?)", (name, orjson.dumps(value).decode()))

    def put_summary(self, harness: str, session: str, topic: str, counts: Mapping[str, int] | None) -> None:
        """Keep counts of a topic (``findings``, ``survival``) for lists; None removes them."""
        if counts is None:
            self._db.execute(
                "DELETE FROM user.summary WHERE harness=? AND session=? AND topic=?", (harness, session, topic)
            )
        else:
            self._db.execute(
                "INSERT OR REPLACE INTO user.summary VALUES(?,?,?,?)",
                (harness, session, topic, orjson.dumps(dict(counts)).decode()),
            )
