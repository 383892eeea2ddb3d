"""A page of the editor: the text units of some steps as one text to move in, and the way back from every character.

What stands on a page is either of a unit, code point for code point (`display_safe` keeps their number), or an accepted
span shown as its placeholder, which is taken whole or not at all, or a heading of ours. So a span marked on the page is
a span of exactly one unit, and what is marked is what is removed.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from tracetui.redact.values import Field, Mark, State
from tracetui.text.safe import display_safe, one_line
from tracetui.tui.kit.layout import Splice

__all__ = ["EditorPage", "Head", "PageStep", "PageUnit", "Run", "Span", "compose", "edits_between"]

_PIECE: Final = 64 * 1024
_INLINE: Final = 100


@dataclass(slots=True)
class PageUnit:
    """A text unit on a page. ``main`` units are what the step is about; the others (paths, ids, second copies) are
    shown where something is marked in them, or when all fields are asked for."""

    at: Field
    text: str
    label: str
    step: int | None = None
    main: bool = True
    safe: str = field(default="", repr=False)

    def shown(self) -> str:
        """The text made safe to show, as long as ``text``; worked out once, in pieces so that others can breathe."""
        if not self.safe and self.text:
            text = self.text.replace("\r\n", " \n") if "\r" in self.text else self.text
            self.safe = "".join(
                display_safe(text[at : at + _PIECE], keep_newlines=True, keep_tabs=True)
                for at in range(0, len(text), _PIECE)
            )
        return self.safe


@dataclass(slots=True)
class PageStep:
    """A step (or a record that belongs to none) with its units; ``title`` names it in one line."""

    step: int | None
    agent: str | None
    title: str
    units: Sequence[PageUnit]
    kind: str = ""
    note: str = ""
    """What stands in the place of units that are not shown (a large neighbour)."""
    part: int = 1


class Run(NamedTuple):
    """``[start, end)`` of the page is ``[low, high)`` of a unit; an ``atom`` is a placeholder that stands for it."""

    start: int
    end: int
    unit: int
    low: int
    high: int
    atom: bool


class Span(NamedTuple):
    """A mark as it lies on the page."""

    start: int
    end: int
    state: State
    group: str
    unit: int


class Head(NamedTuple):
    """A stretch of ours: ``step`` headings, ``label``s of units, ``note``s."""

    start: int
    end: int
    what: str


@dataclass(slots=True)
class EditorPage:
    """``shown`` is what stands on the screen, line ends and tabs included; everything else refers to it by offset."""

    steps: Sequence[PageStep] = ()
    units: Sequence[PageUnit] = ()
    shown: str = ""
    runs: Sequence[Run] = ()
    spans: Sequence[Span] = ()
    heads: Sequence[Head] = ()
    marked: Mapping[int, Sequence[Mark]] = field(default_factory=dict)
    hidden: bool = False
    _places: dict[Field, int] = field(default_factory=dict)

    def unit_of(self, at: Field) -> int:
        """The index of a unit that is on the page, -1 when it is not."""
        if not self._places:
            self._places = {unit.at: index for index, unit in enumerate(self.units)}
        return self._places.get(at, -1)

    def run_at(self, offset: int) -> Run | None:
        """The run that holds the character at ``offset``; None on a heading."""
        at = bisect_right(self.runs, offset, key=lambda run: run.start) - 1
        return self.runs[at] if at >= 0 and offset < self.runs[at].end else None

    def place_of(self, unit: int, offset: int) -> int:
        """Where the character at ``offset`` of a unit stands on the page: the start of its placeholder where it is
        hidden by one, the end of the unit's last run for its end. -1 when the unit has no text here."""
        low, high = 0, len(self.runs)
        while low < high:
            middle = (low + high) // 2
            run = self.runs[middle]
            if (run.unit, run.low) <= (unit, offset):
                low = middle + 1
            else:
                high = middle
        if not low or self.runs[low - 1].unit != unit:
            return -1
        run = self.runs[low - 1]
        if run.atom:
            return run.start if offset < run.high else run.end
        return run.start + min(offset - run.low, run.end - run.start)

    def source_range(self, start: int, end: int, anchor: int | None = None) -> tuple[Field, int, int] | None:
        """The span of one unit that ``[start, end)`` of the page covers: placeholders it touches are taken whole, what
        lies outside the unit at ``anchor`` (default ``start``) is left out. None where it covers no text of a unit."""
        home = self.run_at(start if anchor is None else anchor)
        if home is None or end <= start:
            return None
        low = high = -1
        at = max(0, bisect_right(self.runs, start, key=lambda run: run.start) - 1)
        while at < len(self.runs) and self.runs[at].start < end:
            run = self.runs[at]
            at += 1
            if run.unit != home.unit or run.end <= start:
                continue
            first = run.low if run.atom else run.low + max(0, start - run.start)
            after = run.high if run.atom else run.low + min(end, run.end) - run.start
            low = first if low < 0 else low
            high = after
        return (self.units[home.unit].at, low, high) if high > low >= 0 else None

    def span_at(self, offset: int) -> Span | None:
        """The mark that holds the character."""
        at = bisect_right(self.spans, offset, key=lambda span: span.start) - 1
        return self.spans[at] if at >= 0 and offset < self.spans[at].end else None

    def spans_between(self, start: int, end: int) -> Sequence[Span]:
        """The marks that touch ``[start, end)``."""
        at = max(0, bisect_right(self.spans, start, key=lambda span: span.start) - 1)
        last = bisect_right(self.spans, end - 1, key=lambda span: span.start)
        return [span for span in self.spans[at:last] if span.end > start]

    def head_of(self, offset: int) -> int:
        """Where the heading of the step stands that a character belongs to, -1 when it belongs to none."""
        return next((h.start for h in reversed(self.heads) if h.what == "step" and h.start <= offset), -1)

    def step_at(self, offset: int) -> PageStep | None:
        """The step that the character belongs to."""
        at = bisect_right(self.heads, offset, key=lambda head: head.start) - 1
        index = -1 + sum(1 for head in self.heads[: at + 1] if head.what == "step")
        return self.steps[index] if 0 <= index < len(self.steps) else None


class _PageMaker:
    def __init__(self, *, hidden: bool, cover: str) -> None:
        self.parts: list[str] = []
        self.at = 0
        self.runs: list[Run] = []
        self.spans: list[Span] = []
        self.heads: list[Head] = []
        self.hidden, self.cover = hidden, cover

    def head(self, text: str, what: str) -> None:
        self.heads.append(Head(self.at, self.at + len(text), what))
        self.put(text)

    def put(self, text: str) -> None:
        self.parts.append(text)
        self.at += len(text)

    def run(self, unit: int, low: int, high: int, text: str, *, atom: bool = False) -> None:
        if text:
            self.runs.append(Run(self.at, self.at + len(text), unit, low, high, atom))
            self.put(text)

    def unit(self, index: int, unit: PageUnit, marks: Sequence[Mark]) -> None:
        """The text of a unit with its accepted spans in the form that the reader will see."""
        safe, at = unit.shown(), 0
        for mark in marks:
            if mark.start < at or mark.end > len(safe) or mark.end <= mark.start:
                continue  # a mark of another text: nothing is better than the wrong place
            self.run(index, at, mark.start, safe[at : mark.start])
            start = self.at
            if mark.state == "accepted":
                # An accepted span that becomes nothing still has a place to stand at.
                shown = display_safe(mark.text.replace("\r\n", " \n"), keep_newlines=True, keep_tabs=True)
                self.run(index, mark.start, mark.end, shown or "‹›", atom=True)
            else:
                piece = safe[mark.start : mark.end]
                self.run(index, mark.start, mark.end, _covered(piece, self.cover) if self.hidden else piece)
            self.spans.append(Span(start, self.at, mark.state, mark.value, index))
            at = mark.end
        self.run(index, at, len(safe), safe[at:])


def _covered(text: str, cover: str) -> str:
    return "".join(char if char in "\n\t" else cover for char in text)


def _shown(
    units: Sequence[PageUnit],
    marks: Mapping[Field, Sequence[Mark]],
    wanted: frozenset[Field],
    repeated: dict[str, object],
    *,
    everything: bool,
) -> list[tuple[PageUnit, int]]:
    """The units of a step that are shown, and how often each stands in it. ``repeated`` holds what stood last under a
    label: what only repeats (the folder, the branch) is shown where it changes."""
    alike = {unit.at: (unit.text, *(mark[:3] for mark in marks.get(unit.at, ()))) for unit in units}
    if everything:
        return [(unit, 1) for unit in units]
    times = Counter(alike.values())
    seen: set[object] = set()
    out: list[tuple[PageUnit, int]] = []
    for unit in units:
        copy = alike[unit.at]
        if unit.at not in wanted:
            if copy in seen or not unit.text.strip() or not (unit.main or len(copy) > 1):
                continue
            if not unit.main:
                before, repeated[unit.label] = repeated.get(unit.label), copy
                if before == copy:
                    continue
        seen.add(copy)
        out.append((unit, times[copy]))
    return out


def compose(
    steps: Sequence[PageStep],
    marks: Mapping[Field, Sequence[Mark]],
    *,
    everything: bool = False,
    want: Sequence[Field] = (),
    hidden: bool = False,
    ascii_only: bool = False,
    named: Callable[[str], str] = one_line,
) -> EditorPage:
    """Lay the units of some steps out as one text. ``marks`` are those of each unit, in order; units in ``want`` are
    shown whatever they are. Units that only repeat, and copies within a step, are folded unless ``everything`` is
    shown: they are redacted all the same. With ``hidden`` open and rejected spans are veiled, character by character.
    ``named`` says how the name of a field, which can hold a secret as well, is shown."""
    maker = _PageMaker(hidden=hidden, cover="*" if ascii_only else "•")
    units: list[PageUnit] = []
    marked: dict[int, Sequence[Mark]] = {}
    wanted = frozenset(want)
    repeated: dict[str, object] = {}
    for step in steps:
        if maker.at:
            maker.put("\n")
        maker.head(one_line(step.title, 200), "step")
        maker.put("\n")
        shown = _shown(step.units, marks, wanted, repeated, everything=everything)
        for unit, copies in shown:
            own = marks.get(unit.at, ())
            index = len(units)
            units.append(unit)
            if own:
                marked[index] = own
            inline = len(unit.text) <= _INLINE and "\n" not in unit.text
            if unit.label:
                count = f" {'x' if ascii_only else '×'}{copies}" if copies > 1 else ""
                maker.head(one_line(named(unit.label), 120) + count, "label")
                maker.put("  " if inline else "\n")
            maker.unit(index, unit, own)
            if not unit.text.endswith("\n") or inline:
                maker.put("\n")
        if step.note:
            maker.head(one_line(step.note, 200), "note")
            maker.put("\n")
    return EditorPage(steps, units, "".join(maker.parts), maker.runs, maker.spans, maker.heads, marked, hidden)


def _altered(page: EditorPage, unit: int) -> set[tuple[int, int, str]]:
    """The spans of a unit that do not stand on the page as they are in the text, and what stands there."""
    return {
        (mark.start, mark.end, mark.text if mark.state == "accepted" else "")
        for mark in page.marked.get(unit, ())
        if mark.state == "accepted" or page.hidden
    }


def edits_between(old: EditorPage, new: EditorPage) -> list[Splice] | None:
    """Where two pages of the same units differ by what is accepted, in order; None when they differ by more than that
    (then everything is laid out again)."""
    if old.hidden != new.hidden or len(old.units) != len(new.units):
        return None
    if any(a is not b for a, b in zip(old.units, new.units, strict=True)) or len(old.heads) != len(new.heads):
        return None
    edits: list[Splice] = []
    for unit in range(len(old.units)):
        before, after = (_altered(page, unit) for page in (old, new))
        changed = sorted(before ^ after)
        if not changed:
            continue
        joined: list[list[int]] = []
        for low, high, _ in changed:
            if joined and low < joined[-1][1]:
                joined[-1][1] = max(joined[-1][1], high)
            else:
                joined.append([low, high])
        for low, high in joined:
            edits.append(Splice(*(page.place_of(unit, at) for page in (old, new) for at in (low, high))))
    return edits
