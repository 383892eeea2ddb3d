"""Looking through the copies themselves, newest logs first: for lines that hold some bytes, or through every step."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from tracetui.bucket.damage import DamagedError
from tracetui.bucket.log_reader import LogReader
from tracetui.model import KINDS

if TYPE_CHECKING:
    from tracetui.bucket.copies import CopyReader, Frame
    from tracetui.bucket.matching import Matcher
    from tracetui.bucket.search import Candidate, Search

__all__ = ["among_lines", "forms_pattern", "json_forms", "read_all", "scan_lines", "words_form"]

_THREADS: Final = 2
_BATCH: Final = (3, 64)
_OPEN: Final = 32
_COMPOSED: Final = frozenset(KINDS.index(kind) for kind in ("event", "compaction", "web"))
"""Kinds of steps whose text readers word in part themselves, so that it need not stand in a line."""


def json_forms(text: str) -> list[bytes]:
    """How a JSON file may write a text, case apart: as UTF-8 or escaped, slashes escaped or not."""
    plain = json.dumps(text, ensure_ascii=False)[1:-1]
    escaped = json.dumps(text, ensure_ascii=True)[1:-1]
    forms = [plain, escaped, plain.replace("/", "\\/"), escaped.replace("/", "\\/")]
    return [form.encode("utf-8", "replace") for form in dict.fromkeys(forms)]


def forms_pattern(forms: Sequence[bytes]) -> bytes:
    """A pattern over bytes that finds any of the forms, whatever the case."""
    out: dict[bytes, None] = {}
    for form in forms:
        out[form] = None
        if not form.isascii():
            # RE2 folds ASCII when it works on bytes; other letters are given in each of their cases.
            text = form.decode("utf-8", "replace")
            out.update(dict.fromkeys(item.encode("utf-8") for item in (text.lower(), text.upper(), text.title())))
    return b"(?i:" + b"|".join(_escape(form) for form in out) + b")"


def words_form(words: Sequence[str]) -> bytes:
    """A pattern over bytes that finds these words one after the other as JSON may write them, escaped once or several
    times over, with the border of two blocks of text between them or not; it may find more."""
    between = rb"(?:[^0-9A-Za-z\\]|\\+(?:[nrtbf]|u[0-9A-Fa-f]{4})?|\"[\]\[ ,:{}A-Za-z_\"]{1,60}\")+"
    return between.join(b"(?i:" + b"".join(map(_letter, word)) + b")" for word in words)


def _letter(char: str) -> bytes:
    """A pattern over bytes for a letter in either case, as UTF-8 or escaped."""
    if char.isascii():
        return _escape(char.encode())
    forms: dict[bytes, None] = {}
    for text in (char, char.lower(), char.upper(), char.title()):
        forms[_escape(text.encode("utf-8", "replace"))] = None
        units = json.dumps(text)[1:-1].split("\\")
        forms[rb"\\+".join(unit.encode() for unit in units)] = None
    return b"(?:" + b"|".join(forms) + b")"


def _finder(wanted: bytes) -> Any:
    import re2

    options = re2.Options()
    options.log_errors = False
    options.encoding = re2.Options.Encoding.LATIN1
    options.max_mem = 64 * 1024 * 1024
    return re2.compile(wanted, options)


def among_lines(
    search: Search, reader: LogReader, wanted: bytes, candidates: Iterable[Candidate]
) -> Iterator[Candidate]:
    """Those of the candidates, in their order, of which a line holds what the pattern ``wanted`` finds; and those whose
    text need not stand in one.

    Only the frames that hold the candidates' lines are decompressed, each once per batch, by two threads.
    """
    finder = _finder(wanted)

    def look(copy: CopyReader, frame: Frame, spans: list[tuple[int, int, int]]) -> list[int]:
        try:
            data = copy.head(frame, max(end for _, end, _ in spans) - frame.start)
        except DamagedError:
            return []
        return [
            step
            for start, end, step in spans
            if finder.search(data, start - frame.start, end - frame.start) is not None
        ]

    rest = iter(candidates)
    size, most = _BATCH
    with ThreadPoolExecutor(_THREADS) as pool:
        while batch := list(islice(rest, size)):
            size = min(size * 2, most)
            rows = {row[0]: row for row in search.rows_of([step for _, step in batch])}
            for part in _runs(batch, rows):
                yield from _look_at(part, rows, reader, lambda *job: pool.submit(look, *job))
                if search.cancelled:
                    return


def _runs(batch: list[Candidate], rows: dict[int, tuple[Any, ...]]) -> Iterator[list[Candidate]]:
    """The candidates in runs that speak of few logs each, so that few files are open at a time."""
    run: list[Candidate] = []
    logs: set[int] = set()
    for item in batch:
        row = rows.get(item[1])
        if row is None:
            continue
        if row[1] not in logs and len(logs) >= _OPEN:
            yield run
            run, logs = [], set()
        logs.add(row[1])
        run.append(item)
    yield run


def _look_at(
    part: list[Candidate], rows: dict[int, tuple[Any, ...]], reader: LogReader, submit: Callable[..., Future[list[int]]]
) -> Iterator[Candidate]:
    """Have the frames of some candidates looked through; those with a line that holds it, in their order."""
    from tracetui.bucket.row import unpack_sources

    copies: dict[int, CopyReader] = {}
    jobs: dict[tuple[int, int], list[tuple[int, int, int]]] = {}
    frames: dict[int, list[tuple[int, int]]] = {}
    for _, step in part:
        _, log, kind, images, sources = rows[step]
        if images or kind in _COMPOSED:
            continue
        copy = copies.get(log)
        if copy is None:
            copy = copies[log] = reader.open_copy(log)
        frames[step] = []
        for _, offset, length in unpack_sources(sources):
            nth = copy.place(offset)
            if nth < 0 or offset + length > copy.scan.frames[nth].start + copy.scan.frames[nth].length:
                del frames[step]  # a line longer than a frame: its step is looked at itself
                break
            jobs.setdefault((log, nth), []).append((offset, offset + length, step))
            frames[step].append((log, nth))
    looks = {
        place: submit(copies[place[0]], copies[place[0]].scan.frames[place[1]], spans) for place, spans in jobs.items()
    }
    try:
        for item in part:
            places = frames.get(item[1])
            if places is None or any(item[1] in looks[place].result() for place in places):
                yield item
    finally:
        for future in looks.values():
            future.cancel()
        wait(looks.values())
        for copy in copies.values():
            copy.close()


def scan_lines(search: Search, reader: LogReader, wanted: bytes, *, composed: Matcher) -> Iterator[Candidate]:
    """Steps of which a line holds what the pattern ``wanted`` finds, newest first; and events that readers word
    themselves, of whose summary ``composed`` finds something.

    Frames are decompressed and looked through by two threads; both let go of the interpreter lock.
    """
    finder = _finder(wanted)

    def look(job: tuple[Any, Any]) -> list[int]:
        copy, frame = job
        out: list[int] = []
        try:
            data = copy.whole(frame)
        except DamagedError:
            return out
        at = 0
        while True:
            match = finder.search(data, at)
            if match is None:
                return out
            begin = data.rfind(b"\n", 0, match.start()) + 1
            out.append(frame.start + begin)
            end = data.find(b"\n", match.end())
            if end < 0:
                return out
            at = end + 1

    with ThreadPoolExecutor(_THREADS) as pool:
        ahead: dict[int, Any] = {}
        logs = search.newest_logs()

        def start(nth: int) -> None:
            if nth < len(logs) and nth not in ahead:
                log = logs[nth][1]
                copy = reader.open_copy(log)
                jobs = [(copy, frame) for frame in copy.scan.frames]
                ahead[nth] = (copy, [pool.submit(look, job) for job in jobs])

        places = {log: nth for nth, (_, log) in enumerate(logs)}

        def steps_of(log: int) -> list[Candidate]:
            nth = places[log]
            for near in range(nth, nth + 4):
                start(near)
            copy, futures = ahead.pop(nth)
            try:
                offsets = [offset for future in futures for offset in future.result()]
            finally:
                copy.close()
            found = _steps_at(search, log, offsets) if offsets else []
            return list(dict.fromkeys(found + search.composed(log, composed)))

        try:
            yield from search.in_order(logs, steps_of)
        finally:
            for copy, futures in ahead.values():
                for future in futures:
                    future.cancel()
                for future in futures:
                    if not future.cancelled():
                        future.exception()
                copy.close()


def _escape(form: bytes) -> bytes:
    return b"".join(bytes((byte,)) if chr(byte).isalnum() and byte < 128 else b"\\x%02x" % byte for byte in form)


def _steps_at(search: Search, log: int, offsets: list[int]) -> list[Candidate]:
    """The steps of a log that one of the lines at these offsets made. A line longer than a frame is found by any of its
    frames: what begins before the offset and reaches over it counts."""
    from tracetui.bucket.row import SOURCE

    offsets.sort()
    out: list[Candidate] = []
    for at, step, sources in search.sources_of(log):
        for _, low, high, length in SOURCE.iter_unpack(sources):
            offset = low | high << 32
            nth = bisect_right(offsets, offset + length)
            if nth and offsets[nth - 1] >= offset:
                out.append((at, step))
                break
    return out


def read_all(search: Search, reader: LogReader, matcher: Matcher) -> Iterator[Candidate]:
    """Steps whose text the matcher finds something in, by reading every log from its beginning; newest first."""
    from tracetui.bucket.row import texts_of

    def steps_of(log: int) -> list[Candidate]:
        found: set[int] = set()
        before = reader.first(log) - 1
        for step in reader.stream(log):
            if step.number not in found and matcher.find(texts_of(step)) is not None:
                found.add(step.number)
            if search.cancelled:
                return []
        return [(at, step) for at, step, number in search.numbers_of(log) if number - before in found] if found else []

    yield from search.in_order(search.newest_logs(), steps_of)
