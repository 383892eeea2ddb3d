"""The index may be thrown away at any time; what opens the bucket next brings it back from the copies."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tracetui.bucket.store import Bucket

__all__ = ["index_state", "rebuild_if_missing"]


def index_state(bucket: Bucket) -> str:
    """``whole``; ``behind`` after a run that did not end; ``missing`` where it knows none of the copies there are."""
    row = bucket._db.execute("SELECT value FROM meta WHERE name='clean'").fetchone()
    if row is not None:
        return "whole" if row[0] == 1 else "behind"
    try:
        with os.scandir(bucket.path / "copies") as found:
            return "missing" if any(True for _ in found) else "whole"
    except OSError:
        return "whole"


def rebuild_if_missing(bucket: Bucket) -> bool:
    """Rebuild the index where it is missing; whether it was."""
    if index_state(bucket) != "missing":
        return False
    bucket.capture([])
    return True
