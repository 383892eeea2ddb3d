"""Finding log files: every harness's roots, or files and folders that the user names. Nothing is opened here.

The symbolic link that a root itself is, is followed, none below it; only regular files count, each once by device and
inode however many roots or names lead to it.
"""

from __future__ import annotations

import fnmatch
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from operator import attrgetter
from pathlib import Path
from typing import Final, NamedTuple

from tracetui.harness.base import Harness, Root
from tracetui.harness.database import stamp
from tracetui.harness.opening import follow, open_log
from tracetui.harness.side import deleted_at, retention_days, side_titles

__all__ = [
    "LOG_PATTERNS",
    "LogFile",
    "PathProblem",
    "deleted_at",
    "discover",
    "files_of",
    "follow",
    "open_log",
    "retention_days",
    "side_titles",
]

LOG_PATTERNS: Final = ("*.jsonl", "*.jsonl.zst", "*.jsonl.reset.*", "*.jsonl.deleted.*")
"""Names of files that can be logs, in a folder that the user names."""
_NOT_LOGS: Final = frozenset({"journal.jsonl", "history.jsonl", "session_index.jsonl"})
"""JSON Lines that harnesses keep beside their logs and that are no transcripts."""
_NOT_FOLDERS: Final = frozenset({"tool-results", ".git"})
_DEPTH: Final = 24
_BY_NAME = attrgetter("name")


class LogFile(NamedTuple):
    """A file that can be a log, as a look at its folder told it. ``root`` is the root or named path it was found
    under, ``harness`` the name of the harness whose root that is ("" for named paths). ``inode`` 0 is unknown."""

    path: str
    root: str
    size: int
    mtime_ns: int
    inode: int
    dev: int
    harness: str = ""

    def __fspath__(self) -> str:
        return self.path


class PathProblem(NamedTuple):
    """A file or folder that could not be looked at, and why, in a few words."""

    path: str
    reason: str


class _FolderWalk:
    def __init__(self) -> None:
        self._seen: set[tuple[int, int]] = set()

    def file(
        self, path: str, root: str, info: os.stat_result, harness: str, look: Callable[..., tuple[int, int]] = stamp
    ) -> LogFile | None:
        inode, dev = info.st_ino, info.st_dev
        if inode:
            known = len(self._seen)
            self._seen.add((dev, inode))
            if len(self._seen) == known:
                return None
        size, mtime = look(path, info)
        return LogFile(path, root, size, mtime, inode, dev, harness)

    def folder(
        self,
        root: str,
        patterns: Iterable[str],
        harness: str,
        levels: int = _DEPTH,
        look: Callable[..., tuple[int, int]] = stamp,
    ) -> Iterator[LogFile | PathProblem]:
        """The files below a folder whose names match, folder by folder in the order of their names."""
        matches = re.compile("|".join(fnmatch.translate(pattern) for pattern in patterns)).match
        waiting = [(root, levels)]
        while waiting:
            folder, depth = waiting.pop()
            try:
                with os.scandir(folder) as scan:
                    entries = sorted(scan, key=_BY_NAME)
            except OSError as error:
                yield PathProblem(folder, _reason(error))
                continue
            below: list[tuple[str, int]] = []
            plain: set[str] | None = None
            for entry in entries:
                name = entry.name
                try:
                    if entry.is_dir(follow_symlinks=False):
                        if name not in _NOT_FOLDERS:
                            below.append((entry.path, depth - 1))
                        continue
                    if not matches(name) or name in _NOT_LOGS or not entry.is_file(follow_symlinks=False):
                        continue
                    if name.endswith(".zst"):
                        if plain is None:
                            plain = {other.name for other in entries if other.is_file(follow_symlinks=False)}
                        if name[:-4] in plain:
                            continue  # Codex unpacks a log to append to it; the unpacked one is the newer
                    found = self.file(entry.path, root, entry.stat(follow_symlinks=False), harness, look)
                except OSError as error:
                    yield PathProblem(entry.path, _reason(error))
                    continue
                if found is not None:
                    yield found
            if depth > 0:
                waiting.extend(reversed(below))
            elif below and levels == _DEPTH:
                yield PathProblem(folder, f"folders nested more than {_DEPTH} deep are left out")

    def root(self, path: str, root: Root, harness: str) -> Iterator[LogFile | PathProblem]:
        """What a root holds, or the file that it is."""
        look = root.stamp or stamp
        if root.patterns:
            yield from self.folder(path, root.patterns, harness, root.depth, look)
            return
        try:
            info = os.lstat(path)
        except OSError as error:
            yield PathProblem(path, _reason(error))
            return
        if stat.S_ISREG(info.st_mode) and (found := self.file(path, path, info, harness, look)) is not None:
            yield found


def _reason(error: OSError) -> str:
    return (error.strerror or str(error) or "cannot be read").lower()


def discover(
    environ: Mapping[str, str],
    home: Path,
    harnesses: Iterable[Harness] | None = None,
    problems: list[PathProblem] | None = None,
) -> Iterator[LogFile]:
    """Every file that can be a log under the roots of these harnesses (all by default).

    Roots that do not exist are passed over; folders and files that cannot be looked at go to ``problems``, one each,
    and the rest goes on. Costs one look at each folder and one ``lstat`` per file.
    """
    if harnesses is None:
        from tracetui.harness import HARNESSES

        harnesses = HARNESSES.values()
    walk = _FolderWalk()
    for harness in harnesses:
        for root in harness.roots(environ, home):
            path = os.fspath(root.path)
            if not os.path.lexists(path):
                continue
            for item in walk.root(path, root, harness.name):
                if isinstance(item, LogFile):
                    yield item
                elif problems is not None:
                    problems.append(item)


def _raw_objects(folder: str) -> str | None:
    """Where the untouched transcripts lie in a folder of opentraces (its home, or the bucket in it), None in any other:
    what stands beside them is derived, and no log of an agent."""
    for below in ("bucket/objects/raw/v1/blobs", "objects/raw/v1/blobs"):
        path = os.path.join(folder, below)  # noqa: PTH118
        if os.path.isdir(path) and not os.path.islink(path):  # noqa: PTH112, PTH114
            return path
    return None


def files_of(paths: Iterable[str | os.PathLike[str]]) -> Iterator[LogFile | PathProblem]:
    """The log files that the user names: a file whatever it is called, a folder with all that can be logs below it; of
    a folder of opentraces the transcripts that it keeps as they were.

    A named path may be a link; a file's ``path`` is then where the link leads.
    """
    walk = _FolderWalk()
    for named in paths:
        path = os.path.abspath(os.fspath(named))  # noqa: PTH100
        try:
            info = os.stat(path)  # noqa: PTH116
            if stat.S_ISDIR(info.st_mode):
                yield from walk.folder(_raw_objects(path) or path, LOG_PATTERNS, "")
                continue
            if not stat.S_ISREG(info.st_mode):
                yield PathProblem(path, "not a regular file")
                continue
            real = os.path.realpath(path) if os.path.islink(path) else path  # noqa: PTH114
            found = walk.file(real, path, info, "")
        except (OSError, ValueError) as error:
            yield PathProblem(path, _reason(error) if isinstance(error, OSError) else "not a path")
            continue
        if found is not None:
            yield found
