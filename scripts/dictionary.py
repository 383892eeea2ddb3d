"""Makes the dictionary with which short frames of copies are packed: ``tracetui/bucket/frames.dict``.

    python scripts/dictionary.py [FILE]

A dictionary tells zstd beforehand what short logs have in common: the keys of their records and a few commonplaces. It
is part of the program and can never be emptied, so nothing of anybody's log may be in it: all that it is trained on is
made up here, from the word lists below and a fixed seed. The shapes of the records are those that each agent writes.
The same version of zstd makes the same bytes of it. Frames name the dictionary that they need by its number: a new one
gets another number and another file, and this one stays for the copies that were made with it.
"""

# ruff: noqa: C901, E501 - records as agents write them, each in one place

from __future__ import annotations

import json
import random
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import zstandard

TARGET = Path(__file__).resolve().parents[1] / "tracetui" / "bucket" / "frames.dict"
NUMBER = 0x74726101
SIZE = 32 * 1024
SEED = 20260501
SESSIONS = 400
"""Of each agent."""
# Tuned on the first 8 kB of every other log of the corpus: twice the size, or segments of 1024, are no better.
SEGMENT = 256
DMER = 8

_NAMES = "limit parser config server client cache store index table query view model route token queue worker".split()
_VERBS = "fix add check update remove rename explain test run build refactor handle parse load write read".split()
_ENDS = "py ts tsx js go rs md json toml yaml sh css".split()
_SAID = (
    *("I'll start by looking at the structure of the project.", "Let me read the file first.", "Now I understand."),
    *("Let me run the tests to see whether everything passes.", "All tests pass now.", "The tests fail because "),
    *("I need to update the imports as well.", "Here is a summary of the changes:", "Let me check the current state."),
    *("I found the problem: the function returns before the value is set.", "This looks good.", "Done."),
    *("Now let me create the file with the implementation.", "The error is that the module cannot be found."),
    *("Would you like me to continue with the next step?", "I've updated the code so that it handles this case."),
)
_ASKED = (
    *("please fix the failing test in ", "can you explain how this works?", "add a new option to the command line"),
    *("the build is broken, look at the output and fix it", "write a function that ", "refactor this so that "),
    *("make it faster", "continue", "yes, do it", "commit your changes and push", "why does this not work?"),
)
_THOUGHT = (
    *("The user wants me to ", "I should look at the existing code before I change anything. ", "Let me think about "),
    *("First I need to find where this is defined. ", "There may be other places that use this function. "),
    *("The simplest way is to add a parameter with a default value. ", "I will run the tests after the change. "),
)
_COMMANDS = (
    *("git status", "git diff --stat", "git log --oneline -10", "ls -la", "pytest -q", "npm test", "npm run build"),
    *('grep -rn "', "cat ", "sed -n '1,120p' ", "rg -n ", "python -m pytest tests/", "cargo test", "go test ./..."),
    *("git add -A && git commit -m ", "cd /home/dev/src/project && ", "find . -name ", "make", "head -50 "),
)
_OUTPUT = (
    "total 48\ndrwxr-xr-x  5 dev dev 4096 May  1 10:00 .\n-rw-r--r--  1 dev dev  812 May  1 10:00 README.md\n",
    "On branch main\nYour branch is up to date with 'origin/main'.\n\nnothing to commit, working tree clean\n",
    "============================= test session starts ==============================\ncollected 12 items\n\n",
    "1 failed, 11 passed in 0.52s\n",
    'Traceback (most recent call last):\n  File "',
    "\", line 12, in <module>\n    from app import main\nModuleNotFoundError: No module named 'app'\n",
    "added 120 packages, and audited 121 packages in 3s\n\nfound 0 vulnerabilities\n",
    "diff --git a/src/main.py b/src/main.py\nindex 1111111..2222222 100644\n--- a/src/main.py\n+++ b/src/main.py\n@@ -1,7 +1,8 @@\n",
    "bash: command not found\n",
    "The file has been updated successfully.",
    "No matches found",
    "(no output)",
)
_CODE = (
    "import os\nimport sys\nfrom pathlib import Path\n\n\ndef main() -> None:\n    ",
    "from __future__ import annotations\n\nimport json\nfrom typing import Any\n\n",
    'def {a}_{b}(self, {c}: str) -> bool:\n        """Return whether the {c} is valid."""\n        if not {c}:\n'
    "            return False\n        return self.{a}.get({c}) is not None\n\n",
    "export const {a} = async ({c}: string): Promise<void> => {{\n  const {b} = await fetch({c});\n  if (!{b}.ok) {{\n"
    "    throw new Error(`{a} failed`);\n  }}\n}};\n",
    "import React, {{ useState, useEffect }} from 'react';\n\nexport default function {a}() {{\n  return (\n    <div>\n",
    'func {a}(ctx context.Context, {b} string) error {{\n\tif err != nil {{\n\t\treturn fmt.Errorf("{a}: %w", err)\n\t}}\n'
    "\treturn nil\n}}\n",
    "class {a}:\n    def __init__(self, {b}: int = 0) -> None:\n        self.{b} = {b}\n\n",
    "    for {a} in self.{b}:\n        if {a}.{c} == {b}:\n            continue\n        try:\n            result = {c}({a})\n"
    '        except ValueError as error:\n            print(f"{{error}}")\n',
    "def test_{a}_{b}(tmp_path):\n    {c} = {a}({b})\n    assert {c} == 1\n\n",
    "## {a}\n\n- **{b}**: the {c} of the {a}\n- [ ] {b}\n\n```bash\nnpm install\nnpm run dev\n```\n\n",
)
_ALPHABET = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ123456789"


class World:
    """Values of one made-up session."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.clock = 1_770_000_000 + rng.randrange(9_000_000)
        self.cwd = rng.choice(["/home/dev/src/project", "/Users/dev/work/app", "/home/user/code/service", "/workspace"])
        self.session = self.uuid()
        self.branch = rng.choice(["main", "master", "feature/limit", "dev", "HEAD", ""])

    def uuid(self) -> str:
        return str(uuid.UUID(int=self.rng.getrandbits(128), version=4))

    def word(self, length: int) -> str:
        return "".join(self.rng.choices(_ALPHABET, k=length))

    def digits(self, length: int) -> str:
        return f"{self.rng.getrandbits(4 * length):0{length}x}"

    def time(self, *, long: bool = True) -> str:
        self.clock += self.rng.randrange(1, 40)
        days, rest = divmod(self.clock, 86400)
        hour, minute = divmod(rest // 60, 60)
        day = f"20{25 + days % 2}-{1 + days % 12:02d}-{1 + days % 28:02d}"
        return f"{day}T{hour:02d}:{minute:02d}:{rest % 60:02d}" + (f".{self.rng.randrange(1000):03d}Z" if long else "Z")

    def name(self) -> str:
        return self.rng.choice(_NAMES)

    def path(self) -> str:
        return f"{self.cwd}/{self.rng.choice(['src', 'tests', 'lib', 'docs', 'app'])}/{self.name()}.{self.rng.choice(_ENDS)}"

    def prose(self, of: tuple[str, ...], most: int = 3) -> str:
        return " ".join(
            f"{self.rng.choice(of)}{self.word(self.rng.randrange(2, 9))}" for _ in range(self.rng.randint(1, most))
        )

    def command(self) -> str:
        return self.rng.choice(_COMMANDS) + self.name()

    def code(self) -> str:
        return "".join(
            self.rng.choice(_CODE).format(a=self.name(), b=self.name(), c=self.name())
            for _ in range(self.rng.randint(1, 2))
        )

    def output(self) -> str:
        return self.rng.choice(_OUTPUT) + self.word(self.rng.randrange(8))

    def number(self, most: int) -> int:
        return self.rng.randrange(most)


def line(record: dict[str, Any], *, spaced: bool = False) -> bytes:
    """A record as it stands in a log."""
    separators = (", ", ": ") if spaced else (",", ":")
    return json.dumps(record, ensure_ascii=False, separators=separators).encode() + b"\n"


def claude(world: World) -> list[dict[str, Any]]:
    """A session of Claude Code."""
    rng = world.rng
    version = f"{rng.choice(['2.0', '2.1', '1.0'])}.{rng.randrange(130)}"
    model = rng.choice(
        ["claude-opus-4-6", "claude-sonnet-4-5-20250929", "claude-opus-4-5-20251101", "claude-haiku-4-5-20251001"]
    )
    slug = "-".join(rng.choices(_NAMES, k=3)) if rng.random() < 0.5 else None
    agent = world.digits(8) if rng.random() < 0.2 else None
    out: list[dict[str, Any]] = []
    parent: str | None = None

    def put(kind: str, *, last: bool = False, **fields: Any) -> str:
        nonlocal parent
        own = world.uuid()
        record = {
            "parentUuid": parent, "isSidechain": agent is not None, "userType": "external", "cwd": world.cwd,
            "sessionId": world.session, "version": version, "gitBranch": world.branch,
        }  # fmt: skip
        if agent:
            record["agentId"] = agent
        if slug:
            record["slug"] = slug
        if last:
            record |= {**fields, "type": kind, "uuid": own, "timestamp": world.time()}
        else:
            record |= {"type": kind, **fields, "uuid": own, "timestamp": world.time()}
        if kind == "user" and "toolUseResult" in record:
            for name in ("toolUseResult", "sourceToolAssistantUUID"):
                record[name] = record.pop(name)
        out.append(record)
        parent = own
        return own

    def says(block: dict[str, Any], stop: str | None) -> str:
        usage: dict[str, Any] = {
            "input_tokens": world.number(12), "cache_creation_input_tokens": world.number(9000),
            "cache_read_input_tokens": world.number(90000),
            "cache_creation": {"ephemeral_5m_input_tokens": world.number(9000), "ephemeral_1h_input_tokens": 0},
            "output_tokens": world.number(900), "service_tier": "standard",
        }  # fmt: skip
        if rng.random() < 0.5:
            usage["inference_geo"] = "not_available"
        message = {
            "model": model, "id": f"msg_01{world.word(22)}", "type": "message", "role": "assistant",
            "content": [block], "stop_reason": stop, "stop_sequence": None, "usage": usage,
        }  # fmt: skip
        return put("assistant", last=True, message=message, requestId=f"req_011{world.word(21)}")

    if rng.random() < 0.4:
        out.append({"type": "summary", "summary": world.prose(_SAID, 1), "leafUuid": world.uuid()})
    if rng.random() < 0.5:
        own = world.uuid()
        snapshot = {"messageId": own, "trackedFileBackups": {}, "timestamp": world.time()}
        out.append({"type": "file-history-snapshot", "messageId": own, "snapshot": snapshot, "isSnapshotUpdate": False})
    if rng.random() < 0.3:
        stamp = {"operation": rng.choice(["enqueue", "dequeue"]), "timestamp": world.time(), "sessionId": world.session}
        out.append({"type": "queue-operation", **stamp})
    put("user", message={"role": "user", "content": world.prose(_ASKED)})
    for _ in range(rng.randint(1, 6)):
        if rng.random() < 0.4:
            says({"type": "thinking", "thinking": world.prose(_THOUGHT), "signature": world.word(120)}, None)
        if rng.random() < 0.5:
            says({"type": "text", "text": world.prose(_SAID)}, None)
        kind = rng.choice(["Bash", "Bash", "Read", "Read", "Edit", "Write", "Grep", "Glob", "TodoWrite"])
        path, code = world.path(), world.code()
        given: dict[str, Any]
        result: Any
        if kind == "Bash":
            text = world.output()
            given = {"command": world.command(), "description": "Run the tests of the project"}
            result = {"stdout": text, "stderr": "", "interrupted": False, "isImage": False}
            if rng.random() < 0.5:
                result["noOutputExpected"] = False
        elif kind == "Read":
            count = code.count("\n") + 1
            given = {"file_path": path}
            text = "\n".join(f"{nth:6}→{row}" for nth, row in enumerate(code.split("\n"), 1))
            result = {
                "type": "text",
                "file": {"filePath": path, "content": code, "numLines": count, "startLine": 1, "totalLines": count},
            }
        elif kind == "Edit":
            given = {"replace_all": False, "file_path": path, "old_string": world.name(), "new_string": world.code()}
            text = f"The file {path} has been updated successfully."
            patch = {"oldStart": 1, "oldLines": 6, "newStart": 1, "newLines": 7, "lines": [f" {code[:40]}", "-", "+"]}
            result = {
                "filePath": path, "oldString": given["old_string"], "newString": given["new_string"],
                "originalFile": code, "structuredPatch": [patch], "userModified": False, "replaceAll": False,
            }  # fmt: skip
        elif kind == "Write":
            given = {"file_path": path, "content": code}
            text = f"File created successfully at: {path}"
            result = {"type": "create", "filePath": path, "content": code, "structuredPatch": [], "originalFile": None}
        elif kind == "TodoWrite":
            todos = [
                {"content": world.prose(_ASKED, 1), "status": state, "activeForm": world.name()}
                for state in ("completed", "in_progress", "pending")
            ]
            given = {"todos": todos}
            text = (
                "Todos have been modified successfully. Ensure that you continue to use the todo list to track your "
                "progress. Please proceed with the current tasks if applicable"
            )
            result = {"oldTodos": [], "newTodos": todos}
        else:
            given = {"pattern": world.name(), "path": world.cwd, "output_mode": "content"}
            text = world.output()
            result = {
                "mode": "content",
                "filenames": [path],
                "numFiles": 1,
                "numLines": 4,
                "durationMs": 30,
                "truncated": False,
            }
        call = f"toolu_01{world.word(22)}"
        caller = says({"type": "tool_use", "id": call, "name": kind, "input": given}, "tool_use")
        if rng.random() < 0.2:
            data = {
                "type": "hook_progress",
                "hookEvent": "PostToolUse",
                "hookName": f"PostToolUse:{kind}",
                "command": "callback",
            }
            put("progress", data=data, parentToolUseID=call, toolUseID=call)
        block: dict[str, Any] = {"tool_use_id": call, "type": "tool_result", "content": text}
        if kind == "Bash":
            block["is_error"] = rng.random() < 0.1
        put("user", message={"role": "user", "content": [block]}, toolUseResult=result, sourceToolAssistantUUID=caller)
    says({"type": "text", "text": world.prose(_SAID)}, "end_turn")
    if rng.random() < 0.3:
        facts = {"subtype": "turn_duration", "durationMs": world.number(90000), "isMeta": False}
        put("system", **facts)
    return out


def codex(world: World) -> list[dict[str, Any]]:
    """A session of Codex."""
    rng = world.rng
    out: list[dict[str, Any]] = []
    model = rng.choice(["gpt-5.2-codex", "gpt-5.1-codex-max", "gpt-5-codex", "gpt-5.4"])

    def put(kind: str, payload: dict[str, Any]) -> None:
        out.append({"timestamp": world.time(), "type": kind, "payload": payload})

    meta: dict[str, Any] = {
        "id": world.session, "timestamp": world.time(), "cwd": world.cwd, "originator": rng.choice(["codex_cli_rs", "codex_exec"]),
        "cli_version": f"0.{rng.randrange(40, 120)}.0", "instructions": None, "source": rng.choice(["cli", "exec", "vscode"]),
        "model_provider": "openai",
        "git": {"commit_hash": world.digits(40), "branch": "main", "repository_url": f"https://github.com/dev/{world.name()}.git"},
    }  # fmt: skip
    put("session_meta", meta)
    around = (
        f"<environment_context>\n  <cwd>{world.cwd}</cwd>\n  <approval_policy>on-request</approval_policy>\n"
        "  <sandbox_mode>workspace-write</sandbox_mode>\n  <network_access>restricted</network_access>\n"
        "  <shell>bash</shell>\n</environment_context>"
    )
    put("response_item", {"type": "message", "role": "user", "content": [{"type": "input_text", "text": around}]})
    total = [0, 0, 0, 0]
    for _ in range(rng.randint(1, 3)):
        asked = world.prose(_ASKED)
        put("response_item", {"type": "message", "role": "user", "content": [{"type": "input_text", "text": asked}]})
        put(
            "event_msg",
            {"type": "user_message", "message": asked, "images": [], "local_images": [], "text_elements": []},
        )
        policy: dict[str, Any] = {
            "type": "workspace-write",
            "network_access": False,
            "exclude_tmpdir_env_var": False,
            "exclude_slash_tmp": False,
        }
        if rng.random() < 0.4:
            policy = {"mode": rng.choice(["read-only", "workspace-write", "danger-full-access"])}
        turn = {
            "cwd": world.cwd, "approval_policy": rng.choice(["on-request", "never"]), "sandbox_policy": policy,
            "model": model, "effort": rng.choice(["high", "medium"]), "summary": "auto",
        }  # fmt: skip
        put("turn_context", turn)
        for _ in range(rng.randint(0, 4)):
            if rng.random() < 0.6:
                text = f"**{world.prose(_THOUGHT, 1)}**"
                put("event_msg", {"type": "agent_reasoning", "text": text})
                summary = [{"type": "summary_text", "text": text}]
                put(
                    "response_item",
                    {
                        "type": "reasoning",
                        "summary": summary,
                        "content": None,
                        "encrypted_content": f"gAAAAAB{world.word(200)}",
                    },
                )
            call = f"call_{world.word(24)}"
            output = world.output()
            which = rng.choice(["exec_command", "shell", "shell_command", "apply_patch", "update_plan"])
            if which == "apply_patch":
                patch = f"*** Begin Patch\n*** Update File: {world.path()}\n@@\n-{world.name()}\n+{world.code()}*** End Patch\n"
                put(
                    "response_item",
                    {"type": "custom_tool_call", "status": "completed", "call_id": call, "name": which, "input": patch},
                )
                told = json.dumps(
                    {
                        "output": "Success. Updated the following files:\nM src/main.py\n",
                        "metadata": {"exit_code": 0, "duration_seconds": 0.1},
                    }
                )
                put("response_item", {"type": "custom_tool_call_output", "call_id": call, "output": told})
                continue
            if which == "exec_command":
                given: dict[str, Any] = {
                    "cmd": world.command(),
                    "workdir": world.cwd,
                    "yield_time_ms": 1000,
                    "max_output_tokens": 6000,
                }
                output = f"Chunk ID: {world.digits(6)}\nWall time: 0.0{rng.randrange(999)} seconds\nProcess exited with code 0\nOriginal token count: {rng.randrange(999)}\nOutput:\n{output}"
            elif which == "shell":
                given = {"command": ["bash", "-lc", world.command()], "workdir": world.cwd, "timeout_ms": 10000}
                output = json.dumps({"output": output, "metadata": {"exit_code": 0, "duration_seconds": 0.1}})
            elif which == "update_plan":
                given = {
                    "plan": [
                        {"step": world.prose(_ASKED, 1), "status": state}
                        for state in ("completed", "in_progress", "pending")
                    ]
                }
                output = "Plan updated"
            else:
                given = {"command": world.command(), "workdir": world.cwd}
                output = f"Exit code: 0\nWall time: 0.{rng.randrange(9)} seconds\nOutput:\n{output}"
            arguments = json.dumps(given, separators=(",", ":"))
            put("response_item", {"type": "function_call", "name": which, "arguments": arguments, "call_id": call})
            put("response_item", {"type": "function_call_output", "call_id": call, "output": output})
        said = world.prose(_SAID)
        put("event_msg", {"type": "agent_message", "message": said})
        put(
            "response_item",
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": said}]},
        )
        last = [world.number(20000), world.number(9000), world.number(900), world.number(400)]
        total = [a + b for a, b in zip(total, last, strict=True)]

        def used(of: list[int]) -> dict[str, int]:
            return {
                "input_tokens": of[0], "cached_input_tokens": of[1], "output_tokens": of[2],
                "reasoning_output_tokens": of[3], "total_tokens": of[0] + of[2],
            }  # fmt: skip

        info = {"total_token_usage": used(total), "last_token_usage": used(last), "model_context_window": 258400}
        limits: dict[str, Any] = {
            "primary": {"used_percent": 12.0, "window_minutes": 300, "resets_at": world.clock},
            "secondary": {"used_percent": 4.0, "window_minutes": 10080, "resets_at": world.clock},
            "credits": {"has_credits": False, "unlimited": False, "balance": None}, "plan_type": None,
        }  # fmt: skip
        put("event_msg", {"type": "token_count", "info": info, "rate_limits": limits})
    return out


def pi(world: World) -> list[dict[str, Any]]:
    """A session of Pi."""
    rng = world.rng
    out: list[dict[str, Any]] = [
        {"type": "session", "version": 3, "id": world.session, "timestamp": world.time(), "cwd": world.cwd}
    ]
    provider, model, api = rng.choice(
        [
            ("anthropic", "claude-sonnet-4-5", "anthropic-messages"),
            ("openai", "gpt-5.2", "openai-responses"),
            ("openrouter", "open/model", "openai-completions"),
        ]
    )
    parent: str | None = None

    def put(kind: str, **fields: Any) -> None:
        nonlocal parent
        own = world.digits(8)
        out.append({"type": kind, "id": own, "parentId": parent, "timestamp": world.time(), **fields})
        parent = own

    def says(block: dict[str, Any], stop: str) -> None:
        cost = {
            "input": 0.001,
            "output": 0.002,
            "cacheRead": 0.0003,
            "cacheWrite": 0,
            "total": round(rng.random() / 50, 6),
        }
        usage = {
            "input": world.number(9000), "output": world.number(900), "cacheRead": world.number(9000), "cacheWrite": 0,
            "totalTokens": world.number(20000), "cost": cost,
        }  # fmt: skip
        message = {
            "role": "assistant", "content": [block], "api": api, "provider": provider, "model": model, "usage": usage,
            "stopReason": stop, "timestamp": world.clock * 1000 + world.number(1000),
        }  # fmt: skip
        if rng.random() < 0.3:
            message["responseId"] = world.uuid()
        put("message", message=message)

    put("model_change", provider=provider, modelId=model)
    put("thinking_level_change", thinkingLevel=rng.choice(["off", "high", "medium"]))
    for _ in range(rng.randint(1, 2)):
        content = [{"type": "text", "text": world.prose(_ASKED)}]
        put("message", message={"role": "user", "content": content, "timestamp": world.clock * 1000})
        for _ in range(rng.randint(0, 4)):
            if rng.random() < 0.5:
                says(
                    {"type": "thinking", "thinking": world.prose(_THOUGHT), "thinkingSignature": "reasoning_content"},
                    "toolUse",
                )
            tool = rng.choice(["bash", "read", "edit", "write"])
            given = {
                "bash": {"command": world.command()}, "read": {"path": world.path()},
                "edit": {"path": world.path(), "oldText": world.name(), "newText": world.code()},
                "write": {"path": world.path(), "content": world.code()},
            }[tool]  # fmt: skip
            call = f"toolu_01{world.word(22)}"
            says({"type": "toolCall", "id": call, "name": tool, "arguments": given}, "toolUse")
            result: dict[str, Any] = {
                "role": "toolResult", "toolCallId": call, "toolName": tool,
                "content": [{"type": "text", "text": world.output() if tool == "bash" else world.code()}],
            }  # fmt: skip
            if rng.random() < 0.3:
                result["details"] = {}
            result |= {"isError": rng.random() < 0.1, "timestamp": world.clock * 1000 + world.number(1000)}
            put("message", message=result)
        says({"type": "text", "text": world.prose(_SAID)}, "stop")
    return out


def gemini(world: World) -> list[dict[str, Any]]:
    """A session of Gemini CLI or Qwen Code, a record a line."""
    rng = world.rng
    out: list[dict[str, Any]] = []
    head = {
        "sessionId": world.session,
        "projectHash": world.digits(64),
        "startTime": world.time(),
        "lastUpdated": world.time(),
    }
    out.append({**head, "kind": "main"})
    for _ in range(rng.randint(1, 3)):
        out.append(
            {"id": world.uuid(), "timestamp": world.time(), "type": "user", "content": [{"text": world.prose(_ASKED)}]}
        )
        tokens = {
            "input": world.number(9000),
            "output": world.number(900),
            "cached": 0,
            "thoughts": world.number(300),
            "tool": 0,
            "total": 9000,
        }
        thoughts = [{"subject": world.prose(_SAID, 1), "description": world.prose(_THOUGHT), "timestamp": world.time()}]
        call = {
            "id": f"run_shell_command-{world.clock}000-{world.digits(13)}", "name": "run_shell_command",
            "args": {"command": world.command(), "description": world.prose(_SAID, 1)},
            "result": [{"functionResponse": {"id": "x", "name": "run_shell_command", "response": {"output": world.output()}}}],
            "status": "success", "timestamp": world.time(), "resultDisplay": world.output(),
        }  # fmt: skip
        out.append(
            {
                "id": world.uuid(),
                "timestamp": world.time(),
                "type": "gemini",
                "content": world.prose(_SAID),
                "thoughts": thoughts,
                "tokens": tokens,
                "model": "gemini-2.5-pro",
                "toolCalls": [call],
            }
        )
    return out


AGENTS: tuple[tuple[Callable[[World], list[dict[str, Any]]], bool], ...] = (
    (claude, False), (codex, False), (pi, False), (gemini, False), (claude, True)
)  # fmt: skip
"""Whose sessions, and whether as a writer in Python spaces them."""


def samples(seed: int, count: int) -> list[bytes]:
    """The made-up sessions."""
    rng = random.Random(seed)
    out = []
    for nth in range(count):
        for make, spaced in AGENTS:
            if spaced and nth % 6:
                continue
            out.append(b"".join(line(record, spaced=spaced) for record in make(World(rng))))
    return out


def dictionary() -> bytes:
    """The dictionary's bytes."""
    trained = zstandard.train_dictionary(
        SIZE, samples(SEED, SESSIONS), k=SEGMENT, d=DMER, dict_id=NUMBER, level=3, threads=0
    )
    return trained.as_bytes()


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET
    made = dictionary()
    target.write_bytes(made)
    print(f"{target}: {len(made):,} bytes")
