"""Bytes to records: a push splitter for JSON Lines that survives whatever a crashed writer or an editor left behind.

``Splitter.feed`` takes the bytes of a log chunk by chunk and gives records and problems in file order. It holds at most
one unfinished line, and never more than ``LINE_LIMIT`` bytes of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, BinaryIO, Final

import orjson

from tracetui.model import Problem, Record, Source

__all__ = ["LINE_LIMIT", "Splitter", "parse_line", "records_of"]

LINE_LIMIT: Final = 16 * 1024 * 1024
"""Bytes; a longer line is not parsed, it gives its type and ids only."""
_HEAD: Final = 64 * 1024
_CHUNK: Final = 1024 * 1024
_BOM: Final = b"\xef\xbb\xbf"
_OBJECTS_PER_LINE: Final = 1000
_SURROGATE = re.compile("[\ud800-\udfff]")
_HEAD_FIELD = re.compile(
    rb'"(type|subtype|uuid|parentUuid|sessionId|session_id|id|parentId|timestamp|call_id|requestId|role|agentId|cwd)"'
    rb'\s*:\s*"((?:[^"\\]|\\.){0,200})"'
)


def _mend(value: Any) -> Any:
    """Replace lone surrogates, one code point for one, so that every string can be encoded."""
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_mend(item) for item in value]
    if isinstance(value, dict):
        return {_mend(key): _mend(item) for key, item in value.items()}
    return value


def _head_of(head: bytes) -> dict[str, Any]:
    """The type and ids that the head of an oversize line shows; the first of each name wins."""
    found: dict[str, Any] = {}
    for match in _HEAD_FIELD.finditer(head):
        name = match[1].decode("ascii")
        if name not in found:
            found[name] = match[2].decode("utf-8", "replace")
    return found


def parse_line(line: bytes) -> tuple[list[dict[str, Any]], str | None]:
    """Read one line tolerantly.

    Returns the JSON objects that it holds (usually one, none for a blank line, more where objects are glued together)
    and, where it was not plain valid JSON, what was wrong with it.
    """
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        pass
    else:
        if isinstance(value, dict):
            return [value], None
        return [], "not a JSON object"
    notes: list[str] = []
    if line.startswith(_BOM):
        line = line[len(_BOM) :]
    if b"\0" in line:
        line = line.replace(b"\0", b"")
        notes.append("NUL bytes left out")
    if not line.strip():
        return [], notes[0] if notes else None
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        text = line.decode("utf-8", "replace")
        notes.append("invalid UTF-8 replaced")
    objects: list[dict[str, Any]] = []
    decoder = json.JSONDecoder(strict=False)
    at, end = 0, len(text)
    try:
        while len(objects) < _OBJECTS_PER_LINE:
            while at < end and text[at] in " \t\r\n":
                at += 1
            if at >= end:
                break
            value, at = decoder.raw_decode(text, at)
            if not isinstance(value, dict):
                notes.append("a value that is not a JSON object left out")
                continue
            if _SURROGATE.search(json.dumps(value, ensure_ascii=False)):
                value = _mend(value)
                notes.append("lone surrogates replaced")
            objects.append(value)
    except (ValueError, RecursionError):
        notes.append("not JSON" if not objects else "the rest of the line is not JSON")
    if len(objects) > 1:
        notes.append(f"{len(objects)} objects on one line")
    return objects, "; ".join(dict.fromkeys(notes)) or None


class Splitter:
    """Push splitter: bytes in, records and problems out.

    ``offset`` and ``line`` say where the next unread line begins; hand them to a new splitter to go on after growth.
    ``bad`` counts lines of which nothing, or not all, could be read.
    """

    def __init__(self, offset: int = 0, line: int = 1) -> None:
        self.offset = offset
        self.line = line
        self.bad = 0
        self._rest = bytearray()
        self._skipping = 0
        self._head = b""

    @property
    def pending(self) -> int:
        """Bytes of an unfinished line after ``offset``."""
        return self._skipping or len(self._rest)

    def feed(self, chunk: bytes) -> list[Record | Problem]:
        """Take the next bytes; give what became whole lines by them."""
        out: list[Record | Problem] = []
        if self._skipping:
            end = chunk.find(b"\n")
            if end < 0:
                self._skipping += len(chunk)
                return out
            self._oversize(self._skipping + end, out, newline=True)
            chunk = chunk[end + 1 :]
        lines = chunk.split(b"\n")
        if self._rest:
            self._rest += lines[0]
            if len(lines) > 1:
                lines[0] = bytes(self._rest)
                self._rest.clear()
        elif len(lines) == 1:
            self._rest += lines[0]
        tail = lines.pop()
        for line in lines:
            self._line(line, out, newline=True)
        if lines:
            self._rest += tail
        if len(self._rest) > LINE_LIMIT:
            self._head = bytes(self._rest[:_HEAD])
            self._skipping = len(self._rest)
            self._rest = bytearray()
        return out

    def finish(self) -> list[Record | Problem]:
        """The end of the file: give the last line if it is whole without its line end.

        A torn one stays unread (``pending`` tells its bytes) and is read when it has its rest.
        """
        out: list[Record | Problem] = []
        if self._rest:
            line = bytes(self._rest)
            objects, _ = parse_line(line)
            if objects and line.rstrip(b"\r \t\0").endswith(b"}"):
                try:
                    orjson.loads(line)
                    whole = True
                except orjson.JSONDecodeError:
                    whole = "not JSON" not in (parse_line(line)[1] or "")
                if whole:
                    self._rest.clear()
                    self._line(line, out, newline=False)
        return out

    def _line(self, line: bytes, out: list[Record | Problem], *, newline: bool) -> None:
        length = len(line)
        offset, number = self.offset, self.line
        self.offset = offset + length + newline
        self.line = number + newline
        if length > LINE_LIMIT:
            self._big(Source(number, offset, length), line[:_HEAD], out)
            return
        try:
            value = orjson.loads(line)
            if isinstance(value, dict):
                out.append(Record(Source(number, offset, length), value))
                return
        except orjson.JSONDecodeError:
            pass
        objects, note = parse_line(line)
        source = Source(number, offset, length)
        for nth, item in enumerate(objects):
            out.append(Record(source, item, nth))
        if note is not None:
            if not objects or "not JSON" in note or "not a JSON object" in note:
                self.bad += 1
            out.append(Problem(number, note))

    def _oversize(self, length: int, out: list[Record | Problem], *, newline: bool) -> None:
        self._big(Source(self.line, self.offset, length), self._head, out)
        self.offset += length + newline
        self.line += newline
        self._skipping = 0
        self._head = b""

    def _big(self, source: Source, head: bytes, out: list[Record | Problem]) -> None:
        out.append(Record(source, _head_of(head), 0, True))
        out.append(Problem(source.line, f"line of {source.length / 1048576:,.0f} MiB kept but not read (limit 16 MiB)"))


def records_of(stream: BinaryIO, *, offset: int = 0, line: int = 1) -> Iterator[Record | Problem]:
    """Read a whole binary stream that stands at ``offset``, from line number ``line`` on."""
    splitter = Splitter(offset, line)
    while chunk := stream.read(_CHUNK):
        yield from splitter.feed(chunk)
    yield from splitter.finish()
    if splitter.pending:
        yield Problem(splitter.line, f"unfinished last line of {splitter.pending:,} bytes; read when its rest is there")
