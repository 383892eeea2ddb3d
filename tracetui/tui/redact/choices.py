"""What the editor offers to choose from, and what it shows of a review at one moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from tracetui.redact.values import Group, Place, Progress

__all__ = ["EXCLUSION_KEYS", "KINDS", "SCOPE_KEYS", "DecisionOutcome", "Excluded", "ReviewSnapshot"]

SCOPE_KEYS: Final[Mapping[str, str]] = {"place": "o", "path": "p", "name": "n", "kind": "k", "all": "a"}
"""The key in the menu for each scope of a rejection."""
EXCLUSION_KEYS: Final[Mapping[str, str]] = {
    "step": "s", "kind": "k", "results": "r", "thinking": "t", "images": "i", "opaque": "e",
}  # fmt: skip
"""The key in the menu for each thing that can be left out as a whole."""
KINDS: Final = (
    "secret", "password", "api-key", "token", "person", "email", "user", "host", "ip", "path", "url", "company",
    "project", "phone", "text",
)  # fmt: skip
"""What a mark made by hand may be called; any other word of letters, digits and dashes is as good."""


class Excluded(NamedTuple):
    """Something that is left out (or kept, where that is the exception) as a whole. ``what`` is one of `EXCLUSIONS`;
    ``step`` with ``agent``, or ``kind``, say which. ``said`` is what people call it."""

    what: str
    said: str
    step: int | None = None
    agent: str | None = None
    kind: str = ""

    @property
    def back(self) -> bool:
        """Whether the next key takes it in again; what is kept is left out by it."""
        return self.what not in ("images", "opaque")


class DecisionOutcome(NamedTuple):
    """What a decision did, in one line for the user; ``value`` is the value that it was about, ``place`` the id of its
    place; ``done`` is false where nothing changed."""

    said: str
    value: str | None = None
    done: bool = True
    place: str = ""


@dataclass(slots=True)
class ReviewSnapshot:
    """Everything that the screen shows of a review at one moment."""

    groups: Sequence[Group] = ()
    progress: Progress = field(default_factory=lambda: Progress(0, 0, 0, 0, 0, 0))
    unscanned: Sequence[Place] = ()
    excluded: Sequence[Excluded] = ()
    """Exclusions in force."""
    rules: int = 0
    """Rules that stay."""
    kept: AbstractSet[str] = frozenset()
    """Keys of the places that were rejected by themselves: accepting their value does not reach them."""

    def group(self, value: str | None) -> Group | None:
        """The group of a value by its keyed hash."""
        return next((group for group in self.groups if group.value == value), None)
