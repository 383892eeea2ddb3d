"""The context index of a log in a bucket: built from its copy, kept in a private cache file, joined with the logs that
the conversation goes on from."""

from __future__ import annotations

import contextlib
import itertools
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

import orjson

from tracetui.ctx.build import Builder
from tracetui.ctx.index import Index
from tracetui.harness import HARNESSES
from tracetui.harness.inheritance import Inherited
from tracetui.model import LogRow, Record, Source, TracetuiError, is_foreign

if TYPE_CHECKING:
    from tracetui.bucket import Bucket

__all__ = ["index_of", "records_for"]

_WORTH: Final = 4 * 1024 * 1024
"""Bytes of a log from which on its index is kept."""
_DEPTH: Final = 8
"""Logs that one conversation goes through at most."""
_HEAD: Final = 3
"""Records by which a log tells that its conversation begins in another one."""


_RECENT: Final[OrderedDict[tuple[str, int, int, int], Index]] = OrderedDict()
_RECENT_MOST: Final = 2
_LOCK: Final = threading.Lock()


def index_of(bucket: Bucket, log: LogRow, cancelled: Callable[[], bool] | None = None) -> Index:
    """The context index of a log, from memory or the cache where it is up to date, else built in one pass over the
    copy. An index is not changed once it is made: threads may share it."""
    name = str(bucket.path), log.id, log.bytes, log.records
    with _LOCK:
        index = _RECENT.get(name)
        if index is not None:
            _RECENT.move_to_end(name)
            return index
    index = _cached(bucket, log, cancelled)
    with _LOCK:
        _RECENT[name] = index
        while len(_RECENT) > _RECENT_MOST:
            _RECENT.popitem(last=False)
    return index


def _cached(bucket: Bucket, log: LogRow, cancelled: Callable[[], bool] | None) -> Index:
    path = bucket.cache_file(log, "ctx")
    key = orjson.dumps([log.bytes, log.records, log.steps]) + b"\n"
    if log.bytes >= _WORTH:
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            data = path.read_bytes()
            if data.startswith(key):
                return Index.load(data[len(key) :])
    index = _build(bucket, log, cancelled)
    if log.bytes >= _WORTH:
        from tracetui.bucket.location import make_private, write_private

        with contextlib.suppress(OSError):
            make_private(path.parent)
            write_private(path, key + index.dump())
    return index


def records_for(bucket: Bucket, log: LogRow, index: Index) -> Callable[[int, Source], Sequence[Record]]:
    """How the records of a segment's line are read: of this log, or of those that it goes on from."""
    rows: dict[int, LogRow] = {0: log}

    def records(nth: int, source: Source) -> Sequence[Record]:
        row = rows.get(nth)
        if row is None:
            row = rows[nth] = _main(bucket, index.others[nth - 1], log.harness) or log
        return bucket.records_of(row, [source])

    return records


def _build(bucket: Bucket, log: LogRow, cancelled: Callable[[], bool] | None) -> Index:
    HARNESSES[log.harness].need("shown as the model saw them", "context")
    stem = os.path.basename(log.path)  # noqa: PTH119 - a path of any system, as text
    for ending in (".zst", ".jsonl"):
        stem = stem.removesuffix(ending)
    builder = _fed(Builder(log.harness, stem, first=log.first), bucket, log, cancelled)
    if builder.empty:
        builder = _fed(Builder(log.harness, stem, fallback=True, first=log.first), bucket, log, cancelled)
    return builder.finish()


def _fed(builder: Builder, bucket: Bucket, log: LogRow, cancelled: Callable[[], bool] | None) -> Builder:
    """The builder with all records of the log, and of those that it goes on from."""
    records: Iterator[Record] = iter(bucket.records(log))
    first = list(itertools.islice(records, _HEAD))
    for nth, (session, inherited) in enumerate(_inherited(bucket, log, first), 1):
        builder.index.others.append(session)
        if inherited is None:
            builder.index.incomplete = True
        else:
            builder.inherit(inherited, nth)
    for at, record in enumerate(itertools.chain(first, records)):
        if cancelled is not None and not at & 1023 and cancelled():
            raise TracetuiError("Cancelled")
        builder.feed(record)
    return builder


def _main(bucket: Bucket, session: str, harness: str) -> LogRow | None:
    try:
        logs = bucket.logs(session, harness)
    except TracetuiError:
        return None
    return next((log for log in logs if log.shown and log.agent is None and log.session == session), None)


def _inherited(
    bucket: Bucket, log: LogRow, head: Sequence[Record], depth: int = 0
) -> list[tuple[str, Iterable[Record] | None]]:
    """The beginnings of this conversation in other logs, the oldest first; None where one is not in the bucket."""
    inherits = HARNESSES[log.harness].inherits
    named = inherits(log.agent, head) if inherits is not None and depth < _DEPTH else None
    if named is None:
        return []
    # A session out of a capsule finds its history in the capsule, never in a local session of that id.
    own = log.session[: log.session.index("/") + 1] if is_foreign(log.session) else ""
    session = log.session if named.session is None else own + named.session
    parent = _main(bucket, session, log.harness)
    if parent is None or (named.must_end and all(named.end(r) == "on" for r in bucket.records(parent))):
        return [(session if named.session is None else named.session, None)]
    before = _inherited(bucket, parent, list(itertools.islice(bucket.records(parent), _HEAD)), depth + 1)
    return [*before, (parent.session, _as_far(bucket.records(parent), named))]


def _as_far(records: Iterable[Record], named: Inherited) -> Iterator[Record]:
    for record in records:
        end = named.end(record)
        if end != "before":
            yield record
        if end != "on":
            return
