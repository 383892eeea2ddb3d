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

from tracetui.harness.claude.pieces import SNAPSHOT, before, pieces
from tracetui.harness.claude.state import fingerprint
from tracetui.harness.context import ROOT, Canvas, ContextPiece, ContextRules, Keeps
from tracetui.model import Record, Step

__all__ = ["RULES", "ClaudeTracker", "pieces"]

_CLEARED: Final = "[Old tool result content cleared]"
_RESPONSES: Final = 64
_STRETCH: Final = 1000
_ANSWERS: Final = frozenset({"message", "thinking", "tool_call", "tool_result"})
_ASKS: Final = (2, 1, 98)
"""The version from which on every request asks to keep the thinking of earlier turns."""
_WHOLE: Final = (2, 1, 72)
"""The version from which on a resumed session has all parallel calls again."""
_OWN: Final = (2, 1, 150)
"""The version from which on the thinking of other models is taken out of a request."""
_MAY_ASK: Final = (2, 0, 50)
"""The version from which on a request may ask for it."""
_VERSION: Final = re.compile(r"(opus|sonnet|haiku|fable)-([0-9]{1,2})(?:[-.]([0-9]{1,2})(?![0-9]))?")


class _Response:
    """A model response in the tree: its lines, then the results of its calls, are one stretch of nodes."""

    __slots__ = ("call", "results", "said", "tail")

    def __init__(self, call: int, tail: int) -> None:
        self.call = call
        self.tail = tail
        self.said = tail  # the last of its own lines
        self.results: list[int] = []


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
        self._beside: set[int] = set()  # nodes of attachments
        self._snapshot: dict[bool, dict[str, Sequence[ContextPiece]]] = {False: {}, True: {}}
        self._up: dict[int, int] = {}  # of the turn: a record -> the one that it names as its parent
        self._results: dict[int, list[str]] = {}  # of the turn: a record -> the calls whose results it holds
        self._astray: list[str] = []  # calls whose results are off the chain of parents
        self._begun = False  # a prompt came in from outside
        self._asked: dict[str, bool] = {}  # a request -> whether it keeps the thinking of earlier turns

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
            if kind == "api-request":
                self._request(value)
            elif kind == "queue-operation" and value.get("operation") == "dequeue":
                self._begun = True
            if kind not in ("user", "assistant", "attachment"):
                return
            uuid = f"L{record.source.line}.{record.nth}"
        mark = fingerprint(uuid)
        if mark in self._nodes:
            return
        parent = self._parent(value, side)
        if not side and type(named := value.get("parentUuid")) is str:
            self._up[mark] = fingerprint(named)
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
        piece = ContextPiece("prompt" if human else "attachment", step.text.strip(), name="queued_command")
        response = self._of_node.get(last)
        node = self.canvas.node(response.tail if response else last, record, [piece], origin=step.number)
        if response is not None:
            self._behind(response, node)
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
            if old in self._beside:
                self._beside.add(node)
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
        if type(message) is not dict or value.get("isApiErrorMessage") is True:
            return parent
        if message.get("model") == "<synthetic>":
            return self.canvas.node(self._settled(parent), record, found) if found else parent
        name = _named(value, message) or f"L{record.source.line}"
        response = self._responses.get(name)
        if response is None:
            parent = self._settled(parent)
            response = self._responses[name] = _Response(self.canvas.call(name, parent), parent)
            asked = self._asked.get(str(value.get("requestRef")))
            if asked is not None:
                self.canvas.keeps(response.call, asked)
            if len(self._responses) > _RESPONSES:
                del self._responses[next(iter(self._responses))]
        node = response.said = response.tail = self.canvas.node(response.said, record, found, by=response.call)
        self._of_node[node] = response
        results, response.results = response.results, []
        for result in results:  # of a call that was answered while the response went on
            self._behind(response, self.canvas.again(response.tail, result))
        for piece in found:
            if piece.category == "tool_call" and piece.call:
                self._of_call[piece.call] = response
        return node

    def _request(self, value: dict[str, Any]) -> None:
        """What a request asked to be done with earlier thinking (2.1.3xx on)."""
        name, params = value.get("id"), value.get("params")
        managed = params.get("context_management") if type(params) is dict else None
        edits = managed.get("edits") if type(managed) is dict else None
        if type(name) is not str or type(edits) is not list:
            return
        for edit in edits:
            if type(edit) is dict and edit.get("type") == "clear_thinking_20251015":
                self._asked[name] = edit.get("keep") == "all"
        if len(self._asked) > _RESPONSES:
            del self._asked[next(iter(self._asked))]

    def _settled(self, parent: int) -> int:
        """The end of the chain as it is sent: attachments that came in with a prompt stand before it, behind the last
        answer or result."""
        stretch: list[int] = []
        at = parent
        while at != ROOT and len(stretch) < _STRETCH and not self.canvas.categories(at) & _ANSWERS:
            stretch.append(at)
            at = self.canvas.parent(at)
        stretch.reverse()
        beside = [node for node in stretch if node in self._beside]
        if not beside or len(beside) == len(stretch) or stretch[: len(beside)] == beside:
            return parent
        for node in [*beside, *(node for node in stretch if node not in self._beside)]:
            at = self.canvas.again(at, node)
        return at

    def _attachment(self, record: Record, value: dict[str, Any], parent: int, found: list[ContextPiece]) -> int:
        node = self.canvas.node(parent, record, found)
        self._beside.add(node)
        item = value.get("attachment")
        if type(item) is dict and item.get("type") == SNAPSHOT:
            side = value.get("isSidechain") is True
            if self._snapshot[side]:
                self.canvas.replace(node, self._snapshot[side], record, "edit")
            self._snapshot[side] = {piece.key: () for piece in found if piece.key}
        return node

    def _behind(self, response: _Response, node: int) -> int:
        """A node that stands behind a response's own lines."""
        response.tail = node
        response.results.append(node)
        self._of_node[node] = response
        return node

    def _user(self, record: Record, value: dict[str, Any], parent: int) -> int:
        found = pieces(record)
        if not found:
            return parent
        if value.get("type") == "attachment":
            return self._attachment(record, value, parent, found)
        results = [piece.call for piece in found if piece.category == "tool_result" and piece.call]
        if results and value.get("isSidechain") is not True and type(value.get("uuid")) is str:
            self._results[fingerprint(value["uuid"])] = results
        result = next((piece for piece in found if piece.category == "tool_result"), None)
        response = self._of_call.get(result.call) if result is not None and result.call else None
        if response is not None:
            for piece in found:
                self._of_call.pop(piece.call or "", None)
            if parent == response.tail or self._of_node.get(parent) is response:
                return self._behind(response, self.canvas.node(response.tail, record, found))
        summary = found[0].category == "summary"
        if summary and (begun := self._begun_anew(record, value, parent, found)) is not None:
            return begun
        turn = result is None and value.get("type") == "user" and not summary and value.get("isMeta") is not True
        node = self.canvas.node(parent, record, found, turn=turn)
        if turn and value.get("isSidechain") is not True:
            self._turn(value, node)
        return node

    def _begun_anew(
        self, record: Record, value: dict[str, Any], parent: int, found: Sequence[ContextPiece]
    ) -> int | None:
        """The node of a summary at which the conversation begins anew: older versions wrote no boundary before it."""
        side = value.get("isSidechain") is True
        bounded, self._bounded[side] = self._bounded[side], False
        prior = parent if parent != ROOT else self._last[side]
        if bounded or prior == ROOT:
            return None
        node = self.canvas.node(ROOT, record, found)
        self.canvas.cut(node, prior, "compaction")
        return node

    def _turn(self, value: dict[str, Any], node: int) -> None:
        """Versions before 2.1.72 loaded a log by its parents alone: of parallel calls whose results each follow their
        own call only the one that was gone on from was found again."""
        named = value.get("parentUuid")
        kept: set[str] = set()
        at = fingerprint(named) if type(named) is str else 0
        while at in self._up:
            kept.update(self._results.get(at, ()))
            at = self._up.pop(at)
        lost = [call for calls in self._results.values() for call in calls if call not in kept]
        self._up.clear()
        self._results.clear()
        self._astray += [key for call in lost for key in (call, f"call:{call}")]
        if self._astray and before(value, _WHOLE):
            self.canvas.doubt(node, self._astray, self._begun)
        self._begun = False

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
            blank = {call: (ContextPiece("tool_result", _CLEARED, call),) for call in calls}
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


def _keeps_thinking(model: str | None, version: str | None) -> Keeps:
    """Opus from 4.5 and the others from 4.6 on keep the thinking of earlier turns. Older models are not shown it again
    unless the program asks to keep it: 2.1.98 and later do, older versions where a setting from afar told them to (seen
    of 2.0.76, 2.1.49 and 2.1.72: they do not by themselves).
    """
    match = _VERSION.search(model or "")
    told = tuple(int(part) for part in (version or "").split(".")[:3] if part.isdecimal() and len(part) < 6)
    own = told >= _OWN
    if match is not None:
        number = int(match[2]), int(match[3] or 0)
        if number >= ((4, 5) if match[1] == "opus" else (4, 6)):
            return Keeps(True, True, own)
    if told >= _ASKS:
        return Keeps(True, match is not None, own)
    return Keeps(False, bool(told) and told < _MAY_ASK)


RULES: Final = ContextRules(
    pieces=pieces,
    tracker=ClaudeTracker,
    keeps_thinking=_keeps_thinking,
    system_first=True,
    complete=True,
    missing=(
        "system prompt",
        "tool schemas",
        "memory files and reminders that the log does not show (to-do lists, changed files, files named with @, hooks)",
    ),
    signed_thinking=True,
    tokenizer="anthropic",
)
