"""One log: read what is new, copy it, turn it into rows. Runs in a reader process or, for little work, in ours.

A job and what comes of it are typed messages (``wire``), whether they cross a pipe or not. ``read_log`` calls ``emit``
with *parts*: each is a consistent advance of the index (rows, counters, the reader's state and where it stands), and
everything that it speaks of is in the copy by then.
"""

from __future__ import annotations

import errno
import io
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final

from msgspec import structs

from tracetui.bucket.copies import FRAME, LOOSE, CopyReader, CopyWriter, Stamp
from tracetui.bucket.run import HEAD, TAIL, Emit, ForeignError, Run, digest
from tracetui.bucket.wire import Job
from tracetui.harness.database import Snapshot
from tracetui.harness.lines import Splitter
from tracetui.harness.opening import open_log
from tracetui.model import Record

__all__ = ["read_log"]

_PART: Final = 4 * FRAME


def open_source(path: str) -> tuple[BinaryIO, Stamp]:
    """A log as a stream of its decompressed bytes, and what its file looks like. Raises OSError."""
    stream = open_log(path)
    state = os.fstat(stream.fileno())
    return stream, Stamp(state.st_mtime_ns, state.st_size, state.st_ino, state.st_dev)


class _RewrittenError(Exception):
    """The file is not a longer version of what was copied."""


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


def _verify(stream: BinaryIO, stamp: Stamp, job: Job, known: int, run: Run) -> None:
    """Check that the file still begins with what was copied; leaves the stream at byte ``known``."""
    if stream.seekable() and stamp.size < known:
        raise _RewrittenError
    head_mark, tail_mark = job.head, job.tail
    assert head_mark is not None
    assert tail_mark is not None
    run.head = _read_exactly(stream, min(HEAD, known))
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


def _replay(run: Run, copy: Path, writer: CopyWriter, *, goes_on: bool) -> None:
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


def _ends(run: Run, reader: CopyReader, end: int) -> None:
    if run.lost or reader.scan.damage:
        # No file begins like this: its next version is captured anew, beside the damaged copy.
        run.damaged = True
        return
    run.head = reader.read(0, min(HEAD, end))
    run.tail = reader.read(max(0, end - TAIL), min(TAIL, end))


def read_log(job: Job, emit: Emit) -> str:
    """Do one job; gives ``ok``, ``unchanged``, ``rewritten``, ``damaged`` (the copy takes no more) or ``skipped:
    REASON``. Raises OSError and whatever a hostile log provokes; what was emitted before stands."""
    run = Run(job, emit)
    copy = job.copy_path
    writer = CopyWriter(copy, job.facts)
    try:
        if writer.damage and job.path is not None:
            return "damaged"
        if writer.bytes < job.offset:
            return "rewritten"
        if run.reader is not None and job.state is None and job.offset:
            run.recall(copy, job.offset)
        if writer.bytes > job.offset:
            _replay(run, copy, writer, goes_on=job.path is not None)
            if run.damaged and job.path is not None:
                return "damaged"
            if not run.choose():
                return run.skipped()
            seen = writer.stamp
            # Whoever wrote the copy may have been stopped within the log.
            run.part(writer, None if not seen.size else seen if seen.size == writer.bytes else seen.midway())
            job = structs.replace(job, head=digest(run.head), tail=digest(run.tail))
        if job.path is None:
            return "ok"
        return _capture(run, job, writer)
    except _RewrittenError:
        return "rewritten"
    except ForeignError:
        return run.skipped()
    finally:
        writer.close()


def _pieces(stream: BinaryIO, size: int) -> Iterator[bytes]:
    while True:
        piece = stream.read(size)
        if not piece:
            return
        yield piece


def _append(run: Run, writer: CopyWriter, data: memoryview, stamp: Stamp) -> None:
    if not writer.size and run.harness:
        writer.header = {**writer.header, "harness": run.harness}
    writer.append(data, stamp, run.packer)
    run.hold(data)


def _records(run: Run, job: Job, known: int) -> tuple[BinaryIO, Stamp] | None:
    """What the copy lacks of a log whose records are not lines, as lines; None for a file of lines."""
    from tracetui.harness.sources import lines_of

    snapshot = None
    if job.snapshot is not None:
        path, origin, *state = job.snapshot
        snapshot = Snapshot(os.fsdecode(path), os.fsdecode(origin), *state)
    copy = CopyReader(job.copy_path) if known else None
    try:
        before = () if copy is None else _values(copy)
        found = lines_of(job.source, before, None if snapshot is None else snapshot.path)
        if found is None:
            return None
        if snapshot is not None and snapshot.changed():
            raise OSError(errno.EAGAIN, "the database changed while it was read; the next run reads it again")
        if copy is not None:
            _ends(run, copy, known)
    finally:
        if copy is not None:
            copy.close()
    return io.BytesIO(found), _stamp_of(job)


def _values(copy: CopyReader) -> Iterator[dict[str, Any]]:
    splitter = Splitter()
    for chunk in copy.chunks():
        for item in splitter.feed(chunk):
            if isinstance(item, Record):
                yield item.value


def _stamp_of(job: Job) -> Stamp:
    """What the file was like when it was found."""
    assert job.stamp is not None
    return Stamp(*job.stamp)


def _capture(run: Run, job: Job, writer: CopyWriter) -> str:
    known = writer.bytes
    opened = _records(run, job, known)
    stream, stamp = opened or open_source(job.source)
    if job.data:
        stamp = _stamp_of(job)
    try:
        if known and opened is None:
            _verify(stream, stamp, job, known, run)
        held = b""
        line_tail: bytes | None = None
        grown = False
        size = min(job.beginning or FRAME, FRAME)
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
            if job.beginning and run.splitter.offset == writer.bytes and run.choose():
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
