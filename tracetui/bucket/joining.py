"""Calls of one part of a session whose results stand in another: a session that moved to another folder in the midst of
a call goes on in a new log there."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from tracetui.bucket.parts import DOUBLE
from tracetui.model import KINDS, TOOL_KINDS, Record, Source, Step, TracetuiError

__all__ = ["Joined", "across"]

_OPEN: Final = 64
_EVENTS: Final = 256
"""Of one part, calls without a result and events that may be one; there are hardly ever more than two."""
_TOOLS: Final = ",".join(str(nth) for nth, kind in enumerate(KINDS) if kind in TOOL_KINDS)
_ALONE: Final = 13
"""Bytes of the sources of a step that one record makes."""


class Joined(NamedTuple):
    """A call (``number`` of ``log``) and the step of another part that is its result, with the call's step whole."""

    log: int
    number: int
    other: int
    result: int
    sources: tuple[Source, ...]
    step: Step


def across(db: sqlite3.Connection, folder: Path, parts: Sequence[Any]) -> list[Joined]:
    """What belongs together in these logs. A reader that is given the call and then the events of another part tells
    which of them, if any, is its result."""
    from tracetui.bucket.log_reader import LogReader

    out: list[Joined] = []
    reader = LogReader(folder, db)
    try:
        taken: set[tuple[int, int]] = set()
        for part in parts:
            for call in _calls(db, reader, part["id"]):
                for other in parts:
                    if other is not part:
                        events = [item for item in _events(db, reader, other["id"]) if item[:2] not in taken]
                        found = _result_of(call, part, events)
                        if found is not None:
                            taken.add((found.other, found.result))
                            out.append(found)
                            break
    except (TracetuiError, OSError):
        return []
    finally:
        reader.close()
    return out


def _calls(db: sqlite3.Connection, reader: Any, log: int) -> list[tuple[Step, list[Record]]]:
    rows = db.execute(
        f"SELECT number FROM step WHERE log=? AND kind IN ({_TOOLS}) AND length(sources)=? AND NOT flags & ? "
        "ORDER BY number DESC LIMIT ?",
        (log, _ALONE, DOUBLE, _OPEN),
    ).fetchall()
    out: list[tuple[Step, list[Record]]] = []
    for (number,) in rows:
        (step,) = reader.alone(log, number)
        if step.tool is not None and step.tool.output is None:
            out.append((step, reader.records_at(log, step.sources)))
    return out


def _events(db: sqlite3.Connection, reader: Any, log: int) -> list[tuple[int, int, list[Record]]]:
    from tracetui.bucket.row import unpack_sources

    rows = db.execute(
        "SELECT number, sources FROM step WHERE log=? AND kind=? AND length(sources)=? AND NOT flags & ? "
        "ORDER BY number LIMIT ?",
        (log, KINDS.index("event"), _ALONE, DOUBLE, _EVENTS),
    ).fetchall()
    return [(log, number, reader.records_at(log, unpack_sources(packed))) for number, packed in rows]


def _result_of(
    call: tuple[Step, list[Record]], part: Any, events: Sequence[tuple[int, int, list[Record]]]
) -> Joined | None:
    from dataclasses import replace

    from tracetui.harness import HARNESSES

    step, records = call
    reader = HARNESSES[part["harness"]].reader(part["stem"])
    for record in records:
        reader.feed(record)
    reader.take()
    for log, number, told in events:
        for record in told:
            reader.feed(record)
        for made in reader.take():
            if made.key == step.key and made.tool is not None and made.tool.output is not None:
                whole = replace(step, tool=made.tool)
                sources = tuple(dict.fromkeys(record.source for record in told))
                return Joined(part["id"], step.number, log, number, sources, whole)
    return None
