"""A made-up machine: a repository with a bug, a Claude Code session that showed it, and what became of it."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SESSION = "5e550000-1111-4222-8333-abcdefabcdef"
BASE = 1_770_000_000
CODE = '"""Chop."""\n\n\ndef chop(text, size):\n    return text[: size - 1]\n'
MENDED = CODE.replace("size - 1", "size")
TEST = """import unittest

from chop import chop


class ChopTest(unittest.TestCase):
    def test_empty(self):
        self.assertEqual(chop("", 3), "")


if __name__ == "__main__":
    unittest.main()
"""
MORE = """
    def test_whole(self):
        self.assertEqual(chop("abcdef", 3), "abc")
"""
TEST_2 = TEST.replace('chop("", 3), "")\n', 'chop("", 3), "")\n' + MORE)
COMMAND = "python3 -m unittest discover -s tests"


def failure(root: str) -> str:
    """What the tests print on the broken tree."""
    return f"""F.
======================================================================
FAIL: test_whole (test_chop.ChopTest.test_whole)
----------------------------------------------------------------------
Traceback (most recent call last):
  File "{root}/tests/test_chop.py", line 12, in test_whole
    self.assertEqual(chop("abcdef", 3), "abc")
AssertionError: 'ab' != 'abc'
- ab
+ abc
?   +


----------------------------------------------------------------------
Ran 2 tests in 0.002s

FAILED (failures=1)
"""


def git(folder: Path, *words: str, at: int = BASE) -> str:
    """Run git in a folder, as nobody in particular, at a time (seconds)."""
    env = {
        **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "Ann",
        "GIT_AUTHOR_EMAIL": "ann@example.org",
        "GIT_COMMITTER_NAME": "Ann",
        "GIT_COMMITTER_EMAIL": "ann@example.org",
        "GIT_AUTHOR_DATE": f"{at} +0000",
        "GIT_COMMITTER_DATE": f"{at} +0000",
    }
    done = subprocess.run(["git", *words], cwd=folder, env=env, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@dataclass
class Log:
    """A Claude Code log, record by record; every record a second later."""

    cwd: str
    session: str = SESSION
    at: int = BASE + 1000
    records: list[dict[str, Any]] = field(default_factory=list)
    parent: str | None = None

    def put(self, kind: str, **fields: Any) -> None:
        self.at += 1
        me = f"00000000-0000-4000-8000-{len(self.records):012d}"
        stamp = f"2026-02-02T{(self.at // 3600) % 24:02d}:{(self.at // 60) % 60:02d}:{self.at % 60:02d}.000Z"
        self.records.append(
            {
                "parentUuid": self.parent, "isSidechain": False, "userType": "external", "cwd": self.cwd,
                "sessionId": self.session, "version": "2.1.30", "gitBranch": "main", "type": kind, **fields,
                "uuid": me, "timestamp": stamp,
            }
        )  # fmt: skip
        self.parent = me

    def prompt(self, text: str) -> None:
        self.put("user", message={"role": "user", "content": text})

    def says(self, *blocks: dict[str, Any]) -> None:
        for block in blocks:
            body = {
                "id": f"msg_{len(self.records):06d}", "type": "message", "role": "assistant",
                "model": "claude-opus-4-6", "content": [block], "stop_reason": None,
                "usage": {"input_tokens": 5, "output_tokens": 9, "cache_read_input_tokens": 900},
            }  # fmt: skip
            self.put("assistant", message=body, requestId=f"req_{len(self.records):06d}")

    def message(self, text: str) -> None:
        self.says({"type": "text", "text": text})

    def tool(self, name: str, given: dict[str, Any], output: str, structured: Any, *, error: bool = False) -> None:
        call = f"toolu_{len(self.records):08d}"
        self.says({"type": "tool_use", "id": call, "name": name, "input": given})
        result = {"tool_use_id": call, "type": "tool_result", "content": output, "is_error": error}
        self.put("user", message={"role": "user", "content": [result]}, toolUseResult=structured)

    def command(self, command: str, output: str, code: int = 0) -> None:
        text = output if code == 0 else f"Exit code {code}\n{output}"
        structured: Any = {"stdout": output, "stderr": ""} if code == 0 else f"Error: {text}"
        self.tool("Bash", {"command": command, "description": "run"}, text, structured, error=code != 0)

    def edit(self, path: str, before: str, old: str, new: str) -> None:
        full = f"{self.cwd}/{path}"
        structured = {
            "filePath": full, "oldString": old, "newString": new, "originalFile": before, "structuredPatch": [],
            "userModified": False, "replaceAll": False,
        }  # fmt: skip
        given = {"file_path": full, "old_string": old, "new_string": new}
        self.tool("Edit", given, f"The file {full} has been updated.", structured)

    def save(self, path: Path) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(record) + "\n" for record in self.records))
        return path


@dataclass
class Machine:
    """Somebody's home with the repository (a clone of ``origin``), and the log of the session."""

    home: Path
    origin: Path
    repo: Path
    log: Path
    base: str
    broken: str
    mended: str
    secret: str


def secret() -> str:
    """A token that never was one, put together here so that no scanner of this file takes offence."""
    return "gh" + "p_" + "a8Kd03mPq7Zx" * 3


def machine(folder: Path, user: str = "annabella") -> Machine:
    """Make the machine: a base that was pushed, a session on it, then a commit with the failing test and one that
    mends the bug."""
    home = folder / "home" / user
    home.mkdir(parents=True)
    origin = folder / "origin.git"
    git(folder, "init", "-q", "--bare", "-b", "main", str(origin))
    repo = home / "src" / "chop"
    git(folder, "clone", "-q", str(origin), str(repo))
    git(repo, "checkout", "-q", "-b", "main")
    (repo / "tests").mkdir()
    (repo / "chop.py").write_text(CODE)
    (repo / "tests" / "test_chop.py").write_text(TEST)
    (repo / "requirements.txt").write_text("six==1.16.0\n")
    git(repo, "add", ".")
    git(repo, "commit", "-q", "-m", "Begin", at=BASE)
    git(repo, "push", "-q", "origin", "main")
    base = git(repo, "rev-parse", "HEAD")
    root = str(repo)
    token = secret()
    log = Log(root)
    log.prompt("chop() cuts one character too many. Show it with a test.")
    log.command("env | grep TOKEN", f"GITHUB_TOKEN={token}\nEDITOR=vi\n")
    log.edit("tests/test_chop.py", TEST, 'chop("", 3), "")\n', 'chop("", 3), "")\n' + MORE)
    log.command(f"cd {root} && {COMMAND}", failure(root), 1)
    log.message("The test shows it: 'ab' instead of 'abc'.")
    log.prompt("Mend it.")
    log.edit("chop.py", CODE, "size - 1", "size")
    log.command(f"cd {root} && {COMMAND}", "..\nRan 2 tests in 0.001s\n\nOK\n")
    log.message(f"Mended. The token {token} in your environment should not be printed.")
    path = log.save(home / ".claude" / "projects" / "-src-chop" / f"{SESSION}.jsonl")
    (repo / "tests" / "test_chop.py").write_text(TEST_2)
    git(repo, "commit", "-qam", "Show the bug", at=BASE + 2000)
    broken = git(repo, "rev-parse", "HEAD")
    (repo / "chop.py").write_text(MENDED)
    git(repo, "commit", "-qam", "Mend chop", at=BASE + 3000)
    git(repo, "push", "-q", "origin", "main")
    return Machine(home, origin, repo, path, base, broken, git(repo, "rev-parse", "HEAD"), token)
