"""Marking by hand, finding text, leaving out, rules: what the editor asks the user about. A mixin of its screen."""

from __future__ import annotations

from tracetui.text import format as fmt
from tracetui.tui.redaction.model import EXCLUSIONS, KINDS
from tracetui.tui.redaction.parts import LOADING, Parts
from tracetui.tui.redaction.rows import FindingRows
from tracetui.tui.widgets.span_editor import SpanEditor

__all__ = ["ByHand"]


class ByHand(Parts):
    """Mixin of the editor's screen."""

    def _say_selected(self) -> None:
        chosen = self.editor.selection
        if chosen is None:
            self.info.selecting(None)
            return
        found = self.editor.page.source_range(*chosen, self.editor.pin)
        count, label = 0, ""
        if found is not None:
            count = found[2] - found[1]
            label = self.editor.page.units[self.editor.page.unit_of(found[0])].label
        self.info.selecting((count, label, self._leak.why if self._leak is not None else ""))

    def _kind_here(self, start: int, end: int) -> str:
        """What a selection is called until the user says otherwise: as what was found in it, else as the last one."""
        spans = self.editor.page.spans_between(start, end)
        kinds = {group.id: group.kind for group in self.snapshot.groups}
        known = self._leak.kind if self._leak is not None else self._kind
        return next((kinds[span.group] for span in spans if span.group in kinds), known)

    def on_span_editor_marked(self, message: SpanEditor.Marked) -> None:
        message.stop()
        found = self.editor.page.source_range(message.start, message.end, message.anchor)
        if found is None:
            self.app.say("Headings are not part of the session; select text below one.")
            return
        from tracetui.tui.screens.ask import AskScreen

        at, start, end = found

        def named(kind: str | None) -> None:
            if kind is None:
                return
            name = "-".join(kind.lower().split()) or KINDS[0]
            if not all(char.isascii() and (char.isalnum() or char == "-") for char in name) or len(name) > 40:
                self.app.say("A kind is a word of letters, digits and dashes.")
                return
            self._kind = name
            self.editor.drop_selection()
            self._decide(lambda room: room.review.mark(at, start, end, name), follow=True)

        hint = f"{fmt.plural(end - start, 'character')}; every copy is replaced by ‹kind:1›. {', '.join(KINDS[:8])} …"
        kind = self._kind_here(message.start, message.end)
        self.app.push_screen(AskScreen("What is it?", kind, hint=hint, words=KINDS, low=True), named)

    def on_span_editor_searching(self, message: SpanEditor.Searching) -> None:
        message.stop()
        from tracetui.tui.screens.ask import AskScreen

        def look(text: str | None) -> None:
            if text is None:
                return
            self._query = text
            count = self.editor.search(text)
            if text:
                said = (
                    f"{fmt.plural(count, 'match', 'matches')} on this page; n goes on" if count else "Not on this page."
                )
                self.app.say(said, role="muted" if count else "warn")
            self.app.refresh_offers()

        self.app.push_screen(AskScreen("Find on this page", self._query, hint="Nothing drops what is marked."), look)

    def on_span_editor_selected(self, message: SpanEditor.Selected) -> None:
        message.stop()
        if self.editor.pin is None:
            self._leak = None
        self._say_selected()

    # -- leaving out, rules -------------------------------------------------------------------------------------------

    def _cannot_yet(self) -> str | None:
        return None if self._ready else LOADING

    why_exclude = why_rules = _cannot_yet

    def do_exclude(self) -> None:
        from tracetui.tui.screens.menu import Choice, MenuScreen

        here = self.editor.page.step_at(self.editor.cursor)
        out = self.snapshot.excluded
        row = self.rows.source
        if self.rows.has_focus and isinstance(row, FindingRows) and (chosen_row := row.excluded_at(self.rows.cursor)):
            # On what is left out already there is only one thing to ask for.
            again = chosen_row
            self._decide(lambda room: room.review.exclude(again.what, again.step, again.agent, again.kind))
            return
        left = {one.what for one in out}
        step_out = here is not None and any((o.step, o.agent) == (here.step, here.agent) for o in out if o.step)
        kind_out = here is not None and any(one.kind == here.kind for one in out if one.kind)
        hints = {
            "step": f"step {here.step}" if here is not None and here.step is not None else "part of no step",
            "kind": f"every {here.kind}" if here is not None and here.kind else "part of no step",
            "images": "kept now" if "images" in left else "left out now",
            "opaque": "kept now" if "opaque" in left else "left out now",
        }
        hints["step"] += ", left out now" if step_out else ""
        hints["kind"] += ", left out now" if kind_out else ""
        hints |= {what: "left out now" for what in ("results", "thinking") if what in left}
        whats = list(EXCLUSIONS)

        def chosen(index: int | None) -> None:
            if index is None:
                return
            what = whats[index]
            if what in ("step", "kind") and (here is None or here.step is None):
                self.app.say("This text is part of no step; mark it by hand instead.")
                return
            step, agent, kind = (here.step, here.agent, here.kind) if here is not None else (None, None, "")
            self._decide(lambda room: room.review.exclude(what, step, agent, kind))

        choices = [Choice(*EXCLUSIONS[what], hints.get(what, "")) for what in whats]
        text = "Its text is replaced as a whole, second copies too; the same key takes it in again."
        self.app.push_screen(MenuScreen("Leave out", choices, text=text), chosen)

    def do_rules(self) -> None:
        from tracetui.tui.screens.rules import RulesScreen

        def back(changed: bool | None) -> None:
            if changed:
                self._decide(lambda room: None)

        self.app.push_screen(RulesScreen(self.desk, hidden=self.veiled), back)
