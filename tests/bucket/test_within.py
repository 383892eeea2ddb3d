"""Subagents that only their parent's log tells of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.bucket.logs import Claude, found, uuid_of
from tests.bucket.test_parts import rooted
from tracetui.bucket import Bucket
from tracetui.bucket.doctor import examine

ONE = uuid_of(1)
TASK = {"description": "count", "prompt": "count the lines"}


def parent(agent: Claude, *, ends: bool = True) -> Claude:
    """A log with a subagent's records within its own, as 2.1.4x writes them, between records of another one."""
    log = Claude(ONE)
    log.prompt("begin").call("Task", TASK, "task1")
    other = Claude(ONE, 2, agent="b2").message("elsewhere")
    for line in (*agent.lines[:2], *other.lines, *agent.lines[2:]):
        value = json.loads(line)
        message = {key: value[key] for key in ("type", "message", "uuid", "timestamp", "requestId") if key in value}
        data = {"type": "agent_progress", "agentId": value["agentId"], "prompt": "count the lines", "message": message}
        log.put("progress", data=data, parentToolUseID="task1", toolUseID="agent_msg_1")
    if ends:
        log.result("task1", "40 lines").message("all done")
    return log


def subagent() -> Claude:
    agent = Claude(ONE, 1, agent="a1")
    agent.prompt("count the lines").tool("Bash", {"command": "wc -l notes.txt"}, "40 notes.txt")
    agent.tool("Edit", {"file_path": "/w/notes.txt", "old_string": "40", "new_string": "forty"}, "done")
    return agent.message("notes.txt has forty lines")


def steps_of(bucket: Bucket, agent: str) -> list[Any]:
    (log,) = [log for log in bucket.logs(ONE) if log.agent == agent and log.shown]
    return [(step.kind, step.text, step.tool, step.time, step.key, step.tokens) for step in bucket.steps(log)]


def test_a_parent_tells_of_its_subagents(bucket: Bucket, logs: Path, tmp_path: Path) -> None:
    path = parent(subagent()).write(logs / f"{ONE}.jsonl")
    bucket.capture(found(path))
    row = bucket.session(ONE)
    assert (row.subagents, row.edits, row.bytes) == (2, 1, path.stat().st_size)
    assert bucket.stats()["records"] == len(path.read_bytes().splitlines())
    told = steps_of(bucket, "a1")
    assert [kind for kind, *_ in told] == ["prompt", "command", "edit", "message"]
    main, first, *_ = bucket.logs(ONE)
    assert [step.thread for step in bucket.step_rows(main) if step.thread] == ["a1"]
    assert {hit.agent for hit in bucket.search("forty")} == {"a1"}
    assert first.agent == "a1"
    assert first.file == str(path)
    step = bucket.step(first, 2)
    assert [json.loads(bucket.raw(first, source))["type"] for source in step.sources] == ["progress", "progress"]
    assert [record.value["type"] for record in bucket.records_of(first, step.sources)] == ["assistant", "user"]
    with Bucket.open(tmp_path / "other", create=True) as other:
        subagent().write(logs / "agent-a1.jsonl")
        other.capture(found(logs / "agent-a1.jsonl"))
        assert steps_of(other, "a1") == told, "as the subagent's own log would have it"


def test_it_grows_and_comes_back(bucket: Bucket, logs: Path) -> None:
    whole = parent(subagent()).data
    path = logs / f"{ONE}.jsonl"
    for end in (len(whole) // 3, len(whole) // 2, len(whole)):
        path.write_bytes(whole[: whole.rfind(b"\n", 0, end) + 1])
        bucket.capture(found(path))
    grown = steps_of(bucket, "a1"), bucket.session(ONE)
    bucket.rebuild()
    again = steps_of(bucket, "a1"), bucket.session(ONE)
    assert (grown[0], grown[1].steps, grown[1].tokens) == (again[0], again[1].steps, again[1].tokens)
    assert len(grown[0]) == 4


def test_its_own_log_counts_once(bucket: Bucket, logs: Path) -> None:
    path = parent(subagent()).write(logs / f"{ONE}.jsonl")
    own = subagent().write(logs / ONE / "subagents" / "agent-a1.jsonl")
    bucket.capture(rooted(path))
    steps, before = bucket.session(ONE).steps, steps_of(bucket, "a1")
    bucket.capture(rooted(own))
    assert bucket.session(ONE).steps == steps
    assert steps_of(bucket, "a1") == before
    assert [log.path for log in bucket.logs(ONE) if log.agent == "a1" and log.shown] == [str(own)]
    assert [hit.step for hit in bucket.search("forty", limit=None)] == [3, 4][::-1]
    checks = [check for check in examine(bucket, {}, logs) if check.check in {"parts", "copies"}]
    assert all(check.status == "ok" for check in checks), checks


def test_forgetting_forgets_it(bucket: Bucket, logs: Path) -> None:
    path = parent(subagent()).write(logs / f"{ONE}.jsonl")
    bucket.capture(found(path))
    bucket.forget(ONE)
    assert not bucket.sessions()
    assert bucket._db.execute("SELECT count(*) FROM log").fetchone() == (0,)
    for file in bucket.path.rglob("*"):
        assert not file.is_file() or b"forty" not in file.read_bytes()


def test_a_copied_history_brings_no_subagents(bucket: Bucket, logs: Path) -> None:
    log = parent(subagent(), ends=False)
    new = Claude(uuid_of(2), 900).prompt("a session of its own")
    (logs / f"{uuid_of(2)}.jsonl").write_bytes(new.data + log.data)
    bucket.capture(found(logs / f"{uuid_of(2)}.jsonl"))
    assert [row.subagents for row in bucket.sessions()] == [0]
