"""What leaves the app from a step or a session: copies, an editor, a pager, images, the harness itself."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from tracetui.model import SessionRow, TracetuiError
from tracetui.tui.kit.actor import Controller
from tracetui.tui.kit.outside import open_outside, program, run_outside

if TYPE_CHECKING:
    from tracetui.tui.browse.main import MainScreen
    from tracetui.tui.browse.resume import Resume
    from tracetui.tui.browse.step import StepPane
    from tracetui.tui.kit.step_document import LoadedStep

__all__ = ["CopyController", "ResumeController"]


class CopyController(Controller["MainScreen"]):
    """The step on screen, taken elsewhere."""

    CONTEXTS: ClassVar[tuple[str, ...]] = ("main",)

    @property
    def _none(self) -> str | None:
        pane = self.owner.step_pane
        return (
            None if pane is not None and pane.loaded is not None else "No step is shown; choose one in the timeline: 2"
        )

    def _shown(self) -> tuple[StepPane, LoadedStep]:
        pane = self.owner.step_pane
        assert pane is not None
        assert pane.loaded is not None
        return pane, pane.loaded

    def why_copy(self) -> str | None:
        return self._none

    why_copy_part = why_copy

    def do_copy(self) -> None:
        pane, _ = self._shown()
        text = pane.text_to_copy()
        if text is None:
            self.app.say("There is no text to copy here.")
        else:
            self.app.copy_text(text)

    def do_copy_part(self) -> None:
        """A short list of what there is to copy of this step."""
        _, step = self._shown()
        from tracetui.tui.kit.pick import PickScreen
        from tracetui.tui.kit.step_document import parts

        found = parts(step)

        def chosen(index: int | None) -> None:
            if index is not None:
                self.app.copy_text(found[index][1])

        self.app.push_screen(PickScreen("Copy", [(name, text[:200]) for name, text in found]), chosen)

    # -- editor, pager, images ----------------------------------------------------------------------------------------

    def why_editor(self) -> str | None:
        return self._none

    why_pager = why_editor

    def _outside(self, names: Sequence[str], fallbacks: Sequence[str]) -> None:
        pane, _ = self._shown()
        argv = program(dict(os.environ), names, fallbacks)
        if argv is None:
            self.app.say(f"No program is known; set {names[-1]}.")
            return
        shown = pane.text.document.shown
        try:
            path = self.app.temp.write(shown.encode("utf-8", "replace"), "step.txt")
        except OSError as error:
            self.app.say(f"Cannot write a temporary file: {error.strerror}", role="bad")
            return
        run_outside(self.app, [*argv, str(path)])

    def do_editor(self) -> None:
        self._outside(("VISUAL", "EDITOR"), ("vi", "nano"))

    def do_pager(self) -> None:
        self._outside(("PAGER",), ("less", "more"))

    def why_image(self) -> str | None:
        if self._none:
            return self._none
        _, step = self._shown()
        images = step.images
        if not images:
            return "This step holds no image."
        return None if any(image.kind for image in images) else "Only PNG, JPEG, GIF and WebP images are opened."

    def do_image(self) -> None:
        """Open the next image of the step, under a name of ours."""
        pane, step = self._shown()
        images = [image for image in step.images if image.kind]
        image = images[pane.image_at % len(images)]
        pane.image_at += 1
        try:
            path = self.app.temp.write(image.data, f"image.{image.kind}")
        except OSError as error:
            self.app.say(f"Cannot write a temporary file: {error.strerror}", role="bad")
            return
        if len(images) > 1:
            at = (pane.image_at - 1) % len(images) + 1
            self.app.say(f"Image {at} of {len(images)}: {image.label}", role="muted")
        open_outside(self.app, path)


class ResumeController(Controller["MainScreen"]):
    """The session in the timeline, taken up again in its harness."""

    CONTEXTS: ClassVar[tuple[str, ...]] = ("main",)

    def _resume(self, session: SessionRow | None) -> Resume:
        """The resume command of a session; raises `TracetuiError`."""
        from tracetui.harness import HARNESSES
        from tracetui.tui.browse.resume import resume_of

        if session is None:
            raise TracetuiError("No session is chosen.")
        if self.app.read_only:
            raise TracetuiError("No resume command: this session is only looked at.")
        harness = HARNESSES.get(session.harness)
        logs = self.app.bucket.logs(session.id, session.harness)
        log = next((row for row in logs if row.id == session.log), logs[0] if logs else None)
        if harness is None or log is None:
            raise TracetuiError(f"No resume command is known for {session.harness}.")
        return resume_of(session, log.facts, harness.resume)

    def why_resume(self) -> str | None:
        session = self.owner.timeline_pane.session
        return None if session is not None else "No session is chosen."

    def do_resume(self) -> None:
        self.resume(self.owner.timeline_pane.session)

    def resume(self, session: SessionRow | None) -> None:
        """Ask whether to copy the command of a session, or to run it here."""
        from tracetui.tui.kit.pick import PickScreen

        app = self.app
        try:
            resume = self._resume(session)
        except TracetuiError as error:
            app.say(str(error))
            return
        choices = [("Copy the command", resume.shell), ("Run it here", "and come back when it ends")]

        def chosen(index: int | None) -> None:
            if index == 0:
                app.copy_text(resume.shell)
            elif index == 1:
                self._run(resume)

        app.push_screen(PickScreen("Resume this session", choices), chosen)

    def _run(self, resume: Resume) -> None:
        app = self.app
        if shutil.which(resume.argv[0]) is None:
            app.say(f"{resume.argv[0]} is not installed here; copy the command instead.")
        elif resume.cwd is not None and not Path(resume.cwd).is_dir():
            app.say(f"The folder {resume.cwd} is not here any more.")
        else:
            status = run_outside(app, resume.argv, resume.cwd)
            if status:
                app.say(f"{resume.argv[0]} ended with exit status {status}.")
