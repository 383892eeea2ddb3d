"""The registry: complete, without clashes, remappable, and the same in code, footer and docs."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from textual import events
from textual.keys import key_to_character
from textual.widgets import Input

import tracetui.tui
from tests.tui.driving import driving
from tests.tui.fakes import FakeBucket, make_session, make_steps
from tracetui.tui.actions import ACTIONS, by_context, display_key, keys_of
from tracetui.tui.kit.actor import Actor, Controller, offers
from tracetui.tui.kit.footer import Footer
from tracetui.tui.kit.keymap import PLACES, problems

ROOT = Path(__file__).resolve().parents[2]


def actors() -> list[type[Actor]]:
    """Every class that takes part in the registry."""
    for module in pkgutil.walk_packages(tracetui.tui.__path__, "tracetui.tui."):
        importlib.import_module(module.name)
    found: list[type[Actor]] = []
    todo = [Actor]
    while todo:
        for sub in todo.pop().__subclasses__():
            if sub.__module__.startswith("tracetui."):
                found.append(sub)
            todo.append(sub)
    return found


def test_ids_are_unique_and_texts_are_there() -> None:
    assert max(Counter(action.id for action in ACTIONS).values()) == 1
    for action in ACTIONS:
        assert action.label
        assert action.group
        assert action.help[0].isupper()
        assert action.help.endswith((".", "…"))
        assert len(action.label.split()) <= 3


def test_no_key_means_two_things_in_one_place() -> None:
    for contexts in {actor.CONTEXTS for actor in actors()}:
        keys = Counter(key for action in by_context(*contexts) for key in action.keys.split(","))
        assert not [key for key, count in keys.items() if count > 1], contexts


def test_every_action_is_carried_out_by_something() -> None:
    able = {
        action.id
        for actor in actors()
        for action in by_context(*actor.CONTEXTS)
        if any(
            hasattr(owner, f"do_{name}")
            for owner in (actor, *actor.CONTROLLERS)
            for name in (action.method, action.like)
        )
    } | {
        action.id
        for controller in Controller.__subclasses__()
        for action in by_context(*controller.CONTEXTS)
        if hasattr(controller, f"do_{action.method}")
    }
    assert not {action.id for action in ACTIONS} - able


def test_a_reason_stands_where_its_handler_is() -> None:
    """The registry asks whoever carries an action out why it may not be; elsewhere a reason would never be heard."""
    for kind in (*actors(), *Controller.__subclasses__()):
        names = {action.method for action in by_context(*kind.CONTEXTS)}
        for name in names:
            assert not hasattr(kind, f"why_{name}") or hasattr(kind, f"do_{name}"), (kind, name)


def test_ctrl_c_and_keys_that_terminals_lack_are_not_bound() -> None:
    for action in ACTIONS:
        for key in action.keys.split(","):
            assert key != "ctrl+c"
            assert not key.startswith(("alt+", "super+", "hyper+"))
            assert "ctrl+shift" not in key


def test_keys_are_written_as_people_write_them() -> None:
    assert display_key("question_mark") == "?"
    assert display_key("ctrl+right_square_bracket") == "ctrl+]"
    action = next(action for action in ACTIONS if action.id == "timeline.next-prompt")
    assert keys_of(action)[0] == "p"
    assert keys_of(action, {"timeline.next-prompt": "ctrl+down"}) == ["ctrl+down"]


def test_docs_are_current() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "keys.py"), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


async def test_keys_are_remapped() -> None:
    bucket = FakeBucket([make_session(0, steps=36)], {1: make_steps(36)})
    async with driving(bucket, config={"keys": {"timeline.next-prompt": "ctrl+n", "main.zoom": "Z"}}) as driver:
        await driver.press("2", "p")
        assert driver.timeline.current.number == 1
        await driver.press("ctrl+n")
        assert driver.timeline.current.number == 13
        assert "ctrl+n prompt" in driver.lines[-1]
        await driver.press("Z")
        assert driver.timeline.size.width == 120


async def test_a_wrong_remap_does_no_harm() -> None:
    async with driving(
        config={"keys": {"no.such": "x", "list.down": "", "list.up": ",,", "main.zoom": "\x1b[31m"}}
    ) as driver:
        await driver.press("2", "1")
        assert driver.app.is_running


async def test_footer_shows_what_works_here_and_a_click_does_it() -> None:
    async with driving() as driver:
        assert driver.lines[-1].startswith(" enter open  / filter")
        assert driver.lines[-1].rstrip().endswith("? keys")
        await driver.press("2")
        assert "/ find" in driver.lines[-1]
        at = driver.lines[-1].index("x error")
        await driver.pilot.click(Footer, offset=(at, 0))
        await driver.settle()
        assert driver.timeline.current.number == 8


async def test_dim_keys_say_why() -> None:
    async with driving() as driver:
        found = {offer.action.id: offer for offer in offers(driver.app)}
        assert found["sessions.clear"].reason == "There is no query to drop."
        await driver.press("backspace")
        assert driver.said == "There is no query to drop."
        await driver.press("ctrl+x")
        assert driver.said == "Nothing is being indexed or worked out."
        await driver.press("2", "m")
        assert driver.said == "m (note) works in the sessions: 1"


def test_keys_that_are_bound_twice_are_named() -> None:
    assert problems({}) == []
    assert problems({"main.zoom": "Z"}) == []
    (clash,) = problems({"sessions.note": "b"})
    assert clash == "The key b is bound twice: sessions.bookmark and sessions.note; sessions.bookmark has it"
    assert problems({"sessions.note": "b", "sessions.bookmark": "m"}) == []
    (unknown,) = problems({"no.such\x1b": "x"})
    assert "\x1b" not in unknown


def test_every_place_of_the_registry_is_looked_at() -> None:
    assert {context for place in PLACES for context in place} == {action.context for action in ACTIONS}


async def test_config_problems_are_told_inside() -> None:
    async with driving(config={"keys": {"sessions.note": "b"}, "problems": ("The config c sets x",)}) as driver:
        assert driver.said.startswith("2 problems with the config, the first: The config c sets x. All: !")
        await driver.press("exclamation_mark")
        assert "The key b is bound twice" in driver.screen
    async with driving() as driver:
        await driver.press("exclamation_mark")
        assert driver.said == "Nothing is wrong with the config file."


async def test_no_key_kills_the_app() -> None:
    """Every default key of every action, one after the other, on a full and on an empty bucket."""
    keys = [key for action in ACTIONS for key in action.keys.split(",") if action.id not in ("app.quit", "main.resume")]
    outside = ("main.editor", "main.pager", "main.image", "main.home")
    shut = {key for action in ACTIONS if action.id in outside for key in action.keys.split(",")}
    keys = [key for key in dict.fromkeys(keys) if key not in shut]  # many keys are those of several places
    assert len(keys) > 60
    for bucket, pane in ((FakeBucket.filled(3), 1), (FakeBucket(), 0)):
        async with driving(bucket) as driver:
            for key in keys:
                while len(driver.app.screen_stack) > 1:
                    driver.app.pop_screen()
                    await driver.pilot.pause()
                if key in ("q", "escape"):
                    continue
                driver.main.arrangement.go(pane)
                await driver.pilot.press(key)
                assert driver.app._exception is None, key
            await driver.settle()


@pytest.mark.parametrize(
    "keys", [("J", "a"), (":",), ("T",), ("F", "x"), ("question_mark",), ("slash", "x"), ("m", "x")]
)
async def test_ctrl_q_leaves_from_everywhere(keys: tuple[str, ...]) -> None:
    async with driving(FakeBucket.filled(3)) as driver:
        await driver.press(*keys)
        await driver.press("ctrl+q")
        assert driver.app._exit


@pytest.mark.parametrize(
    "keys", [("2", "slash"), ("2", "3", "slash"), ("slash",), ("F",), ("J",), ("question_mark", "slash")]
)
async def test_letters_typed_behind_the_key_that_opens_a_line_are_for_that_line(keys: tuple[str, ...]) -> None:
    async with driving(FakeBucket.filled(3)) as driver:
        await driver.press("enter")
        for key in (*keys, *"INJ"):  # as fast as a terminal pastes them; each letter is also a key of the main screen
            driver.app.post_message(events.Key(key, key_to_character(key)))
        await driver.settle()
        focused = driver.app.focused
        assert isinstance(focused, Input)
        assert focused.value == "INJ"
