"""Pi (``pi-coding-agent``), formats 1 to 3 and 1.x, and OpenClaw, which writes the same format.

Which record becomes which step is told in ``docs/steps.md``.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson

from tracetui.harness.base import Harness, Root
from tracetui.harness.opening import open_log
from tracetui.harness.pi.detect import detect
from tracetui.model import LogFacts

if TYPE_CHECKING:
    from tracetui.harness.base import FileEdit, Reader
    from tracetui.harness.context import ContextRules
    from tracetui.harness.fields import Fields
    from tracetui.harness.native import NativeRules
    from tracetui.harness.sharing import Sharing
    from tracetui.model import Record, Step

__all__ = ["HARNESS"]

_PATTERNS: Final = ("*.jsonl",)
_CLAW_PATTERNS: Final = ("*.jsonl", "*.jsonl.reset.*", "*.jsonl.deleted.*")
_SETTINGS_MAX: Final = 1024 * 1024


def _folder(named: str, home: Path) -> Path:
    return home / named[1:].lstrip("/") if named == "~" or named.startswith("~/") else Path(named)


def _set_in_settings(agent: Path, home: Path) -> Path | None:
    """The session folder that Pi's own settings name; relative ones belong to projects and are not known here."""
    try:
        with open_log(agent / "settings.json") as stream:
            settings = orjson.loads(stream.read(_SETTINGS_MAX))
    except (OSError, orjson.JSONDecodeError):
        return None
    named = settings.get("sessionDir") if isinstance(settings, dict) else None
    if not isinstance(named, str) or "\0" in named:
        return None
    folder = _folder(named, home)
    return folder if folder.is_absolute() else None


def _roots(environ: Mapping[str, str], home: Path) -> Iterable[Root]:
    sessions = environ.get("PI_CODING_AGENT_SESSION_DIR")
    agent = environ.get("PI_CODING_AGENT_DIR")
    if sessions:
        yield Root(_folder(sessions, home), _PATTERNS)
    else:
        own = _folder(agent, home) if agent else home / ".pi" / "agent"
        yield Root(own / "sessions", _PATTERNS)
        named = _set_in_settings(own, home)
        if named is not None:
            yield Root(named, _PATTERNS)
    state = environ.get("OPENCLAW_STATE_DIR")
    claw = (_folder(state, home) if state else home / ".openclaw") / "agents"
    try:
        with os.scandir(claw) as scan:
            names = sorted(entry.name for entry in scan if entry.is_dir(follow_symlinks=False))
    except OSError:
        return
    for name in names:
        yield Root(claw / name / "sessions", _CLAW_PATTERNS)


def _record_id(value: Mapping[str, Any]) -> str | None:
    ident = value.get("id")
    return ident if isinstance(ident, str) and ident else None


def _resume(facts: LogFacts) -> list[str]:
    return ["pi", "--session", facts.session]


def _reader(stem: str, state: bytes | None = None) -> Reader:
    from tracetui.harness.pi.reader import PiReader

    return PiReader(stem, state)


def _edits(step: Step, records: Sequence[Record]) -> list[FileEdit]:
    from tracetui.harness.pi.edits import edits

    return edits(step, records)


def _rules() -> ContextRules:
    from tracetui.harness.pi.context import RULES

    return RULES


def _sharing() -> Sharing:
    from tracetui.harness.pi.sharing import SHARING

    return SHARING


def _fields() -> Fields:
    from tracetui.harness.pi.fields import FIELDS

    return FIELDS


def _native() -> NativeRules:
    from tracetui.harness.pi.native import NATIVE

    return NATIVE


HARNESS = Harness(
    name="pi",
    title="Pi",
    detect=detect,
    reader=_reader,
    roots=_roots,
    resume=_resume,
    edits=_edits,
    short="pi",
    sharing=_sharing,
    fields=_fields,
    record_id=_record_id,
    rules=_rules,
    native=_native,
)
