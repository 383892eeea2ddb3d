"""The demo's capsule: its verdict flips between two revisions, without anyone touching it."""

from __future__ import annotations

from pathlib import Path

from tests.capsule.conftest import Cli
from tests.sandbox.test_sandbox import needs_sandbox
from tracetui.commands.demo import sealing
from tracetui.demo import make


@needs_sandbox
def test_the_verdict_of_the_demo_flips(tmp_path: Path, cli: Cli) -> None:
    demo = make(tmp_path / "demo", now=1_780_000_000_000)
    assert cli("--bucket", demo.bucket, "index", *demo.logs, home=demo.home).status == 0
    for words in sealing(demo):
        done = cli(*words, home=demo.home)
        assert done.status == 0, done.err
    cli("verify", demo.capsule, "--json").lines[0]["digest"]
    verdicts = []
    for words in ((), ("--at", "main~1"), ("--at", "main"), ("--at", "main~3")):
        done = cli("replay", demo.capsule, "--repo", demo.repo, "--agree", "ours", "--json", *words)
        verdicts.append(done.lines[-1]["verdict"])
    # At main~3 the failing test was not there yet: the capsule brings it along.
    assert verdicts == ["reproduces", "reproduces", "fixed", "reproduces"]
