"""Signs and badges: readable without colour, one cell wide, and in ASCII where the terminal asks for it."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from tracetui.tui.kit import themes
from tracetui.tui.kit.signs import badge, wants_ascii
from tracetui.tui.kit.styles import ROLES, SIGNS, Look


@pytest.fixture
def look() -> Look:
    return Look(dict(themes.load("dark").roles))


def test_every_sign_is_one_cell_in_both_forms_and_has_a_role() -> None:
    for name, sign in SIGNS.items():
        assert cell_len(sign.glyph) == 1, name
        assert len(sign.ascii) == 1, name
        assert sign.ascii.isascii(), name
        assert sign.role in ROLES, name


@pytest.mark.parametrize(
    ("name", "glyph", "ascii_form", "role"),
    [
        ("alive", "●", "+", "good"),
        ("transformed", "◐", "~", "change"),
        ("reverted", "↶", "<", "bad"),
        ("lost", "○", "-", "muted"),
        ("pending", "◌", ".", "pending"),
        ("unknown", "?", "?", "muted"),
        ("failed", "✘", "x", "bad"),
        ("finding", "▲", "!", "warn"),
        ("pointer", "▌", ">", "accent"),
        ("folded", "▸", "]", "muted"),
        ("unfolded", "▾", "v", "muted"),
    ],
)
def test_the_signs_of_the_design(name: str, glyph: str, ascii_form: str, role: str) -> None:
    assert SIGNS[name] == (glyph, ascii_form, role)


def test_a_badge_is_sign_word_and_colour(look: Look) -> None:
    [(text, style)] = badge(look, "transformed", "62 %")
    assert text == "◐ transformed 62 %"
    assert style == look.style("change")
    assert badge(look, "transformed", "62 %", room=14)[0][0] == "◐ transformed"
    assert badge(look, "transformed", "62 %", room=5)[0][0] == "◐"
    assert badge(Look({}, ascii_only=True), "alive")[0][0] == "+ alive"


@pytest.mark.parametrize(
    ("environ", "encoding", "ascii_form"),
    [
        ({"LANG": "en_US.UTF-8"}, "utf-8", False),
        ({"LANG": "C"}, "ascii", True),
        ({"LANG": "ja_JP.UTF-8"}, "utf-8", True),
        ({"LANG": "en_US.UTF-8", "LC_ALL": "zh_CN.UTF-8"}, "UTF-8", True),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "en_GB.UTF-8"}, "UTF8", False),
        ({}, None, True),
    ],
)
def test_who_gets_ascii(environ: dict[str, str], encoding: str | None, ascii_form: bool) -> None:
    assert wants_ascii(environ, encoding) is ascii_form
