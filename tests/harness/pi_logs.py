"""Made-up logs of Pi, for tests: a small builder that writes entries as Pi does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from tracetui.harness.lines import Splitter
from tracetui.harness.pi import HARNESS
from tracetui.harness.pi.reader import PiReader
from tracetui.model import Record, Step

START = datetime(2026, 5, 1, 12, 0, 0, tzinfo=UTC)
SESSION = "019a0000-1111-7222-8333-444455556666"


def iso(seconds: float) -> str:
    return (START + timedelta(seconds=seconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Log:
    """Entries in file order; ``linear`` leaves ids out, as format 1 does."""

    def __init__(self, *, version: int | None = 3, linear: bool = False, **header: Any) -> None:
        head: dict[str, Any] = {"type": "session", "version": version, "id": SESSION, "timestamp": iso(0)}
        head |= {"cwd": "/home/me/limit"} | header
        self.values: list[dict[str, Any]] = [{name: item for name, item in head.items() if item is not None}]
        self.linear = linear
        self.clock = 0.0
        self.last: str | None = None

    def add(
        self, kind: str, /, *, own: str | None = None, parent: str | None = "", at: float | None = None, **rest: Any
    ) -> str:
        self.clock = self.clock + 1 if at is None else at
        value: dict[str, Any] = {"type": kind}
        own = own or f"{len(self.values):08x}"
        if not self.linear:
            value |= {"id": own, "parentId": self.last if parent == "" else parent}
            self.last = own
        self.values.append(value | {"timestamp": iso(self.clock)} | rest)
        return own

    def message(self, role: str, content: Any = None, **rest: Any) -> str:
        own = {name: rest.pop(name) for name in ("own", "parent", "at") if name in rest}
        message = {"role": role} | ({} if content is None else {"content": content}) | rest | {"timestamp": 0}
        return self.add("message", **own, message=message)

    def user(self, text: str, **rest: Any) -> str:
        return self.message("user", [{"type": "text", "text": text}], **rest)

    def assistant(self, *blocks: dict[str, Any], usage: dict[str, Any] | None = None, **rest: Any) -> str:
        message = {"api": "anthropic-messages", "provider": "anthropic", "model": "claude-sonnet-4-5"}
        message |= {"usage": usage or used(), "stopReason": "stop"} | rest
        return self.message("assistant", list(blocks), **message)

    def result(self, call: str, text: str, *, name: str = "bash", is_error: bool = False, **rest: Any) -> str:
        message = {"role": "toolResult", "toolCallId": call, "toolName": name}
        message |= {"content": [{"type": "text", "text": text}], "isError": is_error} | rest
        return self.add("message", message=message)

    @property
    def data(self) -> bytes:
        return b"".join(orjson.dumps(value) + b"\n" for value in self.values)


def used(n: int = 10, cost: float | None = 0.25) -> dict[str, Any]:
    usage: dict[str, Any] = {"input": n, "output": n * 2, "cacheRead": n * 3, "cacheWrite": n * 4}
    usage["totalTokens"] = n * 10
    if cost is not None:
        usage["cost"] = {"input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0, "total": cost}
    return usage


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def thinking(words: str) -> dict[str, Any]:
    return {"type": "thinking", "thinking": words, "thinkingSignature": "sig"}


def call(own: str | None, name: str, **arguments: Any) -> dict[str, Any]:
    block = {"type": "toolCall", "id": own, "name": name, "arguments": arguments}
    return block if own is not None else {name: item for name, item in block.items() if name != "id"}


def records(data: bytes) -> list[Record]:
    splitter = Splitter()
    return [item for item in [*splitter.feed(data), *splitter.finish()] if isinstance(item, Record)]


def read(log: Log | bytes, stem: str = f"2026-05-01T12-00-00-000Z_{SESSION}") -> tuple[PiReader, list[Step]]:
    """Everything of a log at once; the counts are checked on the way."""
    fed = records(log if isinstance(log, bytes) else log.data)
    reader = HARNESS.reader(stem)
    assert isinstance(reader, PiReader)
    for record in fed:
        reader.feed(record)
    assert reader.stepped + sum(reader.known.values()) + sum(reader.unknown.values()) == len(fed)
    return reader, reader.take()
