"""Sessions in other programs' databases and documents: copied record by record, the owner's folder left as it is."""

from __future__ import annotations

import json
import os
import sqlite3
from pathlib import Path
from typing import Any

import pygit2
import pytest

from tests.harness.opencode_logs import SESSION, START, Session, database, story, tool
from tracetui.bucket import Bucket
from tracetui.bucket.changes import RunReport
from tracetui.harness import HARNESSES
from tracetui.harness import database as sqlite
from tracetui.harness.roots import LogFile, discover, files_of

OTHER = "ses_1f00aa11bb33KkLlMmNnOoPpQq"


@pytest.fixture
def bucket(tmp_path: Path) -> Any:
    with Bucket.open(tmp_path / "bucket", create=True) as made:
        yield made


def capture(bucket: Bucket, *paths: Path) -> RunReport:
    return bucket.capture([file for file in files_of(paths) if isinstance(file, LogFile)], workers=0)


def looks(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    found = sorted(path for path in folder.iterdir() if path.is_file())
    return {path.name: (path.stat().st_size, path.stat().st_mtime_ns, path.read_bytes()) for path in found}


def age(path: Path) -> None:
    """Make a database look as if nobody had written to it lately."""
    os.utime(path, ns=(START * 1_000_000, START * 1_000_000))


@pytest.mark.parametrize("wal", [False, True])
def test_each_session_of_a_database_is_a_log(tmp_path: Path, bucket: Bucket, wal: bool) -> None:
    path = tmp_path / "data" / "opencode.db"
    db = database(path, story(), story(OTHER), wal=wal)
    if not wal:
        db.close()
        age(path)
    before = looks(path.parent)
    assert wal == ("opencode.db-wal" in before)
    report = capture(bucket, path)
    assert (report.new, report.problems, report.bad_records) == (2, [], 0)
    assert looks(path.parent) == before  # no -shm, no byte, no time changed
    rows = {row.id: row for row in bucket.sessions()}
    assert set(rows) == {SESSION, OTHER}
    assert rows[SESSION].steps == 10
    assert rows[SESSION].path == f"{path}/{SESSION}"
    assert not rows[SESSION].gone
    assert capture(bucket, path).records == 0
    assert bucket.check([file for file in files_of([path]) if isinstance(file, LogFile)]) == []
    assert not list((bucket.path / "tmp").iterdir())
    db.close()


def test_a_database_is_not_locked_while_it_is_read(tmp_path: Path, bucket: Bucket) -> None:
    path = tmp_path / "data" / "opencode.db"
    db = database(path, story(), wal=True)
    db.execute("BEGIN EXCLUSIVE")  # its owner writes meanwhile
    db.execute("DELETE FROM part")
    assert capture(bucket, path).new == 1
    assert next(iter(bucket.sessions())).steps == 10
    db.execute("ROLLBACK")
    db.close()


def test_a_changed_record_is_a_new_version_and_no_new_generation(tmp_path: Path, bucket: Bucket) -> None:
    path = tmp_path / "data" / "opencode.db"
    made = Session()
    made.ask("Look.")
    made.assistant(tool("bash", {"command": "ls"}, None, "call_1"))
    db = database(path, made, wal=True)
    capture(bucket, path)
    (log,) = bucket.logs(SESSION)
    first = bucket.step(log, 2)
    assert first.tool is not None
    assert first.tool.output is None
    made.messages[1]["parts"][1]["state"] |= {"status": "completed", "output": "a.txt\n", "metadata": {"exit": 0}}
    made.assistant({"type": "text", "text": "One file."})
    made.put(db)
    report = capture(bucket, path)
    assert (report.updated, report.records) == (
        1,
        6,
    )  # the session, the call's new version, a message with its three parts
    (log,) = bucket.logs(SESSION)
    steps = list(bucket.steps(log))
    assert [(step.number, step.kind) for step in steps] == [(1, "prompt"), (2, "command"), (3, "message")]
    assert steps[1].tool is not None
    assert steps[1].tool.output == "a.txt\n"
    assert steps[1].sources[0] == first.sources[0]
    assert log.generation == 0
    # A message that its owner took away is said to be gone; what it did stays.
    last = made.messages.pop()["info"]["id"]
    made.now += 1000
    db.execute("DELETE FROM part WHERE message_id=?", (last,))
    db.execute("DELETE FROM message WHERE id=?", (last,))
    made.put(db)
    capture(bucket, path)
    (log,) = bucket.logs(SESSION)
    assert [record.value["type"] for record in bucket.records(log)][-4:] == ["message.removed"] + [
        "message.part.removed"
    ] * 3
    assert log.steps == 3
    assert capture(bucket, path).records == 0
    db.close()


def test_a_session_that_left_its_database_is_gone_and_kept(tmp_path: Path, bucket: Bucket) -> None:
    path = tmp_path / "data" / "opencode.db"
    db = database(path, story(), story(OTHER), wal=True)
    capture(bucket, path)
    db.execute("DELETE FROM session WHERE id=?", (OTHER,))
    capture(bucket, path)
    assert {row.id: row.gone for row in bucket.sessions()} == {SESSION: False, OTHER: True}
    db.close()


def test_only_wanted_folders_are_taken(tmp_path: Path, bucket: Bucket) -> None:
    path = tmp_path / "data" / "opencode.db"
    database(path, story(), Session(OTHER, "/home/ana/secret")).close()
    files = [file for file in files_of([path]) if isinstance(file, LogFile)]
    bucket.capture(files, workers=0, wanted=lambda folder: folder != "/home/ana/secret")
    assert [row.id for row in bucket.sessions()] == [SESSION]
    bucket.capture(files, workers=0)
    assert len(bucket.sessions()) == 2


def test_other_tables_never_reach_the_bucket(tmp_path: Path, bucket: Bucket) -> None:
    path = tmp_path / "data" / "opencode.db"
    db = database(path, story())
    db.execute("INSERT INTO account VALUES('ana', 'token-that-must-not-leave')")
    db.close()
    capture(bucket, path)
    (log,) = bucket.logs(SESSION)
    assert all(b"token-that-must-not-leave" not in bucket.raw(log, r.source) for r in bucket.records(log))


def test_a_hostile_or_broken_database_is_one_line(tmp_path: Path, bucket: Bucket) -> None:
    data = tmp_path / "data"
    database(data / "a.db", story()).close()
    whole = (data / "a.db").read_bytes()
    (data / "torn.db").write_bytes(whole[: len(whole) // 2])
    (data / "junk.db").write_bytes(b"SQLite format 3\0" + b"\xff" * 4000)
    (data / "text.db").write_bytes(b"hello")
    with sqlite3.connect(data / "view.db") as db:
        db.execute("CREATE TABLE message(id, session_id, data)")
        db.execute("CREATE TABLE part(id, message_id, data)")
        db.execute("CREATE VIEW session AS SELECT 'ses_x' AS id, load_extension('/x') AS directory, 1 AS time_updated")
    db.close()
    report = capture(bucket, *sorted(data.iterdir()))
    assert [row.id for row in bucket.sessions()] == [SESSION]
    assert {Path(path).name for path, _, _ in report.problems} >= {"junk.db", "text.db", "view.db"}
    assert all("\n" not in reason for _, _, reason in report.problems)


def test_a_database_that_never_rests_is_left_to_the_next_run(
    tmp_path: Path, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "data" / "opencode.db"
    database(path, story()).close()
    copy = sqlite._duplicate

    def disturbed(source: str, target: str) -> None:
        copy(source, target)
        with open(path, "r+b") as stream:
            stream.write(b"S")

    monkeypatch.setattr(sqlite, "_duplicate", disturbed)
    monkeypatch.setattr(sqlite.time, "sleep", lambda seconds: None)
    report = capture(bucket, path)
    assert bucket.sessions() == []
    assert len(report.problems) == 1
    monkeypatch.undo()
    assert capture(bucket, path).new == 1


def test_a_document_that_is_written_anew_grows(tmp_path: Path, bucket: Bucket) -> None:
    made = story()
    path = made.export(tmp_path / f"{SESSION}.json")
    assert capture(bucket, path).new == 1
    made.ask("And now?")
    made.assistant({"type": "text", "text": "Now is done."})
    made.export(path)
    report = capture(bucket, path)
    assert (report.updated, report.records) == (1, 6)
    (log,) = bucket.logs(SESSION)
    assert (log.generation, log.steps) == (0, 12)
    path.write_text(json.dumps({"info": made.info, "messages": made.messages})[:900])  # half written
    report = capture(bucket, path)
    assert len(report.problems) == 1
    (log,) = bucket.logs(SESSION)
    assert log.steps == 12


def test_the_index_is_rebuilt_from_the_copies(tmp_path: Path, bucket: Bucket) -> None:
    path = tmp_path / "data" / "opencode.db"
    database(path, story(), story(OTHER)).close()
    capture(bucket, path)
    before = [(row.id, row.steps, row.path) for row in bucket.sessions()]
    bucket.rebuild()
    assert [(row.id, row.steps, row.path) for row in bucket.sessions()] == before
    assert capture(bucket, path).records == 0


def test_the_roots_find_databases_and_trees(tmp_path: Path, bucket: Bucket) -> None:
    data = tmp_path / ".local/share/opencode"
    database(data / "opencode.db", story(OTHER)).close()
    (data / "snapshot" / "x").mkdir(parents=True)
    (data / "snapshot" / "x" / "opencode.db").write_bytes(b"")  # folders below are not walked
    made = story()
    made.tree(data / "storage")
    found = list(discover({}, tmp_path))
    assert sorted(Path(file.path).name for file in found) == ["opencode.db", f"{SESSION}.json"]
    bucket.capture(found, workers=0)
    assert {row.id for row in bucket.sessions()} == {SESSION, OTHER}
    made.ask("And?")
    made.tree(data / "storage")
    assert [Path(file.path).name for file in bucket.check(discover({}, tmp_path))] == [f"{SESSION}.json"]


def test_snapshots_tell_the_text_before(tmp_path: Path, bucket: Bucket) -> None:
    data = tmp_path / "data"
    git = pygit2.init_repository(str(data / "snapshot" / "9f3c" / "5d41"), bare=True)
    builder = git.TreeBuilder()
    builder.insert("NOTES.md", git.create_blob(b"# Old notes\n"), pygit2.enums.FileMode.BLOB)
    tree = str(builder.write())
    made = Session()
    made.ask("Write the notes anew.")
    given = {"filePath": "/home/ana/tally/NOTES.md", "content": "# Notes\n"}
    call = tool("write", given, "Wrote file.", "call_1", metadata={"exists": True})
    made.assistant({"type": "step-start", "snapshot": tree}, call)
    database(data / "opencode.db", made).close()
    before = looks(data / "snapshot" / "9f3c" / "5d41")
    capture(bucket, data / "opencode.db")
    assert looks(data / "snapshot" / "9f3c" / "5d41") == before
    (log,) = bucket.logs(SESSION)
    step = bucket.step(log, 2)
    (edit,) = HARNESSES["opencode"].edits(step, bucket.records_of(log, step.sources))
    assert (edit.op, edit.before, edit.after) == ("update", "# Old notes\n", "# Notes\n")
    assert capture(bucket, data / "opencode.db").records == 0
