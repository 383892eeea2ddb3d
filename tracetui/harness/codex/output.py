"""The encodings in which Codex wrote tool results, and the exit codes, durations and failures in them.

Over its versions: a JSON string with ``metadata.exit_code``; ``Exit code: N`` and ``Chunk ID: …`` headers above
``Output:``; code mode's ``Script completed`` header; content items; objects with ``success`` or ``exitCode``; events
and items with fields of their own (``read_ended``); and, for refusals, free text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import orjson

from tracetui.harness.content import flatten, mark

__all__ = ["NO_RESULT", "CallOutput", "milliseconds", "read_ended", "read_mcp", "read_output", "whole"]


class CallOutput(NamedTuple):
    """A tool result. ``running`` names the process (or cell) that goes on; its exit code comes with a later call."""

    text: str | None = None
    exit_code: int | None = None
    is_error: bool | None = None
    duration_ms: int | None = None
    images: int = 0
    running: str | None = None


NO_RESULT: Final = CallOutput()
_HEAD_LINES: Final = 12
_STARTS: Final = ("Chunk ID: ", "Exit code: ", "Wall time", "Process exited with code ", "Script ")
_REFUSED: Final = (
    "aborted",
    "apply_patch verification failed",
    "apply_patch handler received",
    "command timed out",
    "err: ",
    "exec command rejected",
    "exec_command failed",
    "execution error",
    "failed in sandbox",
    "failed to parse function arguments",
    "failed to parse exec",
    "patch rejected",
    "patch was rejected",
    "rejected by user",
    "rejected: ",
    "sandbox error",
    "tool call error",
    "tool call failed",
    "unsupported call",
    "unsupported custom tool call",
    "user rejected",
    "write_stdin failed",
)
_CODE_IN_TEXT: Final = re.compile(r"exit code: (-?[0-9]{1,9}), stdout: ")
_BAD_STATUS: Final = frozenset({"failed", "declined", "error", "errored", "aborted", "cancelled", "incomplete"})


def whole(value: object) -> int | None:
    """An integer of the log (not a boolean), also written as text or as a float without a fraction; else None."""
    if type(value) is int:
        return value if -(2**62) < value < 2**62 else None
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if isinstance(value, str) and 0 < len(value) <= 10:
        digits = value[1:] if value[0] == "-" else value
        return int(value) if digits.isascii() and digits.isdigit() else None
    return None


def milliseconds(value: object) -> int | None:
    """A duration as Codex writes it (``{"secs", "nanos"}``, seconds as a number or ``"1.5s"``) in milliseconds."""
    if isinstance(value, dict):
        seconds, nanos = whole(value.get("secs")), whole(value.get("nanos"))
        if seconds is None and nanos is None:
            return None
        return (seconds or 0) * 1000 + (nanos or 0) // 1_000_000
    if isinstance(value, str):
        unit = 1.0 if value.endswith("ms") else 1000.0
        number = value.rstrip(" ms")
        try:
            amount = float(number) if len(number) < 24 else -1.0
        except ValueError:
            return None
        return round(amount * unit) if 0 <= amount < 1e12 else None
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 1e12:
        return round(value * 1000)
    return None


_USUAL: Final = re.compile(
    r"(?:Chunk ID: [^\n]{1,80}\n|Exit code: (?P<exit>-?[0-9]{1,9})\n)?"
    r"Wall time: (?P<wall>[0-9]{1,9}(?:\.[0-9]{1,20})?) seconds\n"
    r"(?:Process exited with code (?P<code>-?[0-9]{1,9})\n|Process running with session ID (?P<runs>[0-9]{1,20})\n)?"
    r"(?:Original token count: [0-9]{1,20}\n)?(?:Total output lines: [0-9]{1,20}\n)?Output:(?:\n|\Z)"
)


def _headers(text: str) -> tuple[str, int | None, int | None, str | None, bool]:
    """Parse the header lines off a result: rest, exit code, milliseconds, running process, script failed."""
    code: int | None = None
    took: int | None = None
    running: str | None = None
    failed = False
    at = 0
    for _ in range(_HEAD_LINES):
        end = text.find("\n", at)
        line = text[at:] if end < 0 else text[at:end]
        if line.startswith("Output:"):
            rest = line[7:].lstrip(" ")
            after = text[end + 1 :] if end >= 0 else ""
            return (f"{rest}\n{after}" if rest else after), code, took, running, failed
        if line.startswith("Exit code: "):
            code = whole(line[11:].strip())
        elif line.startswith("Wall time"):
            took = milliseconds(line[9:].lstrip(": ").partition(" ")[0])
        elif line.startswith("Process exited with code "):
            code = whole(line[25:].strip())
        elif line.startswith("Process running with session ID "):
            running = line[32:].strip()[:40]
        elif line.startswith("Script running with cell ID "):
            running = f"cell {line[28:].strip()[:40]}"
        elif line.startswith(("Script failed", "Script terminated", "Script errored")):
            failed = True
        elif not line.startswith(("Chunk ID: ", "Original token count: ", "Total output lines: ", "Script completed")):
            break
        if end < 0:
            at = len(text)
            break
        at = end + 1
    return text[at:], code, took, running, failed


def _refused(text: str) -> bool:
    return text.startswith(_REFUSED)


def _judged(
    text: str, code: int | None, took: int | None, *, images: int = 0, running: str | None = None, failed: bool = False
) -> CallOutput:
    if code is not None:
        return CallOutput(text, code, code != 0, took, images, running)
    if failed or _refused(text):
        found = _CODE_IN_TEXT.search(text, 0, 400)
        return CallOutput(text, int(found[1]) if found else None, True, took, images, running)
    return CallOutput(text, None, None, took, images, running)


def _object(value: Mapping[str, Any]) -> CallOutput | None:
    """A result object that tells an exit code, or None where it is not one."""
    meta = value.get("metadata")
    if isinstance(meta, dict) and ("exit_code" in meta or "duration_seconds" in meta):
        text = flatten(value.get("output"))
        return _judged(
            text.text, whole(meta.get("exit_code")), milliseconds(meta.get("duration_seconds")), images=text.images
        )
    code = whole(value.get("exit_code", value.get("exitCode")))
    if code is None:
        return None
    out = value.get("output", value.get("aggregated_output"))
    if not isinstance(out, str):
        parts = [part for part in (value.get("stdout"), value.get("stderr")) if isinstance(part, str) and part]
        out = "\n".join(parts) if parts else ""
    return _judged(out, code, milliseconds(value.get("wall_time_seconds", value.get("duration"))))


def _told(text: str) -> CallOutput | None:
    """The result that a text holds as JSON, where it is an object that tells an exit code."""
    if not text.startswith("{") or not ('"exit_code"' in text or '"duration_seconds"' in text):
        return None
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return _object(value) if isinstance(value, dict) else None


def _text(text: str) -> CallOutput:
    usual = _USUAL.match(text)
    if usual is not None:
        left, wall, ended, runs = usual.groups()
        code = int(left or ended) if left or ended else None
        return CallOutput(
            text[usual.end() :], code, None if code is None else code != 0, round(float(wall) * 1000), 0, runs
        )
    if text.startswith("{"):
        return _told(text) or CallOutput(text)
    if not text.startswith(_STARTS):
        return _judged(text, None, None)
    rest, code, took, running, failed = _headers(text)
    return _judged(rest, code, took, running=running, failed=failed)


def read_output(value: object) -> CallOutput:
    """Read the ``output`` of a ``function_call_output`` or ``custom_tool_call_output``, whatever its encoding.

    The text is what a person reads: wrapper headers are parsed off. ``is_error`` is None where the log does not tell.
    """
    if isinstance(value, str):
        return _text(value)
    if value is None:
        return CallOutput("")
    if isinstance(value, dict):
        told = _object(value)
        if told is not None:
            return told
        success = value.get("success")
        if "content" in value or isinstance(success, bool):
            flat = flatten(value.get("content"))
            inner = _text(flat.text)
            error = inner.is_error if not isinstance(success, bool) else not success
            return inner._replace(is_error=error, images=flat.images)
        flat = flatten(dict(value))
        return _text(flat.text)._replace(images=flat.images)
    if isinstance(value, list):
        return _items(value)
    return CallOutput(str(value)[:1000])


def _items(items: list[Any]) -> CallOutput:
    """Content items: a header may stand in the first of them; a lone JSON result below it is read too (code mode)."""
    first = flatten(items[0]).text if items else ""
    if not first.startswith(_STARTS):
        flat = flatten(items)
        return _text(flat.text)._replace(images=flat.images)
    rest, code, took, running, failed = _headers(first)
    below = flatten(items[1:])
    text = "\n".join(part for part in (rest.rstrip("\n"), below.text) if part)
    if code is None and not failed:
        told = _told(text)
        if told is not None:
            return told._replace(images=below.images, duration_ms=told.duration_ms or took, running=running)
    return _judged(text, code, took, images=below.images, running=running, failed=failed)


def read_ended(value: Mapping[str, Any]) -> CallOutput:
    """Read the result fields of ``exec_command_end``, ``patch_apply_end``, ``CommandExecution`` and ``FileChange``."""
    text = value.get("aggregated_output") or value.get("formatted_output")
    if not isinstance(text, str) or not text:
        parts = [part for part in (value.get("stdout"), value.get("stderr")) if isinstance(part, str) and part]
        text = "\n".join(parts)
    code = whole(value.get("exit_code"))
    error: bool | None = None if code is None else code != 0
    status, success = value.get("status"), value.get("success")
    if isinstance(success, bool):
        error = not success
    elif isinstance(status, str) and status.lower() in _BAD_STATUS:
        error = True
    elif status == "completed" and code is None:
        error = False
    return CallOutput(text, code, error, milliseconds(value.get("duration")))


def read_mcp(value: Mapping[str, Any]) -> CallOutput:
    """Read the result of an ``mcp_tool_call_end`` (``Ok``, ``Err``) or an ``McpToolCall`` item."""
    result: Any = value.get("result")
    error: Any = value.get("error")
    took = milliseconds(value.get("duration"))
    if isinstance(result, dict) and ("Ok" in result or "Err" in result):
        if "Err" in result:
            error = result["Err"]
        result = result.get("Ok")
    if error is not None:
        if isinstance(error, dict):
            error = error.get("message")
        return CallOutput(error if isinstance(error, str) else mark("error"), None, True, took)
    if isinstance(result, dict):
        flat = flatten(result.get("content"))
        bad = result.get("isError", result.get("is_error"))
        return CallOutput(flat.text, None, bad if isinstance(bad, bool) else False, took, flat.images)
    status = value.get("status")
    bad_status = isinstance(status, str) and status.lower() in _BAD_STATUS
    return CallOutput(result if isinstance(result, str) else None, None, True if bad_status else None, took)
