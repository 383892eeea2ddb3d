"""A context to look at: what the model saw when it made a step, and how two contexts differ."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from tracetui.ctx.estimate import window_of
from tracetui.ctx.index import NO_PIECE, ContextView, Index
from tracetui.harness import HARNESSES
from tracetui.harness.context import CATEGORIES, CAUSES, Category, Cause, ContextPiece
from tracetui.model import Record, Source, TracetuiError

__all__ = ["Context", "DroppedSegment", "NoCall", "Segment", "context_of", "gone", "piece_of", "segment"]

_SYSTEM: Final = CATEGORIES.index("system")
_SEALED: Final = "thinking that the log holds sealed only"
_UNREAD: Final = "parts that could not be read"


class NoCall(TracetuiError):
    """A step that no model produced; ``next_step`` is the next one that a model did, None where there is none."""

    def __init__(self, message: str, next_step: int | None) -> None:
        super().__init__(message)
        self.next_step = next_step


class Segment(NamedTuple):
    """A part of a context. ``at`` is its place in the index, the same in every context; ``n`` counts in this one from
    1. ``from_step`` is None for what is no step of this log. ``bytes`` count its text; ``tokens`` are estimated."""

    n: int
    at: int
    category: Category
    from_step: int | None
    tokens: int
    bytes: int
    preview: str
    name: str | None
    log: int
    source: Source


class DroppedSegment(NamedTuple):
    """A segment that left a context, and why."""

    at: int
    cause: Cause


@dataclass(frozen=True, slots=True)
class Context:
    """What the model saw for ``step``: its segments by ``ids``, in order.

    ``first_step`` is the first step of the same response; ``reported`` the prompt that the log states, in tokens;
    ``estimated`` the sum over the segments; ``missing`` names what the log never holds, ``missing_tokens`` its size:
    what the thread's first call reports beyond what is seen of it, and never more than this call does.
    ``window_guessed``: by the model's name. ``thinking``: how it is known whether the thinking of earlier turns stayed
    (``stated``, ``known``, ``measured``, ``assumed``).
    """

    index: Index
    step: int
    first_step: int
    call: int
    model: str | None
    exact: bool
    reported: int | None
    estimated: int
    window: int | None
    window_guessed: bool
    thinking: str
    missing: tuple[str, ...]
    missing_tokens: int | None
    view: ContextView

    @property
    def ids(self) -> Sequence[int]:
        """The places of the segments in the index, in order."""
        return self.view.ids

    @property
    def keeps_thinking(self) -> bool:
        """Whether the thinking of earlier turns stays in this context."""
        return self.index.call_keeps[self.call] != 0

    def __len__(self) -> int:
        return len(self.view.ids)

    def segment(self, n: int) -> Segment:
        """The segment ``n``, counted from 1."""
        return segment(self.index, self.view.ids[n - 1], n)

    def segments(self) -> Iterator[Segment]:
        """All segments, in order."""
        for n, at in enumerate(self.view.ids, 1):
            yield segment(self.index, at, n)

    def by_category(self) -> dict[Category, tuple[int, int]]:
        """Segments and estimated tokens per category that occurs, in the order of ``CATEGORIES``."""
        counts = [[0, 0] for _ in CATEGORIES]
        category, tokens = self.index.category, self.index.tokens
        for at in self.view.ids:
            count = counts[category[at]]
            count[0] += 1
            count[1] += tokens[at]
        return {name: (count[0], count[1]) for name, count in zip(CATEGORIES, counts, strict=True) if count[0]}


def segment(index: Index, at: int, n: int = 0) -> Segment:
    """A segment by its place in the index."""
    return Segment(
        n,
        at,
        CATEGORIES[index.category[at]],
        index.step[at] or None,
        index.tokens[at],
        index.size[at],
        index.preview[at],
        index.names[index.name[at]] or None,
        index.log[at],
        Source(index.line[at], index.offset[at], index.length[at]),
    )


def context_of(index: Index, step: int) -> Context:
    """The context of a step. Raises NoCall (status 1) where no model produced the step."""
    call = index.call_of(step)
    if call is None:
        later = index.next_step(step)
        hint = f"the next model call is that of step {later:,}" if later else "no model call follows it"
        raise NoCall(f"Step {step:,} was not produced by a model; {hint}", later)
    found = index.call(call)
    view = index.view(call)
    estimated = _sum(index, view)
    reported = found.reported if found.reported > 0 else None
    exact = _exact(index, view)
    missing, size = ((), None) if exact else (_missing(index, view, call), _missing_tokens(index, call, estimated))
    window = index.window
    guessed = window is None
    if window is None:
        window = window_of(found.model, max(reported or 0, estimated))
    return Context(
        index, step, found.step or step, call, found.model, exact, reported, estimated, window,
        guessed and window is not None, index.certainty.get(index.call_model[call], "assumed"), missing, size, view,
    )  # fmt: skip


def _exact(index: Index, view: ContextView) -> bool:
    """Whether the log holds everything that the model saw."""
    rules = HARNESSES[index.harness].context
    if rules is None or not rules.complete or index.incomplete or not view.ids:
        return False
    if index.category[view.ids[0]] != _SYSTEM:
        return False
    if rules.system_first:
        shown = index.system.intersection(view.ids)
        if not any(index.names[index.name[at]].startswith("tool ") for at in shown):
            return False
    return index.sealed.isdisjoint(view.ids)


def _sum(index: Index, view: ContextView) -> int:
    return sum(map(index.tokens.__getitem__, view.ids))


def _missing(index: Index, view: ContextView, call: int) -> tuple[str, ...]:
    rules = HARNESSES[index.harness].context
    names = list(rules.missing) if rules is not None else []
    shown = {index.names[index.name[at]] for at in index.system.intersection(view.ids)}
    if any(not name.startswith(("tool ", "dynamic_tools", "additional_tools")) for name in shown):
        names = [name for name in names if name != "system prompt"]
    if any(name.startswith("tool ") for name in shown):
        names = [name for name in names if name != "tool schemas"]
    if len(shown) > 1 and rules is not None and rules.system_first:
        names = []
    names += [*index.lacks.get(-1, ()), *index.lacks.get(call, ())]
    if not index.sealed.isdisjoint(view.ids):
        names.append(_SEALED)
    if index.incomplete:
        names.append(_UNREAD)
    return tuple(names)


def _missing_tokens(index: Index, call: int, estimated: int) -> int | None:
    """What the first call of the thread with a report reports beyond what is seen of it; with what this call shows
    never more than this call reports."""
    node = index.call_node[call]
    own = index.call_reported[call] - estimated if index.call_reported[call] > 0 else None
    for at in range(call + 1):
        if index.call_reported[at] <= 0:
            continue
        other = index.call_node[at]
        if at == call or index.same_thread(other, node):
            first = index.call_reported[at] - _sum(index, index.view(at))
            return max(0, first if own is None else min(first, own))
    return None


def gone(index: Index, before: int, after: int) -> list[DroppedSegment]:
    """What stood in the context of the call ``before`` and does not in that of ``after``, with the cause of each."""
    old, new = index.view(before), index.view(after)
    stays = set(new.ids)
    left = [at for at in old.ids if at not in stays]
    if not left:
        return []
    dropped = set(new.thinking)
    cuts = _cuts(index, before, after)
    causes: list[DroppedSegment] = []
    for at in left:
        if at in new.replaced:
            cause = CAUSES[new.replaced[at]]
        elif at in dropped:
            cause = "thinking_of_earlier_turn"
        else:
            cause = next((why for inside, why in cuts if at in inside), "rollback")
        causes.append(DroppedSegment(at, cause))
    return causes


def _cuts(index: Index, before: int, after: int) -> list[tuple[set[int], Cause]]:
    """The segments of the chains that were cut off between two calls, and why."""
    known = set(index.chain_cuts(index.call_node[before]))
    out: list[tuple[set[int], Cause]] = []
    seen: set[int] = set()
    nodes = [index.call_node[after]]
    while nodes:
        for mark in index.chain_cuts(nodes.pop()):
            if mark in known or mark in seen:
                continue
            seen.add(mark)
            prior, cause = index.cuts[mark]
            out.append((set(index.view_at(prior, 1).ids), CAUSES[cause]))
            nodes.append(prior)
    return out


def piece_of(
    index: Index, at: int, records: Callable[[int, Source], Sequence[Record]], *, whole: bool = False
) -> ContextPiece:
    """A segment's piece, read again from its line: ``records(log, source)`` gives the records of one line. ``whole``:
    with all of a text that the program cut when it sent it."""
    category = CATEGORIES[index.category[at]]
    name = index.names[index.name[at]] or None
    place = index.place[at]
    if place != NO_PIECE:
        rules = HARNESSES[index.harness].context
        source = Source(index.line[at], index.offset[at], index.length[at])
        for record in records(index.log[at], source):
            if record.nth == index.nth[at] and rules is not None:
                found = rules.pieces(record)
                if place < len(found):
                    piece = found[place]._replace(category=category)
                    limit = index.limit[at]
                    if limit and rules.shorten is not None and not whole:
                        piece = piece._replace(text=rules.shorten(piece.text, limit))
                    return piece
    return ContextPiece(category, index.preview[at], name=name)
