"""Pi's reader holds its promises on any log: counts add up, it resumes anywhere, steps come back from their sources."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.corpus import real_logs
from tests.harness.pi_logs import Log, call, records, text, thinking, used
from tracetui.harness import lines
from tracetui.harness.pi import HARNESS
from tracetui.harness.pi.reader import PiReader
from tracetui.model import Record, Step

words = st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=12)
call_ids = st.sampled_from(["c1", "c2", "c3", "call_0", None])
tool_names = st.sampled_from(["bash", "edit", "write", "read", "grep", "codemode", "exec", "sessions_spawn", "my_tool"])
inputs = st.fixed_dictionaries(
    {},
    optional={
        "path": words,
        "oldText": words,
        "newText": words,
        "content": words,
        "command": words,
        "edits": st.just([]),
    },
)
blocks = st.lists(
    st.one_of(
        words.map(text),
        words.map(thinking),
        st.builds(lambda own, name, given: call(own, name) | {"arguments": given}, call_ids, tool_names, inputs),
        st.just({"type": "image", "data": "QUJD", "mimeType": "image/png"}),
        st.just({"type": "later"}),
    ),
    max_size=4,
)
usages = st.one_of(st.none(), st.integers(0, 9).map(used), st.just({"input": 3}))


@st.composite
def logs(draw: st.DrawFn) -> Log:
    log = Log(
        version=draw(st.sampled_from([None, 1, 2, 3])),
        linear=draw(st.booleans()),
        parentSession=draw(st.sampled_from([None, None, "/s/2026-05-01T10-00-00-000Z_par-ent.jsonl"])),
    )
    for _ in range(draw(st.integers(0, 10))):
        kind = draw(
            st.sampled_from(["user", "assistant", "assistant", "result", "result", "bash", "other", "again", "old"])
        )
        if kind == "user":
            log.user(draw(words))
        elif kind == "assistant":
            stop = draw(st.sampled_from(["stop", "toolUse", "error", "aborted"]))
            log.assistant(
                *draw(blocks), usage=draw(usages), stopReason=stop, errorMessage=draw(st.sampled_from([None, "no"]))
            )
        elif kind == "result":
            own = draw(call_ids)
            log.message(
                "toolResult",
                [text(draw(words))],
                **({} if own is None else {"toolCallId": own}),
                toolName=draw(tool_names),
                isError=draw(st.booleans()),
                nestedCalls={"calls": [{"name": "edit", "status": "ok"}]} if draw(st.integers(0, 9)) == 9 else None,
            )
        elif kind == "bash":
            log.message(
                "bashExecution", command=draw(words), output=draw(words), exitCode=draw(st.sampled_from([None, 0, 2]))
            )
        elif kind == "again" and len(log.values) > 1:
            log.values.append(draw(st.sampled_from(log.values)))
        elif kind == "old":
            log.user(draw(words), at=log.clock - 1000)
        else:
            name = draw(
                st.sampled_from(
                    [
                        "custom",
                        "custom_message",
                        "label",
                        "session_info",
                        "usage",
                        "compaction",
                        "branch_summary",
                        "new",
                    ]
                )
            )
            log.add(name, summary=draw(words), content=draw(words), name=draw(words), usage=draw(usages))
    return log


def collect(steps: dict[int, Step], taken: list[Step]) -> None:
    numbers = [step.number for step in taken]
    assert numbers == sorted(set(numbers))
    for step in taken:
        if step.number in steps:
            assert steps[step.number].key == step.key
        steps[step.number] = step


def through(fed: list[Record], stem: str = "s") -> tuple[PiReader, dict[int, Step]]:
    reader = PiReader(stem)
    steps: dict[int, Step] = {}
    for record in fed:
        reader.feed(record)
        collect(steps, reader.take())
    return reader, steps


def check(fed: list[Record]) -> None:
    reader, steps = through(fed)
    assert reader.stepped + reader.known.total() + reader.unknown.total() == len(fed)
    assert list(steps) == list(range(1, len(steps) + 1))
    by_source: dict[Any, list[Record]] = {}
    for record in fed:
        by_source.setdefault(record.source, []).append(record)
    for step in steps.values():
        assert step.sources
        assert step.sources[0].line == min(source.line for source in step.sources)
        mine = [record for source in dict.fromkeys(step.sources) for record in by_source[source]]
        fresh = PiReader("s")
        for record in mine:
            fresh.feed(record)
        again = [other for other in fresh.take() if other.key == step.key]
        assert len(again) == 1, (step, again)
        assert (again[0].kind, again[0].text, again[0].tool) == (step.kind, step.text, step.tool)
        for edit in HARNESS.edits(step, mine):
            assert isinstance(edit.path, str)
            assert edit.after is not None or edit.pieces or edit.op in ("delete", "move")


def state_of(reader: PiReader) -> tuple[Any, ...]:
    return (reader.facts, reader.known, reader.unknown, reader.stepped, reader.problems)


def resumed(fed: list[Record], cut: int) -> None:
    reader, steps = through(fed)
    first = PiReader("s")
    for record in fed[:cut]:
        first.feed(record)
    got: dict[int, Step] = {}
    if cut % 2:  # what was begun and not taken is in the dump as well
        collect(got, first.take())
    second = PiReader("s", first.dump())
    for record in fed[cut:]:
        second.feed(record)
    collect(got, second.take())
    assert got == steps
    assert state_of(second) == state_of(reader)
    assert second.dump() == reader.dump()


@given(log=logs())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_counts_numbers_and_sources(log: Log) -> None:
    check(records(log.data))


@given(log=logs(), cut=st.integers(0, 12))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_resuming_anywhere_changes_nothing(log: Log, cut: int) -> None:
    fed = records(log.data)
    resumed(fed, min(cut, len(fed)))


junk = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=4,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, item in items:
        found += places(item, (*path, name))
    return found


@given(log=logs(), data=st.data())
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_hostile_shapes_never_raise(log: Log, data: st.DataObject) -> None:
    values = orjson.loads(orjson.dumps(log.values))
    for _ in range(data.draw(st.integers(1, 4))):
        path = data.draw(st.sampled_from(places(values)))
        target = values
        for name in path[:-1]:
            target = target[name]
        if isinstance(target, dict) and data.draw(st.booleans()):
            del target[path[-1]]
        else:
            target[path[-1]] = data.draw(junk)
        if not values:
            break
    HARNESS.detect([value for value in values if isinstance(value, dict)])
    fed = records(b"".join(orjson.dumps(value) + b"\n" for value in values))
    reader, steps = through(fed)
    assert reader.stepped + reader.known.total() + reader.unknown.total() == len(fed)
    assert PiReader("s", reader.dump()).dump() == reader.dump()
    for step in steps.values():
        HARNESS.edits(step, fed)
        orjson.dumps([step.text, step.summary, step.key, step.time])
        assert "\n" not in step.summary


def test_a_dump_stays_small() -> None:
    log = Log()
    for n in range(900):
        log.user("what about it " * 5)
        log.assistant(text("answer " * 50), call(f"call_{n}", "write", path="p", content="x" * 500))
        if n % 3:
            log.result(f"call_{n}", "done")
    reader, steps = through(records(log.data))
    assert len(steps) == 2700
    assert len(reader.dump()) < 400_000, "256 open calls with their inputs at most"
    log = Log()
    for n in range(600):
        log.assistant(call(f"call_{n}", "write", path="p", content="x" * 500))
        log.result(f"call_{n}", "done")
    assert len(through(records(log.data))[0].dump()) < 8_000


def test_inputs_nested_without_end_do_no_harm() -> None:
    log = Log()
    log.user("x")
    deep = b'{"type":"message","id":"d","timestamp":"2026-05-01T12:00:09.000Z","message":{"role":"assistant",'
    deep += (
        b'"content":[{"type":"toolCall","id":"c","name":"my_tool","arguments":'
        + b'{"a":' * 700
        + b"1"
        + b"}" * 700
        + b"}]}}\n"
    )
    fed = records(log.data + deep)
    reader, steps = through(fed)
    assert steps[2].tool is not None
    assert steps[2].tool.input == "[input nested too deeply]"
    assert PiReader("s", reader.dump()).dump() == reader.dump()


def test_a_line_over_the_limit_gives_a_step_with_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "LINE_LIMIT", 100_000)
    log = Log()
    log.assistant(call("c", "write", path="big.txt", content="y" * 150_000))
    log.result("c", "z" * 150_000, name="write")
    log.message("user", [text("see"), {"type": "image", "data": "QUJD" * 50_000, "mimeType": "image/png"}])
    fed = records(log.data)
    assert [record.oversize for record in fed] == [False, True, True, True]
    check(fed)
    _, steps = through(fed)
    write, note, prompt = steps.values()
    assert write.tool is not None
    assert (write.tool.name, write.tool.input, write.tool.call_id) == ("write", {"path": "big.txt"}, "c")
    assert write.tool.output == "[line of 150 kB kept but not read]"
    assert HARNESS.edits(write, fed) == []
    assert (note.kind, prompt.kind) == ("event", "prompt")
    assert prompt.text is not None
    assert prompt.text.startswith("see\n")
    assert prompt.text.endswith("not read]")


@pytest.mark.corpus
def test_the_corpus() -> None:
    seen = 0
    for path in real_logs("pi/**/*.jsonl", "other/**/*.jsonl"):
        fed = records(path.read_bytes())
        check(fed)
        for cut in (len(fed) // 3, len(fed) // 2):
            resumed(fed, cut)
        assert HARNESS.detect([record.value for record in fed[:20]]) == ("/pi/" in path.as_posix()), path
        if "/pi/" in path.as_posix():
            reader, _ = through(fed)
            seen += 1
            assert not set(reader.unknown) - {"compact"}, path
    assert seen
