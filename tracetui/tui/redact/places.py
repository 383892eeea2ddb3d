"""From place to place and from step to step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tracetui.redact.values import Group, Reach
from tracetui.text import format as fmt
from tracetui.tui.kit.layout import RowLayout
from tracetui.tui.kit.line_list import LineList
from tracetui.tui.redact.masking import shown_names
from tracetui.tui.redact.rows import FindingRows

if TYPE_CHECKING:
    from tracetui.tui.redact.view import EditorView

__all__ = ["PlaceController"]


class PlaceController:
    """A controller of the editor's screen."""

    def __init__(self, view: EditorView) -> None:
        self.view = view

    # -- the text -----------------------------------------------------------------------------------------------------

    def text_cursor_moved(self, offset: int) -> None:
        """The cursor of the text came onto another value: it is the one under decision now."""
        view, editor = self.view, self.view.screen.editor
        view.say_selected()
        if editor.pin is not None:
            return
        span = editor.page.span_at(offset)
        run = editor.page.run_at(span.start) if span is not None else None
        group = view.snapshot.group(span.group) if span is not None else None
        if span is None or group is None or run is None:
            return
        at = editor.page.units[span.unit].at
        nth = next(
            (nth for nth, one in enumerate(group.places) if one.at == at and run.low <= one.start < run.high), None
        )
        if view.group is not None and group.value == view.group.value and nth in (None, view.nth):
            return
        view.group, view.nth, view.gap, view.apart = group, nth or 0, None, False
        source = view.screen.rows.source
        if isinstance(source, FindingRows) and (row := source.row_of(group.value)) >= 0:
            view.screen.rows.cursor = row
        editor.decide_on(span, move=False)
        view.say_where()
        view.screen.app.refresh_offers()

    def text_width_changed(self) -> None:
        """A large page is laid out for another width by the worker."""
        editor = self.view.screen.editor
        page, width = editor.page, editor.text_width

        def finish(rows: RowLayout) -> None:
            if page is editor.page:
                editor.laid_out_again(rows)

        self.view.do(lambda opened: RowLayout(page.shown, width).finish(opened.busy), finish)

    # -- places of a value --------------------------------------------------------------------------------------------

    def why_next_copy(self) -> str | None:
        if self.view.no_group():
            return self.view.no_group()
        assert self.view.group is not None
        return None if len(self.view.group.places) > 1 else "This value was found in one place only."

    why_previous_copy = why_next_copy

    def do_next_copy(self) -> None:
        self._other(1)

    def do_previous_copy(self) -> None:
        self._other(-1)

    def _other(self, by: int) -> None:
        assert self.view.group is not None
        self.view.screen.editor.drop_selection()
        self.view.nth = (self.view.nth + by) % len(self.view.group.places)
        self.view.show_place()

    def why_places(self) -> str | None:
        return self.view.no_group()

    def do_places(self) -> None:
        """Look for the value in every form, and list where it stands."""
        group = self.view.group
        assert group is not None
        self.view.screen.app.say("Looking for it in every form.", role="muted")

        def finish(found: Sequence[Reach] | None) -> None:
            if found is not None:
                self._list(group, found)

        self.view.do(lambda opened: opened.review.reach(group.value, opened.busy), finish)

    def _list(self, group: Group, found: Sequence[Reach]) -> None:
        from tracetui.tui.kit.pick import PickScreen

        view = self.view
        look = view.screen.editor.look
        total = sum(reach.times for reach in found)
        steps = {(reach.agent, reach.step) for reach in found}
        said = f"in {fmt.plural(total, 'place')} of {fmt.plural(len(steps), 'step')}"
        view.reached[group.value] = f"{'it stands' if group.state != 'accepted' else 'replaced'} {said}"
        view.say_where()
        named = shown_names(view.snapshot.groups, look, hidden=view.hidden)
        rows = []
        for reach in found:
            where = f"step {reach.step}" if reach.step is not None else "no step"
            where += f" of subagent {reach.agent}" if reach.agent else ""
            times = f" {look.sign('times')}{reach.times}" if reach.times > 1 else ""
            rows.append((where, f"{named(reach.where)}, {reach.form}{times}"))

        def chosen(index: int | None) -> None:
            if index is not None and index < len(found) and (step := found[index].step) is not None:
                view.go_to_step(step, found[index].agent, found[index].part)

        verb = "Replaced" if group.state == "accepted" else "It stands"
        view.screen.app.push_screen(PickScreen(f"{verb} {said}", rows or [("nowhere", "")]), chosen)

    # -- steps --------------------------------------------------------------------------------------------------------

    def why_next_step(self) -> str | None:
        editor = self.view.screen.editor
        if not self.view.ready:
            return self.view.not_ready()
        here = editor.page.step_at(editor.cursor)
        return None if here is not None and here.step is not None else "This text is part of no step."

    why_previous_step = why_next_step

    def do_next_step(self) -> None:
        self._by_step(1)

    def do_previous_step(self) -> None:
        self._by_step(-1)

    def _by_step(self, by: int) -> None:
        view, editor = self.view, self.view.screen.editor
        here = editor.page.step_at(editor.cursor)
        assert here is not None
        assert here.step is not None
        steps = view.screen.steps
        low, high = steps if steps is not None and here.agent is None else (1, 1 << 30)
        target = here.step + by
        if not low <= target <= high:
            view.screen.app.say("That is beyond what is reviewed.")
            return
        view.group, view.gap, view.apart = None, None, True
        view.go_to_step(target, here.agent, here.part)


class ListController:
    """A controller of the editor's screen: the list of values, and how list and text are shown."""

    def __init__(self, view: EditorView) -> None:
        self.view = view

    def row_opened(self, message: LineList.Opened) -> None:
        """Enter on a row of the list."""
        view, source = self.view, self.view.screen.rows.source
        if not isinstance(source, FindingRows):
            return
        row = source.rows[message.row]
        if row.kind == "fold":
            self.do_fold()
        elif row.kind == "rules":
            view.screen.leaving_out.do_rules()
        elif row.excluded is not None:
            if row.excluded.step is not None:
                view.go_to_step(row.excluded.step, row.excluded.agent)
            else:
                view.screen.leaving_out.do_exclude()
        else:
            view.screen.editor.focus(scroll_visible=False)
            view.mark_focus()

    def why_fold(self) -> str | None:
        return None if any(group.tier > 2 for group in self.view.snapshot.groups) else "There are no weak findings."

    def do_fold(self) -> None:
        self.view.weak = not self.view.weak
        self.view.list()

    def why_preview(self) -> str | None:
        return self.view.not_ready()

    why_fields = why_preview

    def do_preview(self) -> None:
        editor = self.view.screen.editor
        editor.show_plain(not editor.plain)
        self.view.say_where()
        self.view.screen.app.refresh_offers()

    def do_hide(self) -> None:
        view = self.view
        view.hidden = not view.hidden
        view.screen.app.say("Secrets are hidden on this screen." if view.hidden else "Secrets are shown.", role="muted")
        view.say_where()
        view.lay_out_again()

    def do_fields(self) -> None:
        view = self.view
        view.everything = not view.everything
        view.screen.app.say("Every field." if view.everything else "What the records are about.", role="muted")
        view.lay_out_again()

    def do_switch(self) -> None:
        screen = self.view.screen
        (screen.rows if screen.editor.has_focus else screen.editor).focus(scroll_visible=False)

    def do_list(self) -> None:
        self.view.screen.rows.focus(scroll_visible=False)

    def do_text(self) -> None:
        self.view.screen.editor.focus(scroll_visible=False)
