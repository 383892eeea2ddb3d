"""Makes a corpus of made-up Claude Code sessions for the benches, shaped like months of real ones.

    python bench/corpus.py FOLDER [MEGABYTES]

The proportions are those of a published collection of 284 sessions (371 MB, 100,000 lines): four lines in ten are
assistant records, three are progress, two are tool results that hold their text twice. The text is the standard library
of the running Python (its code and its words), so that compression and vocabulary are those of real work.
"""

from __future__ import annotations

import json
import random
import re
import sys
import sysconfig
import uuid
from pathlib import Path
from typing import Any


class _Texts:
    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        root = Path(sysconfig.get_paths()["stdlib"])
        self.files = [
            path for path in sorted(root.glob("*.py")) + sorted(root.glob("*/*.py")) if "test" not in path.parts
        ]
        self.code: dict[Path, list[str]] = {}
        words: dict[str, None] = {}
        sentences: list[str] = []
        for path in self.files[:400]:
            text = path.read_text("utf-8", "replace")
            self.code[path] = text.splitlines()
            words.update(dict.fromkeys(re.findall(r"[A-Za-z_]{3,20}", text)))
            sentences += [s for s in re.findall(r"[A-Z][^.\n]{20,120}\.", text) if s.count(" ") > 3]
        self.files = list(self.code)
        self.words = list(words)
        self.sentences = sentences

    def prose(self, count: int) -> str:
        return " ".join(self.rng.choice(self.sentences) for _ in range(count))

    def excerpt(self, lines: int) -> tuple[str, str]:
        path = self.rng.choice(self.files)
        body = self.code[path]
        at = self.rng.randrange(max(1, len(body) - lines))
        return str(path), "\n".join(body[at : at + lines])


def _session(texts: _Texts, rng: random.Random, size: int, at: float) -> bytes:
    session = str(uuid.UUID(int=rng.getrandbits(128), version=4))
    out: list[bytes] = []
    total = 0
    parent: str | None = None
    clock = at

    def put(kind: str, **keys: Any) -> None:
        nonlocal parent, total, clock
        clock += rng.expovariate(1 / 4)
        name = str(uuid.UUID(int=rng.getrandbits(128), version=4))
        day = f"2026-{1 + int(clock / 2592000) % 12:02d}-{1 + int(clock / 86400) % 28:02d}"
        hour = f"{int(clock / 3600) % 24:02d}:{int(clock / 60) % 60:02d}:{int(clock) % 60:02d}"
        stamp = f"{day}T{hour}.{rng.randrange(1000):03d}Z"
        record = {
            "parentUuid": parent,
            "isSidechain": False,
            "userType": "external",
            "cwd": "/home/dev/src/project",
            "sessionId": session,
            "version": "2.1.20",
            "gitBranch": "main",
            "type": kind,
            **keys,
            "uuid": name,
            "timestamp": stamp,
        }
        line = json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        out.append(line)
        total += len(line)
        parent = name

    def usage() -> dict[str, int]:
        return {
            "input_tokens": rng.randrange(1, 40),
            "cache_creation_input_tokens": rng.randrange(100, 9000),
            "cache_read_input_tokens": rng.randrange(10_000, 150_000),
            "output_tokens": rng.randrange(5, 900),
        }

    def assistant(content: dict[str, Any], message: str) -> None:
        put(
            "assistant",
            message={
                "model": "claude-sonnet-4-6",
                "id": message,
                "type": "message",
                "role": "assistant",
                "content": [content],
                "stop_reason": None,
                "usage": usage(),
            },
            requestId="req_" + message[4:],
        )

    while total < size:
        put("user", message={"role": "user", "content": texts.prose(rng.randrange(1, 5))})
        for _ in range(rng.randrange(4, 24)):
            message = "msg_01" + "".join(rng.choices("abcdefghijkmnpqrstuvwxyzABCDEFGH23456789", k=22))
            if rng.random() < 0.4:
                assistant(
                    {"type": "thinking", "thinking": texts.prose(rng.randrange(1, 6)), "signature": "x" * 64}, message
                )
            if rng.random() < 0.4:
                assistant({"type": "text", "text": texts.prose(rng.randrange(1, 4))}, message)
            call = "toolu_01" + "".join(rng.choices("abcdefghijkmnpqrstuvwxyzABCDEFGH23456789", k=22))
            path, body = texts.excerpt(int(rng.lognormvariate(3.6, 1.1)) + 2)
            tool = rng.choices(["Bash", "Read", "Edit", "Grep"], [57, 48, 41, 25])[0]
            lines = body.split("\n")
            numbered = "\n".join(f"{nth:6d}\u2192{line}" for nth, line in enumerate(lines, rng.randrange(1, 400)))
            if tool == "Bash":
                given: dict[str, Any] = {
                    "command": f"grep -rn {rng.choice(texts.words)} {path} | head",
                    "description": "Look",
                }
                result, extra = body, {"stdout": body, "stderr": "", "interrupted": False, "isImage": False}
            elif tool == "Read":
                given = {"file_path": path}
                result = numbered
                extra = {"type": "text", "file": {"filePath": path, "content": body, "numLines": len(lines)}}
            elif tool == "Edit":
                half = "\n".join(lines[: max(1, len(lines) // 3)])
                given = {"file_path": path, "old_string": half, "new_string": half.replace("self", "this")}
                result = f"The file {path} has been updated. Here's the result:\n{numbered[:1500]}"
                extra = {
                    "filePath": path,
                    "oldString": half,
                    "newString": given["new_string"],
                    "originalFile": body * 3,
                }
            else:
                given = {"pattern": rng.choice(texts.words), "path": path, "output_mode": "content"}
                result, extra = body, {"mode": "content", "content": body, "numFiles": 0}
            assistant({"type": "tool_use", "id": call, "name": tool, "input": given}, message)
            for nth in range(rng.choices([0, 1, 2, 4], [45, 25, 15, 15])[0]):
                put(
                    "progress",
                    data={"type": "bash_progress", "output": body[:2000], "fullOutput": body[:2000], "elapsed": nth},
                    toolUseID=f"bash-progress-{nth}",
                    parentToolUseID=call,
                )
            content = [{"tool_use_id": call, "type": "tool_result", "content": result, "is_error": rng.random() < 0.05}]
            put("user", message={"role": "user", "content": content}, toolUseResult=extra)
            if rng.random() < 0.08:
                put("file-history-snapshot", snapshot={"trackedFileBackups": {}}, isSnapshotUpdate=False)
            if total >= size:
                break
    return b"".join(out)


def make(folder: Path, megabytes: float, seed: int = 7, sessions: int | None = None) -> int:
    """Write the corpus below ``folder``; the same for the same seed and Python. Gives the bytes written."""
    rng = random.Random(seed)
    texts = _Texts(rng)
    total = 0
    wanted = int(megabytes * 1_000_000)
    at = 1_000_000.0
    mean = wanted / sessions if sessions else 1_300_000
    while total < wanted:
        size = min(int(rng.lognormvariate(0, 0.9) * mean * 0.67), wanted - total + 20_000)
        data = _session(texts, rng, size, at)
        name = json.loads(data[: data.index(b"\n")])["sessionId"]
        sub = folder / f"project-{rng.randrange(12)}"
        sub.mkdir(parents=True, exist_ok=True)
        (sub / f"{name}.jsonl").write_bytes(data)
        total += len(data)
        at += rng.expovariate(1 / 20_000)
    return total


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    print(f"{make(Path(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 371):,} bytes")
