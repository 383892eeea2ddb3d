"""All encodings of Codex's tool results, and the text forms of its patches."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracetui.harness.codex.output import CallOutput, milliseconds, read_ended, read_mcp, read_output, whole
from tracetui.harness.codex.patch import holds_patch, read_patch, texts
from tracetui.text.unified import pieces_of_diff

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                """type text output content success metadata exit_code exitCode duration_seconds stdout stderr status
            result Ok Err isError error duration secs nanos aggregated_output image_url""".split()
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


def result(text: str, code: int | None = None, error: bool | None = None, took: int | None = None) -> CallOutput:
    return CallOutput(text, code, error, took)


REFUSED = "failed in sandbox Seatbelt with execution error: denied, exit code: 2, stdout: , stderr: no"
CASES: dict[str, tuple[Any, CallOutput]] = {
    "a JSON string": (
        '{"output":"ok\\n","metadata":{"exit_code":0,"duration_seconds":0.1}}',
        result("ok\n", 0, False, 100),
    ),
    "a JSON string that failed": (
        '{"metadata":{"duration_seconds":2,"exit_code":127},"output":"not found"}',
        result("not found", 127, True, 2000),
    ),
    "exit code header": ("Exit code: 1\nWall time: 1.2 seconds\nOutput:\nFAILED\n", result("FAILED\n", 1, True, 1200)),
    "exit code header with more lines": (
        "Exit code: 0\nWall time: 1 seconds\nTotal output lines: 900\nOutput:\na\n\nb",
        result("a\n\nb", 0, False, 1000),
    ),
    "chunk header": (
        "Chunk ID: ab12\nWall time: 0.1597 seconds\nProcess exited with code 3\nOriginal token count: 10\nOutput:\nx",
        result("x", 3, True, 160),
    ),
    "killed by a signal": ("Exit code: -9\nWall time: 3 seconds\nOutput:\n", result("", -9, True, 3000)),
    "still running": (
        "Chunk ID: ab\nWall time: 10.0 seconds\nProcess running with session ID 86689\nOutput:\nhalf",
        CallOutput("half", None, None, 10_000, 0, "86689"),
    ),
    "aborted below a header": ("Wall time: 6.4 seconds\naborted by user", result("aborted by user", None, True, 6400)),
    "header in another order": (
        "Process exited with code 2\nWall time: 1.0 seconds\nChunk ID: 5\nOutput:\nx",
        result("x", 2, True, 1000),
    ),
    "an answer of an MCP tool": ('Wall time: 3.5 seconds\nOutput:\n{"a":1}', result('{"a":1}', took=3500)),
    "plain text": ("Plan updated", result("Plan updated")),
    "text that looks like a header": ("Exit codes are documented below", result("Exit codes are documented below")),
    "other JSON": ('{"results":[]}', result('{"results":[]}')),
    "broken JSON": ('{"output":"x","exit_code":', result('{"output":"x","exit_code":')),
    "refused by the sandbox": (REFUSED, result(REFUSED, 2, True)),
    "a patch that does not fit": (
        "apply_patch verification failed: Failed to find expected lines",
        result("apply_patch verification failed: Failed to find expected lines", None, True),
    ),
    "aborted": ("aborted by user after 29.7s", result("aborted by user after 29.7s", None, True)),
    "content items": (
        [{"type": "input_text", "text": "a"}, {"type": "input_image", "image_url": "data:image/png;base64,QUJD"}],
        CallOutput("a\n[image png 3 B]", images=1),
    ),
    "a content item": ({"type": "input_text", "text": "a.txt\n"}, result("a.txt\n")),
    "items below a header": (
        [
            {"type": "input_text", "text": "Script completed\nWall time 0.2 seconds\nOutput:\n"},
            {"type": "input_text", "text": "one"},
            {"type": "input_text", "text": "two"},
        ],
        result("one\ntwo", took=200),
    ),
    "a result of a script": (
        [
            {"type": "input_text", "text": "Script completed\nWall time 9.0 seconds\nOutput:\n"},
            {
                "type": "input_text",
                "text": '{"chunk_id":"1","wall_time_seconds":4.5,"exit_code":1,"output":"1 failed"}',
            },
        ],
        result("1 failed", 1, True, 4500),
    ),
    "a script that failed": (
        [{"type": "input_text", "text": "Script failed\nWall time 0.1 seconds\nOutput:\nError: no"}],
        result("Error: no", None, True, 100),
    ),
    "a script that goes on": (
        "Script running with cell ID 28\nWall time 10.0 seconds\nOutput:\n",
        CallOutput("", None, None, 10_000, 0, "cell 28"),
    ),
    "an object with success": ({"content": "denied", "success": False}, result("denied", None, True)),
    "an object with an exit code": ({"stdout": "a", "stderr": "b", "exitCode": 4}, result("a\nb", 4, True)),
    "an object like the string": ({"output": "x", "metadata": {"exit_code": 0}}, result("x", 0, False)),
    "nothing": (None, result("")),
}


@pytest.mark.parametrize("name", CASES)
def test_encodings(name: str) -> None:
    value, expected = CASES[name]
    assert read_output(value) == expected


def test_fields_of_ends() -> None:
    assert read_ended(
        {"exit_code": 2, "aggregated_output": "x", "duration": {"secs": 1, "nanos": 5_000_000}}
    ) == result("x", 2, True, 1005)
    assert read_ended({"stdout": "a", "stderr": "b", "exit_code": 0}) == result("a\nb", 0, False)
    assert read_ended({"status": "declined"}) == result("", None, True)
    assert read_ended({"status": "completed", "stdout": "ok"}) == result("ok", None, False)
    assert read_ended({"success": False, "stderr": "no"}) == result("no", None, True)
    assert read_mcp({"result": {"Ok": {"content": [{"type": "text", "text": "a"}], "isError": True}}}).is_error is True
    assert read_mcp({"status": "failed", "error": {"message": "gone"}}) == result("gone", None, True)


@given(JSON)
def test_no_result_raises(value: Any) -> None:
    for found in (read_output(value), *([read_ended(value), read_mcp(value)] if isinstance(value, dict) else [])):
        assert found.text is None or isinstance(found.text, str)
        assert found.exit_code is None or type(found.exit_code) is int
        assert found.is_error in (None, True, False)
        assert found.duration_ms is None or type(found.duration_ms) is int


@given(st.text(alphabet="Exit code: 0123456789\nWalltimeOupChunkIDsc.-", max_size=120))
def test_no_text_raises_and_none_is_lost(text: str) -> None:
    found = read_output(text).text
    assert found is not None
    assert text.endswith(found)


@given(st.text(), st.integers(-300, 300), st.integers(0, 10**6))
def test_output_comes_back_whole(text: str, code: int, took: int) -> None:
    headed = f"Chunk ID: x\nWall time: {took / 1000:.3f} seconds\nProcess exited with code {code}\nOutput:\n{text}"
    assert read_output(headed) == CallOutput(text, code, code != 0, took)
    packed = orjson.dumps({"output": text, "metadata": {"exit_code": code, "duration_seconds": took / 1000}}).decode()
    assert read_output(packed) == CallOutput(text, code, code != 0, took)


def test_numbers() -> None:
    assert [whole(value) for value in (3, 3.0, "3", "-3", True, None, 3.5, "", "-", "三", "9" * 30)] == [
        *(3, 3, 3, -3, None, None, None, None, None, None, None),
    ]
    assert [milliseconds(value) for value in (1.5, "1.5s", "250ms", {"secs": 2}, "x", None, -1, float("nan"), {})] == [
        *(1500, 1500, 250, 2000, None, None, None, None, None),
    ]


# -------------------------------------------------------------------- patches

PATCH = """*** Begin Patch
*** Add File: new.py
+x = 1
+
*** Update File: src/limit.py
*** Move to: src/rate.py
@@ class Limit:
     def take(self):
-        return 1
+        return 2
+        # two
@@
-old
*** End of File
*** Delete File: gone.py
*** End Patch"""


def test_the_grammar_of_patches() -> None:
    new, moved, gone = read_patch(PATCH)
    assert (new.path, new.op, new.content) == ("new.py", "add", "x = 1\n\n")
    assert (moved.path, moved.op, moved.to) == ("src/limit.py", "move", "src/rate.py")
    take = "    def take(self):\n"
    assert moved.pieces == [
        (f"{take}        return 1\n", f"{take}        return 2\n        # two\n"),
        ("old\n", ""),
    ]
    assert (gone.path, gone.op) == ("gone.py", "delete")


def test_a_patch_without_its_marks_and_with_other_line_ends() -> None:
    (file,) = read_patch("*** Update File: a\r\n@@\r\n a\r\n-b\r\n+c\r\n")
    assert file.pieces == [("a\nb\n", "a\nc\n")]
    (blank,) = read_patch("*** Update File: a\n@@\n a\n\n-b\n+c")
    assert blank.pieces == [("a\n\nb\n", "a\n\nc\n")]
    assert read_patch("no patch at all\n+x") == []


def test_unified_diffs() -> None:
    last = "@@ -9 +10 @@\n-y\n\\ No newline at end of file\n+z\n"
    diff = f"--- a/x\n+++ b/x\n@@ -1,2 +1,3 @@ def f():\n a\n-b\n+c\n+d\n{last}"
    assert pieces_of_diff(diff) == [("a\nb\n", "a\nc\nd\n"), ("y", "z\n")]
    assert pieces_of_diff("@@ -1 +1 @@\n-a\n+b\n\\ No newline at end of file") == [("a\n", "b")]
    assert pieces_of_diff("") == []
    assert pieces_of_diff("@@ -0,0 +1 @@\n+++ x\n") == [("", "++ x\n")]


ESCAPED = PATCH.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


@pytest.mark.parametrize(
    ("value", "script"),
    [
        (PATCH, False),
        ({"input": PATCH}, False),
        ({"patch": PATCH}, False),
        ({"command": ["apply_patch", PATCH]}, False),
        ({"command": ["bash", "-lc", f"cd src && apply_patch <<'EOF'\n{PATCH}\nEOF\n"]}, False),
        ({"cmd": f"apply_patch <<'EOF'\n{PATCH}\nEOF"}, False),
        (f'await tools.apply_patch("{ESCAPED}");', True),
        (f"const p = `{PATCH}`;\nawait tools.apply_patch(p);", True),
        (f"await tools.apply_patch(String.raw`{PATCH}`)", True),
        ("apply_patch(" + " +\n  ".join(f'"{line}\\n"' for line in PATCH.split("\n")) + ")", True),
        ("apply_patch([" + ",\n".join(f'"{line}"' for line in PATCH.split("\n")) + '].join("\\n"))', True),
    ],
)
def test_where_patches_stand(value: Any, script: bool) -> None:
    assert holds_patch(value)
    (found,) = texts(value, script=script)
    assert read_patch(found) == read_patch(PATCH)


def test_several_patches_and_none() -> None:
    assert len(texts(f"{PATCH}\n{PATCH}")) == 2
    assert texts({"command": "ls"}) == []
    assert not holds_patch({"command": "grep '*** Begin Patch' notes.md"})
    assert texts(
        'tools.apply_patch("*** Begin Patch\\n*** Add File: \\u00e9\\n+\\ud83d\\ude00 \\\\n\\n*** End Patch")',
        script=True,
    ) == ["*** Begin Patch\n*** Add File: é\n+😀 \\n\n*** End Patch"]


lines = st.lists(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=12), max_size=6)


@given(lines, lines, lines)
def test_patches_give_back_their_lines(same: list[str], old: list[str], new: list[str]) -> None:
    body = [f" {line}" for line in same] + [f"-{line}" for line in old] + [f"+{line}" for line in new]
    files = read_patch("\n".join(["*** Begin Patch", "*** Update File: a", "@@", *body, "*** End Patch"]))
    expected = ("".join(f"{line}\n" for line in same + old), "".join(f"{line}\n" for line in same + new))
    assert files[0].pieces == ([expected] if body else [])
    assert pieces_of_diff("\n".join(["@@ -1,9 +1,9 @@", *body]) + "\n") == ([expected] if body else [])


@given(st.text(alphabet="*** BeginPatchUpdateFile:\n+-@ \\x`\"'", max_size=200), st.booleans())
def test_no_text_of_a_patch_raises(text: str, script: bool) -> None:
    for found in texts(f"*** Begin Patch{text}", script=script):
        read_patch(found)
    pieces_of_diff(text)
