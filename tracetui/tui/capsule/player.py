"""Playing a replay: on and off, faster, step by step; and where one goes from it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

from textual.timer import Timer

from tracetui.text import format as fmt
from tracetui.tui.capsule.verdict_rows import folder_of
from tracetui.tui.kit.actor import Controller
from tracetui.tui.kit.ask import ask_line

if TYPE_CHECKING:
    from tracetui.tui.capsule.replay import ReplayScreen

__all__ = ["LeaveController", "PlayerController"]

SPEEDS: Final = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
_LONGEST: Final = 3.0
"""Seconds that a step stands at most at single speed: nobody watches an agent wait."""
_SHORTEST: Final = 0.4


class PlayerController(Controller["ReplayScreen"]):
    """The keys of a player."""

    CONTEXTS: ClassVar[tuple[str, ...]] = ("player",)

    def __init__(self, owner: ReplayScreen) -> None:
        super().__init__(owner)
        self.speed = 1.0
        self.playing = False
        self._timer: Timer | None = None

    def on_unmount(self) -> None:
        if self._timer is not None:
            self._timer.stop()

    def pause(self) -> None:
        """Stay at the step."""
        self._set_playing(False)

    def why_play(self) -> str | None:
        return self.owner.why_none

    why_faster = why_slower = why_jump = why_play

    def do_play(self) -> None:
        assert self.owner.playback is not None
        if not self.playing and self.owner.at + 1 >= len(self.owner.playback.steps):
            self.owner.at = 0
        self._set_playing(not self.playing)
        self.owner.show_step()

    def _set_playing(self, playing: bool) -> None:
        self.playing = playing
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        if playing:
            self._timer = self.owner.set_timer(self.delay(), self._on)

    def delay(self) -> float:
        """Seconds until the next step: as long as it took, within bounds, at the speed that was chosen."""
        assert self.owner.playback is not None
        steps, took = self.owner.playback.steps, 1.0
        if self.owner.at + 1 < len(steps):
            here, then = steps[self.owner.at][1].time, steps[self.owner.at + 1][1].time
            took = 1.0 if here is None or then is None else (then - here) / 1000
        return min(_LONGEST, max(_SHORTEST, took)) / self.speed

    def _on(self) -> None:
        if not self.playing or self.owner.playback is None:
            return
        if self.owner.at + 1 >= len(self.owner.playback.steps):
            self._set_playing(False)
            self.owner.show_step()
            return
        self.owner.at += 1
        self._set_playing(self.owner.at + 1 < len(self.owner.playback.steps))
        self.owner.show_step()

    def why_next(self) -> str | None:
        last = self.owner.playback is not None and self.owner.at + 1 >= len(self.owner.playback.steps)
        return self.owner.why_none or ("This is the last step." if last else None)

    def why_previous(self) -> str | None:
        return self.owner.why_none or ("This is the first step." if not self.owner.at else None)

    def do_next(self) -> None:
        self.pause()
        self.owner.go(self.owner.at + 1)
        self.app.refresh_offers()

    def do_previous(self) -> None:
        self.pause()
        self.owner.go(self.owner.at - 1)
        self.app.refresh_offers()

    def _faster(self, by: int) -> None:
        place = SPEEDS.index(self.speed) + by
        if not 0 <= place < len(SPEEDS):
            self.app.say(f"{self.speed:g}x is the {'highest' if by > 0 else 'lowest'} speed.")
            return
        self.speed = SPEEDS[place]
        self._set_playing(self.playing)
        if self.owner.playback is not None:
            self.owner.show_strip()

    def do_faster(self) -> None:
        self._faster(1)

    def do_slower(self) -> None:
        self._faster(-1)

    def do_jump(self) -> None:
        assert self.owner.playback is not None
        count = len(self.owner.playback.steps)
        self.pause()
        numbers = {row.number: nth for nth, (log, row) in enumerate(self.owner.playback.steps) if log.agent is None}
        told = f"from {min(numbers):,} to {max(numbers):,}" if numbers else f"from 1 to {count:,}"

        def go(text: str) -> None:
            if not text:
                return
            wanted = int(text[:12]) if text.isascii() and text.isdigit() else 0
            at = numbers.get(wanted) if numbers else wanted - 1
            if at is None or not 0 <= at < count:
                self.app.say(f"Name a step {told}.")
                return
            self.owner.go(at)

        ask_line(self.app, "Go to step", "", f"A number {told}.", go)


class LeaveController(Controller["ReplayScreen"]):
    """The tree as files, the checks, another repository."""

    CONTEXTS: ClassVar[tuple[str, ...]] = ("player",)

    def why_lay_out(self) -> str | None:
        return self.owner.why_none

    def do_lay_out(self) -> None:
        """Write the tree as it was into the private temporary folder, until the app is left."""
        playback, at = self.owner.playback, self.owner.at
        assert playback is not None

        def work(cancelled: Callable[[], bool]) -> tuple[Path, int]:
            import tempfile

            folder = Path(tempfile.mkdtemp(prefix="tree-", dir=self.app.temp.folder()))
            return folder, playback.lay_out(at, folder)

        def done(result: tuple[Path, int]) -> None:
            folder, count = result
            self.app.say(f"{fmt.plural(count, 'file')} until you leave, in {folder}", role="muted")

        self.app.say("Laying out the tree.", role="muted")
        self.owner.background("tree", work, done)

    def why_verdict(self) -> str | None:
        if self.owner.capsule is None or not self.owner.session.foreign:
            return "Only a capsule has checks to run; seal this, then: tracetui open FILE"
        return None

    def do_verdict(self) -> None:
        from tracetui.tui.capsule.verdict import VerdictScreen

        assert self.owner.capsule is not None
        self.owner.player.pause()
        self.app.push_screen(VerdictScreen(self.owner.capsule, self.owner.repo))

    def why_repository(self) -> str | None:
        if self.owner.capsule is None or not self.owner.session.foreign:
            return "Only a capsule asks for a repository; a session of yours has its own: R on the main screen."
        return None

    def do_repository(self) -> None:
        def named(text: str) -> None:
            folder = folder_of(text)
            if folder is not None and not folder.is_dir():
                self.app.say(f"There is no folder {folder}.")
                return
            self.owner.repo = folder
            self.owner.load()

        hint = "The folder of the repository that holds the base; nothing for the one around this folder."
        ask_line(self.app, "Repository", str(self.owner.repo or ""), hint, named)
