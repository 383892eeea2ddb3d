"""Finding a session by its name, a step by its text, and saved queries."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from tracetui.model import Hit, SessionRow, TracetuiError
from tracetui.text import format as fmt
from tracetui.text.safe import one_line
from tracetui.tui.kit.actor import Controller
from tracetui.tui.kit.session_labels import harness_sign, project_of, title_of

if TYPE_CHECKING:
    from tracetui.bucket.store import Bucket
    from tracetui.tui.browse.main import MainScreen

__all__ = ["FindController"]


class FindController(Controller["MainScreen"]):
    """The jump dialog, the search over everything with the query of last time, and the list of views."""

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
        self._open(*self._last)

    def _open(self, text: str, regex: bool, sort: str) -> None:
        from tracetui.tui.browse.search import SearchScreen

        screen = SearchScreen(text, regex=regex, sort=sort)

        def go(hit: Hit | None) -> None:
            self._last = (screen.text, screen.regex, screen.sort)
            if hit is not None:
                self.owner.open_step(hit.session, hit.step, log=hit.log)

        self.app.push_screen(screen, go)

    def do_views(self) -> None:
        from tracetui.bucket.query import parse
        from tracetui.bucket.query_words import in_words
        from tracetui.tui.browse.views import letter_of, views
        from tracetui.tui.kit.pick import Pick, PickScreen, lettered

        found = views(self.app.bucket)
        picks: list[Pick] = []
        for nth, view in enumerate(found):
            try:
                hint = one_line(in_words(parse(view.query)), 120)
            except TracetuiError as error:
                hint = one_line(str(error), 120)
            letter, name = letter_of(nth), one_line(view.name, 80)
            picks.append(lettered(letter, name, hint) if letter else Pick(name, hint))

        def go(at: int | None) -> None:
            if at is not None:
                self._open(found[at].query, False, found[at].sort)

        self.app.push_screen(PickScreen("Views", picks), go)
