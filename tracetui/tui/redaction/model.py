"""What the editor knows of a review. The core (`tracetui.redact`) is behind the `Reviewing` protocol; see `binding`.

A text unit is the decoded string at a JSON pointer of one record. All offsets are code points of that string.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, Protocol

if TYPE_CHECKING:
    from tracetui.redact.proof import Leak
    from tracetui.tui.redaction.page import PageStep

__all__ = [
    "EXCLUSIONS",
    "KINDS",
    "SCOPES",
    "Copy",
    "Excluded",
    "Field",
    "Group",
    "Mark",
    "Outcome",
    "Progress",
    "Progressed",
    "Reach",
    "Reviewing",
    "Rule",
    "Snapshot",
    "State",
    "Target",
    "Unscanned",
]

State = Literal["open", "accepted", "rejected"]


class Field(NamedTuple):
    """One text unit: the string (or with ``in_key`` the key) at ``pointer`` of a record. ``agent`` is the subagent
    whose log it is, None for the main log; ``line`` is 1-based, ``nth`` counts objects that share a line."""

    agent: str | None
    line: int
    nth: int
    pointer: str
    in_key: bool = False


class Copy(NamedTuple):
    """One place of a value. ``id`` is the finding's; ``step`` is None where the record belongs to no step."""

    id: str
    at: Field
    start: int
    end: int
    step: int | None
    state: State
    view: str = "plain"


@dataclass(frozen=True, slots=True)
class Group:
    """All findings of one value. ``state`` is ``open`` as long as one copy is. ``value`` is the secret: shown on screen
    only where it is not hidden, never logged. ``name`` is what named it (a variable, a header), if anything did."""

    id: str
    kind: str
    rule: str
    tier: int
    why: str
    value: str
    state: State
    copies: Sequence[Copy]
    placeholder: str = ""
    by_hand: bool = False
    name: str = ""


class Mark(NamedTuple):
    """A span of a text unit as it stands: ``text`` is what the reader will see there when it is accepted."""

    start: int
    end: int
    state: State
    group: str
    text: str = ""


class Unscanned(NamedTuple):
    """A text that no detector could look at; it blocks a seal."""

    at: Field
    step: int | None
    why: str


class Progress(NamedTuple):
    """``open`` counts values of tier 1 and 2 without a decision, ``copies`` the places of these that are open; ``weak``
    counts open values of tier 3."""

    open: int
    weak: int
    copies: int
    accepted: int
    rejected: int
    unscanned: int


class Reach(NamedTuple):
    """A place that an accepted value reached. ``form`` says how it stood there (``as it is``, ``base64``, …)."""

    step: int | None
    agent: str | None
    where: str
    form: str
    times: int


class Rule(NamedTuple):
    """A rule that stays: ``how`` is ``literal``, ``regex`` or ``glob``; None as replacement means a placeholder."""

    how: str
    pattern: str
    replacement: str | None = None


class Excluded(NamedTuple):
    """Something that is left out (or kept, where that is the exception) as a whole. ``what`` is a key of `EXCLUSIONS`;
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


class Outcome(NamedTuple):
    """What a deed did, in one line for the user; ``group`` is the value that it was about, ``copy`` its place."""

    said: str
    group: str | None = None
    done: bool = True
    copy: str = ""


class Target(NamedTuple):
    """Where the editor is to open: at a finding by its ``id``, or, where that names none, at the field ``pointer`` of
    the record ``rid`` (its own id, or its line) in the log of ``agent``, at the character ``start``."""

    id: str = ""
    agent: str | None = None
    rid: str = ""
    pointer: str = ""
    in_key: bool = False
    start: int = 0
    end: int = 0
    leak: Leak | None = None
    """What the proof found there, where it is that."""


SCOPES: Final[Mapping[str, tuple[str, str]]] = {
    "place": ("o", "this one place"),
    "path": ("p", "this kind in this field"),
    "name": ("n", "what this name gives away"),
    "kind": ("k", "everything of its kind"),
    "all": ("a", "this value, everywhere"),
}
"""How far a rejection goes, by the core's word: the key in the menu, and what it says."""

EXCLUSIONS: Final[Mapping[str, tuple[str, str]]] = {
    "step": ("s", "this step"),
    "kind": ("k", "every step of this kind"),
    "results": ("r", "results of tools"),
    "thinking": ("t", "thinking"),
    "images": ("i", "images"),
    "opaque": ("e", "signatures, encrypted thinking"),
}
"""What can be left out as a whole: the key in the menu, and what it says."""

KINDS: Final = (
    "secret", "password", "api-key", "token", "person", "email", "user", "host", "ip", "path", "url", "company",
    "project", "phone", "text",
)  # fmt: skip
"""What a mark made by hand may be called; any other word of letters, digits and dashes is as good."""


@dataclass(slots=True)
class Snapshot:
    """Everything that the screen shows of a review at one moment."""

    groups: Sequence[Group] = ()
    progress: Progress = field(default_factory=lambda: Progress(0, 0, 0, 0, 0, 0))
    unscanned: Sequence[Unscanned] = ()
    excluded: Sequence[Excluded] = ()
    """Exclusions in force."""
    rules: int = 0
    """Rules that stay."""


class Reviewing(Protocol):
    """What the editor asks of the core; called on one thread only. Deeds that fail raise `TracetuiError`."""

    def groups(self) -> Sequence[Group]: ...

    def left_off(self) -> str | None:
        """The value that the last decision was about, of whatever day."""

    def progress(self) -> Progress: ...

    def unscanned(self) -> Sequence[Unscanned]: ...

    def marks(self, at: Field, text: str) -> Sequence[Mark]:
        """The spans of a text unit, in order and without overlap; ``text`` is its string."""

    def page(self, copy: Copy | None, step: int | None = None, agent: str | None = None) -> list[PageStep]:
        """The step of a copy (or a step by its number) with its neighbours, to be laid out as one text."""

    def accept(self, group: str) -> Outcome: ...

    def accept_tier(self, tier: int) -> Outcome:
        """Accept every open value of the tiers up to ``tier``, to be undone as one."""

    def reject(self, group: str, copy: str, scope: str) -> Outcome: ...

    def leave(self, gap: Unscanned) -> Outcome:
        """Let a text pass that no detector could look at: the user did."""

    def leave_leak(self, leak: Leak) -> Outcome:
        """Let what the proof found in the result stay there."""

    def mark(self, at: Field, start: int, end: int, kind: str) -> Outcome: ...

    def exclude(self, what: str, step: int | None, agent: str | None, kind: str) -> Outcome:
        """Leave something out, or take it in again where it is left out already."""

    def exclusions(self) -> Sequence[Excluded]:
        """What is left out now; images and opaque fields, which are left out unless asked for, where they are kept."""

    def undo(self) -> Outcome | None:
        """Take the last deed back, also one of an earlier day, whatever it was; None when there is none."""

    def redo(self) -> Outcome | None: ...

    def find(self, target: Target) -> Copy | None:
        """The place that a target names, in no value where no finding is there; None when it is gone."""

    def reach(self, group: str, cancelled: Callable[[], bool]) -> Sequence[Reach] | None:
        """Every place that a value stands at, in whatever form, by step and field; None when cancelled."""

    def rules(self) -> Sequence[Rule]: ...

    def add_rule(self, rule: Rule) -> Outcome: ...

    def change_rule(self, old: Rule, new: Rule) -> Outcome: ...

    def remove_rule(self, rule: Rule) -> Outcome: ...

    def import_rules(self, path: Path) -> Outcome: ...

    def export_rules(self, path: Path, *, force: bool = False) -> Outcome: ...

    def refresh(self) -> None:
        """Another review of the same session may have decided meanwhile: read again."""

    def close(self) -> None: ...


Progressed = Callable[[int, int], None]
"""Told (bytes done, all bytes) while a session is scanned."""
