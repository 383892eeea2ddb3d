"""What of Claude Code's records stands in the model's context, and the tree of ``parentUuid`` that they stand in.

The rules are those that the program itself follows when it loads a log: a chain of parents through every record with a
uuid (also progress, which shows nothing), cut at the last compact boundary; lines of one response are one node however
its parallel results fan out; a boundary may keep a stretch of messages (``preservedSegment``); a micro-compaction
blanks results by the ids of their calls.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Sequence
from typing import Any, Final

from tracetui.harness.claude.state import fingerprint
from tracetui.harness.claude.words import CONTINUED, attachment_text, is_command, segments
from tracetui.harness.content import flatten
from tracetui.harness.context import ROOT, Canvas, Category, ContextRules, Piece, call_text
from tracetui.model import Record, Step

__all__ = ["RULES", "ClaudeTracker", "pieces"]

_CLEARED: Final = "[Old tool result content cleared]"
_UNSEEN: Final = frozenset(
    """hook_cancelled hook_permission_decision command_permissions hook_system_message hook_non_blocking_error
    hook_error_during_execution hook_stopped_continuation auto_mode auto_mode_exit structured_output already_read_file
    opened_file_in_ide_hidden max_turns_reached""".split()
)
"""Attachments that people see and the model does not."""
_SPOKEN_HOOKS: Final = frozenset({"SessionStart", "UserPromptSubmit"})
_MEMORY: Final = frozenset({"nested_memory", "relevant_memories", "memory", "ultramemory"})
_RESPONSES: Final = 64
_VERSION: Final = re.compile(r"(opus|sonnet|haiku|fable)-([0-9]{1,2})(?:[-.]([0-9]{1,2})(?![0-9]))?")


def pieces(record: Record) -> list[Piece]:
    """The pieces of one record, in order; none for what the model never saw."""
    value = record.value
    kind = value.get("type")
    if kind == "assistant":
        return _answer(value)
    if kind == "user":
        return _said(value)
    if kind == "attachment":
        item = value.get("attachment")
        return _attached(item) if type(item) is dict else []
    if kind == "system":
        content = value.get("content")
        if value.get("subtype") == "local_command" and type(content) is str and content.strip():
            return [Piece("attachment", content, name="local_command")]
        return []
    if kind == "queue-operation":
        content = value.get("content")
        if type(content) is str and content.strip():
            return [Piece("attachment" if _notice(content) else "prompt", content.strip(), name="queued_command")]
    return []


def _notice(text: str) -> bool:
    head = text.lstrip()[:40]
    return head.startswith(("<task-notification", "<agent-notification", '{"task_id"')) or is_command(head)


def _answer(value: dict[str, Any]) -> list[Piece]:
    message = value.get("message")
    if type(message) is not dict or message.get("model") == "<synthetic>" or value.get("isApiErrorMessage") is True:
        return []
    content = message.get("content")
    if type(content) is str:
        return [Piece("message", content)] if content else []
    if type(content) is not list:
        return []
    out: list[Piece] = []
    for block in content:
        kind = block.get("type") if type(block) is dict else None
        if kind == "text":
            text = block.get("text")
            if type(text) is str and text:
                out.append(Piece("message", text))
        elif kind == "thinking" or kind == "redacted_thinking":
            text, sealed = block.get("thinking"), block.get("signature") or block.get("data")
            text = text if type(text) is str else ""
            hidden = len(sealed) if type(sealed) is str else 0
            if text or hidden:
                out.append(Piece("thinking", text, hidden=hidden, value=block))
        elif type(kind) is str and kind.endswith("tool_use"):
            name, ident = block.get("name"), block.get("id")
            name = name if type(name) is str and name else "(unnamed)"
            given = block.get("input")
            out.append(
                Piece("tool_call", call_text(name, given), ident if type(ident) is str else None, name, value=given)
            )
        elif type(kind) is str and kind.endswith("tool_result"):
            out.append(_result(block))
        elif type(kind) is str:
            text, images = flatten(block)
            if text:
                out.append(Piece("message", text, images=images))
    return out


def _result(block: dict[str, Any]) -> Piece:
    ident = block.get("tool_use_id")
    content = block.get("content")
    text, images = flatten(content)
    ident = ident if type(ident) is str and ident else None
    return Piece("tool_result", text, ident, images=images, key=ident, value=content if images else None)


def _said(value: dict[str, Any]) -> list[Piece]:
    message = value.get("message")
    content = message.get("content") if type(message) is dict else message
    summary = value.get("isCompactSummary") is True
    if value.get("isVisibleInTranscriptOnly") is True and not summary:
        return []
    if type(content) is str:
        return _words(value, content, summary)
    if type(content) is not list:
        return []
    out: list[Piece] = []
    for block in content:
        kind = block.get("type") if type(block) is dict else None
        if kind == "tool_result":
            out.append(_result(block))
            continue
        text, images = flatten(block)
        if images:
            out.append(Piece("prompt" if not _meta(value) else "attachment", text, images=images, value=[block]))
        elif text:
            out += _words(value, text, summary)
    return out


def _meta(value: dict[str, Any]) -> bool:
    return (
        value.get("isMeta") is True
        or type(value.get("sourceToolUseID")) is str
        or (value.get("toolUseResult") is not None and value.get("isCompactSummary") is not True)
    )


def _words(value: dict[str, Any], text: str, summary: bool) -> list[Piece]:
    if not text.strip():
        return []
    if summary or text.startswith(CONTINUED):
        return [Piece("summary", text)]
    if _meta(value):
        return [Piece("attachment", text, name="skill" if "sourceToolUseID" in value else None)]
    return [Piece("prompt" if human else "attachment", part) for human, part in segments(text)]


def _attached(item: dict[str, Any]) -> list[Piece]:
    kind = item.get("type")
    kind = kind if type(kind) is str else None
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
            Piece("prompt" if human else "attachment", text, name=kind, images=images, value=prompt if images else None)
        ]
    text, _ = attachment_text(item)
    if not text:
        return []
    category: Category = "instructions" if kind in _MEMORY else "attachment"
    return [Piece(category, text, name=kind)]


class _Response:
    """A model response in the tree: its lines and the results of its calls are one stretch of nodes."""

    __slots__ = ("call", "tail")

    def __init__(self, call: int, tail: int) -> None:
        self.call = call
        self.tail = tail


class ClaudeTracker:
    """See ``harness.context.Tracker``. Keeps a number per record and the ids of calls; no text."""

    def __init__(self, canvas: Canvas, stem: str) -> None:
        self.canvas = canvas
        self._nodes: dict[int, int] = {}  # fingerprint of a uuid -> node
        self._responses: dict[str, _Response] = {}
        self._of_node: dict[int, _Response] = {}  # a node of a response -> the response, for the latest ones
        self._of_call: dict[str, _Response] = {}
        self._marks = array("Q")  # fingerprints by node (0: none), for stretches that a compaction may keep
        self._splices: dict[int, tuple[int, int]] = {}  # anchor -> head, tail of what was kept
        self._last = {False: ROOT, True: ROOT}
        self._steps = 0
        self._bounded = {False: False, True: False}  # a boundary waits for its summary

    def feed(self, record: Record, steps: Sequence[Step]) -> None:
        """Take one record."""
        value = record.value
        kind = value.get("type")
        absorbed = [step for step in steps if step.number > self._steps and record.source not in step.sources]
        if steps:
            self._steps = max(self._steps, steps[-1].number)
        side = value.get("isSidechain") is True
        for step in absorbed:
            self._absorbed(step, side)
        uuid = value.get("uuid")
        if type(uuid) is not str or not uuid:
            if kind not in ("user", "assistant", "attachment"):
                return
            uuid = f"L{record.source.line}.{record.nth}"
        mark = fingerprint(uuid)
        if mark in self._nodes:
            return
        parent = self._parent(value, side)
        if kind == "progress":
            self._nodes[mark] = parent
            return
        if kind == "assistant":
            node = self._assistant(record, value, parent)
        elif kind == "user" or kind == "attachment":
            node = self._user(record, value, parent)
        elif kind == "system":
            node = self._system(record, value, parent)
        else:
            self._nodes[mark] = parent
            return
        self._nodes[mark] = node
        if node != ROOT:
            self._last[side] = node
            self._mark(node, mark)
        kept = self._splices.pop(mark, None)
        if kept is not None:
            self._keep(mark, node, kept, side)

    def _mark(self, node: int, mark: int) -> None:
        if len(self._marks) <= node:
            self._marks.extend([0] * (node + 1 - len(self._marks)))
        self._marks[node] = mark

    # ---- where a record stands ---------------------------------------------------------------------------------------

    def _parent(self, value: dict[str, Any], side: bool) -> int:
        """The node that a record follows: that of its parent, or the last of the thread where the log lost that."""
        named = value.get("parentUuid")
        if type(named) is not str or not named:
            if "parentUuid" not in value and value.get("subtype") != "compact_boundary":
                return self._last[side]
            return ROOT
        node = self._nodes.get(fingerprint(named))
        if node is None:
            return self._last[side]
        response = self._of_node.get(node)
        return response.tail if response is not None else node

    def _absorbed(self, step: Step, side: bool) -> None:
        """A text that went into the running turn and shows in the queue's records only: it stands before this one."""
        last = self._last[side]
        if last == ROOT or not step.text or not step.sources:
            return
        human = step.kind == "prompt"
        record = Record(step.sources[-1], {"type": "queue-operation", "content": step.text})
        piece = Piece("prompt" if human else "attachment", step.text.strip(), name="queued_command")
        response = self._of_node.get(last)
        node = self.canvas.node(response.tail if response else last, record, [piece], origin=step.number)
        if response is not None:
            response.tail = node
            self._of_node[node] = response
        else:
            mark = self._marks[last] if last < len(self._marks) else 0
            if mark:
                self._nodes[mark] = node
        self._last[side] = node

    def _keep(self, anchor: int, node: int, kept: tuple[int, int], side: bool) -> None:
        """Put a stretch that a compaction kept behind its anchor; later records follow the stretch."""
        head, tail = kept
        stretch: list[int] = []
        at, limit = tail, 1_000_000
        while at != ROOT and limit:
            stretch.append(at)
            if at == head:
                break
            at = self.canvas.parent(at)
            limit -= 1
        else:
            return
        for old in reversed(stretch):
            node = self.canvas.again(node, old)
            mark = self._marks[old] if old < len(self._marks) else 0
            if mark:
                self._nodes[mark] = node
                self._mark(node, mark)
        self._nodes[anchor] = node
        self._last[side] = node

    # ---- records -----------------------------------------------------------------------------------------------------

    def _assistant(self, record: Record, value: dict[str, Any], parent: int) -> int:
        found = pieces(record)
        message = value.get("message")
        if type(message) is not dict or (not found and message.get("model") == "<synthetic>"):
            return parent
        if value.get("isApiErrorMessage") is True:
            return parent
        name = _named(value, message) or f"L{record.source.line}"
        response = self._responses.get(name)
        if response is None:
            response = self._responses[name] = _Response(self.canvas.call(name, parent), parent)
            if len(self._responses) > _RESPONSES:
                del self._responses[next(iter(self._responses))]
        node = response.tail = self.canvas.node(response.tail, record, found, by=response.call)
        self._of_node[node] = response
        for piece in found:
            if piece.category == "tool_call" and piece.call:
                self._of_call[piece.call] = response
        return node

    def _user(self, record: Record, value: dict[str, Any], parent: int) -> int:
        found = pieces(record)
        if not found:
            return parent
        result = next((piece for piece in found if piece.category == "tool_result"), None)
        response = self._of_call.get(result.call) if result is not None and result.call else None
        if response is not None:
            for piece in found:
                self._of_call.pop(piece.call or "", None)
            if parent == response.tail or self._of_node.get(parent) is response:
                node = response.tail = self.canvas.node(response.tail, record, found)
                self._of_node[node] = response
                return node
        summary = found[0].category == "summary"
        if summary:
            side = value.get("isSidechain") is True
            bounded, self._bounded[side] = self._bounded[side], False
            prior = parent if parent != ROOT else self._last[side]
            if not bounded and prior != ROOT:  # older versions wrote no boundary: the summary is where it begins anew
                node = self.canvas.node(ROOT, record, found)
                self.canvas.cut(node, prior, "compaction")
                return node
        turn = result is None and value.get("type") == "user" and not summary and value.get("isMeta") is not True
        return self.canvas.node(parent, record, found, turn=turn)

    def _system(self, record: Record, value: dict[str, Any], parent: int) -> int:
        subtype = value.get("subtype")
        if subtype == "compact_boundary":
            logical = value.get("logicalParentUuid")
            named = self._nodes.get(fingerprint(logical)) if type(logical) is str and logical else None
            side = value.get("isSidechain") is True
            prior = named if named is not None else parent if parent != ROOT else self._last[side]
            response = self._of_node.get(prior)
            prior = response.tail if response is not None else prior
            node = self.canvas.node(ROOT, record, [])
            if prior != ROOT:
                self.canvas.cut(node, prior, "compaction")
            self._preserved(value)
            self._bounded[side] = True
            return node
        found = pieces(record)
        if subtype == "microcompact_boundary":
            meta = value.get("microcompactMetadata")
            names = meta.get("compactedToolIds") if type(meta) is dict else None
            calls = [name for name in names if type(name) is str] if type(names) is list else []
            node = self.canvas.node(parent, record, [])
            blank = {call: (Piece("tool_result", _CLEARED, call),) for call in calls}
            self.canvas.replace(node, blank, record, "microcompaction")
            return node
        return self.canvas.node(parent, record, found) if found else parent

    def _preserved(self, value: dict[str, Any]) -> None:
        meta = value.get("compactMetadata")
        kept = meta.get("preservedSegment") if type(meta) is dict else None
        if type(kept) is not dict:
            return
        ends = [kept.get(name) for name in ("headUuid", "tailUuid", "anchorUuid")]
        marks = [fingerprint(name) for name in ends if type(name) is str and name]
        if len(marks) == 3 and marks[0] in self._nodes and marks[1] in self._nodes:
            head, tail = self._nodes[marks[0]], self._nodes[marks[1]]
            response = self._of_node.get(tail)
            self._splices[marks[2]] = head, response.tail if response is not None else tail


def _named(value: dict[str, Any], message: dict[str, Any]) -> str | None:
    """The response's name, as the reader names it."""
    ident, request = message.get("id"), value.get("requestId")
    if type(ident) is not str or not ident:
        uuid = value.get("uuid")
        return request if type(request) is str and request else uuid if type(uuid) is str and uuid else None
    return f"{ident}/{request}" if type(request) is str and request else ident


def _keeps_thinking(model: str | None) -> bool:
    """Opus from 4.5 and the others from 4.6 on keep the thinking of earlier turns; older models are not shown it
    again."""
    match = _VERSION.search(model or "")
    if match is None:
        return False
    version = int(match[2]), int(match[3] or 0)
    return version >= ((4, 5) if match[1] == "opus" else (4, 6))


RULES: Final = ContextRules(
    pieces=pieces,
    tracker=ClaudeTracker,
    keeps_thinking=_keeps_thinking,
    missing=("system prompt", "tool schemas", "memory files and reminders that the log does not show"),
)
