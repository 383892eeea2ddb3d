"""Following logs that grow: which files changed, asked rarely enough that an idle watch costs nothing to speak of.

A file that is written to changes its size; a new one changes its folder's time. So between full looks (every minute)
only the folders and the files written to in the last hour are asked for their state, about once a second.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from typing import Final

from tracetui.harness.database import ENDINGS, stamp
from tracetui.harness.roots import LogFile

__all__ = ["Watcher"]

_HOT_NS: Final = 3600 * 1_000_000_000
_HOT: Final = 64
_FULL: Final = 60.0
_HEAVY: Final = 128 * 1024 * 1024
"""Bytes of a database that is looked into once a minute only: copying it takes about a tenth of a second on a disk that
writes 1 GB/s, and ten times that on a slow one."""
_DEPTH: Final = 24


class Watcher:
    """Tells the files that changed. ``look`` lists all files; ``roots`` are the folders they are found under, which
    need not exist yet."""

    def __init__(
        self,
        look: Callable[[], list[LogFile]],
        roots: Iterable[str],
        *,
        pause: float = 1.0,
        idle_pause: float = 3.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._look = look
        self._roots = list(roots)
        self._pause, self._idle_pause = pause, idle_pause
        self._sleep = sleep
        self._folders: dict[str, int] = {}
        self._hot: dict[str, LogFile] = {}
        self._looked = 0.0
        self._active = 0.0

    def all(self) -> list[LogFile]:
        """Look at everything, and remember it."""
        files = self._look()
        folders: set[str] = set(self._roots)
        for file in files:
            folder = os.path.dirname(file.path)  # noqa: PTH120 - ten thousand of them
            for _ in range(_DEPTH):
                if folder in folders:
                    break
                folders.add(folder)
                if folder == file.root or len(folder) <= len(file.root):
                    break
                folder = os.path.dirname(folder)  # noqa: PTH120
        self._folders = {folder: _changed_ns(folder) for folder in folders}
        newest = time.time_ns() - _HOT_NS
        lately = (file for file in files if file.mtime_ns > newest and not _heavy(file))
        hot = sorted(lately, key=lambda file: -file.mtime_ns)
        self._hot = {file.path: file for file in hot[:_HOT]}
        self._looked = time.monotonic()
        return files

    def wait(self, stop: Callable[[], bool] = lambda: False) -> list[LogFile] | None:
        """Wait until something changed and give the files to capture (all of them after a full look); None once
        ``stop`` says so."""
        while not stop():
            now = time.monotonic()
            self._sleep(self._pause if now - self._active < 60 else self._idle_pause)
            if stop():
                return None
            if time.monotonic() - self._looked > _FULL or any(
                _changed_ns(folder) != before for folder, before in self._folders.items()
            ):
                known = self._hot
                files = self.all()
                if self._hot != known:
                    self._active = time.monotonic()
                return files
            changed = [file for file in map(_again, self._hot.values()) if file is not None]
            if changed:
                self._hot.update((file.path, file) for file in changed)
                self._active = time.monotonic()
                return changed
        return None


def _heavy(file: LogFile) -> bool:
    """Whether a look into a file costs so much (a database is copied for it) that it waits for the next full look."""
    return file.size > _HEAVY and file.path.endswith(ENDINGS)


def _changed_ns(folder: str) -> int:
    try:
        return os.stat(folder).st_mtime_ns  # noqa: PTH116
    except OSError:
        return 0


def _again(file: LogFile) -> LogFile | None:
    """The file as it is now, where that differs."""
    try:
        info = os.lstat(file.path)
    except OSError:
        return None
    size, mtime = stamp(file.path, info)
    if (size, mtime, info.st_ino) == (file.size, file.mtime_ns, file.inode):
        return None
    return file._replace(size=size, mtime_ns=mtime, inode=info.st_ino, dev=info.st_dev)
