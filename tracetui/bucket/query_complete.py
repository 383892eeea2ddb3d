"""What may stand at the cursor of a query line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from tracetui.bucket.query import quoted, tokens
from tracetui.bucket.terms import FIELDS, FIXED, HAS, IS, IS_STEP, SURVIVAL, TERMS

__all__ = ["Completion", "complete"]

_HINTS: Final[Mapping[str, Mapping[str, str]]] = {"has": HAS, "is": {**IS_STEP, **IS}, "survival": SURVIVAL}
_OFFERED: Final[Mapping[str, tuple[str, ...]]] = {
    "since": ("12h", "1d", "7d", "2w", "1mo", "today", "yesterday", "week", "month"),
    "until": ("12h", "1d", "7d", "2w", "1mo", "today", "yesterday"),
    "exit": ("0", ">0", "1"),
    "longer": ("10s", "1m", "10m"),
    "tokens": (">5k", ">50k"),
    "cost": (">1", ">10"),
    "agent": ("main", "sub"),
}


class Completion(NamedTuple):
    """Put ``text`` in the place of ``line[start:end]``; ``hint`` says what it means."""

    start: int
    end: int
    text: str
    hint: str


def complete(text: str, cursor: int, known: Mapping[str, Sequence[str]] | None = None) -> list[Completion]:
    """What may stand at the cursor of a query line: names of terms, or values of the term that is being typed.

    ``known`` lists values by field (``harness``, ``project``, ``model``, ``branch``, ``tag``, ``tool`` …), the
    likeliest first; the rest is known here. Values that begin with what is typed come before those that hold it. Never
    raises; nothing fits inside quoted words.
    """
    cursor = max(0, min(cursor, len(text)))
    token = next((found for found in tokens(text[:cursor]) if found.end == cursor), None)
    if token is None or token.sign in ("(", ")") or (cursor and text[cursor - 1].isspace() and not token.quoted):
        return [Completion(cursor, cursor, name + ":", hint) for name, hint in FIELDS.items()]
    if token.field is None:
        if token.quoted:
            return []
        typed = token.value.lower()
        return [
            Completion(token.value_start, cursor, name + ":", hint)
            for name, hint in FIELDS.items()
            if name.startswith(typed)
        ]
    start, typed = token.value_start, token.value
    if TERMS[token.field].values in ("name", "fixed", "wild") and not token.quoted:
        head, comma, typed = typed.rpartition(",")
        start += len(head) + len(comma)
    values: Sequence[str] = (
        FIXED.get(token.field) or (known or {}).get(token.field, ()) or _OFFERED.get(token.field, ())
    )
    hints = _HINTS.get(token.field, {})
    low = typed.lower()
    fits = [value for value in values if low in value.lower()]
    fits.sort(key=lambda value: not value.lower().startswith(low))
    return [Completion(start, cursor, quoted(value) + " ", hints.get(value, "")) for value in dict.fromkeys(fits)]
