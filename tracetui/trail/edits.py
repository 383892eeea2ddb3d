"""The edits of sessions, as their logs tell them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tracetui.bucket import Bucket
from tracetui.model import LogRow, SessionRow
from tracetui.trail.hunks import Edit

__all__ = ["Coverage", "Edits"]

_KEPT = 256
"""Sessions whose edits stay in memory."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """What of a session its trail can speak of: ``edits`` (successful calls that the log describes), ``commands``
    (shell commands, whose changes to files no log describes) and ``silent`` (edit calls without any text)."""

    edits: int
    commands: int
    silent: int


class Edits:
    """Reads edits from a bucket, each session once."""

    def __init__(self, bucket: Bucket) -> None:
        self.bucket = bucket
        self._read: dict[tuple[str, str], tuple[int, list[Edit], Coverage]] = {}

    def of(self, session: SessionRow) -> list[Edit]:
        """The edits of a session's successful calls: main log, subagents, every part."""
        return self._of(session)[1]

    def all(self, sessions: Iterable[SessionRow]) -> list[Edit]:
        """The edits of several sessions."""
        return [edit for session in sessions for edit in self.of(session)]

    def coverage(self, session: SessionRow) -> Coverage:
        """What the log tells of the changes that the session made."""
        return self._of(session)[2]

    def logs(self, session: SessionRow) -> list[LogRow]:
        """The logs of a session that count."""
        return [log for log in self.bucket.logs(session.id, session.harness) if log.shown]

    def _of(self, session: SessionRow) -> tuple[int, list[Edit], Coverage]:
        key = (session.harness, session.id)
        found = self._read.get(key)
        if found is not None and found[0] == session.bytes:
            return found
        edits: list[Edit] = []
        commands = silent = 0
        for log in self.logs(session):
            own, ran, mute = self._of_log(session, log)
            edits += own
            commands += ran
            silent += mute
        made = len({(edit.part, edit.agent, edit.step) for edit in edits})
        self._read[key] = found = (session.bytes, edits, Coverage(made, commands, silent))
        if len(self._read) > _KEPT:
            self._read.pop(next(iter(self._read)))
        return found

    def _of_log(self, session: SessionRow, log: LogRow) -> tuple[list[Edit], int, int]:
        from tracetui.harness import HARNESSES

        harness = HARNESSES.get(log.harness)
        edits: list[Edit] = []
        commands = silent = 0
        cwd, branch = log.facts.cwd or session.cwd, log.facts.branch or session.branch
        for row in self.bucket.step_rows(log) if harness is not None else ():
            if row.double:
                continue
            if row.kind == "command":
                commands += not row.failed
            if row.kind != "edit" or harness is None:
                continue
            step = self.bucket.step(log, row.number)
            changes = harness.edits(step, self.bucket.records_of(log, step.sources))
            silent += not changes and not step.failed
            tool = step.tool
            call, name = (tool.call_id, tool.name) if tool is not None else (None, "")
            edits += [
                Edit(session.id, log.agent, step.number, call, name, step.time, change, cwd, branch, log.part)
                for change in changes
            ]
        return edits, commands, silent
