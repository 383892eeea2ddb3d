"""History that forks and subagents repeat is not theirs; and which response a token count belongs to."""

from __future__ import annotations

import pytest

from tests.harness.codex_logs import STEM, THREAD, Log, iso, kinds, lines_of, ms, read, uuid7
from tracetui.model import Step, Tokens

PARENT = uuid7(-5000, 7)


def prompts(steps: list[Step]) -> list[str | None]:
    return [step.text for step in steps if step.kind == "prompt"]


def counted(steps: list[Step]) -> list[tuple[int, int]]:
    """Numbers of steps with tokens, and the tokens of each."""
    return [(step.number, step.tokens.prompt + step.tokens.output) for step in steps if step.tokens is not None]


def repeated(log: Log, at: float, *, turn: str | None = None) -> None:
    """The parent's history, written into the child's log in one burst."""
    log.meta(id=PARENT, timestamp=iso(-5000), at=at)
    log.turn(turn, at=at + 0.001)
    log.user("the parent's question", at=at + 0.002)
    log.event("user_message", message="the parent's question", at=at + 0.003)
    log.call("exec_command", {"cmd": "ls"}, "p1", at=at + 0.004)
    log.output("Exit code: 1\nWall time: 1 seconds\nOutput:\nx", "p1", at=at + 0.005)
    log.event("agent_message", message="the parent's answer", at=at + 0.006)
    log.tokens(9000, (8000, 0, 1000), at=at + 0.007)


# -------------------------------------------------------------------- inherited history


def test_a_subagent_with_ordinals() -> None:
    log = Log(
        ordinals=True,
        parent_thread_id=PARENT,
        source={"subagent": {"thread_spawn": {"parent_thread_id": PARENT, "depth": 1}}},
        subagent_history_start_ordinal=10,
    )
    repeated(log, 0)
    assert len(log.values) == 10
    log.user("look at the parser")
    log.said("I do.")
    log.tokens(9500, (450, 0, 50))
    reader, steps = read(log)
    assert kinds(steps) == ["prompt", "message"]
    assert prompts(steps) == ["look at the parser"]
    assert (steps[0].number, lines_of(steps[0])) == (1, [11])
    assert counted(steps) == [(2, 500)]
    assert reader.known["inherited"] + reader.known["session_meta"] == 10
    facts = reader.facts
    assert (facts.session, facts.parent, facts.forked_from) == (THREAD, PARENT, None)
    assert (facts.title, facts.model) == ("look at the parser", None)


def test_a_fork_whose_turns_tell_their_time() -> None:
    log = Log(forked_from_id=PARENT)
    repeated(log, 0, turn=uuid7(-4000))
    log.turn(uuid7(0.2), at=0.2)
    log.asked("my own question", at=0.21)
    log.answered("my answer")
    log.tokens(9700, (600, 0, 100))
    reader, steps = read(log)
    assert kinds(steps) == ["prompt", "message"]
    assert counted(steps) == [(2, 700)]
    assert (reader.facts.forked_from, reader.facts.parent) == (PARENT, None)
    assert reader.facts.started == ms(0)


def test_a_fork_of_an_old_version_is_told_by_the_pause_after_it() -> None:
    log = Log(cli_version="0.80.0")
    repeated(log, 0)
    log.asked("my own question", at=30)
    log.answered("my answer")
    _, steps = read(log)
    assert prompts(steps) == ["my own question"]
    assert kinds(steps) == ["prompt", "message"]


def test_a_fork_that_keeps_the_times_of_its_parent() -> None:
    log = Log(forked_from_id=PARENT)
    for at, text in ((-900, "old one"), (-600, "old two")):
        log.user(text, at=at)
        log.said("yes", at=at + 60)
    log.asked("new", at=5)
    reader, steps = read(log)
    assert prompts(steps) == ["new"]
    assert reader.known["inherited"] == 4
    assert reader.facts.title == "new"


def test_a_fork_without_any_repeated_history() -> None:
    base = {"thread_id": PARENT, "end_ordinal_exclusive": 5, "end_byte_offset": 900}
    log = Log(ordinals=True, forked_from_id=PARENT, history_base=base)
    log.done("UserMessage", content=[{"type": "text", "text": "go on"}])
    log.done("AgentMessage", content=[{"type": "Text", "text": "yes"}])
    reader, steps = read(log)
    assert kinds(steps) == ["prompt", "message"]
    assert reader.facts.forked_from == PARENT


def test_a_subagent_that_starts_at_once_after_its_repeated_history() -> None:
    log = Log(source={"subagent": {"thread_spawn": {"parent_thread_id": PARENT}}})
    repeated(log, 0)
    log.output("You are the newly spawned agent. The prior history is your parent's.", "p2", at=0.008)
    log.asked("the task", at=0.009)
    reader, steps = read(log)
    assert prompts(steps) == ["the task"]
    assert reader.facts.parent == PARENT


def test_a_resumed_session_goes_on() -> None:
    log = Log()
    log.asked("one")
    log.answered("1")
    log.meta(at=5000, cli_version="0.150.0", cwd="/elsewhere")
    log.asked("two", at=5001)
    reader, steps = read(log)
    assert prompts(steps) == ["one", "two"]
    assert (reader.facts.cwd, reader.facts.started) == ("/home/me/limit", ms(0))
    assert reader.known["session_meta"] == 2


def test_the_id_in_the_name_of_the_file_wins_where_there_are_several() -> None:
    log = Log(id=PARENT)
    log.asked("one")
    log.meta(at=9)
    log.asked("two")
    assert read(log, STEM)[0].facts.session == THREAD
    assert read(log, f"rollout-2026-05-01T14-00-00-{PARENT}")[0].facts.session == PARENT
    assert read(log, "copy")[0].facts.session == PARENT


# -------------------------------------------------------------------- tokens


def test_counts_stand_on_the_first_step_of_their_response() -> None:
    log = Log()
    log.asked("go")
    log.thought("thinking")
    log.call("exec_command", {"cmd": "ls"}, "c1")
    log.call("exec_command", {"cmd": "pwd"}, "c2")
    log.output("Exit code: 0\nWall time: 0 seconds\nOutput:\n", "c1")
    log.tokens(1100, (1000, 400, 100))
    log.output("Exit code: 0\nWall time: 0 seconds\nOutput:\n", "c2")
    log.answered("done")
    log.tokens(1100, (1000, 400, 100))
    log.tokens(3300, (2000, 1000, 200))
    log.event("token_count", info=None)
    reader, steps = read(log)
    assert [step.tokens for step in steps] == [
        None,
        Tokens(600, 100, 400, 0),
        None,
        None,
        Tokens(1000, 200, 1000, 0),
    ]
    responses = [step.response for step in steps]
    assert responses[0] is None
    assert responses[1] == responses[2] == responses[3] != responses[4]
    assert responses[4] is not None
    assert reader.facts.window == 258_400


def test_counts_of_old_versions_come_before_the_items() -> None:
    log = Log(cli_version="0.40.0")
    log.asked("go")
    log.event("agent_reasoning", text="hm")
    log.tokens(110, (100, 0, 10))
    log.thought("hm")
    log.call("shell", {"command": ["ls"]}, "c1")
    log.output('{"output":"","metadata":{"exit_code":0}}', "c1")
    log.tokens(330, (200, 0, 20))
    log.call("shell", {"command": ["pwd"]}, "c2")
    log.output('{"output":"","metadata":{"exit_code":0}}', "c2")
    log.tokens(660, (300, 0, 30))
    log.said("done")
    _, steps = read(log)
    assert kinds(steps) == ["prompt", "thinking", "command", "command", "message"]
    assert counted(steps) == [(2, 110), (4, 220), (5, 330)]


def test_a_compaction_takes_the_count_of_its_summary() -> None:
    log = Log()
    log.asked("go")
    log.answered("a")
    log.tokens(110, (100, 0, 10))
    log.tokens(5110, (4900, 0, 100))
    log.add("compacted", {"message": "summary"})
    log.event(
        "token_count", info={"total_token_usage": {"input_tokens": 5110, "output_tokens": 0, "total_tokens": 5110}}
    )
    log.asked("on")
    log.answered("b")
    log.tokens(5610, (450, 0, 50))
    _, steps = read(log)
    assert kinds(steps) == ["prompt", "message", "compaction", "prompt", "message"]
    assert counted(steps) == [(2, 110), (3, 5000), (5, 500)]


def test_totals_that_begin_again_are_still_counted() -> None:
    log = Log()
    for total, last in ((110, 100), (50, 40), (50, 40), (110, 50)):
        log.answered(f"at {log.clock}")
        log.call("exec_command", {"cmd": "ls"}, f"c{log.clock}")
        log.output("x", f"c{log.clock - 1}")
        log.tokens(total, (last, 0, 10))
    _, steps = read(log)
    assert sum(amount for _, amount in counted(steps)) == 110 + 50 + 60


@pytest.mark.parametrize("first", ["record", "count"])
def test_two_records_of_one_count_are_counted_once(first: str) -> None:
    log = Log()
    for total, last in ((110, 100), (330, 200)):
        log.asked(f"q{total}")
        log.answered(f"a{total}")
        usage = {"input_tokens": last, "cached_input_tokens": 0, "output_tokens": total // 10 - last // 100 * 0}
        if first == "record":
            log.add("token_usage_record", {"usage": usage})
        log.tokens(total, (last, 0, usage["output_tokens"]))
        if first == "count":
            log.add("token_usage_record", {"usage": usage})
    _, steps = read(log)
    assert counted(steps) == [(2, 111), (4, 233)]


def test_counts_are_disjoint_whatever_the_log_says() -> None:
    log = Log()
    log.answered("a")
    usage = {"input_tokens": 100, "cached_input_tokens": 70, "cache_write_input_tokens": 20, "output_tokens": 5}
    log.event("token_count", info={"total_token_usage": {"total_tokens": 105}, "last_token_usage": usage})
    log.asked("b")
    log.answered("b")
    odd = {"input_tokens": 10, "cached_input_tokens": 999, "output_tokens": -4}
    log.event("token_count", info={"total_token_usage": {"total_tokens": 115}, "last_token_usage": odd})
    _, steps = read(log)
    assert [step.tokens for step in steps if step.tokens] == [Tokens(10, 5, 70, 20), Tokens(0, 0, 10, 0)]
