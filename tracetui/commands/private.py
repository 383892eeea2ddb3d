"""The one private temporary folder: 0700, removed at exit, and swept at the next start when its process died."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

__all__ = ["private_folder", "sweep_private"]


def _base() -> Path:
    user = os.getuid() if hasattr(os, "getuid") else "user"
    return Path(tempfile.gettempdir()) / f"tracetui-{user}"


def _ours(base: Path) -> bool:
    """Whether the folder is a real one of this user that nobody else may enter (others may write beside it)."""
    try:
        info = base.lstat()
    except OSError:
        return False
    if not stat.S_ISDIR(info.st_mode):
        return False
    return os.name != "posix" or (info.st_uid == os.getuid() and not stat.S_IMODE(info.st_mode) & 0o077)


@contextlib.contextmanager
def private_folder() -> Iterator[Path]:
    """A fresh private folder, removed with all that is in it at the end."""
    base = _base()
    with contextlib.suppress(FileExistsError):
        base.mkdir(mode=0o700)
    if _ours(base):
        folder = base / f"{os.getpid()}-{secrets.token_hex(6)}"
        folder.mkdir(mode=0o700)
    else:  # somebody else took the name: a folder of its own, which no later start will find
        folder = Path(tempfile.mkdtemp(prefix="tracetui-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        with contextlib.suppress(OSError):
            base.rmdir()


def sweep_private() -> None:
    """Remove what processes that no longer run left behind."""
    base = _base()
    if not _ours(base):
        return
    try:
        names = os.listdir(base)  # noqa: PTH208 - names only
    except OSError:
        return
    for name in names:
        pid = name.partition("-")[0]
        if pid.isdigit() and not _alive(int(pid)):
            shutil.rmtree(base / name, ignore_errors=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True
