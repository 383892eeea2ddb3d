"""The command that resumes a session in its harness. A log names folder and id; neither is trusted."""

from __future__ import annotations

import shlex
import unicodedata
from collections.abc import Callable
from typing import NamedTuple

from tracetui.model import LogFacts, SessionRow, TracetuiError

__all__ = ["Resume", "resume_of"]


class Resume(NamedTuple):
    """``argv`` is run in ``cwd``; ``shell`` is the same as one line for a shell."""

    argv: list[str]
    cwd: str | None

    @property
    def shell(self) -> str:
        command = shlex.join(self.argv)
        return f"cd {shlex.quote(self.cwd)} && {command}" if self.cwd else command


def _check(text: str, what: str) -> None:
    """Raise `TracetuiError` for text that could be more than it looks."""
    if any(unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for char in text):
        raise TracetuiError(f"No resume command: the session's {what} holds control characters.")
    if text.startswith("-"):
        raise TracetuiError(f"No resume command: the session's {what} begins with a dash.")


def resume_of(session: SessionRow, facts: LogFacts, command: Callable[[LogFacts], list[str]]) -> Resume:
    """The command for a session; ``command`` is its harness's. Raises `TracetuiError` where there is none."""
    if session.foreign:
        raise TracetuiError("No resume command: this session came in a capsule from somebody else.")
    if facts.agent:
        raise TracetuiError("No resume command: this is the log of a subagent.")
    _check(session.id, "id")
    _check(facts.session, "id")
    if facts.cwd:
        _check(facts.cwd, "folder")
    argv = command(facts)
    if not argv:
        raise TracetuiError(f"No resume command: {facts.harness} has none for this session.")
    return Resume(argv, facts.cwd)
