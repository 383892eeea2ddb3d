"""What commits changed: by one ``git diff-tree`` stream, and object by object where Git lacks objects for that.

A snapshot or a partial clone may lack some blobs. Git ends its stream at the first, so the commits that need one that
is missing are told apart first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from tracetui.trail import git
from tracetui.trail.difftree import DIFF, Raw, parse, prints
from tracetui.trail.lines import aligned, changes, digest, is_binary, norm, split
from tracetui.trail.store import MissingError, Store

__all__ = ["by_objects", "diffs"]

_FAILURES: Final = 8
"""Times that Git may give up before the rest is read object by object."""
_NAMES: Final = (
    "diff-tree",
    "--stdin",
    "-r",
    "--root",
    "--raw",
    "-c",
    "--no-renames",
    "--no-color",
    "--no-ext-diff",
    "--no-textconv",
    "--no-abbrev",
)
_LINK: Final = 0o160000
_Item = tuple[int, str]
"""Mode and name of an object."""


def diffs(store: Store, todo: Sequence[str], index: Mapping[str, int]) -> Iterator[tuple[int, list[Raw]]]:
    """The number of each commit (by ``index``) with its touches, in any order; without touches where it has none."""
    given: list[str] = list(todo)
    apart: list[str] = []
    if store.partial:
        given, apart = _without_gaps(store.folder, given)
    failures = 0
    while given:
        last = -1
        try:
            stream = git.stream(store.folder, DIFF, (sha.encode("ascii") + b"\n" for sha in given))
            places = {sha: at for at, sha in enumerate(given)}
            for place, raws in parse(stream, places):
                yield from ((index[quiet], []) for quiet in given[last + 1 : place])  # changes nothing: no output
                last = place
                yield index[given[place]], raws
            yield from ((index[quiet], []) for quiet in given[last + 1 :])
            break
        except git.GitError:
            failures += 1
            given, more = _after_failure(store, given[last + 1 :], failures)
            apart += more
    for sha in apart:
        yield index[sha], by_objects(store, sha)


def _after_failure(store: Store, left: list[str], failures: int) -> tuple[list[str], list[str]]:
    """Of the commits that are left where Git gave up, those to ask it for, and those to be read by objects."""
    if failures == 1:
        given, apart = _without_gaps(store.folder, left)
        if apart:
            return given, apart
    if failures > _FAILURES:
        return [], left
    # the commit after the last whole one is the one that Git gave up on
    skip = next((at for at, sha in enumerate(left) if not _is_quiet(store, sha)), len(left))
    return left[skip + 1 :], left[: skip + 1]


def _is_quiet(store: Store, sha: str) -> bool:
    """Whether a commit changes nothing: it gives no output, so it is not at fault."""
    commit = store.commit(sha)
    if commit is None or len(commit.parents) != 1:
        return False
    try:
        return store.files(commit.parents[0]) == store.files(sha)
    except MissingError:
        return False


# -- what is missing


def _without_gaps(folder: Path, todo: list[str]) -> tuple[list[str], list[str]]:
    """The commits whose blobs are all there, and the others. Two streams, whatever the number of commits: the names of
    all blobs that they changed, without reading any, and which of these are there."""
    needed: dict[bytes, set[str]] = {}
    try:
        for sha, blobs in _changed(folder, todo):
            for blob in blobs:
                needed.setdefault(blob, set()).add(sha)
        given = b"".join(blob + b"\n" for blob in needed)
        out = git.read(folder, ["cat-file", "--batch-check=%(objectname)", "--buffer"], given)
    except git.GitError:
        return [], todo  # trees are missing too
    found: set[str] = set()
    for line in out.splitlines():
        if line.endswith(b" missing"):
            found |= needed.get(line.split(b" ", 1)[0], set())
    return [sha for sha in todo if sha not in found], [sha for sha in todo if sha in found]


def _changed(folder: Path, shas: Sequence[str]) -> Iterator[tuple[str, set[bytes]]]:
    """Every commit with the blobs on both sides of its changes."""
    known = set(shas)
    sha, blobs = "", set[bytes]()
    rest = b""
    for block in git.stream(folder, _NAMES, (name.encode("ascii") + b"\n" for name in shas)):
        *lines, rest = (rest + block).split(b"\n")
        for line in lines:
            if line.startswith(b":"):
                blobs |= _blobs(line)
            elif (name := line.decode("ascii", "replace")) in known:
                yield sha, blobs
                sha, blobs = name, set()
    yield sha, blobs


def _blobs(line: bytes) -> set[bytes]:
    """The blobs that a raw line names: modes, then names, as many as there are sides."""
    head = line.partition(b"\t")[0]
    sides = len(head) - len(head.lstrip(b":")) + 1
    parts = head.lstrip(b":").split()
    pairs = zip(parts[:sides], parts[sides : 2 * sides])
    return {name for mode, name in pairs if int(mode, 8) != _LINK and name.strip(b"0")}


# -- object by object


def by_objects(store: Store, sha: str) -> list[Raw]:
    """The touches of one commit read object by object, where Git cannot: what is missing is marked."""
    commit = store.commit(sha)
    if commit is None:
        return []
    try:
        after = store.files(sha)
        before = [store.files(parent) for parent in commit.parents] or [{}]
    except MissingError:
        return []
    gone = {item[1]: path for path, item in reversed(before[0].items()) if path not in after}
    if len(before) > 1:
        gone = {}  # what a merge took over under another name is no touch of the merge
    paths = {*after, *(path for path in before[0] if path not in after)}
    found: list[Raw] = []
    for path in sorted(paths):
        raw = _compared(store, path, after.get(path), [tree.get(path) for tree in before], gone)
        if raw is not None:
            found.append(raw)
    renamed = {raw.source for raw in found if raw.source}
    return [raw for raw in found if not (raw.status.startswith("D") and raw.path in renamed)]


def _compared(
    store: Store, path: str, item: _Item | None, olds: list[_Item | None], gone: Mapping[str, str]
) -> Raw | None:
    """What a commit did to a path, given what it and each of its parents have there; ``gone`` are the files that it
    took away, by content."""
    if any(old == item for old in olds) or (item or olds[0] or (_LINK, ""))[0] == _LINK:
        return None
    if item is None:
        raw = Raw("D", path, None, "")
    elif olds[0] is None and item[1] in gone:
        return Raw("R", path, gone[item[1]], item[1])
    else:
        raw = Raw("M" if olds[0] else "A", path, None, item[1])
    try:
        _fill(store, raw, [old[1] if old else None for old in olds])
    except MissingError:
        raw.status += "?"
    return raw


def _fill(store: Store, raw: Raw, olds: list[str | None]) -> None:
    """Give a touch its lines; of a merge those that are new against all parents."""
    after = store.blob(raw.blob) if raw.blob else b""
    befores = [store.blob(old) if old else b"" for old in olds]
    if is_binary(after) or any(map(is_binary, befores)):
        raw.status += "b"
        return
    if len(befores) == 1:
        old, new = split(befores[0]), split(after)
        for change in changes(befores[0], after):
            raw.removed.extend(prints(old[change.old : change.old + change.old_len]))
            raw.added.extend(prints(new[change.new : change.new + change.new_len]))
        return
    lines = [norm(line) for line in split(after)]
    kept = bytearray(len(lines))
    for before in befores:
        for place in aligned([norm(line) for line in split(before)], lines):
            if place >= 0:
                kept[place] = 1
    raw.added.extend(digest(line) for line, old_one in zip(lines, kept) if not old_one)
