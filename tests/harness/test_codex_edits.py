"""The file edits of a Codex step: every way of apply_patch, exact diffs before text, nothing of failed calls."""

from __future__ import annotations

from typing import Any

from tests.harness.codex_logs import Log, read, records
from tracetui.harness import FileEdit
from tracetui.harness.codex import HARNESS

UPDATE = "*** Update File: a.py\n@@\n a\n-b\n+c"
PATCH = f"*** Begin Patch\n{UPDATE}\n*** Add File: n.py\n+x\n*** Delete File: d.py\n*** End Patch"
FROM_TEXT = [
    FileEdit("a.py", "update", pieces=(("a\nb\n", "a\nc\n"),)),
    FileEdit("n.py", "add", after="x\n"),
    FileEdit("d.py", "delete"),
]
CHANGES: dict[str, Any] = {
    "/r/a.py": {"type": "update", "unified_diff": "@@ -1,2 +1,2 @@\n a\n-b\n+c\n", "move_path": None},
    "/r/n.py": {"type": "add", "content": "x\n"},
    "/r/d.py": {"type": "delete", "content": "y\n"},
    "/r/m.py": {"type": "update", "unified_diff": "", "move_path": "/r/k.py"},
}
EXACT = [
    FileEdit("/r/a.py", "update", pieces=(("a\nb\n", "a\nc\n"),)),
    FileEdit("/r/n.py", "add", after="x\n"),
    FileEdit("/r/d.py", "delete", before="y\n"),
    FileEdit("/r/m.py", "move", to="/r/k.py"),
]
OK = "Exit code: 0\nWall time: 0 seconds\nOutput:\nSuccess. Updated the following files:\nM a.py\n"


def edits(log: Log) -> list[FileEdit]:
    """The edits of the log's only step that edits."""
    _, steps = read(log)
    (step,) = [step for step in steps if step.kind == "edit"]
    lines = {source.line for source in step.sources}
    return HARNESS.edits(step, [record for record in records(log.values) if record.source.line in lines])


def test_every_way_of_apply_patch() -> None:
    for add in (
        lambda log: log.call("shell", {"command": ["apply_patch", PATCH]}),
        lambda log: log.call("shell", {"command": ["bash", "-lc", f"apply_patch <<'EOF'\n{PATCH}\nEOF\n"]}),
        lambda log: log.call("shell_command", {"command": f"apply_patch <<'EOF'\n{PATCH}\nEOF\n"}),
        lambda log: log.call("exec_command", {"cmd": f"apply_patch <<'EOF'\n{PATCH}\nEOF\n"}),
        lambda log: log.call("apply_patch", {"input": PATCH}),
        lambda log: log.custom("apply_patch", PATCH),
        lambda log: log.item("local_shell_call", call_id="c1", action={"command": ["apply_patch", PATCH]}),
        lambda log: log.custom("exec", f"await tools.apply_patch(`{PATCH}`)"),
    ):
        log = Log()
        add(log)
        log.output(OK)
        assert edits(log) == FROM_TEXT
        del log.values[-1]
        assert edits(log) == FROM_TEXT, "a log that does not tell how it went still tells what was asked"


def test_exact_diffs_are_used_once() -> None:
    log = Log()
    log.custom("apply_patch", PATCH)
    log.event("patch_apply_end", call_id="c1", success=True, changes=CHANGES, stdout="", stderr="")
    log.done("FileChange", id="c1", changes=CHANGES, status="completed")
    log.output(OK, custom=True)
    assert edits(log) == EXACT


def test_ends_alone() -> None:
    for kind in ("event", "item"):
        log = Log()
        if kind == "event":
            log.event("patch_apply_end", call_id="c1", success=True, changes=CHANGES)
        else:
            log.done("FileChange", changes=CHANGES, status="completed")
        assert edits(log) == EXACT


def test_an_older_form_of_changes() -> None:
    log = Log()
    changes = {"a": {"add": {"content": "x"}}, "b": {"update": {"unified_diff": "@@ -1 +1 @@\n-a\n+b\n"}}, "c": 3}
    log.event("patch_apply_end", call_id="c1", success=True, changes=changes)
    assert edits(log) == [FileEdit("a", "add", after="x"), FileEdit("b", "update", pieces=(("a\n", "b\n"),))]


def test_failed_and_declined_calls_edit_nothing() -> None:
    for output in (
        "apply_patch verification failed: Failed to find expected lines in a.py",
        "Exit code: 1\nWall time: 0 seconds\nOutput:\nInvalid patch",
        "patch rejected by user",
        {"content": "no", "success": False},
    ):
        log = Log()
        log.custom("apply_patch", PATCH)
        log.output(output, custom=True)
        assert edits(log) == []
    for end in ({"success": False}, {"status": "declined"}, {"status": "failed"}):
        log = Log()
        log.custom("apply_patch", PATCH)
        log.event("patch_apply_end", call_id="c1", changes=CHANGES, **end)
        assert edits(log) == []


def test_a_patch_that_went_in_before_the_rest_of_the_command_failed() -> None:
    log = Log()
    log.call("exec_command", {"cmd": f"apply_patch <<'EOF'\n{PATCH}\nEOF\npytest"})
    log.output("Exit code: 1\nWall time: 2 seconds\nOutput:\nSuccess. Updated the following files:\nM a.py\n1 failed")
    assert edits(log) == FROM_TEXT


def test_two_patches_of_one_script_of_which_one_failed() -> None:
    log = Log(ordinals=True)
    log.custom("exec", f"await tools.apply_patch(`{PATCH}`); await tools.apply_patch(`{PATCH}`)")
    log.done("FileChange", id="i1", changes={"n": {"type": "add", "content": "x"}}, status="completed")
    log.done("FileChange", id="i2", changes=CHANGES, status="failed")
    log.output("Script completed\nWall time 1 seconds\nOutput:\n", custom=True)
    assert edits(log) == [FileEdit("n", "add", after="x")]


def test_other_steps_edit_nothing() -> None:
    log = Log()
    log.call("exec_command", {"cmd": "sed -i s/a/b/ a.py"})
    _, steps = read(log)
    assert HARNESS.edits(steps[0], records(log.values)[1:]) == []


def test_a_script_whose_patch_failed_is_an_error() -> None:
    log = Log(ordinals=True)
    log.custom("exec", f"await tools.apply_patch(`{PATCH}`)")
    log.done("FileChange", id="i1", changes=CHANGES, status="declined")
    log.output("Script completed\nWall time 1 seconds\nOutput:\n", custom=True)
    _, steps = read(log)
    assert steps[0].failed
    assert edits(log) == []
