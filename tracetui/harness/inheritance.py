"""Conversations that begin in another log: a rule names the log and how much of it was taken over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

from tracetui.model import Record

__all__ = ["Inherited"]


class Inherited(NamedTuple):
    """The beginning of a conversation that stands in the main log of ``session`` (None: of the log's own session).

    ``end`` tells of each of its records in turn whether the beginning goes ``on`` behind it, has it as its ``last``, or
    is over ``before`` it. ``must_end``: a log in which the end does not come is not the right one.
    """

    session: str | None
    end: Callable[[Record], Literal["on", "last", "before"]]
    must_end: bool = False
