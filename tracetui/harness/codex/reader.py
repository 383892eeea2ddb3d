"""The Codex reader: a state machine over the records of one rollout, all three generations of it.

Generation A (to 2025-09) has bare response items; B wraps them in ``{timestamp, type, payload}`` beside events that
repeat them; C ("paginated") adds ``ordinal`` and ``item_completed`` events in place of most others. What a log holds
twice becomes one step, begun by the first; which record becomes what is told in ``docs/steps.md``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from tracetui.harness import tools
from tracetui.harness.codex.calls import Calls, Handled
from tracetui.harness.codex.dedupe import Duplicates
from tracetui.harness.codex.draft import numbers
from tracetui.harness.codex.events import EVENTS, IGNORED, event_text, item_text, without_asides
from tracetui.harness.codex.output import CallOutput
from tracetui.harness.codex.parts import line, read_call, read_end, read_item
from tracetui.harness.codex.prompt import UserText, from_harness, read_user, unwrap
from tracetui.harness.codex.state import TITLE
from tracetui.harness.codex.thread import folder, string
from tracetui.harness.content import flatten
from tracetui.model import Record, from_iso

__all__ = ["CodexReader"]

_EVENT, _RESPONSE, _ITEM, _MARK = 1, 2, 4, 8
_ENVELOPE: Final = frozenset({"session_meta", "turn_context", "response_item", "event_msg", "compacted"})
_CALLS: Final = frozenset(
    """function_call custom_tool_call local_shell_call web_search_call tool_search_call tool_call
    image_generation_call""".split()
)
_OUTPUTS: Final = frozenset(
    """function_call_output custom_tool_call_output local_shell_call_output tool_search_output tool_result""".split()
)
_CWD: Final = re.compile(r"(?:<cwd>|Current working directory: )([^<\n]{1,4096})")


class CodexReader(Calls):
    """``base.Reader`` for Codex. ``stem``: the log's file name without its ending; ``state``: a ``dump``."""

    def feed(self, record: Record) -> None:
        """Take the next record of the log."""
        self._fed += 1
        value = record.value
        stamp = value.get("timestamp")
        if stamp != self._stamp:
            self._stamp, self._time = stamp, from_iso(stamp)
        time = self._time
        kind, payload = value.get("type"), value.get("payload")
        outcome: Handled
        if record.oversize:
            outcome = self._oversize(record, kind)
        elif type(payload) is not dict:
            self._thread.clock(time)
            outcome = self._bare(value, kind, record)
        elif kind == "session_meta":
            outcome = self._meta(payload)
        elif self._thread.replay.active and self._thread.replay.inherited(value, payload, time):
            self._skip(payload)
            outcome = "inherited"
        else:
            self._thread.clock(time)
            if kind == "response_item":
                outcome = self._response(payload.get("type"), payload, record)
            elif kind == "event_msg":
                outcome = self._event(payload.get("type"), payload, record)
            else:
                outcome = self._top(kind, payload, record)
        waiting = self._responses.pending
        if waiting is not self._waiting:
            # A count that no response has claimed: of a call whose answer never came, or not yet.
            self._waiting = waiting
            self.facts.unclaimed = None if waiting is None else numbers(waiting)
        if outcome is True:
            self.stepped += 1
        elif outcome is None:
            self._tally(self.unknown, _name(value, payload))
        else:
            self._tally(self.known, outcome or _name(value, payload))

    def _meta(self, meta: Mapping[str, Any]) -> Handled:
        first = self._thread.own is None
        handled = self._thread.meta(meta, self._time)
        if first:
            self._responses.late = self._thread.late
        return handled

    # ---------------------------------------------------------------- routing

    def _top(self, kind: object, payload: dict[str, Any], record: Record) -> Handled:
        if kind == "turn_context":
            return self._thread.turn(payload)
        if kind == "compacted":
            return self._compact(_EVENT, record, string(payload.get("message")))
        if kind == "world_state" or kind == "inter_agent_communication_metadata":
            return False
        if kind == "token_usage_record":
            self._count(payload.get("usage"), 1)
            return False
        if kind == "inter_agent_communication":
            return self._between(payload, record)
        return None

    def _bare(self, value: dict[str, Any], kind: object, record: Record) -> Handled:
        """A record without an envelope: generation A."""
        if "record_type" in value:
            return "state"
        if kind is None:
            header = isinstance(value.get("id"), str) and ("instructions" in value or "timestamp" in value)
            return (self._meta(value) or "session_meta") if header else None
        if not isinstance(kind, str) or "payload" in value or kind in _ENVELOPE:
            return None
        return self._response(kind, value, record)

    def _response(self, sub: object, item: dict[str, Any], record: Record) -> Handled:
        if sub == "message" or (sub is None and "role" in item):
            return self._message(item, record)
        if sub == "reasoning":
            told = item.get("summary") or item.get("content")
            if not told:
                return False
            return self._think(_texts(told) or _texts(item.get("content")), _RESPONSE, record, item)
        if not isinstance(sub, str):
            return None
        if sub in _CALLS:
            return self._part(read_call(item, sub), _RESPONSE, record)
        if sub in _OUTPUTS:
            return self._output(sub, item, record)
        if sub in ("compaction", "context_compaction", "compaction_summary"):
            return self._compact(_RESPONSE, record, None)
        if sub == "agent_message":
            return self._between(item, record)
        return False if sub in ("ghost_snapshot", "additional_tools", "compaction_trigger") else None

    def _event(self, sub: object, event: dict[str, Any], record: Record) -> Handled:
        if sub == "token_count":
            return self._tokens(event)
        if sub == "agent_message":
            return self._say(event.get("message"), _EVENT, record, event)
        if sub == "user_message":
            return self._user_event(event, record)
        if sub == "agent_reasoning" or sub == "agent_reasoning_raw_content":
            return self._think(_texts(event.get("text")), _EVENT, record, event)
        if not isinstance(sub, str):
            return None
        if sub == "item_completed":
            return self._item(event, record)
        part = read_end(event, sub)
        if part is not None:
            return self._part(part, _EVENT, record)
        if sub in ("task_started", "turn_started"):
            self._thread.window(event.get("model_context_window"))
            self._responses.end()
            return False
        if sub in ("task_complete", "turn_complete") and not event.get("error"):
            return False
        if sub == "context_compacted":
            return self._compact(_MARK, record, None)
        if sub == "thread_name_updated":
            title = tools.one_line(event.get("thread_name"), TITLE)
            if title:
                self.facts.title, self._thread.named = title, True
            return False
        if sub == "sub_agent_activity":
            return self._activity(event, event.get("event_id"), record)
        if sub in EVENTS:
            return self._note(record, event_text(sub, event), event)
        return False if sub in IGNORED or sub.endswith(("_delta", "_begin")) else None

    def _item(self, event: dict[str, Any], record: Record) -> Handled:
        """A completed item of a paginated log."""
        item = event.get("item")
        if not isinstance(item, dict):
            return None
        name = item.get("type")
        if not isinstance(name, str):
            return None
        if name == "UserMessage":
            return self._prompted(read_user(item.get("content")), _ITEM, record, item)
        if name == "AgentMessage":
            return self._say(item.get("content"), _ITEM, record, item)
        if name == "Reasoning":
            return self._think(_texts(item.get("summary_text")) or _texts(item.get("raw_content")), _ITEM, record, item)
        if name == "Plan":
            return self._plan(string(item.get("text")), record, item)
        if name == "ContextCompaction":
            return self._compact(_ITEM, record, None)
        if name == "SubAgentActivity":
            return self._activity(item, item.get("id"), record)
        part = read_item(item, name)
        if part is not None:
            return self._part(part, _ITEM, record)
        text = item_text(name, item)
        return None if text is None else self._note(record, text, item)

    # ---------------------------------------------------------------- messages

    def _between(self, payload: dict[str, Any], record: Record) -> Handled:
        """What one agent said to another; to a subagent it may be all that tells its task."""
        parts = payload.get("content", payload.get("message"))
        text = flatten(parts).text
        if self.facts.title is None and self.facts.parent and (words := " ".join(_texts(parts))):
            self.facts.title = tools.one_line(words, TITLE)
        return self._note(record, text, payload)

    def _message(self, item: dict[str, Any], record: Record) -> Handled:
        role, content = item.get("role"), item.get("content")
        if role == "assistant":
            return self._say(content, _RESPONSE, record, item)
        if role == "user":
            told = item.get("internal_chat_message_metadata_passthrough")
            kinds = told.get("content_item_kinds") if isinstance(told, dict) else None
            return self._prompted(read_user(content, kinds), _RESPONSE, record, item)
        text = flatten(content).text
        return self._note(record, text, item) if text else False

    def _user_event(self, event: dict[str, Any], record: Record) -> Handled:
        text = string(event.get("message")) or ""
        images = sum(len(given) for name in ("images", "local_images") if isinstance(given := event.get(name), list))
        human = not from_harness(text) and event.get("kind") not in ("user_instructions", "environment_context")
        said = UserText(unwrap(text), True, images) if human else UserText(text, False)
        return self._prompted(said, _EVENT, record, event)

    def _prompted(self, said: UserText, channel: int, record: Record, payload: Mapping[str, Any]) -> Handled:
        """A user-role message: a prompt where a person wrote it, else an event."""
        if not said.human:
            if self.facts.cwd is None and (found := _CWD.search(said.text)):
                self.facts.cwd = folder(found[1].strip())
            if not said.text:
                return False
            if self._duplicates.second(channel, self._fed, Duplicates.of("harness", said.text)):
                return "duplicate"
            return self._note(record, said.text, payload)
        if not said.text.strip() and not said.images:
            return False
        if self._duplicates.second(channel, self._fed, Duplicates.of("user", said.text)):
            prompt = self._prompt
            if prompt is None or said.images <= prompt.images or prompt.text != said.text:
                return "duplicate"
            prompt.images = said.images
            self._again(prompt, record)
            return True
        self._responses.end()
        self._compaction = None
        self._thread.began = True
        draft = self._prompt = self._begin("prompt", record, payload.get("id"))
        draft.text, draft.images, draft.summary = said.text, said.images, line(said.text)
        if self.facts.title is None:
            self.facts.title = tools.one_line(said.text, TITLE) or None
        return True

    def _say(self, content: Any, channel: int, record: Record, item: Mapping[str, Any]) -> Handled:
        """A message of the model's. Its events lack the asides and the plan that its response item holds, and there
        is one for each part of it."""
        images = 0
        if isinstance(content, str):
            text = said = content
        else:
            flat = flatten(content)
            text, images = flat.text, flat.images
            parts = _texts(content)
            if len(parts) > 1:
                second = [self._duplicates.second(channel, self._fed, Duplicates.of("said", part)) for part in parts]
                if all(second):
                    return "duplicate"
            said = "\n".join(parts)
        if not text or text.isspace():
            return False
        shown, plan = without_asides(said) if "</" in said else (said, "")
        hashes = [Duplicates.of("plan", plan) if plan and not shown.strip() else Duplicates.of("said", shown)]
        identity = string(item.get("id"))
        if identity:
            hashes.append(Duplicates.of("id", identity))
        if self._duplicates.second(channel, self._fed, *hashes):
            if channel == _RESPONSE:
                self._responses.straddled()
            return "duplicate"
        if plan and shown.strip():
            self._duplicates.second(channel, self._fed, Duplicates.of("plan", plan))
        draft = self._begin("message", record, identity)
        draft.text, draft.summary, draft.images = text, line(text), images
        self._joined(draft)
        return True

    def _think(self, texts: list[str], channel: int, record: Record, item: Mapping[str, Any]) -> Handled:
        """Reasoning with text; an event tells one part of it, an item all."""
        if not texts:
            return False
        second = [self._duplicates.second(channel, self._fed, Duplicates.of("thought", text)) for text in texts]
        if all(second):
            if channel == _RESPONSE:
                self._responses.straddled()
            return "duplicate"
        draft = self._begin("thinking", record, item.get("id"))
        draft.text = "\n\n".join(texts)
        draft.summary = line(draft.text)
        self._joined(draft)
        return True

    def _plan(self, text: str | None, record: Record, item: Mapping[str, Any]) -> Handled:
        if not text or not text.strip():
            return False
        if self._duplicates.second(_ITEM, self._fed, Duplicates.of("plan", text)):
            return "duplicate"
        draft = self._begin("plan", record, item.get("id"))
        draft.text, draft.summary = text, line(text)
        self._joined(draft)
        return True

    def _compact(self, channel: int, record: Record, text: str | None) -> Handled:
        """A compaction; the records that tell of one come with nothing of the model's or the human's between."""
        draft = self._compaction
        if draft is not None and not self._compacted & channel:
            self._compacted |= channel
            if text and not draft.text:
                draft.text, draft.summary = text, line(text)
            self._again(draft, record)
            return True
        self._responses.end()
        draft = self._compaction = self._begin("compaction", record)
        self._compacted = channel
        self._prompt = None
        draft.model = self._thread.model
        if text:
            draft.text, draft.summary = text, line(text)
        self._responses.claim(draft)
        return True

    def _oversize(self, record: Record, kind: object) -> Handled:
        """A line over the limit shows only its type and ids: it ends the call that it names, or is an event."""
        value = record.value
        payload = value.get("payload")
        if not isinstance(payload, dict):
            payload = value
        if kind == "session_meta":
            return self._meta(payload)
        if self._thread.replay.active and self._thread.replay.inherited(value, payload, self._time):
            return "inherited"
        self._thread.clock(self._time)
        if kind == "compacted":
            return self._compact(_EVENT, record, None)
        words = f"[line of {record.source.length / 1048576:,.0f} MiB kept but not read]"
        draft = self._calls.get(string(payload.get("call_id")) or "")
        if draft is None:
            return self._note(record, words, payload)
        draft.result(CallOutput(words), 2)
        self._responses.close()
        self._again(draft, record)
        return True


def _name(value: Mapping[str, Any], payload: object) -> str:
    """What a record is counted as: its type and, below it, the types of its payload and item."""
    if isinstance(payload, dict):
        kind, sub = value.get("type"), payload.get("type")
        if isinstance(kind, str) and isinstance(sub, str) and sub != "item_completed":
            return f"{kind}/{sub}"
    names: list[object] = [value.get("type")]
    if isinstance(payload, dict):
        names.append(payload.get("type"))
        item = payload.get("item")
        if names[1] == "item_completed" and isinstance(item, dict):
            names.append(item.get("type"))
    return "/".join(name for name in names if isinstance(name, str)) or "untyped"


def _texts(value: object) -> list[str]:
    """The texts, not blank, of a list of texts or content parts, or of one."""
    parts = value if isinstance(value, list) else [value]
    found = [part.get("text") if isinstance(part, dict) else part for part in parts]
    return [text for text in found if isinstance(text, str) and text.strip()]
