"""A pseudo-terminal with a program in it, for tests of what really reaches a terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Mapping, Sequence
from types import TracebackType

__all__ = ["Terminal"]

_PAUSE = 0.06
"""Seconds without a byte after which a screen is taken for drawn. Whatever comes later is read with the next key."""


class Terminal:
    """Runs a program in a pseudo-terminal; ``output`` is every byte that it wrote there."""

    def __init__(self, argv: Sequence[str], environ: Mapping[str, str], size: tuple[int, int], cwd: str) -> None:
        self.output = bytearray()
        self.status: int | None = None
        self._pid, self._fd = pty.fork()
        if self._pid == 0:  # pragma: no cover - the child
            try:
                os.chdir(cwd)
                os.execve(argv[0], list(argv), dict(environ))
            finally:
                os._exit(127)
        columns, rows = size
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.status is None:
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
        os.close(self._fd)

    def read(
        self, quiet: float = 0.25, longest: float = 20.0, until: bytes | None = None, first: float | None = None
    ) -> bytes:
        """What comes until nothing came for ``quiet`` seconds, after these bytes (``until``) if any are named; the
        first byte is waited for ``first`` seconds."""
        start = len(self.output)
        end = time.monotonic() + longest
        while (left := end - time.monotonic()) > 0:
            waiting = until is not None and until not in self.output[start:]
            patience = quiet if first is None or len(self.output) > start else first
            waits = left if waiting else min(left, patience)
            ready, _, _ = select.select([self._fd], [], [], waits)
            if not ready:
                break
            try:
                chunk = os.read(self._fd, 1 << 16)
            except OSError:
                break
            if not chunk:
                break
            self.output += chunk
        return bytes(self.output[start:])

    def press(self, *keys: bytes, quiet: float = 0.25, first: float | None = None) -> bytes:
        """Type each key and read what it brings: ``quiet`` seconds are waited for its first byte (or ``first``), less
        for what follows."""
        start = len(self.output)
        # A program that gets a part of a core only takes that much longer for a screen.
        pace = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
        for key in keys:
            os.write(self._fd, key)
            self.read(min(quiet, _PAUSE) * pace, first=(quiet if first is None else first) * pace)
        return bytes(self.output[start:])

    @property
    def alive(self) -> bool:
        if self.status is None:
            pid, status = os.waitpid(self._pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
        return self.status is None

    def wait(self, longest: float = 20.0) -> int | None:
        """The exit status of the program, None when it does not end."""
        end = time.monotonic() + longest
        while self.alive and time.monotonic() < end:
            self.read(0.05, 0.2)
        return self.status
