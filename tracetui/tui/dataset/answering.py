"""Questions that a workflow could not decide by itself: asked one after the other, each answer kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tracetui.tui.kit.pick import Pick, PickScreen

if TYPE_CHECKING:
    from tracetui.bucket.store import Bucket
    from tracetui.dataset.store import StoredQuestion
    from tracetui.tui.dataset.workflows import WorkflowsScreen

__all__ = ["answer_questions"]


def answer_questions(screen: WorkflowsScreen, name: str, done: Callable[[], None]) -> None:
    """Ask what is open of a dataset; ``done`` is called when all is answered, or the user goes back."""

    def load(bucket: Bucket, cancelled: Callable[[], bool]) -> list[StoredQuestion]:
        from tracetui.dataset.store import DatasetStore

        with DatasetStore(bucket.path) as store:
            return store.questions(name)

    def ask(left: list[StoredQuestion]) -> None:
        if not left:
            done()
            return
        item = left[0]
        choices = item.choices or ("yes", "no")

        def picked(nth: int | None) -> None:
            if nth is None:
                done()
                return

            def keep(bucket: Bucket, cancelled: Callable[[], bool]) -> None:
                from tracetui.dataset.store import DatasetStore

                with DatasetStore(bucket.path) as store:
                    store.answer(item, choices[nth])

            screen.ask("answer", keep, lambda _: ask(left[1:]))

        where = f"{item.session[:13]}, {item.unit}; {len(left):,} left"
        screen.app.push_screen(PickScreen(item.question, [Pick(choice) for choice in choices], text=where), picked)

    screen.ask("questions", load, ask)
