"""Claude Code's records become the steps that docs/steps.md tells."""

from __future__ import annotations

from typing import Any

import pytest

from tests.harness.claude_logs import SESSION, Log, call, iso, kinds, read, result, steps, text, thinking, usage
from tracetui.harness.claude.reader import ClaudeReader
from tracetui.model import Record, Source, Tokens, from_iso


def test_a_plain_turn() -> None:
    log = Log()
    log.user("fix the flaky test")
    log.answer(thinking("Let me look."), response="a", tokens=usage(1))
    log.answer(text("I will run it."), response="a", tokens=usage(2))
    log.answer(call("t1", "Bash", command="pytest -q", description="Run"), response="a", tokens=usage(40))
    log.done("t1", "1 passed", toolUseResult={"stdout": "1 passed", "stderr": "", "interrupted": False})
    log.answer(text("It passes."))
    log.system("turn_duration", durationMs=5)
    found, reader = read(log)
    assert kinds(found) == ["prompt", "thinking", "message", "command", "message"]
    assert [step.number for step in found] == [1, 2, 3, 4, 5]
    assert [step.sources[0].line for step in found] == [1, 2, 3, 4, 6]
    assert [source.line for source in found[3].sources] == [4, 5]
    prompt, thought, said, command, last = found
    assert (prompt.text, prompt.model, prompt.tokens, prompt.response) == ("fix the flaky test", None, None, None)
    assert prompt.time == from_iso(iso(1))
    assert (thought.text, said.text, last.text) == ("Let me look.", "I will run it.", "It passes.")
    assert thought.response == said.response == command.response != last.response
    assert thought.model == "claude-opus-4-6"
    tool = command.tool
    assert tool is not None
    assert (tool.name, tool.input["command"], tool.output) == ("Bash", "pytest -q", "1 passed")
    assert (tool.is_error, tool.exit_code, tool.call_id, tool.duration_ms) == (False, None, "t1", 1000)
    assert command.summary == "pytest -q"
    assert reader.known == {"system/turn_duration": 1}
    assert reader.stepped == 6


def test_tokens_of_a_split_response_count_once_with_the_largest_of_each() -> None:
    log = Log()
    log.answer(thinking(""), response="a", tokens=usage(1))
    log.answer(text("one"), response="a", tokens=usage(3))
    log.answer(text("two"), response="a", tokens=usage(55))
    log.answer(text("three"), response="b", tokens=usage(9))
    found, reader = read(log)
    assert [step.tokens for step in found] == [Tokens(10, 55, 100, 20), None, Tokens(10, 9, 100, 20)]
    assert reader.known == {"assistant/thinking": 1}


def test_usage_that_grows_after_the_first_step_was_taken_hands_that_step_over_again() -> None:
    log = Log()
    log.answer(call("t1", "Read", file_path="/a.py"), response="a", tokens=usage(1))
    log.answer(text("more"), response="a", tokens=usage(50))
    log.done("t1", "body")
    first, second, third = log.records()
    reader = ClaudeReader(SESSION)
    reader.feed(first)
    assert [step.tokens and step.tokens.output for step in reader.take()] == [1]
    reader.feed(second)
    assert [(step.number, step.tokens and step.tokens.output) for step in reader.take()] == [(1, 50), (2, None)]
    reader.feed(third)
    (done,) = reader.take()
    assert (done.number, done.tokens) == (1, Tokens(10, 50, 100, 20))
    assert done.tool is not None
    assert done.tool.output == "body"


def test_responses_that_interleave_on_side_chains_count_once_each() -> None:
    log = Log()
    for nth in range(30):
        log.answer(text(f"a{nth}"), response="a", tokens=usage(nth), isSidechain=True)
        log.answer(text(f"b{nth}"), response=f"b{nth}", tokens=usage(1), isSidechain=True)
    found = steps(log)
    assert sum(step.tokens.output for step in found if step.tokens) <= 29 + 30
    assert [step.tokens for step in found].count(None) == 29
    assert all(step.sidechain for step in found)


def test_tokens_that_come_after_a_heavy_first_step_was_let_go_are_not_lost() -> None:
    log = Log()
    log.answer(text("x" * 100_000), response="a", tokens=usage(3))
    log.answer(text("tail"), response="a", tokens=usage(60))
    found = steps(log)
    assert [step.tokens for step in found] == [Tokens(10, 3, 100, 20), Tokens(0, 57, 0, 0)]


@pytest.mark.parametrize(
    "shape", [None, "no", 5, [], {"input_tokens": "7"}, {"input_tokens": True}, {"output_tokens": -4}]
)
def test_usage_of_another_shape_is_none(shape: Any) -> None:
    log = Log()
    log.answer(text("hi"))
    log.values[0]["message"]["usage"] = shape
    assert steps(log)[0].tokens is None


def test_cache_writes_may_be_told_by_their_age_only() -> None:
    log = Log()
    log.answer(text("hi"), tokens={"cache_creation": {"ephemeral_5m_input_tokens": 5, "ephemeral_1h_input_tokens": 6}})
    assert steps(log)[0].tokens == Tokens(0, 0, 0, 11, 6)


def test_cost_of_old_versions_stands_on_the_first_step_and_in_the_facts() -> None:
    log = Log(version="1.0.9")
    log.answer(text("one"), response="a", costUSD=0.25)
    log.answer(text("two"), response="a", costUSD=0.25)
    log.answer(text("three"), response="b", costUSD=0.5)
    found, reader = read(log)
    assert [step.cost_usd for step in found] == [0.25, None, 0.5]
    assert reader.facts.cost_usd == 0.75


def test_parallel_calls_are_told_apart_whatever_the_order_of_their_results() -> None:
    log = Log()
    for nth in range(3):
        log.answer(call(f"t{nth}", "Read", file_path=f"/{nth}"), response="a")
    for nth in (2, 0, 1):
        log.done(f"t{nth}", f"body {nth}")
    found = steps(log)
    assert [step.tool and step.tool.output for step in found] == ["body 0", "body 1", "body 2"]
    assert [[source.line for source in step.sources] for step in found] == [[1, 5], [2, 6], [3, 4]]


def test_several_results_in_one_record() -> None:
    log = Log()
    log.answer(call("a", "Read", file_path="/a"), call("b", "Grep", pattern="x"))
    log.user([result("b", "B", True), result("a", "A")], toolUseResult={"stdout": "not for both"})
    found, reader = read(log)
    assert [(step.kind, step.tool and step.tool.output, step.failed) for step in found] == [
        ("read", "A", False),
        ("search", "B", True),
    ]
    assert found[0].key.split(":")[0] == found[1].key.split(":")[0]
    assert found[0].key != found[1].key
    assert reader.stepped == 2


def test_a_call_without_a_result_has_no_output_and_no_state() -> None:
    log = Log()
    log.answer(call("a", "Bash", command="sleep 1000"))
    tool = steps(log)[0].tool
    assert tool is not None
    assert (tool.output, tool.is_error, tool.exit_code, tool.duration_ms) == (None, None, None, None)


@pytest.mark.parametrize(
    ("content", "is_error", "extra", "expected"),
    [
        ("Exit code 127\nno such command", True, "Error: Exit code 127\nno such command", (True, 127)),
        ("Error: Exit code 2", True, None, (True, 2)),
        ("fine\nExit code 3", False, {"stdout": "fine"}, (False, None)),
        ("Exit code 3", None, {"stdout": "Exit code 3"}, (False, None)),
        ("it failed", True, "Error: it failed", (True, None)),
        ("The user doesn't want to proceed with this tool use. The tool use was rejected", None, None, (True, None)),
        ("[Request interrupted by user for tool use]", None, None, (True, None)),
        ("half", False, {"stdout": "half", "interrupted": True}, (True, None)),
        ("x", None, "Error: no permission", (True, None)),
        ("<status>failed</status>", False, {"exitCode": 1, "stdout": ""}, (False, 1)),
        ("<status>running</status>", False, {"exitCode": None}, (False, None)),
    ],
)
def test_how_a_call_ended(content: str, is_error: bool | None, extra: Any, expected: tuple[bool, int | None]) -> None:
    log = Log()
    log.answer(call("a", "Bash", command="x"))
    log.done("a", content, is_error=is_error, toolUseResult=extra)
    tool = steps(log)[0].tool
    assert tool is not None
    assert (tool.is_error, tool.exit_code) == expected


def test_a_denied_call_counts_as_failed_by_the_records_own_word() -> None:
    log = Log()
    log.answer(call("a", "Bash", command="x"))
    log.done("a", "no", toolDenialKind="user-rejected")
    assert steps(log)[0].failed


@pytest.mark.parametrize(
    ("block", "extra", "expected"),
    [
        ({"content": "seen"}, {"stdout": "raw"}, "seen"),
        ({}, {"stdout": "out", "stderr": "err"}, "out\nerr"),
        ({"content": None}, {"stdout": "", "stderr": "err"}, "err"),
        ({}, {"content": [{"type": "text", "text": "agent said"}]}, "agent said"),
        ({}, "Error: text", "Error: text"),
        ({"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}, None, "a\nb"),
        ({"content": ""}, None, ""),
        ({"content": 7}, None, "7"),
    ],
)
def test_where_the_output_comes_from(block: dict[str, Any], extra: Any, expected: str) -> None:
    log = Log()
    log.answer(call("a", "Bash", command="x"))
    log.user([{"type": "tool_result", "tool_use_id": "a", **block}], toolUseResult=extra)
    tool = steps(log)[0].tool
    assert tool is not None
    assert tool.output == expected


def test_a_spilled_output_names_its_file_and_size() -> None:
    log = Log()
    log.answer(call("a", "Bash", command="x"))
    path = "/home/me/.claude/projects/p/s/tool-results/a.txt"
    log.done(
        "a", "preview", toolUseResult={"stdout": "preview", "persistedOutputPath": path, "persistedOutputSize": 81234}
    )
    tool = steps(log)[0].tool
    assert tool is not None
    assert tool.output == f"preview\n[full output: {path} 81 kB]"


def test_durations_are_the_logs_own_or_the_time_between() -> None:
    log = Log()
    for nth, extra in enumerate(
        [{"durationMs": 42}, {"totalDurationMs": 43.6}, {"durationSeconds": 1.5}, {}, {"durationMs": "x"}]
    ):
        log.answer(call(f"c{nth}", "Glob", pattern="*"))
        log.done(f"c{nth}", "x", toolUseResult=extra)
    log.answer(call("back", "Glob", pattern="*"))
    log.done("back", "x", at=1)
    assert [step.tool and step.tool.duration_ms for step in steps(log)] == [42, 44, 1500, 1000, 1000, None]


def test_images_are_named_and_counted() -> None:
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "QUJD" * 400}}
    log = Log()
    log.user([picture, text("what is this?")], imagePasteIds=[1])
    log.answer(call("a", "Read", file_path="/x.png"))
    log.done("a", [picture])
    log.answer(call("b", "Screenshot"))
    log.user([result("b", "shot"), picture])
    found, reader = read(log)
    assert [(step.kind, step.images) for step in found] == [("prompt", 1), ("read", 1), ("tool", 1)]
    assert found[0].text == "[image png 1 kB]\nwhat is this?"
    assert found[1].tool is not None
    assert found[1].tool.output == "[image png 1 kB]"
    assert found[2].tool is not None
    assert found[2].tool.output == "shot\n[image png 1 kB]"
    assert reader.facts.title == "what is this?"


def test_a_subagent_call_names_its_thread() -> None:
    log = Log()
    log.answer(call("a", "Task", description="Find it", prompt="p", subagent_type="Explore"))
    log.done("a", [text("found")], toolUseResult={"agentId": "a12bc3", "status": "completed", "totalDurationMs": 9})
    log.answer(call("b", "Agent", description="More", prompt="p"))
    log.done("b", [text("done"), text("agentId: afe12 (use it to go on)")])
    log.answer(call("c", "Bash", command="echo agentId: no"))
    log.done("c", "agentId: no")
    found = steps(log)
    assert [(step.kind, step.thread, step.summary) for step in found] == [
        ("agent", "a12bc3", "Explore: Find it"),
        ("agent", "afe12", "More"),
        ("command", None, "echo agentId: no"),
    ]


def test_server_tools_have_call_and_result_in_the_same_response() -> None:
    log = Log()
    log.answer(
        {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"query": "rate limits"}}, response="a"
    )
    found_block = {
        "type": "web_search_result",
        "title": "Limits",
        "url": "https://example.org",
        "encrypted_content": "x",
    }
    log.answer({"type": "web_search_tool_result", "tool_use_id": "s1", "content": [found_block]}, response="a")
    log.answer(text("So it is."), response="a")
    found, reader = read(log)
    assert kinds(found) == ["web", "message"]
    assert found[0].tool is not None
    assert found[0].tool.output == "Limits https://example.org"
    assert found[0].summary == "rate limits"
    assert reader.stepped == 3


def test_empty_thinking_blank_text_and_redacted_thinking_are_no_steps() -> None:
    log = Log()
    log.answer(thinking(""))
    log.answer(text("\n\n"))
    log.answer({"type": "redacted_thinking", "data": "x"})
    log.answer()
    found, reader = read(log)
    assert found == []
    assert reader.known == {
        "assistant/thinking": 1,
        "assistant/text": 1,
        "assistant/redacted_thinking": 1,
        "assistant/empty": 1,
    }


def test_several_blocks_of_one_record_are_steps_with_keys_of_their_own() -> None:
    log = Log()
    log.answer(thinking("hm"), text("so"), call("a", "TodoWrite", todos=[{"content": "x", "status": "pending"}]))
    found = steps(log)
    assert kinds(found) == ["thinking", "message", "plan"]
    assert len({step.key for step in found}) == 3
    assert [step.tokens is not None for step in found] == [True, False, False]
    assert found[2].summary == "0/1 x"


HARNESS_TEXTS = [
    "<command-name>/clear</command-name>\n<command-message>clear</command-message>\n<command-args></command-args>",
    "<command-message>init is analyzing…</command-message>\n<command-name>/init</command-name>",
    "<command-message>do</command-message>\n<command-name>/do</command-name>\n<command-args>it all</command-args>",
    "<local-command-stdout>Bye!</local-command-stdout>",
    "<local-command-caveat>Caveat: ...</local-command-caveat>",
    "Caveat: The messages below were generated by the user while running local commands. DO NOT respond",
    "<bash-input>git pull</bash-input>",
    "<bash-stdout>Already up to date.</bash-stdout><bash-stderr></bash-stderr>",
    "<system-reminder>\nremember\n</system-reminder>",
    "<task-notification>\n<task-id>b1</task-id>\n<summary>Background command done</summary>\n</task-notification>",
    "[Request interrupted by user]",
    "[Request interrupted by user for tool use]",
]


@pytest.mark.parametrize("words", HARNESS_TEXTS)
@pytest.mark.parametrize("blocks", [False, True])
def test_harness_text_is_an_event_never_a_prompt(words: str, blocks: bool) -> None:
    log = Log()
    log.user([text(words)] if blocks else words)
    (step,) = steps(log)
    assert step.kind == "event"
    assert step.text == words
    assert step.summary


@pytest.mark.parametrize(
    "mark",
    [
        {"isMeta": True},
        {"isVisibleInTranscriptOnly": True},
        {"sourceToolUseID": "toolu_skill"},
        {"origin": {"kind": "task-notification"}},
        {"toolUseResult": "stray"},
        {"promptSource": "system"},
    ],
)
def test_records_marked_as_the_harness_own_are_events(mark: dict[str, Any]) -> None:
    log = Log()
    log.user("Base directory for this skill: /x", **mark)
    assert kinds(steps(log)) == ["event"]


@pytest.mark.parametrize(
    "words",
    [
        "<div>why is this red?</div>",
        "/home/me/x.py fails",
        "Caveat: be quick",
        "[draft] fix it",
        "tell <system-reminder>",
    ],
)
def test_words_of_a_person_stay_a_prompt(words: str) -> None:
    log = Log()
    log.user(words, origin={"kind": "human"})
    (step,) = steps(log)
    assert (step.kind, step.text) == ("prompt", words)


def test_summaries_of_harness_texts_are_without_tags() -> None:
    log = Log()
    for words in HARNESS_TEXTS:
        log.user(words)
    found = [step.summary for step in steps(log)]
    assert found[:5] == ["/clear", "/init", "/do it all", "Bye!", "Caveat: ..."]
    assert found[6:10] == ["! git pull", "Already up to date.", "remember", "Background command done"]


def test_what_an_editor_puts_before_a_prompt_is_an_event_of_its_own() -> None:
    log = Log()
    log.user([text("<ide_opened_file>The user opened x.py</ide_opened_file>"), text("rename it"), text("please")])
    log.user("<system-reminder>a</system-reminder>\nnow this\n<system-reminder>b</system-reminder>")
    found = steps(log)
    assert [(step.kind, step.text) for step in found] == [
        ("event", "<ide_opened_file>The user opened x.py</ide_opened_file>"),
        ("prompt", "rename it\nplease"),
        ("event", "<system-reminder>a</system-reminder>"),
        ("prompt", "now this"),
        ("event", "<system-reminder>b</system-reminder>"),
    ]
    assert len({step.key for step in found}) == 5


def test_a_word_beside_a_denied_call_is_a_prompt_an_interrupt_is_not() -> None:
    log = Log()
    log.answer(call("a", "Bash", command="x"))
    log.user([result("a", "rejected", True), text("[Request interrupted by user for tool use]")])
    log.answer(call("b", "Bash", command="x"))
    log.user([result("b", "rejected", True), text("use make instead")])
    assert kinds(steps(log)) == ["command", "event", "command", "prompt"]


def test_compaction_is_one_step_with_the_summary_as_its_text() -> None:
    log = Log()
    log.user("go")
    meta = {"trigger": "auto", "preTokens": 155068}
    log.system("compact_boundary", content="Conversation compacted", compactMetadata=meta, parentUuid=None)
    log.user(
        "This session is being continued ... Summary: all of it", isCompactSummary=True, isVisibleInTranscriptOnly=True
    )
    log.answer(text("on we go"))
    found, reader = read(log)
    assert kinds(found) == ["prompt", "compaction", "message"]
    step = found[1]
    assert step.text == "This session is being continued ... Summary: all of it"
    assert step.summary == "compaction: auto, 155,068 tokens before"
    assert [source.line for source in step.sources] == [2, 3]
    assert reader.stepped == 4


def test_compaction_without_a_summary_or_without_a_boundary() -> None:
    log = Log()
    log.user("This session is being continued from a previous conversation that ran out of context. The summary: x")
    log.user("Sum.", isCompactSummary=True)
    log.system("compact_boundary", content="Conversation compacted")
    found = steps(log)
    assert kinds(found) == ["compaction"] * 3
    assert [len(step.sources) for step in found] == [1, 1, 1]
    assert found[2].text == "Conversation compacted"


def test_microcompaction_is_a_compaction() -> None:
    log = Log()
    meta = {"trigger": "auto", "preTokens": 60888, "tokensSaved": 21091, "compactedToolIds": ["a", "b"]}
    log.system("microcompact_boundary", content="Context microcompacted", microcompactMetadata=meta)
    log.user("Sum.", isCompactSummary=True)
    found = steps(log)
    assert [(step.kind, step.text) for step in found] == [
        ("compaction", "Context microcompacted"),
        ("compaction", "Sum."),
    ]
    assert found[0].summary == "microcompaction: auto, 60,888 tokens before, 21,091 tokens saved, 2 results left out"


def test_progress_is_counted_and_walked_through() -> None:
    log = Log()
    log.answer(call("a", "Bash", command="x"))
    for kind in ("hook_progress", "bash_progress", "mcp_progress", "novel_progress"):
        log.add("progress", data={"type": kind}, toolUseID="a", parentToolUseID="a")
    log.add("progress", data=None)
    log.done("a", "late")
    found, reader = read(log)
    assert kinds(found) == ["command"]
    assert found[0].tool is not None
    assert found[0].tool.output == "late"
    assert reader.known == {
        "progress/hook_progress": 1,
        "progress/bash_progress": 1,
        "progress/mcp_progress": 1,
        "progress/novel_progress": 1,
        "progress": 1,
    }


@pytest.mark.parametrize(
    ("kind", "body", "expected"),
    [
        (
            "nested_memory",
            {"path": "/r/CLAUDE.md", "content": {"type": "memory", "content": "be brief"}},
            "/r/CLAUDE.md\nbe brief",
        ),
        ("file", {"filename": "/a", "content": {"type": "text", "file": {"content": "body"}}}, "/a\nbody"),
        ("edited_text_file", {"filename": "/a", "snippet": "1 x"}, "/a\n1 x"),
        (
            "task_reminder",
            {"content": [{"subject": "test it", "status": "pending"}], "itemCount": 1},
            "[pending] test it",
        ),
        ("skill_listing", {"content": "- pdf: read"}, "- pdf: read"),
        ("deferred_tools_delta", {"addedLines": ["Grep"], "removedNames": ["LS"]}, "Grep\nremoved: LS"),
        ("hook_additional_context", {"content": ["be careful"], "hookName": "x"}, "be careful"),
        ("hook_blocking_error", {"blockingError": {"blockingError": "no!", "command": "lint"}}, "no!"),
        ("hook_success", {"content": "said", "stdout": "{}"}, "said"),
        ("invoked_skills", {"skills": [{"name": "pdf", "content": "how to"}]}, "pdf\nhow to"),
        ("date_change", {"newDate": "2026-05-02"}, "2026-05-02"),
        ("task_status", {"description": "build", "status": "completed"}, "build · completed"),
        ("never_heard_of", {"text": "but it speaks"}, "but it speaks"),
    ],
)
def test_attachments_that_the_model_saw_are_events(kind: str, body: dict[str, Any], expected: str) -> None:
    log = Log()
    log.attach(kind, **body)
    (step,) = steps(log)
    assert (step.kind, step.text) == ("event", expected)
    assert step.summary.startswith(f"{kind}: ")


def test_attachments_without_text_are_counted() -> None:
    log = Log()
    log.attach("hook_success", content="", stdout="{}")
    log.attach("todo_reminder", content=[], itemCount=0)
    log.attach("plan_mode", planExists=False)
    log.attach("never_heard_of", flag=1)
    log.add("attachment", attachment="?")
    found, reader = read(log)
    assert found == []
    assert reader.known == {"attachment/hook_success": 1, "attachment/todo_reminder": 1, "attachment/plan_mode": 1}
    assert reader.unknown == {"attachment/never_heard_of": 1, "attachment": 1}


def test_system_records() -> None:
    log = Log()
    log.system("api_error", error={"message": "Overloaded", "status": 529}, retryAttempt=2, maxRetries=10)
    log.system("api_error", error={"error": {"error": {"message": "deep"}}})
    log.system("local_command", content="<command-name>/model</command-name>\n<command-args>opus</command-args>")
    log.system("away_summary", content="You were away.")
    log.system("stop_hook_summary", hookCount=1, hookErrors=[], stopReason="", preventedContinuation=False)
    log.system("stop_hook_summary", hookCount=1, hookErrors=["lint failed"], preventedContinuation=True)
    log.system("brand_new", content="new words")
    log.system("brand_new")
    found, reader = read(log)
    assert [step.text for step in found] == [
        "Overloaded (retry 2 of 10)",
        "deep",
        "<command-name>/model</command-name>\n<command-args>opus</command-args>",
        "You were away.",
        "the hook stopped the agent\nlint failed",
        "new words",
    ]
    assert kinds(found) == ["event"] * 6
    assert found[2].summary == "/model opus"
    assert reader.known == {"system/stop_hook_summary": 1}
    assert reader.unknown == {"system/brand_new": 1}


def test_an_error_in_the_models_place_is_an_event_without_tokens_or_model() -> None:
    log = Log()
    log.answer(text("real"), tokens=usage(4))
    log.answer(
        text("API Error: 529 overloaded"), model="<synthetic>", isApiErrorMessage=True, tokens=usage(0), costUSD=1.0
    )
    log.answer(text("No response requested."), model="<synthetic>")
    found, reader = read(log)
    assert kinds(found) == ["message", "event", "event"]
    assert [(step.model, step.tokens, step.cost_usd) for step in found[1:]] == [(None, None, None)] * 2
    assert reader.facts.model == "claude-opus-4-6"
    assert reader.facts.cost_usd is None


def test_a_record_that_the_log_holds_twice_counts_once() -> None:
    log = Log()
    log.user("once")
    log.answer(call("a", "Bash", command="x"))
    log.done("a", "out")
    log.values += [dict(value) for value in log.values]
    found, reader = read(log)
    assert kinds(found) == ["prompt", "command"]
    assert [source.line for source in found[1].sources] == [2, 3]
    assert reader.known == {"duplicate": 3}


def test_records_without_an_id_are_keyed_by_their_line() -> None:
    log = Log()
    log.user("one", uuid=None)
    log.answer(text("two"), uuid=None)
    assert [step.key for step in steps(log)] == ["L1:0", "L2:0"]


def test_a_result_without_its_call_is_kept_as_an_event() -> None:
    log = Log()
    log.done("gone", "what it said")
    log.done("gone2", "")
    log.answer(call("a", "Bash", command="x"))
    log.done("a", "first")
    log.done("a", "second time, from a copy")
    found, reader = read(log)
    assert [(step.kind, step.text) for step in found] == [("event", "what it said"), ("command", None)]
    assert reader.known == {"user/tool_result": 2}


def test_a_call_id_used_again_is_another_call() -> None:
    log = Log()
    for output in ("one", "two"):
        log.answer(call("functions.Bash:0", "Bash", command="x"))
        log.done("functions.Bash:0", output)
    assert [step.tool and step.tool.output for step in steps(log)] == ["one", "two"]


def test_calls_and_results_without_ids_are_joined_by_their_records() -> None:
    log = Log()
    origin = log.answer(call(None, "Bash", command="ls"))
    log.done(None, "listing", sourceToolAssistantUUID=origin, isMeta=True)
    (step,) = steps(log)
    assert step.tool is not None
    assert (step.tool.output, step.tool.call_id) == ("listing", None)


def test_unknown_records_are_counted_by_type() -> None:
    found, reader = read([{"type": "hologram"}, {"silly": 1}, {"type": 7}, {"type": ["user"]}, {"type": "hologram"}])
    assert found == []
    assert reader.unknown == {"hologram": 2, "(no type)": 3}


@pytest.mark.parametrize("message", [None, 5, [], {}, {"content": None}, {"content": 3}, {"content": {"type": "text"}}])
def test_turns_without_readable_content_are_unknown(message: Any) -> None:
    log = Log()
    log.add("assistant", message=message)
    if not isinstance(message, str | list):
        log.add("user", message=message)
    _, reader = read(log)
    assert reader.unknown.total() + reader.known.total() == len(log.values)
    assert reader.unknown["assistant"] == 1


def test_a_line_too_long_to_parse_still_closes_its_call() -> None:
    log = Log()
    log.answer(call("a", "Read", file_path="/big"))
    log.done("a", "x")
    log.user("huge")
    log.answer(text("huge"))
    use, done, prompt, answer = log.records()
    reader = ClaudeReader(SESSION)
    reader.feed(use)
    del done.value["message"]["content"][0]["content"]
    reader.feed(Record(Source(2, 1000, 300_000_000), done.value, 0, True))
    del prompt.value["message"]["content"]
    reader.feed(Record(Source(3, 300_001_000, 20_000_000), prompt.value, 0, True))
    del answer.value["message"]["content"][0]["text"]
    reader.feed(Record(Source(4, 320_001_001, 20_000_000), answer.value, 0, True))
    found = reader.take()
    assert kinds(found) == ["read", "event", "message"]
    assert found[0].tool is not None
    assert found[0].tool.output == "[line of 300.0 MB kept but not read]"
    assert found[1].text == found[2].text == "[line of 20.0 MB kept but not read]"
