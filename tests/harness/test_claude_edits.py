"""What Claude Code's edits did to files, as their logs tell it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.harness.claude_logs import Log, call, result, steps
from tracetui.harness.base import FileEdit
from tracetui.harness.claude import HARNESS
from tracetui.harness.claude.edits import applied

PATH = "/r/a.py"


def edits(log: Log) -> list[FileEdit]:
    got = log.records()
    found = []
    for step in steps(log):
        lines = {source.line for source in step.sources}
        found += HARNESS.edits(step, [record for record in got if record.source.line in lines])
    return found


def one(name: str, given: dict[str, Any], extra: Any = None, output: str = "ok", **rest: Any) -> list[FileEdit]:
    log = Log()
    log.answer(call("e", name, **given))
    log.user([result("e", output, rest.pop("is_error", None))], toolUseResult=extra, **rest)
    return edits(log)


def test_an_edit_with_the_file_it_changed() -> None:
    given = {"file_path": PATH, "old_string": "b", "new_string": "B"}
    extra = {
        "filePath": PATH,
        "oldString": "b",
        "newString": "B",
        "originalFile": "a\nb\nb\n",
        "replaceAll": False,
        "structuredPatch": [{"oldStart": 2, "oldLines": 1, "newStart": 2, "newLines": 1, "lines": ["-wrong", "+text"]}],
    }
    assert one("Edit", given, extra) == [FileEdit(PATH, "update", "a\nb\nb\n", "a\nB\nb\n")]
    assert one("Edit", given, extra | {"replaceAll": True})[0].after == "a\nB\nB\n"


def test_the_structured_result_knows_better_than_the_input() -> None:
    given = {"file_path": "a.py", "old_string": "say 'hi'", "new_string": "say 'ho'   "}
    extra = {"filePath": PATH, "oldString": "say ‘hi’", "newString": "say ‘ho’", "originalFile": "say ‘hi’\n"}
    assert one("Edit", given, extra) == [FileEdit(PATH, "update", "say ‘hi’\n", "say ‘ho’\n")]


def test_an_edit_without_the_file_gives_pieces() -> None:
    given = {"file_path": PATH, "old_string": "b", "new_string": "B", "replace_all": True}
    pieces = FileEdit(PATH, "update", pieces=(("b", "B"),), replace_all=True)
    assert one("Edit", given) == [pieces]
    assert one("Edit", given, {"filePath": PATH, "oldString": "b", "newString": "B", "originalFile": None}) == [pieces]
    astray = {
        "filePath": PATH,
        "oldString": "b",
        "newString": "B",
        "originalFile": "nothing of it",
        "replaceAll": False,
    }
    assert one("Edit", given, astray) == [FileEdit(PATH, "update", pieces=(("b", "B"),))]


def test_a_persons_change_that_cannot_be_told_leaves_the_text_after_open() -> None:
    given = {"file_path": PATH, "old_string": "b", "new_string": "B"}
    extra = {
        "filePath": PATH,
        "oldString": "b",
        "newString": "B",
        "originalFile": "a\nb\n",
        "userModified": True,
        "structuredPatch": [{"oldStart": 2, "oldLines": 1, "newStart": 2, "newLines": 3, "lines": []}],
    }
    assert one("Edit", given, extra) == [FileEdit(PATH, "update", "a\nb\n")]
    told = extra | {"newString": "B1\nB2\nB3"}
    assert one("Edit", given, told) == [FileEdit(PATH, "update", "a\nb\n", "a\nB1\nB2\nB3\n")]


def test_an_edit_that_creates_a_file() -> None:
    given = {"file_path": PATH, "old_string": "", "new_string": "new\n"}
    assert one("Edit", given) == [FileEdit(PATH, "add", None, "new\n")]
    empty = {"filePath": PATH, "oldString": "", "newString": "new\n", "originalFile": ""}
    assert one("Edit", given, empty) == [FileEdit(PATH, "update", "", "new\n")]


def test_a_multi_edit_applies_in_order() -> None:
    changes = [{"old_string": "a", "new_string": "b"}, {"old_string": "b", "new_string": "c", "replace_all": True}]
    given = {"file_path": PATH, "edits": changes}
    extra = {"filePath": PATH, "edits": changes, "originalFileContents": "a b\n"}
    assert one("MultiEdit", given, extra) == [FileEdit(PATH, "update", "a b\n", "c c\n")]
    assert one("MultiEdit", given) == [FileEdit(PATH, "update", pieces=(("a", "b"), ("b", "c")))]
    assert one("MultiEdit", {"file_path": PATH, "edits": [{"old_string": "a"}]}) == []


def test_writes() -> None:
    given = {"file_path": PATH, "content": "x\n"}
    create = {"type": "create", "filePath": PATH, "content": "x\n", "originalFile": None, "structuredPatch": []}
    update = {"type": "update", "filePath": PATH, "content": "y\n", "originalFile": "old\n"}
    assert one("Write", given, create) == [FileEdit(PATH, "add", None, "x\n")]
    assert one("Write", given, update) == [FileEdit(PATH, "update", "old\n", "y\n")]
    assert one("Write", given, None, "File created successfully at: /r/a.py") == [FileEdit(PATH, "add", None, "x\n")]
    assert one("Write", given, None, "The file /r/a.py has been updated.") == [FileEdit(PATH, "update", None, "x\n")]


def test_notebooks() -> None:
    given = {"notebook_path": "/r/n.ipynb", "new_source": "x = 1", "cell_id": "c"}
    whole = {"notebook_path": "/r/n.ipynb", "original_file": "{1}", "updated_file": "{2}", "error": ""}
    assert one("NotebookEdit", given, whole) == [FileEdit("/r/n.ipynb", "update", "{1}", "{2}")]
    assert one("NotebookEdit", given) == [FileEdit("/r/n.ipynb", "update")]
    assert one("NotebookEdit", given, whole | {"error": "no such cell"}) == []


@pytest.mark.parametrize("name", ["Edit", "Write", "MultiEdit", "NotebookEdit"])
def test_what_failed_changed_nothing(name: str) -> None:
    given = {"file_path": PATH, "old_string": "b", "new_string": "B", "content": "x", "notebook_path": PATH}
    assert one(name, given, "Error: no", "String to replace not found", is_error=True) == []
    assert one(name, given, None, "The user doesn't want to proceed with this tool use.") == []
    assert one(name, given, None, "no", toolDenialKind="user-rejected") == []
    log = Log()
    log.answer(call("e", name, **given))
    assert edits(log) == []


def test_calls_that_share_a_record_are_told_apart() -> None:
    log = Log()
    log.answer(
        call("a", "Edit", file_path="/a", old_string="1", new_string="2"),
        call("b", "Edit", file_path="/b", old_string="3", new_string="4"),
    )
    log.user(
        [result("b", "ok")], toolUseResult={"filePath": "/b", "oldString": "3", "newString": "4", "originalFile": "3"}
    )
    log.user(
        [result("a", "ok")], toolUseResult={"filePath": "/a", "oldString": "1", "newString": "2", "originalFile": "1"}
    )
    assert [(edit.path, edit.before, edit.after) for edit in edits(log)] == [("/a", "1", "2"), ("/b", "3", "4")]


def test_other_tools_edit_nothing() -> None:
    assert one("Bash", {"command": "sed -i s/a/b/ x"}) == []
    assert one("Read", {"file_path": PATH}) == []


def test_a_deletion_takes_the_line_end_with_it() -> None:
    assert applied("a\nb\nc\n", "b", "", False) == "a\nc\n"
    assert applied("a b\n", "a ", "", False) == "b\n"
    assert applied("xbx", "b", "", False) == "xx"
    assert applied("b\nb\n", "b", "", True) == ""
    assert applied("b\nb\n", "b", "x", True) == "x\nx\n"
    assert applied("aaa", "aa", "b", True) == "ba"
    assert applied("abc", "z", "y", False) is None
    assert applied("abc", "", "y", False) is None


texts = st.text(alphabet="ab\n", max_size=12)


@given(
    before=texts,
    old=st.text(alphabet="ab\n", min_size=1, max_size=3),
    new=st.text(alphabet="ac\n", min_size=1, max_size=3),
)
def test_one_replacement_changes_only_what_it_names(before: str, old: str, new: str) -> None:
    after = applied(before, old, new, False)
    if old not in before:
        assert after is None
        return
    assert after is not None
    start = before.index(old)
    assert after == before[:start] + new + before[start + len(old) :]
