"""What of Pi's entries stands in the model's context: the path from the leaf to the root, as Pi builds it.

The latest compaction on the path gives way to its summary, what it kept and what came after. ``context_edit`` replaces
or leaves out an entry (the latest one on the path wins). System messages (1.x) hold the prompt, named sections that
later ones replace, and the tools; with them the log holds everything. Responses that failed or were aborted are not
shown to the model again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import orjson

from tracetui.harness.content import flatten
from tracetui.harness.context import ROOT, Canvas, ContextPiece, ContextRules, Keeps, call_text
from tracetui.harness.pi import parts
from tracetui.model import Record, Step

__all__ = ["RULES", "PiTracker", "pieces"]

_CALLS: Final = ("toolCall", "toolUse", "tool_use", "functionCall")
_FAILED: Final = ("error", "aborted")
_SUMMARY: Final = 113
_BRANCH: Final = 104
"""Characters that Pi puts around a summary when it sends it."""


def pieces(record: Record) -> list[ContextPiece]:
    """The pieces of one entry, in order; none for what the model never saw."""
    value = record.value
    kind = value.get("type")
    key = parts.string(value.get("id"))
    if kind == "message":
        message = value.get("message")
        return _message(message, key) if isinstance(message, dict) else []
    if kind == "compaction":
        return _compaction(value, key)
    if kind == "branch_summary":
        text = flatten(value.get("summary")).text
        return [ContextPiece("summary", text, name="branch_summary", key=key, unsaid=_BRANCH)] if text.strip() else []
    if kind == "custom_message":
        return _custom(value, key)
    if kind == "context_edit":
        return _edit(value)
    return []


def _compaction(value: dict[str, Any], key: str | None) -> list[ContextPiece]:
    out: list[ContextPiece] = []
    system = value.get("systemMessage")
    if isinstance(system, dict):
        out += _system(system)
    text = flatten(value.get("summary")).text
    if text.strip():
        out.append(ContextPiece("summary", text, key=key, unsaid=_SUMMARY))
    tail = value.get("retainedTail")
    for message in tail if isinstance(tail, list) else ():
        if isinstance(message, dict):
            out += _message(message.get("message") if isinstance(message.get("message"), dict) else message, None)
    return out


def _edit(value: dict[str, Any]) -> list[ContextPiece]:
    replacement = value.get("replacement")
    if replacement is None:
        return []
    content: Any = replacement
    if isinstance(replacement, dict):
        content = replacement.get("content", replacement.get("text", replacement))
    text, images = flatten(content)
    return [ContextPiece("attachment", text, images=images, name="context_edit", value=content if images else None)]


def _custom(value: dict[str, Any], key: str | None) -> list[ContextPiece]:
    content = value.get("content")
    text, images = flatten(content)
    if not text.strip():
        return []
    return [
        ContextPiece(
            "attachment",
            text,
            name=parts.string(value.get("customType")),
            images=images,
            key=key,
            value=content if images else None,
        )
    ]


def _system(message: dict[str, Any]) -> list[ContextPiece]:
    out: list[ContextPiece] = []
    text = flatten(message.get("content")).text
    if text.strip():
        out.append(ContextPiece("system", text, name="prompt"))
    sections = message.get("sections")
    for name, section in sections.items() if isinstance(sections, dict) else ():
        if isinstance(section, str) and section.strip():
            out.append(ContextPiece("system", section, name=name, key=f"section:{name}"))
    added = message.get("toolsAdded")
    for tool in added if isinstance(added, list) else ():
        if isinstance(tool, dict):
            name = parts.string(tool.get("name")) or "tool"
            out.append(ContextPiece("system", _json(tool), name=f"tool {name}", key=f"tool:{name}", value=tool))
    return out


def _message(message: dict[str, Any] | Any, key: str | None) -> list[ContextPiece]:
    role = message.get("role")
    if role == "assistant":
        return _answer(message, key)
    content = message.get("content")
    if role == "system":
        return _system(message)
    if role == "toolResult":
        text, images = flatten(content)
        call = parts.string(message.get("toolCallId"))
        name = parts.string(message.get("toolName"))
        return [ContextPiece("tool_result", text, call, name, images, key=key, value=content if images else None)]
    if role == "user":
        text, images = flatten(content)
        if not text.strip():
            return []
        return [
            ContextPiece(
                "attachment" if parts.harness_text(text) else "prompt",
                text,
                images=images,
                key=key,
                value=content if images else None,
            )
        ]
    if role == "bashExecution":
        return _bash(message, key)
    if role == "custom" or role == "hookMessage":
        return _custom(message, key)
    if role == "compactionSummary" or role == "branchSummary":
        text = flatten(message.get("summary")).text
        around = _SUMMARY if role == "compactionSummary" else _BRANCH
        return [ContextPiece("summary", text, key=key, unsaid=around)] if text.strip() else []
    return []


def _answer(message: dict[str, Any], key: str | None) -> list[ContextPiece]:
    content = message.get("content")
    out: list[ContextPiece] = []
    for block in content if isinstance(content, list) else [content] if content else []:
        kind = block.get("type") if isinstance(block, dict) else None
        if kind in _CALLS:
            name = parts.string(block.get("name")) or "tool"
            given = parts.arguments(block)
            call = parts.string(block.get("id"))
            out.append(ContextPiece("tool_call", call_text(name, given), call, name, key=key, value=given))
        elif kind == "thinking":
            text, sealed = block.get("thinking"), block.get("thinkingSignature")
            text = text if isinstance(text, str) else ""
            hidden = len(sealed) if isinstance(sealed, str) else 0
            if text or hidden:
                out.append(ContextPiece("thinking", text, hidden=hidden, key=key, value=block))
        else:
            text, images = flatten(block)
            if text:
                out.append(ContextPiece("message", text, images=images, key=key))
    return out


def _bash(message: dict[str, Any], key: str | None) -> list[ContextPiece]:
    """The user's own command, worded as Pi words it for the model."""
    if message.get("excludeFromContext") is True:
        return []
    command, output, code = message.get("command"), message.get("output"), message.get("exitCode")
    text = f"Ran `{command if isinstance(command, str) else ''}`\n"
    text += f"```\n{output}\n```" if isinstance(output, str) and output else "(no output)"
    if message.get("cancelled") is True:
        text += "\n\n(command cancelled)"
    elif type(code) is int and code != 0:
        text += f"\n\nCommand exited with code {code}"
    path = message.get("fullOutputPath")
    if message.get("truncated") is True and isinstance(path, str) and path:
        text += f"\n\n[Output truncated. Full output: {path}]"
    return [ContextPiece("attachment", text, name="bashExecution", key=key)]


def _json(value: Any) -> str:
    try:
        return orjson.dumps(value).decode()
    except (TypeError, ValueError):
        return ""


class PiTracker:
    """See ``harness.context.Tracker``: a node per entry, also of those that show nothing."""

    def __init__(self, canvas: Canvas, stem: str) -> None:
        self.canvas = canvas
        self._nodes: dict[str, int] = {}
        self._entry: dict[int, str] = {}
        self._order: list[int] = []  # format 1: the node of each record
        self._last = ROOT

    def feed(self, record: Record, steps: Sequence[Step]) -> None:
        """Take one record."""
        value = record.value
        kind = value.get("type")
        if not isinstance(kind, str) or kind == "session":
            self._order.append(self._last)
            return
        own = parts.string(value.get("id"))
        if own is not None and own in self._nodes:
            return
        parent = self._last
        if "parentId" in value:
            named = value["parentId"]
            parent = ROOT
            if isinstance(named, str) and named:
                parent = self._nodes.get(named, self._last)
        found = pieces(record)
        if kind == "compaction":
            node = self._compact(record, value, parent, found)
        elif kind == "context_edit":
            node = self.canvas.node(parent, record, [])
            target = parts.string(value.get("targetId"))
            if target is not None:
                self.canvas.replace(node, {target: found}, record, "edit")
        else:
            node = self._plain(record, value, kind, parent, found)
        name = own or f"L{record.source.line}.{record.nth}"
        self._nodes[name] = node
        self._entry[node] = name
        self._last = node
        if own is None:
            self._order.append(node)

    def _plain(self, record: Record, value: dict[str, Any], kind: str, parent: int, found: list[ContextPiece]) -> int:
        message = value.get("message") if kind == "message" else None
        role = message.get("role") if isinstance(message, dict) else None
        call = ROOT
        if isinstance(message, dict) and role == "assistant":
            own = parts.string(value.get("id"))
            line = f"L{record.source.line}.{record.nth}" if record.nth else f"L{record.source.line}"
            call = self.canvas.call(parts.string(message.get("responseId")) or own or line, parent)
            if message.get("stopReason") in _FAILED:
                found = []
        node = self.canvas.node(parent, record, found, turn=role == "user", by=call)
        if role == "system" and isinstance(message, dict) and parent != ROOT:
            gone = _replaced(message)
            if gone:
                self.canvas.replace(node, dict.fromkeys(gone, ()), record, "edit")
        return node

    def _compact(self, record: Record, value: dict[str, Any], prior: int, found: list[ContextPiece]) -> int:
        path: list[int] = []
        at = prior
        while at != ROOT:
            path.append(at)
            at = self.canvas.parent(at)
        path.reverse()
        first = len(path)
        kept = value.get("firstKeptEntryId")
        index = value.get("firstKeptEntryIndex")
        if isinstance(kept, str) and kept and kept != value.get("id"):
            first = next((nth for nth, node in enumerate(path) if self._entry.get(node) == kept), len(path))
        elif kept is None and type(index) is int and 0 <= index < len(self._order):
            first = next((nth for nth, node in enumerate(path) if node >= self._order[index]), len(path))
        head = ROOT
        if not isinstance(value.get("systemMessage"), dict):
            for node in path[:first]:
                if "system" in self.canvas.categories(node):
                    head = self._again(head, node)
        head = self.canvas.node(head, record, found)
        if prior != ROOT:
            self.canvas.cut(head, prior, "compaction")
        for node in path[first:]:
            if "summary" in self.canvas.categories(node) and self._entry.get(node, "") == "":
                continue
            head = self._again(head, node)
        return head

    def _again(self, head: int, node: int) -> int:
        new = self.canvas.again(head, node)
        name = self._entry.get(node)
        if name is not None:
            self._entry[new] = name
        return new


def _replaced(message: dict[str, Any]) -> list[str]:
    """The keys of sections and tools that a later system message changes or takes away."""
    gone: list[str] = []
    sections = message.get("sections")
    if isinstance(sections, dict):
        gone += [f"section:{name}" for name in sections]
    for field in ("toolsRemoved", "toolsAdded"):
        tools = message.get(field)
        for tool in tools if isinstance(tools, list) else ():
            name = tool.get("name") if isinstance(tool, dict) else tool
            if isinstance(name, str):
                gone.append(f"tool:{name}")
    return gone


RULES: Final = ContextRules(
    pieces=pieces,
    tracker=PiTracker,
    keeps_thinking=lambda model, version: Keeps(True, True),
    missing=("system prompt", "tool schemas", "AGENTS.md and skills"),
    complete=True,
    states_output=True,
)
