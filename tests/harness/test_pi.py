"""Pi's reader, entry by entry: what becomes a step, what is known, what a log says about itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.harness.pi_logs import SESSION, Log, call, iso, read, records, text, thinking, used
from tracetui.harness import detect
from tracetui.harness.pi import HARNESS
from tracetui.model import Step, Tokens, ToolUse, from_iso


def kinds(steps: list[Step]) -> list[str]:
    return [step.kind for step in steps]


def test_a_plain_session() -> None:
    log = Log()
    log.add("model_change", provider="anthropic", modelId="claude-opus-4-5")
    log.add("thinking_level_change", thinkingLevel="high")
    log.user("Fix the flaky test")
    log.assistant(
        thinking("The window resets."),
        text("I look first."),
        call("c1", "bash", command="pytest -q"),
        usage=used(100, 0.5),
        responseId="resp_1",
    )
    log.result("c1", "1 failed\n\nCommand exited with code 1", is_error=True)
    log.assistant(text("Done."))
    reader, steps = read(log)
    assert kinds(steps) == ["prompt", "thinking", "message", "command", "message"]
    assert [step.number for step in steps] == [1, 2, 3, 4, 5]
    assert len({step.key for step in steps}) == 5
    prompt, thought, message, command, last = steps
    assert (prompt.text, prompt.summary, prompt.time) == ("Fix the flaky test", "Fix the flaky test", from_iso(iso(3)))
    assert thought.tokens == Tokens(100, 200, 300, 400)
    assert (thought.cost_usd, thought.model, thought.response) == (0.5, "claude-sonnet-4-5", "resp_1")
    assert (message.tokens, message.cost_usd, message.response) == (None, None, "resp_1")
    assert command.tool == ToolUse(
        "bash",
        {"command": "pytest -q"},
        "1 failed\n\nCommand exited with code 1",
        is_error=True,
        exit_code=1,
        call_id="c1",
        duration_ms=1000,
    )
    assert command.failed
    assert [source.line for source in command.sources] == [5, 6]
    assert last.response != thought.response
    facts = reader.facts
    assert (facts.harness, facts.session, facts.cwd, facts.version) == ("pi", SESSION, "/home/me/limit", "format 3")
    assert (facts.title, facts.model) == ("Fix the flaky test", "claude-sonnet-4-5")
    assert (facts.started, facts.ended) == (from_iso(iso(0)), from_iso(iso(6)))
    assert facts.cost_usd == 0.75
    assert reader.known == {"session": 1, "model_change": 1, "thinking_level_change": 1}
    assert not reader.unknown


def test_a_result_that_comes_later_hands_the_step_over_again() -> None:
    log = Log()
    log.assistant(call("c1", "read", path="a.py", offset=3, limit=4), text("and"))
    log.result("c1", "text of a", name="read")
    fed = records(log.data)
    reader = HARNESS.reader("x")
    for record in fed[:-1]:
        reader.feed(record)
    begun = reader.take()
    assert [(step.number, step.kind) for step in begun] == [(1, "read"), (2, "message")]
    assert begun[0].tool is not None
    assert begun[0].tool.output is None
    assert begun[0].summary == "a.py:3-6"
    assert reader.take() == []
    reader.feed(fed[-1])
    (done,) = reader.take()
    assert (done.number, done.key, done.tokens) == (1, begun[0].key, begun[0].tokens)
    assert done.tool is not None
    assert done.tool.output == "text of a"


def test_parallel_calls_are_told_apart() -> None:
    log = Log()
    log.assistant(call("a", "read", path="1"), call("b", "read", path="2"), call("c", "bash", command="x"))
    for name in ("c", "a", "b"):
        log.result(name, f"out {name}")
    _, steps = read(log)
    assert [(step.tool.call_id, step.tool.output) for step in steps if step.tool] == [
        ("a", "out a"),
        ("b", "out b"),
        ("c", "out c"),
    ]
    assert all(step.tool and step.tool.duration_ms is None for step in steps), "who waited for whom is not told"


def test_call_ids_used_again_or_missing() -> None:
    log = Log()
    log.assistant(call("call_0", "bash", command="first"))  # aborted, no result
    log.assistant(call("call_0", "bash", command="second"))
    log.result("call_0", "of second")
    log.assistant(call(None, "bash", command="third"), call(None, "bash", command="fourth"))
    log.message("toolResult", [text("of third")], toolName="bash", isError=False)
    log.message("toolResult", [text("of fourth")], toolName="bash", isError=False)
    _, steps = read(log)
    assert [step.tool.output for step in steps if step.tool] == [None, "of second", "of third", "of fourth"]


def test_a_result_without_its_call_is_a_step() -> None:
    log = Log()
    log.result("gone", "orphan", name="grep")
    _, (step,) = read(log)
    assert (step.kind, step.tool) == (
        "search",
        ToolUse("grep", None, "orphan", is_error=False, call_id="gone"),
    )


@pytest.mark.parametrize(
    ("output", "is_error", "details", "code", "failed"),
    [
        ("ok", False, None, None, False),
        ("see\n\nCommand exited with code 127", True, None, 127, True),
        ("cat says: Command exited with code 1", False, None, None, False),
        ("Command timed out after 5 seconds", True, None, None, True),
        ("Command exited with code 2\nand more after it", True, None, None, True),
        ("x", False, {"status": "completed", "exitCode": 0, "durationMs": 71, "aggregated": "x"}, 0, False),
        ("x", False, {"status": "completed", "exitCode": 3}, 3, True),
        (
            '{"status":"error"}',
            False,
            {"status": "error", "tool": "exec", "error": "no\n\nCommand exited with code 9"},
            9,
            True,
        ),
        ('{"status":"error","tool":"exec","error":"no\\n\\nCommand exited with code 1"}', False, None, 1, True),
        ('{"status":"completed","exitCode":0,"aggregated":"fine"}', False, None, 0, False),
        ("running", False, {"status": "running", "sessionId": "tidy-crest"}, None, False),
    ],
)
def test_exit_codes(output: str, is_error: bool, details: Any, code: int | None, failed: bool) -> None:
    log = Log()
    log.assistant(call("c", "exec" if details else "bash", command="x"))
    log.result("c", output, is_error=is_error, **({"details": details} if details else {}))
    _, (step,) = read(log)
    assert step.tool is not None
    assert (step.tool.exit_code, step.failed) == (code, failed)
    assert step.tool.duration_ms == (71 if details and "durationMs" in details else 1000)


def test_exit_codes_are_for_commands_only() -> None:
    log = Log()
    log.assistant(call("c", "read", path="x"))
    log.result("c", "Command exited with code 4", is_error=True, name="read")
    _, (step,) = read(log)
    assert step.tool is not None
    assert (step.tool.exit_code, step.tool.is_error) == (None, True)


def test_the_users_own_command() -> None:
    log = Log()
    log.message("bashExecution", command="git status", output="clean", exitCode=0, cancelled=False, truncated=False)
    log.message("bashExecution", command="false", output="", exitCode=1, cancelled=False, excludeFromContext=True)
    log.message("bashExecution", command="sleep 9", output="", cancelled=True)
    _, steps = read(log)
    assert kinds(steps) == ["command"] * 3
    assert steps[0].tool == ToolUse("bashExecution", {"command": "git status"}, "clean", is_error=False, exit_code=0)
    assert steps[0].summary == "! git status"
    assert [step.failed for step in steps] == [False, True, True]
    assert steps[1].tool is not None
    assert steps[1].tool.input == {"command": "false", "excludeFromContext": True}


def test_failed_responses_are_events_and_cost_nothing() -> None:
    log = Log()
    log.user("go")
    zero = {"input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0, "totalTokens": 0, "cost": {"total": 0}}
    log.assistant(usage=zero, stopReason="error", errorMessage="402 Insufficient Balance")
    log.assistant(usage=zero, stopReason="aborted")
    log.assistant(text("half an ans"), usage=used(5), stopReason="aborted", errorMessage="Request was aborted")
    log.assistant(thinking(""), usage=used(7), stopReason="length")
    log.assistant(usage=zero)
    reader, steps = read(log)
    assert [(step.kind, step.text) for step in steps] == [
        ("prompt", "go"),
        ("event", "402 Insufficient Balance"),
        ("event", "response aborted"),
        ("message", "half an ans"),
        ("event", "Request was aborted"),
        ("event", "empty response (length)"),
    ]
    assert [step.tokens.prompt if step.tokens else None for step in steps] == [None, None, None, 40, None, 56]
    assert reader.known["message/assistant/empty"] == 1


def test_no_token_of_a_log_is_lost_or_counted_twice() -> None:
    log = Log()
    for n in range(1, 6):
        log.assistant(thinking("t"), text("m"), call(f"c{n}", "bash", command="x"), usage=used(n))
        log.result(f"c{n}", "out")
    _, steps = read(log)
    total = sum((step.tokens for step in steps if step.tokens), Tokens())
    assert total == Tokens(15, 30, 45, 60)
    assert len([step for step in steps if step.tokens]) == 5


def test_costs_of_usage_entries_and_tools_count() -> None:
    log = Log()
    log.assistant(text("a"), usage=used(1, 0.5))
    log.add("usage", kind="title", provider="p", model="m", usage=used(1, 0.25))
    log.assistant(call("c", "task", prompt="x"), usage=used(1, 1.0))
    log.result("c", "done", name="task", usage=used(9, 2.0))
    log.add("compaction", summary="so far", firstKeptEntryId="x", tokensBefore=9, usage=used(3, 4.0))
    reader, steps = read(log)
    assert reader.facts.cost_usd == 7.75
    assert reader.known["usage"] == 1
    assert [(step.kind, step.cost_usd) for step in steps] == [("message", 0.5), ("agent", 1.0), ("compaction", 4.0)]


def test_a_log_that_states_no_cost_has_none() -> None:
    log = Log()
    log.assistant(text("a"), usage=used(1, None))
    reader, (step,) = read(log)
    assert (reader.facts.cost_usd, step.cost_usd) == (None, None)


def test_format_1_is_linear_and_has_no_ids() -> None:
    log = Log(version=None, linear=True, provider="anthropic", modelId="claude-3-7", thinkingLevel="off")
    log.user("hello")
    log.assistant(call("t1", "write", file_path="/x/hello.py", content="print()\n"))
    log.result("t1", "File written", name="write")
    log.add("compaction", summary="all so far", firstKeptEntryIndex=0, tokensBefore=10)
    reader, steps = read(log)
    assert kinds(steps) == ["prompt", "edit", "compaction"]
    assert [step.key for step in steps] == ["L2", "L3:0", "L5"]
    assert reader.facts.version == "format 1"
    reader, _ = read(Log(version=None, linear=True, modelId="claude-3-7"))
    assert reader.facts.model == "claude-3-7"


def test_format_2_hook_messages_are_events() -> None:
    log = Log(version=2)
    log.message("hookMessage", "lint found 3 problems", customType="lint", display=True)
    reader, (step,) = read(log)
    assert (step.kind, step.text, step.summary) == ("event", "lint found 3 problems", "lint: lint found 3 problems")
    assert reader.facts.version == "format 2"


def test_branches_are_read_in_file_order() -> None:
    log = Log()
    first = log.user("one way")
    log.assistant(text("went one way"))
    log.add("branch_summary", parent=first, fromId="x", summary="The other branch tried A.", usage=used(2, 0.5))
    log.user("another way", parent=first)
    log.add("label", targetId=first, label="start")
    log.assistant(text("went another way"), parent=first)
    reader, steps = read(log)
    assert [(step.kind, step.text) for step in steps] == [
        ("prompt", "one way"),
        ("message", "went one way"),
        ("event", "The other branch tried A."),
        ("prompt", "another way"),
        ("message", "went another way"),
    ]
    assert steps[2].tokens == Tokens(2, 4, 6, 8)
    assert reader.known == {"session": 1, "label": 1}


def test_what_is_context_and_what_is_state() -> None:
    log = Log()
    log.message(
        "system", "You are Pi.", sections={"guidelines": "short"}, toolsAdded=[{"name": "read", "parameters": {}}]
    )
    log.message("system", "", toolsRemoved=[{"name": "read"}])
    log.message("system", [text("diagnostic summary updated")])
    log.add("custom", customType="codemode-store", data={"x": 1})
    log.add("custom_message", customType="plan", content="stay in plan mode", display=False)
    log.add("custom_message", customType="plan", content="", display=False)
    log.message("custom", [text("told")], customType="memo", display=True)
    log.add("context_edit", targetId="x", replacement=None)
    log.add("session_info", name="  Limits \n of  rates ")
    log.add("label", targetId="x")
    log.add("leaf", targetId="x")
    log.message("narrator", "once upon")
    log.add("message", message="no message")
    log.values.append({"type": 7})
    log.values.append({})
    reader, steps = read(log)
    assert [(step.kind, step.text) for step in steps] == [
        ("event", "diagnostic summary updated"),
        ("event", "stay in plan mode"),
        ("event", "told"),
    ]
    assert reader.facts.title == "Limits of rates"
    assert reader.known == {
        "session": 1,
        "message/system": 2,
        "custom": 1,
        "custom_message/empty": 1,
        "context_edit": 1,
        "session_info": 1,
        "label": 1,
    }
    assert reader.unknown == {"leaf": 1, "message/narrator": 1, "message": 1, "?": 2}


def test_the_last_title_wins_and_may_be_taken_back() -> None:
    log = Log()
    log.user("first words")
    log.add("session_info", name="A")
    log.add("session_info", name="B")
    assert read(log)[0].facts.title == "B"
    log.add("session_info", name="")
    assert read(log)[0].facts.title == "first words"


def test_compaction_with_a_kept_tail_counts_nothing_twice() -> None:
    log = Log()
    log.user("go")
    tail = [{"role": "user", "content": "go"}, {"role": "assistant", "content": [text("kept")], "usage": used(50)}]
    log.add("compaction", summary="Goal: go", tokensBefore=50_000, retainedTail=tail, fromHook=False)
    _, steps = read(log)
    assert [(step.kind, step.text) for step in steps] == [("prompt", "go"), ("compaction", "Goal: go")]
    assert steps[1].tokens is None


def test_nested_calls_belong_to_their_step() -> None:
    log = Log()
    log.assistant(call("c", "codemode", code="await edit()"))
    nested = {
        "complete": True,
        "calls": [
            {"id": "n1", "name": "read", "status": "ok", "arguments": {"path": "a.py"}},
            {"id": "n2", "name": "edit", "status": "ok", "arguments": {"path": "a.py", "oldText": "1", "newText": "2"}},
            {"id": "n3", "name": "write", "status": "error", "arguments": {"path": "b", "content": "x"}, "error": "no"},
        ],
    }
    log.result("c", "done", name="codemode", nestedCalls=nested)
    fed = records(log.data)
    _, (step,) = read(log)
    assert step.kind == "edit"
    assert step.text == "read a.py\nedit a.py\nwrite b (failed)"
    (edit,) = HARNESS.edits(step, fed[1:])
    assert (edit.path, edit.pieces) == ("a.py", (("1", "2"),))


# --- other sessions' history -----------------------------------------------------------------------------------------


def test_a_forks_inherited_history_is_not_its_own() -> None:
    parent = (
        "/home/me/.pi/agent/sessions/--home-me--/2026-05-01T10-00-00-000Z_019a0000-aaaa-7bbb-8ccc-ddddeeeeffff.jsonl"
    )
    log = Log(parentSession=parent)
    log.add("model_change", at=-100, provider="p", modelId="old-model")
    log.user("asked there", at=-90)
    log.assistant(text("answered there"), usage=used(1000, 9.0), at=-80)
    log.add("session_info", at=-70, name="Named there")
    log.user("asked here", at=5)
    log.assistant(text("answered here"), usage=used(1, 0.5))
    reader, steps = read(log)
    assert [step.text for step in steps] == ["asked here", "answered here"]
    assert [step.number for step in steps] == [1, 2]
    assert reader.known == {"session": 1, "inherited": 4}
    facts = reader.facts
    assert (facts.forked_from, facts.parent) == ("019a0000-aaaa-7bbb-8ccc-ddddeeeeffff", None)
    assert (facts.title, facts.cost_usd, facts.started) == ("Named there", 0.5, from_iso(iso(0)))


def test_a_session_started_by_another_one_has_a_parent() -> None:
    log = Log(parentSession="C:\\logs\\019a0000-aaaa-7bbb-8ccc-ddddeeeeffff.jsonl")
    log.user("subtask")
    reader, steps = read(log)
    assert len(steps) == 1
    assert (reader.facts.parent, reader.facts.forked_from) == ("019a0000-aaaa-7bbb-8ccc-ddddeeeeffff", None)
    old, _ = read(Log(version=None, linear=True, branchedFrom="/s/2025-12-01T10-00-00-000Z_abcd-1.jsonl"))
    assert old.facts.forked_from == "abcd-1"
    hostile, _ = read(Log(parentSession="../../etc/pass wd\n"))
    assert (hostile.facts.parent, hostile.facts.forked_from) == (None, None)


def test_a_record_held_twice_begins_one_step() -> None:
    log = Log()
    log.user("once")
    log.assistant(call("c", "bash", command="x"))
    log.result("c", "out")
    log.values += [log.values[1], log.values[3]]
    reader, steps = read(log)
    assert kinds(steps) == ["prompt", "command"]
    assert reader.known["duplicate"] == 2


def test_header_and_entries_written_a_second_time() -> None:
    log = Log()
    for n in range(200):
        log.user(f"question {n}")
    own = list(log.values)
    log.values += own
    log.user("after")
    reader, steps = read(log)
    assert len(steps) == 201
    assert reader.known == {"session": 2, "duplicate": 200}


# --- identity, detection, OpenClaw -----------------------------------------------------------------------------------


def test_identity() -> None:
    log = Log()
    log.user("x")
    assert read(log, "whatever")[0].facts.session == SESSION
    headless = b"".join(orjson.dumps(value) + b"\n" for value in log.values[1:])
    assert read(headless)[0].facts.session == SESSION
    assert read(headless, "plain-id")[0].facts.session == "plain-id"
    assert read(headless, f"{SESSION}.jsonl.reset.2026-01-01T00-00-00.000Z")[0].facts.session == SESSION
    two = orjson.dumps(log.values[0] | {"id": "other"}) + b"\n" + log.data
    assert read(two)[0].facts.session == SESSION, "the one in the file's name wins"
    assert read(two, "elsewhere")[0].facts.session == "other", "else the first"


def head(*values: dict[str, Any]) -> Any:
    return detect(list(values))


def test_detection() -> None:
    log = Log()
    log.user("x")
    log.assistant(text("y"))
    assert head(*log.values) is HARNESS
    assert head(log.values[0]) is HARNESS
    assert head(*log.values[1:]) is HARNESS, "a log whose first line is lost"
    linear = Log(version=None, linear=True)
    linear.user("x")
    assert head(*linear.values) is HARNESS
    future = Log(version=4)
    future.add("something_new", data=1)
    assert head(*future.values) is HARNESS


@pytest.mark.parametrize(
    "values",
    [
        [],
        [{}],
        [{"type": "session", "harness": "llama.app", "id": "x", "timestamp": "2026-01-01T00:00:00Z", "cwd": "/"}],
        [
            {"type": "session", "harness": "llama.app", "id": "x", "name": "n"},
            {"type": "message", "message": {"role": "user", "content": "hi"}},
        ],
        [
            {"type": "session", "version": 3, "id": "x", "createdAt": 1_700_000_000_000, "cwd": "/"},
            {"type": "message", "seq": 1, "time": 5, "data": {"role": "user"}},
        ],
        [
            {"type": "session", "version": 0, "id": "x", "timestamp": "2026-01-01T00:00:00Z", "cwd": "/"},
            {"type": "message", "seq": 1, "time": 5, "data": {}},
        ],
        [{"type": "session_meta", "id": "x", "timestamp": "2026-01-01T00:00:00Z", "cwd": "/"}],
        [
            {"type": "session_start", "id": "x", "version": 2, "cwd": "/"},
            {
                "type": "message",
                "id": "m",
                "parentId": None,
                "timestamp": "2026-01-01T00:00:00Z",
                "message": {"role": "user", "content": [{"type": "text", "text": "hi"}]},
            },
        ],
        [{"type": "session", "version": 3, "id": "x", "timestamp": "2026-01-01T00:00:00Z"}, {"type": "turn", "n": 1}],
        [{"type": "session.start", "data": {}, "id": "x", "parentId": None, "timestamp": "2026-01-01T00:00:00Z"}],
        [{"type": "user", "uuid": "u", "sessionId": "s", "parentUuid": None, "message": {"role": "user"}}],
    ],
)
def test_what_is_not_pis(values: list[dict[str, Any]]) -> None:
    assert not HARNESS.detect(values)


def test_openclaw_text_is_not_a_prompt() -> None:
    log = Log()
    log.user("Read HEARTBEAT.md if it exists (workspace context). Follow it strictly.")
    reader, steps = read(log)
    assert (kinds(steps), reader.facts.warmup, reader.facts.title) == (["event"], True, None)
    log.user("[Thu 2026-02-26 12:36 GMT+8] Agent-to-agent announce step.")
    log.user('Conversation info (untrusted metadata):\n```json\n{\n  "timestamp": "Sat"\n}\n```\n\nhow are the limits')
    log.user("[Mon 2026-03-02 20:07 GMT+8] look again")
    reader, steps = read(log)
    assert kinds(steps) == ["event", "event", "prompt", "prompt"]
    assert [step.summary for step in steps[2:]] == ["how are the limits", "look again"]
    assert steps[2].text is not None
    assert steps[2].text.startswith("Conversation info")
    assert (reader.facts.warmup, reader.facts.title) == (False, "how are the limits")


def test_a_skill_is_told_by_its_name() -> None:
    log = Log()
    log.user('<skill name="deploy" location="/s/deploy/SKILL.md">\nlong body\n</skill>\n\nto staging')
    reader, (step,) = read(log)
    assert (step.kind, step.summary, reader.facts.title) == (
        "prompt",
        "/skill:deploy to staging",
        "/skill:deploy to staging",
    )


def test_images_are_counted_and_named() -> None:
    log = Log()
    image = {"type": "image", "data": "QUJD" * 3000, "mimeType": "image/png"}
    log.message("user", [text("look"), image])
    log.assistant(call("c", "read", path="a.png"))
    log.message("toolResult", [image], toolCallId="c", toolName="read", isError=False)
    _, steps = read(log)
    assert [step.images for step in steps] == [1, 1]
    assert steps[0].text == "look\n[image png 9 kB]"
    assert steps[1].tool is not None
    assert steps[1].tool.output == "[image png 9 kB]"


def test_roots(tmp_path: Path) -> None:
    def paths(**environ: str) -> list[str]:
        return [str(root.path) for root in HARNESS.roots(environ, tmp_path)]

    assert paths() == [str(tmp_path / ".pi/agent/sessions")]
    assert paths(PI_CODING_AGENT_DIR="/a") == ["/a/sessions"]
    assert paths(PI_CODING_AGENT_DIR="/a", PI_CODING_AGENT_SESSION_DIR="~/s") == [str(tmp_path / "s")]
    (tmp_path / ".pi/agent").mkdir(parents=True)
    (tmp_path / ".pi/agent/settings.json").write_text('{"sessionDir": "~/elsewhere"}')
    assert paths() == [str(tmp_path / ".pi/agent/sessions"), str(tmp_path / "elsewhere")]
    for agent in ("main", "coding"):
        (tmp_path / ".openclaw/agents" / agent / "sessions").mkdir(parents=True)
    (tmp_path / ".openclaw/agents/link").symlink_to(tmp_path, target_is_directory=True)
    claw = list(HARNESS.roots({"PI_CODING_AGENT_SESSION_DIR": "/s"}, tmp_path))
    assert [str(root.path.relative_to(tmp_path)) for root in claw[1:]] == [
        ".openclaw/agents/coding/sessions",
        ".openclaw/agents/main/sessions",
    ]


def test_openclaws_kept_files_are_found(tmp_path: Path) -> None:
    from tracetui.harness.roots import discover

    folder = tmp_path / ".openclaw/agents/main/sessions"
    folder.mkdir(parents=True)
    names = [
        "a.checkpoint.1111.jsonl",
        "a.jsonl",
        "b.jsonl.deleted.2026-01-01T00-00-00.000Z",
        "c.jsonl.reset.2026-01-01T00-00-00.000Z",
    ]
    for name in [*names, "sessions.json", "d.jsonl.lock"]:
        (folder / name).write_text("{}\n")
    assert [Path(file.path).name for file in discover({}, tmp_path, [HARNESS])] == names


def test_resume() -> None:
    reader, _ = read(Log())
    assert HARNESS.resume(reader.facts) == ["pi", "--session", SESSION]


# --- edits -----------------------------------------------------------------------------------------------------------


def edits_of(name: str, given: Any, *, is_error: bool = False, result: bool = True, **rest: Any) -> list[Any]:
    log = Log()
    log.assistant({"type": "toolCall", "id": "c", "name": name, "arguments": given})
    if result:
        log.result("c", "done", name=name, is_error=is_error, **rest)
    _, (step,) = read(log)
    return HARNESS.edits(step, records(log.data)[1:])


def test_edit_shapes() -> None:
    (one,) = edits_of("edit", {"path": "a.py", "oldText": "x = 1", "newText": "x = 2"})
    assert (one.path, one.op, one.pieces, one.replace_all) == ("a.py", "update", (("x = 1", "x = 2"),), False)
    (one,) = edits_of(
        "edit", {"path": "a", "edits": [{"oldText": "1", "newText": "2"}, {"oldText": "3", "newText": ""}]}
    )
    assert one.pieces == (("1", "2"), ("3", ""))
    (one,) = edits_of("edit", {"path": "a", "edits": '[{"oldText":"1","newText":"2"}]'})
    assert one.pieces == (("1", "2"),)
    (one,) = edits_of("Edit", {"file_path": "/x/a", "old_string": "1", "new_string": "2", "replace_all": True})
    assert (one.path, one.pieces, one.replace_all) == ("/x/a", (("1", "2"),), True)
    (one,) = edits_of("write", {"path": "n.py", "content": "print()\n"})
    assert (one.path, one.op, one.before, one.after) == ("n.py", "update", None, "print()\n")
    patch = "*** Begin Patch\n*** Add File: new.txt\n+hi\n*** Update File: old.txt\n@@\n-a\n+b\n*** End Patch\n"
    added, changed = edits_of("apply_patch", {"input": patch})
    assert (added.op, added.path, added.after) == ("add", "new.txt", "hi\n")
    assert (changed.op, changed.path, changed.pieces) == ("update", "old.txt", (("a\n", "b\n"),))


def test_the_display_diff_is_never_a_patch() -> None:
    diff = "  1 keep\n- 2 gone\n+ 2 come"
    (one,) = edits_of("edit", {"path": "a", "oldText": "gone", "newText": "come"}, details={"diff": diff})
    assert one.pieces == (("gone", "come"),)
    assert edits_of("edit", {"path": "a"}, details={"diff": diff}) == []


def test_what_was_not_done_is_no_edit() -> None:
    given = {"path": "a", "oldText": "1", "newText": "2"}
    assert edits_of("edit", given, is_error=True) == []
    assert edits_of("edit", given, result=False) == []
    assert edits_of("edit", given, details={"status": "error", "tool": "edit", "error": "no match"}) == []
    assert edits_of("read", given) == []
    for odd in (
        {},
        {"path": "a"},
        {"path": 3, "content": "x"},
        {"path": "a", "content": 7},
        {"path": "a", "edits": [4]},
    ):
        assert edits_of("edit", odd) == []
    for odd in ("not json", None, 7, [1]):
        assert edits_of("write", odd) == []
