"""The query line over the list of sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracetui.model import TracetuiError
from tracetui.text import format as fmt
from tracetui.tui.kit.actor import Controller
from tracetui.tui.kit.messages import SessionsLoaded

if TYPE_CHECKING:
    from tracetui.bucket.query_complete import Completion
    from tracetui.tui.browse.main import MainScreen
    from tracetui.tui.kit.query_line import QueryLine

__all__ = ["FilterController"]


class FilterController(Controller["MainScreen"]):
    """What is typed filters the list at once."""

    def __init__(self, owner: MainScreen) -> None:
        super().__init__(owner)
        self.line: QueryLine | None = None

    async def open(self) -> None:
        """Put the cursor into the query line."""
        from tracetui.tui.kit.query_line import QueryLine

        if self.line is None:
            self.line = QueryLine(
                self.owner.sessions_pane.query_text,
                placeholder="harness:codex since:7d rate limit",
                complete=self._complete,
            )
            await self.owner.mount(self.line, before="#panes")
        self.line.focus_input()

    async def show(self, text: str) -> None:
        """Show what a query line finds, as if it had been typed; all sessions for an empty one."""
        if not text:
            self.drop()
            return
        await self.open()
        assert self.line is not None
        self.line.put(text)
        self.owner.sessions_pane.filter(text)
        self.owner.arrangement.go(0)

    def _complete(self, text: str, cursor: int) -> list[Completion]:
        from tracetui.bucket.query_complete import complete

        return complete(text, cursor, self._known())

    @staticmethod
    def _in_words(text: str) -> str:
        from tracetui.bucket.query import parse
        from tracetui.bucket.query_words import in_words

        try:
            return in_words(parse(text), of="sessions")
        except TracetuiError:
            return ""

    def _known(self) -> dict[str, list[str]]:
        """Values for completion, the most frequent first."""
        from collections import Counter

        from tracetui.tui.kit.session_labels import project_of

        rows = self.owner.sessions_pane.everything
        tables = {
            "harness": Counter(row.harness for row in rows),
            "project": Counter(project_of(row) for row in rows),
            "model": Counter(row.model or "" for row in rows),
            "branch": Counter(row.branch or "" for row in rows),
            "repo": Counter(row.repo or "" for row in rows),
            "tag": Counter(tag for row in rows for tag in row.tags),
        }
        return {name: [value for value, _ in table.most_common(50) if value] for name, table in tables.items()}

    def on_query_line_changed(self, message: QueryLine.Changed) -> None:
        self.owner.sessions_pane.filter(message.text)

    def on_query_line_submitted(self, message: QueryLine.Submitted) -> None:
        if not message.text.strip():
            self.drop()
        self.owner.arrangement.go(0)

    def on_query_line_dropped(self) -> None:
        self.drop()

    def on_sessions_pane_cleared(self) -> None:
        self.drop()

    def drop(self) -> None:
        """Show all sessions again."""
        if self.line is not None:
            self.line.remove()
            self.line = None
        self.owner.sessions_pane.filter("")
        self.owner.arrangement.go(0)

    def on_sessions_loaded(self, message: SessionsLoaded) -> None:
        if self.line is None:
            return
        text = self.owner.sessions_pane.query_text
        self.line.explain(self._in_words(text) if text and message.error is None else "")
        if message.error is not None:
            self.line.say(message.error, "bad")
        elif text:
            self.line.say(f"{fmt.count(message.shown)} of {fmt.count(message.total)}")
        else:
            self.line.say("")
