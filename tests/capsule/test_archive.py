"""The ZIP file: the same bytes for the same entries, every bit counts, hostile archives are refused in one line."""

from __future__ import annotations

import hashlib
import io
import os
import random
import struct
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracetui.capsule import archive
from tracetui.capsule.archive import Archive, RefusedError, check_name, pack, write_private
from tracetui.model import TracetuiError

ENTRIES = {
    "README.md": b"# a capsule\n",
    "manifest.json": b'{"format":"tracetui.capsule.v1"}',
    "records/001.jsonl": b'{"type":"user"}\n' * 40,
    "files/src/\u00fcber.py": b"print('x')\n",
    "empty": b"",
}


def packed(entries: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    size = pack(entries, out.write)
    assert size == len(out.getvalue())
    return out.getvalue()


def sealed(data: bytes) -> bytes:
    """The bytes with the comment that would vouch for them."""
    return data + hashlib.sha256(data).hexdigest().encode()


def read(path: Path, data: bytes) -> dict[str, bytes]:
    path.write_bytes(data)
    with Archive(path) as found:
        return {name: found.read(name) for name in found.entries}


def test_what_was_packed_is_read_and_any_reader_reads_it(tmp_path: Path) -> None:
    data = packed(ENTRIES)
    assert read(tmp_path / "a.zip", data) == ENTRIES
    with zipfile.ZipFile(io.BytesIO(data)) as other:
        assert other.testzip() is None
        assert {info.filename: other.read(info) for info in other.infolist()} == ENTRIES
        assert [info.filename for info in other.infolist()] == sorted(ENTRIES)
        assert {info.date_time for info in other.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert other.comment == hashlib.sha256(data[:-64]).hexdigest().encode()


def test_order_of_entries_does_not_matter() -> None:
    assert packed(ENTRIES) == packed(dict(reversed(ENTRIES.items())))


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(st.sampled_from("abcdefgh"), st.binary(max_size=3000), max_size=6))
def test_any_bytes_come_back(tmp_path_factory: pytest.TempPathFactory, entries: dict[str, bytes]) -> None:
    entries["manifest.json"] = b"{}"
    assert read(tmp_path_factory.mktemp("a") / "a.zip", packed(entries)) == entries


def flips(tmp_path: Path, data: bytes, places: list[int]) -> None:
    path = tmp_path / "flipped.zip"
    changed = bytearray(data)
    path.write_bytes(data)
    with path.open("r+b", buffering=0) as stream:
        for location in places:
            at, bit = divmod(location, 8)
            stream.seek(at)
            stream.write(bytes([changed[at] ^ (1 << bit)]))
            with pytest.raises(RefusedError):
                Archive(path)
            stream.seek(at)
            stream.write(bytes([changed[at]]))
    with Archive(path):
        pass


def test_every_bit_of_a_small_file_counts(tmp_path: Path) -> None:
    data = packed({"manifest.json": b"{}", "README.md": b"hello\n"})
    flips(tmp_path, data, list(range(8 * len(data))))


def test_bits_of_a_larger_file_count(tmp_path: Path) -> None:
    noise = random.Random(1)
    data = packed({f"records/{n:03d}.jsonl": noise.randbytes(3000) for n in range(5)})
    flips(tmp_path, data, noise.sample(range(8 * len(data)), 3000))


def test_headers_count_even_with_the_hash_made_right(tmp_path: Path) -> None:
    """What the outer hash would hide: bits that other readers of ZIP ignore."""
    data = packed({"manifest.json": b"{}", "b": b"hello " * 50})[:-64]
    for location in range(8 * len(data)):
        at, bit = divmod(location, 8)
        changed = sealed(data[:at] + bytes([data[at] ^ (1 << bit)]) + data[at + 1 :])
        path = tmp_path / "x.zip"
        path.write_bytes(changed)
        try:
            with Archive(path) as found:
                read_back = {name: found.read(name) for name in found.entries}
        except RefusedError:
            continue
        # Only a name may differ: the manifest is what holds it to account.
        assert sorted(read_back.values()) == [b"hello " * 50, b"{}"]
        assert set(read_back) != {"manifest.json", "b"}


@pytest.mark.parametrize("cut", [1, 10, 64, 65, 90, 200])
def test_cut_prepended_and_appended(tmp_path: Path, cut: int) -> None:
    data = packed(ENTRIES)
    for changed in (data[:-cut], b"x" * cut + data, data + b"x" * cut, data[cut:]):
        with pytest.raises(RefusedError):
            read(tmp_path / "x.zip", changed)
    bare = data[:-64]
    for changed in (sealed(b"PK\x03\x04" + bare), sealed(b"x" * cut + bare), sealed(bare + b"x" * cut)):
        with pytest.raises(RefusedError):
            read(tmp_path / "x.zip", changed)


def made(entries: list[tuple[str, bytes]], mode: int = 0o100644, level: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An archive as another program would write it, with the comment that vouches for it."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", level) as other:
        for name, data in entries:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            info.compress_type = level
            other.writestr(info, data)
        other.comment = b"0" * 64
    return sealed(out.getvalue()[:-64])


@pytest.mark.parametrize(
    "name",
    ["../x", "a/../../x", "/etc/passwd", "C:\\x", "C:x", "a\\..\\b", "", "a//b", "./a", "a/.", "a\x00b", "a\nb", "con",
     "aux.txt", "a. ", "x" * 600, "a\x9bb", "dir/"],
)  # fmt: skip
def test_names_that_lead_elsewhere(tmp_path: Path, name: str) -> None:
    assert check_name(name)
    with pytest.raises(TracetuiError):
        packed({name: b"x"})
    with pytest.raises(RefusedError):
        read(tmp_path / "x.zip", _renamed(name))


def _renamed(name: str) -> bytes:
    """A well-formed archive whose only entry has this name, made by our own writer with a changed name."""
    raw = name.encode("utf-8", "surrogatepass")
    body = b"x"
    facts = (0x0800, 0, 0, 0x21, zlib.crc32(body), 1, 1, len(raw))
    local = struct.pack("<IHHHHHIIIHH", 0x04034B50, 20, *facts, 0) + raw + body
    entry = struct.pack("<IHHHHHHIIIHHHHHII", 0x02014B50, 0x0314, 20, *facts, 0, 0, 0, 0, 0o100644 << 16, 0) + raw
    end = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 1, 1, len(entry), len(local), 64)
    return sealed(local + entry + end)


def test_the_helper_above_makes_good_archives(tmp_path: Path) -> None:
    assert read(tmp_path / "x.zip", _renamed("good")) == {"good": b"x"}


def test_archives_of_other_programs(tmp_path: Path) -> None:
    link = made([("manifest.json", b"{}"), ("a", b"/etc/passwd")], mode=0o120777)
    with pytest.warns(UserWarning, match="Duplicate"):
        twice = made([("a", b"1"), ("a", b"2")])
    cases = [link, twice, made([("A", b"1"), ("a", b"2")]), made([("b", b"1"), ("a", b"2")]), made([("../a", b"x")])]
    for data in cases:
        with pytest.raises(RefusedError) as caught:
            read(tmp_path / "x.zip", data)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("first", "second"), [("A", "a"), ("stra\u00dfe", "strasse"), ("e\u0301", "\u00e9")])
def test_names_that_are_one_on_some_systems(first: str, second: str) -> None:
    with pytest.raises(TracetuiError, match="case"):
        packed({first: b"1", second: b"2"})


def test_a_bomb_is_refused_before_it_unpacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "RATIO_FREE", 10_000)
    bomb = packed({"a": b"\0" * 100_000, "b": b"\0" * 10})
    assert len(bomb) > 100_000  # our own writer stores what would look like one
    monkeypatch.setattr(archive, "RATIO_LIMIT", 10**9)
    bomb = packed({"a": b"\0" * 300_000})
    assert len(bomb) < 1500
    monkeypatch.setattr(archive, "RATIO_LIMIT", 100)
    with pytest.raises(RefusedError, match="unpack"):
        read(tmp_path / "x.zip", bomb)
    monkeypatch.setattr(archive, "RATIO_LIMIT", 10**9)
    monkeypatch.setattr(archive, "SIZE_LIMIT", 1000)
    with pytest.raises(RefusedError):
        read(tmp_path / "x.zip", bomb)


def test_an_entry_that_lies_about_its_size(tmp_path: Path) -> None:
    data = bytearray(packed({"a": b"hello " * 100})[:-64])
    for mark, location in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = data.index(mark) + location
        data[at : at + 4] = struct.pack("<I", 6)
    path = tmp_path / "x.zip"
    path.write_bytes(sealed(bytes(data)))
    with Archive(path) as found, pytest.raises(RefusedError, match="larger"):
        found.read("a")


def test_no_pipe_no_folder_no_missing_file(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, tmp_path / "none"):
        with pytest.raises(RefusedError) as caught:
            Archive(path)
        assert "\n" not in str(caught.value)


def test_a_write_that_fails_leaves_nothing(tmp_path: Path) -> None:
    target = tmp_path / "out.zip"
    target.write_bytes(b"before")

    def fail() -> None:
        with write_private(target) as stream:
            stream.write(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert target.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [target]
    with write_private(target) as stream:
        stream.write(b"after")
    assert target.read_bytes() == b"after"
    assert target.stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(os.name != "posix", reason="pipes and links")
def test_takes_the_place_of_files_alone(tmp_path: Path) -> None:
    """Root may replace ``/dev/null``; a link is such a name too (``/dev/stdout``)."""
    from tracetui.bucket import location

    kept = tmp_path / "kept"
    kept.write_text("mine")
    pipe, link, folder = tmp_path / "pipe", tmp_path / "link", tmp_path / "folder"
    os.mkfifo(pipe)
    link.symlink_to(kept)
    folder.mkdir()
    for target, why in ((pipe, "device or pipe"), (link, "a link"), (folder, "directory")):
        before = target.lstat()
        with pytest.raises(TracetuiError, match=why), write_private(target) as stream:
            stream.write(b"x")
        with pytest.raises(OSError, match=f"(?i){why}"):
            location.write_private(target, b"x")
        assert target.lstat() == before
    assert kept.read_text() == "mine"
    assert sorted(tmp_path.iterdir()) == sorted([folder, kept, link, pipe])
    location.write_private(kept, b"new")
    assert kept.read_bytes() == b"new"


def test_a_file_is_on_the_disk_before_it_takes_a_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    synced, replaced = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (order.append(f"fsync {os.fstat(handle).st_size}"), synced(handle)))
    monkeypatch.setattr(Path, "replace", lambda self, to: (order.append("replace"), replaced(self, to))[1])
    with write_private(tmp_path / "a.zip") as stream:
        stream.write(b"12345")
    assert order == ["fsync 5", "replace"]
    assert (tmp_path / "a.zip").read_bytes() == b"12345"


# where each limit stands, to the byte


def test_the_limits_are_those_of_the_format() -> None:
    """Files that others made hold to them too: none may be lowered."""
    assert (archive.ENTRY_LIMIT, archive.SIZE_LIMIT, archive.TOTAL_LIMIT) == (50_000, 512 << 20, 1024 << 20)
    assert (archive.RATIO_LIMIT, archive.RATIO_FREE) == (200, 16 << 20)


def test_names_at_the_edge_of_what_is_allowed() -> None:
    assert check_name("x" * 512) is None
    assert check_name("x" * 513) is not None
    assert check_name("\u00fc" * 256) is None
    assert check_name("\u00fc" * 257) is not None
    for name in (
        "com1",
        "COM9.txt",
        "lpt1",
        "a/lpt9.x",
        "Nul",
        "prn.md",
        "\x7f",
        "\x80",
        "\x9f",
        "\x1f",
        "a ",
        "a.",
        " a",
    ):
        assert check_name(name) is not None, name
    for name in ("com0", "com10", "lpt", "console", "a b", "a.b", "\xa0", "\x7e"):
        assert check_name(name) is None, name


def test_each_limit_lets_pass_what_just_holds_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    noise = random.Random(3)
    entries = {name: noise.randbytes(100) for name in "abc"}
    data = packed(entries)
    for name, just, over in (("ENTRY_LIMIT", 3, 2), ("SIZE_LIMIT", 100, 99), ("TOTAL_LIMIT", len(data), len(data) - 1)):
        with monkeypatch.context() as limited:
            limited.setattr(archive, name, just)
            assert read(tmp_path / "x.zip", data) == entries
            limited.setattr(archive, name, over)
            with pytest.raises(RefusedError):
                read(tmp_path / "x.zip", data)
    for name, just, over in (("ENTRY_LIMIT", 3, 2), ("SIZE_LIMIT", 100, 99), ("TOTAL_LIMIT", 300, 299)):
        with monkeypatch.context() as limited:
            limited.setattr(archive, name, just)
            assert packed(entries) == data
            limited.setattr(archive, name, over)
            with pytest.raises(TracetuiError, match=r"would hold 0 MB in 3 entries; seal a range"):
                packed(entries)


def test_how_much_may_come_out_of_how_little(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = packed({"a": bytes(2_000_000)})
    monkeypatch.setattr(archive, "RATIO_LIMIT", 0)
    monkeypatch.setattr(archive, "RATIO_FREE", 2_000_000)
    assert read(tmp_path / "x.zip", data) == {"a": bytes(2_000_000)}
    monkeypatch.setattr(archive, "RATIO_FREE", 1_999_999)
    with pytest.raises(RefusedError, match="would unpack to 2 MB"):
        read(tmp_path / "x.zip", data)
    monkeypatch.setattr(archive, "RATIO_LIMIT", -(-2_000_000 // len(data)))
    assert read(tmp_path / "x.zip", data) == {"a": bytes(2_000_000)}
    monkeypatch.setattr(archive, "RATIO_LIMIT", 2_000_000 // len(data))
    with pytest.raises(RefusedError, match="would unpack to 2 MB"):
        read(tmp_path / "x.zip", data)


def test_what_does_not_get_smaller_is_stored(tmp_path: Path) -> None:
    noise = random.Random(4)

    def deflated(data: bytes) -> int:
        packer = zlib.compressobj(6, zlib.DEFLATED, -15)
        return len(packer.compress(data) + packer.flush())

    equal = next(
        data
        for size in range(4, 200)
        for _ in range(50)
        if deflated(data := bytes(noise.choices(b"abcdefgh", k=size))) == len(data)
    )
    text = b"".join(b"%d of them, and %d\n" % (nth * 7919 % 997, nth * nth % 89) for nth in range(3000))
    entries = {"a": text, "b": equal, "c": noise.randbytes(50)}
    (tmp_path / "x.zip").write_bytes(packed(entries))
    with Archive(tmp_path / "x.zip") as found:
        assert [entry.method for entry in found.entries.values()] == [8, 0, 0]
        assert [entry.packed for entry in found.entries.values()] == [deflated(text), len(equal), 50]
        assert found.bytes == (tmp_path / "x.zip").stat().st_size


def test_a_directory_that_says_another_count(tmp_path: Path) -> None:
    data = packed({"a": b"1", "b": b"2"})[:-64]
    for count in (0, 1, 3, 40_000):
        changed = bytearray(data)
        changed[-14:-10] = struct.pack("<HH", count, count)
        with pytest.raises(RefusedError):
            read(tmp_path / "x.zip", sealed(bytes(changed)))
