"""Bringing a bucket of an older version up: its copies are written anew, one at a time, each verified before it takes
the old one's place; what is damaged stays as it is. Stopped at any moment, the next run goes on."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tracetui.bucket.copies import CopyReader
from tracetui.bucket.location import FORMAT, copies_in, mark_format, need_room, temporary
from tracetui.bucket.rewrite import rewrite
from tracetui.model import TracetuiError

__all__ = ["needs_upgrade", "upgrade_copies"]

_KEPT: Final = 2
"""Copies from this format on are good as they are: in the third only new short frames differ."""


def needs_upgrade(folder: Path) -> bool:
    """Whether copies of an older format are left in the bucket."""
    try:
        found = json.loads((folder / "bucket.json").read_bytes())
    except (OSError, ValueError):
        return False
    copies = found.get("copies", FORMAT) if isinstance(found, dict) else FORMAT
    return not isinstance(copies, int) or copies < _KEPT


def upgrade_copies(
    folder: Path, progress: Callable[[int, int, int, int], None], cancelled: Callable[[], bool]
) -> list[tuple[str, str]]:
    """Write every copy of an older format anew. ``progress`` is told (copies done, all, bytes done, all). Gives
    (place below copies/, reason) of those that could not be. Raises OSError, and TracetuiError where there is no room.
    """
    found = list(copies_in(folder))
    total = sum(size for _, size in found)
    need_room(folder, max((size for _, size in found), default=0), "writing the copies anew")
    failed: list[tuple[str, str]] = []
    done = 0
    with temporary(folder) as place:
        for nth, (name, size) in enumerate(found):
            if cancelled():
                return failed
            path = folder / "copies" / name
            try:
                if _old(path):
                    rewrite(path, place)
            except TracetuiError as error:
                failed.append((name, str(error)))
            done += size
            progress(nth + 1, len(found), done, total)
    mark_format(folder, copies=FORMAT)
    return failed


def _old(path: Path) -> bool:
    if os.stat(path).st_size == 0:  # noqa: PTH116
        return False
    reader = CopyReader(path)
    reader.close()
    return reader.scan.old
