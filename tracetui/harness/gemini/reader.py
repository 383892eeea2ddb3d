"""The reader of Gemini CLI's records. A message is appended again, under its id, with the calls that it asked for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from tracetui.harness import tools
from tracetui.harness.base import FileEdit
from tracetui.harness.genai import (
    display_edit,
    exit_code,
    is_context,
    kind_of,
    parts_of,
    response_text,
    text_of,
    tokens_of,
)
from tracetui.harness.stepping import StepDraft, Stepper, noted, string
from tracetui.model import Record, Step, from_iso

__all__ = ["GeminiReader", "edits", "thought_text"]

_DIRECTORY: Final = re.compile(r"\*\*Workspace Directories:\*\*\n {1,4}- ([^\n]{1,4000})")
_EVENTS: Final = frozenset({"info", "error", "warning"})


def thought_text(thought: Any) -> str:
    """A thought of the model: its subject and what it says."""
    if not isinstance(thought, dict):
        return ""
    return "\n".join(text for name in ("subject", "description") if (text := string(thought.get(name))) is not None)


class GeminiReader(Stepper):
    """See ``base.Reader``."""

    harness = "gemini"
    held = ("_firsts", "_said", "_calls")

    def begin(self) -> None:
        """Set what belongs to the recent messages."""
        self._firsts: dict[str, StepDraft] = {}
        self._said: dict[str, StepDraft] = {}
        self._calls: dict[str, StepDraft] = {}

    def feed(self, record: Record) -> None:
        """Take the next record."""
        value = record.value
        kind = value.get("type")
        if "$set" in value:
            self._set(value["$set"])
            self.known["$set"] += 1
        elif "$rewindTo" in value:
            self.known["$rewindTo"] += 1
        elif kind is None and "sessionId" in value:
            self._set(value)
            self.known["header"] += 1
        elif kind == "user" and "content" in value:
            self._user(record, value)
        elif kind == "gemini":
            self._answer(record, value)
        elif isinstance(kind, str) and kind in _EVENTS:
            self._event(record, value, kind)
        else:
            self._unknown(kind)

    def _set(self, value: Any) -> None:
        if not isinstance(value, dict):
            return
        facts = self.facts
        facts.session = string(value.get("sessionId")) or facts.session
        self._when(from_iso(value.get("startTime")))
        facts.cwd = string(value.get("projectRoot")) or facts.cwd
        self._title(string(value.get("summary")))
        messages = value.get("messages")
        for message in messages[:5] if isinstance(messages, list) else ():
            if isinstance(message, dict):
                self._place(text_of(message.get("content"))[0])

    def _place(self, text: str) -> None:
        if self.facts.cwd is None and is_context(text) and (found := _DIRECTORY.search(text)):
            self.facts.cwd = found[1].strip()

    def _head(self, record: Record) -> tuple[str, int | None]:
        time = from_iso(record.value.get("timestamp"))
        self._when(time)
        return string(record.value.get("id")) or f"L{record.source.line}.{record.nth}", time

    def _user(self, record: Record, value: dict[str, Any]) -> None:
        key, time = self._head(record)
        text, images = text_of(value.get("content"))
        if not text.strip():
            results = any("functionResponse" in part for part in parts_of(value.get("content")))
            self.known["user/results" if results else "user/empty"] += 1
            return
        self._place(text)
        if is_context(text):
            self.known["user/context"] += 1
            return
        if not self._first(f"u{key}"):
            self.known["user/again"] += 1
            return
        self.stepped += 1
        self._prompt(record, key, time, noted(record, text)).images = images

    def _event(self, record: Record, value: dict[str, Any], kind: str) -> None:
        key, time = self._head(record)
        text = noted(record, text_of(value.get("content"))[0])
        if not text.strip() or not self._first(f"i{key}"):
            self.known[f"{kind}/empty"] += 1
            return
        self.stepped += 1
        self._begin(record, "event", key, time, text)

    def _answer(self, record: Record, value: dict[str, Any]) -> None:
        key, time = self._head(record)
        model = string(value.get("model"))
        self.facts.model = model or self.facts.model
        changed: list[StepDraft] = []
        thoughts = value.get("thoughts")
        thought = "\n\n".join(filter(None, map(thought_text, thoughts if isinstance(thoughts, list) else ())))
        said = noted(record, text_of(value.get("content"))[0])
        for name, kind, text in (("think", "thinking", thought), ("text", "message", said)):
            own = f"{key}:{name}"
            draft = self._said.get(own)
            if draft is not None:
                if text.strip() and text != draft.text:
                    draft.text, draft.summary = text, tools.one_line(text)
                    draft.add(record.source)
                    self._changed[draft.number] = draft
                    changed.append(draft)
            elif text.strip() and self._first(own):
                draft = self._begin(record, kind, own, time, text)  # type: ignore[arg-type]
                self._keep(self._said, own, draft)
                changed.append(draft)
        listed = value.get("toolCalls")
        for nth, call in enumerate(listed if isinstance(listed, list) else ()):
            if isinstance(call, dict) and (draft := self._tool(record, call, f"{key}:{nth}", time)) is not None:
                changed.append(draft)
        first = self._firsts.get(key)
        tokens = tokens_of(value.get("tokens"))
        if first is None and changed:
            first = changed[0]
            self._keep(self._firsts, key, first)
        if first is not None and tokens is not None and first.tokens != tokens:
            first.tokens = tokens
            self._changed[first.number] = first
        for draft in changed:
            draft.model, draft.response = model, key
        if changed:
            self.stepped += 1
        else:
            self.known["gemini/again" if first is not None else "gemini/empty"] += 1

    def _tool(self, record: Record, call: dict[str, Any], key: str, time: int | None) -> StepDraft | None:
        """A call, new or with more told of it than before; None where nothing is new."""
        own = string(call.get("id")) or key
        draft = self._calls.get(own)
        if draft is None:
            if not self._first(f"c{own}"):
                return None
            name = string(call.get("name")) or "tool"
            given, kind = call.get("args"), kind_of(name)
            line = tools.summary(name, given, of_kind=kind) or tools.one_line(name)
            draft = self._begin(record, kind, own, time, None, line)
            draft.name, draft.given, draft.call = name, given, string(call.get("id"))
            self._keep(self._calls, own, draft)
        elif draft.output is not None:
            return None
        else:
            draft.add(record.source)
            self._changed[draft.number] = draft
        result = call.get("result")
        status = call.get("status")
        texts: list[str] = []
        failed = status in ("error", "cancelled")
        for part in parts_of(result) if result else ():
            answer = part.get("functionResponse")
            if isinstance(answer, dict):
                text, bad = response_text(answer.get("response"))
                failed = failed or bad
                texts.append(text)
            elif isinstance(part.get("text"), str):
                texts.append(part["text"])
        if texts or status in ("success", "error", "cancelled"):
            draft.output = noted(record, "\n".join(texts))
            draft.is_error = failed
            if draft.kind == "command":
                draft.exit_code = exit_code(draft.output)
        draft.thread = string(call.get("agentId")) if draft.kind == "agent" else None
        return draft


def edits(step: Step, records: Sequence[Record]) -> list[FileEdit]:
    """The file edits of one step; none for a call that failed or has no result."""
    tool = step.tool
    if step.kind != "edit" or tool is None or tool.output is None or tool.is_error:
        return []
    display: Any = None
    for record in records:
        listed = record.value.get("toolCalls")
        for call in listed if isinstance(listed, list) else ():
            if (
                isinstance(call, dict)
                and call.get("id") == tool.call_id
                and isinstance(call.get("resultDisplay"), dict)
            ):
                display = call["resultDisplay"]
    return display_edit(tool.name, tool.input, display)
