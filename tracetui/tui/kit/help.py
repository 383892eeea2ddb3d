"""Every key, grouped, from the registry; what works where the user came from stands first."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import ClassVar, NamedTuple

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen
from textual.strip import Strip

from tracetui.tui.actions import ACTIONS, Action, bindings, keys_of
from tracetui.tui.kit.actor import Actor, Offer
from tracetui.tui.kit.footer import Footer
from tracetui.tui.kit.line_list import LineList
from tracetui.tui.kit.paint import Span, cells, paint
from tracetui.tui.kit.pane import PaneTitle
from tracetui.tui.kit.query_line import QueryLine
from tracetui.tui.kit.styles import Look

__all__ = ["HelpScreen"]

_KEYS = 20


class _HelpLine(NamedTuple):
    """A heading (``action`` is None) or a key."""

    text: str
    action: Action | None = None
    why: str | None = None
    here: bool = False


def lines_of(offers: Sequence[Offer], found: str, keymap: Mapping[str, str] | None = None) -> list[_HelpLine]:
    """The lines of the help: what works here by group, then everything else by group. ``found`` leaves only lines
    that hold all its words."""
    here = {offer.action.id: offer for offer in offers}
    words = found.casefold().split()
    lines: list[_HelpLine] = []
    for near in (True, False):
        groups: dict[str, list[_HelpLine]] = {}
        # What works here comes as the offers do, nearest to the focus first, but for plain moving.
        nearest = sorted((offer.action for offer in offers), key=lambda action: action.group == "Move")
        for action in nearest if near else (action for action in ACTIONS if action.id not in here):
            text = f"{action.label} {action.help} {' '.join(keys_of(action, keymap))} {action.group}".casefold()
            if all(word in text for word in words):
                why = here[action.id].reason if near else None
                groups.setdefault(action.group, []).append(_HelpLine(action.help, action, why, near))
        for group, found_lines in groups.items():
            lines.append(_HelpLine(group if near else f"{group}, elsewhere"))
            lines += found_lines
    return lines


class _HelpRows:
    uniform = False

    def __init__(self, lines: Sequence[_HelpLine], keymap: Mapping[str, str] | None) -> None:
        self.lines, self.keymap = lines, keymap

    def __len__(self) -> int:
        return len(self.lines)

    def key(self, row: int) -> Hashable:
        return row, self.lines[row]

    def height(self, row: int) -> int:
        return 2 if row and self.lines[row].action is None else 1

    def selectable(self, row: int) -> bool:
        return self.lines[row].action is not None

    def paint(self, row: int, look: Look, width: int) -> Sequence[Strip]:
        line = self.lines[row]
        if line.action is None:
            heading = paint([(line.text, look.style("accent", "b"))], width)
            return [paint([], width), heading] if row else [heading]
        keys = keys_of(line.action, self.keymap)
        spans: list[Span] = []
        used = 0
        for key in keys:
            gap = "  " if spans else ""
            if used + cells(gap + key) > _KEYS:
                break
            spans.append((gap + key, look.style("accent" if line.here and line.why is None else "muted")))
            used += cells(gap + key)
        spans.append((" " * (_KEYS + 2 - used), look.style()))
        spans.append((line.text, look.style("" if line.here and line.why is None else "muted")))
        if line.why is not None:
            spans.append((f" {look.sign('dot')} {line.why}", look.style("muted", "i")))
        return [paint(spans, width, mark=look.sign("ellipsis"))]


class HelpScreen(Screen[None], Actor):
    """``offers`` is what could be done on the screen before this one."""

    CONTEXTS: ClassVar[tuple[str, ...]] = ("help", "screen")
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("help", "screen")]
    AUTO_FOCUS = None

    def __init__(self, offers: Sequence[Offer]) -> None:
        super().__init__()
        self._offers = offers
        self.title_line = PaneTitle("", "Keys")
        self.query_line = QueryLine(placeholder="a word of what you want to do, or a key")
        self.rows = LineList(id="help-rows")
        self.rows.empty = ("No key is described by these words.",)

    def compose(self) -> ComposeResult:
        yield self.title_line
        yield self.query_line
        yield self.rows
        yield Footer()

    def on_mount(self) -> None:
        self._fill("")
        self.rows.focus()

    def _fill(self, found: str) -> None:
        keymap = self.app._keymap
        lines = lines_of(self._offers, found, keymap)
        self.rows.reload(_HelpRows(lines, keymap), row=0, keep=False)
        self.rows.scroll_to(y=0, animate=False, force=True)
        total = sum(line.action is not None for line in lines)
        self.title_line.show("what works here first", f"{total} of {len(ACTIONS)}")

    def on_query_line_changed(self, message: QueryLine.Changed) -> None:
        self._fill(message.text)

    def on_query_line_submitted(self, message: QueryLine.Submitted) -> None:
        self.rows.focus()

    def on_query_line_dropped(self, message: QueryLine.Dropped) -> None:
        self.rows.focus()

    def on_line_list_opened(self, message: LineList.Opened) -> None:
        """Enter on a line that works does it, back on the screen that it belongs to."""
        source = self.rows.source
        action = source.lines[message.row].action if isinstance(source, _HelpRows) else None
        offer = next((o for o in self._offers if action is not None and o.action.id == action.id), None)
        if offer is not None:
            self.app.pop_screen()
            self.app.call_later(offer.node.action_act, offer.action.id)

    def do_find(self) -> None:
        self.query_line.focus_input()

    def do_back(self) -> None:
        self.app.pop_screen()
