"""Reading lists of sessions from the index alone: one query, whatever the number of rows."""

from __future__ import annotations

import sqlite3
from typing import Any, Final

import orjson

from tracetui.bucket.parts import DOUBLE
from tracetui.bucket.terms import Query
from tracetui.model import KINDS, AmbiguousId, SessionRow, Tokens, TracetuiError, UnknownId, is_foreign

__all__ = ["SORTS", "by_id", "count", "prepare", "rows", "where"]

_UNREAD: Final = (
    "CASE WHEN m.seen IS NOT NULL THEN s.steps > m.seen ELSE "
    "coalesce(s.ended, 0) > (SELECT CAST(value AS INTEGER) FROM user.setting WHERE name='.since') END"
)
_FINDINGS: Final = (
    "(SELECT counts FROM user.summary u WHERE u.session=s.id AND u.harness=s.harness AND topic='findings')"
)
_SURVIVAL: Final = (
    "(SELECT counts FROM user.summary u WHERE u.session=s.id AND u.harness=s.harness AND topic='survival')"
)
_TAGS: Final = (
    "(SELECT json_group_array(name) FROM "
    "(SELECT name FROM user.tag t WHERE t.session=s.id AND t.harness=s.harness ORDER BY name))"
)
_COLUMNS: Final = (
    "s.id, s.harness, s.log, coalesce(m.title, s.title), s.cwd, s.repo, s.branch, s.model, s.started, s.ended, "
    "s.steps, s.prompts, "
    "s.tools, s.errors, s.edits, s.agents + s.children, s.t_input, s.t_output, s.t_read, s.t_write, s.cost, s.bytes, "
    "s.path, "
    f"s.parent, s.forked_from, s.folded, s.gone, coalesce(m.bookmarked, 0), m.note, {_UNREAD}, {_FINDINGS}, "
    f"{_SURVIVAL}, s.parts, s.estimate, s.cost_table, {_TAGS}, coalesce(m.archived, 0), m.title IS NOT NULL"
)
_FROM: Final = "FROM session s LEFT JOIN user.mark m ON m.session=s.id AND m.harness=s.harness"
SORTS: Final[dict[str, str]] = {
    "ended": "s.ended DESC",
    "started": "s.started DESC",
    "title": "coalesce(m.title, s.title) COLLATE NOCASE",
    "project": "s.cwd COLLATE NOCASE, s.ended DESC",
    "steps": "s.steps DESC",
    "prompts": "s.prompts DESC",
    "tool_calls": "s.tools DESC",
    "errors": "s.errors DESC",
    "edits": "s.edits DESC",
    "tokens": "s.t_input + s.t_output + s.t_read + s.t_write DESC",
    "cost": "coalesce(s.cost, s.estimate) DESC",
    "bytes": "s.bytes DESC",
    "duration": "s.ended - s.started DESC",
}
"""Orders of a list; among equals the newest first."""

_HAS: Final[dict[str, str]] = {
    "error": "s.errors > 0",
    "edit": "s.edits > 0",
    "findings": f"coalesce(json_extract({_FINDINGS}, '$.open'), 0) > 0",
    "subagent": "s.agents + s.children > 0",
    "bookmark": "coalesce(m.bookmarked, 0)",
    "note": "m.note IS NOT NULL",
    "cost": "s.cost IS NOT NULL",
    "survival": f"{_SURVIVAL} IS NOT NULL",
    "branch": "s.branch IS NOT NULL",
    "repo": "s.repo IS NOT NULL",
}
_IS: Final[dict[str, str]] = {
    "bookmarked": "coalesce(m.bookmarked, 0)",
    "unread": f"({_UNREAD})",
    "gone": "s.gone",
    "empty": "s.folded = 'empty'",
    "headless": "s.folded = 'headless'",
    "warmup": "s.folded = 'warmup'",
    "subagent": "s.folded = 'subagent'",
    "folded": "s.folded IS NOT NULL",
    "forked": "s.forked_from IS NOT NULL",
    "foreign": "s.id GLOB '*:*'",
    "archived": "coalesce(m.archived, 0)",
    "in-review": (
        f"coalesce(json_extract({_FINDINGS}, '$.open'), 0) > 0 "
        f"AND (coalesce(json_extract({_FINDINGS}, '$.accepted'), 0)"
        f" > 0 OR coalesce(json_extract({_FINDINGS}, '$.rejected'), 0) > 0)"
    ),
}


def _term(field: str, value: str, bound: list[Any]) -> str:
    """SQL for one value of one typed term; says what ``query.matches_session`` says of a row."""
    if field == "harness":
        bound.append(value)
        return "s.harness = ?"
    if field == "project":
        bound.extend((value, value))
        return "(in_project(?, s.cwd) OR in_project(?, s.repo))"
    if field in {"model", "branch", "title"}:
        bound.append(value)
        return f"within(?, {'coalesce(m.title, s.title)' if field == 'title' else f's.{field}'})"
    if field == "id":
        bound.extend((value, value))
        return "substr(s.id, 1, length(?)) = ?"
    if field == "kind":
        bound.append(1 << KINDS.index(value) if value in KINDS else 0)
        return "s.kinds & ?"
    if field == "survival":
        bound.append(f"$.{value}")
        return f"coalesce(json_extract({_SURVIVAL}, ?), 0) > 0"
    if field == "has":
        return _HAS.get(value, "0")
    if field == "is":
        return _IS.get(value, "0")
    return "0"


def _within(value: str, text: str | None) -> bool:
    return text is not None and value.casefold() in text.casefold()


def prepare(db: sqlite3.Connection, query: Query | None) -> None:
    """Give the connection the functions that the conditions of ``query`` call."""
    if query is None:
        return
    fields = {name for name, _ in query.excluded}
    if query.project or "project" in fields:
        from tracetui.bucket.query import in_project

        db.create_function("in_project", 2, in_project, deterministic=True)
    if query.model or query.branch or query.title or fields & {"model", "branch", "title"}:
        db.create_function("within", 2, _within, deterministic=True)


def where(query: Query | None, *, kinds: bool = True, times: bool = True) -> tuple[str, list[Any]]:
    """The conditions of a query on sessions (aliases ``s`` and ``m``) as SQL and its values.

    Without ``kinds`` or ``times`` these are left to the caller, who asks them of steps.
    """
    bound: list[Any] = []
    parts: list[str] = []
    if query is None:
        return "1", bound
    fields: list[tuple[str, tuple[str, ...]]] = [
        ("harness", query.harness),
        ("project", query.project),
        ("model", query.model),
        ("branch", query.branch),
        ("id", query.id),
        ("title", query.title),
        ("survival", query.survival),
    ]
    if kinds:
        fields.append(("kind", query.kinds))
    for field, values in fields:
        if values:
            parts.append("(" + " OR ".join(_term(field, value, bound) for value in values) + ")")
    parts.extend(_term("has", value, bound) for value in query.has)
    parts.extend(_term("is", value, bound) for value in query.is_)
    if times and query.since is not None:
        parts.append("s.ended >= ?")
        bound.append(query.since)
    if times and query.until is not None:
        parts.append("coalesce(s.started, s.ended) < ?")
        bound.append(query.until)
    for field, value in query.excluded:
        if field != "kind" or kinds:
            parts.append(f"NOT coalesce({_term(field, value, bound)}, 0)")
    return " AND ".join(parts) or "1", bound


def of_steps(query: Query) -> tuple[str, list[Any]]:
    """What the typed terms ask of a step, as SQL over ``step p`` and its values."""
    parts = [f"NOT p.flags & {DOUBLE}"]
    bound: list[Any] = []
    numbers = {kind: nth for nth, kind in enumerate(KINDS)}
    wanted = [str(numbers[kind]) for kind in query.kinds if kind in numbers]
    if query.kinds:
        parts.append(f"p.kind IN ({','.join(wanted)})")
    refused = [str(numbers[v]) for f, v in query.excluded if f == "kind" and v in numbers]
    if refused:
        parts.append(f"p.kind NOT IN ({','.join(refused)})")
    if query.since is not None:
        parts.append("p.time >= ?")
        bound.append(query.since)
    if query.until is not None:
        parts.append("p.time < ?")
        bound.append(query.until)
    return " AND ".join(parts), bound


def _row(row: tuple[Any, ...]) -> SessionRow:
    path = row[22]
    return SessionRow(
        id=row[0],
        harness=row[1],
        log=row[2],
        title=row[3],
        cwd=row[4],
        repo=row[5],
        branch=row[6],
        model=row[7],
        started=row[8],
        ended=row[9],
        steps=row[10],
        prompts=row[11],
        tool_calls=row[12],
        errors=row[13],
        edits=row[14],
        subagents=row[15],
        tokens=Tokens(row[16], row[17], row[18], row[19]),
        cost_usd=row[20],
        bytes=row[21],
        findings=None if row[30] is None else orjson.loads(row[30]),
        survival=None if row[31] is None else orjson.loads(row[31]),
        path=path if isinstance(path, str) else path.decode("utf-8", "surrogateescape"),
        parent=row[23],
        forked_from=row[24],
        folded=row[25],
        gone=bool(row[26]),
        unread=bool(row[29]),
        bookmarked=bool(row[27]),
        note=row[28],
        foreign=is_foreign(row[0]),
        parts=row[32],
        cost_estimate_usd=row[33],
        cost_table=row[34],
        tags=tuple(orjson.loads(row[35])),
        archived=bool(row[36]),
        renamed=bool(row[37]),
    )


def rows(
    db: sqlite3.Connection,
    query: Query | None,
    sort: str,
    limit: int | None,
    offset: int,
    only: list[tuple[str, str]] | None,
) -> list[SessionRow]:
    """Sessions that match, in order. ``only`` restricts them to these (harness, id)."""
    order = SORTS.get(sort)
    if order is None:
        raise TracetuiError(f"Unknown order {sort!a}; one of: {', '.join(SORTS)}", status=2)
    prepare(db, query)
    condition, bound = where(query)
    if only is not None:
        # One value for all: SQLite takes 32,766 of them at most.
        condition += " AND (s.harness, s.id) IN (SELECT value->>0, value->>1 FROM json_each(?))"
        bound.append(orjson.dumps(only).decode())
    tail = "" if order.startswith("s.ended DESC") else ", s.ended DESC"
    found = db.execute(
        f"SELECT {_COLUMNS} {_FROM} WHERE {condition} ORDER BY {order}{tail}, s.id LIMIT ? OFFSET ?",
        (*bound, -1 if limit is None else limit, offset),
    )
    return [_row(row) for row in found]


def named(db: sqlite3.Connection, query: Query) -> list[tuple[str, str]]:
    """The (harness, id) of sessions whose title or note holds the words and phrases of the query: a title may be none
    of the log's steps."""
    wanted = [item.casefold() for item in (*query.words, *query.phrases)]
    refused = [item.casefold() for item in (*query.not_words, *query.not_phrases)]
    found: list[tuple[str, str]] = []
    if wanted:
        for harness, ident, title, note in db.execute(
            f"SELECT s.harness, s.id, coalesce(m.title, s.title), m.note {_FROM}"
        ):
            text = f"{title or ''}\n{note or ''}".casefold()
            if all(item in text for item in wanted) and not any(item in text for item in refused):
                found.append((harness, ident))
    return found


def count(db: sqlite3.Connection, query: Query | None) -> int:
    """How many sessions match."""
    prepare(db, query)
    condition, bound = where(query)
    return int(db.execute(f"SELECT count(*) {_FROM} WHERE {condition}", bound).fetchone()[0])


def by_id(db: sqlite3.Connection, name: str, harness: str | None) -> SessionRow:
    """The session of this id, raw id, or unique beginning of an id (4 characters or more)."""
    also, bound = ("", []) if harness is None else (" AND s.harness=?", [harness])
    found = db.execute(
        f"SELECT {_COLUMNS} {_FROM} WHERE (s.id=? OR s.raw=?){also} LIMIT 20", (name, name, *bound)
    ).fetchall()
    # A session out of a capsule has the raw id of the one that it was sealed from, which may be here too.
    found = [row for row in found if row[0] == name] or [r for r in found if not is_foreign(r[0])] or found
    if not found and len(name) >= 4:
        end = name[:-1] + chr(min(ord(name[-1]) + 1, 0x10FFFF))
        found = db.execute(
            f"SELECT {_COLUMNS} {_FROM} WHERE s.id >= ? AND s.id < ?{also} ORDER BY s.ended DESC LIMIT 20",
            (name, end, *bound),
        ).fetchall()
    shown = ascii(name)[1:-1][:140]
    if not found:
        hint = "" if len(name) >= 4 else " (a beginning needs 4 characters)"
        raise UnknownId(f"No session {shown}{hint}; see: tracetui ls")
    if len(found) > 1:
        ids = [row[0] if len({r[0] for r in found}) == len(found) else f"{row[0]} ({row[1]})" for row in found]
        raise AmbiguousId(f"Several sessions begin with {shown}: {', '.join(ids)}", [row[0] for row in found])
    return _row(found[0])
