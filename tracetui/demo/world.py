"""The made-up world that the demo's agents work in: a tree of files, a clock, and a Git repository.

Everything is worked out from the story, so that what a session says it read or edited is what the repository holds.
"""

from __future__ import annotations

import random
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pygit2

__all__ = ["World"]

_DAY = 86_400_000
_ADA = ("Ada Example", "ada@example.org")


class World:
    """A work tree in memory with a history on disk. Times are milliseconds since the epoch."""

    def __init__(self, repo: Path, home: Path, now: int) -> None:
        self.repo, self.home, self.now = repo, home, now
        self.clock = now
        self.tree: dict[str, str] = {}
        self.flaky = ""
        """The session that the demo's capsule carries."""
        self.random = random.Random(20)  # noqa: S311 - the demo must look the same each time
        self._git: pygit2.Repository | None = None
        self._head: pygit2.Oid | None = None
        self._history: dict[str, tuple[dict[str, str], dict[str, str], str]] = {}
        """By sha: the files before, the files after, the subject."""

    # -- time and identity

    def at(self, days_ago: int, clock: str) -> None:
        """Move to ``clock`` (``HH:MM``, UTC) of a day; today's times lie before now."""
        hours, minutes = (int(part) for part in clock.split(":"))
        midnight = self.now - self.now % _DAY
        self.clock = midnight - days_ago * _DAY + (hours * 60 + minutes) * 60_000
        if self.clock > self.now - 3_600_000:
            self.clock = self.now - 3_600_000

    def tick(self, seconds: float) -> int:
        """Let time pass; gives the new time."""
        self.clock += int(seconds * 1000) + self.random.randrange(40, 900)
        return self.clock

    def uuid(self) -> str:
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def token(self, alphabet: str, length: int) -> str:
        """A made-up secret: it never was one, and stands nowhere in this file."""
        return "".join(self.random.choice(alphabet) for _ in range(length))

    # -- Git

    @property
    def git(self) -> pygit2.Repository:
        import pygit2

        if self._git is None:
            self.repo.mkdir(parents=True, exist_ok=True)
            self._git = pygit2.init_repository(str(self.repo), initial_head="main")
            self._git.remotes.create("origin", "https://github.com/example/pace.git")
        return self._git

    @property
    def head(self) -> str | None:
        """The sha of main, once there is one."""
        return str(self._head) if self._head else None

    def commit(self, message: str, *, author: tuple[str, str] = _ADA) -> str:
        """Commit the whole tree to main; gives the full sha."""
        import pygit2

        self.tick(240)
        who = pygit2.Signature(*author, self.clock // 1000, 0)
        parents = [self._head] if self._head else []
        before = self._history[str(self._head)][1] if self._head else {}
        self._head = self.git.create_commit("refs/heads/main", who, who, message, self._write(self.tree), parents)
        self._history[str(self._head)] = (before, dict(self.tree), message.splitlines()[0])
        return str(self._head)

    def revert(self, sha: str) -> str:
        """Undo a commit whole, as ``git revert`` does and says it."""
        before, after, subject = self._history[sha]
        for path in before.keys() | after.keys():
            if before.get(path) != after.get(path):
                if path in before:
                    self.tree[path] = before[path]
                else:
                    self.tree.pop(path, None)
        return self.commit(f'Revert "{subject}"\n\nThis reverts commit {sha}.\n')

    def _write(self, files: dict[str, str]) -> pygit2.Oid:
        import pygit2

        builder = self.git.TreeBuilder()
        folders: dict[str, dict[str, str]] = {}
        for path, text in files.items():
            name, _, rest = path.partition("/")
            if rest:
                folders.setdefault(name, {})[rest] = text
            else:
                builder.insert(name, self.git.create_blob(text.encode()), pygit2.enums.FileMode.BLOB)
        for name, inside in folders.items():
            builder.insert(name, self._write(inside), pygit2.enums.FileMode.TREE)
        return builder.write()

    def finish(self) -> None:
        """Lay the work tree out on disk; the index stands at HEAD, so what is not committed shows as changed."""
        for path, text in self.tree.items():
            target = self.repo / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
        self.git.index.read_tree(self.git.head.peel().tree.id)
        self.git.index.write()
