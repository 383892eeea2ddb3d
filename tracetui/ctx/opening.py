"""The context index of a log in a bucket: built from its copy, kept in a private cache file, joined with the logs that
the conversation goes on from."""

from __future__ import annotations

import contextlib
import itertools
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import orjson

from tracetui.ctx.build import Builder
from tracetui.ctx.index import Index
from tracetui.model import LogRow, Record, Source, TracetuiError

if TYPE_CHECKING:
    from tracetui.bucket import Bucket

__all__ = ["index_of", "records_for"]

_WORTH: Final = 4 * 1024 * 1024
"""Bytes of a log from which on its index is kept."""
_DEPTH: Final = 8


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
        from tracetui.bucket.place import make_private, write_private

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
    first = list(itertools.islice(records, 3))
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


def _inherited(bucket: Bucket, log: LogRow, first: Sequence[Record]) -> list[tuple[str, Iterable[Record] | None]]:
    """The beginnings of this conversation in other logs, the oldest first; None where one is not in the bucket."""
    if log.harness == "codex":
        # A session out of a capsule finds its history in the capsule, never in a local session of that id.
        own = log.session[: log.session.index("/") + 1] if log.session.startswith("capsule:") else ""
        return _codex_base(bucket, first, own, 0)
    if log.harness == "claude" and log.agent is not None:
        named = next((record.value.get("parentUuid") for record in first if "uuid" in record.value), None)
        if isinstance(named, str) and named:
            parent = _main(bucket, log.session, "claude")
            if parent is not None and any(r.value.get("uuid") == named for r in bucket.records(parent)):
                return [(log.session, _until_uuid(bucket.records(parent), named))]
            return [(log.session, None)]
    return []


def _until_uuid(records: Iterable[Record], uuid: str) -> Iterator[Record]:
    for record in records:
        yield record
        if record.value.get("uuid") == uuid:
            return


def _codex_base(
    bucket: Bucket, first: Sequence[Record], own: str, depth: int
) -> list[tuple[str, Iterable[Record] | None]]:
    """The history that a paginated thread names instead of repeating it."""
    meta: Any = next((r.value.get("payload") for r in first if r.value.get("type") == "session_meta"), None)
    base = meta.get("history_base") if isinstance(meta, dict) else None
    thread = base.get("thread_id") if isinstance(base, dict) else None
    if not isinstance(base, dict) or not isinstance(thread, str) or not thread or depth >= _DEPTH:
        return []
    parent = _main(bucket, own + thread, "codex")
    if parent is None:
        return [(thread, None)]
    head = list(itertools.islice(bucket.records(parent), 3))
    return [*_codex_base(bucket, head, own, depth + 1), (parent.session, _before(bucket.records(parent), base))]


def _before(records: Iterable[Record], base: dict[str, Any]) -> Iterator[Record]:
    ordinal, offset = base.get("end_ordinal_exclusive"), base.get("end_byte_offset")
    for record in records:
        own = record.value.get("ordinal")
        if type(ordinal) is int and type(own) is int:
            if own >= ordinal:
                return
        elif type(offset) is int and record.source.offset >= offset:
            return
        yield record
