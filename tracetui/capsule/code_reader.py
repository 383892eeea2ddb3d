"""Reading the code side of an episode: its repository and base, its trail, the commands that failed, its edits."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from tracetui.capsule.base import Base, clean_remote, find_base
from tracetui.capsule.code import CodeFacts
from tracetui.capsule.environment import environment
from tracetui.capsule.episode import Episode
from tracetui.capsule.history import first_texts, in_order, play
from tracetui.capsule.patches import FileChange, check_path
from tracetui.model import Step, TracetuiError
from tracetui.trail.hunks import Edit, absolute
from tracetui.trail.lines import is_binary
from tracetui.trail.repo import Locator
from tracetui.trail.store import MissingError, Store

if TYPE_CHECKING:
    from tracetui.bucket import Bucket
    from tracetui.capsule.options import Options

__all__ = ["failing_commands", "read_code"]

_HIDING: Final = re.compile(r"[|;&\n…]")
"""What a command holds whose status may be hidden, as far as a list shows it."""
_HIDDEN: Final = 200
_CARRIED_FILES: Final = 500
_CARRIED_BYTES: Final = 5 * 1024 * 1024
_FILE: Final = 2 * 1024 * 1024
_CARRIED: Final = {
    True: ": the files that the edits met are carried along",
    False: ": the files that the edits met are from before the episode and are left out (--include-before)",
}


def read_code(
    bucket: Bucket, episode: Episode, options: Options, left_out: AbstractSet[tuple[str | None, int]] = frozenset()
) -> CodeFacts:
    """Read an episode's repository, where there is one; nothing of it is written to or run.

    ``left_out``: steps (agent, number) that the user excluded. Files that they edited are in no patch, since later
    texts of them hold what is to stay out.
    """
    from tracetui.trail.facade import Trail

    code = CodeFacts()
    session = episode.session
    with Trail(bucket, options.repo) as trail:
        place = trail.repository(session)
        if options.repo is not None and place is None:
            raise TracetuiError(f"{options.repo} is not in a Git repository; name one that is")
        edits = in_order(trail.edits(session))
        states = trail.hunks(session)
        code.trail = [
            state.json()
            for state in states
            if episode.has(state.agent, state.step) and (state.agent, state.step) not in left_out
        ]
    if left_out:
        edits = _without(code, edits, left_out)
    mine = [edit for edit in edits if episode.has(edit.agent, edit.step)]
    before: list[Any] = []
    if mine and episode.ranged:
        at = edits.index(mine[0])
        before = [edit for edit in edits[:at] if edit not in mine]
    code.commands = [item for item in failing_commands(bucket, episode) if (item[0], item[1].number) not in left_out]
    cwd = episode.main.log.facts.cwd or session.cwd
    if place is None:
        code.root = cwd
        _name_remote(code, [episode.main.log.facts.repo], options)
        carry = _carries(episode, options)
        code.notes.append("no repository was found" + _CARRIED[carry])
        code.played = play(before, mine, lambda path: None, _below(cwd), carry=carry)
        return code
    store = Store(*place)
    try:
        _read(code, store, episode, before, mine, options, cwd)
    finally:
        store.close()
    return code


def _carries(episode: Episode, options: Options) -> bool:
    """Whether whole files may be carried that only the log tells: of a range they are text from before it."""
    return not episode.ranged or options.include_before


def _without(code: CodeFacts, edits: list[Edit], left_out: AbstractSet[tuple[str | None, int]]) -> list[Edit]:
    """The edits without those of files that excluded steps edited."""
    gone = set()
    for edit in edits:
        if (edit.agent, edit.step) in left_out:
            gone.add(absolute(edit.change.path, edit.cwd))
            if edit.change.to is not None:
                gone.add(absolute(edit.change.to, edit.cwd))
    kept = [edit for edit in edits if absolute(edit.change.path, edit.cwd) not in gone]
    if len(kept) < len(edits):
        code.notes.append(f"{len(gone)} files have no patches: steps that edited them were left out")
    return kept


def _read(
    code: CodeFacts,
    store: Store,
    episode: Episode,
    before: list[Any],
    mine: list[Any],
    options: Options,
    cwd: str | None,
) -> None:
    facts = episode.main.log.facts
    code.head = store.resolve("HEAD")
    locator = _locator(store, facts.commit, [*before, *mine], given=options.repo is not None)
    texts = first_texts([*before, *mine], locator)
    first = next((edit.time for edit in (*before, *mine) if edit.time is not None), facts.started)
    carry = _carries(episode, options)
    base = code.base = find_base(store, facts.commit, facts.branch, texts, first)
    code.root = _root(store, locator, cwd)
    _name_remote(code, [_remote(store), facts.repo], options)
    if base is None:
        code.notes.append("the repository has no commit" + _CARRIED[carry])
        code.played = play(before, mine, lambda path: None, locator, carry=carry)
        return

    texts_of = _Texts(store)
    base_text = partial(texts_of.at, base.commit)
    code.played = play(before, mine, base_text, locator, carry=carry)
    code.environment = environment(base_text)
    if base.files and base.matched < base.files:
        code.notes.append(
            f"only {base.matched} of {base.files} files stood in the base commit {base.commit[:12]} as the log saw them"
        )
    start = _bridge(code, store, base)
    if base.start is None:
        code.notes.append(f"the base commit {base.commit[:12]} was not pushed: only who has it can replay this")
        for path in sorted(code.played.paths):
            data = base_text(path)
            if data is not None and len(data) <= _FILE:
                code.files[path] = data
    for path in options.files:
        code.files[path] = _named_file(store, base.commit, path)
        code.chosen.append(path)
    # The texts are needed after the repository was let go of.
    needed = {change.path for change in code.lead} | texts.keys() | code.played.paths | code.played.targets
    real = {path: texts_of.at(start, path) for path in needed}
    code.real = real.get


class _Texts:
    """Texts of files at commits, each read once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._held: dict[tuple[str, str], bytes | None] = {}

    def at(self, sha: str, path: str) -> bytes | None:
        key = (sha, path)
        if key not in self._held:
            try:
                self._held[key] = self._store.text_at(sha, path)
            except MissingError:
                self._held[key] = None
        return self._held[key]


def _bridge(code: CodeFacts, store: Store, base: Base) -> str:
    """The commit that patches start from: one that was pushed, with the way from there to the base, where that is not
    too far."""
    start = base.start or base.commit
    if start == base.commit:
        return start
    lead = _lead(store, start, base.commit)
    if lead is None:
        code.notes.append(f"the base commit {base.commit[:12]} was not pushed and is too far from what was")
        code.base = Base(base.commit, base.how, base.files, base.matched, False, None)
        return base.commit
    code.lead = lead
    return start


def _name_remote(code: CodeFacts, found: Iterable[str | None], options: Options) -> None:
    """Name the first remote, unless it may be private."""
    for url in found:
        if not url:
            continue
        clean, private = clean_remote(url)
        if not private or options.private_remote:
            code.remote = code.remote or clean
            continue
        code.remote_left_out = True
        code.hidden += [text for text in (url.strip(), clean) if text and len(text) >= 8]
    if code.remote is not None:
        code.remote_left_out = False


def _named_file(store: Store, sha: str, path: str) -> bytes:
    """A file that the user wants carried: from the work tree, else from the base."""
    if check_path(path) is not None:
        raise TracetuiError(f"{path} is not a path within the repository", status=2)
    data: bytes | None = None
    if store.work is not None:
        from tracetui.capsule.tree import Tree

        data = Tree(store.work).read(path)
    if data is None:
        try:
            data = store.text_at(sha, path)
        except MissingError:
            data = None
    if data is None:
        raise TracetuiError(f"{path} is no file of the repository; name one to carry along")
    if len(data) > 16 * _FILE:
        raise TracetuiError(f"{path} is too large to carry along")
    return data


def _locator(store: Store, recorded: str | None, edits: Iterable[Any], *, given: bool) -> Locator:
    known: set[str] = set()
    for name in ("HEAD", recorded):
        sha = store.resolve(name) if name else None
        if sha is not None:
            try:
                known.update(store.files(sha))
            except MissingError:
                continue
    locator = Locator(store, known.__contains__, given)
    locator.learn([(absolute(edit.change.path, edit.cwd), edit.cwd) for edit in edits])
    return locator


def _root(store: Store, locator: Locator, cwd: str | None) -> str | None:
    """The repository's folder as the log names it."""
    if cwd is not None:
        for root in locator.roots:
            if cwd == root or cwd.startswith(root + "/"):
                return root
    if locator.learned:
        return locator.learned.most_common(1)[0][0]
    if cwd is not None and store.work is not None:
        # A log of another machine: the folder whose name is the repository's, else the session's own.
        parts = cwd.rstrip("/").split("/")
        if store.work.name in parts:
            return "/".join(parts[: len(parts) - parts[::-1].index(store.work.name)])
    return cwd


def _below(cwd: str | None) -> Callable[[str, str | None], str | None]:
    """Names paths by the session's folder, where there is no repository."""

    def locate(path: str, folder: str | None) -> str | None:
        root = (cwd or folder or "").rstrip("/")
        return path[len(root) + 1 :] if root and path.startswith(root + "/") else None

    return locate


def _remote(store: Store) -> str | None:
    """The address of ``origin``, else of the first remote, read by libgit2."""
    import pygit2

    try:
        config = pygit2.Config(str(store.common / "config"))
        found = {}
        for entry in config:
            if entry.name.startswith("remote.") and entry.name.endswith(".url"):
                found[entry.name[7:-4]] = str(entry.value)
    except (OSError, ValueError, KeyError, pygit2.GitError):
        return None
    return found.get("origin") or next((url for _, url in sorted(found.items())), None)


def _lead(store: Store, start: str, base: str) -> list[FileChange] | None:
    """What leads from a pushed commit to the base, None when that is too much or holds what patches cannot."""
    try:
        old, new = store.files(start), store.files(base)
        changes: list[FileChange] = []
        size = 0
        for path in sorted(old.keys() | new.keys()):
            was, now = old.get(path), new.get(path)
            if was == now:
                continue
            modes = {entry[0] for entry in (was, now) if entry is not None}
            if modes - {0o100644, 0o100755} or check_path(path) is not None or len(changes) >= _CARRIED_FILES:
                return None
            texts = [None if entry is None else store.blob(entry[1]) for entry in (was, now)]
            size += sum(len(text) for text in texts if text is not None)
            if size > 2 * _CARRIED_BYTES or any(text is not None and is_binary(text) for text in texts):
                return None
            changes.append(FileChange(path, texts[0], texts[1]))
    except MissingError:
        return None
    return changes


def failing_commands(bucket: Bucket, episode: Episode) -> Iterable[tuple[str | None, Step, str | None]]:
    """The failed commands of an episode, and the last of those whose status what comes after a pipe may hide: (agent,
    step, the folder that its record names)."""
    for part in episode.parts:
        cwd = part.log.facts.cwd or episode.session.cwd
        rows = bucket.step_rows(part.log, part.steps[0] if part.steps else 1, part.steps[-1] if part.steps else 0)
        rows = [row for row in rows if row.kind == "command"]
        hidden = [row.number for row in rows if not row.failed and _HIDING.search(row.summary)][-_HIDDEN:]
        for row in rows:
            if not row.failed and row.number not in hidden:
                continue
            step = bucket.step(part.log, row.number)
            folder = cwd
            for record in bucket.records_of(part.log, step.sources[:1]):
                own = record.value.get("cwd")
                folder = own if isinstance(own, str) else folder
            yield part.log.agent, step, folder
