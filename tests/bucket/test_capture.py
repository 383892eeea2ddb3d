from __future__ import annotations

import itertools
import json
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.bucket.logs import Claude, found, picture, session_of, uuid_of
from tests.corpus import CORPUS
from tracetui.bucket import Bucket, capture, ingest
from tracetui.bucket.capture import RunProgress
from tracetui.bucket.copies import CopyReader
from tracetui.harness import HARNESSES
from tracetui.harness.lines import LINE_LIMIT, Splitter, records_of
from tracetui.model import AmbiguousId, LogRow, Record, Step, UnknownId


def streamed(path: Path, harness: str = "claude") -> list[Step]:
    """The steps as a reader gives them that reads the file in one go."""
    reader = HARNESSES[harness].reader(path.stem)
    with path.open("rb") as file:
        for item in records_of(file):
            if isinstance(item, Record):
                reader.feed(item)
    return sorted(reader.take(), key=lambda step: step.number)


def copied(bucket: Bucket, log: LogRow) -> bytes:
    """All bytes that the copy of a log holds."""
    (row,) = [row for row in bucket.accounts.files() if row.log == log.id]
    reader = CopyReader(bucket.path / "copies" / row.copy)
    try:
        return b"".join(reader.chunks())
    finally:
        reader.close()


def test_a_session_is_listed_and_read(bucket: Bucket, logs: Path) -> None:
    path = session_of(uuid_of(1)).write(logs / f"{uuid_of(1)}.jsonl")
    report = bucket.capture(found(logs))
    assert (report.sessions, report.new, report.updated, report.unchanged) == (1, 1, 0, 0)
    assert report.records == 12
    assert report.bytes == path.stat().st_size
    assert report.problems == []
    (row,) = bucket.sessions()
    assert row.id == uuid_of(1)
    assert (row.steps, row.prompts, row.tool_calls, row.errors) == (9, 3, 3, 1)
    assert row.tokens.input == 18
    assert row.tokens.output == 30
    assert row.cwd == "/home/dev/limit"
    assert row.path == str(path)
    assert not row.unread
    (log,) = bucket.logs(row.id)
    want = streamed(path)
    assert list(bucket.steps(log)) == want
    assert bucket.step(log, 6) == want[5]
    rows = bucket.step_rows(log, 2, 4)
    assert [step.number for step in rows] == [2, 3, 4]
    for step, full in zip(bucket.step_rows(log), want, strict=True):
        assert (step.kind, step.key, step.summary, step.time) == (full.kind, full.key, full.summary, full.time)
        assert (step.failed, step.tokens, step.model) == (full.failed, full.tokens, full.model)
    assert bucket.raw(log, want[0].sources[0]) == path.read_bytes().split(b"\n")[want[0].sources[0].line - 1]
    assert len(list(bucket.records(log))) == 12
    second = want[1].sources[0].offset
    assert next(iter(bucket.records(log, second))).source.offset == second
    view = bucket.overview(log)
    assert (len(view.kinds), sum(view.failed), max(view.prompt_tokens)) == (9, 1, 10)


@pytest.mark.corpus
def test_every_file_of_the_corpus_reads_back(tmp_path: Path, bucket: Bucket) -> None:
    files = [file for file in found(CORPUS) if file.size < 400_000]
    bucket.capture(files)
    checked = 0
    for row in bucket.sessions():
        for log in bucket.logs(row.id, row.harness):
            want = streamed(Path(log.path), log.harness)
            stems = Path(log.path).name.removesuffix(".jsonl")
            assert stems
            assert log.steps == len(want)
            for step, full, again in zip(bucket.step_rows(log), want, bucket.steps(log), strict=True):
                assert (step.key, step.kind, step.summary, step.failed) == (
                    full.key,
                    full.kind,
                    full.summary,
                    full.failed,
                )
                assert (again.text, again.tool, again.time, again.sources) == (
                    full.text,
                    full.tool,
                    full.time,
                    full.sources,
                )
                checked += 1
    assert checked > 500
    assert bucket.check(files) == []


@pytest.mark.parametrize("step", [1, 700])
def test_growth_at_any_place_is_as_one_reading(tmp_path: Path, logs: Path, step: int) -> None:
    data = session_of(uuid_of(2), 4).data
    cuts = sorted({*range(0, len(data), len(data) // 17), len(data) - step, len(data)})
    path = logs / "grow.jsonl"
    with Bucket.open(tmp_path / "grown", create=True) as grown:
        for cut in cuts:
            path.write_bytes(data[:cut]) if cut == 0 else _append(path, data[path.stat().st_size : cut])
            grown.capture(found(logs))
            assert grown.check(found(logs)) == []
        with Bucket.open(tmp_path / "whole", create=True) as whole:
            whole.capture(found(logs))
            assert picture(grown) == picture(whole)
        (log,) = grown.logs(uuid_of(2))
        assert [step.tool for step in grown.steps(log)] == [step.tool for step in streamed(path)]
        assert grown.accounts.problems() == []


def _append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def test_growth_reads_only_the_new_bytes(bucket: Bucket, logs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tracetui.bucket import ingest

    log = session_of(uuid_of(3), 3000)
    path = log.write(logs / "big.jsonl")
    bucket.capture(found(logs), workers=0)
    before = len(log.data)
    log.prompt("one more line")
    path.write_bytes(log.data)
    read = 0
    real = ingest.open_log

    class Counting:
        def __init__(self, stream: object) -> None:
            self.stream = stream

        def read(self, size: int = -1) -> bytes:
            nonlocal read
            data: bytes = self.stream.read(size)
            read += len(data)
            return data

        def __getattr__(self, name: str) -> object:
            return getattr(self.stream, name)

    monkeypatch.setattr(ingest, "open_log", lambda name: Counting(real(name)))
    report = bucket.capture(found(logs), workers=0)
    assert (report.updated, report.records, report.bytes) == (1, 1, len(log.data) - before)
    assert 0 < read <= len(log.data) - before + 4096 + 65536
    assert bucket.sessions()[0].steps == 9001


def test_a_torn_last_line_waits(bucket: Bucket, logs: Path) -> None:
    log = session_of(uuid_of(4), 1)
    whole = log.data
    log.prompt("the torn one")
    path = logs / "torn.jsonl"
    path.write_bytes(log.data[:-20])
    report = bucket.capture(found(logs))
    assert (report.records, report.bad_records) == (4, 0)
    assert [problem.reason for problem in bucket.accounts.problems()] == [
        f"unfinished last line of {len(log.data) - 20 - len(whole)} bytes waits for its rest"
    ]
    assert bucket.check(found(logs)) == []
    path.write_bytes(log.data)
    assert bucket.capture(found(logs)).records == 1
    assert bucket.accounts.problems() == []
    assert bucket.step_rows(bucket.logs(uuid_of(4))[0])[-1].summary == "the torn one"


@pytest.mark.parametrize("way", ["shorter", "head", "tail", "inode"])
def test_a_rewritten_file_is_a_new_generation(bucket: Bucket, logs: Path, way: str) -> None:
    old = session_of(uuid_of(5), 40)
    path = old.write(logs / "a.jsonl")
    bucket.capture(found(logs))
    data = old.data
    if way == "shorter":
        new = session_of(uuid_of(5), 2).data.replace(b"fix", b"mend")
    elif way == "head":
        new = data.replace(b"please fix", b"kindly fix", 1) + b"\n"
    elif way == "tail":
        new = data[:-400] + data[-400:].replace(b"passed", b"PASSED") + b"\n"
        assert new[: len(data)] != data
    else:
        new = b"".join(reversed(data.splitlines(keepends=True)))
        path.unlink()
    path.write_bytes(new)
    bucket.capture(found(logs))
    rows = bucket.logs(uuid_of(5))
    assert len(rows) == 2
    assert sorted(row.generation for row in rows) == [0, 1]
    assert [row.shown for row in rows] == [True, False]
    assert rows[0].bytes == max(len(data), len(new))
    assert rows[0].generation == (1 if len(new) >= len(data) else 0)
    for row in rows:
        assert copied(bucket, row) == (data, new)[row.generation]
    assert bucket.check(found(logs)) == []
    assert len(bucket.sessions()) == 1


def test_a_file_that_another_continues_is_one_session(bucket: Bucket, logs: Path) -> None:
    log = session_of(uuid_of(6), 5)
    lines = log.data.splitlines(keepends=True)
    (logs / "short.jsonl").write_bytes(b"".join(lines[:8]))
    (logs / "long.jsonl").write_bytes(b"".join(lines))
    report = bucket.capture(found(logs))
    assert report.sessions == 1
    (row,) = bucket.sessions()
    assert row.steps == 15
    assert row.bytes == len(log.data)
    shown = [item for item in bucket.logs(row.id) if item.shown]
    assert [os.path.basename(item.path) for item in shown] == ["long.jsonl"]


def test_of_two_files_of_one_identity_the_longer_is_shown(bucket: Bucket, logs: Path) -> None:
    session_of(uuid_of(7), 2).write(logs / "a.jsonl")
    other = Claude(uuid_of(7), 500)
    for nth in range(20):
        other.prompt(f"something else {nth}")
    other.write(logs / "b.jsonl")
    bucket.capture(found(logs))
    (row,) = bucket.sessions()
    assert row.prompts == 20
    rows = bucket.logs(row.id)
    assert [(os.path.basename(item.path), item.shown) for item in rows] == [("b.jsonl", True), ("a.jsonl", False)]
    assert {item.generation for item in rows} == {0, 1}
    grown = session_of(uuid_of(7), 60)
    grown.write(logs / "a.jsonl")
    bucket.capture(found(logs))
    assert bucket.sessions()[0].prompts == 60


def test_subagents_belong_to_their_parent_and_orphans_too(bucket: Bucket, logs: Path) -> None:
    main = session_of(uuid_of(8), 2)
    main.write(logs / f"{uuid_of(8)}.jsonl")
    for agent in ("a1b2c3d4", "b1b2c3d4"):
        log = Claude(uuid_of(8), 100, agent)
        log.prompt("look around").tool("Read", {"file_path": "/x"}, "nothing", error=True)
        log.write(logs / uuid_of(8) / "subagents" / f"agent-{agent}.jsonl")
    orphan = Claude(uuid_of(9), 200, "c1b2c3d4")
    orphan.prompt("alone").message("yes")
    orphan.write(logs / "agent-c1b2c3d4.jsonl")
    bucket.capture(found(logs))
    row = bucket.session(uuid_of(8))
    assert (row.subagents, row.steps, row.prompts, row.tool_calls, row.errors) == (2, 10, 4, 4, 3)
    assert [log.agent for log in bucket.logs(row.id)] == [None, "a1b2c3d4", "b1b2c3d4"]
    lone = bucket.session(uuid_of(9))
    assert (lone.log, lone.folded, lone.subagents) == (None, "subagent", 1)


def test_a_moved_file_keeps_its_log(bucket: Bucket, logs: Path) -> None:
    log = session_of(uuid_of(10), 2)
    path = log.write(logs / "here.jsonl")
    bucket.capture(found(logs))
    (logs / "archive").mkdir()
    path.rename(logs / "archive" / "there.jsonl")
    log.prompt("after the move")
    _append(logs / "archive" / "there.jsonl", log.lines[-1] + b"\n")
    report = bucket.capture(found(logs))
    assert (report.new, report.updated, report.records) == (0, 1, 1)
    (row,) = bucket.sessions()
    assert row.path == str(logs / "archive" / "there.jsonl")
    assert not row.gone
    before = picture(bucket)
    bucket.rebuild()
    assert picture(bucket) == before
    assert bucket.check(found(logs)) == []


def test_a_deleted_log_stays(bucket: Bucket, logs: Path) -> None:
    path = session_of(uuid_of(11)).write(logs / "x.jsonl")
    session_of(uuid_of(12)).write(logs / "y.jsonl")
    bucket.capture(found(logs))
    path.unlink()
    bucket.capture(found(logs))
    gone = {row.id: row.gone for row in bucket.sessions()}
    assert gone == {uuid_of(11): True, uuid_of(12): False}
    (log,) = bucket.logs(uuid_of(11))
    assert bucket.step(log, 1).text == f"please fix rate_limit number 0 of {uuid_of(11)}"
    path.write_bytes(session_of(uuid_of(11)).data)
    bucket.capture(found(logs))
    assert not any(row.gone for row in bucket.sessions())


def test_bad_files_are_problems_and_the_rest_goes_on(bucket: Bucket, logs: Path) -> None:
    (logs / "empty.jsonl").write_bytes(b"")
    (logs / "garbage.jsonl").write_bytes(os.urandom(5000))
    (logs / "other.jsonl").write_bytes(b'{"hello":"world"}\n' * 100)
    half = session_of(uuid_of(13), 2)
    half.lines.insert(3, b"{not json")
    half.lines.insert(5, b"\0" * 64)
    half.lines.insert(6, half.lines[0] + half.lines[1])
    half.write(logs / "half.jsonl")
    locked = session_of(uuid_of(14)).write(logs / "locked.jsonl")
    files = found(logs)
    locked.unlink()
    report = bucket.capture(files)
    reasons = {os.path.basename(path): reason for path, line, reason in report.problems if not line}
    assert set(reasons) == {"empty.jsonl", "garbage.jsonl", "other.jsonl", "locked.jsonl"}
    assert reasons["empty.jsonl"] == "empty file"
    splitter = Splitter()
    splitter.feed((logs / "half.jsonl").read_bytes())
    assert report.bad_records == splitter.bad > 0
    assert report.records == 10
    assert [row.id for row in bucket.sessions()] == [uuid_of(13)]
    assert bucket.check([file for file in files if "locked" not in file.path]) == []
    (logs / "empty.jsonl").write_bytes(session_of(uuid_of(15)).data)
    assert bucket.capture(found(logs)).new == 1
    assert "empty.jsonl" not in {os.path.basename(problem.path) for problem in bucket.accounts.problems()}
    assert not list((bucket.path / "copies").glob("*/*other*"))
    assert len(list((bucket.path / "copies").glob("*/*.zst"))) == 2


def test_a_reader_that_breaks_ends_only_its_log(bucket: Bucket, logs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session_of(uuid_of(16)).write(logs / "good.jsonl")
    session_of(uuid_of(17)).write(logs / "bad.jsonl")
    from tracetui.harness.claude import reader as module

    name = "ClaudeReader" if hasattr(module, "ClaudeReader") else "Reader"
    kind = getattr(module, name)
    real = kind.feed

    def feed(self: object, record: Record) -> None:
        if record.value.get("sessionId") == uuid_of(17) and record.source.line > 2:
            raise RecursionError
        real(self, record)

    monkeypatch.setattr(kind, "feed", feed)
    report = bucket.capture(found(logs), workers=0)
    assert [(os.path.basename(path), reason) for path, _, reason in report.problems] == [
        ("bad.jsonl", "reading failed (RecursionError)")
    ]
    assert [row.id for row in bucket.sessions()] == [uuid_of(16)]


def test_hostile_ids_are_addressed_by_another(bucket: Bucket, logs: Path) -> None:
    log = Claude("../../etc/passwd\x1b[31m")
    log.prompt("hello").message("there")
    log.write(logs / "x.jsonl")
    bucket.capture(found(logs))
    (row,) = bucket.sessions()
    assert row.id.startswith("x-")
    assert len(row.id) == 18
    assert bucket.session(row.id[:6]).id == row.id


def test_prefixes(bucket: Bucket, logs: Path) -> None:
    for nth in (0xABCD0001, 0xABCD0002, 0xFFFF0001):
        session_of(uuid_of(nth)).write(logs / f"{nth}.jsonl")
    bucket.capture(found(logs))
    assert bucket.session("ffff").id == uuid_of(0xFFFF0001)
    assert bucket.session(uuid_of(0xABCD0001)).id == uuid_of(0xABCD0001)
    with pytest.raises(AmbiguousId) as caught:
        bucket.session("abcd")
    assert set(caught.value.candidates) == {uuid_of(0xABCD0001), uuid_of(0xABCD0002)}
    for bad in ("fff", "zzzz", "", "a%", "_bcd"):
        with pytest.raises(UnknownId):
            bucket.session(bad)


def test_an_oversize_line_keeps_its_copy(bucket: Bucket, logs: Path) -> None:
    log = session_of(uuid_of(18), 1)
    log.tool("Read", {"file_path": "/big"}, "y" * (LINE_LIMIT + 100))
    log.prompt("after it")
    path = log.write(logs / "big.jsonl")
    bucket.capture(found(logs))
    (row,) = bucket.logs(uuid_of(18))
    assert row.records == 7
    assert bucket.step_rows(row)[-1].summary == "after it"
    step = bucket.step(row, 4)
    assert step.key == bucket.step_rows(row, 4, 4)[0].key
    assert any("MiB" in problem.reason for problem in bucket.accounts.problems())
    assert copied(bucket, row) == path.read_bytes()


def test_readers_apart_and_here_make_the_same_index(tmp_path: Path, logs: Path) -> None:
    for nth in range(12):
        log = session_of(uuid_of(100 + nth), 5 + nth * 10, start=nth * 1000)
        log.tool("Read", {"file_path": "/n"}, "noise " * 100_000)
        log.write(logs / f"{nth}.jsonl")
    with Bucket.open(tmp_path / "a", create=True) as apart, Bucket.open(tmp_path / "b", create=True) as here:
        told: list[RunProgress] = []
        report = apart.capture(found(logs), told.append, workers=2)
        other = here.capture(found(logs), workers=0)
        assert picture(apart) == picture(here)
        assert (report.records, report.bytes, report.new) == (other.records, other.bytes, other.new)
        assert told[-1].files_done == told[-1].files == 12 or told[-1].phase == "pack"
        assert [p.records for p in told] == sorted(p.records for p in told)


def test_one_long_log_counts_as_it_is_read(bucket: Bucket, logs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else its bar would stand at 0 % until the end, when ``open`` reads the rest of a log too."""
    monkeypatch.setattr(capture, "time", SimpleNamespace(monotonic=itertools.count().__next__, time_ns=lambda: 0))
    monkeypatch.setattr(ingest, "_PART", 0)
    path = logs / "long.jsonl"
    log = Claude(uuid_of(0)).prompt("long")
    for nth in range(40):
        log.message(f"{nth} " * 100_000)
    size = log.write(path).stat().st_size
    seen: list[RunProgress] = []
    bucket.capture(found(logs), seen.append, workers=0)
    done = [state.bytes_done for state in seen]
    assert done == sorted(done)
    assert len({byte for byte in done if 0 < byte < size}) > 3
    assert done[-1] == size == seen[-1].bytes
    for _ in range(20):
        log.message("more " * 100_000)
    grown = log.write(path).stat().st_size - size
    seen.clear()
    bucket.capture(found(logs), seen.append, workers=0)
    done = [state.bytes_done for state in seen]
    assert any(0 < byte < grown for byte in done)
    assert done[-1] == grown == seen[-1].bytes


def test_cancelling_keeps_what_is_there(bucket: Bucket, logs: Path) -> None:
    for nth in range(30):
        log = session_of(uuid_of(200 + nth), 3, start=nth * 1000)
        log.tool("Read", {"file_path": "/n"}, "noise " * 60_000)
        log.write(logs / f"{nth}.jsonl")
    calls = itertools.count()
    report = bucket.capture(found(logs), cancelled=lambda: next(calls) > 3, workers=1)
    assert report.cancelled
    assert len(bucket.sessions()) < 30
    report = bucket.capture(found(logs))
    assert len(bucket.sessions()) == 30
    assert not report.cancelled
    assert sum(row.steps for row in bucket.sessions()) == 300


def test_the_index_is_rebuilt_from_the_copies_alone(tmp_path: Path, logs: Path) -> None:
    for nth in range(6):
        session_of(uuid_of(300 + nth), 3 + nth, start=nth * 500).write(logs / f"{nth}.jsonl")
    path = tmp_path / "bucket"
    with Bucket.open(path, create=True) as bucket:
        bucket.capture(found(logs))
        grown = session_of(uuid_of(300), 9)
        grown.write(logs / "0.jsonl")
        session_of(uuid_of(301), 1).write(logs / "1.jsonl")
        bucket.capture(found(logs))
        bucket.bookmark(uuid_of(302))
        bucket.note(uuid_of(303), "look again")
        before = picture(bucket)
        hits = [(hit.session, hit.step) for hit in bucket.search("rate_limit", limit=None)]
        files = found(logs)
    for entry in logs.iterdir():
        entry.unlink()
    for name in ("index.db", "index.db-wal", "index.db-shm"):
        (path / name).unlink(missing_ok=True)
    with Bucket.open(path) as bucket:
        assert bucket.sessions() == []
        report = bucket.capture([])
        assert report.recovered == 7
        after = picture(bucket)
        for key, _ in after.values():
            key["gone"] = False
        assert after == before
        assert [(hit.session, hit.step) for hit in bucket.search("rate_limit", limit=None)] == hits
        assert bucket.check(files) == []


def test_a_broken_index_is_thrown_away_and_a_broken_user_db_is_not(tmp_path: Path, logs: Path) -> None:
    from tracetui.model import TracetuiError

    session_of(uuid_of(400)).write(logs / "0.jsonl")
    path = tmp_path / "bucket"
    with Bucket.open(path, create=True) as bucket:
        bucket.capture(found(logs))
        before = picture(bucket)
    (path / "index.db").write_bytes(b"no database" * 1000)
    with Bucket.open(path) as bucket:
        bucket.capture(found(logs))
        assert picture(bucket) == before
    (path / "user.db").write_bytes(b"no database" * 1000)
    with pytest.raises(TracetuiError, match=r"user\.db"):
        Bucket.open(path)
    assert (path / "user.db").read_bytes().startswith(b"no database")


def test_small_frames_of_idle_logs_are_packed(bucket: Bucket, logs: Path) -> None:
    log = Claude(uuid_of(500))
    path = logs / "x.jsonl"
    for nth in range(10):
        log.prompt(f"prompt {nth} " + "word " * 50)
        path.write_bytes(log.data)
        bucket.capture(found(logs))
    (copy,) = (bucket.path / "copies").glob("*/*.zst")
    size = copy.stat().st_size
    os.utime(path, (1_700_000_000, 1_700_000_000))
    before = picture(bucket)
    bucket.capture(found(logs))
    assert copy.stat().st_size < size / 2
    assert picture(bucket) == before
    log.prompt("and on it goes")
    path.write_bytes(log.data)
    assert bucket.capture(found(logs)).records == 1
    assert [step.text for step in bucket.steps(bucket.logs(uuid_of(500))[0])] == [step.text for step in streamed(path)]


def test_compressed_logs_are_copied_decompressed(bucket: Bucket, logs: Path) -> None:
    import zstandard

    log = session_of(uuid_of(600), 30)
    path = logs / "x.jsonl.zst"
    path.write_bytes(zstandard.compress(log.data))
    bucket.capture(found(logs))
    log.prompt("more of it")
    path.write_bytes(zstandard.compress(log.data))
    report = bucket.capture(found(logs))
    assert (report.updated, report.records) == (1, 1)
    (row,) = bucket.logs(uuid_of(600))
    assert row.bytes == len(log.data)
    assert row.steps == 91


def test_folding(bucket: Bucket, logs: Path) -> None:
    Claude(uuid_of(700)).message("only an answer").write(logs / "a.jsonl")
    session_of(uuid_of(701)).write(logs / "b.jsonl")
    bucket.capture(found(logs))
    assert {row.id: row.folded for row in bucket.sessions()} == {uuid_of(700): "empty", uuid_of(701): None}


def test_verify_compares_copies_with_logs(bucket: Bucket, logs: Path) -> None:
    for nth in range(3):
        session_of(uuid_of(800 + nth), 30).write(logs / f"{nth}.jsonl")
    bucket.capture(found(logs))
    assert list(bucket.verify()) == []
    data = (logs / "1.jsonl").read_bytes()
    (logs / "1.jsonl").write_bytes(data.replace(b"rate_limit number 7", b"RATE_LIMIT number 7", 1))
    row = next(row for row in bucket.accounts.files() if row.path.endswith("2.jsonl"))
    copy = bucket.path / "copies" / row.copy
    raw = bytearray(copy.read_bytes())
    raw[-10] ^= 0xFF
    copy.write_bytes(raw)
    wrong = {os.path.basename(fault.file.path): fault.reason for fault in bucket.verify() if fault.file}
    assert set(wrong) == {"1.jsonl", "2.jsonl"}
    assert "damaged" in wrong["2.jsonl"]


def test_stats(bucket: Bucket, logs: Path) -> None:
    path = session_of(uuid_of(900)).write(logs / "a.jsonl")
    Claude(uuid_of(901)).prompt("no tools").write(logs / "b.jsonl")
    bucket.capture(found(logs))
    stats = bucket.stats({"claude": 30})
    assert json.loads(json.dumps(stats)) == stats
    assert (stats["sessions"], stats["steps"], stats["records"]) == (2, 10, 13)
    assert stats["by_harness"]["claude"]["with_tools"] == 1
    assert stats["by_harness"]["claude"]["files"] == 2
    assert stats["bytes_logs"] == path.stat().st_size + (logs / "b.jsonl").stat().st_size
    assert stats["at_risk"] == 0
    os.utime(path, (1_700_000_000, 1_700_000_000))
    bucket.capture(found(logs))
    assert bucket.stats({"claude": 30})["at_risk"] == 1
    assert bucket.stats()["at_risk"] == 0, "who keeps its logs deletes none"


def test_titles_kept_apart(bucket: Bucket, logs: Path) -> None:
    session_of(uuid_of(950)).write(logs / "a.jsonl")
    bucket.capture(found(logs))
    bucket.put_titles({uuid_of(950): "A better name", "other": "unknown"}, "claude")
    assert bucket.sessions()[0].title == "A better name"
