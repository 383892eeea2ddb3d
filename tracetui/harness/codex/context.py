"""What of Codex's records stands in the model's context: the response items, replayed in file order.

Events repeat what response items hold and are no context. ``compacted`` replaces everything by its
``replacement_history``; without one, what stays are the first instructions, what people asked, and the summary.
``thread_rolled_back`` takes back the last turns of a person.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from tracetui.harness.codex.pieces import item_pieces, pieces, shorten
from tracetui.harness.context import ROOT, Canvas, ContextPiece, ContextRules, Keeps
from tracetui.model import Record, Step

__all__ = ["RULES", "CodexTracker", "item_pieces", "pieces"]

_TURN_MAX: Final = 10_000
_ABORTED: Final = 'results "aborted" of calls that the log leaves open'


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
        self._world: tuple[Record, list[ContextPiece]] | None = None
        self._limit = 0  # of the text of a result; negative: counted in tokens
        self._unanswered: set[str] = set()

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
        elif kind == "turn_context":
            self._policy(item.get("truncation_policy"))
            self.canvas.beside(record)
        elif kind == "world_state":
            self._world = record, pieces(record)
            if item.get("full") is True:
                self.canvas.beside(record)
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
        if category == "tool_result":
            self._unanswered.discard(found[0].call or "")
            if self._limit and len(found[0].text) > abs(self._limit) // 4:
                found[0] = found[0]._replace(limit=self._limit)
        if category in ("message", "thinking", "tool_call"):
            self._name(steps)
            if self._call == ROOT:
                self._open(None)
            self._head = self.canvas.node(self._head, record, found, by=self._call)
            if category == "tool_call" and found[0].call:
                self._unanswered.add(found[0].call)
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

    def _policy(self, policy: object) -> None:
        """How long a result may be: the stated bytes, or tokens of four bytes, and a fifth more."""
        if isinstance(policy, dict) and type(policy.get("limit")) is int and policy["limit"] > 0:
            limit = int(policy["limit"] * 1.2)
            self._limit = -4 * limit if policy.get("mode") == "tokens" else limit

    def _open(self, response: str | None) -> None:
        self._flush_world()
        self._call = self.canvas.call(response, self._head)
        if self._unanswered:
            self.canvas.lacks(_ABORTED, self._call)
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
        if self._call != ROOT:  # the summary itself is logged: the model was asked for it
            self.canvas.lacks("the instruction to summarize", self._call)
        self._close()
        self._unanswered.clear()
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

    def _same(self, piece: ContextPiece, taken: set[int]) -> int | None:
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


def _keeps_thinking(model: str | None, version: str | None) -> Keeps:
    """Codex sends all reasoning again; what of earlier turns the service then shows to the model is the model's."""
    return Keeps(True, False)


RULES: Final = ContextRules(
    pieces=pieces,
    tracker=CodexTracker,
    fallback=EventTracker,
    shorten=shorten,
    keeps_thinking=_keeps_thinking,
    missing=("system prompt", "tool schemas"),
    states_output=True,
    tokenizer="openai",
)
