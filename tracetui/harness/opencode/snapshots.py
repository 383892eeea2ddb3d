"""Texts of files as they were before a call wrote them, out of the snapshots that OpenCode keeps: trees in a Git
repository of its own, one before each response. They are read from the object store alone."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import pygit2

__all__ = ["Snapshots"]

_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,128}")
_OID: Final = re.compile(r"[0-9a-f]{40}")
_TEXT_MAX: Final = 1024 * 1024
_FOLDERS: Final = 32


class Snapshots:
    """The snapshots of one project. Told the messages and parts of a session in order."""

    def __init__(self, folder: Path, project: Any) -> None:
        known = isinstance(project, str) and _NAME.fullmatch(project) and project.strip(".")
        self._folder = folder / str(project) if known else None
        self._repositories: list[pygit2.Repository] | None = None
        self._root = ""
        self._tree: str | None = None
        self._touched: set[str] = set()

    def begin(self, message: dict[str, Any]) -> None:
        """A message: the folder that its paths are in."""
        path = message.get("path")
        root = path.get("root") if isinstance(path, dict) else None
        self._root, self._tree = root if isinstance(root, str) else "", None
        self._touched.clear()

    def before(self, part: dict[str, Any]) -> str | None:
        """The text that a call of ``write`` replaced; None for other parts, and where no snapshot tells it. Only the
        first call of a response on a file is told: the snapshot is older than the others."""
        if part.get("type") == "step-start":
            tree = part.get("snapshot")
            self._tree = tree if isinstance(tree, str) and _OID.fullmatch(tree) else None
            self._touched.clear()
            return None
        box = part.get("state")
        state: dict[str, Any] = box if isinstance(box, dict) else {}
        given = state.get("input")
        path = given.get("filePath") if isinstance(given, dict) else None
        if part.get("type") != "tool" or not isinstance(path, str) or part.get("tool") not in ("write", "edit"):
            return None
        first = path not in self._touched
        self._touched.add(path)
        if not first or part.get("tool") != "write" or state.get("status") != "completed" or self._tree is None:
            return None
        about = state.get("metadata")
        if not isinstance(about, dict) or about.get("exists") is not True or not self._root.startswith("/"):
            return None
        inner = os.path.relpath(path, self._root)
        return None if inner.startswith("..") else self._text(inner)

    def _text(self, path: str) -> str | None:
        for repository in self._opened():
            try:
                tree: Any = repository.get(self._tree)  # type: ignore[arg-type]
                entry = tree[path] if tree is not None else None
                if entry is None or entry.type_str != "blob":
                    continue
                if repository.odb.read_header(entry.id)[1] > _TEXT_MAX:
                    return None
                return bytes(entry.data).decode("utf-8")
            except (KeyError, ValueError, OSError, TypeError, AttributeError):
                continue
        return None

    def _opened(self) -> list[pygit2.Repository]:
        """The repository of the project, or those below its folder (newer versions have one per work tree)."""
        if self._repositories is not None:
            return self._repositories
        self._repositories = []
        if self._folder is None or not self._folder.is_dir():
            return []
        import pygit2

        pygit2.settings.owner_validation = False  # nothing that a repository names is run, whoever owns it
        places = [self._folder, *sorted(self._folder.iterdir())[:_FOLDERS]]
        for place in places:
            if (place / "HEAD").is_file() and (place / "objects").is_dir():
                try:
                    flag = pygit2.enums.RepositoryOpenFlag.NO_SEARCH
                    self._repositories.append(pygit2.Repository(str(place), flag))
                except (pygit2.GitError, KeyError, ValueError):
                    continue
        return self._repositories
