"""Fast typists and pasted keys: letters behind the key that opens a line belong to the line."""

from __future__ import annotations

import pytest
from textual import events

from tests.tui.driving import Driver, driving
from tracetui.tui.app import TracetuiApp
from tracetui.tui.browse.capture import CaptureController
from tracetui.tui.browse.indexing import IndexingDone, IndexReport, Scanner
from tracetui.tui.kit.activity import Activity
from tracetui.tui.kit.query_line import QueryLine

NAMES = {"/": "slash", ":": "colon", " ": "space"}


async def burst(driver: Driver, text: str) -> None:
    """All keys before the app looked at the first, as a terminal hands over what was typed while it was busy."""
    for letter in text:
        driver.app.post_message(events.Key(NAMES.get(letter, letter), letter))
    await driver.settle()
    await driver.settle()


@pytest.mark.parametrize("pane", ["1", "2"])
async def test_letters_behind_the_slash_reach_the_line(pane: str) -> None:
    async with driving() as driver:
        await driver.press(pane)
        await burst(driver, "/limit jq")
        assert driver.main.query_one(QueryLine).text == "limit jq"


async def test_keys_behind_a_panes_number_belong_to_that_pane() -> None:
    async with driving() as driver:
        await burst(driver, "2/jq")
        line = driver.main.query_one(QueryLine)
        assert line.text == "jq"
        assert driver.timeline in line.ancestors, "the line of the timeline, not that of the list"
        assert driver.sessions.query_text == ""
    async with driving() as driver:
        await burst(driver, "2jj")
        assert driver.timeline.rows.cursor == 2
        await burst(driver, "1j2")
        assert driver.timeline.rows.has_focus


async def test_letters_behind_a_screens_key_reach_its_line() -> None:
    async with driving() as driver:
        await burst(driver, "Frate limit")
        assert driver.app.screen.query_one(QueryLine).text == "rate limit"


async def test_what_was_captured_is_scanned_in_a_child_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    scanned: list[bool] = []
    monkeypatch.setattr(Scanner, "start", lambda self, paths=(): scanned.append(True))
    async with driving() as driver:
        driver.main.post_message(IndexingDone(IndexReport({}, "Cannot start indexing: no memory")))
        await driver.settle()
        assert scanned == []
        driver.main.post_message(IndexingDone(IndexReport({"new": 1})))
        await driver.settle()
        assert scanned == [True]


async def test_a_scan_waits_until_nobody_types_and_stops_for_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    happened: list[str] = []

    class Process:
        running = False

    process = Process()

    def start(self: Scanner, paths: object = ()) -> bool:
        happened.append("start")
        process.running = True
        return True

    def stop(self: Scanner, *, wait: bool = False) -> None:
        if process.running and not wait:
            happened.append("stop")
            process.running = False
            self._tell(IndexReport({}, stopped=True))

    monkeypatch.setattr(Scanner, "start", start)
    monkeypatch.setattr(Scanner, "stop", stop)
    monkeypatch.setattr(Scanner, "running", property(lambda self: process.running))
    async with driving() as driver:
        capture = next(one for one in driver.main.controllers if isinstance(one, CaptureController))
        monkeypatch.setattr(Activity, "QUIET", 1000.0)
        await driver.press("j")
        driver.main.post_message(IndexingDone(IndexReport({"new": 1})))
        await driver.settle()
        assert happened == [], "somebody types"
        monkeypatch.setattr(Activity, "QUIET", 0.0)
        capture.scan_when_idle()
        assert happened == ["start"]
        capture.scan_when_idle()
        monkeypatch.setattr(Activity, "QUIET", 1000.0)
        await driver.press("k")
        capture.scan_when_idle()
        await driver.settle()
        assert happened == ["start", "stop"]
        monkeypatch.setattr(Activity, "QUIET", 0.0)
        capture.scan_when_idle()
        capture.scan_when_idle()
        assert happened == ["start", "stop", "start"], "it goes on, once"
        driver.app.activity.mode = "never"
        capture.scan_when_idle()
        await driver.settle()
        capture.scan_when_idle()
        assert happened == ["start", "stop", "start", "stop"]


async def test_keys_that_nothing_takes_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several at once that a dialog has no use for, each handed to the focus: none goes round and round."""
    seen: list[str] = []
    real = TracetuiApp.on_key

    def on_key(self: TracetuiApp, event: events.Key) -> None:
        seen.append(event.key)
        if len(seen) < 50:
            real(self, event)

    monkeypatch.setattr(TracetuiApp, "on_key", on_key)
    async with driving() as driver:
        await driver.press("T")
        seen.clear()
        for key in ("f7", "f8", "f9"):
            driver.app.post_message(events.Key(key, None))
        await driver.settle()
        assert len(seen) == 6, "each once, and once more behind the focus"
        await driver.press("escape")
        assert not driver.app.screen.is_modal


async def test_a_key_follows_the_focus_that_moved_while_it_was_on_its_way() -> None:
    async with driving() as driver:
        await driver.press("2")
        key = events.Key("n", "n")
        driver.app._aims[key] = None  # as it came in, a line was being left and nothing had the focus
        key._set_forwarded()
        driver.app.post_message(key)
        await driver.settle()
        assert driver.said == "Nothing was looked for: /", "the timeline's n, not a hint at where it works"
