"""From edits to states: every hunk anchored to the commit that accepted it, with what survives of it.

``judge`` does it once for a list of edits. ``Judge`` keeps a repository's index and texts for repeated questions.
The definitions are those of ``docs/survival.md``.
"""

from __future__ import annotations

import bisect
import contextlib
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Literal

from tracetui.trail.assessment import Judged, Round
from tracetui.trail.attribution import Attribution
from tracetui.trail.claims import Case
from tracetui.trail.hunks import Edit, Hunk, Played, absolute, hunks_of
from tracetui.trail.line_changes import TouchIndex, tips_of
from tracetui.trail.lines import fingerprint
from tracetui.trail.repo import Locator, find_repository
from tracetui.trail.states import HunkState, pairs
from tracetui.trail.store import MissingError, Store, UnsupportedError, find_git
from tracetui.trail.texts import Texts

__all__ = ["HunkState", "Judge", "Progress", "judge"]

Progress = Callable[[str, int, int], None]
"""``progress(what, done, total)`` with ``what`` ``index`` or ``judge``."""
_BASES: Final = 6
"""Newest versions of a file that are tried where a log holds only the replaced pieces."""
_HISTORY: Final = 30_000
"""Up to this many commits the whole history is indexed; beyond, what is not older than the oldest edit."""


class Judge:
    """One repository, at one revision at a time. Close it after use.

    ``database`` is the trail's database in the bucket (None: in memory, forgotten afterwards). ``given`` says that the
    user named the repository, so that paths of another machine are matched by their endings.
    """

    def __init__(self, store: Store, database: Path | None = None, *, given: bool = False) -> None:
        self.store = store
        self.index = TouchIndex(database, store)
        self.texts = Texts(store)
        self.given = given
        self.at: str | None = None
        self.head: str | None = None
        self.reach = bytearray()
        self.known = bytearray()
        self.table: Attribution | None = None
        self._marked: list[str] = []
        self._lines: dict[str, tuple[list[int], list[int]]] = {}
        self.refs: dict[str, str] = {}
        self._inner: dict[str, Judge | None] = {}
        self.locate: Locator = Locator(store, lambda path: False, given)

    def close(self) -> None:
        """Let go of the repository and the database."""
        for inner in self._inner.values():
            if inner is not None:
                inner.close()
        self.index.close()
        self.store.close()

    # -- the revision

    def prepare(
        self,
        at: str = "HEAD",
        since: int | None = None,
        progress: Progress | None = None,
        cancelled: Callable[[], bool] | None = None,
        extra: Iterable[str] = (),
    ) -> str | None:
        """Bring the index up to date and look at a revision; gives its sha, None for a repository without it.

        ``extra`` commits are indexed too. ``since``: milliseconds; older commits can be no landing and need not be
        indexed in a very long history.
        """
        self.refs = self.store.refs()
        self.head = self.store.resolve("HEAD")
        sha = self.store.resolve(at)
        tips = set(tips_of(self.refs).values()) | {tip for tip in (sha, self.head, *extra) if tip}
        for tree, folder in self.locate.trees:
            del tree
            other = _head_of(folder, self.refs)
            if other:
                tips.add(other)
        limit = since // 1000 - 86400 if since is not None and self._long(tips) else None
        self.index.update(tips, limit, (lambda a, b: progress("index", a, b)) if progress else None, cancelled)
        self.at = sha
        self.reach = self.index.reach([sha]) if sha else bytearray(len(self.index.shas))
        self.known = self.index.reach(tips)
        self._lines.clear()
        self._follow()
        files: dict[str, Any] = {}
        if sha:
            try:
                files = self.store.keep(sha)
            except MissingError:
                files = {}
        staged = set(self.store.index_paths()) if sha == self.head else set()
        names = self.index.path_ids
        self.locate = Locator(self.store, lambda path: path in files or path in names or path in staged, self.given)
        return sha

    def _long(self, tips: Iterable[str]) -> bool:
        if len(self.index.shas) > _HISTORY:
            return True
        if self.index.shas:
            return False
        from tracetui.trail import git

        given = "\n".join(sorted(tips)) + "\n"
        try:
            out = git.read(self.store.folder, ["rev-list", "--count", "--stdin"], given.encode("ascii"))
            return int(out) > _HISTORY
        except (git.GitError, ValueError):
            return False

    def in_history(self, sha: str) -> bool:
        """Whether HEAD's history has a commit."""
        head = self.store.resolve("HEAD")
        return head is not None and (head == sha or self.store.merge_base(sha, head) == sha)

    def known_path(self, path: str) -> bool:
        """Whether history, the tree at the revision or the index has a path."""
        return self.locate.known(path)

    def bases(self, path: str, time: int | None, branch: str | None, cwd: str | None = None) -> list[bytes]:
        """The texts that an absolute path may have had before a time (ms): on the branch worked on, on REV's own line,
        and in the newest commits of all."""
        inner = self.locate(path, cwd)
        if inner is None:
            return []
        found: list[bytes] = []
        for sha in dict.fromkeys((*self._before(time, branch), *self._newest(inner, time))):
            try:
                text = self.store.text_at(sha, inner)
            except MissingError:
                continue
            if text is not None and text not in found:
                found.append(text)
        return found

    def _newest(self, path: str, time: int | None) -> list[str]:
        """The newest commits before a time that touched a path."""
        index, until = self.index, (time or 0) // 1000
        own = [touch.idx for touch in index.touches(path) if touch.blob and index.times[touch.idx] < until]
        return [index.shas[idx] for idx in sorted(own, key=lambda idx: (index.times[idx], idx))[-_BASES:]][::-1]

    def _before(self, time: int | None, branch: str | None) -> list[str]:
        """The newest commit before a time on the branch named, or on REV's own line and of REV's history."""
        for name in (f"refs/heads/{branch}", f"refs/remotes/origin/{branch}") if branch else ():
            tip = self.refs.get(name)
            if tip in self.index.index:
                found = self._newest_of(tip, time, first=False)
                return [found] if found is not None else []
        if self.at is None:
            return []
        both = [self._newest_of(self.at, time, first=first) for first in (True, False)]
        return [sha for sha in dict.fromkeys(both) if sha is not None]

    def _newest_of(self, tip: str, time: int | None, *, first: bool) -> str | None:
        """The newest commit before a time in the history of a tip; ``first``: on its line of first parents."""
        key = f"{tip} {first}"
        if key not in self._lines:
            index = self.index
            if first:
                chain, at = [], index.index.get(tip)
                while at is not None:
                    chain.append(at)
                    at = index.parents[at][0] if index.parents[at] else None
            else:
                flags = index.reach([tip])
                chain = [idx for idx in range(len(flags)) if flags[idx]]
            line = sorted((index.times[idx], idx) for idx in chain)
            self._lines[key] = ([time for time, _ in line], [idx for _, idx in line])
        times, order = self._lines[key]
        at_ = bisect.bisect_left(times, (time or 0) // 1000)
        return self.index.shas[order[at_ - 1]] if at_ else None

    def was_there(self, time: int, branch: str | None) -> list[str]:
        """The commits on which an edit may have been made; without a branch that is still there, all of them."""
        return self._before(time, branch)

    # -- attribution

    def _follow(self) -> None:
        """Let the attribution take in what is new in the index; without what it stood on it is made anew."""
        table = self.table
        if table is None:
            return
        if table.size > len(self.index.shas) or self._marked != self.index.shas[table.size - 1 : table.size]:
            self.table = None
            return
        table.grow(self.known)
        self._marked = self.index.shas[table.size - 1 : table.size]

    def attribute(self, hunks: Iterable[Hunk]) -> Attribution:
        """Make the table of a repository from the hunks of all its sessions; ``prepare`` comes first."""
        table = Attribution(self.index, self.texts, self.known)
        table.learn([Case(hunk, self.locate(hunk.file, hunk.cwd)) for hunk in hunks])
        self._marked = self.index.shas[table.size - 1 : table.size]
        self.table = table
        return table

    def _table_for(self, hunks: list[Hunk]) -> Attribution:
        table = self.table
        if table is None or any(table.cases.get(hunk.key) is None and hunk.problem is None for hunk in hunks):
            return self.attribute(hunks)
        return table

    # -- hunks

    def hunks(self, edits: Iterable[Edit], watch: Callable[[Played], None] | None = None) -> list[Hunk]:
        """The hunks of edits, each of which ``watch`` is told; ``prepare`` comes first."""
        listed = list(edits)
        folders: dict[str, str | None] = {}
        pairs: list[tuple[str, str | None]] = []
        for edit in listed:
            path = absolute(edit.change.path, edit.cwd)
            folders.setdefault(path, edit.cwd)
            pairs.append((path, edit.cwd))
        self.locate.learn(pairs)
        return hunks_of(listed, lambda path, time, branch: self.bases(path, time, branch, folders.get(path)), watch)

    def states(
        self,
        hunks: Iterable[Hunk],
        progress: Progress | None = None,
        cancelled: Callable[[], bool] | None = None,
        work: bool = True,
    ) -> list[HunkState]:
        """The states of hunks at the prepared revision, in the order given; by the attribution of all sessions where
        there is one (``attribute``), else of these hunks alone.

        ``work``: also look at work tree, index and stash. Cancelled, it gives what was judged so far.
        """
        listed = list(hunks)
        table = self._table_for(listed)
        cases = [Judged(table.cases.get(hunk.key) or Case(hunk, self.locate(hunk.file, hunk.cwd))) for hunk in listed]
        round_ = Round(self, table, work)
        found: dict[int, HunkState] = {}
        order = sorted(range(len(cases)), key=lambda at: (cases[at].path or "", cases[at].hunk.time, at))
        for done, at in enumerate(order):
            if done % 32 == 0:
                if progress is not None:
                    progress("judge", done, len(cases))
                if cancelled is not None and cancelled():
                    break
            found[at] = round_.state(cases[at])
        states = [found[at] for at in range(len(cases)) if at in found]
        return pairs(states, {case.hunk.key: case.hunk for case in cases})

    def refresh(
        self,
        hunks: Iterable[Hunk],
        states: Iterable[HunkState],
        before: str | None,
        size: int,
        work: bool = True,
    ) -> list[HunkState]:
        """The states of hunks that were judged before, at commit ``before`` when the index held ``size`` commits.

        ``prepare`` for the revision wanted now comes first. Only hunks are judged again whose paths, or lines, the
        commits touched that came in between (or left the history); and those that wait in the work tree.
        """
        hunks = list(hunks)
        old = {state.key: state for state in states}
        changed = self._changed(before, size)
        if len(changed) > 2000 or (before is not None and before not in self.index.index):
            return self.states(hunks, work=work)
        paths = self.index.paths_of(changed)
        claimed = self.table.claimed(changed) if self.table is not None else frozenset()
        brought = self._brought([hunk for hunk in hunks if _open(old.get(hunk.key))], changed)

        def stale(hunk: Hunk) -> bool:
            state = old.get(hunk.key)
            if state is None or state.state in ("pending", "unknown") or hunk.key in claimed:
                return True
            if _open(state) and any(fingerprint(line) in brought for line in hunk.added):
                return True
            own = {self.index.index.get(sha) for sha in state.commits}
            return not (paths.isdisjoint(state.depends) and own.isdisjoint(changed))

        again = [hunk for hunk in hunks if stale(hunk)]
        fresh = {state.key: state for state in self.states(again, work=work)} if again else {}
        now = {key: replace(state, counted=True) for key, state in old.items()} | fresh
        return pairs([now[hunk.key] for hunk in hunks], {hunk.key: hunk for hunk in hunks})

    def _changed(self, before: str | None, size: int) -> set[int]:
        """The commits that came into the history, or left it, since ``before``, and those that are new to the index."""
        past = self.index.reach([before]) if before else bytearray(len(self.reach))
        changed = {idx for idx, (now, then) in enumerate(zip(self.reach, past)) if now != then}
        return changed | set(range(size, len(self.index.shas)))

    def _brought(self, hunks: Iterable[Hunk], changed: set[int]) -> set[int]:
        """Of the lines of hunks those that these commits brought, or took away (a commit may have left the history)."""
        wanted = {fingerprint(line) for hunk in hunks for line in hunk.added if line}
        found: set[int] = set()
        for idx in changed if wanted else ():
            for touch in self.index.of_commit(idx):
                found |= wanted.intersection(touch.added) | wanted.intersection(touch.removed)
        return found

    def inner(self, folder: str) -> Judge | None:
        """A judge for the submodule that is checked out at a path of this repository, None when it is not."""
        if folder not in self._inner:
            self._inner[folder] = None
            if self.store.work is not None:
                place = find_git(self.store.work / folder)
                if (
                    place is not None
                    and place[0] != self.store.folder
                    and place[1] == (self.store.work / folder).resolve()
                ):
                    with contextlib.suppress(UnsupportedError):
                        self._inner[folder] = Judge(Store(*place))
        return self._inner[folder]


def _open(state: HunkState | None) -> bool:
    """Whether lines that turn up in some other file can change the state."""
    return state is not None and (state.landing is None or state.state != "alive")


def _head_of(folder: Path, refs: dict[str, str]) -> str | None:
    """What the HEAD of a linked worktree leads to."""
    try:
        text = (folder / "HEAD").read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None
    if text.startswith("ref: "):
        return refs.get(text[5:].strip())
    return text if len(text) in (40, 64) and all(mark in "0123456789abcdef" for mark in text) else None


def judge(
    edits: Iterable[Edit],
    repo: str | Path | None = None,
    at: str = "HEAD",
    db: Path | None = None,
    *,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> list[HunkState]:
    """The states of the hunks of edits at a revision.

    ``repo`` names the repository (any folder in it); without it, it is found from the edits' folders. ``db`` keeps the
    index between calls. Edits of several repositories may be mixed. Never raises for a repository that cannot be
    read: its hunks are ``unknown``.
    """
    groups: dict[tuple[Path, Path | None] | None, list[Edit]] = {}
    places: dict[str | None, tuple[Path, Path | None] | None] = {}
    listed = list(edits)
    for edit in listed:
        if edit.cwd not in places:
            places[edit.cwd] = find_repository(edit.cwd, str(repo) if repo is not None else None)
        groups.setdefault(places[edit.cwd], []).append(edit)
    states: list[HunkState] = []
    for place, group in groups.items():
        states += _judge_one(group, place, at, db, repo is not None, progress, cancelled)
    order = {id_: at for at, id_ in enumerate(dict.fromkeys(_call(item) for item in listed))}
    return sorted(
        states,
        key=lambda state: (
            order.get(_call(state), 0),
            state.path,
            state.hunk,
        ),
    )


def _call(item: Edit | HunkState) -> tuple[object, ...]:
    return (item.session, item.part, item.agent, item.step, item.call_id)


def _judge_one(
    edits: list[Edit],
    place: tuple[Path, Path | None] | None,
    at: str,
    db: Path | None,
    given: bool,
    progress: Progress | None,
    cancelled: Callable[[], bool] | None,
) -> list[HunkState]:
    if place is None:
        return unknown_states(edits, "no_repository")
    try:
        owner = Judge(Store(*place), db, given=given)
    except UnsupportedError:
        return unknown_states(edits, "unsupported_repository")
    from tracetui.trail.git import GitError

    try:
        times = [edit.time for edit in edits if edit.time is not None]
        owner.prepare(at, min(times, default=None), progress, cancelled)
        return owner.states(owner.hunks(edits), progress, cancelled)
    except GitError:
        return unknown_states(edits, "unsupported_repository")
    finally:
        owner.close()


def unknown_states(
    edits: Iterable[Edit], reason: Literal["no_repository", "unsupported_repository"]
) -> list[HunkState]:
    """Hunks of edits whose repository cannot be asked."""
    return [
        HunkState(
            session=hunk.session,
            agent=hunk.agent,
            part=hunk.part,
            step=hunk.step,
            call_id=hunk.call_id,
            hunk=hunk.number,
            path=hunk.file,
            tool=hunk.tool,
            added=sum(hunk.added.values()),
            removed=sum(hunk.removed.values()),
            state="unknown",
            reason=reason,
            key=hunk.key,
            time=hunk.time,
        )
        for hunk in hunks_of(edits)
    ]
