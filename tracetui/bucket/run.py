"""The state of reading one log: its reader, what was read since the last part, and how a part is handed over."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import fields, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

import orjson
import zstandard

from tracetui.bucket.copies import CopyChunk, CopyReader, CopyWriter, Stamp, compressor
from tracetui.bucket.frames import UNKNOWN
from tracetui.bucket.row import plain, row_of
from tracetui.bucket.wire import Job, Part, PartWithin
from tracetui.bucket.within import InnerRun
from tracetui.harness import HARNESSES, detect
from tracetui.harness.base import Reader
from tracetui.harness.lines import Splitter
from tracetui.model import LogFacts, Problem, Record, Step

__all__ = ["HEAD", "TAIL", "Emit", "ForeignError", "Run", "digest"]

HEAD: Final = 4096
TAIL: Final = 65536
_DETECT: Final = 20
_PROBLEMS: Final = 200
_INNER: Final = 2000
"""Subagents within one log; the most seen were 61."""
_SHORT: Final = 128 * 1024
"""Bytes of a log of which the reader's state is not kept. Reading so many again takes a millisecond or two, and happens
when such a log grows."""
_STATE_LEVEL: Final = 1
_FACTS: Final = {item.name: item.default for item in fields(LogFacts)}
_NO_HEAD: Final = bytes(16)
"""In place of the digest of a log's beginning: that of no file."""

Emit = Callable[[Part], object]


class ForeignError(Exception):
    """The first records are of no known harness."""


class Run:
    """The state of reading one log."""

    def __init__(self, job: Job, emit: Emit) -> None:
        self.job = job
        self.emit = emit
        self.splitter = Splitter(job.offset, job.line)
        self.harness = job.harness
        self.reader: Reader | None = None
        if self.harness:
            state = job.state
            self.reader = HARNESSES[self.harness].reader(job.stem, state and zstandard.decompress(state))
        self.inner: dict[str, InnerRun] = {}
        for agent, state in job.inner:
            made = HARNESSES[self.harness].reader(f"agent-{agent}", zstandard.decompress(state))
            self.inner[agent] = InnerRun(agent, made)
        self.waiting: list[Record] = []
        self.steps: dict[int, Step] = {}
        self.first = job.first
        self.head = b""
        self.tail = b""
        self.records = 0
        self.bad = 0
        self.problems: list[Problem] = []
        self.packer = compressor()
        self.since = 0
        self.loose = 0
        self.seen_problems = len(self.reader.problems) if self.reader else 0
        self.lost = 0
        self.damaged = False

    @property
    def short(self) -> bool:
        """Whether the log is so short that its reader's state is had sooner by reading it again than it is kept: in a
        bucket of many small sessions states are a fifth of it all."""
        return self.splitter.offset <= _SHORT and not self.inner

    def recall(self, copy: Path, end: int) -> None:
        """Bring the reader of a short log to where it stood after ``end`` bytes."""
        assert self.reader is not None
        source = CopyReader(copy)
        try:
            splitter = Splitter()
            for piece in source.pieces(0, end):
                if piece.data is None:
                    splitter = Splitter(piece.start + piece.length)
                    continue
                self._recall(splitter.feed(piece.data))
            self._recall(splitter.finish())
        finally:
            source.close()
        self.seen_problems = len(self.reader.problems)

    def _recall(self, items: list[Record | Problem]) -> None:
        assert self.reader is not None
        for item in items:
            if isinstance(item, Record):
                self.feed(self.reader, item)
        self.reader.take()

    def lose(self, piece: CopyChunk) -> None:
        """Pass over bytes that the copy lost."""
        self.lost += piece.length
        place = f"bytes {piece.start:,} to {piece.start + piece.length:,} of the log are lost"
        why = f": the copy is damaged at its byte {piece.at:,} ({piece.why[:80]})" if piece.at else ""
        self.problems.append(Problem(self.splitter.line, place + why))

    def resume(self, piece: CopyChunk) -> None:
        """Begin a line where the bytes behind a lost place begin."""
        if piece.start != self.splitter.offset + self.splitter.pending:
            bad = self.splitter.bad
            line = self.splitter.line if piece.line == UNKNOWN else piece.line + 1
            self.splitter = Splitter(piece.start, line)
            self.splitter.bad = bad

    def take_in(self, items: list[Record | Problem]) -> None:
        for item in items:
            if isinstance(item, Problem):
                if len(self.problems) < _PROBLEMS:
                    self.problems.append(item)
                continue
            self.records += 1
            if self.reader is not None:
                self.feed(self.reader, item)
                continue
            self.waiting.append(item)
            if len(self.waiting) >= _DETECT and not self.choose():
                raise ForeignError
        if self.reader is not None:
            for step in self.reader.take():
                self.steps[step.number] = step

    def feed(self, reader: Reader, record: Record) -> None:
        """Give a record to the log's reader, and what stands within it to that of the subagent."""
        reader.feed(record)
        within = HARNESSES[self.harness].inner
        found = within(record) if within is not None else None
        # (Copied history speaks of the subagents of another session.)
        if found is not None and found.session == reader.facts.session:
            run = self.inner.get(found.agent)
            if run is None:
                if len(self.inner) >= _INNER:
                    return
                run = self.inner[found.agent] = InnerRun(
                    found.agent, HARNESSES[self.harness].reader(f"agent-{found.agent}")
                )
            run.feed(found.record)

    def parts_within(self, writer: CopyWriter) -> list[PartWithin]:
        """What came of the subagents within since the last part, as parts of logs of their own."""
        out: list[PartWithin] = []
        for run in self.inner.values():
            if not run.records:
                continue
            records, steps, count = run.hand_over()
            said = self.said(run.reader, steps, count, 1)
            out.append(PartWithin(agent=plain(run.agent), records=records, copied=writer.bytes, **said))
        return out

    def said(self, reader: Reader, steps: dict[int, Step], count: int | None, first: int) -> dict[str, Any]:
        """What a reader tells of a log and its state, with the rows of its changed steps."""
        return {
            "harness": self.harness,
            "facts": _told(reader.facts),
            "counts": orjson.dumps(
                {"known": dict(reader.known), "unknown": dict(reader.unknown), "stepped": reader.stepped}
            ),
            "state": None if self.short and reader is self.reader else zstandard.compress(reader.dump(), _STATE_LEVEL),
            "offset": self.splitter.offset,
            "line": self.splitter.line,
            "count": count,
            "first": first,
            "rows": [row_of(steps[number]) for number in sorted(steps)],
        }

    def choose(self) -> bool:
        """Name the harness by the first records; False where none knows them."""
        if self.reader is None and self.waiting:
            found = detect([record.value for record in self.waiting]) or HARNESSES.get(self.job.hint)
            if found is None:
                return False
            self.harness = found.name
            self.reader = found.reader(self.job.stem)
            for record in self.waiting:
                self.feed(self.reader, record)
            self.waiting.clear()
            for step in self.reader.take():
                self.steps[step.number] = step
        return self.reader is not None

    def skipped(self) -> str:
        """The status of a log that is of no harness."""
        from tracetui.harness.unread import why_skipped

        return f"skipped: {why_skipped([record.value for record in self.waiting])}"

    def hold(self, data: memoryview) -> None:
        """Remember the ends of what was copied, for the checks of the next growth."""
        if len(self.head) < HEAD:
            self.head += bytes(data[: HEAD - len(self.head)])
        self.tail = bytes(data[-TAIL:]) if len(data) >= TAIL else (self.tail + data)[-TAIL:]
        self.since += len(data)

    def part(self, writer: CopyWriter, stamp: Stamp | None) -> None:
        """Hand over everything read so far."""
        assert self.reader is not None
        reader = self.reader
        count = getattr(reader, "count", None)
        if count is not None:
            # Steps that the reader took back: a copied history turned out to be another session's.
            self.steps = {number: step for number, step in self.steps.items() if number <= count}
        if self.first > 1:
            self.steps = {number: replace(step, number=number + self.first - 1) for number, step in self.steps.items()}
        problems = [*self.problems, *reader.problems[self.seen_problems :][:_PROBLEMS]]
        self.emit(
            Part(
                nth=self.job.nth,
                inner=self.parts_within(writer),
                records=self.records,
                bad=self.splitter.bad - self.bad,
                problems=[(line, plain(reason)) for line, reason in problems],
                copied=writer.bytes,
                copy_size=writer.size,
                head=_NO_HEAD if self.damaged else digest(self.head),
                tail=digest(self.tail),
                torn=self.splitter.pending,
                loose=self.loose,
                stamp=None if stamp is None else (stamp.mtime_ns, stamp.size, stamp.inode, stamp.device),
                **self.said(reader, self.steps, count, self.first),
            )
        )
        self.seen_problems = len(reader.problems)
        self.records, self.since, self.loose, self.bad = 0, 0, 0, self.splitter.bad
        self.problems.clear()
        self.steps.clear()


def _told(facts: LogFacts) -> bytes:
    """What is known of the facts of a log."""
    return orjson.dumps({name: value for name in _FACTS if (value := getattr(facts, name)) != _FACTS[name]})


def digest(data: bytes) -> bytes:
    """Hash of an end of a log, with its length."""
    return struct.pack("<I", len(data)) + blake2b(data, digest_size=12).digest()
