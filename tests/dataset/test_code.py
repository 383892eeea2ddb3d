"""Code of somebody else's workflow: agreed to by its digest, in the sandbox, the same each time; what it does wrong is
told of the unit, and nothing that it writes leaves without the gate."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.capsule.conftest import Cli, Done
from tests.capsule.story import Machine
from tracetui.dataset.workflow import load

HEAD = """---
name: coded
for: A test.
select: has:edit
unit: prompt
schema:
  type: object
  required: [said]
  properties:
    said: {type: string, maxLength: 2000}
---
What a good row is.

```python
"""


@pytest.fixture
def run(cli: Cli, decided: Machine) -> Any:
    def call(*words: object) -> Done:
        return cli("dataset", *words, home=decided.home)

    return call


def flow(tmp_path: Path, code: str) -> Path:
    path = tmp_path / "coded.md"
    path.write_text(f"{HEAD}{code}\n```\n")
    return path


def agreed(run: Any, path: Path) -> Done:
    return run("run", path, "--agree", load(path).digest[:16], "--json")


def said(run: Any) -> list[str]:
    return [row["value"]["said"] for row in run("review", "coded", "--json").lines]


def test_code_is_shown_and_agreed_to_once_per_digest(run: Any, tmp_path: Path) -> None:
    path = flow(tmp_path, "def rows(unit):\n    return {'said': unit['prompt']}")
    refused = run("run", path)
    assert refused.status == 1
    assert "def rows(unit):" in refused.err
    assert "--agree" in refused.err
    assert run("review", "coded").status == 1, "no row was made"
    done = agreed(run, path)
    assert done.status == 0, done.err
    assert done.lines[0]["rows"] == 2
    assert run("run", path, "--json").lines[0]["skipped"] == 1
    path.write_text(path.read_text().replace("unit['prompt']", "unit['prompt'] + '!'"))
    assert run("run", path).status == 1, "another digest asks again"
    assert agreed(run, path).lines[0]["changed"] == 2
    assert said(run)[1] == "Mend it.!"
    assert run("verify", "coded").status == 0


def test_it_sees_the_unit_and_nothing_else_and_no_chance(run: Any, decided: Machine, tmp_path: Path) -> None:
    code = f"""
import datetime, json, os, random, socket, time, uuid
def rows(unit):
    seen = []
    for path in ({str(decided.home)!r}, {str(decided.repo)!r}, os.path.expanduser("~/.ssh")):
        seen.append(os.path.exists(path))
    try:
        socket.create_connection(("192.0.2.1", 80), 1)
        seen.append(True)
    except OSError:
        seen.append(False)
    told = [time.time(), datetime.datetime.now().isoformat(), datetime.date.today().isoformat(), random.random(),
            str(uuid.uuid4()), hash("x"), sorted(os.environ), os.getcwd()]
    return {{"said": json.dumps([seen, told])}}
"""
    path = flow(tmp_path, code)
    assert agreed(run, path).lines[0]["problems"] == []
    for text in said(run):
        seen, told = json.loads(text)
        assert seen == [False, False, False, False]
        assert told[0] == 1_767_225_600.0
        assert told[1].startswith("2026-01-01")
    assert run("verify", "coded", "--json").lines[0]["same"] is True


def test_what_goes_wrong_is_told_of_the_unit(run: Any, tmp_path: Path) -> None:
    code = """
def rows(unit):
    if unit["prompt"].startswith("Mend"):
        return {"said": 5}
    raise ValueError("the text of a log " + unit["prompt"])
"""
    (done,) = agreed(run, flow(tmp_path, code)).lines
    problems = [item["problem"] for item in done["problems"]]
    assert done["rows"] == 0
    assert any("said: breaks" in text for text in problems)
    assert any("ValueError in line 5" in text for text in problems)
    assert not any("the text of a log" in text for text in problems)


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("rows = 5", "no function"),
        ("def rows(unit:", "SyntaxError"),
        (
            "import os\nos.unlink('rows.jsonl')\nos.symlink('/etc/passwd', 'rows.jsonl')\ndef rows(unit): return []",
            "no rows",
        ),
        ("import sys, os\ndef rows(unit):\n    os.write(1, b'no json\\n')", "no JSON"),
        ("import time\nimport os\ndef rows(unit): os._exit(7)", "ended"),
    ],
)
def test_what_fails_as_a_whole_is_one_line(code: str, says: str, run: Any, tmp_path: Path) -> None:
    done = agreed(run, flow(tmp_path, code))
    assert done.status == 1
    assert says in done.err
    assert len(done.err.strip().splitlines()) == 1


def test_a_question_of_the_code_is_answered_once(run: Any, tmp_path: Path) -> None:
    code = """
def rows(unit):
    answer = unit["answers"].get("Is it a fix?")
    if answer is None:
        ask("Is it a fix?", ["yes", "no"])
    return {"said": answer}
"""
    path = flow(tmp_path, code)
    (done,) = agreed(run, path).lines
    assert (done["rows"], done["questions"]) == (0, 2)
    assert run("answer", "coded", "--question", "2", "--value", "no").status == 0
    assert run("answer", "coded", "--question", "1", "--value", "yes").status == 0
    (done,) = run("run", "coded", "--json").lines
    assert (done["rows"], done["questions"]) == (2, 0)
    assert sorted(said(run)) == ["no", "yes"]


def test_what_code_decodes_does_not_leave(run: Any, decided: Machine, tmp_path: Path) -> None:
    """The gate looks at finished rows: a secret that stood in the log in no readable form is found in them."""
    code = """
def rows(unit):
    return {"said": "gh" + "p_" + "b7Xq92LmPz4KvR81sTnW6yHc3JdF0aGeUo5i"}
"""
    assert agreed(run, flow(tmp_path, code)).lines[0]["rows"] == 2
    done = run("review", "coded", "--approve", "all", "--json")
    assert done.lines[0]["approved"] == 0
    assert "possible secret" in done.err
    assert run("export", "coded", "-o", tmp_path / "out").status == 1
    assert not (tmp_path / "out").exists()


def test_a_template_of_somebody_else_runs_in_the_sandbox(run: Any, tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    text = "---\nname: page\nfor: A test.\nselect: has:edit\ntarget: report\n---\n\n```jinja\n{}\n```\n"
    path.write_text(text.format("{{ totals.sessions }} {{ sessions[0].asked[1] }}"))
    assert run("run", path).status == 1
    done = run("run", path, "--agree", load(path).digest[:16])
    assert done.status == 0, done.err
    assert done.out.strip() == "1 Mend it."
    path.write_text(text.format("{{ ''.__class__.__mro__[1].__subclasses__() }}"))
    done = run("run", path, "--agree", load(path).digest[:16])
    assert done.status == 1
    assert "SecurityError" in done.err


def test_without_a_sandbox_code_does_not_run(run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil

    from tracetui.dataset import sandboxed

    sandboxed._sandbox.cache_clear()
    path = flow(tmp_path, "def rows(unit):\n    return {'said': 'x'}")
    real = shutil.which
    monkeypatch.setattr(shutil, "which", lambda name, *a, **k: None if name == "bwrap" else real(name, *a, **k))
    done = agreed(run, path)
    assert done.status == 1
    assert "only workflows without code" in done.err
    assert run("run", "skill-episodes", "--json").lines[0]["rows"] == 2
