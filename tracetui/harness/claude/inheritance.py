"""Subagents of Claude Code that go on from the conversation of their parent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from tracetui.harness.inheritance import Inherited
from tracetui.model import Record

__all__ = ["inherits"]


def inherits(agent: str | None, head: Sequence[Record]) -> Inherited | None:
    """The parent's conversation as far as the record that the subagent's first one names."""
    if agent is None:
        return None
    named = next((record.value.get("parentUuid") for record in head if "uuid" in record.value), None)
    if not isinstance(named, str) or not named:
        return None

    def end(record: Record) -> Literal["on", "last", "before"]:
        return "last" if record.value.get("uuid") == named else "on"

    return Inherited(None, end, must_end=True)
