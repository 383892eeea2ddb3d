"""The ways from the main screen to the seal and to the replay. A mixin; the screens are imported when they open."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tracetui.tui.background import Background

if TYPE_CHECKING:
    from tracetui.model import SessionRow
    from tracetui.tui.app import TracetuiApp
    from tracetui.tui.panes.sessions import SessionsPane
    from tracetui.tui.panes.timeline import TimelinePane

__all__ = ["CapsuleDeeds", "seal"]


def seal(app: TracetuiApp, session: SessionRow, steps: tuple[int, int] | None = None) -> None:
    """Ask for the file, then show what would be sealed; from any screen."""
    from tracetui.tui.screens.ask import AskScreen
    from tracetui.tui.screens.seal import SealScreen, file_name

    def named(text: str | None) -> None:
        if text is None or not text.strip():
            return
        path = Path.cwd() / Path(text.strip()).expanduser()
        if path.is_dir():
            path = path / file_name(session)
        elif not path.name.endswith(".zip"):
            path = path.with_name(path.name + ".capsule.zip")
        if not path.parent.is_dir():
            app.say(f"There is no folder {path.parent}; name one that is there.")
            return
        app.push_screen(SealScreen(session, steps, path), lambda said: app.say(said, role="good") if said else None)

    what = "the whole session" if steps is None else f"steps {steps[0]:,} to {steps[1]:,}"
    hint = f"Seals {what}. The next screen shows all of it; nothing is written before."
    app.push_screen(AskScreen("File of the capsule", file_name(session), hint=hint), named)


class CapsuleDeeds(Background):
    """Mixin of the main screen."""

    sessions_pane: SessionsPane
    timeline_pane: TimelinePane

    @property
    def _sealable(self) -> SessionRow | None:
        """The session in the timeline, or the one under the cursor of the list."""
        if self.sessions_pane.rows.has_focus:
            return self.sessions_pane.current
        return self.timeline_pane.session or self.sessions_pane.current

    def why_seal(self) -> str | None:
        app: TracetuiApp = self.app  # type: ignore[assignment]
        if app.read_only:
            return "This is read only; index the log to seal it."
        session = self._sealable
        if session is None:
            return "No session is chosen."
        return None if session.steps else "This session holds nothing to seal."

    def do_seal(self) -> None:
        session = self._sealable
        assert session is not None
        pane = self.timeline_pane
        here = pane.session is not None and (pane.session.harness, pane.session.id) == (session.harness, session.id)
        chosen = pane.range if here and not self.sessions_pane.rows.has_focus else None
        seal(self.app, session, chosen)  # type: ignore[arg-type]

    # -- replay

    def why_replay(self) -> str | None:
        session = self._sealable
        if session is None:
            return "No session is chosen."
        return None if session.steps else "This session holds no step to play."

    def do_replay(self) -> None:
        from tracetui.tui.screens.replay import ReplayScreen

        session = self._sealable
        assert session is not None
        pane = self.timeline_pane
        here = pane.session is not None and (pane.session.harness, pane.session.id) == (session.harness, session.id)
        row = pane.current if here and not self.sessions_pane.rows.has_focus else None
        app: TracetuiApp = self.app  # type: ignore[assignment]
        step = None if row is None else (row.log, row.number)
        app.push_screen(ReplayScreen(session, step, app.capsule, app.repo))
