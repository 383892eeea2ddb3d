"""Qwen Code: ``chats/SESSION.jsonl`` per project, ``subagents/SESSION/agent-*.jsonl`` beside them.

Which record becomes which step is told in ``docs/steps.md``, the format in ``docs/formats/qwen.md``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tracetui.harness.base import Harness, Root
from tracetui.model import LogFacts

if TYPE_CHECKING:
    from tracetui.harness.base import FileEdit, Reader
    from tracetui.harness.context import ContextRules
    from tracetui.harness.fields import Fields
    from tracetui.harness.sharing import Sharing
    from tracetui.model import Record, Step

__all__ = ["HARNESS"]


def detect(head: Sequence[Mapping[str, Any]]) -> bool:
    """Whether these are records of Qwen Code: an envelope like Claude Code's, messages with ``parts``."""
    for record in head:
        if "uuid" not in record or "sessionId" not in record:
            continue
        message = record.get("message")
        if isinstance(message, Mapping) and isinstance(message.get("parts"), list):
            return True
        if record.get("type") == "system" and isinstance(record.get("systemPayload"), Mapping):
            return True
    return False


def _roots(environ: Mapping[str, str], home: Path) -> Iterable[Root]:
    named = environ.get("QWEN_RUNTIME_DIR") or environ.get("QWEN_HOME")
    own = Path(named) if named else home / ".qwen"
    yield Root(own / "projects", ("*.jsonl",), depth=4)
    yield Root(own / "tmp", ("*.jsonl",), depth=3)


def _resume(facts: LogFacts) -> list[str]:
    return ["qwen", "--resume", facts.session]


def _reader(stem: str, state: bytes | None = None) -> Reader:
    from tracetui.harness.qwen.reader import QwenReader

    return QwenReader(stem, state)


def _edits(step: Step, records: Sequence[Record]) -> list[FileEdit]:
    from tracetui.harness.qwen.reader import edits

    return edits(step, records)


def _record_id(value: Mapping[str, Any]) -> str | None:
    own = value.get("uuid")
    return own if isinstance(own, str) and own else None


def _rules() -> ContextRules:
    from tracetui.harness.qwen.context import RULES

    return RULES


def _sharing() -> Sharing:
    from tracetui.harness.qwen.sharing import SHARING

    return SHARING


def _fields() -> Fields:
    from tracetui.harness.qwen.sharing import FIELDS

    return FIELDS


HARNESS = Harness(
    name="qwen",
    title="Qwen Code",
    short="qw",
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
