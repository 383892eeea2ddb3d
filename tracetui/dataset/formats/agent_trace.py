"""``agent-trace``: the lines of the repository that a session wrote, as Cursor's Agent Trace 0.1 has them: one record a
session, of the revision that HEAD names. Only what the attribution knows is in it; who wrote other lines is not said.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any, Final

import orjson

from tracetui.capsule.export import Redacted, RedactedLog, register
from tracetui.model import TracetuiError, to_iso

__all__ = ["VERSION", "record_of"]

VERSION: Final = "0.1"
_SPACE: Final = uuid.UUID("a9f6f3f2-6a0c-5d7c-9a53-4d1f0c9e7a11")
"""The name space of record ids, so that the same session at the same revision has the same one."""
_MODEL: Final = 250
"""Characters of a model's id at most."""


@register("agent-trace", origins=True)
def _agent_trace(session: Redacted) -> Iterator[tuple[str, bytes]]:
    data = orjson.dumps(record_of(session), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    yield f"{session.harness}-{session.id}.json", data


def record_of(session: Redacted) -> dict[str, Any]:
    """The record of a session. Raises TracetuiError for one whose lines are not known: a capsule, or a session without
    a repository."""
    origins = session.origins
    if origins is None:
        raise TracetuiError(f"agent-trace needs the repository of {session.id}; export the session, not its capsule")
    logs = {(log.agent, log.part): log for log in session.logs}
    models = {key: _models(log) for key, log in logs.items()}
    files: dict[str, dict[str | None, list[dict[str, int]]]] = {}
    for run in origins.runs:
        model = models.get((run.agent, run.part), {}).get(run.step)
        ranges = files.setdefault(run.path, {}).setdefault(model, [])
        if ranges and ranges[-1]["end_line"] + 1 == run.start:
            ranges[-1]["end_line"] = run.end
        else:
            ranges.append({"start_line": run.start, "end_line": run.end})
    facts = session.logs[0].facts if session.logs else None
    times = [step.time for log in session.logs for step in log.steps if step.time is not None]
    return {
        "version": VERSION,
        "id": str(uuid.uuid5(_SPACE, f"{session.harness}/{session.id}@{origins.revision}")),
        "timestamp": to_iso(max(times, default=0)),
        "vcs": {"type": "git", "revision": origins.revision},
        "tool": {"name": session.harness, "version": (facts and facts.version) or "unknown"},
        "files": [
            {"path": path, "conversations": [_conversation(model, ranges) for model, ranges in _ordered(by)]}
            for path, by in sorted(files.items())
        ],
        "metadata": {"session": session.id},
    }


def _ordered(by: dict[str | None, list[dict[str, int]]]) -> list[tuple[str | None, list[dict[str, int]]]]:
    return sorted(by.items(), key=lambda item: item[1][0]["start_line"])


def _conversation(model: str | None, ranges: list[dict[str, int]]) -> dict[str, Any]:
    contributor = {"type": "ai"} | ({"model_id": model[:_MODEL]} if model else {})
    return {"contributor": contributor, "ranges": ranges}


def _models(log: RedactedLog) -> dict[int, str | None]:
    """The model behind each step of a log: its own, else the last that was named before."""
    held = log.facts.model
    out: dict[int, str | None] = {}
    for step in log.steps:
        held = step.model or held
        out[step.number] = held
    return out
