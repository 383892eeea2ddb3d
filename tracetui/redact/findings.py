"""Findings of whole sessions: every string of every record, scanned once, kept in the bucket's private ``findings.db``.

The database is thrown away at will. A scan goes on where it stopped; strings that were scanned before, in whatever
session, are not scanned again. Values are not stored: a place tells where to read them, a keyed hash which are equal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

import orjson

from tracetui.model import LogRow, Record, SessionRow, Source, TracetuiError
from tracetui.redact.finding import Finding
from tracetui.redact.forms import plain_value
from tracetui.redact.known import Known, log_values
from tracetui.redact.private import open_private
from tracetui.redact.scanner import scan_many
from tracetui.redact.units import units
from tracetui.redact.values import Place, State, general_field, opens_door, record_id, state_of, string_at

if TYPE_CHECKING:
    from tracetui.bucket import Bucket
    from tracetui.redact.decisions import Decisions, DecisionState, Rule
    from tracetui.redact.outside import Outside

__all__ = ["RULES", "Findings", "scan_records"]

RULES: Final = 12
"""Version of the detectors; findings of another one are looked for anew."""
_SCRIPT: Final = """
CREATE TABLE log(
  harness TEXT NOT NULL, session TEXT NOT NULL, path TEXT NOT NULL, agent TEXT, sign TEXT NOT NULL,
  offset INTEGER NOT NULL, line INTEGER NOT NULL, whole INTEGER NOT NULL, generation INTEGER NOT NULL,
  PRIMARY KEY(session, harness, path)) WITHOUT ROWID;
CREATE TABLE place(
  harness TEXT NOT NULL, session TEXT NOT NULL, path TEXT NOT NULL, agent TEXT, line INTEGER NOT NULL,
  nth INTEGER NOT NULL, offset INTEGER NOT NULL, length INTEGER NOT NULL, rid TEXT NOT NULL, field TEXT NOT NULL,
  in_key INTEGER NOT NULL, start INTEGER NOT NULL, end INTEGER NOT NULL, kind TEXT NOT NULL, rule TEXT NOT NULL,
  tier INTEGER NOT NULL, view TEXT NOT NULL, why TEXT NOT NULL, value TEXT NOT NULL);
CREATE INDEX place_session ON place(session, harness, path);
CREATE TABLE cache(hash BLOB PRIMARY KEY, found TEXT NOT NULL) WITHOUT ROWID
"""
_CACHED: Final = 160
"""Code points; shorter strings are scanned faster than looked up."""
_BATCH: Final = 2_000_000
_ATTEMPTS: Final = 20


class _Overtaken(Exception):
    """Another process scans the same log."""


class Findings:
    """The findings of a bucket. Close it after use; one thread at a time."""

    def __init__(self, bucket: Bucket, decisions: Decisions) -> None:
        self._bucket = bucket
        self._decisions = decisions
        self._outside: Outside | None = None
        self._personal = False
        self._ruled: tuple[object, dict[str, bool]] = (None, {})
        self._db = open_private(bucket.path / "findings.db", _SCRIPT, RULES, precious=False)

    def close(self) -> None:
        """Let go of the database and of detect-secrets' process."""
        if self._outside is not None:
            self._outside.close()
            self._outside = None
        self._db.close()

    def __enter__(self) -> Findings:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def scan(
        self,
        session: SessionRow,
        *,
        known: Sequence[tuple[str, str]] = (),
        deep: bool = False,
        personal: bool = False,
        cancelled: Callable[[], bool] | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> bool:
        """Scan what is new in a session's logs; False when ``cancelled`` said so before the end. What was done stays.

        ``progress`` is told (bytes done, all bytes). ``deep`` asks detect-secrets too, ``personal``
        looks for phone and card numbers and their like.
        """
        self._personal = personal
        logs = [log for log in self._bucket.logs(session.id, session.harness) if log.shown]
        self._drop(session, {log.path for log in logs})
        total = sum(log.bytes for log in logs)
        done = 0
        for log in logs:

            def tell(at: int, base: int = done) -> None:
                if progress is not None:
                    progress(base + at, total)

            for _ in range(_ATTEMPTS):
                try:
                    if not self._log(session, log, known, deep, cancelled, tell):
                        return False
                    break
                except _Overtaken:
                    continue  # with what the other has done
            else:
                raise TracetuiError(f"Another tracetui is scanning {session.id}; try again when it is through")
            done += log.bytes
        return True

    def _drop(self, session: SessionRow, paths: set[str]) -> None:
        """Forget the findings of logs that are gone or shown no more."""
        of = (session.id, session.harness)
        for (path,) in self._db.execute("SELECT path FROM log WHERE session=? AND harness=?", of).fetchall():
            if path not in paths:
                for table in ("place", "log"):
                    self._db.execute(f"DELETE FROM {table} WHERE session=? AND harness=? AND path=?", (*of, path))

    def _log(
        self,
        session: SessionRow,
        log: LogRow,
        known: Sequence[tuple[str, str]],
        deep: bool,
        cancelled: Callable[[], bool] | None,
        tell: Callable[[int], object],
    ) -> bool:
        """Scan what is new in one log. Raises ``_Overtaken`` when another process did meanwhile."""
        cwd = log.facts.cwd or session.cwd
        values = [*log_values(log.path, cwd, session.cwd, remote=log.facts.repo, folder=cwd), *known]
        values_sign = orjson.dumps(sorted(set(values))).decode()
        sign = self._decisions.short("sign", RULES, deep, self._personal, log.generation, values_sign)
        of = (session.id, session.harness, log.path)

        def held() -> tuple[str, int, int, int] | None:
            sql = "SELECT sign, offset, line, whole FROM log WHERE session=? AND harness=? AND path=?"
            row: tuple[str, int, int, int] | None = self._db.execute(sql, of).fetchone()
            return row

        row = held()
        fresh = row is None or row[0] != sign or row[1] > log.bytes
        _, offset, line, whole = at = (sign, 0, 1, 0) if fresh or row is None else row
        detector = Known(values)
        batch: list[Record] = []
        size = 0

        def flush(whole: int = 0) -> None:
            """Keep what the batch gave. ``whole``: how long the log is that was read to its end."""
            nonlocal batch, size, row, at, fresh
            places = self._places(session, log, batch, detector, deep)
            last = batch[-1].source if batch else None
            at = (sign, last.offset + last.length + 1, last.line + 1, whole) if last else (*at[:3], whole)
            self._db.execute("BEGIN IMMEDIATE")
            try:
                if held() != row:
                    raise _Overtaken
                if fresh:
                    self._db.execute("DELETE FROM place WHERE session=? AND harness=? AND path=?", of)
                self._db.executemany("INSERT INTO place VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)", places)
                self._db.execute(
                    "INSERT OR REPLACE INTO log VALUES(?,?,?,?,?,?,?,?,?)",
                    (session.harness, session.id, log.path, log.agent, *at, log.generation),
                )
                self._db.execute("COMMIT")
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            batch, size, row, fresh = [], 0, at, False
            tell(whole or at[1])

        if whole == log.bytes and not fresh:
            return True
        if offset < log.bytes:
            for record in self._bucket.records(log, offset):
                if offset:
                    source = record.source
                    record = record._replace(source=source._replace(line=source.line + line - 1))
                if size > _BATCH and record.source.line != batch[-1].source.line:
                    flush()
                    if cancelled is not None and cancelled():
                        return False
                batch.append(record)
                size += record.source.length
        flush(log.bytes)
        return not (cancelled is not None and cancelled())

    def _places(
        self, session: SessionRow, log: LogRow, records: Sequence[Record], known: Known, deep: bool
    ) -> list[tuple[Any, ...]]:
        out: list[tuple[Any, ...]] = []
        for record, field, in_key, text, found in scan_records(
            records, log.harness, known=known, many=lambda texts: self._scan(texts, deep)
        ):
            source = record.source
            out.append(
                (
                    *(session.harness, session.id, log.path, log.agent, source.line, record.nth, source.offset),
                    *(source.length, record_id(record), field, int(in_key), found.start, found.end, found.kind),
                    *(
                        found.rule,
                        found.tier,
                        found.view,
                        found.why,
                        self._decisions.hash(plain_value(text[found.start : found.end], found.view)),
                    ),
                )
            )
        return out

    def scan_texts(self, texts: list[str]) -> list[list[Finding]]:
        """``scan_many``; long strings that were scanned before, in whatever session, are not scanned again."""
        return self._scan(texts, False)

    def _scan(self, texts: list[str], deep: bool) -> list[list[Finding]]:
        """``scan_many`` over strings of which those scanned before come from the database."""
        out: list[list[Finding] | None] = [None] * len(texts)
        hashes: dict[int, bytes] = {}
        for nth, text in enumerate(texts):
            if len(text) < _CACHED:
                continue
            digest = blake2b(
                text.encode("utf-8", "surrogatepass"),
                key=self._decisions.short("cache", RULES, deep).encode(),
                digest_size=16,
            ).digest()
            row = self._db.execute("SELECT found FROM cache WHERE hash=?", (digest,)).fetchone()
            if row is not None:
                out[nth] = [Finding(*item) for item in orjson.loads(row[0])]
            else:
                hashes[nth] = digest
        fresh = [nth for nth, found in enumerate(out) if found is None]
        results = scan_many([texts[nth] for nth in fresh])
        if deep and fresh:
            from tracetui.redact import outside
            from tracetui.redact.scanner import settle

            if self._outside is None:
                self._outside = outside.Outside()
            more = self._outside.scan([texts[nth] for nth in fresh])
            results = [settle([*a, *b]) for a, b in zip(results, more)]
        keep = []
        for nth, found in zip(fresh, results):
            out[nth] = found
            if nth in hashes and not any(item.rule == "unscanned" for item in found):
                rows = [[f.start, f.end, f.kind, f.rule, f.tier, f.view, f.why] for f in found]
                keep.append((hashes[nth], orjson.dumps(rows).decode()))
        self._db.executemany("INSERT OR IGNORE INTO cache VALUES(?,?)", keep)
        if self._personal:
            from tracetui.redact.personal_kinds import scan_personal
            from tracetui.redact.scanner import settle

            return [settle([*(found or ()), *scan_personal(text)]) for text, found in zip(texts, out)]
        return [found or [] for found in out]

    def places(
        self, session: SessionRow, locate: Callable[[str, int], tuple[int | None, int]] = lambda path, line: (None, 1)
    ) -> list[Place]:
        """All findings of a session, by log and place; ``locate`` gives step and part of a log's line."""
        short = self._decisions.short
        out = []
        for row in self._db.execute(
            "SELECT agent, path, line, offset, length, nth, rid, field, in_key, start, end, kind, rule, tier, view, "
            "why, value FROM place WHERE session=? AND harness=? ORDER BY agent IS NOT NULL, path, line, nth, rowid",
            (session.id, session.harness),
        ):
            (
                agent,
                path,
                line,
                offset,
                length,
                nth,
                rid,
                field,
                in_key,
                start,
                end,
                kind,
                rule,
                tier,
                view,
                why,
                value,
            ) = row
            key = f"{agent or ''}|{rid}|{field}|{'k' if in_key else 'v'}|{start}|{value}"
            out.append(
                Place(
                    short(key, kind, rule), key, agent, path, Source(line, offset, length), nth, rid, field,
                    general_field(field), bool(in_key), start, end, kind, rule, tier, view, why, value,
                    *locate(path, line),
                )
            )  # fmt: skip
        return out

    def done(self, session: SessionRow) -> bool:
        """Whether every log of the session was scanned to its end by these rules."""
        held = {
            path: rest
            for path, *rest in self._db.execute(
                "SELECT path, generation, whole FROM log WHERE session=? AND harness=?", (session.id, session.harness)
            )
        }
        return all(
            held.get(log.path) == [log.generation, log.bytes]
            for log in self._bucket.logs(session.id, session.harness)
            if log.shown and log.bytes
        )

    def state(self, session: SessionRow) -> DecisionState:
        """The decisions in force, with what the rules that stay replace of the findings."""
        state = self._decisions.state(session.harness, session.id)
        if state.rules:
            state.ruled = self._replaced(session, state)
        return state

    def _replaced(self, session: SessionRow, state: DecisionState) -> set[str]:
        """Values that the rules replace whole at each place where they were found. What one replaces only by what
        stands around it, or not in every form, is still to be decided; that nothing is left the proof tells."""
        from tracetui.redact.apply import Plan

        patterns = Plan.of(state).patterns
        if self._ruled[0] != (session.id, session.harness, state.rules):
            self._ruled = ((session.id, session.harness, [*state.rules]), {})
        known = self._ruled[1]
        logs = {log.path: log for log in self._bucket.logs(session.id, session.harness)}
        whole: dict[str, bool] = {}
        for place in self.places(session):
            if not whole.get(place.value, True) or place.rule == "unscanned" or place.log_path not in logs:
                continue  # one place that is left is enough
            if place.key not in known:
                known[place.key] = False
                for record in self._bucket.records_of(logs[place.log_path], [place.source]):
                    if record.nth == place.nth:
                        text = string_at(record.value, place.field, in_key=place.in_key)[place.start : place.end]
                        known[place.key] = _covered(text, plain_value(text, place.view), patterns)
            whole[place.value] = known[place.key]
        return {value for value, replaced in whole.items() if replaced}

    def summarise(self, session: SessionRow) -> dict[str, int]:
        """Count the values found in tiers 1 and 2 by decision, as the editor counts them, and tell lists. A value is
        open while one of its places is, ``partly`` where they differ; each text that could not be scanned counts for
        itself. ``secrets``: how many of the open ones are sure to open a door."""
        decided = self.state(session)
        states: dict[str, set[State]] = {}
        surest: dict[str, int] = {}
        doors: set[str] = set()
        for place in self.places(session):
            value = place.id if place.rule == "unscanned" else place.value
            states.setdefault(value, set()).add(decided.of(place))
            surest[value] = min(surest.get(value, 3), place.tier)
            if opens_door(place):
                doors.add(value)
        counts = {"open": 0, "accepted": 0, "rejected": 0}
        for value, found in states.items():
            if surest[value] <= 2:
                state = state_of(found)
                counts[state] = counts.get(state, 0) + 1
        secrets = sum("open" in states[value] for value in doors)
        if secrets:
            counts["secrets"] = secrets
        self._bucket.put_summary(session, "findings", counts)
        return counts


def _covered(text: str, value: str, patterns: Sequence[tuple[Any, Rule]]) -> bool:
    """Whether rules replace all of a text in which ``value`` stands."""
    at_work = [(pattern, rule) for pattern, rule in patterns if value not in (rule.replacement or "")]
    left = 0
    for start, end in sorted(match.span() for pattern, _ in at_work for match in pattern.finditer(text)):
        if start > left:
            break
        left = max(left, end)
    return bool(text) and (left >= len(text) or any(r.form == "literal" and r.pattern == value for _, r in at_work))


def scan_records(
    records: Iterable[Record],
    harness: str,
    *,
    known: Known | None = None,
    many: Callable[[list[str]], list[list[Finding]]] = scan_many,
) -> Iterator[tuple[Record, str, bool, str, Finding]]:
    """Findings of records: (record, field, in key, the decoded string, finding). Equal strings are scanned once."""
    held = [(record, [*units(record.value, harness)]) for record in records]
    distinct: dict[str, int] = {}
    for _, items in held:
        for unit in items:
            distinct.setdefault(unit.text, len(distinct))
    texts = [*distinct]
    results = many(texts)
    if known is not None and known.values:
        from tracetui.redact.scanner import settle

        results = [settle([*found, *known.scan(text)]) for text, found in zip(texts, results)]
    for record, items in held:
        if record.oversize:
            why = "a line over 16 MiB is not read"
            yield record, "", False, "", Finding(0, 0, "unscanned", "unscanned", 1, "plain", why)
        for unit in items:
            for found in results[distinct[unit.text]]:
                yield record, unit.field, unit.in_key, unit.text, found
