"""The editor over the real core: what it shows is what will be applied, and decisions outlive it."""

from __future__ import annotations

import asyncio
import base64
import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.redact.logs import PASSWORD, TOKEN, Log, leaking
from tracetui.bucket import Bucket
from tracetui.harness.roots import files_of
from tracetui.model import SessionRow, TracetuiError
from tracetui.redact import Review
from tracetui.redact.decisions import Rule
from tracetui.redact.values import IDENTITY, Group, opens_door
from tracetui.tui.app import TracetuiApp
from tracetui.tui.kit.step_document import fetch
from tracetui.tui.kit.tabs import TabAsk
from tracetui.tui.redact.choices import ReviewSnapshot
from tracetui.tui.redact.editing import Editing, open_review
from tracetui.tui.redact.expectation import accepted, rejected
from tracetui.tui.redact.findings_tab import findings_tab, open_steps
from tracetui.tui.redact.page import EditorPage, compose
from tracetui.tui.redact.screen import RedactScreen
from tracetui.tui.redact.second_reading import SecondReadingScreen
from tracetui.tui.redact.span_editor import SpanEditor


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    """A bucket over one leaking session."""
    home = tmp_path / "home"
    home.mkdir()
    for name, value in {"HOME": home, "USER": "qwertz", "TRACETUI_BUCKET": tmp_path / "bucket"}.items():
        monkeypatch.setenv(name, str(value))
    folder = home / ".claude" / "projects" / "-home-zorblax-limit"
    log: Log = leaking(folder / "5f1d2c3b-aaaa-4bbb-8ccc-0123456789ab.jsonl")
    log.say(f"encoded {base64.b64encode(TOKEN.encode()).decode()} and the wizard Merlinus of Acme")
    made = Bucket.open(tmp_path / "bucket", create=True)
    made.capture(list(files_of([str(folder)])), workers=0)
    yield made
    made.close()


@pytest.fixture
def session(bucket: Bucket) -> SessionRow:
    return bucket.sessions()[0]


def opened(bucket: Bucket, session: SessionRow, steps: tuple[int, int] | None = None) -> Editing:
    review = open_review(bucket, session, steps, lambda: False, lambda done, total: None)
    assert review is not None
    return review


def group_of(review: Editing, value: str) -> Group:
    return next(group for group in review.groups() if group.text == value)


def page_of(review: Editing, group: Group, copy: int = 0) -> EditorPage:
    steps = review.page(group.places[copy])
    marks = {unit.at: review.marks(unit.at, unit.text) for step in steps for unit in step.units}
    return compose(steps, marks, everything=True)


def test_findings_and_their_places(bucket: Bucket, session: SessionRow) -> None:
    review = opened(bucket, session)
    token = group_of(review, TOKEN)
    assert (token.tier, token.state) == (1, "open")
    assert group_of(review, PASSWORD).state == "open"
    for nth, copy in enumerate(token.places):
        page = page_of(review, token, nth)
        unit = page.unit_of(copy.at)
        assert unit >= 0
        span = page.span_at(page.place_of(unit, copy.start))
        assert span is not None
        assert page.source_range(span.start, span.end) == (copy.at, copy.start, copy.end)
    progress = review.progress()
    assert progress.open >= 3
    assert progress.unscanned == 0
    assert not review.unscanned()
    review.close()


def test_accepting_reaches_every_form_and_lists_them(bucket: Bucket, session: SessionRow) -> None:
    review = opened(bucket, session)
    token = group_of(review, TOKEN)
    outcome = review.accept(token.value)
    assert "‹github-token:1›" in outcome.said
    assert str(len(token.places)) in outcome.said
    token = group_of(review, TOKEN)
    assert token.state == "accepted"
    for nth in range(len(token.places)):
        page = page_of(review, token, nth)
        assert TOKEN not in page.shown.replace("\n", "")
        assert TOKEN[:30] not in page.shown
        assert "‹github-token:1›" in page.shown
        # A token over two lines becomes a placeholder and a line end, as it is applied.
    reach = review.reach(token.value, lambda: False)
    assert reach is not None
    assert sum(place.times for place in reach) > len(token.places)
    assert {place.step for place in reach} >= {1, 2, 3, 5}
    assert any("base64" in place.form for place in reach)
    assert review.reach(token.value, lambda: True) is None
    review.close()


def test_what_is_shown_is_what_is_applied(bucket: Bucket, session: SessionRow) -> None:
    """The page of every step, with its placeholders, reads as the redacted records do."""
    review = opened(bucket, session)
    for value in (TOKEN, PASSWORD):
        review.accept(group_of(review, value).value)
    core = review.review
    applied = {}
    for _, records, done in core.redacted(core.plan()):
        applied.update({record.source.line: value for record, value in zip(records, done)})
    seen = 0
    for step in range(1, 6):
        for found in review.page(None, step):
            for unit in found.units:
                if unit.at.in_key:
                    continue
                value = applied[unit.at.line]
                for part in unit.at.pointer.split("/")[1:]:
                    value = value[int(part)] if isinstance(value, list) else value[part]
                marks = review.marks(unit.at, unit.text)
                shown, at = "", 0
                for mark in marks:
                    shown += unit.text[at : mark.start]
                    shown += mark.text if mark.state == "accepted" else unit.text[mark.start : mark.end]
                    at = mark.end
                assert shown + unit.text[at:] == value
                seen += bool(marks)
    assert seen >= 6
    review.close()


def test_decisions_and_undo_outlive_the_editor(bucket: Bucket, session: SessionRow) -> None:
    review = opened(bucket, session)
    review.accept(group_of(review, TOKEN).value)
    password = group_of(review, PASSWORD)
    review.reject(password.value, password.places[0].id, "all")
    review.close()
    assert bucket.sessions()[0].findings is not None
    again = opened(bucket, session)
    assert group_of(again, TOKEN).state == "accepted"
    assert group_of(again, PASSWORD).state == "rejected"
    assert again.undo() is not None
    assert group_of(again, PASSWORD).state == "open"
    assert again.undo() is not None
    assert group_of(again, TOKEN).state == "open"
    assert again.undo() is None
    assert again.redo() is not None
    assert group_of(again, TOKEN).state == "accepted"
    again.close()


def test_undo_says_what_it_took_back_also_after_a_restart(bucket: Bucket, session: SessionRow) -> None:
    review = opened(bucket, session)
    token, password = group_of(review, TOKEN), group_of(review, PASSWORD)
    review.accept(token.value)
    review.reject(password.value, password.places[1].id, "place")
    review.reject(password.value, password.places[0].id, "kind")
    review.exclude("step", 3, None, "command")
    review.exclude("thinking", None, None, "")
    review.exclude("opaque", None, None, "")
    assert [one.said for one in review.exclusions()] == ["step 3", "thinking", "kept: signatures, encrypted thinking"]
    review.add_rule(Rule("literal", "wizard", "someone"))
    review.accept_tier(2)
    before = review.groups()
    review.close()
    again = opened(bucket, session)
    assert [(one.value, one.state) for one in again.groups()] == [(one.value, one.state) for one in before]
    told = [again.undo() for _ in range(9)]
    assert told[-1] is None
    said = [outcome.said for outcome in told[:-1] if outcome is not None]
    assert said[0].startswith("Undone: accepting ")
    assert said[1:] == [
        "Undone: a rule that stays (literal).",
        "Undone: keeping signatures, encrypted thinking.",
        "Undone: leaving out thinking.",
        "Undone: leaving out step 3.",
        f"Undone: leaving as it is everything of its kind ({password.kind}).",
        f"Undone: leaving as it is this one place ({password.kind}).",
        "Undone: accepting a value (github-token).",
    ]
    assert (told[6].value, told[6].place) == (password.value, password.places[1].id)  # type: ignore[union-attr]
    assert told[7].value == token.value  # type: ignore[union-attr]
    assert not again.exclusions()
    assert not again.rules()
    assert all(one.state == "open" for one in again.groups())
    assert again.redo().said == "Done again: accepting a value (github-token)."  # type: ignore[union-attr]
    assert again.left_off() == token.value
    password = group_of(again, PASSWORD)
    again.reject(password.value, password.places[0].id, "place")
    again.exclude("thinking", None, None, "")
    assert again.left_off() == password.value
    again.close()


def test_rejecting_one_place_leaves_the_others_open(bucket: Bucket, session: SessionRow) -> None:
    review = opened(bucket, session)
    token = group_of(review, TOKEN)
    outcome = review.reject(token.value, token.places[0].id, "place")
    assert outcome.said == "Stays as it is in 1 place"
    states = [*group_of(review, TOKEN).states]
    assert states[0] == "rejected"
    assert set(states[1:]) == {"open"}
    review.accept(token.value)
    page = page_of(review, group_of(review, TOKEN))
    span = page.span_at(page.place_of(page.unit_of(token.places[0].at), token.places[0].start))
    assert span is not None
    assert span.state == "rejected"
    review.close()


def test_a_mark_by_hand_is_found_everywhere_and_taken_back(bucket: Bucket, session: SessionRow) -> None:
    review = opened(bucket, session)
    page = review.page(None, 5)
    unit = next(unit for step in page for unit in step.units if "Merlinus" in unit.text)
    start = unit.text.index("Merlinus")
    outcome = review.mark(unit.at, start, start + 8, "person")
    assert "‹person:1›" in outcome.said
    group = group_of(review, "Merlinus")
    assert (group.by_hand, group.state, group.value) == (True, "accepted", outcome.value)
    assert [(copy.step, copy.start) for copy in group.places] == [(5, start)]
    review.reject(group.value, "", "all")
    assert all(one.text != "Merlinus" for one in review.groups())
    with pytest.raises(TracetuiError):
        review.mark(unit.at, 7, 8, "person")
    review.close()


def test_leaving_out_a_step_and_taking_it_in_again(bucket: Bucket, session: SessionRow) -> None:
    review = opened(bucket, session)
    assert review.exclude("step", 2, None, "command").said == "Step 2: left out."
    steps = review.page(None, 2)
    units = [unit for step in steps if step.step == 2 for unit in step.units if not unit.at.in_key]
    results = [unit for unit in units if "DB_PASSWORD" in unit.text]
    assert results
    for unit in results:
        assert [mark.text for mark in review.marks(unit.at, unit.text)] == ["‹excluded›"]
    assert review.exclude("step", 2, None, "command").said == "Step 2: in again."
    assert all("excluded" not in mark.text for unit in results for mark in review.marks(unit.at, unit.text))
    assert "kept" in review.exclude("images", None, None, "").said
    assert review.exclude("kind", 1, None, "command").said == "Every command: left out."
    assert review.exclude("results", None, None, "").said == "Results of tools: left out."
    with pytest.raises(TracetuiError):
        review.exclude("step", None, None, "")
    review.close()


def test_rules_stay_and_travel(bucket: Bucket, session: SessionRow, tmp_path: Path) -> None:
    review = opened(bucket, session)
    rule = Rule("literal", "wizard", "someone")
    review.add_rule(rule)
    assert not review.add_rule(rule).done
    unit = next(unit for step in review.page(None, 5) for unit in step.units if "wizard" in unit.text)
    assert "someone" in [mark.text for mark in review.marks(unit.at, unit.text)]
    review.change_rule(rule, Rule("glob", "Merl*", None))
    assert [tuple(one) for one in review.rules()] == [("glob", "Merl*", None)]
    review.export_rules(tmp_path / "rules.txt")
    review.remove_rule(Rule("glob", "Merl*", None))
    assert not review.rules()
    review.import_rules(tmp_path / "rules.txt")
    assert [tuple(one) for one in review.rules()] == [("glob", "Merl*", None)]
    (tmp_path / ".git").mkdir()
    with pytest.raises(TracetuiError):
        review.export_rules(tmp_path / "more.txt")
    assert review.export_rules(tmp_path / "more.txt", force=True).done
    with pytest.raises(TracetuiError):
        review.add_rule(Rule("regex", "(", None))
    review.close()


def test_a_range_holds_its_steps_only(bucket: Bucket, session: SessionRow) -> None:
    review = opened(bucket, session, (1, 1))
    assert {copy.step for group in review.groups() for copy in group.places} <= {1, None}
    assert [step.step for step in review.page(None, 1)] == [1]
    review.close()


def test_cancelling_the_scan_gives_no_review(bucket: Bucket, session: SessionRow) -> None:
    assert open_review(bucket, session, None, lambda: True, lambda done, total: None) is None


async def test_the_whole_way_by_keys(bucket: Bucket, session: SessionRow) -> None:
    app = TracetuiApp(bucket, redact=(session, None))
    async with app.run_test(size=(120, 40)) as pilot:
        screen = app.screen
        assert isinstance(screen, RedactScreen)

        async def settle() -> None:
            for _ in range(3):
                await pilot.pause(0.02)
                while not screen.worker.idle:
                    await asyncio.sleep(0.005)

        await settle()
        for _ in range(30):
            if not screen.snapshot.progress.open:
                break
            await pilot.press("a")
            await settle()
        assert screen.snapshot.progress.open == 0
        assert "nothing open" in screen.title_line.text
        text = screen.editor.page.shown
        assert TOKEN not in text
        assert PASSWORD not in text
        await pilot.press("u")
        await settle()
        assert screen.snapshot.progress.open == 1
    assert screen.worker.closed.wait(5)
    findings = bucket.sessions()[0].findings
    assert findings is not None
    assert findings["open"] >= 1


ODD = (
    "crlf one\r\ntwo ␛ \x1b[31mred\x1b[0m \x07bell\ttab\u202edone\u2066\n"
    "日本語テキスト 👨\u200d👩\u200d👧 🇩🇪 e\u0301\u0301x مرحبا שלום \u200bzero\ufeff end\r\n" + "long " * 40 + "last"
)
NEEDLES = (
    "one\r\ntwo", "\x1b[31mred\x1b[0m", "bell\ttab", "\u202edone\u2066", "本語テ", "👨\u200d👩\u200d👧",
    "🇩🇪 e\u0301\u0301x", "مرحبا שלום", "\u200bzero\ufeff", "long last",
)  # fmt: skip


async def test_what_is_marked_by_key_or_mouse_is_what_is_removed(tmp_path: Path, bucket: Bucket) -> None:
    """Whatever the text holds, the code points selected on the screen are those that the redacted record lacks."""
    folder = tmp_path / "odd"
    log = Log(folder / "0dd00000-aaaa-4bbb-8ccc-0123456789ab.jsonl", session="0dd00000-aaaa-4bbb-8ccc-0123456789ab")
    log.prompt(ODD)
    bucket.capture(list(files_of([str(folder)])), workers=0)
    session = next(row for row in bucket.sessions() if row.id.startswith("0dd"))
    app = TracetuiApp(bucket, redact=(session, None))
    async with app.run_test(size=(60, 40)) as pilot:
        screen = app.screen
        assert isinstance(screen, RedactScreen)
        editor = screen.editor

        async def settle() -> None:
            for _ in range(2):
                await pilot.pause(0.01)
                while not screen.worker.idle:
                    await asyncio.sleep(0.005)
            await pilot.pause()

        await settle()
        for nth, needle in enumerate(NEEDLES):
            unit = next(at for at, one in enumerate(editor.page.units) if one.text == ODD)
            cells = []
            for offset in (ODD.index(needle), ODD.index(needle) + len(needle) - 1):
                editor.move_to(editor.page.place_of(unit, offset))
                cells.append(editor.cursor_cell())
            if nth % 2:
                await pilot.mouse_down(SpanEditor, offset=cells[0])
                await pilot.hover(SpanEditor, offset=cells[1])
                await pilot.mouse_up(SpanEditor, offset=cells[1])
            else:
                await pilot.press("2")
                editor.move_to(editor.page.place_of(unit, ODD.index(needle)))
                await pilot.press("v")
                editor.move_to(editor.page.place_of(unit, ODD.index(needle) + len(needle) - 1))
            await pilot.press("enter", "enter")
            await settle()
    with Review(bucket, session) as review:
        assert tuple(one.value for one in review.state.accepted.values()) == NEEDLES
        ((_, _, done),) = review.redacted()
    kept = re.split("|".join(map(re.escape, NEEDLES)), ODD)
    # A value over several lines leaves its line ends.
    assert re.fullmatch(r"(?:‹secret:\d+›[\r\n]*)+".join(map(re.escape, kept)), done[0]["message"]["content"])


def test_the_timeline_knows_which_steps_hold_secrets_and_leaves_identity_alone(
    bucket: Bucket, session: SessionRow
) -> None:
    review = opened(bucket, session)
    doors = [group for group in review.groups() if any(opens_door(place) for place in group.places)]
    assert TOKEN in {group.text for group in doors}
    assert not {group.kind for group in doors} & IDENTITY
    assert not {group.kind for group in doors} & {"home", "user", "host"}, "a user's name stands in every path"
    assert {group.kind for group in review.groups() if group.tier == 1} & IDENTITY, "some that it leaves alone"
    steps = {(None, copy.step) for copy in group_of(review, TOKEN).places}
    assert steps <= set(open_steps(bucket, session))
    for group in doors:
        review.accept(group.value)
    assert open_steps(bucket, session) == {}
    review.close()


def test_the_findings_tab_lists_what_a_scan_kept(bucket: Bucket, session: SessionRow) -> None:
    def tab(number: int) -> str | None:
        row = bucket.sessions()[0]
        assert row.log is not None
        loaded = fetch(bucket, row.log, number, row, lambda: False)
        assert loaded is not None
        document = findings_tab(TabAsk(loaded, bucket, lambda: False))
        return document.source if document is not None else None

    assert tab(2) is None  # nobody looked yet
    review = opened(bucket, session)
    review.accept(group_of(review, TOKEN).value)
    review.close()
    shown = tab(2)
    assert shown is not None
    assert "  accepted" in shown
    assert "  open" in shown
    assert TOKEN not in shown
    assert PASSWORD not in shown
    none = tab(4)
    assert none is not None
    assert "accepted" not in none


async def test_the_second_reading_lists_what_a_stranger_would_notice(bucket: Bucket, session: SessionRow) -> None:
    app = TracetuiApp(bucket, redact=(session, None))
    async with app.run_test(size=(100, 30)) as pilot:
        screen = app.screen
        assert isinstance(screen, RedactScreen)

        async def settle() -> None:
            for _ in range(3):
                await pilot.pause(0.02)
                while not screen.worker.idle:
                    await asyncio.sleep(0.005)

        await settle()
        await pilot.press("S")
        await settle()
        page = app.screen
        assert isinstance(page, SecondReadingScreen)
        texts = [one.text for one in page._found]
        assert {"Merlinus", "Acme"} <= set(texts)
        page.rows.cursor = texts.index("Merlinus")
        await pilot.press("a")
        await settle()
        page.rows.cursor = [one.text for one in page._found].index("Acme")
        await pilot.press("r")
        await settle()
        await pilot.press("q")
        await settle()
        assert app.screen is screen
        assert ("Merlinus", "accepted") in {(group.text, group.state) for group in screen.snapshot.groups}
        await pilot.press("S")
        await settle()
        assert not {"Merlinus", "Acme"} & {one.text for one in app.screen._found}


def test_what_is_shown_at_once_is_what_comes(bucket: Bucket, session: SessionRow) -> None:
    """What the editor shows before a decision is carried out agrees with what that brings, whatever was decided."""
    review = opened(bucket, session)
    rng = random.Random(14)
    steps = review.page(None, 2)
    units = [unit for step in steps for unit in step.units]
    for _ in range(24):
        groups = review.groups()
        marks = {unit.at: review.marks(unit.at, unit.text) for unit in units}
        before = ReviewSnapshot(groups, review.progress(), review.unscanned(), kept=review.rejected_places())
        group = rng.choice([one for one in groups if not one.by_hand])
        place = rng.choice(group.places)
        scope = rng.choice(["accept", "place", "path", "kind", "name", "all"])
        if scope == "accept":
            expected, shown = accepted(before, marks, [group.value])
            review.accept(group.value)
        else:
            expected, shown = rejected(before, marks, place, scope)
            review.reject(group.value, place.id, scope)
        now = review.groups()
        assert [(one.value, one.state, [*one.states]) for one in expected.groups] == [
            (one.value, one.state, [*one.states]) for one in now
        ], scope
        assert expected.progress == review.progress()
        if scope == "accept" and group.state == "open":
            own = [mark for held in shown.values() for mark in held if mark.value == group.value]
            assert "open" not in {mark.state for mark in own}
        if rng.random() < 0.4:
            review.undo()
    review.close()
