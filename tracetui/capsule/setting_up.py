"""What a tree gets before its checks run in it: a Git folder of our own, private copies of the user's packages, and the
commands that set it up."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tracetui.capsule.tree import Tree
from tracetui.model import TracetuiError
from tracetui.sandbox.tools import Tools

if TYPE_CHECKING:
    from pygit2 import Oid, Repository

__all__ = ["copy_packages", "give_git"]

_TIME: Final = 1_000_000_000
_FILES: Final = 30_000
_BYTES: Final = 512 * 1024**2
_COPY: Final = 4 * 1024**3
"""Bytes of packages that are copied at most."""
_SCRIPT: Final = 200


def give_git(tree: Tree) -> bool:
    """Make a Git folder with one commit of all that the tree holds: no hooks, no settings of the user, no remote, for
    projects whose tests or versions ask Git. False for a tree that is too large, or that has one."""
    import pygit2

    root = tree.root
    if os.path.lexists(root / ".git"):
        return False
    repo = pygit2.init_repository(str(root), bare=False, initial_head="main", template_path=str(root / ".git" / "none"))
    shutil.rmtree(root / ".git" / "hooks", ignore_errors=True)
    counted = [0, 0]
    try:
        whole = _written(repo, root, counted, top=True)
    except _TooLargeError:
        shutil.rmtree(root / ".git")
        return False
    who = pygit2.Signature("capsule", "capsule@localhost", _TIME, 0)
    repo.create_commit("refs/heads/main", who, who, "The tree of a capsule\n", whole, [])
    repo.index.read_tree(repo[whole])
    repo.index.write()
    return True


class _TooLargeError(Exception):
    pass


def _written(repo: Repository, folder: Path, counted: list[int], *, top: bool = False) -> Oid:
    """Write a folder's files as they are, by no filter, and give the id of its tree."""
    builder = repo.TreeBuilder()
    with os.scandir(folder) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    for entry in entries:
        if top and entry.name == ".git":
            continue
        info = entry.stat(follow_symlinks=False)
        counted[0] += 1
        if stat.S_ISLNK(info.st_mode):
            builder.insert(entry.name, repo.create_blob(os.fsencode(Path(entry.path).readlink())), 0o120000)
        elif stat.S_ISDIR(info.st_mode):
            below = _written(repo, Path(entry.path), counted)
            if len(repo[below]):  # type: ignore[arg-type]
                builder.insert(entry.name, below, 0o040000)
        elif stat.S_ISREG(info.st_mode):
            counted[1] += info.st_size
            if counted[0] > _FILES or counted[1] > _BYTES:
                raise _TooLargeError
            mode = 0o100755 if info.st_mode & 0o100 else 0o100644
            builder.insert(entry.name, repo.create_blob(Path(entry.path).read_bytes()), mode)
    return builder.write()


def copy_packages(tree: Tree, tools: Tools, root: str) -> Tools:
    """Put copies of what ``tools`` shows in the tree into it, for commands that write there; the tools without those.

    ``root`` is where commands see the tree. Scripts of an environment that begin with its own Python are pointed at the
    copy. Raises TracetuiError where the copies would be too large.
    """
    inside = {at: source for source, at in tools.mounts if at.startswith("{root}/")}
    left = Tools([], [], list(tools.bins), dict(tools.environ), list(tools.told))
    size = 0
    for at, source in inside.items():
        target = tree.root / at[7:]
        if os.path.lexists(target):
            continue
        size += _size(source)
        if size > _COPY:
            raise TracetuiError(f"The packages to copy for the set-up are larger than {_COPY // 2**30} GiB")
        shutil.copytree(source, target, symlinks=True)
        if (target / "pyvenv.cfg").is_file():
            _point(target, str(source), f"{root}/{at[7:]}")
        left.bins = [f"{root}/{at[7:]}/bin" if place == f"{source}/bin" else place for place in left.bins]
    copied = set(inside.values())
    left.mounts = [(source, at) for source, at in tools.mounts if at not in inside and source not in copied]
    return left


def _size(folder: Path) -> int:
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            total += (Path(place) / name).lstat().st_size
            if total > _COPY:
                return total
    return total


def _point(environment: Path, before: str, after: str) -> None:
    """Point the scripts of a copied environment at its own Python."""
    for path in (environment / "bin").iterdir():
        if path.is_symlink() or not path.is_file():
            continue
        data = path.read_bytes()
        first, line, rest = data.partition(b"\n")
        if first.startswith(b"#!") and len(first) < _SCRIPT and before.encode() in first:
            mode = path.stat().st_mode
            path.write_bytes(first.replace(before.encode(), after.encode()) + line + rest)
            path.chmod(mode)
