"""Jump lists: the letters in order, the best first."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tracetui.text.fuzzy import FuzzyIndex, fuzzy_match


def test_whole_words_beat_scattered_letters() -> None:
    index = FuzzyIndex(["great art sunset", "fix the flaky rate limit", "karate"])
    assert [match.item for match in index.search("rate")][:2] == [1, 2]
    assert index.search("rate")[0].positions == (14, 15, 16, 17)


def test_initials() -> None:
    index = FuzzyIndex(["a fur coat and a lid", "fix rate limit"])
    assert index.search("frl")[0].item == 1
    assert index.search("frl")[0].positions == (0, 4, 9)
    assert fuzzy_match("pcr", "parseCommandRow").positions == (0, 5, 12)  # type: ignore[union-attr]


def test_every_term_must_match() -> None:
    index = FuzzyIndex(["codex rate", "claude rate", "codex limit"])
    assert [match.item for match in index.search("rate codex")] == [0]
    assert index.search("rate zzz") == []


def test_capitals_make_it_exact() -> None:
    assert fuzzy_match("Fix", "fix") is None
    assert fuzzy_match("fix", "FIX") is not None


def test_ties_keep_order_and_shorter_first() -> None:
    index = FuzzyIndex(["one two", "one", "one two"])
    assert [match.item for match in index.search("one")] == [1, 0, 2]
    assert [match.item for match in index.search("")] == [0, 1, 2]
    assert [match.item for match in index.search("one", 1)] == [1]


@given(st.text(max_size=30), st.text(min_size=1, max_size=5))
def test_positions_spell_the_pattern(text: str, pattern: str) -> None:
    found = fuzzy_match(pattern, text)
    terms = pattern.split()
    if found is None:
        return
    assert all(0 <= at < len(text) for at in found.positions)
    assert sorted(set(found.positions)) == list(found.positions)
    if len(terms) == 1 and pattern.isascii() and text.isascii():
        spelled = "".join(text[at] for at in found.positions)
        assert spelled == terms[0] or spelled.lower() == terms[0]


@given(st.text("abcAB /", max_size=20), st.text("abc", min_size=1, max_size=4))
def test_finds_exactly_the_subsequences(text: str, pattern: str) -> None:
    rest = iter(text.lower())
    assert (fuzzy_match(pattern, text) is not None) == all(char in rest for char in pattern)
