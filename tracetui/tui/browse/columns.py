"""A session in one line: which columns there is room for, their heads, and how they are painted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tracetui.model import SessionRow
from tracetui.text import format as fmt
from tracetui.text.safe import one_line
from tracetui.tui.kit.paint import Span, cells, clip, paint
from tracetui.tui.kit.session_labels import harness_sign, project_of, title_of
from tracetui.tui.kit.styles import Look

__all__ = [
    "ONE_LINE",
    "Column",
    "ColumnHeader",
    "cost_of",
    "fit",
    "marks_of",
    "paint_line",
    "survival_bar",
    "title_span",
    "took",
]

ONE_LINE: Final = 59
"""Cells from which on a session has one line: the list of a terminal of 100 columns, beside the card."""
_TITLE: Final = 26
"""Cells that a title needs at least to be told from others."""
_SURVIVAL: Final = ("alive", "transformed", "pending", "reverted", "lost", "unknown")


class Column(NamedTuple):
    """A column beside the title; ``sorts`` are the orders that a click on its head goes through, the first of them
    first."""

    id: str
    head: str
    size: int
    sorts: tuple[str, ...]
    right: bool = True


COLUMNS: Final = (
    Column("project", "project", 14, ("project",), False),
    Column("harness", "by", 3, ("harness",), False),
    Column("model", "model", 16, ("model",), False),
    Column("when", "when", 6, ("newest", "oldest")),
    Column("took", "took", 7, ("longest",)),
    Column("prompts", "asked", 6, ("prompts",)),
    Column("steps", "steps", 6, ("steps",)),
    Column("tokens", "tokens", 7, ("tokens",)),
    Column("cost", "cost", 7, ("cost",)),
    Column("survival", "stand", 6, ("survived",), False),
    Column("errors", "failed", 7, ("errors",)),
)
"""From left to right."""
_FIRST: Final = (
    "when", "errors", "survival", "project", "harness", "cost", "took", "prompts", "model", "steps", "tokens",
)  # fmt: skip
"""In this order columns come as there is room."""
_NEEDS: Final = {"model": 40, "steps": 44, "tokens": 48}
"""What the title has to keep before these come."""


def fit(width: int, *, project: bool = True) -> list[Column]:
    """The columns of a line of ``width`` cells, from left to right; without the project where it is a heading."""
    by_id = {column.id: column for column in COLUMNS}
    room, chosen = width, set[str]()
    for name in _FIRST:
        size = by_id[name].size + 1
        if (name != "project" or project) and room - size >= _NEEDS.get(name, _TITLE):
            room -= size
            chosen.add(name)
    spare = room - 56
    if spare > 0 and "project" in chosen:
        by_id["project"] = by_id["project"]._replace(size=14 + min(12, spare // 2))
    return [by_id[column.id] for column in COLUMNS if column.id in chosen]


def cost_of(row: SessionRow) -> str:
    """``$1.20``, what the log states, or ``≈0.42``, an estimate; nothing where nothing is known."""
    if row.cost_usd is not None:
        return _dollars("$", row.cost_usd)
    return "" if row.cost_estimate_usd is None else _dollars("≈", row.cost_estimate_usd)


def _dollars(sign: str, value: float) -> str:
    return f"{sign}{value:,.0f}" if value >= 99.5 else f"{sign}{value:.2f}" if value >= 0.005 else ""


def took(row: SessionRow) -> str:
    """From the first to the last record."""
    if row.started is None or row.ended is None or row.ended - row.started < 1000:
        return ""
    ms = row.ended - row.started
    return fmt.duration(ms) if ms < 100 * 86_400_000 else f"{ms // 86_400_000}d"


def survival_bar(survival: Mapping[str, int], width: int, look: Look) -> list[Span]:
    """What became of the edits, as a bar of ``width`` cells: every state that occurs gets a cell at least."""
    total = sum(survival.get(state, 0) for state in _SURVIVAL)
    if not total or width < 1:
        return []
    if survival.get("unknown", 0) == total:
        return [(look.sign("unknown") + " " * (width - 1), look.sign_style("unknown"))]
    present = [state for state in _SURVIVAL if survival.get(state)][:width]
    sizes = {state: max(1, width * survival[state] // total) for state in present}
    while sum(sizes.values()) != width:
        state = max(present, key=lambda name: sizes[name])
        sizes[state] += 1 if sum(sizes.values()) < width else -1
    return [(look.sign(state) * size, look.sign_style(state)) for state, size in sizes.items()]


def _cell(column: Column, row: SessionRow, look: Look, now: int) -> list[Span]:
    """What stands in a column of a session, as wide as it is."""
    muted = look.style("muted")
    if column.id == "survival":
        return survival_bar(row.survival, column.size, look) if row.survival else []
    if column.id == "errors":
        return [(f"{row.errors:,} {look.sign('failed')}", look.style("bad"))] if row.errors else []
    texts = {
        "project": lambda: clip(one_line(project_of(row)), column.size, look.sign("ellipsis")),
        "harness": lambda: harness_sign(row.harness),
        "model": lambda: clip(one_line(row.model or ""), column.size, look.sign("ellipsis")),
        "when": lambda: fmt.relative(row.ended or row.started, now),
        "took": lambda: took(row),
        "prompts": lambda: f"{row.prompts:,}" if row.prompts else "",
        "steps": lambda: f"{row.steps:,}",
        "tokens": lambda: fmt.tokens(total) if (total := row.tokens.prompt + row.tokens.output) > 1 else "",
        "cost": lambda: cost_of(row),
    }
    text = texts[column.id]()
    return [(text, muted)] if text else []


def marks_of(row: SessionRow, look: Look) -> list[Span]:
    """The signs at the end of a title: bookmark, note, a log that is gone, secrets that nobody decided about."""
    ends: list[Span] = []
    for on, sign in ((row.bookmarked, "bookmark"), (bool(row.note), "note"), (row.gone, "gone")):
        if on:
            ends.append((look.sign(sign), look.sign_style(sign)))
    secrets = (row.findings or {}).get("secrets", 0)
    if secrets:
        ends.append((f" {secrets}{look.sign('finding')}", look.style("warn")))
    return ends


def title_span(row: SessionRow, look: Look, width: int) -> Span:
    """The title, in bold while it is unread."""
    style = look.style("", "b") if row.unread else look.style("") if row.title else look.style("muted")
    return one_line(title_of(row), width), style


def paint_line(row: SessionRow, depth: int, look: Look, width: int, now: int, columns: Sequence[Column]) -> Strip:
    """A session in one line of exactly ``width`` cells."""
    muted = look.style("muted")
    right: list[Span] = []
    for column in columns:
        spans = _cell(column, row, look, now)
        size = sum(cells(text) for text, _ in spans)
        gap = " " * max(0, column.size - size)
        right += [(" ", muted), (gap, muted), *spans] if column.right else [(" ", muted), *spans, (gap, muted)]
    lead: list[Span] = [(look.sign("branch") + " ", muted)] if depth else []
    lead.append((look.sign("unread"), look.sign_style("unread")) if row.unread else (" ", muted))
    marks = marks_of(row, look)
    room = width - sum(column.size + 1 for column in columns)
    tags = "".join(f" #{one_line(tag, 20)}" for tag in row.tags)
    title, style = title_span(row, look, width)
    used = sum(cells(text) for text, _ in (*lead, *marks)) + cells(title)
    if tags and used + cells(tags) < room:
        marks.insert(0, (tags, look.style("accent")))
    name = paint([*lead, (title, style)], room, right=marks, mark=look.sign("ellipsis"))
    return Strip([*name, *paint(right, width - room)], width)


class ColumnHeader(Widget):
    """The heads of the columns, that of the order marked; a click sorts by it."""

    DEFAULT_CSS = "ColumnHeader { height: 1; display: none; }"

    class Picked(Message):
        """The user wants the list in one of these orders, the one after that which it is in."""

        def __init__(self, sorts: tuple[str, ...]) -> None:
            super().__init__()
            self.sorts = sorts

    def __init__(self) -> None:
        super().__init__()
        self._columns: Sequence[Column] = ()
        self._sort = ""
        self._width = 0
        self._places: list[tuple[int, int, tuple[str, ...]]] = []

    def show(self, columns: Sequence[Column], sort: str, width: int) -> None:
        """``width`` is that of the lines below."""
        if (list(columns), sort, width) != (list(self._columns), self._sort, self._width):
            self._columns, self._sort, self._width = columns, sort, width
            self.refresh()

    def render_line(self, y: int) -> Strip:
        look = Look.of_widget(self)
        room = self._width - sum(column.size + 1 for column in self._columns)
        spans: list[Span] = [("  ", look.style())]
        self._places = []
        at = 2
        heads = [Column("title", "title", max(0, room - 1), ("title",), False), *self._columns]
        for column in heads:
            sorted_by = self._sort in column.sorts
            sign = look.sign("unfolded")
            text = f"{sign}{column.head}" if sorted_by and column.right else column.head
            text = clip(f"{text}{sign}" if sorted_by and not column.right else text, column.size, "")
            gap = " " * (column.size - cells(text))
            head = (text, look.style("accent", "b") if sorted_by else look.style("muted"))
            pad = (gap, look.style())
            spans += [pad, head] if column.right else [head, pad]
            self._places.append((at, at + column.size + 1, column.sorts))
            at += column.size + 1
            spans.append((" ", look.style()))
        return paint(spans, self.size.width).apply_style(self.rich_style)

    def on_click(self, event: events.Click) -> None:
        for start, end, sorts in self._places:
            if start <= event.x < end:
                event.stop()
                self.post_message(self.Picked(sorts))
                return
