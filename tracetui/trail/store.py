"""Reading a repository: refs, commits, trees and blobs from the object store; work tree and index by libgit2 only.

Where libgit2 cannot open a repository (SHA-256, newer ref storage), Git itself reads its objects; then index and
ignore rules are not known. Nothing is ever written.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from tracetui.model import TracetuiError
from tracetui.trail import git

__all__ = ["Commit", "MissingError", "Store", "UnsupportedError", "find_git", "plain_remote"]

_LIMIT: Final = 32 * 1024 * 1024
_CACHE: Final = 32 * 1024 * 1024
_WINDOW: Final = 8 * 1024 * 1024
_MAPPED: Final = 96 * 1024 * 1024
"""What libgit2 may keep of objects and map of packs, in bytes."""
_FULL = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?\Z")


class MissingError(Exception):
    """An object that the repository names and does not hold."""


class UnsupportedError(TracetuiError):
    """A repository that neither libgit2 nor the installed Git can read."""


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit: ``time`` and ``authored`` (committer's and author's) in seconds since the epoch."""

    sha: str
    parents: tuple[str, ...]
    time: int
    authored: int
    author: str
    message: str


def find_git(folder: Path) -> tuple[Path, Path | None] | None:
    """The Git folder and the work tree that ``folder`` lies in, found by walking up; None outside of any repository.

    A ``.git`` file (worktree, submodule) is followed.
    """
    try:
        folder = folder.resolve()
    except (OSError, RuntimeError):
        return None
    for place in (folder, *folder.parents):
        dot = place / ".git"
        try:
            if dot.is_dir() and (dot / "HEAD").exists():
                return dot, place
            if dot.is_file():
                text = dot.read_text("utf-8", "surrogateescape")[:4096]
                if text.startswith("gitdir:"):
                    target = (place / text[7:].strip()).resolve()
                    if (target / "HEAD").exists():
                        return target, place
            if (place / "HEAD").is_file() and (place / "objects").is_dir() and (place / "refs").is_dir():
                return place, None
        except OSError:
            continue
    return None


def plain_remote(url: str) -> str:
    """The address of a remote without scheme, user and ending: ``host/owner/name``."""
    text = re.sub(r"^[a-z+]+://", "", url.strip().lower())
    text = re.sub(r"^[^/@]*@", "", text).removesuffix("/").removesuffix(".git")
    return re.sub(r"^([^/:]+):(?!\d+/)", r"\1/", text)


class Store:
    """One repository. ``folder`` is its Git folder (of a worktree: that worktree's), ``common`` the shared one."""

    def __init__(self, folder: Path, work: Path | None) -> None:
        self.folder, self.work = folder, work
        self.common = folder
        link = folder / "commondir"
        try:
            if link.is_file():
                self.common = (folder / link.read_text("utf-8").strip()).resolve()
        except OSError:
            pass
        self._hot: tuple[str, dict[str, tuple[int, str]]] | None = None
        self._repo: Any = None
        self._objects: git.Objects | None = None
        self._open()
        self.blob = lru_cache(maxsize=512)(self._blob)
        self._tree = lru_cache(maxsize=64)(self._read_tree)
        self.commit = lru_cache(maxsize=4096)(self._commit)
        self._entry = lru_cache(maxsize=65536)(self._read_entry)

    def _open(self) -> None:
        import pygit2

        pygit2.settings.owner_validation = False  # nothing that a repository names is run, whoever owns it
        pygit2.settings.cache_max_size(_CACHE)
        pygit2.settings.mwindow_size = _WINDOW
        pygit2.settings.mwindow_mapped_limit = _MAPPED
        try:
            self._repo = pygit2.Repository(str(self.folder), pygit2.enums.RepositoryOpenFlag.NO_SEARCH)
        except (pygit2.GitError, KeyError, ValueError):
            try:
                git.read(self.folder, ["for-each-ref", "--count=1"])
            except git.GitError as error:
                raise UnsupportedError(f"Cannot read the repository at {self.folder}: {error}") from error
            self._objects = git.Objects(self.folder)

    def close(self) -> None:
        """Let go of files and processes."""
        if self._objects is not None:
            self._objects.close()
        if self._repo is not None:
            self._repo.free()

    # -- names

    @property
    def shallow(self) -> frozenset[str]:
        """The commits whose parents were cut off."""
        try:
            return frozenset((self.common / "shallow").read_text("ascii").split())
        except (OSError, UnicodeDecodeError):
            return frozenset()

    @property
    def partial(self) -> bool:
        """Whether objects may be missing on purpose (a partial clone)."""
        try:
            return any((self.common / "objects" / "pack").glob("*.promisor"))
        except OSError:
            return False

    def refs(self) -> dict[str, str]:
        """Full name -> commit sha of every ref that leads to a commit."""
        found: dict[str, str] = {}
        if self._repo is None:
            form = "%(objectname) %(*objectname) %(objecttype) %(*objecttype) %(refname)"
            for line in (
                git.read(self.folder, ["for-each-ref", f"--format={form}"]).decode("utf-8", "replace").splitlines()
            ):
                parts = line.split(" ")
                if len(parts) == 5 and "commit" in parts[2:4]:
                    found[parts[4]] = parts[0] if parts[2] == "commit" else parts[1]
            return found
        import pygit2

        for name in self._repo.listall_references():
            try:
                found[name] = str(self._repo.lookup_reference(name).peel(pygit2.Commit).id)
            except (KeyError, pygit2.GitError, ValueError):
                continue
        return found

    def remotes(self) -> set[str]:
        """The addresses of its remotes, as ``plain_remote`` spells them."""
        if self._repo is None:
            return set()
        import pygit2

        try:
            return {plain_remote(remote.url) for remote in self._repo.remotes if remote.url}
        except (ValueError, pygit2.GitError, UnicodeDecodeError):
            return set()

    def resolve(self, name: str) -> str | None:
        """The full sha of the commit that a revision names, None when there is none."""
        if not name or name.startswith("-") or "\n" in name or "\0" in name:
            return None
        if self._repo is None:
            if _FULL.match(name) and self._objects is not None:
                got = self._objects.get(name)
                if got is not None and got[0] == "commit":
                    return name
            try:
                text = git.read(
                    self.folder, ["rev-parse", "--verify", "--quiet", "--end-of-options", name + "^{commit}"]
                )
            except git.GitError:
                return None
            return text.decode("ascii", "replace").split()[-1] if text.split() else None
        import pygit2

        try:
            return str(self._repo.revparse_single(name).peel(pygit2.Commit).id)
        except (KeyError, pygit2.GitError, ValueError):
            return None

    def merge_base(self, one: str, other: str) -> str | None:
        """The commit at which two histories part; None where there is none, or it cannot be told."""
        if self._repo is None:
            return None
        import pygit2

        try:
            found = self._repo.merge_base(one, other)
        except (KeyError, ValueError, pygit2.GitError):
            return None
        return str(found) if found is not None else None

    def stashes(self) -> list[str]:
        """The commits of the stash, newest first."""
        if self._repo is None:
            top = self.resolve("refs/stash")
            return [top] if top else []
        import pygit2

        try:
            ref = self._repo.lookup_reference("refs/stash")
            found = [str(entry.oid_new) for entry in ref.log()]
            return list(dict.fromkeys([str(ref.target), *found]))
        except (KeyError, pygit2.GitError, ValueError):
            return []

    # -- objects

    def _commit(self, sha: str) -> Commit | None:
        """The commit, None when it is missing."""
        if self._objects is not None:
            got = self._objects.get(sha)
            return _parse_commit(sha, got[1]) if got is not None and got[0] == "commit" else None
        import pygit2

        try:
            value = self._repo[sha]
        except (KeyError, ValueError, pygit2.GitError):
            return None
        return _parse_commit(sha, value.read_raw()) if isinstance(value, pygit2.Commit) else None

    def _blob(self, oid: str) -> bytes:
        """The content of a blob; raises ``MissingError``. Content over 32 MiB is given as binary (one NUL)."""
        if self._objects is not None:
            got = self._objects.get(oid)
            if got is None or got[0] != "blob":
                raise MissingError(oid)
            return got[1] if len(got[1]) <= _LIMIT else b"\0"
        import pygit2

        try:
            value = self._repo[oid]
            if not isinstance(value, pygit2.Blob):
                raise MissingError(oid)
            return bytes(value.data) if value.size <= _LIMIT else b"\0"
        except (KeyError, ValueError, pygit2.GitError) as error:
            raise MissingError(oid) from error

    def whole_blob(self, oid: str) -> bytes:
        """The content of a blob of any size; raises ``MissingError``."""
        if self._objects is not None:
            got = self._objects.get(oid)
            if got is None or got[0] != "blob":
                raise MissingError(oid)
            return got[1]
        import pygit2

        try:
            value = self._repo[oid]
            if not isinstance(value, pygit2.Blob):
                raise MissingError(oid)
            return bytes(value.data)
        except (KeyError, ValueError, pygit2.GitError) as error:
            raise MissingError(oid) from error

    def entry(self, sha: str, path: str) -> tuple[int, str] | None:
        """(mode, oid) of a path in the tree of a commit; None when it is not there. Raises ``MissingError``."""
        return self._entry(sha, path)

    def keep(self, sha: str) -> dict[str, tuple[int, str]]:
        """Keep the whole tree of a commit that is asked for often; gives it as ``files`` does."""
        files = self.files(sha)
        self._hot = (sha, files)
        return files

    def _read_entry(self, sha: str, path: str) -> tuple[int, str] | None:
        if self._hot is not None and self._hot[0] == sha:
            found = self._hot[1].get(path)
            if found is not None:
                return found
        if self._repo is None:
            return self.files(sha).get(path)
        import pygit2

        try:
            item = self._repo[sha].tree[path]
            return int(item.filemode), str(item.id)
        except KeyError as error:
            if self._commit(sha) is None:
                raise MissingError(sha) from error
            self._check_trees(sha, path)
            return None
        except (ValueError, pygit2.GitError) as error:
            raise MissingError(sha) from error

    def _check_trees(self, sha: str, path: str) -> None:
        """Raise ``MissingError`` when a tree on the way to ``path`` is not there (rather than without the path)."""
        import pygit2

        try:
            tree = self._repo[sha].tree
        except (KeyError, ValueError, pygit2.GitError) as error:
            raise MissingError(sha) from error
        for part in path.split("/")[:-1]:
            try:
                found = tree[part]
            except KeyError:
                return
            if not isinstance(found, pygit2.Tree):
                return
            try:
                tree = self._repo[found.id]
            except (KeyError, ValueError, pygit2.GitError) as error:
                raise MissingError(str(found.id)) from error

    def files(self, sha: str) -> dict[str, tuple[int, str]]:
        """path -> (mode, oid) of everything in the tree of a commit (links to submodules too)."""
        return self._tree(sha)

    def _read_tree(self, sha: str) -> dict[str, tuple[int, str]]:
        found: dict[str, tuple[int, str]] = {}
        if self._repo is None:
            try:
                text = git.read(self.folder, ["ls-tree", "-r", "-z", sha])
            except git.GitError as error:
                raise MissingError(sha) from error
            for row in text.split(b"\0"):
                head, _, path = row.partition(b"\t")
                parts = head.split()
                if len(parts) == 3:
                    found[path.decode("utf-8", "surrogateescape")] = (int(parts[0], 8), parts[2].decode("ascii"))
            return found
        import pygit2

        try:
            waiting = [("", self._repo[sha].tree)]
            while waiting:
                prefix, tree = waiting.pop()
                for item in tree:
                    name = prefix + os.fsdecode(item.raw_name)
                    if item.filemode == 0o040000:
                        waiting.append((name + "/", self._repo[item.id]))
                    else:
                        found[name] = (int(item.filemode), str(item.id))
        except (KeyError, ValueError, pygit2.GitError) as error:
            raise MissingError(sha) from error
        return found

    def text_at(self, sha: str, path: str) -> bytes | None:
        """The content of a path at a commit, None when it is no file there. Raises ``MissingError``."""
        found = self.entry(sha, path)
        if found is None or found[0] in (0o160000, 0o040000):
            return None
        return self.blob(found[1])

    # -- work tree and index, never through Git

    def index_entry(self, path: str) -> str | None:
        """The blob that the index holds for a path, None when none or not known."""
        if self._repo is None or self.work is None:
            return None
        import pygit2

        try:
            return str(self._repo.index[path].id)
        except (KeyError, ValueError, pygit2.GitError, OSError):
            return None

    def index_paths(self) -> Iterator[str]:
        """Every path in the index."""
        if self._repo is None or self.work is None:
            return
        import pygit2

        try:
            for item in self._repo.index:
                yield item.path
        except (ValueError, pygit2.GitError, OSError, UnicodeDecodeError):
            return

    def ignored(self, path: str) -> bool:
        """Whether the ignore rules leave a path out; false where that is not known."""
        if self._repo is None or self.work is None:
            return False
        import pygit2

        try:
            return bool(self._repo.path_is_ignored(path))
        except (ValueError, pygit2.GitError, OSError):
            return False

    def worktree_text(self, path: str) -> bytes | None:
        """The file as it stands in the work tree: a regular file below it, no link followed, up to 32 MiB."""
        if self.work is None or path.startswith("/") or ".." in path.split("/"):
            return None
        try:
            place = os.open(self.work, os.O_RDONLY | os.O_DIRECTORY)
        except OSError:
            return None
        try:
            parts = path.split("/")
            for part in parts[:-1]:
                deeper = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=place)
                os.close(place)
                place = deeper
            handle = os.open(parts[-1], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=place)
        except (OSError, ValueError):
            return None
        finally:
            os.close(place)
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return None
            data = file.read(_LIMIT + 1)
        return data if len(data) <= _LIMIT else b"\0"


def _parse_commit(sha: str, raw: bytes) -> Commit:
    head, _, message = raw.partition(b"\n\n")
    parents: list[str] = []
    author, authored, time = "", 0, 0
    for line in head.split(b"\n"):
        name, _, value = line.partition(b" ")
        if name == b"parent":
            parents.append(value.decode("ascii", "replace"))
        elif name in (b"author", b"committer"):
            who, _, when = value.rpartition(b"> ")
            stamp = when.split(b" ")[0]
            seconds = int(stamp) if stamp.lstrip(b"-").isdigit() else 0
            if name == b"author":
                author, authored = who.split(b" <")[0].decode("utf-8", "replace").strip(), seconds
            else:
                time = seconds
    return Commit(sha, tuple(parents), time, authored, author, message.decode("utf-8", "replace"))
