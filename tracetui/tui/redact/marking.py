"""Marking by hand and finding text: what the editor asks the user about a selection."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING, Any

from tracetui.redact.values import Place
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
        self._found: Sequence[Place] = ()
        """Every place of what is looked for, in order; ``why`` is how it is written there."""

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
            if kind is None or not (name := self._kind_named(kind)):
                return
            editor.drop_selection()
            view.decide(lambda opened: opened.review.mark(at, start, end, name), follow=True)

        hint = f"{fmt.plural(end - start, 'character')}; every copy is replaced by ‹kind:1›. {', '.join(KINDS[:8])} …"
        kind = self._kind_here(message.start, message.end)
        return view.screen.app.push_screen(AskScreen("What is it?", kind, hint=hint, words=KINDS, low=True), named)

    def searching(self) -> None:
        """Ask for a text, and go to where it stands: on this page at once, in the whole session when it was read."""
        from tracetui.tui.kit.ask import AskScreen

        view = self.view

        def look(text: str | None) -> None:
            if text is None:
                return
            self._query = text
            self._found = ()
            view.screen.editor.search(text)
            view.screen.app.refresh_offers()
            if text:
                view.do(lambda opened: opened.review.holding(text, opened.busy), lambda found: self._hold(text, found))

        view.screen.app.push_screen(
            AskScreen("Find in the session", self._query, hint="Nothing drops what is marked."), look
        )

    def _hold(self, text: str, found: Sequence[Place] | None) -> None:
        """Where a text stands in the session, once that is known."""
        view, finding = self.view, self.view.screen.editor.finding
        if found is None or finding.query != text:
            return
        self._found = found
        page = view.screen.editor.page
        finding.elsewhere = any(page.unit_of(place.at) < 0 for place in found)
        steps = len({(place.agent, place.part, place.step) for place in found})
        said = f"{fmt.plural(len(found), 'match', 'matches')} in {fmt.plural(steps, 'step')}; n goes on, M marks them"
        view.screen.app.say(said if found else "It is nowhere in this session.", role="muted" if found else "warn")
        if found and not finding.matches:
            view.go_to(found[0])
        view.screen.app.refresh_offers()

    def further(self, by: int) -> None:
        """Go to the next place of what is looked for that is not on this page."""
        page = self.view.screen.editor.page
        here = [nth for nth, place in enumerate(self._found) if page.unit_of(place.at) >= 0]
        if self._found:
            target = (max(here) + 1 if by > 0 else min(here) - 1) if here else 0
            self.view.go_to(self._found[target % len(self._found)])

    def why_mark_all(self) -> str | None:
        return self.view.not_ready() or (None if self._found else "Nothing is looked for; / finds text.")

    def do_mark_all(self) -> Awaitable[Any]:
        """Mark every place of what is looked for, however it is written."""
        from tracetui.tui.kit.ask import AskScreen

        view = self.view
        forms = [*dict.fromkeys(place.why for place in self._found)]

        def named(kind: str | None) -> None:
            if kind is not None and (name := self._kind_named(kind)):
                view.decide(lambda opened: opened.review.mark_all(forms, name), follow=True)

        ways = f", written in {fmt.plural(len(forms), 'way')}" if len(forms) > 1 else ""
        hint = f"{fmt.plural(len(self._found), 'place')}{ways}; every copy is replaced by ‹kind:1›."
        return view.screen.app.push_screen(
            AskScreen("What is it?", self._kind, hint=hint, words=KINDS, low=True), named
        )

    def _kind_named(self, kind: str) -> str:
        """The name of a kind as it was typed; empty, which is said, where it is none."""
        name = "-".join(kind.lower().split()) or KINDS[0]
        if not all(c.isascii() and (c.isalnum() or c == "-") for c in name) or len(name) > _LONGEST_KIND:
            self.view.screen.app.say("A kind is a word of letters, digits and dashes.")
            return ""
        self._kind = name
        return name

    def selected(self) -> None:
        """What is selected changed."""
        if self.view.screen.editor.pin is None:
            self.view.leak = None
        self.view.say_selected()
