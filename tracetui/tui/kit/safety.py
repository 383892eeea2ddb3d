"""A net under the app: no control character reaches the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from tracetui.text.safe import display_safe, is_display_safe

__all__ = ["ControlFilter"]


# One cell each, as wide as what they stand for; many of them are two cells wide in CJK locales.
_PLAIN: Final = str.maketrans(
    {
        glyph: plain
        for glyphs, plain in (
            ("─━┄┈╌╴╶╸╺", "-"),
            ("│┃┆┊╎╵╷╹╻▏▎▍▌▋▊▉▐▕", "|"),
            ("┌┐└┘├┤┬┴┼╭╮╯╰", "+"),
            ("▁▂▃▄▅▆▇▔", " "),
            ("█", "#"),
            ("·−–—", "-"),
            ("…", "~"),
            ("≈", "~"),
            ("→", ">"),
            ("←", "<"),
            ("×", "x"),
            ("•", "*"),
            ("‘’", "'"),
            ("“”", '"'),
        )
        for glyph in glyphs
    }
)


class ControlFilter(LineFilter):
    """Replaces what `text.safe.display_safe` replaces in every segment of every widget, whoever made it: nothing that
    a log holds can move the cursor, set the clipboard or turn the text around.

    It applies ``others`` (Textual's own filters) as well, so that each strip is looked up in one cache only. With
    ``ascii_only`` frames, scroll bars and the usual marks of prose are drawn in ASCII too, whoever drew them.
    """

    def __init__(self, others: Sequence[LineFilter], *, ascii_only: bool = False) -> None:
        super().__init__()
        self.others = list(others)
        self.ascii_only = ascii_only

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        if not all(segment.control or is_display_safe(segment.text) for segment in segments):
            segments = [
                segment if segment.control else Segment(display_safe(segment.text), segment.style)
                for segment in segments
            ]
        if self.ascii_only:
            segments = [
                segment
                if segment.control or segment.text.isascii()
                else Segment(segment.text.translate(_PLAIN), segment.style)
                for segment in segments
            ]
        for other in self.others:
            segments = other.apply(segments, background)
        return segments
