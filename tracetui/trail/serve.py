"""Answers about trails from a process of its own, over JSON lines: what the app asks while keys are pressed.

``python -m tracetui.trail.serve BUCKET`` reads questions from standard input, ``{"n": 1, "ask": "trail", ...}``, and
answers each in order: any number of ``{"n": 1, "progress": ["index", done, total]}``, then one of ``{"n": 1, "answer":
{...}}``, ``{"n": 1, "error": "..."}`` and ``{"n": 1, "cancelled": true}``. ``{"cancel": 1}`` stops question 1. It ends
with its input, or when nothing was asked for a while.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from time import monotonic
from typing import IO, TYPE_CHECKING, Any, Final

import orjson

from tracetui.bucket import Bucket
from tracetui.model import SessionRow, TracetuiError
from tracetui.trail.facade import Trail, counts
from tracetui.trail.git import GitError
from tracetui.trail.hunks import Edit, Hunk
from tracetui.trail.judge import HunkState, Judge
from tracetui.trail.lines import is_binary, split
from tracetui.trail.store import MissingError, Store, UnsupportedError, find_git

if TYPE_CHECKING:
    from tracetui.trail.blame import Blame

__all__ = ["Answerer", "main"]

_IDLE: Final = 45.0
"""Seconds without a question after which the process ends; the app starts another one."""
_EVERY: Final = 0.1
_MOST_LINES: Final = 2000
_LONGEST: Final = 4000
_CONTEXT: Final = 3
_COMMITS: Final = 300
_PATHS: Final = 20_000
_FILES: Final = 500

Progress = Callable[[str, int, int], None]
Cancelled = Callable[[], bool]


class Answerer:
    """Answers questions over one bucket; ``ask`` names the method. Every answer is a JSON object."""

    def __init__(self, bucket: Bucket) -> None:
        self.bucket = bucket
        self.trail = Trail(bucket)
        self._states: list[HunkState] = []

    def close(self) -> None:
        """Let go of repositories and databases."""
        self.trail.close()

    def answer(self, question: Mapping[str, Any], progress: Progress, cancelled: Cancelled) -> dict[str, Any]:
        """The answer to a question. Raises TracetuiError for what a user can mend."""
        methods: dict[str, Callable[..., dict[str, Any]]] = {
            "trail": self.trail_of,
            "step": self.step,
            "diff": self.diff,
            "commit": self.commit,
            "blame": self.blame,
            "places": self.places,
            "repositories": self.repositories,
            "overview": self.overview,
            "tie": self.tie,
            "pull_request": self.pull_request,
            "remember": self.remember,
        }
        values = {key: value for key, value in question.items() if key not in ("n", "ask")}
        return methods[question["ask"]](progress=progress, cancelled=cancelled, **values)

    # -- what they have in common

    def _session(self, session: str, harness: str) -> SessionRow:
        return self.bucket.session(session, harness)

    def _judge(self, row: SessionRow) -> Judge:
        place = self.trail.repository(row)
        if place is None:
            raise TracetuiError(f"No repository is known for {row.cwd or 'this session'}; name one with R")
        return self.trail.judge_for(place)

    def _place(self, row: SessionRow) -> dict[str, Any] | None:
        """The repository of a session, by words."""
        place = self.trail.repository(row)
        if place is None:
            return None
        named = self.trail.named(row.cwd)
        return {"git": str(place[0]), "work": str(place[1]) if place[1] else None, "named": named is not None}

    # -- a session

    def trail_of(
        self, *, session: str, harness: str, named_only: bool = False, progress: Progress, cancelled: Cancelled
    ) -> dict[str, Any]:
        """The hunks of a session, with the commits that they name. ``named_only`` asks a repository only where the
        user named it."""
        row = self._session(session, harness)
        found: dict[str, Any] = {"repo": None, "head": None, "states": [], "commits": {}, "named_only": False}
        found["commands"] = self._commands(row)
        if named_only and self.trail.named(row.cwd) is None:
            return {**found, "named_only": True, "counts": {}}
        found["repo"] = self._place(row)
        states = self.trail.hunks(row, "HEAD", progress, cancelled)
        self._states = states
        found["states"] = [_state(state) for state in states]
        found["counts"] = counts(states)
        if self.trail.problem is not None:
            found["problem"] = self.trail.problem
        if found["repo"] is not None:
            try:
                store = self._judge(row).store
                found["head"] = store.resolve("HEAD")
                wanted = {sha for state in states for sha in (state.landing, state.killer) if sha}
                found["commits"] = {sha: _commit(store, sha) for sha in wanted}
            except (UnsupportedError, GitError):
                found["repo"]["unsupported"] = True
        return found

    def _commands(self, row: SessionRow) -> int:
        """Shell commands that succeeded: what they changed no log tells."""
        from tracetui.model import KINDS

        code, number = KINDS.index("command"), 0
        for log in self.bucket.logs(row.id, row.harness):
            if log.shown:
                overview = self.bucket.overview(log)
                steps = zip(overview.numbers, overview.kinds, overview.failed)
                number += sum(kind == code and not failed and at not in log.doubles for at, kind, failed in steps)
        return number

    def step(
        self,
        *,
        session: str,
        harness: str,
        agent: str | None,
        step: int,
        named_only: bool = False,
        progress: Progress,
        cancelled: Cancelled,
    ) -> dict[str, Any]:
        """The trail of a session, and in ``hunks`` those of one step with their lines and what stands at HEAD."""
        found = self.trail_of(
            session=session, harness=harness, named_only=named_only, progress=progress, cancelled=cancelled
        )
        if found["named_only"]:
            return {**found, "hunks": []}
        row = self._session(session, harness)
        own = [
            {**_state(state), "lines": [[_clean(path), line] for path, line in state.lines]}
            for state in self._states
            if _who(state) == agent and state.step == step
        ]
        found["hunks"] = []
        if not own or cancelled():
            return found
        texts = self.trail.texts(row)
        for state in own:
            hunk = texts.get(state["key"])
            if hunk is None:
                who = (state["agent"], state["step"], state["call_id"], state["hunk"])
                hunk = next((h for h in texts.values() if (_who(h), h.step, h.call_id, h.number) == who), None)
            found["hunks"].append({**state, **(_texts(hunk) if hunk is not None else {})})
        if found["head"]:
            store = self._judge(row).store
            for item in found["hunks"]:
                item["today"] = _today(store, found["head"], item)
        return found

    def diff(
        self,
        *,
        session: str,
        harness: str,
        agent: str | None = None,
        prompt: int | None = None,
        named_only: bool = False,
        progress: Progress,
        cancelled: Cancelled,
    ) -> dict[str, Any]:
        """One diff of a session, or of what came of one ``prompt`` in the thread ``agent``."""
        from tracetui.trail.session_diff import session_diff

        row = self._session(session, harness)
        ask = not named_only or self.trail.named(row.cwd) is not None
        chosen: Callable[[Edit], bool] = lambda edit: True  # noqa: E731
        if prompt is not None:
            chosen = self._of_prompt(row, agent, prompt)
        return session_diff(self.trail, row, chosen, ask=ask, progress=progress, cancelled=cancelled)

    def _of_prompt(self, row: SessionRow, agent: str | None, prompt: int) -> Callable[[Edit], bool]:
        """Whether an edit came of a prompt: by its number in the same log, by its time in a subagent's."""
        from tracetui.model import KINDS

        log = next((log for log in self.bucket.logs(row.id, row.harness) if log.shown and log.thread == agent), None)
        if log is None or not self.bucket.step_rows(log, prompt, prompt):
            raise TracetuiError("This prompt is not in the session any more")
        code, found = KINDS.index("prompt"), self.bucket.overview(log)
        end = next((at for at, kind in zip(found.numbers, found.kinds) if kind == code and at > prompt), None)
        times = [self.bucket.step_rows(log, at, at)[0].time if at is not None else None for at in (prompt, end)]

        def of_prompt(edit: Edit) -> bool:
            if _who(edit) == agent:
                return edit.step >= prompt and (end is None or edit.step < end)
            if agent is not None or edit.agent is None or edit.time is None or times[0] is None:
                return False
            return edit.time >= times[0] and (times[1] is None or edit.time < times[1])

        return of_prompt

    # -- commits

    def commit(
        self, *, session: str, harness: str, sha: str, progress: Progress, cancelled: Cancelled
    ) -> dict[str, Any]:
        """A commit of a session's repository: message, people, times, files with their counts of lines."""
        owner = self._judge(self._session(session, harness))
        store = owner.store
        full = store.resolve(sha)
        made = store.commit(full) if full else None
        if full is None or made is None:
            raise TracetuiError(f"{sha[:9]} is not in this repository any more")
        owner.prepare("HEAD", None, progress, cancelled, [full])
        idx = owner.index.index.get(full)
        files = [
            {
                "path": _clean(touch.path),
                "added": sum(touch.added.values()),
                "removed": sum(touch.removed.values()),
                "source": _clean(touch.source) if touch.source else None,
            }
            for touch in (owner.index.of_commit(idx) if idx is not None else ())
        ]
        return {
            **_commit(store, full),
            "sha": full,
            "message": _clean(made.message)[:20_000],
            "authored": made.authored * 1000,
            "parents": list(made.parents),
            "files": sorted(files, key=lambda item: str(item["path"]))[:_FILES],
            "more_files": max(0, len(files) - _FILES),
        }

    def blame(
        self,
        *,
        target: str,
        progress: Progress,
        cancelled: Cancelled,
        session: str | None = None,
        harness: str | None = None,
        folder: str | None = None,
    ) -> dict[str, Any]:
        """Who is behind a commit, a range or lines: what ``blame --json`` prints."""
        from tracetui.trail.blame import as_json

        place = self._folder(session, harness, folder)
        rows, sessions, states = self.trail.blame(target, folder=place, progress=progress, cancelled=cancelled)
        return {
            "rows": [{**as_json(row, sessions, states), "files": [_clean(name) for name in row.files]} for row in rows],
            "harnesses": {name: facts.get("harness") for name, facts in sessions.items()},
            "unseen": self.trail.unseen().json(),
            "code": self._code(place, rows, states),
        }

    def _code(self, folder: str, rows: list[Blame], states: Mapping[str, HunkState]) -> dict[str, Any] | None:
        """The lines of a file, or the diff of a commit, with who wrote them."""
        from tracetui.trail.code_view import diff_lines, file_lines

        git = find_git(Path(folder))
        if git is None or not rows:
            return None
        store = self.trail.judge_for(git).store
        if rows[0].path is not None:
            head = store.resolve("HEAD")
            found = file_lines(store, head, rows, states) if head else None
            return {**found, "work": str(git[1]) if git[1] else None} if found is not None else None
        if len(rows) == 1 and rows[0].commit is not None:
            found = diff_lines(store, rows[0].commit, self.trail.brought(git, rows[0].commit), states)
            return {**found, "work": str(git[1]) if git[1] else None} if found is not None else None
        return None

    def pull_request(
        self,
        *,
        target: str,
        progress: Progress,
        cancelled: Cancelled,
        session: str | None = None,
        harness: str | None = None,
        folder: str | None = None,
    ) -> dict[str, Any]:
        """The text for a pull request, and the sessions that it tells of."""
        place = self._folder(session, harness, folder)
        text, ids = self.trail.pull_request(target, folder=place, progress=progress, cancelled=cancelled)
        return {"text": text, "sessions": ids}

    def _folder(self, session: str | None, harness: str | None, folder: str | None) -> str:
        """Where to look for the repository: a folder as named, or the repository of a session."""
        if folder is not None:
            return folder
        row = self._session(session or "", harness or "")
        place = self.trail.repository(row)
        if place is None:
            raise TracetuiError(f"No repository is known for {row.cwd or 'this session'}; name one with R")
        return self.trail.named(row.cwd) or str(place[1] or place[0])

    def places(
        self,
        *,
        progress: Progress,
        cancelled: Cancelled,
        session: str | None = None,
        harness: str | None = None,
        folder: str | None = None,
    ) -> dict[str, Any]:
        """What can be blamed: the newest commits of HEAD, branches, paths. For completion."""
        place = self._folder(session, harness, folder)
        git = find_git(Path(place))
        if git is None:
            raise TracetuiError(f"{place} is not in a Git repository")
        store = self.trail.judge_for(git).store
        head = store.resolve("HEAD")
        try:
            paths = sorted(_clean(path) for path in (store.files(head) if head else {}))
        except MissingError:
            paths = []
        return {
            "repo": {"git": str(git[0]), "work": str(git[1]) if git[1] else None},
            "head": head,
            "commits": _recent(store, head, cancelled),
            "branches": sorted(
                _clean(name.removeprefix("refs/heads/")) for name in store.refs() if name.startswith("refs/heads/")
            )[:200],
            "paths": paths[:_PATHS],
        }

    # -- repositories

    def repositories(self, *, progress: Progress, cancelled: Cancelled) -> dict[str, Any]:
        """Every repository of the bucket's sessions, and how many sessions belong to none."""
        return {"repositories": self.trail.repositories(), "unseen": self.trail.unseen().json()}

    def overview(self, *, folder: str, progress: Progress, cancelled: Cancelled) -> dict[str, Any]:
        """One repository at a glance, and the folders that look like it."""
        place = find_git(Path(folder))
        if place is None:
            raise TracetuiError(f"{folder} is not in a Git repository any more")
        return self.trail.overview(place, progress, cancelled)

    def tie(self, *, folders: list[str], repo: str | None, progress: Progress, cancelled: Cancelled) -> dict[str, Any]:
        """Keep which repository belongs to folders; None takes them out again."""
        self.trail.folders.remember(folders, repo)
        return {"folders": len(folders)}

    def remember(self, *, cwd: str, repo: str | None, progress: Progress, cancelled: Cancelled) -> dict[str, Any]:
        """Keep which repository belongs to a folder; None forgets it."""
        self.trail.remember(cwd, repo)
        return {"repo": repo}


def _clean(text: str) -> str:
    """A name that JSON can hold."""
    return text.encode("utf-8", "replace").decode()


def _text(line: bytes) -> str:
    return line.rstrip(b"\r").decode("utf-8", "replace")[:_LONGEST]


def _who(item: HunkState | Hunk | Edit) -> str | None:
    """The thread of a hunk, as ``LogRow.thread`` names it."""
    if item.part == 1:
        return item.agent
    return f"~{item.part}" if item.agent is None else f"~{item.part}/{item.agent}"


def _state(state: HunkState) -> dict[str, Any]:
    return {
        "agent": _who(state),
        "step": state.step,
        "call_id": state.call_id,
        "hunk": state.hunk,
        "path": _clean(state.path),
        "added": state.added,
        "removed": state.removed,
        "state": state.state,
        "reason": state.reason,
        "retention": state.retention,
        "landing": state.landing,
        "commits": state.commits[:1],
        "killer": state.killer,
        "flag": state.flag,
        "counted": state.counted,
        "key": state.key,
        "at_path": _clean(state.at_path) if state.at_path else None,
    }


def _commit(store: Store, sha: str) -> dict[str, Any]:
    made = store.commit(sha)
    if made is None:
        return {"subject": "", "author": "", "time": None}
    subject = made.message.strip().split("\n", 1)[0]
    return {"subject": _clean(subject)[:500], "author": _clean(made.author)[:200], "time": made.time * 1000}


def _texts(hunk: Hunk) -> dict[str, Any]:
    """The lines of a hunk; ``start`` is the 1-based line of the file where it begins, None where that is not known."""
    return {
        "old": [_text(line) for line in hunk.old[:_MOST_LINES]],
        "new": [_text(line) for line in hunk.new[:_MOST_LINES]],
        "more": max(0, len(hunk.old) - _MOST_LINES) + max(0, len(hunk.new) - _MOST_LINES),
        "above": [_text(line) for line in hunk.above[-_CONTEXT:]],
        "below": [_text(line) for line in hunk.below[:_CONTEXT]],
        "start": hunk.start + 1 if hunk.placed else None,
        "op": hunk.op,
        "binary": hunk.binary is not None,
    }


def _today(store: Store, head: str, state: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What stands at HEAD of a hunk: of each file the lines that survived and some around them. A file that is named
    and not there has ``lines`` None."""
    marked: dict[str, list[int]] = {}
    for path, line in state["lines"]:
        marked.setdefault(path, []).append(line)
    found: list[dict[str, Any]] = []
    for path in marked or {state["at_path"] or state["path"]: []}:
        try:
            data = store.text_at(head, path)
        except MissingError:
            continue
        if data is None or is_binary(data):
            found.append({"path": path, "lines": None, "binary": data is not None, "marked": []})
            continue
        text = split(data)
        own = sorted(line for line in set(marked.get(path, ())) if line <= len(text))
        pieces: list[tuple[int, int]] = []
        for line in own:
            low, high = max(1, line - _CONTEXT), min(len(text), line + _CONTEXT)
            if pieces and low <= pieces[-1][1] + 2:
                pieces[-1] = (pieces[-1][0], high)
            else:
                pieces.append((low, high))
        lines = [[number, _text(text[number - 1])] for low, high in pieces for number in range(low, high + 1)]
        found.append({"path": path, "lines": lines[:_MOST_LINES], "binary": False, "marked": own})
    return found


def _recent(store: Store, head: str | None, cancelled: Cancelled) -> list[dict[str, Any]]:
    """The newest commits of HEAD's history, by time."""
    import heapq

    found: list[dict[str, Any]] = []
    seen = {head}
    first = store.commit(head) if head else None
    waiting = [(-first.time, first.sha)] if first is not None else []
    while waiting and len(found) < _COMMITS and not cancelled():
        _, sha = heapq.heappop(waiting)
        made = store.commit(sha)
        if made is None:
            continue
        found.append({"sha": sha, **_commit(store, sha)})
        for parent in made.parents:
            if parent not in seen:
                seen.add(parent)
                other = store.commit(parent)
                if other is not None:
                    heapq.heappush(waiting, (-other.time, parent))
    return found


# -- the process


class _Questions:
    """Questions in, in the order in which they came, and which of them nobody waits for any more."""

    def __init__(self, source: Iterable[bytes]) -> None:
        self.questions: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._dropped: set[int] = set()
        self.closed = False
        threading.Thread(target=self._read, args=(source,), name="questions", daemon=True).start()

    def _read(self, source: Iterable[bytes]) -> None:
        for line in source:
            try:
                said = orjson.loads(line)
            except orjson.JSONDecodeError:
                continue
            if not isinstance(said, dict):
                continue
            if "cancel" in said:
                self._dropped.add(said["cancel"])
            else:
                self.questions.put(said)
        self.closed = True
        self.questions.put(None)

    def dropped(self, number: int) -> bool:
        return self.closed or number in self._dropped


def _serve(bucket: Bucket, source: Iterable[bytes], target: IO[bytes]) -> None:
    import sqlite3

    line = _Questions(source)
    answerer = Answerer(bucket)

    def send(message: dict[str, Any]) -> None:
        try:
            data = orjson.dumps(message)
        except TypeError:  # half a character pair from a log; only the standard library spells those
            data = json.dumps(message).encode("ascii")
        target.write(data + b"\n")
        target.flush()

    while True:
        try:
            question = line.questions.get(timeout=_IDLE)
        except queue.Empty:
            break
        if question is None:
            break
        number = question["n"]
        told = [monotonic()]

        def progress(what: str, done: int, total: int, number: int = number, told: list[float] = told) -> None:
            if monotonic() - told[0] >= _EVERY:
                told[0] = monotonic()
                send({"n": number, "progress": [what, done, total]})

        def cancelled(number: int = number) -> bool:
            return line.dropped(number)

        try:
            message: dict[str, Any] = (
                {"cancelled": True} if cancelled() else {"answer": answerer.answer(question, progress, cancelled)}
            )
            if cancelled():
                message = {"cancelled": True}
        except TracetuiError as error:
            message = {"error": _clean(str(error))}
        except (GitError, MissingError, OSError, sqlite3.Error) as error:
            message = {"error": f"The repository cannot be read ({type(error).__name__})"}
        except Exception as error:  # noqa: BLE001 (one bad question must not end the process; no data in the message)
            message = {"error": f"Cannot work this out (unexpected {type(error).__name__})"}
        send({"n": number, **message})
    answerer.close()


def main() -> None:
    """Serve the bucket that is named until the input ends."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "nice"):
        os.nice(10)
    # Answers alone go out; whatever else is printed here must not get between them.
    target = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    bucket = Bucket.open(Path(sys.argv[1]))
    try:
        _serve(bucket, sys.stdin.buffer, target)
    except BrokenPipeError:
        pass
    finally:
        bucket.close()
        os._exit(0)


if __name__ == "__main__":
    main()
