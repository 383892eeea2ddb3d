"""Opening a log safely: regular files only, never through a link, never waiting; compressed ones as a stream."""

from __future__ import annotations

import io
import os
import stat
import sys
from pathlib import Path
from typing import BinaryIO, Final, cast

__all__ = ["ZSTD_MAGIC", "follow", "open_log"]

ZSTD_MAGIC: Final = b"\x28\xb5\x2f\xfd"
_SKIPPABLE: Final = b"\x2a\x4d\x18"
_FLAGS: Final = (
    os.O_RDONLY
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_BINARY", 0)
)
_BLOCK: Final = 64 * 1024
_BOMB_FREE: Final = 1 << 30
_BOMB_RATIO: Final = 2000


class _Unzstd(io.BufferedIOBase):
    """The decompressed bytes of a file of one or more zstd frames. A frame that ends early ends the stream; damage
    and an absurd ratio raise OSError, after what could be read before them was given."""

    def __init__(self, raw: io.FileIO) -> None:
        import zstandard

        self._raw = raw
        self._damage = zstandard.ZstdError
        self._reader = zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True, closefd=False)
        self._size = os.fstat(raw.fileno()).st_size
        self._given = 0
        self._failed = ""

    def readable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._raw.fileno()

    def read(self, size: int | None = -1, /) -> bytes:
        left = sys.maxsize if size is None or size < 0 else size
        parts: list[bytes] = []
        while left > 0 and not self._failed:
            if self._given > _BOMB_FREE and self._given > _BOMB_RATIO * self._size:
                self._failed = f"expands more than {_BOMB_RATIO:,} times"
                break
            try:
                part = self._reader.read(min(left, _BLOCK))
            except self._damage:
                self._failed = "damaged zstd data"
                break
            if not part:
                break
            parts.append(part)
            left -= len(part)
            self._given += len(part)
        if self._failed and not parts and left > 0:
            raise OSError(self._failed)
        return b"".join(parts)

    def read1(self, size: int = -1, /) -> bytes:
        return self.read(_BLOCK if size < 0 else size)

    def close(self) -> None:
        if not self.closed:
            self._reader.close()  # type: ignore[no-untyped-call]
            self._raw.close()
        super().close()


def open_log(path: str | os.PathLike[str], offset: int = 0) -> BinaryIO:
    """Open a log for reading at ``offset``; zstd data (told by its first bytes) comes decompressed, streaming.

    Offsets count decompressed bytes; to reach one in compressed data the bytes before it are read and thrown away.
    Raises OSError for what is no regular file, a symbolic link, or cannot be read. ``fileno()`` is the file's own.
    """
    name = os.fspath(path)
    if not hasattr(os, "O_NOFOLLOW") and os.path.islink(name):  # noqa: PTH114
        raise OSError(f"a symbolic link: {name}")
    raw = io.FileIO(os.open(name, _FLAGS), "rb")
    try:
        if not stat.S_ISREG(os.fstat(raw.fileno()).st_mode):
            raise OSError(f"not a regular file: {name}")
        head = raw.read(4) or b""
        raw.seek(0)
        if head != ZSTD_MAGIC and not (head[1:] == _SKIPPABLE and head[0] & 0xF0 == 0x50):
            raw.seek(offset)
            return io.BufferedReader(raw)
        stream = _Unzstd(raw)
    except BaseException:
        raw.close()
        raise
    try:
        left = offset
        while left > 0:
            block = stream.read(min(left, _BLOCK))
            if not block:
                break
            left -= len(block)
    except BaseException:
        stream.close()
        raise
    return cast("BinaryIO", stream)


def follow(path: str, session_folder: str | os.PathLike[str]) -> Path | None:
    """The real path of a file that a log names, if it may be read; None otherwise.

    It may be read when, all links resolved, it is a regular file inside ``session_folder``, the folder that belongs to
    that one session (a relative path is looked up there).
    """
    try:
        folder = os.path.realpath(session_folder, strict=True)
        real = os.path.realpath(os.path.join(folder, path), strict=True)  # noqa: PTH118
        if real == folder or os.path.commonpath([folder, real]) != folder:
            return None
        return Path(real) if stat.S_ISREG(os.lstat(real).st_mode) else None
    except (OSError, ValueError):
        return None
