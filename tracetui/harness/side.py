"""What harnesses keep beside their logs and tracetui reads on the way: titles, and when logs are deleted."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

__all__ = ["deleted_at", "retention_days", "side_titles"]

_DAY_MS: Final = 86_400_000


def side_titles(environ: Mapping[str, str], home: Path) -> dict[str, Mapping[str, str]]:
    """By harness, the titles by session id that it keeps apart from its logs."""
    from tracetui.harness import HARNESSES

    return {item.name: item.titles(environ, home) for item in HARNESSES.values() if item.titles is not None}


def retention_days(environ: Mapping[str, str], home: Path) -> dict[str, float]:
    """By harness that deletes its own logs, the days after which it does."""
    from tracetui.harness import HARNESSES

    return {item.name: item.retention(environ, home).days for item in HARNESSES.values() if item.retention is not None}


def deleted_at(mtime_ns: int, days: float) -> int:
    """When a log last written at ``mtime_ns`` is due for deletion, in milliseconds since the epoch.

    Harnesses sweep at their own start and go by the file's modification time.
    """
    return mtime_ns // 1_000_000 + round(days * _DAY_MS)
