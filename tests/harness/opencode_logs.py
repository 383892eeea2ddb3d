"""Made-up sessions of OpenCode: as records, as a database, as an exported document, as the older tree."""

from __future__ import annotations

import copy
import json
import sqlite3
from pathlib import Path
from typing import Any

SESSION = "ses_1f00aa11bb22CcDdEeFfGgHhIi"
START = 1_790_000_000_000
_TABLES = """
CREATE TABLE session(id TEXT PRIMARY KEY, project_id TEXT NOT NULL, parent_id TEXT, slug TEXT NOT NULL,
  directory TEXT NOT NULL, title TEXT NOT NULL, version TEXT NOT NULL, summary_diffs TEXT, cost REAL, permission TEXT,
  time_created INTEGER NOT NULL, time_updated INTEGER NOT NULL);
CREATE TABLE message(id TEXT PRIMARY KEY, session_id TEXT NOT NULL, time_created INTEGER NOT NULL,
  time_updated INTEGER NOT NULL, data TEXT NOT NULL);
CREATE TABLE part(id TEXT PRIMARY KEY, message_id TEXT NOT NULL, session_id TEXT NOT NULL,
  time_created INTEGER NOT NULL, time_updated INTEGER NOT NULL, data TEXT NOT NULL);
CREATE TABLE account(id TEXT PRIMARY KEY, access_token TEXT NOT NULL);
"""


class Session:
    """A session that grows; ids ascend as OpenCode's do."""

    def __init__(self, session: str = SESSION, folder: str = "/home/ana/tally", parent: str | None = None) -> None:
        self.session = session
        self.now = START
        self.info: dict[str, Any] = {
            "id": session,
            "slug": "calm-otter",
            "projectID": "9f3c",
            "directory": folder,
            "title": "New session - 2026-09-21T10:13:20.000Z",
            "version": "1.18.3",
            "time": {"created": START, "updated": START},
        }
        if parent is not None:
            self.info["parentID"] = parent
        self.messages: list[dict[str, Any]] = []
        self._count = 0

    def _id(self, kind: str) -> str:
        self._count += 1
        self.now += 1000
        return f"{kind}_{self._count:06d}{self.session[-6:]}"

    def user(self, *parts: dict[str, Any]) -> str:
        own = self._id("msg")
        info = {"id": own, "sessionID": self.session, "role": "user", "time": {"created": self.now}, "agent": "build"}
        self.messages.append({"info": info, "parts": []})
        for part in parts:
            self.part(part)
        return own

    def ask(self, text: str) -> str:
        return self.user({"type": "text", "text": text})

    def assistant(self, *parts: dict[str, Any], **more: Any) -> str:
        own = self._id("msg")
        tokens = {"input": 900, "output": 40, "reasoning": 5, "cache": {"read": 100, "write": 0}}
        self.messages.append(
            {
                "info": {
                    "id": own,
                    "sessionID": self.session,
                    "role": "assistant",
                    "parentID": next(
                        (m["info"]["id"] for m in reversed(self.messages) if m["info"]["role"] == "user"), ""
                    ),
                    "modelID": "lotus-2",
                    "providerID": "example",
                    "mode": "build",
                    "agent": "build",
                    "path": {"cwd": self.info["directory"], "root": self.info["directory"]},
                    "cost": 0.25,
                    "tokens": tokens,
                    "time": {"created": self.now, "completed": self.now + 900},
                    "finish": "stop",
                    **more,
                },
                "parts": [],
            }
        )
        for part in ({"type": "step-start", "snapshot": "4b825dc6"}, *parts):
            self.part(part)
        self.part({"type": "step-finish", "reason": "stop", "snapshot": "4b825dc6", "cost": 0.25, "tokens": tokens})
        return own

    def part(self, part: dict[str, Any]) -> dict[str, Any]:
        message = self.messages[-1]
        made = {"id": self._id("prt"), "sessionID": self.session, "messageID": message["info"]["id"], **part}
        message["parts"].append(made)
        return made

    # forms

    def records(self) -> list[dict[str, Any]]:
        out: list[dict[str, Any]] = [{"type": "session.updated", "properties": {"info": self.info}}]
        for message in self.messages:
            out.append({"type": "message.updated", "properties": {"info": message["info"]}})
            out += [{"type": "message.part.updated", "properties": {"part": part}} for part in message["parts"]]
        return copy.deepcopy(out)

    def export(self, path: Path, indent: int | None = 2) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"info": self.info, "messages": self.messages}, indent=indent))
        return path

    def tree(self, storage: Path) -> Path:
        def put(path: Path, value: Any) -> Path:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(value))
            return path

        for message in self.messages:
            own = message["info"]["id"]
            put(storage / "message" / self.session / f"{own}.json", message["info"])
            for part in message["parts"]:
                put(storage / "part" / own / f"{part['id']}.json", part)
        return put(storage / "session" / "9f3c" / f"{self.session}.json", self.info)

    def put(self, db: sqlite3.Connection) -> None:
        """Write the session as it stands now."""
        info, time = self.info, self.info["time"]
        db.execute(
            "INSERT OR REPLACE INTO session VALUES(?,?,?,?,?,?,?,NULL,0,NULL,?,?)",
            (self.session, "9f3c", info.get("parentID"), info["slug"], info["directory"], info["title"],
             info["version"], time["created"], self.now),
        )  # fmt: skip
        for message in self.messages:
            about = message["info"]
            data = {name: item for name, item in about.items() if name not in ("id", "sessionID")}
            made = about["time"]["created"]
            db.execute("INSERT OR REPLACE INTO message VALUES(?,?,?,?,?)",
                       (about["id"], self.session, made, self.now, json.dumps(data)))  # fmt: skip
            for part in message["parts"]:
                data = {name: item for name, item in part.items() if name not in ("id", "sessionID", "messageID")}
                db.execute("INSERT OR REPLACE INTO part VALUES(?,?,?,?,?,?)",
                           (part["id"], about["id"], self.session, made, self.now, json.dumps(data)))  # fmt: skip


def database(path: Path, *sessions: Session, wal: bool = False) -> sqlite3.Connection:
    """A database with these sessions, open; with ``wal`` its log is not written back."""
    path.parent.mkdir(parents=True, exist_ok=True)
    db = sqlite3.connect(path, isolation_level=None)
    if wal:
        db.execute("PRAGMA journal_mode=WAL")
    db.executescript(_TABLES)
    for session in sessions:
        session.put(db)
    return db


def tool(name: str, given: Any, output: str | None, call: str, **more: Any) -> dict[str, Any]:
    state: dict[str, Any] = {
        "status": "completed",
        "input": given,
        "output": output,
        "title": name,
        "metadata": more.pop("metadata", {}),
        "time": {"start": START + 5000, "end": START + 5250},
    }
    if output is None:
        state = {"status": more.pop("status", "running"), "input": given, "time": {"start": START + 5000}}
    return {"type": "tool", "tool": name, "callID": call, "state": {**state, **more}}


def story(session: str = SESSION) -> Session:
    """A prompt, a failing test, an edit, the test again, a second prompt."""
    made = Session(session)
    made.ask("The tally is off by one. Find out why.")
    made.assistant(
        {"type": "reasoning", "text": "Run the tests first.", "time": {"start": START + 4000, "end": START + 4100}},
        {"type": "text", "text": "I run the tests."},
        tool("bash", {"command": "pytest -q"}, "1 failed\n", "call_1", metadata={"output": "1 failed\n", "exit": 1}),
        finish="tool-calls",
    )
    given = {"filePath": "/home/ana/tally/tally.py", "oldString": "    return n", "newString": "    return n + 1"}
    diff = "@@ -1,2 +1,2 @@\n def tally(n):\n-    return n\n+    return n + 1\n"
    made.assistant(
        tool("edit", given, "Edit applied successfully.", "call_2",
             metadata={"diff": diff, "filediff": {"patch": diff}}),
        tool("write", {"filePath": "/home/ana/tally/NOTES.md", "content": "# Notes\n"}, "Wrote file.", "call_3",
             metadata={"exists": False}),
        tool("read", {"filePath": "/nowhere"}, None, "call_4", status="error", error="File not found"),
        finish="tool-calls",
    )  # fmt: skip
    made.assistant({"type": "text", "text": "It counts from one now."})
    made.ask("Thanks. Anything else?")
    made.assistant({"type": "text", "text": "No."})
    return made
