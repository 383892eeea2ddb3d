"""What a program lost when it loaded its log again, decided by the growth of the reported prompt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from tracetui.ctx.index import Effect, Index
from tracetui.harness.context import CAUSES

__all__ = ["Doubt", "lose"]

_LEAST: Final = 600
"""Tokens from which on what may be lost shows in the growth, beside reminders that no log shows."""
_RESUME: Final = CAUSES.index("resume")


class Doubt(NamedTuple):
    """At ``node`` the segments with these keys may have been lost; ``likely`` decides where the growth does not."""

    node: int
    keys: tuple[int, ...]
    likely: bool


def lose(index: Index, doubts: Sequence[Doubt], keyed: Mapping[int, Sequence[int]]) -> None:
    """Add an effect to ``index`` for each doubt that holds. ``keyed``: the segments of a key."""
    done = 0
    for doubt in doubts:
        limit = index.first[doubt.node]
        keys = [key for key in doubt.keys[done:] if any(at < limit for at in keyed.get(key, ()))]
        if keys and _lost(index, doubt, sum(index.tokens[at] for key in keys for at in keyed[key] if at < limit)):
            index.effects[doubt.node] = Effect(limit, _RESUME, dict.fromkeys(keys, ()))
            done = len(doubt.keys)


def _lost(index: Index, doubt: Doubt, tokens: int) -> bool:
    """Whether the first call after the node reports about so many tokens less than a growth that kept them."""
    after = next(
        (
            call
            for call, node in enumerate(index.call_node)
            if node >= doubt.node and index.call_reported[call] > 0 and index.above(node, doubt.node)
        ),
        None,
    )
    before = None
    if after is not None and tokens >= _LEAST:
        before = next(
            (
                call
                for call in range(after - 1, -1, -1)
                if index.call_reported[call] > 0 and index.above(doubt.node, index.call_node[call])
            ),
            None,
        )
    if after is None or before is None:
        return doubt.likely
    kept = sum(index.tokens[at] for at in index.view_at(index.call_node[after], 1).ids)
    kept -= sum(index.tokens[at] for at in index.view_at(index.call_node[before], 1).ids)
    reported = index.call_reported[after] - index.call_reported[before]
    return abs(kept - tokens - reported) < abs(kept - reported)
