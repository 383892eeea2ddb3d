"""The reading side: logs, steps as rows, and full steps read again from the copies."""

from __future__ import annotations

import itertools
import sqlite3
from array import array
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tracetui.bucket.damage import DamagedError
from tracetui.bucket.index import first_step
from tracetui.bucket.parts import DOUBLE
from tracetui.bucket.session_writer import facts_from
from tracetui.bucket.within import copy_of, view
from tracetui.model import KINDS, LogRow, Record, Source, Step, StepRow, Tokens, TracetuiError

if TYPE_CHECKING:
    from tracetui.bucket.copies import CopyReader, FrameCache

__all__ = ["LogReader", "Overview"]

_OPEN: Final = 24
_LOG: Final = (
    "SELECT id, harness, session, agent, generation, shown, path, bytes, records, bad, steps, facts, part, doubles, "
    "within "
    "FROM log"
)
_STEP: Final = (
    "SELECT s.log, s.number, s.kind, s.time, s.summary, t.text, s.flags, s.exit, s.duration, s.t_input, s.t_output, "
    "s.t_read, s.t_write, m.text, s.key, s.thread, s.size, s.images FROM step s LEFT JOIN name t ON t.id=s.tool "
    "LEFT JOIN name m ON m.id=s.model"
)


@dataclass(frozen=True, slots=True)
class Overview:
    """All steps of a log at a glance, in order: ``kinds`` are places in ``model.KINDS``, ``failed`` is 0 or 1,
    ``prompt_tokens`` the size of the prompt where the step begins a response (else 0), ``numbers`` the steps, ``side``
    1 for those of a subagent that its parent's log holds (empty where there are none),
    ``double`` 1 for those that another part of the session tells (the same)."""

    kinds: array[int]
    failed: array[int]
    prompt_tokens: array[int]
    numbers: array[int]
    side: array[int] = field(default_factory=lambda: array("B"))
    double: array[int] = field(default_factory=lambda: array("B"))


def _step_row(row: tuple[Any, ...]) -> StepRow:
    tokens = None if row[9] is None else Tokens(row[9], row[10], row[11], row[12])
    return StepRow(
        row[0],
        row[1],
        KINDS[row[2]],
        row[3],
        row[4],
        row[5],
        bool(row[6] & 1),
        row[7],
        row[8],
        tokens,
        row[13],
        row[14],
        row[15],
        bool(row[6] & 2),
        row[16],
        row[17],
        bool(row[6] & DOUBLE),
    )


class LogReader:
    """Reads logs of one bucket. Not safe from several threads."""

    def __init__(self, folder: Path, db: sqlite3.Connection) -> None:
        self._folder = folder
        self._db = db
        self._cache: FrameCache | None = None
        self._copies: OrderedDict[int, tuple[CopyReader, str, str]] = OrderedDict()
        self._within: dict[int, str | None] = {}

    def close(self) -> None:
        """Close the copies."""
        for reader, _, _ in self._copies.values():
            reader.close()
        self._copies.clear()
        self._cache = None

    def copy(self, log: int) -> tuple[CopyReader, str, str]:
        """The copy of a log, its harness and its stem."""
        held = self._copies.get(log)
        if held is not None:
            self._copies.move_to_end(log)
            return held
        from tracetui.bucket.copies import CopyReader, FrameCache

        row = self._db.execute("SELECT copy, harness, stem, within FROM log WHERE id=?", (log,)).fetchone()
        if row is None:
            raise TracetuiError("This log is no longer in the bucket; look again with: tracetui ls")
        if self._cache is None:
            self._cache = FrameCache()
        held = (CopyReader(self._folder / "copies" / copy_of(row[0]), self._cache), row[1], row[2])
        self._copies[log] = held
        self._within[log] = row[3]
        while len(self._copies) > _OPEN:
            _, (old, _, _) = self._copies.popitem(last=False)
            old.close()
        return held

    def copy_name(self, log: int) -> str:
        """The name of a log's copy below ``copies/``."""
        row = self._db.execute("SELECT copy FROM log WHERE id=?", (log,)).fetchone()
        if row is None:
            raise TracetuiError("This log is no longer in the bucket; look again with: tracetui ls")
        return str(row[0])

    def logs(self, session: str, harness: str) -> list[LogRow]:
        """The logs of a session: the parts of the main one in the order of time, those of subagents in the order of
        their beginning, then what is not shown. Generations count from 0 in the order of capture."""
        rows = self._db.execute(
            f"{_LOG} WHERE session=? AND harness=? ORDER BY agent IS NOT NULL, captured, generation, id",
            (session, harness),
        ).fetchall()
        nth: dict[str | None, int] = {}
        out: list[tuple[tuple[bool, bool, int, str, int], LogRow]] = []
        for row in rows:
            agent = row[3]
            generation = nth.get(agent, 0)
            nth[agent] = generation + 1
            facts = facts_from(row[11])
            path = row[6] if isinstance(row[6], str) else row[6].decode("utf-8", "surrogateescape")
            log = LogRow(
                row[0], row[1], row[2], agent, generation, bool(row[5]), path, row[7], row[8], row[9], row[10], facts,
                first_step(path), max(row[12], 1), self._doubles(row[0]) if row[13] else frozenset(),
                row[14] is not None,
            )  # fmt: skip
            out.append(((not log.shown, agent is not None, facts.started or 0, agent or "", log.part), log))
        out.sort(key=lambda item: item[0])
        return [log for _, log in out]

    def _doubles(self, log: int) -> frozenset[int]:
        rows = self._db.execute("SELECT number FROM step WHERE log=? AND flags & ?", (log, DOUBLE))
        return frozenset(number for (number,) in rows)

    def step_rows(self, log: int, first: int, last: int | None) -> list[StepRow]:
        """Rows of the steps ``first`` to ``last``."""
        end = last if last is not None else 1 << 40
        found = self._db.execute(
            f"{_STEP} WHERE s.log=? AND s.number BETWEEN ? AND ? ORDER BY s.number", (log, first, end)
        )
        return [_step_row(row) for row in found]

    def sources(self, log: int) -> Iterator[tuple[int, str, str, tuple[Source, ...]]]:
        """Number, kind, key and sources of every step of a log, by number; no text is read."""
        from tracetui.bucket.row import unpack_sources

        for number, kind, key, sources in self._db.execute(
            "SELECT number, kind, key, sources FROM step WHERE log=? ORDER BY number", (log,)
        ):
            yield number, KINDS[kind], key, unpack_sources(sources)

    def overview(self, log: int) -> Overview:
        """Everything that the strip shows."""
        kinds, failed, tokens, numbers, side = array("B"), array("B"), array("L"), array("L"), array("B")
        double = array("B")
        for kind, flags, size, number in self._db.execute(
            "SELECT kind, flags, coalesce(t_input + t_read + t_write, 0), number FROM step WHERE log=? ORDER BY number",
            (log,),
        ):
            kinds.append(kind)
            failed.append(flags & 1)
            side.append(flags >> 1 & 1)
            double.append(flags & DOUBLE != 0)
            tokens.append(max(size, 0))
            numbers.append(number)
        none = array("B")
        return Overview(kinds, failed, tokens, numbers, side if any(side) else none, double if any(double) else none)

    def raw(self, log: int, source: Source) -> bytes:
        """The bytes of one line, without its end."""
        reader, _, _ = self.copy(log)
        return reader.read(source.offset, source.length)

    def records_at(self, log: int, sources: tuple[Source, ...]) -> list[Record]:
        """The records of these lines."""
        from tracetui.harness.lines import LINE_LIMIT, Splitter, parse_line

        out: list[Record] = []
        for source in dict.fromkeys(sources):
            if source.length > LINE_LIMIT:
                out.extend(self._oversize(log, source, Splitter(source.offset, source.line)))
                continue
            objects, _ = parse_line(self.raw(log, source))
            out.extend(Record(source, value, nth) for nth, value in enumerate(objects))
        return list(self._own(log, out))

    def _own(self, log: int, records: Iterable[Record]) -> Iterator[Record]:
        """The log's own among the records of its copy: all, but in a log that stands within another."""
        from tracetui.harness import HARNESSES

        _, harness, _ = self.copy(log)
        agent = self._within[log]
        yield from records if agent is None else view(records, HARNESSES[harness], agent)

    def _oversize(self, log: int, source: Source, splitter: Any) -> Iterator[Record]:
        reader, _, _ = self.copy(log)
        items: list[Any] = []
        for chunk in reader.chunks(source.offset, source.offset + source.length):
            items += splitter.feed(chunk)
        items += splitter.feed(b"\n")
        for item in items:
            if isinstance(item, Record):
                yield item

    def steps(
        self,
        log: int,
        first: int,
        last: int | None,
        lost: Callable[[int, DamagedError], None] | None = None,
        *,
        elsewhere: bool = True,
    ) -> Iterator[Step]:
        """Full steps, read again from the copy; with ``elsewhere`` calls have a result that another part holds. Where
        the copy lost one, ``lost`` is told its number and why, and the rest goes on; without it DamagedError is
        raised."""
        from tracetui.bucket.row import unpack_sources

        end = last if last is not None else 1 << 40
        at = first
        while at <= end:
            rows = self._db.execute(
                "SELECT s.number, s.kind, s.key, s.t_input, s.t_output, s.t_read, s.t_write, m.text, s.thread, "
                "s.sources FROM step s LEFT JOIN name m ON m.id=s.model WHERE s.log=? AND s.number BETWEEN ? AND ? "
                "ORDER BY s.number LIMIT 200",
                (log, at, end),
            ).fetchall()
            if not rows:
                return
            joined = {
                number: (other, unpack_sources(more))
                for number, other, more in self._db.execute(
                    "SELECT number, other, sources FROM joined WHERE log=?", (log,) if elsewhere else (-1,)
                )
            }
            for row in rows:
                try:
                    step = self._build(log, row, unpack_sources(row[9]), joined.get(row[0]))
                except DamagedError as error:
                    if lost is None:
                        raise
                    lost(row[0], error)
                    continue
                yield step
            at = rows[-1][0] + 1

    def alone(self, log: int, number: int) -> Iterator[Step]:
        """A full step as its own log has it, without a result that stands in another part."""
        return self.steps(log, number, number, elsewhere=False)

    def _build(
        self,
        log: int,
        row: tuple[Any, ...],
        sources: tuple[Source, ...],
        joined: tuple[int, tuple[Source, ...]] | None = None,
    ) -> Step:
        from tracetui.harness import HARNESSES

        number, kind, key = row[0], KINDS[row[1]], row[2]
        tokens = None if row[3] is None else Tokens(*row[3:7])
        _, harness, stem = self.copy(log)
        maker = HARNESSES.get(harness)
        if maker is None:
            raise TracetuiError(f"No reader for the harness {harness!a} in this tracetui")
        reader = maker.reader(stem)
        for record in self.records_at(log, sources):
            reader.feed(record)
        if joined is not None:
            for record in self.records_at(*joined):
                reader.feed(record)
        steps = reader.take()
        best = next((step for step in steps if step.key == key and step.kind == kind), None)
        best = best or next((step for step in steps if step.key == key), None)
        best = best or next((step for step in steps if step.kind == kind), None)
        if best is None:
            return Step(number, kind, key, sources, tokens=tokens, model=row[7], thread=row[8])
        return replace(
            best,
            number=number,
            kind=kind,
            key=key,
            sources=sources,
            tokens=tokens,
            model=row[7],
            thread=row[8],
        )

    def texts(self, log: int, number: int) -> list[str]:
        """The texts of a step that are searched."""
        from tracetui.bucket.row import texts_of

        for step in self.steps(log, number, number):
            return texts_of(step)
        return []

    def open_copy(self, log: int) -> CopyReader:
        """A copy for the caller alone, who closes it."""
        from tracetui.bucket.copies import CopyReader

        row = self._db.execute("SELECT copy FROM log WHERE id=?", (log,)).fetchone()
        if row is None:
            raise TracetuiError("This log is no longer in the bucket; look again with: tracetui ls")
        return CopyReader(self._folder / "copies" / copy_of(row[0]))

    def first(self, log: int) -> int:
        """The number of a log's first step (see ``index.first_step``)."""
        row = self._db.execute("SELECT path FROM log WHERE id=?", (log,)).fetchone()
        return 1 if row is None else first_step(row[0])

    def stream(self, log: int) -> Iterator[Step]:
        """The steps of a log as its reader gives them while it reads the whole copy, numbered from 1; one may come
        twice, the later the fuller."""
        from tracetui.harness import HARNESSES
        from tracetui.harness.lines import Splitter

        _, harness, stem = self.copy(log)
        copy = self.open_copy(log)
        try:
            maker = HARNESSES[harness].reader(stem)
            splitter = Splitter()
            for piece in itertools.chain(copy.pieces(), (None,)):
                if piece is not None and piece.data is None:
                    splitter = Splitter(piece.start + piece.length)  # (What the copy lost is passed over.)
                    continue
                items = splitter.finish() if piece is None or piece.data is None else splitter.feed(piece.data)
                for item in self._own(log, (item for item in items if isinstance(item, Record))):
                    maker.feed(item)
                yield from maker.take()
        finally:
            copy.close()

    def records(self, log: int, offset: int, end: int | None = None) -> Iterator[Record]:
        """The records of a log from the line that begins at ``offset`` on. Lines are counted from there where
        ``offset`` is not 0."""
        from tracetui.harness.lines import Splitter

        reader, _, _ = self.copy(log)
        splitter = Splitter(offset)
        for chunk in reader.chunks(offset, end):
            yield from self._own(log, (item for item in splitter.feed(chunk) if isinstance(item, Record)))
        yield from self._own(log, (item for item in splitter.finish() if isinstance(item, Record)))
