"""Writing a copy anew: loose frames joined, pieces of the first format in the present one, what is lost left out.

The new copy is made in a temporary folder on the same file system and compared with the old one, byte for byte of the
log, before it takes its place; until then the old one is as it was.
"""

from __future__ import annotations

import os
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

from tracetui.bucket.copies import CopyReader, compressor, sync_folder, write_all
from tracetui.bucket.frames import FRAME, LOOSE, UNKNOWN, entry, header
from tracetui.model import TracetuiError

__all__ = ["Rewritten", "rewrite"]


class Rewritten(NamedTuple):
    """What became of a copy: bytes of its file, loose frames at its end, bytes of the log that are lost."""

    size: int
    loose: int
    lost: int


def rewrite(
    path: Path, temporary: Path, *, leave_out: bool = False, facts: dict[str, Any] | None = None
) -> Rewritten | None:
    """Write the copy at ``path`` anew where that is of use; None where it is not, and where the copy is damaged.

    ``leave_out`` is for damaged ones: what is whole is kept, the place of the rest stays empty. ``facts`` is the header
    where that of the copy is lost. ``temporary`` is a folder on the same file system. Raises OSError and TracetuiError;
    the copy is then as it was.
    """
    reader = CopyReader(path)
    try:
        found = reader.scan
        if not leave_out and (found.damage or found.size != found.file_size):
            return None
        first = 0 if found.old or leave_out else len(found.frames) - found.loose
        if not found.old and not leave_out and len(found.frames) - first < 2:
            return None
        target = temporary / path.name
        try:
            result = _write(reader, target, first, leave_out, facts or reader.scan.header)
            _compare(reader, target, first, leave_out)
            target.replace(path)
        except BaseException:
            target.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)
        return result
    finally:
        reader.close()


def _write(reader: CopyReader, target: Path, first: int, leave_out: bool, facts: dict[str, Any]) -> Rewritten:
    """Frames before number ``first`` are taken as they are."""
    found = reader.scan
    handle = os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        if os.name == "posix":
            os.fchmod(handle, 0o600)
        pressed = compressor()
        top = header({**facts, "tracetui": 2})
        size = loose = lost = number = 0
        held: list[bytes] = []
        held_from, held_line, count = 0, UNKNOWN, 0

        def put(start: int, length: int, packed: bytes, line: int) -> None:
            nonlocal size, number
            data = (top if number < 2 else b"") + entry(start, length, len(packed), found.stamp, line) + packed
            write_all(handle, data)
            size += len(data)
            number += 1

        def flush() -> None:
            nonlocal loose, count
            if held:
                put(held_from, count, pressed.compress(b"".join(held)), held_line)
                loose = loose + 1 if count < LOOSE else 0
                held.clear()
                count = 0

        for frame in found.frames[:first]:
            put(frame.start, frame.length, reader.packed(frame), frame.line)
        at = found.frames[first - 1].start + found.frames[first - 1].length if first else 0
        for piece in reader.pieces(at):
            if piece.data is None:
                if not leave_out:
                    raise TracetuiError(f"The copy {target.name} is damaged at byte {piece.at:,}")
                lost += piece.length
                flush()
                continue
            if held and count + piece.length > FRAME:
                flush()
            if not held:
                held_from, held_line = piece.start, piece.line
            held.append(piece.data)
            count += piece.length
        flush()
        os.fsync(handle)
        return Rewritten(size, loose, lost)
    finally:
        os.close(handle)


def _compare(reader: CopyReader, target: Path, first: int, leave_out: bool) -> None:
    """Raises TracetuiError where the new copy does not hold all that the old one gives."""
    other = CopyReader(target)
    try:
        old, new = reader.scan, other.scan
        at = old.frames[first - 1].start + old.frames[first - 1].length if first else 0
        same = (
            not new.damage
            and new.size == new.file_size
            and (new.bytes == old.bytes or leave_out)
            and new.stamp == old.stamp
            and all(reader.packed(a) == other.packed(b) for a, b in zip(old.frames[:first], new.frames[:first]))
            and _digest(reader, at) == _digest(other, at)
        )
    finally:
        other.close()
    if not same:
        raise TracetuiError(f"The copy {target.name} could not be written anew; it is as it was")


def _digest(reader: CopyReader, at: int) -> bytes:
    mark = blake2b(digest_size=20)
    for piece in reader.pieces(at):
        if piece.data is not None:
            if piece.start != at:
                mark.update(f"@{piece.start}".encode())
            mark.update(piece.data)
            at = piece.start + piece.length
    return mark.digest()
