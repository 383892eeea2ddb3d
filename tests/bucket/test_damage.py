"""A bit turned anywhere in a copy: nothing whole is lost, nothing is written over, doctor tells, repair heals."""

from __future__ import annotations

import os
import shutil
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import zstandard

from tests.bucket.logs import Claude, found, uuid_of
from tracetui.bucket import Bucket, frames
from tracetui.bucket.copies import CopyReader, CopyWriter, DamagedError, Stamp
from tracetui.bucket.doctor import examine, repair
from tracetui.bucket.frames import Scan, copy_name, scan
from tracetui.bucket.rewrite import rewrite

STAMP = Stamp(1_700_000_000_000_000_000, 60, 77, 88)
PATH = "/logs/a.jsonl"
PIECES = [b'{"n": %d, "text": "%s"}\n' % (nth, bytes([97 + nth]) * 30) * 2 for nth in range(4)]


def write(path: Path) -> bytes:
    """A copy of four frames, and its bytes."""
    writer = CopyWriter(path, {"tracetui": 2, "path": PATH, "generation": 0, "captured": 5})
    for piece in PIECES:
        writer.append(piece, STAMP)
    writer.close()
    return path.read_bytes()


def first_format(path: Path) -> bytes:
    """The same as version 1 wrote it."""
    import json

    text = json.dumps({"tracetui": 1, "path": PATH, "stem": "a", "generation": 0, "captured": 5}).encode()
    out = struct.pack("<II", 0x184D2A54, len(text)) + text
    packer, start = zstandard.ZstdCompressor(level=1, write_checksum=True), 0
    for piece in PIECES:
        packed = packer.compress(piece)
        out += struct.pack("<II", 0x184D2A55, 48)
        out += struct.pack("<QIIqQQQ", start, len(piece), len(packed), *STAMP) + packed
        start += len(piece)
    path.write_bytes(out)
    return out


def look(path: Path) -> Scan:
    handle = os.open(path, os.O_RDONLY)
    try:
        return scan(handle, path.name)
    finally:
        os.close(handle)


@pytest.mark.parametrize("make", [write, first_format])
def test_a_bit_turned_anywhere_leaves_every_whole_frame(tmp_path: Path, make: object) -> None:
    path = tmp_path / copy_name(PATH, 0)
    path.parent.mkdir()
    data = make(path)  # type: ignore[operator]
    whole = look(path)
    payloads = [range(frame.at, frame.at + frame.size) for frame in whole.frames]
    silent: set[int] = set()
    for place in range(0, len(data), 1 if make is write else 3):
        bit = 1 << place % 8
        path.write_bytes(data[:place] + bytes([data[place] ^ bit]) + data[place + 1 :])
        reader = CopyReader(path)
        pieces = [(piece.start, piece.data) for piece in reader.pieces()]
        told = bool(reader.scan.damage) or any(data is None for _, data in pieces)
        inside = [nth for nth, payload in enumerate(payloads) if place in payload]
        start = 0
        for nth, piece in enumerate(PIECES):
            if nth not in inside:
                assert (start, piece) in pieces, (place, nth)
            start += len(piece)
        assert reader.scan.header["path"] == PATH, place
        # (A few bits of a frame change nothing of what comes out of it.)
        if not told and not (inside and [data for _, data in pieces] == PIECES):
            silent.add(place)
        writer = CopyWriter(path, {"path": "/another"})
        if told and not (inside and inside[0] < 3):
            assert writer.damage, place
            with pytest.raises(DamagedError):
                writer.append(b"more\n", STAMP)
        writer.close()
        assert path.stat().st_size == len(data)
        reader.close()
    if make is write:
        assert not silent
    else:
        # The first format has no checksum over stamps; the time of capture in its header says little.
        entries = [range(frame.at - 32, frame.at) for frame in whole.frames]
        assert all(any(place in stamp for stamp in entries) or place < whole.frames[0].at for place in silent)


def test_lines_are_counted_over_what_is_lost(tmp_path: Path) -> None:
    data = bytearray(write(tmp_path / "c"))
    hole = look(tmp_path / "c").frames[1]
    data[hole.at + 12] ^= 4
    (tmp_path / "c").write_bytes(data)
    reader = CopyReader(tmp_path / "c")
    assert [(piece.line, piece.data is None) for piece in reader.pieces()] == [
        (0, False),
        (2, True),
        (4, False),
        (6, False),
    ]
    reader.close()


def test_without_a_beginning_the_second_header_tells(tmp_path: Path) -> None:
    data = write(tmp_path / "c")
    at = look(tmp_path / "c").frames[0].at
    (tmp_path / "c").write_bytes(b"\xa5" * at + data[at:])
    found_again = look(tmp_path / "c")
    assert found_again.header["path"] == PATH
    assert [frame.start for frame in found_again.frames][-3:] == list(starts())[1:]


def starts() -> Iterator[int]:
    at = 0
    for piece in PIECES:
        yield at
        at += len(piece)


def test_a_run_of_lost_frames_leaves_the_rest_in_place(tmp_path: Path) -> None:
    data = bytearray(write(tmp_path / "c"))
    whole = look(tmp_path / "c")
    first, last = whole.frames[1], whole.frames[2]
    data[first.at - 30 : last.at + 10] = os.urandom(last.at + 10 - first.at + 30)
    (tmp_path / "c").write_bytes(data)
    reader = CopyReader(tmp_path / "c")
    kept = [(piece.start, piece.data) for piece in reader.pieces() if piece.data is not None]
    assert kept == [(0, PIECES[0]), (len(b"".join(PIECES[:3])), PIECES[3])]
    with pytest.raises(DamagedError, match="lost"):
        reader.read(len(PIECES[0]), 5)
    reader.close()


def test_a_claimed_length_takes_no_memory(tmp_path: Path) -> None:
    body = zstandard.ZstdCompressor().compress(b"x" * 300)
    huge = body[:4] + bytes([0xE0]) + struct.pack("<Q", 1 << 50) + body[7:]
    with pytest.raises(zstandard.ZstdError):
        frames.unpacked(huge, 300)


def test_rewriting_brings_the_first_format_up(tmp_path: Path) -> None:
    path = tmp_path / copy_name(PATH, 0)
    path.parent.mkdir()
    first_format(path)
    assert look(path).old
    (tmp_path / "t").mkdir()
    assert rewrite(path, tmp_path / "t") is not None
    after = look(path)
    assert not after.old
    assert not after.damage
    assert (after.header["path"], after.header["tracetui"], after.stamp) == (PATH, 2, STAMP)
    reader = CopyReader(path)
    assert b"".join(reader.chunks()) == b"".join(PIECES)
    assert [frame.line for frame in reader.scan.frames] == [0]
    reader.close()


def test_a_rewriting_that_is_not_the_same_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tracetui.bucket import rewrite as module
    from tracetui.model import TracetuiError

    data = write(tmp_path / "c")
    (tmp_path / "t").mkdir()
    real = module.entry
    monkeypatch.setattr(module, "entry", lambda start, *rest: real(start + 1, *rest))
    with pytest.raises(TracetuiError, match="as it was"):
        rewrite(tmp_path / "c", tmp_path / "t")
    assert (tmp_path / "c").read_bytes() == data
    assert not list((tmp_path / "t").iterdir())


# whole buckets


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bucket with one log of four frames, and the log."""
    root = tmp_path_factory.mktemp("damage")
    log = Claude(uuid_of(1))
    with Bucket.open(root / "bucket", create=True) as bucket:
        for nth in range(4):
            log.prompt(f"prompt of frame {nth} " + "abc " * 40)
            log.write(root / "logs" / f"{uuid_of(1)}.jsonl")
            bucket.capture(found(root / "logs"))
    return root


def place_of(kind: str, data: bytes, got: Scan) -> int:
    """A byte of the copy of that kind; the middle ones stand for all."""
    frame = got.frames[2]
    entry = frame.at - frames.STEP
    return {
        "header magic": 0,
        "header length": 4,
        "header checksum": 9,
        "header path": data.index(b'"path":"') + 12,
        "header generation": data.index(b'"generation":') + 13,
        "entry magic": entry,
        "entry length": entry + 4,
        "entry start": entry + 8,
        "entry count": entry + 16,
        "entry size": entry + 21,
        "entry time": entry + 26,
        "entry line": entry + 56,
        "entry checksum": entry + 61,
        "payload magic": frame.at + 1,
        "payload": frame.at + frame.size // 2,
        "payload checksum": frame.at + frame.size - 2,
        "last entry size": got.frames[3].at - frames.STEP + 21,
        "tail": len(data) - 1,
    }[kind]


# What can go wrong where both are gone is tried with every kind, the easier cases with some of each.
KINDS = (
    *("header magic", "header length", "header checksum", "header path", "header generation", "entry magic"),
    *("entry length", "entry start", "entry count", "entry size", "entry time", "entry line", "entry checksum"),
    *("payload magic", "payload", "payload checksum", "last entry size", "tail"),
)


EACH_WAY = ("header path", "entry magic", "entry size", "payload", "last entry size", "tail")


@pytest.mark.parametrize(
    ("kind", "log_gone", "index_gone"),
    [
        (kind, log, index)
        for kind in KINDS
        for log in (True, False)
        for index in (True, False)
        if kind in EACH_WAY or (log and index)
    ],
)
def test_one_bit(tmp_path: Path, template: Path, kind: str, log_gone: bool, index_gone: bool) -> None:
    folder = tmp_path / "bucket"
    shutil.copytree(template / "bucket", folder)
    log = template / "logs" / f"{uuid_of(1)}.jsonl"
    (copy,) = folder.glob("copies/*/*.zst")
    data = bytearray(copy.read_bytes())
    place = place_of(kind, bytes(data), look(copy))
    data[place] ^= 1
    copy.write_bytes(data)
    if index_gone:
        for name in ("index.db", "index.db-wal", "index.db-shm"):
            (folder / name).unlink(missing_ok=True)
    hurt = {3} if kind == "tail" else {2} if kind.startswith("payload") else set()

    def shown(bucket: Bucket) -> set[int]:
        (row,) = bucket.sessions()
        assert row.id == uuid_of(1)
        (log,) = [log for log in bucket.logs(row.id) if log.shown]
        out = set()
        for step in bucket.step_rows(log):
            try:
                text = bucket.step(log, step.number).text or ""
            except DamagedError:
                continue
            out.add(int(text.split()[3]))
        return out

    hidden = log.rename(tmp_path / "hidden") if log_gone else None
    try:
        with Bucket.open(folder) as bucket:
            bucket.capture([] if log_gone else found(log))
            assert shown(bucket) >= {0, 1, 2, 3} - hurt
            assert copy.read_bytes() == data
            checks = list(examine(bucket, {}, tmp_path))
            assert any(check.check == "copies" and check.status == "bad" for check in checks)
        assert repair(folder, checks)
        with Bucket.open(folder) as bucket:
            checks = list(examine(bucket, {}, tmp_path))
            assert not [check for check in checks if check.status == "bad"]
            assert shown(bucket) >= ({0, 1, 2, 3} - hurt if log_gone else {0, 1, 2, 3})
            (kept,) = (folder / "aside").iterdir()
            assert kept.read_bytes() == data
            before = sorted(folder.glob("copies/*/*"))
        # It stays healed: nothing more is captured, and the next look is as good.
        repair(folder, checks)
        with Bucket.open(folder) as bucket:
            bucket.capture([] if log_gone else found(log))
        assert sorted(folder.glob("copies/*/*")) == before
    finally:
        if hidden is not None:
            hidden.rename(log)


def test_a_checksum_is_over_the_whole_entry() -> None:
    made = frames.entry(1, 2, 3, STAMP, 4)
    assert struct.unpack("<I", made[-4:])[0] == zlib.crc32(made[8:-4])
    assert len(made) == frames.STEP
