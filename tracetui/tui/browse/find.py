"""Finding a session by its name and a step by its text."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from tracetui.model import Hit, SessionRow
from tracetui.text import format as fmt
from tracetui.text.safe import one_line
from tracetui.tui.kit.actor import Controller
from tracetui.tui.kit.session_labels import harness_sign, project_of, title_of

if TYPE_CHECKING:
    from tracetui.bucket.store import Bucket
    from tracetui.tui.browse.main import MainScreen

__all__ = ["FindController"]


class FindController(Controller["MainScreen"]):
    """The jump dialog, and the search over everything with the query of last time."""

    CONTEXTS: ClassVar[tuple[str, ...]] = ("main",)

    def __init__(self, owner: MainScreen) -> None:
        super().__init__(owner)
        self._last: tuple[str, bool, str] = ("", False, "newest")

    def do_jump(self) -> None:
        from tracetui.tui.kit.pick import Pick, PickScreen

        sessions: list[SessionRow] = []

        def load(bucket: Bucket, cancelled: Callable[[], bool]) -> list[Pick]:
            sessions[:] = bucket.sessions()
            return [
                Pick(
                    one_line(title_of(row), 300),
                    f"{one_line(project_of(row), 60)}  {one_line(row.id, 60)}",
                    fact=f"{harness_sign(row.harness)} {fmt.relative(row.ended or row.started):>11}",
                )
                for row in sessions
            ]

        def go(at: int | None) -> None:
            if at is not None:
                self.owner.sessions_pane.select(sessions[at])
                self.owner.open_session(sessions[at])

        self.app.push_screen(PickScreen("Jump to a session", placeholder="title, project or id", load=load), go)

    def do_search(self) -> None:
        from tracetui.tui.browse.search import SearchScreen

        text, regex, sort = self._last
        screen = SearchScreen(text, regex=regex, sort=sort)

        def go(hit: Hit | None) -> None:
            self._last = (screen.text, screen.regex, screen.sort)
            if hit is not None:
                self.owner.open_step(hit.session, hit.step, log=hit.log)

        self.app.push_screen(screen, go)
