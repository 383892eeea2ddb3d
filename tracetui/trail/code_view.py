"""Code with who wrote it: the lines of a file, and the diff of a commit, for the blame screen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from tracetui.trail.assigned import Assigned, Writer
from tracetui.trail.blame import Blame
from tracetui.trail.lines import Change, changes, fingerprint, is_binary, norm, split
from tracetui.trail.states import HunkState
from tracetui.trail.store import MissingError, Store

__all__ = ["diff_lines", "diff_rows", "file_lines", "writers"]

_MOST: Final = 6000
_LONGEST: Final = 2000
_CONTEXT: Final = 3


def writers(named: Iterable[Writer], states: Mapping[str, HunkState]) -> tuple[list[dict[str, Any]], dict[Writer, int]]:
    """The writers, each once, as the screen takes them, and their numbers."""
    numbers: dict[Writer, int] = {}
    for writer in named:
        numbers.setdefault(writer, len(numbers))
    listed = []
    for writer in numbers:
        state = states.get(writer.key)
        listed.append(
            {
                "session": writer.session,
                "agent": writer.agent,
                "part": writer.part,
                "step": writer.step,
                "time": state.time if state is not None else None,
                "state": state.state if state is not None else None,
                "reason": state.reason if state is not None else None,
            }
        )
    return listed, numbers


def file_lines(store: Store, sha: str, rows: Sequence[Blame], states: Mapping[str, HunkState]) -> dict[str, Any] | None:
    """The blamed lines of a file: ``lines`` are [number, text, number of the row, number of the writer or None]."""
    path = rows[0].path if rows else None
    if path is None:
        return None
    try:
        data = store.text_at(sha, path)
    except MissingError:
        data = None
    if data is None or is_binary(data):
        return None
    text = split(data)
    told, numbers = writers((writer for row in rows for writer in row.owners.values()), states)
    lines: list[list[Any]] = []
    for nth, row in enumerate(rows):
        for number in range(row.start or 1, (row.end or 0) + 1):
            writer = row.owners.get(number)
            lines.append([number, _text(text[number - 1]), nth, numbers[writer] if writer is not None else None])
    return {"path": _clean(path), "lines": lines[:_MOST], "more": max(0, len(lines) - _MOST), "writers": told}


def diff_lines(store: Store, sha: str, found: Assigned, states: Mapping[str, HunkState]) -> dict[str, Any] | None:
    """The diff of a commit against its first parent: ``files`` are {path, lines}, lines [sign, number, text, number of
    the writer or None], with a sign of ``@`` where lines are left out."""
    commit = store.commit(sha)
    if commit is None:
        return None
    told, numbers = writers(
        (writer for lines in found.owners.values() for own in lines.values() for writer in own), states
    )
    try:
        new = store.files(sha)
        old = store.files(commit.parents[0]) if commit.parents else {}
    except MissingError:
        return None
    files: list[dict[str, Any]] = []
    room = _MOST
    for path in sorted({*old, *new}):
        before, after = old.get(path), new.get(path)
        if before == after or 0o160000 in {item[0] for item in (before, after) if item} or room <= 0:
            continue
        own = {line: [numbers[w] for w in names] for line, names in found.owners.get(path, {}).items()}
        try:
            texts = [store.blob(item[1]) if item else b"" for item in (before, after)]
        except MissingError:
            continue
        lines = diff_rows(texts[0], texts[1], own) if not any(map(is_binary, texts)) else []
        files.append({"path": _clean(path), "lines": lines[:room], "binary": any(map(is_binary, texts))})
        room -= len(lines)
    return {"files": files, "more": room <= 0, "writers": told}


def diff_rows(
    before: bytes, after: bytes, own: dict[int, list[int]], runs: Iterable[Change] | None = None
) -> list[list[Any]]:
    """The lines of a diff with some around them, [sign, number, text, number of the writer or None]; ``own`` is used
    up. Of the changes only ``runs`` are shown, where these are given."""
    old, new = split(before), split(after)
    found: list[list[Any]] = []
    shown = 0
    for change in changes(before, after) if runs is None else runs:
        start = max(shown, change.new - _CONTEXT)
        if found and start > shown:
            found.append(["@", start + 1, "", None])
        found += [[" ", at + 1, _text(new[at]), None] for at in range(start, change.new)]
        found += [["-", change.old + at + 1, _text(old[change.old + at]), None] for at in range(change.old_len)]
        for at in range(change.new, change.new + change.new_len):
            names = own.get(fingerprint(norm(new[at])))
            found.append(["+", at + 1, _text(new[at]), names.pop(0) if names else None])
        shown = change.new + change.new_len
        end = min(len(new), shown + _CONTEXT)
        found += [[" ", at + 1, _text(new[at]), None] for at in range(shown, end)]
        shown = end
    return found


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _text(line: bytes) -> str:
    return line.rstrip(b"\r").decode("utf-8", "replace")[:_LONGEST]
