"""The way from the main screen to the datasets, and the one key that rates a session, prompt or step."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, Final

from tracetui.tui.kit.actor import Controller
from tracetui.tui.kit.pick import Pick, PickScreen

if TYPE_CHECKING:
    from tracetui.bucket.store import Bucket
    from tracetui.model import SessionRow, StepRow
    from tracetui.tui.kit.host import Workspace

__all__ = ["DatasetController"]

_RATINGS: Final = (
    ("good", "g  good", "it did what was asked"),
    ("mixed", "m  mixed", "some of it"),
    ("bad", "b  bad", "it did not"),
    (None, "x  none", "take the rating back"),
)


class DatasetController(Controller["Workspace"]):
    """Opens the workflows; rates what is under the cursor, which is a label with a ground."""

    CONTEXTS: ClassVar[tuple[str, ...]] = ("main",)

    def why_datasets(self) -> str | None:
        return "This is read only; index the log to make rows of it." if self.app.read_only else None

    def do_datasets(self) -> None:
        from tracetui.tui.dataset.workflows import WorkflowsScreen

        self.app.push_screen(WorkflowsScreen(), lambda _: self.owner.reload_sessions())

    def why_rate(self) -> str | None:
        if self.app.read_only:
            return "This is read only; index the log to rate it."
        return None if self.owner.selection.target is not None else "No session is chosen."

    def do_rate(self) -> None:
        chosen = self.owner.selection
        assert chosen.target is not None
        session = chosen.target
        step = chosen.step if chosen.same and not chosen.in_list else None
        what = "the session" if step is None else f"step {step.number:,}"
        picks = [Pick(label, hint, letter=label[0]) for _, label, hint in _RATINGS]

        def picked(nth: int | None) -> None:
            if nth is not None:
                self._note(session, step, chosen.agent, _RATINGS[nth][0], what)

        self.app.push_screen(PickScreen(f"Rate {what}", picks, low=True), picked)

    def _note(self, session: SessionRow, step: StepRow | None, agent: str | None, value: str | None, what: str) -> None:
        """Ask for a note, and keep the rating; without one too."""
        from tracetui.tui.kit.ask import AskScreen

        def keep(note: str | None) -> None:
            def work(bucket: Bucket, cancelled: Callable[[], bool]) -> None:
                from tracetui.dataset.store import DatasetStore

                key = step.key if step is not None else ""
                with DatasetStore(bucket.path) as store:
                    store.rate(session.harness, session.id, value, note, agent=(agent or "") if key else "", key=key)

            said = f"{what[0].upper()}{what[1:]} is rated {value}" if value else f"The rating of {what} is taken back"
            self.owner.ask("rate", work, lambda _: self.app.say(said, role="good"))

        if value is None:
            keep(None)
            return
        hint = "Why, if you like. Enter keeps the rating; esc keeps it without a note."
        self.app.push_screen(AskScreen(f"Rated {value}: a note", hint=hint, low=True), keep)
