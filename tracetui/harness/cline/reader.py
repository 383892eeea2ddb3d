"""The reader of Cline's and Roo Code's tasks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from tracetui.harness.base import FileEdit
from tracetui.harness.cline.calls import calls_of, kind_of, replacements
from tracetui.harness.content import flatten
from tracetui.harness.stepping import StepDraft, Stepper, noted, number, string
from tracetui.model import Kind, Record, Step, Tokens

__all__ = ["ClineReader", "edits"]

_FOLDER: Final = re.compile(r"# Current (?:Working|Workspace) Directory \(([^)\n]{1,4000})\) Files")
_RESULT: Final = re.compile(r"\[([a-z_]{2,40})(?: for [^\n]{0,2000})?\] Result:")
_EXIT: Final = re.compile(r"[Ee]xit(?:ed with)? code:? (-?[0-9]{1,10})")
_ASKED: Final = ("task", "feedback", "user_message", "answer")
_ASIDE: Final = ("<environment_details>", "# task_progress", "# todo list")
"""What the program puts beside a person's words and the results of calls, in every message."""
_FAILED: Final = ("The tool execution failed", "<error>", "The user denied this operation", '"status":"error"')


class ClineReader(Stepper):
    """See ``base.Reader``. A call written as text has the id ``INDEX.NTH`` of its message; its result stands in the
    next message of the user."""

    harness = "cline"
    small = ("_waiting", "_requests")
    held = ("_begun",)

    def begin(self) -> None:
        """Set what waits for results and counts."""
        self._waiting: list[str] = []
        self._requests = 0
        self._begun: dict[str, StepDraft] = {}

    def feed(self, record: Record) -> None:
        """Take the next record."""
        value = record.value
        kind = value.get("type")
        if kind == "cline.task":
            self.facts.session = string(value.get("id")) or self.facts.session
            self.known["task"] += 1
            return
        if kind == "cline.request":
            self._request(value)
            return
        message = value.get("message")
        if kind != "cline.message" or not isinstance(message, dict):
            if kind == "cline.message":
                self.known["message/gone"] += 1
            else:
                self._unknown(kind)
            return
        index = number(value.get("index"))
        key = f"{index}" if index is not None else f"L{record.source.line}.{record.nth}"
        time = number(message.get("ts"))
        self._when(time)
        if not self._first(f"m{key}") or message.get("role") not in ("user", "assistant"):
            self.known["message/changed" if isinstance(message.get("role"), str) else "message/empty"] += 1
            return
        before, waited = self._number, len(self._waiting) + len(self._open)
        if message["role"] == "assistant":
            self._answer(record, message, key, time)
        else:
            self._user(record, message, key, time)
        if self._number > before or len(self._waiting) + len(self._open) < waited:
            self.stepped += 1
        else:
            self.known[f"message/{message['role']}/empty"] += 1

    def _request(self, value: dict[str, Any]) -> None:
        """What a request took; the first step of its answer has it, where both are told in turn."""
        usage = value.get("usage")
        self._when(number(value.get("ts")))
        self.known["request"] += 1
        if not isinstance(usage, dict) or not self._first(f"r{value.get('index')}"):
            return
        paid = usage.get("cost")
        if isinstance(paid, int | float) and not isinstance(paid, bool) and 0 <= paid < 1e6:
            self.facts.cost_usd = (self.facts.cost_usd or 0.0) + paid
        draft = self._begun.pop(str(number(value.get("index"))), None)
        found = Tokens(
            *(number(usage.get(name)) or 0 for name in ("tokensIn", "tokensOut", "cacheReads", "cacheWrites"))
        )
        if draft is not None and draft.tokens is None and (found.prompt or found.output):
            draft.tokens = found
            self._changed[draft.number] = draft

    def _answer(self, record: Record, message: dict[str, Any], key: str, time: int | None) -> None:
        about = message.get("modelInfo")
        model = string(about.get("modelId")) if isinstance(about, dict) else None
        self.facts.model = model or self.facts.model
        content = message.get("content")
        begun: list[StepDraft] = []
        for nth, block in enumerate(content if isinstance(content, list) else [content]):
            begun += self._said(record, block, f"{key}:{nth}", time)
        for draft in begun:
            draft.model, draft.response = model, key
        took = message.get("metrics")
        counts = took.get("tokens") if isinstance(took, dict) else None
        if begun and isinstance(counts, dict):
            found = Tokens(*(number(counts.get(name)) or 0 for name in ("prompt", "completion", "cached")))
            begun[0].tokens = found if found.prompt or found.output else None
        if begun:
            self._keep(self._begun, str(self._requests), begun[0])
        self._requests += 1

    def _said(self, record: Record, block: Any, key: str, time: int | None) -> list[StepDraft]:
        kind = block.get("type") if isinstance(block, dict) else "text"
        if kind == "tool_use":
            name, own = string(block.get("name")) or "tool", string(block.get("id")) or key
            self._waiting.append(own)
            return [self._call(record, name, block.get("input"), own, own, time, kind_of(name))]
        if kind in ("thinking", "reasoning"):
            text = string(block.get("thinking")) or string(block.get("text")) or ""
            return [self._begin(record, "thinking", key, time, text)] if text.strip() else []
        text = flatten(block).text
        calls = calls_of(text)
        plain = (text[: calls[0].start] if calls else text).strip()
        out: list[StepDraft] = []
        for tag in ("<thinking>", "</thinking>"):
            plain = plain.replace(tag, "")
        if plain.strip():
            out.append(self._begin(record, "message", key, time, noted(record, plain.strip())))
        for nth, call in enumerate(calls):
            own = f"{key}.{nth}"
            out.append(self._call(record, call.name, call.given, own, own, time, kind_of(call.name)))
            self._waiting.append(own)
        return out

    def _user(self, record: Record, message: dict[str, Any], key: str, time: int | None) -> None:
        content = message.get("content")
        said: list[str] = []
        images = 0
        answered: StepDraft | None = None
        for block in content if isinstance(content, list) else [content]:
            if isinstance(block, dict) and block.get("type") == "tool_result":
                own = string(block.get("tool_use_id"))
                draft = self._result(record, own)
                if draft is not None:
                    self._waiting = [call for call in self._waiting if call != own]
                    self._outcome(draft, flatten(block.get("content")).text, block.get("is_error") is True)
                continue
            flat = flatten(block)
            images += flat.images
            self._folder(flat.text)
            match = _RESULT.match(flat.text.lstrip())
            if match is not None and self._waiting:
                answered = self._answered(record, flat.text)
            elif flat.text.lstrip().startswith(_ASIDE):
                continue
            elif answered is not None and not any(f"<{tag}>" in flat.text for tag in _ASKED):
                # What a call gave back stands in the block behind its heading.
                self._outcome(answered, f"{answered.output}\n{flat.text}".strip("\n"), False)
            elif flat.text.strip():
                said.append(flat.text)
        self._prompted(record, said, images, key, time)

    def _answered(self, record: Record, text: str) -> StepDraft | None:
        """A result that stands as text belongs to the oldest call that waits."""
        draft = self._result(record, self._waiting.pop(0))
        if draft is not None:
            self._outcome(draft, text.partition("Result:")[2].strip("\n"), False)
        return draft

    def _outcome(self, draft: StepDraft, text: str, failed: bool) -> None:
        draft.output = text.strip()
        draft.is_error = failed or any(mark in text[:2000] for mark in _FAILED)
        if draft.kind == "command" and (found := _EXIT.search(text[-2000:])) is not None:
            draft.exit_code = int(found[1])
        self._changed[draft.number] = draft

    def _prompted(self, record: Record, said: list[str], images: int, key: str, time: int | None) -> None:
        """What a person wrote stands in a tag; what does not was put there by the program."""
        if not said:
            return
        text = "\n".join(said)
        for tag in _ASKED:
            start = text.find(f"<{tag}>")
            if start >= 0:
                end = text.find(f"</{tag}>", start)
                asked = text[start + len(tag) + 2 : end if end >= 0 else None].strip()
                if asked:
                    self._prompt(record, key, time, noted(record, asked)).images = images
                    return
        kind: Kind = "event"
        self._begin(record, kind, key, time, noted(record, text.strip())).images = images

    def _folder(self, text: str) -> None:
        if self.facts.cwd is None and "# Current Wor" in text and (found := _FOLDER.search(text)) is not None:
            self.facts.cwd = found[1]


def edits(step: Step, records: Sequence[Record]) -> list[FileEdit]:
    """The file edits of one step; none for a call that failed or has no result."""
    tool = step.tool
    if step.kind != "edit" or tool is None or tool.output is None or tool.is_error or not isinstance(tool.input, dict):
        return []
    given = tool.input
    path = string(given.get("path")) or string(given.get("file_path")) or string(given.get("absolutePath"))
    patch = given.get("input", given.get("patch"))
    if path is None and isinstance(patch, str):
        from tracetui.harness.codex.patch import read_patch

        return [
            FileEdit(file.path, file.op, after=file.content)
            if file.op == "add"
            else FileEdit(file.path, file.op, pieces=tuple(file.pieces), to=file.to)
            for file in read_patch(patch)
        ]
    if path is None:
        return []
    if isinstance(given.get("diff"), str):
        pieces = replacements(given["diff"])
        return [FileEdit(path, "update", pieces=tuple(pieces))] if pieces else []
    if tool.name == "insert_content" and isinstance(given.get("content"), str):
        return [FileEdit(path, "update", pieces=(("", given["content"]),))]
    if isinstance(given.get("content"), str):
        text = given["content"]
        return [FileEdit(path, "update", after=text if not text or text.endswith("\n") else f"{text}\n")]
    for old, new in (("old_string", "new_string"), ("search", "replace"), ("old_str", "new_str")):
        if isinstance(given.get(old), str) and isinstance(given.get(new), str):
            return [FileEdit(path, "update", pieces=((given[old], given[new]),))]
    return []
