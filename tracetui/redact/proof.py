"""The proof that nothing is left: what was redacted is read again and searched for every accepted value in every form
and for pieces of its secret core, and scanned once more."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from tracetui.model import Record, Source
from tracetui.redact.apply import PLACEHOLDER, Plan
from tracetui.redact.finding import Finding
from tracetui.redact.forms import PERSONAL_KINDS, core_of
from tracetui.redact.scanner import scan_many
from tracetui.redact.units import PIXEL, texts, units
from tracetui.redact.values import record_id

__all__ = ["Leak", "Proof", "neutral", "prove"]

_PIECE: Final = 12
_BATCH: Final = 1_000_000


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
    text: str = dataclasses.field(default="", repr=False)
    """What stands there; a value to accept or to reject."""


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
    many: Callable[[list[str]], list[list[Finding]]] = scan_many,
    step: Callable[[], object] = lambda: None,
) -> Proof:
    """Search redacted records. ``rejected(value, kind, rid, field, rule, why)`` tells whether the user left such a
    finding as it is. ``many`` scans texts; ``step`` is called before each record, what it raises ends the work.

    Every distinct string is searched and scanned once; then the places are told of those in which something was found.
    """
    held = [dict(value) for value in records]
    pieces = _pieces(plan)
    found: dict[str, list[_Found]] = {}
    batch: list[str] = []
    size = searched = 0
    within: list[list[str]] = []

    def scan() -> None:
        nonlocal batch, size
        for text, items in zip(batch, many([neutral(text, plan.owns) for text in batch])):
            found[text] += _scanned(text, items, plan)
        batch, size = [], 0

    for value in held:
        step()
        strings = texts(value, harness)
        within.append(strings)
        searched += len(strings)
        for text in strings:
            if text not in found:
                found[text] = _search(text, plan, pieces)
                batch.append(text)
                size += len(text)
        if size > _BATCH:
            scan()
    scan()
    leaks: list[Leak] = []
    exempt: list[Leak] = []
    for nth, value in enumerate(held):
        if not any(found[text] for text in within[nth]):
            continue
        rid = record_id(Record(Source(nth + 1, 0, 0), value))
        for unit in units(value, harness):
            for item in found[unit.text]:
                leak = Leak(
                    agent, nth, rid, unit.field, unit.in_key, item.start, item.end, item.kind, item.rule, item.tier,
                    item.why, item.key, unit.text[item.start : item.end],
                )  # fmt: skip
                if item.rule == "left":
                    # The places that the user rejected, and no other ones in the same text.
                    kept = plan.kept.get((agent, rid, unit.field, unit.in_key), ())
                    spared = any(a <= item.start and item.end <= b for a, b in kept)
                else:
                    spared = rejected(leak.text, item.kind, rid, unit.field, item.rule, item.why)
                (exempt if spared else leaks).append(leak)
    return Proof(tuple(leaks), tuple(exempt), searched)


def neutral(text: str, owns: Callable[[str, int], bool]) -> str:
    """A text whose placeholders say nothing: what a value was called is no context for what stands near it."""
    if "‹" not in text:
        return text
    return PLACEHOLDER.sub(
        lambda m: f"‹{'·' * (len(m[0]) - 2)}›" if owns(m[1], int(m[2])) else m[0],
        text,
    )


class _Found(NamedTuple):
    start: int
    end: int
    kind: str
    rule: str
    tier: int
    why: str
    key: str = ""


def _search(text: str, plan: Plan, pieces: Any) -> list[_Found]:
    """Accepted values that are left in a text, each where it stands longest."""
    if len(text) < 2:
        return []
    matcher = plan.matcher
    held = plan.done.get(text)
    spans: list[tuple[int, int, int, str]] = []
    if held is None or held[1]:
        # A text that came out as it went in, and in which nothing was found then, was searched by the same means.
        count = len(plan.values)
        spans = [(h.start, h.end, h.value, h.form) for h in matcher.hits(text) if h.value < count]
    if pieces is not None:
        spans += [(last + 1 - size, last + 1, number, "part") for last, (size, number) in pieces.iter(text)]
    if not spans:
        return []
    own = _own(text, plan)
    out: list[_Found] = []
    ends: dict[int, int] = {}
    for start, end, number, form in sorted(spans, key=lambda span: (span[0], -span[1])):
        if end <= ends.get(number, 0) or any(a < end and start < b for a, b in own):
            continue
        ends[number] = end
        _, kind, key = plan.values[number]
        out.append(_Found(start, end, kind, "left", 1, f"an accepted value, {form}", key))
    return out


def _scanned(text: str, items: Iterable[Finding], plan: Plan) -> list[_Found]:
    """What detectors propose in a text, but for placeholders."""
    own = _own(text, plan)
    return [
        _Found(item.start, item.end, item.kind, item.rule, item.tier, item.why)
        for item in items
        if item.tier <= 2
        and text[item.start : item.end] not in PIXEL
        and not any(a < item.end and item.start < b for a, b in own)
    ]


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
