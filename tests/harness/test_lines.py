"""The splitter: the same records, problems, offsets and line numbers for any chunks, resumptions and damage."""

from __future__ import annotations

import io
import json
import re
import tracemalloc

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.corpus import real_logs
from tracetui.harness import lines, oversize
from tracetui.harness.lines import Splitter, parse_line, records_of
from tracetui.model import Problem, Record, Source

SMALL_LIMIT = 300


def small_limit(patch: pytest.MonkeyPatch) -> None:
    """Limits in their real order (head and tail below the line limit), small enough to be met often."""
    patch.setattr(lines, "LINE_LIMIT", SMALL_LIMIT)
    patch.setattr(oversize, "HEAD", 200)
    patch.setattr(oversize, "TAIL", 100)


def whole(data: bytes, *, offset: int = 0, line: int = 1) -> list[Record | Problem]:
    splitter = Splitter(offset, line)
    return [*splitter.feed(data), *splitter.finish()]


def chunked(data: bytes, cuts: list[int]) -> tuple[list[Record | Problem], Splitter]:
    splitter = Splitter()
    got: list[Record | Problem] = []
    at = 0
    for cut in [*sorted(min(cut, len(data)) for cut in cuts), len(data)]:
        got += splitter.feed(data[at:cut])
        at = cut
    return [*got, *splitter.finish()], splitter


def values(items: list[Record | Problem]) -> list[dict[str, object]]:
    return [item.value for item in items if isinstance(item, Record)]


def notes(items: list[Record | Problem]) -> list[str]:
    return [item.reason for item in items if isinstance(item, Problem)]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
objects = st.dictionaries(st.text(max_size=6), json_values, max_size=4)
good = objects.map(orjson.dumps)
odd = st.one_of(
    st.sampled_from(
        [
            b"",
            b"   ",
            b"\0\0\0",
            b"[1,2]",
            b"null",
            b"17",
            b'"text"',
            b"not json",
            b'{"a":',
            b'{"a":NaN,"b":1e999,"c":-Infinity}',
            b'{"a":123456789012345678901234567890}',
            b'{"a":"\\ud83d"}',
            b'{"\\udc00":"x\\ud800y"}',
            b'{"a":"\xff\xfe"}',
            b'{"a":"raw\ttab"}',
            b'{"a":"torn{"b":1}',
            b'{"a":1}{"b":2}',
            b'\xef\xbb\xbf{"a":1}',
            b'\0\0\0\0{"a":1}',
            b'{"a":"x\0y"}\0\0',
            b'{"pad":"' + b"x" * (SMALL_LIMIT + 20) + b'","id":"late"}',
            b"\0" * (SMALL_LIMIT + 7),
            b"\0" * (SMALL_LIMIT + 7) + b'{"after":"nuls"}',
        ]
    ),
    st.tuples(good, good).map(lambda two: two[0] + two[1]),
    st.binary(max_size=20).map(lambda raw: raw.replace(b"\n", b"")),
)
log_lines = st.lists(st.tuples(st.one_of(good, good, odd), st.sampled_from([b"\n", b"\n", b"\r\n"])), max_size=8)
logs = st.tuples(log_lines, st.one_of(st.just(b""), good, odd)).map(
    lambda parts: b"".join(body + end for body, end in parts[0]) + parts[1]
)


@given(data=logs, cuts=st.lists(st.integers(0, 900), max_size=12))
@settings(max_examples=150, deadline=None)
def test_chunks_do_not_matter(data: bytes, cuts: list[int]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        small_limit(patch)
        once, first = chunked(data, [])
        again, second = chunked(data, cuts)
        bytewise, third = chunked(data, list(range(len(data))))
    assert once == again == bytewise
    assert (first.offset, first.line, first.bad, first.pending) == (
        second.offset,
        second.line,
        second.bad,
        second.pending,
    )
    assert (first.offset, first.line, first.bad) == (third.offset, third.line, third.bad)
    assert first.offset + first.pending == len(data)


@given(data=logs)
@settings(max_examples=100, deadline=None)
def test_sources_point_at_their_bytes(data: bytes) -> None:
    with pytest.MonkeyPatch.context() as patch:
        small_limit(patch)
        items = whole(data)
    starts = [0] + [at + 1 for at, byte in enumerate(data) if byte == 10]
    last = (0, -1)
    for item in items:
        if isinstance(item, Problem):
            assert item.line >= 1
            assert "\n" not in item.reason
            assert len(item.reason) < 200
            continue
        line, offset, length = item.source
        assert starts[line - 1] == offset
        raw = data[offset : offset + length]
        assert data[offset + length :][:1] in (b"", b"\n", b"\r")
        assert not raw.endswith(b"\r")
        assert b"\n" not in raw
        assert (offset, item.nth) > last
        last = (offset, item.nth)
        if not item.oversize:
            assert parse_line(raw)[0][item.nth] == item.value
        orjson.dumps(item.value)  # every string of it can be written again


@given(data=logs, pick=st.integers(0, 100))
@settings(max_examples=100, deadline=None)
def test_resume_gives_the_rest(data: bytes, pick: int) -> None:
    everything = whole(data)
    cut = pick % (len(data) + 1)
    splitter = Splitter()
    before = splitter.feed(data[:cut])
    after = whole(data[splitter.offset :], offset=splitter.offset, line=splitter.line)
    assert before + after == everything


@given(records=st.lists(objects, min_size=1, max_size=5), cut=st.integers(0, 400))
@settings(deadline=None)
def test_torn_tail_waits_for_its_rest(records: list[dict[str, object]], cut: int) -> None:
    data = b"".join(orjson.dumps(record) + b"\n" for record in records)
    cut = min(cut, len(data))
    splitter = Splitter()
    got = splitter.feed(data[:cut]) + splitter.finish()
    # a second process goes on where the first one stopped
    later = Splitter(splitter.offset, splitter.line)
    got += later.feed(data[splitter.offset :]) + later.finish()
    assert values(got) == records
    assert notes(got) == []
    assert [item.source.line for item in got if isinstance(item, Record)] == list(range(1, len(records) + 1))
    assert later.pending == 0


@given(records=st.lists(objects, min_size=2, max_size=6))
@settings(deadline=None)
def test_glued_objects_are_all_read(records: list[dict[str, object]]) -> None:
    items = whole(b"".join(orjson.dumps(record) for record in records) + b"\n")
    assert values(items) == records
    assert [item.nth for item in items if isinstance(item, Record)] == list(range(len(records)))
    assert notes(items) == [f"{len(records)} objects on one line"]


names = st.text("abcxyz_", min_size=1, max_size=5)


@given(
    torn=st.dictionaries(
        names, st.text('ab\\"\n\u00e9\u20ac {}[]:,', max_size=10) | st.integers(-99, 99) | st.booleans(), min_size=1
    ),
    record=st.dictionaries(names, json_values, min_size=1, max_size=3),
    cut=st.integers(1, 200),
)
@settings(max_examples=120, deadline=None)
def test_a_record_glued_to_a_torn_one_is_read(torn: dict[str, object], record: dict[str, object], cut: int) -> None:
    text = orjson.dumps(torn)
    text = text[: 1 + cut % (len(text) - 1)]
    if text.endswith(b":"):
        text += b'"'  # torn right after a colon, the next object would be its value
    splitter = Splitter()
    items = splitter.feed(text + orjson.dumps(record) + b"\n" + b'{"next":1}\n')
    assert values(items)[-1] == {"next": 1}
    assert record in values(items)
    assert splitter.bad == 1
    assert re.search(r"unfinished objects? left out", notes(items)[0])


def test_a_torn_last_line_is_told_and_not_read() -> None:
    items = list(records_of(io.BytesIO(b'{"a":1}\n{"b":{"c":1}')))
    assert values(items) == [{"a": 1}]
    assert items[-1] == Problem(2, "unfinished last line of 12 bytes")
    assert list(records_of(io.BytesIO(b'{"a":1}\n \t'))) == whole(b'{"a":1}\n')


def test_a_whole_last_line_without_its_end_is_read() -> None:
    splitter = Splitter()
    assert values(splitter.feed(b'{"a":1}\n{"b":2}') + splitter.finish()) == [{"a": 1}, {"b": 2}]
    assert (splitter.offset, splitter.line, splitter.pending) == (15, 2, 0)
    items = splitter.feed(b'\n{"c":3}\r\n')
    assert items == [Record(Source(3, 16, 7), {"c": 3})]


def test_crlf_and_bom() -> None:
    data = b'\xef\xbb\xbf{"a":1}\r\n\r\n{"b":2}\r\n'
    items = whole(data)
    assert [item for item in items if isinstance(item, Record)] == [
        Record(Source(1, 0, 10), {"a": 1}),
        Record(Source(3, 14, 7), {"b": 2}),
    ]
    assert notes(items) == ["lines end in CR LF", "byte order mark left out"]
    assert notes(whole(b'{"a":1}\r\n{"b":2}\r\n')) == ["lines end in CR LF"]
    splitter = Splitter(9, 2)
    assert notes(splitter.feed(b'{"c":3}\r\n')) == []


def test_nul_runs() -> None:
    items = whole(b'{"a":1}\n' + b"\0" * 4096 + b'{"b":2}\n{"c":3}\n')
    assert values(items) == [{"a": 1}, {"b": 2}, {"c": 3}]
    assert notes(items) == ["NUL bytes left out"]
    splitter = Splitter()
    assert values(splitter.feed(b'{"a":1}\n' + b"\0" * 512)) == [{"a": 1}]
    assert splitter.finish() == []
    assert splitter.unfinished() == Problem(2, "512 NUL bytes at the end")
    assert values(splitter.feed(b'{"b":2}\n')) == [{"b": 2}]


def test_a_file_of_nul_bytes_takes_no_memory() -> None:
    tracemalloc.start()
    splitter = Splitter()
    block = bytes(1 << 20)
    for _ in range(40):
        assert splitter.feed(block) == []
    assert splitter.finish() == []
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 22 << 20
    assert splitter.pending == 40 << 20
    assert values(splitter.feed(b'{"late":true}\n')) == [{"late": True}]
    assert (splitter.offset, splitter.line) == ((40 << 20) + 14, 2)


def test_lone_surrogates_and_invalid_utf8_are_replaced() -> None:
    items = whole(b'{"a":"x\\ud83dy","\\udc00k":["\\uDBFF"]}\n{"b":"\xed\xa0\x80\xff"}\n{"ok":"\\ud83d\\ude00"}\n')
    assert values(items) == [
        {"a": "x\ufffdy", "\ufffdk": ["\ufffd"]},
        {"b": "\ufffd\ufffd\ufffd\ufffd"},
        {"ok": "\U0001f600"},
    ]
    assert notes(items) == ["lone surrogates replaced", "invalid UTF-8 replaced"]


def test_values_that_are_no_objects_are_told() -> None:
    splitter = Splitter()
    items = splitter.feed(b'[1]\n3\nnull\n"x"\n{"a":1} 7\nxyz\n{"z":1}\n')
    assert values(items) == [{"a": 1}, {"z": 1}]
    assert notes(items) == [
        "not a JSON object",
        "not a JSON object",
        "not a JSON object",
        "not a JSON object",
        "a value that is not a JSON object left out",
        "not JSON",
    ]
    assert splitter.bad == 6


@pytest.mark.parametrize("count", [1_030, 10_000, 200_000])
def test_deep_nesting_does_not_crash(count: int) -> None:
    for opener, closer in ((b"[", b"]"), (b'{"a":', b"}")):
        deep = b'{"a":' + opener * count + b"1" + closer * count + b"}"
        items = whole(deep + b"\n" + b"[" * count + b"\n" + b'{"ok":1}\n')
        assert values(items) == [{"ok": 1}]
        assert notes(items)[0] == "nested too deeply"


def test_numbers_without_bound() -> None:
    items = whole(b'{"a":' + b"9" * 5000 + b',"b":NaN,"c":1e999,"d":[-Infinity],"e":12}\n')
    assert values(items) == [{"a": None, "b": None, "c": None, "d": [None], "e": 12}]
    assert notes(items) == ["a number out of range became null"]
    both = b'{"n":%d,"t":"\t"}' % (10**30)
    assert values(whole(both + b"\n")) == [{"n": 1e30, "t": "\t"}]


def test_too_many_objects_on_a_line_are_told() -> None:
    splitter = Splitter()
    items = splitter.feed(b"{}" * 1500 + b"\n")
    assert len(values(items)) == 1000
    assert splitter.bad == 1
    assert "more than 1,000 objects" in notes(items)[0]


def claude_like(size: int) -> bytes:
    """A record with its type before and its ids around a giant result, as tools write them."""
    return (
        b'{"parentUuid":"p-1","type":"user","message":{"role":"user","content":[{"tool_use_id":"toolu_1","type":'
        b'"tool_result","content":"' + b'x, \\"type\\":\\"fake\\" ' * (size // 20) + b'"}]},"uuid":"u-1",'
        b'"timestamp":"2026-01-01T00:00:00Z","sessionId":"s-1"}'
    )


def test_a_line_of_40_mb_takes_bounded_memory() -> None:
    line = claude_like(40 << 20)
    data = b'{"a":1}\n' + line + b'\r\n{"b":2}\n'
    step = 1 << 20
    chunks = [data[at : at + step] for at in range(0, len(data), step)]
    size = len(line)
    del data, line
    splitter = Splitter()
    items: list[Record | Problem] = []
    tracemalloc.start()
    for chunk in chunks:
        items += splitter.feed(chunk)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 21 << 20
    big = items[1]
    assert isinstance(big, Record)
    assert big.oversize
    assert big.source == Source(2, 8, size)
    assert big.value == {
        "parentUuid": "p-1",
        "type": "user",
        "message": {"role": "user", "content": [{"tool_use_id": "toolu_1", "type": "tool_result"}]},
        "uuid": "u-1",
        "timestamp": "2026-01-01T00:00:00Z",
        "sessionId": "s-1",
    }
    assert re.fullmatch(r"line of \d+ MiB kept but not read \(limit 16 MiB\)", notes(items)[0])
    assert items[-1] == Record(Source(3, 8 + size + 2, 7), {"b": 2})
    assert splitter.bad == 0


def test_a_line_just_under_the_limit_is_read_without_a_second_copy() -> None:
    line = b'{"a":"' + b"y" * (lines.LINE_LIMIT - 8) + b'"}'
    splitter = Splitter()
    assert splitter.feed(line[:100]) + splitter.feed(line[100:]) == []
    (record,) = splitter.feed(b"\n")
    assert isinstance(record, Record)
    assert record.source == Source(1, 0, lines.LINE_LIMIT)
    assert len(record.value["a"]) == lines.LINE_LIMIT - 8


def test_type_written_behind_a_giant_value_is_found() -> None:
    line = (
        b'{"message":{"id":"msg_1","type":"message","content":"' + b"z" * 99_999 + b'"},"type":"assistant","uuid":"u9"}'
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "LINE_LIMIT", 70_000)
        (record, _) = whole(line + b"\n")
    assert isinstance(record, Record)
    assert record.value == {"message": {"id": "msg_1", "type": "message"}, "type": "assistant", "uuid": "u9"}


@given(value=objects, cut=st.integers(1, 200))
@settings(max_examples=200, deadline=None)
def test_a_cut_head_is_closed_to_valid_json(value: dict[str, object], cut: int) -> None:
    text = orjson.dumps(value)
    closed = oversize.closed(text[:cut])
    if closed:
        got = json.loads(closed)

        def part_of(piece: object, source: object) -> bool:
            if isinstance(piece, dict) and isinstance(source, dict):
                return all(name in source and part_of(item, source[name]) for name, item in piece.items())
            if isinstance(piece, list) and isinstance(source, list):
                return all(part_of(one, two) for one, two in zip(piece, source))
            return piece == source

        assert part_of(got, json.loads(text))
    elif cut > 2 and cut < len(text) and len(value) > 0:
        pytest.fail(f"nothing of {text[:cut]!r}")


@given(st.binary(max_size=200))
def test_hostile_heads_and_tails_never_raise(raw: bytes) -> None:
    oversize.closed(raw)
    assert isinstance(oversize.ending(raw), dict)
    assert isinstance(lines._oversize(raw, raw), dict)


@given(st.binary(max_size=300))
@settings(max_examples=300, deadline=None)
def test_any_bytes(raw: bytes) -> None:
    items = list(records_of(io.BytesIO(raw)))
    kept, pending = [item for item in items if isinstance(item, Record)], raw.rpartition(b"\n")[2]
    assert all(isinstance(item.value, dict) for item in kept)
    if pending.strip(b" \t\r\n\x0b\x0c\0") and not pending.endswith(b"}"):
        assert items
        assert "unfinished last line" in notes(items)[-1]


def test_a_failing_stream_keeps_what_was_read() -> None:
    class Failing(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell() >= 8:
                raise OSError(5, "Input/output error")
            return super().read(8)

    items = list(records_of(Failing(b'{"a":1}\n{"b":2}\n')))
    assert items == [Record(Source(1, 0, 7), {"a": 1}), Problem(2, "cannot be read on: Input/output error")]


@pytest.mark.corpus
def test_every_good_line_of_the_corpus_is_read() -> None:
    for path in real_logs("**/*.jsonl"):
        data = path.read_bytes()
        items = list(records_of(io.BytesIO(data)))
        records = [item for item in items if isinstance(item, Record)]
        raws = data.split(b"\n")
        read = {record.source.line for record in records}
        for number, raw in enumerate(raws, 1):
            if number not in read:
                try:
                    value = json.loads(raw.decode("utf-8-sig", "replace"), strict=False)
                except ValueError:
                    continue
                assert not isinstance(value, dict), (path, number)
        at = line = 0
        for record in records:
            number, offset, length = record.source
            while line < number - 1:
                at += len(raws[line]) + 1
                line += 1
            assert at == offset, path
            assert raws[line].rstrip(b"\r") == data[offset : offset + length], path
