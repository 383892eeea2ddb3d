"""The touch index grows as it would have been built; judging again gives what judging anew gives."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest

from tracetui.trail.commit_diffs import by_objects
from tracetui.trail.judge import Judge, judge
from tracetui.trail.line_changes import TouchIndex, tips_of
from tracetui.trail.origin import origins
from tracetui.trail.store import Store
from tracetui.trail.texts import Texts

from .histories import BASE, HELPER, Scene


def contents(index: TouchIndex) -> dict[tuple[str, str], object]:
    """Everything in the index by sha and path, whatever the numbers."""
    return {
        (index.shas[idx], touch.path): (
            touch.status,
            touch.source,
            touch.blob,
            touch.added,
            touch.removed,
        )
        for idx in range(len(index.shas))
        for touch in index.of_commit(idx)
    }


def shuffle(scene: Scene, rng: random.Random, rounds: int) -> None:
    """Commits of all kinds: edits, renames, deletions, merges, reverts."""
    for _ in range(rounds):
        number = scene.now
        kind = rng.random()
        files = [name for name in scene.git("ls-files").split("\n") if name.endswith(".py")]
        name = rng.choice(files)
        text = scene.read(name).split("\n")
        at = rng.randrange(len(text))
        if kind < 0.55:
            text[at : at + rng.randrange(3)] = [
                f"line_{number}_{n} = value({rng.randrange(9)})" for n in range(rng.randrange(4))
            ]
            scene.put(name, "\n".join(text))
            scene.commit(f"edit {number}")
        elif kind < 0.65:
            scene.git("mv", name, f"moved_{number}.py")
            scene.commit(f"move {number}")
        elif kind < 0.75:
            scene.put(f"new_{number}.py", "\n".join(rng.sample(text, len(text) // 2)) + f"\nnew_{number}()\n")
            scene.commit(f"new {number}")
        elif kind < 0.85:
            scene.tick()
            if scene.git("rev-parse", "--verify", "-q", "HEAD~1", check=False):
                scene.git("revert", "--no-edit", "HEAD", check=False)
                scene.git("revert", "--abort", check=False)
                scene.git("reset", "-q", "--hard")
        else:
            branch = f"b{number}"
            scene.git("checkout", "-qb", branch, "HEAD~1", check=False)
            scene.put(f"side_{number}.py", f"side_{number} = 1\n")
            scene.commit(f"side {number}")
            scene.git("checkout", "-q", "main")
            scene.tick()
            scene.git("merge", "-q", "--no-ff", branch, check=False)


def test_grown_and_built_at_once_are_the_same(scene: Scene, tmp_path: Path) -> None:
    rng = random.Random(5)
    store = Store(scene.root / ".git", scene.root)
    grown = TouchIndex(tmp_path / "trail.db", store)
    try:
        for _ in range(4):
            shuffle(scene, rng, 5)
            fresh = Store(scene.root / ".git", scene.root)
            grown.store = fresh
            grown.update(tips_of(fresh.refs()).values())
            fresh.close()
        anew = TouchIndex(None, store)
        anew.update(tips_of(store.refs()).values())
        assert contents(grown) == contents(anew)
        assert all(max(parents, default=-1) < idx for idx, parents in enumerate(grown.parents))
        anew.close()
    finally:
        grown.close()
        store.close()


def test_by_objects_gives_what_git_gives(scene: Scene) -> None:
    shuffle(scene, random.Random(6), 12)
    store = Store(scene.root / ".git", scene.root)
    index = TouchIndex(None, store)
    index.update(tips_of(store.refs()).values())
    for idx in range(len(index.shas)):
        if len(index.parents[idx]) > 1:
            continue
        ours = {raw.path: raw for raw in by_objects(index.store, index.shas[idx])}
        for touch in index.of_commit(idx):
            if touch.status in ("A", "M", "D"):
                assert ours[touch.path].status[:1] == touch.status
                assert len(ours[touch.path].added) - len(ours[touch.path].removed) == sum(touch.added.values()) - sum(
                    touch.removed.values()
                )
    index.close()
    store.close()


def test_commits_beside_a_missing_blob_are_read_as_ever(scene: Scene) -> None:
    shuffle(scene, random.Random(7), 24)
    store = Store(scene.root / ".git", scene.root)
    whole = TouchIndex(None, store)
    whole.update(tips_of(store.refs()).values())
    known = contents(whole)
    lost = sorted({touch.blob for idx in range(len(whole.shas)) for touch in whole.of_commit(idx) if touch.blob})[::3]
    for blob in lost:
        (scene.root / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    assert len(lost) > 1
    again = Store(scene.root / ".git", scene.root)
    index = TouchIndex(None, again)
    index.update(tips_of(again.refs()).values())
    found = contents(index)
    hurt = {
        sha
        for (sha, path), touch in found.items()
        if str(touch[0]).endswith("?")  # type: ignore[index]
    }
    assert found.keys() >= {key for key in known if key[0] not in hurt}
    assert hurt
    assert {key: touch for key, touch in found.items() if key[0] not in hurt} == {
        key: touch for key, touch in known.items() if key[0] not in hurt
    }
    for owner in (whole, index):
        owner.close()
    store.close()
    again.close()


def test_a_database_of_another_kind_is_begun_anew(scene: Scene, tmp_path: Path) -> None:
    scene.append("app.py", HELPER)
    scene.commit("helper")
    database = tmp_path / "trail.db"
    database.write_bytes(b"this is no database at all, but long enough to be read as one" * 40)
    assert judge(scene.edits, db=database)[0].state == "alive"
    assert database.stat().st_mode & 0o777 == 0o600
    assert judge(scene.edits, db=database)[0].state == "alive"


def test_origins_agree_with_git_blame(scene: Scene) -> None:
    shuffle(scene, random.Random(8), 14)
    store = Store(scene.root / ".git", scene.root)
    index = TouchIndex(None, store)
    index.update(tips_of(store.refs()).values())
    texts = Texts(store)
    same = total = 0
    for name in scene.git("ls-files").split("\n"):
        out = subprocess.run(
            ["git", "blame", "-w", "--porcelain", "HEAD", "--", name], cwd=scene.root, capture_output=True, text=True
        ).stdout.split("\n")
        theirs = [line.split()[0] for line in out if len(line.split()) in (3, 4) and len(line.split()[0]) == 40]
        ours = origins(index, texts, scene.sha(), name, range(len(theirs)))
        assert len(ours) == len(theirs)
        total += len(theirs)
        same += sum(ours[at][0] == sha for at, sha in enumerate(theirs))
    assert total > 20
    assert same >= total * 0.95  # of equal lines either may be the older one
    index.close()
    store.close()


@pytest.mark.parametrize("seed", [1, 2, 5])
def test_judged_again_as_judged_anew(scene: Scene, seed: int) -> None:
    rng = random.Random(seed)
    scene.append("app.py", HELPER)
    scene.edit("app.py", "value * 2", "scale_by_two(value)", "s2")
    scene.edit("app.py", "    total = 0\n", "    total = start_value()\n    count = begin_counting(values)\n")
    owner = Judge(Store(scene.root / ".git", scene.root))
    try:
        owner.prepare()
        hunks = owner.hunks(scene.edits)
        states = owner.states(hunks)
        assert {state.state for state in states} == {"pending"}
        for turn in range(8):
            before, size = owner.at, len(owner.index.shas)
            move = rng.randrange(5)
            if turn == 0:
                scene.commit("all of it")
            elif move == 0:
                scene.tick()
                scene.git("revert", "--no-edit", "HEAD", check=False)
                scene.git("reset", "-q", "--hard")
            elif move == 1 and (scene.root / "app.py").exists():
                scene.git("mv", "app.py", f"app_{turn}.py")
                scene.commit("move")
                scene.git("mv", f"app_{turn}.py", "app.py")
                scene.commit("and back")
            elif move == 2:
                scene.put("app.py", BASE + HELPER.replace("picked", f"chosen_{turn}"))
                scene.commit("names")
            elif move == 3 and scene.git("rev-list", "--count", "HEAD") != "1":
                scene.git("reset", "-q", "--hard", "HEAD~1")
            else:
                scene.put("other.py", HELPER + f"\nturn = {turn}\n")
                scene.commit("elsewhere")
            owner.prepare()
            states = owner.refresh(hunks, states, before, size)
            anew = Judge(Store(scene.root / ".git", scene.root))
            anew.prepare()
            wanted = anew.states(hunks)
            assert [state.json() for state in states] == [state.json() for state in wanted], turn
            assert [state.lines for state in states] == [state.lines for state in wanted], turn
            anew.close()
    finally:
        owner.close()


def test_a_long_history_is_indexed_from_the_edits_on(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(6):
        scene.tick(3 * 86400)
        scene.put("x.txt", f"some text {number}\n")
        scene.commit(f"x{number}")
    scene.append("app.py", HELPER)
    sha = scene.commit("helper")
    monkeypatch.setattr("tracetui.trail.judge._HISTORY", 3)
    owner = Judge(Store(scene.root / ".git", scene.root))
    try:
        assert scene.edits[0].time is not None
        owner.prepare(since=scene.edits[0].time)
        assert len(owner.index.shas) == 8
        assert sum(owner.index.done) == 2
        (found,) = owner.states(owner.hunks(scene.edits))
        assert (found.state, found.landing) == ("alive", sha)
    finally:
        owner.close()


def test_cancelled_work_is_taken_up_again(scene: Scene, tmp_path: Path) -> None:
    for number in range(3):
        scene.put("x.txt", f"some text {number}\n")
        scene.commit(f"x{number}")
    store = Store(scene.root / ".git", scene.root)
    index = TouchIndex(tmp_path / "trail.db", store)
    seen: list[tuple[int, int]] = []
    index.update(tips_of(store.refs()).values(), progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (4, 4)
    whole = contents(index)
    index.close()
    again = TouchIndex(tmp_path / "trail.db", store)
    assert again.update(tips_of(store.refs()).values()) == 0
    assert contents(again) == whole
    again.close()
    store.close()


def test_two_processes_grow_one_index(scene: Scene, tmp_path: Path) -> None:
    database = tmp_path / "trail.db"
    store = Store(scene.root / ".git", scene.root)
    one, two = TouchIndex(database, store), TouchIndex(database, store)
    try:
        for number in range(3):
            scene.put("app.py", BASE + f"\nnumber_{number} = {number}\n")
            scene.commit(f"x{number}")
            fresh = Store(scene.root / ".git", scene.root)
            tips = tips_of(fresh.refs()).values()
            fresh.close()
            (one if number % 2 else two).update(tips)
            (two if number % 2 else one).update(tips)
            assert contents(one) == contents(two)
            assert one.index == two.index
            assert (
                [t.idx for t in one.touches("app.py")]
                == [t.idx for t in two.touches("app.py")]
                == list(range(number + 2))
            )
    finally:
        one.close()
        two.close()
        store.close()


def test_a_failed_update_leaves_the_index_as_it_was(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tracetui.trail import line_changes

    store = Store(scene.root / ".git", scene.root)
    index = TouchIndex(tmp_path / "trail.db", store)
    try:
        index.update(tips_of(store.refs()).values())
        before = contents(index)
        scene.append("app.py", HELPER)
        scene.commit("helper")
        with monkeypatch.context() as patch:
            patch.setattr(line_changes.TouchIndex, "_keep", lambda *_: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                index.update([scene.sha()])
        assert contents(index) == before
        index.update([scene.sha()])
        assert len(contents(index)) == len(before) + 1
    finally:
        index.close()
        store.close()
