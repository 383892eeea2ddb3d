"""The playback of an episode: its steps as they happened, and what its files had become by each of them.

Nothing runs and nothing of a repository is written: texts come from its objects, edits from the log or from the patches
of a capsule, and are put together in memory.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tracetui.model import LogRow, SessionRow, StepRow, TracetuiError

if TYPE_CHECKING:
    from tracetui.bucket.store import Bucket
    from tracetui.capsule.patches import FileChange
    from tracetui.capsule.verify import Capsule

__all__ = ["SHELL", "ChangedFile", "Playback", "TreeChange", "read_playback"]

SHELL: Final = "Changes by shell commands are not in it."

Cancelled = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """A file that changed so far: ``before`` at the base and ``after`` now (None: not there). ``patch`` stands for the
    texts where the base is not at hand. ``now``: this very step changed it."""

    path: str
    before: bytes | None
    after: bytes | None
    patch: bytes | None = None
    now: bool = False

    @property
    def kind(self) -> str:
        """``added``, ``removed`` or ``changed``."""
        if self.patch is not None:
            return "changed"
        return "added" if self.before is None else "removed" if self.after is None else "changed"


@dataclass(slots=True)
class TreeChange:
    """What one step did to files. ``raw``: patches by path, of files whose text is not known."""

    changes: list[FileChange] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    raw: dict[str, bytes] = field(default_factory=dict)


@dataclass(slots=True)
class Playback:
    """``steps``: (log, step) in the order of time; ``tree_changes`` by (agent, number of the step); ``first``: what
    edits before the range did. ``base`` is the commit, ``git`` the repository (Git folder, work tree) that holds it."""

    steps: list[tuple[LogRow, StepRow]]
    tree_changes: dict[tuple[str | None, int], TreeChange]
    first: TreeChange
    base: str | None = None
    git: tuple[Path, Path | None] | None = None
    note: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    """Files that are carried along with the episode."""

    @property
    def told(self) -> str:
        """One line that says what the tree is made of, and what is not in it."""
        base = f"Base {self.base[:9]} and the edits so far." if self.base else "The edits so far; there is no base."
        return " ".join(part for part in (base, SHELL, self.note) if part)

    def tree_change(self, at: int) -> TreeChange | None:
        """What the step at a position did to files."""
        log, step = self.steps[at]
        return self.tree_changes.get((log.agent, step.number))

    def changed_files(self, at: int) -> list[ChangedFile]:
        """The files that changed up to the position, this step included, by path."""
        before: dict[str, bytes | None] = {}
        now: dict[str, bytes | None] = {}
        raw: dict[str, bytes] = {}
        for tree_change in (self.first, *(self.tree_change(place) for place in range(at + 1))):
            if tree_change is None:
                continue
            for change in tree_change.changes:
                before.setdefault(change.path, change.before)
                now[change.path] = change.after if change.to is None else None
                if change.to is not None:
                    before.setdefault(change.to, None)
                    now[change.to] = change.after
            for path, patch in tree_change.raw.items():
                raw[path] = raw.get(path, b"") + patch
        here = self.tree_change(at)
        touched = set() if here is None else {path for item in here.changes for path in (item.path, item.to) if path}
        touched |= set() if here is None else set(here.raw)
        found = [
            ChangedFile(path, before[path], text, None, path in touched)
            for path, text in now.items()
            if text != before[path] or path in touched
        ]
        found += [
            ChangedFile(path, None, None, patch, path in touched) for path, patch in raw.items() if path not in now
        ]
        return sorted(found, key=lambda item: item.path)

    def lay_out(self, at: int, folder: Path) -> int:
        """Write the tree as it was at a position into an empty folder; how many files it has. Raises TracetuiError."""
        from tracetui.capsule.patches import check_path
        from tracetui.capsule.tree import Tree
        from tracetui.trail.store import Store

        tree, count = Tree(folder), 0
        if self.base is not None and self.git is not None:
            store = Store(*self.git)
            try:
                count = tree.lay_out(store, self.base).files
            finally:
                store.close()
        for path, data in self.files.items():
            count += tree.read(path) is None
            tree.write(path, data)
        for item in self.changed_files(at):
            if item.patch is not None or check_path(item.path) is not None:
                continue
            there = tree.read(item.path) is not None
            if item.after is not None:
                tree.write(item.path, item.after)
                count += not there
            elif there:
                tree.remove(item.path)
                count -= 1
        return count


def read_playback(
    bucket: Bucket, session: SessionRow, capsule: Path | None, cancelled: Cancelled, repo: Path | None = None
) -> Playback | None:
    """The playback of a session of the bucket; of one out of ``capsule``, with its patches, on the base of ``repo`` or
    of the repository around this folder. None when nobody waits."""
    from tracetui.capsule.episode import choose

    episode = choose(bucket, session)
    steps = _in_order(bucket, [part.log for part in episode.parts])
    if cancelled():
        return None
    if capsule is not None and session.foreign:
        from tracetui.capsule.verify import Capsule

        with Capsule(capsule) as opened:
            if session.id.startswith(opened.origin + "/"):
                return _of_capsule(opened, steps, repo)
    from tracetui.capsule.code_reader import read_code
    from tracetui.capsule.seal import Options

    code = read_code(bucket, episode, Options())
    tree_changes: dict[tuple[str | None, int], TreeChange] = {}
    for played in code.played.steps:
        tree_change = tree_changes.setdefault((played.agent, played.step), TreeChange())
        tree_change.changes += played.changes
        tree_change.problems += played.problems
    from tracetui.trail.facade import Trail

    with Trail(bucket, None) as trail:
        git = trail.repository(session)
    first = TreeChange(list(code.played.before), list(code.played.before_problems))
    base = code.base.commit if code.base is not None else None
    note = ""
    if code.base is not None and code.base.files and code.base.matched < code.base.files:
        note = f"Only {code.base.matched} of {code.base.files} files stood in it as the log saw them."
    return Playback(steps, tree_changes, first, base, git if base else None, note, dict(code.played.carried))


def _in_order(bucket: Bucket, logs: list[LogRow]) -> list[tuple[LogRow, StepRow]]:
    """The steps of all logs by time; one without a time stays behind the one before."""
    timed: list[tuple[int, int, LogRow, StepRow]] = []
    for log in logs:
        last = log.facts.started or 0
        for step in bucket.step_rows(log):
            last = max(last, step.time or 0)
            timed.append((last, len(timed), log, step))
    timed.sort(key=lambda item: item[:2])
    return [(log, step) for _, _, log, step in timed]


def _of_capsule(capsule: Capsule, steps: list[tuple[LogRow, StepRow]], repo: Path | None) -> Playback:
    """The playback by the capsule's own patches, on its base where the repository has it."""
    from tracetui.trail.store import MissingError, Store, find_git

    facts = capsule.manifest.section("repository")
    base: Any = facts.get("base")
    start = base.get("start") if isinstance(base, dict) else None
    start = start if isinstance(start, str) else None
    files = {name[6:]: capsule.read(name) for name in capsule.names("files/")}
    git = find_git(repo or Path.cwd()) if start is not None else None
    store = Store(*git) if git is not None else None
    try:
        if store is not None and (start is None or store.resolve(start) is None):
            store.close()
            store = git = None

        def text(path: str) -> bytes | None:
            if path in files:
                return files[path]
            if store is None or start is None:
                return None
            try:
                return store.text_at(start, path)
            except (MissingError, KeyError):
                return None

        first, tree_changes = _tree_changes(capsule, facts.get("patches"), text)
    finally:
        if store is not None:
            store.close()
    note = ""
    if start is not None and git is None:
        note = f"The base {start[:9]} is not at hand; r names the repository that has it."
    return Playback(steps, tree_changes, first, start if git else None, git, note, files)


def _tree_changes(
    capsule: Capsule, listed: Any, text: Callable[[str], bytes | None]
) -> tuple[TreeChange, dict[tuple[str | None, int], TreeChange]]:
    """What the patches that the manifest lists do: before the range, and at each (agent, step) of it."""
    state: dict[str, bytes | None] = {}
    first = TreeChange()
    tree_changes: dict[tuple[str | None, int], TreeChange] = {}
    for item in listed if isinstance(listed, list) else ():
        if not isinstance(item, dict):
            continue
        name, step, agent = item.get("name"), item.get("step"), item.get("agent")
        early = name == "patches/0000.patch" or not isinstance(step, int)
        key = (agent if isinstance(agent, str) else None, step if isinstance(step, int) else 0)
        tree_change = first if early else tree_changes.setdefault(key, TreeChange())
        problems = item.get("problems")
        tree_change.problems += [str(problem) for problem in problems] if isinstance(problems, list) else []
        if isinstance(name, str) and name in capsule.archive.entries:
            _play(capsule.read(name), state, text, tree_change)
    return first, tree_changes


def _play(
    data: bytes, state: dict[str, bytes | None], text: Callable[[str], bytes | None], tree_change: TreeChange
) -> None:
    """Apply a patch to the state; what does not apply is kept as a patch."""
    from tracetui.capsule.patches import FileChange, PatchError, apply, parse

    try:
        patches = parse(data)
    except PatchError as error:
        tree_change.problems.append(str(error))
        return
    for patch in patches:
        source = patch.source or patch.target or ""
        before = state[source] if source in state else text(source)
        path = patch.target or source
        try:
            if patch.source is not None and before is None:
                raise PatchError("its base is not at hand")
            after = apply(patch, before)
        except (PatchError, TracetuiError):
            lines = [b"--- " + source.encode("utf-8", "replace") + b"\n"]
            for hunk in patch.hunks:
                lines += _marked(hunk.old, hunk.new)
            tree_change.raw[path] = tree_change.raw.get(path, b"") + b"".join(lines)
            continue
        state[source] = None if patch.source is not None else state.get(source)
        if patch.target is not None:
            state[patch.target] = after
        to = patch.target if patch.source is not None and patch.target not in (None, patch.source) else None
        tree_change.changes.append(FileChange(source, before if patch.source is not None else None, after, to))


def _marked(old: tuple[bytes, ...], new: tuple[bytes, ...]) -> list[bytes]:
    """The lines of a hunk as a diff shows them."""
    head = 0
    while head < min(len(old), len(new)) and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < min(len(old), len(new)) - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    out = [b"@@\n", *(b" " + line for line in old[:head])]
    out += [b"-" + line for line in old[head : len(old) - tail]]
    out += [b"+" + line for line in new[head : len(new) - tail]]
    out += [b" " + line for line in old[len(old) - tail :]]
    return [line if line.endswith(b"\n") else line + b"\n" for line in out]
