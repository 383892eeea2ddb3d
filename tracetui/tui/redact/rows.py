"""The rows of the findings list: values by tier, the weak ones folded, and how one is painted. No widgets here."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Final, NamedTuple

from textual.strip import Strip

from tracetui.redact.values import Group, Place
from tracetui.text import format as fmt
from tracetui.text.safe import one_line
from tracetui.tui.kit.paint import Span, cells, clip, clip_middle, paint
from tracetui.tui.kit.styles import Look
from tracetui.tui.redact.choices import Excluded, ReviewSnapshot
from tracetui.tui.redact.masking import bullets, shown_names

__all__ = ["TIERS", "FindingRow", "FindingRows", "state_sign", "value_in_short"]

TIERS: Final = {1: "exact", 2: "by context", 3: "weak"}
"""What the tiers are called."""
_WEAK: Final = 3


class FindingRow(NamedTuple):
    """``kind``: ``head`` (of a tier), ``fold`` (the folded weak ones), ``value``, ``unscanned``, ``excluded``,
    ``rules``."""

    kind: str
    name: str = ""
    group: Group | None = None
    gap: Place | None = None
    number: int = 0
    open: int = 0
    excluded: Excluded | None = None


def value_in_short(value: str, width: int, ellipsis: str) -> str:
    """A value in one line: its middle cut where it is too long; of several lines the first, and how many they are."""
    first, _, rest = value.strip("\r\n").partition("\n")
    if rest:
        lines = f"  {fmt.count(rest.count(chr(10)) + 2)} lines"
        return clip(one_line(first.strip("- \r"), 200), max(4, width - cells(lines)), ellipsis) + lines
    return clip_middle(one_line(value, 400), width, ellipsis)


def state_sign(group: Group, look: Look) -> Span:
    """The sign of a state in its colour."""
    if group.state == "accepted":
        return look.sign("tick"), look.style("accepted")
    if group.state == "rejected":
        return look.sign("dot"), look.style("rejected")
    if group.state == "partly":
        return look.sign("partly"), look.style("warn")
    return look.sign("finding"), look.style("proposed" if group.tier < _WEAK else "muted")


class FindingRows:
    """A `RowSource` over the groups of a review, in their order."""

    uniform = False

    def __init__(self, snapshot: ReviewSnapshot, *, weak: bool = False, hidden: bool = False) -> None:
        self.hidden = hidden
        self.weak = weak
        self.snapshot = snapshot
        self.rows: list[FindingRow] = []
        groups, unscanned = snapshot.groups, snapshot.unscanned
        for nth, gap in enumerate(unscanned):
            if not nth:
                self.rows.append(FindingRow("head", "not scanned", number=len(unscanned), open=len(unscanned)))
            self.rows.append(FindingRow("unscanned", gap=gap))
        hand = [group for group in groups if group.by_hand]
        self._section("by hand", hand)
        for tier, name in TIERS.items():
            own = [group for group in groups if group.tier == tier and not group.by_hand]
            if tier < _WEAK:
                self._section(name, own)
            elif own:
                still = sum(group.state == "open" for group in own)
                self.rows.append(FindingRow("fold", name, number=len(own), open=still))
                if weak:
                    self.rows += [FindingRow("value", group=group) for group in own]
        if snapshot.excluded:
            self.rows.append(FindingRow("head", "left out", number=len(snapshot.excluded)))
            self.rows += [FindingRow("excluded", excluded=one) for one in snapshot.excluded]
        if snapshot.rules:
            self.rows.append(FindingRow("rules", "rules that stay", number=snapshot.rules))
        self._places: dict[Hashable, int] = {}
        for at in range(len(self.rows)):
            self._places.setdefault(self.identity(at), at)

    def _section(self, name: str, groups: Sequence[Group]) -> None:
        if groups:
            still = sum(group.state == "open" for group in groups)
            self.rows.append(FindingRow("head", name, number=len(groups), open=still))
            self.rows += [FindingRow("value", group=group) for group in groups]

    def __len__(self) -> int:
        return len(self.rows)

    def key(self, row: int) -> Hashable:
        return row

    def identity(self, row: int) -> Hashable:
        item = self.rows[row]
        what = item.group.value if item.group else item.gap.at if item.gap else item.excluded or item.name
        return item.kind, what

    def find(self, identity: Hashable) -> int:
        return self._places.get(identity, -1)

    def row_of(self, group: str) -> int:
        """The row of a value, -1 when it is folded away or gone."""
        return self._places.get(("value", group), -1)

    def row_of_gap(self, gap: Place) -> int:
        """The row of a text that was not scanned."""
        return self._places.get(("unscanned", gap.at), -1)

    def excluded_at(self, row: int) -> Excluded | None:
        """What is left out by a row."""
        return self.rows[row].excluded if 0 <= row < len(self.rows) else None

    def height(self, row: int) -> int:
        return 2 if self.rows[row].kind in ("value", "unscanned") else 1

    def selectable(self, row: int) -> bool:
        return self.rows[row].kind != "head"

    def paint(self, row: int, look: Look, width: int) -> Sequence[Strip]:
        item = self.rows[row]
        muted = look.style("muted")
        if item.kind in ("head", "fold"):
            said = f"{fmt.count(item.open)} of {fmt.count(item.number)} open" if item.open else fmt.count(item.number)
            left: list[Span] = []
            if item.kind == "fold":
                left = [(look.sign("unfolded" if self.weak else "folded") + " ", muted)]
            return [paint([*left, (item.name, look.style("muted", "b"))], width, right=[(said, muted)])]
        if item.kind == "rules":
            name = [(look.sign("folded") + " ", muted), (item.name, look.style("muted", "b"))]
            return [paint(name, width, right=[(fmt.count(item.number), muted)])]
        if item.excluded is not None:
            again = [("x", look.style("accent")), (" in again" if item.excluded.back else " out", muted)]
            said = clip(one_line(item.excluded.said, 80), width - 12, look.sign("ellipsis"))
            return [paint([(look.sign("lost") + " ", muted), (said, look.style())], width, right=again)]
        if item.gap is not None:
            where = f"step {item.gap.step}" if item.gap.step is not None else f"line {item.gap.at.line}"
            first = [(look.sign("finding") + " ", look.style("bad")), (where, look.style("", "b"))]
            return [paint(first, width), paint([("  " + one_line(item.gap.why, width), muted)], width)]
        assert item.group is not None
        return self._value(item.group, look, width)

    def _value(self, group: Group, look: Look, width: int) -> Sequence[Strip]:
        muted = look.style("muted")
        ellipsis = look.sign("ellipsis")
        sign, style = state_sign(group, look)
        name = look.style("", "b") if group.state == "open" else muted
        copies = f"{look.sign('times')}{fmt.count(len(group.places))}" if len(group.places) != 1 else ""
        named = shown_names(self.snapshot.groups, look, hidden=True) if self.hidden else one_line
        why = named(group.why)[:80]
        kind = one_line(group.kind, 40)
        top: list[Span] = [(sign + " ", style), (kind, name)]
        room = width - 2 - cells(kind) - len(copies) - 3
        if why and room >= 8:
            top.append(("  " + clip(why, room, ellipsis), muted))
        first = paint(top, width, right=[(copies, muted)] if copies else ())
        if group.state == "accepted" and group.placeholder:
            return [
                first,
                paint([("  ", muted), (one_line(group.placeholder, width - 3), look.style("accepted"))], width),
            ]
        value = bullets(look) if self.hidden else value_in_short(group.text, width - 3, ellipsis)
        text = look.style("" if group.state == "open" else "muted")
        return [first, paint([("  ", muted), (value, text)], width, mark=ellipsis)]
