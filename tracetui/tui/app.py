"""The app: look, keys, nets. What is on the screen is the business of `screens`."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast
from weakref import WeakKeyDictionary

from textual import events
from textual.app import App
from textual.binding import BindingType
from textual.filter import LineFilter
from textual.screen import Screen
from textual.widget import Widget

from tracetui.bucket.error_report import write_error_report
from tracetui.bucket.tempfolder import TempFolder
from tracetui.tui.actions import bindings, display_key
from tracetui.tui.kit import themes
from tracetui.tui.kit.activity import Activity
from tracetui.tui.kit.actor import Actor, Controller, offers
from tracetui.tui.kit.app_actions import AppController
from tracetui.tui.kit.footer import Footer
from tracetui.tui.kit.frame import TerminalFrame
from tracetui.tui.kit.pane import Pane
from tracetui.tui.kit.pool import BucketPool
from tracetui.tui.kit.safety import ControlFilter
from tracetui.tui.kit.signs import wants_ascii
from tracetui.tui.kit.styles import Look, role_defaults
from tracetui.tui.kit.trail_client import TrailService

if TYPE_CHECKING:
    from rich.console import RenderableType

    from tracetui.bucket.store import Bucket
    from tracetui.model import SessionRow
    from tracetui.redact.values import Target
    from tracetui.tui.kit.host import HostApp, Left

__all__ = ["TracetuiApp", "run", "run_redaction"]


class FollowingKey(events.Key):
    """A key on its second way, after the focus. It has no third: several in flight would go round for ever."""


FollowingKey.handler_name = events.Key.handler_name  # handled as any key is


class TracetuiApp(App[None], Actor):
    """The app over one bucket.

    ``session`` opens that session at once; with ``read_only`` nothing is indexed and nothing written; ``banner`` is a
    warning that stays on the screen (``changed since it was sealed``). ``config`` is the user's config as a mapping:
    ``theme``, ``ascii``, ``keys`` (action id -> keys), ``theme_folder``. With ``redact``, a session and the range of
    steps or None, there is the redaction editor and nothing else. ``capsule`` is the file that the session came from;
    ``reading`` are files that are not read to their end yet: a child does it while the app is open. With ``home`` the
    app begins with the home, where there is a session.
    """

    TITLE = "tracetui"
    CONTEXTS: ClassVar[tuple[str, ...]] = ("app",)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("app")]
    ENABLE_COMMAND_PALETTE = False
    HORIZONTAL_BREAKPOINTS = [(0, "-one"), (80, "-two"), (120, "-three")]  # noqa: RUF012
    CSS = """
    Screen { background: $background; color: $foreground; }
    ModalScreen { background: $background 60%; }
    * { scrollbar-color: $line; scrollbar-color-hover: $muted; scrollbar-color-active: $accent;
        scrollbar-background: $background; scrollbar-background-hover: $background;
        scrollbar-background-active: $background; scrollbar-corner-color: $background; }
    """

    def __init__(
        self,
        bucket: Bucket,
        *,
        session: str | None = None,
        read_only: bool = False,
        banner: str | None = None,
        config: Mapping[str, Any] | None = None,
        redact: tuple[SessionRow, tuple[int, int] | None] | None = None,
        capsule: Path | None = None,
        repo: Path | None = None,
        reading: Sequence[str] = (),
        home: bool = False,
    ) -> None:
        self._settings = dict(config or {})
        super().__init__()
        self.controllers = (AppController(cast("HostApp", self)),)
        self.bucket = bucket
        self._redact = redact
        self.capsule, self.repo = capsule, repo
        self.reading = tuple(reading)
        self.pool = BucketPool(lambda: type(bucket).open(bucket.path))
        self.trail = TrailService(Path(bucket.path))
        self.start_session = session
        self.home = home
        self.read_only = read_only
        self.banner = banner
        self.ascii_only = bool(
            self._settings.get("ascii", wants_ascii(os.environ, getattr(sys.__stdout__, "encoding", None)))
        )
        self._control_filter = ControlFilter((), ascii_only=self.ascii_only)
        self._frame = TerminalFrame()
        self.activity = Activity(str(self._settings.get("background", "idle")))
        self._temp: TempFolder | None = None
        self._look: Look | None = None
        self._aims: WeakKeyDictionary[events.Key, Widget | None] = WeakKeyDictionary()
        """What had the focus when a key came in."""
        self._error: BaseException | None = None
        self.error_report: Path | None = None
        self.wants_demo = False
        keys = self._settings.get("keys")
        if isinstance(keys, Mapping):
            self.set_keymap({str(name): str(value) for name, value in keys.items()})
        folder = self._settings.get("theme_folder")
        self.theme_folder = Path(folder) if folder else None
        self.problems: list[str] = list(self._settings.get("problems", ()))
        self.problems += themes.install(self, self._settings.get("theme"), self.theme_folder)

    # -- look ---------------------------------------------------------------------------------------------------------

    @property
    def look(self) -> Look:
        """Styles by role for the theme of the moment."""
        if self._look is None:
            self._look = Look.of(self, ascii_only=self.ascii_only)
        return self._look

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return role_defaults(self.current_theme)

    def get_css_variables(self) -> dict[str, str]:
        self._look = None
        return super().get_css_variables()

    def get_line_filters(self) -> Sequence[LineFilter]:
        others = super().get_line_filters()
        if others != self._control_filter.others:
            self._control_filter = ControlFilter(others, ascii_only=self.ascii_only)
        return (self._control_filter,)

    # -- what is written ----------------------------------------------------------------------------------------------

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        super()._display(screen, cast("RenderableType | None", self._frame.reduced(renderable)))

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Key | events.MouseEvent | events.Paste) and not event.is_forwarded:
            self.activity.touch()
        await super().on_event(event)

    def on_mount(self) -> None:
        self.app_resume_signal.subscribe(self, lambda _: self._frame.forget(), immediate=True)

    def on_resize(self) -> None:
        """A terminal moves its lines about when its size changes."""
        self._frame.forget()

    # -- life ---------------------------------------------------------------------------------------------------------

    def get_default_screen(self) -> Screen[Any]:
        if self._redact is not None:
            from tracetui.tui.redact.screen import RedactScreen

            return RedactScreen(*self._redact)
        from tracetui.tui.browse.main import MainScreen

        return MainScreen(features())

    def on_key(self, event: events.Key) -> None:
        """Let a key follow the focus: keys typed right behind the one that opens a line or a dialog were on their way
        to what had the focus until then, and come by here since that had no use for them."""
        lines = sys.modules.get("textual.widgets._input")  # not imported for this: where it is not, no line is open
        target = self.focused or self.screen
        takes = self.screen.is_modal or (lines is not None and isinstance(target, lines.Input))
        moved = event in self._aims and self._aims[event] is not self.focused
        if isinstance(event, FollowingKey):
            return
        if not takes and not moved:
            self._say_where(event.key)
            return
        event.prevent_default().stop()
        target._forward_event(FollowingKey(event.key, event.character))

    def _say_where(self, key: str) -> None:
        """A key that works only in another part of the screen: say in which."""
        if any(key in own.key_to_bindings for _, own in self.screen._modal_binding_chain):
            return
        for offer in offers(self, everywhere=True):
            place = next((node for node in offer.node.ancestors_with_self if isinstance(node, Pane)), None)
            keys = self._keymap.get(offer.action.id, offer.action.keys).split(",")
            if place is not None and not offer.near and key in keys:
                label = offer.action.label
                self.say(f"{display_key(key)} ({label}) works in the {place.NAME.lower()}: {place.NUMBER}")
                return

    def tell_problems(self) -> None:
        """Say what is wrong with the config: one thing in a line, several by their number."""
        if self._keymap:
            from tracetui.tui.kit.keymap import problems

            self.problems += problems(self._keymap)
        if len(self.problems) == 1:
            self.say(self.problems[0])
        elif self.problems:
            self.say(f"{len(self.problems)} problems with the config, the first: {self.problems[0]}. All: !")

    def say(self, text: str, *, role: str = "warn") -> None:
        """One line to the user, never markup: in the footer, or as a notice where a screen has none."""
        footers = self.screen.query(Footer)
        if footers:
            footers.first().say(text, role)
        else:
            self.notify(text, markup=False)

    def refresh_offers(self) -> None:
        """What can be done may have changed: let the footer ask again."""
        for footer in self.screen.query(Footer):
            footer.refresh_offers()

    @property
    def temp(self) -> TempFolder:
        """The private temporary folder."""
        if self._temp is None:
            self._temp = TempFolder()
        return self._temp

    def copy_text(self, text: str) -> None:
        """Copy, and say where it went."""
        from tracetui.tui.kit.clipboard import copy

        self.say(copy(self, text, self.temp), role="muted")

    def copy_to_clipboard(self, text: str) -> None:
        """What Textual's own ctrl+c calls."""
        self.copy_text(text)

    def open_review(
        self, session: SessionRow, steps: tuple[int, int] | None, left: Left, *, target: Target | None = None
    ) -> None:
        from tracetui.tui.redact.controller import open_review

        open_review(self, session, steps, left, target=target)

    def open_seal(self, session: SessionRow, steps: tuple[int, int] | None) -> None:
        from tracetui.tui.capsule.controller import open_seal

        open_seal(cast("HostApp", self), session, steps)

    async def on_unmount(self) -> None:
        self.trail.close()
        self.pool.close()
        self.temp.remove()

    def settle_memory(self) -> None:
        """Take what was loaded once and stays (modules, widgets, the list) out of the collector's sight: a full
        collection over it takes longer than a key press may."""
        gc.enable()
        if not self.is_headless:
            gc.freeze()

    def do_quit(self) -> None:
        self.exit()

    def open_demo(self) -> None:
        """Leave, and open the demo in the place of this app."""
        self.wants_demo = True
        self.exit()

    def _handle_exception(self, error: Exception) -> None:
        """An unexpected error ends the app: a private report without data, and one line for the terminal."""
        if self._exception is None:
            self._exception = error
            self._exception_event.set()
        self._return_code = 1
        if self._error is None:
            self._error = error
            self.error_report = write_error_report(error, Path(self.bucket.path) / "errors")
        self._close_messages_no_wait()

    def _print_error_renderables(self) -> None:
        self._exit_renderables.clear()
        if self._error is not None and not self.is_headless:
            where = f"details (private): {self.error_report}" if self.error_report else "no report could be written"
            print(f"tracetui: unexpected {type(self._error).__name__}; {where}", file=sys.stderr)


def features() -> Mapping[str, Sequence[Callable[[Any], Controller[Any]]]]:
    """The controllers that features put on the main screen and its panes, by the context of their keys."""
    from tracetui.tui.capsule.controller import CapsuleController
    from tracetui.tui.ctx.controller import ContextController
    from tracetui.tui.dataset.controller import DatasetController
    from tracetui.tui.redact.controller import OpenFindings, RedactController
    from tracetui.tui.trail.controller import TrailController
    from tracetui.tui.trail.hunks import HunkController, StepHunks

    return {
        "main": (TrailController, ContextController, RedactController, CapsuleController, DatasetController),
        "timeline": (HunkController, OpenFindings),
        "step": (HunkController, StepHunks),
    }


def run(
    bucket: Bucket,
    *,
    session: str | None = None,
    read_only: bool = False,
    banner: str | None = None,
    config: Mapping[str, Any] | None = None,
    capsule: Path | None = None,
    repo: Path | None = None,
    reading: Sequence[str] = (),
) -> int:
    """Run the app on this terminal until the user leaves; the exit status."""
    return _run(
        TracetuiApp(
            bucket,
            session=session,
            read_only=read_only,
            banner=banner,
            config=config,
            capsule=capsule,
            repo=repo,
            reading=reading,
            home=session is None and capsule is None and not reading,
        )
    )


def run_redaction(
    bucket: Bucket,
    session: SessionRow,
    steps: tuple[int, int] | None = None,
    *,
    config: Mapping[str, Any] | None = None,
) -> int:
    """Run the redaction editor alone over a session, or its steps first to last, until the user leaves; the exit
    status. What is decided is kept as it is decided."""
    return _run(TracetuiApp(bucket, config=config, redact=(session, steps)))


def _run(app: TracetuiApp) -> int:
    # Workers that read hold the interpreter lock; a key press must not wait the usual 5 ms for each turn.
    sys.setswitchinterval(0.001)
    gc.set_threshold(20_000, 20, 50)
    app.run()
    if app.wants_demo:
        os.execv(sys.executable, [sys.executable, "-P", "-m", "tracetui", "demo"])  # noqa: S606
    return app.return_code or 0
