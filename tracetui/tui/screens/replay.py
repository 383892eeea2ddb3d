"""The replay player: an episode step by step as it happened, beside it what its files had become by then."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import Screen
from textual.timer import Timer

from tracetui.model import SessionRow, TracetuiError
from tracetui.text import format as fmt
from tracetui.text.safe import one_line
from tracetui.tui.actions import Actor, bindings
from tracetui.tui.background import Background
from tracetui.tui.capsule.course import Became, Course, read_course
from tracetui.tui.capsule.player_strip import PlayerStrip
from tracetui.tui.capsule.rows import Row, Rows
from tracetui.tui.panes.base import PaneTitle, Rest
from tracetui.tui.widgets.footer import Footer
from tracetui.tui.widgets.line_list import LineList
from tracetui.tui.widgets.text_view import Document, DocumentMaker, TextView

if TYPE_CHECKING:
    from tracetui.bucket.store import Bucket
    from tracetui.tui.app import TracetuiApp

__all__ = ["ReplayScreen"]

SPEEDS: Final = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
_LONGEST: Final = 3.0
"""Seconds that a step stands at most at single speed: nobody watches an agent wait."""
_SHORTEST: Final = 0.4
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
    app: TracetuiApp

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
        self.course: Course | None = None
        self.at = 0
        self.speed = 1.0
        self.playing = False
        self.files: list[Became] = []
        self.title_line = PaneTitle("", "Replay")
        self.step_title = PaneTitle("", "As it happened")
        self.tree_title = PaneTitle("", "The tree by then")
        self.strip = PlayerStrip()
        self.step_text = TextView(id="player-step")
        self.rows = LineList(id="player-files")
        self.diff = TextView(id="player-diff")
        self._timer: Timer | None = None
        self._rest = Rest(self, self._show_file)
        self._error = ""

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
        self._load()

    def _load(self) -> None:
        session, capsule, repo = self.session, self.capsule, self.repo

        def work(bucket: Bucket, cancelled: Callable[[], bool]) -> Course | None:
            return read_course(bucket, session, capsule, cancelled, repo)

        self.ask("course", work, self._loaded, self._failed_to_load)

    def _failed_to_load(self, error: Exception) -> None:
        if not isinstance(error, TracetuiError):
            raise error
        self._error = one_line(str(error), 300)
        self.rows.empty = ("This cannot be replayed.", self._error)
        self.rows.refresh()
        self.app.refresh_offers()

    def _loaded(self, course: Course | None) -> None:
        if course is None:
            return
        self.course = course
        if self._begin is not None:
            found = (nth for nth, (log, row) in enumerate(course.steps) if (log.id, row.number) == self._begin)
            self.at = next(found, 0)
            self._begin = None
        self._show()
        self.app.refresh_offers()

    def on_unmount(self) -> None:
        if self._timer is not None:
            self._timer.stop()

    # -- where it is --------------------------------------------------------------------------------------------------

    def go(self, at: int) -> None:
        """Show the step at a position, counted from 0."""
        if self.course is not None and self.course.steps:
            self.at = max(0, min(at, len(self.course.steps) - 1))
            self._show()

    def _show(self) -> None:
        course = self.course
        if course is None:
            return
        count = len(course.steps)
        self.strip.show(self.at, count, self.speed, playing=self.playing, clock=self._clock())
        if not count:
            self.rows.empty = ("This session has no step.",)
            self.rows.refresh()
            return
        log, row = course.steps[self.at]
        who = f" of subagent {one_line(log.agent, 40)}" if log.agent else ""
        self.step_title.show(f"step {row.number:,}{who}", " ".join(filter(None, (row.kind, row.tool))))
        session = self.session

        def work(bucket: Bucket, cancelled: Callable[[], bool]) -> Document | None:
            from tracetui.tui.step_document import document_of, fetch

            loaded = fetch(bucket, log.id, row.number, session, cancelled)
            return None if loaded is None else document_of(loaded, "read")

        self.ask("step", work, lambda document: self.step_text.show(document) if document is not None else None)
        self._show_tree(course)

    def _clock(self) -> str:
        course = self.course
        if course is None or not course.steps:
            return ""
        first, now = course.steps[0][1].time, course.steps[self.at][1].time
        if first is None or now is None:
            return ""
        seconds = max(0, now - first) // 1000
        return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"

    def _show_tree(self, course: Course) -> None:
        self.files = course.became(self.at)
        moment = course.moment(self.at)
        signs = {"added": "alive", "removed": "lost", "changed": "transformed"}
        rows = [
            Row(item.path, "this step" if item.now else item.kind, signs[item.kind], "" if item.now else "muted",
                place=item.path, path=True)
            for item in self.files
        ]  # fmt: skip
        problems = [] if moment is None else moment.problems
        rows += [Row(problem, sign="finding", place=("problem", nth)) for nth, problem in enumerate(problems)]
        self.rows.empty = ("No file has changed yet.",)
        touched = next((nth for nth, item in enumerate(self.files) if item.now), None)
        self.rows.reload(Rows(rows), row=touched)
        self.tree_title.show("", fmt.plural(len(self.files), "changed file"))
        self._show_file()

    def _show_file(self) -> None:
        course = self.course
        if course is None:
            return
        at = self.rows.cursor
        item = self.files[at] if 0 <= at < len(self.files) else None
        told = course.told

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

    # -- the player ---------------------------------------------------------------------------------------------------

    @property
    def _none(self) -> str | None:
        if self._error:
            return self._error
        if self.course is None:
            return "The episode is being put together."
        return None if self.course.steps else "This session has no step."

    def why_play(self) -> str | None:
        return self._none

    why_faster = why_slower = why_jump = why_lay_out = why_play

    def do_play(self) -> None:
        assert self.course is not None
        if not self.playing and self.at + 1 >= len(self.course.steps):
            self.at = 0
        self._set_playing(not self.playing)
        self._show()

    def _set_playing(self, playing: bool) -> None:
        self.playing = playing
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        if playing:
            self._timer = self.set_timer(self.delay(), self._on)

    def delay(self) -> float:
        """Seconds until the next step: as long as it took, within bounds, at the speed that was chosen."""
        assert self.course is not None
        steps, took = self.course.steps, 1.0
        if self.at + 1 < len(steps):
            here, then = steps[self.at][1].time, steps[self.at + 1][1].time
            took = 1.0 if here is None or then is None else (then - here) / 1000
        return min(_LONGEST, max(_SHORTEST, took)) / self.speed

    def _on(self) -> None:
        if not self.playing or self.course is None:
            return
        if self.at + 1 >= len(self.course.steps):
            self._set_playing(False)
            self._show()
            return
        self.at += 1
        self._set_playing(self.at + 1 < len(self.course.steps))
        self._show()

    def why_next(self) -> str | None:
        last = self.course is not None and self.at + 1 >= len(self.course.steps)
        return self._none or ("This is the last step." if last else None)

    def why_previous(self) -> str | None:
        return self._none or ("This is the first step." if not self.at else None)

    def do_next(self) -> None:
        self._set_playing(False)
        self.go(self.at + 1)
        self.app.refresh_offers()

    def do_previous(self) -> None:
        self._set_playing(False)
        self.go(self.at - 1)
        self.app.refresh_offers()

    def _faster(self, by: int) -> None:
        place = SPEEDS.index(self.speed) + by
        if not 0 <= place < len(SPEEDS):
            self.app.say(f"{self.speed:g}x is the {'highest' if by > 0 else 'lowest'} speed.")
            return
        self.speed = SPEEDS[place]
        self._set_playing(self.playing)
        if self.course is not None:
            count = len(self.course.steps)
            self.strip.show(self.at, count, self.speed, playing=self.playing, clock=self._clock())

    def do_faster(self) -> None:
        self._faster(1)

    def do_slower(self) -> None:
        self._faster(-1)

    def do_jump(self) -> None:
        from tracetui.tui.screens.ask import AskScreen

        assert self.course is not None
        count = len(self.course.steps)
        self._set_playing(False)

        numbers = {row.number: nth for nth, (log, row) in enumerate(self.course.steps) if log.agent is None}
        told = f"from {min(numbers):,} to {max(numbers):,}" if numbers else f"from 1 to {count:,}"

        def go(text: str | None) -> None:
            if text is None or not text.strip():
                return
            wanted = int(text[:12]) if text.strip().isascii() and text.strip().isdigit() else 0
            at = numbers.get(wanted) if numbers else wanted - 1
            if at is None or not 0 <= at < count:
                self.app.say(f"Name a step {told}.")
                return
            self.go(at)

        self.app.push_screen(AskScreen("Go to step", hint=f"A number {told}."), go)

    def do_switch(self) -> None:
        order = [self.step_text, self.rows, self.diff]
        here = next((nth for nth, widget in enumerate(order) if widget.has_focus), -1)
        order[(here + 1) % 3].focus()

    def do_lay_out(self) -> None:
        """Write the tree as it was into the private temporary folder, until the app is left."""
        course, at = self.course, self.at
        assert course is not None

        def work(cancelled: Callable[[], bool]) -> tuple[Path, int]:
            import tempfile

            folder = Path(tempfile.mkdtemp(prefix="tree-", dir=self.app.temp.folder()))
            return folder, course.lay_out(at, folder)

        def done(result: tuple[Path, int]) -> None:
            folder, count = result
            self.app.say(f"{fmt.plural(count, 'file')} until you leave, in {folder}", role="muted")

        self.app.say("Laying out the tree.", role="muted")
        self.background("tree", work, done)

    def why_verdict(self) -> str | None:
        if self.capsule is None or not self.session.foreign:
            return "Only a capsule has checks to run; seal this, then: tracetui open FILE"
        return None

    def do_verdict(self) -> None:
        from tracetui.tui.screens.verdict import VerdictScreen

        assert self.capsule is not None
        self._set_playing(False)
        self.app.push_screen(VerdictScreen(self.capsule, self.repo))

    def why_repository(self) -> str | None:
        if self.capsule is None or not self.session.foreign:
            return "Only a capsule asks for a repository; a session of yours has its own: R on the main screen."
        return None

    def do_repository(self) -> None:
        from tracetui.tui.screens.ask import AskScreen

        def named(text: str | None) -> None:
            if text is None:
                return
            folder = Path(text.strip()).expanduser() if text.strip() else None
            if folder is not None and not folder.is_dir():
                self.app.say(f"There is no folder {folder}.")
                return
            self.repo = folder
            self._load()

        hint = "The folder of the repository that holds the base; nothing for the one around this folder."
        self.app.push_screen(AskScreen("Repository", str(self.repo or ""), hint=hint), named)

    def do_back(self) -> None:
        self.dismiss(None)
