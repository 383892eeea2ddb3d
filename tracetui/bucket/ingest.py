"""One log: read what is new, copy it, turn it into rows. Runs in a reader process or, for little work, in ours.

A job and what comes of it are plain dicts of numbers, strings and bytes, so that they cross a pipe by ``marshal``.
``read_log`` calls ``emit`` with *parts*: each is a consistent advance of the index (rows, counters, the reader's state
and where it stands), and everything that it speaks of is in the copy by then.
"""

from __future__ import annotations

import errno
import io
import os
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any, BinaryIO, Final

import orjson
import zstandard

from tracetui.bucket.copies import FRAME, LOOSE, CopyChunk, CopyReader, CopyWriter, Stamp, compressor
from tracetui.bucket.frames import UNKNOWN
from tracetui.bucket.within import InnerRun
from tracetui.harness import HARNESSES, detect, tools
from tracetui.harness.base import Reader
from tracetui.harness.database import Snapshot
from tracetui.harness.lines import Splitter
from tracetui.harness.opening import open_log
from tracetui.model import KINDS, LogFacts, Problem, Record, Source, Step

__all__ = ["SOURCE", "pack_sources", "read_log", "texts_of", "unpack_sources"]

SOURCE: Final = struct.Struct("<IIBI")
"""A source of a step in the index: line, low and high part of the offset, length."""
_TWO: Final = struct.Struct("<IIBIIIBI")
_MARK: Final = struct.Struct("<q")
_MAX: Final = 0xFFFFFFFF
_HEAD: Final = 4096
_TAIL: Final = 65536
_PART: Final = 4 * FRAME
_DETECT: Final = 20
_KIND: Final = {kind: nth for nth, kind in enumerate(KINDS)}
_PROBLEMS: Final = 200
_INNER: Final = 2000
"""Subagents within one log; the most seen were 61."""
_MUTE: Final = frozenset({int, bool, float})
_SHORT: Final = 128 * 1024
"""Bytes of a log of which the reader's state is not kept. Reading so many again takes a millisecond or two, and happens
when such a log grows."""
_STATE_LEVEL: Final = 1
_FACTS: Final = {item.name: item.default for item in fields(LogFacts)}
_NO_HEAD: Final = bytes(16)
"""In place of the digest of a log's beginning: that of no file."""
_NO_TOKENS: Final = ("", "", "", "", "")
_BETWEEN: Final = "\n\ue000\n"
"""Between the texts of a step; a word of its own to the index, so that no phrase reaches from one into the next."""

Emit = Callable[[dict[str, Any]], None]


def pack_sources(sources: tuple[Source, ...]) -> bytes:
    """Sources as bytes."""
    if len(sources) == 2:
        # A call and its result: nearly half of all steps.
        (line, at, length), (other, then, size) = sources
        if line <= _MAX and length <= _MAX and other <= _MAX and size <= _MAX:
            return _TWO.pack(
                *(line, at & _MAX, (at >> 32) & 0xFF, length, other, then & _MAX, (then >> 32) & 0xFF, size)
            )
    elif len(sources) == 1:
        line, at, length = sources[0]
        if line <= _MAX and length <= _MAX:
            return SOURCE.pack(line, at & _MAX, (at >> 32) & 0xFF, length)
    return b"".join(
        [
            SOURCE.pack(line & _MAX, offset & _MAX, (offset >> 32) & 0xFF, min(length, _MAX))
            for line, offset, length in sources
        ]
    )


def unpack_sources(data: bytes) -> tuple[Source, ...]:
    """The reverse of ``pack_sources``."""
    return tuple(Source(line, low | high << 32, length) for line, low, high, length in SOURCE.iter_unpack(data))


def _strings(value: Any, out: list[str]) -> None:
    if type(value) is dict:
        # Nearly all inputs are flat.
        flat: list[str] = []
        for item in value.values():
            if type(item) is str:
                flat.append(item)
            elif item is not None and type(item) not in _MUTE:
                break
        else:
            out += flat
            return
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            out.append(item)
        elif isinstance(item, Mapping):
            stack.extend(reversed(list(item.values())))
        elif isinstance(item, list | tuple):
            stack.extend(reversed(item))


def texts_of(step: Step) -> list[str]:
    """The texts of a step that are searched: its text, the strings of a call's input, its output; an unnamed kind of
    tool (MCP) by its name too."""
    out: list[str] = []
    if step.text:
        out.append(step.text)
    tool = step.tool
    if tool is not None:
        if step.kind == "tool" and tool.name:
            out.append(tool.name)
        _strings(tool.input, out)
        if tool.output and tool.output != step.text:
            out.append(tool.output)
    return out


def doc_of(step: Step) -> tuple[str, int]:
    """The text of a step as it is indexed, and a 64-bit hash of it (signed, as SQLite keeps it)."""
    text = step.text or "" if step.tool is None else _BETWEEN.join(texts_of(step))
    try:
        data = text.encode()
    except UnicodeEncodeError:
        data = text.encode("utf-8", "replace")
        text = data.decode("utf-8")
    (mark,) = _MARK.unpack(blake2b(data, digest_size=8).digest())
    return text, mark


def _plain(text: str) -> str:
    """Text that can be stored: lone surrogates replaced."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def row_of(step: Step) -> tuple[Any, ...]:
    """The row that the index keeps of a step, with the text's hash, its text and the files that it speaks of at the
    end; "" where it has no value (see ``index``)."""
    tool, tokens, cost = step.tool, step.tokens, step.cost_usd
    text, digest = doc_of(step)
    flags = 2 if step.sidechain else 0
    summary, model, key, thread = step.summary, step.model or "", step.key, step.thread or ""
    name = ""
    code: int | str | None = ""
    took: int | str | None = ""
    if tool is not None:
        flags |= step.failed
        name, code, took = tool.name, tool.exit_code, tool.duration_ms
        if code is None:
            code = ""
        if took is None:
            took = ""
    if not f"{summary}{key}{model}{thread}{name}".isascii():
        summary, key, model, thread, name = map(_plain, (summary, key, model, thread, name))
    head = (step.number, _KIND[step.kind], flags, step.time, summary, name, code, took)
    paid = "" if cost is None else cost
    touched = [] if tool is None else tools.paths(step.kind, tool.input)
    if touched:
        touched = [_plain(path) for path in touched]
    tail = (model, key, thread, len(text), step.images, paid, pack_sources(step.sources), digest, text, touched)
    if tokens is None:
        return head + _NO_TOKENS + tail
    return (*head, tokens.input, tokens.output, tokens.cache_read, tokens.cache_write, tokens.cache_write_long, *tail)


def open_source(path: str) -> tuple[BinaryIO, Stamp]:
    """A log as a stream of its decompressed bytes, and what its file looks like. Raises OSError."""
    stream = open_log(path)
    state = os.fstat(stream.fileno())
    return stream, Stamp(state.st_mtime_ns, state.st_size, state.st_ino, state.st_dev)


class _RewrittenError(Exception):
    """The file is not a longer version of what was copied."""


class _ForeignError(Exception):
    """The first records are of no known harness."""


class _Run:
    """The state of reading one log."""

    def __init__(self, job: dict[str, Any], emit: Emit) -> None:
        self.job = job
        self.emit = emit
        self.splitter = Splitter(job["offset"], job["line"])
        self.harness: str = job["harness"]
        self.reader: Reader | None = None
        if self.harness:
            state = job["state"]
            self.reader = HARNESSES[self.harness].reader(job["stem"], state and zstandard.decompress(state))
        self.inner: dict[str, InnerRun] = {}
        for agent, state in job.get("inner", ()):
            made = HARNESSES[self.harness].reader(f"agent-{agent}", zstandard.decompress(state))
            self.inner[agent] = InnerRun(agent, made)
        self.waiting: list[Record] = []
        self.steps: dict[int, Step] = {}
        self.first = job.get("first", 1)
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
                raise _ForeignError
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

    def parts_within(self, writer: CopyWriter) -> list[dict[str, Any]]:
        """What came of the subagents within since the last part, as parts of logs of their own."""
        out: list[dict[str, Any]] = []
        for run in self.inner.values():
            if not run.records:
                continue
            records, steps, count = run.hand_over()
            out.append(
                {
                    "agent": run.agent,
                    **self.said(run.reader, steps, count, 1),
                    "records": records,
                    "bad": 0,
                    "problems": [],
                    "copied": writer.bytes,
                    "copy_size": 0,
                    "head": b"",
                    "tail": b"",
                    "torn": 0,
                    "loose": 0,
                    "stamp": None,
                }
            )
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
            found = detect([record.value for record in self.waiting]) or HARNESSES.get(self.job.get("hint", ""))
            if found is None:
                return False
            self.harness = found.name
            self.reader = found.reader(self.job["stem"])
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
        if len(self.head) < _HEAD:
            self.head += bytes(data[: _HEAD - len(self.head)])
        self.tail = bytes(data[-_TAIL:]) if len(data) >= _TAIL else (self.tail + data)[-_TAIL:]
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
        problems = [(line, reason) for line, reason in self.problems]
        problems += [(line, reason) for line, reason in reader.problems[self.seen_problems :][:_PROBLEMS]]
        self.emit(
            {
                "part": self.job["nth"],
                **self.said(reader, self.steps, count, self.first),
                "inner": self.parts_within(writer),
                "records": self.records,
                "bad": self.splitter.bad - self.bad,
                "problems": problems,
                "copied": writer.bytes,
                "copy_size": writer.size,
                "head": _NO_HEAD if self.damaged else digest(self.head),
                "tail": digest(self.tail),
                "torn": self.splitter.pending,
                "loose": self.loose,
                "stamp": None if stamp is None else tuple(stamp),
            }
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


def _length(mark: bytes) -> int:
    return int(struct.unpack_from("<I", mark)[0])


def _read_exactly(stream: BinaryIO, length: int) -> bytes:
    out = bytearray()
    while len(out) < length:
        piece = stream.read(length - len(out))
        if not piece:
            break
        out += piece
    return bytes(out)


def _position(stream: BinaryIO, at: int, now: int) -> None:
    if not stream.seekable():
        while now < at:
            piece = stream.read(min(FRAME, at - now))
            if not piece:
                raise _RewrittenError
            now += len(piece)
    else:
        stream.seek(at)


def _verify(stream: BinaryIO, stamp: Stamp, job: dict[str, Any], known: int, run: _Run) -> None:
    """Check that the file still begins with what was copied; leaves the stream at byte ``known``."""
    if stream.seekable() and stamp.size < known:
        raise _RewrittenError
    head_mark, tail_mark = job["head"], job["tail"]
    run.head = _read_exactly(stream, min(_HEAD, known))
    if digest(run.head[: _length(head_mark)]) != head_mark:
        raise _RewrittenError
    start = known - _length(tail_mark)
    if start < len(run.head):
        rest = _read_exactly(stream, known - len(run.head))
        run.tail = (run.head + rest)[start:]
    else:
        _position(stream, start, len(run.head))
        run.tail = _read_exactly(stream, known - start)
    if digest(run.tail) != tail_mark:
        raise _RewrittenError


def _replay(run: _Run, copy: Path, writer: CopyWriter, *, goes_on: bool) -> None:
    """Read from the copy what the index does not have yet (after a kill, or because it was thrown away), whatever is
    damaged in between left out and named.

    Where the log ``goes_on``, a line whose end was not copied yet is read on from there.
    """
    reader = CopyReader(copy)
    try:
        for piece in reader.pieces(run.splitter.offset, writer.bytes):
            if piece.data is None:
                run.lose(piece)
                continue
            run.resume(piece)
            run.take_in(run.splitter.feed(piece.data))
            run.since += piece.length
            if run.since >= _PART and run.reader is not None and run.splitter.pending == 0:
                _ends(run, reader, run.splitter.offset)
                run.part(writer, None)
        if not goes_on:
            run.take_in(run.splitter.finish())
        _ends(run, reader, writer.bytes if goes_on else run.splitter.offset)
    finally:
        reader.close()


def _ends(run: _Run, reader: CopyReader, end: int) -> None:
    if run.lost or reader.scan.damage:
        # No file begins like this: its next version is captured anew, beside the damaged copy.
        run.damaged = True
        return
    run.head = reader.read(0, min(_HEAD, end))
    run.tail = reader.read(max(0, end - _TAIL), min(_TAIL, end))


def read_log(job: dict[str, Any], emit: Emit) -> str:
    """Do one job; gives ``ok``, ``unchanged``, ``rewritten``, ``damaged`` (the copy takes no more) or ``skipped:
    REASON``. Raises OSError and whatever a
    hostile log provokes; what was emitted before stands.

    Keys of a job: ``nth``; ``path`` (None: only read the copy); ``copy``, ``header``; ``harness`` ("" when
    not known yet), ``stem``, ``state``, ``offset``, ``line``; ``head``, ``tail`` (marks of the known ends or None);
    ``beginning``, how many bytes are enough (0: all); ``first``, the number of the first step (1); ``hint``, the
    harness where the records do not tell; ``stamp``, what the file was like when it was found; ``snapshot``, of a
    session in a database, what of it to read; ``data``, the file to read in place of ``path``.
    """
    run = _Run(job, emit)
    copy = Path(job["copy"])
    writer = CopyWriter(copy, job["header"])
    try:
        if writer.damage and job["path"] is not None:
            return "damaged"
        if writer.bytes < job["offset"]:
            return "rewritten"
        if run.reader is not None and job["state"] is None and job["offset"]:
            run.recall(copy, job["offset"])
        if writer.bytes > job["offset"]:
            _replay(run, copy, writer, goes_on=job["path"] is not None)
            if run.damaged and job["path"] is not None:
                return "damaged"
            if not run.choose():
                return run.skipped()
            seen = writer.stamp
            # Whoever wrote the copy may have been stopped within the log.
            run.part(writer, None if not seen.size else seen if seen.size == writer.bytes else seen.midway())
            job = {**job, "head": digest(run.head), "tail": digest(run.tail)}
        if job["path"] is None:
            return "ok"
        return _capture(run, job, writer)
    except _RewrittenError:
        return "rewritten"
    except _ForeignError:
        return run.skipped()
    finally:
        writer.close()


def _pieces(stream: BinaryIO, size: int) -> Iterator[bytes]:
    while True:
        piece = stream.read(size)
        if not piece:
            return
        yield piece


def _append(run: _Run, writer: CopyWriter, data: memoryview, stamp: Stamp) -> None:
    if not writer.size and run.harness:
        writer.header = {**writer.header, "harness": run.harness}
    writer.append(data, stamp, run.packer)
    run.hold(data)


def _records(run: _Run, job: dict[str, Any], known: int) -> tuple[BinaryIO, Stamp] | None:
    """What the copy lacks of a log whose records are not lines, as lines; None for a file of lines."""
    from tracetui.harness.sources import lines_of

    snapshot = None if job.get("snapshot") is None else Snapshot(*job["snapshot"])
    copy = CopyReader(Path(job["copy"])) if known else None
    try:
        before = () if copy is None else _values(copy)
        found = lines_of(job.get("data") or job["path"], before, None if snapshot is None else snapshot.path)
        if found is None:
            return None
        if snapshot is not None and snapshot.changed():
            raise OSError(errno.EAGAIN, "the database changed while it was read; the next run reads it again")
        if copy is not None:
            _ends(run, copy, known)
    finally:
        if copy is not None:
            copy.close()
    return io.BytesIO(found), Stamp(*job["stamp"])


def _values(copy: CopyReader) -> Iterator[dict[str, Any]]:
    splitter = Splitter()
    for chunk in copy.chunks():
        for item in splitter.feed(chunk):
            if isinstance(item, Record):
                yield item.value


def _capture(run: _Run, job: dict[str, Any], writer: CopyWriter) -> str:
    known = writer.bytes
    opened = _records(run, job, known)
    stream, stamp = opened or open_source(job.get("data") or job["path"])
    if job.get("data"):
        stamp = Stamp(*job["stamp"])
    try:
        if known and opened is None:
            _verify(stream, stamp, job, known, run)
        held = b""
        line_tail: bytes | None = None
        grown = False
        size = min(job.get("beginning") or FRAME, FRAME)
        for piece in _pieces(stream, size):
            run.take_in(run.splitter.feed(piece))
            held = held + piece if held else piece
            if len(held) < size:
                continue
            whole = run.splitter.offset - writer.bytes
            if whole > 0:
                data = memoryview(held)[:whole]
                held = held[whole:]
                line_tail = None
            else:
                # Inside a line longer than a frame: copied as it comes, taken back if its end never does.
                if line_tail is None:
                    line_tail = run.tail
                data = memoryview(held)
                held = b""
            _append(run, writer, data, stamp)
            grown = True
            if job.get("beginning") and run.splitter.offset == writer.bytes and run.choose():
                run.part(writer, stamp.midway())
                return "ok"
            if run.since >= _PART and run.reader is not None and run.splitter.offset == writer.bytes:
                run.part(writer, stamp.midway())
        run.take_in(run.splitter.finish())
        end = run.splitter.offset
        if not run.choose():
            writer.cut(0)
            return "skipped: empty file" if stamp.size == 0 else run.skipped()
        if end < writer.bytes:
            writer.cut(end)
            run.head = run.head[:end]
            run.tail = line_tail if line_tail is not None else run.tail
        elif end > writer.bytes:
            data = memoryview(held)[: end - writer.bytes]
            _append(run, writer, data, stamp)
            run.loose += len(data) < LOOSE
            grown = True
        run.part(writer, stamp)
        return "ok" if grown else "unchanged"
    finally:
        stream.close()
