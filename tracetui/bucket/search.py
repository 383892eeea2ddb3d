"""Search over the text of every step: full-text index first, texts themselves where it cannot say, newest first.

Documents of the index stand in blocks of 2,048; the time of a block's newest step is known. Blocks are asked newest
first, and a hit is given as soon as no block that is left can hold a newer one, so that common words cost as little as
rare ones. A short prefix would make FTS5 join thousands of lists: there the newest steps are simply looked at, until
that finds too little.
"""

from __future__ import annotations

import heapq
import re
import sqlite3
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from tracetui.bucket.conditions import prepare, session_part, step_part
from tracetui.bucket.damage import DamagedError
from tracetui.bucket.index import BLOCK
from tracetui.bucket.log_reader import LogReader
from tracetui.bucket.matching import Matcher, Words, needs_scan, snippet, tokens
from tracetui.bucket.terms import Query
from tracetui.model import KINDS, Hit, Survival, TracetuiError

if TYPE_CHECKING:
    from tracetui.bucket.pattern import Pattern

__all__ = ["SORTS", "Search", "check_sort", "find", "find_pattern", "sessions_with"]

SORTS: Final = ("newest", "score", "longest")
"""Orders of hits: by time, by how well they fit, by how long the call took."""
_FIRST_BLOCKS: Final = 6
_SHORT: Final = 3
_PAGE: Final = 256
_LOOKS: Final = 200
_FEW: Final = 100
_SCORED: Final = 2000
"""Hits among which the best are chosen: the newest so many."""
_LOOK_SECONDS: Final = 0.012
_EDIT: Final = KINDS.index("edit")
_WITH_PATHS: Final = frozenset(KINDS.index(kind) for kind in ("read", "search", "edit"))

Candidate = tuple[int, int]
"""(time in milliseconds or 0, id of the step)"""


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def index_tokens(db: sqlite3.Connection, text: str) -> list[str]:
    """The words of a text as the full-text index parts them. ASCII is plain; for the rest SQLite's own tables of
    Unicode decide, by way of a small index in memory."""
    if text.isascii():
        return tokens(text)
    db.execute("CREATE VIRTUAL TABLE IF NOT EXISTS temp.probe USING fts5(x, tokenize='unicode61 remove_diacritics 0')")
    db.execute("CREATE VIRTUAL TABLE IF NOT EXISTS temp.probed USING fts5vocab(temp, probe, instance)")
    db.execute("DELETE FROM temp.probe")
    db.execute("INSERT INTO temp.probe VALUES(?)", (text,))
    return [term for (term,) in db.execute('SELECT term FROM temp.probed ORDER BY "offset"')]


def _storable(query: Query) -> Query:
    """The query without lone surrogates (bytes of a terminal that are no text), which no stored text holds."""

    def mend(items: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(item.encode("utf-8", "replace").decode("utf-8") for item in items)

    return replace(
        query,
        words=mend(query.words),
        phrases=mend(query.phrases),
        not_words=mend(query.not_words),
        not_phrases=mend(query.not_phrases),
        terms=tuple(term._replace(values=mend(term.values)) for term in query.terms),
    )


def _ends_in_word(text: str) -> bool:
    return text[-1].isalnum()


class Match:
    """What a query asks of the full-text index, which knows the words of a text but not their places.

    ``text`` is in the language of FTS5, None where the index can say nothing; ``exact`` tells that it says it all, so
    that the texts need not be looked at again.
    """

    def __init__(self, db: sqlite3.Connection, query: Query, *, last: bool = True) -> None:
        wanted: list[str] = []
        refused: list[str] = []
        self.exact = not query.phrases and not query.not_phrases
        for phrase in query.phrases:
            wanted += _within_literal(db, phrase)
        for nth, item in enumerate(query.words):
            if needs_scan(item):
                self.exact = False
                continue
            words = index_tokens(db, item)
            self.exact = self.exact and len(words) == 1
            wanted += [_quoted(word) for word in words[:-1]]
            # A word that ends in a sign is whole: ``foo(`` is no beginning of a longer word.
            if nth < len(query.words) - 1 or not _ends_in_word(item):
                wanted += [_quoted(word) for word in words[-1:]]
            elif last:
                wanted += [_quoted(word) + " *" for word in words[-1:]]
            else:
                self.exact = False
        for item in query.not_words:
            words = [] if needs_scan(item) else index_tokens(db, item)
            if len(words) == 1:
                refused.append(_quoted(words[0]))
            else:
                self.exact = False
        text = " AND ".join(dict.fromkeys(wanted))
        self.text = f"({text}) NOT ({' OR '.join(refused)})" if text and refused else text or None


def _within_literal(db: sqlite3.Connection, text: str) -> list[str]:
    """What the index can say of a text that stands somewhere letter by letter: the words within it are whole there; the
    first may be the end of a longer one, the last the beginning of one, unless signs stand before or behind."""
    if needs_scan(text):
        return []
    words = index_tokens(db, text)
    if not text.isascii():
        # (Which of its letters part words is for SQLite's tables to say: the outer ones are left out.)
        return [_quoted(word) for word in words[1:-1]]
    if text[0].isalnum():
        words = words[1:]
        if not words:
            return []
    if not text[-1].isalnum():
        return [_quoted(word) for word in words]
    tail = [_quoted(words[-1]) + " *"] if len(words[-1]) >= _SHORT else []
    return [*(_quoted(word) for word in words[:-1]), *tail]


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
        self._query = query = _storable(query)
        self._cancelled = cancelled or (lambda: False)
        self._until: float | None = None
        """When looking at the newest steps, one log after the other, has to end for now."""
        self._ended_early = False
        self._logs: dict[int, tuple[str, str, str | None, str | None, int]] = {}
        prepare(db, query)
        self._steps, self._steps_bound = step_part(query)
        logs, values = self._of_logs()
        self._condition, self._bound = f"{logs} AND {self._steps}", [*values, *self._steps_bound]

    def _of_logs(self) -> tuple[str, list[Any]]:
        """Which logs are looked at, as SQL over ``step p``. Asked once per search: where a log is at hand already
        (``newest_logs`` chose it), looking through the list of all of them again would take the square of their number.
        """
        condition, values = session_part(self._query)
        shown = "(SELECT g.shown FROM log g WHERE g.id=p.log)"
        if condition == "1":
            return shown, []
        return (
            f"{shown} AND p.log IN (SELECT l.id FROM log l JOIN session s ON s.id=l.session AND s.harness=l.harness "
            f"LEFT JOIN user.mark m ON m.session=s.id AND m.harness=s.harness WHERE {condition})",
            values,
        )

    # candidates, newest first

    def _matching(self, match: str, extra: str, values: Iterable[Any], first: int | None = None) -> list[Candidate]:
        order = f" ORDER BY coalesce(p.time, 0) DESC, p.id DESC LIMIT {first}" if first is not None else ""
        return self._db.execute(
            "SELECT coalesce(p.time, 0), p.id FROM text f CROSS JOIN step p ON p.doc=f.rowid "
            f"WHERE text MATCH ? {extra} AND {self._condition}{order}",
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
                while heap and -heap[0][0] >= bound:
                    at, step = heapq.heappop(heap)
                    yield -at, -step
        extra = f"AND (f.rowid >> {BLOCK}) NOT IN ({','.join(map(str, asked))})" if asked else ""
        left = sorted(((-at, -step) for at, step in heap), reverse=True)
        yield from heapq.merge(left, self._in_pages(match, extra), reverse=True)

    def _in_pages(self, match: str, extra: str) -> Iterator[Candidate]:
        """Candidates by time: the newest few first, since most searches end there, then ever more."""
        size, after = _PAGE, (1 << 62, 0)
        while True:
            found = self._matching(match, f"{extra} AND (coalesce(p.time, 0), p.id) < (?, ?)", after, size)
            yield from found
            if len(found) < size:
                return
            size, after = size * 32, found[-1]

    def newest_logs(self) -> list[tuple[int, int]]:
        """(time of the newest step, id) of the logs to look at, newest first."""
        condition, bound = session_part(self._query)
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
            if self._until is not None and time.perf_counter() > self._until:
                self._ended_early = True
                return
            for at, step in steps_of(log):
                heapq.heappush(heap, (-at, -step))
            bound = logs[nth + 1][0] if nth + 1 < len(logs) else -1
            while heap and -heap[0][0] >= bound:
                at, step = heapq.heappop(heap)
                yield -at, -step
        while heap:
            at, step = heapq.heappop(heap)
            yield -at, -step

    def _of_log(self, log: int) -> list[Candidate]:
        return self._db.execute(
            f"SELECT coalesce(p.time, 0), p.id FROM step p WHERE p.log=? AND {self._steps}", (log, *self._steps_bound)
        ).fetchall()

    def sources_of(self, log: int) -> list[tuple[int, int, bytes]]:
        """(time, id, sources) of the steps of a log that the typed terms let through."""
        return self._db.execute(
            f"SELECT coalesce(p.time, 0), p.id, p.sources FROM step p WHERE p.log=? AND {self._steps}",
            (log, *self._steps_bound),
        ).fetchall()

    def composed(self, log: int, matcher: Matcher) -> list[Candidate]:
        """Events of a log that may hold it by their summary: readers word some of them themselves; and calls whose
        result another part holds."""
        rows = self._db.execute(
            f"SELECT coalesce(p.time, 0), p.id, p.summary FROM step p WHERE p.log=? AND p.kind=? AND {self._steps}",
            (log, KINDS.index("event"), *self._steps_bound),
        )
        found = [(at, step) for at, step, text in rows if text.endswith("…") or matcher.find([text]) is not None]
        return (
            found
            + self._db.execute(
                "SELECT coalesce(p.time, 0), p.id FROM joined j JOIN step p ON p.log=j.log AND p.number=j.number "
                f"WHERE j.log=? AND {self._condition}",
                (log, *self._bound),
            ).fetchall()
        )

    def rows_of(self, steps: Sequence[int]) -> list[tuple[int, int, int, int, bytes]]:
        """(id, log, kind, images, sources) of these steps; a result that another part holds is as an image: its text is
        in none of these lines."""
        marks = ",".join("?" * len(steps))
        return self._db.execute(
            "SELECT id, log, kind, images + EXISTS(SELECT 1 FROM joined j WHERE j.log=step.log "
            f"AND j.number=step.number), sources FROM step WHERE id IN ({marks})",
            steps,
        ).fetchall()

    def numbers_of(self, log: int) -> list[tuple[int, int, int]]:
        """(time, id, number) of the steps of a log that the typed terms let through."""
        return self._db.execute(
            f"SELECT coalesce(p.time, 0), p.id, p.number FROM step p WHERE p.log=? AND {self._steps}",
            (log, *self._steps_bound),
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
        match = Match(self._db, query)
        if sort == "score":
            found = _first(self._newest(words, match), _SCORED)
            yield from _first(sorted(found, key=lambda hit: hit.score, reverse=True), limit)
        else:
            yield from _first(self._newest(words, match), limit)

    def _newest(self, words: Words, match: Match) -> Iterator[Hit]:
        if match.text is None:
            yield from self._look(self._scan(), words)
            return
        word = self._query.words[-1] if self._query.words else ""
        seen: set[int] = set()
        if word and len(word) <= _SHORT and word.isalnum() and not needs_scan(word):
            others = Match(self._db, self._query, last=False).text
            candidates = self.all_steps() if others is None else self._by_index(others)
            if (yield from self._sample(candidates, words, seen)):
                return
        rest: Iterable[Candidate] = self._by_index(match.text)
        form = None if match.exact else self._raw_form()
        if form is not None:
            # What must stand together: a look at the lines costs less than making every step.
            from tracetui.bucket.raw_search import among_lines

            rest = among_lines(self, self._reader, form, rest)
        for _, step in rest:
            if self._cancelled():
                return
            if step not in seen:
                hit = self._hit(step, words, strict=not match.exact)
                if hit is not None:
                    yield hit

    def _raw_form(self) -> bytes | None:
        """A pattern over the bytes of lines for what is rarest of what must stand together: the longest phrase, or the
        longest word of several parts; None where there is none."""
        if self._query.phrases:
            return _literal_form(max(self._query.phrases, key=len))
        longest = max(self._query.words, key=lambda item: len(tokens(item)), default="")
        if len(tokens(longest)) > 1:
            from tracetui.bucket.raw_search import words_form

            return words_form(tokens(longest))
        return None

    def _sample(
        self, candidates: Iterable[Candidate], words: Matcher, seen: set[int], *, few: bool = False
    ) -> Generator[Hit, None, bool]:
        """Look at candidates as long as enough of them are hits, or they are ``few``; whether all were looked at."""
        end = self._until = time.perf_counter() + _LOOK_SECONDS
        self._ended_early = False
        hits = 0
        for _, step in candidates:
            if self._cancelled():
                return True
            if step in seen:
                continue
            seen.add(step)
            hit = self._hit(step, words, strict=True)
            if hit is not None:
                hits += 1
                yield hit
                # Time spent by whoever takes the hits is not ours: the share of hits counts.
                end = self._until = time.perf_counter() + _LOOK_SECONDS
            elif not few and (time.perf_counter() > end or len(seen) > _LOOKS + hits * 8):
                break
        else:
            self._until = None
            return not self._ended_early
        self._until = None
        return False

    def _look(self, candidates: Iterable[Candidate], matcher: Matcher) -> Iterator[Hit]:
        for _, step in candidates:
            if self._cancelled():
                return
            hit = self._hit(step, matcher, strict=True)
            if hit is not None:
                yield hit

    def _scan(self) -> Iterator[Candidate]:
        """Steps whose lines hold a phrase, or the signs that are looked for, as JSON may write them."""
        from tracetui.bucket.raw_search import forms_pattern, json_forms, scan_lines

        items = [*self._query.words, *self._query.phrases]
        if not items:
            return self.all_steps()
        signs = [item for item in items if needs_scan(item)]
        longest = max(self._query.phrases or signs, key=len)
        form = _literal_form(longest) if self._query.phrases else None
        if form is None:
            form = forms_pattern(json_forms(longest))
        return scan_lines(self, self._reader, form, composed=Words(Query(phrases=(longest,))))

    def longest(self, limit: int | None) -> list[Hit]:
        """The steps that the terms let through whose calls took longest."""
        rows = self._db.execute(
            f"SELECT p.id FROM step p WHERE p.duration IS NOT NULL AND {self._condition} "
            "ORDER BY p.duration DESC, p.id DESC LIMIT ?",
            (*self._bound, -1 if limit is None else limit),
        ).fetchall()
        found = (self._hit(step, None, strict=False) for (step,) in rows)
        return [hit for hit in found if hit is not None]

    def _plain(self, limit: int | None) -> Iterator[Hit]:
        """Without words every step that the terms let through is a hit, shown by its summary."""
        steps = (self._hit(step, None, strict=False) for _, step in self.all_steps())
        yield from _first((hit for hit in steps if hit is not None), limit)

    def _log(self, log: int) -> tuple[str, str, str | None, str | None, int]:
        held = self._logs.get(log)
        if held is None:
            held = self._db.execute(
                "SELECT l.session, l.harness, l.agent, s.title, max(l.part, 1) FROM log l LEFT JOIN session s "
                "ON s.id=l.session AND s.harness=l.harness WHERE l.id=?",
                (log,),
            ).fetchone()
            self._logs[log] = held
        return held

    def _hit(self, step: int, matcher: Matcher | None, *, strict: bool, score: float | None = None) -> Hit | None:
        """The hit of a step; None where ``strict`` and the matcher finds nothing in its text."""
        row = self._db.execute(
            ("SELECT log, number, kind, time, summary, flags & 1, exit, key, duration FROM step WHERE id=?"), (step,)
        ).fetchone()
        if row is None:
            return None
        log, number, kind, at, summary, failed, code, key, took = row
        text, span, worth = summary, (0, 0), 0.0
        if matcher is not None:
            try:
                texts = self._reader.texts(log, number)
            except DamagedError:
                return None  # (What the copy lost cannot be looked through; doctor names it.)
            place = matcher.find(texts)
            if place is None and strict:
                return None
            if place is not None and place.nth >= 0:
                text, span = snippet(texts[place.nth], place.start, place.end)
                worth = place.score
        session, harness, agent, title, part = self._log(log)
        return Hit(
            *(session, harness, log, agent, number, KINDS[kind], at, title, text, span),
            *(worth if score is None else score, part, bool(failed), code),
            self._survival(session, harness, agent, key) if kind == _EDIT else None,
            took,
            self._path(log, number) if kind in _WITH_PATHS else None,
        )

    def _path(self, log: int, number: int) -> str | None:
        row = self._db.execute(
            "SELECT f.text FROM step_path q JOIN path f ON f.id=q.path WHERE q.log=? AND q.number=? "
            "ORDER BY f.id LIMIT 1",
            (log, number),
        ).fetchone()
        return None if row is None else row[0]

    def _survival(self, session: str, harness: str, agent: str | None, key: str) -> Survival | None:
        """The state of most lines of a step's edit."""
        row = self._db.execute(
            "SELECT state FROM user.step_survival WHERE session=? AND harness=? AND agent=? AND key=? "
            "ORDER BY added + removed DESC, hunks DESC, state LIMIT 1",
            (session, harness, agent or "", key),
        ).fetchone()
        return None if row is None else row[0]

    # regular expressions

    def regex(self, pattern: Pattern, limit: int | None, sort: str) -> Iterator[Hit]:
        """Hits of a regular expression."""
        hits = self._regex(pattern, pattern.text)
        if sort == "score":
            return _first(sorted(hits, key=lambda hit: hit.score, reverse=True), limit)
        return _first(hits, limit)

    def _regex(self, pattern: Pattern, text: str) -> Iterator[Hit]:
        from tracetui.bucket.pattern import fts_of, raw_form
        from tracetui.bucket.raw_search import among_lines, read_all, scan_lines

        match = fts_of(text)
        form = raw_form(text)
        if match is not None and form is not None:
            yield from self._look(among_lines(self, self._reader, form, self._by_index(match)), pattern)
            return
        if form is not None:
            yield from self._look(scan_lines(self, self._reader, form, composed=pattern), pattern)
            return
        seen: set[int] = set()
        among: set[int] | None = None
        if match is not None:
            candidates = list(self._by_index(match))
            if (yield from self._sample(candidates, pattern, seen, few=len(candidates) < _FEW)):
                return
            among = {step for _, step in candidates}
        steps = read_all(self, self._reader, pattern)
        rest = ((at, step) for at, step in steps if step not in seen and (among is None or step in among))
        yield from self._look(rest, pattern)

    @property
    def query(self) -> Query:
        """What is looked for, mended."""
        return self._query

    @property
    def condition(self) -> tuple[str, list[Any]]:
        """What the typed terms ask of ``step p``, as SQL and its values."""
        return self._condition, self._bound

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


def _literal_form(text: str) -> bytes | None:
    """A pattern over the bytes of lines that finds a text in any case, however JSON writes it; None for signs alone."""
    from tracetui.bucket.pattern import raw_form

    return raw_form("(?i)" + re.escape(text))


def find(
    db: sqlite3.Connection,
    reader: LogReader,
    query: Query,
    limit: int | None,
    sort: str,
    cancelled: Callable[[], bool] | None = None,
) -> Iterator[Hit]:
    """Hits of a query in the order ``sort``, each step once whatever alternatives find it."""
    found = [Search(db, reader, one, cancelled=cancelled) for one in query.alternatives]
    if sort == "longest":
        return _longest(found, limit)
    return _merged([lambda n, one=one: one.hits(n, sort) for one in found], limit, sort)  # type: ignore[misc]


def find_pattern(
    db: sqlite3.Connection,
    reader: LogReader,
    pattern: str,
    filters: Query,
    limit: int | None,
    sort: str,
    cancelled: Callable[[], bool] | None = None,
) -> Iterator[Hit]:
    """The same for a regular expression; ``filters`` has typed terms. Raises TracetuiError of status 2 at once where
    the pattern is none."""
    from tracetui.bucket.pattern import Pattern

    compiled = Pattern(pattern)
    found = [Search(db, reader, one, cancelled=cancelled) for one in filters.alternatives]
    if sort == "longest":
        each = [one.regex(compiled, _SCORED, "newest") for one in found]
        return _first(_by_duration(hit for hits in each for hit in hits), limit)
    return _merged([lambda n, one=one: one.regex(compiled, n, sort) for one in found], limit, sort)  # type: ignore[misc]


def _longest(searches: list[Search], limit: int | None) -> Iterator[Hit]:
    """Hits whose call took longest first: of terms alone all of them, of words and phrases the newest so many."""
    found: list[Hit] = []
    for one in searches:
        found += one.longest(limit) if not one.query.text else one.hits(_SCORED, "newest")
    return _first(_by_duration(found), limit)


def _by_duration(hits: Iterable[Hit]) -> list[Hit]:
    """Each step once, the longest first; those whose log tells no duration last."""
    once = {(hit.log, hit.step): hit for hit in hits}
    return sorted(once.values(), key=lambda hit: (-(hit.duration_ms or -1), -(hit.time or 0)))


def _merged(searches: list[Callable[[int | None], Iterator[Hit]]], limit: int | None, sort: str) -> Iterator[Hit]:
    if len(searches) == 1:
        yield from searches[0](limit)
        return
    each = None if sort == "newest" else _SCORED
    hits: Iterable[Hit]
    if sort == "score":
        hits = sorted((hit for one in searches for hit in one(each)), key=lambda hit: hit.score, reverse=True)
    else:
        hits = heapq.merge(*(one(each) for one in searches), key=lambda hit: -(hit.time or 0))
    seen: set[tuple[int, int]] = set()

    def once() -> Iterator[Hit]:
        for hit in hits:
            if (hit.log, hit.step) not in seen:
                seen.add((hit.log, hit.step))
                yield hit

    yield from _first(once(), limit)


def sessions_with(db: sqlite3.Connection, reader: LogReader, query: Query) -> list[tuple[str, str]]:
    """The (harness, id) of sessions with a step that the alternatives with words or phrases find."""
    found: dict[tuple[str, str], None] = {}
    for one in query.alternatives:
        if not one.text:
            continue
        search = Search(db, reader, one)
        match = Match(db, search.query)
        if match.text is not None and match.exact:
            found.update(
                dict.fromkeys(
                    db.execute(
                        "SELECT DISTINCT l.harness, l.session FROM text f CROSS JOIN step p ON p.doc=f.rowid "
                        f"CROSS JOIN log l ON l.id=p.log WHERE text MATCH ? AND {search.condition[0]}",
                        (match.text, *search.condition[1]),
                    )
                )
            )
        else:
            found.update(dict.fromkeys((hit.harness, hit.session) for hit in search.hits(None, "newest")))
    return list(found)


def check_sort(sort: str) -> None:
    """Raises TracetuiError of status 2 for an order that search does not have."""
    if sort not in SORTS:
        raise TracetuiError(f"Unknown order {sort!a}; one of: {', '.join(SORTS)}", status=2)
