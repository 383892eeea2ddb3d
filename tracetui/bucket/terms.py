"""The one table of typed terms, and the parsed form of the query line that lists, search and the timeline share.

``query.parse`` makes a `Query`; ``conditions`` says in SQL what it asks; ``query_words`` says it in words. The table in
``docs/query.md`` is this one (a test compares them).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal, NamedTuple

from tracetui.model import KINDS

__all__ = ["FIELDS", "HAS", "IS", "IS_STEP", "SURVIVAL", "TERMS", "Clause", "Query", "Scope", "Term", "scope_of"]

Scope = Literal["session", "step"]
Values = Literal["fixed", "part", "folder", "start", "wild", "name", "time", "number", "span", "money", "status"]

HAS: Final[dict[str, str]] = {
    "error": "a step that failed",
    "edit": "an edit of a file",
    "findings": "open findings",
    "subagent": "subagents",
    "bookmark": "a bookmark",
    "note": "a note",
    "tag": "a tag",
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
"""Values of ``survival:``; a step matches that has such a hunk, as far as its trail was worked out."""

IS_STEP: Final[dict[str, str]] = {
    "failed": "a tool call that failed, or whose exit status is not 0",
    "ok": "a tool call that did not fail",
    "edit": "an edit of a file",
    "prompt": "a prompt",
}
"""Values of ``is:`` that speak of a step."""

IS: Final[dict[str, str]] = {
    "bookmarked": "marked by you",
    "unread": "not opened since it grew",
    "running": "written to within the last five minutes",
    "at-risk": "deleted by its harness within a week",
    "gone": "deleted by its harness, kept here",
    "archived": "put away by you",
    "in-review": "redaction begun, findings open",
    "empty": "without a step that tells",
    "headless": "a print-mode or SDK run",
    "warmup": "started by the harness itself",
    "subagent": "the work of another session",
    "folded": "any of the four before",
    "forked": "continues another session",
    "foreign": "from a capsule",
}
"""Values of ``is:`` that speak of the session as a whole."""


class Term(NamedTuple):
    """A typed term. ``values`` says how a value is read; ``hint`` is what completion shows, ``meaning`` what the manual
    says. ``both``: of several values all must hold; else one of them."""

    scope: Scope
    values: Values
    hint: str
    meaning: str
    both: bool = False


TERMS: Final[Mapping[str, Term]] = {
    "harness": Term("session", "name", "claude, codex, pi", "the program that wrote the log"),
    "project": Term("session", "folder", "a folder, or part of its name", "the folder that it worked in, or one above"),
    "since": Term("session", "time", "7d, 12h, today, 2026-05-01", "at this time or later"),
    "until": Term("session", "time", "7d, 12h, yesterday, 2026-05-31 (that day included)", "before this time"),
    "model": Term("session", "part", "part of a model's name", "the model that answered"),
    "kind": Term("step", "fixed", "kind of step: prompt, edit, command", "the kind of a step"),
    "is": Term("session", "fixed", "failed, edit, prompt; bookmarked, unread, running", "a state", both=True),
    "has": Term("session", "fixed", "error, edit, findings, subagent", "what a session has", both=True),
    "survival": Term(
        "step", "fixed", "what became of an edit: alive, transformed, reverted, lost, pending, unknown",
        "what became of a step's edit",
    ),
    "path": Term("step", "part", "part of a file's path, or tests/*.py", "a file that a step read, searched or edited"),
    "tool": Term("step", "wild", "a tool's name, or mcp__*", "the tool that a step called"),
    "exit": Term("step", "status", "0, 1, >0", "the exit status of a command"),
    "longer": Term("step", "span", "10s, 2m", "a call that took longer"),
    "tokens": Term("step", "number", ">5k, <100", "the tokens of a step's response, prompt included"),
    "agent": Term("step", "start", "main, sub, or the start of a subagent's id", "who did a step"),
    "cost": Term("session", "money", ">1, <0.50", "what a session cost, in dollars: stated, else estimated"),
    "tag": Term("session", "wild", "a tag of yours", "what you tagged", both=True),
    "repo": Term("session", "part", "part of a repository's address", "the repository that a log names"),
    "branch": Term("session", "part", "part of a branch's name", "the branch at the session's beginning"),
    "id": Term("session", "start", "the start of a session id", "the session's id"),
    "title": Term("session", "part", "part of the title", "the session's title"),
}  # fmt: skip
"""Every typed term, the most used first."""

FIELDS: Final[dict[str, str]] = {name: term.hint for name, term in TERMS.items()}
"""The typed terms, with a hint each."""

FIXED: Final[Mapping[str, tuple[str, ...]]] = {
    "kind": KINDS,
    "has": tuple(HAS),
    "is": (*IS_STEP, *IS),
    "survival": tuple(SURVIVAL),
}
"""The values of terms that take no other."""


def scope_of(field: str, value: str) -> Scope:
    """Whether a term speaks of a session or of one step."""
    return "step" if field == "is" and value in IS_STEP else TERMS[field].scope


class Clause(NamedTuple):
    """One typed term: any of ``values`` holds, or none of them where it is ``negated``."""

    field: str
    values: tuple[str, ...]
    negated: bool = False

    @property
    def scope(self) -> Scope:
        """What it speaks of."""
        return scope_of(self.field, self.values[0])


@dataclass(frozen=True, slots=True)
class Query:
    """What to look for: everything that one alternative asks, and the ``others`` (alternatives in themselves, without
    others of their own).

    ``words``, ``phrases`` and their negations speak of a step's text and are kept as typed, without quotes; the last of
    ``words`` is also a prefix; a phrase is found letter by letter, any case. All ``terms`` must hold. ``since`` and
    ``until`` are milliseconds since the epoch, a half-open range: a step matches by its time, a session if it has a
    step inside.
    """

    words: tuple[str, ...] = ()
    phrases: tuple[str, ...] = ()
    not_words: tuple[str, ...] = ()
    not_phrases: tuple[str, ...] = ()
    terms: tuple[Clause, ...] = ()
    since: int | None = None
    until: int | None = None
    others: tuple[Query, ...] = ()

    @classmethod
    def of(cls, excluded: Iterable[tuple[str, str]] = (), /, **fields: tuple[str, ...]) -> Query:
        """A query of one alternative out of values by field: the names of `TERMS`, ``words`` and so on, and pairs of
        field and value that may not hold."""
        texts = [fields.pop(name, ()) for name in ("words", "phrases", "not_words", "not_phrases")]
        terms: list[Clause] = []
        for field, values in fields.items():
            if not values:
                continue
            terms += [Clause(field, (value,)) for value in values] if TERMS[field].both else [Clause(field, values)]
        terms += [Clause(field, (value,), negated=True) for field, value in excluded]
        return cls(texts[0], texts[1], texts[2], texts[3], _ordered(terms))

    @property
    def text(self) -> bool:
        """Whether it asks for words or phrases, so that the text of steps must be searched."""
        return any(one.words or one.phrases or one.not_words or one.not_phrases for one in self.alternatives)

    @property
    def empty(self) -> bool:
        """Whether everything matches."""
        return self == Query()

    @property
    def alternatives(self) -> tuple[Query, ...]:
        """Each of them without others."""
        return (self,) if not self.others else (replace(self, others=()), *self.others)

    def values(self, field: str) -> tuple[str, ...]:
        """The values of a term that are asked for, in all alternatives together."""
        found = (term for one in self.alternatives for term in one.terms if term.field == field and not term.negated)
        return tuple(dict.fromkeys(value for term in found for value in term.values))

    @property
    def of_steps(self) -> bool:
        """Whether it asks something of single steps, by words or by terms."""
        return self.text or any(term.scope == "step" for one in self.alternatives for term in one.terms)

    def narrowed(self, other: Query) -> Query:
        """What matches this and ``other``, of which there may be one alternative only."""
        made = [_both(one, other) for one in self.alternatives]
        return made[0] if len(made) == 1 else replace(made[0], others=tuple(made[1:]))


def _both(one: Query, other: Query) -> Query:
    """What matches both, of one alternative each; the last word of ``one`` stays the last."""
    times = [value for value in (one.since, other.since) if value is not None]
    ends = [value for value in (one.until, other.until) if value is not None]
    return Query(
        (*other.words, *one.words),
        (*one.phrases, *other.phrases),
        (*one.not_words, *other.not_words),
        (*one.not_phrases, *other.not_phrases),
        _ordered((*one.terms, *other.terms)),
        max(times) if times else None,
        min(ends) if ends else None,
    )


_ORDER: Final = {name: nth for nth, name in enumerate(TERMS)}


def _ordered(terms: Iterable[Clause]) -> tuple[Clause, ...]:
    """Each once, in the order of the table, what may not hold behind what must."""
    return tuple(sorted(dict.fromkeys(terms), key=lambda term: (term.negated, _ORDER[term.field])))
