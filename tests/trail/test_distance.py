"""Histories with days between edit and commit, each with its twin that must not land."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tracetui.trail.judge import HunkState, Judge
from tracetui.trail.store import Store

from .histories import BASE, HELPER, Scene, assigned

DAY = 86_400
READ = "        return handle.readline()\n"
START = "        start = time.time()\n"
OTHER = "and much else\nthat has\nnothing to do\nwith it\nat all\nreally\nnothing\nmore\n"
TIMER = "\n\ndef timed(path):\n    start = time.time()\n    return run_it(path), start\n"


def told(found: HunkState) -> tuple[str, str, str | None]:
    return found.state, found.reason, found.landing


def commit_as(scene: Scene, name: str, message: str) -> str:
    """A commit by another developer."""
    scene.git("config", "user.email", f"{name}@example.org")
    sha = scene.commit(message)
    scene.git("config", "user.email", "dev@example.org")
    return sha


def test_a_one_line_fix_after_three_days(scene: Scene) -> None:
    scene.edit("app.py", "    total = 0\n", "    total = start_at\n")
    scene.tick(3 * DAY)
    sha = scene.commit("fix")
    assert told(scene.one()) == ("alive", "exact", sha)


def test_a_common_line_of_somebody_else(scene: Scene) -> None:
    """The agent's line was thrown away; days later somebody writes the same one for another reason."""
    scene.edit(
        "app.py",
        "        return handle.readline()\n",
        "        start = time.time()\n        return handle.readline()\n",
    )
    scene.put("app.py", BASE)
    scene.tick(3 * DAY)
    scene.put("app.py", BASE + TIMER)
    commit_as(scene, "other", "time it")
    assert told(scene.one()) == ("unknown", "origin_unclear", None)


def test_many_lines_after_two_days(scene: Scene) -> None:
    scene.append("app.py", HELPER)
    scene.tick(2 * DAY)
    sha = commit_as(scene, "other", "helper, at last")
    assert told(scene.one()) == ("alive", "exact", sha)


@pytest.mark.parametrize("kept", [True, False])
def test_a_squash_after_five_days(scene: Scene, kept: bool) -> None:
    """Also where the branch is gone and only the index remembers it."""
    database = scene.root.parent / "trail.db"
    scene.git("checkout", "-qb", "feature")
    scene.edit("app.py", "    total = 0\n", "    total = 1\n")
    scene.commit("start at one")
    scene.put("more.py", "more_of_it = 1\n")
    scene.commit("more")
    scene.judge(db=database)
    scene.git("checkout", "-q", "main")
    scene.tick(5 * DAY)
    scene.git("merge", "-q", "--squash", "feature")
    if not kept:
        scene.git("branch", "-qD", "feature")
    sha = commit_as(scene, "forge", "Feature (#7)")
    (found,) = scene.judge(db=database)
    assert told(found) == ("alive", "exact", sha)


def test_a_line_like_it_in_something_else_after_five_days(scene: Scene) -> None:
    scene.git("checkout", "-qb", "feature")
    scene.edit("app.py", "    total = 0\n", "    total = 1\n")
    own = scene.commit("start at one")
    scene.git("checkout", "-q", "main")
    scene.tick(5 * DAY)
    scene.put("app.py", BASE + "\n\ndef fourth(values):\n    total = 1\n    return total * len(values)\n")
    commit_as(scene, "other", "fourth")
    found = scene.one()
    assert (found.state, found.reason, found.landing, found.commits) == ("pending", "unmerged", None, (own,))


def test_an_amend_takes_later_edits_in(scene: Scene) -> None:
    scene.put("q.txt", "some other text\n")
    first = scene.commit("helper")
    when = scene.git("show", "-s", "--format=%at", first)
    scene.append("app.py", HELPER)
    scene.tick()
    scene.git("add", "-A")
    scene.git("commit", "-q", "--amend", "--no-edit", "--date", f"{when} +0000")
    assert told(scene.one()) == ("alive", "exact", scene.sha())


def test_a_rebased_commit_that_had_the_line_before(scene: Scene) -> None:
    """A colleague's commit from before the edit is rebased after it: it does not hold the edit."""
    scene.git("checkout", "-qb", "theirs")
    scene.put("app.py", BASE + TIMER)
    commit_as(scene, "other", "time it")
    scene.git("checkout", "-q", "main")
    scene.tick(600)
    scene.edit("app.py", "import sys\n", "import sys\n    start = time.time()\n")
    scene.put("app.py", BASE)
    scene.put("q.txt", "some other text\n")
    scene.commit("q")
    scene.tick(600)
    scene.git("rebase", "-q", "main", "theirs")
    scene.git("branch", "-q", "old", "ORIG_HEAD")
    scene.git("checkout", "-q", "main")
    scene.git("merge", "-q", "--ff-only", "theirs")
    found = scene.one()
    assert (found.state, found.landing) == ("unknown", None)


def test_a_deletion_that_somebody_else_made_in_passing(scene: Scene) -> None:
    scene.edit("app.py", "        total += value * 2\n", "")
    scene.put("app.py", BASE)
    scene.put("q.txt", OTHER)
    scene.commit("q")
    scene.tick(4 * DAY)
    head = BASE.split("def second")[0]
    scene.put("app.py", head + "class Sums:\n    factor = 2\n")
    commit_as(scene, "other", "sums in a class")
    assert scene.one().landing is None
    assert scene.one().state == "unknown"


def test_a_deletion_after_four_days(scene: Scene) -> None:
    lines = "        total += value * 2\n    return total\n\n\ndef third(name):\n"
    scene.edit("app.py", lines, "")
    scene.tick(4 * DAY)
    sha = scene.commit("shorter")
    found = scene.of(scene.edits[0])
    assert (found.state, found.landing) == ("alive", sha)


def test_an_import_in_another_file(scene: Scene) -> None:
    scene.edit("app.py", "import sys\n", "import sys\nimport collections.abc\nfrom pathlib import PurePosixPath\n")
    scene.put("app.py", BASE)
    scene.tick(600)
    scene.put("far.py", "import collections.abc\nfrom pathlib import PurePosixPath\n\nprint(PurePosixPath)\n")
    scene.commit("far")
    assert told(scene.one()) == ("lost", "never_landed", None)


def test_passed_over_by_the_same_author(scene: Scene) -> None:
    """Thrown away, the file committed without it, and the same line written an hour later: it is another one."""
    scene.edit(
        "app.py",
        "        return handle.readline()\n",
        "        start = time.time()\n        return handle.readline()\n",
    )
    scene.put("app.py", BASE + "\n\nVERSION = 3\n")
    scene.commit("version")
    scene.tick(3600)
    scene.put("app.py", BASE + "\n\nVERSION = 3\n" + TIMER)
    scene.commit("time it")
    assert told(scene.one()) == ("unknown", "origin_unclear", None)


def test_the_nearest_of_two_sessions(scene: Scene) -> None:
    """Two sessions wrote the same lines, each in its own worktree; the commit is of the later one."""
    scene.append("app.py", HELPER, "s1")
    scene.put("app.py", BASE)
    scene.edits[0] = replace(scene.edits[0], branch="one")
    scene.tick(600)
    scene.append("app.py", HELPER, "s2")
    sha = scene.commit("helper")
    landings = {state.session: state.landing for state in scene.judge()}
    assert landings == {"s1": None, "s2": sha}


def test_a_conflict_lands_in_the_merge(scene: Scene) -> None:
    scene.git("checkout", "-qb", "feature")
    scene.sub("app.py", "    total = 0\n", "    total = start_of(values)\n")
    scene.commit("start")
    scene.git("checkout", "-q", "main")
    scene.sub("app.py", "    total = 0\n", "    total = zero_of(values)\n")
    scene.commit("zero")
    scene.tick()
    scene.git("merge", "-q", "feature", check=False)
    text = scene.read("app.py")
    at, end = text.index("<<<<<<<"), text.index(">>>>>>>")
    end = text.index("\n", end) + 1
    scene.edit("app.py", text[at:end], "    total = start_of(values)\n")
    sha = scene.commit("merge")
    assert {(state.state, state.landing) for state in scene.judge()} == {("alive", sha)}


def test_a_conflict_that_was_given_up(scene: Scene) -> None:
    scene.git("checkout", "-qb", "feature")
    scene.sub("app.py", "    total = 0\n", "    total = start_of(values)\n")
    scene.commit("start")
    scene.git("checkout", "-q", "main")
    scene.sub("app.py", "    total = 0\n", "    total = zero_of(values)\n")
    scene.commit("zero")
    scene.tick()
    scene.git("merge", "-q", "feature", check=False)
    text = scene.read("app.py")
    at, end = text.index("<<<<<<<"), text.index(">>>>>>>")
    end = text.index("\n", end) + 1
    scene.edit("app.py", text[at:end], "    total = zero_of(values)\n")
    scene.git("merge", "--abort")
    scene.put("q.txt", "some other text\n")
    scene.commit("q")
    assert {state.landing for state in scene.judge()} == {None}


def test_pending_only_where_the_file_differs(scene: Scene) -> None:
    """Thrown away, and the file is as HEAD has it: nothing waits there."""
    scene.edit("app.py", "    total = 0\n", "    total = start_at\n")
    assert told(scene.one()) == ("pending", "worktree", None)
    scene.put("app.py", BASE)
    assert told(scene.one()) == ("lost", "never_landed", None)


def test_blame_and_trail_say_the_same(scene: Scene) -> None:
    scene.edit(
        "app.py",
        "        return handle.readline()\n",
        "        start = time.time()\n        return handle.readline()\n",
    )
    scene.put("app.py", BASE)
    scene.tick(3 * DAY)
    scene.put("app.py", BASE + TIMER)
    late = commit_as(scene, "other", "time it")
    scene.edit("app.py", "    total = 0\n", "    total = 1\n", "s2")
    scene.edit("app.py", '    print("hello", name)\n', "", "s2")
    own = scene.commit("fix")
    owner = Judge(Store(scene.root / ".git", scene.root))
    try:
        owner.prepare()
        hunks = owner.hunks(scene.edits)
        from tracetui.trail.blame import Blamer

        blamer = Blamer(owner, assigned(owner, hunks))
        named = {(share.session, sha) for sha in (late, own) for share in blamer.commit(sha).shares}
        landed = {(state.session, sha) for state in owner.states(hunks) for sha in state.commits}
    finally:
        owner.close()
    assert named == landed == {("s2", own)}
