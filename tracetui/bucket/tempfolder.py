"""The one private temporary folder: for what an editor, a pager or an image viewer is given to read.

It is made when it is first needed (0700), removed at exit, and what a killed process left behind is swept by the next:
a folder whose lock nobody holds any more has no owner.
"""

from __future__ import annotations

import atexit
import os
import shutil
import stat
import tempfile
from pathlib import Path
from typing import Final

__all__ = ["TempFolder"]

_PREFIX: Final = "tracetui-"
_LOCK: Final = "lock"


def _lock(path: Path, *, create: bool) -> int | None:
    """The descriptor of a lock that is ours now, None when somebody holds it or it cannot be had."""
    try:
        import fcntl
    except ImportError:  # no such locks on this system: nothing is swept, everything is removed at exit
        return -1 if create else None
    flags = os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    try:
        descriptor = os.open(path, flags | (os.O_CREAT | os.O_EXCL if create else 0), 0o600)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


class TempFolder:
    """Makes the folder on first use. ``base`` is where temporary folders lie, by default the system's place."""

    def __init__(self, base: Path | None = None) -> None:
        self._base = base
        self._folder: Path | None = None
        self._held: int | None = None
        self._count = 0

    @property
    def base(self) -> Path:
        return self._base or Path(tempfile.gettempdir())

    def folder(self) -> Path:
        """The folder, made (after sweeping) when it is not there yet. Raises OSError."""
        if self._folder is None:
            self.sweep()
            folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{_user()}-", dir=self.base))
            self._held = _lock(folder / _LOCK, create=True)
            self._folder = folder
            atexit.register(self.remove)
        return self._folder

    def write(self, data: bytes, name: str) -> Path:
        """Write a file (0600) and give its path. ``name`` is ours, never a log's; a number keeps files apart."""
        self._count += 1
        stem, dot, extension = name.rpartition(".")
        path = self.folder() / (f"{stem}-{self._count}{dot}{extension}" if dot else f"{name}-{self._count}")
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        return path

    def remove(self) -> None:
        """Remove the folder with all that is in it."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None
        if self._held is not None and self._held >= 0:
            os.close(self._held)
        self._held = None
        atexit.unregister(self.remove)

    def sweep(self) -> int:
        """Remove folders of ours that no living process holds; how many."""
        swept = 0
        try:
            found = [entry for entry in os.scandir(self.base) if entry.name.startswith(f"{_PREFIX}{_user()}-")]
        except OSError:
            return 0
        for entry in found:
            path = Path(entry.path)
            try:
                info = path.lstat()
            except OSError:
                continue
            ours = stat.S_ISDIR(info.st_mode) and not info.st_mode & 0o077 and info.st_uid == _user()
            if not ours or path == self._folder:
                continue
            held = _lock(path / _LOCK, create=False)
            if held is not None:
                shutil.rmtree(path, ignore_errors=True)
                os.close(held)
                swept += 1
        return swept


def _user() -> int:
    return os.getuid() if hasattr(os, "getuid") else 0
