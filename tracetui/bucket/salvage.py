"""Databases of the bucket that are damaged: told, and what can be read of them brought into new ones.

What is worked out anew at will (the index, findings, trails) is thrown away. What the user made is copied row by row
into a new database, and the damaged file is kept in ``aside/``.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from pathlib import Path
from typing import Final

from tracetui.bucket.location import make_private, touch_private
from tracetui.bucket.stores import databases

__all__ = ["PRECIOUS", "damage_of", "damaged", "salvage"]

PRECIOUS: Final = frozenset({"user.db", "decisions.db"})
"""Databases that nothing can bring back."""
_SIDES: Final = ("", "-wal", "-shm")
_WORKED_OUT: Final = frozenset({"index.db", "findings.db", "trail.db"})


def damage_of(path: Path) -> str | None:
    """What is wrong with a database, in a few words; None where it is whole or not there."""
    if not path.exists():
        return None
    try:
        with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=30)) as db:
            found = [str(row[0]) for row in db.execute("PRAGMA integrity_check(5)")]
    except sqlite3.OperationalError:
        return None  # locked, or the disk is full: nothing is known
    except sqlite3.DatabaseError as error:
        return str(error)
    return None if found == ["ok"] else "; ".join(found)[:200]


def damaged(folder: Path) -> dict[Path, str]:
    """The damaged databases of the bucket at ``folder``, the index too, with what is wrong."""
    found = {path: damage_of(path) for path in (folder / "index.db", *databases(folder))}
    return {path: why for path, why in found.items() if why is not None}


def salvage(path: Path) -> str:
    """Put a database right that is damaged (no other process may have it open); says what became of it."""
    if path.name in _WORKED_OUT:
        for side in _SIDES:
            path.with_name(path.name + side).unlink(missing_ok=True)
        return f"{path.name} was damaged; it is made anew from the copies when it is needed"
    folder = path.parent / "aside"
    make_private(folder)
    kept = folder / f"{path.name}.{_free(folder, path.name)}"
    for side in _SIDES:
        with contextlib.suppress(FileNotFoundError):
            shutil.copyfile(path.with_name(path.name + side), f"{kept}{side}")
            os.chmod(f"{kept}{side}", 0o600)  # noqa: PTH101
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    touch_private(fresh)
    rows, lost = _copy(path, fresh)
    for side in _SIDES:
        path.with_name(path.name + side).unlink(missing_ok=True)
    fresh.replace(path)
    more = f"; of {', '.join(lost)} not all" if lost else ""
    return f"{path.name} was damaged: {rows:,} rows were saved{more}; the damaged file is kept in aside/"


def _free(folder: Path, name: str) -> int:
    nth = 0
    while (folder / f"{name}.{nth}").exists():
        nth += 1
    return nth


def _copy(path: Path, fresh: Path) -> tuple[int, list[str]]:
    """Copy what can be read; how many rows, and the tables of which some could not be."""
    rows, lost = 0, []
    new = sqlite3.connect(fresh, isolation_level=None)
    old = sqlite3.connect(path, isolation_level=None)
    try:
        old.execute("PRAGMA writable_schema=ON")
        made = old.execute("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
        version = int(old.execute("PRAGMA user_version").fetchone()[0])
    except sqlite3.DatabaseError:
        # Not even what tables there are: the owner makes them anew.
        return 0, ["everything"]
    else:
        for kind, name, sql in sorted(made, key=lambda item: item[0] != "table"):
            with contextlib.suppress(sqlite3.DatabaseError):
                new.execute(sql)
            if kind == "table":
                count, whole = _rows(old, new, name)
                rows += count
                lost += [] if whole else [name]
        new.execute(f"PRAGMA user_version={version}")
        return rows, lost
    finally:
        old.close()
        new.close()


def _rows(old: sqlite3.Connection, new: sqlite3.Connection, table: str) -> tuple[int, bool]:
    """Copy the rows of a table, from its beginning and, where that ends in damage, from its end; whether all came."""
    count, whole = 0, True
    new.execute("BEGIN")
    for order in ("", " ORDER BY 1 DESC"):
        try:
            for row in old.execute(f'SELECT * FROM "{table}"{order}'):
                marks = ",".join("?" * len(row))
                count += new.execute(f'INSERT OR IGNORE INTO "{table}" VALUES({marks})', row).rowcount
        except sqlite3.DatabaseError:
            whole = False
        else:
            break
    new.execute("COMMIT")
    return count, whole
