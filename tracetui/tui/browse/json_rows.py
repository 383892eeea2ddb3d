"""A JSON value as rows of a list: a branch folds and unfolds, a text of several lines is a branch of its lines."""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from textual.strip import Strip

from tracetui.text import format as fmt
from tracetui.text.safe import display_safe, one_line
from tracetui.tui.kit.paint import Span, paint
from tracetui.tui.kit.styles import Look

__all__ = ["JsonRow", "JsonRows", "branches"]

_MOST: Final = 5_000
"""Rows of one branch; what is more is counted."""
_DEEP: Final = 64
"""Levels that are shown. What lies deeper stands on one line."""
_PREVIEW: Final = 400

Path = tuple[int, ...]
"""The places of a value in the values around it, from the outermost inwards; ``()`` is the whole."""


class JsonRow(NamedTuple):
    """``name`` is the key or the place of the value; ``branch`` tells how many rows stand right below it when it is
    unfolded, None for a leaf. A line of a text and the count of what was left out have no ``value``."""

    path: Path
    name: str
    text: str
    role: str
    branch: int | None = None
    value: Any = None


def _below(value: Any) -> int | None:
    """How many rows a value has below it; None for a leaf."""
    if isinstance(value, Mapping | list | tuple):
        return len(value) or None
    if isinstance(value, str) and "\n" in value.rstrip("\n"):
        return value.rstrip("\n").count("\n") + 1
    return None


def _preview(value: Any) -> tuple[str, str]:
    """What stands behind a name, and its colour."""
    if isinstance(value, Mapping):
        return (f"{{…}} {fmt.plural(len(value), 'key')}" if value else "{}"), "muted"
    if isinstance(value, list | tuple):
        return (f"[…] {fmt.plural(len(value), 'value')}" if value else "[]"), "muted"
    if isinstance(value, str):
        lines = _below(value)
        head = one_line(value[:_PREVIEW], _PREVIEW)
        return (f'"{head}"' if lines is None else f'"{head}… {fmt.plural(lines, "line")}'), "code-string"
    if value is None or isinstance(value, bool):
        return json.dumps(value), "code-keyword"
    return one_line(json.dumps(value, default=str)[:_PREVIEW], _PREVIEW), "code-number"


def _children(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield one_line(str(key), 120), item
    elif isinstance(value, list | tuple):
        for nth, item in enumerate(value):
            yield str(nth), item


def branches(value: Any, levels: int) -> set[Path]:
    """The paths of all branches of objects and lists on the outermost ``levels``; texts stay folded."""
    found: set[Path] = set()
    waiting: list[tuple[Path, Any]] = [((), value)]
    while waiting:
        path, item = waiting.pop()
        if len(path) >= min(levels, _DEEP) or isinstance(item, str) or not _below(item):
            continue
        found.add(path)
        children = list(_children(item))[:_MOST]
        waiting += [((*path, nth), child) for nth, (_, child) in enumerate(children)]
    return found


class JsonRows:
    """The rows of a value whose branches in ``unfolded`` stand open. The source of a `LineList`."""

    uniform = True

    def __init__(self, value: Any, unfolded: set[Path]) -> None:
        self.rows: list[JsonRow] = []
        self.unfolded = unfolded
        self._add("", value, ())

    def _add(self, name: str, value: Any, path: Path) -> None:
        waiting: list[tuple[Path, str, Any]] = [(path, name, value)]
        while waiting:
            path, name, value = waiting.pop()
            if isinstance(value, JsonRow):
                self.rows.append(value)
                continue
            below = _below(value) if len(path) < _DEEP else None
            text, role = _preview(value)
            self.rows.append(JsonRow(path, name, text, role, below, value))
            if not below or path not in self.unfolded:
                continue
            if isinstance(value, str):
                lines = value.rstrip("\n").split("\n", _MOST)
                for nth, line in enumerate(lines[:_MOST]):
                    shown = display_safe(line[: 16 * _PREVIEW], keep_tabs=True).expandtabs(4)
                    self.rows.append(JsonRow((*path, nth), "", shown, "code-string"))
                if below > _MOST:
                    self.rows.append(self._more(path, below))
                continue
            inner: list[tuple[Path, str, Any]] = []
            for nth, (key, item) in enumerate(_children(value)):
                if nth >= _MOST:
                    inner.append((path, "", self._more(path, below)))
                    break
                inner.append(((*path, nth), key, item))
            waiting += reversed(inner)

    @staticmethod
    def _more(path: Path, below: int) -> JsonRow:
        return JsonRow((*path, _MOST), "", f"{fmt.count(below - _MOST)} more; the raw records have them", "muted")

    def __len__(self) -> int:
        return len(self.rows)

    def key(self, row: int) -> Hashable:
        at = self.rows[row]
        return at.path, at.path in self.unfolded

    def row_of(self, path: Path) -> int:
        """The row of a value, or of the innermost branch around it that has one."""
        places = {row.path: nth for nth, row in enumerate(self.rows)}
        while path not in places:
            path = path[:-1]
        return places[path]

    def height(self, row: int) -> int:
        return 1

    def selectable(self, row: int) -> bool:
        return True

    def paint(self, row: int, look: Look, width: int) -> Sequence[Strip]:
        at = self.rows[row]
        sign = ("unfolded" if at.path in self.unfolded else "folded") if at.branch else ""
        spans: list[Span] = [("  " * min(len(at.path), max(0, width // 4)), look.style())]
        spans.append((f"{look.sign(sign)} " if sign else "  ", look.style("muted")))
        if at.name:
            spans.append((f"{at.name}: ", look.style("code-name")))
        # An open branch of values says itself what is in it; the first line of an open text stands below.
        shown = "" if sign == "unfolded" and at.role == "code-string" else at.text
        spans.append((shown or fmt.plural(at.branch or 0, "line"), look.style(at.role if shown else "muted")))
        return [paint(spans, width, mark=look.sign("ellipsis"))]
