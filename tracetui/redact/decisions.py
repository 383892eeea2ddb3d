"""What the user decided: an append-only log per session, folded into a state; precious, kept in ``decisions.db``.

Decisions are kept apart from proposals and keyed by the value (a keyed hash) and by record id and field, never by step
number, so that they survive scanning anew and growth of the log. Undo and redo are entries of the log as well.
"""

from __future__ import annotations

import hmac
import re
import secrets
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson

from tracetui.model import TracetuiError
from tracetui.redact.identity import identities
from tracetui.redact.private import open_private
from tracetui.redact.values import Place, State

__all__ = [
    "EXCLUSIONS",
    "SCOPES",
    "Accepted",
    "DecisionState",
    "Decisions",
    "Rule",
    "about",
    "check_rule",
    "pattern_of",
]

SCOPES: Final[Mapping[str, str]] = {
    "place": "this one place",
    "path": "this kind in this field",
    "name": "what this name gives away",
    "kind": "everything of its kind",
    "all": "this value, everywhere",
}
"""How far a rejection reaches, and what people call that."""
EXCLUSIONS: Final[Mapping[str, str]] = {
    "step": "this step",
    "kind": "every step of this kind",
    "results": "results of tools",
    "thinking": "thinking",
    "images": "images",
    "opaque": "signatures, encrypted thinking",
}
"""What can be left out as a whole, and what people call it. Images and opaque fields are, unless they are kept."""
_SCRIPT: Final = """
CREATE TABLE meta(name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE op(
  id INTEGER PRIMARY KEY, harness TEXT NOT NULL, session TEXT NOT NULL, at INTEGER NOT NULL, what TEXT NOT NULL,
  body TEXT NOT NULL);
CREATE INDEX op_session ON op(session, harness, id);
CREATE TABLE placeholder(
  harness TEXT NOT NULL, session TEXT NOT NULL, value TEXT NOT NULL, kind TEXT NOT NULL, number INTEGER NOT NULL,
  PRIMARY KEY(session, harness, value)) WITHOUT ROWID
"""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A value to be replaced everywhere. ``by``: ``hand``, ``tier`` (accepted by its tier) or ``mark``."""

    value: str
    kind: str
    by: str
    rule: str = ""
    tier: int = 2


class Rule(NamedTuple):
    """A rule that stays: ``literal``, ``regex`` (RE2) or ``glob``; without a replacement it gets a placeholder."""

    form: str
    pattern: str
    replacement: str | None = None


@dataclass(slots=True)
class DecisionState:
    """All decisions of a session in force. ``rejected`` holds (scope, key) pairs; ``excluded`` (what, key) pairs:
    ``step`` with the step's key, ``kind`` with a kind of step, ``results``, ``thinking``, ``keep-images``."""

    accepted: dict[str, Accepted] = field(default_factory=dict)
    rejected: set[tuple[str, str]] = field(default_factory=set)
    excluded: set[tuple[str, str]] = field(default_factory=set)
    rules: list[Rule] = field(default_factory=list)
    implied: dict[str, str] = field(default_factory=dict)
    """By keyed hash, what accepted values decode to and hold; with the value whose placeholder stands for it."""
    ruled: set[str] = field(default_factory=set)
    """Values of findings that the rules replace, so that nothing is left to decide about them."""

    def of(self, place: Place) -> State:
        """``open``, ``accepted`` or ``rejected``: what was decided about a place.

        The narrower decision wins; a rejection of a place stands against an acceptance of the value elsewhere.
        """
        rejected = self.rejected
        if rejected and ("place", place.key) in rejected:
            return "rejected"
        if place.value in self.accepted:
            return "accepted"
        if place.value in self.implied and ("all", place.value) not in rejected:
            return "accepted"
        if place.value in self.ruled and ("all", place.value) not in rejected:
            return "accepted"
        if rejected and (
            ("all", place.value) in rejected
            or ("path", f"{place.kind} {place.path}") in rejected
            or ("name", place.why) in rejected
            or ("kind", place.kind) in rejected
        ):
            return "rejected"
        return "open"


def about(place: Place, scope: str) -> str:
    """The key of a rejection of this scope that is about a place."""
    return {
        "place": place.key,
        "path": f"{place.kind} {place.path}",
        "name": place.why,
        "kind": place.kind,
        "all": place.value,
    }[scope]


@dataclass(frozen=True, slots=True)
class _Op:
    """An entry of the log. ``session`` is empty for rules, which are for all sessions."""

    id: int
    session: str
    what: str
    body: dict[str, Any]

    @property
    def name(self) -> str:
        return str(self.body["what"]) if self.what == "group" else self.what


class Decisions:
    """Reads and writes ``decisions.db`` of a bucket. Close it after use."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "decisions.db"
        self._db = open_private(self.path, _SCRIPT, 1, precious=True)
        row = self._db.execute("SELECT value FROM meta WHERE name='key'").fetchone()
        if row is None:
            self._db.execute("INSERT OR IGNORE INTO meta VALUES('key', ?)", (secrets.token_bytes(32),))
            row = self._db.execute("SELECT value FROM meta WHERE name='key'").fetchone()
        self._key = bytes(row[0])

    def close(self) -> None:
        self._db.close()

    def __enter__(self) -> Decisions:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def hash(self, value: str) -> str:
        """A keyed hash of a value, of use in this bucket alone."""
        return hmac.new(self._key, value.encode("utf-8", "surrogatepass"), "sha256").hexdigest()[:32]

    def short(self, *parts: object) -> str:
        """A short keyed name for a place."""
        text = "\0".join(map(str, parts)).encode("utf-8", "surrogatepass")
        return blake2b(text, key=self._key, digest_size=6).hexdigest()

    # the log

    def add(self, harness: str, session: str, what: str, body: Mapping[str, Any]) -> None:
        """Append one entry."""
        self._db.execute(
            "INSERT INTO op(harness, session, at, what, body) VALUES(?,?,?,?,?)",
            (harness, session, int(time.time() * 1000), what, orjson.dumps(dict(body)).decode()),
        )

    def add_many(self, harness: str, session: str, what: str, bodies: Iterable[Mapping[str, Any]]) -> None:
        """Append entries that are undone together."""
        items = [dict(body) for body in bodies]
        if items:
            self.add(harness, session, "group", {"what": what, "items": items})

    def _origin(self, harness: str, session: str) -> str:
        """Names a session within the entries of rules, which outlive it: a keyed hash, so that nothing of it stays."""
        return self.short("origin", harness, session)

    def _ops(self, harness: str, session: str) -> tuple[list[_Op], list[_Op]]:
        """What undo in a session reaches: its entries in force in order, with those of the rules that were made while
        it was under review; and those that were undone (the last one first to be redone)."""
        origin = self._origin(harness, session)
        done: list[_Op] = []
        undone: list[_Op] = []
        for number, whose, what, text in self._db.execute(
            "SELECT id, session, what, body FROM op WHERE session=? AND harness=? OR session='' AND harness='' "
            "ORDER BY id",
            (session, harness),
        ):
            body = orjson.loads(text)
            if whose == "" and body.get("origin") != origin:
                continue
            if what == "undo":
                if done:
                    undone.append(done.pop())
            elif what == "redo":
                if undone:
                    done.append(undone.pop())
            else:
                done.append(_Op(number, whose, what, body))
                undone.clear()
        return done, undone

    def _rule_ops(self) -> list[_Op]:
        """The entries of rules in force, whatever session they were made in."""
        held: dict[int, _Op] = {}
        off: set[int] = set()
        for number, what, text in self._db.execute(
            "SELECT id, what, body FROM op WHERE session='' AND harness='' ORDER BY id"
        ):
            body = orjson.loads(text)
            if what == "undo":
                off.add(body["op"])
            elif what == "redo":
                off.discard(body["op"])
            else:
                held[number] = _Op(number, "", what, body)
        return [op for number, op in held.items() if number not in off]

    def last_about(self, harness: str, session: str) -> tuple[str, str] | None:
        """What the last decision in force about findings was about: a scope of `SCOPES` and its key (for an acceptance
        ``all`` and the value's hash); None where there is none."""
        for op in reversed(self._ops(harness, session)[0]):
            item = op.body["items"][-1] if op.what == "group" else op.body
            if op.name == "reject":
                return str(item["scope"]), str(item["key"])
            if op.name in ("accept", "mark"):
                return "all", str(item.get("hash") or self.hash(item["value"]))
        return None

    def undo(self, harness: str, session: str) -> str | None:
        """Take the last entry back; what it was, None when there is none."""
        return self._turn(harness, session, "undo")

    def redo(self, harness: str, session: str) -> str | None:
        """Bring back what was undone last."""
        return self._turn(harness, session, "redo")

    def _turn(self, harness: str, session: str, what: str) -> str | None:
        self._db.execute("BEGIN IMMEDIATE")  # what another process adds meanwhile is not what is taken back
        try:
            held = self._ops(harness, session)[what == "redo"]
            if held:
                last = held[-1]
                if last.session:
                    self.add(harness, session, what, {})
                else:
                    self.add("", "", what, {"op": last.id, "origin": self._origin(harness, session)})
            self._db.execute("COMMIT")
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        if not held:
            return None
        return held[-1].what if held[-1].session else held[-1].name

    def state(self, harness: str, session: str) -> DecisionState:
        """The decisions in force, with the rules that stay for all sessions."""
        state = DecisionState()
        own = [op for op in self._ops(harness, session)[0] if op.session]
        for op in (*self._rule_ops(), *own):
            for item in op.body["items"] if op.what == "group" else (op.body,):
                _fold(state, op.name if op.session else item.get("what", op.what), item, self)
        for key, accepted in state.accepted.items():
            for text in identities(accepted.value):
                digest = self.hash(text)
                if digest not in state.accepted:
                    state.implied.setdefault(digest, key)
        return state

    # rules that stay

    def change_rules(self, harness: str, session: str, *, add: Iterable[Rule] = (), drop: Iterable[Rule] = ()) -> None:
        """Keep rules for all sessions, or keep them no longer, as one entry that undo in this session takes back.
        Raises TracetuiError for what is no pattern; nothing is changed then."""
        added, dropped = [*add], [*drop]
        for rule in added:
            check_rule(rule)
        items = [
            {"what": what, "form": rule.form, "pattern": rule.pattern, "replacement": rule.replacement}
            for what, rules in (("rule", added), ("unrule", dropped))
            for rule in rules
        ]
        if items:
            name = "rule" if added else "unrule"
            self.add("", "", "group", {"what": name, "items": items, "origin": self._origin(harness, session)})

    # placeholders

    def placeholders(self, harness: str, session: str) -> dict[str, tuple[str, int]]:
        """The kind and number that stand for a value (by its hash) in this session."""
        return {
            value: (kind, number)
            for value, kind, number in self._db.execute(
                "SELECT value, kind, number FROM placeholder WHERE session=? AND harness=?", (session, harness)
            )
        }

    def keep_placeholders(self, harness: str, session: str, given: Mapping[str, tuple[str, int]]) -> None:
        """Keep them, so that the next time the same value gets the same placeholder. One that another process gave to
        another value meanwhile is not kept: no two values ever share one."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            held = self.placeholders(harness, session)
            taken = {*held.values()}
            self._db.executemany(
                "INSERT OR IGNORE INTO placeholder VALUES(?,?,?,?,?)",
                [
                    (harness, session, value, kind, number)
                    for value, (kind, number) in given.items()
                    if value not in held and (kind, number) not in taken
                ],
            )
            self._db.execute("COMMIT")
        except BaseException:
            self._db.execute("ROLLBACK")
            raise

    def version(self) -> int:
        """Changes when another process or connection decided something."""
        return int(self._db.execute("PRAGMA data_version").fetchone()[0])


def check_rule(rule: Rule) -> None:
    """Raise TracetuiError (status 2) where a rule is none."""
    if rule.form not in ("literal", "regex", "glob") or not rule.pattern:
        raise TracetuiError(f"{rule.form}:{rule.pattern} is not a rule; one is literal:…, regex:… or glob:…", status=2)
    if rule.form == "regex":
        import re2

        options = re2.Options()
        options.log_errors = False
        try:
            empty = re2.compile(rule.pattern, options).match("") is not None
        except re2.error as error:
            raise TracetuiError(f"The pattern {rule.pattern} is not understood ({error})", status=2) from None
        if empty:
            raise TracetuiError(f"The pattern {rule.pattern} matches the empty text", status=2)


def pattern_of(rule: Rule) -> str:
    """What a rule looks for, in RE2's syntax: ``*`` and ``?`` of a glob stop at blanks and quotes."""
    if rule.form == "regex":
        return rule.pattern
    import re2

    if rule.form == "literal":
        return str(re2.escape(rule.pattern))
    return "".join(
        {"*": r"[^\s\"']*", "?": r"[^\s\"']"}.get(part) or str(re2.escape(part))
        for part in re.split(r"([*?])", rule.pattern)
    )


def _fold(state: DecisionState, what: str, item: dict[str, Any], decisions: Decisions) -> None:
    if what in ("accept", "mark"):
        key = item.get("hash") or decisions.hash(item["value"])
        state.accepted[key] = Accepted(
            item["value"], item["kind"], item.get("by", "hand"), item.get("rule", ""), item.get("tier", 2)
        )
        state.rejected.discard(("all", key))
    elif what == "reject":
        state.rejected.add((item["scope"], item["key"]))
        if item["scope"] == "all":
            state.accepted.pop(item["key"], None)
    elif what == "reopen":
        state.accepted.pop(item["hash"], None)
        state.rejected.discard(("all", item["hash"]))
    elif what == "exclude":
        state.excluded.add((item["what"], item["key"]))
    elif what == "include":
        state.excluded.discard((item["what"], item["key"]))
    elif what in ("rule", "unrule"):
        rule = Rule(item["form"], item["pattern"], item.get("replacement"))
        if what == "rule" and rule not in state.rules:
            state.rules.append(rule)
        elif what == "unrule" and rule in state.rules:
            state.rules.remove(rule)
