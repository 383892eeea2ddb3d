"""What is given away: a folder that loads, says how it was made and redacted, and of which the bucket keeps no text."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.capsule.conftest import Cli, Done
from tests.capsule.story import SESSION, Machine
from tests.dataset.test_dataset import NAME, approve_all
from tracetui.dataset.figures import duplicates
from tracetui.dataset.store import StoredRow


@pytest.fixture
def run(cli: Cli, decided: Machine) -> Any:
    def call(*words: object) -> Done:
        return cli("dataset", *words, home=decided.home)

    return call


@pytest.fixture
def gift(run: Any, tmp_path: Path) -> Path:
    assert run("run", NAME).status == 0
    approve_all(run)
    target = tmp_path / "gift"
    words = ("--contact", "ann@example.org", "--target", "ann/traces", "--agree")
    done = run("donate", NAME, "-o", target, *words)
    assert done.status == 0, done.err
    assert "Nothing was sent" in done.out
    assert "hf upload ann/traces" in done.out
    return target


def test_a_donation_is_a_folder_ready_to_be_given(gift: Path, decided: Machine) -> None:
    names = {path.name for path in gift.iterdir()}
    wanted = {"data.jsonl", "provenance.jsonl", "schema.json", "workflow.md", "README.md", "CONSENT.md", "SHA256SUMS"}
    assert wanted <= names
    for line in (gift / "SHA256SUMS").read_text().splitlines():
        digest, _, name = line.partition("  ")
        assert sha256((gift / name).read_bytes()).hexdigest() == digest
    text = (gift / "README.md").read_text()
    head = yaml.safe_load(text.split("---\n")[1])
    assert head["license"] == "cc-by-4.0"
    assert head["configs"][0]["data_files"] == [{"split": "train", "path": "data.jsonl"}]
    for part in ("| rows | 2 |", "| sessions | 1 |", "languages | Python 2", "How it was redacted", "ann@example.org"):
        assert part in text.replace("\\", ""), part
    assert "have the right to share" in (gift / "CONSENT.md").read_text()
    assert "Agreed to on 20" in (gift / "CONSENT.md").read_text()
    for path in gift.iterdir():
        data = path.read_bytes()
        assert decided.secret.encode() not in data
        assert b"annabella" not in data
        assert path.stat().st_mode & 0o777 == 0o600


def test_without_consent_nothing_is_written(run: Any, tmp_path: Path) -> None:
    assert run("run", NAME).status == 0
    approve_all(run)
    done = run("donate", NAME, "-o", tmp_path / "gift")
    assert done.status == 1
    assert "--agree" in done.err
    assert not (tmp_path / "gift").exists()


def test_forget_says_that_it_was_given_away(gift: Path, cli: Cli, decided: Machine) -> None:
    del gift
    done = cli("forget", SESSION, "--yes", "--json", home=decided.home)
    assert done.lines[0]["given"] == [
        {"target": "ann/traces", "time": done.lines[0]["given"][0]["time"], "contact": "ann@example.org"}
    ]
    assert "given away to ann/traces" in done.err
    assert "ann@example.org" in done.err
    left = b"".join(path.read_bytes() for path in (decided.home / "bucket").rglob("*") if path.is_file())
    assert b"chop() cuts" not in left
    assert b"ann/traces" in left, "where to is kept, so that it can be asked back"


def test_the_parquet_file_holds_the_same_rows(gift: Path) -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    rows = [json.loads(line) for line in (gift / "data.jsonl").read_text().splitlines()]
    table = pq.read_table(gift / "data.parquet").to_pylist()
    assert [row["prompt"] for row in table] == [row["prompt"] for row in rows]
    assert table[0]["messages"] == rows[0]["messages"]


def row(number: int, text: str) -> StoredRow:
    body = json.dumps({"text": text})
    return StoredRow(number, "h", "s", "d", str(number), 0, body, sha256(body.encode()).hexdigest(), {}, None, None)


def test_duplicates_are_found_exact_and_near() -> None:
    words = " ".join(f"word{n} of a long sentence that goes on" for n in range(60))
    other = " ".join(f"another{n} thing with nothing in common at all" for n in range(60))
    rows = [row(1, words), row(2, other), row(3, words), row(4, words + " and one more")]
    assert duplicates(rows) == ([(1, 3)], [(1, 4)])
