"""OpenCode's records: steps, versions of parts, edits, the three forms that give the same records."""

from __future__ import annotations

import io
import json
import random
from pathlib import Path
from typing import Any

from tests.harness.opencode_logs import SESSION, START, Session, database, story, tool
from tracetui.ctx.build import build
from tracetui.harness import HARNESSES, detect
from tracetui.harness.context import CATEGORIES
from tracetui.harness.lines import records_of
from tracetui.harness.sources import open_lines
from tracetui.model import Record, Step, Tokens

OPENCODE = HARNESSES["opencode"]


def records(values: list[dict[str, Any]]) -> list[Record]:
    data = b"".join(json.dumps(value).encode() + b"\n" for value in values)
    return [item for item in records_of(io.BytesIO(data)) if isinstance(item, Record)]


def read(values: list[dict[str, Any]]) -> tuple[list[Step], Any]:
    reader = OPENCODE.reader("x")
    steps: dict[int, Step] = {}
    made = records(values)
    for record in made:
        reader.feed(record)
        steps.update((step.number, step) for step in reader.take())
    assert reader.stepped + sum(reader.known.values()) + sum(reader.unknown.values()) == len(made)
    return [steps[number] for number in sorted(steps)], reader


def test_a_session_becomes_steps() -> None:
    made = story()
    steps, reader = read(made.records())
    assert [step.kind for step in steps] == [
        "prompt", "thinking", "message", "command", "edit", "edit", "read", "message", "prompt", "message",
    ]  # fmt: skip
    assert not reader.unknown
    command = steps[3]
    assert command.tool is not None
    assert (command.tool.exit_code, command.tool.is_error, command.tool.duration_ms) == (1, True, 250)
    assert steps[6].tool is not None
    assert (steps[6].tool.is_error, steps[6].tool.output) == (True, "File not found")
    assert steps[1].tokens == Tokens(900, 45, 100, 0)
    assert [step.tokens is not None for step in steps[:5]] == [False, True, False, False, True]
    assert steps[1].response == steps[3].response != steps[4].response
    facts = reader.facts
    assert (facts.session, facts.cwd, facts.model, facts.version) == (SESSION, "/home/ana/tally", "lotus-2", "1.18.3")
    assert facts.title == "The tally is off by one. Find out why."
    assert facts.cost_usd == 1.0
    assert facts.started == START
    assert OPENCODE.resume(facts) == ["opencode", "--session", SESSION]


def test_a_part_that_changes_keeps_its_step() -> None:
    made = Session()
    made.ask("Look.")
    made.assistant(tool("bash", {}, None, "call_1", status="pending"), {"type": "text", "text": "Lo"})
    before = made.records()
    state = made.messages[1]["parts"][1]["state"]
    state |= {"status": "completed", "input": {"command": "ls"}, "output": "a\n", "metadata": {"exit": 0}}
    made.messages[1]["parts"][2]["text"] = "Looked."
    after = [value for value in made.records() if value not in before]
    steps, reader = read([*before, *after])
    assert [(step.number, step.kind, step.text) for step in steps] == [
        (1, "prompt", "Look."), (2, "command", None), (3, "message", "Looked."),
    ]  # fmt: skip
    assert steps[1].tool is not None
    assert (steps[1].tool.output, steps[1].tool.input, steps[1].summary) == ("a\n", {"command": "ls"}, "ls")
    assert [source.line for source in steps[1].sources] == [6, 9]
    assert reader.facts.cost_usd == 0.25
    # A version much later (the output was cleared from the context) makes no step of its own.
    state["time"]["compacted"] = START + 9_000_000
    for nth in range(80):
        made.ask(f"more {nth}")
    more, _ = read([*before, *after, *made.records()[6:], made.records()[4]])
    assert len(more) == 83


def test_every_step_is_read_again_from_its_sources() -> None:
    made = records(story().records())
    steps, _ = read(story().records())
    for step in steps:
        reader = OPENCODE.reader("x")
        for source in step.sources:
            reader.feed(next(record for record in made if record.source == source))
        again = next(found for found in reader.take() if found.key == step.key)
        assert (again.text, again.tool, again.summary) == (step.text, step.tool, step.summary)


def test_any_split_goes_on_the_same() -> None:
    values = records(story().records())
    whole, last = read(story().records())
    for at in range(len(values)):
        first = OPENCODE.reader("x")
        steps: dict[int, Step] = {}
        for record in values[:at]:
            first.feed(record)
        if at % 2:
            steps.update((step.number, step) for step in first.take())
        second = OPENCODE.reader("x", first.dump())
        for record in values[at:]:
            second.feed(record)
        steps.update((step.number, step) for step in second.take())
        assert [steps[number] for number in sorted(steps)] == whole
        assert (second.facts, second.known, second.stepped) == (last.facts, last.known, last.stepped)


def test_mutated_records_never_raise() -> None:
    dice = random.Random(5)
    junk: list[Any] = [None, 7, "", "x", [], {}, [[]], {"id": 3}, True, 1e300, -1]
    values = story().records()

    def spoil(value: Any, depth: int) -> Any:
        if dice.random() < 0.08 * depth:
            return dice.choice(junk)
        if isinstance(value, dict):
            return {name: spoil(item, depth + 1) for name, item in value.items() if dice.random() > 0.02}
        return [spoil(item, depth + 1) for item in value] if isinstance(value, list) else value

    for _ in range(150):
        spoilt = [value if isinstance(value, dict) else {} for value in (spoil(item, 0) for item in values)]
        steps, reader = read(spoilt)
        rules = OPENCODE.context
        assert rules is not None
        made = records(spoilt)
        for step in steps:
            OPENCODE.edits(step, [record for record in made if record.source in step.sources])
        for record in made:
            rules.pieces(record)
        OPENCODE.reader("x", reader.dump())


def test_edits_have_hunks() -> None:
    made = story()
    values = records(made.records())
    steps, _ = read(made.records())
    edit, write = (
        OPENCODE.edits(step, [record for record in values if record.source in step.sources]) for step in steps[4:6]
    )
    assert edit[0].pieces == (("def tally(n):\n    return n\n", "def tally(n):\n    return n + 1\n"),)
    assert (write[0].op, write[0].after) == ("add", "# Notes\n")


def test_a_patch_shown_without_its_indentation_is_not_believed() -> None:
    made = Session()
    made.ask("Edit.")
    shown = "@@ -1,1 +1,1 @@\n-return n\n+return m\n"
    given = {"filePath": "/home/ana/a.py", "oldString": "    return n", "newString": "    return m"}
    made.assistant(tool("edit", given, "done", "call_1", metadata={"diff": shown, "filediff": {"patch": shown}}))
    steps, _ = read(made.records())
    values = records(made.records())
    (edit,) = OPENCODE.edits(steps[1], [record for record in values if record.source in steps[1].sources])
    assert edit.pieces == (("    return n", "    return m"),)


def test_all_forms_give_the_same_records(tmp_path: Path) -> None:
    made = story()
    export = made.export(tmp_path / "export.json")
    compact = made.export(tmp_path / "full.jsonl", indent=None)
    tree = made.tree(tmp_path / "storage")
    database(tmp_path / "opencode.db", made).close()
    told = []
    for path in (export, compact, tree, tmp_path / "opencode.db"):
        with open_lines(path) as stream:
            found = [item.value for item in records_of(stream) if isinstance(item, Record)]
        assert detect(found[:20]) is OPENCODE
        steps, _ = read(found)
        told.append([(step.kind, step.text, step.tool, step.key) for step in steps])
    assert told[0] == told[1] == told[2] == told[3]
    assert len(told[0]) == 10


def test_ids_that_were_redacted_are_told_apart(tmp_path: Path) -> None:
    made = story()
    for message in made.messages:
        for part in message["parts"]:
            part["id"] = "REDACTED"
    with open_lines(made.export(tmp_path / "export.json")) as stream:
        found = [item.value for item in records_of(stream) if isinstance(item, Record)]
    steps, _ = read(found)
    assert len(steps) == 10


def test_roots_follow_the_variables(tmp_path: Path) -> None:
    plain = [root.path for root in OPENCODE.roots({}, tmp_path)]
    assert tmp_path / ".local/share/opencode" in plain
    assert tmp_path / ".local/share/kilo" in plain
    named = [root.path for root in OPENCODE.roots({"XDG_DATA_HOME": "/data"}, tmp_path)]
    assert Path("/data/opencode") in named
    assert Path("/data/opencode/storage/session") in named


def test_all_calls_of_a_response_stand_before_their_results() -> None:
    made = story()
    index = build("opencode", made.session, records(made.records()))
    call = index.call_of(len(index.step_call) - 1)
    assert call is not None
    shown = [CATEGORIES[index.category[at]] for at in index.view(call).ids]
    at = shown.index("tool_call", shown.index("tool_result"))
    assert shown[at : at + 6] == ["tool_call"] * 3 + ["tool_result"] * 3
