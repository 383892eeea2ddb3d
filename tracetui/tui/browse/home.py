"""The home: what happened, what is going on, what waits; every number leads to what is behind it."""

from __future__ import annotations

import datetime as _dt
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.screen import Screen

from tracetui.model import SessionRow, TracetuiError
from tracetui.text import format as fmt
from tracetui.tui.actions import bindings
from tracetui.tui.browse.home_rows import HomeRow, HomeRows, around_rows, calendar_rows, group_rows, sum_rows
from tracetui.tui.kit.actor import Actor
from tracetui.tui.kit.background import Background
from tracetui.tui.kit.footer import Footer
from tracetui.tui.kit.line_list import LineList
from tracetui.tui.kit.pane import PaneTitle
from tracetui.tui.kit.status import StatusLine

if TYPE_CHECKING:
    from tracetui.bucket.store import Bucket
    from tracetui.tui.browse.home_facts import Around, HomeFacts
    from tracetui.tui.kit.host import HostApp

__all__ = ["HomeScreen", "Wish"]

_PERIODS: Final = ("day", "week", "month", "all")
_SETTING: Final = "home-period"
_TWO: Final = 116
"""Columns from which the sums by project and the calendar stand beside the rest."""
_AGAIN: Final = 10.0
"""Seconds between two looks at what changes by itself."""


class Wish(NamedTuple):
    """What the user wants to see: the sessions of a query line, or a session; neither: the list as it is."""

    query: str | None = None
    session: SessionRow | None = None


class HomeScreen(Screen[Wish], Actor, Background):
    """Gives what the user wants to see. ``leave`` is called for the key that leaves; it asks where something runs.
    ``resume`` takes a session up again, ``status`` is the line whose counts stand at the top."""

    CONTEXTS: ClassVar[tuple[str, ...]] = ("home", "screen")
    BINDINGS = bindings("home", "screen")
    AUTO_FOCUS = None
    DEFAULT_CSS = """
    HomeScreen Horizontal { height: 1fr; }
    HomeScreen #home-right { display: none; }
    """
    app: HostApp

    def __init__(self, leave: Callable[[], None], resume: Callable[[SessionRow], None], status: StatusLine) -> None:
        super().__init__()
        self.status = StatusLine()
        self._said = status
        self.title_line = PaneTitle("", "Home")
        self.left, self.right = LineList(id="home-left"), LineList(id="home-right")
        self.period = "week"
        self._leave, self._resume = leave, resume
        self._facts: HomeFacts | None = None
        self._around: Around | None = None

    def compose(self) -> ComposeResult:
        yield self.status
        yield self.title_line
        with Horizontal():
            yield self.left
            yield self.right
        yield Footer()

    def on_mount(self) -> None:
        self.title_line.activate(True)
        self.status.follow(self._said)
        kept = self.app.bucket.setting(_SETTING)
        self.period = kept if isinstance(kept, str) and kept in _PERIODS else "week"
        self.left.empty = ("Adding up.",)
        self.set_focus(self.left, scroll_visible=False)
        self._show()
        self.call_after_refresh(self.read)
        self.set_interval(_AGAIN, self._look_again)

    def on_screen_resume(self) -> None:
        if self._facts is not None:
            self.read()

    def on_resize(self, event: events.Resize) -> None:
        self.right.display = event.size.width >= _TWO
        self._show()

    # -- reading ------------------------------------------------------------------------------------------------------

    def read(self) -> None:
        """Read everything again; what is shown stays until it is there."""
        period = self.period

        def around(bucket: Bucket, cancelled: Callable[[], bool]) -> Around | None:
            from tracetui.tui.browse.home_facts import read_around

            return read_around(bucket, cancelled)

        def sums(bucket: Bucket, cancelled: Callable[[], bool]) -> HomeFacts | None:
            from tracetui.tui.browse.home_facts import read_sums

            return read_sums(bucket, period, cancelled)

        self.ask("around", around, self._take_around, self._failed)
        self.ask("sums", sums, self._take_sums, self._failed)

    def _look_again(self) -> None:
        if self.is_current and self.app.activity.may_work:
            self.read()

    def _take_around(self, around: Around | None) -> None:
        if around is not None and around != self._around:
            self._around = around
            self._show()

    def _take_sums(self, facts: HomeFacts | None) -> None:
        if facts is not None and facts != self._facts:
            self._facts = facts
            self._show()

    def _failed(self, error: Exception) -> None:
        if not isinstance(error, TracetuiError):
            raise error
        self.left.empty = (str(error),)
        self.left.refresh()

    def _show(self) -> None:
        facts, around = self._facts, self._around
        left = sum_rows(facts) if facts is not None else []
        left += around_rows(around) if around is not None else []
        two = self.right.display
        right: list[HomeRow] = []
        if facts is not None:
            width = (self.size.width // 2 if two else self.size.width) - 10
            today = _dt.datetime.fromtimestamp(time.time()).astimezone().date()
            right = [*calendar_rows(facts, today, max(4, min(26, width // 2))), *group_rows(facts)]
        if not two:
            left, right = [*left, *right], []
        self.left.reload(HomeRows(left))
        self.right.reload(HomeRows(right[1:]))
        names = " ".join(f"[{name}]" if name == self.period else name for name in _PERIODS)
        known = ""
        if around is not None and around.survival[1]:
            done, all_of_them = around.survival
            known = f" · survival of {fmt.count(done)} of {fmt.plural(all_of_them, 'session')} worked out"
        self.title_line.show(names, known.removeprefix(" · "))
        self.app.refresh_offers()

    # -- actions ------------------------------------------------------------------------------------------------------

    @property
    def _row(self) -> HomeRow | None:
        rows = self.right if self.right.has_focus else self.left
        source = rows.source
        if isinstance(source, HomeRows) and 0 <= rows.cursor < len(source):
            return source.rows[rows.cursor]
        return None

    def on_line_list_moved(self, message: LineList.Moved) -> None:
        message.stop()
        self.app.refresh_offers()

    def on_line_list_opened(self, message: LineList.Opened) -> None:
        message.stop()
        row = self._row
        if row is None or not row.chosen:
            return
        if row.path:
            self.app.copy_text(row.path)
        else:
            self.dismiss(Wish(row.query, row.session))

    def do_period(self) -> None:
        self.period = _PERIODS[(_PERIODS.index(self.period) + 1) % len(_PERIODS)]
        if not self.app.read_only:
            self.app.bucket.set_setting(_SETTING, self.period)
        self._show()
        self.read()

    def do_sessions(self) -> None:
        self.dismiss(Wish())

    def why_switch(self) -> str | None:
        return None if self.right.display else "There is one column; j and k go through it."

    def do_switch(self) -> None:
        (self.left if self.right.has_focus else self.right).focus(scroll_visible=False)

    def why_resume(self) -> str | None:
        stopped = self._around.stopped if self._around is not None else None
        row = self._row
        return None if (row is not None and row.session) or stopped else "No session of this folder is known."

    def do_resume(self) -> None:
        row = self._row
        session = row.session if row is not None and row.session else self._around.stopped if self._around else None
        if session is not None:
            self._resume(session)

    def do_back(self) -> None:
        self.app.say("This is the first level. Leave: q", role="muted")

    def do_leave(self) -> None:
        self._leave()
