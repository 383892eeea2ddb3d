"""Reading lists of sessions from the index alone: one query, whatever the number of rows."""

from __future__ import annotations

import sqlite3
from typing import Any, Final

import orjson

from tracetui.bucket.conditions import FINDINGS, SURVIVAL, UNREAD, of_sessions, prepare
from tracetui.bucket.terms import Query
from tracetui.model import AmbiguousId, SessionRow, Tokens, TracetuiError, UnknownId, is_foreign

__all__ = ["SORTS", "by_id", "count", "named", "rows"]

_TAGS: Final = (
    "(SELECT json_group_array(name) FROM "
    "(SELECT name FROM user.tag t WHERE t.session=s.id AND t.harness=s.harness ORDER BY name))"
)
_COLUMNS: Final = (
    "s.id, s.harness, s.log, coalesce(m.title, s.title), s.cwd, s.repo, s.branch, s.model, s.started, s.ended, "
    "s.steps, s.prompts, "
    "s.tools, s.errors, s.edits, s.agents + s.children, s.t_input, s.t_output, s.t_read, s.t_write, s.cost, s.bytes, "
    "s.path, "
    f"s.parent, s.forked_from, s.folded, s.gone, coalesce(m.bookmarked, 0), m.note, {UNREAD}, {FINDINGS}, "
    f"{SURVIVAL}, s.parts, s.estimate, s.cost_table, {_TAGS}, coalesce(m.archived, 0), m.title IS NOT NULL"
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
    """Sessions that match, in order; with ``only`` these (harness, id) instead."""
    order = SORTS.get(sort)
    if order is None:
        raise TracetuiError(f"Unknown order {sort!a}; one of: {', '.join(SORTS)}", status=2)
    prepare(db, query)
    condition, bound = of_sessions(query)
    if only is not None:
        # One value for all: SQLite takes 32,766 of them at most.
        condition = "(s.harness, s.id) IN (SELECT value->>0, value->>1 FROM json_each(?))"
        bound = [orjson.dumps(only).decode()]
    tail = "" if order.startswith("s.ended DESC") else ", s.ended DESC"
    found = db.execute(
        f"SELECT {_COLUMNS} {_FROM} WHERE {condition} ORDER BY {order}{tail}, s.id LIMIT ? OFFSET ?",
        (*bound, -1 if limit is None else limit, offset),
    )
    return [_row(row) for row in found]


def named(db: sqlite3.Connection, query: Query) -> list[tuple[str, str]]:
    """The (harness, id) of sessions that match without a look at the text of their steps: by an alternative without
    words and phrases, or by a title or note that holds them (a title may be none of the log's steps)."""
    prepare(db, query)
    found: list[tuple[str, str]] = []
    for one in query.alternatives:
        condition, bound = of_sessions(one)
        wanted = [item.casefold() for item in (*one.words, *one.phrases)]
        refused = [item.casefold() for item in (*one.not_words, *one.not_phrases)]
        if refused and not wanted:
            continue
        for harness, ident, title, note in db.execute(
            f"SELECT s.harness, s.id, coalesce(m.title, s.title), m.note {_FROM} WHERE {condition}", bound
        ):
            text = f"{title or ''}\n{note or ''}".casefold()
            if all(item in text for item in wanted) and not any(item in text for item in refused):
                found.append((harness, ident))
    return found


def count(db: sqlite3.Connection, query: Query | None) -> int:
    """How many sessions match."""
    prepare(db, query)
    condition, bound = of_sessions(query)
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
