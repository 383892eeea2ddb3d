"""Reader processes: jobs in, parts out, over pipes.

Plain subprocesses of this Python with typed messages (``wire``): they start in some 60 ms, need no importable main
module, and die with the pipe. They inherit the bucket's lock, so that
a bucket whose capturing process was killed stays locked until the last of them has stopped writing.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import struct
import subprocess
import sys
import threading
from collections import deque
from typing import IO, TYPE_CHECKING, Final

from msgspec import DecodeError

from tracetui.bucket.wire import Done, Job, Message, encode, to_job, to_message

if TYPE_CHECKING:
    from tracetui.bucket.run import Emit

__all__ = ["Pool", "main"]

_LENGTH: Final = struct.Struct("<Q")
_BUDGET: Final = 12 * 1024 * 1024
_START: Final = (
    "import sys, json; sys.path[:] = json.loads(sys.argv[1]); from tracetui.bucket.worker import main; main()"
)


def _send(stream: IO[bytes], message: Job | Message) -> None:
    data = encode(message)
    stream.write(_LENGTH.pack(len(data)))
    stream.write(data)
    stream.flush()


def _receive(stream: IO[bytes]) -> bytes | None:
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    data = stream.read(length)
    return data if len(data) == length else None


def perform(job: Job, emit: Emit) -> Done:
    """Do a job; its end as a message. Whatever a log provokes ends that log only."""
    from tracetui.bucket.ingest import read_log

    try:
        return Done(job.nth, read_log(job, emit))
    except BrokenPipeError:
        raise
    except OSError as error:
        return Done(job.nth, "error", error.strerror or str(error), error.errno or 0)
    except Exception as error:  # noqa: BLE001 (a hostile log must not end the run; its text stays out of the message)
        return Done(job.nth, "error", f"reading failed ({type(error).__name__})")


def main() -> None:
    """Serve jobs until the pipe closes."""
    import gc
    import signal

    # What records are made of has no cycles; looking for them would cost a tenth of the time.
    gc.set_threshold(200_000, 20, 100)

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    source, target = sys.stdin.buffer, sys.stdout.buffer
    with contextlib.suppress(BrokenPipeError, KeyboardInterrupt):
        while True:
            data = _receive(source)
            if data is None:
                break
            _send(target, perform(to_job(data), lambda part: _send(target, part)))
    # Nothing is left to flush; a broken pipe must not complain at exit.
    os._exit(0)


class _Worker:
    def __init__(self, out: queue.SimpleQueue[tuple[_Worker, bytes | None]], lock: int | None) -> None:
        path = [os.path.abspath(entry or os.curdir) for entry in sys.path]  # noqa: PTH100
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-c", _START, json.dumps(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            pass_fds=() if lock is None or os.name != "posix" else (lock,),
        )
        self.jobs: deque[Job] = deque()
        self._out = out
        self._room = threading.Condition()
        self._held = 0
        self._closed = False
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        while True:
            try:
                data = _receive(self.process.stdout)
            except (OSError, ValueError):
                data = None
            self._out.put((self, data))
            if data is None:
                return
            with self._room:
                self._held += len(data)
                while self._held > _BUDGET and not self._closed:
                    self._room.wait()

    def taken(self, length: int) -> None:
        with self._room:
            self._held -= length
            self._room.notify()

    def give(self, job: Job) -> None:
        self.jobs.append(job)
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):
            _send(self.process.stdin, job)

    def stop(self, *, kill: bool) -> None:
        with self._room:
            self._closed = True
            self._room.notify()
        if kill:
            self.process.kill()
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        self.process.wait()
        self._thread.join()
        self.process.stdout.close()


class Pool:
    """Some reader processes. Each is given a job ahead, so that it never waits for us."""

    def __init__(self, count: int, lock: int | None) -> None:
        self._out: queue.SimpleQueue[tuple[_Worker, bytes | None]] = queue.SimpleQueue()
        self._lock = lock
        self._workers = [_Worker(self._out, lock) for _ in range(count)]

    @property
    def hungry(self) -> bool:
        """Whether a reader has room for a job."""
        return any(len(worker.jobs) < 2 for worker in self._workers)

    @property
    def busy(self) -> bool:
        """Whether jobs are under way."""
        return any(worker.jobs for worker in self._workers)

    def give(self, job: Job) -> None:
        """Give a job to the reader with the least to do."""
        min(self._workers, key=lambda worker: len(worker.jobs)).give(job)

    def take(self, timeout: float) -> Message | None:
        """The next message, or None after ``timeout`` seconds. A reader that died ends its job with an error."""
        try:
            worker, data = self._out.get(timeout=timeout)
        except queue.Empty:
            return None
        if data is None:
            return self._replace(worker)
        worker.taken(len(data))
        try:
            message: Message = to_message(data)
        except DecodeError:
            return self._replace(worker)  # it says what no reader says: its log is given up, the others go on
        if isinstance(message, Done):
            worker.jobs.popleft()
        return message

    def _replace(self, worker: _Worker) -> Done | None:
        if worker not in self._workers:
            return None
        jobs = list(worker.jobs)
        worker.stop(kill=True)
        self._workers.remove(worker)
        fresh = _Worker(self._out, self._lock)
        self._workers.append(fresh)
        for job in jobs[1:]:
            fresh.give(job)
        if not jobs:
            return None
        return Done(jobs[0].nth, "error", "its reader process died")

    def close(self, *, kill: bool = False) -> None:
        """Let the readers end (``kill``: at once)."""
        for worker in self._workers:
            worker.stop(kill=kill)
        self._workers = []
