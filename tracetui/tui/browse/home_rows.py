"""The rows of the home: sums with small bars, bars by project, model and harness, a calendar, what is going on."""

from __future__ import annotations

import datetime as _dt
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from textual.strip import Strip

from tracetui.bucket.calendar_days import week_of
from tracetui.text import format as fmt
from tracetui.text.safe import one_line
from tracetui.tui.kit.paint import Span, cells, clip, clip_middle, paint
from tracetui.tui.kit.session_labels import harness_sign, project_of, title_of

if TYPE_CHECKING:
    from tracetui.bucket.activity import Totals
    from tracetui.model import SessionRow
    from tracetui.tui.browse.home_facts import Around, HomeFacts
    from tracetui.tui.kit.styles import Look

__all__ = ["HomeRow", "HomeRows", "around_rows", "bars", "calendar_rows", "group_rows", "sum_rows"]

_HEIGHTS: Final = " ▁▂▃▄▅▆▇█"
_ASCII_HEIGHTS: Final = " ..::--=#"
_EIGHTHS: Final = ("", "▏", "▎", "▍", "▌", "▋", "▊", "▉")
_SHADES: Final = (("· ", "line"), ("░░", "good"), ("▒▒", "good"), ("▓▓", "good"), ("██", "good"))
_ASCII_SHADES: Final = (". ", "--", "++", "**", "##")
_WHEN: Final = {"day": "today", "week": "this week", "month": "this month", "all": "all time"}

_FEW: Final = 7
"""Bars that a hint beside them leaves at least."""

Painter = Callable[["Look", int], Strip]


@dataclass(frozen=True, slots=True)
class HomeRow:
    """A row. ``query`` is the query line behind its number, ``session`` what it stands for; with neither it cannot be
    chosen, unless it has a ``path``, which is copied."""

    key: Hashable
    paint: Painter
    query: str | None = None
    session: SessionRow | None = None
    path: str = ""

    @property
    def chosen(self) -> bool:
        return self.query is not None or self.session is not None or bool(self.path)


class HomeRows:
    """A `RowSource` over such rows."""

    uniform = False

    def __init__(self, rows: Sequence[HomeRow] = ()) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def key(self, row: int) -> Hashable:
        return row, self.rows[row].key

    def identity(self, row: int) -> Hashable:
        found = self.rows[row].key
        return found[:2] if isinstance(found, tuple) else found

    def height(self, row: int) -> int:
        return 1

    def selectable(self, row: int) -> bool:
        return self.rows[row].chosen

    def paint(self, row: int, look: Look, width: int) -> Sequence[Strip]:
        return [self.rows[row].paint(look, width)]


def _head(name: str, fact: str = "") -> HomeRow:
    def draw(look: Look, width: int) -> Strip:
        right: list[Span] = [(fact, look.style("muted"))] if fact else []
        return paint([(name, look.style("muted", "b"))], width, right=right, mark=look.sign("ellipsis"))

    return HomeRow(("head", name, fact), draw)


def _gap(name: str) -> HomeRow:
    return HomeRow(("gap", name), lambda look, width: paint([], width))


def bars(values: Sequence[float], look: Look) -> str:
    """One cell for each value, as high as its share of the largest; what is more than nothing is seen."""
    heights = _ASCII_HEIGHTS if look.ascii else _HEIGHTS
    top = max(values, default=0)
    return "".join(heights[max(1, round(8 * value / top)) if value > 0 else 0] for value in values) if top > 0 else ""


def bar(share: float, width: int, look: Look) -> str:
    """A bar as long as its share of ``width`` cells, to an eighth of a cell."""
    eighths = max(1, round(min(1.0, share) * width * 8)) if share > 0 else 0
    if look.ascii:
        return "#" * max(1 if eighths else 0, eighths // 8)
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8]


def _cost(totals: Totals) -> str:
    if totals.cost is None:
        return ""
    sign = "$" if totals.cost_estimate_usd is None else "≈ $"
    return f"{sign}{totals.cost:,.0f}" if totals.cost >= 99.5 else f"{sign}{totals.cost:,.2f}"


def sum_rows(facts: HomeFacts) -> list[HomeRow]:
    """The sums of the period, each with what it was by day (or month), and the query behind it."""
    from tracetui.bucket.costs import NOTE

    sums = facts.totals
    judged = f"{fmt.percent(sums.lines_standing, sums.lines_judged)} stands" if sums.lines_judged else ""
    if sums.edited and sums.judged < sums.edited:
        judged += f"{', ' if judged else ''}known of {sums.judged} of {fmt.plural(sums.edited, 'session')}"
    tokens = sums.tokens.prompt + sums.tokens.output
    note = NOTE if sums.cost_estimate_usd is not None else ""
    failed = fmt.percent(sums.failures, sums.tool_calls) + " of the calls" if sums.failures else ""
    written = "not known" if sums.edited and not sums.judged else fmt.count(sums.lines_added)
    lines: tuple[tuple[str, str, str, str, Callable[[Totals], float]], ...] = (
        ("sessions", fmt.count(sums.sessions), "", "", lambda day: day.sessions),
        ("prompts", fmt.count(sums.prompts), "kind:prompt", "", lambda day: day.prompts),
        ("worked", fmt.duration(sums.active_ms) if sums.active_ms >= 1000 else "0s", "", "pauses over 5 min left out",
         lambda day: day.active_ms),
        ("tokens", fmt.tokens(tokens), "", f"{fmt.tokens(sums.tokens.output)} of them output" if tokens else "",
         lambda day: day.tokens.prompt + day.tokens.output),
        ("cost", _cost(sums) or "not known", "cost:>0", note, lambda day: day.cost or 0.0),
        ("failures", fmt.count(sums.failures), "is:failed", failed, lambda day: day.failures),
        ("lines written", written, "kind:edit", judged, lambda day: day.lines_added),
    )  # fmt: skip
    rows = [_head(_WHEN[facts.period], "enter lists what is behind a number")]
    for name, number, term, hint, value in lines:
        values = [value(day.totals) for day in facts.days]
        query = f"{facts.query} {term}".strip()
        rows.append(
            _sum_row(
                name, number, hint, values, query, bad=name == "failures" and bool(sums.failures), must=name == "cost"
            )
        )
    return rows


def _sum_row(
    name: str, number: str, hint: str, values: Sequence[float], query: str, *, bad: bool, must: bool
) -> HomeRow:
    """``must``: the hint stands even where it takes the room of the bars."""

    def draw(look: Look, width: int) -> Strip:
        spans: list[Span] = [
            (f"  {name:<14}", look.style("muted")),
            (f"{number:>10}", look.style("bad" if bad else "", "b")),
            ("  ", look.style()),
        ]
        room, need = width - 28, cells(hint) + 2 if hint else 0
        if not (must or room - need >= min(len(values), _FEW)):
            need = 0
        shown = bars(values[-max(1, room - need) :], look) if len(values) > 1 and room > need else ""
        spans.append((shown, look.style("accent")))
        if need:
            spans.append((("  " if shown else "") + hint, look.style("muted")))
        return paint(spans, width, mark=look.sign("ellipsis"))

    return HomeRow(("sum", name, number, hint, tuple(values)), draw, query=query)


def group_rows(facts: HomeFacts) -> list[HomeRow]:
    """Bars by project, model and harness: by cost where it is known, else by steps."""
    rows: list[HomeRow] = []
    for kind, groups in facts.groups.items():
        if not groups:
            continue
        by_cost = any(group.totals.cost for group in groups)

        def weight(totals: Totals, by_cost: bool = by_cost) -> float:
            return (totals.cost or 0.0) if by_cost else float(totals.steps)

        top = max((weight(group.totals) for group in groups), default=0.0)
        rows += [_gap(kind), _head(f"by {kind}", f"{'cost':>9} {'sess.':>5} {'steps':>8} {'stand':>6}")]
        for group in groups:
            share = weight(group.totals) / top if top else 0.0
            rows.append(_group_row(kind, group.name, group.totals, share, group.query or None))
    return rows


def _group_row(kind: str, name: str, totals: Totals, share: float, query: str | None) -> HomeRow:
    shown = (fmt.home_path(name, str(Path.home())) if kind == "project" else name) or "(none named)"
    stands = fmt.percent(totals.lines_standing, totals.lines_judged) if totals.lines_judged else ""

    def draw(look: Look, width: int) -> Strip:
        facts = f"{_cost(totals):>9} {totals.sessions:>5,} {totals.steps:>8,} {stands:>6}"
        label = max(14, min(40, (width - len(facts)) * 3 // 5))
        text: str = one_line(shown)
        text = clip_middle(text, label, look.sign("ellipsis")) if kind == "project" else clip(text, label)
        room = max(0, width - label - len(facts) - 5)
        spans: list[Span] = [
            ("  " + text + " " * (label - cells(text) + 1), look.style()),
            (bar(share, room, look), look.style("accent")),
        ]
        return paint(spans, width, right=[(facts, look.style("muted"))], mark=look.sign("ellipsis"))

    return HomeRow(("group", f"{kind} {name}", share, totals.steps, stands), draw, query=query)


def calendar_rows(facts: HomeFacts, today: _dt.date, weeks: int) -> list[HomeRow]:
    """Steps by day as a heat map: a column a week, the last one this one; two cells a day."""
    first = week_of(today) - _dt.timedelta(weeks=weeks - 1)
    counts = sorted(count for day, count in facts.calendar.items() if day >= first and count)
    # Quartiles of the days on which something happened, so that one huge day leaves the others visible.
    edges = [counts[len(counts) * nth // 4] for nth in (1, 2, 3)] if counts else []
    active = len(counts)
    rows = [_gap("calendar"), _head("activity", f"{fmt.plural(active, 'day')} in {fmt.plural(weeks, 'week')}"),
            _months(first, weeks)]  # fmt: skip
    for weekday in range(7):
        days = [first + _dt.timedelta(weeks=week, days=weekday) for week in range(weeks)]
        levels = tuple(
            -1 if day > today else 0 if not (count := facts.calendar.get(day, 0)) else 1 + sum(count > e for e in edges)
            for day in days
        )
        rows.append(_calendar_row(f"{days[0]:%a}", levels))
    return rows


def _months(first: _dt.date, weeks: int) -> HomeRow:
    text = ""
    for week in range(weeks):
        day = first + _dt.timedelta(weeks=week)
        new = week == 0 or day.month != (day - _dt.timedelta(weeks=1)).month
        if new and len(text) <= 2 * week:
            text = text.ljust(2 * week) + f"{day:%b}"
    return HomeRow(("months", text), lambda look, width: paint([("      " + text, look.style("muted"))], width))


def _calendar_row(name: str, levels: tuple[int, ...]) -> HomeRow:
    def draw(look: Look, width: int) -> Strip:
        spans: list[Span] = [(f"  {name} ", look.style("muted"))]
        for level in levels:
            if level < 0:
                spans.append(("  ", look.style()))
            elif look.ascii:
                spans.append((_ASCII_SHADES[level], look.style("line" if not level else "good")))
            else:
                sign, role = _SHADES[level]
                spans.append((sign, look.style(role)))
        return paint(spans, width)

    return HomeRow(("day", name, levels), draw)


def around_rows(around: Around) -> list[HomeRow]:
    """Running now, where one stopped, what vanishes, what waits."""
    rows: list[HomeRow] = []
    if around.running:
        rows += [_gap("running"), _head("running now")]
        rows += [_session_row("running", row, fmt.plural(row.steps, "step")) for row in around.running[:4]]
    if around.stopped is not None:
        rows += [_gap("stopped"), _head("go on where you stopped", "c copies the command")]
        rows.append(_session_row("stopped", around.stopped, fmt.relative(around.stopped.ended)))
    if around.waiting:
        rows += [_gap("waiting"), _head("waiting for you")]
        for item in around.waiting:
            rows.append(_fact_row(f"{fmt.plural(item.number, 'session')}: {item.what}", query=item.query))
    if around.vanishing:
        rows += [_gap("vanishing"), _head("soon deleted by their harness", "the copies stay")]
        first = title_of(around.vanishing[0].session)
        text = f"{fmt.plural(len(around.vanishing), 'session')}, the first: {first}"
        rows.append(_fact_row(text, query="is:at-risk"))
        for remedy in around.remedies:
            path = fmt.home_path(str(remedy.path), str(Path.home()))
            text = f"to keep them: raise {remedy.setting} (now {remedy.days:g} days) in {path}"
            rows.append(_fact_row(text, path=str(remedy.path)))
    return rows


def _session_row(kind: str, row: SessionRow, fact: str) -> HomeRow:
    def draw(look: Look, width: int) -> Strip:
        spans: list[Span] = [
            ("  " + harness_sign(row.harness) + " ", look.style("muted")),
            (one_line(title_of(row), width), look.style()),
        ]
        where = f"{one_line(project_of(row), 24)}  {fact} "
        return paint(spans, width, right=[("  " + where, look.style("muted"))], mark=look.sign("ellipsis"))

    return HomeRow((kind, row.id, fact, row.title), draw, session=row)


def _fact_row(text: str, *, query: str | None = None, path: str = "") -> HomeRow:
    def draw(look: Look, width: int) -> Strip:
        return paint([("  " + one_line(text, 400), look.style())], width, mark=look.sign("ellipsis"))

    return HomeRow(("fact", text), draw, query=query, path=path)
