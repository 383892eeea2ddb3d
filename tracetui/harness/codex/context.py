"""What of Codex's records stands in the model's context: the response items, replayed in file order.

Events repeat what response items hold and are no context. ``compacted`` replaces everything by its
``replacement_history``; without one, what stays are the first instructions, what people asked, and the summary.
``thread_rolled_back`` takes back the last turns of a person.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any, Final

import orjson

from tracetui.harness.codex.parts import read_end, read_item
from tracetui.harness.codex.prompt import read_user
from tracetui.harness.content import flatten
from tracetui.harness.context import ROOT, Canvas, Category, ContextRules, Piece, call_text
from tracetui.model import Record, Step

__all__ = ["RULES", "CodexTracker", "pieces"]

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
_TURN_MAX: Final = 10_000


def pieces(record: Record) -> list[Piece]:
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
        return [Piece("attachment", text, name="inter_agent")] if text else []
    if kind == "event_msg":
        return _event_pieces(payload)
    return []


def _event_pieces(event: dict[str, Any]) -> list[Piece]:
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
    out: list[Piece] = []
    if part.called or part.input is not None:
        out.append(Piece("tool_call", call_text(part.name, part.input), part.id, part.name, value=part.input))
    if part.result is not None:
        out.append(Piece("tool_result", part.result.text or "", part.id, part.name, key=part.id))
    return out


def _told(category: Category, content: Any) -> list[Piece]:
    text, images = flatten(content)
    if not text.strip():
        return []
    if category == "prompt" and text.lstrip().startswith(_INSTRUCTIONS):
        category = "instructions"
    return [Piece(category, text, images=images)]


def _base(meta: dict[str, Any]) -> list[Piece]:
    base = meta.get("base_instructions")
    text = base.get("text") if isinstance(base, dict) else base
    out = [Piece("system", text, name="base_instructions")] if isinstance(text, str) and text else []
    tools = meta.get("dynamic_tools")
    if isinstance(tools, list) and tools:
        out.append(Piece("system", _json(tools), name="dynamic_tools"))
    return out


def _world(payload: dict[str, Any]) -> list[Piece]:
    state = payload.get("state")
    told = state.get("agents_md") if isinstance(state, dict) else None
    entries = told if isinstance(told, list) else [told]
    texts = [entry.get("text") for entry in entries if isinstance(entry, dict)]
    return [Piece("instructions", text, name="AGENTS.md") for text in texts if isinstance(text, str) and text.strip()]


def _replacement(payload: dict[str, Any]) -> list[Piece]:
    history = payload.get("replacement_history")
    message = payload.get("message")
    message = message if isinstance(message, str) else ""
    if not isinstance(history, list):
        return [Piece("summary", message)] if message else []
    out: list[Piece] = []
    for item in history:
        if isinstance(item, dict):
            for piece in item_pieces(item):
                if message and piece.category == "prompt" and piece.text.endswith(message):
                    piece = piece._replace(category="summary")
                out.append(piece)
    return out


def item_pieces(item: dict[str, Any]) -> list[Piece]:
    """The pieces of one response item: one, or none for what is only the program's."""
    kind = item.get("type")
    if kind == "message" or (kind is None and "role" in item):
        piece = _message(item)
        return [piece] if piece is not None else []
    if kind == "reasoning":
        text = flatten(item.get("content") or item.get("summary")).text
        sealed = item.get("encrypted_content")
        hidden = len(sealed) if isinstance(sealed, str) else 0
        return [Piece("thinking", text, hidden=hidden)] if text or hidden else []
    if not isinstance(kind, str):
        return []
    call = item.get("call_id")
    call = call if isinstance(call, str) and call else None
    if kind in _CALLS:
        name, given = _called(kind, item)
        return [Piece("tool_call", call_text(name, given), call, name, value=given)]
    if kind.endswith("_output") or kind == "tool_result":
        output = item.get("output", item.get("content", item.get("tools")))
        flat = flatten(output) if isinstance(output, str | list) else None
        text = flat.text if flat is not None else _json(output)
        images = flat.images if flat is not None else 0
        return [Piece("tool_result", text, call, images=images, key=call, value=output if images else None)]
    if kind in ("compaction", "context_compaction", "compaction_summary"):
        sealed = item.get("encrypted_content")
        hidden = len(sealed) if isinstance(sealed, str) else 0
        text = flatten(item.get("summary") or item.get("content")).text
        return [Piece("summary", text, hidden=hidden)] if hidden or text else []
    if kind == "agent_message":
        text = flatten(item.get("content")).text
        return [Piece("attachment", text, name="agent_message")] if text else []
    if kind == "additional_tools":
        return [Piece("system", _json(item.get("tools")), name="additional_tools")]
    return []


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


def _message(item: dict[str, Any]) -> Piece | None:
    role, content = item.get("role"), item.get("content")
    text, images = flatten(content)
    if not text:
        return None
    value = content if images else None
    if role == "assistant":
        return Piece("message", text, images=images, value=value)
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
    return Piece(category, text, images=images, value=value)


def _json(value: Any) -> str:
    try:
        return orjson.dumps(value).decode() if value is not None else ""
    except (TypeError, ValueError):
        return ""


class CodexTracker:
    """See ``harness.context.Tracker``. A line of nodes; ``_head`` is where the next item goes."""

    def __init__(self, canvas: Canvas, stem: str) -> None:
        self.canvas = canvas
        self._head = ROOT
        self._system: list[int] = []
        self._call = ROOT  # the call whose response is being written
        self._named = False
        self._known: set[str] = set()
        self._started = False
        self._agents: set[str] = set()
        self._world: tuple[Record, list[Piece]] | None = None

    def feed(self, record: Record, steps: Sequence[Step]) -> None:
        """Take one record."""
        value = record.value
        kind, payload = value.get("type"), value.get("payload")
        item = payload if isinstance(payload, dict) else value
        if kind == "response_item" or not isinstance(payload, dict):
            self._item(record, item, steps)
            return
        if kind == "compacted":
            self._compacted(record, item)
        elif kind == "session_meta":
            self._meta(record)
        elif kind == "event_msg" and item.get("type") == "thread_rolled_back":
            self._roll_back(item.get("num_turns"))
        elif kind == "event_msg":
            self._event(record, steps)
        elif kind == "world_state":
            self._world = record, pieces(record)
        elif kind == "inter_agent_communication":
            found = pieces(record)
            if found:
                self._close()
                self._head = self.canvas.node(self._head, record, found)
        self._name(steps)

    def _event(self, record: Record, steps: Sequence[Step]) -> None:
        """Events repeat what items hold; see ``EventTracker``."""

    # ---- items -------------------------------------------------------------------------------------------------------

    def _item(self, record: Record, item: dict[str, Any], steps: Sequence[Step]) -> None:
        found = pieces(record)
        if not found:
            self._name(steps)
            return
        category = found[0].category
        if category in ("message", "thinking", "tool_call"):
            self._name(steps)
            if self._call == ROOT:
                self._open(None)
            self._head = self.canvas.node(self._head, record, found, by=self._call)
            return
        self._close()
        self._name(steps)
        if category == "instructions":
            self._agents.add(found[0].text)
        self._head = self.canvas.node(self._head, record, found, turn=category == "prompt")

    def _name(self, steps: Sequence[Step]) -> None:
        """Tie the reader's names of responses to the calls."""
        for step in steps:
            name = step.response
            if name is None or step.kind == "compaction" or name in self._known:
                continue
            if len(self._known) > 4096:
                self._known.clear()
            self._known.add(name)
            if self._call == ROOT or self._named:
                self._open(name)
            else:
                self.canvas.named(self._call, name)
                self._named = True

    def _open(self, response: str | None) -> None:
        self._flush_world()
        self._call = self.canvas.call(response, self._head)
        self._named = response is not None

    def _close(self) -> None:
        self._call = ROOT
        self._named = False

    def _flush_world(self) -> None:
        """AGENTS.md as the world state has it, where no item showed it to the model in words."""
        if self._world is None:
            return
        record, found = self._world
        self._world = None
        for at, piece in enumerate(found):
            if not any(piece.text.strip() in text for text in self._agents):
                self._agents.add(piece.text)
                self._head = self.canvas.node(self._head, record, [piece], first=at)

    # ---- what changes the history ------------------------------------------------------------------------------------

    def _meta(self, record: Record) -> None:
        if self._started:
            return
        self._started = True
        found = pieces(record)
        if found:
            self._head = self.canvas.node(self._head, record, found)
            self._system.append(self._head)

    def _roll_back(self, turns: object) -> None:
        if type(turns) is not int or turns < 1:
            return
        self._close()
        head = self._head
        for _ in range(min(turns, _TURN_MAX)):
            turn = self.canvas.turns(head)
            if turn == ROOT:
                break
            head = self.canvas.parent(turn)
        self._head = head

    def _compacted(self, record: Record, item: dict[str, Any]) -> None:
        self._close()
        prior = self._head
        head = ROOT
        for node in self._system:
            head = self.canvas.again(head, node)
        found = pieces(record)
        if not isinstance(item.get("replacement_history"), list):
            for node in self._asked(prior):
                head = self.canvas.again(head, node)
            if found:
                head = self.canvas.node(head, record, found)
            if head == ROOT:
                head = self.canvas.node(ROOT, record, [])
        else:
            taken: set[int] = set()
            same = [self._same(piece, taken) for piece in found]
            for at, (piece, known) in enumerate(zip(found, same, strict=True)):
                turn = piece.category == "prompt"
                if known is not None:
                    head = self.canvas.reuse(head, known, turn=turn)
                else:
                    head = self.canvas.node(head, record, [piece], first=at, turn=turn)
            if not found or head == ROOT:
                head = self.canvas.node(head, record, [])
        if prior != ROOT:
            self.canvas.cut(head, prior, "compaction")
        self._head = head

    def _same(self, piece: Piece, taken: set[int]) -> int | None:
        known = self.canvas.find(piece, taken)
        if known is not None:
            taken.add(known)
        return known

    def _asked(self, head: int) -> list[int]:
        """What stays without a replacement: the first instructions and what people asked."""
        path: list[int] = []
        while head != ROOT:
            path.append(head)
            head = self.canvas.parent(head)
        path.reverse()
        kept: list[int] = []
        opening = True
        for node in path:
            categories = self.canvas.categories(node)
            if "system" in categories:
                continue
            if "prompt" in categories:
                opening = False
                kept.append(node)
            elif opening and categories & {"instructions", "attachment"}:
                kept.append(node)
        return kept


class EventTracker(CodexTracker):
    """For logs without response items: their events are all that tells of the conversation. The steps say which events
    repeat others."""

    def _event(self, record: Record, steps: Sequence[Step]) -> None:
        if not any(record.source in step.sources for step in steps):
            return
        for at, piece in enumerate(pieces(record)):
            if piece.category in ("message", "thinking", "tool_call"):
                self._name(steps)
                if self._call == ROOT:
                    self._open(None)
                self._head = self.canvas.node(self._head, record, [piece], first=at, by=self._call)
            else:
                self._close()
                turn = piece.category == "prompt"
                self._head = self.canvas.node(self._head, record, [piece], first=at, turn=turn)


RULES: Final = ContextRules(
    pieces=pieces,
    tracker=CodexTracker,
    fallback=EventTracker,
    keeps_thinking=lambda model: False,
    missing=("system prompt", "tool schemas"),
)
