"""Looking through the whole session, over the real core: for a place that somebody named, for the copies of a value
that was marked by hand, for every form of a value. A mixin."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from tracetui.model import LogRow, Record
from tracetui.tui.redaction.model import Copy, Field, Group, Mark, Reach, Target
from tracetui.tui.redaction.texts import name_of, units_of

if TYPE_CHECKING:
    from tracetui.bucket.store import Bucket
    from tracetui.redact.findings import Place
    from tracetui.redact.review import Review

__all__ = ["Seeking", "field_of"]

_FORMS: Final = {"plain": "as it is", "part": "in part"}
"""Words for forms that do not speak for themselves."""


class Seeking:
    """Mixin of `binding.CoreReview`."""

    _bucket: Bucket
    _review: Review
    _logs: list[LogRow]
    _values: dict[str, str]
    _hand: dict[str, list[Copy]]
    _groups: dict[str, Group]
    _records: dict[tuple[str | None, int, int], Record]

    if TYPE_CHECKING:

        def _copy(self, place: Place) -> Copy: ...

        def marks(self, at: Field, text: str) -> Sequence[Mark]: ...

    def _hand_copies(self, key: str, value: str) -> list[Copy]:
        """Where a value that no detector proposed stands as it is; the other forms are the core's to find."""
        made = self._hand.get(key)
        if made is None:
            made = self._hand[key] = []
            for _, unit, step in self._units():
                at = unit.text.find(value)
                while at >= 0:
                    made.append(Copy("", unit.at, at, at + len(value), step, "accepted"))
                    at = unit.text.find(value, at + len(value))
        return made

    def _units(self) -> Iterator[tuple[Record, Any, int | None]]:
        """Every text unit under review with its record and step."""
        bounds = self._review.steps
        for log in self._logs:
            lines = self._review._steps(log.path)
            for record in self._bucket.records(log):
                owners = lines.get(record.source.line)
                step = owners[0][0] if owners else None
                inside = bounds is None or log.agent is not None or step is None or bounds[0] <= step <= bounds[1]
                if not inside:
                    continue
                for unit in units_of(record, log.agent, log.harness, step):
                    yield record, unit, step

    def find(self, target: Target) -> Copy | None:
        from tracetui.redact.findings import record_id

        if target.id:
            place = next((place for place in self._review.places() if place.id == target.id), None)
            return self._copy(place) if place is not None else None
        log = next((log for log in self._logs if log.agent == target.agent), None)
        for record in self._bucket.records(log) if log is not None else ():
            if log is not None and record_id(record) == target.rid:
                at = Field(log.agent, record.source.line, record.nth, target.pointer, target.in_key)
                owners = self._review._steps(log.path).get(record.source.line)
                step = owners[0][0] if owners else None
                units = units_of(record, log.agent, log.harness, step)
                # A field that was renamed by its redaction is not there by that name; then the record must do.
                found = next(
                    (unit for unit in units if unit.at == at), next((unit for unit in units if unit.main), None)
                )
                if found is None:
                    continue
                if found.at != at:
                    return Copy("", found.at, 0, 0, step, "open")
                text = found.text
                self._records[at[:3]] = record
                marks = [mark for mark in self.marks(at, text) if mark.state == "accepted"]
                start, end = (_before(marks, offset) for offset in (target.start, target.end))
                held = target.leak.text if target.leak is not None else ""
                if held and (there := text.find(held, max(0, start - len(held)))) >= 0:
                    start, end = there, there + len(held)
                return Copy("", at, start, min(max(start + 1, end), len(text)), step, "open")
        return None

    def reach(self, group: str, cancelled: Callable[[], bool]) -> Sequence[Reach] | None:
        from tracetui.redact.apply import Plan, redact_text

        value = self._values.get(group)
        if value is None:
            return []
        known = self._groups.get(group)
        plan = Plan(values=[(value, known.kind if known is not None else "secret", group)])
        found: Counter[tuple[int | None, str | None, str, str]] = Counter()
        seen: dict[str, list[str]] = {}
        for _, unit, step in self._units():
            if cancelled():
                return None
            forms = seen.get(unit.text)
            if forms is None:
                _, done = redact_text(unit.text, plan)
                forms = [
                    "as it is" if unit.text[low:high] == value else _FORMS.get(form, form)
                    for low, high, _, form in done
                ]
                if len(unit.text) < 65_536:
                    seen[unit.text] = forms
            label, _ = name_of(unit.at.pointer, in_key=unit.at.in_key)
            for form in forms:
                found[(step, unit.at.agent, label, form)] += 1
        return [Reach(*key, count) for key, count in found.items()]


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


def field_of(place: Place) -> Field:
    return Field(place.agent, place.source.line, place.nth, place.field, place.in_key)
