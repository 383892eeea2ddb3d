"""Trees of files: laid out from a repository's object store into a folder of ours, and patched there.

No checkout, no filters, no attributes, no worktree. Every name is opened from its parent's descriptor without following
links, so that neither a hostile repository nor a hostile patch writes outside the folder.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tracetui.capsule.patches import FilePatch, PatchError, apply, check_path
from tracetui.model import TracetuiError
from tracetui.trail.store import MissingError, Store

__all__ = ["Layout", "Tree", "remove_tree"]

_LINK: Final = 0o120000
_SUBMODULE: Final = 0o160000
_EXECUTABLE: Final = 0o100755
SIZE_LIMIT: Final = 4 * 1024**3
"""Bytes of one tree."""


@dataclass(slots=True)
class Layout:
    """What was laid out: ``files`` and ``bytes``, and what was left out, with why."""

    files: int = 0
    bytes: int = 0
    left_out: list[tuple[str, str]] = field(default_factory=list)


class Tree:
    """A folder of ours that holds a tree. ``root`` must exist and be empty or made by this class."""

    def __init__(self, root: Path) -> None:
        self.root = root

    # -- from a repository

    def lay_out(self, store: Store, sha: str) -> Layout:
        """Write the files of a commit. Links are made last, and only those that stay inside; submodules stay empty
        folders. Raises TracetuiError when objects are missing or the tree is too large."""
        done = Layout()
        try:
            files = sorted(store.files(sha).items())
        except MissingError:
            raise TracetuiError(f"The commit {sha[:12]} or its tree is not in the repository; fetch it first") from None
        links: list[tuple[str, str]] = []
        for path, (mode, oid) in files:
            wrong = check_path(path)
            if wrong is not None and not _is_gitmodules(path):
                done.left_out.append((path, f"its path {wrong}"))
                continue
            if mode == _SUBMODULE:
                done.left_out.append((path, "it is a submodule"))
                continue
            try:
                data = store.whole_blob(oid)
            except MissingError:
                raise TracetuiError(
                    f"The repository does not hold {path!a} of {sha[:12]} (a partial clone?); fetch it first"
                ) from None
            if mode == _LINK:
                links.append((path, os.fsdecode(data)))
                continue
            done.bytes += len(data)
            if done.bytes > SIZE_LIMIT:
                raise TracetuiError(f"The tree of {sha[:12]} is larger than {SIZE_LIMIT // 2**30} GiB")
            self.write(path, data, executable=mode == _EXECUTABLE)
            done.files += 1
        for path, target in links:
            if not _stays(path, target):
                done.left_out.append((path, "it is a link that leads outside"))
                continue
            self._link(path, target)
            done.files += 1
        return done

    # -- single files

    def read(self, path: str) -> bytes | None:
        """A file's bytes, None when there is none. Raises ``PatchError`` for a link or a path that leads outside."""
        folder = self._folder(path, make=False)
        if folder is None:
            return None
        try:
            descriptor = os.open(_leaf(path), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
        except FileNotFoundError:
            return None
        except OSError:
            raise PatchError(f"The patch would go through a link: {path!a}") from None
        finally:
            os.close(folder)
        with os.fdopen(descriptor, "rb") as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise PatchError(f"The patch names something that is no file: {path!a}")
            return stream.read()

    def write(self, path: str, data: bytes, *, executable: bool | None = None) -> None:
        """Write a file, its folders made as needed. ``executable`` None keeps what it was."""
        folder = self._folder(path, make=True)
        assert folder is not None
        flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
        try:
            descriptor = os.open(_leaf(path), flags, 0o755 if executable else 0o644, dir_fd=folder)
        except OSError:
            raise PatchError(f"The patch would go through a link: {path!a}") from None
        finally:
            os.close(folder)
        with os.fdopen(descriptor, "wb") as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise PatchError(f"The patch names something that is no file: {path!a}")
            stream.truncate(0)
            stream.write(data)
            if executable is not None:
                os.fchmod(stream.fileno(), 0o755 if executable else 0o644)

    def remove(self, path: str) -> None:
        """Remove a file, and the folders that it leaves empty."""
        folder = self._folder(path, make=False)
        if folder is None:
            return
        try:
            os.unlink(_leaf(path), dir_fd=folder)
        except OSError:
            raise PatchError(f"The patch removes {path!a}, which is no file") from None
        finally:
            os.close(folder)
        parts = path.split("/")[:-1]
        while parts:
            above = self._folder("/".join(parts), make=False)
            if above is None:
                return
            try:
                os.rmdir(parts[-1], dir_fd=above)
            except OSError:
                return
            finally:
                os.close(above)
            parts.pop()

    def apply(self, patches: Iterable[FilePatch]) -> list[str]:
        """Apply a patch, all of it or nothing; gives the paths that changed. Raises ``PatchError``."""
        planned: dict[str, bytes | None] = {}
        modes: dict[str, bool | None] = {}

        def now(path: str) -> bytes | None:
            return planned[path] if path in planned else self.read(path)

        for patch in patches:
            before = now(patch.source) if patch.source is not None else now(patch.target or "")
            after = apply(patch, before)
            if patch.source is not None and patch.source != patch.target:
                planned[patch.source] = None
            if patch.target is not None:
                if patch.target != patch.source and patch.source is not None and now(patch.target) is not None:
                    raise PatchError(f"The patch would move a file onto {patch.target!a}, which is there")
                planned[patch.target] = after
                modes[patch.target] = None if patch.mode is None else patch.mode == "100755"
        for path, data in planned.items():
            if data is None and self.read(path) is not None:
                self.remove(path)
        for path, data in planned.items():
            if data is not None:
                self.write(path, data, executable=modes.get(path))
        return sorted(planned)

    def copy_to(self, other: Path) -> Tree:
        """A second copy of the tree, in a folder that does not exist yet; links stay links."""
        shutil.copytree(self.root, other, symlinks=True)
        return Tree(other)

    # -- no link is followed

    def _folder(self, path: str, *, make: bool) -> int | None:
        """A descriptor of the folder that holds ``path``, None when it is not there."""
        wrong = check_path(path)
        if wrong is not None and not _is_gitmodules(path):
            raise PatchError(f"A path is refused: {path!a} {wrong}")
        here = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            for part in path.split("/")[:-1]:
                if make:
                    with contextlib.suppress(FileExistsError):
                        os.mkdir(part, 0o755, dir_fd=here)
                try:
                    below = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=here)
                except FileNotFoundError:
                    os.close(here)
                    return None
                except OSError:
                    raise PatchError(f"A path goes through a link or a file: {path!a}") from None
                os.close(here)
                here = below
        except BaseException:
            os.close(here)
            raise
        return here

    def _link(self, path: str, target: str) -> None:
        folder = self._folder(path, make=True)
        assert folder is not None
        try:
            os.symlink(target, _leaf(path), dir_fd=folder)
        except OSError:
            raise TracetuiError(f"Cannot make the link {path!a} of the tree") from None
        finally:
            os.close(folder)


def remove_tree(folder: Path) -> None:
    """Remove a folder that a stranger's command wrote to, or the link or file of that name; no link is followed.

    Neither modes nor depth keep it from that: folders are moved up to the top before they are emptied, so that no path
    grows long and nothing recurses. What cannot be removed stays.
    """
    if folder.is_symlink() or not folder.is_dir():
        with contextlib.suppress(OSError):
            folder.unlink()
        return
    mark, count = secrets.token_hex(8), 0
    emptied: list[Path] = []
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        emptied.append(here)
        try:
            here.chmod(0o700)
            found = list(os.scandir(here))
        except OSError:
            continue
        for entry in found:
            with contextlib.suppress(OSError):
                if not entry.is_dir(follow_symlinks=False):
                    os.unlink(entry.path)  # noqa: PTH108 - many of them
                    continue
                below = Path(entry.path)
                if here != folder:
                    below.chmod(0o700)
                    count += 1
                    below = below.rename(folder / f"{mark}.{count}")
                waiting.append(below)
    for place in reversed(emptied):
        with contextlib.suppress(OSError):
            place.rmdir()


def _leaf(path: str) -> str:
    return path.rpartition("/")[2]


def _is_gitmodules(path: str) -> bool:
    """The plain list of submodules at the root of a tree is harmless where no Git reads it."""
    return path == ".gitmodules"


def _stays(path: str, target: str) -> bool:
    """Whether a link stays inside the tree: ``..`` leads only from the link's own folder upwards, never from where
    another link may have led."""
    if not target or target.startswith("/") or "\0" in target:
        return False
    parts = [part for part in target.split("/") if part not in ("", ".")]
    climbs = 0
    while climbs < len(parts) and parts[climbs] == "..":
        climbs += 1
    return climbs <= path.count("/") and ".." not in parts[climbs:]
