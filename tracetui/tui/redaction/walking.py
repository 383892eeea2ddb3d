"""From value to value, from place to place, from step to step: what is under decision, and where it stands. A mixin of
the editor's screen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tracetui.text import format as fmt
from tracetui.tui.redaction.layout import Rows
from tracetui.tui.redaction.model import Copy, Group, Reach
from tracetui.tui.redaction.page import Span
from tracetui.tui.redaction.parts import LOADING, Parts, Result
from tracetui.tui.redaction.rows import FindingRows
from tracetui.tui.redaction.veil import shown_names
from tracetui.tui.widgets.line_list import LineList
from tracetui.tui.widgets.span_editor import SpanEditor

__all__ = ["Walking"]

_READING = "Reading the step."


class Walking(Parts):
    """Mixin of the editor's screen."""

    if TYPE_CHECKING:

        def do_fold(self) -> None: ...

        def do_rules(self) -> None: ...

        def do_exclude(self) -> None: ...

    # -- the list -----------------------------------------------------------------------------------------------------

    def _moved(self) -> None:
        """The cursor of the list moved: show the value's first place, at once when its text is on the page."""
        source = self.rows.source
        if self._listing or not isinstance(source, FindingRows) or not 0 <= self.rows.cursor < len(source):
            return
        row = source.rows[self.rows.cursor]
        group = row.group
        self._apart = False
        if group is None:
            if row.gap is not None and row.gap != self.gap:
                self.group, self.gap = None, row.gap
                self._say_where()
                gap = row.gap
                self._go_to_copy(Copy("", gap.at, 0, 0, gap.step, "open"))
                self.app.refresh_offers()
            return
        self.gap = None
        if self.group is None or group.id != self.group.id:
            self.group, self.copy = group, 0
            self._show_copy()

    def on_line_list_moved(self, message: LineList.Moved) -> None:
        message.stop()

    def on_line_list_opened(self, message: LineList.Opened) -> None:
        message.stop()
        source = self.rows.source
        if not isinstance(source, FindingRows):
            return
        row = source.rows[message.row]
        if row.kind == "fold":
            self.do_fold()
        elif row.kind == "rules":
            self.do_rules()
        elif row.excluded is not None:
            if row.excluded.step is not None:
                self._go_to_step(row.excluded.step, row.excluded.agent)
            else:
                self.do_exclude()
        else:
            self.editor.focus(scroll_visible=False)
            self._mark_focus()

    # -- the value under decision -------------------------------------------------------------------------------------

    def _choose(self, group: Group, copy: int = 0, *, stay: bool = False) -> None:
        source = self.rows.source
        if isinstance(source, FindingRows) and source.row_of(group.id) < 0 and group.tier > 2:
            self._weak = True
            self.group, self.copy = group, copy
            self._list()
            source = self.rows.source
        self.gap = None
        self._apart = False
        self.group = group
        self.copy = copy
        row = source.row_of(group.id) if isinstance(source, FindingRows) else -1
        if row >= 0:
            self.rows.cursor = row
        if stay:
            self._mark_focus(move=False)
            self._say_where()
        else:
            self._show_copy()

    def _show_copy(self) -> None:
        """Bring the copy under decision into the middle third, and load its step if need be."""
        self._say_where()
        if not self._mark_focus():
            self._rest.moved()
        self.app.refresh_offers()

    def _mark_focus(self, *, move: bool = True) -> bool:
        group = self.group
        if group is None or not group.copies:
            self.editor.decide_on(None)
            return True
        copy = group.copies[min(self.copy, len(group.copies) - 1)]
        page = self.editor.page
        unit = page.unit_of(copy.at)
        place = page.place_of(unit, copy.start) if unit >= 0 else -1
        if place < 0:
            self.editor.decide_on(None)
            return False
        span = page.span_at(place)
        if span is None:
            end = max(place + 1, page.place_of(unit, copy.end))
            span = Span(place, end, copy.state, group.id, unit)
        self.editor.decide_on(span, move=move)
        return True

    def _load_copy(self) -> None:
        group = self.group
        if group is None or not group.copies:
            return
        copy = group.copies[min(self.copy, len(group.copies) - 1)]
        if self.editor.page.unit_of(copy.at) >= 0:
            self._mark_focus()
            return

        def finish(result: Result) -> None:
            if self.group is not None and result.wanted in self.group.copies:
                self._took(result)
                self._mark_focus()

        self._do(lambda room: self._job(room, None, copy=copy), finish, said=_READING)

    def _go_to_copy(self, copy: Copy) -> bool:
        """Show a place, whether it is one of a value or not; False where there is nothing to show."""
        for group in self.snapshot.groups:
            nth = next((nth for nth, one in enumerate(group.copies) if one.id and one.id == copy.id), None)
            if nth is not None:
                self._choose(group, nth)
                return True
        gap = next((one for one in self.snapshot.unscanned if one.at == copy.at), None)
        if gap is not None and self.gap != gap:
            self.gap, self.group = gap, None
            source = self.rows.source
            row = source.row_of_gap(gap) if isinstance(source, FindingRows) else -1
            if row >= 0:
                self.rows.cursor = row
        if gap is None:
            self.group, self._apart = None, True

        def finish(result: Result) -> None:
            self._took(result)
            page = self.editor.page
            unit = page.unit_of(copy.at)
            place = page.place_of(unit, copy.start) if unit >= 0 else -1
            if place < 0:
                return
            self.editor.move_to(place)
            self.editor.to_middle(place)
            if copy.end > copy.start:
                self.editor.select(place, max(place, page.place_of(unit, copy.end) - 1))
                self.editor.focus(scroll_visible=False)
            self._say_where()

        self._do(lambda room: self._job(room, None, copy=copy), finish, said=_READING)
        return True

    # -- the text -----------------------------------------------------------------------------------------------------

    def on_span_editor_moved(self, message: SpanEditor.Moved) -> None:
        """The cursor of the text came onto another value: it is the one under decision now."""
        message.stop()
        self._say_selected()
        if self.editor.pin is not None:
            return
        span = self.editor.page.span_at(message.offset)
        if span is None:
            return
        at = self.editor.page.units[span.unit].at
        run = self.editor.page.run_at(span.start)
        group = next((one for one in self.snapshot.groups if one.id == span.group), None)
        if group is None or run is None:
            return
        copy = next(
            (nth for nth, one in enumerate(group.copies) if one.at == at and run.low <= one.start < run.high), None
        )
        if self.group is not None and group.id == self.group.id and copy in (None, self.copy):
            return
        self.group, self.copy, self.gap, self._apart = group, copy or 0, None, False
        source = self.rows.source
        if isinstance(source, FindingRows) and (row := source.row_of(group.id)) >= 0:
            self.rows.cursor = row
        self.editor.decide_on(span, move=False)
        self._say_where()
        self.app.refresh_offers()

    def on_span_editor_narrow(self, message: SpanEditor.Narrow) -> None:
        message.stop()
        page, width = self.editor.page, self.editor.text_width

        def finish(rows: Rows) -> None:
            if page is self.editor.page:
                self.editor.laid_out_again(rows)

        self.desk.do(lambda room: Rows(page.shown, width).finish(room.busy), finish)

    # -- copies and places --------------------------------------------------------------------------------------------

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
        self.editor.drop_selection()
        self.copy = (self.copy + by) % len(self.group.copies)
        self._show_copy()

    def why_places(self) -> str | None:
        return self._no_group()

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
        named = shown_names(self.snapshot.groups, self.editor.look, hidden=self.veiled)
        rows = []
        for reach in found:
            where = f"step {reach.step}" if reach.step is not None else "no step"
            where += f" of subagent {reach.agent}" if reach.agent else ""
            times = f" {self.editor.look.sign('times')}{reach.times}" if reach.times > 1 else ""
            rows.append((where, f"{named(reach.where)}, {reach.form}{times}"))

        def chosen(index: int | None) -> None:
            if index is not None and index < len(found) and found[index].step is not None:
                self._go_to_step(found[index].step, found[index].agent)

        verb = "Replaced" if group.state == "accepted" else "It stands"
        self.app.push_screen(ChooseScreen(f"{verb} {said}", rows or [("nowhere", "")]), chosen)

    # -- steps --------------------------------------------------------------------------------------------------------

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

        def finish(result: Result) -> None:
            self._took(result)
            page = self.editor.page
            nth = next((at for at, one in enumerate(page.steps) if one.step == step), 0)
            heads = [head for head in page.heads if head.what == "step"]
            if nth < len(heads):
                self.editor.move_to(heads[nth].start)
                self.editor.to_middle(heads[nth].start)
            self._say_where()

        self._do(lambda room: self._job(room, None, step=(step, agent)), finish, said=_READING)

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
        self.group, self.gap, self._apart = None, None, True
        self._go_to_step(target, here.agent)
