"""The reader of Copilot CLI's events.

A call begins with the message that asks for it; ``tool.execution_start`` and ``tool.execution_complete`` belong to it.
"""

from __future__ import annotations

import re
from typing import Any, Final

import orjson

from tracetui.harness import tools
from tracetui.harness.stepping import StepDraft, Stepper, noted, number, string
from tracetui.model import Kind, Record, Tokens, from_iso

__all__ = ["CopilotReader", "arguments", "kind_of", "result_text"]

_KINDS: Final[dict[str, Kind]] = {
    **dict.fromkeys(("create", "str_replace_editor", "insert"), "edit"),
    **dict.fromkeys(("read_bash", "write_bash", "stop_bash", "list_bash"), "command"),
    **dict.fromkeys(("read_powershell", "write_powershell", "stop_powershell", "list_powershell"), "command"),
    **dict.fromkeys(("rg", "lsp"), "search"),
    "update_todo": "plan",
    "report_intent": "plan",
    "read_agent": "agent",
    "list_agents": "agent",
}
_SILENT: Final = frozenset(
    """session.start session.resume session.model_change session.shutdown session.idle session.info
    session.title_changed
    session.mode_changed session.plan_changed session.permissions_changed session.context_changed session.usage_info
    session.workspace_file_changed session.background_tasks_changed session.skills_loaded session.tools_updated
    session.custom_agents_updated session.mcp_servers_loaded session.mcp_server_status_changed session.extensions_loaded
    session.compaction_start session.remote_steerable_changed session.handoff session.task_complete
    hook.start hook.end hook.progress assistant.turn_start assistant.turn_end assistant.intent assistant.usage
    assistant.message_start assistant.message_delta assistant.reasoning_delta assistant.streaming_delta
    system.message permission.requested permission.completed pending_messages.modified tool.user_requested
    tool.execution_progress tool.execution_partial_result user_input.requested user_input.completed
    elicitation.requested elicitation.completed exit_plan_mode.requested exit_plan_mode.completed
    external_tool.requested external_tool.completed command.queued command.execute command.completed
    subagent.selected subagent.deselected subagent.completed subagent.started
    """.split()
)
_TELLS: Final = {
    "session.error": "message",
    "session.warning": "message",
    "session.truncation": "",
    "session.snapshot_rewind": "",
    "subagent.failed": "error",
    "system.notification": "content",
    "skill.invoked": "name",
    "abort": "reason",
}
"""Events of the harness that are steps, and the field that tells most."""
_EXIT: Final = re.compile(r"<(?:shellId: \S{1,40} )?(?:completed|exited) with exit code (-?[0-9]{1,10})>\s*\Z")


def kind_of(name: str) -> Kind:
    """The step kind of a call to Copilot's tool of this name."""
    return _KINDS.get(name) or tools.kind(name)


def arguments(value: Any) -> Any:
    """A call's input; older versions wrote it as JSON text."""
    if isinstance(value, str) and value.startswith("{"):
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError:
            return value
    return value


def result_text(data: dict[str, Any]) -> str:
    """What a call's result says to the model."""
    result, error = data.get("result"), data.get("error")
    if isinstance(error, dict) and isinstance(error.get("message"), str):
        return str(error["message"])
    if isinstance(result, dict):
        for name in ("content", "textResultForLlm", "text_result_for_llm"):
            if isinstance(result.get(name), str):
                return str(result[name])
    return result if isinstance(result, str) else ""


class CopilotReader(Stepper):
    """See ``base.Reader``. Input tokens are told for the whole session only (at its end), so a response has those that
    it wrote."""

    harness = "copilot"
    small = ("_started",)

    def begin(self) -> None:
        """Set what belongs to open calls."""
        self._started: dict[str, int] = {}

    def feed(self, record: Record) -> None:
        """Take the next record."""
        value = record.value
        kind, data = value.get("type"), value.get("data")
        if not isinstance(kind, str) or not (isinstance(data, dict) or record.oversize):
            self._unknown(kind)
            return
        data = data if isinstance(data, dict) else {}
        time = from_iso(value.get("timestamp"))
        self._when(time)
        key = string(value.get("id")) or f"L{record.source.line}.{record.nth}"
        if not self._first(f"e{key}"):
            self.known[f"{kind[:40]}/again"] += 1
        elif kind == "user.message":
            self._user(record, data, key, time)
        elif kind == "assistant.message":
            self._message(record, data, key, time)
        elif kind == "assistant.reasoning":
            self._reasoning(record, data, key, time)
        elif kind == "tool.execution_start":
            self._start(record, data, time)
        elif kind == "tool.execution_complete":
            self._complete(record, data, key, time)
        elif kind == "session.compaction_complete":
            self._compaction(record, data, key, time)
        elif kind in _TELLS:
            self._told(record, kind, data, key, time)
        elif kind in _SILENT:
            self.known[kind] += 1
            self._setting(kind, data)
        else:
            self._unknown(kind)

    def _setting(self, kind: str, data: dict[str, Any]) -> None:
        facts = self.facts
        if kind in ("session.start", "session.resume", "session.context_changed"):
            facts.session = string(data.get("sessionId")) or facts.session
            facts.version = string(data.get("copilotVersion")) or facts.version
            facts.model = string(data.get("selectedModel")) or facts.model
            box = data.get("context")
            where: dict[str, Any] = box if isinstance(box, dict) else data
            facts.cwd = facts.cwd or string(where.get("cwd"))
            facts.repo = facts.repo or string(where.get("repository"))
            facts.branch = facts.branch or string(where.get("branch"))
            facts.commit = facts.commit or string(where.get("headCommit"))
        elif kind == "session.model_change":
            facts.model = string(data.get("newModel")) or facts.model
        elif kind == "session.title_changed":
            self._title(string(data.get("title")))

    def _user(self, record: Record, data: dict[str, Any], key: str, time: int | None) -> None:
        text = noted(record, string(data.get("content")) or "")
        files = data.get("attachments")
        if not text.strip():
            self.known["user.message/empty"] += 1
            return
        self.stepped += 1
        source = data.get("source")
        if isinstance(source, str) and source not in ("user", ""):
            draft = self._begin(record, "event", key, time, text)
        else:
            draft = self._prompt(record, key, time, text)
        draft.images = sum(
            isinstance(file, dict) and "image" in f"{file.get('type')}{file.get('mimeType')}"
            for file in (files if isinstance(files, list) else ())
        )

    def _message(self, record: Record, data: dict[str, Any], key: str, time: int | None) -> None:
        model = string(data.get("model"))
        self.facts.model = model or self.facts.model
        begun: list[StepDraft] = []
        thought, said = string(data.get("reasoningText")), noted(record, string(data.get("content")) or "")
        if thought is not None and thought.strip():
            begun.append(self._begin(record, "thinking", f"{key}:think", time, thought))
        if said.strip():
            begun.append(self._begin(record, "message", f"{key}:text", time, said))
        asked = data.get("toolRequests")
        for nth, request in enumerate(asked if isinstance(asked, list) else ()):
            if isinstance(request, dict):
                call = string(request.get("toolCallId"))
                begun.append(self._asked_for(record, request, call, f"{key}:{nth}", time))
        written = number(data.get("outputTokens"))
        if not begun and written:
            begun.append(self._begin(record, "event", f"{key}:end", time, "empty response"))
        if not begun:
            self.known["assistant.message/empty"] += 1
            return
        self.stepped += 1
        for draft in begun:
            draft.model = model
            draft.response = string(data.get("messageId")) or key
            draft.sidechain = string(data.get("parentToolCallId")) is not None
        if written:
            begun[0].tokens = Tokens(output=written)

    def _asked_for(
        self, record: Record, request: dict[str, Any], call: str | None, key: str, time: int | None
    ) -> StepDraft:
        name = string(request.get("name")) or string(request.get("toolName")) or "tool"
        return self._call(record, name, arguments(request.get("arguments")), call, call or key, time, kind_of(name))

    def _reasoning(self, record: Record, data: dict[str, Any], key: str, time: int | None) -> None:
        text = string(data.get("content")) or ""
        if not text.strip():
            self.known["assistant.reasoning/empty"] += 1
            return
        self.stepped += 1
        self._begin(record, "thinking", f"{key}:think", time, text)

    def _start(self, record: Record, data: dict[str, Any], time: int | None) -> None:
        self.stepped += 1
        call = string(data.get("toolCallId"))
        draft = self._open.get(call or "")
        if draft is None:
            draft = self._asked_for(record, data, call, f"L{record.source.line}", time)
            draft.model = string(data.get("model"))
            draft.sidechain = string(data.get("parentToolCallId")) is not None
        else:
            draft.add(record.source, 0)
            self._changed[draft.number] = draft
        if call is not None and time is not None:
            self._started[call] = time
            if len(self._started) > 256:
                del self._started[next(iter(self._started))]

    def _complete(self, record: Record, data: dict[str, Any], key: str, time: int | None) -> None:
        self.stepped += 1
        call = string(data.get("toolCallId"))
        draft = self._result(record, call)
        if draft is None:
            draft = self._begin(record, "tool", key, time, None, "result without its call")
            draft.name, draft.call = "tool", call
        draft.output = noted(record, result_text(data))
        began = self._started.pop(call or "", None)
        if began is not None and time is not None and time >= began:
            draft.duration = time - began
        told = data.get("toolTelemetry")
        metrics = told.get("metrics") if isinstance(told, dict) else None
        code = metrics.get("exit_code") if isinstance(metrics, dict) else None
        if type(code) is not int and draft.kind == "command" and (found := _EXIT.search(draft.output[-200:])):
            code = int(found[1])
        draft.exit_code = code if type(code) is int else None
        draft.is_error = data.get("success") is False or isinstance(data.get("error"), dict)

    def _compaction(self, record: Record, data: dict[str, Any], key: str, time: int | None) -> None:
        if data.get("success") is False:
            self.known["session.compaction_complete/failed"] += 1
            return
        self.stepped += 1
        text = noted(record, string(data.get("summaryContent")) or "")
        self._begin(record, "compaction", key, time, text or None, tools.one_line(text) or "compaction")

    def _told(self, record: Record, kind: str, data: dict[str, Any], key: str, time: int | None) -> None:
        self.stepped += 1
        said = string(data.get(_TELLS[kind])) if _TELLS[kind] else None
        text = noted(record, said or "")
        if kind != "system.notification":
            text = f"{kind.rpartition('.')[2].replace('_', ' ')}: {text}" if text else kind.replace(".", " ")
        self._begin(record, "event", key, time, text)
