"""Capsules of opentraces: opened read only, refused by verify and replay in one line, hostile ones refused at once.

``data/opentraces.capsule.json`` was made by opentraces 0.4.13 (``capsule create``) of a made-up session.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tracetui.__main__ import main
from tracetui.bucket import Bucket
from tracetui.capsule.foreign import capture_opentraces
from tracetui.harness import opentraces
from tracetui.model import SessionRow, StepRow, TracetuiError

DATA = Path(__file__).parent / "data" / "opentraces.capsule.json"


def capsule(folder: Path, change: Callable[[Any], None] = lambda value: None) -> Path:
    value = json.loads(DATA.read_text())
    change(value)
    folder.mkdir(exist_ok=True)
    path = folder / "capsule.json"
    path.write_text(json.dumps(value, sort_keys=True, indent=2))
    return path


def envelope_of(path: Path) -> opentraces.Envelope:
    found = opentraces.find(path)
    assert found is not None
    return opentraces.read(found)


def steps_of(path: Path, tmp_path: Path) -> tuple[SessionRow, list[StepRow], list[str]]:
    with Bucket.open(tmp_path / "bucket", create=True) as bucket:
        row = capture_opentraces(bucket, envelope_of(path), tmp_path / "records")
        (log,) = bucket.logs(row.id)
        return row, list(bucket.step_rows(log)), [json.dumps(record.value) for record in bucket.records(log)]


@pytest.mark.parametrize("agent", ["claude-code", "codex-cli", "pi"])
def test_the_session_inside_is_the_one_that_was_sealed(agent: str, tmp_path: Path) -> None:
    path = capsule(tmp_path / "in", lambda value: value["source"].update(agent=agent))
    row, steps, records = steps_of(path, tmp_path)
    digest = envelope_of(path).digest
    assert row.id == f"capsule:{digest[:8]}/842f6fe2-5c51-4cf9-a51a-461fef8b1a94"
    assert row.foreign
    assert row.cwd is None
    assert [(step.kind, step.summary) for step in steps] == [
        ("prompt", "The clock of the tests is wrong by one hour in summer; mend it."),
        ("command", "python -m pytest -q tests/test_clock.py"),
        ("command", "git status --short"),
        ("prompt", "Now write it down in the changelog."),
        ("command", "tail -3 CHANGELOG.md"),
    ]
    for output in ("assert 3 == 4", " M clock.py", "nothing yet"):
        assert sum(output in record for record in records) == 1


def test_results_go_to_their_calls_when_redaction_left_all_with_one_id(tmp_path: Path) -> None:
    def change(value: Any) -> None:
        step = next(step for step in value["slice"]["steps"] if step["tool_calls"])
        call, seen = step["tool_calls"][0], step["observations"][0]
        names = ["[REDACTED]", "toolu_own", "[REDACTED]"]
        step["tool_calls"] = [{**call, "tool_call_id": n, "input": {"command": f"c{i}"}} for i, n in enumerate(names)]
        order = [(1, names[1]), (0, names[0]), (2, names[2])]
        step["observations"] = [{**seen, "source_call_id": name, "content": f"out {i}"} for i, name in order]

    path = capsule(tmp_path / "in", change)
    lines = [json.loads(line) for line in envelope_of(path).lines]
    blocks = [block for line in lines for block in line["message"]["content"] if isinstance(block, dict)]
    asked = {block["id"]: block["input"]["command"] for block in blocks if block["type"] == "tool_use"}
    got = {block["tool_use_id"]: block["content"] for block in blocks if block["type"] == "tool_result"}
    assert [(asked[ident], got[ident]) for ident in asked][:3] == [("c0", "out 0"), ("c1", "out 1"), ("c2", "out 2")]


@pytest.mark.parametrize("named", ["folder", "file"])
def test_open_says_whose_it_is_and_that_nothing_was_verified(
    named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[dict[str, Any]] = []

    def app(bucket: Bucket, **words: Any) -> int:
        calls.append({**words, "sessions": [row.id for row in bucket.sessions()], "path": Path(bucket.path)})
        return 0

    monkeypatch.setattr("tracetui.tui.app.run", app)
    monkeypatch.setattr("tracetui.commands.open.need_terminal", lambda what: None)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    path = capsule(tmp_path / "in")
    before = path.stat().st_mtime_ns, path.read_bytes()
    assert main(["open", str(path if named == "file" else path.parent)]) == 0
    (call,) = calls
    assert call["sessions"] == [call["session"]]
    assert call["read_only"]
    assert call["banner"].startswith("opentraces capsule, nothing verified: ")
    assert "repo2-f0239e09, steps 1 to 5" in call["banner"]
    assert not call["path"].exists()
    assert (path.stat().st_mtime_ns, path.read_bytes()) == before
    assert [item.name for item in path.parent.iterdir()] == ["capsule.json"]


@pytest.mark.parametrize("command", ["verify", "replay"])
def test_verify_and_replay_say_what_it_is(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = capsule(tmp_path / "in")
    for named in (path, path.parent):
        assert main([command, str(named)]) == 1
        out, err = capsys.readouterr()
        assert not out
        assert len(err.splitlines()) == 1
        assert "is an opentraces capsule: " in err
        assert f"tracetui open {named}" in err


def test_it_is_not_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--bucket", str(tmp_path / "bucket"), "open", "--keep", str(capsule(tmp_path / "in"))]) == 1
    assert "read only and is not kept" in capsys.readouterr().err
    assert not (tmp_path / "bucket").exists()


def _deep(value: Any) -> None:
    box: Any = "x"
    for _ in range(300):
        box = [box]
    value["slice"]["steps"][0]["content"] = box


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda value: value.update(schema_version="opentraces.capsule.v2"), "a format that this program does not"),
        (lambda value: value["slice"].update(steps=[]), "it holds no steps"),
        (lambda value: value["slice"].update(steps=[{}] * 20_001), "more than 20,000 steps"),
        (lambda value: value["source"].update(agent="\x1b[31m<b>"), "its agent ("),
        (_deep, "nested deeper than 100 levels"),
    ],
)
def test_what_is_not_read_is_refused_in_one_line(change: Callable[[Any], None], why: str, tmp_path: Path) -> None:
    with pytest.raises(TracetuiError) as caught:
        envelope_of(capsule(tmp_path / "in", change))
    assert why in str(caught.value)
    assert "\x1b" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_large_one_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = capsule(tmp_path / "in")
    monkeypatch.setattr(opentraces, "SIZE_LIMIT", path.stat().st_size - 1)
    with pytest.raises(TracetuiError, match="larger than"):
        opentraces.read(str(path))


def test_a_link_or_a_pipe_in_the_folder_is_not_followed(tmp_path: Path) -> None:
    path = capsule(tmp_path / "in")
    linked, piped = tmp_path / "linked", tmp_path / "piped"
    linked.mkdir()
    (linked / "capsule.json").symlink_to(path)
    piped.mkdir()
    os.mkfifo(piped / "capsule.json")
    assert opentraces.find(linked) is None
    assert opentraces.find(piped) is None
    assert opentraces.find(path.parent) == str(path)


def test_names_that_climb_and_values_of_any_type_do_no_harm(tmp_path: Path) -> None:
    def change(value: Any) -> None:
        value["source"]["trace_id"] = "../../../up"
        value["capsule_id"] = "../x"
        value["source"]["project_slug"] = "a\x1b[31m\nb"
        value["slice"]["steps"] += [
            7,
            {"role": 3, "content": [], "tool_calls": {"a": 1}, "observations": "x", "step_index": "1"},
            {"role": "agent", "tool_calls": [{"tool_name": None, "input": None}, 5], "observations": [{"content": 1}]},
            {"role": "agent", "content": "last", "timestamp": "\x1b", "token_usage": {"input_tokens": -1, "x": "y"}},
        ]

    path = capsule(tmp_path / "in", change)
    row, steps, _ = steps_of(path, tmp_path)
    digest = envelope_of(path).digest
    assert row.id == f"capsule:{digest[:8]}/{digest[:32]}"
    assert steps[-1].summary == "last"
    words = envelope_of(path).words
    assert words.isprintable()
    assert digest[:16] in words
    assert not (tmp_path.parent / "up.jsonl").exists()


def test_logs_and_other_documents_are_none(tmp_path: Path) -> None:
    for text in ("", "[]", '{"schema_version": 1}', '{"type":"user"}\n{"type":"user"}\n', "\x00" * 100):
        path = tmp_path / "capsule.json"
        path.write_text(text)
        assert opentraces.find(path) is None
    assert opentraces.find(tmp_path / "missing") is None
