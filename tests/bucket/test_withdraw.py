"""Steps that a reader takes back when a file turns out to begin with another session's history."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tracetui.bucket import Bucket
from tracetui.harness.roots import LogFile, files_of

OWN, OTHER = "aaaaaaaa-0000-4000-8000-000000000001", "bbbbbbbb-0000-4000-8000-000000000002"


def _user(session: str, nth: int, text: str) -> dict[str, Any]:
    return {
        "type": "user",
        "uuid": f"{session[:8]}-{nth}",
        "parentUuid": None,
        "sessionId": session,
        "timestamp": f"2026-05-01T10:00:{nth:02d}Z",
        "cwd": "/work/pace",
        "version": "1.0.40",
        "userType": "external",
        "isSidechain": False,
        "message": {"role": "user", "content": text},
    }


def _write(path: Path, records: list[dict[str, Any]]) -> None:
    with path.open("a", encoding="utf-8") as stream:
        stream.writelines(json.dumps(record) + "\n" for record in records)


def _capture(bucket: Bucket, path: Path) -> None:
    bucket.capture([found for found in files_of([path]) if isinstance(found, LogFile)], workers=1)


def test_inherited_steps_leave_the_index_when_the_files_own_session_begins(tmp_path: Path) -> None:
    path = tmp_path / f"{OWN}.jsonl"
    _write(path, [_user(OTHER, nth, f"inherited words {nth}") for nth in range(4)])
    bucket = Bucket.open(tmp_path / "bucket", create=True)
    try:
        _capture(bucket, path)
        _write(path, [_user(OWN, 9, "own words")])
        _capture(bucket, path)
        row = bucket.session(OWN)
        assert row.log is not None
        assert [(step.number, step.summary) for step in bucket.step_rows(row.log)] == [(1, "own words")]
        assert (row.steps, row.prompts, row.title) == (1, 1, "own words")
        assert [hit.step for hit in bucket.search("own words")] == [1]
        assert list(bucket.search("inherited")) == []
        assert [step.text for step in bucket.steps(row.log)] == ["own words"]
    finally:
        bucket.close()


def test_a_rebuilt_index_says_the_same(tmp_path: Path) -> None:
    path = tmp_path / f"{OWN}.jsonl"
    _write(path, [_user(OTHER, nth, f"inherited words {nth}") for nth in range(4)] + [_user(OWN, 9, "own words")])
    bucket = Bucket.open(tmp_path / "bucket", create=True)
    try:
        _capture(bucket, path)
        before = bucket.session(OWN)
        bucket.rebuild()
        assert bucket.session(OWN) == before
        assert before.steps == 1
    finally:
        bucket.close()
