"""Damaged databases and a full disk: one line that says the right thing, and repair that heals."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
from collections import namedtuple
from pathlib import Path

import pytest

from tests.cli.conftest import FIRST, Run
from tracetui.bucket import Bucket, location
from tracetui.bucket import schema as schema_module
from tracetui.bucket.copies import CopyReader
from tracetui.trail.line_changes import _connect

Usage = namedtuple("Usage", "total used free")
NAMES = ("index.db", "user.db", "decisions.db", "findings.db", "trail.db")
COMMANDS = (
    ["ls"],
    ["show", FIRST],
    ["search", "flaky"],
    ["scan", FIRST],
    ["redact", FIRST, "--accept-tier", "2"],
    ["trail", FIRST],
    ["stats"],
)


_made: list[Path] = []


@pytest.fixture
def used(run: Run, home: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A bucket with every database; made once."""
    if not _made:
        assert run("index").status == 0
        with Bucket.open(tmp_path / "bucket") as bucket:
            bucket.note(FIRST, "kept note")
            for nth in range(400):
                bucket.set_setting(f"made-up-{nth}", "x" * 200)
        assert run("redact", FIRST, "--accept-tier", "2").status in (0, 1)
        db = _connect(tmp_path / "bucket" / "trail.db")
        db.executemany("INSERT INTO repo(id, place) VALUES(?, ?)", [(nth, f"/src/{nth}" * 30) for nth in range(200)])
        db.commit()
        db.close()
        _made.append(tmp_path_factory.mktemp("used"))
        shutil.copytree(tmp_path / "bucket", _made[0] / "bucket")
    else:
        shutil.copytree(_made[0] / "bucket", tmp_path / "bucket")
        assert run("index").status == 0
    return run


def junk(path: Path, kind: str) -> None:
    data = bytearray(path.read_bytes())
    if kind == "junk":
        data = bytearray(random.Random(1).randbytes(len(data)))
    else:
        for page in range(4096, len(data), 4096):
            data[page : page + 48] = b"\xa7" * 48
    path.write_bytes(data)
    for side in ("-wal", "-shm"):
        Path(f"{path}{side}").unlink(missing_ok=True)


@pytest.mark.parametrize("kind", ["junk", "flipped"])
@pytest.mark.parametrize("name", NAMES)
def test_a_damaged_database_is_named_and_repaired(used: Run, tmp_path: Path, name: str, kind: str) -> None:
    path = tmp_path / "bucket" / name
    junk(path, kind)
    told = used("doctor", "--json", "--quick")
    bad = [line for line in told.lines if line["status"] == "bad" and line["check"] == "database"]
    if name == "index.db" and not bad:
        assert told.status == 0, "opening it threw it away: the copies hold everything"
    else:
        assert told.status == 1
        assert [str(line["path"]).rpartition("/")[2] for line in bad] == [name]
        assert "doctor --repair" in str(bad[0]["action"])
    for words in COMMANDS:
        done = used(*words)
        assert "unexpected" not in done.err, words
        if done.status and "damaged" in done.err:
            assert "doctor --repair" in done.err, words
            assert len(done.err.strip().splitlines()) == 1, words
    used("doctor", "--repair", "--quick")
    after = used("doctor", "--json")
    assert after.status == 0, [line for line in after.lines if line["status"] == "bad"]
    for words in COMMANDS:
        assert "damaged" not in used(*words).err, words
    assert len(used("ls", "--json").lines) == 4
    if name in ("user.db", "decisions.db"):
        assert list((tmp_path / "bucket" / "aside").glob(f"{name}.*"))
    if name != "user.db":
        with Bucket.open(tmp_path / "bucket") as bucket:
            assert bucket.session(FIRST).note == "kept note"


def test_what_can_be_read_of_user_db_is_saved(used: Run, tmp_path: Path) -> None:
    path = tmp_path / "bucket" / "user.db"
    data = bytearray(path.read_bytes())
    pages = len(data) // 4096
    data[(pages - 3) * 4096 : (pages - 3) * 4096 + 4096] = b"\xa7" * 4096
    path.write_bytes(data)
    assert used("doctor", "--repair", "--quick").status == 0
    with Bucket.open(tmp_path / "bucket") as bucket:
        assert bucket.session(FIRST).note == "kept note"
        assert sum(bucket.setting(f"made-up-{nth}") is not None for nth in range(400)) > 100


def test_a_full_disk_can_be_read_from(used: Run, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """(As SQLite behaves on a disk without a free byte: it cannot make its shared memory.)"""

    def full(folder: Path) -> sqlite3.Connection:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(schema_module, "_connect", full)
    monkeypatch.setattr(location.shutil, "disk_usage", lambda path: Usage(100, 100, 0))
    for words in (["ls"], ["search", "flaky"], ["show", FIRST], ["stats"]):
        done = used(*words)
        assert done.status == 0, words
        assert "disk full: writing into the bucket needs 17 MB, 0 MB are free" in done.err
    for words in (["index"], ["forget", FIRST, "--yes"], ["forget", "--older", "1", "--yes"]):
        done = used(*words)
        assert done.status == 1
        assert len(done.err.strip().splitlines()) == 1, words
        assert done.err.startswith("tracetui: disk full: "), words
        assert " needs 17 MB" in done.err
    assert "user.db" not in done.err
    assert os.listdir(tmp_path / "bucket")


def test_what_is_whole_is_shown_and_found(run: Run, home: Path, tmp_path: Path) -> None:
    """A copy that lost a frame in its middle: the other steps are listed, read and searched."""
    log = home / ".claude" / "projects" / "-src-alpha" / f"{FIRST}.jsonl"
    lines = log.read_text().splitlines(keepends=True)
    for upto in (2, 4, len(lines)):
        log.write_text("".join(lines[:upto]))
        assert run("index").status == 0
    with Bucket.open(tmp_path / "bucket") as bucket:
        whole = [step.number for step in bucket.steps(bucket.logs(FIRST)[0])]
        (file,) = [file for file in bucket.accounts.files() if file.path == str(log)]
    copy = tmp_path / "bucket" / "copies" / file.copy
    reader = CopyReader(copy)
    frame = reader.scan.frames[1]
    reader.close()
    data = bytearray(copy.read_bytes())
    data[frame.at + frame.size // 2] ^= 0xFF
    copy.write_bytes(data)
    shown = run("show", FIRST, "--json")
    assert shown.status == 0
    left = [line["step"] for line in shown.lines]
    assert set(left) < set(whole)
    assert left[-1] == whole[-1]
    assert "copy lost" in shown.err
    assert "tracetui doctor" in shown.err
    for words in (["search", "rate"], ["search", '"rate limit"'], ["search", "--regex", "r.te"], ["search", "-r"]):
        done = run(*words, "--json")
        assert done.status in (0, 1, 2)
        assert "unexpected" not in done.err
    assert run("search", "rate", "--json").lines
    assert run("doctor").status == 1
