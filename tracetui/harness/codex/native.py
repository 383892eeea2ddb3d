"""A context as a session of Codex."""

from __future__ import annotations

from typing import Any, Final

import orjson

from tracetui.harness.codex.context import item_pieces
from tracetui.harness.codex.side import folder
from tracetui.harness.context import ContextPiece
from tracetui.harness.native import Native, NativeRecord, NativeRequest, NativeRules, Taken
from tracetui.model import LogFacts, to_iso

__all__ = ["NATIVE"]


def _header(facts: LogFacts, stamp: str, session: str) -> dict[str, Any]:
    meta: dict[str, Any] = {
        "id": session,
        "timestamp": stamp,
        "cwd": facts.cwd or "/",
        "originator": "codex_cli_rs",
        "cli_version": facts.version or "0.100.0",
        "source": "cli",
        "model_provider": "openai",
    }
    if facts.branch or facts.commit:
        git = {"branch": facts.branch, "commit_hash": facts.commit, "repository_url": facts.repo}
        meta["git"] = {name: item for name, item in git.items() if item}
    return meta


def _write(request: NativeRequest) -> Native:
    facts, session = request.facts, request.session
    stamp = to_iso(request.now) or "2026-01-01T00:00:00.000Z"
    meta = _header(facts, stamp, session)
    out: list[dict[str, Any]] = [{"timestamp": stamp, "type": "session_meta", "payload": meta}]
    # Without the state that it compares with, Codex tells the model of its surroundings once more when it resumes.
    known = {record.value.get("type"): record.value.get("payload") for record in request.beside}
    state: list[dict[str, Any]] = []
    if isinstance(known.get("world_state"), dict):
        state.append({"timestamp": stamp, "type": "world_state", "payload": known["world_state"]})
    if request.model:
        turn: dict[str, Any] = {"cwd": facts.cwd or "/", "model": request.model, "approval_policy": "on-request"}
        turn |= {"sandbox_policy": {"mode": "workspace-write"}, "summary": "auto"}
        told = known.get("turn_context")
        state.append({"timestamp": stamp, "type": "turn_context", "payload": told if isinstance(told, dict) else turn})
    out += state
    kinds = [unit.record.value.get("type") for unit in request.units]
    compacted = max((nth for nth, kind in enumerate(kinds) if kind == "compacted"), default=-1)
    history: list[dict[str, Any]] = []
    for nth, unit in enumerate(request.units):
        if unit.record.value.get("type") == "session_meta":
            payload = unit.record.value["payload"]
            meta["model_provider"] = payload.get("model_provider") or meta["model_provider"]
            meta |= {part.piece.name or "": payload.get(part.piece.name or "") for part in unit.taken.values()}
            continue
        for item, part in _items(unit):
            if nth <= compacted:
                history.append(item)
                continue
            out.append({"timestamp": stamp, "type": "response_item", "payload": item})
            if part.piece.category == "prompt":
                said = {"type": "user_message", "message": part.piece.text, "images": []}
                out.append({"timestamp": stamp, "type": "event_msg", "payload": said})
        if nth == compacted:
            message = unit.record.value["payload"].get("message")
            told = {"message": message if isinstance(message, str) else "", "replacement_history": history}
            out.append({"timestamp": stamp, "type": "compacted", "payload": told})
            out += state  # a compaction takes the state away
    data = b"\n".join(orjson.dumps(value) for value in out) + b"\n"
    day = stamp[:10].split("-")
    name = f"rollout-{stamp[:19].replace(':', '-')}-{session}.jsonl"
    return Native(data, session, name, ("sessions", *day))


def _items(unit: NativeRecord) -> list[tuple[dict[str, Any], Taken]]:
    """The response items that hold what is taken along of a record."""
    payload = unit.record.value.get("payload")
    payload = payload if isinstance(payload, dict) else unit.record.value
    history = payload.get("replacement_history")
    items = [item for item in history if isinstance(item, dict)] if isinstance(history, list) else [payload]
    out: list[tuple[dict[str, Any], Taken]] = []
    place = 0
    for item in items:
        count = len(item_pieces(item))
        out += [(item, unit.taken[at]) for at in range(place, place + count) if at in unit.taken]
        place += count
    out += [(_message(part.piece), part) for at, part in unit.taken.items() if at >= place]
    return out


def _message(piece: ContextPiece) -> dict[str, Any]:
    """What was no item of its own: a summary, memory that the world state showed, a word of another agent."""
    if piece.category == "tool_call":
        given = piece.value if isinstance(piece.value, str) else orjson.dumps(piece.value).decode()
        return {"type": "function_call", "name": piece.name or "tool", "arguments": given, "call_id": piece.call}
    if piece.category == "tool_result":
        return {"type": "function_call_output", "call_id": piece.call, "output": piece.text}
    if piece.category == "thinking":
        return {"type": "reasoning", "summary": [{"type": "summary_text", "text": piece.text}]}
    role = {"instructions": "developer", "system": "developer", "message": "assistant"}.get(piece.category, "user")
    kind = "output_text" if role == "assistant" else "input_text"
    return {"type": "message", "role": role, "content": [{"type": kind, "text": piece.text}]}


NATIVE: Final = NativeRules(_write, folder)
