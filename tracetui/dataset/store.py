"""``dataset.db``: rows, approvals, answers, ratings, and what was given away; precious, private, in the bucket.

Every table with text of a session has the columns by which ``forget`` removes it. Of a donation only a keyed hash of
the session's id stays, with where to and when.
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson

from tracetui.bucket.stores import register
from tracetui.model import TracetuiError
from tracetui.redact.private import open_private

__all__ = ["RATINGS", "DatasetStore", "Donation", "StoredQuestion", "StoredRow"]

FILE: Final = "dataset.db"
RATINGS: Final = ("good", "bad", "mixed")
_SCRIPT: Final = """
CREATE TABLE meta(name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE workflow(name TEXT PRIMARY KEY, path TEXT, digest TEXT, ran INTEGER, agreed TEXT) WITHOUT ROWID;
CREATE TABLE row(
  id INTEGER PRIMARY KEY, harness TEXT NOT NULL, session TEXT NOT NULL, dataset TEXT NOT NULL, started INTEGER,
  unit TEXT NOT NULL, nth INTEGER NOT NULL, body TEXT NOT NULL, digest TEXT NOT NULL, source TEXT NOT NULL,
  approved TEXT, rejected TEXT, UNIQUE(dataset, harness, session, unit, nth));
CREATE INDEX row_dataset ON row(dataset, started, harness, session, id);
CREATE TABLE done(
  harness TEXT NOT NULL, session TEXT NOT NULL, dataset TEXT NOT NULL, stamp TEXT NOT NULL, problem TEXT,
  PRIMARY KEY(dataset, harness, session)) WITHOUT ROWID;
CREATE TABLE question(
  harness TEXT NOT NULL, session TEXT NOT NULL, dataset TEXT NOT NULL, unit TEXT NOT NULL, question TEXT NOT NULL,
  choices TEXT NOT NULL, answer TEXT, PRIMARY KEY(dataset, harness, session, unit, question)) WITHOUT ROWID;
CREATE TABLE rating(
  harness TEXT NOT NULL, session TEXT NOT NULL, agent TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, note TEXT,
  at INTEGER NOT NULL, PRIMARY KEY(harness, session, agent, key)) WITHOUT ROWID;
CREATE TABLE verdict(
  harness TEXT NOT NULL, session TEXT NOT NULL, capsule TEXT NOT NULL, verdict TEXT NOT NULL, at INTEGER NOT NULL,
  PRIMARY KEY(harness, session, capsule)) WITHOUT ROWID;
CREATE TABLE given(
  hash BLOB NOT NULL, target TEXT NOT NULL, contact TEXT NOT NULL, consent TEXT NOT NULL, at INTEGER NOT NULL,
  PRIMARY KEY(hash, target, at)) WITHOUT ROWID
"""

register(FILE, "meta", "the key of the hashes")
register(FILE, "workflow", "names and files of workflows, and what was agreed to")
register(FILE, "given", "keyed hashes of what was given away, where to and when")


class StoredRow(NamedTuple):
    """A row as it is kept. ``approved`` is the digest that was approved: another than ``digest`` asks again."""

    id: int
    harness: str
    session: str
    dataset: str
    unit: str
    nth: int
    body: str
    digest: str
    source: dict[str, Any]
    approved: str | None
    rejected: str | None

    @property
    def state(self) -> str:
        """``approved``, ``rejected``, ``changed`` (since it was decided about) or ``new``."""
        if self.approved == self.digest:
            return "approved"
        if self.rejected == self.digest:
            return "rejected"
        return "changed" if self.approved or self.rejected else "new"


class StoredQuestion(NamedTuple):
    """Something that a workflow could not decide about a unit; ``answer`` is None while nobody said."""

    harness: str
    session: str
    dataset: str
    unit: str
    question: str
    choices: tuple[str, ...]
    answer: str | None


class Donation(NamedTuple):
    """That a session was given away: where to, when (ms), the contact for removal, the sentence agreed to."""

    target: str
    at: int
    contact: str
    consent: str


_ROW: Final = "SELECT id, harness, session, dataset, unit, nth, body, digest, source, approved, rejected FROM row"
_ORDER: Final = " ORDER BY started, harness, session, id"


class DatasetStore:
    """Reads and writes ``dataset.db`` of a bucket. Close it after use; one thread at a time."""

    def __init__(self, folder: Path) -> None:
        try:
            self._db = open_private(folder / FILE, _SCRIPT, 1, precious=True)
        except OSError as error:
            raise TracetuiError(f"The bucket's {FILE} cannot be opened ({error.strerror or error})") from None

    def close(self) -> None:
        self._db.close()

    def __enter__(self) -> DatasetStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # workflows

    def files(self) -> dict[str, str]:
        """The user's own workflows: name -> file."""
        return dict(self._db.execute("SELECT name, path FROM workflow WHERE path IS NOT NULL").fetchall())

    def known(self) -> dict[str, int | None]:
        """Every workflow that was added or ran, with when it ran last (ms)."""
        return dict(self._db.execute("SELECT name, ran FROM workflow ORDER BY name").fetchall())

    def _workflow(self, name: str, column: str, value: object) -> None:
        self._db.execute(
            f"INSERT INTO workflow(name, {column}) VALUES(?,?) "
            f"ON CONFLICT(name) DO UPDATE SET {column}=excluded.{column}",
            (name, value),
        )

    def add_file(self, name: str, path: Path) -> None:
        """Know a workflow by its name from now on."""
        self._workflow(name, "path", str(path))

    def agree(self, name: str, digest: str) -> None:
        """Keep that the user agreed to run the code of a workflow with this digest."""
        self._workflow(name, "agreed", digest)

    def agreed(self, name: str) -> str | None:
        """The digest whose code the user agreed to run."""
        row = self._db.execute("SELECT agreed FROM workflow WHERE name=?", (name,)).fetchone()
        return row[0] if row else None

    def ran(self, name: str, digest: str, at: int) -> None:
        """Keep when a workflow ran."""
        self._workflow(name, "digest", digest)
        self._workflow(name, "ran", at)

    # rows

    def stamp(self, dataset: str, harness: str, session: str) -> str | None:
        """What the rows of a session were made of, by ``put``."""
        row = self._db.execute(
            "SELECT stamp FROM done WHERE dataset=? AND harness=? AND session=?", (dataset, harness, session)
        ).fetchone()
        return row[0] if row else None

    def put(
        self,
        dataset: str,
        harness: str,
        session: str,
        started: int | None,
        rows: Sequence[tuple[str, int, str, str, dict[str, Any]]],
        stamp: str,
        problem: str | None = None,
    ) -> tuple[int, int, int]:
        """Keep the rows of a session, (unit, nth, body, digest, source) each, in place of those before; how many are
        new, changed and gone. Decisions stay with rows whose unit is the same."""
        where = (dataset, harness, session)
        held = {
            (unit, nth): digest
            for unit, nth, digest in self._db.execute(
                "SELECT unit, nth, digest FROM row WHERE dataset=? AND harness=? AND session=?", where
            )
        }
        fresh = {(unit, nth) for unit, nth, *_ in rows}
        gone = [key for key in held if key not in fresh]
        changed = sum(held.get((unit, nth), digest) != digest for unit, nth, _, digest, _ in rows)
        self._db.execute("BEGIN IMMEDIATE")
        try:
            self._db.executemany(
                "DELETE FROM row WHERE dataset=? AND harness=? AND session=? AND unit=? AND nth=?",
                [(*where, *key) for key in gone],
            )
            self._db.executemany(
                "INSERT INTO row(dataset, harness, session, started, unit, nth, body, digest, source) "
                "VALUES(?,?,?,?,?,?,?,?,?) ON CONFLICT(dataset, harness, session, unit, nth) DO UPDATE SET "
                "body=excluded.body, digest=excluded.digest, source=excluded.source, started=excluded.started",
                [
                    (*where, started, unit, nth, body, digest, orjson.dumps(source).decode())
                    for unit, nth, body, digest, source in rows
                ],
            )
            self._db.execute(
                "INSERT OR REPLACE INTO done(dataset, harness, session, stamp, problem) VALUES(?,?,?,?,?)",
                (*where, stamp, problem),
            )
            self._db.execute("COMMIT")
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        return len(fresh - held.keys()), changed, len(gone)

    def problems(self, dataset: str) -> list[tuple[str, str, str]]:
        """(harness, session, why) of the sessions that gave no rows, or not all."""
        return self._db.execute(
            "SELECT harness, session, problem FROM done WHERE dataset=? AND problem IS NOT NULL ORDER BY 1, 2",
            (dataset,),
        ).fetchall()

    def rows(self, dataset: str) -> Iterator[StoredRow]:
        """The rows of a dataset, by session in the order of time."""
        cursor = self._db.execute(f"{_ROW} WHERE dataset=?{_ORDER}", (dataset,))
        for row in cursor:
            yield _stored(row)

    def row_ids(self, dataset: str) -> list[int]:
        """The numbers of the rows of a dataset, in the same order."""
        return [row[0] for row in self._db.execute(f"SELECT id FROM row WHERE dataset=?{_ORDER}", (dataset,))]

    def row(self, number: int) -> StoredRow | None:
        """One row, None where it is gone."""
        row = self._db.execute(f"{_ROW} WHERE id=?", (number,)).fetchone()
        return None if row is None else _stored(row)

    def states(self, dataset: str) -> dict[str, int]:
        """How many rows are in each state."""
        out = dict.fromkeys(("new", "changed", "approved", "rejected"), 0)
        for digest, approved, rejected in self._db.execute(
            "SELECT digest, approved, rejected FROM row WHERE dataset=?", (dataset,)
        ):
            out[_state(digest, approved, rejected)] += 1
        return out

    def datasets(self) -> list[str]:
        """The datasets that have rows, or were run."""
        return [row[0] for row in self._db.execute("SELECT dataset FROM done UNION SELECT dataset FROM row ORDER BY 1")]

    def decide(self, number: int, digest: str, *, approve: bool) -> None:
        """Approve or reject a row as it stands: with this digest. Raises TracetuiError where it changed meanwhile."""
        done = self._db.execute(
            "UPDATE row SET approved=?, rejected=? WHERE id=? AND digest=?",
            (digest if approve else None, None if approve else digest, number, digest),
        )
        if done.rowcount != 1:
            raise TracetuiError("The row changed while it was looked at; look at it again")

    def undecide(self, number: int) -> None:
        """Take back what was decided about a row."""
        self._db.execute("UPDATE row SET approved=NULL, rejected=NULL WHERE id=?", (number,))

    # questions

    def ask(self, dataset: str, harness: str, session: str, asked: Iterable[tuple[str, str, Sequence[str]]]) -> None:
        """Keep the questions of a session, (unit, question, choices) each; those that are no longer asked and have no
        answer go."""
        where = (dataset, harness, session)
        self._db.execute("BEGIN IMMEDIATE")
        try:
            self._db.execute(
                "DELETE FROM question WHERE dataset=? AND harness=? AND session=? AND answer IS NULL", where
            )
            self._db.executemany(
                "INSERT OR IGNORE INTO question(dataset, harness, session, unit, question, choices) "
                "VALUES(?,?,?,?,?,?)",
                [(*where, unit, text, orjson.dumps(list(choices)).decode()) for unit, text, choices in asked],
            )
            self._db.execute("COMMIT")
        except BaseException:
            self._db.execute("ROLLBACK")
            raise

    def questions(self, dataset: str, *, open_only: bool = True) -> list[StoredQuestion]:
        """The questions of a dataset."""
        where = " AND answer IS NULL" if open_only else ""
        found = self._db.execute(
            "SELECT harness, session, dataset, unit, question, choices, answer FROM question "
            f"WHERE dataset=?{where} ORDER BY harness, session, unit, question",
            (dataset,),
        )
        return [
            StoredQuestion(harness, session, name, unit, question, tuple(orjson.loads(choices)), answer)
            for harness, session, name, unit, question, choices, answer in found
        ]

    def answers(self, dataset: str, harness: str, session: str) -> dict[str, dict[str, str]]:
        """The answers about the units of a session: unit -> question -> answer."""
        out: dict[str, dict[str, str]] = {}
        for unit, question, answer in self._db.execute(
            "SELECT unit, question, answer FROM question "
            "WHERE dataset=? AND harness=? AND session=? AND answer IS NOT NULL ORDER BY unit, question",
            (dataset, harness, session),
        ):
            out.setdefault(unit, {})[question] = answer
        return out

    def answer(self, asked: StoredQuestion, answer: str) -> None:
        """Keep the answer to a question; the session's rows are made anew the next time."""
        where = (asked.dataset, asked.harness, asked.session)
        self._db.execute(
            "UPDATE question SET answer=? WHERE dataset=? AND harness=? AND session=? AND unit=? AND question=?",
            (answer, *where, asked.unit, asked.question),
        )
        self._db.execute("DELETE FROM done WHERE dataset=? AND harness=? AND session=?", where)

    # ratings and verdicts

    def rate(
        self, harness: str, session: str, value: str | None, note: str | None = None, *, agent: str = "", key: str = ""
    ) -> None:
        """Keep the user's rating of a step or prompt (by its key), or of the whole session; None takes it back."""
        if value is None:
            self._db.execute(
                "DELETE FROM rating WHERE harness=? AND session=? AND agent=? AND key=?",
                (harness, session, agent, key),
            )
            return
        if value not in RATINGS:
            raise TracetuiError(f"{value[:40]!a} is no rating; one of: {', '.join(RATINGS)}", status=2)
        self._db.execute(
            "INSERT OR REPLACE INTO rating(harness, session, agent, key, value, note, at) VALUES(?,?,?,?,?,?,?)",
            (harness, session, agent, key, value, note or None, int(time.time() * 1000)),
        )

    def ratings(self, harness: str, session: str) -> dict[tuple[str, str], tuple[str, str]]:
        """The ratings of a session: (agent, key) -> (rating, note)."""
        found = self._db.execute(
            "SELECT agent, key, value, coalesce(note, '') FROM rating WHERE harness=? AND session=? "
            "ORDER BY agent, key",
            (harness, session),
        )
        return {(agent, key): (value, note) for agent, key, value, note in found}

    def keep_verdict(self, harness: str, session: str, capsule: str, verdict: str) -> None:
        """Keep what a replay of a session's capsule showed."""
        self._db.execute(
            "INSERT OR REPLACE INTO verdict VALUES(?,?,?,?,?)",
            (harness, session, capsule, verdict, int(time.time() * 1000)),
        )

    def verdicts(self, harness: str, session: str) -> list[str]:
        """The verdicts of a session's capsules."""
        found = self._db.execute(
            "SELECT verdict FROM verdict WHERE harness=? AND session=? ORDER BY capsule", (harness, session)
        )
        return [row[0] for row in found]

    # what was given away

    def _hash(self, harness: str, session: str) -> bytes:
        row = self._db.execute("SELECT value FROM meta WHERE name='key'").fetchone()
        if row is None:
            self._db.execute("INSERT OR IGNORE INTO meta VALUES('key', ?)", (secrets.token_bytes(32),))
            row = self._db.execute("SELECT value FROM meta WHERE name='key'").fetchone()
        return hmac.new(bytes(row[0]), f"{harness}\0{session}".encode(), "sha256").digest()[:16]

    def give(self, sessions: Iterable[tuple[str, str]], target: str, contact: str, consent: str, at: int) -> None:
        """Keep that these sessions were given away."""
        self._db.executemany(
            "INSERT OR REPLACE INTO given VALUES(?,?,?,?,?)",
            [(self._hash(*session), target, contact, consent, at) for session in sessions],
        )

    def given(self, harness: str, session: str) -> list[Donation]:
        """Where a session was given to; also of one that was forgotten."""
        found = self._db.execute(
            "SELECT target, at, contact, consent FROM given WHERE hash=? ORDER BY at", (self._hash(harness, session),)
        )
        return [Donation(*row) for row in found]


def _state(digest: str, approved: str | None, rejected: str | None) -> str:
    if approved == digest:
        return "approved"
    if rejected == digest:
        return "rejected"
    return "changed" if approved or rejected else "new"


def _stored(row: Sequence[Any]) -> StoredRow:
    number, harness, session, dataset, unit, nth, body, digest, source, approved, rejected = row
    return StoredRow(
        number, harness, session, dataset, unit, nth, body, digest, orjson.loads(source), approved, rejected
    )
