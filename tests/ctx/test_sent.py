"""What real programs were seen to send (bench/live.py), held on made-up logs of the same shape."""

from __future__ import annotations

import pytest

from tests.ctx.seen import Seen, claude, codex
from tests.harness import codex_logs
from tests.harness.claude_logs import Log, call, text, thinking, usage

MODEL = "claude-sonnet-4-5-20250929"


def last(seen: Seen) -> int:
    """The last step that a model made."""
    return max(n for n, at in enumerate(seen.index.step_call) if at >= 0)


def turns(version: str, tokens: list[int] | None = None, model: str = MODEL) -> Seen:
    """Three turns that each think at length; ``tokens`` are the reported prompts of the six calls."""
    log = Log(version=version)
    for nth in range(3):
        log.user(f"Ask {nth}.")
        own = (tokens[2 * nth], tokens[2 * nth + 1]) if tokens else (0, 0)
        words = f"Thought {nth}: " + "the window is counted in seconds and its edge belongs to the next one; " * 60
        told = usage(900, 0, own[0], 0)
        log.answer(thinking(words), response=f"a{nth}", model=model, tokens=told)
        log.answer(call(f"t{nth}", "Bash", command="ls"), response=f"a{nth}", model=model, tokens=told)
        log.done(f"t{nth}", "a")
        log.answer(text(f"Answer {nth}."), response=f"b{nth}", model=model, tokens=usage(5, 0, own[1], 0))
    return claude(log)


@pytest.mark.parametrize(
    ("version", "kept", "certainty"),
    [("1.0.98", False, "known"), ("2.1.40", False, "assumed"), ("2.1.197", True, "known")],
)
def test_thinking_of_earlier_turns_goes_by_the_version(version: str, kept: bool, certainty: str) -> None:
    seen = turns(version)
    context = seen.context(last(seen))
    assert (context.keeps_thinking, context.thinking) == (kept, certainty)
    assert any(word.startswith("thinking:Thought 0") for word in seen.words(last(seen))) is kept
    assert any(word.startswith("thinking:Thought 2") for word in seen.words(last(seen)))


@pytest.mark.parametrize("kept", [True, False])
def test_where_the_version_leaves_it_open_the_reported_growth_decides(kept: bool) -> None:
    thought = sum(part.tokens for part in turns("2.1.40").context(4).segments() if part.category == "thinking")
    assert thought > 300
    tokens, at = [], 15_000
    for _ in range(3):
        tokens += [at, at + thought + 100]
        at += 150 + (thought if kept else 0)
    seen = turns("2.1.40", tokens)
    context = seen.context(last(seen))
    assert (context.keeps_thinking, context.thinking) == (kept, "measured")


def test_a_request_in_the_log_states_whether_thinking_stays() -> None:
    log = Log(version="2.1.330")
    log.user("Ask.")
    log.answer(thinking("Hm."), text("Ok."), model=MODEL)
    log.user("More.")
    edits = [{"type": "clear_thinking_20251015", "keep": {"type": "thinking_turns", "value": 1}}]
    log.book("api-request", id="q1", params={"context_management": {"edits": edits}})
    log.answer(text("Fine."), model=MODEL, requestRef="q1")
    seen = claude(log)
    assert "thinking:Hm." not in seen.words(last(seen))
    assert seen.context(last(seen)).thinking == "stated"


def test_thinking_of_another_model_is_not_sent() -> None:
    log = Log(version="2.1.197")
    log.user("Ask.")
    log.answer(thinking("Hm."), text("Ok."), model="claude-opus-4-6")
    log.user("More.")
    log.answer(text("Fine."), model="claude-sonnet-4-6")
    log.user("Again.")
    log.answer(text("Good."), model="claude-opus-4-6")
    seen = claude(log)
    made = [n for n, at in enumerate(seen.index.step_call) if at >= 0]
    assert ["thinking:Hm." in seen.words(n) for n in made] == [False, False, False, True]
    assert ("Hm.", "thinking_of_earlier_turn") in seen.left(made[-1], made[-2])


def test_attachments_stand_before_the_prompt_that_they_came_with() -> None:
    log = Log(version="2.1.197")
    log.user("One.")
    log.attach("skill_listing", content="- knit: make things")
    log.answer(text("Ok."))
    log.user("Two.")
    log.attach("hook_success", hookEvent="UserPromptSubmit", hookName="UserPromptSubmit", content="Said.")
    log.answer(text("Good."))
    words = claude(log).words(6)
    assert words == [
        "attachment:- knit: make things", "prompt:One.", "message:Ok.",
        "attachment:UserPromptSubmit hook success: Said.", "prompt:Two.",
    ]  # fmt: skip


def test_a_named_file_is_a_call_and_its_result() -> None:
    log = Log(version="2.1.197")
    log.user("What says @a.txt?")
    inner = {"filePath": "/x/a.txt", "content": "one\ntwo", "numLines": 2, "startLine": 1, "totalLines": 2}
    log.attach("file", filename="/x/a.txt", content={"type": "text", "file": inner}, displayPath="a.txt")
    log.answer(text("Two lines."))
    seen = claude(log)
    assert seen.words(last(seen))[0] == (
        'attachment:Called the Read tool with the following input: {"file_path":"/x/a.txt"}\n'
        "Result of calling the Read tool:\n1\tone\n2\ttwo"
    )


def test_an_empty_reminder_weighs_what_was_sent_around_it() -> None:
    log = Log(version="2.1.197")
    log.user("Go.")
    log.answer(call("t1", "Bash", command="ls"))
    log.done("t1", "a")
    log.attach("task_reminder", content=[], itemCount=0)
    log.answer(text("Ok."))
    seen = claude(log)
    parts = [part for part in seen.context(last(seen)).segments() if part.name == "task_reminder"]
    assert [80 < part.tokens < 120 for part in parts] == [True]


def test_what_the_program_put_into_the_models_mouth_is_sent_again() -> None:
    log = Log()
    log.user("Go.")
    log.answer(text("No response requested."), model="<synthetic>")
    log.user("More.")
    log.answer(text("Ok."))
    seen = claude(log)
    assert seen.words(last(seen)) == ["prompt:Go.", "message:No response requested.", "prompt:More."]


def test_results_stand_behind_all_calls_of_their_response() -> None:
    log = Log()
    log.user("Go.")
    one = log.answer(call("t1", "Read", file_path="a"), response="a")
    log.done("t1", "A", parentUuid=one)
    two = log.answer(call("t2", "Read", file_path="b"), response="a", parentUuid=one)
    log.done("t2", "B", parentUuid=two)
    log.answer(text("Both."))
    seen = claude(log)
    words = ["prompt:Go.", "tool_call:Read", "tool_call:Read", "tool_result:A", "tool_result:B"]
    assert seen.words(last(seen)) == words
    assert seen.origins(last(seen)) == [1, 2, 3, 2, 3]


def test_a_snapshot_of_the_prompt_makes_the_context_exact() -> None:
    log = Log(version="2.1.330")
    log.user("Go.")
    told = {"content": "<system-reminder>\nToday.\n</system-reminder>"}
    log.add("attachment", attachment={"type": "date", "date": "2026-05-01"}, rendered=[told], renderedRole="system")
    log.attach("prompt_snapshot", systemPrompt=["Be kind."])
    log.answer(call("t1", "Bash", command="ls"))
    log.done("t1", "a")
    log.attach("prompt_snapshot", systemPrompt=["Be kinder."], tools=[{"name": "Bash", "schema": {"name": "Bash"}}])
    log.answer(text("Ok."))
    seen = claude(log)
    first, then = seen.context(2), seen.context(last(seen))
    assert not first.exact
    assert "tool schemas" in first.missing
    assert "system prompt" not in first.missing
    assert then.exact
    assert then.missing == ()
    words = seen.words(last(seen))
    assert words[:2] == ["system:Be kinder.", 'system:{"name":"Bash"}']
    assert "system:Be kind." not in words
    assert words[2:4] == ["attachment:Today.", "prompt:Go."]


def test_missing_tokens_never_go_beyond_what_was_reported() -> None:
    log = Log()
    log.user("Go.")
    log.answer(text("One."), tokens=usage(5, given=10, read=40_000, written=500))
    log.user("Again.")
    log.answer(text("Two."), tokens=usage(5, given=10, read=900, written=30))
    context = claude(log).context(4)
    assert context.missing_tokens is not None
    assert context.reported is not None
    assert context.estimated + context.missing_tokens <= context.reported


def test_codex_reasoning_that_reported_tokens_leave_out_is_left_out() -> None:
    log = codex_logs.Log()
    total = at = 10_000
    for nth in range(3):
        log.turn(f"t{nth}")
        log.asked(f"Ask {nth}.")
        log.thought(encrypted_content="x" * 9000)
        log.call("exec_command", {"cmd": "ls"})
        log.tokens(total := total + at, (at, 0, 1200))
        log.output("a")
        log.answered(f"Done {nth}.")
        log.tokens(total := total + at + 1230, (at + 1230, 0, 20))
        at += 80
    seen = codex(log, codex_logs.STEM)
    context = seen.context(last(seen))
    assert (context.keeps_thinking, context.thinking) == (False, "measured")


def codex_result(text: str, mode: str, limit: int) -> str:
    """The result of a call in a context, where results are cut to a limit."""
    log = codex_logs.Log()
    log.add("turn_context", {"cwd": "/x", "truncation_policy": {"mode": mode, "limit": limit}})
    log.asked("Go.")
    log.call("exec_command", {"cmd": "seq"})
    log.output(text)
    log.answered("Done.")
    seen = codex(log)
    return next(word for word in seen.words(last(seen)) if word.startswith("tool_result:")).partition(":")[2]


def test_codex_cuts_long_results_in_the_middle() -> None:
    assert codex_result("x" * 120, "bytes", 100) == "x" * 120
    assert codex_result("a" * 60 + "é" + "b" * 60, "bytes", 100) == "a" * 60 + "…1 chars truncated…" + "b" * 60
    assert codex_result("ä" * 100, "bytes", 50) == "ä" * 15 + "…70 chars truncated…" + "ä" * 15
    assert codex_result("x" * 1000, "tokens", 50) == "x" * 120 + "…190 tokens truncated…" + "x" * 120


def test_codex_tells_apply_patch_again_in_words_and_leaves_plans_out() -> None:
    log = codex_logs.Log(
        cli_version="0.169.0", base_instructions={"text": "Be kind.\n\n## Planning\n\nPlan.\n\n## Work\n\nDo.\n"}
    )
    log.asked("Go.")
    log.item("custom_tool_call", name="apply_patch", input="*** Begin Patch", call_id="c1")
    told = '{"output":"Done\\n","metadata":{"exit_code":0,"duration_seconds":0.0}}'
    log.item("custom_tool_call_output", call_id="c1", output=told)
    log.answered("Done.")
    words = codex(log).words(last(codex(log)))
    assert words[0] == "system:Be kind.\n\n## Work\n\nDo.\n"
    assert "tool_result:Exit code: 0\nWall time: 0 seconds\nOutput:\nDone\n" in words


def test_codex_names_what_stands_in_for_results_that_never_came() -> None:
    log = codex_logs.Log()
    log.asked("Go.")
    log.call("exec_command", {"cmd": "sleep"})
    log.asked("Never mind.")
    log.answered("Fine.")
    seen = codex(log)
    assert any("aborted" in name for name in seen.context(last(seen)).missing)
    made = [n for n, at in enumerate(seen.index.step_call) if at >= 0]
    assert not any("aborted" in name for name in seen.context(made[0]).missing)


@pytest.mark.parametrize(
    ("version", "marked", "lost"), [("2.1.49", True, True), ("2.1.49", False, False), ("2.1.72", True, False)]
)
def test_a_resumed_session_lost_the_parallel_calls_that_it_did_not_go_on_from(
    version: str, marked: bool, lost: bool
) -> None:
    log = Log(version=version)
    log.user("Go.")
    one = log.answer(call("t1", "Read", file_path="a"), response="a")
    two = log.answer(call("t2", "Read", file_path="b"), response="a")
    log.done("t1", "A", parentUuid=one)
    log.done("t2", "B", parentUuid=two)
    log.answer(text("Both."))
    if marked:
        log.queue("enqueue", "More.")
        log.queue("dequeue")
    log.user("More.")
    log.answer(text("Fine."))
    seen = claude(log)
    before = ["prompt:Go.", "tool_call:Read", "tool_call:Read", "tool_result:A", "tool_result:B"]
    assert seen.words(4) == before
    after = ["prompt:Go.", "tool_call:Read", "tool_result:B"] if lost else before
    assert seen.words(last(seen)) == [*after, "message:Both.", "prompt:More."]
    if lost:
        assert {cause for _, cause in seen.left(4, last(seen))} == {"resume"}


@pytest.mark.parametrize("lost", [True, False])
def test_the_reported_growth_tells_whether_parallel_calls_were_lost(lost: bool) -> None:
    log = Log(version="2.1.49")
    body = "def limit(request):\n    return window.count(request.user) < 100\n" * 60
    log.user("Go.")
    one = log.answer(call("t1", "Read", file_path="a"), response="a", tokens=usage(5, 0, 15_000, 0))
    two = log.answer(call("t2", "Bash", command="ls"), response="a", tokens=usage(5, 0, 15_000, 0))
    log.done("t1", body, parentUuid=one)
    log.done("t2", "B", parentUuid=two)
    log.answer(text("Both."), tokens=usage(5, 0, 17_000, 0))
    log.user("More.")
    log.answer(text("Fine."), tokens=usage(5, 0, 15_400 if lost else 17_100, 0))
    words = claude(log).words(last(claude(log)))
    assert (f"tool_result:{body}" not in words) is lost
