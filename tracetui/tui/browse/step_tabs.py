"""The keys of the step pane: tabs and views, the step before and after, and finding in its text."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from tracetui.text import format as fmt
from tracetui.tui.browse.step_header import TabBar
from tracetui.tui.kit.actor import Controller
from tracetui.tui.kit.query_line import QueryLine
from tracetui.tui.kit.step_document import VIEWS, json_value, raw_values
from tracetui.tui.kit.tabs import TABS

if TYPE_CHECKING:
    from tracetui.tui.browse.step import StepPane

__all__ = ["FindInStepController", "TabController"]


class TabController(Controller["StepPane"]):
    """Which tab is shown, and how."""

    CONTEXTS: ClassVar[tuple[str, ...]] = ("step",)

    def why_view(self) -> str | None:
        nothing = self.owner.why_nothing()
        return nothing or (None if self.owner.tab.id == "step" else "Only the tab Step has views.")

    def do_view(self) -> None:
        self.owner.view = VIEWS[(VIEWS.index(self.owner.view) + 1) % len(VIEWS)]
        self.owner.show_tab()

    def why_fold(self) -> str | None:
        if self.owner.tab.id == "step" and self.owner.view == VIEWS[0]:
            return "Only JSON and records fold; v shows them."
        return self.why_view()

    def do_fold(self) -> None:
        from tracetui.tui.browse.json_tree import JsonScreen

        loaded, view = self.owner.loaded, self.owner.view
        assert loaded is not None
        value = json_value(loaded) if view == "JSON" else raw_values(loaded)
        self.app.push_screen(JsonScreen(f"Step {loaded.step.number} {view}", value))

    def why_side(self) -> str | None:
        nothing = self.owner.why_nothing()
        return nothing or (None if self.owner.tab.fitted else "Only the tab Diff can stand side by side.")

    def do_side(self) -> None:
        self.owner.side = not self.owner.made_for[1]
        self.owner.show_tab()

    def do_next_tab(self) -> None:
        self._go(self.owner.tab_at + 1)

    def do_previous_tab(self) -> None:
        self._go(self.owner.tab_at - 1)

    def _go(self, at: int) -> None:
        self.owner.tab_at = at % len(TABS)
        self.owner.show_tab()

    def on_tab_bar_picked(self, message: TabBar.Picked) -> None:
        message.stop()
        self._go(message.at)
        self.owner.text.focus()

    def do_next(self) -> None:
        self.owner.post_message(self.owner.Walked(1))

    def do_previous(self) -> None:
        self.owner.post_message(self.owner.Walked(-1))


class FindInStepController(Controller["StepPane"]):
    """The line to type into; what is typed is marked at once."""

    CONTEXTS: ClassVar[tuple[str, ...]] = ("step",)

    def __init__(self, owner: StepPane) -> None:
        super().__init__(owner)
        self._line: QueryLine | None = None
        self._last = ""

    def why_find(self) -> str | None:
        return self.owner.why_nothing()

    async def do_find(self) -> None:
        if self._line is None:
            self._line = QueryLine(self._last, placeholder="text in this step")
            await self.owner.mount(self._line, before=self.owner.text)
        self._line.focus_input()

    def on_query_line_changed(self, message: QueryLine.Changed) -> None:
        message.stop()
        self._search(message.text)

    def on_query_line_submitted(self, message: QueryLine.Submitted) -> None:
        message.stop()
        if not message.text:
            self.close()
        elif message.text != self.owner.text.finding.text:
            self._search(message.text)
        self.owner.text.focus()
        self.app.refresh_offers()

    def on_query_line_dropped(self, message: QueryLine.Dropped) -> None:
        message.stop()
        self.close()

    def _search(self, text: str) -> None:
        self._last = text
        found = self.owner.text.finding.search(text)
        if self._line is not None:
            role = "muted" if found or not text else "bad"
            self._line.say(fmt.plural(found, "match", "matches") if text else "", role)
        self.owner.say_where()

    def close(self) -> bool:
        """Out of the search; False when there was none."""
        if self._line is None:
            return False
        self._line.remove()
        self._line = None
        self.owner.text.finding.search("")
        self.owner.say_where()
        self.owner.text.focus()
        return True
