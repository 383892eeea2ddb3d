"""What Pi's edit and write tools did to files, from their inputs; the result's ``diff`` is display text, never used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import orjson

from tracetui.harness.base import FileEdit
from tracetui.harness.pi import parts
from tracetui.model import Record, Step

__all__ = ["edits"]

_PATHS: Final = ("path", "file_path", "filePath")
_OLD: Final = ("oldText", "old_string", "oldString", "old_text")
_NEW: Final = ("newText", "new_string", "newString", "new_text")
_ALL: Final = ("replaceAll", "replace_all")
_PIECES_MAX: Final = 10_000


def edits(step: Step, records: Sequence[Record]) -> list[FileEdit]:
    """The edits of one step. None for a call that failed, has no result, or whose record was too long to read.

    A ``write`` has the op ``update`` with ``after`` alone: the log does not tell whether the file existed.
    """
    tool = step.tool
    if step.kind != "edit" or tool is None or tool.output is None or any(record.oversize for record in records):
        return []
    inner = [
        call
        for record in records
        if isinstance(message := record.value.get("message"), dict)
        and message.get("role") == "toolResult"
        and message.get("toolCallId") == tool.call_id
        for call in parts.nested(message)
    ]
    if inner:
        return [edit for name, given, worked in inner if worked for edit in _one(name, given)]
    return [] if step.failed else _one(tool.name, tool.input)


def _one(name: str, given: Any) -> list[FileEdit]:
    if parts.kind_of(name) != "edit":
        return []
    if isinstance(given, str):
        given = {"input": given}
    if not isinstance(given, dict):
        return []
    if name.lower() == "apply_patch" or _first(given, _PATHS) is None:
        return _patch(given)
    path = _first(given, _PATHS)
    if not path:
        return []
    if isinstance(given.get("content"), str) and _first(given, _OLD) is None and "edits" not in given:
        return [FileEdit(path, "update", after=given["content"])]
    pieces, everywhere = _pieces(given)
    return [FileEdit(path, "update", pieces=tuple(pieces), replace_all=everywhere)] if pieces else []


def _pieces(given: dict[str, Any]) -> tuple[list[tuple[str, str]], bool]:
    listed = given.get("edits")
    if isinstance(listed, str):  # models sometimes send the list as its own text, and Pi takes it
        try:
            listed = orjson.loads(listed)
        except orjson.JSONDecodeError:
            listed = None
    pieces: list[tuple[str, str]] = []
    everywhere = False
    for item in [*(listed[:_PIECES_MAX] if isinstance(listed, list) else []), given]:
        if isinstance(item, dict):
            old, new = _first(item, _OLD), _first(item, _NEW)
            if old is not None and new is not None:
                pieces.append((old, new))
                everywhere = everywhere or any(item.get(name) is True for name in _ALL)
    return pieces, everywhere


def _patch(given: dict[str, Any]) -> list[FileEdit]:
    text = given.get("input", given.get("patch"))
    if not isinstance(text, str) or "*** Begin Patch" not in text:
        return []
    from tracetui.harness.codex.patch import read_patch

    found: list[FileEdit] = []
    for file in read_patch(text):
        if file.op == "add":
            found.append(FileEdit(file.path, "add", after=file.content))
        else:
            found.append(FileEdit(file.path, file.op, pieces=tuple(file.pieces), to=file.to))
    return found


def _first(given: dict[str, Any], names: tuple[str, ...]) -> str | None:
    for name in names:
        value = given.get(name)
        if isinstance(value, str):
            return value
    return None
