"""Addresses: ``ID``, ``ID:12``, ``ID:12-40``, ``ID:last``, ``ID/AGENT:12``; ``claude/ID`` where harnesses share an id.

``ID~2:12`` is a step of a session's second part, ``ID~2/AGENT:12`` one of its subagent. A foreign session is
``capsule:DIGEST8/ID`` or ``foreign:DIGEST8/ID``, or ``capsule:DIGEST8`` where that capsule has but one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from tracetui.model import TracetuiError

__all__ = ["Address", "parse_address"]

_NAME: Final = r"[A-Za-z0-9._-]{1,128}"
_PART: Final = r"(?:~([1-9]\d{0,5}))?"
_ADDRESS: Final = re.compile(
    rf"((?:capsule|foreign):[0-9a-fA-F]{{8}}(?:/{_NAME})?|{_NAME}){_PART}(?:/({_NAME}){_PART})?(?:/({_NAME}))?(?::(.*))?",
    re.DOTALL,
)
_RANGE: Final = re.compile(r"(\d{1,9}|last)(?:-(\d{1,9}|last))?")


@dataclass(frozen=True, slots=True)
class Address:
    """``session`` is an id or the start of one, ``harness`` is given only where it was named. ``first`` and ``last``
    are step numbers from 1, -1 for the last step, both None for the whole session. ``part`` is None where none is
    named: all parts for the whole session, the first for a step."""

    session: str
    agent: str | None = None
    first: int | None = None
    last: int | None = None
    harness: str | None = None
    part: int | None = None

    @property
    def single(self) -> bool:
        """Whether it names one step."""
        return self.first is not None and self.first == self.last

    def span(self, steps: int | range, label: str) -> tuple[int, int]:
        """The numbers of the first and last step meant, in a log of ``steps`` steps (or of steps of these numbers); the
        end of a range is cut to what is there. Raises TracetuiError (status 1) where the first is not there."""
        there = steps if isinstance(steps, range) else range(1, steps + 1)
        end = there.stop - 1
        if self.first is None:
            return there.start, end
        first = end if self.first == -1 else self.first
        last = end if self.last in (None, -1) else self.last
        assert last is not None
        if first not in there:
            has = f"{len(there):,} step{'' if len(there) == 1 else 's'}"
            span = f" ({there.start:,} to {end:,})" if there and there.start > 1 else ""
            raise TracetuiError(f"{label} has {has}{span}, no step {first if there else 'at all'}")
        if last < first:
            raise _bad(f"{label}:{first}-{last}", "ends before it begins")
        return first, min(last, end)


def _bad(text: str, why: str) -> TracetuiError:
    return TracetuiError(f"{text} {why}; an address is ID, ID:12, ID:12-40, ID:last, ID/AGENT:12 or ID~2:12", status=2)


def parse_address(text: str) -> Address:
    """Read an address; raises TracetuiError with status 2 where it is none."""
    match = _ADDRESS.fullmatch(text)
    if match is None:
        raise _bad(text or "an empty text", "is not an address")
    session, part, agent, other, third, steps = match.groups()
    harness = None
    if agent is not None:
        from tracetui.harness import HARNESSES

        if session in HARNESSES:
            harness, session, agent = session, agent, third
            part, other = other, part
        elif third is not None:
            raise _bad(text, "is not an address")
    if other is not None:
        raise _bad(text, "is not an address")
    number = None if part is None else int(part)
    if steps is None:
        return Address(session, agent, harness=harness, part=number)
    span = _RANGE.fullmatch(steps)
    if span is None:
        raise _bad(text, "is not an address")
    first, last = (-1 if item == "last" else int(item) for item in (span[1], span[2] or span[1]))
    if first == 0 or last == 0:
        raise _bad(text, "names step 0, steps are numbered from 1")
    if first == -1 != last or (last != -1 and last < first):
        raise _bad(text, "ends before it begins")
    return Address(session, agent, first, last, harness, number)
