"""Widths of text in cells: as what paints it has them."""

from __future__ import annotations

import unicodedata

from tracetui.text.width import char_width


def test_widths_are_those_of_what_paints_them() -> None:
    """The app paints by Rich's widths; what is cut by ours must fit there. The last letters of flags and the tones of
    skin, which mean something only behind another sign, are counted otherwise."""
    from rich.cells import get_character_cell_size

    differ = [
        code
        for code in range(0x20, 0x20000)
        if unicodedata.category(chr(code)) not in ("Cn", "Cs", "Co", "Cc")
        and char_width(chr(code)) != get_character_cell_size(chr(code))
    ]
    assert len(differ) < 40
    assert not [code for code in differ if 0x900 <= code <= 0x97F], "Devanagari"
