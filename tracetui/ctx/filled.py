"""What filled a context: per category and per tool, the largest segments, files read more than once, and results that
nothing said later speaks of. All sizes are estimates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from tracetui.ctx.context import Context, Segment, piece_of
from tracetui.ctx.parts import Reading
from tracetui.harness import tools
from tracetui.harness.context import CATEGORIES, Category

__all__ = ["Filled", "SegmentGroup", "filled"]

_LARGEST: Final = 12
_MOST: Final = 50
_PATHS: Final = ("file_path", "path", "notebook_path", "filePath", "target_file", "filename")
_RESULT: Final = CATEGORIES.index("tool_result")
_CALL: Final = CATEGORIES.index("tool_call")
_SAID: Final = frozenset(CATEGORIES.index(name) for name in ("message", "thinking", "tool_call", "prompt"))
_TELLING: Final = 4
"""Characters of a file's name from which on it can be looked for in what was said later."""


@dataclass(frozen=True, slots=True)
class SegmentGroup:
    """Segments that belong together: their name, how many, their tokens, and the numbers of the segments."""

    name: str
    count: int
    tokens: int
    segments: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Filled:
    """``unused``: results of reads whose file no later message, thinking, call or prompt of this context names."""

    categories: tuple[SegmentGroup, ...]
    tools: tuple[SegmentGroup, ...]
    largest: tuple[Segment, ...]
    repeated: tuple[SegmentGroup, ...]
    unused: tuple[SegmentGroup, ...]


def filled(context: Context, reading: Reading, cancelled: Callable[[], bool] = lambda: False) -> Filled | None:
    """Work it out; None where nobody waits any more. Reads the calls and what was said, not the results."""
    index = context.index
    names: dict[int, str] = {}
    for at in context.ids:
        if index.category[at] == _CALL and index.call_key[at]:
            names[index.call_key[at]] = index.names[index.name[at]] or "tool"
    per_tool: dict[str, list[int]] = {}
    for n, at in enumerate(context.ids, 1):
        if index.category[at] in (_CALL, _RESULT):
            name = names.get(index.call_key[at]) or index.names[index.name[at]] or "tool"
            per_tool.setdefault(name, []).append(n)
    order = sorted(range(1, len(context) + 1), key=lambda n: (-index.tokens[context.ids[n - 1]], n))
    paths = _paths(context, reading, cancelled)
    if paths is None:
        return None
    repeated = [_share(context, path, numbers) for path, numbers in paths.items() if len(numbers) > 1]
    unused = _unused(context, reading, paths, cancelled)
    if unused is None:
        return None
    return Filled(
        tuple(SegmentGroup(name, count, tokens) for name, (count, tokens) in _by_size(context.by_category())),
        _largest([_share(context, name, numbers) for name, numbers in per_tool.items()]),
        tuple(context.segment(n) for n in order[:_LARGEST]),
        _largest(repeated),
        _largest(unused),
    )


def _by_size(counts: dict[Category, tuple[int, int]]) -> list[tuple[Category, tuple[int, int]]]:
    return sorted(counts.items(), key=lambda item: -item[1][1])


def _largest(shares: list[SegmentGroup]) -> tuple[SegmentGroup, ...]:
    return tuple(sorted(shares, key=lambda share: (-share.tokens, share.name))[:_MOST])


def _share(context: Context, name: str, numbers: list[int]) -> SegmentGroup:
    tokens = sum(context.index.tokens[context.ids[n - 1]] for n in numbers)
    return SegmentGroup(name, len(numbers), tokens, tuple(numbers))


def _path(given: Any) -> str | None:
    if isinstance(given, dict):
        for key in _PATHS:
            if isinstance(given.get(key), str) and given[key]:
                return str(given[key])
    return None


def _paths(context: Context, reading: Reading, cancelled: Callable[[], bool]) -> dict[str, list[int]] | None:
    """Files that were read, with the numbers of the results."""
    index = context.index
    of_call: dict[int, str] = {}
    found: dict[str, list[int]] = {}
    for n, at in enumerate(context.ids, 1):
        if index.category[at] == _CALL and tools.kind(index.names[index.name[at]] or "") == "read":
            if cancelled():
                return None
            path = _path(piece_of(index, at, reading).value)
            if path is not None and index.call_key[at]:
                of_call[index.call_key[at]] = path
        elif index.category[at] == _RESULT and index.call_key[at] in of_call:
            found.setdefault(of_call[index.call_key[at]], []).append(n)
    return found


def _unused(
    context: Context, reading: Reading, paths: dict[str, list[int]], cancelled: Callable[[], bool]
) -> list[SegmentGroup] | None:
    """Files whose name nothing says after their last result."""
    index = context.index
    open_ = {path: numbers[-1] for path, numbers in paths.items() if len(_leaf(path)) >= _TELLING}
    for n in range(len(context), 0, -1):
        at = context.ids[n - 1]
        waiting = [path for path, last in open_.items() if last < n]
        if not waiting:
            break
        if index.category[at] not in _SAID:
            continue
        if cancelled():
            return None
        text = piece_of(index, at, reading).text
        for path in waiting:
            if _leaf(path) in text:
                del open_[path]
    return [_share(context, path, paths[path]) for path in open_]


def _leaf(path: str) -> str:
    return path.replace("\\", "/").rstrip("/").rpartition("/")[2]
