"""How the text is shown: as the reader will see it, with secrets hidden, every field. A mixin of the screen."""

from __future__ import annotations

from tracetui.tui.redaction.page import Page
from tracetui.tui.redaction.parts import LARGE, LOADING, Parts, Result

__all__ = ["Viewing"]


class Viewing(Parts):
    """Mixin of the editor's screen."""

    def _cannot_view(self) -> str | None:
        return None if self._ready else LOADING

    why_preview = why_fields = _cannot_view

    def do_preview(self) -> None:
        self.editor.show_plain(not self.editor.plain)
        self._say_where()
        self.app.refresh_offers()

    def do_hide(self) -> None:
        self.veiled = not self.veiled
        self.app.say("Secrets are hidden on this screen." if self.veiled else "Secrets are shown.", role="muted")
        self._say_where()
        self._again()

    def do_fields(self) -> None:
        self.everything = not self.everything
        self.app.say("Every field." if self.everything else "What the records are about.", role="muted")
        self._again()

    def _again(self) -> None:
        """Lay the page out again, after the way it is shown changed."""
        if not self._ready:
            return
        self._list()
        if len(self.editor.page.shown) <= LARGE:
            self.editor.show(self._lay(self._steps, self._marks))
            self._mark_focus(move=False)
            return
        cursor = self.editor.page.run_at(self.editor.cursor)
        at = self.editor.page.units[cursor.unit].at if cursor is not None else None
        # What is to be hidden must not stand there while a large page is made.
        old = self.editor.page
        self.editor.show(Page(), cursor=0)

        def finish(result: Result) -> None:
            place = 0
            if at is not None and cursor is not None and result.page is not None:
                unit = result.page.unit_of(at)
                place = max(0, result.page.place_of(unit, cursor.low)) if unit >= 0 else 0
            self._took(result, cursor=place)
            self._mark_focus()

        want = [unit.at for unit in old.units]
        self._do(lambda room: self._job(room, None, want=want), finish)

    def why_fold(self) -> str | None:
        return None if any(group.tier > 2 for group in self.snapshot.groups) else "There are no weak findings."

    def do_fold(self) -> None:
        self._weak = not self._weak
        self._list()

    def do_switch(self) -> None:
        (self.rows if self.editor.has_focus else self.editor).focus(scroll_visible=False)

    def do_list(self) -> None:
        self.rows.focus(scroll_visible=False)

    def do_text(self) -> None:
        self.editor.focus(scroll_visible=False)
