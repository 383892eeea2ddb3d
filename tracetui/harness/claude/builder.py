"""Steps in the making: numbers, open calls, responses under way, and what has changed since the last ``take``."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from tracetui.harness import tools
from tracetui.harness.claude.draft import NONE, ClaudeDraft, Counts, pack_draft, unpack_draft
from tracetui.harness.claude.early import Early, EarlyResults
from tracetui.harness.claude.labels import describe
from tracetui.harness.claude.prompt_queue import PromptQueue, QueuedPrompt
from tracetui.harness.claude.results import oversize_note, read_result
from tracetui.harness.claude.session import Session
from tracetui.harness.claude.state import fingerprint
from tracetui.harness.claude.usage import Response, cost_of, tokens_of
from tracetui.harness.tools import one_line
from tracetui.model import Kind, Record, Source, Step

__all__ = ["RecordContext", "StepBuilder", "counted"]

_OPEN_MAX: Final = 4096
_RESPONSES_MAX: Final = 8
_KEPT_MAX: Final = 64 * 1024
_TYPE_MAX: Final = 60


def counted(*parts: object) -> str:
    """The name under which a record that is no step is counted."""
    return "/".join(part[:_TYPE_MAX] for part in parts if isinstance(part, str) and part) or "(no type)"


def _sum(one: Counts, two: Counts) -> Counts:
    return (one[0] + two[0], one[1] + two[1], one[2] + two[2], one[3] + two[3], one[4] + two[4])


class RecordContext:
    """The record being read: its value, its key (uuid, or line where it has none) and its time in milliseconds."""

    __slots__ = ("key", "record", "source", "time", "value")

    def __init__(self, record: Record, value: dict[str, Any], key: str, time: int | None) -> None:
        self.record = record
        self.source: Source = record.source
        self.value = value
        self.key = key
        self.time = time


class StepBuilder:
    """Begins and completes steps. ``begin``, ``event``, ``result`` and ``summary`` are what the readers of the record
    types call; what they make is handed over by ``take``."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.queue = PromptQueue()
        self.known: Counter[str] = Counter()
        self.unknown: Counter[str] = Counter()
        self.count = 0
        self._out: dict[int, ClaudeDraft] = {}
        self._open: dict[str, ClaudeDraft] = {}
        self._responses: dict[str, Response] = {}
        self._boundary: ClaudeDraft | None = None
        self._early = EarlyResults()
        self.answered: list[str] = []
        self._unclaimed: Counts = NONE

    def take(self) -> list[Step]:
        """The steps begun or changed since the last call, by number."""
        if not self._out:
            return []
        out = [self._out[number].step() for number in sorted(self._out)]
        self._out.clear()
        return out

    def dump(self) -> dict[str, Any]:
        """Everything, as JSON values."""
        drafts = {
            **self._out,
            **{draft.number: draft for draft in self._open.values()},
            **{item.first: item.draft for item in self._responses.values() if item.draft is not None},
        }
        drafts.update((draft.number, draft) for draft in self._early.drafts)
        if self._boundary is not None:
            drafts[self._boundary.number] = self._boundary
        return {
            "known": self.known,
            "unknown": self.unknown,
            "count": self.count,
            "drafts": [pack_draft(draft) for draft in drafts.values()],
            "out": list(self._out),
            "open": [[name, draft.number] for name, draft in self._open.items()],
            "responses": {name: item.dump() for name, item in self._responses.items()},
            "boundary": None if self._boundary is None else self._boundary.number,
            "queue": self.queue.dump(),
            "early": self._early.dump(),
            "unclaimed": self._unclaimed,
        }

    def load(self, state: dict[str, Any]) -> None:
        """The reverse of ``dump``."""
        self.known.update(state["known"])
        self.unknown.update(state["unknown"])
        self.count = state["count"]
        drafts = {draft.number: draft for draft in map(unpack_draft, state["drafts"])}
        self._out = {number: drafts[number] for number in state["out"]}
        self._open = {name: drafts[number] for name, number in state["open"]}
        self._responses = {name: Response.load(packed, drafts) for name, packed in state["responses"].items()}
        self._boundary = None if state["boundary"] is None else drafts[state["boundary"]]
        self.queue.load(state["queue"])
        self._early.load(state["early"], drafts)
        given, output, read, written, long = state["unclaimed"]
        self._unclaimed = (given, output, read, written, long)

    def forget(self) -> None:
        """Drop every step, open or done; numbers begin anew."""
        self.queue = PromptQueue()
        self.count = 0
        self._out.clear()
        self._open.clear()
        self._responses.clear()
        self._boundary = None
        self._early = EarlyResults()
        self._unclaimed = NONE

    # ---- beginning ---------------------------------------------------------------------------------------------------

    def aside(self, here: RecordContext) -> bool:
        """Whether a record stands on a side chain of a main log."""
        return here.value.get("isSidechain") is True and self.session.facts.agent is None

    def begin(self, here: RecordContext, kind: Kind, block: int | str, text: str | None, summary: str) -> ClaudeDraft:
        """The next step, begun by ``block`` of this record."""
        if self.queue.ready:
            self.flush()
        self.count = number = self.count + 1
        side = here.value.get("isSidechain") is True and self.session.facts.agent is None
        draft = ClaudeDraft(number, kind, f"{here.key}:{block}", (here.source,), here.time, text, summary, side)
        self._out[number] = draft
        if self._early:
            self._early.began(draft)
        return draft

    def answer(self, draft: ClaudeDraft, model: str | None, response: str) -> None:
        """The step is a model's: part of a response, whose first step carries its tokens and cost."""
        draft.model = model
        draft.response = response
        entry = self._responses.get(response)
        if entry is None:
            return
        if entry.first == 0:
            entry.first = draft.number
            draft.tokens, draft.cost = entry.tokens, entry.cost
            entry.draft = draft if draft.weight <= _KEPT_MAX else None
        elif entry.owed is not None:
            draft.tokens, entry.owed = entry.owed, None

    def event(self, here: RecordContext, block: int | str, text: str, summary: str, images: int = 0) -> None:
        """A harness event."""
        self.begin(here, "event", block, text, summary).images = images

    def prompt(self, here: RecordContext, block: int | str, text: str, images: int = 0) -> None:
        """What a person, or the parent of a subagent, asked for."""
        if here.value.get("promptSource") == "sdk" and "entrypoint" not in here.value:
            self.session.facts.headless = True  # editors prompt through the SDK too, and say so by their entrypoint
        self.session.prompted(text, aside=self.aside(here))
        self.begin(here, "prompt", block, text, one_line(text)).images = images

    def unread(self, here: RecordContext, kind: str) -> bool:
        """A record without the part that would make it a step: an event where its line was too long, else unknown."""
        if here.record.oversize:
            note = oversize_note(here.source.length)
            self.event(here, 0, note, f"{kind} {note}")
            return True
        self.unknown[kind] += 1
        return False

    def flush(self) -> None:
        """Make steps of the queued texts of which the log shows no more than that they went into the turn."""
        ready, self.queue.ready = self.queue.ready, []
        for entry in ready:
            self.queue.tell(entry.text)
            self._absorbed(entry)

    def _absorbed(self, entry: QueuedPrompt) -> None:
        taken = entry.taken or entry.source
        person = entry.from_person
        if person:
            self.session.prompted(entry.text)
        self.count += 1
        draft = self._out[self.count] = ClaudeDraft(
            self.count,
            "prompt" if person else "event",
            f"L{taken.line}.{entry.taken_nth}:0" if entry.taken_nth else f"L{taken.line}:0",
            (taken, entry.source) if taken != entry.source else (taken,),
            entry.time,
            entry.text,
            one_line(entry.text) if person else describe(entry.text),
        )
        if self._early:
            self._early.began(draft)

    # ---- compactions -------------------------------------------------------------------------------------------------

    def boundary(self, here: RecordContext, text: str, summary: str) -> None:
        """A compaction begins; its summary follows."""
        self._boundary = self.begin(here, "compaction", 0, text, summary)

    def summary(self, here: RecordContext, text: str) -> None:
        """The summary of a compaction: the text of the step that its boundary began, or a step of its own."""
        self.session.continued()
        boundary, self._boundary = self._boundary, None
        if not text and here.record.oversize:
            text = oversize_note(here.source.length)
        if boundary is None:
            self.begin(here, "compaction", 0, text, one_line(text) or "compaction")
        else:
            boundary.text = text
            boundary.sources = (*boundary.sources, here.source)
            self._out[boundary.number] = boundary

    # ---- responses ---------------------------------------------------------------------------------------------------

    def response(self, here: RecordContext, message: dict[str, Any]) -> str:
        """Take in the usage that a line of a response states; gives the response's name."""
        ident, request = message.get("id"), here.value.get("requestId")
        if type(ident) is not str or not ident:
            name = request if type(request) is str and request else here.key
        else:
            name = f"{ident}/{request}" if type(request) is str and request else ident
        tokens, cost = tokens_of(message), cost_of(here.value)
        entry = self._responses.get(name)
        if entry is None:
            seen = self.session.seen
            mark = fingerprint("response " + name)
            if mark not in seen:
                self._responses[name] = Response(tokens, cost, mark)
                self.session.paid(cost)
                if len(self._responses) > _RESPONSES_MAX:
                    oldest = self._responses.pop(next(iter(self._responses)))
                    seen.add(oldest.mark)
                    self._unclaimed = _sum(self._unclaimed, oldest.unclaimed)
            return name
        paid = entry.cost or 0.0
        if entry.grow(tokens, cost):
            self.session.paid((entry.cost or 0.0) - paid)
            draft = entry.draft
            if draft is not None:
                draft.tokens, draft.cost = entry.tokens, entry.cost
                self._out[draft.number] = draft
        return name

    @property
    def unclaimed(self) -> Counts:
        """The tokens of responses that made no step: nothing in them but white space."""
        total = self._unclaimed
        for response in self._responses.values():
            total = _sum(total, response.unclaimed)
        return total

    # ---- calls and results -------------------------------------------------------------------------------------------

    def call(self, here: RecordContext, nth: int, block: dict[str, Any], model: str | None, response: str) -> None:
        """A tool call begins a step that waits for its result."""
        name, ident, given = block.get("name"), block.get("id"), block.get("input")
        if type(name) is not str or not name:
            name = "(unnamed)"
        if type(ident) is not str or not ident:
            ident = None
        kind = tools.kind(name)
        draft = self.begin(here, kind, nth, None, tools.summary(name, given, of_kind=kind))
        draft.call(name, given, ident)
        self.answer(draft, model, response)
        held = self._open.get(ident) if ident is not None else None
        if held is None or held.sources[0] != here.source:  # (an id twice in one record names the first call)
            self._open[ident or "@" + draft.key] = draft
        if self._early and ident is not None and ident in self._early:
            self.answered.append(ident)
        if len(self._open) > _OPEN_MAX:
            del self._open[next(iter(self._open))]

    def progressed(self, ident: object, agent: object) -> None:
        """A subagent is at work: the call that started it is known before it ends."""
        draft = self._open.get(ident) if type(ident) is str else None
        if draft is not None and draft.kind == "agent" and draft.thread is None and type(agent) is str and agent:
            draft.thread = agent
            self._out[draft.number] = draft

    def result(self, here: RecordContext, block: dict[str, Any], extra: object, nth: int | str) -> bool:
        """Join a result with its call; an event where the log holds no call. Whether a step came of it."""
        ident = block.get("tool_use_id")
        if type(ident) is str and ident:
            name: str | None = ident
        else:
            ident, name = None, self._call_of(here.value)
        draft = self._open.pop(name, None) if name is not None else None
        note = oversize_note(here.source.length) if here.record.oversize else ""
        agent = draft is None or draft.kind == "agent"
        result = read_result(block, extra, agent=agent, note=note)
        denied = bool(here.value.get("toolDenialKind"))
        if draft is not None:
            self._complete(draft, Early(result, here.source, here.time, denied, None), ident)
            return True
        if ident is not None and (ident in self._early or fingerprint("call " + ident) in self.session.seen):
            return False
        event = None
        if result.output:
            event = self.begin(here, "event", nth, result.output, one_line(f"result without its call: {result.output}"))
            event.images = result.images
        if ident is not None:
            self._early.wait(ident, Early(result, here.source, here.time, denied, event), self.count)
        return event is not None

    def _complete(self, draft: ClaudeDraft, early: Early, ident: str | None) -> None:
        """Put a result into the step of its call."""
        result = early.result
        if ident is not None:
            self.session.seen.enter(fingerprint("call " + ident))
        duration = result.duration_ms
        if duration is None and early.time is not None and draft.time is not None and early.time >= draft.time:
            duration = early.time - draft.time
        if early.source not in draft.sources:
            draft.sources = (*draft.sources, early.source)
        draft.output = result.output
        draft.is_error = result.is_error or early.denied
        draft.exit_code = result.exit_code
        draft.duration = duration
        if draft.kind == "agent":
            draft.thread = result.thread or draft.thread
        draft.images += result.images
        self._out[draft.number] = draft
        entry = self._responses.get(draft.response) if draft.response is not None else None
        if entry is not None and entry.draft is draft and draft.weight > _KEPT_MAX:
            entry.draft = None

    def join(self) -> None:
        """Give the calls of the record just read the results that came before them."""
        answered, self.answered = self.answered, []
        for ident in answered:
            # (A record may hold a call with its result; what came before is then another's.)
            draft = self._open.get(ident)
            early = self._early.take(ident) if draft is not None else None
            if draft is not None and early is not None:
                self._join(draft, early, ident)

    def _join(self, draft: ClaudeDraft, early: Early, ident: str) -> None:
        """A call came after its result: the event that showed the result goes, and the steps behind it move up."""
        event = early.draft
        if event is not None:
            gone = event.number
            moved = self._early.moved(gone)
            out = [item for item in self._out.values() if item is not event]
            self._out = {item.number: item for item in (*out, *moved)}
            for response in self._responses.values():
                response.first -= response.first > gone
            self.count -= 1
        del self._open[ident]
        self._complete(draft, early, ident)

    def _call_of(self, value: dict[str, Any]) -> str | None:
        """The open call that a result without an id belongs to: one of the record that it names as its origin."""
        for field in ("sourceToolAssistantUUID", "parentUuid"):
            origin = value.get(field)
            if type(origin) is str and origin:
                for name, draft in self._open.items():
                    if name.startswith("@") and draft.key.rpartition(":")[0] == origin:
                        return name
        return None
