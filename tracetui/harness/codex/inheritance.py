"""Paginated threads of Codex, which name the history that they go on from instead of repeating it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from tracetui.harness.inheritance import Inherited
from tracetui.model import Record

__all__ = ["inherits"]


def inherits(agent: str | None, head: Sequence[Record]) -> Inherited | None:
    """The thread of ``history_base``, as far as the ordinal (else the byte) at which this one goes on."""
    meta: Any = next((r.value.get("payload") for r in head if r.value.get("type") == "session_meta"), None)
    base = meta.get("history_base") if isinstance(meta, dict) else None
    thread = base.get("thread_id") if isinstance(base, dict) else None
    if not isinstance(base, dict) or not isinstance(thread, str) or not thread:
        return None
    ordinal, offset = base.get("end_ordinal_exclusive"), base.get("end_byte_offset")

    def end(record: Record) -> Literal["on", "last", "before"]:
        own = record.value.get("ordinal")
        if type(ordinal) is int and type(own) is int:
            return "before" if own >= ordinal else "on"
        return "before" if type(offset) is int and record.source.offset >= offset else "on"

    return Inherited(thread, end)
