"""Contexts out of a bucket: logs that go on from another one, subagents, grown logs, the cache."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from tests.harness import claude_logs, codex_logs
from tests.harness.claude_logs import SESSION
from tracetui.bucket import Bucket
from tracetui.ctx.context import Context, context_of, piece_of
from tracetui.ctx.opening import index_of, records_for
from tracetui.harness.roots import LogFile


@pytest.fixture
def bucket(tmp_path: Path) -> Iterator[Bucket]:
    made = Bucket.open(tmp_path / "bucket", create=True)
    yield made
    made.close()


def captured(bucket: Bucket, path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    state = path.stat()
    found = LogFile(str(path), str(path.parent), state.st_size, state.st_mtime_ns, state.st_ino, state.st_dev)
    bucket.capture([found], workers=0)


def last(bucket: Bucket, session: str, agent: str | None = None) -> tuple[Context, list[str]]:
    log = next(row for row in bucket.logs(session) if row.agent == agent and row.shown)
    index = index_of(bucket, log)
    step = max(n for n, at in enumerate(index.step_call) if at >= 0)
    context = context_of(index, step)
    reading = records_for(bucket, log, index)
    return context, [piece_of(index, at, reading).text for at in context.ids]


def test_an_agent_that_goes_on_from_its_parent(bucket: Bucket, tmp_path: Path) -> None:
    log = claude_logs.Log()
    log.user("Main.")
    parent = log.answer(claude_logs.text("Answer."))
    log.user("Later.")
    log.answer(claude_logs.text("Last."))
    captured(bucket, tmp_path / f"{SESSION}.jsonl", log.bytes())
    agent = claude_logs.Log(isSidechain=True, agentId="afork")
    agent.last = parent
    agent.user("Fork.")
    agent.answer(claude_logs.text("Forked."), response="forked")
    for nth, value in enumerate(agent.values):
        value["uuid"] = f"fork-{nth}"
    agent.values[1]["parentUuid"] = "fork-0"
    captured(bucket, tmp_path / SESSION / "subagents" / "agent-afork.jsonl", agent.bytes())
    context, texts = last(bucket, SESSION, "afork")
    assert texts == ["Main.", "Answer.", "Fork."]
    assert [part.from_step for part in context.segments()] == [None, None, 1]


def test_a_paginated_thread_goes_on_from_its_base(bucket: Bucket, tmp_path: Path) -> None:
    parent, child = codex_logs.uuid7(0, 1), codex_logs.uuid7(500, 2)
    log = codex_logs.Log(ordinals=True, id=parent)
    log.user("Old.")
    log.said("Older.")
    end = len(log.values)
    log.user("Not copied.")
    log.said("Nor this.")
    own = codex_logs.Log(
        ordinals=True, id=child, at=500.0,
        history_base={"thread_id": parent, "end_ordinal_exclusive": end}, forked_from_id=parent,
    )  # fmt: skip
    own.clock = 500.0
    own.user("New.")
    own.said("Newer.")
    data = b"".join(orjson.dumps(value) + b"\n" for value in own.values)
    name = tmp_path / f"rollout-2026-05-01T12-10-00-{child}.jsonl"
    captured(bucket, name, data)
    context, texts = last(bucket, child)
    assert texts == ["New."]
    assert "parts that could not be read" in context.missing
    captured(
        bucket, tmp_path / f"rollout-2026-05-01T12-00-00-{parent}.jsonl",
        b"".join(orjson.dumps(value) + b"\n" for value in log.values),
    )  # fmt: skip
    bucket.rebuild()
    from tracetui.ctx import opening

    opening._RECENT.clear()
    context, texts = last(bucket, child)
    assert texts == ["Old.", "Older.", "New."]
    assert [part.from_step for part in context.segments()] == [None, None, 1]
    assert "parts that could not be read" not in context.missing


def test_a_session_of_a_capsule_never_goes_on_from_a_local_one(bucket: Bucket, tmp_path: Path) -> None:
    parent, child = codex_logs.uuid7(0, 1), codex_logs.uuid7(500, 2)
    log = codex_logs.Log(ordinals=True, id=parent)
    log.user("Mine, and nobody else's.")
    log.said("Private.")
    captured(
        bucket, tmp_path / f"rollout-2026-05-01T12-00-00-{parent}.jsonl",
        b"".join(orjson.dumps(value) + b"\n" for value in log.values),
    )  # fmt: skip
    stranger = codex_logs.Log(
        ordinals=True, id=child, at=500.0, history_base={"thread_id": parent, "end_ordinal_exclusive": 99},
    )  # fmt: skip
    stranger.clock = 500.0
    stranger.user("From elsewhere.")
    stranger.said("Indeed.")
    folder = tmp_path / "capsule:0badcafe"
    data = b"".join(orjson.dumps(value) + b"\n" for value in stranger.values)
    captured(bucket, folder / f"rollout-2026-05-01T12-10-00-{child}.jsonl", data)
    context, texts = last(bucket, f"capsule:0badcafe/{child}")
    assert texts == ["From elsewhere."]
    assert "parts that could not be read" in context.missing
