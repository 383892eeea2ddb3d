"""Which records a log holds: asked only where several logs of one session may hold each other.

A record is known by its id, or, without one, by a digest of its canonical form (keys in order, no white space). What a
log holds is kept beside the index as 64-bit marks in the order of the records, and grows with the log.
"""

from __future__ import annotations

import itertools
import marshal
import sqlite3
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

import orjson

from tracetui.bucket.within import copy_of, view
from tracetui.model import Record

__all__ = ["RecordSet", "RecordSets", "mark_of"]

_TELLING: Final = 1
"""The lowest bit of a mark: the record has an id or a time, so that no other log holds the like by chance."""


def mark_of(value: Mapping[str, Any], ident: Callable[[Mapping[str, Any]], str | None] | None) -> int:
    """64 bits that tell a record from others; ``ident`` gives the record's id where it has one."""
    name = None if ident is None else ident(value)
    if name is not None:
        data, telling = b"id\0" + name.encode("utf-8", "surrogatepass"), True
    else:
        try:
            data = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
        except TypeError:  # nested deeper than orjson writes
            data = marshal.dumps(dict(value))
        telling = "timestamp" in value
    mark = int.from_bytes(blake2b(data, digest_size=8).digest(), "little")
    return mark | _TELLING if telling else mark & ~_TELLING


class RecordSet:
    """The records of one log: ``marks`` in file order, with the 1-based ``lines`` on which they stand."""

    __slots__ = ("_held", "lines", "marks")

    def __init__(self, lines: array[int], marks: array[int]) -> None:
        self.lines = lines
        self.marks = marks
        self._held: frozenset[int] | None = None

    @property
    def held(self) -> frozenset[int]:
        """All marks."""
        if self._held is None:
            self._held = frozenset(self.marks)
        return self._held

    def on(self, line: int) -> int | None:
        """The mark of the first record of a line."""
        at = bisect_left(self.lines, line)
        return self.marks[at] if at < len(self.lines) and self.lines[at] == line else None

    def shares(self, other: RecordSet) -> bool:
        """Whether both hold a record that no two logs hold by chance."""
        small, large = sorted((self.held, other.held), key=len)
        return any(mark & _TELLING and mark in large for mark in small)


class RecordSets:
    """The record sets of the logs of one bucket, read from the copies when first asked for."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._held: dict[int, tuple[int, RecordSet]] = {}
        (file,) = (row[2] for row in db.execute("PRAGMA database_list") if row[1] == "main")
        self.folder = Path(file).parent
        self._copies = self.folder / "copies"

    def forget(self) -> None:
        """Let go of what is in memory."""
        self._held.clear()

    def of(self, row: Any) -> RecordSet:
        """The records of the log of this row, up to the bytes that the index knows. Raises TracetuiError or OSError
        where its copy cannot be read."""
        log, size = row["id"], row["bytes"]
        held = self._held.get(log)
        if held is not None and held[0] == size:
            return held[1]
        found = self._db.execute("SELECT bytes, line, lines, marks FROM record_set WHERE log=?", (log,)).fetchone()
        lines, marks, at, line = array("I"), array("Q"), 0, 1
        if found is not None and found[0] <= size:
            at, line = found[:2]
            lines.frombytes(found[2])
            marks.frombytes(found[3])
        if at < size:
            line = self._read(row, at, line, lines, marks)
            self._db.execute(
                "INSERT OR REPLACE INTO record_set VALUES(?,?,?,?,?)",
                (log, size, line, lines.tobytes(), marks.tobytes()),
            )
        made = RecordSet(lines, marks)
        self._held[log] = (size, made)
        return made

    def _read(self, row: Any, at: int, line: int, lines: array[int], marks: array[int]) -> int:
        """Add what stands in the copy from byte ``at`` on; the number of the line behind it."""
        from tracetui.bucket.copies import CopyReader
        from tracetui.harness import HARNESSES
        from tracetui.harness.lines import Splitter

        harness = HARNESSES.get(row["harness"])
        ident = None if harness is None else harness.record_id
        splitter = Splitter(at, line)
        reader = CopyReader(self._copies / copy_of(row["copy"]))
        agent = row["within"]
        try:
            for chunk in itertools.chain(reader.chunks(at, row["bytes"]), (None,)):
                items = splitter.finish() if chunk is None else splitter.feed(chunk)
                records: Iterable[Record] = (item for item in items if isinstance(item, Record))
                if agent is not None and harness is not None:
                    records = view(records, harness, agent)
                for record in records:
                    lines.append(record.source.line & 0xFFFFFFFF)
                    marks.append(mark_of(record.value, ident))
        finally:
            reader.close()
        return splitter.line
