"""Made-up logs for the tests of the bucket."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from tracetui.bucket import Bucket
from tracetui.harness.roots import LogFile, files_of

BASE = 1_770_000_000


def stamp(second: float) -> str:
    """A time of the logs, so many seconds after their beginning."""
    import datetime

    moment = datetime.datetime.fromtimestamp(BASE + second, datetime.UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{round(second * 1000) % 1000:03d}Z"


class Claude:
    """Writes one Claude Code log, record by record."""

    def __init__(self, session: str, start: float = 0, agent: str | None = None, cwd: str = "/home/dev/limit") -> None:
        self.session = session
        self.agent = agent
        self.cwd = cwd
        self.at = start
        self.count = 0
        self.lines: list[bytes] = []

    def put(self, kind: str, **keys: Any) -> Claude:
        self.count += 1
        self.at += 1
        name = f"{self.session[:8]}-{self.agent or 'main'}-{self.count:06d}"
        record: dict[str, Any] = {
            "parentUuid": None,
            "isSidechain": self.agent is not None,
            "userType": "external",
            "cwd": self.cwd,
            "sessionId": self.session,
            "version": "2.1.20",
            "gitBranch": "main",
            "type": kind,
            **keys,
            "uuid": name,
            "timestamp": stamp(self.at),
        }
        if self.agent is not None:
            record["agentId"] = self.agent
        self.lines.append(json.dumps(record, ensure_ascii=False).encode("utf-8", "surrogatepass"))
        return self

    def prompt(self, text: str) -> Claude:
        return self.put("user", message={"role": "user", "content": text})

    def _says(self, content: dict[str, Any]) -> Claude:
        return self.put(
            "assistant",
            message={
                "model": "claude-sonnet-4-6",
                "id": f"msg_{self.session[:8]}{self.agent or ''}{self.count}",
                "type": "message",
                "role": "assistant",
                "content": [content],
                "usage": {"input_tokens": 3, "output_tokens": 5, "cache_read_input_tokens": 7},
            },
            requestId=f"req_{self.session[:8]}{self.count}",
        )

    def message(self, text: str) -> Claude:
        return self._says({"type": "text", "text": text})

    def call(self, name: str, value: dict[str, Any], call: str) -> Claude:
        return self._says({"type": "tool_use", "id": call, "name": name, "input": value})

    def result(self, call: str, text: str, *, error: bool = False) -> Claude:
        content = [{"tool_use_id": call, "type": "tool_result", "content": text, "is_error": error}]
        return self.put("user", message={"role": "user", "content": content}, toolUseResult=text)

    def tool(self, name: str, value: dict[str, Any], output: str, *, error: bool = False) -> Claude:
        call = f"toolu_{self.session[:8]}{self.agent or ''}{self.count}"
        return self.call(name, value, call).result(call, output, error=error)

    @property
    def data(self) -> bytes:
        return b"".join(line + b"\n" for line in self.lines)

    def write(self, path: Path) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.data)
        return path


def session_of(name: str, turns: int = 3, start: float = 0) -> Claude:
    """A session with a prompt, an answer and a command a turn."""
    log = Claude(name, start)
    for turn in range(turns):
        log.prompt(f"please fix rate_limit number {turn} of {name}")
        log.message(f"I look at src/limit{turn}.py now.")
        log.tool("Bash", {"command": f"pytest -q test_{turn}.py"}, f"{turn} passed\nexit fine", error=turn % 2 == 1)
    return log


def found(*paths: Path | str) -> list[LogFile]:
    """The log files below these paths."""
    return [item for item in files_of(paths) if isinstance(item, LogFile)]


def uuid_of(number: int) -> str:
    """A session id that looks like a real one."""
    return f"{number:08x}-1111-4222-8333-{number:012x}"


def picture(bucket: Bucket) -> dict[str, Any]:
    """All that lists and steps show, without the numbers of rows, to compare two indexes."""
    out: dict[str, Any] = {}
    for row in bucket.sessions():
        logs = []
        for log in bucket.logs(row.id, row.harness):
            steps = [(step.number, step.kind, step.key, step.summary, step.tokens) for step in bucket.step_rows(log)]
            counts = (log.bytes, log.records, log.bad_records, log.steps, log.shown, log.generation)
            logs.append((os.path.basename(log.path), log.agent, counts, log.facts, steps))
        key = {name: getattr(row, name) for name in row.__slots__ if name != "log"}
        out[f"{row.harness}/{row.id}"] = (key, logs)
    return out
