"""Looking through a session under review: what its reader will see of a text, where a value stands in whatever form,
which place somebody named."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from tracetui.model import LogRow, Record, Source
from tracetui.redact.apply import EXCLUDED, Plan, redact_text
from tracetui.redact.decisions import Rule
from tracetui.redact.field_names import name_of
from tracetui.redact.second_reading import Noticed, notice
from tracetui.redact.units import units
from tracetui.redact.values import Field, Mark, Place, Reach, State, Target, record_id

if TYPE_CHECKING:
    from tracetui.redact.review import Review

__all__ = ["Lookup", "noticed", "places_holding", "places_of_texts", "rule_counts"]

_FORMS: Final = {"plain": "as it is", "part": "in part"}
"""Words for forms that do not speak for themselves."""
_REMEMBERED: Final = 65_536
"""Code points; of longer texts, which seldom stand twice, it is not kept what was found in them."""

RecordPlace = tuple[str | None, int, int, int]
"""Agent, part, line and number within the line of a record."""


def _texts(review: Review) -> Iterator[tuple[LogRow, Record, Any, int | None]]:
    """Every text unit under review: its log, record, the unit, and the step."""
    for log in review.logs():
        owners = review.owners(log.path)
        for record in review.bucket.records(log):
            held = owners.get(record.source.line)
            step = held[0][0] if held else None
            if review.within(log.agent, step):
                for unit in units(record.value, log.harness):
                    yield log, record, unit, step


def places_of_texts(review: Review, texts: Mapping[str, str]) -> dict[str, list[Place]]:
    """Where texts (by the keyed hash of each) stand as they are; other forms are the matcher's to find."""
    found: dict[str, list[Place]] = {key: [] for key in texts}
    for log, record, unit, step in _texts(review):
        for key, text in texts.items():
            at = unit.text.find(text)
            while at >= 0:
                end = at + len(text)
                found[key].append(
                    Place(
                        "", "", log.agent, log.path, record.source, record.nth, record_id(record), unit.field, "",
                        unit.in_key, at, end, "", "mark", 2, "plain", "", key, step, log.part,
                    )
                )  # fmt: skip
                at = unit.text.find(text, end)
    return found


def noticed(review: Review, cancelled: Callable[[], bool]) -> list[Noticed]:
    """What a stranger would notice in what is under review, without what was decided about."""
    state, digest = review.state, review.decisions.hash
    texts = (unit.text for _, _, unit, _ in _texts(review) if unit.text)
    return [
        one
        for one in notice(texts, inside=review.session.cwd, cancelled=cancelled)
        if (key := digest(one.text)) not in state.accepted and ("all", key) not in state.rejected
    ]


def rule_counts(review: Review, cancelled: Callable[[], bool] = lambda: False) -> dict[Rule, int]:
    """How many places each of the rules that stay replaces in what is under review; those counted before it was
    ``cancelled`` alone."""
    rules = review.state.rules
    counts = dict.fromkeys(rules, 0)
    if not rules:
        return counts
    plan = Plan(rules=[*rules])
    starts = {f"rule {rule.form} {rule.pattern} ": rule for rule in sorted(rules, key=lambda rule: -len(rule.pattern))}
    times = Counter(unit.text for _, _, unit, _ in _texts(review))
    for text, many in times.items():
        if cancelled():
            break
        for _, _, key, form in redact_text(text, plan)[1]:
            if form != "line":
                rule = next(rule for start, rule in starts.items() if key.startswith(start))
                counts[rule] += many
    return counts


def places_holding(review: Review, query: str, cancelled: Callable[[], bool] = lambda: False) -> list[Place] | None:
    """Every place of a text in what is under review, whatever its case, in order; None when ``cancelled``."""
    pattern = re.compile(re.escape(query), re.IGNORECASE)
    found: list[Place] = []
    for log, record, unit, step in _texts(review):
        if cancelled():
            return None
        for match in pattern.finditer(unit.text):
            at = Field(log.agent, record.source.line, record.nth, unit.field, unit.in_key, log.part)
            found.append(replace(Place.to_look_at(at, match.start(), match.start(), step), why=match.group()))
            if len(found) >= _MOST_FOUND:
                return found
    return found


_MOST_FOUND: Final = 20_000
"""Places of a text that are listed."""


class Lookup:
    """Reads a review for those who show it. ``records`` holds the records of a page that is shown: what is asked about
    their texts needs no reading."""

    def __init__(self, review: Review) -> None:
        self._review = review
        self.records: dict[RecordPlace, Record] = {}
        self._at: dict[Field, list[Place]] = {}
        self._at_of: list[Place] | None = None

    def places_at(self, at: Field) -> Sequence[Place]:
        """The findings in a text unit."""
        places = self._review.places()
        if self._at_of is not places:
            self._at_of = places
            self._at = {}
            for place in places:
                self._at.setdefault(place.at, []).append(place)
        return self._at.get(at, ())

    def marks(self, at: Field, text: str) -> list[Mark]:
        """The spans of a text unit, in order and without overlap: what is applied, and what is proposed or left."""
        plan, state = self._review.numbered(), self._review.state
        if text and self._left_out(plan, at):
            return [Mark(0, len(text), "accepted", "", EXCLUDED)]
        places = self.places_at(at)
        spared = [
            (place.start, place.end)
            for place in places
            if ("place", place.key) in state.rejected and state.of(place) == "rejected"
        ]
        found = [
            # As when it is applied: line counts stay.
            Mark(start, end, "accepted", key, put_for(plan, key) + "\n" * text.count("\n", start, end))
            for start, end, key, _ in redact_text(text, plan, spared)[1]
        ]
        for place in places:
            now: State = state.of(place)
            if now == "accepted" or place.rule == "unscanned" or place.end <= place.start:
                continue
            if not any(mark.start < place.end and place.start < mark.end for mark in found):
                found.append(Mark(place.start, place.end, now, place.value))
        found.sort()
        apart: list[Mark] = []
        for mark in found:
            if not apart or mark.start >= apart[-1].end:
                apart.append(mark)
        return apart

    def _left_out(self, plan: Plan, at: Field) -> bool:
        """Whether a text belongs to what is left out as a whole."""
        record = self.records.get(at.record)
        if record is None or at.in_key or not (plan.excluded or plan.excluded_fields):
            return False
        who = (at.agent, record_id(record))
        prefixes = [prefix for *key, prefix in plan.excluded_fields if tuple(key) == who]
        inside = any(at.pointer == prefix or at.pointer.startswith(prefix + "/") for prefix in prefixes)
        return who in plan.excluded or inside

    def text_of(self, at: Field) -> str | None:
        """The text of a unit of ``records``; None where it is not there."""
        record = self.records.get(at.record)
        log = self._log(at.agent, at.part)
        if record is None or log is None:
            return None
        held = (unit.text for unit in units(record.value, log.harness) if (unit.field, unit.in_key) == at[3:5])
        return next(held, None)

    def source_of(self, at: Field, log: LogRow) -> Source | None:
        """Where the record of a text unit stands."""
        found = next((place.source for place in self.places_at(at)), None)
        records = self._review.bucket.records(log)
        return found or next((one.source for one in records if one.source.line == at.line), None)

    def _log(self, agent: str | None, part: int) -> LogRow | None:
        return next((log for log in self._review.logs() if (log.agent, log.part) == (agent, part)), None)

    def find(self, target: Target) -> Place | None:
        """The place that a target names, of no value where no finding is there; None when it is gone."""
        if target.id:
            return next((place for place in self._review.places() if place.id == target.id), None)
        for log in self._review.logs():
            if log.agent != target.agent:
                continue
            for record in self._review.bucket.records(log):
                if record_id(record) == target.rid and (found := self._in_record(target, log, record)) is not None:
                    return found
        return None

    def _in_record(self, target: Target, log: LogRow, record: Record) -> Place | None:
        at = Field(log.agent, record.source.line, record.nth, target.pointer, target.in_key, log.part)
        owners = self._review.owners(log.path).get(record.source.line)
        step = owners[0][0] if owners else None
        held = {
            Field(*at[:3], unit.field, unit.in_key, log.part): unit.text for unit in units(record.value, log.harness)
        }
        if at not in held:
            # A field that was renamed by its redaction is not there by that name; then the record must do.
            main = (one for one in held if name_of(one.pointer, in_key=one.in_key)[1])
            instead = next(main, None)
            return Place.to_look_at(instead, step=step) if instead is not None else None
        text = held[at]
        self.records[at.record] = record
        marks = [mark for mark in self.marks(at, text) if mark.state == "accepted"]
        start, end = (_before(marks, offset) for offset in (target.start, target.end))
        left = target.leak.text if target.leak is not None else ""
        if left and (there := text.find(left, max(0, start - len(left)))) >= 0:
            start, end = there, there + len(left)
        return Place.to_look_at(at, start, min(max(start + 1, end), len(text)), step)

    def reach(self, value: str, kind: str, cancelled: Callable[[], bool]) -> list[Reach] | None:
        """Every place that a value stands at, in whatever form, by step and field; None when cancelled."""
        plan = Plan(values=[(value, kind, "value")])
        found: Counter[tuple[int | None, str | None, str, str, int]] = Counter()
        seen: dict[str, list[str]] = {}
        for log, _, unit, step in _texts(self._review):
            if cancelled():
                return None
            forms = seen.get(unit.text)
            if forms is None:
                forms = [
                    "as it is" if unit.text[low:high] == value else _FORMS.get(form, form)
                    for low, high, _, form in redact_text(unit.text, plan)[1]
                ]
                if len(unit.text) < _REMEMBERED:
                    seen[unit.text] = forms
            if forms:
                label, _ = name_of(unit.field, in_key=unit.in_key)
                found.update((step, log.agent, label, form, log.part) for form in forms)
        return [Reach(*key[:4], count, key[4]) for key, count in found.items()]


def put_for(plan: Plan, key: str) -> str:
    """What stands for a value: its placeholder, or what its rule puts there."""
    if key.startswith("rule "):
        for rule in plan.rules:
            if rule.replacement is not None and key == f"rule {rule.form} {rule.pattern} ":
                return rule.replacement
    held = plan.given.get(key)
    return f"‹{held[0]}:{held[1]}›" if held is not None else ""


def _before(marks: Sequence[Mark], offset: int) -> int:
    """Where the character at ``offset`` of a redacted text stood before ``marks`` were applied to it."""
    at = made = 0
    for mark in marks:
        if offset < made + mark.start - at:
            break
        made += mark.start - at
        if offset < made + len(mark.text):
            return mark.start
        made += len(mark.text)
        at = mark.end
    return at + offset - made
