"""The rows of the session list: grouping, families, folded kinds, and how a session is painted. No widgets here."""

from __future__ import annotations

import datetime as _dt
import time
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from rich.style import Style
from textual.strip import Strip

from tracetui.model import SessionRow
from tracetui.text import format as fmt
from tracetui.text.safe import one_line
from tracetui.tui.browse.columns import Column, fit, marks_of, paint_line, survival_bar, title_span
from tracetui.tui.kit.paint import Span, cells, clip, clip_middle, paint
from tracetui.tui.kit.session_labels import harness_sign, identity_of, project_of, title_of
from tracetui.tui.kit.styles import Look

__all__ = ["FOLDED", "GROUPS", "SORTS", "SessionRows", "survival_bar"]

SORTS: Final[Mapping[str, str]] = {
    "newest": "newest first",
    "oldest": "oldest first",
    "steps": "most steps first",
    "errors": "most errors first",
    "tokens": "most tokens first",
    "size": "largest first",
    "title": "by title",
    "survived": "most survived first",
    "prompts": "most prompts first",
    "cost": "most expensive first",
    "longest": "longest first",
    "project": "by project",
    "harness": "by harness",
    "model": "by model",
}
GROUPS: Final = ("day", "project", "none")
FOLDED: Final[Mapping[str, str]] = {
    "headless": "headless run",
    "subagent": "subagent session",
    "warmup": "warm-up session",
    "empty": "empty session",
}
"""The kinds that a list folds away, in the order in which it shows them, and what they are called."""


class Item(NamedTuple):
    """A row. ``kind`` is ``head`` (a heading), ``session``, ``family`` (the folded rest of a family) or ``folded`` (a
    folded kind); ``name`` is the text or the key of the group, ``number`` how many are in it."""

    kind: str
    name: str
    session: SessionRow | None = None
    number: int = 0
    open: bool = False
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Shape:
    """How the list is arranged; everything the user chose."""

    sort: str = "newest"
    group: str = "day"
    unfolded: frozenset[str] = frozenset()
    one_line: bool = False
    """Whether a session has one line of columns, or two."""


_KEYS: Final[Mapping[str, Callable[[SessionRow], Any]]] = {
    "steps": lambda row: -row.steps,
    "errors": lambda row: -row.errors,
    "tokens": lambda row: -(row.tokens.prompt + row.tokens.output),
    "size": lambda row: -row.bytes,
    "title": lambda row: title_of(row).casefold(),
    "survived": lambda row: -survived(row.survival),
    "prompts": lambda row: -row.prompts,
    "cost": lambda row: -(row.cost_usd if row.cost_usd is not None else row.cost_estimate_usd or 0.0),
    "longest": lambda row: -((row.ended or 0) - (row.started or row.ended or 0)),
    "project": lambda row: project_of(row).casefold(),
    "harness": lambda row: row.harness,
    "model": lambda row: row.model or "",
}
"""What the orders other than those by time go by; what is equal stands with the newest first."""


def _sorted(sessions: Iterable[SessionRow], sort: str) -> list[SessionRow]:
    def ended(row: SessionRow) -> int:
        return row.ended or row.started or 0

    if sort == "oldest":
        return sorted(sessions, key=lambda row: row.started or row.ended or 0)
    if sort in _KEYS:
        key = _KEYS[sort]
        return sorted(sessions, key=lambda row: (key(row), -ended(row)))
    return sorted(sessions, key=ended, reverse=True)


def survived(survival: Mapping[str, int] | None) -> float:
    """The share of a session's hunks that still stand, of those that could; below 0 where none was judged."""
    table = survival or {}
    standing = table.get("alive", 0) + table.get("transformed", 0)
    judged = standing + table.get("reverted", 0) + table.get("lost", 0)
    return standing / judged if judged else -1.0


def _families(sessions: Sequence[SessionRow]) -> tuple[list[SessionRow], dict[str, list[SessionRow]]]:
    """The first of each family in the order of the list, and under its identity the others."""
    known = {row.id: row for row in sessions}
    root: dict[str, str] = {}

    def find(name: str) -> str:
        while (above := root.get(name, name)) != name:
            root[name] = root.get(above, above)
            name = above
        return name

    for row in sessions:
        for other in (row.forked_from, row.parent):
            if other and other in known and other != row.id:
                root[find(row.id)] = find(other)
    heads: list[SessionRow] = []
    head_of: dict[str, str] = {}
    rest: dict[str, list[SessionRow]] = {}
    for row in sessions:
        family = find(row.id)
        if family not in head_of:
            head_of[family] = identity_of(row)
            heads.append(row)
        else:
            rest.setdefault(head_of[family], []).append(row)
    return heads, rest


def day_of(ms: int | None, today: _dt.date) -> str:
    """The heading for a time: ``today``, ``yesterday``, ``Tuesday``; what is older stands by months (``May``,
    ``May 2024``), since a heading for each of many single days would be half of the list."""
    if ms is None:
        return "no date"
    try:
        day = _dt.datetime.fromtimestamp(ms / 1000).astimezone().date()
    except (OverflowError, ValueError, OSError):
        return "no date"
    age = (today - day).days
    if age == 0:
        return "today"
    if age == 1:
        return "yesterday"
    if 1 < age < 7:
        return f"{day:%A}"
    return f"{day:%B}" if day.year == today.year else f"{day:%B %Y}"


class SessionRows:
    """A `RowSource` over sessions. Building it is linear in their number; do it in a worker."""

    uniform = False

    def __init__(
        self, sessions: Sequence[SessionRow], shape: Shape, *, now: int | None = None, home: str | None = None
    ) -> None:
        self.now = round(time.time() * 1000) if now is None else now
        self.home = str(Path.home()) if home is None else home
        self.shape = shape
        self.items: list[Item] = []
        shown = [row for row in sessions if row.folded is None]
        self.folded: dict[str, list[SessionRow]] = {}
        for row in sessions:
            if row.folded is not None:
                self.folded.setdefault(row.folded, []).append(row)
        self.shown = len(shown)
        self._add(shown)
        for kind in (*FOLDED, *sorted(self.folded.keys() - FOLDED.keys())):
            rows = self.folded.get(kind)
            if rows:
                opened = kind in shape.unfolded
                self.items.append(Item("folded", kind, number=len(rows), open=opened))
                if opened:
                    self.items += [Item("session", "", row, depth=1) for row in _sorted(rows, shape.sort)]
        self._places: dict[Hashable, int] | None = None
        self._fitted: tuple[int, list[Column]] = (-1, [])

    def _add(self, sessions: Sequence[SessionRow]) -> None:
        shape = self.shape
        heads, rest = _families(_sorted(sessions, shape.sort))
        groups: dict[str, list[SessionRow]] = {}
        if shape.group == "project":
            for row in heads:
                groups.setdefault(row.cwd or "", []).append(row)
        elif shape.group == "day" and shape.sort in ("newest", "oldest"):
            today = _dt.datetime.fromtimestamp(self.now / 1000).astimezone().date()
            for row in heads:
                when = (row.ended or row.started) if shape.sort == "newest" else (row.started or row.ended)
                groups.setdefault(day_of(when, today), []).append(row)
        else:
            groups[""] = heads
        bare = len(groups) == 1 and "" in groups and shape.group != "project"
        for name, members in groups.items():
            if not bare:
                self.items.append(Item("head", name, number=len(members)))
            for row in members:
                self.items.append(Item("session", "", row))
                others = rest.get(identity_of(row))
                if others:
                    opened = identity_of(row) in shape.unfolded
                    self.items.append(Item("family", identity_of(row), number=len(others), open=opened, depth=1))
                    if opened:
                        self.items += [Item("session", "", other, depth=1) for other in others]

    # -- RowSource ----------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self.items)

    def key(self, row: int) -> Hashable:
        return row

    def identity(self, row: int) -> Hashable:
        item = self.items[row]
        return (item.kind, identity_of(item.session) if item.session else item.name)

    def find(self, identity: Hashable) -> int:
        """The row with this identity, -1 when it is not in the list."""
        if self._places is None:
            self._places = {}
            for row in range(len(self.items)):
                self._places.setdefault(self.identity(row), row)
        return self._places.get(identity, -1)

    def height(self, row: int) -> int:
        return 2 if self.items[row].kind == "session" and not self.shape.one_line else 1

    def columns(self, width: int) -> list[Column]:
        """Those of a line of so many cells."""
        if self._fitted[0] != width:
            self._fitted = (width, fit(width, project=self.shape.group != "project"))
        return self._fitted[1]

    def selectable(self, row: int) -> bool:
        return self.items[row].kind != "head"

    def paint(self, row: int, look: Look, width: int) -> Sequence[Strip]:
        item = self.items[row]
        muted = look.style("muted")
        if item.kind == "head":
            name = item.name
            if self.shape.group == "project":
                name = clip_middle(one_line(fmt.home_path(name, self.home)), width - 6) if name else "no folder"
            return [paint([(name, look.style("muted", "b"))], width, right=[(fmt.count(item.number), muted)])]
        if item.kind in ("folded", "family"):
            sign = "unfolded" if item.open else "folded"
            what = f"{item.number:,} in the same family"
            if item.kind == "folded":
                what = fmt.plural(item.number, FOLDED.get(item.name, item.name + " session"))
            lead = "  " * item.depth
            return [paint([(lead, muted), (look.sign(sign) + " ", muted), (what, muted)], width)]
        assert item.session is not None
        return self._paint_session(item.session, item.depth, look, width)

    def _paint_session(self, row: SessionRow, depth: int, look: Look, width: int) -> Sequence[Strip]:
        if self.shape.one_line:
            return [paint_line(row, depth, look, width, self.now, self.columns(width))]
        return [self._title_line(row, depth, look, width), self._facts_line(row, depth, look, width)]

    def _title_line(self, row: SessionRow, depth: int, look: Look, width: int) -> Strip:
        muted = look.style("muted")
        lead: list[Span] = []
        if depth:
            lead = [(look.sign("branch") + " ", muted)]
        mark = (look.sign("unread"), look.sign_style("unread")) if row.unread else (" ", muted)
        ends = marks_of(row, look)
        when = fmt.relative(row.ended or row.started, self.now)
        ends.append((" " + when.rjust(6 if width >= 44 else len(when)), muted))
        title = title_span(row, look, width)
        return paint([*lead, mark, title], width, right=ends, mark=look.sign("ellipsis"))

    def _facts_line(self, row: SessionRow, depth: int, look: Look, width: int) -> Strip:
        muted = look.style("muted")
        facts: list[tuple[str, str, Style, int]] = [
            ("", f"{row.steps:,} steps" if row.steps != 1 else "1 step", muted, 9)
        ]
        bar = survival_bar(row.survival, 6, look) if row.survival and width >= 30 else []
        if width >= 46 or (width >= 30 and not bar):
            facts.append((" ", f"{row.edits:,} edit{'s' if row.edits != 1 else ''}" if row.edits else "", muted, 9))
        facts.append((" ", f"{row.errors} {look.sign('failed')}" if row.errors else "", look.style("bad"), 5))
        right: list[Span] = []
        if bar and width >= 46:
            right += [*bar, (" ", muted)]
        for gap, text, fact_style, size in facts:
            if bar and width < 46 and len(right) == 1:
                # Where there is no room for both, what became of the edits stands in the place of their number.
                right += [("   ", muted), *bar]
            right.append((gap + " " * (size - len(gap) - cells(text)) + text, fact_style))
        place = harness_sign(row.harness)
        if self.shape.group != "project" or depth:
            name = one_line(project_of(row))
            room = width - sum(cells(text) for text, _ in right) - 2 * bool(depth) - 5
            if name and room >= 3:
                place += " " + clip(name, room, look.sign("ellipsis"))
        return paint([("  " * bool(depth) + " " + place, muted)], width, right=right)
