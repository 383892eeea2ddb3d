"""Steps that may still change: a call waits for its result, the first step of a response for the rest of its usage."""

from __future__ import annotations

import base64
import marshal
from typing import Any, Final, cast

import orjson

from tracetui.model import Kind, Source, Step, Tokens, ToolUse

__all__ = ["NONE", "ClaudeDraft", "Counts", "pack_draft", "unpack_draft"]

Counts = tuple[int, int, int, int, int]
"""Tokens of a response while they are being counted: input, output, cache read, cache write, and of that what is kept
for an hour."""
NONE: Final = (0, 0, 0, 0, 0)


class ClaudeDraft:
    """A step under way; the same object stands wherever something may still change it. ``step`` gives it as it is."""

    __slots__ = (
        *("call_id", "cost", "duration", "exit_code", "images", "is_error", "key", "kind", "model", "number", "output"),
        *("response", "sidechain", "sources", "summary", "text", "thread", "time", "tokens", "tool", "tool_input"),
    )

    def __init__(
        self,
        number: int,
        kind: Kind,
        key: str,
        sources: tuple[Source, ...],
        time: int | None,
        text: str | None,
        summary: str,
        sidechain: bool = False,
    ) -> None:
        self.number = number
        self.kind: Kind = kind
        self.key = key
        self.sources = sources
        self.time = time
        self.text = text
        self.summary = summary
        self.sidechain = sidechain
        self.model: str | None = None
        self.response: str | None = None
        self.tokens: Counts | None = None
        self.cost: float | None = None
        self.images = 0
        self.thread: str | None = None
        self.tool: str | None = None

    def call(self, name: str, given: object, call_id: str | None) -> None:
        """Make it a tool call."""
        self.tool = name
        self.tool_input = given
        self.call_id = call_id
        self.output: str | None = None
        self.is_error: bool | None = None
        self.exit_code: int | None = None
        self.duration: int | None = None

    @property
    def weight(self) -> int:
        """About how much memory it holds; an input is taken to be as long as its record's line."""
        if self.tool is None:
            return len(self.text or "")
        return self.sources[0].length + len(self.output or "")

    def step(self) -> Step:
        """The step as it is now."""
        tool = None
        if self.tool is not None:
            tool = ToolUse(
                self.tool, self.tool_input, self.output, self.is_error, self.exit_code, self.call_id, self.duration
            )
        return Step(
            self.number,
            self.kind,
            self.key,
            self.sources,
            self.time,
            self.model,
            self.text,
            tool,
            None if self.tokens is None else Tokens(*self.tokens),
            self.summary,
            self.response,
            self.thread,
            self.sidechain,
            self.images,
            self.cost,
        )


def pack_draft(draft: ClaudeDraft) -> Any:
    """A draft as a JSON value."""
    packed: list[Any] = [
        draft.number,
        draft.kind,
        draft.key,
        [list(source) for source in draft.sources],
        draft.time,
        draft.text,
        draft.summary,
        draft.sidechain,
        [draft.model, draft.response, draft.tokens, draft.cost, draft.images, draft.thread],
        None,
    ]
    if draft.tool is None:
        return packed
    packed[-1] = [
        *(draft.tool, draft.tool_input, draft.call_id),
        *(draft.output, draft.is_error, draft.exit_code, draft.duration),
    ]
    try:
        orjson.dumps(packed)
    except TypeError:  # an input nested deeper than orjson writes, though it reads it
        return base64.b85encode(marshal.dumps(packed)).decode("ascii")
    return packed


def unpack_draft(packed: Any) -> ClaudeDraft:
    """The reverse of ``pack_draft``."""
    if isinstance(packed, str):
        packed = marshal.loads(base64.b85decode(packed))  # noqa: S302 - our own bytes, out of the private bucket
    number, kind, key, sources, time, text, summary, sidechain, rest, tool = packed
    places = tuple(Source(*source) for source in sources)
    draft = ClaudeDraft(number, cast(Kind, kind), key, places, time, text, summary, sidechain)
    draft.model, draft.response, tokens, draft.cost, draft.images, draft.thread = rest
    draft.tokens = None if tokens is None else tuple(tokens)
    if tool is not None:
        draft.call(*tool[:3])
        draft.output, draft.is_error, draft.exit_code, draft.duration = tool[3:]
    return draft
