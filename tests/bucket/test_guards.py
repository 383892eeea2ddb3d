"""What small changes of the code would break without anyone seeing it: the torn end, fsync, recovery, the lock."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.bucket.logs import found, picture, session_of, uuid_of
from tracetui.bucket import Bucket, capture, ingest
from tracetui.bucket.copies import CopyReader, CopyWriter, Stamp, compressor
from tracetui.bucket.index import IndexWriter
from tracetui.bucket.location import Lock, write_private
from tracetui.bucket.rewrite import rewrite
from tracetui.bucket.wire import PartWithin
from tracetui.bucket.worker import Pool
from tracetui.model import TracetuiError

STAMP = Stamp(1, 2, 3, 4)


def write(path: Path, *pieces: bytes) -> None:
    writer = CopyWriter(path, {"path": "/x", "generation": 0})
    for piece in pieces:
        writer.append(piece, STAMP)
    writer.close()


def test_a_torn_end_is_cut_off_before_the_next_frame(tmp_path: Path) -> None:
    write(tmp_path / "c", b"kept\n", os.urandom(5000))
    data = (tmp_path / "c").read_bytes()
    (tmp_path / "c").write_bytes(data[:-7])
    write(tmp_path / "c", b"short\n")  # shorter than what was torn
    reader = CopyReader(tmp_path / "c")
    assert not reader.scan.damage
    assert reader.scan.size == reader.scan.file_size
    assert b"".join(reader.chunks()) == b"kept\nshort\n"
    reader.close()


def test_looking_at_a_torn_copy_changes_nothing(tmp_path: Path) -> None:
    write(tmp_path / "c", b"kept\n", b"torn\n")
    data = (tmp_path / "c").read_bytes()[:-3]
    (tmp_path / "c").write_bytes(data)
    writer = CopyWriter(tmp_path / "c", {})
    assert writer.bytes == 5
    writer.close()
    assert (tmp_path / "c").read_bytes() == data


@pytest.mark.parametrize(("length", "left"), [(11, 15), (10, 10), (9, 10), (6, 10), (5, 5), (1, 5), (0, 0)])
def test_only_frames_that_begin_behind_are_taken_back(tmp_path: Path, length: int, left: int) -> None:
    """Frames begin at 0, 5 and 10 bytes of the log; ``cut`` takes back those that begin at ``length`` or behind."""
    writer = CopyWriter(tmp_path / "c", {"path": "/x", "generation": 0})
    for piece in (b"1111\n", b"2222\n", b"3333\n"):
        writer.append(piece, STAMP)
    writer.cut(length)
    assert writer.bytes == left
    writer.append(b"4444\n", STAMP)
    writer.close()
    reader = CopyReader(tmp_path / "c")
    assert b"".join(reader.chunks()) == b"1111\n2222\n3333\n"[:left] + b"4444\n"
    assert not reader.scan.damage
    reader.close()


def test_what_takes_anothers_place_is_on_the_disk_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    synced, replaced = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (order.append("fsync"), synced(handle))[1])
    monkeypatch.setattr(Path, "replace", lambda self, to: (order.append("replace"), replaced(self, to))[1])
    write_private(tmp_path / "private", b"x")
    assert order == ["fsync", "replace"]
    order.clear()
    write(tmp_path / "c", b"a\n", b"b\n")
    (tmp_path / "t").mkdir()
    assert rewrite(tmp_path / "c", tmp_path / "t") is not None
    assert order == ["fsync", "replace", "fsync"], "the file, then its name, then the folder"


def test_an_index_behind_its_copies_is_brought_up_from_them(tmp_path: Path) -> None:
    logs, folder = tmp_path / "logs", tmp_path / "bucket"
    log = session_of(uuid_of(1), 1)
    path = log.write(logs / "a.jsonl")
    with Bucket.open(folder, create=True) as bucket:
        bucket.capture(found(logs))
    for name in ("index.db", "index.db-wal", "index.db-shm"):
        if (folder / name).exists():
            shutil.copy2(folder / name, tmp_path / name)
    session_of(uuid_of(1), 4).write(path)
    with Bucket.open(folder) as bucket:
        bucket.capture(found(logs))
        want = picture(bucket)
    for name in ("index.db", "index.db-wal", "index.db-shm"):
        (folder / name).unlink(missing_ok=True)
        if (tmp_path / name).exists():
            shutil.copy2(tmp_path / name, folder / name)
    path.unlink()
    with Bucket.open(folder) as bucket:
        assert picture(bucket) != want
        bucket._db.execute("INSERT OR REPLACE INTO meta VALUES('clean', 0)")
        report = bucket.capture([])
        assert report.recovered == 1
        steps = {key: [logs[-1] for logs in value[1]] for key, value in picture(bucket).items()}
        assert steps == {key: [logs[-1] for logs in value[1]] for key, value in want.items()}


def test_a_copy_that_was_read_in_part_after_a_kill_is_read_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed while it read the copy anew: the index knows the whole copy's size, and has a part of its steps."""
    log = session_of(uuid_of(1), 4)
    for _ in range(4):
        log.tool("Read", {"file_path": "/noise"}, os.urandom(400_000).hex())
    path = log.write(tmp_path / "logs" / "a.jsonl")
    with Bucket.open(tmp_path / "bucket", create=True) as bucket:
        bucket.capture(found(tmp_path / "logs"), workers=0)
        want = picture(bucket)
    path.unlink()
    for name in ("index.db", "index.db-wal", "index.db-shm"):
        (tmp_path / "bucket" / name).unlink(missing_ok=True)
    apply, parts = IndexWriter.apply, []

    def killed(self: IndexWriter, number: int, part: PartWithin) -> None:
        parts.append(part.offset)
        if len(parts) == 2:
            raise KeyboardInterrupt
        apply(self, number, part)

    with monkeypatch.context() as now:
        now.setattr(ingest, "_PART", 1)
        now.setattr(capture, "_COMMIT", (0.0,))
        now.setattr(IndexWriter, "apply", killed)
        with Bucket.open(tmp_path / "bucket") as bucket, pytest.raises(KeyboardInterrupt):
            bucket.capture([], workers=0)
    with Bucket.open(tmp_path / "bucket") as bucket:
        size, copied, read = bucket._db.execute("SELECT copy_size, copied, bytes FROM log").fetchone()
        assert size == next((tmp_path / "bucket" / "copies").rglob("*.zst")).stat().st_size
        assert 0 < read < copied
        assert bucket.capture([]).recovered == 1
        assert picture(bucket) == want


@pytest.mark.skipif(os.name != "posix", reason="locks are inherited there")
def test_capturing_hands_its_lock_to_its_readers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session_of(uuid_of(1), 2).write(tmp_path / "logs" / "a.jsonl")
    handed: list[bool] = []

    class Watched(Pool):
        def __init__(self, count: int, lock: int | None) -> None:
            super().__init__(count, lock)
            assert lock is not None
            handed.append(os.path.sameopenfile(lock, own := os.open(tmp_path / "bucket" / "lock", os.O_RDONLY)))
            os.close(own)

    monkeypatch.setattr(capture, "_INLINE", 0)
    monkeypatch.setattr("tracetui.bucket.worker.Pool", Watched)
    with Bucket.open(tmp_path / "bucket", create=True) as bucket:
        assert bucket.capture(found(tmp_path / "logs"), workers=1).sessions == 1
    assert handed == [True]


@pytest.mark.skipif(os.name != "posix", reason="locks are inherited there")
def test_readers_hold_the_lock_as_long_as_they_live(tmp_path: Path) -> None:
    """The process that captured may be killed while its readers still write."""
    Bucket.open(tmp_path / "bucket", create=True).close()
    lock = Lock(tmp_path / "bucket", 0.0)
    pool = Pool(1, lock.handle)
    lock.release()
    try:
        with pytest.raises(TracetuiError, match="Another tracetui"):
            Lock(tmp_path / "bucket", 0.0)
    finally:
        pool.close(kill=True)
    Lock(tmp_path / "bucket", 5.0).release()


def test_a_rewriting_that_holds_other_bytes_is_thrown_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tracetui.bucket import rewrite as module

    class Wrong:
        def __init__(self) -> None:
            self.real = compressor()

        def compress(self, data: bytes) -> bytes:
            return self.real.compress(data[:-2] + b"!\n")

    write(tmp_path / "c", b"a\n", b"b\n")
    before = (tmp_path / "c").read_bytes()
    (tmp_path / "t").mkdir()
    monkeypatch.setattr(module, "compressor", Wrong)
    with pytest.raises(TracetuiError, match="as it was"):
        rewrite(tmp_path / "c", tmp_path / "t")
    assert (tmp_path / "c").read_bytes() == before
