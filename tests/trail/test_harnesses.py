# ruff: noqa: E501
"""The trail of Codex and Pi sessions, whose logs hold pieces only."""

from __future__ import annotations

import datetime as dt
import json
import os
from pathlib import Path
from typing import Any

import pytest

from tracetui.__main__ import main

from .histories import BASE, Scene

CODEX = "019c3f2a-1111-7000-8000-000000000004"
PI = "7bd0c1de-0000-4000-8000-000000000007"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in list(os.environ):
        if name.startswith(("CLAUDE_", "CODEX_", "PI_CODING", "TRACETUI_", "XDG_")):
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("TRACETUI_CONFIG", str(home / "config.toml"))
    monkeypatch.setenv("TRACETUI_BUCKET", str(home / "bucket"))
    return home


def stamp(seconds: int) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def trail(capsys: pytest.CaptureFixture[str], log: Path, session: str) -> list[dict[str, Any]]:
    capsys.readouterr()
    assert main(["index", str(log), "--keep", "--json"]) == 0
    capsys.readouterr()
    assert main(["trail", session, "--json"]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize("events", [True, False])
def test_codex(scene: Scene, home: Path, capsys: pytest.CaptureFixture[str], events: bool) -> None:
    patch = (
        "*** Begin Patch\n*** Update File: app.py\n@@ def second(values):\n     total = 0\n     for value in values:\n"
        "-        total += value * 2\n+        total += scale_by_two(value)\n     return total\n"
        "*** Add File: src/fresh.py\n+fresh_value = compute_it()\n+more_value = compute_more()\n*** End Patch"
    )
    diff = (
        "@@ -12,4 +12,4 @@\n     total = 0\n     for value in values:\n-        total += value * 2\n"
        "+        total += scale_by_two(value)\n     return total\n"
    )
    changes = {
        str(scene.root / "app.py"): {"type": "update", "unified_diff": diff, "move_path": None},
        str(scene.root / "src/fresh.py"): {
            "type": "add",
            "content": "fresh_value = compute_it()\nmore_value = compute_more()\n",
        },
    }
    scene.tick(10)
    items: list[tuple[str, dict[str, Any]]] = [
        ("session_meta", {"id": CODEX, "timestamp": stamp(scene.now), "cwd": str(scene.root), "cli_version": "0.101.0"}),
        ("turn_context", {"cwd": str(scene.root), "model": "gpt-5-codex"}),
        ("response_item", {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "scale"}]}),
        ("event_msg", {"type": "user_message", "message": "scale"}),
        ("response_item", {"type": "custom_tool_call", "status": "completed", "call_id": "call_1", "name": "apply_patch", "input": patch}),
    ]  # fmt: skip
    if events:
        items.append(
            (
                "event_msg",
                {
                    "type": "patch_apply_end",
                    "call_id": "call_1",
                    "stdout": "ok",
                    "stderr": "",
                    "success": True,
                    "changes": changes,
                },
            )
        )
    output = {
        "output": "Success. Updated the following files:\nM app.py\nA src/fresh.py\n",
        "metadata": {"exit_code": 0},
    }
    items.append(
        ("response_item", {"type": "custom_tool_call_output", "call_id": "call_1", "output": json.dumps(output)})
    )
    log = home / f"rollout-2026-03-09T08-00-00-{CODEX}.jsonl"
    log.write_text(
        "".join(
            json.dumps({"timestamp": stamp(scene.now), "type": kind, "payload": payload}) + "\n"
            for kind, payload in items
        )
    )
    scene.put("app.py", BASE.replace("total += value * 2", "total += scale_by_two(value)"))
    scene.put("src/fresh.py", "fresh_value = compute_it()\nmore_value = compute_more()\n")
    sha = scene.commit("scale")
    rows = trail(capsys, log, CODEX)
    assert [
        (r["path"], r["added"], r["removed"], r["state"], r["reason"], r["landing"], r["call_id"]) for r in rows
    ] == [
        ("app.py", 1, 1, "alive", "exact", sha, "call_1"),
        ("src/fresh.py", 2, 0, "alive", "exact", sha, "call_1"),
    ]


def test_pi(scene: Scene, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scene.tick(10)
    calls = [
        ("edit", {"path": "app.py", "edits": [{"oldText": "value * 2", "newText": "scale_by_two(value)"}]}),
        ("write", {"path": "src/fresh.py", "content": "fresh_value = compute_it()\nmore_value = compute_more()\n"}),
        ("write", {"path": "app.py", "content": BASE.replace("value * 2", "scale_by_two(value)").replace("len(name)", "length_of(name)")}),
    ]  # fmt: skip
    lines: list[dict[str, Any]] = [
        {"type": "session", "version": 3, "id": PI, "timestamp": stamp(scene.now), "cwd": str(scene.root)},
        {
            "type": "message",
            "id": "a0",
            "parentId": None,
            "timestamp": stamp(scene.now),
            "message": {"role": "user", "content": [{"type": "text", "text": "scale"}], "timestamp": scene.now * 1000},
        },
    ]
    for n, (name, given) in enumerate(calls):
        scene.tick(5)
        call = {"type": "toolCall", "id": f"call_{n}", "name": name, "arguments": given}
        for ident, parent, message in (
            (
                f"b{n}",
                f"c{n - 1}" if n else "a0",
                {"role": "assistant", "content": [call], "model": "m", "provider": "p"},
            ),
            (
                f"c{n}",
                f"b{n}",
                {
                    "role": "toolResult",
                    "toolCallId": f"call_{n}",
                    "toolName": name,
                    "content": [{"type": "text", "text": "done"}],
                    "isError": False,
                },
            ),
        ):
            lines.append(
                {
                    "type": "message",
                    "id": ident,
                    "parentId": parent,
                    "timestamp": stamp(scene.now),
                    "message": {**message, "timestamp": scene.now * 1000},
                }
            )
    log = home / f"2026-03-09T08-00-00-000Z_{PI}.jsonl"
    log.write_text("".join(json.dumps(line) + "\n" for line in lines))
    scene.put("app.py", str(calls[2][1]["content"]))
    scene.put("src/fresh.py", str(calls[1][1]["content"]))
    sha = scene.commit("scale")
    rows = trail(capsys, log, PI)
    assert [
        (r["path"], r["added"], r["removed"], r["state"], r["reason"], r["landing"], r["call_id"]) for r in rows
    ] == [
        ("app.py", 1, 1, "alive", "exact", sha, "call_0"),
        ("src/fresh.py", 2, 0, "alive", "exact", sha, "call_1"),
        ("app.py", 1, 1, "alive", "exact", sha, "call_2"),
    ]
