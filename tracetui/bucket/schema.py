"""The tables of ``index.db`` (thrown away and rebuilt at will) and ``user.db`` (never), and how they are opened."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path
from typing import Final

from tracetui.bucket.location import full_disk, need_room, no_room, touch_private
from tracetui.model import TracetuiError

__all__ = ["INDEX_VERSION", "connect", "read_only", "reset_index"]

INDEX_VERSION: Final = 13
"""Raise it whenever tables or what readers yield change: the index is then rebuilt from the copies."""
USER_VERSION: Final = 3
_APPLICATION: Final = 0x74726163

_INDEX: Final = """
CREATE TABLE meta(name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE name(id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
CREATE TABLE log(
  id INTEGER PRIMARY KEY, path TEXT NOT NULL, copy TEXT NOT NULL UNIQUE, harness TEXT NOT NULL, stem TEXT NOT NULL,
  raw TEXT NOT NULL, session TEXT NOT NULL, agent TEXT, generation INTEGER NOT NULL, current INTEGER NOT NULL DEFAULT 1,
  shown INTEGER NOT NULL DEFAULT 1, gone INTEGER NOT NULL DEFAULT 0, captured INTEGER NOT NULL DEFAULT 0,
  mtime_ns INTEGER NOT NULL DEFAULT 0, size INTEGER NOT NULL DEFAULT 0, inode INTEGER NOT NULL DEFAULT 0,
  device INTEGER NOT NULL DEFAULT 0, bytes INTEGER NOT NULL DEFAULT 0, line INTEGER NOT NULL DEFAULT 1,
  copy_size INTEGER NOT NULL DEFAULT 0, copied INTEGER NOT NULL DEFAULT 0, loose INTEGER NOT NULL DEFAULT 0,
  head BLOB, tail BLOB, records INTEGER NOT NULL DEFAULT 0, bad INTEGER NOT NULL DEFAULT 0,
  steps INTEGER NOT NULL DEFAULT 0, prompts INTEGER NOT NULL DEFAULT 0, tools INTEGER NOT NULL DEFAULT 0,
  errors INTEGER NOT NULL DEFAULT 0, edits INTEGER NOT NULL DEFAULT 0, kinds INTEGER NOT NULL DEFAULT 0,
  t_input INTEGER NOT NULL DEFAULT 0, t_output INTEGER NOT NULL DEFAULT 0, t_read INTEGER NOT NULL DEFAULT 0,
  t_write INTEGER NOT NULL DEFAULT 0, cost REAL, estimate REAL, cost_table TEXT, priced INTEGER NOT NULL DEFAULT 0,
  first_prompt TEXT, started INTEGER, ended INTEGER,
  facts BLOB NOT NULL DEFAULT x'7b7d', counts BLOB NOT NULL DEFAULT x'7b7d', state BLOB,
  part INTEGER NOT NULL DEFAULT 0, why TEXT, holder INTEGER, doubles INTEGER NOT NULL DEFAULT 0,
  named TEXT NOT NULL DEFAULT '', origin TEXT NOT NULL DEFAULT '', aside INTEGER NOT NULL DEFAULT 0, within TEXT);
CREATE TABLE record_set(
  log INTEGER PRIMARY KEY, bytes INTEGER NOT NULL, line INTEGER NOT NULL, lines BLOB NOT NULL, marks BLOB NOT NULL);
CREATE TABLE rate(
  model TEXT NOT NULL, hour INTEGER NOT NULL, source TEXT NOT NULL, rates TEXT NOT NULL,
  PRIMARY KEY(model, hour)) WITHOUT ROWID;
CREATE TABLE note(log INTEGER NOT NULL, fact TEXT NOT NULL, value, PRIMARY KEY(log, fact)) WITHOUT ROWID;
CREATE TABLE joined(
  log INTEGER NOT NULL, number INTEGER NOT NULL, other INTEGER NOT NULL, sources BLOB NOT NULL,
  PRIMARY KEY(log, number)) WITHOUT ROWID;
CREATE INDEX log_path ON log(path);
CREATE INDEX log_session ON log(session, harness);
CREATE INDEX log_inode ON log(inode);
CREATE TABLE step(
  id INTEGER PRIMARY KEY, log INTEGER NOT NULL, number INTEGER NOT NULL, kind INTEGER NOT NULL, flags INTEGER NOT NULL,
  time INTEGER, summary TEXT NOT NULL, tool INTEGER, exit INTEGER, duration INTEGER, t_input INTEGER, t_output INTEGER,
  t_read INTEGER, t_write INTEGER, t_long INTEGER, model INTEGER, key TEXT NOT NULL, thread TEXT, size INTEGER NOT NULL,
  images INTEGER NOT NULL, cost REAL, estimate REAL, sources BLOB NOT NULL, doc INTEGER);
CREATE UNIQUE INDEX step_log ON step(log, number);
CREATE INDEX step_doc ON step(doc) WHERE doc IS NOT NULL;
CREATE INDEX step_model ON step(log, model) WHERE model IS NOT NULL;
CREATE TABLE path(id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
CREATE TABLE step_path(
  log INTEGER NOT NULL, number INTEGER NOT NULL, path INTEGER NOT NULL, PRIMARY KEY(log, number, path)) WITHOUT ROWID;
CREATE TABLE doc(hash INTEGER PRIMARY KEY, id INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE block(id INTEGER PRIMARY KEY, newest INTEGER NOT NULL);
CREATE TABLE session(
  harness TEXT NOT NULL, id TEXT NOT NULL, raw TEXT NOT NULL, log INTEGER, title TEXT, cwd TEXT, repo TEXT, branch TEXT,
  model TEXT, started INTEGER, ended INTEGER, steps INTEGER, prompts INTEGER, tools INTEGER, errors INTEGER,
  edits INTEGER, kinds INTEGER, agents INTEGER, children INTEGER NOT NULL DEFAULT 0, t_input INTEGER, t_output INTEGER,
  t_read INTEGER, t_write INTEGER, cost REAL, estimate REAL, cost_table TEXT, bytes INTEGER,
  path TEXT, parent TEXT, forked_from TEXT, folded TEXT,
  gone INTEGER NOT NULL DEFAULT 0, parts INTEGER NOT NULL DEFAULT 1, PRIMARY KEY(id, harness)) WITHOUT ROWID;
CREATE INDEX session_ended ON session(ended);
CREATE INDEX session_parent ON session(parent) WHERE parent IS NOT NULL;
CREATE TABLE stale(log INTEGER NOT NULL, doc INTEGER NOT NULL);
CREATE INDEX stale_log ON stale(log);
CREATE TABLE side(
  harness TEXT NOT NULL, raw TEXT NOT NULL, title TEXT NOT NULL, PRIMARY KEY(raw, harness)) WITHOUT ROWID;
CREATE TABLE problem(log INTEGER NOT NULL, line INTEGER NOT NULL, reason TEXT NOT NULL);
CREATE INDEX problem_log ON problem(log);
CREATE TABLE container(path TEXT PRIMARY KEY, mtime_ns INTEGER, size INTEGER, inode INTEGER) WITHOUT ROWID;
CREATE TABLE skipped(path TEXT PRIMARY KEY, mtime_ns INTEGER, size INTEGER, inode INTEGER, reason TEXT) WITHOUT ROWID;
CREATE VIRTUAL TABLE text USING fts5(
  body, content='', tokenize='unicode61 remove_diacritics 0', detail='none', columnsize=0);
INSERT INTO text(text, rank) VALUES('hashsize', 8388608);
"""

_USER_1: Final = """
CREATE TABLE mark(
  harness TEXT NOT NULL, session TEXT NOT NULL, bookmarked INTEGER NOT NULL DEFAULT 0, note TEXT, seen INTEGER,
  seen_at INTEGER, PRIMARY KEY(session, harness)) WITHOUT ROWID;
CREATE TABLE summary(
  harness TEXT NOT NULL, session TEXT NOT NULL, topic TEXT NOT NULL, counts TEXT NOT NULL,
  PRIMARY KEY(session, harness, topic)) WITHOUT ROWID;
CREATE TABLE setting(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE forgotten(hash BLOB PRIMARY KEY) WITHOUT ROWID;
"""
_USER_2: Final = """
ALTER TABLE mark ADD COLUMN title TEXT;
ALTER TABLE mark ADD COLUMN archived INTEGER NOT NULL DEFAULT 0;
CREATE TABLE tag(
  harness TEXT NOT NULL, session TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY(session, harness, name)) WITHOUT ROWID;
CREATE INDEX tag_name ON tag(name);
CREATE TABLE step_survival(
  harness TEXT NOT NULL, session TEXT NOT NULL, agent TEXT NOT NULL, key TEXT NOT NULL, state TEXT NOT NULL,
  number INTEGER NOT NULL, hunks INTEGER NOT NULL, added INTEGER NOT NULL, removed INTEGER NOT NULL,
  PRIMARY KEY(session, harness, agent, key, state)) WITHOUT ROWID;
"""
_USER_3: Final = """
CREATE TABLE asked(
  at INTEGER NOT NULL, tool TEXT NOT NULL, given TEXT NOT NULL, harness TEXT NOT NULL, session TEXT NOT NULL);
CREATE INDEX asked_session ON asked(session);
CREATE TRIGGER asked_gone AFTER DELETE ON asked BEGIN DELETE FROM asked WHERE at=old.at AND given=old.given; END;
"""
_USER: Final = (_USER_1, _USER_2, _USER_3)
"""What makes each version of the one before."""


def read_only(folder: Path) -> bool:
    """Whether nothing can be written into the folder: a backup that is mounted so, say."""
    return folder.is_dir() and not os.access(folder, os.W_OK)


def _uri(path: Path) -> str:
    """The database for a connection that cannot write beside it. ``immutable`` does without the shared memory of the
    write-ahead log, so it holds only where that log is empty."""
    log = path.with_name(path.name + "-wal")
    still = not log.exists() or not log.stat().st_size
    return f"{path.as_uri()}?mode=ro{'&immutable=1' if still else ''}"


def _open(path: Path, *, cache_kib: int, fixed: bool = False) -> sqlite3.Connection:
    if fixed:
        db = sqlite3.connect(_uri(path), uri=True, timeout=30, isolation_level=None, check_same_thread=False)
    else:
        touch_private(path)
        db = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
    try:
        if not fixed:
            db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=NORMAL")
        db.execute("PRAGMA temp_store=MEMORY")
        db.execute("PRAGMA secure_delete=ON")
        db.execute("PRAGMA trusted_schema=OFF")
        db.execute(f"PRAGMA cache_size=-{cache_kib}")
    except BaseException:
        db.close()
        raise
    return db


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def _run(db: sqlite3.Connection, script: str, version: int) -> None:
    db.execute("BEGIN IMMEDIATE")
    try:
        if _version(db) < version:
            for statement in script.split(";\n"):
                if statement.strip():
                    db.execute(statement)
            db.execute(f"PRAGMA user_version={version}")
        db.execute("COMMIT")
    except BaseException:
        db.execute("ROLLBACK")
        raise


def reset_index(db: sqlite3.Connection) -> None:
    """Empty the index, in one transaction, so that other processes see the old one or a new one."""
    tables = [
        name
        for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type='table' AND name NOT LIKE 'sqlite_%'")
        if not name.startswith("text_")
    ]
    db.execute("BEGIN IMMEDIATE")
    try:
        for name in tables:
            db.execute(f'DROP TABLE "{name}"')
        db.execute("PRAGMA user_version=0")
        for statement in _INDEX.split(";\n"):
            if statement.strip():
                db.execute(statement)
        db.execute(f"PRAGMA user_version={INDEX_VERSION}")
        db.execute("COMMIT")
    except BaseException:
        db.execute("ROLLBACK")
        raise


def _discard(path: Path) -> None:
    for name in (path.name, path.name + "-wal", path.name + "-shm"):
        with contextlib.suppress(FileNotFoundError):
            path.with_name(name).unlink()


def _connect_fixed(folder: Path) -> sqlite3.Connection:
    """As ``connect``, where nothing can be written; what is missing or of another version cannot be mended."""
    shown = ascii(str(folder))[1:-1]
    try:
        db = _open(folder / "index.db", cache_kib=16384, fixed=True)
        try:
            db.execute("ATTACH DATABASE ? AS user", (_uri(folder / "user.db"),))
            user = int(db.execute("PRAGMA user.user_version").fetchone()[0])
            if (_version(db), user) == (INDEX_VERSION, USER_VERSION):
                return db
        except BaseException:
            db.close()
            raise
        db.close()
    except (OSError, sqlite3.DatabaseError) as error:
        raise TracetuiError(f"The bucket {shown} is read-only and cannot be opened so ({error}); copy it") from None
    raise TracetuiError(f"The bucket {shown} is read-only and was made by another version of tracetui; copy it")


def connect(folder: Path) -> tuple[sqlite3.Connection, str]:
    """Open ``index.db`` with ``user.db`` attached as ``user``; gives also why it cannot be written (``fixed``: a folder
    of that kind; ``full``: the disk), "" where it can.

    A broken or older index is thrown away (the copies hold everything); a broken ``user.db`` is an error, for nothing
    can bring it back.
    """
    if read_only(folder):
        return _connect_fixed(folder), "fixed"
    try:
        return _connect(folder), ""
    except sqlite3.OperationalError as error:
        if not no_room(folder, error):
            raise TracetuiError(f"The bucket's databases cannot be opened ({error}); see: tracetui doctor") from None
    try:
        return _connect_fixed(folder), "full"
    except TracetuiError:
        raise full_disk(folder, "opening the bucket") from None


def _connect(folder: Path) -> sqlite3.Connection:
    user = folder / "user.db"
    try:
        db = _open(user, cache_kib=256)
        try:
            if _version(db) > USER_VERSION:
                raise TracetuiError(f"The file {user.name} of the bucket was made by a newer tracetui; update tracetui")
            for version in range(_version(db), USER_VERSION):
                _run(db, _USER[version], version + 1)
        finally:
            db.close()
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError as error:
        raise TracetuiError(
            f"The bucket's user.db (bookmarks, notes, settings) is damaged ({error}); tracetui doctor --repair saves "
            "what can be read"
        ) from None
    path = folder / "index.db"
    for attempt in range(2):
        try:
            db = _open(path, cache_kib=16384)
            try:
                version = _version(db)
                if version == 0:
                    _run(db, _INDEX, INDEX_VERSION)
                elif version != INDEX_VERSION:
                    # What is emptied goes through the log of changes first; then its pages are filled again.
                    need_room(folder, path.stat().st_size * 3 // 2, "rebuilding the index for this version")
                    reset_index(db)
                db.execute("SELECT count(*) FROM meta").fetchone()
                db.execute("ATTACH DATABASE ? AS user", (str(user),))
                db.execute("PRAGMA user.synchronous=FULL")
                db.execute("PRAGMA user.secure_delete=ON")
            except BaseException:
                db.close()
                raise
            return db
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError:
            if attempt:
                raise
            _discard(path)
    raise AssertionError("unreachable")
