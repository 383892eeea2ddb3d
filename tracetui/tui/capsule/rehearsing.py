"""Rehearsing the checks on the last screen before a seal: what would run is shown, then asked, then run in the
sandbox, and can be stopped at any time."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.message import Message

from tracetui.model import TracetuiError
from tracetui.text import format as fmt
from tracetui.text.safe import one_line
from tracetui.tui.kit.actor import Controller

if TYPE_CHECKING:
    from tracetui.capsule.rehearsal import Rehearsal
    from tracetui.capsule.seal import Draft
    from tracetui.tui.capsule.seal import SealScreen

__all__ = ["RehearsalController"]


class _Posing(Message):
    """What the rehearsal is at."""

    bubble = False

    def __init__(self, what: str) -> None:
        super().__init__()
        self.what = what


class RehearsalController(Controller["SealScreen"]):
    """One rehearsal at a time; what was seen goes into the draft only of one that ran to its end."""

    CONTEXTS: ClassVar[tuple[str, ...]] = ("seal",)

    def __init__(self, owner: SealScreen) -> None:
        super().__init__(owner)
        self._stop = False

    def ask(self) -> None:
        """Ask for consent to run the checks that are taken."""
        made, folder = self.owner.draft, self.owner.session.cwd
        if made is None or self.owner.making:
            self.app.say("The entries are being made; wait a moment.")
        elif folder is None or not Path(folder).is_dir():
            self.app.say("The checks cannot be rehearsed: the folder of the session is not on this machine.")
        else:
            from tracetui.tui.kit.pick import confirmation

            repo = Path(folder)
            count = fmt.plural(len(made.checks), "command")
            text = f"{count} will run on this machine, in a sandbox without network, as shown beside the list."
            self.app.push_screen(
                confirmation("Rehearse the checks?", text, yes="Run them"),
                lambda yes: self._run(made, repo) if yes == 1 else None,
            )

    def _run(self, made: Draft, repo: Path) -> None:
        if self.owner.making or self.owner.draft is not made:
            return
        self.owner.rehearsing, self._stop = True, False
        scratch = self.app.temp.folder()
        self._tell("the sandbox is probed")
        self.app.refresh_offers()

        def work(cancelled: Callable[[], bool]) -> Rehearsal:
            from tracetui.capsule.rehearsal import rehearse
            from tracetui.sandbox import runner as sandboxes

            def told(what: str) -> None:
                self.owner.post_message(_Posing(what))

            try:
                return rehearse(
                    made,
                    repo,
                    scratch,
                    lambda tools: sandboxes.choose(tools=tools, scratch=scratch),
                    progress=told,
                    cancelled=lambda: self._stop or cancelled(),
                )
            finally:
                shutil.rmtree(scratch, ignore_errors=True)

        self.owner.background("rehearse", work, lambda done: self._done(made, done), self._failed)

    def on__posing(self, message: _Posing) -> None:
        if self.owner.rehearsing and not self._stop:
            self._tell(message.what)

    def _tell(self, what: str) -> None:
        self.owner.title_line.show("rehearsing", f"{one_line(what, 200)}; esc stops")

    def stop_rehearsal(self) -> None:
        """Stop what runs; nothing of it is kept."""
        self._stop = True
        self.owner.title_line.show("rehearsing", "stopping")

    def _done(self, made: Draft, done: Rehearsal) -> None:
        self.owner.rehearsing = False
        if self._stop:
            self.owner.show_draft()
            self.app.say("Stopped. Nothing of the rehearsal is kept.")
            self.app.refresh_offers()
            return
        kept = {(check.command, check.folder, check.step, check.agent) for check in done.checks}
        gone = [
            (check, False)
            for check in made.checks
            if (check.command, check.folder, check.step, check.agent) not in kept
        ]
        left = [(check, on) for check, on in self.owner.checks or () if not on]
        self.owner.checks = [*((check, True) for check in done.checks), *gone, *left]
        said = "; ".join(done.notes) or f"{fmt.plural(len(done.checks), 'check')} reproduced"
        self.app.say(f"Rehearsed: {said}.", role="warn" if done.notes else "good")
        self.owner.chose()

    def _failed(self, error: Exception) -> None:
        if not isinstance(error, TracetuiError):
            raise error
        self.owner.rehearsing = False
        self.owner.show_draft()
        self.app.say(f"Not rehearsed: {one_line(str(error), 300)}", role="bad")
        self.app.refresh_offers()
