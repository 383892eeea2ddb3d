"""Saying what a capsule's checks are asked about: the repository, a revision, a dependency, tools, which of them.

Part of the screen of the verdict.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from textual.screen import Screen

from tracetui.model import TracetuiError
from tracetui.text.safe import one_line
from tracetui.tui.capsule.consent import Asked, folder_of
from tracetui.tui.capsule.rows import Page, Rows

if TYPE_CHECKING:
    from tracetui.tui.app import TracetuiApp

__all__ = ["Asking"]


class Asking(Screen[None]):
    """Whatever changes is asked about anew."""

    app: TracetuiApp
    rows: Page
    asked: Asked | None
    repo: Path | None
    tool: Path | None
    revision: str | None
    other: str | None

    def changed(self) -> None:
        """Something else is asked for."""
        raise NotImplementedError

    @property
    def busy(self) -> str | None:
        """Why nothing can be asked for now."""
        raise NotImplementedError

    def why_repository(self) -> str | None:
        return self.busy

    why_revision = why_other = why_tools = why_repository

    def _line(self, title: str, text: str, hint: str, done: Callable[[str], None]) -> None:
        from tracetui.tui.screens.ask import AskScreen

        def told(answer: str | None) -> None:
            if answer is not None:
                done(answer.strip())

        self.app.push_screen(AskScreen(title, text, hint=hint), told)

    def _named(self, name: str) -> Callable[[str], None]:
        def done(text: str) -> None:
            folder = folder_of(text)
            if folder is not None and not folder.is_dir():
                self.app.say(f"There is no folder {folder}.")
                return
            setattr(self, name, folder)
            self.changed()

        return done

    def do_repository(self) -> None:
        hint = "The folder of the repository that holds the base; nothing for the one around this folder."
        self._line("Repository", str(self.repo or ""), hint, self._named("repo"))

    def do_tools(self) -> None:
        hint = "A folder with bin/ that the checks may read, such as a virtual environment; nothing for none."
        self._line("Tools", str(self.tool or ""), hint, self._named("tool"))

    def do_revision(self) -> None:
        def done(text: str) -> None:
            self.revision = text or None
            self.changed()

        self._line(
            "Run the checks at", self.revision or "", "A branch, tag or commit; nothing for the base alone.", done
        )

    def do_other(self) -> None:
        def done(text: str) -> None:
            from tracetui.capsule.dependency import parse_wanted

            if text:
                try:
                    parse_wanted(text)
                except TracetuiError as error:
                    self.app.say(one_line(str(error), 300))
                    return
            self.other = text or None
            self.changed()

        hint = "NAME==VERSION (pip: or npm: before it); it is fetched over the network. Nothing for none."
        self._line("With another dependency", self.other or "", hint, done)

    @property
    def _check(self) -> int | None:
        """The number of the check under the cursor, before it ran."""
        source, at = self.rows.source, self.rows.cursor
        place = source.rows[at].place if isinstance(source, Rows) and 0 <= at < len(source.rows) else None
        return place[1] if isinstance(place, tuple) and place[0] in ("check", "expects") else None

    def why_toggle(self) -> str | None:
        if self.busy or self.asked is None:
            return self.busy
        if len(self.asked.checks) < 2:
            return "There is one check."
        return None if self._check is not None else "The cursor is on no check."

    def do_toggle(self) -> None:
        asked, number = self.asked, self._check
        assert asked is not None
        assert number is not None
        every = {check.number for check in asked.checks}
        chosen = (set(asked.chosen) if asked.chosen is not None else every) ^ {number}
        if not chosen:
            self.app.say("One check at least.")
            return
        asked.chosen = None if chosen == every else chosen
        self.changed()
