"""What is done on the worker's thread: a decision, or the loading of a page, and then how everything stands."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tracetui.redact.values import Field, Group, Mark, Place
from tracetui.tui.kit.layout import RowLayout
from tracetui.tui.kit.styles import Look
from tracetui.tui.redact.choices import DecisionOutcome, ReviewSnapshot
from tracetui.tui.redact.masking import shown_names
from tracetui.tui.redact.page import EditorPage, PageStep, compose
from tracetui.tui.redact.worker import OpenReview

__all__ = ["LARGE", "Decision", "JobResult", "PageRequest", "PageStyle", "carry_out"]

LARGE: Final = 192 * 1024
"""Characters from which on a page is laid out by the worker."""

Decision = Callable[[OpenReview], DecisionOutcome | None]
"""Carried out on the worker's thread."""


@dataclass(frozen=True, slots=True)
class PageStyle:
    """How pages are shown: every field or what the records are about, secrets hidden or not, in which signs, how
    wide."""

    everything: bool
    hidden: bool
    look: Look
    width: int

    def page(
        self,
        steps: Sequence[PageStep],
        marks: Mapping[Field, Sequence[Mark]],
        want: Sequence[Field],
        groups: Sequence[Group],
    ) -> EditorPage:
        """Steps laid out; fields in ``want`` are shown whatever they are."""
        named = shown_names(groups, self.look, hidden=self.hidden)
        return compose(
            steps, marks, everything=self.everything, want=want, hidden=self.hidden, ascii_only=self.look.ascii,
            named=named,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class PageRequest:
    """The page that a job is to show: that of a ``place``, of a ``step`` (number, agent, part), else the ``steps`` that
    are shown; ``want`` are fields that stay on it."""

    style: PageStyle
    steps: Sequence[PageStep]
    want: Sequence[Field] = ()
    place: Place | None = None
    step: tuple[int, str | None, int] | None = None
    fresh: bool = False
    """Whether rows are laid out anew."""


@dataclass(slots=True)
class JobResult:
    """What a job brings back: how things stand, and the page as it is now."""

    snapshot: ReviewSnapshot
    marks: Mapping[Field, Sequence[Mark]]
    steps: Sequence[PageStep]
    page: EditorPage
    rows: RowLayout | None = None
    outcome: DecisionOutcome | None = None
    wanted: Place | None = None


def carry_out(opened: OpenReview, decision: Decision | None, request: PageRequest) -> JobResult:
    """On the worker's thread: carry out a decision, load the page that is asked for, and say how things stand."""
    editing = opened.review
    outcome = decision(opened) if decision is not None else None
    groups = editing.groups()
    steps = request.steps
    if request.place is not None:
        steps = editing.page(request.place)
    elif request.step is not None:
        steps = editing.page(None, *request.step)
    marks = {unit.at: editing.marks(unit.at, unit.text) for page in steps for unit in page.units}
    snapshot = ReviewSnapshot(
        groups, editing.progress(), editing.unscanned(), editing.exclusions(), len(editing.rules()),
        editing.rejected_places(),
    )  # fmt: skip
    want = [*request.want, *([request.place.at] if request.place is not None else [])]
    page = request.style.page(steps, marks, want, groups)
    rows = None
    if request.fresh and len(page.shown) > LARGE:
        rows = RowLayout(page.shown, request.style.width).finish(opened.busy)
    return JobResult(snapshot, marks, steps, page, rows, outcome, request.place)
