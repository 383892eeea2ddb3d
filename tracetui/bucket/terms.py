"""The parsed form of the query line that lists, search and the app share. ``query.parse`` makes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["FIELDS", "HAS", "IS", "SURVIVAL", "Query"]

FIELDS: Final[dict[str, str]] = {
    "harness": "claude, codex, pi",
    "project": "a folder, or part of its name",
    "since": "7d, 12h, today, 2026-05-01",
    "until": "7d, 12h, yesterday, 2026-05-31 (that day included)",
    "model": "part of a model's name",
    "kind": "kind of step: prompt, edit, command",
    "has": "error, edit, findings, subagent",
    "is": "bookmarked, unread, gone, headless",
    "survival": "what became of an edit: alive, transformed, reverted, lost, pending, unknown",
    "branch": "part of a branch's name",
    "id": "the start of a session id",
    "title": "part of the title",
}
"""The typed terms, with a hint each."""

HAS: Final[dict[str, str]] = {
    "error": "a step that failed",
    "edit": "an edit of a file",
    "findings": "open findings",
    "subagent": "subagents",
    "bookmark": "a bookmark",
    "note": "a note",
    "cost": "a cost stated by its log",
    "survival": "a judged trail",
    "branch": "a branch",
    "repo": "a repository",
}
"""Values of ``has:``; all speak of the session as a whole, subagents included."""

SURVIVAL: Final[dict[str, str]] = {
    "alive": "committed, and stands as it was written",
    "transformed": "committed, and stands changed",
    "reverted": "committed, and undone",
    "lost": "committed and gone, or never committed and gone",
    "pending": "not committed yet",
    "unknown": "Git cannot tell",
}
"""Values of ``survival:``; a session matches that has such a hunk, as far as its trail was worked out."""

IS: Final[dict[str, str]] = {
    "bookmarked": "marked by you",
    "unread": "not opened since it grew",
    "gone": "deleted by its harness, kept here",
    "empty": "without a step that tells",
    "headless": "a print-mode or SDK run",
    "warmup": "started by the harness itself",
    "subagent": "the work of another session",
    "folded": "any of the four before",
    "forked": "continues another session",
    "foreign": "from a capsule",
    "archived": "put away by you",
    "in-review": "redaction begun, findings open",
}
"""Values of ``is:``; of the session as a whole."""


@dataclass(frozen=True, slots=True)
class Query:
    """What to look for. Values of one field are alternatives, except ``has`` and ``is_``, which must all hold; the
    fields must all hold; nothing of ``not_words``, ``not_phrases`` and ``excluded`` may.

    ``words``, ``phrases`` and their negations speak of a step's text and are kept as typed, without quotes; the last of
    ``words`` is also a prefix. ``kinds`` speaks of steps (a session matches if it has such a step). ``project`` values
    that begin with ``/`` are absolute folders. ``since`` and ``until`` are milliseconds since the epoch, a half-open
    range: a step matches by its time, a session if any of its span lies inside. ``excluded`` holds (field, value) pairs
    of negated typed terms, by the names in ``FIELDS``.
    """

    words: tuple[str, ...] = ()
    phrases: tuple[str, ...] = ()
    not_words: tuple[str, ...] = ()
    not_phrases: tuple[str, ...] = ()
    harness: tuple[str, ...] = ()
    project: tuple[str, ...] = ()
    model: tuple[str, ...] = ()
    branch: tuple[str, ...] = ()
    id: tuple[str, ...] = ()
    title: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    has: tuple[str, ...] = ()
    is_: tuple[str, ...] = ()
    survival: tuple[str, ...] = ()
    since: int | None = None
    until: int | None = None
    excluded: tuple[tuple[str, str], ...] = ()

    @property
    def text(self) -> bool:
        """Whether it asks for words or phrases, so that the text of steps must be searched."""
        return bool(self.words or self.phrases or self.not_words or self.not_phrases)

    @property
    def empty(self) -> bool:
        """Whether everything matches."""
        return self == Query()
