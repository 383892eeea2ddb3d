"""The thread on which a review works: what is asked is done in order, and its result comes back as a message."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from textual.message import Message
from textual.message_pump import MessagePump

from tracetui.tui.redact.editing import Editing

if TYPE_CHECKING:
    from tracetui.bucket.store import Bucket
    from tracetui.tui.kit.pool import BucketPool

__all__ = ["OpenReview", "Ready", "ReviewWorker", "Scanned"]


class OpenReview:
    """What a job gets: the review and its bucket, and whether somebody asked for something newer meanwhile."""

    def __init__(self, bucket: Bucket, review: Editing, busy: Callable[[], bool]) -> None:
        self.bucket, self.review, self.busy = bucket, review, busy


class Ready(Message):
    """A job is done: ``finish(result)`` is to be called, or ``error`` told."""

    bubble = False

    def __init__(self, finish: Callable[[Any], None], result: Any, error: Exception | None) -> None:
        super().__init__()
        self.finish, self.result, self.error = finish, result, error


class Scanned(Message):
    """The scan before the review is at ``done`` of ``total`` bytes."""

    bubble = False

    def __init__(self, done: int, total: int) -> None:
        super().__init__()
        self.done, self.total = done, total

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, Scanned)


Opener = Callable[["Bucket", Callable[[], bool], Callable[[int, int], None]], Editing | None]
"""``(bucket, cancelled, progressed)``: opens the review, None when cancelled."""


class ReviewWorker:
    """One thread with a bucket and a review of its own."""

    def __init__(self, pool: BucketPool, opener: Opener, target: MessagePump) -> None:
        self._pool = pool
        self._opener = opener
        self._target = target
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="redact")
        self._stop = threading.Event()
        self._waiting = 0
        self._lock = threading.Lock()
        self._lent: Any = None
        self._opened: OpenReview | None = None
        self.closed = threading.Event()
        """Set once review and bucket are let go, and lists were told what is open."""

    @property
    def idle(self) -> bool:
        """Whether nothing is being done or waits."""
        return self._waiting == 0

    def open(self, finish: Callable[[bool], None]) -> None:
        """Open the review; ``finish`` is told whether that was carried through."""
        self._submit(self._open, finish)

    def _open(self) -> bool:
        lent = self._pool.lend()
        bucket = lent.__enter__()
        self._lent = lent
        review = self._opener(bucket, self._stop.is_set, lambda done, total: self._tell(Scanned(done, total)))
        if review is None:
            return False
        self._opened = OpenReview(bucket, review, lambda: self._stop.is_set() or self._waiting > 1)
        return True

    def do(self, work: Callable[[OpenReview], Any], finish: Callable[[Any], None]) -> None:
        """Do ``work`` after what was asked before, then call ``finish`` with its result on the main thread."""

        def run() -> Any:
            assert self._opened is not None
            return work(self._opened)

        self._submit(run, finish)

    def _submit(self, run: Callable[[], Any], finish: Callable[[Any], None]) -> None:
        if self._stop.is_set():
            return
        with self._lock:
            self._waiting += 1

        def job() -> None:
            message: Message
            try:
                if self._stop.is_set():
                    return
                message = Ready(finish, run(), None)
            except Exception as error:  # noqa: BLE001 - handed to the main thread, which decides
                message = Ready(finish, None, error)
            finally:
                with self._lock:
                    self._waiting -= 1
            self._tell(message)

        self._thread.submit(job)

    def _tell(self, message: Message) -> None:
        if not self._stop.is_set():
            self._target.post_message(message)

    def close(self) -> None:
        """Stop what is being done at its next chance, and let review and bucket go; does not wait."""
        if self._stop.is_set():
            return
        self._stop.set()
        self._thread.submit(self._close)
        self._thread.shutdown(wait=False)

    def _close(self) -> None:
        try:
            if self._opened is not None:
                self._opened.review.close()
                self._opened = None
        finally:
            if self._lent is not None:
                self._lent.__exit__(None, None, None)
                self._lent = None
            self.closed.set()
