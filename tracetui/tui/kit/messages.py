"""What panes tell whoever is interested, in their own feature or another."""

from __future__ import annotations

from textual.message import Message

from tracetui.model import SessionRow, StepRow

__all__ = [
    "FindingsChanged",
    "SessionEntered",
    "SessionRested",
    "SessionsLoaded",
    "SessionsSorted",
    "StepEntered",
    "StepRested",
    "WorkspaceReady",
]


class WorkspaceReady(Message):
    """The first frame of the main screen stands."""


class SessionRested(Message):
    """The cursor rests on a session (None: on nothing)."""

    def __init__(self, session: SessionRow | None) -> None:
        super().__init__()
        self.session = session


class SessionEntered(SessionRested):
    """The user goes into a session."""


class SessionsSorted(Message):
    """The list of sessions is in another order."""


class SessionsLoaded(Message):
    """The list of sessions was read again; ``error`` is what is wrong with the query."""

    def __init__(self, shown: int, total: int, error: str | None) -> None:
        super().__init__()
        self.shown = shown
        self.total = total
        self.error = error


class StepRested(Message):
    """The cursor rests on a step of ``session`` (None: on nothing)."""

    def __init__(self, session: SessionRow | None, step: StepRow | None) -> None:
        super().__init__()
        self.session = session
        self.step = step


class StepEntered(StepRested):
    """The user goes into a step."""


class FindingsChanged(Message):
    """Another session is shown in the timeline, or its findings were decided about otherwise."""

    bubble = False
