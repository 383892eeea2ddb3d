"""The rows of sessions, worked out of the rows of their logs."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from typing import Any, Final

import orjson

from tracetui.bucket.parts import DOUBLE, Arrangement, arrange, doubles, strangers
from tracetui.bucket.record_sets import RecordSets
from tracetui.model import LogFacts, Step, is_foreign

__all__ = ["SessionWriter", "address", "facts_from"]

_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,128}")
_FACTS: Final = frozenset(LogFacts.__dataclass_fields__)
_TOKENS: Final = ("t_input", "t_output", "t_read", "t_write")
_SUMS: Final = ("steps", "prompts", "tools", "errors", "edits", *_TOKENS, "bytes")


def address(harness: str, raw: str) -> str:
    """The id by which a session is addressed: its own where it is plain, else a made-up one."""
    if _ID.fullmatch(raw):
        return raw
    digest = blake2b(f"{harness}\0{raw}".encode("utf-8", "surrogatepass"), digest_size=8)
    return "x-" + digest.hexdigest()


def facts_from(data: bytes) -> LogFacts:
    """The facts of a log as the index keeps them."""
    return LogFacts(**{name: value for name, value in orjson.loads(data).items() if name in _FACTS})


class SessionWriter:
    """Writes rows of sessions; asks for the records of logs only where a session has several of one thread."""

    def __init__(self, db: sqlite3.Connection, rewrite: Callable[[int, Step], None]) -> None:
        """``rewrite`` writes the row of a step of a log anew."""
        self.db = db
        self._rewrite = rewrite
        self._record_sets: RecordSets | None = None

    @property
    def sets(self) -> RecordSets:
        """The records of logs."""
        if self._record_sets is None:
            self._record_sets = RecordSets(self.db)
        return self._record_sets

    def write(self, harness: str, session: str, parents: set[tuple[str, str]]) -> set[tuple[str, str]]:
        """Write the row of a session, or remove it where it has no logs; ``parents`` gets the sessions whose children
        changed. Gives sessions that have to be written too."""
        db = self.db
        before = db.execute("SELECT parent FROM session WHERE id=? AND harness=?", (session, harness)).fetchone()
        if before and before[0]:
            parents.add((harness, before[0]))
        rows = self._logs(harness, session)
        others = self._set_aside(harness, rows)
        if others:
            rows = self._logs(harness, session)
        if not rows:
            db.execute("DELETE FROM session WHERE id=? AND harness=?", (session, harness))
            return others
        threads: dict[str | None, list[sqlite3.Row]] = {}
        for row in rows:
            threads.setdefault(row["agent"], []).append(row)
        found = {agent: arrange(logs, self.sets if len(logs) > 1 else _NO_SETS) for agent, logs in threads.items()}
        self._mark(rows, found.values())
        twice = {log: numbers for thread in found.values() for log, numbers in self._twice(thread.shown).items()}
        if len(rows) > 1 and self._join(found.values(), twice):
            rows = self._logs(harness, session)
            fresh = {row["id"]: row for row in rows}
            for thread in found.values():
                thread.shown = [fresh[row["id"]] for row in thread.shown]
        less = self._count_once(found.values(), twice)
        values = self._values(harness, session, rows, found)
        for name, value in less.items():
            values[name] = (values[name] or 0) - value
        names = ", ".join(values)
        marks = ", ".join(f":{name}" for name in values)
        updates = ", ".join(f"{name}=:{name}" for name in values if name not in {"harness", "id"})
        db.execute(
            f"INSERT INTO session({names}) VALUES({marks}) ON CONFLICT(id, harness) DO UPDATE SET {updates}", values
        )
        if values["parent"]:
            parents.add((harness, values["parent"]))
        if before is None:
            parents.add((harness, session))
        return others

    def _logs(self, harness: str, session: str) -> list[sqlite3.Row]:
        db = self.db
        db.row_factory = sqlite3.Row
        try:
            return db.execute(
                "SELECT * FROM log WHERE session=? AND harness=? ORDER BY id", (session, harness)
            ).fetchall()
        finally:
            db.row_factory = None

    def _set_aside(self, harness: str, rows: Sequence[Any]) -> set[tuple[str, str]]:
        """Give logs that were only named, and share nothing with those of a root, a session of their own."""
        if len(rows) < 2 or not any(row["named"] for row in rows) or all(row["named"] for row in rows):
            return set()
        found = strangers([row for row in rows if not row["origin"]], self.sets)
        out: set[tuple[str, str]] = set()
        for row in rows:
            foreign = found.get(row["id"])
            if foreign is not None:
                session = f"{foreign}/{address(harness, row['raw'])}"
                self.db.execute("UPDATE log SET origin=?, session=?, aside=1 WHERE id=?", (foreign, session, row["id"]))
                out.add((harness, session))
        return out

    def _mark(self, rows: Sequence[Any], found: Iterable[Arrangement]) -> None:
        """Keep which logs are shown, as which part, and why others are not."""
        state: dict[int, tuple[int, int, str | None, int | None]] = {}
        for thread in found:
            several = len(thread.shown) > 1
            for row in thread.shown:
                number = thread.part[row["id"]]
                # A log that is alone needs no number: it is the first part whatever it is called.
                state[row["id"]] = (1, number if several or row["part"] else 0, None, None)
            for log, (why, holder) in thread.why.items():
                state[log] = (0, -1, why, holder)
        for row in rows:
            shown, number, *rest = state[row["id"]]
            number = row["part"] if number < 0 else number
            if (row["shown"], row["part"], row["why"], row["holder"]) != (shown, number, *rest):
                self.db.execute(
                    "UPDATE log SET shown=?, part=?, why=?, holder=? WHERE id=?", (shown, number, *rest, row["id"])
                )
            if number != row["part"]:
                self.db.execute("INSERT OR REPLACE INTO note VALUES(?, 'part', ?)", (row["id"], number))

    def _twice(self, shown: Sequence[Any]) -> dict[int, set[int]]:
        """The numbers of the steps of parts, by log, that another part tells too."""
        return doubles(self.db, shown, self.sets) if len(shown) > 1 else {}

    def _join(self, found: Iterable[Arrangement], twice: dict[int, set[int]]) -> bool:
        """Give calls the results that another part holds, which then count there (in ``twice``); whether there are."""
        from tracetui.bucket.joining import across
        from tracetui.bucket.row import pack_sources

        changed = False
        for thread in found:
            for row in thread.shown:
                self.db.execute("DELETE FROM joined WHERE log=?", (row["id"],))
            if len(thread.shown) < 2:
                continue
            for row in thread.shown:
                self._flag(row["id"], twice.get(row["id"], set()))
            for item in across(self.db, self.sets.folder, thread.shown):
                changed = True
                self.db.execute(
                    "INSERT OR REPLACE INTO joined VALUES(?,?,?,?)",
                    (item.log, item.number, item.other, pack_sources(item.sources)),
                )
                self._rewrite(item.log, item.step)
                twice.setdefault(item.other, set()).add(item.result)
        return changed

    def _count_once(self, found: Iterable[Arrangement], twice: dict[int, set[int]]) -> dict[str, Any]:
        """Flag the steps that another part tells too; gives what they would add to the sums of the session."""
        less: dict[str, Any] = {}
        for thread in found:
            for row in thread.shown:
                numbers = twice.get(row["id"], set())
                if numbers or row["doubles"]:
                    self._flag(row["id"], numbers)
                    for name, value in self._sums(row["id"]).items():
                        less[name] = less.get(name, 0) + value
        return less

    def _flag(self, log: int, numbers: set[int]) -> None:
        db = self.db
        held = {row[0] for row in db.execute("SELECT number FROM step WHERE log=? AND flags & ?", (log, DOUBLE))}
        db.executemany(
            "UPDATE step SET flags=flags & ~? WHERE log=? AND number=?", [(DOUBLE, log, n) for n in held - numbers]
        )
        db.executemany(
            "UPDATE step SET flags=flags | ? WHERE log=? AND number=?", [(DOUBLE, log, n) for n in numbers - held]
        )
        db.execute("UPDATE log SET doubles=? WHERE id=?", (len(numbers), log))

    def _sums(self, log: int) -> dict[str, Any]:
        """What the flagged steps of a log add up to."""
        from tracetui.model import KINDS, TOOL_KINDS

        tools = ",".join(str(nth) for nth, kind in enumerate(KINDS) if kind in TOOL_KINDS)
        row = self.db.execute(
            f"SELECT count(*), sum(kind={KINDS.index('prompt')}), sum(kind IN ({tools})), sum(flags & 1), "
            f"sum(kind={KINDS.index('edit')}), sum(t_input), sum(t_output), sum(t_read), sum(t_write), sum(cost), "
            "sum(estimate) "
            "FROM step WHERE log=? AND flags & ?",
            (log, DOUBLE),
        ).fetchone()
        sums = dict(zip((*_SUMS[:-1], "cost", "estimate"), (value or 0 for value in row)))
        return {name: value for name, value in sums.items() if value}

    def _values(
        self, harness: str, session: str, rows: Sequence[Any], found: dict[str | None, Arrangement]
    ) -> dict[str, Any]:
        """The columns of a session's row; what stands in several parts is in their sums as often."""
        parts = found[None].shown if None in found else []
        kept = [row for thread in found.values() for row in thread.shown]
        told = parts or kept
        main = parts[0] if parts else None
        facts = [facts_from(row["facts"]) for row in told]
        sums = _sums_of(found.values())
        before = session[: session.index("/") + 1] if is_foreign(session) else ""
        parent, forked = _first(item.parent for item in facts[:1]), _first(item.forked_from for item in facts)
        own = [row for row in rows if (row["agent"] is None) == (main is not None)]
        return {
            "harness": harness,
            "id": session,
            "raw": told[0]["raw"],
            "log": main["id"] if main is not None else None,
            "title": self._title(harness, session, parts, told[0]["raw"], facts),
            **_place(facts),
            **_times(told, kept),
            **sums,
            "agents": sum(agent is not None for agent in found),
            "cost": _total(row["cost"] for row in kept),
            "estimate": _total(row["estimate"] for row in kept),
            "cost_table": max((row["cost_table"] for row in kept if row["cost_table"]), default=None),
            "path": told[0]["path"],
            "parent": before + address(harness, parent) if parent else None,
            "forked_from": before + address(harness, forked) if forked else None,
            "folded": _folded(facts, sums, alone=main is None or parent is not None),
            "gone": int(not before and not any(row["current"] and not row["gone"] for row in own)),
            "parts": max(1, len(parts)),
        }

    def _title(
        self, harness: str, session: str, parts: Sequence[Any], raw: str, facts: Sequence[LogFacts]
    ) -> str | None:
        """What the harness keeps beside its logs, what a log says, or the first prompt."""
        side = self.db.execute("SELECT title FROM side WHERE raw=? AND harness=?", (raw, harness)).fetchone()
        if side and not is_foreign(session):
            return str(side[0])
        return _first(item.title for item in facts) or _first(row["first_prompt"] for row in parts)


class _NoSets(RecordSets):
    """For sessions with one log of a thread, whose records nobody asks for."""

    def __init__(self) -> None:
        pass


_NO_SETS: Final = _NoSets()


def _sums_of(threads: Iterable[Arrangement]) -> dict[str, int]:
    """Steps, tokens, bytes and kinds of the logs that are shown."""
    sums = dict.fromkeys((*_SUMS, "kinds"), 0)
    for thread in threads:
        spare = [0, 0, 0, 0]
        for row in thread.shown:
            for name in _SUMS:
                # A log within another has its bytes there.
                sums[name] += 0 if name == "bytes" and row["within"] is not None else row[name]
            sums["kinds"] |= row["kinds"]
            # (Responses without a step are known by no record: of parts, the one that tells most of them counts.)
            spare = max(spare, facts_from(row["facts"]).unclaimed or spare, key=sum)
        for name, value in zip(_TOKENS, spare):
            sums[name] += value
    return sums


def _place(facts: Sequence[LogFacts]) -> dict[str, str | None]:
    """Where a session worked and by which model: what the first of its logs says that says it."""
    return {name: _first(getattr(item, name) for item in facts) for name in ("cwd", "repo", "branch", "model")}


def _times(told: Iterable[Any], kept: Iterable[Any]) -> dict[str, int | None]:
    """When a session began, by its own logs, and ended, by all that are shown."""
    started = [row["started"] for row in told if row["started"] is not None]
    ended = [row["ended"] for row in kept if row["ended"] is not None]
    return {"started": min(started, default=None), "ended": max(ended, default=max(started, default=None))}


def _total(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _first(values: Iterable[str | None]) -> str | None:
    return next((value for value in values if value), None)


def _folded(facts: Sequence[LogFacts], sums: dict[str, int], *, alone: bool) -> str | None:
    """Why a list folds the session away."""
    if alone:
        return "subagent"
    if all(item.warmup for item in facts):
        return "warmup"
    if not sums["prompts"] and not sums["tools"]:
        return "empty"
    return "headless" if all(item.headless for item in facts) else None
