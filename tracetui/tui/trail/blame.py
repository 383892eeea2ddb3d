"""Who is behind a commit, a range or the lines of a file: sessions, their prompts and steps."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from tracetui.bucket.query_complete import Completion
from tracetui.model import SessionRow
from tracetui.text import format as fmt
from tracetui.text.safe import is_display_safe, one_line
from tracetui.tui.actions import bindings
from tracetui.tui.kit.actor import Actor
from tracetui.tui.kit.background import Background
from tracetui.tui.kit.footer import Footer
from tracetui.tui.kit.line_list import LineList
from tracetui.tui.kit.outside import at_line, program, run_outside
from tracetui.tui.kit.pane import PaneTitle
from tracetui.tui.kit.query_line import QueryLine
from tracetui.tui.kit.trail_client import NOW, Question, TrailAnswer, TrailProgress
from tracetui.tui.trail.blame_code import said_of
from tracetui.tui.trail.blame_rows import BlameRow, BlameRows, home, rows_of
from tracetui.tui.trail.commit import CommitScreen, Place
from tracetui.tui.trail.pull_request import ask_text, copy_text

if TYPE_CHECKING:
    from tracetui.tui.kit.host import HostApp

__all__ = ["BlameScreen", "complete_target"]

_MOST: Final = 24


def complete_target(text: str, cursor: int, places: Mapping[str, Any]) -> list[Completion]:
    """What the word before the cursor may become: a branch, a recent commit (also by its subject), a path."""
    typed = text[:cursor]
    start = typed.rfind("..") + 2 if ".." in typed else 0
    word = typed[start:].casefold()
    if not word:
        return []
    found = [
        Completion(start, cursor, name, "a branch") for name in places["branches"] if name.casefold().startswith(word)
    ]
    found += [
        Completion(start, cursor, commit["sha"][:9], commit["subject"])
        for commit in places["commits"]
        if commit["sha"].startswith(word) or (len(word) > 2 and word in commit["subject"].casefold())
    ]
    if start == 0:
        own = [path for path in places["paths"] if word in path.casefold() and is_display_safe(path)]
        own.sort(
            key=lambda path: (not path.casefold().startswith(word), word not in path.rpartition("/")[2].casefold())
        )
        found += [Completion(0, cursor, path, "a file; :10-40 names lines") for path in own[:_MOST]]
    return [target for target in found if target.text.casefold() != word][:_MOST]


class BlameScreen(Screen[Place | None], Background, Actor):
    """Gives the step that the user went to, or None. ``session`` names the repository, ``target`` is asked at once."""

    CONTEXTS: ClassVar[tuple[str, ...]] = ("blame", "screen")
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("blame", "screen")]
    AUTO_FOCUS = None
    DEFAULT_CSS = "#blame-top { height: auto; max-height: 2; padding: 0 1; color: $prompt; display: none; }"
    app: HostApp

    def __init__(self, session: SessionRow, target: str = "") -> None:
        super().__init__()
        self._session = session
        self.title_line = PaneTitle("", "Blame")
        self.line = QueryLine(
            target, sign="B", placeholder="HEAD, main..feature, src/limit.py:10-40", complete=self._complete
        )
        self.rows = LineList(id="blame-rows")
        self.top = Static(Content(""), id="blame-top")
        self.places: Mapping[str, Any] | None = None
        self.answer: Mapping[str, Any] | None = None
        self._asked: Question | None = None
        self._questions: list[Question] = []
        self._target = target

    def compose(self) -> ComposeResult:
        yield self.title_line
        yield self.line
        yield self.top
        yield self.rows
        yield Footer()

    def on_mount(self) -> None:
        self.title_line.activate(True)
        self.rows.empty = ("Reading the repository.",)
        self._ask("places")
        if self._target:
            self._blame(self._target)
            self.rows.focus()
        else:
            self.line.focus_input()

    def _ask(self, ask: str, **values: str) -> Question:
        row = self._session
        question = self.app.trail.ask(ask, rank=NOW, to=self, session=row.id, harness=row.harness, **values)
        self._questions.append(question)
        return question

    def on_unmount(self) -> None:
        for question in self._questions:
            self.app.trail.cancel(question)

    def _complete(self, text: str, cursor: int) -> Sequence[Completion]:
        return complete_target(text, cursor, self.places) if self.places is not None else ()

    # -- asking -------------------------------------------------------------------------------------------------------

    def _blame(self, target: str) -> None:
        if self._asked is not None:
            self.app.trail.cancel(self._asked)
        self._target = target
        self.answer = None
        self.line.say("looking")
        self._asked = self._ask("blame", target=target)

    def on_query_line_changed(self, message: QueryLine.Changed) -> None:
        message.stop()
        if not message.text.strip():
            self._recent()
        self.app.refresh_offers()

    def on_query_line_submitted(self, message: QueryLine.Submitted) -> None:
        message.stop()
        text = message.text.strip()
        if text and text != self._target:
            self._blame(text)
        if text or len(self.rows.source):
            self.rows.focus()

    def on_query_line_dropped(self, message: QueryLine.Dropped) -> None:
        message.stop()
        self.dismiss(None)

    def on_trail_progress(self, message: TrailProgress) -> None:
        if message.question is self._asked:
            what = "commits" if message.what == "index" else "hunks"
            self.line.say(f"{fmt.count(message.done)} of {fmt.plural(message.total, what[:-1], what)}")

    def on_trail_answer(self, message: TrailAnswer) -> None:
        question = message.question
        if question.ask == "places":
            self._placed(question)
        elif question.ask == "pull_request":
            copy_text(self.app, self, question)
        elif question is self._asked:
            self._asked = None
            self._answered(question)
        self.app.refresh_offers()

    def _placed(self, question: Question) -> None:
        if question.error is not None or question.answer is None:
            self._teach("No repository to ask.", question.error or "")
            return
        self.places = question.answer
        repo = self.places["repo"]
        self.title_line.show(home(str(repo["work"] or repo["git"])))
        if not self._target:
            self._recent()

    def _recent(self) -> None:
        """With nothing asked the newest commits, to choose from."""
        self.answer, self._target = None, ""
        self.line.say("")
        commits = self.places["commits"] if self.places is not None else []
        if not commits:
            return
        rows = [
            BlameRow("head", "Newest commits", style="muted:b"),
            *(BlameRow("commit", facts=commit) for commit in commits),
        ]
        self.rows.reload(BlameRows(rows), row=0, keep=False)

    def _teach(self, *lines: str) -> None:
        self.rows.empty = [one_line(line, 400) for line in lines if line]
        self.rows.reload(BlameRows([]), keep=False)

    def _answered(self, question: Question) -> None:
        if question.error is not None or question.answer is None:
            self.line.say("nothing to tell", "bad")
            self._teach(question.error or "", "A commit, a range (main..feature), or a path with lines (app.py:10-40).")
            return
        self.answer = question.answer
        rows = rows_of(self.answer)
        if not rows:
            self.line.say("no commit", "muted")
            self._teach("The range holds no commit.")
            return
        lines = sum(row["added"] for row in self.answer["rows"])
        own = sum(row["attributed"] for row in self.answer["rows"])
        sessions = len({share["id"] for row in self.answer["rows"] for share in row["sessions"]})
        if sessions:
            said = f"{fmt.count(own)} of {fmt.plural(lines, 'line')} from {fmt.plural(sessions, 'session')}"
        else:
            said = "no session is behind it" if lines < 2 else f"no session is behind these {fmt.count(lines)} lines"
        self.line.say(said)
        first = next((at for at, row in enumerate(rows) if row.place is not None), 0)
        self.rows.reload(BlameRows(rows), row=first, keep=False)
        self.rows.scroll_to(y=0, animate=False, force=True)
        self._say_top()

    # -- actions ------------------------------------------------------------------------------------------------------

    @property
    def _row(self) -> BlameRow | None:
        source = self.rows.source
        return source.rows[self.rows.cursor] if isinstance(source, BlameRows) and self.rows.cursor >= 0 else None

    def on_line_list_opened(self, message: LineList.Opened) -> None:
        message.stop()
        row = self._row
        if row is None or row.facts is None:
            return
        if row.place is not None:
            self.dismiss(row.place)
        elif row.kind == "commit":
            self.line.input.value = str(row.facts["sha"])[:9]
            self._blame(str(row.facts["sha"])[:9])
        elif row.kind == "blame" and row.facts["commit"]:
            self.app.push_screen(CommitScreen(self._session, str(row.facts["commit"])), self._go)

    def _go(self, place: Place | None) -> None:
        if place is not None:
            self.dismiss(place)

    def on_line_list_moved(self, message: LineList.Moved) -> None:
        message.stop()
        self._say_top()
        self.app.refresh_offers()

    def _say_top(self) -> None:
        """The prompt behind the line under the cursor, above the code."""
        row = self._row
        said = said_of(row.facts) if row is not None and row.kind == "code" and row.facts is not None else ""
        self.top.update(Content(said))
        self.top.display = bool(said)

    def why_editor(self) -> str | None:
        row, code = self._row, (self.answer or {}).get("code")
        if row is None or row.kind != "code" or row.facts is None or not code:
            return "There is no line of a file under the cursor."
        return None if code.get("work") else "This repository has no work tree."

    def do_editor(self) -> None:
        row = self._row
        assert row is not None
        assert row.facts is not None
        assert self.answer is not None
        path = Path(self.answer["code"]["work"]) / str(row.facts["path"])
        argv = program(os.environ, ("VISUAL", "EDITOR"), ("vi", "nano"))
        if not path.is_file():
            self.app.say(f"{row.facts['path']} is not in the work tree any more.")
        elif argv is None:
            self.app.say("No editor is named in $VISUAL or $EDITOR.")
        else:
            run_outside(self.app, [*argv, *at_line(argv[0], str(path), int(row.facts["number"]))])
            self.app.refresh()

    def why_copy(self) -> str | None:
        return None if self.answer is not None else "Ask about a commit, a range or lines first."

    def do_copy(self) -> None:
        assert self.answer is not None
        self._questions.append(ask_text(self.app, self, self._session, self._target))

    def do_edit(self) -> None:
        self.line.focus_input()

    def do_back(self) -> None:
        self.dismiss(None)
