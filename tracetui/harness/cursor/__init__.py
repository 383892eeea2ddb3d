"""Cursor's agent transcripts: ``~/.cursor/projects/PROJECT/agent-transcripts/``, a JSON object a line.

They hold neither times nor models, and results of calls only in newer versions; what the model saw beside them is not
told, so there is no ctx. Which record becomes which step is told in ``docs/steps.md``, the format in
``docs/formats/cursor.md``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tracetui.harness.base import Harness, Root
from tracetui.model import LogFacts

if TYPE_CHECKING:
    from tracetui.harness.base import FileEdit, Reader
    from tracetui.harness.fields import Fields
    from tracetui.harness.sharing import Sharing
    from tracetui.model import Record, Step

__all__ = ["HARNESS"]

_KEYS: Final = frozenset({"role", "message", "timestamp", "id"})


def detect(head: Sequence[Mapping[str, Any]]) -> bool:
    """Whether these are records with a role and a message of blocks, and with nothing that others put beside them."""
    found = False
    for record in head:
        message = record.get("message")
        if "role" not in record or not isinstance(message, Mapping) or not record.keys() <= _KEYS:
            return False
        found = found or isinstance(message.get("content"), list)
    return found


def _roots(environ: Mapping[str, str], home: Path) -> Iterable[Root]:
    named = environ.get("CURSOR_CONFIG_DIR")
    yield Root((Path(named) if named else home / ".cursor") / "projects", ("*.jsonl",), depth=4)


def _resume(facts: LogFacts) -> list[str]:
    return ["cursor-agent", "--resume", facts.session]


def _reader(stem: str, state: bytes | None = None) -> Reader:
    from tracetui.harness.cursor.reader import CursorReader

    return CursorReader(stem, state)


def _edits(step: Step, records: Sequence[Record]) -> list[FileEdit]:
    from tracetui.harness.cursor.reader import edits

    return edits(step, records)


def _sharing() -> Sharing:
    from tracetui.harness.cursor.sharing import SHARING

    return SHARING


def _fields() -> Fields:
    from tracetui.harness.cursor.sharing import FIELDS

    return FIELDS


HARNESS = Harness(
    name="cursor",
    title="Cursor",
    short="cu",
    detect=detect,
    reader=_reader,
    roots=_roots,
    resume=_resume,
    edits=_edits,
    sharing=_sharing,
    fields=_fields,
)
