"""The nouns of a review: a place where something was found, a value with all its places, and what was decided.

A text unit is the decoded string (or key) at a JSON pointer of one record. All offsets are code points of that string.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from tracetui.model import Record, Source

if TYPE_CHECKING:
    from tracetui.redact.proof import Leak

__all__ = [
    "IDENTITY",
    "WEAK",
    "Field",
    "Group",
    "Mark",
    "Place",
    "Progress",
    "Reach",
    "State",
    "Target",
    "general_field",
    "opens_door",
    "progress_of",
    "record_id",
    "state_of",
    "string_at",
]

WEAK: Final = 3
"""The tier of what only looks random; nothing of it stands against sharing."""
IDENTITY: Final = frozenset(
    ("user", "home", "host", "name", "email", "address", "ip", "mac", "phone", "card", "iban", "ssn", "street")
)
"""Kinds that tell who somebody is. All others open a door, if they are what they look like."""
State = Literal["open", "accepted", "rejected", "partly"]
"""What was decided: of a place ``open``, ``accepted`` or ``rejected``; of a value also ``partly`` (replaced in some of
its places, left in others)."""


class Field(NamedTuple):
    """One text unit: the string (or with ``in_key`` the key) at ``pointer`` of a record. ``agent`` is the subagent
    whose log it is, None for the main log, ``part`` which of its logs; ``line`` is 1-based, ``nth`` counts objects that
    share a line."""

    agent: str | None
    line: int
    nth: int
    pointer: str
    in_key: bool = False
    part: int = 1

    @property
    def record(self) -> tuple[str | None, int, int, int]:
        """What names the record."""
        return self.agent, self.part, self.line, self.nth


@dataclass(frozen=True, slots=True)
class Place:
    """A span of a session in which a value stands. ``value`` is the keyed hash of the text found, ``rid`` the record's
    own id (its line where it has none), ``key`` the place's stable key, ``path`` the field with ``*`` for places in
    lists; ``step`` is None where the record belongs to none. Without an ``id`` no detector proposed it: it is of a
    value that was marked by hand, or somewhere to look at."""

    id: str
    key: str
    agent: str | None
    log_path: str
    source: Source
    nth: int
    rid: str
    field: str
    path: str
    in_key: bool
    start: int
    end: int
    kind: str
    rule: str
    tier: int
    view: str
    why: str
    value: str
    step: int | None = None
    part: int = 1

    @property
    def at(self) -> Field:
        """The text unit."""
        return Field(self.agent, self.source.line, self.nth, self.field, self.in_key, self.part)

    @classmethod
    def to_look_at(cls, at: Field, start: int = 0, end: int = 0, step: int | None = None) -> Place:
        """A span of a text unit that is of no value."""
        where = Source(at.line, 0, 0)
        return cls("", "", at.agent, "", where, at.nth, "", at.pointer, "", at.in_key, start, end, "", "", 3, "plain",
                   "", "", step, at.part)  # fmt: skip


@dataclass(slots=True)
class Group:
    """All places of one value: what is decided at once. ``value`` is its keyed hash; ``text`` is the secret itself,
    shown on screen only where it is not hidden, never logged. ``states`` are those of the places."""

    value: str
    text: str
    kind: str
    rule: str
    tier: int
    why: str
    places: list[Place] = field(default_factory=list)
    states: Sequence[State] = ()
    state: State = "open"
    placeholder: str = ""
    """What stands for it once it is accepted."""
    by_hand: bool = False


class Mark(NamedTuple):
    """A span of a text unit as it stands: ``text`` is what the reader will see there where it is accepted; ``value``
    names the value, empty for what is left out as a whole."""

    start: int
    end: int
    state: State
    value: str
    text: str = ""


class Progress(NamedTuple):
    """``open`` counts values of tier 1 and 2 without a decision, ``copies`` the places of these that are open; ``weak``
    counts open values of tier 3. ``accepted``, ``rejected`` and ``partly`` count values of every tier, ``unscanned``
    texts."""

    open: int
    weak: int
    copies: int
    accepted: int
    rejected: int
    unscanned: int
    partly: int = 0


class Reach(NamedTuple):
    """Places that a value stands at. ``form`` says how it stands there (``as it is``, ``base64``, …), ``where`` what
    the field is called."""

    step: int | None
    agent: str | None
    where: str
    form: str
    times: int
    part: int = 1


class Target(NamedTuple):
    """Somewhere to go to: a finding by its ``id``, or, where that names none, the field ``pointer`` of the record
    ``rid`` (its own id, or its line) in the log of ``agent``, at the character ``start``."""

    id: str = ""
    agent: str | None = None
    rid: str = ""
    pointer: str = ""
    in_key: bool = False
    start: int = 0
    end: int = 0
    leak: Leak | None = None
    """What the proof found there, where it is that."""


def opens_door(place: Place) -> bool:
    """Whether a place is sure to hold a secret: its format says so, and it is no matter of who somebody is. Texts that
    could not be looked at count for nothing here."""
    return place.tier == 1 and place.kind not in IDENTITY and place.rule != "unscanned"


def state_of(states: Iterable[State]) -> State:
    """The state of a value by those of its places: open while one is, ``partly`` where they differ."""
    held = {*states}
    if "open" in held or not held:
        return "open"
    return held.pop() if len(held) == 1 else "partly"


def progress_of(groups: Iterable[Group], unscanned: int) -> Progress:
    """The counts of some values."""
    held = [*groups]
    sure = [group for group in held if group.tier < WEAK]
    states = [group.state for group in held]
    return Progress(
        sum(group.state == "open" for group in sure),
        sum(group.state == "open" for group in held if group.tier >= WEAK),
        sum(state == "open" for group in sure for state in group.states),
        states.count("accepted"),
        states.count("rejected"),
        unscanned,
        states.count("partly"),
    )


def record_id(record: Record) -> str:
    """What names a record for good: its own id, else its line."""
    value = record.value
    for holder in (value, value.get("payload")):
        if isinstance(holder, dict):
            for name in ("uuid", "id"):
                found = holder.get(name)
                if isinstance(found, str) and 0 < len(found) <= 128:
                    return found
    return f"line-{record.source.line}" + (f".{record.nth}" if record.nth else "")


def general_field(pointer: str) -> str:
    """A pointer with its numbers left out, as a rejection by field takes it."""
    return "/".join("*" if part.isdigit() else part for part in pointer.split("/"))


def string_at(value: Any, pointer: str, *, in_key: bool) -> str:
    """The string at a JSON pointer, or the key there; empty where none stands."""
    parts = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
    if in_key:
        return parts[-1] if parts else ""
    for part in parts:
        try:
            value = value[int(part)] if isinstance(value, list) else value[part]
        except (KeyError, IndexError, ValueError, TypeError):
            return ""
    return value if isinstance(value, str) else ""
