"""Who a log belongs to and what it says about itself: identity, agent, title, place, model, version."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

from tracetui.harness.claude.state import Seen, fingerprint
from tracetui.harness.tools import one_line
from tracetui.model import LogFacts

__all__ = ["Session", "worded"]

_TITLE: Final = 200
_LEAVES: Final = 64
_ID_MIN: Final = 8
"""Letters of an id that can stand in a file's name by no chance."""
_SHA: Final = frozenset("0123456789abcdef")
_MACHINE: Final = ("acompact", "aprompt_suggestion")
"""Forks that the harness makes for itself; their prompts are its own."""
_PASSING: Final = frozenset(
    """/clear /exit /quit /model /login /logout /status /usage /cost /context /config /help /mcp /resume /compact
    /permissions /theme /vim /doctor /export /terminal-setup /hooks /agents /plugin /fast /effort /rename""".split()
)
"""Commands that say nothing about what a session was for."""


def worded(text: str) -> str:
    """A prompt without the lines that stand for its images and documents."""
    if "[image" not in text and "[document" not in text:
        return text
    return "\n".join(line for line in text.split("\n") if not line.startswith(("[image", "[document")))


class Session:
    """Identity and facts of one log, fed record by record.

    ``settled`` is true once the session's id is known, which is then ``ident``; ``own`` once a record of the session's
    own conversation was met; ``revealed`` when it has just turned out that the records before were copied history.
    """

    def __init__(self, stem: str) -> None:
        self.stem = stem
        self.facts = LogFacts(harness="claude", session=stem)
        self.settled = False
        self.revealed = False
        self.seen = Seen()  # fingerprints of records, calls and responses read so far
        self.leaves: dict[int, str] = {}
        self.ident: object = None
        self.own = False
        self._met = False
        self._reset()

    def _reset(self) -> None:
        self._titles: list[str | None] = [None] * 7  # custom, agent, ai, summary, prompt, command, an agent's prompt
        self._prompts = False
        self._warm = False
        self._worked = False
        self._side_model = False
        self._seen_version: object = None
        self._seen_cwd: object = None

    def begin_anew(self) -> None:
        """What was read so far was copied history: keep of it only whose it was."""
        old = self.facts
        self.facts = LogFacts(harness=old.harness, session=old.session, agent=old.agent, forked_from=old.forked_from)
        self.revealed = False
        self.seen.clear()
        self._reset()

    # ---- identity ----------------------------------------------------------------------------------------------------

    def settle(self, ident: str) -> None:
        """The session's id is this, whatever stands before its first record."""
        self.ident = self.facts.session = ident
        self.settled = True

    def meet(self, value: dict[str, Any], turn: bool) -> bool:
        """Look at the ids of a record (``turn``: one of the conversation); whether it is inherited history."""
        ident = value.get("sessionId")
        if ident != self.ident or not self.settled:
            self._identify(ident)
        if not turn:
            return False
        if not self._met:
            self._met = True
            self._meet_agent(value)
        if "forkedFrom" in value:
            origin = value["forkedFrom"]
            if type(origin) is dict:
                self._forked(origin.get("sessionId"))
                return True
        if not self.own:
            if ident != self.ident and type(ident) is str and ident and self._named(self.ident):
                self._forked(ident)
                return True
            self.own = True
        return False

    def _identify(self, ident: object) -> None:
        if type(ident) is not str or not ident:
            return
        if not self.settled:
            self.settle(ident)
        elif self.facts.session != ident and self._named(ident) and not self._named(self.facts.session):
            before = self.facts.session
            self.settle(ident)
            self._forked(before)
            self.revealed = self.own
            self.own = False

    def _named(self, ident: object) -> bool:
        """Whether the file's name says that it is this session's: its stem contains the id."""
        if ident == self.stem:
            return True
        return type(ident) is str and len(ident) >= _ID_MIN and ident in self.stem

    def _forked(self, ident: object) -> None:
        if self.facts.forked_from is None and type(ident) is str and ident and ident != self.facts.session:
            self.facts.forked_from = ident

    def _meet_agent(self, value: dict[str, Any]) -> None:
        agent = value.get("agentId")
        if type(agent) is str and agent and value.get("isSidechain") is True:
            self.facts.agent = agent
        elif self.stem.startswith("agent-") and len(self.stem) > 6 and value.get("sessionId") != self.stem:
            self.facts.agent = self.stem[6:]

    @property
    def machine(self) -> bool:
        """Whether the log is a fork that the harness made for itself (to write a summary, to suggest a prompt)."""
        agent = self.facts.agent
        return agent is not None and agent.startswith(_MACHINE)

    # ---- facts -------------------------------------------------------------------------------------------------------

    def note(self, value: dict[str, Any], time: int | None) -> None:
        """Take the facts of a record of the conversation; ``time`` in milliseconds."""
        facts = self.facts
        if time is not None:
            if facts.started is None or facts.ended is None:
                facts.started = facts.ended = time
            elif time > facts.ended:
                facts.ended = time
            elif time < facts.started:
                facts.started = time
        version = value.get("version")
        if version != self._seen_version and type(version) is str and version:
            self._seen_version = facts.version = version
        cwd = value.get("cwd")
        if cwd != self._seen_cwd or facts.branch is None:
            if type(cwd) is str and cwd:
                self._seen_cwd = cwd
                if facts.cwd is None:
                    facts.cwd = cwd
            branch = value.get("gitBranch")
            if facts.branch is None and type(branch) is str and branch:
                facts.branch = branch
        if not facts.headless and "entrypoint" in value:
            entry = value["entrypoint"]
            facts.headless = type(entry) is str and entry.startswith("sdk")
        if not self._prompts and not facts.warmup:
            self._judge()

    def answered(self, model: str | None, aside: bool) -> None:
        """A model wrote a record (``aside``: on a side chain). The last model of the main thread is the session's."""
        if model is not None and model != self.facts.model and (not aside or not self.facts.model or self._side_model):
            self.facts.model = model
            self._side_model = aside
        if not self._worked:
            self._worked = True
            self._judge()

    def paid(self, cost: float | None) -> None:
        """US dollars that the log states; None and 0 where it states none."""
        if cost:
            self.facts.cost_usd = (self.facts.cost_usd or 0.0) + cost

    # ---- titles and what kind of session it is ---------------------------------------------------------------------

    def prompted(self, text: str, *, aside: bool = False) -> None:
        """A person (or, in a subagent's log, its parent) asked for something; ``aside``: on a side chain of the log."""
        if self._prompts:
            return
        if text.strip() == "Warmup":
            self._warm = True
        else:
            self._prompts = not aside
            self._title(6 if aside else 4, worded(text) or text)
        self._judge()

    def commanded(self, text: str, line: str) -> None:
        """A harness text was read; a command that asks for work names a session without a prompt."""
        if not line.startswith("/") or self._titles[5] is not None or self._prompts:
            return
        if "<command-name>" in text[:2000] and line.split(maxsplit=1)[0] not in _PASSING:
            self._title(5, line)

    def continued(self) -> None:
        """The session goes on from a summary."""
        self._worked = True
        self._judge()

    def _judge(self) -> None:
        """Nothing was asked (but to warm up), or nothing was answered to nothing."""
        self.facts.warmup = not self._prompts and (self._warm or not self._worked)

    def keep_book(self, kind: str, value: dict[str, Any]) -> None:
        """Take a title, a move or a base commit from a record outside the conversation."""
        ident = value.get("sessionId")
        if (
            ident != self.ident
            and ident is not None
            and (self._named(self.ident) or kind in ("relocated", "worktree-state"))
        ):
            return  # copied history speaks of another session
        if kind == "ai-title":
            self._title(2, value.get("aiTitle"))
        elif kind == "custom-title":
            self._title(0, value.get("customTitle"))
        elif kind == "agent-name":
            self._title(1, value.get("agentName"))
        elif kind == "summary":
            self._summary(value)
        elif kind == "relocated":
            moved = value.get("relocatedCwd")
            if type(moved) is str and moved:
                self.facts.cwd = moved
        elif kind == "worktree-state":
            state = value.get("worktreeSession")
            commit = state.get("originalHeadCommit") if type(state) is dict else None
            if type(commit) is str and len(commit) in (40, 64) and _SHA.issuperset(commit) and commit.strip("0"):
                self.facts.commit = commit

    def _summary(self, value: dict[str, Any]) -> None:
        """An old title; it may describe another session, so it counts once the record that it names is in this log."""
        leaf, text = value.get("leafUuid"), value.get("summary")
        if type(leaf) is str and type(text) is str and text.strip():
            mark = fingerprint(leaf)
            self.leaves.pop(mark, None)
            self.leaves[mark] = one_line(text, _TITLE)
            self.found_leaf(mark if mark in self.seen else 0)
            while len(self.leaves) > _LEAVES:
                del self.leaves[next(iter(self.leaves))]

    def found_leaf(self, mark: int) -> None:
        """The record with this fingerprint is in this log: a summary that names it describes this session."""
        if mark in self.leaves:
            self._title(3, self.leaves.pop(mark))

    def _title(self, rank: int, text: object) -> None:
        if type(text) is not str:
            return
        line = one_line(text, _TITLE)
        if not line or (rank >= 4 and self._titles[rank] is not None):
            return
        self._titles[rank] = line
        self.facts.title = next(title for title in self._titles if title is not None)

    # ---- state -------------------------------------------------------------------------------------------------------

    _FIELDS: Final = (
        *("settled", "revealed", "ident", "own", "_met", "_titles", "_prompts", "_warm", "_worked"),
        *("_side_model", "_seen_version", "_seen_cwd"),
    )

    def dump(self) -> dict[str, Any]:
        """Everything, as JSON values."""
        state: dict[str, Any] = {name: getattr(self, name) for name in self._FIELDS}
        state["facts"] = asdict(self.facts)
        state["leaves"] = list(self.leaves.items())
        return state

    def load(self, state: dict[str, Any]) -> None:
        """The reverse of ``dump``."""
        for name in self._FIELDS:
            setattr(self, name, state[name])
        self.facts = LogFacts(**state["facts"])
        self.leaves = dict(state["leaves"])
