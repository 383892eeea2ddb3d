"""A task of Cline or Roo Code as records: the task, each message of ``api_conversation_history.json``, and of
``ui_messages.json`` beside it what a request took."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import orjson

from tracetui.harness.opening import open_log
from tracetui.harness.sources import DocumentSource

__all__ = ["TASK", "task_stamp"]

_UI: Final = "ui_messages.json"
_UI_MAX: Final = 256 * 1024 * 1024
_MARKS: Final = ("<task>", "<environment_details>", "<user_message>", "<feedback>")


def _key(value: Mapping[str, Any]) -> str:
    kind = value.get("type")
    if kind == "cline.task":
        return "task"
    if kind == "cline.message":
        return f"message/{value.get('index')}"
    return f"request/{value.get('index')}" if kind == "cline.request" else ""


def _gone(key: str) -> dict[str, Any] | None:
    """A message that was cut off (a person went back to an earlier one) leaves its record, emptied."""
    kind, _, index = key.partition("/")
    return {"type": "cline.message", "index": int(index)} if kind == "message" and index.isdigit() else None


def _is_ours(value: Any) -> bool:
    if not isinstance(value, list) or not value or not isinstance(value[0], dict):
        return False
    if value[0].get("role") != "user":
        return False
    return any(mark in text for text in _texts(value[0].get("content")) for mark in _MARKS)


def _texts(content: Any) -> Iterator[str]:
    for block in content if isinstance(content, list) else [content]:
        text = block.get("text") if isinstance(block, dict) else block
        if isinstance(text, str):
            yield text


def _records(value: Any, path: Path) -> Iterator[dict[str, Any]]:
    yield {"type": "cline.task", "id": path.parent.name}
    for index, message in enumerate(value):
        if isinstance(message, dict):
            yield {"type": "cline.message", "index": index, "message": message}
    try:
        with open_log(path.parent / _UI) as stream:
            told = orjson.loads(stream.read(_UI_MAX))
    except (OSError, orjson.JSONDecodeError):
        return
    index = 0
    for item in told if isinstance(told, list) else ():
        if isinstance(item, dict) and item.get("say") == "api_req_started":
            took = _object(item.get("text"))
            took.pop("request", None)
            yield {"type": "cline.request", "index": index, "ts": item.get("ts"), "usage": took}
            index += 1


def _object(text: Any) -> dict[str, Any]:
    try:
        value = orjson.loads(text) if isinstance(text, str) else None
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}


def task_stamp(path: str, info: os.stat_result) -> tuple[int, int]:
    """Size and time of a task: of both its files."""
    try:
        beside = os.lstat(os.path.join(os.path.dirname(path), _UI))  # noqa: PTH118, PTH120
    except OSError:
        return info.st_size, info.st_mtime_ns
    return info.st_size + beside.st_size, max(info.st_mtime_ns, beside.st_mtime_ns)


TASK: Final = DocumentSource(key=_key, gone=_gone, detect=_is_ours, records=_records)
