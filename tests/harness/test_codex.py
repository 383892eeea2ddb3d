"""Codex logs become steps: each of the three generations, and every record that is held twice only once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.harness.codex_logs import STEM, THREAD, Log, iso, kinds, lines_of, ms, read
from tracetui.harness import HARNESSES
from tracetui.harness.codex import HARNESS
from tracetui.model import LogFacts, Step

ENVIRONMENT = "<environment_context>\n  <cwd>/home/me/limit</cwd>\n</environment_context>"


def bare(kind: str, **rest: Any) -> dict[str, Any]:
    return {"type": kind, "id": None} | rest


def old(role: str, text: str) -> dict[str, Any]:
    return bare("message", role=role, content=[{"type": "input_text", "text": text}])


# -------------------------------------------------------------------- generation A


def old_log() -> list[dict[str, Any]]:
    answer = orjson.dumps({"output": "a.py\n", "metadata": {"exit_code": 0, "duration_seconds": 0.3}}).decode()
    return [
        {"id": THREAD, "timestamp": iso(0), "instructions": None, "git": {"commit_hash": "ab12", "branch": "main"}},
        {"record_type": "state"},
        old("user", "<user_instructions>\n\nBe brief.\n\n</user_instructions>"),
        old("user", "<environment_context>\nCurrent working directory: /srv/app\nApproval policy: never\n"),
        old("user", "list the files"),
        bare("reasoning", summary=[], content=[{"type": "reasoning_text", "text": "They want a list."}]),
        bare("function_call", name="shell", arguments='{"command":["bash","-lc","ls"]}', call_id="c1"),
        bare("function_call_output", call_id="c1", output=answer),
        {"record_type": "state"},
        bare("message", role="assistant", content=[{"type": "output_text", "text": "One file."}]),
    ]


def test_generation_a() -> None:
    reader, steps = read(old_log())
    assert kinds(steps) == ["event", "event", "prompt", "thinking", "command", "message"]
    assert [step.time for step in steps] == [None] * 6
    assert steps[4].tool is not None
    assert (steps[4].tool.output, steps[4].tool.exit_code, steps[4].tool.duration_ms) == ("a.py\n", 0, 300)
    assert lines_of(steps[4]) == [7, 8]
    assert steps[3].text == "They want a list."
    facts = reader.facts
    assert (facts.session, facts.cwd, facts.commit, facts.branch) == (THREAD, "/srv/app", "ab12", "main")
    assert (facts.started, facts.title) == (ms(0), "list the files")
    assert reader.known == {"session_meta": 1, "state": 2}


def test_generation_a_takes_its_date_from_the_name_of_the_file() -> None:
    values = old_log()
    del values[0]["timestamp"]
    reader, _ = read(values, f"rollout-2025-08-21T06-29-22-{THREAD}")
    assert reader.facts.started == 1755757762000
    assert reader.facts.ended == reader.facts.started


# -------------------------------------------------------------------- generation B


def legacy() -> Log:
    log = Log(git={"commit_hash": "c0ffee", "branch": "fix", "repository_url": "https://me:key@example.org/limit.git"})
    log.turn("t1")
    log.developer("<permissions instructions>All is allowed.</permissions instructions>")
    log.user("# AGENTS.md instructions for /home/me/limit\n\n<INSTRUCTIONS>Test first.</INSTRUCTIONS>")
    log.asked("fix the flaky test")
    log.event("agent_reasoning", text="**Looking at the test**")
    log.thought("**Looking at the test**")
    log.answered("I look at the test first.")
    log.call("exec_command", {"cmd": "pytest -q tests/test_limit.py", "workdir": "/home/me/limit"}, "c1")
    log.call("exec_command", {"cmd": "git log -3"}, "c2")
    log.output("Chunk ID: 1a\nWall time: 4.1 seconds\nProcess exited with code 1\nOutput:\n1 failed\n", "c1")
    log.output("Chunk ID: 2b\nWall time: 0.0 seconds\nProcess exited with code 0\nOutput:\nc0ffee\n", "c2")
    log.tokens(1200, (1000, 600, 200))
    log.thought()
    log.answered("Fixed.")
    log.tokens(2500, (1250, 1000, 50))
    log.event("task_complete", turn_id="t1", last_agent_message="Fixed.")
    return log


def test_generation_b_holds_everything_once() -> None:
    reader, steps = read(legacy())
    assert kinds(steps) == ["event", "event", "prompt", "thinking", "message", "command", "command", "message"]
    assert [step.text for step in steps if step.kind == "prompt"] == ["fix the flaky test"]
    assert reader.known["duplicate"] == 4
    assert reader.known["response_item/reasoning"] == 1
    assert not reader.unknown
    first, second = steps[5], steps[6]
    assert first.tool is not None
    assert second.tool is not None
    assert (first.tool.name, first.tool.exit_code, first.tool.is_error) == ("exec_command", 1, True)
    assert (first.tool.output, first.tool.duration_ms) == ("1 failed\n", 4100)
    assert first.summary == "pytest -q tests/test_limit.py"
    assert first.failed
    assert not second.failed
    assert second.tool.output == "c0ffee\n"
    assert second.tool.input == {"cmd": "git log -3"}


def test_facts_of_generation_b() -> None:
    reader, _ = read(legacy())
    facts = reader.facts
    assert facts.session == THREAD
    assert facts.title == "fix the flaky test"
    assert (facts.cwd, facts.branch, facts.commit) == ("/home/me/limit", "fix", "c0ffee")
    assert facts.repo == "https://example.org/limit.git", "a password in the address is not shown"
    assert (facts.model, facts.version, facts.window) == ("gpt-5.5", "0.142.0", 258_400)
    assert (facts.started, facts.ended, facts.headless) == (ms(0), ms(legacy().clock), False)


def test_the_model_of_a_step_is_that_of_its_turn() -> None:
    log = Log()
    log.turn(model="gpt-5.5")
    log.asked("one")
    log.answered("first")
    log.turn(model="gpt-5.5-mini")
    log.asked("two")
    log.answered("second")
    _, steps = read(log)
    assert [step.model for step in steps] == [None, "gpt-5.5", None, "gpt-5.5-mini"]


def test_the_same_words_twice_are_two_prompts() -> None:
    log = Log()
    for _ in range(3):
        log.asked("continue")
        log.answered("Done.")
    _, steps = read(log)
    assert kinds(steps) == ["prompt", "message"] * 3


@pytest.mark.parametrize("event_first", [True, False])
def test_the_first_of_two_records_begins_the_step(event_first: bool) -> None:
    log = Log()
    if event_first:
        log.event("user_message", message="hello", images=[])
        log.add("turn_context", {"model": "gpt-5.5"})
        log.user("hello")
        log.said("hi")
        log.event("agent_message", message="hi")
    else:
        log.user("hello")
        log.add("turn_context", {"model": "gpt-5.5"})
        log.event("user_message", message="hello", images=[])
        log.event("agent_message", message="hi")
        log.said("hi")
    _, steps = read(log)
    assert [(step.kind, lines_of(step)) for step in steps] == [("prompt", [2]), ("message", [5])]


def test_only_items_or_only_events_show_the_whole_session() -> None:
    items, events = Log(), Log()
    items.user("hello")
    items.thought("hm")
    items.said("hi")
    events.event("user_message", message="hello")
    events.event("agent_reasoning", text="hm")
    events.event("agent_message", message="hi")
    for log in (items, events):
        _, steps = read(log)
        assert [(step.kind, step.text) for step in steps] == [
            ("prompt", "hello"),
            ("thinking", "hm"),
            ("message", "hi"),
        ]


def test_parts_of_a_summary_and_their_events_are_one_thought_each() -> None:
    log = Log()
    log.event("agent_reasoning", text="first part")
    log.event("agent_reasoning", text="second part")
    log.thought("first part", "second part")
    log.thought("third", "fourth")
    log.event("agent_reasoning", text="third")
    log.event("agent_reasoning", text="fourth")
    _, steps = read(log)
    assert [step.text for step in steps] == ["first part", "second part", "third\n\nfourth"]


def test_citations_and_plans_that_events_leave_out_do_not_make_a_second_message() -> None:
    log = Log()
    log.event("agent_message", message="It is in limit.py.")
    log.said("It is in limit.py.<oai-mem-citation>limit.py:3</oai-mem-citation>")
    log.done("Plan", text="1. Test\n2. Fix")
    log.said("<proposed_plan>1. Test\n2. Fix</proposed_plan>")
    log.said("Here it is.\n<proposed_plan>1. Rest</proposed_plan>")
    log.event("agent_message", message="Here it is.")
    log.done("Plan", text="1. Rest")
    _, steps = read(log)
    assert kinds(steps) == ["message", "plan", "message"]


def test_harness_text_is_no_prompt() -> None:
    texts = [
        ENVIRONMENT,
        "# AGENTS.md instructions for /x\n\n<INSTRUCTIONS>\nbe brief\n</INSTRUCTIONS>",
        "<user_instructions>be brief</user_instructions>",
        "<skill>\n<name>test</name>\nbody\n</skill>",
        "<turn_aborted>\nThe user interrupted.\n</turn_aborted>",
        "<user_action>review</user_action>",
        "<recommended_plugins>none</recommended_plugins>",
        "<permissions instructions>all</permissions instructions>",
        '<subagent_notification>{"agent_path":"/root/a"}</subagent_notification>',
        "<user_shell_command><command>ls</command></user_shell_command>",
        "<some_future_context>new</some_future_context>",
    ]
    log = Log()
    for text in texts:
        log.user(text)
    log.developer("be careful")
    _, steps = read(log)
    assert kinds(steps) == ["event"] * (len(texts) + 1)
    assert steps[0].text == ENVIRONMENT


def test_human_text_stays_a_prompt() -> None:
    texts = [
        "<div>why is this not shown?</div>",
        "What does <environment_context> mean?",
        "<b>bold</b>",
        "#1 is the best",
        "1 < 2",
        "<",
        "",
    ]
    log = Log()
    for text in texts:
        log.user(text)
    _, steps = read(log)
    assert [step.text for step in steps if step.kind == "prompt"] == texts[:-1]


def test_what_an_ide_wrapped_around_a_request_is_left_out() -> None:
    wrapped = "# Context from my IDE setup:\n\n## Open tabs:\n- a.py\n\n## My request for Codex:\nrename it\nplease\n"
    log = Log()
    log.asked(wrapped)
    log.asked("say '## My request for Codex:' aloud")
    reader, steps = read(log)
    assert [step.text for step in steps] == ["rename it\nplease", "say '## My request for Codex:' aloud"]
    assert reader.facts.title == "rename it please"


def test_the_kinds_of_content_items_tell_human_words() -> None:
    log = Log()
    content = [{"type": "input_text", "text": "generated"}, {"type": "input_text", "text": "<skill>mine</skill>"}]
    told = {"content_item_kinds": ["hooks.additional_context", "user.text"]}
    log.item("message", role="user", content=content, internal_chat_message_metadata_passthrough=told)
    log.item(
        "message",
        role="user",
        content=content[:1],
        internal_chat_message_metadata_passthrough={"content_item_kinds": ["agents_md.instructions"]},
    )
    _, steps = read(log)
    assert [(step.kind, step.text) for step in steps] == [("prompt", "<skill>mine</skill>"), ("event", "generated")]


def test_images_of_a_prompt_are_counted_whichever_record_holds_them() -> None:
    log = Log()
    picture = {"type": "input_image", "image_url": "data:image/png;base64," + "A" * 400}
    content = [
        {"type": "input_text", "text": "<image name=[Image #1]>"},
        picture,
        {"type": "input_text", "text": "</image>"},
        {"type": "input_text", "text": "what is this?"},
    ]
    log.event("user_message", message="what is this?", images=[])
    log.item("message", role="user", content=content)
    log.item("message", role="user", content=[picture])
    _, steps = read(log)
    assert [(step.text, step.images, lines_of(step)) for step in steps] == [
        ("what is this?", 1, [2, 3]),
        ("[image png 300 B]", 1, [4]),
    ]


# -------------------------------------------------------------------- generation C


def paginated() -> Log:
    log = Log(ordinals=True, cli_version="0.153.0", cwd="file:///home/me/my%20app")
    log.turn("t1")
    log.done("UserMessage", content=[{"type": "text", "text": "fix it"}])
    log.done("Reasoning", summary_text=["**Reading**"], raw_content=[])
    log.done("Reasoning", summary_text=[], raw_content=[])
    log.done("AgentMessage", content=[{"type": "Text", "text": "I read it."}])
    log.done(
        "CommandExecution",
        id="exec-1",
        command=["bash", "-lc", "cat a.py"],
        cwd="/home/me",
        status="failed",
        aggregated_output="no such file",
        exit_code=1,
        duration={"secs": 1, "nanos": 500_000_000},
    )
    changes = {"/home/me/a.py": {"type": "add", "content": "x = 1\n"}}
    log.done("FileChange", id="patch-1", changes=changes, status="completed", stdout="Success.")
    log.done(
        "McpToolCall",
        id="mcp-1",
        server="github",
        tool="get_issue",
        arguments={"number": 7},
        status="completed",
        result={"content": [{"type": "text", "text": "open"}], "isError": False},
    )
    action = {"type": "search", "query": "rate limit"}
    log.done("WebSearch", id="ws-1", query="rate limit", action=action)
    log.done("ImageView", id="view-1", path="/home/me/a.png")
    log.done(
        "CollabAgentToolCall",
        id="agent-1",
        tool="spawnAgent",
        status="completed",
        sender_thread_id=THREAD,
        receiver_thread_ids=["child-9"],
        prompt="look around",
    )
    log.done("Plan", text="1. Do it")
    log.done("ContextCompaction")
    log.add("compacted", {"message": "So far: a.py was added.", "replacement_history": []})
    log.done("HookPrompt", fragments=[{"text": "run the linter", "hookRunId": "h1"}])
    log.done("Sleep", duration_ms=1500)
    log.tokens(500, (400, 0, 100))
    log.done("SomethingNew", value=1)
    return log


def test_generation_c_without_response_items() -> None:
    reader, steps = read(paginated())
    assert kinds(steps) == [
        *("prompt", "thinking", "message", "command", "edit", "tool", "web", "read", "agent", "plan", "compaction"),
        *("event", "event"),
    ]
    by_kind: dict[str, Step] = {step.kind: step for step in steps}
    command = by_kind["command"].tool
    assert command is not None
    assert (command.output, command.exit_code, command.is_error) == ("no such file", 1, True)
    assert (command.duration_ms, command.call_id) == (1500, "exec-1")
    assert by_kind["command"].summary == "cat a.py"
    assert by_kind["edit"].summary == "/home/me/a.py"
    tool = by_kind["tool"].tool
    assert tool is not None
    assert (tool.name, tool.input, tool.output, tool.is_error) == (
        "mcp__github__get_issue",
        {"number": 7},
        "open",
        False,
    )
    assert by_kind["agent"].thread == "child-9"
    assert (by_kind["compaction"].text, lines_of(by_kind["compaction"])) == ("So far: a.py was added.", [15, 16])
    assert by_kind["plan"].text == "1. Do it"
    assert reader.facts.cwd == "/home/me/my app"
    assert reader.unknown == {"event_msg/item_completed/SomethingNew": 1}


def test_generation_c_with_response_items_beside_its_items_is_not_double() -> None:
    log = Log(ordinals=True)
    log.turn("t1")
    log.user("fix it")
    log.done("UserMessage", content=[{"type": "text", "text": "fix it"}])
    log.thought("**Reading**", id="rs_1")
    log.done("Reasoning", id="rs_1", summary_text=["**Reading**"])
    log.done("AgentMessage", id="msg_1", content=[{"type": "Text", "text": "I read it."}])
    log.said("I read it.<citations>a.py</citations>", id="msg_1")
    log.call("exec_command", {"cmd": "cat a.py"}, "call_1")
    log.done("CommandExecution", id="call_1", command=["cat", "a.py"], exit_code=0, aggregated_output="x\n")
    log.output("Wall time: 0.2 seconds\nProcess exited with code 0\nOutput:\nx\n", "call_1")
    log.done("FileChange", id="call_2", changes={"a.py": {"type": "delete", "content": "x\n"}}, status="completed")
    log.custom("apply_patch", "*** Begin Patch\n*** Delete File: a.py\n*** End Patch", "call_2")
    log.output("Success. Updated the following files:\nD a.py\n", "call_2", custom=True)
    log.said("Gone.")
    reader, steps = read(log)
    assert [(step.kind, lines_of(step)) for step in steps] == [
        ("prompt", [4]),
        ("thinking", [6]),
        ("message", [8]),
        ("command", [10, 11, 12]),
        ("edit", [13, 14, 15]),
        ("message", [16]),
    ]
    assert reader.known["duplicate"] == 3
    edit = steps[4].tool
    assert edit is not None
    assert edit.name == "apply_patch"
    assert edit.is_error is False
    assert edit.input.startswith("*** Begin Patch")


def test_inner_calls_of_code_mode_are_steps_of_their_own() -> None:
    log = Log(ordinals=True)
    script = 'const r = await tools.exec_command({cmd: "pytest -q", workdir: "/x"});\ntext(r.output);'
    log.custom("exec", script, "call_1")
    log.done("CommandExecution", id="inner-1", command=["bash", "-lc", "pytest -q"], exit_code=1, aggregated_output="F")
    log.output(
        [
            {"type": "input_text", "text": "Script completed\nWall time 3.1 seconds\nOutput:\n"},
            {"type": "input_text", "text": "1 failed"},
        ],
        "call_1",
        custom=True,
    )
    _, steps = read(log)
    assert [(step.kind, lines_of(step)) for step in steps] == [("command", [2, 4]), ("command", [3])]
    outer, inner = steps[0].tool, steps[1].tool
    assert outer is not None
    assert inner is not None
    assert (outer.name, outer.output, outer.duration_ms) == ("exec", "1 failed", 3100)
    assert steps[0].summary == "pytest -q"
    assert inner.exit_code == 1


def test_a_patch_in_a_script_is_one_edit() -> None:
    log = Log(ordinals=True)
    log.custom("exec", 'await tools.apply_patch("*** Begin Patch\\n*** Add File: b\\n+x\\n*** End Patch");', "call_1")
    log.done("FileChange", id="inner-1", changes={"b": {"type": "add", "content": "x\n"}}, status="completed")
    log.output("Script completed\nWall time 0.1 seconds\nOutput:\n", "call_1", custom=True)
    _, steps = read(log)
    assert [(step.kind, step.summary, lines_of(step)) for step in steps] == [("edit", "b", [2, 3, 4])]


# -------------------------------------------------------------------- calls


def test_a_call_its_end_and_its_result_are_one_step_in_any_order() -> None:
    parts: dict[str, dict[str, Any]] = {
        "call": {"type": "function_call", "name": "shell", "arguments": '{"command":["ls"]}', "call_id": "c"},
        "end": {"type": "exec_command_end", "call_id": "c", "exit_code": 3, "aggregated_output": "raw"},
        "out": {
            "type": "function_call_output",
            "call_id": "c",
            "output": "Exit code: 3\nWall time: 1 seconds\nOutput:\nseen",
        },
    }
    for order in (("call", "end", "out"), ("call", "out", "end"), ("end", "call", "out")):
        log = Log()
        for name in order:
            log.add("event_msg" if name == "end" else "response_item", parts[name])
        log.said("done")
        _, steps = read(log)
        assert kinds(steps) == ["command", "message"], order
        tool = steps[0].tool
        assert tool is not None
        assert (tool.output, tool.exit_code, tool.name) == ("seen", 3, "shell"), order
        assert sorted(lines_of(steps[0])) == [2, 3, 4], order


def test_a_late_copy_of_an_end_is_no_new_step() -> None:
    log = Log()
    log.call("exec_command", {"cmd": "ls"}, "c1")
    log.output("Exit code: 0\nWall time: 1 seconds\nOutput:\na", "c1")
    log.answered("next")
    log.call("exec_command", {"cmd": "ls"}, "c2")
    log.event("exec_command_end", call_id="c1", exit_code=0, aggregated_output="a")
    reader, steps = read(log)
    assert kinds(steps) == ["command", "message", "command"]
    assert reader.known["duplicate"] == 2


def test_a_running_process_and_the_calls_that_wait_for_it() -> None:
    log = Log()
    log.call("exec_command", {"cmd": "make"}, "c1")
    log.output("Chunk ID: 1\nWall time: 10.0 seconds\nProcess running with session ID 77\nOutput:\nbuilding", "c1")
    log.call("write_stdin", {"session_id": 77, "chars": ""}, "c2")
    log.output("Chunk ID: 2\nWall time: 5.0 seconds\nProcess exited with code 2\nOutput:\nerror", "c2")
    log.said("it failed")
    _, steps = read(log)
    first, second = steps[0].tool, steps[1].tool
    assert first is not None
    assert second is not None
    assert (first.output, first.exit_code, first.is_error) == ("building", None, None)
    assert (second.name, second.output, second.exit_code) == ("write_stdin", "error", 2)
    assert kinds(steps) == ["command", "command", "message"]


def test_the_end_of_a_background_process_reaches_its_call_much_later() -> None:
    log = Log()
    log.call("exec_command", {"cmd": "make"}, "c1")
    log.output("Wall time: 10.0 seconds\nProcess running with session ID 77\nOutput:\nbuilding", "c1")
    for at in range(20):
        log.answered(f"waiting {at}")
    log.event("exec_command_end", call_id="c1", exit_code=5, aggregated_output="all of it")
    _, steps = read(log)
    assert kinds(steps).count("command") == 1
    tool = steps[0].tool
    assert tool is not None
    assert (tool.exit_code, tool.output) == (5, "building")


def test_odd_calls() -> None:
    log = Log()
    log.call("exec_command", '{"cmd": "ls', "c1")
    log.call("view_image", {"path": "/a.png"}, "c2")
    log.call("update_plan", {"plan": [{"step": "test", "status": "in_progress"}]}, "c3")
    log.call("_create_issue", {"title": "Bug"}, "c4", namespace="mcp__apps__github")
    log.call("search", {"q": 1}, "c5", namespace="mcp__docs")
    log.call("mcp__docs__fetch", {}, "c6")
    log.call("spawn_agent", {"message": "look"}, "c7")
    log.output('{"agent_id":"child-1","nickname":"Ada"}', "c7")
    log.item("local_shell_call", call_id="c8", action={"type": "exec", "command": ["ls", "-l"]}, status="completed")
    log.item("web_search_call", status="completed", action={"type": "search", "query": "sqlite"})
    log.output("orphan", "c99")
    _, steps = read(log)
    got = [(step.kind, step.tool.name, step.tool.output) for step in steps if step.tool is not None]
    assert got == [
        ("command", "exec_command", None),
        ("read", "view_image", None),
        ("plan", "update_plan", None),
        ("tool", "mcp__apps__github_create_issue", None),
        ("tool", "mcp__docs__search", None),
        ("tool", "mcp__docs__fetch", None),
        ("agent", "spawn_agent", '{"agent_id":"child-1","nickname":"Ada"}'),
        ("command", "local_shell", None),
        ("web", "web_search", None),
    ]
    assert (steps[-1].kind, steps[-1].text) == ("event", "orphan"), "a result whose call is not in the log"
    assert steps[0].tool is not None
    assert steps[0].tool.input == '{"cmd": "ls', "arguments that are no JSON stay as text"
    assert steps[6].thread == "child-1"


def test_ends_without_calls_are_steps() -> None:
    log = Log()
    log.event(
        "mcp_tool_call_end",
        call_id="m1",
        invocation={"server": "docs", "tool": "find", "arguments": {"q": "x"}},
        duration={"secs": 0, "nanos": 4_000_000},
        result={"Err": "no such tool"},
    )
    log.event("collab_agent_spawn_end", call_id="a1", new_thread_id="child-2", prompt="go", status="running")
    log.event("view_image_tool_call", call_id="v1", path="/a.png")
    log.event("patch_apply_end", call_id="p1", success=False, stderr="bad patch", changes={"a": {"type": "add"}})
    log.event("dynamic_tool_call_request", callId="d1", tool="ask", arguments={"a": 1})
    log.event("dynamic_tool_call_response", call_id="d1", tool="ask", content_items=[{"text": "yes"}], success=True)
    _, steps = read(log)
    tools = [step.tool for step in steps if step.tool is not None]
    assert [(step.kind, tool.name, tool.output, tool.is_error) for step, tool in zip(steps, tools)] == [
        ("tool", "mcp__docs__find", "no such tool", True),
        ("agent", "spawn_agent", "child-2", None),
        ("read", "view_image", None, None),
        ("edit", "apply_patch", "bad patch", True),
        ("tool", "ask", "yes", False),
    ]
    assert steps[1].thread == "child-2"
    assert tools[0].duration_ms == 4


def test_a_web_search_is_one_step_though_its_records_share_no_id() -> None:
    log = Log()
    action = {"type": "search", "query": "sqlite wal", "queries": ["sqlite wal"]}
    for _ in range(2):
        log.event("web_search_end", call_id=f"ws_{log.clock}", query="sqlite wal", action=action | {"url": None})
        log.item("web_search_call", status="completed", action=action)
    _, steps = read(log)
    assert [(step.kind, step.summary) for step in steps] == [("web", "sqlite wal")] * 2


# -------------------------------------------------------------------- the rest


def test_one_compaction_is_one_step() -> None:
    log = Log()
    log.asked("go on")
    log.add("compacted", {"message": "We were testing.", "replacement_history": [{"type": "message"}]})
    log.add("turn_context", {"model": "gpt-5.5"})
    log.tokens(0, (0, 0, 0))
    log.event("context_compacted")
    log.answered("I go on.")
    log.event("context_compacted")
    log.add("compacted", {"message": "Second."})
    log.add("compacted", {"message": "Third."})
    _, steps = read(log)
    assert [(step.kind, step.text) for step in steps if step.kind == "compaction"] == [
        ("compaction", "We were testing."),
        ("compaction", "Second."),
        ("compaction", "Third."),
    ]
    assert lines_of(steps[1]) == [4, 7]


def test_events() -> None:
    log = Log()
    log.event("turn_aborted", turn_id="t1", reason="interrupted")
    log.event("thread_rolled_back", num_turns=2)
    log.event("error", message="stream ended")
    log.event("entered_review_mode", user_facing_hint="changes against main")
    log.event("exited_review_mode", review_output={"overall_explanation": "fine", "findings": [{"title": "a nit"}]})
    log.event("undo_completed", success=True, message="undone")
    log.event("task_complete", error={"message": "out of credit"})
    log.item("agent_message", author="/root/a", recipient="/root", content=[{"type": "input_text", "text": "found it"}])
    reader, steps = read(log)
    assert kinds(steps) == ["event"] * 8
    assert [step.text for step in steps] == [
        "turn aborted: interrupted",
        "rolled back 2 turns",
        "error: stream ended",
        "review begins: changes against main",
        "review ends\nfine\na nit",
        "undo completed: undone",
        "turn ended with an error: out of credit",
        "found it",
    ]
    assert not reader.unknown


def test_what_is_no_step_is_counted_by_type() -> None:
    log = Log()
    log.event("task_started", turn_id="t")
    log.event("task_complete", turn_id="t")
    log.event("token_count", info=None)
    log.add("world_state", {"full": True, "state": {}})
    log.item("ghost_snapshot", ghost_commit={"id": "a"})
    log.event("thread_goal_updated", goal={})
    log.item("reasoning", summary=[], encrypted_content="opaque")
    log.event("something_new")
    log.item("something_new")
    log.add("something_new", {"type": "x"})
    reader, steps = read(log)
    assert not steps
    assert reader.known == {
        "session_meta": 1,
        "event_msg/task_started": 1,
        "event_msg/task_complete": 1,
        "event_msg/token_count": 1,
        "world_state": 1,
        "response_item/ghost_snapshot": 1,
        "event_msg/thread_goal_updated": 1,
        "response_item/reasoning": 1,
    }
    assert reader.unknown == {"event_msg/something_new": 1, "response_item/something_new": 1, "something_new/x": 1}


def test_a_name_given_to_the_thread_is_its_title() -> None:
    log = Log()
    log.asked("please do the thing")
    log.event("thread_name_updated", thread_name="The thing")
    log.asked("another")
    reader, _ = read(log)
    assert reader.facts.title == "The thing"


@pytest.mark.parametrize(
    ("facts", "headless"),
    [({"source": "exec"}, True), ({"originator": "codex_exec"}, True), ({"source": "vscode"}, False)],
)
def test_headless_runs(facts: dict[str, Any], headless: bool) -> None:
    assert read(Log(**facts))[0].facts.headless is headless


def test_a_line_over_the_limit_ends_the_call_that_it_names() -> None:
    log = Log()
    log.call("exec_command", {"cmd": "cat big"}, "c1")
    log.output("x" * (17 * 1024 * 1024), "c1")
    log.answered("big")
    _reader, steps = read(log)
    assert kinds(steps) == ["command", "message"]
    assert steps[0].tool is not None
    assert steps[0].tool.output == "[line of 17 MiB kept but not read]"


# -------------------------------------------------------------------- the module


def test_detection() -> None:
    assert HARNESSES["codex"] is HARNESS
    assert HARNESS.detect([legacy().values[0]])
    assert HARNESS.detect(legacy().values[2:])
    assert HARNESS.detect(old_log()[:1])
    assert HARNESS.detect(old_log()[1:])
    assert not HARNESS.detect([])
    assert not HARNESS.detect([{"type": "session_meta", "id": "x", "cwd": "/x", "timestamp": iso(0)}])
    assert not HARNESS.detect([{"type": "user", "uuid": "u", "sessionId": "s", "message": {"role": "user"}}])
    assert not HARNESS.detect([{"type": "session", "version": 3, "id": "x", "timestamp": iso(0), "cwd": "/x"}])
    assert not HARNESS.detect([{"id": "x", "timestamp": iso(0)}])
    assert not HARNESS.detect([{"type": ["session_meta"], "payload": {}}, {"type": 3}])


def test_roots_and_resume() -> None:
    home = Path("/home/me")
    roots = list(HARNESS.roots({}, home))
    assert [root.path for root in roots] == [home / ".codex/sessions", home / ".codex/archived_sessions"]
    assert roots[0].patterns == ("rollout-*.jsonl", "rollout-*.jsonl.zst")
    moved = list(HARNESS.roots({"CODEX_HOME": "/data/codex"}, home))
    assert [root.path for root in moved] == [Path("/data/codex/sessions"), Path("/data/codex/archived_sessions")]
    assert HARNESS.resume(LogFacts(session=THREAD)) == ["codex", "resume", THREAD]


def test_a_log_without_a_header_takes_the_id_of_its_name() -> None:
    log = Log(meta=False)
    log.asked("hello")
    assert read(log)[0].facts.session == THREAD
    assert read(log, "some-file")[0].facts.session == "some-file"
    assert STEM.endswith(THREAD)


def test_skills_and_mentions_of_a_prompt_are_no_words_of_it() -> None:
    log = Log(ordinals=True)
    content = [{"type": "text", "text": "use $lint"}, {"type": "skill", "name": "lint", "path": "/s/SKILL.md"}]
    log.done("UserMessage", content=content)
    log.user("use $lint")
    _, steps = read(log)
    assert [(step.kind, step.text) for step in steps] == [("prompt", "use $lint")]


def test_the_task_of_a_subagent_is_its_title() -> None:
    log = Log(parent_thread_id="019de37a-0000-7000-8000-00000000000b")
    log.item("agent_message", author="/root", recipient="/root/a", content=[{"type": "input_text", "text": "look"}])
    reader, steps = read(log)
    assert kinds(steps) == ["event"]
    assert reader.facts.title == "look"
