"""Rows of the lists of workflows and of dataset rows, and the pages beside them. No widgets here."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, Final, NamedTuple

import orjson
from textual.strip import Strip

from tracetui.dataset.store import StoredRow
from tracetui.model import Step
from tracetui.text import format as fmt
from tracetui.text.safe import one_line
from tracetui.tui.kit.document import Document, DocumentMaker
from tracetui.tui.kit.paint import Span, paint
from tracetui.tui.kit.styles import Look

__all__ = ["DatasetRows", "WorkflowRow", "WorkflowRows", "around", "row_page", "session_page", "title_of"]

_STATES: Final = {"approved": "tick", "rejected": "lost", "changed": "transformed", "new": "dot"}
_TEXT: Final = 20_000
"""Characters of one text of a page."""
_AROUND: Final = 400
"""Steps of a session that its page shows."""


class WorkflowRow(NamedTuple):
    """A workflow as the list shows it."""

    name: str
    about: str
    target: str
    states: dict[str, int]
    questions: int
    ran: int | None
    page: str

    @property
    def next(self) -> str:
        """What comes next."""
        if self.target == "report":
            return "enter prints it"
        if self.questions:
            return f"{fmt.plural(self.questions, 'question')} for you: a answers"
        if self.states["new"] or self.states["changed"]:
            return "enter reviews its rows"
        return "w writes what is approved, d donates it" if self.states["approved"] else "x makes its rows"


class WorkflowRows:
    """A `RowSource` over workflows."""

    uniform = True

    def __init__(self, rows: Sequence[WorkflowRow]) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def key(self, row: int) -> Hashable:
        found = self.rows[row]
        return found.name, found.ran, found.questions, tuple(found.states.values())

    def height(self, row: int) -> int:
        return 1

    def selectable(self, row: int) -> bool:
        return True

    def paint(self, row: int, look: Look, width: int) -> Sequence[Strip]:
        found = self.rows[row]
        muted = look.style("muted")
        total = sum(found.states.values())
        facts = "report" if found.target == "report" else f"{found.states['approved']:,} of {total:,}" if total else ""
        spans: list[Span] = [(f"{found.name:<18}", look.style("", "b")), (f" {one_line(found.about, 300)}", muted)]
        return [paint(spans, width, right=[(facts, muted)], mark=look.sign("ellipsis"))]


def title_of(row: StoredRow) -> str:
    """What a row is about, in one line: the text that says most."""
    value = orjson.loads(row.body)
    for name in ("prompt", "task", "title", "text"):
        if isinstance(value.get(name), str) and value[name]:
            return one_line(value[name], 200)
    for message in value.get("messages") or ():
        if isinstance(message, dict) and message.get("role") == "user":
            return one_line(str(message.get("content") or ""), 200)
    return one_line(row.body, 200)


class DatasetRows:
    """A `RowSource` over the rows of a dataset; a row is read when it is painted."""

    uniform = True

    def __init__(self, rows: Sequence[tuple[int, str, str, str, tuple[int, int]]]) -> None:
        """(id, state, title, session, steps) of each row."""
        self.rows = list(rows)

    def __len__(self) -> int:
        return len(self.rows)

    def key(self, row: int) -> Hashable:
        return self.rows[row][:2]

    def height(self, row: int) -> int:
        return 1

    def selectable(self, row: int) -> bool:
        return True

    def paint(self, row: int, look: Look, width: int) -> Sequence[Strip]:
        _, state, title, session, (first, last) = self.rows[row]
        sign = _STATES[state]
        text = look.style("muted") if state == "rejected" else look.style()
        spans: list[Span] = [(f"{look.sign(sign)} ", look.sign_style(sign)), (title, text)]
        where = f"{session[:8]}:{first}-{last}"
        return [paint(spans, width, right=[(where, look.style("muted"))], mark=look.sign("ellipsis"))]


def row_page(row: StoredRow, problem: str | None) -> Document:
    """A row to be read: a heading for each field, texts as they are, the rest as JSON."""
    maker = DocumentMaker()
    value: Any = orjson.loads(row.body)
    if problem is not None:
        maker.add(f"It does not pass the gate: {problem}", style="bad")
    for name, item in value.items():
        maker.heading(name)
        if isinstance(item, str):
            maker.add(item[:_TEXT])
        elif name == "messages" and isinstance(item, list):
            for message in item:
                _message(maker, message)
        else:
            text = orjson.dumps(item, option=orjson.OPT_INDENT_2).decode()
            maker.add(text[:_TEXT], "json")
    maker.heading("where it came from")
    maker.add(orjson.dumps(row.source, option=orjson.OPT_INDENT_2).decode(), "json")
    return maker.make()


def _message(maker: DocumentMaker, message: Any) -> None:
    if not isinstance(message, dict):
        return
    role = str(message.get("role"))
    maker.add(f"{role}:", style="prompt" if role == "user" else "muted:b")
    if message.get("content"):
        maker.add(str(message["content"])[:_TEXT])
    for call in message.get("tool_calls") or ():
        function = call.get("function") or {}
        maker.add(f"{function.get('name')} {str(function.get('arguments'))[:_TEXT]}", style="accent")


def session_page(steps: Sequence[Step], first: int, last: int) -> tuple[Document, str]:
    """The session around a row, as its log has it: (the page, the name of the section of its first step)."""
    maker = DocumentMaker()
    for step in steps:
        mine = first <= step.number <= last
        maker.heading(f"{'▌ ' if mine else ''}{step.number} {step.kind}", name=f"step-{step.number}")
        if step.text:
            maker.add(step.text[:_TEXT], style="prompt" if step.kind == "prompt" else "" if mine else "muted")
        if step.tool is not None:
            given = step.tool.input
            text = given if isinstance(given, str) else orjson.dumps(given, option=orjson.OPT_INDENT_2).decode()
            maker.add(f"{step.tool.name} {text}"[:_TEXT], style="accent" if mine else "muted")
            if step.tool.output:
                maker.add(step.tool.output[:_TEXT], style="" if mine else "muted")
    return maker.make(), f"step-{first}"


def around(count: int, first: int, last: int) -> tuple[int, int]:
    """Which steps of a session its page shows: those of the row, and some on either side."""
    spare = max(0, _AROUND - (last - first + 1)) // 2
    return max(1, first - spare), min(count, max(first, min(last + spare, first + _AROUND)))
