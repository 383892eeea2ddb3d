"""What of Qwen Code's records stands in the model's context: the path by ``parentUuid``.

Thoughts are sent. A compression replaces what came before by its ``compressedHistory``. The system prompt, the tools
and the reminders that the program puts before a prompt (skills, date, folder) are never stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tracetui.harness.context import ROOT, Canvas, ContextPiece, ContextRules, Keeps
from tracetui.harness.genai import pieces_of
from tracetui.harness.stepping import string
from tracetui.model import Record, Step

__all__ = ["RULES", "QwenTracker", "pieces"]


def pieces(record: Record) -> list[ContextPiece]:
    """The pieces of one record, in order; none for what the model never saw."""
    value = record.value
    kind, key = value.get("type"), string(value.get("uuid"))
    message = value.get("message")
    if kind == "system" and value.get("subtype") == "chat_compression":
        payload = value.get("systemPayload")
        history = payload.get("compressedHistory") if isinstance(payload, dict) else None
        out: list[ContextPiece] = []
        for nth, content in enumerate(history if isinstance(history, list) else ()):
            if isinstance(content, dict):
                found = pieces_of(content.get("parts"), str(content.get("role")), thoughts=True)
                out += [piece._replace(category="summary") for piece in found] if nth == 0 else found
        return out
    if not isinstance(message, dict) or kind not in ("user", "assistant", "tool_result"):
        return []
    return pieces_of(message.get("parts"), "model" if kind == "assistant" else "user", thoughts=True, key=key)


class QwenTracker:
    """See ``harness.context.Tracker``: a node per record."""

    def __init__(self, canvas: Canvas, stem: str) -> None:
        self.canvas = canvas
        self._nodes: dict[str, int] = {}
        self._last = ROOT
        self._call: int | None = None  # of a response that began with an empty record

    def feed(self, record: Record, steps: Sequence[Step]) -> None:
        """Take one record."""
        value = record.value
        kind, own = value.get("type"), string(value.get("uuid"))
        if not isinstance(kind, str) or (own is not None and own in self._nodes):
            return
        parent = self._last
        if "parentUuid" in value:
            named = string(value.get("parentUuid"))
            parent = ROOT if named is None else self._nodes.get(named, self._last)
        found = pieces(record)
        if kind == "assistant":
            node = self._answer(record, found, parent, own)
        elif kind == "system" and value.get("subtype") == "chat_compression":
            node = self.canvas.node(ROOT, record, found)
            if parent != ROOT:
                self.canvas.cut(node, parent, "compaction")
        else:
            turn = kind == "user" and bool(found)
            node = self.canvas.node(parent, record, found, turn=turn) if found or parent == ROOT else parent
        if own is not None:
            self._nodes[own] = node
        self._last = node

    def _answer(self, record: Record, found: list[ContextPiece], parent: int, own: str | None) -> int:
        call = self._call
        if call is None:
            call = self.canvas.call(own or f"L{record.source.line}.{record.nth}", parent)
        self._call = call if not found and "usageMetadata" in record.value else None
        return self.canvas.node(parent, record, found, by=call)


RULES: Final = ContextRules(
    pieces=pieces,
    tracker=QwenTracker,
    keeps_thinking=lambda model, version: Keeps(True, False),
    missing=("system prompt", "tool schemas", "reminders before prompts"),
)
