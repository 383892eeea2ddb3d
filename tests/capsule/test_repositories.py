"""Repositories as they are: whatever their kind, the patches of a capsule lead from its start commit to what the
session left, by plain ``git apply``, and nothing of the repository is touched."""

from __future__ import annotations

import json
import os
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.capsule.conftest import Cli
from tests.capsule.story import BASE, SESSION, Log, git

Files = dict[str, bytes]


def commit(repo: Path, files: Files, at: int = BASE, message: str = "a commit") -> str:
    for name, data in files.items():
        path = repo / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    git(repo, "add", "-A")
    git(repo, "-c", "core.autocrlf=false", "commit", "-q", "-m", message, at=at)
    return git(repo, "rev-parse", "HEAD")


def made(folder: Path, *words: str) -> Path:
    """A repository with an origin that everything is pushed to."""
    folder.mkdir(parents=True)
    git(folder, "init", "-q", "--bare", "-b", "main", *words, "origin.git")
    git(folder, "init", "-q", "-b", "main", *words, "repo")
    git(folder / "repo", "remote", "add", "origin", str(folder / "origin.git"))
    return folder / "repo"


def push(repo: Path) -> None:
    git(repo, "push", "-q", "origin", "main")


def seal(cli: Cli, log: Log, tmp_path: Path, *words: object, address: str = SESSION) -> dict[str, bytes]:
    path = log.save(tmp_path / "in" / f"{SESSION}.jsonl")
    target = tmp_path / "x.zip"
    for done in (
        cli("index", path),
        cli("redact", SESSION, "--accept-tier", "2"),
        cli("seal", address, "-o", target, *words),
    ):
        assert done.status == 0, done.err
    with zipfile.ZipFile(target) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def follow(repo: Path, found: dict[str, bytes], tmp_path: Path) -> Files:
    """What is in a checkout of the start commit, the carried files laid over it, after Git itself applied the
    patches."""
    start = json.loads(found["manifest.json"])["repository"]["base"]["start"]
    place = tmp_path / "applied"
    place.mkdir()
    git(place, "clone", "-q", "--no-checkout", str(repo), "clone")
    clone = place / "clone"
    git(clone, "-c", "core.autocrlf=false", "checkout", "-q", start)
    for name in sorted(name for name in found if name.startswith("files/")):
        path = clone / name[6:]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(found[name])
    for name in sorted(name for name in found if name.startswith("patches/")):
        patch = place / "patch"
        patch.write_bytes(found[name])
        git(clone, "-c", "core.autocrlf=false", "apply", "--whitespace=nowarn", str(patch))
    inside = [path for path in clone.rglob("*") if path.is_file() and ".git" not in path.relative_to(clone).parts]
    return {str(path.relative_to(clone)): path.read_bytes() for path in inside}


def state(repo: Path) -> Any:
    """Everything below the Git folders of a repository, with times."""
    return {path: path.stat().st_mtime_ns for path in sorted(repo.rglob("*"))}


def edit(log: Log, path: str, before: str, old: str, new: str) -> None:
    log.edit(path, before, old, new)


PLAIN = "one\ntwo\nthree\nfour\nfive\n"


def test_line_ends_and_last_lines(cli: Cli, tmp_path: Path) -> None:
    repo = made(tmp_path / "r")
    crlf = PLAIN.replace("\n", "\r\n")
    base = commit(repo, {"crlf": crlf.encode(), "bare": b"one\ntwo", "grows": b"one", "mixed": b"a\r\nb\nc\r\n"})
    push(repo)
    log = Log(str(repo))
    log.prompt("edit")
    edit(log, "crlf", PLAIN, "two", "zwei")  # the log shows what the tool normalised
    edit(log, "bare", "one\ntwo", "two", "zwei")
    edit(log, "grows", "one", "one", "one\ntwo\n")
    edit(log, "mixed", "a\r\nb\nc\r\n", "b\n", "B\n")
    before = state(repo)
    found = seal(cli, log, tmp_path)
    assert state(repo) == before
    manifest = json.loads(found["manifest.json"])
    assert manifest["repository"]["base"]["commit"] == base
    assert [item["problems"] for item in manifest["repository"]["patches"]] == [[]] * 4
    assert follow(repo, found, tmp_path) == {
        "crlf": crlf.replace("two", "zwei").encode(), "bare": b"one\nzwei", "grows": b"one\ntwo\n",
        "mixed": b"a\r\nB\nc\r\n",
    }  # fmt: skip


def test_filters_and_attributes_are_not_run(cli: Cli, tmp_path: Path) -> None:
    repo = made(tmp_path / "r")
    mark = tmp_path / "ran"
    commit(repo, {".gitattributes": b"* filter=evil text eol=crlf ident\n", "x": PLAIN.encode()})
    push(repo)
    git(repo, "config", "filter.evil.smudge", f"touch {mark}; cat")
    git(repo, "config", "filter.evil.clean", f"touch {mark}; cat")
    log = Log(str(repo))
    log.prompt("edit")
    edit(log, "x", PLAIN, "two", "zwei")
    found = seal(cli, log, tmp_path)
    assert not mark.exists()
    assert b"+zwei\n" in found["patches/0001.patch"]


def test_new_deleted_moved_executable_and_binary(cli: Cli, tmp_path: Path) -> None:
    repo = made(tmp_path / "r")
    git(repo, "config", "core.fileMode", "true")
    tool = repo / "tool.sh"
    tool.write_bytes(b"#!/bin/sh\necho one\n")
    tool.chmod(0o755)
    commit(repo, {"bin": b"\x00\x01\xff", "sp ace/\u00fc.txt": PLAIN.encode(), "empty": b""})
    push(repo)
    log = Log(str(repo))
    log.prompt("edit")
    edit(log, "tool.sh", "#!/bin/sh\necho one\n", "one", "two")
    edit(log, "sp ace/\u00fc.txt", PLAIN, "five\n", "")
    new = f"{repo}/deep/er/new.txt"
    created: dict[str, Any] = {"type": "create", "filePath": new, "content": "new\n", "structuredPatch": [],
               "originalFile": None}  # fmt: skip
    given = {"file_path": f"{repo}/deep/er/new.txt", "content": "new\n"}
    log.tool("Write", given, "created", created)
    empty = {"type": "update", "filePath": f"{repo}/empty", "content": "full\n", "structuredPatch": [],
             "originalFile": ""}  # fmt: skip
    log.tool("Write", {"file_path": f"{repo}/empty", "content": "full\n"}, "updated", empty)
    edit(log, "bin", "\x00\x01", "\x01", "\x02")
    log.command("rm gone; sed -i s/a/b/ x", "")
    found = seal(cli, log, tmp_path)
    manifest = json.loads(found["manifest.json"])
    after = follow(repo, found, tmp_path)
    assert after == {
        "tool.sh": b"#!/bin/sh\necho two\n", "bin": b"\x00\x01\xff", "sp ace/\u00fc.txt": b"one\ntwo\nthree\nfour\n",
        "empty": b"full\n", "deep/er/new.txt": b"new\n",
    }  # fmt: skip
    assert os.access(tmp_path / "applied" / "clone" / "tool.sh", os.X_OK)
    (binary,) = [item for item in manifest["repository"]["patches"] if item["files"] == []]
    assert "binary" in binary["problems"][0]
    assert "shell" in found["README.md"].decode()


def test_names_that_are_not_utf8(cli: Cli, tmp_path: Path) -> None:
    repo = made(tmp_path / "r")
    odd = os.fsdecode(b"caf\xe9.txt")
    try:
        commit(repo, {odd: PLAIN.encode(), "plain": PLAIN.encode()})
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    push(repo)
    log = Log(str(repo))
    log.prompt("edit")
    edit(log, "plain", PLAIN, "two", "zwei")
    found = seal(cli, log, tmp_path)
    assert follow(repo, found, tmp_path) == {odd: PLAIN.encode(), "plain": PLAIN.replace("two", "zwei").encode()}


def _worktree(repo: Path, folder: Path) -> tuple[Path, list[str]]:
    git(repo, "worktree", "add", "-q", "-b", "side", str(folder / "tree"), "main")
    return folder / "tree", []


def _bare(repo: Path, folder: Path) -> tuple[Path, list[str]]:
    git(folder, "clone", "-q", "--bare", str(repo), "bare.git")
    git(folder / "bare.git", "update-ref", "refs/remotes/origin/main", "main")
    return folder / "nowhere", ["--repo", str(folder / "bare.git")]


def _below(repo: Path, folder: Path) -> tuple[Path, list[str]]:
    return repo, []


@pytest.mark.parametrize("kind", [_below, _worktree, _bare])
def test_kinds_of_repositories(cli: Cli, tmp_path: Path, kind: Callable[[Path, Path], tuple[Path, list[str]]]) -> None:
    repo = made(tmp_path / "r")
    base = commit(repo, {"src/x.py": PLAIN.encode(), "src/y.py": b"y\n"})
    push(repo)
    root, words = kind(repo, tmp_path)
    log = Log(str(root), at=BASE + 1000)
    log.prompt("edit")
    edit(log, "src/x.py", PLAIN, "two", "zwei")
    commit(repo, {"src/x.py": b"later\n"}, at=BASE + 90_000_000, message="later")
    before = state(repo)
    found = seal(cli, log, tmp_path, *words)
    assert state(repo) == before
    told = json.loads(found["manifest.json"])["repository"]["base"]
    assert (told["commit"], told["how"], told["matched"], told["pushed"]) == (base, "inferred", 1, True)
    assert follow(repo, found, tmp_path) == {"src/x.py": PLAIN.replace("two", "zwei").encode(), "src/y.py": b"y\n"}


def test_submodules_and_renamed_folders(cli: Cli, tmp_path: Path) -> None:
    other = made(tmp_path / "o")
    commit(other, {"lib.py": b"lib\n"})
    repo = made(tmp_path / "r")
    git(repo, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(other), "vendor/lib")
    base = commit(repo, {"old/x.py": PLAIN.encode()})
    push(repo)
    log = Log(str(repo), at=BASE + 1000)
    log.prompt("edit")
    edit(log, "old/x.py", PLAIN, "two", "zwei")
    edit(log, "vendor/lib/lib.py", "lib\n", "lib", "LIB")
    git(repo, "mv", "old", "new")
    commit(repo, {"new/x.py": PLAIN.replace("two", "zwei").encode()}, at=BASE + 90_000_000, message="move")
    found = seal(cli, log, tmp_path)
    manifest = json.loads(found["manifest.json"])["repository"]
    assert manifest["base"]["commit"] == base
    assert manifest["patches"][0]["files"] == ["old/x.py"]
    after = follow(repo, found, tmp_path)
    assert after["old/x.py"] == PLAIN.replace("two", "zwei").encode()
    # No commit of this repository holds the submodule's file: it is carried along.
    assert found["files/vendor/lib/lib.py"] == b"lib\n"
    assert after["vendor/lib/lib.py"] == b"LIB\n"


def test_sha256_repositories(cli: Cli, tmp_path: Path) -> None:
    try:
        repo = made(tmp_path / "r", "--object-format=sha256")
        base = commit(repo, {"x": PLAIN.encode()})
    except subprocess.CalledProcessError:
        pytest.skip("this Git has no SHA-256")
    push(repo)
    log = Log(str(repo), at=BASE + 1000)
    log.prompt("edit")
    edit(log, "x", PLAIN, "two", "zwei")
    before = state(repo)
    path = log.save(tmp_path / "in" / f"{SESSION}.jsonl")
    assert cli("index", path).status == 0
    done = cli("seal", SESSION, "-o", tmp_path / "x.zip")
    assert done.err.count("Traceback") == 0
    assert "unexpected" not in done.err, done.err
    assert done.status == 0, done.err
    assert state(repo) == before
    with zipfile.ZipFile(tmp_path / "x.zip") as archive:
        told = json.loads(archive.read("manifest.json"))["repository"]["base"]
    assert told is None or told["commit"] == base


def test_the_range_begins_behind_other_edits(cli: Cli, tmp_path: Path) -> None:
    """Edits before the range travel as one preceding patch; those of files that only later edits touch do not."""
    repo = made(tmp_path / "r")
    commit(repo, {"x": PLAIN.encode(), "y": b"y\n", "z": b"z\n"})
    push(repo)
    log = Log(str(repo), at=BASE + 1000)
    log.prompt("edit")  # 1
    edit(log, "x", PLAIN, "one", "eins")  # 2
    edit(log, "y", "y\n", "y", "Y")  # 3
    edit(log, "x", PLAIN.replace("one", "eins"), "two", "zwei")  # 4
    edit(log, "z", "z\n", "z", "Z")  # 5
    edit(log, "x", PLAIN.replace("one", "eins").replace("two", "zwei"), "three", "drei")  # 6
    found = seal(cli, log, tmp_path, address=f"{SESSION}:4-5")
    names = sorted(name for name in found if name.startswith("patches/"))
    assert names == ["patches/0000.patch", "patches/0001.patch", "patches/0002.patch"]
    assert follow(repo, found, tmp_path) == {
        "x": PLAIN.replace("one", "eins").replace("two", "zwei").encode(), "y": b"Y\n", "z": b"Z\n",
    }  # fmt: skip
    assert b"drei" not in b"".join(found.values())


def test_a_remote_with_a_password(cli: Cli, tmp_path: Path) -> None:
    """The remote loses its credentials wherever it stands: in the manifest and in the records."""
    repo = made(tmp_path / "r")
    commit(repo, {"x": PLAIN.encode()})
    push(repo)
    git(repo, "remote", "set-url", "origin", "https://ann:Tr0ub4dor-Zq7Lk2@github.com/some/thing.git")
    log = Log(str(repo), at=BASE + 1000)
    log.prompt("edit")
    log.command("git remote get-url origin", "https://ann:Tr0ub4dor-Zq7Lk2@github.com/some/thing.git")
    edit(log, "x", PLAIN, "two", "zwei")
    found = seal(cli, log, tmp_path)
    assert json.loads(found["manifest.json"])["repository"]["remote"] == "https://github.com/some/thing.git"
    assert b"Tr0ub4dor" not in b"".join(found.values())
