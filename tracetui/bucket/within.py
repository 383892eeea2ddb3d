"""Logs that stand within others: what a parent's log alone tells of a subagent is a log of its own to the index.

Such a log has a row with ``within`` (the subagent) and no file and no copy of its own: its records are taken out of the
parent's whenever they are read, and its sources are lines of the parent's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from tracetui.model import Record, Step

if TYPE_CHECKING:
    from tracetui.harness.base import Harness, Reader

__all__ = ["InnerRun", "copy_of", "name_within", "view"]


def name_within(name: str, agent: str) -> str:
    """What such a log is called, by its parent's path or copy."""
    return f"{name}#agent-{agent}"


def copy_of(name: str) -> str:
    """The file that holds the records of a log whose row names this copy."""
    return name.partition("#")[0]


def view(records: Iterable[Record], harness: Harness, agent: str) -> Iterator[Record]:
    """The records of a subagent within those of its parent's log."""
    if harness.inner is not None:
        for record in records:
            found = harness.inner(record)
            if found is not None and found.agent == agent:
                yield found.record


class InnerRun:
    """Reading one such log while its parent's is read."""

    def __init__(self, agent: str, reader: Reader) -> None:
        self.agent = agent
        self.reader = reader
        self.records = 0
        self.steps: dict[int, Step] = {}

    def feed(self, record: Record) -> None:
        """Take one record."""
        self.records += 1
        self.reader.feed(record)
        for step in self.reader.take():
            self.steps[step.number] = step

    def hand_over(self) -> tuple[int, dict[int, Step], Any]:
        """The records and steps since the last time, and how many steps stand in all (None: not said)."""
        count = getattr(self.reader, "count", None)
        records, steps = self.records, self.steps
        self.records, self.steps = 0, {}
        return records, {n: step for n, step in steps.items() if count is None or n <= count}, count
