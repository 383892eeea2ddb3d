"""Claude Code's reader holds its promises on any log: counts add up, it resumes anywhere, steps come back from their
sources, and no shape of a record breaks it."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.corpus import real_logs
from tests.harness.claude_logs import SESSION, Log, again, call, counts, records, result, text, thinking, usage
from tracetui.harness.claude import HARNESS
from tracetui.harness.claude.reader import ClaudeReader
from tracetui.harness.claude.state import Seen, fingerprint
from tracetui.harness.lines import records_of
from tracetui.model import Record, Source, Step

words = st.sampled_from(["yes", "use make for the build please", "<system-reminder>x</system-reminder>", "", "a\nb"])
idents = st.sampled_from(["t1", "t2", "t3", None])
names = st.sampled_from(["Bash", "Edit", "Read", "Task", "TodoWrite", "mcp__a__b"])
blocks = st.one_of(
    words.map(text),
    words.map(thinking),
    st.builds(lambda ident, name: call(ident, name, command="x", file_path="/a"), idents, names),
    st.just({"type": "image", "source": {"data": "QUJD", "media_type": "image/png"}}),
    st.builds(lambda ident: {"type": "web_search_tool_result", "tool_use_id": ident, "content": []}, idents),
    st.just({"type": "later"}),
)
extras = st.sampled_from(
    [
        None,
        None,
        "Error: x",
        {"stdout": "o"},
        {"agentId": "a1", "durationMs": 3},
        {"exitCode": 2},
        {"interrupted": True},
    ]
)


@st.composite
def logs(draw: st.DrawFn) -> Log:
    log = Log(
        version=draw(st.sampled_from(["1.0.9", "2.1.39", "2.1.112"])),
        sessionId=draw(st.sampled_from([SESSION, SESSION, "other"])),
        agentId=draw(st.sampled_from([None, None, None, "a1b2"])),
    )
    if log.common["agentId"]:
        log.common["isSidechain"] = True
    kinds = ["user", "answer", "answer", "answer", "result", "result", "queue", "queue", "attach", "system", "book"]
    for _ in range(draw(st.integers(0, 14))):
        kind = draw(st.sampled_from([*kinds, "progress", "again", "switch", "compact"]))
        if kind == "user":
            marks = draw(st.sampled_from([{}, {}, {"isMeta": True}, {"isCompactSummary": True}, {"uuid": None}]))
            log.user(draw(st.one_of(words, st.lists(blocks, max_size=3))), **marks)
        elif kind == "answer":
            log.answer(
                *draw(st.lists(blocks, max_size=3)),
                tokens=usage(draw(st.integers(0, 9))),
                response=draw(st.sampled_from([None, "a", "b"])),
                isSidechain=draw(st.sampled_from([None, True])),
                costUSD=draw(st.sampled_from([None, 0.5])),
            )
        elif kind == "result":
            found = [result(draw(idents), draw(words)) for _ in range(draw(st.integers(1, 2)))]
            log.user([*found, *draw(st.lists(blocks, max_size=1))], toolUseResult=draw(extras))
        elif kind == "queue":
            content = draw(words) or None
            operation = draw(st.sampled_from(["enqueue", "enqueue", "dequeue", "remove", "remove", "popAll"]))
            reason = draw(st.sampled_from([{}, {}, {"reason": "absorbed_mid_turn"}]))
            log.queue(operation, content if operation == "enqueue" else None, **reason)
        elif kind == "attach":
            name = draw(st.sampled_from(["queued_command", "file", "hook_success", "novel"]))
            log.attach(name, prompt=draw(words), content=draw(words))
        elif kind == "system":
            log.system(
                draw(st.sampled_from(["api_error", "turn_duration", "local_command", "novel"])), content=draw(words)
            )
        elif kind == "compact":
            log.system("compact_boundary", content="compacted")
        elif kind == "book":
            log.book("summary", summary="old", leafUuid=log.last)
            log.book(draw(st.sampled_from(["ai-title", "custom-title"])), aiTitle="t", customTitle="c")
        elif kind == "progress":
            log.add("progress", data={"type": "hook_progress"})
        elif kind == "again" and log.values:
            log.values.append(draw(st.sampled_from(log.values)))
        elif kind == "switch":
            log.common["sessionId"] = draw(st.sampled_from([SESSION, "other"]))
    return log


def whole(got: list[Record], stem: str = SESSION) -> tuple[dict[int, Step], ClaudeReader]:
    reader = ClaudeReader(stem)
    for record in got:
        reader.feed(record)
    return {step.number: step for step in reader.take()}, reader


def state(reader: ClaudeReader) -> tuple[Any, ...]:
    return asdict(reader.facts), reader.known, reader.unknown, reader.stepped, reader.count


@given(logs())
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_counts_add_up_and_steps_are_numbered_in_order(log: Log) -> None:
    got = log.records()
    found, reader = whole(got)
    counts(reader, len(got))
    assert sorted(found) == list(range(1, len(found) + 1))
    assert len({step.key for step in found.values()}) == len(found)
    lines = [found[number].sources[0].line for number in sorted(found)]
    assert lines == sorted(lines)
    for step in found.values():
        assert (step.tool is not None) == (step.kind not in ("prompt", "message", "thinking", "compaction", "event"))
        assert "\n" not in step.summary


@given(logs(), st.lists(st.integers(0, 30), max_size=4), st.booleans())
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_it_goes_on_where_it_stopped(log: Log, cuts: list[int], take: bool) -> None:
    got = log.records()
    expected, one = whole(got)
    reader = ClaudeReader(SESSION)
    found: dict[int, Step] = {}
    for nth, record in enumerate(got):
        if nth in cuts:
            if take:
                found |= {step.number: step for step in reader.take()}
            reader = ClaudeReader(SESSION, reader.dump())
        reader.feed(record)
    found |= {step.number: step for step in reader.take()}
    assert {number: step for number, step in found.items() if number <= reader.count} == expected
    assert state(reader) == state(one)


@given(logs())
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_every_step_comes_back_from_its_sources_alone(log: Log) -> None:
    got = log.records()
    found, _ = whole(got)
    for step in found.values():
        twin = again(step, got)
        loose: dict[str, Any] = {"number": 0, "tokens": None, "model": None, "response": None, "cost_usd": None}
        if log.common["agentId"]:
            loose["sidechain"] = False  # which a row keeps: whether the log is an agent's is told by its first record
        assert replace(twin, **loose) == replace(step, **loose)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 63), 1 << 63) | st.floats(allow_nan=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


def paths(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [at]
    if isinstance(value, dict):
        for key, item in value.items():
            found += paths(item, (*at, key))
    elif isinstance(value, list):
        for nth, item in enumerate(value):
            found += paths(item, (*at, nth))
    return found


@st.composite
def mutants(draw: st.DrawFn) -> list[Any]:
    """A valid log, in some records of which anything was replaced by anything, or left out."""
    values = orjson.loads(b"[" + b",".join(orjson.dumps(value) for value in draw(logs()).values) + b"]")
    for value in values:
        for _ in range(draw(st.integers(0, 2))):
            path = draw(st.sampled_from(paths(value)[1:]))
            box = value
            for step in path[:-1]:
                box = box[step]
            if draw(st.booleans()):
                box[path[-1]] = draw(JSON)
            else:
                del box[path[-1]]
    return values


@given(mutants())
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=300)
def test_no_shape_of_a_record_breaks_the_reader(values: list[Any]) -> None:
    got = [record for record in records(values) if isinstance(record, Record)]
    found, reader = whole(got)
    counts(reader, len(got))
    assert state(ClaudeReader(SESSION, reader.dump())) == state(reader)
    by_line: dict[int, list[Record]] = {}
    for record in got:
        by_line.setdefault(record.source.line, []).append(record)
    for step in found.values():
        assert isinstance(step.text, str | None)
        HARNESS.edits(step, [record for source in step.sources for record in by_line[source.line]])
    HARNESS.detect([record.value for record in got[:20]])
    HARNESS.resume(reader.facts)


@given(st.lists(st.dictionaries(st.sampled_from(["type", "message", "uuid", "attachment", "data"]), JSON), max_size=5))
def test_nor_does_anything_else(values: list[Any]) -> None:
    got = records(values)
    _, reader = whole(got)
    counts(reader, len(got))
    HARNESS.detect(values)


@given(st.lists(st.integers(0, 5000), max_size=40), st.lists(st.integers(0, 200), max_size=6), st.integers(0, 5000))
def test_fingerprints_seen_stay_seen(many: list[int], few: list[int], other: int) -> None:
    seen = Seen()
    expected: set[int] = set()
    for start in many:
        expected |= set(range(start, start + 60))
        for mark in range(start, start + 60):
            if mark not in seen:
                seen.add(mark)
        if start % 3 == 0:
            count, data = seen.dump()
            seen = Seen()
            seen.load(count, data)
    assert all(mark in seen for mark in expected)
    assert all((mark in seen) == (mark in expected) for mark in [*few, other])
    assert len(seen.dump()[1]) == 8 * len(expected)


def test_fingerprints_of_ids() -> None:
    one = "8c0f3a52-1111-4222-8333-444455556666"
    assert (
        len({fingerprint(text) for text in (one, one[:-1] + "7", "toolu_1", "toolu_2", "x" * 36, "", one.upper())}) == 6
    )
    # Ids made by hand or scrubbed count in any one of their groups, from the left or from the right.
    blank = "00000000-0000-0000-0000-000000000000"
    for place in (0, 3, 7, 9, 14, 19, 24, 31, 32, 35):
        made = {f"{blank[:place]}{digit}{blank[place + 1 :]}" for digit in "123456789abcdef"}
        assert len({fingerprint(text) for text in made | {blank}}) == 16
    counted = {f"{nth:08x}-0000-4000-8000-{other:012x}" for nth in range(64) for other in range(64)}
    assert len({fingerprint(text) for text in counted}) == 64 * 64


def test_an_input_nested_deeper_than_json_is_written_survives_the_state() -> None:
    deep: Any = "x"
    for _ in range(700):
        deep = [deep]
    log = Log()
    log.answer(call("t1", "Bash", command=deep))
    reader = ClaudeReader(SESSION)
    reader.feed(Record(Source(1, 0, 5000), log.values.pop()))
    reader = ClaudeReader(SESSION, reader.dump())
    log.done("t1", "ok", uuid="x")
    for record in log.records():
        reader.feed(record)
    (step,) = reader.take()
    assert step.tool is not None
    assert (step.tool.input["command"], step.tool.output) == (deep, "ok")


@pytest.mark.corpus
def test_every_file_of_the_corpus() -> None:
    total = 0
    for path in (path for path in real_logs("claude/**/*.jsonl", "other/**/*.jsonl") if path.stat().st_size):
        with path.open("rb") as stream:
            got = [record for record in records_of(stream) if isinstance(record, Record)]
        found, reader = whole(got, path.stem)
        counts(reader, len(got))
        total += len(found)
        half = len(got) // 2
        other = ClaudeReader(path.stem)
        parts: dict[int, Step] = {}
        for nth, record in enumerate(got):
            if nth == half:
                parts |= {step.number: step for step in other.take()}
                other = ClaudeReader(path.stem, other.dump())
            other.feed(record)
        parts |= {step.number: step for step in other.take()}
        assert parts == found, path
        for step in list(found.values())[:: max(1, len(found) // 40)]:
            twin = again(step, got, path.stem)
            assert (twin.kind, twin.text, twin.tool) == (step.kind, step.text, step.tool), (path, step.number)
    assert total > 1500
