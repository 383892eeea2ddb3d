"""Motions over text, by the keys that vi gives them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tracetui.text.motion import MOTIONS, find_char, line_end, line_start, token_at, word_at

TEXT = "export TOKEN=ab-cd_1.x  # note\n\nlast line"


def walk(name: str, text: str, at: int = 0) -> list[int]:
    """Where repeated motions stop, until they stop moving."""
    seen = [at]
    while (following := MOTIONS[name](text, seen[-1])) != seen[-1]:
        seen.append(following)
        assert len(seen) < 100
    return seen


def test_words_are_runs_of_letters_or_of_signs() -> None:
    starts = walk("word", TEXT)
    assert [TEXT[at] for at in starts[:8]] == ["e", "T", "=", "a", "-", "c", ".", "x"]
    assert TEXT[starts[-2] :].startswith("line")
    assert [TEXT[: at + 1].split()[-1] for at in walk("word-end", TEXT)[1:3]] == ["export", "TOKEN"]


def test_back_undoes_word() -> None:
    starts = walk("word", TEXT)[:-1]
    assert walk("back", TEXT, starts[-1]) == starts[::-1]


def test_lines() -> None:
    assert line_start(TEXT, 10) == 0
    assert TEXT[line_end(TEXT, 3)] == "e"
    empty = TEXT.index("\n\n") + 1
    assert line_start(TEXT, empty) == line_end(TEXT, empty) == empty
    assert line_end(TEXT, len(TEXT) - 2) == len(TEXT) - 1


def test_find_stays_in_the_line() -> None:
    assert find_char(TEXT, 0, "=") == 12
    assert find_char(TEXT, 12, "=") is None
    assert find_char("ab\nb", 1, "b") is None


def test_a_double_click_takes_a_key_whole() -> None:
    text = 'key = "sk-abc.DEF_1", (see https://e.org/a?b=1).'
    at = text.index("abc")
    assert text[slice(*token_at(text, at))] == "sk-abc.DEF_1"
    assert text[slice(*token_at(text, text.index("see")))] == "see"
    assert text[slice(*token_at(text, text.index('"')))] == '"'
    assert text[slice(*word_at(text, at))] == "abc"


@given(st.text(st.sampled_from("ab_1 -.\n\t日🎉e\u0301\x1b"), max_size=60), st.sampled_from(sorted(MOTIONS)), st.data())
def test_motions_stay_inside(text: str, name: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, max(0, len(text) - 1)))
    found = MOTIONS[name](text, at)
    assert 0 <= found <= max(0, len(text) - 1)
    if name in ("word", "word-end", "right", "line-end", "last"):
        assert found >= at
    if name in ("back", "left", "line-start", "first"):
        assert found <= at
    low, high = token_at(text, at)
    assert 0 <= low <= high <= len(text)


def test_a_word_of_megabytes_is_passed_in_steps() -> None:
    text = "x" * 3_000_000
    assert MOTIONS["word"](text, 10) - 10 <= 70_000
    assert MOTIONS["back"](text, len(text) - 1) >= len(text) - 70_000
