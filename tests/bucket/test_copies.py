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
from tracetui.bucket.copies import CopyReader, CopyWriter, DamagedError, FrameCache, Stamp, compressor
from tracetui.bucket.dictionary import DIGEST, NAME, NUMBER, SHORT, keep_dictionary
from tracetui.bucket.frames import LOOSE, STEP, header, unpacked
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


# what a copy tells of itself, to the byte


def test_lines_are_counted_on_after_a_copy_was_opened_again(tmp_path: Path) -> None:
    write(tmp_path / "c", [b"1\n2\n", b"3\n"])
    write(tmp_path / "c", [b"4\n5\n6\n"])
    write(tmp_path / "c", [b"7\n"])
    reader = CopyReader(tmp_path / "c")
    assert [frame.line for frame in reader.scan.frames] == [0, 2, 3, 6]
    assert [chunk.line for chunk in reader.pieces()] == [0, 2, 3, 6]
    assert [chunk.line for chunk in reader.pieces(3)] == [1, 2, 3, 6]
    assert [(chunk.start, chunk.length) for chunk in reader.pieces(3, 7)] == [(3, 1), (4, 2), (6, 1)]
    reader.close()


def test_a_byte_is_in_one_frame_or_in_none(tmp_path: Path) -> None:
    write(tmp_path / "c", [b"11111\n", b"22222\n", b"33333\n"])
    data = bytearray((tmp_path / "c").read_bytes())
    reader = CopyReader(tmp_path / "c")
    first, second, _ = reader.scan.frames
    assert [reader.place(offset) for offset in (0, 5, 6, 11, 12, 17, 18)] == [0, 0, 1, 1, 2, 2, -1]
    reader.close()
    data[second.at - STEP : second.at + second.size] = os.urandom(STEP + second.size)
    (tmp_path / "c").write_bytes(data)
    reader = CopyReader(tmp_path / "c")
    assert [reader.place(offset) for offset in (0, 5, 6, 11, 12)] == [0, 0, -1, -1, 1]
    assert reader.scan.lost == [(6, 12)]
    assert reader.scan.damage[0].at >= first.at + first.size
    assert reader.read(0, 6) == b"11111\n"
    assert reader.read(12, 6) == b"33333\n"
    for offset, length in ((6, 1), (11, 1), (3, 6), (11, 4)):
        with pytest.raises(TracetuiError, match=r"damaged|lost"):
            reader.read(offset, length)
    reader.close()
    data[first.at - STEP : first.at + first.size] = os.urandom(STEP + first.size)
    (tmp_path / "c").write_bytes(data)
    reader = CopyReader(tmp_path / "c")
    assert reader.scan.lost == [(0, 12)]
    assert reader.place(0) == -1
    with pytest.raises(TracetuiError, match=r"damaged|lost"):
        reader.read(0, 1)
    reader.close()


def test_a_copy_without_frames_says_nothing_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "c").write_bytes(header({"path": "/x"}))
    reader = CopyReader(tmp_path / "c")
    assert reader.scan.stamp == Stamp(0, 0, 0, 0)
    assert (reader.scan.bytes, reader.scan.frames, reader.scan.lost, reader.scan.loose) == (0, [], [], 0)
    assert list(reader.pieces()) == []
    assert reader.read(0, 10) == b""
    reader.close()


@pytest.mark.parametrize("bit", range(0, 8, 3))
@pytest.mark.parametrize("at", [0, 5, 9, 20])
def test_a_change_of_the_header_is_read_though_a_bit_of_it_turned(tmp_path: Path, at: int, bit: int) -> None:
    writer = CopyWriter(tmp_path / "c", {"path": "/x", "generation": 0})
    writer.append(b"1\n", STAMP)
    place = writer.size
    writer.note(path="/moved/to", harness="claude")
    writer.append(b"2\n", STAMP)
    writer.close()
    data = bytearray((tmp_path / "c").read_bytes())
    data[place + at] ^= 1 << bit
    (tmp_path / "c").write_bytes(data)
    reader = CopyReader(tmp_path / "c")
    assert [hurt.at for hurt in reader.scan.damage] == [place]
    assert reader.scan.header == {"path": "/moved/to", "generation": 0, "harness": "claude"}
    assert b"".join(reader.chunks()) == b"1\n2\n"
    reader.close()


def test_frames_are_held_up_to_a_limit() -> None:
    cache = FrameCache(10)
    for key, size in (("a", 4), ("b", 4)):
        cache.put((key, 0), bytes(size))
    assert cache.get(("a", 0)) == bytes(4)  # used last now
    cache.put(("b", 0), bytes(6))
    assert cache.get(("a", 0)) == bytes(4), "a longer one in the place of a shorter takes as much more as it is longer"
    cache.get(("b", 0))
    cache.put(("c", 0), bytes(1))
    assert [cache.get((key, 0)) is None for key in "abc"] == [True, False, False]
    cache.put(("d", 0), bytes(40))
    assert [cache.get((key, 0)) is None for key in "abcd"] == [True, True, True, False], "one stays, however long"
    cache.clear()
    cache.put(("e", 0), bytes(10))
    cache.put(("f", 0), b"")
    assert cache.get(("e", 0)) == bytes(10)


def test_the_beginning_of_a_frame_is_had_without_the_rest(tmp_path: Path) -> None:
    text = b"".join(b"line %d of it\n" % nth for nth in range(60_000))
    write(tmp_path / "c", [text])
    reader = CopyReader(tmp_path / "c")
    (frame,) = reader.scan.frames
    for need in (1, 100, frame.length // 2, frame.length * 3 // 4, frame.length):
        head = reader.head(frame, need)
        assert head[:need] == text[:need]
        assert len(head) >= need
    assert len(reader.head(frame, 10)) < frame.length
    data = bytearray((tmp_path / "c").read_bytes())
    data[frame.at] ^= 1
    (tmp_path / "c").write_bytes(data)
    for need in (1, frame.length):
        with pytest.raises(DamagedError, match=f"byte {frame.at:,}"):
            reader.head(frame, need)
    reader.close()


def test_what_is_loose_is_at_the_end(tmp_path: Path) -> None:
    for pieces, loose in (([LOOSE], 0), ([LOOSE - 1], 1), ([9, LOOSE, 9, 9], 2), ([9, 9, LOOSE], 0), ([], 0)):
        path = tmp_path / f"c{len(pieces)}-{loose}-{sum(pieces)}"
        write(path, [b"\n" * size for size in pieces] or [b"x"])
        reader = CopyReader(path)
        assert reader.scan.loose == (loose if pieces else 1)
        reader.close()
