"""The redaction editor over a made-up review: one key per decision, and what the screen says about it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from textual import events

from tests.tui.driving import Driver, driving
from tests.tui.fake_review import KEY, PASSWORD, FakeReview, Value, leaked, unscanned
from tests.tui.fakes import FakeBucket, make_session, make_steps
from tracetui.model import TracetuiError
from tracetui.redact.decisions import Rule
from tracetui.redact.proof import Leak
from tracetui.redact.values import Field, Progress, Target
from tracetui.text.safe import is_display_safe
from tracetui.tui.app import TracetuiApp
from tracetui.tui.kit.footer import Footer
from tracetui.tui.redact.rules import RulesScreen
from tracetui.tui.redact.screen import RedactScreen, headline
from tracetui.tui.redact.span_editor import SpanEditor


class Editor(Driver):
    """The editor under test."""

    review: FakeReview

    @property
    def editor(self) -> RedactScreen:
        return next(screen for screen in self.app.screen_stack if isinstance(screen, RedactScreen))

    @property
    def text(self) -> SpanEditor:
        return self.editor.editor

    async def settle(self) -> None:
        for _ in range(2):
            await self.pilot.pause(0.02)
            while any(not one.worker.idle for one in self.app.screen_stack if isinstance(one, RedactScreen)):
                await asyncio.sleep(0.005)
        await self.pilot.pause()


@asynccontextmanager
async def reviewing(
    review: FakeReview | None = None,
    size: tuple[int, int] = (120, 40),
    steps: tuple[int, int] | None = None,
    target: Target | None = None,
) -> AsyncIterator[Editor]:
    made = leaked() if review is None else review
    bucket = FakeBucket.filled(3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RedactScreen, "_open_core", lambda *_: made)
        app = TracetuiApp(bucket, redact=(bucket.sessions()[0], steps))  # type: ignore[arg-type]
        if target is not None:
            patch.setattr(app, "get_default_screen", lambda: RedactScreen(bucket.sessions()[0], target=target))
        async with app.run_test(size=size) as pilot:
            driver = Editor(app, pilot, bucket)
            driver.review = made
            await driver.settle()
            yield driver


async def test_the_most_certain_value_stands_first_and_in_the_middle_third() -> None:
    async with reviewing() as driver:
        assert "2 open · 3 copies · 1 weak · nothing unscanned" in driver.lines[0]
        assert driver.editor.group.text == KEY
        rows = [y for y, line in enumerate(driver.lines) if f"GITHUB_TOKEN={KEY}" in line]
        top, height = driver.text.region.y, driver.text.region.height
        assert len(rows) == 1
        assert height // 3 <= rows[0] - top < height * 2 // 3
        listed = "\n".join(line[:40] for line in driver.lines)
        assert listed.index("github-token") < listed.index("password")
        assert "weak" in listed
        assert "5f2c9a7be1" not in listed


async def test_accept_replaces_everywhere_goes_on_and_says_how_many() -> None:
    async with reviewing() as driver:
        await driver.press("s")
        assert driver.said.startswith("Something is open or not scanned")
        await driver.press("a")
        assert driver.review.calls == [("accept", "v0")]
        assert driver.said == "accepted v0 in 2 places"
        assert driver.editor.group.text == PASSWORD
        assert KEY not in driver.screen
        assert "GITHUB_TOKEN=‹github-token:1›" in driver.screen
        assert "1 open" in driver.lines[0]
        await driver.press("a")
        assert "nothing open · 1 weak" in driver.lines[0]
        assert "Nothing is open" in driver.screen
        assert "s seal it" in driver.screen
        await driver.press("s")
        assert "File of the capsule" in driver.screen
        await driver.press("escape")
        await driver.press("a")
        assert driver.said == "This value is accepted already; u takes it back."


async def test_it_goes_on_where_the_last_decision_was_taken() -> None:
    review = leaked()
    review.values["v3"] = Value("PACE_LIMIT", "project", 2)
    async with reviewing(review) as driver:
        await driver.press("right_square_bracket", "a")
        assert driver.editor.group.text == "PACE_LIMIT"
    async with reviewing(review) as driver:
        assert driver.editor.group.text == "PACE_LIMIT"
        await driver.press("a")
        assert driver.editor.group.text == KEY


async def test_undo_and_redo() -> None:
    async with reviewing() as driver:
        await driver.press("u")
        assert driver.said == "There is nothing to undo."
        await driver.press("a", "u")
        assert "2 open" in driver.lines[0]
        await driver.press("U")
        assert "1 open" in driver.lines[0]
        await driver.press("u", "ctrl+r")
        assert "1 open" in driver.lines[0]


@pytest.mark.parametrize(("key", "scope"), [("o", "place"), ("p", "path"), ("n", "name"), ("k", "kind"), ("a", "all")])
async def test_reject_asks_how_far(key: str, scope: str) -> None:
    async with reviewing() as driver:
        await driver.press("r")
        assert "this one place" in driver.screen
        await driver.press(key)
        assert driver.review.calls[-1][0] == "reject"
        assert driver.review.calls[-1][3] == scope
        assert driver.review.calls[-1][2].startswith("v0@2")


async def test_after_one_place_comes_the_next_open_one_of_the_same_value() -> None:
    async with reviewing() as driver:
        await driver.press("r", "o")
        assert driver.editor.group.text == KEY
        assert "curl -H" in driver.screen
        assert "2 open" in driver.lines[0]
        await driver.press("r", "o")
        assert driver.editor.group.text == PASSWORD
        assert "1 open" in driver.lines[0]


async def test_a_rejection_can_be_dropped_and_leaves_a_mark_in_the_margin() -> None:
    async with reviewing() as driver:
        await driver.press("r", "escape")
        assert not driver.review.calls
        await driver.press("r", "a")
        line = next(line for line in driver.lines if f"GITHUB_TOKEN={KEY}" in line)
        assert "▏" in line


async def test_next_previous_and_copies() -> None:
    async with reviewing() as driver:
        await driver.press("right_square_bracket")
        assert driver.editor.group.text == PASSWORD
        await driver.press("left_square_bracket")
        assert driver.editor.group.text == KEY
        await driver.press("c")
        assert "curl -H" in driver.screen
        assert "copy 2 of 2" in driver.screen
        assert driver.review.loads == 2
        await driver.press("C")
        assert "PACE_LIMIT" in driver.screen
        await driver.press("i")
        assert "It stands in 2 places of 2 steps" in driver.screen
        await driver.press("j", "enter")
        assert "curl -H" in driver.screen


async def test_steps_can_be_walked_through() -> None:
    async with reviewing() as driver:
        await driver.press("J")
        assert "curl -H" in driver.screen
        await driver.press("J")
        assert "The session id was" in driver.screen
        assert driver.editor.group is None
        await driver.press("x", "s")
        assert "The session id was" not in driver.screen
        assert "4 command Bash" in driver.screen
        await driver.press("K")
        assert "curl -H" in driver.screen
        await driver.press("j")
        assert driver.editor.group.text == PASSWORD


async def test_weak_ones_are_folded_until_asked_for() -> None:
    async with reviewing() as driver:
        await driver.press("space")
        assert "5f2c9a7be1" in "\n".join(line[:40] for line in driver.lines)
        await driver.press("G")
        assert driver.editor.group.tier == 3
        assert "looks random" in driver.screen


async def test_accept_exact_asks_first() -> None:
    async with reviewing() as driver:
        await driver.press("A")
        assert "1 value in 2 places: github-token" in driver.screen
        await driver.press("enter")
        assert not driver.review.calls
        await driver.press("A", "j", "enter")
        assert driver.review.calls == [("accept", "v0")]


async def test_hidden_secrets_are_nowhere_on_the_screen() -> None:
    async with reviewing() as driver:
        await driver.press("z")
        assert KEY not in driver.screen
        assert KEY[-8:] not in driver.screen
        assert PASSWORD not in driver.screen
        await driver.press("a", "right_square_bracket", "r")
        assert PASSWORD not in driver.screen
        await driver.press("escape", "z")
        assert PASSWORD in driver.screen


async def test_a_large_page_is_hidden_at_once_and_comes_back_in_its_place() -> None:
    filler = "a line of a large output\n" * 12_000
    review = leaked()
    review.texts = [*review.texts[:1], [("result", f"{filler}TOKEN={KEY}\n{filler}")], *review.texts[2:]]
    async with reviewing(review) as driver:
        assert f"TOKEN={KEY}" in driver.screen
        await driver.pilot.press("z")
        assert KEY not in driver.screen
        await driver.settle()
        assert "TOKEN=••••" in driver.screen
        await driver.press("a", "u", "z")
        assert f"TOKEN={KEY}" in driver.screen


async def test_a_mark_by_hand_is_the_span_that_was_selected() -> None:
    async with reviewing() as driver:
        await driver.press("2")
        page = driver.text.page
        driver.text.move_to(page.place_of(1, driver.review.texts[1][1][1].index("db.example")))
        await driver.press("v", "e", "e", "e", "enter")
        assert "What is it?" in driver.screen
        await driver.press("h", "o", "s", "t", "enter")
        assert driver.review.calls == [("mark", "hand0", "db.example", "host")]
        assert driver.text.selection is None
        assert "by hand" in driver.screen
        assert "db.example" not in "\n".join(line[40:] for line in driver.lines)


async def test_kinds_are_words() -> None:
    async with reviewing() as driver:
        await driver.press("2", "v", "enter")
        await driver.press("!", "enter")
        assert driver.said == "A kind is a word of letters, digits and dashes."
        assert not driver.review.calls


async def test_leaving_out() -> None:
    async with reviewing() as driver:
        await driver.press("x")
        assert "step 2" in driver.screen
        await driver.press("s")
        assert driver.review.calls == [("exclude", "step", "2")]
        assert driver.screen.count("‹excluded›") == 2
        for key, what in (("r", "results"), ("t", "thinking"), ("i", "images"), ("k", "kind")):
            await driver.press("x", key)
            assert driver.review.calls[-1][1] == what


async def test_as_the_reader() -> None:
    async with reviewing() as driver:
        await driver.press("a", "p")
        assert "as the reader will see it" in driver.screen
        await driver.press("2", "v")
        assert driver.text.pin is None
        await driver.press("escape")
        assert not driver.text.plain
        assert isinstance(driver.app.screen, RedactScreen)


async def test_the_cursor_in_the_text_chooses_the_value() -> None:
    async with reviewing() as driver:
        await driver.press("2")
        driver.text.move_to(driver.text.page.place_of(1, driver.review.texts[1][1][1].index(PASSWORD)))
        await driver.settle()
        assert driver.editor.group.text == PASSWORD
        await driver.press("a")
        assert driver.review.calls == [("accept", "v1")]


async def test_finding_text() -> None:
    async with reviewing() as driver:
        await driver.press("2", "slash", *"pace", "enter")
        assert "match" in driver.said
        assert "in the session" not in driver.said
        await driver.press("n")
        assert driver.text.page.shown[driver.text.cursor :].casefold().startswith("pace")
        await driver.press("slash", "ctrl+u", *"nowhere-at-all", "enter")
        assert driver.said == "It is nowhere in this session."


async def test_finding_goes_on_beyond_the_page_and_marks_all() -> None:
    review = leaked()
    review.texts = [[("prompt", f"step {nth} {'Quex' if nth in (1, 30) else 'nobody'}")] for nth in range(1, 41)]
    review.values = {}
    async with reviewing(review) as driver:
        await driver.press("2", "slash", *"quex", "enter")
        assert driver.said.startswith("2 matches in 2 steps")
        seen = set()
        for _ in range(2):
            await driver.press("n")
            seen.add(driver.text.page.step_at(driver.text.cursor).step)
        assert seen == {1, 30}
        await driver.press("M")
        await driver.press("enter")
        assert driver.review.calls[-1] == ("mark_all", "Quex", "secret")


async def test_what_was_not_scanned_is_said_and_blocks() -> None:
    review = leaked()
    review.gaps = [unscanned(Field(None, 2, 0, "/x"), 2, "too slow to look through")]
    async with reviewing(review) as driver:
        assert "1 unscanned" in driver.lines[0]
        assert "too slow to look" in driver.screen
        await driver.press("a", "a")
        assert "Nothing is open" not in driver.screen
        await driver.press("g", "r")
        assert "Let it pass unscanned" in driver.screen
        await driver.press("enter")
        assert driver.review.gaps
        await driver.press("r", "j", "enter")
        assert not driver.review.gaps
        assert "Nothing is open" in driver.screen


async def test_an_empty_session_can_be_read_and_marked() -> None:
    review = FakeReview([[("text", "nothing secret here")]], [])
    async with reviewing(review) as driver:
        assert "Nothing was found" in driver.screen
        assert "nothing secret here" in driver.screen
        await driver.press("2")
        driver.text.move_to(driver.text.page.place_of(0, 8))
        await driver.press("v", "e", "m", "enter")
        assert driver.review.calls == [("mark", "hand0", "secret", "secret")]


async def test_a_review_that_fails_is_said() -> None:
    def fail(*_: object) -> FakeReview:
        raise TracetuiError("The bucket is on fire.")

    async with driving(FakeBucket.filled(3)) as driver:
        driver.app.push_screen(RedactScreen(driver.app.bucket.sessions()[0], opener=fail))
        await driver.settle()
        await driver.settle()
        assert "The bucket is on fire." in driver.screen
        await driver.press("a", "r", "x", "R", "u", "2", "v", "1", "q")
        assert not isinstance(driver.app.screen, RedactScreen)


async def test_what_is_left_out_is_listed_and_taken_in_again() -> None:
    async with reviewing() as driver:
        await driver.press("x", "s", "x", "t", "G", "k", "k")
        listed = [line[:40] for line in driver.lines]
        assert any("left out" in line and "2" in line for line in listed)
        assert sum("in again" in line for line in listed) == 2
        await driver.press("G", "x")
        assert driver.review.calls[-1][:2] == ("exclude", "thinking")


async def test_undo_goes_to_what_it_took_back() -> None:
    async with reviewing() as driver:
        await driver.press("a")
        assert driver.editor.group.text == PASSWORD
        await driver.press("u")
        assert driver.editor.group.text == KEY
        assert driver.said == "undone accept"
        await driver.press("U", "right_square_bracket", "r", "a", "u")
        assert driver.editor.group.text == PASSWORD


async def test_a_selection_is_neither_accepted_nor_rejected() -> None:
    async with reviewing() as driver:
        await driver.press("2", "v", "l", "a")
        assert driver.said == "Text is selected: enter marks it, esc drops it."
        assert not driver.review.calls
        assert "2 characters selected in result" in driver.screen
        await driver.press("r")
        assert not driver.review.calls
        await driver.press("escape", "a")
        assert driver.review.calls == [("accept", "v0")]
        assert "selected" not in driver.editor.info.text


async def test_a_seal_that_was_refused_leads_to_the_very_place() -> None:
    review = leaked()
    group = review.groups()[1]
    async with reviewing(review, target=Target(group.places[0].id)) as driver:
        assert driver.editor.group.text == PASSWORD
    spot = Target("", None, "4", "/content/0/text", False, 4, 11)
    async with reviewing(target=spot) as driver:
        chosen = driver.text.selection
        assert chosen is not None
        assert driver.text.page.source_range(*chosen) == (Field(None, 4, 0, "/content/0/text"), 4, 11)
        assert "7 characters selected" in driver.screen
        await driver.press("enter", *"name", "enter")
        assert driver.review.calls == [("mark", "hand0", "session", "name")]
    async with reviewing(target=Target("gone")) as driver:
        assert driver.editor.group.text == KEY
        assert "no longer there" in driver.said


async def test_what_the_proof_found_can_be_replaced_or_left() -> None:
    leak = Leak(None, 3, "4", "/content/0/text", False, 4, 11, "name", "rule", 2, "a name", text="session")
    spot = Target("", None, "4", "/content/0/text", False, 4, 11, leak)
    async with reviewing(target=spot) as driver:
        assert "left in the result · a name" in driver.screen
        await driver.press("r")
        assert "Leave it in the result" in driver.screen
        await driver.press("j", "enter")
        assert driver.review.calls == [("leave", "session")]
        assert driver.text.selection is None
        assert "left in the result ·" not in driver.screen
    async with reviewing(target=spot) as driver:
        await driver.press("enter", "enter")
        assert driver.review.calls == [("mark", "hand0", "session", "name")]
    async with reviewing(target=spot) as driver:
        await driver.press("escape", "v", "r")
        assert driver.said == "Text is selected: enter marks it, esc drops it."


async def test_names_made_of_keys_hide_what_is_secret() -> None:
    """A title, and the name of a field, can hold a secret as well."""
    review = leaked()
    review.texts = [*review.texts[:1], [(f"input {KEY}", f"TOKEN={KEY}"), ("text", PASSWORD)], *review.texts[2:]]
    async with reviewing(review) as driver:
        driver.editor.view.title = f"a title with {KEY}"
        assert f"input {KEY}" in driver.screen
        await driver.press("z")
        assert KEY not in driver.screen
        assert "input ••••••••" in driver.screen
        driver.review.kept = [Rule("literal", KEY)]
        await driver.press("R")
        assert "literal" in driver.screen
        assert KEY not in driver.screen
        await driver.press("q", "z", "a")
        assert "input ‹github-token:1›" in driver.screen
        assert KEY not in driver.screen


async def test_nothing_of_a_session_reaches_the_screen_raw_or_as_markup() -> None:
    evil = "\x1b]0;x\x07\x9b31m[bold]b[/] [@click=app.quit]q[/] \u202e\u2066\u200bé\u0301 日本"
    key = f"k{evil}" + "Z" * 12
    review = FakeReview(
        [[(f"label {evil}", f"{evil}\n{key}\r\n{evil}")], [("text", f"again {key}")]],
        [Value(key, f"kind{evil}", 1, f"value of {evil}")],
        [unscanned(Field(None, 1, 0, f"/x{evil}"), 1, f"slow {evil}")],
    )
    review.kept = [Rule("literal", evil, evil)]
    async with reviewing(review) as driver:
        keys = ["i", "escape", "r", "escape", "p", "F", "R", "e", "escape", "q", "g", "r"]
        for key_name in (*keys, "escape", "2", "v", "G", "m", "escape", "escape", "a", "z"):
            await driver.press(key_name)
            assert all(is_display_safe(line) for line in driver.lines), key_name
            assert driver.app.is_running
        assert "[bold]b[/]" in driver.screen


async def test_out_closes_the_review() -> None:
    async with reviewing() as driver:
        await driver.press("2", "v", "l", "escape")
        assert driver.text.pin is None
        await driver.press("escape", "q")
        assert not driver.app.is_running
    for _ in range(200):
        if driver.review.closed:
            break
        await asyncio.sleep(0.01)
    assert driver.review.closed


async def test_rules() -> None:
    async with reviewing() as driver:
        await driver.press("R")
        assert isinstance(driver.app.screen, RulesScreen)
        assert "No rules yet." in driver.screen
        await driver.press("a", "g", *"ada*", "enter", "enter")
        await driver.press("a", "l", *"Ada", "enter", *"someone", "enter")
        assert [tuple(rule) for rule in driver.review.kept] == [("glob", "ada*", None), ("literal", "Ada", "someone")]
        assert "==> someone" in driver.screen
        assert "0 places" in driver.screen  # what replaces nothing is visible
        assert "2 places" in driver.screen
        await driver.press("a", "r", *"(", "enter", "enter")
        assert driver.said == "The pattern ( is not understood"
        await driver.press("g", "e", "l", "enter", *"x", "enter")
        assert tuple(driver.review.kept[0]) == ("literal", "ada*", "x")
        await driver.press("d")
        assert len(driver.review.kept) == 1
        await driver.press("i", "enter")
        assert driver.said.startswith("Cannot read")
        await driver.press("x", "enter")
        assert "Write secrets into a repository" in driver.screen
        await driver.press("j", "enter")
        assert driver.review.calls[-1][0] == "export"
        await driver.press("q")
        assert isinstance(driver.app.screen, RedactScreen)


async def test_narrow_and_wide_screens_hold_it() -> None:
    for size in ((80, 24), (60, 16), (200, 50)):
        async with reviewing(size=size) as driver:
            assert len(driver.lines[0]) == size[0]
            assert KEY[:8] in driver.screen
            await driver.press("a", "2", "j", "v", "w", "escape", "1")


async def test_footer_keys_are_those_of_the_registry() -> None:
    async with reviewing() as driver:
        assert "a accept" in driver.lines[-1]
        assert "r reject" in driver.lines[-1]
        await driver.press("2")
        assert "v select" in driver.lines[-1]
        assert driver.app.screen.query_one(Footer)


def test_the_headline_counts_down() -> None:
    assert headline(Progress(17, 0, 204, 3, 1, 0)) == "17 open · 204 copies · nothing unscanned"
    assert headline(Progress(0, 3, 1, 3, 1, 2)) == "nothing open · 3 weak · 2 unscanned"


async def test_the_main_screen_opens_it_on_a_range(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    review = leaked()
    monkeypatch.setattr(RedactScreen, "_open_core", lambda self, *_: seen.append(self.steps) or review)
    bucket = FakeBucket([make_session(0, steps=36)], {1: make_steps(36)})
    async with driving(bucket) as driver:
        await driver.press("2", "j", "V", "j", "j")
        low, high = driver.timeline.range
        assert low < high
        assert f"range {low}-{high}" in driver.screen
        await driver.press("r")
        assert seen == [(low, high)]
        await driver.press("q")
        await driver.press("V")
        assert driver.timeline.range is None
        await driver.press("r")
        assert seen[-1] is None


async def burst(driver: Editor, keys: str) -> None:
    """All keys before the app looked at the first, as a terminal hands over what was typed while it was busy."""
    for letter in keys:
        driver.app.post_message(events.Key({"\n": "enter"}.get(letter, letter), letter))
    await driver.settle()
    await driver.settle()


async def test_keys_typed_in_one_go_are_one_decision_each() -> None:
    review = FakeReview(
        [[("result", f"{nth} {'k' * 8}{nth:03}")] for nth in range(12)],
        [Value(f"{'k' * 8}{nth:03}", "token") for nth in range(12)],
    )
    async with reviewing(review) as driver:
        await burst(driver, "a" * 10)
        assert [call[0] for call in review.calls] == ["accept"] * 10
        assert len({call[1] for call in review.calls}) == 10
        assert "2 open" in driver.lines[0]
        assert driver.editor.snapshot.progress == review.progress()


async def test_keys_behind_the_one_that_asks_belong_to_the_question() -> None:
    async with reviewing() as driver:
        await burst(driver, "rk")
        assert [call[3] for call in driver.review.calls] == ["kind"]
    async with reviewing() as driver:
        await driver.press("2", "v", "l", "l")
        await burst(driver, "\nuser\n")
        assert [(call[0], call[3]) for call in driver.review.calls] == [("mark", "user")]


async def test_taking_protection_away_asks_and_offers_this_place_first() -> None:
    async with reviewing() as driver:
        await driver.press("a", "left_square_bracket", "g", "j", "r")
        driver.editor.view.choose(driver.editor.snapshot.groups[0])
        await driver.settle()
        await driver.press("escape", "r", "enter")
        assert driver.review.calls[-1][::3] == ("reject", "place")
        group = driver.editor.snapshot.groups[0]
        assert group.state == "partly"
        assert "±" in driver.screen
    async with reviewing() as driver:
        await driver.press("a")
        driver.editor.view.choose(driver.editor.snapshot.groups[0])
        await driver.settle()
        await driver.press("r", "a")
        assert "replaced in 2 places now" in driver.screen
        await driver.press("enter")
        assert [call[0] for call in driver.review.calls] == ["accept"]
        await driver.press("r", "a", "j", "enter")
        assert driver.review.calls[-1][::3] == ("reject", "all")


async def test_after_all_exact_ones_the_cursor_stands_on_what_is_open() -> None:
    async with reviewing() as driver:
        await driver.press("A", "j", "enter")
        assert driver.editor.group.text == PASSWORD
        assert driver.editor.group.state == "open"


async def test_a_mark_on_what_is_replaced_already_says_so() -> None:
    async with reviewing() as driver:
        await driver.press("a", "u", "a")
        driver.editor.view.choose(driver.editor.snapshot.groups[0])
        await driver.settle()
        await driver.press("2", "v", "enter")
        assert "replaced already" in driver.said
        assert [call[0] for call in driver.review.calls] == ["accept"] * 2
