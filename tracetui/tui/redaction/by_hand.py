"""Marking by hand, finding text, leaving out, rules: what the editor asks the user about. A mixin of its screen."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.dom import DOMNode

from tracetui.text import format as fmt
from tracetui.tui.redaction.desk import Desk, Opened
from tracetui.tui.redaction.model import EXCLUSIONS, KINDS, Outcome, Snapshot
from tracetui.tui.widgets.span_editor import SpanEditor

if TYPE_CHECKING:
    from tracetui.tui.app import TracetuiApp

__all__ = ["ByHand"]


class ByHand(DOMNode):
    """Mixin of the editor's screen."""

    app: TracetuiApp
    editor: SpanEditor
    snapshot: Snapshot
    desk: Desk
    _kind: str
    _query: str

    if TYPE_CHECKING:

        def _decide(self, deed: Callable[[Opened], Outcome | None], *, go_on: bool = False) -> None: ...

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
            self._decide(lambda room: room.review.mark(at, start, end, name))

        hint = f"{fmt.plural(end - start, 'character')}; every copy is replaced by ‹kind:1›. {', '.join(KINDS[:8])} …"
        self.app.push_screen(AskScreen("What is it?", self._kind, hint=hint, words=KINDS), named)

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

    # -- leaving out, rules -------------------------------------------------------------------------------------------

    def do_exclude(self) -> None:
        from tracetui.tui.screens.menu import Choice, MenuScreen

        here = self.editor.page.step_at(self.editor.cursor)
        excluded = self.snapshot.excluded
        hints = {
            "step": f"step {here.step}" if here is not None and here.step is not None else "part of no step",
            "kind": f"every {here.kind}" if here is not None and here.kind else "part of no step",
            "results": excluded.get("results", ""),
            "thinking": excluded.get("thinking", ""),
            "images": excluded.get("images", ""),
        }
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

        choices = [Choice(*EXCLUSIONS[what], hints[what]) for what in whats]
        text = "Left out as a whole, with its second copies; the same key takes it in again."
        self.app.push_screen(MenuScreen("Leave out", choices, text=text), chosen)

    def do_rules(self) -> None:
        from tracetui.tui.screens.rules import RulesScreen

        def back(changed: bool | None) -> None:
            if changed:
                self._decide(lambda room: None)

        self.app.push_screen(RulesScreen(self.desk), back)
