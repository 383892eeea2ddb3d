"""What the edits of an episode did to the files of its repository, played through from a base, as patches."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from tracetui.capsule.patches import FileChange, check_path
from tracetui.trail.hunks import Edit, absolute, apply_pieces
from tracetui.trail.lines import is_binary

__all__ = ["Played", "StepPatch", "first_texts", "in_order", "play"]

Locate = Callable[[str, str | None], str | None]
Base = Callable[[str], bytes | None]
_FILE_LIMIT: Final = 8 * 1024 * 1024
_HIDDEN: Final = "what stood in the file before is text from before the episode, and in no commit (--include-before)"


@dataclass(slots=True)
class StepPatch:
    """What one step changed. ``problems`` name edits that are not in ``changes`` and why, one line each."""

    agent: str | None
    step: int
    changes: list[FileChange] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Played:
    """``before``: one change per file that edits before the range made; ``steps``: what each step of the range did.

    ``carried``: files that the base does not hold as the log saw them (path -> bytes before the first edit).
    """

    before: list[FileChange] = field(default_factory=list)
    before_problems: list[str] = field(default_factory=list)
    steps: list[StepPatch] = field(default_factory=list)
    carried: dict[str, bytes] = field(default_factory=dict)

    @property
    def paths(self) -> set[str]:
        """The files that the edits found or made."""
        return {change.path for change in [*self.before, *(change for step in self.steps for change in step.changes)]}

    @property
    def targets(self) -> set[str]:
        """The names that the range's edits gave to files."""
        return {change.to for step in self.steps for change in step.changes if change.to}


def in_order(edits: Iterable[Edit]) -> list[Edit]:
    """The edits by time, a call that several logs hold once; those without a time stay behind the one before."""
    timed: list[tuple[int, int, Edit]] = []
    last = 0
    seen: set[tuple[object, ...]] = set()
    for place, edit in enumerate(edits):
        key = (edit.call_id, edit.change) if edit.call_id is not None else (place,)
        if key in seen:
            continue
        seen.add(key)
        last = edit.time if edit.time is not None else last
        timed.append((last, place, edit))
    timed.sort(key=lambda item: item[:2])
    return [edit for _, _, edit in timed]


def first_texts(edits: Iterable[Edit], locate: Locate) -> dict[str, tuple[bytes | None, tuple[bytes, ...]]]:
    """What the log says of each file before its first edit: its whole text, or pieces that must stand in it.

    A file that an edit made has neither: (None, ()).
    """
    found: dict[str, tuple[bytes | None, tuple[bytes, ...]]] = {}
    made: set[str] = set()
    for edit in edits:
        path = _path(edit, edit.change.path, locate)
        if path is None or path in found or path in made or edit.change.binary:
            continue
        change = edit.change
        if change.before is not None:
            found[path] = (_bytes(change.before), ())
        elif change.op == "add":
            found[path] = (None, ())
        elif change.pieces:
            found[path] = (None, tuple(_bytes(old) for old, _ in change.pieces if old))
        if change.to is not None and (to := _path(edit, change.to, locate)) is not None:
            made.add(to)
    return found


class _Play:
    def __init__(self, base: Base, locate: Locate, carry: bool) -> None:
        self.base, self.locate, self.carry = base, locate, carry
        self.state: dict[str, bytes | None] = {}
        self.unknown: set[str] = set()
        self.carried: dict[str, bytes] = {}
        self.hidden: set[str] = set()
        """Files whose text before the first edit only the log tells, and which is not to be carried."""

    def text(self, path: str, before: bytes | None) -> bytes | None:
        """The file as it stands now; ``before`` is what the log says, where it says it."""
        if path not in self.state:
            known = self.base(path)
            if known is None and before is not None:
                if self.carry:
                    self.carried[path] = known = before
                else:
                    self.hidden.add(path)
            self.state[path] = known
        return self.state[path]

    def one(self, edit: Edit, into: StepPatch) -> None:
        change = edit.change
        path = _path(edit, change.path, self.locate)
        target = path if change.to is None else _path(edit, change.to, self.locate)
        if path is None or target is None:
            into.problems.append("an edit outside the repository is not in the patches")
            return
        shown = f"{path!a}"
        before = None if change.before is None else _bytes(change.before)
        now = self.text(path, before)
        if path in self.hidden:
            into.problems.append(f"the edit of {shown} is not in the patches: {_HIDDEN}")
            return
        after = self._after(edit, before, now)
        if after is None and change.op != "delete":
            why = "a binary file" if change.binary else "its place is not known"
            into.problems.append(f"the edit of {shown} is not in the patches: {why}")
            self.unknown.add(path)
            return
        if any(text is not None and (is_binary(text) or len(text) > _FILE_LIMIT) for text in (now, after)):
            into.problems.append(f"the edit of {shown} is not in the patches: a binary or very large file")
            self.state[path] = now
            return
        if before is not None and now is not None and not _same(before, now):
            into.problems.append(f"{shown} had changed in between (a shell command?); the patch holds that too")
        self.state[path] = None if target != path else after
        self.state[target] = after
        self.unknown.discard(path)
        into.changes.append(FileChange(path, now, after, target if target != path else None))

    def _after(self, edit: Edit, before: bytes | None, now: bytes | None) -> bytes | None:
        change = edit.change
        if change.binary or change.op == "delete":
            return None
        crlf = now is not None and before is not None and b"\r\n" in now and b"\r\n" not in before
        if change.after is not None:
            after = _bytes(change.after)
            return after.replace(b"\n", b"\r\n") if crlf and b"\r\n" not in after else after
        pieces = [(_bytes(old), _bytes(new)) for old, new in change.pieces]
        if not pieces:
            return now if change.op == "move" else None
        for text in (before, now):
            if text is None:
                continue
            result = apply_pieces(text, pieces, change.replace_all)
            if result is None and b"\r\n" in text:
                result = apply_pieces(text.replace(b"\r\n", b"\n"), pieces, change.replace_all)
                result = None if result is None else result.replace(b"\n", b"\r\n")
            if result is not None:
                return result
        return None


def play(before: Iterable[Edit], edits: Iterable[Edit], base: Base, locate: Locate, *, carry: bool = False) -> Played:
    """Play the edits ``before`` the range and those of the range (both in order) from the files that ``base`` gives.

    ``carry``: where the base holds no such file and the log tells its text before the first edit, take that; else the
    edits of such a file are in no patch.
    """
    run = _Play(base, locate, carry)
    out = Played()
    early = StepPatch(None, 0)
    touched: dict[str, bytes | None] = {}
    for edit in before:
        run.one(edit, early)
        for change in early.changes[-1:]:
            for path in (change.path, change.to):
                if path is not None and path not in touched:
                    touched[path] = base(path) if path not in run.carried else run.carried[path]
    out.before = [
        FileChange(path, was, run.state.get(path))
        for path, was in sorted(touched.items())
        if run.state.get(path) != was
    ]
    out.before_problems = list(dict.fromkeys(early.problems))
    by_step: dict[tuple[str | None, int], StepPatch] = {}
    for edit in edits:
        key = (edit.agent, edit.step)
        last = out.steps[-1] if out.steps else None
        if last is None or (last.agent, last.step) != key:
            last = by_step.get(key)
            if last is None or last is not out.steps[-1]:
                last = StepPatch(*key)
                out.steps.append(last)
        by_step[key] = last
        run.one(edit, last)
    for step in out.steps:
        step.changes = _merged(step.changes)
    out.carried = run.carried
    return out


def _merged(changes: list[FileChange]) -> list[FileChange]:
    """Several changes of one file in one step, made one, so that a patch names each file once."""
    if len({change.path for change in changes} | {change.to for change in changes if change.to}) == len(changes) + sum(
        1 for change in changes if change.to
    ):
        return changes
    before: dict[str, bytes | None] = {}
    now: dict[str, bytes | None] = {}
    for change in changes:
        before.setdefault(change.path, change.before)
        now[change.path] = change.after if change.to is None else None
        if change.to is not None:
            before.setdefault(change.to, None)
            now[change.to] = change.after
    return [FileChange(path, before[path], text) for path, text in now.items() if before[path] != text]


def _same(one: bytes, other: bytes) -> bool:
    return one == other or one.replace(b"\r\n", b"\n") == other.replace(b"\r\n", b"\n")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _path(edit: Edit, path: str, locate: Locate) -> str | None:
    found = locate(absolute(path, edit.cwd), edit.cwd)
    return None if found is None or check_path(found) is not None else found
