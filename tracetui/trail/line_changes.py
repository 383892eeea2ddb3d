"""The touch index: per commit and path, the fingerprints of the lines that were added and removed.

Built from one ``git diff-tree`` stream and grown by the commits that are new. Lines that a merge brought from a parent
are no touch of the merge; only what is new against all parents is. The index can be thrown away at any time.
"""

from __future__ import annotations

import sqlite3
from array import array
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

from tracetui.bucket.location import touch_private
from tracetui.trail import git
from tracetui.trail.commit_diffs import diffs
from tracetui.trail.difftree import Raw
from tracetui.trail.lines import digest
from tracetui.trail.store import Store

__all__ = ["LineAddition", "Touch", "TouchIndex", "tips_of"]

VERSION: Final = 3
_HELD: Final = 6000
"""Touches kept in memory."""
_STEP: Final = 64
"""Commits between two reports of progress."""
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS repo(id INTEGER PRIMARY KEY, place TEXT UNIQUE, shallow TEXT, tips TEXT, since INTEGER);
CREATE TABLE IF NOT EXISTS node(repo INTEGER, idx INTEGER, sha TEXT, parents TEXT, time INTEGER, done INTEGER,
    authored INTEGER, author INTEGER, PRIMARY KEY(repo, idx)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS path(repo INTEGER, id INTEGER, name TEXT, PRIMARY KEY(repo, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS touch(repo INTEGER, idx INTEGER, path INTEGER, status TEXT, source INTEGER, blob TEXT,
    added BLOB, removed BLOB, PRIMARY KEY(repo, idx, path)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS touch_path ON touch(repo, path, idx);
CREATE INDEX IF NOT EXISTS touch_source ON touch(repo, source) WHERE source IS NOT NULL;
"""


@dataclass(slots=True)
class Touch:
    """What a commit did to a path. ``status``: A, M, D, R (``source`` became ``path``), T; with a ``?`` after it, an
    object was missing and the lines are not known; with a ``b``, the content is binary. ``added`` and ``removed``
    count line fingerprints, blank lines too."""

    idx: int
    path: str
    status: str
    source: str | None
    blob: str
    added: Counter[int]
    removed: Counter[int]

    def net(self, line: int) -> int:
        """Copies of a line that the commit brought to the path (negative: took away)."""
        return self.added.get(line, 0) - self.removed.get(line, 0)


@dataclass(frozen=True, slots=True)
class LineAddition:
    """A commit that added a line to a path."""

    idx: int
    path: int


def _seconds(stamp: bytes) -> int:
    return int(stamp) if stamp.lstrip(b"-").isdigit() else 0


def tips_of(refs: dict[str, str]) -> dict[str, str]:
    """The refs that count as branches: local and remote ones, tags and pull requests; no stash, no notes, no backup."""
    places = ("refs/heads/", "refs/remotes/", "refs/tags/", "refs/pull/", "refs/merge-requests/", "refs/pr/")
    return {name: sha for name, sha in refs.items() if name.startswith(places)}


class TouchIndex:
    """The index of one repository in a database of ours. Commits are numbered parents first."""

    def __init__(self, database: Path | None, store: Store) -> None:
        self.store = store
        self.db = _connect(database)
        place = str(store.common)
        self.db.execute("INSERT OR IGNORE INTO repo(place, shallow, tips, since) VALUES(?, '', '', NULL)", (place,))
        self.db.commit()
        self.repo = int(self.db.execute("SELECT id FROM repo WHERE place = ?", (place,)).fetchone()[0])
        self._cut = ""
        self._tips: frozenset[str] = frozenset()
        self._since: int | None = None
        self.shas: list[str] = []
        self.parents: list[tuple[int, ...]] = []
        self.times: list[int] = []
        """Committer times, in seconds."""
        self.authored: list[int] = []
        """Author times, in seconds."""
        self.authors: list[int] = []
        """Fingerprints of the authors' addresses."""
        self.index: dict[str, int] = {}
        self.done = bytearray()
        self.names: list[str] = []
        self.path_ids: dict[str, int] = {}
        self._touches: dict[int, list[Touch]] = {}
        self._held = 0
        self._chains: list[int] = []
        self._ancestry: dict[tuple[int, int], bool] = {}
        self._renames: dict[str, list[tuple[int, str]]] | None = None
        self._load()

    def close(self) -> None:
        """Let go of the database."""
        self.db.close()

    # -- building

    def _forget(self) -> None:
        """Let go of what is in memory."""
        self.shas, self.parents, self.times, self.names = [], [], [], []
        self.authored, self.authors = [], []
        self.index, self.path_ids, self.done = {}, {}, bytearray()
        self._tips, self._since, self._renames = frozenset(), None, None
        self._chains, self._ancestry = [], {}
        self._touches.clear()

    def _load(self) -> None:
        row = self.db.execute("SELECT shallow, tips, since FROM repo WHERE id = ?", (self.repo,)).fetchone()
        if row is not None:
            self._cut, self._tips, self._since = row[0], frozenset(row[1].split()), row[2]
        rows = self.db.execute(
            "SELECT sha, parents, time, done, authored, author FROM node WHERE repo = ? ORDER BY idx", (self.repo,)
        ).fetchall()
        for sha, parents, time, done, authored, author in rows:
            self._add_node(sha, tuple(map(int, parents.split())), time, done, authored, author)
        for (name,) in self.db.execute("SELECT name FROM path WHERE repo = ? ORDER BY id", (self.repo,)):
            self.path_ids[name] = len(self.names)
            self.names.append(name)

    def _add_node(self, sha: str, parents: tuple[int, ...], time: int, done: int, authored: int, author: int) -> int:
        idx = len(self.shas)
        self.index[sha] = idx
        self.shas.append(sha)
        self.parents.append(parents)
        self.times.append(time)
        self.authored.append(authored)
        self.authors.append(author)
        self.done.append(done)
        return idx

    def _clear(self) -> None:
        for table in ("node", "path", "touch"):
            self.db.execute(f"DELETE FROM {table} WHERE repo = ?", (self.repo,))
        self._forget()

    def update(
        self,
        tips: Iterable[str],
        since: int | None = None,
        progress: Callable[[int, int], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> int:
        """Index the commits that the tips reach and that are new; gives how many.

        ``since`` (seconds): diffs of older commits are left out, they can be no landing; asking again for an earlier
        time adds them. ``progress(done, total)``; ``cancelled`` ends early, keeping what is done. Raises ``GitError``.
        """
        self.db.execute("BEGIN IMMEDIATE")
        try:
            self._follow()
            count = self._update(frozenset(tips), since, progress, cancelled)
            self.db.commit()
        except BaseException:
            self.db.rollback()
            self._forget()
            self._load()
            raise
        if count:
            self._touches.clear()
            self._renames = None
        return count

    def _follow(self) -> None:
        """Take over what another process added, or threw away, since this one looked."""
        row = self.db.execute("SELECT shallow, tips, since FROM repo WHERE id = ?", (self.repo,)).fetchone()
        last = self.db.execute(
            "SELECT idx, sha FROM node WHERE repo = ? ORDER BY idx DESC LIMIT 1", (self.repo,)
        ).fetchone()
        here = (len(self.shas) - 1, self.shas[-1]) if self.shas else None
        state = (self._cut, " ".join(sorted(self._tips)), self._since)
        if row is None or tuple(row) != state or last != here:
            self._forget()
            self._load()

    def _update(
        self,
        wanted: frozenset[str],
        since: int | None,
        progress: Callable[[int, int], None] | None,
        cancelled: Callable[[], bool] | None,
    ) -> int:
        cut = " ".join(sorted(self.store.shallow))
        if cut != self._cut:
            self._clear()
            self._cut = cut
        fresh = frozenset(sha for sha in wanted if sha not in self.index)
        if fresh:
            self._nodes(fresh)
        if since is not None and self._since is not None:
            since = min(since, self._since)
        elif self._since is None and self.shas and self._tips:
            since = None  # everything was asked for before
        waiting = [
            idx for idx in range(len(self.shas)) if not self.done[idx] and (since is None or self.times[idx] >= since)
        ]
        if not fresh and not waiting:
            return 0
        if self._diffs(waiting, progress, cancelled):
            self._since = since
            self._tips = wanted
        self.db.execute(
            "UPDATE repo SET shallow = ?, tips = ?, since = ? WHERE id = ?",
            (self._cut, " ".join(sorted(self._tips)), self._since, self.repo),
        )
        return len(waiting) or len(fresh)

    def _nodes(self, fresh: frozenset[str]) -> None:
        given = [sha.encode("ascii") + b"\n" for sha in sorted(fresh)]
        known = [sha for sha in self._tips if sha in self.index and self.store.commit(sha) is not None]
        given += [b"^" + sha.encode("ascii") + b"\n" for sha in sorted(known)]
        command = ["rev-list", "--topo-order", "--reverse", "--parents", "--format=%ct %at %ae", "--stdin"]
        out = git.read(self.store.folder, command, b"".join(given)).split(b"\n")
        rows: list[tuple[object, ...]] = []
        for head, facts in pairwise(out):
            if not head.startswith(b"commit "):
                continue
            sha, *named = head[7:].decode("ascii", "replace").split()
            if sha in self.index:
                continue
            made, authored, author = [*facts.split(b" ", 2), b"", b""][:3]
            parents = tuple(self.index[name] for name in named if name in self.index)
            # signed, as SQLite's integers are
            who = int.from_bytes(digest(author.strip().lower()), "big", signed=True)
            idx = self._add_node(sha, parents, _seconds(made), 0, _seconds(authored), who)
            told = " ".join(map(str, parents))
            rows.append((self.repo, idx, sha, told, self.times[idx], 0, self.authored[idx], who))
        self.db.executemany("INSERT INTO node VALUES(?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def _diffs(
        self, waiting: list[int], progress: Callable[[int, int], None] | None, cancelled: Callable[[], bool] | None
    ) -> bool:
        """Store the touches of these commits; false when cancelled before the end."""
        cut = self.store.shallow
        done: list[int] = [idx for idx in waiting if self.shas[idx] in cut]
        todo = [self.shas[idx] for idx in waiting if self.shas[idx] not in cut]
        total, whole = len(todo), True
        for count, (idx, touches) in enumerate(diffs(self.store, todo, self.index), 1):
            self._keep(idx, touches)
            done.append(idx)
            if count % _STEP == 0:
                if progress is not None:
                    progress(count, total)
                if cancelled is not None and cancelled():
                    whole = False
                    break
        for idx in done:
            self.done[idx] = 1
        self.db.executemany("UPDATE node SET done = 1 WHERE repo = ? AND idx = ?", [(self.repo, idx) for idx in done])
        if progress is not None:
            progress(total, total)
        return whole

    def _keep(self, idx: int, touches: list[Raw]) -> None:
        rows: dict[int, tuple[object, ...]] = {}
        for raw in touches:
            path = self._path(raw.path)
            source = self._path(raw.source) if raw.source is not None else None
            rows[path] = (
                self.repo,
                idx,
                path,
                raw.status,
                source,
                raw.blob,
                b"".join(raw.added),
                b"".join(raw.removed),
            )
        self.db.executemany("INSERT OR REPLACE INTO touch VALUES(?, ?, ?, ?, ?, ?, ?, ?)", rows.values())

    def _path(self, name: str) -> int:
        found = self.path_ids.get(name)
        if found is None:
            found = self.path_ids[name] = len(self.names)
            self.names.append(name)
            self.db.execute(
                "INSERT INTO path VALUES(?, ?, ?)", (self.repo, found, name.encode("utf-8", "replace").decode())
            )
        return found

    # -- asking

    def reach(self, tips: Iterable[str]) -> bytearray:
        """A flag per commit: whether the tips reach it."""
        flags = bytearray(len(self.shas))
        waiting = [self.index[sha] for sha in tips if sha in self.index]
        for idx in waiting:
            flags[idx] = 1
        parents = self.parents
        while waiting:
            for parent in parents[waiting.pop()]:
                if not flags[parent]:
                    flags[parent] = 1
                    waiting.append(parent)
        return flags

    def is_ancestor(self, older: int, newer: int) -> bool:
        """Whether one commit (by number) is the other or comes before it."""
        if older >= newer:
            return older == newer
        chain = self._chain_of()
        if chain[older] == chain[newer]:
            return True
        found = self._ancestry.get((older, newer))
        if found is None:
            found = self._walk(older, newer, chain)
            if len(self._ancestry) > 100_000:
                self._ancestry.clear()
            self._ancestry[older, newer] = found
        return found

    def _walk(self, older: int, newer: int, chain: list[int]) -> bool:
        seen = {newer}
        waiting = [newer]
        own = chain[older]
        while waiting:
            for parent in self.parents[waiting.pop()]:
                if parent == older or (parent > older and chain[parent] == own):
                    return True
                if parent > older and parent not in seen:
                    seen.add(parent)
                    waiting.append(parent)
        return False

    def _chain_of(self) -> list[int]:
        """For each commit the line of first parents that it lies on; of two on one line the lower comes before."""
        if len(self._chains) != len(self.shas):
            chain = [-1] * len(self.shas)
            for top in range(len(self.shas) - 1, -1, -1):
                at = top
                while chain[at] < 0:
                    chain[at] = top
                    parents = self.parents[at]
                    if not parents:
                        break
                    at = parents[0]
            self._chains = chain
        return self._chains

    def _row(self, row: tuple[int, int, str, int | None, str, bytes, bytes]) -> Touch:
        idx, path, status, source, blob, added, removed = row
        return Touch(
            idx,
            self.names[path],
            status,
            self.names[source] if source is not None else None,
            blob,
            Counter(array("Q", added)),
            Counter(array("Q", removed)),
        )

    def touches(self, path: str) -> list[Touch]:
        """Every touch of a path, in the order of commit numbers."""
        number = self.path_ids.get(path)
        if number is None:
            return []
        found = self._touches.get(number)
        if found is None:
            rows = self.db.execute(
                "SELECT idx, path, status, source, blob, added, removed FROM touch INDEXED BY touch_path"
                " WHERE repo = ? AND path = ?",
                (self.repo, number),
            )
            found = [self._row(row) for row in rows]
            for row in self.db.execute(
                "SELECT idx FROM touch INDEXED BY touch_source WHERE repo = ? AND source = ? AND path != ?",
                (self.repo, number, number),
            ):
                found.append(Touch(row[0], path, "r", None, "", Counter(), Counter()))
            found.sort(key=lambda touch: touch.idx)
            self._held += len(found)
            if self._held > _HELD:
                self._touches.clear()
                self._held = len(found)
            self._touches[number] = found
        return found

    def on(self, idx: int, paths: Iterable[str]) -> list[Touch]:
        """The touches of a commit on these paths. For a few paths of a commit that may have thousands."""
        return [touch for path in paths for touch in self.touches(path) if touch.idx == idx and touch.status != "r"]

    def sides(self, idx: int) -> list[tuple[bytes, bytes]]:
        """Per path that a commit touched, the line fingerprints that it added and removed, as 64-bit words."""
        command = "SELECT added, removed FROM touch WHERE repo = ? AND idx = ?"
        return self.db.execute(command, (self.repo, idx)).fetchall()

    def of_commit(self, idx: int) -> list[Touch]:
        """Every touch of a commit."""
        rows = self.db.execute(
            "SELECT idx, path, status, source, blob, added, removed FROM touch WHERE repo = ? AND idx = ?",
            (self.repo, idx),
        )
        return [self._row(row) for row in rows]

    def renames(self) -> dict[str, list[tuple[int, str]]]:
        """Old name -> (commit number, new name) of every rename, in the order of commits."""
        if self._renames is None:
            self._renames = {}
            rows = self.db.execute(
                "SELECT idx, source, path FROM touch WHERE repo = ? AND source IS NOT NULL ORDER BY idx", (self.repo,)
            )
            for idx, source, path in rows:
                self._renames.setdefault(self.names[source], []).append((idx, self.names[path]))
        return self._renames

    def lineage(self, path: str, after: int, mask: bytearray | None = None) -> list[str]:
        """The path and every name that it, or what became of it, was renamed to by commits not before ``after`` (s);
        ``mask`` flags those that count."""
        renames = self.renames()
        found, waiting = [path], [path]
        while waiting and len(found) < 64:
            for idx, name in renames.get(waiting.pop(0), ()):
                if name not in found and self.times[idx] >= after and (mask is None or mask[idx]):
                    found.append(name)
                    waiting.append(name)
        return found

    def find(
        self, lines: set[int], first: int = 0, limit: int = 96, *, removed: bool = False
    ) -> dict[int, list[LineAddition]]:
        """Which commits (from number ``first`` on) added, or ``removed``, these lines in which paths; at most ``limit``
        per line."""
        found: dict[int, list[LineAddition]] = {}
        if not lines:
            return found
        wanted = frozenset(lines)
        column = "removed" if removed else "added"
        for idx, path, data in self.db.execute(
            f"SELECT idx, path, {column} FROM touch WHERE repo = ? AND idx >= ? ORDER BY idx", (self.repo, first)
        ):
            values = array("Q", data)
            common = wanted.intersection(values)
            if common:
                hit = LineAddition(idx, path)
                for line in common:
                    hits = found.setdefault(line, [])
                    if len(hits) < limit:
                        hits.append(hit)
        return found

    def paths_since(self, first: int) -> set[str]:
        """The paths that the commits from number ``first`` on touched."""
        rows = self.db.execute(
            "SELECT DISTINCT path, source FROM touch WHERE repo = ? AND idx >= ?", (self.repo, first)
        )
        return {self.names[number] for row in rows for number in row if number is not None}

    def paths_of(self, commits: Iterable[int]) -> set[str]:
        """The paths that these commits touched."""
        found: set[str] = set()
        for idx in commits:
            for row in self.db.execute("SELECT path, source FROM touch WHERE repo = ? AND idx = ?", (self.repo, idx)):
                found.update(self.names[number] for number in row if number is not None)
        return found


def _connect(database: Path | None) -> sqlite3.Connection:
    """Open the throwaway database (in memory for None); a damaged or older one is begun anew."""
    if database is None:
        db = sqlite3.connect(":memory:", check_same_thread=False)
        db.executescript(_SCHEMA)
        return db
    for attempt in (0, 1):
        touch_private(database)
        db = sqlite3.connect(database, timeout=300, check_same_thread=False)
        try:
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA synchronous=NORMAL")
            version = db.execute("PRAGMA user_version").fetchone()[0]
            if version not in (0, VERSION):
                raise sqlite3.DatabaseError("another version")
            db.executescript(_SCHEMA)
            db.execute(f"PRAGMA user_version={VERSION}")
            db.commit()
            for suffix in ("", "-wal", "-shm"):
                side = Path(f"{database}{suffix}")
                if side.exists():
                    side.chmod(0o600)
            return db
        except sqlite3.DatabaseError:
            db.close()
            if attempt:
                raise
            for suffix in ("", "-wal", "-shm"):
                Path(f"{database}{suffix}").unlink(missing_ok=True)
    raise AssertionError
