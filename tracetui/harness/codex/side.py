"""What Codex keeps beside its logs: the titles of threads."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tracetui.harness.lines import records_of
from tracetui.harness.opening import open_log
from tracetui.model import Record

__all__ = ["folder", "titles"]


def folder(environ: Mapping[str, str], home: Path) -> Path:
    """Where it keeps settings and logs."""
    named = environ.get("CODEX_HOME")
    return Path(named) if named else home / ".codex"


def titles(environ: Mapping[str, str], home: Path) -> dict[str, str]:
    """Titles by session id, of ``session_index.jsonl``; the last one wins. Empty where there is no such file or it
    cannot be read."""
    found: dict[str, str] = {}
    try:
        with open_log(folder(environ, home) / "session_index.jsonl") as stream:
            for item in records_of(stream):
                if not isinstance(item, Record):
                    continue
                name, title = item.value.get("id"), item.value.get("thread_name")
                if isinstance(name, str) and isinstance(title, str) and title.strip():
                    found[name] = title.strip()
    except OSError:
        pass
    return found
