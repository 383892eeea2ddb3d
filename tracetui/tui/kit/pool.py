"""Buckets for worker threads: one that the main thread holds, and as many more as are read from at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tracetui.bucket.store import Bucket

__all__ = ["BucketPool"]


_IDLE = 2
"""Buckets kept open for the next worker; each holds a page cache."""


class BucketPool:
    """A `Bucket` serves one thread at a time; here a worker borrows one, which is opened when none is free."""

    def __init__(self, make: Callable[[], Bucket]) -> None:
        self._make = make
        self._free: list[Bucket] = []
        self._lock = threading.Lock()
        self._closed = False

    @contextmanager
    def lend(self) -> Iterator[Bucket]:
        """A bucket for the ``with`` block, in whatever thread it runs. After an error it is closed, not lent again."""
        with self._lock:
            bucket = self._free.pop() if self._free else None
        if bucket is None:
            bucket = self._make()
        try:
            yield bucket
        except BaseException:
            bucket.close()
            raise
        with self._lock:
            if not self._closed and len(self._free) < _IDLE:
                self._free.append(bucket)
                return
        bucket.close()

    def close(self) -> None:
        """Close those that nobody holds; those lent out are closed when they come back."""
        with self._lock:
            self._closed = True
            free, self._free = self._free, []
        for bucket in free:
            bucket.close()
