"""Folding the timeline: runs of reading, prompts, subagents, thinking, events."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from tracetui.model import LogRow, StepRow
from tracetui.tui.browse.navigation import WalkController
from tracetui.tui.browse.outline import CODES, Fold, LogView, Outline, StepPlace
from tracetui.tui.kit.actor import Controller

if TYPE_CHECKING:
    from tracetui.tui.browse.timeline import TimelinePane

__all__ = ["FoldController", "unfolded"]


class FoldController(Controller["TimelinePane"]):
    """The keys that fold; what is folded is the pane's ``fold``."""

    CONTEXTS: ClassVar[tuple[str, ...]] = ("timeline",)

    def _thread_of(self, step: StepRow) -> LogRow | None:
        if step.thread is None:
            return None
        return next((log for log in self.owner.logs if log.agent == step.thread and log.shown), None)

    def why_fold(self) -> str | None:
        step, outline, fold = self.owner.current, self.owner.outline, self.owner.fold
        if step is None or outline is None:
            return "There is nothing to fold here."
        row = self.owner.rows.cursor
        place = outline.place(row)
        if outline.run_length(row) > 1 or place in fold.threads or outline.depth(row):
            return None
        if step.thread is not None:
            return None if self._thread_of(step) else "The log of this subagent is not in the bucket."
        if _run_head(outline, fold, place) is not None or (fold.turns and _turn(outline, place) is not None):
            return None
        return "There is nothing to fold here."

    def do_fold(self) -> None:
        outline, step, fold = self.owner.outline, self.owner.current, self.owner.fold
        if outline is None or step is None:
            return
        row = self.owner.rows.cursor
        place = outline.place(row)
        if outline.run_length(row) > 1:
            self.owner.refold(replace(fold, open_runs=fold.open_runs | {place}))
        elif place in fold.threads:
            self.owner.refold(replace(fold, threads={p: v for p, v in fold.threads.items() if p != place}))
        elif (log := self._thread_of(step)) is not None:
            self._unfold_thread(place, log)
        elif (head := _run_head(outline, fold, place)) is not None:
            self.owner.refold(replace(fold, open_runs=fold.open_runs - {head}))
        elif outline.depth(row):
            self.owner.controller(WalkController).do_out()
            self.do_fold()
        elif fold.turns and (turn := _turn(outline, place)) is not None:
            self.owner.refold(replace(fold, open_turns=fold.open_turns ^ {turn}))

    def _unfold_thread(self, place: StepPlace, log: LogRow) -> None:
        from tracetui.tui.browse.timeline import view_of

        def finish(view: LogView) -> None:
            fold = self.owner.fold
            self.owner.refold(replace(fold, threads={**fold.threads, place: view}))

        self.owner.ask("thread", lambda bucket, cancelled: view_of(bucket, log.id, log.agent), finish)

    def why_fold_all(self) -> str | None:
        return self.owner.why_empty()

    def do_fold_all(self) -> None:
        fold = self.owner.fold
        self.owner.refold(replace(fold, turns=not fold.turns, open_turns=frozenset()))
        self.app.say("Every step." if fold.turns else "Prompts only; space unfolds one.", role="muted")

    def do_runs(self) -> None:
        fold = self.owner.fold
        self.owner.refold(replace(fold, runs=not fold.runs, open_runs=frozenset()))

    def do_thinking(self) -> None:
        fold = self.owner.fold
        self.owner.refold(replace(fold, thinking=not fold.thinking))
        self.app.say(f"Thinking {'folded' if fold.thinking else 'shown'}.", role="muted")

    def do_events(self) -> None:
        fold = self.owner.fold
        self.owner.refold(replace(fold, events=not fold.events))
        self.app.say(f"Events {'folded' if fold.events else 'shown'}.", role="muted")


def _run_head(outline: Outline, fold: Fold, place: StepPlace) -> StepPlace | None:
    """The unfolded run that a step belongs to."""
    if place.log != outline.view.log:
        return None
    kinds, side = outline.view.kinds, outline.view.side
    both = (CODES["read"], CODES["search"])
    at = place.step - 1
    if side and side[at]:
        first = StepPlace(place.log, side.rfind(b"\0", 0, at) + 2)
        if first in fold.open_runs:
            return first
    while at >= 0 and kinds[at] in both:
        if StepPlace(place.log, at + 1) in fold.open_runs:
            return StepPlace(place.log, at + 1)
        at -= 1
    return None


def _turn(outline: Outline, place: StepPlace) -> StepPlace | None:
    """The prompt that a step follows."""
    if place.log != outline.view.log:
        return None
    at = outline.view.kinds.rfind(CODES["prompt"], 0, place.step)
    return StepPlace(place.log, at + 1) if at >= 0 else None


def unfolded(outline: Outline, fold: Fold, step: int, log: int | None = None) -> tuple[Outline, Fold]:
    """The outline and fold in which a step (of a subagent's ``log``) has a row of its own; unchanged where it has."""
    if not 1 <= step <= len(outline.view) or (
        outline.shows(step, log) and outline.run_length(outline.row_of(step, log)) <= 1
    ):
        return outline, fold
    if fold.only is not None:
        fold = replace(fold, only=None)
        outline = Outline(outline.view, fold)
    view = outline.view if log is None else next((v for v in outline.views if v.log == log), outline.view)
    kind = view.kinds[step - 1]
    if kind == CODES["thinking"]:
        fold = replace(fold, thinking=True)
    if kind == CODES["event"]:
        fold = replace(fold, events=True)
    if fold.turns and view is outline.view:
        turn = view.kinds.rfind(CODES["prompt"], 0, step)
        if turn < 0:
            fold = replace(fold, turns=False)
        else:
            fold = replace(fold, open_turns=fold.open_turns | {StepPlace(view.log, turn + 1)})
    outline = Outline(outline.view, fold)
    row = outline.row_of(step, log)
    if row >= 0 and outline.run_length(row) > 1:
        fold = replace(fold, open_runs=fold.open_runs | {outline.place(row)})
        outline = Outline(outline.view, fold)
    return outline, fold
