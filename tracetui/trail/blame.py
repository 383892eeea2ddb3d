"""Blame: from a commit, a range or the lines of a file back to the sessions that wrote them.

A session is named only when it wrote a line, of some weight, that the commit holds. Each line is attributed once, to
the latest edit before the commit that wrote it and was not replaced again by then.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from tracetui.model import TracetuiError, to_iso
from tracetui.trail.hunks import Hunk
from tracetui.trail.judge import HunkState, Judge
from tracetui.trail.landing import PART, weigh
from tracetui.trail.lines import fingerprint, norm, split
from tracetui.trail.origin import origins
from tracetui.trail.store import MissingError
from tracetui.trail.touch import Touch

__all__ = ["Blame", "Blamer", "Share", "markdown", "parse_target"]

_LINES = re.compile(r"(.+?):([0-9]{1,9})(?:-([0-9]{1,9}))?\Z")
_MOST: Final = 5000
_BLANK: Final = fingerprint(b"")


@dataclass(slots=True)
class Share:
    """What one session wrote of a commit or of lines: ``lines`` counts them, ``steps`` names the steps of its main
    log, ``agents`` those of its subagents, ``keys`` its hunks."""

    session: str
    lines: int = 0
    steps: set[int] = field(default_factory=set)
    agents: dict[str, set[int]] = field(default_factory=dict)
    keys: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Blame:
    """A commit, or a run of lines of a file (``path``, ``start``, ``end``; 1-based, the end included)."""

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
    """Attributes lines of one repository to hunks; ``owner`` must be prepared."""

    def __init__(self, owner: Judge, hunks: Iterable[Hunk]) -> None:
        self.owner = owner
        self.index, self.store = owner.index, owner.store
        self.by_line: dict[int, list[tuple[Hunk, str]]] = {}
        self._lineages: dict[str, set[str]] = {}
        placed: list[tuple[Hunk, str]] = []
        wanted: set[int] = set()
        for hunk in hunks:
            path = owner.locate(hunk.file, hunk.cwd)
            if path is None or hunk.problem is not None:
                continue
            placed.append((hunk, path))
            wanted.update(fingerprint(line) for line in hunk.added if line)
        hits = self.index.find(wanted)
        files = {line: len({hit.path for hit in found}) for line, found in hits.items()}
        self.weights: dict[str, dict[bytes, float]] = {}
        self.totals: dict[str, float] = {}
        for hunk, path in placed:
            evidence = weigh(hunk, files)
            self.weights[hunk.key] = evidence.added
            self.totals[hunk.key] = evidence.total if evidence.kind == "add" else 0.0
            for line in hunk.added:
                if line:
                    self.by_line.setdefault(fingerprint(line), []).append((hunk, path))
        for found in self.by_line.values():
            found.sort(key=lambda item: -item[0].time)

    def _lineage(self, path: str) -> set[str]:
        """The path and what it was renamed to."""
        names = self._lineages.get(path)
        if names is None:
            names, waiting = {path}, [path]
            renames = self.index.renames()
            while waiting:
                for _, name in renames.get(waiting.pop(), ()):
                    if name not in names:
                        names.add(name)
                        waiting.append(name)
            self._lineages[path] = names
        return names

    def _same_file(self, path: str, target: str) -> bool:
        """Whether a path, or what it was renamed to, is the target."""
        return target in self._lineage(path)

    def owners(self, touch: Touch) -> dict[int, list[Hunk]]:
        """For each line fingerprint that a commit brought to a path the hunks that wrote it, one per copy.

        A copy that an earlier commit had landed is that commit's: somebody who writes the same line again is not the
        session. Blank lines go with the hunks that brought other lines.
        """
        when = self.index.times[touch.idx]
        brought = {line: count for line in touch.added if (count := touch.net(line)) > 0}
        blanks = brought.pop(_BLANK, 0)
        found: dict[int, list[Hunk]] = {}
        weight: dict[str, float] = {}
        strange: set[str] = set()
        for line, count in brought.items():
            choice: list[Hunk] = []
            own = [item for item in self.by_line.get(line, ()) if item[0].time // 1000 <= when]
            near = [item for item in own if self._same_file(item[1], touch.path)]
            for hunk, path in near or own:
                raw = next(text for text in hunk.added if fingerprint(text) == line)
                gone = sum(gone.count for gone in hunk.gone if gone.line == raw and gone.time < when * 1000)
                copies = min(hunk.added[raw] - gone, count - len(choice))
                if copies > 0:
                    copies = min(copies, hunk.added[raw] - self._landed(hunk, path, raw, touch))
                if copies > 0:
                    choice += [hunk] * copies
                    gain = self.weights[hunk.key].get(raw, 0.0) * copies
                    weight[hunk.key] = weight.get(hunk.key, 0.0) + gain
                    if not near:
                        strange.add(hunk.key)
                if len(choice) >= count:
                    break
            if choice:
                found[line] = choice
        kept: dict[int, list[Hunk]] = {}
        for line, choice in found.items():
            choice = [
                hunk
                for hunk in choice
                if weight[hunk.key] > 0
                and (hunk.key not in strange or weight[hunk.key] >= PART * self.totals.get(hunk.key, 0.0) > 0)
            ]
            if choice:
                kept[line] = choice
        spaced = {hunk.key: hunk for choice in kept.values() for hunk in choice}
        empty = [hunk for hunk in spaced.values() for _ in range(hunk.added.get(b"", 0))][:blanks]
        if empty:
            kept[_BLANK] = empty
        return kept

    def _landed(self, hunk: Hunk, path: str, line: bytes, touch: Touch) -> int:
        """How many copies of a hunk's line already stood, before a commit, where an earlier one had brought them; what
        the commit takes out there itself (it moves the line) does not count."""
        print_, since = fingerprint(line), hunk.time // 1000
        names = {touch.path, touch.source or touch.path, path, *self._lineage(path)}
        if not any(
            earlier.idx < touch.idx
            and self.index.times[earlier.idx] >= since
            and earlier.net(print_) > 0
            and self.index.is_ancestor(earlier.idx, touch.idx)
            for name in names
            for earlier in self.index.touches(name)
        ):
            return 0
        parents = self.index.parents[touch.idx]
        if not parents:
            return 0
        stood = 0
        moved = sum(-min(0, other.net(print_)) for other in self.index.of_commit(touch.idx) if other.path in names)
        for name in names:
            try:
                text = self.owner.texts.at(self.index.shas[parents[0]], name)
            except MissingError:
                continue
            if text is not None:
                stood = max(stood, text.counts.get(line, 0) - hunk.others.get(line, 0))
        return max(0, stood - moved)

    def commit(self, sha: str) -> Blame:
        """Who wrote the lines that a commit brought."""
        idx = self.index.index.get(sha)
        commit = self.store.commit(sha)
        shares: dict[str, Share] = {}
        added = removed = 0
        paths: list[str] = []
        for touch in self.index.of_commit(idx) if idx is not None else ():
            added += sum(touch.added.values())
            removed += sum(touch.removed.values())
            paths.append(touch.path)
            for choice in self.owners(touch).values():
                for hunk in choice:
                    _credit(shares, hunk)
        return Blame(
            sha,
            commit.message.strip().split("\n", 1)[0] if commit else "",
            commit.author if commit else "",
            commit.authored * 1000 if commit else None,
            added,
            removed,
            _ordered(shares),
            files=tuple(sorted(set(paths))),
        )

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
            if len(self.index.parents[idx]) < 2 or row.added or row.removed:
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
        found: list[Blame] = []
        left: dict[tuple[str | None, str], dict[int, list[Hunk]]] = {}
        near: dict[int, Hunk] = {}
        waiting: list[tuple[Blame, dict[int, list[Hunk]], int]] = []
        for number in range(start, end + 1):
            source, name = origin.get(number - 1, (None, path))
            if not found or found[-1].commit != source:
                commit = self.store.commit(source) if source else None
                found.append(
                    Blame(
                        source,
                        commit.message.strip().split("\n", 1)[0] if commit else "",
                        commit.author if commit else "",
                        commit.authored * 1000 if commit else None,
                        0,
                        0,
                        [],
                        path,
                        number,
                        number,
                        (path,),
                    )
                )
            row = found[-1]
            row.end = number
            row.added += 1
            key = (source, name)
            if key not in left:
                left[key] = {}
                idx = self.index.index.get(source) if source else None
                for touch in self.index.of_commit(idx) if idx is not None else ():
                    if touch.path == name:
                        left[key] = self.owners(touch)
            line = fingerprint(norm(text[number - 1]))
            if line == _BLANK:
                waiting.append((row, left[key], number))
            elif choice := left[key].get(line):
                near[number] = choice.pop(0)
                _share(row, near[number])
        for row, choices, number in waiting:  # a blank line is of the hunk that wrote the line above it, or below
            for step in (-1, 1):
                at = number + step
                while (row.start or 0) <= at <= (row.end or 0) and not norm(text[at - 1]):
                    at += step
                hunk = near.get(at) if (row.start or 0) <= at <= (row.end or 0) else None
                blanks = choices.get(_BLANK, [])
                if hunk is not None and (spare := next((i for i, own in enumerate(blanks) if own is hunk), -1)) >= 0:
                    del blanks[spare]
                    _share(row, hunk)
                    break
        return found


def _share(row: Blame, hunk: Hunk) -> None:
    shares = {share.session: share for share in row.shares}
    _credit(shares, hunk)
    row.shares = _ordered(shares)


def _credit(shares: dict[str, Share], hunk: Hunk) -> None:
    share = shares.setdefault(hunk.session, Share(hunk.session))
    share.lines += 1
    share.keys.add(hunk.key)
    if hunk.agent is None:
        share.steps.add(hunk.step)
    else:
        share.agents.setdefault(hunk.agent, set()).add(hunk.step)


def _ordered(shares: dict[str, Share]) -> list[Share]:
    return sorted(shares.values(), key=lambda share: (-share.lines, share.session))


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
                "survival": survival(share.keys, states),
            }
            for share in row.shares
        ],
    }


def survival(keys: Iterable[str], states: dict[str, HunkState]) -> dict[str, int]:
    """Hunks per state."""
    found: Counter[str] = Counter(states[key].state for key in keys if key in states and states[key].counted)
    return {name: found[name] for name in ("alive", "transformed", "reverted", "lost", "pending", "unknown")}


def markdown(rows: list[Blame], sessions: dict[str, dict[str, Any]], states: dict[str, HunkState]) -> str:
    """Text for a pull request: intent, what changed, what each session did, what survives. Deterministic; everything
    that comes from logs and commits is escaped."""
    from tracetui.text.safe import markdown_safe, one_line

    def plain(text: str | None, width: int = 200) -> str:
        return markdown_safe(one_line(text or "", width))

    out: list[str] = []
    named: dict[str, Share] = {}
    for row in rows:
        for share in row.shares:
            whole = named.setdefault(share.session, Share(share.session))
            whole.lines += share.lines
            whole.steps |= share.steps
            whole.keys |= share.keys
            for agent, steps in share.agents.items():
                whole.agents.setdefault(agent, set()).update(steps)
    ordered = _ordered(named)
    if named:
        out += ["> Prompts below are cut to one line and not redacted: read them before you post this.", ""]
    out += ["## Intent", ""]
    prompts = list(dict.fromkeys(plain(sessions.get(s.session, {}).get("prompt")) for s in ordered))
    out += [f"- {prompt}" for prompt in prompts if prompt]
    subjects = list(dict.fromkeys(plain(row.subject) for row in rows))
    out += [f"- {subject}" for subject in subjects if subject] or ([] if prompts else ["- not stated"])
    added, removed = sum(row.added for row in rows), sum(row.removed for row in rows)
    files = sorted({name for row in rows for name in row.files})
    attributed = sum(row.attributed for row in rows)
    lines_only = all(row.path is not None for row in rows)
    out += ["", "## What changed", ""]
    if lines_only:
        out.append(f"{added:,} lines, {attributed:,} of them written in sessions.")
    else:
        out.append(
            f"{added:,} lines added and {removed:,} removed; {attributed:,} of the added were written in sessions."
        )
    out.append("")
    out += [f"- {plain(name)}" for name in files[:50]]
    if len(files) > 50:
        out.append(f"- and {len(files) - 50:,} more files")
    out += ["", "## What each session did", ""]
    for share in ordered:
        facts = sessions.get(share.session, {})
        title = plain(facts.get("title")) or "(no title)"
        told = ", ".join(str(step) for step in sorted(share.steps)[:30])
        for agent, inner in sorted(share.agents.items()):
            told += ("; " if told else "") + f"{agent}: " + ", ".join(str(step) for step in sorted(inner)[:30])
        who = f"{plain(facts.get('harness'))} {plain(share.session)}"
        out.append(f"- **{title}** ({who}): {share.lines:,} lines, steps {plain(told)}")
    if not ordered:
        out.append("No session is behind these lines, as far as the bucket knows.")
    out += ["", "## What survives", ""]
    total = survival([key for share in ordered for key in share.keys], states)
    if sum(total.values()):
        out.append(", ".join(f"{count:,} {name}" for name, count in total.items() if count) + " (hunks)")
    else:
        out.append("Nothing to tell.")
    return "\n".join(out) + "\n"
