"""Marking by hand and finding text: what the editor asks the user about a selection."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any

from tracetui.text import format as fmt
from tracetui.tui.redact.choices import KINDS
from tracetui.tui.redact.text_keys import Marked

if TYPE_CHECKING:
    from tracetui.tui.redact.view import EditorView

__all__ = ["MarkingController"]

_LONGEST_KIND = 40


class MarkingController:
    """A controller of the editor's screen."""

    def __init__(self, view: EditorView) -> None:
        self.view = view
        self._kind = KINDS[0]
        self._query = ""

    def _kind_here(self, start: int, end: int) -> str:
        """What a selection is called until the user says otherwise: as what was found in it, else as the last one."""
        spans = self.view.screen.editor.page.spans_between(start, end)
        kinds = {group.value: group.kind for group in self.view.snapshot.groups}
        known = self.view.leak.kind if self.view.leak is not None else self._kind
        return next((kinds[span.group] for span in spans if span.group in kinds), known)

    def marked(self, message: Marked) -> Awaitable[Any] | None:
        """Ask what was marked, and mark it."""
        from tracetui.tui.kit.ask import AskScreen

        view, editor = self.view, self.view.screen.editor
        found = editor.page.source_range(message.start, message.end, message.anchor)
        if found is None:
            view.screen.app.say("Headings are not part of the session; select text below one.")
            return None
        spans = editor.page.spans_between(message.start, message.end)
        if any(s.state == "accepted" and s.start <= message.start and message.end <= s.end for s in spans):
            view.screen.app.say("This is replaced already; r shows it again, u takes the decision back.")
            return None
        at, start, end = found

        def named(kind: str | None) -> None:
            if kind is None:
                return
            name = "-".join(kind.lower().split()) or KINDS[0]
            if not all(c.isascii() and (c.isalnum() or c == "-") for c in name) or len(name) > _LONGEST_KIND:
                view.screen.app.say("A kind is a word of letters, digits and dashes.")
                return
            self._kind = name
            editor.drop_selection()
            view.decide(lambda opened: opened.review.mark(at, start, end, name), follow=True)

        hint = f"{fmt.plural(end - start, 'character')}; every copy is replaced by ‹kind:1›. {', '.join(KINDS[:8])} …"
        kind = self._kind_here(message.start, message.end)
        return view.screen.app.push_screen(AskScreen("What is it?", kind, hint=hint, words=KINDS, low=True), named)

    def searching(self) -> None:
        """Ask for a text, and go to where it stands."""
        from tracetui.tui.kit.ask import AskScreen

        view = self.view

        def look(text: str | None) -> None:
            if text is None:
                return
            self._query = text
            count = view.screen.editor.search(text)
            if text:
                said = (
                    f"{fmt.plural(count, 'match', 'matches')} on this page; n goes on" if count else "Not on this page."
                )
                view.screen.app.say(said, role="muted" if count else "warn")
            view.screen.app.refresh_offers()

        view.screen.app.push_screen(
            AskScreen("Find on this page", self._query, hint="Nothing drops what is marked."), look
        )

    def selected(self) -> None:
        """What is selected changed."""
        if self.view.screen.editor.pin is None:
            self.view.leak = None
        self.view.say_selected()
