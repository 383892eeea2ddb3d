"""Patches: what we make ``git apply`` takes and our applier takes back; strangers' patches stay inside the folder."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracetui.capsule.patches import FileChange, PatchError, apply, check_path, make, parse
from tracetui.capsule.tree import Tree

LINES = st.lists(
    st.sampled_from([b"a", b"b", b"c", b"", b"\r", b"x y", b"-- q", b"\\ No", b"@@ -1 +1 @@"]), max_size=24
)
TEXT = st.builds(lambda lines, end: b"\n".join(lines) + end, LINES, st.sampled_from([b"", b"\n"]))
MAYBE = st.one_of(st.none(), TEXT)


@settings(max_examples=150, deadline=None)
@given(MAYBE, MAYBE)
def test_round_trip(before: bytes | None, after: bytes | None) -> None:
    patch = make([FileChange("dir/f", before, after)])
    if before == after:
        assert patch == b""
        return
    (found,) = parse(patch)
    assert (found.source is None, found.target is None) == (before is None, after is None)
    assert apply(found, before) == after


def git_apply(folder: Path, patch: bytes) -> None:
    subprocess.run(
        ["git", "apply", "-p1", "-"], cwd=folder, input=patch, check=True, env={**os.environ, "GIT_DIR": "/nonexistent"}
    )


@settings(max_examples=25, deadline=None)
@given(MAYBE, MAYBE, st.sampled_from(["f", "a b/c d", 'qu"ote', "\u00fcml", "tab\there"]))
def test_git_takes_what_we_make(
    tmp_path_factory: pytest.TempPathFactory, before: bytes | None, after: bytes | None, name: str
) -> None:
    folder = tmp_path_factory.mktemp("git")
    patch = make([FileChange(name, before, after)])
    if not patch:
        return
    target = folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    if before is not None:
        target.write_bytes(before)
    git_apply(folder, patch)
    assert (target.read_bytes() if target.exists() else None) == after
    (found,) = parse(patch)
    assert name in (found.source, found.target)


@settings(max_examples=25, deadline=None)
@given(TEXT, TEXT)
def test_we_take_what_git_makes(tmp_path_factory: pytest.TempPathFactory, before: bytes, after: bytes) -> None:
    folder = tmp_path_factory.mktemp("git")
    (folder / "a").write_bytes(before)
    (folder / "b").write_bytes(after)
    out = subprocess.run(
        ["git", "diff", "--no-index", "--no-ext-diff", "a", "b"], cwd=folder, capture_output=True, check=False
    )
    patch = out.stdout.replace(b"b/b", b"b/a")
    for found in parse(patch):
        assert apply(found, before) == after


def test_a_move_with_a_change(tmp_path: Path) -> None:
    before, after = b"1\n2\n3\n4\n5\n6\n", b"1\n2\n3\nfour\n5\n6\n"
    patch = make([FileChange("old name", before, after, "sub/new")])
    (tmp_path / "git").mkdir()
    (tmp_path / "git" / "old name").write_bytes(before)
    git_apply(tmp_path / "git", patch)
    assert (tmp_path / "git/sub/new").read_bytes() == after
    (tmp_path / "ours").mkdir()
    tree = Tree(tmp_path / "ours")
    tree.write("old name", before)
    assert tree.apply(parse(patch)) == ["old name", "sub/new"]
    assert tree.read("old name") is None
    assert tree.read("sub/new") == after


HOSTILE = [
    "../x", "a/../../x", "/etc/passwd", ".git/config", ".GIT/hooks/x", "a/.git/x", ".gi\u200ct/x", ".git /x", ".git./x",
    "git~1/x", "GIT~2/x", ".git::$INDEX_ALLOCATION/x", "a\\b", "C:x", "\uff0egit/x", ".g\u0131t/..", "./a", "a//b", "",
    "a\0b", ".gitmodules", "\uff0e\uff0e/x",
]  # fmt: skip


@pytest.mark.parametrize("path", HOSTILE)
def test_paths_that_are_refused(path: str, tmp_path: Path) -> None:
    assert check_path(path)
    root = tmp_path / "root"
    root.mkdir()
    patch = make([FileChange(path, None, b"evil\n")])
    with pytest.raises(PatchError):
        Tree(root).apply(parse(patch))
    assert list(root.iterdir()) == []
    assert list(tmp_path.iterdir()) == [root]


@pytest.mark.parametrize("path", ["a", ".github/x", "x.git/y", ".gitignore", "a b", "\u00fc", "git/x", "..a"])
def test_paths_that_are_fine(path: str) -> None:
    assert check_path(path) is None


@pytest.mark.parametrize(
    "patch",
    [
        b"diff --git a/x b/x\nnew file mode 120000\n--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+/etc/passwd\n",
        b"diff --git a/x b/x\nnew file mode 160000\n--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+Subproject commit 00\n",
        b"diff --git a/x b/x\nindex 1..2 160000\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n",
        b"diff --git a/x b/x\nold mode 100644\nnew mode 120000\n",
        b"diff --git a/x b/x\ncopy from /etc/passwd\ncopy to y\n",
        b"diff --git a/x b/x\nGIT binary patch\nliteral 1\n",
        b"diff --git a/x b/x\nrename from ../x\nrename to y\n",
        b"diff --git a/x b/x\n--- a/x\n+++ b/y\n@@ -1 +1 @@\n",
        b"diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,999999999 +1,999999999 @@\n-a\n",
        b"diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ nonsense @@\n",
        b"--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n",
        b"diff --git a/x b/x\n--- x\n+++ x\n@@ -1 +1 @@\n-a\n+b\n",
        b'diff --git "a/\\x" b/x\n--- "a/\\q\n+++ b/x\n',
        b"From 123\n\nhello\n",
        b"diff --git a/x b/x\n",
    ],
)
def test_patches_that_are_refused(patch: bytes, tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    tree.write("x", b"a\n")
    with pytest.raises(PatchError) as caught:
        tree.apply(parse(patch))
    assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["x"]
    assert (tmp_path / "x").read_bytes() == b"a\n"


def test_no_write_through_a_link(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "f").write_bytes(b"safe\n")
    root = tmp_path / "root"
    root.mkdir()
    (root / "dir").symlink_to(outside)
    (root / "link").symlink_to(outside / "f")
    (root / "hang").symlink_to(tmp_path / "later")
    tree = Tree(root)
    for change in (
        FileChange("dir/new", None, b"evil\n"),
        FileChange("dir/f", b"safe\n", b"evil\n"),
        FileChange("link", b"safe\n", b"evil\n"),
        FileChange("hang", None, b"evil\n"),
    ):
        with pytest.raises(PatchError):
            tree.apply(parse(make([change])))
    assert (outside / "f").read_bytes() == b"safe\n"
    assert not (tmp_path / "later").exists()


def test_a_hunk_fits_where_it_says_or_nowhere() -> None:
    before = b"".join(b"%d\n" % n for n in range(20))
    (patch,) = parse(make([FileChange("f", before, before.replace(b"10\n", b"ten\n"))]))
    assert apply(patch, before) == before.replace(b"10\n", b"ten\n")
    for changed in (b"new\n" + before, before[2:], before.replace(b"9\n", b"nine\n", 1), None):
        with pytest.raises(PatchError):
            apply(patch, changed)


def test_all_or_nothing(tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    tree.write("a", b"1\n")
    tree.write("b", b"other\n")
    patch = make([FileChange("a", b"1\n", b"2\n"), FileChange("b", b"1\n", b"2\n")])
    with pytest.raises(PatchError, match="fit"):
        tree.apply(parse(patch))
    assert tree.read("a") == b"1\n"


def test_a_removed_file_takes_its_empty_folder_along(tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    tree.write("a/b/c", b"1\n")
    tree.write("a/d", b"1\n")
    tree.apply(parse(make([FileChange("a/b/c", b"1\n", None)])))
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a", "d"]
