"""Whether the thinking of earlier turns stayed in a context: what the log states, else what is known of the model and
the version, else what the growth of the reported prompt from one turn to the next shows.

Where a turn ends, the next prompt either still holds its thinking or does not. Both growths are estimated and compared
with the reported one; a turn counts where they lie far enough apart. The bounds were set on the even half of 60 public
sessions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Final

from tracetui.ctx.index import OWN, Index
from tracetui.harness.context import Keeps

__all__ = ["decide"]

_LEAST: Final = 300
"""Tokens of thinking in a turn from which on its end tells anything."""
_SHARE: Final = 0.25
"""Of the reported growth that the thinking must be."""
_VOTES: Final = 2
_MAJORITY: Final = 0.7
_MOST: Final = 200
"""Turns that are looked at, per model."""


def decide(index: Index, rule: Callable[[str | None, str | None], Keeps], version: str | None) -> None:
    """Fill ``index.call_keeps`` and ``index.certainty``; to be called when the index is complete but for these."""
    keeps, models = index.call_keeps, index.call_model
    rules = {place: rule(index.names[place] or None, version) for place in set(models)}
    open_ = {place for place, told in rules.items() if not told.sure}
    votes = _votes(index, open_) if open_ else {}
    verdict: dict[int, bool] = {}
    for place, told in rules.items():
        index.certainty[place] = "known" if told.sure else "assumed"
        verdict[place] = told.kept
        count = votes.get(place)
        if count is not None and count.total() >= _VOTES:
            kept, most = count.most_common(1)[0]
            if most >= _MAJORITY * count.total():
                verdict[place] = kept
                index.certainty[place] = "measured"
    for call, place in enumerate(models):
        if keeps[call] < 0:
            keeps[call] = verdict[place]
        else:
            index.certainty[place] = "stated"
        if keeps[call] and rules[place].own:
            keeps[call] = OWN


def _votes(index: Index, models: set[int]) -> dict[int, Counter[bool]]:
    """Per model, how many ends of turns speak for thinking that stays (True) or goes (False)."""
    found: dict[int, Counter[bool]] = {}
    last = -1
    for call in range(len(index.call_node)):
        if index.call_reported[call] <= 0 or index.call_node[call] < 0:
            continue
        place, before, last = index.call_model[call], last, call
        if place not in models or before < 0 or index.call_model[before] != place:
            continue
        old, new = index.call_node[before], index.call_node[call]
        if old < 0 or index.turn[old] == index.turn[new] or not index.above(new, old):
            continue
        votes = found.setdefault(place, Counter())
        if votes.total() >= _MOST:
            continue
        told = _turn(index, before, call)
        if told is not None:
            votes[told] += 1
    return found


def _turn(index: Index, before: int, call: int) -> bool | None:
    """What the end of one turn says; None where it says nothing."""
    old, new = index.call_node[before], index.call_node[call]
    held = index.tokens
    whole = sum(held[at] for at in index.view_at(new, 1).ids)
    bare = sum(held[at] for at in index.view_at(new, 0).ids)
    kept = whole - sum(held[at] for at in index.view_at(old, 1).ids)
    gone = bare - sum(held[at] for at in index.view_at(old, 0).ids)
    reported = index.call_reported[call] - index.call_reported[before]
    apart = kept - gone
    if apart < max(_LEAST, _SHARE * abs(reported)):
        return None
    near, far = abs(kept - reported), abs(gone - reported)
    if min(near, far) > apart / 2:
        return None
    return near < far
