"""What of Copilot CLI's events stands in the model's context.

The system message and the prompts as they were sent (``transformedContent``) are in the log. What a compaction leaves
besides its summary is not told; that it leaves the system message and the summary is an assumption.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from tracetui.harness.context import ROOT, Canvas, ContextPiece, ContextRules, Keeps, call_text
from tracetui.harness.copilot.reader import arguments, result_text
from tracetui.harness.stepping import string
from tracetui.model import Record, Step

__all__ = ["RULES", "CopilotTracker", "pieces"]


def pieces(record: Record) -> list[ContextPiece]:
    """The pieces of one event, in order; none for what the model never saw."""
    value = record.value
    kind, data = value.get("type"), value.get("data")
    if not isinstance(data, dict):
        return []
    if kind == "system.message":
        text = string(data.get("content")) or ""
        return [ContextPiece("system", text, name="prompt", key="system")] if text.strip() else []
    if kind == "user.message":
        text = string(data.get("transformedContent")) or string(data.get("content")) or ""
        return [ContextPiece("prompt", text)] if text.strip() else []
    if kind == "assistant.message":
        return _answer(data)
    if kind == "tool.execution_complete":
        return [ContextPiece("tool_result", result_text(data), string(data.get("toolCallId")))]
    if kind == "system.notification":
        text = string(data.get("content")) or ""
        return [ContextPiece("attachment", text, name="notification")] if text.strip() else []
    if kind == "session.compaction_complete":
        text = string(data.get("summaryContent")) or ""
        return [ContextPiece("summary", text)] if text.strip() else []
    return []


def _answer(data: dict[str, Any]) -> list[ContextPiece]:
    out: list[ContextPiece] = []
    thought, sealed = string(data.get("reasoningText")) or "", string(data.get("reasoningOpaque")) or ""
    if thought.strip() or sealed:
        out.append(ContextPiece("thinking", thought, hidden=0 if thought else len(sealed)))
    said = string(data.get("content")) or ""
    if said.strip():
        out.append(ContextPiece("message", said))
    asked = data.get("toolRequests")
    for request in asked if isinstance(asked, list) else ():
        if isinstance(request, dict):
            name = string(request.get("name")) or "tool"
            given = arguments(request.get("arguments"))
            out.append(
                ContextPiece("tool_call", call_text(name, given), string(request.get("toolCallId")), name, value=given)
            )
    return out


class CopilotTracker:
    """See ``harness.context.Tracker``: one line of events, those of subagents left out of it."""

    def __init__(self, canvas: Canvas, stem: str) -> None:
        self.canvas = canvas
        self._last = ROOT
        self._system = ROOT
        self._inner: dict[str, int] = {}  # a call that a subagent works for -> the end of its own conversation
        self._at: dict[str, int] = {}

    def feed(self, record: Record, steps: Sequence[Step]) -> None:
        """Take one record."""
        value = record.value
        kind, data = value.get("type"), value.get("data")
        if not isinstance(kind, str) or not isinstance(data, dict):
            return
        found = pieces(record)
        within = string(data.get("parentToolCallId"))
        last = self._last if within is None else self._inner.get(within, ROOT)
        if kind == "session.snapshot_rewind":
            last = self._at.get(string(data.get("upToEventId")) or "", last)
        elif kind == "session.compaction_complete" and data.get("success") is not False:
            prior, last = last, ROOT
            if self._system != ROOT:
                last = self.canvas.again(ROOT, self._system)
            last = self.canvas.node(last, record, found)
            if prior != ROOT:
                self.canvas.cut(last, prior, "compaction")
        elif kind == "system.message":
            if self._system == ROOT:
                last = self._system = self.canvas.node(last, record, found)
            elif found:  # a resumed session tells it again
                last = self.canvas.node(last, record, [])
                self.canvas.replace(last, {"system": found}, record, "edit")
        elif kind == "assistant.message":
            own = string(data.get("messageId")) or string(value.get("id"))
            call = self.canvas.call(own or f"L{record.source.line}.{record.nth}", last)
            last = self.canvas.node(last, record, found, by=call)
        elif found:
            last = self.canvas.node(last, record, found, turn=kind == "user.message")
        if within is None:
            self._last = last
        else:
            self._inner[within] = last
        own = string(value.get("id"))
        if own is not None:
            self._at[own] = last


RULES: Final = ContextRules(
    pieces=pieces,
    tracker=CopilotTracker,
    keeps_thinking=lambda model, version: Keeps(True, False),
    missing=("tool schemas",),
    system_first=True,
)
