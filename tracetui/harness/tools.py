"""What kind of step a tool call is, by the tool's name, and the one line that tells what it was about."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson

from tracetui.model import Kind

__all__ = ["LINE", "kind", "one_line", "patch_paths", "paths", "summary"]

LINE: Final = 240
"""Characters of a summary at most."""

_NAMES: Final[dict[Kind, str]] = {
    "command": """bash shell shell_command local_shell local_shell_call exec exec_command run_command run_shell_command
        run_terminal_cmd execute_command shell_exec write_stdin bashoutput bash_output killshell killbash kill_shell
        powershell terminal container.exec unified_exec user_shell code_execution bash_code_execution""",
    "edit": """edit multiedit multi_edit write notebookedit notebook_edit apply_patch write_file edit_file create_file
        str_replace str_replace_editor str_replace_based_edit_tool text_editor text_editor_code_execution
        search_replace delete_file""",
    "read": """read read_file notebookread notebook_read view view_file view_image read_many_files open_file""",
    "search": """grep glob ls find list_dir list_directory list_files grep_files grep_search file_search
        codebase_search search_files search_file_content""",
    "web": "webfetch websearch web_fetch web_search web_search_call fetch_url",
    "agent": "task agent dispatch_agent spawn_agent subagent",
    "plan": """todowrite todoread todo_write todo_read todo taskcreate taskupdate tasklist taskget update_plan
        exitplanmode exit_plan_mode enterplanmode enter_plan_mode write_todos manage_todo_list""",
}
_KIND_OF: Final[dict[str, Kind]] = {name: of_kind for of_kind, names in _NAMES.items() for name in names.split()}
_COMMAND_KEYS: Final = ("command", "cmd", "script", "code", "input", "chars")
_PATH_KEYS: Final = (
    "file_path",
    "path",
    "notebook_path",
    "filePath",
    "absolute_path",
    "target_file",
    "file",
    "filename",
)
_TELLING_KEYS: Final = (
    *("command", "cmd", "file_path", "path", "notebook_path", "url", "query", "pattern", "question", "description"),
    *("subject", "title", "name", "prompt", "message", "task", "text", "skill", "action", "id"),
)
_PATCH_MARKS: Final = ("*** Add File: ", "*** Update File: ", "*** Delete File: ")
_MOVED: Final = "*** Move to: "
_PATHS_MOST: Final = 200
_PATH_LENGTH: Final = 1024


def kind(name: object) -> Kind:
    """The step kind of a call to the tool of this name (any case); MCP tools and names not known are ``tool``."""
    return _KIND_OF.get(name.lower(), "tool") if isinstance(name, str) else "tool"


def one_line(text: object, limit: int = LINE) -> str:
    """Text on one line, runs of white space as one blank, cut at ``limit`` with an ellipsis; "" where it is no text."""
    if not isinstance(text, str):
        return ""
    head = text[: limit + 40]
    line = head.strip() if head.isprintable() and "  " not in head else " ".join(head.split())
    if len(text) > limit + 40:
        if len(line) <= limit:
            line = " ".join(text[: limit * 4].split())
        if len(line) <= limit and len(text) > limit * 4:
            return line[: limit - 1].rstrip() + "…"
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def patch_paths(patch: str) -> list[str]:
    """The files that the text of an apply_patch names, in order, each once."""
    found: dict[str, None] = {}
    if "*** " in patch:
        for line in patch.splitlines():
            for mark in _PATCH_MARKS:
                if line.startswith(mark):
                    found[line[len(mark) :].strip()] = None
    return list(found)


def paths(of_kind: Kind, value: object) -> list[str]:
    """The files and folders that a call speaks of: what it reads, searches or edits, as its input names them, each
    once. Other kinds of calls have none: what a shell command touches is not told by its text.

    ``value`` is the input as the log holds it. Never raises."""
    if of_kind not in ("read", "search", "edit"):
        return []
    found: list[str] = []
    texts: list[object] = [value]
    if isinstance(value, Mapping):
        found += [_text(value.get(key)) for key in _PATH_KEYS]
        several = value.get("paths", value.get("files"))
        found += [_text(item) for item in several] if isinstance(several, list) else []
        texts = [value.get("input"), value.get("patch"), value.get("command"), value.get("patchText")]
        texts += [item for text in texts if isinstance(text, list) for item in text]
    if of_kind == "edit":
        for text in texts:
            if isinstance(text, str) and "*** " in text:
                found += patch_paths(text)
                found += [line[len(_MOVED) :].strip() for line in text.splitlines() if line.startswith(_MOVED)]
    kept = (path for path in found if path and len(path) <= _PATH_LENGTH and path.isprintable())
    return list(dict.fromkeys(kept))[:_PATHS_MOST]


def summary(name: object, value: object, *, of_kind: Kind | None = None) -> str:
    """One line with the most telling part of a call's input: command, path, pattern, url, question ...

    ``value`` is the input as the log holds it (an object, a string such as the text of a patch, or anything);
    ``of_kind`` overrides the kind that the name says. Never raises; "" where there is nothing to tell.
    """
    if value is None or value == "" or value == {}:
        return ""
    shape = _SHAPES.get(of_kind or kind(name), _other)
    if isinstance(value, str):
        if shape is _edit:
            return one_line(", ".join(patch_paths(value))) or one_line(value)
        return one_line(value)
    if not isinstance(value, dict):
        return one_line(_json(value))
    return one_line(shape(value)) or one_line(_other(value))


def _text(value: object) -> str:
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return ""


def _first(value: Mapping[str, Any], keys: tuple[str, ...]) -> str:
    for key in keys:
        text = _text(value.get(key))
        if text:
            return text
    return ""


def _json(value: object) -> str:
    try:
        return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    except (TypeError, ValueError, RecursionError):
        return ""


def _command(value: Mapping[str, Any]) -> str:
    command = value.get("command", value.get("cmd"))
    if isinstance(command, list):
        words = [word for word in command if isinstance(word, str)]
        if len(words) == 3 and words[1] in ("-c", "-lc", "-ic", "-Command", "/c"):
            return words[2]
        return " ".join(words)
    text = _first(value, _COMMAND_KEYS)
    if text and "chars" not in value:
        return text
    session = _first(value, ("bash_id", "shell_id", "session_id", "task_id"))
    return f"{session}: {text}" if session and text else text or session


def _path(value: Mapping[str, Any]) -> str:
    return _first(value, _PATH_KEYS)


def _read(value: Mapping[str, Any]) -> str:
    path = _path(value)
    if not path:
        paths = value.get("paths")
        return ", ".join(_text(item) for item in paths) if isinstance(paths, list) else ""
    offset, limit, pages = value.get("offset"), value.get("limit"), value.get("pages")
    if isinstance(offset, int) and isinstance(limit, int):
        return f"{path}:{offset}-{offset + max(limit, 1) - 1}"
    if isinstance(offset, int):
        return f"{path}:{offset}-"
    if isinstance(limit, int):
        return f"{path}:1-{limit}"
    return f"{path} pages {pages}" if isinstance(pages, str) and pages else path


def _edit(value: Mapping[str, Any]) -> str:
    path = _path(value)
    if not path:
        patch = _first(value, ("input", "patch"))
        return ", ".join(patch_paths(patch)) or patch
    edits = value.get("edits")
    return f"{path} ({len(edits)} edits)" if isinstance(edits, list) and len(edits) > 1 else path


def _search(value: Mapping[str, Any]) -> str:
    pattern = _first(value, ("pattern", "query", "regex"))
    path = _path(value)
    glob = _first(value, ("glob", "include", "type"))
    words = [pattern or glob, glob if pattern else "", f"in {path}" if path and (pattern or glob) else path]
    return " ".join(word for word in words if word)


def _web(value: Mapping[str, Any]) -> str:
    action = value.get("action")
    inner = action if isinstance(action, dict) else {}
    return _first(value, ("url", "query")) or _first(inner, ("url", "query"))


def _agent(value: Mapping[str, Any]) -> str:
    what = _first(value, ("description", "name", "prompt", "message", "task"))
    which = _first(value, ("subagent_type", "agent_type", "agent"))
    return f"{which}: {what}" if which and what else what or which


def _plan(value: Mapping[str, Any]) -> str:
    items = value.get("todos", value.get("plan", value.get("items")))
    if isinstance(items, str):
        return items.strip().lstrip("# ")
    if isinstance(items, list):
        return _todos([item for item in items if isinstance(item, dict)])
    what = _first(value, ("subject", "content", "description", "explanation"))
    number = _first(value, ("taskId", "task_id", "id"))
    status = _first(value, ("status",))
    return " ".join(word for word in (f"#{number}" if number else "", status, what) if word)


def _todos(items: list[Mapping[str, Any]]) -> str:
    done = sum(item.get("status") in ("completed", "done") for item in items)
    now = next((item for item in items if item.get("status") == "in_progress"), None)
    if now is None:
        now = next((item for item in items if item.get("status") not in ("completed", "done")), None)
    text = _first(now, ("content", "step", "activeForm", "text", "title", "description")) if now else ""
    return f"{done}/{len(items)} {text}".rstrip()


def _other(value: Mapping[str, Any]) -> str:
    questions = value.get("questions")
    if isinstance(questions, list) and questions and isinstance(questions[0], dict):
        return _first(questions[0], ("question", "header"))
    skill = _text(value.get("skill"))
    if skill:
        return f"{skill} {_text(value.get('args'))}".rstrip()
    found = _first(value, _TELLING_KEYS)
    if found:
        return found
    for item in value.values():
        text = _text(item)
        if text:
            return text
    return _json(dict(value)) if value else ""


_SHAPES: Final[dict[Kind, Callable[[Mapping[str, Any]], str]]] = {
    "command": _command,
    "edit": _edit,
    "read": _read,
    "search": _search,
    "web": _web,
    "agent": _agent,
    "plan": _plan,
}
