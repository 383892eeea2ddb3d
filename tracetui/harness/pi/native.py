"""A context as a session of Pi."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import orjson

from tracetui.harness.context import ContextPiece
from tracetui.harness.native import Native, NativeRecord, NativeRequest, NativeRules
from tracetui.harness.pi.context import pieces
from tracetui.model import Record, to_iso

__all__ = ["NATIVE"]


def _write(request: NativeRequest) -> Native:
    facts, session = request.facts, request.session
    stamp = to_iso(request.now) or "2026-01-01T00:00:00.000Z"
    header = {"type": "session", "version": 3, "id": session, "timestamp": stamp, "cwd": facts.cwd or "/"}
    out: list[dict[str, Any]] = [header]
    parent: str | None = None
    for unit in request.units:
        for value in _entries(unit):
            own = f"{len(out):08x}"
            entry = {**value, "id": own, "parentId": parent, "timestamp": value.get("timestamp") or stamp}
            if entry["type"] == "compaction":
                entry |= {"firstKeptEntryId": own, "tokensBefore": value.get("tokensBefore") or 0}
            out.append(entry)
            parent = own
    data = b"\n".join(orjson.dumps(value) for value in out) + b"\n"
    name = f"{stamp.replace(':', '-').replace('.', '-')}_{session}.jsonl"
    cwd = re.sub(r"[/\\:]", "-", (facts.cwd or "/").lstrip("/\\"))
    return Native(data, session, name, ("sessions", f"--{cwd}--"))


def _entries(unit: NativeRecord) -> list[dict[str, Any]]:
    """The entries that hold what is taken along of one."""
    value = unit.record.value
    message = value.get("message")
    if value.get("type") == "compaction" or not unit.whole:
        out: list[dict[str, Any]] = []
        if isinstance(message, dict) and message.get("role") == "assistant":
            return [_answer(value, message, unit)]
        time = {"timestamp": value["timestamp"]} if "timestamp" in value else {}
        systems = [part.piece for part in unit.taken.values() if part.piece.category == "system"]
        if systems:
            out.append({"type": "message", "message": _system(systems), **time})
        for part in unit.taken.values():
            piece = part.piece
            if piece.category == "summary" and value.get("type") == "compaction":
                out.append({"type": "compaction", "summary": piece.text, **time})
            elif piece.category != "system":
                out.append(_part(value, piece, time))
        return out
    return [value]


def _answer(value: dict[str, Any], message: dict[str, Any], unit: NativeRecord) -> dict[str, Any]:
    content = message.get("content")
    kept: list[Any] = []
    place = 0
    for block in content if isinstance(content, list) else [content]:
        alone = {**value, "message": {**message, "content": [block]}}
        for _ in pieces(Record(unit.record.source, alone)):
            part = unit.taken.get(place)
            place += 1
            if part is not None:
                kept.append({"type": "text", "text": part.piece.text} if part.changed else block)
    return {**value, "message": {**message, "content": kept}}


def _system(pieces: Sequence[ContextPiece]) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "system", "content": ""}
    for piece in pieces:
        key = piece.key or ""
        if key.startswith("section:"):
            message.setdefault("sections", {})[key[8:]] = piece.text
        elif key.startswith("tool:"):
            message.setdefault("toolsAdded", []).append(piece.value)
        else:
            message["content"] = piece.text
    return message


def _part(value: dict[str, Any], piece: ContextPiece, time: dict[str, Any]) -> dict[str, Any]:
    """An entry whose words changed, or a message that a compaction carried."""
    message = value.get("message")
    block = [{"type": "text", "text": piece.text}]
    if isinstance(message, dict) and message.get("role") in ("user", "toolResult", "custom", "hookMessage"):
        return {**value, "message": {**message, "content": block}}
    if piece.category == "tool_result":
        told = {"role": "toolResult", "toolCallId": piece.call, "toolName": piece.name or "tool", "content": block}
        return {"type": "message", "message": told | {"isError": False}, **time}
    if piece.category == "attachment" or value.get("type") == "custom_message":
        kind = piece.name or "note"
        return {"type": "custom_message", "customType": kind, "content": piece.text, "display": False, **time}
    if piece.category == "summary":
        return {"type": "branch_summary", "fromId": "root", "summary": piece.text, **time}
    role = "user" if piece.category == "prompt" else "assistant"
    return {"type": "message", "message": {"role": role, "content": block}, **time}


NATIVE: Final = NativeRules(
    _write, lambda environ, home: home / ".pi" / "agent", resume=lambda path: ["pi", "--session", path]
)
