"""Smaller and odder histories: short lines, boilerplate, copies, clocks, several fates in one file."""

from __future__ import annotations

from .histories import BASE, HELPER, Scene

OTHER = "and much else\nthat has\nnothing to do\nwith it\nat all\nreally\nnothing\nmore\n"


def state(scene: Scene) -> tuple[str, str]:
    found = scene.one()
    return found.state, found.reason


def test_short_lines_in_a_tiny_repository(make) -> None:
    scene = make(files={"f.txt": "a\nb\nc\n"})
    scene.edit("f.txt", "b\n", "b\nx = 1\n")
    sha = scene.commit("x")
    assert (state(scene), scene.one().landing) == (("alive", "exact"), sha)
    scene.put("f.txt", "a\nb\nc\n")
    scene.put("o.txt", OTHER)
    scene.commit("z")
    assert state(scene) == ("lost", "removed_later")


def test_quotes_of_a_short_line(scene: Scene) -> None:
    scene.edit("app.py", "    total = 0\n", "    total = 0\n    mode = 'fast'\n")
    scene.commit("x")
    scene.sub("app.py", "'fast'", '"fast"')
    scene.commit("black")
    assert state(scene) == ("transformed", "reformat")


def test_a_blank_line(scene: Scene) -> None:
    scene.edit("app.py", "    total = 0\n", "    total = 0\n\n")
    sha = scene.commit("x")
    assert (state(scene), scene.one().landing) == (("alive", "exact"), sha)
    scene.tick()
    scene.git("revert", "--no-edit", "HEAD")
    assert state(scene) == ("reverted", "revert_commit")


def test_white_space_alone(scene: Scene) -> None:
    scene.edit("app.py", "        total += value * 2\n", "            total += value * 2\n")
    sha = scene.commit("x")
    found = scene.one()
    assert (found.state, found.reason, found.landing, found.added, found.removed) == ("alive", "exact", sha, 0, 0)
    scene.put("app.py", BASE)
    scene.put("o.txt", OTHER)
    scene.commit("back")
    assert state(scene) == ("reverted", "pre_edit_restored")


def test_a_brace_taken_out(make) -> None:
    code = "func a() {\n\tone()\n}\n\nfunc b() {\n\tif x {\n\t\ttwo()\n\t}\n\t}\n}\n"
    scene = make(files={"m.go": code})
    scene.edit("m.go", "\t}\n\t}\n}\n", "\t}\n}\n")
    sha = scene.commit("x")
    assert (state(scene), scene.one().landing) == (("alive", "deletion_holds"), sha)
    scene.put("m.go", code)
    scene.put("o.txt", OTHER)
    scene.commit("z")
    assert state(scene) == ("reverted", "deletion_undone")


def test_boilerplate_taken_out_beside_its_like(make) -> None:
    text = "def f(x):\n    go(x)\n    return None\n\n\ndef g(x):\n    stop(x)\n    return None\n"
    scene = make(files={"a.py": text})
    scene.edit("a.py", "    go(x)\n    return None\n", "    go(x)\n")
    sha = scene.commit("x")
    assert (state(scene), scene.one().landing) == (("alive", "deletion_holds"), sha)


def test_a_second_copy_stays_when_the_first_goes(make) -> None:
    scene = make(files={"a.py": "start_one()\ncall_it(1)\nend_one()\nstart_two()\nend_two()\n"})
    scene.edit("a.py", "start_two()\n", "start_two()\ncall_it(1)\n")
    scene.commit("x")
    text = scene.read("a.py")
    scene.sub("a.py", "start_one()\ncall_it(1)\n", "start_one()\n")
    scene.commit("the first goes")
    assert state(scene) == ("alive", "exact")
    scene.put("a.py", text)
    scene.commit("and is back")
    scene.sub("a.py", "start_two()\ncall_it(1)\n", "start_two()\n")
    scene.put("o.txt", OTHER)
    scene.commit("the second goes")
    assert state(scene) == ("lost", "removed_later")


def test_a_file_that_went_and_came_back(scene: Scene) -> None:
    text = "new_value = compute()\nother_value = compute2()\n"
    scene.write("n.py", text)
    scene.commit("x")
    scene.git("rm", "-q", "n.py")
    scene.commit("rm")
    scene.put("n.py", text)
    scene.commit("again")
    assert state(scene) == ("alive", "reapplied")


def test_a_deletion_made_again(scene: Scene) -> None:
    scene.edit("app.py", "        total += value * 2\n", "")
    scene.commit("x")
    for _ in range(2):
        scene.tick()
        scene.git("revert", "--no-edit", "HEAD")
    assert state(scene) == ("alive", "reapplied")


def test_dropped_by_an_amend(scene: Scene) -> None:
    scene.append("app.py", HELPER)
    scene.commit("x")
    scene.put("app.py", BASE)
    scene.put("q.txt", "some other text\n")
    scene.commit("y", amend=True)
    assert state(scene) == ("lost", "never_landed")


def test_picked_and_merged(scene: Scene) -> None:
    scene.git("checkout", "-qb", "dev")
    scene.append("app.py", HELPER)
    first = scene.commit("helper")
    scene.git("checkout", "-q", "main")
    scene.put("q.txt", "some other text\n")
    scene.commit("q")
    scene.tick()
    scene.git("cherry-pick", "dev")
    second = scene.sha()
    scene.tick()
    scene.git("merge", "-q", "--no-ff", "dev")
    found = scene.one()
    assert (found.state, found.reason, found.landing, found.commits) == ("alive", "exact", first, (first, second))


def test_forced_past_the_ignore_rules(scene: Scene) -> None:
    scene.put(".gitignore", "build/\n")
    scene.commit("ignore")
    scene.write("build/a.py", "fresh_value = compute()\n")
    scene.git("add", "-f", "build/a.py")
    scene.commit("forced")
    assert state(scene) == ("alive", "exact")


def test_renamed_and_reformatted(scene: Scene) -> None:
    scene.append("app.py", HELPER)
    scene.commit("x")
    scene.git("mv", "app.py", "z.py")
    scene.sub(
        "z.py",
        "    picked = [item for item in items if item.size < limit]",
        "    picked = [\n        item\n        for item in items\n        if item.size < limit\n    ]",
    )
    scene.commit("y")
    assert state(scene) == ("transformed", "reformat")


def test_moved_to_the_top(make) -> None:
    text = "def a():\n    return one_thing()\n\n\ndef b():\n    return two_things()\n"
    scene = make(files={"a.py": text})
    scene.append("a.py", "\n\ndef c():\n    return three_things()\n")
    scene.commit("x")
    scene.put("a.py", "def c():\n    return three_things()\n\n\n" + text)
    scene.commit("move")
    assert state(scene) == ("alive", "moved_in_file")


def test_one_line_moved_to_another_file(make) -> None:
    scene = make(files={"app.py": BASE, "cfg.py": "# config\n"})
    scene.edit("app.py", "import sys\n", "import sys\nMAX_RETRIES_ALLOWED = 17\n")
    scene.commit("x")
    scene.put("app.py", BASE)
    scene.put("cfg.py", "# config\nMAX_RETRIES_ALLOWED = 17\n")
    scene.commit("move")
    assert state(scene) == ("alive", "moved_to_file")


def test_boilerplate_edited_in_a_hunk_that_stands_otherwise(scene: Scene) -> None:
    scene.append("app.py", "\n\ndef finder(x):\n    look_up(x)\n    return None\n")
    scene.commit("x")
    scene.sub("app.py", "    look_up(x)\n    return None\n", "    look_up(x)\n    return x\n")
    scene.commit("y")
    assert state(scene) == ("transformed", "edited")


def test_several_fates_in_one_file(scene: Scene) -> None:
    text = BASE.replace("import os\n", "import os\nimport alpha_one\n")
    text = text.replace("    total = 0\n", "    total = 0\n    beta_two = prepare(values)\n")
    scene.write("app.py", text.replace('"hello", name)\n', '"hello", name)\n    gamma_three(name, 5)\n'))
    sha = scene.commit("x")
    scene.sub("app.py", "    beta_two = prepare(values)\n", "")
    scene.put("o.txt", OTHER)
    killer = scene.commit("no beta")
    scene.sub("app.py", "gamma_three(name, 5)", "gamma_three(name, 6)")
    scene.commit("more gamma")
    found = scene.judge()
    assert [(s.hunk, s.state, s.reason, s.landing, s.killer) for s in found] == [
        (0, "alive", "exact", sha, None),
        (1, "lost", "removed_later", sha, killer),
        (2, "transformed", "edited", sha, None),
    ]


def test_one_hunk_committed_and_one_not(scene: Scene) -> None:
    text = BASE.replace("import os\n", "import os\nimport alpha_one\n")
    full = text.replace("    total = 0\n", "    total = 0\n    beta_two = prepare(values)\n")
    scene.write("app.py", full)
    scene.put("app.py", text)
    scene.commit("half")
    scene.put("app.py", full)
    assert [(s.state, s.reason) for s in scene.judge()] == [("alive", "exact"), ("pending", "worktree")]


def test_one_staged_and_one_not(scene: Scene) -> None:
    scene.edit("app.py", "    total = 0\n", "    total = 0\n    beta_two = prepare(values)\n")
    scene.git("add", "-A")
    scene.edit("app.py", 'print("hello", name)', 'print_politely("hello", name)')
    assert [(s.state, s.reason) for s in scene.judge()] == [("pending", "index"), ("pending", "worktree")]


def test_prose_wrapped_anew(make) -> None:
    scene = make(files={"r.md": "# Title\n\nSome words here.\n"})
    scene.append("r.md", "\n## Usage\n\nRun the program with the flag to see all of its output at once.\n")
    scene.commit("x")
    scene.sub("r.md", "the flag to see all of", "the flag to see\nall of")
    scene.commit("wrap")
    assert state(scene) == ("transformed", "reformat")


def test_json_on_one_line(make) -> None:
    scene = make(files={"c.json": '{\n  "a": 1\n}\n'})
    scene.write("c.json", '{\n  "a": 1,\n  "retries": 5,\n  "backoff": "linear"\n}\n')
    scene.commit("x")
    scene.put("c.json", '{"a": 1, "retries": 5, "backoff": "linear"}\n')
    scene.commit("one line")
    assert state(scene) == ("transformed", "reformat")


def test_revert_of_a_squash(scene: Scene) -> None:
    scene.git("checkout", "-qb", "feature")
    scene.append("app.py", HELPER)
    scene.commit("a")
    scene.put("b.py", "bbb_value = 2\n")
    scene.commit("b")
    scene.git("checkout", "-q", "main")
    scene.git("merge", "-q", "--squash", "feature")
    sha = scene.commit("Feature")
    scene.tick()
    scene.git("revert", "--no-edit", "HEAD")
    found = scene.one()
    assert (found.state, found.reason, found.landing, found.killer) == ("reverted", "revert_commit", sha, scene.sha())


def test_code_replaced_by_boilerplate(scene: Scene) -> None:
    body = "    total = 0\n    for value in values:\n        total += value * 2\n    return total\n"
    scene.edit("app.py", body, "    pass\n")
    sha = scene.commit("x")
    assert (state(scene), scene.one().landing) == (("alive", "exact"), sha)
    scene.sub("app.py", "    pass\n", body)
    scene.put("o.txt", OTHER)
    scene.commit("back")
    assert state(scene) == ("reverted", "pre_edit_restored")


def test_a_commit_made_by_a_slow_clock(scene: Scene) -> None:
    scene.append("app.py", HELPER)
    scene.now -= 300
    sha = scene.commit("helper")
    assert (state(scene), scene.one().landing) == (("alive", "exact"), sha)


def test_a_commit_made_hours_before_the_edit(scene: Scene) -> None:
    """Clocks differ by minutes; what is older is some other text."""
    scene.append("app.py", HELPER)
    scene.now -= 5 * 3600
    scene.commit("helper")
    assert (state(scene), scene.one().landing) == (("unknown", "origin_unclear"), None)


def test_on_two_branches(scene: Scene) -> None:
    scene.git("checkout", "-qb", "one")
    scene.append("app.py", HELPER)
    first = scene.commit("a")
    scene.git("checkout", "-q", "main")
    scene.put("q.txt", "some other text\n")
    scene.commit("q")
    scene.git("checkout", "-qb", "two")
    scene.tick()
    scene.git("cherry-pick", "one")
    second = scene.sha()
    scene.git("checkout", "-q", "main")
    found = scene.one()
    assert (found.state, found.reason, found.commits) == ("pending", "unmerged", (first, second))


def test_a_revert_on_another_branch_does_not_matter(scene: Scene) -> None:
    scene.append("app.py", HELPER)
    sha = scene.commit("helper")
    scene.git("checkout", "-qb", "other")
    scene.tick()
    scene.git("revert", "--no-edit", "HEAD")
    killer = scene.sha()
    scene.git("checkout", "-q", "main")
    assert (state(scene), scene.one().landing) == (("alive", "exact"), sha)
    there = scene.one("other")
    assert (there.state, there.killer) == ("reverted", killer)


def test_a_revert_that_comes_by_a_merge(scene: Scene) -> None:
    scene.append("app.py", HELPER)
    sha = scene.commit("helper")
    scene.git("checkout", "-qb", "undo")
    scene.tick()
    scene.git("revert", "--no-edit", "HEAD")
    killer = scene.sha()
    scene.git("checkout", "-q", "main")
    scene.put("q.txt", "some other text\n")
    scene.commit("q")
    scene.tick()
    scene.git("merge", "-q", "--no-ff", "undo")
    found = scene.one()
    assert (found.state, found.reason, found.landing, found.killer) == ("reverted", "revert_commit", sha, killer)


def test_rewritten_under_the_same_head(scene: Scene) -> None:
    scene.append("app.py", HELPER)
    scene.commit("x")
    scene.put(
        "app.py", BASE + "\n\ndef helper(items, limit):\n    import heapq as hq\n    yield from hq.merge(*items)\n"
    )
    scene.commit("rewrite")
    assert state(scene) == ("lost", "removed_later")


HALVES = (
    "\n\ndef parse_window(text):\n    amount, unit = text.split()\n    return int(amount) * UNITS[unit]\n",
    "\n\ndef open_gate(registry):\n    for watcher in registry.watchers:\n        watcher.notify(registry.name)\n",
    "\n\ndef close_gate(registry, force):\n    pending = registry.drain(force)\n    audit.record(pending, force)\n",
)


def test_parts_none_of_which_is_most_of_it(scene: Scene) -> None:
    """Three commits of a third each: the first is the landing though the last completes the text."""
    scene.append("app.py", "".join(HALVES))
    full = scene.read("app.py")
    shas = []
    for count in (1, 2, 3):
        scene.put("app.py", BASE + "".join(HALVES[:count]))
        scene.tick(36_000)
        shas.append(scene.commit(f"part {count}"))
    assert scene.read("app.py") == full
    found = scene.one()
    assert (found.state, found.reason, found.landing, list(found.commits)) == ("alive", "exact", shas[0], shas)


def test_edited_again_in_the_second_of_the_commit(scene: Scene) -> None:
    """Commit times have no fractions: what a commit holds tells that it came before an edit of the same second."""
    first = scene.append("app.py", HELPER)
    sha = scene.commit("helper")
    scene.now -= 10  # the next edit's time is the commit's
    second = scene.edit("app.py", HELPER, "\n\nclass Janitor:\n    def sweep(self):\n        self.queue.clear()\n")
    scene.put("o.txt", OTHER)
    end = scene.commit("janitor")
    found = scene.of(first)
    assert (found.state, found.reason, found.landing, found.killer) == ("lost", "removed_later", sha, end)
    assert scene.of(second).landing == end


def test_a_commit_named_for_another_reason(scene: Scene) -> None:
    scene.append("app.py", HELPER)
    sha = scene.commit("helper")
    scene.put("app.py", BASE + "\n\nclass Janitor:\n    def sweep(self):\n        self.queue.clear()\n")
    scene.put("o.txt", OTHER)
    scene.commit(f'Sweep in a class\n\nFixes: {sha[:12]} ("helper")')
    assert state(scene) == ("lost", "removed_later")


def test_a_word_of_prose_is_no_identifier(make) -> None:
    scene = make(files={"guide.md": "# Guide\n\nRun it.\n"})
    scene.append("guide.md", "\nIdle clients are forgotten after ten minutes.\n")
    scene.commit("limits")
    scene.sub("guide.md", "ten minutes", "twenty minutes")
    scene.commit("longer")
    assert state(scene) == ("transformed", "edited")


def test_the_newline_at_the_end(make) -> None:
    """A hunk that only takes away, or adds, the newline at the file's end lands like any other."""
    scene = make(files={"a.py": BASE, "b.py": BASE.rstrip("\n")})
    gone, come = scene.write("a.py", BASE.rstrip("\n")), scene.write("b.py", BASE)
    sha = scene.commit("ends")
    for edit in (gone, come):
        found = scene.of(edit)
        assert (found.state, found.reason, found.landing, found.counted) == ("alive", "exact", sha, True)
    scene.put("b.py", BASE + HELPER)
    scene.commit("more")
    assert (scene.of(come).state, scene.of(come).landing) == ("alive", sha)
    scene.put("a.py", BASE)
    scene.commit("newline")
    assert scene.of(gone).state != "alive"
