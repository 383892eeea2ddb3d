"""Cline and Roo Code: a folder per task in the editor's storage, with the conversation as it was sent.

Which record becomes which step is told in ``docs/steps.md``, the format in ``docs/formats/cline.md``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tracetui.harness.base import Harness, Root
from tracetui.harness.cline.records import TASK, task_stamp
from tracetui.model import LogFacts

if TYPE_CHECKING:
    from tracetui.harness.base import FileEdit, Reader
    from tracetui.harness.fields import Fields
    from tracetui.harness.sharing import Sharing
    from tracetui.model import Record, Step

__all__ = ["HARNESS"]

_EDITORS: Final = ("Code", "Code - Insiders", "VSCodium", "Cursor", "Windsurf")
_EXTENSIONS: Final = ("saoudrizwan.claude-dev", "rooveterinaryinc.roo-cline", "kilocode.kilo-code")
_FILES: Final = ("api_conversation_history.json",)


def detect(head: Sequence[Mapping[str, Any]]) -> bool:
    """Whether these are records as ``records`` makes them of a task."""
    return any(record.get("type") in ("cline.task", "cline.message") for record in head)


def _roots(environ: Mapping[str, str], home: Path) -> Iterable[Root]:
    """The editors' storage on Linux and on macOS, that of a remote host, and that of Cline without an editor."""
    named = environ.get("XDG_CONFIG_HOME")
    places = [Path(named) if named else home / ".config", home / "Library" / "Application Support"]
    stores = [place / editor / "User" for place in places for editor in _EDITORS]
    stores += [home / server / "data" / "User" for server in (".vscode-server", ".cursor-server")]
    for store in stores:
        for extension in _EXTENSIONS:
            yield Root(store / "globalStorage" / extension / "tasks", _FILES, depth=1, stamp=task_stamp)
    own = environ.get("CLINE_DIR")
    yield Root((Path(own) if own else home / ".cline") / "data" / "tasks", _FILES, depth=1, stamp=task_stamp)


def _resume(facts: LogFacts) -> list[str]:
    return ["cline", "task", "open", facts.session]


def _reader(stem: str, state: bytes | None = None) -> Reader:
    from tracetui.harness.cline.reader import ClineReader

    return ClineReader(stem, state)


def _edits(step: Step, records: Sequence[Record]) -> list[FileEdit]:
    from tracetui.harness.cline.reader import edits

    return edits(step, records)


def _record_id(value: Mapping[str, Any]) -> str | None:
    return TASK.key(value) or None


def _sharing() -> Sharing:
    from tracetui.harness.cline.sharing import SHARING

    return SHARING


def _fields() -> Fields:
    from tracetui.harness.cline.sharing import FIELDS

    return FIELDS


HARNESS = Harness(
    name="cline",
    title="Cline",
    short="cl",
    detect=detect,
    reader=_reader,
    roots=_roots,
    resume=_resume,
    edits=_edits,
    sources=(TASK,),
    sharing=_sharing,
    fields=_fields,
    record_id=_record_id,
)
