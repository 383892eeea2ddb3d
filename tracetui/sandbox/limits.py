"""Running a process within limits: of time, memory, output, processes, and of what it writes to the disk.

What the system can hold by itself is given to it (``setrlimit``); the rest is watched from outside several times a
second, and the process killed with all that descends from it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tracetui.sandbox.keyring import joiner

__all__ = ["Limits", "Ran", "run_within", "tasks_of_user"]

_POLL: Final = 0.1
_GLANCE: Final = 0.02
_DISK_POLL: Final = 0.5
_SPARE: Final = 128 * 1024**2
"""Bytes of a disk that are left free whoever fills it."""
_FILES: Final = 300_000
"""New files in the tree."""
_KILL_ROUNDS: Final = 200
_NICE: Final = 10
"""So that the watch is not kept from looking by what it watches."""


@dataclass(frozen=True, slots=True)
class Limits:
    """``seconds`` of wall time; bytes of ``memory`` (all processes together), of ``output``, of one written ``file``
    and of all that is written to the ``disk``; ``tasks``: processes and threads at a time."""

    seconds: float = 300.0
    memory: int = 4 * 1024**3
    output: int = 8 * 1024 * 1024
    file: int = 1024**3
    disk: int = 4 * 1024**3
    tasks: int = 1024


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended. ``code`` is None when it was killed or never started; ``why`` then says so: ``timeout``,
    ``memory``, ``output``, ``tasks``, ``disk``, ``cancelled``, ``signal N`` or what kept it from starting. ``output``
    is what it printed, both streams; ``beside`` what it was asked to leave beside that, by name."""

    code: int | None
    output: str
    seconds: float
    why: str | None = None
    beside: dict[str, list[str]] = field(default_factory=dict)


def run_within(
    words: list[str],
    env: dict[str, str],
    limits: Limits,
    cancelled: Callable[[], bool] | None,
    cwd: str,
    tree: Path,
    *,
    fds: Sequence[int] = (),
    unconfined: bool = False,
) -> Ran:
    """Run a program until it ends or passes a limit; then nothing of it is left. ``tree`` is the folder that it may
    write to, ``fds`` are descriptors that it gets. ``unconfined``: no space of its own takes its children with it, so
    each of them is looked for. Never raises for what the program does."""
    began = time.monotonic()
    try:
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=env,
            cwd=cwd,
            close_fds=True,
            start_new_session=True,
            pass_fds=tuple(fds),
            preexec_fn=_limit(limits),  # noqa: PLW1509 - a few calls to the kernel, before any thread of ours matters
        )
    except OSError as error:
        return Ran(None, "", 0.0, f"it could not be started: {error.strerror or error}")
    drain = _Drain(process.stdout, limits.output)
    drain.start()
    watch = _Watch(process.pid, limits, tree)
    with _ahead():
        try:
            why = _until(process, watch, drain, cancelled)
        finally:
            _kill(process, unconfined=unconfined)
    drain.join(5)
    if process.stdout is not None:
        process.stdout.close()
    code: int | None = process.returncode
    if why is None and code is not None and code < 0:
        why = f"signal {-code}"
    return Ran(None if why else code, drain.text(), time.monotonic() - began, why)


def _until(
    process: subprocess.Popen[bytes], watch: _Watch, drain: _Drain, cancelled: Callable[[], bool] | None
) -> str | None:
    """Wait until a process ends (None) or has to be ended (why)."""
    end = time.monotonic() + watch.limits.seconds
    while True:
        try:
            process.wait(_GLANCE)
        except subprocess.TimeoutExpired:
            pass
        else:
            return None
        if time.monotonic() > end:
            return "timeout"
        if drain.count > 8 * watch.limits.output:
            return "output"
        if cancelled is not None and cancelled():
            return "cancelled"
        why = watch.look()
        if why is not None:
            return why


@contextlib.contextmanager
def _ahead() -> Iterator[None]:
    """Where that is allowed, this thread before all others: it looks around and sleeps, and must not be kept from it by
    thousands of processes that it is to end."""
    old: tuple[int, Any] | None = None
    with contextlib.suppress(OSError, AttributeError):
        old = os.sched_getscheduler(0), os.sched_getparam(0)
        os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(1))
    try:
        yield
    finally:
        if old is not None:
            with contextlib.suppress(OSError):
                os.sched_setscheduler(0, *old)


def tasks_of_user() -> int:
    """Processes and threads of this user, in the whole system."""
    me, count = os.getuid(), 0
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if entry.stat().st_uid == me:
                    count += sum(1 for _ in os.scandir(f"/proc/{entry.name}/task"))
    return count


def _limit(limits: Limits) -> Callable[[], None]:
    import resource

    join = joiner()

    def apply() -> None:
        join()

        for name, value in (("RLIMIT_DATA", limits.memory), ("RLIMIT_FSIZE", limits.file), ("RLIMIT_CORE", 0)):
            number = getattr(resource, name, None)
            if number is not None:
                hard = resource.getrlimit(number)[1]
                cap = value if hard == resource.RLIM_INFINITY else min(value, hard)
                resource.setrlimit(number, (cap, cap))
        with contextlib.suppress(OSError):
            os.nice(_NICE)

    return apply


class _Drain(threading.Thread):
    """Keeps the first and the last part of what a process prints, and counts all of it."""

    def __init__(self, pipe: Any, limit: int) -> None:
        super().__init__(daemon=True)
        self.pipe, self.half = pipe, limit // 2
        self.head = bytearray()
        self.tail = bytearray()
        self.count = 0

    def run(self) -> None:
        try:
            while data := self.pipe.read1(65536):
                self.count += len(data)
                room = self.half - len(self.head)
                self.head += data[:room]
                self.tail += data[max(0, room) :]
                if len(self.tail) > 2 * self.half:
                    del self.tail[: len(self.tail) - self.half]
        except (OSError, ValueError):
            pass

    def text(self) -> str:
        tail = self.tail[-self.half :]
        gap = b"\n[...]\n" if len(self.head) + len(tail) < self.count else b""
        return bytes(self.head + gap + tail).decode("utf-8", "replace")


def _kill(process: subprocess.Popen[bytes], *, unconfined: bool) -> None:
    """End the process and its group; in bubblewrap the first process of its own space takes all others with it."""
    if unconfined and sys.platform.startswith("linux") and process.poll() is None:
        # The launcher last: until it ends, whatever lost its parent is its child, and can be found.
        for _ in range(_KILL_ROUNDS):
            left = [pid for pid in _family(process.pid) if pid != process.pid]
            if not left:
                break
            for pid in left:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    if process.poll() is None:
        process.kill()
    process.wait()


# -- watching


@dataclass(slots=True)
class _Watch:
    """What a process and all that descends from it take. On systems without ``/proc``: of the disk only."""

    pid: int
    limits: Limits
    tree: Path
    began: float = field(default_factory=time.time)
    _next: float = 0.0
    _next_disk: float = 0.0
    _tasks: int | None = None
    _shared: int | None = None
    _free: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        self._tasks, self._shared, self._free = _system_tasks(), _system_shared(), self._space()

    def look(self) -> str | None:
        """The limit that was passed, or None."""
        now = time.monotonic()
        why: str | None = None
        # A glance at the count of the whole system costs nothing. Where it leaps, processes are being made faster than
        # they can be looked at one by one, and there would be no time for that.
        tasks = _system_tasks()
        grown = 0 if tasks is None or self._tasks is None else tasks - self._tasks
        if grown > 2 * self.limits.tasks:
            return "tasks"
        if now >= self._next or grown > self.limits.tasks:
            self._next = now + _POLL
            why = self._processes()
        if why is None and now >= self._next_disk:
            self._next_disk = now + _DISK_POLL
            why = self._disk()
        return why

    def _processes(self) -> str | None:
        if not sys.platform.startswith("linux"):
            return None
        family = _family(self.pid)
        if sum(tasks for tasks, _ in family.values()) > self.limits.tasks:
            return "tasks"
        if sum(size for _, size in family.values()) > self.limits.memory and _own(family) > self.limits.memory:
            return "memory"
        # Files in memory belong to no process: what all of the system has of them tells.
        shared = _system_shared()
        if shared is not None and self._shared is not None and shared - self._shared > self.limits.memory:
            return "memory"
        return None

    def _space(self) -> tuple[int, int] | None:
        try:
            found = os.statvfs(self.tree)
        except OSError:
            return None
        return found.f_bavail * found.f_frsize, found.f_ffree

    def _disk(self) -> str | None:
        """Whether too much was written. Only where the disk has lost that much is it looked for in the tree."""
        now = self._space()
        if now is None or self._free is None:
            return None
        if now[0] < _SPARE < self._free[0]:
            return "disk"
        if self._free[0] - now[0] <= self.limits.disk and self._free[1] - now[1] <= _FILES:
            return None
        size, count = _written(self.tree, self.began)
        size += _removed(self.pid, self.tree)
        self._next_disk = time.monotonic() + 4 * _DISK_POLL
        return "disk" if size > self.limits.disk or count > _FILES else None


def _system_tasks() -> int | None:
    try:
        with open("/proc/loadavg", "rb") as stream:  # noqa: PTH123 - runs fifty times a second
            return int(stream.read().split()[3].partition(b"/")[2])
    except (OSError, ValueError, IndexError):
        return None


def _system_shared() -> int | None:
    """Bytes of files in memory, in the whole system."""
    try:
        with open("/proc/meminfo", "rb") as stream:  # noqa: PTH123 - runs ten times a second
            found = next((line for line in stream if line.startswith(b"Shmem:")), None)
    except OSError:
        return None
    return None if found is None else int(found.split()[1]) * 1024


def _family(pid: int) -> dict[int, tuple[int, int]]:
    """(tasks, resident bytes) of a process and of all that descend from it."""
    page = os.sysconf("SC_PAGE_SIZE")
    children: dict[int, list[int]] = {}
    facts: dict[int, tuple[int, int]] = {}
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit():
            continue
        try:
            with open(f"/proc/{entry.name}/stat", "rb") as stream:  # noqa: PTH123 - runs ten times a second
                fields = stream.read(2048).rpartition(b")")[2].split()
        except OSError:
            continue
        if len(fields) > 21:
            children.setdefault(int(fields[1]), []).append(int(entry.name))
            facts[int(entry.name)] = int(fields[17]), int(fields[21]) * page
    found: dict[int, tuple[int, int]] = {}
    waiting = [pid]
    while waiting:
        one = waiting.pop()
        if one in facts and one not in found:
            found[one] = facts[one]
            waiting += children.get(one, ())
    return found


def _own(family: dict[int, tuple[int, int]]) -> int:
    """Bytes of a family of processes, each page that they share counted once; where that is not told, what is
    resident."""
    total = 0
    for pid, (_, size) in family.items():
        try:
            with open(f"/proc/{pid}/smaps_rollup", "rb") as stream:  # noqa: PTH123 - as above
                line = next((line for line in stream if line.startswith(b"Pss:")), None)
        except OSError:
            line = None
        total += size if line is None else int(line.split()[1]) * 1024
    return total


def _written(tree: Path, since: float) -> tuple[int, int]:
    """(bytes, count) of the files below ``tree`` that changed since a time; that time of a file cannot be set back."""
    size = count = 0
    waiting = [str(tree)]
    while waiting:
        try:
            found = list(os.scandir(waiting.pop()))
        except OSError:
            continue
        for entry in found:
            with contextlib.suppress(OSError):
                info = entry.stat(follow_symlinks=False)
                if info.st_ctime >= since - 1:
                    size += info.st_blocks * 512
                    count += 1
                if stat.S_ISDIR(info.st_mode):
                    waiting.append(entry.path)
    return size, count


def _removed(pid: int, tree: Path) -> int:
    """Bytes of files on the disk of ``tree`` that have no name any more and are still held open."""
    if not sys.platform.startswith("linux"):
        return 0
    disk = tree.stat().st_dev
    sizes: dict[int, int] = {}
    for one in _family(pid):
        with contextlib.suppress(OSError):
            for entry in os.scandir(f"/proc/{one}/fd"):
                with contextlib.suppress(OSError):
                    info = entry.stat()
                    if info.st_dev == disk and not info.st_nlink and stat.S_ISREG(info.st_mode):
                        sizes[info.st_ino] = info.st_blocks * 512
    return sum(sizes.values())
