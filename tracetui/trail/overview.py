"""A repository at a glance: its sessions, branches, who wrote its lines over time, what survived, which files churn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, Final

from tracetui.model import SessionRow
from tracetui.trail.assigned import Assigned
from tracetui.trail.judge import Judge

__all__ = ["overview"]

_MONTHS: Final = 12
_CHURN: Final = 12
_BRANCHES: Final = 12


def overview(owner: Judge, sessions: Iterable[SessionRow], assigned: Callable[[str], Assigned]) -> dict[str, Any]:
    """Facts of a repository; ``owner`` must be prepared. Per month of author time the lines that commits of HEAD's
    history added and how many of them sessions wrote; hunks per state as the bucket has them; files by touches."""
    index, reach = owner.index, owner.reach
    rows = list(sessions)
    months: dict[str, list[int]] = {}
    churn: Counter[str] = Counter()
    lines: Counter[str] = Counter()
    for idx in range(len(index.shas)):
        if not reach[idx]:
            continue
        touches = index.of_commit(idx)
        added = sum(sum(touch.added.values()) for touch in touches)
        for touch in touches:
            churn[touch.path] += 1
            lines[touch.path] += sum(touch.added.values()) + sum(touch.removed.values())
        if added:
            own = assigned(index.shas[idx]).owners
            written = sum(len(names) for found in own.values() for names in found.values())
            month = datetime.fromtimestamp(index.authored[idx], UTC).strftime("%Y-%m")
            counts = months.setdefault(month, [0, 0])
            counts[0] += added
            counts[1] += written
    survival: Counter[str] = Counter()
    for row in rows:
        survival.update(row.survival or {})
    branches = sorted(name.removeprefix("refs/heads/") for name in owner.refs if name.startswith("refs/heads/"))
    return {
        "sessions": len(rows),
        "judged": sum(row.survival is not None for row in rows),
        "last": max((row.ended or 0 for row in rows), default=0) or None,
        "survival": dict(survival),
        "branches": [_clean(name) for name in branches[:_BRANCHES]],
        "more_branches": max(0, len(branches) - _BRANCHES),
        "months": [[month, *counts] for month, counts in sorted(months.items())[-_MONTHS:]],
        "churn": [[_clean(path), count, lines[path]] for path, count in churn.most_common(_CHURN)],
    }


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
