"""``Trail``: the trails of the sessions of a bucket."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tracetui.bucket import Bucket
from tracetui.bucket.place import default_path
from tracetui.model import LogRow, SessionRow, TracetuiError
from tracetui.trail.git import GitError
from tracetui.trail.hunks import Edit, Hunk, absolute
from tracetui.trail.judge import HunkState, Judge, Progress, unknown_states
from tracetui.trail.repo import find_repository
from tracetui.trail.store import Store, UnsupportedError, find_git
from tracetui.trail.verdicts import Verdicts, depends, mark

if TYPE_CHECKING:
    from tracetui.trail.blame import Blame

__all__ = ["Coverage", "Trail", "counts"]

_DAY: Final = 86_400_000
_NEIGHBOURS: Final = 24


@dataclass(frozen=True, slots=True)
class Coverage:
    """What of a session its trail can speak of: ``edits`` (successful calls that the log describes), ``commands``
    (shell commands, whose changes to files no log describes) and ``silent`` (edit calls without any text)."""

    edits: int
    commands: int
    silent: int


@dataclass(frozen=True, slots=True)
class _Known:
    """What was judged of a session before: from which logs, at which commit, when the index held ``size`` commits."""

    logs: tuple[tuple[str, str, int], ...]
    at: str | None
    size: int
    hunks: list[Hunk]
    states: list[HunkState]


def counts(states: Iterable[HunkState]) -> dict[str, int]:
    """Hunks per state, for lists; pairs that undo each other are left out."""
    found = Counter(state.state for state in states if state.counted)
    return {name: found.get(name, 0) for name in ("alive", "transformed", "reverted", "lost", "pending", "unknown")}


class Trail:
    """The trails of a bucket's sessions. One thread at a time; close it after use.

    ``repo`` names the repository for every session (``--repo``); else it is the one remembered for the session's
    folder (``remember``), else the one around that folder.
    """

    def __init__(self, bucket: Bucket, repo: str | None = None) -> None:
        self.bucket = bucket
        self.repo = repo
        self._judges: dict[Path, Judge] = {}
        self._kept: dict[Path, Verdicts] = {}
        self._edits: dict[tuple[str, str], tuple[int, list[Edit], Coverage]] = {}
        self._known: dict[tuple[object, ...], _Known] = {}

    def close(self) -> None:
        """Let go of repositories and databases."""
        for owner in self._judges.values():
            owner.close()
        self._judges.clear()
        self._kept.clear()

    def __enter__(self) -> Trail:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- repositories

    def remember(self, cwd: str, repo: str | None) -> None:
        """Keep which repository belongs to a session folder (None: forget it). Raises when it is none."""
        if repo is not None and find_git(Path(repo).expanduser()) is None:
            raise TracetuiError(f"{repo} is not in a Git repository; name one that is")
        known = dict(self.bucket.setting("trail.repos") or {})
        if repo is None:
            known.pop(cwd, None)
        else:
            known[cwd] = str(Path(repo).expanduser().absolute())
        self.bucket.set_setting("trail.repos", known or None)

    def repository(self, session: SessionRow) -> tuple[Path, Path | None] | None:
        """The Git folder and work tree for a session, None when there is none. A session from a capsule gets one only
        by name."""
        named = self.named(session.cwd)
        if named is None and session.foreign:
            return None
        return find_repository(session.cwd, named)

    def named(self, cwd: str | None) -> str | None:
        """The repository that was named for a folder: by ``--repo``, or remembered for it or a folder above."""
        if self.repo is not None:
            return self.repo
        known = self.bucket.setting("trail.repos") or {}
        best = ""
        for folder in known:
            if cwd and (cwd == folder or cwd.startswith(folder.rstrip("/") + "/")) and len(folder) > len(best):
                best = folder
        return known.get(best)

    def judge_for(self, place: tuple[Path, Path | None], *, given: bool = False) -> Judge:
        """The judge of a repository, kept open. Raises ``UnsupportedError``."""
        found = self._judges.get(place[0])
        if found is None:
            found = self._judges[place[0]] = Judge(Store(*place), self._database(), given=given)
        found.given = found.given or given
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
        return self._read(session)[1]

    def coverage(self, session: SessionRow) -> Coverage:
        """What the log tells of the changes that the session made."""
        return self._read(session)[2]

    def _read(self, session: SessionRow) -> tuple[int, list[Edit], Coverage]:
        from tracetui.harness import HARNESSES

        key = (session.harness, session.id)
        found = self._edits.get(key)
        if found is not None and found[0] == session.bytes:
            return found
        edits: list[Edit] = []
        commands = silent = 0
        for log in self._logs(session):
            harness = HARNESSES.get(log.harness)
            if harness is None:
                continue
            for row in self.bucket.step_rows(log):
                if row.kind == "command":
                    commands += not row.failed
                if row.kind != "edit":
                    continue
                step = self.bucket.step(log, row.number)
                changes = harness.edits(step, self.bucket.records_of(log, step.sources))
                silent += not changes and not step.failed
                tool = step.tool
                call, name = (tool.call_id, tool.name) if tool is not None else (None, "")
                cwd = log.facts.cwd or session.cwd
                edits += [
                    Edit(session.id, log.agent, step.number, call, name, step.time, change, cwd) for change in changes
                ]
        made = len({(edit.agent, edit.step) for edit in edits})
        self._edits[key] = found = (session.bytes, edits, Coverage(made, commands, silent))
        if len(self._edits) > 64:
            self._edits.pop(next(iter(self._edits)))
        return found

    def _logs(self, session: SessionRow) -> list[LogRow]:
        return [log for log in self.bucket.logs(session.id, session.harness) if log.shown]

    def neighbours(self, session: SessionRow) -> list[SessionRow]:
        """Other sessions of the same folders at about the same time: their edits may have replaced these."""
        cwd, start, end = session.cwd, session.started, session.ended
        if not cwd or start is None or end is None:
            return []
        near: list[tuple[int, str, SessionRow]] = []
        for row in self.bucket.sessions():
            if (row.id, row.harness) == (session.id, session.harness) or not row.edits or not row.cwd:
                continue
            if not (_within(row.cwd, cwd) or _within(cwd, row.cwd)) or row.started is None or row.ended is None:
                continue
            gap = max(row.started - end, start - row.ended, 0)
            if gap <= 3 * _DAY and not row.foreign:
                near.append((gap, row.id, row))
        return [row for _, _, row in sorted(near, key=lambda item: item[:2])[:_NEIGHBOURS]]

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
        place = self.repository(session)
        if place is None:
            return self._store_counts(session, at, unknown_states(self.edits(session), "no_repository"))
        given = self.named(session.cwd) is not None
        try:
            owner = self.judge_for(place, given=given)
            sha = owner.store.resolve(at)
            if sha is None and at != "HEAD":
                raise TracetuiError(f"{at} is no revision of {place[1] or place[0]}; name a branch, tag or commit")
            near = self.neighbours(session)
            verdicts = self._verdicts(owner)
            named = (self.repo, self.named(session.cwd))
            kept = verdicts.depends(session, sha or "")
            if kept is not None and kept[0] == mark(owner.store, (session, *near), sha, named, kept[1]):
                found = verdicts.states(session, sha or "", kept[0])
                if found is not None:
                    return self._store_counts(session, at, found)
            states = self._judge(owner, session, near, at, progress, cancelled)
        except (UnsupportedError, GitError):
            states = unknown_states(self.edits(session), "unsupported_repository")
            return self._store_counts(session, at, states)
        if cancelled is not None and cancelled():
            return states
        if all(state.session == session.id for state in states):
            fresh = mark(owner.store, (session, *near), sha, named, depends(states))
            verdicts.keep(session, sha or "", fresh, states)
        return self._store_counts(session, at, states)

    def _judge(
        self,
        owner: Judge,
        session: SessionRow,
        near: Sequence[SessionRow],
        at: str,
        progress: Progress | None,
        cancelled: Callable[[], bool] | None,
    ) -> list[HunkState]:
        edits = list(self.edits(session))
        if not edits:
            return []
        files = {absolute(edit.change.path, edit.cwd) for edit in edits}
        others: list[Edit] = []
        for row in near:
            others += [edit for edit in self.edits(row) if absolute(edit.change.path, edit.cwd) in files]
        times = [edit.time for edit in (*edits, *others) if edit.time is not None]
        owner.prepare(at, min(times, default=None), progress, cancelled)
        logs = tuple((row.harness, row.id, row.bytes) for row in (session, *near))
        key = (session.harness, session.id, at, owner.store.folder)
        known = self._known.get(key)
        if known is not None and known.logs == logs:
            states = owner.refresh(known.hunks, known.states, known.at, known.size)
            hunks = known.hunks
        else:
            hunks = owner.hunks([*edits, *others])
            mine = [hunk for hunk in hunks if hunk.session == session.id]
            hunks = hunks if len(hunks) < 4 * len(mine) else mine
            states = owner.states(hunks, progress, cancelled)
        if len(states) == len(hunks):
            self._known[key] = _Known(logs, owner.at, len(owner.index.shas), hunks, states)
            if len(self._known) > _NEIGHBOURS:
                self._known.pop(next(iter(self._known)))
        order = {(edit.agent, edit.step, edit.call_id): nth for nth, edit in enumerate(edits)}
        own = [state for state in states if state.session == session.id]
        return sorted(own, key=lambda s: (order.get((s.agent, s.step, s.call_id), 0), s.path, s.hunk))

    def texts(self, session: SessionRow) -> dict[str, Hunk]:
        """The hunks of a session with their lines, by key (``HunkState.key``), for the diff pane."""
        place = self.repository(session)
        from tracetui.trail.hunks import hunks_of

        if place is not None:
            with contextlib.suppress(UnsupportedError, GitError):
                owner = self.judge_for(place, given=self.named(session.cwd) is not None)
                owner.prepare()
                return {hunk.key: hunk for hunk in owner.hunks(self.edits(session))}
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

        named = self.repo or folder or "."
        place = find_git(Path(named).expanduser())
        if place is None:
            raise TracetuiError(f"No Git repository around {named}; name one with --repo")
        owner = self.judge_for(place, given=self.repo is not None)
        try:
            kind, what = parse_target(owner, target, path_only=path_only)
            if owner.store.resolve(at) is None:
                raise TracetuiError(f"{at} is no revision of {place[1] or place[0]}; name a branch, tag or commit")
            known = self._sessions_of(place)
            edits = [edit for row in known for edit in self.edits(row)]
            extra = {"commit": [what], "range": [sha for sha in what if sha]}.get(kind, [])
            times = [edit.time for edit in edits if edit.time is not None]
            owner.prepare(at, min(times, default=None), progress, cancelled, extra)
            hunks = owner.hunks(edits)
            blamer = Blamer(owner, hunks)
            if kind == "commit":
                rows = [blamer.commit(what)]
            elif kind == "range":
                rows = blamer.range(*what)
            else:
                path = self._inside(owner, what[0], folder)
                rows = blamer.lines(owner.at or "", path, what[1], what[2])
            keys = {key for row in rows for share in row.shares for key in share.keys}
            states = {state.key: state for state in owner.states([hunk for hunk in hunks if hunk.key in keys])}
        except GitError as error:
            raise TracetuiError(f"The repository cannot be read: {error}") from error
        wanted = {share.session: share for row in rows for share in row.shares}
        facts = {row.id: self._facts(row, wanted[row.id].steps) for row in known if row.id in wanted}
        return rows, facts, states

    def _sessions_of(self, place: tuple[Path, Path | None]) -> list[SessionRow]:
        """The sessions that may have worked in a repository: in its folders, remembered for it, or, when it was named,
        in a folder that is in no repository of this machine."""
        common = Store(*place)
        here = common.common
        common.close()
        found: list[SessionRow] = []
        places: dict[str | None, bool] = {}
        for row in self.bucket.sessions():
            if not row.edits or row.foreign:
                continue
            if row.cwd not in places:
                known = find_repository(row.cwd, self.bucket_named(row.cwd))
                if known is None:
                    places[row.cwd] = self.repo is not None
                else:
                    other = _common(known[0])
                    exists = row.cwd is not None and Path(row.cwd).is_dir()
                    places[row.cwd] = other == here or (self.repo is not None and not exists)
            if places[row.cwd]:
                found.append(row)
        return found

    def bucket_named(self, cwd: str | None) -> str | None:
        """The repository that is remembered for a folder, whatever ``--repo`` says."""
        own, self.repo = self.repo, None
        try:
            return self.named(cwd)
        finally:
            self.repo = own

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
        prompt: str | None = None
        first = min(steps, default=None)
        main = next((log for log in self._logs(session) if log.agent is None), None)
        if main is not None:
            best: int | None = None
            for row in self.bucket.step_rows(main):
                if row.kind == "prompt" and (best is None or first is None or row.number < first):
                    if best is not None and first is None:
                        break
                    best = row.number
                if first is not None and row.number >= first and best is not None:
                    break
            if best is not None:
                from tracetui.text.safe import one_line

                prompt = one_line(self.bucket.step(main, best).text or "", 200)
        return {"title": session.title, "prompt": prompt, "harness": session.harness}

    # -- what is kept

    def _store_counts(self, session: SessionRow, at: str, states: list[HunkState]) -> list[HunkState]:
        if at == "HEAD":
            self.bucket.put_summary(session, "survival", counts(states) if states else None)
        return states


def _common(folder: Path) -> Path:
    link = folder / "commondir"
    try:
        return (folder / link.read_text("utf-8").strip()).resolve() if link.is_file() else folder
    except OSError:
        return folder


def _within(path: str, root: str) -> bool:
    return path == root or path.startswith(root.rstrip("/") + "/")
