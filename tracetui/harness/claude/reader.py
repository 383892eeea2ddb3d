"""Records of a Claude Code log -> steps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from tracetui.harness import tools
from tracetui.harness.claude.detect import BOOKKEEPING
from tracetui.harness.claude.results import oversize_note, read_result
from tracetui.harness.claude.session import Session, worded
from tracetui.harness.claude.state import fingerprint, freeze, pack_step, thaw, unpack_step
from tracetui.harness.claude.usage import Response, cost_of, grown, tokens_of
from tracetui.harness.claude.waiting import Waiting, WaitingQueue
from tracetui.harness.claude.words import CONTINUED, attachment_text, describe, segments, system_text
from tracetui.harness.content import flatten
from tracetui.harness.tools import one_line
from tracetui.model import Kind, LogFacts, Problem, Record, Source, Step, Tokens, ToolUse, from_iso

__all__ = ["ClaudeReader"]

_OPEN_MAX: Final = 4096
_RESPONSES_MAX: Final = 8
_KEPT_MAX: Final = 64 * 1024
_TYPE_MAX: Final = 60
_QUIET_TYPES: Final = frozenset(BOOKKEEPING) | {"speculation-accept"}
_HUMAN: Final = frozenset({"human", "user", "cli"})
_MEDIA: Final = ("image", "document")


def _name(*parts: object) -> str:
    """The name under which a record is counted."""
    return "/".join(part[:_TYPE_MAX] for part in parts if isinstance(part, str) and part) or "(no type)"


class ClaudeReader:
    """The state machine over one log; see ``harness.base.Reader``.

    ``restart`` is None, or the state to begin the log again with: copied history turned out to stand before the first
    record of the session that the file is named for. A caller that does not begin again keeps the copied steps.
    """

    def __init__(self, stem: str, state: bytes | None = None) -> None:
        self.session = Session(stem)
        self.known: Counter[str] = Counter()
        self.unknown: Counter[str] = Counter()
        self.stepped = 0
        self.problems: list[Problem] = []
        self._count = 0
        self._out: dict[int, Step] = {}
        self._open: dict[str, Step] = {}
        self._responses: dict[str, Response] = {}
        self._boundary: Step | None = None
        self._queue = WaitingQueue()
        self._attached = False
        self._fed = 0
        self._ways: dict[str, Callable[[Record, dict[str, Any], str, int | None], bool]] = {
            "user": self._user,
            "assistant": self._assistant,
            "system": self._system,
            "attachment": self._attachment,
        }
        if state is not None:
            self._load(state)

    # ---- the protocol ----------------------------------------------------------------------------------------------

    @property
    def facts(self) -> LogFacts:
        """What the log says about itself so far."""
        return self.session.facts

    @facts.setter
    def facts(self, value: LogFacts) -> None:
        self.session.facts = value

    @property
    def restart(self) -> bytes | None:
        """See the class."""
        if not self.session.revealed:
            return None
        fresh = ClaudeReader(self.session.stem)
        fresh.session.settle(self.session.stem)
        return fresh.dump()

    def feed(self, record: Record) -> None:
        """Take one record."""
        value = record.value
        kind = value.get("type")
        self._fed += 1
        if kind == "progress":
            data = value.get("data")
            self.known[_name(kind, data.get("type") if type(data) is dict else None)] += 1
            if not self.session.settled:
                self.session.meet(value, True)
            return
        way = self._ways.get(kind) if type(kind) is str else None
        if way is None:
            self._book(record, value, kind)
            return
        session = self.session
        if session.meet(value, True):
            self.known["inherited"] += 1
            return
        uuid = value.get("uuid")
        if type(uuid) is str and uuid:
            mark = fingerprint(uuid)
            if mark in session.seen:
                self.known["duplicate"] += 1
                return
            session.seen.add(mark)
            if session.leaves:
                session.found_leaf(mark)
            key = uuid
        else:
            source = record.source
            key = f"L{source.line}.{record.nth}" if record.nth else f"L{source.line}"
        time = from_iso(value.get("timestamp"))
        session.note(value, time)
        if way(record, value, key, time):
            self.stepped += 1

    def take(self) -> list[Step]:
        """The steps begun or changed since the last call, by number."""
        if not self._out:
            return []
        out = [self._out[number] for number in sorted(self._out)]
        self._out.clear()
        return out

    def dump(self) -> bytes:
        """The state, to go on from after a growth of the log."""
        responses = {
            key: [
                _pack_tokens(item.tokens),
                item.cost,
                item.first,
                None if item.step is None else pack_step(item.step),
                _pack_tokens(item.owed),
            ]
            for key, item in self._responses.items()
        }
        state = {
            "v": 1,
            "session": self.session.dump(),
            "known": self.known,
            "unknown": self.unknown,
            "stepped": self.stepped,
            "count": self._count,
            "fed": self._fed,
            "attached": self._attached,
            "out": [pack_step(step) for step in self._out.values()],
            "open": {key: pack_step(step) for key, step in self._open.items()},
            "responses": responses,
            "boundary": None if self._boundary is None else pack_step(self._boundary),
            "queue": self._queue.dump(),
        }
        return freeze(state, self.session.seen)

    def _load(self, data: bytes) -> None:
        state, seen = thaw(data)
        self.session.load(state["session"])
        self.session.seen = seen
        self.known.update(state["known"])
        self.unknown.update(state["unknown"])
        self.stepped, self._count, self._fed = state["stepped"], state["count"], state["fed"]
        self._attached = state["attached"]
        self._out = {step.number: step for step in map(unpack_step, state["out"])}
        self._open = {key: unpack_step(packed) for key, packed in state["open"].items()}
        for key, (tokens, cost, first, step, owed) in state["responses"].items():
            self._responses[key] = Response(
                None if tokens is None else Tokens(*tokens),
                cost,
                first,
                None if step is None else unpack_step(step),
                None if owed is None else Tokens(*owed),
            )
        self._boundary = None if state["boundary"] is None else unpack_step(state["boundary"])
        self._queue.load(state["queue"])

    # ---- records that are no steps -----------------------------------------------------------------------------------

    def _book(self, record: Record, value: dict[str, Any], kind: object) -> None:
        if type(kind) is not str or kind not in _QUIET_TYPES:
            self.unknown[_name(kind)] += 1
            return
        self.session.meet(value, False)
        self.session.keep_book(kind, value)
        if kind == "queue-operation":
            queue = self._queue
            time = from_iso(value.get("timestamp"))
            first = self._fed == 1
            queue.operate(value, record.source, record.nth, time, traced=self._attached, first=first)
            if queue.ready and self._fed <= 2:
                # Nothing but the records of one queued text: it is read again from its sources.
                self._flush()
        self.known[_name(kind, value.get("operation") if kind == "queue-operation" else None)] += 1

    # ---- making steps ------------------------------------------------------------------------------------------------

    def _begin(
        self,
        kind: Kind,
        key: str,
        source: Source,
        time: int | None,
        value: dict[str, Any],
        *,
        text: str | None = None,
        summary: str = "",
        images: int = 0,
        tool: ToolUse | None = None,
        model: str | None = None,
        response: str | None = None,
    ) -> Step:
        if self._queue.ready:
            self._flush()
        tokens: Tokens | None = None
        cost: float | None = None
        entry = self._responses.get(response) if response is not None else None
        if entry is not None:
            if entry.first == 0:
                tokens, cost = entry.tokens, entry.cost
            elif entry.owed is not None:
                tokens, entry.owed = entry.owed, None
        self._count += 1
        step = Step(
            self._count,
            kind,
            key,
            (source,),
            time,
            model,
            text,
            tool,
            tokens,
            summary,
            response,
            None,
            value.get("isSidechain") is True and self.session.facts.agent is None,
            images,
            cost,
        )
        self._out[self._count] = step
        if entry is not None and entry.first == 0:
            entry.first = self._count
            entry.step = step if _weight(step) <= _KEPT_MAX else None
        return step

    def _flush(self) -> None:
        """Make steps of the queued texts of which the log shows no more than that they went into the turn."""
        ready, self._queue.ready = self._queue.ready, []
        for entry in ready:
            self._queue.tell(entry.text)
            self._absorbed(entry)

    def _absorbed(self, entry: Waiting) -> None:
        taken = entry.taken or entry.source
        key = f"L{taken.line}.{entry.taken_nth}" if entry.taken_nth else f"L{taken.line}"
        person = entry.from_person
        if person:
            self.session.prompted(entry.text)
        self._count += 1
        self._out[self._count] = Step(
            number=self._count,
            kind="prompt" if person else "event",
            key=f"{key}:0",
            sources=(taken, entry.source) if taken != entry.source else (taken,),
            time=entry.time,
            text=entry.text,
            summary=one_line(entry.text) if person else describe(entry.text),
        )

    def _event(
        self,
        key: str,
        source: Source,
        time: int | None,
        value: dict[str, Any],
        text: str,
        summary: str,
        images: int = 0,
    ) -> None:
        self._begin("event", key, source, time, value, text=text, summary=summary, images=images)

    # ---- assistant ---------------------------------------------------------------------------------------------------

    def _assistant(self, record: Record, value: dict[str, Any], key: str, time: int | None) -> bool:
        source = record.source
        message = value.get("message")
        if type(message) is not dict:
            return self._unread(record, value, key, time, "assistant")
        content = message.get("content")
        model = message.get("model")
        if type(model) is not str or not model:
            model = None
        if model == "<synthetic>" or value.get("isApiErrorMessage") is True:
            text, images = flatten(content)
            if not text:
                self.known["assistant/synthetic"] += 1
                return False
            self._event(f"{key}:0", source, time, value, text, one_line(text), images)
            return True
        self.session.answered(model, value.get("isSidechain") is True)
        response = self._usage(value, message, key)
        if type(content) is str:
            content = [{"type": "text", "text": content}]
        elif type(content) is not list:
            return self._unread(record, value, key, time, "assistant")
        made = False
        strange: object = None
        for nth, block in enumerate(content):
            if type(block) is not dict:
                strange = strange or "block"
                continue
            kind = block.get("type")
            if kind == "text" or kind == "thinking":
                said = block.get(kind)
                if said is None and record.oversize:
                    said = oversize_note(source.length)
                if type(said) is str and said and not said.isspace():
                    self._begin(
                        "message" if kind == "text" else "thinking",
                        f"{key}:{nth}",
                        source,
                        time,
                        value,
                        text=said,
                        summary=one_line(said),
                        model=model,
                        response=response,
                    )
                    made = True
            elif type(kind) is not str:
                strange = strange or "block"
            elif kind.endswith("tool_use"):
                self._call(block, f"{key}:{nth}", source, time, value, model, response)
                made = True
            elif kind.endswith("tool_result"):
                made |= self._result(block, None, record, value, f"{key}:{nth}", time)
            elif kind != "redacted_thinking":
                other = block.get("text")
                if type(other) is str and other and not other.isspace():
                    self._event(f"{key}:{nth}", source, time, value, other, one_line(f"{kind}: {other}"))
                    made = True
                else:
                    strange = strange or kind
        if not made:
            if strange is not None:
                self.unknown[_name("assistant", strange)] += 1
            elif record.oversize:
                return self._unread(record, value, key, time, "assistant")
            else:
                first = content[0].get("type") if content and type(content[0]) is dict else "empty"
                self.known[_name("assistant", first)] += 1
        return made

    def _usage(self, value: dict[str, Any], message: dict[str, Any], key: str) -> str:
        """Take in the usage that a line states; gives the name of its response."""
        ident, request = message.get("id"), value.get("requestId")
        parts = [part for part in (ident, request) if type(part) is str and part]
        name = "/".join(parts) or key
        tokens, cost = tokens_of(message), cost_of(value)
        entry = self._responses.get(name)
        if entry is None:
            if self._fresh(name):
                self._responses[name] = Response(tokens, cost)
                if cost is not None:
                    self.session.paid(cost)
                while len(self._responses) > _RESPONSES_MAX:
                    oldest = next(iter(self._responses))
                    del self._responses[oldest]
                    self.session.seen.add(fingerprint("response " + oldest))
            return name
        more = grown(entry.tokens, tokens)
        more_cost = max(entry.cost or 0.0, cost) if cost is not None else entry.cost
        if more == entry.tokens and more_cost == entry.cost:
            return name
        if more_cost != entry.cost:
            self.session.paid((more_cost or 0.0) - (entry.cost or 0.0))
        if entry.first and entry.step is None:
            entry.owed = _rest(more, entry.tokens, entry.owed)
        entry.tokens, entry.cost = more, more_cost
        if entry.step is not None:
            self._change(replace(entry.step, tokens=more, cost_usd=more_cost), entry)
        return name

    def _fresh(self, response: str) -> bool:
        return not self.session.seen or fingerprint("response " + response) not in self.session.seen

    def _change(self, step: Step, entry: Response) -> None:
        entry.step = step
        self._out[step.number] = step
        tool = step.tool
        if tool is not None:
            name = tool.call_id or "@" + step.key
            held = self._open.get(name)
            if held is not None and held.number == step.number:
                self._open[name] = step

    def _call(
        self,
        block: dict[str, Any],
        key: str,
        source: Source,
        time: int | None,
        value: dict[str, Any],
        model: str | None,
        response: str | None,
    ) -> None:
        name, ident, given = block.get("name"), block.get("id"), block.get("input")
        if type(name) is not str or not name:
            name = "(unnamed)"
        if type(ident) is not str or not ident:
            ident = None
        kind = tools.kind(name)
        step = self._begin(
            kind,
            key,
            source,
            time,
            value,
            tool=ToolUse(name, given, None, None, None, ident, None),
            summary=tools.summary(name, given, of_kind=kind),
            model=model,
            response=response,
        )
        self._open[ident or "@" + key] = step
        if len(self._open) > _OPEN_MAX:
            del self._open[next(iter(self._open))]

    # ---- results -----------------------------------------------------------------------------------------------------

    def _result(
        self, block: dict[str, Any], extra: object, record: Record, value: dict[str, Any], key: str, time: int | None
    ) -> bool:
        """Join a result with its call; an event where the log holds no call. Whether a step came of it."""
        ident = block.get("tool_use_id")
        if type(ident) is str and ident:
            name: str | None = ident if ident in self._open else None
        else:
            ident, name = None, self._call_of(value)
        call = self._open.pop(name) if name is not None else None
        note = oversize_note(record.source.length) if record.oversize else ""
        result = read_result(block, extra, agent=call is not None and call.kind == "agent", note=note)
        if value.get("toolDenialKind") and not result.is_error:
            result = result._replace(is_error=True)
        if call is None or call.tool is None:
            if not result.output or (ident is not None and fingerprint("call " + ident) in self.session.seen):
                return False
            self._event(key, record.source, time, value, result.output, one_line(result.output), result.images)
            return True
        if ident is not None:
            self.session.seen.add(fingerprint("call " + ident))
        tool = call.tool
        duration = result.duration_ms
        if duration is None and time is not None and call.time is not None and time >= call.time:
            duration = time - call.time
        sources = call.sources if record.source in call.sources else (*call.sources, record.source)
        step = Step(
            call.number,
            call.kind,
            call.key,
            sources,
            call.time,
            call.model,
            call.text,
            ToolUse(tool.name, tool.input, result.output, result.is_error, result.exit_code, tool.call_id, duration),
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

    # ---- user --------------------------------------------------------------------------------------------------------

    def _user(self, record: Record, value: dict[str, Any], key: str, time: int | None) -> bool:
        message = value.get("message")
        content = message.get("content") if type(message) is dict else message
        if type(content) is str:
            return self._said(record, value, key, time, [content])
        if type(content) is not list:
            return self._unread(record, value, key, time, "user")
        results = [block for block in content if type(block) is dict and _is_result(block)]
        if not results:
            return self._said(record, value, key, time, content)
        extra = value.get("toolUseResult") if len(results) == 1 else None
        rest = [block for block in content if not (type(block) is dict and _is_result(block))]
        media = [block for block in rest if type(block) is dict and block.get("type") in _MEDIA]
        if media and len(results) == 1:
            inner = results[0].get("content")
            joined = [*inner] if type(inner) is list else [inner] if type(inner) is str else []
            results[0] = {**results[0], "content": [*joined, *media]}
            rest = [block for block in rest if block not in media]
        made = False
        for nth, block in enumerate(results):
            made |= self._result(block, extra, record, value, f"{key}:r{nth}", time)
        if rest:
            made |= self._said(record, value, key, time, rest, alone=False)
        if not made:
            self.known["user/tool_result"] += 1
        return made

    def _said(
        self,
        record: Record,
        value: dict[str, Any],
        key: str,
        time: int | None,
        content: list[Any],
        *,
        alone: bool = True,
    ) -> bool:
        """What a user record says (``alone``: without results): a compaction's summary, a prompt, harness text."""
        if value.get("isCompactSummary") is True:
            return self._summary(record, value, key, time, flatten(content).text)
        person = self._from_person(value, alone)
        parts: list[tuple[bool, str, int]] = []
        for block in content:
            text, images = flatten([block])
            if not text or text.isspace():
                continue
            pieces = segments(text) if not images else [(True, text)]
            for human, piece in pieces:
                human = human and person
                if parts and parts[-1][0] == human:
                    last = parts.pop()
                    parts.append((human, f"{last[1]}\n{piece}", last[2] + images))
                else:
                    parts.append((human, piece, images))
                images = 0
        if not parts:
            if record.oversize:
                return self._unread(record, value, key, time, "user")
            if alone:
                self.known["user/empty"] += 1
            return False
        if parts[0][1].startswith(CONTINUED) and parts[0][0]:
            return self._summary(record, value, key, time, "\n".join(part[1] for part in parts))
        made = False
        for nth, (human, text, images) in enumerate(parts):
            if human:
                if not self._queue.prompted(worded(text) if images else text):
                    continue
                self.session.prompted(text, aside=value.get("isSidechain") is True and self.facts.agent is None)
                self._begin(
                    "prompt",
                    f"{key}:{nth}",
                    record.source,
                    time,
                    value,
                    text=text,
                    summary=one_line(text),
                    images=images,
                )
            else:
                line = describe(text)
                self.session.commanded(text, line)
                self._event(f"{key}:{nth}", record.source, time, value, text, line, images)
            made = True
        if not made and alone:
            self.known["user/queued"] += 1
        return made

    def _from_person(self, value: dict[str, Any], alone: bool) -> bool:
        if (
            value.get("isMeta") is True
            or value.get("isVisibleInTranscriptOnly") is True
            or (alone and value.get("toolUseResult") is not None)
            or value.get("sourceToolUseID") is not None
            or value.get("turnCompanion") is True
            or value.get("promptSource") == "system"
            or self.session.machine
        ):
            return False
        origin = value.get("origin")
        kind = origin.get("kind") if type(origin) is dict else None
        return kind is None or (type(kind) is str and kind in _HUMAN)

    def _summary(self, record: Record, value: dict[str, Any], key: str, time: int | None, text: str) -> bool:
        """The summary of a compaction: the text of the step that its boundary began, or a step of its own."""
        self.session.continued()
        boundary, self._boundary = self._boundary, None
        if not text and record.oversize:
            text = oversize_note(record.source.length)
        if boundary is None:
            self._begin(
                "compaction", f"{key}:0", record.source, time, value, text=text, summary=one_line(text) or "compaction"
            )
        else:
            self._out[boundary.number] = replace(boundary, text=text, sources=(*boundary.sources, record.source))
        return True

    # ---- system, attachments -----------------------------------------------------------------------------------------

    def _system(self, record: Record, value: dict[str, Any], key: str, time: int | None) -> bool:
        subtype = value.get("subtype")
        if subtype == "compact_boundary" or subtype == "microcompact_boundary":
            content = value.get("content")
            text = content if type(content) is str else ""
            line = _compaction_line(value, subtype)
            step = self._begin(
                "compaction", f"{key}:0", record.source, time, value, text=text, summary=line or one_line(text)
            )
            if subtype == "compact_boundary":
                self._boundary = step
            return True
        text, known = system_text(value)
        if text:
            self.session.commanded(text, describe(text))
            self._event(f"{key}:0", record.source, time, value, text, describe(text))
            return True
        if record.oversize:
            return self._unread(record, value, key, time, "system")
        (self.known if known else self.unknown)[_name("system", subtype)] += 1
        return False

    def _attachment(self, record: Record, value: dict[str, Any], key: str, time: int | None) -> bool:
        self._attached = True
        item = value.get("attachment")
        if type(item) is not dict:
            return self._unread(record, value, key, time, "attachment")
        kind = item.get("type")
        if kind == "queued_command":
            return self._queued(record, value, item, key, time)
        text, known = attachment_text(item)
        if text:
            line = one_line(f"{kind if type(kind) is str else 'attachment'}: {text}")
            self._event(f"{key}:0", record.source, time, value, text, line)
            return True
        if record.oversize:
            return self._unread(record, value, key, time, "attachment")
        (self.known if known else self.unknown)[_name("attachment", kind)] += 1
        return False

    def _queued(self, record: Record, value: dict[str, Any], item: dict[str, Any], key: str, time: int | None) -> bool:
        """A text typed while the agent was busy and put into the running turn."""
        text, images = flatten(item.get("prompt"))
        if not text.strip():
            if record.oversize:
                return self._unread(record, value, key, time, "attachment")
            self.known["attachment/queued_command"] += 1
            return False
        if not self._queue.attached(worded(text) if images else text):
            self.known["attachment/queued_command"] += 1
            return False
        origin = item.get("origin")
        sender = origin.get("kind") if type(origin) is dict else None
        mode = item.get("commandMode")
        person = (
            (mode is None or mode == "prompt")
            and (sender is None or (type(sender) is str and sender in _HUMAN))
            and item.get("isMeta") is not True
            and not self.session.machine
            and all(human for human, _ in segments(text))
        )
        if person:
            self.session.prompted(text)
            self._begin(
                "prompt", f"{key}:0", record.source, time, value, text=text, summary=one_line(text), images=images
            )
        else:
            self._event(f"{key}:0", record.source, time, value, text, describe(text), images)
        return True

    def _unread(self, record: Record, value: dict[str, Any], key: str, time: int | None, kind: str) -> bool:
        """A record without the part that would make it a step: an event where its line was too long, else unknown."""
        if record.oversize:
            note = oversize_note(record.source.length)
            self._event(f"{key}:0", record.source, time, value, note, f"{kind} {note}")
            return True
        self.unknown[kind] += 1
        return False


def _is_result(block: dict[str, Any]) -> bool:
    kind = block.get("type")
    return type(kind) is str and kind.endswith("tool_result")


def _weight(step: Step) -> int:
    """About how much memory a step holds; an input is taken to be as long as its record's line."""
    tool = step.tool
    if tool is None:
        return len(step.text or "")
    return step.sources[0].length + len(tool.output or "")


def _pack_tokens(tokens: Tokens | None) -> list[int] | None:
    return None if tokens is None else [tokens.input, tokens.output, tokens.cache_read, tokens.cache_write]


def _rest(more: Tokens | None, old: Tokens | None, owed: Tokens | None) -> Tokens | None:
    if more is None:
        return owed
    old = old or Tokens()
    rest = Tokens(
        more.input - old.input,
        more.output - old.output,
        more.cache_read - old.cache_read,
        more.cache_write - old.cache_write,
    )
    return rest if owed is None else rest + owed


def _compaction_line(value: dict[str, Any], subtype: str) -> str:
    meta = value.get("compactMetadata" if subtype == "compact_boundary" else "microcompactMetadata")
    if type(meta) is not dict:
        return ""
    words: list[str] = []
    if type(meta.get("trigger")) is str:
        words.append(one_line(meta["trigger"], 20))
    if type(meta.get("preTokens")) is int:
        words.append(f"{meta['preTokens']:,} tokens before")
    if type(meta.get("tokensSaved")) is int:
        words.append(f"{meta['tokensSaved']:,} tokens saved")
    if type(meta.get("compactedToolIds")) is list:
        words.append(f"{len(meta['compactedToolIds'])} results left out")
    name = "compaction" if subtype == "compact_boundary" else "microcompaction"
    return f"{name}: {', '.join(words)}" if words else name
