"""Made-up logs of Codex, for tests: small builders for each generation of its rollouts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from tracetui.harness.codex import HARNESS
from tracetui.harness.codex.reader import CodexReader
from tracetui.harness.lines import Splitter
from tracetui.model import Record, Step, from_iso

START = datetime(2026, 5, 1, 12, 0, 0, tzinfo=UTC)
THREAD = "019de37a-0000-7000-8000-00000000000a"
STEM = f"rollout-2026-05-01T14-00-00-{THREAD}"


def iso(seconds: float) -> str:
    return (START + timedelta(seconds=seconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def ms(seconds: float) -> int:
    value = from_iso(iso(seconds))
    assert value is not None
    return value


def uuid7(seconds: float, tail: int = 1) -> str:
    """A thread or turn id that was made at this time."""
    stamp = f"{ms(seconds):012x}"
    return f"{stamp[:8]}-{stamp[8:]}-7000-8000-{tail:012x}"


class Log:
    """Records in file order. ``ordinals``: a paginated log. Every record takes a second unless ``at`` says when."""

    def __init__(self, *, ordinals: bool = False, meta: bool = True, **facts: Any) -> None:
        self.values: list[dict[str, Any]] = []
        self.ordinals = ordinals
        self.clock = 0.0
        if meta:
            self.meta(**facts)

    def add(self, kind: str, payload: dict[str, Any], *, at: float | None = None, ordinal: int | None = None) -> int:
        self.clock = self.clock + 1 if at is None else at
        value: dict[str, Any] = {"timestamp": iso(self.clock), "type": kind, "payload": payload}
        if self.ordinals:
            value["ordinal"] = len(self.values) if ordinal is None else ordinal
        self.values.append(value)
        return len(self.values)

    def meta(self, *, at: float = 0, ordinal: int | None = None, **facts: Any) -> int:
        known = {"id": THREAD, "timestamp": iso(at), "cwd": "/home/me/limit", "originator": "codex-tui"}
        known |= {"cli_version": "0.142.0", "source": "cli", "history_mode": "paginated" if self.ordinals else None}
        return self.add("session_meta", known | facts, at=at, ordinal=ordinal)

    def item(self, kind: str, *, at: float | None = None, ordinal: int | None = None, **rest: Any) -> int:
        return self.add("response_item", {"type": kind} | rest, at=at, ordinal=ordinal)

    def event(self, kind: str, *, at: float | None = None, ordinal: int | None = None, **rest: Any) -> int:
        return self.add("event_msg", {"type": kind} | rest, at=at, ordinal=ordinal)

    def done(self, kind: str, *, at: float | None = None, ordinal: int | None = None, **rest: Any) -> int:
        """A completed item of a paginated log."""
        item = {"type": kind, "id": f"item-{len(self.values)}"} | rest
        payload = {"thread_id": THREAD, "turn_id": "t1", "item": item, "completed_at_ms": ms(self.clock)}
        return self.event("item_completed", at=at, ordinal=ordinal, **payload)

    def user(self, text: str, **rest: Any) -> int:
        return self.item("message", role="user", content=[{"type": "input_text", "text": text}], **rest)

    def developer(self, text: str) -> int:
        return self.item("message", role="developer", content=[{"type": "input_text", "text": text}])

    def said(self, text: str, **rest: Any) -> int:
        return self.item("message", role="assistant", content=[{"type": "output_text", "text": text}], **rest)

    def asked(self, text: str, at: float | None = None) -> None:
        """A prompt as legacy logs hold it: item and event."""
        self.user(text, at=at)
        self.event("user_message", message=text, images=[], at=self.clock)

    def answered(self, text: str) -> None:
        """A message as legacy logs hold it: event and item."""
        self.event("agent_message", message=text, phase="commentary")
        self.said(text, at=self.clock)

    def thought(self, *texts: str, **rest: Any) -> int:
        return self.item("reasoning", summary=[{"type": "summary_text", "text": text} for text in texts], **rest)

    def call(self, name: str, arguments: Any, call_id: str = "c1", **rest: Any) -> int:
        given = arguments if isinstance(arguments, str) else orjson.dumps(arguments).decode()
        return self.item("function_call", name=name, arguments=given, call_id=call_id, **rest)

    def custom(self, name: str, given: str, call_id: str = "c1", **rest: Any) -> int:
        return self.item("custom_tool_call", name=name, input=given, call_id=call_id, status="completed", **rest)

    def output(self, output: Any, call_id: str = "c1", *, custom: bool = False, **rest: Any) -> int:
        kind = "custom_tool_call_output" if custom else "function_call_output"
        return self.item(kind, call_id=call_id, output=output, **rest)

    def tokens(self, total: int, last: tuple[int, int, int], *, window: int = 258_400, **rest: Any) -> int:
        """``total``: the running total; ``last``: input with cached, cached, output of the last response."""
        given, cached, made = last
        usage = {"input_tokens": given, "cached_input_tokens": cached, "output_tokens": made}
        usage |= {"reasoning_output_tokens": made // 2, "total_tokens": given + made}
        running = {"input_tokens": total, "output_tokens": 0, "total_tokens": total}
        info = {"total_token_usage": running, "last_token_usage": usage, "model_context_window": window}
        return self.event("token_count", info=info, rate_limits=None, **rest)

    def turn(self, turn_id: str | None = None, model: str = "gpt-5.5", at: float | None = None) -> None:
        self.event("task_started", turn_id=turn_id, model_context_window=258_400, at=at)
        self.add("turn_context", {"turn_id": turn_id, "cwd": "/home/me/limit", "model": model}, at=self.clock)


def records(values: Iterable[dict[str, Any]]) -> list[Record]:
    """The records that a file of these values gives."""
    splitter = Splitter()
    text = b"".join(orjson.dumps(value) + b"\n" for value in values)
    return [item for item in splitter.feed(text) if isinstance(item, Record)]


def read(log: Log | list[dict[str, Any]], stem: str = STEM) -> tuple[CodexReader, list[Step]]:
    """The reader and its steps after the whole log."""
    reader = HARNESS.reader(stem)
    assert isinstance(reader, CodexReader)
    steps: dict[int, Step] = {}
    fed = records(log.values if isinstance(log, Log) else log)
    for record in fed:
        reader.feed(record)
        for step in reader.take():
            steps[step.number] = step
    assert reader.stepped + reader.known.total() + reader.unknown.total() == len(fed)
    assert list(steps) == list(range(1, len(steps) + 1))
    return reader, list(steps.values())


def kinds(steps: list[Step]) -> list[str]:
    return [step.kind for step in steps]


def lines_of(step: Step) -> list[int]:
    return [source.line for source in step.sources]
