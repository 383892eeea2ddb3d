"""The reader of Pi's logs, formats 1 to 3 and 1.x, and of OpenClaw's, which writes format 3.

Branches of the tree are read in file order. A log that copies another one's history (``/fork``, ``/clone``) has
entries older than its own header: they are that other session's steps and count as ``inherited`` here.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any, Final

import orjson

from tracetui.harness import tools
from tracetui.harness.content import Flat, flatten
from tracetui.harness.pi import parts
from tracetui.harness.pi.state import facts_of, facts_to, step_of, step_to
from tracetui.model import Kind, LogFacts, Problem, Record, Source, Step, ToolUse

__all__ = ["PiReader"]

_OPEN_MAX: Final = 256
"""Calls that wait for their result at most; the oldest is given up."""
_RECENT: Final = 128
"""Entries among which a repeated one is recognised."""
_TYPE_MAX: Final = 60
_KNOWN: Final = frozenset(
    {"model_change", "thinking_level_change", "custom", "label", "session_info", "usage", "context_edit"}
)
_CALLS: Final = ("toolCall", "toolUse", "tool_use", "functionCall")  # a tuple: types may be unhashable
_STATE: Final = 1


def _noted(record: Record, text: str) -> str:
    """``text``, and for a line over the limit what its head showed of it and a note in place of the rest."""
    if not record.oversize:
        return text
    shown = (line for line in text.splitlines() if line != "[text]")
    return "\n".join([*shown, f"[line of {record.source.length / 1048576:,.0f} MiB not read]"])


class _Open:
    """A call that waits for its result."""

    __slots__ = ("alone", "call", "extra", "line", "step")

    def __init__(self, step: Step, call: str, line: int, alone: bool) -> None:
        self.step = step
        self.call = call
        self.line = line
        self.alone = alone
        self.extra: list[Source] = []  # results of calls of the same record and id that came first


class PiReader:
    """See ``base.Reader``. ``facts.cost_usd`` is the sum of all costs the log states, of ``usage`` entries too."""

    def __init__(self, stem: str, state: bytes | None = None) -> None:
        self.facts = LogFacts(harness="pi")
        self.known: Counter[str] = Counter()
        self.unknown: Counter[str] = Counter()
        self.stepped = 0
        self.problems: list[Problem] = []
        self._stem = stem
        self._number = 0
        self._changed: dict[int, Step] = {}
        self._open: dict[str, list[_Open]] = {}
        self._waiting = 0
        self._recent: dict[str, None] = {}
        self._name: str | None = None  # the title the user gave
        self._asked: str | None = None  # the first prompt, the title otherwise
        self._answered = False  # a response has said its model
        self._headed = False
        self._born: int | None = None  # time of the header of a log that may hold another one's history
        self._repeated: int | None = None  # entries up to this time were written twice
        if state is not None:
            self._load(state)
        if not self.facts.session:
            self.facts.session = parts.session_of(stem) or stem

    # --- in and out --------------------------------------------------------------------------------------------------

    def feed(self, record: Record) -> None:
        """Take the next record."""
        value = record.value
        kind = value.get("type")
        if kind == "session":
            self._header(value)
            return
        message = value.get("message") if kind == "message" else None
        time = parts.moment(value, message if isinstance(message, dict) else None)
        if self._second_hand(value, kind, time):
            self._inherit(value, kind)
            return
        facts = self.facts
        if time is not None:
            if facts.started is None or time < facts.started:
                facts.started = time
            if facts.ended is None or time > facts.ended:
                facts.ended = time
        if kind == "message":
            if isinstance(message, dict):
                self._message(record, message, time)
            else:
                self.unknown["message"] += 1
        elif kind == "compaction" or kind == "branch_summary":
            self._summary(record, value, kind, time)
        elif kind == "custom_message":
            self._custom(record, value, time)
        elif not isinstance(kind, str):
            self.unknown["?"] += 1
        elif kind in _KNOWN:
            self.known[kind] += 1
            self._setting(value, kind)
        else:
            self.unknown[kind[:_TYPE_MAX]] += 1

    def take(self) -> list[Step]:
        """The steps begun or changed since the last call, by number."""
        changed = [self._changed[number] for number in sorted(self._changed)]
        self._changed.clear()
        return changed

    def dump(self) -> bytes:
        """The state after the last record fed; steps not yet taken are in it."""
        return orjson.dumps(
            {
                "v": _STATE,
                "facts": facts_to(self.facts),
                "known": self.known,
                "unknown": self.unknown,
                "stepped": self.stepped,
                "number": self._number,
                "changed": [step_to(step) for step in self._changed.values()],
                "open": [
                    [one.call, one.line, one.alone, [list(source) for source in one.extra], step_to(one.step)]
                    for waiting in self._open.values()
                    for one in waiting
                ],
                "recent": list(self._recent),
                "name": self._name,
                "asked": self._asked,
                "answered": self._answered,
                "headed": self._headed,
                "born": self._born,
                "repeated": self._repeated,
                "problems": [list(problem) for problem in self.problems],
            }
        )

    def _load(self, state: bytes) -> None:
        value = orjson.loads(state)
        if value.get("v") != _STATE:
            raise ValueError("state of another version")
        self.facts = facts_of(value["facts"])
        self.known.update(value["known"])
        self.unknown.update(value["unknown"])
        self.stepped = value["stepped"]
        self._number = value["number"]
        self._changed = {item["number"]: step_of(item) for item in value["changed"]}
        for call, line, alone, extra, item in value["open"]:
            one = _Open(step_of(item), call, line, alone)
            one.extra = [Source(*source) for source in extra]
            self._open.setdefault(call, []).append(one)
            self._waiting += 1
        self._recent = dict.fromkeys(value["recent"])
        self._name = value["name"]
        self._asked = value["asked"]
        self._answered = value["answered"]
        self._headed = value["headed"]
        self._born = value["born"]
        self._repeated = value["repeated"]
        self.problems = [Problem(*problem) for problem in value["problems"]]

    # --- the log as a whole ------------------------------------------------------------------------------------------

    def _header(self, value: dict[str, Any]) -> None:
        self.known["session"] += 1
        facts = self.facts
        own = parts.string(value.get("id"))
        if self._headed:
            if own is not None and own != facts.session and parts.session_of(self._stem) == own:
                facts.session = own
            elif own == facts.session:
                self._repeated = facts.ended  # Pi once wrote header and entries a second time
            return
        self._headed = True
        if own is not None:
            facts.session = own
        facts.cwd = parts.string(value.get("cwd"))
        version = value.get("version")
        facts.version = f"format {version}" if type(version) is int else "format 1"
        facts.model = parts.string(value.get("modelId")) or facts.model
        facts.started = parts.moment(value)
        facts.ended = facts.started
        parent = parts.session_of(value.get("parentSession"))
        branched = parts.session_of(value.get("branchedFrom"))
        if branched is not None:
            facts.forked_from = branched
        elif parent is not None:
            facts.parent = parent
        if value.get("parentSession") or value.get("branchedFrom"):
            self._born = facts.started

    def _second_hand(self, value: dict[str, Any], kind: object, time: int | None) -> bool:
        """Whether an entry was another session's first, or stands in this log a second time; counts it if so."""
        if time is not None:
            if self._born is not None and time < self._born:
                self.known["inherited"] += 1
                if self.facts.parent is not None:
                    self.facts.forked_from, self.facts.parent = self.facts.parent, None
                return True
            if self._repeated is not None and time <= self._repeated:
                self.known["repeated"] += 1
                return True
        own = value.get("id")
        if isinstance(own, str) and own:
            mark = f"{own[:100]} {kind} {time}"
            if mark in self._recent:
                self.known["repeated"] += 1
                return True
            self._recent[mark] = None
            if len(self._recent) > _RECENT:
                del self._recent[next(iter(self._recent))]
        return False

    def _inherit(self, value: dict[str, Any], kind: object) -> None:
        """What history that is not this session's still says of it."""
        if kind == "session_info" or kind == "model_change":
            self._setting(value, kind, count=False)

    def _setting(self, value: dict[str, Any], kind: object, *, count: bool = True) -> None:
        if kind == "session_info":
            self._name = tools.one_line(value.get("name")) or None
            self.facts.title = self._name or self._asked
        elif kind == "model_change":
            if not self._answered:
                self.facts.model = parts.string(value.get("modelId")) or self.facts.model
        elif kind == "usage" and count:
            self._pay(value.get("usage"))

    def _pay(self, usage: object) -> float | None:
        paid = parts.cost(usage)
        if paid is not None:
            self.facts.cost_usd = (self.facts.cost_usd or 0.0) + paid
        return paid

    # --- steps -------------------------------------------------------------------------------------------------------

    def _key(self, record: Record, block: int | str | None = None) -> str:
        own = record.value.get("id")
        head = own if isinstance(own, str) and own else f"@{record.source.line}.{record.nth}"
        return head if block is None else f"{head}:{block}"

    def _begin(self, record: Record, kind: Kind, key: str, time: int | None, **rest: Any) -> Step:
        self._number += 1
        step = Step(self._number, kind, key, (record.source,), time, **rest)
        self._changed[step.number] = step
        return step

    def _flat(self, record: Record, content: object) -> Flat:
        flat = flatten(content)
        return Flat(_noted(record, flat.text), flat.images) if record.oversize else flat

    def _message(self, record: Record, message: dict[str, Any], time: int | None) -> None:
        role = message.get("role")
        if role == "assistant":
            self._assistant(record, message, time)
        elif role == "toolResult":
            self._result(record, message, time)
        elif role == "user":
            self._user(record, message, time)
        elif role == "bashExecution":
            self._bash(record, message, time)
        elif role in ("custom", "hookMessage"):
            self._custom(record, message, time)
        elif role in ("branchSummary", "compactionSummary"):
            self._summary(record, message, "compaction" if role == "compactionSummary" else "branch_summary", time)
        elif role == "system":
            self._system(record, message, time)
        else:
            self.unknown[f"message/{role[:_TYPE_MAX] if isinstance(role, str) else '?'}"] += 1

    def _user(self, record: Record, message: dict[str, Any], time: int | None) -> None:
        flat = self._flat(record, message.get("content"))
        if not flat.text.strip():
            self.known["message/user/empty"] += 1
            return
        self.stepped += 1
        if parts.harness_text(flat.text):
            self.facts.warmup = self._asked is None
            self._begin(
                record, "event", self._key(record), time, text=flat.text, summary=tools.one_line(parts.said(flat.text))
            )
            return
        said = tools.one_line(parts.said(flat.text))
        if self._asked is None:
            self._asked = said
            self.facts.title = self._name or said
        self.facts.warmup = False
        self._begin(record, "prompt", self._key(record), time, text=flat.text, summary=said, images=flat.images)

    def _assistant(self, record: Record, message: dict[str, Any], time: int | None) -> None:
        content = message.get("content")
        blocks: list[Any] = content if isinstance(content, list) else [content] if content else []
        model = parts.string(message.get("model"))
        usage = message.get("usage")
        if model is not None:
            self.facts.model, self._answered = model, True
        rest: dict[str, Any] = {
            "model": model,
            "response": parts.string(message.get("responseId")) or self._key(record),
            "tokens": parts.tokens(usage),
        }
        if rest["tokens"] is not None or parts.cost(usage):
            rest["cost_usd"] = self._pay(usage)
        types = [block.get("type") if isinstance(block, dict) else None for block in blocks]
        calls = sum(kind in _CALLS for kind in types)
        begun = 0
        for at, (kind, block) in enumerate(zip(types, blocks)):
            if kind in _CALLS:
                self._call(record, block, at, time, calls == 1, rest)
            elif kind == "thinking":
                text = block.get("thinking")
                if not isinstance(text, str) or not text.strip():
                    continue
                self._begin(
                    record, "thinking", self._key(record, at), time, text=text, summary=tools.one_line(text), **rest
                )
            else:
                flat = flatten(block)
                if not flat.text.strip():
                    continue
                self._begin(
                    record,
                    "message",
                    self._key(record, at),
                    time,
                    text=flat.text,
                    summary=tools.one_line(flat.text),
                    images=flat.images,
                    **rest,
                )
            begun += 1
            rest["tokens"] = rest["cost_usd"] = None
        begun += self._stopped(record, message, begun, time, rest)
        if begun:
            self.stepped += 1
        else:
            self.known["message/assistant/empty"] += 1

    def _stopped(
        self, record: Record, message: dict[str, Any], begun: int, time: int | None, rest: dict[str, Any]
    ) -> int:
        """An event for a response that failed, was aborted, was too long to read, or cost tokens and said nothing."""
        reason = message.get("stopReason")
        words = parts.string(message.get("errorMessage"))
        if reason in ("error", "aborted") and (words or not begun):
            text = words or f"response {'aborted' if reason == 'aborted' else 'failed'}"
        elif begun and not record.oversize:
            return 0
        elif record.oversize:
            text = _noted(record, "")
        elif rest["tokens"] is not None:
            text = f"empty response ({reason})" if parts.string(reason) else "empty response"
        else:
            return 0
        self._begin(record, "event", self._key(record, "end"), time, text=text, summary=tools.one_line(text), **rest)
        return 1

    def _call(
        self, record: Record, block: dict[str, Any], at: int, time: int | None, alone: bool, rest: dict[str, Any]
    ) -> None:
        name = parts.string(block.get("name")) or "tool"
        call = parts.string(block.get("id"))
        value = parts.arguments(block)
        kind = parts.kind_of(name)
        step = self._begin(
            record,
            kind,
            self._key(record, at),
            time,
            tool=ToolUse(name, value, call_id=call),
            summary=tools.summary(name, value, of_kind=kind) or name,
            **rest,
        )
        name = call or ""
        waiting = self._open.get(name)
        if waiting and waiting[-1].line != self._line(record):
            self._waiting -= len(self._open.pop(name))  # an id used again: the older call never got its result
        self._open.setdefault(name, []).append(_Open(step, name, self._line(record), alone))
        self._waiting += 1
        if self._waiting > _OPEN_MAX:
            self._waiting -= len(self._open.pop(next(iter(self._open))))

    @staticmethod
    def _line(record: Record) -> int:
        """Tells records apart, glued ones on a line too."""
        return record.source.line * 1000 + record.nth

    def _result(self, record: Record, message: dict[str, Any], time: int | None) -> None:
        self.stepped += 1
        self._pay(message.get("usage"))
        call = parts.string(message.get("toolCallId"))
        waiting = self._open.get(call or "")
        one = waiting.pop(0) if waiting else None
        if waiting is not None and one is not None:
            self._waiting -= 1
            for other in waiting:
                other.extra.append(record.source)
            if not waiting:
                del self._open[call or ""]
        name = one.step.tool.name if one and one.step.tool else parts.string(message.get("toolName")) or "tool"
        kind = one.step.kind if one else parts.kind_of(name)
        said = parts.outcome(message, kind)
        output = _noted(record, said.text)
        inner = parts.nested(message)
        if any(worked and parts.kind_of(tool) == "edit" for tool, _, worked in inner):
            kind = "edit"
        text = "\n".join(
            f"{tool} {tools.summary(tool, given)}".rstrip() + ("" if worked else " (failed)")
            for tool, given, worked in inner
        )
        if one is None:
            self._begin(
                record,
                kind,
                self._key(record),
                time,
                text=text or None,
                tool=ToolUse(name, None, output, said.is_error, said.exit_code, call, said.duration_ms),
                summary=tools.one_line(output) or name,
                images=said.images,
            )
            return
        step = one.step
        took = said.duration_ms
        if took is None and one.alone and time is not None and step.time is not None and time >= step.time:
            took = time - step.time
        assert step.tool is not None
        done = replace(
            step,
            kind=kind,
            sources=(*step.sources, *one.extra, record.source),
            text=text or None,
            tool=replace(step.tool, output=output, is_error=said.is_error, exit_code=said.exit_code, duration_ms=took),
            images=said.images,
        )
        self._changed[done.number] = done

    def _bash(self, record: Record, message: dict[str, Any], time: int | None) -> None:
        """The user's own ``!command``."""
        self.stepped += 1
        given: dict[str, Any] = {"command": message.get("command") if isinstance(message.get("command"), str) else ""}
        if message.get("excludeFromContext") is True:
            given["excludeFromContext"] = True
        output = message.get("output")
        text = _noted(record, output if isinstance(output, str) else "")
        code = message.get("exitCode")
        code = code if type(code) is int else None
        failed = message.get("cancelled") is True or code not in (None, 0)
        self._begin(
            record,
            "command",
            self._key(record),
            time,
            tool=ToolUse("bashExecution", given, text, failed, code),
            summary=tools.one_line(f"! {given['command']}"),
        )

    def _custom(self, record: Record, value: dict[str, Any], time: int | None) -> None:
        """A message that an extension put into the context."""
        name = parts.string(value.get("customType"))
        flat = self._flat(record, value.get("content"))
        if not flat.text.strip():
            self.known["custom_message/empty"] += 1
            return
        self.stepped += 1
        line = f"{name}: {flat.text}" if name else flat.text
        self._begin(
            record,
            "event",
            self._key(record),
            time,
            text=flat.text,
            summary=tools.one_line(line),
            images=flat.images,
        )

    def _system(self, record: Record, message: dict[str, Any], time: int | None) -> None:
        """The system prompt and tools of a 1.x log are context, not a step; a bare note of that role is an event."""
        flat = self._flat(record, message.get("content"))
        if any(name in message for name in ("sections", "toolsAdded", "toolsRemoved")) or not flat.text.strip():
            self.known["message/system"] += 1
            return
        self.stepped += 1
        self._begin(record, "event", self._key(record), time, text=flat.text, summary=tools.one_line(flat.text))

    def _summary(self, record: Record, value: dict[str, Any], kind: str, time: int | None) -> None:
        """A compaction, or what is told of a branch that the user left."""
        self.stepped += 1
        flat = self._flat(record, value.get("summary"))
        usage = value.get("usage")
        self._begin(
            record,
            "compaction" if kind == "compaction" else "event",
            self._key(record),
            time,
            text=flat.text,
            summary=tools.one_line(flat.text) or kind.replace("_", " "),
            response=self._key(record) if isinstance(usage, dict) else None,
            tokens=parts.tokens(usage),
            cost_usd=self._pay(usage),
        )
