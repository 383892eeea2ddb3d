"""What the databases of a bucket hold of sessions, so that ``forget`` misses none.

A table registers itself by its columns: one with ``harness`` and ``session`` holds rows of sessions, one of the index
with ``log`` rows of logs. One named in ``EMPTIED`` is worked out anew at will and is emptied. Every other must be
registered as holding nothing of a session (``register``); ``unregistered`` finds those that are not.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final

__all__ = ["EMPTIED", "databases", "register", "session_tables", "unregistered"]

EMPTIED: Final = frozenset({"assigned", "cache", "verdict"})
"""Tables without a session's name in the clear that are worked out anew at will."""
_INDEX: Final = "index.db"
_KEPT: dict[tuple[str, str], str] = {
    ("index.db", "meta"): "how the index stands",
    ("index.db", "name"): "names of tools and models; those that no step has are removed",
    ("index.db", "path"): "paths of files; those that no step has are removed",
    ("index.db", "doc"): "by the text's hash; removed with the text",
    ("index.db", "text"): "the word index; texts are taken out one by one",
    ("index.db", "block"): "times of blocks of texts",
    ("index.db", "session"): "removed when its logs are",
    ("index.db", "side"): "titles by the harness's own ids; removed by them",
    ("index.db", "skipped"): "files that are no logs; removed by path",
    ("index.db", "container"): "databases of other programs, by path",
    ("index.db", "rate"): "prices of models",
    ("user.db", "setting"): "what the user set",
    ("user.db", "forgotten"): "keyed hashes",
    ("decisions.db", "meta"): "the key of the hashes",
    ("trail.db", "repo"): "of repositories",
    ("trail.db", "node"): "of repositories",
    ("trail.db", "path"): "of repositories",
    ("trail.db", "touch"): "of repositories",
}


def register(database: str, table: str, why: str) -> None:
    """Say that a table of a database in the bucket holds nothing of a session, and why that is so."""
    _KEPT[database, table] = why


def databases(folder: Path) -> list[Path]:
    """The databases of the bucket at ``folder``, but the index."""
    return [path for path in sorted(folder.glob("*.db")) if path.name != _INDEX and not path.is_symlink()]


def _tables(db: sqlite3.Connection, schema: str) -> Iterator[tuple[str, set[str]]]:
    names = [row[0] for row in db.execute(f"SELECT name FROM {schema}.sqlite_master WHERE type='table'")]
    for name in names:
        if not name.startswith("sqlite_"):
            yield name, {row[1] for row in db.execute(f'PRAGMA {schema}.table_info("{name}")')}


def session_tables(db: sqlite3.Connection, schema: str = "main") -> list[str]:
    """The tables that hold rows of sessions, by ``harness`` and ``session``."""
    return [name for name, columns in _tables(db, schema) if {"harness", "session"} <= columns]


def log_tables(db: sqlite3.Connection) -> list[str]:
    """The tables of the index that hold rows of logs, by ``log``."""
    return [name for name, columns in _tables(db, "main") if "log" in columns and name != "session"]


def unregistered(db: sqlite3.Connection, database: str, schema: str = "main") -> list[str]:
    """The tables of an open database of which nobody said what they hold of a session."""
    out: list[str] = []
    for name, columns in _tables(db, schema):
        known = (
            {"harness", "session"} <= columns
            or (database == _INDEX and ("log" in columns or name == "log" or name.startswith("text_")))
            or name in EMPTIED
            or (database, name) in _KEPT
        )
        if not known:
            out.append(name)
    return out
