"""The state of a hunk, as it is printed and kept."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from tracetui.model import Survival
from tracetui.trail.hunks import Hunk

__all__ = ["HunkState", "pairs"]


@dataclass(frozen=True, slots=True)
class HunkState:
    """A hunk and its state: the keys of ``trail --json``. ``counted`` is false for a pair of edits that undo each
    other within a session; ``flag`` is ``worktree_removed`` for text that is gone in the work tree only; ``lines`` are
    the (path, 1-based line) places at REV that are left of it."""

    session: str
    agent: str | None
    step: int
    call_id: str | None
    hunk: int
    path: str
    tool: str
    added: int
    removed: int
    state: Survival
    reason: str
    retention: float | None = None
    landing: str | None = None
    commits: tuple[str, ...] = ()
    killer: str | None = None
    key: str = ""
    time: int = 0
    flag: str | None = None
    counted: bool = True
    at_path: str | None = None
    lines: tuple[tuple[str, int], ...] = ()
    depends: tuple[str, ...] = ()
    part: int = 1

    @property
    def shown(self) -> str:
        """The state by the word that is on screen: ``undone`` where the edit only put back what was there before."""
        return "undone" if self.reason == "restores_base" else self.state

    def json(self) -> dict[str, Any]:
        """The object that ``trail --json`` prints."""
        return {
            "session": self.session,
            "agent": self.agent,
            "step": self.step,
            "call_id": self.call_id,
            "hunk": self.hunk,
            "path": self.path,
            "tool": self.tool,
            "added": self.added,
            "removed": self.removed,
            "state": self.state,
            "reason": self.reason,
            "retention": self.retention,
            "landing": self.landing,
            "commits": list(self.commits),
            "killer": self.killer,
            "flag": self.flag,
            "counted": self.counted,
            "part": self.part,
        }


def pairs(states: list[HunkState], hunks: dict[str, Hunk]) -> list[HunkState]:
    """Take edits that undo each other within a session out of the totals."""
    undoers = {state.key for state in states if state.reason == "restores_base" and state.landing is None}
    out: list[HunkState] = []
    for state in states:
        hunk = hunks[state.key]
        undone = state.reason == "superseded" and any(gone.by in undoers for gone in hunk.gone)
        out.append(replace(state, counted=False) if undone or state.key in undoers else state)
    return out
