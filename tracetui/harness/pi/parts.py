"""Small facts out of Pi's records: times, usage, exit codes, ids in paths, the human part of a prompt. Never raises."""

from __future__ import annotations

import math
import re
from typing import Any, Final, NamedTuple

import orjson

from tracetui.harness import tools
from tracetui.harness.content import flatten
from tracetui.model import Kind, Tokens, from_iso

__all__ = [
    "ToolOutcome",
    "arguments",
    "cost",
    "harness_text",
    "kind_of",
    "moment",
    "nested",
    "outcome",
    "said",
    "session_of",
    "string",
    "tokens",
]

_KINDS: Final[dict[str, Kind]] = {
    "process": "command",
    "sessions_spawn": "agent",
    "subagents": "agent",
    "memory_search": "search",
    "session_search": "search",
    "memory_get": "read",
    "browser": "web",
}
"""Tools of Pi's family that the common table does not name."""
_TOKENS_MAX: Final = 1 << 53
_TIME_MAX: Final = 253_402_300_799_999  # the end of the year 9999, as far as an ISO time goes
_DEPTH_MAX: Final = 100
_EXIT: Final = re.compile(r"Command exited with code (-?\d{1,10})(?:\"\s*\})?\s*\Z")
_TAIL: Final = 200
_JSON_MAX: Final = 65536
_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,128}")
_STAMPED: Final = re.compile(r"\d{4}-\d{2}-\d{2}T[\dZ.-]{6,20}_(?=.)")
_CLOCK: Final = re.compile(r"\[[A-Z][a-z]{2} \d{4}-\d{2}-\d{2} \d{2}:\d{2}[^\]\n]{0,30}\] ?")
_METADATA: Final = re.compile(r"[A-Z][^\n]{0,60} \(untrusted(?: metadata)?[^)\n]{0,40}\):\n```json\n")
_LEADS: Final = frozenset("[<ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_SKILL: Final = re.compile(r'<skill name="([^"\n]{1,100})"[^>\n]{0,500}>')
_HARNESS_TEXT: Final = (
    "Read HEARTBEAT.md if it exists",
    "A new session was started via /new",
    "Agent-to-agent announce step",
    "Agent-to-agent reply step",
    "System: [",
    "Pre-compaction memory flush",
    "[Inter-session message]",
)
_NESTED_OK: Final = frozenset({"ok", "success", "completed", "complete", "done"})
_NESTED_MAX: Final = 1000


def string(value: object) -> str | None:
    """``value`` when it is a string with something in it."""
    return value if isinstance(value, str) and value else None


def kind_of(name: str) -> Kind:
    """The kind of a call to a tool of Pi or OpenClaw."""
    return _KINDS.get(name.lower()) or tools.kind(name)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return value


def moment(value: dict[str, Any], message: dict[str, Any] | None = None) -> int | None:
    """When a record was written, in milliseconds since the epoch: its own ISO time, else its message's clock."""
    time = from_iso(value.get("timestamp"))
    if time is None:
        number = _number(value.get("timestamp"))
        if number is None and message is not None:
            number = _number(message.get("timestamp"))
        time = int(number) if number is not None else None
    return time if time is not None and 0 < time <= _TIME_MAX else None


def _count(value: object) -> int:
    if type(value) is int:
        return value if 0 <= value < _TOKENS_MAX else 0
    number = _number(value)
    return int(number) if number is not None and 0 <= number < _TOKENS_MAX else 0


def tokens(usage: object) -> Tokens | None:
    """The disjoint counts of a ``usage``; None where there are none or all are 0 (a request that failed)."""
    if not isinstance(usage, dict):
        return None
    get = usage.get
    found = _count(get("input")), _count(get("output")), _count(get("cacheRead")), _count(get("cacheWrite"))
    return Tokens(*found) if any(found) else None


def cost(usage: object) -> float | None:
    """The dollars that a ``usage`` states, or None."""
    if not isinstance(usage, dict):
        return None
    stated = usage.get("cost")
    number = _number(stated.get("total") if isinstance(stated, dict) else stated)
    return float(number) if number is not None and number >= 0 else None


def arguments(block: dict[str, Any]) -> Any:
    """The input of a call: an object, or the text of one where it could not be parsed; too deep ones as text."""
    value = block.get("arguments", block.get("input"))
    if isinstance(value, str) and value[:1] == "{" and len(value) < _JSON_MAX:
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            return value
    if isinstance(value, dict):
        for item in value.values():
            if isinstance(item, dict | list):
                break
        else:
            return value
    level = [value]
    for _ in range(_DEPTH_MAX):
        level = [
            item
            for box in level
            for item in (box.values() if isinstance(box, dict) else box if isinstance(box, list) else ())
            if isinstance(item, dict | list)
        ]
        if not level:
            return value
    return "[input nested too deeply]"


class ToolOutcome(NamedTuple):
    """What a tool's result says."""

    text: str
    images: int
    is_error: bool | None
    exit_code: int | None
    duration_ms: int | None


def outcome(message: dict[str, Any], kind: Kind) -> ToolOutcome:
    """Read a ``toolResult`` message. OpenClaw says in ``details`` what Pi says in the text, or in the text as JSON."""
    flat = flatten(message.get("content"))
    details = message.get("details")
    if not isinstance(details, dict):
        details = _spoken(flat.text) if kind == "command" else {}
    is_error = message.get("isError")
    if not isinstance(is_error, bool):
        is_error = None
    if not is_error and details.get("status") in ("error", "failed") and ("error" in details or "exitCode" in details):
        is_error = True
    code = details.get("exitCode") if kind == "command" else None
    if isinstance(code, bool) or not isinstance(code, int):
        code = None
        if is_error and kind == "command":
            failure = details.get("error")
            match = _EXIT.search((failure if isinstance(failure, str) else flat.text)[-_TAIL:])
            code = int(match[1]) if match else None
    duration = _number(details.get("durationMs"))
    took = int(duration) if duration is not None and 0 <= duration < _TOKENS_MAX else None
    return ToolOutcome(flat.text, flat.images, is_error, code, took)


def _spoken(text: str) -> dict[str, Any]:
    if text[:1] != "{" or '"status"' not in text[:200] or len(text) > _JSON_MAX:
        return {}
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}


def nested(message: dict[str, Any]) -> list[tuple[str, Any, bool]]:
    """The calls that a tool (``codemode``) made itself: name, input, and whether each one worked."""
    calls = message.get("nestedCalls")
    if isinstance(calls, dict):
        calls = calls.get("calls")
    if not isinstance(calls, list):
        return []
    found: list[tuple[str, Any, bool]] = []
    for call in calls[:_NESTED_MAX]:
        if isinstance(call, dict):
            name = string(call.get("name")) or string(call.get("toolName")) or "tool"
            failed = bool(call.get("error")) or call.get("isError") is True
            status = call.get("status")
            worked = not failed and (status in _NESTED_OK if isinstance(status, str) else call.get("isError") is False)
            found.append((name, arguments(call), worked))
    return found


def session_of(path: object) -> str | None:
    """The session id in the name of a log (``2026-05-01T10-00-00-000Z_ID.jsonl``, ``ID.jsonl``), or an id itself."""
    if not isinstance(path, str):
        return None
    name = path.replace("\\", "/").rstrip("/").rpartition("/")[2]
    for mark in (".checkpoint.", ".jsonl"):
        name = name.partition(mark)[0] or name
    stamp = _STAMPED.match(name)
    name = name[stamp.end() :] if stamp else name
    return name if _ID.fullmatch(name) else None


def harness_text(text: str) -> bool:
    """Whether a message of the role ``user`` was written by OpenClaw and not by a person."""
    return _unclocked(text).startswith(_HARNESS_TEXT)


def _unclocked(text: str) -> str:
    match = _CLOCK.match(text) if text.startswith("[") else None
    return text[match.end() :] if match else text


def said(text: str) -> str:
    """The part of a prompt that tells people most: without a chat's metadata and clock, a skill's body by its name."""
    if text[:1] not in _LEADS:
        return text
    rest = text
    for _ in range(4):
        match = _METADATA.match(rest)
        end = rest.find("\n```", match.end()) if match else -1
        if end < 0:
            break
        rest = rest[end + 4 :].lstrip()
    rest = _unclocked(rest)
    skill = _SKILL.match(rest)
    if skill:
        end = rest.find("</skill>", skill.end())
        rest = f"/skill:{skill[1]} {rest[end + 8 :].strip() if end >= 0 else ''}"
    return rest.strip() or text.strip()
