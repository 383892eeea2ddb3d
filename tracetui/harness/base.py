"""What a harness module offers: detection by content, a streaming reader, roots, and the command that resumes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from tracetui.model import LogFacts, Problem, Record, Step

if TYPE_CHECKING:
    from tracetui.harness.context import ContextRules

__all__ = ["FileEdit", "Harness", "Reader", "Root"]


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
    """A folder in which a harness keeps logs, and the file name patterns (``fnmatch``) that can be logs there."""

    path: Path
    patterns: tuple[str, ...]


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
class Harness:
    """One agent program. A new one is a module with a ``HARNESS`` of this type and a line in ``harness/__init__``."""

    name: str
    title: str
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
    rules: Callable[[], ContextRules] | None = None
    """Imports the rules of ``context``: readers and lists need none of them."""

    @property
    def context(self) -> ContextRules | None:
        """What the model saw, out of the records; None where nobody has told yet."""
        return None if self.rules is None else self.rules()
