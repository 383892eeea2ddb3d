"""Telling the history that a fork or a subagent repeats from its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tracetui.model import from_iso

__all__ = ["ReplayFilter", "born"]


def born(identity: object) -> int | None:
    """Milliseconds since the epoch at which a UUIDv7 was made; None for any other id."""
    if not isinstance(identity, str) or len(identity) != 36 or identity[14] != "7":
        return None
    try:
        return int(identity[:8] + identity[9:13], 16)
    except ValueError:
        return None


_SPAWNED: Final = "You are the newly spawned agent."
_GAP: Final = 1000


class ReplayFilter:
    """Tells the parent's records that a fork or a subagent's log repeats from its own.

    In order of trust: an ordinal below ``subagent_history_start_ordinal``; a turn that began before this thread was
    made; a time before that; and, once another thread's ``session_meta`` was repeated, everything that was written in
    the same burst (no second of rest in it). ``mode`` is 0 (all is own), 1 (perhaps) or 2 (inside repeated history).
    """

    def __init__(self, state: list[Any] | None = None) -> None:
        self.mode: int
        self.below: int | None
        self.made: int | None
        self.last: int | None
        self.mode, self.below, self.made, self.last = state or [0, None, None, None]

    @property
    def active(self) -> bool:
        """Whether a record can be a repeated one at all."""
        return self.mode != 0 or self.below is not None

    def dump(self) -> list[Any]:
        return [self.mode, self.below, self.made, self.last]

    def begin(self, meta: Mapping[str, Any], time: int | None, related: bool) -> None:
        """The thread's own ``session_meta``; ``related``: it names a parent or a fork."""
        below = meta.get("subagent_history_start_ordinal")
        self.below = below if type(below) is int else None
        made = from_iso(meta.get("timestamp"))
        self.made = made if made is not None else born(meta.get("id")) or time
        self.mode = 1 if related and self.below is None and meta.get("history_base") is None else 0

    def foreign(self, time: int | None) -> None:
        """Another thread's ``session_meta`` before anything of this one."""
        self.mode, self.last = 2, time

    def own(self) -> None:
        """This thread's ``session_meta`` again."""
        self.mode = 0

    def inherited(self, record: Mapping[str, Any], payload: Mapping[str, Any], time: int | None) -> bool:
        """Whether a record is a repeated one; call it for every record after the first ``session_meta``, in order."""
        if self.below is not None:
            ordinal = record.get("ordinal")
            if type(ordinal) is int:
                return ordinal < self.below
        if self.mode == 0:
            return False
        kind = payload.get("type")
        if record.get("type") == "turn_context" or kind in ("task_started", "turn_started"):
            began = born(payload.get("turn_id"))
            if began is None and type(payload.get("started_at")) is int:
                began = payload["started_at"] * 1000 + 999
            if began is not None and self.made is not None:
                self.mode, self.last = (0, None) if began >= self.made else (2, time)
                return self.mode == 2
        if kind == "function_call_output" and self.mode == 2:
            output = payload.get("output")
            if isinstance(output, str) and output.startswith(_SPAWNED):
                self.mode = 0
                return True
        if time is not None and self.made is not None and time < self.made:
            self.mode, self.last = 2, time
            return True
        if self.mode == 1:
            return False
        if time is not None:
            last = self.last
            if last is not None and (time - last > _GAP or (self.made is not None and last < self.made)):
                self.mode = 0
                return False
            self.last = time
        return True
