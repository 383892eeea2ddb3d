"""A step while it may still change, and small parts of reading that hold state: twins, responses, inherited history."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any, Final

from tracetui.harness.codex.output import Result, whole
from tracetui.model import Kind, Source, Step, Tokens, ToolUse, from_iso

__all__ = ["Draft", "Replay", "Responses", "Twins", "born", "usage_of"]


class Draft:
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

    def result(self, result: Result, rank: int) -> None:
        """Take a result; the output that the model saw wins, an event's own exit code and duration win."""
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
        tokens = self.tokens and _numbers(self.tokens)
        return [tokens if name == "tokens" else getattr(self, name) for name in _FIELDS]

    @staticmethod
    def load(values: list[Any]) -> Draft:
        """The draft of a ``dump``."""
        held = dict(zip(_FIELDS, values))
        draft = Draft(held.pop("number"), held.pop("kind"), held.pop("key"), [], held.pop("time"))
        draft.sources = [Source(*source) for source in held.pop("sources")]
        tokens = held.pop("tokens")
        draft.tokens = None if tokens is None else Tokens(*tokens)
        for name, value in held.items():
            setattr(draft, name, value)
        return draft


_FIELDS: Final = tuple(Draft.__annotations__)


_SEEDS: Final = {name: zlib.crc32(name.encode()) for name in "said id plan thought user harness web webid".split()}


class Twins:
    """Finds the second copy of what a log holds twice, by hashes of text or id, within a window of records.

    ``channel`` is a bit per place that repeats others: 1 legacy events, 2 response items, 4 completed items.
    """

    _KEPT: Final = 96
    _WINDOW: Final = 400

    def __init__(self, rows: list[list[int]] | None = None) -> None:
        self._seen: dict[int, list[int]] = {row[0]: row[1:] for row in rows or []}

    @staticmethod
    def of(role: str, text: str) -> int:
        """A hash that stays the same from run to run; outer white space does not count."""
        data = text.strip().encode("utf-8", "replace")
        return zlib.crc32(data, _SEEDS[role]) << 24 | (len(data) & 0xFFFFFF)

    def second(self, channel: int, at: int, *hashes: int) -> bool:
        """Whether one of the hashes was seen in another channel only; remembers this channel for all of them."""
        seen = self._seen
        found = False
        fresh: list[int] = []
        for key in hashes:
            entry = seen.get(key)
            if entry is not None and not entry[0] & channel and at - entry[1] <= self._WINDOW:
                entry[0] |= channel
                found = True
            else:
                fresh.append(key)
        for key in fresh:
            if not found:
                seen.pop(key, None)
            elif key in seen:
                continue
            seen[key] = [channel, at]
        while len(seen) > self._KEPT:
            del seen[next(iter(seen))]
        return found

    def dump(self) -> list[list[int]]:
        return [[key, *entry] for key, entry in self._seen.items()]


_SANE: Final = 1 << 53


def usage_of(value: object) -> Tokens | None:
    """Disjoint counts of a Codex usage object (its input includes cached and cache-written tokens, its output
    reasoning); None where it tells nothing."""
    if not isinstance(value, Mapping):
        return None
    given, known, made = value.get("input_tokens"), value.get("cached_input_tokens"), value.get("output_tokens")
    if (
        type(given) is type(known) is type(made) is int
        and 0 <= known <= given < _SANE
        and 0 <= made < _SANE
        and not value.get("cache_write_input_tokens")
    ):
        return Tokens(given - known, made, known, 0) if given or made else None
    total = max(0, whole(value.get("input_tokens")) or 0)
    cached = min(total, max(0, whole(value.get("cached_input_tokens")) or 0))
    written = min(total - cached, max(0, whole(value.get("cache_write_input_tokens")) or 0))
    output = max(0, whole(value.get("output_tokens")) or 0)
    if not (total or output):
        return None
    return Tokens(total - cached - written, output, cached, written)


class Responses:
    """Which model response a step is part of, and which response a token count belongs to.

    A response ends when a result, a prompt or a compaction follows what the model produced. Its count is logged after
    its items, in old versions (``late``, to about 0.5x) before them, though after the events that streamed meanwhile.
    """

    def __init__(self, state: Mapping[str, Any] | None = None) -> None:
        state = state or {}
        self.id: str | None = state.get("id")
        self.first: Draft | None = None
        self.counted: bool = state.get("counted", False)
        self.closed: bool = state.get("closed", False)
        self.late: bool = state.get("late", False)
        self.pending: Tokens | None = Tokens(*state["pending"]) if state.get("pending") else None
        self.total: list[int | None] | None = state.get("total")
        told = state.get("told")
        self.told: tuple[int, Tokens] | None = (told[0], Tokens(*told[1:])) if told else None

    def dump(self) -> dict[str, Any]:
        """The state as plain JSON values; ``first`` is for the reader to keep."""
        return {
            "id": self.id,
            "counted": self.counted,
            "closed": self.closed,
            "late": self.late,
            "pending": self.pending and _numbers(self.pending),
            "total": self.total,
            "told": self.told and [self.told[0], *_numbers(self.told[1])],
        }

    def join(self, draft: Draft, *, whole_call: bool = False) -> bool:
        """Put a step that the model produced into its response; True when it begins one.

        ``whole_call``: the record holds call and result together, so it does not begin a response after a result.
        """
        begins = self.id is None or (self.closed and not whole_call)
        if begins:
            self.id, self.first, self.closed, self.counted = draft.key, draft, False, False
            if self.late and self.pending is not None:
                draft.tokens, self.pending = self.pending, None
                self.first, self.counted = None, True
        draft.response = self.id
        return begins

    def close(self) -> None:
        """A result came: what the model says next is another response."""
        self.closed = True

    def end(self) -> None:
        """A prompt, a compaction or another turn came."""
        self.id = self.first = None
        self.closed = self.counted = False

    def claim(self, draft: Draft) -> None:
        """A compaction takes the count of the call that made its summary."""
        draft.tokens, self.pending = self.pending, None

    def straddled(self) -> None:
        """The second copy of something the model said came: after its response's count, if counts are late."""
        if self.counted and not self.closed:
            self.late = True

    def changed(self, total: object) -> bool:
        """Whether these totals differ from the last ones; remembers them."""
        if not isinstance(total, Mapping):
            return True
        now = [total.get("input_tokens"), total.get("output_tokens"), total.get("total_tokens")]
        if now == self.total:
            return False
        self.total = [whole(number) for number in now]
        return True

    def repeats(self, tokens: Tokens, channel: int) -> bool:
        """Whether another kind of record told this count just before."""
        told, self.told = self.told, (channel, tokens)
        if told is not None and told[0] != channel and told[1] == tokens:
            self.told = None
            return True
        return False

    def count(self, tokens: Tokens) -> Draft | None:
        """Give a count to the first step of its response; returns that step, or None while the count must wait."""
        if self.first is not None and not (self.late and self.closed):
            first, self.first = self.first, None
            first.tokens = tokens if self.pending is None else tokens + self.pending
            self.pending, self.counted = None, True
            return first
        self.pending = tokens if self.pending is None else tokens + self.pending
        return None


def _numbers(tokens: Tokens) -> list[int]:
    return [tokens.input, tokens.output, tokens.cache_read, tokens.cache_write]


def born(identity: object) -> int | None:
    """Milliseconds since the epoch at which a UUIDv7 was made; None for any other id."""
    if not isinstance(identity, str) or len(identity) != 36 or identity[14] != "7":
        return None
    try:
        return int(identity[:8] + identity[9:13], 16)
    except ValueError:
        return None


_SPAWNED: Final = "You are the newly spawned agent."
_GAP: Final = 1000


class Replay:
    """Tells the parent's records that a fork or a subagent's log repeats from its own.

    In order of trust: an ordinal below ``subagent_history_start_ordinal``; a turn that began before this thread was
    made; a time before that; and, once another thread's ``session_meta`` was repeated, everything that was written in
    the same burst (no second of rest in it). ``mode`` is 0 (all is own), 1 (perhaps) or 2 (inside repeated history).
    """

    def __init__(self, state: list[Any] | None = None) -> None:
        self.mode: int
        self.below: int | None
        self.made: int | None
        self.last: int | None
        self.mode, self.below, self.made, self.last = state or [0, None, None, None]

    @property
    def active(self) -> bool:
        return self.mode != 0 or self.below is not None

    def dump(self) -> list[Any]:
        return [self.mode, self.below, self.made, self.last]

    def begin(self, meta: Mapping[str, Any], time: int | None, related: bool) -> None:
        """The thread's own ``session_meta``; ``related``: it names a parent or a fork."""
        below = meta.get("subagent_history_start_ordinal")
        self.below = below if type(below) is int else None
        made = from_iso(meta.get("timestamp"))
        self.made = made if made is not None else born(meta.get("id")) or time
        self.mode = 1 if related and self.below is None and meta.get("history_base") is None else 0

    def foreign(self, time: int | None) -> None:
        """Another thread's ``session_meta`` before anything of this one."""
        self.mode, self.last = 2, time

    def own(self) -> None:
        """This thread's ``session_meta`` again."""
        self.mode = 0

    def inherited(self, record: Mapping[str, Any], payload: Mapping[str, Any], time: int | None) -> bool:
        """Whether a record is a repeated one; call it for every record after the first ``session_meta``, in order."""
        if self.below is not None:
            ordinal = record.get("ordinal")
            if type(ordinal) is int:
                return ordinal < self.below
        if self.mode == 0:
            return False
        kind = payload.get("type")
        if record.get("type") == "turn_context" or kind in ("task_started", "turn_started"):
            began = born(payload.get("turn_id"))
            if began is None and type(payload.get("started_at")) is int:
                began = payload["started_at"] * 1000 + 999
            if began is not None and self.made is not None:
                self.mode, self.last = (0, None) if began >= self.made else (2, time)
                return self.mode == 2
        if kind == "function_call_output" and self.mode == 2:
            output = payload.get("output")
            if isinstance(output, str) and output.startswith(_SPAWNED):
                self.mode = 0
                return True
        if time is not None and self.made is not None and time < self.made:
            self.mode, self.last = 2, time
            return True
        if self.mode == 1:
            return False
        if time is not None:
            last = self.last
            if last is not None and (time - last > _GAP or (self.made is not None and last < self.made)):
                self.mode = 0
                return False
            self.last = time
        return True
