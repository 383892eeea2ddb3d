"""From a session on one machine to a verdict on another."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from tests.capsule.conftest import Cli
from tests.capsule.story import MENDED, SESSION, TEST, TEST_2, Log, Machine, git
from tests.sandbox.test_sandbox import needs_sandbox


def entries(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def lines(data: bytes) -> list[dict[str, object]]:
    return [json.loads(line) for line in data.splitlines()]


def test_the_gate_stands_before_the_seal(cli: Cli, there: Machine, tmp_path: Path) -> None:
    assert cli("index", there.log, home=there.home).status == 0
    target = tmp_path / "x.capsule.zip"
    done = cli("seal", SESSION, "-o", target, home=there.home)
    assert done.status == 1
    assert "open" in done.err
    assert there.secret not in done.err
    assert not target.exists()
    assert list(tmp_path.glob(".tracetui*")) == []


def test_what_is_in_it(sealed: Path, there: Machine, cli: Cli) -> None:
    found = entries(sealed)
    manifest = json.loads(found["manifest.json"])
    assert set(found) == {
        "README.md", "transcript.md", "manifest.json", "records/001.jsonl", "steps.jsonl", "trail.jsonl", "ctx.jsonl",
        "patches/0001.patch", "patches/0002.patch", "checks.json",
    }  # fmt: skip
    assert {item["name"] for item in manifest["entries"]} == set(found) - {"manifest.json"}
    assert manifest["format"] == "tracetui.capsule.v2"
    base = manifest["repository"]["base"]
    assert (base["commit"], base["how"], base["matched"], base["files"]) == (there.base, "inferred", 2, 2)
    assert (base["pushed"], base["start"]) == (True, there.base)
    assert manifest["repository"]["survival_at"] == there.mended
    assert manifest["environment"]["dependencies"] == [
        {"ecosystem": "python", "name": "six", "version": "1.16.0", "file": "requirements.txt"}
    ]
    assert manifest["redactions"]
    assert sealed.stat().st_mode & 0o777 == 0o600
    shown = cli("show", SESSION, "--json", home=there.home).lines
    steps = lines(found["steps.jsonl"])
    assert [step["step"] for step in steps] == [step["step"] for step in shown]
    assert [step["kind"] for step in steps] == [step["kind"] for step in shown]
    assert [set(step) for step in steps] == [set(step) for step in shown]
    records = found["records/001.jsonl"].splitlines()
    for step in steps:
        source = step["source"]
        assert isinstance(source, dict)
        assert source["path"] == "records/001.jsonl"
        assert json.loads(records[source["line"] - 1])["type"] in ("user", "assistant")
    trail = cli("trail", SESSION, "--json", home=there.home).lines
    assert [line["hunk"] for line in lines(found["trail.jsonl"])] == [line["hunk"] for line in trail]
    (check,) = json.loads(found["checks.json"])
    assert check["command"] == "cd {root} && python3 -m unittest discover -s tests"
    assert (check["exit_code"], check["folder"]) == (1, "")
    assert check["line"] == "AssertionError: 'ab' != 'abc'"
    assert check["main"] is True
    assert check["signature"] == {
        "runner": "unittest",
        "tests": [{"id": "test_chop.ChopTest.test_whole", "error": "'ab' != 'abc'"}],
        "lines": [],
    }


def test_nothing_of_the_machine_is_left(sealed: Path, there: Machine) -> None:
    raw = sealed.read_bytes()
    for name, data in {**entries(sealed), "the file": raw}.items():
        assert there.secret.encode() not in data, name
        assert there.secret[4:16].encode() not in data, name
        assert b"annabella" not in data, name


def test_context_is_told_without_repeating_it(sealed: Path) -> None:
    found = lines(entries(sealed)["ctx.jsonl"])
    segments = [line for line in found if "category" in line]
    calls = [line for line in found if "call" in line]
    assert [line["segment"] for line in segments] == list(range(1, len(segments) + 1))
    assert len(calls) == 7
    known = len(segments)
    for call in calls:
        runs = call["segments"]
        assert isinstance(runs, list)
        assert runs
        for item in runs:
            first, last = item if isinstance(item, list) else (item, item)
            assert 1 <= first <= last <= known


def test_the_same_episode_gives_the_same_bytes(sealed: Path, there: Machine, cli: Cli, tmp_path: Path) -> None:
    again = tmp_path / "again.capsule.zip"
    done = cli("seal", SESSION, "-o", again, "--json", home=there.home)
    assert again.read_bytes() == sealed.read_bytes()
    (told,) = done.lines
    (report,) = cli("verify", again, "--json").lines
    assert {key: told[key] for key in report} == report


def test_verify_says_what_it_knows(sealed: Path, cli: Cli) -> None:
    done = cli("verify", sealed, "--json")
    (report,) = done.lines
    assert done.status == 0
    assert report["ok"] is True
    assert (report["signature"], report["signer"], report["problems"]) == ("none", None, [])
    assert report["bytes"] == sealed.stat().st_size
    assert report["steps"] == 9
    assert "maker unknown" in cli("verify", sealed).out
    data = bytearray(sealed.read_bytes())
    data[len(data) // 2] ^= 1
    sealed.write_bytes(data)
    done = cli("verify", sealed)
    assert done.status == 1
    assert done.err.count("\n") == 1
    assert cli("verify", sealed, "--json").lines[0]["ok"] is False


@needs_sandbox
def test_the_verdict_flips_on_another_machine(sealed: Path, there: Machine, cli: Cli, tmp_path: Path) -> None:
    here = tmp_path / "here"
    here.mkdir()
    git(here, "clone", "-q", str(there.origin), "clone")
    clone = here / "clone"
    before = git(clone, "status", "--porcelain"), git(clone, "for-each-ref"), sorted(clone.rglob("*"))
    digest = cli("verify", sealed, "--json").lines[0]["digest"]
    refused = cli("replay", sealed, "--repo", clone, home=here / "home")
    assert refused.status == 1
    assert digest in refused.err
    assert "unittest" in refused.err
    assert cli("replay", sealed, "--repo", clone, "--agree", "0" * 64, home=here / "home").status == 1
    for revision, verdict in (
        (None, "reproduces"),
        (there.broken, "reproduces"),
        ("main", "fixed"),
        (there.base, "reproduces"),
    ):
        words = [] if revision is None else ["--at", revision]
        done = cli("replay", sealed, "--repo", clone, "--agree", "ours", "--json", *words, home=here / "home")
        check, whole = done.lines
        assert (check["verdict"], whole["verdict"]) == (verdict, verdict), (revision, done.out, done.err)
        assert done.status == 0
        assert whole["check"] is None
        assert check["at"] == (there.base if revision is None else git(clone, "rev-parse", revision))
    assert (git(clone, "status", "--porcelain"), git(clone, "for-each-ref"), sorted(clone.rglob("*"))) == before
    told = cli("replay", sealed, "--repo", clone, "--agree", "ours", "--at", "main", "--comment", home=here / "home")
    assert told.out.startswith("**fixed** at")
    outside = cli("replay", sealed, "--agree", "ours", "--json", home=here / "home")
    assert outside.lines[0]["verdict"] == "inconclusive"
    assert outside.status == 1


@needs_sandbox
def test_the_tree_of_a_check_is_that_of_its_step(sealed: Path, there: Machine) -> None:
    """The second patch mends the bug: the check was seen before it."""
    found = entries(sealed)
    assert TEST_2.encode() != TEST.encode()
    assert MENDED.splitlines()[-1].encode() in found["patches/0002.patch"]
    assert (
        json.loads(found["checks.json"])[0]["step"]
        < json.loads(found["manifest.json"])["repository"]["patches"][1]["step"]
    )


def test_kept_as_a_foreign_session(sealed: Path, cli: Cli, there: Machine) -> None:
    done = cli("open", "--keep", sealed)
    assert done.status == 0, done.err
    digest = cli("verify", sealed, "--json").lines[0]["digest"]
    (row,) = cli("ls", "--json").lines
    assert row["id"] == f"capsule:{digest[:8]}/{SESSION}"
    assert row["steps"] == 9
    assert [line["kind"] for line in cli("show", row["id"], "--json").lines]
    trail = cli("trail", row["id"], "--json").lines
    assert {line["reason"] for line in trail} == {"no_repository"}
    assert cli("show", f"capsule:{digest[:8]}:9", "--json").lines[0]["session"] == row["id"]  # a beginning of its id
    found = cli("search", "mended", "--json")
    assert found.lines[0]["session"] == row["id"]
    assert cli("open", "--keep", sealed).status == 0
    assert len(cli("ls", "--json").lines) == 1
    # Beside the same session of this machine it stays another one.
    assert cli("index", there.log, home=there.home).status == 0
    assert cli("open", "--keep", sealed, home=there.home).status == 0
    assert {line["id"] for line in cli("ls", "--json", home=there.home).lines} == {SESSION, row["id"]}


def test_open_needs_a_terminal_and_leaves_nothing(sealed: Path, cli: Cli, tmp_path: Path) -> None:
    done = cli("open", sealed)
    assert done.status == 1
    assert "terminal" in done.err
    assert not (tmp_path / "nobody" / "bucket").exists()


@pytest.mark.parametrize("before", [False, True])
def test_a_range_is_the_range(cli: Cli, there: Machine, tmp_path: Path, before: bool) -> None:
    assert cli("index", there.log, home=there.home).status == 0
    assert cli("redact", SESSION, "--accept-tier", "2", home=there.home).status == 0
    target = tmp_path / "range.capsule.zip"
    words = ["--include-before"] if before else []
    done = cli("seal", f"{SESSION}:6-9", "-o", target, *words, home=there.home)
    assert done.status == 0, done.err
    found = entries(target)
    steps = lines(found["steps.jsonl"])
    assert [step["step"] for step in steps] == [6, 7, 8, 9]
    everything = b"".join(data for name, data in found.items() if name != "patches/0000.patch")
    assert b"cuts one character too many" not in everything or before
    assert b"Show it with a test" not in everything or before
    assert (b"return text[: size - 1]" in found["records/001.jsonl"]) is before
    manifest = json.loads(found["manifest.json"])
    assert manifest["session"]["range"] == [6, 9]
    # The edit before the range travels as one preceding patch.
    assert b"test_whole" in found["patches/0000.patch"]
    assert [item["step"] for item in manifest["repository"]["patches"]] == [0, 7]
    outside = [
        line
        for line in lines(found["ctx.jsonl"])
        if "category" in line and (line["from_step"] or 0) not in range(6, 10)
    ]
    assert outside
    assert all(line["preview"] is None and line["source"] is None for line in outside)
    assert all(line["bytes"] for line in outside)


def test_what_the_user_left_out_comes_out_nowhere(cli: Cli, there: Machine, tmp_path: Path) -> None:
    """Neither as a patch, nor as a check, nor in the log: an excluded edit and an excluded command."""
    from tracetui.bucket import Bucket
    from tracetui.redact.review import Review

    assert cli("index", there.log, home=there.home).status == 0
    assert cli("redact", SESSION, "--accept-tier", "2", home=there.home).status == 0
    with Bucket.open(there.home / "bucket") as bucket, Review(bucket, bucket.session(SESSION)) as review:
        keys = {number: key for log in review.logs() for number, _, key, _ in bucket.sources(log)}
        for number in (3, 4):
            review.exclude("step", keys[number])
    target = tmp_path / "x.zip"
    done = cli("seal", SESSION, "-o", target, home=there.home)
    assert done.status == 0, done.err
    found = entries(target)
    for name, data in found.items():
        assert b"test_whole" not in data, name
        assert b"'ab' != 'abc'" not in data, name
    assert json.loads(found["checks.json"]) == []
    assert [item["step"] for item in json.loads(found["manifest.json"])["repository"]["patches"]] == [7]
    assert "left out" in done.err


def test_a_capsule_that_is_indexed_is_kept_as_foreign(sealed: Path, cli: Cli, there: Machine, tmp_path: Path) -> None:
    assert cli("index", there.log, home=there.home).status == 0
    done = cli("index", sealed, "--json", home=there.home)
    assert done.status == 0, done.err
    (told,) = done.lines
    assert (told["sessions"], told["new"], told["problems"]) == (1, 1, [])
    assert told["records"] > 9
    (told,) = cli("index", sealed, there.log, "--json", home=there.home).lines
    assert (told["sessions"], told["new"], told["unchanged"]) == (2, 0, 2)
    rows = cli("ls", "--json", home=there.home).lines
    foreign = next(str(row["id"]) for row in rows if row["id"] != SESSION)
    assert foreign.startswith("capsule:")
    assert len(rows) == 2
    # It is no session of this machine: no survival, no way back to it, no place among the rows of a dataset.
    assert {line["reason"] for line in cli("trail", foreign, "--json", home=there.home).lines} == {"no_repository"}
    assert cli("blame", "HEAD", "--repo", there.repo, "--json", home=there.home).status == 0
    told_by = cli("blame", "HEAD", "--repo", there.repo, "--json", home=there.home).out
    assert SESSION in told_by
    assert foreign not in told_by
    assert cli("ctx", f"{foreign}:9", "--json", home=there.home).status == 0
    assert {line["session"] for line in cli("search", "mended", "--json", home=there.home).lines} == {SESSION, foreign}
    assert cli("forget", foreign, "--yes", home=there.home).status == 0
    assert [row["id"] for row in cli("ls", "--json", home=there.home).lines] == [SESSION]
    assert not any(b"capsule:" in path.read_bytes() for path in (there.home / "bucket").rglob("*") if path.is_file())
    # Named again it comes back; a broken one does not, and says so.
    assert cli("index", sealed, home=there.home).status == 0
    assert len(cli("ls", "--json", home=there.home).lines) == 2
    broken = bytearray(sealed.read_bytes())
    broken[99] ^= 1
    sealed.write_bytes(broken)
    done = cli("index", sealed, "--json", home=there.home)
    assert done.status == 1
    assert "not taken in" in done.lines[0]["problems"][0]["reason"]
    assert len(cli("ls", "--json", home=there.home).lines) == 2


@pytest.mark.parametrize("fails", ["main", "sub"])
def test_what_another_agent_mended_later_is_no_part_of_the_failure(
    cli: Cli, there: Machine, tmp_path: Path, fails: str
) -> None:
    """The session's own log and that of its subagent number their steps apart; between them time tells."""
    from tracetui.capsule.replay import tree_at
    from tracetui.capsule.verify import Capsule

    name, root = "5e550000-2222-4222-8333-abcdefabcdef", str(there.repo)
    main, sub = Log(root, name), Log(root, name)
    main.prompt("Mend it.")

    def fail(log: Log) -> None:
        log.command("false", "AssertionError: 'ab' != 'abc'\n", 1)

    def mend(log: Log) -> None:
        log.edit("chop.py", MENDED, "size", "size + 0")

    if fails == "main":
        fail(main)
    call = "toolu_99999999"
    main.says({"type": "tool_use", "id": call, "name": "Task", "input": {"description": "d", "prompt": "Help."}})
    sub.at = main.at
    sub.prompt("Help.")
    (mend if fails == "main" else fail)(sub)
    sub.message("Done.")
    main.at = sub.at
    done = {"tool_use_id": call, "type": "tool_result", "content": "Done."}
    main.put(
        "user",
        message={"role": "user", "content": [done]},
        toolUseResult={"status": "completed", "agentId": "abc123ef", "prompt": "Help.", "content": []},
    )
    if fails == "sub":
        mend(main)
    main.message("Done.")
    for record in sub.records:
        record.update(isSidechain=True, agentId="abc123ef", uuid=f"5{record['uuid'][1:]}")
        if record["parentUuid"] is not None:
            record["parentUuid"] = f"5{record['parentUuid'][1:]}"
    log = main.save(there.log.with_name(f"{name}.jsonl"))
    sub.save(log.with_suffix("") / "subagents" / "agent-abc123ef.jsonl")
    assert cli("index", log.parent, home=there.home).status == 0
    assert cli("redact", name, "--accept-tier", "2", home=there.home).status == 0
    target = tmp_path / "x.zip"
    sealed = cli("seal", name, "-o", target, home=there.home)
    assert sealed.status == 0, sealed.err
    (check,) = json.loads(entries(target)["checks.json"])
    (patch,) = json.loads(entries(target)["manifest.json"])["repository"]["patches"]
    assert {check["agent"], patch["agent"]} == {None, "abc123ef"}
    # At the failure the file is as it was, after the mending it is not.
    for step, agent, paths in (
        (check["step"], check["agent"], []),
        (patch["step"], patch["agent"], ["chop.py"]),
        (99, None, ["chop.py"]),
    ):
        folder = tmp_path / f"{step}-{agent}"
        folder.mkdir()
        with Capsule(target) as capsule:
            assert tree_at(capsule, step, folder, there.repo, agent)[1] == paths
