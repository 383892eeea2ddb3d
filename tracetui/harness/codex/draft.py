"""A step while it may still change."""

from __future__ import annotations

from typing import Any, Final

from tracetui.harness.codex.output import CallOutput
from tracetui.model import Kind, Source, Step, Tokens, ToolUse

__all__ = ["CodexDraft", "numbers"]


class CodexDraft:
    """A step that is not finished. ``rank`` tells where its output is from: 0 nowhere, 1 an event, 2 what the model
    saw; ``called`` that its call was logged; ``running`` the process that goes on after its result; ``script`` that it
    is code mode's script with a patch in it; ``ends`` the channels (bits) that told its end."""

    number: int
    kind: Kind
    key: str
    sources: list[Source]
    time: int | None
    model: str | None = None
    text: str | None = None
    summary: str = ""
    response: str | None = None
    tokens: Tokens | None = None
    thread: str | None = None
    images: int = 0
    name: str | None = None
    input: Any = None
    output: str | None = None
    is_error: bool | None = None
    exit_code: int | None = None
    call_id: str | None = None
    duration_ms: int | None = None
    rank: int = 0
    called: bool = False
    running: str | None = None
    script: bool = False
    ends: int = 0

    # Defaults are the class's own, so that making one costs five assignments: it is done once per step.
    def __init__(self, number: int, kind: Kind, key: str, sources: list[Source], time: int | None) -> None:
        self.number = number
        self.kind: Kind = kind
        self.key = key
        self.sources = sources
        self.time = time

    @property
    def finished(self) -> bool:
        """Whether no further record of it is expected."""
        return self.running is None and (self.rank == 2 or (self.rank == 1 and not self.called))

    def result(self, result: CallOutput, rank: int) -> None:
        """Take a result; the output that the model saw wins, an event's own exit code and duration win."""
        if self.rank == 0 and self.is_error is None:
            self.output, self.exit_code, self.is_error, self.duration_ms, self.images, self.running = result
            self.rank = rank
            return
        if result.text is not None and rank >= self.rank:
            self.output = result.text
        if result.exit_code is not None and (rank == 1 or self.exit_code is None):
            self.exit_code = result.exit_code
        told = rank == 2 and self.rank == 1 and self.is_error is not None
        if result.is_error is not None and not told:
            self.is_error = result.is_error
        if result.duration_ms is not None and (rank == 1 or self.duration_ms is None):
            self.duration_ms = result.duration_ms
        self.images = max(self.images, result.images)
        self.running = result.running if rank == 2 else None
        self.rank = max(self.rank, rank)

    def step(self) -> Step:
        """The step as it stands."""
        tool = None
        if self.name is not None:
            tool = ToolUse(
                self.name, self.input, self.output, self.is_error, self.exit_code, self.call_id, self.duration_ms
            )
        return Step(
            self.number,
            self.kind,
            self.key,
            tuple(self.sources),
            self.time,
            self.model,
            self.text,
            tool,
            self.tokens,
            self.summary,
            self.response,
            self.thread,
            False,
            self.images,
        )

    def dump(self) -> list[Any]:
        """The fields as plain JSON values, in order."""
        tokens = self.tokens and numbers(self.tokens)
        return [tokens if name == "tokens" else getattr(self, name) for name in _FIELDS]

    @staticmethod
    def load(values: list[Any]) -> CodexDraft:
        """The draft of a ``dump``."""
        held = dict(zip(_FIELDS, values))
        draft = CodexDraft(held.pop("number"), held.pop("kind"), held.pop("key"), [], held.pop("time"))
        draft.sources = [Source(*source) for source in held.pop("sources")]
        tokens = held.pop("tokens")
        draft.tokens = None if tokens is None else Tokens(*tokens)
        for name, value in held.items():
            setattr(draft, name, value)
        return draft


_FIELDS: Final = tuple(CodexDraft.__annotations__)


def numbers(tokens: Tokens) -> list[int]:
    """The four counts, as ``Tokens`` takes them."""
    return [tokens.input, tokens.output, tokens.cache_read, tokens.cache_write]
