"""Who is named for a commit or for lines, and for how many lines."""

from __future__ import annotations

from tracetui.trail.blame import Blame, Blamer
from tracetui.trail.judge import Judge
from tracetui.trail.store import Store

from .histories import HELPER, Scene, assigned

COUNT = "    metrics.increment('app.second', cost=total)\n"


def named(row: Blame) -> dict[str, int]:
    return {share.session: share.lines for share in row.shares}


def blame(scene: Scene, *shas: str) -> list[Blame]:
    owner = Judge(Store(scene.root / ".git", scene.root))
    try:
        owner.prepare()
        blamer = Blamer(owner, assigned(owner, owner.hunks(scene.edits)))
        return [blamer.commit(sha) for sha in shas]
    finally:
        owner.close()


def lines(scene: Scene, path: str) -> list[Blame]:
    owner = Judge(Store(scene.root / ".git", scene.root))
    try:
        sha = owner.prepare()
        assert sha is not None
        return Blamer(owner, assigned(owner, owner.hunks(scene.edits))).lines(sha, path, None, None)
    finally:
        owner.close()


def test_blank_lines_count_as_git_counts_them(scene: Scene) -> None:
    scene.append("app.py", HELPER)
    scene.put("notes.txt", "one\n\ntwo\n")  # somebody's own, with a blank line of its own
    sha = scene.commit("helper")
    (row,) = blame(scene, sha)
    numstat = [line.split("\t") for line in scene.git("show", "--numstat", "--format=", sha).splitlines()]
    assert (row.added, row.removed) == (sum(int(part[0]) for part in numstat), sum(int(part[1]) for part in numstat))
    assert named(row) == {"s1": len(HELPER.splitlines())}
    assert sum(run.attributed for run in lines(scene, "app.py")) == len(HELPER.splitlines())
    assert sum(run.attributed for run in lines(scene, "notes.txt")) == 0


def test_a_line_written_again_by_somebody_else(scene: Scene) -> None:
    scene.edit("app.py", "    return total\n", COUNT + "    return total\n")
    own = scene.commit("count")
    scene.sub("app.py", "    return len(name)\n", COUNT + "    return len(name)\n")
    other = scene.commit("count there, too")
    scene.put("far.py", "def far(total):\n" + COUNT + "    return total\n")
    far = scene.commit("and far away")
    assert [named(row) for row in blame(scene, own, other, far)] == [{"s1": 1}, {}, {}]


def test_a_second_copy_by_a_second_session(scene: Scene) -> None:
    scene.edit("app.py", "    return total\n", COUNT + "    return total\n")
    one = scene.commit("count")
    scene.edit("app.py", "    return len(name)\n", COUNT + "    return len(name)\n", "s2")
    two = scene.commit("count there, too")
    assert [named(row) for row in blame(scene, one, two)] == [{"s1": 1}, {"s2": 1}]


def test_copies_and_moves_of_a_commit_name_the_writer(scene: Scene) -> None:
    scene.git("checkout", "-qb", "feature")
    scene.append("app.py", HELPER)
    first = scene.commit("helper")
    scene.git("checkout", "-q", "main")
    scene.tick()
    scene.git("cherry-pick", first)
    picked = scene.sha()
    scene.sub("app.py", HELPER, "")
    scene.put("helpers.py", HELPER.lstrip())
    moved = scene.commit("move")
    rows = blame(scene, first, picked, moved)
    assert [list(named(row)) for row in rows] == [["s1"]] * 3
    assert named(rows[0]) == named(rows[1])


def test_taken_out_and_put_back(scene: Scene) -> None:
    scene.append("app.py", HELPER)
    first = scene.commit("helper")
    scene.tick()
    scene.git("revert", "--no-edit", "HEAD")
    out = scene.sha()
    scene.tick()
    scene.git("revert", "--no-edit", "HEAD")
    assert [list(named(row)) for row in blame(scene, first, out, scene.sha())] == [["s1"], [], ["s1"]]
