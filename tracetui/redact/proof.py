"""The proof that nothing is left: what was redacted is read again and searched for every accepted value in every form
and for pieces of its secret core, and scanned once more."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tracetui.model import Record, Source
from tracetui.redact.apply import PLACEHOLDER, Plan
from tracetui.redact.findings import record_id, scan_records
from tracetui.redact.forms import PERSONAL_KINDS, Matcher, core_of
from tracetui.redact.units import PIXEL, units

__all__ = ["Leak", "Proof", "prove"]

_PIECE: Final = 12


@dataclass(frozen=True, slots=True)
class Leak:
    """Something that is still there: in record ``rid`` (the ``nth`` from 0) at ``field``. ``why`` for people; ``rule``
    ``left`` for an accepted value, else the detector's. ``key`` names the accepted value."""

    agent: str | None
    nth: int
    rid: str
    field: str
    in_key: bool
    start: int
    end: int
    kind: str
    rule: str
    tier: int
    why: str
    key: str = ""


@dataclass(frozen=True, slots=True)
class Proof:
    """What the search found: ``leaks`` stand against sharing; ``exempt`` are places left because the user rejected
    them. ``searched`` counts strings."""

    leaks: tuple[Leak, ...]
    exempt: tuple[Leak, ...]
    searched: int

    @property
    def clean(self) -> bool:
        return not self.leaks


def prove(
    records: Iterable[Mapping[str, Any]],
    plan: Plan,
    harness: str,
    agent: str | None = None,
    *,
    rejected: Callable[[str, str, str, str, str, str], bool] = lambda *_: False,
) -> Proof:
    """Search redacted records. ``rejected(value, kind, rid, field, rule, why)`` tells whether the user left such a
    finding as it is."""
    held = [Record(Source(nth + 1, 0, 0), dict(value)) for nth, value in enumerate(records)]
    matcher = Matcher([(text, kind) for text, kind, _ in plan.values])
    pieces = _pieces(plan)
    leaks: list[Leak] = []
    exempt: list[Leak] = []
    searched = 0
    for nth, record in enumerate(held):
        rid = record_id(record)
        for unit in units(record.value, harness):
            searched += 1
            own = _own(unit.text, plan)
            spans: list[tuple[int, int, int, str]] = [
                (h.start, h.end, h.value, h.form) for h in matcher.hits(unit.text)
            ]
            if pieces is not None:
                for last, (size, number) in pieces.iter(unit.text):
                    spans.append((last + 1 - size, last + 1, number, "part"))
            seen: set[tuple[int, str]] = set()
            for start, end, number, form in spans:
                if any(a < end and start < b for a, b in own):
                    continue
                _, kind, key = plan.values[number]
                if (number, form) in seen:
                    continue
                seen.add((number, form))
                spared = plan.spared.get((agent, rid, unit.field, unit.in_key), ())
                leak = Leak(
                    agent,
                    nth,
                    rid,
                    unit.field,
                    unit.in_key,
                    start,
                    end,
                    kind,
                    "left",
                    1,
                    f"an accepted value, {form}",
                    key,
                )
                (exempt if spared else leaks).append(leak)
    for record, field, in_key, text, found in scan_records(held, harness):
        if found.tier > 2 or not text:
            continue
        value = text[found.start : found.end]
        if "‹" in value or value in PIXEL or any(a < found.end and found.start < b for a, b in _own(text, plan)):
            continue
        nth = record.source.line - 1
        leak = Leak(
            agent, nth, record_id(record), field, in_key, found.start, found.end, found.kind, found.rule, found.tier,
            found.why,
        )  # fmt: skip
        decided = rejected(value, found.kind, leak.rid, field, found.rule, found.why)
        (exempt if decided else leaks).append(leak)
    return Proof(tuple(leaks), tuple(exempt), searched)


def _own(text: str, plan: Plan) -> list[tuple[int, int]]:
    return [m.span() for m in PLACEHOLDER.finditer(text) if plan.owns(m[1], int(m[2]))] if "‹" in text else []


def _pieces(plan: Plan) -> Any:
    """An automaton over every piece of twelve characters of the secret cores."""
    import ahocorasick

    automaton: Any = ahocorasick.Automaton()
    count = 0
    for number, (text, kind, _) in enumerate(plan.values):
        if kind in PERSONAL_KINDS or len(text) < _PIECE:
            continue
        core = core_of(text)
        for at in range(len(core) - _PIECE + 1):
            piece = core[at : at + _PIECE]
            if len(set(piece)) >= 4:
                automaton.add_word(piece, (_PIECE, number))
                count += 1
    if not count:
        return None
    automaton.make_automaton()
    return automaton
