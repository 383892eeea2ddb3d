"""What zstd is told beforehand of short frames: the dictionary ``frames.dict``, part of the program.

Small sessions are mostly the keys of their records, which each frame by itself would have to spell out again. The
dictionary was made of made-up sessions alone (``scripts/dictionary.py`` tells how), so it holds nothing that ``forget``
would have to empty. A frame names the dictionary that it needs by number, and no number is ever used for other bytes.
A copy of it lies in each bucket, so that copies can be read without this program: ``zstd -dc -D frames.dict FILE``.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Final

import zstandard

from tracetui.bucket.location import write_private
from tracetui.model import TracetuiError

__all__ = ["NAME", "SHORT", "FramePacker", "keep_dictionary", "unpacker"]

NAME: Final = "frames.dict"
NUMBER: Final = 0x74726101
DIGEST: Final = "9f2f7b840838c7685909f1fea42820b223d3a1744f3162e7cbf77ecab5e60fc3"
SHORT: Final = 64 * 1024
"""Frames of at most so many bytes are packed with the dictionary; longer ones gain less than 3 % by it."""
LEVEL: Final = 1
_SHORT_LEVEL: Final = 6
# Measured on the first 8 kB of the logs of a corpus of real ones (of which the dictionary knows nothing): with level 6
# frames take 22 to 31 % of the log, without a dictionary 29 to 39 % whatever the level; level 9 takes ten times as long
# and saves 0.5 % more.


def _bytes() -> bytes:
    data = Path(__file__).with_name(NAME).read_bytes()
    if hashlib.sha256(data).hexdigest() != DIGEST:
        raise TracetuiError("tracetui itself is damaged (bucket/frames.dict); install it again")
    return data


@cache
def _dictionary() -> zstandard.ZstdCompressionDict:
    return zstandard.ZstdCompressionDict(_bytes())


@cache
def _prepared() -> zstandard.ZstdCompressionDict:
    made = zstandard.ZstdCompressionDict(_bytes())
    made.precompute_compress(level=_SHORT_LEVEL)
    return made


class FramePacker:
    """Makes frames; short ones with the dictionary. Not safe from several threads."""

    def __init__(self) -> None:
        self._long = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True, write_content_size=True)
        self._short: zstandard.ZstdCompressor | None = None

    def compress(self, data: bytes | memoryview) -> bytes:
        """One frame of these bytes, with its length and a checksum."""
        if len(data) > SHORT:
            return self._long.compress(data)
        if self._short is None:
            self._short = zstandard.ZstdCompressor(
                level=_SHORT_LEVEL, dict_data=_prepared(), write_checksum=True, write_content_size=True
            )
        return self._short.compress(data)


def unpacker(packed: bytes) -> zstandard.ZstdDecompressor:
    """What unpacks a frame, by its first bytes. Raises zstandard.ZstdError where it needs another dictionary."""
    number = zstandard.get_frame_parameters(packed).dict_id
    if not number:
        return zstandard.ZstdDecompressor()
    if number != NUMBER:
        raise zstandard.ZstdError("it needs a dictionary that is not known here")
    return zstandard.ZstdDecompressor(dict_data=_dictionary())


def keep_dictionary(folder: Path) -> None:
    """Put a copy of the dictionary into the bucket at ``folder`` where it has none. Raises OSError."""
    if not (folder / NAME).exists():
        write_private(folder / NAME, _bytes())
