"""From copy to copy, from step to step, and the places that a value stands at. A mixin of the editor's screen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from textual.dom import DOMNode

from tracetui.text import format as fmt
from tracetui.tui.redaction.desk import Desk
from tracetui.tui.redaction.model import Group, Reach
from tracetui.tui.widgets.span_editor import SpanEditor

if TYPE_CHECKING:
    from tracetui.tui.app import TracetuiApp

__all__ = ["LOADING", "Walking"]

LOADING = "The session is still being looked through."


class Walking(DOMNode):
    """Mixin of the editor's screen."""

    app: TracetuiApp
    editor: SpanEditor
    desk: Desk
    group: Group | None
    copy: int
    steps: tuple[int, int] | None
    _ready: bool
    _reached: dict[str, str]

    if TYPE_CHECKING:

        def _no_group(self) -> str | None: ...

        def _show_copy(self) -> None: ...

        def _say_where(self) -> None: ...

        def _took(self, result: Any, *, cursor: int | None = None) -> None: ...

        def _job(self, *args: Any, **options: Any) -> Any: ...

    def why_next_copy(self) -> str | None:
        if self._no_group():
            return self._no_group()
        assert self.group is not None
        return None if len(self.group.copies) > 1 else "This value was found in one place only."

    why_previous_copy = why_next_copy

    def do_next_copy(self) -> None:
        self._other_copy(1)

    def do_previous_copy(self) -> None:
        self._other_copy(-1)

    def _other_copy(self, by: int) -> None:
        assert self.group is not None
        self.copy = (self.copy + by) % len(self.group.copies)
        self._show_copy()

    def do_places(self) -> None:
        """Look for the value in every form, and list where it stands."""
        assert self.group is not None
        group = self.group
        self.app.say("Looking for it in every form.", role="muted")

        def finish(found: Sequence[Reach] | None) -> None:
            if found is not None:
                self._list_places(group, found)

        self.desk.do(lambda room: room.review.reach(group.id, room.busy), finish)

    def _list_places(self, group: Group, found: Sequence[Reach]) -> None:
        from tracetui.tui.screens.choose import ChooseScreen

        total = sum(reach.times for reach in found)
        steps = {(reach.agent, reach.step) for reach in found}
        said = f"in {fmt.plural(total, 'place')} of {fmt.plural(len(steps), 'step')}"
        self._reached[group.id] = f"{'it stands' if group.state != 'accepted' else 'replaced'} {said}"
        self._say_where()
        rows = []
        for reach in found:
            where = f"step {reach.step}" if reach.step is not None else "no step"
            where += f" of subagent {reach.agent}" if reach.agent else ""
            times = f" {self.editor.look.sign('times')}{reach.times}" if reach.times > 1 else ""
            rows.append((where, f"{reach.where}, {reach.form}{times}"))

        def chosen(index: int | None) -> None:
            if index is not None and found[index].step is not None:
                self._go_to_step(found[index].step, found[index].agent)

        verb = "Replaced" if group.state == "accepted" else "It stands"
        self.app.push_screen(ChooseScreen(f"{verb} {said}", rows or [("nowhere", "")]), chosen)

    def _go_to_step(self, step: int | None, agent: str | None) -> None:
        """Show a step; the copy of the value under decision that is there, if one is, else its beginning."""
        assert step is not None
        group = self.group
        if group is not None:
            here = (nth for nth, one in enumerate(group.copies) if (one.step, one.at.agent) == (step, agent))
            copy = next(here, None)
            if copy is not None:
                self.copy = copy
                self._show_copy()
                return

        def finish(result: Any) -> None:
            self._took(result)
            page = self.editor.page
            nth = next((at for at, one in enumerate(page.steps) if one.step == step), 0)
            heads = [head for head in page.heads if head.what == "step"]
            if nth < len(heads):
                self.editor.move_to(heads[nth].start)
                self.editor.to_middle(heads[nth].start)
            self._say_where()

        self.desk.do(lambda room: self._job(room, None, step=(step, agent)), finish)

    def why_next_step(self) -> str | None:
        if not self._ready:
            return LOADING
        here = self.editor.page.step_at(self.editor.cursor)
        return None if here is not None and here.step is not None else "This text is part of no step."

    why_previous_step = why_next_step

    def do_next_step(self) -> None:
        self._by_step(1)

    def do_previous_step(self) -> None:
        self._by_step(-1)

    def _by_step(self, by: int) -> None:
        here = self.editor.page.step_at(self.editor.cursor)
        assert here is not None
        assert here.step is not None
        low, high = self.steps if self.steps is not None and here.agent is None else (1, 1 << 30)
        target = here.step + by
        if not low <= target <= high:
            self.app.say("That is beyond what is reviewed.")
            return
        self.group = None
        self._go_to_step(target, here.agent)
