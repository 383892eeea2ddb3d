"""The process between us and a command that runs without a sandbox: when the command ends, what it left behind ends.

Run by its path, with nothing of the package: ``python -I -S launcher.py WORD…``. On Linux it takes the place of the
system's first process for whatever the command starts (``PR_SET_CHILD_SUBREAPER``), daemons too, so that they can be
found and killed. Its exit status is the command's, its end by a signal as well.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys

_CHILD_SUBREAPER = 36
_ROUNDS = 200


def _children(of: int) -> list[int]:
    """The processes whose parent this is."""
    found = []
    for name in os.listdir("/proc"):  # noqa: PTH208 - starts in a few milliseconds
        if name.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError):
                with open(f"/proc/{name}/stat", "rb") as stream:  # noqa: PTH123 - as above
                    fields = stream.read(2048).rpartition(b")")[2].split()
                if int(fields[1]) == of:
                    found.append(int(name))
    return found


def _end_all() -> None:
    """Kill what is left, and what that left, until nothing is."""
    for _ in range(_ROUNDS):
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        left = _children(os.getpid())
        if not left:
            return
        for pid in left:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)


def main(words: list[str]) -> int:
    """Run the words; the exit status."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_CHILD_SUBREAPER, 1, 0, 0, 0)
    code = subprocess.Popen(words).wait()
    if sys.platform.startswith("linux"):
        _end_all()
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
