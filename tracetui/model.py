"""The nouns of tracetui: plain, frozen values, free of I/O.

Every layer above speaks in these. Times are integer milliseconds since the Unix epoch (UTC) inside the program and
ISO 8601 with a trailing ``Z`` in JSON; sizes are bytes; offsets count bytes of the decompressed log.
"""

from __future__ import annotations

import datetime as _dt
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, Final, Literal, NamedTuple, TypeVar, get_args

__all__ = [
    "KINDS",
    "TOOL_KINDS",
    "AmbiguousId",
    "Badge",
    "Hit",
    "Kind",
    "LogFacts",
    "LogRow",
    "Problem",
    "Record",
    "SessionRow",
    "Source",
    "Step",
    "StepRow",
    "Survival",
    "Tokens",
    "ToolUse",
    "TracetuiError",
    "UnknownId",
    "from_iso",
    "is_foreign",
    "to_iso",
]

Kind = Literal[
    "prompt",
    "message",
    "thinking",
    "plan",
    "read",
    "search",
    "command",
    "edit",
    "web",
    "agent",
    "tool",
    "compaction",
    "event",
]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
TOOL_KINDS: Final[frozenset[Kind]] = frozenset({"plan", "read", "search", "command", "edit", "web", "agent", "tool"})

Survival = Literal["alive", "transformed", "reverted", "lost", "pending", "unknown"]
Badge = Survival


class TracetuiError(Exception):
    """A failure to tell the user in one line: what happened, to what, and what to do. ``status`` is the exit status."""

    status = 1

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        if status is not None:
            self.status = status


class UnknownId(TracetuiError):
    """No session has this id or prefix."""


class AmbiguousId(TracetuiError):
    """A prefix that several sessions share; ``candidates`` holds their full ids."""

    def __init__(self, message: str, candidates: Iterable[str]) -> None:
        super().__init__(message)
        self.candidates = tuple(candidates)


class Source(NamedTuple):
    """Where a record stands in its log: 1-based line, byte offset of the line, its length without the line end."""

    line: int
    offset: int
    length: int


class Record(NamedTuple):
    """One JSON object of a log. ``nth`` counts from 0 the objects that share a line (two objects glued together).

    ``value`` of a line over the limit holds only the type and ids that its head showed, and ``oversize`` is true.
    """

    source: Source
    value: dict[str, Any]
    nth: int = 0
    oversize: bool = False


class Problem(NamedTuple):
    """Something in a log that could not be read as it should; ``line`` 0 speaks of the whole file."""

    line: int
    reason: str


_Class = TypeVar("_Class", bound=type)


def _quick(cls: _Class) -> _Class:
    """Give a frozen, slotted dataclass an ``__init__`` that does the same in a third of the time.

    The generated one goes through ``object.__setattr__`` for every field; here the new object is of an open class of
    the same layout while plain stores fill it, and turns into what it is at the end. Millions are made while indexing.
    """
    made: Any = cls
    names = [item.name for item in fields(cls)]
    given = {f"_d_{item.name}": item.default for item in fields(cls) if item.default is not MISSING}
    asked = ", ".join(f"{name}=_d_{name}" if f"_d_{name}" in given else name for name in names)
    stores = "\n".join(f" self.{name} = {name}" for name in names)
    code = f"def __init__(self, {asked}):\n _cls = self.__class__\n _turn(self, '__class__', _open)\n{stores}\n"
    space = {"_turn": object.__setattr__, "_open": type(f"_Open{cls.__name__}", (), {"__slots__": made.__slots__})}
    exec(f"{code} self.__class__ = _cls\n", {**space, **given}, space)  # noqa: S102 (as dataclasses does it)
    init: Any = space["__init__"]
    init.__qualname__ = f"{cls.__qualname__}.__init__"
    init.__annotations__ = made.__init__.__annotations__
    made.__init__ = init
    return cls


@_quick
@dataclass(frozen=True, slots=True)
class Tokens:
    """Token counts of one model response. The first four are disjoint: the prompt is ``input + cache_read +
    cache_write``; ``output`` includes reasoning. ``cache_write_long`` are those of ``cache_write`` that are kept for an
    hour, which costs more."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    cache_write_long: int = 0

    @property
    def prompt(self) -> int:
        """The reported size of the prompt, in tokens."""
        return self.input + self.cache_read + self.cache_write

    def __add__(self, other: Tokens) -> Tokens:
        return Tokens(
            self.input + other.input,
            self.output + other.output,
            self.cache_read + other.cache_read,
            self.cache_write + other.cache_write,
            self.cache_write_long + other.cache_write_long,
        )


@_quick
@dataclass(frozen=True, slots=True)
class ToolUse:
    """A tool call with its result. ``output`` is None while (or because) the log holds no result; ``exit_code`` only
    where the log tells it."""

    name: str
    input: Any = None
    output: str | None = None
    is_error: bool | None = None
    exit_code: int | None = None
    call_id: str | None = None
    duration_ms: int | None = None


@_quick
@dataclass(frozen=True, slots=True)
class Step:
    """One prompt, message, piece of thinking, tool call with its result, compaction or harness event.

    ``key`` is the stable identity within the log (record id and block, or call id); ``number`` counts 1..n in the
    order of the records that begin the steps. ``sources`` are the records that made the step, the one that began it
    first: feeding them alone to a fresh reader yields the step again. ``response`` names the model response that the
    step is part of; ``tokens`` stand on the first step of a response. ``summary`` is one line for lists. ``thread``
    is the subagent whose log an ``agent`` step started, where the log names it.
    """

    number: int
    kind: Kind
    key: str
    sources: tuple[Source, ...]
    time: int | None = None
    model: str | None = None
    text: str | None = None
    tool: ToolUse | None = None
    tokens: Tokens | None = None
    summary: str = ""
    response: str | None = None
    thread: str | None = None
    sidechain: bool = False
    images: int = 0
    cost_usd: float | None = None

    @property
    def failed(self) -> bool:
        """Whether the step counts as an error: the harness says so, or an exit status other than 0."""
        return self.tool is not None and (bool(self.tool.is_error) or self.tool.exit_code not in (None, 0))


@dataclass(slots=True)
class LogFacts:
    """What a log says about itself as a whole; grows while it is read. Absent is None.

    ``agent`` is the subagent that the log belongs to (``session`` is then its parent's id). ``parent`` is the session
    that started this one (a subagent thread with an identity of its own), ``forked_from`` the one whose history it
    continues. ``headless`` marks print-mode and SDK runs, ``warmup`` sessions without a real prompt that a harness
    starts by itself. ``window`` is the model's context window in tokens as the log states it.
    """

    harness: str = ""
    session: str = ""
    agent: str | None = None
    title: str | None = None
    cwd: str | None = None
    repo: str | None = None
    branch: str | None = None
    commit: str | None = None
    model: str | None = None
    version: str | None = None
    started: int | None = None
    ended: int | None = None
    parent: str | None = None
    forked_from: str | None = None
    headless: bool = False
    warmup: bool = False
    window: int | None = None
    cost_usd: float | None = None
    unclaimed: list[int] | None = None
    """Tokens (as in ``Tokens``) of responses that made no step."""


@dataclass(frozen=True, slots=True)
class LogRow:
    """A log file as the bucket knows it. ``generation`` counts from 0 the versions of a rewritten file; one of them is
    ``shown``. ``first`` is the number of its first step: 1, but in a range out of a capsule what it was there."""

    id: int
    harness: str
    session: str
    agent: str | None
    generation: int
    shown: bool
    path: str
    bytes: int
    records: int
    bad_records: int
    steps: int
    facts: LogFacts
    first: int = 1
    part: int = 1
    """Which part of the session (or of the subagent) it is, counted from 1."""
    doubles: frozenset[int] = frozenset()
    """The numbers of its steps that another part tells too; they count there."""

    within: bool = False
    """Whether it has no file of its own: its parent's log tells of it."""

    @property
    def thread(self) -> str | None:
        """Who speaks in it: None for the session itself, a subagent, or ``~2``, ``~2/AGENT`` for another part."""
        if self.part == 1:
            return self.agent
        return f"~{self.part}" if self.agent is None else f"~{self.part}/{self.agent}"

    @property
    def file(self) -> str:
        """The file that its sources are lines of."""
        return self.path.rpartition("#agent-")[0] if self.within else self.path

    @property
    def numbers(self) -> range:
        """The numbers of its steps."""
        return range(self.first, self.first + self.steps)


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session in a list: the keys of ``ls --json`` and what the app needs beside them. Counts include subagents."""

    id: str
    harness: str
    log: int | None
    title: str | None = None
    cwd: str | None = None
    repo: str | None = None
    branch: str | None = None
    model: str | None = None
    started: int | None = None
    ended: int | None = None
    steps: int = 0
    prompts: int = 0
    tool_calls: int = 0
    errors: int = 0
    edits: int = 0
    subagents: int = 0
    tokens: Tokens = field(default_factory=Tokens)
    cost_usd: float | None = None
    """What the log states."""
    cost_estimate_usd: float | None = None
    """What its tokens cost by the price list of the models' APIs in ``cost_table`` (a package and its version): never
    what anybody paid. None where the table knows none of its models."""
    cost_table: str | None = None
    bytes: int = 0
    findings: Mapping[str, int] | None = None
    survival: Mapping[str, int] | None = None
    path: str = ""
    parent: str | None = None
    forked_from: str | None = None
    folded: str | None = None
    """Why a list folds the session away: ``empty``, ``headless``, ``warmup``, ``subagent`` or None."""
    gone: bool = False
    """The harness's own file no longer exists."""
    unread: bool = False
    bookmarked: bool = False
    note: str | None = None
    foreign: bool = False
    parts: int = 1
    """How many logs of the session's own thread there are that do not hold each other."""
    tags: tuple[str, ...] = ()
    archived: bool = False
    """Put away by the user."""
    renamed: bool = False
    """``title`` is the user's."""


@dataclass(frozen=True, slots=True)
class StepRow:
    """A step in a list: everything a timeline row needs, without the full text."""

    log: int
    number: int
    kind: Kind
    time: int | None
    summary: str
    tool: str | None
    failed: bool
    exit_code: int | None
    duration_ms: int | None
    tokens: Tokens | None
    model: str | None
    key: str
    thread: str | None = None
    sidechain: bool = False
    size: int = 0
    """Characters of text, input and output together."""
    images: int = 0
    double: bool = False
    """Another part of the session tells it too, and it counts there."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A step that a search found. ``match`` is in code points of ``snippet``; a higher ``score`` is better."""

    session: str
    harness: str
    log: int
    agent: str | None
    step: int
    kind: Kind
    time: int | None
    title: str | None
    snippet: str
    match: tuple[int, int]
    score: float
    part: int = 1
    failed: bool = False
    exit_code: int | None = None
    survival: Survival | None = None
    """What became of most of the lines of the step's edit, as far as its trail was worked out."""
    duration_ms: int | None = None
    path: str | None = None
    """The first file that the step read, searched or edited."""


def is_foreign(session: str) -> bool:
    """Whether a session's id is that of a foreign one (``capsule:DIGEST8/ID``); no log's own id has a colon."""
    return ":" in session


def to_iso(ms: int | None) -> str | None:
    """Milliseconds since the epoch as ISO 8601 UTC (``2026-05-01T12:00:00.123Z``); None stays None."""
    if ms is None:
        return None
    try:
        stamp = _dt.datetime.fromtimestamp(ms // 1000, _dt.UTC)
    except (OverflowError, ValueError, OSError):
        return None
    return f"{stamp:%Y-%m-%dT%H:%M:%S}.{ms % 1000:03d}Z"


# Nearly every time in a log is ``YYYY-MM-DDTHH:MM:SS.mmmZ``, and most share their minute with the one before.
_minutes: dict[str, int] = {}
_SECONDS: Final = {f"{nth:02d}.": nth * 1000 for nth in range(60)}
_MILLIS: Final = {f"{nth:03d}Z": nth for nth in range(1000)}
_MINUTES_MAX: Final = 1000


def from_iso(text: object) -> int | None:
    """Milliseconds since the epoch of an ISO 8601 time; a time without a zone is UTC. None when it is none."""
    if not isinstance(text, str) or len(text) < 10:
        return None
    second, milli = _SECONDS.get(text[17:20]), _MILLIS.get(text[20:])
    plain = second is not None and milli is not None
    if plain:
        minute = _minutes.get(text[:17])
        if minute is not None:
            return minute + second + milli  # type: ignore[operator]
    try:
        stamp = _dt.datetime.fromisoformat(text)
        if stamp.tzinfo is None:
            stamp = stamp.replace(tzinfo=_dt.UTC)
        found = round(stamp.timestamp() * 1000)
    except (ValueError, OverflowError):
        return None
    if plain:
        if len(_minutes) >= _MINUTES_MAX:
            _minutes.clear()
        _minutes[text[:17]] = found - second - milli  # type: ignore[operator]
    return found
