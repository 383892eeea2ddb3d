"""What of Claude Code's records stands in the model's context, record by record."""

from __future__ import annotations

from typing import Any, Final

import orjson

from tracetui.harness.claude.labels import CONTINUED, attachment_text, is_command, segments
from tracetui.harness.content import flatten
from tracetui.harness.context import Category, ContextPiece, call_text
from tracetui.model import Record

__all__ = ["SNAPSHOT", "before", "pieces"]

_UNSEEN: Final = frozenset(
    """hook_cancelled hook_permission_decision command_permissions hook_system_message hook_non_blocking_error
    hook_error_during_execution hook_stopped_continuation auto_mode auto_mode_exit structured_output already_read_file
    opened_file_in_ide_hidden max_turns_reached""".split()
)
"""Attachments that people see and the model does not."""
_ERROR: Final = ("API Error", "Invalid API key", "Prompt is too long", "Credit balance", "Claude AI usage limit")
"""How texts begin that the program says of itself, in versions that do not mark them."""
SNAPSHOT: Final = "prompt_snapshot"
"""The attachment that holds the system prompt and the tools (2.1.3xx on)."""
_SPOKEN_HOOKS: Final = frozenset({"SessionStart", "UserPromptSubmit"})
_MEMORY: Final = frozenset({"instructions", "nested_memory", "relevant_memories", "memory", "ultramemory"})


_PLANS_SENT: Final = (2, 1, 150)
"""The version from which on a plan is sent again as the argument that it was; before it was sent as a file only
(seen: 2.0.76 to 2.1.98 without, 2.1.197 with)."""
_UNSAID: Final = {
    "task_reminder": 420,
    "todo_reminder": 430,
    "skill_listing": 65,
    "agent_listing_delta": 177,
    "mcp_instructions_delta": 123,
    "deferred_tools_delta": 230,
    "edited_text_file": 300,
    "plan_mode": 3500,
    "plan_mode_exit": 260,
    "plan_mode_reentry": 900,
    "queued_command": 180,
}
"""Characters that were sent around the text of an attachment and stand in no log; measured on requests of 2.1.49 to
2.1.197."""


def pieces(record: Record) -> list[ContextPiece]:
    """The pieces of one record, in order; none for what the model never saw."""
    value = record.value
    kind = value.get("type")
    if kind == "assistant":
        return _answer(value)
    if kind == "user":
        return _said(value)
    if kind == "attachment":
        item = value.get("attachment")
        return _attached(item, value.get("rendered")) if type(item) is dict else []
    if kind == "system":
        content = value.get("content")
        if value.get("subtype") == "local_command" and type(content) is str and content.strip():
            return [ContextPiece("attachment", content, name="local_command")]
        return []
    if kind == "queue-operation":
        content = value.get("content")
        if type(content) is str and content.strip():
            return [
                ContextPiece("attachment" if _notice(content) else "prompt", content.strip(), name="queued_command")
            ]
    return []


def _notice(text: str) -> bool:
    head = text.lstrip()[:40]
    return head.startswith(("<task-notification", "<agent-notification", '{"task_id"')) or is_command(head)


def _of_block(value: dict[str, Any], kind: str, block: dict[str, Any]) -> ContextPiece | None:
    """The piece of a block of a response that is not plain words."""
    if kind == "thinking" or kind == "redacted_thinking":
        said, sealed = block.get("thinking"), block.get("signature") or block.get("data")
        said = said if type(said) is str else ""
        hidden = len(sealed) if type(sealed) is str else 0
        return ContextPiece("thinking", said, hidden=hidden, value=block) if said or hidden else None
    if kind.endswith("tool_use"):
        return _call(value, block)
    if kind.endswith("tool_result"):
        return _result(block)
    text, images = flatten(block)
    return ContextPiece("message", text, images=images) if text else None


def _call(value: dict[str, Any], block: dict[str, Any]) -> ContextPiece:
    name, ident, given = block.get("name"), block.get("id"), block.get("input")
    name = name if type(name) is str and name else "(unnamed)"
    if name == "ExitPlanMode" and type(given) is dict and before(value, _PLANS_SENT):
        given = {key: item for key, item in given.items() if key not in ("plan", "planFilePath")}
    call = ident if type(ident) is str else None
    return ContextPiece("tool_call", call_text(name, given), call, name, key=f"call:{ident}", value=given)


def _answer(value: dict[str, Any]) -> list[ContextPiece]:
    message = value.get("message")
    if type(message) is not dict or value.get("isApiErrorMessage") is True:
        return []
    content = message.get("content")
    if message.get("model") == "<synthetic>":
        # What the program put into the model's mouth is sent again (as "No response requested."); its errors are not.
        text = flatten(content).text
        return [ContextPiece("message", text, name="synthetic")] if text.strip() and not text.startswith(_ERROR) else []
    if type(content) is str:
        return [ContextPiece("message", content)] if content else []
    if type(content) is not list:
        return []
    out: list[ContextPiece] = []
    for block in content:
        kind = block.get("type") if type(block) is dict else None
        if kind == "text":
            text = block.get("text")
            if type(text) is str and text:
                out.append(ContextPiece("message", text))
        elif type(kind) is str:
            piece = _of_block(value, kind, block)
            if piece is not None:
                out.append(piece)
    return out


def _result(block: dict[str, Any]) -> ContextPiece:
    ident = block.get("tool_use_id")
    content = block.get("content")
    text, images = flatten(content)
    ident = ident if type(ident) is str and ident else None
    return ContextPiece("tool_result", text, ident, images=images, key=ident, value=content if images else None)


def _said(value: dict[str, Any]) -> list[ContextPiece]:
    message = value.get("message")
    content = message.get("content") if type(message) is dict else message
    summary = value.get("isCompactSummary") is True
    if value.get("isVisibleInTranscriptOnly") is True and not summary:
        return []
    if type(content) is str:
        return _words(value, content, summary)
    if type(content) is not list:
        return []
    out: list[ContextPiece] = []
    for block in content:
        kind = block.get("type") if type(block) is dict else None
        if kind == "tool_result":
            out.append(_result(block))
            continue
        text, images = flatten(block)
        if images:
            out.append(ContextPiece("prompt" if not _meta(value) else "attachment", text, images=images, value=[block]))
        elif text:
            out += _words(value, text, summary)
    return out


def _meta(value: dict[str, Any]) -> bool:
    return (
        value.get("isMeta") is True
        or type(value.get("sourceToolUseID")) is str
        or (value.get("toolUseResult") is not None and value.get("isCompactSummary") is not True)
    )


def _words(value: dict[str, Any], text: str, summary: bool) -> list[ContextPiece]:
    if not text.strip():
        return []
    if summary or text.startswith(CONTINUED):
        return [ContextPiece("summary", text)]
    if _meta(value):
        return [ContextPiece("attachment", text, name="skill" if "sourceToolUseID" in value else None)]
    return [ContextPiece("prompt" if human else "attachment", part) for human, part in segments(text)]


def _attached(item: dict[str, Any], rendered: object) -> list[ContextPiece]:
    kind = item.get("type")
    kind = kind if type(kind) is str else None
    if kind == SNAPSHOT:
        return _snapshot(item)
    if type(rendered) is list and kind != "queued_command":
        return _rendered(rendered, kind)
    if kind in _UNSEEN:
        return []
    if kind == "hook_success" and item.get("hookEvent") not in _SPOKEN_HOOKS:
        return []
    if kind == "queued_command":
        prompt = item.get("prompt")
        text, images = flatten(prompt)
        if not text.strip():
            return []
        mode = item.get("commandMode")
        human = mode in (None, "prompt") and not _notice(text)
        return [
            ContextPiece(
                "prompt" if human else "attachment", text, name=kind, images=images, value=prompt if images else None
            )
        ]
    if kind in ("file", "directory"):
        return _opened(item, kind)
    text = _hooked(item, kind) if (kind or "").startswith("hook_") else attachment_text(item)[0]
    unsaid = _UNSAID.get(kind or "", 0)
    if not text and not unsaid:
        return []
    category: Category = "instructions" if kind in _MEMORY else "attachment"
    if kind == "nested_memory":
        content = item.get("content")
        inner = content.get("content") if type(content) is dict else None
        text = f"Contents of {item.get('path')}:\n\n{inner}" if type(inner) is str else text
    return [ContextPiece(category, text, name=kind, unsaid=unsaid)]


def _hooked(item: dict[str, Any], kind: str | None) -> str:
    """What a hook said, in the words in which it is sent."""
    hook, content = item.get("hookName"), flatten(item.get("content")).text
    if type(hook) is not str:
        return attachment_text(item)[0]
    error = item.get("blockingError")
    if kind == "hook_blocking_error" and type(error) is dict:
        told, command = error.get("blockingError"), error.get("command")
        return f'{hook} hook blocking error from command: "{command}": {told}'.strip()
    words = {"hook_success": "success", "hook_additional_context": "additional context"}.get(kind or "")
    return f"{hook} hook {words}: {content}" if words and content else attachment_text(item)[0]


def _opened(item: dict[str, Any], kind: str) -> list[ContextPiece]:
    """A file or folder that a prompt named with ``@``: sent as a call and its result, though no model called."""
    content = item.get("content")
    if kind == "directory" and type(content) is str:
        path = item.get("path")
        given = {"command": f"ls {path}", "description": f"Lists files in {path}"}
        return [_told("Bash", given, content)]
    inner = content.get("file") if type(content) is dict else None
    text = inner.get("content") if type(inner) is dict else None
    if type(inner) is dict and type(text) is str:
        start = inner.get("startLine")
        first = start if type(start) is int else 1
        lines = "\n".join(f"{nth}\t{line}" for nth, line in enumerate(text.split("\n"), first))
        return [_told("Read", {"file_path": item.get("filename")}, lines)]
    flat = flatten([content] if type(content) is dict else content)
    shown = attachment_text(item)[0] or flat.text
    return [ContextPiece("attachment", shown, name=kind, images=flat.images)] if shown else []


def _told(tool: str, given: dict[str, Any], result: str) -> ContextPiece:
    call = orjson.dumps(given).decode()
    text = f"Called the {tool} tool with the following input: {call}\nResult of calling the {tool} tool:\n{result}"
    return ContextPiece("attachment", text, name=f"@{'folder' if tool == 'Bash' else 'file'}")


def _rendered(rendered: list[Any], kind: str | None) -> list[ContextPiece]:
    """An attachment in the words that were sent (2.1.3xx on); none where nothing was."""
    category: Category = "instructions" if kind in _MEMORY else "attachment"
    out: list[ContextPiece] = []
    for item in rendered:
        content = item.get("content") if type(item) is dict else None
        text, images = flatten(content)
        text = text.strip().removeprefix("<system-reminder>").removesuffix("</system-reminder>").strip()
        if text:
            out.append(ContextPiece(category, text, name=kind, images=images, value=content if images else None))
    return out


def before(value: dict[str, Any], version: tuple[int, ...]) -> bool:
    """Whether a record is of a version before this one."""
    told = value.get("version")
    parts = told.split(".")[:3] if type(told) is str else []
    return bool(parts) and tuple(int(part) for part in parts if part.isdecimal() and len(part) < 6) < version


def _snapshot(item: dict[str, Any]) -> list[ContextPiece]:
    """The system prompt as one piece, and one per tool; each with a key, for the next snapshot takes its place."""
    told, prefix = item.get("systemPrompt"), item.get("cliPrefix")
    texts = [text for text in (prefix, *(told if type(told) is list else ())) if type(text) is str and text.strip()]
    out = [ContextPiece("system", "\n\n".join(texts), name="prompt", key="snapshot:prompt")] if texts else []
    tools = item.get("tools")
    for tool in tools if type(tools) is list else ():
        name = tool.get("name") if type(tool) is dict else None
        if type(name) is str and name:
            shape = tool.get("schema")
            shape = shape if type(shape) is dict else tool
            text = orjson.dumps(shape).decode()
            out.append(ContextPiece("system", text, name=f"tool {name}", key=f"snapshot:tool:{name}", value=shape))
    return out
