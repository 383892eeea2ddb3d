"""The way from the main screen into the redaction editor and back, and what the timeline shows of open findings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from tracetui.tui.kit.actor import Controller

if TYPE_CHECKING:
    from textual.app import App

    from tracetui.bucket.store import Bucket
    from tracetui.model import SessionRow
    from tracetui.redact.values import Target
    from tracetui.tui.kit.host import Left, StepKey, StepMarks, Workspace

__all__ = ["OpenFindings", "RedactController", "open_review"]


def open_review(
    app: App[Any], session: SessionRow, steps: tuple[int, int] | None, left: Left, *, target: Target | None = None
) -> None:
    """Open the editor over any screen, as `kit.host.Host.open_review` says."""
    from tracetui.tui.redact.screen import RedactScreen

    screen = RedactScreen(session, steps, target=target)
    # What is open now is counted when the review is let go.
    app.push_screen(screen, lambda _: left(lambda: screen.worker.closed.wait(10)))


class RedactController(Controller["Workspace"]):
    """Opens the editor on the session, or on the range."""

    CONTEXTS: ClassVar[tuple[str, ...]] = ("main",)

    def why_redact(self) -> str | None:
        if self.app.read_only:
            return "This is read only; index the log to redact it."
        session = self.owner.selection.target
        if session is None:
            return "No session is chosen."
        return None if session.steps else "This session holds nothing to redact."

    def do_redact(self) -> None:
        chosen = self.owner.selection
        assert chosen.target is not None

        def left(wait: Callable[[], object]) -> None:
            self.owner.background("redacted", lambda _: wait(), lambda _: self.owner.reload_sessions())

        self.app.open_review(chosen.target, chosen.steps if chosen.same else None, left)


class OpenFindings(Controller["StepMarks"]):
    """Which steps of the timeline hold secrets that nobody decided about. What only tells who somebody is
    stands in most steps and is the business of the redaction."""

    def __init__(self, owner: StepMarks) -> None:
        super().__init__(owner)
        self._shown: Mapping[StepKey, int] = {}

    def on_findings_changed(self) -> None:
        """Ask which steps hold open findings, where lists say that there are some."""
        session = self.owner.session
        if session is None or not (session.findings or {}).get("secrets"):
            self.owner.show_open({})
            return

        def work(bucket: Bucket, cancelled: Callable[[], bool]) -> Mapping[StepKey, int]:
            from tracetui.tui.redact import findings_tab

            return findings_tab.open_steps(bucket, session)

        self.owner.ask("exposed", work, self.owner.show_open)
