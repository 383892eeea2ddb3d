"""Rehearsing when a capsule is sealed: what reproduces is kept with the signature that was seen."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from tests.capsule.conftest import Cli
from tests.capsule.story import BASE, COMMAND, SESSION, Machine, git
from tests.capsule.test_hostile import entries
from tests.sandbox.test_sandbox import needs_sandbox


@needs_sandbox
def test_what_reproduces_is_kept(cli: Cli, there: Machine, sealed: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine.json"
    mine.write_text(
        json.dumps(
            [
                {"command": f"cd {{root}} && {COMMAND}", "exit_code": 1, "step": 4},
                {"command": "cat nothing.txt", "exit_code": 1, "line": "nothing of the kind"},
                {"command": "echo told; exit 3", "exit_code": 3, "line": "told"},
            ]
        )
    )  # fmt: skip
    files = []
    for name in ("one", "two"):
        target = tmp_path / f"{name}.capsule.zip"
        done = cli("seal", SESSION, "-o", target, "--checks", mine, "--rehearse", home=there.home)
        assert done.status == 0, done.err
        assert "1 of 3 checks did not reproduce" in done.err
        files.append(target.read_bytes())
    assert files[0] == files[1]
    first, second = json.loads(entries(tmp_path / "one.capsule.zip")["checks.json"])
    assert first["main"] is True
    assert first["signature"]["tests"] == [{"id": "test_chop.ChopTest.test_whole", "error": "'ab' != 'abc'"}]
    told = {"runs": 3, "reproduced": 3, "flaky": False, "with_patches": "passes", "why": None, "statuses": [1]}
    assert first["rehearsal"] == told
    assert second["rehearsal"]["runs"] == 1
    assert b"tracetui-" not in entries(tmp_path / "one.capsule.zip")["checks.json"]
    (report,) = cli("verify", tmp_path / "one.capsule.zip", "--json").lines
    assert (report["ok"], report["consistent"]) == (True, True)
    asked = cli("replay", tmp_path / "one.capsule.zip", "--repo", there.repo).err
    assert "reproduced in 3 of 3 runs; passes with the patches" in asked
    assert "not rehearsed when it was sealed" in cli("replay", sealed, "--repo", there.repo).err


@needs_sandbox
def test_a_set_up_is_declared_and_shown(cli: Cli, there: Machine, sealed: Path, tmp_path: Path) -> None:
    target = tmp_path / "set.capsule.zip"
    done = cli("seal", SESSION, "-o", target, "--setup", "test -f chop.py", "--rehearse", home=there.home)
    assert done.status == 0, done.err
    (plain,) = cli("replay", target, "--repo", there.repo, "--dry-run", "--json").lines
    assert plain["setup"] == ["test -f chop.py"]
    assert "set-up: test -f chop.py" in cli("replay", target, "--repo", there.repo).err
    done = cli("replay", target, "--repo", there.repo, "--at", "main", "--agree", "ours", "--json")
    assert done.lines[-1]["verdict"] == "fixed"


@needs_sandbox
def test_the_commit_that_mended_it_is_found(cli: Cli, there: Machine, sealed: Path) -> None:
    for number in range(3):
        (there.repo / f"note{number}").write_text("x\n")
        git(there.repo, "add", ".")
        git(there.repo, "commit", "-qm", f"Note {number}", at=BASE + 4000 + number)
    before = git(there.repo, "for-each-ref"), git(there.repo, "status", "--porcelain")
    words = ("replay", sealed, "--repo", there.repo, "--bisect", f"{there.base}..main")
    (plain,) = cli(*words, "--dry-run", "--json").lines
    assert plain["along"] == git(there.repo, "rev-list", "--reverse", "main").split()
    done = cli(*words, "--agree", "ours", "--json")
    assert done.status == 0, done.err
    last = done.lines[-1]
    assert (last["commit"], last["verdict"]) == (there.mended, "fixed")
    assert len(last["posed"]) < 6
    assert (git(there.repo, "for-each-ref"), git(there.repo, "status", "--porcelain")) == before
    again = cli("replay", sealed, "--repo", there.repo, "--bisect", f"{there.mended}..main", "--agree", "ours")
    assert again.status == 1
    assert "nothing to find" in again.out
    assert cli("replay", sealed, "--repo", there.repo, "--bisect", "main..main~3", "--agree", "ours").status == 1
    assert cli("replay", sealed, "--repo", there.repo, "--bisect", "main", "--dry-run").status == 2


def test_by_hand(sealed: Path, there: Machine, tmp_path: Path) -> None:
    """What the README says to someone without the program shows the failure."""
    page = entries(sealed)["README.md"].decode()
    script = page.partition("## By hand")[2].partition("```sh\n")[2].partition("```")[0]
    assert script.count("git apply") == 1
    work = tmp_path / "by-hand"
    work.mkdir()
    (work / "FILE.capsule.zip").write_bytes(sealed.read_bytes())
    script = script.replace("REPOSITORY", str(there.origin))
    done = subprocess.run(["sh", "-c", script], cwd=work, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert "AssertionError: 'ab' != 'abc'" in done.stderr
