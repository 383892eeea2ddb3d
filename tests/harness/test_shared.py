"""The helpers that all harnesses share: kinds of tools, summaries of inputs, content blocks as text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracetui.harness.content import Flat, file_mark, flatten, size_words
from tracetui.harness.tools import LINE, kind, one_line, patch_paths, summary

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
WORDS = st.sampled_from(
    [
        "type",
        "text",
        "content",
        "source",
        "document",
        "image",
        "data",
        "resource",
        "title",
        "todos",
        "questions",
        "command",
        "path",
        "action",
        "url",
        "edits",
        "plan",
        "status",
        "search_result",
        "tool_reference",
    ]
)
SHAPED = st.recursive(
    st.none() | st.integers() | WORDS | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=15,
)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Bash", "command"),
        ("bash", "command"),
        ("shell_command", "command"),
        ("exec_command", "command"),
        ("Edit", "edit"),
        ("MultiEdit", "edit"),
        ("Write", "edit"),
        ("NotebookEdit", "edit"),
        ("apply_patch", "edit"),
        ("Read", "read"),
        ("Grep", "search"),
        ("Glob", "search"),
        ("LS", "search"),
        ("WebFetch", "web"),
        ("WebSearch", "web"),
        ("Task", "agent"),
        ("Agent", "agent"),
        ("TodoWrite", "plan"),
        ("TaskCreate", "plan"),
        ("ExitPlanMode", "plan"),
        ("update_plan", "plan"),
        ("mcp__files__read", "tool"),
        ("Skill", "tool"),
        ("AskUserQuestion", "tool"),
        (None, "tool"),
        (7, "tool"),
    ],
)
def test_kind(name: object, expected: str) -> None:
    assert kind(name) == expected


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("Bash", {"command": "pytest -q\n  tests", "description": "Run"}, "pytest -q tests"),
        ("shell", {"command": ["bash", "-lc", "make all"], "workdir": "/x"}, "make all"),
        ("shell", {"command": ["ls", "-l"]}, "ls -l"),
        ("write_stdin", {"session_id": 7, "chars": "y\n"}, "7: y"),
        ("BashOutput", {"bash_id": "b12"}, "b12"),
        ("Read", {"file_path": "/a/b.py", "offset": 10, "limit": 5}, "/a/b.py:10-14"),
        ("Edit", {"file_path": "/a/b.py", "old_string": "x"}, "/a/b.py"),
        ("MultiEdit", {"file_path": "/a/b.py", "edits": [{}, {}]}, "/a/b.py (2 edits)"),
        ("apply_patch", "*** Begin Patch\n*** Update File: a.py\n@@\n-x\n*** Add File: b.py\n+y", "a.py, b.py"),
        ("Grep", {"pattern": "TODO", "path": "src", "glob": "*.py"}, "TODO *.py in src"),
        ("LS", {"path": "/src"}, "/src"),
        ("WebFetch", {"url": "https://example.org/", "prompt": "x"}, "https://example.org/"),
        ("web_search_call", {"action": {"query": "two words"}}, "two words"),
        ("Task", {"description": "Find it", "subagent_type": "Explore", "prompt": "long"}, "Explore: Find it"),
        ("TodoWrite", {"todos": [{"content": "a", "status": "completed"}, {"content": "b"}]}, "1/2 b"),
        ("update_plan", {"plan": [{"step": "s", "status": "in_progress"}]}, "0/1 s"),
        ("ExitPlanMode", {"plan": "# The plan\n\nFirst"}, "The plan First"),
        ("TaskUpdate", {"taskId": "3", "status": "completed"}, "#3 completed"),
        ("AskUserQuestion", {"questions": [{"question": "Which?"}]}, "Which?"),
        ("mcp__x__y", {"foo": {"bar": 1}, "zed": "value"}, "value"),
        ("mcp__x__y", {"foo": [1, 2]}, '{"foo":[1,2]}'),
        ("Bash", {}, ""),
        ("Bash", None, ""),
    ],
)
def test_summary(name: str, value: object, expected: str) -> None:
    assert summary(name, value) == expected


@given(
    name=st.sampled_from(["Bash", "Edit", "Read", "Grep", "Task", "TodoWrite", "WebSearch", "x"]), value=JSON | SHAPED
)
def test_summary_is_one_short_line_of_anything(name: str, value: object) -> None:
    line = summary(name, value)
    assert isinstance(line, str)
    assert len(line) <= LINE
    assert line.splitlines() in ([], [line])


def test_one_line_cuts_with_an_ellipsis() -> None:
    assert one_line("a " * 500, 11) == "a a a a a…"
    assert one_line(" \n" * 5000 + "late") == "…"
    assert one_line(3) == ""


def test_patch_paths_come_once_in_order() -> None:
    assert patch_paths("*** Delete File: z\n*** Update File: a\n*** Update File: z\n") == ["z", "a"]
    assert patch_paths("no patch") == []


def test_flatten_names_images_with_their_size() -> None:
    data = "QUJD" * 4000
    blocks = [
        {"type": "text", "text": "see"},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}},
        {"type": "image", "data": "QUI=", "mimeType": "image/jpeg"},
        {"type": "input_image", "image_url": f"data:image/webp;base64,{data}"},
        {"type": "novel"},
    ]
    assert flatten(blocks) == Flat("see\n[image png 12 kB]\n[image jpeg 2 B]\n[image webp 12 kB]\n[novel]", 3)


def test_flatten_other_blocks() -> None:
    assert flatten("as it is") == Flat("as it is", 0)
    assert flatten(None) == Flat("", 0)
    assert flatten([{"type": "tool_reference", "tool_name": "Grep"}]).text == "[tool Grep]"
    assert flatten({"type": "resource", "resource": {"uri": "x", "text": "body"}}).text == "body"
    assert flatten([{"type": "document", "source": {"type": "text", "data": "pdf words"}, "title": "T"}]).text == (
        "[document T]\npdf words"
    )
    assert flatten([{"type": "document", "source": {"media_type": "application/pdf", "data": "QUJD"}}]).text == (
        "[document pdf 3 B]"
    )
    assert flatten([{"type": "web_search_result", "title": "A", "url": "https://b"}]).text == "A https://b"


def test_flatten_stops_at_hostile_nesting() -> None:
    block: object = {"type": "text", "text": "deep"}
    for _ in range(5000):
        block = {"type": "document", "source": {"type": "content", "content": [block]}}
    assert flatten([block]).text == "[document]"


@given(JSON | SHAPED)
def test_flatten_reads_anything(value: object) -> None:
    flat = flatten(value)
    assert isinstance(flat.text, str)
    assert flat.images >= 0


def test_sizes() -> None:
    assert [size_words(n) for n in (0, 999, 1500, 999_499, 999_500, 12_340_000)] == [
        *("0 B", "999 B", "2 kB", "999 kB", "1.0 MB", "12.3 MB"),
    ]
    assert file_mark("image", "image/png", "QUI=") == "[image png 2 B]"
    assert file_mark("image", 3, None) == "[image]"
