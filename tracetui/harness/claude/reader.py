"""Records of a Claude Code log -> steps."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from tracetui.harness.claude.builder import RecordContext, StepBuilder, counted
from tracetui.harness.claude.detect import BOOKKEEPING
from tracetui.harness.claude.labels import attachment_text, describe, system_text
from tracetui.harness.claude.results import oversize_note
from tracetui.harness.claude.session import Session
from tracetui.harness.claude.state import fingerprint, freeze, thaw
from tracetui.harness.claude.user import read_queued, read_user
from tracetui.harness.content import flatten
from tracetui.harness.tools import one_line
from tracetui.model import Kind, LogFacts, Problem, Record, Step, from_iso

__all__ = ["ClaudeReader"]

_QUIET_TYPES: Final = frozenset(BOOKKEEPING) | {"speculation-accept"}

_TURNS: Final = frozenset({"user", "assistant", "system", "attachment", "duplicate"})
_PROGRESS: Final = {
    sub: f"progress/{sub}"
    for sub in ("hook_progress", "bash_progress", "agent_progress", "mcp_progress", "query_update")
}


class ClaudeReader:
    """The state machine over one log; see ``harness.base.Reader``.

    Where it turns out late that what was read so far is copied history (the first record of the session that the file
    is named for comes after records of another one), numbers begin anew: steps handed over before are replaced by those
    of the same numbers, and what lies beyond ``count`` is withdrawn.
    """

    def __init__(self, stem: str, state: bytes | None = None) -> None:
        self.session = Session(stem)
        self._maker = StepBuilder(self.session)
        self.known: Counter[str] = self._maker.known
        self.unknown: Counter[str] = self._maker.unknown
        self.stepped = 0
        self.problems: list[Problem] = []
        self._attached = False
        self._fed = 0
        self._turns = 0
        if state is not None:
            self._load(state)

    @property
    def facts(self) -> LogFacts:
        """What the log says about itself so far."""
        facts = self.session.facts
        unclaimed = self._maker.unclaimed
        facts.unclaimed = list(unclaimed[:4]) if any(unclaimed) else None
        return facts

    @facts.setter
    def facts(self, value: LogFacts) -> None:
        self.session.facts = value

    @property
    def count(self) -> int:
        """How many steps there are; no number beyond it stands."""
        return self._maker.count

    def take(self) -> list[Step]:
        """The steps begun or changed since the last call, by number."""
        return self._maker.take()

    def dump(self) -> bytes:
        """The state, to go on from after a growth of the log."""
        state = {
            "version": 1,
            "session": self.session.dump(),
            "maker": self._maker.dump(),
            "stepped": self.stepped,
            "attached": self._attached,
            "fed": self._fed,
            "turns": self._turns,
        }
        return freeze(state, self.session.seen)

    def _load(self, data: bytes) -> None:
        state = thaw(data, self.session.seen)
        self.session.load(state["session"])
        self._maker.load(state["maker"])
        self.stepped, self._attached = state["stepped"], state["attached"]
        self._fed, self._turns = state["fed"], state["turns"]

    def feed(self, record: Record) -> None:
        """Take one record."""
        value = record.value
        kind = value.get("type")
        session = self.session
        self._fed += 1
        if kind == "progress":
            self._progress(value)
            return
        if kind == "assistant":
            way = self._assistant
        elif kind == "user":
            way = self._user
        elif kind == "attachment":
            way = self._attachment
        elif kind == "system":
            way = self._system
        else:
            self._book(record, value, kind)
            return
        plain = session.own and value.get("sessionId") == session.ident and "forkedFrom" not in value
        if not plain:
            inherited = session.meet(value, True)
            if session.revealed:
                self._reveal()
            if inherited:
                self.known["inherited"] += 1
                return
        self._turns += 1
        uuid = value.get("uuid")
        if type(uuid) is str and uuid:
            mark = fingerprint(uuid)
            if not session.seen.enter(mark):
                self.known["duplicate"] += 1
                return
            if session.leaves:
                session.found_leaf(mark)
        else:
            uuid = f"L{record.source.line}.{record.nth}" if record.nth else f"L{record.source.line}"
        time = from_iso(value.get("timestamp"))
        session.note(value, time)
        if way(RecordContext(record, value, uuid, time)):
            self.stepped += 1
        if self._maker.answered:
            self._maker.join()

    def _progress(self, value: dict[str, Any]) -> None:
        """Up to four fifths of a log's lines: no step, and nothing in them that the other records do not tell."""
        data = value.get("data")
        sub = data.get("type") if type(data) is dict else None
        self.known[_PROGRESS.get(sub) or counted("progress", sub) if type(sub) is str else "progress"] += 1
        if not self.session.settled:
            self.session.meet(value, True)
        if type(data) is dict and sub == "agent_progress":
            self._maker.progressed(value.get("parentToolUseID"), data.get("agentId"))

    def _book(self, record: Record, value: dict[str, Any], kind: object) -> None:
        """A record outside the conversation: a title, a mode, the queue of prompts; or one that no rule covers."""
        if type(kind) is not str or kind not in _QUIET_TYPES:
            self.unknown[counted(kind)] += 1
            return
        self.session.meet(value, False)
        if self.session.revealed:
            self._reveal()
        self.session.keep_book(kind, value)
        if kind != "queue-operation":
            self.known[kind] += 1
            return
        queue = self._maker.queue
        time = from_iso(value.get("timestamp"))
        queue.operate(value, record.source, record.nth, time, traced=self._attached, fed=self._fed)
        if queue.ready and self._fed <= 2:
            self._maker.flush()  # nothing but the records of one queued text: it is read again from its sources
        self.known[counted(kind, value.get("operation"))] += 1

    def _reveal(self) -> None:
        """All turns so far were inherited: count them so and make nothing of them."""
        for counter in (self.known, self.unknown):
            for name in [name for name in counter if name.partition("/")[0] in _TURNS]:
                del counter[name]
        if self._turns:
            self.known["inherited"] += self._turns
        self._turns = self.stepped = 0
        self._attached = False
        self._maker.forget()
        self.session.begin_anew()

    def _user(self, here: RecordContext) -> bool:
        return read_user(self._maker, here)

    def _assistant(self, here: RecordContext) -> bool:
        """A line of a response: one block or more, or an error that the harness put in the model's place."""
        maker, value = self._maker, here.value
        message = value.get("message")
        if type(message) is not dict:
            return maker.unread(here, "assistant")
        content, model = message.get("content"), message.get("model")
        if type(model) is not str or not model:
            model = None
        if model == "<synthetic>" or value.get("isApiErrorMessage") is True:
            return self._synthetic(here, content)
        self.session.answered(model, maker.aside(here))
        response = maker.response(here, message)
        if type(content) is str:
            content = [{"type": "text", "text": content}]
        elif type(content) is not list:
            return maker.unread(here, "assistant")
        made = False
        strange: str | None = None
        for nth, block in enumerate(content):
            kind = block.get("type") if type(block) is dict else None
            if kind == "text" or kind == "thinking":
                said = block.get(kind)
                if said is None and here.record.oversize:
                    said = oversize_note(here.source.length)
                if type(said) is str and said and not said.isspace():
                    step: Kind = "message" if kind == "text" else "thinking"
                    maker.answer(maker.begin(here, step, nth, said, one_line(said)), model, response)
                    made = True
            elif type(kind) is not str:
                strange = strange or "block"
            elif kind.endswith("tool_use"):
                maker.call(here, nth, block, model, response)
                made = True
            else:
                told = self._other_block(here, nth, block, kind)
                made |= told is True
                strange = strange or (kind if told is None else None)
        return made or self._nothing(here, content, strange)

    def _synthetic(self, here: RecordContext, content: object) -> bool:
        """What the harness said in the model's place."""
        text, images = flatten(content)
        if not text:
            self.known["assistant/synthetic"] += 1
            return False
        self._maker.event(here, 0, text, one_line(text), images)
        return True

    def _other_block(self, here: RecordContext, nth: int, block: dict[str, Any], kind: str) -> bool | None:
        """A block that is neither words nor a call; whether it made a step, None where no rule covers it."""
        if kind.endswith("tool_result"):
            return self._maker.result(here, block, None, nth)
        if kind == "redacted_thinking":
            return False
        text = block.get("text")
        if type(text) is not str or not text or text.isspace():
            return None
        self._maker.event(here, nth, text, one_line(f"{kind}: {text}"))
        return True

    def _nothing(self, here: RecordContext, content: list[Any], strange: str | None) -> bool:
        """Count a line of a response that made no step."""
        maker = self._maker
        if strange is not None:
            self.unknown[counted("assistant", strange)] += 1
            return False
        if here.record.oversize:
            return maker.unread(here, "assistant")
        self.known[counted("assistant", content[0].get("type") if content else "empty")] += 1
        return False

    def _system(self, here: RecordContext) -> bool:
        maker, value = self._maker, here.value
        subtype = value.get("subtype")
        if subtype == "compact_boundary" or subtype == "microcompact_boundary":
            content = value.get("content")
            text = content if type(content) is str else ""
            if subtype == "compact_boundary":
                maker.boundary(here, text, _compaction(value.get("compactMetadata"), "compaction"))
            else:
                line = _compaction(value.get("microcompactMetadata"), "microcompaction")
                maker.begin(here, "compaction", 0, text, line)
            return True
        text, known = system_text(value)
        if text:
            line = describe(text)
            self.session.commanded(text, line)
            maker.event(here, 0, text, line)
            return True
        if here.record.oversize:
            return maker.unread(here, "system")
        (self.known if known else self.unknown)[counted("system", subtype)] += 1
        return False

    def _attachment(self, here: RecordContext) -> bool:
        maker = self._maker
        self._attached = True
        item = here.value.get("attachment")
        if type(item) is not dict:
            return maker.unread(here, "attachment")
        kind = item.get("type")
        if kind == "queued_command":
            return read_queued(maker, here, item)
        text, known = attachment_text(item)
        if text:
            maker.event(here, 0, text, one_line(f"{kind if type(kind) is str else 'attachment'}: {text}"))
            return True
        if here.record.oversize:
            return maker.unread(here, "attachment")
        (self.known if known else self.unknown)[counted("attachment", kind)] += 1
        return False


def _compaction(meta: object, name: str) -> str:
    """One line for a compaction: what set it off and what it saved."""
    words: list[str] = []
    if isinstance(meta, dict):
        if isinstance(meta.get("trigger"), str):
            words.append(one_line(meta["trigger"], 20))
        for key, what in (("preTokens", "tokens before"), ("tokensSaved", "tokens saved")):
            if type(meta.get(key)) is int:
                words.append(f"{meta[key]:,} {what}")
        if isinstance(meta.get("compactedToolIds"), list):
            words.append(f"{len(meta['compactedToolIds'])} results left out")
    return f"{name}: {', '.join(words)}" if words else name
