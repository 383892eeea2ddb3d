"""An episode: a session, or a range of its steps, and which records of its logs belong to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

from tracetui.harness import HARNESSES
from tracetui.model import LogRow, Record, SessionRow, TracetuiError

if TYPE_CHECKING:
    from tracetui.bucket import Bucket
    from tracetui.harness.sharing import Sharing
    from tracetui.redact.values import Place

__all__ = ["Episode", "EpisodePart", "choose", "sharing_of"]

_TRAILING: Final = 8
"""Lines behind the range in which its last step's usage may still stand."""


@dataclass(slots=True)
class EpisodePart:
    """One log of an episode. ``steps`` are the numbers that belong to it; ``lines`` the (line, nth) of the records that
    do, None for all; ``heads`` those among them that stand before the range and say what log it is."""

    log: LogRow
    steps: range
    lines: set[int] | None = None
    heads: set[int] = field(default_factory=set)

    def holds(self, record: Record) -> bool:
        """Whether a record belongs to the episode."""
        return self.lines is None or record.source.line in self.lines or record.source.line in self.heads

    @property
    def stem(self) -> str:
        """The stem of the log's file name, which may settle its identity."""
        name = PurePath(self.log.path).name
        for ending in (".zst", ".jsonl"):
            name = name.removesuffix(ending)
        return name


@dataclass(slots=True)
class Episode:
    """What was chosen: ``first`` and ``last`` are None for a whole session. ``agent`` names a subagent's own steps."""

    session: SessionRow
    agent: str | None
    first: int | None
    last: int | None
    parts: list[EpisodePart]

    @property
    def ranged(self) -> bool:
        """Whether it is a range, so that what lies outside stays out."""
        return self.first is not None

    def holds(self, place: Place) -> bool:
        """Whether a finding stands in a record of the episode."""
        line = place.source.line
        return any(
            part.log.path == place.log_path and (part.lines is None or line in part.lines or line in part.heads)
            for part in self.parts
        )

    def has(self, agent: str | None, step: int) -> bool:
        """Whether a step belongs to it."""
        return any(part.log.agent == agent and step in part.steps for part in self.parts)

    @property
    def main(self) -> EpisodePart:
        """The part that the range speaks of."""
        return self.parts[0]


def choose(
    bucket: Bucket,
    session: SessionRow,
    first: int | None = None,
    last: int | None = None,
    agent: str | None = None,
    part: int | None = None,
) -> Episode:
    """The episode of a session, or of steps ``first`` to ``last`` (-1: the last) of its log (or its subagent's), of the
    ``part`` named or the first.

    A range takes the logs of the subagents along that its steps started. Raises TracetuiError.
    """
    sharing_of(session.harness)
    logs = [log for log in bucket.logs(session.id, session.harness) if log.shown]
    own = sorted((log for log in logs if log.agent == agent), key=lambda log: log.part)
    main = next((log for log in own if part in (None, log.part)), None)
    if main is None and agent is None and first is None:
        main = next(iter(logs), None)
    if main is None:
        raise TracetuiError(f"{session.id} has no log {agent or 'of its own'} that can be sealed")
    if first is None:
        rest = () if part is not None else logs if agent is None else own
        whole = [main, *(log for log in rest if log is not main)]
        return Episode(session, agent, None, None, [EpisodePart(log, log.numbers) for log in whole])
    steps = _range(session, main, first, last)
    started = {row.thread for row in bucket.step_rows(main, steps[0], steps[-1])}
    below = [log for log in logs if log.agent and log.agent in started and log is not main]
    parts = [_steps_of(bucket, main, steps), *(_steps_of(bucket, log, log.numbers) for log in below)]
    return Episode(session, agent, steps[0], steps[-1], parts)


def _range(session: SessionRow, log: LogRow, first: int, last: int | None) -> range:
    """The steps that a range names in a log. Raises TracetuiError where there are none."""
    there = log.numbers
    final = there.stop - 1
    end = first if last is None else last
    start = final if first == -1 else first
    end = final if end == -1 else min(end, final)
    if not there.start <= start <= end:
        span = f" ({there.start:,} to {final:,})" if there.start > 1 else ""
        raise TracetuiError(f"{session.id} has {log.steps:,} steps{span}; name a range of them", status=2)
    return range(start, end + 1)


def _steps_of(bucket: Bucket, log: LogRow, steps: range) -> EpisodePart:
    """Steps of a log, without the history that it was given: its own, or those of the range."""
    part = EpisodePart(log, steps)
    part.lines = _lines(bucket, log, part.steps)
    part.heads = _heads(bucket, log, part.lines)
    return part


def _lines(bucket: Bucket, log: LogRow, steps: range) -> set[int]:
    """The lines that make these steps, without those that an earlier or later step alone has."""
    wanted: set[int] = set()
    for number, _, _, sources in bucket.sources(log):
        if number in steps:
            wanted.update(source.line for source in sources)
    return wanted


def _heads(bucket: Bucket, log: LogRow, lines: set[int]) -> set[int]:
    """Records that say what log it is, and those of the range's own stretch that frame its steps."""
    sharing = sharing_of(log.harness)
    first, last = min(lines, default=0), max(lines, default=0)
    heads: set[int] = set()
    context: int | None = None
    for record in bucket.records(log):
        line, kind = record.source.line, sharing.kind(record.value)
        if line > last and kind not in sharing.trailing:
            if line > last + _TRAILING:
                break
            continue
        if kind in sharing.heads and not heads:
            heads.add(line)
        elif kind in sharing.settings and line < first:
            context = line
        elif (kind in sharing.frame and (first <= line <= last or (kind in sharing.trailing and line > last))) or (
            kind in sharing.settings and first <= line <= last
        ):
            heads.add(line)
    if context is not None:
        heads.add(context)
    return heads - lines


def sharing_of(harness: str) -> Sharing:
    """A harness's rules for what may leave a range. Raises TracetuiError where it has none."""
    maker = HARNESSES[harness]
    maker.need("sealed", "sharing", "fields")
    assert maker.sharing is not None
    return maker.sharing()
