"""Copies of logs: one file per log and generation, readable without the index and by plain ``zstd -dc``.

A file is a header, then pairs of an entry and a zstd frame. Header and entry are *skippable frames* of the zstd format
(RFC 8878, 3.1.2): a magic number, a length and a payload that decoders pass over. The header's payload is JSON (path,
harness, stem, generation ...); an entry tells the frame's place in the log and what the log's file looked like when it
was captured. Frames hold about 1 MiB of the log's decompressed bytes and end at line ends, but for longer lines; they
carry a checksum. A pair is appended by one write, so a kill leaves at most one torn pair at the end, which ``scan``
leaves out and the next writer cuts.
"""

from __future__ import annotations

import contextlib
import json
import os
import struct
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final, NamedTuple

import zstandard

from tracetui.model import TracetuiError

__all__ = ["FRAME", "CopyReader", "CopyWriter", "Frame", "FrameCache", "Scan", "copy_name", "repack", "scan"]

FRAME: Final = 1024 * 1024
"""Bytes of log in a frame, about."""
LOOSE: Final = FRAME // 2
"""A frame of fewer bytes is loose: ``repack`` joins it with its neighbours."""
LEVEL: Final = 1
_HEADER_MAGIC: Final = 0x184D2A54
_ENTRY_MAGIC: Final = 0x184D2A55
_SKIP: Final = struct.Struct("<II")
_ENTRY: Final = struct.Struct("<QIIqQQQ")
_HEADER_LIMIT: Final = 1024 * 1024


class Frame(NamedTuple):
    """A frame: where its bytes stand in the log (``start``, ``length``) and in the copy (``at``, ``size``)."""

    start: int
    length: int
    at: int
    size: int


class Stamp(NamedTuple):
    """What the log's own file looked like when bytes of it were captured."""

    mtime_ns: int
    size: int
    inode: int
    device: int

    def midway(self) -> Stamp:
        """The stamp of a log that was not read to its end: no file looks like this, so the next run reads on."""
        return self._replace(size=-1)


@dataclass(frozen=True, slots=True)
class Scan:
    """What a copy holds: header, frames, the stamp of the last capture, whole bytes of the copy, bytes of the file."""

    header: dict[str, Any]
    frames: list[Frame]
    stamp: Stamp
    size: int
    file_size: int

    @property
    def bytes(self) -> int:
        """Bytes of the log that the copy holds."""
        return self.frames[-1].start + self.frames[-1].length if self.frames else 0

    @property
    def loose(self) -> int:
        """How many frames at the end a re-packing would join."""
        count = 0
        for frame in reversed(self.frames):
            if frame.length >= LOOSE:
                break
            count += 1
        return count


def copy_name(path: str, generation: int) -> str:
    """The place of a copy below ``copies/``: by a hash, since paths are hostile text."""
    name = blake2b(path.encode("utf-8", "surrogateescape"), digest_size=10).hexdigest()
    return f"{name[:2]}/{name}-{generation}.jsonl.zst"


def scan(handle: int) -> Scan | None:
    """Walk the entries of a copy; None where even the header is torn. A torn end is left out."""
    total = os.fstat(handle).st_size
    head = os.pread(handle, _SKIP.size, 0)
    if len(head) < _SKIP.size:
        return None
    magic, length = _SKIP.unpack(head)
    if magic != _HEADER_MAGIC or length > _HEADER_LIMIT or _SKIP.size + length > total:
        return None
    try:
        header = json.loads(os.pread(handle, length, _SKIP.size))
    except ValueError:
        return None
    if not isinstance(header, dict):
        return None
    at = _SKIP.size + length
    frames: list[Frame] = []
    stamp = Stamp(0, 0, 0, 0)
    step = _SKIP.size + _ENTRY.size
    expected = 0
    while at + _SKIP.size <= total:
        raw = os.pread(handle, step, at)
        magic, length = _SKIP.unpack_from(raw)
        if magic == _HEADER_MAGIC and at + _SKIP.size + length <= total and length <= _HEADER_LIMIT:
            try:
                header.update(json.loads(os.pread(handle, length, at + _SKIP.size)))
            except (ValueError, TypeError):
                break
            at += _SKIP.size + length
            continue
        if magic != _ENTRY_MAGIC or length != _ENTRY.size or len(raw) < step:
            break
        start, count, size, mtime_ns, source, inode, device = _ENTRY.unpack_from(raw, _SKIP.size)
        if start != expected or at + step + size > total:
            break
        frames.append(Frame(start, count, at + step, size))
        stamp = Stamp(mtime_ns, source, inode, device)
        expected = start + count
        at += step + size
    return Scan(header, frames, stamp, at, total)


def _pair(compressor: zstandard.ZstdCompressor, start: int, data: bytes | memoryview, stamp: Stamp) -> bytes:
    packed = compressor.compress(data)
    entry = _ENTRY.pack(start, len(data), len(packed), *stamp)
    return b"".join((_SKIP.pack(_ENTRY_MAGIC, _ENTRY.size), entry, packed))


def _compressor() -> zstandard.ZstdCompressor:
    return zstandard.ZstdCompressor(level=LEVEL, write_checksum=True, write_content_size=True)


def _write_all(handle: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]


class CopyWriter:
    """Appends to one copy; made on the first ``append`` where there is none.

    ``bytes`` counts the log's bytes in it, ``size`` those of the file itself. An error of writing (a full disk) takes
    back what was half written and is raised as OSError; what was there before stays.
    """

    def __init__(self, path: Path, header: dict[str, Any], *, trusted: tuple[int, int] | None = None) -> None:
        """Open the copy at ``path``. ``trusted`` is (file size, bytes of log) as the index knows them: where the size
        agrees, the copy is not walked."""
        self.path = path
        self.header = header
        self.bytes = 0
        self.size = 0
        self.stamp = Stamp(0, 0, 0, 0)
        self._handle = -1
        self._ends: list[tuple[int, int]] = []
        try:
            self._handle = os.open(path, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0))
        except FileNotFoundError:
            return
        file_size = os.fstat(self._handle).st_size
        if trusted is not None and file_size == trusted[0]:
            self.size, self.bytes = trusted
        else:
            found = scan(self._handle)
            if found is not None and found.frames and not _whole(self._handle, found.frames[-1]):
                last = found.frames.pop()
                found = Scan(found.header, found.frames, found.stamp, last.at - _SKIP.size - _ENTRY.size, file_size)
            if found is None:
                os.ftruncate(self._handle, 0)
            else:
                if found.size < file_size:
                    os.ftruncate(self._handle, found.size)
                self.header = found.header
                self.bytes, self.size, self.stamp = found.bytes, found.size, found.stamp
        os.lseek(self._handle, self.size, os.SEEK_SET)

    def append(
        self, data: bytes | memoryview, stamp: Stamp, compressor: zstandard.ZstdCompressor | None = None
    ) -> None:
        """Add the next bytes of the log as one frame."""
        if not data:
            return
        pair = _pair(compressor or _compressor(), self.bytes, data, stamp)
        if self._handle < 0:
            self._create()
        if self.size == 0:
            payload = json.dumps(self.header, ensure_ascii=True, separators=(",", ":")).encode("ascii")
            pair = _SKIP.pack(_HEADER_MAGIC, len(payload)) + payload + pair
        try:
            _write_all(self._handle, pair)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._handle, self.size)
                os.lseek(self._handle, self.size, os.SEEK_SET)
            raise
        self._ends.append((self.bytes, self.size))
        self.bytes += len(data)
        self.size += len(pair)
        self.stamp = stamp

    def cut(self, length: int) -> None:
        """Take back frames of this writer that begin at or after ``length`` bytes of the log."""
        size = self.size
        while self._ends and self._ends[-1][0] >= length:
            self.bytes, self.size = self._ends.pop()
        if self.size != size:
            os.ftruncate(self._handle, self.size)
            os.lseek(self._handle, self.size, os.SEEK_SET)

    def restart(self, start: int) -> None:
        """Take back every frame from the one that begins at ``start`` bytes of the log on."""
        found = scan(self._handle)
        if found is None:
            return
        for frame in found.frames:
            if frame.start >= start:
                self.bytes, self.size = frame.start, frame.at - _SKIP.size - _ENTRY.size
                self._ends.clear()
                os.ftruncate(self._handle, self.size)
                os.lseek(self._handle, self.size, os.SEEK_SET)
                return

    def note(self, **facts: Any) -> None:
        """Change keys of the header (a log was moved) by a further header at the end."""
        self.header = {**self.header, **facts}
        if self.size == 0:
            return
        payload = json.dumps(facts, ensure_ascii=True, separators=(",", ":")).encode("ascii")
        _write_all(self._handle, _SKIP.pack(_HEADER_MAGIC, len(payload)) + payload)
        self.size += _SKIP.size + len(payload)

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
        """Close the file; a copy without a byte of log is removed."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1
            if self.size == 0:
                self.path.unlink(missing_ok=True)


def _whole(handle: int, frame: Frame) -> bool:
    """Whether a frame decompresses and its checksum holds."""
    try:
        packed = os.pread(handle, frame.size, frame.at)
        return len(zstandard.ZstdDecompressor().decompress(packed, max_output_size=frame.length)) == frame.length
    except zstandard.ZstdError:
        return False


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
        self._decompressor = zstandard.ZstdDecompressor()
        self._handle = -1
        self._open()

    def _open(self) -> None:
        try:
            handle = os.open(self.path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0))
        except OSError as error:
            raise TracetuiError(f"The copy {self.path.name} cannot be read ({error.strerror}); try: doctor") from None
        found = scan(handle)
        if found is None:
            os.close(handle)
            raise TracetuiError(f"The copy {self.path.name} is damaged at its beginning; see: tracetui doctor")
        if self._handle >= 0:
            os.close(self._handle)
        self._handle = handle
        state = os.fstat(handle)
        self._key = (str(self.path), state.st_ino, state.st_dev)
        self.scan = found
        self._starts = [frame.start for frame in found.frames]

    def read(self, offset: int, length: int) -> bytes:
        """``length`` bytes of the log from ``offset``; fewer where the copy ends before."""
        if offset + length > self.scan.bytes:
            self._open()
        out: list[bytes] = []
        end = min(offset + length, self.scan.bytes)
        while offset < end:
            nth = bisect_right(self._starts, offset) - 1
            frame = self.scan.frames[nth]
            first = offset - frame.start
            last = min(end - frame.start, frame.length)
            out.append(self._frame(nth, last)[first:last])
            offset = frame.start + last
        return out[0] if len(out) == 1 else b"".join(out)

    def chunks(self, offset: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The log's bytes from ``offset`` to ``end`` (all there are), a frame at a time, without filling the cache."""
        if end is None or end > self.scan.bytes:
            self._open()  # the copy may have grown since
        limit = self.scan.bytes if end is None else min(end, self.scan.bytes)
        nth = max(bisect_right(self._starts, offset) - 1, 0)
        for frame in self.scan.frames[nth:]:
            if frame.start >= limit:
                return
            data = self.whole(frame)
            first = max(offset - frame.start, 0)
            yield data[first : limit - frame.start] if first or frame.start + frame.length > limit else data

    def whole(self, frame: Frame) -> bytes:
        """All of one frame, its checksum held. Safe from several threads."""
        packed = os.pread(self._handle, frame.size, frame.at)
        try:
            return zstandard.ZstdDecompressor().decompress(packed, max_output_size=frame.length)
        except zstandard.ZstdError as error:
            raise self._damaged(frame, error) from None

    def place(self, offset: int) -> int:
        """Which frame holds the log's byte at ``offset``; -1 where none does."""
        return bisect_right(self._starts, offset) - 1 if offset < self.scan.bytes else -1

    def head(self, frame: Frame, need: int) -> bytes:
        """The first ``need`` bytes of a frame, or more. Safe from several threads."""
        if need * 4 > frame.length * 3:
            return self.whole(frame)
        packed = os.pread(self._handle, frame.size, frame.at)
        try:
            with zstandard.ZstdDecompressor().stream_reader(packed, read_size=65536) as stream:
                return stream.read(need)
        except zstandard.ZstdError as error:
            raise self._damaged(frame, error) from None

    def _frame(self, nth: int, need: int) -> bytes:
        key = (self._key, nth)
        held = self._cache.get(key)
        if held is not None and len(held) >= need:
            return held
        frame = self.scan.frames[nth]
        packed = os.pread(self._handle, frame.size, frame.at)
        try:
            if held is not None or need * 4 > frame.length * 3:
                data = self._decompressor.decompress(packed, max_output_size=frame.length)
            else:
                with self._decompressor.stream_reader(packed, read_size=65536) as stream:
                    data = stream.read(need)
            if len(data) < need:
                raise zstandard.ZstdError("too short")
        except zstandard.ZstdError as error:
            raise self._damaged(frame, error) from None
        self._cache.put(key, data)
        return data

    def _damaged(self, frame: Frame, error: Exception) -> TracetuiError:
        return TracetuiError(
            f"The copy {self.path.name} is damaged at byte {frame.at:,} ({str(error)[:80]}); see: tracetui doctor"
        )

    def close(self) -> None:
        """Close the file."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


def repack(path: Path, temporary: Path) -> tuple[int, int] | None:
    """Join the loose frames of a copy into frames of about 1 MiB, through a new file that takes its place at once.

    ``temporary`` is a folder on the same file system. Gives (size of the file, loose frames left), or None where there
    was nothing to join.
    """
    reader = CopyReader(path)
    try:
        found = reader.scan
        first = len(found.frames) - found.loose
        if len(found.frames) - first < 2:
            return None
        frames = found.frames[first:]
        target = temporary / path.name
        handle = os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            if os.name == "posix":
                os.fchmod(handle, 0o600)
            at, end = 0, frames[0].at - _SKIP.size - _ENTRY.size
            while at < end:
                piece = os.pread(reader._handle, min(FRAME * 4, end - at), at)
                _write_all(handle, piece)
                at += len(piece)
            compressor = _compressor()
            size, loose = end, 0
            held: list[bytes] = []
            count, start = 0, frames[0].start
            for nth, frame in enumerate(frames):
                held.append(reader.whole(frame))
                count += frame.length
                if nth + 1 == len(frames) or count + frames[nth + 1].length > FRAME:
                    pair = _pair(compressor, start, b"".join(held), found.stamp)
                    _write_all(handle, pair)
                    size += len(pair)
                    loose = loose + 1 if count < LOOSE else 0
                    start, count = start + count, 0
                    held.clear()
            os.fsync(handle)
        except BaseException:
            os.close(handle)
            target.unlink(missing_ok=True)
            raise
        os.close(handle)
        target.replace(path)
        return size, loose
    finally:
        reader.close()
