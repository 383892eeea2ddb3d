"""What came of a tool call: its ``tool_result`` block and the structured result beside it -> output, status, times."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from tracetui.harness.content import flatten, mark, size_words

__all__ = ["ClaudeResult", "oversize_note", "read_result"]

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


class ClaudeResult(NamedTuple):
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


def read_result(block: Mapping[str, Any], extra: object, *, agent: bool = False, note: str = "") -> ClaudeResult:
    """Read one result block with its record's ``toolUseResult`` (None where the record holds several results).

    ``agent``: the call started a subagent, whose id is looked for. ``note`` stands in for a text that was not read.
    """
    output, images = flatten(block.get("content"))
    structured: Mapping[str, Any] = extra if isinstance(extra, dict) else {}
    if not output and not images:
        own = block.get("text")
        output = (own if isinstance(own, str) else "") or _fallback(structured, extra) or note
    is_error, code = _failure(block.get("is_error"), output, extra)
    if structured:
        is_error = is_error or structured.get("interrupted") is True
        if code is None and "exitCode" in structured:
            code = _whole(structured["exitCode"], -(1 << 31), 1 << 32)
    whole = _with_path(output, structured)
    thread = _thread(structured, whole) if agent else None
    return ClaudeResult(whole, images, is_error, code, _duration(structured), thread)


def _failure(failed: object, output: str, extra: object) -> tuple[bool, int | None]:
    """Whether the call failed, and the exit status that its words begin with."""
    is_error = failed is True or (failed is None and isinstance(extra, str) and extra.startswith("Error"))
    if not is_error and not output.startswith(_REFUSED):
        return False, None
    found = _EXIT.match(output)
    return True, int(found[1]) if found else None


def _with_path(output: str, structured: Mapping[str, Any]) -> str:
    """The output, and where all of it was put if it was cut."""
    path = structured.get("persistedOutputPath")
    if not isinstance(path, str) or not path:
        return output
    size = _whole(structured.get("persistedOutputSize"), 0, 1 << 60)
    if path in output and (size is None or "Full output saved to" in output):
        return output
    words = f" {size_words(size)}" if size is not None else ""
    return f"{output}\n[full output: {path}{words}]".lstrip("\n")


def _thread(structured: Mapping[str, Any], output: str) -> str | None:
    """The subagent that the call started."""
    named = structured.get("agentId")
    if isinstance(named, str) and named:
        return named
    found = _AGENT.search(output[-_AGENT_TAIL:])
    return found[1] if found else None


def _fallback(structured: Mapping[str, Any], extra: object) -> str:
    """The output as the structured result tells it, for a result block without content."""
    if isinstance(extra, str):
        return extra
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
