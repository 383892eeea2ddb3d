# ruff: noqa: E501
"""Hunks that were undone."""

from __future__ import annotations

import pytest

from .histories import BASE, HELPER, Scene


def landed(scene: Scene) -> str:
    scene.append("app.py", HELPER)
    return scene.commit("Add helper")


def check(scene: Scene, reason: str, landing: str, killer: str | None, state: str = "reverted") -> None:
    found = scene.one()
    assert (found.state, found.reason, found.landing, found.killer) == (state, reason, landing, killer)
    assert found.retention is not None
    assert found.retention < 0.25


def test_git_revert(scene: Scene) -> None:
    sha = landed(scene)
    scene.tick()
    scene.git("revert", "--no-edit", "HEAD")
    check(scene, "revert_commit", sha, scene.sha())


@pytest.mark.parametrize("message", ["Back out {short}", 'Revert "Add helper"', "Undo: this reverts commit {sha}."])
def test_messages_that_name_the_landing(scene: Scene, message: str) -> None:
    sha = landed(scene)
    scene.put("app.py", BASE)
    scene.put("other.txt", "and much else\nthat has\nnothing to do\nwith it\nat all\nreally\nnothing\nmore\n")
    killer = scene.commit(message.format(sha=sha, short=sha[:9]))
    check(scene, "revert_commit", sha, killer)


def test_revert_after_later_edits(scene: Scene) -> None:
    sha = landed(scene)
    scene.sub("app.py", "import os\n", "import os\nimport json as codec\n")
    scene.commit("import")
    scene.tick()
    scene.git("revert", "--no-edit", sha)
    check(scene, "revert_commit", sha, scene.sha())


def test_revert_of_a_merge(scene: Scene) -> None:
    scene.git("checkout", "-qb", "feature")
    sha = landed(scene)
    scene.git("checkout", "-q", "main")
    scene.put("x.txt", "some text\n")
    scene.commit("x")
    scene.tick()
    scene.git("merge", "-q", "--no-ff", "feature")
    scene.git("branch", "-qD", "feature")
    scene.tick()
    scene.git("revert", "--no-edit", "-m", "1", "HEAD")
    check(scene, "revert_commit", sha, scene.sha())


def test_revert_of_a_pull_request(scene: Scene) -> None:
    scene.git("checkout", "-qb", "feature")
    scene.append("app.py", HELPER)
    scene.commit("wip")
    scene.git("checkout", "-q", "main")
    scene.git("merge", "-q", "--squash", "feature")
    sha = scene.commit("Add helper (#12)")
    scene.git("branch", "-qD", "feature")
    scene.put("app.py", BASE)
    scene.put("other.txt", "and much else\nthat has\nnothing to do\nwith it\nat all\nreally\nnothing\nmore\n")
    killer = scene.commit('Revert "Add helper (#12)" (#14)\n\nReverts owner/repo#12')
    check(scene, "revert_commit", sha, killer)


def test_revert_that_names_the_original_of_a_pick(scene: Scene) -> None:
    scene.git("checkout", "-qb", "dev")
    scene.append("app.py", HELPER)
    origin = scene.commit("helper")
    scene.git("checkout", "-q", "main")
    scene.put("x.txt", "some text\n")
    scene.commit("x")
    scene.tick()
    scene.git("cherry-pick", "dev")
    pick = scene.sha()
    scene.put("app.py", BASE)
    scene.put("other.txt", "and much else\nthat has\nnothing to do\nwith it\nat all\nreally\nnothing\nmore\n")
    killer = scene.commit(f"Go back\n\nThis reverts commit {origin}.")
    check(scene, "revert_commit", pick, killer)


def test_revert_of_revert_of_revert(scene: Scene) -> None:
    sha = landed(scene)
    for _ in range(3):
        scene.tick()
        scene.git("revert", "--no-edit", "HEAD")
    found = scene.one()
    assert (found.state, found.landing, found.killer) == ("reverted", sha, scene.sha())


def test_inverse_without_a_word(scene: Scene) -> None:
    sha = landed(scene)
    scene.put("app.py", BASE)
    killer = scene.commit("hm")
    check(scene, "inverse_patch", sha, killer)


def test_inverse_of_a_replacement(scene: Scene) -> None:
    scene.edit("app.py", "        total += value * 2\n", "        total += scaled(value, by=factor)\n")
    sha = scene.commit("scale")
    scene.put("app.py", BASE)
    killer = scene.commit("no")
    check(scene, "inverse_patch", sha, killer)


def test_new_file_taken_out_again(scene: Scene) -> None:
    scene.write("fresh.py", "def fresh_function():\n    return 'a fresh value'\n")
    sha = scene.commit("fresh")
    scene.git("rm", "-q", "fresh.py")
    killer = scene.commit("not fresh")
    check(scene, "inverse_patch", sha, killer)


def test_hand_undo_among_other_things(scene: Scene) -> None:
    scene.edit(
        "app.py",
        "    total = 0\n    for value in values:\n        total += value * 2\n    return total\n",
        "    return sum(scaled(value) for value in values)\n",
    )
    sha = scene.commit("sum")
    scene.put("app.py", BASE)
    scene.put("other.txt", "and much else\nthat has\nnothing to do\nwith it\nat all\nreally\nnothing\nmore\n")
    killer = scene.commit("various")
    check(scene, "pre_edit_restored", sha, killer)


def test_deletion_undone(scene: Scene) -> None:
    scene.edit("app.py", "        total += value * 2\n", "")
    sha = scene.commit("drop")
    scene.put("app.py", BASE)
    scene.put("other.txt", "and much else\nthat has\nnothing to do\nwith it\nat all\nreally\nnothing\nmore\n")
    killer = scene.commit("various")
    check(scene, "deletion_undone", sha, killer)


def test_deletion_reverted(scene: Scene) -> None:
    scene.edit("app.py", "        total += value * 2\n", "")
    sha = scene.commit("drop")
    scene.tick()
    scene.git("revert", "--no-edit", "HEAD")
    check(scene, "revert_commit", sha, scene.sha())


def test_undone_in_a_renamed_file(scene: Scene) -> None:
    sha = landed(scene)
    scene.git("mv", "app.py", "program.py")
    scene.commit("rename")
    scene.put("program.py", BASE)
    killer = scene.commit("hm")
    check(scene, "inverse_patch", sha, killer)


def test_undone_after_a_reformat(scene: Scene) -> None:
    sha = landed(scene)
    scene.put("app.py", scene.read("app.py").replace("raise ValueError(", "raise ValueError(\n            "))
    scene.commit("layout")
    scene.put("app.py", BASE)
    killer = scene.commit(f"Revert {sha}")
    check(scene, "revert_commit", sha, killer)


# -- lost


def test_addition_removed_among_other_things(scene: Scene) -> None:
    sha = landed(scene)
    scene.put("app.py", BASE)
    scene.put("other.txt", "and much else\nthat has\nnothing to do\nwith it\nat all\nreally\nnothing\nmore\n")
    killer = scene.commit("various")
    check(scene, "removed_later", sha, killer, "lost")


def test_replaced_by_something_else(scene: Scene) -> None:
    sha = landed(scene)
    scene.put(
        "app.py",
        BASE
        + "\n\nclass Registry(dict):\n    __slots__ = ()\n\n    @property\n    def busy(self):\n        return 42\n",
    )
    killer = scene.commit("registry")
    check(scene, "removed_later", sha, killer, "lost")


def test_file_deleted(scene: Scene) -> None:
    scene.put("more.py", "some_value = 1\n")
    scene.commit("more")
    sha = landed(scene)
    scene.git("rm", "-q", "app.py")
    killer = scene.commit("drop app")
    check(scene, "file_deleted", sha, killer, "lost")


def test_became_binary(scene: Scene) -> None:
    sha = landed(scene)
    scene.put("app.py", b"\0\1\2\3" * 100)
    killer = scene.commit("binary now")
    check(scene, "binary", sha, killer, "lost")


def test_boilerplate_elsewhere_does_not_keep_it_alive(make) -> None:
    go = "package main\n" + "".join(
        f'\nfunc load{n}(p string) (int, error) {{\n\tif p == "" {{\n\t\treturn 0, nil\n\t}}\n\treturn {n}, nil\n}}\n'
        for n in range(4)
    )
    scene = make(files={"main.go": go})
    extra = '\nfunc special(p string) (int, error) {\n\tif p == "" {\n\t\treturn 0, nil\n\t}\n\treturn specialValue(p), nil\n}\n'
    scene.append("main.go", extra)
    sha = scene.commit("special")
    scene.put("main.go", go)
    scene.put("other.txt", "and much else\nthat has\nnothing to do\nwith it\nat all\nreally\nnothing\nmore\n")
    killer = scene.commit("various")
    check(scene, "removed_later", sha, killer, "lost")


def test_killed_in_two_steps(scene: Scene) -> None:
    sha = landed(scene)
    scene.sub("app.py", '    if not picked:\n        raise ValueError("nothing fits the limit")\n', "")
    scene.commit("less")
    scene.put("app.py", BASE)
    scene.put("other.txt", "and much else\nthat has\nnothing to do\nwith it\nat all\nreally\nnothing\nmore\n")
    killer = scene.commit("nothing")
    check(scene, "removed_later", sha, killer, "lost")


def test_edited_then_removed_names_the_removal(scene: Scene) -> None:
    scene.edit("app.py", "    total = 0\n", "    total = 0\n    counter = make_counter(values, 3, option_name)\n")
    sha = scene.commit("counter")
    scene.sub("app.py", "make_counter(values, 3, option_name)", "make_counter(values, 4, option_name)")
    scene.commit("four")
    scene.put("app.py", BASE)
    scene.put("other.txt", "and much else\nthat has\nnothing to do\nwith it\nat all\nreally\nnothing\nmore\n")
    killer = scene.commit("none")
    check(scene, "removed_later", sha, killer, "lost")


def test_dropped_by_a_merge_that_took_our_side(scene: Scene) -> None:
    scene.git("checkout", "-qb", "feature")
    sha = landed(scene)
    scene.git("checkout", "-q", "main")
    scene.put("x.txt", "some text\n")
    scene.commit("x")
    scene.tick()
    scene.git("merge", "-q", "-s", "ours", "--no-ff", "feature")
    check(scene, "removed_later", sha, scene.sha(), "lost")


def test_superseded(scene: Scene) -> None:
    one = scene.append("app.py", HELPER)
    scene.write(
        "app.py",
        BASE
        + "\n\nclass Registry(dict):\n    __slots__ = ()\n\n    @property\n    def busy(self):\n        return 42\n",
    )
    scene.commit("registry")
    found = scene.of(one)
    assert (found.state, found.reason, found.landing, found.killer) == ("lost", "superseded", None, None)


def test_superseded_by_another_session(scene: Scene) -> None:
    one = scene.edit("app.py", "value * 2", "scale_by_two(value)", "s1")
    two = scene.edit("app.py", "scale_by_two(value)", "compute_with(value, factor)", "s2")
    sha = scene.commit("compute")
    assert (scene.of(one).state, scene.of(one).reason) == ("lost", "superseded")
    assert (scene.of(two).state, scene.of(two).landing) == ("alive", sha)


def test_undone_in_the_session(scene: Scene) -> None:
    one = scene.edit("app.py", "value * 2", "scale_by_two(value)")
    two = scene.edit("app.py", "scale_by_two(value)", "value * 2")
    scene.put("x.txt", "some text\n")
    scene.commit("x")
    first, second = scene.of(one), scene.of(two)
    assert (first.state, first.reason, first.counted) == ("lost", "superseded", False)
    assert (second.state, second.reason, second.landing, second.counted) == ("alive", "restores_base", None, False)


def test_addition_undone_in_the_session(scene: Scene) -> None:
    one = scene.append("app.py", HELPER)
    two = scene.write("app.py", BASE)
    scene.put("x.txt", "some text\n")
    scene.commit("x")
    first, second = scene.of(one), scene.of(two)
    assert (first.state, first.reason, first.counted) == ("lost", "superseded", False)
    assert (second.state, second.reason, second.landing, second.counted) == ("alive", "restores_base", None, False)


def test_committed_between_edit_and_undo(scene: Scene) -> None:
    one = scene.edit("app.py", "value * 2", "scale_by_two(value)")
    sha = scene.commit("scale")
    two = scene.edit("app.py", "scale_by_two(value)", "value * 2")
    killer = scene.commit("unscale")
    first, second = scene.of(one), scene.of(two)
    assert (first.state, first.reason, first.landing, first.killer) == ("reverted", "inverse_patch", sha, killer)
    assert (second.state, second.reason, second.landing) == ("alive", "exact", killer)
    assert first.counted
    assert second.counted


def test_written_again_after_an_undo(scene: Scene) -> None:
    one = scene.edit("app.py", "value * 2", "scale_by_two(value)")
    scene.edit("app.py", "scale_by_two(value)", "value * 2")
    three = scene.edit("app.py", "value * 2", "scale_by_two(value)")
    sha = scene.commit("scale")
    assert (scene.of(one).state, scene.of(one).reason) == ("lost", "superseded")
    assert (scene.of(three).state, scene.of(three).landing) == ("alive", sha)


def test_thrown_away_by_hand(scene: Scene) -> None:
    scene.append("app.py", HELPER)
    scene.git("checkout", "-q", "app.py")
    scene.put("x.txt", "some text\n")
    scene.commit("x")
    found = scene.one()
    assert (found.state, found.reason, found.landing) == ("lost", "never_landed", None)


def test_similar_text_is_no_landing(scene: Scene) -> None:
    scene.edit("app.py", "    total = 0\n", "    total = 0\n    counter = make_counter(values, 3, option_name)\n")
    scene.put(
        "app.py", BASE.replace("    total = 0\n", "    total = 0\n    counter = make_counter(values, 4, option_name)\n")
    )
    scene.commit("similar")
    assert (scene.one().state, scene.one().reason) == ("lost", "never_landed")
