"""Logs of programs that are known and not read are named."""

from __future__ import annotations

import json
from pathlib import Path

from tracetui.bucket import Bucket
from tracetui.bucket.doctor import examine
from tracetui.harness.roots import LogFile, files_of

DROID = {
    "type": "session_start",
    "id": "052cb8d0",
    "title": "x",
    "sessionTitle": "x",
    "owner": "ana",
    "cwd": "/home/ana",
}


def test_a_log_of_a_known_program_is_named(tmp_path: Path) -> None:
    folder = tmp_path / ".factory" / "sessions"
    folder.mkdir(parents=True)
    (folder / "droid.jsonl").write_text(json.dumps(DROID) + "\n" + json.dumps({"type": "message"}) + "\n")
    (folder / "other.jsonl").write_text('{"a": 1}\n')
    with Bucket.open(tmp_path / "bucket", create=True) as bucket:
        report = bucket.capture([file for file in files_of([folder]) if isinstance(file, LogFile)], workers=0)
        assert sorted(reason for _, _, reason in report.problems) == [
            "a log of Droid, not read yet", "no session of a known harness",
        ]  # fmt: skip
        told = [(check.message, check.path) for check in examine(bucket, {}, tmp_path)]
        assert ("Droid, not read yet", str(folder)) in told
        assert any(message == "not captured: a log of Droid, not read yet" for message, _ in told)
