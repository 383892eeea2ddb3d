"""What capturing and its readers say to each other: jobs one way, parts of logs and how a job ended the other.

``encode`` and the decoders are the only way over a pipe (MessagePack): what comes is checked against these types before
anything looks at it. Names of files are bytes, since not every one of them is UTF-8.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Final

from msgspec import Struct
from msgspec.msgpack import Decoder, Encoder

from tracetui.bucket.row import StepColumns

__all__ = [
    "Done",
    "Job",
    "Message",
    "Part",
    "PartWithin",
    "encode",
    "packed_header",
    "to_job",
    "to_message",
]


class Job(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A log to read on. ``path`` is None where only the copy is to be read; ``data`` is the file to read in place of
    it; ``snapshot`` (path, origin, size, mtime) what to read of a session in a database; ``stamp`` what the file was
    like when it was found. ``harness`` is "" when it is not known yet, ``hint`` the one where the records do not tell.
    ``state`` is the reader's, which stands at ``offset`` and ``line``; ``inner`` those of subagents within. ``head``
    and ``tail`` are marks of the ends of what was copied. ``beginning``: how many bytes are enough, 0 for all;
    ``first`` the number of the first step; ``header`` that of a new copy, as JSON."""

    nth: int
    copy: bytes
    stem: str
    path: bytes | None = None
    header: bytes = b"{}"
    harness: str = ""
    hint: str = ""
    state: bytes | None = None
    offset: int = 0
    line: int = 1
    head: bytes | None = None
    tail: bytes | None = None
    beginning: int = 0
    first: int = 1
    stamp: tuple[int, int, int, int] | None = None
    snapshot: tuple[bytes, bytes, int, int] | None = None
    data: bytes | None = None
    inner: tuple[tuple[str, bytes], ...] = ()

    @property
    def copy_path(self) -> Path:
        """The copy's file."""
        return Path(os.fsdecode(self.copy))

    @property
    def source(self) -> str:
        """The file that is read: ``data``, else ``path``."""
        return os.fsdecode(self.data or self.path or b"")

    @property
    def facts(self) -> dict[str, Any]:
        """The header's keys."""
        found: dict[str, Any] = json.loads(self.header)
        return found


def packed_header(facts: dict[str, Any]) -> bytes:
    """A header for a job; with lone surrogates, as names of files may have them."""
    return json.dumps(facts).encode("ascii")


class PartWithin(Struct, frozen=True, kw_only=True):
    """A consistent advance of the index over one log: ``facts`` and ``counts`` as JSON, the reader's ``state`` and
    where it stands, the ``rows`` of changed steps; ``count`` is how many steps there are, None where that only grows.
    Here of the log of a subagent ``agent`` that stands within another."""

    agent: str = ""
    harness: str
    facts: bytes
    counts: bytes
    state: bytes | None
    offset: int
    line: int
    count: int | None
    first: int
    rows: list[StepColumns]
    records: int
    copied: int
    bad: int = 0
    problems: list[tuple[int, str]] = []
    copy_size: int = 0
    head: bytes = b""
    tail: bytes = b""
    torn: int = 0
    loose: int = 0
    stamp: tuple[int, int, int, int] | None = None


class Part(PartWithin, frozen=True, kw_only=True, tag="part"):
    """An advance of the log of job ``nth``, with those of the subagents ``inner`` within it."""

    nth: int
    inner: list[PartWithin]


class Done(Struct, frozen=True, tag="done"):
    """The end of job ``nth``; ``reason`` and ``errno`` (0: none) where ``status`` is ``error``."""

    nth: int
    status: str
    reason: str = ""
    errno: int = 0


Message = Part | Done

encode: Final = Encoder().encode
"""A job or a message as bytes."""
to_job: Final = Decoder(Job).decode
to_message: Final = Decoder(Message).decode
"""Raise ``msgspec.DecodeError`` for bytes that are none."""
