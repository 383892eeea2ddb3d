"""A bucket in memory with the calls that the app makes, and sessions to fill it with."""

from __future__ import annotations

import dataclasses
from array import array
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tracetui.bucket.log_reader import Overview
from tracetui.bucket.query import matches_session
from tracetui.bucket.terms import Query
from tracetui.harness.roots import LogFile
from tracetui.model import KINDS, Hit, LogFacts, LogRow, SessionRow, Source, Step, StepRow, Tokens, ToolUse, UnknownId

_OPEN: dict[Path, FakeBucket] = {}
NOW = 1_778_594_400_000  # 2026-05-12 14:00 UTC
HOUR = 3_600_000
DAY = 24 * HOUR

TURN = [
    ("prompt", "Make the limiter survive a restart", None, False),
    ("thinking", "The window resets on every start because the count lives in memory", None, False),
    ("read", "src/limit.py", "Read", False),
    ("read", "src/store.py", "Read", False),
    ("search", "window in src", "Grep", False),
    ("read", "tests/test_limit.py", "Read", False),
    ("edit", "src/limit.py +12 −3", "Edit", False),
    ("command", "pytest -q tests", "Bash", True),
    ("edit", "src/limit.py +1 −1", "Edit", False),
    ("command", "pytest -q tests", "Bash", False),
    ("event", "hook: PostToolUse", None, False),
    ("message", "The limiter now keeps its window in the store.", None, False),
]


def make_steps(count: int, log: int = 1, *, start: int = NOW - HOUR) -> list[StepRow]:
    """``count`` steps that repeat one believable turn."""
    rows = []
    for n in range(count):
        kind, summary, tool, failed = TURN[n % len(TURN)]
        rows.append(
            StepRow(
                log=log,
                number=n + 1,
                kind=kind,  # type: ignore[arg-type]
                time=start + n * 4000,
                summary=summary,
                tool=tool,
                failed=failed,
                exit_code=1 if failed else 0 if kind == "command" else None,
                duration_ms=4100 if kind == "command" else 200 if tool else None,
                tokens=Tokens(100, 250, 3000 + 40 * n, 200) if kind in ("message", "thinking", "edit") else None,
                model="model-a",
                key=f"k{n + 1}",
                size=len(summary),
            )
        )
    return rows


def make_session(number: int, **values: Any) -> SessionRow:
    harness = ("claude", "codex", "pi")[number % 3]
    made: dict[str, Any] = {
        "id": f"{number:08d}-aaaa-bbbb-cccc-000000000000",
        "harness": harness,
        "log": number + 1,
        "title": ("Fix the flaky rate-limit test", "Port the parser to the new lexer", "Explain the deploy script")[
            number % 3
        ]
        + ("" if number < 3 else f" {number}"),
        "cwd": ("/home/u/src/limit", "/home/u/src/parser", "/home/u/src/infra")[number % 3],
        "branch": "main",
        "model": "model-a",
        "started": NOW - number * 5 * HOUR - HOUR,
        "ended": NOW - number * 5 * HOUR - 600_000,
        "steps": 12 + 12 * (number % 5),
        "prompts": 1 + number % 5,
        "tool_calls": 8,
        "errors": number % 3,
        "edits": 2 + number % 5,
        "tokens": Tokens(1000, 2000, 30000, 400),
        "bytes": 40_000 + number,
        "path": f"/nowhere/{number}.jsonl",
    }
    made.update(values)
    return SessionRow(**made)


@dataclasses.dataclass
class FakeBucket:
    """All the calls of `Bucket` that the app makes, over lists. ``steps`` holds the rows by log."""

    rows: list[SessionRow] = dataclasses.field(default_factory=list)
    steps_of: dict[int, list[StepRow]] = dataclasses.field(default_factory=dict)
    logs_of: dict[str, list[LogRow]] = dataclasses.field(default_factory=dict)
    path: Path = dataclasses.field(default_factory=lambda: Path(f"/nowhere/bucket-{len(_OPEN)}"))
    settings: dict[str, Any] = dataclasses.field(default_factory=dict)
    calls: list[tuple[str, Any]] = dataclasses.field(default_factory=list)
    texts: dict[tuple[int, int], Step] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        self.settings.setdefault("consent", {"harnesses": None, "projects_off": [], "at": 1})
        _OPEN[self.path] = self

    @classmethod
    def filled(cls, sessions: int = 8, **values: Any) -> FakeBucket:
        rows = [make_session(number) for number in range(sessions)]
        steps = {row.log: make_steps(row.steps, row.log or 0) for row in rows if row.log is not None}
        return cls(rows, steps, **values)

    @classmethod
    def open(cls, path: Path, create: bool = False) -> FakeBucket:
        """What a worker thread borrows: the same lists."""
        return _OPEN[path]

    def close(self) -> None:
        self.calls.append(("close", None))

    def sessions(
        self, query: Query | None = None, sort: str = "ended", limit: int | None = None, offset: int = 0
    ) -> list[SessionRow]:
        found = sorted(self.rows, key=lambda row: -(row.ended or 0))
        if query is not None:
            found = [row for row in found if matches_session(query, row)]
            words = [word.casefold() for word in query.words]
            found = [row for row in found if all(word in self._text_of(row) for word in words)]
        return found[offset:][:limit]

    def _text_of(self, row: SessionRow) -> str:
        steps = self.steps_of.get(row.log or 0, [])
        return " ".join([row.title or "", *(step.summary for step in steps)]).casefold()

    def count(self, query: Query | None = None) -> int:
        return len(self.sessions(query))

    def session(self, id_or_prefix: str, harness: str | None = None) -> SessionRow:
        for row in self.rows:
            if row.id.startswith(id_or_prefix):
                return row
        raise UnknownId(f"No session {id_or_prefix}; see: tracetui ls")

    def logs(self, session_id: str, harness: str | None = None) -> list[LogRow]:
        row = self.session(session_id)
        if session_id in self.logs_of:
            return self.logs_of[session_id]
        return [make_log(row, row.log)] if row.log is not None else []

    def check(self, files: Iterable[LogFile]) -> list[LogFile]:
        sizes = {row.path: row.bytes for row in self.rows}
        return [file for file in files if file.size != sizes.get(file.path)]

    def step_rows(self, log: int, first: int = 1, last: int | None = None) -> list[StepRow]:
        self.calls.append(("step_rows", (log, first, last)))
        return self.steps_of.get(log, [])[first - 1 : last]

    def overview(self, log: int) -> Overview:
        rows = self.steps_of.get(log, [])
        return Overview(
            array("B", [KINDS.index(row.kind) for row in rows]),
            array("B", [row.failed for row in rows]),
            array("L", [row.tokens.prompt if row.tokens else 0 for row in rows]),
            array("L", [row.number for row in rows]),
            array("B", [row.sidechain for row in rows]),
        )

    def step(self, log: int, number: int) -> Step:
        self.calls.append(("step", (log, number)))
        if (log, number) in self.texts:
            return self.texts[log, number]
        row = self.steps_of[log][number - 1]
        tool = None
        if row.tool is not None:
            output = f"output of step {number}\n" * 3
            tool = ToolUse(row.tool, {"what": row.summary}, output, row.failed, row.exit_code, row.key, row.duration_ms)
        text = row.summary if row.tool is None else None
        return Step(number, row.kind, row.key, (Source(number, 0, 10),), row.time, row.model, text, tool, row.tokens)

    def steps(self, log: int, first: int = 1, last: int | None = None) -> Iterator[Step]:
        for row in self.step_rows(log, first, last):
            yield self.step(log, row.number)

    def raw(self, log: int, source: Source) -> bytes:
        return b'{"type": "made up", "line": %d}' % source.line

    def records_of(self, log: int, sources: Iterable[Source]) -> list[Any]:
        return []

    def records(self, log: int | LogRow, offset: int = 0) -> Iterator[Any]:
        return iter(())

    def cache_file(self, log: int | LogRow, kind: str) -> Path:
        return self.path / "cache" / kind

    def search(
        self,
        query: Query | str,
        regex: bool = False,
        limit: int | None = 50,
        sort: str = "newest",
        cancelled: Any = None,
    ) -> Iterator[Hit]:
        assert isinstance(query, Query)
        words = [word.casefold() for word in (*query.words, *query.phrases)]
        found = 0
        for row in self.rows:
            if query.values("id") and row.id not in query.values("id"):
                continue
            for log in self.logs(row.id):
                for step in self.steps_of.get(log.id, []):
                    kinds = query.values("kind")
                    if not (words or kinds) or (kinds and step.kind not in kinds):
                        continue
                    if all(word in step.summary.casefold() for word in words):
                        found += 1
                        if limit is not None and found > limit:
                            return
                        yield Hit(
                            row.id, row.harness, log.id, log.agent, step.number, step.kind, step.time, row.title,
                            step.summary, (0, 1), 1.0,
                        )  # fmt: skip

    def stats(self, retention_days: Mapping[str, float] | None = None) -> dict[str, Any]:
        risk = sum(row.path.startswith("/tmp") for row in self.rows)
        return {"sessions": len(self.rows), "bytes_logs": 3_100_000_000, "bytes_bucket": 402_000_000, "at_risk": risk}

    def _replace(self, session: SessionRow | str, **values: Any) -> None:
        name = session if isinstance(session, str) else session.id
        self.rows = [dataclasses.replace(row, **values) if row.id == name else row for row in self.rows]

    def bookmark(self, session: SessionRow | str, on: bool = True) -> None:
        self.calls.append(("bookmark", on))
        self._replace(session, bookmarked=on)

    def note(self, session: SessionRow | str, text: str | None) -> None:
        self.calls.append(("note", text))
        self._replace(session, note=text)

    def mark_seen(self, session: SessionRow | str) -> None:
        self.calls.append(("mark_seen", session if isinstance(session, str) else session.id))
        self._replace(session, unread=False)

    def setting(self, name: str) -> Any:
        return self.settings.get(name)

    def set_setting(self, name: str, value: Any) -> None:
        self.calls.append(("set_setting", (name, value)))
        self.settings[name] = value


def make_log(row: SessionRow, number: int | None, agent: str | None = None, steps: int | None = None) -> LogRow:
    assert number is not None
    facts = LogFacts(row.harness, row.id, agent)
    return LogRow(
        number, row.harness, row.id, agent, 0, True, row.path, row.bytes, row.steps, 0, steps or row.steps, facts
    )
