"""OpenCode and Kilo, which grew out of it: its database, the older tree of JSON files, exported sessions.

Which record becomes which step is told in ``docs/steps.md``, the format in ``docs/formats/opencode.md``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tracetui.harness.base import Harness, Root
from tracetui.harness.opencode.records import DATABASE, EXPORT, TREE, tree_stamp
from tracetui.model import LogFacts

if TYPE_CHECKING:
    from tracetui.harness.base import FileEdit, Reader
    from tracetui.harness.context import ContextRules
    from tracetui.harness.fields import Fields
    from tracetui.harness.sharing import Sharing
    from tracetui.model import Record, Step

__all__ = ["HARNESS"]

_APPS: Final = ("opencode", "kilo")
_TYPES: Final = frozenset({"session.updated", "message.updated", "message.part.updated"})


def detect(head: Sequence[Mapping[str, Any]]) -> bool:
    """Whether these are records as ``records`` makes them of a database, a tree or an export: OpenCode's own events."""
    for record in head:
        inner = record.get("properties")
        if record.get("type") in _TYPES and isinstance(inner, Mapping):
            value = inner.get("info", inner.get("part"))
            if isinstance(value, Mapping) and isinstance(value.get("id"), str):
                return True
    return False


def _roots(environ: Mapping[str, str], home: Path) -> Iterable[Root]:
    """The data folder is the same on every system: OpenCode goes by the XDG variables also on macOS."""
    named = environ.get("XDG_DATA_HOME")
    share = Path(named) if named else home / ".local" / "share"
    for app in _APPS:
        data = share / app
        yield Root(data, (f"{app}.db", f"{app}-*.db"), depth=0)
        yield Root(data / "storage" / "session", ("ses_*.json",), depth=2, stamp=tree_stamp)
    own = environ.get("OPENCODE_DB")
    if own and own != ":memory:":
        yield Root(share / "opencode" / own, ())
    yield Root(share / "opencode" / "project", ("ses_*.json",), depth=4, stamp=tree_stamp)


def _resume(facts: LogFacts) -> list[str]:
    return ["opencode", "--session", facts.session]


def _reader(stem: str, state: bytes | None = None) -> Reader:
    from tracetui.harness.opencode.reader import OpenCodeReader

    return OpenCodeReader(stem, state)


def _edits(step: Step, records: Sequence[Record]) -> list[FileEdit]:
    from tracetui.harness.opencode.edits import edits

    return edits(step, records)


def _record_id(value: Mapping[str, Any]) -> str | None:
    return DATABASE.key(value) or None


def _rules() -> ContextRules:
    from tracetui.harness.opencode.context import RULES

    return RULES


def _sharing() -> Sharing:
    from tracetui.harness.opencode.sharing import SHARING

    return SHARING


def _fields() -> Fields:
    from tracetui.harness.opencode.fields import FIELDS

    return FIELDS


HARNESS = Harness(
    name="opencode",
    title="OpenCode",
    short="oc",
    detect=detect,
    reader=_reader,
    roots=_roots,
    resume=_resume,
    edits=_edits,
    sources=(DATABASE, EXPORT, TREE),
    sharing=_sharing,
    fields=_fields,
    record_id=_record_id,
    rules=_rules,
)
