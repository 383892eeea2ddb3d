"""The ZIP file of a capsule: written so that the same entries give the same bytes, read so that nothing else passes.

Layout (PKWARE APPNOTE 6.3, without any of its options): for each entry, sorted by name, a local header and its data;
then the central directory; then the end record, whose comment is the SHA-256, in hex, of every byte before it. Flags
are 0x0800 (UTF-8 names), times 1980-01-01, attributes ``-rw-r--r--``; no extra fields, no entry comments, no data
descriptors, no ZIP64, no gaps. What a ZIP reader may ignore is compared too, so each bit of the file counts.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import struct
import tempfile
import unicodedata
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from tracetui.model import TracetuiError

__all__ = ["Archive", "Entry", "RefusedError", "check_name", "pack", "write_private"]

_LOCAL: Final = struct.Struct("<IHHHHHIIIHH")
_CENTRAL: Final = struct.Struct("<IHHHHHHIIIHHHHHII")
_END: Final = struct.Struct("<IHHHHIIH")
_FLAGS: Final = 0x0800
_DATE: Final = 0x0021
_VERSION: Final = 20
_MADE_BY: Final = 0x0314
_MODE: Final = 0o100644 << 16
_COMMENT: Final = 64
_LEVEL: Final = 6
_BLOCK: Final = 1 << 20

ENTRY_LIMIT: Final = 50_000
"""Entries in one capsule."""
SIZE_LIMIT: Final = 512 * 1024 * 1024
"""Bytes of one entry, unpacked."""
TOTAL_LIMIT: Final = 1024 * 1024 * 1024
"""Bytes of all entries, unpacked."""
RATIO_LIMIT: Final = 200
"""Unpacked bytes per byte of the file, counted where they are more than ``RATIO_FREE``."""
RATIO_FREE: Final = 16 * 1024 * 1024
_NAME_LIMIT: Final = 512
_RESERVED: Final = frozenset(
    ["con", "prn", "aux", "nul", *(f"com{n}" for n in range(1, 10)), *(f"lpt{n}" for n in range(1, 10))]
)


class RefusedError(TracetuiError):
    """A file that is no intact capsule; the message says why, in one line, and quotes nothing raw."""


class Entry(NamedTuple):
    """One entry: where its data stands in the file, packed and unpacked sizes in bytes."""

    name: str
    method: int
    crc: int
    packed: int
    size: int
    start: int


def check_name(name: str) -> str | None:
    """What is wrong with an entry's name, None when nothing is: relative, forward slashes, no ``..``, no drive, no
    control characters, nothing that a file system would read as another name."""
    if not name or len(name.encode("utf-8", "surrogatepass")) > _NAME_LIMIT:
        return "empty or too long"
    if name.startswith("/") or "\\" in name or ":" in name:
        return "absolute or not relative to the capsule"
    if any(ord(char) < 32 or 0x7F <= ord(char) < 0xA0 or 0xD800 <= ord(char) <= 0xDFFF for char in name):
        return "holds control characters"
    for part in name.split("/"):
        if part in ("", ".", ".."):
            return "climbs out of the capsule"
        if part[-1] in ". " or part[0] == " " or part.partition(".")[0].casefold() in _RESERVED:
            return "is read differently by some systems"
    return None


def folded(name: str) -> str:
    """The name as a file system that ignores case and Unicode form compares it."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


# -- writing


def _deflated(data: bytes) -> bytes:
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


def pack(entries: Mapping[str, bytes], write: Callable[[bytes], object]) -> int:
    """Write the ZIP file of these entries through ``write``; gives its size in bytes.

    Raises TracetuiError when a name is not allowed or the capsule grows over what readers take.
    """
    names = sorted(entries)
    total = sum(map(len, entries.values()))
    if len(names) > ENTRY_LIMIT or total > TOTAL_LIMIT or max(map(len, entries.values()), default=0) > SIZE_LIMIT:
        raise TracetuiError(f"The capsule would hold {total / 1e6:,.0f} MB in {len(names):,} entries; seal a range")
    for name in names:
        wrong = check_name(name)
        if wrong is not None:
            raise TracetuiError(f"A capsule cannot hold an entry whose name {wrong}: {name!a}")
    if len({folded(name) for name in names}) != len(names):
        raise TracetuiError("A capsule cannot hold two entries whose names differ by case or Unicode form alone")
    packed = {name: _deflated(entries[name]) for name in names}
    stored = {name for name in names if len(packed[name]) >= len(entries[name])}
    sizes = {name: len(entries[name] if name in stored else packed[name]) for name in names}
    for name in sorted(names, key=lambda name: (len(packed[name]) - len(entries[name]), name)):
        if total <= RATIO_FREE or total <= RATIO_LIMIT * sum(sizes.values()):
            break
        stored.add(name)  # else the capsule would look like a bomb
        sizes[name] = len(entries[name])
    whole = hashlib.sha256()
    at = 0

    def put(data: bytes) -> None:
        nonlocal at
        whole.update(data)
        write(data)
        at += len(data)

    central: list[bytes] = []
    for name in names:
        data, raw = entries[name], name.encode()
        body, method = (data, 0) if name in stored else (packed[name], 8)
        crc = zlib.crc32(data)
        facts = (_FLAGS, method, 0, _DATE, crc, len(body), len(data), len(raw))
        central.append(_CENTRAL.pack(0x02014B50, _MADE_BY, _VERSION, *facts, 0, 0, 0, 0, _MODE, at) + raw)
        put(_LOCAL.pack(0x04034B50, _VERSION, *facts, 0) + raw)
        put(body)
    start = at
    put(b"".join(central))
    put(_END.pack(0x06054B50, 0, 0, len(names), len(names), at - start, start, _COMMENT))
    write(whole.hexdigest().encode())
    return at + _COMMENT


@contextlib.contextmanager
def write_private(target: Path) -> Iterator[BinaryIO]:
    """A file beside ``target`` (0600) that takes its place, whole, when the block ends well; else it is removed."""
    from tracetui.bucket.location import replaceable

    try:
        replaceable(target)
        descriptor, name = tempfile.mkstemp(prefix=".tracetui-", dir=target.parent)
    except OSError as error:
        raise TracetuiError(f"Cannot write {target} ({(error.strerror or 'no such folder').lower()})") from None
    part = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


# -- reading


class Archive:
    """A capsule's file, open for reading; its outer hash and its structure hold. Close it after use.

    ``digest`` is the SHA-256 that the comment told and that was found; ``bytes`` the size of the file.
    """

    def __init__(self, path: Path) -> None:
        """Check the whole file. Raises ``RefusedError``."""
        self.path = path
        self.entries: dict[str, Entry] = {}
        try:
            self._stream = _open_regular(path)
        except OSError as error:
            reason = (error.strerror or "not a file").lower()
            raise RefusedError(f"Cannot read {path} ({reason}); name a .capsule.zip") from None
        try:
            self.bytes = os.fstat(self._stream.fileno()).st_size
            self._check_whole()
            self._check_structure()
        except BaseException:
            self._stream.close()
            raise

    def close(self) -> None:
        """Let go of the file."""
        self._stream.close()

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self, name: str) -> bytes:
        """An entry's bytes. Raises ``RefusedError`` when they are not what the directory says, KeyError for no such."""
        return b"".join(self.blocks(name))

    def blocks(self, name: str) -> Iterator[bytes]:
        """An entry's bytes in blocks; never more of them than the directory says."""
        entry = self.entries[name]
        self._stream.seek(entry.start)
        left, given, crc = entry.packed, 0, 0
        unpacker = zlib.decompressobj(-15) if entry.method == 8 else None
        while left:
            data = self._stream.read(min(left, _BLOCK))
            if not data:
                raise self._refused(f"the entry {_shown(name)} is cut off")
            left -= len(data)
            if unpacker is not None and not left:
                self._check_end(name, unpacker.copy(), data)
            while data:
                if unpacker is None:
                    block, data = data, b""
                else:
                    try:
                        block = unpacker.decompress(data, _BLOCK)
                    except zlib.error:
                        raise self._refused(f"the entry {_shown(name)} cannot be unpacked") from None
                    data = unpacker.unconsumed_tail
                    if unpacker.unused_data:
                        raise self._refused(f"the entry {_shown(name)} has bytes after its end")
                given += len(block)
                crc = zlib.crc32(block, crc)
                if given > entry.size:
                    raise self._refused(f"the entry {_shown(name)} is larger than it says")
                if block:
                    yield block
        if given != entry.size or crc != entry.crc or (unpacker is not None and not unpacker.eof):
            raise self._refused(f"the entry {_shown(name)} is not what the directory says")

    def _check_end(self, name: str, unpacker: zlib._Decompress, data: bytes) -> None:
        """That the bits behind a stream's end, in its last byte, are zero: clearing the highest that is set must make
        the stream another one, or none. Nothing else could tell: readers pass over those bits."""
        with contextlib.suppress(zlib.error):
            rest, block = data[:-1], b"."
            while rest or block:
                block = unpacker.decompress(rest, _BLOCK)
                rest = unpacker.unconsumed_tail
            last = data[-1]
            if not last:
                return
            other = unpacker.copy()
            cleared = bytes([last & ~(1 << (last.bit_length() - 1))])
            same = unpacker.decompress(data[-1:], _BLOCK) == other.decompress(cleared, _BLOCK)
            if same and unpacker.eof and other.eof:
                raise self._refused(f"the entry {_shown(name)} has bits after its end")

    def _refused(self, why: str) -> RefusedError:
        return RefusedError(f"{_shown(self.path.name)} is no intact capsule: {why}")

    def _check_whole(self) -> None:
        """The comment names the hash of all that stands before it; nothing stands after it."""
        self._stream.seek(0)
        head = self._stream.read(4)
        if head[:2] != b"PK":
            raise self._refused("it is not a ZIP file")
        if head != b"PK\x03\x04" or self.bytes < _END.size + _COMMENT:
            raise self._refused("it does not begin with an entry")
        if self.bytes > TOTAL_LIMIT:
            raise self._refused(f"it is larger than {TOTAL_LIMIT // 2**20:,} MiB")
        self._stream.seek(0)
        whole, left = hashlib.sha256(), self.bytes - _COMMENT
        while left:
            block = self._stream.read(min(left, _BLOCK))
            if not block:
                raise self._refused("it is cut off")
            whole.update(block)
            left -= len(block)
        comment = self._stream.read(_COMMENT + 1)
        self.digest = whole.hexdigest()
        if comment != self.digest.encode():
            raise self._refused("it was changed after it was sealed, or never was one")

    def _check_structure(self) -> None:
        """Every byte belongs to an entry, to the directory or to the end record, and both places of an entry agree."""
        count, start, directory = self._directory()
        at = position = 0
        before = b""
        seen: set[str] = set()
        for _ in range(count):
            if at + _CENTRAL.size > len(directory):
                raise self._refused("its directory is cut off")
            facts = _Central(*_CENTRAL.unpack_from(directory, at))
            raw = directory[at + _CENTRAL.size : at + _CENTRAL.size + facts.length]
            at += _CENTRAL.size + facts.length
            if facts.mark != 0x02014B50 or len(raw) != facts.length:
                raise self._refused("its directory is damaged")
            name = self._entry_name(raw)
            self._check_facts(name, facts)
            if raw <= before or folded(name) in seen:
                raise self._refused("its entries are not in order, or one stands twice")
            before = raw
            seen.add(folded(name))
            body = self._check_place(name, facts, raw, position)
            position = body + facts.packed
            self.entries[name] = Entry(name, facts.method, facts.crc, facts.packed, facts.unpacked, body)
        if at != len(directory) or position != start:
            raise self._refused("it holds bytes that belong to no entry")
        total = sum(entry.size for entry in self.entries.values())
        if total > TOTAL_LIMIT or total > max(RATIO_FREE, RATIO_LIMIT * self.bytes):
            raise self._refused(f"it would unpack to {total / 1e6:,.0f} MB")

    def _directory(self) -> tuple[int, int, bytes]:
        """How many entries there are, where the directory begins, and its bytes."""
        end = self.bytes - _COMMENT - _END.size
        self._stream.seek(end)
        mark, disk, first, here, count, size, start, comment = _END.unpack(self._stream.read(_END.size))
        if (mark, disk, first, comment) != (0x06054B50, 0, 0, _COMMENT) or here != count:
            raise self._refused("its end record is damaged")
        if count > ENTRY_LIMIT:
            raise self._refused(f"it holds more than {ENTRY_LIMIT:,} entries")
        if start + size != end or size < count * _CENTRAL.size or size > count * (_CENTRAL.size + _NAME_LIMIT):
            raise self._refused("its directory does not stand where it should")
        self._stream.seek(start)
        return count, start, self._stream.read(size)

    def _entry_name(self, raw: bytes) -> str:
        try:
            name = raw.decode("utf-8")
        except UnicodeDecodeError:
            raise self._refused("the name of an entry is not UTF-8") from None
        wrong = check_name(name)
        if wrong is not None:
            raise self._refused(f"the name of an entry {wrong}")
        return name

    def _check_facts(self, name: str, facts: _Central) -> None:
        """An entry is a plain file, packed as capsules are."""
        if facts.flags & 1:
            raise self._refused("an entry is encrypted")
        if facts.made != _MADE_BY or facts[11:16] != (0, 0, 0, 0, _MODE):
            raise self._refused(f"the entry {_shown(name)} is a link or has attributes of its own")
        plain = (facts.version, facts.flags, facts.clock, facts.date) == (_VERSION, _FLAGS, 0, _DATE)
        if not plain or facts.method not in (0, 8):
            raise self._refused(f"the entry {_shown(name)} is packed in a way that capsules are not")

    def _check_place(self, name: str, facts: _Central, raw: bytes, position: int) -> int:
        """An entry stands at ``position`` and says there what the directory says; where its data begins."""
        stored = facts.method == 0 and facts.packed != facts.unpacked
        if facts.offset != position or facts.unpacked > SIZE_LIMIT or stored:
            raise self._refused(f"the entry {_shown(name)} does not stand where it should, or is too large")
        self._stream.seek(facts.offset)
        # version, flags, method, time, date, CRC, both sizes, the name's length; no extra field
        said = _LOCAL.pack(0x04034B50, *facts[2:11], 0) + raw
        if self._stream.read(len(said)) != said:
            raise self._refused(f"the entry {_shown(name)} says different things in two places")
        return position + len(said)


class _Central(NamedTuple):
    """An entry of the directory (APPNOTE 6.3.3, 4.3.12)."""

    mark: int
    made: int
    version: int
    flags: int
    method: int
    clock: int
    date: int
    crc: int
    packed: int
    unpacked: int
    length: int
    extra: int
    comment: int
    disk: int
    internal: int
    external: int
    offset: int


def _open_regular(path: Path) -> BinaryIO:
    """The file, if it is a regular one: no pipe that waits, no device."""
    import stat

    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError("not a regular file")
    return os.fdopen(descriptor, "rb")


def _shown(name: str) -> str:
    from tracetui.text.safe import one_line

    return one_line(name, 60)
