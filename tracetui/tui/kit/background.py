"""Work off the main thread. A worker gets values and gives a value; it never touches a widget."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from textual.dom import DOMNode
from textual.widget import Widget

from tracetui.model import TracetuiError

if TYPE_CHECKING:
    from tracetui.bucket.store import Bucket
    from tracetui.tui.kit.pool import BucketPool

__all__ = ["Background", "Cancelled"]

T = TypeVar("T")
Cancelled = Callable[[], bool]


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
        generations = _generations(self)
        generation = generations[group] = generations.get(group, 0) + 1

        def cancelled() -> bool:
            return generations[group] != generation or not self.is_running

        def deliver(take: Callable[[], None]) -> None:
            if generations[group] == generation:
                take()

        def run() -> None:
            try:
                result = work(cancelled)
            except Exception as error:  # noqa: BLE001 - handed to the main thread, which decides
                self.call_later(deliver, lambda error=error: failed(error) if failed else _say(self, error))
            else:
                self.call_later(deliver, lambda: finish(result))

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
        _generations(self)[group] = _generations(self).get(group, 0) + 1


def _generations(node: DOMNode) -> dict[str, int]:
    """How often each group was asked for."""
    made: dict[str, int] = node.__dict__.setdefault("_background_generations", {})
    return made


def _say(node: DOMNode, error: Exception) -> None:
    say = getattr(node.app, "say", None)
    if say is None or not isinstance(error, TracetuiError):
        raise error
    say(str(error), role="bad")
