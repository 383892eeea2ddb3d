"""What a Codex reader knows between two records: facts, counts, open steps; and how that is carried to the next run."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

import orjson

from tracetui.harness.codex.dedupe import Duplicates
from tracetui.harness.codex.draft import CodexDraft
from tracetui.harness.codex.thread import Thread
from tracetui.harness.codex.usage import Responses, usage_of
from tracetui.model import Kind, LogFacts, Problem, Record, Step, Tokens

__all__ = ["TITLE", "ReaderState"]

TITLE: Final = 120
"""Characters of a title at most."""
_OPEN: Final = 256
_SWEEP: Final = 64
_RUNNING: Final = 16
_RECENT: Final = 256
_NAMES: Final = 200
_LOST: Final = "(input not kept while the call was open)"


class ReaderState:
    """State of the reader. ``stem``: the log's file name without its ending; ``state``: a ``dump`` to go on from."""

    def __init__(self, stem: str = "", state: bytes | None = None) -> None:
        self.known: Counter[str] = Counter()
        self.unknown: Counter[str] = Counter()
        self.stepped = 0
        self.problems: list[Problem] = []
        self._fed = 0
        self._number = 0
        self._calls: dict[str, CodexDraft] = {}
        self._recent: dict[int, None] = {}
        self._dirty: dict[int, CodexDraft] = {}
        self._prompt: CodexDraft | None = None
        self._compaction: CodexDraft | None = None
        self._compacted = 0
        self._duplicates = Duplicates()
        self._responses = Responses()
        self._waiting: Tokens | None = None
        self._stamp: object = None
        self._time: int | None = None
        self._thread = Thread(stem)
        if state is not None:
            self._load(stem, orjson.loads(state))
        self.facts: LogFacts = self._thread.facts

    # ---------------------------------------------------------------- what goes out

    def take(self) -> list[Step]:
        """The steps begun or changed since the last call, by number."""
        if not self._dirty:
            return []
        dirty, self._dirty = self._dirty, {}
        return [dirty[number].step() for number in sorted(dirty)]

    def dump(self) -> bytes:
        """The state between two records: facts, counts, open calls and hashes; no text of finished steps."""
        calls = list(self._calls.items())
        drafts = [draft for _, draft in calls]
        drafts += [draft for draft in (self._prompt, self._compaction, self._responses.first) if draft is not None]
        drafts += self._dirty.values()
        state = {
            "thread": self._thread.dump(),
            "known": self.known,
            "unknown": self.unknown,
            "numbers": [self.stepped, self._fed, self._number, self._compacted],
            "drafts": [draft.dump() for draft in {draft.number: draft for draft in drafts}.values()],
            "calls": [[identity, draft.number] for identity, draft in calls],
            "dirty": list(self._dirty),
            "held": [_number(self._prompt), _number(self._compaction), _number(self._responses.first)],
            "recent": list(self._recent),
            "twins": self._duplicates.dump(),
            "responses": self._responses.dump(),
        }
        try:
            return orjson.dumps(state)
        except TypeError:
            return orjson.dumps(_plain(state))

    def _load(self, stem: str, state: dict[str, Any]) -> None:
        self._thread = Thread(stem, state["thread"])
        self.known, self.unknown = Counter(state["known"]), Counter(state["unknown"])
        self.stepped, self._fed, self._number, self._compacted = state["numbers"]
        drafts = {draft.number: draft for draft in map(CodexDraft.load, state["drafts"])}
        self._calls = {identity: drafts[number] for identity, number in state["calls"]}
        self._dirty = {number: drafts[number] for number in state["dirty"]}
        prompt, compaction, first = state["held"]
        self._prompt, self._compaction = drafts.get(prompt), drafts.get(compaction)
        self._recent = dict.fromkeys(state["recent"])
        self._duplicates = Duplicates(state["twins"])
        self._responses = Responses(state["responses"])
        self._responses.first = drafts.get(first)

    # ---------------------------------------------------------------- steps

    def _tally(self, counter: Counter[str], name: str) -> None:
        if name in counter:
            counter[name] += 1
            return
        name = name[:80]
        if len(counter) >= _NAMES and name not in counter:
            name = "other"
        counter[name] += 1

    def _begin(self, kind: Kind, record: Record, identity: object = None) -> CodexDraft:
        self._number += 1
        where = f"{record.source.line}.{record.nth}" if record.nth else str(record.source.line)
        key = f"{identity}:{where}" if isinstance(identity, str) and identity else f":{where}"
        draft = CodexDraft(self._number, kind, key, [record.source], self._time)
        self._dirty[draft.number] = draft
        return draft

    def _again(self, draft: CodexDraft, record: Record) -> None:
        """A further record of a step."""
        if record.source not in draft.sources:
            draft.sources.append(record.source)
        self._dirty[draft.number] = draft

    def _joined(self, draft: CodexDraft, *, whole_call: bool = False) -> None:
        """Put a step that the model produced into its response."""
        draft.model = self._thread.model
        self._thread.began = True
        self._prompt = self._compaction = None
        if self._responses.join(draft, whole_call=whole_call) or len(self._calls) > _SWEEP:
            self._sweep()

    def _sweep(self) -> None:
        """Let go of finished calls, and of the oldest open ones beyond a limit."""
        calls = self._calls
        if not calls:
            return
        running = []
        for identity, draft in list(calls.items()):
            if draft.running is not None:
                running.append(identity)
            elif draft.rank == 2 or (draft.rank == 1 and not draft.called):
                self._forget(identity)
        for identity in running[:-_RUNNING]:
            self._forget(identity)
        while len(calls) > _OPEN:
            self._forget(next(iter(calls)))

    def _forget(self, identity: str) -> None:
        """A call is done with; only the hash of its id stays, so that a late copy of its end is known."""
        del self._calls[identity]
        recent = self._recent
        recent[_hash(identity)] = None
        if len(recent) > _RECENT:
            del recent[next(iter(recent))]

    def _was(self, identity: str) -> bool:
        """Whether a call of this id was done with lately."""
        return _hash(identity) in self._recent

    # ---------------------------------------------------------------- tokens

    def _tokens(self, event: Mapping[str, Any]) -> bool:
        """A ``token_count``: the last response's count where the totals changed, else a repetition."""
        info = event.get("info")
        if isinstance(info, dict):
            self._thread.window(info.get("model_context_window"))
            if self._responses.changed(info.get("total_token_usage")):
                self._count(info.get("last_token_usage"), 0)
        return False

    def _count(self, usage: object, channel: int) -> None:
        """Count one response's usage; ``channel`` is 0 for a ``token_count``, 1 for the record that repeats it."""
        tokens = usage_of(usage)
        if tokens is None or self._responses.repeats(tokens, channel):
            return
        changed = self._responses.count(tokens)
        if changed is not None:
            self._dirty[changed.number] = changed

    def _skip(self, payload: Mapping[str, Any]) -> None:
        """An inherited record: only its running totals matter, for this thread's go on from them."""
        info = payload.get("info")
        if payload.get("type") == "token_count" and isinstance(info, dict):
            self._responses.changed(info.get("total_token_usage"))


def _hash(identity: str) -> int:
    return zlib.crc32(identity.encode("utf-8", "replace"))


def _number(draft: CodexDraft | None) -> int | None:
    return None if draft is None else draft.number


def _plain(value: Any, depth: int = 0) -> Any:
    """A value that can be written as JSON, for what no sane log holds: deep nesting, huge numbers, lone surrogates."""
    if depth > 100:
        return _LOST
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_plain(str(key)): _plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item, depth + 1) for item in value]
    if isinstance(value, int) and not isinstance(value, bool) and not -(2**63) <= value < 2**64:
        return str(value)[:100] if abs(value) < 10**1000 else _LOST
    return value
