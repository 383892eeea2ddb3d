"""The reader of Pi's logs, formats 1 to 3 and 1.x, and of OpenClaw's, which writes format 3.

Branches of the tree are read in file order. A log that copies another one's history (``/fork``, ``/clone``) has
entries older than its own header: they are that other session's steps and count as ``inherited`` here.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

import orjson

from tracetui.harness import tools
from tracetui.harness.content import flatten, mark, size_words
from tracetui.harness.pi import parts
from tracetui.harness.pi.state import PiDraft, facts_to
from tracetui.model import Kind, LogFacts, Problem, Record, Source, Step

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
    return "\n".join([*shown, mark("line of", size_words(record.source.length), "kept but not read")])


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
        self._changed: dict[int, PiDraft] = {}
        self._open: dict[str, list[PiDraft]] = {}
        self._waiting = 0
        self._recent: dict[tuple[str, str, int | None], None] = {}
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
        if not isinstance(kind, str):
            self.unknown["?"] += 1
            return
        if kind == "session":
            self._header(value)
            return
        message = value.get("message") if kind == "message" else None
        time = parts.moment(value, message if isinstance(message, dict) else None)
        if self._second_hand(value, kind, time):
            if kind == "session_info" or kind == "model_change":
                self._setting(value, kind)
            return
        if time is not None:
            facts = self.facts
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
        elif kind in _KNOWN:
            self.known[kind] += 1
            self._setting(value, kind)
            if kind == "usage":
                self._pay(parts.cost(value.get("usage")))
        else:
            self.unknown[kind[:_TYPE_MAX]] += 1

    def take(self) -> list[Step]:
        """The steps begun or changed since the last call, by number."""
        changed = [self._changed[number].step() for number in sorted(self._changed)]
        self._changed.clear()
        return changed

    def dump(self) -> bytes:
        """The state after the last record fed; steps not yet taken are in it."""
        waiting = {draft.number: draft for drafts in self._open.values() for draft in drafts}
        return orjson.dumps(
            {
                "v": _STATE,
                "facts": facts_to(self.facts),
                "known": self.known,
                "unknown": self.unknown,
                "stepped": self.stepped,
                "number": self._number,
                "drafts": [draft.dump() for draft in (waiting | self._changed).values()],
                "changed": list(self._changed),
                "open": [[name, [draft.number for draft in drafts]] for name, drafts in self._open.items()],
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
        self.facts = LogFacts(**value["facts"])
        self.known.update(value["known"])
        self.unknown.update(value["unknown"])
        self.stepped = value["stepped"]
        self._number = value["number"]
        drafts = {draft["number"]: PiDraft.load(draft) for draft in value["drafts"]}
        self._changed = {number: drafts[number] for number in value["changed"]}
        self._open = {name: [drafts[number] for number in numbers] for name, numbers in value["open"]}
        self._waiting = sum(map(len, self._open.values()))
        self._recent = {(own, kind, time): None for own, kind, time in value["recent"]}  # noqa: C420
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

    def _second_hand(self, value: dict[str, Any], kind: str, time: int | None) -> bool:
        """Whether an entry was another session's first, or stands in this log a second time; counts it if so."""
        if time is not None:
            if self._born is not None and time < self._born:
                self.known["inherited"] += 1
                if self.facts.parent is not None:
                    self.facts.forked_from, self.facts.parent = self.facts.parent, None
                return True
            if self._repeated is not None and time <= self._repeated:
                self.known["duplicate"] += 1
                return True
        own = value.get("id")
        if isinstance(own, str) and own:
            entry = (own[:100], kind[:_TYPE_MAX], time)
            recent = self._recent
            if entry in recent:
                self.known["duplicate"] += 1
                return True
            recent[entry] = None
            if len(recent) > _RECENT:
                del recent[next(iter(recent))]
        return False

    def _setting(self, value: dict[str, Any], kind: str) -> None:
        """Title and model; of inherited history too."""
        if kind == "session_info":
            self._name = tools.one_line(value.get("name")) or None
            self.facts.title = self._name or self._asked
        elif kind == "model_change" and not self._answered:
            self.facts.model = parts.string(value.get("modelId")) or self.facts.model

    def _pay(self, paid: float | None) -> float | None:
        if paid is not None:
            self.facts.cost_usd = (self.facts.cost_usd or 0.0) + paid
        return paid

    # --- steps -------------------------------------------------------------------------------------------------------

    def _key(self, record: Record) -> str:
        own = record.value.get("id")
        if isinstance(own, str) and own:
            return own
        return f"L{record.source.line}.{record.nth}" if record.nth else f"L{record.source.line}"

    def _begin(self, record: Record, kind: Kind, key: str, time: int | None, text: str | None, summary: str) -> PiDraft:
        self._number = number = self._number + 1
        self._changed[number] = draft = PiDraft(number, kind, key, record.source, time, summary)
        draft.text = text
        return draft

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
        elif role == "custom" or role == "hookMessage":
            self._custom(record, message, time)
        elif role == "compactionSummary":
            self._summary(record, message, "compaction", time)
        elif role == "branchSummary":
            self._summary(record, message, "branch_summary", time)
        elif role == "system":
            self._system(record, message, time)
        else:
            self.unknown[f"message/{role[:_TYPE_MAX] if isinstance(role, str) else '?'}"] += 1

    def _user(self, record: Record, message: dict[str, Any], time: int | None) -> None:
        text, images = flatten(message.get("content"))
        text = _noted(record, text)
        if not text.strip():
            self.known["message/user/empty"] += 1
            return
        self.stepped += 1
        said = tools.one_line(parts.said(text))
        if parts.harness_text(text):
            self.facts.warmup = self._asked is None
            self._begin(record, "event", self._key(record), time, text, said).images = images
            return
        draft = self._begin(record, "prompt", self._key(record), time, text, said)
        draft.images = images
        self.facts.warmup = False
        if self._asked is None:
            self._asked = draft.summary
            self.facts.title = self._name or draft.summary

    def _assistant(self, record: Record, message: dict[str, Any], time: int | None) -> None:
        content = message.get("content")
        blocks: list[Any] = content if isinstance(content, list) else [content] if content else []
        model = parts.string(message.get("model"))
        if model is not None:
            self.facts.model, self._answered = model, True
        key = self._key(record)
        begun: list[PiDraft] = []
        calls = 0
        for at, block in enumerate(blocks):
            kind = block.get("type") if isinstance(block, dict) else None
            if kind in _CALLS:
                begun.append(self._call(record, block, f"{key}:{at}", time))
                calls += 1
                continue
            if kind == "thinking":
                text, images = block.get("thinking"), 0
                if not isinstance(text, str):
                    continue
            else:
                text, images = flatten(block)
            if not text or text.isspace():
                continue
            draft = self._begin(
                record, "thinking" if kind == "thinking" else "message", f"{key}:{at}", time, text, tools.one_line(text)
            )
            draft.images = images
            begun.append(draft)
        usage = message.get("usage")
        tokens = parts.tokens(usage)
        why = self._stopped(record, message, bool(begun), tokens is not None)
        if why:
            begun.append(self._begin(record, "event", f"{key}:end", time, why, tools.one_line(why)))
        if not begun:
            self.known["message/assistant/empty"] += 1
            return
        self.stepped += 1
        response = parts.string(message.get("responseId")) or key
        for draft in begun:
            draft.model = model
            draft.response = response
            draft.alone = calls == 1
        begun[0].tokens = tokens
        paid = parts.cost(usage)
        if paid is not None and (paid or tokens is not None):
            begun[0].cost = self._pay(paid)

    @staticmethod
    def _stopped(record: Record, message: dict[str, Any], begun: bool, costly: bool) -> str | None:
        """What to tell of a response that failed, was aborted or too long to read, or cost tokens and said nothing."""
        reason = message.get("stopReason")
        if reason == "error" or reason == "aborted":
            words = parts.string(message.get("errorMessage"))
            if words or not begun:
                return words or ("response aborted" if reason == "aborted" else "response failed")
        if record.oversize:
            return _noted(record, "")
        if begun or not costly:
            return None
        return f"empty response ({reason})" if parts.string(reason) else "empty response"

    def _call(self, record: Record, block: dict[str, Any], key: str, time: int | None) -> PiDraft:
        name = parts.string(block.get("name")) or "tool"
        call = parts.string(block.get("id"))
        given = parts.arguments(block)
        kind = parts.kind_of(name)
        draft = self._begin(
            record, kind, key, time, None, tools.summary(name, given, of_kind=kind) or tools.one_line(name)
        )
        draft.name, draft.given, draft.call = name, given, call
        draft.record = record.source.line * 1000 + record.nth
        waiting = self._open.get(call or "")
        if waiting and waiting[-1].record != draft.record:
            self._waiting -= len(self._open.pop(call or ""))  # an id used again: the older call never got its result
            waiting = None
        if waiting:
            waiting.append(draft)
        else:
            self._open[call or ""] = [draft]
        self._waiting += 1
        if self._waiting > _OPEN_MAX:
            self._waiting -= len(self._open.pop(next(iter(self._open))))
        return draft

    def _answered_by(self, call: str | None, source: Source) -> PiDraft | None:
        """The open call that a result belongs to, closed; calls of one record and id get their results in order."""
        waiting = self._open.get(call or "")
        if not waiting:
            return None
        draft = waiting.pop(0)
        self._waiting -= 1
        if waiting:
            for other in waiting:
                other.extra = (*other.extra, source)
        else:
            del self._open[call or ""]
        draft.sources = (*draft.sources, *draft.extra, source)
        self._changed[draft.number] = draft
        return draft

    def _result(self, record: Record, message: dict[str, Any], time: int | None) -> None:
        self.stepped += 1
        if "usage" in message:
            self._pay(parts.cost(message["usage"]))
        call = parts.string(message.get("toolCallId"))
        draft = self._answered_by(call, record.source)
        if draft is None or draft.name is None:
            name = parts.string(message.get("toolName")) or "tool"
            kind = parts.kind_of(name)
            said = parts.outcome(message, kind)
            draft = self._begin(
                record, kind, self._key(record), time, None, tools.one_line(said.text) or tools.one_line(name)
            )
            draft.name, draft.call = name, call
        else:
            said = parts.outcome(message, draft.kind)
            if draft.alone and time is not None and draft.time is not None and time >= draft.time:
                draft.duration = time - draft.time
        if said.duration_ms is not None:
            draft.duration = said.duration_ms
        draft.output = _noted(record, said.text)
        draft.is_error, draft.exit_code, draft.images = said.is_error, said.exit_code, said.images
        if "nestedCalls" in message:
            self._nested(draft, message)

    @staticmethod
    def _nested(draft: PiDraft, message: dict[str, Any]) -> None:
        """Calls that a tool made itself are told in its step's text; with an edit among them it is one."""
        inner = parts.nested(message)
        if any(worked and parts.kind_of(name) == "edit" for name, _, worked in inner):
            draft.kind = "edit"
        told = (
            f"{name} {tools.summary(name, given)}".rstrip() + ("" if worked else " (failed)")
            for name, given, worked in inner
        )
        draft.text = "\n".join(told) or None

    def _bash(self, record: Record, message: dict[str, Any], time: int | None) -> None:
        """The user's own ``!command``."""
        self.stepped += 1
        command = message.get("command")
        given: dict[str, Any] = {"command": command if isinstance(command, str) else ""}
        if message.get("excludeFromContext") is True:
            given["excludeFromContext"] = True
        draft = self._begin(record, "command", self._key(record), time, None, tools.one_line(f"! {given['command']}"))
        output, code = message.get("output"), message.get("exitCode")
        draft.name, draft.given = "bashExecution", given
        draft.output = _noted(record, output if isinstance(output, str) else "")
        draft.exit_code = code if type(code) is int else None
        draft.is_error = message.get("cancelled") is True or draft.exit_code not in (None, 0)

    def _custom(self, record: Record, value: dict[str, Any], time: int | None) -> None:
        """A message that an extension put into the context."""
        text, images = flatten(value.get("content"))
        text = _noted(record, text)
        if not text.strip():
            self.known["custom_message/empty"] += 1
            return
        self.stepped += 1
        name = parts.string(value.get("customType"))
        line = f"{name}: {text}" if name else text
        self._begin(record, "event", self._key(record), time, text, tools.one_line(line)).images = images

    def _system(self, record: Record, message: dict[str, Any], time: int | None) -> None:
        """The system prompt and tools of a 1.x log are context, not a step; a bare note of that role is an event."""
        text = _noted(record, flatten(message.get("content")).text)
        if "sections" in message or "toolsAdded" in message or "toolsRemoved" in message or not text.strip():
            self.known["message/system"] += 1
            return
        self.stepped += 1
        self._begin(record, "event", self._key(record), time, text, tools.one_line(text))

    def _summary(self, record: Record, value: dict[str, Any], kind: str, time: int | None) -> None:
        """A compaction, or what is told of a branch that the user left."""
        self.stepped += 1
        text = _noted(record, flatten(value.get("summary")).text)
        key = self._key(record)
        of_kind: Kind = "compaction" if kind == "compaction" else "event"
        draft = self._begin(record, of_kind, key, time, text, tools.one_line(text) or kind.replace("_", " "))
        usage = value.get("usage")
        if isinstance(usage, dict):
            draft.response = key
            draft.tokens = parts.tokens(usage)
            draft.cost = self._pay(parts.cost(usage))
