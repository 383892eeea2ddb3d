"""``Review``: the findings and decisions of one session, as the editor, the gate and the commands use them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tracetui.model import LogRow, Record, SessionRow, TracetuiError
from tracetui.redact.apply import Cancelled, Plan, prepare, redact, redact_text
from tracetui.redact.decisions import SCOPES, Decisions, Rule, State
from tracetui.redact.findings import Findings, Place, string_at
from tracetui.redact.forms import plain_value
from tracetui.redact.proof import Leak, Proof, prove

if TYPE_CHECKING:
    from tracetui.bucket import Bucket

__all__ = ["Cancelled", "Group", "Review", "Span"]


@dataclass(slots=True)
class Group:
    """All findings of one value: what to decide on once. ``state``: ``open``, ``accepted``, ``rejected``, ``mixed``."""

    value: str
    text: str
    kind: str
    rule: str
    tier: int
    why: str
    places: list[Place] = field(default_factory=list)
    state: str = "open"

    @property
    def copies(self) -> int:
        return len(self.places)


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a text as the editor shows it. ``state``: ``plain``, ``proposed``, ``accepted``, ``rejected``;
    ``shown`` is what the reader will see of it."""

    start: int
    end: int
    state: str
    shown: str
    place: Place | None = None
    kind: str = ""


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
        self._state: State | None = None
        self._version = 0
        self._lines: dict[str, dict[int, list[tuple[int, str, str]]]] = {}
        self._told = True

    def close(self) -> None:
        """Tell lists what changed, and let go."""
        try:
            if not self._told:
                self.summarise()
        finally:
            self._close()

    def _close(self) -> None:
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
        cancelled: Callable[[], bool] | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> bool:
        """Bring the findings up to date; False when cancelled. What was scanned before is not scanned again."""
        whole = self.findings.scan(self.session, known=known, deep=deep, cancelled=cancelled, progress=progress)
        self._places = None
        self.summarise()
        return whole

    def refresh(self) -> None:
        """Read findings and decisions anew: another process or review may have changed them."""
        self._state = self._places = None

    def summarise(self) -> None:
        """Tell lists how many findings are open."""
        self.findings.summarise(self.session)
        self._told = True

    @property
    def state(self) -> State:
        version = self.decisions.version()
        if self._state is None or version != self._version:
            self._version = version
            self._state = self.findings.state(self.session)
        return self._state

    def places(self) -> list[Place]:
        """All findings, those outside of the range of steps left out."""
        if self._places is None:
            found = self.findings.places(self.session)
            if self.steps is not None:
                first, last = self.steps
                found = [p for p in found if (step := self.step_of(p)) is None or p.agent or first <= step <= last]
            self._places = found
        return self._places

    def logs(self) -> list[LogRow]:
        """The logs under review: the main one, then those of subagents."""
        return [log for log in self.bucket.logs(self.session.id, self.session.harness) if log.shown]

    def step_of(self, place: Place) -> int | None:
        """The number of the step that a finding's record belongs to; None for records that are part of no step."""
        steps = self._steps(place.log_path).get(place.source.line)
        return steps[0][0] if steps else None

    def _steps(self, path: str) -> dict[int, list[tuple[int, str, str]]]:
        held = self._lines.get(path)
        if held is None:
            held = self._lines[path] = {}
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
        return plain_value(self.text_at(place)[place.start : place.end], place.view)

    def groups(self, *, texts: bool = True) -> list[Group]:
        """Findings by value, the most certain first, open ones before decided ones. ``texts`` reads each value."""
        groups: dict[str, Group] = {}
        for place in self.places():
            if place.rule == "unscanned":
                continue
            group = groups.get(place.value)
            if group is None:
                group = groups[place.value] = Group(place.value, "", place.kind, place.rule, place.tier, place.why)
            elif place.tier < group.tier:
                group.kind, group.rule, group.tier, group.why = place.kind, place.rule, place.tier, place.why
            group.places.append(place)
        for group in groups.values():
            states = {self.state.of(place) for place in group.places}
            group.state = states.pop() if len(states) == 1 else "open" if "open" in states else "mixed"
            if texts:
                group.text = self.value_of(group.places[0])
        order = {"open": 0, "mixed": 1, "accepted": 2, "rejected": 3}
        return sorted(groups.values(), key=lambda g: (order[g.state], g.tier, -len(g.places)))

    def unscanned(self) -> list[Place]:
        """What no detector could look at and nobody decided about: it stands against sharing."""
        return [p for p in self.places() if p.rule == "unscanned" and self.state.of(p) == "open"]

    def progress(self) -> dict[str, int]:
        """Counts for the header: values and copies that are open in tiers 1 and 2, unscanned, decided."""
        groups = [g for g in self.groups(texts=False) if g.tier <= 2]
        still = [g for g in groups if g.state == "open"]
        return {
            "open": len(still),
            "copies": sum(g.copies for g in still),
            "unscanned": len(self.unscanned()),
            "accepted": sum(g.state == "accepted" for g in groups),
            "rejected": sum(g.state in ("rejected", "mixed") for g in groups),
        }

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
        groups = [g for g in self.groups() if g.tier <= tier and g.state == "open"]
        self.decisions.add_many(
            self.session.harness, self.session.id, "accept", [self._accepting(g.places[0], "tier") for g in groups]
        )
        self._changed()
        return groups

    def reject(self, place: Place, scope: str = "all") -> None:
        """Leave a finding as it is: this place, this path, this name, this kind, or this value everywhere (``all``)."""
        if scope not in SCOPES:
            raise TracetuiError(f"{scope} is not a scope; one of: {', '.join(SCOPES)}", status=2)
        key = {
            "place": place.key,
            "path": f"{place.kind} {place.path}",
            "name": place.why,
            "kind": place.kind,
            "all": place.value,
        }[scope]
        self._add("reject", {"scope": scope, "key": key})

    def reopen(self, value: str) -> None:
        """Take back what was decided about a value (by its hash)."""
        self._add("reopen", {"hash": value})

    def mark(self, text: str, start: int, end: int, kind: str) -> None:
        """Mark ``text[start:end]`` by hand: the value is replaced everywhere."""
        value = text[start:end]
        if not value.strip():
            raise TracetuiError("Nothing is marked")
        self._add("mark", {"value": value, "kind": kind or "secret", "by": "mark"})

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
            self._exclusions(plan, state)
        return plan

    def _exclusions(self, plan: Plan, state: State) -> None:
        from tracetui.redact.findings import record_id

        steps = {key for what, key in state.excluded if what == "step"}
        kinds = {key for what, key in state.excluded if what == "kind"}
        if ("thinking", "") in state.excluded:
            kinds.add("thinking")
        results = ("results", "") in state.excluded
        if not (steps or kinds or results):
            return
        for log in self.logs():
            lines = self._steps(log.path)
            for record in self.bucket.records(log):
                owners = lines.get(record.source.line, [])
                if not owners:
                    continue
                rid = record_id(record)
                gone = [o for o in owners if o[2] in steps or o[1] in kinds]
                if gone and len(gone) == len(owners):
                    plan.excluded.add((log.agent, rid))
                elif gone:
                    plan.excluded_fields.update((log.agent, rid, at) for at in _blocks(record.value, gone))
                if results:
                    plan.excluded_fields.update((log.agent, rid, at) for at in _results(record.value))

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
            general = "/".join("*" if part.isdigit() else part for part in at.split("/"))
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

    def accept_leak(self, leak: Leak) -> None:
        """Accept what the proof found as a value of its own: it is replaced everywhere."""
        self.mark(leak.text, 0, len(leak.text), leak.kind)

    def reject_leak(self, leak: Leak) -> None:
        """Leave what a detector found in the result as it is; an accepted value cannot be left that way."""
        if leak.rule == "left":
            raise TracetuiError("This is an accepted value; reject it where it was found, or take the acceptance back")
        self._add("reject", {"scope": "all", "key": self.decisions.hash(leak.text)})

    def preview(self, text: str, places: Sequence[Place] = (), plan: Plan | None = None) -> list[Span]:
        """A text in pieces, in order and without gaps: plain, proposed, accepted (with its placeholder) or rejected.

        ``places`` are the findings of this text (same record and field).
        """
        plan = plan or self.plan()
        spared = [
            (p.start, p.end)
            for p in places
            if self.state.of(p) == "rejected" and ("place", p.key) in self.state.rejected
        ]
        _, done = redact_text(text, plan, spared)
        marks: list[Span] = []
        for start, end, key, _ in done:
            held = plan.given.get(key)
            shown = f"‹{held[0]}:{held[1]}›" if held else "‹excluded›"
            marks.append(Span(start, end, "accepted", shown, kind=held[0] if held else ""))
        for place in places:
            state = self.state.of(place)
            if state == "accepted" or any(m.start < place.end and place.start < m.end for m in marks):
                continue
            name = "proposed" if state == "open" else "rejected"
            marks.append(Span(place.start, place.end, name, text[place.start : place.end], place, place.kind))
        out: list[Span] = []
        at = 0
        for mark in sorted(marks, key=lambda m: m.start):
            if mark.start < at:
                continue
            if mark.start > at:
                out.append(Span(at, mark.start, "plain", text[at : mark.start]))
            out.append(mark)
            at = mark.end
        if at < len(text):
            out.append(Span(at, len(text), "plain", text[at:]))
        return out


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


def _blocks(value: Any, gone: Sequence[tuple[int, str, str]]) -> Iterator[str]:
    """Fields of a record that several steps share which belong to the steps ``gone``."""
    message = value.get("message")
    content = message.get("content") if isinstance(message, dict) else None
    keys = {key for _, _, key in gone}
    kinds = {kind for _, kind, _ in gone}
    for nth, block in enumerate(content if isinstance(content, list) else ()):
        if not isinstance(block, dict):
            continue
        own = {block.get("id"), block.get("tool_use_id"), block.get("toolCallId")}
        kind = block.get("type")
        if (
            own & keys
            or (kind in ("thinking", "redacted_thinking") and "thinking" in kinds)
            or (kind == "text" and kinds & {"message", "prompt"})
            or any(key.endswith((f":{nth}", f"#{nth}", f"/{nth}")) for key in keys)
        ):
            yield f"/message/content/{nth}"


def _results(value: Any) -> Iterator[str]:
    """Fields of a record that hold a tool's result."""
    message = value.get("message")
    if isinstance(message, dict):
        if message.get("role") == "toolResult":
            yield "/message/content"
            yield "/message/details"
        content = message.get("content")
        for nth, block in enumerate(content if isinstance(content, list) else ()):
            if isinstance(block, dict) and block.get("type") == "tool_result":
                yield f"/message/content/{nth}/content"
    if "toolUseResult" in value:
        yield "/toolUseResult"
    payload = value.get("payload")
    if isinstance(payload, dict):
        kind = payload.get("type")
        if isinstance(kind, str) and kind.endswith(("_output", "_end")):
            yield from (
                f"/payload/{name}"
                for name in ("output", "stdout", "stderr", "aggregated_output", "formatted_output", "result", "changes")
            )
