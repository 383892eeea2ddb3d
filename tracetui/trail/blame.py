"""Blame: from a commit, a range or the lines of a file back to the sessions that wrote them.

A view of the attribution that the trail is a view of too: whoever is named here has landed there.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from tracetui.model import TracetuiError, to_iso
from tracetui.trail.assigned import Assigned, Writer
from tracetui.trail.judge import HunkState, Judge
from tracetui.trail.lines import fingerprint, norm, split
from tracetui.trail.origin import origins
from tracetui.trail.store import MissingError

__all__ = ["Blame", "Blamer", "Share", "as_json", "ordered", "parse_target", "survival"]

_LINES = re.compile(r"(.+?):([0-9]{1,9})(?:-([0-9]{1,9}))?\Z")
_MOST: Final = 5000
_BLANK: Final = fingerprint(b"")


@dataclass(slots=True)
class Share:
    """What one session wrote of a commit or of lines: ``lines`` counts them, ``removed`` those that it took away,
    ``paths`` its lines per file; ``steps`` names the steps of its main log, ``agents`` those of its subagents and
    further parts (``~2``, ``~2/AGENT``), ``keys`` its hunks."""

    session: str
    lines: int = 0
    removed: int = 0
    paths: Counter[str] = field(default_factory=Counter)
    steps: set[int] = field(default_factory=set)
    agents: dict[str, set[int]] = field(default_factory=dict)
    keys: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Blame:
    """A commit, or a run of lines of a file (``path``, ``start``, ``end``; 1-based, the end included; ``owners`` names
    the edit behind a line)."""

    commit: str | None
    subject: str
    author: str
    time: int | None
    added: int
    removed: int
    shares: list[Share]
    path: str | None = None
    start: int | None = None
    end: int | None = None
    files: tuple[str, ...] = ()
    owners: dict[int, Writer] = field(default_factory=dict)

    @property
    def attributed(self) -> int:
        """Lines that some session wrote."""
        return sum(share.lines for share in self.shares)


def parse_target(owner: Judge, text: str, *, path_only: bool = False) -> tuple[str, Any]:
    """What a blame is asked for: ``("commit", sha)``, ``("range", (from or None, to))`` or ``("lines", (path, first,
    last))`` with None for the whole file. A revision wins over a path. Raises TracetuiError."""
    store = owner.store
    if not path_only:
        for dots in ("...", ".."):
            if dots in text:
                left, _, right = text.partition(dots)
                first, last = store.resolve(left or "HEAD"), store.resolve(right or "HEAD")
                if first and last:
                    return "range", (first, last)
                break
        sha = store.resolve(text)
        if sha is not None:
            return "commit", sha
    match = _LINES.match(text)
    if match is not None:
        start, end = int(match[2]), int(match[3] or match[2])
        if start < 1 or end < start:
            raise TracetuiError(f"{text} names no lines; write PATH:FIRST-LAST, from 1", status=2)
        return "lines", (match[1], start, end)
    return "lines", (text, None, None)


class Blamer:
    """Views of a repository's attribution: who brought the lines of a commit, a range or a file. ``owner`` must be
    prepared; ``assigned(sha)`` tells what a commit brought."""

    def __init__(self, owner: Judge, assigned: Callable[[str], Assigned]) -> None:
        self.owner, self.assigned = owner, assigned
        self.index, self.store = owner.index, owner.store

    def commit(self, sha: str) -> Blame:
        """Who is behind a commit: who wrote lines that it brought, and who took away what it removed."""
        commit = self.store.commit(sha)
        idx = self.index.index.get(sha)
        touches = self.index.of_commit(idx) if idx is not None else []
        row = Blame(
            sha,
            commit.message.strip().split("\n", 1)[0] if commit else "",
            commit.author if commit else "",
            commit.authored * 1000 if commit else None,
            sum(sum(touch.added.values()) for touch in touches),
            sum(sum(touch.removed.values()) for touch in touches),
            [],
            files=tuple(sorted({touch.path for touch in touches})),
        )
        shares: dict[str, Share] = {}
        found = self.assigned(sha)
        for path, lines in found.owners.items():
            for own in lines.values():
                for writer in own:
                    _credit(shares, writer, path)
        for credit in found.credits:
            _credit(shares, credit.writer, credit.path, 0, credit.removed)
        row.shares = ordered(shares)
        return row

    def range(self, first: str | None, last: str) -> list[Blame]:
        """Every commit of a range, oldest first; merges only where they brought lines of their own."""
        inside = self.index.reach([last])
        outside = self.index.reach([first]) if first else bytearray(len(inside))
        chosen = [idx for idx in range(len(inside)) if inside[idx] and not outside[idx]]
        if len(chosen) > _MOST:
            raise TracetuiError(f"The range holds {len(chosen):,} commits, more than {_MOST:,}; name a shorter one")
        found: list[Blame] = []
        for idx in chosen:
            row = self.commit(self.index.shas[idx])
            if len(self.index.parents[idx]) < 2 or row.added or row.removed or row.shares:
                found.append(row)
        return found

    def lines(self, sha: str, path: str, first: int | None, last: int | None) -> list[Blame]:
        """Who wrote the lines of a file as it stands at a commit: runs of lines that one commit brought."""
        try:
            data = self.store.text_at(sha, path)
        except MissingError:
            data = None
        if data is None:
            raise TracetuiError(f"{path} is not a file at {sha[:9]}; name one of the repository, or a revision")
        text = split(data)
        start, end = first or 1, min(last or len(text), len(text))
        if start > max(1, len(text)):
            raise TracetuiError(f"{path} has {len(text):,} lines at {sha[:9]}, no line {start:,}")
        if not text:
            return []
        origin = origins(self.index, self.owner.texts, sha, path, range(start - 1, end))
        return _Lines(self, path, text, origin).runs(start, end)

    def choices(self, source: str | None, name: str) -> dict[int, list[Writer]]:
        """Per line fingerprint that a commit brought to a path its writers, one per copy; to be used up."""
        found = self.assigned(source).owners.get(name, {}) if source else {}
        return {line: list(own) for line, own in found.items()}


class _Lines:
    """Runs of lines of one file that one commit brought, with who wrote them."""

    def __init__(self, blamer: Blamer, path: str, text: list[bytes], origin: dict[int, tuple[str, str]]) -> None:
        self.blamer, self.path, self.text, self.origin = blamer, path, text, origin
        self.found: list[Blame] = []
        self._left: dict[tuple[str | None, str], dict[int, list[Writer]]] = {}
        self._near: dict[int, Writer] = {}

    def runs(self, start: int, end: int) -> list[Blame]:
        waiting: list[tuple[Blame, dict[int, list[Writer]], int]] = []
        for number in range(start, end + 1):
            key = self.origin.get(number - 1, (None, self.path))
            row = self._row(key[0], number)
            choices = self._left.get(key)
            if choices is None:
                choices = self._left[key] = self.blamer.choices(*key)
            line = fingerprint(norm(self.text[number - 1]))
            if line == _BLANK:
                waiting.append((row, choices, number))
            elif choice := choices.get(line):
                self._near[number] = choice.pop(0)
                _share(row, self._near[number], number)
        for row, choices, number in waiting:
            self._blank(row, choices, number)
        return self.found

    def _row(self, source: str | None, number: int) -> Blame:
        if not self.found or self.found[-1].commit != source:
            commit = self.blamer.store.commit(source) if source else None
            subject = commit.message.strip().split("\n", 1)[0] if commit else ""
            author, time = (commit.author, commit.authored * 1000) if commit else ("", None)
            row = Blame(source, subject, author, time, 0, 0, [], self.path, number, number, (self.path,))
            self.found.append(row)
        row = self.found[-1]
        row.end = number
        row.added += 1
        return row

    def _blank(self, row: Blame, choices: dict[int, list[Writer]], number: int) -> None:
        """A blank line is of the hunk that wrote the line above it, or below."""
        first, last = row.start or 0, row.end or 0
        for step in (-1, 1):
            at = number + step
            while first <= at <= last and not norm(self.text[at - 1]):
                at += step
            writer = self._near.get(at) if first <= at <= last else None
            blanks = choices.get(_BLANK, [])
            spare = next((i for i, own in enumerate(blanks) if own == writer), -1)
            if writer is not None and spare >= 0:
                del blanks[spare]
                _share(row, writer, number)
                return


def _share(row: Blame, writer: Writer, number: int) -> None:
    shares = {share.session: share for share in row.shares}
    _credit(shares, writer, row.path or "")
    row.owners[number] = writer
    row.shares = ordered(shares)


def _credit(shares: dict[str, Share], writer: Writer, path: str, lines: int = 1, removed: int = 0) -> None:
    share = shares.setdefault(writer.session, Share(writer.session))
    share.lines += lines
    share.removed += removed
    share.keys.add(writer.key)
    share.paths[path] += lines
    who = "/".join(filter(None, (f"~{writer.part}" if writer.part > 1 else "", writer.agent)))
    if who:
        share.agents.setdefault(who, set()).add(writer.step)
    else:
        share.steps.add(writer.step)


def ordered(shares: dict[str, Share]) -> list[Share]:
    """Shares by lines, the largest first."""
    return sorted(shares.values(), key=lambda share: (-share.lines, -share.removed, share.session))


def as_json(row: Blame, sessions: dict[str, dict[str, Any]], states: dict[str, HunkState]) -> dict[str, Any]:
    """The object that ``blame --json`` prints; ``sessions`` gives title and prompt of each session."""
    return {
        "commit": row.commit,
        "path": row.path,
        "start": row.start,
        "end": row.end,
        "subject": row.subject,
        "author": row.author,
        "time": to_iso(row.time),
        "added": row.added,
        "removed": row.removed,
        "attributed": row.attributed,
        "sessions": [
            {
                "id": share.session,
                "title": sessions.get(share.session, {}).get("title"),
                "prompt": sessions.get(share.session, {}).get("prompt"),
                "steps": sorted(share.steps),
                "agents": {agent: sorted(steps) for agent, steps in sorted(share.agents.items())},
                "lines": share.lines,
                "removed": share.removed,
                "survival": survival(share.keys, states),
            }
            for share in row.shares
        ],
    }


def survival(keys: Iterable[str], states: dict[str, HunkState]) -> dict[str, int]:
    """Hunks per state."""
    found: Counter[str] = Counter(states[key].state for key in keys if key in states and states[key].counted)
    return {name: found[name] for name in ("alive", "transformed", "reverted", "lost", "pending", "unknown")}
