"""Capsules that were forged and sealed anew: what follows from their content is told, whatever they say of it."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.capsule.conftest import Cli
from tests.capsule.story import Machine
from tests.capsule.test_hostile import entries, forged
from tracetui.capsule.archive import Archive, RefusedError, pack
from tracetui.capsule.derive import changed_files
from tracetui.capsule.patches import FileChange, make
from tracetui.capsule.verify import Capsule, verify

Entries = dict[str, bytes]
Forgery = Callable[[Entries, dict[str, Any]], None]
HIDDEN = make([FileChange("sitecustomize.py", None, b"import os\n")])


def lines(data: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in data.splitlines()]


def joined(values: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(value, separators=(",", ":")).encode() + b"\n" for value in values)


def step(change: Callable[[dict[str, Any]], None], number: int = 4) -> Forgery:
    def forge(held: Entries, facts: dict[str, Any]) -> None:
        found = lines(held["steps.jsonl"])
        change(found[number - 1])
        held["steps.jsonl"] = joined(found)

    return forge


def replaced(name: str, old: bytes, new: bytes) -> Forgery:
    def forge(held: Entries, facts: dict[str, Any]) -> None:
        assert old in held[name], name
        held[name] = held[name].replace(old, new)

    return forge


def listed(change: Callable[[list[dict[str, Any]]], None]) -> Forgery:
    def forge(held: Entries, facts: dict[str, Any]) -> None:
        change(facts["repository"]["patches"])

    return forge


def with_patch(held: Entries, facts: dict[str, Any]) -> None:
    held["patches/0003.patch"] = HIDDEN


def with_hidden_file(held: Entries, facts: dict[str, Any]) -> None:
    held["patches/0001.patch"] += HIDDEN


def without_step(held: Entries, facts: dict[str, Any]) -> None:
    held["steps.jsonl"] = joined(lines(held["steps.jsonl"])[:-1])


def with_step(held: Entries, facts: dict[str, Any]) -> None:
    found = lines(held["steps.jsonl"])
    held["steps.jsonl"] = joined([*found, {**found[-1], "step": len(found) + 1, "text": "All is well."}])


def swapped(held: Entries, facts: dict[str, Any]) -> None:
    found = lines(held["steps.jsonl"])
    found[0], found[1] = found[1], found[0]
    held["steps.jsonl"] = joined(found)


def of_another_record(held: Entries, facts: dict[str, Any]) -> None:
    found = lines(held["steps.jsonl"])
    found[2]["source"]["path"] = "records/999.jsonl"
    held["steps.jsonl"] = joined(found)


FORGERIES: dict[str, Forgery] = {
    "a hidden patch": with_patch,
    "a hidden file in a patch": with_hidden_file,
    "a patch that lists another file": listed(lambda found: found[0].update(files=["README.md"])),
    "a patch that lists no file": listed(lambda found: found[0].update(files=[])),
    "a patch that is not listed": listed(lambda found: found.pop()),
    "a patch that is not there": listed(lambda found: found.append({**found[0], "name": "patches/0009.patch"})),
    "the text of a step": step(lambda line: line.update(text="I did nothing."), 5),
    "the command of a step": step(lambda line: line["tool"].update(input={"command": "true"})),
    "the output of a step": step(lambda line: line["tool"].update(output="OK\n")),
    "the status of a step": step(lambda line: line["tool"].update(exit_code=0)),
    "the kind of a step": step(lambda line: line.update(kind="read")),
    "the time of a step": step(lambda line: line.update(time="2020-01-01T00:00:00.000Z")),
    "the number of a step": step(lambda line: line.update(step=99)),
    "a step left out": without_step,
    "a step made up": with_step,
    "steps in another order": swapped,
    "a step of no record": of_another_record,
    "the transcript": replaced("transcript.md", b"Mend it.", b"Leave it."),
    "the failure in the transcript": replaced("transcript.md", b"'ab' != 'abc'", b"'ab' == 'abc'"),
    "the readme": replaced("README.md", b"unittest", b"unitrest"),
    "the records": replaced("records/001.jsonl", b"Mend it.", b"Break it."),
    "lines that are none": lambda held, facts: held.update({"steps.jsonl": b"[1]\n"}),
}


def test_forgeries_are_noticed(sealed: Path, cli: Cli, tmp_path: Path) -> None:
    unnoticed = []
    for name, forge in FORGERIES.items():
        held = entries(sealed)
        facts = json.loads(held.pop("manifest.json"))
        before = dict(held)
        forge(held, facts)
        changes: dict[str, bytes | None] = {key: held[key] for key in held if held[key] != before.get(key)}
        target = forged(tmp_path / "forged.zip", sealed, facts=json.dumps(facts).encode(), **changes)
        report = verify(target)
        if not report.intact or report.ok or report.consistent is not False or not report.differs:
            unnoticed.append(name)
    assert unnoticed == []
    done = cli("verify", target, "--json")
    assert (done.status, done.lines[0]["ok"], done.lines[0]["consistent"]) == (1, False, False)
    assert "not consistent" in cli("verify", target).err


def test_what_was_sealed_is_consistent(sealed: Path, cli: Cli) -> None:
    (report,) = cli("verify", sealed, "--json").lines
    assert (report["ok"], report["consistent"], report["differs"], report["problems"]) == (True, True, [], [])


def test_what_is_asked_names_every_file(sealed: Path, cli: Cli, there: Machine, tmp_path: Path) -> None:
    both = entries(sealed)["patches/0001.patch"] + HIDDEN
    target = forged(tmp_path / "forged.zip", sealed, **{"patches/0001.patch": both})
    with Capsule(target) as capsule:
        assert changed_files(capsule)["sitecustomize.py"] == ["patches/0001.patch"]
    done = cli("replay", target, "--repo", there.repo)
    assert "sitecustomize.py" in done.err
    assert "not consistent" in done.err


def test_files_that_are_carried_obey_the_rules_of_patches(sealed: Path, cli: Cli, tmp_path: Path) -> None:
    for path in (".git/config", "a/.GIT/hooks/x", ".gitmodules", "a\u202eb.py"):
        target = forged(tmp_path / "forged.zip", sealed, **{f"files/{path}": b"x"})
        done = cli("verify", target)
        assert (done.status, done.err.count("\n")) == (1, 1)
        assert "carries a file" in done.err, path


def test_bits_behind_a_stream_are_refused(tmp_path: Path) -> None:
    """Every padding bit that can be set in some streams: readers pass over it. The hash of the file is made anew."""
    import hashlib

    tried = 0
    for size in range(40, 90):
        out = io.BytesIO()
        pack({"a.txt": b"abcdefgh"[: size % 8 + 1] * size}, out.write)
        data = out.getvalue()
        path = tmp_path / "x.zip"
        path.write_bytes(data)
        with Archive(path) as archive:
            entry = archive.entries["a.txt"]
            assert archive.read("a.txt")
        if entry.method != 8:
            continue
        at = entry.start + entry.packed - 1
        for bit in range(data[at].bit_length(), 8):
            changed = bytearray(data)
            changed[at] |= 1 << bit
            changed[-64:] = hashlib.sha256(bytes(changed[:-64])).hexdigest().encode()
            path.write_bytes(bytes(changed))
            with Archive(path) as archive, pytest.raises(RefusedError):
                archive.read("a.txt")
            tried += 1
    assert tried > 20
