"""What of OpenCode's records stands in the model's context: the messages from the last compaction on.

A compaction is a message of the user with a ``compaction`` part, answered by a message with ``summary``; from then on
the question "What did we do so far?", the summary, perhaps a tail of earlier messages (``tail_start_id``) and what
came after stand in the context. Results of old calls are cleared (``state.time.compacted``); messages that were removed
are gone, and so is a response that failed, but one stopped in the midst. The system prompt, instructions and tools are
never stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from tracetui.harness.content import file_mark, mark
from tracetui.harness.context import ROOT, Canvas, ContextPiece, ContextRules, Keeps, call_text
from tracetui.harness.stepping import string
from tracetui.model import Record, Step

__all__ = ["RULES", "OpenCodeTracker", "pieces"]

_CLEARED: Final = "[Old tool result content cleared]"
_INTERRUPTED: Final = "[Tool execution was interrupted]"
_ASKED: Final = "What did we do so far?"
_SUBTASK: Final = "The following tool was executed by the user"
_FOLDED: Final = ("text/plain", "application/x-directory")


def pieces(record: Record) -> list[ContextPiece]:
    """The pieces of one part; none of the session and the messages themselves."""
    inner = record.value.get("properties")
    part = inner.get("part") if isinstance(inner, dict) else None
    if not isinstance(part, dict) or record.value.get("type") != "message.part.updated":
        return []
    kind, key = part.get("type"), string(part.get("id"))
    if kind == "text":
        text = string(part.get("text")) or ""
        if not text.strip() or part.get("ignored") is True:
            return []
        # Whether a person or the model wrote it, the message tells; the tracker mends the category.
        category = "attachment" if part.get("synthetic") is True else "message"
        return [ContextPiece(category, text, key=key)]  # type: ignore[arg-type]
    if kind == "reasoning":
        text = string(part.get("text")) or ""
        return [ContextPiece("thinking", text, key=key)] if text.strip() else []
    if kind == "tool":
        return _call(part, key)
    if kind == "file":
        return _file(part, key)
    if kind == "compaction":
        return [ContextPiece("attachment", _ASKED, name="compaction", key=key)]
    if kind == "subtask":
        return [ContextPiece("attachment", _SUBTASK, name="subtask", key=key)]
    return []


def _file(part: dict[str, Any], key: str | None) -> list[ContextPiece]:
    mime, url = string(part.get("mime")) or "", string(part.get("url")) or ""
    if mime in _FOLDED:
        return []  # what stood in it is a synthetic text of the same message
    image = mime.startswith("image/")
    data = url.partition(",")[2] if url.startswith("data:") else ""
    text = file_mark("image" if image else "file", mime, data) if data else mark("file", part.get("filename") or mime)
    return [ContextPiece("attachment", text, name="file", images=int(image), key=key, value=[part] if image else None)]


def _call(part: dict[str, Any], key: str | None) -> list[ContextPiece]:
    box = part.get("state")
    state: dict[str, Any] = box if isinstance(box, dict) else {}
    name, call = string(part.get("tool")) or "tool", string(part.get("callID"))
    given = state.get("input")
    out = [ContextPiece("tool_call", call_text(name, given), call, name, key=f"{key}:call", value=given)]
    times, about = state.get("time"), state.get("metadata")
    status, images = state.get("status"), 0
    if status == "completed":
        if isinstance(times, dict) and times.get("compacted"):
            text = _CLEARED
        else:
            text = state["output"] if isinstance(state.get("output"), str) else ""
            files = state.get("attachments")
            images = len(files) if isinstance(files, list) else 0
    elif status == "error":
        told = about.get("output") if isinstance(about, dict) and about.get("interrupted") is True else None
        text = told if isinstance(told, str) else string(state.get("error")) or ""
    else:
        text = _INTERRUPTED
    out.append(ContextPiece("tool_result", text, call, name, images, key=key))
    return out


class OpenCodeTracker:
    """See ``harness.context.Tracker``: a node per part, in the order of the messages."""

    def __init__(self, canvas: Canvas, stem: str) -> None:
        self.canvas = canvas
        self._last = ROOT
        self._about: dict[str, dict[str, Any]] = {}
        self._calls: dict[str, int] = {}
        self._nodes: dict[str, list[int]] = {}  # of a message, in order
        self._order: list[str] = []
        self._parts: dict[str, int] = {}
        self._summary: dict[str, str | None] = {}  # a question for a summary -> the first message of the tail
        self._before = ROOT
        self._answering = ROOT  # the call whose response is being written
        self._results: list[int] = []  # its results so far

    def feed(self, record: Record, steps: Sequence[Step]) -> None:
        """Take one record."""
        value = record.value
        kind, inner = value.get("type"), value.get("properties")
        if not isinstance(inner, dict):
            return
        info, part = inner.get("info"), inner.get("part")
        if kind == "message.updated" and isinstance(info, dict):
            self._message(record, info)
        elif kind == "message.part.updated" and isinstance(part, dict):
            self._part(record, part)
        elif kind == "message.removed":
            self._removed(record, string(inner.get("messageID")))

    def _message(self, record: Record, info: dict[str, Any]) -> None:
        own = string(info.get("id"))
        if own is None:
            return
        if own not in self._about:
            self._order.append(own)
            self._nodes[own] = []
            if info.get("role") == "user":
                self._settle(record)
        self._about[own] = info

    def _settle(self, record: Record) -> None:
        """A new message of the user: what failed before it is not shown to the model again."""
        for name in self._order[-2:-1]:
            info = self._about.get(name, {})
            failure = info.get("error")
            stopped = isinstance(failure, dict) and failure.get("name") == "MessageAbortedError"
            if failure and not stopped and self._nodes[name]:
                self._last = self.canvas.parent(self._nodes[name][0])

    def _part(self, record: Record, part: dict[str, Any]) -> None:
        own, of = string(part.get("id")), string(part.get("messageID"))
        info = self._about.get(of or "", {})
        found = pieces(record)
        user = info.get("role") == "user"
        key = f"{of}/{own}"
        if own is not None and key in self._parts:
            self._changed(record, found, part)
            return
        call = ROOT
        if user:
            found = [piece._replace(category="prompt") if piece.category == "message" else piece for piece in found]
        elif of is not None:
            if of not in self._calls:
                self._calls[of] = self.canvas.call(of, self._last)
                self._before = self._last
            elif part.get("type") == "step-start" and self._nodes.get(of):
                self._calls[of] = self.canvas.call(None, self._last)
            call = self._calls[of]
            if info.get("summary") is True:
                self._answer(record, info, found, call)
                return
        turn = user and not self._nodes.get(of or "")
        node = self._stand(record, of or "", found, turn, call)
        if own is not None:
            self._parts[key] = node
        if part.get("type") == "compaction" and of is not None:
            self._summary[of] = string(part.get("tail_start_id"))

    def _stand(self, record: Record, of: str, found: list[ContextPiece], turn: bool, call: int) -> int:
        """Put a part where it is sent: all calls of a response stand before their results, which a part holds together.
        Gives the node that names the part."""
        nodes = self._nodes.setdefault(of, [])
        if not nodes or nodes[-1] != self._last or call == ROOT or call != self._answering:
            self._results = []
            self._answering = call
        results, self._results = self._results, []
        if results:
            del nodes[-len(results) :]
            self._last = nodes[-1]
        said = [piece for piece in found if piece.category != "tool_result"]
        node = self._last = self.canvas.node(self._last, record, said, turn=turn, by=call)
        nodes.append(node)
        for result in results:
            self._last = self.canvas.again(self._last, result)
            nodes.append(self._last)
            self._results.append(self._last)
        if len(said) < len(found):
            self._last = self.canvas.node(self._last, record, found[len(said) :], first=len(said))
            nodes.append(self._last)
            self._results.append(self._last)
        return node

    def _changed(self, record: Record, found: list[ContextPiece], part: dict[str, Any]) -> None:
        """A later version of a part: in its place from here on."""
        if not found:
            return
        box = part.get("state")
        times = box.get("time") if isinstance(box, dict) else None
        cleared = isinstance(times, dict) and times.get("compacted")
        keys = {piece.key: [piece] for piece in found if piece.key is not None}
        if not keys:
            return
        node = self.canvas.node(self._last, record, [])
        self.canvas.replace(node, keys, record, "microcompaction" if cleared else "edit")
        self._last = node

    def _answer(self, record: Record, info: dict[str, Any], found: list[ContextPiece], call: int) -> None:
        """A part of a summary: with its text, all before the question gives way."""
        texts = [piece for piece in found if piece.category == "message"]
        if not texts or info.get("error"):
            return
        asked = string(info.get("parentID")) or ""
        prior = self._last
        head = ROOT
        for node in self._nodes.get(asked, []):
            head = self.canvas.again(head, node)
        head = self.canvas.node(head, record, [piece._replace(category="summary") for piece in texts], by=call)
        self.canvas.cut(head, prior, "compaction")
        tail = self._summary.get(asked)
        if tail in self._order:
            first, last = self._order.index(str(tail)), self._order.index(asked) if asked in self._order else None
            for name in self._order[first:last]:
                for node in self._nodes.get(name, []):
                    head = self.canvas.again(head, node)
        self._last = head

    def _removed(self, record: Record, own: str | None) -> None:
        """Messages are removed from the end, when a person goes back to an earlier one."""
        nodes = self._nodes.pop(own or "", [])
        if own in self._order:
            self._order.remove(str(own))
        if nodes:
            self._last = min(self._last, self.canvas.parent(nodes[0]))


RULES: Final = ContextRules(
    pieces=pieces,
    tracker=OpenCodeTracker,
    keeps_thinking=lambda model, version: Keeps(True, False),
    missing=("system prompt", "tool schemas", "AGENTS.md and skills"),
)
