"""``Trail``: the trails of the sessions of a bucket."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tracetui.bucket import Bucket, step_survival
from tracetui.bucket.location import default_path
from tracetui.model import SessionRow, TracetuiError
from tracetui.trail.assigned import Assigned, AssignedTable
from tracetui.trail.edits import Coverage, Edits
from tracetui.trail.folders import Folders, Place, Unseen
from tracetui.trail.git import GitError
from tracetui.trail.hunks import Edit, Hunk, absolute, hunks_of
from tracetui.trail.judge import HunkState, Judge, Progress, unknown_states
from tracetui.trail.store import Store, UnsupportedError, find_git
from tracetui.trail.verdicts import Verdicts, depends, mark

if TYPE_CHECKING:
    from tracetui.trail.blame import Blame

__all__ = ["Coverage", "Trail", "Unseen", "counts"]

_KEPT: Final = 24
"""Sessions whose states stay in memory, to be judged again after new commits."""


@dataclass(frozen=True, slots=True)
class _Whole:
    """The hunks of all sessions of a repository, made from these logs."""

    logs: tuple[tuple[str, str, int], ...]
    hunks: list[Hunk]
    first: int | None


@dataclass(frozen=True, slots=True)
class _Known:
    """What was judged of a session before: at which commit, when the index held ``size`` commits."""

    logs: tuple[tuple[str, str, int], ...]
    at: str | None
    size: int
    states: list[HunkState]


def counts(states: Iterable[HunkState]) -> dict[str, int]:
    """Hunks per state, for lists; pairs that undo each other are left out."""
    found = Counter(state.state for state in states if state.counted)
    return {name: found.get(name, 0) for name in ("alive", "transformed", "reverted", "lost", "pending", "unknown")}


class Trail:
    """The trails of a bucket's sessions. One thread at a time; close it after use.

    ``repo`` names the repository for every session (``--repo``); else it is the one remembered for the session's
    folder (``folders``), else the one around that folder.
    """

    def __init__(self, bucket: Bucket, repo: str | None = None) -> None:
        self.bucket = bucket
        self.repo = repo
        self.reader = Edits(bucket)
        self.folders = Folders(bucket, self.reader, repo)
        self.problem: str | None = None
        """Why Git could not read the repository of the session that was asked for last, in one line."""
        self._judges: dict[Path, Judge] = {}
        self._kept: dict[Path, Verdicts] = {}
        self._wholes: dict[Path, _Whole] = {}
        self._known: dict[tuple[object, ...], _Known] = {}
        self._stored: dict[Path, tuple[tuple[tuple[str, str, int], ...], int]] = {}

    def close(self) -> None:
        """Let go of repositories and databases."""
        for owner in self._judges.values():
            owner.close()
        self._judges.clear()
        self._kept.clear()
        self._wholes.clear()

    def __enter__(self) -> Trail:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- repositories

    def remember(self, cwd: str, repo: str | None) -> None:
        """Keep which repository belongs to a session folder (None: forget it). Raises when it is none."""
        self.folders.remember([cwd], repo)

    def repository(self, session: SessionRow) -> Place | None:
        """The Git folder and work tree for a session, None when there is none. A foreign session gets one only by
        name: that which it was taken from, or one named for it."""
        named = self.repo or self.folders.anchored(session) or self.named(session.cwd)
        if named is not None:
            return find_git(Path(named).expanduser())
        return None if session.foreign else self.folders.place(session.cwd)

    def named(self, cwd: str | None) -> str | None:
        """The repository that was named for a folder: by ``--repo``, or remembered for it or a folder above."""
        return self.repo if self.repo is not None else self.folders.named(cwd)

    def judge_for(self, place: Place) -> Judge:
        """The judge of a repository, kept open. Raises ``UnsupportedError``."""
        found = self._judges.get(place[0])
        if found is None:
            found = self._judges[place[0]] = Judge(Store(*place), self._database())
        # paths of another machine are matched by their endings where the user named the repository
        found.given = self.repo is not None or self.folders.is_named(place)
        return found

    def _verdicts(self, owner: Judge) -> Verdicts:
        found = self._kept.get(owner.store.folder)
        if found is None:
            found = self._kept[owner.store.folder] = Verdicts(owner.index.db, owner.store.folder)
        return found

    def _database(self) -> Path:
        return (getattr(self.bucket, "path", None) or default_path()) / "trail.db"

    # -- edits

    def edits(self, session: SessionRow) -> list[Edit]:
        """The edits of a session's successful calls, main log and subagents, as its logs tell them."""
        return self.reader.of(session)

    def coverage(self, session: SessionRow) -> Coverage:
        """What the log tells of the changes that the session made."""
        return self.reader.coverage(session)

    def unseen(self) -> Unseen:
        """The sessions that belong to no repository, and that no trail or blame could look at."""
        return self.folders.unseen() if self.repo is None else Unseen(0, 0)

    def _whole(self, owner: Judge, sessions: list[SessionRow]) -> _Whole:
        """The hunks of all sessions of a repository, with the attribution made from them; ``prepare`` comes first."""
        logs = tuple((row.harness, row.id, row.bytes) for row in sessions)
        found = self._wholes.get(owner.store.folder)
        if found is None or found.logs != logs:
            edits = self.reader.all(sessions)
            times = [edit.time for edit in edits if edit.time is not None]
            found = _Whole(logs, owner.hunks(edits), min(times, default=None))
            self._wholes[owner.store.folder] = found
            owner.table = None
        table = owner.table or owner.attribute(found.hunks)
        stored, size = self._stored.get(owner.store.folder, ((), 0))
        if stored != logs or size > table.size:
            size = 0
        if size < table.size:
            self._assigned(owner, sessions).keep(table.since(size))
            self._stored[owner.store.folder] = (logs, table.size)
        return found

    def _assigned(self, owner: Judge, sessions: list[SessionRow]) -> AssignedTable:
        return AssignedTable(owner.index.db, owner.store.folder, sessions, (self.repo, owner.given))

    # -- trails

    def hunks(
        self,
        session: SessionRow,
        at: str = "HEAD",
        progress: Progress | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> list[HunkState]:
        """The hunks of a session and their states at a revision, in the order of its steps.

        A result that still holds is taken from the bucket. At HEAD, the counts are kept for lists. Raises
        TracetuiError for a revision that does not exist.
        """
        self.problem = None
        place = self.repository(session)
        if place is None:
            return self._store_counts(session, at, unknown_states(self.edits(session), "no_repository"))
        try:
            owner = self.judge_for(place)
            sha = owner.store.resolve(at)
            if sha is None and at != "HEAD":
                raise TracetuiError(f"{at} is no revision of {place[1] or place[0]}; name a branch, tag or commit")
            sessions = self.folders.of(place, session)
            kept = self._held(owner, session, sessions, sha)
            if kept is not None:
                return self._store_counts(session, at, kept)
            states = self._judge(owner, session, sessions, at, progress, cancelled)
        except (UnsupportedError, GitError) as error:
            self.problem = str(error)
            states = unknown_states(self.edits(session), "unsupported_repository")
            return self._store_counts(session, at, states)
        if cancelled is None or not cancelled():
            self._hold(owner, session, sessions, sha, states)
            self._store_counts(session, at, states)
        return states

    def _named(self, session: SessionRow) -> tuple[str | None, str | None]:
        return self.repo, self.named(session.cwd)

    def _held(
        self, owner: Judge, session: SessionRow, sessions: list[SessionRow], sha: str | None
    ) -> list[HunkState] | None:
        """The states that the bucket has, where they still hold."""
        verdicts = self._verdicts(owner)
        kept = verdicts.depends(session, sha or "")
        if kept is None or kept[0] != mark(owner.store, sessions, sha, self._named(session), kept[1]):
            return None
        return verdicts.states(session, sha or "", kept[0])

    def _hold(
        self, owner: Judge, session: SessionRow, sessions: list[SessionRow], sha: str | None, states: list[HunkState]
    ) -> None:
        fresh = mark(owner.store, sessions, sha, self._named(session), depends(states))
        self._verdicts(owner).keep(session, sha or "", fresh, states)

    def _judge(
        self,
        owner: Judge,
        session: SessionRow,
        sessions: list[SessionRow],
        at: str,
        progress: Progress | None,
        cancelled: Callable[[], bool] | None,
    ) -> list[HunkState]:
        edits = self.edits(session)
        if not edits:
            return []
        owner.prepare(at, self._since(sessions), progress, cancelled)
        whole = self._whole(owner, sessions)
        key = (session.harness, session.id, at, owner.store.folder)
        known = self._known.get(key)
        hunks = [hunk for hunk in whole.hunks if hunk.session == session.id]
        if known is not None and known.logs == whole.logs:
            states = owner.refresh(hunks, known.states, known.at, known.size)
        else:
            states = owner.states(hunks, progress, cancelled)
        if len(states) == len(hunks):
            self._known.pop(key, None)
            self._known[key] = _Known(whole.logs, owner.at, len(owner.index.shas), states)
            if len(self._known) > _KEPT:
                self._known.pop(next(iter(self._known)))
        order = {(edit.part, edit.agent, edit.step, edit.call_id): nth for nth, edit in enumerate(edits)}
        return sorted(states, key=lambda s: (order.get((s.part, s.agent, s.step, s.call_id), 0), s.path, s.hunk))

    def _since(self, sessions: Iterable[SessionRow]) -> int | None:
        return min((row.started for row in sessions if row.started is not None), default=None)

    def texts(self, session: SessionRow) -> dict[str, Hunk]:
        """The hunks of a session with their lines, by key (``HunkState.key``), for the diff pane."""
        place = self.repository(session)
        if place is not None:
            try:
                owner = self.judge_for(place)
                sessions = self.folders.of(place, session)
                owner.prepare("HEAD", self._since(sessions))
                return {hunk.key: hunk for hunk in self._whole(owner, sessions).hunks if hunk.session == session.id}
            except (UnsupportedError, GitError):
                pass
        return {hunk.key: hunk for hunk in hunks_of(self.edits(session))}

    # -- blame

    def blame(
        self,
        target: str,
        at: str = "HEAD",
        *,
        path_only: bool = False,
        folder: str | None = None,
        progress: Progress | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> tuple[list[Blame], dict[str, dict[str, Any]], dict[str, HunkState]]:
        """Who is behind a commit, a range or lines: the rows, facts of the sessions named (``title``, ``prompt``,
        ``harness``), and the states of their hunks at ``at``.

        ``folder`` is where paths start and, without a named repository, where one is looked for. Raises TracetuiError.
        """
        from tracetui.trail.blame import Blamer, parse_target

        place = self._place_of(folder)
        owner = self.judge_for(place)
        try:
            kind, what = parse_target(owner, target, path_only=path_only)
            if owner.store.resolve(at) is None:
                raise TracetuiError(f"{at} is no revision of {place[1] or place[0]}; name a branch, tag or commit")
            known = self.folders.of(place)
            extra = {"commit": [what], "range": [sha for sha in what if sha]}.get(kind, [])
            owner.prepare(at, self._since(known), progress, cancelled, extra)
            blamer = Blamer(owner, self._source(owner, known))
            if kind == "commit":
                rows = [blamer.commit(what)]
            elif kind == "range":
                rows = blamer.range(*what)
            else:
                path = self._inside(owner, what[0], folder)
                rows = blamer.lines(owner.at or "", path, what[1], what[2])
            states = self._states_of(owner, known, rows, progress, cancelled)
        except GitError as error:
            raise TracetuiError(f"The repository cannot be read: {error}") from error
        wanted = {share.session: share for row in rows for share in row.shares}
        facts = {row.id: self._facts(row, wanted[row.id].steps) for row in known if row.id in wanted}
        return rows, facts, states

    def repositories(self) -> list[dict[str, Any]]:
        """Every repository that sessions of the bucket worked in, that of the latest session first."""
        return self.folders.repositories()

    def overview(
        self, place: Place, progress: Progress | None = None, cancelled: Callable[[], bool] | None = None
    ) -> dict[str, Any]:
        """A repository at a glance, with the folders that look like it and belong to none. Raises TracetuiError."""
        from tracetui.trail.folders import as_json
        from tracetui.trail.overview import overview

        try:
            owner, sessions = self.judge_for(place), self.folders.of(place)
            owner.prepare("HEAD", self._since(sessions), progress, cancelled)
            found = overview(owner, sessions, self._source(owner, sessions))
            found["offers"] = [as_json(offer) for offer in self.folders.offers(owner, place)]
        except GitError as error:
            raise TracetuiError(f"The repository cannot be read: {error}") from error
        return found

    def brought(self, place: Place, sha: str) -> Assigned:
        """What a commit of a repository brought, by writers; after a blame."""
        return self._source(self.judge_for(place), self.folders.of(place))(sha)

    def _source(self, owner: Judge, sessions: list[SessionRow]) -> Callable[[str], Assigned]:
        """What a commit brought: as it is kept, where that holds, else by the table made now."""
        kept = self._assigned(owner, sessions)
        logs = tuple((row.harness, row.id, row.bytes) for row in sessions)

        def assigned(sha: str) -> Assigned:
            idx = owner.index.index.get(sha)
            if idx is None:
                return Assigned()
            whole = self._wholes.get(owner.store.folder)
            if owner.table is None or whole is None or whole.logs != logs:
                found = kept.get(sha, owner.index.times[idx])
                if found is not None:
                    return found
                self._whole(owner, sessions)
            assert owner.table is not None
            return owner.table.assigned(idx)

        return assigned

    def _states_of(
        self,
        owner: Judge,
        sessions: list[SessionRow],
        rows: list[Blame],
        progress: Progress | None,
        cancelled: Callable[[], bool] | None,
    ) -> dict[str, HunkState]:
        """The states of the sessions that rows name, by hunk; kept like those of a trail."""
        names = {share.session for row in rows for share in row.shares}
        found: dict[str, HunkState] = {}
        for row in sessions:
            if row.id in names:
                states = self._held(owner, row, sessions, owner.at)
                if states is None:
                    states = self._judge(owner, row, sessions, owner.at or "HEAD", progress, cancelled)
                    if cancelled is None or not cancelled():
                        self._hold(owner, row, sessions, owner.at, states)
                found.update((state.key, state) for state in states)
        return found

    def _inside(self, owner: Judge, path: str, folder: str | None) -> str:
        work = owner.store.work
        full = absolute(path, folder)
        for root in (work, work.resolve() if work else None):
            if root is not None and full.startswith(f"{root}/"):
                inner = full[len(str(root)) + 1 :]
                if owner.known_path(inner) or not owner.known_path(path):
                    return inner
        return path

    def _facts(self, session: SessionRow, steps: set[int]) -> dict[str, Any]:
        """Title and prompt of a session: the prompt is the last one before the first step named."""
        from tracetui.text.safe import one_line

        prompt: str | None = None
        main = next((log for log in self.reader.logs(session) if log.agent is None), None)
        if main is not None:
            prompts = [row.number for row in self.bucket.step_rows(main) if row.kind == "prompt"]
            first = min(steps, default=None)
            before = [number for number in prompts if first is not None and number < first]
            best = before[-1] if before else next(iter(prompts), None)
            if best is not None:
                prompt = one_line(self.bucket.step(main, best).text or "", 200)
        return {"title": session.title, "prompt": prompt, "harness": session.harness}

    def pull_request(
        self,
        target: str,
        at: str = "HEAD",
        *,
        path_only: bool = False,
        folder: str | None = None,
        progress: Progress | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> tuple[str, list[str]]:
        """The text for a pull request about a commit, a range or lines, and the ids of the sessions in it. What is not
        in HEAD's history is judged at its own end. Raises TracetuiError."""
        from tracetui.trail.blame import parse_target
        from tracetui.trail.pull_request import text
        from tracetui.trail.range_facts import changes, renames_in, session_facts

        place = self._place_of(folder)
        owner = self.judge_for(place)
        kind, what = parse_target(owner, target, path_only=path_only)
        ends = {"commit": (None, what), "range": what}.get(kind)
        if ends is not None and at == "HEAD" and not owner.in_history(ends[1]):
            at = ends[1]
        rows, facts, states = self.blame(
            target, at, path_only=path_only, folder=folder, progress=progress, cancelled=cancelled
        )
        told = {
            row.id: session_facts(self.bucket, row, self.reader.logs(row))
            for row in self.folders.of(place)
            if row.id in facts
        }
        killers = {state.killer for state in states.values() if state.killer}
        commits = {sha: owner.store.commit(sha) for sha in killers}
        subjects = {sha: made.message.strip().split("\n", 1)[0] for sha, made in commits.items() if made is not None}
        renames = renames_in(owner.index, rows)
        return text(rows, changes(owner.store, ends, rows, renames), told, states, subjects), sorted(told)

    def _place_of(self, folder: str | None) -> Place:
        """The repository that was named, or the one around a folder. Raises TracetuiError."""
        named = self.repo or folder or "."
        place = find_git(Path(named).expanduser())
        if place is None:
            raise TracetuiError(f"No Git repository around {named}; name one with --repo")
        return place

    # -- what is kept

    def _store_counts(self, session: SessionRow, at: str, states: list[HunkState]) -> list[HunkState]:
        if at == "HEAD":
            self.bucket.put_summary(session, "survival", counts(states) if states else None)
            step_survival.put(
                self.bucket,
                session,
                (
                    step_survival.Judged(state.agent, state.part, state.step, state.state, state.added, state.removed)
                    for state in states
                    if state.counted
                ),
            )
        return states
