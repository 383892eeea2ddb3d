from __future__ import annotations

import hashlib
import importlib.util
import io
import os
import random
import tempfile
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.bucket.logs import session_of, uuid_of
from tracetui.bucket import copies, dictionary
from tracetui.bucket.copies import CopyReader, CopyWriter, FrameCache, Stamp, compressor
from tracetui.bucket.dictionary import DIGEST, NAME, NUMBER, SHORT, keep_dictionary
from tracetui.bucket.frames import unpacked
from tracetui.bucket.rewrite import rewrite
from tracetui.model import TracetuiError

STAMP = Stamp(5, 6, 7, 8)
ROOT = Path(__file__).parents[2]


def write(path: Path, pieces: list[bytes]) -> None:
    writer = CopyWriter(path, {"path": "/x", "stem": "x", "generation": 0})
    try:
        for piece in pieces:
            writer.append(piece, STAMP)
    finally:
        writer.close()


@settings(max_examples=40, deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=300), min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_any_range_reads_back(pieces: list[bytes], rng: random.Random) -> None:
    whole = b"".join(pieces)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "c.zst"
        write(path, pieces)
        reader = CopyReader(path, FrameCache(64))
        for _ in range(20):
            start = rng.randrange(len(whole))
            length = rng.randrange(len(whole) - start + 3)
            assert reader.read(start, length) == whole[start : start + length]
            assert b"".join(reader.chunks(start, start + length)) == whole[start : start + length]
        reader.close()


def test_plain_zstd_reads_a_copy_with_the_dictionary_in_the_bucket(tmp_path: Path) -> None:
    long = os.urandom(SHORT // 2).hex().encode() + b"\n"
    assert len(long) > SHORT
    write(tmp_path / "c", [b"one\n", b"two\n", long])
    keep_dictionary(tmp_path)
    told = zstandard.ZstdCompressionDict((tmp_path / NAME).read_bytes())
    with zstandard.ZstdDecompressor(dict_data=told).stream_reader(
        io.BytesIO((tmp_path / "c").read_bytes()), read_across_frames=True
    ) as stream:
        assert stream.read(2 * len(long)) == b"one\ntwo\n" + long
    reader = CopyReader(tmp_path / "c")
    kinds = [zstandard.get_frame_parameters(reader.packed(frame)).dict_id for frame in reader.scan.frames]
    assert kinds == [NUMBER, NUMBER, 0], "what is long gains nothing by it"
    reader.close()


def test_a_frame_that_needs_another_dictionary_is_told(tmp_path: Path) -> None:
    samples = [b'{"kind":"a","number":%d,"text":"what is in it %d"}' % (nth, nth * 7) for nth in range(2000)]
    other = zstandard.train_dictionary(4096, samples, dict_id=NUMBER + 1)
    packed = zstandard.ZstdCompressor(dict_data=other, write_content_size=True).compress(b"text")
    with pytest.raises(zstandard.ZstdError, match="a dictionary that is not known"):
        unpacked(packed, 4)


def test_a_changed_dictionary_is_never_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(dictionary, "DIGEST", "0" * 64)
    with pytest.raises(TracetuiError, match="install it again"):
        keep_dictionary(tmp_path)
    assert not (tmp_path / NAME).exists()


def test_the_dictionary_holds_made_up_text_only() -> None:
    """It is what ``scripts/dictionary.py`` makes of its own words, where zstd is of the version that made it."""
    spec = importlib.util.spec_from_file_location("make_dictionary", ROOT / "scripts" / "dictionary.py")
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    data = made.TARGET.read_bytes()
    assert hashlib.sha256(data).hexdigest() == DIGEST
    assert zstandard.ZstdCompressionDict(data).dict_id() == NUMBER == made.NUMBER
    if zstandard.ZSTD_VERSION == (1, 5, 7):
        assert made.dictionary() == data


def test_short_sessions_take_little_room(tmp_path: Path) -> None:
    """What the frames take of sessions of which the dictionary knows nothing but the form."""
    taken = {}
    for packer in (compressor(), zstandard.ZstdCompressor(level=6, write_checksum=True)):
        datas = [session_of(uuid_of(nth), 3, start=nth * 99).data for nth in range(20)]
        taken[type(packer).__name__] = sum(len(packer.compress(data)) for data in datas) / sum(map(len, datas))
    assert taken["FramePacker"] < 0.75 * taken["ZstdCompressor"]


def test_torn_anywhere_leaves_whole_frames_and_goes_on(tmp_path: Path) -> None:
    pieces = [b"first line\n", b"second line\n", b"third line\n"]
    write(tmp_path / "c", pieces)
    data = (tmp_path / "c").read_bytes()
    ends = [0]
    for nth in range(1, 4):
        write(tmp_path / f"part{nth}", pieces[:nth])
        ends.append((tmp_path / f"part{nth}").stat().st_size)
    for size in range(len(data)):
        torn = tmp_path / "torn"
        torn.write_bytes(data[:size])
        kept = sum(end <= size for end in ends[1:])
        writer = CopyWriter(torn, {"path": "/x"})
        assert writer.bytes == len(b"".join(pieces[:kept]))
        writer.append(b"new\n", STAMP)
        writer.close()
        reader = CopyReader(torn)
        assert reader.read(0, 1000) == b"".join(pieces[:kept]) + b"new\n"
        reader.close()


def test_a_frame_of_zeros_after_a_power_cut_is_cut(tmp_path: Path) -> None:
    write(tmp_path / "c", [b"kept\n", b"lost by the disk\n"])
    reader = CopyReader(tmp_path / "c")
    last = reader.scan.frames[1]
    reader.close()
    with (tmp_path / "c").open("r+b") as file:
        file.seek(last.at)
        file.write(b"\0" * last.size)
    writer = CopyWriter(tmp_path / "c", {})
    assert writer.bytes == 5
    writer.close()


def test_damage_is_one_line(tmp_path: Path) -> None:
    write(tmp_path / "c", [b"abc\n" * 100, b"def\n"])
    reader = CopyReader(tmp_path / "c")
    frame = reader.scan.frames[0]
    with (tmp_path / "c").open("r+b") as file:
        file.seek(frame.at + frame.size - 3)
        file.write(b"\xff\xff\xff")
    with pytest.raises(TracetuiError, match="damaged"):
        reader.read(0, 400)
    assert reader.read(400, 4) == b"def\n"
    reader.close()


def test_a_full_disk_takes_back_the_half_frame(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = CopyWriter(tmp_path / "c", {"path": "/x"})
    writer.append(b"kept\n", STAMP)
    real = os.write

    def short(handle: int, data: memoryview) -> int:
        if len(data) > 10:
            return real(handle, data[:10])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(copies.os, "write", short)
    with pytest.raises(OSError, match="No space"):
        writer.append(b"x" * 1000, STAMP)
    monkeypatch.undo()
    assert (tmp_path / "c").stat().st_size == writer.size
    writer.append(b"more\n", STAMP)
    writer.close()
    reader = CopyReader(tmp_path / "c")
    assert reader.read(0, 99) == b"kept\nmore\n"
    reader.close()


def test_a_reader_sees_growth_and_survives_repacking(tmp_path: Path) -> None:
    lines = [f"line {nth}\n".encode() * 50 for nth in range(40)]
    path = tmp_path / "c"
    write(path, lines[:20])
    reader = CopyReader(path)
    assert reader.read(0, 10**6) == b"".join(lines[:20])
    write(path, lines[20:30])
    assert reader.read(0, 10**6) == b"".join(lines[:30])
    before = path.stat().st_size
    (tmp_path / "tmp").mkdir()
    done = rewrite(path, tmp_path / "tmp")
    assert done is not None
    size, loose, _ = done
    assert size == path.stat().st_size < before / 3
    assert loose == 1
    assert rewrite(path, tmp_path / "tmp") is None
    assert reader.read(0, 10**6) == b"".join(lines[:30])
    write(path, lines[30:])
    assert reader.read(0, 10**6) == b"".join(lines)
    reader.close()
    assert not list((tmp_path / "tmp").iterdir())


def test_repacking_keeps_full_frames_as_they_are(tmp_path: Path) -> None:
    big = os.urandom(copies.FRAME)
    write(tmp_path / "c", [big, b"a\n", b"b\n", b"c\n"])
    (tmp_path / "tmp").mkdir()
    assert rewrite(tmp_path / "c", tmp_path / "tmp") is not None
    reader = CopyReader(tmp_path / "c")
    assert [frame.length for frame in reader.scan.frames] == [copies.FRAME, 6]
    assert reader.scan.stamp == STAMP
    assert reader.read(copies.FRAME - 2, 8) == big[-2:] + b"a\nb\nc\n"
    reader.close()


def test_only_what_is_asked_for_is_decompressed(tmp_path: Path) -> None:
    write(tmp_path / "c", [b"0123456789" * 100_000, b"tail\n"])
    cache = FrameCache(10**7)
    reader = CopyReader(tmp_path / "c", cache)
    assert reader.read(20, 5) == b"01234"
    ((_, held),) = cache._held.items()
    assert len(held) < 1000
    assert reader.read(999_990, 20) == b"0123456789tail\n"
    reader.close()


def test_notes_change_the_header(tmp_path: Path) -> None:
    write(tmp_path / "c", [b"a\n"])
    writer = CopyWriter(tmp_path / "c", {})
    writer.note(path="/moved")
    writer.append(b"b\n", STAMP)
    writer.close()
    reader = CopyReader(tmp_path / "c")
    assert reader.scan.header["path"] == "/moved"
    assert reader.scan.header["stem"] == "x"
    assert reader.read(0, 9) == b"a\nb\n"
    reader.close()
