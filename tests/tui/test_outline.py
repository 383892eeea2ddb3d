"""Folding: what is shown, and that every step can be reached however it is folded."""

from __future__ import annotations

import dataclasses
import re

from hypothesis import given, settings
from hypothesis import strategies as st

from tracetui.model import KINDS
from tracetui.tui.browse.outline import CODES, Fold, LogView, Outline, StepPlace

KIND = st.sampled_from(range(len(KINDS)))


@st.composite
def views(draw: st.DrawFn, log: int = 1, most: int = 60) -> LogView:
    kinds = draw(st.lists(KIND | st.sampled_from([CODES["read"], CODES["search"]]), max_size=most))
    failed = draw(st.lists(st.sampled_from([0, 0, 0, 1]), min_size=len(kinds), max_size=len(kinds)))
    return LogView(log, bytes(kinds), bytes(failed))


FOLDS = st.builds(Fold, st.booleans(), st.booleans(), st.booleans(), st.booleans())


def steps_of(outline: Outline) -> list[StepPlace]:
    """Every step that some row stands for, in order."""
    return [
        StepPlace(outline.place(row).log, outline.number(row) + n)
        for row in range(len(outline))
        for n in range(outline.run_length(row))
    ]


def visible(view: LogView, fold: Fold, step: int) -> bool:
    """The rule, told plainly."""
    kind = KINDS[view.kinds[step - 1]]
    if fold.turns:
        return kind in ("prompt", "compaction")
    return not ((kind == "thinking" and not fold.thinking) or (kind == "event" and not fold.events))


@given(views(), FOLDS)
def test_shows_what_the_rule_says_each_once_in_order(view: LogView, fold: Fold) -> None:
    expected = [StepPlace(1, step) for step in range(1, len(view) + 1) if visible(view, fold, step)]
    assert steps_of(Outline(view, fold)) == expected


@given(views(), st.booleans())
def test_runs_are_three_or_more_reads_or_searches_none_failed(view: LogView, events: bool) -> None:
    outline = Outline(view, Fold(events=events))
    for row in range(len(outline)):
        length = outline.run_length(row)
        first = outline.number(row) - 1
        if length > 1:
            assert length >= 3
            assert {KINDS[code] for code in view.kinds[first : first + length]} <= {"read", "search"}
            assert not any(view.failed[first : first + length])


@given(views(most=30), st.data())
def test_steps_of_a_subagent_in_the_log_are_one_row(view: LogView, data: st.DataObject) -> None:
    side = bytes(data.draw(st.lists(st.sampled_from([0, 0, 1, 1]), min_size=len(view), max_size=len(view))))
    mixed = dataclasses.replace(view, side=side)
    runs = [(m.start(), m.end()) for m in re.finditer(b"\1\1+", side)]
    outline = Outline(mixed, Fold(events=True))
    places = {outline.number(row) - 1: outline.run_length(row) for row in range(len(outline))}
    for begin, end in runs:
        assert places[begin] == end - begin
        assert outline.is_side(outline.row_of(end))
        assert outline.failures(outline.row_of(end)) == sum(view.failed[begin:end])
    assert steps_of(outline) == [StepPlace(1, step) for step in range(1, len(view) + 1)]
    for row in range(len(outline)):
        first, length = outline.number(row) - 1, outline.run_length(row)
        assert len(set(side[first : first + length])) == 1, "what the parent did is no part of it"
    unfolded = Outline(mixed, Fold(events=True, open_runs=frozenset(StepPlace(1, begin + 1) for begin, _ in runs)))
    assert steps_of(unfolded) == steps_of(outline)
    assert all(
        unfolded.run_length(unfolded.row_of(begin + 1)) != end - begin or end - begin >= 3 for begin, end in runs
    )
    assert len(Outline(mixed, Fold(events=True, runs=False))) == len(view)


@given(views(), FOLDS)
def test_every_step_is_found_or_what_stands_before_it(view: LogView, fold: Fold) -> None:
    outline = Outline(view, fold)
    shown = {place.step for place in steps_of(outline)}
    for step in range(1, len(view) + 1):
        assert outline.shows(step) == (step in shown)
        row = outline.row_of(step)
        if step in shown:
            assert outline.number(row) <= step < outline.number(row) + outline.run_length(row)
        elif row >= 0:
            assert outline.number(row) < step
            assert row + 1 == len(outline) or outline.number(row + 1) > step


@given(views(), st.data())
def test_open_runs_and_turns_show_their_steps(view: LogView, data: st.DataObject) -> None:
    folded = Outline(view, Fold(events=True))
    for row in range(len(folded)):
        if folded.run_length(row) > 1:
            opened = Outline(view, Fold(events=True, open_runs=frozenset({folded.place(row)})))
            assert len(opened) == len(folded) + folded.run_length(row) - 1
            assert all(
                opened.run_length(opened.row_of(folded.number(row) + n)) == 1 for n in range(folded.run_length(row))
            )
    prompts = [step for step in range(1, len(view) + 1) if view.kinds[step - 1] == CODES["prompt"]]
    if prompts:
        turn = data.draw(st.sampled_from(prompts))
        after = next((step for step in prompts if step > turn), len(view) + 1)
        opened = Outline(view, Fold(events=True, turns=True, open_turns=frozenset({StepPlace(1, turn)})))
        assert all(opened.shows(step) for step in range(turn, after))


@settings(max_examples=60)
@given(views(1, 30), views(2, 12), views(3, 6), st.data())
def test_subagents_stand_below_the_step_that_started_them(
    view: LogView, thread: LogView, nested: LogView, data: st.DataObject
) -> None:
    if not view.kinds or not thread.kinds:
        return
    fold = Fold(thinking=True, events=True, runs=data.draw(st.booleans()))
    at = data.draw(st.integers(1, len(view)))
    inner = data.draw(st.integers(1, len(thread)))
    # A log that claims to hold itself must not unfold for ever.
    threads = {StepPlace(1, at): thread, StepPlace(2, inner): nested, StepPlace(3, 1): view}
    outline = Outline(view, Fold(fold.thinking, fold.events, fold.runs, threads=threads))
    assert [place.step for place in steps_of(outline) if place.log == 1] == list(range(1, len(view) + 1))
    own_row = outline.number(outline.row_of(at, 1)) == at and outline.run_length(outline.row_of(at, 1)) == 1
    found = [place.step for place in steps_of(outline) if place.log == 2]
    assert found == (list(range(1, len(thread) + 1)) if own_row else [])
    if own_row:
        row = outline.row_of(at, 1)
        assert outline.depth(row) == 0
        assert outline.depth(row + 1) == 1
        assert outline.place(row + 1).log == 2
        for step in range(1, len(thread) + 1):
            assert outline.shows(step, 2)


@given(views(), FOLDS, st.data())
def test_jumps_find_the_next_of_a_kind(view: LogView, fold: Fold, data: st.DataObject) -> None:
    outline = Outline(view, fold)
    if not len(outline):
        return
    row = data.draw(st.integers(0, len(outline) - 1))
    here = outline.number(row)
    code = data.draw(KIND | st.none())
    matches = [
        n for n in range(1, len(view) + 1) if (view.failed[n - 1] if code is None else view.kinds[n - 1] == code)
    ]
    assert outline.next_of(row, code, 1) == next((n for n in matches if n > here), None)
    assert outline.next_of(row, code, -1) == next((n for n in reversed(matches) if n < here), None)


def test_100_000_steps_cost_no_object_each() -> None:
    import tracemalloc

    kinds = bytes((n * 7) % 11 for n in range(100_000))
    view = LogView(1, kinds, bytes(len(kinds)))
    tracemalloc.start()
    outline = Outline(view, Fold(runs=False, events=True))
    size = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert len(outline) == 100_000
    assert size < 3_000_000
