"""Records that are not lines: whole JSON documents, folders of JSON files, SQLite databases.

A harness offers a ``RecordSource`` for each such form. Its records come one by one, each with an identity that outlives
its changes; a log of them is a file of lines all the same: the bucket's copy gets one record a line, in the order in
which they were first seen. A record that was changed stands there again, as a new version of the same identity, and
one that was taken away as what ``gone`` makes of it, so that a copy only grows, a step keeps its number, and
``source.line`` is the ordinal of the record in the log.

A database holds many sessions. Each is a log of its own, whose path is that of the database with the session's name
below it: no file can stand there.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, NamedTuple

import orjson

from tracetui.harness.database import is_database, opened
from tracetui.harness.opening import open_log

if TYPE_CHECKING:
    import sqlite3

__all__ = [
    "DOCUMENT_LIMIT",
    "DatabaseSource",
    "DocumentSource",
    "Member",
    "RecordSource",
    "container",
    "exists",
    "fresh",
    "is_document",
    "line_of",
    "open_lines",
    "source_of",
]

DOCUMENT_LIMIT: Final = 512 * 1024 * 1024
"""Bytes; a larger JSON document is not read."""
_HEAD: Final = 64 * 1024
_BOM: Final = b"\xef\xbb\xbf"


class Member(NamedTuple):
    """One session of a database. ``size`` and ``mtime_ns`` change whenever its records do; ``folder`` is where it
    worked, where that is known without reading it."""

    name: str
    size: int
    mtime_ns: int
    folder: str | None = None


@dataclass(frozen=True, slots=True)
class RecordSource:
    """A form in which a harness keeps sessions, other than lines.

    ``key`` gives the identity of a record, "" for one that has none (it then is its own content). ``gone`` gives the
    record that says of an identity that it was taken away, or None where that is not told.
    """

    key: Callable[[Mapping[str, Any]], str]
    gone: Callable[[str], dict[str, Any] | None]


@dataclass(frozen=True, slots=True)
class DocumentSource(RecordSource):
    """Sessions in JSON documents, one each, perhaps with files beside it."""

    detect: Callable[[Any], bool]
    """Whether a parsed document is one of these, by its content."""
    records: Callable[[Any, Path], Iterable[dict[str, Any]]]
    """The records of a document, and of what stands beside its path."""


@dataclass(frozen=True, slots=True)
class DatabaseSource(RecordSource):
    """Sessions in an SQLite database."""

    detect: Callable[[sqlite3.Connection], bool]
    """Whether the tables are these."""
    members: Callable[[sqlite3.Connection, str], Iterable[Member]]
    """``members(db, path)``: its sessions."""
    records: Callable[[sqlite3.Connection, str, str], Iterable[dict[str, Any]]]
    """``records(db, name, path)``: the records of one session, in order; ``path`` is where the database stands, for
    what its owner keeps beside it."""


def container(path: str) -> tuple[str, str] | None:
    """The database and the session's name of a path that stands for a session in one; None for any other path."""
    folder, name = os.path.split(path)
    if not name or os.path.lexists(path) or not os.path.isfile(folder):  # noqa: PTH113
        return None
    return folder, name


def exists(path: str) -> bool:
    """Whether a log's file, or the database it stands in, is there."""
    return os.path.lexists(path) or container(path) is not None


def _sources(kind: type[RecordSource]) -> Iterator[Any]:
    from tracetui.harness import HARNESSES

    for harness in HARNESSES.values():
        for source in harness.sources:
            if isinstance(source, kind):
                yield source


def source_of(db: sqlite3.Connection) -> DatabaseSource | None:
    """The source whose tables a database has."""
    tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type='table'")}
    return next((source for source in _sources(DatabaseSource) if source.detect(db)), None) if tables else None


def _document(path: str) -> tuple[DocumentSource, Any] | None:
    """The source and the content of a JSON document; None for a file of lines and for what no harness knows."""
    with open_log(path) as stream:
        head = stream.read(_HEAD)
        start = head.removeprefix(_BOM).lstrip()
        if start[:1] not in (b"{", b"["):
            return None
        line, end, rest = start.partition(b"\n")
        if start[:1] == b"{" and end and rest.strip() and _object(line):
            return None  # a first line that is whole, and more behind it: lines
        if start[:1] == b"{" and not end and len(head) == _HEAD and not _telling(start):
            return None
        data = head + stream.read(DOCUMENT_LIMIT)
        if len(data) > DOCUMENT_LIMIT:
            raise OSError(0, f"a JSON document of more than {DOCUMENT_LIMIT >> 20} MiB")
    try:
        value = orjson.loads(data.removeprefix(_BOM))
    except orjson.JSONDecodeError:
        value = _tolerant(data)
    if value is None and path.endswith(".json"):
        raise OSError(errno.EAGAIN, "not a whole JSON document, at this moment at least")
    if not isinstance(value, dict | list):
        return None
    source = next((source for source in _sources(DocumentSource) if source.detect(value)), None)
    return None if source is None else (source, value)


_FIRST_KEYS: Final = (b'"info"', b'"sessionId"', b'"messages"', b'"id"')


def _telling(start: bytes) -> bool:
    """Whether a long first line begins as a document of some harness does."""
    return start[1:80].lstrip().startswith(_FIRST_KEYS)


def _object(line: bytes) -> bool:
    try:
        return isinstance(orjson.loads(line), dict)
    except orjson.JSONDecodeError:
        return False


def _tolerant(data: bytes) -> Any:
    """A document with lone surrogates or invalid UTF-8, read as a line of a log would be; None for what is none."""
    from tracetui.harness.lines import LINE_LIMIT, parse_line

    if len(data) > LINE_LIMIT:
        return None
    objects, _ = parse_line(data)
    return objects[0] if len(objects) == 1 else None


def is_document(path: str) -> bool:
    """Whether the file at ``path`` is a document of some harness; what cannot be read is none."""
    try:
        return _document(path) is not None
    except OSError:
        return path.endswith(".json")


def line_of(value: Mapping[str, Any]) -> bytes:
    """A record as the bytes of its line."""
    return orjson.dumps(value) + b"\n"


def _digest(line: bytes) -> bytes:
    return blake2b(line, digest_size=8).digest()


def fresh(
    source: RecordSource, records: Iterable[Mapping[str, Any]], before: Iterable[Mapping[str, Any]]
) -> Iterator[bytes]:
    """The lines that a copy lacks: records of which it does not hold the latest version, and what was taken away.

    ``before`` are the records that stand in the copy, in order.
    """
    held: dict[str, bytes] = {}
    for value in before:
        line = line_of(value)
        held[source.key(value) or _digest(line).hex()] = _digest(line)
    left = dict.fromkeys(held)
    for value in records:
        line = line_of(value)
        mark = _digest(line)
        key = source.key(value) or mark.hex()
        left.pop(key, None)
        if held.get(key) != mark:
            held[key] = mark
            yield line
    for key in left:
        value = source.gone(key) or {}
        if value:
            line = line_of(value)
            if held[key] != _digest(line):
                yield line


def lines_of(path: str, before: Iterable[Mapping[str, Any]], snapshot: str | None = None) -> bytes | None:
    """The lines that a copy of the log at ``path`` lacks; None for a file of lines, which is read as it is.

    ``snapshot`` is the database to read in place of the one that ``path`` stands in. Raises OSError.
    """
    if snapshot is not None:
        with opened(snapshot) as db:
            source = source_of(db)
            if source is None:
                raise OSError(0, "a database of no known harness")
            origin, name = os.path.split(path)
            return b"".join(fresh(source, source.records(db, name, origin), before))
    found = _document(path)
    if found is None:
        return None
    document, value = found
    return b"".join(fresh(document, document.records(value, Path(path)), before))


def open_lines(path: str | os.PathLike[str]) -> BinaryIO:
    """A log as a stream of lines, whatever form it has; of a database its newest session's. Raises OSError."""
    import io
    import tempfile

    name = os.fspath(path)
    if not is_database(name):
        found = lines_of(name, ())
        return open_log(name) if found is None else io.BytesIO(found)
    from tracetui.harness.database import snapshot

    with tempfile.TemporaryDirectory(prefix="tracetui-") as folder:
        seen = snapshot(name, Path(folder))
        with opened(seen.path) as db:
            source = source_of(db)
            members = [] if source is None else list(source.members(db, name))
            if source is None or not members:
                raise OSError(0, "a database of no known harness")
            newest = max(members, key=lambda member: member.mtime_ns)
            return io.BytesIO(b"".join(map(line_of, source.records(db, newest.name, name))))
