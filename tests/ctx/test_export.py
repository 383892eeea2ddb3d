"""Taking a context along: requests that validate, Markdown that is only text, sessions that read back the same."""

from __future__ import annotations

import re
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ctx.seen import Seen, claude, codex, pi
from tests.harness import claude_logs, codex_logs, pi_logs
from tracetui.ctx.build import Builder
from tracetui.ctx.markdown import markdown
from tracetui.ctx.messages import messages
from tracetui.ctx.native import native
from tracetui.ctx.parts import parts_of
from tracetui.harness import HARNESSES, detect
from tracetui.harness.lines import Splitter
from tracetui.model import LogFacts, Record, TracetuiError

NOW = 1_780_000_000_000


def request(seen: Seen, step: int, leave_out: Any = ()) -> dict[str, Any]:
    context = seen.context(step)
    made = messages(context, parts_of(context, seen.reading(), leave_out))
    validate(made)
    return made


def validate(made: dict[str, Any]) -> None:
    """What the Messages API insists on."""
    told = made["messages"]
    assert told
    assert isinstance(made["max_tokens"], int)
    assert isinstance(made["model"], str)
    names = {tool["name"] for tool in made.get("tools", [])}
    for at, message in enumerate(told):
        assert message["role"] == ("user", "assistant")[at % 2]
        assert set(message) == {"role", "content"}
        assert message["content"]
        uses = [block["id"] for block in message["content"] if block["type"] == "tool_use"]
        results = [block["tool_use_id"] for block in message["content"] if block["type"] == "tool_result"]
        assert len(set(uses)) == len(uses)
        for block in message["content"]:
            if block["type"] == "text":
                assert block["text"].strip()
            elif block["type"] == "tool_use":
                assert block["name"] in names
                assert re.fullmatch("[A-Za-z0-9_-]{1,128}", block["id"])
                assert isinstance(block["input"], dict)
            elif block["type"] == "tool_result":
                assert block["content"]
            elif block["type"] == "image":
                assert block["source"]["media_type"] in ("image/png", "image/jpeg", "image/gif", "image/webp")
        if uses:
            following = told[at + 1]["content"]
            assert sorted(block["tool_use_id"] for block in following[: len(uses)]) == sorted(uses)
        if results:
            before = [block["id"] for block in told[at - 1]["content"] if block["type"] == "tool_use"]
            assert sorted(results) == sorted(before)
    assert told[-1]["role"] == "user"


def back(seen: Seen, step: int, leave_out: Any = (), facts: LogFacts | None = None) -> tuple[list[str], list[str]]:
    """The texts that were to be written, and those that a reader finds in the file."""
    context = seen.context(step)
    parts = parts_of(context, seen.reading(), leave_out)
    harness = seen.index.harness
    facts = facts or LogFacts(harness=harness, cwd="/home/me/limit", version="2.1.112")
    made = native(context, parts, seen.reading(), facts, NOW)
    splitter = Splitter()
    records = [item for item in [*splitter.feed(made.data), *splitter.finish()] if isinstance(item, Record)]
    found = detect([record.value for record in records[:20]])
    assert found is not None
    assert found.name == harness
    builder = Builder(harness, made.name.removesuffix(".jsonl"))
    for record in records:
        builder.feed(record)
    assert builder.facts.session == made.session
    assert builder.facts.cwd == "/home/me/limit"
    index = builder.finish()
    rules = HARNESSES[harness].context
    assert rules is not None
    lines = {record.source.line: record for record in records}
    ids = index.view_at(len(index.parent) - 1, 1).ids
    again = [rules.pieces(lines[index.line[at]])[index.place[at]].text for at in ids]
    return [part.piece.text for part in parts], again


def _claude() -> Seen:
    log = claude_logs.Log()
    log.user("Go.")
    log.answer(claude_logs.thinking("Hm."), response="a")
    one = log.answer(claude_logs.call("t.1", "Read", file_path="a"), response="a")
    two = log.answer(claude_logs.call("t:2", "mcp__x__y.z", file_path="b"), response="a")
    log.answer(claude_logs.call("open", "Read", file_path="c"), response="a")
    log.done("t.1", "A", parentUuid=one)
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}
    log.done("t:2", [{"type": "text", "text": "B"}, image], parentUuid=two)
    log.attach("nested_memory", path="/x/CLAUDE.md", content={"path": "/x/CLAUDE.md", "content": "Be brief."})
    log.answer(claude_logs.text("Ok."), response="b")
    log.user("```\n</details><script>@me #1\n```")
    log.answer(claude_logs.text("End."))
    return claude(log)


def last(seen: Seen) -> int:
    return max(n for n, at in enumerate(seen.index.step_call) if at >= 0)


def test_messages_of_claude() -> None:
    seen = _claude()
    made = request(seen, last(seen))
    blocks = [block for message in made["messages"] for block in message["content"]]
    kinds = [block["type"] for block in blocks]
    assert kinds[:6] == ["text", "thinking", "tool_use", "tool_use", "tool_result", "tool_result"]
    assert [block["id"] for block in blocks if block["type"] == "tool_use"] == ["t_1", "t_2"]
    assert blocks[5]["content"][1]["source"]["data"] == "aGk="
    assert "Be brief." in str(made)


def test_messages_without_what_is_left_out() -> None:
    seen = _claude()
    calls = [part.n for part in seen.context(last(seen)).segments() if part.category == "tool_result"]
    made = request(seen, last(seen), {calls[0]})
    assert "t_1" not in str(made)
    assert "t_2" in str(made)


def test_messages_of_codex_and_pi() -> None:
    log = codex_logs.Log(base_instructions={"text": "You are Codex."})
    log.asked("Go.")
    log.call("shell", '{"command": ["ls"]}', call_id="a")
    log.custom("apply_patch", "*** Begin Patch", call_id="b")
    log.output("", call_id="a")
    log.said("Between.")
    log.output("done", call_id="b", custom=True)
    log.said("Ok.")
    seen = codex(log)
    made = request(seen, last(seen))
    assert made["system"] == [{"type": "text", "text": "You are Codex."}]
    given = [block["input"] for message in made["messages"] for block in message["content"] if "input" in block]
    assert given == [{"command": ["ls"]}, {"input": "*** Begin Patch"}]
    pilog = pi_logs.Log()
    tool = {"name": "read", "description": "Reads.", "parameters": {"type": "object", "properties": {}}}
    pilog.message("system", "You are Pi.", toolsAdded=[tool])
    pilog.user("Go.")
    pilog.assistant(pi_logs.text("Ok."))
    made = request(pi(pilog), 2)
    assert made["tools"] == [{"name": "read", "description": "Reads.", "input_schema": tool["parameters"]}]


def test_a_sealed_summary_is_refused_as_messages() -> None:
    log = codex_logs.Log()
    log.asked("Go.")
    sealed = {"type": "compaction", "encrypted_content": "xyz"}
    log.add("compacted", {"message": "", "replacement_history": [sealed]})
    log.asked("More.")
    log.said("Ok.")
    seen = codex(log)
    with pytest.raises(TracetuiError, match="sealed"):
        request(seen, last(seen))
    wanted, found = back(seen, last(seen))
    assert found == wanted


def test_markdown_fences_everything() -> None:
    seen = _claude()
    context = seen.context(last(seen))
    text = markdown(context, parts_of(context, seen.reading()), "id", "<b>title</b> @me")
    assert "<b>" not in text
    fence = None
    for line in text.split("\n"):
        if fence is None and line.startswith("```"):
            fence = line
        elif line == fence:
            fence = None
        elif fence is None:
            assert "<script>" not in line
    assert fence is None
    assert "not reviewed" in text
    gated = markdown(context, parts_of(context, seen.reading()), "id", None, reviewed=True)
    assert "not reviewed" not in gated


@pytest.mark.parametrize("left", [(), (2,), (1, 3), (4, 5)])
def test_native_reads_back_the_same(left: tuple[int, ...]) -> None:
    seen = _claude()
    wanted, found = back(seen, last(seen), left)
    assert found == wanted


def test_native_keeps_compactions_blanks_and_edits() -> None:
    log = claude_logs.Log()
    log.system("compact_boundary", parentUuid=None)
    log.user("Sum.", isCompactSummary=True, isVisibleInTranscriptOnly=True)
    log.user("Go.")
    log.answer(claude_logs.call("t1", "Read", file_path="a"))
    log.done("t1", "long")
    log.system("microcompact_boundary", microcompactMetadata={"compactedToolIds": ["t1"]})
    log.answer(claude_logs.text("Ok."))
    wanted, found = back(claude(log), last(claude(log)))
    assert "[Old tool result content cleared]" in wanted
    assert found == wanted
    pilog = pi_logs.Log()
    pilog.message("system", "You are Pi.", sections={"rules": "Be brief."})
    pilog.user("One?")
    pilog.assistant(pi_logs.call("t1", "bash", command="ls"), pi_logs.call("t2", "bash", command="pwd"))
    kept = pilog.result("t1", "long")
    pilog.add("compaction", summary="Sum.", firstKeptEntryId=kept)
    pilog.user("Two?")
    pilog.assistant(pi_logs.call("t3", "bash", command="ls"))
    result = pilog.result("t3", "long")
    pilog.add("context_edit", targetId=result, replacement={"content": [{"type": "text", "text": "short"}]})
    pilog.assistant(pi_logs.text("Ok."))
    wanted, found = back(pi(pilog), last(pi(pilog)))
    assert wanted == ["You are Pi.", "Be brief.", "Sum.", "Two?", "bash\ncommand: ls", "short"]
    assert found == wanted


def test_a_log_of_events_becomes_one_of_items() -> None:
    log = codex_logs.Log(ordinals=True)
    log.done("UserMessage", content=[{"type": "text", "text": "Fix it."}])
    log.done("CommandExecution", id="c1", command=["ls"], exit_code=0, aggregated_output="a b", status="completed")
    log.done("AgentMessage", content=[{"type": "Text", "text": "Done."}])
    log.done("UserMessage", content=[{"type": "text", "text": "More."}])
    log.done("AgentMessage", content=[{"type": "Text", "text": "Ok."}])
    seen = codex(log)
    wanted, found = back(seen, last(seen))
    assert found == wanted
    assert len(found) == 5


PIECES = st.lists(
    st.tuples(st.sampled_from(["user", "say", "call", "calls", "open", "meta", "image"]), st.text(max_size=12)),
    min_size=1, max_size=25,
)  # fmt: skip


@given(PIECES, st.sets(st.integers(1, 30), max_size=6))
@settings(max_examples=120, deadline=None)
def test_whatever_is_left_out_the_request_validates_and_the_session_reads_back(
    deeds: list[tuple[str, str]], left: set[int]
) -> None:
    log = claude_logs.Log()
    for nth, (deed, words) in enumerate(deeds):
        if deed == "user":
            log.user(words)
        elif deed == "meta":
            log.user(words or "x", isMeta=True)
        elif deed == "say":
            log.answer(claude_logs.text(words))
        elif deed == "image":
            image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}
            log.user([{"type": "text", "text": words}, image])
        else:
            names = [f"{nth}-{at}" for at in range(2 if deed == "calls" else 1)]
            made = [
                log.answer(claude_logs.call(name, words or "Bash", command=words), response=f"r{nth}") for name in names
            ]
            for name, own in zip(names, made, strict=True):
                if deed != "open":
                    log.done(name, words, parentUuid=own)
    log.user("End?")
    log.answer(claude_logs.text("End."))
    seen = claude(log)
    context = seen.context(last(seen))
    left = {n for n in left if n <= len(context)}
    if not parts_of(context, seen.reading(), left):
        with pytest.raises(TracetuiError, match="nothing to export"):
            request(seen, last(seen), left)
        return
    request(seen, last(seen), left)
    wanted, found = back(seen, last(seen), left)
    assert found == wanted


def test_a_native_copy_of_codex_keeps_its_provider_and_the_state_that_it_compares_with() -> None:
    log = codex_logs.Log(model_provider="mine", base_instructions={"text": "Be kind."})
    log.add("world_state", {"full": True, "state": {"environments": {"cwd": "/x"}}})
    log.add("turn_context", {"cwd": "/x", "model": "gpt-5.5", "summary": "auto", "effort": "high"})
    log.asked("Go.")
    log.answered("Ok.")
    log.add("world_state", {"full": True, "state": {"environments": {"cwd": "/later"}}})
    log.asked("More.")
    log.answered("Good.")
    seen = codex(log)
    context = seen.context(2)
    made = native(context, parts_of(context, seen.reading()), seen.reading(), LogFacts(), NOW)
    values = [orjson.loads(line) for line in made.data.splitlines()]
    assert values[0]["payload"]["model_provider"] == "mine"
    states = [value["payload"] for value in values if value["type"] in ("world_state", "turn_context")]
    assert [state.get("effort") for state in states] == [None, "high"]
    assert states[0]["state"]["environments"]["cwd"] == "/x"


def test_a_native_copy_of_claude_has_a_boundary_before_what_stands_before_its_summary() -> None:
    log = claude_logs.Log(version="2.1.330")
    log.system("compact_boundary", parentUuid=None, content="Conversation compacted")
    told = {"content": "<system-reminder>\nToday.\n</system-reminder>"}
    log.add("attachment", attachment={"type": "date"}, rendered=[told])
    log.user("They started.", isCompactSummary=True, isVisibleInTranscriptOnly=True)
    log.answer(claude_logs.text("Ok."))
    seen = claude(log)
    context = seen.context(max(n for n, at in enumerate(seen.index.step_call) if at >= 0))
    made = native(context, parts_of(context, seen.reading()), seen.reading(), LogFacts(), NOW)
    kinds = [orjson.loads(line)["type"] for line in made.data.splitlines()]
    assert kinds == ["system", "attachment", "user"]
