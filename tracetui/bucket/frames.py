"""The format of a copy: what its pieces look like, and how they are found again in a file that was damaged.

A copy is a header, then pairs of an entry and a zstd frame. Header and entry are *skippable frames* of the zstd format
(RFC 8878, 3.1.2): a magic number, a length and a payload that decoders pass over. The header's payload is a CRC-32 and
JSON (path, generation ...); an entry tells the frame's place in the log, what the log's file looked like when it was
captured, and how many line ends come before it, and ends in a CRC-32 of itself. Frames carry zstd's own checksum; short
ones need the program's dictionary (``dictionary``), by the number that zstd writes into them. A
further header changes keys of the first; the second frame of a copy is preceded by the whole header once more.

Copies of the first format (``tracetui`` 1) have neither CRC nor line numbers: there an entry is believed where the
frame behind it agrees with it, and a header where the name of the file is made of what it says.

``scan`` never stops at damage: what is whole behind it is found by searching for the next entry. A file that ends in
the middle of a pair, or in zeros, was torn by a kill or a power cut; that alone is no damage.
"""

from __future__ import annotations

import json
import os
import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Final, NamedTuple

import zstandard

from tracetui.bucket.dictionary import unpacker

__all__ = [
    "FRAME",
    "LOOSE",
    "Damage",
    "Frame",
    "Scan",
    "Stamp",
    "copy_name",
    "ends_in_zeros",
    "entry",
    "header",
    "scan",
    "unpacked",
]

FRAME: Final = 1024 * 1024
"""Bytes of log in a frame, about."""
LOOSE: Final = FRAME // 2
"""A frame of fewer bytes is loose: ``repack`` joins it with its neighbours."""
UNKNOWN: Final = 0xFFFFFFFF
"""In place of a number of line ends that is not known."""
_SKIP: Final = struct.Struct("<II")
_HEADER_1: Final = 0x184D2A54
_ENTRY_1: Final = 0x184D2A55
_HEADER_2: Final = 0x184D2A56
_ENTRY_2: Final = 0x184D2A57
_OLD: Final = struct.Struct("<QIIqQQQ")
_NEW: Final = struct.Struct("<QIIqQQQI")
_CRC: Final = struct.Struct("<I")
_STEP_1: Final = _SKIP.size + _OLD.size
STEP: Final = _SKIP.size + _NEW.size + _CRC.size
"""Bytes of an entry in the file."""
_LEADS: Final = {
    _SKIP.pack(_ENTRY_2, _NEW.size + _CRC.size): STEP,
    _SKIP.pack(_ENTRY_1, _OLD.size): _STEP_1,
}
_MAGICS: Final = tuple(_CRC.pack(magic) for magic in (_ENTRY_2, _ENTRY_1, _HEADER_2, _HEADER_1))
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_HEADER_LIMIT: Final = 1024 * 1024
_MENDED_LIMIT: Final = 2048
"""Longer headers are not tried with each bit turned: that takes the square of their length."""
_CONTENT_LIMIT: Final = 16 * FRAME
_HEAD: Final = 18
"""The most bytes that the header of a zstd frame takes."""
_ZEROS: Final = 16
_SEARCHED: Final = 1024 * 1024
_NAME: Final = re.compile(r"[0-9a-f]{20}-[0-9]+\.jsonl\.zst")


class Frame(NamedTuple):
    """A frame: where its bytes stand in the log (``start``, ``length``) and in the copy (``at``, ``size``); ``line``
    line ends come before it (UNKNOWN in copies of the first format)."""

    start: int
    length: int
    at: int
    size: int
    line: int = UNKNOWN


class Damage(NamedTuple):
    """A place of a copy that is not as it was written: byte ``at`` of the copy, ``size`` bytes."""

    at: int
    size: int
    what: str


class Stamp(NamedTuple):
    """What the log's own file looked like when bytes of it were captured."""

    mtime_ns: int
    size: int
    inode: int
    device: int

    def midway(self) -> Stamp:
        """The stamp of a log that was not read to its end: no file looks like this, so the next run reads on."""
        return self._replace(size=-1)


NO_STAMP: Final = Stamp(0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Scan:
    """What a copy holds: header, frames, the stamp of the last capture, whole bytes of the copy, bytes of the file.

    ``damage`` tells what is not whole outside of frames (what is wrong inside of one shows when it is read). ``old``:
    some piece is of the first format. Where ``start`` of a frame is not the end of the one before, that much of the log
    is lost.
    """

    header: dict[str, Any]
    frames: list[Frame]
    stamp: Stamp
    size: int
    file_size: int
    damage: tuple[Damage, ...] = ()
    old: bool = False

    @property
    def bytes(self) -> int:
        """Where in the log the copy ends."""
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

    @property
    def lost(self) -> list[tuple[int, int]]:
        """(first byte, end) of the log where no frame holds it."""
        out: list[tuple[int, int]] = []
        end = 0
        for frame in self.frames:
            if frame.start > end:
                out.append((end, frame.start))
            end = frame.start + frame.length
        return out


def copy_name(path: str, generation: int) -> str:
    """The place of a copy below ``copies/``: by a hash, since paths are hostile text."""
    name = blake2b(path.encode("utf-8", "surrogateescape"), digest_size=10).hexdigest()
    return f"{name[:2]}/{name}-{generation}.jsonl.zst"


def header(facts: dict[str, Any]) -> bytes:
    """A header as it stands in the file."""
    text = json.dumps(facts, ensure_ascii=True, separators=(",", ":")).encode("ascii")
    return _SKIP.pack(_HEADER_2, _CRC.size + len(text)) + _CRC.pack(zlib.crc32(text)) + text


def entry(start: int, count: int, size: int, stamp: Stamp, line: int) -> bytes:
    """The entry of a frame as it stands in the file."""
    body = _NEW.pack(start, count, size, *stamp, min(line, UNKNOWN))
    return _SKIP.pack(_ENTRY_2, len(body) + _CRC.size) + body + _CRC.pack(zlib.crc32(body))


def unpacked(packed: bytes, length: int) -> bytes:
    """The bytes of a frame, ``length`` of them, its checksum held; raises zstandard.ZstdError. Safe from several
    threads."""
    # (What the frame itself says would be made room for, however much that is.)
    if _content(packed[:_HEAD]) not in (length, -1):
        raise zstandard.ZstdError("another length than its entry tells")
    data = unpacker(packed[:_HEAD]).decompress(packed, max_output_size=length)
    if len(data) != length:
        raise zstandard.ZstdError("too short")
    return data


def ends_in_zeros(handle: int, at: int, end: int) -> bool:
    """Whether the last bytes between ``at`` and ``end`` of a file are zeros, as a power cut leaves them: a whole frame
    ends in its checksum."""
    count = min(_ZEROS, end - at)
    return count > 0 and os.pread(handle, count, end - count).count(0) == count


def scan(handle: int, name: str = "") -> Scan:
    """Walk the pieces of an open copy; ``name`` is that of its file."""
    return _FrameWalk(handle, name).run()


def _facts(magic: int, payload: bytes, name: str) -> dict[str, Any] | None:
    """What a header says; None where it is not as it was written."""
    if magic == _HEADER_2:
        if len(payload) < _CRC.size or _CRC.unpack_from(payload)[0] != zlib.crc32(payload[_CRC.size :]):
            return None
        payload = payload[_CRC.size :]
    try:
        found = json.loads(payload)
    except ValueError:
        return None
    if not isinstance(found, dict):
        return None
    if magic == _HEADER_1 and _NAME.fullmatch(name):
        path, generation = found.get("path"), found.get("generation")
        if not isinstance(path, str) or type(generation) is not int:
            return None
        if copy_name(path, generation).partition("/")[2] != name:
            return None
    return found


def _mended(payload: bytes, name: str) -> dict[str, Any] | None:
    """What a header said of which a bit is wrong, or its length or magic number."""
    for magic in (_HEADER_2, _HEADER_1):
        if (found := _facts(magic, payload, name)) is not None:
            return found
    if len(payload) > _MENDED_LIMIT:
        return None
    data = bytearray(payload)
    for magic in (_HEADER_2, _HEADER_1) if _NAME.fullmatch(name) else (_HEADER_2,):
        for place in range(len(data)):
            for bit in range(8):
                data[place] ^= 1 << bit
                found = _facts(magic, bytes(data), name)
                data[place] ^= 1 << bit
                if found is not None:
                    return found
    return None


@dataclass(slots=True)
class _FrameWalk:
    handle: int
    name: str
    at: int = 0
    expected: int = 0
    gap: bool = False
    """Something was lost before ``at``: where in the log it stands is told by the next entry."""
    old: bool = False
    stamp: Stamp = NO_STAMP
    header: dict[str, Any] = field(default_factory=dict)
    frames: list[Frame] = field(default_factory=list)
    afloat: int = 0
    """Frames at the end of which only their order is known."""
    damage: list[Damage] = field(default_factory=list)
    total: int = 0

    def run(self) -> Scan:
        self.total = os.fstat(self.handle).st_size
        whole = self._first()
        while whole and self.at < self.total:
            whole = self._pair() or self._note() or self._bare() or self._search()
        old = self.old and bool(self.frames)
        return Scan(self.header, self.frames, self.stamp, self.at, self.total, tuple(self.damage), old)

    def _read(self, at: int, count: int) -> bytes:
        return os.pread(self.handle, count, at)

    # headers

    def _headed(self, at: int) -> tuple[int, bytes] | None:
        """Magic number and payload of the header at ``at``."""
        raw = self._read(at, _SKIP.size)
        if len(raw) < _SKIP.size:
            return None
        magic, length = _SKIP.unpack(raw)
        if magic not in (_HEADER_1, _HEADER_2) or length > _HEADER_LIMIT or at + _SKIP.size + length > self.total:
            return None
        return magic, self._read(at + _SKIP.size, length)

    def _first(self) -> bool:
        """The header at the beginning; False where there is nothing behind."""
        found = self._headed(0)
        if found is not None and (facts := _facts(*found, self.name)) is not None:
            self.header = facts
            self.old = found[0] == _HEADER_1
            self.at = _SKIP.size + len(found[1])
            return True
        end = self._anchor(0)
        if end is None:
            lead = self._read(0, _SKIP.size)
            torn = any(magic.startswith(lead[:4]) for magic in _MAGICS) and found is None
            if not torn and not ends_in_zeros(self.handle, 0, self.total):
                self._damaged(self.total, "its header, and nothing whole behind it")
            return False
        self.header = _mended(self._read(_SKIP.size, end - _SKIP.size), self.name) or {}
        self._damaged(end, "its header")
        return True

    def _note(self) -> bool:
        found = self._headed(self.at)
        if found is None:
            return False
        end = self.at + _SKIP.size + len(found[1])
        facts = _facts(found[0], found[1], "")
        if facts is None:
            if not self._follows(end):
                return False
            self.header.update(_mended(found[1], "") or {})
            self._damaged(end, "a change of its header")
            return True
        self.header.update(facts)
        self.at = end
        return True

    # frames

    def _pair(self) -> bool:
        """An entry that can be believed, and its frame."""
        raw = self._read(self.at, STEP + _HEAD)
        fields = _fields(raw)
        if fields is None:
            return False
        step, start, count, size, stamp, line = fields
        end = self.at + step + size
        if start < self.expected or end > self.total:
            return False
        if step == _STEP_1:
            if start != self.expected and not self.gap:
                return False
            if _content(raw[step:]) != count or not self._follows(end):
                return False
            self.old = True
        self._settle(start)
        self._add(Frame(start, count, self.at + step, size, line), stamp)
        return True

    def _add(self, frame: Frame, stamp: Stamp | None = None) -> None:
        self.frames.append(frame)
        self.expected = frame.start + frame.length
        self.at = frame.at + frame.size
        if stamp is not None:
            self.stamp = stamp
            self.gap = False
            self.afloat = 0

    def _settle(self, start: int) -> None:
        """Tell the frames of which only the order is known their place: they end where the next one starts."""
        for nth in range(len(self.frames) - 1, len(self.frames) - 1 - self.afloat, -1):
            frame = self.frames[nth]
            start -= frame.length
            if start >= frame.start:
                self.frames[nth] = frame._replace(start=start)

    def _bare(self) -> bool:
        """A frame behind an entry that cannot be believed; or, in the first format, an entry that can be, before a
        frame that cannot."""
        for step in (STEP, _STEP_1):
            place = self.at + step
            size = _frame_size(self.handle, place, self.total)
            if size is None:
                continue
            packed = self._read(place, size)
            count = _content(packed[:_HEAD])
            try:
                data = unpacked(packed, count) if 0 <= count <= _CONTENT_LIMIT else None
            except zstandard.ZstdError:
                continue
            if data is None:
                continue
            self.damage.append(Damage(self.at, step, "the entry of a frame"))
            self.afloat += self.gap
            self._add(Frame(self.expected, len(data), place, size))
            return True
        fields = _fields(self._read(self.at, STEP))
        if fields is None or fields[0] != _STEP_1:
            return False
        step, start, count, size, stamp, _ = fields
        if start < self.expected or (start > self.expected and not self.gap):
            return False
        if not self._follows(self.at + step + size):
            return False
        self._settle(start)
        self._add(Frame(start, count, self.at + step, size), stamp)
        return True

    def _search(self) -> bool:
        """Go to the next entry that can be believed; False at a torn end, or where there is none."""
        if self._torn():
            return False
        end = self._anchor(self.at + 1)
        stop = self.total if end is None else end
        note = None
        if _SKIP.size < stop - self.at <= _MENDED_LIMIT:
            note = _mended(self._read(self.at + _SKIP.size, stop - self.at - _SKIP.size), "")
        if note is not None:
            self.header.update(note)
            self._damaged(stop, "a change of its header")
            return True
        if end is None and (self._torn_entry() or ends_in_zeros(self.handle, self.at, self.total)):
            return False
        self._damaged(stop, "an entry and its frame")
        self.gap = True
        return end is not None

    def _damaged(self, end: int, what: str) -> None:
        self.damage.append(Damage(self.at, end - self.at, what))
        self.at = end

    def _torn(self) -> bool:
        """Whether a believable entry at ``at`` stands before a frame that the file is too short for."""
        fields = _fields(self._read(self.at, STEP))
        if fields is None:
            return False
        step, start, _, size, _, _ = fields
        if self.at + step + size <= self.total:
            return False
        return step == STEP or start == self.expected

    def _torn_entry(self) -> bool:
        """Whether the file ends within an entry or header."""
        raw = self._read(self.at, _HEADER_LIMIT)
        rest = self.total - self.at
        if any(lead.startswith(raw[: len(lead)]) and rest < step for lead, step in _LEADS.items()):
            return True
        if not any(magic.startswith(raw[:4]) for magic in _MAGICS[2:]):
            return False
        return rest < _SKIP.size or rest - _SKIP.size < _SKIP.unpack_from(raw)[1] <= _HEADER_LIMIT

    def _follows(self, at: int) -> bool:
        """Whether a piece, or the beginning of one, or the end of the file stands at ``at``."""
        raw = self._read(at, 4)
        return at <= self.total and any(magic.startswith(raw) for magic in _MAGICS)

    def _anchor(self, at: int) -> int | None:
        """The place of the first believable entry or header from ``at`` on."""
        for place in self._leads(at):
            found = self._headed(place)
            if found is not None and found[0] == _HEADER_2 and _facts(*found, "") is not None:
                return place
            raw = self._read(place, STEP + _HEAD)
            fields = _fields(raw)
            if fields is None or fields[1] < self.expected or place + fields[0] + fields[3] > self.total:
                continue
            end = place + fields[0] + fields[3]
            if fields[0] == STEP or (_content(raw[_STEP_1:]) == fields[2] and self._follows(end)):
                return place
        return None

    def _leads(self, at: int) -> Iterator[int]:
        """Where from ``at`` on the first bytes of an entry or header stand."""
        overlap = _SKIP.size - 1
        while at < self.total:
            data = self._read(at, _SEARCHED + overlap)
            places = {found.start() for lead in (*_LEADS, _MAGICS[2]) for found in re.finditer(re.escape(lead), data)}
            yield from (at + place for place in sorted(places))
            at += _SEARCHED


def _fields(raw: bytes) -> tuple[int, int, int, int, Stamp, int] | None:
    """Size, start, count, size of the frame, stamp and line ends of the entry that ``raw`` begins with."""
    step = _LEADS.get(raw[: _SKIP.size])
    if step is None or len(raw) < step:
        return None
    if step == STEP:
        body = raw[_SKIP.size : STEP - _CRC.size]
        if _CRC.unpack_from(raw, STEP - _CRC.size)[0] != zlib.crc32(body):
            return None
        start, count, size, *rest, line = _NEW.unpack(body)
        return step, start, count, size, Stamp(*rest), line
    start, count, size, *rest = _OLD.unpack_from(raw, _SKIP.size)
    return step, start, count, size, Stamp(*rest), UNKNOWN


def _content(head: bytes) -> int:
    """How many bytes a frame says it holds; -1 where none begins here."""
    if not head.startswith(_ZSTD):
        return -1
    try:
        return int(zstandard.frame_content_size(head))
    except zstandard.ZstdError:
        return -1


def _frame_size(handle: int, at: int, total: int) -> int | None:
    """How many bytes the frame at ``at`` takes, by its blocks (RFC 8878, 3.1.1)."""
    head = os.pread(handle, _HEAD, at)
    if not head.startswith(_ZSTD):
        return None
    try:
        end = at + zstandard.frame_header_size(head)
        checked = zstandard.get_frame_parameters(head).has_checksum
    except zstandard.ZstdError:
        return None
    last = False
    while not last:
        value = int.from_bytes(os.pread(handle, 3, end), "little")
        last, kind, length = bool(value & 1), value >> 1 & 3, value >> 3
        end += 3 + (1 if kind == 1 else length)
        if kind == 3 or end > total:
            return None
    end += 4 if checked else 0
    return end - at if end <= total else None
