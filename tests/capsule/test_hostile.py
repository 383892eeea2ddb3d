"""What a stranger may try: text that becomes markup, repositories that run programs, patches that climb out."""

from __future__ import annotations

import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.capsule.conftest import Cli
from tests.capsule.story import SESSION, Log, Machine, git
from tests.sandbox.test_sandbox import needs_sandbox
from tracetui.capsule import manifest as manifests
from tracetui.capsule.archive import pack
from tracetui.capsule.patches import FileChange, make
from tracetui.demo import make as make_demo

EVIL = (
    "\x1b]52;c;ZXZpbA==\x07 \u202eevil ``` ```` <img src=https://evil.example/x.png> <script>alert(1)</script> "
    "![x](https://evil.example/y.png) [click](javascript:alert(1)) @everyone <!-- hidden --> \n```\n# heading\n\x9b31m"
)


def entries(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def outside_fences(text: str) -> str:
    """What of a Markdown page is not within a fence, by the rules of CommonMark."""
    out: list[str] = []
    fence = ""
    for line in text.splitlines():
        match = re.match(r"(`{3,})([^`]*)$", line)
        if fence:
            if match and len(match[1]) >= len(fence) and not match[2].strip():
                fence = ""
        elif match:
            fence = match[1]
        else:
            out.append(line)
    assert not fence, "a fence stays open"
    return "\n".join(out)


def test_pages_for_people_hold_text_only(cli: Cli, there: Machine, tmp_path: Path) -> None:
    log = Log(str(there.repo))
    log.prompt(EVIL)
    log.command(f"echo '{EVIL}'", f"AssertionError: {EVIL}\n", 1)
    log.tool(EVIL, {EVIL: EVIL, "n": [EVIL]}, EVIL, None)
    log.message(EVIL)
    log.save(there.log)
    assert cli("index", there.log, home=there.home).status == 0
    assert cli("redact", SESSION, "--accept-tier", "2", home=there.home).status == 0
    target = tmp_path / "x.zip"
    done = cli("seal", SESSION, "-o", target, "--name", EVIL, "--author", EVIL, home=there.home)
    assert done.status == 0, done.err
    found = entries(target)
    for name in ("README.md", "transcript.md"):
        text = found[name].decode()
        plain = outside_fences(text)
        assert "<" not in plain, name
        assert "](" not in plain.replace("\\](", "").replace("]\\(", ""), name
        assert not re.search(r"(?<!`)@everyone", plain), name
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", text), name
    cli("verify", target, "--json").lines[0]["digest"]
    for words in (("verify", target), ("replay", target), ("replay", target, "--agree", "ours", "--repo", there.repo)):
        done = cli(*words)
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", done.out + done.err), words
    told = cli("replay", target, "--agree", "ours", "--repo", there.repo, "--comment").out
    assert "<" not in outside_fences(told)


def trap(folder: Path) -> tuple[str, Path]:
    """A program that leaves a mark when it is run."""
    mark = folder / "ran"
    program = folder / "trap.sh"
    program.write_text(f"#!/bin/sh\ntouch {mark}\ncat\n")
    program.chmod(0o755)
    return str(program), mark


@needs_sandbox
def test_a_repository_runs_nothing(
    sealed: Path, there: Machine, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program, mark = trap(tmp_path)
    for name in ("core.fsmonitor", "core.sshCommand", "core.pager", "diff.external", "gpg.program", "core.editor",
                 "filter.evil.smudge", "filter.evil.clean", "filter.evil.process", "diff.evil.textconv",
                 "gpg.ssh.program", "credential.helper"):  # fmt: skip
        git(there.repo, "config", name, program)
    git(there.repo, "config", "gpg.ssh.allowedSignersFile", str(tmp_path / "trust"))
    git(there.repo, "config", "diff.evil.command", program)
    (there.repo / ".gitattributes").write_text("* filter=evil diff=evil\n")
    for hook in ("post-checkout", "pre-commit", "reference-transaction", "post-index-change"):
        place = there.repo / ".git" / "hooks" / hook
        place.write_text(f"#!/bin/sh\ntouch {mark}\n")
        place.chmod(0o755)
    monkeypatch.setenv("GIT_DIR", str(there.repo / ".git"))
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", program)
    before = {path: path.stat().st_mtime_ns for path in sorted((there.repo / ".git").rglob("*"))}
    again = tmp_path / "again.zip"
    assert cli("seal", SESSION, "-o", again, home=there.home).status == 0
    cli("verify", again, "--json").lines[0]["digest"]
    for words in ((), ("--at", "main")):
        done = cli("replay", again, "--repo", there.repo, "--agree", "ours", "--json", *words)
        assert done.status == 0, done.out + done.err
    assert not mark.exists()
    assert {path: path.stat().st_mtime_ns for path in sorted((there.repo / ".git").rglob("*"))} == before


def forged(target: Path, source: Path, **changes: bytes | None) -> Path:
    """A capsule made of another, with entries changed, and all of it vouched for anew."""
    held = {name: data for name, data in entries(source).items() if name != "manifest.json"}
    facts = json.loads(entries(source)["manifest.json"])
    del facts["entries"]
    for name, data in changes.items():
        if name == "facts":
            assert data is not None
            facts.update(json.loads(data))
        elif data is None:
            held.pop(name)
        else:
            held[name] = data
    held["manifest.json"] = manifests.build(facts, held)
    out = io.BytesIO()
    pack(held, out.write)
    target.write_bytes(out.getvalue())
    return target


@needs_sandbox
@pytest.mark.parametrize(
    "path", ["../evil", "/tmp/tracetui-evil", ".git/hooks/post-checkout", ".GIT/config", "a/../../evil"]
)
def test_patches_that_climb_out(sealed: Path, there: Machine, cli: Cli, tmp_path: Path, path: str) -> None:
    patch = make([FileChange(path, None, b"evil\n")])
    target = forged(tmp_path / "evil.zip", sealed, **{"patches/0001.patch": patch})
    cli("verify", target, "--json").lines[0]["digest"]
    done = cli("replay", target, "--repo", there.repo, "--agree", "ours", "--json")
    assert done.lines[0]["verdict"] == "inconclusive"
    assert "patch not applied" in done.lines[0]["why"]
    assert not Path("/tmp/tracetui-evil").exists()
    assert list(tmp_path.rglob("evil")) == []


@needs_sandbox
def test_facts_that_lie(sealed: Path, there: Machine, cli: Cli, tmp_path: Path) -> None:
    """Facts of other types and names of entries that are not there: a verdict or one line, never a crash."""
    lies: list[dict[str, Any]] = [
        {"repository": []},
        {"repository": {"base": 3, "patches": {"a": 1}, "files": 7}},
        {"repository": {"base": {"start": "--upload-pack=x", "commit": "-x"}, "patches": [1, {"name": "../x"}]}},
        {"repository": {"base": {"start": "HEAD:chop.py"}, "patches": [{"name": "patches/9.patch", "step": "x"}]}},
        {"session": {"id": "../../etc", "records": [{"name": "records/001.jsonl", "agent": "../../x"}]}},
        {"session": None, "redactions": [1], "environment": None},
    ]
    for lie in lies:
        target = forged(tmp_path / "evil.zip", sealed, facts=json.dumps(lie).encode())
        cli("verify", target, "--json").lines[0]["digest"]
        done = cli("replay", target, "--repo", there.repo, "--agree", "ours", "--json")
        assert "unexpected" not in done.err, (lie, done.err)
        assert done.lines, (lie, done.err)
        done = cli("open", "--keep", target)
        assert (done.status, "unexpected" in done.err) == (0, False), (lie, done.err)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["chop.capsule.zip", "evil.zip", "nobody", "there"]


@needs_sandbox
def test_commands_stay_in_the_sandbox(sealed: Path, there: Machine, cli: Cli, tmp_path: Path) -> None:
    checks = [
        {"command": f"echo evil > {tmp_path}/out; cat {there.log}; echo done", "exit_code": 0, "line": "done"},
        {"command": "{root}/../../bin/sh -c 'exit 3'", "exit_code": 3},
    ]
    target = forged(tmp_path / "evil.zip", sealed, **{"checks.json": json.dumps(checks).encode()})
    cli("verify", target, "--json").lines[0]["digest"]
    done = cli("replay", target, "--repo", there.repo, "--agree", "ours", "--json")
    assert len(done.lines) == 3
    assert not (tmp_path / "out").exists()
    assert "parentUuid" not in done.out
    for bad in ('[{"command": "x", "folder": "../.."}]', "{}", "[[]]"):
        target = forged(tmp_path / "evil.zip", sealed, **{"checks.json": bad.encode()})
        cli("verify", target, "--json").lines[0]["digest"]
        done = cli("replay", target, "--repo", there.repo, "--agree", "ours")
        assert (done.status, done.err.count("\n")) == (1, 1), done.err


def test_records_that_are_no_log(sealed: Path, cli: Cli, tmp_path: Path) -> None:
    target = forged(tmp_path / "evil.zip", sealed, **{"records/001.jsonl": b'{"a": 1}\nnot json\n'})
    done = cli("open", "--keep", target)
    assert done.status == 1
    assert done.err.count("\n") == 1


@pytest.mark.parametrize("harness", ["claude", "codex", "pi"])
def test_every_harness_is_sealed_and_read_back(cli: Cli, tmp_path: Path, harness: str) -> None:
    """Every session of the demo, whole and from its second step on: our own reader reads the records back."""
    demo = make_demo(tmp_path / "demo", now=1_780_000_000_000)
    assert cli("index", *demo.logs, home=demo.home).status == 0
    rows = [row for row in cli("ls", "--json", home=demo.home).lines if row["harness"] == harness]
    assert rows
    for row in rows:
        assert cli("redact", row["id"], "--accept-tier", "2", home=demo.home).status == 0
        for address in (row["id"], f"{row['id']}:2-{row['steps']}"):
            target = tmp_path / "x.zip"
            done = cli("seal", address, "-o", target, home=demo.home)
            if done.status == 2:
                assert row["steps"] < 2 or row["subagents"]
                continue
            assert done.status == 0, done.err
            told = [json.loads(line) for line in entries(target)["steps.jsonl"].splitlines()]
            place = tmp_path / f"there-{len(list(tmp_path.iterdir()))}"
            assert cli("open", "--keep", target, home=place).status == 0
            (kept,) = cli("ls", "--json", home=place).lines
            assert kept["steps"] == len(told), address
            steps = cli("show", kept["id"], "--json", home=place).lines
            main = [step for step in told if step["agent"] is None]
            assert [(s["kind"], s["text"], s["tool"]) for s in steps] == [
                (s["kind"], s["text"], s["tool"]) for s in main
            ]


def test_a_record_that_steps_share_is_cut_at_the_range(cli: Cli, tmp_path: Path) -> None:
    """Pi writes thinking, text and calls of one response into one record; the range begins in the middle of it."""
    block = {"type": "text", "text": "FIRST words"}
    call = {"type": "toolCall", "id": "call1", "name": "bash", "arguments": {"command": "ls SECOND"}}
    usage = {"input": 1, "output": 1, "cacheRead": 0, "cacheWrite": 0, "totalTokens": 2}
    answer = {"role": "assistant", "content": [block, call], "api": "x", "provider": "anthropic", "model": "m",
              "usage": usage, "stopReason": "toolUse"}  # fmt: skip
    result = {"role": "toolResult", "toolCallId": "call1", "toolName": "bash", "isError": False,
              "content": [{"type": "text", "text": "THIRD"}]}  # fmt: skip
    stamp = "2026-02-02T10:00:00.000Z"
    records: list[dict[str, Any]] = [
        {"type": "session", "version": 3, "id": "aaaa1111", "timestamp": stamp, "cwd": "/home/x/y"},
        {"type": "message", "id": "r1", "parentId": None, "timestamp": stamp,
         "message": {"role": "user", "content": [{"type": "text", "text": "PROMPT"}]}},
        {"type": "message", "id": "r2", "parentId": "r1", "timestamp": stamp, "message": answer},
        {"type": "message", "id": "r3", "parentId": "r2", "timestamp": stamp, "message": result},
    ]  # fmt: skip
    log = tmp_path / "log.jsonl"
    log.write_text("".join(json.dumps(record) + "\n" for record in records))
    assert cli("index", log).status == 0
    kinds = [line["kind"] for line in cli("show", "aaaa1111", "--json").lines]
    assert kinds == ["prompt", "message", "command"]
    assert cli("redact", "aaaa1111", "--accept-tier", "2").status == 0
    done = cli("seal", "aaaa1111:3", "-o", tmp_path / "x.zip")
    assert done.status == 0, done.err
    everything = b"".join(entries(tmp_path / "x.zip").values())
    assert b"SECOND" in everything
    assert b"THIRD" in everything
    assert b"FIRST" not in everything
    assert b"PROMPT" not in everything


@needs_sandbox
def test_the_tree_at_a_step(sealed: Path, there: Machine, tmp_path: Path) -> None:
    from tests.capsule.story import CODE, MENDED, TEST, TEST_2
    from tracetui.capsule.replay import tree_at
    from tracetui.capsule.verify import Capsule

    seen = []
    with Capsule(sealed) as capsule:
        for step in (2, 3, 7):
            folder = tmp_path / f"at-{step}"
            folder.mkdir()
            tree, changed = tree_at(capsule, step, folder, there.repo)
            seen.append((tree.read("chop.py"), tree.read("tests/test_chop.py"), changed))
    assert seen == [
        (CODE.encode(), TEST.encode(), []),
        (CODE.encode(), TEST_2.encode(), ["tests/test_chop.py"]),
        (MENDED.encode(), TEST_2.encode(), ["chop.py", "tests/test_chop.py"]),
    ]
