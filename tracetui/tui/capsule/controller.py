"""The ways to the seal and to the replay."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from tracetui.tui.kit.actor import Controller

if TYPE_CHECKING:
    from tracetui.model import SessionRow
    from tracetui.tui.kit.host import HostApp, Workspace

__all__ = ["CapsuleController", "open_seal"]


def open_seal(app: HostApp, session: SessionRow, steps: tuple[int, int] | None) -> None:
    """Ask for the file, then show what would be sealed; over any screen."""
    from tracetui.tui.capsule.seal import SealScreen, file_name
    from tracetui.tui.kit.ask import AskScreen

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


class CapsuleController(Controller["Workspace"]):
    """Seals and plays the session in the timeline, or the one under the cursor of the list."""

    CONTEXTS: ClassVar[tuple[str, ...]] = ("main",)

    def why_seal(self) -> str | None:
        if self.app.read_only:
            return "This is read only; index the log to seal it."
        session = self.owner.selection.target
        if session is None:
            return "No session is chosen."
        return None if session.steps else "This session holds nothing to seal."

    def do_seal(self) -> None:
        chosen = self.owner.selection
        assert chosen.target is not None
        self.app.open_seal(chosen.target, chosen.steps if chosen.same and not chosen.in_list else None)

    def why_replay(self) -> str | None:
        session = self.owner.selection.target
        if session is None:
            return "No session is chosen."
        return None if session.steps else "This session holds no step to play."

    def do_replay(self) -> None:
        from tracetui.tui.capsule.replay import ReplayScreen

        chosen = self.owner.selection
        assert chosen.target is not None
        row = chosen.step if chosen.same and not chosen.in_list else None
        step = None if row is None else (row.log, row.number)
        self.app.push_screen(ReplayScreen(chosen.target, step, self.app.capsule, self.app.repo))
