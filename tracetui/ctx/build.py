"""One pass over the records of a log: the harness's reader numbers the steps, its tracker draws the conversation."""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Final

from tracetui.ctx.estimate import Estimator
from tracetui.ctx.index import NO_PIECE, Effect, Index
from tracetui.ctx.lost import Doubt, lose
from tracetui.ctx.settle import settle
from tracetui.ctx.thinking import decide
from tracetui.harness import HARNESSES
from tracetui.harness.context import CATEGORIES, CAUSES, ROOT, Cause, ContextPiece
from tracetui.model import TOOL_KINDS, LogFacts, Record, Step, TracetuiError
from tracetui.text.safe import one_line

__all__ = ["Builder", "build"]

_PREVIEW: Final = 160
"""Characters of a preview at most."""
_HEAD: Final = 640
_POOL: Final = 64
_TELLING: Final = 8
"""Characters from which on a step's text within a piece tells that the piece is the step's."""
_PLACE: Final = {category: nth for nth, category in enumerate(CATEGORIES)}
_SOUGHT: Final = frozenset({"system", "instructions", "prompt", "summary", "attachment", "message"})
_KINDS: Final[dict[str, tuple[str, ...]]] = {
    "system": ("event",),
    "instructions": ("event", "prompt"),
    "prompt": ("prompt", "event"),
    "message": ("message", "plan", "event", "web"),
    "thinking": ("thinking",),
    "summary": ("compaction", "event"),
    "attachment": ("event", "prompt", "command"),
    "tool_call": tuple(TOOL_KINDS),
    "tool_result": (*TOOL_KINDS, "event"),
}
"""The kinds of steps that a piece of a category can come from."""


_TOLD: Final = frozenset(_PLACE[name] for name in ("prompt", "message", "tool_call", "tool_result"))


def _hash(*texts: str) -> int:
    digest = blake2b(digest_size=8)
    for text in texts:
        digest.update(text.encode("utf-8", "surrogatepass"))
        digest.update(b"\0")
    return int.from_bytes(digest.digest(), "little", signed=True) or 1


@dataclass(slots=True)
class _Begun:
    """A step as far as segments are matched with it."""

    number: int
    kind: str
    text: str | None
    bound: bool = False


class Builder:
    """Makes an ``Index`` out of records; is the ``Canvas`` that the harness's tracker draws on.

    ``stem``: the stem of the file's name. ``feed`` takes the records in file order; ``inherit`` takes, before them,
    what another log holds of this conversation's beginning (as log number ``nth``). ``finish`` gives the index.
    ``fallback``: with the harness's other tracker, for logs with nothing that the usual one goes by. ``first`` is the
    number of the log's first step.
    """

    def __init__(self, harness: str, stem: str, *, fallback: bool = False, first: int = 1) -> None:
        maker = HARNESSES.get(harness)
        if maker is None or maker.context is None:
            raise TracetuiError(f"No way to tell contexts of {harness!a} in this tracetui")
        self.index = Index.empty(harness)
        self._rules = maker.context
        self.index.system_first = maker.context.system_first
        self._reader = maker.reader(stem)
        tracker = maker.context.fallback if fallback else None
        self._tracker = (tracker or maker.context.tracker)(self, stem)
        self._estimator = Estimator(harness)
        self._log = 0
        self._steps: Sequence[Step] = ()
        self._here: list[_Begun] = []
        self._pool: deque[_Begun] = deque(maxlen=_POOL)
        self._doubts: list[Doubt] = []
        self._before = first - 1
        self._begun = 0
        self._of_call: dict[int, int] = {}
        self._calls: dict[str, int] = {}
        self._names: dict[str, int] = {"": 0}
        self._texts: dict[int, int | list[int]] = {}
        self._keyed: dict[int, int | list[int]] = {}
        self._responses: array[int] = array("i", [-1])  # step -> place in _response_names
        self._response_names: dict[str, int] = {}
        self._usage: dict[str, tuple[int, int, str | None]] = {}

    @property
    def empty(self) -> bool:
        """Whether models answered and nothing of the conversation was found: the fallback may find it."""
        index = self.index
        rules = self._rules
        return (
            rules.fallback is not None
            and bool(self._response_names)
            and not any(place in _TOLD for place in index.category)
        )

    @property
    def facts(self) -> LogFacts:
        """What the log says about itself so far."""
        return self._reader.facts

    # ---- records in --------------------------------------------------------------------------------------------------

    def inherit(self, records: Iterable[Record], nth: int) -> None:
        """Records of another log that this conversation goes on from: context, but no steps of this log."""
        self._log = nth
        self._steps, self._here = (), []
        for record in records:
            self._tracker.feed(record, ())
        self._log = 0

    def feed(self, record: Record) -> None:
        """Take the next record."""
        reader = self._reader
        reader.feed(record)
        steps = reader.take()
        if self._before:
            steps = [replace(step, number=step.number + self._before) for step in steps]
        if record.oversize:
            self.index.incomplete = True
        if steps:
            self._note(steps)
        else:
            self._here = []
        count = getattr(reader, "count", None)
        if type(count) is int and count + self._before < self._begun:
            self._renumber(count + self._before)
        self._steps = steps
        self._tracker.feed(record, steps)

    def finish(self) -> Index:
        """The index, when all records were fed."""
        index = self.index
        index.window = self._reader.facts.window
        names = [""] * len(self._response_names)
        for name, at in self._response_names.items():
            names[at] = name
        places = [self._calls.get(name, -1) for name in names]
        index.step_call = array("i", [-1])
        for number in range(1, len(self._responses)):
            at = self._responses[number]
            place = places[at] if at >= 0 else -1
            index.step_call.append(place)
            if place >= 0 and not index.call_step[place]:
                index.call_step[place] = number
        index.settle()
        settle(index)
        lose(index, self._doubts, {key: _many(found) for key, found in self._keyed.items()} if self._doubts else {})
        decide(index, self._rules.keeps_thinking, self._reader.facts.version)
        return index

    def _note(self, steps: Sequence[Step]) -> None:
        here: list[_Begun] = []
        responses = self._responses
        for step in steps:
            number = step.number
            while len(responses) <= number:
                responses.append(-1)
            if step.response is not None and step.kind != "compaction":
                responses[number] = self._response_names.setdefault(step.response, len(self._response_names))
                self._take_usage(step)
            if step.tool is not None and step.tool.call_id:
                self._of_call[_hash(step.tool.call_id)] = number
            begun = _Begun(number, step.kind, step.text)
            here.append(begun)
            if number > self._begun:
                self._begun = number
                self._pool.append(begun)
        self._here = here

    def _take_usage(self, step: Step) -> None:
        tokens, name = step.tokens, step.response
        assert name is not None
        if tokens is None:
            if step.model:
                self._model_of(name, step.model)
            return
        place = self._calls.get(name)
        self._usage[name] = tokens.prompt, tokens.output, step.model
        if place is not None:
            self._report(place, name)

    def _model_of(self, name: str, model: str) -> None:
        place = self._calls.get(name)
        if place is not None:
            self.index.call_model[place] = self._name(model)
            self._estimator.model = model
        else:
            self._usage.setdefault(name, (-1, -1, model))

    def _report(self, place: int, name: str) -> None:
        index = self.index
        prompt, output, model = self._usage.pop(name)
        if prompt > 0:
            index.call_reported[place] = prompt
            index.call_output[place] = output
        if model:
            index.call_model[place] = self._name(model)
            self._estimator.model = model

    def _renumber(self, count: int) -> None:
        """What was read so far turned out to be copied history: its steps are no steps of this log."""
        self._begun = count
        index = self.index
        for at in range(len(index.step)):
            index.step[at] = 0
        del self._responses[count + 1 :]
        here = {begun.number for begun in self._here}
        for number in range(1, len(self._responses)):
            if number not in here:
                self._responses[number] = -1
        self._of_call.clear()
        self._pool.clear()
        self._pool.extend(begun for begun in self._here if begun.number <= count)

    # ---- the canvas --------------------------------------------------------------------------------------------------

    def node(
        self,
        parent: int,
        record: Record,
        pieces: Sequence[ContextPiece],
        *,
        first: int = 0,
        turn: bool = False,
        origin: int | None = None,
        by: int = ROOT,
    ) -> int:
        """See ``Canvas.node``."""
        begin = len(self.index.category)
        for at, piece in enumerate(pieces):
            self._segment(record, piece, first + at, origin, by)
        return self._add(parent, begin, len(self.index.category), turn)

    def again(self, parent: int, node: int) -> int:
        """See ``Canvas.again``."""
        index = self.index
        new = self._add(parent, index.first[node], index.end[node], index.turn[node] == node)
        if node in index.effects:
            index.effects[new] = index.effects[node]
        return new

    def reuse(self, parent: int, segment: int, *, turn: bool = False) -> int:
        """See ``Canvas.reuse``."""
        return self._add(parent, segment, segment + 1, turn)

    def find(self, piece: ContextPiece, taken: Container[int]) -> int | None:
        """See ``Canvas.find``."""
        found = self._texts.get(_hash(piece.category, piece.text)) if piece.category in _SOUGHT else None
        for at in _many(found):
            if at not in taken:
                return at
        return None

    def cut(self, node: int, prior: int, cause: Cause) -> None:
        """See ``Canvas.cut``."""
        self.index.cuts[node] = prior, CAUSES.index(cause)

    def replace(self, node: int, keys: Mapping[str, Sequence[ContextPiece]], record: Record, cause: Cause) -> None:
        """See ``Canvas.replace``."""
        index = self.index
        limit = index.first[node]
        found: dict[int, tuple[int, ...]] = {}
        place = 0
        for name, pieces in keys.items():
            key = _hash(name)
            old = [at for at in _many(self._keyed.get(key)) if at < limit]
            if not old:
                continue
            new: list[int] = []
            for piece in pieces:
                own = cause == "edit"
                category = CATEGORIES[index.category[old[0]]]
                piece = piece._replace(category=category, key=name, name=index.names[index.name[old[0]]] or None)
                new.append(self._segment(record, piece, place if own else NO_PIECE, index.step[old[0]]))
                place += 1
            found[key] = tuple(new)
        if found:
            index.effects[node] = Effect(limit, CAUSES.index(cause), found)

    def doubt(self, node: int, keys: Sequence[str], likely: bool) -> None:
        """See ``Canvas.doubt``."""
        self._doubts.append(Doubt(node, tuple(_hash(key) for key in keys), likely))

    def call(self, response: str | None, parent: int) -> int:
        """See ``Canvas.call``."""
        if response is not None and response in self._calls:
            return self._calls[response]
        index = self.index
        place = len(index.call_node)
        index.call_node.append(parent)
        index.call_segment.append(len(index.category))
        index.call_step.append(0)
        index.call_reported.append(-1)
        index.call_output.append(-1)
        index.call_model.append(0)
        index.call_keeps.append(-1)
        if response is not None:
            self.named(place, response)
        return place

    def named(self, call: int, response: str) -> None:
        """See ``Canvas.named``."""
        self._calls.setdefault(response, call)
        if response in self._usage:
            self._report(self._calls[response], response)

    def keeps(self, call: int, kept: bool) -> None:
        """See ``Canvas.keeps``."""
        self.index.call_keeps[call] = kept

    def lacks(self, what: str, call: int = ROOT) -> None:
        """See ``Canvas.lacks``."""
        known = self.index.lacks.setdefault(call, [])
        if what not in known:
            known.append(what)

    def beside(self, record: Record) -> None:
        """See ``Canvas.beside``."""
        if not self._log:
            self.index.beside.append((len(self.index.call_node), str(record.value.get("type")), *record.source))

    def parent(self, node: int) -> int:
        """See ``Canvas.parent``."""
        return self.index.parent[node]

    def turns(self, node: int) -> int:
        """See ``Canvas.turns``."""
        return self.index.turn[node] if node >= 0 else ROOT

    def categories(self, node: int) -> frozenset[str]:
        """See ``Canvas.categories``."""
        index = self.index
        return frozenset(CATEGORIES[place] for place in index.category[index.first[node] : index.end[node]])

    # ---- segments and nodes ------------------------------------------------------------------------------------------

    def _add(self, parent: int, begin: int, end: int, turn: bool) -> int:
        index = self.index
        node = len(index.parent)
        index.parent.append(parent)
        index.first.append(begin)
        index.end.append(end)
        index.turn.append(node if turn else index.turn[parent] if parent >= 0 else ROOT)
        joined = parent == node - 1 and parent >= 0 and index.end[parent] == begin
        index.start.append(index.start[parent] if joined else node)
        return node

    def _segment(self, record: Record, piece: ContextPiece, place: int, origin: int | None, by: int = ROOT) -> int:
        index = self.index
        at = len(index.category)
        source = record.source
        index.category.append(_PLACE[piece.category])
        index.log.append(self._log)
        index.line.append(source.line)
        index.offset.append(source.offset)
        index.length.append(source.length)
        index.nth.append(min(record.nth, 0xFFFF))
        index.place.append(min(place, NO_PIECE))
        index.step.append(origin if origin is not None else self._origin(piece))
        if piece.limit and self._rules.shorten is not None:
            piece = piece._replace(text=self._rules.shorten(piece.text, piece.limit))
        index.limit.append(piece.limit)
        text = piece.text
        index.size.append(len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass")))
        index.tokens.append(self._estimator.tokens(piece))
        index.key.append(_hash(piece.key) if piece.key else 0)
        index.call_key.append(_hash(piece.call) if piece.call else 0)
        index.name.append(self._name(piece.name or ""))
        index.hidden.append(min(piece.hidden, 0xFFFFFFFF))
        index.images.append(min(piece.images, 0xFFFF))
        index.by.append(by)
        index.preview.append(_preview(text))
        if piece.category in _SOUGHT:
            _put(self._texts, _hash(piece.category, text), at)
        if piece.key:
            _put(self._keyed, index.key[at], at)
        return at

    def _name(self, name: str) -> int:
        name = name[:80]
        place = self._names.get(name)
        if place is None:
            if len(self._names) >= 10_000:
                return 0
            place = self._names[name] = len(self.index.names)
            self.index.names.append(name)
        return place

    def _origin(self, piece: ContextPiece) -> int:
        """The step that a piece belongs to; 0 for inherited history and what is no step."""
        if self._log:
            return 0
        if piece.call and piece.category in ("tool_call", "tool_result"):
            number = self._of_call.get(_hash(piece.call))
            if number is not None:
                return number
        kinds = _KINDS[piece.category]
        text = piece.text.strip()
        fits = [begun for begun in self._here if begun.kind in kinds]
        for begun in fits:
            if not begun.bound and begun.text is not None and begun.text.strip() == text:
                begun.bound = True
                return begun.number
        for begun in fits:
            if not begun.bound:
                begun.bound = True
                return begun.number
        if fits:
            return fits[0].number
        for begun in reversed(self._pool):
            if begun.kind in kinds and begun.text and not begun.bound:
                said = begun.text.strip()
                if said == text or (len(said) >= _TELLING and said in text):
                    begun.bound = True
                    return begun.number
        return 0


def _preview(text: str) -> str:
    """The beginning of a text as one safe line."""
    line = str(one_line(text[:_HEAD]))
    return line if len(line) <= _PREVIEW else line[: _PREVIEW - 1].rstrip() + "…"


def _many(found: int | list[int] | None) -> Sequence[int]:
    return () if found is None else [found] if isinstance(found, int) else found


def _put(box: dict[int, int | list[int]], key: int, at: int) -> None:
    """Most keys have one segment: those take no list."""
    known = box.get(key)
    if known is None:
        box[key] = at
    elif isinstance(known, int):
        box[key] = [known, at]
    elif len(known) < 10_000:
        known.append(at)


def build(harness: str, stem: str, records: Sequence[Record]) -> Index:
    """The index of one log, from its records in file order."""
    builder = Builder(harness, stem)
    for record in records:
        builder.feed(record)
    if builder.empty:
        builder = Builder(harness, stem, fallback=True)
        for record in records:
            builder.feed(record)
    return builder.finish()
