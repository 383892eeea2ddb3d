"""What the text for a pull request tells beside the blame: lines per file all in all, prompts and tests of sessions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tracetui.bucket import Bucket
from tracetui.model import LogRow, SessionRow, Step
from tracetui.trail.blame import Blame
from tracetui.trail.line_changes import TouchIndex
from tracetui.trail.lines import changes as line_changes
from tracetui.trail.lines import is_binary
from tracetui.trail.prompts import said_in, suite_in
from tracetui.trail.pull_request import RangeChange, SessionFacts, SuiteRun
from tracetui.trail.store import MissingError, Store

__all__ = ["changes", "renames_in", "session_facts"]

_LINK = 0o160000
_COMMANDS = 2000
"""Commands of a session that are looked at."""


def changes(
    store: Store, ends: tuple[str | None, str] | None, rows: Sequence[Blame], renames: Mapping[str, str]
) -> list[RangeChange]:
    """Lines added and removed per file between the ends of a range (of a commit: since its first parent); of lines of a
    file what is blamed. ``renames``: new name -> old name, as the commits of the range have them."""
    if ends is None:
        return [RangeChange(path, sum(row.added for row in rows if row.path == path), 0) for path in _paths(rows)]
    first, last = ends
    if first is None:
        commit = store.commit(last)
        first = commit.parents[0] if commit is not None and commit.parents else None
    else:
        first = _fork(store, first, last)
    try:
        old = store.files(first) if first else {}
        new = store.files(last)
    except MissingError:
        return []
    moves = _moves(old, new, renames)
    moved = set(moves.values())
    found: list[RangeChange] = []
    for path in sorted({*old, *new} - moved):
        before, after = old.get(moves.get(path, path)), new.get(path)
        if before == after and path not in moves:
            continue
        if _LINK not in {item[0] for item in (before, after) if item}:
            found.append(_change(store, path, before[1] if before else None, after[1] if after else None))
    return found


def _moves(
    old: Mapping[str, tuple[int, str]], new: Mapping[str, tuple[int, str]], renames: Mapping[str, str]
) -> dict[str, str]:
    """New name -> old name of the files that were renamed: as they were, or as some commit has it."""
    gone = {path: oid for path, (_, oid) in old.items() if path not in new}
    whole = {oid: path for path, oid in gone.items()}
    found: dict[str, str] = {}
    for path, (_, oid) in new.items():
        name = whole.get(oid) or _first(path, renames)
        if path not in old and name in gone:
            found[path] = name
    return found


def renames_in(index: TouchIndex, rows: Sequence[Blame]) -> dict[str, str]:
    """New name -> old name of the files that the commits of these rows renamed."""
    inside = {index.index.get(row.commit) for row in rows if row.commit}
    return {new: old for old, found in index.renames().items() for idx, new in found if idx in inside}


def _first(path: str, renames: Mapping[str, str]) -> str:
    """The name that a file had before the first of some renames."""
    seen = {path}
    while path in renames and renames[path] not in seen:
        path = renames[path]
        seen.add(path)
    return path


def _paths(rows: Iterable[Blame]) -> list[str]:
    return list(dict.fromkeys(row.path for row in rows if row.path))


def _fork(store: Store, first: str, last: str) -> str:
    """Where a branch left the commit that its range begins at, as a forge compares them."""
    return store.merge_base(first, last) or first


def _change(store: Store, path: str, old: str | None, new: str | None) -> RangeChange:
    try:
        before, after = store.blob(old) if old else b"", store.blob(new) if new else b""
    except MissingError:
        return RangeChange(path, 0, 0)
    if is_binary(before) or is_binary(after):
        return RangeChange(path, 0, 0)
    runs = line_changes(before, after)
    return RangeChange(path, sum(run.new_len for run in runs), sum(run.old_len for run in runs))


def session_facts(bucket: Bucket, session: SessionRow, logs: Iterable[LogRow]) -> SessionFacts:
    """Prompts of the main logs, and the tests that ran in any."""
    found = SessionFacts(session.title, session.harness)
    for log in logs:
        looked = 0
        for row in bucket.step_rows(log):
            said = row.kind == "prompt" or (row.kind == "event" and "<command-" in row.summary)
            if said and log.agent is None and row.time is not None:
                found.prompts.append(said_in(bucket.step(log, row.number).text or "", row.time))
            elif row.kind == "command" and row.time is not None and looked < _COMMANDS:
                looked += 1
                command = suite_in(_command(bucket.step(log, row.number)) or "")
                if command is not None:
                    found.tests.append(SuiteRun(command, row.time, not row.failed))
    found.prompts.sort(key=lambda prompt: prompt.time)
    return found


def _command(step: Step) -> str | None:
    """The shell command of a step."""
    given: Any = step.tool.input if step.tool is not None else None
    if isinstance(given, dict):
        given = next((given[name] for name in ("command", "cmd", "script") if given.get(name)), None)
    if isinstance(given, list):
        given = " ".join(word for word in given if isinstance(word, str))
    return given if isinstance(given, str) else None
