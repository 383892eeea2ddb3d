"""What a decision will change, worked out at once from what is on screen: it is shown before the review has carried the
decision out. States and counts agree with what that brings (a property test holds it); other forms of the value on the
page, and placeholders that are numbered anew, follow."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from tracetui.redact.apply import kind_name
from tracetui.redact.decisions import about
from tracetui.redact.identity import identities
from tracetui.redact.values import Field, Group, Mark, Place, State, progress_of, state_of
from tracetui.tui.redact.choices import ReviewSnapshot

__all__ = ["Marks", "accepted", "accepted_tier", "rejected"]

Marks = Mapping[Field, Sequence[Mark]]
"""The marks of each text unit of a page, in order."""


def accepted(snapshot: ReviewSnapshot, marks: Marks, values: Sequence[str]) -> tuple[ReviewSnapshot, Marks]:
    """Values (by keyed hash) are replaced everywhere, but where a place was rejected."""
    implied = {text: group.value for group in snapshot.groups if group.value in values
               for text in identities(group.text)}  # fmt: skip
    wanted = {*values, *(group.value for group in snapshot.groups if group.text in implied)}
    numbers = _numbers(snapshot.groups)
    groups: list[Group] = []
    puts: dict[str, str] = {}
    kept = {(one.at, one.start, one.end) for group in snapshot.groups for one in group.places
            if one.key in snapshot.kept}  # fmt: skip
    for group in snapshot.groups:
        if group.value in wanted and not group.by_hand:
            put = group.placeholder
            if not put:
                name = kind_name(group.kind)
                numbers[name] = numbers.get(name, 0) + 1
                put = f"‹{name}:{numbers[name]}›"
            states: list[State] = ["rejected" if place.key in snapshot.kept else "accepted" for place in group.places]
            group = replace(group, states=states, state=state_of(states), placeholder=put)
            puts[group.value] = put
        groups.append(group)

    def now(at: Field, mark: Mark) -> Mark:
        if mark.state == "accepted" or mark.value not in puts or (at, mark.start, mark.end) in kept:
            return mark
        return mark._replace(state="accepted", text=puts[mark.value])

    return _with(snapshot, groups), _each(marks, now)


def accepted_tier(snapshot: ReviewSnapshot, marks: Marks, tier: int) -> tuple[ReviewSnapshot, Marks]:
    """Every open value of the tiers up to ``tier`` is accepted."""
    values = [group.value for group in snapshot.groups if group.tier <= tier and group.state == "open"]
    return accepted(snapshot, marks, values)


def rejected(snapshot: ReviewSnapshot, marks: Marks, place: Place, scope: str) -> tuple[ReviewSnapshot, Marks]:
    """What a rejection of this scope reaches stays as it is: the place or the value also where it was accepted, a
    path, name or kind where nothing else was decided."""
    key = about(place, scope)
    firm = scope in ("place", "all")
    groups: list[Group] = []
    left: dict[Field, list[tuple[int, int]]] = {}
    for group in snapshot.groups:
        states = list(group.states)
        for nth, (one, state) in enumerate(zip(group.places, states, strict=False)):
            if (firm or state == "open") and one.id and about(one, scope) == key:
                states[nth] = "rejected"
                left.setdefault(one.at, []).append((one.start, one.end))
        if states != list(group.states):
            group = replace(group, states=states, state=state_of(states))
            if scope == "all":
                group.placeholder = ""
        groups.append(group)

    def now(at: Field, mark: Mark) -> Mark:
        if any(start < mark.end and mark.start < end for start, end in left.get(at, ())):
            return mark._replace(state="rejected", text="", value=mark.value or place.value)
        return mark

    if scope == "place":
        snapshot = replace(snapshot, kept={*snapshot.kept, place.key})
    return _with(snapshot, groups), _each(marks, now)


def _numbers(groups: Sequence[Group]) -> dict[str, int]:
    """The highest number that a placeholder of each kind has."""
    found: dict[str, int] = {}
    for group in groups:
        name, _, number = group.placeholder.strip("‹›").partition(":")
        if number.isdigit():
            found[name] = max(found.get(name, 0), int(number))
    return found


def _with(snapshot: ReviewSnapshot, groups: Sequence[Group]) -> ReviewSnapshot:
    return replace(snapshot, groups=groups, progress=progress_of(groups, len(snapshot.unscanned)))


def _each(marks: Marks, now: Callable[[Field, Mark], Mark]) -> Marks:
    """The marks as they are now; those of a unit that stay are the same object."""
    out: dict[Field, Sequence[Mark]] = {}
    for at, held in marks.items():
        changed = [now(at, mark) for mark in held]
        out[at] = changed if any(a is not b for a, b in zip(changed, held, strict=True)) else held
    return out
