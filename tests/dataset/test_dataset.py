"""From a bucket to rows that were reviewed, and back: made again they are the same, and what is not says why."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.capsule import story
from tests.capsule.conftest import Cli, Done
from tests.capsule.story import SESSION, Machine
from tracetui.bucket import Bucket
from tracetui.dataset.report import report
from tracetui.dataset.store import DatasetStore
from tracetui.dataset.workflow import parse, shipped
from tracetui.model import TracetuiError

NAME = "skill-episodes"


@pytest.fixture
def run(cli: Cli, decided: Machine) -> Any:
    def call(*words: object) -> Done:
        return cli("dataset", *words, home=decided.home)

    return call


def approve_all(run: Any, name: str = NAME) -> None:
    done = run("review", name, "--approve", "all", "--json")
    assert done.status == 0, done.err
    assert done.lines[0]["new"] == done.lines[0]["changed"] == 0, done.err


def test_rows_are_made_once_reviewed_and_written(run: Any, decided: Machine, tmp_path: Path) -> None:
    (first,) = run("run", NAME, "--json").lines
    assert (first["sessions"], first["rows"], first["new"], first["problems"]) == (1, 2, 2, [])
    (again,) = run("run", NAME, "--json").lines
    assert (again["skipped"], again["rows"], again["new"], again["changed"]) == (1, 2, 0, 0)
    rows = run("review", NAME, "--json").lines
    assert [row["state"] for row in rows] == ["new", "new"]
    assert rows[0]["value"]["prompt"].startswith("chop() cuts")
    assert rows[1]["value"]["labels"]["tests"] == {"reward": 1.0, "ground": "exit_code", "step": 8, "ids": []}
    refused = run("export", NAME, "-o", tmp_path / "none")
    assert refused.status == 1
    assert "no approved row" in refused.err
    assert not (tmp_path / "none").exists()
    approve_all(run)
    assert run("review", NAME, "--reject", str(rows[0]["row"])).status == 0
    done = run("export", NAME, "-o", tmp_path / "out", "--json")
    assert done.status == 0, done.err
    (line,) = (tmp_path / "out" / "data.jsonl").read_text().splitlines()
    assert json.loads(line) == rows[1]["value"]
    text = "".join(path.read_text() for path in (tmp_path / "out").iterdir())
    assert decided.secret not in text
    assert "annabella" not in text


def test_rows_verify_on_another_machine_with_other_paths(run: Any, cli: Cli, decided: Machine, tmp_path: Path) -> None:
    assert run("run", NAME).status == 0
    approve_all(run)
    assert run("export", NAME, "-o", tmp_path / "out").status == 0
    there = tmp_path / "elsewhere" / "home" / "zelda"
    log = there / "logs" / "x" / decided.log.name
    log.parent.mkdir(parents=True)
    shutil.copy(decided.log, log)
    assert cli("index", log, home=there).status == 0
    # Not decided there yet: no rows, so nothing to compare with.
    done = cli("dataset", "verify", tmp_path / "out", "--json", home=there)
    assert done.status == 1
    assert {line["why"] for line in done.lines} == {"gone"}
    assert cli("redact", SESSION, "--accept-tier", "2", home=there).status == 0
    done = cli("dataset", "verify", tmp_path / "out", "--json", home=there)
    assert done.status == 0, (done.out, done.err)
    assert [line["same"] for line in done.lines] == [True, True]


def test_verify_says_what_is_not_the_same(run: Any, cli: Cli, decided: Machine, tmp_path: Path) -> None:
    assert run("run", NAME).status == 0
    approve_all(run)
    out = tmp_path / "out"
    assert run("export", NAME, "-o", out).status == 0

    def why(name: object = out) -> set[str | None]:
        return {line["why"] for line in run("verify", name, "--json").lines}

    assert why() == {None}
    data = (out / "data.jsonl").read_text()
    (out / "data.jsonl").write_text(data.replace("Mend it.", "Mend that."))
    assert why() == {"touched", None}
    (out / "data.jsonl").write_text(data)
    flow = (out / "workflow.md").read_text()
    (out / "workflow.md").write_text(flow.replace("    failures: {type: integer}\n", ""))
    assert why() == {"workflow"}
    (out / "workflow.md").write_text(flow)
    assert run("rate", f"{SESSION}:9", "--value", "good").status == 0
    assert why() == {"labels", None}
    assert run("rate", f"{SESSION}:9", "--value", "none").status == 0
    # The session grows: one more prompt.
    lines = decided.log.read_text().splitlines()
    more = json.loads(lines[0]) | {"uuid": "00000000-0000-4000-8000-000000009999"}
    more["message"] = {"role": "user", "content": "One more thing."}
    decided.log.write_text("\n".join([*lines, json.dumps(more)]) + "\n")
    assert cli("index", decided.log, home=decided.home).status == 0
    assert why() == {None}, "the rows themselves are the same: their units did not grow"
    (grown,) = run("run", NAME, "--json").lines
    assert (grown["new"], grown["changed"], grown["gone"]) == (0, 0, 0)
    assert grown["problems"], "a prompt without an answer breaks the schema, and names the field"
    assert "messages" in grown["problems"][0]["problem"]


def test_an_approval_is_bound_to_the_row(run: Any, cli: Cli, decided: Machine) -> None:
    assert run("run", NAME).status == 0
    approve_all(run)
    assert run("rate", SESSION, "--value", "bad", "--note", "it printed the token").status == 0
    (after,) = run("run", NAME, "--json").lines
    assert after["changed"] == 2
    assert {row["state"] for row in run("review", NAME, "--json").lines} == {"changed"}
    assert run("export", NAME, "-o", decided.home / "x").status == 1


def test_an_undecided_session_gives_no_rows_and_says_so(cli: Cli, there: Machine) -> None:
    assert cli("index", there.log, home=there.home).status == 0
    (done,) = cli("dataset", "run", NAME, "--json", home=there.home).lines
    assert done["rows"] == 0
    assert "open" in done["waiting"][0]["why"]
    (done,) = cli("dataset", "run", NAME, "--accept-tier", "2", "--json", home=there.home).lines
    assert (done["rows"], done["waiting"]) == (2, [])


def test_what_the_shipped_workflows_give(run: Any, decided: Machine) -> None:
    for name, workflow in shipped().items():
        done = run("run", name, "--json")
        assert done.status == 0, (name, done.err)
        if workflow.target == "dataset":
            assert done.lines[0]["problems"] == [], name


def test_a_prompt_with_the_hunks_that_landed(run: Any) -> None:
    assert run("run", "prompt-to-hunks").status == 0
    rows = [row["value"] for row in run("review", "prompt-to-hunks", "--json").lines]
    assert [row["prompt"] for row in rows] == ["chop() cuts one character too many. Show it with a test.", "Mend it."]
    (hunk,) = rows[1]["landed"]
    assert (hunk["path"], hunk["old"], hunk["new"]) == (
        "chop.py", "    return text[: size - 1]", "    return text[: size]"
    )  # fmt: skip


def test_a_question_is_kept_with_its_answer(run: Any, tmp_path: Path) -> None:
    flow = tmp_path / "rated.md"
    text = shipped()[NAME].text.replace(f"name: {NAME}", "name: rated\nlabels: [rating]")
    flow.write_text(text)
    (done,) = run("run", flow, "--json").lines
    assert (done["rows"], done["questions"]) == (0, 2)
    assert run("answer", "rated", "--question", "1", "--value", "good").status == 0
    (done,) = run("run", "rated", "--json").lines
    assert (done["rows"], done["questions"]) == (1, 1)
    (row,) = run("review", "rated", "--json").lines
    assert row["value"]["labels"]["rating"] == {"reward": 1.0, "ratings": ["good"]}
    assert run("answer", "rated", "--question", "1", "--value", "great").status == 2


def test_forget_takes_rows_ratings_and_answers(run: Any, cli: Cli, decided: Machine) -> None:
    assert run("run", NAME).status == 0
    assert run("rate", SESSION, "--value", "good", "--note", "grebnitz").status == 0
    bucket = decided.home / "bucket"
    assert cli("forget", SESSION, "--yes", home=decided.home).status == 0
    left = b"\0".join(path.read_bytes() for path in bucket.rglob("*") if path.is_file())
    assert b"grebnitz" not in left
    assert b"chop() cuts" not in left
    with DatasetStore(bucket) as store:
        assert list(store.rows(NAME)) == []


def test_every_table_says_what_it_holds(tmp_path: Path) -> None:
    import sqlite3

    from tracetui.bucket.stores import unregistered

    with Bucket.open(tmp_path / "bucket", create=True) as bucket, DatasetStore(bucket.path):
        db = sqlite3.connect(bucket.path / "dataset.db")
        assert unregistered(db, "dataset.db") == []
        db.close()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("unit: prompt", "unit: word"), "`unit`"),
        (("name: skill-episodes", "name: Skill Episodes"), "`name`"),
        (("type: object", "type: objekt"), "JSON Schema"),
        (("unit: prompt", "unit: prompt\nunknown: 1"), "unknown key"),
        (("unit: prompt", "a: &a [1]\nb: *a"), "alias"),
        (("for: ", "for: [\n"), "no YAML"),
        (("steps: kind:prompt", "steps: kind:prompty"), "prompty"),
        (("messages: {type: array, minItems: 2}", 'messages: {"$ref": "http://127.0.0.1:9/x"}'), "JSON Schema"),
    ],
)
def test_a_bad_workflow_is_one_line_that_names_the_field(change: tuple[str, str], says: str) -> None:
    text = shipped()[NAME].text
    assert change[0] in text
    with pytest.raises(TracetuiError, match=says) as found:
        parse(text.replace(*change, 1), "bad.md")
    assert found.value.status == 2
    assert "\n" not in str(found.value)


def test_a_schedule_is_printed_and_what_is_due_runs(run: Any, tmp_path: Path) -> None:
    for kind, sign in (("systemd", "OnCalendar="), ("launchd", "StartInterval"), ("cron", "30 7 * * *")):
        done = run("schedule", "standup", "--kind", kind, "-o", tmp_path / "reports")
        assert done.status == 0, done.err
        assert sign in done.out
    assert run("schedule", NAME).status == 1
    assert run("run", "--due", "-o", tmp_path / "reports").status == 0
    (made,) = (tmp_path / "reports").iterdir()
    assert made.name.startswith("standup-")
    made.unlink()
    assert run("run", "--due", "-o", tmp_path / "reports").status == 0
    assert list((tmp_path / "reports").iterdir()) == []


def test_a_report_tells_what_was_asked_done_landed_and_undone(
    run: Any, decided: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(decided.home))
    story.git(decided.repo, "revert", "--no-edit", "HEAD", at=story.BASE + 9000)
    with Bucket.open(decided.home / "bucket") as bucket:
        for name, wanted in {
            "standup": ("## chop", "asked: Mend it.", "done: Mended. The token ‹", "Show the bug", "undone: chop.py"),
            "spotlight": ("1 sessions, 2 prompts, 2 edits", "1 alive", "1 reverted", "Show the bug"),
            "post-mortem": ("chop.py: landed in", "reverted", "Revert", "the last run of tests: pass"),
            "alert": ("chop.py lost what step", "revert commit"),
        }.items():
            flow = replace(shipped()[name], select="has:edit")
            text = report(bucket, flow)
            for part in wanted:
                assert part in text.replace("\\", ""), (name, part, text)
            assert decided.secret not in text


def test_a_report_on_what_nobody_decided_is_stopped(cli: Cli, there: Machine, tmp_path: Path) -> None:
    assert cli("index", there.log, home=there.home).status == 0
    with Bucket.open(there.home / "bucket") as bucket:
        flow = replace(shipped()["standup"], select="has:edit")
        with pytest.raises(TracetuiError, match="possible secret"):
            report(bucket, flow)
        assert there.secret in report(bucket, flow, unreviewed=True).replace("\\", "")
