"""What came of a tool call: its ``tool_result`` block and the structured result beside it -> output, status, times."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from tracetui.harness.content import flatten, mark, size_words

__all__ = ["Result", "oversize_note", "read_result"]

_EXIT = re.compile(r"(?:Error: )?Exit code (-?[0-9]{1,9})\b")
_AGENT = re.compile(r"\bagentId: ([A-Za-z0-9._-]{1,128})")
_REFUSED: Final = (
    "[Request interrupted by user",
    "The user doesn't want to proceed with this tool use",
    "The user doesn't want to take this action right now",
    "Interrupted by user",
)
_AGENT_TAIL: Final = 2000
_DURATIONS: Final = (("durationMs", 1), ("totalDurationMs", 1), ("durationSeconds", 1000))


class Result(NamedTuple):
    """What a result tells of its call; ``duration_ms`` only where the log states it."""

    output: str
    images: int
    is_error: bool
    exit_code: int | None
    duration_ms: int | None
    thread: str | None


def oversize_note(length: int) -> str:
    """What stands for the text of a line too long to be parsed."""
    return mark("line of", size_words(length), "kept but not read")


def read_result(block: Mapping[str, Any], extra: object, *, agent: bool = False, note: str = "") -> Result:
    """Read one result block with its record's ``toolUseResult`` (None where the record holds several results).

    ``agent``: the call started a subagent, whose id is looked for. ``note`` stands in for a text that was not read.
    """
    content = block.get("content")
    output, images = flatten(content)
    structured = extra if isinstance(extra, dict) else None
    if not output and not images:
        output = block["text"] if isinstance(block.get("text"), str) else output
        if not output:
            output = _fallback(structured, extra) or note
    failed = block.get("is_error")
    is_error = failed is True
    code: int | None = None
    if failed is None and isinstance(extra, str):
        is_error = extra.startswith("Error")
    if not is_error and output.startswith(_REFUSED):
        is_error = True
    if is_error:
        found = _EXIT.match(output)
        code = int(found[1]) if found else None
    duration: int | None = None
    thread: str | None = None
    if structured is not None:
        if structured.get("interrupted") is True:
            is_error = True
        if code is None and "exitCode" in structured:
            code = _whole(structured["exitCode"], -(1 << 31), 1 << 32)
        duration = _duration(structured)
        path = structured.get("persistedOutputPath")
        if isinstance(path, str) and path:
            size = _whole(structured.get("persistedOutputSize"), 0, 1 << 60)
            if path not in output or (size is not None and "Full output saved to" not in output):
                words = size_words(size) if size is not None else ""
                output = f"{output}\n[full output: {path}{f' {words}' if words else ''}]".lstrip("\n")
        if agent and isinstance(structured.get("agentId"), str):
            thread = structured["agentId"] or None
    if agent and thread is None and output:
        named = _AGENT.search(output[-_AGENT_TAIL:])
        thread = named[1] if named else None
    return Result(output, images, is_error, code, duration, thread)


def _fallback(structured: Mapping[str, Any] | None, extra: object) -> str:
    """The output as the structured result tells it, for a result block without content."""
    if structured is None:
        return extra if isinstance(extra, str) else ""
    parts = [structured.get("stdout"), structured.get("stderr")]
    text = "\n".join(part for part in parts if isinstance(part, str) and part)
    if text:
        return text
    content = structured.get("content")
    return flatten(content).text if isinstance(content, str | list) else ""


def _whole(value: object, low: int, high: int) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and low <= value < high else None


def _duration(structured: Mapping[str, Any]) -> int | None:
    for key, factor in _DURATIONS:
        value = structured.get(key)
        if value is not None and isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e12:
            return round(value * factor)
    return None
