"""Pictures of the seal's screen and of the verdict's, over a made-up draft, capsule and results: nothing in them hangs
on this machine. What they do is asserted elsewhere; these catch what nobody thought of.

After a change that is meant: `pytest tests/tui/test_capsule_snapshots.py --snapshot-update`, and look at each picture.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.tui.driving import Driver
from tests.tui.fakes import FakeBucket
from tracetui.capsule.checks import Check
from tracetui.capsule.replay import CheckResult
from tracetui.capsule.seal import Draft
from tracetui.capsule.verdict import Outcome
from tracetui.redact.values import Field, Place
from tracetui.sandbox.limits import Ran
from tracetui.sandbox.tools import Tools
from tracetui.tui.app import TracetuiApp
from tracetui.tui.capsule.seal import SealScreen
from tracetui.tui.capsule.verdict import VerdictScreen
from tracetui.tui.capsule.verdict_rows import Asked

LINE = "AssertionError: False is not true : an event is out of the window after 10 seconds"
CHECK = Check(1, "PYTHONPATH=. python3 -m unittest discover -s tests", "", 1, LINE, step=6)
OTHER = Check(2, "npm test -- --reporter=tap", "web", None, None, step=9, problem="chop.py does not apply")
SHA = "5319e8452" + "0" * 31


def draft() -> Draft:
    """A draft with everything that the screen can list."""
    entries = {
        "README.md": b"# x\n" * 500, "checks.json": b"[]", "ctx.jsonl": b"x" * 3900, "manifest.json": b"{}",
        "patches/0001.patch": b"--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n", "records/001.jsonl": b"x" * 12_000,
        "steps.jsonl": b"x" * 6300, "transcript.md": b"# CI fails now and then\n\n## 1 prompt\n\n```\nMend it.\n```\n",
    }  # fmt: skip
    facts = {
        "repository": {"remote": None, "remote_left_out": True},
        "redactions": {"github-token": 3, "user": 24},
        "session": {"steps": 38},
    }
    seen = Place.to_look_at(Field(None, 3, 0, "/text"))
    return Draft(
        entries,
        [CHECK, OTHER],
        facts,
        ["the base commit was not pushed"],
        [("‹github-token:1›", "github-token")],
        weak=[replace(seen, id=f"{nth}", kind="random") for nth in range(74)],
        hours="22:00 to 03:00, UTC+2",
    )


class Sealing(SealScreen):
    """With a draft that was made already."""

    def make(self) -> None:
        self._made((draft(), 30_000_000), self.choices, None)


class Verdict(VerdictScreen):
    """With a capsule that was checked already, and results that came."""

    seen: Outcome | None = None

    def load(self) -> None:
        self.asked = Asked(
            "unchanged since it was sealed; maker unknown",
            "80" * 32,
            [CHECK, replace(OTHER, problem=None)],
            SHA,
            ["pace/window.py", "tests/test_window.py"],
            tools=["/home/ann/.pyenv/versions/3.12.4 (python3 of your PATH)"],
        )
        self.tools = Tools()
        self.ask_consent()
        if self.seen is not None:
            base = Outcome("reproduces", "status 1, with the recorded line", LINE, Ran(1, f"F.\n{LINE}\n", 0.3))
            verdict = "fixed" if self.seen.kind == "passes" else self.seen.kind
            self.results = [CheckResult(CHECK, verdict, self.seen.why, SHA, base, self.seen, 0.62)]
            self.runner.finish()


PASSES = Outcome("passes", "status 0, without the recorded line", None, Ran(0, "..\nRan 2 tests\n\nOK\n", 0.3))
MISSING = Outcome(
    "inconclusive", "a dependency is missing: No module named 'six'", "No module named 'six'", Ran(1, "", 0.3)
)


@pytest.mark.parametrize(
    ("name", "size", "config"),
    [
        ("seal", (100, 40), {}),
        ("seal-narrow", (80, 24), {"theme": "light"}),
        ("consent", (80, 24), {}),
        ("consent-ascii", (100, 30), {"ascii": True, "theme": "terminal"}),
        ("fixed", (100, 30), {"theme": "light"}),
        ("inconclusive", (80, 24), {"theme": "high-contrast"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_capsule(snap_compare: Any, name: str, size: tuple[int, int], config: dict[str, Any]) -> None:
    bucket = FakeBucket.filled(1)
    app = TracetuiApp(bucket, config=config)  # type: ignore[arg-type]

    async def drive(pilot: Pilot[Any]) -> None:
        driver = Driver(app, pilot, bucket)
        await driver.settle()
        if name.startswith("seal"):
            app.push_screen(Sealing(bucket.rows[0], (12, 49), Path("/home/ann/flaky.capsule.zip")))
        else:
            screen = Verdict(Path("/home/ann/flaky.capsule.zip"), Path("/home/ann/src/pace"), "main")
            screen.seen = {"fixed": PASSES, "inconclusive": MISSING}.get(name)
            app.push_screen(screen)
        await driver.settle()
        await driver.settle()

    assert snap_compare(app, terminal_size=size, run_before=drive), name
