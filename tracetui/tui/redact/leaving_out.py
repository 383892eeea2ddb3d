"""What is left out as a whole, and the rules that stay."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any

from tracetui.redact.decisions import EXCLUSIONS
from tracetui.redact.values import Place
from tracetui.tui.redact.choices import EXCLUSION_KEYS, Excluded
from tracetui.tui.redact.page import PageStep
from tracetui.tui.redact.rows import FindingRows

if TYPE_CHECKING:
    from tracetui.tui.redact.view import EditorView

__all__ = ["ExclusionController"]


class ExclusionController:
    """A controller of the editor's screen."""

    def __init__(self, view: EditorView) -> None:
        self.view = view

    def why_exclude(self) -> str | None:
        return self.view.not_ready()

    why_rules = why_exclude

    def do_exclude(self) -> Awaitable[Any] | None:
        screen = self.view.screen
        source = screen.rows.source
        again = source.excluded_at(screen.rows.cursor) if isinstance(source, FindingRows) else None
        if screen.rows.has_focus and again is not None:
            # On what is left out already there is only one thing to ask for.
            self._exclude(again)
            return None
        return self._choose(screen.editor.page.step_at(screen.editor.cursor))

    def _exclude(self, what: Excluded) -> None:
        self.view.decide(lambda opened: opened.review.exclude(what.what, what.step, what.agent, what.kind))

    def _choose(self, here: PageStep | None) -> Awaitable[Any]:
        from tracetui.tui.kit.pick import PickScreen, lettered

        whats = list(EXCLUSIONS)

        def chosen(index: int | None) -> None:
            if index is None:
                return
            what = whats[index]
            if here is None or here.step is None:
                if what in ("step", "kind"):
                    self.view.screen.app.say("This text is part of no step; mark it by hand instead.")
                else:
                    self._exclude(Excluded(what, ""))
                return
            self._exclude(Excluded(what, "", here.step, here.agent, here.kind))

        hints = self._hints(here)
        choices = [lettered(EXCLUSION_KEYS[what], EXCLUSIONS[what], hints.get(what, "")) for what in whats]
        text = "Its text is replaced as a whole, second copies too; the same key takes it in again."
        return self.view.screen.app.push_screen(PickScreen("Leave out", choices, text=text, low=True), chosen)

    def _hints(self, here: PageStep | None) -> dict[str, str]:
        """What is left out now, and what would be."""
        out = self.view.snapshot.excluded
        left = {one.what for one in out}
        step = f"step {here.step}" if here is not None and here.step is not None else "part of no step"
        kind = f"every {here.kind}" if here is not None and here.kind else "part of no step"
        if here is not None and any(one.step and (one.step, one.agent) == (here.step, here.agent) for one in out):
            step += ", left out now"
        if here is not None and any(one.kind and one.kind == here.kind for one in out):
            kind += ", left out now"
        kept = {what: "kept now" if what in left else "left out now" for what in ("images", "opaque")}
        gone: dict[str, str] = {what: "left out now" for what in ("results", "thinking") if what in left}
        return {"step": step, "kind": kind, **kept, **gone}

    def why_second(self) -> str | None:
        return self.view.not_ready()

    def do_second(self) -> Awaitable[Any]:
        """What a stranger would notice."""
        from tracetui.tui.redact.second_reading import SecondReadingScreen

        def back(found: tuple[bool, Place | None] | None) -> None:
            changed, place = found or (False, None)
            if changed:
                self.view.decide(lambda opened: None)
            if place is not None:
                self.view.go_to(place)

        screen = self.view.screen
        return screen.app.push_screen(SecondReadingScreen(screen.worker), back)

    def do_rules(self) -> Awaitable[Any]:
        from tracetui.tui.redact.rules import RulesScreen

        def back(changed: bool | None) -> None:
            if changed:
                self.view.decide(lambda opened: None)

        screen = self.view.screen
        return screen.app.push_screen(RulesScreen(screen.worker, hidden=self.view.hidden), back)
