"""The reader of Qwen Code's records."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from tracetui.harness import tools
from tracetui.harness.base import FileEdit
from tracetui.harness.content import file_mark
from tracetui.harness.genai import display_edit, exit_code, kind_of, parts_of, response_text, text_of, tokens_of
from tracetui.harness.stepping import StepDraft, Stepper, noted, number, string
from tracetui.model import Kind, Record, Step, Tokens, from_iso

__all__ = ["QwenReader", "edits"]

_SILENT: Final = frozenset(
    """ui_telemetry attribution_snapshot at_command session_notes custom_title parent_session session_source
    session_execution_engine omni_recall session_model session_approval_mode rewind agent_bootstrap agent_launch_prompt
    agent_session_ready file_history_snapshot user_text_elements session_artifact_event session_artifact_snapshot
    session_sources_snapshot branch_checkpoint goal_state goal_turn_end turn_result background_task_completed
    managed_session_header_v1 managed_session_event_v1 managed_session_commit_v1""".split()
)
_PUT: Final = frozenset({"notification", "cron", "goal_runtime", "agent_retry", "realtime_message"})
"""Kinds of messages of the user that the program put there."""


class QwenReader(Stepper):
    """See ``base.Reader``. A response may be several records; the first has its counts, and perhaps no more."""

    harness = "qwen"
    small = ("_paid", "_before")

    def begin(self) -> None:
        """Set what waits for the next record."""
        self._paid: list[int] | None = None
        self._before: str | None = None

    def feed(self, record: Record) -> None:
        """Take the next record."""
        value = record.value
        kind, subtype = value.get("type"), value.get("subtype")
        key = string(value.get("uuid")) or f"L{record.source.line}.{record.nth}"
        if not isinstance(kind, str):
            self._unknown(kind)
            return
        time = from_iso(value.get("timestamp"))
        self._facts(value, time)
        if not self._first(key):
            self.known[f"{kind[:40]}/again"] += 1
        elif kind == "user":
            self._user(record, value, key, time)
        elif kind == "assistant":
            self._answer(record, value, key, time)
        elif kind == "tool_result":
            self._results(record, value, key, time)
        elif kind == "system":
            self._system(record, value, subtype, key, time)
        else:
            self._unknown(kind)

    def _facts(self, value: dict[str, Any], time: int | None) -> None:
        self._when(time)
        facts = self.facts
        if facts.version is None:
            facts.session = string(value.get("sessionId")) or facts.session
            facts.agent = string(value.get("agentId"))
        facts.version = string(value.get("version")) or facts.version
        facts.cwd = facts.cwd or string(value.get("cwd"))
        facts.branch = facts.branch or string(value.get("gitBranch"))
        facts.model = string(value.get("model")) or facts.model

    def _user(self, record: Record, value: dict[str, Any], key: str, time: int | None) -> None:
        message = value.get("message")
        text, images = text_of(message.get("parts") if isinstance(message, dict) else None)
        text = noted(record, text)
        if not text.strip():
            self.known["user/empty"] += 1
            return
        self.stepped += 1
        if value.get("subtype") in _PUT or value.get("provenance") in ("system", "goal_control", "goal_runtime"):
            self._begin(record, "event", key, time, text).images = images
        else:
            self._prompt(record, key, time, text).images = images

    def _answer(self, record: Record, value: dict[str, Any], key: str, time: int | None) -> None:
        message = value.get("message")
        begun: list[StepDraft] = []
        for nth, part in enumerate(parts_of(message.get("parts")) if isinstance(message, dict) else ()):
            draft = self._part(record, part, f"{key}:{nth}", time)
            if draft is not None:
                begun.append(draft)
        tokens = tokens_of(value.get("usageMetadata"))
        if not begun:
            self.known["assistant/empty"] += 1
            if tokens is not None:
                self._paid = [tokens.input, tokens.output, tokens.cache_read, tokens.cache_write]
                self._before = key
            return
        self.stepped += 1
        response = key
        if tokens is None and self._paid is not None:
            tokens, response = Tokens(*self._paid), self._before or key
        self._paid = self._before = None
        begun[0].tokens = tokens
        for draft in begun:
            draft.model, draft.response = string(value.get("model")) or self.facts.model, response

    def _part(self, record: Record, part: dict[str, Any], key: str, time: int | None) -> StepDraft | None:
        call = part.get("functionCall")
        if isinstance(call, dict):
            name, given = string(call.get("name")) or "tool", call.get("args")
            own = string(call.get("id"))
            draft = self._call(record, name, given, own, own or key, time, kind_of(name))
            if draft.kind == "agent" and isinstance(given, dict) and own is not None:
                who = string(given.get("subagent_type"))
                draft.thread = f"{who}-{own}" if who is not None else None
            return draft
        if part.get("thought") is True:
            text, kind = string(part.get("text")) or "", "thinking"
        else:
            text, kind = text_of([part])[0], "message"
        if not text.strip():
            return None
        of_kind: Kind = "thinking" if kind == "thinking" else "message"
        return self._begin(record, of_kind, key, time, noted(record, text))

    def _results(self, record: Record, value: dict[str, Any], key: str, time: int | None) -> None:
        message = value.get("message")
        told = value.get("toolCallResult")
        about: dict[str, Any] = told if isinstance(told, dict) else {}
        found = 0
        for nth, part in enumerate(parts_of(message.get("parts")) if isinstance(message, dict) else ()):
            answer = part.get("functionResponse")
            if isinstance(answer, dict):
                self._result_of(record, answer, about, f"{key}:{nth}", time)
                found += 1
            elif found and isinstance(part.get("inlineData"), dict):
                self._image(part["inlineData"])
        if found:
            self.stepped += 1
        else:
            self.known["tool_result/empty"] += 1

    def _image(self, data: dict[str, Any]) -> None:
        """A file that a call gave back stands behind its answer."""
        draft = self._changed[max(self._changed)] if self._changed else None
        if draft is not None and draft.name is not None:
            image = str(data.get("mimeType")).startswith("image/")
            draft.images += image
            mark = file_mark("image" if image else "file", data.get("mimeType"), data.get("data"))
            draft.output = f"{draft.output}\n{mark}" if draft.output else mark

    def _result_of(
        self, record: Record, answer: dict[str, Any], about: dict[str, Any], key: str, time: int | None
    ) -> None:
        call = string(answer.get("id"))
        draft = self._result(record, call)
        if draft is None:
            name = string(answer.get("name")) or "tool"
            draft = self._begin(record, kind_of(name), key, time, None, tools.one_line(name))
            draft.name, draft.call = name, call
        text, failed = response_text(answer.get("response"))
        draft.output = noted(record, text)
        draft.is_error = failed or about.get("status") in ("error", "cancelled")
        draft.duration = number(about.get("durationMs"))
        display = about.get("resultDisplay")
        code = display.get("exitCode") if isinstance(display, dict) else None
        if draft.kind == "command":
            draft.exit_code = code if type(code) is int else exit_code(text)

    def _system(self, record: Record, value: dict[str, Any], subtype: Any, key: str, time: int | None) -> None:
        box = value.get("systemPayload")
        payload: dict[str, Any] = box if isinstance(box, dict) else {}
        if subtype == "chat_compression":
            self.stepped += 1
            text = noted(record, _summary(payload))
            self._begin(record, "compaction", key, time, text or None, tools.one_line(text) or "compaction")
        elif subtype == "slash_command" and payload.get("phase") != "result" and string(payload.get("rawCommand")):
            self.stepped += 1
            self._begin(record, "event", key, time, str(payload["rawCommand"]))
        elif isinstance(subtype, str) and (subtype in _SILENT or subtype == "slash_command"):
            self.known[f"system/{subtype}"] += 1
            if subtype == "custom_title":
                self._title(string(payload.get("customTitle")) or string(payload.get("title")))
            elif subtype == "parent_session":
                self.facts.parent = string(payload.get("parentSessionId")) or self.facts.parent
        elif isinstance(subtype, str) and subtype in _PUT and string(payload.get("displayText")):
            self.stepped += 1
            self._begin(record, "event", key, time, str(payload["displayText"]))
        else:
            self._unknown(f"system/{subtype if isinstance(subtype, str) else '?'}")


def _summary(payload: dict[str, Any]) -> str:
    """The text that took the place of the history: its first message."""
    history = payload.get("compressedHistory")
    for content in history if isinstance(history, list) else ():
        if isinstance(content, dict):
            text = text_of(content.get("parts"))[0]
            if text.strip():
                return text
    return ""


def edits(step: Step, records: Sequence[Record]) -> list[FileEdit]:
    """The file edits of one step; none for a call that failed or has no result. The display of a large file is cut in
    the log: what was asked then tells."""
    tool = step.tool
    if step.kind != "edit" or tool is None or tool.output is None or tool.is_error:
        return []
    display: Any = None
    for record in records:
        told = record.value.get("toolCallResult")
        if isinstance(told, dict) and told.get("callId", tool.call_id) == tool.call_id:
            display = told.get("resultDisplay")
    if isinstance(display, dict) and display.get("truncatedForSession"):
        display = {"filePath": display.get("filePath")}
    return display_edit(tool.name, tool.input, display)
