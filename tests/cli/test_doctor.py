"""doctor: every kind of trouble is found, named and, where it can be, set right."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from .conftest import FIRST, SECOND, Done, Run, old

KEYS = ["check", "status", "harness", "path", "line", "message", "action"]


def log_of(home: Path, session: str) -> Path:
    return home / ".claude" / "projects" / "-src-alpha" / f"{session}.jsonl"


def found(done: Done, check: str, status: str | None = None) -> list[dict[str, object]]:
    return [line for line in done.lines if line["check"] == check and status in (None, line["status"])]


def test_a_healthy_bucket(indexed: Run, home: Path) -> None:
    done = indexed("doctor", "--json")
    assert done.status == 0
    assert all(list(line) == KEYS for line in done.lines)
    assert {line["status"] for line in done.lines} == {"ok"}, done.out
    roots = {line["path"]: line["message"] for line in found(done, "roots")}
    assert str(roots[str(home / ".claude" / "projects")]).startswith("4 logs")
    assert "not there" in str(roots[str(home / ".pi" / "agent" / "sessions")])
    assert "5 copies are whole" in str(found(done, "copies")[0]["message"])
    text = indexed("doctor").out
    assert text.splitlines()[-1].endswith("0 bad, 0 warnings")


def test_without_a_bucket(run: Run) -> None:
    done = run("doctor", "--json")
    assert done.status == 0
    assert found(done, "bucket", "warn")[0]["action"] == "tracetui index"
    assert found(done, "roots", "ok")


def test_no_logs_at_all(run: Run, home: Path) -> None:
    (home / ".claude").rename(home / "x")
    (home / ".codex").rename(home / "y")
    done = run("doctor", "--json")
    assert "no logs" in str(found(done, "roots", "warn")[0]["message"])


def test_bad_records_are_named_by_line(run: Run, home: Path) -> None:
    log = log_of(home, SECOND)
    with log.open("a") as file:
        file.write('[1]\n{"type": "flux-capacitor", "sessionId": "' + SECOND + '"}\n{"type":"user"')
    (home / ".claude" / "projects" / "-src-alpha" / "other.jsonl").write_text('{"hello": "world"}\n')
    assert run("index").status == 0
    done = run("doctor", "--json")
    assert done.status == 0
    assert [(line["path"], line["line"]) for line in found(done, "records", "warn")] == [(str(log), 4), (str(log), 6)]
    assert found(done, "skipped", "warn")[0]["path"] == str(log.with_name("other.jsonl"))
    (unknown,) = found(done, "unknown", "warn")
    assert "flux-capacitor" in str(unknown["message"])
    assert unknown["harness"] == "claude"


def test_new_logs_are_counted(indexed: Run, home: Path) -> None:
    os.utime(log_of(home, SECOND))
    root = next(
        line for line in indexed("doctor", "--json").lines if line["path"] == str(home / ".claude" / "projects")
    )
    assert "; 1 new or changed" in str(root["message"])
    assert root["action"] == "tracetui index"


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_unreadable(indexed: Run, home: Path) -> None:
    log_of(home, FIRST).chmod(0)
    assert indexed("doctor", "--json").status == 1


def test_unreadable_by_asking(indexed: Run, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = str(log_of(home, FIRST))
    monkeypatch.setattr("os.access", lambda path, mode: path != log)
    done = indexed("doctor", "--json")
    assert done.status == 1
    assert found(done, "unreadable", "bad")[0]["path"] == log


def test_a_copy_that_differs_is_found_and_captured_anew(indexed: Run, home: Path) -> None:
    log = log_of(home, FIRST)
    before = log.stat()
    data = bytearray(log.read_bytes())
    at = data.index(b"flaky")
    data[at : at + 5] = b"SOLID"
    log.write_bytes(data)
    os.utime(log, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert not found(indexed("doctor", "--json", "--quick"), "copies")
    done = indexed("doctor", "--json")
    assert done.status == 1
    (bad,) = found(done, "copies", "bad")
    assert bad["path"] == str(log)
    assert "not what was captured" in str(bad["message"])
    assert "--repair" in str(bad["action"])
    repaired = indexed("doctor", "--repair")
    assert repaired.status == 0
    assert str(log) in repaired.err
    after = indexed("doctor", "--json")
    assert after.status == 0
    assert "2 generations" in str(found(after, "generations", "ok")[0]["message"])
    assert indexed("show", f"{FIRST}:1", "--json").lines[0]["text"] == "fix the SOLID rate limit"


def test_a_file_rewritten_since_is_a_warning(indexed: Run, home: Path) -> None:
    log = log_of(home, FIRST)
    log.write_text(log.read_text().replace("flaky", "solid"))
    done = indexed("doctor", "--json")
    assert done.status == 0
    assert found(done, "copies", "warn")[0]["action"] == "tracetui index"


def test_a_deleted_log_is_kept_and_checked(indexed: Run, home: Path, tmp_path: Path) -> None:
    log_of(home, SECOND).unlink()
    assert indexed("index").status == 0
    assert indexed("doctor", "--json").status == 0
    for copy in (tmp_path / "bucket" / "copies").rglob("*.zst"):
        data = bytearray(copy.read_bytes())
        data[-20] ^= 0xFF
        copy.write_bytes(data)
    done = indexed("doctor", "--json")
    assert done.status == 1
    assert len(found(done, "copies", "bad")) == 5


def test_a_damaged_index_is_rebuilt(indexed: Run, tmp_path: Path) -> None:
    bucket = tmp_path / "bucket"
    ids = [row["id"] for row in indexed("ls", "--json").lines]
    data = bytearray((bucket / "index.db").read_bytes())
    for page in range(4096 * 12, len(data), 4096):
        data[page : page + 64] = b"\xff" * 64
    (bucket / "index.db").write_bytes(data)
    done = indexed("doctor", "--json", "--repair", "--quick")
    assert found(done, "database", "bad") or found(done, "database", "warn")
    assert [row["id"] for row in indexed("ls", "--json").lines] == ids
    assert indexed("doctor", "--json").status == 0


def test_an_index_thrown_away_comes_back_by_itself(indexed: Run, tmp_path: Path) -> None:
    ids = [row["id"] for row in indexed("ls", "--json").lines]
    for name in ("index.db", "index.db-wal", "index.db-shm"):
        (tmp_path / "bucket" / name).unlink(missing_ok=True)
    done = indexed("doctor", "--json", "--quick")
    assert "thrown away" in str(found(done, "database", "warn")[0]["message"])
    again = indexed("ls", "--json")
    assert [row["id"] for row in again.lines] == ids
    assert "rebuilt" in again.err
    assert indexed("search", "flaky", "--json").status == 0


def test_sessions_about_to_be_deleted(indexed: Run, home: Path) -> None:
    settings = home / ".claude" / "settings.json"
    old(log_of(home, FIRST), 25)
    old(log_of(home, SECOND), 40)
    done = indexed("doctor", "--json")
    risks = found(done, "deletion", "warn")
    assert [line["path"] for line in risks] == [str(log_of(home, SECOND)), str(log_of(home, FIRST))]
    assert "next start" in str(risks[0]["message"])
    assert "in 5 days" in str(risks[1]["message"])
    for line in risks:
        assert line["action"] == f"raise cleanupPeriodDays in {settings}", "advice names key and file, no redirection"
    assert indexed("stats", "--json").lines[0]["at_risk"] == 2
    settings.write_text(json.dumps({"cleanupPeriodDays": 365}))
    assert not found(indexed("doctor", "--json"), "deletion", "warn")
    settings.write_text(json.dumps({"cleanupPeriodDays": 0}))
    assert "is 0" in str(found(indexed("doctor", "--json"), "deletion", "warn")[0]["message"])


def test_an_open_bucket_is_refused_and_said(indexed: Run, tmp_path: Path) -> None:
    (tmp_path / "bucket").chmod(0o755)
    done = indexed("doctor", "--json")
    assert done.status == 1
    assert "read by others" in str(found(done, "bucket", "bad")[0]["message"])


def test_an_open_file_in_the_bucket(indexed: Run, tmp_path: Path) -> None:
    copy = next((tmp_path / "bucket" / "copies").rglob("*.zst"))
    copy.chmod(0o644)
    done = indexed("doctor", "--json")
    assert done.status == 1
    assert found(done, "permissions", "bad")[0]["path"] == str(copy)


def test_config_problems_are_told(indexed: Run, home: Path) -> None:
    (home / "config.toml").write_text("theme = 3\n")
    assert "theme" in str(found(indexed("doctor", "--json"), "config", "warn")[0]["message"])


def test_what_is_left_out_does_not_wait_and_kept_paths_are_told(run: Run, home: Path, tmp_path: Path) -> None:
    assert run("index", str(home / ".codex"), "--keep").status == 0
    assert run("index").status == 0
    (home / "config.toml").write_text('exclude = ["/src/beta*"]\n')
    for log in (home / ".claude" / "projects").rglob("*.jsonl"):
        log.write_text(log.read_text())
        os.utime(log, ns=(1, 1))
    roots = {row["path"]: row for row in run("doctor", "--quick", "--json").lines if row["check"] == "roots"}
    logs = list((home / ".claude" / "projects").rglob("*.jsonl"))
    beta = [log for log in logs if "-src-beta" in str(log)]
    assert beta
    told = roots[str(home / ".claude" / "projects")]["message"]
    assert f"; {len(beta)} left out as you asked; {len(logs) - len(beta)} new or changed" in told
    kept = roots[str(home / ".codex")]
    assert kept["harness"] is None
    assert "; 0 new or changed" in kept["message"]
