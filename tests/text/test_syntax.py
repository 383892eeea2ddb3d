"""Colours for code: what is a keyword, and that nothing can make the scanner slow or wrong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracetui.text import syntax
from tracetui.text.syntax import SyntaxTokens, language_of, scan

LANGUAGES = [*syntax._FAMILIES, "markdown", "diff"]
PIECES = [
    *["def", "if", '"', "'", "`", "```\n", "/*", "*/", "//", "#", "--", "\\", "\n", " ", "a", "1", "<", ">", ":", "="],
    *['"""', "**", "$x", "@d", "+", "-", "[/]", "日", "\x1b", "- ", "http://x", "<!--", "-->", "{", "}"],
]
CODE = st.lists(st.sampled_from(PIECES), max_size=60).map("".join)


def _seen(text: str, language: str) -> list[tuple[str, str]]:
    return [(text[start:end], style) for start, end, style in scan(text, 0, len(text), language)]


@pytest.mark.parametrize("language", LANGUAGES)
@given(text=CODE)
def test_tokens_are_in_order_and_never_overlap(language: str, text: str) -> None:
    last = 0
    for start, end, style in scan(text, 0, len(text), language):
        assert last <= start <= end <= len(text)
        assert style
        last = end


@pytest.mark.parametrize("language", LANGUAGES)
@given(text=CODE, low=st.integers(0, 80), size=st.integers(1, 80))
def test_a_window_gives_the_tokens_that_touch_it(language: str, text: str, low: int, size: int) -> None:
    whole = [t for t in scan(text, 0, len(text), language) if t[0] < low + size and t[1] > low]
    tokens = SyntaxTokens(text, 0, len(text), language)
    assert tokens.between(low, low + size) == whole
    assert tokens.between(0, len(text) + 1) == [t for t in scan(text, 0, len(text), language) if t[1] > 0]
    assert tokens.between(low, low + size) == whole, "going back gives the same"


def test_python() -> None:
    seen = _seen(
        '@cached\nasync def f(a="x # y", b=\'it\\\'s\'):  # say\n    """Doc\n  more"""\n    return None, 0x1f\n',
        "python",
    )
    assert seen == [
        ("@cached", "code-name"),
        ("async", "code-keyword"),
        ("def", "code-keyword"),
        ('"x # y"', "code-string"),
        ("'it\\'s'", "code-string"),
        ("# say", "code-comment"),
        ('"""Doc\n  more"""', "code-string"),
        ("return", "code-keyword"),
        ("None", "code-number"),
        ("0x1f", "code-number"),
    ]


def test_c_and_its_kin() -> None:
    seen = _seen('fn main() { // hi\n let url = "http://x"; /* a\nb */ return `a\nb`; }', "c")
    assert ("// hi", "code-comment") in seen
    assert ('"http://x"', "code-string") in seen
    assert ("/* a\nb */", "code-comment") in seen
    assert ("`a\nb`", "code-string") in seen
    assert _seen("see http://example.org now", "c") == [], "an address is no comment"


def test_json_tells_keys_from_strings() -> None:
    assert _seen('{"a" : ["b", true, -1.5e3]}', "json") == [
        ('"a"', "code-name"),
        ('"b"', "code-string"),
        ("true", "code-number"),
        ("1.5e3", "code-number"),
    ]


def test_an_open_string_ends_with_its_line() -> None:
    assert _seen('x = "open\nif y: pass', "python")[0] == ('"open', "code-string")
    assert ("if", "code-keyword") in _seen('x = "open\nif y: pass', "python")


def test_prose() -> None:
    text = (
        "# Head\nplain `code` and **strong** at https://x.y/z\n- item\n  1. other\n> quote\n```py\nif x: pass\n```\nend"
    )
    seen = _seen(text, "markdown")
    assert seen == [
        ("# Head", "accent:b"),
        ("`code`", "code-string"),
        ("**strong**", ":b"),
        ("https://x.y/z", "accent:u"),
        ("-", "accent"),
        ("1.", "accent"),
        ("> quote", "muted"),
        ("```py", "muted"),
        ("if", "code-keyword"),
        ("pass", "code-keyword"),
        ("```", "muted"),
    ]


def test_languages_by_name() -> None:
    assert language_of("src/limit.py") == "python"
    assert language_of("C:\\x\\Main.TSX") == "c"
    assert language_of("Dockerfile") == "shell"
    assert language_of("python") == "python"
    assert language_of("LICENSE") == ""
    assert language_of(None) == ""


@pytest.mark.parametrize("language", LANGUAGES)
def test_openers_without_end_are_passed_once(language: str) -> None:
    """Texts over which a backtracking or restarting scanner takes minutes: the suite would hang, no clock is read."""
    for piece in ("/*", '"""', '"\\', "'", "`", "**", "** `", "<a", "$a", "a", "> ", "```\n", "-- ", "{-", "1.", "://"):
        text = piece * 30_000
        last = 0
        for start, end, _ in scan(text, 0, len(text), language):
            assert last <= start
            last = end
        assert last <= len(text)
