"""The editor's view of the core: `tracetui.redact.Review` behind the `Reviewing` protocol. One thread only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from tracetui.model import LogRow, Record, SessionRow, Source, TracetuiError
from tracetui.text import format as fmt
from tracetui.tui.redaction.model import (
    Copy,
    Field,
    Group,
    Mark,
    Outcome,
    Progress,
    Progressed,
    State,
    Unscanned,
)
from tracetui.tui.redaction.page import PageStep
from tracetui.tui.redaction.seeking import Seeking, field_of
from tracetui.tui.redaction.staying import Staying
from tracetui.tui.redaction.texts import around, units_of
from tracetui.tui.redaction.turned import difference, reaches

if TYPE_CHECKING:
    from tracetui.bucket.store import Bucket
    from tracetui.redact.apply import Plan
    from tracetui.redact.findings import Place
    from tracetui.redact.proof import Leak
    from tracetui.redact.review import Review

__all__ = ["CoreReview", "open_review"]


def open_review(
    bucket: Bucket,
    session: SessionRow,
    steps: tuple[int, int] | None,
    cancelled: Callable[[], bool],
    progressed: Progressed,
) -> CoreReview | None:
    """The review of a session (or of steps first to last of it), its findings brought up to date; None when cancelled
    meanwhile: what was scanned stays scanned."""
    from tracetui.redact import Review
    from tracetui.redact.known import local_values

    review = Review(bucket, session, steps)
    try:
        whole = review.scan(known=local_values(), cancelled=cancelled, progress=progressed)
    except BaseException:
        review.close()
        raise
    if not whole:
        review.close()
        return None
    return CoreReview(bucket, review)


class CoreReview(Staying, Seeking):
    """See `Reviewing`. Group ids are the core's keyed hashes of values."""

    def __init__(self, bucket: Bucket, review: Review) -> None:
        self._bucket = bucket
        self._review = review
        self._values: dict[str, str] = {}
        self._hand: dict[str, list[Copy]] = {}
        self._groups: dict[str, Group] = {}
        self._at: dict[Field, list[Place]] | None = None
        self._records: dict[tuple[str | None, int, int], Record] = {}
        self._plan: Plan | None = None
        self._logs: list[LogRow] = review.logs()

    def close(self) -> None:
        self._review.close()

    def refresh(self) -> None:
        self._review.refresh()
        self._at = None
        self._changed()

    # -- what there is ------------------------------------------------------------------------------------------------

    def _places(self) -> dict[Field, list[Place]]:
        if self._at is None:
            self._at = {}
            for place in self._review.places():
                self._at.setdefault(field_of(place), []).append(place)
        return self._at

    def _copy(self, place: Place) -> Copy:
        state: State = self._review.state.of(place)  # type: ignore[assignment]
        step = self._review.step_of(place)
        return Copy(place.id, field_of(place), place.start, place.end, step, state, place.view)

    def groups(self) -> Sequence[Group]:
        review = self._review
        plan = self._the_plan()
        found: list[Group] = []
        for group in review.groups(texts=False):
            value = self._values.get(group.value)
            if value is None:
                value = self._values[group.value] = review.value_of(group.places[0])
            copies = [self._copy(place) for place in group.places]
            state: State = "open" if group.state == "open" else "rejected" if group.state == "rejected" else "accepted"
            found.append(
                Group(
                    group.value, group.kind, group.rule, group.tier, group.why, value, state, copies,
                    self._placeholder(plan, group.value), rule_name(group.rule) == "mark",
                )
            )  # fmt: skip
        known = {group.id for group in found}
        for key, accepted in review.state.accepted.items():
            if key not in known:
                self._values[key] = accepted.value
                copies = self._hand_copies(key, accepted.value)
                found.append(
                    Group(
                        key, accepted.kind, accepted.rule or "mark", min(accepted.tier, 2), "marked by hand",
                        accepted.value, "accepted", copies, self._placeholder(plan, key), True,
                    )
                )  # fmt: skip
        order = {log.agent: nth for nth, log in enumerate(self._logs)}

        def first(group: Group) -> tuple[object, ...]:
            # Where it stands first: the list keeps its order while decisions are taken.
            if not group.copies:
                return (0, 0, 0, "", 0)
            at = group.copies[0].at
            return (order.get(at.agent, 0), at.line, at.nth, at.pointer, group.copies[0].start)

        found.sort(key=lambda group: (group.tier, *first(group)))
        self._groups = {group.id: group for group in found}
        return found

    def left_off(self) -> str | None:
        review = self._review
        last = review.decisions.last_about(review.session.harness, review.session.id)
        if last is None:
            return None
        if last[0] == "all":
            return last[1]
        return next((place.value for place in reversed(review.places()) if reaches(place, *last)), None)

    def progress(self) -> Progress:
        groups = list(self._groups.values())
        sure = [group for group in groups if group.tier <= 2]
        return Progress(
            sum(group.state == "open" for group in sure),
            sum(group.state == "open" for group in groups if group.tier > 2),
            sum(copy.state == "open" for group in sure for copy in group.copies),
            sum(group.state == "accepted" for group in groups),
            sum(group.state == "rejected" for group in groups),
            len(self._review.unscanned()),
        )

    def unscanned(self) -> Sequence[Unscanned]:
        return [
            Unscanned(field_of(place), self._review.step_of(place), place.why) for place in self._review.unscanned()
        ]

    # -- the text -----------------------------------------------------------------------------------------------------

    def page(self, copy: Copy | None, step: int | None = None, agent: str | None = None) -> list[PageStep]:
        if copy is not None:
            step, agent = copy.step, copy.at.agent
        log = next((log for log in self._logs if log.agent == agent), None)
        if log is None:
            raise TracetuiError("The log of this finding is no longer in the bucket")
        source = self._source(copy.at, log) if copy is not None and step is None else None
        self._records.clear()
        return around(self._bucket, log, step, source, self._review.steps, self._records)

    def _source(self, at: Field, log: LogRow) -> Source | None:
        """The record of a field."""
        found = next((place.source for place in self._places().get(at, ())), None)
        return found or next((one.source for one in self._bucket.records(log) if one.source.line == at.line), None)

    def _the_plan(self) -> Plan:
        """The plan of the decisions in force; placeholders are numbered by first appearance."""
        if self._plan is None:
            plan = self._plan = self._review.plan()
            accepted = self._review.state.accepted
            for place in self._review.places():
                if place.value in accepted:
                    plan.placeholder(place.value, accepted[place.value].kind)
            for key, item in accepted.items():
                plan.placeholder(key, item.kind)
        return self._plan

    def _placeholder(self, plan: Plan, key: str) -> str:
        held = plan.given.get(key)
        return f"‹{held[0]}:{held[1]}›" if held is not None else ""

    def marks(self, at: Field, text: str) -> Sequence[Mark]:
        from tracetui.redact.apply import EXCLUDED, redact_text
        from tracetui.redact.findings import record_id

        plan, state = self._the_plan(), self._review.state
        places = self._places().get(at, ())
        record = self._records.get(at[:3])
        if record is not None and not at.in_key and (plan.excluded or plan.excluded_fields):
            who = (at.agent, record_id(record))
            prefixes = [prefix for *key, prefix in plan.excluded_fields if tuple(key) == who]
            inside = any(at.pointer == prefix or at.pointer.startswith(prefix + "/") for prefix in prefixes)
            if (who in plan.excluded or inside) and text:
                return [Mark(0, len(text), "accepted", "", EXCLUDED)]
        spared = [
            (place.start, place.end)
            for place in places
            if ("place", place.key) in state.rejected and state.of(place) == "rejected"
        ]
        _, done = redact_text(text, plan, spared)
        found = [
            # As when it is applied: line counts stay.
            Mark(start, end, "accepted", key, self._put(plan, key) + "\n" * text.count("\n", start, end))
            for start, end, key, _ in done
        ]
        for place in places:
            now = state.of(place)
            if now == "accepted" or place.rule == "unscanned" or place.end <= place.start:
                continue
            if not any(mark.start < place.end and place.start < mark.end for mark in found):
                found.append(Mark(place.start, place.end, now, place.value))  # type: ignore[arg-type]
        found.sort()
        apart: list[Mark] = []
        for mark in found:
            if not apart or mark.start >= apart[-1].end:
                apart.append(mark)
        return apart

    def _put(self, plan: Plan, key: str) -> str:
        """What stands for a value: its placeholder, or what its rule puts there."""
        if key.startswith("rule "):
            for rule in plan.rules:
                if rule.replacement is not None and key == f"rule {rule.form} {rule.pattern} ":
                    return rule.replacement
        return self._placeholder(plan, key)

    # -- decisions ----------------------------------------------------------------------------------------------------

    def _changed(self) -> None:
        self._plan = None

    def _place(self, copy: str) -> Place:
        place = next((place for place in self._review.places() if place.id == copy), None)
        if place is None:
            raise TracetuiError("This finding is no longer there; the session was scanned again")
        return place

    def accept(self, group: str) -> Outcome:
        known = self._groups.get(group)
        if known is None or not known.copies:
            raise TracetuiError("This finding is no longer there; the session was scanned again")
        if known.by_hand:
            return Outcome("Marked by hand: it is accepted already.", group, False)
        place = self._place(known.copies[0].id)
        self._review.accept(place)
        self._changed()
        state = self._review.state
        held = sum(state.of(one) == "rejected" for one in self._review.places() if one.value == group)
        said = f"{self._placeholder(self._the_plan(), group)} stands for it in "
        said += fmt.plural(len(known.copies) - held, "place")
        if held:
            said += f"; {fmt.plural(held, 'place')} that you rejected stay{'s' if held == 1 else ''}"
        return Outcome(said, group)

    def accept_tier(self, tier: int) -> Outcome:
        found = self._review.accept_tier(tier)
        self._changed()
        copies = sum(len(group.places) for group in found)
        return Outcome(
            f"Accepted {fmt.plural(len(found), 'value')} in {fmt.plural(copies, 'place')}", None, bool(found)
        )

    def reject(self, group: str, copy: str, scope: str) -> Outcome:
        before = {place.id for place in self._review.places() if self._review.state.of(place) == "rejected"}
        known = self._groups.get(group)
        if known is not None and known.by_hand and not any(one.id for one in known.copies):
            self._review.reopen(group)
            self._changed()
            return Outcome("The mark is taken back; the text stays as it is.", group)
        self._review.reject(self._place(copy), scope)
        self._changed()
        after = {place.id for place in self._review.places() if self._review.state.of(place) == "rejected"}
        return Outcome(f"Stays as it is in {fmt.plural(len(after - before), 'place')}", group)

    def leave(self, gap: Unscanned) -> Outcome:
        for place in self._review.unscanned():
            if field_of(place) == gap.at:
                self._review.reject(place, "place")
                self._changed()
                return Outcome("It passes unscanned, as you say.")
        raise TracetuiError("This text was decided about already")

    def leave_leak(self, leak: Leak) -> Outcome:
        self._review.reject_leak(leak)
        self._changed()
        return Outcome("It stays as it is, wherever it stands in the result.")

    def mark(self, at: Field, start: int, end: int, kind: str) -> Outcome:
        record = self._records.get(at[:3])
        text = None
        if record is not None:
            log = next(log for log in self._logs if log.agent == at.agent)
            text = next((unit.text for unit in units_of(record, at.agent, log.harness, None) if unit.at == at), None)
        if text is None:
            raise TracetuiError("This text is no longer in the bucket; nothing was marked")
        self._review.mark(text, start, end, kind)
        self._changed()
        key = self._review.decisions.hash(text[start:end])
        return Outcome(f"Marked; {self._placeholder(self._the_plan(), key)} stands for it everywhere", key)

    def undo(self) -> Outcome | None:
        return self._turn(self._review.undo, "Undone")

    def redo(self) -> Outcome | None:
        return self._turn(self._review.redo, "Done again")

    def _turn(self, turn: Callable[[], str | None], said: str) -> Outcome | None:
        before = self._review.state
        if turn() is None:
            return None
        self._changed()
        what, group, copy = difference(before, self._review.state, self._review.places(), self._step_named)
        return Outcome(f"{said}: {what}.", group, True, copy)


def rule_name(rule: str) -> str:
    """The rule without what stands behind a colon."""
    return rule.partition(":")[0]
