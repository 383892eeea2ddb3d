"""The keys of the list of sessions: how it is arranged, and what the user keeps about a session."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from tracetui.model import TracetuiError
from tracetui.tui.browse.columns import ColumnHeader
from tracetui.tui.browse.session_rows import GROUPS, SORTS, SessionRows
from tracetui.tui.kit.actor import Controller
from tracetui.tui.kit.line_list import RowSource
from tracetui.tui.kit.messages import SessionsSorted

if TYPE_CHECKING:
    from tracetui.tui.browse.sessions import SessionsPane

__all__ = ["MarkController", "ShapeController"]


class ShapeController(Controller["SessionsPane"]):
    """Folding, sorting, grouping."""

    CONTEXTS: ClassVar[tuple[str, ...]] = ("sessions",)

    def why_fold(self) -> str | None:
        return None if _group_at(self.owner.rows.source, self.owner.rows.cursor) else "There is nothing to fold here."

    def do_fold(self) -> None:
        name = _group_at(self.owner.rows.source, self.owner.rows.cursor)
        if name is not None:
            self.owner.shape = replace(self.owner.shape, unfolded=self.owner.shape.unfolded ^ {name})
            rows = SessionRows(self.owner.sessions, self.owner.shape)
            at = next(i for i, item in enumerate(rows.items) if item.kind in ("folded", "family") and item.name == name)
            self.owner.rows.reload(rows, row=at)
            self.owner.say_what()

    def do_sort(self) -> None:
        names = list(SORTS)
        self._sort(names[(names.index(self.owner.shape.sort) + 1) % len(names)])

    def on_column_header_picked(self, message: ColumnHeader.Picked) -> None:
        message.stop()
        sorts, now = message.sorts, self.owner.shape.sort
        self._sort(sorts[(sorts.index(now) + 1) % len(sorts)] if now in sorts else sorts[0])

    def _sort(self, sort: str) -> None:
        self.owner.shape = replace(self.owner.shape, sort=sort)
        self.owner.reshape()
        self.app.say(f"Sessions {SORTS[self.owner.shape.sort]}.", role="muted")
        self.owner.post_message(SessionsSorted())

    def do_group(self) -> None:
        group = GROUPS[(GROUPS.index(self.owner.shape.group) + 1) % len(GROUPS)]
        self.owner.shape = replace(self.owner.shape, group=group)
        self.owner.reshape()
        self.app.say("Sessions in one list." if group == "none" else f"Sessions by {group}.", role="muted")


class MarkController(Controller["SessionsPane"]):
    """Bookmarks, notes, what was read."""

    CONTEXTS: ClassVar[tuple[str, ...]] = ("sessions",)

    def _why_not(self) -> str | None:
        if self.owner.current is None:
            return "There is no session under the cursor."
        return "This is read only; nothing is kept." if self.app.read_only else None

    why_bookmark = why_note = why_read = why_rename = why_tag = why_archive = _why_not

    def do_bookmark(self) -> None:
        session = self.owner.current
        assert session is not None
        self.app.bucket.bookmark(session, not session.bookmarked)
        self.owner.change(session, bookmarked=not session.bookmarked)

    def do_read(self) -> None:
        session = self.owner.current
        assert session is not None
        self.owner.change(session, unread=False)

    def do_rename(self) -> None:
        from tracetui.bucket import tags
        from tracetui.tui.kit.ask import AskScreen
        from tracetui.tui.kit.session_labels import title_of

        session = self.owner.current
        assert session is not None

        def keep(text: str | None) -> None:
            if text is not None:
                tags.rename(self.app.bucket, session, text)
                self.owner.load()

        self.app.push_screen(AskScreen("Title", title_of(session), hint="An empty one: that of the log."), keep)

    def do_tag(self) -> None:
        from tracetui.bucket import tags
        from tracetui.tui.kit.ask import AskScreen

        session = self.owner.current
        assert session is not None

        def keep(text: str | None) -> None:
            if text is None:
                return
            wanted = {word.removeprefix("#").lower() for word in text.split()}
            try:
                for name in sorted(wanted - set(session.tags)):
                    tags.tag(self.app.bucket, session, name)
                for name in set(session.tags) - wanted:
                    tags.tag(self.app.bucket, session, name, on=False)
            except TracetuiError as error:
                self.app.say(str(error))
            self.owner.load()

        known = ", ".join(name for name, _ in tags.tags(self.app.bucket)[:12])
        hint = f"Parted by blanks. Known: {known}" if known else "Parted by blanks; tag:NAME finds them."
        self.app.push_screen(AskScreen("Tags", " ".join(session.tags), hint=hint), keep)

    def do_archive(self) -> None:
        from tracetui.bucket import tags

        session = self.owner.current
        assert session is not None
        tags.archive(self.app.bucket, session, on=not session.archived)
        said = "Taken out of the archive." if session.archived else "Put away. is:archived lists it; a takes it out."
        self.app.say(said, role="muted")
        self.owner.load()

    def do_note(self) -> None:
        from tracetui.tui.kit.ask import AskScreen

        session = self.owner.current
        assert session is not None

        def keep(text: str | None) -> None:
            if text is not None:
                self.app.bucket.note(session, text.strip() or None)
                self.owner.change(session, note=text.strip() or None)

        self.app.push_screen(AskScreen("Note", session.note or "", hint="An empty note is none."), keep)


def _group_at(rows: RowSource, cursor: int) -> str | None:
    """The key of the group that a row folds or stands in."""
    if not isinstance(rows, SessionRows) or not 0 <= cursor < len(rows.items):
        return None
    for row in range(cursor, -1, -1):
        item = rows.items[row]
        if item.kind in ("folded", "family"):
            return item.name
        if item.kind == "head" or (item.kind == "session" and not item.depth and row < cursor):
            return None
        if item.kind == "session" and not item.depth:
            below = rows.items[row + 1] if row + 1 < len(rows.items) else None
            return below.name if below is not None and below.kind == "family" else None
    return None
