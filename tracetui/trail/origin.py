"""Which commit brought each line of a file: ``git blame -w`` from the touch index and the object store alone.

``git blame`` itself is not run: it reads files that the repository's configuration names.
"""

from __future__ import annotations

from tracetui.trail.line_changes import Touch, TouchIndex
from tracetui.trail.store import MissingError
from tracetui.trail.texts import Texts

__all__ = ["origins"]


def origins(index: TouchIndex, texts: Texts, sha: str, path: str, lines: range) -> dict[int, tuple[str, str]]:
    """Line (0-based) of a path at a commit -> (commit, path there) that brought it; white space aside.

    A line is handed to the first parent whose file holds it in the same order, until none does. Lines that come from
    before what is indexed or stored are left out.
    """
    found: dict[int, tuple[str, str]] = {}
    start = index.index.get(sha)
    waiting: list[tuple[int, str, dict[int, int]]] = []
    if start is not None:
        waiting.append((start, path, {line: line for line in lines}))
    seen = 0
    while waiting:
        at, name, own = waiting.pop()
        seen += 1
        if seen > 20_000:
            break
        try:
            oid = texts.oid(index.shas[at], name)
            touch = _maker(index, at, name, oid)
            if oid is None or touch is None:
                continue
            own = _handed_on(index, texts, touch, name, oid, own, waiting)
        except MissingError:
            continue
        for line in own.values():
            found[line] = (index.shas[touch.idx], name)
    return found


def _maker(index: TouchIndex, at: int, path: str, oid: str | None) -> Touch | None:
    """The newest commit before ``at`` that gave the path this content."""
    for touch in reversed(index.touches(path)):
        if touch.idx <= at and touch.blob == oid and index.is_ancestor(touch.idx, at):
            return touch
    return None


def _handed_on(
    index: TouchIndex,
    texts: Texts,
    touch: Touch,
    path: str,
    oid: str,
    own: dict[int, int],
    waiting: list[tuple[int, str, dict[int, int]]],
) -> dict[int, int]:
    """Give lines (line there -> line asked for) to the parents that hold them; what is left is the commit's own."""
    left = dict(own)
    for parent in index.parents[touch.idx]:
        name = touch.source or path
        before = texts.oid(index.shas[parent], name)
        if before is None:
            name = path
            before = texts.oid(index.shas[parent], name)
        if before is None or not left:
            continue
        passed: dict[int, int] = {}
        for old, new in enumerate(texts.aligned(before, oid, path)):
            if new in left:
                passed[old] = left.pop(new)
        if passed:
            waiting.append((parent, name, passed))
    return left
