"""Edits to hunks: the runs of lines that each successful tool call changed, and which later edit took them over.

The edits of a file are played through in the order of their times, over all sessions that are given. Where a log
holds only the replaced pieces, the file is simulated, from an earlier edit's text or from the text that Git held at
that time (``base``), so that whole lines and their surroundings are known. Each line of the simulated file knows the
hunk that wrote it; when a later edit removes it, the earlier hunk is told (``Hunk.gone``).
"""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b

from tracetui.harness.base import FileEdit
from tracetui.trail.lines import changes, count_lines, is_binary, norm, split

__all__ = ["CONTEXT", "Edit", "Gone", "Hunk", "Played", "absolute", "apply_pieces", "hunks_of"]

Base = Callable[[str, int | None, str | None], Sequence[bytes]]
CONTEXT = 6


@dataclass(frozen=True, slots=True)
class Edit:
    """One file edit of one successful tool call. ``time`` is in milliseconds since the epoch; ``cwd`` the folder that
    a relative ``change.path`` starts from, ``branch`` the branch that the log names."""

    session: str
    agent: str | None
    step: int
    call_id: str | None
    tool: str
    time: int | None
    change: FileEdit
    cwd: str | None = None
    branch: str | None = None
    part: int = 1


@dataclass(frozen=True, slots=True)
class Gone:
    """A later edit (``by``, at ``time`` ms) removed ``count`` copies of ``line`` (normalised) that a hunk had added."""

    line: bytes
    count: int
    time: int
    by: str


@dataclass(slots=True)
class Hunk:
    """A maximal run of changed lines.

    ``old`` and ``new`` are its raw lines (without newlines), ``above`` and ``below`` up to ``CONTEXT`` lines around
    it in the text after the edit. ``added`` and ``removed`` count its own normalised lines (the multiset difference).
    ``others`` tells, for each of these, how many more copies the whole file held after the edit; ``placed`` whether
    the whole text, and with it the surroundings, is known. ``file`` is the absolute path after the edit, ``source``
    the one before. ``blob`` is the content's SHA-256 for a binary write, ``problem`` why nothing can be judged.
    """

    session: str
    agent: str | None
    step: int
    call_id: str | None
    tool: str
    time: int
    file: str
    source: str
    number: int
    op: str
    old: list[bytes]
    new: list[bytes]
    above: list[bytes] = field(default_factory=list)
    below: list[bytes] = field(default_factory=list)
    added: dict[bytes, int] = field(default_factory=dict)
    removed: dict[bytes, int] = field(default_factory=dict)
    others: dict[bytes, int] = field(default_factory=dict)
    placed: bool = False
    start: int = 0
    gone: list[Gone] = field(default_factory=list)
    binary: bytes | None = None
    problem: str | None = None
    ends: bool | None = None
    key: str = ""
    cwd: str | None = None
    branch: str | None = None
    part: int = 1


@dataclass(frozen=True, slots=True)
class Played:
    """An edit that was played through: the absolute path before and after it, the whole texts before and after as far
    as they are known (empty where there was no file), and its hunks."""

    edit: Edit
    source: str
    target: str
    before: bytes | None
    after: bytes | None
    hunks: Sequence[Hunk]


class _File:
    """A file as the edits so far left it. ``owners`` names, per line, the hunk that wrote it."""

    __slots__ = ("loose", "owners", "text")

    def __init__(self) -> None:
        self.text: bytes | None = None
        self.owners: list[Hunk | None] = []
        self.loose: dict[bytes, list[Hunk]] = {}
        """Lines of hunks whose place in the file is not known, by normalised line."""


def absolute(path: str, cwd: str | None) -> str:
    """A path of a log as an absolute, normalised one with forward slashes."""
    path = path.replace("\\", "/") if _windows(path) or (cwd and _windows(cwd)) else path
    if not path.startswith("/") and not _windows(path) and cwd:
        path = (cwd.replace("\\", "/") if _windows(cwd) else cwd).rstrip("/") + "/" + path
    return posixpath.normpath(path)


def _windows(path: str) -> bool:
    return len(path) > 2 and path[1] == ":" and path[0].isalpha() and path[2] in "\\/"


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def apply_pieces(text: bytes, pieces: Iterable[tuple[bytes, bytes]], every: bool) -> bytes | None:
    """The text with the pieces replaced in order, None when one is not found."""
    at = 0
    for old, new in pieces:
        if not old:
            gap = b"" if not text or text.endswith(b"\n") else b"\n"
            text = text + gap + new
            continue
        if every:
            if old not in text:
                return None
            text = text.replace(old, new)
            continue
        found = text.find(old, at)
        if found < 0:
            found = text.find(old)
        if found < 0:
            return None
        text = text[:found] + new + text[found + len(old) :]
        at = found + len(new)
    return text


class _Chain:
    def __init__(self, base: Base | None) -> None:
        self.base = base
        self.files: dict[str, _File] = {}
        self.out: list[Hunk] = []

    def feed(self, edit: Edit) -> Played:
        """Play an edit through."""
        first = len(self.out)
        source, target, before, after = self._feed(edit)
        return Played(edit, source, target, before, after, self.out[first:])

    def _feed(self, edit: Edit) -> tuple[str, str, bytes | None, bytes | None]:
        change = edit.change
        source = absolute(change.path, edit.cwd)
        target = absolute(change.to, edit.cwd) if change.to else source
        file = self.files.setdefault(source, _File())
        if change.binary and change.after is None:
            self._plain(edit, source, target, problem="no_before_text")
            file.text, file.owners, file.loose = None, [], {}
            return source, target, None, None
        before, after = self._texts(file, source, edit)
        if change.op == "delete" and after is None:
            after = b""
        if after is None and (before is None or not change.pieces):
            self._pieces(file, edit, source, target)
            file.text, file.owners = None, []
        elif after is not None and is_binary(after):
            hunk = self._plain(edit, source, target)
            hunk.binary = after
            file.text, file.owners, file.loose = None, [], {}
        elif before is None:
            self._plain(edit, source, target, problem="no_before_text")
            file.text, file.owners, file.loose = after, [None] * len(split(after or b"")), {}
        else:
            self._whole(file, edit, source, target, before, after or b"")
        if target != source:
            self.files[target] = self.files.pop(source)
        elif change.op == "delete":
            self.files.pop(source, None)
        return source, target, before, after

    def _texts(self, file: _File, path: str, edit: Edit) -> tuple[bytes | None, bytes | None]:
        """The whole text before and after, as far as log, simulation and Git know them."""
        change = edit.change
        before = _bytes(change.before) if change.before is not None else None
        after = _bytes(change.after) if change.after is not None else None
        if before is not None and after is not None:
            return before, after
        pieces = [(_bytes(old), _bytes(new)) for old, new in change.pieces]
        known = [text for text in (before, file.text) if text is not None]
        if before is None and self.base is not None:
            known += self.base(path, edit.time, edit.branch)
        if after is not None:
            if not known and change.op != "delete" and (self.base is not None or change.op == "add"):
                return b"", after  # neither an earlier edit nor Git had such a file: the write made it
            return (known[0], after) if known else (None, after)
        if not pieces:
            if change.op == "move" and known:
                return known[0], known[0]
            return (known[0] if known else None), None
        for text in known:
            result = apply_pieces(text, pieces, change.replace_all)
            if result is None and b"\r\n" in text:
                text = text.replace(b"\r\n", b"\n")
                result = apply_pieces(text, pieces, change.replace_all)
            if result is not None:
                return text, result
        return None, None

    def _hunk(self, edit: Edit, source: str, target: str, number: int) -> Hunk:
        return Hunk(
            session=edit.session,
            agent=edit.agent,
            step=edit.step,
            call_id=edit.call_id,
            tool=edit.tool,
            time=edit.time or 0,
            file=target,
            source=source,
            number=number,
            op=edit.change.op,
            old=[],
            new=[],
            cwd=edit.cwd,
            branch=edit.branch,
            part=edit.part,
        )

    def _plain(self, edit: Edit, source: str, target: str, problem: str | None = None) -> Hunk:
        hunk = self._hunk(edit, source, target, 0)
        hunk.problem = problem
        self._finish(hunk)
        return hunk

    def _finish(self, hunk: Hunk) -> None:
        mark = blake2b(digest_size=12)
        for part in (hunk.session, hunk.agent or "", str(hunk.step), hunk.call_id or "", hunk.file, str(hunk.number)):
            mark.update(part.encode("utf-8", "surrogatepass") + b"\0")
        if hunk.part > 1:
            mark.update(b"~%d\0" % hunk.part)
        for line in hunk.old:
            mark.update(b"-" + line + b"\n")
        for line in hunk.new:
            mark.update(b"+" + line + b"\n")
        hunk.key = mark.hexdigest()
        self.out.append(hunk)

    def _whole(self, file: _File, edit: Edit, source: str, target: str, before: bytes, after: bytes) -> None:
        runs = changes(before, after)
        old_lines, new_lines = split(before), split(after)
        owners = self._owners(file, before, len(old_lines))
        counts = count_lines(after) if runs else Counter()
        made: list[tuple[Hunk, list[Hunk | None]]] = []
        for number, run in enumerate(runs):
            hunk = self._hunk(edit, source, target, number)
            hunk.old = old_lines[run.old : run.old + run.old_len]
            hunk.new = new_lines[run.new : run.new + run.new_len]
            hunk.above = new_lines[max(0, run.new - CONTEXT) : run.new]
            hunk.below = new_lines[run.new + run.new_len : run.new + run.new_len + CONTEXT]
            hunk.placed, hunk.start = True, run.new
            if hunk.old == hunk.new:
                hunk.ends = after.endswith(b"\n")
            _own(hunk)
            for line in (*hunk.added, *hunk.removed):
                hunk.others[line] = counts.get(line, 0) - hunk.added.get(line, 0)
            self._finish(hunk)
            made.append((hunk, _hand_over(hunk, owners[run.old : run.old + run.old_len])))
        for run, (_, taken) in zip(reversed(runs), reversed(made)):
            owners[run.old : run.old + run.old_len] = taken
        if file.loose:
            for hunk, _ in made:
                _take_loose(file, hunk)
        file.text, file.owners = after, owners

    def _owners(self, file: _File, before: bytes, size: int) -> list[Hunk | None]:
        """Who wrote the lines of ``before``; where the file changed unseen, what is left of them."""
        if file.text is None:
            return [None] * size
        if file.text == before:
            owners = file.owners
        else:
            owners = [None] * size
            old = new = 0
            for change in [*changes(file.text, before), None]:
                length = (change.old if change else len(file.owners)) - old
                for step in range(length):
                    if new + step < size and old + step < len(file.owners):
                        owners[new + step] = file.owners[old + step]
                if change:
                    old, new = change.old + change.old_len, change.new + change.new_len
        if len(owners) != size:
            owners = [*owners[:size], *([None] * (size - len(owners)))]
        return owners

    def _pieces(self, file: _File, edit: Edit, source: str, target: str) -> None:
        """Hunks from the call's own old and new text; their place in the file is not known."""
        number = 0
        for old_text, new_text in edit.change.pieces:
            before, after = _bytes(old_text), _bytes(new_text)
            old_lines, new_lines = split(before), split(after)
            counts = count_lines(after)
            for run in changes(before, after):
                hunk = self._hunk(edit, source, target, number)
                hunk.old = old_lines[run.old : run.old + run.old_len]
                hunk.new = new_lines[run.new : run.new + run.new_len]
                hunk.above = new_lines[max(0, run.new - CONTEXT) : run.new]
                hunk.below = new_lines[run.new + run.new_len : run.new + run.new_len + CONTEXT]
                _own(hunk)
                for line in (*hunk.added, *hunk.removed):
                    hunk.others[line] = counts.get(line, 0) - hunk.added.get(line, 0)
                self._finish(hunk)
                _take_loose(file, hunk)
                for line, count in hunk.added.items():
                    file.loose.setdefault(line, []).extend([hunk] * count)
                number += 1
        if not edit.change.pieces and edit.change.op != "move":
            self._plain(edit, source, target, problem="no_before_text")
        if file.text is not None:  # the place of what was known is lost with this edit
            for owner, line in zip(file.owners, split(file.text)):
                if owner is not None:
                    file.loose.setdefault(norm(line), []).append(owner)


def _own(hunk: Hunk) -> None:
    new, old = Counter(map(norm, hunk.new)), Counter(map(norm, hunk.old))
    hunk.added, hunk.removed = dict(new - old), dict(old - new)


def _take(victim: Hunk, line: bytes, by: Hunk) -> None:
    for at, gone in enumerate(victim.gone):
        if gone.line == line and gone.by == by.key:
            victim.gone[at] = Gone(line, gone.count + 1, gone.time, gone.by)
            return
    victim.gone.append(Gone(line, 1, by.time, by.key))


def _hand_over(hunk: Hunk, before: list[Hunk | None]) -> list[Hunk | None]:
    """Owners of the hunk's new lines: a line that only moved or was re-indented within it keeps its owner; what is
    really removed is told to the hunk that wrote it."""
    kept: dict[bytes, list[Hunk | None]] = {}
    for line, owner in zip(hunk.old, before):
        kept.setdefault(norm(line), []).append(owner)
    owners: list[Hunk | None] = []
    for line in hunk.new:
        waiting = kept.get(norm(line))
        owners.append(waiting.pop(0) if waiting else hunk)
    for line, rest in kept.items():
        for owner in rest:
            if owner is not None and line in owner.added:
                _take(owner, line, hunk)
    return owners


def _take_loose(file: _File, hunk: Hunk) -> None:
    for line, count in hunk.removed.items():
        waiting = file.loose.get(line)
        while waiting and count:
            owner = waiting.pop()
            _take(owner, line, hunk)
            count -= 1


def _joined(edits: Iterable[Edit]) -> Iterable[Edit]:
    """Edits of one file by one call, made one: a hunk compares the file before and after the whole call."""
    last: Edit | None = None
    for edit in edits:
        if last is not None and _same_call(last, edit):
            one, two = last.change, edit.change
            whole = one.before is not None and two.after is not None
            change = FileEdit(
                path=one.path,
                op="add" if one.op == "add" else two.op,
                before=one.before,
                after=two.after,
                pieces=() if whole else one.pieces + two.pieces,
                replace_all=one.replace_all and two.replace_all,
                to=two.to or one.to,
            )
            last = replace(last, change=change)
            continue
        if last is not None:
            yield last
        last = edit
    if last is not None:
        yield last


def _same_call(one: Edit, two: Edit) -> bool:
    if one.call_id is None or (one.session, one.part, one.agent, one.step, one.call_id) != (
        two.session,
        two.part,
        two.agent,
        two.step,
        two.call_id,
    ):
        return False
    if one.change.path != two.change.path or one.change.to or one.change.binary or two.change.binary:
        return False
    if "delete" in (one.change.op, two.change.op) or one.change.replace_all != two.change.replace_all:
        return False
    whole = one.change.before is not None and one.change.after is not None and two.change.after is not None
    return whole or (one.change.after is None and two.change.after is None)


def hunks_of(
    edits: Iterable[Edit], base: Base | None = None, watch: Callable[[Played], None] | None = None
) -> list[Hunk]:
    """The hunks of the edits, in the order of their times (edits of one time stay in the order given).

    ``base(path, time, branch)`` gives the texts that Git may have held for an absolute path at a time (ms), the most
    likely first; without it nothing is looked up. ``watch`` is told each edit when it was played. A call that several
    logs hold is taken once, from the first.
    """
    chain = _Chain(base)
    seen: set[tuple[object, ...]] = set()
    last: dict[tuple[str, str | None], int] = {}
    timed: list[tuple[int, int, Edit]] = []
    for place, edit in enumerate(_joined(edits)):
        who = (edit.session, edit.agent)
        time = edit.time if edit.time is not None else last.get(who, 0)
        last[who] = time
        timed.append((time, place, edit))
    timed.sort(key=lambda item: item[:2])
    places: Counter[tuple[object, ...]] = Counter()
    for time, _, edit in timed:
        named = edit.call_id is not None
        call = (edit.call_id, edit.change.path, edit.change.op) if named else (time, edit.change)
        nth = places[(edit.session, edit.part, edit.agent, edit.step, *call)]
        places[(edit.session, edit.part, edit.agent, edit.step, *call)] += 1
        if (*call, nth) in seen:
            continue
        seen.add((*call, nth))
        if edit.time is None:
            edit = replace(edit, time=time)
        played = chain.feed(edit)
        if watch is not None:
            watch(played)
    return chain.out
