"""Pictures of the step, search and dialogs: what no assertion on text sees. Look first, then --snapshot-update."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.tui.fakes import NOW, FakeBucket, make_session, make_steps
from tracetui.model import Source, Step, Tokens, ToolUse
from tracetui.tui.app import TracetuiApp

Compare = Callable[..., bool]

PROSE = """# Why it was flaky

The window **reset** on every start, see `src/limit.py`:

- the count lived in memory
- the test slept *almost* long enough

```python
def allow(now: float) -> bool:  # one window
    return now - start < 60 and count < 5
```
> 日本語 and 🎉 stay on the grid
"""


def bucket() -> FakeBucket:
    """One session with a step of each kind that looks different."""
    steps = [
        Step(1, "prompt", "a", (Source(1, 0, 9),), NOW, None, "Make the limiter survive a restart"),
        Step(2, "message", "b", (Source(2, 0, 9),), NOW, "model-a", PROSE, tokens=Tokens(100, 250, 3000, 200)),
        Step(
            3, "command", "c", (Source(3, 0, 9),), NOW, "model-a",
            tool=ToolUse("Bash", {"command": "pytest -q | tail -5", "timeout": 60}, "2 failed, 3 passed\n", True, 1),
        ),
    ]  # fmt: skip
    row = make_session(0, steps=3)
    made = FakeBucket([row, *(make_session(n) for n in range(1, 5))], {1: make_steps(3, 1)})
    made.steps_of |= {n + 1: make_steps(12, n + 1) for n in range(1, 5)}
    made.steps_of[1] = [
        type(old)(
            **{
                **{name: getattr(old, name) for name in old.__slots__},
                "kind": step.kind,
                "summary": (step.text or "pytest -q tests | tail -5").splitlines()[0],
                "tool": step.tool.name if step.tool else None,
                "failed": step.failed,
                "exit_code": step.tool.exit_code if step.tool else None,
            }
        )
        for old, step in zip(made.steps_of[1], steps)
    ]
    made.texts = {(1, step.number): step for step in steps}
    return made


def keys(*pressed: str) -> Callable[[Pilot[Any]], Any]:
    """Settle, press each key, settle again."""

    async def run(pilot: Pilot[Any]) -> None:
        for key in ("", *pressed):
            if key:
                await pilot.press(key)
            for _ in range(2):
                await pilot.pause(0.05)
                await pilot.app.workers.wait_for_complete()
        await pilot.pause()

    return run


@pytest.mark.parametrize(
    ("name", "theme", "size", "pressed"),
    [
        ("message", "dark", (120, 30), ("enter", "j", "3")),
        ("command", "light", (120, 30), ("enter", "G", "3")),
        ("json", "colour-blind", (80, 24), ("enter", "G", "3", "v")),
        ("tab", "dark", (80, 24), ("enter", "3", "right_square_bracket")),
        ("search", "high-contrast", (120, 30), ("F", "l", "i", "m", "i", "t", "down")),
        ("palette", "dark", (80, 24), ("colon", "c", "o", "p")),
        ("keys", "light", (80, 24), ("enter", "question_mark")),
        ("terminal", "terminal", (80, 24), ("enter", "j", "3")),
    ],
)
def test_screen(snap_compare: Compare, name: str, theme: str, size: tuple[int, int], pressed: tuple[str, ...]) -> None:
    app = TracetuiApp(bucket(), config={"theme": theme, "ascii": False})  # type: ignore[arg-type]
    assert snap_compare(app, terminal_size=size, run_before=keys(*pressed))


def test_screen_in_ascii(snap_compare: Compare) -> None:
    app = TracetuiApp(bucket(), config={"ascii": True})  # type: ignore[arg-type]
    assert snap_compare(app, terminal_size=(80, 24), run_before=keys("enter", "G", "3"))
