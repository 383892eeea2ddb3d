"""What Pi's reader holds of a step until it is handed over or has its result, and the plain JSON values of it."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, Final

from tracetui.model import Kind, LogFacts, Source, Step, Tokens, ToolUse

__all__ = ["PiDraft", "facts_to"]

_FACTS: Final = tuple(field.name for field in fields(LogFacts))


class PiDraft:
    """A step in the making. ``name`` is the tool's, None for steps without one.

    ``record`` tells the records that begin calls apart, ``alone`` a call without parallel ones; ``extra`` are results
    that calls of the same record and id took first.
    """

    # Defaults stand on the class: most steps set few of them, and this is made once per step of every log.
    extra: tuple[Source, ...] = ()
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
    record = 0
    alone = False

    def __init__(self, number: int, kind: Kind, key: str, source: Source, time: int | None, summary: str) -> None:
        self.number = number
        self.kind: Kind = kind
        self.key = key
        self.sources: tuple[Source, ...] = (source,)
        self.time = time
        self.summary = summary

    def step(self) -> Step:
        """The step as it stands."""
        tool = None
        if self.name is not None:
            tool = ToolUse(self.name, self.given, self.output, self.is_error, self.exit_code, self.call, self.duration)
        return Step(
            self.number,
            self.kind,
            self.key,
            self.sources,
            self.time,
            self.model,
            self.text,
            tool,
            self.tokens,
            self.summary,
            self.response,
            None,
            False,
            self.images,
            self.cost,
        )

    def dump(self) -> dict[str, Any]:
        """JSON values."""
        values = dict(vars(self))
        values["sources"] = [list(source) for source in self.sources]
        values["extra"] = [list(source) for source in self.extra]
        tokens = self.tokens
        values["tokens"] = [tokens.input, tokens.output, tokens.cache_read, tokens.cache_write] if tokens else None
        return values

    @classmethod
    def load(cls, values: dict[str, Any]) -> PiDraft:
        """What ``dump`` wrote."""
        draft = cls.__new__(cls)
        vars(draft).update(values)
        draft.sources = tuple(Source(*source) for source in values["sources"])
        draft.extra = tuple(Source(*source) for source in values["extra"])
        draft.tokens = Tokens(*values["tokens"]) if values["tokens"] else None
        return draft


def facts_to(facts: LogFacts) -> dict[str, Any]:
    """The facts that are known, as JSON values and arguments."""
    return {name: value for name in _FACTS if (value := getattr(facts, name)) is not None}
