"""Tool calls and their ends, from every record shape that tells one, in one form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import orjson

from tracetui.harness import tools
from tracetui.harness.codex.output import NO_RESULT, CallOutput, milliseconds, read_ended, read_mcp
from tracetui.harness.codex.patch import BEGIN, holds_patch, read_patch, texts
from tracetui.harness.content import file_mark, flatten
from tracetui.model import Kind

__all__ = [
    "CallPart",
    "kind_of",
    "line",
    "read_arguments",
    "read_call",
    "read_end",
    "read_item",
    "summary_of",
    "web_key",
]

_KINDS: Final[dict[str, Kind]] = {
    **dict.fromkeys(("js", "js_repl", "exec"), "command"),
    **dict.fromkeys(
        """send_input send_message followup_task assign_task resume_agent wait_agent close_agent interrupt_agent
        list_agents spawn_agents_on_csv report_agent_job_result""".split(),
        "agent",
    ),
    **dict.fromkeys("web.run web__run web_run open_page find_in_page web_search_preview".split(), "web"),
    "read_mcp_resource": "tool",
    "local_shell": "command",
    "user_shell": "command",
}
_LOOK: Final = 300
_SCRIPTS: Final = frozenset({"exec", "js", "js_repl"})
_COLLAB: Final = {
    "spawnagent": "spawn_agent",
    "sendinput": "send_input",
    "sendmessage": "send_message",
    "resumeagent": "resume_agent",
    "wait": "wait",
    "closeagent": "close_agent",
}


class CallPart(NamedTuple):
    """One record's share of a tool call. ``called`` marks the call itself, ``result`` an end; ``id`` joins them."""

    id: str | None
    name: str
    input: Any = None
    kind: Kind = "tool"
    result: CallOutput | None = None
    called: bool = False
    thread: str | None = None
    script: bool = False
    twin: str | None = None


def line(text: str) -> str:
    """``tools.one_line``, which looks at no more of a long text than it shows."""
    if len(text) <= _LOOK:
        return tools.one_line(text)
    return " ".join(text[:_LOOK].split())[: tools.LINE - 1].rstrip() + "…"


def _str(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _named(namespace: object, name: object) -> str:
    """The full name of a tool: ``mcp__server__tool`` where the log splits it, else its own name."""
    plain = name if isinstance(name, str) else ""
    if isinstance(namespace, str) and namespace.startswith("mcp__") and not plain.startswith("mcp__"):
        glue = "" if namespace.endswith("__") or plain.startswith("_") else "__"
        return f"{namespace}{glue}{plain}"
    if namespace == "web":
        return f"web.{plain}"
    return plain or "unknown"


def read_arguments(value: object) -> Any:
    """The ``arguments`` of a call: parsed where they are JSON, else as they stand."""
    if not isinstance(value, str):
        return value
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        return value


def kind_of(name: str, value: Any, *, patched: bool = True) -> Kind:
    """The kind of a Codex tool call, from its name and, for shells and scripts, what it runs.

    ``patched`` false: the input is known to hold no patch.
    """
    kind = _KINDS.get(name) or tools.kind(name)
    if name == "wait":
        return "command" if isinstance(value, dict) and "cell_id" in value else "agent"
    return "edit" if patched and kind == "command" and holds_patch(value) else kind


def _script_line(script: str) -> str:
    """The first command in a script of code mode, else its first telling line."""
    at = script.find("cmd")
    if at >= 0:
        quote_at = min((found for mark in "\"'`" if (found := script.find(mark, at + 4, at + 12)) >= 0), default=-1)
        if quote_at >= 0:
            quote, here = script[quote_at], quote_at + 1
            out: list[str] = []
            while here < len(script) and len(out) < tools.LINE and script[here] != quote:
                if script[here] == "\\" and here + 1 < len(script):
                    here += 1
                    out.append(" " if script[here] == "n" else script[here])
                else:
                    out.append(script[here])
                here += 1
            if out:
                return line("".join(out))
    lines = (line for line in script[:4000].splitlines() if line.strip() and not line.startswith("//"))
    return line(next(lines, ""))


def summary_of(name: str, kind: Kind, value: Any) -> str:
    """One line about a call."""
    if kind == "command" and type(value) is dict:
        command = value.get("cmd")
        if isinstance(command, str) and command:
            return line(command)
    if kind == "edit":
        if isinstance(value, dict) and isinstance(value.get("changes"), dict):
            return line(", ".join(str(path) for path in value["changes"]))
        found = [file.path for text in texts(value, script=name in _SCRIPTS) for file in read_patch(text)]
        if found:
            return line(", ".join(dict.fromkeys(found)))
    if name in _SCRIPTS and isinstance(value, str):
        return _script_line(value)
    if kind == "plan" and isinstance(value, str):
        return line(value)
    return tools.summary(name, value, of_kind=kind)


def web_key(action: object) -> str | None:
    """What tells one web action from another: its kind and target; the same in every record of it."""
    if not isinstance(action, dict):
        return None
    names = ("query", "url", "pattern", "queries")
    found = [value for name in names if isinstance(value := action.get(name), (str, list))]
    return repr(found) if found else None


def read_call(item: Mapping[str, Any], name: str) -> CallPart:
    """A call among the response items; ``name`` is the item's type (``function_call``, ``custom_tool_call`` ...)."""
    identity = _str(item.get("call_id")) or _str(item.get("id"))
    if name == "custom_tool_call":
        tool = _named(item.get("namespace"), item.get("name"))
        value = item.get("input")
        if tool not in _SCRIPTS and isinstance(value, str) and value.startswith("{"):
            value = read_arguments(value)
        kind = kind_of(tool, value)
        return CallPart(identity, tool, value, kind, None, True, None, kind == "edit" and tool in _SCRIPTS)
    if name == "local_shell_call":
        value = item.get("action")
        return CallPart(identity, "local_shell", value, kind_of("local_shell", value), None, True)
    if name == "web_search_call":
        action = item.get("action")
        return CallPart(identity, "web_search", action, "web", _status(item), False, None, False, web_key(action))
    if name == "tool_search_call":
        return CallPart(identity, "tool_search", read_arguments(item.get("arguments")), "tool", None, True)
    if name == "image_generation_call":
        return _image(item)
    if name == "tool_call":
        function = item.get("function")
        tool = _named(None, function.get("name") if isinstance(function, dict) else item.get("name"))
        value = read_arguments(item.get("arguments"))
        return CallPart(identity, tool, value, kind_of(tool, value), None, True)
    tool = _named(item.get("namespace"), item.get("name"))
    raw = item.get("arguments")
    value = read_arguments(raw)
    kind = kind_of(tool, value, patched=not isinstance(raw, str) or BEGIN in raw)
    return CallPart(identity, tool, value, kind, None, True, None, kind == "edit" and tool in _SCRIPTS)


def _status(item: Mapping[str, Any]) -> CallOutput:
    return CallOutput(is_error=True) if item.get("status") in ("failed", "incomplete") else NO_RESULT


def _image(item: Mapping[str, Any]) -> CallPart:
    shown = file_mark("image", "image/png", item.get("result")) if _str(item.get("result")) else None
    path = _str(item.get("saved_path"))
    text = "\n".join(part for part in (shown, path) if part) or None
    prompt = {"prompt": item.get("revised_prompt")}
    failed = item.get("status") in ("failed", "incomplete")
    result = CallOutput(text, None, True if failed else None, None, 1 if shown else 0)
    identity = _str(item.get("call_id")) or _str(item.get("id"))
    return CallPart(identity, "image_generation", prompt, "tool", result, False, None, False, identity)


def _changes(value: Mapping[str, Any], identity: str | None) -> CallPart:
    return CallPart(identity, "apply_patch", {"changes": value.get("changes")}, "edit", read_ended(value))


def _command(value: Mapping[str, Any], identity: str | None) -> CallPart:
    source = value.get("source")
    user = isinstance(source, str) and source.replace("_", "").lower() == "usershell"
    name = "user_shell" if user else "exec_command"
    given = {"command": value.get("command"), "cwd": value.get("cwd")}
    return CallPart(identity, name, given, kind_of(name, given), read_ended(value))


def _found(value: Mapping[str, Any], name: str, identity: str | None) -> CallPart:
    """A finished web search; its results become lines of title, address and snippet."""
    action = value.get("action")
    rows: list[str] = []
    results = value.get("results")
    if isinstance(results, list):
        for row in results:
            if isinstance(row, dict):
                head = " ".join(part for part in (_str(row.get("title")), _str(row.get("url"))) if part)
                rows.extend(part for part in (head, _str(row.get("snippet"))) if part)
    given = action if isinstance(action, dict) and web_key(action) else {"query": value.get("query")}
    text = "\n".join(rows) if rows else None
    return CallPart(identity, name, given, "web", CallOutput(text), False, None, False, web_key(given))


def _mcp(server: object, tool: object, value: Mapping[str, Any], given: object, identity: str | None) -> CallPart:
    plain = tool.replace(".", "_") if isinstance(tool, str) else "unknown"
    name = f"mcp__{server}__{plain}" if isinstance(server, str) and server else plain
    return CallPart(identity, name, given, "tool", read_mcp(value))


def _dynamic(value: Mapping[str, Any], identity: str | None, *, begins: bool = False) -> CallPart:
    name = _named(value.get("namespace"), value.get("tool"))
    given = read_arguments(value.get("arguments"))
    if begins:
        return CallPart(identity, name, given, kind_of(name, given), None, True)
    flat = flatten(value.get("content_items"))
    success, error = value.get("success"), _str(value.get("error"))
    bad = not success if isinstance(success, bool) else (True if error else None)
    result = CallOutput(error or flat.text, None, bad, milliseconds(value.get("duration")), flat.images)
    return CallPart(identity, name, given, kind_of(name, given), result)


def _states(value: object) -> str | None:
    """What agents answered, from a map of statuses."""
    if isinstance(value, dict):
        rows = []
        for name, state in value.items():
            if isinstance(state, dict):
                parts = [text for text in (state.get("status"), state.get("message")) if isinstance(text, str)]
                parts = parts or [f"{key}: {text}" for key, text in state.items() if isinstance(text, str)]
                rows.append(f"{name}: {' '.join(parts)}".rstrip(": "))
            elif isinstance(state, str):
                rows.append(f"{name}: {state}")
        return "\n".join(rows) or None
    return value if isinstance(value, str) else None


def _collab(value: Mapping[str, Any], name: str, identity: str | None) -> CallPart:
    receivers = value.get("receiver_thread_ids", value.get("receiverThreadIds"))
    thread = _str(value.get("new_thread_id")) or _str(value.get("receiver_thread_id"))
    if thread is None and isinstance(receivers, list) and receivers:
        thread = _str(receivers[0])
    given = {
        key: value[key]
        for key in ("prompt", "new_agent_nickname", "new_agent_role", "receiver_agent_nickname", "model")
        if _str(value.get(key))
    }
    if thread:
        given["agent"] = thread
    status = value.get("status")
    state = status if isinstance(status, dict) else value.get("statuses") or value.get("agents_states")
    failed = status == "failed" or (isinstance(status, dict) and "errored" in status)
    text = _states(state) if name != "spawn_agent" or not thread else _states(state) or thread
    return CallPart(identity, name, given, "agent", CallOutput(text, None, True if failed else None), thread=thread)


_COLLAB_ENDS: Final = {
    "collab_agent_spawn_end": "spawn_agent",
    "collab_agent_interaction_end": "send_input",
    "collab_waiting_end": "wait",
    "collab_close_end": "close_agent",
    "collab_resume_end": "resume_agent",
}


def read_end(event: Mapping[str, Any], name: str) -> CallPart | None:
    """The end of a call among the legacy events; None where the event is not one."""
    identity = _str(event.get("call_id"))
    if name == "exec_command_end":
        return _command(event, identity)
    if name == "patch_apply_end":
        return _changes(event, identity)
    if name == "mcp_tool_call_end":
        told = event.get("invocation")
        told = told if isinstance(told, dict) else {}
        return _mcp(told.get("server"), told.get("tool"), event, told.get("arguments"), identity)
    if name == "web_search_end":
        return _found(event, "web_search", identity)
    if name == "view_image_tool_call":
        return CallPart(identity, "view_image", {"path": event.get("path")}, "read", NO_RESULT)
    if name == "image_generation_end":
        return _image(event)
    if name == "dynamic_tool_call_request":
        return _dynamic(event, _str(event.get("callId")) or identity, begins=True)
    if name == "dynamic_tool_call_response":
        return _dynamic(event, identity or _str(event.get("callId")))
    if name in _COLLAB_ENDS:
        return _collab(event, _COLLAB_ENDS[name], identity)
    return None


def read_item(item: Mapping[str, Any], name: str) -> CallPart | None:
    """A call among the completed items of a paginated log; None where the item is not one."""
    identity = _str(item.get("id"))
    if name == "CommandExecution":
        return _command(item, identity)
    if name == "FileChange":
        return _changes(item, identity)
    if name == "McpToolCall":
        return _mcp(item.get("server"), item.get("tool"), item, item.get("arguments"), identity)
    if name == "WebSearch":
        return _found(item, "web_search", identity)
    if name == "Extension":
        if web_key(item.get("action")) or _str(item.get("query")):
            return _found(item, _str(item.get("kind")) or "web_search", identity)
        value = {key: value for key, value in item.items() if key not in ("type", "id", "results")}
        return CallPart(identity, _str(item.get("kind")) or "extension", value, "tool", NO_RESULT)
    if name == "ImageView":
        return CallPart(identity, "view_image", {"path": item.get("path")}, "read", NO_RESULT)
    if name == "ImageGeneration":
        return _image(item)
    if name == "DynamicToolCall":
        return _dynamic(item, identity)
    if name == "CollabAgentToolCall":
        tool = _str(item.get("tool")) or ""
        return _collab(item, _COLLAB.get(tool.replace("_", "").lower(), tool or "agent"), identity)
    return None
