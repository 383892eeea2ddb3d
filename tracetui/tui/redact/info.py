"""Two lines above the text: what the value under decision is, and what the keys would do or did."""

from __future__ import annotations

from collections.abc import Sequence

from textual.strip import Strip
from textual.widget import Widget

from tracetui.redact.values import Group, Place
from tracetui.text import format as fmt
from tracetui.text.safe import one_line
from tracetui.tui.kit.paint import Span, paint
from tracetui.tui.kit.styles import Look
from tracetui.tui.redact.rows import TIERS, state_sign

__all__ = ["FindingLine"]


class FindingLine(Widget):
    """Shows a group, or what ``say`` was told while there is none."""

    DEFAULT_CSS = "FindingLine { height: 3; padding: 0 0 0 1; }"

    def __init__(self) -> None:
        super().__init__()
        self.ready = False
        """Whether there is something to decide about yet."""
        self._group: Group | None = None
        self._copy = 0
        self._all_done: tuple[str, Sequence[tuple[str, str]]] | None = None
        self._note = ""
        self._selected: tuple[int, str, str] | None = None
        self._gap: Place | None = None

    def show(self, group: Group | None, copy: int = 0, note: str = "") -> None:
        """``copy`` counts from 0; ``note`` stands in place of the second line (how many places were reached)."""
        if (group, copy, note) != (self._group, self._copy, self._note):
            self._group, self._copy, self._note = group, copy, note
            self.refresh()

    def done(self, said: tuple[str, Sequence[tuple[str, str]]] | None) -> None:
        """A line that is said instead while nothing is open, and the keys that lead on."""
        if said != self._all_done:
            self._all_done = said
            self.refresh()

    def show_gap(self, gap: Place | None) -> None:
        """A text that was not scanned is under decision; it stands in the place of a group."""
        if gap != self._gap:
            self._gap = gap
            self.refresh()

    def selecting(self, selected: tuple[int, str, str] | None) -> None:
        """How many characters of which field are selected, and why the proof named them if it did: what can be done
        with them is said instead."""
        if selected != self._selected:
            self._selected = selected
            self.refresh()

    @property
    def text(self) -> str:
        """What stands here, for tests."""
        look = Look.of_widget(self)
        return "\n".join("".join(text for text, _ in line) for line in self._lines(look))

    def _lines(self, look: Look) -> list[list[Span]]:
        muted = look.style("muted")
        lines: list[list[Span]] = []
        if self._selected is not None:
            count, label, leak = self._selected
            said = f"{fmt.plural(count, 'character')} selected" if count else "no text of the session is selected"
            if leak:
                ways = (("enter", "replace everywhere"), ("r", "leave it"), ("> <", "its end"))
                named = [
                    ("left in the result", look.style("", "b")),
                    (f" {look.sign('dot')} {one_line(leak, 120)}", muted),
                ]
                return [[(look.sign("finding") + " ", look.style("bad")), *named], self._keys(look, ways)]
            keys = (("enter", "mark"), ("> <", "its end"), ("{ }", "its start"), ("esc", "drop"))
            return [
                [("  " + said, look.style("", "b")), (f" in {one_line(label, 60)}" if count else "", muted)],
                self._keys(look, keys),
            ]
        if self._gap is not None and self._group is None:
            ways = (("2", "read it, mark by hand"), ("r", "let it pass"), ("x", "leave it out"))
            return [
                [
                    (look.sign("finding") + " ", look.style("bad")), ("not scanned", look.style("", "b")),
                    (f" {look.sign('dot')} {one_line(self._gap.why, 120)}", muted),
                ],
                self._keys(look, ways),
            ]  # fmt: skip
        if self._all_done is not None:
            first, onward = self._all_done
            lines.append([(look.sign("tick") + " ", look.style("good")), (first, look.style("good", "b"))])
            lines.append(self._keys(look, onward))
        group = self._group
        if len(lines) > 1:
            return lines
        if group is None:
            if not self.ready:
                return lines
            return [
                [("  no value is chosen", muted)],
                self._keys(look, (("v", "select text"), ("]", "next open value"))),
            ]
        sign, style = state_sign(group, look)
        dot = f" {look.sign('dot')} "
        tier = "by hand" if group.by_hand else f"tier {group.tier}, {TIERS.get(group.tier, '')}"
        view = group.places[self._copy].view if self._copy < len(group.places) else "plain"
        facts = [tier, one_line(group.why, 120), *([f"seen in its {view} form"] if view != "plain" else [])]
        lines.append([
            (sign + " ", style), (one_line(group.kind, 40), look.style("", "b")),
            (dot + dot.join(fact for fact in facts if fact), muted),
        ])  # fmt: skip
        places = fmt.plural(len(group.places), "place")
        if self._note:
            lines.append([("  " + self._note, muted)])
        elif group.state == "accepted":
            lines.append([
                ("  accepted: ", muted), (one_line(group.placeholder, 60), look.style("accepted")),
                (f" stands for it in {places}; i lists them", muted),
            ])  # fmt: skip
        elif group.state == "rejected":
            lines.append([("  rejected: it stays as it is", muted)])
        else:
            again = f"next of {fmt.count(len(group.places))}"
            keys = (("a", "replace everywhere"), ("r", "leave it"), *((("c", again),) if len(group.places) > 1 else ()))
            lines.append(self._keys(look, keys))
        return lines

    @staticmethod
    def _keys(look: Look, keys: Sequence[tuple[str, str]]) -> list[Span]:
        """Keys and what they do, in the colours of the footer."""
        spans: list[Span] = []
        for key, does in keys:
            spans += [("  " if not spans else "   ", look.style()), (key, look.style("accent"))]
            spans.append((" " + does, look.style("muted")))
        return spans

    def render_line(self, y: int) -> Strip:
        look = Look.of_widget(self)
        width = self.size.width
        lines = self._lines(look)
        if y >= len(lines):
            return Strip.blank(width, self.rich_style)
        return paint(lines[y], width, mark=look.sign("ellipsis")).apply_style(self.rich_style)
