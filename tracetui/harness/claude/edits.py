"""What a call of Edit, MultiEdit, Write or NotebookEdit did to a file, as the log tells it.

The structured result (``toolUseResult``) knows best: it holds the strings that were really replaced (after the tool's
own tidying, or a person's change in the editor) and mostly the whole file before. Its ``structuredPatch`` is made for
showing (tabs become blanks), so no text is taken from it; only its line counts are compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from tracetui.harness.base import FileEdit
from tracetui.model import Record, Step

__all__ = ["applied", "edits"]

_EMPTY: Final[Mapping[str, Any]] = MappingProxyType({})


class _Change(NamedTuple):
    old: str
    new: str
    every: bool


def edits(step: Step, records: Sequence[Record]) -> list[FileEdit]:
    """The file edits of one step, from the records of its sources; empty for failed, denied and unfinished calls."""
    tool = step.tool
    if tool is None or step.failed or tool.output is None or not isinstance(tool.input, dict):
        return []
    extra = _structured(step, records)
    name = tool.name.lower()
    if name in ("edit", "multiedit"):
        found = _edit(tool.input, extra)
    elif name == "write":
        found = _write(tool.input, extra, tool.output)
    elif name in ("notebookedit", "notebook_edit"):
        found = _notebook(tool.input, extra)
    else:
        return []
    return [found] if found is not None else []


def applied(before: str, old: str, new: str, every: bool) -> str | None:
    """The text after one replacement as the tool makes it; None where ``old`` does not stand in it.

    The first occurrence is replaced, or every one; a deletion takes the line end after ``old`` with it.
    """
    if not old:
        return new if not before else None
    if old not in before:
        return None
    if not new and not old.endswith("\n") and old + "\n" in before:
        old += "\n"
    return before.replace(old, new) if every else before.replace(old, new, 1)


def _structured(step: Step, records: Sequence[Record]) -> Mapping[str, Any]:
    """The structured result of the step's call; an empty mapping where its record holds none, or several results."""
    ident = step.tool.call_id if step.tool is not None else None
    for record in records:
        extra = record.value.get("toolUseResult")
        message = record.value.get("message")
        content = message.get("content") if isinstance(message, dict) else None
        if not isinstance(extra, dict) or not isinstance(content, list):
            continue
        results = [block for block in content if isinstance(block, dict) and block.get("type") == "tool_result"]
        if len(results) == 1 and (ident is None or results[0].get("tool_use_id") == ident):
            return extra
    return _EMPTY


def _text(box: Mapping[str, Any], *names: str) -> str | None:
    for name in names:
        if isinstance(box.get(name), str):
            return str(box[name])
    return None


def _changes(given: Mapping[str, Any], extra: Mapping[str, Any]) -> list[_Change]:
    """The replacements in order, the structured result's own where it has them; empty where one is unclear."""
    for box in (extra, given):
        several = box.get("edits")
        if isinstance(several, list) and several:
            found = [_change(item) if isinstance(item, dict) else None for item in several]
            return [change for change in found if change is not None] if None not in found else []
        one = _change(box)
        if one is not None:
            if "replaceAll" not in box and "replace_all" not in box:
                one = one._replace(every=given.get("replace_all") is True)
            return [one]
    return []


def _change(box: Mapping[str, Any]) -> _Change | None:
    old, new = _text(box, "oldString", "old_string"), _text(box, "newString", "new_string")
    if old is None or new is None:
        return None
    every = box.get("replaceAll", box.get("replace_all"))
    return _Change(old, new, every is True)


def _edit(given: Mapping[str, Any], extra: Mapping[str, Any]) -> FileEdit | None:
    path = _text(extra, "filePath") or _text(given, "file_path", "path", "filePath")
    changes = _changes(given, extra)
    if not path or not changes:
        return None
    before = _text(extra, "originalFile", "originalFileContents")
    if len(changes) == 1 and not changes[0].old and not before:
        return FileEdit(path, "add" if before is None else "update", before, changes[0].new)
    if before is not None:
        after: str | None = before
        for change in changes:
            after = applied(after, *change) if after is not None else None
        if after is not None and _agrees(before, after, extra):
            return FileEdit(path, "update", before, after)
        if extra.get("userModified") is True:
            return FileEdit(path, "update", before)
    every = {change.every for change in changes}
    if len(every) > 1:
        # One flag for all pieces: where they differ, each stands for its first occurrence only.
        every = {False}
    pieces = tuple((change.old, change.new) for change in changes)
    return FileEdit(path, "update", pieces=pieces, replace_all=every.pop())


def _agrees(before: str, after: str, extra: Mapping[str, Any]) -> bool:
    """Whether the file grew by as many lines as the heads of the patch's hunks say; true without a patch."""
    hunks = extra.get("structuredPatch")
    if not isinstance(hunks, list) or not hunks:
        return True
    growth = 0
    for hunk in hunks:
        old, new = (hunk.get("oldLines"), hunk.get("newLines")) if isinstance(hunk, dict) else (None, None)
        if not isinstance(old, int) or not isinstance(new, int):
            return True
        growth += new - old
    return growth == _lines(after) - _lines(before)


def _lines(text: str) -> int:
    return text.count("\n") + (not text.endswith("\n") and text != "")


def _write(given: Mapping[str, Any], extra: Mapping[str, Any], output: str) -> FileEdit | None:
    path = _text(extra, "filePath") or _text(given, "file_path", "path", "filePath")
    after = _text(extra, "content")
    if after is None:
        after = _text(given, "content")
    if not path or after is None:
        return None
    before = _text(extra, "originalFile")
    kind = extra.get("type")
    if kind not in ("create", "update"):
        kind = "update" if before is not None or "updated" in output[:2000] else "create"
    if kind == "create":
        return FileEdit(path, "add", None, after)
    return FileEdit(path, "update", before, after)


def _notebook(given: Mapping[str, Any], extra: Mapping[str, Any]) -> FileEdit | None:
    """A cell of a notebook: whole texts where the result has them, else only that it changed (the words of a cell do
    not stand in the file as they are)."""
    path = _text(extra, "notebook_path") or _text(given, "notebook_path", "file_path", "path")
    if not path or extra.get("error"):
        return None
    return FileEdit(path, "update", _text(extra, "original_file"), _text(extra, "updated_file"))
