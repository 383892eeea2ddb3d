"""Copies of logs: one file per log and generation, readable without the index and by plain ``zstd -dc -D frames.dict``.

``frames`` tells what a copy is made of. Frames hold about 1 MiB of the log's decompressed bytes and end at line ends,
but for longer lines. A pair of entry and frame is appended by one write, so a kill leaves at most one torn pair at the
end, which the next writer cuts off. Nothing else is ever cut off or overwritten: a copy that is damaged in any other
way takes no more (``DamagedError``), and its log is captured anew beside it.
"""

from __future__ import annotations

import contextlib
import os
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import zstandard

from tracetui.bucket.damage import DamagedError
from tracetui.bucket.dictionary import FramePacker, unpacker
from tracetui.bucket.frames import (
    FRAME,
    LOOSE,
    UNKNOWN,
    Damage,
    Frame,
    Scan,
    Stamp,
    copy_name,
    ends_in_zeros,
    entry,
    header,
    scan,
    unpacked,
)
from tracetui.model import TracetuiError

__all__ = [
    "FRAME",
    "LOOSE",
    "CopyChunk",
    "CopyReader",
    "CopyWriter",
    "DamagedError",
    "Frame",
    "FrameCache",
    "Scan",
    "Stamp",
    "compressor",
    "copy_name",
    "sync_folder",
    "write_all",
]

_READ: Final = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)


class CopyChunk(NamedTuple):
    """Bytes of a log and where they stand in it; ``line`` line ends come before them (UNKNOWN where nothing tells).
    ``data`` is None where they are lost: ``length`` bytes, ``at`` the byte of the copy, ``why`` what is wrong there."""

    start: int
    length: int
    line: int
    data: bytes | None
    at: int = 0
    why: str = ""


def _pair(packer: FramePacker, start: int, data: bytes | memoryview, stamp: Stamp, line: int) -> bytes:
    packed = packer.compress(data)
    return entry(start, len(data), len(packed), stamp, line) + packed


def compressor() -> FramePacker:
    """What makes frames."""
    return FramePacker()


def write_all(handle: int, data: bytes) -> None:
    """Write all of it, however little the system takes at a time. Raises OSError."""
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]


def sync_folder(folder: Path) -> None:
    """Have the system write down the names in a folder, where it can."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


class CopyWriter:
    """Appends to one copy; made on the first ``append`` where there is none.

    ``bytes`` counts the log's bytes in it, ``size`` those of the file itself. ``damage`` tells what is wrong with a
    copy that was there: it takes no more. A torn end is cut off by the first ``append``. An error of writing (a full
    disk) takes back what was half written and is raised as OSError; what was there before stays.
    """

    def __init__(self, path: Path, header: dict[str, Any]) -> None:
        """Open the copy at ``path``; ``header`` is for a new one."""
        self.path = path
        self.header = header
        self.bytes = 0
        self.size = 0
        self.stamp = Stamp(0, 0, 0, 0)
        self.damage: tuple[Damage, ...] = ()
        self._line = 0
        self._frames = 0
        self._handle = -1
        self._ends: list[tuple[int, int, int, int]] = []
        try:
            self._handle = os.open(path, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0))
        except FileNotFoundError:
            return
        self._walk(scan(self._handle, path.name))

    def _walk(self, found: Scan) -> None:
        """Take over what the copy holds; its last frame is read, since that is what a power cut spoils."""
        self.damage = found.damage
        self.bytes, self.size, self.stamp = found.bytes, found.size, found.stamp
        if found.header:
            self.header = found.header
        if not found.frames:
            # (Only a header: its pair was torn off, and what it says may be of a file that is no more.)
            self.size = 0 if not found.damage else found.size
            return
        last = found.frames[-1]
        self._frames = len(found.frames)
        try:
            data = unpacked(os.pread(self._handle, last.size, last.at), last.length)
        except zstandard.ZstdError:
            if found.damage or not ends_in_zeros(self._handle, last.at, last.at + last.size):
                self.damage = (*found.damage, Damage(last.at, last.size, "its last frame"))
            elif self._frames > 1:
                before = found.frames[-2]
                self._walk(Scan(found.header, found.frames[:-1], found.stamp, before.at + before.size, found.file_size))
            else:
                self._frames = self.bytes = self.size = 0
            return
        self._line = UNKNOWN if last.line == UNKNOWN else last.line + data.count(b"\n")

    def append(self, data: bytes | memoryview, stamp: Stamp, packer: FramePacker | None = None) -> None:
        """Add the next bytes of the log as one frame. Raises DamagedError, and OSError."""
        if not data:
            return
        self._refuse_damage()
        pair = _pair(packer or compressor(), self.bytes, data, stamp, self._line)
        if self._handle < 0:
            self._create()
        if self.size == 0 or self._frames == 1:
            # (Twice, far from each other: without it nobody knows whose copy this is.)
            pair = header(self.header) + pair
        self._put(pair)
        self._ends.append((self.bytes, self.size, self._line, self._frames))
        self.bytes += len(data)
        self.size += len(pair)
        self._frames += 1
        if self._line != UNKNOWN:
            self._line += bytes(data).count(b"\n")
        self.stamp = stamp

    def _put(self, data: bytes) -> None:
        if os.fstat(self._handle).st_size != self.size:
            os.ftruncate(self._handle, self.size)  # a torn end
        os.lseek(self._handle, self.size, os.SEEK_SET)
        try:
            write_all(self._handle, data)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._handle, self.size)
            raise

    def _refuse_damage(self) -> None:
        if self.damage:
            raise DamagedError(f"The copy {self.path.name} is damaged and takes no more; see: tracetui doctor")

    def cut(self, length: int) -> None:
        """Take back frames of this writer that begin at or after ``length`` bytes of the log."""
        size = self.size
        while self._ends and self._ends[-1][0] >= length:
            self.bytes, self.size, self._line, self._frames = self._ends.pop()
        if self.size != size:
            os.ftruncate(self._handle, self.size)

    def note(self, **facts: Any) -> None:
        """Change keys of the header (a log was moved) by a further header at the end."""
        self.header = {**self.header, **facts}
        if self.size == 0:
            return
        self._refuse_damage()
        data = header(facts)
        self._put(data)
        self.size += len(data)

    def _create(self) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0)
        try:
            self._handle = os.open(self.path, flags, 0o600)
        except FileNotFoundError:
            self.path.parent.mkdir(mode=0o700, exist_ok=True)
            self.path.parent.chmod(0o700)
            self._handle = os.open(self.path, flags, 0o600)
        if os.name == "posix":
            os.fchmod(self._handle, 0o600)

    def close(self) -> None:
        """Close the file; one that this writer made and that holds not a byte of log is removed."""
        if self._handle >= 0:
            empty = os.fstat(self._handle).st_size == 0
            os.close(self._handle)
            self._handle = -1
            if empty:
                self.path.unlink(missing_ok=True)


class FrameCache:
    """Decompressed frames, least recently used dropped first, up to ``limit`` bytes. Not safe from several threads."""

    def __init__(self, limit: int = 12 * FRAME) -> None:
        self.limit = limit
        self._held: OrderedDict[tuple[object, int], bytes] = OrderedDict()
        self._bytes = 0

    def get(self, key: tuple[object, int]) -> bytes | None:
        """The bytes held under ``key``, perhaps only the beginning of the frame."""
        found = self._held.get(key)
        if found is not None:
            self._held.move_to_end(key)
        return found

    def put(self, key: tuple[object, int], data: bytes) -> None:
        """Hold ``data``, in place of what the key held."""
        self._bytes += len(data) - len(self._held.pop(key, b""))
        self._held[key] = data
        while self._bytes > self.limit and len(self._held) > 1:
            _, dropped = self._held.popitem(last=False)
            self._bytes -= len(dropped)

    def clear(self) -> None:
        """Drop everything."""
        self._held.clear()
        self._bytes = 0


class CopyReader:
    """Random access to the log's bytes in one copy. Goes on working while the copy grows or is re-packed."""

    def __init__(self, path: Path, cache: FrameCache | None = None) -> None:
        self.path = path
        self._cache = cache or FrameCache(2 * FRAME)
        self._handle = -1
        self._open()

    def _open(self) -> None:
        try:
            handle = os.open(self.path, _READ)
        except OSError as error:
            raise TracetuiError(
                f"The copy {self.path.name} cannot be read ({error.strerror}); see: tracetui doctor --repair"
            ) from None
        found = scan(handle, self.path.name)
        if self._handle >= 0:
            os.close(self._handle)
        self._handle = handle
        state = os.fstat(handle)
        self._key = (str(self.path), state.st_ino, state.st_dev)
        self.scan = found
        self._starts = [frame.start for frame in found.frames]

    def read(self, offset: int, length: int) -> bytes:
        """``length`` bytes of the log from ``offset``; fewer where the copy ends before. Raises DamagedError where some
        of them are lost."""
        if offset + length > self.scan.bytes:
            self._open()
        out: list[bytes] = []
        end = min(offset + length, self.scan.bytes)
        while offset < end:
            nth = self.place(offset)
            if nth < 0:
                raise self._lost(offset)
            frame = self.scan.frames[nth]
            first = offset - frame.start
            last = min(end - frame.start, frame.length)
            out.append(self._frame(nth, last)[first:last])
            offset = frame.start + last
        return out[0] if len(out) == 1 else b"".join(out)

    def chunks(self, offset: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The log's bytes from ``offset`` to ``end`` (all there are), a frame at a time, without filling the cache.
        Raises DamagedError at the first that are lost."""
        for piece in self.pieces(offset, end):
            if piece.data is None:
                raise self._damaged(piece.at, piece.why) if piece.at else self._lost(piece.start)
            yield piece.data

    def pieces(self, offset: int = 0, end: int | None = None) -> Iterator[CopyChunk]:
        """As ``chunks``, and goes on behind what is lost: that is a piece without data."""
        if end is None or end > self.scan.bytes:
            self._open()  # the copy may have grown since
        limit = self.scan.bytes if end is None else min(end, self.scan.bytes)
        nth = max(bisect_right(self._starts, offset) - 1, 0)
        line = 0 if offset == 0 else UNKNOWN
        at = offset
        for frame in self.scan.frames[nth:]:
            if frame.start >= limit:
                return
            if frame.start > at:
                yield CopyChunk(at, frame.start - at, line, None)
                line = UNKNOWN
            line = frame.line if frame.line != UNKNOWN else line
            try:
                data = unpacked(os.pread(self._handle, frame.size, frame.at), frame.length)
            except zstandard.ZstdError as error:
                yield CopyChunk(frame.start, frame.length, line, None, frame.at, str(error))
                line = UNKNOWN
            else:
                first, last = max(offset - frame.start, 0), min(limit - frame.start, frame.length)
                known = line != UNKNOWN
                before = line + data.count(b"\n", 0, first) if known else line
                part = data if last - first == frame.length else data[first:last]
                yield CopyChunk(frame.start + first, len(part), before, part)
                line = line + data.count(b"\n") if known else line
            at = frame.start + frame.length

    def packed(self, frame: Frame) -> bytes:
        """A frame as it stands in the file."""
        return os.pread(self._handle, frame.size, frame.at)

    def whole(self, frame: Frame) -> bytes:
        """All of one frame, its checksum held. Safe from several threads. Raises DamagedError."""
        packed = os.pread(self._handle, frame.size, frame.at)
        try:
            return unpacked(packed, frame.length)
        except zstandard.ZstdError as error:
            raise self._damaged(frame.at, error) from None

    def place(self, offset: int) -> int:
        """Which frame holds the log's byte at ``offset``; -1 where none does."""
        nth = bisect_right(self._starts, offset) - 1
        if nth < 0:
            return -1
        frame = self.scan.frames[nth]
        return nth if offset < frame.start + frame.length else -1

    def head(self, frame: Frame, need: int) -> bytes:
        """The first ``need`` bytes of a frame, or more. Safe from several threads. Raises DamagedError."""
        if need * 4 > frame.length * 3:
            return self.whole(frame)
        packed = os.pread(self._handle, frame.size, frame.at)
        try:
            with unpacker(packed).stream_reader(packed, read_size=65536) as stream:
                return stream.read(need)
        except zstandard.ZstdError as error:
            raise self._damaged(frame.at, error) from None

    def _frame(self, nth: int, need: int) -> bytes:
        key = (self._key, nth)
        held = self._cache.get(key)
        if held is not None and len(held) >= need:
            return held
        frame = self.scan.frames[nth]
        data = self.whole(frame) if held is not None else self.head(frame, need)
        if len(data) < need:
            raise self._damaged(frame.at, "too short")
        self._cache.put(key, data)
        return data

    def _damaged(self, at: int, error: object) -> DamagedError:
        return DamagedError(
            f"The copy {self.path.name} is damaged at byte {at:,} ({str(error)[:80]}); see: tracetui doctor --repair"
        )

    def _lost(self, offset: int) -> DamagedError:
        return DamagedError(
            f"The copy {self.path.name} lost what stood at byte {offset:,} of its log; see: tracetui doctor --repair"
        )

    def close(self) -> None:
        """Close the file."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1
