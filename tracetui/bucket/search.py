"""Search over the text of every step: full-text index first, texts themselves where it cannot say, newest first.

Documents of the index stand in blocks of 2,048; the time of a block's newest step is known. Blocks are asked newest
first, and a hit is given as soon as no block that is left can hold a newer one, so that common words cost as little as
rare ones. A short prefix would make FTS5 join thousands of lists: there the newest steps are simply looked at, until
that finds too little.
"""

from __future__ import annotations

import heapq
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from tracetui.bucket import sessions
from tracetui.bucket.index import BLOCK
from tracetui.bucket.matching import Matcher, Words, is_token_text, needs_scan, snippet
from tracetui.bucket.reader import LogReader
from tracetui.bucket.terms import Query
from tracetui.model import KINDS, Hit, TracetuiError

__all__ = ["Search", "sessions_with"]

_FIRST_BLOCKS: Final = 6
_SHORT: Final = 3
_LOOKS: Final = 400
_LOOK_SECONDS: Final = 0.012

Candidate = tuple[int, int]
"""(time in milliseconds or 0, id of the step)"""


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""').replace("\0", " ") + '"'


def match_of(query: Query, *, last: bool = True) -> str | None:
    """The query in the language of FTS5: phrases and words; the last word as a prefix, or left out without ``last``.
    None where it holds nothing that the index knows."""
    parts = [_quoted(phrase) for phrase in query.phrases if not needs_scan(phrase)]
    for nth, word in enumerate(query.words):
        if needs_scan(word):
            continue
        if nth < len(query.words) - 1:
            parts.append(_quoted(word))
        elif last:
            # A word that ends in a sign is whole: ``foo(`` is no beginning of a longer word.
            parts.append(_quoted(word) + (" *" if is_token_text(word[-1]) else ""))
    if not parts:
        return None
    text = " AND ".join(parts)
    refused = [_quoted(item) for item in (*query.not_words, *query.not_phrases) if not needs_scan(item)]
    return f"({text}) NOT ({' OR '.join(refused)})" if refused else text


class Search:
    """One search; iterate over ``hits``."""

    def __init__(
        self,
        db: sqlite3.Connection,
        reader: LogReader,
        query: Query,
        *,
        cancelled: Callable[[], bool] | None = None,
    ) -> None:
        self._db = db
        self._reader = reader
        self._query = query
        self._cancelled = cancelled or (lambda: False)
        self._logs: dict[int, tuple[str, str, str | None, str | None]] = {}
        self._condition, self._bound = self._filter()

    def _filter(self) -> tuple[str, list[Any]]:
        """What the typed terms ask of a step, as SQL over ``step p``."""
        query = self._query
        parts = ["p.log NOT IN (SELECT id FROM log WHERE shown=0)"]
        bound: list[Any] = []
        condition, values = sessions.where(query, kinds=False, times=False)
        if condition != "1":
            sessions.prepare(self._db, query)
            parts.append(
                "p.log IN (SELECT l.id FROM log l JOIN session s ON s.id=l.session AND s.harness=l.harness "
                f"LEFT JOIN user.mark m ON m.session=s.id AND m.harness=s.harness WHERE {condition})"
            )
            bound += values
        numbers = {kind: nth for nth, kind in enumerate(KINDS)}
        wanted = [str(numbers[kind]) for kind in query.kinds if kind in numbers]
        if query.kinds:
            parts.append(f"p.kind IN ({','.join(wanted)})")
        refused = [str(numbers[v]) for f, v in query.excluded if f == "kind" and v in numbers]
        if refused:
            parts.append(f"p.kind NOT IN ({','.join(refused)})")
        if query.since is not None:
            parts.append("p.time >= ?")
            bound.append(query.since)
        if query.until is not None:
            parts.append("p.time < ?")
            bound.append(query.until)
        return " AND ".join(parts), bound

    # candidates, newest first

    def _matching(self, match: str, extra: str = "", values: Iterable[Any] = ()) -> list[Candidate]:
        return self._db.execute(
            "SELECT coalesce(p.time, 0), p.id FROM text f CROSS JOIN step p ON p.doc=f.rowid "
            f"WHERE text MATCH ? {extra} AND {self._condition}",
            (match, *values, *self._bound),
        ).fetchall()

    def _by_index(self, match: str) -> Iterator[Candidate]:
        since = self._query.since
        blocks = self._db.execute("SELECT id, newest FROM block ORDER BY newest DESC, id DESC").fetchall()
        if since is not None:
            blocks = [block for block in blocks if block[1] >= since]
        heap: list[tuple[int, int]] = []
        asked: list[int] = []
        if len(blocks) > _FIRST_BLOCKS:
            for nth in range(_FIRST_BLOCKS):
                block = blocks[nth][0]
                first = block << BLOCK
                asked.append(block)
                found = self._matching(match, "AND f.rowid BETWEEN ? AND ?", (first, first + (1 << BLOCK) - 1))
                for at, step in found:
                    heapq.heappush(heap, (-at, -step))
                bound = blocks[nth + 1][1]
                while heap and -heap[0][0] > bound:
                    at, step = heapq.heappop(heap)
                    yield -at, -step
        extra = f"AND (f.rowid >> {BLOCK}) NOT IN ({','.join(map(str, asked))})" if asked else ""
        rest = self._matching(match, extra)
        rest.extend((-at, -step) for at, step in heap)
        rest.sort(reverse=True)
        yield from rest

    def _by_score(self, match: str, limit: int | None) -> Iterator[tuple[int, int, float]]:
        rows = self._db.execute(
            "SELECT coalesce(p.time, 0), p.id, -f.rank FROM text f CROSS JOIN step p ON p.doc=f.rowid "
            f"WHERE text MATCH ? AND {self._condition} ORDER BY f.rank, p.time DESC LIMIT ?",
            (match, *self._bound, -1 if limit is None else limit),
        )
        yield from rows.fetchall()

    def newest_logs(self) -> list[tuple[int, int]]:
        """(time of the newest step, id) of the logs to look at, newest first."""
        condition, bound = sessions.where(self._query, kinds=False, times=False)
        sessions.prepare(self._db, self._query)
        since = self._query.since
        return self._db.execute(
            "SELECT max(coalesce(l.ended, 0), coalesce(l.started, 0)) AS newest, l.id FROM log l "
            "JOIN session s ON s.id=l.session AND s.harness=l.harness "
            "LEFT JOIN user.mark m ON m.session=s.id AND m.harness=s.harness "
            f"WHERE l.shown AND {condition} AND newest >= ? ORDER BY newest DESC, l.id DESC",
            (*bound, since or 0),
        ).fetchall()

    def in_order(self, logs: list[tuple[int, int]], steps_of: Callable[[int], list[Candidate]]) -> Iterator[Candidate]:
        """The candidates of logs, newest first, asking for those of a log only when its turn comes."""
        heap: list[tuple[int, int]] = []
        for nth, (_, log) in enumerate(logs):
            if self._cancelled():
                return
            for at, step in steps_of(log):
                heapq.heappush(heap, (-at, -step))
            bound = logs[nth + 1][0] if nth + 1 < len(logs) else -1
            while heap and -heap[0][0] > bound:
                at, step = heapq.heappop(heap)
                yield -at, -step
        while heap:
            at, step = heapq.heappop(heap)
            yield -at, -step

    def _of_log(self, log: int) -> list[Candidate]:
        return self._db.execute(
            f"SELECT coalesce(p.time, 0), p.id FROM step p WHERE p.log=? AND {self._condition}", (log, *self._bound)
        ).fetchall()

    def sources_of(self, log: int) -> list[tuple[int, int, bytes]]:
        """(time, id, sources) of the steps of a log that the typed terms let through."""
        return self._db.execute(
            f"SELECT coalesce(p.time, 0), p.id, p.sources FROM step p WHERE p.log=? AND {self._condition}",
            (log, *self._bound),
        ).fetchall()

    def composed(self, log: int, text: str) -> list[Candidate]:
        """Events of a log with this text in their summary, case apart: readers word some of them themselves."""
        return self._db.execute(
            "SELECT coalesce(p.time, 0), p.id FROM step p WHERE p.log=? AND p.kind=? AND instr(lower(p.summary), ?) "
            f"AND {self._condition}",
            (log, KINDS.index("event"), text.lower(), *self._bound),
        ).fetchall()

    def numbers_of(self, log: int) -> list[tuple[int, int, int]]:
        """(time, id, number) of the steps of a log that the typed terms let through."""
        return self._db.execute(
            f"SELECT coalesce(p.time, 0), p.id, p.number FROM step p WHERE p.log=? AND {self._condition}",
            (log, *self._bound),
        ).fetchall()

    def all_steps(self) -> Iterator[Candidate]:
        """Every step that the typed terms let through, newest first."""
        return self.in_order(self.newest_logs(), self._of_log)

    # hits

    def hits(self, limit: int | None, sort: str) -> Iterator[Hit]:
        """Hits of the words and phrases of the query."""
        query = self._query
        if not query.text:
            yield from self._plain(limit)
            return
        words = Words(query)
        match = match_of(query)
        scanned = any(needs_scan(item) for item in self._all_items())
        if sort == "score" and match is not None:
            given = 0
            for _, step, score in self._by_score(match, None if scanned else limit):
                hit = self._hit(step, words, strict=scanned, score=score)
                if hit is not None:
                    yield hit
                    given += 1
                    if given == limit:
                        return
            return
        found = self._newest(words, match, scanned)
        if sort == "score":
            found = iter(sorted(found, key=lambda hit: hit.score, reverse=True))
        yield from _first(found, limit)

    def _all_items(self) -> tuple[str, ...]:
        query = self._query
        return (*query.words, *query.phrases, *query.not_words, *query.not_phrases)

    def _newest(self, words: Words, match: str | None, scanned: bool) -> Iterator[Hit]:
        if match is None:
            yield from self._look(self._scan_for_signs(), words)
            return
        seen: set[int] = set()
        word = self._query.words[-1] if self._query.words else ""
        if word and len(word) <= _SHORT and word.isalnum() and not needs_scan(word):
            others = match_of(self._query, last=False)
            candidates = self.all_steps() if others is None else self._by_index(others)
            end = time.perf_counter() + _LOOK_SECONDS
            hits = 0
            for _, step in candidates:
                seen.add(step)
                hit = self._hit(step, words, strict=True)
                if hit is not None:
                    hits += 1
                    yield hit
                    # Time spent by whoever takes the hits is not ours: it is the share of hits that counts.
                    if hits % 8 == 0:
                        end = time.perf_counter() + _LOOK_SECONDS
                elif time.perf_counter() > end or len(seen) > _LOOKS + hits * 4:
                    break
            else:
                return
        for _, step in self._by_index(match):
            if self._cancelled():
                return
            if step not in seen:
                hit = self._hit(step, words, strict=scanned)
                if hit is not None:
                    yield hit

    def _look(self, candidates: Iterable[Candidate], matcher: Matcher) -> Iterator[Hit]:
        for _, step in candidates:
            if self._cancelled():
                return
            hit = self._hit(step, matcher, strict=True)
            if hit is not None:
                yield hit

    def _scan_for_signs(self) -> Iterator[Candidate]:
        """Steps whose lines hold the signs that are looked for, as JSON may write them."""
        from tracetui.bucket.scanning import json_forms, scan_lines

        items = [*self._query.words, *self._query.phrases]
        if not items:
            return self.all_steps()
        longest = max((item for item in items if needs_scan(item)), key=len)
        return scan_lines(self, self._reader, json_forms(longest), composed=longest)

    def _plain(self, limit: int | None) -> Iterator[Hit]:
        """Without words every step that the terms let through is a hit, shown by its summary."""
        steps = (self._hit(step, None, strict=False) for _, step in self.all_steps())
        yield from _first((hit for hit in steps if hit is not None), limit)

    def _log(self, log: int) -> tuple[str, str, str | None, str | None]:
        held = self._logs.get(log)
        if held is None:
            held = self._db.execute(
                "SELECT l.session, l.harness, l.agent, s.title FROM log l LEFT JOIN session s "
                "ON s.id=l.session AND s.harness=l.harness WHERE l.id=?",
                (log,),
            ).fetchone()
            self._logs[log] = held
        return held

    def _hit(self, step: int, matcher: Matcher | None, *, strict: bool, score: float | None = None) -> Hit | None:
        """The hit of a step; None where ``strict`` and the matcher finds nothing in its text."""
        row = self._db.execute("SELECT log, number, kind, time, summary FROM step WHERE id=?", (step,)).fetchone()
        if row is None:
            return None
        log, number, kind, at, summary = row
        text, span, worth = summary, (0, 0), 0.0
        if matcher is not None:
            texts = self._reader.texts(log, number)
            place = matcher.find(texts)
            if place is None and strict:
                return None
            if place is not None:
                text, span = snippet(texts[place.nth], place.start, place.end)
                worth = place.score
        session, harness, agent, title = self._log(log)
        return Hit(
            session, harness, log, agent, number, KINDS[kind], at, title, text, span, worth if score is None else score
        )

    # regular expressions

    def regex(self, text: str, limit: int | None, sort: str) -> Iterator[Hit]:
        """Hits of a regular expression. Raises TracetuiError of status 2 at once where it is none."""
        from tracetui.bucket.pattern import Pattern, fts_of, literals, raw_literal
        from tracetui.bucket.scanning import read_all, scan_lines

        pattern = Pattern(text)
        found, folded = literals(text)
        match = fts_of(found)
        literal = raw_literal(found)
        if match is not None:
            hits = self._look(self._by_index(match), pattern)
        elif literal is not None:
            lines = scan_lines(self, self._reader, [literal.encode("ascii")], folded=folded, composed=literal)
            hits = self._look(lines, pattern)
        else:
            hits = self._look(read_all(self, self._reader, pattern), pattern)
        if sort == "score":
            return _first(sorted(hits, key=lambda hit: hit.score, reverse=True), limit)
        return _first(hits, limit)

    @property
    def cancelled(self) -> bool:
        """Whether the caller wants no more."""
        return self._cancelled()


def _first(hits: Iterable[Hit], limit: int | None) -> Iterator[Hit]:
    if limit is not None and limit <= 0:
        return
    for nth, hit in enumerate(hits, 1):
        yield hit
        if nth == limit:
            return


def sessions_with(db: sqlite3.Connection, reader: LogReader, query: Query) -> list[tuple[str, str]]:
    """The (harness, id) of sessions with a step that holds the words and phrases of the query."""
    search = Search(db, reader, query)
    match = match_of(query)
    if match is not None and not any(needs_scan(item) for item in search._all_items()):
        rows = db.execute(
            "SELECT DISTINCT l.harness, l.session FROM text f CROSS JOIN step p ON p.doc=f.rowid "
            f"CROSS JOIN log l ON l.id=p.log WHERE text MATCH ? AND {search._condition}",
            (match, *search._bound),
        )
        return [(harness, session) for harness, session in rows]
    return list(dict.fromkeys((hit.harness, hit.session) for hit in search.hits(None, "newest")))


def check_sort(sort: str) -> None:
    """Raises TracetuiError of status 2 for an order that search does not have."""
    if sort not in {"newest", "score"}:
        raise TracetuiError(f"Unknown order {sort!a}; one of: newest, score", status=2)
