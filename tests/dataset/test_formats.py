"""Each format of ``export`` against its pinned definition (``schemas/README.md``), and against what it is made of."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from tests.capsule.conftest import Cli
from tests.capsule.story import MENDED, SESSION, Machine
from tracetui.capsule.export import Redacted, RedactedLog
from tracetui.dataset.features import card_of, features_of
from tracetui.dataset.formats.atif import trajectory_of
from tracetui.dataset.formats.chat import row_of
from tracetui.dataset.formats.commons import row_of as commons_row
from tracetui.dataset.formats.page import page_of
from tracetui.dataset.formats.transitions import rows_of
from tracetui.harness import HARNESSES
from tracetui.harness.lines import Splitter
from tracetui.model import Record, Step, ToolUse

SAMPLES = sorted((Path(__file__).parents[1] / "harness" / "samples").glob("*.jsonl"))
Export = Callable[[str], list[Any]]


def check(schemas: Path, name: str, values: list[Any]) -> None:
    validator = jsonschema_rs.validator_for(json.loads((schemas / f"{name}.json").read_text()))
    assert values
    for value in values:
        assert [f"{list(e.instance_path)}: {e.message}" for e in validator.iter_errors(value)] == []


def check_trajectory(value: dict[str, Any]) -> None:
    """What the models of ``atif`` ask for beyond their schema."""
    assert [step["step_id"] for step in value["steps"]] == list(range(1, len(value["steps"]) + 1))
    names = [sub["trajectory_id"] for sub in value.get("subagent_trajectories", ())]
    assert len(set(names)) == len(names)
    for step in value["steps"]:
        if step["source"] != "agent":
            assert not {"model_name", "reasoning_content", "tool_calls", "metrics"} & step.keys()
        calls = {call["tool_call_id"] for call in step.get("tool_calls", ())}
        for result in step.get("observation", {}).get("results", ()):
            assert result["source_call_id"] in calls
            for ref in result.get("subagent_trajectory_ref", ()):
                assert ref["trajectory_id"] in names
    for sub in value.get("subagent_trajectories", ()):
        check_trajectory(sub)


@pytest.fixture
def export(cli: Cli, decided: Machine, tmp_path: Path) -> Export:
    def call(name: str) -> list[Any]:
        target = tmp_path / f"out-{name}"
        done = cli("export", SESSION, "--format", name, "-o", target, "--json", home=decided.home)
        assert done.status == 0, done.err
        out: list[Any] = []
        for line in (line for line in done.lines if line["path"] != "README.md"):
            text = (target / line["path"]).read_text("utf-8")
            assert decided.secret not in text
            assert "annabella" not in text
            out += [json.loads(text)] if line["path"].endswith(".json") else map(json.loads, text.splitlines())
        return out

    return call


def sample(path: Path) -> Redacted:
    """A sample log as if it had passed the gate."""
    data = path.read_bytes()
    splitter = Splitter()
    records = [item for item in (*splitter.feed(data), *splitter.finish()) if isinstance(item, Record)]
    reader = HARNESSES[path.stem].reader("")
    steps = {}
    for record in records:
        reader.feed(record)
        steps |= {step.number: step for step in reader.take()}
    log = RedactedLog(None, 1, data, [steps[n] for n in sorted(steps)], reader.facts)
    return Redacted("sample", path.stem, [log], "")


def test_messages_hold_every_turn(export: Export, schemas: Path) -> None:
    (row,) = export("messages")
    check(schemas, "messages", [row])
    said = [message["role"] for message in row["messages"]]
    assert said.count("user") == 2
    assert said.count("tool") == 5 == sum(len(m["tool_calls"] or ()) for m in row["messages"])
    calls = [call for m in row["messages"] for call in m["tool_calls"] or ()]
    assert {call["id"] for call in calls} == {m["tool_call_id"] for m in row["messages"] if m["role"] == "tool"}
    assert json.loads(calls[0]["function"]["arguments"])["command"] == "env | grep TOKEN"
    assert [tool["function"]["name"] for tool in row["tools"]] == ["Bash", "Edit"]


def test_a_line_of_trace_commons_has_its_outcome_by_a_ground(export: Export, schemas: Path) -> None:
    (row,) = export("trace-commons")
    check(schemas, "trace-commons", [row])
    assert (row["outcome"], row["outcome_ground"]) == ("pass", "exit_code")
    assert row["task"].startswith("chop() cuts")
    assert (row["num_user_messages"], row["num_tool_calls"]) == (2, 5)
    assert row["metadata"]["usage"]["output_tokens"] > 0


def test_transitions_chain_and_are_rewarded_by_tests(export: Export, schemas: Path) -> None:
    rows = export("transitions")
    check(schemas, "transitions", rows)
    assert [row["call"] for row in rows] == list(range(1, len(rows) + 1))
    for row, following in itertools.pairwise(rows):
        assert row["next_state"] == {"messages": following["state"]["messages"], "end": False}
    assert rows[-1]["next_state"]["end"] is True
    rewarded = [(row["reward"], row["ground"]["kind"], row["ground"]["ids"]) for row in rows if row["ground"]]
    assert rewarded == [
        (0.0, "test_result", ["test_whole (test_chop.ChopTest.test_whole)"]),
        (1.0, "exit_code", []),
    ]
    # Nothing is lost: states and actions in turn are the messages.
    (whole,) = export("messages")
    chained = [m for row in rows for m in (*row["state"]["messages"], row["action"])]
    assert [*chained, *rows[-1]["next_state"]["messages"]] == whole["messages"]


def test_atif_is_a_trajectory(export: Export, schemas: Path) -> None:
    (made,) = export("atif")
    check(schemas, "atif-1.8", [made])
    check_trajectory(made)
    assert [step["source"] for step in made["steps"]].count("user") == 2
    assert made["agent"]["version"] == "2.1.30"
    assert made["final_metrics"]["total_completion_tokens"] == sum(
        step["metrics"]["completion_tokens"] for step in made["steps"] if "metrics" in step
    )


def test_agent_trace_names_the_lines_that_the_session_wrote(export: Export, schemas: Path, decided: Machine) -> None:
    (made,) = export("agent-trace")
    check(schemas, "agent-trace-0.1", [made])
    assert made["vcs"] == {"type": "git", "revision": decided.mended}
    files = {item["path"]: item["conversations"] for item in made["files"]}
    assert files.keys() == {"chop.py", "tests/test_chop.py"}
    line = next(nth for nth, text in enumerate(MENDED.splitlines(), 1) if "size]" in text)
    assert files["chop.py"] == [
        {
            "contributor": {"type": "ai", "model_id": "claude-opus-4-6"},
            "ranges": [{"start_line": line, "end_line": line}],
        }
    ]


def test_agent_trace_of_a_capsule_is_refused_in_one_line(cli: Cli, sealed_at: Path, tmp_path: Path) -> None:
    done = cli("export", sealed_at, "--format", "agent-trace", "-o", tmp_path / "x")
    assert done.status == 1
    assert "needs the repository" in done.err
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("name", ["messages", "trace-commons", "transitions", "atif"])
def test_a_capsule_gives_what_its_session_gives(
    name: str, export: Export, cli: Cli, sealed_at: Path, tmp_path: Path
) -> None:
    direct = export(name)
    done = cli("export", sealed_at, "--format", name, "-o", tmp_path / "capsule", "--json")
    assert done.status == 0, done.err
    line = done.lines[0]
    text = (tmp_path / "capsule" / line["path"]).read_text()
    made = [json.loads(text)] if line["path"].endswith(".json") else [*map(json.loads, text.splitlines())]
    assert made == direct


@pytest.fixture
def sealed_at(cli: Cli, decided: Machine, tmp_path: Path) -> Path:
    target = tmp_path / "chop.capsule.zip"
    done = cli("seal", SESSION, "-o", target, home=decided.home)
    assert done.status == 0, done.err
    return target


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_logs_of_every_harness_fit(path: Path, schemas: Path) -> None:
    session = sample(path)
    log = session.logs[0]
    check(schemas, "messages", [row_of(session, log)])
    check(schemas, "trace-commons", [commons_row(session)])
    check(schemas, "transitions", [*rows_of(session, log)])
    made = trajectory_of(session)
    check(schemas, "atif-1.8", [made])
    check_trajectory(made)


def test_an_undecided_session_is_not_exported(cli: Cli, there: Machine, tmp_path: Path) -> None:
    assert cli("index", there.log, home=there.home).status == 0
    done = cli("export", SESSION, "--format", "messages", "-o", tmp_path / "x", home=there.home)
    assert done.status == 1
    assert "open" in done.err
    assert not (tmp_path / "x").exists()


def test_columns_have_the_types_of_all_rows() -> None:
    """A loader takes what the first rows hold for all; the card says what all of them do."""
    rows = [{"a": None, "b": [], "c": {"d": 1}}, {"a": "x", "b": [{"e": True}], "c": {"d": 0.5, "f": None}}]
    assert features_of(rows) == [
        {"name": "a", "dtype": "string"},
        {"name": "b", "list": [{"name": "e", "dtype": "bool"}]},
        {"name": "c", "struct": [{"name": "d", "dtype": "float64"}, {"name": "f", "dtype": "null"}]},
    ]
    assert features_of([{"a": 1}, {"a": "x"}]) is None
    head = card_of([("one.jsonl", b'{"a":1}\n'), ("two.jsonl", b'{"a":2}\n')])
    told = yaml.safe_load(head.split("---")[1])
    assert told["configs"][0]["data_files"] == [{"split": "train", "path": ["one.jsonl", "two.jsonl"]}]
    assert told["dataset_info"] == {"features": [{"name": "a", "dtype": "int64"}]}


class Page(HTMLParser):
    """What a page is made of; a tag that is not closed, or closed out of turn, fails."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag != "meta":
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_page_holds_every_step_and_asks_the_network_for_nothing(path: Path) -> None:
    session = sample(path)
    text = page_of(session)
    page = Page(text)
    assert not set(page.tags) & {"script", "img", "iframe", "link", "object", "form", "base"}
    ids = [value for _, name, value in page.attributes if name == "id"]
    assert len(set(ids)) == len(ids) == len(session.logs[0].steps)
    targets = {value for _, name, value in page.attributes if name in ("href", "src", "action")}
    assert targets <= {f"#{name}" for name in ids}
    assert ("meta", "content", "default-src 'none'; style-src 'unsafe-inline'") in page.attributes
    assert "url(" not in text
    shown = " ".join(page.text.split())
    for step in session.logs[0].steps:
        for part in (step.text, step.tool.output if step.tool else None):
            assert " ".join((part or "").split()[:6]) in shown


def test_text_of_a_log_cannot_become_a_part_of_the_page() -> None:
    hostile = "</pre><script>alert(1)</script>\x1b[31m\u202e<img src=x onerror=y>&amp;"
    tool = ToolUse(hostile, {hostile: hostile}, hostile * 200, True)
    steps = [Step(1, "prompt", "k", (), text=hostile), Step(2, "command", "l", (), model=hostile, tool=tool)]
    logs = [RedactedLog(None, 1, b"", steps), RedactedLog(hostile, 1, b"", steps)]
    text = page_of(Redacted("x", hostile, logs, "", hostile))
    page = Page(text)
    assert not set(page.tags) & {"script", "img"}
    assert "onerror" not in {name for _, name, _ in page.attributes}
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "<script>alert(1)</script>" in page.text


def test_a_page_is_written_behind_the_gate(cli: Cli, decided: Machine, tmp_path: Path) -> None:
    done = cli("export", SESSION, "--format", "html", "-o", tmp_path / "out", "--json", home=decided.home)
    assert done.status == 0, done.err
    (line,) = done.lines
    text = (tmp_path / "out" / line["path"]).read_text("utf-8")
    assert line["path"].endswith(".html")
    assert decided.secret not in text
    assert "annabella" not in text
    assert Page(text).tags.count("html") == 1
