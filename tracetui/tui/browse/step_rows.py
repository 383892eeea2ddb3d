"""The rows of the timeline: steps read from the index page by page, and how one is painted. No widgets here."""

from __future__ import annotations

import datetime as _dt
from collections.abc import Callable, Collection, Hashable, Sequence
from typing import TYPE_CHECKING

from textual.cache import LRUCache
from textual.strip import Strip

from tracetui.model import StepRow, TracetuiError
from tracetui.text import format as fmt
from tracetui.text.safe import one_line
from tracetui.tui.browse.outline import Outline, StepPlace
from tracetui.tui.kit.badges import StepBadge
from tracetui.tui.kit.badges import spans as badge_spans
from tracetui.tui.kit.paint import Span, cells, clip, clip_middle, paint
from tracetui.tui.kit.styles import Look

if TYPE_CHECKING:
    from tracetui.bucket.store import Bucket

__all__ = ["StepPages", "StepRows"]

_PAGE = 128
_KIND_WIDTH = 10


class StepPages:
    """Rows of steps, read from the bucket a page at a time; the pages used last are kept."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._pages: LRUCache[tuple[int, int], dict[int, StepRow]] = LRUCache(64)

    def get(self, log: int, number: int) -> StepRow | None:
        """The row of a step; None when the log has no such step (any more)."""
        page = (number - 1) // _PAGE
        rows = self._pages.get((log, page))
        if rows is None:
            first = page * _PAGE + 1
            try:
                rows = {row.number: row for row in self._bucket.step_rows(log, first, first + _PAGE - 1)}
            except TracetuiError:
                rows = {}  # forgotten by another process meanwhile; the list is read again soon
            self._pages[log, page] = rows
        return rows.get(number)

    def forget(self) -> None:
        """Drop everything, after the log grew."""
        self._pages.clear()


class StepRows:
    """A `RowSource` over an `Outline`. ``matches`` are marked; ``badge`` gives what became of an edit, ``exposed`` how
    many findings of a step are open; paths
    below ``cwd``, the session's folder, are shown from there."""

    uniform = True

    def __init__(
        self,
        outline: Outline,
        pages: StepPages,
        *,
        matches: Collection[StepPlace] = (),
        badge: Callable[[StepPlace], StepBadge | None] | None = None,
        exposed: Callable[[StepPlace], int] | None = None,
        cwd: str | None = None,
    ) -> None:
        self._folder = cwd.rstrip("/") + "/" if cwd and cwd.strip("/") else None
        self.outline = outline
        self.pages = pages
        self.matches = matches
        self.badge = badge
        self.exposed = exposed
        self.range: tuple[int, int] | None = None
        """Steps of the main log, first and last, that the user marked as a range."""
        self._digits = max(2, len(str(max((len(view) for view in outline.views), default=1))))

    def __len__(self) -> int:
        return len(self.outline)

    def key(self, row: int) -> Hashable:
        return self.outline._views[row], self.outline._numbers[row]

    def identity(self, row: int) -> Hashable:
        return self.outline.place(row)

    def find(self, identity: Hashable) -> int:
        assert isinstance(identity, StepPlace)
        return self.outline.row_of(identity.step, identity.log)

    def height(self, row: int) -> int:
        return 1

    def selectable(self, row: int) -> bool:
        return True

    def step(self, row: int) -> StepRow | None:
        place = self.outline.place(row)
        return self.pages.get(place.log, place.step)

    def paint(self, row: int, look: Look, width: int) -> Sequence[Strip]:
        outline = self.outline
        place = outline.place(row)
        depth = outline.depth(row)
        muted = look.style("muted")
        number = str(place.step).rjust(self._digits)
        if depth:
            number = "  " * (depth - 1) + look.sign("branch") + " " + number
        found = place in self.matches
        lead: list[Span] = [(number, look.style("match", "bu") if found else muted), (" ", muted)]
        if self.range is not None and not depth and self.range[0] <= place.step <= self.range[1]:
            lead = [(number, look.style("accent", "r")), (" ", muted)]
        step = self.pages.get(place.log, place.step)
        if step is None:
            return [paint([*lead, (look.sign("ellipsis"), muted)], width)]
        length = outline.run_length(row)
        if length > 1:
            if any(StepPlace(place.log, place.step + n) in self.matches for n in range(length)):
                lead = [(lead[0][0], look.style("match", "bu")), *lead[1:]]
            if outline.is_side(row):
                return [self._side_run(lead, step, length, outline.failures(row), look, width)]
            return [self._run(lead, step, place, length, look, width)]
        return [self._step(lead, step, place, look, width)]

    def _run(self, lead: list[Span], step: StepRow, place: StepPlace, length: int, look: Look, width: int) -> Strip:
        muted = look.style("muted")
        steps = [self.pages.get(place.log, place.step + n) for n in range(length)]
        searches = sum(1 for one in steps if one is not None and one.kind == "search")
        reads = length - searches
        parts = [fmt.plural(reads, "read")] if reads else []
        if searches:
            parts.append(fmt.plural(searches, "search", "searches"))
        names = f" {look.sign('dot')} ".join(_name(one.summary) for one in steps[:6] if one is not None)
        head = f"{look.sign('folded')} {', '.join(parts)}"
        return paint(
            [*lead, (f"{head:<{_KIND_WIDTH}} ", muted), (one_line(names, width), muted)],
            width,
            mark=look.sign("ellipsis"),
        )

    @staticmethod
    def _side_run(lead: list[Span], step: StepRow, length: int, failures: int, look: Look, width: int) -> Strip:
        """The steps of a subagent (or of several, side by side): what it was asked, and how many of them failed."""
        muted = look.style("muted")
        failed = f" {failures} {look.sign('failed')}" if failures else ""
        head = f"{look.sign('folded')} {fmt.plural(length, 'step')}"
        return paint(
            [*lead, (f"{head:<{_KIND_WIDTH}} ", muted), (f"subagent: {one_line(step.summary, width)}", muted)],
            width,
            right=[(failed, look.sign_style("failed"))] if failed else (),
            mark=look.sign("ellipsis"),
        )

    def _step(self, lead: list[Span], step: StepRow, place: StepPlace, look: Look, width: int) -> Strip:
        muted, plain = look.style("muted"), look.style()
        kind_width = _KIND_WIDTH if width >= 40 else 8
        spans = list(lead)
        if width >= 96:
            spans.append((_clock(step.time) + "  ", muted))
        kind, text = muted, plain
        if step.kind == "prompt":
            kind = text = look.style("prompt", "b")
        elif step.kind in ("thinking", "event", "plan"):
            text = look.style("muted", "i" if step.kind == "thinking" else "")
        elif step.kind == "compaction":
            kind = text = look.style("warn")
        elif step.kind in ("edit", "message"):
            kind = plain
        spans.append((clip(step.kind, kind_width, look.sign("ellipsis")).ljust(kind_width) + " ", kind))
        if step.sidechain and not self.outline.depth(0):
            spans.append((look.sign("branch") + " ", muted))
        if step.thread:
            unfolded = place in self.outline.fold.threads
            spans.append((look.sign("unfolded" if unfolded else "folded") + " ", muted))
        right = self._ends(step, place, look, width)
        summary = self._summary(step, width - sum(cells(part) for part, _ in (*spans, *right)) - bool(right))
        if not summary:
            summary, text = one_line(f"({step.tool or step.kind})", width), muted
        spans.append((summary, text))
        return paint(spans, width, right=right, mark=look.sign("ellipsis"))

    def _summary(self, step: StepRow, room: int) -> str:
        """The summary; of files the path from the session's folder on, cut in its middle rather than at its end."""
        summary = step.summary
        if step.kind not in ("read", "edit", "search"):
            return one_line(summary, max(8, room))
        if self._folder is not None:
            summary = summary.replace(self._folder, "", 1) if summary.startswith(self._folder) else summary
        return clip_middle(one_line(summary), max(8, room))

    def _ends(self, step: StepRow, place: StepPlace, look: Look, width: int) -> list[Span]:
        muted = look.style("muted")
        right: list[Span] = []
        found = self.exposed(place) if self.exposed is not None else 0
        open_sign: list[Span] = [(f" {look.sign('finding')}", look.sign_style("finding"))] if found else []
        badge = self.badge(place) if self.badge is not None and step.kind == "edit" else None
        if badge is not None:
            room = 20 if width >= 84 else 13 if width >= 60 else 1
            right += [("  ", muted), *badge_spans(badge, look, room)]
        if step.images:
            right.append((f"  {step.images} img", muted))
        if step.failed:
            code = f" exit {step.exit_code}" if step.exit_code else ""
            right.append((f" {look.sign('failed')}{code}", look.sign_style("failed")))
        duration = fmt.took(step.duration_ms)
        if width >= 72:
            tokens = fmt.tokens(step.tokens.output) + " tok" if step.tokens is not None and step.tokens.output else ""
            if tokens or duration:
                right.append((f" {duration:>6} {tokens:>9}", muted))
        elif duration:
            right.append((f" {duration:>6}", muted))
        if right and sum(cells(text) for text, _ in right) > width // 2:
            right = [("  ", muted), *badge_spans(badge, look, 1)] if badge is not None else right[-1:]
        return [*open_sign, *right]


def _name(summary: str) -> str:
    """The last part of a path in a summary, so that several fit in a row."""
    return summary.rstrip("/").rpartition("/")[2] or summary


def _clock(ms: int | None) -> str:
    if ms is None:
        return " " * 8
    try:
        return f"{_dt.datetime.fromtimestamp(ms / 1000).astimezone():%H:%M:%S}"
    except (OverflowError, ValueError, OSError):
        return " " * 8
