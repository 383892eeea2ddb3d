"""The writing side of ``index.db``: parts of logs become rows, rows become sessions."""

from __future__ import annotations

import gc
import re
import sqlite3
import time
from hashlib import blake2b
from typing import Any, Final

import orjson

from tracetui.bucket.changes import signed
from tracetui.model import KINDS, TOOL_KINDS, LogFacts

__all__ = ["IndexWriter", "address", "facts_from", "origin"]

BLOCK: Final = 11
"""A block of documents is 2**BLOCK of them; the time of its newest step is kept, so that search can begin there."""
_TOOLS: Final = frozenset(nth for nth, kind in enumerate(KINDS) if kind in TOOL_KINDS)
_PROMPT: Final = KINDS.index("prompt")
_EDIT: Final = KINDS.index("edit")
_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,128}")
_ORIGIN: Final = re.compile(r"/(capsule:[0-9a-f]{8})(?:@([0-9]{1,9}))?/[^/]+\Z")
_PROBLEMS: Final = 500
_HELD: Final = 250_000
_PAGES: Final = 1000
_PAGES_MUCH: Final = 8000
"""Pages of 4 KiB in SQLite's log before they are written back."""
_FACTS: Final = frozenset(LogFacts.__dataclass_fields__)
# Handing None or bytes to SQLite's module costs ten times as much as a string (it looks for adapters), so rows say ""
# where they have no value, and SQLite makes NULL of it.
_NULL: Final = "nullif(?,'')"
_VALUES: Final = (
    *("kind", "flags", "time", "summary", "tool", "exit", "duration", "t_input", "t_output", "t_read", "t_write"),
    *("model", "key", "thread", "size", "images", "cost", "sources", "doc"),
)
_WHOLE: Final = frozenset({"kind", "flags", "summary", "key", "size", "images", "sources"})
_MARKS: Final = tuple("?" if name in _WHOLE else _NULL for name in _VALUES)
_INSERT: Final = f"INSERT INTO step(id, log, number, {', '.join(_VALUES)}) VALUES(?, ?, ?, {', '.join(_MARKS)})"
_UPDATE: Final = f"UPDATE step SET {', '.join(f'{name}={mark}' for name, mark in zip(_VALUES, _MARKS))} WHERE id=?"
_TOKENS: Final = ("t_input", "t_output", "t_read", "t_write")
_COUNTS: Final = ("steps", "prompts", "tools", "errors", "edits", "t_input", "t_output", "t_read", "t_write")


def address(harness: str, raw: str) -> str:
    """The id by which a session is addressed: its own where it is plain, else a made-up one."""
    if _ID.fullmatch(raw):
        return raw
    digest = blake2b(f"{harness}\0{raw}".encode("utf-8", "surrogatepass"), digest_size=8)
    return "x-" + digest.hexdigest()


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


def facts_from(data: bytes) -> LogFacts:
    """The facts of a log as the index keeps them."""
    return LogFacts(**{name: value for name, value in orjson.loads(data).items() if name in _FACTS})


class IndexWriter:
    """Writes under one transaction at a time; the caller says when to commit."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self.db = db
        self._names: dict[str, int] = {}
        self._dirty: set[tuple[str, str]] = set()
        self._doc = -1
        self._step = -1
        self._held: dict[int, int] | None = None
        self._thresholds = gc.get_threshold()
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
            self._held = None
            if self.db.in_transaction:
                self.db.execute("ROLLBACK")

    def dirty(self, harness: str, session: str) -> None:
        """Have ``refresh`` work out this session again."""
        self._dirty.add((harness, session))

    def add_log(self, *, path: str | bytes, copy: str, harness: str, stem: str, generation: int, captured: int) -> int:
        """Make the row of a new log; its identity comes with its first part."""
        cursor = self.db.execute(
            "INSERT INTO log(path, copy, harness, stem, raw, session, generation, captured) VALUES(?,?,?,?,'','',?,?)",
            (path, copy, harness, stem, generation, captured),
        )
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def apply(self, log: int, part: dict[str, Any]) -> None:
        """Put one part of a log into the index."""
        db = self.db
        was = db.execute(
            f"SELECT harness, session, kinds, first_prompt, cost, {', '.join(_COUNTS)} FROM log WHERE id=?", (log,)
        ).fetchone()
        old_harness, old_session, kinds, first_prompt, cost = was[:5]
        counts = dict(zip(_COUNTS, was[5:]))
        inserts: list[tuple[Any, ...]] = []
        docs: list[tuple[int, int]] = []
        texts: list[tuple[int, str]] = []
        fresh: dict[int, int] = {}
        newest: dict[int, int] = {}
        known = counts["steps"] + part["first"] - 1
        held = self._held
        spent = 0.0
        prompts = tools = errors = edits = 0
        for row in part["rows"]:
            (number, kind, flags, at, summary, tool, code, duration, t_in, t_out, t_read, t_write) = row[:12]
            (model, key, thread, size, images, money, sources, digest, text) = row[12:]
            doc: int | str | None = ""
            if text:
                doc = fresh.get(digest)
                if doc is None:
                    if held is not None:
                        doc = held.get(digest)
                    else:
                        found = db.execute("SELECT id FROM doc WHERE hash=?", (digest,)).fetchone()
                        doc = found[0] if found else None
                if doc is None:
                    self._doc += 1
                    doc = self._doc
                    fresh[digest] = doc
                    if held is not None:
                        held[digest] = doc
                    docs.append((digest, doc))
                    texts.append((doc, text))
                block = doc >> BLOCK
                if newest.get(block, -1) < (at or 0):
                    newest[block] = at or 0
            values = (
                *(kind, flags, at, summary, self._name(tool), code, duration, t_in, t_out, t_read, t_write),
                *(self._name(model), key, thread, size, images, money, bytearray(sources), doc),
            )
            sign = 1
            if number <= known:
                before = db.execute(
                    "SELECT id, kind, flags, t_input, t_output, t_read, t_write, cost, doc FROM step "
                    "WHERE log=? AND number=?",
                    (log, number),
                ).fetchone()
                if before is not None:
                    sign = 0
                    db.execute(_UPDATE, (*values, before[0]))
                    _count(counts, -1, *before[1:7])
                    spent -= before[7] or 0.0
                    if before[8] is not None and before[8] != doc:
                        db.execute("INSERT INTO stale VALUES(?,?)", (log, before[8]))
            if sign:
                self._step += 1
                inserts.append((self._step, log, number, *values))
            # (What _count does, without its calls.)
            prompts += kind == _PROMPT
            tools += kind in _TOOLS
            errors += flags & 1
            edits += kind == _EDIT
            if t_in != "":
                for name, value in zip(_TOKENS, (t_in, t_out, t_read, t_write)):
                    counts[name] += value or 0
            if money:
                spent += money
            kinds |= 1 << kind
            if kind == _PROMPT and first_prompt is None and summary:
                first_prompt = summary
        counts["steps"] += len(part["rows"])
        counts["prompts"] += prompts
        counts["tools"] += tools
        counts["errors"] += errors
        counts["edits"] += edits
        if docs:
            db.executemany("INSERT INTO doc(hash, id) VALUES(?,?)", docs)
            db.executemany("INSERT INTO text(rowid, body) VALUES(?,?)", texts)
        if inserts:
            db.executemany(_INSERT, inserts)
        if part["count"] is not None and counts["steps"] > part["count"]:
            spent -= self._withdraw(log, part["count"] + part["first"] - 1, counts)
            first = db.execute(
                "SELECT summary FROM step WHERE log=? AND kind=? ORDER BY number LIMIT 1", (log, _PROMPT)
            ).fetchone()
            first_prompt = first[0] if first else None
        if newest:
            db.executemany(
                "INSERT INTO block VALUES(?,?) ON CONFLICT(id) DO UPDATE SET newest=max(newest, excluded.newest)",
                newest.items(),
            )
        facts = facts_from(part["facts"])
        harness = part["harness"]
        stem, path = self.db.execute("SELECT stem, path FROM log WHERE id=?", (log,)).fetchone()
        raw = facts.session or stem
        session = origin(path) + address(harness, raw)
        if facts.cost_usd is not None:
            cost = facts.cost_usd
        elif spent:
            cost = (cost or 0.0) + spent
        stamp = part["stamp"]
        db.execute(
            "UPDATE log SET harness=?, raw=?, session=?, agent=?, bytes=?, line=?, copy_size=?, copied=?, head=?, "
            "tail=?, records=records+?, bad=bad+?, kinds=?, first_prompt=?, cost=?, started=?, ended=?, facts=?, "
            "counts=?, state=?, "
            f"{', '.join(f'{name}=?' for name in _COUNTS)}, loose=loose+? WHERE id=?",
            (
                *(harness, raw, session, facts.agent, part["offset"], part["line"], part["copy_size"], part["copied"]),
                *(part["head"], part["tail"], part["records"], part["bad"], kinds, first_prompt, cost),
                *(facts.started, facts.ended, part["facts"], part["counts"], part["state"], *counts.values()),
                *(part["loose"], log),
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
        return spent

    def _problems(self, log: int, part: dict[str, Any]) -> None:
        db = self.db
        problems = list(part["problems"])
        rows = db.execute("SELECT rowid, reason FROM problem WHERE log=?", (log,)).fetchall()
        for row, reason in rows:
            # (A DELETE that may touch several rows makes FTS5 write out all that it holds in memory.)
            if reason.startswith("unfinished last line"):
                db.execute("DELETE FROM problem WHERE rowid=?", (row,))
        if problems:
            problems = problems[: max(0, _PROBLEMS - len(rows))]
        if part["torn"]:
            problems.append((part["line"], f"unfinished last line of {part['torn']:,} bytes waits for its rest"))
        db.executemany("INSERT INTO problem VALUES(?,?,?)", [(log, line, reason) for line, reason in problems])

    def _name(self, text: str | None) -> int | str:
        if not text:
            return ""
        found = self._names.get(text)
        if found is None:
            self.db.execute("INSERT OR IGNORE INTO name(text) VALUES(?)", (text,))
            found = int(self.db.execute("SELECT id FROM name WHERE text=?", (text,)).fetchone()[0])
            if len(self._names) < 10_000:
                self._names[text] = found
        return found

    def refresh(self) -> None:
        """Work out again the sessions whose logs changed."""
        parents: set[tuple[str, str]] = set()
        for harness, session in sorted(self._dirty):
            if session:
                self._session(harness, session, parents)
        for harness, session in parents:
            self.db.execute(
                "UPDATE session SET children=(SELECT count(*) FROM session AS c WHERE c.parent=session.id "
                "AND c.harness=session.harness) WHERE id=? AND harness=?",
                (session, harness),
            )
        self._dirty.clear()

    def _session(self, harness: str, session: str, parents: set[tuple[str, str]]) -> None:
        db = self.db
        before = db.execute("SELECT parent FROM session WHERE id=? AND harness=?", (session, harness)).fetchone()
        if before and before[0]:
            parents.add((harness, before[0]))
        db.row_factory = sqlite3.Row
        try:
            rows = db.execute(
                "SELECT * FROM log WHERE session=? AND harness=? ORDER BY id", (session, harness)
            ).fetchall()
        finally:
            db.row_factory = None
        if not rows:
            db.execute("DELETE FROM session WHERE id=? AND harness=?", (session, harness))
            return
        best: dict[str | None, sqlite3.Row] = {}
        for row in rows:
            held = best.get(row["agent"])
            if held is None or row["bytes"] >= held["bytes"]:
                best[row["agent"]] = row
        shown = {row["id"] for row in best.values()}
        for row in rows:
            if bool(row["shown"]) != (row["id"] in shown):
                db.execute("UPDATE log SET shown=? WHERE id=?", (int(row["id"] in shown), row["id"]))
        main = best.get(None)
        told = [main] if main is not None else list(best.values())
        facts = facts_from(told[0]["facts"])
        kept = list(best.values())
        sums = {name: sum(row[name] for row in kept) for name in (*_COUNTS, "bytes")}
        costs = [row["cost"] for row in kept if row["cost"] is not None]
        kinds = 0
        for row in kept:
            kinds |= row["kinds"]
        side = db.execute("SELECT title FROM side WHERE raw=? AND harness=?", (told[0]["raw"], harness)).fetchone()
        title = (
            (side[0] if side and not session.startswith("capsule:") else None)
            or facts.title
            or (main["first_prompt"] if main is not None else None)
        )
        foreign = session[: session.index("/") + 1] if session.startswith("capsule:") else ""
        parent = foreign + address(harness, facts.parent) if facts.parent else None
        own = [row for row in rows if (row["agent"] is None) == (main is not None)]
        gone = not foreign and not any(row["current"] and not row["gone"] for row in own)
        if main is None or parent is not None:
            folded: str | None = "subagent"
        elif facts.warmup:
            folded = "warmup"
        elif not sums["prompts"] and not sums["tools"]:
            folded = "empty"
        else:
            folded = "headless" if facts.headless else None
        started = [row["started"] for row in told if row["started"] is not None]
        ended = [row["ended"] for row in kept if row["ended"] is not None]
        values = {
            "harness": harness,
            "id": session,
            "raw": told[0]["raw"],
            "log": main["id"] if main is not None else None,
            "title": title,
            "cwd": facts.cwd,
            "repo": facts.repo,
            "branch": facts.branch,
            "model": facts.model,
            "started": min(started, default=None),
            "ended": max(ended, default=max(started, default=None)),
            **sums,
            "kinds": kinds,
            "agents": sum(agent is not None for agent in best),
            "cost": sum(costs) if costs else None,
            "path": told[0]["path"],
            "parent": parent,
            "forked_from": foreign + address(harness, facts.forked_from) if facts.forked_from else None,
            "folded": folded,
            "gone": int(gone),
        }
        names = ", ".join(values)
        marks = ", ".join(f":{name}" for name in values)
        updates = ", ".join(f"{name}=:{name}" for name in values if name not in {"harness", "id"})
        db.execute(
            f"INSERT INTO session({names}) VALUES({marks}) ON CONFLICT(id, harness) DO UPDATE SET {updates}", values
        )
        if parent:
            parents.add((harness, parent))
        if before is None:
            parents.add((harness, session))


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
