"""Where a bucket may lie, what its files may be read by, and that forgetting leaves nothing."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bucket.logs import Claude, found, picture, session_of, uuid_of
from tracetui.bucket import Bucket, Query, dictionary, location, sessions
from tracetui.bucket.query import matches_session, parse
from tracetui.model import TracetuiError, UnknownId

posix = pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")


@posix
@pytest.mark.parametrize("mask", [0, 0o022, 0o077, 0o277])
def test_private_whatever_the_umask(tmp_path: Path, logs: Path, mask: int) -> None:
    for nth in range(3):
        session_of(uuid_of(nth)).write(logs / f"{nth}.jsonl")
    seen: dict[str, int] = {}

    def look() -> None:
        for folder, folders, files in os.walk(tmp_path / "bucket"):
            for name in (*folders, *files):
                entry = Path(folder) / name
                mode = entry.lstat().st_mode
                seen[str(entry)] = stat.S_IMODE(mode) | (stat.S_IFDIR if stat.S_ISDIR(mode) else 0)

    before = os.umask(mask)
    try:
        with Bucket.open(tmp_path / "bucket", create=True) as bucket:
            bucket.capture(found(logs), lambda _: look(), workers=0)
            bucket.note(uuid_of(1), "private")
            with bucket.temporary() as folder:
                location.write_private(folder / "x", b"secret")
                look()
            look()
    finally:
        os.umask(before)
    assert any(name.endswith("-wal") for name in seen)
    assert any(name.endswith("-shm") for name in seen)
    assert {name: mode for name, mode in seen.items() if mode not in (0o600, 0o700 | stat.S_IFDIR)} == {}
    assert stat.S_IMODE((tmp_path / "bucket").stat().st_mode) == 0o700


@posix
def test_refused_places(tmp_path: Path) -> None:
    real = tmp_path / "real"
    Bucket.open(real, create=True).close()

    def refused(path: Path, word: str) -> None:
        with pytest.raises(TracetuiError, match=word) as caught:
            Bucket.open(path, create=True)
        assert "\n" not in str(caught.value)
        assert caught.value.status == 1

    (tmp_path / "link").symlink_to(real)
    refused(tmp_path / "link", "symbolic link")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    refused(tmp_path / "dangling", "symbolic link")
    real.chmod(0o750)
    refused(real, "read by others")
    real.chmod(0o701)
    refused(real, "read by others")
    real.chmod(0o700)
    (tmp_path / "file").write_text("x")
    refused(tmp_path / "file", "not a folder")
    (tmp_path / "full").mkdir(mode=0o700)
    (tmp_path / "full" / "thesis.txt").write_text("mine")
    refused(tmp_path / "full", "not a bucket")
    assert [entry.name for entry in (tmp_path / "full").iterdir()] == ["thesis.txt"]
    (tmp_path / "work" / "deep").mkdir(parents=True)
    (tmp_path / "work" / ".git").mkdir()
    refused(tmp_path / "work" / "deep" / "bucket", "Git work tree")
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / ".git").write_text("gitdir: elsewhere")
    refused(tmp_path / "linked", "Git work tree")
    assert not (tmp_path / "work" / "deep" / "bucket").exists()
    mark = real / "bucket.json"
    mark.write_text(json.dumps({"format": location.FORMAT + 1}))
    refused(real, "newer")
    mark.write_text("{")
    refused(real, r"bucket\.json")
    with pytest.raises(TracetuiError, match="No bucket"):
        Bucket.open(tmp_path / "none")
    assert not (tmp_path / "none").exists()


@posix
@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root can give files away")
def test_anothers_bucket_is_refused(tmp_path: Path) -> None:
    Bucket.open(tmp_path / "b", create=True).close()
    os.chown(tmp_path / "b", 12345, 12345)
    with pytest.raises(TracetuiError, match="another user"):
        Bucket.open(tmp_path / "b")


def test_an_empty_folder_becomes_a_bucket(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir(mode=0o755)
    with Bucket.open(tmp_path / "b", create=True) as bucket:
        assert bucket.sessions() == []
    assert stat.S_IMODE((tmp_path / "b").stat().st_mode) == 0o700


def test_the_environment_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACETUI_BUCKET", str(tmp_path / "named"))
    with Bucket.open(create=True) as bucket:
        assert bucket.path == tmp_path / "named"


def test_network_file_systems_are_warned_about(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(location, "network_file_system", lambda path: "nfs4")
    with Bucket.open(tmp_path / "b", create=True) as bucket:
        assert len(bucket.warnings) == 1
        assert "nfs4" in bucket.warnings[0]


def test_leftovers_are_swept(bucket: Bucket) -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    (bucket.path / "tmp" / f"{process.pid}-abc").mkdir()
    (bucket.path / "tmp" / f"{process.pid}-abc" / "x").write_text("left")
    (bucket.path / "tmp" / "odd").write_text("left")
    (bucket.path / "tmp" / f"{os.getppid()}-live").mkdir()
    with bucket.temporary() as folder:
        bucket.capture([])
        assert folder.is_dir()
    assert [entry.name for entry in (bucket.path / "tmp").iterdir()] == [f"{os.getppid()}-live"]


def everything(folder: Path) -> bytes:
    """Every byte of the bucket, names too; but for what is the same in every bucket."""
    files = [entry for entry in folder.rglob("*") if entry.is_file()]
    shipped = [entry for entry in files if entry.name == dictionary.NAME]
    assert all(hashlib.sha256(entry.read_bytes()).hexdigest() == dictionary.DIGEST for entry in shipped)
    return b"\0".join(entry.read_bytes() + entry.name.encode() for entry in files if entry not in shipped)


def test_forgetting_leaves_nothing(tmp_path: Path, logs: Path) -> None:
    secret = session_of(uuid_of(0xBEEF), 3)
    secret.prompt("zanzibarquux is the passphrase").message("I will remember zanzibarquux")
    secret.tool("mcp__vault__openflumox", {"name": "grebnitz"}, "shared output\nkroxotal")
    secret.call("Bash", {"command": "echo wimblefrotz"}, "toolu_open")
    secret.write(logs / "secret.jsonl")
    agent = Claude(uuid_of(0xBEEF), 50, "adadadad")
    agent.prompt("the agent knows plonkervane too").write(logs / uuid_of(0xBEEF) / "subagents" / "agent-adadadad.jsonl")
    other = session_of(uuid_of(2), 3)
    other.tool("Bash", {"command": "true"}, "shared output\nand kept").write(logs / "other.jsonl")
    words = "zanzibarquux grebnitz kroxotal wimblefrotz plonkervane openflumox"
    words = [*words.split(), "noteworthy", uuid_of(0xBEEF)]
    with Bucket.open(tmp_path / "bucket", create=True) as bucket:
        bucket.capture(found(logs))
        secret.result("toolu_open", "later snorkwibble")
        secret.write(logs / "secret.jsonl")
        bucket.capture(found(logs))
        shorter = session_of(uuid_of(0xBEEF), 1)
        shorter.prompt("generation two frindlewap").write(logs / "secret.jsonl")
        bucket.capture(found(logs))
        bucket.note(uuid_of(0xBEEF), "noteworthy")
        bucket.put_summary(uuid_of(0xBEEF), "findings", {"open": 3})
        assert len(list(bucket.search("zanzibarquux"))) == 2
        before = {key: value for key, value in picture(bucket).items() if uuid_of(2) in key}
        assert bucket.path.exists()
        held = everything(bucket.path)
        for word in ("noteworthy", uuid_of(0xBEEF), "openflumox"):
            assert word.encode() in held
        (row,) = bucket.forget(uuid_of(0xBEEF)[:8])
        assert row.id == uuid_of(0xBEEF)
        # While it is still open: nothing in the databases, nothing in their logs of changes.
        held = everything(bucket.path)
        for word in [*words, "snorkwibble", "frindlewap"]:
            assert word.encode() not in held, word
            # The full-text index stores words without their beginnings: look for what is left of them.
            assert word[4:].encode() not in held, word
        assert list(bucket.search("zanzibarquux")) == []
        assert picture(bucket) == before
        assert len(list(bucket.search("rate_limit", limit=None))) == 3
        with pytest.raises(UnknownId):
            bucket.session(uuid_of(0xBEEF))
        # It does not come back by itself, not even under another name.
        assert bucket.check(found(logs)) == []
        (logs / "secret.jsonl").rename(logs / "renamed.jsonl")
        bucket.capture(found(logs))
        assert picture(bucket) == before
        assert b"frindlewap" not in everything(bucket.path)
        bucket.rebuild()
        assert picture(bucket) == before
        bucket.capture(found(logs / "renamed.jsonl"), again=True)
        assert bucket.session(uuid_of(0xBEEF)).prompts == 2


def test_forgetting_keeps_what_others_hold(bucket: Bucket, logs: Path) -> None:
    for nth in (1, 2):
        Claude(uuid_of(nth)).tool("Bash", {"command": "ls"}, "held by both").write(logs / f"{nth}.jsonl")
    bucket.capture(found(logs))
    bucket.forget(uuid_of(1))
    assert [hit.session for hit in bucket.search('"held by both"')] == [uuid_of(2)]
    bucket.forget(uuid_of(2))
    assert list(bucket.search("held")) == []
    assert b"held" not in everything(bucket.path)


def test_forgetting_rebuilds_where_a_text_cannot_be_named(
    bucket: Bucket, logs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tracetui.bucket import forget

    session_of(uuid_of(1)).write(logs / "1.jsonl")
    Claude(uuid_of(2)).prompt("gorblimey").write(logs / "2.jsonl")
    bucket.capture(found(logs))
    before = {key: value for key, value in picture(bucket).items() if uuid_of(1) in key}
    monkeypatch.setattr(forget.Forgetting, "_texts", lambda *args: iter(()))
    bucket.forget(uuid_of(2))
    assert picture(bucket) == before
    assert len(list(bucket.search("rate_limit", limit=None))) == 3
    assert b"gorblimey" not in everything(bucket.path)
    assert b"blimey" not in everything(bucket.path)


def test_what_the_user_made_outlives_the_index(tmp_path: Path, logs: Path) -> None:
    path = session_of(uuid_of(1)).write(logs / "1.jsonl")
    folder = tmp_path / "bucket"
    with Bucket.open(folder, create=True) as bucket:
        bucket.capture(found(logs))
        bucket.bookmark(uuid_of(1))
        bucket.note(uuid_of(1), "remember")
        bucket.mark_seen(uuid_of(1))
        bucket.put_summary(uuid_of(1), "findings", {"open": 1, "accepted": 2, "rejected": 0})
        bucket.put_summary(uuid_of(1), "survival", {"alive": 4})
        bucket.set_setting("consent", {"roots": ["/x"]})
    for name in ("index.db", "index.db-wal", "index.db-shm"):
        (folder / name).unlink(missing_ok=True)
    with Bucket.open(folder) as bucket:
        bucket.capture(found(logs))
        row = bucket.session(uuid_of(1))
        assert (row.bookmarked, row.note, row.unread) == (True, "remember", False)
        assert row.findings == {"open": 1, "accepted": 2, "rejected": 0}
        assert row.survival == {"alive": 4}
        assert bucket.setting("consent") == {"roots": ["/x"]}
        assert bucket.setting("nothing") is None
        log = session_of(uuid_of(1))
        log.prompt("news")
        path.write_bytes(log.data)
        bucket.capture(found(logs))
        assert bucket.session(uuid_of(1)).unread
        bucket.mark_seen(uuid_of(1))
        assert not bucket.session(uuid_of(1)).unread
        bucket.bookmark(uuid_of(1), False)
        bucket.note(uuid_of(1), "  ")
        bucket.put_summary(uuid_of(1), "survival", None)
        row = bucket.session(uuid_of(1))
        assert (row.bookmarked, row.note, row.survival) == (False, None, None)


def test_sessions_after_the_bucket_was_made_are_news(bucket: Bucket, logs: Path) -> None:
    Claude(uuid_of(1), start=10**8).prompt("from the future").write(logs / "1.jsonl")
    session_of(uuid_of(2)).write(logs / "2.jsonl")
    bucket.capture(found(logs))
    assert {row.id: row.unread for row in bucket.sessions()} == {uuid_of(1): True, uuid_of(2): False}


@pytest.mark.parametrize(
    "line",
    [
        "",
        "harness:claude",
        "harness:codex",
        "project:limit",
        "project:/home/dev",
        "project:/home/dev/limit",
        "project:dev",
        "-project:limit",
        "has:error",
        "-has:error",
        "has:subagent",
        "has:bookmark has:note",
        "is:bookmarked",
        "is:empty",
        "is:folded",
        "-is:folded",
        "is:subagent",
        "model:sonnet,opus",
        "model:OPUS",
        "title:FIX",
        "id:00000001",
        "branch:ma",
        "has:findings",
        "since:2026-02-02",
        "until:2026-02-02",
        "since:2026-02-01 until:2026-02-03",
    ],
)
def test_filters_say_what_the_query_says_of_rows(bucket: Bucket, logs: Path, line: str) -> None:
    session_of(uuid_of(1), 3).write(logs / "1.jsonl")
    session_of(uuid_of(2), 1, start=200_000).write(logs / "2.jsonl")
    Claude(uuid_of(3), cwd="/srv/other").message("empty").write(logs / "3.jsonl")
    Claude(uuid_of(1), 60, "adadadad").prompt("sub").write(logs / "agent-adadadad.jsonl")
    Claude(uuid_of(4), 60, "bdadadad").prompt("orphan").write(logs / "agent-bdadadad.jsonl")
    bucket.capture(found(logs))
    bucket.bookmark(uuid_of(1))
    bucket.note(uuid_of(1), "n")
    bucket.put_summary(uuid_of(2), "findings", {"open": 1})
    query = parse(line)
    want = [row for row in bucket.sessions() if matches_session(query, row)]
    assert bucket.sessions(query) == want
    assert bucket.count(query) == len(want)


def test_kinds_and_orders_of_lists(bucket: Bucket, logs: Path) -> None:
    for nth in range(6):
        session_of(uuid_of(nth), nth + 1, start=nth * 5000).write(logs / f"{nth}.jsonl")
    Claude(uuid_of(9)).prompt("only").write(logs / "9.jsonl")
    bucket.capture(found(logs))
    every = bucket.sessions()
    assert [row.ended for row in every] == sorted((row.ended for row in every), reverse=True)
    assert [row.id for row in bucket.sessions(limit=2, offset=3)] == [row.id for row in every[3:5]]
    assert len(bucket.sessions(Query.of(kind=("command",)))) == 6
    assert [row.id for row in bucket.sessions(Query.of([("kind", "command")]))] == [uuid_of(9)]
    steps = [row.steps for row in bucket.sessions(sort="steps")]
    assert steps == sorted(steps, reverse=True)
    for sort in sessions.SORTS:
        assert len(bucket.sessions(sort=sort)) == 7
    with pytest.raises(TracetuiError) as caught:
        bucket.sessions(sort="; DROP")
    assert caught.value.status == 2
    assert [row.id for row in bucket.sessions(Query(words=("number", "5")))] == [uuid_of(5)]


def test_listing_is_light() -> None:
    code = (
        "import sys; from tracetui.bucket import Bucket, Query; "
        "b = Bucket.open(sys.argv[1], create=True); b.sessions(); b.close(); "
        "heavy = ('zstandard', 're2', 'multiprocessing', 'subprocess', 'pygit2', 'textual'); "
        "print([name for name in heavy if name in sys.modules])"
    )
    root = Path(__file__).resolve().parents[2]
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-c", code, f"{folder}/b"],
            cwd=root,
            env={**os.environ, "PYTHONPATH": str(root)},
            capture_output=True,
            text=True,
        )
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


@posix
def test_a_bucket_that_cannot_be_written_can_be_read(
    tmp_path: Path, logs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A backup mounted read-only, say. (Root may write anywhere, so the question is answered for it here.)"""
    session_of(uuid_of(1)).write(logs / "1.jsonl")
    folder = tmp_path / "bucket"
    with Bucket.open(folder, create=True) as bucket:
        assert not bucket.read_only
        bucket.capture(found(logs))
        titles = [(row.id, row.title, row.steps) for row in bucket.sessions()]

    def state() -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}

    before = state()
    monkeypatch.setattr("tracetui.bucket.schema.read_only", lambda _: True)
    folder.chmod(0o500)
    try:
        with Bucket.open(folder) as bucket:
            assert any("read-only" in warning for warning in bucket.warnings)
            assert [(row.id, row.title, row.steps) for row in bucket.sessions()] == titles
            assert len(list(bucket.steps(bucket.logs(uuid_of(1))[0]))) == titles[0][2]
            bucket.mark_seen(uuid_of(1))
            bucket.set_setting("x", 1)
            bucket.put_summary(uuid_of(1), "findings", {"open": 1})
            assert bucket.setting("x") is None
            for refused in (
                lambda: bucket.capture(found(logs)),
                lambda: bucket.note(uuid_of(1), "x"),
                lambda: bucket.bookmark(uuid_of(1)),
                lambda: bucket.forget(uuid_of(1)),
                bucket.rebuild,
            ):
                with pytest.raises(TracetuiError, match="read-only"):
                    refused()
        assert state() == before
        folder.chmod(0o700)
        (folder / "index.db").rename(folder / "gone")
        with pytest.raises(TracetuiError, match="read-only and cannot be opened"):
            Bucket.open(folder)
    finally:
        folder.chmod(0o700)


@posix
def test_another_process_that_closes_takes_nothing_from_under_an_open_bucket(tmp_path: Path) -> None:
    """Opening a bucket a second time must not drop the first one's locks on its databases."""
    with Bucket.open(tmp_path / "bucket", create=True) as first, Bucket.open(tmp_path / "bucket") as second:
        first.set_setting("mine", 1)
        second.setting("mine")
        code = (
            "import sys; from pathlib import Path; from tracetui.bucket import Bucket\n"
            "bucket = Bucket.open(Path(sys.argv[1])); bucket.set_setting('theirs', 2); bucket.close()"
        )
        subprocess.run([sys.executable, "-c", code, str(tmp_path / "bucket")], check=True)
        assert first.setting("theirs") == 2
        first.set_setting("later", 3)
    with Bucket.open(tmp_path / "bucket") as again:
        assert [again.setting(name) for name in ("mine", "theirs", "later")] == [1, 2, 3]
