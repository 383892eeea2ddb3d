"""The contexts of all steps of a log, in shared, compact form.

Segments stand once, in file order, in arrays; nodes name stretches of them and a parent; a model call names the node
at which its context ends. Consecutive nodes are walked as one run, so that a context of 100,000 segments is put
together from a few slices.
"""

from __future__ import annotations

import marshal
from array import array
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from tracetui.harness.context import CATEGORIES

__all__ = ["NO_PIECE", "OWN", "ContextView", "Effect", "Index", "ModelCall"]

NO_PIECE: Final = 0xFFFF
"""Place of a segment that is no piece of its record: its preview is its text."""
OWN: Final = 2
"""Of the thinking of earlier turns only what the same model thought stays."""
_THINKING: Final = CATEGORIES.index("thinking")
_SYSTEM: Final = CATEGORIES.index("system")
_VERSION: Final = 4
_ARRAYS: Final = {
    "category": "B", "log": "B", "line": "I", "offset": "Q", "length": "Q", "nth": "H", "place": "H", "step": "i",
    "size": "Q", "tokens": "I", "key": "q", "call_key": "q", "name": "I", "hidden": "I", "images": "H", "by": "i",
    "limit": "q",
    "parent": "i", "first": "I", "end": "I", "start": "i", "turn": "i",
    "call_node": "i", "call_step": "i", "call_reported": "q", "call_output": "q", "call_model": "I",
    "call_segment": "I", "call_keeps": "b",
    "step_call": "i",
}  # fmt: skip


_PLAIN: Final = (
    "preview", "names", "cuts", "others", "certainty", "lacks", "beside", "harness", "system_first", "window",
    "incomplete",
)  # fmt: skip


class Effect(NamedTuple):
    """What a node does to earlier segments with these keys: each is replaced by segments, or by none. Only segments
    below ``limit`` are meant."""

    limit: int
    cause: int
    keys: dict[int, tuple[int, ...]]


class ModelCall(NamedTuple):
    """A model call: the node at which its context ends, its first step (0: none), what the log reports (-1: nothing)
    of prompt and output, and its model."""

    node: int
    step: int
    reported: int
    output: int
    model: str | None


class ContextView(NamedTuple):
    """A context: its segments in order."""

    ids: array[int]
    replaced: dict[int, int]
    """Segments that others took the place of, with the cause's place in ``CAUSES``."""
    thinking: array[int]
    """Thinking of earlier turns that was left out."""


@dataclass(slots=True)
class Index:
    """Arrays of segments (``category`` to ``by``, ``preview``), nodes (``parent`` to ``turn``), calls and steps.

    ``step_call`` goes by step number (0 is unused) and holds places of calls, -1 for steps that no model produced.
    ``cuts`` are nodes at which a chain begins anew: the chain that ended at a node left for a cause. ``call_keeps``
    says for each call whether the thinking of earlier turns stays (0: no, 1: yes, ``OWN``, -1: not known yet),
    ``certainty`` per model how that is known.
    """

    category: array[int]
    log: array[int]
    line: array[int]
    offset: array[int]
    length: array[int]
    nth: array[int]
    place: array[int]
    step: array[int]
    size: array[int]
    tokens: array[int]
    key: array[int]
    call_key: array[int]
    name: array[int]
    hidden: array[int]
    images: array[int]
    by: array[int]
    limit: array[int]
    preview: list[str]
    names: list[str]
    parent: array[int]
    first: array[int]
    end: array[int]
    start: array[int]
    turn: array[int]
    cuts: dict[int, tuple[int, int]]
    effects: dict[int, Effect]
    call_node: array[int]
    call_step: array[int]
    call_reported: array[int]
    call_output: array[int]
    call_model: array[int]
    call_segment: array[int]
    call_keeps: array[int]
    step_call: array[int]
    others: list[str]
    """Sessions that the conversation goes on from; segments of log ``n`` > 0 are of ``others[n - 1]``."""
    certainty: dict[int, str]
    """Models (places in ``names``): ``stated`` by the log, ``known`` of model and version, ``measured`` by the growth
    of reported tokens, or ``assumed``."""
    lacks: dict[int, list[str]]
    """What the model saw and the log shows to be missing, per call; -1: of all."""
    beside: list[tuple[int, str, int, int, int]]
    """Records that a native copy needs: the calls that were before it, its type, and its line, offset and length."""
    harness: str = ""
    system_first: bool = False
    window: int | None = None
    incomplete: bool = False
    """Something that the model saw could not be read (a line over the limit, a parent's log that is gone)."""
    sealed: frozenset[int] = frozenset()
    """Segments that the log holds encrypted only."""
    system: frozenset[int] = frozenset()
    """Segments of the category ``system``."""

    @classmethod
    def empty(cls, harness: str) -> Index:
        """An index of nothing."""
        arrays: dict[str, Any] = {name: array(code) for name, code in _ARRAYS.items()}
        arrays["step_call"].append(-1)
        empty: dict[str, Any] = {"preview": [], "names": [""], "cuts": {}, "effects": {}, "others": []}
        return cls(**arrays, **empty, certainty={}, lacks={}, beside=[], harness=harness)

    def settle(self) -> None:
        """Work out what is asked of every context: to be called once nothing changes any more."""
        size = self.size
        self.sealed = frozenset(at for at, hidden in enumerate(self.hidden) if hidden and not size[at])
        self.system = frozenset(at for at, place in enumerate(self.category) if place == _SYSTEM)

    # ---- contexts ----------------------------------------------------------------------------------------------------

    def call(self, place: int) -> ModelCall:
        """A call by its place."""
        return ModelCall(
            self.call_node[place],
            self.call_step[place],
            self.call_reported[place],
            self.call_output[place],
            self.names[self.call_model[place]] or None,
        )

    def call_of(self, step: int) -> int | None:
        """The place of the call that produced a step; None where no model did."""
        if 0 < step < len(self.step_call):
            place = self.step_call[step]
            return place if place >= 0 else None
        return None

    def next_step(self, step: int) -> int | None:
        """The first step after ``step`` that a model produced."""
        for number in range(step + 1, len(self.step_call)):
            if self.step_call[number] >= 0:
                return number
        return None

    def runs(self, node: int) -> list[tuple[int, int]]:
        """The chain of a node as runs of consecutive nodes, from the root on."""
        out: list[tuple[int, int]] = []
        while node >= 0:
            first = self.start[node]
            out.append((first, node))
            node = self.parent[first]
        out.reverse()
        return out

    def chain_cuts(self, node: int) -> list[int]:
        """The cuts on the chain of a node, the latest first."""
        marks = sorted(self.cuts)
        return [mark for first, last in reversed(self.runs(node)) for mark in _between(marks, first, last)[::-1]]

    def above(self, node: int, ancestor: int) -> bool:
        """Whether ``ancestor`` is ``node`` or stands above it."""
        while node > ancestor:
            first = self.start[node]
            if first <= ancestor:
                return True
            node = self.parent[first]
        return node == ancestor

    def view(self, call: int) -> ContextView:
        """The context of a call."""
        return self.view_at(self.call_node[call], self.call_keeps[call], self.call_model[call])

    def view_at(self, node: int, keeps: int, model: int = -1) -> ContextView:
        """The context that ends at a node. ``keeps``: with the thinking of earlier turns, as in ``call_keeps``; with
        ``OWN`` that of ``model``."""
        runs = self.runs(node)
        ids, gone = self._segments(runs, -1 if keeps or node < 0 else self.turn[node])
        if keeps == OWN:
            others = {at for at in ids if self.category[at] == _THINKING and self._other(at, model)}
            if others:
                gone.extend(sorted(others))
                ids = array("I", [at for at in ids if at not in others])
        if self.system_first and self.system:
            system = self.system
            ids = array("I", [*(at for at in ids if at in system), *(at for at in ids if at not in system)])
        replaced: dict[int, int] = {}
        active = self._active(runs, replaced)
        if active:
            ids = self._replace(ids, active, replaced)
        return ContextView(ids, replaced, gone)

    def _segments(self, runs: list[tuple[int, int]], turn: int) -> tuple[array[int], array[int]]:
        """The segments of runs of nodes, and the thinking that is left out of what stands before the node ``turn``."""
        ids, gone = array("I"), array("I")
        first, end, category = self.first, self.end, self.category
        for begin, last in runs:
            if turn < 0 or begin >= turn:
                ids.extend(range(first[begin], end[last]))
                continue
            cut = min(last, turn - 1)
            part = range(first[begin], end[cut])
            gone.extend([at for at in part if category[at] == _THINKING])
            if gone:
                ids.extend([at for at in part if category[at] != _THINKING])
            else:
                ids.extend(part)
            if cut < last:
                ids.extend(range(first[cut + 1], end[last]))
        return ids, gone

    def _other(self, at: int, model: int) -> bool:
        """Whether another model wrote a segment."""
        by = self.by[at]
        return by >= 0 and self.call_model[by] != model

    def _active(self, runs: list[tuple[int, int]], replaced: dict[int, int]) -> dict[int, Effect]:
        """What effects on the chain say of each key; the latest wins, and what earlier ones put there is replaced."""
        if not self.effects:
            return {}
        marks = sorted(self.effects)
        active: dict[int, Effect] = {}
        for first, last in reversed(runs):
            for mark in _between(marks, first, last)[::-1]:
                effect = self.effects[mark]
                for key, new in effect.keys.items():
                    winner = active.setdefault(key, effect)
                    if winner is not effect:
                        replaced.update(dict.fromkeys(new, winner.cause))
        return active

    def _replace(self, ids: array[int], active: dict[int, Effect], replaced: dict[int, int]) -> array[int]:
        out = array("I")
        done: set[int] = set()
        keys = self.key
        for at in ids:
            key = keys[at]
            effect = active.get(key) if key else None
            if effect is None or at >= effect.limit:
                out.append(at)
                continue
            replaced[at] = effect.cause
            if key not in done:
                done.add(key)
                out.extend(effect.keys[key])
        return out

    def root(self, node: int) -> int:
        """The first node of the chain of a node, through cuts."""
        while node >= 0:
            runs_first = node
            while True:
                runs_first = self.start[node]
                if self.parent[runs_first] < 0:
                    break
                node = self.parent[runs_first]
            cut = next((self.cuts[mark] for mark in self.chain_cuts(node)), None)
            if cut is None:
                return runs_first
            node = cut[0]
        return -1

    def same_thread(self, one: int, other: int) -> bool:
        """Whether two nodes belong to one conversation, compactions and branches included."""
        return one < 0 or other < 0 or self.root(one) == self.root(other)

    # ---- to bytes and back -------------------------------------------------------------------------------------------

    def dump(self) -> bytes:
        """Everything as bytes, for a cache in the bucket."""
        state: dict[str, Any] = {name: getattr(self, name).tobytes() for name in _ARRAYS}
        for name in _PLAIN:
            state[name] = getattr(self, name)
        state["effects"] = {node: tuple(effect) for node, effect in self.effects.items()}
        state["version"] = _VERSION
        return marshal.dumps(state)

    @classmethod
    def load(cls, data: bytes) -> Index:
        """The reverse of ``dump``; raises ValueError where the bytes are none of this version's."""
        try:
            state = marshal.loads(data)  # noqa: S302 - our own bytes, out of the private bucket
        except (EOFError, TypeError, ValueError) as error:
            raise ValueError("not a context index") from error
        if not isinstance(state, dict) or state.get("version") != _VERSION:
            raise ValueError("a context index of another version")
        values: dict[str, Any] = {}
        for name, code in _ARRAYS.items():
            values[name] = array(code)
            values[name].frombytes(state[name])
        for name in _PLAIN:
            values[name] = state[name]
        values["effects"] = {node: Effect(*effect) for node, effect in state["effects"].items()}
        index = cls(**values)
        index.settle()
        return index


def _between(marks: list[int], first: int, last: int) -> list[int]:
    return marks[bisect_left(marks, first) : bisect_right(marks, last)]
