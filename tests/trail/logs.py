"""A scene's edits as the Claude Code log that would tell of them."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

from .histories import Scene


def claude_log(scene: Scene, session: str, prompt: str = "add a helper", cwd: str | None = None) -> str:
    """The log of one session: a prompt, and each edit as a call with its result."""
    cwd = cwd or str(scene.root)
    own = [edit for edit in scene.edits if edit.session == session]
    lines: list[dict[str, object]] = []
    parent: str | None = None

    def put(kind: str, ms: int, message: dict[str, object], **more: object) -> None:
        nonlocal parent
        ident = f"00000000-0000-4000-8000-{len(lines):012d}"
        stamp = dt.datetime.fromtimestamp(ms / 1000, dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        lines.append(
            {
                "parentUuid": parent,
                "isSidechain": False,
                "userType": "external",
                "cwd": cwd,
                "sessionId": session,
                "version": "2.1.20",
                "type": kind,
                "message": message,
                "uuid": ident,
                "timestamp": stamp,
                **more,
            }
        )
        parent = ident

    put("user", (own[0].time or 0) - 1000, {"role": "user", "content": prompt})
    for edit in own:
        change, ms = edit.change, edit.time or 0
        given: dict[str, object] = {"file_path": change.path}
        result: dict[str, object] = {"filePath": change.path, "structuredPatch": []}
        if change.pieces:
            given |= {
                "old_string": change.pieces[0][0],
                "new_string": change.pieces[0][1],
                "replace_all": change.replace_all,
            }
            result |= {
                "oldString": change.pieces[0][0],
                "newString": change.pieces[0][1],
                "originalFile": change.before,
                "replaceAll": change.replace_all,
                "userModified": False,
            }
            tool = "Edit"
        else:
            given["content"] = change.after
            kind = "create" if change.op == "add" else "update"
            result |= {
                "type": kind,
                "content": change.after,
                "originalFile": change.before if kind == "update" else None,
            }
            tool = "Write"
        call = {"type": "tool_use", "id": f"toolu_{edit.step:04d}", "name": tool, "input": given}
        put("assistant", ms, {"role": "assistant", "id": f"msg_{edit.step}", "model": "claude-x", "content": [call]})
        answer = {
            "type": "tool_result",
            "tool_use_id": f"toolu_{edit.step:04d}",
            "content": "The file has been updated.",
        }
        put("user", ms + 5, {"role": "user", "content": [answer]}, toolUseResult=result)
    return "".join(json.dumps(line) + "\n" for line in lines)


def save(home: Path, text: str, session: str, folder: str = "-src-x") -> Path:
    """Put a log where Claude Code keeps it."""
    place = home / ".claude" / "projects" / folder
    place.mkdir(parents=True, exist_ok=True)
    path = place / f"{session}.jsonl"
    path.write_text(text)
    return path
