"""The folder of copies against the index, both ways; each copy against its own checksums and against its log."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from tracetui.bucket.copies import CopyReader, DamagedError
from tracetui.bucket.location import copies_in
from tracetui.bucket.totals import FileRow, files
from tracetui.harness.opening import open_log
from tracetui.harness.sources import is_document
from tracetui.model import TracetuiError

__all__ = ["Fault", "verify"]


class Fault(NamedTuple):
    """What is wrong with a copy (its place below ``copies/``). ``what``: ``damaged``; ``lost`` (whole, but some of its
    log was left out when a damaged one was written anew); ``torn`` (by a kill; mended by the next run); ``differs``
    from its log; ``behind`` (the index does not have all of it yet); ``missing`` (the index names it, and there is
    none); ``unknown`` to the index; ``unreadable`` (its log)."""

    copy: str
    what: str
    reason: str
    file: FileRow | None


def verify(
    db: sqlite3.Connection,
    folder: Path,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Iterator[Fault]:
    """Everything that is wrong with the copies. Reads all of them, and the logs; ``progress`` is told (copies done, all
    copies)."""
    rows = files(db)
    known = {row.copy for row in rows}
    # (In that order: a capturing process makes the copy first, and may end while this one reads.)
    strays = [name for name, _ in copies_in(folder) if name not in known]
    for nth, row in enumerate(rows):
        if cancelled is not None and cancelled():
            return
        fault = _compare(folder / "copies" / row.copy, row)
        if fault is not None:
            yield Fault(row.copy, *fault, row)
        if progress is not None:
            progress(nth + 1, len(rows))
    for name in strays:
        if db.execute("SELECT 1 FROM log WHERE copy=?", (name,)).fetchone() is None:
            yield Fault(name, "unknown", "the index does not know this copy", None)


def _compare(copy: Path, row: FileRow) -> tuple[str, str] | None:
    """What is wrong with a copy, and why."""
    if not os.path.lexists(copy):
        return "missing", "its copy is not there"
    try:
        reader = CopyReader(copy)
    except TracetuiError as error:
        return "damaged", str(error)
    try:
        found = reader.scan
        if found.damage:
            place = found.damage[0]
            return "damaged", f"the copy {copy.name} is damaged at byte {place.at:,}: {place.what}"
        if found.bytes < row.bytes:
            return "damaged", f"the copy holds {found.bytes:,} bytes of the log, the index knows {row.bytes:,}"
        return _contents(reader, row)
    finally:
        reader.close()


def _contents(reader: CopyReader, row: FileRow) -> tuple[str, str] | None:
    differs = unreadable = None
    stream = None
    if row.current and not row.gone and os.path.lexists(row.path) and not is_document(row.path):
        try:
            stream = open_log(row.path)
        except OSError as error:
            unreadable = f"the log cannot be read ({error.strerror or error})"
    lost = 0
    try:
        for piece in reader.pieces():
            if piece.data is None and piece.at:
                return "damaged", f"the copy {reader.path.name} is damaged at byte {piece.at:,} ({piece.why[:80]})"
            lost += piece.length if piece.data is None else 0
            if stream is not None and differs is None:
                held = _next(stream, piece.length)
                if piece.data is not None and held != piece.data:
                    end = piece.start + piece.length
                    differs = f"the log is not what was captured, from byte {piece.start:,} to {end:,} or before"
    except DamagedError as error:
        return "damaged", str(error)
    except OSError as error:
        unreadable = f"the log cannot be read ({error.strerror or error})"
    finally:
        if stream is not None:
            stream.close()
    if differs is not None:
        return "differs", differs
    if unreadable is not None:
        return "unreadable", unreadable
    if lost:
        return "lost", f"{lost:,} bytes of the log are lost; the copy is whole but for them"
    found = reader.scan
    if found.size < found.file_size:
        return "torn", "the copy has a torn end; the next index run mends it"
    return None


def _next(stream: object, length: int) -> bytes:
    """The next bytes of a log; fewer only at its end."""
    out = bytearray()
    while len(out) < length:
        part: bytes = stream.read(length - len(out))  # type: ignore[attr-defined]
        if not part:
            break
        out += part
    return bytes(out)
