"""Private databases beside the bucket's own: opened with mode 0600, what is deleted is wiped."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from tracetui.bucket.location import full_disk, no_room, touch_private
from tracetui.model import TracetuiError

__all__ = ["open_private"]


def open_private(path: Path, script: str, version: int, *, precious: bool) -> sqlite3.Connection:
    """Open a database and make its tables. One of another version is thrown away, a ``precious`` one is refused."""
    for attempt in range(2):
        touch_private(path)
        db = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
        try:
            db.execute("PRAGMA journal_mode=WAL")
            db.execute(f"PRAGMA synchronous={'FULL' if precious else 'NORMAL'}")
            db.execute("PRAGMA temp_store=MEMORY")
            db.execute("PRAGMA secure_delete=ON")
            db.execute("PRAGMA trusted_schema=OFF")
            found = int(db.execute("PRAGMA user_version").fetchone()[0])
            if found == version:
                return db
            if found == 0:
                db.execute("BEGIN IMMEDIATE")
                if int(db.execute("PRAGMA user_version").fetchone()[0]) == 0:
                    for statement in script.split(";\n"):
                        if statement.strip():
                            db.execute(statement)
                    db.execute(f"PRAGMA user_version={version}")
                db.execute("COMMIT")
                return db
            if precious:
                raise TracetuiError(f"The file {path.name} of the bucket was made by a newer tracetui; update tracetui")
        except sqlite3.OperationalError as error:
            db.close()
            if no_room(path.parent, error):
                raise full_disk(path.parent, f"opening {path.name}") from None
            raise TracetuiError(f"The bucket's {path.name} cannot be opened ({error}); see: tracetui doctor") from None
        except sqlite3.DatabaseError as error:
            if precious or attempt:
                db.close()
                raise TracetuiError(
                    f"The bucket's {path.name} is damaged ({error}); tracetui doctor --repair"
                ) from None
        except BaseException:
            db.close()
            raise
        db.close()
        for name in (path.name, path.name + "-wal", path.name + "-shm"):
            path.with_name(name).unlink(missing_ok=True)
    raise AssertionError("unreachable")
