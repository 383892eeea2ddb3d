"""Made-up logs of Claude Code, for tests: a small builder that writes records as Claude Code does."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from tracetui.harness.claude import HARNESS
from tracetui.harness.claude.reader import ClaudeReader
from tracetui.harness.lines import Splitter
from tracetui.model import Record, Step

START = datetime(2026, 5, 1, 12, 0, 0, tzinfo=UTC)
SESSION = "aaaaaaaa-0000-4000-8000-000000000001"
OTHER = "bbbbbbbb-0000-4000-8000-000000000002"


def iso(seconds: float) -> str:
    return (START + timedelta(seconds=seconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def thinking(words: str) -> dict[str, Any]:
    return {"type": "thinking", "thinking": words, "signature": "c2ln"}


def call(ident: str | None, name: str, **given: Any) -> dict[str, Any]:
    block = {"type": "tool_use", "id": ident, "name": name, "input": given}
    return {key: item for key, item in block.items() if item is not None}


def result(ident: str | None, content: Any = None, is_error: bool | None = None) -> dict[str, Any]:
    block = {"type": "tool_result", "tool_use_id": ident, "content": content, "is_error": is_error}
    return {key: item for key, item in block.items() if item is not None}


def usage(output: int, given: int = 10, read: int = 100, written: int = 20) -> dict[str, Any]:
    return {
        "input_tokens": given,
        "output_tokens": output,
        "cache_read_input_tokens": read,
        "cache_creation_input_tokens": written,
        "iterations": [{"input_tokens": given, "output_tokens": output}],
    }


class Log:
    """Records in file order; ``common`` goes into the envelope of each."""

    def __init__(self, **common: Any) -> None:
        self.values: list[dict[str, Any]] = []
        self.clock = 0.0
        self.last: str | None = None
        self.responses = 0
        self.common = {
            "isSidechain": False,
            "userType": "external",
            "cwd": "/home/me/limit",
            "sessionId": SESSION,
            "version": "2.1.112",
            "gitBranch": "main",
        } | common

    def add(self, kind: str, /, *, at: float | None = None, **rest: Any) -> str:
        """A record of the conversation; gives its uuid. A field given as None is left out, but ``parentUuid``."""
        self.clock = self.clock + 1 if at is None else at
        own = str(uuid.UUID(int=len(self.values) + 1, version=4))
        value = {
            "parentUuid": self.last,
            **self.common,
            "type": kind,
            "uuid": own,
            "timestamp": iso(self.clock),
            **rest,
        }
        self.values.append({key: item for key, item in value.items() if item is not None or key == "parentUuid"})
        self.last = own
        return own

    def book(self, kind: str, /, **rest: Any) -> None:
        """A record outside the conversation."""
        self.values.append({"type": kind, "sessionId": self.common["sessionId"], **rest})

    def user(self, content: Any, /, **rest: Any) -> str:
        return self.add("user", message={"role": "user", "content": content}, **rest)

    def answer(
        self, *blocks: Any, tokens: dict[str, Any] | None = None, response: str | None = None, **rest: Any
    ) -> str:
        """A line of a response; ``response`` repeats one, else it is a new one."""
        if response is None:
            self.responses += 1
            response = f"r{self.responses}"
        message = {
            "id": f"msg_{response}",
            "type": "message",
            "role": "assistant",
            "model": rest.pop("model", "claude-opus-4-6"),
            "content": list(blocks),
            "stop_reason": None,
            "usage": tokens if tokens is not None else usage(7),
        }
        return self.add("assistant", message=message, requestId=f"req_{response}", **rest)

    def done(self, ident: str | None, content: Any = "ok", /, *, is_error: bool | None = None, **rest: Any) -> str:
        """The result of a call."""
        return self.user([result(ident, content, is_error)], **rest)

    def queue(self, operation: str, content: str | None = None, **rest: Any) -> None:
        self.clock += 1
        told = {} if content is None else {"content": content}
        self.book("queue-operation", operation=operation, timestamp=iso(self.clock), **told, **rest)

    def attach(self, kind: str, /, **rest: Any) -> str:
        return self.add("attachment", attachment={"type": kind, **rest})

    def system(self, subtype: str, /, **rest: Any) -> str:
        return self.add("system", subtype=subtype, **rest)

    def bytes(self) -> bytes:
        return b"".join(orjson.dumps(value) + b"\n" for value in self.values)

    def records(self) -> list[Record]:
        return records(self.values)


def records(values: Sequence[Any]) -> list[Record]:
    data = b"".join(orjson.dumps(value) + b"\n" for value in values)
    splitter = Splitter()
    return [item for item in [*splitter.feed(data), *splitter.finish()] if isinstance(item, Record)]


def read(log: Log | Sequence[Any], stem: str = SESSION) -> tuple[list[Step], ClaudeReader]:
    """All steps of a log, and the reader; the counts are checked on the way."""
    got = log.records() if isinstance(log, Log) else records(log)
    reader = ClaudeReader(stem)
    for record in got:
        reader.feed(record)
    counts(reader, len(got))
    return reader.take(), reader


def steps(log: Log | Sequence[Any], stem: str = SESSION) -> list[Step]:
    return read(log, stem)[0]


def counts(reader: ClaudeReader, fed: int) -> None:
    assert reader.stepped + sum(reader.known.values()) + sum(reader.unknown.values()) == fed


def kinds(found: Sequence[Step]) -> list[str]:
    return [step.kind for step in found]


def again(step: Step, all_records: Sequence[Record], stem: str = SESSION) -> Step:
    """The step read again from nothing but its sources."""
    reader = HARNESS.reader(stem)
    for source in step.sources:
        for record in all_records:
            if record.source == source:
                reader.feed(record)
    return next(found for found in reader.take() if found.key == step.key)
