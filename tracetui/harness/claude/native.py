"""A context as a session of Claude Code."""

from __future__ import annotations

import copy
import re
import uuid
from typing import Any, Final

import orjson

from tracetui.harness.claude.context import pieces
from tracetui.harness.claude.side import folder
from tracetui.harness.native import Native, NativeRecord, NativeRequest, NativeRules
from tracetui.model import Record, to_iso

__all__ = ["NATIVE"]

_DROPPED: Final = ("agentId", "forkedFrom", "teamName", "isApiErrorMessage", "logicalParentUuid", "parentUuid", "slug")


def _write(request: NativeRequest) -> Native:
    facts, session = request.facts, request.session
    out: list[bytes] = []
    parent: str | None = None
    summaries = [_summarizes(unit) for unit in request.units]
    if any(summaries[1:]):
        # Without a boundary a summary would be where the conversation begins anew, and what stands before it lost.
        own = str(uuid.uuid5(uuid.UUID(session), "boundary"))
        value: dict[str, Any] = dict.fromkeys(("parentUuid", "logicalParentUuid"))
        value |= {"type": "system", "subtype": "compact_boundary", "content": "Conversation compacted", "uuid": own}
        value |= {"compactMetadata": {"trigger": "manual", "preTokens": 0}, "sessionId": session, "isSidechain": False}
        # The program goes on from the latest record: the boundary must not be that.
        first = request.units[0].record.value.get("timestamp") or to_iso(request.now)
        value |= {"timestamp": first, "cwd": facts.cwd or "/", "version": facts.version or "2.1.0"}
        out.append(orjson.dumps(value))
        parent = own
    for unit in request.units:
        value = unit.record.value
        own = str(uuid.uuid5(uuid.UUID(session), f"{len(out)}"))
        if value.get("type") == "queue-operation":
            piece = next(iter(unit.taken.values())).piece
            value = {"type": "user", "message": {"role": "user", "content": piece.text}}
            if piece.category != "prompt":
                value["isMeta"] = True
        elif not unit.whole:
            value = _part(unit)
        value = {name: item for name, item in value.items() if name not in _DROPPED}
        value.pop("isVisibleInTranscriptOnly", None)
        value |= {
            "parentUuid": parent,
            "isSidechain": False,
            "userType": value.get("userType") or "external",
            "cwd": value.get("cwd") or facts.cwd or "/",
            "sessionId": session,
            "version": value.get("version") or facts.version or "2.1.0",
            "uuid": own,
            "timestamp": value.get("timestamp") or to_iso(request.now),
        }
        out.append(orjson.dumps(value))
        parent = own
    slug = re.sub(r"[^A-Za-z0-9]", "-", facts.cwd or "/")
    return Native(b"\n".join(out) + b"\n", session, f"{session}.jsonl", ("projects", slug))


def _summarizes(unit: NativeRecord) -> bool:
    return any(taken.piece.category == "summary" for taken in unit.taken.values())


def _part(unit: NativeRecord) -> dict[str, Any]:
    """A record with only the blocks that are taken along, in their present words."""
    value = copy.deepcopy(unit.record.value)
    message = value.get("message")
    content = message.get("content") if isinstance(message, dict) else None
    if not isinstance(content, list) or not isinstance(message, dict):
        texts = "\n".join(part.piece.text for part in unit.taken.values())
        if isinstance(content, str) and isinstance(message, dict):
            message["content"] = texts
        return value
    kept: list[Any] = []
    place = 0
    for block in content:
        alone = {**value, "message": {**message, "content": [block]}}
        count = len(pieces(Record(unit.record.source, alone)))
        taken = [unit.taken[at] for at in range(place, place + count) if at in unit.taken]
        place += count
        if not taken:
            continue
        if any(part.changed for part in taken) and isinstance(block, dict):
            block = {**block, "content": taken[0].piece.text}
            value.pop("toolUseResult", None)
        elif len(taken) < count:
            block = {"type": "text", "text": "\n".join(part.piece.text for part in taken)}
        kept.append(block)
    message["content"] = kept
    return value


NATIVE: Final = NativeRules(_write, folder)
