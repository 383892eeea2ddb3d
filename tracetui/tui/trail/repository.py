"""The dialog that names the repository of a session's folder."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from tracetui.bucket.query_complete import Completion
from tracetui.text import format as fmt
from tracetui.text.safe import one_line
from tracetui.tui.actions import bindings
from tracetui.tui.kit.actor import Actor
from tracetui.tui.kit.query_line import QueryLine
from tracetui.tui.kit.trail_client import NOW, TrailAnswer, TrailProgress

if TYPE_CHECKING:
    from tracetui.tui.kit.host import HostApp

__all__ = ["RepositoryScreen", "complete_folder"]

_MOST: Final = 200


def complete_folder(text: str, cursor: int) -> list[Completion]:
    """The folders that a path may go on with, repositories first. Names are offered as they are, never read."""
    typed = text[:cursor]
    head, _, tail = typed.rpartition("/")
    place = Path(os.path.expanduser(head + "/" if head or typed.startswith("/") else head or "."))  # noqa: PTH111
    found: list[tuple[bool, str]] = []
    try:
        with os.scandir(place) as entries:
            for entry in entries:
                name = entry.name
                if not name.startswith(tail) or (name.startswith(".") and not tail) or not entry.is_dir():
                    continue
                if one_line(name) == name:
                    found.append((not (place / name / ".git").exists(), name))
                if len(found) >= _MOST:
                    break
    except OSError:
        return []
    start = cursor - len(tail)
    return [Completion(start, cursor, name + "/", "" if plain else "a repository") for plain, name in sorted(found)]


class RepositoryScreen(ModalScreen[bool | None], Actor):
    """Asks which repository belongs to a folder and has it remembered; gives True when something changed. An empty
    line forgets what was named."""

    CONTEXTS: ClassVar[tuple[str, ...]] = ("dialog",)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("dialog")]
    DEFAULT_CSS = """
    RepositoryScreen { align: center middle; }
    RepositoryScreen > Vertical { width: 84; max-width: 96%; height: auto; border: round $line; padding: 0 1;
        background: $background; border-title-color: $accent; border-subtitle-color: $muted; }
    RepositoryScreen Static { color: $muted; height: auto; }
    RepositoryScreen #problem { color: $bad; }
    """

    app: HostApp

    def __init__(self, cwd: str, place: Mapping[str, Any] | None) -> None:
        super().__init__()
        self._cwd = cwd
        self._place = place
        named = str(place.get("work") or place["git"]) if place is not None and place.get("named") else ""
        self._named = bool(named)
        above = os.path.dirname(cwd)  # noqa: PTH120
        start = above + "/" if os.path.isdir(above) else "~/"  # noqa: PTH112
        start = fmt.home_path(named or start, str(Path.home()))
        self.line = QueryLine(start, sign="R", placeholder="a folder with a Git repository", complete=complete_folder)
        self.problem = Static(Content(""), id="problem")

    def compose(self) -> ComposeResult:
        home = str(Path.home())
        folder = one_line(fmt.middle_cut(fmt.home_path(self._cwd, home), 60))
        if self._place is None:
            now = f"No repository was found for {folder}."
        else:
            work = one_line(fmt.home_path(str(self._place.get("work") or self._place["git"]), home))
            now = f"{folder} belongs to the repository {work}{', as you named it' if self._named else ''}."
        with Vertical() as box:
            box.border_title = "Repository"
            box.border_subtitle = "enter remember  esc back"
            yield Static(Content(now))
            yield self.line
            yield self.problem
            yield Static(Content("tab completes. It is remembered for this folder; an empty line forgets it."))

    def on_mount(self) -> None:
        self.problem.display = False
        self.line.call_after_refresh(self._begin)

    def _begin(self) -> None:
        self.line.focus_input()
        self.line.input.cursor_position = len(self.line.text)

    def on_query_line_changed(self, message: QueryLine.Changed) -> None:
        message.stop()
        self.problem.display = False

    def on_query_line_submitted(self, message: QueryLine.Submitted) -> None:
        message.stop()
        # what is typed after the folder that stands there begins anew with a slash
        text = message.text.strip()
        text = text[text.rfind("//") + 1 :] if "//" in text else text
        if not text and not self._named:
            self.dismiss(None)
            return
        self.app.trail.ask("remember", rank=NOW, to=self, cwd=self._cwd, repo=text or None)

    def on_query_line_dropped(self, message: QueryLine.Dropped) -> None:
        message.stop()
        self.dismiss(None)

    def on_trail_progress(self, message: TrailProgress) -> None:
        message.stop()

    def on_trail_answer(self, message: TrailAnswer) -> None:
        if message.question.error is not None:
            self.problem.update(Content(one_line(message.question.error, 300)))
            self.problem.display = True
        else:
            self.dismiss(True)

    def do_cancel(self) -> None:
        self.dismiss(None)
