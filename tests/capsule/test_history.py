"""Bases and patches: where an episode began, and its edits as patches that apply from there."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.capsule.conftest import Cli
from tests.capsule.story import CODE, SESSION, TEST, Log, Machine, git
from tests.sandbox.test_sandbox import needs_sandbox
from tracetui.capsule.base import clean_remote, find_base
from tracetui.capsule.environment import environment
from tracetui.capsule.history import first_texts, in_order, play
from tracetui.capsule.patches import apply, make, parse
from tracetui.harness.base import FileEdit
from tracetui.trail.hunks import Edit
from tracetui.trail.store import Store


def locate(path: str, cwd: str | None) -> str | None:
    return path[3:] if path.startswith("/r/") else None


def edit(step: int, change: FileEdit, agent: str | None = None, time: int | None = None) -> Edit:
    return Edit(
        "s", agent, step, f"c{agent}{step}{change.path}", "Edit", 1000 * step if time is None else time, change, "/r"
    )


def follow(files: dict[str, bytes], steps: Any) -> dict[str, bytes]:
    """The files after the patches of these steps, by our applier."""
    state: dict[str, bytes | None] = {**files}
    for step in steps:
        for patch in parse(make(step.changes)):
            after = apply(patch, state.get(patch.source or patch.target or ""))
            if patch.source is not None:
                state[patch.source] = None
            if patch.target is not None:
                state[patch.target] = after
    return {path: data for path, data in state.items() if data is not None}


LINE = st.sampled_from(["a", "b", "c", "d", ""])
TEXT = st.lists(LINE, max_size=8).map(lambda lines: "\n".join(lines) + "\n")
NAME = st.sampled_from(["x", "y", "d/z"])


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(NAME, TEXT, max_size=3),
    st.lists(st.tuples(NAME, st.sampled_from(["whole", "piece", "delete", "move", "drift"]), TEXT), max_size=10),
    st.integers(0, 10),
)
def test_patches_lead_to_what_the_session_left(
    base: dict[str, str], deeds: list[tuple[str, str, str]], split: int
) -> None:
    now = dict(base)
    edits: list[Edit] = []
    for nth, (name, deed, text) in enumerate(deeds, 1):
        path, before = f"/r/{name}", now.get(name)
        if deed in ("whole", "drift"):
            if deed == "drift" and before is not None:
                before = now[name] = before + "by a shell\n"
            now[name] = text
            edits.append(edit(nth, FileEdit(path, "update" if before is not None else "add", before, text)))
        elif before is None:
            continue
        elif deed == "piece" and before.count("a\n") and all(e.change.path != path or e.change.before for e in edits):
            now[name] = before.replace("a\n", "new\n", 1)
            edits.append(edit(nth, FileEdit(path, "update", pieces=(("a\n", "new\n"),))))
        elif deed == "delete":
            del now[name]
            edits.append(edit(nth, FileEdit(path, "delete", before)))
        elif deed == "move" and f"moved-{name}" not in now:
            now[f"moved-{name}"] = now.pop(name)
            edits.append(edit(nth, FileEdit(path, "move", before, to=f"/r/moved-{name}")))
    files = {name: text.encode() for name, text in base.items()}
    early, late = [e for e in edits if e.step <= split], [e for e in edits if e.step > split]
    played = play(early, late, files.get, locate)

    class Early:
        changes = played.before

    assert follow(files, [Early, *played.steps]) == {name: text.encode() for name, text in now.items()}


def test_edits_are_in_order_of_time_and_once() -> None:
    one = edit(1, FileEdit("/r/x", "add", None, "1\n"), time=5000)
    two = edit(2, FileEdit("/r/x", "update", "0\n", "1\n"), "sub", time=3000)
    assert in_order([one, two, one]) == [two, one]


def test_carriage_returns_and_what_cannot_be_placed() -> None:
    files = {"x": b"1\r\n2\r\n3\r\n"}
    changes = [
        FileEdit("/r/x", "update", "1\n2\n3\n", "1\ntwo\n3\n"),
        FileEdit("/r/x", "update", pieces=(("two\n", "zwei\n"),)),
        FileEdit("/r/x", "update", pieces=(("not there\n", "x\n"),)),
        FileEdit("/elsewhere/x", "update", "1\n", "2\n"),
        FileEdit("/r/.git/config", "update", "1\n", "2\n"),
        FileEdit("/r/bin", "update", binary=True),
    ]
    played = play([], [edit(nth, change) for nth, change in enumerate(changes, 1)], files.get, locate)
    assert follow(files, played.steps)["x"] == b"1\r\nzwei\r\n3\r\n"
    assert [len(step.problems) for step in played.steps] == [0, 0, 1, 1, 1, 1]


# -- the base


def test_a_base_is_inferred_from_what_the_log_saw(there: Machine) -> None:
    store = Store(there.repo / ".git", there.repo)
    try:
        texts = {"chop.py": (CODE.encode(), ()), "tests/test_chop.py": (TEST.encode(), ()), "new.py": (None, ())}
        late = 4_000_000_000_000
        found = find_base(store, None, "main", texts, late)
        assert found is not None
        assert (found.commit, found.how, found.matched, found.pushed) == (there.base, "inferred", 3, True)
        # At the time of the broken commit its test is not what the log saw: one file of the three differs.
        found = find_base(store, None, None, {"chop.py": (CODE.encode(), ())}, late)
        assert found is not None
        assert found.commit == there.broken
        found = find_base(store, None, None, {"chop.py": (None, (b"size - 1",))}, late)
        assert found is not None
        assert found.commit == there.broken
        found = find_base(store, there.mended, None, texts, late)
        assert found is not None
        assert (found.commit, found.how, found.matched) == (there.mended, "recorded", 1)
        found = find_base(store, "0" * 40, None, {"chop.py": (b"never\n", ())}, 1_770_000_500_000)
        assert found is not None
        assert (found.commit, found.matched, found.files) == (there.base, 0, 1)
    finally:
        store.close()


@pytest.mark.parametrize(
    ("url", "clean", "private"),
    [
        ("https://ann:token@github.com/a/b.git?x=1", "https://github.com/a/b.git", False),
        ("git@github.com:a/b.git", "https://github.com/a/b.git", False),
        ("ssh://git@gitlab.com:22/a/b", "https://gitlab.com/a/b", False),
        ("https://ann:pw@git.corp.internal/a/b", "https://git.corp.internal/a/b", True),
        ("git@10.0.0.5:a/b", "https://10.0.0.5/a/b", True),
        ("/home/ann/x.git", None, True),
        ("file:///home/ann/x.git", None, True),
        ("../x", None, True),
        ("C:\\x", None, True),
        ("", None, False),
        (None, None, False),
    ],
)
def test_remotes_lose_their_credentials(url: str | None, clean: str | None, private: bool) -> None:
    assert clean_remote(url) == (clean, private)


def test_lock_files() -> None:
    files = {
        "requirements.txt": b"a==1.0\nb>=2\n# c==3\nd[x] == 4.1\n",
        "package-lock.json": b'{"packages": {"": {"version": "0"}, "node_modules/x": {"version": "1.2.3"}}}',
        "Cargo.lock": b'[[package]]\nname = "serde"\nversion = "1.0.1"\n',
        "uv.lock": b"not = [toml",
        "go.mod": b"module m\n\ngo 1.22\n\nrequire (\n\texample.org/x v1.2.0 // indirect\n)\n",
        "Gemfile.lock": b"GEM\n  specs:\n    rake (13.0.6)\n      dep (>= 1)\n",
        ".nvmrc": b"v20.1.0\n",
        "pyproject.toml": b'[project]\nrequires-python = ">=3.11"\n',
    }
    found = environment(files.get)
    assert found["languages"] == {"go": "1.22", "node": "v20.1.0", "python": ">=3.11"}
    told = {(one["ecosystem"], one["name"], one["version"]) for one in found["dependencies"]}
    assert told == {
        ("python", "a", "1.0"), ("python", "d", "4.1"), ("node", "x", "1.2.3"), ("rust", "serde", "1.0.1"),
        ("go", "example.org/x", "v1.2.0"), ("ruby", "rake", "13.0.6"),
    }  # fmt: skip
    assert environment(dict.fromkeys(files, b"\xff\x00[[").get)["dependencies"] == []


# -- sealed with other repositories


def sealed_with(cli: Cli, there: Machine, target: Path, *words: object) -> dict[str, bytes]:
    assert cli("index", there.log, home=there.home).status == 0
    assert cli("redact", SESSION, "--accept-tier", "2", home=there.home).status == 0
    done = cli("seal", SESSION, "-o", target, *words, home=there.home)
    assert done.status == 0, done.err
    with zipfile.ZipFile(target) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def verdict(cli: Cli, target: Path, *words: object) -> str:
    cli("verify", target, "--json").lines[0]["digest"]
    return str(cli("replay", target, "--agree", "ours", "--json", *words).lines[-1]["verdict"])


@needs_sandbox
def test_an_unpushed_base_travels_as_a_patch(cli: Cli, there: Machine, tmp_path: Path) -> None:
    """What was pushed is older than the base: the patch from there to the base is carried."""
    git(there.origin, "update-ref", "refs/heads/main", _older(there))
    git(there.repo, "fetch", "-q", "--prune", "origin")
    found = sealed_with(cli, there, tmp_path / "x.zip")
    base = json.loads(found["manifest.json"])["repository"]["base"]
    assert base["commit"] == there.base
    assert base["pushed"] is False
    assert base["start"] == git(there.origin, "rev-parse", "main")
    assert b"def chop" in found["patches/0000.patch"]
    git(tmp_path, "clone", "-q", str(there.origin), "clone")
    assert verdict(cli, tmp_path / "x.zip", "--repo", tmp_path / "clone") == "reproduces"


def _older(there: Machine) -> str:
    """A commit in the origin that the base stands upon: the history is written again on top of it."""
    tree = git(there.repo, "hash-object", "-t", "tree", "-w", "/dev/null")
    first = git(there.repo, "commit-tree", tree, "-m", "Nothing yet", at=1_769_000_000)
    commits = [there.base, there.broken, there.mended]
    parent = first
    made = []
    for nth, sha in enumerate(commits):
        parent = git(
            there.repo, "commit-tree", git(there.repo, "rev-parse", f"{sha}^{{tree}}"), "-p", parent, "-m", "again",
            at=1_770_000_000 + nth * 1500,
        )  # fmt: skip
        made.append(parent)
    git(there.repo, "reset", "-q", "--hard", parent)
    there.base, there.broken, there.mended = made
    git(there.repo, "push", "-q", "-f", "origin", f"{first}:refs/heads/first")
    git(there.origin, "update-ref", "refs/heads/main", first)
    git(there.repo, "fetch", "-q", "--prune", "origin")
    return first


@needs_sandbox
def test_without_a_repository_files_are_carried(cli: Cli, there: Machine, tmp_path: Path) -> None:
    (there.repo / ".git").rename(tmp_path / "gone.git")
    found = sealed_with(cli, there, tmp_path / "x.zip")
    assert json.loads(found["manifest.json"])["repository"]["base"] is None
    assert found["files/chop.py"] == CODE.encode()
    assert found["files/tests/test_chop.py"] == TEST.encode()
    assert verdict(cli, tmp_path / "x.zip") == "reproduces"


def test_a_secret_in_the_code_and_a_patch_that_no_longer_fits(cli: Cli, there: Machine, tmp_path: Path) -> None:
    """The base itself holds what was taken out of the patch: the patch is named, and its check is inconclusive."""
    secret = there.secret
    code = CODE.replace("    return", f"    key = '{secret}'\n    return")
    (there.repo / "chop.py").write_text(code)
    git(there.repo, "commit", "-qam", "With a key", at=1_770_000_500)
    git(there.repo, "push", "-q", "-f", "origin", "main")
    log = Log(str(there.repo))
    log.prompt("Mend it")
    log.edit("chop.py", code, "size - 1", "size")
    log.command("python3 -m unittest", "AssertionError: x\n", 1)
    log.save(there.log)
    found = sealed_with(cli, there, tmp_path / "x.zip")
    manifest = json.loads(found["manifest.json"])
    assert secret.encode() not in b"".join(found.values())
    (patch,) = manifest["repository"]["patches"]
    assert "does not apply" in patch["problems"][0]
    assert any("does not apply" in note for note in manifest["notes"])
    (check,) = json.loads(found["checks.json"])
    assert "does not apply" in check["problem"]
    assert verdict(cli, tmp_path / "x.zip", "--repo", there.repo) == "inconclusive"


def test_a_secret_that_only_the_repository_holds(cli: Cli, there: Machine, tmp_path: Path) -> None:
    """Context lines of a patch come from the repository; nobody has reviewed them."""
    other = "gl" + "pat-" + "Zk3mQ9xW7bT2vR5nY8cD"
    code = f"TOKEN = '{other}'\n\n" + CODE
    (there.repo / "chop.py").write_text(code)
    git(there.repo, "commit", "-qam", "With a token", at=1_770_000_500)
    log = Log(str(there.repo))
    log.prompt("Mend it")
    log.tool(
        "Edit",
        {"file_path": f"{there.repo}/chop.py", "old_string": '"""Chop."""', "new_string": '"""Chop up."""'},
        "done",
        {"filePath": f"{there.repo}/chop.py", "oldString": '"""Chop."""', "newString": '"""Chop up."""'},
    )
    log.save(there.log)
    found = sealed_with(cli, there, tmp_path / "x.zip", "--file", "chop.py")
    assert other.encode() not in b"".join(found.values())
    assert b"Chop up" in found["patches/0001.patch"]
    assert found["files/chop.py"].startswith("TOKEN = '\u2039".encode())


def test_texts_before_the_first_edit() -> None:
    edits = [
        edit(1, FileEdit("/r/x", "update", "1\n", "2\n")),
        edit(2, FileEdit("/r/x", "update", "2\n", "3\n")),
        edit(3, FileEdit("/r/new", "add", None, "3\n")),
        edit(4, FileEdit("/r/p", "update", pieces=(("old\n", "new\n"), ("", "x")))),
        edit(5, FileEdit("/r/a", "move", "1\n", to="/r/b")),
        edit(6, FileEdit("/r/b", "update", "1\n", "2\n")),
    ]
    assert first_texts(edits, locate) == {
        "x": (b"1\n", ()), "new": (None, ()), "p": (None, (b"old\n",)), "a": (b"1\n", ()),
    }  # fmt: skip
