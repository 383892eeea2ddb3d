# ruff: noqa: E501
"""Hunks whose text changed and is still recognisable."""

from __future__ import annotations

import pytest

from .histories import BASE, HELPER, Scene

OTHER = "\n\nUNRELATED = {'something': 'else entirely'}\n"


def test_whitespace(scene: Scene) -> None:
    scene.append("app.py", HELPER)
    sha = scene.commit("helper")
    scene.put("app.py", scene.read("app.py").replace("    ", "\t"))
    scene.commit("tabs")
    found = scene.one()
    assert (found.state, found.reason, found.landing, found.retention) == ("transformed", "whitespace", sha, 1.0)
    assert found.killer is None


def test_indented_into_a_class(scene: Scene) -> None:
    scene.append("app.py", HELPER)
    sha = scene.commit("helper")
    body = "\n".join("    " + line if line else "" for line in HELPER.split("\n"))
    scene.put("app.py", BASE + "\n\nclass Box:" + body)
    scene.commit("class")
    found = scene.one()
    assert (found.state, found.reason, found.landing) == ("transformed", "whitespace", sha)


def test_reformat_like_black(scene: Scene) -> None:
    scene.append(
        "app.py",
        "\n\ndef call(a, b, c, d):\n    return first_function(a, b, 'some text', option=c, other_option=[d, 'x'])\n",
    )
    sha = scene.commit("call")
    scene.put(
        "app.py",
        BASE
        + '\n\ndef call(a, b, c, d):\n    return first_function(\n        a,\n        b,\n        "some text",\n'
        + '        option=c,\n        other_option=[d, "x"],\n    )\n',
    )
    scene.commit("black")
    found = scene.one()
    assert (found.state, found.reason, found.landing, found.retention) == ("transformed", "reformat", sha, 1.0)


def test_reformat_in_a_hook_before_the_commit(scene: Scene) -> None:
    scene.append("app.py", "\n\ncall_it = lambda a: first_function(a, 'some text', option=a, other_option=[a, 'x'])\n")
    scene.put(
        "app.py",
        BASE
        + '\n\ncall_it = lambda a: first_function(\n    a,\n    "some text",\n    option=a,\n    other_option=[a, "x"],\n)\n',
    )
    sha = scene.commit("call, formatted by a hook")
    found = scene.one()
    assert (found.state, found.reason, found.landing) == ("transformed", "reformat", sha)


def test_reformat_like_prettier(make) -> None:
    scene = make(files={"app.js": "import { a } from './a'\n\nexport const x = 1\n"})
    scene.append(
        "app.js",
        "export const load = async (id, opts) => { const res = await fetch(`/api/${id}`, { method: 'GET', ...opts }); return res.json() }\n",
    )
    sha = scene.commit("load")
    scene.put(
        "app.js",
        'import { a } from "./a";\n\nexport const x = 1;\nexport const load = async (id, opts) => {\n'
        '  const res = await fetch(`/api/${id}`, {\n    method: "GET",\n    ...opts,\n  });\n  return res.json();\n};\n',
    )
    scene.commit("prettier")
    found = scene.one()
    assert (found.state, found.reason, found.landing) == ("transformed", "reformat", sha)


def test_prettier_adds_parentheses(make) -> None:
    scene = make(files={"app.ts": "export const x = 1\n"})
    scene.append(
        "app.ts", "export const pick = items => items.filter(item => item.size > limit && item.name !== 'none')\n"
    )
    scene.commit("pick")
    scene.put(
        "app.ts",
        "export const x = 1;\nexport const pick = (items) =>\n"
        '  items.filter((item) => item.size > limit && item.name !== "none");\n',
    )
    scene.commit("prettier")
    assert (scene.one().state, scene.one().reason) == ("transformed", "reformat")


def test_reformat_like_gofmt(make) -> None:
    scene = make(files={"main.go": "package main\n\nfunc main() {\n\trun()\n}\n"})
    scene.append(
        "main.go",
        "\ntype Box struct {\n    Width int\n    Name string\n    Items []string\n}\nfunc (b *Box) Area(h int) int { return b.Width*h }\n",
    )
    sha = scene.commit("box")
    scene.put(
        "main.go",
        "package main\n\nfunc main() {\n\trun()\n}\n\ntype Box struct {\n\tWidth int\n\tName  string\n\tItems []string\n}\n\n"
        "func (b *Box) Area(h int) int { return b.Width * h }\n",
    )
    scene.commit("gofmt")
    found = scene.one()
    assert (found.state, found.reason, found.landing) == ("transformed", "whitespace", sha)


def test_identifier_rename(scene: Scene) -> None:
    scene.append("app.py", HELPER)
    sha = scene.commit("helper")
    scene.put(
        "app.py",
        scene.read("app.py").replace("picked", "chosen").replace("limit", "maximum").replace("items", "things"),
    )
    scene.commit("names")
    found = scene.one()
    assert (found.state, found.reason, found.landing) == ("transformed", "identifier_rename", sha)
    assert found.retention is not None
    assert found.retention > 0.7


def test_one_line_renamed(scene: Scene) -> None:
    scene.edit("app.py", "    total = 0\n", "    total = 0\n    counter = make_counter(values, 3)\n")
    scene.commit("counter")
    scene.sub("app.py", "counter = make", "tally = make")
    scene.commit("tally")
    assert (scene.one().state, scene.one().reason) == ("transformed", "identifier_rename")


def test_edited_line(scene: Scene) -> None:
    scene.append("app.py", HELPER)
    sha = scene.commit("helper")
    scene.sub("app.py", "if item.size < limit]", "if item.size < limit + 1]")
    scene.commit("fix")
    found = scene.one()
    assert (found.state, found.reason, found.landing, found.retention) == ("transformed", "edited", sha, 1.0)


def test_one_line_edited(scene: Scene) -> None:
    scene.edit("app.py", 'print("hello", name)', 'logger.info("hello there %s of %d", name, len(name))')
    scene.commit("log")
    scene.sub("app.py", "logger.info", "logger.debug")
    scene.commit("quieter")
    assert scene.one().state == "transformed"


def test_some_lines_removed(scene: Scene) -> None:
    scene.append("app.py", HELPER)
    sha = scene.commit("helper")
    scene.sub("app.py", '    if not picked:\n        raise ValueError("nothing fits the limit")\n', "")
    scene.commit("no error")
    found = scene.one()
    assert (found.state, found.reason, found.landing) == ("transformed", "partial", sha)
    assert found.retention is not None
    assert 0.3 < found.retention < 0.8


def test_partial_revert(scene: Scene) -> None:
    scene.append("app.py", HELPER)
    sha = scene.commit("helper")
    scene.sub("app.py", "    return sorted(picked, key=rank_of)\n", "")
    scene.commit(f"Revert a part of {sha}")
    found = scene.one()
    assert (found.state, found.reason, found.landing) == ("transformed", "partial", sha)


def test_replaced_before_the_commit_in_part(scene: Scene) -> None:
    one = scene.append("app.py", HELPER)
    two = scene.edit("app.py", "    return sorted(picked, key=rank_of)\n", "    return heapq.nlargest(9, picked)\n")
    sha = scene.commit("helper")
    assert (scene.of(one).state, scene.of(one).reason, scene.of(one).landing) == ("transformed", "partial", sha)
    assert (scene.of(two).state, scene.of(two).reason, scene.of(two).landing) == ("alive", "exact", sha)


def test_half_committed(scene: Scene) -> None:
    scene.append("app.py", HELPER)
    full = scene.read("app.py")
    half = full[: full.index("    if not picked")]
    scene.put("app.py", half)
    sha = scene.commit("half of it")
    scene.put("app.py", full)
    found = scene.one()
    assert (found.state, found.reason, found.landing) == ("transformed", "partial", sha)


def test_split_landing(scene: Scene) -> None:
    scene.append("app.py", HELPER)
    full = scene.read("app.py")
    scene.put("app.py", full[: full.index("    if not picked")])
    first = scene.commit("first half")
    scene.put("app.py", full)
    second = scene.commit("second half")
    found = scene.one()
    assert (found.state, found.reason, found.landing) == ("alive", "exact", first)
    assert found.commits == (first, second)


def test_moved_and_edited(scene: Scene) -> None:
    scene.append("app.py", HELPER)
    sha = scene.commit("helper")
    scene.put("app.py", BASE)
    scene.put("helpers.py", "# helpers\n" + HELPER.replace("item.size < limit", "item.size < limit + slack"))
    scene.commit("extract")
    found = scene.one()
    assert (found.state, found.reason, found.landing) == ("transformed", "edited", sha)


def test_edited_by_a_human_before_the_commit(scene: Scene) -> None:
    scene.append("app.py", HELPER)
    scene.sub("app.py", "nothing fits the limit", "nothing is small enough")
    sha = scene.commit("helper")
    found = scene.one()
    assert (found.state, found.reason, found.landing) == ("transformed", "edited", sha)


def test_renamed_file_and_edited_line(scene: Scene) -> None:
    scene.append("app.py", HELPER)
    sha = scene.commit("helper")
    scene.git("mv", "app.py", "program.py")
    scene.sub("program.py", "if item.size < limit]", "if item.size < limit + 1]")
    scene.commit("rename and edit")
    found = scene.one()
    assert (found.state, found.reason, found.landing) == ("transformed", "edited", sha)


def test_part_of_a_deletion_came_back(scene: Scene) -> None:
    scene.edit(
        "app.py",
        "    total = 0\n    for value in values:\n        total += value * 2\n    return total\n",
        "    return None\n",
    )
    scene.commit("drop")
    scene.sub("app.py", "    return None\n", "    total = 0\n    return None\n")
    scene.commit("a bit back")
    assert (scene.one().state, scene.one().reason) == ("transformed", "partial")


@pytest.mark.parametrize("name", ["a.unknown", "a.toml"])
def test_reformat_without_a_grammar(make, name: str) -> None:
    scene = make(files={name: "first = one\n"})
    scene.append(name, "values = [alpha, beta, gamma, delta, epsilon]\n")
    scene.commit("values")
    scene.put(name, "first = one\nvalues = [\n  alpha,\n  beta,\n  gamma,\n  delta,\n  epsilon,\n]\n")
    scene.commit("layout")
    assert (scene.one().state, scene.one().reason) == ("transformed", "reformat")


def test_a_line_with_more_in_it_is_edited_not_laid_out_anew(scene: Scene) -> None:
    scene.edit("app.py", "    return total\n", "    audit(total)\n    return total_of(values, scale)\n")
    scene.commit("scale")
    scene.sub("app.py", "    return total_of(values, scale)\n", "    return total_of(values, scale) + rest\n")
    scene.commit("rest")
    assert (scene.one().state, scene.one().reason) == ("transformed", "edited")


def test_a_part_moved_to_another_file_with_its_boilerplate(make) -> None:
    stay = "func Stay(queue *Queue) error {\n\treturn queue.Drain(context.Background())\n}\n\n"
    move = "func Move(queue *Queue) error {\n\tif err := queue.Open(0o600); err != nil {\n\t\treturn err\n\t}\n\treturn nil\n}\n"
    scene = make(files={"a.go": "package a\n\nfunc Keep() int {\n\treturn 41\n}\n"})
    scene.append("a.go", "\n" + stay + move)
    sha = scene.commit("stay and move")
    scene.sub("a.go", move, "")
    scene.put("b.go", "package a\n\n" + move)
    scene.commit("split")
    found = scene.one()
    assert (found.state, found.reason, found.landing, found.retention) == ("alive", "moved_to_file", sha, 1.0)
