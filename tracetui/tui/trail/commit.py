"""One commit: its message, people, files, and the sessions behind it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen

from tracetui.model import SessionRow
from tracetui.text import format as fmt
from tracetui.text.safe import one_line
from tracetui.tui.actions import bindings
from tracetui.tui.kit.actor import Actor
from tracetui.tui.kit.background import Background
from tracetui.tui.kit.footer import Footer
from tracetui.tui.kit.line_list import LineList
from tracetui.tui.kit.pane import PaneTitle
from tracetui.tui.kit.trail_client import NOW, Question, TrailAnswer, TrailProgress
from tracetui.tui.trail.blame_rows import BlameRow, BlameRows, commit_rows
from tracetui.tui.trail.pull_request import ask_text, copy_text

if TYPE_CHECKING:
    from tracetui.tui.kit.host import HostApp

__all__ = ["CommitScreen", "Place"]

Place = tuple[str, str | None, int]
"""(session, agent, step)."""


class CommitScreen(Screen[Place | None], Background, Actor):
    """Gives the step of a session that the user went to, or None. ``sha`` is of the session's repository."""

    CONTEXTS: ClassVar[tuple[str, ...]] = ("commit", "screen")
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("commit", "screen")]
    AUTO_FOCUS = "LineList"
    app: HostApp

    def __init__(self, session: SessionRow, sha: str) -> None:
        super().__init__()
        self._session, self.sha = session, sha
        self.title_line = PaneTitle("", "Commit")
        self.rows = LineList(id="commit-rows")
        self.commit: Mapping[str, Any] | None = None
        self.behind: Mapping[str, Any] | None = None
        self._asked: list[Question] = []

    def compose(self) -> ComposeResult:
        yield self.title_line
        yield self.rows
        yield Footer()

    def on_mount(self) -> None:
        self.title_line.activate(True)
        self.title_line.show(self.sha[:9])
        self.rows.empty = ("Reading the commit.",)
        row = self._session
        for ask, values in (("commit", {"sha": self.sha}), ("blame", {"target": self.sha})):
            self._asked.append(
                self.app.trail.ask(ask, rank=NOW, to=self, session=row.id, harness=row.harness, **values)
            )

    def on_unmount(self) -> None:
        for question in self._asked:
            self.app.trail.cancel(question)

    def on_trail_progress(self, message: TrailProgress) -> None:
        what = "commits" if message.what == "index" else "hunks"
        self.title_line.show(facts=f"{fmt.count(message.done)} of {fmt.plural(message.total, what[:-1], what)}")

    def on_trail_answer(self, message: TrailAnswer) -> None:
        question = message.question
        if question.ask == "pull_request":
            copy_text(self.app, self, question)
            return
        waiting = "Looking for the sessions behind it"
        if question.error is not None:
            if question.ask == "commit":
                self.rows.empty = ("This commit cannot be shown.", one_line(question.error, 300))
                self.rows.refresh()
                return
            waiting = f"The sessions behind it cannot be told: {one_line(question.error, 200)}"
        elif question.ask == "commit":
            self.commit = question.answer
        else:
            self.behind = question.answer
        if self.commit is not None:
            self.title_line.show(f"{self.sha[:9]} {self.commit['subject']}", fmt.relative(self.commit["time"]))
            self.rows.reload(BlameRows(commit_rows(self.commit, self.behind, waiting)))
        self.app.refresh_offers()

    @property
    def _row(self) -> BlameRow | None:
        source = self.rows.source
        return source.rows[self.rows.cursor] if isinstance(source, BlameRows) and self.rows.cursor >= 0 else None

    def on_line_list_opened(self, message: LineList.Opened) -> None:
        message.stop()
        row = self._row
        if row is None:
            return
        if row.place is not None:
            self.dismiss(row.place)
        elif row.kind == "file":
            from tracetui.tui.trail.blame import BlameScreen

            self.app.push_screen(BlameScreen(self._session, row.text), self._behind_file)
        else:
            self.app.say("Enter goes to the step of a session, or to who is behind a file.", role="muted")

    def _behind_file(self, place: Place | None) -> None:
        if place is not None:
            self.dismiss(place)

    def on_line_list_moved(self, message: LineList.Moved) -> None:
        message.stop()
        self.app.refresh_offers()

    def do_copy(self) -> None:
        self.app.copy_text(str(self.commit["sha"]) if self.commit is not None else self.sha)

    def why_markdown(self) -> str | None:
        return None if self.behind is not None else "The sessions behind it are not known yet."

    def do_markdown(self) -> None:
        assert self.behind is not None
        self._asked.append(ask_text(self.app, self, self._session, self.sha))

    def do_back(self) -> None:
        self.dismiss(None)
