"""Contexts of Claude Code: the tree, fans, compactions and what they keep, micro-compactions, side chains."""

from __future__ import annotations

import pytest

from tests.ctx.seen import claude
from tests.harness.claude_logs import Log, call, text, thinking, usage
from tracetui.ctx.context import NoCall


def test_each_step_sees_what_came_before_it_and_never_the_future() -> None:
    log = Log()
    log.user("Fix it.")  # 1
    log.answer(text("Looking."), response="a")  # 2
    log.answer(call("t1", "Read", file_path="a.py"), response="a")  # 3
    log.done("t1", "x = 1")
    log.answer(text("Done."))  # 4
    log.user("Thanks.")  # 5
    log.answer(text("Welcome."))  # 6
    seen = claude(log)
    assert seen.words(2) == seen.words(3) == ["prompt:Fix it."]
    first = ["prompt:Fix it.", "message:Looking.", "tool_call:Read", "tool_result:x = 1"]
    assert seen.words(4) == first
    assert seen.words(6) == [*first, "message:Done.", "prompt:Thanks."]
    assert seen.origins(6) == [1, 2, 3, 3, 4, 5]
    assert seen.context(3).first_step == 2
    for step, later in ((1, 2), (5, 6)):
        with pytest.raises(NoCall) as failed:
            seen.context(step)
        assert failed.value.next_step == later
        assert failed.value.status == 1


def test_parallel_results_fan_out_and_are_all_seen() -> None:
    log = Log()
    log.user("Go.")
    one = log.answer(call("t1", "Read", file_path="a"), response="a")
    two = log.answer(call("t2", "Read", file_path="b"), response="a")
    log.done("t1", "A", parentUuid=one)
    log.done("t2", "B", parentUuid=two)
    log.answer(text("Both."))
    seen = claude(log)
    assert seen.words(4) == [
        "prompt:Go.", "tool_call:Read", "tool_call:Read", "tool_result:A", "tool_result:B",
    ]  # fmt: skip
    assert seen.origins(4) == [1, 2, 3, 2, 3]


def test_a_rewound_branch_is_not_seen() -> None:
    log = Log()
    root = log.user("Start.")
    answer = log.answer(text("Ready."), parentUuid=root)
    log.user("Wrong way.", parentUuid=answer)
    log.answer(text("Wrong."))
    log.user("Right way.", parentUuid=answer)
    log.answer(text("Right."))
    seen = claude(log)
    assert seen.words(6) == ["prompt:Start.", "message:Ready.", "prompt:Right way."]
    assert seen.left(4, 6) == [("Wrong way.", "rollback")]


def test_a_compaction_leaves_its_summary() -> None:
    log = Log()
    log.user("Start.")
    log.answer(text("Ready."))
    last = log.last
    log.system("compact_boundary", parentUuid=None, logicalParentUuid=last, content="Conversation compacted")
    log.user("They started.", isCompactSummary=True, isVisibleInTranscriptOnly=True)
    log.user("Go on.")
    log.answer(text("Going."))
    seen = claude(log)
    assert seen.words(5) == ["summary:They started.", "prompt:Go on."]
    assert seen.origins(5) == [3, 4]
    assert seen.left(2, 5) == [("Start.", "compaction")]


@pytest.mark.parametrize("linked", [True, False])
def test_a_summary_without_a_boundary_begins_anew(linked: bool) -> None:
    log = Log()
    log.user("Start.")
    log.answer(text("Ready."))
    log.user("They started.", isCompactSummary=True, parentUuid=log.last if linked else None)
    log.user("Go on.")
    log.answer(text("Going."))
    seen = claude(log)
    assert seen.words(5) == ["summary:They started.", "prompt:Go on."]
    assert seen.left(2, 5) == [("Start.", "compaction")]


def test_a_record_whose_parent_is_lost_follows_what_was_there() -> None:
    log = Log()
    log.user("Start.")
    log.answer(text("Ready."))
    log.user("Go on.", parentUuid="ffffffff-0000-4000-8000-00000000ffff")
    log.answer(text("Going."))
    assert claude(log).words(4) == ["prompt:Start.", "message:Ready.", "prompt:Go on."]


def test_a_compaction_keeps_a_stretch() -> None:
    log = Log()
    log.user("Start.")
    log.answer(text("One."))
    head = log.user("Two?")
    tail = log.answer(text("Two."))
    log.system(
        "compact_boundary", parentUuid=None, logicalParentUuid=tail,
        compactMetadata={"preservedSegment": {"headUuid": head, "tailUuid": tail, "anchorUuid": "anchor"}},
    )  # fmt: skip
    boundary = log.last
    log.user("Before that: one.", isCompactSummary=True, isVisibleInTranscriptOnly=True)
    log.values[-1]["uuid"] = "anchor"
    log.user("Three?", parentUuid="anchor")
    log.answer(text("Three."))
    assert boundary is not None
    seen = claude(log)
    assert seen.words(7) == ["summary:Before that: one.", "prompt:Two?", "message:Two.", "prompt:Three?"]
    assert seen.left(4, 7) == [("Start.", "compaction"), ("One.", "compaction")]


def test_a_micro_compaction_blanks_results() -> None:
    log = Log()
    log.user("Go.")
    log.answer(call("t1", "Read", file_path="a"))
    log.done("t1", "long text")
    log.answer(call("t2", "Read", file_path="b"))
    log.done("t2", "other text")
    log.answer(text("Before."))  # 4
    log.system("microcompact_boundary", microcompactMetadata={"compactedToolIds": ["t1"]})
    log.user("More?")
    log.answer(text("After."))
    seen = claude(log)
    assert "tool_result:long text" in seen.words(4)
    assert seen.words(7)[1:5] == [
        "tool_call:Read", "tool_result:[Old tool result content cleared]", "tool_call:Read", "tool_result:other text",
    ]  # fmt: skip
    assert seen.origins(7)[2] == 2
    assert seen.left(4, 7) == [("long text", "microcompaction")]


def test_thinking_of_earlier_turns_is_dropped_for_models_that_do_not_see_it_again() -> None:
    for model, kept in (("claude-sonnet-4-5-20250929", False), ("claude-opus-4-6", True)):
        log = Log(version="2.1.20")
        log.user("Go.")
        log.answer(thinking("Hm."), response="a", model=model)
        log.answer(call("t1", "Bash", command="ls"), response="a", model=model)
        log.done("t1", "a b")
        log.answer(text("Ok."), model=model)  # 4
        log.user("More.")
        log.answer(text("Done."), model=model)  # 6
        seen = claude(log)
        assert "thinking:Hm." in seen.words(4)
        assert ("thinking:Hm." in seen.words(6)) is kept
        assert seen.left(4, 6) == ([] if kept else [("Hm.", "thinking_of_earlier_turn")])


def test_a_side_chain_has_its_own_context() -> None:
    log = Log()
    log.user("Main.")
    log.answer(call("t1", "Task", prompt="Side."))
    main = log.last
    log.user("Side.", parentUuid=None, isSidechain=True)
    log.answer(text("Side done."), isSidechain=True)
    log.done("t1", "Side done.", parentUuid=main)
    log.answer(text("All done."))
    seen = claude(log)
    assert seen.words(4) == ["prompt:Side."]
    assert seen.words(5) == ["prompt:Main.", "tool_call:Task", "tool_result:Side done."]


def test_progress_is_walked_through_and_attachments_are_seen() -> None:
    log = Log()
    log.user("Go.")
    log.answer(call("t1", "Bash", command="ls"))
    log.add("progress", data={"type": "bash_progress"}, toolUseID="t1")
    log.done("t1", "a")
    log.attach("nested_memory", path="/x/CLAUDE.md", content={"content": "Be brief."})
    log.attach("hook_success", content="not seen", hookEvent="PostToolUse")
    log.answer(text("Ok."))
    seen = claude(log)
    words = seen.words(max(n for n, at in enumerate(seen.index.step_call) if at >= 0))
    assert words[:3] == ["prompt:Go.", "tool_call:Bash", "tool_result:a"]
    assert [word.partition(":")[0] for word in words[3:]] == ["instructions"]


def test_a_text_that_went_into_the_turn_from_the_queue_is_seen() -> None:
    log = Log()
    log.user("Go.")
    log.answer(call("t1", "Bash", command="ls"))
    log.queue("enqueue", "Also the docs.")
    log.queue("remove")
    log.done("t1", "a")
    log.answer(text("Docs too."))
    seen = claude(log)
    words = seen.words(len(seen.index.step_call) - 1)
    assert "prompt:Also the docs." in words
    assert len(words) == 4


def test_reported_tokens_and_what_is_missing() -> None:
    log = Log()
    log.user("Go.")
    log.answer(text("One."), tokens=usage(5, given=10, read=15_000, written=500))
    log.user("Again.")
    log.answer(text("Two."), tokens=usage(5, given=10, read=15_500, written=30))
    context = claude(log).context(4)
    assert context.reported == 15_540
    assert context.estimated == sum(part.tokens for part in context.segments())
    assert not context.exact
    assert "system prompt" in context.missing
    assert context.missing_tokens is not None
    assert 15_000 < context.missing_tokens < 15_510
    assert context.window == 200_000
    assert context.window_guessed


def test_inherited_history_is_seen_and_is_no_step() -> None:
    log = Log()
    log.user("Old.", forkedFrom={"sessionId": "x"})
    log.answer(text("Older."), forkedFrom={"sessionId": "x"})
    log.user("New.")
    log.answer(text("Newer."))
    seen = claude(log)
    assert seen.words(2) == ["prompt:Old.", "message:Older.", "prompt:New."]
    assert seen.origins(2) == [None, None, 1]


def test_errors_of_the_harness_are_not_seen() -> None:
    log = Log()
    log.user("Go.")
    log.answer(text("API Error"), model="<synthetic>", isApiErrorMessage=True)
    log.answer(text("Fine."))
    log.user("More.")
    log.answer(text("Good."))
    seen = claude(log)
    assert seen.words(5) == ["prompt:Go.", "message:Fine.", "prompt:More."]
