"""Pictures of the redaction editor in its main states. What matters in them is asserted elsewhere too; these catch what
nobody thought of.

After a change that is meant: `pytest tests/tui/test_redact_snapshots.py --snapshot-update`, and look at each picture.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.tui.fake_review import FakeReview, leaked, unscanned
from tests.tui.fakes import FakeBucket
from tests.tui.test_redact import Editor
from tracetui.redact.decisions import Rule
from tracetui.redact.values import Field
from tracetui.tui.app import TracetuiApp
from tracetui.tui.redact.screen import RedactScreen


def clean() -> FakeReview:
    """Nothing to find."""
    return FakeReview([[("text", "What is a token bucket?")], [("text", "One that fills at a rate.")]], [])


def torn() -> FakeReview:
    """A text that no detector looked at, a key of several lines, rules that stay."""
    made = leaked()
    made.gaps = [unscanned(Field(None, 2, 0, "/content/1/text"), 2, "took too long to look through")]
    made.kept = [Rule("literal", "Ada", "someone"), Rule("glob", "pace-*")]
    return made


STATES: dict[str, tuple[tuple[int, int], tuple[str, ...], dict[str, Any], Callable[[], FakeReview]]] = {
    "open": ((120, 40), (), {}, leaked),
    "light": ((100, 30), ("a",), {"theme": "light"}, leaked),
    "narrow": ((80, 24), ("r",), {}, leaked),
    "one-row": ((60, 16), ("c",), {}, leaked),
    "selecting": ((100, 30), ("2", "v", "e", "e"), {}, leaked),
    "naming": ((100, 30), ("2", "v", "e", "m"), {"theme": "high-contrast"}, leaked),
    "left-out": ((120, 36), ("a", "x", "s", "x", "t", "1", "G"), {}, torn),
    "as-the-reader": ((100, 30), ("a", "a", "p"), {}, leaked),
    "all-decided": ((100, 30), ("a", "a", "space"), {}, leaked),
    "hidden": ((100, 30), ("a", "z"), {}, leaked),
    "nothing-found": ((100, 30), (), {}, clean),
    "ascii": ((80, 24), ("a", "c"), {"ascii": True, "theme": "terminal"}, torn),
    "rules": ((100, 30), ("R",), {}, torn),
}


def app_of(monkeypatch: pytest.MonkeyPatch, review: FakeReview, config: dict[str, Any]) -> tuple[TracetuiApp, Any]:
    bucket = FakeBucket.filled(3)
    monkeypatch.setattr(RedactScreen, "_open_core", lambda *_: review)
    return TracetuiApp(bucket, config=config, redact=(bucket.sessions()[0], None)), bucket  # type: ignore[arg-type]


@pytest.mark.parametrize("name", STATES)
def test_states(snap_compare: Any, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    size, keys, config, made = STATES[name]
    app, bucket = app_of(monkeypatch, made(), config)

    async def drive(pilot: Pilot[Any]) -> None:
        driver = Editor(app, pilot, bucket)
        await driver.settle()
        for key in keys:
            await pilot.press(key)
            await driver.settle()
        for footer in app.screen.query("Footer"):
            footer.hush()  # type: ignore[attr-defined]
        await driver.settle()

    assert snap_compare(app, terminal_size=size, run_before=drive), name


def test_while_it_is_being_scanned(snap_compare: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()

    def scan(self: Any, bucket: Any, cancelled: Callable[[], bool], progressed: Callable[[int, int], None]) -> None:
        progressed(12_000_000, 45_000_000)
        go_on.wait(10)

    app, _ = app_of(monkeypatch, leaked(), {})
    monkeypatch.setattr(RedactScreen, "_open_core", scan)

    async def drive(pilot: Pilot[Any]) -> None:
        screen = app.screen
        assert isinstance(screen, RedactScreen)
        for _ in range(200):
            await pilot.pause(0.01)
            if "looked through" in screen.title_line.text:
                break

    try:
        assert snap_compare(app, terminal_size=(100, 30), run_before=drive)
    finally:
        go_on.set()
