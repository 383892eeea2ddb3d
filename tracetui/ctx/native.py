"""A context as a session file of the same harness, under a new id.

The records that hold the segments are written again with a new identity and order; blocks that are not taken along are
left out of them. What was written is read back with the program's own reader before it is handed out.
"""

from __future__ import annotations

import copy
import re
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from tracetui.ctx.build import Builder
from tracetui.ctx.context import Context
from tracetui.ctx.parts import Part, Reading
from tracetui.harness import HARNESSES
from tracetui.harness.context import Piece
from tracetui.model import LogFacts, Record, Source, TracetuiError, to_iso

__all__ = ["Native", "native"]


@dataclass(frozen=True, slots=True)
class Native:
    """The file's bytes, the new session's id, and where the harness looks for it: path parts below its root."""

    data: bytes
    session: str
    name: str
    folder: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unit:
    """A record to write: which of its pieces (by place) are taken along, and their texts where they changed."""

    record: Record
    taken: dict[int, Part]
    pieces: list[Piece]

    @property
    def whole(self) -> bool:
        """Whether all of the record is taken along as it is."""
        return len(self.taken) == len(self.pieces) and not any(part.changed for part in self.taken.values())


def native(
    context: Context, parts: Sequence[Part], reading: Reading, facts: LogFacts, now: int, session: str | None = None
) -> Native:
    """The session file. ``now``: milliseconds since the epoch. Raises TracetuiError (status 1) where the harness's
    format cannot hold the context."""
    harness = context.index.harness
    write = _WRITERS.get(harness)
    if write is None:
        raise TracetuiError(f"No way to write a session of {harness} in this tracetui")
    if not any(part.piece.category != "system" for part in parts):
        raise TracetuiError("There is nothing to export: the context holds no message")
    session = session or str(uuid.uuid4())
    units = _units(context, parts, reading)
    made = write(context, units, facts, now, session)
    _check(made, harness, parts)
    return made


def _units(context: Context, parts: Sequence[Part], reading: Reading) -> list[Unit]:
    """Parts grouped by the records that hold them, in the order of the context."""
    index = context.index
    rules = HARNESSES[index.harness].context
    assert rules is not None
    units: list[Unit] = []
    last: tuple[int, int, int] | None = None
    for part in parts:
        at = part.origin
        here = index.log[at], index.offset[at], index.nth[at]
        if here == last and index.place[at] not in units[-1].taken:
            units[-1].taken[index.place[at]] = part
            continue
        source = Source(index.line[at], index.offset[at], index.length[at])
        record = next((record for record in reading(index.log[at], source) if record.nth == index.nth[at]), None)
        if record is None or record.oversize:
            raise TracetuiError(
                f"The native format cannot hold this context: line {source.line:,} of the log could not be read"
            )
        units.append(Unit(record, {index.place[at]: part}, rules.pieces(record)))
        last = here
    return units


def _check(made: Native, harness: str, parts: Sequence[Part]) -> None:
    """Read back what was written: the same categories and texts in the same order."""
    from tracetui.harness.lines import Splitter

    splitter = Splitter()
    builder = Builder(harness, made.name.removesuffix(".jsonl"))
    rules = HARNESSES[harness].context
    assert rules is not None
    records: dict[int, Record] = {}
    for item in [*splitter.feed(made.data), *splitter.finish()]:
        if isinstance(item, Record):
            records[item.source.line] = item
            builder.feed(item)
    index = builder.finish()
    found: list[tuple[str, str]] = []
    for at in index.view_at(len(index.parent) - 1, keeps=True).ids:
        piece = rules.pieces(records[index.line[at]])[index.place[at]]
        found.append((piece.category, piece.text))
    wanted = [(part.piece.category, part.piece.text) for part in parts]
    if found != wanted:
        raise TracetuiError(
            "The native format cannot hold this context: what was written does not read back the same; "
            "export it as messages or markdown"
        )


# ---- Claude Code -----------------------------------------------------------------------------------------------------

_DROPPED: Final = ("agentId", "forkedFrom", "teamName", "isApiErrorMessage", "logicalParentUuid", "parentUuid", "slug")


def _claude(context: Context, units: Sequence[Unit], facts: LogFacts, now: int, session: str) -> Native:
    out: list[bytes] = []
    parent: str | None = None
    for unit in units:
        value = unit.record.value
        own = str(uuid.uuid5(uuid.UUID(session), f"{len(out)}"))
        if value.get("type") == "queue-operation":
            piece = next(iter(unit.taken.values())).piece
            value = {"type": "user", "message": {"role": "user", "content": piece.text}}
            if piece.category != "prompt":
                value["isMeta"] = True
        elif not unit.whole:
            value = _claude_part(unit)
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
            "timestamp": value.get("timestamp") or to_iso(now),
        }
        out.append(orjson.dumps(value))
        parent = own
    slug = re.sub(r"[^A-Za-z0-9]", "-", facts.cwd or "/")
    return Native(b"\n".join(out) + b"\n", session, f"{session}.jsonl", ("projects", slug))


def _claude_part(unit: Unit) -> dict[str, Any]:
    """A record with only the blocks that are taken along, in their present words."""
    from tracetui.harness.claude.context import pieces

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


# ---- Codex -----------------------------------------------------------------------------------------------------------


def _codex(context: Context, units: Sequence[Unit], facts: LogFacts, now: int, session: str) -> Native:
    stamp = to_iso(now) or "2026-01-01T00:00:00.000Z"
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
    out: list[dict[str, Any]] = [{"timestamp": stamp, "type": "session_meta", "payload": meta}]
    if context.model:
        turn: dict[str, Any] = {"cwd": facts.cwd or "/", "model": context.model, "approval_policy": "on-request"}
        turn |= {"sandbox_policy": {"mode": "workspace-write"}, "summary": "auto"}
        out.append({"timestamp": stamp, "type": "turn_context", "payload": turn})
    compacted = max((nth for nth, unit in enumerate(units) if unit.record.value.get("type") == "compacted"), default=-1)
    history: list[dict[str, Any]] = []
    for nth, unit in enumerate(units):
        if unit.record.value.get("type") == "session_meta":
            payload = unit.record.value["payload"]
            meta |= {part.piece.name or "": payload.get(part.piece.name or "") for part in unit.taken.values()}
            continue
        for item, part in _codex_items(unit):
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
    data = b"\n".join(orjson.dumps(value) for value in out) + b"\n"
    day = stamp[:10].split("-")
    name = f"rollout-{stamp[:19].replace(':', '-')}-{session}.jsonl"
    return Native(data, session, name, ("sessions", *day))


def _codex_items(unit: Unit) -> list[tuple[dict[str, Any], Part]]:
    """The response items that hold what is taken along of a record."""
    from tracetui.harness.codex.context import item_pieces

    payload = unit.record.value.get("payload")
    payload = payload if isinstance(payload, dict) else unit.record.value
    history = payload.get("replacement_history")
    items = [item for item in history if isinstance(item, dict)] if isinstance(history, list) else [payload]
    out: list[tuple[dict[str, Any], Part]] = []
    place = 0
    for item in items:
        count = len(item_pieces(item))
        out += [(item, unit.taken[at]) for at in range(place, place + count) if at in unit.taken]
        place += count
    out += [(_codex_message(part.piece), part) for at, part in unit.taken.items() if at >= place]
    return out


def _codex_message(piece: Piece) -> dict[str, Any]:
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


# ---- Pi --------------------------------------------------------------------------------------------------------------


def _pi(context: Context, units: Sequence[Unit], facts: LogFacts, now: int, session: str) -> Native:
    stamp = to_iso(now) or "2026-01-01T00:00:00.000Z"
    header = {"type": "session", "version": 3, "id": session, "timestamp": stamp, "cwd": facts.cwd or "/"}
    out: list[dict[str, Any]] = [header]
    parent: str | None = None
    for unit in units:
        for value in _pi_entries(unit):
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


def _pi_entries(unit: Unit) -> list[dict[str, Any]]:
    """The entries that hold what is taken along of one."""
    value = unit.record.value
    message = value.get("message")
    if value.get("type") == "compaction" or not unit.whole:
        out: list[dict[str, Any]] = []
        if isinstance(message, dict) and message.get("role") == "assistant":
            return [_pi_answer(value, message, unit)]
        time = {"timestamp": value["timestamp"]} if "timestamp" in value else {}
        systems = [part.piece for part in unit.taken.values() if part.piece.category == "system"]
        if systems:
            out.append({"type": "message", "message": _pi_system(systems), **time})
        for part in unit.taken.values():
            piece = part.piece
            if piece.category == "summary" and value.get("type") == "compaction":
                out.append({"type": "compaction", "summary": piece.text, **time})
            elif piece.category != "system":
                out.append(_pi_part(value, piece, time))
        return out
    return [value]


def _pi_answer(value: dict[str, Any], message: dict[str, Any], unit: Unit) -> dict[str, Any]:
    from tracetui.harness.pi.context import pieces

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


def _pi_system(pieces: Sequence[Piece]) -> dict[str, Any]:
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


def _pi_part(value: dict[str, Any], piece: Piece, time: dict[str, Any]) -> dict[str, Any]:
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


_WRITERS: Final[dict[str, Callable[[Context, Sequence[Unit], LogFacts, int, str], Native]]] = {
    "claude": _claude,
    "codex": _codex,
    "pi": _pi,
}
