"""Claude Code, 1.x to 2.1.x: one flat JSON object a line, under ``projects/SLUG/SESSION.jsonl``.

Which record becomes which step is told in ``docs/steps.md``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tracetui.harness.base import Harness, Root
from tracetui.harness.claude.detect import detect
from tracetui.harness.claude.progress import inner
from tracetui.model import LogFacts

if TYPE_CHECKING:
    from tracetui.harness.base import FileEdit, Reader, Retention
    from tracetui.harness.context import ContextRules
    from tracetui.harness.fields import Fields
    from tracetui.harness.inheritance import Inherited
    from tracetui.harness.native import NativeRules
    from tracetui.harness.sharing import Sharing
    from tracetui.model import Record, Step

__all__ = ["HARNESS"]


def _roots(environ: Mapping[str, str], home: Path) -> Iterable[Root]:
    named = environ.get("CLAUDE_CONFIG_DIR")
    if named:
        folders = [Path(named)]
    else:
        folders = [home / ".claude"]
        other = home / ".config" / "claude"
        if other.is_dir():
            folders.append(other)
    return [Root(folder / "projects", ("*.jsonl",)) for folder in folders]


def _record_id(value: Mapping[str, Any]) -> str | None:
    ident = value.get("uuid")
    return ident if isinstance(ident, str) and ident else None


def _resume(facts: LogFacts) -> list[str]:
    return ["claude", "--resume", facts.session]


def _reader(stem: str, state: bytes | None = None) -> Reader:
    from tracetui.harness.claude.reader import ClaudeReader

    return ClaudeReader(stem, state)


def _edits(step: Step, records: Sequence[Record]) -> list[FileEdit]:
    from tracetui.harness.claude.edits import edits

    return edits(step, records)


def _rules() -> ContextRules:
    from tracetui.harness.claude.context import RULES

    return RULES


def _sharing() -> Sharing:
    from tracetui.harness.claude.sharing import SHARING

    return SHARING


def _fields() -> Fields:
    from tracetui.harness.claude.fields import FIELDS

    return FIELDS


def _native() -> NativeRules:
    from tracetui.harness.claude.native import NATIVE

    return NATIVE


def _inherits(agent: str | None, head: Sequence[Record]) -> Inherited | None:
    from tracetui.harness.claude.inheritance import inherits

    return inherits(agent, head)


def _retention(environ: Mapping[str, str], home: Path) -> Retention:
    from tracetui.harness.claude.side import retention

    return retention(environ, home)


HARNESS = Harness(
    name="claude",
    title="Claude Code",
    detect=detect,
    reader=_reader,
    roots=_roots,
    resume=_resume,
    edits=_edits,
    short="cc",
    sharing=_sharing,
    fields=_fields,
    record_id=_record_id,
    inner=inner,
    rules=_rules,
    native=_native,
    inherits=_inherits,
    retention=_retention,
)
