"""The keys of the whole app: help, palette, themes, a picture of the screen."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from tracetui.tui.actions import keys_of
from tracetui.tui.kit.actor import Controller, Offer, offers

if TYPE_CHECKING:
    from tracetui.tui.kit.host import HostApp

__all__ = ["AppController"]


class AppController(Controller["HostApp"]):
    """Held by the app itself, so that it works on every screen."""

    CONTEXTS: ClassVar[tuple[str, ...]] = ("app",)

    def do_help(self) -> None:
        from tracetui.tui.kit.help import HelpScreen

        app = self.app
        if isinstance(app.screen, HelpScreen):
            app.pop_screen()
        else:
            app.push_screen(HelpScreen(offers(app)))

    def why_help(self) -> str | None:
        return "Close the dialog first: esc" if self.app.screen.is_modal else None

    why_palette = why_help

    def do_palette(self) -> None:
        from tracetui.tui.kit.pick import Pick, PickScreen

        app = self.app
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
        from tracetui.tui.kit import themes
        from tracetui.tui.kit.pick import Pick, PickScreen

        app = self.app
        folder = app.theme_folder
        names = themes.names(folder)
        picks = [Pick(name, "the theme that is in use" if name == app.theme else "") for name in names]

        def use(index: int | None) -> None:
            if index is not None:
                problems = themes.install(app, names[index], folder)
                if problems:
                    app.say(problems[0])
                else:
                    self._offer_to_keep(names[index])

        app.push_screen(PickScreen("Themes", picks, placeholder="name of a theme"), use)

    def _offer_to_keep(self, name: str) -> None:
        from tracetui import config
        from tracetui.model import TracetuiError
        from tracetui.text.format import home_path
        from tracetui.tui.kit.pick import PickScreen

        app = self.app
        path = home_path(str(config.config_path()), str(Path.home()))

        def keep(index: int | None) -> None:
            if index != 1:
                app.say(f"Theme {name}, until you leave.", role="muted")
                return
            try:
                config.save({"theme": name})
            except TracetuiError as error:
                app.say(str(error), role="bad")
            else:
                app.say(f"Theme {name}, from now on: {path}", role="muted")

        choices = [("Until I leave", ""), ("From now on", f"theme = {name!r} in {path}")]
        app.push_screen(PickScreen(f"Theme {name}", choices, low=True), keep)

    def why_problems(self) -> str | None:
        return None if self.app.problems else "Nothing is wrong with the config file."

    def do_problems(self) -> None:
        from tracetui.tui.kit.pick import PickScreen

        picks = [(problem, "") for problem in self.app.problems]
        self.app.push_screen(PickScreen("Problems with the config", picks), lambda _: None)

    def why_theme(self) -> str | None:
        return "NO_COLOR is set; there are no colours to choose." if self.app.no_color else None

    def do_screenshot(self) -> None:
        app = self.app
        try:
            path = app.save_screenshot(path=str(app.temp.folder()))
        except OSError as error:
            app.say(f"No screenshot: {error.strerror}", role="bad")
            return
        app.say(f"Screenshot: {path}, which is removed when you leave.", role="muted")
