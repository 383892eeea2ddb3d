"""Gemini CLI: a message that comes again with its calls, a resumed session, whole documents."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tracetui.bucket import Bucket
from tracetui.harness import HARNESSES
from tracetui.harness.roots import LogFile, files_of
from tracetui.model import Record, Source, Step, Tokens

GEMINI = HARNESSES["gemini"]
CALL = {
    "id": "replace__1", "name": "replace",
    "args": {"file_path": "/home/ana/a.py", "old_string": "a", "new_string": "b"},
    "result": [{"functionResponse": {"id": "replace__1", "name": "replace", "response": {"output": "done"}}}],
    "status": "success", "timestamp": "2026-05-01T10:00:04.000Z",
    "resultDisplay": {"filePath": "/home/ana/a.py", "originalContent": "a\n", "newContent": "b\n"},
}  # fmt: skip


def message(own: str, kind: str, content: Any, **more: Any) -> dict[str, Any]:
    return {"id": own, "timestamp": "2026-05-01T10:00:00.000Z", "type": kind, "content": content, **more}


def told() -> list[dict[str, Any]]:
    tokens = {"input": 100, "output": 10, "cached": 40, "thoughts": 5, "tool": 0, "total": 115}
    answer = message("m2", "gemini", "I mend it.", tokens=tokens, model="gemini-x",
                     thoughts=[{"subject": "Plan", "description": "Replace a."}])  # fmt: skip
    context = "<session_context>\n- **Workspace Directories:**\n  - /home/ana\n</session_context>"
    return [
        {"sessionId": "5d2a7d1e-1111-4222-8333-444455556666", "projectHash": "a", "startTime": "2026-05-01T10:00:00Z"},
        message("m0", "user", [{"text": context}]),
        message("m1", "user", [{"text": "Mend a.py"}]),
        answer,
        {**answer, "toolCalls": [CALL]},
        message("m3", "user", CALL["result"]),
        message("m4", "gemini", "Done.", tokens={"input": 150, "output": 3, "total": 153}, model="gemini-x"),
        message("m5", "error", "Quota exceeded"),
    ]  # fmt: skip


def read(values: list[dict[str, Any]]) -> tuple[list[Step], Any, list[Record]]:
    reader, steps = GEMINI.reader("s"), {}
    records = [Record(Source(nth, nth * 10, 9), value) for nth, value in enumerate(values, 1)]
    for record in records:
        reader.feed(record)
        steps.update((step.number, step) for step in reader.take())
    return [steps[number] for number in sorted(steps)], reader, records


def test_a_message_that_comes_again_adds_its_calls() -> None:
    steps, reader, records = read(told())
    assert [step.kind for step in steps] == ["prompt", "thinking", "message", "edit", "message", "event"]
    assert steps[1].tokens == Tokens(60, 15, 40, 0)
    assert steps[3].tokens is None
    assert steps[3].response == steps[1].response == "m2"
    assert (reader.facts.cwd, reader.facts.model) == ("/home/ana", "gemini-x")
    (edit,) = GEMINI.edits(steps[3], [record for record in records if record.source in steps[3].sources])
    assert (edit.path, edit.before, edit.after) == ("/home/ana/a.py", "a\n", "b\n")


def test_a_resumed_session_begins_no_step_again() -> None:
    values = told()
    again = {"$set": {"messages": [value for value in values if "type" in value], "lastUpdated": "x"}}
    more = [*values, {**values[0]}, again, message("m6", "user", [{"text": "And now?"}])]
    steps, reader, _ = read(more)
    assert len(steps) == 7
    assert steps[-1].text == "And now?"
    assert not reader.unknown


def test_a_document_gives_the_steps_of_the_lines(tmp_path: Path) -> None:
    values = told()
    messages = {value["id"]: value for value in values[1:]}
    folder = tmp_path / "ab" / "chats"
    folder.mkdir(parents=True)
    (folder.parent / ".project_root").write_text("/home/ana/project\n")
    path = folder / "session-2026-05-01T10-00-5d2a7d1e.json"
    path.write_text(json.dumps({**values[0], "lastUpdated": "x", "messages": list(messages.values())}, indent=2))
    with Bucket.open(tmp_path / "bucket", create=True) as bucket:
        files = [file for file in files_of([path]) if isinstance(file, LogFile)]
        bucket.capture(files, workers=0)
        (row,) = bucket.sessions()
        (log,) = bucket.logs(row.id)
        assert (row.harness, row.cwd, row.steps) == ("gemini", "/home/ana/project", 6)
        assert [step.kind for step in bucket.steps(log)] == [
            "prompt",
            "thinking",
            "message",
            "edit",
            "message",
            "event",
        ]
