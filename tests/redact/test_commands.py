"""``scan`` and ``redact`` as a user runs them."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from logs import PASSWORD, SESSION, TOKEN

KEYS = "id session agent step source field in_key start end kind rule tier view why copies decision part".split()


def test_scan_of_a_session_prints_the_contracts_keys_and_no_value(run: Any, place: Any) -> None:
    done = run("scan", SESSION[:4], "--json")
    assert done.status == 0
    assert done.lines
    lines = place.log.path.read_text().splitlines()
    for item in done.lines:
        assert list(item) == KEYS
        assert item["session"] == SESSION
        value: Any = json.loads(lines[item["source"]["line"] - 1])
        for part in item["field"].split("/")[1:]:
            value = value[int(part)] if isinstance(value, list) else value[part]
        assert 0 <= item["start"] < item["end"] <= len(value)
        assert item["decision"] == "open"
    assert TOKEN[4:] not in done.out
    assert PASSWORD not in done.out
    tokens = [item for item in done.lines if item["rule"] == "github-token"]
    assert len(tokens) >= 6
    assert {item["copies"] for item in tokens} == {len([i for i in done.lines if i["copies"] == tokens[0]["copies"]])}
    revealed = run("scan", SESSION, "--json", "--reveal").lines
    assert {item["value"] for item in revealed} >= {TOKEN, PASSWORD, "zorblax"}


def test_check_says_whether_something_is_open(run: Any) -> None:
    assert run("scan", SESSION).status == 0
    assert run("scan", SESSION, "--check").status == 1
    done = run("redact", SESSION, "--accept-tier", "1", "--json")
    assert {item["placeholder"] for item in done.lines} == {"‹github-token:1›", "‹user:1›"}
    for item in done.lines:
        assert list(item) == "id kind rule tier decision scope placeholder copies".split()
        assert item["decision"] == "accepted"
        assert item["tier"] == 1
        assert item["copies"] >= 4
    assert run("scan", SESSION, "--check").status == 1
    assert [item["kind"] for item in run("redact", SESSION, "--accept-tier", "2", "--json").lines] == ["password"]
    assert run("scan", SESSION, "--check").status == 0
    assert run("redact", SESSION, "--prove").status == 0
    assert run("redact", SESSION, "--undo").status == 0
    assert run("scan", SESSION, "--check").status == 1
    assert len(run("redact", SESSION, "--show", "--json").lines) == 2


def test_ranges_of_steps(run: Any) -> None:
    assert {item["step"] for item in run("scan", f"{SESSION}:3", "--json").lines} == {3}
    assert {item["step"] for item in run("scan", f"{SESSION}:1-2", "--json").lines} == {1, 2}


def test_files_and_standard_input(run: Any, place: Any, tmp_path: Path) -> None:
    log = run("scan", str(place.log.path), "--json").lines
    assert {item["session"] for item in log} == {SESSION}
    assert {item["field"] for item in log} > {"/message/content", "/toolUseResult/stdout", "/cwd"}
    assert {item["step"] for item in log} == {1, 2, 3, 4}
    text = f"one\ntwo é {TOKEN}\nDB_PASSWORD={PASSWORD}\n"
    path = tmp_path / "notes.txt"
    path.write_text(text)
    for done in (run("scan", str(path), "--json"), run("scan", "-", "--json", stdin=text)):
        assert [text[i["start"] : i["end"]] for i in done.lines] == [TOKEN, PASSWORD]
        assert [(i["session"], i["step"], i["field"], i["source"]["line"]) for i in done.lines] == [
            (None, None, "", 2),
            (None, None, "", 3),
        ]
    assert run("scan", "-", "--check", stdin=text).status == 1
    assert run("scan", "-", "--check", stdin="nothing to see").status == 0
    assert run("scan", "-", stdin="").status == 0


def test_known_values_of_env_files(run: Any, tmp_path: Path) -> None:
    path = tmp_path / "keys.env"
    path.write_text("A=blue-harbor-77\n")
    assert run("scan", "-", "--json", stdin="say blue-harbor-77 now").lines == []
    (found,) = run("scan", "-", "--json", "--env-file", str(path), stdin="say blue-harbor-77 now").lines
    assert (found["rule"], found["tier"], found["start"]) == ("known-value", 1, 4)
    assert run("scan", "-", "--env-file", str(tmp_path / "none"), stdin="x").status == 1


def test_deep_asks_detect_secrets_too(run: Any) -> None:
    text = 'credentials: ibm_iam_api_key = "' + "Zk3vQ8xT1nRw7LpY5cJd2HsGf9aB4mK6eW0uXiOoPqRs" + '"'
    plain = run("scan", "-", "--json", stdin=text).lines
    deep = run("scan", "-", "--json", "--deep", stdin=text).lines
    assert {(i["start"], i["end"]) for i in plain} <= {(i["start"], i["end"]) for i in deep}


def test_rules(run: Any, tmp_path: Path) -> None:
    rules = tmp_path / "rules.txt"
    rules.write_text("literal:notes.txt==>a file\n")
    done = run("redact", SESSION, "--rules", str(rules), "--json")
    assert [(i["rule"], i["scope"], i["placeholder"]) for i in done.lines] == [("literal", "rule", "a file")]
    out = tmp_path / "out.txt"
    assert run("redact", SESSION, "--export-rules", str(out)).status == 0
    assert out.read_text().splitlines()[1:] == ["literal:notes.txt==>a file"]
    rules.write_text("regex:(\n")
    assert run("redact", SESSION, "--rules", str(rules)).status == 2


@pytest.mark.parametrize(
    ("argv", "status"),
    [
        (("scan", "nope1234"), 1), (("redact", "nope1234", "--show"), 1), (("redact", SESSION, "--accept-tier", "3"), 2),  # noqa: E501
        (("scan", "a b c"), 2), (("redact", SESSION), 1), (("scan", "/"), 1), (("redact", SESSION, "--redo"), 1),
    ],
)  # fmt: skip
def test_errors_are_one_line(run: Any, argv: tuple[str, ...], status: int) -> None:
    done = run(*argv)
    assert done.status == status
    assert done.err.count("\n") == 1
    assert done.out == ""


def test_index_scans_when_asked(run: Any) -> None:
    from tracetui.model import to_iso

    assert to_iso(0)
    done = run("index", "--scan", "--json")
    assert len(done.lines) == 1
    assert run("ls", "--json").lines[0]["findings"] == {"open": 3, "accepted": 0, "rejected": 0}


def test_files_of_all_sorts(run: Any, place: Any, tmp_path: Path) -> None:
    text = f"é 😀 {TOKEN}\r\n"
    written = {
        "utf16.txt": text.encode("utf-16"),
        "broken.txt": b"\xff\xfa 5 " + TOKEN.encode(),
        "nul.bin": bytes(range(32)) + TOKEN.encode() + b"\0",
        "empty.txt": b"",
        "mark.txt": b"\xef\xbb\xbf" + TOKEN.encode(),
    }
    starts = {"utf16.txt": 4, "broken.txt": 5, "nul.bin": 32, "mark.txt": 1}
    for name, data in written.items():
        path = tmp_path / name
        path.write_bytes(data)
        found = run("scan", str(path), "--json").lines
        assert [(i["start"], i["end"], i["session"]) for i in found] == (
            [(starts[name], starts[name] + len(TOKEN), None)] if name in starts else []
        ), name


def test_a_log_without_findings_is_read_as_a_log_and_its_broken_lines_too(run: Any, tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    head = {"type": "user", "uuid": "u1", "sessionId": SESSION, "timestamp": "2026-03-01T10:00:00.000Z"}
    message = {"role": "user", "content": "nothing to see"}
    record = {**head, "cwd": "/srv/x", "message": message, "requestId": "Zk3vQ8xT1nRw7LpY5cJd2HsG"}
    path.write_text(json.dumps(record) + "\n")
    assert run("scan", str(path), "--json").lines == []
    with path.open("a") as file:
        file.write('{"type":"user","message":{"content":"' + TOKEN)
    (found,) = run("scan", str(path), "--json").lines
    assert (found["session"], found["step"], found["field"], found["start"]) == (SESSION, None, "", 37)
    assert found["source"] == {"path": str(path), "line": 2}


def test_a_capsule_is_scanned_entry_by_entry_and_other_packed_files_are_refused(run: Any, tmp_path: Path) -> None:
    assert run("redact", SESSION, "--accept-tier", "2").status == 0
    capsule = tmp_path / "x.capsule.zip"
    assert run("seal", SESSION, "-o", str(capsule)).status == 0
    done = run("scan", str(capsule), "--json", "--check")
    assert (done.status, done.lines) == (0, [])
    assert run("redact", SESSION, "--undo").status == 0
    for name, head in (("x.gz", b"\x1f\x8b\x08"), ("x.zip", b"PK\x03\x04")):
        path = tmp_path / name
        path.write_bytes(head + b"\0" * 90)
        done = run("scan", str(path))
        assert (done.status, done.out, done.err.count("\n")) == (1, "", 1)


def test_the_proof_lists_what_stands_against_sharing_and_what_stays(run: Any, place: Any) -> None:
    done = run("redact", SESSION, "--prove", "--json")
    assert done.status == 1
    assert {item["decision"] for item in done.lines} == {"open"}
    assert TOKEN[4:] not in done.out
    assert run("redact", SESSION, "--accept-tier", "1").status == 0
    from tracetui.redact import Review

    with Review(place.bucket, place.capture()) as review:
        review.reject(next(p for p in review.places() if p.kind == "password"), "all")
    done = run("redact", SESSION, "--prove", "--json")
    assert done.status == 0
    assert {(item["decision"], item["kind"], item["field"]) for item in done.lines} == {
        ("rejected", "password", "/message/content/0/content"),
        ("rejected", "password", "/toolUseResult/stdout"),
    }


@pytest.mark.parametrize("name", ["gone/x.jsonl", "./gone", "/gone/x", "gone.log"])
def test_a_file_that_is_not_there_is_not_taken_for_a_session(run: Any, name: str) -> None:
    done = run("scan", name)
    assert done.status == 1
    assert f"There is no file {name}" in done.err


def test_what_is_exported_passed_the_gate(run: Any, tmp_path: Path) -> None:
    out = tmp_path / "shared"
    refused = run("export", SESSION, "--format", "harness", "-o", str(out))
    assert refused.status == 1
    assert "Not exported" in refused.err
    assert not out.exists()
    assert run("redact", SESSION, "--accept-tier", "2", "--json").status == 0
    dry = run("export", SESSION, "--format", "harness", "-o", str(out), "--dry-run", "--json")
    assert not out.exists()
    done = run("export", SESSION, "--format", "harness", "-o", str(out), "--json")
    assert done.lines == dry.lines
    (line,) = done.lines
    assert sorted(line) == ["bytes", "format", "path", "session", "sha256"]
    data = (out / line["path"]).read_bytes()
    assert (len(data), hashlib.sha256(data).hexdigest()) == (line["bytes"], line["sha256"])
    assert TOKEN.encode() not in data
    assert PASSWORD.encode() not in data
    assert b"github-token:1" in data
    assert (out.stat().st_mode & 0o777, (out / line["path"]).stat().st_mode & 0o777) == (0o700, 0o600)
    again = run("export", SESSION, "--format", "markdown", "-o", str(out), "--json")
    assert again.status == 1
    assert "exists" in again.err
    assert run("export", SESSION, "--format", "markdown", "-o", str(out), "--force", "--json").status == 0
    (page,) = out.rglob("*.*")
    assert page.suffix == ".md"
    assert TOKEN not in page.read_text()
    assert sorted(p.name for p in tmp_path.iterdir() if "shared" in p.name) == ["shared"]


def test_a_capsule_is_exported_as_it_was_sealed(run: Any, tmp_path: Path) -> None:
    run("redact", SESSION, "--accept-tier", "2", "--json")
    made = tmp_path / "x.capsule.zip"
    assert run("seal", SESSION, "-o", str(made), "--no-checks", "--json").status == 0
    (line,) = run("export", str(made), "--format", "markdown", "-o", str(tmp_path / "md"), "--json").lines
    with zipfile.ZipFile(made) as held:
        assert (tmp_path / "md" / line["path"]).read_bytes() == held.read("transcript.md")
    assert run("export", str(tmp_path / "none.zip"), "--format", "harness", "-o", str(tmp_path / "z")).status == 1
