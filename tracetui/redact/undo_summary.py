"""What undo or redo changed: the difference of two states of the decisions, in words for the user."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from tracetui.redact.decisions import EXCLUSIONS, SCOPES, about
from tracetui.text import format as fmt

if TYPE_CHECKING:
    from tracetui.redact.decisions import DecisionState
    from tracetui.redact.values import Place

__all__ = ["difference", "reaches"]

_KEPT: Final = {"keep-images": "images", "keep-opaque": "opaque"}


def difference(
    one: DecisionState, other: DecisionState, places: Sequence[Place], step_named: Callable[[str], str]
) -> tuple[str, str | None, str]:
    """What stands in one state and not in the other, in a few words, with the value (its hash) that it is about and,
    where it is about one place, the id of that. ``step_named`` names a step by its key. No word of a session's text."""
    values = [key for key in {**one.accepted, **other.accepted} if one.accepted.get(key) != other.accepted.get(key)]
    if len(values) > 1:
        return f"accepting {fmt.plural(len(values), 'value')}", None, ""
    if values:
        held = one.accepted.get(values[0]) or other.accepted[values[0]]
        # A rejection of the value takes an acceptance with it; then it is about the rejection.
        if not {("all", values[0])} & (one.rejected ^ other.rejected):
            return ("the mark" if held.by == "mark" else "accepting a value") + f" ({held.kind})", values[0], ""
    for scope, key in sorted(one.rejected ^ other.rejected):
        found = [place for place in places if reaches(place, scope, key)]
        named = f" ({found[0].kind})" if found else ""
        said = f"leaving as it is {SCOPES[scope]}{named}" if scope in SCOPES else "a rejection"
        return said, found[0].value if found else None, found[0].id if found and scope == "place" else ""
    for what, key in sorted(one.excluded ^ other.excluded):
        if what in _KEPT:
            return f"keeping {EXCLUSIONS[_KEPT[what]]}", None, ""
        named = step_named(key) if what == "step" else f"every {key}" if what == "kind" else EXCLUSIONS[what]
        return f"leaving out {named}", None, ""
    changed = [rule for rule in (*one.rules, *other.rules) if (rule in one.rules) != (rule in other.rules)]
    if changed:
        return (f"a rule that stays ({changed[0].form})" if len(changed) == 1 else "rules that stay"), None, ""
    return "a decision", None, ""


def reaches(place: Place, scope: str, key: str) -> bool:
    """Whether a decision of a scope is about a place."""
    return scope in SCOPES and key == about(place, scope)
