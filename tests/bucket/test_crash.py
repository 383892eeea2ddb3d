"""Killed at any moment, two at once, a full disk: nothing captured is lost and the next start is clean."""

from __future__ import annotations

import errno
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.bucket.logs import found, picture, session_of, uuid_of
from tracetui.bucket import Bucket
from tracetui.model import TracetuiError

if os.name != "posix":
    pytest.skip("needs POSIX signals", allow_module_level=True)

_CODE = """
import sys
from pathlib import Path
from tracetui.bucket import Bucket
from tests.bucket.logs import found
with Bucket.open(sys.argv[1], create=True) as bucket:
    print("open", flush=True)
    report = bucket.capture(found(sys.argv[2]), workers=int(sys.argv[3]))
    print(report.records, report.sessions, flush=True)
"""


def start(bucket: Path, logs: Path, workers: int = 1, **keys: object) -> subprocess.Popen[str]:
    root = Path(__file__).resolve().parents[2]
    return subprocess.Popen(
        [sys.executable, "-c", _CODE, str(bucket), str(logs), str(workers)],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **keys,  # type: ignore[call-overload]
    )


def make(logs: Path, count: int = 14) -> None:
    rng = random.Random(3)
    for nth in range(count):
        log = session_of(uuid_of(nth), 4, start=nth * 1000)
        for _ in range(6):
            noise = " ".join(f"{rng.getrandbits(40):x}" for _ in range(9000))
            log.tool("Read", {"file_path": "/noise"}, noise)
        log.write(logs / f"{nth}.jsonl")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, object]]:
    logs = tmp_path_factory.mktemp("logs")
    make(logs)
    with Bucket.open(tmp_path_factory.mktemp("whole") / "bucket", create=True) as bucket:
        bucket.capture(found(logs), workers=0)
        return logs, picture(bucket)


def test_killed_at_any_moment(tmp_path: Path, whole: tuple[Path, dict[str, object]]) -> None:
    logs, want = whole
    path = tmp_path / "bucket"
    rng = random.Random(11)
    held: dict[str, int] = {}
    for _ in range(7):
        process = start(path, logs, workers=rng.choice([0, 1, 2]))
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(rng.uniform(0.02, 0.5))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        with Bucket.open(path) as bucket:
            for row in bucket.sessions():
                for log in bucket.logs(row.id):
                    # What was there stays, and every step that is listed can be read.
                    assert log.bytes >= held.get(log.path, 0)
                    held[log.path] = log.bytes
                    steps = list(bucket.steps(log))
                    assert [step.number for step in steps] == list(range(1, log.steps + 1))
                    assert all(step.text or step.tool for step in steps)
    with Bucket.open(path) as bucket:
        bucket.capture(found(logs))
        assert picture(bucket) == want
        assert list(bucket.verify()) == []
        assert list((path / "tmp").iterdir()) == []
        assert bucket._db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_killed_then_the_logs_are_gone(tmp_path: Path) -> None:
    """What reached a copy is read from it, though the harness deleted the log meanwhile."""
    logs = tmp_path / "logs"
    make(logs, 6)
    path = tmp_path / "bucket"
    process = start(path, logs, workers=1)
    assert process.stdout is not None
    process.stdout.readline()
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and len(list(path.glob("copies/*/*.zst"))) < 3:
        time.sleep(0.005)
    process.kill()
    process.communicate()
    copies = {entry: entry.stat().st_size for entry in path.glob("copies/*/*.zst")}
    assert copies
    for entry in logs.iterdir():
        entry.unlink()
    with Bucket.open(path) as bucket:
        bucket.capture([])
        files = {row.copy: row for row in bucket.accounts.files()}
        readable = [entry for entry, size in copies.items() if size > 2000]
        assert len(files) >= len(readable) - 1
        assert sum(row.bytes for row in files.values()) > 0
        assert list(bucket.verify()) == []
        for row in bucket.sessions():
            assert row.steps > 0


def test_two_at_once(tmp_path: Path, whole: tuple[Path, dict[str, object]]) -> None:
    logs, want = whole
    path = tmp_path / "bucket"
    Bucket.open(path, create=True).close()
    processes = [start(path, logs, workers=nth % 2) for nth in range(3)]
    total = 0
    for process in processes:
        out, err = process.communicate(timeout=120)
        assert (process.returncode, err) == (0, "")
        total += int(out.split()[1])
    with Bucket.open(path) as bucket:
        assert picture(bucket) == want
        assert list(bucket.verify()) == []
        # Each record was read by one of them.
        assert total == sum(log.records for row in bucket.sessions() for log in bucket.logs(row.id))


def test_readers_do_not_wait_for_a_writer(tmp_path: Path, whole: tuple[Path, dict[str, object]]) -> None:
    logs, _ = whole
    path = tmp_path / "bucket"
    Bucket.open(path, create=True).close()
    process = start(path, logs, workers=1)
    with Bucket.open(path) as bucket:
        seen = set()
        while process.poll() is None:
            seen.add(len(bucket.sessions()))
            list(bucket.search("rate_limit"))
    process.communicate()
    assert process.returncode == 0
    assert max(seen, default=0) <= 14


def test_a_full_disk_is_one_error_and_loses_nothing(tmp_path: Path, whole: tuple[Path, dict[str, object]]) -> None:
    import resource

    logs, want = whole
    path = tmp_path / "bucket"
    Bucket.open(path, create=True).close()

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (220_000, 220_000))

    process = start(path, logs, workers=0, preexec_fn=limit)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    last = err.strip().splitlines()[-1]
    assert last.startswith("tracetui.model.TracetuiError: The bucket"), err
    assert "File too large" in last
    assert "captured before is intact" in last
    with Bucket.open(path) as bucket:
        assert list(bucket.verify()) == []
        bucket.capture(found(logs))
        assert picture(bucket) == want


def test_waiting_for_another_ends_with_a_line(tmp_path: Path) -> None:
    from tracetui.bucket.location import Lock
    from tracetui.model import TracetuiError

    path = tmp_path / "bucket"
    with Bucket.open(path, create=True) as bucket, Lock(path, 0):
        with pytest.raises(TracetuiError, match=f"process {os.getpid()}"):
            bucket.capture([], wait=0.05)
    with Bucket.open(path) as bucket:
        bucket.capture([], wait=0)


@pytest.mark.parametrize(("frames", "part"), [(1, 4), (3, 1), (2, 4)])
def test_stopped_within_a_long_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, frames: int, part: int) -> None:
    """A log of which some frames were copied when the disk was full, or the process killed, is read on."""
    from tracetui.bucket import ingest
    from tracetui.bucket.copies import CopyWriter

    logs = tmp_path / "logs"
    rng = random.Random(7)
    log = session_of(uuid_of(1), 4)
    for _ in range(60):
        log.tool("Read", {"file_path": "/noise"}, " ".join(f"{rng.getrandbits(40):x}" for _ in range(9000)))
    log.write(logs / "long.jsonl")
    with Bucket.open(tmp_path / "whole", create=True) as bucket:
        bucket.capture(found(logs), workers=0)
        want = picture(bucket)
    written = 0
    append = CopyWriter.append

    def failing(self: CopyWriter, *args: object) -> None:
        nonlocal written
        if written == frames:
            raise OSError(errno.ENOSPC, "No space left on device")
        written += 1
        append(self, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(ingest, "_PART", part << 20)
    with Bucket.open(tmp_path / "bucket", create=True) as bucket:
        with monkeypatch.context() as full:
            full.setattr(CopyWriter, "append", failing)
            with pytest.raises(
                TracetuiError, match=r"^disk full: capturing \(everything captured before is intact\) needs"
            ):
                bucket.capture(found(logs), workers=0)
        assert written == frames
        bucket.capture([])  # reads from the copy what is there
        assert bucket.sessions()[0].steps < 60
        assert bucket.check(found(logs)) == found(logs)
        bucket.capture(found(logs), workers=0)
        assert picture(bucket) == want
        assert bucket.check(found(logs)) == []
        bucket.rebuild()
        assert picture(bucket) == want
        assert bucket.check(found(logs)) == []
