"""The file edits of a Codex step: from the exact diffs of events and items, else from the text of the patch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from tracetui.harness.base import FileEdit
from tracetui.harness.codex.patch import read_patch, texts
from tracetui.model import Record, Step
from tracetui.text.unified import pieces_of_diff

__all__ = ["edits"]

_APPLIED: Final = "Success. Updated the following files"
_SCRIPTS: Final = frozenset({"exec", "js", "js_repl"})


def edits(step: Step, records: Sequence[Record]) -> list[FileEdit]:
    """What one step did to files, in order; empty where its call failed, was declined, or edits none.

    ``records`` are those of ``step.sources``. Of several records that describe one change the first is used.
    """
    if step.kind != "edit" or step.tool is None:
        return []
    exact, told = _structured(records)
    if told:
        return exact
    output = step.tool.output or ""
    if (step.tool.is_error or step.tool.exit_code not in (None, 0)) and _APPLIED not in output:
        return []
    script = step.tool.name in _SCRIPTS
    return [edit for text in texts(step.tool.input, script=script) for edit in _from_text(text)]


def _structured(records: Sequence[Record]) -> tuple[list[FileEdit], bool]:
    """The changes that events and items list, and whether any record tells of changes or of their failure."""
    out: list[FileEdit] = []
    seen: set[object] = set()
    told = False
    for record in records:
        payload = record.value.get("payload")
        if not isinstance(payload, dict):
            continue
        kind = payload.get("type")
        if kind == "item_completed":
            item = payload.get("item")
            if not isinstance(item, dict) or item.get("type") != "FileChange":
                continue
            identity, holder = item.get("id"), item
        elif kind == "patch_apply_end":
            identity, holder = payload.get("call_id"), payload
        else:
            continue
        if _failed(holder):
            told = True
            continue
        changes = holder.get("changes")
        if not isinstance(changes, dict) or not changes:
            continue
        told = True
        name = identity if isinstance(identity, str) and identity else repr(changes)
        if name not in seen:
            seen.add(name)
            out += [edit for path, change in changes.items() if (edit := _from_change(path, change)) is not None]
    return out, told


def _failed(value: Mapping[str, Any]) -> bool:
    status = value.get("status")
    return value.get("success") is False or (isinstance(status, str) and status.lower() in ("failed", "declined"))


def _from_change(path: str, change: object) -> FileEdit | None:
    """One entry of ``changes``: ``add`` and ``delete`` hold the content, ``update`` a diff and perhaps a move."""
    if not isinstance(change, dict):
        return None
    op = change.get("type")
    if op is None and len(change) == 1:
        # An older form: the operation is the only key.
        op, change = next(iter(change.items()))
        if not isinstance(change, dict):
            return None
    content = change.get("content")
    content = content if isinstance(content, str) else None
    if op == "add":
        return FileEdit(path, "add", after=content)
    if op == "delete":
        return FileEdit(path, "delete", before=content)
    if op != "update":
        return None
    diff, to = change.get("unified_diff"), change.get("move_path")
    pieces = tuple(pieces_of_diff(diff)) if isinstance(diff, str) else ()
    if isinstance(to, str) and to and to != path:
        return FileEdit(path, "move", pieces=pieces, to=to)
    return FileEdit(path, "update", pieces=pieces) if pieces else None


def _from_text(text: str) -> list[FileEdit]:
    out: list[FileEdit] = []
    for file in read_patch(text):
        if file.op == "add":
            out.append(FileEdit(file.path, "add", after=file.content))
        elif file.op == "delete":
            out.append(FileEdit(file.path, "delete"))
        elif file.op == "move":
            out.append(FileEdit(file.path, "move", pieces=tuple(file.pieces), to=file.to))
        elif file.pieces:
            out.append(FileEdit(file.path, "update", pieces=tuple(file.pieces)))
    return out
