"""What typed terms ask, as SQL: of a session (``s``, and ``m`` for its row in ``user.mark``), or of a step (``p``).

A query of sessions that has terms of steps asks for a session with such a step: all its positive step terms, and its
times, hold for one and the same step. Where all its step terms are negated, no step of the session may be such a one.
"""

from __future__ import annotations

import sqlite3
from typing import Any, Final

from tracetui.bucket.parts import DOUBLE
from tracetui.bucket.query_match import in_path, in_project, wild, within
from tracetui.bucket.query_times import parse_span
from tracetui.bucket.terms import Clause, Query
from tracetui.model import KINDS, TOOL_KINDS

__all__ = ["FINDINGS", "SURVIVAL", "UNREAD", "of_sessions", "of_steps", "prepare", "session_part", "step_part"]

UNREAD: Final = (
    "CASE WHEN m.seen IS NOT NULL THEN s.steps > m.seen ELSE "
    "coalesce(s.ended, 0) > (SELECT CAST(value AS INTEGER) FROM user.setting WHERE name='.since') END"
)
FINDINGS: Final = (
    "(SELECT counts FROM user.summary u WHERE u.session=s.id AND u.harness=s.harness AND topic='findings')"
)
SURVIVAL: Final = (
    "(SELECT counts FROM user.summary u WHERE u.session=s.id AND u.harness=s.harness AND topic='survival')"
)
_TAGGED: Final = "SELECT 1 FROM user.tag t WHERE t.session=s.id AND t.harness=s.harness"
TITLE: Final = "coalesce(m.title, s.title)"
_COST: Final = "coalesce(s.cost, s.estimate)"
_RUNNING_NS: Final = 5 * 60 * 1_000_000_000

_HAS: Final[dict[str, str]] = {
    "error": "s.errors > 0",
    "edit": "s.edits > 0",
    "findings": f"coalesce(json_extract({FINDINGS}, '$.open'), 0) > 0",
    "subagent": "s.agents + s.children > 0",
    "bookmark": "coalesce(m.bookmarked, 0)",
    "note": "m.note IS NOT NULL",
    "tag": f"EXISTS({_TAGGED})",
    "cost": "s.cost IS NOT NULL",
    "survival": f"{SURVIVAL} IS NOT NULL",
    "branch": "s.branch IS NOT NULL",
    "repo": "s.repo IS NOT NULL",
}
_IS: Final[dict[str, str]] = {
    "bookmarked": "coalesce(m.bookmarked, 0)",
    "unread": f"({UNREAD})",
    "running": (
        "EXISTS(SELECT 1 FROM log r WHERE r.session=s.id AND r.harness=s.harness AND r.current AND NOT r.gone "
        f"AND r.mtime_ns >= CAST(strftime('%s', 'now') AS INTEGER) * 1000000000 - {_RUNNING_NS})"
    ),
    "at-risk": "(NOT s.gone AND at_risk(s.harness, s.path))",
    "gone": "s.gone",
    "archived": "coalesce(m.archived, 0)",
    "in-review": (
        f"(coalesce(json_extract({FINDINGS}, '$.open'), 0) > 0 AND coalesce(json_extract({FINDINGS}, '$.accepted'), 0) "
        f"+ coalesce(json_extract({FINDINGS}, '$.rejected'), 0) > 0)"
    ),
    "empty": "s.folded = 'empty'",
    "headless": "s.folded = 'headless'",
    "warmup": "s.folded = 'warmup'",
    "subagent": "s.folded = 'subagent'",
    "folded": "s.folded IS NOT NULL",
    "forked": "s.forked_from IS NOT NULL",
    "foreign": "s.id GLOB '*:*'",
}
_EDIT: Final = KINDS.index("edit")
_PROMPT: Final = KINDS.index("prompt")
_TOOLS: Final = ",".join(str(nth) for nth, kind in enumerate(KINDS) if kind in TOOL_KINDS)
_IS_STEP: Final[dict[str, str]] = {
    "failed": "p.flags & 1",
    "ok": f"(p.kind IN ({_TOOLS}) AND NOT p.flags & 1)",
    "edit": f"p.kind = {_EDIT}",
    "prompt": f"p.kind = {_PROMPT}",
}
# What a session must have for such a step to be in it: asked first, for it costs nothing.
_IMPLIED: Final[dict[str, str]] = {
    "failed": "s.errors > 0",
    "ok": "s.tools > 0",
    "edit": "s.edits > 0",
    "prompt": "s.prompts > 0",
}
_TOKENS: Final = "(p.t_input + p.t_output + coalesce(p.t_read, 0) + coalesce(p.t_write, 0))"


def prepare(db: sqlite3.Connection, query: Query | None) -> None:
    """Give the connection the functions that the conditions of ``query`` call."""
    if query is None:
        return
    fields = {(term.field, value) for one in query.alternatives for term in one.terms for value in term.values}
    names = {field for field, _ in fields}
    for name, function, users in (
        ("in_project", in_project, {"project"}),
        ("within", within, {"model", "branch", "title", "repo"}),
        ("wild", wild, {"tool", "tag"}),
        ("in_path", in_path, {"path"}),
    ):
        if names & users:
            db.create_function(name, 2, function, deterministic=True)
    if ("is", "at-risk") in fields:
        from tracetui.bucket.doctor import risky

        db.create_function("at_risk", 2, risky())


def _compared(column: str, value: str, bound: list[Any], default: str = "=") -> str:
    from tracetui.bucket.query import number_of

    sign, number = number_of(value, default)
    bound.append(number)
    return f"{column} {sign} ?"


def _of_session(field: str, value: str, bound: list[Any]) -> str:
    """SQL for one value of one term of sessions; says what ``query_match`` says of a row."""
    if field == "harness":
        bound.append(value)
        return "s.harness = ?"
    if field == "project":
        bound.extend((value, value))
        return "(in_project(?, s.cwd) OR in_project(?, s.repo))"
    if field == "model":
        bound.extend((value, value))
        return (
            "(within(?, s.model) OR EXISTS(SELECT 1 FROM log r JOIN step q INDEXED BY step_model ON q.log=r.id WHERE "
            "r.session=s.id AND r.harness=s.harness AND r.shown AND q.model IN "
            "(SELECT id FROM name n WHERE within(?, n.text))))"
        )
    if field in {"branch", "title", "repo"}:
        bound.append(value)
        return f"within(?, {TITLE if field == 'title' else f's.{field}'})"
    if field == "id":
        bound.extend((value, value))
        return "substr(s.id, 1, length(?)) = ?"
    if field == "tag":
        bound.append(value)
        return f"EXISTS({_TAGGED} AND wild(?, t.name))"
    if field == "cost":
        return _compared(_COST, value, bound, ">")
    return {"has": _HAS, "is": _IS}.get(field, {}).get(value, "0")


def _of_step(field: str, value: str, bound: list[Any]) -> str:
    """SQL for one value of one term of steps."""
    if field == "kind":
        return f"p.kind = {KINDS.index(value)}" if value in KINDS else "0"
    if field == "is":
        return _IS_STEP[value]
    if field == "survival":
        bound.append(value)
        return (
            "EXISTS(SELECT 1 FROM log r JOIN user.step_survival o ON o.session=r.session AND o.harness=r.harness "
            "AND o.agent=coalesce(r.agent, '') AND o.key=p.key WHERE r.id=p.log AND o.state=?)"
        )
    if field == "path":
        bound.append(value)
        return (
            "EXISTS(SELECT 1 FROM step_path q WHERE q.log=p.log AND q.number=p.number AND q.path IN "
            "(SELECT id FROM path f WHERE in_path(?, f.text)))"
        )
    if field == "tool":
        bound.append(value)
        return "p.tool IN (SELECT id FROM name n WHERE wild(?, n.text))"
    if field == "model":
        bound.extend((value, value))
        return (
            "CASE WHEN p.model IS NULL THEN within(?, (SELECT x.model FROM log r JOIN session x ON x.id=r.session "
            "AND x.harness=r.harness WHERE r.id=p.log)) ELSE p.model IN "
            "(SELECT id FROM name n WHERE within(?, n.text)) END"
        )
    if field == "exit":
        return _compared("p.exit", value, bound)
    if field == "tokens":
        return _compared(_TOKENS, value, bound, ">")
    if field == "longer":
        bound.append(parse_span(value.removeprefix(">")))
        return "p.duration > ?"
    own = "(SELECT r.agent FROM log r WHERE r.id=p.log)"
    if value in ("main", "sub"):
        return (
            f"({own} IS {'NOT ' if value == 'sub' else ''}NULL OR p.flags & 2)"
            if value == "sub"
            else (f"({own} IS NULL AND NOT p.flags & 2)")
        )
    bound.extend((value, value))
    return f"substr({own}, 1, length(?)) = ?"


def _clause(term: Clause, bound: list[Any], of: Any) -> str:
    parts = " OR ".join(of(term.field, value, bound) for value in term.values)
    return f"NOT coalesce(({parts}), 0)" if term.negated else f"({parts})"


def step_part(query: Query) -> tuple[str, list[Any]]:
    """What one alternative asks of a step ``p`` itself, and the values: its step terms, the model that answered, its
    times, and that no other part of the session tells it."""
    bound: list[Any] = []
    parts = [f"NOT p.flags & {DOUBLE}"]
    parts += [_clause(t, bound, _of_step) for t in query.terms if t.scope == "step" or t.field == "model"]
    for value, sign in ((query.since, ">="), (query.until, "<")):
        if value is not None:
            parts.append(f"p.time {sign} ?")
            bound.append(value)
    return " AND ".join(parts), bound


def session_part(query: Query) -> tuple[str, list[Any]]:
    """What one alternative asks of the session of a step (times and the model apart, which are the step's)."""
    bound: list[Any] = []
    parts = [_clause(t, bound, _of_session) for t in query.terms if t.scope == "session" and t.field != "model"]
    return " AND ".join(parts) or "1", bound


def of_steps(query: Query) -> tuple[str, list[Any]]:
    """What a query asks of a step ``p`` and its session, in any of its alternatives; words and phrases apart."""
    bound: list[Any] = []
    found: list[str] = []
    for one in query.alternatives:
        (about, values), (of_step, more) = session_part(one), step_part(one)
        found.append(f"({about} AND {of_step})")
        bound += [*values, *more]
    return f"({' OR '.join(found)})", bound


def of_sessions(query: Query | None) -> tuple[str, list[Any]]:
    """What a query asks of a session, in any of its alternatives; words and phrases apart."""
    if query is None:
        return "1", []
    bound: list[Any] = []
    found = [_alternative(one, bound) for one in query.alternatives]
    return found[0] if len(found) == 1 else "(" + " OR ".join(f"({one})" for one in found) + ")", bound


def _alternative(query: Query, bound: list[Any]) -> str:
    of_step = [term for term in query.terms if term.scope == "step"]
    wanted = [term for term in of_step if not term.negated]
    same = bool(wanted) and (len(of_step) > 1 or query.since is not None or query.until is not None or
                             not _counted(wanted[0]))  # fmt: skip
    parts = [
        _clause(term, bound, _of_session)
        for term in query.terms
        if term.scope == "session" and not (same and term.field == "model")
    ]
    if query.since is not None:
        parts.append("s.ended >= ?")
        bound.append(query.since)
    if query.until is not None:
        parts.append("coalesce(s.started, s.ended) < ?")
        bound.append(query.until)
    if same:
        parts += [_counts(term, bound) for term in wanted if _counted(term)]
        condition, values = step_part(query)
        parts.append(f"EXISTS({_STEPS} AND {condition})")
        bound += values
        return " AND ".join(parts)
    for term in of_step:
        if _counted(term):
            counted = _counts(term, bound)
        else:
            condition, values = step_part(Query(terms=(term._replace(negated=False),)))
            counted = f"EXISTS({_STEPS} AND {condition})"
            bound += values
        parts.append(f"NOT coalesce({counted}, 0)" if term.negated else counted)
    if query.since is not None and query.until is not None:
        # Where a session reaches over both ends, only its steps tell whether it was at work between them.
        parts.append(f"(s.started >= ? OR s.ended < ? OR EXISTS({_STEPS} AND p.time >= ? AND p.time < ?))")
        bound += [query.since, query.until, query.since, query.until]
    return " AND ".join(parts) or "1"


_STEPS: Final = (
    "SELECT 1 FROM log l CROSS JOIN step p ON p.log=l.id WHERE l.session=s.id AND l.harness=s.harness AND l.shown"
)


def _counted(term: Clause) -> bool:
    """Whether a session's own counts tell if it has such a step."""
    return term.field in ("kind", "survival") or (term.field == "is" and term.values != ("ok",))


def _counts(term: Clause, bound: list[Any]) -> str:
    """Whether a session has such a step, by its counts."""
    if term.field == "is":
        return _IMPLIED[term.values[0]]
    if term.field == "survival":
        bound.extend(f"$.{value}" for value in term.values)
        return "(" + " OR ".join(f"coalesce(json_extract({SURVIVAL}, ?), 0) > 0" for _ in term.values) + ")"
    bits = sum(1 << KINDS.index(value) for value in term.values if value in KINDS)
    return f"s.kinds & {bits}"
