"""Scanning after indexing: killed, resumed, overtaken, grown, rewritten."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from logs import SESSION, TOKEN, leaking

from tracetui.redact import Review, findings, gate
from tracetui.redact.sweep import sweep

ROOT = Path(__file__).parents[2]


def _rows(bucket: Path) -> list[tuple[Any, ...]]:
    with sqlite3.connect(bucket / "findings.db") as db:
        rows = db.execute(
            "SELECT session, path, line, nth, rid, field, in_key, start, end, kind, rule, tier, view, why FROM place"
        ).fetchall()
    db.close()
    return sorted(rows)


def _far(bucket: Path) -> int:
    try:
        db = sqlite3.connect(bucket / "findings.db", timeout=5)
        try:
            return int(db.execute("SELECT max(offset) FROM log").fetchone()[0] or 0)
        finally:
            db.close()
    except sqlite3.Error:
        return 0


def _fill(place: Any, count: int) -> None:
    for nth in range(count):
        place.log.call(f"cat {nth}", f"{nth} {TOKEN}\n" + f"some words of line {nth}, and more of them\n" * 2_000)


def test_a_killed_scan_goes_on_where_it_stopped_and_ends_alike(place: Any, tmp_path: Path) -> None:
    _fill(place, 36)
    place.capture()
    bucket = tmp_path / "bucket"
    command = [sys.executable, "-m", "tracetui", "--bucket", str(bucket), "index", "--scan", str(place.log.path)]
    child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 60
    while not _far(bucket) and child.poll() is None and time.monotonic() < until:
        time.sleep(0.005)
    child.kill()
    assert child.wait() == -signal.SIGKILL, "it was through before it could be killed"
    stopped = _far(bucket)
    assert 0 < stopped < place.log.path.stat().st_size - 1
    kept = _rows(bucket)
    assert kept
    assert place.bucket.session(SESSION).findings is None
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    resumed = _rows(bucket)
    assert set(kept) < set(resumed)
    assert len(resumed) == len(set(resumed))
    assert place.bucket.session(SESSION).findings == {"open": 3, "accepted": 0, "rejected": 0, "secrets": 1}
    for name in ("findings.db", "findings.db-wal", "findings.db-shm"):
        (bucket / name).unlink(missing_ok=True)
    assert sweep(place.bucket, gentle=False) == 1
    assert _rows(bucket) == resumed


def test_it_runs_at_low_priority(place: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[int] = []
    monkeypatch.setattr(os, "nice", lambda by: told.append(by) or 0)
    sweep(place.bucket)
    assert told == [10]


def test_two_scans_of_one_log_keep_each_finding_once(place: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(findings, "_BATCH", 4_000)
    _fill(place, 2)
    place.capture()
    with Review(place.bucket, place.bucket.session(SESSION)) as review:
        review.scan()
        alone = sorted(p.key for p in review.places())
    (place.folder / "bucket" / "findings.db").unlink()
    real = findings.Findings._places
    with Review(place.bucket, place.bucket.session(SESSION)) as first:
        entered: list[int] = []

        def overtaken(self: Any, *args: Any) -> Any:
            out = real(self, *args)
            if self is first.findings and len(entered) < 2:
                entered.append(1)
                # Meanwhile another process scans a part, and then all.
                with Review(place.bucket, first.session) as second:
                    second.scan(cancelled=(lambda: True) if len(entered) == 1 else None)
            return out

        monkeypatch.setattr(findings.Findings, "_places", overtaken)
        assert first.scan()
        assert len(entered) == 2
        assert sorted(p.key for p in first.places()) == alone


def test_a_rewritten_log_is_scanned_anew(place: Any) -> None:
    with Review(place.bucket, place.capture()) as review:
        review.scan()
        assert any(p.rule == "github-token" for p in review.places())
    place.log.path.unlink()
    fresh = leaking(place.log.path)
    lines = place.log.path.read_text().replace(TOKEN, "x" * len(TOKEN)).replace(TOKEN[:20], "y" * 20)
    place.log.path.write_text(lines.replace(TOKEN[20:], "z" * 20).replace(TOKEN[:9], "w" * 9))
    fresh.prompt("more of it " * 50)
    session = place.capture()
    with Review(place.bucket, session) as review:
        assert not review.findings.done(session)
        review.scan()
        assert review.findings.done(session)
        values = [review.value_of(p) for p in review.places()]
        assert all(len(value) > 2 for value in values)
        assert {p.rule for p in review.places()} >= {"known-value", "named-value"}


def test_a_damaged_end_is_scanned_when_it_is_whole(place: Any) -> None:
    message = {"role": "user", "content": "APP_PASSWORD=w7Yx1!kPz3"}
    head = {"type": "user", "uuid": "u9", "sessionId": SESSION, "timestamp": "2026-03-01T11:00:00.000Z"}
    whole = json.dumps({**head, "cwd": "/home/zorblax/limit", "message": message})
    with place.log.path.open("a") as file:
        file.write(whole[:120])
    assert sweep_all(place) == 1
    assert sweep_all(place) == 0
    with place.log.path.open("a") as file:
        file.write(whole[120:] + "\n")
    assert sweep_all(place) == 1
    assert place.bucket.session(SESSION).findings["open"] == 4


def sweep_all(place: Any) -> int:
    place.capture()
    return sweep(place.bucket, gentle=False)


def test_what_took_too_long_stands_in_the_list_and_blocks(place: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("tracetui.redact.scanner._SECONDS_PER_CHUNK", -1.0)
        assert sweep(place.bucket, gentle=False) == 1
    with Review(place.bucket, place.bucket.session(SESSION)) as review:
        held = review.unscanned()
        assert held
        review.accept_tier(2)
        shut = gate.check(review)
        assert [*shut.unscanned] == held
        assert not shut.open
