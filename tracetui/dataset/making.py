"""Making rows: from the sessions that a workflow selects to rows in the store, each with where it came from.

The same bucket and workflow give the same rows, in the same order. A session whose log, decisions, answers and labels
are as they were is not read again; what stops is gone on with; one that does not pass the gate gives no rows and says
why.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

import orjson

from tracetui.dataset.formats import ROWS
from tracetui.dataset.material import Material, NotScanned, material_of
from tracetui.dataset.schema import checker
from tracetui.dataset.store import DatasetStore
from tracetui.dataset.units import WorkUnit, units_of
from tracetui.dataset.workflow import Workflow
from tracetui.model import SessionRow, TracetuiError

if TYPE_CHECKING:
    from tracetui.bucket import Bucket
    from tracetui.bucket.terms import Query

__all__ = ["MadeRow", "Maker", "RunSummary", "rows_digest", "selected"]

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class MadeRow:
    """A row before it is stored. ``body`` is its JSON, ``digest`` the SHA-256 of it, ``source`` where it came from."""

    unit: str
    nth: int
    body: str
    digest: str
    source: dict[str, Any]


@dataclass(slots=True)
class RunSummary:
    """What a run did. ``problems``: (session, what is wrong); ``waiting``: (session, what stands against it)."""

    dataset: str
    sessions: int = 0
    skipped: int = 0
    units: int = 0
    unlabelled: int = 0
    rows: int = 0
    new: int = 0
    changed: int = 0
    gone: int = 0
    questions: int = 0
    problems: list[tuple[str, str]] = field(default_factory=list)
    waiting: list[tuple[str, str]] = field(default_factory=list)

    def json(self) -> dict[str, Any]:
        """The line that ``dataset run`` prints."""
        return {
            "dataset": self.dataset, "sessions": self.sessions, "skipped": self.skipped, "units": self.units,
            "unlabelled": self.unlabelled, "rows": self.rows, "new": self.new, "changed": self.changed,
            "gone": self.gone, "questions": self.questions,
            "problems": [{"session": name, "problem": text} for name, text in self.problems],
            "waiting": [{"session": name, "why": text} for name, text in self.waiting],
        }  # fmt: skip


@dataclass(slots=True)
class _SessionRows:
    """What one session gave."""

    rows: list[MadeRow] = field(default_factory=list)
    units: int = 0
    unlabelled: int = 0
    problems: list[str] = field(default_factory=list)
    asked: list[tuple[str, str, Sequence[str]]] = field(default_factory=list)


def rows_digest(body: bytes) -> str:
    """The digest of a row."""
    return sha256(body).hexdigest()


def selected(bucket: Bucket, query: Query) -> list[SessionRow]:
    """The sessions that a query selects, in the order of time. Foreign ones only where it asks for them."""
    rows = bucket.sessions(query)
    if "foreign" not in query.values("is"):
        rows = [row for row in rows if not row.foreign]
    return sorted(rows, key=lambda row: (row.started or 0, row.harness, row.id))


class Maker:
    """Makes the rows of one workflow out of a bucket. ``tier``: open findings up to it are accepted first."""

    def __init__(self, bucket: Bucket, store: DatasetStore, workflow: Workflow, *, tier: int | None = None) -> None:
        if workflow.target != "dataset":
            raise TracetuiError(f"{workflow.name} is a report; print it with: tracetui dataset run {workflow.name}")
        self.bucket, self.store, self.workflow, self.tier = bucket, store, workflow, tier
        where = f"of the workflow {workflow.name}"
        self._fits = checker(workflow.where, f"The `where` {where}") if workflow.where else None
        self._valid = checker(workflow.schema, f"The `schema` {where}") if workflow.schema else None
        named = {*workflow.schema.get("properties", ()), *workflow.where.get("properties", ())}
        edits = {"hunks", "kept", "undone", "landed", "files"}
        self.trail = bool(workflow.unit == "hunk" or "survival" in workflow.labels or named & edits or workflow.foreign)
        self._wanted: dict[tuple[str, str], list[tuple[str | None, int, int]]] | None = None

    # -- what is made anew

    def stamp(self, session: SessionRow) -> str:
        """What a session's rows hang on, cheaply: its log, the decisions, the answers, the ratings, and, where survival
        is asked for, the commit that it is judged at."""
        from tracetui.redact.decisions import Decisions

        with Decisions(self.bucket.path) as decisions:
            state = decisions.state(session.harness, session.id)
        name = (session.harness, session.id)
        told = [
            self.workflow.digest, session.bytes, session.steps, sorted(state.accepted), sorted(state.rejected),
            sorted(state.excluded), [list(rule) for rule in state.rules],
            self.store.answers(self.workflow.name, *name),
            sorted([*key, *value] for key, value in self.store.ratings(*name).items()),
            self.store.verdicts(*name), self._head(session) if self.trail else None,
        ]  # fmt: skip
        return sha256(orjson.dumps(told)).hexdigest()

    def _head(self, session: SessionRow) -> str | None:
        from tracetui.trail.store import Store, find_git

        if not session.cwd:
            return None
        from pathlib import Path

        place = find_git(Path(session.cwd))
        if place is None:
            return None
        try:
            store = Store(*place)
            try:
                return store.resolve("HEAD")
            finally:
                store.close()
        except TracetuiError:
            return None

    def wanted(self, session: SessionRow) -> list[tuple[str | None, int, int]] | None:
        """The steps of a session that the workflow looks for, None where it looks for none in particular."""
        if not self.workflow.steps:
            return None
        if self._wanted is None:
            self._wanted = {}
            for hit in self.bucket.search(self.workflow.query(steps=True), limit=None):
                self._wanted.setdefault((hit.harness, hit.session), []).append((hit.agent, hit.part, hit.step))
        return self._wanted.get((session.harness, session.id), [])

    # -- the work

    def run(
        self,
        *,
        limit: int | None = None,
        progress: Progress | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> RunSummary:
        """Make what is new. What was done before it was cancelled stays, and the next run goes on from there."""
        summary = RunSummary(self.workflow.name)
        sessions = selected(self.bucket, self.workflow.query())
        if self.workflow.steps:
            sessions = [row for row in sessions if self.wanted(row)]
        if limit is not None:
            sessions = sessions[:limit]
        waiting: list[tuple[SessionRow, str]] = []
        for nth, session in enumerate(sessions):
            if cancelled is not None and cancelled():
                break
            if progress is not None:
                progress(nth, len(sessions))
            summary.sessions += 1
            stamp = self.stamp(session)
            if self.store.stamp(self.workflow.name, session.harness, session.id) == stamp:
                summary.skipped += 1
                continue
            waiting.append((session, stamp))
            if not self.workflow.code or len(waiting) >= _BATCH:
                self._batch(waiting, summary)
                waiting = []
        self._batch(waiting, summary)
        if progress is not None:
            progress(len(sessions), len(sessions))
        summary.rows = sum(self.store.states(self.workflow.name).values())
        summary.questions = len(self.store.questions(self.workflow.name))
        self.store.ran(self.workflow.name, self.workflow.digest, int(time.time() * 1000))
        return summary

    def run_of(self, session: SessionRow) -> RunSummary:
        """Make the rows of one session anew."""
        summary = RunSummary(self.workflow.name, sessions=1)
        self._batch([(session, self.stamp(session))], summary)
        return summary

    def current(self, harness: str, session: str) -> bool:
        """Whether the rows of a session are of its log, decisions and labels as they are now."""
        try:
            row = self.bucket.session(session, harness)
        except TracetuiError:
            return False
        return self.store.stamp(self.workflow.name, harness, session) == self.stamp(row)

    def _batch(self, sessions: Sequence[tuple[SessionRow, str]], summary: RunSummary) -> None:
        for session, found in self.made([session for session, _ in sessions], summary):
            stamp = next(stamp for row, stamp in sessions if row is session)
            if self.tier is not None:
                stamp = self.stamp(session)  # (decided meanwhile)
            rows = [(row.unit, row.nth, row.body, row.digest, row.source) for row in found.rows]
            problem = "; ".join(found.problems[:3]) or None
            new, changed, gone = self.store.put(
                self.workflow.name, session.harness, session.id, session.started, rows, stamp, problem
            )
            self.store.ask(self.workflow.name, session.harness, session.id, found.asked)
            summary.new += new
            summary.changed += changed
            summary.gone += gone
            summary.units += found.units
            summary.unlabelled += found.unlabelled
            summary.problems += [(session.id, text) for text in found.problems]

    def made(
        self, sessions: Sequence[SessionRow], summary: RunSummary | None = None
    ) -> Iterator[tuple[SessionRow, _SessionRows]]:
        """The rows of sessions, without storing any. Those that do not pass the gate are told to the summary."""
        if self.workflow.code:
            from tracetui.dataset.sandboxed import made_by_code

            yield from made_by_code(self, sessions, summary)
            return
        for session in sessions:
            material = self.material(session, summary)
            if material is None:
                continue
            found = _SessionRows()
            for unit in self.units(material, found):
                self._rows_of(material, unit, self._plain(unit), found)
            yield session, found

    def material(self, session: SessionRow, summary: RunSummary | None) -> Material | None:
        """A session past the gate, None where it does not pass."""
        try:
            return material_of(
                self.bucket, self.store, session, trail=self.trail, days=self.workflow.days, tier=self.tier
            )
        except NotScanned as error:
            if summary is not None:
                summary.waiting.append((session.id, str(error)))
            return None

    def units(self, material: Material, found: _SessionRows) -> Iterator[WorkUnit]:
        """The units of a session that satisfy ``where`` and have the labels asked for. Where a rating is missing, the
        user is asked."""
        name = (self.workflow.name, material.session.harness, material.session.id)
        answers = self.store.answers(*name)
        for unit in units_of(material, self.workflow.unit, self.wanted(material.session)):
            found.units += 1
            unit.value["answers"] = answers.get(unit.key, {})
            if self._fits is not None and self._fits(unit.value):
                continue
            missing = [ground for ground in self.workflow.labels if ground not in unit.labels]
            if missing == ["rating"]:
                answer = unit.value["answers"].get(_RATE)
                if answer is None:
                    found.asked.append((unit.key, _RATE, ("good", "mixed", "bad")))
                    continue
                reward = {"good": 1.0, "bad": 0.0}.get(answer, 0.5)
                unit.value["labels"]["rating"] = {"reward": reward, "ratings": [answer]}
            elif missing:
                found.unlabelled += 1
                continue
            yield unit

    def _plain(self, unit: WorkUnit) -> list[dict[str, Any]]:
        """The rows of a workflow without code."""
        if self.workflow.format:
            return [*ROWS[self.workflow.format](unit.redacted)]
        return [{name: unit.value[name] for name in self.workflow.schema["properties"] if name in unit.value}]

    def _rows_of(self, material: Material, unit: WorkUnit, values: Sequence[Any], found: _SessionRows) -> None:
        """Check the rows of a unit, and add them with where they came from."""
        source = {
            "harness": material.session.harness,
            "session": material.session.id,
            "agent": unit.agent,
            "part": unit.part,
            "steps": [unit.first, unit.last],
            "unit": unit.key,
            "workflow": self.workflow.digest,
            "decisions": material.decisions,
            "records": material.records,
            "revision": material.revision,
        }
        for nth, value in enumerate(values):
            wrong = self._valid(value) if self._valid is not None else []
            if not isinstance(value, dict):
                wrong = ["(the row): is no object"]
            if wrong:
                found.problems += [f"step {unit.first}: {text}" for text in wrong]
                continue
            body = orjson.dumps(value)
            found.rows.append(MadeRow(unit.key, nth, body.decode(), rows_digest(body), source))


_RATE: Final = "Was this good?"
_BATCH: Final = 64
"""Sessions whose units go to one process of the sandbox."""
