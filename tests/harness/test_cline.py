"""Cline's and Roo Code's tasks: calls written as XML and as blocks, results as text, what a request took."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tracetui.bucket import Bucket
from tracetui.harness import HARNESSES
from tracetui.harness.cline.calls import calls_of, replacements
from tracetui.harness.roots import LogFile, discover
from tracetui.model import Tokens

CLINE = HARNESSES["cline"]
DIFF = "------- SEARCH\n    return n\n=======\n    return n + 1\n+++++++ REPLACE"


def messages() -> list[dict[str, Any]]:
    call = f"<replace_in_file>\n<path>a.py</path>\n<diff>\n{DIFF}\n</diff>\n</replace_in_file>"
    agent = {"type": "tool_use", "id": "t1", "name": "use_subagents", "input": {"prompt_1": "x"}}
    place = "<environment_details>\n# Current Working Directory (/home/ana/tally) Files\n</environment_details>"
    return [
        {"role": "user", "content": [{"type": "text", "text": f"<task>\nMend it.\n</task>\n{place}"}]},
        {"role": "assistant", "content": f"Mending.\n{call}"},
        {"role": "user", "content": [{"type": "text", "text": "[replace_in_file for 'a.py'] Result:\nSaved."},
                                     {"type": "text", "text": "\n# task_progress List"}]},
        {"role": "assistant", "content": [agent],
         "metrics": {"tokens": {"prompt": 100, "completion": 6, "cached": 0}}},
        {"role": "user", "content": [{"type": "text", "text": "[subagents] Result:\nTotal: 1"}]},
    ]  # fmt: skip


def test_a_task_is_captured_with_both_its_files(tmp_path: Path) -> None:
    task = tmp_path / ".config/Code/User/globalStorage/saoudrizwan.claude-dev/tasks/1790000000000"
    task.mkdir(parents=True)
    (task / "api_conversation_history.json").write_text(json.dumps(messages()))
    took = json.dumps({"request": "secret prompt", "tokensIn": 50, "tokensOut": 5, "cost": 0.5})
    (task / "ui_messages.json").write_text(json.dumps([{"ts": 1, "say": "api_req_started", "text": took}]))
    with Bucket.open(tmp_path / "bucket", create=True) as bucket:
        bucket.capture(list(discover({}, tmp_path)), workers=0)
        (row,) = bucket.sessions()
        (log,) = bucket.logs(row.id)
        steps = list(bucket.steps(log))
        assert (row.id, row.harness, row.cwd, row.cost_usd) == ("1790000000000", "cline", "/home/ana/tally", 0.5)
        assert [step.kind for step in steps] == ["prompt", "message", "edit", "agent"]
        assert steps[1].tokens == Tokens(50, 5)
        assert steps[3].tokens == Tokens(100, 6)
        assert [step.tool.output for step in steps[2:] if step.tool] == ["Saved.", "Total: 1"]
        (edit,) = CLINE.edits(steps[2], bucket.records_of(log, steps[2].sources))
        assert edit.pieces == (("    return n\n", "    return n + 1\n"),)
        assert all(b"secret prompt" not in bucket.raw(log, record.source) for record in bucket.records(log))
        (task / "api_conversation_history.json").write_text(
            json.dumps([*messages(), {"role": "assistant", "content": "Done."}])
        )
        bucket.capture([file for file in discover({}, tmp_path) if isinstance(file, LogFile)], workers=0)
        (log,) = bucket.logs(row.id)
        assert (log.generation, log.steps) == (0, 5)


def test_calls_in_text_are_found_in_linear_time() -> None:
    text = "<execute_command><command>a < b && c > d</command></execute_command> and <read_file><path>x</path>"
    assert [(call.name, call.given) for call in calls_of(text)] == [
        ("execute_command", {"command": "a < b && c > d"}), ("read_file", {"path": "x"}),
    ]  # fmt: skip
    assert calls_of("<" * 200_000) == []
    inner = "<write_to_file><path>a</path><content>\n</content>\n<b>\n</content></write_to_file>"
    assert calls_of(inner)[0].given["content"] == "</content>\n<b>"


def test_blocks_of_roo_with_line_numbers() -> None:
    diff = "<<<<<<< SEARCH\n:start_line:3\n-------\nold\n=======\nnew\n>>>>>>> REPLACE"
    assert replacements(diff) == [("old\n", "new\n")]
