"""What readers of harnesses with plain records share: steps in the making, calls that wait for their result, counts.

A reader of this kind is a ``Stepper`` with a method that takes one record. It names what it keeps across a growth of
the log in ``small`` (plain JSON values); drafts that wait or may still change are kept by the base.
"""

from __future__ import annotations

import base64
from collections import Counter
from dataclasses import fields
from hashlib import blake2b
from typing import Any, Final

import orjson

from tracetui.harness import tools
from tracetui.harness.content import mark, size_words
from tracetui.model import Kind, LogFacts, Problem, Record, Source, Step, Tokens, ToolUse

__all__ = ["StepDraft", "Stepper", "noted", "number", "string"]

_FACTS: Final = tuple(field.name for field in fields(LogFacts))
_OPEN_MAX: Final = 256
"""Calls that wait for their result at most; the oldest is given up."""
_MARK: Final = 6
"""Bytes of the mark that is kept of each identity seen: a false match in a million records is one in 560."""
_TYPE_MAX: Final = 60


def string(value: object) -> str | None:
    """A string that is not empty, else None."""
    return value if isinstance(value, str) and value else None


def number(value: object) -> int | None:
    """A whole number from 0 on, else None."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1 << 53:
        return None
    return int(value)


def noted(record: Record, text: str) -> str:
    """``text``, and for a line over the limit a note in place of the rest."""
    if not record.oversize:
        return text
    note = mark("line of", size_words(record.source.length), "kept but not read")
    return f"{text}\n{note}" if text else note


class StepDraft:
    """A step in the making; ``name`` is the tool's, None for steps without one. Fields as in ``model.Step``."""

    text: str | None = None
    model: str | None = None
    response: str | None = None
    tokens: Tokens | None = None
    cost: float | None = None
    images = 0
    name: str | None = None
    given: Any = None
    output: str | None = None
    is_error: bool | None = None
    exit_code: int | None = None
    call: str | None = None
    duration: int | None = None
    thread: str | None = None
    sidechain = False

    def __init__(self, number: int, kind: Kind, key: str, source: Source, time: int | None, summary: str) -> None:
        self.number = number
        self.kind: Kind = kind
        self.key = key
        self.sources: tuple[Source, ...] = (source,)
        self.time = time
        self.summary = summary

    def add(self, source: Source, keep: int = 1) -> None:
        """One more source; of those beyond the first ``keep``, only the latest of a record that changes is needed."""
        if source not in self.sources:
            self.sources = (*self.sources[:keep], source) if keep else (*self.sources, source)

    def step(self) -> Step:
        """The step as it stands."""
        tool = None
        if self.name is not None:
            tool = ToolUse(self.name, self.given, self.output, self.is_error, self.exit_code, self.call, self.duration)
        return Step(
            *(self.number, self.kind, self.key, self.sources, self.time, self.model, self.text, tool, self.tokens),
            *(self.summary, self.response, self.thread, self.sidechain, self.images, self.cost),
        )

    def dump(self) -> dict[str, Any]:
        """JSON values."""
        values = dict(vars(self))
        values["sources"] = [list(source) for source in self.sources]
        tokens = self.tokens
        values["tokens"] = [tokens.input, tokens.output, tokens.cache_read, tokens.cache_write] if tokens else None
        return values

    @classmethod
    def load(cls, values: dict[str, Any]) -> StepDraft:
        """What ``dump`` wrote."""
        draft = cls.__new__(cls)
        vars(draft).update(values)
        draft.sources = tuple(Source(*source) for source in values["sources"])
        draft.tokens = Tokens(*values["tokens"]) if values["tokens"] else None
        return draft


class Stepper:
    """The part of a ``base.Reader`` that does not depend on the format."""

    harness = ""
    version = 1
    """Of the state; raised when what ``small`` names changes."""
    small: tuple[str, ...] = ()
    """Attributes with plain JSON values that a dump carries."""
    held: tuple[str, ...] = ()
    """Attributes that map strings to drafts."""

    def __init__(self, stem: str, state: bytes | None = None) -> None:
        self.facts = LogFacts(harness=self.harness, session=stem)
        self.known: Counter[str] = Counter()
        self.unknown: Counter[str] = Counter()
        self.stepped = 0
        self.problems: list[Problem] = []
        self._stem = stem
        self._number = 0
        self._changed: dict[int, StepDraft] = {}
        self._open: dict[str, StepDraft] = {}
        self._seen: set[bytes] = set()
        self._asked: str | None = None  # the first prompt, a title where there is no other
        self._named: str | None = None  # the title that the log tells
        self.begin()
        if state is not None:
            self._load(state)

    def begin(self) -> None:
        """Set what ``small`` and ``held`` name."""

    # --- in and out

    def take(self) -> list[Step]:
        """The steps begun or changed since the last call, by number."""
        changed = [self._changed[number].step() for number in sorted(self._changed)]
        self._changed.clear()
        return changed

    def dump(self) -> bytes:
        """The state after the last record fed; steps not yet taken are in it."""
        held = {name: getattr(self, name) for name in ("_open", *self.held)}
        drafts = dict(self._changed)
        for box in held.values():
            drafts.update({draft.number: draft for draft in box.values()})
        return orjson.dumps(
            {
                "v": self.version,
                "facts": {name: value for name in _FACTS if (value := getattr(self.facts, name)) is not None},
                "known": self.known,
                "unknown": self.unknown,
                "stepped": self.stepped,
                "number": self._number,
                "drafts": [draft.dump() for draft in drafts.values()],
                "changed": list(self._changed),
                "held": {name: {key: draft.number for key, draft in box.items()} for name, box in held.items()},
                "seen": base64.b64encode(b"".join(sorted(self._seen))).decode(),
                "asked": self._asked,
                "named": self._named,
                "small": {name: getattr(self, name) for name in self.small},
                "problems": [list(problem) for problem in self.problems],
            }
        )

    def _load(self, state: bytes) -> None:
        value = orjson.loads(state)
        if value.get("v") != self.version:
            raise ValueError("state of another version")
        self.facts = LogFacts(**value["facts"])
        self.known.update(value["known"])
        self.unknown.update(value["unknown"])
        self.stepped = value["stepped"]
        self._number = value["number"]
        drafts = {draft["number"]: StepDraft.load(draft) for draft in value["drafts"]}
        self._changed = {number: drafts[number] for number in value["changed"]}
        for name, box in value["held"].items():
            setattr(self, name, {key: drafts[number] for key, number in box.items()})
        seen = base64.b64decode(value["seen"])
        self._seen = {seen[at : at + _MARK] for at in range(0, len(seen), _MARK)}
        self._asked, self._named = value["asked"], value["named"]
        for name, item in value["small"].items():
            setattr(self, name, item)
        self.problems = [Problem(*problem) for problem in value["problems"]]

    # --- steps

    def _first(self, identity: str) -> bool:
        """Whether this identity is seen for the first time; it is noted."""
        found = blake2b(identity.encode("utf-8", "replace"), digest_size=_MARK).digest()
        before = len(self._seen)
        self._seen.add(found)
        return len(self._seen) != before

    def _begin(
        self, record: Record, kind: Kind, key: str, time: int | None, text: str | None, summary: str = ""
    ) -> StepDraft:
        self._number += 1
        line = summary or tools.one_line(text)
        self._changed[self._number] = draft = StepDraft(self._number, kind, key, record.source, time, line)
        draft.text = text
        return draft

    def _prompt(self, record: Record, key: str, time: int | None, text: str) -> StepDraft:
        """What a person asked."""
        draft = self._begin(record, "prompt", key, time, text)
        if self._asked is None:
            self._asked = draft.summary
            self._title()
        return draft

    def _title(self, named: str | None = None) -> None:
        """The log's own title, else the first prompt."""
        self._named = tools.one_line(named) or self._named
        self.facts.title = self._named or self._asked

    def _call(
        self, record: Record, name: str, given: Any, call: str | None, key: str, time: int | None, kind: Kind
    ) -> StepDraft:
        """A tool call, which waits for its result under its id."""
        line = tools.summary(name, given, of_kind=kind) or tools.one_line(name)
        draft = self._begin(record, kind, key, time, None, line)
        draft.name, draft.given, draft.call = name, given, call
        if call is not None:
            self._open.pop(call, None)
            self._open[call] = draft
            if len(self._open) > _OPEN_MAX:
                del self._open[next(iter(self._open))]
        return draft

    def _result(self, record: Record, call: str | None) -> StepDraft | None:
        """The open call of this id, closed, with the record as one more source; None where none waits."""
        draft = self._open.pop(call, None) if call is not None else None
        if draft is not None:
            draft.add(record.source, 0)
            self._changed[draft.number] = draft
        return draft

    def _keep(self, box: dict[str, StepDraft], key: str, draft: StepDraft, most: int = 64) -> None:
        """Hold a draft that may change yet, the oldest given up beyond ``most``."""
        box[key] = draft
        if len(box) > most:
            del box[next(iter(box))]

    def _when(self, time: int | None) -> None:
        if time is None:
            return
        facts = self.facts
        if facts.started is None or time < facts.started:
            facts.started = time
        if facts.ended is None or time > facts.ended:
            facts.ended = time

    def _pay(self, draft: StepDraft, paid: float | None) -> None:
        """What a response cost, in place of what was told of it before."""
        if paid == draft.cost or (not paid and draft.cost is None):
            return
        self.facts.cost_usd = (self.facts.cost_usd or 0.0) + (paid or 0.0) - (draft.cost or 0.0)
        draft.cost = paid

    def _unknown(self, kind: object) -> None:
        self.unknown[kind[:_TYPE_MAX] if isinstance(kind, str) and kind else "?"] += 1
