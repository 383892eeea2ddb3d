"""A harness of which tracetui knows the steps alone: nothing of it is sealed, exported or called exact, and one line
says which rule is missing. With its rules, nothing leaves a range but what they name."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from tests.capsule.conftest import Cli
from tests.harness.fourth import SESSION, WITH, WITHOUT, write
from tracetui.harness import HARNESSES


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return write(tmp_path / "in" / f"{SESSION}.jsonl")


def test_without_a_rule_nothing_leaves(cli: Cli, log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(HARNESSES, "fourth", WITHOUT)
    assert cli("index", log).status == 0
    assert [step["kind"] for step in cli("show", SESSION, "--json").lines] == [
        "prompt", "message", "prompt", "tool", "message", "prompt",
    ]  # fmt: skip
    target = tmp_path / "x.zip"
    for address in (SESSION, f"{SESSION}:3-4"):
        done = cli("seal", address, "-o", target)
        assert done.status == 1
        assert "Sessions of Fourth cannot be sealed: tracetui has no rule for what may leave a range" in done.err
        assert done.err.count("\n") == 1
        assert not target.exists()
    monkeypatch.setitem(HARNESSES, "fourth", replace(WITH, fields=None))
    assert "no rule for which of its strings are ids" in cli("seal", SESSION, "-o", target).err
    for words in ((), ("--export", "messages", "-o", target), ("--export", "native", "-o", target)):
        done = cli("ctx", f"{SESSION}:5", *words)
        assert done.status == 1
        assert "no rule for what the model saw" in done.err
        assert done.err.count("\n") == 1
        assert not target.exists()


def test_with_its_rules_a_range_is_the_range(
    cli: Cli, log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(HARNESSES, "fourth", WITH)
    assert cli("index", log).status == 0
    assert cli("redact", SESSION, "--accept-tier", "2").status == 0
    target = tmp_path / "x.zip"
    done = cli("seal", f"{SESSION}:3-4", "-o", target)
    assert done.status == 0, done.err
    assert "left out: 1 field of records that this version does not know" in done.err
    assert "person recalled (1)" in done.err
    with zipfile.ZipFile(target) as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    everything = b"".join(held.values())
    assert b"zqout" not in everything
    assert b"recalled" not in everything
    for word in (b"zqown1", b"zqown2", b"zqown3"):
        assert word in held["records/001.jsonl"]
        assert word in held["steps.jsonl"]
