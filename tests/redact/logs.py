"""A made-up session that leaks: a token in several forms, a password, a user name; written as Claude Code writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

SESSION = "5f1d2c3b-aaaa-4bbb-8ccc-0123456789ab"
TOKEN = "ghp_" + "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7cF0xL6uR3"
PASSWORD = "kX9!pQ" + "rl63zYkWq"


class Log:
    """Records of one log, appended to its file."""

    def __init__(self, path: Path, cwd: str = "/home/zorblax/limit", session: str = SESSION) -> None:
        self.path, self.cwd, self.session = path, cwd, session
        self.count = 0
        path.parent.mkdir(parents=True, exist_ok=True)

    def put(self, kind: str, message: dict[str, Any], **more: Any) -> None:
        """Append one record."""
        record = {
            "type": kind, "uuid": f"{self.session[:8]}-{self.count:04d}",
            "parentUuid": f"{self.session[:8]}-{self.count - 1:04d}" if self.count else None,
            "sessionId": self.session, "cwd": self.cwd, "version": "2.1.30", "gitBranch": "main",
            "userType": "external", "isSidechain": False,
            "timestamp": f"2026-03-01T10:{self.count // 60:02d}:{self.count % 60:02d}.000Z", "message": message, **more,
        }  # fmt: skip
        self.count += 1
        with self.path.open("a") as file:
            file.write(json.dumps(record) + "\n")

    def prompt(self, text: str) -> None:
        self.put("user", {"role": "user", "content": text})

    def say(self, text: str) -> None:
        usage = {"input_tokens": 1, "output_tokens": 2}
        content = [{"type": "text", "text": text}]
        self.put("assistant", {"id": f"msg_{self.count}", "type": "message", "role": "assistant", "model": "claude-x",
                               "content": content, "usage": usage})  # fmt: skip

    def call(self, command: str, output: str) -> None:
        call = f"toolu_{self.count}"
        block = {"type": "tool_use", "id": call, "name": "Bash", "input": {"command": command}}
        usage = {"input_tokens": 1, "output_tokens": 2}
        self.put("assistant", {"id": f"msg_{self.count}", "type": "message", "role": "assistant", "model": "claude-x",
                               "content": [block], "usage": usage})  # fmt: skip
        self.put("user", {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call, "content": output}]},
                 toolUseResult={"stdout": output, "stderr": "", "interrupted": False})  # fmt: skip


def leaking(path: Path, **more: Any) -> Log:
    """The session: 4 steps."""
    log = Log(path, **more)
    log.prompt(f"use the token {TOKEN} please")
    log.call(
        f"curl -H 'Authorization: Bearer {TOKEN}' https://api.acme.dev",
        f"ok {TOKEN[:30]}...\nDB_PASSWORD={PASSWORD}\n{json.dumps({'t': TOKEN})}\n\x1b[31m{TOKEN[:9]}\x1b[0m{TOKEN[9:]}",  # noqa: E501
    )
    log.say(f"done in /home/zorblax/limit, see {TOKEN[:20]}\n{TOKEN[20:]}")
    log.call("ls -l", "zorblax staff 12 notes.txt")
    return log
