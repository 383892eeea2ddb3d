"""Hunks that are not in the history, and those that Git cannot tell about."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tracetui.harness.base import FileEdit
from tracetui.trail.hunks import Edit
from tracetui.trail.judge import judge

from .histories import BASE, HELPER, Scene


def state(scene: Scene, at: str = "HEAD") -> tuple[str, str]:
    found = scene.one(at)
    if found.state in ("pending", "unknown"):
        assert found.retention is None
        assert found.landing is None
    return found.state, found.reason


def test_worktree(scene: Scene) -> None:
    scene.append("app.py", HELPER)
    assert state(scene) == ("pending", "worktree")


def test_index(scene: Scene) -> None:
    scene.append("app.py", HELPER)
    scene.git("add", "app.py")
    assert state(scene) == ("pending", "index")


def test_untracked(scene: Scene) -> None:
    scene.write("fresh.py", "fresh_value = compute_it()\n")
    assert state(scene) == ("pending", "untracked")
    scene.git("add", "fresh.py")
    assert state(scene) == ("pending", "index")


def test_stash(scene: Scene) -> None:
    scene.append("app.py", HELPER)
    scene.tick()
    scene.git("stash", "-q")
    assert state(scene) == ("pending", "stash")


def test_stash_of_an_untracked_file(scene: Scene) -> None:
    scene.write("fresh.py", "fresh_value = compute_it()\n")
    scene.tick()
    scene.git("stash", "-q", "-u")
    assert state(scene) == ("pending", "stash")


def test_branch(scene: Scene) -> None:
    scene.git("checkout", "-qb", "feature")
    scene.append("app.py", HELPER)
    sha = scene.commit("helper")
    scene.git("checkout", "-q", "main")
    found = scene.one()
    assert (found.state, found.reason, found.landing, found.commits) == ("pending", "unmerged", None, (sha,))
    assert scene.one("feature").state == "alive"


def test_branch_that_dropped_it(scene: Scene) -> None:
    scene.git("checkout", "-qb", "feature")
    scene.append("app.py", HELPER)
    scene.commit("helper")
    scene.put("app.py", BASE)
    scene.commit("no helper")
    scene.git("checkout", "-q", "main")
    assert state(scene) == ("lost", "never_landed")


def test_pull_request_ref(scene: Scene) -> None:
    scene.git("checkout", "-q", "--detach")
    scene.append("app.py", HELPER)
    sha = scene.commit("helper")
    scene.git("update-ref", "refs/pull/7/head", sha)
    scene.git("checkout", "-q", "main")
    assert state(scene) == ("pending", "unmerged")


def test_pending_deletion(scene: Scene) -> None:
    scene.edit("app.py", "        total += value * 2\n", "")
    assert state(scene) == ("pending", "worktree")


def test_pending_file_deletion(scene: Scene) -> None:
    scene.delete("app.py")
    assert state(scene) == ("pending", "worktree")


def test_revision_before_the_landing(scene: Scene) -> None:
    scene.append("app.py", HELPER)
    scene.commit("helper")
    assert state(scene, "HEAD~1") == ("pending", "unmerged")


def test_removed_in_the_worktree_only(scene: Scene) -> None:
    scene.append("app.py", HELPER)
    scene.commit("helper")
    assert scene.one().flag is None
    scene.put("app.py", BASE)
    found = scene.one()
    assert (found.state, found.reason, found.flag) == ("alive", "exact", "worktree_removed")


def test_empty_repository(make) -> None:
    scene = make(files={})
    scene.write("fresh.py", "fresh_value = compute_it()\n")
    assert state(scene) == ("pending", "untracked")


# -- unknown


def test_ignored(scene: Scene) -> None:
    scene.put(".gitignore", "build/\n")
    scene.commit("ignore")
    scene.write("build/out.py", "fresh_value = compute_it()\n")
    assert state(scene) == ("unknown", "ignored")


def test_outside(scene: Scene, tmp_path: Path) -> None:
    place = tmp_path / "elsewhere.py"
    place.write_text("fresh_value = compute_it()\n")
    scene._edit(str(place), FileEdit(str(place), "add", "", "fresh_value = compute_it()\n"), "s1", "Write")
    scene.edits[-1] = Edit(
        **{f: getattr(scene.edits[-1], f) for f in Edit.__slots__}
        | {"change": FileEdit(str(place), "add", "", "fresh_value = compute_it()\n")}
    )
    found = scene.one()
    assert (found.state, found.reason) == ("unknown", "outside_repo")


def test_no_repository(tmp_path: Path) -> None:
    folder = tmp_path / "plain"
    folder.mkdir()
    edit = Edit(
        "s",
        None,
        1,
        "c",
        "Write",
        1_760_000_000_000,
        FileEdit(str(folder / "a.py"), "add", "", "some_value = 1\n"),
        str(folder),
    )
    found = judge([edit])[0]
    assert (found.state, found.reason, found.added) == ("unknown", "no_repository", 1)


@pytest.mark.parametrize("extension", ["refstorage = reftable", "somethingnew = 1"])
def test_repository_that_nothing_can_read(scene: Scene, extension: str) -> None:
    scene.append("app.py", HELPER)
    scene.commit("helper")
    config = scene.root / ".git" / "config"
    config.write_text(
        config.read_text().replace("repositoryformatversion = 0", "repositoryformatversion = 1")
        + f"[extensions]\n\t{extension}\n"
    )
    found = scene.one()
    assert (found.state, found.reason) == ("unknown", "unsupported_repository")


def test_sha_256(make) -> None:
    try:
        scene = make(init=("--object-format=sha256",))
    except AssertionError:
        pytest.skip("this git has no SHA-256")
    scene.append("app.py", HELPER)
    sha = scene.commit("helper")
    assert len(sha) == 64
    found = scene.one()
    assert (found.state, found.reason, found.landing) == ("alive", "exact", sha)
    scene.tick()
    scene.git("revert", "--no-edit", "HEAD")
    found = scene.one()
    assert (found.state, found.reason, found.killer) == ("reverted", "revert_commit", scene.sha())


def test_owned_by_someone_else(scene: Scene) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can give files away")
    scene.append("app.py", HELPER)
    sha = scene.commit("helper")
    for place in [scene.root, *scene.root.rglob("*")]:
        os.chown(place, 12345, 12345)
    found = scene.one()
    assert (found.state, found.landing) == ("alive", sha)


def clone(scene: Scene, *options: str) -> Path:
    target = scene.root.parent / "clone"
    scene.git("clone", "-q", *options, f"file://{scene.root}", str(target))
    return target


def test_shallow(scene: Scene) -> None:
    scene.append("app.py", HELPER)
    one = scene.edit("app.py", "value * 2", "scale_by_two(value)")
    scene.commit("helper")
    scene.sub("app.py", "scale_by_two(value)", "something(quite).different")
    scene.commit("other")
    target = clone(scene, "--depth=1")
    states = judge(scene.edits, repo=target)
    assert [(s.state, s.reason, s.landing) for s in states] == [
        ("alive", "exact", None),
        ("unknown", "shallow", None),
    ]
    assert states[1].step == one.step


def test_shallow_that_reaches_far_enough(scene: Scene) -> None:
    for n in range(3):
        scene.put("x.txt", f"some text {n}\n")
        scene.commit(f"x{n}")
    scene.append("app.py", HELPER)
    sha = scene.commit("helper")
    target = clone(scene, "--depth=2")
    found = judge(scene.edits, repo=target)[0]
    assert (found.state, found.reason, found.landing) == ("alive", "exact", sha)


def test_partial_clone(scene: Scene) -> None:
    scene.append("app.py", HELPER)
    scene.edit("app.py", "value * 2", "scale_by_two(value)")
    scene.commit("helper")
    scene.sub("app.py", "scale_by_two(value)", "something(quite).different")
    scene.commit("other")
    scene.git("config", "uploadpack.allowFilter", "true")
    target = clone(scene, "--filter=blob:none")
    before = sorted(path.name for path in (target / ".git" / "objects").rglob("*"))
    states = judge(scene.edits, repo=target)
    assert [(s.state, s.landing) for s in states] == [("alive", None), ("unknown", None)]
    assert states[1].reason in ("missing_objects", "shallow")
    assert sorted(path.name for path in (target / ".git" / "objects").rglob("*")) == before


def test_missing_object(scene: Scene) -> None:
    scene.append("app.py", HELPER)
    first = scene.commit("helper")
    scene.write("other.py", "other_value = compute_it()\nand_more = compute_it_too()\n")
    sha = scene.commit("other")
    blob = scene.git("rev-parse", f"{first}:app.py")
    scene.sub("app.py", "hello", "good evening")
    scene.sub("app.py", "nothing fits the limit", "changed beyond all recognition by them")
    scene.commit("evening")
    (scene.root / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    states = {s.path: s for s in scene.judge()}
    assert (states["other.py"].state, states["other.py"].landing) == ("alive", sha)
    assert states["app.py"].state in ("unknown", "transformed")
    if states["app.py"].state == "unknown":
        assert states["app.py"].reason == "missing_objects"


def test_submodule(scene: Scene, tmp_path: Path) -> None:
    other = Scene(tmp_path / "lib", files={"lib.py": BASE})
    scene.git("submodule", "add", "-q", str(other.root), "vendor/lib")
    scene.commit("submodule")
    folder = scene.root / "vendor" / "lib"
    scene.git("config", "user.name", "Dev", cwd=folder)
    scene.git("config", "user.email", "dev@example.org", cwd=folder)
    scene.append("vendor/lib/lib.py", HELPER)
    assert state(scene) == ("pending", "worktree")
    scene.tick()
    scene.git("commit", "-qam", "helper", cwd=folder)
    sha = scene.git("rev-parse", "HEAD", cwd=folder)
    found = scene.one()
    assert (found.state, found.reason, found.landing, found.path) == ("alive", "exact", sha, "vendor/lib/lib.py")
    scene.commit("bump")
    shutil.rmtree(folder)
    assert state(scene) == ("unknown", "submodule_absent")


def test_weak_hunk_without_surroundings(scene: Scene) -> None:
    scene.put("app.go", "func a() {\n\tif x {\n\t}\n}\n\nfunc b() {\n\tif y {\n\t}\n}\n")
    scene.commit("go")
    change = FileEdit(str(scene.root / "app.go"), "update", None, None, (("zz", "zz\n\t}\n"),))
    scene._edit("app.go", change, "s1", "Edit")
    found = scene.one()
    assert (found.state, found.reason) == ("unknown", "weak")


def test_weak_block_lands_and_stands(scene: Scene) -> None:
    scene.edit("app.py", "    return len(name)\n", "    return len(name)\n    return None\n")
    sha = scene.commit("return")
    found = scene.one()
    assert (found.state, found.reason, found.landing) == ("alive", "exact", sha)
    scene.put("app.py", "# a header\n" + scene.read("app.py"))
    scene.commit("header")
    assert scene.one().state == "alive"
    scene.tick()
    scene.git("revert", "--no-edit", sha)
    found = scene.one()
    assert (found.state, found.reason, found.killer) == ("reverted", "revert_commit", scene.sha())


def test_no_before_text(scene: Scene) -> None:
    change = FileEdit(str(scene.root / "gone.py"), "delete")
    scene._edit("gone.py", change, "s1", "apply_patch")
    found = scene.one()
    assert (found.state, found.reason) == ("unknown", "no_before_text")


def test_binary_write(scene: Scene) -> None:
    scene.write("data.bin", "\0\1\2 some data \3")
    assert state(scene) == ("pending", "untracked")
    sha = scene.commit("data")
    found = scene.one()
    assert (found.state, found.reason, found.landing) == ("alive", "exact", sha)
    scene.put("data.bin", b"\0\1\2 other data \3")
    killer = scene.commit("other data")
    found = scene.one()
    assert (found.state, found.killer) == ("lost", killer)


def test_write_over_an_unknown_file_is_compared_with_git(scene: Scene) -> None:
    new = BASE.replace("value * 2", "scale_by_two(value)")
    scene.put("app.py", new)
    scene._edit("app.py", FileEdit(str(scene.root / "app.py"), "update", None, new), "s1", "write")
    sha = scene.commit("scale")
    found = scene.one()
    assert (found.added, found.removed, found.state, found.landing) == (1, 1, "alive", sha)


def test_repository_below_a_subfolder(scene: Scene) -> None:
    scene.write("src/deep/mod.py", "fresh_value = compute_it()\n")
    sha = scene.commit("deep")
    edit = scene.edits[0]
    scene.edits = [Edit(**{f: getattr(edit, f) for f in Edit.__slots__} | {"cwd": str(scene.root / "src" / "deep")})]
    assert (scene.one().path, scene.one().landing) == ("src/deep/mod.py", sha)


def test_moved_repository(scene: Scene, tmp_path: Path) -> None:
    scene.append("app.py", HELPER)
    sha = scene.commit("helper")
    moved = tmp_path / "moved"
    scene.root.rename(moved)
    found = judge(scene.edits, repo=moved)[0]
    assert (found.state, found.landing, found.path) == ("alive", sha, "app.py")


def test_nothing_calls_a_shell(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[object] = []
    real = subprocess.Popen

    class Watched(real):  # type: ignore[misc, valid-type]
        def __init__(self, args: object, **options: object) -> None:
            seen.append((args, options.get("shell")))
            super().__init__(args, **options)  # type: ignore[arg-type]

    scene.append("app.py", HELPER)
    scene.commit("helper")
    monkeypatch.setattr("tracetui.trail.git.subprocess.Popen", Watched)
    scene.one()
    assert seen
    assert all(not shell and isinstance(args, list) and args[0] == "git" for args, shell in seen)
