"""The Codex reader holds its promises on any log: nothing is dropped, it resumes anywhere, steps can be read again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.corpus import real_logs
from tests.harness.codex_logs import STEM, Log, records, uuid7
from tracetui.harness.codex import HARNESS
from tracetui.harness.codex.reader import CodexReader
from tracetui.harness.lines import records_of
from tracetui.model import KINDS, Record, Step

relaxed = settings(deadline=None, max_examples=150, suppress_health_check=list(HealthCheck))


CORPUS = real_logs("codex/*/*.jsonl", "other/derived/codex*")
real = pytest.mark.corpus
each_file = pytest.mark.parametrize("path", CORPUS, ids=[path.name for path in CORPUS])


# -------------------------------------------------------------------- made-up logs of any shape

ids = st.sampled_from(["c1", "c2", "c3", "m1", "ws_1", None])
words = st.sampled_from(["hello", "continue", "go on", "**Plan**", "", " ", "<skill>x</skill>", "a</b>", "1 failed"])
outputs = st.sampled_from(
    [
        "Exit code: 1\nWall time: 2 seconds\nOutput:\nbad",
        "Chunk ID: a\nWall time: 0.1 seconds\nProcess exited with code 0\nOutput:\nok",
        "Wall time: 9.0 seconds\nProcess running with session ID 7\nOutput:\nhalf",
        '{"output":"x","metadata":{"exit_code":0,"duration_seconds":0.5}}',
        "aborted by user",
        [{"type": "input_text", "text": "seen"}, {"type": "input_image", "image_url": "data:image/png;base64,QQ=="}],
        {"content": "no", "success": False},
        '{"agent_id":"child"}',
        None,
    ]
)
PATCH = "*** Begin Patch\n*** Add File: a\n+x\n*** End Patch"
SCRIPT = f"await tools.apply_patch(`{PATCH}`)"
ACTION = {"type": "search", "query": "sqlite"}


def payload(kind: str, **parts: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"type": st.just(kind)} | parts)


def content(name: str) -> st.SearchStrategy[list[dict[str, Any]]]:
    return st.lists(st.fixed_dictionaries({"type": st.just(name), "text": words}), max_size=2)


arguments = st.sampled_from(
    ['{"cmd":"ls"}', '{"session_id":7,"chars":""}', '{"command":["bash","-lc","ls"]}', "{torn", {"a": 1}, "[]"]
)
tool_names = st.sampled_from(
    ["exec_command", "write_stdin", "shell", "update_plan", "spawn_agent", "mcp__a__b", "view_image", "wait"]
)
usage = st.fixed_dictionaries(
    {"input_tokens": st.integers(0, 50), "cached_input_tokens": st.integers(0, 60), "output_tokens": st.integers(0, 9)}
)
info = st.none() | st.fixed_dictionaries({"last_token_usage": usage, "total_token_usage": usage})
changes = st.sampled_from([{"a": {"type": "add", "content": "x\n"}}, {}, None])
status = st.sampled_from(["completed", "failed", None])
exit_codes = st.sampled_from([0, 1, None])

items = st.one_of(
    payload(
        "message", role=st.sampled_from(["user", "assistant", "developer"]), content=content("output_text"), id=ids
    ),
    payload("reasoning", summary=content("summary_text")),
    payload("function_call", name=tool_names, arguments=arguments, call_id=ids),
    payload("function_call_output", call_id=ids, output=outputs),
    payload("custom_tool_call", name=st.just("apply_patch"), input=st.just(PATCH), call_id=ids),
    payload("custom_tool_call", name=st.just("exec"), input=st.just(SCRIPT), call_id=ids),
    payload("custom_tool_call_output", call_id=ids, output=outputs),
    payload("web_search_call", action=st.just(ACTION), status=status),
    payload("local_shell_call", call_id=ids, action=st.just({"command": ["ls"]})),
    payload("tool_call", function=st.just({"name": "run"}), arguments=st.just({"command": "ls"})),
    payload("tool_result", name=st.just("run"), result=st.just({"stdout": "a", "exitCode": 0})),
    payload("compaction"),
)
events = st.one_of(
    payload("user_message", message=words, images=st.sampled_from([[], ["data:,"]])),
    payload("agent_message", message=words),
    payload("agent_reasoning", text=words),
    payload("token_count", info=info),
    payload("exec_command_end", call_id=ids, exit_code=exit_codes, aggregated_output=words),
    payload("patch_apply_end", call_id=ids, success=st.booleans(), changes=changes),
    payload("mcp_tool_call_end", call_id=ids, invocation=st.just({"server": "a", "tool": "b"}), result=st.just({})),
    payload("web_search_end", call_id=ids, action=st.just(ACTION)),
    payload("collab_agent_spawn_end", call_id=ids, new_thread_id=ids),
    payload("sub_agent_activity", event_id=ids, agent_thread_id=ids),
    payload("context_compacted"),
    payload("turn_aborted", reason=words),
    payload("task_started", turn_id=st.sampled_from([None, uuid7(-50), uuid7(50)])),
    payload("thread_name_updated", thread_name=words),
)
completed = st.one_of(
    payload("UserMessage", content=content("text"), id=ids),
    payload("AgentMessage", content=content("Text"), id=ids),
    payload("Reasoning", summary_text=st.lists(words, max_size=2), id=ids),
    payload("Plan", text=words),
    payload("CommandExecution", id=ids, command=st.just(["ls"]), exit_code=exit_codes, status=status),
    payload("FileChange", id=ids, changes=changes, status=status),
    payload("McpToolCall", id=ids, server=st.just("a"), tool=st.just("b"), status=status),
    payload("WebSearch", id=ids, action=st.just(ACTION)),
    payload("CollabAgentToolCall", id=ids, tool=st.just("spawnAgent"), receiver_thread_ids=st.just(["child"])),
    payload("ContextCompaction"),
    payload("Later"),
)
metas = st.fixed_dictionaries(
    {"id": st.sampled_from([uuid7(0), uuid7(-90), None])},
    optional={"forked_from_id": ids, "parent_thread_id": ids, "subagent_history_start_ordinal": st.integers(0, 6)},
)
times = st.sampled_from(["2026-05-01T12:00:00.000Z", "2026-05-01T12:00:00.200Z", "2026-05-01T12:00:09.000Z", "x", None])


def envelope(kind: str, inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {"timestamp": times, "type": st.just(kind), "payload": inner}, optional={"ordinal": st.integers(0, 9)}
    )


values = st.one_of(
    envelope("response_item", items),
    envelope("event_msg", events),
    envelope("event_msg", completed.map(lambda item: {"type": "item_completed", "item": item})),
    envelope("compacted", st.fixed_dictionaries({"message": words})),
    envelope("session_meta", metas),
    envelope("turn_context", st.fixed_dictionaries({"model": words, "turn_id": ids})),
    envelope("token_usage_record", st.fixed_dictionaries({"usage": usage})),
    items,
    st.just({"record_type": "state"}),
    st.just({"id": uuid7(0), "timestamp": "2025-08-21T06:29:22.408Z", "instructions": None}),
)
logs = st.lists(values, max_size=30)


def run(fed: list[Record], cuts: Callable[[int], bool] = lambda at: False) -> tuple[CodexReader, dict[int, Step]]:
    """Feed all; at every cut hand over what there is and go on from a dump."""
    reader: Any = HARNESS.reader(STEM)
    steps: dict[int, Step] = {}
    for at, record in enumerate(fed):
        reader.feed(record)
        if cuts(at):
            steps |= {step.number: step for step in reader.take()}
            reader = HARNESS.reader(STEM, reader.dump())
    steps |= {step.number: step for step in reader.take()}
    return reader, steps


def check_promises(fed: list[Record]) -> tuple[CodexReader, dict[int, Step]]:
    reader, steps = run(fed)
    assert reader.stepped + reader.known.total() + reader.unknown.total() == len(fed)
    assert sorted(steps) == list(range(1, len(steps) + 1))
    begun = [step.sources[0] for _, step in sorted(steps.items())]
    assert begun == sorted(begun)
    keys = [step.key for step in steps.values()]
    assert len(set(keys)) == len(keys)
    responses: dict[str, Step] = {}
    for step in steps.values():
        assert step.kind in KINDS
        assert len(set(step.sources)) == len(step.sources)
        if step.response is not None and step.response in responses:
            assert step.tokens is None, "tokens stand on the first step of a response"
        elif step.response is not None:
            responses[step.response] = step
    return reader, steps


def check_again(fed: list[Record], steps: dict[int, Step]) -> None:
    """A step's own records alone give the step to a fresh reader."""
    at = {record.source: record for record in fed}
    for step in steps.values():
        reader = HARNESS.reader(STEM)
        for source in step.sources:
            reader.feed(at[source])
        again = reader.take()
        assert len(again) == 1, (step, again)
        (one,) = again
        assert (one.key, one.kind, one.text, one.tool) == (step.key, step.kind, step.text, step.tool)
        assert (one.summary, one.images, one.thread, one.sources) == (
            step.summary,
            step.images,
            step.thread,
            step.sources,
        )


@relaxed
@given(logs)
def test_nothing_is_dropped(made: list[dict[str, Any]]) -> None:
    check_promises(records(made))


@relaxed
@given(logs, st.sets(st.integers(0, 30)))
def test_it_resumes_at_any_record(made: list[dict[str, Any]], cuts: set[int]) -> None:
    fed = records(made)
    whole, steps = run(fed)
    parts, same = run(fed, lambda at: at in cuts)
    assert same == steps
    assert (parts.facts, parts.known, parts.unknown, parts.stepped) == (
        whole.facts,
        whole.known,
        whole.unknown,
        whole.stepped,
    )
    assert parts.dump() == whole.dump()


@relaxed
@given(logs)
def test_steps_are_read_again_from_their_sources(made: list[dict[str, Any]]) -> None:
    fed = records(made)
    check_again(fed, run(fed)[1])


@relaxed
@given(logs)
def test_taking_often_gives_the_same_as_taking_once(made: list[dict[str, Any]]) -> None:
    fed = records(made)
    reader: Any = HARNESS.reader(STEM)
    steps: dict[int, Step] = {}
    for record in fed:
        reader.feed(record)
        taken = reader.take()
        assert [step.number for step in taken] == sorted({step.number for step in taken})
        steps |= {step.number: step for step in taken}
    assert steps == run(fed)[1]


# -------------------------------------------------------------------- hostile logs

junk = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words | ids.map(str), inner, max_size=3),
    max_leaves=6,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    for name, inner in (
        value.items() if isinstance(value, dict) else enumerate(value if isinstance(value, list) else [])
    ):
        yield from places(inner, (*path, name))


@st.composite
def broken(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Valid logs with some values left out or replaced by anything."""
    made = orjson.loads(orjson.dumps(draw(st.lists(values, min_size=1, max_size=12))))
    for _ in range(draw(st.integers(1, 6))):
        target = draw(st.sampled_from(made))
        path = draw(st.sampled_from([place for place in places(target) if place] or [()]))
        if not path:
            continue
        holder: Any = target
        for name in path[:-1]:
            holder = holder[name]
        if draw(st.booleans()) and isinstance(holder, dict):
            del holder[path[-1]]
        else:
            holder[path[-1]] = draw(junk)
    return made


@settings(relaxed, max_examples=400)
@given(broken())
def test_broken_records_are_counted_and_never_raise(made: list[dict[str, Any]]) -> None:
    fed = records(made)
    reader, steps = check_promises(fed)
    at = {record.source: record for record in fed}
    for step in steps.values():
        HARNESS.edits(step, [at[source] for source in step.sources])
    again: Any = HARNESS.reader(STEM, reader.dump())
    assert again.dump() == reader.dump()
    HARNESS.detect(made)
    HARNESS.resume(reader.facts)


@given(st.lists(junk, max_size=5))
def test_anything_at_all(made: list[Any]) -> None:
    check_promises(records([value for value in made if isinstance(value, dict)]))


def test_a_dump_stays_small() -> None:
    log = Log()
    for at in range(3000):
        log.answered(f"message {at} " + "x" * 500)
        log.call("exec_command", {"cmd": "ls " + "y" * 500}, f"call_{at:06d}")
        log.output("Exit code: 0\nWall time: 0 seconds\nOutput:\n" + "z" * 500, f"call_{at:06d}")
    reader, _ = run(records(log.values))
    assert len(reader.dump()) < 20_000


def test_calls_that_never_end_are_let_go() -> None:
    log = Log()
    for at in range(1000):
        log.call("exec_command", {"cmd": "x" * 1000}, f"call_{at:06d}")
    reader, steps = run(records(log.values))
    assert len(steps) == 1000
    assert len(reader.dump()) < 600_000


# -------------------------------------------------------------------- real logs


def real_records(path: Path) -> list[Record]:
    with path.open("rb") as stream:
        return [item for item in records_of(stream) if isinstance(item, Record)]


@real
@each_file
def test_real_logs_hold_the_promises(path: Path) -> None:
    fed = real_records(path)
    _, steps = check_promises(fed)
    check_again(fed, steps)
    resumed, same = run(fed, lambda at: at % 17 == 3)
    assert same == steps
    assert resumed.dump() == run(fed)[0].dump()


@real
@each_file
def test_real_logs_show_every_prompt_message_and_count_once(path: Path) -> None:
    fed = real_records(path)
    if any("trimmed for fixture" in str(record.value)[:2000] for record in fed):
        pytest.skip("its texts were all replaced by one")
    _, steps = run(fed)
    said = {"user_message": 0, "agent_message": 0}
    total: Any = None
    counted = 0
    for record in fed:
        inner = record.value.get("payload")
        if record.value.get("type") != "event_msg" or not isinstance(inner, dict):
            continue
        if inner.get("type") in said:
            said[inner["type"]] += 1
        told = inner.get("info") if inner.get("type") == "token_count" else None
        if isinstance(told, dict) and told.get("total_token_usage") not in (None, total):
            total = told["total_token_usage"]
            counted += told["last_token_usage"]["input_tokens"] + told["last_token_usage"]["output_tokens"]
    kinds = [step.kind for step in steps.values()]
    if said["user_message"] and path.parent.name.startswith("EntityProcess"):
        assert kinds.count("prompt") == said["user_message"]
        assert kinds.count("message") == said["agent_message"]
    assert sum(step.tokens.prompt + step.tokens.output for step in steps.values() if step.tokens) == counted
