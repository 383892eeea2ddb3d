"""Contexts of Codex: response items, replaced history, rollbacks, forks, reasoning that is sealed."""

from __future__ import annotations

from tests.ctx.seen import codex
from tests.harness.codex_logs import Log


def last(seen: object) -> int:
    return max(n for n, at in enumerate(seen.index.step_call) if at >= 0)  # type: ignore[attr-defined]


def test_items_are_the_context_and_events_repeat_them() -> None:
    log = Log(base_instructions={"text": "You are Codex."})
    log.developer("<permissions instructions>ask</permissions instructions>")
    log.user("# AGENTS.md instructions for /home/me\n\nBe brief.")
    log.asked("Fix the limit.")
    log.answered("Looking.")
    log.call("exec_command", {"cmd": "ls"})
    log.output("Process exited with code 0\nOutput:\na b")
    log.answered("Done.")
    seen = codex(log)
    words = seen.words(last(seen))
    assert [word.partition(":")[0] for word in words] == [
        "system", "instructions", "instructions", "prompt", "message", "tool_call", "tool_result",
    ]  # fmt: skip
    prompt = words.index("prompt:Fix the limit.")
    numbers = seen.origins(last(seen))
    assert numbers[0] is None
    assert numbers[prompt] is not None
    assert numbers[-1] == numbers[-2]
    first = next(n for n, at in enumerate(seen.index.step_call) if at >= 0)
    assert seen.words(first) == words[:4]


def test_replaced_history_replaces_and_keeps_what_is_the_same() -> None:
    log = Log()
    log.asked("First.")
    log.answered("One.")
    before = 2
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "First."}]}
    summary = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Summary: one done."}]}
    log.add("compacted", {"message": "Summary: one done.", "replacement_history": [item, summary]})
    log.asked("Second.")
    log.answered("Two.")
    seen = codex(log)
    assert seen.words(last(seen)) == ["prompt:First.", "summary:Summary: one done.", "prompt:Second."]
    assert seen.origins(last(seen))[0] == 1
    assert seen.left(before, last(seen)) == []
    assert seen.index.cuts


def test_compaction_without_a_replacement_keeps_prompts_and_summary() -> None:
    log = Log(base_instructions={"text": "Base."})
    log.user("<environment_context><cwd>/x</cwd></environment_context>")
    log.asked("First.")
    log.answered("One.")
    log.asked("Second.")
    log.answered("Two.")
    old = last(codex(log))
    log.add("compacted", {"message": "All so far."})
    log.asked("Third.")
    log.answered("Three.")
    seen = codex(log)
    assert [word for word in seen.words(last(seen)) if "environment" not in word] == [
        "system:Base.", "prompt:First.", "prompt:Second.", "summary:All so far.", "prompt:Third.",
    ]  # fmt: skip
    assert seen.left(old, last(seen)) == [("One.", "compaction")]


def test_a_rollback_drops_turns() -> None:
    log = Log()
    for nth in (1, 2, 3):
        log.asked(f"Ask {nth}.")
        log.answered(f"Answer {nth}.")
    old = last(codex(log))
    log.event("thread_rolled_back", num_turns=2)
    log.asked("Again.")
    log.answered("New.")
    seen = codex(log)
    assert seen.words(last(seen)) == ["prompt:Ask 1.", "message:Answer 1.", "prompt:Again."]
    assert {cause for _, cause in seen.left(old, last(seen))} == {"rollback"}


def test_reasoning_weighs_what_the_log_reports_and_is_sent_again() -> None:
    log = Log()
    log.turn("t1")
    log.asked("Think.")
    log.thought(encrypted_content="x" * 400)
    log.call("exec_command", {"cmd": "ls"})
    log.tokens(10_000, (10_000, 0, 900))
    log.output("a")
    log.answered("Done.")
    log.tokens(21_000, (11_000, 0, 50))
    log.asked("More.")
    log.answered("Ok.")
    seen = codex(log)
    done = next(n for n in range(1, 9) if seen.index.call_of(n) == 1)
    parts = {part.category: part.tokens for part in seen.context(done).segments()}
    assert parts["thinking"] + parts["tool_call"] == 900
    assert seen.context(done).reported == 11_000
    assert seen.context(done).window == 258_400
    assert not seen.context(done).window_guessed
    assert seen.left(done, last(seen)) == []
    assert seen.context(done).thinking == "assumed"


def test_generation_a_has_bare_items() -> None:
    log = Log(meta=False)
    log.values = [
        {"id": "x", "timestamp": "2025-08-01T10:00:00Z", "instructions": None},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi."}]},
        {"record_type": "state"},
        {"type": "function_call", "name": "shell", "arguments": '{"command": ["ls"]}', "call_id": "c1"},
        {"type": "function_call_output", "call_id": "c1", "output": "a"},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hello."}]},
    ]
    seen = codex(log)
    assert seen.words(last(seen)) == ["prompt:Hi.", "tool_call:shell", "tool_result:a"]
    assert seen.origins(last(seen)) == [1, 2, 2]


def test_world_state_shows_memory_that_no_item_shows() -> None:
    log = Log()
    log.add("world_state", {"full": True, "state": {"agents_md": {"directory": "/x", "text": "Be brief."}}})
    log.asked("Go.")
    log.answered("Ok.")
    assert "instructions:Be brief." in codex(log).words(last(codex(log)))
    log = Log()
    log.add("world_state", {"full": True, "state": {"agents_md": {"directory": "/x", "text": "Be brief."}}})
    log.user("# AGENTS.md instructions for /x\n\n<INSTRUCTIONS>\nBe brief.\n</INSTRUCTIONS>")
    log.asked("Go.")
    log.answered("Ok.")
    words = codex(log).words(last(codex(log)))
    assert [word.partition(":")[0] for word in words] == ["instructions", "prompt"]


def test_a_log_of_events_alone_is_told_by_them() -> None:
    log = Log(ordinals=True)
    log.done("UserMessage", content=[{"type": "text", "text": "Fix it."}])
    log.done("Reasoning", summary_text=["Hm."], raw_content=[])
    log.done("CommandExecution", id="c1", command=["ls"], exit_code=0, aggregated_output="a b", status="completed")
    log.event("agent_message", message="Done.")
    log.done("AgentMessage", content=[{"type": "Text", "text": "Done."}])
    log.done("UserMessage", content=[{"type": "text", "text": "More."}])
    log.done("AgentMessage", content=[{"type": "Text", "text": "Ok."}])
    seen = codex(log)
    words = seen.words(last(seen))
    assert words[0] == "prompt:Fix it."
    assert [word.partition(":")[0] for word in words[1:3]] == ["thinking", "tool_call"]
    assert words[3:] == ["tool_result:a b", "message:Done.", "prompt:More."]
    numbers = [number for number in seen.origins(last(seen)) if number is not None]
    assert len(numbers) == 6
    assert numbers == sorted(numbers)


def test_a_fork_sees_what_it_copied() -> None:
    log = Log(forked_from_id="parent", at=100.0)
    log.add("session_meta", {"id": "parent", "timestamp": "2026-05-01T00:00:00Z", "cwd": "/x"}, at=100.0)
    log.asked("Old.", at=100.0)
    log.said("Older.", at=100.0)
    log.turn("t9", at=160.0)
    log.asked("New.")
    log.answered("Newer.")
    seen = codex(log)
    words = seen.words(last(seen))
    assert words[-1] == "prompt:New."
    assert words[:2] == ["prompt:Old.", "message:Older."]
