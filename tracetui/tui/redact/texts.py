"""The text units of steps, read from the bucket's copy, each with a name that people understand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from tracetui.model import LogRow, Record, Source, StepRow
from tracetui.redact.field_names import name_of
from tracetui.redact.lookup import RecordPlace
from tracetui.redact.values import Field
from tracetui.text import format as fmt
from tracetui.tui.redact.page import PageStep, PageUnit

if TYPE_CHECKING:
    from tracetui.bucket.store import Bucket

__all__ = ["around", "title_of", "units_of"]

NEIGHBOURS: Final = 4
"""Steps before and after that stand on the page too."""
_SMALL: Final = 6_000
"""Characters; a larger neighbour stands there with its name only."""


def units_of(record: Record, agent: str | None, harness: str, step: int | None, part: int = 1) -> list[PageUnit]:
    """The text units of a record in the order of its fields."""
    from tracetui.redact.units import units

    made: list[PageUnit] = []
    for found in units(record.value, harness):
        label, main = name_of(found.field, in_key=found.in_key)
        at = Field(agent, record.source.line, record.nth, found.field, found.in_key, part)
        made.append(PageUnit(at, found.text, label, step, main))
    # What the record is about comes first; paths and settings follow.
    made.sort(key=lambda unit: not unit.main)
    return made


def title_of(row: StepRow | None, step: int | None, agent: str | None, line: int, part: int = 1) -> str:
    """A step in one line: number, kind, tool."""
    if step is None:
        where = f"record of line {fmt.count(line)}, part of no step"
    else:
        where = f"{step} {row.kind}" if row is not None else f"{step}"
        if row is not None and row.tool:
            where += f" {row.tool}"
    where += f"  part {part}" if part > 1 else ""
    return f"{where}  subagent {agent}" if agent else where


def around(
    bucket: Bucket,
    log: LogRow,
    step: int | None,
    source: Source | None,
    bounds: tuple[int, int] | None,
    seen: dict[RecordPlace, Record],
) -> list[PageStep]:
    """A step (or the record at ``source``, where it is part of none) with its neighbours within ``bounds``. Records
    that were read are put into ``seen``."""
    agent = log.agent
    if step is None:
        records = bucket.records_of(log.id, [source]) if source is not None else []
        title = title_of(None, None, agent, source.line if source is not None else 0)
        return [_page_step(records, log, None, agent, title, "", seen, set())]
    first, last = max(1, step - NEIGHBOURS), step + NEIGHBOURS
    if bounds is not None and agent is None:
        first, last = max(first, bounds[0]), min(last, bounds[1])
    pages: list[PageStep] = []
    taken: set[tuple[int, int]] = set()
    # The step itself comes first, so that a record which several steps share stands under it.
    rows: Sequence[StepRow] = bucket.step_rows(log.id, min(first, step), max(last, step))
    for row in sorted(rows, key=lambda row: row.number != step):
        title = title_of(row, row.number, agent, 0, log.part)
        if row.number != step and row.size > _SMALL:
            note = f"{fmt.count(row.size)} characters, not shown here"
            pages.append(PageStep(row.number, agent, title, (), row.kind, note, log.part))
            continue
        sources = bucket.step(log.id, row.number).sources
        records = bucket.records_of(log.id, sources)
        pages.append(_page_step(records, log, row.number, agent, title, row.kind, seen, taken))
    pages.sort(key=lambda page: page.step or 0)
    return [page for page in pages if page.units or page.note or page.step == step]


def _page_step(
    records: Sequence[Record],
    log: LogRow,
    step: int | None,
    agent: str | None,
    title: str,
    kind: str,
    seen: dict[RecordPlace, Record],
    taken: set[tuple[int, int]],
) -> PageStep:
    units: list[PageUnit] = []
    for record in records:
        key = (record.source.line, record.nth)
        if key in taken:
            continue
        taken.add(key)
        seen[(agent, log.part, *key)] = record
        units += units_of(record, agent, log.harness, step, log.part)
    return PageStep(step, agent, title, units, kind, part=log.part)
