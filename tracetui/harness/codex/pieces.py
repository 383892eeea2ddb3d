"""What of Codex's records stands in the model's context, record by record."""

from __future__ import annotations

import contextlib
import re
from typing import Any, Final

import orjson

from tracetui.harness.codex.parts import read_end, read_item
from tracetui.harness.codex.prompt import read_user
from tracetui.harness.content import flatten
from tracetui.harness.context import Category, ContextPiece, call_text
from tracetui.model import Record

__all__ = ["item_pieces", "pieces", "shorten"]

_INSTRUCTIONS: Final = (
    "# AGENTS.md instructions",
    "# Instructions for ",
    "<user_instructions>",
    "<permissions instructions>",
    "<collaboration_mode>",
    "<skills_instructions>",
    "<apps_instructions>",
    "<plugins_instructions>",
    "<personality_spec>",
)
_SUMMARY: Final = (
    "Another language model started to solve this problem",
    "You were originally given instructions from a user",
)
_CALLS: Final = frozenset(
    """function_call custom_tool_call local_shell_call web_search_call tool_search_call tool_call
    image_generation_call""".split()
)


_WITHOUT_PLANS: Final = (0, 150)
"""The version from which on the instructions are sent without what they say of plans (seen: 0.118 with, 0.169
without)."""
_PLANS: Final = re.compile(r"^## (?:Planning|`update_plan`)\n.*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_PLAN_LINE: Final = re.compile(r"^- If you create a checklist or task list,[^\n]*\n", re.MULTILINE)


def pieces(record: Record) -> list[ContextPiece]:
    """The pieces of one record, in order; none for what the model never saw."""
    value = record.value
    kind, payload = value.get("type"), value.get("payload")
    if not isinstance(payload, dict):
        if "record_type" in value or not isinstance(kind, str) or "payload" in value:
            return []
        return item_pieces(value)
    if kind == "response_item":
        return item_pieces(payload)
    if kind == "session_meta":
        return _base(payload)
    if kind == "compacted":
        return _replacement(payload)
    if kind == "world_state":
        return _world(payload)
    if kind == "inter_agent_communication":
        text = flatten(payload.get("content", payload.get("message"))).text
        return [ContextPiece("attachment", text, name="inter_agent")] if text else []
    if kind == "event_msg":
        return _event_pieces(payload)
    return []


def _event_pieces(event: dict[str, Any]) -> list[ContextPiece]:
    """What an event tells of the conversation; counts only where a log holds no response items."""
    kind = event.get("type")
    if kind == "user_message":
        return _told("prompt", event.get("message"))
    if kind == "agent_message":
        return _told("message", event.get("message"))
    if kind in ("agent_reasoning", "agent_reasoning_raw_content"):
        return _told("thinking", event.get("text"))
    if not isinstance(kind, str):
        return []
    item = event.get("item")
    if kind == "item_completed" and isinstance(item, dict):
        name = item.get("type")
        if name == "UserMessage":
            return _told("prompt", item.get("content"))
        if name == "AgentMessage":
            return _told("message", item.get("content"))
        if name == "Reasoning":
            return _told("thinking", item.get("summary_text") or item.get("raw_content"))
        part = read_item(item, name) if isinstance(name, str) else None
    else:
        part = read_end(event, kind)
    if part is None:
        return []
    out: list[ContextPiece] = []
    if part.called or part.input is not None:
        out.append(ContextPiece("tool_call", call_text(part.name, part.input), part.id, part.name, value=part.input))
    if part.result is not None:
        out.append(ContextPiece("tool_result", part.result.text or "", part.id, part.name, key=part.id))
    return out


def _told(category: Category, content: Any) -> list[ContextPiece]:
    text, images = flatten(content)
    if not text.strip():
        return []
    if category == "prompt" and text.lstrip().startswith(_INSTRUCTIONS):
        category = "instructions"
    return [ContextPiece(category, text, images=images)]


def _base(meta: dict[str, Any]) -> list[ContextPiece]:
    base = meta.get("base_instructions")
    text = base.get("text") if isinstance(base, dict) else base
    if isinstance(text, str) and _number(meta.get("cli_version")) >= _WITHOUT_PLANS:
        text = _PLAN_LINE.sub("", _PLANS.sub("", text))
    out = [ContextPiece("system", text, name="base_instructions")] if isinstance(text, str) and text else []
    tools = meta.get("dynamic_tools")
    if isinstance(tools, list) and tools:
        out.append(ContextPiece("system", _json(tools), name="dynamic_tools"))
    return out


def _world(payload: dict[str, Any]) -> list[ContextPiece]:
    state = payload.get("state")
    told = state.get("agents_md") if isinstance(state, dict) else None
    entries = told if isinstance(told, list) else [told]
    texts = [entry.get("text") for entry in entries if isinstance(entry, dict)]
    return [
        ContextPiece("instructions", text, name="AGENTS.md") for text in texts if isinstance(text, str) and text.strip()
    ]


def _replacement(payload: dict[str, Any]) -> list[ContextPiece]:
    history = payload.get("replacement_history")
    message = payload.get("message")
    message = message if isinstance(message, str) else ""
    if not isinstance(history, list):
        return [ContextPiece("summary", message)] if message else []
    out: list[ContextPiece] = []
    for item in history:
        if isinstance(item, dict):
            for piece in item_pieces(item):
                if message and piece.category == "prompt" and piece.text.endswith(message):
                    piece = piece._replace(category="summary")
                out.append(piece)
    return out


def item_pieces(item: dict[str, Any]) -> list[ContextPiece]:
    """The pieces of one response item: one, or none for what is only the program's."""
    kind = item.get("type")
    if kind == "message" or (kind is None and "role" in item):
        piece = _message(item)
        return [piece] if piece is not None else []
    if kind == "reasoning":
        text = flatten(item.get("content") or item.get("summary")).text
        sealed = item.get("encrypted_content")
        hidden = len(sealed) if isinstance(sealed, str) else 0
        return [ContextPiece("thinking", text, hidden=hidden, value=item)] if text or hidden else []
    if not isinstance(kind, str):
        return []
    call = item.get("call_id")
    call = call if isinstance(call, str) and call else None
    if kind in _CALLS:
        name, given = _called(kind, item)
        return [ContextPiece("tool_call", call_text(name, given), call, name, value=given)]
    if kind.endswith("_output") or kind == "tool_result":
        return [_output(kind, item, call)]
    if kind in ("compaction", "context_compaction", "compaction_summary"):
        sealed = item.get("encrypted_content")
        hidden = len(sealed) if isinstance(sealed, str) else 0
        text = flatten(item.get("summary") or item.get("content")).text
        return [ContextPiece("summary", text, hidden=hidden)] if hidden or text else []
    if kind == "agent_message":
        text = flatten(item.get("content")).text
        return [ContextPiece("attachment", text, name="agent_message")] if text else []
    if kind == "additional_tools":
        return [ContextPiece("system", _json(item.get("tools")), name="additional_tools")]
    return []


def _output(kind: str, item: dict[str, Any], call: str | None) -> ContextPiece:
    output = item.get("output", item.get("content", item.get("tools")))
    if kind == "custom_tool_call_output" and isinstance(output, str):
        output = _told_again(output)
    flat = flatten(output) if isinstance(output, str | list) else None
    text = flat.text if flat is not None else _json(output)
    images = flat.images if flat is not None else 0
    return ContextPiece("tool_result", text, call, images=images, key=call, value=output if images else None)


def _called(kind: str, item: dict[str, Any]) -> tuple[str, Any]:
    name = item.get("name")
    given = item.get("arguments", item.get("input", item.get("action")))
    if isinstance(given, str) and kind == "function_call" and given[:1] == "{":
        with contextlib.suppress(orjson.JSONDecodeError):
            given = orjson.loads(given)
    if not isinstance(name, str) or not name:
        name = {"local_shell_call": "local_shell", "web_search_call": "web_search"}.get(kind, kind)
    space = item.get("namespace")
    return (f"{space}{name}" if isinstance(space, str) and space.endswith("__") else name), given


def _message(item: dict[str, Any]) -> ContextPiece | None:
    role, content = item.get("role"), item.get("content")
    text, images = flatten(content)
    if not text:
        return None
    value = content if images else None
    if role == "assistant":
        return ContextPiece("message", text, images=images, value=value)
    category: Category = "attachment"
    if role == "user":
        told = item.get("internal_chat_message_metadata_passthrough")
        kinds = told.get("content_item_kinds") if isinstance(told, dict) else None
        if text.startswith(_SUMMARY):
            category = "summary"
        elif read_user(content, kinds).human:
            category = "prompt"
    elif role == "system":
        category = "system"
    elif role == "developer":
        category = "instructions"
    if category == "attachment" and text.lstrip().startswith(_INSTRUCTIONS):
        category = "instructions"
    return ContextPiece(category, text, images=images, value=value)


def _json(value: Any) -> str:
    try:
        return orjson.dumps(value).decode() if value is not None else ""
    except (TypeError, ValueError):
        return ""


def _number(version: object) -> tuple[int, ...]:
    parts = version.split(".")[:3] if isinstance(version, str) else []
    return tuple(int(part) for part in parts if part.isdecimal() and len(part) < 6)


def _told_again(output: str) -> str:
    """The output of apply_patch, which older versions log as JSON and send as text."""
    if not output.startswith('{"output":'):
        return output
    try:
        value = orjson.loads(output)
    except orjson.JSONDecodeError:
        return output
    meta, text = value.get("metadata"), value.get("output")
    if not isinstance(meta, dict) or not isinstance(text, str) or "exit_code" not in meta:
        return output
    seconds = meta.get("duration_seconds")
    seconds = int(seconds) if isinstance(seconds, float) and seconds.is_integer() else seconds
    return f"Exit code: {meta['exit_code']}\nWall time: {seconds} seconds\nOutput:\n{text}"


def shorten(text: str, limit: int) -> str:
    """A result as Codex cuts it when it takes it into the history: the middle gives way to a count of what is gone.
    ``limit``: bytes that stay; negative where tokens (of four bytes) are counted. As ``truncate_text`` of codex-rs."""
    budget = abs(limit)
    data = text.encode("utf-8", "surrogatepass")
    if len(data) <= budget:
        return text
    head = data[: budget // 2].decode("utf-8", "ignore")
    start = len(data) - (budget - budget // 2)
    while start < len(data) and data[start] & 0xC0 == 0x80:
        start += 1
    tail = data[start:].decode("utf-8", "replace")
    if limit < 0:
        return f"{head}…{-(-(len(data) - budget) // 4)} tokens truncated…{tail}"
    return f"{head}…{len(text) - len(head) - len(tail)} chars truncated…{tail}"
