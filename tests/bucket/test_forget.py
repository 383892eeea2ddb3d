"""``forget`` is finished or not begun: killed anywhere, the next start leaves no byte of the session in the bucket."""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from tests.bucket.logs import Claude, found, picture, session_of, uuid_of
from tracetui.bucket import Bucket, asked, dictionary, forget, step_survival
from tracetui.bucket.doctor import examine
from tracetui.bucket.forget import JOURNAL, unfinished
from tracetui.bucket.repair import set_aside
from tracetui.bucket.stores import databases, register, unregistered
from tracetui.bucket.tags import rename, tag
from tracetui.model import TracetuiError
from tracetui.redact.review import Review

GONE, KEPT = uuid_of(0xBEEF), uuid_of(2)
WORDS = (
    "zanzibarquux",
    "kroxotal",
    "grundletitle",
    "snizzletag",
    "noteworthy",
    "plonkervane",
    "snorkwibble",
    "grebnitz",
    GONE,
)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bucket with a session that every store knows, and one that stays."""
    root = tmp_path_factory.mktemp("forget")
    secret = session_of(GONE, 2)
    secret.prompt("zanzibarquux is the passphrase").tool("Bash", {"command": "echo kroxotal"}, "password=grebnitz77x")
    secret.write(root / "logs" / f"{GONE}.jsonl")
    Claude(GONE, 50, "adadadad").prompt("plonkervane").write(
        root / "logs" / GONE / "subagents" / "agent-adadadad.jsonl"
    )
    session_of(KEPT, 2, start=900).write(root / "logs" / f"{KEPT}.jsonl")
    session_of(uuid_of(3), 1, start=1900).write(root / "logs" / "third.jsonl")
    with Bucket.open(root / "bucket", create=True) as bucket:
        bucket.capture(found(root / "logs"))
        bucket.forget(uuid_of(3))  # (so that the keys of hashes are there: what is left of a kill is then the same)
        bucket.note(GONE, "noteworthy")
        bucket.put_summary(GONE, "survival", {"alive": 1})
        rename(bucket, bucket.session(GONE), "grundletitle")
        tag(bucket, bucket.session(GONE), "snizzletag")
        asked.keep(bucket, "search", {"query": "plonkervane"}, {("claude", GONE), ("claude", KEPT)})
        step_survival.put(bucket, bucket.session(GONE), [step_survival.Judged(None, 1, 3, "alive", 4, 1)])
        for name in (GONE, KEPT):
            with Review(bucket, bucket.session(name)) as review:
                review.scan()
                review.mark("snorkwibble" if name == GONE else "rate_limit", 0, 9, "name")
        log = bucket.logs(GONE)[0]
        cached = bucket.cache_file(log, "ctx")
        cached.parent.mkdir(exist_ok=True)
        cached.write_bytes(b"zanzibarquux")
        (copy,) = [file.copy for file in bucket.accounts.files() if file.log == log.id]
        set_aside(bucket.path, copy)
        later = sqlite3.connect(bucket.path / "later.db")  # a store that nobody here heard of
        later.execute("CREATE TABLE rating(harness TEXT, session TEXT, why TEXT)")
        later.execute("CREATE TABLE cache(hash BLOB, found TEXT)")
        later.execute("INSERT INTO rating VALUES('claude', ?, 'kroxotal')", (GONE,))
        later.execute("INSERT INTO cache VALUES(x'00', 'kroxotal')")
        later.commit()
        later.close()
    return root


def everything(folder: Path) -> bytes:
    """Every byte of the bucket, names too; but for what is the same in every bucket."""
    files = [entry for entry in folder.rglob("*") if entry.is_file()]
    shipped = [entry for entry in files if entry.name == dictionary.NAME]
    assert all(hashlib.sha256(entry.read_bytes()).hexdigest() == dictionary.DIGEST for entry in shipped)
    return b"\0".join(entry.read_bytes() + entry.name.encode() for entry in files if entry not in shipped)


def traced(path: Path, look: Callable[[tuple[str, int]], None]) -> None:
    """Forget the session, calling ``look`` before each line of the module."""

    def line(frame: FrameType, event: str, _: Any) -> Any:
        if frame.f_code.co_filename != forget.__file__:
            return None
        if event == "line":
            look((frame.f_code.co_name, frame.f_lineno))
        return line

    with Bucket.open(path) as bucket:
        bucket.session(GONE)
        sys.settrace(line)
        try:
            bucket.forget(GONE)
        finally:
            sys.settrace(None)


def state_of(folder: Path) -> bytes:
    """A digest of what a kill left, without what names the process."""
    digest = blake2b()
    for entry in sorted(folder.rglob("*")):
        if entry.is_file() and entry.name != "lock" and not entry.name.endswith("-shm"):
            digest.update(entry.name.encode() + entry.read_bytes())
    return digest.digest()


def test_killed_between_any_two_statements(tmp_path: Path, template: Path) -> None:
    """What a kill leaves is what the files hold then: they are copied before each line that finds them changed."""
    path = tmp_path / "bucket"
    shutil.copytree(template / "bucket", path)
    states: dict[bytes, tuple[str, int]] = {}

    def snapshot(place: tuple[str, int]) -> None:
        state = state_of(path)
        if state not in states:
            states[state] = place
            shutil.copytree(path, tmp_path / f"left-{len(states)}")

    traced(path, snapshot)
    assert not unfinished(path)
    with Bucket.open(path) as bucket:
        want = picture(bucket)
    begun = 0
    for nth, place in enumerate(states.values(), 1):
        begun += whole_or_gone(tmp_path / f"left-{nth}", want, place, begun)
    assert begun > 20


def whole_or_gone(path: Path, want: dict[str, Any], place: object, begun: int) -> bool:
    """Check what a kill left; whether forgetting had begun."""
    journal = (path / JOURNAL).exists()
    if journal:
        assert unfinished(path) == 1
        if begun == 3:
            with Bucket.open(path, finish=False) as bucket:
                checks = [check for check in examine(bucket, {}, path, deep=False) if check.check == "forget"]
                assert [check.status for check in checks] == ["bad"], place
    with Bucket.open(path) as bucket:
        if not journal and not begun:
            assert bucket.session(GONE).note == "noteworthy", place
            return False
        assert not bucket.warnings
        assert picture(bucket) == want, place
        assert list(bucket.search("zanzibarquux")) == []
        held = everything(path)
        for word in WORDS:
            assert word.encode() not in held, (place, word)
            assert word[4:].encode() not in held, (place, word)
    return journal


def test_a_damaged_store_is_named_and_finished_when_it_is_gone(tmp_path: Path, template: Path) -> None:
    path = tmp_path / "bucket"
    shutil.copytree(template / "bucket", path)
    (path / "later.db").write_bytes(b"junk" * 2000)
    with Bucket.open(path) as bucket, pytest.raises(TracetuiError, match=r"not finished: later\.db is damaged"):
        bucket.forget(GONE)
    with Bucket.open(path) as bucket:
        assert "still there in part" in bucket.warnings[-1]
        assert bucket.session(GONE)  # it leaves the lists last
    (path / "later.db").unlink()
    with Bucket.open(path) as bucket:
        assert not bucket.warnings
        assert [row.id for row in bucket.sessions()] == [KEPT]
    assert b"zanzibarquux" not in everything(path)


def test_every_table_of_the_bucket_is_registered(tmp_path: Path, template: Path) -> None:
    """A table that a new store brings says by its columns that it holds rows of sessions, or by ``register`` that it
    does not."""
    from tracetui.trail import Trail

    path = tmp_path / "bucket"
    shutil.copytree(template / "bucket", path)
    subprocess.run(["git", "init", "-q", str(tmp_path / "repo")], check=True)
    with Bucket.open(path) as bucket:
        with Trail(bucket, str(tmp_path / "repo")) as trail:
            list(trail.hunks(bucket.session(KEPT)))
        assert not unregistered(bucket._db, "index.db")
        assert not unregistered(bucket._db, "user.db", "user")
        names = {found.name for found in databases(path)}
        assert {"user.db", "decisions.db", "findings.db", "later.db", "trail.db"} <= names
        for found_db in databases(path):
            db = sqlite3.connect(found_db)
            assert not unregistered(db, found_db.name), found_db.name
            db.execute("CREATE TABLE opinion(id INTEGER, words TEXT)")
            assert unregistered(db, found_db.name) == ["opinion"]
            db.close()
        checks = [check for check in examine(bucket, {}, tmp_path, deep=False) if "opinion" in check.message]
        assert {check.status for check in checks} == {"warn"}
        register("later.db", "opinion", "made up")
        assert len([check for check in checks if check.path and check.path.endswith("later.db")]) == 1


# each part by itself: another that goes over the same ground would hide that it failed


def test_words_are_taken_out_in_place(tmp_path: Path, template: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where they cannot be, the index is built anew: that would hide it."""
    path = tmp_path / "bucket"
    shutil.copytree(template / "bucket", path)

    def anew(db: sqlite3.Connection) -> None:
        raise AssertionError("every text can be named")

    monkeypatch.setattr("tracetui.bucket.schema.reset_index", anew)
    with Bucket.open(path) as bucket:
        (before,) = bucket.db.execute("SELECT count(*) FROM doc").fetchone()
        kept = len({row for (row,) in bucket.db.execute("SELECT doc FROM step WHERE doc IS NOT NULL")})
        bucket.forget(GONE)
        assert before > bucket.db.execute("SELECT count(*) FROM doc").fetchone()[0] > 0
        assert before >= kept
        assert list(bucket.search("zanzibarquux")) == list(bucket.search("kroxotal")) == []
        assert len(list(bucket.search("rate_limit"))) == 2
        bucket.db.execute("INSERT INTO text(text) VALUES('integrity-check')")


def test_a_copy_that_cannot_be_read_is_forgotten_too(tmp_path: Path, template: Path) -> None:
    path = tmp_path / "bucket"
    shutil.copytree(template / "bucket", path)
    with Bucket.open(path) as bucket:
        files = [file for file in bucket.accounts.files() if file.path.endswith(f"{GONE}.jsonl")]
        copy = path / "copies" / files[0].copy
        copy.write_bytes(copy.read_bytes()[:300] + b"\xa5" * 300)
    with Bucket.open(path) as bucket:
        bucket.forget(GONE)
        assert [row.id for row in bucket.sessions()] == [KEPT]
        assert list(bucket.search("zanzibarquux")) == []
        assert len(list(bucket.search("rate_limit"))) == 2, "the index was built anew from what is left"
        assert not copy.exists()
    assert b"zanzibarquux"[4:] not in everything(path)


def test_what_fails_between_leaves_the_index_as_it_was(
    tmp_path: Path, template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "bucket"
    shutil.copytree(template / "bucket", path)
    with Bucket.open(path) as bucket:
        with monkeypatch.context() as broken:
            broken.setattr(forget, "log_tables", lambda db: ["step", "no_such_table"])
            with pytest.raises(sqlite3.OperationalError):
                bucket.forget(GONE)
        assert not bucket.db.in_transaction
        assert bucket.session(GONE).steps > 0
        assert bucket.db.execute("SELECT count(*) FROM step JOIN log ON log.id=log").fetchone()[0] > 8
        assert unfinished(path) == 1
        assert bucket._forgetting().finish(0.0)
        assert [row.id for row in bucket.sessions()] == [KEPT]
        assert not unfinished(path)
        assert bucket._forgetting().finish(0.0), "nothing left to do is done"


def test_traces_that_a_reader_holds_are_said_and_removed_later(
    tmp_path: Path, template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "bucket"
    shutil.copytree(template / "bucket", path)
    with Bucket.open(path) as bucket:
        other = sqlite3.connect(path / "index.db", isolation_level=None)
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM step").fetchone()
        bucket.db.execute("PRAGMA busy_timeout=10")
        with pytest.raises(TracetuiError, match="another tracetui reads the bucket"):
            bucket.forget(GONE)
        assert unfinished(path) == 1
        assert "SQLITE_TMPDIR" not in os.environ
        other.close()
        monkeypatch.setenv("SQLITE_TMPDIR", str(tmp_path))
        assert bucket._forgetting().finish(0.0)
        assert os.environ["SQLITE_TMPDIR"] == str(tmp_path)
    assert b"zanzibarquux"[4:] not in everything(path)
