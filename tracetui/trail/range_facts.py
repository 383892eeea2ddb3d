"""What the text for a pull request tells beside the blame: lines per file all in all, prompts and tests of sessions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from tracetui.bucket import Bucket
from tracetui.model import LogRow, SessionRow, Step
from tracetui.trail.blame import Blame
from tracetui.trail.lines import changes as line_changes
from tracetui.trail.lines import is_binary
from tracetui.trail.prompts import said_in, suite_in
from tracetui.trail.pull_request import RangeChange, SessionFacts, SuiteRun
from tracetui.trail.store import MissingError, Store

__all__ = ["changes", "session_facts"]

_COMMANDS = 2000
"""Commands of a session that are looked at."""


def changes(store: Store, ends: tuple[str | None, str] | None, rows: Sequence[Blame]) -> list[RangeChange]:
    """Lines added and removed per file between the ends of a range (of a commit: since its first parent); of lines of a
    file what is blamed."""
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
    gone = {oid: path for path, (_, oid) in old.items() if path not in new}
    found: list[RangeChange] = []
    moved: set[str] = set()
    for path in sorted({*old, *new}):
        before, after = old.get(path), new.get(path)
        if before == after or 0o160000 in {item[0] for item in (before, after) if item}:
            continue
        if before is None and after is not None and after[1] in gone:
            moved.add(gone[after[1]])  # renamed as it was
            found.append(RangeChange(path, 0, 0))
        else:
            found.append(_change(store, path, before[1] if before else None, after[1] if after else None))
    return [change for change in found if change.path not in moved]


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
