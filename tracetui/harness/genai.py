"""What Gemini CLI and Qwen Code, which grew out of it, share: contents with ``parts``, token counts, tools, edits."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import orjson

from tracetui.harness import tools
from tracetui.harness.base import FileEdit
from tracetui.harness.content import file_mark
from tracetui.harness.context import ContextPiece, call_text
from tracetui.harness.stepping import number, string
from tracetui.model import Kind, Tokens

__all__ = ["display_edit", "exit_code", "kind_of", "parts_of", "pieces_of", "response_text", "text_of", "tokens_of"]

_KINDS: Final[dict[str, Kind]] = {
    "replace": "edit",
    "google_web_search": "web",
    "delegate_to_agent": "agent",
    "invoke_agent": "agent",
    "write_todos": "plan",
    "monitor": "command",
}
_EXIT: Final = re.compile(r"^Exit Code: (-?[0-9]{1,10})$", re.MULTILINE)
_CONTEXT: Final = ("<session_context>", "This is the Gemini CLI. We are setting up", "This is the Qwen Code. We are")


def kind_of(name: str) -> Kind:
    """The step kind of a call to a tool of this name."""
    return _KINDS.get(name) or tools.kind(name)


def parts_of(content: Any) -> Iterator[dict[str, Any]]:
    """The parts of a content: text alone, one part, or a list of them."""
    for part in content if isinstance(content, list) else [content]:
        if isinstance(part, str):
            yield {"text": part}
        elif isinstance(part, dict):
            yield part


def text_of(content: Any) -> tuple[str, int]:
    """What a person or the model wrote, thoughts and calls left out; the number of images."""
    out: list[str] = []
    images = 0
    for part in parts_of(content):
        if part.get("thought") is True:
            continue
        if isinstance(part.get("text"), str):
            out.append(part["text"])
        data = part.get("inlineData")
        if isinstance(data, dict):
            image = str(data.get("mimeType")).startswith("image/")
            images += image
            out.append(file_mark("image" if image else "file", data.get("mimeType"), data.get("data")))
        elif isinstance(part.get("fileData"), dict):
            out.append(f"[file {part['fileData'].get('fileUri')}]"[:200])
    return "\n".join(item for item in out if item), images


def is_context(text: str) -> bool:
    """Whether a message of the user is what the program tells the model about the machine and the folder."""
    return text.lstrip().startswith(_CONTEXT)


def response_text(response: Any) -> tuple[str, bool]:
    """What the ``response`` of a ``functionResponse`` says, and whether it is an error."""
    if isinstance(response, dict):
        for name, failed in (("output", False), ("error", True), ("content", False)):
            found = response.get(name)
            if isinstance(found, str):
                return found, failed
            if found is not None:
                return _json(found), failed
        return (_json(response) if response else ""), False
    return (response if isinstance(response, str) else ""), False


def _json(value: Any) -> str:
    try:
        return orjson.dumps(value).decode()
    except (TypeError, ValueError):
        return ""


def exit_code(output: str) -> int | None:
    """The exit status that the text of a command's result tells."""
    found = _EXIT.findall(output[-4000:])
    return int(found[-1]) if found else None


def tokens_of(usage: Any) -> Tokens | None:
    """Counts as Gemini's ``tokens`` or the API's ``usageMetadata`` tell them; None where all are 0 or missing. The
    prompt includes what was cached; thoughts stand beside the output where the total says so."""
    if not isinstance(usage, dict):
        return None

    def of(*names: str) -> int:
        return next((found for name in names if (found := number(usage.get(name))) is not None), 0)

    given, written = of("input", "promptTokenCount"), of("output", "candidatesTokenCount")
    cached, thought = of("cached", "cachedContentTokenCount"), of("thoughts", "thoughtsTokenCount")
    if thought and of("total", "totalTokenCount") >= given + written + thought:
        written += thought
    found = Tokens(max(given - cached, 0), written, min(cached, given), 0)
    return found if found.prompt or found.output else None


def display_edit(name: str, given: Any, display: Any) -> list[FileEdit]:
    """The edit that a call of ``replace``, ``edit`` or ``write_file`` made: whole texts where the result's display
    holds them, else what was asked."""
    shown: dict[str, Any] = display if isinstance(display, dict) else {}
    asked: dict[str, Any] = given if isinstance(given, dict) else {}
    path = string(shown.get("filePath")) or string(asked.get("file_path")) or string(asked.get("absolute_path"))
    if path is None:
        return []
    before, after = shown.get("originalContent"), shown.get("newContent")
    if isinstance(after, str) and isinstance(before, str | None):
        return [FileEdit(path, "update" if before else "add", before=before or None, after=after)]
    if isinstance(asked.get("content"), str):
        return [FileEdit(path, "update", after=asked["content"])]
    old, new = asked.get("old_string"), asked.get("new_string")
    if not isinstance(old, str) or not isinstance(new, str):
        return []
    if not old:
        return [FileEdit(path, "add", after=new)]
    every = asked.get("replace_all") is True or asked.get("allow_multiple") is True
    count = number(asked.get("expected_replacements"))
    return [FileEdit(path, "update", pieces=((old, new),), replace_all=every or (count or 1) > 1)]


def pieces_of(content: Any, role: str, *, thoughts: bool = False, key: str | None = None) -> list[ContextPiece]:
    """The pieces of one content as they are sent; ``role`` is user or model, ``thoughts`` tells whether they are."""
    out: list[ContextPiece] = []
    for part in parts_of(content):
        call, result = part.get("functionCall"), part.get("functionResponse")
        if isinstance(call, dict):
            name = string(call.get("name")) or "tool"
            given = call.get("args")
            out.append(
                ContextPiece("tool_call", call_text(name, given), string(call.get("id")), name, value=given, key=key)
            )
        elif isinstance(result, dict):
            text, _ = response_text(result.get("response"))
            name = string(result.get("name")) or "tool"
            out.append(ContextPiece("tool_result", text, string(result.get("id")), name, key=key))
        elif part.get("thought") is True:
            if thoughts and string(part.get("text")):
                out.append(ContextPiece("thinking", str(part["text"]), key=key))
        else:
            text, images = text_of([part])
            if text.strip():
                category: Any = "message" if role == "model" else "instructions" if is_context(text) else "prompt"
                out.append(ContextPiece(category, text, images=images, key=key, value=[part] if images else None))
    return out
