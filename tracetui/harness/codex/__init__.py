"""Codex (OpenAI): rollout logs from 2025-05 on."""

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
    from tracetui.harness.inheritance import Inherited
    from tracetui.harness.native import NativeRules
    from tracetui.harness.sharing import Sharing
    from tracetui.model import Record, Step

__all__ = ["HARNESS"]

_ENVELOPE: Final = frozenset(
    """session_meta response_item event_msg turn_context compacted world_state inter_agent_communication
    inter_agent_communication_metadata token_usage_record""".split()
)
_BARE: Final = frozenset(
    """function_call function_call_output custom_tool_call custom_tool_call_output local_shell_call
    local_shell_call_output reasoning""".split()
)
_FOREIGN: Final = frozenset({"message", "parentId", "parentUuid", "sessionId", "data", "cwd"})
_PATTERNS: Final = ("rollout-*.jsonl", "rollout-*.jsonl.zst")


def _detect(head: Sequence[Mapping[str, Any]]) -> bool:
    """Codex's envelope, or its bare items and header of 2025 (no ``type``, ``instructions`` beside an id)."""
    for record in head:
        kind = record.get("type")
        kind = kind if isinstance(kind, str) or kind is None else ""
        if isinstance(record.get("payload"), dict):
            if kind in _ENVELOPE:
                return True
        elif kind is None:
            if "record_type" in record:
                return True
            if isinstance(record.get("id"), str) and "instructions" in record and "timestamp" in record:
                return True
        elif kind in _ENVELOPE or not kind or _FOREIGN & record.keys():
            return False
        elif kind == "message":
            return "role" in record and "content" in record
        elif kind in _BARE:
            return True
    return False


def _roots(environ: Mapping[str, str], home: Path) -> Iterable[Root]:
    base = Path(environ["CODEX_HOME"]) if environ.get("CODEX_HOME") else home / ".codex"
    return [Root(base / name, _PATTERNS) for name in ("sessions", "archived_sessions")]


def _resume(facts: LogFacts) -> list[str]:
    return ["codex", "resume", facts.session]


def _reader(stem: str, state: bytes | None = None) -> Reader:
    from tracetui.harness.codex.reader import CodexReader

    return CodexReader(stem, state)


def _edits(step: Step, records: Sequence[Record]) -> list[FileEdit]:
    from tracetui.harness.codex.edits import edits

    return edits(step, records)


def _rules() -> ContextRules:
    from tracetui.harness.codex.context import RULES

    return RULES


def _sharing() -> Sharing:
    from tracetui.harness.codex.sharing import SHARING

    return SHARING


def _fields() -> Fields:
    from tracetui.harness.codex.fields import FIELDS

    return FIELDS


def _native() -> NativeRules:
    from tracetui.harness.codex.native import NATIVE

    return NATIVE


def _inherits(agent: str | None, head: Sequence[Record]) -> Inherited | None:
    from tracetui.harness.codex.inheritance import inherits

    return inherits(agent, head)


def _titles(environ: Mapping[str, str], home: Path) -> Mapping[str, str]:
    from tracetui.harness.codex.side import titles

    return titles(environ, home)


HARNESS: Final = Harness(
    name="codex",
    title="Codex",
    detect=_detect,
    reader=_reader,
    roots=_roots,
    resume=_resume,
    edits=_edits,
    short="cx",
    sharing=_sharing,
    fields=_fields,
    rules=_rules,
    native=_native,
    inherits=_inherits,
    titles=_titles,
)
