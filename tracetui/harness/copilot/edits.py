"""What a call of edit, create, insert or apply_patch did to a file, as Copilot CLI's log tells it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tracetui.harness.base import FileEdit
from tracetui.model import Record, Step

__all__ = ["edits"]


def edits(step: Step, records: Sequence[Record]) -> list[FileEdit]:
    """The file edits of one step; none for a call that failed or has no result. The diff in ``detailedContent`` is
    exact and has the lines around a change; the input tells what was asked."""
    tool = step.tool
    if step.kind != "edit" or tool is None or tool.output is None or tool.is_error:
        return []
    given = tool.input
    if isinstance(given, str):
        return _patch(given)
    if not isinstance(given, dict):
        return []
    text = given.get("patch", given.get("input"))
    path = given.get("path")
    if isinstance(text, str) and not isinstance(path, str):
        return _patch(text)
    if not isinstance(path, str) or not path:
        return []
    if isinstance(given.get("file_text"), str):
        return [FileEdit(path, "add", after=given["file_text"])]
    from tracetui.text.unified import pieces_of_diff

    told = pieces_of_diff(_diff(records))
    old, new = given.get("old_str"), given.get("new_str")
    if told:
        return [FileEdit(path, "update", pieces=tuple(told))]
    if isinstance(old, str) and isinstance(new, str | None):
        return [FileEdit(path, "update", pieces=((old, new or ""),))]
    return []


def _diff(records: Sequence[Record]) -> str:
    for record in reversed(records):
        data = record.value.get("data")
        result = data.get("result") if isinstance(data, dict) else None
        found: Any = result.get("detailedContent") if isinstance(result, dict) else None
        if isinstance(found, str) and "@@" in found:
            return found
    return ""


def _patch(text: str) -> list[FileEdit]:
    from tracetui.harness.codex.patch import read_patch

    found: list[FileEdit] = []
    for file in read_patch(text) if "*** " in text else ():
        if file.op == "add":
            found.append(FileEdit(file.path, "add", after=file.content))
        else:
            found.append(FileEdit(file.path, file.op, pieces=tuple(file.pieces), to=file.to))
    return found
