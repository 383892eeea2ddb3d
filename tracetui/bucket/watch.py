"""Following logs that grow, by looking at them now and then: often at those that changed lately, seldom at the rest."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable
from typing import Final

from tracetui.harness.roots import LogFile

__all__ = ["watch"]

_HOT: Final = 900.0
"""Seconds for which a log that changed is looked at often."""
_FAST, _SLOW, _IDLE = 0.5, 5.0, 30.0
"""Seconds between looks at hot logs, and between looks for new ones while there are hot logs or none."""
_HOTTEST: Final = 64


def watch(
    files_fn: Callable[[], Iterable[LogFile]],
    on_change: Callable[[list[LogFile]], None],
    stop: threading.Event,
    check: Callable[[list[LogFile]], list[LogFile]] | None = None,
) -> None:
    """Call ``on_change`` with files that are new or changed, until ``stop`` is set.

    ``files_fn`` finds all log files (``roots.discover``). ``check`` tells, at the first look, which of them need
    capturing (``Bucket.check``); without it all do. Idle, this costs a look at every folder twice a minute.
    """
    known: dict[str, tuple[int, int, int]] = {}
    hot: dict[str, tuple[LogFile, float]] = {}
    first = True
    next_full = 0.0
    while not stop.is_set():
        now = time.monotonic()
        changed: list[LogFile] = []
        if now >= next_full:
            files = list(files_fn())
            if first and check is not None:
                changed = check(files)
            else:
                changed = [file for file in files if known.get(file.path) != _stamp(file)]
            known = {file.path: _stamp(file) for file in files}
            limit = time.time() - _HOT
            for file in files:
                if file.mtime_ns / 1e9 > limit and file.path not in hot:
                    hot[file.path] = (file, now + _HOT)
            first = False
        else:
            for path, (file, _) in list(hot.items()):
                fresh = _look(file)
                if fresh is None:
                    del hot[path]
                elif known.get(path) != _stamp(fresh):
                    known[path] = _stamp(fresh)
                    changed.append(fresh)
        for file in changed:
            hot[file.path] = (file, now + _HOT)
        hot = {path: item for path, item in hot.items() if item[1] > now}
        if len(hot) > _HOTTEST:
            newest = sorted(hot.items(), key=lambda item: item[1][1], reverse=True)[:_HOTTEST]
            hot = dict(newest)
        if changed:
            on_change(changed)
        now = time.monotonic()
        if now >= next_full:
            next_full = now + (_SLOW if hot else _IDLE)
        stop.wait(_FAST if hot else max(next_full - now, 0.05))


def _stamp(file: LogFile) -> tuple[int, int, int]:
    return file.size, file.mtime_ns, file.inode


def _look(file: LogFile) -> LogFile | None:
    try:
        info = os.lstat(file.path)
    except OSError:
        return None
    return file._replace(size=info.st_size, mtime_ns=info.st_mtime_ns, inode=info.st_ino, dev=info.st_dev)
