"""What crosses the pipe between capturing and its readers arrives as it was, and nothing else is taken for it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bucket.logs import found, session_of, uuid_of
from tracetui.bucket import Bucket, capture
from tracetui.bucket.row import StepColumns
from tracetui.bucket.wire import (
    Done,
    Job,
    Message,
    Part,
    PartWithin,
    encode,
    packed_header,
    to_job,
    to_message,
)

_INT = st.integers(-(2**63), 2**63 - 1)
_MAYBE = st.one_of(st.integers(0, 2**53), st.just(""), st.none())
_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
_ROWS = st.builds(
    StepColumns,
    *(_INT, _INT, _INT, st.none() | _INT, _TEXT, _TEXT, _MAYBE, _MAYBE, *[_MAYBE] * 5),
    *(_TEXT, _TEXT, _TEXT, _INT, _INT, st.just("") | st.floats(0, 1e6), st.binary(), _INT, _TEXT, st.lists(_TEXT)),
)
_WITHIN: dict[str, Any] = {
    "harness": _TEXT,
    "facts": st.binary(),
    "counts": st.binary(),
    "state": st.none() | st.binary(),
    "offset": _INT,
    "line": _INT,
    "count": st.none() | _INT,
    "first": _INT,
    "rows": st.lists(_ROWS, max_size=3),
    "records": _INT,
    "copied": _INT,
    "problems": st.lists(st.tuples(_INT, _TEXT)),
    "stamp": st.none() | st.tuples(_INT, _INT, st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1)),
}
_PARTS = st.builds(Part, nth=_INT, inner=st.lists(st.builds(PartWithin, agent=_TEXT, **_WITHIN), max_size=2), **_WITHIN)


@given(_PARTS | st.builds(Done, _INT, _TEXT, _TEXT, _INT))
def test_messages_arrive_as_they_were(message: Message) -> None:
    assert to_message(encode(message)) == message


@given(st.binary(min_size=1), st.dictionaries(_TEXT, _TEXT | _INT | st.lists(_TEXT)))
def test_jobs_arrive_as_they_were(name: bytes, header: dict[str, Any]) -> None:
    odd = os.fsdecode(b"\xff" + name)
    job = Job(
        nth=1, copy=b"copies/\xff", stem="a", path=os.fsencode(odd), header=packed_header({**header, "path": odd})
    )
    came = to_job(encode(job))
    assert came == job
    assert came.source == odd
    assert came.facts["path"] == odd


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc0",
        msgspec.msgpack.encode({"type": "done", "nth": "1", "status": "ok"}),
        msgspec.msgpack.encode({"type": "part", "nth": 1}),
        msgspec.msgpack.encode({"type": "other"}),
    ],
)
def test_what_is_no_message_is_refused(data: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        to_message(data)


@pytest.mark.skipif(os.name != "posix", reason="names of files are bytes there")
def test_a_log_whose_name_is_not_utf_8_goes_through_a_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = session_of(uuid_of(1), 2).write(tmp_path / "logs" / "a.jsonl")
    odd = Path(os.fsdecode(os.fsencode(written.parent) + b"/b\xff.jsonl"))
    written.rename(odd)
    monkeypatch.setattr(capture, "_INLINE", 0)
    with Bucket.open(tmp_path / "bucket", create=True) as bucket:
        report = bucket.capture(found(tmp_path / "logs"), workers=1)
        assert (report.sessions, report.problems) == (1, [])
        assert [os.fsencode(row.path) for row in bucket.sessions()] == [os.fsencode(odd)]
