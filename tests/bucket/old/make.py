"""Makes a bucket that later versions must open: run with the program that wrote its format on the path (348a1e7 for the
first, 23465f9 for the second).

    python make.py FOLDER     # leaves FOLDER/bucket-N.tar.gz, N the format

All of it is made up. Logs are gone afterwards; what a user does is in it: a bookmark, a note, steps seen, consent, a
judged trail, findings accepted, rejected in one place, marked by hand, a step left out, a rule.
"""

from __future__ import annotations

import json
import sys
import tarfile
from pathlib import Path

from tests.bucket.logs import Claude, found, session_of, uuid_of
from tracetui.bucket import Bucket
from tracetui.bucket.consent import write_consent
from tracetui.redact.decisions import Rule
from tracetui.redact.review import Review

KEY = "sk-proj-" + "Ab3dEf6hIj9kLm2nOp5q" * 2
CODEX = "0199aaaa-1111-7222-8333-000000000007"


def codex(path: Path) -> None:
    rows = [
        ("session_meta", {"id": CODEX, "cwd": "/home/dev/pace", "originator": "codex_cli_rs", "cli_version": "0.50.0"}),
        ("response_item", {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "run make"}]}),
        ("response_item", {"type": "function_call", "name": "shell", "arguments": "{\"command\": [\"make\"]}",
                           "call_id": "call_1"}),
        ("response_item", {"type": "function_call_output", "call_id": "call_1", "output": f"API_KEY={KEY}"}),
        ("response_item", {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "ok"}]}),
    ]  # fmt: skip
    text = "".join(
        json.dumps({"timestamp": f"2026-02-03T10:00:{nth:02d}.000Z", "type": kind, "payload": body}) + "\n"
        for nth, (kind, body) in enumerate(rows)
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def main(root: Path) -> None:
    logs = root / "logs"
    first = session_of(uuid_of(1), 3)
    first.tool("Bash", {"command": "env"}, f"API_KEY={KEY}\nPATH=/usr/bin\nOWNER=quillback")
    first.message(f"The key is {KEY}; the owner is quillback.")
    first.write(logs / f"{uuid_of(1)}.jsonl")
    Claude(uuid_of(1), 50, "a1b2c3d4").prompt("look into the limiter").message("it leaks").write(
        logs / uuid_of(1) / "subagents" / "agent-a1b2c3d4.jsonl"
    )
    grows = session_of(uuid_of(2), 2, start=500)
    grows.write(logs / f"{uuid_of(2)}.jsonl")
    codex(logs / f"rollout-2026-02-03T10-00-00-{CODEX}.jsonl")
    with Bucket.open(root / "bucket", create=True) as bucket:
        bucket.capture(found(logs))
        grows.prompt("one more thing").message("done").write(logs / f"{uuid_of(2)}.jsonl")
        bucket.capture(found(logs))
        write_consent(bucket, ["claude", "codex"], ["/home/dev/private"])
        bucket.bookmark(uuid_of(1), on=True)
        bucket.note(uuid_of(1), "the limiter that leaked")
        bucket.mark_seen(uuid_of(2))
        row = bucket.session(uuid_of(1))
        bucket.put_summary(row, "survival", {"alive": 2, "reverted": 1})
        with Review(bucket, row) as review:
            review.scan()
            review.accept(next(group for group in review.groups() if group.text == KEY))
            review.mark("OWNER=quillback", 6, 15, "name")
            log = bucket.logs(uuid_of(1))[0]
            review.exclude("step", bucket.step_rows(log)[2].key)
            review.add_rule(Rule("literal", "rate_limit"))
            review.summarise()
        row = bucket.session(CODEX)
        with Review(bucket, row) as review:
            review.scan()
            review.reject(next(place for place in review.places() if review.value_of(place) == KEY), "place")
            review.summarise()
    version = json.loads((root / "bucket" / "bucket.json").read_text())["format"]
    with tarfile.open(root / f"bucket-{version}.tar.gz", "w:gz") as out:
        out.add(root / "bucket", "bucket")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
