"""``Review``: the findings and decisions of one session, as the editor, the gate and the commands use them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from tracetui.model import LogRow, Record, SessionRow, TracetuiError
from tracetui.redact.apply import Cancelled, Plan, prepare, redact
from tracetui.redact.decisions import SCOPES, Decisions, DecisionState, Rule, about
from tracetui.redact.exclusions import Owner, leave_out
from tracetui.redact.findings import Findings
from tracetui.redact.forms import plain_value
from tracetui.redact.lookup import places_of_texts
from tracetui.redact.proof import Leak, Proof, prove
from tracetui.redact.values import Group, Place, Progress, general_field, progress_of, state_of, string_at

if TYPE_CHECKING:
    from tracetui.bucket import Bucket

__all__ = ["PERSONAL", "Cancelled", "Review"]

PERSONAL = "redact.personal"
"""The bucket's setting: whether phone and card numbers and their like are looked for."""


class Review:
    """One session under review. Close it after use; one thread at a time.

    ``steps`` narrows it to a range of the main log's steps (first, last), as an episode is; None for the whole session.
    """

    def __init__(self, bucket: Bucket, session: SessionRow, steps: tuple[int, int] | None = None) -> None:
        self.bucket = bucket
        self.session = session
        self.steps = steps
        self.decisions = Decisions(bucket.path)
        try:
            self.findings = Findings(bucket, self.decisions)
        except BaseException:
            self.decisions.close()
            raise
        self._places: list[Place] | None = None
        self._by_id: dict[str, Place] = {}
        self._state: DecisionState | None = None
        self._numbered: Plan | None = None
        self._numbered_for: DecisionState | None = None
        self._version = 0
        self._owners: dict[str, dict[int, list[Owner]]] = {}
        self._texts: dict[str, str] = {}
        self._parts: dict[str, int] = {}
        self._marked: dict[str, list[Place]] = {}
        self._told = True

    def close(self) -> None:
        """Tell lists what changed, and let go."""
        try:
            if not self._told:
                self.summarise()
        finally:
            self.findings.close()
            self.decisions.close()

    def __enter__(self) -> Review:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # findings

    def scan(
        self,
        *,
        known: Sequence[tuple[str, str]] = (),
        deep: bool = False,
        personal: bool | None = None,
        cancelled: Callable[[], bool] | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> bool:
        """Bring the findings up to date; False when cancelled. What was scanned before is not scanned again."""
        wanted = bool(self.bucket.setting(PERSONAL)) if personal is None else personal
        whole = self.findings.scan(
            self.session, known=known, deep=deep, personal=wanted, cancelled=cancelled, progress=progress
        )
        self.refresh()
        self.summarise()
        return whole

    def refresh(self) -> None:
        """Read findings and decisions anew: another process or review may have changed them."""
        self._state = self._places = None
        self._owners, self._texts, self._marked = {}, {}, {}

    def summarise(self) -> None:
        """Tell lists how many findings are open."""
        self.findings.summarise(self.session)
        self._told = True

    @property
    def state(self) -> DecisionState:
        version = self.decisions.version()
        if self._state is None or version != self._version:
            self._version = version
            self._state = self.findings.state(self.session)
        return self._state

    def places(self) -> list[Place]:
        """All findings, those outside of the range of steps left out."""
        if self._places is None:
            self._parts = {log.path: log.part for log in self.logs()}
            found = self.findings.places(self.session, self._locate)
            self._places = [place for place in found if self.within(place.agent, place.step)]
            self._by_id = {place.id: place for place in self._places}
        return self._places

    def place(self, id_: str) -> Place:
        """The finding of this id. Raises TracetuiError where it is gone."""
        self.places()
        if id_ not in self._by_id:
            raise TracetuiError("This finding is no longer there; the session was scanned again")
        return self._by_id[id_]

    def within(self, agent: str | None, step: int | None) -> bool:
        """Whether a step is under review; what belongs to none always is."""
        return self.steps is None or agent is not None or step is None or self.steps[0] <= step <= self.steps[1]

    def logs(self) -> list[LogRow]:
        """The logs under review: the main one, then those of subagents."""
        return [log for log in self.bucket.logs(self.session.id, self.session.harness) if log.shown]

    def _locate(self, path: str, line: int) -> tuple[int | None, int]:
        """The number of the step that a line of a log belongs to, None where it is part of no step, and the log's
        part."""
        owners = self.owners(path).get(line)
        return owners[0][0] if owners else None, self._parts.get(path, 1)

    def owners(self, path: str) -> dict[int, list[Owner]]:
        """The steps that each line of a log belongs to."""
        held = self._owners.get(path)
        if held is None:
            held = self._owners[path] = {}
            for log in self.logs():
                if log.path == path:
                    for number, kind, key, sources in self.bucket.sources(log):
                        for source in sources:
                            held.setdefault(source.line, []).append((number, kind, key))
        return held

    def text_at(self, place: Place) -> str:
        """The decoded string in which a finding stands, read from the copy."""
        log = next((log for log in self.logs() if log.path == place.log_path), None)
        if log is None:
            raise TracetuiError("The log of this finding is no longer in the bucket")
        for record in self.bucket.records_of(log, [place.source]):
            if record.nth == place.nth:
                return string_at(record.value, place.field, in_key=place.in_key)
        return ""

    def value_of(self, place: Place) -> str:
        """The value found, as its view reads it."""
        held = self._texts.get(place.id)
        if held is None:
            held = self._texts[place.id] = plain_value(self.text_at(place)[place.start : place.end], place.view)
        return held

    def groups(self, *, texts: bool = True) -> list[Group]:
        """Every value with its places, those marked by hand too: by tier, then by where they stand first, so that the
        order stays while decisions are taken. ``texts`` reads each value."""
        groups: dict[str, Group] = {}
        for place in self.places():
            if place.rule == "unscanned":
                continue
            group = groups.get(place.value)
            if group is None:
                group = groups[place.value] = Group(place.value, "", place.kind, place.rule, place.tier, place.why)
                group.by_hand = place.rule == "mark"
            elif place.tier < group.tier:
                group.kind, group.rule, group.tier, group.why = place.kind, place.rule, place.tier, place.why
            group.places.append(place)
        self._add_marked(groups)
        plan = self.numbered()
        for key, group in groups.items():
            group.states = [self.state.of(place) for place in group.places]
            group.state = state_of(group.states or ("accepted",))
            if texts and not group.text:
                group.text = self.value_of(group.places[0])
            held = plan.given.get(self.state.implied.get(key, key))
            if held is not None:
                group.placeholder = f"‹{held[0]}:{held[1]}›"
        order = {(log.agent, log.part): nth for nth, log in enumerate(self.logs())}

        def first(group: Group) -> tuple[int, int, int, int, str, int]:
            if not group.places:
                return (group.tier, 0, 0, 0, "", 0)
            place = group.places[0]
            return (
                group.tier,
                order.get((place.agent, place.part), 0),
                place.source.line,
                place.nth,
                place.field,
                place.start,
            )

        return sorted(groups.values(), key=first)

    def _add_marked(self, groups: dict[str, Group]) -> None:
        """The accepted values that no detector proposed, with where they stand as they are."""
        accepted = {key: item for key, item in self.state.accepted.items() if key not in groups}
        fresh = {key: item.value for key, item in accepted.items() if key not in self._marked}
        if fresh:
            self._marked |= places_of_texts(self, fresh)
        for key, item in accepted.items():
            tier = min(item.tier, 2)
            group = Group(key, item.value, item.kind, item.rule or "mark", tier, "marked by hand", by_hand=True)
            group.places = self._marked[key]
            groups[key] = group

    def unscanned(self) -> list[Place]:
        """What no detector could look at and nobody decided about: it stands against sharing."""
        return [p for p in self.places() if p.rule == "unscanned" and self.state.of(p) == "open"]

    def progress(self, groups: Iterable[Group] | None = None) -> Progress:
        """Counts for the header; ``groups`` where they are at hand."""
        return progress_of(self.groups(texts=False) if groups is None else groups, len(self.unscanned()))

    # decisions

    def _add(self, what: str, body: dict[str, Any]) -> None:
        self.decisions.add(self.session.harness, self.session.id, what, body)
        self._changed()

    def _changed(self) -> None:
        self._state = None
        self._told = False  # counted when the review is closed: a decision must not wait for it

    def _accepting(self, place: Place, by: str) -> dict[str, Any]:
        value = self.value_of(place)
        if not value:
            raise TracetuiError("Nothing is left at the place of this finding; scan again")
        return {
            "value": value,
            "hash": place.value,
            "kind": place.kind,
            "by": by,
            "rule": place.rule,
            "tier": place.tier,
        }

    def accept(self, place: Place | Group, by: str = "hand") -> None:
        """Replace the value of a finding everywhere."""
        self._add("accept", self._accepting(place.places[0] if isinstance(place, Group) else place, by))

    def accept_tier(self, tier: int) -> list[Group]:
        """Accept every open value of the tiers up to ``tier``, as one entry to undo; what was accepted."""
        groups = [g for g in self.groups() if g.tier <= tier and g.state == "open" and g.places]
        self.decisions.add_many(
            self.session.harness, self.session.id, "accept", [self._accepting(g.places[0], "tier") for g in groups]
        )
        self._changed()
        return groups

    def reject(self, place: Place, scope: str = "all") -> None:
        """Leave a finding as it is: this place, this path, this name, this kind, or this value everywhere (``all``)."""
        if scope not in SCOPES:
            raise TracetuiError(f"{scope} is not a scope; one of: {', '.join(SCOPES)}", status=2)
        self._add("reject", {"scope": scope, "key": about(place, scope)})

    def reopen(self, value: str) -> None:
        """Take back what was decided about a value (by its hash)."""
        self._add("reopen", {"hash": value})

    def mark(self, text: str, start: int, end: int, kind: str, also: Sequence[str] = ()) -> None:
        """Mark ``text[start:end]`` by hand: the value is replaced everywhere. ``also`` are further ways in which it is
        written, marked with it as one entry to undo."""
        values = [text[start:end], *also]
        if not all(value.strip() for value in values):
            raise TracetuiError("Nothing is marked")
        bodies = [{"value": value, "kind": kind or "secret", "by": "mark"} for value in values]
        if also:
            self.decisions.add_many(self.session.harness, self.session.id, "mark", bodies)
            self._changed()
        else:
            self._add("mark", bodies[0])

    def exclude(self, what: str, key: str = "", *, on: bool = True) -> None:
        """Leave out: ``step`` (by its key), ``kind`` of step, ``results``, ``thinking``; ``keep-images`` and
        ``keep-opaque`` keep what is dropped otherwise. ``on`` False takes it back."""
        self._add("exclude" if on else "include", {"what": what, "key": key})

    def undo(self) -> str | None:
        """Take the last decision back, also one of an earlier day; what it was."""
        done = self.decisions.undo(self.session.harness, self.session.id)
        self._changed()
        return done

    def redo(self) -> str | None:
        done = self.decisions.redo(self.session.harness, self.session.id)
        self._changed()
        return done

    def add_rule(self, *rules: Rule) -> None:
        """Keep rules, for all sessions, as one entry to undo."""
        self.change_rules(add=rules)

    def drop_rule(self, *rules: Rule) -> None:
        """Keep these rules no longer."""
        self.change_rules(drop=rules)

    def change_rules(self, *, add: Sequence[Rule] = (), drop: Sequence[Rule] = ()) -> None:
        """Keep some rules and drop others, as one entry to undo."""
        self.decisions.change_rules(self.session.harness, self.session.id, add=add, drop=drop)
        self._changed()

    # results

    def plan(self) -> Plan:
        """What ``redact`` applies: values, rules, exclusions and the places that stay."""
        state = self.state
        plan = Plan.of(state, self.decisions.placeholders(self.session.harness, self.session.id))
        spared = {key for scope, key in state.rejected if scope == "place"}
        if spared:
            for place in self.findings.places(self.session):
                if place.key in spared:
                    where = (place.agent, place.rid, place.field, place.in_key)
                    plan.spared.setdefault(where, []).append((place.start, place.end))
        if state.excluded:
            logs = ((log, self.bucket.records(log), self.owners(log.path)) for log in self.logs())
            leave_out(plan, state, logs)
        return plan

    def numbered(self) -> Plan:
        """The plan of now with a placeholder for each accepted value, numbered by first appearance; worked out once
        until something is decided. Not to be changed."""
        if self._numbered is None or self._numbered_for is not self.state:
            plan = self._numbered = self.plan()
            self._numbered_for = self.state
            accepted = self.state.accepted
            for place in self.places():
                if place.value in accepted:
                    plan.placeholder(place.value, accepted[place.value].kind)
            for key, item in accepted.items():
                plan.placeholder(key, item.kind)
        return self._numbered

    def redacted(
        self,
        plan: Plan | None = None,
        *,
        cancelled: Callable[[], bool] | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Iterator[tuple[LogRow, list[Record], list[dict[str, Any]]]]:
        """Every log with its records and the redacted ones; placeholders are the same throughout and kept.

        ``progress`` is told (records done, all of them); ``Cancelled`` is raised when ``cancelled`` says so."""
        plan = plan or self.plan()
        yield from self.applied(plan, cancelled, progress)
        self.decisions.keep_placeholders(self.session.harness, self.session.id, plan.given)

    def applied(
        self, plan: Plan, cancelled: Callable[[], bool] | None, progress: Callable[[int, int], None] | None
    ) -> Iterator[tuple[LogRow, list[Record], list[dict[str, Any]]]]:
        """The same, without keeping the placeholders."""
        step = _Steps(cancelled, progress)
        held = [(log, [*step.through(self.bucket.records(log))]) for log in self.logs()]
        prepare([(records, log.harness, log.agent) for log, records in held], plan)
        step.start(sum(len(records) for _, records in held))
        for log, records in held:
            yield log, records, redact(records, plan, log.harness, log.agent, prepared=True, step=step)

    def prove(
        self,
        plan: Plan | None = None,
        *,
        cancelled: Callable[[], bool] | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Proof:
        """Redact, and search what came out. ``progress`` is told (done, all), in records, each counted twice: applied
        and searched. ``Cancelled`` is raised when ``cancelled`` says so."""
        plan = plan or self.plan()
        leaks: list[Any] = []
        exempt: list[Any] = []
        searched = 0
        state = self.state

        def rejected(value: str, kind: str, rid: str, at: str, rule: str, why: str) -> bool:
            found = state.rejected
            digest = self.decisions.hash(value)
            general = general_field(at)
            if {("all", digest), ("kind", kind), ("name", why), ("path", f"{kind} {general}")} & found:
                return True
            return any(scope == "place" and f"|{rid}|{at}|" in key and key.endswith(digest) for scope, key in found)

        def applying(done: int, total: int) -> None:
            if progress is not None:
                progress(done, 2 * total)

        results = [(log, values) for log, _, values in self.redacted(plan, cancelled=cancelled, progress=applying)]
        total = sum(len(values) for _, values in results)
        step = _Steps(cancelled, (lambda done, _: progress(total + done, 2 * total)) if progress else None)
        step.start(total)
        for log, values in results:
            proof = prove(
                values, plan, log.harness, log.agent, rejected=rejected, many=self.findings.scan_texts, step=step
            )
            leaks += proof.leaks
            exempt += proof.exempt
            searched += proof.searched
        return Proof(tuple(leaks), tuple(exempt), searched)

    def reject_leak(self, leak: Leak) -> None:
        """Leave what a detector found in the result as it is; an accepted value cannot be left that way."""
        if leak.rule == "left":
            raise TracetuiError("This is an accepted value; reject it where it was found, or take the acceptance back")
        self.leave(leak.text)

    def leave(self, text: str) -> None:
        """Leave a text as it is, wherever it stands: nothing proposes it any more."""
        self._add("reject", {"scope": "all", "key": self.decisions.hash(text)})


class _Steps:
    """Counts what is done, tells it now and then, and ends the work when it is cancelled."""

    def __init__(
        self, cancelled: Callable[[], bool] | None, progress: Callable[[int, int], None] | None, every: int = 64
    ) -> None:
        self._cancelled, self._progress, self._every = cancelled, progress, every
        self.done = self.total = 0

    def start(self, total: int) -> None:
        """Count from 0 to ``total`` from now on, and tell it."""
        self.done, self.total = 0, total

    def __call__(self) -> None:
        if self.done % self._every == 0:
            if self._cancelled is not None and self._cancelled():
                raise Cancelled("Cancelled; nothing was written")
            if self._progress is not None and self.total:
                self._progress(self.done, self.total)
        self.done += 1

    def through(self, records: Iterator[Record]) -> Iterator[Record]:
        """The records, one step each."""
        for record in records:
            self()
            yield record
