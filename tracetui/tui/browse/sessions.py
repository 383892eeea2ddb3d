"""The sessions of the bucket: listed, filtered, grouped, marked."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.message import Message
from textual.widget import Widget

from tracetui.model import SessionRow, TracetuiError
from tracetui.text import format as fmt
from tracetui.tui.actions import bindings
from tracetui.tui.browse.arrangement import LIST_SHARE
from tracetui.tui.browse.columns import ONE_LINE, ColumnHeader
from tracetui.tui.browse.session_actions import MarkController, ShapeController
from tracetui.tui.browse.session_rows import GROUPS, SORTS, SessionRows, Shape
from tracetui.tui.kit.line_list import LineList
from tracetui.tui.kit.messages import SessionEntered, SessionRested, SessionsLoaded
from tracetui.tui.kit.pane import Pane, Rest
from tracetui.tui.kit.session_labels import identity_of

if TYPE_CHECKING:
    from tracetui.bucket.store import Bucket
    from tracetui.tui.kit.host import HostApp

__all__ = ["SessionsPane"]

_FIRST = 80
"""Sessions read before the first frame; the others follow from a worker."""


class SessionsPane(Pane):
    """The list of sessions. It loads itself; what the user does with a session it tells by messages."""

    NUMBER: ClassVar[str] = "1"
    NAME: ClassVar[str] = "Sessions"
    CONTEXTS: ClassVar[tuple[str, ...]] = ("sessions",)
    BINDINGS = bindings("sessions")

    app: HostApp

    class Cleared(Message):
        """The user wants the query gone."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.rows = LineList(id="session-rows")
        self.header = ColumnHeader()
        self.shape = Shape()
        self.query_text = ""
        self.open_query: Callable[[], Awaitable[None]] | None = None
        """Puts the cursor into the query line; the screen that holds it sets this."""
        self.sessions: list[SessionRow] = []
        self.everything: list[SessionRow] = []
        """The sessions as last read without a query."""
        self.total = 0
        self.controllers = (ShapeController(self), MarkController(self))
        self._rest = Rest(self, self._tell)
        self._rested: SessionRow | None = None
        self._was_empty = False
        self._filling: int | None = None
        """While an empty list fills: the touches of the user until the first session came."""
        self._known: tuple[list[SessionRow], dict[str, int]] = ([], {})

    def content(self) -> Sequence[Widget]:
        return (self.header, self.rows)

    def on_mount(self) -> None:
        bucket = self.app.bucket
        remembered = bucket.setting("sessions")
        if isinstance(remembered, dict):
            sort, group = str(remembered.get("sort")), str(remembered.get("group"))
            self.shape = Shape(sort if sort in SORTS else "newest", group if group in GROUPS else "day")
        # The width is known after the first layout; this is what it will be.
        self.shape = dataclasses.replace(self.shape, one_line=(self.app.size.width - 1) * LIST_SHARE // 100 >= ONE_LINE)
        self.sessions = [row for row in bucket.sessions(limit=_FIRST) if not row.archived]
        self.everything = self.sessions
        self.total = len(self.sessions)
        self._was_empty = not self.sessions
        self._teach()
        self._take(SessionRows(self.sessions, self.shape))
        if len(self.sessions) >= _FIRST or self.shape.sort != "newest":
            self.call_after_refresh(self.load)

    # -- loading ------------------------------------------------------------------------------------------------------

    def load(self) -> None:
        """Read the list again in a worker; the cursor stays on its session."""
        shape, query = self.shape, self.query_text

        def work(bucket: Bucket, cancelled: Callable[[], bool]) -> tuple[list[SessionRow], SessionRows]:
            from tracetui.bucket.query import parse

            sessions = list(bucket.sessions(parse(query) if query else None))
            if "is:archived" not in query:
                sessions = [row for row in sessions if not row.archived]
            return sessions, SessionRows(sessions, shape)

        def finish(result: tuple[list[SessionRow], SessionRows]) -> None:
            self.sessions, rows = result
            if not query:
                self.everything = self.sessions
                self.total = len(self.sessions)
            if rows.shape is not self.shape:
                rows = SessionRows(self.sessions, self.shape)
            self._take(rows)
            self.app.settle_memory()
            self.post_message(SessionsLoaded(rows.shown, self.total, None))

        def failed(error: Exception) -> None:
            if not isinstance(error, TracetuiError):
                raise error
            self.post_message(SessionsLoaded(0, self.total, str(error)))

        self.ask("load", work, finish, failed)

    def filter(self, text: str) -> None:
        """Show the sessions that match a query line; all for an empty one."""
        if text.strip() != self.query_text:
            self.query_text = text.strip()
            self._teach()
            self.load()

    def _teach(self) -> None:
        if self.query_text:
            self.rows.empty = ("No session matches.", "Drop the query: backspace", "Search the text of all steps: F")
        else:
            self.rows.empty = ("No sessions yet.", "They stand here once they are indexed: I")

    def _take(self, rows: SessionRows) -> None:
        if self._was_empty and not len(self.rows.source) and len(rows):
            self._filling = self.app.activity.touches
        # Logs are not read in the order of time: until the user takes the cursor, it stays on the newest.
        newest = self._filling == self.app.activity.touches
        self.rows.reload(rows, row=0 if newest and len(rows) else None)
        self.say_what()
        self.app.refresh_offers()

    def reshape(self) -> None:
        self._take(SessionRows(self.sessions, self.shape))
        if not self.app.read_only:
            self.app.bucket.set_setting("sessions", {"sort": self.shape.sort, "group": self.shape.group})

    def say_what(self) -> None:
        rows = self.rows.source
        assert isinstance(rows, SessionRows)
        number = fmt.count(rows.shown)
        if self.query_text:
            number += f" of {fmt.count(self.total)}"
        wide = self.size.width >= 44 or not self.size.width
        order = SORTS[self.shape.sort] if wide else self.shape.sort
        self.title_line.show(facts=f"{number} · {order}")
        self.header.display = self.shape.one_line
        width = (self.rows.scrollable_content_region.width or self.size.width) - 2
        if self.shape.one_line and width > 0:
            self.header.show(rows.columns(width), self.shape.sort, width)

    def on_resize(self) -> None:
        one_line = self.size.width >= ONE_LINE
        if self.size.width and one_line != self.shape.one_line:
            self.shape = dataclasses.replace(self.shape, one_line=one_line)
            self._take(SessionRows(self.sessions, self.shape))
        self.call_after_refresh(self.say_what)

    # -- cursor -------------------------------------------------------------------------------------------------------

    @property
    def current(self) -> SessionRow | None:
        """The session under the cursor."""
        rows = self.rows.source
        if isinstance(rows, SessionRows) and 0 <= self.rows.cursor < len(rows.items):
            return rows.items[self.rows.cursor].session
        return None

    def select(self, session: SessionRow) -> bool:
        """Put the cursor on a session, unfolding its group if need be; False when the list does not hold it."""
        rows = self.rows.source
        assert isinstance(rows, SessionRows)
        identity = identity_of(session)
        at = rows.find(("session", identity))
        if at < 0:
            folded = next((row.folded for row in self.sessions if identity_of(row) == identity and row.folded), None)
            everything = {folded} if folded else {item.name for item in rows.items if item.kind == "family"}
            self.shape = dataclasses.replace(self.shape, unfolded=self.shape.unfolded | everything)
            rows = SessionRows(self.sessions, self.shape)
            at = rows.find(("session", identity))
            if at < 0:
                return False
            self.rows.reload(rows)
        self.rows.center(at)
        return True

    @property
    def on_screen(self) -> list[SessionRow]:
        """The sessions whose rows can be seen now, those at the cursor first."""
        rows = self.rows.source
        if not isinstance(rows, SessionRows) or not rows.items:
            return []
        top = int(self.rows.scroll_offset.y)
        first = max(0, self.rows.row_at(top))
        last = self.rows.row_at(min(self.rows.line_count, top + max(1, self.rows.size.height)) - 1)
        seen = [(abs(at - self.rows.cursor), rows.items[at].session) for at in range(first, last + 1)]
        return [session for _, session in sorted(seen, key=lambda pair: pair[0]) if session is not None]

    def show_survival(self, identity: str, counts: Mapping[str, int] | None) -> None:
        """What became of a session's edits was worked out; what is kept was written by whoever did."""
        if self._known[0] is not self.sessions:
            self._known = (self.sessions, {identity_of(row): at for at, row in enumerate(self.sessions)})
        at = self._known[1].get(identity)
        if at is None or self.sessions[at].survival == counts:
            return
        changed = self.sessions[at] = dataclasses.replace(self.sessions[at], survival=counts)
        rows = self.rows.source
        assert isinstance(rows, SessionRows)
        row = rows.find(("session", identity))
        if row >= 0:
            rows.items[row] = rows.items[row]._replace(session=changed)
            self.rows.refresh_rows()

    def on_line_list_moved(self, message: LineList.Moved) -> None:
        message.stop()
        self._rest.moved()

    def _tell(self) -> None:
        session = self.current
        if session is not None and (self._rested is None or identity_of(session) != identity_of(self._rested)):
            self._rested = session
            self.post_message(SessionRested(session))
        self.app.refresh_offers()

    def on_line_list_opened(self, message: LineList.Opened) -> None:
        message.stop()
        session = self.current
        if session is None:
            self.controller(ShapeController).do_fold()
            return
        self._rested = session
        self.post_message(SessionEntered(session))
        if session.unread:
            self.change(session, unread=False)

    # -- actions ------------------------------------------------------------------------------------------------------

    async def do_filter(self) -> None:
        if self.open_query is not None:
            await self.open_query()

    def why_clear(self) -> str | None:
        return None if self.query_text else "There is no query to drop."

    def do_clear(self) -> None:
        self.post_message(self.Cleared())

    def change(self, session: SessionRow, **values: object) -> None:
        """Show a change at once; what is kept was written before."""
        if values.get("unread") is False and not self.app.read_only:
            self.app.bucket.mark_seen(session)
        changed = dataclasses.replace(session, **values)  # type: ignore[arg-type]
        identity = identity_of(session)
        self.sessions = [changed if identity_of(row) == identity else row for row in self.sessions]
        rows = self.rows.source
        assert isinstance(rows, SessionRows)
        rows.items = [
            item._replace(session=changed)
            if item.session is not None and identity_of(item.session) == identity
            else item
            for item in rows.items
        ]
        if self._rested is not None and identity_of(self._rested) == identity:
            self._rested = changed
        self.rows.refresh_rows()
