"""index, ls, show, search, stats: what programs read, what people read, and how each ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import CODEX, FIRST, HOSTILE, HOSTILE_ID, SECOND, Run

INDEX_KEYS = [
    "sessions", "new", "updated", "unchanged", "records", "bad_records", "bytes", "seconds", "problems", "offered",
]  # fmt: skip
LS_KEYS = [
    "id", "harness", "title", "cwd", "repo", "branch", "model", "started", "ended", "steps", "prompts", "tool_calls",
    "errors", "edits", "subagents", "tokens", "cost_usd", "cost_estimate_usd", "cost_table",
    "bytes", "findings", "survival", "path",
]  # fmt: skip
SHOW_KEYS = ["session", "agent", "step", "kind", "time", "model", "text", "tool", "tokens", "source"]
TOOL_KEYS = ["name", "input", "output", "is_error", "exit_code", "call_id", "duration_ms"]
HIT_KEYS = [
    *(
        "session",
        "agent",
        "step",
        "kind",
        "time",
        "title",
        "is_error",
        "exit_code",
        "survival",
        "snippet",
        "match",
        "score",
    )
]
TOKEN_KEYS = ["input", "output", "cache_read", "cache_write"]
CONTROLS = [chr(code) for code in (*range(0x20), *range(0x7F, 0xA0), 0x202E) if code != 0x0A]


def clean(text: str) -> bool:
    return not any(char in text for char in CONTROLS)


def test_index_tells_what_it_did(run: Run) -> None:
    first = run("index", "--json", "--workers", "0")
    assert first.status == 0
    (done,) = first.lines
    assert list(done) == INDEX_KEYS
    assert (done["sessions"], done["new"], done["updated"], done["unchanged"]) == (4, 4, 0, 0)
    assert done["records"] == 6 + 3 + 3 + 3 + 7
    assert (done["bad_records"], done["problems"]) == (0, [])
    assert done["bytes"] > 3000
    (again,) = run("index", "--json").lines
    assert (again["new"], again["updated"], again["unchanged"], again["records"]) == (0, 0, 4, 0)


def test_index_reads_only_what_is_new(indexed: Run, home: Path) -> None:
    log = home / ".claude" / "projects" / "-src-alpha" / f"{SECOND}.jsonl"
    record = {**json.loads(log.read_text().splitlines()[0]), "uuid": "new-1", "timestamp": "2026-03-20T10:00:00.000Z"}
    record["message"] = {"role": "user", "content": "one more thing"}
    with log.open("a") as file:
        file.write(json.dumps(record) + "\nnot json\n")
    (done,) = indexed("index", "--json").lines
    assert (done["updated"], done["unchanged"], done["records"], done["bad_records"]) == (1, 3, 1, 1)
    assert [(p["path"], p["line"]) for p in done["problems"]] == [(str(log), 5)]
    assert indexed("ls", "--json", "--limit", "1").lines[0]["id"] == SECOND


def test_named_paths(run: Run, home: Path, tmp_path: Path) -> None:
    folder = home / ".codex"
    (done,) = run("index", "--json", str(folder)).lines
    assert (done["sessions"], done["new"]) == (1, 1)
    missing = run("index", "--json", str(tmp_path / "nowhere"))
    assert missing.status == 1
    assert missing.lines[0]["problems"][0]["path"] == str(tmp_path / "nowhere")
    both = run("index", "--json", str(tmp_path / "nowhere"), str(folder))
    assert both.status == 0
    assert len(both.lines[0]["problems"]) == 1
    assert run("index", "--keep").status == 2


def test_kept_paths_are_captured_later_too(run: Run, home: Path, tmp_path: Path) -> None:
    other = tmp_path / "old-laptop"
    (home / ".codex").rename(other)
    assert run("index", str(other), "--keep").status == 0
    log = next(other.rglob("*.jsonl"))
    with log.open("a") as file:
        file.write(
            json.dumps({"timestamp": "2026-03-10T08:00:00Z", "type": "event_msg", "payload": {"type": "x"}}) + "\n"
        )
    (done,) = run("index", "--json").lines
    assert (done["new"], done["updated"]) == (3, 1)


def test_config_leaves_out(run: Run, home: Path) -> None:
    from .conftest import old

    (home / "config.toml").write_text('exclude = ["/src/beta*"]\nmax_age_days = 40\nharnesses = ["claude"]\nodd = 1\n')
    old(home / ".claude" / "projects" / "-src-alpha" / f"{SECOND}.jsonl", 41)
    done = run("index", "--json")
    assert done.lines[0]["new"] == 1
    assert "odd" in done.err
    assert [row["id"] for row in run("ls", "--json").lines] == [FIRST]
    named = run("index", "--json", str(home / ".codex"))
    assert named.lines[0]["new"] == 1, "what the user names is captured whatever its age and harness"


@pytest.mark.parametrize("pattern", ["*/-src-alpha/*", "-src-alpha", "/src/alpha"])
def test_patterns_exclude_below_a_named_folder_but_not_a_named_file(run: Run, home: Path, pattern: str) -> None:
    projects = home / ".claude" / "projects"
    (home / "config.toml").write_text(f'exclude = ["{pattern}"]\n')
    assert run("index", "--json", str(projects)).status == 0
    assert [row["id"] for row in run("ls", "--json").lines if row["cwd"] == "/src/alpha"] == []
    log = projects / "-src-alpha" / f"{FIRST}.jsonl"
    assert run("index", "--json", str(log)).lines[0]["new"] == 1


def test_consent_counts_for_index(run: Run, tmp_path: Path) -> None:
    from tracetui.bucket import Bucket
    from tracetui.bucket.consent import read_consent, write_consent

    refused = run("index", "--progress")
    assert refused.status == 1
    assert [line["event"] for line in refused.lines] == ["error"]
    assert "agreed" in refused.err
    with Bucket.open(tmp_path / "bucket") as bucket:
        assert read_consent(bucket) is None
        assert bucket.sessions() == []
        write_consent(bucket, ["claude"], ["/src/alpha"])
    (done,) = run("index", "--json").lines
    assert done["new"] == 1
    assert [row["id"] for row in run("ls", "--json").lines] == [HOSTILE_ID]


def test_index_without_a_path_is_a_consent(indexed: Run, tmp_path: Path) -> None:
    from tracetui.bucket import Bucket
    from tracetui.bucket.consent import read_consent

    with Bucket.open(tmp_path / "bucket") as bucket:
        consent = read_consent(bucket)
    assert consent is not None
    assert consent.harness("claude")
    assert consent.project("/src/alpha")


def test_a_new_harness_is_offered_and_never_assumed(
    run: Run, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An old consent to "all" is one to the harnesses of its day; ``--agree`` adds one, and nothing else changes."""
    from tests.harness.fourth import SESSION, WITH, write
    from tracetui.bucket import Bucket
    from tracetui.bucket.consent import read_consent
    from tracetui.harness import HARNESSES

    write(home / ".fourth" / f"{SESSION}.jsonl")
    with Bucket.open(tmp_path / "bucket", create=True) as bucket:
        bucket.set_setting("consent", {"harnesses": None, "projects_off": ["/src/alpha"], "at": 5})
        monkeypatch.setitem(HARNESSES, "fourth", WITH)
        consent = read_consent(bucket)
        assert consent is not None
        assert (sorted(consent.harnesses), consent.at) == (["claude", "codex", "pi"], 5)
    assert run("index", "--json").lines[0]["offered"] == {"fourth": 1}
    done = run("index")
    assert "Fourth: 1 log not copied; agree with: tracetui index --agree fourth" in done.err
    assert "fourth" not in {row["harness"] for row in run("ls", "--json").lines}
    (check,) = [line for line in run("doctor", "--json").lines if line["check"] == "consent"]
    assert (check["harness"], check["action"]) == ("fourth", "tracetui index --agree fourth")
    assert run("index", "--agree", "other").status == 2
    (done_,) = run("index", "--json", "--agree", "fourth").lines
    assert (done_["new"], done_["offered"]) == (1, {})
    with Bucket.open(tmp_path / "bucket") as bucket:
        consent = read_consent(bucket)
        assert consent is not None
        assert consent.harness("fourth")
        assert not consent.project("/src/alpha")


def test_progress_lines(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.nice", lambda by: by)
    assert run("index").status == 0
    done = run("index", "--progress")
    assert done.status == 0
    *told, last = done.lines
    assert last["event"] == "done"
    assert list(last)[1:] == INDEX_KEYS
    for line in told:
        assert line["event"] == "progress"
        assert 0 <= line["done"] <= line["total"]


def test_index_for_people(run: Run, home: Path) -> None:
    (home / ".codex" / "sessions" / "bad.jsonl").write_text('{"type": "x"}\n')
    (home / ".claude" / "projects" / "-src-alpha" / "torn\x1b[31m.jsonl").write_text("\x1b[31mnot json\n")
    done = run("index")
    assert done.status == 0
    assert "4 sessions: 4 new, 0 updated, 0 unchanged" in done.out
    assert clean(done.out)


def test_ls_json(indexed: Run, home: Path) -> None:
    rows = indexed("ls", "--json").lines
    assert [row["id"] for row in rows] == [CODEX, HOSTILE_ID, SECOND, FIRST]
    for row in rows:
        assert list(row) == [*LS_KEYS, "parts", "tags", "archived"]
        assert list(row["tokens"]) == TOKEN_KEYS
    first = rows[-1]
    assert first["path"] == str(home / ".claude" / "projects" / "-src-alpha" / f"{FIRST}.jsonl")
    assert (first["harness"], first["cwd"], first["branch"], first["model"]) == (
        "claude", "/src/alpha", "main", "claude-opus-4-6",
    )  # fmt: skip
    assert (first["prompts"], first["tool_calls"], first["errors"], first["subagents"]) == (3, 3, 1, 1)
    assert (first["findings"], first["survival"], first["cost_usd"]) == (None, None, None)
    assert first["started"] == "2026-03-03T10:00:00.000Z"
    assert first["tokens"]["cache_read"] == 300


@pytest.mark.parametrize(
    ("words", "ids"),
    [
        (["--harness", "codex"], [CODEX]),
        (["--harness", "codex,claude", "--limit", "2"], [CODEX, HOSTILE_ID]),
        (["--project", "alpha"], [SECOND, FIRST]),
        (["--project", "/src/alpha"], [SECOND, FIRST]),
        (["--project", "/src/al"], []),
        (["--since", "2026-03-06"], [CODEX, HOSTILE_ID]),
        (["--since", "2026-03-04", "--until", "2026-03-05"], [SECOND]),
        (["has:error"], [FIRST]),
        (["-has:error", "harness:claude"], [HOSTILE_ID, SECOND]),
        (["title:PARSER"], [SECOND]),
        (["parser"], [SECOND]),
        (["--limit", "1"], [CODEX]),
    ],
)  # fmt: skip
def test_ls_filters(indexed: Run, words: list[str], ids: list[str]) -> None:
    done = indexed("ls", "--json", "--", *words) if words[0].startswith("-has") else indexed("ls", "--json", *words)
    assert done.status == 0
    assert [row["id"] for row in done.lines] == ids


def test_ls_for_people(indexed: Run) -> None:
    done = indexed("ls")
    head, *rows = done.out.splitlines()
    assert head.split()[:4] == ["when", "harness", "id", "steps"]
    assert len(rows) == 4
    assert clean(done.out)
    assert "5bd0c1de-0000-4000-8000-000000000001" in done.out, "ids are long enough to be told apart"
    from tracetui.text.width import cell_len

    at = [cell_len(row[: row.index("claude")]) for row in rows[1:]]
    assert len(set(at)) == 1
    assert indexed("ls", "title:nothing").out == "No session matches; 4 sessions in all.\n"


def test_show_json(indexed: Run, home: Path) -> None:
    steps = indexed("show", FIRST, "--json").lines
    assert [step["step"] for step in steps] == list(range(1, len(steps) + 1))
    assert [step["kind"] for step in steps] == ["prompt", "command", "prompt", "command"]
    for step in steps:
        assert list(step) == [*SHOW_KEYS, "part"]
        assert step["agent"] is None
        assert step["source"]["path"].endswith(f"{FIRST}.jsonl")
        assert step["time"].endswith("Z")
    assert steps[0]["text"] == "fix the flaky rate limit"
    assert (steps[0]["tool"], steps[0]["tokens"]) == (None, None)
    assert list(steps[1]["tool"]) == TOOL_KEYS
    assert steps[1]["tool"]["input"] == {"command": "make step0"}
    assert steps[1]["tool"]["is_error"] is True
    assert steps[1]["tool"]["exit_code"] == 2
    assert steps[1]["tokens"] == {"input": 10, "output": 5, "cache_read": 100, "cache_write": 2}
    assert [step["source"]["line"] for step in steps] == [1, 2, 4, 5]


@pytest.mark.parametrize(
    ("address", "steps"),
    [
        (f"{FIRST}:2", [2]),
        (f"{FIRST}:2-3", [2, 3]),
        (f"{FIRST}:3-400", [3, 4]),
        (f"{FIRST}:last", [4]),
        (f"{FIRST}:3-last", [3, 4]),
        (f"{FIRST}/a2898e3:1", [1]),
        (f"{FIRST}/a289", [1, 2]),
        (f"claude/{FIRST}:2", [2]),
        ("aaaa1111", [1, 2]),
    ],
)
def test_addresses(indexed: Run, address: str, steps: list[int]) -> None:
    done = indexed("show", address, "--json")
    assert done.status == 0
    assert [step["step"] for step in done.lines] == steps
    if "/a2898e3" in address:
        assert {step["agent"] for step in done.lines} == {"a2898e3"}


@pytest.mark.parametrize(
    ("address", "status", "says"),
    [
        ("5bd0", 1, SECOND),
        ("5bd", 1, "4 characters"),
        ("ffff0000", 1, "ffff0000"),
        (f"{FIRST}:99", 1, "4 steps"),
        (f"{FIRST}/nobody:1", 1, "a2898e3"),
        (f"{SECOND}/nobody", 1, "has none"),
        (f"{FIRST}:0", 2, "from 1"),
        (f"{FIRST}:3-2", 2, "before"),
        (f"{FIRST}:x", 2, "address"),
        (f"{FIRST}:", 2, "address"),
        ("", 2, "address"),
        ("../etc/passwd", 2, "address"),
        ("a b", 2, "address"),
        ("x\x1b[31m", 2, "address"),
        (f"codex/{FIRST}", 1, FIRST),
    ],
)
def test_addresses_that_lead_nowhere(indexed: Run, address: str, status: int, says: str) -> None:
    done = indexed("show", "--json", address)
    assert (done.status, done.out) == (status, "")
    assert done.err.startswith("tracetui: ")
    assert done.err.count("\n") == 1
    assert says in done.err
    assert clean(done.err)


def test_show_for_people(indexed: Run) -> None:
    done = indexed("show", FIRST)
    assert done.status == 0
    assert "exit 2" in done.out
    assert "make step0" in done.out
    one = indexed("show", f"{FIRST}:2")
    assert "no rule" in one.out
    assert len(one.out.splitlines()) == 4
    evil = indexed("show", HOSTILE_ID, "--full")
    assert clean(evil.out)
    assert "[@click=app.quit]" in evil.out


def test_lone_surrogates_and_huge_numbers_can_be_printed(run: Run, home: Path) -> None:
    log = home / ".claude" / "projects" / "-src-alpha" / f"{SECOND}.jsonl"
    text = log.read_text().replace('"make step0"', '"make \\ud800", "n": 123456789012345678901234567890, "d": NaN')
    log.write_text(text)
    assert run("index").status == 0
    done = run("show", SECOND, "--json")
    assert done.status == 0
    assert any("make" in json.dumps(step) for step in done.lines)
    assert run("show", SECOND, "--full").status == 0


def test_search_json(indexed: Run) -> None:
    done = indexed("search", "rate limit", "--json")
    assert done.status == 0
    for hit in done.lines:
        assert list(hit) == [*HIT_KEYS, "part"]
        start, end = hit["match"]
        assert hit["snippet"][start:end].lower().startswith(("rate", "limit"))
    assert {hit["kind"] for hit in done.lines} == {"prompt", "command"}
    assert done.lines[-1]["session"] == FIRST


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["flaky"], {(FIRST, 1)}),
        (["FLAKY", "lim"], {(FIRST, 1)}),
        (['"the flaky rate"'], {(FIRST, 1)}),
        (['"flaky the"'], set()),
        (["--regex", "fl.ky r[a-z]+"], {(FIRST, 1)}),
        (["--regex", "FL.KY"], set()),
        (["--regex", "fl.ky", "--harness", "codex"], set()),
        (["--regex", "d[o]ne", "--kind", "message"], {(CODEX, 3)}),
        (["--kind", "prompt", "rate"], {(FIRST, 1)}),
        (["kind:prompt rate"], {(FIRST, 1)}),
        (["--harness", "codex", "files"], {(CODEX, 1)}),
        (["--harness", "codex", "flaky"], set()),
        (["--project", "gamma", "done"], {(CODEX, 3)}),
        (["--since", "2026-03-08", "done"], {(CODEX, 3)}),
        (["日本語"], {(SECOND, 1)}),
        (["parser -日本語"], set()),
    ],
)
def test_search_finds(indexed: Run, words: list[str], found: set[tuple[str, int]]) -> None:
    done = indexed("search", "--json", *words)
    assert done.status == (0 if found else 1)
    assert {(hit["session"], hit["step"]) for hit in done.lines} == found


def test_search_limit_and_order(indexed: Run) -> None:
    newest = [hit["time"] for hit in indexed("search", "done", "--json").lines]
    assert newest == sorted(newest, reverse=True)
    assert len(newest) > 2
    assert len(indexed("search", "done", "--json", "--limit", "2").lines) == 2
    scores = [hit["score"] for hit in indexed("search", "done", "--json", "--sort", "score").lines]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize(
    "words",
    [
        ["--regex", "("],
        ["--kind", "nothing", "x"],
        ["kind:nothing x"],
        ["--harness", "nothing", "x"],
        ["--since", "soon", "x"],
        ["--limit", "0", "x"],
        ["--limit", "x", "x"],
        ["--sort", "oldest", "x"],
        [""],
        [],
        ["--bogus", "x"],
        ["kind:edit x", "--kind", "prompt"],
    ],
    ids=str,
)
def test_search_wrong_words(indexed: Run, words: list[str]) -> None:
    done = indexed("search", *words)
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith("tracetui: ")
    assert done.err.count("\n") == 1


def test_search_for_people(indexed: Run) -> None:
    done = indexed("search", "evil")
    assert done.status == 0
    assert clean(done.out)
    assert HOSTILE_ID in done.out
    groups = [line for line in indexed("search", "done").out.splitlines() if line and not line.startswith(" ")]
    assert len(groups) == len(set(groups))
    assert indexed("search", "zzzz").status == 1


def test_hostile_text_comes_out_of_json_whole(indexed: Run) -> None:
    done = indexed("show", HOSTILE_ID, "--json")
    assert done.lines[0]["text"] == HOSTILE
    assert clean(done.out)


def test_stats(indexed: Run) -> None:
    done = indexed("stats", "--json")
    assert done.status == 0
    (totals,) = done.lines
    assert list(totals) == [
        "sessions", "steps", "records", "bytes_logs", "bytes_bucket", "tokens", "by_harness", "at_risk",
    ]  # fmt: skip
    assert (totals["sessions"], totals["records"]) == (4, 22)
    assert list(totals["tokens"]) == TOKEN_KEYS
    assert set(totals["by_harness"]) == {"claude", "codex"}
    for found in totals["by_harness"].values():
        assert list(found) == ["sessions", "with_tools", "files", "bytes", "tokens"]
    assert totals["by_harness"]["claude"]["files"] == 4
    assert totals["at_risk"] == 0
    assert "4 sessions" in indexed("stats").out


@pytest.mark.parametrize("by", ["project", "model", "harness", "day", "week", "month", "tool"])
def test_stats_by(indexed: Run, by: str) -> None:
    done = indexed("stats", "--by", by, "--json")
    assert done.status == 0
    *groups, total = done.lines
    assert [line["by"] for line in done.lines] == [by] * len(done.lines)
    assert total["name"] is None
    assert {line["name"] for line in groups}
    assert max(line["steps"] for line in groups) <= total["steps"] == indexed("stats", "--json").lines[0]["steps"]
    for key in ("prompts", "failures"):
        assert sum(line[key] for line in groups) == total[key] or by == "tool"
    rows = indexed("stats", "--by", by, "--csv").out.splitlines()
    assert rows[0].startswith(f"{by},sessions,steps,")
    assert len(rows) == len(groups) + 1
    text = indexed("stats", "--by", by).out
    assert text.splitlines()[0].split()[:2] == [by, "sessions"]
    assert clean(text)


def test_stats_of_what_matches(indexed: Run) -> None:
    (total,) = indexed("stats", "kind:prompt", "--json").lines
    assert total["steps"] == total["prompts"] > 0
    assert indexed("stats", "--kind", "prompt", "--harness", "codex", "--json").lines[0]["sessions"] == 1
    assert indexed("stats", "word").status == indexed("stats", "--csv").status == 2


def test_a_name_is_no_formula() -> None:
    from tracetui.commands.stats import _cell

    assert [_cell(name) for name in ("=cmd()", "@x", "a=b", "a\x1bb")] == ["'=cmd()", "'@x", "a=b", "ab"]


@pytest.mark.parametrize("command", [["ls"], ["stats"], ["show", "abcd"], ["search", "x"], ["forget", "abcd"]])
def test_without_a_bucket(run: Run, command: list[str]) -> None:
    done = run(*command)
    assert (done.status, done.out) == (1, "")
    assert "tracetui index" in done.err


def test_orphaned_subagents_and_empty_sessions(run: Run, home: Path) -> None:
    folder = home / ".claude" / "projects" / "-src-alpha"
    (folder / f"{FIRST}.jsonl").unlink()
    agents = folder / FIRST / "subagents"
    other = (agents / "agent-a2898e3.jsonl").read_text().replace("a2898e3", "b7").replace("toolu_5bd0", "toolu_x")
    (agents / "agent-b7.jsonl").write_text(other)
    log = next((home / ".codex").rglob("*.jsonl"))
    log.write_text(log.read_text().splitlines()[0] + "\n")
    assert run("index").status == 0
    both = run("show", FIRST, "--json")
    assert both.status == 0
    assert {step["agent"] for step in both.lines} == {"a2898e3", "b7"}
    assert run("show", f"{FIRST}:1").status == 1
    assert "name one" in run("show", f"{FIRST}:1").err
    assert run("show", f"{FIRST}/b7:1", "--json").lines[0]["agent"] == "b7"
    assert run("show", FIRST).status == 0
    empty = run("show", CODEX, "--json")
    assert (empty.status, empty.out) == (0, "")
    assert run("show", f"{CODEX}:1").status == 1
    assert run("show", f"{CODEX}:last").status == 1


def test_parts_are_addressed(run: Run, tmp_path: Path) -> None:
    from tests.bucket.logs import Claude, session_of, uuid_of

    one, two = session_of(uuid_of(7), 2), session_of(uuid_of(7), 1)
    two.count, two.at = 100, 500
    two.prompt("go on elsewhere")
    one.write(tmp_path / "a" / f"{uuid_of(7)}.jsonl")
    two.write(tmp_path / "b" / f"{uuid_of(7)}.jsonl")
    agent = Claude(uuid_of(7), 30, agent="a1b2").prompt("look")
    agent.write(tmp_path / "b" / "agent-a1b2.jsonl")
    assert run("index", str(tmp_path / "a"), str(tmp_path / "b")).status == 0
    whole = run("show", uuid_of(7), "--json").lines
    assert [(step["part"], step["step"]) for step in whole] == [(1, n) for n in range(1, 7)] + [(2, 4)]
    assert run("ls", "--json").lines[0]["parts"] == 2
    assert [step["text"] for step in run("show", f"{uuid_of(7)}~2:last", "--json").lines] == ["go on elsewhere"]
    assert run("show", f"{uuid_of(7)}~2:1", "--json").lines[0]["text"] == whole[0]["text"]
    assert run("show", f"{uuid_of(7)}~2/a1b2:1", "--json").lines[0]["text"] == "look"
    assert "no part ~3; it has ~1, ~2" in run("show", f"{uuid_of(7)}~3").err
    assert run("show", f"{uuid_of(7)}~0").status == 2


def test_a_named_log_below_a_root_is_ones_own(run: Run, home: Path, tmp_path: Path) -> None:
    from tests.bucket.logs import Claude, session_of, uuid_of

    root = home / ".claude" / "projects" / "-w"
    agent = Claude(uuid_of(8), 20, agent="a1b2").prompt("look")
    agent.write(root / uuid_of(8) / "subagents" / "agent-a1b2.jsonl")
    assert run("index").status == 0
    own = session_of(uuid_of(8), 2)
    assert run("index", str(own.write(root / f"{uuid_of(8)}.jsonl"))).status == 0
    stranger = Claude(uuid_of(8), 900)
    stranger.count = 900
    stranger.prompt("not yours").write(tmp_path / "mail" / f"{uuid_of(8)}.jsonl")
    assert run("index", str(tmp_path / "mail")).status == 0
    found = [row for row in run("ls", "--json").lines if row["id"].endswith(uuid_of(8))]
    assert sorted((row["id"].startswith("foreign:"), row["steps"]) for row in found) == [(False, 7), (True, 1)]
    told = run("doctor", "--json")
    assert [line["status"] for line in told.lines if line["check"] == "parts"] == ["warn", "ok"]
    foreign = next(row["id"] for row in found if ":" in row["id"])
    assert run("show", f"{foreign}:1", "--json").lines[0]["text"] == "not yours"
