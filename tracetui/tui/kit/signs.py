"""Badges: a sign, its word and its colour together; where there is room for one cell, the sign alone.

The signs themselves and their ASCII forms stand in `look.SIGNS`; this says in what form a terminal can show them.
"""

from __future__ import annotations

from collections.abc import Mapping

from tracetui.text.safe import one_line
from tracetui.tui.kit.paint import Span, cells
from tracetui.tui.kit.styles import Look

__all__ = ["badge", "wants_ascii"]


def wants_ascii(environ: Mapping[str, str], encoding: str | None) -> bool:
    """Whether signs are shown in ASCII unless the config says otherwise: where the output is not UTF-8, and in CJK
    locales, where some of the signs take two cells."""
    locale = environ.get("LC_ALL") or environ.get("LC_CTYPE") or environ.get("LANG") or ""
    utf8 = (encoding or "").lower().replace("-", "").replace("_", "") == "utf8"
    return not utf8 or locale[:2] in ("ja", "ko", "zh")


def badge(look: Look, state: str, detail: str = "", *, room: int | None = None) -> list[Span]:
    """The badge of a state (a name in `look.SIGNS`): ``◐ transformed 62 %``. In less ``room`` than that the detail is
    left out, then the word; the sign always stands."""
    style = look.sign_style(state)
    sign = look.sign(state)
    words = [state, *([one_line(detail)] if detail else [])]
    while words:
        text = " ".join([sign, *words])
        if room is None or cells(text) <= room:
            return [(text, style)]
        words.pop()
    return [(sign, style)]
