"""The nouns: frozen, picklable, quick to make; times."""

import copy
import datetime as dt
import pickle
from dataclasses import FrozenInstanceError, fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracetui.model import Source, Step, Tokens, ToolUse, from_iso

TOOL = ToolUse("Bash", {"command": "ls"}, "a\nb", False, 0, "call-1", 12)
STEP = Step(
    3, "command", "u:0", (Source(1, 2, 3),), 5, "m", None, TOOL, Tokens(1, 2, 3, 4), "ls", "r", "t", True, 2, 0.5
)


def test_every_field_holds_what_was_given_by_place_or_by_name() -> None:
    for value in (STEP, TOOL, Tokens(1, 2, 3, 4)):
        cls = type(value)
        given_ = {item.name: getattr(value, item.name) for item in fields(value)}
        assert cls(**given_) == value
        assert cls(*given_.values()) == value
        assert hash(cls) == hash(type(value))
    assert [getattr(STEP, item.name) for item in fields(STEP)][:5] == [3, "command", "u:0", (Source(1, 2, 3),), 5]


def test_defaults_and_missing_fields() -> None:
    step = Step(1, "event", "k", ())
    assert (step.time, step.summary, step.sidechain, step.images, step.tool) == (None, "", False, 0, None)
    assert Tokens() == Tokens(0, 0, 0, 0)
    with pytest.raises(TypeError, match="kind"):
        Step(1)  # type: ignore[call-arg]


def test_frozen_without_a_dict_and_as_good_as_new_elsewhere() -> None:
    with pytest.raises(FrozenInstanceError):
        STEP.number = 4  # type: ignore[misc]
    assert not hasattr(STEP, "__dict__")
    assert type(STEP) is Step
    assert pickle.loads(pickle.dumps(STEP)) == STEP
    assert copy.deepcopy(STEP) == STEP
    assert replace(STEP, number=9).number == 9
    assert repr(Tokens(1)) == "Tokens(input=1, output=0, cache_read=0, cache_write=0, cache_write_long=0)"


def test_a_subclass_stays_one() -> None:
    class Mine(Tokens):
        __slots__ = ()

    assert type(Mine(1, 2)) is Mine
    assert Mine(1, 2).prompt == 1


def plain(text: str) -> int | None:
    """What a time means, by the standard library alone."""
    if len(text) < 10:
        return None
    try:
        stamp = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    return round((stamp if stamp.tzinfo else stamp.replace(tzinfo=dt.UTC)).timestamp() * 1000)


@given(st.integers(0, 7_000_000_000), st.integers(0, 999))
def test_the_usual_form_of_a_time(second: int, milli: int) -> None:
    stamp = dt.datetime.fromtimestamp(second, dt.UTC)
    text = f"{stamp:%Y-%m-%dT%H:%M:%S}.{milli:03d}Z"
    assert from_iso(text) == plain(text)
    assert from_iso(text) == plain(text)


@given(
    st.integers(0, 23), st.sampled_from("0123456789:+-. TZW\u0661\u00b2"), st.sampled_from(["2026-05-01", "2024-02-29"])
)
def test_a_time_with_one_character_changed(at: int, char: str, day: str) -> None:
    text = f"{day}T12:34:56.789Z"
    assert from_iso(text) == plain(text)
    text = text[:at] + char + text[at + 1 :]
    assert from_iso(text) == plain(text)


@pytest.mark.parametrize("value", [None, 5, "", "today", "2026-05-01T12:34:60.000Z", "2026-13-01T12:34:56.000Z"])
def test_no_time(value: object) -> None:
    assert from_iso(value) is None
