"""What agents did in a time: sums of steps by day, week, project, model, harness or tool, for the home and ``stats``.

All sums are over *steps* (a step of last week counts for last week, whenever its session ended), of logs that are
shown, and what two parts of a session tell counts once. Times are local days. Nothing here is worked out from the text
of logs or from repositories: survival is as the trail judged it last (`bucket.step_survival`), and ``judged`` says of
how many of the sessions with edits that is known.
"""

from __future__ import annotations

import datetime as _dt
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tracetui.bucket.calendar_days import Period, first_weekday, midnight, week_of
from tracetui.bucket.conditions import of_steps, prepare
from tracetui.bucket.query import parse, quoted
from tracetui.bucket.step_survival import JUDGED, unjudged
from tracetui.bucket.terms import Query
from tracetui.model import KINDS, TOOL_KINDS, SessionRow, Tokens

if TYPE_CHECKING:
    from tracetui.bucket.doctor import Risk
    from tracetui.bucket.store import Bucket

__all__ = ["GROUPS", "Group", "Remedy", "Totals", "Waiting", "by", "calendar", "period_of", "running",
           "survival_progress", "total", "vanishing", "waiting", "where_stopped"]  # fmt: skip

GROUPS: Final = ("project", "model", "harness", "day", "week", "month", "tool")
"""What sums are made by."""
_TIMES: Final = ("day", "week", "month")
IDLE_MS: Final = 5 * 60 * 1000
"""A pause between two steps that is longer counts as so long: nobody worked. As long as it takes prompt caches of the
common providers to expire, after which a person is taken to have left."""
RUNNING_MS: Final = 5 * 60 * 1000
"""A session whose log was written to within so long is running."""
_PROMPT: Final = KINDS.index("prompt")
_EDIT: Final = KINDS.index("edit")
_TOOLS: Final = ",".join(str(nth) for nth, kind in enumerate(KINDS) if kind in TOOL_KINDS)
STANDING: Final = ("alive", "transformed")
"""States of a hunk that stands; with ``reverted`` and ``lost`` those of which Git can tell what became of them."""
_JUDGED: Final = (*STANDING, "reverted", "lost")


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over steps. ``active_ms`` is the time in which something happened: the pauses between the steps of a
    session, each as `IDLE_MS` at most (or as the step before it took). ``failures`` are steps with ``is_error`` or an
    exit status other than 0. Costs: dollars that logs state, and the estimate for the steps of which they say
    nothing; None where there is none of it. ``survival`` counts hunks by state; lines are those that edits added and
    removed, ``lines_judged`` those added of which Git can tell what became, ``lines_standing`` those that stand.
    ``edited`` sessions have an edit; of ``judged`` of them the trail was worked out."""

    sessions: int = 0
    steps: int = 0
    prompts: int = 0
    tool_calls: int = 0
    failures: int = 0
    active_ms: int = 0
    tokens: Tokens = field(default_factory=Tokens)
    cost_usd: float | None = None
    cost_estimate_usd: float | None = None
    edited: int = 0
    judged: int = 0
    survival: Mapping[str, int] = field(default_factory=dict)
    lines_added: int = 0
    lines_removed: int = 0
    lines_judged: int = 0
    lines_standing: int = 0

    @property
    def cost(self) -> float | None:
        """Stated and estimated dollars together; None where nothing is known."""
        known = [value for value in (self.cost_usd, self.cost_estimate_usd) if value is not None]
        return sum(known) if known else None

    def json(self) -> dict[str, Any]:
        """The keys that ``stats --by --json`` prints."""
        return {
            "sessions": self.sessions,
            "steps": self.steps,
            "prompts": self.prompts,
            "tool_calls": self.tool_calls,
            "failures": self.failures,
            "active_seconds": round(self.active_ms / 1000),
            "tokens": {
                "input": self.tokens.input,
                "output": self.tokens.output,
                "cache_read": self.tokens.cache_read,
                "cache_write": self.tokens.cache_write,
            },
            "cost_usd": _money(self.cost_usd),
            "cost_estimate_usd": _money(self.cost_estimate_usd),
            "edited": self.edited,
            "judged": self.judged,
            "survival": dict(self.survival),
            "lines_added": self.lines_added,
            "lines_removed": self.lines_removed,
            "lines_judged": self.lines_judged,
            "lines_standing": self.lines_standing,
        }


def _money(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


class Group(NamedTuple):
    """One group: ``name`` is the project's folder, the model, harness, tool, or the day that begins it (ISO); "" where
    the log names none. ``query`` is the query line that finds its steps and sessions, "" where no term can say it."""

    name: str
    totals: Totals
    query: str


_EXPRESSIONS: Final[Mapping[str, str]] = {
    "all": "''",
    "project": "coalesce(s.cwd, s.repo, '')",
    "model": "coalesce((SELECT text FROM name n WHERE n.id=p.model), s.model, '')",
    "harness": "s.harness",
    "tool": "coalesce((SELECT text FROM name n WHERE n.id=p.tool), '')",
    "day": "strftime('%Y-%m-%d', p.time / 1000, 'unixepoch', 'localtime')",
    "week": "date(p.time / 1000, 'unixepoch', 'localtime', '-6 days', 'weekday {first}')",
    "month": "strftime('%Y-%m-01', p.time / 1000, 'unixepoch', 'localtime')",
}
_TERMS: Final[Mapping[str, str]] = {"project": "project", "model": "model", "harness": "harness", "tool": "tool"}


def total(bucket: Bucket, query: str | Query = "", *, now: int | None = None) -> Totals:
    """The sums over all steps that match a query line (its typed terms; words and phrases are not looked at).

    Raises TracetuiError (status 2) for a line that is none."""
    found = _sums(bucket, "all", _parsed(query, now))
    return found.get("", Totals())


def by(
    bucket: Bucket, group: str, query: str | Query = "", *, limit: int | None = None, now: int | None = None
) -> list[Group]:
    """The same by one of `GROUPS`: times in their order, tools by their steps, all else by cost and then by steps, the
    most first. What a tool cost is that of the responses which its calls begin.

    Raises KeyError for another group, TracetuiError (status 2) for a line that is no query."""
    if group not in GROUPS:
        raise KeyError(group)
    text = query if isinstance(query, str) else ""
    found = _sums(bucket, group, _parsed(query, now))
    if group in _TIMES:
        names = sorted(name for name in found if name)
    else:
        names = sorted(
            found, key=lambda name: (-(found[name].cost or 0.0) * (group != "tool"), -found[name].steps, name)
        )
    return [Group(name, found[name], _query_of(group, name, text)) for name in names[:limit]]


def _parsed(query: str | Query, now: int | None) -> Query:
    return query if isinstance(query, Query) else parse(query, now=now)


def _query_of(group: str, name: str, text: str) -> str:
    """The query line of one group, within ``text``."""
    if not name:
        return ""
    if group in _TIMES:
        day = _dt.date.fromisoformat(name)
        last = {"day": day, "week": day + _dt.timedelta(days=6)}.get(group)
        if last is None:
            last = (day.replace(day=28) + _dt.timedelta(days=4)).replace(day=1) - _dt.timedelta(days=1)
        simple = not parse(text).others and '"' not in text
        rest = " ".join(w for w in text.split() if not w.startswith(("since:", "until:"))) if simple else f"({text})"
        return f"{rest} since:{day} until:{last}".strip()
    # A folder or a part of a model's name would stand for more than the group.
    exact = "=" if group in ("project", "model") else ""
    term = f"{_TERMS[group]}:{quoted(exact + name)}"
    return f"{_bracketed(text)} {term}".strip()


def _bracketed(text: str) -> str:
    return f"({text})" if parse(text).others else text


def _sums(bucket: Bucket, group: str, query: Query) -> dict[str, Totals]:
    db = bucket.db
    prepare(db, query)
    expression = _EXPRESSIONS[group].format(first=(first_weekday() + 1) % 7)
    condition, bound = of_steps(query)
    steps = "1"
    logs = ""
    since = [one.since for one in query.alternatives]
    first = None if None in since else min(time for time in since if time is not None)
    if first is not None:
        logs, bound = "AND coalesce(l.ended, ?) >= ?", [first, first, *bound]
    # A pause over midnight is of neither day, as where only that day is asked for.
    apart = f"{expression}, s.harness, s.id" if group in _TIMES else "s.harness, s.id"
    if group == "tool":
        steps += " AND p.tool IS NOT NULL"
    joined = f"FROM session s CROSS JOIN log l ON l.session=s.id AND l.harness=s.harness AND l.shown {logs}"
    mark = "LEFT JOIN user.mark m ON m.session=s.id AND m.harness=s.harness"
    rows = db.execute(
        f"SELECT g, count(DISTINCT sid), count(*), sum(kind={_PROMPT}), sum(kind IN ({_TOOLS})), sum(flags & 1), "
        f"sum(min(coalesce(gap, 0), max({IDLE_MS}, coalesce(took, 0)))), sum(t_input), sum(t_output), sum(t_read), "
        "sum(t_write), sum(cost), sum(CASE WHEN cost IS NULL THEN estimate END), "
        f"count(DISTINCT CASE WHEN kind={_EDIT} THEN sid END), "
        f"count(DISTINCT CASE WHEN kind={_EDIT} AND judged THEN sid END) "
        f"FROM (SELECT {expression} AS g, s.harness || '/' || s.id AS sid, p.kind, p.flags, p.t_input, p.t_output, "
        "p.t_read, p.t_write, p.cost, p.estimate, j.counts IS NOT NULL AS judged, "
        "p.time - lag(p.time) OVER spoken AS gap, lag(p.duration) OVER spoken AS took "
        f"{joined} CROSS JOIN step p ON p.log=l.id {mark} LEFT JOIN user.summary j ON j.session=s.id "
        f"AND j.harness=s.harness AND j.topic='{JUDGED}' WHERE {condition} AND {steps} "
        f"WINDOW spoken AS (PARTITION BY {apart} ORDER BY p.time, p.id)) GROUP BY g",
        bound,
    ).fetchall()
    found: dict[str, Totals] = {}
    lines = _lines(bucket, expression, f"{joined} {{}} {mark} WHERE {condition} AND {steps}", bound)
    for g, count, all_steps, prompts, tools, failures, active, t_in, t_out, t_read, t_write, *rest in rows:
        cost, estimate, edited, judged = rest
        name = g or ""
        survival, added, removed, of_judged, standing = lines.get(name, ({}, 0, 0, 0, 0))
        found[name] = Totals(
            *(count, all_steps, prompts, tools, failures, active or 0),
            *(Tokens(t_in or 0, t_out or 0, t_read or 0, t_write or 0), cost, estimate, edited, judged),
            *(survival, added, removed, of_judged, standing),
        )
    return found


def _lines(
    bucket: Bucket, expression: str, rest: str, bound: Sequence[Any]
) -> dict[str, tuple[dict[str, int], int, int, int, int]]:
    """Hunks by state, lines added and removed, lines judged and lines standing, by group."""
    steps = (
        "CROSS JOIN user.step_survival o ON o.session=s.id AND o.harness=s.harness AND o.agent=coalesce(l.agent, '') "
        "CROSS JOIN step p ON p.log=l.id AND p.number=o.number AND p.key=o.key"
    )
    out: dict[str, tuple[dict[str, int], int, int, int, int]] = {}
    for g, state, hunks, added, removed in bucket.db.execute(
        f"SELECT {expression} AS g, o.state, sum(o.hunks), sum(o.added), sum(o.removed) {rest.format(steps)} "
        "GROUP BY g, o.state ORDER BY g, o.state",
        bound,
    ):
        survival, all_added, all_removed, judged, standing = out.get(g or "", ({}, 0, 0, 0, 0))
        out[g or ""] = (
            {**survival, state: hunks},
            all_added + added,
            all_removed + removed,
            judged + (added if state in _JUDGED else 0),
            standing + (added if state in STANDING else 0),
        )
    return out


def calendar(
    bucket: Bucket, weeks: int = 26, query: str | Query = "", *, now: int | None = None
) -> dict[_dt.date, int]:
    """Steps by local day of the last so many weeks, this one with them, for a calendar of activity; a day without a
    step is missing. The first week begins as the locale says (`calendar_days.week_of`)."""
    now = round(time.time() * 1000) if now is None else now
    today = _dt.datetime.fromtimestamp(now / 1000).astimezone().date()
    begins = midnight(week_of(today) - _dt.timedelta(weeks=weeks - 1))
    parsed = _parsed(query, now)
    ends = midnight(today + _dt.timedelta(days=1))
    wanted = parsed.narrowed(Query(since=begins, until=ends))
    prepare(bucket.db, wanted)
    condition, bound = of_steps(wanted)
    rows = bucket.db.execute(
        f"SELECT {_EXPRESSIONS['day']}, count(*) FROM session s CROSS JOIN log l ON l.session=s.id "
        "AND l.harness=s.harness AND l.shown AND coalesce(l.ended, ?) >= ? CROSS JOIN step p ON p.log=l.id "
        f"LEFT JOIN user.mark m ON m.session=s.id AND m.harness=s.harness WHERE {condition} GROUP BY 1",
        (begins, begins, *bound),
    )
    return {_dt.date.fromisoformat(day): count for day, count in rows if day}


# -- what is going on -----------------------------------------------------------------------------------------------


def running(bucket: Bucket, *, now: int | None = None) -> list[SessionRow]:
    """The sessions whose log was written to within the last five minutes, as captured; the newest first."""
    now = round(time.time() * 1000) if now is None else now
    rows = bucket.db.execute(
        "SELECT DISTINCT harness, session FROM log WHERE current AND NOT gone AND mtime_ns >= ? AND origin=''",
        ((now - RUNNING_MS) * 1_000_000,),
    ).fetchall()
    found = [bucket.session(session, harness) for harness, session in rows]
    return sorted((row for row in found if not row.foreign), key=lambda row: -(row.ended or 0))


def where_stopped(bucket: Bucket, folder: str | os.PathLike[str] | None = None) -> SessionRow | None:
    """The last session that worked in a folder (by default the current one) or below it, to go on with: no subagent's,
    no print-mode run, none of somebody else's. `tui.browse.resume` has its command."""
    place = os.fspath(folder) if folder is not None else str(Path.cwd())
    rows = bucket.sessions(Query.of(project=(place,)), limit=50)
    return next((row for row in rows if row.folded is None and not row.foreign and not row.gone), None)


class Remedy(NamedTuple):
    """What keeps a harness from deleting its logs: raise ``setting`` in the file ``path`` (now ``days``)."""

    harness: str
    days: float
    setting: str
    path: Path


def vanishing(
    bucket: Bucket, *, environ: Mapping[str, str] | None = None, home: Path | None = None, now: int | None = None
) -> tuple[list[Risk], list[Remedy]]:
    """The sessions whose harness deletes their log within a week, soonest first (the bucket's copy stays), and what to
    set to keep them."""
    from tracetui.bucket.doctor import at_risk
    from tracetui.harness import HARNESSES

    environ = os.environ if environ is None else environ
    home = Path.home() if home is None else home
    risks = at_risk(bucket, environ, home, now=now)
    remedies: list[Remedy] = []
    for name in dict.fromkeys(risk.session.harness for risk in risks):
        rule = HARNESSES[name].retention
        if rule is not None:
            found = rule(environ, home)
            remedies.append(Remedy(name, found.days, found.setting, found.path))
    return risks, remedies


class Waiting(NamedTuple):
    """What waits for the user: how many, and the query line that lists it."""

    what: str
    number: int
    query: str


def waiting(bucket: Bucket) -> list[Waiting]:
    """What waits for the user: sessions whose redaction was begun and has open findings, sessions not read since they
    grew. Only what there is."""
    found: list[Waiting] = []
    for what, query in (("redaction begun, findings open", "is:in-review"), ("not read since they grew", "is:unread")):
        count = bucket.count(parse(query))
        if count:
            found.append(Waiting(what, count, query))
    return found


def survival_progress(bucket: Bucket) -> tuple[int, int]:
    """Of how many of one's own sessions with edits the trail was worked out, and how many those are."""
    count = bucket.db.execute("SELECT count(*) FROM session WHERE edits > 0 AND id NOT GLOB '*:*'").fetchone()[0]
    return count - len(unjudged(bucket)), count


def period_of(name: str, *, now: int | None = None) -> Period:
    """A period of `calendar_days.PERIODS`; its ``query`` goes into `total`, `by` and `waiting`."""
    from tracetui.bucket.calendar_days import period

    return period(name, now=now)
