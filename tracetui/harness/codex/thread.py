"""What a Codex log says about its thread as a whole: whose it is, where it ran, what of it is copied history."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from tracetui.harness.codex.output import whole
from tracetui.harness.codex.replay import ReplayFilter, born
from tracetui.model import LogFacts, from_iso

__all__ = ["Thread", "folder", "string"]

_LATE_COUNTS: Final = 60
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}")
_STAMP: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})T([0-9]{2})-([0-9]{2})-([0-9]{2})")
_VERSION: Final = re.compile(r"0\.([0-9]{1,4})\.")


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


class Thread:
    """The facts of one log and what they follow from. ``stem``: the log's file name without its ending; ``state``: a
    ``dump`` to go on from. ``own`` is the id of the first header, ``model`` the one asked at present; ``named``: the
    title is the harness's; ``began``: the thread said something of its own; ``late``: counts of tokens come behind the
    response that they are of."""

    def __init__(self, stem: str, state: Mapping[str, Any] | None = None) -> None:
        self.stem = stem
        self.late = False
        if state is None:
            self.facts = LogFacts(harness="codex")
            found = _UUID.search(stem)
            self.facts.session = found[0] if found else stem
            self.own: str | None = None
            self.named = self.began = False
            self.model: str | None = None
            self.replay = ReplayFilter()
        else:
            self.facts = LogFacts(**state["facts"])
            self.own, self.named, self.began, self.model = state["own"]
            self.replay = ReplayFilter(state["replay"])

    def dump(self) -> dict[str, Any]:
        """The state as JSON values."""
        own = [self.own, self.named, self.began, self.model]
        return {"facts": asdict(self.facts), "own": own, "replay": self.replay.dump()}

    def clock(self, time: int | None) -> None:
        """A record of this time was read."""
        if time is not None:
            facts = self.facts
            if facts.started is None:
                facts.started = time
            if facts.ended is None or time > facts.ended:
                facts.ended = time

    def meta(self, meta: Mapping[str, Any], time: int | None) -> bool | str:
        """A ``session_meta`` or the header of generation A: the first is this thread's."""
        identity = string(meta.get("id")) or string(meta.get("session_id"))
        if self.own is not None:
            return self._later(identity, time)
        facts = self.facts
        self.own = identity or facts.session
        if identity:
            facts.session = identity
        facts.parent, facts.forked_from = _origins(meta)
        self.replay.begin(meta, time, related=bool(facts.parent or facts.forked_from))
        facts.cwd = folder(meta.get("cwd")) or facts.cwd
        git = meta.get("git")
        if isinstance(git, dict):
            facts.repo, facts.branch = _remote(git.get("repository_url")), string(git.get("branch"))
            facts.commit = string(git.get("commit_hash"))
        facts.version = string(meta.get("cli_version"))
        version = _VERSION.match(facts.version or "")
        self.late = version is not None and int(version[1]) < _LATE_COUNTS
        origin = meta.get("originator")
        facts.headless = meta.get("source") == "exec" or (
            isinstance(origin, str) and origin.startswith(("codex_exec", "codex-exec", "codex_sdk"))
        )
        began = from_iso(meta.get("timestamp"))
        if began is None:
            began = time
        if began is None:
            named = _STAMP.search(self.stem)
            began = from_iso(f"{named[1]}T{named[2]}:{named[3]}:{named[4]}") if named else born(identity)
        facts.started = began if began is not None else facts.started
        for at in (began, time):
            if at is not None and (facts.ended is None or at > facts.ended):
                facts.ended = at
        return False

    def _later(self, identity: str | None, time: int | None) -> bool | str:
        if identity is None or identity == self.own:
            self.replay.own()
        elif identity in self.stem and self.own is not None and self.own not in self.stem:
            self.own = self.facts.session = identity
            self.replay.own()
        elif not self.began:
            self.replay.foreign(time)
            return "inherited"
        return False

    def turn(self, turn: Mapping[str, Any]) -> bool:
        """A ``turn_context``."""
        model = string(turn.get("model"))
        if model:
            self.model = self.facts.model = model
        if self.facts.cwd is None:
            self.facts.cwd = folder(turn.get("cwd"))
        return False

    def window(self, value: object) -> None:
        """The size of the model's window, where it is one."""
        size = whole(value)
        if size is not None and size > 0:
            self.facts.window = size
