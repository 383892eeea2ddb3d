"""Contexts as requests of OpenAI's two APIs (their types are checked by ``bench/exports.py``)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.ctx.seen import Seen, claude, codex
from tests.harness import codex_logs
from tests.harness.claude_logs import Log, call, result, text, thinking
from tracetui.ctx.messages import messages
from tracetui.ctx.openai import chat, responses
from tracetui.ctx.parts import parts_of
from tracetui.model import TracetuiError

PIXEL = "iVBORw0KGgo="


def made(seen: Seen, form: Any, step: int | None = None) -> dict[str, Any]:
    step = step or max(n for n, at in enumerate(seen.index.step_call) if at >= 0)
    context = seen.context(step)
    request: dict[str, Any] = form(context, parts_of(context, seen.reading()))
    return request


def work() -> Seen:
    """Two calls at once, an image in a result, then a call of its own."""
    log = Log()
    log.user("Go.")
    log.answer(thinking("Hm."), text("Looking."), response="a")
    one = log.answer(call("t1", "Read", file_path="a"), response="a")
    log.answer(call("t2", "Read", file_path="b.png"), response="a")
    log.done("t1", "A", parentUuid=one)
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}
    log.user([result("t2", [{"type": "text", "text": "seen"}, image])])
    log.answer(call("t3", "Bash", command="ls"))
    log.done("t3", "")
    log.answer(text("Done."))
    log.user("Thanks.")
    log.answer(text("Welcome."))
    return claude(log)


def test_chat_has_each_result_right_behind_its_calls() -> None:
    request = made(work(), chat)
    said = request["messages"]
    assert [message["role"] for message in said] == [
        "user", "assistant", "tool", "tool", "user", "assistant", "tool", "assistant", "user",
    ]  # fmt: skip
    assert said[1]["content"] == "Looking."
    assert [told["id"] for told in said[1]["tool_calls"]] == [said[2]["tool_call_id"], said[3]["tool_call_id"]]
    assert said[1]["tool_calls"][0]["function"] == {"name": "Read", "arguments": '{"file_path":"a"}'}
    assert said[4]["content"] == [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}}]
    assert said[6]["content"] == "(no output)"
    assert {tool["function"]["name"] for tool in request["tools"]} == {"Read", "Bash"}


def test_responses_are_items_in_order() -> None:
    items = made(work(), responses)["input"]
    kinds = [item.get("type", item.get("role")) for item in items]
    assert kinds == [
        "message", "assistant", "function_call", "function_call", "function_call_output", "function_call_output",
        "function_call", "function_call_output", "assistant", "message",
    ]  # fmt: skip
    assert items[5]["output"][1]["image_url"] == f"data:image/png;base64,{PIXEL}"


def test_responses_that_followed_results_stay_apart_in_messages() -> None:
    said = made(work(), messages)["messages"]
    assert [message["role"] for message in said] == [
        "user",
        "assistant",
        "user",
        "assistant",
        "user",
        "assistant",
        "user",
    ]
    assert [block["type"] for block in said[1]["content"]] == ["thinking", "text", "tool_use", "tool_use"]
    assert [block["type"] for block in said[3]["content"]] == ["tool_use"]


def test_codex_keeps_sealed_reasoning_instructions_and_custom_calls() -> None:
    log = codex_logs.Log(base_instructions={"text": "Be kind."})
    log.turn("t1")
    log.developer("<permissions instructions>All.")
    log.asked("Go.")
    log.thought("Hm.", encrypted_content="x" * 40)
    log.custom("apply_patch", "*** Begin Patch")
    log.output("Done", custom=True)
    log.answered("Ok.")
    log.asked("More.")
    log.answered("Good.")
    request = made(codex(log), responses)
    assert request["instructions"] == "Be kind."
    assert request["store"] is False
    assert [item.get("type", item.get("role")) for item in request["input"]] == [
        "message", "message", "reasoning", "custom_tool_call", "custom_tool_call_output", "assistant", "message",
    ]  # fmt: skip
    assert request["input"][0]["role"] == "developer"
    assert request["input"][2]["encrypted_content"] == "x" * 40
    assert request["tools"] == [{"type": "custom", "name": "apply_patch"}]


def test_a_sealed_summary_is_refused() -> None:
    log = codex_logs.Log()
    log.asked("Go.")
    log.answered("Ok.")
    log.add("compacted", {"message": "", "replacement_history": [{"type": "compaction", "encrypted_content": "zz"}]})
    log.asked("More.")
    log.answered("Good.")
    for form in (chat, responses):
        with pytest.raises(TracetuiError, match="sealed"):
            made(codex(log), form)
