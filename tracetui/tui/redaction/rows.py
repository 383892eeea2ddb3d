"""The rows of the findings list: values by tier, the weak ones folded, and how one is painted. No widgets here."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Final, NamedTuple

from textual.strip import Strip

from tracetui.text import format as fmt
from tracetui.text.safe import one_line
from tracetui.tui.look import Look
from tracetui.tui.redaction.model import Group, Unscanned
from tracetui.tui.rows import Span, cells, clip, clip_middle, paint

__all__ = ["TIERS", "FindingRows", "Row", "state_sign", "veiled"]

TIERS: Final = {1: "exact", 2: "by context", 3: "weak"}
"""What the tiers are called."""
_WEAK: Final = 3


class Row(NamedTuple):
    """``kind``: ``head`` (of a tier), ``fold`` (the folded weak ones), ``value``, ``unscanned``."""

    kind: str
    name: str = ""
    group: Group | None = None
    gap: Unscanned | None = None
    number: int = 0
    open: int = 0


def veiled(look: Look) -> str:
    """What stands for a secret that is hidden; says nothing about its length."""
    return ("*" if look.ascii else "•") * 8


def state_sign(group: Group, look: Look) -> Span:
    """The sign of a state in its colour."""
    if group.state == "accepted":
        return look.sign("tick"), look.style("accepted")
    if group.state == "rejected":
        return look.sign("dot"), look.style("rejected")
    return look.sign("finding"), look.style("proposed" if group.tier < _WEAK else "muted")


class FindingRows:
    """A `RowSource` over the groups of a review, in their order."""

    uniform = False

    def __init__(
        self,
        groups: Sequence[Group],
        unscanned: Sequence[Unscanned] = (),
        *,
        weak: bool = False,
        hidden: bool = False,
    ) -> None:
        self.hidden = hidden
        self.weak = weak
        self.rows: list[Row] = []
        for nth, gap in enumerate(unscanned):
            if not nth:
                self.rows.append(Row("head", "not scanned", number=len(unscanned), open=len(unscanned)))
            self.rows.append(Row("unscanned", gap=gap))
        hand = [group for group in groups if group.by_hand]
        self._section("by hand", hand)
        for tier, name in TIERS.items():
            own = [group for group in groups if group.tier == tier and not group.by_hand]
            if tier < _WEAK:
                self._section(name, own)
            elif own:
                still = sum(group.state == "open" for group in own)
                self.rows.append(Row("fold", name, number=len(own), open=still))
                if weak:
                    self.rows += [Row("value", group=group) for group in own]
        self._places: dict[Hashable, int] = {}
        for at in range(len(self.rows)):
            self._places.setdefault(self.identity(at), at)

    def _section(self, name: str, groups: Sequence[Group]) -> None:
        if groups:
            still = sum(group.state == "open" for group in groups)
            self.rows.append(Row("head", name, number=len(groups), open=still))
            self.rows += [Row("value", group=group) for group in groups]

    def __len__(self) -> int:
        return len(self.rows)

    def key(self, row: int) -> Hashable:
        return row

    def identity(self, row: int) -> Hashable:
        item = self.rows[row]
        return (item.kind, item.group.id if item.group else item.gap.at if item.gap else item.name)

    def find(self, identity: Hashable) -> int:
        return self._places.get(identity, -1)

    def row_of(self, group: str) -> int:
        """The row of a value, -1 when it is folded away or gone."""
        return self._places.get(("value", group), -1)

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
        copies = f"{look.sign('times')}{fmt.count(len(group.copies))}" if len(group.copies) != 1 else ""
        why = one_line(group.why, 80)
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
        value = veiled(look) if self.hidden else clip_middle(one_line(group.value, 400), width - 3, ellipsis)
        text = look.style("" if group.state == "open" else "muted")
        return [first, paint([("  ", muted), (value, text)], width, mark=ellipsis)]
