"""Discovery, safe opening and what lies beside the logs."""

from __future__ import annotations

import io
import json
import os
import sys
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from tracetui.harness.base import Harness, Root
from tracetui.harness.lines import records_of
from tracetui.harness.opening import follow, open_log
from tracetui.harness.roots import LogFile, PathProblem, discover, files_of
from tracetui.harness.side import deleted_at, retention_days, side_titles
from tracetui.model import Record

ROW = b'{"a":1}\n'


def harness(name: str, *roots: Path, patterns: tuple[str, ...] = ("*.jsonl", "*.jsonl.zst")) -> Harness:
    def of(environ: Mapping[str, str], home: Path) -> Iterable[Root]:
        return [Root(root, patterns) for root in roots]

    return Harness(
        name, name, lambda head: False, lambda stem, state=None: None, of, lambda facts: [], lambda s, r: [], ""
    )  # type: ignore[arg-type,return-value]


def write(path: Path, data: bytes = ROW) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def found(home: Path, *roots: Path, problems: list[PathProblem] | None = None) -> list[str]:
    files = discover({}, home, [harness("x", *roots)], problems)
    return [os.path.relpath(file.path, home) for file in files]


def test_discovery_finds_regular_files_by_name_in_order(tmp_path: Path) -> None:
    root = tmp_path / "projects"
    for name in ("b/2.jsonl", "b/1.jsonl", "a/s/subagents/agent-1.jsonl", "a/s.jsonl", "a/old.jsonl.zst"):
        write(root / name)
    for name in (
        "b/notes.txt",
        "a/s/tool-results/big.jsonl",
        "a/s/subagents/journal.jsonl",
        "b/1.jsonl.tmp",
        "b/sessions-index.json",
    ):
        write(root / name)
    (root / "b" / "folder.jsonl").mkdir()
    write(root / "b" / "folder.jsonl" / "inner.jsonl")
    problems: list[PathProblem] = []
    assert found(tmp_path, root, tmp_path / "missing", problems=problems) == [
        "projects/a/old.jsonl.zst",
        "projects/a/s.jsonl",
        "projects/a/s/subagents/agent-1.jsonl",
        "projects/b/1.jsonl",
        "projects/b/2.jsonl",
        "projects/b/folder.jsonl/inner.jsonl",
    ]
    assert problems == []


def test_a_log_file_tells_what_its_folder_told(tmp_path: Path) -> None:
    path = write(tmp_path / "r" / "s.jsonl", ROW * 3)
    info = path.stat()
    (file,) = discover({}, tmp_path, [harness("pi", tmp_path / "r")])
    assert file == LogFile(str(path), str(tmp_path / "r"), 24, info.st_mtime_ns, info.st_ino, info.st_dev, "pi")
    assert Path(file) == path
    with pytest.raises(AttributeError):
        file.size = 3  # type: ignore[misc]


def test_a_plain_log_wins_over_its_compressed_twin(tmp_path: Path) -> None:
    write(tmp_path / "r" / "a.jsonl")
    write(tmp_path / "r" / "a.jsonl.zst")
    write(tmp_path / "r" / "b.jsonl.zst")
    (tmp_path / "r" / "b.jsonl").symlink_to("a.jsonl")  # a link is no log and wins over nothing
    assert found(tmp_path, tmp_path / "r") == ["r/a.jsonl", "r/b.jsonl.zst"]


def test_links_are_followed_at_the_root_only(tmp_path: Path) -> None:
    outside = write(tmp_path / "outside" / "secret.jsonl")
    real = tmp_path / "real"
    write(real / "a.jsonl")
    (real / "link.jsonl").symlink_to(outside)
    (real / "linked").symlink_to(tmp_path / "outside", target_is_directory=True)
    (real / "loop").symlink_to(real, target_is_directory=True)
    (tmp_path / "root").symlink_to(real, target_is_directory=True)
    assert found(tmp_path, tmp_path / "root") == ["root/a.jsonl"]


def test_no_file_twice(tmp_path: Path) -> None:
    first = write(tmp_path / "r" / "a.jsonl")
    os.link(first, tmp_path / "r" / "b.jsonl")
    assert found(tmp_path, tmp_path / "r", tmp_path / "r", tmp_path) == ["r/a.jsonl"]
    named = [item.path for item in files_of([tmp_path, first, tmp_path / "r"])]
    assert named == [str(first)]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs here")
def test_no_fifo_device_or_socket(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jsonl")
    write(tmp_path / "a.jsonl")
    assert found(tmp_path, tmp_path) == ["a.jsonl"]
    with pytest.raises(OSError, match="not a regular file"):
        open_log(tmp_path / "pipe.jsonl")  # and it does not wait for a writer
    assert list(files_of([tmp_path / "pipe.jsonl", "/dev/null"])) == [
        PathProblem(str(tmp_path / "pipe.jsonl"), "not a regular file"),
        PathProblem("/dev/null", "not a regular file"),
    ]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_folder_is_one_problem(tmp_path: Path) -> None:
    write(tmp_path / "a" / "a.jsonl")
    locked = tmp_path / "b"
    write(locked / "b.jsonl")
    write(tmp_path / "c" / "c.jsonl")
    locked.chmod(0)
    try:
        problems: list[PathProblem] = []
        assert found(tmp_path, tmp_path, problems=problems) == ["a/a.jsonl", "c/c.jsonl"]
        assert problems == [PathProblem(str(locked), "permission denied")]
    finally:
        locked.chmod(0o700)


def test_a_folder_that_fails_is_one_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in "abc":
        write(tmp_path / name / "x.jsonl")
    scandir = os.scandir

    def failing(path: str) -> object:
        if str(path).endswith("b"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", failing)
    problems: list[PathProblem] = []
    assert found(tmp_path, tmp_path, problems=problems) == ["a/x.jsonl", "c/x.jsonl"]
    assert problems == [PathProblem(str(tmp_path / "b"), "permission denied")]


def test_a_root_that_is_a_file_is_a_problem(tmp_path: Path) -> None:
    write(tmp_path / "root")
    problems: list[PathProblem] = []
    assert found(tmp_path, tmp_path / "root", problems=problems) == []
    assert problems == [PathProblem(str(tmp_path / "root"), "not a directory")]


def test_very_deep_folders_end(tmp_path: Path) -> None:
    deep = tmp_path
    for _ in range(40):
        deep /= "d"
    write(deep / "x.jsonl")
    problems: list[PathProblem] = []
    assert found(tmp_path, tmp_path, problems=problems) == []
    assert "nested" in problems[0].reason


def test_named_paths(tmp_path: Path) -> None:
    log = write(tmp_path / "logs" / "s.jsonl")
    write(tmp_path / "logs" / "sub" / "t.jsonl.deleted.2026-01-01T00-00-00.000Z")
    write(tmp_path / "logs" / "journal.jsonl")
    odd = write(tmp_path / "copy.txt")
    journal = write(tmp_path / "journal.jsonl")
    link = tmp_path / "link.jsonl"
    link.symlink_to(odd)
    items = list(files_of([tmp_path / "logs", link, journal, tmp_path / "nothing", "bad\0name"]))
    assert [item.path for item in items if isinstance(item, LogFile)] == [
        str(log),
        str(tmp_path / "logs" / "sub" / "t.jsonl.deleted.2026-01-01T00-00-00.000Z"),
        str(odd.resolve()),
        str(journal),  # named by the user: it is theirs to say
    ]
    assert [item.reason for item in items if isinstance(item, PathProblem)] == [
        "no such file or directory",
        "not a path",
    ]


def test_names_in_any_form(tmp_path: Path) -> None:
    names = [unicodedata.normalize("NFD", "séance.jsonl"), "UPPER.jsonl", "with space\n.jsonl"]
    if sys.platform == "linux":
        names.append(os.fsdecode(b"raw-\xff.jsonl"))
    for name in names:
        write(tmp_path / name)
    files = list(discover({}, tmp_path, [harness("x", tmp_path)]))
    assert sorted(Path(file.path).name for file in files) == sorted(names)
    for file in files:
        with open_log(file) as stream:
            assert stream.read() == ROW


def test_ten_thousand_files_cost_one_lstat_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The start-up check: no file is opened and none is asked about twice."""
    for name in range(50):
        write(tmp_path / f"{name % 5}" / f"{name}.jsonl")
    opened: list[object] = []
    for module, call in ((os, "open"), (os, "stat"), (os, "lstat"), (io, "open")):
        real = getattr(module, call)
        monkeypatch.setattr(module, call, lambda *a, _real=real, **k: (opened.append(a), _real(*a, **k))[1])
    assert len(list(discover({}, tmp_path, [harness("x", tmp_path)]))) == 50
    assert len([call for call in opened if ".jsonl" in str(call)]) == 0


# --- opening ---------------------------------------------------------------------------------------------------------


def test_open_refuses_links_and_folders(tmp_path: Path) -> None:
    log = write(tmp_path / "a.jsonl")
    (tmp_path / "l.jsonl").symlink_to(log)
    with pytest.raises(OSError, match=r"symbolic|Too many levels|loop"):
        open_log(tmp_path / "l.jsonl")
    with pytest.raises(OSError, match=r"regular|directory"):
        open_log(tmp_path)
    with open_log(log, 2) as stream:
        assert stream.read() == ROW[2:]
        assert os.fstat(stream.fileno()).st_size == len(ROW)


@given(
    blocks=st.lists(st.binary(max_size=400), min_size=1, max_size=5),
    offset=st.integers(0, 2500),
    sized=st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_compressed_logs_read_as_their_bytes(
    tmp_path_factory: pytest.TempPathFactory, blocks: list[bytes], offset: int, sized: bool
) -> None:
    path = tmp_path_factory.mktemp("z") / "a.jsonl.zst"
    frames = [zstandard.ZstdCompressor(write_content_size=sized).compress(block) for block in blocks]
    skippable = b"\x52\x2a\x4d\x18" + (3).to_bytes(4, "little") + b"abc"
    path.write_bytes(skippable.join(frames))
    with open_log(path, offset) as stream:
        assert stream.read() == b"".join(blocks)[offset:]


def test_compressed_logs_stream(tmp_path: Path) -> None:
    rows = [b'{"n":%d,"pad":"%s"}\n' % (n, b"x" * 200) for n in range(30_000)]
    data = b"".join(rows)
    path = write(tmp_path / "a.jsonl.zst", zstandard.ZstdCompressor().compress(data))
    with open_log(path) as stream:
        records = [item for item in records_of(stream) if isinstance(item, Record)]
    assert len(records) == len(rows)
    last = records[-1]
    assert data[last.source.offset : last.source.offset + last.source.length] == rows[-1][:-1]
    with open_log(path, last.source.offset) as stream:
        assert stream.read() == rows[-1]


def test_torn_and_damaged_compressed_logs_give_what_they_hold(tmp_path: Path) -> None:
    rows = b"".join(b'{"n":%d,"r":"%s"}\n' % (n, os.urandom(40).hex().encode()) for n in range(20_000))
    packed = zstandard.ZstdCompressor().compress(rows)
    torn = write(tmp_path / "torn.jsonl.zst", packed[: len(packed) // 2])
    with open_log(torn) as stream:
        items = list(records_of(stream))
    assert len(items) > 5_000
    assert isinstance(items[0], Record)
    broken = write(tmp_path / "broken.jsonl.zst", packed + b"garbage behind the frame" * 9)
    with open_log(broken) as stream:
        items = list(records_of(stream))
    assert sum(isinstance(item, Record) for item in items) > 19_000
    assert "damaged zstd data" in str(items[-2])
    plain = write(tmp_path / "plain.jsonl.zst", ROW)
    with open_log(plain) as stream:
        assert stream.read() == ROW


# --- paths that a log names ------------------------------------------------------------------------------------------


def test_follow_stays_in_the_sessions_own_folder(tmp_path: Path) -> None:
    folder = tmp_path / "session"
    inside = write(folder / "tool-results" / "t.txt", b"spilled")
    outside = write(tmp_path / "session-2" / "t.txt", b"other session")
    (folder / "link.txt").symlink_to(outside)
    (folder / "good.txt").symlink_to(inside)
    (folder / "up").symlink_to(tmp_path, target_is_directory=True)
    assert follow(str(inside), folder) == inside.resolve()
    assert follow("tool-results/t.txt", folder) == inside.resolve()
    assert follow("good.txt", folder) == inside.resolve()
    for path in (
        str(outside),
        str(folder / "link.txt"),
        str(folder / "up" / "session-2" / "t.txt"),
        str(folder / ".." / "session-2" / "t.txt"),
        str(folder),
        str(folder / "tool-results"),
        "/etc/passwd",
        "/dev/zero",
        "missing.txt",
        "",
        "a\0b",
        "x" * 5000,
        "\ud800",
    ):
        assert follow(path, folder) is None, path
    assert follow(str(inside), tmp_path / "nowhere") is None
    (tmp_path / "alias").symlink_to(folder, target_is_directory=True)
    assert follow(str(inside), tmp_path / "alias") == inside.resolve()


# --- beside the logs -------------------------------------------------------------------------------------------------


def test_side_titles_last_one_wins_and_damage_is_survived(tmp_path: Path) -> None:
    index = tmp_path / ".codex" / "session_index.jsonl"
    assert side_titles({}, tmp_path)["codex"] == {}
    rows = [
        b'{"id":"a","thread_name":"first","updated_at":"2026-01-01T00:00:00Z"}',
        b"torn {",
        b'{"id":"b","thread_name":"  "}',
        b'{"id":3,"thread_name":"x"}',
        b'{"id":"a","thread_name":"renamed"}{"id":"c","thread_name":" glued "}',
    ]
    write(index, b"\n".join(rows) + b'\n{"id":"d","thread_name":"to')
    assert side_titles({}, tmp_path)["codex"] == {"a": "renamed", "c": "glued"}
    other = tmp_path / "elsewhere"
    assert side_titles({"CODEX_HOME": str(other)}, tmp_path)["codex"] == {}
    write(other / "session_index.jsonl", rows[0])
    assert side_titles({"CODEX_HOME": str(other)}, tmp_path)["codex"] == {"a": "first"}


@pytest.mark.parametrize(
    ("setting", "days"),
    [(7, 7.0), (0, 0.0), (99999, 99999.0), (2.5, 2.5), ("7", 30.0), (True, 30.0), (-1, 30.0), (None, 30.0), ([], 30.0)],
)
def test_retention(tmp_path: Path, setting: object, days: float) -> None:
    assert retention_days({}, tmp_path) == {"claude": 30.0}
    write(tmp_path / ".claude" / "settings.json", json.dumps({"cleanupPeriodDays": setting, "model": "x"}).encode())
    assert retention_days({}, tmp_path) == {"claude": days}
    assert retention_days({"CLAUDE_CONFIG_DIR": str(tmp_path / "other")}, tmp_path) == {"claude": 30.0}


@pytest.mark.parametrize("text", [b"", b"not json", b"[]", b"null", b'{"cleanupPeriodDays":1e999}'])
def test_retention_of_broken_settings(tmp_path: Path, text: bytes) -> None:
    write(tmp_path / ".claude" / "settings.json", text)
    assert retention_days({}, tmp_path) == {"claude": 30.0}


def test_deletion_counts_from_the_last_write() -> None:
    assert deleted_at(1_700_000_000_000_000_000, 30) == 1_700_000_000_000 + 30 * 86_400_000


def test_a_folder_of_opentraces_gives_the_transcripts_that_it_keeps(tmp_path: Path) -> None:
    """As opentraces 0.4.13 lays them out; its own records of them are no logs."""
    home = tmp_path / ".opentraces"
    blob = home / "bucket/objects/raw/v1/blobs/d9" / f"{'d9' * 32}.jsonl"
    for path in (blob, home / "projects/x-1/traces/t.jsonl", home / "bucket/contexts/v1/x-1/t/nodes.jsonl"):
        path.parent.mkdir(parents=True)
        path.write_text("{}\n")
    for named in (home, home / "bucket"):
        assert [item.path for item in files_of([named])] == [str(blob)]
    assert [item.path for item in files_of([home / "projects"])] == [str(home / "projects/x-1/traces/t.jsonl")]
