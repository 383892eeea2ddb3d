"""GitHub Copilot CLI: ``events.jsonl`` in a folder per session.

Which record becomes which step is told in ``docs/steps.md``, the format in ``docs/formats/copilot.md``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tracetui.harness.base import Harness, Root
from tracetui.model import LogFacts

if TYPE_CHECKING:
    from tracetui.harness.base import FileEdit, Reader
    from tracetui.harness.context import ContextRules
    from tracetui.harness.fields import Fields
    from tracetui.harness.sharing import Sharing
    from tracetui.model import Record, Step

__all__ = ["HARNESS"]

_OWN: Final = frozenset(
    {"assistant.message", "assistant.turn_start", "tool.execution_start", "tool.execution_complete"}
)


def detect(head: Sequence[Mapping[str, Any]]) -> bool:
    """Whether these are events of Copilot CLI: its own session start, or its own kinds of events with ``parentId``."""
    for record in head:
        kind, data = record.get("type"), record.get("data")
        if not isinstance(kind, str) or not isinstance(data, Mapping):
            continue
        if kind == "session.start" and ("copilotVersion" in data or data.get("producer") == "copilot-agent"):
            return True
        if kind in _OWN and "parentId" in record and isinstance(record.get("id"), str):
            return True
    return False


def _roots(environ: Mapping[str, str], home: Path) -> Iterable[Root]:
    named = environ.get("COPILOT_HOME")
    own = Path(named) if named else home / ".copilot"
    yield Root(own / "session-state", ("events.jsonl", "*-*-*-*-*.jsonl"), depth=1)


def _resume(facts: LogFacts) -> list[str]:
    return ["copilot", "--resume", facts.session]


def _reader(stem: str, state: bytes | None = None) -> Reader:
    from tracetui.harness.copilot.reader import CopilotReader

    return CopilotReader(stem, state)


def _edits(step: Step, records: Sequence[Record]) -> list[FileEdit]:
    from tracetui.harness.copilot.edits import edits

    return edits(step, records)


def _record_id(value: Mapping[str, Any]) -> str | None:
    own = value.get("id")
    return own if isinstance(own, str) and own else None


def _rules() -> ContextRules:
    from tracetui.harness.copilot.context import RULES

    return RULES


def _sharing() -> Sharing:
    from tracetui.harness.copilot.sharing import SHARING

    return SHARING


def _fields() -> Fields:
    from tracetui.harness.copilot.sharing import FIELDS

    return FIELDS


HARNESS = Harness(
    name="copilot",
    title="Copilot CLI",
    short="gh",
    detect=detect,
    reader=_reader,
    roots=_roots,
    resume=_resume,
    edits=_edits,
    sharing=_sharing,
    fields=_fields,
    record_id=_record_id,
    rules=_rules,
)
