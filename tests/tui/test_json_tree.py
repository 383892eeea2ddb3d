"""JSON as a tree: rows of any value, folding, and the way there from a step."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.tui.driving import driving
from tracetui.text.safe import display_safe
from tracetui.tui.browse.json_rows import JsonRows, branches
from tracetui.tui.browse.json_tree import JsonScreen
from tracetui.tui.kit.styles import Look

VALUE = {"a": {"b": [1, {"c": None}], "text": "one\ntwo\n"}, "empty": {}, "n": 2.5}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=25,
)


def lines(rows: JsonRows, width: int = 60) -> list[str]:
    look = Look({}, ascii_only=True)
    return ["".join(s.text for s in rows.paint(row, look, width)[0]).rstrip() for row in range(len(rows))]


def test_rows_of_what_is_unfolded() -> None:
    assert lines(JsonRows(VALUE, set())) == ["] {…} 3 keys"]
    assert lines(JsonRows(VALUE, branches(VALUE, 2))) == [
        "v {…} 3 keys",
        "  v a: {…} 2 keys",
        "    ] b: […] 2 values",
        '    ] text: "one two… 2 lines',
        "    empty: {}",
        "    n: 2.5",
    ]
    assert lines(JsonRows(VALUE, {(), (0,), (0, 1)}))[3:6] == ["    v text: 2 lines", "        one", "        two"]


def leaves(value: Any) -> int:
    if isinstance(value, dict | list) and value:
        return sum(map(leaves, value.values() if isinstance(value, dict) else value))
    return 1


@given(JSON)
def test_all_unfolded_shows_every_value_once(value: Any) -> None:
    rows = JsonRows(value, branches(value, 99))
    inner = [row for row in rows.rows if row.branch is None or isinstance(row.value, str)]
    assert len(inner) == leaves(value)
    assert len({row.path for row in rows.rows}) == len(rows)
    for row in rows.rows:
        at = value
        for place in row.path:
            at = list(at.values() if isinstance(at, dict) else at)[place]
        assert at is row.value
    for line in lines(rows, 20):
        assert display_safe(line) == line
        assert len(line) <= 40


def test_hostile_and_huge_values() -> None:
    deep: Any = "end"
    for _ in range(5_000):
        deep = [deep]
    rows = JsonRows({"\x1b]0;x\x07[/red]": "\u202e\x1b[31m", "deep": deep, "long": list(range(100_000))}, {(), (2,)})
    rows = JsonRows({"deep": deep, "long": list(range(100_000)), "\x1b[/x]": "\u202e"}, branches([deep], 1) | {(1,)})
    shown = lines(rows)
    assert all(display_safe(line) == line for line in shown)
    assert "95,000 more" in shown[-2]
    assert len(JsonRows(deep, branches(deep, 10_000))) <= 65
    assert len(JsonRows("x\n" * 50_000, {()})) == 5_002


async def test_the_json_of_a_step_folds() -> None:
    async with driving() as driver:
        await driver.press("2", "3", "z")
        assert driver.said == "Only JSON and records fold; v shows them."
        await driver.press("v", "z")
        tree = driver.app.screen
        assert isinstance(tree, JsonScreen)
        every = len(tree.tree_rows)
        await driver.press("space")
        assert len(tree.tree_rows) == 1
        await driver.press("enter")
        names = [row.name for row in tree.tree_rows.rows if len(row.path) == 1]
        assert names[:4] == ["session", "agent", "step", "kind"]
        assert len(tree.tree_rows) == every
        await driver.press("G", "k", "h")
        assert tree.row is not None
        assert tree.row.name == "source", "out of a value to the branch that it is in, which folds"
        assert len(tree.tree_rows) == every - 2
        await driver.press("z", "g", "j")
        assert tree.row.name == "session"
        copied: list[str] = []
        tree.app.copy_text = copied.append  # type: ignore[method-assign]
        await driver.press("y", "g", "y")
        assert copied[0] == tree.tree_rows.rows[1].value
        assert json.loads(copied[1])["step"] == 1
        await driver.press("q")
        assert not isinstance(driver.app.screen, JsonScreen)
