"""Saying what a capsule's checks are asked about: the repository, a revision, a dependency, tools, which of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from tracetui.model import TracetuiError
from tracetui.text.safe import one_line
from tracetui.tui.capsule.rows import FactRows
from tracetui.tui.capsule.verdict_rows import folder_of
from tracetui.tui.kit.actor import Controller
from tracetui.tui.kit.ask import ask_line

if TYPE_CHECKING:
    from tracetui.tui.capsule.verdict import VerdictScreen

__all__ = ["RequestController"]


class RequestController(Controller["VerdictScreen"]):
    """Whatever changes is asked about anew."""

    CONTEXTS: ClassVar[tuple[str, ...]] = ("verdict",)

    def why_repository(self) -> str | None:
        return self.owner.busy

    why_revision = why_other = why_tools = why_repository

    def _named(self, name: str) -> Callable[[str], None]:
        def done(text: str) -> None:
            folder = folder_of(text)
            if folder is not None and not folder.is_dir():
                self.app.say(f"There is no folder {folder}.")
                return
            setattr(self.owner, name, folder)
            self.owner.changed()

        return done

    def do_repository(self) -> None:
        hint = "The folder of the repository that holds the base; nothing for the one around this folder."
        ask_line(self.app, "Repository", str(self.owner.repo or ""), hint, self._named("repo"))

    def do_tools(self) -> None:
        hint = "A folder with bin/ that the checks may read, such as a virtual environment; nothing for none."
        ask_line(self.app, "Tools", str(self.owner.tool or ""), hint, self._named("tool"))

    def do_revision(self) -> None:
        def done(text: str) -> None:
            self.owner.revision = text or None
            self.owner.changed()

        hint = "A branch, tag or commit; nothing for the base alone."
        ask_line(self.app, "Run the checks at", self.owner.revision or "", hint, done)

    def do_other(self) -> None:
        def done(text: str) -> None:
            from tracetui.capsule.dependency import parse_wanted

            if text:
                try:
                    parse_wanted(text)
                except TracetuiError as error:
                    self.app.say(one_line(str(error), 300))
                    return
            self.owner.other = text or None
            self.owner.changed()

        hint = "NAME==VERSION (pip: or npm: before it); it is fetched over the network. Nothing for none."
        ask_line(self.app, "With another dependency", self.owner.other or "", hint, done)

    @property
    def _check(self) -> int | None:
        """The number of the check under the cursor, before it ran."""
        source, at = self.owner.rows.source, self.owner.rows.cursor
        place = source.rows[at].place if isinstance(source, FactRows) and 0 <= at < len(source.rows) else None
        return place[1] if isinstance(place, tuple) and place[0] in ("check", "expects") else None

    def why_toggle(self) -> str | None:
        if self.owner.busy or self.owner.asked is None:
            return self.owner.busy
        if len(self.owner.asked.checks) < 2:
            return "There is one check."
        return None if self._check is not None else "The cursor is on no check."

    def do_toggle(self) -> None:
        asked, number = self.owner.asked, self._check
        assert asked is not None
        assert number is not None
        every = {check.number for check in asked.checks}
        chosen = (set(asked.chosen) if asked.chosen is not None else every) ^ {number}
        if not chosen:
            self.app.say("One check at least.")
            return
        asked.chosen = None if chosen == every else chosen
        self.owner.changed()
