"""The estimate of the first screen against the bucket that comes of it."""

from __future__ import annotations

import json
import random
import uuid
from pathlib import Path

import pytest

from tests.corpus import CORPUS
from tracetui.bucket import Bucket
from tracetui.harness.roots import LogFile, files_of
from tracetui.tui.browse.discovery import look_around
from tracetui.tui.browse.estimate import SAMPLE, kept, share

WORDS = [
    "".join(random.Random(n).choices("abcdefghijklmnopqrstuvwxyz_", k=random.Random(-n).randint(2, 11)))
    for n in range(4000)
]
WEIGHTS = [1 / (n + 1) for n in range(len(WORDS))]
"""As words of a language are distributed."""


def write_log(path: Path, rng: random.Random, turns: int) -> None:
    session, lines, parent = str(uuid.UUID(int=rng.getrandbits(128))), [], None
    for turn in range(turns):
        own = str(uuid.UUID(int=rng.getrandbits(128)))
        text = " ".join(rng.choices(WORDS, WEIGHTS, k=rng.randint(10, 250)))
        message = {"role": "assistant", "content": [{"type": "text", "text": text}]} if turn % 2 else None
        lines.append(
            {
                "type": "assistant" if turn % 2 else "user", "uuid": own, "parentUuid": parent, "sessionId": session,
                "cwd": "/src/limit", "version": "2.1.0", "timestamp": f"2026-05-12T10:{turn % 60:02}:00.000Z",
                "message": message or {"role": "user", "content": text},
            }
        )  # fmt: skip
        parent = own
    path.parent.mkdir(parents=True, exist_ok=True)
    (path.parent / f"{session}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def estimate(home: Path) -> tuple[int, int]:
    found = look_around({}, home)
    return kept(found.files, sum(pair.packed for pair in found.pairs.values())), found.files


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def bucket_of(folders: list[Path], path: Path) -> int:
    with Bucket.open(path, create=True) as bucket:
        bucket.capture([log for log in files_of(folders) if isinstance(log, LogFile)], workers=1)
    return size_of(path)  # now that it is closed, and its write-ahead log gone


@pytest.mark.corpus
def test_it_is_within_a_tenth_of_what_a_bucket_of_real_logs_takes(tmp_path: Path) -> None:
    folders = [CORPUS / name for name in ("claude", "codex", "pi")]
    logs = [(log.path, log.size) for log in files_of(folders) if isinstance(log, LogFile)]
    packed = sum(size for _, size in logs) * share(logs, SAMPLE)
    assert kept(len(logs), packed) == pytest.approx(bucket_of(folders, tmp_path / "bucket"), rel=0.1)


@pytest.mark.parametrize(("logs", "turns"), [(120, 4), (25, 60)])
def test_it_is_of_the_size_of_the_bucket(logs: int, turns: int, tmp_path: Path) -> None:
    """Made-up logs are all conversation, which takes more of an index than the output of tools in real ones."""
    rng = random.Random(logs)
    for _ in range(logs):
        write_log(tmp_path / "home/.claude/projects/-src-limit/x", rng, rng.randint(turns // 2, turns * 2))
    guess, files = estimate(tmp_path / "home")
    assert files == logs
    assert guess == pytest.approx(bucket_of([tmp_path / "home"], tmp_path / "bucket"), rel=0.45)


def test_it_grows_with_the_number_of_logs_and_with_what_does_not_compress(tmp_path: Path) -> None:
    rng = random.Random(1)
    plain, noise = tmp_path / "plain.jsonl", tmp_path / "noise.jsonl"
    plain.write_bytes(b'{"type":"user"}\n' * 4000)
    noise.write_bytes(rng.randbytes(64_000))
    assert share([(str(plain), 64_000)], 8) < 0.05
    assert share([(str(noise), 64_000)], 8) > 0.95
    half = share([(str(plain), 64_000), (str(noise), 64_000)], 8)
    assert 0.45 < half < 0.55
    assert kept(1000, 1_000_000) - kept(10, 1_000_000) > 990 * 1000


def test_what_cannot_be_read_counts_as_usual(tmp_path: Path) -> None:
    usual = share([], 8)
    assert 0.1 < usual < 0.5
    link = tmp_path / "link.jsonl"
    link.symlink_to(tmp_path)
    (tmp_path / "a.db").write_bytes(b"\0" * 1000)
    (tmp_path / "empty.jsonl").write_bytes(b"")
    for name in ("missing.jsonl", "link.jsonl", "a.db", "empty.jsonl"):
        assert share([(str(tmp_path / name), 10)], 8) == pytest.approx(usual)
