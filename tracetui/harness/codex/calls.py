"""Tool calls: one step from the call, its end, its result and what else tells of it, in any order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson

from tracetui.harness.codex.dedupe import Duplicates
from tracetui.harness.codex.draft import CodexDraft
from tracetui.harness.codex.output import CallOutput, read_output
from tracetui.harness.codex.parts import CallPart, line, summary_of
from tracetui.harness.codex.state import ReaderState
from tracetui.harness.codex.thread import string
from tracetui.model import Record

__all__ = ["Calls", "Handled"]

_WAITS: Final = frozenset({"write_stdin", "wait"})

Handled = bool | str | None
"""What became of a record: True part of a step, False or another name a known non-step, None unknown."""


class Calls(ReaderState):
    """The part of the reader that joins the records of a tool call."""

    def _note(self, record: Record, text: str, payload: Mapping[str, Any]) -> Handled:
        draft = self._begin("event", record, payload.get("id"))
        draft.text, draft.summary = text, line(text)
        return True

    def _part(self, part: CallPart, channel: int, record: Record) -> Handled:
        """Begin a call, or add to the one with the same id."""
        identity = part.id
        draft = self._calls.get(identity) if identity else None
        if draft is not None and ((part.called and draft.called) or (part.result is not None and draft.ends & channel)):
            # Another call with the same id: what is known of the first is whole.
            self._forget(identity or "")
            draft = None
        if draft is None and part.kind == "edit" and not part.called:
            # The call itself may be a script of code mode, whose inner calls have ids of their own.
            open_ones = reversed(self._calls.values())
            draft = next((one for one in open_ones if one.script and not one.finished), None)
        if draft is not None:
            self._merge(draft, part, channel)
            self._again(draft, record)
            return True
        if self._twice(part, channel):
            return "duplicate"
        self._begin_call(part, channel, record)
        return True

    def _twice(self, part: CallPart, channel: int) -> bool:
        """Whether the part tells of a call that is done with."""
        identity = part.id
        if part.twin is None:
            return bool(not part.called and identity and self._was(identity))
        hashes = [Duplicates.of("web", part.twin)]
        if identity:
            hashes.append(Duplicates.of("webid", identity))
        return self._duplicates.second(channel, self._fed, *hashes)

    def _begin_call(self, part: CallPart, channel: int, record: Record) -> None:
        identity = part.id
        draft = self._begin(part.kind, record, identity)
        draft.call_id, draft.called, draft.script = identity, part.called, part.script
        draft.name, draft.input, draft.thread = part.name, part.input, part.thread
        draft.summary = summary_of(part.name, part.kind, part.input)
        if part.result is not None:
            draft.result(part.result, 1)
            draft.ends = channel
        ends = part.result is not None and part.twin is None
        self._joined(draft, whole_call=ends)
        if ends:
            self._responses.close()
        slot = identity or (f"\0{part.name}" if part.called else None)
        if slot is not None and part.twin is None:
            self._calls[slot] = draft

    def _merge(self, draft: CodexDraft, part: CallPart, channel: int) -> None:
        if part.called:
            draft.called, draft.name, draft.input, draft.script = True, part.name, part.input, part.script
            draft.kind = "edit" if draft.kind == "edit" else part.kind
            draft.summary = summary_of(part.name, draft.kind, part.input) or draft.summary
        elif part.kind == "edit" and draft.kind != "edit":
            draft.kind = "edit"
            draft.summary = summary_of(part.name, "edit", part.input) or draft.summary
        draft.thread = part.thread or draft.thread
        if part.result is None:
            return
        if part.id == draft.call_id:
            draft.result(part.result, 1)
            draft.ends |= channel
        elif part.result.is_error:
            draft.is_error = True
        self._responses.close()

    def _output(self, sub: str, item: dict[str, Any], record: Record) -> Handled:
        identity = string(item.get("call_id")) or string(item.get("id"))
        slot = identity or ""
        if sub == "tool_result":
            result = read_output(item.get("result", item.get("output")))
            if slot not in self._calls:
                slot = f"\0{item.get('name')}"
        elif sub == "tool_search_output":
            result = CallOutput("\n".join(_tool_names(item.get("tools"))))
        else:
            result = read_output(item.get("output"))
        self._responses.close()
        draft = self._calls.get(slot)
        if draft is None:
            return self._orphan(identity, result, record)
        draft.result(result, 2)
        if draft.kind == "agent" and draft.name == "spawn_agent" and draft.thread is None:
            draft.thread = _spawned(result.text)
        if draft.name in _WAITS:
            self._settle(draft)
        self._again(draft, record)
        if slot.startswith("\0"):
            del self._calls[slot]
        return True

    def _orphan(self, identity: str | None, result: CallOutput, record: Record) -> Handled:
        """A result whose call the log does not hold."""
        if identity and self._was(identity):
            return "duplicate"
        draft = self._begin("event", record, identity)
        draft.text, draft.images, draft.summary = result.text, result.images, line(result.text or "")
        return True

    def _settle(self, draft: CodexDraft) -> None:
        """A later call that reports the end of a process lets go of the call that began it; only that is waited for."""
        given = draft.input
        if not isinstance(given, dict):
            return
        goes_on, draft.running = draft.running is not None, None
        if goes_on or (draft.name == "write_stdin" and draft.exit_code is None):
            return
        process = f"cell {given.get('cell_id')}" if draft.name == "wait" else str(given.get("session_id"))
        for other in self._calls.values():
            if other.running == process:
                other.running = None

    def _activity(self, value: Mapping[str, Any], identity: object, record: Record) -> Handled:
        """What a subagent is doing: part of the call that started it while that is open, else an event."""
        draft = self._calls.get(identity) if isinstance(identity, str) else None
        thread = string(value.get("agent_thread_id"))
        if draft is not None:
            draft.thread = draft.thread or thread
            self._again(draft, record)
            return True
        words = ("subagent", value.get("agent_path"), value.get("kind"), thread)
        self._note(record, " ".join(word for word in words if isinstance(word, str)), {"id": identity})
        self._dirty[self._number].thread = thread
        return True


def _tool_names(value: object, depth: int = 0) -> list[str]:
    """The names in the answer of a tool search, nested ones too."""
    names: list[str] = []
    for item in value if isinstance(value, list) and depth < 3 else []:
        if isinstance(item, dict):
            if isinstance(item.get("name"), str):
                names.append("  " * depth + item["name"])
            names += _tool_names(item.get("tools"), depth + 1)
    return names


def _spawned(text: str | None) -> str | None:
    """The thread that the answer of ``spawn_agent`` names."""
    if not text or not text.startswith("{"):
        return None
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    for name in ("agent_id", "thread_id", "new_thread_id", "agent_thread_id"):
        if string(value.get(name)):
            return string(value[name])
    return None
