"""What a Codex reader knows between two records: facts, counts, open steps; and how that is carried to the next run."""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import orjson

from tracetui.harness.codex.draft import Draft
from tracetui.harness.codex.output import whole
from tracetui.harness.codex.replay import Replay, born
from tracetui.harness.codex.twins import Twins
from tracetui.harness.codex.usage import Responses, usage_of
from tracetui.model import Kind, LogFacts, Problem, Record, Step, from_iso

__all__ = ["TITLE", "Book", "folder", "string"]

TITLE: Final = 120
"""Characters of a title at most."""
_OPEN: Final = 256
_SWEEP: Final = 64
_RUNNING: Final = 16
_RECENT: Final = 256
_NAMES: Final = 200
_LATE_COUNTS: Final = 60
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}")
_STAMP: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})T([0-9]{2})-([0-9]{2})-([0-9]{2})")
_VERSION: Final = re.compile(r"0\.([0-9]{1,4})\.")
_LOST: Final = "(input not kept while the call was open)"


def string(value: object) -> str | None:
    """The value where it is a text that is not empty."""
    return value if isinstance(value, str) and value else None


def folder(value: object) -> str | None:
    """A working folder, also when it is written as a ``file:`` address."""
    path = string(value)
    if path is None or not path.startswith("file://"):
        return path
    try:
        path = unquote(urlsplit(path).path)
    except ValueError:
        return path
    return path[1:] if len(path) > 2 and path[0] == "/" and path[2] == ":" else path


def _remote(value: object) -> str | None:
    """A repository's address without a user name or password in it."""
    address = string(value)
    if address is None or "://" not in address:
        return address
    scheme, _, rest = address.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


def _origins(meta: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """The thread that started this one, and the one whose history it continues."""
    parent = string(meta.get("parent_thread_id"))
    source = meta.get("source")
    if isinstance(source, dict):
        subagent = source.get("subagent")
        spawn = subagent.get("thread_spawn") if isinstance(subagent, dict) else None
        if isinstance(spawn, dict):
            parent = string(spawn.get("parent_thread_id")) or parent
    return parent, string(meta.get("forked_from_id"))


class Book:
    """State of the reader. ``stem``: the log's file name without its ending; ``state``: a ``dump`` to go on from."""

    def __init__(self, stem: str = "", state: bytes | None = None) -> None:
        self.facts = LogFacts(harness="codex")
        self.known: Counter[str] = Counter()
        self.unknown: Counter[str] = Counter()
        self.stepped = 0
        self.problems: list[Problem] = []
        self._stem = stem
        self._fed = 0
        self._number = 0
        self._own: str | None = None
        self._named = False
        self._began = False
        self._model: str | None = None
        self._calls: dict[str, Draft] = {}
        self._recent: dict[int, None] = {}
        self._dirty: dict[int, Draft] = {}
        self._prompt: Draft | None = None
        self._compaction: Draft | None = None
        self._compacted = 0
        self._twins = Twins()
        self._responses = Responses()
        self._replay = Replay()
        self._stamp: object = None
        self._time: int | None = None
        if state is None:
            found = _UUID.search(stem)
            self.facts.session = found[0] if found else stem
        else:
            self._load(orjson.loads(state))

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
            "facts": asdict(self.facts),
            "known": self.known,
            "unknown": self.unknown,
            "numbers": [self.stepped, self._fed, self._number, self._compacted],
            "own": [self._own, self._named, self._began, self._model],
            "drafts": [draft.dump() for draft in {draft.number: draft for draft in drafts}.values()],
            "calls": [[identity, draft.number] for identity, draft in calls],
            "dirty": list(self._dirty),
            "held": [_number(self._prompt), _number(self._compaction), _number(self._responses.first)],
            "recent": list(self._recent),
            "twins": self._twins.dump(),
            "responses": self._responses.dump(),
            "replay": self._replay.dump(),
        }
        try:
            return orjson.dumps(state)
        except TypeError:
            return orjson.dumps(_plain(state))

    def _load(self, state: dict[str, Any]) -> None:
        self.facts = LogFacts(**state["facts"])
        self.known, self.unknown = Counter(state["known"]), Counter(state["unknown"])
        self.stepped, self._fed, self._number, self._compacted = state["numbers"]
        self._own, self._named, self._began, self._model = state["own"]
        drafts = {draft.number: draft for draft in map(Draft.load, state["drafts"])}
        self._calls = {identity: drafts[number] for identity, number in state["calls"]}
        self._dirty = {number: drafts[number] for number in state["dirty"]}
        prompt, compaction, first = state["held"]
        self._prompt, self._compaction = drafts.get(prompt), drafts.get(compaction)
        self._recent = dict.fromkeys(state["recent"])
        self._twins = Twins(state["twins"])
        self._responses = Responses(state["responses"])
        self._responses.first = drafts.get(first)
        self._replay = Replay(state["replay"])

    # ---------------------------------------------------------------- steps

    def _tally(self, counter: Counter[str], name: str) -> None:
        if name in counter:
            counter[name] += 1
            return
        name = name[:80]
        if len(counter) >= _NAMES and name not in counter:
            name = "other"
        counter[name] += 1

    def _begin(self, kind: Kind, record: Record, identity: object = None) -> Draft:
        self._number += 1
        where = f"{record.source.line}.{record.nth}" if record.nth else str(record.source.line)
        key = f"{identity}:{where}" if isinstance(identity, str) and identity else f":{where}"
        draft = Draft(self._number, kind, key, [record.source], self._time)
        self._dirty[draft.number] = draft
        return draft

    def _again(self, draft: Draft, record: Record) -> None:
        """A further record of a step."""
        if record.source not in draft.sources:
            draft.sources.append(record.source)
        self._dirty[draft.number] = draft

    def _joined(self, draft: Draft, *, whole_call: bool = False) -> None:
        """Put a step that the model produced into its response."""
        draft.model = self._model
        self._began = True
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

    # ---------------------------------------------------------------- facts

    def _clock(self, time: int | None) -> None:
        if time is not None:
            facts = self.facts
            if facts.started is None:
                facts.started = time
            if facts.ended is None or time > facts.ended:
                facts.ended = time

    def _meta(self, meta: Mapping[str, Any]) -> bool | str:
        """A ``session_meta`` or the header of generation A: the first is this thread's."""
        identity = string(meta.get("id")) or string(meta.get("session_id"))
        if self._own is not None:
            return self._later_meta(identity)
        facts = self.facts
        self._own = identity or facts.session
        if identity:
            facts.session = identity
        facts.parent, facts.forked_from = _origins(meta)
        self._replay.begin(meta, self._time, related=bool(facts.parent or facts.forked_from))
        facts.cwd = folder(meta.get("cwd")) or facts.cwd
        git = meta.get("git")
        if isinstance(git, dict):
            facts.repo, facts.branch = _remote(git.get("repository_url")), string(git.get("branch"))
            facts.commit = string(git.get("commit_hash"))
        facts.version = string(meta.get("cli_version"))
        version = _VERSION.match(facts.version or "")
        self._responses.late = version is not None and int(version[1]) < _LATE_COUNTS
        origin = meta.get("originator")
        facts.headless = meta.get("source") == "exec" or (
            isinstance(origin, str) and origin.startswith(("codex_exec", "codex-exec", "codex_sdk"))
        )
        began = from_iso(meta.get("timestamp"))
        if began is None:
            began = self._time
        if began is None:
            named = _STAMP.search(self._stem)
            began = from_iso(f"{named[1]}T{named[2]}:{named[3]}:{named[4]}") if named else born(identity)
        facts.started = began if began is not None else facts.started
        for time in (began, self._time):
            if time is not None and (facts.ended is None or time > facts.ended):
                facts.ended = time
        return False

    def _later_meta(self, identity: str | None) -> bool | str:
        if identity is None or identity == self._own:
            self._replay.own()
        elif identity in self._stem and self._own is not None and self._own not in self._stem:
            self._own = self.facts.session = identity
            self._replay.own()
        elif not self._began:
            self._replay.foreign(self._time)
            return "inherited"
        return False

    def _turn(self, turn: Mapping[str, Any]) -> bool:
        model = string(turn.get("model"))
        if model:
            self._model = self.facts.model = model
        if self.facts.cwd is None:
            self.facts.cwd = folder(turn.get("cwd"))
        return False

    def _window(self, value: object) -> None:
        size = whole(value)
        if size is not None and size > 0:
            self.facts.window = size

    # ---------------------------------------------------------------- tokens

    def _tokens(self, event: Mapping[str, Any]) -> bool:
        """A ``token_count``: the last response's count where the totals changed, else a repetition."""
        info = event.get("info")
        if isinstance(info, dict):
            self._window(info.get("model_context_window"))
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


def _number(draft: Draft | None) -> int | None:
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
