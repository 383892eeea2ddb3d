"""Which repository a session worked in, and what a path of its log is called there."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

from tracetui.trail.store import Store, find_git

__all__ = ["Locator", "find_repository", "sibling", "worktrees"]


def find_repository(cwd: str | None, given: str | None = None) -> tuple[Path, Path | None] | None:
    """The Git folder and work tree for a session that ran in ``cwd``; ``given`` (``--repo``) wins.

    A folder that is gone is looked for by its nearest parent that exists (a removed subfolder or worktree). None when
    there is no repository.
    """
    if given is not None:
        return find_git(Path(given).expanduser())
    if not cwd or not cwd.startswith("/"):
        return None
    place = Path(cwd)
    while True:
        try:
            if place.is_dir():
                return find_git(place)
        except OSError:
            return None
        if place == place.parent or len(place.parts) <= 2:
            return None
        place = place.parent


def worktrees(store: Store) -> list[tuple[Path, Path]]:
    """(work tree, Git folder) of every linked worktree, whether it still exists or not."""
    found: list[tuple[Path, Path]] = []
    try:
        places = sorted((store.common / "worktrees").iterdir())
    except OSError:
        return found
    for place in places:
        try:
            text = (place / "gitdir").read_text("utf-8", "surrogateescape").strip()
        except OSError:
            continue
        if text.endswith("/.git"):
            found.append((Path(text[:-5]), place))
    return found


def _below(path: str, root: str) -> str | None:
    root = root.rstrip("/")
    if path == root:
        return ""
    return path[len(root) + 1 :] if path.startswith(root + "/") else None


def _related(root: str, cwd: str) -> bool:
    """Whether a root can be that of a repository which a session in a folder worked in."""
    if not root:
        return False
    return root == cwd or _below(cwd, root) is not None or _below(root, cwd) is not None or sibling(root, cwd)


def sibling(root: str, cwd: str) -> bool:
    """Whether a folder is laid out like a worktree of another one: ``.../app-fix``, ``.../app.worktrees/fix`` beside
    ``.../app`` (and ``.../app`` beside these)."""
    parent, _, name = cwd.rstrip("/").rpartition("/")
    inner = _below(root, parent) if parent else None
    if inner:
        first = inner.split("/")[0]
        return first != name and first.startswith(name) and not first[len(name)].isalnum() and inner.count("/") <= 2
    return False


class Locator:
    """Names paths of logs as the repository does.

    ``known`` tells whether history or the tree at the judged revision has a path. A path below a work tree is taken
    from there. Else, for logs of other machines and of worktrees that are gone, the longest known suffix counts whose
    root is the session's folder, above it or below it, or a worktree beside it.
    """

    def __init__(self, store: Store, known: Callable[[str], bool], given: bool = False) -> None:
        self.store = store
        self.known = known
        self.given = given
        self.roots: list[str] = []
        if store.work is not None:
            self.roots.append(str(store.work))
        self.trees = worktrees(store)
        self.roots += [str(tree) for tree, _ in self.trees]
        self.main = self._main()
        if self.main is not None and self.main not in self.roots:
            self.roots.append(self.main)
        self.roots.sort(key=len, reverse=True)
        self.learned: Counter[str] = Counter()
        self._cache: dict[tuple[str, str | None], str | None] = {}

    def _main(self) -> str | None:
        return str(self.store.common.parent) if self.store.common.name == ".git" else None

    def learn(self, paths: Iterable[tuple[str, str | None]]) -> None:
        """See the (path, session folder) pairs of a session first, so that new files find the root of known ones."""
        for path, cwd in paths:
            found = self.suffix(path, cwd)
            if found is not None:
                self.learned[path[: len(path) - len(found)].rstrip("/")] += 1
        self._cache.clear()

    def __call__(self, path: str, cwd: str | None) -> str | None:
        """The path within the repository, None when it lies outside."""
        key = (path, cwd)
        if key not in self._cache:
            self._cache[key] = self._find(path, cwd)
        return self._cache[key]

    def _find(self, path: str, cwd: str | None) -> str | None:
        for root in self.roots:
            for spelled in (path, _real(path)):
                inner = _below(spelled, root)
                if inner:
                    if self.known(inner):
                        return inner
                    other = self.suffix(path, cwd) if cwd and cwd.rstrip("/") != root else None
                    if other is not None and other != inner and _below(cwd or "", root):
                        return other if not _real_file(root, inner) else inner
                    learned = self._by_learned(path)
                    return learned if learned is not None and not _real_file(root, inner) else inner
        found = self.suffix(path, cwd)
        if found is not None:
            return found
        found = self._by_learned(path)
        if found is not None:
            return found
        if cwd and self.given:
            inner = _below(path, cwd)
            return inner or None
        return None

    def _by_learned(self, path: str) -> str | None:
        for root, _ in self.learned.most_common():
            inner = _below(path, root)
            if inner:
                return inner
        return None

    def suffix(self, path: str, cwd: str | None) -> str | None:
        """The longest ending of a path that the repository knows, below a root that is the session's folder, above or
        below it, or a worktree beside it."""
        if not cwd:
            return None
        cwd = posixpath.normpath(cwd.replace("\\", "/")) if "\\" in cwd else posixpath.normpath(cwd)
        parts = path.strip("/").split("/")
        lead = "/" if path.startswith("/") else ""
        for cut in range(len(parts)):
            root = (lead + "/".join(parts[:cut])).rstrip("/") or lead
            if root == "/" or not _related(root, cwd):
                continue
            inner = "/".join(parts[cut:])
            if self.known(inner):
                return inner
        return None

    def place(self, path: str) -> tuple[Path, Path | None]:
        """The work tree that holds an absolute path and its Git folder (None for the store's own)."""
        for tree, folder in self.trees:
            if _below(path, str(tree)) is not None:
                return tree, folder
        return self.store.work or Path("/nonexistent"), None


def _real(path: str) -> str:
    try:
        return str(Path(path).parent.resolve() / Path(path).name)
    except (OSError, RuntimeError, ValueError):
        return path


def _real_file(root: str, inner: str) -> bool:
    try:
        return (Path(root) / inner).is_file()
    except (OSError, ValueError):
        return False
