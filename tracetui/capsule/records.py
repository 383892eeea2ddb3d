"""The records that a capsule carries, redacted and cut to the range, and the steps that they make."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tracetui.capsule.episode import EpisodePart, sharing_of
from tracetui.capsule.redaction import Redaction
from tracetui.capsule.strip import Links, stripped
from tracetui.harness import HARNESSES
from tracetui.harness.sharing import OwnSteps
from tracetui.model import LogFacts, Record, Source, Step

if TYPE_CHECKING:
    from tracetui.bucket import Bucket

__all__ = ["Log", "read_log"]


class Log:
    """One log of the episode, redacted: the ``values`` of the records that it carries and the ``steps`` that they make,
    with their numbers in the session and their sources in the capsule."""

    def __init__(self, place: int, agent: str | None, part: int = 1) -> None:
        self.name = f"records/{place:03d}.jsonl"
        self.agent = agent
        self.part = part
        self.values: list[dict[str, Any]] = []
        self.steps: list[Step] = []
        self.lines: dict[int, int] = {}
        """Line of the log -> line of the entry."""
        self.facts = LogFacts()
        self.by_line: dict[int, list[Record]] = {}
        """Redacted records by line of the log, their blocks in their places, for what the model saw."""
        self.unknown: Counter[str] = Counter()
        """Fields that no rule of the harness names and that were left out for that, by kind of record and place."""
        self.dropped = 0
        """Records that were too long to be kept whole."""


def read_log(
    bucket: Bucket, place: int, part: EpisodePart, redaction: Redaction, *, before: bool, tick: Callable[[int], None]
) -> Log:
    """The part's records, redacted. ``before`` keeps text from before the range that stands inside them. ``tick`` is
    called now and then with how many
    records are read more; what it raises ends the reading."""
    log = Log(place, part.log.agent, part.log.part)
    records, values = redaction.of(part.log)
    reader = HARNESSES[part.log.harness].reader(part.stem)
    steps: dict[int, Step] = {}
    carried = zip(records, values) if part.lines is None else _cut(
        bucket, part, records, values, log, redaction.plan().ids, before=before
    )  # fmt: skip
    for nth, (record, value) in enumerate(carried):
        if nth & 255 == 255:
            tick(256)
        log.dropped += record.oversize
        line = record.source.line
        made = Record(record.source, value, record.nth, record.oversize)
        reader.feed(made)
        for step in reader.take():
            steps[step.number] = step
        log.lines.setdefault(line, len(log.values) + 1)
        log.values.append(value)
        if part.lines is None:
            log.by_line.setdefault(line, []).append(made)
    count = getattr(reader, "count", None)
    last = count if type(count) is int else len(steps)
    read = [steps[number] for number in sorted(steps) if number <= last]
    log.facts = reader.facts
    if part.lines is not None:
        read = _numbered(bucket, part, read, log)
    log.steps = [_placed(step, log) for step in read]
    return log


def _cut(
    bucket: Bucket,
    part: EpisodePart,
    records: list[Record],
    values: list[dict[str, Any]],
    log: Log,
    renamed: Mapping[str, str],
    *,
    before: bool,
) -> Iterator[tuple[Record, dict[str, Any]]]:
    """The records of a range, without what of them is not the range's; ``renamed`` tells what became of ids."""
    sharing = sharing_of(part.log.harness)
    lines = part.lines or set()
    glued = _glued(part, records)

    def holds(record: Record) -> bool:
        if glued and record.source.line in lines and (mine := glued.get(record.source.line)) is not None:
            return record.nth in mine
        return part.holds(record)

    redacted = [Record(record.source, value, record.nth, record.oversize) for record, value in zip(records, values)]
    links = Links(sharing, redacted, holds)
    shared, compactions = _owners(bucket, part, renamed)
    for record, value in zip(records, values):
        if not holds(record):
            continue
        line = record.source.line
        own = shared.get(line) if glued.get(line) is None else None
        whole = value
        if not before:
            value = whole = stripped(sharing, value, log.unknown, compaction=line in compactions)
        if own is not None:
            said = _sayings(part, Record(record.source, value, record.nth, record.oversize))
            whole = sharing.cut(value, own, said, True)
            value = sharing.cut(value, own, said, False)
        log.by_line.setdefault(line, []).append(Record(record.source, whole, record.nth, record.oversize))
        yield record, links.mended(value)


def _owners(bucket: Bucket, part: EpisodePart, renamed: Mapping[str, str]) -> tuple[dict[int, OwnSteps], set[int]]:
    """Lines that steps of the range share with others, with what is theirs; and the lines of compactions."""
    inside: dict[int, list[tuple[int, str]]] = {}
    outside: set[int] = set()
    compactions: set[int] = set()
    for number, kind, key, sources in bucket.sources(part.log):
        for source in sources:
            if number in part.steps:
                inside.setdefault(source.line, []).append((number, key))
                if kind == "compaction":
                    compactions.add(source.line)
            else:
                outside.add(source.line)
    owners: dict[int, OwnSteps] = {}
    for line in inside.keys() & outside:
        steps = [bucket.step(part.log, number) for number, _ in inside[line]]
        calls = [step.tool.call_id for step in steps if step.tool is not None and step.tool.call_id is not None]
        owners[line] = OwnSteps(
            [_renamed(key, renamed) for _, key in inside[line]], [_renamed(call, renamed) for call in calls]
        )
    return owners, compactions


def _renamed(key: str, renamed: Mapping[str, str]) -> str:
    """A step's key after the ids in it were renamed."""
    for old, new in renamed.items():
        key = key.replace(old, new)
    return key


def _glued(part: EpisodePart, records: Iterable[Record]) -> dict[int, set[int]]:
    """Lines of the range that hold several records: which of them make its steps."""
    lines = part.lines or set()
    if not any(record.nth and record.source.line in lines for record in records):
        return {}
    count: dict[int, int] = {}
    for record in records:
        count[record.source.line] = max(count.get(record.source.line, 0), record.nth)
    reader = HARNESSES[part.log.harness].reader(part.stem)
    found: dict[int, set[int]] = {line: set() for line in lines if count.get(line)}
    for record in records:
        reader.feed(record)
        if any(step.number in part.steps for step in reader.take()) and record.source.line in found:
            found[record.source.line].add(record.nth)
    return found


def _sayings(part: EpisodePart, record: Record) -> Callable[[], list[tuple[str, str]]]:
    """The texts that a record says by itself, with the keys of the steps that they make."""

    def read() -> list[tuple[str, str]]:
        reader = HARNESSES[part.log.harness].reader(part.stem)
        reader.feed(record)
        return [(step.key, step.text) for step in reader.take() if step.text and step.tool is None]

    return read


def _numbered(bucket: Bucket, part: EpisodePart, read: list[Step], log: Log) -> list[Step]:
    """The steps that the records of a range make, with their numbers in the session."""
    rows = list(bucket.step_rows(part.log, part.steps.start, part.steps.stop - 1))
    if len(read) == len(rows) and all(step.kind == row.kind for step, row in zip(read, rows)):
        return [replace(step, number=row.number) for step, row in zip(read, rows)]
    # Records that only make sense behind others: each step by itself, as the bucket reads them.
    held = {(record.source.line, record.nth): record for group in log.by_line.values() for record in group}
    out: list[Step] = []
    for number, kind, _, sources in bucket.sources(part.log):
        if number not in part.steps:
            continue
        row = rows[number - part.steps.start]
        reader = HARNESSES[part.log.harness].reader(part.stem)
        for record in (held[at] for at in sorted(held) if at[0] in {source.line for source in sources}):
            reader.feed(record)
        made = reader.take()
        step = next((item for item in made if item.kind == kind), made[0] if made else None)
        if step is not None:
            out.append(replace(step, number=number, sources=sources, tokens=row.tokens, model=row.model))
    return out


def _placed(step: Step, log: Log) -> Step:
    """The step with its sources where they stand in the capsule."""
    lines = [log.lines[source.line] for source in step.sources if source.line in log.lines]
    return replace(step, sources=tuple(Source(line, 0, 0) for line in lines))
