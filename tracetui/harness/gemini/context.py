"""What of Gemini CLI's records stands in the model's context.

A message of the model is sent without its thoughts. A resumed session begins with the messages that its ``$set`` names,
which hold the results of calls twice, as they are sent. The system prompt and the tools are never stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from tracetui.harness.context import ROOT, Canvas, ContextPiece, ContextRules, Keeps, call_text
from tracetui.harness.genai import parts_of, pieces_of, response_text
from tracetui.harness.stepping import string
from tracetui.model import Record, Step

__all__ = ["RULES", "GeminiTracker", "pieces"]


def pieces(record: Record) -> list[ContextPiece]:
    """The pieces of one record, in order; none for what the model never saw."""
    value = record.value
    box = value.get("$set")
    messages = box.get("messages") if isinstance(box, dict) else None
    if isinstance(messages, list):
        return [piece for message in messages if isinstance(message, dict) for piece in _message(message)]
    return _message(value)


def _message(value: dict[str, Any]) -> list[ContextPiece]:
    key = string(value.get("id"))
    kind = value.get("type")
    if kind == "user":
        return pieces_of(value.get("content"), "user", key=key)
    if kind != "gemini":
        return []
    out = pieces_of(value.get("content"), "model", key=key)
    listed = value.get("toolCalls")
    calls = [call for call in (listed if isinstance(listed, list) else ()) if isinstance(call, dict)]
    for call in calls:
        name = string(call.get("name")) or "tool"
        own, given = string(call.get("id")), call.get("args")
        out.append(ContextPiece("tool_call", call_text(name, given), own, name, value=given, key=key))
    for call in calls:
        own, name = string(call.get("id")), string(call.get("name")) or "tool"
        for part in parts_of(call.get("result")) if call.get("result") else ():
            answer = part.get("functionResponse")
            if isinstance(answer, dict):
                text, _ = response_text(answer.get("response"))
                out.append(ContextPiece("tool_result", text, own, name, key=key))
    return out


class GeminiTracker:
    """See ``harness.context.Tracker``: a node per message; later versions add what is new in them."""

    def __init__(self, canvas: Canvas, stem: str) -> None:
        self.canvas = canvas
        self._last = ROOT
        self._nodes: dict[str, int] = {}
        self._told: dict[str, int] = {}  # how many pieces of a message stand on the canvas
        self._calls: dict[str, int] = {}
        self._answered: set[str] = set()

    def feed(self, record: Record, steps: Sequence[Step]) -> None:
        """Take one record."""
        value = record.value
        box = value.get("$set")
        if isinstance(box, dict):
            self._set(record, box)
            return
        if "$rewindTo" in value:
            node = self._nodes.get(string(value.get("$rewindTo")) or "")
            if node is not None:
                self._last = self.canvas.parent(node)
            return
        own = string(value.get("id")) or f"L{record.source.line}"
        kind = value.get("type")
        if kind == "user":
            self._user(record, value, own)
        elif kind == "gemini":
            self._answer(record, own)

    def _set(self, record: Record, box: dict[str, Any]) -> None:
        """The whole conversation anew, where it names messages."""
        messages = box.get("messages")
        if not isinstance(messages, list):
            return
        found = pieces(record)
        prior = self._last
        self._last = self.canvas.node(ROOT, record, found)
        if prior != ROOT:
            self.canvas.cut(self._last, prior, "edit")
        for message in messages:
            if isinstance(message, dict) and (own := string(message.get("id"))) is not None:
                self._nodes[own] = self._last
                self._told[own] = 1 << 30

    def _user(self, record: Record, value: dict[str, Any], own: str) -> None:
        if own in self._nodes:
            return
        # What the message before told as results of its calls is not sent twice.
        given = [part.get("functionResponse") for part in parts_of(value.get("content"))]
        ids = {str(answer.get("id")) for answer in given if isinstance(answer, dict)}
        found = [] if ids and ids <= self._answered else pieces(record)
        turn = any(piece.category == "prompt" for piece in found)
        self._last = self._nodes[own] = self.canvas.node(self._last, record, found, turn=turn)

    def _answer(self, record: Record, own: str) -> None:
        found = pieces(record)
        first = self._told.get(own, 0)
        if own not in self._calls:
            self._calls[own] = self.canvas.call(own, self._last)
        fresh = found[first:]
        self._answered.update(str(piece.call) for piece in fresh if piece.category == "tool_result")
        node = self.canvas.node(self._last, record, fresh, first=first, by=self._calls[own])
        self._last = node
        self._nodes.setdefault(own, node)
        self._told[own] = max(first, len(found))


RULES: Final = ContextRules(
    pieces=pieces,
    tracker=GeminiTracker,
    keeps_thinking=lambda model, version: Keeps(False, True),
    missing=("system prompt", "tool schemas"),
)
