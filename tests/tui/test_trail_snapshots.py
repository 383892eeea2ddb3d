"""Pictures of the trail: what no assertion on text sees. Look first, then --snapshot-update."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.tui.trails import ONE, TWO, Story, TrailDriver
from tracetui.bucket import Bucket
from tracetui.tui.app import TracetuiApp
from tracetui.tui.kit.trail_client import HERE, LIST, NOW
from tracetui.tui.trail.controller import TrailController

Compare = Callable[..., bool]
DIFF = ("3", "right_square_bracket", "right_square_bracket")


@pytest.mark.parametrize(
    ("name", "session", "theme", "ascii_only", "size", "pressed", "shows"),
    [
        ("timeline", ONE, "dark", False, (120, 24), ("e", "wait"), ("◌",)),
        ("diff", ONE, "light", False, (80, 30), ("e", "e", *DIFF, "wait"), ("scale_by_two",)),
        ("beside", ONE, "dark", False, (120, 30), ("e", *DIFF, "plus", "wait"), ("as written",)),
        ("ascii", TWO, "dark", True, (100, 24), ("e", *DIFF, "plus", "wait"), ("- lost", "ended by")),
        ("commit", ONE, "dark", False, (100, 24), ("e", "wait", "L", "wait"), ("Sessions behind it",)),
        ("blame", ONE, "high-contrast", False, (100, 24), ("B", "wait", "type:HEAD~3..HEAD", "enter"), ("be polite",)),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 12 else "",
)
def test_screen(
    snap_compare: Compare,
    no_trails: None,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    name: str,
    session: str,
    theme: str,
    ascii_only: bool,
    size: tuple[int, int],
    pressed: tuple[str, ...],
    shows: tuple[str, ...],
) -> None:
    del name
    monkeypatch.setattr("tracetui.tui.kit.trail_client.TrailService.enabled", True)
    monkeypatch.setattr("tracetui.tui.trail.controller._LIST_REST", 0.01)
    # How many bytes a database takes is not what these pictures are of.
    monkeypatch.setattr("tracetui.tui.browse.capture.CaptureController._count", lambda self: None)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    bucket = Bucket.open(Story(tmp_path).path)

    async def run(pilot: Pilot[Any]) -> None:
        driver = TrailDriver(pilot.app, pilot, bucket)  # type: ignore[arg-type]
        await driver.settle()
        for key in pressed:
            if key == "wait":
                await driver.until(
                    lambda: (
                        not app.trail.pending(NOW, HERE, LIST) and bool(driver.main.controller(TrailController).known)
                    )
                )
                await driver.settle()
            elif key.startswith("type:"):
                await driver.type(key[5:])
            else:
                await driver.press(key)
        await driver.sees(*shows)
        await driver.settle()

    app = TracetuiApp(bucket, session=session, config={"ascii": ascii_only, "theme": theme})
    try:
        assert snap_compare(app, run_before=run, terminal_size=size)
    finally:
        bucket.close()
