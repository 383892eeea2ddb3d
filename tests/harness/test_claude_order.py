"""Records that do not come in order, responses that say nothing, and files of several sessions."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from tracetui.harness.claude.early import STEPS
from tracetui.harness.claude.reader import ClaudeReader
from tracetui.model import Step

from .claude_logs import OTHER, SESSION, Log, again, call, counts, kinds, read, records, steps, text, usage


def conversation(turns: int = 6) -> Log:
    log = Log()
    log.user("begin")
    for turn in range(turns):
        log.answer(text(f"turn {turn}"), call(f"t{turn}", "Bash", command=f"make {turn}"))
        log.done(f"t{turn}", f"made {turn}", toolUseResult={"durationMs": 5})
    log.answer(text("done"))
    return log


def brief(found: list[Step]) -> list[tuple[object, ...]]:
    return [(step.number, step.kind, step.key, step.text, step.tool, step.tokens) for step in found]


def test_a_result_before_its_call_belongs_to_the_call() -> None:
    log = conversation()
    straight = steps(log)
    moved = [*log.values[:1], log.values[12], *log.values[1:12], *log.values[13:]]
    found, reader = read(moved)
    assert brief(found) == brief(straight)
    step = next(step for step in found if step.tool is not None and step.tool.output == "made 5")
    assert [source.line for source in step.sources] == [13, 2], "the call begins the step"
    counts(reader, len(moved))
    twin = again(step, records(moved))
    assert (twin.tool, twin.sources) == (step.tool, step.sources)


@given(seed=st.integers(0, 100_000), cuts=st.lists(st.integers(0, 20), max_size=3))
def test_any_order_of_results_gives_the_same_steps(seed: int, cuts: list[int]) -> None:
    chance = random.Random(seed)
    log = conversation()
    straight = brief(steps(log))
    values = list(log.values)
    for _ in range(chance.randint(1, 4)):
        at = chance.choice([nth for nth, value in enumerate(values) if "toolUseResult" in value])
        values.insert(chance.randint(0, at), values.pop(at))
    reader = ClaudeReader(SESSION)
    found: dict[int, Step] = {}
    for nth, record in enumerate(records(values)):
        if nth in cuts:
            found.update((step.number, step) for step in reader.take())
            reader = ClaudeReader(SESSION, reader.dump())
        reader.feed(record)
    found.update((step.number, step) for step in reader.take())
    assert brief([found[number] for number in sorted(found) if number <= reader.count]) == straight


def test_what_never_comes_is_said() -> None:
    log = Log()
    log.done("lost", "the output of a call that is not here")
    for turn in range(STEPS + 5):
        log.user(f"prompt {turn}")
    log.answer(call("lost", "Bash", command="late"))
    found = steps(log)
    assert found[0].kind == "event"
    assert found[0].summary == "result without its call: the output of a call that is not here"
    assert found[-1].tool is not None
    assert found[-1].tool.output is None


def test_a_response_of_white_space_counts_its_usage() -> None:
    log = Log()
    log.user("begin")
    log.answer(text(" \n"), tokens=usage(9))
    found, reader = read(log)
    assert kinds(found) == ["prompt"]
    assert reader.facts.unclaimed == [10, 9, 100, 20]
    for _ in range(20):
        log.answer(text("words"))
    assert read(log)[1].facts.unclaimed == [10, 9, 100, 20]
    log.answer(text("words"), response="r1", tokens=usage(9))
    assert read(log)[1].facts.unclaimed == [10, 9, 100, 20], "known, and not counted again"
    assert ClaudeReader(SESSION, read(log)[1].dump()).facts.unclaimed == [10, 9, 100, 20]


def test_a_response_that_is_not_at_its_end_claims_its_usage_later() -> None:
    log = Log()
    log.user("begin")
    log.answer(text(" "), tokens=usage(9))
    log.answer(text("words"), response="r1", tokens=usage(9))
    found, reader = read(log)
    assert reader.facts.unclaimed is None
    assert found[1].tokens is not None
    assert found[1].tokens.output == 9


def test_a_file_of_several_sessions_belongs_to_the_id_that_its_stem_contains() -> None:
    log = Log(sessionId=OTHER)
    log.user("another session's")
    log.common["sessionId"] = SESSION
    log.user("this session's")
    for stem in (SESSION, f"backup-{SESSION}", f"{SESSION}~2", f"{SESSION}.bak"):
        found, reader = read(log, stem)
        assert (reader.facts.session, reader.facts.forked_from) == (SESSION, OTHER)
        assert [step.text for step in found if step.number <= reader.count] == ["this session's"]
    assert read(log, "backup")[1].facts.session == OTHER
