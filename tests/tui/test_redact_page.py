"""Pages of the redaction editor: every character of a page leads back to its own, whatever is accepted in between."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tracetui.redact.values import Field, Mark
from tracetui.text.safe import is_display_safe
from tracetui.tui.kit.layout import RowLayout
from tracetui.tui.redact.page import EditorPage, PageStep, PageUnit, compose, edits_between

ODD = "ab Z09_-.=\n\n\t\r\x1b\x07\x85\u202e\u200b\u2028\ud800\ufe0f日本🎉e\u0301‹›"
texts = st.text(st.sampled_from(ODD), max_size=120)


def field(number: int) -> Field:
    return Field(None, number, 0, f"/message/content/{number}/text")


@st.composite
def marked(draw: Any) -> tuple[str, list[Mark]]:
    """A text and marks in order, none of which overlap."""
    text = draw(texts)
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=8, unique=True)))
    marks = []
    for low, high in zip(cuts[::2], cuts[1::2]):
        state = draw(st.sampled_from(["open", "accepted", "rejected"]))
        put = draw(st.sampled_from(["‹token:1›", "‹person:12›", "", "x\ny\n"])) if state == "accepted" else ""
        marks.append(Mark(low, high, state, f"g{low}", put))
    return text, marks


def page_of(items: list[tuple[str, list[Mark]]], **options: Any) -> tuple[EditorPage, list[PageUnit]]:
    units = [PageUnit(field(nth), text, f"label {nth}", 1) for nth, (text, _) in enumerate(items)]
    steps = [PageStep(1, None, "1 command", units)]
    marks = {field(nth): found for nth, (_, found) in enumerate(items)}
    options.setdefault("everything", True)
    return compose(steps, marks, **options), units


@given(st.lists(marked(), min_size=1, max_size=3))
def test_every_character_leads_back(items: list[tuple[str, list[Mark]]]) -> None:
    page, units = page_of(items)
    assert is_display_safe(page.shown, keep_newlines=True, keep_tabs=True)
    for nth, (text, marks) in enumerate(items):
        accepted = [mark for mark in marks if mark.state == "accepted"]
        for at in range(len(text)):
            place = page.place_of(nth, at)
            run = page.run_at(place)
            assert run is not None
            assert run.unit == nth
            hidden = next((mark for mark in accepted if mark.start <= at < mark.end), None)
            assert run.atom == (hidden is not None)
            if hidden is None:
                assert page.source_range(place, place + 1) == (units[nth].at, at, at + 1)
                shown = page.shown[place]
                assert shown == text[at] or not text[at].isprintable() or text[at] == "\ufe0f"
            else:
                assert page.source_range(place, place + 1) == (units[nth].at, hidden.start, hidden.end)


@given(st.lists(marked(), min_size=2, max_size=3), st.data())
def test_what_is_marked_is_a_span_of_one_unit(items: list[tuple[str, list[Mark]]], data: Any) -> None:
    """However far a selection reaches, it takes text of the unit in which it began, and placeholders whole."""
    page, _ = page_of(items)
    start = data.draw(st.integers(0, max(0, len(page.shown) - 1)))
    end = data.draw(st.integers(start + 1, len(page.shown) + 2))
    anchor = data.draw(st.sampled_from([start, min(end, len(page.shown)) - 1]))
    found = page.source_range(start, end, anchor)
    home = page.run_at(anchor)
    if home is None:
        assert found is None
        return
    assert found is not None
    at, low, high = found
    text, marks = items[home.unit]
    assert at == field(home.unit)
    assert 0 <= low < high <= len(text)
    for mark in marks:
        if mark.state == "accepted":
            assert mark.end <= low or high <= mark.start or (low <= mark.start and mark.end <= high)
    # Exactly what is selected: neither less nor more, but for placeholders.
    covered = {run.low + (at_ - run.start) for run in page.runs if run.unit == home.unit and not run.atom
               for at_ in range(max(run.start, start), min(run.end, end))}  # fmt: skip
    assert covered <= set(range(low, high))
    atoms = {at_ for mark in marks if mark.state == "accepted" for at_ in range(mark.start, mark.end)}
    assert set(range(low, high)) - covered <= atoms


@given(st.lists(marked(), min_size=1, max_size=3), st.booleans(), st.sampled_from([8, 13, 40]), st.data())
@settings(max_examples=150)
def test_mended_rows_are_those_laid_out_anew(
    items: list[tuple[str, list[Mark]]], hidden: bool, width: int, data: Any
) -> None:
    """A decision lays out only the lines that it changes, and the outcome is the same."""
    old, units = page_of(items, hidden=hidden)
    changed = {}
    for nth, (text, marks) in enumerate(items):
        kept = [mark for mark in marks if data.draw(st.booleans())]
        turned = [
            mark._replace(state="accepted", text="‹a:1›" + "\n" * text.count("\n", mark.start, mark.end))
            if data.draw(st.booleans())
            else mark
            for mark in kept
        ]
        changed[field(nth)] = turned
    new = compose([PageStep(1, None, "1 command", units)], changed, everything=True, hidden=hidden)
    edits = edits_between(old, new)
    assert edits is not None
    rows = RowLayout(old.shown, width).finish()
    assert rows.mended(new.shown, edits).starts == RowLayout(new.shown, width).finish().starts


@given(texts, st.sampled_from([5, 9, 30]))
def test_cells_and_offsets_round_trip(text: str, width: int) -> None:
    page, _ = page_of([(text, [])])
    rows = RowLayout(page.shown, width).finish()
    for offset, char in enumerate(page.shown):
        row, column = rows.cell_of(offset)
        start, end = rows.bounds(row)
        assert start <= offset <= end
        back = rows.offset_at(row, column)
        if offset == end:
            assert char == "\n"
        # Marks without a cell of their own stand in the cell of what follows them.
        assert back == offset or rows.cell_of(back) == (row, column)


def test_rows_partition_a_text_that_is_laid_out_in_parts() -> None:
    text = "word " * 40_000 + "\n" + "日本語 " * 3_000
    page, _ = page_of([(text, [])])
    rows = RowLayout(page.shown, 60)
    assert rows.row_of(len(page.shown) - 1) == len(rows) - 1
    assert rows.complete
    assert rows.starts == RowLayout(page.shown, 60).finish().starts


def test_hidden_secrets_are_not_on_the_page() -> None:
    text = "key=hunter2hunter2 and more, hunter2hunter2"
    marks = [Mark(4, 18, "open", "g"), Mark(29, 43, "rejected", "g")]
    page, units = page_of([(text, marks)], hidden=True)
    assert "hunter2" not in page.shown
    place = page.place_of(0, 4)
    assert page.source_range(place, place + 14) == (units[0].at, 4, 18)
    ascii_page, _ = page_of([(text, marks)], hidden=True, ascii_only=True)
    assert ascii_page.shown.isascii()


def test_fields_that_repeat_or_frame_stand_aside_until_they_matter() -> None:
    units = [
        PageUnit(field(0), "the output", "result", 1),
        PageUnit(field(1), "the output", "copy", 1),
        PageUnit(field(2), "/home/ada/src", "cwd", 1, main=False),
    ]
    steps = [PageStep(1, None, "1 command", units)]
    assert [unit.label for unit in compose(steps, {}).units] == ["result"]
    assert [unit.label for unit in compose(steps, {field(2): [Mark(6, 9, "open", "g")]}).units] == ["result", "cwd"]
    assert [unit.label for unit in compose(steps, {}, want=[field(1)]).units] == ["result", "copy"]
    assert len(compose(steps, {}, everything=True).units) == 3


def test_marks_of_another_text_are_left_out() -> None:
    page, _ = page_of([("short", [Mark(2, 40, "accepted", "g", "‹a:1›")])])
    assert "short" in page.shown
    assert not page.spans


def test_what_only_repeats_is_folded_to_where_it_changes() -> None:
    mark = [Mark(6, 9, "accepted", "g", "‹user:1›")]

    def step(number: int, folder: str) -> PageStep:
        units = [
            PageUnit(field(number * 10), f"said {number}", "result", number),
            PageUnit(field(number * 10 + 1), f"said {number}", "stdout", number, main=False),
            PageUnit(field(number * 10 + 2), folder, "cwd", number, main=False),
        ]
        return PageStep(number, None, f"{number} command", units)

    steps = [step(1, "/home/ada/x"), step(2, "/home/ada/x"), step(3, "/home/ada/y")]
    marks = {unit.at: mark for one in steps for unit in one.units if unit.label == "cwd"}
    page = compose(steps, marks)
    assert [(unit.step, unit.label) for unit in page.units] == [
        (1, "result"), (1, "cwd"), (2, "result"), (3, "result"), (3, "cwd"),
    ]  # fmt: skip
    assert "result ×2" in page.shown
    assert len(compose(steps, marks, everything=True).units) == 9
    # What is left in one place is to be seen.
    marks[field(22)] = [Mark(6, 9, "rejected", "g")]
    assert (2, "cwd") in [(unit.step, unit.label) for unit in compose(steps, marks).units]
