"""A capsule of the first format, as the program of its time sealed it: it opens, verifies and replays for good."""

from __future__ import annotations

import hashlib
from pathlib import Path

from tests.capsule.conftest import Cli
from tests.capsule.story import Machine
from tests.sandbox.test_sandbox import needs_sandbox
from tracetui.capsule.foreign import lay_out
from tracetui.capsule.verify import Capsule

V1 = Path(__file__).with_name("data") / "v1.capsule.zip"


def test_it_is_the_file_of_its_time() -> None:
    assert hashlib.sha256(V1.read_bytes()).hexdigest() == (
        "d66e7634adde0293387840432c8adb14dbcb8a45d5a56ca36f357b11f19bf0a4"
    )


def test_it_verifies_and_its_records_can_be_read(cli: Cli, tmp_path: Path) -> None:
    done = cli("verify", V1, "--json")
    assert done.status == 0
    report = done.lines[0]
    assert (report["ok"], report["format"], report["steps"]) == (True, "tracetui.capsule.v1", 9)
    with Capsule(V1) as capsule:
        assert [path.name for path in lay_out(capsule, tmp_path / "records")]


@needs_sandbox
def test_it_replays(cli: Cli, there: Machine) -> None:
    cli("verify", V1, "--json").lines[0]["digest"]
    verdicts = []
    for words in ((), ("--at", there.broken), ("--at", there.mended)):
        done = cli("replay", V1, "--repo", there.repo, "--agree", "ours", "--json", *words)
        verdicts.append(done.lines[-1]["verdict"])
    assert verdicts == ["reproduces", "reproduces", "fixed"]
