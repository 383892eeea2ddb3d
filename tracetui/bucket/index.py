"""The writing side of ``index.db``: parts of logs become rows, rows become sessions."""

from __future__ import annotations

import gc
import re
import sqlite3
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from tracetui.bucket.changes import signed
from tracetui.bucket.session_writer import SessionWriter, address, facts_from
from tracetui.bucket.within import name_within
from tracetui.model import KINDS, TOOL_KINDS, Step

if TYPE_CHECKING:
    from tracetui.bucket.row import StepColumns
    from tracetui.bucket.wire import PartWithin

__all__ = ["IndexWriter", "first_step", "now_ms", "origin"]

BLOCK: Final = 11
"""A block of documents is 2**BLOCK of them; the time of its newest step is kept, so that search can begin there."""
_TOOLS: Final = frozenset(nth for nth, kind in enumerate(KINDS) if kind in TOOL_KINDS)
_PROMPT: Final = KINDS.index("prompt")
_EDIT: Final = KINDS.index("edit")
_ORIGIN: Final = re.compile(r"/(capsule:[0-9a-f]{8})(?:@([0-9]{1,9}))?/[^/]+\Z")
_PROBLEMS: Final = 500
_HELD: Final = 250_000
_PAGES: Final = 1000
_PAGES_MUCH: Final = 8000
"""Pages of 4 KiB in SQLite's log before they are written back."""
# Handing None or bytes to SQLite's module costs ten times as much as a string (it looks for adapters), so rows say ""
# where they have no value, and SQLite makes NULL of it.
_NULL: Final = "nullif(?,'')"
_VALUES: Final = (
    *("kind", "flags", "time", "summary", "tool", "exit", "duration", "t_input", "t_output", "t_read", "t_write"),
    *("t_long", "model", "key", "thread", "size", "images", "cost", "sources", "doc"),
)
_WHOLE: Final = frozenset({"kind", "flags", "summary", "key", "size", "images", "sources"})
_MARKS: Final = tuple("?" if name in _WHOLE else _NULL for name in _VALUES)
_INSERT: Final = f"INSERT INTO step(id, log, number, {', '.join(_VALUES)}) VALUES(?, ?, ?, {', '.join(_MARKS)})"
_UPDATE: Final = (
    f"UPDATE step SET {', '.join(f'{name}={mark}' for name, mark in zip(_VALUES, _MARKS))}, estimate=NULL WHERE id=?"
)
_TOKENS: Final = ("t_input", "t_output", "t_read", "t_write")
_COUNTS: Final = ("steps", "prompts", "tools", "errors", "edits", "t_input", "t_output", "t_read", "t_write")


def origin(path: str | bytes) -> str:
    """What the ids of a log's session begin with: ``capsule:DIGEST8/`` for one out of a capsule, which stands in a
    folder of that name; else nothing. No id of a log itself can look like that."""
    match = _ORIGIN.search(path if isinstance(path, str) else path.decode("utf-8", "replace"))
    return f"{match[1]}/" if match is not None else ""


def first_step(path: str | bytes) -> int:
    """The number of a log's first step: 1, but of a range out of a capsule the number that it had in its session, told
    by the folder (``capsule:DIGEST8@12``)."""
    match = _ORIGIN.search(path if isinstance(path, str) else path.decode("utf-8", "replace"))
    return max(1, int(match[2])) if match is not None and match[2] else 1


class IndexWriter:
    """Writes under one transaction at a time; the caller says when to commit."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self.db = db
        self._names: dict[str, int] = {}
        self._paths: dict[str, int] = {}
        self._dirty: set[tuple[str, str]] = set()
        self._doc = -1
        self._step = -1
        self._held: dict[int, int] | None = None
        self._thresholds = gc.get_threshold()
        self._sessions = SessionWriter(db, self._rewrite)
        self.active = False

    def expect_much(self) -> None:
        """Before a long run: hold the hashes of all texts in memory, where they are not too many; write the log of
        transactions back less often, since most pages change again before long; and do not look for cycles, of which
        rows have none."""
        self._thresholds = gc.get_threshold()
        gc.set_threshold(200_000, 20, 100)
        self.db.execute(f"PRAGMA wal_autocheckpoint={_PAGES_MUCH}")
        if self.db.execute("SELECT count(*) FROM doc").fetchone()[0] < _HELD:
            self._held = dict(self.db.execute("SELECT hash, id FROM doc"))

    def much_done(self) -> None:
        """After a long run."""
        gc.set_threshold(*self._thresholds)
        self.db.execute(f"PRAGMA wal_autocheckpoint={_PAGES}")

    def begin(self) -> None:
        """Begin a transaction where there is none."""
        if not self.active:
            self.db.execute("BEGIN IMMEDIATE")
            self.active = True
            self._doc = self.db.execute("SELECT coalesce(max(doc), 0) FROM step").fetchone()[0]
            held = self.db.execute("SELECT value FROM meta WHERE name='doc'").fetchone()
            self._doc = max(self._doc, held[0] if held else 0)
            self._step = self.db.execute("SELECT coalesce(max(id), 0) FROM step").fetchone()[0]

    def commit(self) -> None:
        """Bring the sessions up to date and commit."""
        if self.active:
            self.refresh()
            self.db.execute("INSERT OR REPLACE INTO meta VALUES('doc', ?)", (self._doc,))
            self.db.execute("COMMIT")
            self.active = False

    def rollback(self) -> None:
        """Take everything back since ``begin``."""
        if self.active:
            self.active = False
            self._dirty.clear()
            self._names.clear()
            self._paths.clear()
            self._held = None
            if self.db.in_transaction:
                self.db.execute("ROLLBACK")

    def dirty(self, harness: str, session: str) -> None:
        """Have ``refresh`` work out this session again."""
        self._dirty.add((harness, session))

    def add_log(
        self, *, path: str | bytes, copy: str, harness: str, stem: str, generation: int, header: dict[str, Any]
    ) -> int:
        """Make the row of a new log; its identity comes with its first part. ``header`` is that of the copy: when it
        was captured, and what is known of its part, its name on a command line and its origin."""
        named, foreign, number, captured = (header.get(key) for key in ("named", "origin", "part", "captured"))
        cursor = self.db.execute(
            "INSERT INTO log(path, copy, harness, stem, raw, session, generation, captured, part, named, origin) "
            "VALUES(?,?,?,?,'','',?,?,?,?,?)",
            (
                *(path, copy, harness, stem, generation, captured if isinstance(captured, int) else 0),
                *(number if isinstance(number, int) and number > 0 else 0, _plain(named), _plain(foreign)),
            ),
        )
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def log_within(self, parent: int, agent: str) -> int:
        """The log of a subagent that only its parent's tells of; made where there is none."""
        path, copy, harness, generation, captured, named, foreign = self.db.execute(
            "SELECT path, copy, harness, generation, captured, named, origin FROM log WHERE id=?", (parent,)
        ).fetchone()
        name = name_within(copy, agent)
        found = self.db.execute("SELECT id FROM log WHERE copy=?", (name,)).fetchone()
        if found is not None:
            return int(found[0])
        header = {"captured": captured, "named": named, "origin": foreign}
        made = self.add_log(
            path=_path_within(path, agent), copy=name, harness=harness, stem=f"agent-{agent}", generation=generation,
            header=header,
        )  # fmt: skip
        self.db.execute("UPDATE log SET within=? WHERE id=?", (agent, made))
        return made

    def moved_within(self, parent: int) -> None:
        """A log was moved: those within it too."""
        path, copy = self.db.execute("SELECT path, copy FROM log WHERE id=?", (parent,)).fetchone()
        rows = self.db.execute("SELECT id, within FROM log WHERE copy>? AND copy<?", (copy + "#", copy + "$"))
        for log, agent in rows.fetchall():
            self.db.execute("UPDATE log SET path=? WHERE id=?", (_path_within(path, agent), log))

    def apply(self, log: int, part: PartWithin) -> None:
        """Put one part of a log into the index."""
        db = self.db
        was = db.execute(
            f"SELECT harness, session, kinds, first_prompt, cost, stem, path, origin, {', '.join(_COUNTS)} FROM log "
            "WHERE id=?",
            (log,),
        ).fetchone()
        old_harness, old_session, kinds, first_prompt, cost, stem, path, foreign = was[:8]
        counts = dict(zip(_COUNTS, was[8:]))
        spent, kinds, first_prompt = self._rows(log, part.rows, part.first, counts, kinds, first_prompt)
        if part.count is not None and counts["steps"] > part.count:
            spent -= self._withdraw(log, part.count + part.first - 1, counts)
            first = db.execute(
                "SELECT summary FROM step WHERE log=? AND kind=? ORDER BY number LIMIT 1", (log, _PROMPT)
            ).fetchone()
            first_prompt = first[0] if first else None
        facts = facts_from(part.facts)
        harness = part.harness
        raw = facts.session or stem
        session = (foreign + "/" if foreign else origin(path)) + address(harness, raw)
        if facts.cost_usd is not None:
            cost = facts.cost_usd
        elif spent:
            cost = (cost or 0.0) + spent
        stamp = part.stamp
        db.execute(
            "UPDATE log SET harness=?, raw=?, session=?, agent=?, bytes=?, line=?, copy_size=?, copied=?, head=?, "
            "tail=?, records=records+?, bad=bad+?, kinds=?, first_prompt=?, cost=?, started=?, ended=?, facts=?, "
            "counts=?, state=?, priced=0, "
            f"{', '.join(f'{name}=?' for name in _COUNTS)}, loose=loose+? WHERE id=?",
            (
                *(harness, raw, session, facts.agent, part.offset, part.line, part.copy_size, part.copied),
                *(part.head, part.tail, part.records, part.bad, kinds, first_prompt, cost),
                *(facts.started, facts.ended, part.facts, part.counts, part.state, *counts.values()),
                *(part.loose, log),
            ),
        )
        if stamp is not None:
            db.execute(
                "UPDATE log SET mtime_ns=?, size=?, inode=?, device=?, gone=0 WHERE id=?",
                (*map(signed, stamp), log),
            )
        self._problems(log, part)
        self.dirty(harness, session)
        if old_session and (old_session, old_harness) != (session, harness):
            self.dirty(old_harness, old_session)

    def _rows(
        self,
        log: int,
        rows: Sequence[StepColumns],
        first: int,
        counts: dict[str, int],
        kinds: int,
        first_prompt: str | None,
    ) -> tuple[float, int, str | None]:
        """Write steps of a log, the number of whose ``first`` is given, and count them; gives what they cost, the kinds
        and the first prompt."""
        db = self.db
        inserts: list[tuple[Any, ...]] = []
        paths: list[tuple[int, int, int]] = []
        texts = _Texts()
        known = counts["steps"] + first - 1
        spent = 0.0
        prompts = tools = errors = edits = 0
        for row in rows:
            number, kind, tokens = row.number, row.kind, (row.input, row.output, row.cache_read, row.cache_write)
            doc: int | str = self._doc_of(texts, row.digest, row.text, row.time or 0) if row.text else ""
            values = (
                *(kind, row.flags, row.time, row.summary, self._name(row.tool), row.exit_code, row.duration, *tokens),
                *(row.cache_write_long, self._name(row.model), row.key, row.thread, row.size, row.images, row.cost),
                *(bytearray(row.sources), doc),
            )
            before = None if number > known else self._replace(log, number, values, counts)
            paths += [(log, number, self._path(path)) for path in row.paths]
            if before is None:
                self._step += 1
                inserts.append((self._step, log, number, *values))
            else:
                spent -= before
            # (What _count does, without its calls.)
            prompts += kind == _PROMPT
            tools += kind in _TOOLS
            errors += row.flags & 1
            edits += kind == _EDIT
            if row.input != "":
                for name, value in zip(_TOKENS, tokens):
                    counts[name] += int(value or 0)
            if row.cost:
                spent += float(row.cost)
            kinds |= 1 << kind
            if kind == _PROMPT and first_prompt is None and row.summary:
                first_prompt = row.summary
        counts["steps"] += len(rows)
        counts["prompts"] += prompts
        counts["tools"] += tools
        counts["errors"] += errors
        counts["edits"] += edits
        texts.write(db)
        if inserts:
            db.executemany(_INSERT, inserts)
        if paths:
            db.executemany("INSERT OR IGNORE INTO step_path VALUES(?,?,?)", paths)
        return spent, kinds, first_prompt

    def _rewrite(self, log: int, step: Step) -> None:
        """Write one step of a log anew."""
        from tracetui.bucket.row import row_of

        names = ", ".join(_COUNTS)
        found = self.db.execute(f"SELECT path, kinds, cost, {names} FROM log WHERE id=?", (log,)).fetchone()
        counts = dict(zip(_COUNTS, found[3:]))
        spent, kinds, _ = self._rows(log, [row_of(step)], first_step(found[0]), counts, found[1], "")
        cost = (found[2] or 0.0) + spent if spent else found[2]
        self.db.execute(
            f"UPDATE log SET kinds=?, cost=?, {', '.join(f'{name}=?' for name in _COUNTS)} WHERE id=?",
            (kinds, cost, *counts.values(), log),
        )

    def _replace(self, log: int, number: int, values: tuple[Any, ...], counts: dict[str, int]) -> float | None:
        """Write a step anew that was there before; what it cost, None where it was not there."""
        db = self.db
        before = db.execute(
            "SELECT id, kind, flags, t_input, t_output, t_read, t_write, cost, doc FROM step WHERE log=? AND number=?",
            (log, number),
        ).fetchone()
        if before is None:
            return None
        db.execute(_UPDATE, (*values, before[0]))
        db.execute("DELETE FROM step_path WHERE log=? AND number=?", (log, number))
        _count(counts, -1, *before[1:7])
        if before[8] is not None and before[8] != values[-1]:
            db.execute("INSERT INTO stale VALUES(?,?)", (log, before[8]))
        return before[7] or 0.0

    def _doc_of(self, texts: _Texts, digest: int, text: str, at: int) -> int:
        """The document of a text: the one that holds it, or a new one; its block knows a step of time ``at``."""
        held = self._held
        doc = texts.fresh.get(digest)
        if doc is None:
            if held is not None:
                doc = held.get(digest)
            else:
                found = self.db.execute("SELECT id FROM doc WHERE hash=?", (digest,)).fetchone()
                doc = found[0] if found else None
        if doc is None:
            self._doc += 1
            doc = texts.fresh[digest] = self._doc
            if held is not None:
                held[digest] = doc
            texts.bodies.append((doc, text))
        block = doc >> BLOCK
        if texts.newest.get(block, -1) < at:
            texts.newest[block] = at
        return doc

    def _withdraw(self, log: int, count: int, counts: dict[str, int]) -> float:
        """Take steps beyond ``count`` out of a log that its reader numbered anew; gives what they cost."""
        spent = 0.0
        for row in self.db.execute(
            "SELECT kind, flags, t_input, t_output, t_read, t_write, cost, doc FROM step WHERE log=? AND number>?",
            (log, count),
        ).fetchall():
            _count(counts, -1, *row[:6])
            spent += row[6] or 0.0
            if row[7] is not None:
                self.db.execute("INSERT INTO stale VALUES(?,?)", (log, row[7]))
        self.db.execute("DELETE FROM step WHERE log=? AND number>?", (log, count))
        self.db.execute("DELETE FROM step_path WHERE log=? AND number>?", (log, count))
        return spent

    def _problems(self, log: int, part: PartWithin) -> None:
        db = self.db
        problems = list(part.problems)
        rows = db.execute("SELECT rowid, reason FROM problem WHERE log=?", (log,)).fetchall()
        for row, reason in rows:
            # (A DELETE that may touch several rows makes FTS5 write out all that it holds in memory.)
            if reason.startswith("unfinished last line"):
                db.execute("DELETE FROM problem WHERE rowid=?", (row,))
        if problems:
            problems = problems[: max(0, _PROBLEMS - len(rows))]
        if part.torn:
            problems.append((part.line, f"unfinished last line of {part.torn:,} bytes waits for its rest"))
        db.executemany("INSERT INTO problem VALUES(?,?,?)", [(log, line, reason) for line, reason in problems])

    def _name(self, text: str | None) -> int | str:
        if not text:
            return ""
        return self._kept(self._names, "name", text)

    def _path(self, text: str) -> int:
        return self._kept(self._paths, "path", text)

    def _kept(self, known: dict[str, int], table: str, text: str) -> int:
        """The number of a text in a table that holds each once."""
        found = known.get(text)
        if found is None:
            self.db.execute(f"INSERT OR IGNORE INTO {table}(text) VALUES(?)", (text,))
            found = int(self.db.execute(f"SELECT id FROM {table} WHERE text=?", (text,)).fetchone()[0])
            if len(known) < 10_000:
                known[text] = found
        return found

    def price(self, cancelled: Callable[[], bool]) -> None:
        """Estimate what the responses of changed logs cost, in a transaction of its own."""
        if self.db.execute("SELECT 1 FROM log WHERE NOT priced LIMIT 1").fetchone() is None:
            return
        from tracetui.bucket.prices import price_logs

        self.begin()
        self._dirty |= price_logs(self.db, cancelled)
        self.commit()

    def refresh(self) -> None:
        """Work out again the sessions whose logs changed."""
        parents: set[tuple[str, str]] = set()
        while self._dirty:
            # (A log that turns out to be foreign makes a session of its own dirty.)
            dirty, self._dirty = sorted(self._dirty), set()
            for harness, session in dirty:
                if session:
                    self._dirty |= self._sessions.write(harness, session, parents)
        for harness, session in parents:
            self.db.execute(
                "UPDATE session SET children=(SELECT count(*) FROM session AS c WHERE c.parent=session.id "
                "AND c.harness=session.harness) WHERE id=? AND harness=?",
                (session, harness),
            )


class _Texts:
    """New documents of one part of a log."""

    __slots__ = ("bodies", "fresh", "newest")

    def __init__(self) -> None:
        self.fresh: dict[int, int] = {}
        self.bodies: list[tuple[int, str]] = []
        self.newest: dict[int, int] = {}

    def write(self, db: sqlite3.Connection) -> None:
        """Put them into the index."""
        if self.fresh:
            db.executemany("INSERT INTO doc(hash, id) VALUES(?,?)", self.fresh.items())
            db.executemany("INSERT INTO text(rowid, body) VALUES(?,?)", self.bodies)
        if self.newest:
            db.executemany(
                "INSERT INTO block VALUES(?,?) ON CONFLICT(id) DO UPDATE SET newest=max(newest, excluded.newest)",
                self.newest.items(),
            )


def _path_within(path: str | bytes, agent: str) -> str | bytes:
    return path + f"#agent-{agent}".encode() if isinstance(path, bytes) else name_within(path, agent)


def _plain(text: object) -> str:
    """A text out of a header as SQLite can hold it; nothing for anything else."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace") if isinstance(text, str) else ""


def _count(counts: dict[str, int], sign: int, kind: int, flags: int, *tokens: int | None) -> None:
    counts["steps"] += sign
    counts["prompts"] += sign * (kind == _PROMPT)
    counts["tools"] += sign * (kind in _TOOLS)
    counts["errors"] += sign * (flags & 1)
    counts["edits"] += sign * (kind == _EDIT)
    for name, value in zip(_TOKENS, tokens):
        counts[name] += sign * (value or 0)


def now_ms() -> int:
    """Milliseconds since the epoch."""
    return int(time.time() * 1000)
