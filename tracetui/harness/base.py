"""What a harness's package offers: reading its logs, and the rules for everything else that is done with them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, Protocol

from tracetui.model import LogFacts, Problem, Record, Step, TracetuiError

if TYPE_CHECKING:
    from tracetui.harness.context import ContextRules
    from tracetui.harness.fields import Fields
    from tracetui.harness.inheritance import Inherited
    from tracetui.harness.native import NativeRules
    from tracetui.harness.sharing import Sharing
    from tracetui.harness.sources import RecordSource

__all__ = ["FileEdit", "Harness", "Inner", "Reader", "Retention", "Root", "Rule"]


class Reader(Protocol):
    """A streaming state machine over the records of one log, in file order.

    It keeps no text of finished steps. ``feed`` takes one record; ``take`` hands over the steps begun or changed since
    the last ``take``, each once, by number; a step whose result arrives later is handed over again with the same
    number and key. ``dump`` and a ``state`` given to the harness's ``reader`` carry the machine across a growth of the
    file; the dump holds open calls and small facts, never the whole log.

    ``known`` counts, by record type, records that are no step on purpose; ``unknown`` those that no rule covers;
    ``stepped`` counts records that began or completed a step. The three add up to the records fed.

    A reader may find out late that what it read was copied history of another session, and number anew from 1: later
    steps then replace earlier ones of the same number, whatever their key. Such a reader has a ``count``; steps with a
    number beyond it are withdrawn.
    """

    facts: LogFacts
    known: Counter[str]
    unknown: Counter[str]
    stepped: int
    problems: list[Problem]

    def feed(self, record: Record) -> None: ...

    def take(self) -> list[Step]: ...

    def dump(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Root:
    """A folder in which a harness keeps logs, and the file name patterns (``fnmatch``) that can be logs there;
    without a pattern, a file that is one. ``depth`` is how many folders deep logs lie. ``stamp`` gives size and
    modification time (ns) of a log of several files, by its main one."""

    path: Path
    patterns: tuple[str, ...]
    depth: int = 24
    stamp: Callable[[str, os.stat_result], tuple[int, int]] | None = None


@dataclass(frozen=True, slots=True)
class FileEdit:
    """What one tool call did to one file, as its log tells it.

    ``before``/``after`` are the whole texts of the file where the log holds them. Otherwise ``pieces`` are pairs of
    (old, new) text that the call replaced, with ``replace_all`` for every occurrence; ``patch`` is a unified diff or
    the hunks of an apply_patch as (old lines, new lines) pieces, never display text. ``op``: add, update, delete,
    move (``path`` the old name, ``to`` the new one). ``binary`` edits carry no text. ``path`` is as written in the log.
    """

    path: str
    op: str
    before: str | None = None
    after: str | None = None
    pieces: tuple[tuple[str, str], ...] = ()
    replace_all: bool = False
    to: str | None = None
    binary: bool = False


@dataclass(frozen=True, slots=True)
class Retention:
    """When a harness deletes its own logs: ``days`` after they were last written to (0: some versions keep none), as
    the ``setting`` in the file ``path`` says."""

    days: float
    path: Path
    setting: str


Rule = Literal["sharing", "fields", "context", "native"]
_RULES: Final[dict[Rule, str]] = {
    "sharing": "for what may leave a range of its records",
    "fields": "for which of its strings are ids",
    "context": "for what the model saw",
    "native": "to write a session",
}


class Inner(NamedTuple):
    """A record of a subagent that stands within one of its parent's log: the subagent, the session, and the record as
    the subagent's own log would hold it, with the source of the one that it stands in."""

    agent: str
    session: str
    record: Record


@dataclass(frozen=True, slots=True)
class Harness:
    """One agent program. A new one is a package with a ``HARNESS`` of this type and a line in ``harness/__init__``.

    What is None here is missing: what needs the rule is refused in one line that names it (``need``), and the rest
    works. The four rules are functions that import them: readers and lists need none of them.
    """

    name: str
    title: str
    """What people call the program."""
    detect: Callable[[Sequence[Mapping[str, Any]]], bool]
    """Whether the first records (up to 20 objects) of a file are this harness's, by content alone."""
    reader: Callable[..., Reader]
    """``reader(stem: str, state: bytes | None = None)``: the stem of the file's name settles identity only where
    records carry several ids; ``state`` is a ``dump``."""
    roots: Callable[[Mapping[str, str], Path], Iterable[Root]]
    """``roots(environ, home)``."""
    resume: Callable[[LogFacts], list[str]]
    """The argument list that resumes the session (to be run in ``facts.cwd``)."""
    edits: Callable[[Step, Sequence[Record]], list[FileEdit]]
    """The file edits of one step, from the step and the records of its ``sources``; empty for failed calls."""
    short: str
    """Two letters for narrow lists, like no other harness's."""
    sources: tuple[RecordSource, ...] = ()
    """The forms of its logs beside lines."""
    sharing: Callable[[], Sharing] | None = None
    """What may leave a range of steps; without it nothing is sealed or exported."""
    fields: Callable[[], Fields] | None = None
    """Ids and opaque fields, for redaction; without it nothing is sealed or exported."""
    record_id: Callable[[Mapping[str, Any]], str | None] | None = None
    """The id of a record, that which its copies in other logs of the session carry too; None where it has none."""
    inner: Callable[[Record], Inner | None] | None = None
    """The record of a subagent within one of its parent's log; without this rule no log holds such."""
    rules: Callable[[], ContextRules] | None = None
    """What the model saw, out of the records; without it there is no ctx."""
    native: Callable[[], NativeRules] | None = None
    """How a context becomes a session file that the program itself goes on with."""
    inherits: Callable[[str | None, Sequence[Record]], Inherited | None] | None = None
    """``inherits(agent, head)``: the beginning of this conversation in another log, by the first three records of the
    log (of the subagent ``agent``); None, and a harness without this rule, where it begins in its own."""
    retention: Callable[[Mapping[str, str], Path], Retention] | None = None
    """``retention(environ, home)``: when the program deletes logs; None where it keeps them."""
    titles: Callable[[Mapping[str, str], Path], Mapping[str, str]] | None = None
    """``titles(environ, home)``: titles by session id that the program keeps apart from its logs."""

    @property
    def context(self) -> ContextRules | None:
        """What the model saw, out of the records; None where nobody has told yet."""
        return None if self.rules is None else self.rules()

    def lacks(self, *rules: Rule) -> Rule | None:
        """The first of these rules that the harness does not have, None where it has all."""
        has = {"sharing": self.sharing, "fields": self.fields, "context": self.rules, "native": self.native}
        return next((rule for rule in rules if has[rule] is None), None)

    def need(self, doing: str, *rules: Rule) -> None:
        """Raise TracetuiError (one line that says which rule is missing) unless the harness has these rules. ``doing``
        is what they are needed for: ``sealed``, ``exported``."""
        missing = self.lacks(*rules)
        if missing is not None:
            raise TracetuiError(
                f"Sessions of {self.title} cannot be {doing}: tracetui has no rule {_RULES[missing]} (its {missing!r})"
            )
