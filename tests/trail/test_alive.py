"""Hunks whose text stands: in place, renamed, moved, rebased, squashed, picked, amended."""

from __future__ import annotations

from .histories import BASE, HELPER, Scene


def test_untouched(scene: Scene) -> None:
    scene.append("app.py", HELPER)
    sha = scene.commit("add helper")
    found = scene.one()
    assert (found.state, found.reason, found.landing, found.killer) == ("alive", "exact", sha, None)
    assert found.commits == (sha,)
    assert found.retention == 1.0
    assert (found.path, found.hunk, found.added, found.removed) == ("app.py", 0, 7, 0)


def test_lines_above_and_below_change_nothing(scene: Scene) -> None:
    scene.edit(
        "app.py", "        total += value * 2\n", "        total += value * 3 + offset\n        seen.append(value)\n"
    )
    sha = scene.commit("edit second")
    scene.put("app.py", '"""A header\nof several\nlines."""\n' + scene.read("app.py") + "\n\nTAIL = 1\n")
    scene.commit("header")
    found = scene.one()
    assert (found.state, found.reason, found.landing) == ("alive", "exact", sha)


def test_earliest_commit_wins_and_other_commits_do_not_matter(scene: Scene) -> None:
    scene.sub("app.py", "total = 0", "total = 10")
    scene.commit("before the edit")
    scene.append("app.py", HELPER)
    scene.put("other.py", "something_else = 1\n")
    sha = scene.commit("both")
    scene.sub("other.py", "something_else", "something_new")
    scene.commit("later")
    assert scene.one().landing == sha


def test_squash(scene: Scene) -> None:
    scene.git("checkout", "-qb", "feature")
    scene.append("app.py", HELPER)
    first = scene.commit("wip helper")
    scene.edit("app.py", "import sys\n", "import sys\nimport itertools as tools\n")
    second = scene.commit("wip import")
    scene.git("checkout", "-q", "main")
    scene.put("readme.md", "words\n")
    scene.commit("readme")
    scene.git("merge", "-q", "--squash", "feature")
    sha = scene.commit("Feature (#3)")
    states = scene.judge()
    assert [(s.state, s.reason, s.landing) for s in states] == [("alive", "exact", sha)] * 2
    assert states[0].commits == (sha, first)
    assert states[1].commits == (sha, second)


def test_squash_with_branch_gone(scene: Scene) -> None:
    scene.git("checkout", "-qb", "feature")
    scene.append("app.py", HELPER)
    scene.commit("wip helper")
    scene.git("checkout", "-q", "main")
    scene.git("merge", "-q", "--squash", "feature")
    sha = scene.commit("Feature (#3)")
    scene.git("branch", "-qD", "feature")
    assert scene.one().commits == (sha,)


def test_rebase(scene: Scene) -> None:
    scene.git("checkout", "-qb", "feature")
    scene.append("app.py", HELPER)
    old = scene.commit("helper")
    scene.git("checkout", "-q", "main")
    scene.sub("app.py", "import os\n", "import os\nimport json as codec\n")
    scene.commit("import")
    scene.tick()
    scene.git("checkout", "-q", "feature")
    scene.git("rebase", "-q", "main")
    new = scene.sha()
    assert new != old
    found = scene.one()
    assert (found.state, found.landing, found.commits) == ("alive", new, (new,))


def test_cherry_pick_lists_the_original_as_a_copy(scene: Scene) -> None:
    scene.git("checkout", "-qb", "dev")
    scene.append("app.py", HELPER)
    origin = scene.commit("helper")
    scene.git("checkout", "-q", "main")
    scene.put("notes.txt", "some notes here\n")
    scene.commit("notes")
    scene.tick()
    scene.git("cherry-pick", "dev")
    pick = scene.sha()
    found = scene.one()
    assert (found.state, found.landing, found.commits) == ("alive", pick, (pick, origin))
    there = scene.one("dev")
    assert (there.state, there.landing, there.commits) == ("alive", origin, (origin, pick))


def test_amend(scene: Scene) -> None:
    scene.append("app.py", HELPER)
    scene.commit("helper")
    sha = scene.commit("helper, better said", amend=True)
    assert (scene.one().landing, scene.one().commits) == (sha, (sha,))


def test_rewritten_history(scene: Scene) -> None:
    scene.append("app.py", HELPER)
    scene.commit("helper")
    scene.put("secret.txt", "oops this was not meant\n")
    scene.commit("secret")
    tree = scene.git("rev-parse", "HEAD~1^{tree}")
    root = scene.git("commit-tree", "-m", "base again", scene.git("rev-parse", "HEAD~2^{tree}"))
    scene.tick()
    new = scene.git("commit-tree", "-m", "helper", "-p", root, tree)
    scene.git("reset", "-q", "--hard", new)
    found = scene.one()
    assert (found.state, found.landing, found.commits) == ("alive", new, (new,))


def test_merge_commit_is_no_landing(scene: Scene) -> None:
    scene.git("checkout", "-qb", "feature")
    scene.append("app.py", HELPER)
    sha = scene.commit("helper")
    scene.git("checkout", "-q", "main")
    scene.sub("app.py", "import os\n", "import os\nimport json as codec\n")
    scene.commit("import")
    scene.tick()
    scene.git("merge", "-q", "--no-ff", "feature")
    found = scene.one()
    assert (found.state, found.reason, found.landing, found.commits) == ("alive", "exact", sha, (sha,))


def test_conflict_resolved_by_hand_lands_in_the_merge(scene: Scene) -> None:
    scene.git("checkout", "-qb", "feature")
    scene.sub("app.py", "total += value * 2", "total += value * factor_left")
    scene.commit("left")
    scene.git("checkout", "-q", "main")
    scene.sub("app.py", "total += value * 2", "total += value * factor_right")
    scene.commit("right")
    scene.git("merge", "-q", "feature", check=False)
    text = scene.read("app.py")
    start, end = text.index("<<<<<<<"), text.index(">>>>>>>")
    end = text.index("\n", end) + 1
    scene.edit("app.py", text[start:end], "        total += combine(value, factor_left, factor_right)\n")
    sha = scene.commit("merge feature")
    found = scene.one()
    assert (found.state, found.reason, found.landing) == ("alive", "exact", sha)


def test_renamed_file(scene: Scene) -> None:
    scene.append("app.py", HELPER)
    sha = scene.commit("helper")
    scene.git("mv", "app.py", "program.py")
    scene.commit("rename")
    found = scene.one()
    assert (found.state, found.reason, found.landing) == ("alive", "file_renamed", sha)
    assert found.path == "app.py"


def test_renamed_twice_and_edited(scene: Scene) -> None:
    scene.append("app.py", HELPER)
    sha = scene.commit("helper")
    scene.git("mv", "app.py", "program.py")
    scene.sub("program.py", "import os\n", "import os.path\n")
    scene.commit("rename")
    (scene.root / "src").mkdir()
    scene.git("mv", "program.py", "src/program.py")
    scene.commit("rename again")
    found = scene.one()
    assert (found.state, found.reason, found.landing) == ("alive", "file_renamed", sha)


def test_renamed_before_the_first_commit(scene: Scene) -> None:
    scene.append("app.py", HELPER)
    scene.git("mv", "app.py", "program.py")
    sha = scene.commit("rename and helper")
    found = scene.one()
    assert (found.state, found.reason, found.landing) == ("alive", "file_renamed", sha)


def test_directory_rename(make) -> None:
    scene = make(files={f"old/mod{n}.py": BASE.replace("second", f"second{n}") for n in range(12)})
    scene.append("old/mod3.py", HELPER)
    sha = scene.commit("helper")
    scene.git("mv", "old", "new")
    scene.commit("move all")
    found = scene.one()
    assert (found.state, found.reason, found.landing) == ("alive", "file_renamed", sha)


def test_moved_in_file(scene: Scene) -> None:
    scene.edit("app.py", "\n\ndef second(", HELPER + "\n\ndef second(")
    sha = scene.commit("helper")
    text = scene.read("app.py").replace(HELPER, "", 1) + HELPER
    scene.put("app.py", text)
    scene.commit("move helper to the end")
    found = scene.one()
    assert (found.state, found.reason, found.landing) == ("alive", "moved_in_file", sha)


def test_moved_to_another_file(scene: Scene) -> None:
    scene.append("app.py", HELPER)
    sha = scene.commit("helper")
    scene.put("app.py", BASE)
    scene.put("helpers.py", "# helpers live here\n" + HELPER)
    scene.commit("extract")
    found = scene.one()
    assert (found.state, found.reason, found.landing) == ("alive", "moved_to_file", sha)


def test_moved_to_existing_file(make) -> None:
    scene = make(files={"app.py": BASE, "util.py": "def nothing_yet():\n    return 'empty for now'\n"})
    scene.append("app.py", HELPER)
    sha = scene.commit("helper")
    scene.put("app.py", BASE)
    scene.put("util.py", scene.read("util.py") + HELPER)
    scene.commit("extract")
    found = scene.one()
    assert (found.state, found.reason, found.landing) == ("alive", "moved_to_file", sha)


def test_moved_before_the_first_commit(scene: Scene) -> None:
    scene.append("app.py", HELPER)
    scene.put("app.py", BASE)
    scene.put("helpers.py", "# helpers live here\n" + HELPER)
    sha = scene.commit("helper, elsewhere")
    found = scene.one()
    assert (found.state, found.reason, found.landing) == ("alive", "moved_to_file", sha)


def test_an_older_copy_elsewhere_is_someone_elses(make) -> None:
    scene = make(files={"app.py": BASE, "old.py": "# much older\n" + HELPER})
    scene.append("app.py", HELPER)
    scene.commit("helper")
    scene.put("app.py", BASE)
    scene.sub("old.py", "much older", "very much older")
    sha = scene.commit("drop helper, and more")
    found = scene.one()
    assert found.state in ("reverted", "lost")
    assert found.killer == sha


def test_reapplied_by_revert_of_revert(scene: Scene) -> None:
    scene.append("app.py", HELPER)
    sha = scene.commit("helper")
    scene.tick()
    scene.git("revert", "--no-edit", "HEAD")
    scene.tick()
    scene.git("revert", "--no-edit", "HEAD")
    found = scene.one()
    assert (found.state, found.reason, found.landing, found.killer) == ("alive", "reapplied", sha, None)


def test_reapplied_by_hand(scene: Scene) -> None:
    scene.append("app.py", HELPER)
    sha = scene.commit("helper")
    scene.put("app.py", BASE)
    scene.commit("drop")
    scene.put("app.py", BASE + HELPER)
    scene.commit("again")
    found = scene.one()
    assert (found.state, found.reason, found.landing) == ("alive", "reapplied", sha)


def test_deletion_holds(scene: Scene) -> None:
    scene.edit("app.py", "        total += value * 2\n", "")
    sha = scene.commit("drop line")
    found = scene.one()
    assert (found.state, found.reason, found.landing, found.retention) == ("alive", "deletion_holds", sha, 1.0)
    assert (found.added, found.removed) == (0, 1)


def test_a_deletion_in_a_file_that_went(scene: Scene) -> None:
    """A file that is missing does not mean that a deletion in it holds."""
    scene.put("more.py", "some_value = 1\n")
    scene.commit("more")
    scene.edit("app.py", "        total += value * 2\n", "")
    sha = scene.commit("drop line")
    scene.git("rm", "-q", "app.py")
    end = scene.commit("drop all")
    found = scene.one()
    assert (found.state, found.reason, found.landing, found.killer) == ("lost", "file_deleted", sha, end)


def test_deleted_file(scene: Scene) -> None:
    scene.put("more.py", "some_value = 1\n")
    scene.commit("more")
    scene.delete("app.py")
    sha = scene.commit("drop app")
    found = scene.one()
    assert (found.state, found.reason, found.landing) == ("alive", "deletion_holds", sha)


def test_crlf_in_the_repository(make) -> None:
    scene = make(files={"app.py": BASE.replace("\n", "\r\n")})
    scene.append("app.py", HELPER.replace("\n", "\r\n"))
    sha = scene.commit("helper")
    assert (scene.one().state, scene.one().reason) == ("alive", "exact")
    scene.put("app.py", scene.read("app.py").replace("\r\n", "\n"))
    scene.commit("line ends")
    found = scene.one()
    assert (found.state, found.reason, found.landing) == ("alive", "eol", sha)


def test_log_in_lf_and_repository_in_crlf(scene: Scene) -> None:
    scene.append("app.py", HELPER)
    scene.put("app.py", scene.read("app.py").replace("\n", "\r\n"))
    sha = scene.commit("helper")
    found = scene.one()
    assert (found.state, found.landing) == ("alive", sha)


def test_latin_1(make) -> None:
    text = "# Datei für Größen\nname = 'Müller'\nsize = 'groß'\n"
    scene = make(files={"app.py": text.encode("latin-1")})
    edit = scene.edit_latin("app.py", "size = 'groß'\n", "size = 'größer als vorher'\nweight = 'gewichtig'\n")
    sha = scene.commit("edit")
    scene.put("app.py", b"# mehr dar\xfcber\n" + (scene.root / "app.py").read_bytes())
    scene.commit("more")
    found = scene.of(edit)
    assert (found.state, found.reason, found.landing) == ("alive", "exact", sha)


def test_no_newline_at_the_end(make) -> None:
    scene = make(files={"app.py": "value_one = 1\nvalue_two = 2"})
    scene.write("app.py", "value_one = 1\nvalue_two = 2\nvalue_three = 3")
    sha = scene.commit("third")
    found = scene.judge()[0]
    assert (found.state, found.landing) == ("alive", sha)


def test_two_sessions_wrote_the_same_line(scene: Scene) -> None:
    one = scene.edit("app.py", "import sys\n", "import sys\nimport itertools as tools\n", "s1")
    scene.commit("one")
    two = scene.edit(
        "app.py", '    print("hello", name)\n', '    print("hello", name)\nimport itertools as tools\n', "s2"
    )
    second = scene.commit("two")
    assert scene.of(one).state == "alive"
    assert (scene.of(two).state, scene.of(two).landing) == ("alive", second)
    scene.sub("app.py", '    print("hello", name)\nimport itertools as tools\n', '    print("hello", name)\n')
    scene.put("other.txt", "and other things\nas well\n")
    scene.commit("drop one of them")
    assert scene.of(one).state == "alive"
    assert scene.of(two).state != "alive"


def test_replace_all(scene: Scene) -> None:
    scene.put("app.py", "\n".join(f"print(value_{n})\nlog(old_name)\nkeep_{n}()" for n in range(3)) + "\n")
    scene.commit("three")
    scene.edit("app.py", "log(old_name)", "log(new_name)", every=True)
    sha = scene.commit("all")
    states = scene.judge()
    assert [(s.hunk, s.state, s.reason, s.landing) for s in states] == [(n, "alive", "exact", sha) for n in range(3)]
    scene.sub("app.py", "log(new_name)\nkeep_1()", "keep_1()")
    scene.put("other.txt", "and other things\nas well\n")
    gone = scene.commit("one less")
    states = scene.judge()
    assert [s.state for s in states] == ["alive", "lost", "alive"]
    assert states[1].killer == gone


def test_pieces_only(scene: Scene) -> None:
    scene.edit("app.py", "value * 2", "value * scale_factor", whole=False)
    sha = scene.commit("scale")
    found = scene.one()
    assert (found.state, found.reason, found.landing, found.added, found.removed) == ("alive", "exact", sha, 1, 1)


def test_another_worktree(scene: Scene, tmp_path) -> None:
    tree = tmp_path / "side"
    scene.git("worktree", "add", "-q", "-b", "side", str(tree))
    main, scene.root = scene.root, tree
    scene.append("app.py", HELPER)
    sha = scene.commit("helper")
    found = scene.one()
    assert (found.state, found.landing, found.path) == ("alive", sha, "app.py")
    scene.root = main
    scene.git("merge", "-q", "--ff-only", "side")
    scene.git("worktree", "remove", "--force", str(tree))
    states = scene.judge(repo=main)
    assert [(s.state, s.landing, s.path) for s in states] == [("alive", sha, "app.py")]


def test_log_of_another_machine(scene: Scene) -> None:
    scene.append("app.py", HELPER)
    scene.write("src/fresh.py", "fresh_value = compute_it()\n")
    sha = scene.commit("helper")
    root = scene.root
    scene.on_other_machine("/home/someone/project")
    states = scene.judge(repo=root)
    assert [(s.state, s.landing, s.path) for s in states] == [
        ("alive", sha, "app.py"),
        ("alive", sha, "src/fresh.py"),
    ]


def test_detached_head(scene: Scene) -> None:
    scene.append("app.py", HELPER)
    sha = scene.commit("helper")
    scene.git("checkout", "-q", "--detach")
    assert (scene.one().state, scene.one().landing) == ("alive", sha)


def test_force_push(scene: Scene) -> None:
    scene.append("app.py", HELPER)
    scene.commit("helper")
    scene.git("branch", "old")
    scene.git("reset", "-q", "--hard", "HEAD~1")
    scene.put("app.py", BASE + HELPER)
    sha = scene.commit("helper, pushed anew")
    scene.git("branch", "-qD", "old")
    found = scene.one()
    assert (found.state, found.landing, found.commits) == ("alive", sha, (sha,))
