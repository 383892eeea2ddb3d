"""A context as a session file of the same harness, under a new id.

The records that hold the segments are written again with a new identity and order; blocks that are not taken along are
left out of them. What was written is read back with the program's own reader before it is handed out.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from tracetui.ctx.build import Builder
from tracetui.ctx.context import Context
from tracetui.ctx.parts import ExportSegment, Reading
from tracetui.harness import HARNESSES
from tracetui.harness.native import Native, NativeRecord, NativeRequest, Taken
from tracetui.model import LogFacts, Record, Source, TracetuiError

__all__ = ["native"]


def native(
    context: Context,
    parts: Sequence[ExportSegment],
    reading: Reading,
    facts: LogFacts,
    now: int,
    session: str | None = None,
) -> Native:
    """The session file. ``now``: milliseconds since the epoch. Raises TracetuiError (status 1) where the harness's
    format cannot hold the context."""
    maker = HARNESSES[context.index.harness]
    maker.need("written as files of their own", "context", "native")
    assert maker.native is not None
    if not any(part.piece.category != "system" for part in parts):
        raise TracetuiError("There is nothing to export: the context holds no message")
    session = session or str(uuid.uuid4())
    units = _units(context, parts, reading)
    beside = _beside(context, reading)
    made = maker.native().write(NativeRequest(units, context.model, facts, now, session, beside))
    _check(made, maker.name, parts)
    return made


def _beside(context: Context, reading: Reading) -> list[Record]:
    """The latest record of each type, before the call, that the program needs beside the conversation."""
    latest: dict[str, Source] = {}
    for calls, kind, line, offset, length in context.index.beside:
        if calls <= context.call:
            latest[kind] = Source(line, offset, length)
    return [record for source in latest.values() for record in reading(0, source) if not record.oversize]


def _units(context: Context, parts: Sequence[ExportSegment], reading: Reading) -> list[NativeRecord]:
    """Parts grouped by the records that hold them, in the order of the context."""
    index = context.index
    rules = HARNESSES[index.harness].context
    assert rules is not None
    units: list[NativeRecord] = []
    last: tuple[int, int, int] | None = None
    for part in parts:
        at = part.origin
        here = index.log[at], index.offset[at], index.nth[at]
        if here == last and index.place[at] not in units[-1].taken:
            units[-1].taken[index.place[at]] = Taken(part.piece, part.changed)
            continue
        source = Source(index.line[at], index.offset[at], index.length[at])
        record = next((record for record in reading(index.log[at], source) if record.nth == index.nth[at]), None)
        if record is None or record.oversize:
            raise TracetuiError(
                f"The native format cannot hold this context: line {source.line:,} of the log could not be read"
            )
        units.append(NativeRecord(record, {index.place[at]: Taken(part.piece, part.changed)}, rules.pieces(record)))
        last = here
    return units


def _check(made: Native, harness: str, parts: Sequence[ExportSegment]) -> None:
    """Read back what was written: the same categories and texts in the same order."""
    from tracetui.harness.lines import Splitter

    splitter = Splitter()
    builder = Builder(harness, made.name.removesuffix(".jsonl"))
    rules = HARNESSES[harness].context
    assert rules is not None
    records: dict[int, Record] = {}
    for item in [*splitter.feed(made.data), *splitter.finish()]:
        if isinstance(item, Record):
            records[item.source.line] = item
            builder.feed(item)
    index = builder.finish()
    found: list[tuple[str, str]] = []
    for at in index.view_at(len(index.parent) - 1, 1).ids:
        piece = rules.pieces(records[index.line[at]])[index.place[at]]
        found.append((piece.category, piece.text))
    wanted = [(part.piece.category, part.piece.text) for part in parts]
    if found != wanted:
        raise TracetuiError(
            "The native format cannot hold this context: what was written does not read back the same; "
            "export it as messages or markdown"
        )
