"""What Claude Code keeps beside its logs: its settings, which say when it deletes them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import orjson

from tracetui.harness.base import Retention
from tracetui.harness.opening import open_log

__all__ = ["folder", "retention"]

_DAYS: Final = 30.0
"""What Claude Code does without a setting."""
_SETTING: Final = "cleanupPeriodDays"
_SETTINGS_MAX: Final = 4 * 1024 * 1024


def folder(environ: Mapping[str, str], home: Path) -> Path:
    """Where it keeps settings and logs."""
    named = environ.get("CLAUDE_CONFIG_DIR")
    return Path(named) if named else home / ".claude"


def retention(environ: Mapping[str, str], home: Path) -> Retention:
    """After how many days a log that was not written to is deleted, at the next start: ``cleanupPeriodDays`` of the
    user's settings, 30 where they do not say. 0 is what older versions took for "keep nothing"."""
    path = folder(environ, home) / "settings.json"
    try:
        with open_log(path) as stream:
            settings = orjson.loads(stream.read(_SETTINGS_MAX))
    except (OSError, orjson.JSONDecodeError):
        return Retention(_DAYS, path, _SETTING)
    days = settings.get(_SETTING) if isinstance(settings, dict) else None
    if isinstance(days, bool) or not isinstance(days, int | float) or not math.isfinite(days) or days < 0:
        days = _DAYS
    return Retention(float(days), path, _SETTING)
