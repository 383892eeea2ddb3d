"""Pictures of the main screen and the first run. What matters in them is asserted elsewhere too; these catch what
nobody thought of.

After a change that is meant: `pytest tests/tui/test_main_snapshots.py --snapshot-update`, and look at each picture.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.tui.driving import Driver
from tests.tui.fakes import FakeBucket
from tracetui.tui.app import TracetuiApp


def bucket() -> FakeBucket:
    """Every mark that a session can have, and a long one."""
    made = FakeBucket.filled(12)
    changes: dict[int, dict[str, Any]] = {
        0: {"bookmarked": True, "findings": {"open": 5, "secrets": 2}},
        2: {"unread": True, "survival": {"alive": 5, "transformed": 2, "lost": 1}},
        4: {"gone": True, "note": "ask Ann"},
        5: {"folded": "headless"},
        7: {"forked_from": made.rows[1].id},
        8: {"folded": "empty"},
    }
    made.rows = [dataclasses.replace(row, **changes.get(n, {})) for n, row in enumerate(made.rows)]
    return made


@pytest.mark.parametrize(
    ("name", "size", "keys", "config"),
    [
        ("three-panes", (120, 40), ("j", "enter", "j", "j"), {}),
        ("two-panes", (80, 24), (), {}),
        ("one-pane", (60, 16), ("enter", "p"), {}),
        ("by-project", (120, 40), ("d", "S"), {}),
        ("filtering", (120, 40), ("slash", *"harness:codex", "space", "h"), {}),
        ("finding", (120, 40), ("2", "slash", *"pytest", "enter", "n"), {}),
        ("outline", (120, 40), ("j", "j", "enter", "z", "p", "space"), {}),
        ("full-size", (150, 30), ("2", "plus", "t", "v", "x"), {}),
        ("jump", (100, 30), ("J", *"fix"), {}),
        ("light", (120, 40), ("enter", "x"), {"theme": "light"}),
        ("high-contrast", (120, 40), ("enter", "x"), {"theme": "high-contrast"}),
        ("ascii", (80, 24), ("enter", "x"), {"ascii": True, "theme": "terminal"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_main(
    snap_compare: Any, name: str, size: tuple[int, int], keys: tuple[str, ...], config: dict[str, Any]
) -> None:
    made = bucket()
    app = TracetuiApp(made, config=config)  # type: ignore[arg-type]

    async def drive(pilot: Pilot[Any]) -> None:
        driver = Driver(app, pilot, made)
        await driver.settle()
        for key in keys:
            await pilot.press(key)
            await driver.settle()
        await driver.settle()

    assert snap_compare(app, terminal_size=size, run_before=drive), name


def test_first_run(snap_compare: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("CLAUDE_CONFIG_DIR", "CODEX_HOME", "PI_CODING_AGENT_DIR", "PI_CODING_AGENT_SESSION_DIR"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    for n, project in enumerate(("limit", "limit", "parser", "infra")):
        folder = tmp_path / ".claude" / "projects" / f"-src-{project}"
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{n:08d}-aaaa-bbbb-cccc-000000000000"
        record = {
            "type": "user", "uuid": "u", "parentUuid": None, "sessionId": name, "cwd": f"/src/{project}",
            "version": "2.1.0", "timestamp": "2026-05-12T10:00:00.000Z", "message": {"role": "user", "content": "hi"},
        }  # fmt: skip
        (folder / f"{name}.jsonl").write_text(json.dumps(record) + "\n")
    made = FakeBucket(settings={"consent": None}, path=tmp_path / "bucket")
    app = TracetuiApp(made)  # type: ignore[arg-type]

    async def drive(pilot: Pilot[Any]) -> None:
        await Driver(app, pilot, made).settle()
        await pilot.press("j", "space")
        await Driver(app, pilot, made).settle()

    assert snap_compare(app, terminal_size=(100, 30), run_before=drive)
