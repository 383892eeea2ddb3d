"""Nouns for writing a context as a session file of the same harness, under a new id."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tracetui.harness.context import ContextPiece
from tracetui.model import LogFacts, Record

__all__ = ["Native", "NativeRecord", "NativeRequest", "NativeRules", "Taken"]


@dataclass(frozen=True, slots=True)
class Native:
    """The file's bytes, the new session's id, and where the harness looks for it: path parts below its root."""

    data: bytes
    session: str
    name: str
    folder: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Taken:
    """A piece to take along. ``changed``: its text is not the one that stands in the record."""

    piece: ContextPiece
    changed: bool = False


@dataclass(frozen=True, slots=True)
class NativeRecord:
    """A record to write: which of its pieces (by place) are taken along, and their texts where they changed."""

    record: Record
    taken: dict[int, Taken]
    pieces: list[ContextPiece]

    @property
    def whole(self) -> bool:
        """Whether all of the record is taken along as it is."""
        return len(self.taken) == len(self.pieces) and not any(part.changed for part in self.taken.values())


@dataclass(frozen=True, slots=True)
class NativeRequest:
    """What is to be written: the records in the order of the context, the model asked, what the log says about itself,
    the time of the new session (milliseconds since the epoch) and its id; ``beside`` are the latest records of each
    type that no model saw and that the program needs (``Canvas.beside``)."""

    units: Sequence[NativeRecord]
    model: str | None
    facts: LogFacts
    now: int
    session: str
    beside: Sequence[Record] = ()


@dataclass(frozen=True, slots=True)
class NativeRules:
    """How a harness's sessions are written. What ``write`` makes is read back by the caller with the harness's own
    reader before it is handed out.

    ``root`` is the folder (of the environment and home) below which the file belongs at ``Native.folder``. ``resume``,
    where given, is the argument list that goes on with a file wherever it stands; without it the file is put into its
    place and resumed by id.
    """

    write: Callable[[NativeRequest], Native]
    root: Callable[[Mapping[str, str], Path], Path]
    resume: Callable[[str], list[str]] | None = None
