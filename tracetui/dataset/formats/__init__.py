"""Formats of the field for what passed the gate; importing this makes them known to `tracetui.capsule.export`."""

from __future__ import annotations

from tracetui.capsule.export import FORMATS
from tracetui.dataset.formats import agent_trace, atif, chat, commons, transitions

__all__ = ["FORMATS", "agent_trace", "atif", "chat", "commons", "transitions"]
