"""A bucket as the first format wrote it opens for good: nothing that the user made is lost."""

from __future__ import annotations

import json
import os
import sqlite3
import tarfile
from collections import namedtuple
from pathlib import Path

import pytest

from tests.bucket.logs import uuid_of
from tracetui.bucket import Bucket, location
from tracetui.bucket.consent import read_consent
from tracetui.bucket.copies import CopyReader
from tracetui.bucket.upgrade import needs_upgrade
from tracetui.model import TracetuiError
from tracetui.redact.review import Review

CODEX = "0199aaaa-1111-7222-8333-000000000007"
Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """The bucket that ``old/make.py`` made with the first version."""
    return unpack(tmp_path, 1)


def unpack(tmp_path: Path, version: int) -> Path:
    os.chmod(tmp_path, 0o700)
    with tarfile.open(Path(__file__).parent / "old" / f"bucket-{version}.tar.gz") as packed:
        packed.extractall(tmp_path, filter="data")
    for path in (tmp_path / "bucket").rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)
    (tmp_path / "bucket").chmod(0o700)
    return tmp_path / "bucket"


def olds(folder: Path) -> list[bool]:
    out = []
    for path in sorted(folder.glob("copies/*/*")):
        reader = CopyReader(path)
        assert not reader.scan.damage
        out.append(reader.scan.old)
        reader.close()
    return out


def check(bucket: Bucket) -> None:
    """Everything that was in it is in it."""
    rows = {row.id: row for row in bucket.sessions()}
    assert set(rows) == {uuid_of(1), uuid_of(2), CODEX}
    first = rows[uuid_of(1)]
    assert (first.bookmarked, first.note, first.survival) == (
        True,
        "the limiter that leaked",
        {"alive": 2, "reverted": 1},
    )
    assert (first.subagents, first.steps) == (1, 13)
    assert first.findings == {"open": 0, "accepted": 1, "rejected": 0}
    assert rows[CODEX].findings == {"open": 0, "accepted": 0, "rejected": 1}
    consent = read_consent(bucket)
    assert consent is not None
    assert (consent.harnesses, consent.projects_off) == ({"claude", "codex"}, {"/home/dev/private"})
    with Review(bucket, first) as review:
        review.scan()
        state = review.state
        assert {accepted.by for accepted in state.accepted.values()} == {"hand", "mark"}
        assert state.excluded == {("step", "00000001-main-000003:0")}
        assert [rule.pattern for rule in state.rules] == ["rate_limit"]
        text = str([redacted for *_, redacted in review.redacted()])
        assert "sk-proj-" not in text
        assert "quillback" not in text
    with Review(bucket, rows[CODEX]) as review:
        review.scan()
        assert [review.state.of(place) for place in review.places() if place.rule.startswith("openai")] == ["rejected"]
    assert [hit.session for hit in bucket.search("limiter")] == [uuid_of(1)]
    assert not list(bucket.verify())


def test_it_opens(old: Path) -> None:
    assert all(olds(old))
    with Bucket.open(old) as bucket:
        seen: list[str] = []
        bucket.capture([], progress=lambda state: seen.append(state.phase))
        assert seen[0] == "upgrade"
        check(bucket)
    assert not any(olds(old))
    assert not needs_upgrade(old)
    assert json.loads((old / "bucket.json").read_text())["made"] > 0


def test_one_of_the_second_format_opens_and_its_copies_stay(tmp_path: Path) -> None:
    folder = unpack(tmp_path, 2)
    held = {path: path.read_bytes() for path in folder.glob("copies/*/*")}
    with Bucket.open(folder) as bucket:
        bucket.capture([])  # (the index may be of another version, and is made from the copies then)
        check(bucket)
        assert not needs_upgrade(folder)
        bucket.rebuild()
        check(bucket)
    assert held == {path: path.read_bytes() for path in folder.glob("copies/*/*")}
    assert json.loads((folder / "bucket.json").read_text())["format"] == location.FORMAT


def test_bringing_up_goes_on_over_several_versions(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A version between noted that copies of the first format were left."""
    with monkeypatch.context() as between:
        between.setattr(location, "FORMAT", 2)
        Bucket.open(old).close()
    assert json.loads((old / "bucket.json").read_text())["copies"] == 1
    with Bucket.open(old) as bucket:
        assert json.loads((old / "bucket.json").read_text())["copies"] == 1
        bucket.capture([])
        check(bucket)
    assert not any(olds(old))


def test_stopped_at_any_moment_it_goes_on(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tracetui.bucket import upgrade

    real = upgrade.rewrite
    left = []

    def killed(path: Path, place: Path) -> object:
        if not left:
            raise KeyboardInterrupt
        left.pop()
        return real(path, place)

    monkeypatch.setattr(upgrade, "rewrite", killed)
    for done in (0, 1, 3):
        left[:] = [True] * (done - olds(old).count(False))
        with Bucket.open(old) as bucket, pytest.raises(KeyboardInterrupt):
            bucket.capture([])
        assert olds(old).count(False) == done
        assert needs_upgrade(old)
    monkeypatch.undo()
    with Bucket.open(old) as bucket:
        report = bucket.capture([], cancelled=lambda: True)
        assert report.cancelled
        bucket.capture([])
        check(bucket)


def test_the_room_is_checked_first(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held = {path: path.read_bytes() for path in old.glob("copies/*/*")}
    monkeypatch.setattr(location.shutil, "disk_usage", lambda path: Usage(100, 99, 1))
    with pytest.raises(TracetuiError, match=r"^disk full: rebuilding the index .* needs [\d,]+ MB") as raised:
        Bucket.open(old)
    assert "\n" not in str(raised.value)
    monkeypatch.undo()
    with Bucket.open(old) as bucket:
        monkeypatch.setattr(location.shutil, "disk_usage", lambda path: Usage(100, 99, 1))
        with pytest.raises(TracetuiError, match="disk full: writing the copies anew needs"):
            bucket.capture([])
    assert held == {path: path.read_bytes() for path in old.glob("copies/*/*")}


def test_a_damaged_copy_is_left_as_it_is(old: Path) -> None:
    path = max(old.glob("copies/*/*"), key=lambda path: path.stat().st_size)
    data = bytearray(path.read_bytes())
    data[-30] ^= 1
    path.write_bytes(data)
    with Bucket.open(old) as bucket:
        report = bucket.capture([])
        assert any("damaged" in reason for _, _, reason in report.problems)
        assert path.read_bytes() == data
        assert [fault.what for fault in bucket.verify()] == ["damaged"]
    assert not needs_upgrade(old)


def test_an_older_program_refuses_a_newer_bucket(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Bucket.open(old).close()
    monkeypatch.setattr(location, "FORMAT", 1)
    with pytest.raises(TracetuiError, match=r"made by a newer tracetui \(format 3, this one knows 1\)") as raised:
        Bucket.open(old)
    assert "\n" not in str(raised.value)


def test_what_the_user_made_is_not_keyed_by_step_numbers(old: Path) -> None:
    """Numbers of steps change when readers learn; only ``seen`` counts them, and that is no decision."""
    for name in ("user.db", "decisions.db"):
        db = sqlite3.connect(old / name)
        for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type='table'").fetchall():
            columns = {row[1] for row in db.execute(f'PRAGMA table_info("{table}")')}
            assert not columns & {"step", "number", "steps"} or table == "placeholder"
        db.close()
