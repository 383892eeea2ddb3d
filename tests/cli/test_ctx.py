"""ctx on the command line: keys, statuses, exports and what they say."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from tests.harness import claude_logs
from tracetui.commands.ctx import numbers
from tracetui.model import TracetuiError

from .conftest import CODEX, FIRST, HOSTILE_ID, Run, claude_log

SUMMARY = ["session", "agent", "step", "exact", "reported_tokens", "estimated_tokens", "window", "missing"]
SEGMENT = ["n", "category", "from_step", "tokens", "bytes", "preview"]


def test_a_summary_and_segments(indexed: Run) -> None:
    done = indexed("ctx", f"{FIRST}:last", "--json")
    assert done.status == 0
    first, *rest = done.lines
    assert list(first)[: len(SUMMARY)] == SUMMARY
    assert all(list(part)[: len(SEGMENT)] == SEGMENT for part in rest)
    assert [part["n"] for part in rest] == list(range(1, len(rest) + 1))
    assert (first["session"], first["agent"], first["exact"]) == (FIRST, None, False)
    assert first["reported_tokens"] == 112
    assert first["estimated_tokens"] == sum(part["tokens"] for part in rest)
    assert rest[0]["category"] == "prompt"
    assert rest[0]["preview"] == "fix the flaky rate limit"
    assert all(part["from_step"] < first["step"] for part in rest)


def test_statuses(indexed: Run) -> None:
    done = indexed("ctx", f"{FIRST}:1")
    assert (done.status, done.out) == (1, "")
    assert "next model call is that of step 2" in done.err
    assert len(done.err.splitlines()) == 1
    for words, status in (
        ((FIRST,), 2),
        ((f"{FIRST}:1-3",), 2),
        ((f"{FIRST}:999",), 1),
        (("nonesuch:1",), 1),
        ((f"{FIRST}:2", "-o", "x"), 2),
        ((f"{FIRST}:2", "--export", "messages"), 2),
        ((f"{FIRST}:2", "--export", "yaml", "-o", "x"), 2),
        ((f"{FIRST}:2", "--leave-out", "1"), 2),
        ((f"{FIRST}:2", "--export", "messages", "-o", "x", "--leave-out", "99"), 1),
    ):
        done = indexed("ctx", *words)
        assert done.status == status, (words, done.err)
        assert done.out == ""


def test_people_read_a_table_without_controls(indexed: Run) -> None:
    done = indexed("ctx", f"{HOSTILE_ID}:last")
    assert done.status == 0
    assert not any(char in done.out for char in "\x1b\x07\u202e\x9b")
    assert "tokens reported" in done.out
    agent = indexed("ctx", f"{FIRST}/a2898e3:2", "--json")
    assert agent.lines[0]["agent"] == "a2898e3"


@pytest.mark.parametrize("session", [FIRST, CODEX])
def test_exports(indexed: Run, tmp_path: Path, session: str) -> None:
    target = tmp_path / "out"
    done = indexed("ctx", f"{session}:last", "--export", "messages", "-o", str(target), "--unreviewed")
    assert done.status == 0
    assert "not reviewed" in done.err
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert json.loads(target.read_bytes())["messages"][0]["role"] == "user"
    done = indexed("ctx", f"{session}:last", "--export", "markdown", "-o", str(target), "--unreviewed")
    assert done.status == 0
    assert target.read_text().startswith("# What the model saw")
    assert [name for name in os.listdir(tmp_path) if name.startswith(".out")] == []
    done = indexed("ctx", f"{session}:last", "--export", "messages", "-o", str(tmp_path / "no" / "file"))
    assert done.status == 1
    assert len(done.err.splitlines()) == 1


@pytest.mark.parametrize(("session", "word"), [(FIRST, "claude --resume"), (CODEX, "codex resume")])
def test_a_native_session_is_indexed_under_its_own_id(indexed: Run, tmp_path: Path, session: str, word: str) -> None:
    target = tmp_path / "copy.jsonl"
    done = indexed("ctx", f"{session}:last", "--export", "native", "-o", str(target), "--unreviewed")
    assert done.status == 0
    (resume,) = [line for line in done.out.splitlines() if word in line]
    name = resume.split()[-1]
    assert name != session
    seen = indexed("ctx", f"{session}:last", "--json").lines[1:]
    assert indexed("index", str(target), "--workers", "0").status == 0
    shown = indexed("show", name, "--json")
    assert shown.status == 0
    assert len(shown.lines) <= len(seen)
    home = Path(os.environ["HOME"])
    assert not list(home.rglob(f"*{name}*"))


def test_forget_leaves_no_cache(indexed: Run, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracetui.ctx.opening._WORTH", 0)
    monkeypatch.setattr("tracetui.ctx.opening._RECENT_MOST", 0)
    cache = tmp_path / "bucket" / "cache"
    first = indexed("ctx", f"{FIRST}:last", "--json")
    (made,) = cache.iterdir()
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700
    assert indexed("ctx", f"{FIRST}:last", "--json").out == first.out
    made.write_bytes(made.read_bytes()[:-50])
    assert indexed("ctx", f"{FIRST}:last", "--json").out == first.out
    assert indexed("forget", FIRST, "--yes").status == 0
    assert list(cache.iterdir()) == []


def test_a_grown_log_is_read_again(indexed: Run, home: Path) -> None:
    before = indexed("ctx", f"{FIRST}:last", "--json").lines[0]
    path = next((home / ".claude" / "projects" / "-src-alpha").glob(f"{FIRST}.jsonl"))
    log = claude_logs.Log(sessionId=FIRST)
    log.last = json.loads(path.read_text().splitlines()[-1])["uuid"]
    log.user("and one more thing")
    log.answer(claude_logs.text("sure"))
    with path.open("ab") as stream:
        stream.write(log.bytes())
    assert indexed("index", "--workers", "0").status == 0
    after = indexed("ctx", f"{FIRST}:last", "--json").lines
    assert after[0]["step"] > before["step"]
    assert after[-1]["preview"] == "and one more thing"


def test_numbers() -> None:
    assert numbers("4,9-12") == {4, 9, 10, 11, 12}
    assert numbers(None) == frozenset()
    for bad in ("", "a", "0", "3-", "5-2", "1,,2", "-3"):
        with pytest.raises(TracetuiError) as failed:
            numbers(bad)
        assert failed.value.status == 2


@pytest.mark.parametrize("form", ["messages", "markdown", "native"])
def test_an_export_passes_the_gate(indexed: Run, tmp_path: Path, form: str) -> None:
    # Put together here, so that nothing in this file looks like a key.
    key = "ghp_" + "aB3dE5gH7jK9mN1pQ3rS5tU7vW9xY1zA3bC5"
    session = "feedf00d-0000-4000-8000-00000000000a"
    source = tmp_path / "logs" / f"{session}.jsonl"
    source.parent.mkdir()
    source.write_text(claude_log(session, "/srv/pace", f"the key is {key}, use it", "go on"))
    assert indexed("index", str(source)).status == 0
    target = tmp_path / "out"
    words = ("ctx", f"{session}:last", "--export", form, "-o", str(target))
    refused = indexed(*words)
    assert refused.status == 1
    assert "github-token" in refused.err
    assert "--unreviewed" in refused.err
    assert not target.exists()
    assert indexed("redact", session, "--accept-tier", "2").status == 0
    assert indexed(*words).status == 0
    written = target.read_text()
    assert key not in written
    assert "‹github-token:1›" in written or "\\u2039github-token:1\\u203a" in written
