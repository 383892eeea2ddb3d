"""A hostile repository runs nothing and is not changed."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

import pytest

from tracetui.trail import git
from tracetui.trail.judge import judge
from tracetui.trail.store import Store

from .histories import HELPER, Scene, assigned


def fingerprint(folder: Path) -> dict[str, tuple[str, int, int]]:
    """Everything below a folder: content, mode and time of change."""
    found: dict[str, tuple[str, int, int]] = {}
    for path in sorted([folder, *folder.rglob("*")]):
        state = path.lstat()
        data = path.read_bytes() if stat.S_ISREG(state.st_mode) else b""
        found[str(path.relative_to(folder))] = (hashlib.sha256(data).hexdigest(), state.st_mode, state.st_mtime_ns)
    return found


@pytest.fixture
def trap(scene: Scene, tmp_path: Path) -> Path:
    """A repository that names a program wherever Git would run one; the program leaves a mark."""
    mark = tmp_path / "ran"
    program = tmp_path / "evil.sh"
    program.write_text(f'#!/bin/sh\necho "$0 $@" >> {mark}\ncat\nexit 0\n')
    program.chmod(0o755)
    scene.put("lib.py", "value_in_lib = 1\n")
    scene.commit("lib")
    scene.append("app.py", HELPER)
    scene.commit("helper")
    scene.put("data.bin", b"\0\1\2")
    scene.commit("data")
    scene.git("mv", "lib.py", "library.py")
    scene.commit("rename")
    scene.put(".gitattributes", "* diff=evil filter=evil merge=evil\n")
    scene.git("add", ".gitattributes")
    scene.git("commit", "-qm", "attributes")
    evil = str(program)
    for name in (
        "core.fsmonitor core.pager core.editor core.sshCommand core.askPass core.gitProxy diff.external "
        "diff.evil.textconv diff.evil.command filter.evil.clean filter.evil.smudge filter.evil.process "
        "merge.evil.driver gpg.program gpg.ssh.program gpg.x509.program pager.log pager.diff-tree pager.blame "
        "pager.rev-list pager.cat-file interactive.diffFilter credential.helper uploadpack.packObjectsHook "
        "trailer.x.command alias.log alias.diff-tree alias.rev-list alias.blame sequence.editor"
    ).split():
        scene.git("config", name, evil if not name.startswith("alias.") else "!" + evil)
    scene.git("config", "log.showSignature", "true")
    scene.git("config", "blame.ignoreRevsFile", "/dev/zero")
    scene.git("config", "core.hooksPath", str(tmp_path / "hooks"))
    scene.git("config", "protocol.allow", "always")
    scene.git("config", "protocol.ext.allow", "always")
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for folder in (hooks, scene.root / ".git" / "hooks"):
        for (
            name
        ) in "post-checkout post-index-change reference-transaction pre-auto-gc fsmonitor-watchman post-commit".split():
            (folder / name).write_text(program.read_text())
            (folder / name).chmod(0o755)
    info = scene.root / ".git" / "info"
    info.mkdir(exist_ok=True)
    (info / "attributes").write_text("* diff=evil filter=evil\n")
    # work that is not committed yet makes Git look at the work tree, where filters run
    (scene.root / "app.py").write_text(scene.read("app.py") + "\nuncommitted_value = 1\n")
    mark.unlink(missing_ok=True)
    return mark


@pytest.mark.parametrize("variables", [False, True])
def test_nothing_runs_and_nothing_changes(
    scene: Scene, trap: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variables: bool
) -> None:
    if variables:
        evil = str(tmp_path / "evil.sh")
        monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
        monkeypatch.setenv("GIT_WORK_TREE", str(tmp_path))
        monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))
        for name in (
            "GIT_EXTERNAL_DIFF",
            "GIT_PAGER",
            "GIT_SSH",
            "GIT_SSH_COMMAND",
            "GIT_ASKPASS",
            "PAGER",
            "GIT_EDITOR",
        ):
            monkeypatch.setenv(name, evil)
        monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
        monkeypatch.setenv("GIT_CONFIG_KEY_0", "diff.external")
        monkeypatch.setenv("GIT_CONFIG_VALUE_0", evil)
        monkeypatch.setenv("GIT_TRACE", str(tmp_path / "trace"))
    before = fingerprint(scene.root)
    database = tmp_path / "trail.db"
    states = judge(scene.edits, db=database)
    assert [state.state for state in states] == ["alive"]
    from tracetui.trail.blame import Blamer
    from tracetui.trail.judge import Judge

    owner = Judge(Store(scene.root / ".git", scene.root), database)
    try:
        owner.prepare()
        blamer = Blamer(owner, assigned(owner, owner.hunks(scene.edits)))
        assert sum(row.attributed for row in blamer.lines(owner.at or "", "app.py", None, None)) == 7
    finally:
        owner.close()
    assert not trap.exists(), trap.read_text()
    assert fingerprint(scene.root) == before
    assert not (tmp_path / "trace").exists()


def test_the_trap_works(scene: Scene, trap: Path) -> None:
    """Plain Git does run what the repository names: the test above is able to fail."""
    scene.git("log", "-p", "-1", "--", "app.py", check=False)
    scene.git("diff", check=False)
    assert trap.exists()


def test_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_DIR", "/x")
    monkeypatch.setenv("GIT_TRACE", "1")
    found = git.environment()
    assert "GIT_DIR" not in found
    assert "GIT_TRACE" not in found
    assert found["GIT_CONFIG_GLOBAL"] == "/dev/null"
    assert found["GIT_NO_LAZY_FETCH"] == "1"
    listed = git.arguments(Path("/r/.git"), ["rev-list"])
    for wanted in ("core.fsmonitor=", "core.hooksPath=/dev/null", "log.showSignature=false", "protocol.allow=never"):
        assert wanted in listed
    assert "--no-pager" in listed


def test_no_promisor_is_asked(scene: Scene, tmp_path: Path) -> None:
    """A partial clone whose remote names a program: missing objects stay missing."""
    mark = tmp_path / "fetched"
    program = tmp_path / "upload.sh"
    program.write_text(f"#!/bin/sh\ntouch {mark}\nexit 1\n")
    program.chmod(0o755)
    scene.append("app.py", HELPER)
    scene.commit("helper")
    scene.sub("app.py", "hello", "good evening")
    scene.commit("evening")
    scene.git("config", "uploadpack.allowFilter", "true")
    target = tmp_path / "clone"
    scene.git("clone", "-q", "--filter=blob:none", f"file://{scene.root}", str(target))
    for name, value in (
        ("remote.origin.uploadpack", str(program)),
        ("remote.origin.url", f"ext::{program}"),
        ("protocol.ext.allow", "always"),
        ("protocol.file.allow", "always"),
    ):
        scene.git("config", name, value, cwd=target)
    before = fingerprint(target)
    states = judge(scene.edits, repo=target)
    assert [(state.state, state.landing) for state in states] == [("alive", None)]
    assert not mark.exists()
    assert fingerprint(target) == before


def test_links_in_the_work_tree_are_not_followed(scene: Scene, tmp_path: Path) -> None:
    outside = tmp_path / "outside.py"
    outside.write_text("fresh_value = compute_it()\n")
    scene.write("fresh.py", "fresh_value = compute_it()\n")
    (scene.root / "fresh.py").unlink()
    (scene.root / "fresh.py").symlink_to(outside)
    assert scene.one().state == "lost"
    (scene.root / "fresh.py").unlink()
    os.mkfifo(scene.root / "fresh.py")
    assert scene.one().state == "lost"


def test_odd_names(make) -> None:
    scene = make(files={"app.py": "value_zero = 0\n"})
    names = [
        "tab\there.py",
        'quote".py',
        "ünï cöde.py",
        "new\nline.py",
        "-dash.py",
        "sp ace/b\\ack.py",
        "a b/dev/null.py",
    ]
    for name in names:
        scene.write(name, f"value_{len(name)} = compute_it('{len(name)} and more')\n")
    sha = scene.commit("odd")
    states = scene.judge()
    assert {(state.state, state.landing) for state in states} == {("alive", sha)}
    scene.git("mv", "--", "tab\there.py", "tab\tthere.py")
    scene.commit("rename")
    assert {state.reason for state in scene.judge()} == {"exact", "file_renamed"}
