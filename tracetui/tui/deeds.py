"""What leaves the app or covers the screen: copying, editor, pager, images, resuming, help, palette, themes, search.

Two mixins, so that neither the app nor the main screen need know how. Everything heavy is imported when it is used.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.dom import DOMNode

from tracetui.model import Hit, TracetuiError
from tracetui.tui.actions import Offer, keys_of, offers
from tracetui.tui.tempfolder import TempFolder

if TYPE_CHECKING:
    from tracetui.tui.app import TracetuiApp
    from tracetui.tui.panes.step import StepPane
    from tracetui.tui.resume import Resume

__all__ = ["AppDeeds", "StepDeeds"]

_NO_STEP = "No step is shown; choose one in the timeline: 2"


class AppDeeds(DOMNode):
    """Mixin of the app."""

    _temp: TempFolder | None = None

    @property
    def _me(self) -> TracetuiApp:
        return self  # type: ignore[return-value]

    @property
    def temp(self) -> TempFolder:
        """The private temporary folder."""
        if self._temp is None:
            self._temp = TempFolder()
        return self._temp

    def copy_text(self, text: str) -> None:
        """Copy, and say where it went."""
        from tracetui.tui.clipboard import copy

        self._me.say(copy(self._me, text, self.temp), role="muted")

    def copy_to_clipboard(self, text: str) -> None:
        """What Textual's own ctrl+c calls."""
        self.copy_text(text)

    def do_help(self) -> None:
        from tracetui.tui.screens.help import HelpScreen

        app = self._me
        if isinstance(app.screen, HelpScreen):
            app.pop_screen()
        else:
            app.push_screen(HelpScreen(offers(app)))

    def why_help(self) -> str | None:
        return "Close the dialog first: esc" if self._me.screen.is_modal else None

    why_palette = why_help

    def do_palette(self) -> None:
        from tracetui.tui.screens.pick import Pick, PickScreen

        app = self._me
        # Moving by a name that one has to type helps nobody.
        found: list[Offer] = [offer for offer in offers(app, everywhere=True) if offer.action.group != "Move"]
        found.sort(key=lambda offer: (offer.reason is not None, not offer.near))
        keymap = app._keymap
        picks = [
            Pick(offer.action.label, offer.action.help, keys_of(offer.action, keymap)[0], offer.reason)
            for offer in found
        ]

        def act(index: int | None) -> None:
            if index is not None and found[index].node.is_attached:
                app.call_later(found[index].node.action_act, found[index].action.id)

        app.push_screen(PickScreen("Commands", picks, placeholder="what you want to do"), act)

    def do_theme(self) -> None:
        from tracetui.tui import themes
        from tracetui.tui.screens.pick import Pick, PickScreen

        app = self._me
        folder = app.theme_folder
        names = themes.names(folder)
        picks = [Pick(name, "the theme that is worn now" if name == app.theme else "") for name in names]

        def wear(index: int | None) -> None:
            if index is not None:
                problems = themes.install(app, names[index], folder)
                app.say(problems[0] if problems else f"Theme {names[index]}. To keep it: theme in the config file.")

        app.push_screen(PickScreen("Themes", picks, placeholder="name of a theme"), wear)

    def why_theme(self) -> str | None:
        return "NO_COLOR is set; there are no colours to choose." if self._me.no_color else None

    def do_screenshot(self) -> None:
        app = self._me
        try:
            path = app.save_screenshot(path=str(self.temp.folder()))
        except OSError as error:
            app.say(f"No screenshot: {error.strerror}", role="bad")
            return
        app.say(f"Screenshot: {path}, which is removed when you leave.", role="muted")

    def run_outside(self, argv: Sequence[str], cwd: str | None = None) -> int | None:
        """Hand the terminal to a program and take it back; its exit status, None when it could not be started."""
        from textual.app import SuspendNotSupported

        app = self._me
        try:
            with app.suspend():
                return subprocess.run(list(argv), cwd=cwd, check=False).returncode
        except SuspendNotSupported:
            app.say("This terminal cannot be handed to another program.", role="bad")
        except OSError as error:
            app.say(f"Cannot start {argv[0]}: {error.strerror}", role="bad")
        return None

    def open_outside(self, path: Path) -> None:
        """Open a file of ours in the system's viewer, which lives on by itself."""
        app = self._me
        opener = "open" if sys.platform == "darwin" else "xdg-open"
        if shutil.which(opener) is None:
            app.say(f"There is no {opener}; the file is {path} until you leave.")
            return
        null = subprocess.DEVNULL
        try:
            subprocess.Popen([opener, str(path)], stdin=null, stdout=null, stderr=null, start_new_session=True)
        except OSError as error:
            app.say(f"Cannot start {opener}: {error.strerror}", role="bad")


def program(environ: dict[str, str], names: Sequence[str], fallbacks: Sequence[str]) -> list[str] | None:
    """The argument list of the user's program: the first variable that is set, split as a shell would, else the first
    fallback that is there."""
    for name in names:
        value = environ.get(name, "").strip()
        if value:
            try:
                argv = shlex.split(value)
            except ValueError:
                continue
            if argv:
                return argv
    return next(([name] for name in fallbacks if shutil.which(name)), None)


class StepDeeds(DOMNode):
    """Mixin of the main screen, on whose step pane most of this works."""

    step_pane: StepPane | None

    @property
    def _app(self) -> Any:
        return self.app

    @property
    def _no_step(self) -> str | None:
        return None if self.step_pane is not None and self.step_pane.loaded is not None else _NO_STEP

    # -- copying ------------------------------------------------------------------------------------------------------

    def why_copy(self) -> str | None:
        return self._no_step

    why_copy_part = why_copy

    def do_copy(self) -> None:
        assert self.step_pane is not None
        text = self.step_pane.text_to_copy()
        if text is None:
            self._app.say("There is no text to copy here.")
        else:
            self._app.copy_text(text)

    def do_copy_part(self) -> None:
        """A short list of what there is to copy of this step."""
        assert self.step_pane is not None
        assert self.step_pane.loaded is not None
        from tracetui.tui.screens.choose import ChooseScreen
        from tracetui.tui.step_document import parts

        found = parts(self.step_pane.loaded)

        def chosen(index: int | None) -> None:
            if index is not None:
                self._app.copy_text(found[index][1])

        self._app.push_screen(ChooseScreen("Copy", [(name, text[:200]) for name, text in found]), chosen)

    # -- editor, pager, images ----------------------------------------------------------------------------------------

    def why_editor(self) -> str | None:
        return self._no_step

    why_pager = why_editor

    def _outside(self, names: Sequence[str], fallbacks: Sequence[str]) -> None:
        assert self.step_pane is not None
        argv = program(dict(os.environ), names, fallbacks)
        if argv is None:
            self._app.say(f"No program is known; set {names[-1]}.")
            return
        shown = self.step_pane.text.document.shown
        try:
            path = self._app.temp.write(shown.encode("utf-8", "replace"), "step.txt")
        except OSError as error:
            self._app.say(f"Cannot write a temporary file: {error.strerror}", role="bad")
            return
        self._app.run_outside([*argv, str(path)])

    def do_editor(self) -> None:
        self._outside(("VISUAL", "EDITOR"), ("vi", "nano"))

    def do_pager(self) -> None:
        self._outside(("PAGER",), ("less", "more"))

    def why_image(self) -> str | None:
        if self._no_step:
            return self._no_step
        assert self.step_pane is not None
        assert self.step_pane.loaded is not None
        images = self.step_pane.loaded.images
        if not images:
            return "This step holds no image."
        return None if any(image.kind for image in images) else "Only PNG, JPEG, GIF and WebP images are opened."

    def do_image(self) -> None:
        """Open the next image of the step, under a name of ours."""
        assert self.step_pane is not None
        assert self.step_pane.loaded is not None
        images = [image for image in self.step_pane.loaded.images if image.kind]
        image = images[self.step_pane.image_at % len(images)]
        self.step_pane.image_at += 1
        try:
            path = self._app.temp.write(image.data, f"image.{image.kind}")
        except OSError as error:
            self._app.say(f"Cannot write a temporary file: {error.strerror}", role="bad")
            return
        if len(images) > 1:
            at = (self.step_pane.image_at - 1) % len(images) + 1
            self._app.say(f"Image {at} of {len(images)}: {image.label}", role="muted")
        self._app.open_outside(path)

    # -- resuming -----------------------------------------------------------------------------------------------------

    def _resume(self) -> Resume:
        """The resume command of the session in the timeline; raises `TracetuiError`."""
        from tracetui.harness import HARNESSES
        from tracetui.tui.resume import resume_of

        session = getattr(getattr(self, "timeline_pane", None), "session", None)
        if session is None:
            raise TracetuiError("No session is chosen.")
        if self._app.read_only:
            raise TracetuiError("No resume command: this session is only looked at.")
        harness = HARNESSES.get(session.harness)
        logs = self._app.bucket.logs(session.id, session.harness)
        log = next((row for row in logs if row.id == session.log), logs[0] if logs else None)
        if harness is None or log is None:
            raise TracetuiError(f"No resume command is known for {session.harness}.")
        return resume_of(session, log.facts, harness.resume)

    def why_resume(self) -> str | None:
        session = getattr(getattr(self, "timeline_pane", None), "session", None)
        return None if session is not None else "No session is chosen."

    def do_resume(self) -> None:
        from tracetui.tui.screens.choose import ChooseScreen

        app = self._app
        try:
            resume = self._resume()
        except TracetuiError as error:
            app.say(str(error))
            return
        choices = [("Copy the command", resume.shell), ("Run it here", "and come back when it ends")]

        def chosen(index: int | None) -> None:
            if index == 0:
                app.copy_text(resume.shell)
            elif index == 1:
                self._run(resume)

        app.push_screen(ChooseScreen("Resume this session", choices), chosen)

    def _run(self, resume: Resume) -> None:
        app = self._app
        if shutil.which(resume.argv[0]) is None:
            app.say(f"{resume.argv[0]} is not installed here; copy the command instead.")
        elif resume.cwd is not None and not Path(resume.cwd).is_dir():
            app.say(f"The folder {resume.cwd} is not here any more.")
        else:
            status = app.run_outside(resume.argv, resume.cwd)
            if status:
                app.say(f"{resume.argv[0]} ended with exit status {status}.")

    # -- search over everything ---------------------------------------------------------------------------------------

    _last_search: tuple[str, bool, str] = ("", False, "newest")

    def do_search(self) -> None:
        from tracetui.tui.screens.search import SearchScreen

        text, regex, sort = self._last_search
        screen = SearchScreen(text, regex=regex, sort=sort)

        def go(hit: Hit | None) -> None:
            self._last_search = (screen.text, screen.regex, screen.sort)
            if hit is not None:
                self.open_hit(hit.session, hit.step, log=hit.log)  # type: ignore[attr-defined]

        self._app.push_screen(screen, go)
