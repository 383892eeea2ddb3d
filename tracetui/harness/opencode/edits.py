"""What a call of edit, write, multiedit or apply_patch did to files, as OpenCode's log tells it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tracetui.harness.base import FileEdit
from tracetui.model import Record, Step

__all__ = ["edits"]


def edits(step: Step, records: Sequence[Record]) -> list[FileEdit]:
    """The file edits of one step; none for a call that failed or has no result.

    The texts that the call replaced come first (they are exact), then whole texts and patches of the metadata.
    """
    tool = step.tool
    if step.kind != "edit" or tool is None or tool.output is None or tool.is_error:
        return []
    if not isinstance(tool.input, dict):
        return []
    about = _metadata(records)
    name = tool.name.lower()
    if name in ("apply_patch", "patch"):
        return _patched(tool.input, about)
    path = tool.input.get("filePath")
    if not isinstance(path, str) or not path:
        return []
    if name == "write":
        content = tool.input.get("content")
        if not isinstance(content, str):
            return []
        op = "add" if about.get("exists") is False else "update"
        return [FileEdit(path, op, before=_before(records), after=content)]
    pieces, every = _replaced(tool.input, several=name == "multiedit")
    diff = about.get("filediff")
    whole = diff if isinstance(diff, dict) else {}
    before, after = whole.get("before"), whole.get("after")
    if isinstance(before, str) and isinstance(after, str) and (before or after):
        return [FileEdit(path, "update" if before else "add", before=before, after=after)]
    if not pieces:
        return []
    if pieces == (("", pieces[0][1]),):
        return [FileEdit(path, "add", after=pieces[0][1])]  # an empty old text makes the file
    patch = whole.get("patch", about.get("diff"))
    told = [] if every else _exact(patch, "".join(old for old, _ in pieces), "".join(new for _, new in pieces))
    return [FileEdit(path, "update", pieces=tuple(told) or pieces, replace_all=every and not told)]


def _replaced(given: dict[str, Any], *, several: bool) -> tuple[tuple[tuple[str, str], ...], bool]:
    """The (old, new) texts that a call replaced, and whether everywhere in the file."""
    listed = given.get("edits") if several else [given]
    found = [_piece(item) for item in (listed if isinstance(listed, list) else ()) if isinstance(item, dict)]
    told = [item for item in found if item is not None]
    return tuple(item[:2] for item in told), any(item[2] for item in told)


def _exact(patch: Any, old: str, new: str) -> list[tuple[str, str]]:
    """The pieces of a patch in the metadata, with the lines around a change; none where it is for showing only:
    OpenCode takes the indentation off that all its lines have in common."""
    if not isinstance(patch, str):
        return []
    from tracetui.text.unified import pieces_of_diff

    found = pieces_of_diff(patch)
    was, now = set(old.split("\n")), set(new.split("\n"))
    for before, after in found:
        olds, news = before.split("\n"), after.split("\n")
        if any(line not in news and line not in was for line in olds):
            return []
        if any(line not in olds and line not in now for line in news):
            return []
    return found


def _metadata(records: Sequence[Record]) -> dict[str, Any]:
    """What the latest version of the call's part tells beside its output."""
    for record in reversed(records):
        inner = record.value.get("properties")
        part = inner.get("part") if isinstance(inner, dict) else None
        state = part.get("state") if isinstance(part, dict) else None
        about = state.get("metadata") if isinstance(state, dict) else None
        if isinstance(about, dict):
            return about
    return {}


def _before(records: Sequence[Record]) -> str | None:
    """The text of the file before, where the program's snapshots had it."""
    for record in records:
        inner = record.value.get("properties")
        if record.value.get("type") == "snapshot.file" and isinstance(inner, dict):
            text = inner.get("text")
            return text if isinstance(text, str) else None
    return None


def _piece(given: dict[str, Any]) -> tuple[str, str, bool] | None:
    old, new = given.get("oldString"), given.get("newString")
    if not isinstance(old, str) or not isinstance(new, str):
        return None
    return old, new, given.get("replaceAll") is True


def _patched(given: dict[str, Any], about: dict[str, Any]) -> list[FileEdit]:
    """The files of a patch: as its text says, with whole texts and the lines around changes where the metadata tells
    them. Files stand in both in the same order."""
    from tracetui.harness.codex.patch import read_patch

    text = given.get("patchText", given.get("input"))
    asked = read_patch(text) if isinstance(text, str) else []
    listed = about.get("files")
    done = [file for file in (listed if isinstance(listed, list) else ()) if isinstance(file, dict)]
    if len(done) != len(asked):
        done = [{}] * len(asked)
    found: list[FileEdit] = []
    for item, file in zip(asked, done, strict=True):
        path = str(file.get("filePath") or item.path)
        to = str(file["movePath"]) if isinstance(file.get("movePath"), str) else item.to
        before, after = file.get("before"), file.get("after")
        if item.op == "add":
            found.append(FileEdit(path, "add", after=item.content))
        elif isinstance(before, str) and isinstance(after, str):
            found.append(FileEdit(path, item.op, before=before, after=None if item.op == "delete" else after, to=to))
        else:
            old, new = "".join(piece[0] for piece in item.pieces), "".join(piece[1] for piece in item.pieces)
            told = _exact(file.get("patch"), old, new)
            if item.op == "delete":
                told = _deleted(file.get("patch"))
            found.append(FileEdit(path, item.op, pieces=tuple(told or item.pieces), to=to))
    return found


def _deleted(patch: Any) -> list[tuple[str, str]]:
    from tracetui.text.unified import pieces_of_diff

    return pieces_of_diff(patch) if isinstance(patch, str) else []
