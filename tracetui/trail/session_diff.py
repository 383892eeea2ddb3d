"""What a session, or one prompt of it, changed in all: one diff per file, against what was there before or HEAD.

The edits are played through as for the trail. Edits of a file that begin with what the edit before left are joined:
their diff is that of the first text and the last. Where something else changed the file in between, a new part begins,
so that the diff holds what the session did and nothing else. Where the whole text is not known, hunk follows hunk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tracetui.model import SessionRow
from tracetui.trail.code_view import diff_rows
from tracetui.trail.facade import Trail
from tracetui.trail.git import GitError
from tracetui.trail.hunks import Edit, Hunk, Played, absolute, hunks_of
from tracetui.trail.judge import Judge, Progress
from tracetui.trail.lines import Change, changes, is_binary
from tracetui.trail.store import MissingError, UnsupportedError

__all__ = ["Collector", "Part", "against_head", "changed_files", "session_diff"]

_MOST: Final = 6000
"""Lines of a diff at most, over all its files."""
_LONGEST: Final = 2000

Cancelled = Callable[[], bool]


@dataclass(slots=True)
class Part:
    """Edits of a file in a row. With ``whole``, ``before`` and ``after`` are the texts around them, None where there
    was no file; else ``hunks`` are theirs."""

    whole: bool
    before: bytes | None = None
    after: bytes | None = None
    hunks: list[Hunk] = field(default_factory=list)


@dataclass(slots=True)
class ChangedFile:
    """A file that was edited: the absolute path at first and at last, the folder of the session, its edits."""

    source: str
    target: str
    cwd: str | None
    edits: int = 0
    binary: bool = False
    parts: list[Part] = field(default_factory=list)


class _Stopped(Exception):
    """Nobody waits any more."""


class Collector:
    """Takes edits as they are played through."""

    def __init__(self, chosen: Callable[[Edit], bool], cancelled: Cancelled) -> None:
        self._chosen, self._cancelled = chosen, cancelled
        self._now: dict[str, ChangedFile] = {}
        self.files: list[ChangedFile] = []

    def __call__(self, played: Played) -> None:
        if self._cancelled():
            raise _Stopped
        if not self._chosen(played.edit):
            return
        file = self._now.pop(played.source, None)
        if file is None:
            file = ChangedFile(played.source, played.target, played.edit.cwd)
            self.files.append(file)
        file.target = played.target
        self._now[played.target] = file
        file.edits += 1
        self._put(file, played)

    def _put(self, file: ChangedFile, played: Played) -> None:
        change = played.edit.change
        before, after = played.before, played.after
        if change.binary or any(text is not None and is_binary(text) for text in (before, after)):
            file.binary = True
            return
        last = file.parts[-1] if file.parts else None
        if before is None or after is None:
            if last is None or last.whole:
                file.parts.append(last := Part(whole=False))
            last.hunks += played.hunks
            return
        new: bytes | None = None if change.op == "delete" else after
        old: bytes | None = None if change.op == "add" and not before else before
        if last is not None and last.whole and (last.after is None or last.after == before):
            last.after = new
        else:
            file.parts.append(Part(True, old, new))


def changed_files(
    trail: Trail,
    session: SessionRow,
    chosen: Callable[[Edit], bool],
    *,
    ask: bool = True,
    progress: Progress | None = None,
    cancelled: Cancelled = lambda: False,
) -> tuple[list[ChangedFile], Judge | None]:
    """The files that the ``chosen`` edits of a session changed, in the order of their first edits, and the judge of
    its repository. None where there is none that can be read, or where none may be asked (``ask``)."""
    found = Collector(lambda edit: edit.session == session.id and chosen(edit), cancelled)
    own = trail.edits(session)
    place = trail.repository(session) if ask else None
    owner: Judge | None = None
    try:
        if place is not None:
            try:
                owner = trail.judge_for(place)
                known = trail.folders.of(place, session)
                since = min((row.started for row in known if row.started is not None), default=None)
                owner.prepare("HEAD", since, progress, cancelled)
                paths = {absolute(path, edit.cwd) for edit in own for path in _paths(edit)}
                others = [row for row in known if (row.harness, row.id) != (session.harness, session.id)]
                near = [
                    edit
                    for edit in trail.reader.all(others)
                    if any(absolute(path, edit.cwd) in paths for path in _paths(edit))
                ]
                owner.hunks([*own, *near], found)
                return found.files, owner
            except (UnsupportedError, GitError):
                found.files.clear()
                found = Collector(lambda edit: edit.session == session.id and chosen(edit), cancelled)
        hunks_of(own, watch=found)
    except _Stopped:
        return [], None
    return found.files, None


def _paths(edit: Edit) -> Iterable[str]:
    return (edit.change.path, edit.change.to) if edit.change.to else (edit.change.path,)


def _moved(marks: Iterable[int], runs: Iterable[Change]) -> set[int]:
    """Lines of a text by their numbers in the next; those that changed are gone."""
    found: set[int] = set()
    left = sorted(marks, reverse=True)
    by = 0
    for run in runs:
        while left and left[-1] < run.old:
            found.add(left.pop() + by)
        while left and left[-1] < run.old + run.old_len:
            left.pop()
        by += run.new_len - run.old_len
    return found | {mark + by for mark in left}


def _written(parts: Iterable[Part]) -> tuple[set[int], set[int]]:
    """Of the last text of a file, the lines (0-based) that were written, and those before which lines went."""
    lines: set[int] = set()
    cuts: set[int] = set()
    last: bytes | None = None
    for part in parts:
        if not part.whole:
            lines, cuts, last = set(), set(), None
            continue
        if last is not None:
            runs = changes(last, part.before or b"")
            lines, cuts = _moved(lines, runs), _moved(cuts, runs)
        runs = changes(part.before or b"", part.after or b"")
        lines, cuts = _moved(lines, runs), _moved(cuts, runs)
        lines |= {run.new + at for run in runs for at in range(run.new_len)}
        cuts |= {run.new for run in runs if not run.new_len}
        last = part.after or b""
    return lines, cuts


def against_head(parts: list[Part], head: bytes | None) -> tuple[list[list[Any]], int, int, int]:
    """What became of the lines that were written: the rows of the diff from the last text to that at HEAD (None: no
    such file) as far as it touches them; how many of them stand there; how many were written; at how many places lines
    were only taken out."""
    if not parts or not parts[-1].whole:
        return [], 0, 0, 0
    after, now = parts[-1].after or b"", head or b""
    lines, cuts = _written(parts)
    runs = [run for run in changes(after, now) if _touches(run, lines, cuts)]
    gone = {run.old + at for run in runs for at in range(run.old_len)}
    return diff_rows(after, now, {}, runs), len(lines - gone), len(lines), len(cuts)


def _touches(run: Change, lines: set[int], cuts: set[int]) -> bool:
    if run.old_len:
        return any(run.old + at in lines for at in range(run.old_len)) or run.old in cuts
    return run.old in cuts or {run.old - 1, run.old} <= lines


def session_diff(
    trail: Trail,
    session: SessionRow,
    chosen: Callable[[Edit], bool],
    *,
    ask: bool = True,
    progress: Progress | None = None,
    cancelled: Cancelled = lambda: False,
) -> dict[str, Any]:
    """The diff as a JSON object: ``files`` in order, each with the ``parts`` against what was there before (``lines``
    are [sign, number, text, None], ``@`` where lines are left out) and ``head``, the same against HEAD, where the
    repository has one. Raises TracetuiError, ``MissingError`` and ``GitError``."""
    files, owner = changed_files(trail, session, chosen, ask=ask, progress=progress, cancelled=cancelled)
    head = owner.store.resolve("HEAD") if owner is not None else None
    names = _names(trail, session, progress, cancelled) if head and files else {}
    room = [_MOST, _MOST]
    made: list[dict[str, Any]] = []
    for file in files:
        if cancelled():
            break
        path, old = (
            (owner.locate(name, file.cwd) if owner is not None else None) or _below(name, file.cwd)
            for name in (file.target, file.source)
        )
        item: dict[str, Any] = {
            "path": _clean(path),
            "from": _clean(old) if old != path else None,
            "edits": file.edits,
            "binary": file.binary,
            "new": bool(file.parts) and file.parts[0].whole and file.parts[0].before is None,
            "deleted": bool(file.parts) and file.parts[-1].whole and file.parts[-1].after is None,
            "parts": [_part(part) for part in file.parts],
            "head": None,
        }
        if owner is not None and head is not None and not file.binary:
            item["head"] = _head(owner, head, names.get(path) or path, file)
        for nth, pieces in enumerate((item["parts"], [item["head"]] if item["head"] else [])):
            for piece in pieces:
                _count(piece)
                piece["more"] = max(0, len(piece["lines"]) - room[nth])
                del piece["lines"][room[nth] :]
                room[nth] -= len(piece["lines"])
        made.append(item)
    covered = trail.coverage(session)
    return {"files": made, "head": head, "repo": owner is not None, "commands": covered.commands,
            "silent": covered.silent}  # fmt: skip


def _names(trail: Trail, session: SessionRow, progress: Progress | None, cancelled: Cancelled) -> Mapping[str, str]:
    """Path in the repository -> what it is called at HEAD, as the trail found it."""
    states = trail.hunks(session, "HEAD", progress, cancelled)
    return {state.path: state.at_path for state in states if state.at_path}


def _part(part: Part) -> dict[str, Any]:
    if part.whole:
        return {"whole": True, "lines": diff_rows(part.before or b"", part.after or b"", {}), "unknown": 0}
    rows: list[list[Any]] = []
    for hunk in part.hunks:
        if not (hunk.old or hunk.new):
            continue
        if rows:
            rows.append(["@", None, "", None])
        rows += [[" ", None, _text(line), None] for line in hunk.above[-3:]]
        rows += [["-", None, _text(line), None] for line in hunk.old]
        rows += [["+", None, _text(line), None] for line in hunk.new]
        rows += [[" ", None, _text(line), None] for line in hunk.below[:3]]
    return {"whole": False, "lines": rows, "unknown": sum(not (hunk.old or hunk.new) for hunk in part.hunks)}


def _head(owner: Judge, head: str, path: str, file: ChangedFile) -> dict[str, Any]:
    """A file against HEAD; ``whole`` is false where its last text is not known."""
    found: dict[str, Any] = {"path": _clean(path), "whole": False, "there": False, "lines": [], "stand": 0,
                             "written": 0, "cuts": 0}  # fmt: skip
    try:
        now = owner.store.text_at(head, path)
    except MissingError:
        return found
    found["there"] = now is not None
    if file.parts and file.parts[-1].whole and not (now is not None and is_binary(now)):
        found["whole"] = True
        found["lines"], found["stand"], found["written"], found["cuts"] = against_head(file.parts, now)
    return found


def _count(piece: dict[str, Any]) -> None:
    signs = [line[0] for line in piece["lines"]]
    piece["added"], piece["removed"] = signs.count("+"), signs.count("-")


def _below(path: str, cwd: str | None) -> str:
    root = (cwd or "").rstrip("/") + "/"
    return path[len(root) :] if cwd and path.startswith(root) else path


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _text(line: bytes) -> str:
    return line.rstrip(b"\r").decode("utf-8", "replace")[:_LONGEST]
