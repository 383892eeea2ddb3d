"""Bytes to records: a push splitter for JSON Lines that survives whatever a crashed writer or an editor left behind.

``Splitter.feed`` takes the bytes of a log chunk by chunk and gives records and problems in file order, the same ones
for any division into chunks. It holds at most one unfinished line, and never more than ``LINE_LIMIT`` bytes of it.
"""

from __future__ import annotations

import io
import json
import math
import re
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO, Final, NamedTuple

import orjson

from tracetui.harness import oversize
from tracetui.model import Problem, Record, Source

__all__ = ["LINE_LIMIT", "Splitter", "parse_line", "records_of"]

LINE_LIMIT: Final = 16 * 1024 * 1024
"""Bytes; a longer line is not parsed, it gives its type, ids and other small fields only."""
_CHUNK: Final = 1024 * 1024
_BOM: Final = b"\xef\xbb\xbf"
_OBJECTS_PER_LINE: Final = 1000
_DEPTH_LIMIT: Final = 800
"""Nesting of a record that is read; a deeper one is kept, not read. Well below Python's own limit of 1,000 calls, which
readers that go down into a record would meet."""
_LONG: Final = 2 * _DEPTH_LIMIT
_SURROGATE = re.compile("[\ud800-\udfff]")
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
_NULS = re.compile(rb"\0*+")
_SPACE = re.compile(r"[ \t\r\n]*+")


class _Read(NamedTuple):
    """What one odd line gave: its objects, what was wrong, and whether something of it could not be read."""

    objects: list[dict[str, Any]]
    note: str | None
    bad: bool


def _mend(root: Any) -> bool:
    """Replace lone surrogates in place, one code point for one, so that every string can be encoded."""
    changed = False
    boxes: list[Any] = [root]
    while boxes:
        box = boxes.pop()
        if isinstance(box, dict):
            if any(_SURROGATE.search(name) for name in box):
                changed = True
                items = [(_SURROGATE.sub("\ufffd", name), item) for name, item in box.items()]
                box.clear()
                box.update(items)
            places: Any = box.items()
        else:
            places = enumerate(box)
        for place, item in list(places):
            if isinstance(item, str):
                if _SURROGATE.search(item):
                    changed = True
                    box[place] = _SURROGATE.sub("\ufffd", item)
            elif isinstance(item, dict | list):
                boxes.append(item)
    return changed


def _too_deep(root: Any) -> bool:
    level: list[Any] = [root]
    for _ in range(_DEPTH_LIMIT):
        level = [
            item
            for box in level
            for item in (box.values() if isinstance(box, dict) else box)
            if isinstance(item, dict | list)
        ]
        if not level:
            return False
    return True


def _deep(line: bytes | bytearray, value: dict[str, Any]) -> bool:
    """Whether a line is nested beyond the limit; the count of its brackets rules nearly all out."""
    return line.count(b"[") + line.count(b"{") > _DEPTH_LIMIT and _too_deep(value)


class _Decoder:
    """The standard library's decoder made as forgiving as it goes: raw control characters in strings, NaN, infinities
    and numbers without bound become what orjson would make of them, or null."""

    def __init__(self) -> None:
        self.lost_number = False
        self._decoder = json.JSONDecoder(
            strict=False, parse_int=self._int, parse_float=self._float, parse_constant=self._constant
        )

    def decode(self, text: str, at: int) -> tuple[Any, int]:
        return self._decoder.raw_decode(text, at)

    def _int(self, digits: str) -> int | float | None:
        if len(digits) <= 20:
            value = int(digits)
            if -(1 << 63) <= value < (1 << 64):
                return value
        return self._float(digits)

    def _float(self, digits: str) -> float | None:
        value = float(digits)
        if math.isfinite(value):
            return value
        self.lost_number = True
        return None

    def _constant(self, _: str) -> None:
        self.lost_number = True


def _glued(text: str, at: int, error: ValueError) -> int:
    """Where the object begins that a writer appended to a torn one, near where decoding failed; -1 for nowhere.

    A record torn inside a string swallows the ``{"`` of the next one and fails just behind it; one torn elsewhere
    fails at its brace.
    """
    if not isinstance(error, json.JSONDecodeError):
        return -1
    return text.find('{"', max(at + 1, error.pos - 3), error.pos + 9)


def _text_of(line: bytes | bytearray, notes: list[str]) -> str:
    """The text of a line; ``notes`` gets what had to be left out or replaced."""
    if line.startswith(_BOM):
        line = line[len(_BOM) :]
        notes.append("byte order mark left out")
    if b"\0" in line:
        line = line.replace(b"\0", b"")
        notes.append(_ZEROS)
    if not line.strip():
        return ""
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        notes.append("invalid UTF-8 replaced")
        return line.decode("utf-8", "replace")


_ZEROS: Final = "NUL bytes left out"


def _read_odd(line: bytes | bytearray) -> _Read:
    """Read a line that is not one plain JSON object."""
    notes: list[str] = []
    bad = False
    text = _text_of(line, notes)
    if not text:
        return _Read([], "; ".join(notes) or None, _ZEROS in notes)
    surrogates = _SURROGATE_ESCAPE.search(text) is not None
    brackets = text.count("[") + text.count("{") > _DEPTH_LIMIT
    decoder = _Decoder()
    objects: list[dict[str, Any]] = []
    strangers = torn = 0
    at = _SPACE.match(text).end()  # type: ignore[union-attr]
    while at < len(text):
        if len(objects) >= _OBJECTS_PER_LINE:
            notes.append(f"more than {_OBJECTS_PER_LINE:,} objects on one line; the rest left out")
            bad = True
            break
        try:
            value, end = decoder.decode(text, at)
        except RecursionError:
            notes.append("nested too deeply")
            bad = True
            break
        except ValueError as error:
            bad = True
            found = _glued(text, at, error)
            if found < 0:
                notes.append("the rest of the line is not JSON" if objects else "not JSON")
                break
            torn += 1
            at = found
            continue
        at = _SPACE.match(text, end).end()  # type: ignore[union-attr]
        if not isinstance(value, dict):
            strangers += 1
        elif brackets and _too_deep(value):
            notes.append("nested too deeply")
            bad = True
        else:
            if surrogates and _mend(value):
                notes.append("lone surrogates replaced")
            objects.append(value)
    if torn:
        notes.append("an unfinished object left out" if torn == 1 else f"{torn} unfinished objects left out")
    if strangers:
        bad = True
        notes.append("a value that is not a JSON object left out" if objects else "not a JSON object")
    if decoder.lost_number:
        notes.append("a number out of range became null")
    if len(objects) > 1:
        notes.append(f"{len(objects)} objects on one line")
    return _Read(objects, "; ".join(dict.fromkeys(notes)) or None, bad)


def parse_line(line: bytes | bytearray) -> tuple[list[dict[str, Any]], str | None]:
    """Read one line tolerantly.

    Returns the JSON objects that it holds (usually one, none for a blank line, more where objects are glued together)
    and, where something had to be left out or replaced, what.
    """
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        value = None
    if isinstance(value, dict) and not (len(line) > _LONG and _deep(line, value)):
        return [value], None
    read = _read_odd(line)
    return read.objects, read.note


def _oversize(head: bytes, tail: bytes) -> dict[str, Any]:
    found, _ = parse_line(oversize.closed(head).encode("utf-8", "replace"))
    shown: dict[str, Any] = oversize.small(found[0]) if found else {}
    for name, item in oversize.small(oversize.ending(tail)).items():
        shown.setdefault(name, item)
    return shown


class Splitter:
    """Push splitter: bytes in, records and problems out.

    ``offset`` and ``line`` say where the next unread line begins; hand them to a new splitter to go on after growth.
    ``bad`` counts lines of which nothing, or not all, could be read; a line over the limit is not among them.
    """

    def __init__(self, offset: int = 0, line: int = 1) -> None:
        self.offset = offset
        self.line = line
        self.bad = 0
        self._rest = bytearray()
        self._nuls = 0  # NUL bytes dropped before _rest, so that a run of any length takes no memory
        self._skipping = 0  # bytes of the oversize line under way
        self._head = b""
        self._tail = b""

    @property
    def pending(self) -> int:
        """Bytes of an unfinished line after ``offset``."""
        return self._nuls + (self._skipping or len(self._rest))

    def feed(self, chunk: bytes) -> list[Record | Problem]:
        """Take the next bytes; give what became whole lines by them."""
        out: list[Record | Problem] = []
        if self._skipping:
            end = chunk.find(b"\n")
            part = chunk if end < 0 else chunk[:end]
            self._skipping += len(part)
            self._tail = (self._tail + part[-oversize.TAIL :])[-oversize.TAIL :]
            if end < 0:
                return out
            self._big(self._nuls + self._skipping, self._head, self._tail, out)
            self._skipping = self._nuls = 0
            self._head = self._tail = b""
            chunk = chunk[end + 1 :]
        # (A file in memory finds its line ends five times as fast as ``split`` does.)
        lines: list[bytes | bytearray] = [*io.BytesIO(chunk).readlines()]
        last = lines.pop() if lines and not lines[-1].endswith(b"\n") else b""
        if lines:
            if self._rest or self._nuls:
                self._rest += lines[0]
                lines[0] = self._rest
                self._rest = bytearray()
            self._lines(lines, out, 1)
        self._rest += last
        if len(self._rest) > LINE_LIMIT:
            self._overflow()
        return out

    def finish(self) -> list[Record | Problem]:
        """The end of the file: give the last line if it is whole without its line end.

        A torn one stays unread (``pending`` tells its bytes) and is read when it has its rest.
        """
        out: list[Record | Problem] = []
        if self._skipping:
            return out
        self._drop_nuls()
        end = self._rest[-64:].rstrip(b"\0 \t\r")
        if self._rest and (not end or end.endswith(b"}")):
            try:
                whole = isinstance(orjson.loads(self._rest), dict)
            except orjson.JSONDecodeError:
                read = _read_odd(self._rest)
                whole = bool(read.objects) and not read.bad
            if whole:
                line, self._rest = self._rest, bytearray()
                self._lines([line], out, 0)
        return out

    def unfinished(self) -> Problem | None:
        """What to tell of the bytes that still wait for their rest at the end of a file; None when they are blank."""
        if not self.pending or (not self._skipping and not self._nuls and not self._rest.strip()):
            return None
        if not self._skipping and not self._rest.strip(b"\0 \t\r"):
            return Problem(self.line, f"{self.pending:,} NUL bytes at the end")
        return Problem(self.line, f"unfinished last line of {self.pending:,} bytes")

    def _lines(self, lines: Sequence[bytes | bytearray], out: list[Record | Problem], newline: int) -> None:
        """Read whole lines, each with the ``newline`` bytes of its end."""
        loads, give, new = orjson.loads, out.append, tuple.__new__
        cut = b"\r\n" if newline else b"\r"
        if self.line == 1 and newline and lines[0].endswith(cut):
            give(Problem(1, "lines end in CR LF"))  # once for a file; an editor or a copy made them so throughout
        for line in lines:
            length = len(line) - newline
            if self._nuls or length > LINE_LIMIT:
                self._long(line[:length], out, newline)
                continue
            try:
                value = loads(line)
            except orjson.JSONDecodeError:
                value = None
            if type(value) is dict and not (length > _LONG and _deep(line, value)):
                # tuple.__new__ makes the named tuples at a third of the cost; this runs once per line of every log
                size = length - 1 if line.endswith(cut) else length
                give(new(Record, (new(Source, (self.line, self.offset, size)), value, 0, False)))
            else:
                self._odd(line[:length], length, out)
            self.offset += length + newline
            self.line += newline

    def _odd(self, line: bytes | bytearray, length: int, out: list[Record | Problem]) -> None:
        """A line, ``length`` bytes with what was cut off before it, that is not one plain JSON object."""
        read = _read_odd(line)
        source = Source(self.line, self.offset, length - line.endswith(b"\r"))
        out.extend(Record(source, value, nth) for nth, value in enumerate(read.objects))
        self.bad += read.bad
        if read.note is not None:
            out.append(Problem(self.line, read.note))

    def _long(self, line: bytes | bytearray, out: list[Record | Problem], newline: int) -> None:
        """A line over the limit; without the NUL bytes at its beginning it may be short enough."""
        length = self._nuls + len(line)
        self._nuls = 0
        nuls = _NULS.match(line).end()  # type: ignore[union-attr]
        if len(line) - nuls > LINE_LIMIT:
            head = bytes(memoryview(line)[nuls : nuls + oversize.HEAD])
            self._big(length, head, bytes(memoryview(line)[-oversize.TAIL :]), out)
            return
        bare = line[nuls:]
        self._odd(b"\0" + bare, length, out)
        self.offset += length + newline
        self.line += newline

    def _drop_nuls(self) -> None:
        nuls = _NULS.match(self._rest).end()  # type: ignore[union-attr]
        self._nuls += nuls
        del self._rest[:nuls]

    def _overflow(self) -> None:
        self._drop_nuls()
        if len(self._rest) > LINE_LIMIT:
            self._head = bytes(memoryview(self._rest)[: oversize.HEAD])
            self._tail = bytes(memoryview(self._rest)[-oversize.TAIL :])
            self._skipping = len(self._rest)
            self._rest = bytearray()

    def _big(self, length: int, head: bytes, tail: bytes, out: list[Record | Problem]) -> None:
        source = Source(self.line, self.offset, length - tail.endswith(b"\r"))
        out.append(Record(source, _oversize(head, tail), 0, True))
        out.append(Problem(self.line, f"line of {length / 1048576:,.0f} MiB kept but not read (limit 16 MiB)"))
        self.offset += length + 1
        self.line += 1


def records_of(stream: BinaryIO, *, offset: int = 0, line: int = 1) -> Iterator[Record | Problem]:
    """Read a whole binary stream that stands at ``offset``, from line number ``line`` on.

    A stream that fails midway (damaged compression, an input error) ends in a problem, after what could be read.
    """
    splitter = Splitter(offset, line)
    try:
        while chunk := stream.read(_CHUNK):
            yield from splitter.feed(chunk)
    except (OSError, EOFError) as error:
        reason = getattr(error, "strerror", None) or error
        yield Problem(splitter.line, f"cannot be read on: {reason}")
    yield from splitter.finish()
    problem = splitter.unfinished()
    if problem is not None:
        yield problem
