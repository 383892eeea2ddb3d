"""The keys that walk the hunks of an edit and lead from a hunk to its commits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, cast

from tracetui.model import StepRow
from tracetui.text import format as fmt
from tracetui.tui.kit.actor import Actor, Controller
from tracetui.tui.kit.trail_client import TrailAnswer, TrailProgress
from tracetui.tui.trail.controller import TrailController

if TYPE_CHECKING:
    from textual.screen import Screen

    from tracetui.tui.kit.host import StepView
    from tracetui.tui.trail.diff_document import DiffDocument

__all__ = ["HunkController", "StepHunks"]


class _OnScreen(Protocol):
    @property
    def screen(self) -> Screen[Any]: ...


def _trail(owner: _OnScreen) -> TrailController:
    return cast(Actor, owner.screen).controller(TrailController)


class HunkController(Controller["_OnScreen"]):
    """For the panes in which a hunk is shown: the commit it landed with, and the one that ended it."""

    CONTEXTS: ClassVar[tuple[str, ...]] = ("timeline", "step")

    def why_landing(self) -> str | None:
        return _trail(self.owner).why_no_commit("landing")

    def why_ended(self) -> str | None:
        return _trail(self.owner).why_no_commit("killer")

    def do_landing(self) -> None:
        _trail(self.owner).open_commit("landing")

    def do_ended(self) -> None:
        _trail(self.owner).open_commit("killer")


class StepHunks(Controller["StepView"]):
    """The hunks of the tab Diff, and how far the work on it is."""

    CONTEXTS: ClassVar[tuple[str, ...]] = ("step",)

    def __init__(self, owner: StepView) -> None:
        super().__init__(owner)
        self._at = -1
        self._row: StepRow | None = None

    def on_mount(self) -> None:
        _trail(self.owner).hunk_shown = self.hunk_of

    @property
    def _document(self) -> DiffDocument | None:
        from tracetui.tui.trail.diff_document import DiffDocument

        if self._row != self.owner.row:  # another step is shown since the last key
            self._row, self._at = self.owner.row, -1
        document = self.owner.text.document
        return document if isinstance(document, DiffDocument) and self.owner.tab.id == "diff" else None

    def hunk_of(self, step: StepRow) -> Mapping[str, Any] | None:
        """The hunk of a step that the reader is at; None in other tabs and of other steps than the one shown."""
        document, text = self._document, self.owner.text
        if document is None or not document.hunks or self.owner.row != step:
            return None
        bottom = len(text.rows) <= int(text.scroll_offset.y) + text.size.height
        if bottom and self._at >= 0:
            return document.hunks[min(self._at, len(document.hunks) - 1)]
        return document.hunks[max(0, document.hunk_at(text.top_offset))]

    def why_next_hunk(self) -> str | None:
        document = self._document
        if document is None:
            return "Only the tab Diff has hunks."
        return None if len(document.hunks) > 1 else "There is one hunk." if document.hunks else "There is no hunk here."

    why_previous_hunk = why_next_hunk

    def do_next_hunk(self) -> None:
        self._go(1)

    def do_previous_hunk(self) -> None:
        self._go(-1)

    def _go(self, by: int) -> None:
        document = self._document
        assert document is not None
        here = self._at if self._at >= 0 else document.hunk_at(self.owner.text.top_offset)
        self._at = min(max(0, here + by), len(document.hunks) - 1)
        self.owner.text.go_to(document.places[self._at])
        self.app.say(f"Hunk {self._at + 1} of {len(document.hunks)}.", role="muted")
        self.app.refresh_offers()

    def on_trail_progress(self, message: TrailProgress) -> None:
        message.stop()
        text = self.owner.text
        if not text.document.source and self.owner.tab.id == "diff":
            what = "commits read" if message.what == "index" else "hunks judged"
            text.empty = (self.owner.tab.waits[0], f"{fmt.count(message.done)} of {fmt.count(message.total)} {what}")
            text.refresh()

    def on_trail_answer(self, message: TrailAnswer) -> None:
        message.stop()  # the worker that asked has it
