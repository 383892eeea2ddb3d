"""Estimates made better by what earlier calls of the same log report; a call's own number and later ones are not used.

Two things are learnt. Some harnesses state exactly how many tokens a response had, its hidden reasoning included: they
are what its segments weigh in the calls after it. (Others log what was counted when the response began.) And for
models without a table of their own, the growth that earlier calls reported scales the estimates that follow.
"""

from __future__ import annotations

from array import array
from typing import Final

from tracetui.ctx.estimate import Calibration, family
from tracetui.ctx.index import Index
from tracetui.harness import HARNESSES
from tracetui.harness.context import CATEGORIES

__all__ = ["settle"]

_THINKING: Final = CATEGORIES.index("thinking")


def settle(index: Index) -> None:
    """Put better numbers into ``index.tokens``."""
    maker = HARNESSES.get(index.harness)
    rules = maker.context if maker is not None else None
    if rules is not None and rules.states_output:
        _outputs(index)
    models = {index.names[place] for place in index.call_model}
    if any(model and family(model) == "other" for model in models):
        _scale(index)


def _outputs(index: Index) -> None:
    """What a response weighs is what it cost: sealed thinking takes what its words leave over."""
    written: dict[int, list[int]] = {}
    for at, by in enumerate(index.by):
        if by >= 0 and index.call_output[by] > 0:
            written.setdefault(by, []).append(at)
    tokens, category = index.tokens, index.category
    for call, segments in written.items():
        output = index.call_output[call]
        sealed = [at for at in segments if category[at] == _THINKING]
        rest = sum(tokens[at] for at in segments if category[at] != _THINKING)
        if sealed and rest < output:
            _share(tokens, sealed, output - rest)
        else:
            _share(tokens, segments, output)


def _share(tokens: array[int], segments: list[int], total: int) -> None:
    """Divide ``total`` among segments in proportion to what they had, nothing lost to rounding."""
    weights = [max(1, tokens[at]) for at in segments]
    whole, left, done = sum(weights), total, 0
    for at, weight in zip(segments[:-1], weights[:-1], strict=True):
        done += weight
        part = total * done // whole - (total - left)
        tokens[at] = part
        left -= part
    tokens[segments[-1]] = left


def _scale(index: Index) -> None:
    """Go through the calls in order: what came into the context before a call was estimated with what the calls before
    it had shown."""
    calibration = Calibration()
    tokens, by = index.tokens, index.by
    raw = array("I", tokens)
    at = 0
    last = -1
    for call in range(len(index.call_node)):
        end = index.call_segment[call]
        scale = calibration.scale
        for segment in range(at, end):
            if by[segment] < 0:
                tokens[segment] = round(raw[segment] * scale)
        at = max(at, end)
        reported = index.call_reported[call]
        if reported <= 0:
            continue
        if last >= 0 and index.turn[index.call_node[call]] == index.turn[index.call_node[last]]:
            _learn(index, calibration, raw, last, call)
        last = call
    scale = calibration.scale
    for segment in range(at, len(tokens)):
        if by[segment] < 0:
            tokens[segment] = round(raw[segment] * scale)


def _learn(index: Index, calibration: Calibration, raw: array[int], last: int, call: int) -> None:
    """Compare what came in between two calls of one turn, the response aside, with the growth reported."""
    node, before = index.call_node[call], index.call_node[last]
    if not index.above(node, before):
        return
    estimated = written = 0
    while node > before:
        first = max(index.start[node], before + 1)
        for segment in range(index.first[first], index.end[node]):
            if index.by[segment] < 0:
                estimated += raw[segment]
            else:
                written += index.tokens[segment]
        if index.start[node] <= before:
            break
        node = index.parent[first]
    growth = index.call_reported[call] - index.call_reported[last] - written
    if growth > 0:
        calibration.learn(estimated, growth)
