"""Several logs of one session: which is a copy of another, which are parts, and which steps two parts tell.

All of it follows from the records (``record_sets``) and the order of capture; only the numbers of parts are kept, in
the headers of the copies, so that they stay when more logs come or the index is made anew.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Final

from tracetui.bucket.record_sets import RecordSets
from tracetui.model import TracetuiError

__all__ = ["DOUBLE", "Arrangement", "arrange", "doubles", "foreign_origin", "strangers"]

DOUBLE: Final = 4
"""A flag of steps: another part of the session tells it too, and it counts there."""

Row = Any
"""A row of the table ``log``, by column name."""


@dataclass(slots=True)
class Arrangement:
    """The logs of a session's main thread, or of one subagent: ``shown`` in the order of their part numbers (``part``
    by log), and why each other one is not (``why``: a word for doctor and the log that stands for it)."""

    shown: list[Row] = field(default_factory=list)
    part: dict[int, int] = field(default_factory=dict)
    why: dict[int, tuple[str, int]] = field(default_factory=dict)


def foreign_origin(root: str) -> str:
    """What the ids of foreign logs that were found under a path begin with: ``foreign:DIGEST8``."""
    return "foreign:" + blake2b(root.encode("utf-8", "surrogateescape"), digest_size=4).hexdigest()


def strangers(rows: Sequence[Row], sets: RecordSets) -> dict[int, str]:
    """The logs that were only named on a command line and share no record with those of a root: their origin by log.

    All logs under one named path stand or fall together: a subagent's log shares nothing with its parent's.
    """
    own = [row for row in rows if not row["named"]]
    named: dict[str, list[Row]] = {}
    for row in rows:
        if row["named"]:
            named.setdefault(row["named"], []).append(row)
    if not own or not named:
        return {}
    out: dict[int, str] = {}
    for root, logs in named.items():
        if not any(_shares(one, other, sets) for one in logs for other in own):
            out.update((row["id"], foreign_origin(root)) for row in logs)
    return out


def _shares(one: Row, other: Row, sets: RecordSets) -> bool:
    try:
        return sets.of(one).shares(sets.of(other))
    except (TracetuiError, OSError):
        return False


def _held(row: Row, sets: RecordSets) -> frozenset[int]:
    """The records of a log; nothing where its copy cannot be read, so that it is neither a copy nor holds one."""
    try:
        return sets.of(row).held
    except (TracetuiError, OSError):
        return frozenset((-row["id"],))


def arrange(rows: Sequence[Row], sets: RecordSets) -> Arrangement:
    """Sort the logs of one thread, given in the order of their ids."""
    out = Arrangement()
    versions: dict[Any, list[Row]] = {}
    for row in rows:
        versions.setdefault(row["path"], []).append(row)
    logs: list[Row] = []
    older: dict[int, list[Row]] = {}
    for group in versions.values():
        best = max(group, key=lambda row: (row["bytes"], row["id"]))
        logs.append(best)
        older[best["id"]] = group
        out.why.update((row["id"], ("generation", best["id"])) for row in group if row is not best)
    if len(logs) > 1:
        logs = _without_told(logs, out)
    if len(logs) > 1:
        logs = _without_copies(logs, older, out, sets)
    _number(logs, older, out)
    return out


def _without_told(logs: list[Row], out: Arrangement) -> list[Row]:
    """Leave out what a parent's log tells of a subagent that has a log of its own."""
    own = [row for row in logs if row["within"] is None]
    if not own:
        return logs
    out.why.update((row["id"], ("told", own[0]["id"])) for row in logs if row["within"] is not None)
    return own


def _without_copies(logs: list[Row], older: dict[int, list[Row]], out: Arrangement, sets: RecordSets) -> list[Row]:
    """Leave out logs whose records all stand in another one, which takes their numbers and their turn over."""
    held = {row["id"]: _held(row, sets) for row in logs}
    ranks = {row["id"]: (not row["part"], row["part"], row["gone"], bool(row["named"]), *_turn([row])) for row in logs}
    kept: list[Row] = []
    for row in sorted(logs, key=lambda item: (-len(held[item["id"]]), ranks[item["id"]])):
        mine = held[row["id"]]
        holder = next((other for other in kept if mine <= held[other["id"]]), None)
        if holder is None:
            kept.append(row)
        else:
            out.why[row["id"]] = ("copy", holder["id"])
            older[holder["id"]] += older[row["id"]]
    return kept


def _turn(rows: Iterable[Row]) -> tuple[int, int, str]:
    """When a log came: its capture, then, of one run, its beginning and its path."""
    return min((row["captured"], row["started"] or 0, str(row["path"])) for row in rows)


def _number(logs: list[Row], older: dict[int, list[Row]], out: Arrangement) -> None:
    """Number the parts: what has a number keeps it, the others follow in the order of their capture."""
    taken: dict[int, Row] = {}
    fresh: list[Row] = []
    for row in sorted(logs, key=lambda item: _turn(older[item["id"]])):
        number = row["part"] or min((other["part"] for other in older[row["id"]] if other["part"]), default=0)
        if number and number not in taken:
            taken[number] = row
        else:
            fresh.append(row)
    after = max(taken, default=0)
    for nth, row in enumerate(fresh, 1):
        taken[after + nth] = row
    for number in sorted(taken):
        out.shown.append(taken[number])
        out.part[taken[number]["id"]] = number


def doubles(db: sqlite3.Connection, logs: Sequence[Row], sets: RecordSets) -> dict[int, set[int]]:
    """The numbers of steps, by log, that another of these parts tells too.

    A step is known by the record that begins it and its place among the steps that this record begins. It counts where
    it has the most sources (a call with its result before one without), else in the first part; a result that stands
    alone in one part counts with its call in another.
    """
    from tracetui.bucket.row import unpack_sources

    best: dict[tuple[int, int], tuple[int, int, int]] = {}
    answered: dict[int, int] = {}
    steps: dict[int, list[tuple[int, tuple[int, int], int]]] = {}
    for place, row in enumerate(logs):
        try:
            found = sets.of(row)
        except (TracetuiError, OSError):
            continue
        begun: dict[int, int] = {}
        mine = steps[row["id"]] = []
        for number, packed in db.execute("SELECT number, sources FROM step WHERE log=? ORDER BY number", (row["id"],)):
            sources = unpack_sources(packed)
            mark = found.on(sources[0].line) if sources else None
            if mark is None:
                continue
            nth = begun[sources[0].line] = begun.get(sources[0].line, -1) + 1
            mine.append((number, (mark, nth), len(sources)))
            rank = (-len(sources), place, row["id"])
            best[mark, nth] = min(best.get((mark, nth), rank), rank)
            for other in sources[1:]:
                mark = found.on(other.line)
                if mark is not None:
                    answered.setdefault(mark, row["id"])
    return {
        log: {
            number
            for number, key, count in mine
            if best[key][2] != log or (count == 1 and answered.get(key[0], log) != log)
        }
        for log, mine in steps.items()
    }
