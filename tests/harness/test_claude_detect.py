"""Which files are Claude Code's, where they are looked for, and how a session is resumed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.harness.claude_logs import SESSION, Log, text
from tracetui.harness import HARNESSES
from tracetui.harness.claude import HARNESS
from tracetui.model import LogFacts


def turn() -> list[dict[str, Any]]:
    log = Log()
    log.user("hi")
    log.answer(text("ho"))
    return log.values


@pytest.mark.parametrize(
    "head",
    [
        turn(),
        [{"type": "user", "sessionId": "s", "message": {"role": "user", "content": "hi"}}],
        [{"type": "summary", "summary": "x", "leafUuid": "y"}, *turn()],
        [{"type": "file-history-snapshot", "messageId": "m", "snapshot": {}}] * 19 + turn(),
        [{"type": "queue-operation", "operation": "enqueue", "sessionId": "s"}],
        [{"type": "ai-title", "aiTitle": "x", "sessionId": "s"}],
        [{"type": "mode", "mode": "normal", "sessionId": "s"}],
        [{"type": "permission-mode", "permissionMode": "plan", "sessionId": "s"}],
        [{"type": "summary", "summary": "x", "leafUuid": "y"}],
        [{"type": "progress", "uuid": "u", "sessionId": "s", "data": {"type": "hook_progress"}}],
        [{"type": "system", "subtype": "local_command", "uuid": "u", "sessionId": "s"}],
        [{"type": "attachment", "uuid": "u", "sessionId": "s", "attachment": {"type": "file"}}],
        [{"silly": 1}, *turn()],
    ],
)
def test_claudes_files(head: list[dict[str, Any]]) -> None:
    assert HARNESS.detect(head)
    assert HARNESSES["claude"] is HARNESS


QWEN = {"uuid": "u", "parentUuid": None, "sessionId": "s", "timestamp": "t", "version": "0.21.3", "cwd": "/x"}


@pytest.mark.parametrize(
    "head",
    [
        [],
        [{}],
        [{"type": 5}, {"type": None, "sessionId": "s"}],
        [QWEN | {"type": "user", "message": {"role": "user", "content": "hi"}}],
        [QWEN | {"type": "user", "version": None, "message": {"role": "user", "parts": [{"text": "hi"}]}}],
        [{"type": "session_meta", "payload": {"id": "x"}}],
        [{"type": "user", "sessionId": "s", "payload": {}, "message": {"content": "x"}}],
        [{"type": "session", "version": 3, "id": "x", "cwd": "/x", "timestamp": "t"}],
        [{"type": "session.start", "data": {"sessionId": "s"}}],
        [{"type": "user", "id": "x", "timestamp": "t", "content": "gemini"}],
        [{"type": "message", "id": "x", "message": {"role": "user", "content": "droid"}}],
        [{"role": "user", "message": {"content": [{"type": "text", "text": "cursor"}]}}],
        [{"type": "summary", "text": "of something else"}],
        [{"type": "mode", "mode": "dark"}],
        [{"type": "started", "key": "k", "agentId": "a"}, {"type": "result", "key": "k", "agentId": "a"}],
        [{"type": "user", "sessionId": 7, "message": {"content": "x"}}],
    ],
)
def test_files_of_others(head: list[dict[str, Any]]) -> None:
    assert not HARNESS.detect(head)


def test_where_logs_are(tmp_path: Path) -> None:
    def roots(environ: dict[str, str]) -> list[Path]:
        found = list(HARNESS.roots(environ, tmp_path))
        assert all(root.patterns == ("*.jsonl",) for root in found)
        return [root.path for root in found]

    assert roots({}) == [tmp_path / ".claude" / "projects"]
    (tmp_path / ".config" / "claude").mkdir(parents=True)
    assert roots({}) == [tmp_path / ".claude" / "projects", tmp_path / ".config" / "claude" / "projects"]
    assert roots({"CLAUDE_CONFIG_DIR": "/data/cc"}) == [Path("/data/cc/projects")]
    assert roots({"CLAUDE_CONFIG_DIR": ""})[0] == tmp_path / ".claude" / "projects"


def test_how_a_session_is_resumed() -> None:
    assert HARNESS.resume(LogFacts(session=SESSION)) == ["claude", "--resume", SESSION]
