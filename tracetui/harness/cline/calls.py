"""Calls that models write as XML in their text, as Cline and Roo Code ask them to; blocks to search and replace."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from tracetui.harness import tools
from tracetui.model import Kind

__all__ = ["Call", "calls_of", "kind_of", "replacements"]

_KINDS: Final[dict[str, Kind]] = {
    **dict.fromkeys(
        ("write_to_file", "replace_in_file", "apply_diff", "insert_content", "search_and_replace", "edit_file"), "edit"
    ),
    **dict.fromkeys(("list_code_definition_names", "codebase_search", "search_files", "list_files"), "search"),
    **dict.fromkeys(("browser_action", "web_fetch", "web_search"), "web"),
    **dict.fromkeys(("new_task", "use_subagents"), "agent"),
    **dict.fromkeys(("update_todo_list", "focus_chain", "plan_mode_respond"), "plan"),
    **dict.fromkeys(("fetch_instructions", "access_mcp_resource", "load_mcp_documentation"), "read"),
}
_TOOLS: Final = frozenset(
    {
        *_KINDS,
        *("execute_command", "read_file", "apply_patch", "search_replace", "use_mcp_tool", "ask_followup_question"),
        *("attempt_completion", "switch_mode", "condense", "new_rule", "report_bug", "run_slash_command"),
        *("generate_image", "summarize_task"),
    }
)
_LONG: Final = frozenset({"content", "diff", "result", "arguments", "args"})
"""Parameters that may hold tags themselves: they end at the last end tag."""
_NAME_MAX: Final = 40
_BEGINS: Final = ("------- SEARCH", "<<<<<<< SEARCH")
_ENDS: Final = ("+++++++ REPLACE", ">>>>>>> REPLACE")


class Call(NamedTuple):
    """A call found in a text: the tool, its parameters, and where in the text it begins."""

    name: str
    given: dict[str, Any]
    start: int


def kind_of(name: str) -> Kind:
    """The step kind of a call to a tool of Cline or Roo Code."""
    return _KINDS.get(name) or tools.kind(name)


def calls_of(text: str) -> list[Call]:
    """The calls that a response of the model holds, in order. Linear in the text."""
    out: list[Call] = []
    at = 0
    while (at := text.find("<", at)) >= 0:
        close = text.find(">", at, at + _NAME_MAX + 2)
        name = text[at + 1 : close] if close > 0 else ""
        if name not in _TOOLS:
            at += 1
            continue
        end = text.find(f"</{name}>", close)
        body = text[close + 1 : end if end >= 0 else None]
        out.append(Call(name, _parameters(body), at))
        if end < 0:
            break
        at = end + 1
    return out


def _parameters(body: str) -> dict[str, Any]:
    given: dict[str, Any] = {}
    at = 0
    while (at := body.find("<", at)) >= 0:
        close = body.find(">", at, at + _NAME_MAX + 2)
        name = body[at + 1 : close] if close > 0 else ""
        if not name.replace("_", "").isalpha():
            at += 1
            continue
        tag = f"</{name}>"
        end = body.rfind(tag, close) if name in _LONG else body.find(tag, close)
        inner = body[close + 1 : end if end >= 0 else None]
        given.setdefault(name, inner.strip("\n") if name in _LONG else inner.strip())
        if end < 0:
            break
        at = end + len(tag)
    return given


def replacements(diff: str) -> list[tuple[str, str]]:
    """The (old, new) pairs of a text of blocks to search and replace, of Cline's or Roo's form."""
    out: list[tuple[str, str]] = []
    old: list[str] | None = None
    new: list[str] | None = None
    for line in diff.split("\n"):
        mark = line.strip()
        if mark.startswith(_BEGINS):
            old, new = [], None
        elif old is not None and new is None and mark == "-------":
            old = []  # behind ":start_line:12" and the like
        elif old is not None and new is None and mark == "=======":
            new = []
        elif new is not None and old is not None and mark.startswith(_ENDS):
            out.append(("".join(old), "".join(new)))
            old = new = None
        elif new is not None:
            new.append(f"{line}\n")
        elif old is not None and not (not old and line.startswith(":start_line:")):
            old.append(f"{line}\n")
    return out
