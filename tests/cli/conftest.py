"""A home folder with made-up logs, a bucket of them, and a way to run a command line in process."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tracetui.__main__ import main

HOSTILE = "evil \x1b]52;c;eA==\x07 \u202e txt \x9b31m [/red] [@click=app.quit]"


@dataclass
class Done:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


Run = Callable[..., Done]


def claude_log(session: str, cwd: str, *texts: str, day: int = 1, failing: bool = False) -> str:
    """A Claude Code session: prompts, each answered by a command and a message."""
    records: list[dict[str, Any]] = []
    parent = None

    def add(kind: str, nth: int, message: dict[str, Any], **more: Any) -> None:
        nonlocal parent
        uuid = f"{session[:8]}-{len(records):04d}"
        records.append(
            {
                "type": kind, "uuid": uuid, "parentUuid": parent, "sessionId": session, "cwd": cwd, "version": "2.1.30",
                "gitBranch": "main", "userType": "external", "isSidechain": False,
                "timestamp": f"2026-03-{day:02d}T10:{nth:02d}:{len(records) % 60:02d}.000Z", "message": message, **more,
            }
        )  # fmt: skip
        parent = uuid

    for nth, text in enumerate(texts):
        add("user", nth, {"role": "user", "content": text})
        call = f"toolu_{session[:4]}{nth}"
        usage = {
            "input_tokens": 10,
            "output_tokens": 5,
            "cache_read_input_tokens": 100,
            "cache_creation_input_tokens": 2,
        }
        add(
            "assistant", nth,
            {
                "id": f"msg_{session[:4]}{nth}", "type": "message", "role": "assistant", "model": "claude-opus-4-6",
                "content": [{"type": "tool_use", "id": call, "name": "Bash", "input": {"command": f"make step{nth}"}}],
                "usage": usage,
            },
            requestId=f"req_{session[:4]}{nth}",
        )  # fmt: skip
        error = failing and nth == 0
        add(
            "user", nth,
            {
                "role": "user",
                "content": [
                    {
                        "type": "tool_result", "tool_use_id": call, "is_error": error,
                        "content": "Exit code 2\nno rule" if error else f"done {nth}\nrate limited output",
                    }
                ],
            },
        )  # fmt: skip
    return "".join(json.dumps(record) + "\n" for record in records)


def codex_log(session: str, cwd: str, text: str) -> str:
    """A Codex session: a prompt and a command."""
    stamp = "2026-03-09T08:00:00.000Z"
    result = {"output": "total 0\n", "metadata": {"exit_code": 0, "duration_seconds": 0.2}}
    answer = {"type": "output_text", "text": "All done."}
    call = json.dumps({"command": ["bash", "-lc", "ls -la"]})
    items: list[tuple[str, dict[str, Any]]] = [
        ("session_meta", {"id": session, "timestamp": stamp, "cwd": cwd, "cli_version": "0.101.0"}),
        ("turn_context", {"cwd": cwd, "model": "gpt-5-codex"}),
        ("response_item", {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}),
        ("event_msg", {"type": "user_message", "message": text}),
        ("response_item", {"type": "function_call", "name": "shell", "arguments": call, "call_id": "call_1"}),
        ("response_item", {"type": "function_call_output", "call_id": "call_1", "output": json.dumps(result)}),
        ("response_item", {"type": "message", "role": "assistant", "content": [answer]}),
    ]  # fmt: skip
    return "".join(json.dumps({"timestamp": stamp, "type": kind, "payload": payload}) + "\n" for kind, payload in items)


FIRST = "5bd0c1de-0000-4000-8000-000000000001"
SECOND = "5bd0c1de-0000-4000-8000-000000000002"
HOSTILE_ID = "aaaa1111-0000-4000-8000-000000000003"
CODEX = "019c3f2a-1111-7000-8000-000000000004"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder with three Claude Code sessions, one with a subagent, and one of Codex."""
    home = tmp_path / "home"
    for name in list(os.environ):
        if name.startswith(("CLAUDE_", "CODEX_", "PI_CODING", "TRACETUI_", "XDG_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("TRACETUI_CONFIG", str(home / "config.toml"))
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.delenv("NO_COLOR", raising=False)
    alpha = home / ".claude" / "projects" / "-src-alpha"
    alpha.mkdir(parents=True)
    (alpha / f"{FIRST}.jsonl").write_text(
        claude_log(FIRST, "/src/alpha", "fix the flaky rate limit", "now the docs", day=3, failing=True)
    )
    (alpha / f"{SECOND}.jsonl").write_text(claude_log(SECOND, "/src/alpha", "port the parser 日本語", day=5))
    beta = home / ".claude" / "projects" / "-src-beta"
    beta.mkdir()
    (beta / f"{HOSTILE_ID}.jsonl").write_text(claude_log(HOSTILE_ID, "/src/beta\u202e", HOSTILE, day=7))
    agents = alpha / FIRST / "subagents"
    agents.mkdir(parents=True)
    agent = claude_log(FIRST, "/src/alpha", "look around", day=3).replace(
        '"isSidechain": false', '"isSidechain": true, "agentId": "a2898e3"'
    )
    (agents / "agent-a2898e3.jsonl").write_text(agent)
    day = home / ".codex" / "sessions" / "2026" / "03" / "09"
    day.mkdir(parents=True)
    (day / f"rollout-2026-03-09T08-00-00-{CODEX}.jsonl").write_text(codex_log(CODEX, "/src/gamma", "list the files"))
    return home


@pytest.fixture
def run(home: Path, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> Iterator[Run]:
    """Run a command line in this process, on the bucket of the test."""

    def go(*words: str, bucket: Path | None = None) -> Done:
        capsysbinary.readouterr()
        status = main(["--bucket", str(bucket or tmp_path / "bucket"), *words])
        out, err = capsysbinary.readouterr()
        return Done(status, out.decode(), err.decode())

    return go


@pytest.fixture
def indexed(run: Run) -> Run:
    """The same, with everything captured."""
    assert run("index", "--workers", "0").status == 0
    return run


def old(path: Path, days: float) -> None:
    """Make a file look untouched for so long."""
    then = time.time() - days * 86_400
    os.utime(path, (then, then))
