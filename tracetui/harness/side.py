"""What harnesses keep beside their logs and tracetui reads on the way: titles, and when logs are deleted."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import orjson

from tracetui.harness.lines import records_of
from tracetui.harness.opening import open_log
from tracetui.model import Record

__all__ = ["RETENTION_DAYS", "deleted_at", "retention", "side_titles"]

RETENTION_DAYS: Final = 30.0
"""What Claude Code does without a setting."""
_SETTINGS_MAX: Final = 4 * 1024 * 1024
_DAY_MS: Final = 86_400_000


def _folder(environ: Mapping[str, str], variable: str, home: Path, default: str) -> Path:
    named = environ.get(variable)
    return Path(named) if named else home / default


def side_titles(environ: Mapping[str, str], home: Path) -> dict[str, str]:
    """Titles by session id that Codex keeps apart from its logs, in ``session_index.jsonl``; the last one wins.

    Empty where there is no such file or it cannot be read.
    """
    titles: dict[str, str] = {}
    try:
        with open_log(_folder(environ, "CODEX_HOME", home, ".codex") / "session_index.jsonl") as stream:
            for item in records_of(stream):
                if not isinstance(item, Record):
                    continue
                name, title = item.value.get("id"), item.value.get("thread_name")
                if isinstance(name, str) and isinstance(title, str) and title.strip():
                    titles[name] = title.strip()
    except OSError:
        pass
    return titles


def retention(environ: Mapping[str, str], home: Path) -> float:
    """Days after which Claude Code deletes a log that was not written to: ``cleanupPeriodDays`` of its user settings,
    30 where they do not say. 0 is what older versions took for "keep nothing"."""
    try:
        with open_log(_folder(environ, "CLAUDE_CONFIG_DIR", home, ".claude") / "settings.json") as stream:
            settings = orjson.loads(stream.read(_SETTINGS_MAX))
    except (OSError, orjson.JSONDecodeError):
        return RETENTION_DAYS
    days = settings.get("cleanupPeriodDays") if isinstance(settings, dict) else None
    if isinstance(days, bool) or not isinstance(days, int | float) or not math.isfinite(days) or days < 0:
        return RETENTION_DAYS
    return float(days)


def deleted_at(mtime_ns: int, days: float) -> int:
    """When a log last written at ``mtime_ns`` is due for deletion, in milliseconds since the epoch.

    Claude Code sweeps at its own start and goes by the file's modification time.
    """
    return mtime_ns // 1_000_000 + round(days * _DAY_MS)
