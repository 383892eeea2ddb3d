"""Makes a small fixture of a recording: its log and what was sent at each call, without the vendor's own texts.

    python bench/live/fixture.py RECORDING FILE

Reminders, prompts, listings and descriptions of tools are left out; every other long text is replaced by a mark with
its length and a digest, the same in the log and in what was sent. Paths become /home/dev/project. Look the file over
before it is committed.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE)]

from sent import sent, split  # noqa: E402

LONGEST = 200
VENDOR = {"systemPrompt", "tools", "addedLines", "addedBlocks", "snapshot", "base_instructions", "state", "toolsAdded"}
DROPPED = {"api-request-blob", "api-request-shape", "file-history-snapshot", "world_state"}
LISTS = {"skill_listing", "agent_listing_delta", "deferred_tools_delta", "prompt_snapshot", "environment", "model"}
HARNESS = ("<permissions instructions>", "<environment_context>", "<skills_instructions>", "# AGENTS.md")


def scrub(value: Any) -> Any:
    """A value with no vendor's text in it, and long texts as marks."""
    if isinstance(value, dict):
        if value.get("role") in ("developer", "system") or value.get("type") in LISTS:
            return {
                name: scrub(item) if name in ("type", "role", "timestamp") else empty(item)
                for name, item in value.items()
            }
        return {name: empty(item) if name in VENDOR else scrub(item) for name, item in value.items()}
    if isinstance(value, list):
        return [scrub(item) for item in value]
    return text(value) if isinstance(value, str) else value


def empty(value: Any) -> Any:
    """The shape of a value without its words."""
    if isinstance(value, dict):
        return {name: item if name == "type" else empty(item) for name, item in value.items()}
    if isinstance(value, list):
        return [empty(item) for item in value[:1]]
    return "(not kept)" if isinstance(value, str) else value


def text(value: str) -> str:
    """A text without reminders, as a mark where it is long."""
    if "<system-reminder>" in value:
        value = "\n".join(split(value, []))
    if value.startswith(HARNESS):
        value = value[: value.find("\n") if "\n" in value else 20] + "\n(not kept)"
    if len(value) <= LONGEST:
        return value
    return f"[{len(value.strip())} characters, {hashlib.sha256(value.strip().encode()).hexdigest()[:8]}]"


def main() -> None:
    """Read the command line."""
    recording, file = Path(sys.argv[1]), Path(sys.argv[2])
    run = json.loads((recording / "run.json").read_text())
    logs = [recording / name for name in run["logs"]]
    log = max(logs, key=lambda path: path.stat().st_size)
    records = [json.loads(line) for line in log.read_text().splitlines()]
    calls = []
    for path in sorted((recording / "requests").iterdir()):
        request = json.loads(path.read_text())
        reply = request.get("reply")
        if not reply or request["turn"] in ("title", "summary", "none", "count", None):
            continue
        body = sent(request["path"], request["body"])
        told = {"calls": body.calls, "results": body.results, "texts": body.texts, "thinking": body.thinking}
        ids = [block["id"] for block in reply if "tool" in block]
        texts = [block["text"] for block in reply if "text" in block]
        calls.append({"ids": ids, "texts": texts, "sent": scrub(json.loads(json.dumps(told)))})
    kept = [scrub(record) for record in records if record.get("type") not in DROPPED]
    made = {"harness": run["harness"], "version": recording.parent.name.partition("-")[2], "stem": log.stem}
    data = json.dumps(made | {"records": kept, "calls": calls}, ensure_ascii=False, indent=0)
    project = str((recording / "project").resolve())
    for old, new in ((project, "/home/dev/project"), (str(recording.resolve()), "/home/dev")):
        data = data.replace(old, new).replace(re.sub(r"[^A-Za-z0-9]", "-", old), re.sub(r"[^A-Za-z0-9]", "-", new))
    data = re.sub(r"Linux [0-9][^\"\\]*", "Linux", data)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(data + "\n")
    print(f"{file}: {len(data):,} bytes, {len(kept)} records, {len(calls)} calls")


if __name__ == "__main__":
    main()
