"""Formats of the field for what passed the gate; importing this makes them known to `tracetui.capsule.export`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from tracetui.capsule.export import FORMATS, Redacted
from tracetui.dataset.formats import agent_trace, atif, chat, commons, harbor, page, transitions

__all__ = ["FORMATS", "ROWS", "agent_trace", "atif", "chat", "commons", "harbor", "page", "transitions"]

ROWS: Final[dict[str, Callable[[Redacted], Iterable[dict[str, Any]]]]] = {
    "messages": lambda session: [row for log in session.logs if (row := chat.row_of(session, log))["messages"]],
    "trace-commons": lambda session: [commons.row_of(session)],
    "transitions": lambda session: [row for log in session.logs for row in transitions.rows_of(session, log)],
    "atif": lambda session: [atif.trajectory_of(session)],
}
"""The formats whose lines can be the rows of a dataset."""
