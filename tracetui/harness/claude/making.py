"""Steps in the making: numbers, open calls, responses under way, and what has changed since the last ``take``."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any, Final

from tracetui.harness import tools
from tracetui.harness.claude.results import oversize_note, read_result
from tracetui.harness.claude.session import Session
from tracetui.harness.claude.state import fingerprint, pack_step, unpack_step
from tracetui.harness.claude.usage import Response, cost_of, grown, pack_tokens, surplus, tokens_of, unpack_tokens
from tracetui.harness.claude.waiting import Waiting, WaitingQueue
from tracetui.harness.claude.words import describe
from tracetui.harness.tools import one_line
from tracetui.model import Kind, Record, Source, Step, ToolUse

__all__ = ["Here", "Maker", "counted"]

_OPEN_MAX: Final = 4096
_RESPONSES_MAX: Final = 8
_KEPT_MAX: Final = 64 * 1024
_TYPE_MAX: Final = 60


def counted(*parts: object) -> str:
    """The name under which a record that is no step is counted."""
    return "/".join(part[:_TYPE_MAX] for part in parts if isinstance(part, str) and part) or "(no type)"


class Here:
    """The record being read: its value, its key (uuid, or line where it has none) and its time in milliseconds."""

    __slots__ = ("key", "record", "source", "time", "value")

    def __init__(self, record: Record, value: dict[str, Any], key: str, time: int | None) -> None:
        self.record = record
        self.source: Source = record.source
        self.value = value
        self.key = key
        self.time = time


class Maker:
    """Begins and completes steps. ``begin``, ``event``, ``result`` and ``summary`` are what the readers of the record
    types call; what they make is handed over by ``take``."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.queue = WaitingQueue()
        self.known: Counter[str] = Counter()
        self.unknown: Counter[str] = Counter()
        self.count = 0
        self._out: dict[int, Step] = {}
        self._open: dict[str, Step] = {}
        self._responses: dict[str, Response] = {}
        self._boundary: Step | None = None

    def take(self) -> list[Step]:
        """The steps begun or changed since the last call, by number."""
        if not self._out:
            return []
        out = [self._out[number] for number in sorted(self._out)]
        self._out.clear()
        return out

    def dump(self) -> dict[str, Any]:
        """Everything, as JSON values."""
        responses = {
            name: [
                pack_tokens(item.tokens),
                item.cost,
                item.first,
                None if item.step is None else pack_step(item.step),
                pack_tokens(item.owed),
            ]
            for name, item in self._responses.items()
        }
        return {
            "known": self.known,
            "unknown": self.unknown,
            "count": self.count,
            "out": [pack_step(step) for step in self._out.values()],
            "open": {name: pack_step(step) for name, step in self._open.items()},
            "responses": responses,
            "boundary": None if self._boundary is None else pack_step(self._boundary),
            "queue": self.queue.dump(),
        }

    def load(self, state: dict[str, Any]) -> None:
        """The reverse of ``dump``."""
        self.known.update(state["known"])
        self.unknown.update(state["unknown"])
        self.count = state["count"]
        self._out = {step.number: step for step in map(unpack_step, state["out"])}
        self._open = {name: unpack_step(packed) for name, packed in state["open"].items()}
        for name, (tokens, cost, first, step, owed) in state["responses"].items():
            kept = None if step is None else unpack_step(step)
            self._responses[name] = Response(unpack_tokens(tokens), cost, first, kept, unpack_tokens(owed))
        self._boundary = None if state["boundary"] is None else unpack_step(state["boundary"])
        self.queue.load(state["queue"])

    # ---- beginning ---------------------------------------------------------------------------------------------------

    def aside(self, here: Here) -> bool:
        """Whether a record stands on a side chain of a main log."""
        return here.value.get("isSidechain") is True and self.session.facts.agent is None

    def begin(
        self,
        here: Here,
        kind: Kind,
        block: int | str,
        text: str | None,
        summary: str,
        *,
        images: int = 0,
        tool: ToolUse | None = None,
        model: str | None = None,
        response: str | None = None,
    ) -> Step:
        """The next step, begun by ``block`` of this record; the first one of a response carries its tokens."""
        if self.queue.ready:
            self.flush()
        tokens, cost = None, None
        entry = self._responses.get(response) if response is not None else None
        if entry is not None:
            if entry.first == 0:
                tokens, cost = entry.tokens, entry.cost
            elif entry.owed is not None:
                tokens, entry.owed = entry.owed, None
        self.count = number = self.count + 1
        step = Step(
            number,
            kind,
            f"{here.key}:{block}",
            (here.source,),
            here.time,
            model,
            text,
            tool,
            tokens,
            summary,
            response,
            None,
            here.value.get("isSidechain") is True and self.session.facts.agent is None,
            images,
            cost,
        )
        self._out[number] = step
        if entry is not None and entry.first == 0:
            entry.first = number
            entry.step = step if _weight(step) <= _KEPT_MAX else None
        return step

    def event(self, here: Here, block: int | str, text: str, summary: str, images: int = 0) -> None:
        """A harness event."""
        self.begin(here, "event", block, text, summary, images=images)

    def prompt(self, here: Here, block: int | str, text: str, images: int = 0) -> None:
        """What a person, or the parent of a subagent, asked for."""
        self.session.prompted(text, aside=self.aside(here))
        self.begin(here, "prompt", block, text, one_line(text), images=images)

    def unread(self, here: Here, kind: str) -> bool:
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

    def _absorbed(self, entry: Waiting) -> None:
        taken = entry.taken or entry.source
        person = entry.from_person
        if person:
            self.session.prompted(entry.text)
        self.count += 1
        self._out[self.count] = Step(
            number=self.count,
            kind="prompt" if person else "event",
            key=f"L{taken.line}.{entry.taken_nth}:0" if entry.taken_nth else f"L{taken.line}:0",
            sources=(taken, entry.source) if taken != entry.source else (taken,),
            time=entry.time,
            text=entry.text,
            summary=one_line(entry.text) if person else describe(entry.text),
        )

    # ---- compactions -------------------------------------------------------------------------------------------------

    def boundary(self, here: Here, text: str, summary: str) -> None:
        """A compaction begins; its summary follows."""
        self._boundary = self.begin(here, "compaction", 0, text, summary)

    def summary(self, here: Here, text: str) -> None:
        """The summary of a compaction: the text of the step that its boundary began, or a step of its own."""
        self.session.continued()
        boundary, self._boundary = self._boundary, None
        if not text and here.record.oversize:
            text = oversize_note(here.source.length)
        if boundary is None:
            self.begin(here, "compaction", 0, text, one_line(text) or "compaction")
        else:
            self._out[boundary.number] = replace(boundary, text=text, sources=(*boundary.sources, here.source))

    # ---- responses ---------------------------------------------------------------------------------------------------

    def response(self, here: Here, message: dict[str, Any]) -> str:
        """Take in the usage that a line of a response states; gives the response's name."""
        parts = [part for part in (message.get("id"), here.value.get("requestId")) if type(part) is str and part]
        name = "/".join(parts) or here.key
        tokens, cost = tokens_of(message), cost_of(here.value)
        entry = self._responses.get(name)
        if entry is None:
            seen = self.session.seen
            if fingerprint("response " + name) not in seen:
                self._responses[name] = Response(tokens, cost)
                self.session.paid(cost)
                while len(self._responses) > _RESPONSES_MAX:
                    oldest = next(iter(self._responses))
                    del self._responses[oldest]
                    seen.add(fingerprint("response " + oldest))
            return name
        more = grown(entry.tokens, tokens)
        dearer = entry.cost if cost is None else max(entry.cost or 0.0, cost)
        if more == entry.tokens and dearer == entry.cost:
            return name
        self.session.paid((dearer or 0.0) - (entry.cost or 0.0))
        if entry.first and entry.step is None:
            entry.owed = surplus(more, entry.tokens, entry.owed)
        entry.tokens, entry.cost = more, dearer
        if entry.step is not None:
            entry.step = step = replace(entry.step, tokens=more, cost_usd=dearer)
            self._out[step.number] = step
            if step.tool is not None:
                call = step.tool.call_id or "@" + step.key
                held = self._open.get(call)
                if held is not None and held.number == step.number:
                    self._open[call] = step
        return name

    # ---- calls and results -------------------------------------------------------------------------------------------

    def call(self, here: Here, nth: int, block: dict[str, Any], model: str | None, response: str | None) -> None:
        """A tool call begins a step that waits for its result."""
        name, ident, given = block.get("name"), block.get("id"), block.get("input")
        if type(name) is not str or not name:
            name = "(unnamed)"
        if type(ident) is not str or not ident:
            ident = None
        kind = tools.kind(name)
        line = tools.summary(name, given, of_kind=kind)
        tool = ToolUse(name, given, None, None, None, ident, None)
        step = self.begin(here, kind, nth, None, line, tool=tool, model=model, response=response)
        self._open[ident or "@" + step.key] = step
        if len(self._open) > _OPEN_MAX:
            del self._open[next(iter(self._open))]

    def result(self, here: Here, block: dict[str, Any], extra: object, nth: int | str) -> bool:
        """Join a result with its call; an event where the log holds no call. Whether a step came of it."""
        ident = block.get("tool_use_id")
        if type(ident) is str and ident:
            name: str | None = ident
        else:
            ident, name = None, self._call_of(here.value)
        call = self._open.pop(name, None) if name is not None else None
        note = oversize_note(here.source.length) if here.record.oversize else ""
        result = read_result(block, extra, agent=call is not None and call.kind == "agent", note=note)
        if call is None or call.tool is None:
            if not result.output or (ident is not None and fingerprint("call " + ident) in self.session.seen):
                return False
            self.event(here, nth, result.output, one_line(result.output), result.images)
            return True
        if ident is not None:
            self.session.seen.add(fingerprint("call " + ident))
        failed = result.is_error or bool(here.value.get("toolDenialKind"))
        duration = result.duration_ms
        if duration is None and here.time is not None and call.time is not None and here.time >= call.time:
            duration = here.time - call.time
        tool = call.tool
        step = Step(
            call.number,
            call.kind,
            call.key,
            call.sources if here.source in call.sources else (*call.sources, here.source),
            call.time,
            call.model,
            call.text,
            ToolUse(tool.name, tool.input, result.output, failed, result.exit_code, tool.call_id, duration),
            call.tokens,
            call.summary,
            call.response,
            result.thread or call.thread,
            call.sidechain,
            call.images + result.images,
            call.cost_usd,
        )
        self._out[step.number] = step
        entry = self._responses.get(call.response) if call.response is not None else None
        if entry is not None and entry.first == step.number and entry.step is not None:
            entry.step = step if _weight(step) <= _KEPT_MAX else None
        return True

    def _call_of(self, value: dict[str, Any]) -> str | None:
        """The open call that a result without an id belongs to: one of the record that it names as its origin."""
        for field in ("sourceToolAssistantUUID", "parentUuid"):
            origin = value.get(field)
            if type(origin) is str and origin:
                for name, step in self._open.items():
                    if name.startswith("@") and step.key.rpartition(":")[0] == origin:
                        return name
        return None


def _weight(step: Step) -> int:
    """About how much memory a step holds; an input is taken to be as long as its record's line."""
    tool = step.tool
    if tool is None:
        return len(step.text or "")
    return step.sources[0].length + len(tool.output or "")
