"""The reader of Cursor's agent transcripts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from tracetui.harness import tools
from tracetui.harness.base import FileEdit
from tracetui.harness.content import flatten
from tracetui.harness.stepping import Stepper, noted, string
from tracetui.model import Kind, Record, Step, from_iso

__all__ = ["CursorReader", "edits"]

_KINDS: Final[dict[str, Kind]] = {
    **dict.fromkeys(("strreplace", "editnotebook", "delete", "applypatch", "reapply"), "edit"),
    **dict.fromkeys(("semanticsearch", "codebase_search", "file_search"), "search"),
    "readlints": "read",
    "await": "command",
    "updatetodos": "plan",
    "createplan": "plan",
}
_QUERY: Final = ("<user_query>", "</user_query>")


def _kind_of(name: str) -> Kind:
    return _KINDS.get(name.lower()) or tools.kind(name)


def _asked(text: str) -> str:
    """What the person wrote, out of what was put around it."""
    start = text.find(_QUERY[0])
    if start < 0:
        return text
    end = text.find(_QUERY[1], start)
    return text[start + len(_QUERY[0]) : end if end >= 0 else None].strip()


class CursorReader(Stepper):
    """See ``base.Reader``. The session's id is the file's stem: no record tells one."""

    harness = "cursor"

    def feed(self, record: Record) -> None:
        """Take the next record."""
        value = record.value
        role, message = value.get("role"), value.get("message")
        content = message.get("content") if isinstance(message, dict) else None
        if not isinstance(role, str) or role not in ("user", "assistant", "tool") or content is None:
            self._unknown(role if isinstance(role, str) else None)
            return
        time = from_iso(value.get("timestamp"))
        self._when(time)
        key = f"L{record.source.line}.{record.nth}"
        before = self._number
        answered = 0
        for nth, block in enumerate(content if isinstance(content, list) else [content]):
            answered += self._block(record, role, block, f"{key}:{nth}", time)
        if self._number > before or answered:
            self.stepped += 1
        else:
            self.known[f"{role}/empty"] += 1

    def _block(self, record: Record, role: str, block: Any, key: str, time: int | None) -> int:
        """One block; 1 for a result that a call got."""
        kind = block.get("type") if isinstance(block, dict) else "text"
        if kind == "tool_use":
            name = string(block.get("name")) or "tool"
            self._call(record, name, block.get("input"), string(block.get("id")), key, time, _kind_of(name))
            return 0
        if kind == "tool_result":
            draft = self._result(record, string(block.get("tool_use_id")))
            if draft is None:
                return 0
            draft.output, draft.images = flatten(block.get("content"))
            draft.is_error = block.get("is_error") is True
            return 1
        text, images = flatten(block)
        thinking = kind in ("thinking", "reasoning")
        if thinking and isinstance(block, dict):
            text = string(block.get("thinking")) or string(block.get("text")) or ""
        if role == "user":
            text = _asked(text)
        if not text.strip():
            return 0
        text = noted(record, text)
        if role == "user":
            self._prompt(record, key, time, text).images = images
        else:
            self._begin(record, "thinking" if thinking else "message", key, time, text).images = images
        return 0


def edits(step: Step, records: Sequence[Record]) -> list[FileEdit]:
    """The file edits that a call asked for; none where its result says that it failed. Most transcripts hold no
    results: what was asked then counts as done."""
    tool = step.tool
    if step.kind != "edit" or tool is None or tool.is_error or not isinstance(tool.input, dict):
        return []
    given = tool.input
    path = next((found for name in ("path", "file_path", "target_file") if (found := string(given.get(name)))), None)
    patch = given.get("patch", given.get("input"))
    if isinstance(patch, str) and "*** " in patch:
        from tracetui.harness.codex.patch import read_patch

        return [
            FileEdit(file.path, file.op, after=file.content)
            if file.op == "add"
            else FileEdit(file.path, file.op, pieces=tuple(file.pieces), to=file.to)
            for file in read_patch(patch)
        ]
    if path is None:
        return []
    for name in ("contents", "content", "file_text"):
        if isinstance(given.get(name), str):
            return [FileEdit(path, "update", after=given[name])]
    old, new = given.get("old_string"), given.get("new_string")
    if isinstance(old, str) and isinstance(new, str):
        if not old:
            return [FileEdit(path, "add", after=new)]
        return [FileEdit(path, "update", pieces=((old, new),), replace_all=given.get("replace_all") is True)]
    if tool.name.lower() in ("delete", "delete_file"):
        return [FileEdit(path, "delete")]
    return []
