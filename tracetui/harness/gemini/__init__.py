"""Gemini CLI: ``session-*.jsonl`` of newer versions, ``session-*.json`` of those before.

Which record becomes which step is told in ``docs/steps.md``, the format in ``docs/formats/gemini.md``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tracetui.harness.base import Harness, Root
from tracetui.harness.gemini.records import DOCUMENT
from tracetui.model import LogFacts

if TYPE_CHECKING:
    from tracetui.harness.base import FileEdit, Reader
    from tracetui.harness.context import ContextRules
    from tracetui.harness.fields import Fields
    from tracetui.harness.sharing import Sharing
    from tracetui.model import Record, Step

__all__ = ["HARNESS"]


def detect(head: Sequence[Mapping[str, Any]]) -> bool:
    """Whether these are records of Gemini CLI: its header, or a message of the type that only it has."""
    for record in head:
        if "sessionId" in record and "projectHash" in record and "type" not in record:
            return True
        if record.get("type") == "gemini" and "content" in record and isinstance(record.get("id"), str):
            return True
    return False


def _roots(environ: Mapping[str, str], home: Path) -> Iterable[Root]:
    named = environ.get("GEMINI_CLI_HOME")
    base = (Path(named) if named else home) / ".gemini" / "tmp"
    yield Root(base, ("session-*.json", "session-*.jsonl"), depth=3)


def _resume(facts: LogFacts) -> list[str]:
    return ["gemini", "--resume", facts.session]


def _reader(stem: str, state: bytes | None = None) -> Reader:
    from tracetui.harness.gemini.reader import GeminiReader

    return GeminiReader(stem, state)


def _edits(step: Step, records: Sequence[Record]) -> list[FileEdit]:
    from tracetui.harness.gemini.reader import edits

    return edits(step, records)


def _record_id(value: Mapping[str, Any]) -> str | None:
    return DOCUMENT.key(value) or None


def _rules() -> ContextRules:
    from tracetui.harness.gemini.context import RULES

    return RULES


def _sharing() -> Sharing:
    from tracetui.harness.gemini.sharing import SHARING

    return SHARING


def _fields() -> Fields:
    from tracetui.harness.gemini.sharing import FIELDS

    return FIELDS


HARNESS = Harness(
    name="gemini",
    title="Gemini CLI",
    short="gm",
    detect=detect,
    reader=_reader,
    roots=_roots,
    resume=_resume,
    edits=_edits,
    sources=(DOCUMENT,),
    sharing=_sharing,
    fields=_fields,
    record_id=_record_id,
    rules=_rules,
)
