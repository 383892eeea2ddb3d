"""A context exported as a native session, resumed by the real program: what it sends is what the context held."""

from __future__ import annotations

import importlib
import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

from compare import Shown, indexed
from sent import Sent, canonical, sent

from tracetui.bucket import Bucket
from tracetui.ctx.context import context_of
from tracetui.ctx.native import native
from tracetui.ctx.opening import records_for
from tracetui.ctx.parts import parts_of

ROOTS = {"claude": ".claude", "codex": ".codex", "pi": ".pi/agent"}
PROMPT = "And now go on from here."


def resumed(recorder: Path, program: Path, recording: Path, out: Path) -> str:
    """Export the recording's last context, resume it in a new home; what is wrong, "" where nothing is."""
    sys.path.insert(0, str(recorder))
    tool: Any = importlib.import_module("record")
    serving: Any = importlib.import_module("server")
    harness = json.loads((recording / "run.json").read_text())["harness"]
    with Bucket.open(indexed(recording)) as bucket:
        shown = Shown(bucket)
        logs = [(log, index) for log, index in shown.logs if log.agent is None and any(index.call_step)]
        log, index = max(logs, key=lambda item: item[0].bytes)
        context = context_of(index, max(index.call_step))
        reading = records_for(bucket, log, index)
        parts = parts_of(context, reading, whole=True)
        made = native(context, parts, reading, log.facts, int(time.time() * 1000))
    home, project = out.resolve() / "home", recording.resolve() / "project"
    path = home.joinpath(ROOTS[harness], *made.folder, made.name)
    path.parent.mkdir(parents=True)
    path.write_bytes(made.data)
    script = out / "script.json"
    script.write_text(json.dumps({"prompts": [{"text": PROMPT, "turns": [[{"text": "Gone on."}]]}]}))
    server = serving.Server(script, out / "requests", cwd=str(project))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    maker = tool.HARNESSES[harness](home, project, f"http://127.0.0.1:{server.server_address[1]}", {})
    session = str(path) if harness == "pi" else made.session
    env = {
        "PATH": f"{program.parent}:/usr/local/bin:/usr/bin:/bin",
        "HOME": str(home),
        "TERM": "xterm",
        "LANG": "C.UTF-8",
    }
    words = [str(program), *maker.command(f"{PROMPT} [SCRIPT:p1]", session, [])]
    status, _ = tool.run(words, project, env | maker.env, out / "run.txt", 90)
    server.shutdown()
    requests = [json.loads(file.read_text()) for file in sorted((out / "requests").iterdir())]
    told = next((request for request in requests if request["turn"] == "p1:0"), None)
    if told is None:
        return f"no request (status {status})"
    return "; ".join(_wrong([part.piece for part in parts], sent(told["path"], told["body"])))


def _wrong(pieces: list[Any], body: Sent) -> list[str]:
    out = []
    calls = [(p.call or "", canonical(p.value)) for p in pieces if p.category == "tool_call"]
    if calls != [(call, given) for call, _, given in body.calls]:
        out.append(f"calls: {len(calls)} exported, {len(body.calls)} sent")
    results = [p.call or "" for p in pieces if p.category == "tool_result"]
    if sorted(results) != sorted(call for call, _ in body.results):
        out.append(f"results: {len(results)} exported, {len(body.results)} sent")
    texts = [p.text.strip() for p in pieces if p.category == "message" and p.name != "synthetic"]
    # Claude Code closes a turn that its log leaves open with a word of its own.
    if texts != [text for text in body.texts if text and text != "No response requested."]:
        out.append(f"texts: {len(texts)} exported, {len(body.texts)} sent")
    for piece in pieces:
        if piece.category in ("prompt", "summary") and not any(
            piece.text.strip()[:60] in text for text in (*body.user, *body.reminders)
        ):
            out.append(f"{piece.category} not sent: {piece.text[:60]!r}")
    for text in {*body.system, *body.reminders, *body.user}:
        count = [*body.system, *body.reminders, *body.user].count(text)
        exported = sum(text in piece.text for piece in pieces)
        if count > max(1, exported) and len(text) > 200:
            out.append(f"sent {count} times: {text[:60]!r}")
    return out
