"""The replay player: an episode step by step as it happened, beside it what its files had become by then."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import Screen

from tracetui.model import SessionRow, TracetuiError
from tracetui.text import format as fmt
from tracetui.text.safe import one_line
from tracetui.tui.actions import bindings
from tracetui.tui.capsule.playback import ChangedFile, Playback, read_playback
from tracetui.tui.capsule.player import LeaveController, PlayerController
from tracetui.tui.capsule.player_strip import PlayerStrip
from tracetui.tui.capsule.rows import FactRow, FactRows
from tracetui.tui.kit.actor import Actor
from tracetui.tui.kit.background import Background
from tracetui.tui.kit.document import Document, DocumentMaker
from tracetui.tui.kit.footer import Footer
from tracetui.tui.kit.line_list import LineList
from tracetui.tui.kit.pane import PaneTitle, Rest
from tracetui.tui.kit.text_view import TextView

if TYPE_CHECKING:
    from tracetui.bucket.store import Bucket
    from tracetui.tui.kit.host import HostApp

__all__ = ["ReplayScreen"]

_DIFF: Final = 1024 * 1024


class ReplayScreen(Screen[None], Actor, Background):
    """Plays a session of the bucket. ``step`` is where it begins; ``capsule`` the file that it came from."""

    CONTEXTS: ClassVar[tuple[str, ...]] = ("player", "screen")
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(
            "player",
            "screen",
            priority=("player.play", "player.next", "player.previous", "player.jump", "player.faster", "player.slower"),
        )
    ]
    AUTO_FOCUS = None
    DEFAULT_CSS = """
    ReplayScreen #player-left { width: 1fr; height: 1fr; }
    ReplayScreen #player-right { width: 1fr; height: 1fr; border-left: solid $line; }
    ReplayScreen #player-files { height: auto; min-height: 2; max-height: 30%; }
    ReplayScreen PaneTitle.-top { dock: top; }
    """
    app: HostApp

    def __init__(
        self,
        session: SessionRow,
        step: tuple[int, int] | None = None,
        capsule: Path | None = None,
        repo: Path | None = None,
    ) -> None:
        """``step``: (log, number); ``repo`` holds the base of the capsule, by default the one around this folder."""
        super().__init__()
        self.session, self.capsule = session, capsule
        self._begin = step
        self.repo = repo
        self.playback: Playback | None = None
        self.at = 0
        self.files: list[ChangedFile] = []
        self.title_line = PaneTitle("", "Replay")
        self.step_title = PaneTitle("", "As it happened")
        self.tree_title = PaneTitle("", "The tree by then")
        self.strip = PlayerStrip()
        self.step_text = TextView(id="player-step")
        self.rows = LineList(id="player-files")
        self.diff = TextView(id="player-diff")
        self._rest = Rest(self, self._show_file)
        self._error = ""
        self.player = PlayerController(self)
        self.controllers = (self.player, LeaveController(self))

    def compose(self) -> ComposeResult:
        self.title_line.add_class("-top")
        yield self.title_line
        yield self.strip
        with Horizontal():
            with Vertical(id="player-left"):
                yield self.step_title
                yield self.step_text
            with Vertical(id="player-right"):
                yield self.tree_title
                yield self.rows
                yield self.diff
        yield Footer()

    def on_mount(self) -> None:
        self.title_line.activate(True)
        self.title_line.show(self.session.title or self.session.id)
        self.rows.empty = ("Putting the episode together.",)
        self.step_text.focus()
        self.load()

    def load(self) -> None:
        session, capsule, repo = self.session, self.capsule, self.repo

        def work(bucket: Bucket, cancelled: Callable[[], bool]) -> Playback | None:
            return read_playback(bucket, session, capsule, cancelled, repo)

        self.ask("playback", work, self._loaded, self._failed_to_load)

    def _failed_to_load(self, error: Exception) -> None:
        if not isinstance(error, TracetuiError):
            raise error
        self._error = one_line(str(error), 300)
        self.rows.empty = ("This cannot be replayed.", self._error)
        self.rows.refresh()
        self.app.refresh_offers()

    def _loaded(self, playback: Playback | None) -> None:
        if playback is None:
            return
        self.playback = playback
        if self._begin is not None:
            found = (nth for nth, (log, row) in enumerate(playback.steps) if (log.id, row.number) == self._begin)
            self.at = next(found, 0)
            self._begin = None
        self.show_step()
        self.app.refresh_offers()

    @property
    def why_none(self) -> str | None:
        if self._error:
            return self._error
        if self.playback is None:
            return "The episode is being put together."
        return None if self.playback.steps else "This session has no step."

    # -- where it is --------------------------------------------------------------------------------------------------

    def go(self, at: int) -> None:
        """Show the step at a position, counted from 0."""
        if self.playback is not None and self.playback.steps:
            self.at = max(0, min(at, len(self.playback.steps) - 1))
            self.show_step()

    def show_step(self) -> None:
        playback = self.playback
        if playback is None:
            return
        self.show_strip()
        if not playback.steps:
            self.rows.empty = ("This session has no step.",)
            self.rows.refresh()
            return
        log, row = playback.steps[self.at]
        who = f" of subagent {one_line(log.agent, 40)}" if log.agent else ""
        self.step_title.show(f"step {row.number:,}{who}", " ".join(filter(None, (row.kind, row.tool))))
        session = self.session

        def work(bucket: Bucket, cancelled: Callable[[], bool]) -> Document | None:
            from tracetui.tui.kit.step_document import document_of, fetch

            loaded = fetch(bucket, log.id, row.number, session, cancelled)
            return None if loaded is None else document_of(loaded, "read")

        self.ask("step", work, lambda document: self.step_text.show(document) if document is not None else None)
        self._show_tree(playback)

    def show_strip(self) -> None:
        """Bring position, speed and clock up to date."""
        if self.playback is not None:
            player, count = self.player, len(self.playback.steps)
            self.strip.show(self.at, count, player.speed, playing=player.playing, clock=self._clock())

    def _clock(self) -> str:
        playback = self.playback
        if playback is None or not playback.steps:
            return ""
        first, now = playback.steps[0][1].time, playback.steps[self.at][1].time
        if first is None or now is None:
            return ""
        seconds = max(0, now - first) // 1000
        return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"

    def _show_tree(self, playback: Playback) -> None:
        self.files = playback.changed_files(self.at)
        tree_change = playback.tree_change(self.at)
        signs = {"added": "alive", "removed": "lost", "changed": "transformed"}
        rows = [
            FactRow(item.path, "this step" if item.now else item.kind, signs[item.kind], "" if item.now else "muted",
                place=item.path, path=True)
            for item in self.files
        ]  # fmt: skip
        problems = [] if tree_change is None else tree_change.problems
        rows += [FactRow(problem, sign="finding", place=("problem", nth)) for nth, problem in enumerate(problems)]
        self.rows.empty = ("No file has changed yet.",)
        touched = next((nth for nth, item in enumerate(self.files) if item.now), None)
        self.rows.reload(FactRows(rows), row=touched)
        self.tree_title.show("", fmt.plural(len(self.files), "changed file"))
        self._show_file()

    def _show_file(self) -> None:
        playback = self.playback
        if playback is None:
            return
        at = self.rows.cursor
        item = self.files[at] if 0 <= at < len(self.files) else None
        told = playback.told

        def work(cancelled: Callable[[], bool]) -> Document:
            from tracetui.capsule.patches import FileChange, make

            maker = DocumentMaker().add(told, style="muted")
            if item is None:
                return maker.make()
            data = item.patch
            if data is None:
                data = make([FileChange(item.path, item.before, item.after)])
            text = data[:_DIFF].decode("utf-8", "replace")
            maker.heading(f"{item.path}, {item.kind} since the base")
            maker.add(text or "As in the base.", "diff")
            if len(data) > _DIFF:
                maker.add(f"{fmt.size(len(data) - _DIFF)} more", style="muted")
            return maker.make()

        self.background("file", work, self.diff.show)

    def on_line_list_moved(self, message: LineList.Moved) -> None:
        message.stop()
        self._rest.moved()

    def on_line_list_opened(self, message: LineList.Opened) -> None:
        message.stop()
        self.diff.focus()

    def do_switch(self) -> None:
        order = [self.step_text, self.rows, self.diff]
        here = next((nth for nth, widget in enumerate(order) if widget.has_focus), -1)
        order[(here + 1) % 3].focus()

    def do_back(self) -> None:
        self.dismiss(None)
