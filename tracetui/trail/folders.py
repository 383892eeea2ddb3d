"""Which sessions belong to a repository: by the folder they ran in, as the user named it, or as evidence suggests.

A folder that is gone, or that is one of another machine, belongs to no repository until the user says so; what speaks
for one (`Folders.offers`) is told, offered once, and remembered.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha1
from pathlib import Path
from typing import Any, Final

from tracetui.bucket import Bucket
from tracetui.model import SessionRow, TracetuiError
from tracetui.trail.edits import Edits
from tracetui.trail.hunks import Edit, absolute
from tracetui.trail.judge import Judge
from tracetui.trail.repo import find_repository, sibling
from tracetui.trail.store import find_git, plain_remote

__all__ = ["FolderCandidate", "Folders", "Place", "Unseen", "anchor"]

Place = tuple[Path, Path | None]
"""A Git folder and its work tree."""
_REPOS: Final = "trail.repos"
_REFUSED: Final = "trail.refused"
_ANCHORS: Final = "trail.anchors"
_SESSIONS: Final = 4
"""Sessions of a folder that are read for evidence."""
_PATHS: Final = 3
"""Edited paths that a repository must know for them to speak for it; at least half of those edited."""


@dataclass(frozen=True, slots=True)
class Unseen:
    """Sessions with edits whose folders belong to no repository."""

    sessions: int
    folders: int

    def json(self) -> dict[str, int]:
        """The object under ``unseen``."""
        return {"sessions": self.sessions, "folders": self.folders}


@dataclass(frozen=True, slots=True)
class FolderCandidate:
    """A folder that looks like one of a repository: ``why`` are ``remote``, ``commit``, ``worktree``, ``text`` (a file
    was as a commit has it), ``paths`` and ``branch``."""

    folder: str
    sessions: int
    why: tuple[str, ...]


def anchor(bucket: Bucket, origin: str, repo: str) -> None:
    """Keep which repository the foreign sessions of an origin (``foreign:DIGEST8``) were taken from."""
    bucket.set_setting(_ANCHORS, {**(bucket.setting(_ANCHORS) or {}), origin: repo})


class Folders:
    """The folders of a bucket's sessions and the repositories that they belong to."""

    def __init__(self, bucket: Bucket, edits: Edits, repo: str | None = None) -> None:
        self.bucket, self.edits, self.repo = bucket, edits, repo
        self._places: dict[str | None, Place | None] = {}
        self._gone: dict[str | None, bool] = {}

    # -- what is remembered

    def remembered(self) -> dict[str, str]:
        """Folder -> repository, as the user named them."""
        return dict(self.bucket.setting(_REPOS) or {})

    def remember(self, folders: Iterable[str], repo: str | None) -> None:
        """Keep which repository belongs to folders (None: forget it, and do not offer it again). Raises when it is
        none."""
        if repo is not None and find_git(Path(repo).expanduser()) is None:
            raise TracetuiError(f"{repo} is not in a Git repository; name one that is")
        known = self.remembered()
        refused: dict[str, list[str]] = dict(self.bucket.setting(_REFUSED) or {})
        for folder in folders:
            if repo is not None:
                known[folder] = str(Path(repo).expanduser().absolute())
                refused.pop(folder, None)
            elif folder in known:
                refused.setdefault(folder, []).append(known.pop(folder))
        self.bucket.set_setting(_REPOS, known or None)
        self.bucket.set_setting(_REFUSED, refused or None)
        self._places.clear()
        self._gone.clear()

    def refuse(self, folders: Iterable[str], repo: str) -> None:
        """Do not offer folders for a repository again."""
        refused: dict[str, list[str]] = dict(self.bucket.setting(_REFUSED) or {})
        for folder in folders:
            refused[folder] = sorted({*refused.get(folder, ()), repo})
        self.bucket.set_setting(_REFUSED, refused or None)

    def named(self, cwd: str | None) -> str | None:
        """The repository that is remembered for a folder or for one above it."""
        known = self.bucket.setting(_REPOS) or {}
        best = ""
        for folder in known:
            if cwd and (cwd == folder or cwd.startswith(folder.rstrip("/") + "/")) and len(folder) > len(best):
                best = folder
        found = known.get(best)
        return str(found) if found is not None else None

    def anchored(self, session: SessionRow) -> str | None:
        """The repository that a foreign session was taken from, which the user named then."""
        if not session.foreign:
            return None
        found = (self.bucket.setting(_ANCHORS) or {}).get(session.id.partition("/")[0])
        return found if isinstance(found, str) else None

    def is_named(self, place: Place) -> bool:
        """Whether the user named this repository for some folder."""
        here = common(place[0])
        for name in {*self.remembered().values(), *(self.bucket.setting(_ANCHORS) or {}).values()}:
            found = find_git(Path(name).expanduser())
            if found is not None and common(found[0]) == here:
                return True
        return False

    # -- sessions of a repository

    def place(self, cwd: str | None) -> Place | None:
        """The repository of a folder: the one remembered, else the one around it; None when there is none."""
        if cwd not in self._places:
            self._places[cwd] = find_repository(cwd, self.named(cwd))
        return self._places[cwd]

    def of(self, place: Place, also: SessionRow | None = None) -> list[SessionRow]:
        """The sessions with edits of a repository; ``also`` is one of them whatever its folder says. Where the user
        named the repository for this question, also those of folders that are on no disk of this machine, for the
        paths of their edits tell whether they belong."""
        here, found = common(place[0]), []
        for row in self.bucket.sessions():
            if not row.edits:
                continue
            if row.foreign:
                anchor = self.anchored(row)
                held = find_git(Path(anchor)) if anchor is not None else None
                if held is not None and common(held[0]) == here:
                    found.append(row)
                continue
            known = self.place(row.cwd)
            lost = known is None or self._is_gone(row.cwd)
            if (known is not None and common(known[0]) == here) or (lost and self.repo is not None):
                found.append(row)
        if also is not None and all((row.id, row.harness) != (also.id, also.harness) for row in found):
            found.append(also)
        return sorted(found, key=lambda row: (row.started or 0, row.harness, row.id))

    def _is_gone(self, cwd: str | None) -> bool:
        """Whether a folder is not on this machine and nobody said where it belongs."""
        if cwd not in self._gone:
            self._gone[cwd] = cwd is not None and not _is_dir(cwd) and self.named(cwd) is None
        return self._gone[cwd]

    def repositories(self) -> list[dict[str, Any]]:
        """The repositories of all sessions: where they are, sessions, the last one, and their folders."""
        groups: dict[Path, dict[str, Any]] = {}
        for row in self.bucket.sessions():
            place = self.place(row.cwd) if row.edits and not row.foreign else None
            if place is None:
                continue
            here = common(place[0])
            found = groups.setdefault(here, {"git": str(here), "work": None, "sessions": 0, "last": 0, "folders": {}})
            if place[1] is not None and (found["work"] is None or place[0] == here):
                found["work"] = str(place[1])
            found["sessions"] += 1
            found["last"] = max(found["last"], row.ended or 0)
            folder = row.cwd or ""
            found["folders"][folder] = found["folders"].get(folder, 0) + 1
        known = self.remembered()
        for found in groups.values():
            found["folders"] = [
                {"folder": folder, "sessions": count, "named": folder in known}
                for folder, count in sorted(found["folders"].items(), key=lambda item: (-item[1], item[0]))
            ]
        return sorted(groups.values(), key=lambda found: (-found["last"], found["git"]))

    def unseen(self) -> Unseen:
        """The sessions that belong to no repository."""
        lost = self._lost()
        return Unseen(len(lost), len({row.cwd for row in lost}))

    def _lost(self) -> list[SessionRow]:
        return [row for row in self.bucket.sessions() if row.edits and not row.foreign and self.place(row.cwd) is None]

    # -- evidence

    def offers(self, owner: Judge, place: Place) -> list[FolderCandidate]:
        """The folders that look like ones of a repository and belong to none, most sessions first. ``owner`` must be
        prepared."""
        refused = self.bucket.setting(_REFUSED) or {}
        names = {str(place[0]), str(place[1] or place[0]), str(common(place[0]))}
        groups: dict[str, list[SessionRow]] = {}
        for row in self._lost():
            if row.cwd and names.isdisjoint(refused.get(row.cwd, ())):
                groups.setdefault(row.cwd, []).append(row)
        found: list[FolderCandidate] = []
        for folder, rows in groups.items():
            why = self._evidence(owner, folder, rows)
            if why:
                found.append(FolderCandidate(folder, len(rows), why))
        return sorted(found, key=lambda offer: (-offer.sessions, offer.folder))

    def _evidence(self, owner: Judge, folder: str, rows: list[SessionRow]) -> tuple[str, ...]:
        """What speaks for a repository; empty when it is too little. A branch's name alone speaks for every one."""
        store = owner.store
        remotes = store.remotes()
        facts = [log.facts for row in rows[:_SESSIONS] for log in self.edits.logs(row)[:1]]
        found: list[str] = []
        stated = {plain_remote(fact.repo) for fact in facts if fact.repo}
        if stated & remotes:
            found.append("remote")
        elif stated and remotes and any("/" in name for name in stated):
            return ()  # the log names another one
        if any(fact.commit and store.resolve(fact.commit) == fact.commit for fact in facts):
            found.append("commit")
        if store.work is not None and sibling(folder, str(store.work)):
            found.append("worktree")
        edits = self.edits.all(rows[:_SESSIONS])
        if self._texts(owner, edits):
            found.append("text")
        if self._paths(owner, folder, edits):
            found.append("paths")
        branches = {name.split("/", 2)[2] for name in owner.refs if name.startswith("refs/heads/")}
        if found and any(fact.branch in branches for fact in facts):
            found.append("branch")
        return tuple(found) if found != ["worktree"] else ()

    def _inner(self, owner: Judge, edit: Edit) -> str | None:
        path = absolute(edit.change.path, edit.cwd)
        return owner.locate.suffix(path, edit.cwd)

    def _texts(self, owner: Judge, edits: list[Edit]) -> bool:
        """Whether a file was, before an edit, what a commit has under its path."""
        for edit in edits:
            text = edit.change.before
            inner = self._inner(owner, edit) if text and len(text) > 200 else None
            if inner is None or not text:
                continue
            data = text.encode("utf-8", "surrogatepass")
            oid = sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
            if any(touch.blob == oid for touch in owner.index.touches(inner)):
                return True
        return False

    def _paths(self, owner: Judge, folder: str, edits: list[Edit]) -> bool:
        paths = {absolute(edit.change.path, edit.cwd): edit for edit in edits}
        own = {path: edit for path, edit in paths.items() if path.startswith(folder.rstrip("/") + "/")}
        known = [path for path, edit in own.items() if "/" in (self._inner(owner, edit) or "")]
        return len(known) >= _PATHS and len(known) * 2 >= len(own)


def common(folder: Path) -> Path:
    """The Git folder that a worktree's shares with the others of its repository."""
    link = folder / "commondir"
    try:
        return (folder / link.read_text("utf-8").strip()).resolve() if link.is_file() else folder
    except OSError:
        return folder


def _is_dir(path: str) -> bool:
    try:
        return Path(path).is_dir()
    except OSError:
        return False


def as_json(offer: FolderCandidate) -> dict[str, Any]:
    """An offer as the app takes it."""
    return {"folder": offer.folder, "sessions": offer.sessions, "why": list(offer.why)}
