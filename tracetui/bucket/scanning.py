"""Looking through the copies themselves, newest logs first: for lines that hold some bytes, or through every step."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

from tracetui.bucket.reader import LogReader

if TYPE_CHECKING:
    from tracetui.bucket.matching import Matcher
    from tracetui.bucket.search import Candidate, Search

__all__ = ["forms_pattern", "json_forms", "read_all", "scan_lines", "words_form"]

_THREADS: Final = 2


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
    """A pattern over bytes that finds these words one after the other as JSON may write them; it may find more."""
    between = rb"(?:[^0-9A-Za-z\\]|\\[nrtbf\"\\/]|\\u[0-9A-Fa-f]{4})+"
    parts = []
    for word in words:
        forms = forms_pattern(json_forms(word))
        parts.append(b"(?:" + forms + b")")
    return between.join(parts)


def scan_lines(
    search: Search, reader: LogReader, wanted: bytes, *, composed: Matcher, only: set[int] | None = None
) -> Iterator[Candidate]:
    """Steps of which a line holds what the pattern ``wanted`` finds, newest first; and events that readers word
    themselves, of whose summary ``composed`` finds something. ``only`` names the logs to look through.

    Frames are decompressed and looked through by two threads; both let go of the interpreter lock.
    """
    import re2

    options = re2.Options()
    options.log_errors = False
    options.encoding = re2.Options.Encoding.LATIN1
    options.max_mem = 64 * 1024 * 1024
    finder = re2.compile(wanted, options)

    def look(job: tuple[Any, Any]) -> list[int]:
        copy, frame = job
        data = copy.whole(frame)
        out: list[int] = []
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
        logs = [item for item in search.newest_logs() if only is None or item[1] in only]

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
    from tracetui.bucket.reading import SOURCE

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
    from tracetui.bucket.reading import texts_of

    def steps_of(log: int) -> list[Candidate]:
        found: set[int] = set()
        for step in reader.stream(log):
            if step.number not in found and matcher.find(texts_of(step)) is not None:
                found.add(step.number)
            if search.cancelled:
                return []
        return [(at, step) for at, step, number in search.numbers_of(log) if number in found] if found else []

    yield from search.in_order(search.newest_logs(), steps_of)
