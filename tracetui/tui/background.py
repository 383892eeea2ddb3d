"""Work off the main thread. A worker gets values and gives a value; it never touches a widget."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from textual.dom import DOMNode
from textual.message import Message
from textual.widget import Widget

from tracetui.model import TracetuiError

if TYPE_CHECKING:
    from tracetui.bucket.store import Bucket
    from tracetui.tui.pool import BucketPool

__all__ = ["Background", "Finished"]

T = TypeVar("T")
Cancelled = Callable[[], bool]


class Finished(Message):
    """A worker is done. ``generation`` tells whether somebody still waits for it."""

    bubble = False

    def __init__(
        self, group: str, generation: int, finish: Callable[[Any], None], result: Any, error: Exception | None
    ):
        super().__init__()
        self.group = group
        self.generation = generation
        self.finish = finish
        self.result = result
        self.error = error


class Background(DOMNode):
    """Mixin of widgets that load something.

    ``background("rows", work, finish)`` runs ``work(cancelled)`` in a thread and then ``finish(result)`` on the main
    thread, unless the same group was asked for something newer meanwhile; ``cancelled()`` is true from then on. An
    exception of ``work`` goes to ``failed``; without one a `TracetuiError` is said to the user, and anything else ends
    the app like any other unexpected error.
    """

    def background(
        self,
        group: str,
        work: Callable[[Cancelled], T],
        finish: Callable[[T], None],
        failed: Callable[[Exception], None] | None = None,
    ) -> None:
        assert isinstance(self, Widget)
        generations = self._generations
        generation = generations[group] = generations.get(group, 0) + 1

        def cancelled() -> bool:
            return generations[group] != generation or not self.is_running

        def run() -> None:
            try:
                message = Finished(group, generation, finish, work(cancelled), None)
            except Exception as error:  # noqa: BLE001 - handed to the main thread, which decides
                message = Finished(group, generation, failed or self._failed, error, error)
            self.post_message(message)

        self.run_worker(run, thread=True, group=group, exclusive=True, exit_on_error=False)

    def ask(
        self,
        group: str,
        work: Callable[[Bucket, Cancelled], T],
        finish: Callable[[T], None],
        failed: Callable[[Exception], None] | None = None,
    ) -> None:
        """Like ``background``, with a bucket of its own for the worker: ``work(bucket, cancelled)``. The app's own
        ``bucket`` belongs to the main thread."""
        pool: BucketPool = self.app.pool  # type: ignore[attr-defined]

        def borrowed(cancelled: Cancelled) -> T:
            with pool.lend() as bucket:
                return work(bucket, cancelled)

        self.background(group, borrowed, finish, failed)

    def drop(self, group: str) -> None:
        """Nobody waits for the group's result any more."""
        self._generations[group] = self._generations.get(group, 0) + 1

    @property
    def _generations(self) -> dict[str, int]:
        made: dict[str, int] | None = self.__dict__.get("_background_generations")
        if made is None:
            made = self.__dict__["_background_generations"] = {}
        return made

    def on_finished(self, message: Finished) -> None:
        if self._generations.get(message.group) == message.generation:
            message.finish(message.result)

    def _failed(self, error: Exception) -> None:
        say = getattr(self.app, "say", None)
        if say is None or not isinstance(error, TracetuiError):
            raise error
        say(str(error), role="bad")
