"""Which steps a timeline shows: folding of turns, runs, thinking, events and subagents. Pure, and linear in C speed
where it can be, so that 100,000 steps unfold while a key is being pressed."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from tracetui.model import KINDS

__all__ = ["CODES", "HOLE", "Fold", "LogView", "Outline", "StepPlace"]

CODES: Final[Mapping[str, int]] = {kind: code for code, kind in enumerate(KINDS)}
_RUN: Final = bytes(1 if kind in ("read", "search") else 0 for kind in KINDS) + bytes(256 - len(KINDS))
_PROMPT: Final = CODES["prompt"]
HOLE: Final = 255
"""The code of a number that has no step here: those before a range out of a capsule, and those that another part of
the session tells."""
_RUN_LENGTH: Final = 3
"""Reads and searches in a row from which on they are one row."""


@dataclass(frozen=True, slots=True)
class LogView:
    """The steps of one log: a code of `KINDS` and 1 for failed per step; step n is at n - 1. Those before ``first`` are
    not there (`HOLE`). ``side`` is 1 for the steps of subagents inside the log of a session, empty where there are
    none."""

    log: int
    kinds: bytes
    failed: bytes
    tokens: Sequence[int] = ()
    agent: str | None = None
    first: int = 1
    side: bytes = b""

    def __len__(self) -> int:
        """The number of the last step."""
        return len(self.kinds)


@dataclass(frozen=True, slots=True)
class Fold:
    """What the user folded. ``turns`` shows prompts only, but for those in ``open_turns``; ``open_runs`` are runs
    shown step by step (by their first step); ``threads`` are unfolded subagents (by the step that started them). The
    places are (log, step). A subagent's steps within the log are a run, too."""

    thinking: bool = True
    events: bool = False
    runs: bool = True
    turns: bool = False
    open_turns: frozenset[StepPlace] = frozenset()
    open_runs: frozenset[StepPlace] = frozenset()
    threads: Mapping[StepPlace, LogView] = field(default_factory=dict)
    only: frozenset[StepPlace] | None = None
    """The steps that a filter lets through, each a row of its own; None without one."""


class StepPlace(NamedTuple):
    """A step of a log."""

    log: int
    step: int


class Outline:
    """The rows of a timeline. A row is a step, or a run of steps (then ``run_length`` is more than 1)."""

    def __init__(self, view: LogView, fold: Fold) -> None:
        self.view = view
        self.fold = fold
        self.views: list[LogView] = [view]
        self.depths: list[int] = [0]
        # One entry per row: which view, and the number of the (first) step, negative for a run.
        self._views = array("H")
        self._numbers = array("l")
        self._lengths: dict[tuple[int, int], int] = {}
        self.hidden_events = 0
        self.hidden_thinking = 0
        self._threads_at: dict[int, list[int]] = {}
        for place in fold.threads:
            self._threads_at.setdefault(place.log, []).append(place.step)
        self._add(0, frozenset({view.log}))

    def _add(self, index: int, above: frozenset[int]) -> None:
        view = self.views[index]
        start = view.first - 1
        for step in sorted(self._threads_at.get(view.log, ())):
            thread = self.fold.threads[StepPlace(view.log, step)]
            if thread.log in above or step > len(view):
                continue
            before = len(self._numbers)
            self._steps(index, start, step)
            start = step
            if len(self._numbers) == before or self._numbers[-1] != step:
                continue  # the step that started it is folded away itself
            self.views.append(thread)
            self.depths.append(self.depths[index] + 1)
            self._add(len(self.views) - 1, above | {thread.log})
        self._steps(index, start, len(view))

    def _steps(self, index: int, start: int, end: int) -> None:
        """Append the rows of the steps start + 1 to end."""
        view, fold = self.views[index], self.fold
        if fold.only is not None:
            self._filtered(index, fold.only, start, end)
            return
        if fold.turns and index == 0:
            self._turns(view, start, end)
            return
        side = view.side if fold.runs else b""
        at = start
        while (begin := side.find(b"\1", at, end)) >= 0:
            self._own_steps(index, at, begin)
            after = side.find(b"\0", begin, end)
            at = end if after < 0 else after
            if at - begin > 1 and StepPlace(view.log, begin + 1) not in fold.open_runs:
                self._numbers.append(-(begin + 1))
                self._views.append(index)
                self._lengths[view.log, begin + 1] = at - begin
            else:
                self._own_steps(index, begin, at)
        self._own_steps(index, at, end)

    def _filtered(self, index: int, only: frozenset[StepPlace], start: int, end: int) -> None:
        """Append the rows of the steps start + 1 to end that a filter lets through."""
        view = self.views[index]
        wanted = sorted(step for log, step in only if log == view.log and start < step <= end)
        self._numbers.extend([step for step in wanted if view.kinds[step - 1] != HOLE])
        self._views.extend([index] * (len(self._numbers) - len(self._views)))

    def _own_steps(self, index: int, start: int, end: int) -> None:
        view, fold = self.views[index], self.fold
        kinds = view.kinds
        skip = self._skipped(kinds, start, end)
        if not fold.runs:
            if not skip:
                self._numbers.extend(range(start + 1, end + 1))
            else:
                self._numbers.extend([n + 1 for n in range(start, end) if kinds[n] not in skip])
            self._views.extend([index] * (len(self._numbers) - len(self._views)))
            return
        numbers, failed = self._numbers, view.failed
        # A run is looked for in the string of "is it a read or a search", where finding is fast.
        flags = kinds.translate(_RUN)
        need = b"\1" * _RUN_LENGTH
        at = start
        while at < end:
            begin = flags.find(need, at, end)
            stop = end if begin < 0 else begin
            if skip:
                numbers.extend([n + 1 for n in range(at, stop) if kinds[n] not in skip])
            else:
                numbers.extend(range(at + 1, stop + 1))
            if begin < 0:
                break
            after = flags.find(b"\0", begin, end)
            after = end if after < 0 else after
            broken = failed.find(b"\1", begin, after)
            if broken >= 0:
                after = broken  # a failed step stays visible
            if after - begin >= _RUN_LENGTH and StepPlace(view.log, begin + 1) not in fold.open_runs:
                numbers.append(-(begin + 1))
                self._lengths[view.log, begin + 1] = after - begin
            else:
                numbers.extend(range(begin + 1, after + 1))
            if broken >= 0:
                numbers.append(broken + 1)
                after = broken + 1
            at = after
        self._views.extend([index] * (len(numbers) - len(self._views)))

    def _skipped(self, kinds: bytes, start: int, end: int) -> frozenset[int]:
        skip = {HOLE}
        if not self.fold.thinking:
            skip.add(CODES["thinking"])
            self.hidden_thinking += kinds.count(CODES["thinking"], start, end)
        if not self.fold.events:
            skip.add(CODES["event"])
            self.hidden_events += kinds.count(CODES["event"], start, end)
        return frozenset(code for code in skip if kinds.find(code, start, end) >= 0)

    def _turns(self, view: LogView, start: int, end: int) -> None:
        kinds, fold = view.kinds, self.fold
        inner = Outline(view, Fold(fold.thinking, fold.events, fold.runs, open_runs=fold.open_runs))
        compaction = CODES["compaction"]
        at = start
        while at < end:
            after = kinds.find(_PROMPT, at + 1, end)
            after = end if after < 0 else after
            if kinds[at] == _PROMPT and StepPlace(view.log, at + 1) in fold.open_turns:
                first, last = inner.row_of(at + 1), inner.row_of(after) + 1
                self._numbers.extend(inner._numbers[first:last])
            else:
                self._numbers.extend(n + 1 for n in range(at, after) if kinds[n] in (_PROMPT, compaction))
            at = after
        self._lengths.update(inner._lengths)
        self._views.extend([0] * (len(self._numbers) - len(self._views)))

    # -- rows ---------------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._numbers)

    def view_of(self, row: int) -> LogView:
        return self.views[self._views[row]]

    def depth(self, row: int) -> int:
        """0 for the session itself, 1 for its subagents, and so on."""
        return self.depths[self._views[row]]

    def number(self, row: int) -> int:
        """The number of the step, for a run of its first."""
        return abs(self._numbers[row])

    def run_length(self, row: int) -> int:
        """How many steps the row stands for."""
        number = self._numbers[row]
        return self._lengths[self.view_of(row).log, -number] if number < 0 else 1

    def place(self, row: int) -> StepPlace:
        return StepPlace(self.view_of(row).log, self.number(row))

    def row_of(self, step: int, log: int | None = None) -> int:
        """The row that shows the step or stands for it; of a step that is folded away, the last row before it. -1 when
        the log is not shown or nothing stands before."""
        index = 0
        if log is not None and log != self.view.log:
            index = next((i for i, view in enumerate(self.views) if view.log == log), -1)
            if index < 0:
                return -1
        if len(self.views) == 1:
            return bisect_left(self._numbers, step + 1, key=abs) - 1
        found = -1
        for row in range(len(self._numbers)):
            if self._views[row] == index:
                if abs(self._numbers[row]) > step:
                    break
                found = row
        return found

    def parent_step(self, row: int) -> int:
        """The step of the session's own log that a row is or belongs to."""
        while row > 0 and self.depth(row):
            row -= 1
        return self.number(row)

    def is_side(self, row: int) -> bool:
        """Whether the row is of a subagent whose steps stand in the log of its session."""
        side = self.view_of(row).side
        return bool(side) and side[self.number(row) - 1] == 1

    def failures(self, row: int) -> int:
        """How many of the steps that the row stands for failed."""
        at = self.number(row) - 1
        return self.view_of(row).failed.count(b"\1", at, at + self.run_length(row))

    def shows(self, step: int, log: int | None = None) -> bool:
        """Whether the step has a row of its own or is part of a run that has one."""
        row = self.row_of(step, log)
        if row < 0 or (log is not None and self.view_of(row).log != log):
            return False
        return self.number(row) <= step < self.number(row) + self.run_length(row)

    def next_of(self, row: int, code: int | None, direction: int) -> int | None:
        """The step number of the next (previous for -1) step of a kind, or of a failed one for None, in the log that
        the row belongs to, however folded."""
        view = self.view_of(row)
        at = self.number(row) - 1
        data, wanted = (view.failed, 1) if code is None else (view.kinds, code)
        found = data.find(wanted, at + 1) if direction > 0 else data.rfind(wanted, 0, at)
        return found + 1 if found >= 0 else None
